/*
 * describe.c - one line of text about a stream, for logs and debuggers.
 */
#include "base/line.h"
#include "stream/slot.h"
#include "stream/stream_internal.h"

#include <string.h>

#include "stream/pipe.h"

/* Add a space and the word, if `is_so`. */
static void add_if(struct cst__line *line, bool is_so, const char *word)
{
    if (!is_so)
        return;
    cst__line_char(line, ' ');
    cst__line_add(line, word);
}

/* --- who, and how much ------------------------------------------------------------------------ */

static const char *kind_of(const cst_stream *s)
{
    if (s->hot & IS_TRANSFORM)
        return (s->hot & IS_PASSTHROUGH) ? "passthrough" : "transform";
    if (s->has_readable)
        return s->has_writable ? "duplex" : "readable";
    return "writable";
}

static void add_length(struct cst__line *line, const char *side, size_t length, size_t mark)
{
    cst__line_add(line, side);
    cst__line_number(line, length);
    cst__line_char(line, '/');
    cst__line_number(line, mark);
}

static void add_writable(struct cst__line *line, const cst_stream *s)
{
    add_length(line, "W ", cst__w(s)->length, cst__w(s)->high_water_mark);
    add_if(line, (s->hot & W_WRITING) != 0, "in flight");
    add_if(line, (s->hot & W_ENDING) && !s->w_finished, "ending");
    add_if(line, s->w_finished, "finished");
    cst__line_add(line, ", ");
}

static void add_readable(struct cst__line *line, const cst_stream *s)
{
    add_length(line, "R ", cst__r(s)->length, cst__r(s)->high_water_mark);
    add_if(line, (s->hot & R_FLOWING) != 0, "flowing");
    add_if(line, cst_is_paused(s), "paused");
    add_if(line, (s->hot & R_ENDED) && !s->r_end_emitted, "ending");
    add_if(line, s->r_end_emitted, "ended");
    cst__line_add(line, ", ");
}

/* --- why it does not go on -------------------------------------------------------------------- */

static const char *slot_name(enum cst__slot slot)
{
    static const char names[][10] = {
        [SLOT_NONE] = "",
        [SLOT_READ] = "read",
        [SLOT_WRITE] = "write",
        [SLOT_TRANSFORM] = "transform",
        [SLOT_FINAL] = "final",
        [SLOT_FLUSH_AS_FINAL] = "flush",
        [SLOT_FLUSH_AT_FINISH] = "flush",
        [SLOT_CONSTRUCT] = "construct",
        [SLOT_DESTROY] = "destroy",
    };

    return names[slot];
}

/* Return whether the slot owes its answer. The write of a transform is owed by its slot transform.
 * A write that cst__call_forget has given up is owed by no slot. */
static bool is_owed(const cst_stream *s, enum cst__slot slot)
{
    if (slot == SLOT_WRITE && ((s->hot & IS_TRANSFORM) || (s->owed & WRITE_FORGOTTEN)))
        return false;
    return cst__slot_owes(s, slot);
}

/* Return the slot that owes its answer, or SLOT_NONE. */
static enum cst__slot slot_that_owes(const cst_stream *s)
{
    for (enum cst__slot slot = SLOT_WRITE; slot <= SLOT_DESTROY; slot++) {
        if (is_owed(s, slot))
            return slot;
    }
    return SLOT_NONE;
}

static void add_slot(struct cst__line *line, const char *before, enum cst__slot slot,
                     const char *after)
{
    cst__line_add(line, before);
    cst__line_add(line, slot_name(slot));
    cst__line_add(line, after);
}

/* Name the destinations that the source waits for. One to which two pipes lead is named twice. */
static void add_awaited(struct cst__line *line, const cst_stream *source)
{
    const char *before = "waits for 'drain' of ";

    for (const struct cst__listener *l = source->listeners; l; l = l->next) {
        const struct cst__pipe *pipe;

        if (l->kind != LISTENER_PIPE_SOURCE)
            continue;
        pipe = cst__pipe_of_listener(l);
        if (!pipe->drain || !pipe->drain->awaited)
            continue;
        cst__line_add(line, before);
        cst__line_add(line, pipe->dest->ops->name ? pipe->dest->ops->name : kind_of(pipe->dest));
        before = ", ";
    }
}

/* Return whether chunks or 'end' are still to come, and nobody has asked for them. */
static bool nobody_reads(const cst_stream *s)
{
    return cst__readable_is_there(s) && !s->r_end_emitted && !s->r_has_flowing &&
           !s->r_readable_listening && !s->r_iterated;
}

static bool is_paused(const cst_stream *s)
{
    return cst__readable_is_there(s) && !s->r_end_emitted && !s->r_readable_listening &&
           cst_is_paused(s);
}

/* Return what the stream waits for, if none of the other reasons holds. */
static const char *why_idle(const cst_stream *s)
{
    if (cst__writable_is_there(s) && !(s->hot & W_ENDING))
        return "idle, nobody has ended it";
    if (cst__readable_is_there(s) && !(s->hot & R_ENDED) && !(s->hot & IS_TRANSFORM))
        return s->ops->read && (s->hot & R_READING) ? "the read slot owes a push" : "idle";
    if ((!cst__readable_is_there(s) || s->r_end_emitted) &&
        (!cst__writable_is_there(s) || s->w_finished))
        return s->auto_destroy ? "ended" : "ended, nobody has destroyed it";
    return "its tasks have still to run";
}

/* Add the reason, if no slot owes its answer. */
static void add_reason_idle(struct cst__line *line, const cst_stream *s)
{
    if (s->owed & WRITE_FORGOTTEN) {
        cst__line_add(line, "nobody answers its write");
    } else if (s->hot & R_AWAITING) {
        add_awaited(line, s);
    } else if (s->has_writable && cst__has_enough(s)) {
        cst__line_add(line, "has enough");
    } else if (s->has_writable && (s->hot & W_CORKED)) {
        cst__line_add(line, "corked ");
        cst__line_number(line, cst__w(s)->queue.spare);
    } else if (s->r_flow_cut) {
        cst__line_add(line, "the turn's bytes are spent");
    } else if (is_paused(s)) {
        cst__line_add(line, "paused");
    } else if (nobody_reads(s)) {
        cst__line_add(line, (s->hot & T_KEPT) ? "output full, nobody reads" : "nobody reads");
    } else if (s->hot & T_KEPT) {
        cst__line_add(line, "output full");
    } else {
        cst__line_add(line, why_idle(s));
    }
}

static void add_reason(struct cst__line *line, const cst_stream *s)
{
    enum cst__slot owes = slot_that_owes(s);

    if (s->close_emitted)
        cst__line_add(line, "closed");
    else if (s->slot != SLOT_NONE)
        add_slot(line, "inside the ", (enum cst__slot)s->slot, " slot");
    else if (owes != SLOT_NONE)
        add_slot(line, "the ", owes, " slot owes its answer");
    else if (s->hot & DESTROYED)
        cst__line_add(line, "destroyed, its tasks have still to run");
    else if (!(s->hot & CONSTRUCTED))
        cst__line_add(line, "construct has still to run");
    else
        add_reason_idle(line, s);
}

/* --- flags ------------------------------------------------------------------------------------ */

/* clang-format off */
#define HOT_FLAGS(X)                                                                               \
    X(R_FLOWING) X(R_DATA_LISTENING) X(R_PIPED) X(R_READING) X(R_SYNC) X(R_NEED_READABLE)          \
    X(R_EMITTED_READABLE) X(R_QUEUED) X(R_ENDED) X(R_READING_MORE) X(R_DATA_EMITTED) X(R_AWAITING) \
    X(R_OBJECTS) X(T_KEPT) X(W_WRITING) X(W_SYNC) X(W_NEED_DRAIN) X(W_CORKED) X(W_BUFFERED)        \
    X(W_CLEARING) X(W_ENDING) X(W_KEPT) X(W_VECTOR) X(W_PLAIN) X(W_OBJECTS) X(CONSTRUCTED)         \
    X(DESTROYED) X(ERRORED) X(IS_TRANSFORM) X(IS_PASSTHROUGH) X(ACTIVE)

/* has_readable and has_writable are left out: the kind tells them. */
#define FIELDS(X)                                                                                  \
    X(r_absent) X(r_has_flowing) X(r_paused) X(r_resume_scheduled) X(r_readable_listening)         \
    X(r_eof_readable_pending) X(r_end_scheduled) X(r_end_emitted) X(r_iterated) X(r_flow_cut)      \
    X(r_data_emitted_before) X(r_multi_await) X(r_twins) X(w_absent) X(w_after_write) X(w_ended)   \
    X(w_final_called) X(w_prefinished) X(w_finished) X(w_stays_open) X(auto_destroy) X(emit_close) \
    X(half_open) X(construct_answered) X(error_emitted) X(closed) X(close_emitted) X(dying)        \
    X(listeners_gone) X(listeners_front)
/* clang-format on */

#define OR_FLAG(name) | name
_Static_assert((0 HOT_FLAGS(OR_FLAG)) == 0x7FFFFFFF, "every flag of enum cst__hot, once");
#undef OR_FLAG

static void add_flags(struct cst__line *line, const cst_stream *s)
{
    cst__line_add(line, "  ");
#define ADD_FLAG(name) add_if(line, (s->hot & name) != 0, #name);
#define ADD_FIELD(name) add_if(line, s->name, #name);
    HOT_FLAGS(ADD_FLAG)
    FIELDS(ADD_FIELD)
#undef ADD_FLAG
#undef ADD_FIELD
}

/* --- the line --------------------------------------------------------------------------------- */

static void add_stream(struct cst__line *line, const cst_stream *s)
{
    cst__line_add(line, kind_of(s));
    if (s->ops->name)
        add_if(line, strcmp(s->ops->name, kind_of(s)) != 0, s->ops->name);
    cst__line_add(line, "   ");
    if (cst__writable_is_there(s))
        add_writable(line, s);
    if (cst__readable_is_there(s))
        add_readable(line, s);
    cst__line_number(line, s->refs);
    cst__line_add(line, s->refs == 1 ? " ref   " : " refs   ");
    add_reason(line, s);
    if (s->hot & ERRORED) {
        cst__line_add(line, ", error ");
        cst__line_add(line, cst_status_name(s->error.status));
    }
    add_flags(line, s);
}

cst_status cst_stream_describe(char *to, size_t *size, const cst_stream *s)
{
    struct cst__line line;

    if (!size || !s || (!to && *size))
        return CST_E_INVALID_ARG;
    line = cst__line_begin(to, *size);
    cst__enter(s->ctx); /* the lengths may lag */
    add_stream(&line, s);
    cst__leave(s->ctx);
    return cst__line_end(&line, size);
}

/*
 * stream.c - makes, constructs and frees streams. It has the table of tasks, whose functions are in
 * many files of the room.
 */
#include "stream/stream_internal.h"

#include <string.h>

#include "express/express.h"

/* --- life ------------------------------------------------------------------------------------- */

static cst_stream *stream_of(const struct cst__child *child)
{
    return cst__container_of((uintptr_t)child, cst_stream, child);
}

static size_t writable_size(bool writable)
{
    return writable ? sizeof(struct writable) : 0;
}

static inline size_t stream_size(bool readable, bool writable, size_t self_size)
{
    size_t before = writable_size(writable);

    if (self_size)
        return before + cst__self_offset(readable, writable) + self_size;
    return before + sizeof(cst_stream) + (readable ? sizeof(struct readable) : 0);
}

static void end_stream(struct cst__child *child)
{
    cst__destroy(stream_of(child), NULL);
}

static void settle_requests(cst_stream *s)
{
    if (s->has_writable && cst__writable_owes(s))
        cst__writable_settle(s);
}

static void settle_stream(struct cst__child *child)
{
    cst_stream *s = stream_of(child);

    settle_requests(s);
    cst__emit(s, CST__EVENT_LAST_CALL);
}

static void fini_readable(cst_stream *s)
{
    cst__decoder_free(s);
    cst__row_fini(&cst__r(s)->buffer, cst__pool_allocator(&s->ctx->pool));
}

static bool holds_something(const cst_stream *s)
{
    return s->listeners || (s->has_readable && cst__readable_holds(s)) ||
           (s->has_writable && cst__writable_holds(s));
}

OUT_OF_LINE void let_go_of_all(cst_stream *s)
{
    if (s->has_readable)
        fini_readable(s);
    if (s->has_writable)
        cst__writable_fini(s);
    cst__listeners_free(s);
}

static void drop_stream(struct cst__child *child)
{
    cst_stream *s = stream_of(child);

    if (holds_something(s))
        let_go_of_all(s);
    cst__free(s->ctx, (char *)s - writable_size(s->has_writable),
              stream_size(s->has_readable, s->has_writable, s->ops->self_size));
}

/* Free a stream, unless a callback that was still owed has taken a new reference. */
static bool reap_stream(struct cst__child *child)
{
    cst_stream *s = stream_of(child);

    settle_requests(s);
    if (s->refs) {
        s->dying = false;
        return false;
    }
    drop_stream(child);
    return true;
}

/* --- construct -------------------------------------------------------------------------------- */

void cst__construct_start(cst_stream *s)
{
    s->hot &= NOT(CONSTRUCTED);
    cst__post_for(s, TASK_CONSTRUCT);
}

void cst__run_construct(cst_stream *s)
{
    cst_status status = cst__call_construct(s);

    if (status != CST_PENDING)
        cst__construct_answered(s, status > 0 ? CST_OK : status);
}

static void constructed_readable(cst_stream *s)
{
    if (s->hot & R_NEED_READABLE)
        cst__maybe_read_more(s);
}

static void constructed_writable(cst_stream *s)
{
    if (!(s->hot & W_WRITING))
        cst__queue_clear(s);
    if (s->hot & W_ENDING)
        cst__finish_maybe(s, false);
    if (s->hot & W_CORKED)
        cst__hold_flush(s);
}

void cst__run_constructed(cst_stream *s, cst_status status)
{
    cst_error error = cst__error_here(s, status, CST_NO_DIRECTION);

    s->hot |= CONSTRUCTED;
    if (s->hot & DESTROYED) {
        if (s->close_status == CST_OK)
            s->close_status = status;
        cst__destroy_by_slot(s);
    } else if (status < 0) {
        cst__error_or_destroy(s, &error, true);
    } else {
        if (s->has_readable)
            constructed_readable(s);
        if (s->has_writable)
            constructed_writable(s);
    }
}

void cst__run_constructed_again(cst_stream *s, cst_status status)
{
    cst_error error =
        cst__error_here(s, status < 0 ? status : CST_E_MULTIPLE_CALLBACK, CST_NO_DIRECTION);

    cst__error_or_destroy(s, &error, false);
}

void cst__construct_answered(cst_stream *s, cst_status status)
{
    if (s->construct_answered) {
        if (!cst__try_post(s, TASK_CONSTRUCTED_AGAIN, status))
            cst__run_constructed_again(s, status);
        return;
    }
    s->construct_answered = true;
    if (!cst__try_post(s, TASK_CONSTRUCTED, status))
        cst__run_constructed(s, status);
}

/* --- the table -------------------------------------------------------------------------------- */

/* The tasks that need no status. Without room in the queue, the stream notes them by their kind. */
static void (*const noted_tasks[])(cst_stream *s) = {
    [TASK_READABLE] = cst__run_readable,
    [TASK_READ_MORE] = cst__run_read_more,
    [TASK_RESUME] = cst__run_resume,
    [TASK_END] = cst__run_end,
    [TASK_FLOW] = cst__run_flow,
    [TASK_READ] = cst__run_read,
    [TASK_MODE] = cst__run_mode,
    [TASK_PIPE_END] = cst__run_pipe_end,
    [TASK_AUTO_END] = cst__run_auto_end,
    [TASK_FAIL_QUEUE] = cst__run_fail_queue,
    [TASK_FINISH_IF_STILL] = cst__run_finish_if_still,
    [TASK_FINISH] = cst__run_finish,
    [TASK_CONSTRUCT] = cst__run_construct,
    [TASK_ERROR] = cst__run_error,
    [TASK_CLOSE] = cst__run_close,
};

OUT_OF_LINE void run_other_task(cst_stream *s, unsigned kind, cst_status status)
{
    if (kind == TASK_AFTER_WRITE)
        cst__run_after_write(s);
    else if (kind == TASK_WRITE_FAILED)
        cst__run_write_failed(s, status);
    else if (kind == TASK_COMPLETE_WRITE)
        cst__write_complete(s, CST_OK);
    else if (kind == TASK_CONSTRUCTED)
        cst__run_constructed(s, status);
    else
        cst__run_constructed_again(s, status);
}

static void run_task(void *subject, unsigned kind, cst_status status)
{
    cst_stream *s = subject;

    if (kind <= TASK_CLOSE)
        noted_tasks[kind](s);
    else
        run_other_task(s, kind, status);
    cst__release(s);
}

/* Run one task that the stream has noted, since the queue had no room: that of the lowest kind.
 * Return false if there is none. */
static bool run_overflow(struct cst__child *child)
{
    cst_stream *s = stream_of(child);

    for (unsigned kind = TASK_READABLE; kind <= TASK_CLOSE; kind++) {
        if (!(s->overflow & 1u << kind))
            continue;
        s->overflow = (uint16_t)(s->overflow & ~(1u << kind));
        run_task(s, kind, CST_OK);
        return true;
    }
    return false;
}

static const struct cst__child_ops child_ops = { .end = end_stream,
                                                 .settle = settle_stream,
                                                 .drop = drop_stream,
                                                 .reap = reap_stream,
                                                 .run = run_task,
                                                 .run_overflow = run_overflow,
                                                 .show = cst__express_show,
                                                 .hear = cst__pipe_hear,
                                                 .unlinked = cst__pipe_unlinked,
                                                 .stream_freed = cst__pipe_stream_freed,
                                                 .deliver = cst__pipe_deliver,
                                                 .readable = cst__run_readable,
                                                 .turn_over = cst__dormant_turn_over };

/* --- making ----------------------------------------------------------------------------------- */

static size_t readable_mark(const cst_stream *s, const cst_opts *opts, bool both, bool objects)
{
    size_t mark = opts->high_water_mark;

    if (!mark && both)
        mark = opts->readable_high_water_mark;
    if (!mark)
        return s->ctx->default_mark[objects];
    return mark == CST_HWM_ZERO ? 0 : mark;
}

static void init_readable(cst_stream *s, const cst_opts *opts, bool both)
{
    bool objects = opts->object_mode || (both && opts->readable_object_mode);

    cst__readable_start(s, readable_mark(s, opts, both, objects));
    if (objects)
        s->hot |= R_OBJECTS;
    if (both && opts->no_readable) {
        s->hot |= R_ENDED;
        s->r_absent = s->r_end_emitted = true;
    }
}

/* In a transform whose readable highWaterMark is set to 0, the writable one is 0 by default too. */
static size_t writable_mark(const cst_stream *s, const cst_opts *opts, bool both, bool objects)
{
    size_t mark = opts->high_water_mark;
    size_t readable_mark = mark ? mark : opts->readable_high_water_mark;

    if ((s->hot & IS_TRANSFORM) && readable_mark == CST_HWM_ZERO)
        mark = opts->writable_high_water_mark ? opts->writable_high_water_mark : CST_HWM_ZERO;
    if (!mark && both)
        mark = opts->writable_high_water_mark;
    if (!mark)
        return s->ctx->default_mark[objects];
    return mark == CST_HWM_ZERO ? 0 : mark;
}

static void init_writable(cst_stream *s, const cst_opts *opts, bool both)
{
    bool objects = opts->object_mode || (both && opts->writable_object_mode);

    cst__writable_start(s, writable_mark(s, opts, both, objects));
    if (objects)
        s->hot = (s->hot & NOT(W_PLAIN)) | W_OBJECTS;
    if (both && opts->no_writable) {
        s->hot |= W_ENDING;
        s->w_absent = s->w_ended = s->w_finished = true;
    }
}

/* Return whether no option is set but high_water_mark. The switches lie side by side, and eight of
 * them are tested at once. */
static inline bool are_plain(const cst_opts *opts)
{
    const size_t first = offsetof(cst_opts, object_mode);
    uint64_t eight;

    _Static_assert(offsetof(cst_opts, no_pipe_end) == offsetof(cst_opts, object_mode) + 8,
                   "nine switches, no_pipe_end the last");
    memcpy(&eight, (const char *)opts + first, sizeof(eight));
    return !((eight | opts->no_pipe_end) |
             (opts->readable_high_water_mark | opts->writable_high_water_mark));
}

/* Initialise the sides by all options. */
OUT_OF_LINE void init_by_options(cst_stream *s, const cst_opts *opts)
{
    bool both = s->has_readable && s->has_writable;

    if (opts->no_auto_destroy)
        s->auto_destroy = false;
    if (opts->no_emit_close)
        s->emit_close = false;
    if (opts->no_half_open)
        s->half_open = false;
    if (opts->no_pipe_end)
        s->w_stays_open = true;
    if (s->has_readable)
        init_readable(s, opts, both);
    if (s->has_writable)
        init_writable(s, opts, both);
}

/* Initialise the sides if no option is set but high_water_mark (are_plain). */
static inline void init_plainly(cst_stream *s, size_t mark, bool readable, bool writable)
{
    if (!mark)
        mark = s->ctx->default_mark[false];
    else if (mark == CST_HWM_ZERO)
        mark = 0;
    if (readable)
        cst__readable_start(s, mark);
    if (writable)
        cst__writable_start(s, mark);
}

/* Copy the initial value of the user's state; without one it is zeroes. */
ALWAYS_INLINE void init_self(void *self, const void *from, size_t size)
{
    if (from)
        memcpy(self, from, size);
    else
        memset(self, 0, size);
}

enum sides { READABLE_SIDE, WRITABLE_SIDE, BOTH_SIDES };

/* Make a stream. Inlined into each constructor, where the kind and so the layout are constants. */
ALWAYS_INLINE cst_status make_stream(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                     const void *self, const cst_opts *opts, enum sides sides,
                                     uint32_t hot)
{
    const bool readable = sides != WRITABLE_SIDE, writable = sides != READABLE_SIDE;
    cst_stream *s;
    char *base;

    if (!out || !ctx || !ops)
        return CST_E_INVALID_ARG;
    if (ctx->closing)
        return CST_E_DESTROYED;
    if (ops->self_size > SIZE_MAX / 2)
        return CST_E_NOMEM;
    base = cst__alloc(ctx, stream_size(readable, writable, ops->self_size));
    if (!base)
        return CST_E_NOMEM;
    s = (cst_stream *)(void *)(base + writable_size(writable));
    *s = (cst_stream){ .hot = hot | CONSTRUCTED, .ctx = ctx, .ops = ops, .refs = 1 };
    /* Not in the initialiser: there tcc 0.9.27 does not clear the other bits. */
    s->has_readable = readable;
    s->has_writable = writable;
    s->auto_destroy = s->emit_close = s->half_open = true;
    if (!opts || are_plain(opts))
        init_plainly(s, opts ? opts->high_water_mark : 0, readable, writable);
    else
        init_by_options(s, opts);
    if (ops->self_size)
        init_self((char *)s + cst__self_offset(readable, writable), self, ops->self_size);
    cst__child_add(ctx, &s->child, &child_ops);
    if (ops->construct)
        cst__construct_start(s);
    *out = s;
    return CST_OK;
}

cst_status cst_readable_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                            const cst_opts *opts)
{
    return make_stream(out, ctx, ops, self, opts, READABLE_SIDE, 0);
}

cst_status cst_writable_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                            const cst_opts *opts)
{
    if (!ops || (!ops->write && !ops->writev))
        return CST_E_INVALID_ARG;
    return make_stream(out, ctx, ops, self, opts, WRITABLE_SIDE, 0);
}

cst_status cst_duplex_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                          const cst_opts *opts)
{
    if (!ops || (!ops->write && !ops->writev && !(opts && opts->no_writable)))
        return CST_E_INVALID_ARG;
    return make_stream(out, ctx, ops, self, opts, BOTH_SIDES, 0);
}

cst_status cst_transform_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                             const cst_opts *opts)
{
    if (!ops || !ops->transform)
        return CST_E_INVALID_ARG;
    return make_stream(out, ctx, ops, self, opts, BOTH_SIDES, IS_TRANSFORM);
}

cst_status cst_passthrough_new_with(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                    const void *self, const cst_opts *opts)
{
    if (!ops || ops->transform)
        return CST_E_INVALID_ARG;
    return make_stream(out, ctx, ops, self, opts, BOTH_SIDES, IS_TRANSFORM | IS_PASSTHROUGH);
}

cst_status cst_passthrough_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts)
{
    static const cst_ops passthrough_ops = { .name = "passthrough" };

    return cst_passthrough_new_with(out, ctx, &passthrough_ops, NULL, opts);
}

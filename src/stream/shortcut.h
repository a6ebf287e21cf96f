/*
 * shortcut.h - the way of a chunk when nothing stands in it.
 *
 * A chunk that comes to a pipe goes through idle pass-throughs into a sink that answers at once: that is what streams do
 * nearly all of the time. In the general way this is a write inside a push inside a write, a frame or five for each stage,
 * with a question at every turn. Each shortcut here asks them all at once, by one comparison of the flags, does what the
 * general functions would have done, and asks again when user code has run: where anybody has touched the stream
 * meanwhile, the general functions finish. So the states that user code sees, and the order of what happens, are the same.
 *
 *   write_idle   cst__write without a callback, to a sink that is idle
 *   queue_write  the same, to a stream whose writes have to wait
 *   deliver      what the 'data' listener of a pipe does: through idle pass-throughs, and into such a sink; or into the
 *                queue of one whose last write is still in flight
 *
 * The pass-throughs on the way are not even touched: what they would be in the meantime is written into them when
 * somebody might look (cst__show), which is whenever user code calls the library before the sink has answered.
 *
 * Others: a source in full flow, and a pass-through that is full (flow.c); push (readable.c); a completion by which the next
 * write begins (writable.c, complete_and_go_on).
 */
#ifndef CSTREAM_SHORTCUT_H
#define CSTREAM_SHORTCUT_H

#include "stream/stream_internal.h"

/* Inlined wherever it is used: the calls are what would cost most. And the general way beside a shortcut: out of line, so
 * that the shortcut saves no registers for it. */
#ifdef __GNUC__
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define OUT_OF_LINE static __attribute__((noinline))
#else
#define ALWAYS_INLINE static inline
#define OUT_OF_LINE static
#endif

/* --- a write -------------------------------------------------------------------------------------------------------- */

/* A sink is idle, in bytes, and nobody waits for anything of it. */
#define IDLE (CONSTRUCTED | W_PLAIN | W_ACTIVE)
#define IDLE_NOT (W_WRITING | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | DESTROYED | ERRORED)

#define IN_FLIGHT (W_WRITING | W_SYNC | W_EXPECTING)

/* When its slot has answered CST_OK, all that is left to do is to say so. */
#define DONE_NOT (W_BUFFERED | W_ENDING | W_NEED_DRAIN | DESTROYED | ERRORED)

ALWAYS_INLINE bool is_idle(const cst_stream *s)
{
    return (s->flags & (IDLE | IDLE_NOT)) == IDLE && s->slot == SLOT_NONE;
}

ALWAYS_INLINE cst_status write_idle(cst_stream *s, const cst_slice *chunk)
{
    struct writable *w = cst__w(s);
    cst_status status;

    s->flags |= IN_FLIGHT;
    w->length = w->flight_length = chunk->len;
    status = s->ops->write(s, cst__self(s), chunk);
    if (status != CST_OK || (s->flags & (IN_FLIGHT | DONE_NOT)) != IN_FLIGHT)
        return cst__write_returned(s, chunk, status);
    s->flags &= ~IN_FLIGHT;
    w->length = 0;
    cst__stream_check(s);
    return CST_OK;
}

/* A stream of bytes that has to take a write into its queue: the last one is in flight, or it is corked. */
#define QUEUES (CONSTRUCTED | HAS_WRITABLE)
#define QUEUES_NOT (W_ENDING | W_OBJECTS | DESTROYED | ERRORED)

ALWAYS_INLINE bool queues(const cst_stream *s, size_t len)
{
    const struct writable *w = cst__w(s);

    return (s->flags & (QUEUES | QUEUES_NOT)) == QUEUES && (s->flags & (W_WRITING | W_CORKED)) &&
           cst__row_has_room(&w->queue) && len <= SIZE_MAX - w->length;
}

/* cst__write of a chunk that is taken, without a callback. */
ALWAYS_INLINE cst_status queue_write(cst_stream *s, const cst_slice *chunk)
{
    struct writable *w = cst__w(s);

    cst__row_push(&w->queue, chunk);
    w->length += chunk->len;
    if (w->length < w->high_water_mark || w->length == 0) {
        s->flags |= W_BUFFERED;
        return CST_OK;
    }
    s->flags |= W_BUFFERED | W_NEED_DRAIN;
    return CST_FULL;
}

/* --- pass-throughs in a row ------------------------------------------------------------------------------------------ */

#define LONGEST_WALK 32

/* An idle pass-through whose output flows into one pipe. */
#define PASSES (IS_PASSTHROUGH | CONSTRUCTED | R_FLOWING | R_DATA_LISTENING | R_PIPED)
#define PASSES_NOT                                                                             \
    (R_SYNC | R_QUEUED | R_ENDED | R_AWAITING | R_OBJECTS | W_OBJECTS | W_WRITING | W_CORKED | \
     W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | DESTROYED | ERRORED)

/* One that is afterwards as it was before: the task that reads ahead is queued. */
#define UNTOUCHED (PASSES | R_DATA_EMITTED | R_READING_MORE)
#define UNTOUCHED_NOT (PASSES_NOT | R_READING)

/** A chunk on its way through stages, from the destination of first on; all of them UNTOUCHED. */
struct cst__passing {
    struct cst__pipe *first;
    size_t count;
    size_t len;
    struct cst__pipe *entered[LONGEST_WALK]; /* the pipes to them, once they are shown */
};

/* --- what a pipe does with a chunk ------------------------------------------------------------------------------------ */

/*
 * The chunk is not empty, and ctx is the context of all. Where stages lead back to one that was passed already, or there
 * are too many, the walk comes to an end at its limit, and is done again with every stage marked.
 */
ALWAYS_INLINE void deliver(cst_ctx *ctx, struct cst__pipe *pipe, const cst_slice *chunk)
{
    struct cst__passing passing;
    struct cst__pipe *last = pipe;
    size_t count = 0;
    cst_status st;

    while ((last->dest->flags & (UNTOUCHED | UNTOUCHED_NOT)) == UNTOUCHED && count < LONGEST_WALK) {
        last = cst__r(last->dest)->sole_pipe;
        count++;
    }
    passing.first = pipe;
    passing.count = count;
    passing.len = chunk->len;
    if (!is_idle(last->dest)) {
        cst__deliver_to_busy(&passing, last, chunk);
        return;
    }
    ctx->passing = &passing;
    st = write_idle(last->dest, chunk);
    if (st != CST_OK || ctx->passing != &passing)
        cst__passing_seen(&passing, last, st);
    else
        ctx->passing = NULL;
}

#endif

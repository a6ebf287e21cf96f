/*
 * shortcut.h - the way of a chunk when nothing stands in it.
 *
 * A chunk that comes to a pipe goes through idle pass-throughs into a sink that answers at once: that is what streams do
 * nearly all of the time. In the general way this is a write inside a push inside a write, a frame or five for each stage,
 * with a question at every turn. Each shortcut here asks them all at once, by one comparison of the flags, does what the
 * general functions would have done, and asks again when user code has run: where anybody has touched the stream
 * meanwhile, the general functions finish. So the states that user code sees, and the order of what happens, are the same.
 *
 *   write_now    cst__write without a callback, to a sink that is idle
 *   enter_stage  what cst__write, the pass-through and cst__push do before 'data' is emitted
 *   leave_stage  what they do after it
 *   deliver      what the 'data' listener of a pipe does
 *
 * The loop of a source in full flow is in readable.c (flow_on).
 */
#ifndef CSTREAM_SHORTCUT_H
#define CSTREAM_SHORTCUT_H

#include "stream/stream_internal.h"

/* Inlined wherever it is used: the calls are what would cost most. */
#ifdef __GNUC__
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif

/* --- a write -------------------------------------------------------------------------------------------------------- */

/* A sink is idle, in bytes, and nobody waits for anything of it. */
#define IDLE CONSTRUCTED
#define IDLE_NOT                                                                              \
    (W_WRITING | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | W_OBJECTS | IS_TRANSFORM | \
     DESTROYED | ERRORED)

#define IN_FLIGHT (W_WRITING | W_SYNC | W_EXPECTING)

/* When its slot has answered CST_OK, all that is left to do is to say so. */
#define DONE_NOT (W_BUFFERED | W_ENDING | W_NEED_DRAIN | DESTROYED | ERRORED)

ALWAYS_INLINE cst_status write_now(cst_stream *s, const cst_slice *chunk)
{
    struct writable *w = cst__w(s);
    cst_status status;

    if ((s->flags & (IDLE | IDLE_NOT)) != IDLE || s->slot != SLOT_NONE || !s->ops->write)
        return cst__write(s, chunk, NULL, NULL);
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

/* --- pass-throughs in a row ------------------------------------------------------------------------------------------ */

#define LONGEST_WALK 32

/* An idle pass-through whose output flows into one pipe. */
#define PASSES (IS_PASSTHROUGH | CONSTRUCTED | R_FLOWING | R_DATA_LISTENING | R_PIPED)
#define PASSES_NOT                                                                             \
    (R_SYNC | R_QUEUED | R_ENDED | R_AWAITING | R_OBJECTS | W_OBJECTS | W_WRITING | W_CORKED | \
     W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | DESTROYED | ERRORED)

/* One that was entered, and that nobody has touched since. Whether it still flows does not matter. */
#define ENTERED (IS_PASSTHROUGH | CONSTRUCTED | R_READING_MORE | IN_FLIGHT)
#define ENTERED_NOT                                                                              \
    (R_READING | R_QUEUED | R_ENDED | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | \
     DESTROYED | ERRORED)

ALWAYS_INLINE bool passes(const cst_stream *s)
{
    return (s->flags & (PASSES | PASSES_NOT)) == PASSES;
}

ALWAYS_INLINE void enter_stage(cst_stream *s, size_t len)
{
    s->flags = (s->flags & ~R_READING) | IN_FLIGHT | R_DATA_EMITTED;
    cst__w(s)->length = len;
}

ALWAYS_INLINE cst_status leave_stage(cst_stream *s, size_t len)
{
    if ((s->flags & (ENTERED | ENTERED_NOT)) != ENTERED)
        return cst__stage_returned(s, len);
    s->flags &= ~IN_FLIGHT;
    cst__w(s)->length = 0;
    return CST_OK;
}

/* --- what a pipe does with a chunk ------------------------------------------------------------------------------------ */

ALWAYS_INLINE void deliver(struct cst__pipe *pipe, const cst_slice *chunk)
{
    struct cst__pipe *entered[LONGEST_WALK];
    struct cst__pipe **end = entered;
    cst_status st;

    if (chunk->len != 0) {
        while (passes(pipe->dest) && end < entered + LONGEST_WALK) {
            enter_stage(pipe->dest, chunk->len);
            *end++ = pipe;
            pipe = cst__r(pipe->dest)->sole_pipe;
        }
    }
    st = write_now(pipe->dest, chunk);
    if (st != CST_OK)
        cst__pipe_heed(pipe, st);
    while (end > entered) {
        pipe = *--end;
        st = leave_stage(pipe->dest, chunk->len);
        if (st != CST_OK)
            cst__pipe_heed(pipe, st);
    }
}

#endif

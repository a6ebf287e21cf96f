/*
 * walk.c
 */
#include "stream/stream_internal.h"

/* --- pass-throughs in a row ------------------------------------------------------------------------------------------- */

/*
 * A chunk that comes to an idle pass-through whose output flows into a pipe goes straight on. In the general way a write
 * runs inside a push inside a write, a frame or five for each stage. Here the stages are entered one after another, the
 * chunk is written to what comes behind them, and they are left in the reverse order: the same states and the same calls
 * in the same order, without the frames.
 *
 *   enter_stage  is what cst__write, the pass-through and cst__push do before 'data' is emitted
 *   leave_stage  is what they do after it; where somebody has touched the stage meanwhile, by the general functions
 */
#define LONGEST_WALK 64

#define PASSES (IS_PASSTHROUGH | CONSTRUCTED | R_FLOWING | R_DATA_LISTENING)
#define PASSES_NOT                                                                             \
    (R_SYNC | R_ENDED | R_OBJECTS | W_OBJECTS | W_WRITING | W_CORKED | W_BUFFERED | W_ENDING | \
     W_NEED_DRAIN | T_KEPT | DESTROYED | ERRORED)

/* The flags of a stage that was entered, and that nobody has touched since. Whether it still flows does not matter. */
#define ENTERED (IS_PASSTHROUGH | CONSTRUCTED | W_WRITING | W_SYNC | W_EXPECTING)
#define ENTERED_NOT                                                                               \
    (R_READING | R_ENDED | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | DESTROYED | \
     ERRORED)

static bool passes(const cst_stream *s)
{
    return (s->flags & (PASSES | PASSES_NOT)) == PASSES && cst__r(s)->length == 0 &&
           (s->flags & R_PIPED) && !(s->flags & R_AWAITING);
}

static void enter_stage(cst_stream *s, size_t len)
{
    struct writable *w = cst__w(s);

    s->flags = (s->flags & ~R_READING) | W_WRITING | W_SYNC | W_EXPECTING | R_DATA_EMITTED;
    w->length = len;
    w->flight_length = len;
}

static cst_status leave_stage(cst_stream *s, size_t len)
{
    struct writable *w = cst__w(s);

    cst__maybe_read_more(s);
    if ((s->flags & (ENTERED | ENTERED_NOT)) == ENTERED && cst__r(s)->length == 0 &&
        w->length == len) {
        s->flags &= ~(W_WRITING | W_SYNC | W_EXPECTING);
        w->length = 0;
        return CST_OK;
    }
    cst__transform_settle(s, 0);
    s->flags &= ~W_SYNC;
    return cst__write_result(s);
}

void cst__pipe_deliver(struct cst__pipe *pipe, const cst_slice *chunk)
{
    struct cst__pipe *entered[LONGEST_WALK];
    unsigned n = 0;

    if (chunk->len != 0) {
        while (n < LONGEST_WALK && passes(pipe->dest)) {
            enter_stage(pipe->dest, chunk->len);
            entered[n++] = pipe;
            pipe = cst__r(pipe->dest)->sole_pipe;
        }
    }
    cst__pipe_heed(pipe, cst__write(pipe->dest, chunk, NULL, NULL));
    while (n > 0) {
        pipe = entered[--n];
        cst__pipe_heed(pipe, leave_stage(pipe->dest, chunk->len));
    }
}

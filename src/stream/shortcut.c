/*
 * shortcut.c - the way of a chunk when something stands in it after all.
 */
#include "stream/shortcut.h"

/* One that was entered, and that nobody has touched since. Whether it still flows does not matter. */
#define ENTERED (IS_PASSTHROUGH | CONSTRUCTED | R_READING_MORE | IN_FLIGHT)
#define ENTERED_NOT                                                                              \
    (R_READING | R_QUEUED | R_ENDED | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | \
     DESTROYED | ERRORED)

/* What cst__write, the pass-through and cst__push do before 'data' is emitted. */
static void enter_stage(cst_stream *s, size_t len)
{
    s->flags = (s->flags & ~R_READING) | IN_FLIGHT | W_ACTIVE | R_DATA_EMITTED;
    cst__w(s)->length = len;
}

/* What they do after it; gives what the write says. */
static cst_status leave_stage(cst_stream *s, size_t len)
{
    struct writable *w = cst__w(s);

    if ((s->flags & (ENTERED | ENTERED_NOT)) == ENTERED) {
        s->flags &= ~IN_FLIGHT;
        w->length = 0;
        return CST_OK;
    }
    w->flight_length = len;
    w->in_flight = NULL;
    cst__maybe_read_more(s);
    cst__transform_settle(s, 0);
    s->flags &= ~W_SYNC;
    return cst__write_result(s);
}

static void leave_stages(struct cst__pipe **entered, size_t count, size_t len)
{
    while (count > 0) {
        struct cst__pipe *pipe = entered[--count];

        cst__pipe_heed(pipe, leave_stage(pipe->dest, len));
    }
}

void cst__show_passing(cst_ctx *ctx)
{
    struct cst__passing *passing = ctx->passing;
    struct cst__pipe *pipe = passing->first;

    ctx->passing = NULL;
    for (size_t i = 0; i < passing->count; i++) {
        enter_stage(pipe->dest, passing->len);
        passing->entered[i] = pipe;
        pipe = cst__r(pipe->dest)->sole_pipe;
    }
}

void cst__passing_seen(struct cst__passing *passing, struct cst__pipe *last, cst_status st)
{
    cst_ctx *ctx = last->dest->ctx;

    if (ctx->passing == passing)
        cst__show_passing(ctx);
    cst__pipe_heed(last, st);
    leave_stages(passing->entered, passing->count, passing->len);
}

static bool passes(const cst_stream *s)
{
    return (s->flags & (PASSES | PASSES_NOT)) == PASSES;
}

/* The whole of a delivery, with each stage on the way marked. */
static void deliver_marked(struct cst__pipe *pipe, const cst_slice *chunk)
{
    struct cst__pipe *entered[LONGEST_WALK];
    size_t count = 0, len = chunk->len;

    while (count < LONGEST_WALK && passes(pipe->dest)) {
        enter_stage(pipe->dest, len);
        entered[count++] = pipe;
        pipe = cst__r(pipe->dest)->sole_pipe;
    }
    cst__pipe_heed(pipe, cst__write(pipe->dest, chunk, NULL, NULL));
    leave_stages(entered, count, len);
}

void cst__deliver_to_busy(struct cst__passing *passing, struct cst__pipe *last,
                          const cst_slice *chunk)
{
    cst_slice kept;
    cst_status st;

    if (!queues(last->dest, chunk->len)) {
        deliver_marked(passing->first, chunk);
        return;
    }
    kept = cst__slice_ref(chunk);
    st = queue_write(last->dest, &kept);
    if (st != CST_OK) {
        last->dest->ctx->passing = passing;
        cst__passing_seen(passing, last, st);
    }
}

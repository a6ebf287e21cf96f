/*
 * shortcut.c - the way of a chunk when something stands in it after all.
 */
#include "stream/shortcut.h"

/* One that was entered, and that nobody has touched since. Whether it still flows, or reads ahead, does not matter. */
#define ENTERED (IS_PASSTHROUGH | CONSTRUCTED | IN_FLIGHT)
#define ENTERED_NOT                                                                              \
    (R_READING | R_QUEUED | R_ENDED | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | \
     DESTROYED | ERRORED)

/* What cst__write, the pass-through and cst__push do before 'data' is emitted. */
static void enter_stage(cst_stream *s, size_t len)
{
    s->flags = (s->flags & ~R_READING) | IN_FLIGHT | ACTIVE | R_DATA_EMITTED;
    cst__w(s)->length = len;
}

/* What they do after it; gives what the write says. */
static cst_status leave_stage(cst_stream *s, size_t len)
{
    struct writable *w = cst__w(s);

    if ((s->flags & (ENTERED | ENTERED_NOT)) == ENTERED) {
        cst__maybe_read_more(s);
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

static struct cst__pipe *first_pipe(const struct cst__passing *passing)
{
    return passing->pipe ? passing->pipe : cst__sole_pipe(passing->from);
}

static void enter_stages(struct cst__passing *passing)
{
    struct cst__pipe *pipe = first_pipe(passing);

    for (size_t i = 0; i < passing->count; i++) {
        enter_stage(pipe->dest, passing->chunk->len);
        passing->entered[i] = pipe;
        pipe = cst__sole_pipe(pipe->dest);
    }
    passing->last = pipe;
}

/* What the caller has left undone. */
static void settle_caller(cst_ctx *ctx, const struct cst__passing *passing)
{
    ctx->frames += passing->frames;
    if (passing->swaps)
        put_one(cst__r(passing->from), &ctx->given);
}

static void show_passing(cst_ctx *ctx, struct cst__passing *passing)
{
    cst_stream *sink = passing->sink;
    struct writable *w = cst__w(sink);

    settle_caller(ctx, passing);
    if (passing->from || passing->pipe)
        enter_stages(passing);
    sink->flags |= IN_FLIGHT;
    w->length = w->flight_length = passing->chunk->len;
    passing->outer = sink->slot;
    sink->slot = SLOT_WRITE;
}

static void show_reading(cst_stream *s, struct cst__reading *reading)
{
    struct readable *r = cst__r(s);

    if (reading->swaps)
        put_one(r, &reading->held);
    s->flags |= R_SYNC;
    s->slot = SLOT_READ;
    if (reading->brought == CST_OK) {
        cst__row_push(&r->buffer, &s->ctx->given);
        r->length += s->ctx->given.len;
    } else {
        s->flags |= R_READING;
        s->ctx->given_by = reading->brought == CST_GIVEN ? s : NULL;
    }
    reading->brought = BROUGHT_NOTHING;
}

void cst__show_unseen(cst_ctx *ctx)
{
    struct cst__unseen *unseen = ctx->unseen;

    ctx->unseen = NULL;
    if (unseen->reads)
        show_reading(unseen->reads, cst__reading_of(unseen));
    else
        show_passing(ctx, cst__container_of(unseen, struct cst__passing, unseen));
}

/* When the slot has answered CST_OK, all that is left to do is to say so. */
#define DONE_NOT (W_BUFFERED | W_ENDING | W_NEED_DRAIN | DESTROYED | ERRORED)

cst_status cst__shown_write_returned(const struct cst__passing *passing, cst_status status)
{
    cst_stream *s = passing->sink;

    s->slot = passing->outer;
    if (status != CST_OK || (s->flags & (IN_FLIGHT | DONE_NOT)) != IN_FLIGHT)
        return cst__write_returned(s, passing->chunk, status);
    s->flags &= ~IN_FLIGHT;
    cst__w(s)->length = 0;
    cst__stream_check(s);
    return CST_OK;
}

static void leave_passing(struct cst__passing *passing, cst_status st)
{
    cst__pipe_heed(passing->last, st);
    leave_stages(passing->entered, passing->count, passing->chunk->len);
}

void cst__passing_seen(struct cst__passing *passing, cst_status status)
{
    leave_passing(passing, cst__shown_write_returned(passing, status));
}

static bool passes(const cst_stream *s)
{
    return (s->flags & (PASSES | PASSES_NOT)) == PASSES;
}

/*
 * The whole of a delivery, with each stage on the way marked. Its notes are those of the walk, which nobody else needs:
 * synchronous stages nest here, so that each word of this frame counts some sixty times.
 */
static void deliver_marked(struct cst__passing *passing)
{
    struct cst__pipe *pipe = first_pipe(passing);
    const cst_slice *chunk = passing->chunk;
    size_t count = 0, len = chunk->len;

    while (count < LONGEST_WALK && passes(pipe->dest)) {
        enter_stage(pipe->dest, len);
        passing->entered[count++] = pipe;
        pipe = cst__sole_pipe(pipe->dest);
    }
    cst__pipe_heed(pipe, cst__write(pipe->dest, chunk, NULL, NULL));
    leave_stages(passing->entered, count, len);
}

void cst__queue_is_full(struct cst__passing *passing, cst_status st)
{
    enter_stages(passing);
    leave_passing(passing, st);
}

void cst__deliver_to_busy(cst_ctx *ctx, struct cst__passing *passing)
{
    cst_slice kept;

    settle_caller(ctx, passing);
    if (queues(passing->sink) && fits(passing->sink, passing->chunk->len)) {
        kept = cst__slice_ref(passing->chunk);
        (void)deliver_into_queue(ctx, passing, &kept);
    } else {
        deliver_marked(passing);
    }
}

/*
 * lane.c - the way of a chunk when something stands in it after all.
 */
#include "express/express.h"

#ifndef CST_NO_EXPRESS

#include "express/lane.h"

/* One that was entered, and that nobody has touched since. Whether it still flows, or reads ahead, does not matter. */
#define ENTERED (IS_TRANSFORM | CONSTRUCTED | IN_FLIGHT)
#define ENTERED_NOT                                                                              \
    (R_READING | R_QUEUED | R_ENDED | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | \
     DESTROYED | ERRORED)

static void begin_flight(cst_stream *s, size_t len)
{
    struct writable *w = cst__w(s);

    s->flags |= IN_FLIGHT | ACTIVE;
    w->length = w->flight_length = len;
    w->in_flight = NULL;
}

/* What cst__write, the stage and cst__push do before 'data' is emitted. */
static void enter_stage(cst_stream *s, size_t len)
{
    begin_flight(s, len);
    s->flags = (s->flags & ~R_READING) | R_DATA_EMITTED;
}

/* What cst__push does after it, and the write's completion. Gives whether nobody has touched the stream. */
static bool settle_stage(cst_stream *s)
{
    bool untouched = (s->flags & (ENTERED | ENTERED_NOT)) == ENTERED;

    cst__maybe_read_more(s);
    if (untouched) {
        s->flags &= ~IN_FLIGHT;
        cst__w(s)->length = 0;
    } else {
        cst__transform_settle(s, 0);
    }
    return untouched;
}

/* What the write says then. */
static cst_status stage_result(cst_stream *s)
{
    s->flags &= ~W_SYNC;
    return cst__write_result(s);
}

static cst_status leave_stage(cst_stream *s)
{
    return settle_stage(s) ? CST_OK : stage_result(s);
}

static void leave_stages(struct cst__pipe **entered, size_t count)
{
    while (count > 0) {
        struct cst__pipe *pipe = entered[--count];

        cst__pipe_heed(pipe, leave_stage(pipe->dest));
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

/* What stands before the stages: the transform that it came from, and what the caller has left undone. */
static void show_before(cst_ctx *ctx, const struct cst__passing *passing)
{
    if (passing->before) {
        show_before(ctx, passing->before);
        enter_stages(passing->before);
        enter_stage(passing->from, passing->before->chunk->len);
    }
    ctx->frames += passing->frames;
    if (passing->swaps)
        put_one(cst__r(passing->from), &ctx->room.given);
}

static void show_passing(cst_ctx *ctx, struct cst__passing *passing)
{
    cst_stream *sink = passing->sink;

    show_before(ctx, passing);
    if (passing->from || passing->pipe)
        enter_stages(passing);
    begin_flight(sink, passing->chunk->len);
    passing->outer = sink->slot;
    sink->slot = SLOT_WRITE;
}

static void show_transforming(cst_ctx *ctx, struct cst__transforming *t)
{
    show_before(ctx, t->passing);
    enter_stages(t->passing);
    begin_flight(t->unseen.gives, t->passing->chunk->len);
    cst__transform_slot_enter(&t->call, t->unseen.gives);
    if (t->unseen.brought == CST_GIVEN)
        ctx->room.given_by = t->unseen.gives;
}

static void show_reading(cst_stream *s, struct cst__reading *reading)
{
    struct readable *r = cst__r(s);

    if (reading->swaps)
        put_one(r, &reading->held);
    s->flags |= R_SYNC;
    s->slot = SLOT_READ;
    if (reading->unseen.brought == CST_OK) {
        cst__row_push(&r->buffer, &s->ctx->room.given);
        r->length += s->ctx->room.given.len;
    } else {
        s->flags |= R_READING;
        s->ctx->room.given_by = reading->unseen.brought == CST_GIVEN ? s : NULL;
    }
    reading->unseen.brought = BROUGHT_NOTHING;
}

void cst__express_show(cst_ctx *ctx)
{
    struct cst__express *unseen = ctx->room.express;

    ctx->room.express = NULL;
    if (!unseen->gives)
        show_passing(ctx, cst__container_of(unseen, struct cst__passing, unseen));
    else if (unseen->gives->flags & IS_TRANSFORM)
        show_transforming(ctx, cst__container_of(unseen, struct cst__transforming, unseen));
    else
        show_reading(unseen->gives, cst__reading_of(unseen));
}

/* When the slot has answered CST_OK, all that is left to do is to say so. */
#define DONE_NOT (W_BUFFERED | W_ENDING | W_NEED_DRAIN | DESTROYED | ERRORED)

cst_status cst__express_write_returned(const struct cst__passing *passing, cst_status status)
{
    cst_stream *s = passing->sink;

    s->slot = passing->outer;
    if (status != CST_OK || (s->flags & (IN_FLIGHT | DONE_NOT)) != IN_FLIGHT)
        return cst__write_returned(s, passing->chunk, status);
    s->flags = (s->flags & ~IN_FLIGHT) | ACTIVE;
    cst__w(s)->length = 0;
    cst__stream_check(s);
    return CST_OK;
}

static void leave_passing(struct cst__passing *passing, cst_status st)
{
    cst__pipe_heed(passing->last, st);
    leave_stages(passing->entered, passing->count);
}

void cst__express_passing_seen(struct cst__passing *passing, cst_status status)
{
    leave_passing(passing, cst__express_write_returned(passing, status));
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
    leave_stages(passing->entered, count);
}

void cst__express_queue_is_full(struct cst__passing *passing, cst_status st)
{
    enter_stages(passing);
    leave_passing(passing, st);
}

/* --- through a transform --------------------------------------------------------------------------------------------- */

static bool transforms(const cst_stream *s)
{
    return (s->flags & (TRANSFORMS | TRANSFORMS_NOT)) == TRANSFORMS && !s->ctx->room.given_by;
}

/* Whether a push would be nested in what is on the stack, as add_chunk asks. */
static bool may_nest(const cst_ctx *ctx, const struct cst__passing *passing)
{
    uint32_t frames = ctx->frames;

    for (; passing; passing = passing->before)
        frames += passing->frames;
    return frames < ctx->nesting_limit;
}

/* What push leaves behind in a stream that nobody has looked at; hand_on's mark goes. */
static void has_pushed(cst_stream *s)
{
    const uint64_t done = R_READING_MORE | R_DATA_EMITTED;

    s->flags &= ~W_SYNC;
    if ((s->flags & (done | R_READING)) == done)
        return;
    s->flags = (s->flags & ~R_READING) | R_DATA_EMITTED;
    cst__maybe_read_more(s);
}

/* The slot has given a chunk: its write completes when that is where it goes to. Gives what deliver does. */
static bool hand_on(cst_ctx *ctx, struct cst__passing *passing)
{
    cst_stream *s = passing->sink;
    cst_slice chunk = ctx->room.given;
    struct cst__passing on;

    passing_init(&on, s, &chunk);
    on.frames = CST__NESTED;
    on.before = passing;
    s->flags |= W_SYNC; /* so that it is not taken for idle where the stages lead back to it */
    if (deliver(ctx, &on, cst__r(s)->sole_dest)) {
        ctx->frames -= CST__NESTED;
    } else if (!chunk.block || !cst__block_unref_may_call(chunk.block)) {
        cst__slice_drop(&chunk);
        has_pushed(s);
        return false;
    } else {
        show_before(ctx, passing);
        enter_stages(passing);
        enter_stage(s, passing->chunk->len);
    }
    (void)settle_stage(s);
    cst__slice_drop(&chunk);
    leave_passing(passing, stage_result(s));
    return true;
}

/*
 * A transform's slot, and then what it gives. One that gives nothing, and says CST_OK, has completed its write, and nothing
 * is as it was not before.
 */
static bool deliver_to_transform(cst_ctx *ctx, struct cst__passing *passing)
{
    cst_stream *s = passing->sink;
    struct cst__transforming t;
    cst_status status;

    t.unseen.gives = s;
    t.unseen.brought = GIVEN_NOTHING;
    t.passing = passing;
    ctx->room.express = &t.unseen;
    status = s->ops->transform(s, cst__self(s), passing->chunk);
    if (ctx->room.express == &t.unseen) {
        if (status == CST_OK && t.unseen.brought == GIVEN_NOTHING) {
            ctx->room.express = NULL;
            return false;
        }
        if (status == CST_GIVEN && t.unseen.brought == CST_GIVEN && may_nest(ctx, passing)) {
            ctx->room.express = NULL;
            return hand_on(ctx, passing);
        }
        cst__express_show(ctx);
    }
    cst__transform_slot_leave(&t.call, status);
    leave_passing(passing, cst__write_begun(s, passing->chunk));
    return true;
}

bool cst__express_deliver_to_busy(cst_ctx *ctx, struct cst__passing *passing)
{
    cst_slice kept;

    if (transforms(passing->sink))
        return deliver_to_transform(ctx, passing);
    show_before(ctx, passing);
    if (passing->before) /* where the walk led back to what is shown now, it ends there */
        (void)leads_to_idle(passing, cst__r(passing->from)->sole_dest);
    if (queues(passing->sink) && fits(passing->sink, passing->chunk->len)) {
        kept = cst__slice_ref(passing->chunk);
        (void)deliver_into_queue(ctx, passing, &kept);
    } else {
        deliver_marked(passing);
    }
    return true;
}

bool cst__express_deliver(struct cst__pipe *pipe, const cst_slice *chunk)
{
    struct cst__passing passing;

    if (chunk->len == 0)
        return false;
    passing_init(&passing, NULL, chunk);
    passing.pipe = pipe;
    (void)deliver(pipe->dest->ctx, &passing, pipe->dest);
    return true;
}

/* --- a write ---------------------------------------------------------------------------------------------------------- */

bool cst__express_write(cst_stream *s, const cst_slice *chunk, cst_status *st)
{
    struct cst__passing passing;

    if (!is_idle(s))
        return false;
    passing_init(&passing, NULL, chunk);
    passing.sink = s;
    if (write_unseen(s->ctx, &passing, cst__self_of_writable(s), st))
        return true;
    *st = cst__express_write_returned(&passing, *st);
    return true;
}

#endif

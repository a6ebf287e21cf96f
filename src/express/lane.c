/*
 * lane.c - the fast path once something stands in the way of a chunk: what lags is written back,
 * and the rules go on.
 */
#include "express/express.h"

#ifndef CST_NO_EXPRESS

#include "express/lane.h"

/* --- stages ----------------------------------------------------------------------------------- */

/* Do what cst__write, the stage and cst__push do before 'data' is emitted. */
static void enter_stage(cst_stream *s, size_t len)
{
    cst__w(s)->length = len;
    cst__flight_begin(s, len, NULL);
    s->hot = (s->hot & NOT(R_READING)) | R_DATA_EMITTED;
}

/* Do what cst__push does after 'data', and complete the write. Return whether nobody has touched
 * the stream. */
static bool settle_stage(cst_stream *s)
{
    bool untouched = IS(s, STAGE_ENTERED);

    cst__maybe_read_more(s);
    if (untouched) {
        s->hot &= NOT(IN_FLIGHT);
        cst__w(s)->length = 0;
    } else if (cst__transform_settle(s, 0)) {
        cst__write_complete(s, CST_OK);
    }
    return untouched;
}

/* Return what the write of a stage says that somebody has touched. */
static cst_status stage_result(cst_stream *s)
{
    s->hot &= NOT(W_SYNC);
    return cst__write_status(s);
}

static cst_status leave_stage(cst_stream *s)
{
    return settle_stage(s) ? CST_OK : stage_result(s);
}

static void leave_stages(struct cst__pipe **entered, size_t count)
{
    while (count > 0) {
        struct cst__pipe *pipe = entered[--count];

        cst__pipe_written(pipe, leave_stage(pipe->dest));
    }
}

static struct cst__pipe *first_pipe(const struct express_write *way)
{
    return way->from ? cst__sole_pipe(way->from) : way->pipe;
}

static void enter_stages(struct express_write *way)
{
    struct cst__pipe *pipe = first_pipe(way);

    for (size_t i = 0; i < way->count; i++) {
        enter_stage(pipe->dest, way->chunk->len);
        way->entered[i] = pipe;
        pipe = cst__sole_pipe(pipe->dest);
    }
    way->last = pipe;
}

/* --- writing back ----------------------------------------------------------------------------- */

/* Write back the streams before the stages: the transforms that the chunk has come through, and
 * the source's buffer. */
static void show_streams_before(cst_ctx *ctx, const struct express_write *way)
{
    if (way->before) {
        show_streams_before(ctx, way->before);
        enter_stages(way->before);
        enter_stage(way->from, way->before->chunk->len);
    }
    if (way->express.head_is_cached)
        set_head(cst__r(way->from), &ctx->room.given);
}

/* Write back what is before the stages: those streams, and the frames. */
static void show_before(cst_ctx *ctx, const struct express_write *way)
{
    show_streams_before(ctx, way);
    ctx->frames += way->frames;
}

static void show_write(cst_ctx *ctx, struct express_write *way)
{
    cst_stream *sink = way->sink;

    show_before(ctx, way);
    if (way->from || way->pipe)
        enter_stages(way);
    cst__w(sink)->length = way->chunk->len;
    cst__flight_begin(sink, way->chunk->len, NULL);
    way->express.outer = sink->slot;
    sink->slot = SLOT_WRITE;
}

static void show_transform(cst_ctx *ctx, struct express_transform *t)
{
    cst_stream *s = t->express.producer;

    show_before(ctx, t->way);
    enter_stages(t->way);
    cst__w(s)->length = t->way->chunk->len;
    cst__flight_begin(s, t->way->chunk->len, NULL);
    cst__transform_slot_enter(&t->call, s);
    if (t->express.produced == CST_GIVEN)
        ctx->room.given_by = s;
}

void cst__express_move_to_sink(cst_ctx *ctx, struct express_read *read)
{
    struct readable *r = cst__r(read->express.producer);
    struct writable *to = cst__w(read->sink);
    const cst_slice *chunk = cst__row_front(&r->buffer);
    uint32_t count = (uint32_t)(read->first - chunk);
    size_t bytes = 0;
    cst_slice *out;

    to->queue.cap = read->sink_cap;
    read->sink->hot |= count ? W_BUFFERED | ACTIVE : 0;
    read->sink = NULL;
    for (out = cst__row_tail(&to->queue); chunk < read->first; chunk++) {
        bytes += chunk->len;
        cst__slice_move(out++, chunk);
    }
    cst__row_skip(&r->buffer, count);
    to->queue.count += count;
    to->length += bytes;
    cst__bytes_moved(ctx, bytes);
}

static void show_read(cst_ctx *ctx, struct express_read *read)
{
    cst_stream *s = read->express.producer;
    struct readable *r = cst__r(s);

    if (read->sink)
        cst__express_move_to_sink(ctx, read);
    if (read->express.head_is_cached)
        set_head(r, &read->head);
    s->hot |= R_SYNC;
    s->slot = SLOT_READ;
    if (read->express.produced == CST_OK) {
        cst__row_push(&r->buffer, &ctx->room.given);
        r->length += ctx->room.given.len;
    } else {
        s->hot |= R_READING;
        ctx->room.given_by = read->express.produced == CST_GIVEN ? s : NULL;
    }
    read->express.produced = READ_NOTHING;
}

void cst__express_show(cst_ctx *ctx)
{
    struct cst__express *express = ctx->room.express;

    ctx->room.express = NULL;
    switch ((enum express_kind)express->kind) {
    case EXPRESS_WRITE:
        show_write(ctx, cst__container_of(express, struct express_write, express));
        break;
    case EXPRESS_READ:
        show_read(ctx, cst__read_of(express));
        break;
    case EXPRESS_TRANSFORM:
        show_transform(ctx, cst__container_of(express, struct express_transform, express));
        break;
    }
}

/* --- after the slot of the sink --------------------------------------------------------------- */

cst_status cst__express_write_returned(const struct express_write *way, cst_status status)
{
    way->sink->slot = way->express.outer;
    cst__stream_check(way->sink);
    cst__write_after_slot(way->sink, way->chunk, status);
    return cst__write_status(way->sink);
}

/* The last write of the way says st: tell its pipe, and leave the stages from the last to the
 * first. */
static void leave_way(struct express_write *way, cst_status st)
{
    cst__pipe_written(way->last, st);
    leave_stages(way->entered, way->count);
}

void cst__express_way_returned(struct express_write *way, cst_status status)
{
    leave_way(way, cst__express_write_returned(way, status));
}

/*
 * Deliver by the rules; only the open stages are entered here. Such calls nest, some sixty deep, so
 * that this stack frame must be small: the pipes go into way->entered, which has no other use now.
 */
static void deliver_by_rules(struct express_write *way)
{
    struct cst__pipe *pipe = first_pipe(way);
    const cst_slice *chunk = way->chunk;
    size_t count = 0, len = chunk->len;

    while (count < LONGEST_WALK && IS(pipe->dest, STAGE_OPEN)) {
        enter_stage(pipe->dest, len);
        way->entered[count++] = pipe;
        pipe = cst__sole_pipe(pipe->dest);
    }
    cst__pipe_written(pipe, cst__write(pipe->dest, chunk, NULL, NULL));
    leave_stages(way->entered, count);
}

void cst__express_queue_is_full(struct express_write *way, const cst_slice *chunk, cst_status st)
{
    way->chunk = chunk;
    enter_stages(way);
    leave_way(way, st);
}

/* --- through a transform ---------------------------------------------------------------------- */

static bool is_idle_transform(const cst_stream *s)
{
    return IS(s, TRANSFORM_IDLE) && !s->ctx->room.given_by;
}

/* Return whether a push may nest in what is on the stack, as add_chunk asks. */
static bool may_nest(const cst_ctx *ctx, const struct express_write *way)
{
    return ctx->frames + way->frames < ctx->nesting_limit;
}

/* Leave a transform, which nobody has looked at, as a push would; the mark of hand_on goes. */
static void has_pushed(cst_stream *s)
{
    s->hot &= NOT(W_SYNC);
    if ((s->hot & (R_READING_MORE | R_DATA_EMITTED | R_READING)) ==
        (R_READING_MORE | R_DATA_EMITTED))
        return;
    s->hot = (s->hot & NOT(R_READING)) | R_DATA_EMITTED;
    cst__maybe_read_more(s);
}

/* The transform has given a chunk: deliver it, then complete the transform's write. Return what
 * deliver returns. */
static bool hand_on(cst_ctx *ctx, struct express_write *way)
{
    cst_stream *s = way->sink;
    cst_slice chunk = ctx->room.given;
    struct express_write next;

    way_init(&next, s);
    next.frames = way->frames + CST__NESTED;
    next.before = way;
    s->hot |= W_SYNC; /* so that it is not taken for idle if the stages lead back to it */
    if (deliver(ctx, &next, &chunk, cst__sole_dest(s))) {
        ctx->frames -= CST__NESTED;
    } else if (!chunk.block || !cst__block_unref_may_call(chunk.block)) {
        cst__slice_drop(&chunk);
        has_pushed(s);
        return false;
    } else {
        show_before(ctx, way);
        enter_stages(way);
        enter_stage(s, way->chunk->len);
    }
    (void)settle_stage(s);
    cst__slice_drop(&chunk);
    leave_way(way, stage_result(s));
    return true;
}

/*
 * Call the slot of a transform, then deliver what it gives. If it gives nothing, and returns
 * CST_OK, it has completed its write, and nothing has changed.
 */
ALWAYS_INLINE bool deliver_to_transform(cst_ctx *ctx, struct express_write *way)
{
    cst_stream *s = way->sink;
    struct express_transform t;
    cst_status status;
    struct cst__given given;

    t.express.producer = s;
    t.express.produced = GAVE_NOTHING;
    t.express.kind = EXPRESS_TRANSFORM;
    t.express.head_is_cached = false;
    t.express.outer = SLOT_NONE;
    t.way = way;
    ctx->room.express = &t.express;
    status = s->ops->transform(s, cst__self(s), way->chunk);
    if (ctx->room.express == &t.express) {
        if (status == CST_OK && t.express.produced == GAVE_NOTHING) {
            ctx->room.express = NULL;
            return false;
        }
        if (status == CST_GIVEN && t.express.produced == CST_GIVEN && may_nest(ctx, way))
            return hand_on(ctx, way);
        cst__express_show(ctx);
    }
    status = cst__transform_returned(&t.call, status, &given);
    cst__write_after_transform(s, way->chunk, status, &given);
    leave_way(way, cst__write_status(s));
    return true;
}

/* --- through open stages ---------------------------------------------------------------------- */

static cst_stream *first_dest(const struct express_write *way)
{
    return way->from ? cst__sole_dest(way->from) : way->pipe->dest;
}

/*
 * Find the stages and the sink as find_sink does, but go through stages that are open: some of them
 * have something to do after the chunk.
 */
static void find_open_sink(struct express_write *way)
{
    cst_stream *dest = first_dest(way);
    size_t count = 0;

    while (IS(dest, STAGE_OPEN) && count < LONGEST_WALK) {
        way->opened[count++] = dest;
        dest = cst__sole_dest(dest);
    }
    way->count = count;
    way->sink = dest;
}

/* A chunk has gone through the open stages, and nobody has looked at them: do what is left of
 * entering and leaving them, from the last to the first. */
static void pass_open_stages(const struct express_write *way)
{
    for (size_t i = way->count; i > 0; i--) {
        cst_stream *s = way->opened[i - 1];

        s->hot = (s->hot & NOT(R_READING)) | R_DATA_EMITTED | ACTIVE;
        maybe_read_more(s);
    }
}

/* Deliver to a sink that must_queue. The queue takes the caller's reference, or a new one. */
ALWAYS_INLINE void deliver_to_queue(struct express_write *way, bool take)
{
    cst_slice kept = take ? *way->chunk : cst__slice_ref(way->chunk);
    cst_status st = queue_write(way->sink, &kept);

    if (st == CST_OK)
        pass_open_stages(way);
    else
        cst__express_queue_is_full(way, way->chunk, st);
}

/* Deliver to an idle sink, or to an idle transform. */
static void deliver_to_idle(cst_ctx *ctx, struct express_write *way)
{
    cst_status status;

    if (call_write(ctx, way, cst__self_of_writable(way->sink), &status))
        pass_open_stages(way);
    else
        cst__express_way_returned(way, status);
}

static void deliver_to_idle_transform(cst_ctx *ctx, struct express_write *way)
{
    if (!cst__express_deliver_slow(ctx, way))
        pass_open_stages(way);
}

/* Deliver way->chunk through open stages. Nothing lags. Return whether the chunk was taken, which
 * is allowed if `take` is set. */
ALWAYS_INLINE bool deliver_open(cst_ctx *ctx, struct express_write *way, bool take)
{
    find_open_sink(way);
    if (must_queue(way->sink) && fits(way->sink, way->chunk->len)) {
        deliver_to_queue(way, take);
        return take;
    }
    if (IS(way->sink, SINK_IDLE))
        deliver_to_idle(ctx, way);
    else if (is_idle_transform(way->sink))
        deliver_to_idle_transform(ctx, way);
    else
        deliver_by_rules(way);
    return false;
}

bool cst__express_deliver_taken(cst_ctx *ctx, struct express_write *way)
{
    return deliver_open(ctx, way, true);
}

bool cst__express_deliver_slow(cst_ctx *ctx, struct express_write *way)
{
    if (is_idle_transform(way->sink))
        return deliver_to_transform(ctx, way);
    ctx->room.express = NULL; /* of a transform that has handed its chunk on: `way` has it */
    show_before(ctx, way);
    way->frames = 0;
    way->before = NULL;
    way->express.head_is_cached = false;
    (void)deliver_open(ctx, way, false);
    return true;
}

/* --- three of the hooks ----------------------------------------------------------------------- */

void cst__express_deliver_chunk(struct cst__pipe *pipe, const cst_slice *chunk)
{
    struct express_write way;

    way_init(&way, NULL);
    way.pipe = pipe;
    (void)deliver(pipe->dest->ctx, &way, chunk, pipe->dest);
}

void cst__express_write_idle(cst_stream *s, const cst_slice *chunk, cst_status *st)
{
    struct express_write way;

    way_init(&way, NULL);
    way.pipe = NULL;
    way.chunk = chunk;
    way.sink = s;
    if (!call_write(s->ctx, &way, cst__self_of_writable(s), st))
        *st = cst__express_write_returned(&way, *st);
}

void cst__express_read_ahead_idle(cst_stream *s)
{
    uint32_t during = s->hot | R_NEED_READABLE | R_READING | R_SYNC;
    cst_status status;

    CST__ASSERT(s->slot == SLOT_NONE && !s->ctx->room.given_by);
    s->hot = during;
    s->slot = SLOT_READ;
    status = s->ops->read(s, cst__self(s), cst__r(s)->high_water_mark);
    s->slot = SLOT_NONE;
    if (status == CST_OK && s->hot == during && !s->ctx->room.given_by)
        s->hot = during & NOT(R_SYNC | R_READING_MORE);
    else
        cst__read_ahead_returned(s, status);
}

#endif

/*
 * lane.h - the fast path: a chunk through idle stages into an idle sink.
 *
 * A chunk that comes to a pipe goes through idle pass-throughs into a sink that answers at once: streams do that nearly all
 * of the time. By the rules this is a write inside a push inside a write, a frame or five for each stage, with a question at
 * every turn. Here one comparison of the flags asks them all, then what the rules would have done is done, and if user code
 * has touched the streams meanwhile, the rules go on from there. So the states that user code sees, and the order of
 * events, are the same.
 *
 *   write_unseen  cst__write without a callback, to a sink that is idle
 *   queue_write   cst__write without a callback, to a stream whose writes have to wait
 *   deliver       what the 'data' listener of a pipe does: through idle pass-throughs and transforms, and into such a sink;
 *                 or into the queue of one whose last write is still in flight
 *
 * While a slot runs, its stream's fields lag: a write in flight, a read that was asked for. The context records by how much
 * (ctx->room.express); the next public call writes that back before it looks (cst__enter). If nobody has called, nothing has
 * changed when the slot returns, and nothing has to be asked again. Calls that neither say nor change anything that lags do
 * not write back: cst_stream_self, or a write that goes into a queue, after which only the room has to be asked for again.
 * Slots of the library's own that call its inner functions have to enter.
 *
 * Others: a source in full flow, and a pass-through that is full (flow.c); push, and a completion by which the next write
 * begins (calls.c).
 */
#ifndef CSTREAM_LANE_H
#define CSTREAM_LANE_H

#include "base/base.h"
#include "express/express.h"
#include "stream/stream_internal.h"

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

/* An idle transform with a slot, likewise; whether it reads ahead does not matter. */
#define TRANSFORMS (IS_TRANSFORM | ACTIVE | CONSTRUCTED | R_FLOWING | R_DATA_LISTENING | R_PIPED)
#define TRANSFORMS_NOT (PASSES_NOT | IS_PASSTHROUGH | W_SYNC)

/* --- what runs unseen ------------------------------------------------------------------------------------------------- */

/**
 * A slot that runs while its stream does not say so. Where it is one that may give a chunk, gives is its stream, and this is
 * part of a cst__reading or of a cst__transforming; else of a cst__passing. When ctx->room.given is such a chunk, which is not
 * empty, brought is what the slot has to return now: CST_GIVEN, or CST_OK where it has pushed.
 */
struct cst__express {
    cst_stream *gives;
    int64_t brought;
};

/* In place of a status: there is none. Of a read slot, which may give or push, and of a transform slot, which may give. */
#define BROUGHT_NOTHING INT64_MIN
#define GIVEN_NOTHING (INT64_MIN + 1)

/** A source in full flow (flow.c) whose read slot runs. */
struct cst__reading {
    struct cst__express unseen;
    uint8_t outer; /* the slot of the source in which this one runs */
    bool swaps;    /* held is what the buffer, of one chunk, has to hold */
    cst_slice held;
    size_t first_len; /* of the first chunk in the buffer, before the slot was called */
};

/* The buffer of r, which has one chunk, has this one. */
ALWAYS_INLINE void put_one(struct readable *r, const cst_slice *chunk)
{
    *cst__row_front(&r->buffer) = *chunk;
    r->length = chunk->len;
}

static inline struct cst__reading *cst__reading_of(const struct cst__express *unseen)
{
    return cst__container_of((uintptr_t)unseen, struct cst__reading, unseen);
}

/* What is in the buffer of the source. */
static inline size_t cst__length_unseen(const struct cst__express *unseen)
{
    const struct cst__reading *reading = cst__reading_of(unseen);

    return reading->swaps ? reading->held.len : cst__r(unseen->gives)->length;
}

/**
 * A chunk on its way into a sink that is_idle, whose slot runs; through stages, all of them UNTOUCHED. It came out of from,
 * whose pipe is the sole one, or by the pipe that is named; with neither it is a write of the user's.
 */
struct cst__passing {
    struct cst__express unseen;
    uint32_t frames; /* what the caller is, on top of what ctx->frames has */
    bool swaps;      /* ctx->room.given is what the buffer of from, of one chunk, has to hold */
    const cst_slice *chunk;
    cst_stream *from;
    struct cst__pipe *pipe;
    struct cst__passing
        *before;  /* how that came for which from, a transform, gave the chunk; or NULL */
    size_t count; /* of the stages */
    cst_stream *sink;
    /* Once it is shown: */
    uint8_t outer;                           /* the slot of the sink in which this one runs */
    struct cst__pipe *last;                  /* the pipe to the sink */
    struct cst__pipe *entered[LONGEST_WALK]; /* those to the stages */
};

/* What every use has to begin with. */
ALWAYS_INLINE void passing_init(struct cst__passing *passing, cst_stream *from,
                                const cst_slice *chunk)
{
    passing->unseen.gives = NULL;
    passing->frames = 0;
    passing->swaps = false;
    passing->chunk = chunk;
    passing->from = from;
    passing->pipe = NULL;
    passing->before = NULL;
    passing->count = 0;
}

/** A transform whose slot runs, for the chunk that came to it so. */
struct cst__transforming {
    struct cst__express unseen;
    struct cst__passing *passing;
    struct cst__transform_call call; /* once it is shown */
};

/* --- a write -------------------------------------------------------------------------------------------------------- */

/* A sink is idle, in bytes, and nobody waits for anything of it. */
#define IDLE (CONSTRUCTED | W_PLAIN | ACTIVE)
#define IDLE_NOT \
    (W_WRITING | W_SYNC | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | DESTROYED | ERRORED)

ALWAYS_INLINE bool is_idle(const cst_stream *s)
{
    return (s->flags & (IDLE | IDLE_NOT)) == IDLE;
}

/*
 * Calls the slot of the sink, which is idle; self is the sink's. True: it said CST_OK, and nothing at all has changed. Else the
 * write is shown, with its frames, and cst__express_write_returned takes what the slot has said.
 */
ALWAYS_INLINE bool write_unseen(cst_ctx *ctx, struct cst__passing *passing, void *self,
                                cst_status *status)
{
    cst_stream *sink = passing->sink;

    CST__ASSERT(!ctx->room.express);
    ctx->room.express = &passing->unseen;
    *status = sink->ops->write(sink, self, passing->chunk);
    if (*status == CST_OK && ctx->room.express == &passing->unseen) {
        ctx->room.express = NULL;
        return true;
    }
    if (ctx->room.express == &passing->unseen)
        cst__express_show(ctx);
    return false;
}

/* A stream of bytes that has to take a write into its queue, where there is room: the last one is in flight, or it is corked. */
#define QUEUES (CONSTRUCTED | HAS_WRITABLE)
#define QUEUES_NOT (W_ENDING | W_OBJECTS | DESTROYED | ERRORED)

ALWAYS_INLINE bool has_queue_room(const cst_stream *s)
{
    return cst__row_has_room(&cst__w(s)->queue);
}

ALWAYS_INLINE bool queues(const cst_stream *s)
{
    return (s->flags & (QUEUES | QUEUES_NOT)) == QUEUES && (s->flags & (W_WRITING | W_CORKED)) &&
           has_queue_room(s);
}

ALWAYS_INLINE bool fits(const cst_stream *s, size_t len)
{
    return cst__w(s)->length + len >= len;
}

/* What a write into the queue says. */
ALWAYS_INLINE cst_status queue_result(cst_stream *s)
{
    const struct writable *w = cst__w(s);

    if (w->length < w->high_water_mark || w->length == 0)
        return CST_OK;
    s->flags |= W_NEED_DRAIN;
    return CST_FULL;
}

/* cst__write of a chunk that is taken, and fits, without a callback. */
ALWAYS_INLINE cst_status queue_write(cst_stream *s, const cst_slice *chunk)
{
    struct writable *w = cst__w(s);

    cst__row_push(&w->queue, chunk);
    w->length += chunk->len;
    s->flags |= W_BUFFERED | ACTIVE;
    return queue_result(s);
}

/** A write that began with write_unseen, and is shown, has returned; gives what the write says. */
cst_status cst__express_write_returned(const struct cst__passing *passing, cst_status status);

/** The rest of a delivery that is shown: the slot of the sink has returned. */
void cst__express_passing_seen(struct cst__passing *passing, cst_status status);

/** The rest of a delivery that has filled the sink's queue; st is what its write said. */
void cst__express_queue_is_full(struct cst__passing *passing, cst_status st);

/** A delivery where the sink is not idle. Gives what deliver does. */
bool cst__express_deliver_to_busy(cst_ctx *ctx, struct cst__passing *passing);

/* --- what a pipe does with a chunk ------------------------------------------------------------------------------------ */

/*
 * Finds the sink from dest on, and whether it is idle. Where stages lead back to one that was passed already, or there are too
 * many, the walk comes to an end at its limit, at a stage, which is none.
 */
ALWAYS_INLINE bool leads_to_idle(struct cst__passing *passing, cst_stream *dest)
{
    size_t count = 0;

    while ((dest->flags & (UNTOUCHED | UNTOUCHED_NOT)) == UNTOUCHED && count < LONGEST_WALK) {
        dest = cst__r(dest)->sole_dest;
        count++;
    }
    passing->count = count;
    passing->sink = dest;
    return is_idle(dest);
}

/*
 * The chunk, which is not empty, goes to dest, in the context of all. Gives whether anything may have changed in any stream;
 * then frames were counted, and ctx->room.given is in the buffer of from.
 */
ALWAYS_INLINE bool deliver(cst_ctx *ctx, struct cst__passing *passing, cst_stream *dest)
{
    cst_status status;

    CST__ASSERT(!ctx->room.express); /* the caller has entered, or has written back what lags */
    if (!leads_to_idle(passing, dest))
        return cst__express_deliver_to_busy(ctx, passing);
    if (write_unseen(ctx, passing, cst__self_of_writable(passing->sink), &status))
        return false;
    cst__express_passing_seen(passing, status);
    return true;
}

/*
 * The same with a chunk that is taken, to a sink that queues, or did before a slot ran unseen, which may have used up the
 * room. Gives whether all is as it was but for that queue, which is not full.
 */
ALWAYS_INLINE bool deliver_into_queue(cst_ctx *ctx, struct cst__passing *passing, cst_slice *chunk)
{
    cst_status st;

    passing->chunk = chunk;
    if (!has_queue_room(passing->sink) || !fits(passing->sink, chunk->len)) {
        (void)cst__express_deliver_to_busy(ctx, passing);
        cst__slice_unref(chunk);
        return false;
    }
    st = queue_write(passing->sink, chunk);
    if (st == CST_OK)
        return true;
    cst__express_queue_is_full(passing, st);
    return false;
}

#endif

/*
 * lane.h - the fast path (express.h): the records of what lags, a write, and one delivery.
 *
 * Words. A *stage* is a pass-through between two pipes. The *way* of a chunk is the stages that it
 * goes through and the sink behind them; a transform with a slot may be in the place of that sink,
 * and then what it gives has a way of its own. To *show* a record is to write what lags back into
 * the streams.
 */
#ifndef CSTREAM_LANE_H
#define CSTREAM_LANE_H

#include "express/express.h"

#define LONGEST_WALK 32

/* --- what lags -------------------------------------------------------------------------------- */

enum express_kind { EXPRESS_WRITE, EXPRESS_READ, EXPRESS_TRANSFORM };

/** The slot that is running. It heads the record that `kind` names. */
struct cst__express {
    cst_stream *producer; /* the stream whose slot may produce a chunk; EXPRESS_WRITE: NULL */
    /* What the producer's slot has done so far. READ_NOTHING or GAVE_NOTHING: no chunk. CST_GIVEN:
     * it called cst_give; CST_OK: it called cst_push. Then the chunk is in ctx->room.given, and it
     * counts if the slot returns this very status. */
    int64_t produced;
    /* These lie side by side, so that one store sets them. */
    uint16_t kind; /* enum express_kind */
    /* The source's buffer has one chunk, whose item in the array is out of date until it is shown.
     * While the read slot runs the chunk is in express_read.head; while the write slot runs it is
     * in ctx->room.given. */
    bool head_is_cached;
    /* The slot of the same stream around this one (enum cst__slot), to put back into s->slot. For a
     * write it is set once the record is shown. */
    uint8_t outer;
};

/* Values of `produced`, which are no status: the slot has produced nothing yet. A read slot may
 * push or give, a transform slot may only give. */
#define READ_NOTHING INT64_MIN
#define GAVE_NOTHING (INT64_MIN + 1)

/**
 * The read slot of a source in full flow (flow.c). If `sink` is set, the chunks of the buffer up to
 * `first` are, by the rules, in the queue of that sink, which must_queue. They are moved there
 * together, and until then the queue says that it has no more room, so that whoever writes enters.
 */
struct express_read {
    struct cst__express express;
    cst_slice head;   /* with head_is_cached: that chunk */
    size_t first_len; /* of the first chunk in the buffer, before the slot was called */
    cst_stream *sink;
    const cst_slice *first;
    uint32_t sink_cap; /* the room that its queue really has */
};

/**
 * The write slot of a sink that was idle, for a chunk that has come through `count` stages, each of
 * them STAGE_IDLE. The chunk has come out of `from` by its sole pipe, or by `pipe`; with neither of
 * them it is a write of the user's.
 */
struct express_write {
    struct cst__express express;
    uint32_t frames; /* those that ctx->frames lacks: of the caller, and of the ways `before` */
    const cst_slice *chunk;
    cst_stream *from;
    struct cst__pipe *pipe;       /* set if `from` is NULL */
    struct express_write *before; /* the delivery whose transform produced this chunk, or NULL */
    size_t count;
    cst_stream *sink;
    struct cst__pipe *last; /* once it is shown: the pipe to the sink */
    union {
        struct cst__pipe *entered[LONGEST_WALK]; /* once it is shown: those to the stages */
        cst_stream *opened[LONGEST_WALK];        /* before: the stages, if not all are STAGE_IDLE */
    };
};

/** The slot of a transform that was idle, at the end of the way of a chunk. */
struct express_transform {
    struct cst__express express;
    struct express_write *way;
    struct cst__transform_call call; /* once it is shown */
};

static inline struct express_read *cst__read_of(const struct cst__express *express)
{
    return cst__container_of((uintptr_t)express, struct express_read, express);
}

/* Replace the only chunk in the buffer of r. */
ALWAYS_INLINE void set_head(struct readable *r, const cst_slice *chunk)
{
    *cst__row_front(&r->buffer) = *chunk;
    r->length = chunk->len;
}

/* Return how much is buffered in a source whose read slot runs. */
static inline size_t cst__length_in_read(const struct cst__express *express)
{
    const struct express_read *read = cst__read_of(express);

    return express->head_is_cached ? read->head.len : cst__r(express->producer)->length;
}

/* Initialise a record; `deliver` sets its chunk. If `from` is NULL, the caller sets way->pipe. */
ALWAYS_INLINE void way_init(struct express_write *way, cst_stream *from)
{
    way->express.producer = NULL;
    way->express.kind = EXPRESS_WRITE;
    way->frames = 0;
    way->express.head_is_cached = false;
    way->express.outer = SLOT_NONE;
    way->from = from;
    way->before = NULL;
    way->count = 0;
}

/* Do what cst__maybe_read_more does, inline. */
ALWAYS_INLINE void maybe_read_more(cst_stream *s)
{
    if ((s->hot & (R_READING_MORE | R_READING | CONSTRUCTED)) == CONSTRUCTED) {
        s->hot |= R_READING_MORE;
        cst__post_for(s, TASK_READ_MORE);
    }
}

/* --- a write ---------------------------------------------------------------------------------- */

/*
 * Call the slot of the way's sink, which is idle; self is the sink's. Return true if it returned
 * CST_OK, and nothing has changed. Else the way is shown, and cst__express_write_returned takes
 * *status, which the slot has returned.
 */
ALWAYS_INLINE bool call_write(cst_ctx *ctx, struct express_write *way, void *self,
                              cst_status *status)
{
    cst_stream *sink = way->sink;

    CST__ASSERT(!ctx->room.express || way->before);
    ctx->room.express = &way->express;
    *status = sink->ops->write(sink, self, way->chunk);
    if (*status == CST_OK && ctx->room.express == &way->express) {
        ctx->room.express = NULL;
        return true;
    }
    if (ctx->room.express == &way->express)
        cst__express_show(ctx);
    return false;
}

ALWAYS_INLINE bool has_queue_room(const cst_stream *s)
{
    return cst__row_has_room(&cst__w(s)->queue);
}

ALWAYS_INLINE bool must_queue(const cst_stream *s)
{
    return IS(s, SINK_QUEUES) && (s->hot & (W_WRITING | W_CORKED)) && has_queue_room(s);
}

ALWAYS_INLINE bool fits(const cst_stream *s, size_t len)
{
    return cst__w(s)->length + len >= len;
}

/* Queue a chunk, which is taken, at a stream that must_queue, and that it fits. */
ALWAYS_INLINE cst_status queue_write(cst_stream *s, const cst_slice *chunk)
{
    struct writable *w = cst__w(s);

    cst__row_push(&w->queue, chunk);
    w->length += chunk->len;
    s->hot |= W_BUFFERED | ACTIVE;
    return cst__write_is_full(s) ? CST_FULL : CST_OK;
}

/** A write whose slot was called by call_write is shown, and the slot has returned. Return what the
 * write says. */
cst_status cst__express_write_returned(const struct express_write *way, cst_status status);

/** Move the chunks that are, by the rules, in the queue of read->sink. */
void cst__express_move_to_sink(cst_ctx *ctx, struct express_read *read);

/** Finish a delivery that is shown: the slot of the sink has returned. */
void cst__express_way_returned(struct express_write *way, cst_status status);

/** Finish a delivery of a chunk that has filled the sink's queue; st is what its write said. */
void cst__express_queue_is_full(struct express_write *way, const cst_slice *chunk, cst_status st);

/** Deliver way->chunk to a sink that is not idle. Return what deliver returns. */
bool cst__express_deliver_slow(cst_ctx *ctx, struct express_write *way);

/** Deliver way->chunk, while nothing lags: way->sink need not be set. Return true if the chunk was
 * taken. */
bool cst__express_deliver_taken(cst_ctx *ctx, struct express_write *way);

/* --- what a pipe does with a chunk ------------------------------------------------------------ */

/*
 * Find the stages and the sink from dest on. Return whether the sink is idle. A ring, or more than
 * 32 stages, ends the walk at a stage, which is not an idle sink.
 */
ALWAYS_INLINE bool find_sink(struct express_write *way, cst_stream *dest)
{
    size_t count = 0;

    while (IS(dest, STAGE_IDLE) && count < LONGEST_WALK) {
        dest = cst__sole_dest(dest);
        count++;
    }
    way->count = count;
    way->sink = dest;
    return IS(dest, SINK_IDLE);
}

/*
 * Deliver a chunk, which is not empty, to dest. Return false if no stream has changed. If it
 * returns true, the record was shown: way->frames were added to ctx->frames, and if head_is_cached
 * is set, ctx->room.given was put into the buffer of way->from.
 */
ALWAYS_INLINE bool deliver(cst_ctx *ctx, struct express_write *way, const cst_slice *chunk,
                           cst_stream *dest)
{
    cst_status status;

    /* The caller has entered, or has written back what lags, or `way` takes over what lags. */
    CST__ASSERT(!ctx->room.express || way->before);
    way->chunk = chunk;
    if (!find_sink(way, dest))
        return cst__express_deliver_slow(ctx, way);
    if (call_write(ctx, way, cst__self_of_writable(way->sink), &status))
        return false;
    cst__express_way_returned(way, status);
    return true;
}

#endif

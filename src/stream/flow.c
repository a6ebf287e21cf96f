/*
 * flow.c - a readable side that flows: read until there is nothing, and the two cases in which that is short.
 *
 * Both are shortcuts of the kind that shortcut.h tells of: what cst__read_chunk would do, for streams in the state in which
 * they are nearly all of the time.
 */
#include "stream/shortcut.h"

/* --- a source -------------------------------------------------------------------------------------------------------- */

/*
 * A source in full flow: bytes into one pipe, something in the buffer, a read slot that gives or pushes the next chunk at
 * each call. Then cst__read_chunk comes to this: call the slot where there is room, put what it brings behind what is there,
 * and hand the first chunk on. Node calls the slot first, so the two chunks cannot be one.
 */
#define STREAMS                                                                            \
    (R_FLOWING | R_PIPED | R_DATA_LISTENING | R_QUEUED | R_READING_MORE | R_DATA_EMITTED | \
     CONSTRUCTED)
#define STREAMS_NOT                                                            \
    (R_READING | R_SYNC | R_NEED_READABLE | R_ENDED | R_AWAITING | R_OBJECTS | \
     R_EMITTED_READABLE | R_EOF_READABLE_PENDING | DESTROYED | ERRORED | IS_TRANSFORM)

static bool streams(const cst_stream *s)
{
    return (s->flags & (STREAMS | STREAMS_NOT)) == STREAMS;
}

static bool may_stream(const cst_stream *s)
{
    return streams(s) && cst__r(s)->high_water_mark != 0 && s->ops->read && !cst__has_transfer(s);
}

/* Whether taking the first chunk leaves room, so that the read slot is to be called before. */
static bool has_room_then(const struct readable *r)
{
    return r->buffer.count == 1 || r->length - cst__row_front(&r->buffer)->len < r->high_water_mark;
}

static bool exchange_several(struct readable *r, cst_slice *first, const cst_slice *last)
{
    if (!r->buffer.count || !cst__row_has_room(&r->buffer) || last->len > SIZE_MAX - r->length)
        return false;
    cst__row_push(&r->buffer, last);
    *first = cst__row_shift(&r->buffer);
    r->length += last->len - first->len;
    return true;
}

/* Takes the first chunk of the buffer and puts another, in bytes, behind the last. False where there is no room. */
ALWAYS_INLINE bool exchange(struct readable *r, cst_slice *first, const cst_slice *last)
{
    if (r->buffer.count != 1)
        return exchange_several(r, first, last);
    *first = *cst__row_front(&r->buffer);
    *cst__row_front(&r->buffer) = *last;
    r->length = last->len;
    return true;
}

/* The same with the chunk that the slot has left by cst_give. */
ALWAYS_INLINE bool exchange_given(cst_stream *s, cst_slice *first)
{
    cst_ctx *ctx = s->ctx;

    if (ctx->given_by != s || ctx->given.len == 0 || !exchange(cst__r(s), first, &ctx->given))
        return false;
    ctx->given_by = NULL;
    return true;
}

/* Takes the first of several chunks; where two were there the other one takes its place, so that no room is used up. */
ALWAYS_INLINE void take_first(struct readable *r, cst_slice *first)
{
    cst_slice *front = cst__row_front(&r->buffer);

    *first = front[0];
    r->length -= front[0].len;
    if (r->buffer.count == 2)
        front[0] = front[1];
    else
        r->buffer.head++;
    r->buffer.count--;
}

/* The slot has returned, and neither of the two is what it has brought: the general way. False where there is no chunk. */
static bool stream_otherwise(cst_stream *s, cst_status status)
{
    cst_slice chunk;

    cst__read_returned(s, status);
    if (!cst__read_after_slot(s, &chunk))
        return false;
    cst__bytes_moved(s->ctx, chunk.len);
    cst__slice_unref(&chunk);
    return true;
}

/* As long as it lasts, and the turn's bytes; false where there was no chunk. */
static bool stream_on(cst_stream *s)
{
    cst_status (*const read)(cst_stream *, void *, size_t) = s->ops->read;
    struct readable *r = cst__r(s);
    void *self = cst__self(s);
    uint8_t outer = s->slot;
    cst_ctx *ctx = s->ctx;

    do {
        uint64_t flags;
        cst_status status;
        cst_slice chunk;

        if (!has_room_then(r)) {
            take_first(r, &chunk);
        } else {
            s->flags |= R_READING | R_SYNC;
            s->slot = SLOT_READ;
            status = read(s, self, r->high_water_mark);
            s->slot = outer;
            flags = s->flags & (STREAMS | STREAMS_NOT);
            if (flags == (STREAMS | R_READING | R_SYNC) && status == CST_GIVEN &&
                exchange_given(s, &chunk)) {
                s->flags &= ~(R_READING | R_SYNC);
            } else if (flags == (STREAMS | R_SYNC) && status == CST_OK && r->buffer.count > 1) {
                s->flags &= ~R_SYNC;
                take_first(r, &chunk);
            } else if (stream_otherwise(s, status)) {
                continue;
            } else {
                return false;
            }
        }
        if (ctx->bytes_limited)
            cst__bytes_moved(ctx, chunk.len);
        deliver(ctx, r->sole_pipe, &chunk);
        if (chunk.block)
            cst__block_unref(chunk.block);
    } while (streams(s) && !cst__bytes_spent(ctx));
    return true;
}

/* --- a pass-through ---------------------------------------------------------------------------------------------------- */

/*
 * A pass-through that is full on both sides and flows into one pipe: its buffer is at the highWaterMark, so that it keeps
 * the completion of a write, and more writes wait behind that one. Then cst__read_chunk comes to this: the write that was kept
 * completes, the next begins, and since its chunk fills the buffer again its completion is kept in turn; the first chunk
 * is handed on. So all that moves is a chunk from the queue into the buffer.
 */
#define PASSES_ON                                                                          \
    (R_FLOWING | R_PIPED | R_DATA_LISTENING | R_QUEUED | R_READING_MORE | R_DATA_EMITTED | \
     W_WRITING | W_EXPECTING | W_BUFFERED | T_KEPT | CONSTRUCTED | IS_PASSTHROUGH)
#define PASSES_ON_NOT                                                                              \
    (R_READING | R_SYNC | R_NEED_READABLE | R_ENDED | R_AWAITING | R_OBJECTS | W_SYNC | W_CORKED | \
     W_CLEARING | W_ENDING | W_OBJECTS | R_EMITTED_READABLE | R_EOF_READABLE_PENDING | DESTROYED | \
     ERRORED)

static bool passes_on(const cst_stream *s)
{
    const struct readable *r = cst__r(s);
    const struct writable *w = cst__w(s);
    size_t len;

    if ((s->flags & (PASSES_ON | PASSES_ON_NOT)) != PASSES_ON || !w->queue.count || w->in_flight ||
        w->last_waiting || r->high_water_mark == 0 || !has_room_then(r) ||
        !cst__row_has_room(&r->buffer))
        return false;
    len = cst__row_front(&w->queue)->len;
    return len != 0 && len <= SIZE_MAX - r->length && r->length + len >= r->high_water_mark;
}

static void pass_on(cst_stream *s)
{
    struct readable *r = cst__r(s);
    struct writable *w = cst__w(s);

    do {
        cst_slice first, next = cst__row_shift(&w->queue);

        w->front++;
        w->length -= w->flight_length;
        w->flight_length = next.len;
        s->flags &= ~W_AFTER_WRITE;
        if (!w->queue.count)
            s->flags &= ~W_BUFFERED;
        exchange(r, &first, &next);
        cst__bytes_moved(s->ctx, first.len);
        deliver(s->ctx, r->sole_pipe, &first);
        if (first.block)
            cst__block_unref(first.block);
    } while (passes_on(s) && !cst__bytes_spent(s->ctx));
}

/* --- the loop ---------------------------------------------------------------------------------------------------------- */

/* What is left of a flow when the turn's bytes are spent. */
struct rest {
    cst_task_link link;
    cst_stream *stream;
};

static void run_rest(cst_task_link *link)
{
    struct rest *rest = cst__container_of(link, struct rest, link);
    cst_stream *s = rest->stream;

    cst__free(s->ctx, rest, sizeof(*rest));
    s->flags &= ~R_FLOW_CUT;
    cst__run_flow(s);
    cst__release(s);
}

/* Whether the turn's bytes are spent, so that the rest is left to an immediate. Without memory for that it goes on. */
static bool cut_flow(cst_stream *s)
{
    struct rest *rest;

    if (!cst__bytes_spent(s->ctx))
        return false;
    if (s->flags & R_FLOW_CUT)
        return true;
    rest = cst__alloc(s->ctx, sizeof(*rest));
    if (!rest)
        return false;
    *rest = (struct rest){ .stream = s };
    s->flags |= R_FLOW_CUT;
    s->refs++;
    cst__post_rest(s->ctx, &rest->link, run_rest);
    return true;
}

bool cst__cut_flow(cst_stream *s)
{
    return cut_flow(s);
}

void cst__run_flow(cst_stream *s)
{
    cst_slice chunk;

    while ((s->flags & R_FLOWING) && !cut_flow(s)) {
        if (may_stream(s)) {
            if (!stream_on(s))
                break;
        } else if ((s->flags & IS_PASSTHROUGH) && passes_on(s)) {
            pass_on(s);
        } else {
            if (!cst__read_chunk(s, CST_READ_ANY, &chunk, NULL))
                break;
            cst__bytes_moved(s->ctx, chunk.len);
            cst__slice_unref(&chunk);
        }
    }
}

/*
 * calls.c - the public calls that a chunk begins with. Each tries the fast path (express.h), else
 * the rules.
 */
#include "express/express.h"

#include "cstream/readable.h"
#include "cstream/writable.h"
#include "stream/stream_internal.h"

#ifndef CST_NO_EXPRESS

#include "express/lane.h"

/* --- push ------------------------------------------------------------------------------------- */

/* Return whether the chunk goes behind others in the buffer, with nothing to announce. */
ALWAYS_INLINE bool goes_into_buffer(const cst_stream *s, const cst_slice *chunk)
{
    const struct readable *r = cst__r(s);

    return IS(s, SOURCE_IN_READ) && chunk->len <= SIZE_MAX - r->length &&
           cst__row_has_room(&r->buffer);
}

ALWAYS_INLINE cst_status buffer_behind(struct readable *r, const cst_slice *chunk)
{
    cst__row_push(&r->buffer, chunk);
    r->length += chunk->len;
    return r->length < r->high_water_mark ? CST_OK : CST_FULL;
}

/* Return whether the running slot is the stream's read slot, on the fast path, and has produced
 * nothing yet. */
ALWAYS_INLINE bool may_produce(const cst_stream *s, const cst_slice *chunk)
{
    const struct cst__express *express = s->ctx->room.express;

    return express->producer == s && express->produced == READ_NOTHING &&
           chunk->len <= SIZE_MAX - cst__length_in_read(express) &&
           cst__row_has_room(&cst__r(s)->buffer);
}

/* Leave the chunk in the context, in place of the buffer; later ones are buffered. */
ALWAYS_INLINE cst_status produce(cst_ctx *ctx, const cst_slice *chunk)
{
    struct cst__express *express = ctx->room.express;

    ctx->room.given = *chunk;
    express->produced = CST_OK;
    return cst__length_in_read(express) + chunk->len < cst__r(express->producer)->high_water_mark
               ? CST_OK
               : CST_FULL;
}

/* Do what follows a chunk that went through. */
static cst_status went_through(cst_stream *s)
{
    cst__maybe_read_more(s);
    return cst__push_status(s);
}

/* Push a chunk, which is taken, and queue the task that reads ahead. */
OUT_OF_LINE cst_status push_and_wake(cst_stream *s, cst_slice *chunk)
{
    struct express_write way;
    cst_ctx *ctx = s->ctx;
    cst_status st;

    ctx->frames += CST__NESTED_CALL;
    s->hot = (s->hot & NOT(R_READING)) | R_DATA_EMITTED;
    way_init(&way, s);
    way.chunk = chunk;
    if (cst__express_deliver_taken(ctx, &way))
        chunk->block = NULL;
    maybe_read_more(s);
    st = cst__push_status(s);
    cst__leave_nested(ctx);
    cst__slice_drop(chunk);
    return st;
}

cst_status cst_push(cst_stream *s, cst_slice chunk)
{
    struct express_write way;
    cst_ctx *ctx;
    cst_status st;

    if (!s || chunk.len == 0)
        return cst__push_general(s, chunk);
    ctx = s->ctx;
    if (ctx->room.express) {
        if (may_produce(s, &chunk))
            return produce(ctx, &chunk);
        cst__express_show(ctx);
    }
    if (IS(s, SOURCE_FLOWS) && cst__may_nest(ctx)) {
        st = CST_OK;
        way_init(&way, s);
        way.frames = CST__NESTED_CALL;
        if (deliver(ctx, &way, &chunk, cst__sole_dest(s))) {
            st = went_through(s);
            cst__leave_nested(ctx);
        }
    } else if (IS(s, SOURCE_WAKES) && cst__may_nest(ctx)) {
        return push_and_wake(s, &chunk);
    } else if (goes_into_buffer(s, &chunk)) {
        s->hot &= NOT(R_READING);
        return buffer_behind(cst__r(s), &chunk);
    } else {
        return cst__push_general(s, chunk);
    }
    if (chunk.block)
        cst__block_unref(chunk.block);
    return st;
}

cst_status cst_push_copy(cst_stream *s, const void *bytes, size_t len)
{
    cst_slice chunk;
    cst_status st = cst__copy_to_push(&chunk, s, bytes, len);

    return st < 0 ? st : cst_push(s, chunk);
}

/* --- write ------------------------------------------------------------------------------------ */

cst_status cst_write(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg)
{
    if (!s || done || !must_queue(s) || !fits(s, chunk.len))
        return cst__write_general(s, chunk, done, arg);
    return queue_write(s, &chunk);
}

OUT_OF_LINE cst_status write_copy_slow(cst_stream *s, const void *bytes, size_t len,
                                       cst_done_fn *done, void *arg)
{
    cst_slice chunk;
    cst_status st = cst__copy_to_write(&chunk, s, bytes, len);

    return st < 0 ? st : cst_write(s, chunk, done, arg);
}

cst_status cst_write_copy(cst_stream *s, const void *bytes, size_t len, cst_done_fn *done,
                          void *arg)
{
    cst_slice chunk;

    if (done || !s || !must_queue(s) || !fits(s, len) || !bytes ||
        !cst__copies_have_room(&s->ctx->copies, len))
        return write_copy_slow(s, bytes, len, done, arg);
    chunk = cst__copy_few(&s->ctx->copies, bytes, len);
    return queue_write(s, &chunk);
}

/* --- answers ---------------------------------------------------------------------------------- */

/*
 * Return whether a completion only begins the next write. Neither of the two has a callback, and
 * since the next one is not empty there is no 'drain': nothing follows the completion. W_BUFFERED
 * says that a chunk waits, since the queue is not being handed over.
 */
ALWAYS_INLINE bool goes_on(const cst_stream *s)
{
    const struct writable *w = cst__w(s);

    return IS(s, SINK_NEXT) && s->slot == SLOT_NONE && cst__row_front(&w->queue)->len != 0 &&
           !w->in_flight && !w->last_waiting && !s->ops->writev;
}

/* What lasts while the slot of such a write runs. */
#define IN_NEXT_WRITE (W_KEPT | W_SYNC | W_CLEARING)

ALWAYS_INLINE void complete_and_go_on(cst_stream *s)
{
    struct writable *w = cst__w(s);
    cst_block *done = w->flight.chunk.block;
    const cst_slice *front = cst__row_front(&w->queue);
    size_t len = front->len;
    uint32_t during = s->hot ^ IN_NEXT_WRITE;
    cst_slice next;
    cst_status status;

    cst__slice_move(&next, front);
    cst__row_skip(&w->queue, 1);
    w->front++;
    w->length -= w->flight_length;
    w->flight_length = len;
    s->hot = during;
    s->slot = SLOT_WRITE;
    status = s->ops->write(s, cst__self_of_writable(s), &next);
    s->slot = SLOT_NONE;
    if (status == CST_PENDING && s->hot == during) {
        cst__slice_move(&w->flight.chunk, &next);
        s->hot = during ^ IN_NEXT_WRITE;
        s->w_after_write = false;
        cst__queue_is_empty(s);
    } else {
        cst__write_next_returned(s, &next, status);
    }
    if (done)
        cst__block_unref(done);
}

OUT_OF_LINE void complete_by_rules(cst_stream *s)
{
    cst__write_complete(s, CST_OK);
    if (s->close_emitted)
        cst__stream_check_life(s);
}

cst_status cst_complete(cst_call call, cst_status status)
{
    if (!call.stream || call.slot != SLOT_WRITE || status != CST_OK)
        return cst__complete_general(call, status);
    cst__enter(call.stream->ctx);
    CST__REQUIRE(cst__slot_owes(call.stream, SLOT_WRITE),
                 "cst_complete: this call was answered before");
    if (goes_on(call.stream))
        complete_and_go_on(call.stream);
    else
        complete_by_rules(call.stream);
    cst__leave(call.stream->ctx);
    return CST_OK;
}

/*
 * Return the call of the slot write, written by pieces of 16 bytes and 8, as callers copy it: see
 * cst__slice_at.
 */
ALWAYS_INLINE cst_call call_of_write(cst_stream *s)
{
    cst_call call = { s, 0, SLOT_WRITE };

#if defined(__GNUC__) && defined(__x86_64__) && defined(__LP64__)
    typedef unsigned long pair __attribute__((vector_size(16)));
    const pair first = { (unsigned long)s, 0 };
    const uint64_t slot = SLOT_WRITE;

    memcpy(&call, &first, sizeof(first));
    memcpy((char *)&call + offsetof(cst_call, slot), &slot, sizeof(slot));
#endif
    return call;
}

cst_call cst_this_call(cst_stream *s)
{
    if (!s || s->slot != SLOT_WRITE || s->ctx->room.express)
        return cst__this_call_general(s);
    return call_of_write(s);
}

/* Return whether a slot of the stream runs on the fast path, and has produced nothing yet. */
static bool may_give(const cst_stream *s)
{
    const struct cst__express *express = s->ctx->room.express;

    return express && express->producer == s && express->produced <= GAVE_NOTHING;
}

cst_status cst_give(cst_stream *s, cst_slice chunk)
{
    if (!s || chunk.len == 0 || !may_give(s))
        return cst__give_general(s, chunk);
    s->ctx->room.given = chunk;
    s->ctx->room.express->produced = CST_GIVEN;
    return CST_GIVEN;
}

#else

cst_status cst_push(cst_stream *s, cst_slice chunk)
{
    return cst__push_general(s, chunk);
}

cst_status cst_push_copy(cst_stream *s, const void *bytes, size_t len)
{
    cst_slice chunk;
    cst_status st = cst__copy_to_push(&chunk, s, bytes, len);

    return st < 0 ? st : cst__push_general(s, chunk);
}

cst_status cst_write(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg)
{
    return cst__write_general(s, chunk, done, arg);
}

cst_status cst_write_copy(cst_stream *s, const void *bytes, size_t len, cst_done_fn *done,
                          void *arg)
{
    cst_slice chunk;
    cst_status st = cst__copy_to_write(&chunk, s, bytes, len);

    return st < 0 ? st : cst__write_general(s, chunk, done, arg);
}

cst_status cst_complete(cst_call call, cst_status status)
{
    return cst__complete_general(call, status);
}

cst_call cst_this_call(cst_stream *s)
{
    return cst__this_call_general(s);
}

cst_status cst_give(cst_stream *s, cst_slice chunk)
{
    return cst__give_general(s, chunk);
}

#endif

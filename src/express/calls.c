/*
 * calls.c - the public calls that a chunk begins with: the short way where there is one, else the rules.
 */
#include "express/express.h"

#include "cstream/readable.h"
#include "cstream/writable.h"
#include "stream/stream_internal.h"

#ifndef CST_NO_EXPRESS

#include "express/lane.h"

/* --- push ----------------------------------------------------------------------------------------------------------- */

/*
 * Four shortcuts of cst__push, for bytes.
 *
 *   HANDS_THROUGH  the stream flows into one pipe, nothing is buffered, and the task that reads ahead is queued: the chunk
 *                  goes on at once, and nothing else follows
 *   wakes          so too, but that task has to be queued
 *   buffers        the read slot of such a stream is running, with something in the buffer and that task queued: the chunk
 *                  is put behind, and nobody is told
 *   brings         that slot runs unseen, which implies all of this: the chunk is only noted
 */
#define HANDS_THROUGH \
    (HAS_READABLE | R_FLOWING | R_DATA_LISTENING | R_PIPED | R_READING_MORE | R_DATA_EMITTED)
#define HANDS_THROUGH_NOT \
    (R_READING | R_SYNC | R_QUEUED | R_AWAITING | R_ENDED | R_OBJECTS | DESTROYED | ERRORED)
#define WAKES (HAS_READABLE | R_FLOWING | R_DATA_LISTENING | R_PIPED)
#define WAKES_NOT (R_SYNC | R_QUEUED | R_AWAITING | R_ENDED | R_OBJECTS | DESTROYED | ERRORED)
#define BUFFERS (HAS_READABLE | R_PIPED | R_SYNC | R_QUEUED | R_READING_MORE)
#define BUFFERS_NOT (R_NEED_READABLE | R_ENDED | R_OBJECTS | DESTROYED | ERRORED)

ALWAYS_INLINE bool buffers(const cst_stream *s, const cst_slice *chunk)
{
    const struct readable *r = cst__r(s);

    return (s->flags & (BUFFERS | BUFFERS_NOT)) == BUFFERS && chunk->len <= SIZE_MAX - r->length &&
           cst__row_has_room(&r->buffer);
}

ALWAYS_INLINE cst_status buffer_behind(struct readable *r, const cst_slice *chunk)
{
    cst__row_push(&r->buffer, chunk);
    r->length += chunk->len;
    return r->length < r->high_water_mark ? CST_OK : CST_FULL;
}

/* The stream's read slot runs unseen, and has brought nothing yet; later chunks are buffered. */
ALWAYS_INLINE bool brings(const cst_stream *s, const cst_slice *chunk)
{
    const struct cst__express *unseen = s->ctx->room.express;
    const struct readable *r = cst__r(s);

    return unseen->gives == s && unseen->brought == BROUGHT_NOTHING &&
           chunk->len <= SIZE_MAX - cst__length_unseen(unseen) && cst__row_has_room(&r->buffer);
}

ALWAYS_INLINE cst_status bring(cst_ctx *ctx, const cst_slice *chunk)
{
    struct cst__express *unseen = ctx->room.express;

    ctx->room.given = *chunk;
    unseen->brought = CST_OK;
    return cst__length_unseen(unseen) + chunk->len < cst__r(unseen->gives)->high_water_mark
               ? CST_OK
               : CST_FULL;
}

static cst_status handed_through(cst_stream *s)
{
    cst__maybe_read_more(s);
    return cst__push_status(s);
}

static bool wakes(const cst_stream *s)
{
    return (s->flags & (WAKES | WAKES_NOT)) == WAKES && cst__may_nest(s->ctx);
}

OUT_OF_LINE cst_status push_and_wake(cst_stream *s, const cst_slice *chunk)
{
    struct cst__passing passing;
    cst_ctx *ctx = s->ctx;
    cst_status st;

    ctx->frames += 1 + CST__NESTED;
    s->flags = (s->flags & ~R_READING) | R_DATA_EMITTED;
    passing_init(&passing, s, chunk);
    (void)deliver(ctx, &passing, cst__r(s)->sole_dest);
    st = handed_through(s);
    ctx->frames -= CST__NESTED;
    cst__leave(ctx);
    return st;
}

cst_status cst_push(cst_stream *s, cst_slice chunk)
{
    struct cst__passing passing;
    cst_ctx *ctx;
    cst_status st;

    if (!s || chunk.len == 0)
        return cst__push_general(s, chunk);
    ctx = s->ctx;
    if (ctx->room.express) {
        if (brings(s, &chunk))
            return bring(ctx, &chunk);
        cst__express_show(ctx);
    }
    if ((s->flags & (HANDS_THROUGH | HANDS_THROUGH_NOT)) == HANDS_THROUGH && cst__may_nest(ctx)) {
        st = CST_OK;
        passing_init(&passing, s, &chunk);
        passing.frames = 1 + CST__NESTED;
        if (deliver(ctx, &passing, cst__r(s)->sole_dest)) {
            st = handed_through(s);
            ctx->frames -= CST__NESTED;
            cst__leave(ctx);
        }
    } else if (wakes(s)) {
        st = push_and_wake(s, &chunk);
    } else if (buffers(s, &chunk)) {
        s->flags &= ~R_READING;
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

/* --- write ---------------------------------------------------------------------------------------------------------- */

cst_status cst_write(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg)
{
    if (!s || done || !queues(s) || !fits(s, chunk.len))
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

    if (done || !s || !queues(s) || !fits(s, len) || !bytes ||
        !cst__copies_have_room(&s->ctx->copies, len))
        return write_copy_slow(s, bytes, len, done, arg);
    chunk = cst__copy_few(&s->ctx->copies, bytes, len);
    return queue_write(s, &chunk);
}

/* --- answers -------------------------------------------------------------------------------------------------------- */

/*
 * A sink of bytes that answers late, and more writes wait: the next one begins. Neither of them has a callback, and since
 * the next is not empty there is no 'drain', so nothing follows a completion.
 */
#define GOES_ON (CONSTRUCTED | W_PLAIN | ACTIVE | W_WRITING | W_EXPECTING | W_KEPT | W_BUFFERED)
#define GOES_ON_NOT (W_SYNC | W_CORKED | W_CLEARING | W_ENDING | W_VECTOR | DESTROYED | ERRORED)

static bool goes_on(const cst_stream *s)
{
    const struct writable *w = cst__w(s);

    return (s->flags & (GOES_ON | GOES_ON_NOT)) == GOES_ON && s->slot == SLOT_NONE &&
           w->queue.count && cst__row_front(&w->queue)->len != 0 && !w->in_flight &&
           !w->last_waiting && !cst__gathers(s);
}

static void complete_and_go_on(cst_stream *s)
{
    struct writable *w = cst__w(s);
    cst_block *done = w->flight.chunk.block;
    cst_slice next = cst__row_shift(&w->queue);
    cst_status status;

    w->front++;
    w->length -= w->flight_length;
    w->flight_length = next.len;
    s->flags = (s->flags & ~W_KEPT) | W_SYNC | W_CLEARING;
    s->slot = SLOT_WRITE;
    status = s->ops->write(s, cst__self_of_writable(s), &next);
    s->slot = SLOT_NONE;
    if (status == CST_PENDING && (s->flags & (IN_FLIGHT | W_KEPT)) == IN_FLIGHT) {
        w->flight.chunk = next;
        s->flags = (s->flags & ~(W_SYNC | W_CLEARING | W_AFTER_WRITE)) | W_KEPT;
        cst__queue_is_empty(s);
    } else {
        cst__write_next_returned(s, &next, status);
    }
    if (done)
        cst__block_unref(done);
}

cst_status cst_complete(cst_call call, cst_status status)
{
    cst_ctx *ctx;

    if (!call.stream || call.slot != SLOT_WRITE || status != CST_OK)
        return cst__complete_general(call, status);
    ctx = call.stream->ctx;
    cst__enter(ctx);
    if (goes_on(call.stream))
        complete_and_go_on(call.stream);
    else
        cst__write_completed(call.stream);
    cst__leave(ctx);
    return CST_OK;
}

cst_call cst_this_call(cst_stream *s)
{
    return !s || s->ctx->room.express ? cst__this_call_general(s) : cst__call_of(s);
}

/* A slot that runs unseen, and has brought nothing yet. */
static bool gives_unseen(const cst_stream *s)
{
    const struct cst__express *unseen = s->ctx->room.express;

    return unseen && unseen->gives == s && unseen->brought <= GIVEN_NOTHING;
}

cst_status cst_give(cst_stream *s, cst_slice chunk)
{
    if (!s || chunk.len == 0 || !gives_unseen(s))
        return cst__give_general(s, chunk);
    s->ctx->room.given = chunk;
    s->ctx->room.express->brought = CST_GIVEN;
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

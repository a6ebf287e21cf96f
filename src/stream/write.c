/*
 * write.c - cst_write: what is refused, what begins at once, what is queued; cork.
 */
#include "stream/stream_internal.h"

#include "express/express.h"

cst_status cst__refuse_write(cst_stream *s, struct cst__request *request, cst_status status)
{
    cst_error error = cst__error_here(s, status, CST_WRITING);

    if (request)
        cst__request_post(s, request, status);
    cst__error_or_destroy(s, &error, true);
    return status;
}

/* Return whether 'end' of the readable side ends the writable side, and has been emitted. As in
 * Node's sockets, it does not matter if end was called as well. */
static bool is_ended_by_peer(const cst_stream *s)
{
    return s->r_end_emitted && !s->half_open && !s->r_absent;
}

/* Return the status of a write that comes after end or destroy. */
cst_status cst__refused_status(const cst_stream *s)
{
    if (!(s->hot & W_ENDING))
        return CST_E_DESTROYED;
    if (s->ops->write_after_peer_end < 0 && is_ended_by_peer(s))
        return s->ops->write_after_peer_end;
    return CST_E_WRITE_AFTER_END;
}

static bool must_wait(const cst_stream *s)
{
    return (s->hot & (W_WRITING | ERRORED | W_CORKED | CONSTRUCTED)) != CONSTRUCTED;
}

static cst_status queue_chunk(cst_stream *s, const cst_slice *chunk, struct cst__request *request)
{
    struct writable *w = cst__w(s);
    cst_status st = cst__row_reserve(&w->queue, cst__pool_allocator(&s->ctx->pool));
    cst_slice kept;

    if (st < 0)
        return st;
    if (request) {
        request->chunk = w->front + w->queue.count;
        cst__request_wait(w, request);
    }
    kept = cst__slice_ref(chunk);
    cst__row_push(&w->queue, &kept);
    s->hot |= W_BUFFERED | ACTIVE;
    return CST_OK;
}

OUT_OF_LINE cst_status write_in_general(cst_stream *s, const cst_slice *chunk, cst_done_fn *done,
                                        void *arg)
{
    struct writable *w = cst__w(s);
    struct cst__request *request = NULL;
    size_t len = cst__length_of(s, chunk);
    cst_status st;

    CST__ASSERT(!s->ctx->room.express);
    if (len > SIZE_MAX - w->length)
        return CST_E_OUT_OF_RANGE;
    if (done && !(request = cst__request_new(s, done, arg)))
        return CST_E_NOMEM;
    if (s->hot & (W_ENDING | DESTROYED))
        return cst__refuse_write(s, request, cst__refused_status(s));
    if (!must_wait(s)) {
        w->length += len;
        cst__flight_start(s, chunk, len, request);
    } else {
        if ((st = queue_chunk(s, chunk, request)) < 0) {
            if (request)
                cst__free(s->ctx, request, sizeof(*request));
            return st;
        }
        w->length += len;
    }
    return cst__write_status(s);
}

cst_status cst__write(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg)
{
    cst_status st;

    if (!done && cst__express_write(s, chunk, &st))
        return st;
    return write_in_general(s, chunk, done, arg);
}

cst_status cst__write_general(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg)
{
    cst_status st = CST_E_INVALID_ARG;

    if (s && s->has_writable) {
        cst_ctx *ctx = s->ctx;

        cst__enter(ctx);
        st = cst__write(s, &chunk, done, arg);
        cst__leave(ctx);
    }
    cst__slice_unref(&chunk);
    return st;
}

cst_status cst__copy_to_write(cst_slice *out, const cst_stream *s, const void *bytes, size_t len)
{
    if (!s || !s->has_writable || (!bytes && len))
        return CST_E_INVALID_ARG;
    return cst__copy(out, &s->ctx->copies, bytes, len);
}

/* --- cork ------------------------------------------------------------------------------------- */

void cst__uncork(cst_stream *s)
{
    CST__ASSERT(!s->ctx->room.express);
    if (!*cst__corks(s) || cst__has_enough(s))
        return;
    if (--*cst__corks(s) == 0)
        s->hot &= NOT(W_CORKED);
    if (!(s->hot & W_WRITING))
        cst__queue_clear(s);
}

cst_status cst_cork(cst_stream *s)
{
    if (!s || !s->has_writable || *cst__corks(s) == CORKED_FOR_GOOD - 1)
        return CST_E_INVALID_ARG;
    if (cst__has_enough(s))
        return CST_OK;
    cst__enter(s->ctx);
    s->hot |= W_CORKED;
    ++*cst__corks(s);
    cst__leave(s->ctx);
    return CST_OK;
}

cst_status cst_uncork(cst_stream *s)
{
    cst_ctx *ctx;

    if (!s || !s->has_writable)
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    cst__enter(ctx);
    cst__uncork(s);
    cst__leave(ctx);
    return CST_OK;
}

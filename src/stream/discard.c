/*
 * discard.c - cst_discard: throws away what waits to be written.
 */
#include "stream/stream_internal.h"

/* Take the front chunk out of the queue. Its callback comes by a task. Return its bytes. */
static size_t discard_front(cst_stream *s, cst_status why)
{
    struct writable *w = cst__w(s);
    struct cst__request *request = cst__requests_take_front(w);
    cst_slice chunk = cst__row_shift(&w->queue);
    size_t len = chunk.len;

    w->front++;
    w->length -= cst__length_of(s, &chunk);
    cst__queue_is_empty(s);
    if (request)
        cst__request_post(s, request, why);
    cst__slice_unref(&chunk);
    return len;
}

/* Queue 'drain', behind the callbacks, if one is due. The end of a write in flight sees to it. */
static void drain_if_due(cst_stream *s)
{
    struct writable *w = cst__w(s);

    if (!(s->hot & W_NEED_DRAIN) || w->length != 0)
        return;
    w->pending++;
    if (!cst__try_post(s, TASK_AFTER_WRITE, CST_OK))
        cst__run_after_write(s);
}

/* A release function may queue chunks: they stay. */
static size_t discard(cst_stream *s, cst_status why)
{
    uint32_t count = cst__w(s)->queue.count;
    size_t bytes = 0;

    while (count-- > 0 && cst__w(s)->queue.count)
        bytes += discard_front(s, why);
    drain_if_due(s);
    return bytes;
}

cst_status cst_discard(size_t *bytes, cst_stream *s, cst_status why)
{
    cst_ctx *ctx;
    size_t gone;

    if (!s || !s->has_writable || why >= 0)
        return CST_E_INVALID_ARG;
    if (s->hot & DESTROYED)
        return CST_E_DESTROYED;
    if (s->hot & W_ENDING)
        return CST_E_WRITE_AFTER_END;
    if (!cst__w(s)->queue.count)
        return CST_EMPTY;
    ctx = s->ctx;
    cst__enter(ctx);
    gone = discard(s, why);
    cst__leave(ctx);
    if (bytes)
        *bytes = gone;
    return CST_OK;
}

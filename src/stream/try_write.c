/*
 * try_write.c - cst_try_write: a write that leaves the chunk to the caller while there is no room.
 */
#include "stream/stream_internal.h"

/* Until it is known to be accepted the chunk is the caller's: the write has its own reference. */
static cst_status try_write(cst_stream *s, cst_slice *chunk, cst_done_fn *done, void *arg)
{
    cst_slice taken;
    cst_status st;

    if (s->hot & (W_ENDING | DESTROYED))
        return cst__refused_status(s);
    if (s->hot & W_NEED_DRAIN)
        return CST_REFUSED;
    taken = cst_slice_ref(chunk);
    st = cst__write(s, &taken, done, arg);
    cst__slice_unref(&taken);
    if (st >= 0)
        cst_slice_unref(chunk);
    return st;
}

cst_status cst_try_write(cst_stream *s, cst_slice *chunk, cst_done_fn *done, void *arg)
{
    cst_ctx *ctx;
    cst_status st;

    if (!s || !s->has_writable || !chunk)
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    cst__enter(ctx);
    st = try_write(s, chunk, done, arg);
    cst__leave(ctx);
    return st;
}

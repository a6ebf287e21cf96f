/*
 * try_write.c - cst_try_write: a write that is refused while there is no room, and costs the caller
 * nothing then.
 */
#include "stream/stream_internal.h"

cst_status cst_try_write(cst_stream *s, cst_slice *chunk, cst_done_fn *done, void *arg)
{
    cst_status st;

    if (!chunk || !cst_stream_has_writable(s))
        return CST_E_INVALID_ARG;
    if (cst_is_destroyed(s) || cst_writable_ended(s))
        return cst__refused_status(s);
    if (cst_writable_need_drain(s))
        return CST_REFUSED;
    st = cst_write(s, cst_slice_ref(chunk), done, arg);
    if (st >= 0)
        cst_slice_unref(chunk);
    return st;
}

/*
 * transform.c - hands chunks from the writable side of a transform to its readable side.
 *
 * A write of a transform completes only when the readable side has room. If the readable buffer has
 * reached its highWaterMark, the completion is kept (T_KEPT), and the next read that would call a
 * read slot completes the write. So at most one chunk is between the sides.
 */
#include "stream/stream_internal.h"

static bool settle(cst_stream *s, size_t mark)
{
    const struct readable *r = cst__r(s);

    if (s->w_ended || r->length == mark || r->length < r->high_water_mark)
        return true;
    s->hot |= T_KEPT;
    return false;
}

/* Settle a write of a stream that is corked or has ended. If it has enough, flush first. */
OUT_OF_LINE bool settle_at_end(cst_stream *s, size_t mark)
{
    cst__hold_flush(s);
    if (s->hot & R_ENDED)
        return !cst__try_post(s, TASK_COMPLETE_WRITE, CST_OK);
    return cst__has_enough(s) || settle(s, mark);
}

bool cst__transform_settle(cst_stream *s, size_t mark)
{
    if (s->hot & (R_ENDED | W_CORKED))
        return settle_at_end(s, mark);
    return settle(s, mark);
}

/* Take an answer that is a failure, CST_AGAIN, or counts as CST_OK: any other positive one, and
 * CST_AGAIN of a stream that has enough. */
OUT_OF_LINE cst_status answered_otherwise(cst_stream *s, cst_status status, size_t mark)
{
    if (status == CST_AGAIN && !cst__has_enough(s))
        status = cst__again(s, mark);
    if (status < 0 || status == CST_PENDING)
        return status;
    return cst__transform_settle(s, mark) ? CST_OK : CST_PENDING;
}

cst_status cst__transform_answered(cst_stream *s, cst_status status, cst_slice *chunk, size_t mark)
{
    if ((unsigned)status >= (unsigned)CST_AGAIN) /* failures too: as unsigned they are large */
        return answered_otherwise(s, status, mark);
    if (chunk)
        cst__push(s, chunk);
    return cst__transform_settle(s, mark) ? CST_OK : CST_PENDING;
}

cst_status cst__transform_returned(const struct cst__transform_call *call, cst_status status,
                                   struct cst__given *given)
{
    status = cst__transform_slot_leave(call, status, given);
    if (status == CST_PENDING)
        return CST_PENDING;
    return cst__transform_answered(call->stream, status, given->counts ? &given->chunk : NULL,
                                   call->mark);
}

cst_status cst__transform_write(cst_stream *s, const cst_slice *chunk, struct cst__given *given)
{
    struct cst__transform_call call;

    if (s->hot & IS_PASSTHROUGH) {
        given->chunk = cst__slice_ref(chunk);
        return cst__transform_answered(s, CST_OK, &given->chunk, cst__r(s)->length);
    }
    cst__transform_slot_enter(&call, s);
    return cst__transform_returned(&call, s->ops->transform(s, cst__self(s), chunk), given);
}

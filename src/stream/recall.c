/*
 * recall.c - calls a transform or flush slot again that has answered CST_AGAIN (again.c).
 */
#include "stream/stream_internal.h"

/* The chunk of the write in flight is kept. If the slot answers inside the call, the next write may
 * take its place, so hold a reference here. */
static void transform_again(cst_stream *s)
{
    cst_slice chunk = cst__slice_ref(&cst__w(s)->flight.chunk);
    struct cst__transform_call call;
    struct cst__given given;
    cst_status status;

    cst__transform_slot_enter(&call, s);
    status = cst__transform_returned(&call, s->ops->transform(s, cst__self(s), &chunk), &given);
    if (status != CST_PENDING)
        cst__write_complete(s, status);
    cst__slice_unref(&given.chunk);
    cst__slice_unref(&chunk);
}

void cst__call_again(cst_stream *s)
{
    CST__ASSERT(s->owed & CALL_AGAIN);
    if (s->slot != SLOT_NONE) { /* it has answered by a call, and has not returned yet */
        s->hot = (s->hot & NOT(R_READING)) | T_KEPT;
        cst__maybe_read_more(s);
        return;
    }
    s->owed = (uint8_t)(s->owed & ~CALL_AGAIN);
    if (s->hot & W_WRITING) {
        cst__watch_pushes(s);
        transform_again(s);
    } else {
        cst__flush_again(s);
    }
}

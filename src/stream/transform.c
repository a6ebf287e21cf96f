/*
 * transform.c - from the writable side of a transform to its readable side.
 *
 * A write of a transform is completed when its output has room: the completion is kept (T_KEPT) while the readable
 * buffer is at its highWaterMark, and given by the next read that wants more. So at most one chunk is between the sides.
 */
#include "stream/stream_internal.h"

/* The readable side has room again, or never will have: the write may complete. */
void cst__transform_settle(cst_stream *s, size_t mark)
{
    const struct readable *r = cst__r(s);

    if (s->flags & R_ENDED) {
        if (!cst__try_post(s, TASK_COMPLETE_WRITE, CST_OK))
            cst__write_answered(s, CST_OK);
    } else if ((s->flags & W_ENDED) || r->length == mark || r->length < r->high_water_mark) {
        cst__write_answered(s, CST_OK);
    } else {
        s->flags |= T_KEPT;
    }
}

void cst__transform_answered(cst_stream *s, cst_status status, cst_slice *chunk, size_t mark)
{
    if (status < 0) {
        cst__write_answered(s, status);
        return;
    }
    if (chunk)
        cst__push(s, chunk);
    cst__transform_settle(s, mark);
}

void cst__transform_write(cst_stream *s, const cst_slice *chunk)
{
    if (s->flags & IS_PASSTHROUGH) {
        size_t mark = cst__r(s)->length;
        cst_slice passed = cst__slice_ref(chunk);

        cst__transform_answered(s, CST_OK, &passed, mark);
        cst__slice_unref(&passed);
    } else {
        cst__call_transform(s, chunk);
    }
}

void cst__transform_read(cst_stream *s)
{
    if (!(s->flags & T_KEPT))
        return;
    s->flags &= ~T_KEPT;
    cst__write_answered(s, CST_OK);
}

void cst__transform_flush(cst_stream *s, enum cst__slot slot)
{
    if (s->ops->flush && !(s->flags & DESTROYED))
        cst__call_flush(s, slot);
    else
        cst__flush_answered(s, slot, CST_OK, NULL);
}

void cst__flush_answered(cst_stream *s, enum cst__slot slot, cst_status status, cst_slice *chunk)
{
    bool as_final = slot == SLOT_FLUSH_AS_FINAL;

    if (status >= 0) {
        if (chunk)
            cst__push(s, chunk);
        cst__push_eof(s);
    } else if (!as_final) {
        cst_error error = cst__error_here(s, status, CST_WRITING);

        cst__destroy(s, &error);
    }
    if (as_final)
        cst__final_answered(s, status);
}

/*
 * hold.c - a writable side that has enough (cst_enough): it holds what is written, until it closes.
 *
 * Such a side is corked for good (cst__has_enough in layout.h), so that neither the rules nor the
 * fast path call its slot again. What is left to do is here:
 *
 *     the slot has answered      a transform: flush, EOF
 *     then, with 'end', if       cst_end was not called: destroy; what is held is lost
 *     there is such a side       it was: what is held goes by, 'finish' comes
 */
#include "stream/stream_internal.h"

static bool readable_side_is_done(const cst_stream *s)
{
    return !s->has_readable || s->r_end_emitted || s->r_absent;
}

/* Let all that is held go by: it counts as written. */
static void let_by(cst_stream *s)
{
    struct writable *w = cst__w(s);

    while (w->queue.count) {
        struct cst__request *request = cst__requests_take_front(w);
        cst_slice chunk = cst__row_shift(&w->queue);

        w->front++;
        w->length -= cst__length_of(s, &chunk);
        if (request)
            cst__request_post(s, request, CST_OK);
        cst__slice_unref(&chunk);
    }
    cst__queue_is_empty(s);
    cst__finish_maybe(s, true);
}

void cst__hold_flush(cst_stream *s)
{
    if (!cst__has_enough(s) || (s->hot & (DESTROYED | ERRORED | CONSTRUCTED)) != CONSTRUCTED)
        return;
    if ((s->hot & (IS_TRANSFORM | R_ENDED)) != IS_TRANSFORM)
        cst__hold_close(s);
    else if (!(s->owed & CALL_AGAIN) && !cst__slot_owes(s, SLOT_FLUSH_AT_FINISH))
        cst__flush_early(s);
}

void cst__hold_close(cst_stream *s)
{
    if (!cst__has_enough(s) || !readable_side_is_done(s) || cst__owes_write(s) ||
        (s->hot & (DESTROYED | ERRORED | CONSTRUCTED)) != CONSTRUCTED)
        return;
    if (!(s->hot & W_ENDING))
        cst__destroy(s, NULL);
    else if (!(s->hot & W_WRITING))
        let_by(s);
}

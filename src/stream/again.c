/*
 * again.c - the answer CST_AGAIN of a transform or flush slot: it has stopped in the middle, and is
 * to be called again when there is room in the output.
 *
 * Until then the write stays in flight, or the end waits. CALL_AGAIN and T_KEPT are set: the next
 * read that would call a read slot calls the slot (recall.c). If there is room now, that is the
 * task that reads ahead.
 */
#include "stream/stream_internal.h"

void cst__watch_pushes(cst_stream *s)
{
    if (!(s->hot & R_DATA_EMITTED))
        return;
    s->hot = (s->hot & NOT(R_DATA_EMITTED)) | ACTIVE;
    s->r_data_emitted_before = true;
}

/* Return whether a call that began with `mark` buffered has pushed nothing although there was room.
 * If data was emitted since the watch began, it is taken to have pushed. */
static bool has_stalled(const cst_stream *s, size_t mark)
{
    const struct readable *r = cst__r(s);

    return r->length == mark && !(s->hot & R_DATA_EMITTED) &&
           (mark == 0 || mark < r->high_water_mark);
}

static bool has_room(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    return r->length < r->high_water_mark || ((s->hot & R_FLOWING) && r->length == 0);
}

cst_status cst__again(cst_stream *s, size_t mark)
{
    if (s->hot & (DESTROYED | ERRORED))
        return cst__failure_or(s, CST_E_DESTROYED);
    if (s->hot & R_ENDED)
        return CST_OK;
    if (has_stalled(s, mark))
        return CST_E_STALL;
    s->owed |= CALL_AGAIN;
    s->hot = (s->hot & NOT(R_READING)) | T_KEPT;
    if (has_room(s))
        cst__maybe_read_more(s);
    return CST_PENDING;
}

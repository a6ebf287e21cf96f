/*
 * enough.c - cst_enough: a stream needs no more input.
 */
#include "stream/stream_internal.h"

bool cst__let_feeders_go(cst_stream *s)
{
    struct cst__enough enough = { .event.type = CST__EVENT_ENOUGH };

    cst__emit_event(s, &enough.event);
    return enough.let_go;
}

/* Complete the write that a transform keeps, since its slot is not called again for it, and no room
 * is needed for the next. */
static void complete_kept(cst_stream *s)
{
    if ((s->hot & (T_KEPT | W_WRITING)) != (T_KEPT | W_WRITING))
        return;
    s->hot &= NOT(T_KEPT);
    s->owed = (uint8_t)(s->owed & ~CALL_AGAIN);
    cst__write_complete(s, CST_OK);
}

/* Hold what is written from now on, and do what is due at once if no slot owes an answer. */
static void hold(cst_stream *s)
{
    s->hot = (s->hot & NOT(W_CLEARING)) | W_CORKED;
    *cst__corks(s) = CORKED_FOR_GOOD;
    complete_kept(s);
    if (!cst__owes_write(s))
        cst__hold_flush(s);
}

cst_status cst_enough(cst_stream *s)
{
    cst_ctx *ctx;
    bool let_go;

    if (!s || !s->has_writable)
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    cst__enter(ctx);
    let_go = cst__let_feeders_go(s);
    if (!cst__has_enough(s) && !s->w_final_called && !s->w_finished &&
        !(s->hot & (DESTROYED | ERRORED)))
        hold(s);
    cst__leave(ctx);
    return let_go ? CST_OK : CST_EMPTY;
}

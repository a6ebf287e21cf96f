/*
 * mode.c - who gets the chunks of a readable side: it flows, is paused, or has 'readable'
 * listeners.
 */
#include "stream/stream_internal.h"

/* --- resume and pause ------------------------------------------------------------------------- */

void cst__resume(cst_stream *s)
{
    bool flows = (s->hot & R_FLOWING) != 0, scheduled = s->r_resume_scheduled;

    CST__ASSERT(!s->ctx->room.express);
    if (s->hot & DESTROYED)
        return;
    s->r_paused = false;
    if (flows)
        return;
    s->r_has_flowing = s->r_resume_scheduled = true;
    if (!s->r_readable_listening)
        s->hot |= R_FLOWING;
    if (!scheduled)
        cst__post_for(s, TASK_RESUME);
}

cst_status cst_resume(cst_stream *s)
{
    if (!s || !s->has_readable)
        return CST_E_INVALID_ARG;
    cst__enter(s->ctx);
    cst__resume(s);
    cst__leave(s->ctx);
    return CST_OK;
}

void cst__pause(cst_stream *s)
{
    CST__ASSERT(!s->ctx->room.express);
    if (s->hot & DESTROYED)
        return;
    if (!cst__flowing_is_false(s)) {
        s->r_has_flowing = true;
        s->hot &= NOT(R_FLOWING);
        cst__emit(s, CST_PAUSE);
    }
    s->r_paused = true;
}

cst_status cst_pause(cst_stream *s)
{
    cst_ctx *ctx;

    if (!s || !s->has_readable)
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    cst__enter(ctx);
    cst__pause(s);
    cst__leave(ctx);
    return CST_OK;
}

/* --- what listening does ---------------------------------------------------------------------- */

/* Let the stream flow for a new 'data' listener, unless it was paused. */
static void listen_to_data(cst_stream *s)
{
    s->hot |= R_DATA_LISTENING;
    if (cst__listened(s, CST_READABLE))
        s->r_readable_listening = true;
    if (!cst__flowing_is_false(s))
        cst__resume(s);
}

void cst__data_listener_added(cst_stream *s)
{
    cst__data_listeners_changed(s);
    listen_to_data(s);
}

/* Do what cst__data_listener_added does, for a stream whose only 'data' listener is the pipe
 * `sole`, without a look at the list. */
void cst__data_listener_is(cst_stream *s, struct cst__pipe *sole)
{
    if (!cst__decodes(s))
        cst__set_sole_dest(s, sole->dest);
    listen_to_data(s);
}

void cst__readable_listener_added(cst_stream *s)
{
    struct readable *r = cst__r(s);

    if (s->r_end_emitted || s->r_readable_listening)
        return;
    s->r_readable_listening = s->r_has_flowing = true;
    s->hot |= R_NEED_READABLE;
    s->hot &= NOT(R_FLOWING | R_EMITTED_READABLE);
    if (r->length) {
        cst__announce_readable(s);
        return;
    }
    if (s->r_eof_readable_pending) {
        s->r_eof_readable_pending = false;
        cst__announce_readable(s);
    }
    if (!(s->hot & R_READING))
        cst__post_for(s, TASK_READ);
}

/* Decide anew who gets the chunks, as a task, after a 'readable' listener was removed. If it is
 * added again before the task runs, the mode does not change. */
void cst__run_mode(cst_stream *s)
{
    s->r_readable_listening = cst__listened(s, CST_READABLE);
    if (s->r_resume_scheduled && !s->r_paused) {
        s->r_has_flowing = true;
        s->hot |= R_FLOWING;
    } else if (s->hot & R_DATA_LISTENING) {
        cst__resume(s);
    } else if (!s->r_readable_listening) {
        s->r_has_flowing = false;
        s->hot &= NOT(R_FLOWING);
    }
}

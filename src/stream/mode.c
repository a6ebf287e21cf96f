/*
 * mode.c - who gets the chunks of a readable side: it flows, is paused, or has 'readable'
 * listeners.
 */
#include "stream/stream_internal.h"

/* --- resume and pause ------------------------------------------------------------------------- */

void cst__resume(cst_stream *s)
{
    bool flows = (s->flags & R_FLOWING) != 0, scheduled = (s->flags & R_RESUME_SCHEDULED) != 0;

    CST__ASSERT(!s->ctx->room.express);
    if (s->flags & DESTROYED)
        return;
    s->flags &= ~R_PAUSED;
    if (flows)
        return;
    s->flags |= R_HAS_FLOWING | R_RESUME_SCHEDULED;
    if (!(s->flags & R_READABLE_LISTENING))
        s->flags |= R_FLOWING;
    if (!scheduled)
        cst__post_for(s, TASK_RESUME);
}

cst_status cst_resume(cst_stream *s)
{
    if (!s || !(s->flags & HAS_READABLE))
        return CST_E_INVALID_ARG;
    cst__enter(s->ctx);
    cst__resume(s);
    cst__leave(s->ctx);
    return CST_OK;
}

void cst__pause(cst_stream *s)
{
    CST__ASSERT(!s->ctx->room.express);
    if (s->flags & DESTROYED)
        return;
    if ((s->flags & (R_HAS_FLOWING | R_FLOWING)) != R_HAS_FLOWING) {
        s->flags |= R_HAS_FLOWING;
        s->flags &= ~R_FLOWING;
        cst__emit(s, CST_PAUSE);
    }
    s->flags |= R_PAUSED;
}

cst_status cst_pause(cst_stream *s)
{
    cst_ctx *ctx;

    if (!s || !(s->flags & HAS_READABLE))
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
    s->flags |= R_DATA_LISTENING;
    if (cst__listened(s, CST_READABLE))
        s->flags |= R_READABLE_LISTENING;
    if ((s->flags & (R_HAS_FLOWING | R_FLOWING)) != R_HAS_FLOWING)
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
    if (!cst__decodes(s)) {
        s->flags |= R_PIPED;
        cst__r(s)->sole_dest = sole->dest;
    }
    listen_to_data(s);
}

void cst__readable_listener_added(cst_stream *s)
{
    struct readable *r = cst__r(s);

    if (s->flags & (R_END_EMITTED | R_READABLE_LISTENING))
        return;
    s->flags |= R_READABLE_LISTENING | R_NEED_READABLE | R_HAS_FLOWING;
    s->flags &= ~(R_FLOWING | R_EMITTED_READABLE);
    if (r->length) {
        cst__announce_readable(s);
        return;
    }
    if (s->flags & R_EOF_READABLE_PENDING) {
        s->flags &= ~R_EOF_READABLE_PENDING;
        cst__announce_readable(s);
    }
    if (!(s->flags & R_READING))
        cst__post_for(s, TASK_READ);
}

/* Decide anew who gets the chunks, as a task, after a 'readable' listener was removed. If it is
 * added again before the task runs, the mode does not change. */
void cst__run_mode(cst_stream *s)
{
    if (cst__listened(s, CST_READABLE))
        s->flags |= R_READABLE_LISTENING;
    else
        s->flags &= ~R_READABLE_LISTENING;
    if ((s->flags & (R_PAUSED | R_RESUME_SCHEDULED)) == R_RESUME_SCHEDULED)
        s->flags |= R_HAS_FLOWING | R_FLOWING;
    else if (s->flags & R_DATA_LISTENING)
        cst__resume(s);
    else if (!(s->flags & R_READABLE_LISTENING))
        s->flags &= ~(R_HAS_FLOWING | R_FLOWING);
}

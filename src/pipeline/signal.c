/*
 * signal.c - the switch of join.h: its list of records that listen, and throwing it.
 */
#include "pipeline/signal_internal.h"

/* --- life ------------------------------------------------------------------------------------- */

static void release_switch(cst_abort *abort)
{
    if (--abort->refs == 0)
        cst__free(abort->ctx, abort, sizeof(*abort));
}

cst_status cst_abort_new(cst_abort **out, cst_ctx *ctx)
{
    cst_abort *abort;

    if (!out || !ctx)
        return CST_E_INVALID_ARG;
    abort = cst__alloc(ctx, sizeof(*abort));
    if (!abort)
        return CST_E_NOMEM;
    *abort = (cst_abort){ .ctx = ctx, .refs = 1 };
    *out = abort;
    return CST_OK;
}

cst_abort *cst_abort_ref(cst_abort *abort)
{
    if (abort)
        abort->refs++;
    return abort;
}

void cst_abort_unref(cst_abort *abort)
{
    if (abort)
        release_switch(abort);
}

/* --- who listens ------------------------------------------------------------------------------ */

void cst__abort_listen(cst_abort *abort, struct cst__abort_link *link,
                       void (*fired)(struct cst__abort_link *link))
{
    link->abort = abort;
    link->fired = fired;
    link->is_attachment = false;
    link->next = NULL;
    link->prev = abort->last;
    if (abort->last)
        abort->last->next = link;
    else
        abort->first = link;
    abort->last = link;
    abort->refs++;
}

void cst__abort_unlisten(struct cst__abort_link *link)
{
    cst_abort *abort = link->abort;

    if (!abort)
        return;
    if (link->prev)
        link->prev->next = link->next;
    else
        abort->first = link->next;
    if (link->next)
        link->next->prev = link->prev;
    else
        abort->last = link->prev;
    link->abort = NULL;
    release_switch(abort);
}

/* --- throwing it ------------------------------------------------------------------------------ */

cst_status cst_abort_fire(cst_abort *abort)
{
    cst_ctx *ctx;

    if (!abort)
        return CST_E_INVALID_ARG;
    if (abort->fired)
        return CST_OK;
    abort->fired = true;
    ctx = abort->ctx;
    cst__enter(ctx);
    abort->refs++;
    while (abort->first) {
        struct cst__abort_link *link = abort->first;

        cst__abort_unlisten(link);
        link->fired(link);
    }
    release_switch(abort);
    cst__leave(ctx);
    return CST_OK;
}

bool cst_abort_fired(const cst_abort *abort)
{
    return abort && abort->fired;
}

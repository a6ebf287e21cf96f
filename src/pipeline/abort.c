/*
 * abort.c - one switch that destroys any number of streams.
 */
#include "pipeline/abort_internal.h"
#include "pipeline/finished_internal.h"

/* A stream that the switch concerns, until it is over or freed. */
struct attachment {
    struct cst__limbo limbo;
    struct cst__abort_link link;
    struct cst__finished finished;
};

struct cst_abort {
    cst_ctx *ctx;
    struct cst__abort_link *first, *last;
    unsigned refs; /* the caller's, and one for each link */
    bool fired;
};

static void abort_release(cst_abort *abort)
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

void cst_abort_unref(cst_abort *abort)
{
    if (abort)
        abort_release(abort);
}

/* --- who listens ------------------------------------------------------------------------------------------------------ */

void cst__abort_listen(cst_abort *abort, struct cst__abort_link *link,
                       void (*fired)(struct cst__abort_link *link))
{
    link->abort = abort;
    link->fired = fired;
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
    abort_release(abort);
}

/* --- streams ---------------------------------------------------------------------------------------------------------- */

static void attachment_over(struct cst__finished *finished, const cst_error *error)
{
    (void)error;
    cst__abort_unlisten(&cst__container_of(finished, struct attachment, finished)->link);
}

static void attachment_gone(struct cst__finished *finished)
{
    struct attachment *a = cst__container_of(finished, struct attachment, finished);

    cst__abort_unlisten(&a->link);
    cst__free_later(finished->stream->ctx, &a->limbo, sizeof(*a));
}

static void abort_stream(cst_stream *s)
{
    cst_error error = cst__error_here(s, CST_E_ABORT, CST_NO_DIRECTION);

    cst__destroy(s, &error);
}

static void attachment_fired(struct cst__abort_link *link)
{
    abort_stream(cst__container_of(link, struct attachment, link)->finished.stream);
}

cst_status cst_abort_attach(cst_abort *abort, cst_stream *s)
{
    struct cst__finished_sides all = { .error = true };
    struct attachment *a;
    cst_ctx *ctx;

    if (!abort || !s || abort->ctx != s->ctx)
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    if (abort->fired) {
        cst__enter(ctx);
        abort_stream(s);
        cst__leave(ctx);
        return CST_OK;
    }
    a = cst__alloc(ctx, sizeof(*a));
    if (!a)
        return CST_E_NOMEM;
    cst__enter(ctx);
    cst__abort_listen(abort, &a->link, attachment_fired);
    all.readable = cst__has_readable_side(s);
    all.writable = cst__has_writable_side(s);
    cst__finished_start(&a->finished, s, all, attachment_over, attachment_gone);
    cst__leave(ctx);
    return CST_OK;
}

/* --- the switch ------------------------------------------------------------------------------------------------------- */

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
    abort_release(abort);
    cst__leave(ctx);
    return CST_OK;
}

bool cst_abort_fired(const cst_abort *abort)
{
    return abort && abort->fired;
}

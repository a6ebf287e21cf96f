/*
 * abort.c - destroying a stream when a switch is thrown.
 */
#include "pipeline/finished_internal.h"
#include "pipeline/signal_internal.h"

/* A stream that the switch destroys, until the stream is over or freed. */
struct attachment {
    struct cst__deferred_free deferred_free;
    struct cst__abort_link link;
    struct cst__finished finished;
};

static void attachment_over(struct cst__finished *finished, const cst_error *error)
{
    (void)error;
    cst__abort_unlisten(&cst__container_of(finished, struct attachment, finished)->link);
}

static void attachment_gone(struct cst__finished *finished)
{
    struct attachment *a = cst__container_of(finished, struct attachment, finished);

    cst__abort_unlisten(&a->link);
    cst__free_later(finished->stream->ctx, &a->deferred_free, sizeof(*a));
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
    a->link.is_attachment = true;
    all.readable = cst__readable_is_there(s);
    all.writable = cst__writable_is_there(s);
    cst__finished_start(&a->finished, s, all, attachment_over, attachment_gone);
    cst__leave(ctx);
    return CST_OK;
}

/* Return the attachment of s that a link of the list belongs to, or NULL. */
static struct attachment *attachment_of(struct cst__abort_link *link, const cst_stream *s)
{
    struct attachment *a;

    if (!link->is_attachment)
        return NULL;
    a = cst__container_of(link, struct attachment, link);
    return a->finished.stream == s ? a : NULL;
}

cst_status cst_abort_detach(cst_abort *abort, cst_stream *s)
{
    struct attachment *a = NULL;

    if (!abort || !s || abort->ctx != s->ctx)
        return CST_E_INVALID_ARG;
    for (struct cst__abort_link *link = abort->last; link && !a; link = link->prev)
        a = attachment_of(link, s);
    if (!a)
        return CST_EMPTY;
    cst__enter(s->ctx);
    cst__abort_unlisten(&a->link);
    cst__finished_stop(&a->finished);
    cst__leave(s->ctx);
    return CST_OK;
}

/*
 * abort.c - one switch that destroys any number of streams.
 */
#include "cstream/abort.h"
#include "pipeline/finished_internal.h"

/* A stream that the switch concerns, until it is over or freed. */
struct attachment {
    struct cst__limbo limbo;
    struct attachment *next, *prev;
    cst_abort *abort; /* NULL: it does not concern the stream any more */
    struct cst__finished finished;
};

struct cst_abort {
    cst_ctx *ctx;
    struct attachment *first, *last;
    unsigned refs; /* the caller's, and one for each attachment that is linked */
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

static void link_attachment(struct attachment *a)
{
    cst_abort *abort = a->abort;

    a->next = NULL;
    a->prev = abort->last;
    if (abort->last)
        abort->last->next = a;
    else
        abort->first = a;
    abort->last = a;
    abort->refs++;
}

static void unlink_attachment(struct attachment *a)
{
    cst_abort *abort = a->abort;

    if (!abort)
        return;
    if (a->prev)
        a->prev->next = a->next;
    else
        abort->first = a->next;
    if (a->next)
        a->next->prev = a->prev;
    else
        abort->last = a->prev;
    a->abort = NULL;
    abort_release(abort);
}

static void attachment_over(struct cst__finished *finished, const cst_error *error)
{
    (void)error;
    unlink_attachment(cst__container_of(finished, struct attachment, finished));
}

static void attachment_gone(struct cst__finished *finished)
{
    struct attachment *a = cst__container_of(finished, struct attachment, finished);

    unlink_attachment(a);
    cst__free_later(finished->stream->ctx, &a->limbo, sizeof(*a));
}

static void abort_stream(cst_stream *s)
{
    cst_error error = cst__error_here(s, CST_E_ABORT, CST_NO_DIRECTION);

    cst__destroy(s, &error);
}

cst_status cst_abort_attach(cst_abort *abort, cst_stream *s)
{
    struct cst__finished_sides all;
    struct attachment *a;

    if (!abort || !s || abort->ctx != s->ctx)
        return CST_E_INVALID_ARG;
    if (abort->fired) {
        cst__enter(abort->ctx);
        abort_stream(s);
        cst__leave(s->ctx);
        return CST_OK;
    }
    a = cst__alloc(s->ctx, sizeof(*a));
    if (!a)
        return CST_E_NOMEM;
    a->abort = abort;
    link_attachment(a);
    all.readable = cst__has_readable_side(s);
    all.writable = cst__has_writable_side(s);
    all.error = true;
    cst__finished_start(&a->finished, s, all, attachment_over, attachment_gone);
    return CST_OK;
}

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
        cst_stream *s = abort->first->finished.stream;

        unlink_attachment(abort->first);
        abort_stream(s);
    }
    abort_release(abort);
    cst__leave(ctx);
    return CST_OK;
}

bool cst_abort_fired(const cst_abort *abort)
{
    return abort && abort->fired;
}

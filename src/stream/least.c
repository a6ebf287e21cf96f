/*
 * least.c - holds 'readable' back until as many bytes are there as a peek has asked for.
 *
 * The peek leaves a record in the stream's list of listeners; CST__EVENT_LEAST says that there is
 * one. The next peek or cst_read drops it, or the 'readable' that it has held back.
 */
#include "stream/stream_internal.h"

struct cst__least {
    struct cst__deferred_free deferred_free;
    struct cst__fn_listener on_stream;
    cst_ctx *ctx;
    size_t n;
};

static struct cst__least *least_of(const cst_stream *s)
{
    struct cst__listener *l = s->listeners;

    while (!(l->events & EVENT_BIT(CST__EVENT_LEAST)))
        l = l->next;
    return cst__container_of(l, struct cst__least, on_stream.listener);
}

void cst__least_drop(struct cst__least *least)
{
    cst__free_later(least->ctx, &least->deferred_free, sizeof(*least));
}

void cst__least_over(cst_stream *s)
{
    struct cst__least *least = least_of(s);

    cst__unlisten(s, &least->on_stream.listener, UINT16_MAX);
    cst__least_drop(least);
}

bool cst__least_is_missing(cst_stream *s)
{
    if (!cst__listened(s, CST__EVENT_LEAST))
        return false;
    if (!(s->hot & R_ENDED) && cst__r(s)->length < least_of(s)->n)
        return true;
    cst__least_over(s);
    return false;
}

static void stream_freed(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    cst__least_drop(arg);
}

struct cst__least *cst__least_new(cst_stream *s, size_t n)
{
    struct cst__least *least = cst__alloc(s->ctx, sizeof(*least));

    if (!least)
        return NULL;
    *least = (struct cst__least){ .ctx = s->ctx, .n = n };
    least->on_stream.fn = stream_freed;
    least->on_stream.arg = least;
    return least;
}

void cst__least_set(cst_stream *s, struct cst__least *least)
{
    cst__listen_fn(s, &least->on_stream, EVENT_BIT(CST__EVENT_LEAST) | EVENT_BIT(CST__EVENT_FREED),
                   0);
}

/*
 * feed.c - feed.h: one of the sources that a stream reads by hand.
 */
#include "filters/feed.h"

#include "cstream/readable.h"

/* Stays on a source that is destroyed, so that the error it gets is no unhandled one. */
static void ignore_error(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

static void on_source(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__feed *feed = arg;
    cst_stream *owner = feed->owner;

    if (!owner)
        return;
    if (event->type == CST_ERROR)
        cst_destroy(owner, event->error->status);
    else if (event->type == CST_CLOSE && !cst_readable_ended(s))
        cst_destroy(owner, CST_E_PREMATURE_CLOSE);
    else
        feed->fn(owner, feed);
}

static const cst_event_type heard[] = { CST_READABLE, CST_END, CST_ERROR, CST_CLOSE };

#define HEARD (sizeof(heard) / sizeof(*heard))

cst_status cst__feed_accepts(const cst_stream *source, const cst_ctx *ctx, bool object_mode)
{
    if (!source || cst_stream_ctx(source) != ctx || !cst_stream_has_readable(source) ||
        cst_readable_object_mode(source) != object_mode)
        return CST_E_INVALID_ARG;
    return CST_OK;
}

static void free_feed(void *arg)
{
    struct cst__feed *feed = arg;
    const cst_allocator *allocator = cst_ctx_allocator(cst_stream_ctx(feed->source));

    cst_unref(feed->source);
    allocator->free(allocator->user, feed, sizeof(*feed));
}

cst_status cst__feed_new(struct cst__feed **out, cst_stream *source)
{
    const cst_allocator *allocator = cst_ctx_allocator(cst_stream_ctx(source));
    struct cst__feed *feed = allocator->alloc(allocator->user, sizeof(*feed));

    if (!feed)
        return CST_E_NOMEM;
    *feed = (struct cst__feed){ .source = cst_ref(source) };
    if (cst_on(source, CST_ERROR, ignore_error, NULL) < 0) {
        free_feed(feed);
        return CST_E_NOMEM;
    }
    *out = feed;
    return CST_OK;
}

cst_status cst__feed_open(struct cst__feed *feed, cst_stream *owner, cst__feed_fn *fn)
{
    if (feed->owner)
        return CST_OK;
    feed->owner = owner;
    feed->fn = fn;
    for (size_t i = 0; i < HEARD; i++)
        if (cst_on(feed->source, heard[i], on_source, feed) < 0)
            return CST_E_NOMEM;
    return CST_OK;
}

void cst__feed_free(struct cst__feed *feed, cst_status status)
{
    bool was_open = feed->owner != NULL;

    feed->owner = NULL;
    for (size_t i = 0; was_open && i < HEARD; i++)
        cst_off(feed->source, heard[i], on_source, feed);
    if (status < 0)
        cst_destroy(feed->source, status);
    else
        cst_off(feed->source, CST_ERROR, ignore_error, NULL);
    if (was_open)
        cst_defer(cst_stream_ctx(feed->source), &feed->task, free_feed, feed);
    else
        free_feed(feed);
}

void cst__feed_free_all(struct cst__feed *feeds, cst_status status)
{
    while (feeds) {
        struct cst__feed *feed = feeds;

        feeds = feed->next;
        cst__feed_free(feed, status);
    }
}

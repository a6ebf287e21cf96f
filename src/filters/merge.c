/*
 * merge.c - stages.h: several streams as one, a chunk of each in turn.
 *
 * The feeds that may have a chunk stand in a queue. The first one gives its chunk and goes to the
 * end; one that has none leaves the queue until its source says that there is something. So a
 * chunk costs the same, however many sources are silent.
 */
#include "cstream/stages.h"

#include "filters/feed.h"

struct merge {
    struct cst__feed *feeds;                    /* all that have not ended */
    struct cst__feed *queue_first, *queue_last; /* those that may have a chunk */
    bool wants;    /* the read slot was called, and nothing was pushed since */
    bool is_busy;  /* what runs now must not call step again */
    bool is_asked; /* the read slot was called meanwhile */
    bool is_over;  /* EOF was pushed */
};

/* --- lists ------------------------------------------------------------------------------------ */

static void enqueue(struct merge *merge, struct cst__feed *feed)
{
    if (feed->is_queued)
        return;
    feed->is_queued = true;
    feed->queue_next = NULL;
    if (merge->queue_first)
        merge->queue_last->queue_next = feed;
    else
        merge->queue_first = feed;
    merge->queue_last = feed;
}

static struct cst__feed *dequeue(struct merge *merge)
{
    struct cst__feed *feed = merge->queue_first;

    if (!feed)
        return NULL;
    merge->queue_first = feed->queue_next;
    feed->is_queued = false;
    return feed;
}

static void add_feed(struct merge *merge, struct cst__feed *feed)
{
    feed->next = merge->feeds;
    if (feed->next)
        feed->next->prev = feed;
    merge->feeds = feed;
    enqueue(merge, feed);
}

/* Let go of a source that has ended, and is not in the queue. */
static void drop_feed(struct merge *merge, struct cst__feed *feed)
{
    if (feed->prev)
        feed->prev->next = feed->next;
    else
        merge->feeds = feed->next;
    if (feed->next)
        feed->next->prev = feed->prev;
    cst__feed_free(feed, CST_OK);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static void on_feed(cst_stream *s, struct cst__feed *feed);

/* Return the next chunk, in turn. CST_EMPTY: no source has one now; CST_EOF: all have ended. */
static cst_status next_chunk(cst_stream *s, struct merge *merge, cst_slice *chunk)
{
    struct cst__feed *feed;

    while ((feed = dequeue(merge))) {
        cst_status st = cst__feed_open(feed, s, on_feed);

        if (st == CST_OK)
            st = cst_next(chunk, feed->source);
        if (st == CST_OK && !cst_is_destroyed(s))
            enqueue(merge, feed);
        if (st == CST_OK || st < 0 || cst_is_destroyed(s))
            return st;
        if (st == CST_EOF && !feed->is_queued)
            drop_feed(merge, feed); /* one that was queued meanwhile is met again */
    }
    return merge->feeds ? CST_EMPTY : CST_EOF;
}

/* Push a chunk, or EOF, or fail. Return whether another chunk is wanted. */
static bool step(cst_stream *s, struct merge *merge)
{
    cst_slice chunk;
    cst_status st = next_chunk(s, merge, &chunk);

    if (st == CST_EMPTY)
        return false;
    merge->wants = false;
    if (st == CST_OK) {
        if (cst_push(s, chunk) == CST_OK)
            merge->wants = true;
    } else if (st == CST_EOF) {
        merge->is_over = true;
        cst_push_eof(s);
    } else {
        cst_destroy(s, st);
    }
    return merge->wants && !cst_is_destroyed(s);
}

/* Outside the read slot one chunk is enough: if there is room for more, the stream calls the slot
 * by a task. */
static void step_outside(cst_stream *s, struct merge *merge)
{
    if (merge->is_busy || !merge->wants)
        return;
    cst_ref(s);
    merge->is_busy = true;
    do {
        merge->is_asked = false;
        (void)step(s, merge);
    } while (merge->is_asked && merge->wants && !cst_is_destroyed(s));
    merge->is_busy = false;
    cst_unref(s);
}

static void on_feed(cst_stream *s, struct cst__feed *feed)
{
    struct merge *merge = cst_stream_self(s);

    enqueue(merge, feed);
    step_outside(s, merge);
}

static cst_status merge_read(cst_stream *s, void *self, size_t hint)
{
    struct merge *merge = self;

    (void)hint;
    merge->wants = true;
    merge->is_asked = true;
    if (merge->is_busy)
        return CST_OK;
    merge->is_busy = true;
    while (step(s, merge))
        ;
    merge->is_busy = false;
    return CST_OK;
}

static cst_status merge_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct merge *merge = self;
    struct cst__feed *feeds = merge->feeds;

    (void)s;
    (void)error;
    merge->feeds = merge->queue_first = NULL;
    cst__feed_free_all(feeds, CST_E_ABORT);
    return CST_OK;
}

static const cst_ops merge_ops = {
    .name = "merge",
    .self_size = sizeof(struct merge),
    .read = merge_read,
    .destroy = merge_destroy,
};

/* --- public calls ----------------------------------------------------------------------------- */

cst_status cst_merge_new(cst_stream **out, cst_ctx *ctx, cst_stream *const *sources, size_t count,
                         const cst_opts *opts)
{
    struct merge merge = { .wants = false };
    struct cst__feed *feed;
    cst_status st = !ctx || (!sources && count) ? CST_E_INVALID_ARG : CST_OK;

    for (size_t i = 0; i < count && st == CST_OK; i++)
        st = cst__feed_accepts(sources[i], ctx, opts && opts->object_mode);
    for (size_t i = 0; i < count && st == CST_OK; i++) {
        st = cst__feed_new(&feed, sources[i]);
        if (st == CST_OK)
            add_feed(&merge, feed);
    }
    if (st == CST_OK)
        st = cst_readable_new(out, ctx, &merge_ops, &merge, opts);
    if (st < 0)
        cst__feed_free_all(merge.feeds, CST_OK);
    return st;
}

cst_status cst_merge_add(cst_stream *s, cst_stream *source)
{
    struct merge *merge;
    struct cst__feed *feed;
    cst_status st;

    if (!s || cst_stream_ops(s) != &merge_ops || source == s)
        return CST_E_INVALID_ARG;
    st = cst__feed_accepts(source, cst_stream_ctx(s), cst_readable_object_mode(s));
    if (st < 0)
        return st;
    merge = cst_stream_self(s);
    if (cst_is_destroyed(s))
        return CST_E_DESTROYED;
    if (merge->is_over)
        return CST_E_PUSH_AFTER_EOF;
    st = cst__feed_new(&feed, source);
    if (st < 0)
        return st;
    add_feed(merge, feed);
    step_outside(s, merge);
    return CST_OK;
}

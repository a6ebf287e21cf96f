/*
 * feed.h - one of the sources that a stream reads by hand: concat.c and merge.c.
 *
 * A feed holds a reference to its source. Its owner, the stream that reads, is told when there may
 * be a chunk. A source that fails or closes before its end destroys the owner.
 *
 *      cst__feed_new --> cst__feed_open --> cst__feed_next ... --> cst__feed_free
 *
 * A listener that was removed may still be called for the event that is being emitted. So a feed is
 * freed by a task, and does nothing in between.
 */
#ifndef CST_FILTERS_FEED_H
#define CST_FILTERS_FEED_H

#include "cstream/event.h"

struct cst__feed;

/** Tells the owner that feed may have a chunk, or has come to its end. */
typedef void cst__feed_fn(cst_stream *owner, struct cst__feed *feed);

struct cst__feed {
    struct cst__feed *next, *prev; /* the owner's, as the next two: zero if new */
    struct cst__feed *queue_next;
    bool is_queued;
    cst_stream *source;
    cst_stream *owner; /* NULL before it was opened, and after it was freed */
    cst__feed_fn *fn;
    cst_task task;
};

/**
 * Return CST_OK if a stream with this mode can read source, else CST_E_INVALID_ARG.
 */
cst_status cst__feed_accepts(const cst_stream *source, const cst_ctx *ctx, bool object_mode);

/** Make a feed. The source stays as it is, but its 'error' counts as heard. CST_E_NOMEM. */
cst_status cst__feed_new(struct cst__feed **out, cst_stream *source);

/**
 * Listen to the source, for owner. CST_OK also if that was done before. After CST_E_NOMEM the feed
 * is as it was, or listens in part; it can be freed.
 */
cst_status cst__feed_open(struct cst__feed *feed, cst_stream *owner, cst__feed_fn *fn);

/** Let go of the source. If status is negative, destroy it with that status. */
void cst__feed_free(struct cst__feed *feed, cst_status status);

/** Free each feed of a list. */
void cst__feed_free_all(struct cst__feed *feeds, cst_status status);

#endif

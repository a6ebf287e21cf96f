/*
 * concat.c - stages.h: streams one after another.
 */
#include "cstream/stages.h"

#include "filters/feed.h"

struct concat {
    cst_next_stream_fn *next; /* NULL: the sources are those of the list */
    void *arg;
    struct cst__feed *feeds; /* the one that is read, and those that follow */
    bool wants;              /* the read slot was called, and nothing was pushed since */
    bool is_busy;            /* what runs now must not call step again */
    bool is_asked;           /* the read slot was called meanwhile */
};

/* --- the next source -------------------------------------------------------------------------- */

/* Take a source that next has returned (taken). What is not read is destroyed. */
static cst_status accept(cst_stream *s, struct concat *concat, cst_stream *source)
{
    cst_status st = CST_E_INVALID_ARG;

    if (source != s)
        st = cst__feed_accepts(source, cst_stream_ctx(s), cst_readable_object_mode(s));
    if (st == CST_OK)
        st = cst__feed_new(&concat->feeds, source);
    if (st == CST_OK && cst_is_destroyed(s)) {
        cst__feed_free_all(concat->feeds, CST_E_ABORT);
        concat->feeds = NULL;
    } else if (st < 0 && source != s) {
        cst_destroy(source, CST_OK);
    }
    cst_unref(source);
    return st;
}

/* Have a source to read in concat->feeds. CST_EOF: none is left. */
static cst_status advance(cst_stream *s, struct concat *concat)
{
    cst_stream *source = NULL;
    cst_status st;

    if (concat->feeds)
        return CST_OK;
    if (!concat->next)
        return CST_EOF;
    st = concat->next(&source, concat->arg);
    if (st == CST_OK)
        return accept(s, concat, source);
    return st < 0 || st == CST_EOF ? st : CST_E_INVALID_ARG;
}

static void drop_first(struct concat *concat)
{
    struct cst__feed *feed = concat->feeds;

    concat->feeds = feed->next;
    cst__feed_free(feed, CST_OK);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static void on_feed(cst_stream *s, struct cst__feed *feed);

/* Return the next chunk of the sources; CST_EMPTY: there is none now. */
static cst_status next_chunk(cst_stream *s, struct concat *concat, cst_slice *chunk)
{
    for (;;) {
        cst_status st = advance(s, concat);

        if (cst_is_destroyed(s))
            return CST_E_DESTROYED;
        if (st == CST_OK)
            st = cst__feed_open(concat->feeds, s, on_feed);
        if (st != CST_OK)
            return st;
        if (!concat->feeds) /* whoever heard of the source has destroyed s */
            return CST_E_DESTROYED;
        st = cst_next(chunk, concat->feeds->source);
        if (st != CST_EOF || cst_is_destroyed(s))
            return st;
        drop_first(concat);
    }
}

/* Push a chunk, or EOF, or fail. Return whether another chunk is wanted. */
static bool step(cst_stream *s, struct concat *concat)
{
    cst_slice chunk;
    cst_status st = next_chunk(s, concat, &chunk);

    if (st == CST_EMPTY)
        return false;
    concat->wants = false;
    if (st == CST_OK) {
        if (cst_push(s, chunk) == CST_OK)
            concat->wants = true;
    } else if (st == CST_EOF) {
        cst_push_eof(s);
    } else {
        cst_destroy(s, st);
    }
    return concat->wants && !cst_is_destroyed(s);
}

/*
 * Outside the read slot one chunk is enough: if there is room for more, the stream calls the slot
 * by a task. So a source that never runs dry does not hold up the turn.
 */
static void on_feed(cst_stream *s, struct cst__feed *feed)
{
    struct concat *concat = cst_stream_self(s);

    if (concat->is_busy || !concat->wants || feed != concat->feeds)
        return;
    cst_ref(s);
    concat->is_busy = true;
    do {
        concat->is_asked = false;
        (void)step(s, concat);
    } while (concat->is_asked && concat->wants && !cst_is_destroyed(s));
    concat->is_busy = false;
    cst_unref(s);
}

static cst_status concat_read(cst_stream *s, void *self, size_t hint)
{
    struct concat *concat = self;

    (void)hint;
    concat->wants = true;
    concat->is_asked = true;
    if (concat->is_busy)
        return CST_OK;
    concat->is_busy = true;
    while (step(s, concat))
        ;
    concat->is_busy = false;
    return CST_OK;
}

static cst_status concat_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct concat *concat = self;
    struct cst__feed *feeds = concat->feeds;

    (void)s;
    (void)error;
    concat->feeds = NULL;
    cst__feed_free_all(feeds, CST_E_ABORT);
    return CST_OK;
}

static const cst_ops concat_ops = {
    .name = "concat",
    .self_size = sizeof(struct concat),
    .read = concat_read,
    .destroy = concat_destroy,
};

/* --- constructors ----------------------------------------------------------------------------- */

cst_status cst_concat_new(cst_stream **out, cst_ctx *ctx, cst_stream *const *sources, size_t count,
                          const cst_opts *opts)
{
    struct concat concat = { .next = NULL };
    struct cst__feed **end = &concat.feeds;
    cst_status st = !ctx || (!sources && count) ? CST_E_INVALID_ARG : CST_OK;

    for (size_t i = 0; i < count && st == CST_OK; i++)
        st = cst__feed_accepts(sources[i], ctx, opts && opts->object_mode);
    for (size_t i = 0; i < count && st == CST_OK; i++) {
        st = cst__feed_new(end, sources[i]);
        if (st == CST_OK)
            end = &(*end)->next;
    }
    if (st == CST_OK)
        st = cst_readable_new(out, ctx, &concat_ops, &concat, opts);
    if (st < 0)
        cst__feed_free_all(concat.feeds, CST_OK);
    return st;
}

cst_status cst_concat_fn_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                             cst_next_stream_fn *next, void *arg)
{
    const struct concat concat = { .next = next, .arg = arg };

    if (!next)
        return CST_E_INVALID_ARG;
    return cst_readable_new(out, ctx, &concat_ops, &concat, opts);
}

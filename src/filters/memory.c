/* memory.c - stages.h: a slice as a source, a chain as a sink. */
#include "cstream/stages.h"

#include "base/limits.h"

/* --- source ----------------------------------------------------------------------------------- */

struct memory_source {
    cst_slice rest; /* what was not pushed yet */
};

/*
 * Return how much the next chunk may hold. A message is not cut; with a mark of 0 the hint asks for
 * no size in particular.
 */
static size_t chunk_limit(const cst_stream *s, size_t hint)
{
    if (cst_readable_object_mode(s))
        return SIZE_MAX;
    return hint > 0 ? hint : CST__ZERO_MARK_CHUNK;
}

static cst_status memory_source_read(cst_stream *s, void *self, size_t hint)
{
    struct memory_source *source = self;
    size_t limit = chunk_limit(s, hint);
    cst_slice last;

    if (source->rest.len > limit)
        return cst_give(s, cst_slice_split_to(&source->rest, limit));

    /*
     * Push EOF with the last chunk, so that no further call is needed. If the slice is empty, the
     * push does nothing to a stream of bytes and is a message in object mode, which is right for
     * both.
     */
    last = source->rest;
    source->rest = cst_slice_empty();
    cst_push(s, last);
    cst_push_eof(s);
    return CST_OK;
}

static cst_status memory_source_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct memory_source *source = self;

    (void)s;
    (void)error;
    cst_slice_unref(&source->rest);
    return CST_OK;
}

static const cst_ops memory_source_ops = {
    .name = "memory-source",
    .self_size = sizeof(struct memory_source),
    .read = memory_source_read,
    .destroy = memory_source_destroy,
};

cst_status cst_memory_source_new(cst_stream **out, cst_ctx *ctx, cst_slice bytes,
                                 const cst_opts *opts)
{
    struct memory_source source = { .rest = bytes };
    cst_status st = cst_readable_new(out, ctx, &memory_source_ops, &source, opts);

    if (st < 0)
        cst_slice_unref(&source.rest);
    return st;
}

/* --- sink ------------------------------------------------------------------------------------- */

struct memory_sink {
    cst_chain *chain;
    size_t max_bytes; /* 0: no limit */
};

/* The chain is the caller's, who may have filled it beyond the limit. */
static bool has_room(const struct memory_sink *sink, size_t len)
{
    size_t held = cst_chain_bytes(sink->chain);

    return sink->max_bytes == 0 || len == 0 ||
           (held <= sink->max_bytes && len <= sink->max_bytes - held);
}

static cst_status memory_sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct memory_sink *sink = self;

    (void)s;
    if (!has_room(sink, chunk->len))
        return CST_E_OUT_OF_RANGE;
    return cst_chain_append(sink->chain, cst_slice_ref(chunk));
}

static const cst_ops memory_sink_ops = {
    .name = "memory-sink",
    .self_size = sizeof(struct memory_sink),
    .write = memory_sink_write,
};

cst_status cst_memory_sink_new(cst_stream **out, cst_ctx *ctx, cst_chain *chain, size_t max_bytes,
                               const cst_opts *opts)
{
    struct memory_sink sink = { .chain = chain, .max_bytes = max_bytes };

    if (!chain)
        return CST_E_INVALID_ARG;
    return cst_writable_new(out, ctx, &memory_sink_ops, &sink, opts);
}

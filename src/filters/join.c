/* join.c - framing.h: messages as bytes, with a delimiter behind each. */
#include "cstream/framing.h"

#include "filters/outputs.h"

struct join {
    cst_slice delimiter;
};

static cst_status join_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct join *join = self;

    if (chunk->len > 0)
        cst_push(s, cst_slice_ref(chunk));
    return cst_is_destroyed(s) ? CST_OK : cst_give(s, cst_slice_ref(&join->delimiter));
}

static cst_status join_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct join *join = self;

    (void)s;
    (void)error;
    cst_slice_unref(&join->delimiter);
    return CST_OK;
}

static const cst_ops join_ops = {
    .name = "join",
    .self_size = sizeof(struct join),
    .transform = join_transform,
    .destroy = join_destroy,
};

cst_status cst_join_new(cst_stream **out, cst_ctx *ctx, const void *delimiter, size_t len,
                        const cst_opts *opts)
{
    struct join join;
    cst_opts modes;
    cst_status st;

    if (!ctx || !delimiter || len == 0 || !cst__set_modes(&modes, opts, false, true))
        return CST_E_INVALID_ARG;
    st = cst_slice_copy(&join.delimiter, cst_ctx_allocator(ctx), delimiter, len);
    if (st < 0)
        return st;
    st = cst_transform_new(out, ctx, &join_ops, &join, &modes);
    if (st < 0)
        cst_slice_unref(&join.delimiter);
    return st;
}

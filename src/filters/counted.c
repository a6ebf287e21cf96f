/* counted.c - stages.h: the first bytes, all but the first, no more than so many. Views. */
#include "cstream/stages.h"

#include "filters/outputs.h"

struct counted {
    uint64_t left;
};

/* Take as many bytes as are left and as the chunk has off both; return how many. */
static size_t count_off(struct counted *counted, const cst_slice *chunk)
{
    size_t n = counted->left < chunk->len ? (size_t)counted->left : chunk->len;

    counted->left -= n;
    return n;
}

static cst_status new_counted(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, uint64_t n,
                              const cst_opts *opts)
{
    cst_opts modes;

    if (!cst__set_modes(&modes, opts, true, true))
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, ops, &(struct counted){ .left = n }, &modes);
}

/* --- take ------------------------------------------------------------------------------------- */

static cst_status take_bytes_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct counted *counted = self;
    size_t n = count_off(counted, chunk);

    if (counted->left > 0)
        return cst_give(s, cst_slice_ref(chunk));
    if (n > 0)
        cst_push(s, cst_slice_sub(chunk, 0, n));
    if (!cst_is_destroyed(s))
        cst_enough(s);
    return CST_OK;
}

static const cst_ops take_bytes_ops = {
    .name = "take-bytes",
    .self_size = sizeof(struct counted),
    .transform = take_bytes_transform,
};

cst_status cst_take_bytes_new(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts)
{
    return new_counted(out, ctx, &take_bytes_ops, n, opts);
}

/* --- drop ------------------------------------------------------------------------------------- */

static cst_status drop_bytes_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    size_t n = count_off(self, chunk);

    if (n == chunk->len)
        return CST_OK;
    return cst_give(s, cst_slice_sub(chunk, n, chunk->len - n));
}

static const cst_ops drop_bytes_ops = {
    .name = "drop-bytes",
    .self_size = sizeof(struct counted),
    .transform = drop_bytes_transform,
};

cst_status cst_drop_bytes_new(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts)
{
    return new_counted(out, ctx, &drop_bytes_ops, n, opts);
}

/* --- limit ------------------------------------------------------------------------------------ */

static cst_status limit_bytes_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    size_t n = count_off(self, chunk);

    if (n == chunk->len)
        return n > 0 ? cst_give(s, cst_slice_ref(chunk)) : CST_OK;
    if (n > 0)
        cst_push(s, cst_slice_sub(chunk, 0, n));
    return CST_E_OUT_OF_RANGE;
}

static const cst_ops limit_bytes_ops = {
    .name = "limit-bytes",
    .self_size = sizeof(struct counted),
    .transform = limit_bytes_transform,
};

cst_status cst_limit_bytes_new(cst_stream **out, cst_ctx *ctx, uint64_t max, const cst_opts *opts)
{
    return new_counted(out, ctx, &limit_bytes_ops, max, opts);
}

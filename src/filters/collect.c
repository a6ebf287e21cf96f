/* collect.c - stages.h: all that comes as one slice, up to a limit. */
#include "cstream/stages.h"

#include "filters/gather.h"

struct collect {
    size_t max_bytes;
    struct cst__gather held;
    cst_item_done_fn *done; /* NULL once it was called */
    void *arg;
};

static void tell_collected(struct collect *collect, const cst_error *error, const cst_slice *whole)
{
    cst_item_done_fn *done = collect->done;

    collect->done = NULL;
    if (done)
        done(error, whole, collect->arg);
}

static cst_status collect_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct collect *collect = self;

    if (chunk->len > collect->max_bytes - collect->held.len)
        return CST_E_OUT_OF_RANGE;
    return cst__gather_add(&collect->held, cst_stream_ctx(s), chunk, 0, chunk->len,
                           collect->max_bytes);
}

static cst_status collect_final(cst_stream *s, void *self)
{
    const cst_slice nothing = cst_slice_empty();
    struct collect *collect = self;
    cst_slice whole;
    cst_status st =
        cst__gather_take(&whole, &collect->held, cst_stream_ctx(s), &nothing, 0, collect->held.len);

    if (st < 0)
        return st;
    tell_collected(collect, NULL, &whole);
    cst_slice_unref(&whole);
    return CST_OK;
}

static cst_status collect_destroy(cst_stream *s, void *self, const cst_error *error)
{
    const cst_error early = { .stage = cst_stream_name(s), .status = CST_E_PREMATURE_CLOSE };
    struct collect *collect = self;

    cst__gather_drop(&collect->held);
    tell_collected(collect, error ? error : &early, NULL);
    return CST_OK;
}

static const cst_ops collect_ops = {
    .name = "collect",
    .self_size = sizeof(struct collect),
    .write = collect_write,
    .final = collect_final,
    .destroy = collect_destroy,
};

cst_status cst_collect_new(cst_stream **out, cst_ctx *ctx, size_t max_bytes, const cst_opts *opts,
                           cst_item_done_fn *done, void *arg)
{
    const struct collect collect = { .max_bytes = max_bytes, .done = done, .arg = arg };

    if (!done || max_bytes == 0)
        return CST_E_INVALID_ARG;
    return cst_writable_new(out, ctx, &collect_ops, &collect, opts);
}

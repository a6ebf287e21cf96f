/* tap.c - stages.h: to look at what passes, and to count it. */
#include "cstream/stages.h"

/* --- tap -------------------------------------------------------------------------------------- */

struct tap {
    cst_each_fn *fn;
    void *arg;
};

static cst_status tap_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct tap *tap = self;
    cst_status st = tap->fn(chunk, tap->arg);

    return st < 0 ? st : cst_give(s, cst_slice_ref(chunk));
}

static const cst_ops tap_ops = {
    .name = "tap",
    .self_size = sizeof(struct tap),
    .transform = tap_transform,
};

cst_status cst_tap_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_each_fn *fn,
                       void *arg)
{
    if (!fn)
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, &tap_ops, &(struct tap){ .fn = fn, .arg = arg }, opts);
}

/* --- meter ------------------------------------------------------------------------------------ */

struct meter {
    uint64_t every_bytes, every_ns;
    uint64_t bytes, chunks;
    uint64_t told_bytes, told_ns; /* when it was last called */
    cst_meter_fn *fn;
    void *arg;
};

static cst_status meter_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct meter *meter = self;
    uint64_t now_ns = cst_ctx_now_ns(cst_stream_ctx(s));

    meter->bytes += chunk->len;
    meter->chunks++;
    if (meter->bytes - meter->told_bytes >= meter->every_bytes &&
        now_ns - meter->told_ns >= meter->every_ns) {
        meter->told_bytes = meter->bytes;
        meter->told_ns = now_ns;
        meter->fn(meter->bytes, meter->chunks, false, meter->arg);
    }
    return cst_give(s, cst_slice_ref(chunk));
}

static cst_status meter_flush(cst_stream *s, void *self)
{
    const struct meter *meter = self;

    (void)s;
    meter->fn(meter->bytes, meter->chunks, true, meter->arg);
    return CST_OK;
}

static const cst_ops meter_ops = {
    .name = "meter",
    .self_size = sizeof(struct meter),
    .transform = meter_transform,
    .flush = meter_flush,
};

cst_status cst_meter_new(cst_stream **out, cst_ctx *ctx, uint64_t every_bytes, uint64_t every_ns,
                         const cst_opts *opts, cst_meter_fn *fn, void *arg)
{
    const struct meter meter = {
        .every_bytes = every_bytes,
        .every_ns = every_ns,
        .told_ns = cst_ctx_now_ns(ctx),
        .fn = fn,
        .arg = arg,
    };

    if (!fn)
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, &meter_ops, &meter, opts);
}

/*
 * bench_compute.c - how much streaming costs if a filter has real work. Chunks of 64 KiB go through
 * a transform that makes letters upper case (compute-upper) or writes hexadecimal digits
 * (compute-hex). The parameter is the bytes of a chunk; bytes per second are those that go in.
 *
 *   floor            only the loop, over one buffer again and again
 *   libcstream       source, transform, sink; each new chunk is from cst_buf_new_cached
 */
#include <stdlib.h>

#include "compute.h"
#include "line.h"

static uint64_t run_floor(const struct bench_point *point, compute_fn *compute)
{
    uint8_t *out = bench_array(2, point->bytes);
    uint64_t sum = 0;

    for (size_t n = 0; n < point->chunks; n++) {
        size_t len = compute(out, bench_payload, point->bytes);

        sum = bench_sum(sum, out, len);
    }
    free(out);
    return sum;
}

static cst_status transform(cst_stream *s, const cst_slice *chunk, size_t room, compute_fn *compute)
{
    cst_buf out;
    cst_status st = cst_buf_new_cached(&out, cst_stream_ctx(s), room);

    if (st < 0)
        return st;
    return cst_give(s, cst_buf_freeze(&out, compute(out.data, chunk->data, chunk->len)));
}

static cst_status upper_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return transform(s, chunk, chunk->len, compute_upper);
}

static cst_status hex_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return transform(s, chunk, chunk->len * 2, compute_hex);
}

static const cst_ops upper_ops = { .name = "upper", .transform = upper_transform };
static const cst_ops hex_ops = { .name = "hex", .transform = hex_transform };

static uint64_t run_transform(const struct bench_point *point, const cst_ops *ops)
{
    cst_ctx *ctx = line_ctx_new(NULL);
    cst_slice chunk = line_chunk(point->bytes);
    const struct line_source_self self = { .chunk = &chunk, .left = point->chunks };
    struct line line;
    cst_stream *stage;
    uint64_t sum;

    line_must(cst_readable_new(&line.source, ctx, line_source_ops(LINE_GIVES), &self, NULL));
    line_must(cst_transform_new(&stage, ctx, ops, NULL, NULL));
    line_must(cst_writable_new(&line.sink, ctx, line_sink_ops(LINE_AT_ONCE), NULL, NULL));
    line_must(cst_pipe(line.source, stage, NULL));
    line_must(cst_pipe(stage, line.sink, NULL));
    line_must(cst_ctx_run(ctx, NULL));
    sum = line_sum(&line);
    line_must(cst_ctx_free(ctx));
    cst_slice_unref(&chunk);
    return sum;
}

static uint64_t floor_upper(const struct bench_point *point)
{
    return run_floor(point, compute_upper);
}

static uint64_t floor_hex(const struct bench_point *point)
{
    return run_floor(point, compute_hex);
}

static uint64_t cst_upper(const struct bench_point *point)
{
    return run_transform(point, &upper_ops);
}

static uint64_t cst_hex(const struct bench_point *point)
{
    return run_transform(point, &hex_ops);
}

int main(int argc, char **argv)
{
    static const struct bench_variant upper[] = { { "floor", floor_upper },
                                                  { "libcstream", cst_upper } };
    static const struct bench_variant hex[] = { { "floor", floor_hex }, { "libcstream", cst_hex } };
    static const struct bench_point points[] = { { .chunks = 400, .bytes = 65536, .count = 1 } };
    static const struct bench_workload workloads[] = {
        { .name = "compute-upper",
          .parameter = BENCH_BYTES,
          .variants = upper,
          .variant_count = BENCH_COUNT_OF(upper),
          .points = points,
          .point_count = 1 },
        { .name = "compute-hex",
          .parameter = BENCH_BYTES,
          .variants = hex,
          .variant_count = BENCH_COUNT_OF(hex),
          .points = points,
          .point_count = 1 },
    };

    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}

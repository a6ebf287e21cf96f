/*
 * bench_scale.c - whether a chunk costs the same if there are many.
 *
 * scale-chunks: more and more chunks of 1 KiB go through one line with one pass-through. The
 * parameter is their number; --large adds 100,000,000.
 *
 * scale-streams: more and more lines live in one context, and a chunk is pushed into each in turn.
 * The parameter is the number of lines, each of three streams. To make and free them is not timed.
 */
#include <stdlib.h>

#include "line.h"

static uint64_t streams_floor(const struct bench_point *point)
{
    struct floor_stage(*lines)[2] = bench_array(point->count, sizeof(*lines));
    uint64_t sum = 0;

    for (size_t i = 0; i < point->count; i++) {
        floor_init(&lines[i][0], floor_pass);
        floor_init(&lines[i][1], floor_sink);
        floor_link(&lines[i][0], &lines[i][1]);
    }
    bench_start_clock();
    for (size_t n = 0, i = 0; n < point->chunks; n++, i = i + 1 < point->count ? i + 1 : 0)
        if (!floor_write(&lines[i][0], floor_chunk_new(bench_payload, point->bytes)))
            bench_fail("the floor is full");
    bench_stop_clock();
    for (size_t i = 0; i < point->count; i++)
        sum += lines[i][1].sum;
    free(lines);
    return sum;
}

static uint64_t streams_push(const struct bench_point *point)
{
    struct line *lines = bench_array(point->count, sizeof(*lines));
    cst_ctx *ctx = line_ctx_new(NULL);
    cst_slice chunk = line_chunk(point->bytes);
    uint64_t sum = 0;

    for (size_t i = 0; i < point->count; i++)
        line_open(&lines[i], ctx, &chunk, &(struct line_spec){ .stages = 1 });
    line_must(cst_ctx_run(ctx, NULL));
    bench_start_clock();
    for (size_t n = 0, i = 0; n < point->chunks; n++, i = i + 1 < point->count ? i + 1 : 0)
        cst_push(lines[i].source, cst_slice_ref(&chunk));
    line_must(cst_ctx_run(ctx, NULL));
    bench_stop_clock();
    for (size_t i = 0; i < point->count; i++)
        sum += line_sum(&lines[i]);
    line_must(cst_ctx_free(ctx));
    cst_slice_unref(&chunk);
    free(lines);
    return sum;
}

/* Take the variants of line.h, without direct, which queues nothing, and late. */
static void take_line_variants(struct bench_variant *variants, size_t *count)
{
    static const size_t taken[] = { LINE_VARIANT_FLOOR, LINE_VARIANT_PUSH, LINE_VARIANT_GIVE };

    for (*count = 0; *count < BENCH_COUNT_OF(taken); ++*count)
        variants[*count] = line_variants[taken[*count]];
}

int main(int argc, char **argv)
{
    static const struct bench_variant streams[] = { { "floor", streams_floor },
                                                    { "libcstream-push", streams_push } };
    static const struct bench_point chunk_points[] = {
        { .chunks = 1000, .bytes = 1024, .count = 1 },
        { .chunks = 10000, .bytes = 1024, .count = 1 },
        { .chunks = 100000, .bytes = 1024, .count = 1 },
        { .chunks = 1000000, .bytes = 1024, .count = 1 },
        { .chunks = 10000000, .bytes = 1024, .count = 1 },
        { .chunks = 100000000, .bytes = 1024, .count = 1, .large = true },
    };
    static const struct bench_point stream_points[] = {
        { .chunks = 1000000, .bytes = 1024, .count = 1 },
        { .chunks = 1000000, .bytes = 1024, .count = 1000 },
        { .chunks = 1000000, .bytes = 1024, .count = 100000 },
    };
    struct bench_variant variants[line_variant_count];
    struct bench_workload workloads[] = {
        { .name = "scale-chunks",
          .parameter = BENCH_CHUNKS,
          .variants = variants,
          .points = chunk_points,
          .point_count = BENCH_COUNT_OF(chunk_points) },
        { .name = "scale-streams",
          .parameter = BENCH_COUNT,
          .variants = streams,
          .variant_count = BENCH_COUNT_OF(streams),
          .points = stream_points,
          .point_count = BENCH_COUNT_OF(stream_points) },
    };

    take_line_variants(variants, &workloads[0].variant_count);
    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}

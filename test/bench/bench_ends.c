/*
 * bench_ends.c - what a chunk of 1 KiB costs through one pass-through, if source and sink answer at
 * once (sync) or later (async). The four workloads are called ends-SOURCE-SINK. An async source is
 * asked, and the next turn of the host's loop pushes one chunk. The next turn also completes the
 * write of an async sink. The floor does so by hand. The parameter is the bytes of a chunk.
 */
#include "line.h"

static uint64_t floor_sync_sync(const struct bench_point *point)
{
    return line_floor(point, LINE_GIVES, LINE_AT_ONCE);
}

static uint64_t floor_sync_async(const struct bench_point *point)
{
    return line_floor(point, LINE_GIVES, LINE_LATER);
}

static uint64_t floor_async_sync(const struct bench_point *point)
{
    return line_floor(point, LINE_READS_LATER, LINE_AT_ONCE);
}

static uint64_t floor_async_async(const struct bench_point *point)
{
    return line_floor(point, LINE_READS_LATER, LINE_LATER);
}

static uint64_t cst_sync_sync(const struct bench_point *point)
{
    return line_run(point, LINE_GIVES, LINE_AT_ONCE);
}

static uint64_t cst_sync_async(const struct bench_point *point)
{
    return line_run(point, LINE_GIVES, LINE_LATER);
}

static uint64_t cst_async_sync(const struct bench_point *point)
{
    return line_run(point, LINE_READS_LATER, LINE_AT_ONCE);
}

static uint64_t cst_async_async(const struct bench_point *point)
{
    return line_run(point, LINE_READS_LATER, LINE_LATER);
}

static const struct bench_point points[] = { { .chunks = 100000, .bytes = 1024, .count = 1 } };
static const struct bench_variant variants[][2] = {
    { { "floor", floor_sync_sync }, { "libcstream", cst_sync_sync } },
    { { "floor", floor_sync_async }, { "libcstream", cst_sync_async } },
    { { "floor", floor_async_sync }, { "libcstream", cst_async_sync } },
    { { "floor", floor_async_async }, { "libcstream", cst_async_async } },
};

int main(int argc, char **argv)
{
    static const char *const names[] = { "ends-sync-sync", "ends-sync-async", "ends-async-sync",
                                         "ends-async-async" };
    struct bench_workload workloads[BENCH_COUNT_OF(variants)];

    for (size_t i = 0; i < BENCH_COUNT_OF(variants); i++)
        workloads[i] = (struct bench_workload){ .name = names[i],
                                                .parameter = BENCH_BYTES,
                                                .variants = variants[i],
                                                .variant_count = 2,
                                                .points = points,
                                                .point_count = 1 };
    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}

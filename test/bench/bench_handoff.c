/*
 * bench_handoff.c - what a chunk costs from a source through one pass-through into a sink. The
 * parameter is the bytes of a chunk. line.h has the variants.
 */
#include "line.h"

int main(int argc, char **argv)
{
    static const struct bench_point points[] = {
        { .chunks = 100000, .bytes = 64, .count = 1 },
        { .chunks = 100000, .bytes = 256, .count = 1 },
        { .chunks = 100000, .bytes = 1024, .count = 1 },
        { .chunks = 100000, .bytes = 4096, .count = 1 },
        { .chunks = 100000, .bytes = 16384, .count = 1 },
        { .chunks = 100000, .bytes = 65536, .count = 1 },
    };
    static const struct bench_workload workload = {
        .name = "handoff",
        .parameter = BENCH_BYTES,
        .variants = line_variants,
        .variant_count = line_variant_count,
        .points = points,
        .point_count = BENCH_COUNT_OF(points),
    };

    return bench_main(argc, argv, &workload, 1);
}

/*
 * bench_depth.c - what a chunk of 1 KiB costs that goes through more and more pass-throughs. The
 * parameter is the number of stages between source and sink. line.h has the variants.
 */
#include "line.h"

int main(int argc, char **argv)
{
    static const struct bench_point points[] = {
        { .chunks = 100000, .bytes = 1024, .count = 1 },
        { .chunks = 75000, .bytes = 1024, .count = 2 },
        { .chunks = 50000, .bytes = 1024, .count = 4 },
        { .chunks = 25000, .bytes = 1024, .count = 8 },
        { .chunks = 12500, .bytes = 1024, .count = 16 },
        { .chunks = 6250, .bytes = 1024, .count = 32 },
    };
    static const struct bench_workload workload = {
        .name = "depth",
        .parameter = BENCH_COUNT,
        .variants = line_variants,
        .variant_count = line_variant_count,
        .points = points,
        .point_count = BENCH_COUNT_OF(points),
    };

    return bench_main(argc, argv, &workload, 1);
}

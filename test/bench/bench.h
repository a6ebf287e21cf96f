/*
 * bench.h - what the benchmarks share: variants run in turn, in rounds, and the median of each is printed.
 *
 * One line a variant, tab-separated: workload, variant, parameter, ns per chunk, bytes per second. With an argument
 * --once=VARIANT a program runs that variant once, for a profiler that counts instructions.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/** One way to do the work: handles chunks chunks of bytes bytes, and gives a checksum so that nothing is left out. */
typedef uint64_t bench_fn(size_t chunks, size_t bytes, size_t parameter);

struct bench_variant {
    const char *name;
    bench_fn *run;
};

struct bench_case {
    const char *workload;
    size_t parameter; /* printed */
    size_t chunks;    /* per round */
    size_t bytes;     /* per chunk */
};

/** Runs one case with all variants, interleaved, and prints their medians. Checksums have to be equal. */
void bench_run(const struct bench_case *c, const struct bench_variant *variants, size_t count);

/** Handles --once=VARIANT[:PARAMETER] [CHUNKS]; gives whether it was that. */
int bench_once(int argc, char **argv, const struct bench_variant *variants, size_t count,
               size_t bytes);

#endif

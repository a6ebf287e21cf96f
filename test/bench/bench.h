/*
 * bench.h - what the benchmarks share: variants of the same work run in turn, in rounds, and the
 * median of each is printed.
 *
 * One line a variant and point, tab-separated, and nothing else on standard output:
 *
 *     workload   variant   parameter   ns per chunk   bytes per second
 *
 * Times are of the processor, not of the wall, so that a busy machine disturbs the ratios less.
 *
 * `floor` is the same work written by hand (floor.h), `direct` the same work by function-pointer
 * calls alone, `libcstream` or `libcstream-...` is this library; other names are other libraries.
 * All variants of a workload give the same checksum. Two workloads carry counts instead of times in
 * the fourth column, and 0 in the fifth: `bytes` (of memory) and `allocations` (per million
 * chunks).
 *
 * Arguments of every program:
 *
 *     --quick                                      one round of a hundredth of the chunks: only to
 *                                                  see that it works
 *     --rounds=N                                   9 where not said
 *     --large                                      takes in the points that run for minutes
 *     --once=WORKLOAD/VARIANT:PARAMETER [CHUNKS]   that variant once, for a profiler that counts
 *                                                  instructions; prints the checksum
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How much of the work. */
struct bench_point {
    size_t chunks; /* per round */
    size_t bytes;  /* per chunk */
    size_t count;  /* stages, sinks or streams: what the workload says */
    bool large;    /* only with --large */
};

/** One way to do the work. Gives a checksum, so that nothing is left out. */
typedef uint64_t bench_fn(const struct bench_point *point);

struct bench_variant {
    const char *name;
    bench_fn *run;
};

/** Which part of a point is printed as the parameter. */
enum bench_parameter { BENCH_BYTES, BENCH_COUNT, BENCH_CHUNKS };

struct bench_workload {
    const char *name;
    enum bench_parameter parameter;
    const struct bench_variant *variants;
    size_t variant_count;
    const struct bench_point *points;
    size_t point_count;
    /* Work that is not timed, such as counting allocations: prints its own lines. NULL for all
     * others. */
    void (*print)(const struct bench_workload *workload, bool quick);
};

#define BENCH_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/** Runs what the arguments say; gives the exit status of main. */
int bench_main(int argc, char **argv, const struct bench_workload *workloads, size_t count);

/** A variant may leave its set-up and its tear-down out of the time: the clock runs from the
 * last start to the first stop after it; without them from the call to the return. */
void bench_start_clock(void);
void bench_stop_clock(void);

/** A variant that has been timed elsewhere (a child process) says its nanoseconds; beats the
 * clock. */
void bench_set_elapsed_ns(double ns);

/** A variant that does not fit this point returns bench_skip(): it is left out there. */
uint64_t bench_skip(void);

/** Prints one line, for workloads with a print function. */
void bench_print(const char *workload, const char *variant, size_t parameter, double value,
                 double bytes_per_second);

/** Ends the program with a message where something cannot go on. */
_Noreturn void bench_fail(const char *what);

/** Zeroed memory for free(); ends the program where there is none. */
void *bench_array(size_t count, size_t size);

/** Bytes to stream; bench_payload_size of them, mixed letters. */
extern const uint8_t *const bench_payload;
enum { bench_payload_size = 65536 };

/** What every sink does with a chunk: it looks at the length and the first byte. 32 bits. */
static inline uint64_t bench_sum(uint64_t sum, const uint8_t *data, size_t len)
{
    return (uint32_t)(sum * 31 + len + data[0]);
}

#endif

/*
 * bench.h - what all benchmarks share. The variants of a workload do equal work. They run in turn,
 * in rounds; the median over the rounds is printed.
 *
 * Standard output has one line for each variant at each point, tab-separated, and nothing else:
 *
 *     workload   variant   parameter   ns per chunk   bytes per second
 *
 * Times are processor time, not wall time, so that a busy machine disturbs the ratios less.
 *
 * Variants: `floor` is the work written by hand (floor.h); `direct` is only the calls through
 * function pointers; `libcstream` and `libcstream-...` are this library; the other names are other
 * libraries. All variants of a workload return one checksum.
 * Some workloads print another figure in the fourth column, and 0 in the fifth: `bytes` (of
 * memory), `allocations` (per million chunks), and those of servers, whose names end in the unit.
 *
 * Arguments of every program:
 *
 *     --quick            run one round with a hundredth of the chunks, to see that all works
 *     --rounds=N         run N rounds; the default is 9
 *     --large            include the points that take minutes
 *     --once=WORKLOAD/VARIANT:PARAMETER [CHUNKS]
 *                        run one variant once and print its checksum: for a profiler that counts
 *                        instructions
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How much work one round does. */
struct bench_point {
    size_t chunks; /* per round */
    size_t bytes;  /* per chunk */
    size_t count;  /* stages, sinks or streams: each workload says which */
    bool large;    /* only with --large */
};

/** Do the work in one way. Return a checksum, so that a compiler can leave nothing out. */
typedef uint64_t bench_fn(const struct bench_point *point);

struct bench_variant {
    const char *name;
    bench_fn *run;
};

enum { BENCH_MOST_ROUNDS = 99 };

/** What the arguments ask for. */
struct bench_effort {
    size_t rounds; /* 1 to BENCH_MOST_ROUNDS */
    bool quick, large;
};

/** The field of a point that is printed as the parameter. */
enum bench_parameter { BENCH_BYTES, BENCH_COUNT, BENCH_CHUNKS };

struct bench_workload {
    const char *name;
    enum bench_parameter parameter;
    const struct bench_variant *variants;
    size_t variant_count;
    const struct bench_point *points;
    size_t point_count;
    /* For work that is measured in another way, such as counting allocations: prints the lines.
     * Else NULL. */
    void (*print)(const struct bench_workload *workload, const struct bench_effort *effort);
};

#define BENCH_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/** Run what the arguments ask for. Return the exit status for main. */
int bench_main(int argc, char **argv, const struct bench_workload *workloads, size_t count);

/** Leave set-up and tear-down out of the time: count from the last start to the first stop after
 * it. A variant that calls neither is timed from its call to its return. */
void bench_start_clock(void);
void bench_stop_clock(void);

/** Report a time measured elsewhere, as in a child process. It is used instead of the clock. */
void bench_set_elapsed_ns(double ns);

/** Return this from a variant that cannot run at a point: no line is printed for it there. */
uint64_t bench_skip(void);

/** Print one line. Only for workloads that have a print function. */
void bench_print(const char *workload, const char *variant, size_t parameter, double value,
                 double bytes_per_second);

/** Sort the values. Return the one in the middle. */
double bench_median(double *values, size_t count);

/** Print a message and end the program, if it cannot go on. */
_Noreturn void bench_fail(const char *what);

/** Return zeroed memory, to be freed by free(). End the program if there is none. */
void *bench_array(size_t count, size_t size);

/** The bytes that are streamed: bench_payload_size mixed letters. */
extern const uint8_t *const bench_payload;
enum { bench_payload_size = 65536 };

/** Add a chunk to a checksum of 32 bits, as every sink does: its length and its first byte. */
static inline uint64_t bench_sum(uint64_t sum, const uint8_t *data, size_t len)
{
    return (uint32_t)(sum * 31 + len + data[0]);
}

#endif

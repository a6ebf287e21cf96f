/* bench.c - see bench.h. */
#define _POSIX_C_SOURCE 200809L

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peers.h"

enum { default_rounds = 9, max_variants = 32, quick_divisor = 100 };

/* The clock of the running variant. */
static struct {
    double start, stop, elapsed;
    bool skipped;
} timing;

static uint8_t payload[bench_payload_size];
const uint8_t *const bench_payload = payload;

/* Return the processor's time. In wall time, other programs would disturb the longest variants
 * most. */
static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void bench_start_clock(void)
{
    timing.start = now_ns();
    timing.stop = 0;
}

void bench_stop_clock(void)
{
    if (timing.stop == 0)
        timing.stop = now_ns();
}

void bench_set_elapsed_ns(double ns)
{
    timing.elapsed = ns;
}

uint64_t bench_skip(void)
{
    timing.skipped = true;
    return 0;
}

void bench_fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void *bench_array(size_t count, size_t size)
{
    void *items = calloc(count, size);

    if (!items)
        bench_fail("no memory");
    return items;
}

void bench_print(const char *workload, const char *variant, size_t parameter, double value,
                 double bytes_per_second)
{
    printf("%s\t%s\t%zu\t%.2f\t%.0f\n", workload, variant, parameter, value, bytes_per_second);
    fflush(stdout);
}

static void fill_payload(void)
{
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)((i * 7 % 26) + (i % 3 ? 'a' : 'A'));
}

static size_t parameter_of(const struct bench_workload *w, const struct bench_point *point)
{
    switch (w->parameter) {
    case BENCH_BYTES:
        return point->bytes;
    case BENCH_COUNT:
        return point->count;
    case BENCH_CHUNKS:
        break;
    }
    return point->chunks;
}

/* Return the nanoseconds that the variant took, negative if it was skipped. Put its checksum into
 * *sum. */
static double time_variant(const struct bench_variant *variant, const struct bench_point *point,
                           uint64_t *sum)
{
    timing.elapsed = 0;
    timing.skipped = false;
    bench_start_clock();
    *sum = variant->run(point);
    bench_stop_clock();
    if (timing.skipped)
        return -1;
    return timing.elapsed > 0 ? timing.elapsed : timing.stop - timing.start;
}

static void run_round(const struct bench_workload *w, const struct bench_point *point, double *ns)
{
    uint64_t expected = 0;

    for (size_t i = 0; i < w->variant_count; i++) {
        uint64_t sum;

        ns[i] = time_variant(&w->variants[i], point, &sum) / (double)point->chunks;
        if (i == 0)
            expected = sum;
        if (sum != expected && ns[i] >= 0) {
            fprintf(stderr, "%s: %s did other work than %s\n", w->name, w->variants[i].name,
                    w->variants[0].name);
            exit(1);
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), compare_doubles);
    return values[count / 2];
}

static double median(double (*ns)[max_variants], size_t rounds, size_t variant)
{
    double of_variant[BENCH_MOST_ROUNDS];

    for (size_t round = 0; round < rounds; round++)
        of_variant[round] = ns[round][variant];
    return bench_median(of_variant, rounds);
}

static void run_point(const struct bench_workload *w, struct bench_point point,
                      const struct bench_effort *effort)
{
    static double ns[BENCH_MOST_ROUNDS][max_variants];
    const size_t parameter = parameter_of(w, &point);

    if (effort->quick)
        point.chunks = point.chunks / quick_divisor + 1;
    else
        run_round(w, &point, ns[0]); /* warm up */
    for (size_t round = 0; round < effort->rounds; round++)
        run_round(w, &point, ns[round]);
    for (size_t i = 0; i < w->variant_count; i++) {
        double middle = median(ns, effort->rounds, i);

        if (middle < 0)
            continue;
        bench_print(w->name, w->variants[i].name, parameter, middle,
                    (double)point.bytes * 1e9 / middle);
    }
}

/* Return the workload with the other libraries' variants appended. They are put into `list`. */
static struct bench_workload with_peers(const struct bench_workload *w, struct bench_variant *list)
{
    struct bench_workload all = *w;

    for (size_t i = 0; i < w->variant_count; i++)
        list[i] = w->variants[i];
    all.variants = list;
    all.variant_count +=
        bench_peers(list + w->variant_count, max_variants - w->variant_count, w->name);
    return all;
}

static void run_workload(const struct bench_workload *w, const struct bench_effort *effort)
{
    if (w->print)
        w->print(w, effort);
    for (size_t i = 0; i < w->point_count; i++)
        if (effort->large || !w->points[i].large)
            run_point(w, w->points[i], effort);
}

/* Return the point with this parameter. If there is none, return the first with it put in. */
static struct bench_point point_for(const struct bench_workload *w, size_t parameter)
{
    struct bench_point point = w->points[0];

    for (size_t i = 0; i < w->point_count; i++)
        if (parameter_of(w, &w->points[i]) == parameter)
            return w->points[i];
    if (w->parameter == BENCH_BYTES)
        point.bytes = parameter;
    else if (w->parameter == BENCH_COUNT)
        point.count = parameter;
    return point;
}

/* Run `what`, which is WORKLOAD/VARIANT:PARAMETER. */
static int run_once(const char *what, const char *chunks, const struct bench_workload *workloads,
                    size_t count)
{
    char workload[64], variant[64];
    size_t parameter;

    if (sscanf(what, "%63[^/]/%63[^:]:%zu", workload, variant, &parameter) != 3)
        bench_fail("--once=WORKLOAD/VARIANT:PARAMETER");
    for (size_t i = 0; i < count; i++) {
        struct bench_variant list[max_variants];
        struct bench_workload w = with_peers(&workloads[i], list);

        for (size_t j = 0; strcmp(w.name, workload) == 0 && j < w.variant_count; j++) {
            struct bench_point point = point_for(&w, parameter);

            if (strcmp(w.variants[j].name, variant) != 0)
                continue;
            if (chunks)
                point.chunks = (size_t)strtoul(chunks, NULL, 10);
            printf("%llu\n", (unsigned long long)w.variants[j].run(&point));
            return 0;
        }
    }
    bench_fail("there is no such workload and variant");
}

int bench_main(int argc, char **argv, const struct bench_workload *workloads, size_t count)
{
    struct bench_effort effort = { .rounds = default_rounds };

    fill_payload();
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--once=", 7) == 0)
            return run_once(argv[i] + 7, argv[i + 1], workloads, count);
        if (strcmp(argv[i], "--quick") == 0)
            effort.quick = true;
        else if (strcmp(argv[i], "--large") == 0)
            effort.large = true;
        else if (strncmp(argv[i], "--rounds=", 9) == 0)
            effort.rounds = (size_t)strtoul(argv[i] + 9, NULL, 10);
        else
            bench_fail(
                "arguments: --quick --large --rounds=N --once=WORKLOAD/VARIANT:PARAMETER [CHUNKS]");
    }
    if (effort.quick)
        effort.rounds = 1;
    if (effort.rounds < 1 || effort.rounds > BENCH_MOST_ROUNDS)
        bench_fail("--rounds is 1 to 99");
    for (size_t i = 0; i < count; i++) {
        struct bench_variant list[max_variants];
        struct bench_workload w = with_peers(&workloads[i], list);

        run_workload(&w, &effort);
    }
    return 0;
}

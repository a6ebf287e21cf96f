/* bench.c - see bench.h. */
#define _POSIX_C_SOURCE 200809L

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 9
#define MAX_VARIANTS 16

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void run_round(const struct bench_case *c, const struct bench_variant *variants,
                      size_t count, double (*ns)[ROUNDS], int round)
{
    uint64_t expected = 0;

    for (size_t i = 0; i < count; i++) {
        double start = now_ns();
        uint64_t sum = variants[i].run(c->chunks, c->bytes, c->parameter);

        if (round >= 0)
            ns[i][round] = (now_ns() - start) / (double)c->chunks;
        if (i == 0)
            expected = sum;
        if (sum != expected) {
            fprintf(stderr, "%s: %s did other work than %s\n", c->workload, variants[i].name,
                    variants[0].name);
            exit(1);
        }
    }
}

void bench_run(const struct bench_case *c, const struct bench_variant *variants, size_t count)
{
    double ns[MAX_VARIANTS][ROUNDS];

    run_round(c, variants, count, ns, -1); /* warms up */
    for (int round = 0; round < ROUNDS; round++)
        run_round(c, variants, count, ns, round);
    for (size_t i = 0; i < count; i++) {
        double median;

        qsort(ns[i], ROUNDS, sizeof(double), compare_doubles);
        median = ns[i][ROUNDS / 2];
        printf("%s\t%s\t%zu\t%.2f\t%.0f\n", c->workload, variants[i].name, c->parameter, median,
               (double)c->bytes * 1e9 / median);
    }
    fflush(stdout);
}

int bench_once(int argc, char **argv, const struct bench_variant *variants, size_t count,
               size_t bytes)
{
    const char *name, *colon;
    size_t chunks = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 100000;

    if (argc < 2 || strncmp(argv[1], "--once=", 7) != 0)
        return 0;
    name = argv[1] + 7;
    colon = strchr(name, ':');
    for (size_t i = 0; i < count; i++) {
        size_t len = colon ? (size_t)(colon - name) : strlen(name);

        if (strlen(variants[i].name) == len && strncmp(variants[i].name, name, len) == 0)
            printf("%llu\n", (unsigned long long)variants[i].run(
                                 chunks, bytes, colon ? strtoul(colon + 1, NULL, 10) : 1));
    }
    return 1;
}

/* buffer_node.c - see buffer_node.h. */
#define _POSIX_C_SOURCE 200809L

#include "buffer_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *node_program(void)
{
    const char *named = getenv("NODE");

    return named != NULL && *named != '\0' ? named : "node";
}

/* Look for node. The answer is kept, because starting a shell takes time. */
static bool has_node(void)
{
    static int answer = -1;
    char command[512];

    if (answer < 0) {
        snprintf(command, sizeof command, "'%s' --version >/dev/null 2>&1", node_program());
        answer = system(command) == 0;
    }
    return answer == 1;
}

uint64_t buffer_node(const char *workload, const struct bench_point *point)
{
    char command[512];
    uint64_t sum;
    double ns;
    FILE *out;

    if (!has_node())
        return bench_skip();
    snprintf(command, sizeof command, "'%s' test/bench/buffer_node.mjs %s %zu %zu", node_program(),
             workload, point->chunks, point->bytes);
    out = popen(command, "r");
    if (out == NULL || fscanf(out, "%lf %" SCNu64, &ns, &sum) != 2 || pclose(out) != 0)
        bench_fail("node");
    bench_set_elapsed_ns(ns);
    return sum;
}

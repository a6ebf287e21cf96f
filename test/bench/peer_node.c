/*
 * peer_node.c - Node itself. peer_node.mjs does the work in a child process and prints the
 * nanoseconds it took and the checksum. They are wall time, without the start of the process, and
 * after a run to warm up. make defines NODE_PROGRAM (NODE, or node in PATH) and NODE_SCRIPT.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>

#include "peers.h"

static uint64_t run_script(const char *workload, const struct bench_point *point)
{
    char command[1024];
    uint64_t sum;
    double ns;
    FILE *out;

    snprintf(command, sizeof(command), "'%s' '%s' %s %zu %zu %zu", NODE_PROGRAM, NODE_SCRIPT,
             workload, point->chunks, point->bytes, point->count);
    out = popen(command, "r");
    if (!out || fscanf(out, "%lf %" SCNu64, &ns, &sum) != 2 || pclose(out) != 0)
        bench_fail("node");
    bench_set_elapsed_ns(ns);
    return sum;
}

static uint64_t run_line(const struct bench_point *point)
{
    return run_script("line", point);
}

static uint64_t run_late(const struct bench_point *point)
{
    return run_script("late", point);
}

static uint64_t run_fanout(const struct bench_point *point)
{
    return run_script("fanout", point);
}

static uint64_t run_gather(const struct bench_point *point)
{
    return run_script("gather", point);
}

static uint64_t run_upper(const struct bench_point *point)
{
    return run_script("upper", point);
}

static uint64_t run_hex(const struct bench_point *point)
{
    return run_script("hex", point);
}

/* Skip the largest point: a hundred thousand live trios would take gigabytes. */
static uint64_t run_lifecycle(const struct bench_point *point)
{
    return point->count > 1 ? bench_skip() : run_script("lifecycle", point);
}

const struct bench_peer peer_node[] = {
    { "handoff", { "node", run_line } },
    { "depth", { "node", run_line } },
    { "ends-sync-async", { "node", run_late } },
    { "fanout", { "node", run_fanout } },
    { "gather", { "node", run_gather } },
    { "compute-upper", { "node", run_upper } },
    { "compute-hex", { "node", run_hex } },
    { "lifecycle", { "node", run_lifecycle } },
    { NULL, { NULL, NULL } },
};

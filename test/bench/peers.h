/*
 * peers.h - other libraries as further variants. Each is a file peer_<name>.c, which is compiled
 * only if make finds that library. Its table names the workloads it takes part in.
 */
#ifndef PEERS_H
#define PEERS_H

#include "bench.h"

struct bench_peer {
    const char *workload; /* NULL ends the table */
    struct bench_variant variant;
};

extern const struct bench_peer peer_libevent[], peer_gio[], peer_apr[], peer_node[];

/** Append the other libraries' variants of a workload to a list with this much room. Return how
 * many were appended. */
size_t bench_peers(struct bench_variant *list, size_t room, const char *workload);

#endif

/*
 * peers.h - other libraries at the same work, as further variants. Each is a file peer_<name>.c,
 * compiled only where make finds what it needs; its table says to which workloads it belongs.
 */
#ifndef PEERS_H
#define PEERS_H

#include "bench.h"

struct bench_peer {
    const char *workload; /* NULL ends the table */
    struct bench_variant variant;
};

extern const struct bench_peer peer_libevent[], peer_gio[], peer_apr[], peer_node[];

/** Adds the variants of this workload to the end of a list with room for them; gives how many. */
size_t bench_peers(struct bench_variant *list, size_t room, const char *workload);

#endif

/*
 * buffer_node.h - Node's Buffer at the same work: buffer_node.mjs does it in a child process, in a
 * warm loop.
 */
#ifndef BUFFER_NODE_H
#define BUFFER_NODE_H

#include "bench.h"

/** Runs a workload of the script, which prints its nanoseconds and its checksum. NODE names the
 * program, else it is the node in PATH; where there is none the variant is skipped. */
uint64_t buffer_node(const char *workload, const struct bench_point *point);

#endif

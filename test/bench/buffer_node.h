/*
 * buffer_node.h - the variant `node` of bench_bytes and bench_encoding: Node's Buffer does the work
 * in a warm loop, by buffer_node.mjs in a child process.
 */
#ifndef BUFFER_NODE_H
#define BUFFER_NODE_H

#include "bench.h"

/** Run a workload of the script, which prints its nanoseconds and its checksum. The program is NODE
 * of the environment, else node in PATH. If there is none, the variant is skipped. */
uint64_t buffer_node(const char *workload, const struct bench_point *point);

#endif

/*
 * scenario_heap.h - the allocator of a scenario: it counts, and fails when told to.
 */
#ifndef SCENARIO_HEAP_H
#define SCENARIO_HEAP_H

#include <cstream/base.h>

/** Which calls of alloc fail: number `at`, counted from 1; with `after` also all later ones. If
 * `at` is 0, none. */
struct heap_failure {
    size_t at;
    bool after;
};

enum { HEAP_FAILURES = 2 };

/** All zeroes: a heap that has allocated nothing yet, and never fails. */
struct heap {
    size_t calls;
    size_t live_blocks, live_bytes;
    struct heap_failure failures[HEAP_FAILURES];
    bool empty; /* every call fails, until it is false again */
};

/** Return an allocator that allocates from the heap, which it refers to. */
cst_allocator heap_allocator(struct heap *heap);

/** Return whether all memory was freed. If not, print a line on standard error. */
bool heap_has_all_back(const struct heap *heap);

#endif

/*
 * scenario_heap.h - the allocator that the library gets in a scenario: it counts, and fails when
 * told.
 */
#ifndef SCENARIO_HEAP_H
#define SCENARIO_HEAP_H

#include <cstream/base.h>

/** Calls of alloc that fail: the one at `at`, counted from 1; with `after` those that follow it
 * too. 0 is none. */
struct heap_failure {
    size_t at;
    bool after;
};

enum { HEAP_FAILURES = 2 };

/** Zeroes are a heap that gave nothing yet and never fails. */
struct heap {
    size_t calls;
    size_t live_blocks, live_bytes;
    struct heap_failure failures[HEAP_FAILURES];
    bool empty; /* every call fails, until it is false again */
};

/** The heap as an allocator, which refers to it. */
cst_allocator heap_allocator(struct heap *heap);

/** Return whether everything was given back; print a line on standard error if not. */
bool heap_has_all_back(const struct heap *heap);

#endif

/*
 * heap_count.h - an allocator that counts: what is live, and how often memory was asked for.
 */
#ifndef HEAP_COUNT_H
#define HEAP_COUNT_H

#include <cstream/base.h>

struct heap_count {
    cst_allocator allocator;
    size_t live_bytes;
    size_t calls; /* of alloc */
};

/** Makes heap->allocator ready; heap must outlive what was made with it. */
void heap_count_init(struct heap_count *heap);

#endif

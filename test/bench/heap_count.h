/*
 * heap_count.h - an allocator that counts the live bytes and the calls for memory.
 */
#ifndef HEAP_COUNT_H
#define HEAP_COUNT_H

#include <cstream/base.h>

struct heap_count {
    cst_allocator allocator;
    size_t live_bytes;
    size_t calls; /* of alloc */
};

/** Initialize heap->allocator. heap must outlive all that is allocated with it. */
void heap_count_init(struct heap_count *heap);

#endif

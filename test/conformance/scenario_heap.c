/*
 * scenario_heap.c - see scenario_heap.h.
 */
#include "scenario_heap.h"

#include <stdio.h>
#include <stdlib.h>

static bool shall_fail(const struct heap *heap)
{
    for (size_t i = 0; i < HEAP_FAILURES; i++) {
        const struct heap_failure *failure = &heap->failures[i];

        if (heap->calls == failure->at || (failure->after && heap->calls > failure->at))
            return true;
    }
    return heap->empty;
}

static void *heap_alloc(void *user, size_t size)
{
    struct heap *heap = user;

    heap->calls++;
    if (shall_fail(heap))
        return NULL;
    void *ptr = malloc(size);
    if (ptr == NULL)
        return NULL;
    heap->live_blocks++;
    heap->live_bytes += size;
    return ptr;
}

static void heap_free(void *user, void *ptr, size_t size)
{
    struct heap *heap = user;

    heap->live_blocks--;
    heap->live_bytes -= size;
    free(ptr);
}

cst_allocator heap_allocator(struct heap *heap)
{
    return (cst_allocator){ .alloc = heap_alloc, .free = heap_free, .user = heap };
}

/* Check blocks and bytes: if a block is freed with a wrong size, only the bytes show it. */
bool heap_has_all_back(const struct heap *heap)
{
    if (heap->live_blocks == 0 && heap->live_bytes == 0)
        return true;
    fprintf(stderr, "scenario: %zu blocks, %zu bytes are live at the end\n", heap->live_blocks,
            heap->live_bytes);
    return false;
}

/* heap_count.c - see heap_count.h. */
#include "heap_count.h"

#include <stdlib.h>

static void *count_alloc(void *user, size_t size)
{
    struct heap_count *heap = user;

    heap->calls++;
    heap->live_bytes += size;
    return malloc(size);
}

static void count_free(void *user, void *ptr, size_t size)
{
    struct heap_count *heap = user;

    heap->live_bytes -= size;
    free(ptr);
}

void heap_count_init(struct heap_count *heap)
{
    *heap = (struct heap_count){ .allocator = {
                                     .alloc = count_alloc, .free = count_free, .user = heap } };
}

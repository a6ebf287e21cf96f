/*
 * malloc.c - C's heap as an allocator. It has an object file of its own, so that a program with
 * another allocator does not link malloc.
 */
#include <stdlib.h>

#include "cstream/base.h"

static void *heap_alloc(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void heap_free(void *user, void *ptr, size_t size)
{
    (void)user;
    (void)size;
    free(ptr);
}

const cst_allocator *cst_allocator_malloc(void)
{
    static const cst_allocator heap = { .alloc = heap_alloc, .free = heap_free };

    return &heap;
}

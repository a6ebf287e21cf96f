/*
 * heap.c - see heap.h.
 */
#include "heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVE 0x11FEB10Cu
#define DEAD 0xDEADB10Cu

/* In front of each block; the first member's alignment keeps what follows aligned, too. */
struct header {
    _Alignas(max_align_t) struct test_heap *heap;
    size_t size;
    uint32_t mark;
};

static void give_up(const char *what, size_t size)
{
    fprintf(stderr, "test heap: %s (%zu bytes)\n", what, size);
    abort();
}

static bool shall_fail(const struct test_heap *heap, size_t size)
{
    if (size > TEST_HEAP_MAX_REQUEST)
        return true;
    if (heap->fail_at == 0)
        return false;
    return heap->fail_from_there ? heap->calls >= heap->fail_at : heap->calls == heap->fail_at;
}

static void count_block(struct test_heap *heap, size_t size)
{
    heap->live_blocks++;
    heap->live_bytes += size;
    if (heap->live_bytes > heap->peak_bytes)
        heap->peak_bytes = heap->live_bytes;
}

static void *heap_alloc(void *user, size_t size)
{
    struct test_heap *heap = user;
    struct header *header;

    heap->calls++;
    heap->last_request = size;
    if (size == 0)
        give_up("asked for nothing", size);
    header = shall_fail(heap, size) ? NULL : malloc(sizeof *header + size);
    if (header == NULL) {
        heap->failures++;
        return NULL;
    }
    *header = (struct header){ .heap = heap, .size = size, .mark = LIVE };
    count_block(heap, size);
    return memset(header + 1, TEST_HEAP_FRESH, size);
}

static void heap_free(void *user, void *ptr, size_t size)
{
    struct test_heap *heap = user;
    struct header *header;

    if (ptr == NULL)
        give_up("free of NULL", size);
    header = (struct header *)ptr - 1;
    if (header->mark == DEAD)
        give_up("freed twice", size);
    if (header->mark != LIVE || header->heap != heap)
        give_up("free of a block that is not this heap's", size);
    if (header->size != size)
        give_up("freed with another size than it was asked for with", size);
    header->mark = DEAD;
    heap->live_blocks--;
    heap->live_bytes -= size;
    memset(ptr, TEST_HEAP_FREED, size);
    free(header);
}

void test_heap_init(struct test_heap *heap)
{
    *heap = (struct test_heap){ .allocator = { heap_alloc, heap_free, heap } };
}

const cst_allocator *test_heap_allocator(struct test_heap *heap)
{
    return &heap->allocator;
}

void test_heap_fail_at(struct test_heap *heap, size_t n)
{
    heap->fail_at = heap->calls + n;
    heap->fail_from_there = false;
}

void test_heap_fail_from(struct test_heap *heap, size_t n)
{
    heap->fail_at = heap->calls + n;
    heap->fail_from_there = true;
}

void test_heap_fail_never(struct test_heap *heap)
{
    heap->fail_at = 0;
}

int test_heap_setup(void **state)
{
    struct test_heap *heap = malloc(sizeof *heap);

    if (heap == NULL)
        return -1;
    test_heap_init(heap);
    *state = heap;
    return 0;
}

int test_heap_teardown(void **state)
{
    struct test_heap *heap = *state;
    size_t left = heap->live_blocks;

    if (left > 0)
        fprintf(stderr, "test heap: %zu blocks left, %zu bytes\n", left, heap->live_bytes);
    free(heap);
    return left > 0 ? -1 : 0;
}

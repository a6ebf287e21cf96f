/*
 * arena.c - an allocator that cuts an array into blocks.
 */
#include <stddef.h>

#include "cstream/arena.h"

#define LEAST ((size_t)16)

_Static_assert(_Alignof(max_align_t) <= LEAST, "each block is aligned for any object");

/*
 * Return the index in freed of the blocks that hold size bytes; *block is their size. Up to 64
 * bytes the sizes are 16 apart; beyond, a quarter of the power of two below.
 */
static size_t class_of(size_t *block, size_t size)
{
    size_t step = LEAST, first = 0;

    for (size_t top = 4 * LEAST; top < size; top *= 2) {
        first += 4;
        step = top / 4;
    }
    *block = (size + step - 1) / step * step;
    if (first == 0)
        return *block / LEAST - 1;
    return first + *block / step - 5;
}

static void *arena_alloc(void *user, size_t size)
{
    cst_arena *arena = user;
    size_t block, class;
    void *ptr;

    if (size > CST_ARENA_MAX_BLOCK) {
        arena->failures++;
        return NULL;
    }
    class = class_of(&block, size);
    ptr = arena->freed[class];
    if (ptr) {
        arena->freed[class] = *(void **)ptr;
        return ptr;
    }
    if (block > (size_t)(arena->end - arena->at)) {
        arena->failures++;
        return NULL;
    }
    ptr = arena->at;
    arena->at += block;
    arena->peak_bytes += block;
    return ptr;
}

static void arena_free(void *user, void *ptr, size_t size)
{
    cst_arena *arena = user;
    size_t block;
    const size_t class = class_of(&block, size);

    *(void **)ptr = arena->freed[class];
    arena->freed[class] = ptr;
}

const cst_allocator *cst_arena_init(cst_arena *arena, void *memory, size_t size)
{
    size_t past;

    if (!arena)
        return NULL;
    *arena = (cst_arena){ .allocator = { arena_alloc, arena_free, arena } };
    past = memory ? (size_t)(-(uintptr_t)memory % _Alignof(max_align_t)) : 0;
    if (memory && size > past) {
        arena->at = (uint8_t *)memory + past;
        arena->end = (uint8_t *)memory + size;
    }
    return &arena->allocator;
}

/*
 * arena.h - memory for a context without malloc: an array of the program's own, cut into blocks.
 *
 *     static _Alignas(max_align_t) unsigned char memory[16384];
 *     static struct arena arena = { .memory = memory, .size = sizeof(memory) };
 *     static const cst_allocator allocator = {
 *         .alloc = arena_alloc, .free = arena_free, .user = &arena
 *     };
 *
 *     cst_ctx_new(&ctx, &allocator, NULL);
 *
 * The size of each block is a power of two. A block that is freed waits in the list of its size.
 * The library frees a block with its size, so a block needs no header. When the array is used up,
 * the library's calls return CST_E_NOMEM.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

#include <cstream/cstream.h>

enum { ARENA_SIZES = 28, ARENA_LEAST = 16 }; /* blocks of 16 bytes, 32, 64 and so on */

_Static_assert(_Alignof(max_align_t) <= ARENA_LEAST, "each block is aligned for any object");

struct arena_block {
    struct arena_block *next;
};

struct arena {
    unsigned char *memory; /* aligned for any object */
    size_t size, used;
    struct arena_block *free[ARENA_SIZES];
};

/* Return the index in `free` of the blocks that hold size bytes; *block_bytes is their size. */
static inline size_t arena_place(size_t *block_bytes, size_t size)
{
    size_t place = 0;

    for (*block_bytes = ARENA_LEAST; *block_bytes < size; *block_bytes *= 2)
        place++;
    return place;
}

static inline void *arena_alloc(void *user, size_t size)
{
    struct arena *arena = user;
    size_t bytes, place;
    struct arena_block *block;

    if (size > arena->size || size > (size_t)ARENA_LEAST << (ARENA_SIZES - 1))
        return NULL;
    place = arena_place(&bytes, size);
    block = arena->free[place];
    if (block) {
        arena->free[place] = block->next;
        return block;
    }
    if (bytes > arena->size - arena->used)
        return NULL;
    arena->used += bytes;
    return arena->memory + arena->used - bytes;
}

static inline void arena_free(void *user, void *ptr, size_t size)
{
    struct arena *arena = user;
    struct arena_block *block = ptr;
    size_t bytes, place = arena_place(&bytes, size);

    block->next = arena->free[place];
    arena->free[place] = block;
}

#endif

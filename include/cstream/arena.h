/*
 * arena.h - two allocators: memory of the program's own in place of malloc, and a cap on another.
 *
 *     static _Alignas(max_align_t) unsigned char memory[16384];
 *     static cst_arena arena;
 *
 *     cst_ctx_new(&ctx, cst_arena_init(&arena, memory, sizeof(memory)), NULL);
 *
 * A program whose contexts have only such memory does not link malloc (base.h). If memory is used
 * up, the call that needed it returns CST_E_NOMEM, or the stream fails with it; nothing leaks.
 *
 * Both structs are the program's, and outlive what was made with them. Read the fields; do not
 * write them. Node has no such thing.
 *
 * Threads: each is used by one thread at a time. A block of either that goes to another thread
 * (cst_slice_share) must come back to this one.
 */
#ifndef CSTREAM_ARENA_H
#define CSTREAM_ARENA_H

#include "base.h"

/* --- an arena --------------------------------------------------------------------------------- */

/** The longest block that an arena gives: 1 MiB. */
#define CST_ARENA_MAX_BLOCK ((size_t)1 << 20)

/**
 * An array, cut into blocks. The sizes of blocks are 16, 32, 48 and 64 bytes, and four to each
 * power of two above. A block that is freed waits for the next request of its size, so programs
 * that do the same again and again never need more than at first. Blocks are not joined.
 *
 * allocator   cst_arena_init returns it
 * at, end     what was not cut yet
 * freed       the blocks of each size that wait
 * peak_bytes  how much has been cut: what the program needs of the array
 * failures    requests that did not fit
 */
typedef struct cst_arena {
    cst_allocator allocator;
    uint8_t *at, *end;
    void *freed[64];
    size_t peak_bytes;
    size_t failures;
    uintptr_t reserved[2];
} cst_arena;

/**
 * Make an arena of size bytes at memory, and return its allocator. If memory is not aligned for any
 * object, its first bytes are left out. With memory NULL or too small, every request fails.
 *
 * Returns NULL if arena is NULL.
 */
CST_API const cst_allocator *cst_arena_init(cst_arena *arena, void *memory, size_t size);

/* --- a cap ------------------------------------------------------------------------------------ */

/**
 * Another allocator, of which no more than a number of bytes is had at a time. It also counts.
 *
 * allocator   cst_cap_init returns it
 * under       where the memory comes from
 * max_bytes   the most that is out at a time, as it was asked for: what `under` adds is not counted
 * live_bytes  what is out now
 * peak_bytes  the most that live_bytes has been
 * failures    requests that failed, here or under it
 */
typedef struct cst_cap {
    cst_allocator allocator;
    const cst_allocator *under;
    size_t max_bytes;
    size_t live_bytes;
    size_t peak_bytes;
    size_t failures;
    uintptr_t reserved[2];
} cst_cap;

/**
 * Make a cap of max_bytes on `under`, which must outlive it. SIZE_MAX only counts.
 *
 * Returns the cap's allocator, NULL if cap or under is NULL.
 */
CST_API const cst_allocator *cst_cap_init(cst_cap *cap, const cst_allocator *under,
                                          size_t max_bytes);

#endif

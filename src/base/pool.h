/*
 * pool.h - free lists for the small objects of a context.
 *
 * Requests, tasks, listeners and the arrays of chains are made and freed with every chunk. The pool
 * keeps what was freed, by size class, so that steady flow asks the allocator for nothing:
 *
 *   classes[0]     8 bytes  free -> o -> o -> NULL    room: how many more it would keep
 *   classes[1]    16 bytes  free -> NULL
 *   ...
 *   classes[127] 1024 bytes  free -> o -> NULL
 *   larger objects pass straight through to the allocator
 *
 * Each class keeps at most CST__POOL_KEEP_BYTES; what comes back beyond that is freed at once.
 *
 * Built with -DCST_NO_CACHE every call goes to the allocator, with the exact size, so that a memory
 * checker sees each use after free and each overrun. Every object file of a program must agree on
 * that flag.
 */
#ifndef CSTREAM_POOL_H
#define CSTREAM_POOL_H

#include "cstream/base.h"

#define CST__POOL_STEP ((size_t)8)
#define CST__POOL_CLASSES ((size_t)128)
#define CST__POOL_MAX_BYTES (CST__POOL_STEP * CST__POOL_CLASSES)
#define CST__POOL_KEEP_BYTES ((size_t)64 * 1024)

struct cst__pool_node {
    struct cst__pool_node *next;
};

struct cst__pool_class {
    struct cst__pool_node *free;
    size_t room;
};

/* Refers to itself (as_allocator.user): it must not move after cst__pool_init. */
struct cst__pool {
    cst_allocator as_allocator;
    const cst_allocator *allocator;
    struct cst__pool_class classes[CST__POOL_CLASSES];
};

void cst__pool_init(struct cst__pool *pool, const cst_allocator *allocator);

/* Free all that the free lists hold. What is still out must not be freed to the pool afterwards. */
void cst__pool_fini(struct cst__pool *pool);

/* The rare halves of the two functions below; only those call them. */
void *cst__pool_alloc_slow(struct cst__pool *pool, size_t size);
void cst__pool_free_slow(struct cst__pool *pool, void *ptr, size_t size);

/*
 * Return the class of a size; CST__POOL_CLASSES or more if it has none. A size of 0 has none: it
 * wraps around.
 */
static inline size_t cst__pool_class_of(size_t size)
{
    return (size - 1) / CST__POOL_STEP;
}

/* Return size bytes, at least 1, aligned for any object; NULL if the allocator has none. */
static inline void *cst__pool_alloc(struct cst__pool *pool, size_t size)
{
#ifndef CST_NO_CACHE
    size_t index = cst__pool_class_of(size);

    if (index < CST__POOL_CLASSES && pool->classes[index].free) {
        struct cst__pool_class *size_class = &pool->classes[index];
        struct cst__pool_node *node = size_class->free;

        size_class->free = node->next;
        size_class->room++;
        return node;
    }
#endif
    return cst__pool_alloc_slow(pool, size);
}

/* Take back what cst__pool_alloc returned for this size. Not NULL. */
static inline void cst__pool_free(struct cst__pool *pool, void *ptr, size_t size)
{
#ifndef CST_NO_CACHE
    size_t index = cst__pool_class_of(size);

    if (index < CST__POOL_CLASSES && pool->classes[index].room > 0) {
        struct cst__pool_class *size_class = &pool->classes[index];
        struct cst__pool_node *node = ptr;

        node->next = size_class->free;
        size_class->free = node;
        size_class->room--;
        return;
    }
#endif
    cst__pool_free_slow(pool, ptr, size);
}

/*
 * Return the pool as an allocator, for what takes one, such as the array of a cst_chain. Nothing
 * may be allocated by it that can outlive the pool, as a slice's block can.
 */
static inline const cst_allocator *cst__pool_allocator(struct cst__pool *pool)
{
    return &pool->as_allocator;
}

#endif

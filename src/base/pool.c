/*
 * pool.c - the rare cases of pool.h: a free list is empty or full.
 */
#include "base/pool.h"

#include <assert.h>

static size_t class_bytes(size_t index)
{
    return (index + 1) * CST__POOL_STEP;
}

/*
 * Return how many bytes to ask the allocator for: those of the class, since any object of the class
 * may use the memory next.
 */
static size_t allocator_bytes(size_t size)
{
#ifndef CST_NO_CACHE
    size_t index = cst__pool_class_of(size);

    if (index < CST__POOL_CLASSES)
        return class_bytes(index);
#endif
    return size;
}

static void *alloc_for_user(void *user, size_t size)
{
    return cst__pool_alloc(user, size);
}

static void free_for_user(void *user, void *ptr, size_t size)
{
    cst__pool_free(user, ptr, size);
}

void cst__pool_init(struct cst__pool *pool, const cst_allocator *allocator)
{
    assert(allocator != NULL);
    pool->as_allocator = (cst_allocator){ alloc_for_user, free_for_user, pool };
    pool->allocator = allocator;
    for (size_t i = 0; i < CST__POOL_CLASSES; i++) {
        pool->classes[i].free = NULL;
        pool->classes[i].room = CST__POOL_KEEP_BYTES / class_bytes(i);
    }
}

void cst__pool_fini(struct cst__pool *pool)
{
    for (size_t i = 0; i < CST__POOL_CLASSES; i++) {
        struct cst__pool_class *size_class = &pool->classes[i];

        while (size_class->free) {
            struct cst__pool_node *node = size_class->free;

            size_class->free = node->next;
            size_class->room++;
            pool->allocator->free(pool->allocator->user, node, class_bytes(i));
        }
    }
}

void *cst__pool_alloc_slow(struct cst__pool *pool, size_t size)
{
    assert(size > 0);
    return pool->allocator->alloc(pool->allocator->user, allocator_bytes(size));
}

void cst__pool_free_slow(struct cst__pool *pool, void *ptr, size_t size)
{
    assert(ptr != NULL);
    assert(size > 0);
    pool->allocator->free(pool->allocator->user, ptr, allocator_bytes(size));
}

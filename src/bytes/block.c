/*
 * block.c - blocks, their reference counts, and the cache of free blocks.
 */
#include "bytes/block.h"

#include <assert.h>

/* The base comes first, so that a pointer to it is a pointer to the whole. */
struct foreign_block {
    cst_block base;
    const void *data;
    cst_release_fn *release;
    void *arg;
};

/*
 * asked_at is the cache's clock when the class was last asked for. Every class starts with a cap of
 * 0.
 */
struct size_class {
    cst_block *free;
    size_t cap;
    unsigned free_count;
    uint64_t asked_at;
};

/* Lives while it is open or a block is out. A clock of 64 bits does not wrap. */
struct cst__block_cache {
    const cst_allocator *allocator;
    size_t blocks_out;
    uint64_t clock;
    size_t limit_bytes;
    unsigned limit;
    bool open;
    struct size_class classes[CST__BLOCK_CLASSES];
};

/* --- making and freeing ----------------------------------------------------------------------- */

cst_block *cst__block_new(const cst_allocator *allocator, size_t cap)
{
    cst_block *block;

    if (cap > SIZE_MAX - sizeof(*block))
        return NULL;
    block = allocator->alloc(allocator->user, sizeof(*block) + cap);
    if (block)
        *block = (cst_block){ .refs = 1, .cap = cap, .allocator = allocator };
    return block;
}

cst_block *cst__block_new_foreign(const cst_allocator *allocator, const void *data, size_t len,
                                  cst_release_fn *release, void *arg)
{
    struct foreign_block *block = allocator->alloc(allocator->user, sizeof(*block));

    if (!block)
        return NULL;
    *block = (struct foreign_block){
        .base = { .refs = 1, .cap = len, .allocator = allocator, .foreign = true },
        .data = data,
        .release = release,
        .arg = arg,
    };
    return &block->base;
}

/* Give a heap block's memory back, whatever its count. */
static void free_block(cst_block *block)
{
    const cst_allocator *allocator = block->allocator;

    assert(!block->foreign);
    allocator->free(allocator->user, block, sizeof(*block) + block->cap);
}

/* The header is freed before the callback, which may end whatever the allocator draws from. */
static void release_foreign(cst_block *base)
{
    struct foreign_block *block = (struct foreign_block *)base;
    struct foreign_block last = *block;

    last.base.allocator->free(last.base.allocator->user, block, sizeof(*block));
    if (last.release)
        last.release(last.data, last.base.cap, last.arg);
}

/* --- the cache -------------------------------------------------------------------------------- */

static void free_kept_blocks(struct size_class *size_class)
{
    while (size_class->free) {
        cst_block *block = size_class->free;

        size_class->free = block->next_free;
        free_block(block);
    }
    size_class->free_count = 0;
}

static void free_if_done(struct cst__block_cache *cache)
{
    if (!cache->open && cache->blocks_out == 0)
        cache->allocator->free(cache->allocator->user, cache, sizeof(*cache));
}

cst_status cst__block_cache_new(struct cst__block_cache **out, const cst_allocator *allocator,
                                unsigned limit, size_t limit_bytes)
{
    struct cst__block_cache *cache = allocator->alloc(allocator->user, sizeof(*cache));

    if (!cache)
        return CST_E_NOMEM;
    *cache = (struct cst__block_cache){
        .allocator = allocator, .limit = limit, .limit_bytes = limit_bytes, .open = true
    };
#ifdef CST_NO_CACHE
    cache->limit = 0;
    cache->limit_bytes = 0;
#endif
    *out = cache;
    return CST_OK;
}

void cst__block_cache_close(struct cst__block_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < CST__BLOCK_CLASSES; i++)
        free_kept_blocks(&cache->classes[i]);
    cache->open = false;
    free_if_done(cache);
}

static struct size_class *find_class(struct cst__block_cache *cache, size_t cap)
{
    for (size_t i = 0; i < CST__BLOCK_CLASSES; i++) {
        if (cache->classes[i].cap == cap)
            return &cache->classes[i];
    }
    return NULL;
}

/* A class that was never asked for counts as the least recent. */
static struct size_class *replace_least_recent(struct cst__block_cache *cache, size_t cap)
{
    struct size_class *oldest = &cache->classes[0];

    for (size_t i = 1; i < CST__BLOCK_CLASSES; i++) {
        if (cache->classes[i].asked_at < oldest->asked_at)
            oldest = &cache->classes[i];
    }
    free_kept_blocks(oldest);
    oldest->cap = cap;
    return oldest;
}

static struct size_class *ask_class(struct cst__block_cache *cache, size_t cap)
{
    struct size_class *size_class = find_class(cache, cap);

    if (!size_class)
        size_class = replace_least_recent(cache, cap);
    size_class->asked_at = ++cache->clock;
    return size_class;
}

static cst_block *pop_kept_block(struct size_class *size_class)
{
    cst_block *block = size_class->free;

    if (block) {
        size_class->free = block->next_free;
        size_class->free_count--;
    }
    return block;
}

cst_status cst__block_cache_buf(struct cst__block_cache *cache, cst_buf *out, size_t cap)
{
    cst_block *block = pop_kept_block(ask_class(cache, cap));

    assert(cache->open);
    if (!block)
        block = cst__block_new(cache->allocator, cap);
    if (!block)
        return CST_E_NOMEM;
    block->home = cache;
    cache->blocks_out++;
    *out = (cst_buf){ .data = cst__block_bytes(block), .cap = cap, .block = block };
    return CST_OK;
}

/*
 * Return the class that keeps one more block of cap bytes, or NULL. A closed cache keeps none,
 * although its classes still know their sizes.
 */
static struct size_class *class_with_room(struct cst__block_cache *cache, size_t cap)
{
    struct size_class *size_class = cache->open ? find_class(cache, cap) : NULL;

    if (!size_class || (size_class->free_count >= cache->limit &&
                        size_class->free_count >= cache->limit_bytes / (cap ? cap : 1)))
        return NULL;
    return size_class;
}

/* Return a block whose last reference is gone to its cache, or free it. */
static void take_home(cst_block *block)
{
    struct cst__block_cache *cache = block->home;
    struct size_class *size_class = class_with_room(cache, block->cap);

    assert(cache->blocks_out > 0);
    cache->blocks_out--;
    if (!size_class) {
        free_block(block);
        free_if_done(cache);
        return;
    }
    block->next_free = size_class->free;
    size_class->free = block;
    size_class->free_count++;
}

/* --- the count -------------------------------------------------------------------------------- */

#ifdef __STDC_NO_ATOMICS__

static void ref_shared(cst_block *block)
{
    (void)block;
}

static bool unref_shared(cst_block *block, size_t count)
{
    (void)block;
    (void)count;
    return false;
}

#else

/* Make the block forget its cache, if it has one. */
static void leave_home(cst_block *block)
{
    struct cst__block_cache *cache = block->home;

    if (!cache)
        return;
    block->home = NULL;
    cache->blocks_out--;
    free_if_done(cache);
}

/* Written once only: a second call may come from a thread that others share the block with. */
void cst__block_share(cst_block *block)
{
    if (block->shared)
        return;
    leave_home(block);
    block->shared = true;
    cst__block_set_refs(block, cst__block_refs(block) | CST__REFS_SHARED);
}

/* A loop and not one addition: an addition could not stop at CST__REFS_STUCK. */
static void ref_shared(cst_block *block)
{
    size_t refs = cst__block_refs(block);

    do {
        if (refs == CST__REFS_STUCK)
            return;
    } while (!atomic_compare_exchange_weak_explicit(&block->refs, &refs, refs + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
}

/*
 * Drop count references. Return whether they were the last.
 *
 * Release, so that what this thread did with the bytes comes before; acquire, so that the last
 * thread sees what all others did.
 */
static bool unref_shared(cst_block *block, size_t count)
{
    size_t refs = cst__block_refs(block);

    do {
        if (refs == CST__REFS_STUCK)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&block->refs, &refs, refs - count,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return refs - count == CST__REFS_SHARED;
}

#endif

/* A plain count is at its highest, or the count is shared. */
void cst__block_ref_slow(cst_block *block)
{
    if (block->shared)
        ref_shared(block);
    else
        cst__block_set_refs(block, CST__REFS_STUCK);
}

static void release(cst_block *block)
{
    if (block->home)
        take_home(block);
    else if (block->foreign)
        release_foreign(block);
    else
        free_block(block);
}

void cst__block_unref_slow(cst_block *block, size_t count)
{
    if (block->shared ? !unref_shared(block, count) : cst__block_refs(block) == CST__REFS_STUCK)
        return;
    cst__block_set_refs(block, 1);
    release(block);
}

/*
 * block_cache.c - see block_cache.h.
 */
#include "bytes/block_cache.h"

#include <assert.h>

#include "bytes/block.h"

/* asked_at is the cache's clock when the class was last asked for. All begin with a cap of 0. */
struct size_class {
    cst_block *free;
    size_t cap;
    unsigned free_count;
    uint64_t asked_at;
};

/* Lives while it is open or a block is out. A clock of 64 bits does not come round. */
struct cst__block_cache {
    const cst_allocator *allocator;
    size_t blocks_out;
    uint64_t clock;
    size_t limit_bytes;
    unsigned limit;
    bool open;
    struct size_class classes[CST__BLOCK_CLASSES];
};

static void free_kept_blocks(struct size_class *size_class)
{
    while (size_class->free != NULL) {
        cst_block *block = size_class->free;

        size_class->free = block->next_free;
        cst__block_free(block);
    }
    size_class->free_count = 0;
}

static void free_if_done(struct cst__block_cache *cache)
{
    if (!cache->open && cache->blocks_out == 0)
        cache->allocator->free(cache->allocator->user, cache, sizeof *cache);
}

cst_status cst__block_cache_new(struct cst__block_cache **out, const cst_allocator *allocator,
                                unsigned limit, size_t limit_bytes)
{
    struct cst__block_cache *cache = allocator->alloc(allocator->user, sizeof *cache);

    if (cache == NULL)
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
    if (cache == NULL)
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

    if (size_class == NULL)
        size_class = replace_least_recent(cache, cap);
    size_class->asked_at = ++cache->clock;
    return size_class;
}

static cst_block *pop_kept_block(struct size_class *size_class)
{
    cst_block *block = size_class->free;

    if (block != NULL) {
        size_class->free = block->next_free;
        size_class->free_count--;
    }
    return block;
}

cst_status cst__block_cache_buf(struct cst__block_cache *cache, cst_buf *out, size_t cap)
{
    cst_block *block = pop_kept_block(ask_class(cache, cap));

    assert(cache->open);
    if (block == NULL)
        block = cst__block_new(cache->allocator, cap);
    if (block == NULL)
        return CST_E_NOMEM;
    block->home = cache;
    cache->blocks_out++;
    *out = (cst_buf){ .data = cst__block_bytes(block), .cap = cap, .block = block };
    return CST_OK;
}

/* A closed cache keeps nothing; its classes still know what was asked for. */
static struct size_class *class_with_room(struct cst__block_cache *cache, size_t cap)
{
    struct size_class *size_class = cache->open ? find_class(cache, cap) : NULL;

    if (size_class == NULL || (size_class->free_count >= cache->limit &&
                               size_class->free_count >= cache->limit_bytes / (cap ? cap : 1)))
        return NULL;
    return size_class;
}

void cst__block_cache_take_back(cst_block *block)
{
    struct cst__block_cache *cache = block->home;
    struct size_class *size_class = class_with_room(cache, block->cap);

    assert(cache->blocks_out > 0);
    cache->blocks_out--;
    if (size_class == NULL) {
        cst__block_free(block);
        free_if_done(cache);
        return;
    }
    block->next_free = size_class->free;
    size_class->free = block;
    size_class->free_count++;
}

void cst__block_cache_detach(cst_block *block)
{
    struct cst__block_cache *cache = block->home;

    if (cache == NULL)
        return;
    block->home = NULL;
    cache->blocks_out--;
    free_if_done(cache);
}

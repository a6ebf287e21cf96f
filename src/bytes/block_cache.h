/*
 * block_cache.h - heap blocks that come back to be filled again.
 *
 * A source reads into blocks of one size, over and over. The cache keeps the blocks whose last
 * slice has gone, so that steady flow allocates nothing:
 *
 *            cst__block_cache_buf                  the last unref
 *   free list ---------------------> cst_buf, slices --------------> free list, or the allocator
 *
 * A size class is one exact capacity. There are CST__BLOCK_CLASSES of them, for streams of
 * different read sizes side by side; a capacity that has no class takes over the least recently
 * asked-for one, whose free blocks go. Each class keeps at most `limit` free blocks, or as many
 * as make `limit_bytes` where that is more; a block that comes back beyond that, or whose class has
 * gone meanwhile, is freed.
 *
 * Slices outlive contexts, so the cache outlives its owner: after cst__block_cache_close it only
 * counts the blocks that are still out, frees each as it comes, and goes with the last. A block
 * that is shared between threads leaves the cache for good, so that no other thread ever touches
 * it.
 *
 * Built with -DCST_NO_CACHE nothing is kept (both limits are 0).
 */
#ifndef CST_BYTES_BLOCK_CACHE_H
#define CST_BYTES_BLOCK_CACHE_H

#include <cstream/slice.h>

#define CST__BLOCK_CLASSES 4

struct cst__block_cache;

/*
 * CST_OK       *out is the caller's, until cst__block_cache_close
 * CST_E_NOMEM  *out is untouched
 */
cst_status cst__block_cache_new(struct cst__block_cache **out, const cst_allocator *allocator,
                                unsigned limit, size_t limit_bytes);

/* Frees the free blocks now, and the cache itself with the last block that is out. NULL is fine. */
void cst__block_cache_close(struct cst__block_cache *cache);

/*
 * A buffer of cap bytes, contents undefined, from the free list of its class where that has one.
 *
 * CST_OK       *out is the caller's, to freeze or free
 * CST_E_NOMEM  no memory, or cap is too large for a block; *out is untouched
 */
cst_status cst__block_cache_buf(struct cst__block_cache *cache, cst_buf *out, size_t cap);

/* A block whose last reference has gone returns to its home (cst__block_unref_otherwise calls it). */
void cst__block_cache_take_back(cst_block *block);

/* Makes a block forget its home, if it has one. */
void cst__block_cache_detach(cst_block *block);

#endif

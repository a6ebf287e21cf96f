/*
 * block.h - the owner of a slice's bytes: its reference count, and the cache of free blocks.
 *
 *   heap block      [ struct cst_block | cap bytes ... ]       bytes inline, aligned for any object
 *   foreign block   [ struct cst_block | data, release, arg ]  bytes elsewhere; the user frees them
 *
 * The count is plain while one thread uses the block: a relaxed load and store of an _Atomic are
 * the moves of a plain size_t, without a locked instruction. Once the block is shared between
 * threads the count has its highest bit set, and every change of it is atomic. The bit is set once,
 * before a second thread sees the block, and stays. So one comparison with a sign tells both
 * whether the count is plain and whether a reference is the last.
 *
 * The count never wraps. At CST__REFS_STUCK, which looks like a shared count, it neither rises nor
 * falls, and the block leaks. That is better than a block freed while somebody uses it
 * (CVE-2016-0728).
 */
#ifndef CSTREAM_BLOCK_H
#define CSTREAM_BLOCK_H

#include <string.h>

#include "cstream/slice.h"

#ifdef __STDC_NO_ATOMICS__
typedef size_t cst__refcount;
#else
#include <stdatomic.h>
typedef _Atomic size_t cst__refcount;
#endif

#define CST__REFS_STUCK SIZE_MAX
#define CST__REFS_SHARED (SIZE_MAX / 2 + 1)

struct cst__block_cache;

/*
 * refs       references held, and CST__REFS_SHARED; also 1 while the block lies in a cache
 * cap        bytes owned: the inline ones, or the length of the foreign memory
 * allocator  takes the block's memory back
 * home       the cache that the block returns to, or NULL; always NULL once the block is shared
 * next_free  links the free blocks of a cache
 * foreign    the bytes are elsewhere
 * shared     refs has CST__REFS_SHARED, whatever else refs has
 *
 * The alignment of the first member rounds sizeof up, so that the bytes behind the struct are
 * aligned for any object.
 */
struct cst_block {
    _Alignas(max_align_t) cst__refcount refs;
    size_t cap;
    const cst_allocator *allocator;
    struct cst__block_cache *home;
    cst_block *next_free;
    bool foreign;
    bool shared;
};

/* Return a heap block with one reference and no home, or NULL: no memory, or cap is too large. */
cst_block *cst__block_new(const cst_allocator *allocator, size_t cap);

/* Return a foreign block with one reference, or NULL: no memory. release may be NULL. */
cst_block *cst__block_new_foreign(const cst_allocator *allocator, const void *data, size_t len,
                                  cst_release_fn *release, void *arg);

/* The rare halves of the functions below; only those call them. */
void cst__block_ref_slow(cst_block *block);
void cst__block_unref_slow(cst_block *block, size_t count);

/* --- the count -------------------------------------------------------------------------------- */

static inline uint8_t *cst__block_bytes(cst_block *block)
{
    return (uint8_t *)(block + 1);
}

static inline size_t cst__block_refs(const cst_block *block)
{
#ifdef __STDC_NO_ATOMICS__
    return block->refs;
#else
    return atomic_load_explicit(&block->refs, memory_order_relaxed);
#endif
}

static inline void cst__block_set_refs(cst_block *block, size_t refs)
{
#ifdef __STDC_NO_ATOMICS__
    block->refs = refs;
#else
    atomic_store_explicit(&block->refs, refs, memory_order_relaxed);
#endif
}

/* Take a reference if the count is plain. Return false, and change nothing, if it is not. */
static inline bool cst__block_try_ref(cst_block *block)
{
    size_t refs = cst__block_refs(block) + 1;

    if ((ptrdiff_t)refs <= 0)
        return false;
    cst__block_set_refs(block, refs);
    return true;
}

static inline void cst__block_ref(cst_block *block)
{
    if (!cst__block_try_ref(block))
        cst__block_ref_slow(block);
}

/*
 * Drop count references if the count is plain and more than that many are held. Return false, and
 * change nothing, if they would be the last or the count is not plain.
 */
static inline bool cst__block_unref_some(cst_block *block, size_t count)
{
    size_t refs = cst__block_refs(block) - count;

    if ((ptrdiff_t)refs <= 0)
        return false;
    cst__block_set_refs(block, refs);
    return true;
}

/* Return whether dropping one reference may call the user's release callback. */
static inline bool cst__block_unref_may_call(const cst_block *block)
{
    return (ptrdiff_t)(cst__block_refs(block) - 1) <= 0 && block->foreign;
}

/* Drop count references: at least one, and no more than are held. */
static inline void cst__block_unref_many(cst_block *block, size_t count)
{
    if (!cst__block_unref_some(block, count))
        cst__block_unref_slow(block, count);
}

static inline void cst__block_unref(cst_block *block)
{
    cst__block_unref_many(block, 1);
}

/*
 * Set the block apart for several threads: it leaves its cache, and its count is atomic from now
 * on.
 */
#ifndef __STDC_NO_ATOMICS__
void cst__block_share(cst_block *block);
#endif

/* --- slices ----------------------------------------------------------------------------------- */

/*
 * Return a slice with these fields.
 *
 * Compilers copy a slice that is handed on as 16 bytes and 8. If it was just written as three times
 * 8 bytes, an x86-64 has to wait for the stores before it can load the 16, and that takes longer
 * than all else here. So the first two fields are written as one piece of 16 bytes.
 */
static inline cst_slice cst__slice_at(const uint8_t *data, size_t len, cst_block *block)
{
    cst_slice slice = { .data = data, .len = len, .block = block };

#if defined(__GNUC__) && defined(__x86_64__) && defined(__LP64__)
    typedef unsigned long pair __attribute__((vector_size(16)));
    pair first = { (unsigned long)data, len };

    memcpy(&slice, &first, sizeof(first));
#endif
    return slice;
}

/*
 * Copy the fields of a slice, by pieces of 16 bytes and 8 as compilers load them (cst__slice_at),
 * even if the caller uses a field by itself.
 */
static inline void cst__slice_move(cst_slice *to, const cst_slice *from)
{
#if defined(__GNUC__) && defined(__x86_64__) && defined(__LP64__)
    typedef unsigned long pair __attribute__((vector_size(16), aligned(8), may_alias));

    *(pair *)to = *(const pair *)from;
    to->block = from->block;
#else
    *to = *from;
#endif
}

/* Do what cst_slice_ref does, inline, for a slice that is not NULL. */
static inline cst_slice cst__slice_ref(const cst_slice *slice)
{
    if (slice->block)
        cst__block_ref(slice->block);
    return *slice;
}

/* Drop the reference of a slice that nobody looks at again: *slice keeps its fields. */
static inline void cst__slice_drop(const cst_slice *slice)
{
    if (slice->block)
        cst__block_unref(slice->block);
}

/* Do what cst_slice_unref does, inline, for a slice that is not NULL. */
static inline void cst__slice_unref(cst_slice *slice)
{
    cst_block *block = slice->block;

    /* Emptied first: a foreign block's release callback may look at whatever holds the slice. */
    *slice = (cst_slice){ 0 };
    if (block)
        cst__block_unref(block);
}

/* --- the cache of blocks ---------------------------------------------------------------------- */

/*
 * A source reads into blocks of one size, over and over. A cache keeps the blocks whose last slice
 * is gone, so that steady flow allocates nothing:
 *
 *            cst__block_cache_buf                  the last unref
 *   free list ---------------------> cst_buf, slices --------------> free list, or the allocator
 *
 * A size class holds blocks of one exact capacity. There are CST__BLOCK_CLASSES of them, for
 * streams that read different sizes side by side. A capacity without a class takes over the class
 * that was least recently asked for; the free blocks of that class are freed. Each class keeps at
 * most `limit` free blocks, or as many as make `limit_bytes` if that is more. A block that comes
 * back beyond that, or whose class is gone, is freed.
 *
 * Slices outlive contexts, so a cache outlives its owner: after cst__block_cache_close it only
 * counts the blocks that are still out, frees each one when it comes back, and is freed with the
 * last. A block that is shared between threads leaves its cache for good, so that no other thread
 * touches the cache.
 *
 * Built with -DCST_NO_CACHE nothing is kept (both limits are 0).
 */
#define CST__BLOCK_CLASSES 4

/*
 * CST_OK       *out is the caller's, until cst__block_cache_close
 * CST_E_NOMEM  *out is untouched
 */
cst_status cst__block_cache_new(struct cst__block_cache **out, const cst_allocator *allocator,
                                unsigned limit, size_t limit_bytes);

/* Free the free blocks now, and the cache with the last block that is out. NULL is fine. */
void cst__block_cache_close(struct cst__block_cache *cache);

/*
 * Take a buffer of cap bytes from the free list of its class, or make one. Its contents are
 * undefined.
 *
 * CST_OK       *out is the caller's, to freeze or free
 * CST_E_NOMEM  no memory, or cap is too large for a block; *out is untouched
 */
cst_status cst__block_cache_buf(struct cst__block_cache *cache, cst_buf *out, size_t cap);

#endif

/*
 * block.h - the owner of a slice's bytes, and the inline count that hot paths use.
 *
 *   heap block      [ struct cst_block | cap bytes ... ]       bytes inline, aligned for any object
 *   foreign block   [ struct cst_block | data, release, arg ]  bytes elsewhere (slice.c)
 *
 * The count is plain while one thread uses the block: a relaxed load and store of an _Atomic are
 * the same moves as those of a plain size_t, without a locked instruction. Once the block is shared,
 * the count has its highest bit set, and every change of it is atomic. The bit is set once, before a
 * second thread sees the block, and stays. So to look whether the count is plain, and whether a
 * reference is the last, is one comparison with a sign.
 *
 * The count never wraps. At CST__REFS_STUCK, which looks like a shared one, it neither rises nor
 * falls, so the block leaks: better than a block freed under somebody's eyes (CVE-2016-0728).
 */
#ifndef CST_BYTES_BLOCK_H
#define CST_BYTES_BLOCK_H

#include <string.h>

#include <cstream/slice.h>

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
 * refs       references held, and CST__REFS_SHARED; 1 too while the block lies in a cache
 * cap        bytes owned: the inline ones, or the length of the foreign memory
 * allocator  where the block's memory goes back
 * home       the cache that the block returns to, NULL for none; always NULL once shared
 * next_free  the cache's free list
 * foreign    the bytes are elsewhere
 * shared     refs has CST__REFS_SHARED, whatever else it has
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

/* A heap block with one reference and no home; NULL where memory is out or cap is too large. */
cst_block *cst__block_new(const cst_allocator *allocator, size_t cap);

/* Gives a heap block's memory back, whatever its count. */
void cst__block_free(cst_block *block);

/* The slow halves of the functions below: not to be called otherwise. */
void cst__block_ref_otherwise(cst_block *block);
void cst__block_unref_otherwise(cst_block *block, size_t count);

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

static inline void cst__block_ref(cst_block *block)
{
    size_t refs = cst__block_refs(block) + 1;

    if ((ptrdiff_t)refs > 0)
        cst__block_set_refs(block, refs);
    else
        cst__block_ref_otherwise(block);
}

/* Lets count references go, of more than that; false, and nothing is done, where it is all, or the count is not plain. */
static inline bool cst__block_unref_some(cst_block *block, size_t count)
{
    size_t refs = cst__block_refs(block) - count;

    if ((ptrdiff_t)refs <= 0)
        return false;
    cst__block_set_refs(block, refs);
    return true;
}

/* Whether letting one reference go may call the user, who gave the bytes. */
static inline bool cst__block_unref_may_call(const cst_block *block)
{
    return (ptrdiff_t)(cst__block_refs(block) - 1) <= 0 && block->foreign;
}

/* count references less, at least one, of as many or more. */
static inline void cst__block_unref_many(cst_block *block, size_t count)
{
    if (!cst__block_unref_some(block, count))
        cst__block_unref_otherwise(block, count);
}

static inline void cst__block_unref(cst_block *block)
{
    cst__block_unref_many(block, 1);
}

/*
 * A slice to be returned. Compilers copy one that is handed on as 16 bytes and 8; where it was just written as three
 * times 8, a processor of this kind has to wait for the stores before it can load the 16, longer than all else here
 * takes. So they are written as they will be read.
 */
static inline cst_slice cst__slice_at(const uint8_t *data, size_t len, cst_block *block)
{
    cst_slice slice = { .data = data, .len = len, .block = block };

#if defined(__GNUC__) && defined(__x86_64__) && defined(__LP64__)
    typedef unsigned long pair __attribute__((vector_size(16)));
    pair first = { (unsigned long)data, len };

    memcpy(&slice, &first, sizeof first);
#endif
    return slice;
}

/* cst_slice_ref and cst_slice_unref without their calls and without their care for NULL. */
static inline cst_slice cst__slice_ref(const cst_slice *slice)
{
    if (slice->block != NULL)
        cst__block_ref(slice->block);
    return *slice;
}

/* The second, of a slice that nobody will look at. */
static inline void cst__slice_drop(const cst_slice *slice)
{
    if (slice->block != NULL)
        cst__block_unref(slice->block);
}

static inline void cst__slice_unref(cst_slice *slice)
{
    cst_block *block = slice->block;

    /* Emptied first: a foreign block's release callback may look at whatever holds the slice. */
    *slice = (cst_slice){ 0 };
    if (block != NULL)
        cst__block_unref(block);
}

#endif

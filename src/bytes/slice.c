/*
 * slice.c - slices, the blocks behind them, and the buffers that they are frozen from.
 *
 * A slice of no bytes that a function here makes owns nothing: an empty view never pins a block.
 * The one exception is what the caller wrapped himself, cst_slice_foreign of 0 bytes, whose release
 * callback has to be called some time.
 */
#include <cstream/slice.h>

#include <assert.h>
#include <string.h>

#include "bytes/block.h"
#include "bytes/block_cache.h"

/* The base comes first, so that a pointer to it is a pointer to the whole. */
struct foreign_block {
    cst_block base;
    const void *data;
    cst_release_fn *release;
    void *arg;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* --- making bytes ----------------------------------------------------------------------------- */

cst_slice cst_slice_empty(void)
{
    return (cst_slice){ 0 };
}

cst_slice cst_slice_static(const void *data, size_t len)
{
    if (data == NULL)
        return cst_slice_empty();
    return cst__slice_at(data, len, NULL);
}

cst_slice cst_slice_str(const char *text)
{
    return cst_slice_static(text, text != NULL ? strlen(text) : 0);
}

cst_status cst_slice_copy(cst_slice *out, const cst_allocator *allocator, const void *bytes,
                          size_t len)
{
    cst_block *block;

    if (out == NULL || allocator == NULL || (bytes == NULL && len > 0))
        return CST_E_INVALID_ARG;
    if (len == 0) {
        *out = cst_slice_empty();
        return CST_OK;
    }
    block = cst__block_new(allocator, len);
    if (block == NULL)
        return CST_E_NOMEM;
    memcpy(cst__block_bytes(block), bytes, len);
    *out = (cst_slice){ .data = cst__block_bytes(block), .len = len, .block = block };
    return CST_OK;
}

cst_status cst_slice_foreign(cst_slice *out, const cst_allocator *allocator, const void *data,
                             size_t len, cst_release_fn *release, void *arg)
{
    struct foreign_block *block;

    if (out == NULL || allocator == NULL || (data == NULL && len > 0))
        return CST_E_INVALID_ARG;
    block = allocator->alloc(allocator->user, sizeof *block);
    if (block == NULL)
        return CST_E_NOMEM;
    *block = (struct foreign_block){
        .base = { .refs = 1, .cap = len, .allocator = allocator, .foreign = true },
        .data = data,
        .release = release,
        .arg = arg,
    };
    *out = (cst_slice){ .data = data, .len = len, .block = &block->base };
    return CST_OK;
}

/* What cst_slice_concat has to know of its list. `last` is the last slice that is not empty. */
struct list_sum {
    const cst_slice *last;
    size_t bytes;
    size_t not_empty;
};

static bool sum_list(struct list_sum *sum, const cst_slice *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].len > SIZE_MAX - sum->bytes)
            return false;
        if (list[i].len == 0)
            continue;
        sum->bytes += list[i].len;
        sum->last = &list[i];
        sum->not_empty++;
    }
    return true;
}

static void copy_list(uint8_t *to, const cst_slice *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].len > 0)
            memcpy(to, list[i].data, list[i].len);
        to += list[i].len;
    }
}

cst_status cst_slice_concat(cst_slice *out, const cst_allocator *allocator, const cst_slice *list,
                            size_t count)
{
    struct list_sum sum = { 0 };
    cst_block *block;

    if (out == NULL || allocator == NULL || (list == NULL && count > 0))
        return CST_E_INVALID_ARG;
    if (!sum_list(&sum, list, count))
        return CST_E_NOMEM;
    if (sum.not_empty <= 1) {
        *out = sum.last != NULL ? cst__slice_ref(sum.last) : cst_slice_empty();
        return CST_OK;
    }
    block = cst__block_new(allocator, sum.bytes);
    if (block == NULL)
        return CST_E_NOMEM;
    copy_list(cst__block_bytes(block), list, count);
    *out = (cst_slice){ .data = cst__block_bytes(block), .len = sum.bytes, .block = block };
    return CST_OK;
}

/* --- references and views --------------------------------------------------------------------- */

cst_slice cst_slice_ref(const cst_slice *slice)
{
    return slice != NULL ? cst__slice_ref(slice) : cst_slice_empty();
}

void cst_slice_unref(cst_slice *slice)
{
    if (slice != NULL)
        cst__slice_unref(slice);
}

cst_slice cst_slice_sub(const cst_slice *slice, size_t from, size_t len)
{
    cst_slice whole;

    if (slice == NULL || len == 0 || from >= slice->len)
        return cst_slice_empty();
    whole = cst__slice_ref(slice);
    return cst__slice_at(whole.data + from, smaller(len, whole.len - from), whole.block);
}

cst_slice cst_slice_split_to(cst_slice *slice, size_t n)
{
    cst_slice first;

    if (slice == NULL)
        return cst_slice_empty();
    if (n >= slice->len) {
        /* Moved, not counted: the common case need not touch the block. */
        first = *slice;
        *slice = cst_slice_empty();
        return first;
    }
    first = cst_slice_sub(slice, 0, n);
    slice->data += n;
    slice->len -= n;
    return first;
}

cst_slice cst_slice_split_off(cst_slice *slice, size_t n)
{
    cst_slice first = cst_slice_split_to(slice, n);
    cst_slice rest;

    if (slice == NULL)
        return cst_slice_empty();
    rest = *slice;
    *slice = first;
    return rest;
}

bool cst_slice_equals(const cst_slice *a, const cst_slice *b)
{
    size_t a_len = a != NULL ? a->len : 0;
    size_t b_len = b != NULL ? b->len : 0;

    /* memcmp may not be given the NULL that an empty slice can hold. */
    return a_len == b_len && (a_len == 0 || memcmp(a->data, b->data, a_len) == 0);
}

size_t cst_slice_pinned_bytes(const cst_slice *slice)
{
    return slice != NULL && slice->block != NULL ? slice->block->cap : 0;
}

bool cst_slice_is_unique(const cst_slice *slice)
{
    if (slice == NULL || slice->block == NULL)
        return false;
#ifdef __STDC_NO_ATOMICS__
    return slice->block->refs == 1;
#else
    /* Acquire: what other threads did before they let go has happened. */
    return (atomic_load_explicit(&slice->block->refs, memory_order_acquire) & ~CST__REFS_SHARED) ==
           1;
#endif
}

cst_status cst_slice_compact(cst_slice *slice, const cst_allocator *allocator, size_t max_waste)
{
    cst_slice copy;
    cst_status status;

    if (slice == NULL || allocator == NULL)
        return CST_E_INVALID_ARG;
    if (slice->block == NULL || slice->block->cap - slice->len <= max_waste)
        return CST_OK;
    status = cst_slice_copy(&copy, allocator, slice->data, slice->len);
    if (status < 0)
        return status;
    cst__slice_unref(slice);
    *slice = copy;
    return CST_OK;
}

cst_status cst_slice_share(const cst_slice *slice)
{
    if (slice == NULL)
        return CST_E_INVALID_ARG;
    if (slice->block == NULL)
        return CST_OK;
#ifdef __STDC_NO_ATOMICS__
    return CST_E_UNSUPPORTED;
#else
    /* Written once only: a second call may come from a thread that others share the block with. */
    if (!slice->block->shared) {
        cst__block_cache_detach(slice->block);
        slice->block->shared = true;
        cst__block_set_refs(slice->block, cst__block_refs(slice->block) | CST__REFS_SHARED);
    }
    return CST_OK;
#endif
}

/* --- writing, then freezing ------------------------------------------------------------------- */

cst_status cst_buf_new(cst_buf *out, const cst_allocator *allocator, size_t cap)
{
    cst_block *block;

    if (out == NULL || allocator == NULL)
        return CST_E_INVALID_ARG;
    block = cst__block_new(allocator, cap);
    if (block == NULL)
        return CST_E_NOMEM;
    *out = (cst_buf){ .data = cst__block_bytes(block), .cap = cap, .block = block };
    return CST_OK;
}

cst_slice cst_buf_freeze(cst_buf *buf, size_t len)
{
    cst_buf frozen;

    if (buf == NULL)
        return cst_slice_empty();
    if (len == 0 || buf->cap == 0) {
        cst_buf_free(buf);
        return cst_slice_empty();
    }
    frozen = *buf;
    *buf = (cst_buf){ 0 };
    return cst__slice_at(frozen.data, smaller(len, frozen.cap), frozen.block);
}

cst_status cst_buf_thaw(cst_buf *out, cst_slice *slice)
{
    cst_block *block;
    size_t from;

    if (out == NULL || slice == NULL)
        return CST_E_INVALID_ARG;
    block = slice->block;
    if (block == NULL || block->foreign || cst__block_refs(block) != 1)
        return CST_EMPTY;
    from = (size_t)(slice->data - cst__block_bytes(block));
    *out = (cst_buf){ .data = cst__block_bytes(block) + from, .cap = slice->len, .block = block };
    *slice = cst_slice_empty();
    return CST_OK;
}

void cst_buf_free(cst_buf *buf)
{
    cst_block *block;

    if (buf == NULL)
        return;
    block = buf->block;
    *buf = (cst_buf){ 0 };
    if (block != NULL)
        cst__block_unref(block);
}

/* --- blocks ----------------------------------------------------------------------------------- */

cst_block *cst__block_new(const cst_allocator *allocator, size_t cap)
{
    cst_block *block;

    if (cap > SIZE_MAX - sizeof *block)
        return NULL;
    block = allocator->alloc(allocator->user, sizeof *block + cap);
    if (block != NULL)
        *block = (cst_block){ .refs = 1, .cap = cap, .allocator = allocator };
    return block;
}

void cst__block_free(cst_block *block)
{
    const cst_allocator *allocator = block->allocator;

    assert(!block->foreign);
    allocator->free(allocator->user, block, sizeof *block + block->cap);
}

/* The header goes first: then the callback may end whatever the allocator draws from. */
static void release_foreign(cst_block *base)
{
    struct foreign_block *block = (struct foreign_block *)base;
    struct foreign_block last = *block;

    last.base.allocator->free(last.base.allocator->user, block, sizeof *block);
    if (last.release != NULL)
        last.release(last.data, last.base.cap, last.arg);
}

/* The last reference is gone. */
static void release(cst_block *block)
{
    if (block->home != NULL)
        cst__block_cache_take_back(block);
    else if (block->foreign)
        release_foreign(block);
    else
        cst__block_free(block);
}

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

/* A loop and not one addition: an addition could not stop at the count that sticks. */
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
 * Whether they were the last. Release: what this thread did with the bytes comes before; acquire: the last one sees what
 * all others did.
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
void cst__block_ref_otherwise(cst_block *block)
{
    if (block->shared)
        ref_shared(block);
    else
        cst__block_set_refs(block, CST__REFS_STUCK);
}

void cst__block_unref_otherwise(cst_block *block, size_t count)
{
    if (block->shared ? !unref_shared(block, count) : cst__block_refs(block) == CST__REFS_STUCK)
        return;
    cst__block_set_refs(block, 1);
    release(block);
}

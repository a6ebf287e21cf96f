/*
 * slice.c - slices, and the buffers that they are frozen from.
 *
 * A slice of no bytes that a function here makes owns nothing: an empty view never pins a block.
 * The one exception is cst_slice_foreign of 0 bytes, whose release callback must be called at some
 * time.
 */
#include "cstream/slice.h"

#include <string.h>

#include "base/base.h"
#include "bytes/block.h"

/* --- making bytes ----------------------------------------------------------------------------- */

cst_slice cst_slice_empty(void)
{
    return (cst_slice){ 0 };
}

cst_slice cst_slice_static(const void *data, size_t len)
{
    if (!data)
        return cst_slice_empty();
    return cst__slice_at(data, len, NULL);
}

cst_slice cst_slice_str(const char *text)
{
    return cst_slice_static(text, text ? strlen(text) : 0);
}

cst_status cst_slice_copy(cst_slice *out, const cst_allocator *allocator, const void *bytes,
                          size_t len)
{
    cst_block *block;

    if (!out || !allocator || (!bytes && len > 0))
        return CST_E_INVALID_ARG;
    if (len == 0) {
        *out = cst_slice_empty();
        return CST_OK;
    }
    block = cst__block_new(allocator, len);
    if (!block)
        return CST_E_NOMEM;
    memcpy(cst__block_bytes(block), bytes, len);
    *out = (cst_slice){ .data = cst__block_bytes(block), .len = len, .block = block };
    return CST_OK;
}

cst_status cst_slice_foreign(cst_slice *out, const cst_allocator *allocator, const void *data,
                             size_t len, cst_release_fn *release, void *arg)
{
    cst_block *block;

    if (!out || !allocator || (!data && len > 0))
        return CST_E_INVALID_ARG;
    block = cst__block_new_foreign(allocator, data, len, release, arg);
    if (!block)
        return CST_E_NOMEM;
    *out = (cst_slice){ .data = data, .len = len, .block = block };
    return CST_OK;
}

/* What cst_slice_concat has to know of its list. `last` is the last slice with bytes, or NULL. */
struct list_sum {
    const cst_slice *last;
    size_t bytes;
    size_t not_empty;
};

/* Return false if the sum of the bytes does not fit. */
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

    if (!out || !allocator || (!list && count > 0))
        return CST_E_INVALID_ARG;
    if (!sum_list(&sum, list, count))
        return CST_E_NOMEM;
    if (sum.not_empty <= 1) {
        *out = sum.last ? cst__slice_ref(sum.last) : cst_slice_empty();
        return CST_OK;
    }
    block = cst__block_new(allocator, sum.bytes);
    if (!block)
        return CST_E_NOMEM;
    copy_list(cst__block_bytes(block), list, count);
    *out = (cst_slice){ .data = cst__block_bytes(block), .len = sum.bytes, .block = block };
    return CST_OK;
}

/* --- references and views --------------------------------------------------------------------- */

/* Out of line, and called last: so cst_slice_ref and cst_slice_sub need not save any register. */
OUT_OF_LINE cst_slice ref_slow(const cst_slice *slice)
{
    cst__block_ref_slow(slice->block);
    return *slice;
}

cst_slice cst_slice_ref(const cst_slice *slice)
{
    if (!slice)
        return cst_slice_empty();
    if (slice->block && !cst__block_try_ref(slice->block))
        return ref_slow(slice);
    return *slice;
}

void cst_slice_unref(cst_slice *slice)
{
    if (slice)
        cst__slice_unref(slice);
}

OUT_OF_LINE cst_slice sub_slow(const cst_slice *slice, size_t from, size_t len)
{
    cst__block_ref_slow(slice->block);
    return cst__slice_at(slice->data + from, cst__smaller(len, slice->len - from), slice->block);
}

cst_slice cst_slice_sub(const cst_slice *slice, size_t from, size_t len)
{
    if (!slice || len == 0 || from >= slice->len)
        return cst_slice_empty();
    if (slice->block && !cst__block_try_ref(slice->block))
        return sub_slow(slice, from, len);
    return cst__slice_at(slice->data + from, cst__smaller(len, slice->len - from), slice->block);
}

cst_slice cst_slice_split_to(cst_slice *slice, size_t n)
{
    cst_slice first;

    if (!slice)
        return cst_slice_empty();
    if (n >= slice->len) {
        /* The reference moves: the common case does not touch the block. */
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

    if (!slice)
        return cst_slice_empty();
    rest = *slice;
    *slice = first;
    return rest;
}

bool cst_slice_equals(const cst_slice *a, const cst_slice *b)
{
    size_t a_len = a ? a->len : 0;
    size_t b_len = b ? b->len : 0;

    /* memcmp does not take NULL, which an empty slice may hold. */
    return a_len == b_len && (a_len == 0 || memcmp(a->data, b->data, a_len) == 0);
}

size_t cst_slice_pinned_bytes(const cst_slice *slice)
{
    return slice && slice->block ? slice->block->cap : 0;
}

bool cst_slice_is_unique(const cst_slice *slice)
{
    if (!slice || !slice->block)
        return false;
#ifdef __STDC_NO_ATOMICS__
    return slice->block->refs == 1;
#else
    /* Acquire: this thread sees what others did before they dropped their references. */
    return (atomic_load_explicit(&slice->block->refs, memory_order_acquire) & ~CST__REFS_SHARED) ==
           1;
#endif
}

cst_status cst_slice_compact(cst_slice *slice, const cst_allocator *allocator, size_t max_waste)
{
    cst_slice copy;
    cst_status status;

    if (!slice || !allocator)
        return CST_E_INVALID_ARG;
    if (!slice->block || slice->block->cap - slice->len <= max_waste)
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
    if (!slice)
        return CST_E_INVALID_ARG;
    if (!slice->block)
        return CST_OK;
#ifdef __STDC_NO_ATOMICS__
    return CST_E_UNSUPPORTED;
#else
    cst__block_share(slice->block);
    return CST_OK;
#endif
}

/* --- writing, then freezing ------------------------------------------------------------------- */

cst_status cst_buf_new(cst_buf *out, const cst_allocator *allocator, size_t cap)
{
    cst_block *block;

    if (!out || !allocator)
        return CST_E_INVALID_ARG;
    block = cst__block_new(allocator, cap);
    if (!block)
        return CST_E_NOMEM;
    *out = (cst_buf){ .data = cst__block_bytes(block), .cap = cap, .block = block };
    return CST_OK;
}

cst_slice cst_buf_freeze(cst_buf *buf, size_t len)
{
    cst_buf frozen;

    if (!buf)
        return cst_slice_empty();
    if (len == 0 || buf->cap == 0) {
        cst_buf_free(buf);
        return cst_slice_empty();
    }
    frozen = *buf;
    *buf = (cst_buf){ 0 };
    return cst__slice_at(frozen.data, cst__smaller(len, frozen.cap), frozen.block);
}

cst_status cst_buf_thaw(cst_buf *out, cst_slice *slice)
{
    cst_block *block;
    size_t from;

    if (!out || !slice)
        return CST_E_INVALID_ARG;
    block = slice->block;
    if (!block || block->foreign || cst__block_refs(block) != 1)
        return CST_EMPTY;
    from = (size_t)(slice->data - cst__block_bytes(block));
    *out = (cst_buf){ .data = cst__block_bytes(block) + from, .cap = slice->len, .block = block };
    *slice = cst_slice_empty();
    return CST_OK;
}

void cst_buf_free(cst_buf *buf)
{
    cst_block *block;

    if (!buf)
        return;
    block = buf->block;
    *buf = (cst_buf){ 0 };
    if (block)
        cst__block_unref(block);
}

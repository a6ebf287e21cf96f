/*
 * copies.c - see copies.h.
 */
#include "bytes/copies.h"

void cst__copies_fini(struct cst__copies *copies)
{
    if (copies->buf.block != NULL)
        cst__block_unref(copies->buf.block);
    copies->buf = (cst_buf){ .cap = 0 };
    copies->used = 0;
}

#ifndef CST_NO_CACHE

/* Whether there is a block with room now. */
static bool turn_over(struct cst__copies *copies)
{
    if (copies->buf.block != NULL && !copies->buf.block->shared &&
        cst__block_refs(copies->buf.block) == 1) {
        copies->used = 0;
        return true;
    }
    cst__copies_fini(copies);
    return cst__block_cache_buf(copies->cache, &copies->buf, CST__COPIES_BLOCK) == CST_OK;
}

cst_status cst__copy_slow(cst_slice *out, struct cst__copies *copies, const void *bytes, size_t len)
{
    if (len > CST__COPIES_LARGEST || len == 0 || !turn_over(copies))
        return cst_slice_copy(out, copies->allocator, bytes, len);
    return cst__copy(out, copies, bytes, len);
}

#else

cst_status cst__copy_slow(cst_slice *out, struct cst__copies *copies, const void *bytes, size_t len)
{
    return cst_slice_copy(out, copies->allocator, bytes, len);
}

#endif

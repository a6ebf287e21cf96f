/*
 * copies.c - copies.h: starting a block, and copies that are not made inline.
 */
#include "bytes/copies.h"

#include <string.h>

void cst__copies_fini(struct cst__copies *copies)
{
    if (copies->block)
        cst__block_unref_many(copies->block, copies->refs);
    copies->block = NULL;
    copies->left = copies->refs = 0;
}

#ifndef CST_NO_CACHE

/*
 * Start the block: all of it is free. References are held for as many copies as it has bytes, and
 * one more.
 */
static void start_block(struct cst__copies *copies)
{
    copies->next = cst__block_bytes(copies->block);
    copies->left = CST__COPIES_BLOCK;
    copies->refs = CST__COPIES_BLOCK + 1;
    cst__block_set_refs(copies->block, copies->refs);
}

static bool all_copies_have_gone(const struct cst__copies *copies)
{
    return copies->block && cst__block_refs(copies->block) == copies->refs;
}

/* Start the block again, or another one. Return false if there is no memory. */
static bool turn_over(struct cst__copies *copies)
{
    cst_buf buf;

    if (!all_copies_have_gone(copies)) {
        cst__copies_fini(copies);
        if (cst__block_cache_buf(copies->cache, &buf, CST__COPIES_BLOCK) < 0)
            return false;
        copies->block = buf.block;
    }
    start_block(copies);
    return true;
}

cst_status cst__copy(cst_slice *out, struct cst__copies *copies, const void *bytes, size_t len)
{
    if (len == 0 || len > CST__COPIES_LARGEST || (len > copies->left && !turn_over(copies)))
        return cst_slice_copy(out, copies->allocator, bytes, len);
    memcpy(copies->next, bytes, len);
    *out = cst__copies_claim(copies, len);
    return CST_OK;
}

#else

cst_status cst__copy(cst_slice *out, struct cst__copies *copies, const void *bytes, size_t len)
{
    return cst_slice_copy(out, copies->allocator, bytes, len);
}

#endif

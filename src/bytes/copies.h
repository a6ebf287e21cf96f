/*
 * copies.h - copies of a few bytes, side by side in one block.
 *
 * A block for each small copy would cost more than the copy. Here they lie one after another in a block that all of them
 * share, each a slice with a reference of its own:
 *
 *      [ header GET / ... | 64 bytes | 64 bytes | . . . . . ]
 *                                               ^ used
 *
 * When the block is full the next copies go into another one from the cache of blocks; where none of its copies is left by
 * then, into the same one again. So a stream of small writes allocates nothing, and what a small copy that is kept for
 * long pins is one such block.
 *
 * Built with -DCST_NO_CACHE each copy has a block of its own, so that a memory checker sees where it ends.
 */
#ifndef CST_BYTES_COPIES_H
#define CST_BYTES_COPIES_H

#include <string.h>

#include "bytes/block.h"
#include "bytes/block_cache.h"

#define CST__COPIES_BLOCK ((size_t)16 * 1024)
#define CST__COPIES_LARGEST ((size_t)1024)

struct cst__copies {
    struct cst__block_cache *cache;
    const cst_allocator *allocator;
    cst_buf buf; /* holds one reference; cap is 0 where there is none */
    size_t used;
};

/* Lets go of the block; the copies stay. */
void cst__copies_fini(struct cst__copies *copies);

/* The slow half of cst__copy: not to be called otherwise. */
cst_status cst__copy_slow(cst_slice *out, struct cst__copies *copies, const void *bytes,
                          size_t len);

static inline bool cst__copies_have_room(const struct cst__copies *copies, size_t len)
{
    return len != 0 && len <= CST__COPIES_LARGEST && len <= copies->buf.cap - copies->used;
}

/* A copy where there is room. */
static inline cst_slice cst__copy_here(struct cst__copies *copies, const void *bytes, size_t len)
{
    uint8_t *to = copies->buf.data + copies->used;

    memcpy(to, bytes, len);
    copies->used += len;
    cst__block_ref(copies->buf.block);
    return (cst_slice){ .data = to, .len = len, .block = copies->buf.block };
}

/* A copy of len bytes. CST_OK, or CST_E_NOMEM and *out is untouched. */
static inline cst_status cst__copy(cst_slice *out, struct cst__copies *copies, const void *bytes,
                                   size_t len)
{
    if (!cst__copies_have_room(copies, len))
        return cst__copy_slow(out, copies, bytes, len);
    *out = cst__copy_here(copies, bytes, len);
    return CST_OK;
}

#endif

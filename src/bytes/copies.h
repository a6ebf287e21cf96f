/*
 * copies.h - copies of a few bytes, side by side in one block.
 *
 * A block for each small copy would cost more than the copy. Here the copies lie one after another
 * in a block that all of them share, each a slice with a reference of its own:
 *
 *      [ header GET / ... | 64 bytes | 64 bytes | . . . . . ]
 *                                               ^ used
 *
 * When the block is full, the next copies go into the same block again if none of its copies is
 * left, else into another one from the cache of blocks. So a stream of small writes allocates
 * nothing. A small copy that is kept for long pins one such block.
 *
 * Built with -DCST_NO_CACHE each copy has a block of its own, so that a memory checker sees where
 * it ends.
 */
#ifndef CSTREAM_COPIES_H
#define CSTREAM_COPIES_H

#include "bytes/block.h"
#include "bytes/word.h"

#define CST__COPIES_BLOCK ((size_t)16 * 1024)
#define CST__COPIES_LARGEST ((size_t)1024)

/*
 * When a block is started, references for all the copies that it can hold are taken at once. So a
 * copy gets its reference without a change of the count.
 */
struct cst__copies {
    struct cst__block_cache *cache;
    const cst_allocator *allocator;
    cst_block *block; /* NULL: there is none */
    size_t left;      /* bytes that are free in it */
    uint8_t *next;    /* the first of them */
    size_t refs;      /* references that no copy was given; with a block always one or more */
};

/* Drop the block; the copies stay. */
void cst__copies_fini(struct cst__copies *copies);

/* Copy len bytes. CST_OK, or CST_E_NOMEM and *out is untouched. */
cst_status cst__copy(cst_slice *out, struct cst__copies *copies, const void *bytes, size_t len);

/* Return whether len bytes are few enough for cst__copy_few, and there is room for them. */
static inline bool cst__copies_have_room(const struct cst__copies *copies, size_t len)
{
    return len - 1 < CST__WORD_COPY_MOST && len <= copies->left;
}

/* Return the next len bytes, for which there is room, as a slice. They are still to be written. */
static inline cst_slice cst__copies_claim(struct cst__copies *copies, size_t len)
{
    cst_slice claimed = { .data = copies->next, .len = len, .block = copies->block };

    copies->left -= len;
    copies->next += len;
    copies->refs--;
    return claimed;
}

/*
 * Copy len bytes, for which cst__copies_have_room.
 *
 * The bytes are written last: as far as the compiler knows they may overwrite any field, so it
 * would have to load again what it had loaded.
 */
static inline cst_slice cst__copy_few(struct cst__copies *copies, const void *bytes, size_t len)
{
    uint8_t *to = copies->next;
    cst_slice copy = cst__copies_claim(copies, len);

    cst__word_copy(to, bytes, len);
    return copy;
}

#endif

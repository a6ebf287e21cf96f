/*
 * chain.h - a queue of slices that knows its byte count.
 *
 * Chunks go in at either end and come out at the front, whole or cut to a number of bytes; no byte is ever copied. The
 * slices lie side by side in one array, so the whole chain can be handed to a vectored write.
 *
 *   items: [ . . | "The quick" | " brown" | " fox" | . . . ]      bytes: 19, count: 3
 *                ^ front                            ^ room for more
 *
 * The caller holds the struct: init, then fini. Node has no such type; the nearest is the list given to writev.
 */
#ifndef CSTREAM_CHAIN_H
#define CSTREAM_CHAIN_H

#include "slice.h"

/** The array of a chain, and what of it is in use. */
struct cst_chain_row {
    cst_slice *items;
    uint32_t head, count, cap;
    uint32_t spare; /* for whoever holds the row */
};

/** Storage of the caller's. The fields are the library's own: use the functions. */
typedef struct cst_chain {
    const cst_allocator *allocator;
    struct cst_chain_row row;
    size_t bytes;
} cst_chain;

/** An empty chain; allocates nothing. */
CST_API void cst_chain_init(cst_chain *chain, const cst_allocator *allocator);

/** Lets go of every chunk and of the array. The chain is then as after init. NULL is fine. */
CST_API void cst_chain_fini(cst_chain *chain);

/** Adds a chunk at the end, or at the front. Taken on every path.
 * CST_OK, CST_E_NOMEM (the chain is as it was), CST_E_OUT_OF_RANGE (the byte count would not fit a size_t),
 * CST_E_INVALID_ARG (chain is NULL or was not initialised). */
CST_API cst_status cst_chain_append(cst_chain *chain, cst_slice chunk);
CST_API cst_status cst_chain_prepend(cst_chain *chain, cst_slice chunk);

/** Takes the first chunk out. CST_OK, or CST_EMPTY and *out is untouched. */
CST_API cst_status cst_chain_pop(cst_slice *out, cst_chain *chain);

/** Drops the first n bytes, at most all. Empty chunks before or at the cut go too. */
CST_API void cst_chain_consume(cst_chain *chain, size_t n);

/** Copies up to n bytes from the front to where the caller says, without taking them out; gives how many. */
CST_API size_t cst_chain_peek(const cst_chain *chain, void *to, size_t n);

/**
 * Takes exactly n bytes out of the front as one slice: a whole chunk or a part of the first without a copy, else joined
 * in a new block from the chain's allocator. Empty chunks before or at the cut go too.
 *
 * CST_OK              *out is the caller's
 * CST_E_NOMEM         nothing has changed
 * CST_E_OUT_OF_RANGE  the chain holds fewer than n bytes
 */
CST_API cst_status cst_chain_read(cst_slice *out, cst_chain *chain, size_t n);

/** Bytes, and chunks, in the chain. */
CST_API size_t cst_chain_bytes(const cst_chain *chain);
CST_API size_t cst_chain_count(const cst_chain *chain);

/** The chunks, side by side; borrowed, valid until the chain next changes. NULL where there is none. */
CST_API const cst_slice *cst_chain_slices(const cst_chain *chain);

#endif

/*
 * chain_internal.h - a chain's hot paths, and what the public calls leave out.
 *
 * Invariants: head + count <= cap; head is 0 where count is 0, save between a
 * cst__chain_reserve_front and its unshift; bytes is the sum of the items' lengths.
 */
#ifndef CST_BYTES_CHAIN_INTERNAL_H
#define CST_BYTES_CHAIN_INTERNAL_H

#include <assert.h>

#include <cstream/chain.h>

#define CST__CHAIN_FIRST_CAP 4u

/*
 * Room for one more item at the end, or at the front. Amortised over pushes and shifts both are
 * O(1).
 *
 * CST_OK             there is room
 * CST_E_NOMEM        no memory, or too many items to count: the chain is as it was
 * CST_E_INVALID_ARG  the chain has no allocator
 */
cst_status cst__chain_reserve(cst_chain *chain);
cst_status cst__chain_reserve_front(cst_chain *chain);

/*
 * cst_chain_read where the joined block comes from `blocks`. A stream's chain draws its array from
 * the context's pool, which no slice may do: slices outlive the context.
 */
cst_status cst__chain_read_from(cst_slice *out, cst_chain *chain, size_t n,
                                const cst_allocator *blocks);

/* Whether the invariants hold; recounted, so O(count). For tests and asserts. */
bool cst__chain_is_valid(const cst_chain *chain);

/* Whether cst__chain_reserve would have nothing to do. The sum is at most cap. */
static inline bool cst__chain_has_room(const cst_chain *chain)
{
    return chain->head + chain->count < chain->cap;
}

/* Moves *slice in at the end. There is room, and the byte count fits. */
static inline void cst__chain_push_reserved(cst_chain *chain, const cst_slice *slice)
{
    assert(cst__chain_has_room(chain));
    assert(slice->len <= SIZE_MAX - chain->bytes);
    chain->items[chain->head + chain->count] = *slice;
    chain->count++;
    chain->bytes += slice->len;
}

/* Moves *slice in at the front, after cst__chain_reserve_front; the byte count fits. */
static inline void cst__chain_unshift_reserved(cst_chain *chain, const cst_slice *slice)
{
    assert(chain->head > 0);
    assert(slice->len <= SIZE_MAX - chain->bytes);
    chain->head--;
    chain->items[chain->head] = *slice;
    chain->count++;
    chain->bytes += slice->len;
}

/* The first item; the chain has one. */
static inline cst_slice *cst__chain_front(const cst_chain *chain)
{
    assert(chain->count > 0);
    return &chain->items[chain->head];
}

/* Moves the first item out; the chain has one. */
static inline cst_slice cst__chain_shift(cst_chain *chain)
{
    cst_slice first = *cst__chain_front(chain);

    chain->bytes -= first.len;
    chain->count--;
    chain->head = chain->count > 0 ? chain->head + 1 : 0;
    return first;
}

#endif

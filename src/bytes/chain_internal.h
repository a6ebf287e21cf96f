/*
 * chain_internal.h - a chain's row, and what the public calls leave out.
 *
 * A row is the array of a chain without its allocator and its sum of bytes, for callers that keep
 * both elsewhere. Invariants: head + count <= cap; head is 0 if count is 0, except between
 * cst__row_reserve_front and the unshift that follows.
 */
#ifndef CSTREAM_CHAIN_INTERNAL_H
#define CSTREAM_CHAIN_INTERNAL_H

#include "base/base.h"
#include "cstream/chain.h"

#define CST__ROW_FIRST_CAP 4u

/*
 * Have room for one more item at the end, or at the front. Amortised over pushes and shifts both
 * are O(1).
 *
 * CST_OK             there is room
 * CST_E_NOMEM        no memory, or too many items to count: the row is as it was
 * CST_E_INVALID_ARG  there is no allocator
 */
cst_status cst__row_reserve_slow(cst_chain_row *row, const cst_allocator *allocator);
cst_status cst__row_reserve_front(cst_chain_row *row, const cst_allocator *allocator);

/*
 * Drop every item and keep the array. Nobody else can see the row, so a release callback may do
 * what it likes.
 */
void cst__row_drop_all(cst_chain_row *row);

/* Drop every item and free the array; the row is empty then. */
void cst__row_fini(cst_chain_row *row, const cst_allocator *allocator);

/*
 * Take the first n bytes as one slice, as cst_chain_read does; the row has that many. A copy is
 * made with `blocks`. *bytes is what the row holds, and is right before each release callback.
 */
cst_status cst__row_read(cst_slice *out, cst_chain_row *row, size_t *bytes, size_t n,
                         const cst_allocator *blocks);

/* Return whether the invariants hold, counted anew in O(count). For tests and asserts. */
bool cst__row_is_valid(const cst_chain_row *row);
bool cst__chain_is_valid(const cst_chain *chain);

/* Return how many more items there is room for at the end. */
static inline uint32_t cst__row_room(const cst_chain_row *row)
{
    return row->cap - row->head - row->count;
}

static inline bool cst__row_has_room(const cst_chain_row *row)
{
    return row->head + row->count < row->cap;
}

static inline cst_status cst__row_reserve(cst_chain_row *row, const cst_allocator *allocator)
{
    return cst__row_has_room(row) ? CST_OK : cst__row_reserve_slow(row, allocator);
}

/* Return the place behind the last item; the array may end there. */
static inline cst_slice *cst__row_tail(const cst_chain_row *row)
{
    return row->items + (row->head + row->count);
}

/* Return where the next item will be; there is room. */
static inline cst_slice *cst__row_end(const cst_chain_row *row)
{
    CST__ASSERT(cst__row_has_room(row));
    return cst__row_tail(row);
}

/* Move *slice in at the end; there is room. */
static inline void cst__row_push(cst_chain_row *row, const cst_slice *slice)
{
    CST__ASSERT(cst__row_has_room(row));
    *cst__row_end(row) = *slice;
    row->count++;
}

/* Replace array and items by those of *other. `spare` stays: it is a count of the row's owner. */
static inline void cst__row_replace(cst_chain_row *row, const cst_chain_row *other)
{
    uint32_t spare = row->spare;

    *row = *other;
    row->spare = spare;
}

/* Move *slice in at the front, after cst__row_reserve_front. */
static inline void cst__row_unshift(cst_chain_row *row, const cst_slice *slice)
{
    CST__ASSERT(row->head > 0);
    row->head--;
    row->items[row->head] = *slice;
    row->count++;
}

/* Return the first item; there is one. */
static inline cst_slice *cst__row_front(const cst_chain_row *row)
{
    CST__ASSERT(row->count > 0);
    return &row->items[row->head];
}

/* Take the first count items out, which have been moved elsewhere; there are that many. */
static inline void cst__row_skip(cst_chain_row *row, uint32_t count)
{
    CST__ASSERT(row->count >= count);
    row->count -= count;
    row->head = row->count > 0 ? row->head + count : 0;
}

/* Move the first item out and return it; there is one. */
static inline cst_slice cst__row_shift(cst_chain_row *row)
{
    cst_slice first = *cst__row_front(row);

    cst__row_skip(row, 1);
    return first;
}

#endif

/*
 * chain.c - a queue of slices in one array.
 *
 * The items move only when one end has no room: to the other end while half of the array is free,
 * else into an array of twice the size. Either way about as many pushes or shifts have gone before
 * as items are moved.
 */
#include <cstream/chain.h>

#include <string.h>

#include "bytes/block.h"
#include "bytes/chain_internal.h"

void cst_chain_init(cst_chain *chain, const cst_allocator *allocator)
{
    if (chain != NULL)
        *chain = (cst_chain){ .allocator = allocator };
}

static void free_array(cst_chain *chain)
{
    if (chain->items != NULL)
        chain->allocator->free(chain->allocator->user, chain->items,
                               (size_t)chain->cap * sizeof *chain->items);
}

static void drop_first(cst_chain *chain)
{
    /* Out of the chain before it goes: a release callback finds the chain whole. */
    cst_slice first = cst__chain_shift(chain);

    cst__slice_unref(&first);
}

void cst_chain_fini(cst_chain *chain)
{
    if (chain == NULL)
        return;
    while (chain->count > 0)
        drop_first(chain);
    free_array(chain);
    cst_chain_init(chain, chain->allocator);
}

static cst_status refuse(cst_slice *chunk, cst_status status)
{
    cst__slice_unref(chunk);
    return status;
}

cst_status cst_chain_append(cst_chain *chain, cst_slice chunk)
{
    cst_status status;

    if (chain == NULL)
        return refuse(&chunk, CST_E_INVALID_ARG);
    if (chunk.len > SIZE_MAX - chain->bytes)
        return refuse(&chunk, CST_E_OUT_OF_RANGE);
    status = cst__chain_reserve(chain);
    if (status < 0)
        return refuse(&chunk, status);
    cst__chain_push_reserved(chain, &chunk);
    return CST_OK;
}

cst_status cst_chain_prepend(cst_chain *chain, cst_slice chunk)
{
    cst_status status;

    if (chain == NULL)
        return refuse(&chunk, CST_E_INVALID_ARG);
    if (chunk.len > SIZE_MAX - chain->bytes)
        return refuse(&chunk, CST_E_OUT_OF_RANGE);
    status = cst__chain_reserve_front(chain);
    if (status < 0)
        return refuse(&chunk, status);
    cst__chain_unshift_reserved(chain, &chunk);
    return CST_OK;
}

cst_status cst_chain_pop(cst_slice *out, cst_chain *chain)
{
    if (out == NULL || chain == NULL)
        return CST_E_INVALID_ARG;
    if (chain->count == 0)
        return CST_EMPTY;
    *out = cst__chain_shift(chain);
    return CST_OK;
}

/*
 * Afterwards the first chunk, if there is one, is not empty: chunks that end at the cut go, those
 * of no bytes included.
 */
void cst_chain_consume(cst_chain *chain, size_t n)
{
    if (chain == NULL)
        return;
    while (chain->count > 0 && cst__chain_front(chain)->len <= n) {
        n -= cst__chain_front(chain)->len;
        drop_first(chain);
    }
    if (chain->count > 0 && n > 0) {
        cst__chain_front(chain)->data += n;
        cst__chain_front(chain)->len -= n;
        chain->bytes -= n;
    }
}

size_t cst_chain_peek(const cst_chain *chain, void *to, size_t n)
{
    const cst_slice *items = cst_chain_slices(chain);
    uint8_t *end = to;
    size_t left = n;

    if (items == NULL || to == NULL)
        return 0;
    for (size_t i = 0; i < chain->count && left > 0; i++) {
        size_t part = items[i].len < left ? items[i].len : left;

        if (part > 0)
            memcpy(end, items[i].data, part);
        end += part;
        left -= part;
    }
    return n - left;
}

/* Puts the first n bytes into a new block, leaving the chain as it is. */
static cst_status join(cst_slice *out, const cst_chain *chain, size_t n,
                       const cst_allocator *blocks)
{
    cst_buf buf;
    cst_status status = cst_buf_new(&buf, blocks, n);

    if (status < 0)
        return status;
    cst_chain_peek(chain, buf.data, n);
    *out = cst_buf_freeze(&buf, n);
    return CST_OK;
}

/* The first chunk that has bytes; the chain has one. */
static const cst_slice *first_with_bytes(const cst_chain *chain)
{
    const cst_slice *item = cst__chain_front(chain);

    while (item->len == 0)
        item++;
    return item;
}

/* A new reference to the first n bytes, which stay in the chain. */
static cst_status take_or_join(cst_slice *out, const cst_chain *chain, size_t n,
                               const cst_allocator *blocks)
{
    const cst_slice *first = first_with_bytes(chain);

    if (n > first->len)
        return join(out, chain, n, blocks);
    *out = cst_slice_sub(first, 0, n);
    return CST_OK;
}

cst_status cst__chain_read_from(cst_slice *out, cst_chain *chain, size_t n,
                                const cst_allocator *blocks)
{
    cst_slice taken = { 0 };
    cst_status status = CST_OK;

    if (n > chain->bytes)
        return CST_E_OUT_OF_RANGE;
    if (n > 0)
        status = take_or_join(&taken, chain, n, blocks);
    if (status < 0)
        return status;
    cst_chain_consume(chain, n);
    *out = taken;
    return CST_OK;
}

cst_status cst_chain_read(cst_slice *out, cst_chain *chain, size_t n)
{
    if (out == NULL || chain == NULL)
        return CST_E_INVALID_ARG;
    return cst__chain_read_from(out, chain, n, chain->allocator);
}

size_t cst_chain_bytes(const cst_chain *chain)
{
    return chain != NULL ? chain->bytes : 0;
}

size_t cst_chain_count(const cst_chain *chain)
{
    return chain != NULL ? chain->count : 0;
}

const cst_slice *cst_chain_slices(const cst_chain *chain)
{
    return chain != NULL && chain->count > 0 ? cst__chain_front(chain) : NULL;
}

/* --- room ------------------------------------------------------------------------------------- */

static void move_items(cst_chain *chain, uint32_t head)
{
    memmove(&chain->items[head], &chain->items[chain->head], chain->count * sizeof *chain->items);
    chain->head = head;
}

/* What the counters can count and a size_t can measure. */
#define MOST_BY_SIZE (SIZE_MAX / sizeof(cst_slice))
#define MOST_ITEMS (MOST_BY_SIZE < UINT32_MAX ? (uint32_t)MOST_BY_SIZE : UINT32_MAX)

/* The next capacity, or 0 where there is none. */
static uint32_t doubled_cap(const cst_chain *chain)
{
    if (chain->cap == 0)
        return CST__CHAIN_FIRST_CAP;
    return chain->cap <= MOST_ITEMS / 2 ? chain->cap * 2 : 0;
}

/* Where the items begin in the middle of an array of cap: at 1 or more, if it has room. */
static uint32_t middle(const cst_chain *chain, uint32_t cap)
{
    return (cap - chain->count + 1) / 2;
}

/* An array of twice the size, with the items in its middle or at its beginning. */
static cst_status grow(cst_chain *chain, bool in_the_middle)
{
    uint32_t cap = doubled_cap(chain);
    uint32_t head;
    cst_slice *items;

    if (chain->allocator == NULL)
        return CST_E_INVALID_ARG;
    if (cap == 0)
        return CST_E_NOMEM;
    items = chain->allocator->alloc(chain->allocator->user, cap * sizeof *items);
    if (items == NULL)
        return CST_E_NOMEM;
    head = in_the_middle ? middle(chain, cap) : 0;
    if (chain->count > 0)
        memcpy(&items[head], cst__chain_front(chain), chain->count * sizeof *items);
    free_array(chain);
    chain->items = items;
    chain->cap = cap;
    chain->head = head;
    return CST_OK;
}

cst_status cst__chain_reserve(cst_chain *chain)
{
    if (cst__chain_has_room(chain))
        return CST_OK;
    if (chain->head == 0 || chain->head < chain->cap / 2)
        return grow(chain, false);
    move_items(chain, 0);
    return CST_OK;
}

/* To the middle and not to the end, so that a push at either end finds room next. */
cst_status cst__chain_reserve_front(cst_chain *chain)
{
    if (chain->head > 0)
        return CST_OK;
    if (chain->cap == 0 || chain->count > chain->cap / 2)
        return grow(chain, true);
    move_items(chain, middle(chain, chain->cap));
    return CST_OK;
}

bool cst__chain_is_valid(const cst_chain *chain)
{
    size_t bytes = 0;

    if (chain->head > chain->cap || chain->count > chain->cap - chain->head)
        return false;
    if ((chain->items == NULL) != (chain->cap == 0))
        return false;
    if (chain->count == 0)
        return chain->head == 0 && chain->bytes == 0;
    for (uint32_t i = 0; i < chain->count; i++)
        bytes += chain->items[chain->head + i].len;
    return bytes == chain->bytes;
}

/*
 * chain.c - a queue of slices in one array.
 *
 * The items move only if there is no room at one end: within the array while half of it is free,
 * else into an array of twice the size. Either way about as many items are moved as were pushed or
 * shifted since the last move.
 */
#include "cstream/chain.h"

#include <string.h>

#include "bytes/block.h"
#include "bytes/chain_internal.h"

/* A chain of at most so many items is checked whole after each call. */
enum { CHECKED_ITEMS = 64 };

/* With CST_CHECK; the bytes of a long chain are not summed each time. */
static void check_chain(const cst_chain *chain)
{
    CST__ASSERT(chain->row.count > CHECKED_ITEMS ? cst__row_is_valid(&chain->row)
                                                 : cst__chain_is_valid(chain));
    (void)chain;
}

void cst_chain_init(cst_chain *chain, const cst_allocator *allocator)
{
    if (chain)
        *chain = (cst_chain){ .allocator = allocator };
}

static void consume(cst_chain_row *row, size_t *bytes, size_t n);

static cst_status refuse(cst_slice *chunk, cst_status status)
{
    cst__slice_unref(chunk);
    return status;
}

void cst_chain_fini(cst_chain *chain)
{
    if (!chain)
        return;
    while (chain->row.count > 0)
        consume(&chain->row, &chain->bytes, SIZE_MAX);
    cst__row_fini(&chain->row, chain->allocator);
}

cst_status cst_chain_append(cst_chain *chain, cst_slice chunk)
{
    cst_status status;

    if (!chain)
        return refuse(&chunk, CST_E_INVALID_ARG);
    if (chunk.len > SIZE_MAX - chain->bytes)
        return refuse(&chunk, CST_E_OUT_OF_RANGE);
    status = cst__row_reserve(&chain->row, chain->allocator);
    if (status < 0)
        return refuse(&chunk, status);
    cst__row_push(&chain->row, &chunk);
    chain->bytes += chunk.len;
    check_chain(chain);
    return CST_OK;
}

cst_status cst_chain_prepend(cst_chain *chain, cst_slice chunk)
{
    cst_status status;

    if (!chain)
        return refuse(&chunk, CST_E_INVALID_ARG);
    if (chunk.len > SIZE_MAX - chain->bytes)
        return refuse(&chunk, CST_E_OUT_OF_RANGE);
    status = cst__row_reserve_front(&chain->row, chain->allocator);
    if (status < 0)
        return refuse(&chunk, status);
    cst__row_unshift(&chain->row, &chunk);
    chain->bytes += chunk.len;
    check_chain(chain);
    return CST_OK;
}

cst_status cst_chain_pop(cst_slice *out, cst_chain *chain)
{
    if (!out || !chain)
        return CST_E_INVALID_ARG;
    if (chain->row.count == 0)
        return CST_EMPTY;
    *out = cst__row_shift(&chain->row);
    chain->bytes -= out->len;
    check_chain(chain);
    return CST_OK;
}

void cst_chain_consume(cst_chain *chain, size_t n)
{
    if (!chain)
        return;
    consume(&chain->row, &chain->bytes, n);
}

/* Copy up to n bytes of count items; return how many. */
static size_t gather(const cst_slice *items, uint32_t count, void *to, size_t n)
{
    uint8_t *end = to;
    size_t left = n;

    for (uint32_t i = 0; i < count && left > 0; i++) {
        size_t part = items[i].len < left ? items[i].len : left;

        if (part > 0)
            memcpy(end, items[i].data, part);
        end += part;
        left -= part;
    }
    return n - left;
}

size_t cst_chain_copy(void *to, const cst_chain *chain, size_t n)
{
    const cst_slice *items = cst_chain_slices(chain);

    return items && to ? gather(items, chain->row.count, to, n) : 0;
}

cst_status cst_chain_read(cst_slice *out, cst_chain *chain, size_t n)
{
    if (!out || !chain)
        return CST_E_INVALID_ARG;
    if (n > chain->bytes)
        return CST_E_OUT_OF_RANGE;
    return cst__row_read(out, &chain->row, &chain->bytes, n, chain->allocator);
}

size_t cst_chain_bytes(const cst_chain *chain)
{
    return chain ? chain->bytes : 0;
}

size_t cst_chain_count(const cst_chain *chain)
{
    return chain ? chain->row.count : 0;
}

const cst_slice *cst_chain_slices(const cst_chain *chain)
{
    return chain && chain->row.count > 0 ? cst__row_front(&chain->row) : NULL;
}

bool cst__chain_is_valid(const cst_chain *chain)
{
    size_t bytes = 0;

    if (!cst__row_is_valid(&chain->row))
        return false;
    for (uint32_t i = 0; i < chain->row.count; i++)
        bytes += chain->row.items[chain->row.head + i].len;
    return bytes == chain->bytes;
}

/* --- the row ---------------------------------------------------------------------------------- */

static void free_array(cst_chain_row *row, const cst_allocator *allocator)
{
    if (row->items)
        allocator->free(allocator->user, row->items, (size_t)row->cap * sizeof(*row->items));
}

static void drop_first(cst_chain_row *row)
{
    /* Taken out of the row first: a release callback finds the row whole. */
    cst_slice first = cst__row_shift(row);

    cst__slice_unref(&first);
}

/* Neighbours that share a block drop their references in one step. */
void cst__row_drop_all(cst_chain_row *row)
{
    const cst_slice *item, *end;

    if (!row->items)
        return;
    item = row->items + row->head;
    end = item + row->count;
    row->count = row->head = 0;
    while (item != end) {
        const cst_slice *first = item;
        cst_block *block = first->block;

        do
            item++;
        while (item != end && item->block == block);
        if (block)
            cst__block_unref_many(block, (size_t)(item - first));
    }
}

void cst__row_fini(cst_chain_row *row, const cst_allocator *allocator)
{
    while (row->count > 0)
        drop_first(row);
    free_array(row, allocator);
    row->items = NULL;
    row->cap = 0;
}

/*
 * Foreign blocks of which this is the last reference: a list by next_free, which only a block in a
 * cache uses otherwise.
 */
struct gone {
    cst_block *first, **end;
};

/*
 * Drop a reference at once, unless that would call the user: then put the block into the list. The
 * release callback of a block that is shared between threads may not use the row, so it may be
 * called at once.
 */
static void drop_block(struct gone *gone, cst_block *block)
{
    if (!block->foreign || cst__block_refs(block) != 1) {
        cst__block_unref(block);
        return;
    }
    block->next_free = NULL;
    *gone->end = block;
    gone->end = &block->next_free;
}

static void release_gone(cst_block *block)
{
    while (block) {
        cst_block *next = block->next_free;

        cst__block_unref(block);
        block = next;
    }
}

/*
 * Drop the first n bytes, and the empty items that come next: afterwards the first item, if there
 * is one, has bytes. Release callbacks are called last, since they may read on.
 */
static void consume(cst_chain_row *row, size_t *bytes, size_t n)
{
    struct gone gone = { NULL, &gone.first };

    while (row->count > 0 && cst__row_front(row)->len <= n) {
        cst_slice first = cst__row_shift(row);

        n -= first.len;
        *bytes -= first.len;
        if (first.block)
            drop_block(&gone, first.block);
    }
    if (row->count > 0 && n > 0) {
        cst__row_front(row)->data += n;
        cst__row_front(row)->len -= n;
        *bytes -= n;
    }
    release_gone(gone.first);
}

/* Copy the first n bytes into a new block. The row stays as it is. */
static cst_status join_items(cst_slice *out, const cst_chain_row *row, size_t n,
                             const cst_allocator *blocks)
{
    cst_buf buf;
    cst_status status = cst_buf_new(&buf, blocks, n);

    if (status < 0)
        return status;
    gather(cst__row_front(row), row->count, buf.data, n);
    *out = cst_buf_freeze(&buf, n);
    return CST_OK;
}

/* Return the first item that has bytes; there is one. */
static const cst_slice *first_item_with_bytes(const cst_chain_row *row)
{
    const cst_slice *item = cst__row_front(row);

    while (item->len == 0)
        item++;
    return item;
}

/* Get the first n bytes: a new reference if one item has them all, else a copy. The row stays. */
static cst_status take_or_join(cst_slice *out, const cst_chain_row *row, size_t n,
                               const cst_allocator *blocks)
{
    const cst_slice *first = first_item_with_bytes(row);

    if (n > first->len)
        return join_items(out, row, n, blocks);
    *out = cst_slice_sub(first, 0, n);
    return CST_OK;
}

cst_status cst__row_read(cst_slice *out, cst_chain_row *row, size_t *bytes, size_t n,
                         const cst_allocator *blocks)
{
    cst_slice taken = { 0 };
    cst_status status = CST_OK;

    if (n > 0)
        status = take_or_join(&taken, row, n, blocks);
    if (status < 0)
        return status;
    consume(row, bytes, n);
    *out = taken;
    return CST_OK;
}

static void move_items(cst_chain_row *row, uint32_t head)
{
    memmove(&row->items[head], &row->items[row->head], row->count * sizeof(*row->items));
    row->head = head;
}

/* As many items as the counters can count and a size_t can measure. */
#define MOST_BY_SIZE (SIZE_MAX / sizeof(cst_slice))
#define MOST_ITEMS (MOST_BY_SIZE < UINT32_MAX ? (uint32_t)MOST_BY_SIZE : UINT32_MAX)

/* Return the next capacity, or 0 if there is none. */
static uint32_t doubled_cap(const cst_chain_row *row)
{
    if (row->cap == 0)
        return CST__ROW_FIRST_CAP;
    return row->cap <= MOST_ITEMS / 2 ? row->cap * 2 : 0;
}

/*
 * Return where the items begin if they lie in the middle of cap places: at 1 or more, if there is
 * room.
 */
static uint32_t middle(const cst_chain_row *row, uint32_t cap)
{
    return (cap - row->count + 1) / 2;
}

/* Have an array of twice the size, with the items in its middle or at its beginning. */
static cst_status row_grow(cst_chain_row *row, const cst_allocator *allocator, bool in_the_middle)
{
    uint32_t cap = doubled_cap(row);
    uint32_t head;
    cst_slice *items;

    if (!allocator)
        return CST_E_INVALID_ARG;
    if (cap == 0)
        return CST_E_NOMEM;
    items = allocator->alloc(allocator->user, cap * sizeof(*items));
    if (!items)
        return CST_E_NOMEM;
    head = in_the_middle ? middle(row, cap) : 0;
    if (row->count > 0)
        memcpy(&items[head], cst__row_front(row), row->count * sizeof(*items));
    free_array(row, allocator);
    row->items = items;
    row->cap = cap;
    row->head = head;
    return CST_OK;
}

cst_status cst__row_reserve_slow(cst_chain_row *row, const cst_allocator *allocator)
{
    if (row->head + row->count < row->cap)
        return CST_OK;
    if (row->head == 0 || row->head < row->cap / 2)
        return row_grow(row, allocator, false);
    move_items(row, 0);
    return CST_OK;
}

/* The items go to the middle and not to the end, so that the next push at either end finds room. */
cst_status cst__row_reserve_front(cst_chain_row *row, const cst_allocator *allocator)
{
    if (row->head > 0)
        return CST_OK;
    if (row->cap == 0 || row->count > row->cap / 2)
        return row_grow(row, allocator, true);
    move_items(row, middle(row, row->cap));
    return CST_OK;
}

bool cst__row_is_valid(const cst_chain_row *row)
{
    if (row->head > row->cap || row->count > row->cap - row->head)
        return false;
    if ((row->items == NULL) != (row->cap == 0))
        return false;
    return row->count > 0 || row->head == 0;
}

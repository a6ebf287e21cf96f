/*
 * bytes.c - comparing, copying, filling and swapping; slices with Node's rules for indices.
 */
#include "cstream/buffer.h"

#include <string.h>

#include "base/base.h"
#include "bytes/block.h"
#include "bytes/word.h"

/* --- comparing -------------------------------------------------------------------------------- */

int cst_bytes_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
    size_t common = cst__smaller(a_len, b_len);
    int order = common > 0 ? memcmp(a, b, common) : 0;

    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a_len > b_len) - (a_len < b_len);
}

bool cst_bytes_equals(const void *a, size_t a_len, const void *b, size_t b_len)
{
    /* memcmp does not take NULL, which is allowed for no bytes. */
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* --- copying ---------------------------------------------------------------------------------- */

cst_status cst_bytes_copy(size_t *copied, const void *src, size_t src_len, void *dst,
                          size_t dst_len, ptrdiff_t at, ptrdiff_t from, ptrdiff_t to)
{
    size_t count = 0;

    if (at < 0 || from < 0 || to < 0 || (size_t)from > src_len)
        return CST_E_OUT_OF_RANGE;
    if (to > from && (size_t)at < dst_len)
        count =
            cst__smaller(cst__smaller((size_t)to, src_len) - (size_t)from, dst_len - (size_t)at);
    if (count > 0)
        memmove((uint8_t *)dst + at, (const uint8_t *)src + from, count);
    if (copied)
        *copied = count;
    return CST_OK;
}

/* --- filling ---------------------------------------------------------------------------------- */

/*
 * Memory that was just written can be read from the cache. So the first bytes are copied from the
 * pattern, and then blocks from what is filled already.
 */
#define FILL_FIRST ((size_t)256)
#define FILL_BLOCK ((size_t)8192)

/*
 * One load and one store. A pattern that is shorter is repeated, so that a step may begin at any
 * byte.
 */
#define FILL_STEP ((size_t)16)

static void fill_in_steps(uint8_t *to, size_t len, const uint8_t *pattern, size_t pattern_len)
{
    uint8_t tile[2 * FILL_STEP];
    size_t turn = FILL_STEP % pattern_len;
    size_t phase = 0;

    for (size_t i = 0, k = 0; i < FILL_STEP + pattern_len - 1; i++, k++) {
        if (k == pattern_len)
            k = 0;
        tile[i] = pattern[k];
    }
    for (; len >= FILL_STEP; to += FILL_STEP, len -= FILL_STEP) {
        memcpy(to, tile + phase, FILL_STEP);
        phase += turn;
        if (phase >= pattern_len)
            phase -= pattern_len;
    }
    memcpy(to, tile + phase, len);
}

static void fill_in_patterns(uint8_t *to, size_t len, const uint8_t *pattern, size_t pattern_len)
{
    for (; len > pattern_len; to += pattern_len, len -= pattern_len)
        memcpy(to, pattern, pattern_len);
    memcpy(to, pattern, len);
}

/*
 * Return how many bytes to fill first: whole patterns, and whole steps if possible, since a copy
 * over an odd distance is slow.
 */
static size_t first_part(size_t len, size_t pattern_len)
{
    size_t unit = pattern_len <= FILL_STEP ? pattern_len * FILL_STEP : pattern_len;

    if (len <= FILL_FIRST)
        return len;
    return unit <= FILL_FIRST ? FILL_FIRST / unit * unit : cst__smaller(len, unit);
}

/* Fill the beginning; return how many bytes. */
static size_t fill_first(uint8_t *to, size_t len, const uint8_t *pattern, size_t pattern_len)
{
    len = first_part(len, pattern_len);
    if (pattern_len <= FILL_STEP)
        fill_in_steps(to, len, pattern, pattern_len);
    else
        fill_in_patterns(to, len, pattern, pattern_len);
    return len;
}

cst_status cst_bytes_fill(void *bytes, size_t len, const void *pattern, size_t pattern_len)
{
    uint8_t *to = bytes;
    size_t filled, block;

    if (len == 0)
        return CST_OK;
    if (pattern_len == 0)
        return CST_E_INVALID_ARG;
    if (pattern_len == 1) {
        memset(to, *(const uint8_t *)pattern, len);
        return CST_OK;
    }
    filled = fill_first(to, len, pattern, pattern_len);
    while (filled < FILL_BLOCK && filled < len) {
        size_t more = cst__smaller(filled, len - filled);

        memcpy(to + filled, to, more);
        filled += more;
    }
    for (block = filled; filled < len; filled += cst__smaller(block, len - filled))
        memcpy(to + filled, to, cst__smaller(block, len - filled));
    return CST_OK;
}

/* --- byte order ------------------------------------------------------------------------------- */

#define PAIR ((size_t)2)
#define WORD ((size_t)8)
#define STRIP ((size_t)16)
#define SWAP_BLOCK (4 * STRIP)

#define LOW_BYTES UINT64_C(0x00FF00FF00FF00FF)

static inline unsigned pair_at(const uint8_t *from)
{
    uint16_t pair;

    memcpy(&pair, from, sizeof(pair));
    return pair;
}

static inline void put_swapped(uint8_t *to, unsigned pair)
{
    uint16_t swapped = (uint16_t)(pair << 8 | pair >> 8);

    memcpy(to, &swapped, sizeof(swapped));
}

/* Four strips side by side: in this form compilers handle each strip as one vector. */
static inline void swap_pairs_of_block(uint8_t *block)
{
    uint8_t *second = block + STRIP, *third = second + STRIP, *fourth = third + STRIP;

    for (size_t i = 0; i < STRIP; i += PAIR) {
        unsigned a = pair_at(block + i), b = pair_at(second + i);
        unsigned c = pair_at(third + i), d = pair_at(fourth + i);

        put_swapped(block + i, a);
        put_swapped(second + i, b);
        put_swapped(third + i, c);
        put_swapped(fourth + i, d);
    }
}

cst_status cst_bytes_swap16(void *bytes, size_t len)
{
    uint8_t *at = bytes;

    if (len % PAIR != 0)
        return CST_E_INVALID_BUFFER_SIZE;
    for (; len >= SWAP_BLOCK; at += SWAP_BLOCK, len -= SWAP_BLOCK)
        swap_pairs_of_block(at);
    for (; len >= WORD; at += WORD, len -= WORD) {
        uint64_t word = cst__word_load(at);

        cst__word_store(at, (word & LOW_BYTES) << 8 | (word >> 8 & LOW_BYTES));
    }
    for (; len > 0; at += PAIR, len -= PAIR)
        put_swapped(at, pair_at(at));
    return CST_OK;
}

/* Reversing a word also exchanges its two units; rotating it by half exchanges them back. */
static inline void swap_halves(uint8_t *at)
{
    uint64_t word = cst__word_reversed(cst__word_load(at));

    cst__word_store(at, word << 32 | word >> 32);
}

cst_status cst_bytes_swap32(void *bytes, size_t len)
{
    uint8_t *at = bytes;
    uint8_t last[WORD] = { 0 };

    if (len % (WORD / 2) != 0)
        return CST_E_INVALID_BUFFER_SIZE;
    for (; len >= 4 * WORD; at += 4 * WORD, len -= 4 * WORD) {
        swap_halves(at);
        swap_halves(at + WORD);
        swap_halves(at + 2 * WORD);
        swap_halves(at + 3 * WORD);
    }
    for (; len >= WORD; at += WORD, len -= WORD)
        swap_halves(at);
    if (len > 0) {
        memcpy(last, at, WORD / 2);
        swap_halves(last);
        memcpy(at, last, WORD / 2);
    }
    return CST_OK;
}

static inline void reverse_word(uint8_t *at)
{
    cst__word_store(at, cst__word_reversed(cst__word_load(at)));
}

cst_status cst_bytes_swap64(void *bytes, size_t len)
{
    uint8_t *at = bytes;

    if (len % WORD != 0)
        return CST_E_INVALID_BUFFER_SIZE;
    for (; len >= 4 * WORD; at += 4 * WORD, len -= 4 * WORD) {
        reverse_word(at);
        reverse_word(at + WORD);
        reverse_word(at + 2 * WORD);
        reverse_word(at + 3 * WORD);
    }
    for (; len > 0; at += WORD, len -= WORD)
        reverse_word(at);
    return CST_OK;
}

/* --- slices with Node's rules ----------------------------------------------------------------- */

static size_t clamp_index(ptrdiff_t index, size_t len)
{
    if (index >= 0)
        return cst__smaller((size_t)index, len);
    return len - cst__smaller(0 - (size_t)index, len);
}

cst_slice cst_slice_subarray(const cst_slice *slice, ptrdiff_t from, ptrdiff_t to)
{
    size_t len = slice ? slice->len : 0;
    size_t start = clamp_index(from, len);
    size_t end = clamp_index(to, len);

    return end > start ? cst_slice_sub(slice, start, end - start) : cst_slice_empty();
}

/* Return the first slice that has bytes, or NULL. */
static const cst_slice *first_slice_with_bytes(const cst_slice *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].len > 0)
            return &list[i];
    }
    return NULL;
}

static void join_list(uint8_t *to, const cst_slice *list, size_t count, size_t total)
{
    size_t at = 0;

    for (size_t i = 0; i < count && at < total; i++) {
        size_t part = cst__smaller(list[i].len, total - at);

        if (part > 0)
            memcpy(to + at, list[i].data, part);
        at += part;
    }
    memset(to + at, 0, total - at);
}

cst_status cst_slice_concat_total(cst_slice *out, const cst_allocator *allocator,
                                  const cst_slice *list, size_t count, size_t total)
{
    const cst_slice *first;
    cst_block *block;

    if (!out || !allocator || (!list && count > 0))
        return CST_E_INVALID_ARG;
    first = first_slice_with_bytes(list, count);
    if (count == 0 || total == 0 || (first && first->len >= total)) {
        *out = cst_slice_sub(first, 0, total);
        return CST_OK;
    }
    block = cst__block_new(allocator, total);
    if (!block)
        return CST_E_NOMEM;
    join_list(cst__block_bytes(block), list, count, total);
    *out = (cst_slice){ .data = cst__block_bytes(block), .len = total, .block = block };
    return CST_OK;
}

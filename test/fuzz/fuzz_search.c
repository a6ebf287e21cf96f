/*
 * fuzz_search.c - every search finds what a plain loop finds: in both directions, for one byte, for
 * any of several bytes, and in a chain cut anywhere.
 */
#include "fuzz.h"

#include <cstream/buffer.h>

#define MOST_NEEDLE 600
#define MOST_CHUNKS 40

struct span {
    uint8_t *data;
    size_t len;
};

static struct span take(struct fuzz_input *input, size_t len)
{
    struct span span = { .len = len };

    span.data = fuzz_take(input, &span.len);
    return span;
}

/* Reduce the bytes to few values, and repeat them with a period except at small bytes, so that
 * there are many near matches. */
static void reduce(struct span span, uint8_t mask, size_t period)
{
    for (size_t i = 0; i < span.len; i++) {
        if (period > 0 && i >= period && span.data[i] >= 8)
            span.data[i] = span.data[i - period];
        else
            span.data[i] &= mask;
    }
}

static bool is_at(struct span text, struct span needle, size_t i)
{
    return needle.len <= text.len && i <= text.len - needle.len &&
           memcmp(text.data + i, needle.data, needle.len) == 0;
}

static size_t plain_first(struct span text, struct span needle, size_t start)
{
    if (needle.len == 0)
        return start;
    for (size_t i = start; i < text.len; i++) {
        if (is_at(text, needle, i))
            return i;
    }
    return CST_NOT_FOUND;
}

static size_t plain_last(struct span text, struct span needle, size_t start)
{
    if (needle.len == 0)
        return start;
    for (size_t i = start + 1; i > 0; i--) {
        if (is_at(text, needle, i - 1))
            return i - 1;
    }
    return CST_NOT_FOUND;
}

static bool is_in(struct span set, uint8_t byte)
{
    return set.len > 0 && memchr(set.data, byte, set.len) != NULL;
}

static size_t plain_first_any(struct span text, struct span set, size_t start)
{
    while (start < text.len && !is_in(set, text.data[start]))
        start++;
    return start < text.len ? start : CST_NOT_FOUND;
}

static size_t plain_last_any(struct span text, struct span set, size_t start)
{
    for (size_t i = start < text.len ? start + 1 : text.len; i > 0; i--) {
        if (is_in(set, text.data[i - 1]))
            return i - 1;
    }
    return CST_NOT_FOUND;
}

static void check_span(struct span text, struct span needle, size_t start)
{
    const ptrdiff_t from = (ptrdiff_t)start;
    const size_t first = plain_first(text, needle, start);
    const size_t last = plain_last(text, needle, start);

    fuzz_require(cst_bytes_index_of(text.data, text.len, needle.data, needle.len, from) == first);
    fuzz_require(cst_bytes_last_index_of(text.data, text.len, needle.data, needle.len, from) ==
                 last);
    fuzz_require(cst_bytes_index_of_any(text.data, text.len, needle.data, needle.len, from) ==
                 plain_first_any(text, needle, start));
    fuzz_require(cst_bytes_last_index_of_any(text.data, text.len, needle.data, needle.len, from) ==
                 plain_last_any(text, needle, start));
    if (needle.len != 1)
        return;
    fuzz_require(cst_bytes_index_of_byte(text.data, text.len, needle.data[0], from) == first);
    fuzz_require(cst_bytes_last_index_of_byte(text.data, text.len, needle.data[0], from) == last);
}

static void check_chain(const cst_chain *chain, struct span text, struct span needle, size_t start)
{
    const ptrdiff_t from = (ptrdiff_t)start;

    fuzz_require(cst_chain_index_of(chain, needle.data, needle.len, from) ==
                 plain_first(text, needle, start));
    fuzz_require(cst_chain_last_index_of(chain, needle.data, needle.len, from) ==
                 plain_last(text, needle, start));
    fuzz_require(cst_chain_index_of_any(chain, needle.data, needle.len, from) ==
                 plain_first_any(text, needle, start));
    fuzz_require(cst_chain_last_index_of_any(chain, needle.data, needle.len, from) ==
                 plain_last_any(text, needle, start));
}

/* Cut the text into chunks of the given lengths. The last one takes the rest. */
static void cut(cst_chain *chain, struct span text, const size_t *lens, size_t count)
{
    size_t at = 0;

    cst_chain_init(chain, cst_allocator_malloc());
    for (size_t i = 0; i <= count; i++) {
        size_t left = text.len - at;
        size_t len = i < count && lens[i] < left ? lens[i] : left;

        if (i < count && len == left)
            len = 0;
        fuzz_require(cst_chain_append(chain, cst_slice_static(text.data + at, len)) == CST_OK);
        at += len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { .data = data, .size = size };
    const uint8_t mask = (const uint8_t[]){ 0xFF, 1, 3, 0x81 }[fuzz_number(&input, 3)];
    const bool from_text = fuzz_number(&input, 1) == 1;
    const size_t period = fuzz_number(&input, 15);
    const size_t start = fuzz_number(&input, 65535);
    const size_t chunks = fuzz_number(&input, MOST_CHUNKS);
    size_t lens[MOST_CHUNKS];
    struct span needle, text;
    cst_chain chain;

    for (size_t i = 0; i < chunks; i++)
        lens[i] = fuzz_number(&input, 255);
    needle = take(&input, fuzz_number(&input, MOST_NEEDLE));
    text = take(&input, SIZE_MAX);
    reduce(needle, mask, period);
    reduce(text, mask, period);
    if (from_text && needle.len > 0 && needle.len <= text.len)
        memcpy(text.data + start % (text.len - needle.len + 1), needle.data, needle.len);
    cut(&chain, text, lens, chunks);
    check_span(text, needle, start % (text.len + 1));
    check_chain(&chain, text, needle, start % (text.len + 1));
    cst_chain_fini(&chain);
    free(needle.data);
    free(text.data);
    return 0;
}

/*
 * test_bytes.c - comparing, searching, copying, filling and swapping, also across the chunks of a
 * chain.
 */
#include "main.h"

#include <stdlib.h>
#include <string.h>

#include <cstream/buffer.h>

#include "heap.h"

/* Bytes in a block of exactly their size, so that a sanitizer sees a step beyond them. */
struct exact {
    uint8_t *data;
    size_t len;
};

static struct exact exact(const void *bytes, size_t len)
{
    struct exact copy = { .data = malloc(len > 0 ? len : 1), .len = len };

    assert_non_null(copy.data);
    if (len > 0)
        memcpy(copy.data, bytes, len);
    return copy;
}

static struct exact exact_of(size_t len, uint8_t byte)
{
    struct exact block = { .data = malloc(len > 0 ? len : 1), .len = len };

    assert_non_null(block.data);
    memset(block.data, byte, len);
    return block;
}

/* --- comparing -------------------------------------------------------------------------------- */

static int compare(const char *a, const char *b)
{
    return cst_bytes_compare(a, strlen(a), b, strlen(b));
}

static void order_is_that_of_the_first_byte_that_differs(void **state)
{
    (void)state;
    assert_int_equal(compare("abc", "abd"), -1);
    assert_int_equal(compare("abd", "abc"), 1);
    assert_int_equal(compare("b", "abc"), 1);
    assert_int_equal(compare("\x7f", "\x80"), -1);
    assert_int_equal(compare("\xff", "\x01"), 1);
}

static void the_beginning_of_the_other_comes_first(void **state)
{
    (void)state;
    assert_int_equal(compare("ab", "abc"), -1);
    assert_int_equal(compare("abc", "ab"), 1);
    assert_int_equal(compare("abc", "abc"), 0);
    assert_int_equal(cst_bytes_compare(NULL, 0, NULL, 0), 0);
    assert_int_equal(cst_bytes_compare(NULL, 0, "", 1), -1);
}

static void equal_bytes_have_one_length(void **state)
{
    (void)state;
    assert_true(cst_bytes_equals("abc", 3, "abcd", 3));
    assert_false(cst_bytes_equals("abc", 3, "abcd", 4));
    assert_false(cst_bytes_equals("abc", 3, "abd", 3));
    assert_true(cst_bytes_equals(NULL, 0, NULL, 0));
    assert_true(cst_bytes_equals(NULL, 0, "x", 0));
}

/* --- searching: where it begins --------------------------------------------------------------- */

struct search_row {
    const char *text, *needle;
    ptrdiff_t from;
    size_t first, last;
};

#define NONE CST_NOT_FOUND

/* What Node says, row by row. */
static const struct search_row search_rows[] = {
    { "abcabc", "abc", 0, 0, 0 },
    { "abcabc", "abc", 1, 3, 0 },
    { "abcabc", "abc", 3, 3, 3 },
    { "abcabc", "abc", 4, NONE, 3 },
    { "abcabc", "abc", 6, NONE, 3 },
    { "abcabc", "abc", 99, NONE, 3 },
    { "abcabc", "abc", CST_TO_END, NONE, 3 },
    { "abcabc", "abc", -1, NONE, 3 },
    { "abcabc", "abc", -3, 3, 3 },
    { "abcabc", "abc", -4, 3, 0 },
    { "abcabc", "abc", -6, 0, 0 },
    { "abcabc", "abc", -7, 0, NONE },
    { "abcabc", "abc", PTRDIFF_MIN, 0, NONE },
    { "abcabc", "c", 3, 5, 2 },
    { "abcabc", "x", 0, NONE, NONE },
    { "abcabc", "abcabc", 0, 0, 0 },
    { "abcabc", "abcabcd", 0, NONE, NONE },
    { "abcabc", "", 0, 0, 0 },
    { "abcabc", "", 4, 4, 4 },
    { "abcabc", "", 9, 6, 6 },
    { "abcabc", "", -2, 4, 4 },
    { "abcabc", "", -9, 0, 0 },
    { "", "", 0, 0, 0 },
    { "", "", 5, 0, 0 },
    { "", "", -5, 0, 0 },
    { "", "a", 0, NONE, NONE },
    { "", "a", -1, NONE, NONE },
};

static void searches_begin_and_end_where_nodes_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof search_rows / sizeof search_rows[0]; i++) {
        const struct search_row *row = &search_rows[i];
        struct exact text = exact(row->text, strlen(row->text));
        struct exact needle = exact(row->needle, strlen(row->needle));

        assert_int_equal(
            cst_bytes_index_of(text.data, text.len, needle.data, needle.len, row->from),
            row->first);
        assert_int_equal(
            cst_bytes_last_index_of(text.data, text.len, needle.data, needle.len, row->from),
            row->last);
        if (needle.len == 1) {
            assert_int_equal(
                cst_bytes_index_of_byte(text.data, text.len, needle.data[0], row->from),
                row->first);
            assert_int_equal(
                cst_bytes_last_index_of_byte(text.data, text.len, needle.data[0], row->from),
                row->last);
        }
        free(text.data);
        free(needle.data);
    }
}

static void no_bytes_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(cst_bytes_index_of(NULL, 0, NULL, 0, 3), 0);
    assert_int_equal(cst_bytes_index_of(NULL, 0, "a", 1, 0), NONE);
    assert_int_equal(cst_bytes_last_index_of(NULL, 0, NULL, 0, CST_TO_END), 0);
    assert_int_equal(cst_bytes_last_index_of(NULL, 0, "a", 1, CST_TO_END), NONE);
    assert_int_equal(cst_bytes_index_of_byte(NULL, 0, 'a', 0), NONE);
    assert_int_equal(cst_bytes_last_index_of_byte(NULL, 0, 'a', -1), NONE);
    assert_int_equal(cst_bytes_index_of_any(NULL, 0, "ab", 2, 0), NONE);
    assert_int_equal(cst_bytes_last_index_of_any(NULL, 0, "ab", 2, CST_TO_END), NONE);
    assert_int_equal(cst_bytes_index_of_any("abc", 3, NULL, 0, 0), NONE);
    assert_int_equal(cst_bytes_last_index_of_any("abc", 3, NULL, 0, CST_TO_END), NONE);
}

/* --- searching: every place ------------------------------------------------------------------- */

/* Longer than what is looked at in one go, forwards or backwards. */
#define LONG_TEXT 3000

static void a_needle_is_found_at_every_place(void **state)
{
    static const char *const needles[] = { "z", "zy", "the end",
                                           "a needle that is longer than words" };

    (void)state;
    for (size_t n = 0; n < sizeof needles / sizeof needles[0]; n++) {
        size_t len = strlen(needles[n]);
        struct exact text = exact_of(LONG_TEXT, 'e');

        for (size_t at = 0; at + len <= text.len; at += at < 200 || at > 2700 ? 1 : 7) {
            memcpy(text.data + at, needles[n], len);
            assert_int_equal(cst_bytes_index_of(text.data, text.len, needles[n], len, 0), at);
            assert_int_equal(
                cst_bytes_last_index_of(text.data, text.len, needles[n], len, CST_TO_END), at);
            memset(text.data + at, 'e', len);
            assert_int_equal(cst_bytes_index_of(text.data, text.len, needles[n], len, 0), NONE);
            assert_int_equal(
                cst_bytes_last_index_of(text.data, text.len, needles[n], len, CST_TO_END), NONE);
        }
        free(text.data);
    }
}

static void one_of_many_bytes_is_found_at_every_place(void **state)
{
    static const char set[] = "0123456789";

    (void)state;
    for (size_t len = 1; len < 70; len++) {
        struct exact text = exact_of(len, 'x');

        for (size_t at = 0; at < len; at++) {
            text.data[at] = (uint8_t)set[at % 10];
            assert_int_equal(cst_bytes_index_of_any(text.data, len, set, 10, 0), at);
            assert_int_equal(cst_bytes_last_index_of_any(text.data, len, set, 10, CST_TO_END), at);
            assert_int_equal(cst_bytes_index_of_any(text.data, len, set, 10, (ptrdiff_t)at + 1),
                             NONE);
            text.data[at] = 'x';
        }
        assert_int_equal(cst_bytes_index_of_any(text.data, len, set, 10, 0), NONE);
        assert_int_equal(cst_bytes_last_index_of_any(text.data, len, set, 10, CST_TO_END), NONE);
        free(text.data);
    }
}

/* --- searching: against the plain way --------------------------------------------------------- */

static uint32_t dice_state;

static size_t dice(size_t sides)
{
    dice_state = dice_state * 1664525 + 1013904223;
    return (dice_state >> 8) % sides;
}

static size_t plain_first(struct exact text, struct exact needle, size_t start)
{
    for (size_t i = start; needle.len <= text.len && i <= text.len - needle.len; i++) {
        if (memcmp(text.data + i, needle.data, needle.len) == 0)
            return i;
    }
    return NONE;
}

static size_t plain_last(struct exact text, struct exact needle, size_t start)
{
    for (size_t i = start + 1; i > 0; i--) {
        if (i - 1 + needle.len <= text.len &&
            memcmp(text.data + i - 1, needle.data, needle.len) == 0)
            return i - 1;
    }
    return NONE;
}

/* The text in a chain, cut at random, empty chunks among them. */
static void cut_into(cst_chain *chain, struct exact text, size_t longest)
{
    size_t at = 0;

    while (at < text.len) {
        size_t part = dice(longest + 1);

        part = part < text.len - at ? part : text.len - at;
        assert_int_equal(cst_chain_append(chain, cst_slice_static(text.data + at, part)), CST_OK);
        at += part;
    }
    if (dice(2) == 0)
        assert_int_equal(cst_chain_append(chain, cst_slice_empty()), CST_OK);
}

/* Few letters, and often a period, so that much nearly matches. */
static struct exact random_bytes(size_t len, size_t letters)
{
    struct exact text = exact_of(len, 0);
    size_t period = 1 + dice(12);
    bool periodic = dice(2) == 0;

    for (size_t i = 0; i < len; i++) {
        if (periodic && i >= period && dice(40) != 0)
            text.data[i] = text.data[i - period];
        else
            text.data[i] = (uint8_t)('a' + dice(letters));
    }
    return text;
}

/* A part of the text, often with a byte that is wrong. */
static struct exact random_needle(struct exact text, size_t longest)
{
    size_t len = 1 + dice(longest);
    struct exact needle;

    if (len > text.len || dice(4) == 0)
        return random_bytes(len, 2);
    needle = exact(text.data + dice(text.len - len + 1), len);
    if (dice(3) != 0)
        needle.data[dice(len)] ^= 1;
    return needle;
}

static void check_against_the_plain_way(const cst_allocator *allocator, size_t longest_text,
                                        size_t longest_needle, size_t longest_chunk)
{
    struct exact text = random_bytes(dice(longest_text + 1), 1 + dice(4));
    struct exact needle = random_needle(text, longest_needle);
    size_t start = dice(text.len + 1);
    size_t first = plain_first(text, needle, start);
    size_t last = plain_last(text, needle, start);
    ptrdiff_t from = (ptrdiff_t)start;
    cst_chain chain;

    cst_chain_init(&chain, allocator);
    cut_into(&chain, text, longest_chunk);
    assert_int_equal(cst_bytes_index_of(text.data, text.len, needle.data, needle.len, from), first);
    assert_int_equal(cst_bytes_last_index_of(text.data, text.len, needle.data, needle.len, from),
                     last);
    assert_int_equal(cst_chain_index_of(&chain, needle.data, needle.len, from), first);
    assert_int_equal(cst_chain_last_index_of(&chain, needle.data, needle.len, from), last);
    assert_int_equal(cst_chain_index_of_any(&chain, needle.data, needle.len, from),
                     cst_bytes_index_of_any(text.data, text.len, needle.data, needle.len, from));
    assert_int_equal(
        cst_chain_last_index_of_any(&chain, needle.data, needle.len, from),
        cst_bytes_last_index_of_any(text.data, text.len, needle.data, needle.len, from));
    cst_chain_fini(&chain);
    free(text.data);
    free(needle.data);
}

static void searches_find_what_the_plain_way_finds(void **state)
{
    const cst_allocator *allocator = test_heap_allocator(*state);

    dice_state = 1;
    for (size_t i = 0; i < 20000; i++)
        check_against_the_plain_way(allocator, 40, 8, 1 + i % 9);
    for (size_t i = 0; i < 2000; i++)
        check_against_the_plain_way(allocator, 2000, 100, 1 + i % 300);
    for (size_t i = 0; i < 60; i++)
        check_against_the_plain_way(allocator, 60000, 900, 20000);
}

/* Text and needle that take a search of one step a place a square of their length. */
static void check_worst_case(const cst_allocator *allocator, struct exact text, struct exact needle)
{
    cst_chain chain;

    cst_chain_init(&chain, allocator);
    cut_into(&chain, text, 1000);
    assert_int_equal(cst_bytes_index_of(text.data, text.len, needle.data, needle.len, 0), NONE);
    assert_int_equal(
        cst_bytes_last_index_of(text.data, text.len, needle.data, needle.len, CST_TO_END), NONE);
    assert_int_equal(cst_chain_index_of(&chain, needle.data, needle.len, 0), NONE);
    assert_int_equal(cst_chain_last_index_of(&chain, needle.data, needle.len, CST_TO_END), NONE);
    cst_chain_fini(&chain);
}

/* 10^11 steps, were it not so: this case would run out of time. */
static void no_text_takes_more_than_linear_time(void **state)
{
    enum { TEXT = 1 << 22, NEEDLE = 1 << 20 };
    const cst_allocator *allocator = test_heap_allocator(*state);
    struct exact text = exact_of(TEXT, 'a');
    struct exact needle = exact_of(NEEDLE, 'a');

    /* Each place matches up to the next b; the needle has none. */
    for (size_t i = NEEDLE - 1; i < TEXT; i += NEEDLE)
        text.data[i] = 'b';
    check_worst_case(allocator, text, needle);
    /* The needle has one, in its middle; the text has none. */
    memset(text.data, 'a', TEXT);
    needle.data[NEEDLE / 2] = 'b';
    check_worst_case(allocator, text, needle);
    free(text.data);
    free(needle.data);
}

/* --- searching: chains ------------------------------------------------------------------------ */

static void a_match_may_lie_across_chunks(void **state)
{
    static const char *const chunks[] = { "GET / HT", "TP/1.1\r", "", "\n", "\r", "\nbody" };
    cst_chain chain;

    cst_chain_init(&chain, test_heap_allocator(*state));
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++)
        assert_int_equal(cst_chain_append(&chain, cst_slice_str(chunks[i])), CST_OK);

    assert_int_equal(cst_chain_index_of(&chain, "\r\n\r\n", 4, 0), 14);
    assert_int_equal(cst_chain_last_index_of(&chain, "\r\n", 2, CST_TO_END), 16);
    assert_int_equal(cst_chain_last_index_of(&chain, "\r\n", 2, 15), 14);
    assert_int_equal(cst_chain_index_of(&chain, "\r\n", 2, 15), 16);
    assert_int_equal(cst_chain_index_of(&chain, "\r\n", 2, -6), 16);
    assert_int_equal(cst_chain_index_of(&chain, "\r\n", 2, -5), NONE);
    assert_int_equal(cst_chain_index_of(&chain, "HTTP", 4, 0), 6);
    assert_int_equal(cst_chain_index_of(&chain, "body", 4, 0), 18);
    assert_int_equal(cst_chain_index_of(&chain, "bodyy", 5, 0), NONE);
    assert_int_equal(cst_chain_index_of_any(&chain, "\n\r", 2, 0), 14);
    assert_int_equal(cst_chain_index_of_any(&chain, "ydo", 3, 0), 19);
    assert_int_equal(cst_chain_last_index_of_any(&chain, "/\n", 2, CST_TO_END), 17);
    assert_int_equal(cst_chain_last_index_of_any(&chain, "/\n", 2, 14), 10);
    assert_int_equal(cst_chain_last_index_of_any(&chain, "G", 1, CST_TO_END), 0);
    assert_int_equal(cst_chain_index_of(&chain, "", 0, 99), 22);
    assert_int_equal(cst_chain_last_index_of(&chain, "", 0, -3), 19);
    cst_chain_fini(&chain);
}

static void nothing_is_found_in_an_empty_chain(void **state)
{
    cst_chain chain;

    cst_chain_init(&chain, test_heap_allocator(*state));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(cst_chain_index_of(&chain, "a", 1, 0), NONE);
        assert_int_equal(cst_chain_last_index_of(&chain, "a", 1, CST_TO_END), NONE);
        assert_int_equal(cst_chain_index_of_any(&chain, "a", 1, 0), NONE);
        assert_int_equal(cst_chain_last_index_of_any(&chain, "a", 1, CST_TO_END), NONE);
        assert_int_equal(cst_chain_index_of(&chain, "", 0, 7), 0);
        assert_int_equal(cst_chain_append(&chain, cst_slice_empty()), CST_OK);
    }
    assert_int_equal(cst_chain_index_of(NULL, "a", 1, 0), NONE);
    assert_int_equal(cst_chain_last_index_of(NULL, "", 0, CST_TO_END), 0);
    assert_int_equal(cst_chain_index_of_any(NULL, "a", 1, 0), NONE);
    cst_chain_fini(&chain);
}

/* Node's searches know 31 bits: what they find above comes out negative. */
static void an_index_above_2_gib_is_itself(void **state)
{
    enum { CHUNK = 1 << 24, CHUNKS = 130 };
    static const uint8_t zeroes[CHUNK];
    const size_t len = (size_t)CHUNK * CHUNKS + 1;
    cst_chain chain;

    if (PTRDIFF_MAX == INT32_MAX)
        skip(); /* no bytes are that long here */
    cst_chain_init(&chain, test_heap_allocator(*state));
    assert_int_equal(cst_chain_append(&chain, cst_slice_str("x")), CST_OK);
    for (size_t i = 0; i < CHUNKS; i++)
        assert_int_equal(cst_chain_append(&chain, cst_slice_static(zeroes, CHUNK)), CST_OK);
    assert_int_equal(cst_chain_append(&chain, cst_slice_str("yz")), CST_OK);
    assert_int_equal(cst_chain_index_of(&chain, "yz", 2, (ptrdiff_t)len - 100), len);
    assert_int_equal(cst_chain_index_of_any(&chain, "yz", 2, (ptrdiff_t)len - 100), len);
    assert_int_equal(cst_chain_last_index_of(&chain, "\0y", 2, CST_TO_END), len - 1);
    assert_int_equal(cst_chain_last_index_of_any(&chain, "y", 1, -1), len);
    assert_int_equal(cst_chain_last_index_of(&chain, "y", 1, (ptrdiff_t)len), len);
    cst_chain_fini(&chain);
}

static void an_empty_set_finds_nothing_in_a_chain(void **state)
{
    cst_chain chain;

    cst_chain_init(&chain, test_heap_allocator(*state));
    assert_int_equal(cst_chain_append(&chain, cst_slice_str("abc")), CST_OK);
    assert_int_equal(cst_chain_index_of_any(&chain, NULL, 0, 0), NONE);
    assert_int_equal(cst_chain_last_index_of_any(&chain, NULL, 0, CST_TO_END), NONE);
    cst_chain_fini(&chain);
}

/* --- copying ---------------------------------------------------------------------------------- */

struct copy_row {
    ptrdiff_t at, from, to;
    cst_status status;
    size_t copied;
    const char *after;
};

/* From "abc" into "defg". */
static const struct copy_row copy_rows[] = {
    { 0, 0, CST_TO_END, CST_OK, 3, "abcg" },
    { 2, 0, CST_TO_END, CST_OK, 2, "deab" },
    { 4, 0, CST_TO_END, CST_OK, 0, "defg" },
    { 9, 0, CST_TO_END, CST_OK, 0, "defg" },
    { 0, 1, 2, CST_OK, 1, "befg" },
    { 1, 2, 9, CST_OK, 1, "dcfg" },
    { 0, 2, 2, CST_OK, 0, "defg" },
    { 0, 2, 1, CST_OK, 0, "defg" },
    { 0, 3, 9, CST_OK, 0, "defg" },
    { 0, 4, 9, CST_E_OUT_OF_RANGE, 77, "defg" },
    { 9, 4, 9, CST_E_OUT_OF_RANGE, 77, "defg" },
    { -1, 0, 3, CST_E_OUT_OF_RANGE, 77, "defg" },
    { 0, -1, 3, CST_E_OUT_OF_RANGE, 77, "defg" },
    { 0, 0, -1, CST_E_OUT_OF_RANGE, 77, "defg" },
};

static void copies_are_cut_where_nodes_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof copy_rows / sizeof copy_rows[0]; i++) {
        const struct copy_row *row = &copy_rows[i];
        struct exact src = exact("abc", 3);
        struct exact dst = exact("defg", 4);
        size_t copied = 77;

        assert_int_equal(cst_bytes_copy(&copied, src.data, src.len, dst.data, dst.len, row->at,
                                        row->from, row->to),
                         row->status);
        assert_int_equal(copied, row->copied);
        assert_memory_equal(dst.data, row->after, 4);
        free(src.data);
        free(dst.data);
    }
}

static void a_copy_may_overlap_and_its_count_may_be_left_out(void **state)
{
    char text[] = "abcdef";

    (void)state;
    assert_int_equal(cst_bytes_copy(NULL, text, 6, text, 6, 2, 0, CST_TO_END), CST_OK);
    assert_string_equal(text, "ababcd");
    assert_int_equal(cst_bytes_copy(NULL, text, 6, text, 6, 0, 1, CST_TO_END), CST_OK);
    assert_string_equal(text, "babcdd");
    assert_int_equal(cst_bytes_copy(NULL, NULL, 0, text, 6, 0, 0, CST_TO_END), CST_OK);
    assert_int_equal(cst_bytes_copy(NULL, text, 6, NULL, 0, 0, 0, CST_TO_END), CST_OK);
}

/* --- filling ---------------------------------------------------------------------------------- */

static void check_fill(size_t len, size_t pattern_len)
{
    struct exact pattern = exact_of(pattern_len, 0);
    struct exact bytes = exact_of(len, 0xEE);

    for (size_t i = 0; i < pattern_len; i++)
        pattern.data[i] = (uint8_t)(i * 7 + 1);
    assert_int_equal(cst_bytes_fill(bytes.data, len, pattern.data, pattern_len), CST_OK);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes.data[i], pattern.data[i % pattern_len]);
    free(pattern.data);
    free(bytes.data);
}

static void a_pattern_is_repeated_and_cut_at_the_end(void **state)
{
    (void)state;
    for (size_t len = 0; len < 100; len++) {
        for (size_t pattern_len = 1; pattern_len < 40; pattern_len++)
            check_fill(len, pattern_len);
    }
    for (size_t pattern_len = 1; pattern_len < 30000; pattern_len = pattern_len * 3 + 1) {
        check_fill(8192, pattern_len);
        check_fill(50001, pattern_len);
    }
}

static void an_empty_pattern_fills_nothing_but_no_bytes(void **state)
{
    char text[] = "abc";

    (void)state;
    assert_int_equal(cst_bytes_fill(text, 3, "", 0), CST_E_INVALID_ARG);
    assert_string_equal(text, "abc");
    assert_int_equal(cst_bytes_fill(text, 0, "", 0), CST_OK);
    assert_int_equal(cst_bytes_fill(NULL, 0, NULL, 0), CST_OK);
    assert_int_equal(cst_bytes_fill(NULL, 0, "x", 1), CST_OK);
}

/* --- byte order ------------------------------------------------------------------------------- */

typedef cst_status swap_fn(void *bytes, size_t len);

static void check_swap(swap_fn *swap, size_t unit, size_t len, size_t shift)
{
    struct exact bytes = exact_of(len + shift, 0);
    cst_status expected = len % unit == 0 ? CST_OK : CST_E_INVALID_BUFFER_SIZE;

    for (size_t i = 0; i < len; i++)
        bytes.data[shift + i] = (uint8_t)(i * 11 + 3);
    assert_int_equal(swap(bytes.data + shift, len), expected);
    for (size_t i = 0; i < len; i++) {
        size_t source = expected == CST_OK ? i - i % unit + unit - 1 - i % unit : i;

        assert_int_equal(bytes.data[shift + i], (uint8_t)(source * 11 + 3));
    }
    free(bytes.data);
}

static void units_are_turned_around_at_any_length_and_address(void **state)
{
    (void)state;
    for (size_t len = 0; len < 300; len++) {
        for (size_t shift = 0; shift < 3; shift++) {
            check_swap(cst_bytes_swap16, 2, len, shift);
            check_swap(cst_bytes_swap32, 4, len, shift);
            check_swap(cst_bytes_swap64, 8, len, shift);
        }
    }
    assert_int_equal(cst_bytes_swap16(NULL, 0), CST_OK);
    assert_int_equal(cst_bytes_swap32(NULL, 0), CST_OK);
    assert_int_equal(cst_bytes_swap64(NULL, 0), CST_OK);
}

/* --- slices with Node's rules ----------------------------------------------------------------- */

struct subarray_row {
    ptrdiff_t from, to;
    const char *part;
};

/* Of "abcde". */
static const struct subarray_row subarray_rows[] = {
    { 0, CST_TO_END, "abcde" },
    { 1, 3, "bc" },
    { -2, CST_TO_END, "de" },
    { 0, -1, "abcd" },
    { -4, -2, "bc" },
    { -9, 2, "ab" },
    { PTRDIFF_MIN, CST_TO_END, "abcde" },
    { 3, 3, "" },
    { 4, 2, "" },
    { -1, -3, "" },
    { 5, 9, "" },
    { 9, 12, "" },
    { 0, PTRDIFF_MIN, "" },
};

static void subarray_counts_from_the_end_and_clamps(void **state)
{
    struct test_heap *heap = *state;
    cst_slice whole;

    assert_int_equal(cst_slice_copy(&whole, test_heap_allocator(heap), "abcde", 5), CST_OK);
    for (size_t i = 0; i < sizeof subarray_rows / sizeof subarray_rows[0]; i++) {
        const struct subarray_row *row = &subarray_rows[i];
        cst_slice part = cst_slice_subarray(&whole, row->from, row->to);

        assert_int_equal(part.len, strlen(row->part));
        if (part.len > 0)
            assert_memory_equal(part.data, row->part, part.len);
        assert_ptr_equal(part.block, part.len > 0 ? whole.block : NULL);
        cst_slice_unref(&part);
    }
    assert_true(cst_slice_is_unique(&whole));
    cst_slice_unref(&whole);
    assert_int_equal(cst_slice_subarray(NULL, 0, CST_TO_END).len, 0);
}

static void assert_slice(cst_slice slice, const char *bytes, size_t len)
{
    assert_int_equal(slice.len, len);
    if (len > 0)
        assert_memory_equal(slice.data, bytes, len);
    cst_slice_unref(&slice);
}

static void concat_is_cut_or_filled_up_to_its_total(void **state)
{
    const cst_allocator *allocator = test_heap_allocator(*state);
    const cst_slice list[4] = { cst_slice_str("ab"), cst_slice_empty(), cst_slice_str("cde"),
                                cst_slice_str("f") };
    cst_slice out;

    for (size_t total = 0; total < 10; total++) {
        assert_int_equal(cst_slice_concat_total(&out, allocator, list, 4, total), CST_OK);
        assert_slice(out, "abcdef\0\0\0", total);
    }
    assert_int_equal(cst_slice_concat_total(&out, allocator, list + 1, 1, 2), CST_OK);
    assert_slice(out, "\0\0", 2);
    assert_int_equal(cst_slice_concat_total(&out, allocator, NULL, 0, 5), CST_OK);
    assert_slice(out, "", 0);
}

static void concat_that_one_slice_answers_copies_nothing(void **state)
{
    struct test_heap *heap = *state;
    cst_slice list[2] = { { 0 } };
    cst_slice out;

    assert_int_equal(cst_slice_copy(&list[1], test_heap_allocator(heap), "abcd", 4), CST_OK);
    for (size_t total = 1; total <= 4; total++) {
        size_t calls = heap->calls;

        assert_int_equal(cst_slice_concat_total(&out, test_heap_allocator(heap), list, 2, total),
                         CST_OK);
        assert_int_equal(heap->calls, calls);
        assert_ptr_equal(out.block, list[1].block);
        assert_slice(out, "abcd", total);
    }
    cst_slice_unref(&list[1]);
}

static void concat_refuses_and_leaves_out_untouched(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    const cst_slice list[2] = { cst_slice_str("ab"), cst_slice_str("cd") };
    cst_slice out = { .len = 9 };

    assert_int_equal(cst_slice_concat_total(NULL, allocator, list, 2, 4), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_concat_total(&out, NULL, list, 2, 4), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_concat_total(&out, allocator, NULL, 2, 4), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_concat_total(&out, allocator, list, 2, SIZE_MAX), CST_E_NOMEM);
    test_heap_fail_at(heap, 1);
    assert_int_equal(cst_slice_concat_total(&out, allocator, list, 2, 4), CST_E_NOMEM);
    assert_int_equal(out.len, 9);
}

#define HEAP_TEST(name) cmocka_unit_test_setup_teardown(name, test_heap_setup, test_heap_teardown)

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(order_is_that_of_the_first_byte_that_differs),
    cmocka_unit_test(the_beginning_of_the_other_comes_first),
    cmocka_unit_test(equal_bytes_have_one_length),
    cmocka_unit_test(searches_begin_and_end_where_nodes_do),
    cmocka_unit_test(no_bytes_may_be_null),
    cmocka_unit_test(a_needle_is_found_at_every_place),
    cmocka_unit_test(one_of_many_bytes_is_found_at_every_place),
    HEAP_TEST(searches_find_what_the_plain_way_finds),
    HEAP_TEST(no_text_takes_more_than_linear_time),
    HEAP_TEST(a_match_may_lie_across_chunks),
    HEAP_TEST(nothing_is_found_in_an_empty_chain),
    HEAP_TEST(an_index_above_2_gib_is_itself),
    HEAP_TEST(an_empty_set_finds_nothing_in_a_chain),
    cmocka_unit_test(copies_are_cut_where_nodes_are),
    cmocka_unit_test(a_copy_may_overlap_and_its_count_may_be_left_out),
    cmocka_unit_test(a_pattern_is_repeated_and_cut_at_the_end),
    cmocka_unit_test(an_empty_pattern_fills_nothing_but_no_bytes),
    cmocka_unit_test(units_are_turned_around_at_any_length_and_address),
    HEAP_TEST(subarray_counts_from_the_end_and_clamps),
    HEAP_TEST(concat_is_cut_or_filled_up_to_its_total),
    HEAP_TEST(concat_that_one_slice_answers_copies_nothing),
    HEAP_TEST(concat_refuses_and_leaves_out_untouched),
};

TEST_MAIN(tests)

/* test_decoder.c - text.h: what each chunk gives, that any chunking gives the same text, and the
 * room it takes. */
#include "main.h"

#include <stdlib.h>
#include <string.h>

#include <cstream/text.h>

#include "heap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const cst_encoding encodings[] = { CST_UTF8, CST_UTF16LE, CST_LATIN1,   CST_ASCII,
                                          CST_HEX,  CST_BASE64,  CST_BASE64URL };

/* Decode parts with a '|' between them, and return the texts likewise, the end's last. */
static const char *decode(cst_encoding encoding, const char *parts, size_t len)
{
    static char text[512];
    cst_decoder decoder;
    size_t at = 0, made = 0;

    assert_int_equal(cst_decoder_init(&decoder, encoding), CST_OK);
    while (at <= len) {
        const char *bar = at < len ? memchr(parts + at, '|', len - at) : NULL;
        size_t part = bar ? (size_t)(bar - (parts + at)) : len - at;

        assert_in_range(made + cst_decoder_bound(&decoder, part), 0, sizeof text - 16);
        made += cst_decoder_write(&decoder, text + made, parts + at, part);
        text[made++] = '|';
        at += part + 1;
    }
    made += cst_decoder_end(&decoder, text + made);
    text[made] = '\0';
    return text;
}

#define EXPECT(encoding, parts, text) \
    assert_string_equal(decode(encoding, parts, sizeof(parts) - 1), text)

#define BAD "\xEF\xBF\xBD"

static void a_chunk_gives_what_it_completes(void **state)
{
    (void)state;
    EXPECT(CST_UTF8, "caf\xC3|\xA9 \xE2|\x82|\xAC", "caf|\xC3\xA9 ||\xE2\x82\xAC|");
    EXPECT(CST_UTF8, "\xF0|\x9D||\x84|\x9E", "||||\xF0\x9D\x84\x9E|");
    EXPECT(CST_UTF16LE, "a|\0b\0|\xAC|\x20", "|ab||\xE2\x82\xAC|");
    EXPECT(CST_UTF16LE, "\x34\xD8|\x1E|\xDD", "||\xF0\x9D\x84\x9E|");
    EXPECT(CST_LATIN1, "a|\xE9", "a|\xC3\xA9|");
    EXPECT(CST_ASCII, "a|\xE9", "a|i|");
    EXPECT(CST_HEX, "a|\xE9", "61|e9|");
    EXPECT(CST_BASE64, "a|b|c|de", "||YWJj||ZGU=");
    EXPECT(CST_BASE64URL, "abcd|\xFB", "YWJj||ZPs");
}

static void what_cannot_become_a_character_is_replaced(void **state)
{
    (void)state;
    EXPECT(CST_UTF8, "\xE2\x82|a", "|" BAD "a|");
    EXPECT(CST_UTF8, "\xE2|\xE2\x82|\xAC", "|" BAD "|\xE2\x82\xAC|");
    EXPECT(CST_UTF8, "\xF0|\x80|\x80|a", "|||" BAD BAD BAD "a|");
    EXPECT(CST_UTF8, "\xC0|\x80", "|" BAD BAD "|");
    EXPECT(CST_UTF8, "\x80|\xFF|\xF8", BAD "|" BAD "|" BAD "|");
    EXPECT(CST_UTF8, "\xF5|\x80\x80\x80", "|" BAD BAD BAD BAD "|");
    EXPECT(CST_UTF16LE, "\x34\xD8|a\0", "|" BAD "a|");
    EXPECT(CST_UTF16LE, "\x34\xD8|\x34\xD8|\x1E\xDD", "|" BAD "|\xF0\x9D\x84\x9E|");
    EXPECT(CST_UTF16LE, "\x1E\xDD", BAD "|");
}

static void the_end_gives_what_was_held(void **state)
{
    (void)state;
    EXPECT(CST_UTF8, "a\xE2\x82", "a|" BAD);
    EXPECT(CST_UTF8, "\xF5\x80\x80", "|" BAD BAD BAD);
    EXPECT(CST_UTF16LE, "a\0\x34\xD8", "a|" BAD);
    EXPECT(CST_UTF16LE, "a\0\x34\xD8\x1E", "a|" BAD);
    EXPECT(CST_UTF16LE, "a\0b", "a|");
    EXPECT(CST_BASE64, "a", "|YQ==");
    EXPECT(CST_BASE64, "ab", "|YWI=");
    EXPECT(CST_BASE64URL, "a", "|YQ");
    EXPECT(CST_BASE64URL, "abc", "YWJj|");
}

static void a_half_pair_is_held_however_its_bytes_come(void **state)
{
    (void)state;
    EXPECT(CST_UTF16LE, "\x34|\xD8|\x1E|\xDD", "|||\xF0\x9D\x84\x9E|");
    EXPECT(CST_UTF16LE, "\x34|\xD8\x1E|\xDD", "||\xF0\x9D\x84\x9E|");
    EXPECT(CST_UTF16LE, "\x34\xD8\x1E|\xDD", "|\xF0\x9D\x84\x9E|");
}

/* --- any chunking ----------------------------------------------------------------------------- */

/* Memory of just the size that the bound says, so that a step beyond it shows. */
static size_t write_in_bounds(cst_decoder *decoder, char *to, const char *bytes, size_t len)
{
    size_t bound = cst_decoder_bound(decoder, len);
    size_t length = cst_decoder_length(decoder, bytes, len);
    char *room = length > 0 ? malloc(length) : NULL;
    size_t written = cst_decoder_write(decoder, room, bytes, len);

    assert_int_equal(written, length);
    assert_in_range(length, 0, bound);
    assert_in_range(cst_decoder_held(decoder), 0, 3);
    if (written > 0)
        memcpy(to, room, written);
    free(room);
    return written;
}

static void expect_same_text(cst_encoding encoding, const char *bytes, size_t len, size_t first,
                             size_t second)
{
    char whole[256], parts[256];
    size_t size = sizeof whole, made = 0;
    cst_decoder decoder;

    assert_int_equal(cst_bytes_to_text(whole, &size, encoding, bytes, len), CST_OK);
    cst_decoder_init(&decoder, encoding);
    made += write_in_bounds(&decoder, parts, bytes, first);
    made += write_in_bounds(&decoder, parts + made, bytes + first, second - first);
    made += write_in_bounds(&decoder, parts + made, bytes + second, len - second);
    made += cst_decoder_end(&decoder, parts + made);
    assert_int_equal(made, size);
    assert_memory_equal(parts, whole, size);
}

static void every_split_gives_the_same_text(void **state)
{
    static const char *const inputs[] = {
        "The quick brown fox \xE2\x80\x93 na\xC3\xAFve, \xF0\x9D\x84\x9E music.",
        "\x80\xC3\xE2\x82\xF0\x9F\x98\xED\xA0\x80\xF4\x90\x80\x80\xFF\xF0\x80\x80\x80\x80z\xE0\x80",
        "a\x34\xD8\x1E\xDD\xD8\xD8\xDD\xDD\x34\xD8\x34\xD8\x1E\xDC",
    };

    (void)state;
    for (size_t e = 0; e < COUNT(encodings); e++) {
        for (size_t i = 0; i < COUNT(inputs); i++) {
            size_t len = strlen(inputs[i]);

            for (size_t first = 0; first <= len; first++) {
                for (size_t second = first; second <= len; second++)
                    expect_same_text(encodings[e], inputs[i], len, first, second);
            }
        }
    }
}

/* --- what else is promised -------------------------------------------------------------------- */

static void after_end_a_decoder_begins_anew(void **state)
{
    cst_decoder decoder;
    char text[CST_DECODER_END_ROOM];

    (void)state;
    cst_decoder_init(&decoder, CST_UTF8);
    assert_int_equal(cst_decoder_write(&decoder, text, "\xE2\x82", 2), 0);
    assert_int_equal(cst_decoder_held(&decoder), 2);
    assert_int_equal(cst_decoder_end(&decoder, text), 3);
    assert_int_equal(cst_decoder_held(&decoder), 0);
    assert_int_equal(cst_decoder_end(&decoder, text), 0);
    assert_int_equal(cst_decoder_write(&decoder, text, "a", 1), 1);
}

static void a_copy_goes_its_own_way(void **state)
{
    cst_decoder decoder, copy;
    char text[16];

    (void)state;
    cst_decoder_init(&decoder, CST_UTF8);
    cst_decoder_write(&decoder, text, "\xC3", 1);
    copy = decoder;
    assert_int_equal(cst_decoder_write(&decoder, text, "\xA9", 1), 2);
    assert_int_equal(cst_decoder_end(&copy, text), 3);
}

static void bounds_that_do_not_fit_are_size_max(void **state)
{
    cst_decoder decoder;

    (void)state;
    cst_decoder_init(&decoder, CST_UTF8);
    assert_int_equal(cst_decoder_bound(&decoder, SIZE_MAX), SIZE_MAX);
    assert_int_equal(cst_decoder_bound(&decoder, SIZE_MAX / 3 + 1), SIZE_MAX);
    assert_int_equal(cst_decoder_bound(&decoder, 4), 12);
    cst_decoder_init(&decoder, CST_HEX);
    assert_int_equal(cst_decoder_bound(&decoder, SIZE_MAX / 2 + 1), SIZE_MAX);
}

static void wrong_arguments_do_nothing(void **state)
{
    cst_decoder decoder;
    char text[16];

    (void)state;
    assert_int_equal(cst_decoder_init(NULL, CST_UTF8), CST_E_INVALID_ARG);
    assert_int_equal(cst_decoder_init(&decoder, (cst_encoding)7), CST_E_INVALID_ARG);
    assert_int_equal(cst_decoder_init(&decoder, CST_HEX), CST_OK);
    assert_int_equal(cst_decoder_write(NULL, text, "a", 1), 0);
    assert_int_equal(cst_decoder_write(&decoder, text, NULL, 0), 0);
    assert_int_equal(cst_decoder_length(NULL, "a", 1), 0);
    assert_int_equal(cst_decoder_end(NULL, text), 0);
    assert_int_equal(cst_decoder_held(NULL), 0);
    assert_int_equal(cst_decoder_bound(NULL, 1), 0);
}

static void slices_are_references_where_the_text_is_the_chunk(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    const cst_slice chunk = cst_slice_str("gr\xC3\xBC\xC3\x9F\xE2\x82");
    const cst_slice rest = cst_slice_str("\xAC");
    const cst_slice none = cst_slice_empty();
    cst_decoder decoder;
    cst_slice text;

    cst_decoder_init(&decoder, CST_UTF8);
    assert_int_equal(cst_decoder_write_slice(&text, &decoder, allocator, &chunk), CST_OK);
    assert_ptr_equal(text.data, chunk.data);
    assert_int_equal(text.len, 6);
    assert_int_equal(cst_decoder_write_slice(&text, &decoder, allocator, &none), CST_OK);
    assert_int_equal(text.len, 0);
    assert_int_equal(heap->calls, 0);
    test_heap_fail_from(heap, 1);
    assert_int_equal(cst_decoder_write_slice(&text, &decoder, allocator, &rest), CST_E_NOMEM);
    assert_int_equal(cst_decoder_held(&decoder), 2);
    test_heap_fail_never(heap);
    assert_int_equal(cst_decoder_write_slice(&text, &decoder, allocator, &rest), CST_OK);
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.data, "\xE2\x82\xAC", 3);
    cst_slice_unref(&text);
    assert_int_equal(cst_decoder_write_slice(NULL, &decoder, allocator, &rest), CST_E_INVALID_ARG);
    assert_int_equal(cst_decoder_write_slice(&text, NULL, allocator, &rest), CST_E_INVALID_ARG);
    assert_int_equal(cst_decoder_write_slice(&text, &decoder, NULL, &rest), CST_E_INVALID_ARG);
    assert_int_equal(cst_decoder_write_slice(&text, &decoder, allocator, NULL), CST_E_INVALID_ARG);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_chunk_gives_what_it_completes),
    cmocka_unit_test(what_cannot_become_a_character_is_replaced),
    cmocka_unit_test(the_end_gives_what_was_held),
    cmocka_unit_test(a_half_pair_is_held_however_its_bytes_come),
    cmocka_unit_test(every_split_gives_the_same_text),
    cmocka_unit_test(after_end_a_decoder_begins_anew),
    cmocka_unit_test(a_copy_goes_its_own_way),
    cmocka_unit_test(bounds_that_do_not_fit_are_size_max),
    cmocka_unit_test(wrong_arguments_do_nothing),
    cmocka_unit_test_setup_teardown(slices_are_references_where_the_text_is_the_chunk,
                                    test_heap_setup, test_heap_teardown),
};

TEST_MAIN(tests)

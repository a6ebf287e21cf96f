/* test_encoding.c - text.h: names, both ways, sizes, transcode; long input against one byte at a
 * time. */
#include "main.h"

#include <stdlib.h>
#include <string.h>

#include <cstream/text.h>

#include "heap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const cst_encoding encodings[] = { CST_UTF8, CST_UTF16LE, CST_LATIN1,   CST_ASCII,
                                          CST_HEX,  CST_BASE64,  CST_BASE64URL };

/* Bytes that may hold zeroes: of a literal, without its last. */
struct bytes {
    const char *data;
    size_t len;
};

#define BYTES(literal) { literal, sizeof(literal) - 1 }

/* --- names ------------------------------------------------------------------------------------ */

static void every_name_of_nodes_is_known_in_any_case(void **state)
{
    static const struct {
        const char *name;
        cst_encoding encoding;
    } rows[] = {
        { "utf8", CST_UTF8 },        { "UTF-8", CST_UTF8 },    { "utf16le", CST_UTF16LE },
        { "Utf-16LE", CST_UTF16LE }, { "UCS2", CST_UTF16LE },  { "ucs-2", CST_UTF16LE },
        { "latin1", CST_LATIN1 },    { "BINARY", CST_LATIN1 }, { "ascii", CST_ASCII },
        { "hEx", CST_HEX },          { "Base64", CST_BASE64 }, { "base64URL", CST_BASE64URL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cst_encoding encoding = CST_UTF8;

        assert_int_equal(cst_encoding_from_name(&encoding, rows[i].name), CST_OK);
        assert_int_equal(encoding, rows[i].encoding);
    }
}

static void other_names_are_refused(void **state)
{
    static const char *const names[] = { "",       "utf",        "utf88", "utf-16",
                                         "buffer", "base64-url", " hex" };
    cst_encoding encoding = CST_HEX;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(cst_encoding_from_name(&encoding, names[i]), CST_E_INVALID_ARG);
    assert_int_equal(cst_encoding_from_name(&encoding, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_encoding_from_name(NULL, "hex"), CST_E_INVALID_ARG);
    assert_int_equal(encoding, CST_HEX);
}

static void each_encoding_has_nodes_own_name(void **state)
{
    static const char *const names[] = { "utf8", "utf16le", "latin1",   "ascii",
                                         "hex",  "base64",  "base64url" };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(cst_encoding_name(encodings[i]), names[i]);
    assert_string_equal(cst_encoding_name((cst_encoding)7), "");
    assert_string_equal(cst_encoding_name((cst_encoding)-1), "");
}

/* --- both ways -------------------------------------------------------------------------------- */

struct way {
    cst_encoding encoding;
    struct bytes from, to;
};

static void expect_bytes(const uint8_t *got, size_t len, struct bytes expected)
{
    assert_int_equal(len, expected.len);
    if (len > 0)
        assert_memory_equal(got, expected.data, len);
}

static void texts_give_the_bytes_that_they_stand_for(void **state)
{
    static const struct way rows[] = {
        { CST_UTF8, BYTES("caf\xC3\xA9"), BYTES("caf\xC3\xA9") },
        { CST_UTF8, BYTES("\xE2\x82(\xFF"), BYTES("\xEF\xBF\xBD(\xEF\xBF\xBD") },
        { CST_UTF8, BYTES("\xED\xA0\x80"), BYTES("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") },
        { CST_UTF8, BYTES("\xF0\x9D\x84"), BYTES("\xEF\xBF\xBD") },
        { CST_UTF16LE, BYTES("a\xE2\x82\xAC\xF0\x9D\x84\x9E"),
          BYTES("a\0\xAC\x20\x34\xD8\x1E\xDD") },
        { CST_UTF16LE, BYTES("\xFF"), BYTES("\xFD\xFF") },
        { CST_LATIN1, BYTES("\xC3\xA9\xC5\x81\xF0\x9D\x84\x9E"), BYTES("\xE9\x41\x34\x1E") },
        { CST_ASCII, BYTES("a\xC3\xA9"), BYTES("a\xE9") },
        { CST_HEX, BYTES("00fFaB1"), BYTES("\0\xFF\xAB") },
        { CST_HEX, BYTES("61 62"), BYTES("a") },
        { CST_HEX, BYTES("616"), BYTES("a") },
        { CST_HEX, BYTES("g0"), BYTES("") },
        { CST_HEX, BYTES("\xC4\xB0\xC4\xB1"), BYTES("\x01") },
        { CST_BASE64, BYTES("YWJj"), BYTES("abc") },
        { CST_BASE64, BYTES("YWI="), BYTES("ab") },
        { CST_BASE64, BYTES("YQ"), BYTES("a") },
        { CST_BASE64, BYTES("YWJjZ"), BYTES("abc") },
        { CST_BASE64, BYTES("-_+/"), BYTES("\xFB\xFF\xBF") },
        { CST_BASE64, BYTES("Y*W\nJ\xC3\xA9j"), BYTES("abc") },
        { CST_BASE64, BYTES("YQ==YWJj"), BYTES("a") },
        { CST_BASE64URL, BYTES("+/-_"), BYTES("\xFB\xFF\xBF") },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t to[32];
        size_t size = sizeof to;

        assert_int_equal(
            cst_text_to_bytes(to, &size, rows[i].encoding, rows[i].from.data, rows[i].from.len),
            CST_OK);
        expect_bytes(to, size, rows[i].to);
    }
}

static void bytes_give_their_text(void **state)
{
    static const struct way rows[] = {
        { CST_UTF8, BYTES("a\0\xC3\xA9"), BYTES("a\0\xC3\xA9") },
        { CST_UTF8, BYTES("\xC0\x80"), BYTES("\xEF\xBF\xBD\xEF\xBF\xBD") },
        { CST_UTF16LE, BYTES("a\0\x34\xD8\x1E\xDD\0"), BYTES("a\xF0\x9D\x84\x9E") },
        { CST_UTF16LE, BYTES("\x1E\xDD\x34\xD8"), BYTES("\xEF\xBF\xBD\xEF\xBF\xBD") },
        { CST_UTF16LE, BYTES("\x1E\xDD\x1E\xDD"), BYTES("\xEF\xBF\xBD\xEF\xBF\xBD") },
        { CST_UTF16LE, BYTES("\x34\xD8\x41\0"), BYTES("\xEF\xBF\xBD\x41") },
        { CST_UTF16LE, BYTES("a"), BYTES("") },
        { CST_LATIN1, BYTES("a\xE9"), BYTES("a\xC3\xA9") },
        { CST_ASCII, BYTES("a\xE9"), BYTES("ai") },
        { CST_HEX, BYTES("\0\xFF\xAB"), BYTES("00ffab") },
        { CST_BASE64, BYTES("a"), BYTES("YQ==") },
        { CST_BASE64, BYTES("ab"), BYTES("YWI=") },
        { CST_BASE64, BYTES("\xFB\xFF\xBF"), BYTES("+/+/") },
        { CST_BASE64URL, BYTES("a"), BYTES("YQ") },
        { CST_BASE64URL, BYTES("ab"), BYTES("YWI") },
        { CST_BASE64URL, BYTES("\xFB\xFF\xBF"), BYTES("-_-_") },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t to[32];
        size_t size = sizeof to;

        assert_int_equal(
            cst_bytes_to_text(to, &size, rows[i].encoding, rows[i].from.data, rows[i].from.len),
            CST_OK);
        expect_bytes(to, size, rows[i].to);
        assert_int_equal(cst_text_length(rows[i].encoding, rows[i].from.data, rows[i].from.len),
                         size);
    }
}

/* --- long input: blocks have to say what bytes say -------------------------------------------- */

enum { LONGEST = 400 };

/* Pieces that a text is made of: of one to four bytes, at the edges of what is well-formed, and
 * ill-formed. */
static const struct bytes pieces[] = {
    BYTES("a"),
    BYTES("Z"),
    BYTES("0"),
    BYTES("\n"),
    BYTES("\x7F"),
    BYTES("\xC2\x80"),
    BYTES("\xDF\xBF"),
    BYTES("\xE0\xA0\x80"),
    BYTES("\xED\x9F\xBF"),
    BYTES("\xEE\x80\x80"),
    BYTES("\xEF\xBF\xBF"),
    BYTES("\xF0\x90\x80\x80"),
    BYTES("\xF4\x8F\xBF\xBF"),
    BYTES("abcdefghijklmnopqrstuvwxyz"),
};
static const struct bytes mistakes[] = {
    BYTES("\x80"),
    BYTES("\xBF"),
    BYTES("\xC0\x80"),
    BYTES("\xC1\xBF"),
    BYTES("\xC3"),
    BYTES("\xE0\x9F\xBF"),
    BYTES("\xED\xA0\x80"),
    BYTES("\xEF\xBF"),
    BYTES("\xF0\x8F\xBF\xBF"),
    BYTES("\xF4\x90\x80\x80"),
    BYTES("\xF5\x80\x80\x80"),
    BYTES("\xF0\x9F\x98"),
    BYTES("\xFF"),
    BYTES("\xE2\x28\xA1"),
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static size_t add(uint8_t *text, size_t len, struct bytes piece)
{
    if (len + piece.len > LONGEST)
        return len;
    memcpy(text + len, piece.data, piece.len);
    return len + piece.len;
}

/* A text of about len bytes, with count mistakes in it. */
static size_t random_text(uint8_t *text, size_t len, unsigned count, uint32_t *seed)
{
    size_t made = 0;
    size_t variety = 1 + next_random(seed) % COUNT(pieces);

    while (made < len)
        made = add(text, made, pieces[next_random(seed) % variety]);
    for (; count > 0; count--) {
        struct bytes mistake = mistakes[next_random(seed) % COUNT(mistakes)];

        if (made >= mistake.len)
            memcpy(text + next_random(seed) % (made - mistake.len + 1), mistake.data, mistake.len);
    }
    return made;
}

/* Well-formedness by the table of the Unicode standard, a byte at a time. */
static size_t good_character(const uint8_t *p, size_t left)
{
    size_t size = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;

    if (p[0] > 0xF4 || size == 0 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return size;
}

static bool is_good(const uint8_t *p, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t size = good_character(p + at, len - at);

        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

static void well_formed_is_what_the_standard_says(void **state)
{
    uint32_t seed = 1;
    size_t good = 0, bad = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t text[LONGEST];
        size_t len = random_text(text, next_random(&seed) % LONGEST, round % 3 / 2, &seed);

        assert_int_equal(cst_is_utf8(text, len), is_good(text, len));
        *(is_good(text, len) ? &good : &bad) += 1;
    }
    assert_in_range(good, 5000, 20000);
    assert_in_range(bad, 5000, 20000);
}

/* A mistake at every place of a text of every length around the sizes of blocks. */
static void one_mistake_is_seen_wherever_it_is(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 300; len += len < 160 ? 1 : 37) {
        for (size_t at = 0; at < len; at++) {
            uint8_t text[300];

            for (size_t i = 0; i < len; i++)
                text[i] = i % 2 == len % 2 ? 0xC3 : 0xA9;
            if (len % 2 == 1)
                text[0] = 'a';
            assert_true(cst_is_utf8(text, len));
            text[at] = 0xFF;
            assert_false(cst_is_utf8(text, len));
        }
    }
}

static void ascii_is_what_has_no_high_bit(void **state)
{
    uint8_t text[300];

    (void)state;
    for (size_t len = 0; len <= sizeof text; len++) {
        memset(text, 0x7F, sizeof text);
        assert_true(cst_is_ascii(text, len));
        assert_true(cst_is_utf8(text, len));
        if (len > 0) {
            text[(len * 7) % len] = 0x80;
            assert_false(cst_is_ascii(text, len));
            text[(len * 7) % len] = 0x7F;
            text[len - 1] = 0xFF;
            assert_false(cst_is_ascii(text, len));
        }
    }
    assert_true(cst_is_ascii(NULL, 0));
    assert_true(cst_is_utf8(NULL, 0));
}

/* One way of a text at once is what the ways of its parts are, where they are cut between whole
 * units. */
static void expect_sum_of_parts(cst_encoding encoding, const uint8_t *bytes, size_t len,
                                size_t unit)
{
    uint8_t whole[LONGEST * 3], parts[LONGEST * 3];
    size_t size = sizeof whole, made = 0;

    assert_int_equal(cst_bytes_to_text(whole, &size, encoding, bytes, len), CST_OK);
    for (size_t at = 0; at < len; at += unit) {
        size_t part = len - at < unit ? len - at : unit;
        size_t room = sizeof parts - made;

        assert_int_equal(cst_bytes_to_text(parts + made, &room, encoding, bytes + at, part),
                         CST_OK);
        made += room;
    }
    assert_int_equal(size, made);
    assert_memory_equal(whole, parts, made);
    assert_int_equal(cst_text_length(encoding, bytes, len), made);
}

static void blocks_of_bytes_give_what_single_bytes_do(void **state)
{
    uint32_t seed = 2;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t bytes[LONGEST];
        size_t len = next_random(&seed) % LONGEST;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)next_random(&seed) & (round % 2 == 0 ? 0xFF : 0x7F);
        expect_sum_of_parts(CST_HEX, bytes, len, 1);
        expect_sum_of_parts(CST_LATIN1, bytes, len, 1);
        expect_sum_of_parts(CST_ASCII, bytes, len, 1);
        expect_sum_of_parts(CST_BASE64, bytes, len, 3);
        expect_sum_of_parts(CST_BASE64URL, bytes, len, 3);
    }
}

/* Bytes to text and back are the same bytes. */
static void what_loses_nothing_comes_back(void **state)
{
    static const cst_encoding lossless[] = { CST_LATIN1, CST_HEX, CST_BASE64, CST_BASE64URL };
    uint32_t seed = 3;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        cst_encoding encoding = lossless[round % COUNT(lossless)];
        uint8_t bytes[LONGEST], text[LONGEST * 2], back[LONGEST];
        size_t len = next_random(&seed) % LONGEST;
        size_t size = sizeof text, room = sizeof back;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)next_random(&seed);
        assert_int_equal(cst_bytes_to_text(text, &size, encoding, bytes, len), CST_OK);
        assert_int_equal(cst_byte_length(encoding, text, size), len);
        assert_int_equal(cst_text_to_bytes(back, &room, encoding, text, size), CST_OK);
        assert_int_equal(room, len);
        assert_memory_equal(back, bytes, len);
    }
}

/* Text to UTF-16 and back is the text, repaired. */
static void utf16_and_back_is_the_repaired_text(void **state)
{
    uint32_t seed = 4;

    (void)state;
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t text[LONGEST], units[LONGEST * 2], back[LONGEST * 3], repaired[LONGEST * 3];
        size_t len = random_text(text, next_random(&seed) % LONGEST, round % 3, &seed);
        size_t size = sizeof units, room = sizeof back, expected = sizeof repaired;

        assert_int_equal(cst_text_to_bytes(units, &size, CST_UTF16LE, text, len), CST_OK);
        assert_int_equal(cst_byte_length(CST_UTF16LE, text, len), size);
        assert_int_equal(cst_bytes_to_text(back, &room, CST_UTF16LE, units, size), CST_OK);
        assert_int_equal(cst_text_length(CST_UTF16LE, units, size), room);
        assert_int_equal(cst_text_to_bytes(repaired, &expected, CST_UTF8, text, len), CST_OK);
        assert_int_equal(room, expected);
        assert_memory_equal(back, repaired, room);
        assert_true(cst_is_utf8(back, room));
    }
}

/* --- room ------------------------------------------------------------------------------------- */

/* Memory of just that size, so that a step beyond it shows. */
static void *exactly(size_t size)
{
    void *memory = size > 0 ? malloc(size) : NULL;

    assert_true(memory != NULL || size == 0);
    return memory;
}

typedef cst_status way_fn(void *to, size_t *size, cst_encoding encoding, const void *from,
                          size_t len);

static void expect_just_enough_room(way_fn *way, cst_encoding encoding, const uint8_t *from,
                                    size_t len, size_t need)
{
    uint8_t *to = exactly(need);
    size_t size = need;

    assert_int_equal(way(to, &size, encoding, from, len), CST_OK);
    assert_in_range(size, 0, need);
    if (need > 0) {
        size = need - 1;
        memset(to, 0x55, need);
        assert_int_equal(way(to, &size, encoding, from, len), CST_E_OUT_OF_RANGE);
        assert_int_equal(size, need);
        for (size_t i = 0; i < need; i++)
            assert_int_equal(to[i], 0x55);
    }
    free(to);
}

static void the_length_is_room_enough_and_one_byte_less_is_refused(void **state)
{
    uint32_t seed = 5;

    (void)state;
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t text[LONGEST];
        size_t len = random_text(text, next_random(&seed) % 150, round % 3, &seed);

        for (size_t e = 0; e < COUNT(encodings); e++) {
            size_t need = cst_byte_length(encodings[e], text, len);

            expect_just_enough_room(cst_text_to_bytes, encodings[e], text, len, need);
            need = cst_text_length(encodings[e], text, len);
            expect_just_enough_room(cst_bytes_to_text, encodings[e], text, len, need);
        }
    }
}

/* Digits among which there is something else, near the edges of blocks. */
static void digits_are_read_alike_in_blocks_and_singly(void **state)
{
    static const struct bytes between[] = { BYTES("="),        BYTES("\n"),
                                            BYTES("-"),        BYTES("\xC3\xA9"),
                                            BYTES("\xC5\x81"), BYTES("\xF0\x9D\x84\x9E") };

    (void)state;
    for (size_t at = 0; at < 140; at++) {
        for (size_t k = 0; k < COUNT(between); k++) {
            uint8_t text[160], spaced[LONGEST], one[LONGEST], two[LONGEST];
            size_t size = sizeof one, room = sizeof two, len = 0;

            memset(text, 'Q', sizeof text);
            memcpy(text + at, between[k].data, between[k].len);
            for (size_t i = 0; i < 150; i++) { /* blanks of which no block is made */
                spaced[len++] = text[i];
                if ((text[i] & 0x80) == 0)
                    spaced[len++] = ' ';
            }
            assert_int_equal(cst_text_to_bytes(one, &size, CST_BASE64, text, 150), CST_OK);
            assert_int_equal(cst_text_to_bytes(two, &room, CST_BASE64, spaced, len), CST_OK);
            assert_int_equal(size, room);
            assert_memory_equal(one, two, size);
        }
    }
}

static void hex_stops_at_the_pair_that_is_none(void **state)
{
    (void)state;
    for (size_t at = 0; at < 200; at++) {
        char text[200];
        uint8_t to[100];
        size_t size = sizeof to;

        memset(text, 'e', sizeof text);
        text[at] = 'g';
        assert_int_equal(cst_text_to_bytes(to, &size, CST_HEX, text, sizeof text), CST_OK);
        assert_int_equal(size, at / 2);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(to[i], 0xEE);
    }
}

static void wrong_arguments_are_refused(void **state)
{
    uint8_t to[8];
    size_t size = sizeof to;

    (void)state;
    assert_int_equal(cst_text_to_bytes(to, NULL, CST_HEX, "61", 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_text_to_bytes(to, &size, CST_HEX, NULL, 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_text_to_bytes(to, &size, (cst_encoding)7, "61", 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_bytes_to_text(to, NULL, CST_HEX, "a", 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_bytes_to_text(to, &size, CST_HEX, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_bytes_to_text(to, &size, (cst_encoding)7, "a", 1), CST_E_INVALID_ARG);
    assert_int_equal(size, sizeof to);
    assert_int_equal(cst_byte_length((cst_encoding)7, "a", 1), 0);
    assert_int_equal(cst_text_length(CST_HEX, NULL, 1), 0);
    assert_int_equal(cst_text_to_bytes(NULL, &size, CST_HEX, NULL, 0), CST_OK);
    assert_int_equal(size, 0);
    assert_int_equal(cst_bytes_to_text(NULL, &size, CST_UTF8, NULL, 0), CST_OK);
    assert_int_equal(size, 0);
}

/* --- slices ----------------------------------------------------------------------------------- */

static void slices_hold_just_the_result(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    const cst_slice bytes = cst_slice_str("a\xE9");
    cst_slice slice;

    assert_int_equal(cst_slice_from_text(&slice, allocator, CST_BASE64, "YW Jj=", 6), CST_OK);
    expect_bytes(slice.data, slice.len, (struct bytes)BYTES("abc"));
    cst_slice_unref(&slice);
    assert_int_equal(cst_slice_from_text(&slice, allocator, CST_HEX, "zz", 2), CST_OK);
    assert_int_equal(slice.len, 0);
    cst_slice_unref(&slice);
    assert_int_equal(cst_slice_from_text(&slice, allocator, CST_UTF8, NULL, 0), CST_OK);
    assert_int_equal(slice.len, 0);
    assert_int_equal(cst_slice_to_text(&slice, allocator, CST_LATIN1, &bytes), CST_OK);
    expect_bytes(slice.data, slice.len, (struct bytes)BYTES("a\xC3\xA9"));
    assert_int_equal(cst_slice_pinned_bytes(&slice), 3);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

static void text_that_is_its_own_is_a_reference(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    const cst_slice text = cst_slice_str("gr\xC3\xBC\xC3\x9F");
    const cst_slice ascii = cst_slice_str("abc");
    const cst_slice odd = cst_slice_str("a");
    cst_slice slice;

    assert_int_equal(cst_slice_to_text(&slice, allocator, CST_UTF8, &text), CST_OK);
    assert_ptr_equal(slice.data, text.data);
    assert_int_equal(cst_slice_to_text(&slice, allocator, CST_LATIN1, &ascii), CST_OK);
    assert_ptr_equal(slice.data, ascii.data);
    assert_int_equal(cst_slice_to_text(&slice, allocator, CST_ASCII, &ascii), CST_OK);
    assert_ptr_equal(slice.data, ascii.data);
    assert_int_equal(cst_slice_to_text(&slice, allocator, CST_UTF16LE, &odd), CST_OK);
    assert_int_equal(slice.len, 0);
    assert_int_equal(heap->calls, 0);
}

static void slices_without_memory_are_left_alone(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    const cst_slice bytes = cst_slice_str("a\xE9");
    cst_slice slice = cst_slice_str("kept");

    test_heap_fail_from(heap, 1);
    assert_int_equal(cst_slice_from_text(&slice, allocator, CST_HEX, "61", 2), CST_E_NOMEM);
    assert_int_equal(cst_slice_to_text(&slice, allocator, CST_HEX, &bytes), CST_E_NOMEM);
    assert_int_equal(cst_slice_transcode(&slice, allocator, &bytes, CST_LATIN1, CST_UTF8),
                     CST_E_NOMEM);
    assert_int_equal(slice.len, 4);
    assert_int_equal(cst_slice_from_text(NULL, allocator, CST_HEX, "61", 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_from_text(&slice, NULL, CST_HEX, "61", 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_from_text(&slice, allocator, CST_HEX, NULL, 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_to_text(&slice, allocator, CST_HEX, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_to_text(&slice, allocator, (cst_encoding)7, &bytes),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_transcode(&slice, allocator, NULL, CST_UTF8, CST_UTF8),
                     CST_E_INVALID_ARG);
}

/* --- transcode -------------------------------------------------------------------------------- */

static void transcode_has_nodes_substitutes(void **state)
{
    static const struct {
        cst_encoding from, to;
        struct bytes bytes, expected;
    } rows[] = {
        { CST_UTF8, CST_LATIN1, BYTES("\xC3\xA9\xE2\x82\xAC\x80"), BYTES("\xE9??") },
        { CST_UTF8, CST_ASCII, BYTES("\xC3\xA9\xF0\x9D\x84\x9E\xE2\x82(\xED\xA0\x80"),
          BYTES("\x3F\x3F\x3F(\x3F\x3F\x3F") },
        { CST_UTF8, CST_ASCII,
          BYTES("\xEF\xBB\xBF"
                "a\xC2\xAD\xE2\x80\x8D\xF3\xA0\x84\x80"
                "b"),
          BYTES("ab") },
        { CST_UTF8, CST_LATIN1, BYTES("\xC2\xAD\xEF\xBB\xBF"), BYTES("\xAD") },
        { CST_UTF8, CST_UTF8, BYTES("a\x80"), BYTES("a\xEF\xBF\xBD") },
        { CST_UTF8, CST_UTF16LE, BYTES("a\xF0\x9D\x84\x9E"), BYTES("a\0\x34\xD8\x1E\xDD") },
        { CST_UTF16LE, CST_UTF8,
          BYTES("\x34\xD8\x1E\xDD"
                "a"),
          BYTES("\xF0\x9D\x84\x9E") },
        { CST_UTF16LE, CST_UTF16LE,
          BYTES("\x34\xD8"
                "a\0b"),
          BYTES("\xFD\xFF"
                "a\0\xFD\xFF") },
        { CST_UTF16LE, CST_UTF16LE, BYTES("\x34\xD8\x1E"), BYTES("\xFD\xFF") },
        { CST_UTF16LE, CST_LATIN1, BYTES("\xE9\0\x34\xD8\x1E"), BYTES("\xE9?") },
        { CST_UTF16LE, CST_ASCII, BYTES("a"), BYTES("") },
        { CST_LATIN1, CST_ASCII, BYTES("a\xE9\xAD"), BYTES("a?") },
        { CST_LATIN1, CST_UTF8, BYTES("\xE9"), BYTES("\xC3\xA9") },
        { CST_ASCII, CST_LATIN1, BYTES("a\xE9"), BYTES("a?") },
        { CST_ASCII, CST_UTF8, BYTES("a\xE9"), BYTES("a\xEF\xBF\xBD") },
        { CST_ASCII, CST_UTF16LE, BYTES("a\xE9"), BYTES("a\0\xE9\0") },
    };
    struct test_heap *heap = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const cst_slice bytes = cst_slice_static(rows[i].bytes.data, rows[i].bytes.len);
        cst_slice slice;
        uint8_t to[32];
        size_t size = 0;
        cst_status st = rows[i].expected.len > 0 ? CST_E_OUT_OF_RANGE : CST_OK;

        assert_int_equal(
            cst_transcode(NULL, &size, bytes.data, bytes.len, rows[i].from, rows[i].to), st);
        assert_int_equal(size, rows[i].expected.len);
        assert_int_equal(cst_transcode(to, &size, bytes.data, bytes.len, rows[i].from, rows[i].to),
                         CST_OK);
        expect_bytes(to, size, rows[i].expected);
        assert_int_equal(cst_slice_transcode(&slice, test_heap_allocator(heap), &bytes,
                                             rows[i].from, rows[i].to),
                         CST_OK);
        expect_bytes(slice.data, slice.len, rows[i].expected);
        cst_slice_unref(&slice);
    }
}

static void between_utf8_and_utf16_nothing_may_be_ill_formed(void **state)
{
    uint8_t to[8];
    size_t size = sizeof to;

    (void)state;
    assert_int_equal(cst_transcode(to, &size, "\x80", 1, CST_UTF8, CST_UTF16LE),
                     CST_E_INVALID_CHAR_FOUND);
    assert_int_equal(cst_transcode(to, &size, "\x34\xD8", 2, CST_UTF16LE, CST_UTF8),
                     CST_E_INVALID_CHAR_FOUND);
    assert_int_equal(cst_transcode(to, &size, "a", 1, CST_UTF16LE, CST_UTF8),
                     CST_E_INVALID_CHAR_FOUND);
    assert_int_equal(cst_transcode(to, &size, "a", 1, CST_HEX, CST_UTF8), CST_E_INVALID_ARG);
    assert_int_equal(cst_transcode(to, &size, "a", 1, CST_UTF8, CST_BASE64), CST_E_INVALID_ARG);
    assert_int_equal(cst_transcode(to, &size, NULL, 1, CST_UTF8, CST_UTF8), CST_E_INVALID_ARG);
    assert_int_equal(cst_transcode(to, NULL, "a", 1, CST_UTF8, CST_UTF8), CST_E_INVALID_ARG);
    assert_int_equal(size, sizeof to);
    assert_int_equal(cst_transcode(to, &size, NULL, 0, CST_UTF16LE, CST_UTF8), CST_OK);
    assert_int_equal(size, 0);
}

#define WITH_HEAP(test) cmocka_unit_test_setup_teardown(test, test_heap_setup, test_heap_teardown)

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_name_of_nodes_is_known_in_any_case),
    cmocka_unit_test(other_names_are_refused),
    cmocka_unit_test(each_encoding_has_nodes_own_name),
    cmocka_unit_test(texts_give_the_bytes_that_they_stand_for),
    cmocka_unit_test(bytes_give_their_text),
    cmocka_unit_test(well_formed_is_what_the_standard_says),
    cmocka_unit_test(one_mistake_is_seen_wherever_it_is),
    cmocka_unit_test(ascii_is_what_has_no_high_bit),
    cmocka_unit_test(blocks_of_bytes_give_what_single_bytes_do),
    cmocka_unit_test(what_loses_nothing_comes_back),
    cmocka_unit_test(utf16_and_back_is_the_repaired_text),
    cmocka_unit_test(the_length_is_room_enough_and_one_byte_less_is_refused),
    cmocka_unit_test(digits_are_read_alike_in_blocks_and_singly),
    cmocka_unit_test(hex_stops_at_the_pair_that_is_none),
    cmocka_unit_test(wrong_arguments_are_refused),
    WITH_HEAP(slices_hold_just_the_result),
    WITH_HEAP(text_that_is_its_own_is_a_reference),
    WITH_HEAP(slices_without_memory_are_left_alone),
    WITH_HEAP(transcode_has_nodes_substitutes),
    cmocka_unit_test(between_utf8_and_utf16_nothing_may_be_ill_formed),
};

TEST_MAIN(tests)

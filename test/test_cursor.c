/*
 * test_cursor.c - reading a chain as if its chunks were joined.
 */
#include "main.h"

#include <string.h>

#include <cstream/chain.h>
#include <cstream/buffer.h>

#include "heap.h"

struct fixture {
    struct test_heap heap;
    cst_chain chain;
};

static int setup(void **state)
{
    static struct fixture fixture;

    test_heap_init(&fixture.heap);
    cst_chain_init(&fixture.chain, test_heap_allocator(&fixture.heap));
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cst_chain_fini(&f->chain);
    return f->heap.live_blocks == 0 ? 0 : -1;
}

static void append(struct fixture *f, const void *bytes, size_t len)
{
    assert_int_equal(cst_chain_append(&f->chain, cst_slice_static(bytes, len)), CST_OK);
}

/* What the numbers below are read from. */
static const uint8_t bytes[24] = { 0xF1, 0x02, 0xF3, 0x04, 0xC0, 0x49, 0x0F, 0xDB,
                                   0x40, 0x09, 0x21, 0xFB, 0x54, 0x44, 0x2D, 0x18,
                                   0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0x11 };

/* The bytes in chunks of this size, with an empty chunk between every two. */
static void append_in_chunks(struct fixture *f, size_t size)
{
    for (size_t at = 0; at < sizeof bytes; at += size) {
        append(f, bytes + at, size < sizeof bytes - at ? size : sizeof bytes - at);
        append(f, bytes, 0);
    }
}

/* Read at every place where the number fits, and where it does not. */
#define CHECK_NUMBER(f, name, type)                                                       \
    do {                                                                                  \
        for (size_t at = 0; at <= sizeof bytes; at++) {                                   \
            cst_cursor cursor = cst_cursor_of(&(f)->chain);                               \
            cst_cursor before;                                                            \
            type got, kept, expected;                                                     \
            cst_status status;                                                            \
                                                                                          \
            memset(&got, 0x5A, sizeof got);                                               \
            kept = got;                                                                   \
            assert_int_equal(cst_cursor_skip(&cursor, at), CST_OK);                       \
            before = cursor;                                                              \
            status = cst_cursor_get_##name(&got, &cursor);                                \
            if (at + sizeof got > sizeof bytes) {                                         \
                assert_int_equal(status, CST_EMPTY);                                      \
                assert_memory_equal(&got, &kept, sizeof got);                             \
                assert_memory_equal(&cursor, &before, sizeof cursor);                     \
                continue;                                                                 \
            }                                                                             \
            assert_int_equal(status, CST_OK);                                             \
            assert_int_equal(cst_get_##name(&expected, bytes, sizeof bytes, at), CST_OK); \
            assert_memory_equal(&got, &expected, sizeof got);                             \
            assert_int_equal(cst_cursor_position(&cursor), at + sizeof got);              \
            assert_int_equal(cst_cursor_left(&cursor), sizeof bytes - at - sizeof got);   \
        }                                                                                 \
    } while (0)

static void numbers_are_read_across_any_edges(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 1; size <= sizeof bytes; size++) {
        append_in_chunks(f, size);
        CHECK_NUMBER(f, u8, uint8_t);
        CHECK_NUMBER(f, i8, int8_t);
        CHECK_NUMBER(f, u16_le, uint16_t);
        CHECK_NUMBER(f, u16_be, uint16_t);
        CHECK_NUMBER(f, i16_le, int16_t);
        CHECK_NUMBER(f, i16_be, int16_t);
        CHECK_NUMBER(f, u32_le, uint32_t);
        CHECK_NUMBER(f, u32_be, uint32_t);
        CHECK_NUMBER(f, i32_le, int32_t);
        CHECK_NUMBER(f, i32_be, int32_t);
        CHECK_NUMBER(f, u64_le, uint64_t);
        CHECK_NUMBER(f, u64_be, uint64_t);
        CHECK_NUMBER(f, i64_le, int64_t);
        CHECK_NUMBER(f, i64_be, int64_t);
        CHECK_NUMBER(f, float_le, float);
        CHECK_NUMBER(f, float_be, float);
        CHECK_NUMBER(f, double_le, double);
        CHECK_NUMBER(f, double_be, double);
        cst_chain_fini(&f->chain);
    }
}

#define CHECK_WIDE(f, name, type)                                                           \
    do {                                                                                    \
        for (size_t width = 1; width <= 6; width++) {                                       \
            cst_cursor cursor = cst_cursor_of(&(f)->chain);                                 \
            size_t at = 0;                                                                  \
            type got = 77, expected;                                                        \
                                                                                            \
            for (; at + width <= sizeof bytes; at += width) {                               \
                assert_int_equal(cst_cursor_get_##name(&got, &cursor, width), CST_OK);      \
                assert_int_equal(cst_get_##name(&expected, bytes, sizeof bytes, at, width), \
                                 CST_OK);                                                   \
                assert_true(got == expected);                                               \
            }                                                                               \
            expected = got;                                                                 \
            assert_int_equal(cst_cursor_get_##name(&got, &cursor, width), CST_EMPTY);       \
            assert_int_equal(cst_cursor_get_##name(&got, &cursor, 0), CST_E_OUT_OF_RANGE);  \
            assert_int_equal(cst_cursor_get_##name(&got, &cursor, 7), CST_E_OUT_OF_RANGE);  \
            assert_true(got == expected);                                                   \
            assert_int_equal(cst_cursor_position(&cursor), at);                             \
        }                                                                                   \
    } while (0)

static void widths_are_read_across_any_edges(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 1; size <= sizeof bytes; size++) {
        append_in_chunks(f, size);
        CHECK_WIDE(f, uint_le, uint64_t);
        CHECK_WIDE(f, uint_be, uint64_t);
        CHECK_WIDE(f, int_le, int64_t);
        CHECK_WIDE(f, int_be, int64_t);
        cst_chain_fini(&f->chain);
    }
}

static void bytes_are_read_and_passed_across_edges(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 1; size <= sizeof bytes; size++) {
        append_in_chunks(f, size);
        for (size_t at = 0; at <= sizeof bytes; at++) {
            for (size_t n = 0; n <= sizeof bytes - at; n++) {
                cst_cursor cursor = cst_cursor_of(&f->chain);
                uint8_t got[sizeof bytes];

                assert_int_equal(cst_cursor_skip(&cursor, at), CST_OK);
                assert_int_equal(cst_cursor_read(got, &cursor, n), CST_OK);
                if (n > 0)
                    assert_memory_equal(got, bytes + at, n);
                assert_int_equal(cst_cursor_position(&cursor), at + n);
                assert_int_equal(cst_cursor_left(&cursor), sizeof bytes - at - n);
            }
        }
        cst_chain_fini(&f->chain);
    }
}

static void what_is_not_there_yet_is_not_begun(void **state)
{
    struct fixture *f = *state;
    uint8_t got[8] = "........";
    cst_cursor cursor, before;

    append(f, "abc", 3);
    append(f, "de", 2);
    cursor = cst_cursor_of(&f->chain);
    assert_int_equal(cst_cursor_skip(&cursor, 1), CST_OK);
    before = cursor;
    assert_int_equal(cst_cursor_read(got, &cursor, 5), CST_EMPTY);
    assert_int_equal(cst_cursor_skip(&cursor, 5), CST_EMPTY);
    assert_int_equal(cst_cursor_skip(&cursor, SIZE_MAX), CST_EMPTY);
    assert_memory_equal(&cursor, &before, sizeof cursor);
    assert_memory_equal(got, "........", 8);
    assert_int_equal(cst_cursor_read(got, &cursor, 4), CST_OK);
    assert_memory_equal(got, "bcde", 4);
}

static void spans_are_the_chunks_own_bytes(void **state)
{
    struct fixture *f = *state;
    static const char *const chunks[] = { "", "abc", "", "", "de", "" };
    const uint8_t *span;
    cst_cursor cursor;

    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++)
        append(f, chunks[i], strlen(chunks[i]));
    cursor = cst_cursor_of(&f->chain);
    assert_int_equal(cst_cursor_span(&span, &cursor), 3);
    assert_ptr_equal(span, chunks[1]);
    assert_int_equal(cst_cursor_skip(&cursor, 2), CST_OK);
    assert_int_equal(cst_cursor_span(&span, &cursor), 1);
    assert_ptr_equal(span, chunks[1] + 2);
    assert_int_equal(cst_cursor_skip(&cursor, 1), CST_OK);
    assert_int_equal(cst_cursor_span(&span, &cursor), 2);
    assert_ptr_equal(span, chunks[4]);
    assert_int_equal(cst_cursor_skip(&cursor, 2), CST_OK);
    assert_int_equal(cst_cursor_span(&span, &cursor), 0);
    assert_null(span);
}

/* Messages of a length and as many bytes, which come in small pieces. */
static void messages_are_consumed_as_they_become_whole(void **state)
{
    static const uint8_t wire[] = { 0, 3, 'a', 'b', 'c', 0, 0, 0, 2, 'd', 'e', 0, 1, 'f' };
    static const size_t whole_after[sizeof wire + 1] = { [5] = 5, [7] = 2, [11] = 4, [14] = 3 };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof wire; i++) {
        cst_cursor cursor;
        size_t whole = 0;
        uint16_t len;

        append(f, wire + i, 1);
        cursor = cst_cursor_of(&f->chain);
        while (cst_cursor_get_u16_be(&len, &cursor) == CST_OK &&
               cst_cursor_skip(&cursor, len) == CST_OK)
            whole = cst_cursor_position(&cursor);
        assert_int_equal(whole, whole_after[i + 1]);
        cst_chain_consume(&f->chain, whole);
    }
    assert_int_equal(cst_chain_bytes(&f->chain), 0);
}

static void a_copy_is_a_way_back(void **state)
{
    struct fixture *f = *state;
    cst_cursor cursor, back;
    uint8_t byte;

    append(f, "ab", 2);
    append(f, "cd", 2);
    cursor = cst_cursor_of(&f->chain);
    back = cursor;
    assert_int_equal(cst_cursor_skip(&cursor, 3), CST_OK);
    assert_int_equal(cst_cursor_get_u8(&byte, &cursor), CST_OK);
    assert_int_equal(byte, 'd');
    assert_int_equal(cst_cursor_get_u8(&byte, &back), CST_OK);
    assert_int_equal(byte, 'a');
}

static void slices_side_by_side_are_read_likewise(void **state)
{
    const cst_slice slices[3] = { cst_slice_empty(), cst_slice_str("ab"), cst_slice_str("cd") };
    cst_cursor cursor = cst_cursor_of_slices(slices, 3);
    uint32_t number;

    (void)state;
    assert_int_equal(cst_cursor_left(&cursor), 4);
    assert_int_equal(cst_cursor_get_u32_be(&number, &cursor), CST_OK);
    assert_int_equal(number, 0x61626364);
    cursor = cst_cursor_of_slices(slices, 2);
    assert_int_equal(cst_cursor_left(&cursor), 2);
}

static void slices_whose_sum_no_size_can_count_are_left_out(void **state)
{
    const cst_slice slices[] = { { .data = bytes, .len = 3 }, { .data = bytes, .len = SIZE_MAX } };
    cst_cursor cursor = cst_cursor_of_slices(slices, 2);

    (void)state;
    assert_int_equal(cst_cursor_left(&cursor), 3);
    assert_int_equal(cst_cursor_skip(&cursor, 3), CST_OK);
    assert_int_equal(cst_cursor_skip(&cursor, 1), CST_EMPTY);
}

static void nothing_is_read_from_nothing(void **state)
{
    struct fixture *f = *state;
    cst_cursor cursors[4];
    const uint8_t *span;
    uint8_t byte = 7;

    cursors[0] = cst_cursor_of(NULL);
    cursors[1] = cst_cursor_of(&f->chain);
    cursors[2] = cst_cursor_of_slices(NULL, 0);
    append(f, "", 0);
    cursors[3] = cst_cursor_of(&f->chain);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(cst_cursor_left(&cursors[i]), 0);
        assert_int_equal(cst_cursor_get_u8(&byte, &cursors[i]), CST_EMPTY);
        assert_int_equal(cst_cursor_read(NULL, &cursors[i], 0), CST_OK);
        assert_int_equal(cst_cursor_skip(&cursors[i], 0), CST_OK);
        assert_int_equal(cst_cursor_span(&span, &cursors[i]), 0);
    }
    assert_int_equal(byte, 7);
}

#define CURSOR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
    CURSOR_TEST(numbers_are_read_across_any_edges),
    CURSOR_TEST(widths_are_read_across_any_edges),
    CURSOR_TEST(bytes_are_read_and_passed_across_edges),
    CURSOR_TEST(what_is_not_there_yet_is_not_begun),
    CURSOR_TEST(spans_are_the_chunks_own_bytes),
    CURSOR_TEST(messages_are_consumed_as_they_become_whole),
    CURSOR_TEST(a_copy_is_a_way_back),
    CURSOR_TEST(slices_side_by_side_are_read_likewise),
    CURSOR_TEST(slices_whose_sum_no_size_can_count_are_left_out),
    CURSOR_TEST(nothing_is_read_from_nothing),
};

TEST_MAIN(tests)

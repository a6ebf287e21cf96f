/*
 * test_number.c - numbers in bytes: every accessor, both byte orders, and what is out of range.
 */
#include "main.h"

#include <stdlib.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include <cstream/buffer.h>

/* 0x01 to 0x08, and 0xF1 to 0xF8 whose numbers are negative. */
static const uint8_t low[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const uint8_t high[8] = { 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8 };

/* Read from both, compare, write back, compare the bytes. */
#define CHECK_FIXED(name, type, from_low, from_high)                                   \
    do {                                                                               \
        uint8_t bytes[16];                                                             \
        type number;                                                                   \
                                                                                       \
        assert_int_equal(cst_get_##name(&number, low, sizeof low, 0), CST_OK);         \
        assert_true(number == (from_low));                                             \
        assert_int_equal(cst_get_##name(&number, high, sizeof high, 0), CST_OK);       \
        assert_true(number == (from_high));                                            \
        for (size_t at = 0; at <= sizeof bytes - sizeof number; at++) {                \
            memset(bytes, 0xEE, sizeof bytes);                                         \
            assert_int_equal(cst_put_##name(bytes, sizeof bytes, at, number), CST_OK); \
            assert_memory_equal(bytes + at, high, sizeof number);                      \
            for (size_t i = 0; i < sizeof bytes; i++)                                  \
                assert_true((i >= at && i < at + sizeof number) || bytes[i] == 0xEE);  \
        }                                                                              \
    } while (0)

static void integers_have_the_byte_order_of_their_name(void **state)
{
    (void)state;
    CHECK_FIXED(u8, uint8_t, 1, 0xF1);
    CHECK_FIXED(i8, int8_t, 1, -15);
    CHECK_FIXED(u16_le, uint16_t, 0x0201, 0xF2F1);
    CHECK_FIXED(u16_be, uint16_t, 0x0102, 0xF1F2);
    CHECK_FIXED(i16_le, int16_t, 0x0201, 0xF2F1 - 0x10000);
    CHECK_FIXED(i16_be, int16_t, 0x0102, 0xF1F2 - 0x10000);
    CHECK_FIXED(u32_le, uint32_t, 0x04030201, 0xF4F3F2F1);
    CHECK_FIXED(u32_be, uint32_t, 0x01020304, 0xF1F2F3F4);
    CHECK_FIXED(i32_le, int32_t, 0x04030201, 0xF4F3F2F1 - INT64_C(0x100000000));
    CHECK_FIXED(i32_be, int32_t, 0x01020304, 0xF1F2F3F4 - INT64_C(0x100000000));
    CHECK_FIXED(u64_le, uint64_t, UINT64_C(0x0807060504030201), UINT64_C(0xF8F7F6F5F4F3F2F1));
    CHECK_FIXED(u64_be, uint64_t, UINT64_C(0x0102030405060708), UINT64_C(0xF1F2F3F4F5F6F7F8));
    CHECK_FIXED(i64_le, int64_t, INT64_C(0x0807060504030201), -INT64_C(0x0708090A0B0C0D0F));
    CHECK_FIXED(i64_be, int64_t, INT64_C(0x0102030405060708), -INT64_C(0x0E0D0C0B0A090808));
}

static void floats_are_ieee_754_in_the_byte_order_of_their_name(void **state)
{
    static const uint8_t float_be[4] = { 0xC0, 0x10, 0x00, 0x00 };
    static const uint8_t double_be[8] = { 0x3F, 0xF8, 0, 0, 0, 0, 0, 0 };
    uint8_t bytes[8], mirrored[8];
    float f;
    double d;

    (void)state;
    assert_int_equal(cst_put_float_be(bytes, sizeof bytes, 1, -2.25F), CST_OK);
    assert_memory_equal(bytes + 1, float_be, 4);
    assert_int_equal(cst_get_float_be(&f, bytes, sizeof bytes, 1), CST_OK);
    assert_true(f == -2.25F);
    assert_int_equal(cst_put_float_le(bytes, sizeof bytes, 3, f), CST_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(bytes[3 + i], float_be[3 - i]);
    assert_int_equal(cst_get_float_le(&f, bytes, sizeof bytes, 3), CST_OK);
    assert_true(f == -2.25F);

    assert_int_equal(cst_put_double_be(bytes, sizeof bytes, 0, 1.5), CST_OK);
    assert_memory_equal(bytes, double_be, 8);
    assert_int_equal(cst_get_double_be(&d, bytes, sizeof bytes, 0), CST_OK);
    assert_true(d == 1.5);
    assert_int_equal(cst_put_double_le(mirrored, sizeof mirrored, 0, d), CST_OK);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(mirrored[i], double_be[7 - i]);
    assert_int_equal(cst_get_double_le(&d, mirrored, sizeof mirrored, 0), CST_OK);
    assert_true(d == 1.5);
}

/* --- NaNs: their bits are copied and not computed with ---------------------------------------- */

static void float_keeps_bits(const uint8_t bits[4])
{
    uint8_t bytes[4], mirrored[4];
    float f;

    for (size_t i = 0; i < 4; i++)
        mirrored[i] = bits[3 - i];
    assert_int_equal(cst_get_float_be(&f, bits, 4, 0), CST_OK);
    assert_true(f != f);
    assert_int_equal(cst_put_float_be(bytes, sizeof bytes, 0, f), CST_OK);
    assert_memory_equal(bytes, bits, 4);
    assert_int_equal(cst_put_float_le(bytes, sizeof bytes, 0, f), CST_OK);
    assert_memory_equal(bytes, mirrored, 4);
    assert_int_equal(cst_get_float_le(&f, mirrored, 4, 0), CST_OK);
    assert_int_equal(cst_put_float_be(bytes, sizeof bytes, 0, f), CST_OK);
    assert_memory_equal(bytes, bits, 4);
}

static void double_keeps_bits(const uint8_t bits[8])
{
    uint8_t bytes[8], mirrored[8];
    double d;

    for (size_t i = 0; i < 8; i++)
        mirrored[i] = bits[7 - i];
    assert_int_equal(cst_get_double_be(&d, bits, 8, 0), CST_OK);
    assert_true(d != d);
    assert_int_equal(cst_put_double_be(bytes, sizeof bytes, 0, d), CST_OK);
    assert_memory_equal(bytes, bits, 8);
    assert_int_equal(cst_put_double_le(bytes, sizeof bytes, 0, d), CST_OK);
    assert_memory_equal(bytes, mirrored, 8);
    assert_int_equal(cst_get_double_le(&d, mirrored, 8, 0), CST_OK);
    assert_int_equal(cst_put_double_be(bytes, sizeof bytes, 0, d), CST_OK);
    assert_memory_equal(bytes, bits, 8);
}

/* JavaScript's own, the one with a sign, and one that carries a number. */
static void a_nan_keeps_its_bits(void **state)
{
    static const uint8_t floats[][4] = { { 0x7F, 0xC0, 0, 0 },
                                         { 0xFF, 0xC0, 0, 0 },
                                         { 0x7F, 0xF8, 0xDE, 0xAD } };
    static const uint8_t doubles[][8] = { { 0x7F, 0xF8, 0, 0, 0, 0, 0, 0 },
                                          { 0xFF, 0xF8, 0, 0, 0, 0, 0, 0 },
                                          { 0x7F, 0xF8, 0xDE, 0xAD, 0xBE, 0xEF, 0x12, 0x34 } };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        float_keeps_bits(floats[i]);
        double_keeps_bits(doubles[i]);
    }
}

/* Where it is passed on by an x87 unit it becomes a quiet one. */
static void a_signalling_nan_stays_one(void **state)
{
    static const uint8_t small[] = { 0x7F, 0x80, 0, 1 };
    static const uint8_t large[] = { 0xFF, 0xF0, 0, 0, 0, 0, 0, 1 };

    (void)state;
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
    skip();
#endif
    float_keeps_bits(small);
    double_keeps_bits(large);
}

/* Which they are is the machine's affair. */
static void a_nan_of_the_machine_is_written_as_it_is(void **state)
{
    const float f = NAN;
    const double d = (double)NAN;
    uint8_t bytes[8], bits[8];
    uint32_t float_bits = 0;
    uint64_t double_bits = 0;

    (void)state;
    memcpy(&float_bits, &f, sizeof f);
    memcpy(&double_bits, &d, sizeof d);
    cst_put_u32_be(bits, sizeof bits, 0, float_bits);
    assert_int_equal(cst_put_float_be(bytes, sizeof bytes, 0, f), CST_OK);
    assert_memory_equal(bytes, bits, 4);
    cst_put_u64_be(bits, sizeof bits, 0, double_bits);
    assert_int_equal(cst_put_double_be(bytes, sizeof bytes, 0, d), CST_OK);
    assert_memory_equal(bytes, bits, 8);
}

/* --- widths ----------------------------------------------------------------------------------- */

static void widths_of_1_to_6_bytes_are_read_and_written(void **state)
{
    (void)state;
    for (size_t width = 1; width <= 6; width++) {
        uint64_t little = 0, big = 0;
        const int64_t range = INT64_C(1) << 8 * width;
        uint64_t u = 0;
        int64_t i = 0;
        uint8_t bytes[8];

        for (size_t k = 0; k < width; k++) {
            little |= (uint64_t)high[k] << 8 * k;
            big = big << 8 | high[k];
        }
        assert_int_equal(cst_get_uint_le(&u, high, width, 0, width), CST_OK);
        assert_true(u == little);
        assert_int_equal(cst_get_uint_be(&u, high, width, 0, width), CST_OK);
        assert_true(u == big);
        assert_int_equal(cst_get_int_le(&i, high, width, 0, width), CST_OK);
        assert_true(i == (int64_t)little - range);
        assert_int_equal(cst_get_int_be(&i, high, width, 0, width), CST_OK);
        assert_true(i == (int64_t)big - range);

        memset(bytes, 0, sizeof bytes);
        assert_int_equal(cst_put_uint_le(bytes, sizeof bytes, 1, width, little), CST_OK);
        assert_memory_equal(bytes + 1, high, width);
        assert_int_equal(bytes[1 + width], 0);
        assert_int_equal(cst_put_uint_be(bytes, sizeof bytes, 2, width, big), CST_OK);
        assert_memory_equal(bytes + 2, high, width);
        assert_int_equal(cst_put_int_le(bytes, sizeof bytes, 0, width, (int64_t)little - range),
                         CST_OK);
        assert_memory_equal(bytes, high, width);
        assert_int_equal(cst_put_int_be(bytes, sizeof bytes, 2, width, (int64_t)big - range),
                         CST_OK);
        assert_memory_equal(bytes + 2, high, width);
    }
}

static void other_widths_are_out_of_range(void **state)
{
    static const size_t widths[] = { 0, 7, 8, 9, SIZE_MAX };
    uint8_t bytes[16] = { 0 };
    uint64_t u = 77;
    int64_t i = 77;

    (void)state;
    for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++) {
        assert_int_equal(cst_get_uint_le(&u, bytes, 16, 0, widths[k]), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_get_uint_be(&u, bytes, 16, 0, widths[k]), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_get_int_le(&i, bytes, 16, 0, widths[k]), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_get_int_be(&i, bytes, 16, 0, widths[k]), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_uint_le(bytes, 16, 0, widths[k], 1), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_uint_be(bytes, 16, 0, widths[k], 1), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_int_le(bytes, 16, 0, widths[k], 1), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_int_be(bytes, 16, 0, widths[k], 1), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_get_uint_le(&u, bytes, 0, 0, widths[k]), CST_E_OUT_OF_RANGE);
    }
    assert_true(u == 77);
    assert_true(i == 77);
    for (size_t k = 0; k < sizeof bytes; k++)
        assert_int_equal(bytes[k], 0);
}

/* --- what does not fit ------------------------------------------------------------------------ */

/* With one byte too few, at the last index, one behind it, and far behind it. */
#define CHECK_PLACES(name, type)                                                                  \
    do {                                                                                          \
        const size_t width = sizeof(type);                                                        \
        uint8_t *bytes = calloc(width + 2, 1);                                                    \
        type number = 77;                                                                         \
                                                                                                  \
        assert_non_null(bytes);                                                                   \
        for (size_t len = 0; len < width; len++) {                                                \
            assert_int_equal(cst_get_##name(&number, bytes, len, 0), CST_E_BUFFER_OUT_OF_BOUNDS); \
            assert_int_equal(cst_get_##name(&number, bytes, len, SIZE_MAX),                       \
                             CST_E_BUFFER_OUT_OF_BOUNDS);                                         \
            assert_int_equal(cst_put_##name(bytes, len, 0, 1), CST_E_BUFFER_OUT_OF_BOUNDS);       \
        }                                                                                         \
        assert_int_equal(cst_get_##name(&number, bytes, width + 2, 3), CST_E_OUT_OF_RANGE);       \
        assert_int_equal(cst_get_##name(&number, bytes, width, 1), CST_E_OUT_OF_RANGE);           \
        assert_int_equal(cst_get_##name(&number, bytes, width, SIZE_MAX), CST_E_OUT_OF_RANGE);    \
        assert_int_equal(cst_put_##name(bytes, width + 2, 3, 1), CST_E_OUT_OF_RANGE);             \
        assert_int_equal(cst_put_##name(bytes, width, SIZE_MAX, 1), CST_E_OUT_OF_RANGE);          \
        assert_true(number == 77);                                                                \
        for (size_t i = 0; i < width + 2; i++)                                                    \
            assert_int_equal(bytes[i], 0);                                                        \
        assert_int_equal(cst_put_##name(bytes, width + 2, 2, 1), CST_OK);                         \
        assert_int_equal(cst_get_##name(&number, bytes, width + 2, 2), CST_OK);                   \
        assert_true(number == 1);                                                                 \
        free(bytes);                                                                              \
    } while (0)

static void numbers_that_reach_past_the_end_are_refused(void **state)
{
    (void)state;
    CHECK_PLACES(u8, uint8_t);
    CHECK_PLACES(i8, int8_t);
    CHECK_PLACES(u16_le, uint16_t);
    CHECK_PLACES(u16_be, uint16_t);
    CHECK_PLACES(i16_le, int16_t);
    CHECK_PLACES(i16_be, int16_t);
    CHECK_PLACES(u32_le, uint32_t);
    CHECK_PLACES(u32_be, uint32_t);
    CHECK_PLACES(i32_le, int32_t);
    CHECK_PLACES(i32_be, int32_t);
    CHECK_PLACES(u64_le, uint64_t);
    CHECK_PLACES(u64_be, uint64_t);
    CHECK_PLACES(i64_le, int64_t);
    CHECK_PLACES(i64_be, int64_t);
    CHECK_PLACES(float_le, float);
    CHECK_PLACES(float_be, float);
    CHECK_PLACES(double_le, double);
    CHECK_PLACES(double_be, double);
}

static void widths_that_reach_past_the_end_are_refused(void **state)
{
    uint8_t bytes[6] = { 0 };
    uint64_t u = 77;
    int64_t i = 77;

    (void)state;
    assert_int_equal(cst_get_uint_le(&u, bytes, 5, 0, 6), CST_E_BUFFER_OUT_OF_BOUNDS);
    assert_int_equal(cst_get_int_be(&i, bytes, 5, 9, 6), CST_E_BUFFER_OUT_OF_BOUNDS);
    assert_int_equal(cst_get_uint_be(&u, bytes, 6, 1, 6), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_get_int_le(&i, bytes, 6, SIZE_MAX, 3), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_put_uint_le(bytes, 2, 0, 3, 1), CST_E_BUFFER_OUT_OF_BOUNDS);
    assert_int_equal(cst_put_int_be(bytes, 6, 4, 3, 1), CST_E_OUT_OF_RANGE);
    assert_true(u == 77);
    assert_true(i == 77);
}

#define CHECK_UNSIGNED_VALUES(name, most)                                                        \
    do {                                                                                         \
        uint8_t bytes[8] = { 0 };                                                                \
                                                                                                 \
        assert_int_equal(cst_put_##name(bytes, 8, 0, most), CST_OK);                             \
        memset(bytes, 0, sizeof bytes);                                                          \
        assert_int_equal(cst_put_##name(bytes, 8, 0, UINT64_C(1) + (most)), CST_E_OUT_OF_RANGE); \
        assert_int_equal(cst_put_##name(bytes, 8, 0, UINT64_MAX), CST_E_OUT_OF_RANGE);           \
        assert_int_equal(cst_put_##name(bytes, 0, 0, UINT64_MAX), CST_E_OUT_OF_RANGE);           \
        assert_int_equal(bytes[0], 0);                                                           \
    } while (0)

#define CHECK_SIGNED_VALUES(name, least, most)                                                   \
    do {                                                                                         \
        uint8_t bytes[8] = { 0 };                                                                \
                                                                                                 \
        assert_int_equal(cst_put_##name(bytes, 8, 0, most), CST_OK);                             \
        assert_int_equal(cst_put_##name(bytes, 8, 0, least), CST_OK);                            \
        memset(bytes, 0, sizeof bytes);                                                          \
        assert_int_equal(cst_put_##name(bytes, 8, 0, INT64_C(1) + (most)), CST_E_OUT_OF_RANGE);  \
        assert_int_equal(cst_put_##name(bytes, 8, 0, (least) - INT64_C(1)), CST_E_OUT_OF_RANGE); \
        assert_int_equal(cst_put_##name(bytes, 8, 0, INT64_MAX), CST_E_OUT_OF_RANGE);            \
        assert_int_equal(cst_put_##name(bytes, 0, 0, INT64_MIN), CST_E_OUT_OF_RANGE);            \
        assert_int_equal(bytes[0], 0);                                                           \
    } while (0)

static void values_that_the_bytes_cannot_hold_are_refused(void **state)
{
    uint8_t eight[8];

    (void)state;
    CHECK_UNSIGNED_VALUES(u8, UINT8_MAX);
    CHECK_UNSIGNED_VALUES(u16_le, UINT16_MAX);
    CHECK_UNSIGNED_VALUES(u16_be, UINT16_MAX);
    CHECK_UNSIGNED_VALUES(u32_le, UINT32_MAX);
    CHECK_UNSIGNED_VALUES(u32_be, UINT32_MAX);
    CHECK_SIGNED_VALUES(i8, INT8_MIN, INT8_MAX);
    CHECK_SIGNED_VALUES(i16_le, INT16_MIN, INT16_MAX);
    CHECK_SIGNED_VALUES(i16_be, INT16_MIN, INT16_MAX);
    CHECK_SIGNED_VALUES(i32_le, INT32_MIN, INT32_MAX);
    CHECK_SIGNED_VALUES(i32_be, INT32_MIN, INT32_MAX);
    assert_int_equal(cst_put_u64_le(eight, 8, 0, UINT64_MAX), CST_OK);
    assert_int_equal(cst_put_i64_be(eight, 8, 0, INT64_MIN), CST_OK);
    assert_int_equal(cst_put_i64_be(eight, 8, 0, INT64_MAX), CST_OK);
}

static void each_width_holds_its_own_range(void **state)
{
    uint8_t bytes[8];

    (void)state;
    for (size_t width = 1; width <= 6; width++) {
        const uint64_t most = (UINT64_C(1) << 8 * width) - 1;
        const int64_t half = INT64_C(1) << (8 * width - 1);

        assert_int_equal(cst_put_uint_le(bytes, 8, 0, width, most), CST_OK);
        assert_int_equal(cst_put_uint_be(bytes, 8, 0, width, most), CST_OK);
        assert_int_equal(cst_put_uint_le(bytes, 8, 0, width, most + 1), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_uint_be(bytes, 8, 0, width, most + 1), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_int_le(bytes, 8, 0, width, half - 1), CST_OK);
        assert_int_equal(cst_put_int_be(bytes, 8, 0, width, -half), CST_OK);
        assert_int_equal(cst_put_int_le(bytes, 8, 0, width, half), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_int_be(bytes, 8, 0, width, half), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_int_le(bytes, 8, 0, width, -half - 1), CST_E_OUT_OF_RANGE);
        assert_int_equal(cst_put_int_be(bytes, 8, 0, width, -half - 1), CST_E_OUT_OF_RANGE);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(integers_have_the_byte_order_of_their_name),
    cmocka_unit_test(floats_are_ieee_754_in_the_byte_order_of_their_name),
    cmocka_unit_test(a_nan_keeps_its_bits),
    cmocka_unit_test(a_signalling_nan_stays_one),
    cmocka_unit_test(a_nan_of_the_machine_is_written_as_it_is),
    cmocka_unit_test(widths_of_1_to_6_bytes_are_read_and_written),
    cmocka_unit_test(other_widths_are_out_of_range),
    cmocka_unit_test(numbers_that_reach_past_the_end_are_refused),
    cmocka_unit_test(widths_that_reach_past_the_end_are_refused),
    cmocka_unit_test(values_that_the_bytes_cannot_hold_are_refused),
    cmocka_unit_test(each_width_holds_its_own_range),
};

TEST_MAIN(tests)

/*
 * number.c - numbers in bytes.
 *
 * All numbers go through uint64_t: a number of `width` bytes is its lowest 8 * width bits. Most
 * widths are constants, so compilers remove most of the branches and copies below.
 */
#include "cstream/buffer.h"

#include <string.h>

#include "bytes/word.h"

enum order { LITTLE, BIG };

#define MAX_WIDTH ((size_t)6)

/* --- bits ------------------------------------------------------------------------------------- */

/*
 * Return the bits of a number; those above it are 0. Its bytes are copied to the front of a word,
 * which is the low end on a little-endian machine and the high end on the others.
 */
static inline uint64_t load_bits(const uint8_t *from, size_t width, enum order order)
{
    size_t unused = 8 * (sizeof(uint64_t) - width);
    uint64_t word = 0;

    memcpy(&word, from, width);
    if (cst__word_is_little())
        return order == LITTLE ? word : cst__word_reversed(word) >> unused;
    return order == LITTLE ? cst__word_reversed(word) : word >> unused;
}

/* Store the bits of a number; those above it do not count. */
static inline void store_bits(uint8_t *to, size_t width, enum order order, uint64_t bits)
{
    uint64_t high = bits << 8 * (sizeof(uint64_t) - width);
    uint64_t word = order == LITTLE ? bits : cst__word_reversed(high);

    if (!cst__word_is_little())
        word = order == LITTLE ? cst__word_reversed(bits) : high;
    memcpy(to, &word, width);
}

/* Return the number whose two's complement of width bytes these bits are. */
static inline int64_t as_signed(uint64_t bits, size_t width)
{
    uint64_t sign = UINT64_C(1) << (8 * width - 1);
    uint64_t extended = (bits ^ sign) - sign;
    int64_t number;

    memcpy(&number, &extended, sizeof(number));
    return number;
}

static inline uint64_t as_bits(int64_t number)
{
    return (uint64_t)number;
}

static inline float as_float(uint64_t bits)
{
    uint32_t half = (uint32_t)bits;
    float number;

    memcpy(&number, &half, sizeof(number));
    return number;
}

static inline uint64_t float_bits(float number)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static inline double as_double(uint64_t bits)
{
    double number;

    memcpy(&number, &bits, sizeof(number));
    return number;
}

static inline uint64_t double_bits(double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

/* --- checks ----------------------------------------------------------------------------------- */

static inline cst_status check_place(size_t len, size_t at, size_t width)
{
    if (len < width)
        return CST_E_BUFFER_OUT_OF_BOUNDS;
    return at <= len - width ? CST_OK : CST_E_OUT_OF_RANGE;
}

static inline bool is_width(size_t width)
{
    return width >= 1 && width <= MAX_WIDTH;
}

/* A shift by all 64 bits would be undefined. */
static inline bool fits_unsigned(uint64_t value, size_t width)
{
    return width == sizeof(value) || value >> 8 * width == 0;
}

/* Moved up by half their range, the numbers that fit are those from 0. */
static inline bool fits_signed(int64_t value, size_t width)
{
    return width == sizeof(value) ||
           fits_unsigned(as_bits(value) + (UINT64_C(1) << (8 * width - 1)), width);
}

/* --- reading ---------------------------------------------------------------------------------- */

static inline cst_status get(uint64_t *bits, const void *bytes, size_t len, size_t at, size_t width,
                             enum order order)
{
    cst_status status = check_place(len, at, width);

    if (status == CST_OK)
        *bits = load_bits((const uint8_t *)bytes + at, width, order);
    return status;
}

#define DEFINE_GET(name, type, width, order, number)                               \
    cst_status cst_get_##name(type *out, const void *bytes, size_t len, size_t at) \
    {                                                                              \
        uint64_t bits = 0;                                                         \
        cst_status status = get(&bits, bytes, len, at, width, order);              \
                                                                                   \
        if (status == CST_OK)                                                      \
            *out = (number);                                                       \
        return status;                                                             \
    }

DEFINE_GET(u8, uint8_t, 1, LITTLE, (uint8_t)bits)
DEFINE_GET(u16_le, uint16_t, 2, LITTLE, (uint16_t)bits)
DEFINE_GET(u16_be, uint16_t, 2, BIG, (uint16_t)bits)
DEFINE_GET(u32_le, uint32_t, 4, LITTLE, (uint32_t)bits)
DEFINE_GET(u32_be, uint32_t, 4, BIG, (uint32_t)bits)
DEFINE_GET(u64_le, uint64_t, 8, LITTLE, bits)
DEFINE_GET(u64_be, uint64_t, 8, BIG, bits)

DEFINE_GET(i8, int8_t, 1, LITTLE, (int8_t)as_signed(bits, 1))
DEFINE_GET(i16_le, int16_t, 2, LITTLE, (int16_t)as_signed(bits, 2))
DEFINE_GET(i16_be, int16_t, 2, BIG, (int16_t)as_signed(bits, 2))
DEFINE_GET(i32_le, int32_t, 4, LITTLE, (int32_t)as_signed(bits, 4))
DEFINE_GET(i32_be, int32_t, 4, BIG, (int32_t)as_signed(bits, 4))
DEFINE_GET(i64_le, int64_t, 8, LITTLE, as_signed(bits, 8))
DEFINE_GET(i64_be, int64_t, 8, BIG, as_signed(bits, 8))

DEFINE_GET(float_le, float, 4, LITTLE, as_float(bits))
DEFINE_GET(float_be, float, 4, BIG, as_float(bits))
DEFINE_GET(double_le, double, 8, LITTLE, as_double(bits))
DEFINE_GET(double_be, double, 8, BIG, as_double(bits))

static inline cst_status get_unsigned(uint64_t *out, const void *bytes, size_t len, size_t at,
                                      size_t width, enum order order)
{
    return is_width(width) ? get(out, bytes, len, at, width, order) : CST_E_OUT_OF_RANGE;
}

static inline cst_status get_signed(int64_t *out, const void *bytes, size_t len, size_t at,
                                    size_t width, enum order order)
{
    uint64_t bits = 0;
    cst_status status = get_unsigned(&bits, bytes, len, at, width, order);

    if (status == CST_OK)
        *out = as_signed(bits, width);
    return status;
}

cst_status cst_get_uint_le(uint64_t *out, const void *bytes, size_t len, size_t at, size_t width)
{
    return get_unsigned(out, bytes, len, at, width, LITTLE);
}

cst_status cst_get_uint_be(uint64_t *out, const void *bytes, size_t len, size_t at, size_t width)
{
    return get_unsigned(out, bytes, len, at, width, BIG);
}

cst_status cst_get_int_le(int64_t *out, const void *bytes, size_t len, size_t at, size_t width)
{
    return get_signed(out, bytes, len, at, width, LITTLE);
}

cst_status cst_get_int_be(int64_t *out, const void *bytes, size_t len, size_t at, size_t width)
{
    return get_signed(out, bytes, len, at, width, BIG);
}

/* --- writing ---------------------------------------------------------------------------------- */

static inline cst_status put(void *bytes, size_t len, size_t at, size_t width, enum order order,
                             uint64_t bits)
{
    cst_status status = check_place(len, at, width);

    if (status == CST_OK)
        store_bits((uint8_t *)bytes + at, width, order, bits);
    return status;
}

static inline cst_status put_unsigned(void *bytes, size_t len, size_t at, size_t width,
                                      enum order order, uint64_t value)
{
    if (!fits_unsigned(value, width))
        return CST_E_OUT_OF_RANGE;
    return put(bytes, len, at, width, order, value);
}

static inline cst_status put_signed(void *bytes, size_t len, size_t at, size_t width,
                                    enum order order, int64_t value)
{
    if (!fits_signed(value, width))
        return CST_E_OUT_OF_RANGE;
    return put(bytes, len, at, width, order, as_bits(value));
}

static inline cst_status put_float(void *bytes, size_t len, size_t at, size_t width,
                                   enum order order, float value)
{
    return put(bytes, len, at, width, order, float_bits(value));
}

static inline cst_status put_double(void *bytes, size_t len, size_t at, size_t width,
                                    enum order order, double value)
{
    return put(bytes, len, at, width, order, double_bits(value));
}

#define DEFINE_PUT(name, type, width, order, put_value)                       \
    cst_status cst_put_##name(void *bytes, size_t len, size_t at, type value) \
    {                                                                         \
        return put_value(bytes, len, at, width, order, value);                \
    }

DEFINE_PUT(u8, uint64_t, 1, LITTLE, put_unsigned)
DEFINE_PUT(u16_le, uint64_t, 2, LITTLE, put_unsigned)
DEFINE_PUT(u16_be, uint64_t, 2, BIG, put_unsigned)
DEFINE_PUT(u32_le, uint64_t, 4, LITTLE, put_unsigned)
DEFINE_PUT(u32_be, uint64_t, 4, BIG, put_unsigned)
DEFINE_PUT(u64_le, uint64_t, 8, LITTLE, put_unsigned)
DEFINE_PUT(u64_be, uint64_t, 8, BIG, put_unsigned)

DEFINE_PUT(i8, int64_t, 1, LITTLE, put_signed)
DEFINE_PUT(i16_le, int64_t, 2, LITTLE, put_signed)
DEFINE_PUT(i16_be, int64_t, 2, BIG, put_signed)
DEFINE_PUT(i32_le, int64_t, 4, LITTLE, put_signed)
DEFINE_PUT(i32_be, int64_t, 4, BIG, put_signed)
DEFINE_PUT(i64_le, int64_t, 8, LITTLE, put_signed)
DEFINE_PUT(i64_be, int64_t, 8, BIG, put_signed)

DEFINE_PUT(float_le, float, 4, LITTLE, put_float)
DEFINE_PUT(float_be, float, 4, BIG, put_float)
DEFINE_PUT(double_le, double, 8, LITTLE, put_double)
DEFINE_PUT(double_be, double, 8, BIG, put_double)

cst_status cst_put_uint_le(void *bytes, size_t len, size_t at, size_t width, uint64_t value)
{
    return is_width(width) ? put_unsigned(bytes, len, at, width, LITTLE, value)
                           : CST_E_OUT_OF_RANGE;
}

cst_status cst_put_uint_be(void *bytes, size_t len, size_t at, size_t width, uint64_t value)
{
    return is_width(width) ? put_unsigned(bytes, len, at, width, BIG, value) : CST_E_OUT_OF_RANGE;
}

cst_status cst_put_int_le(void *bytes, size_t len, size_t at, size_t width, int64_t value)
{
    return is_width(width) ? put_signed(bytes, len, at, width, LITTLE, value) : CST_E_OUT_OF_RANGE;
}

cst_status cst_put_int_be(void *bytes, size_t len, size_t at, size_t width, int64_t value)
{
    return is_width(width) ? put_signed(bytes, len, at, width, BIG, value) : CST_E_OUT_OF_RANGE;
}

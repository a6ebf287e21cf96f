/*
 * fuzz_number.c - a number is read as the one that its bytes spell; a cursor reads it too, wherever
 * its bytes are cut into chunks; written back, it has the bytes it was read from. What does not fit
 * is refused and changes nothing.
 */
#include "fuzz.h"

#include <cstream/chain.h>
#include <cstream/buffer.h>

#define MOST_BYTES 40
#define MOST_CHUNKS 12

/* Bytes of the input, a chain of chunks with these bytes, and the place to read at. */
struct scene {
    uint8_t *bytes;
    size_t len, at;
    cst_chain chain;
};

/* Read a number in the plain way, least significant byte last if `big`, else first. */
static uint64_t spelt(const struct scene *s, size_t width, bool big)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)s->bytes[s->at + i] << 8 * (big ? width - 1 - i : i);
    return value;
}

static cst_status expected(const struct scene *s, size_t width)
{
    if (width > s->len)
        return CST_E_BUFFER_OUT_OF_BOUNDS;
    return s->at > s->len - width ? CST_E_OUT_OF_RANGE : CST_OK;
}

/* Move the cursor to the place to read at. Return false if the chain is shorter. */
static bool cursor_there(cst_cursor *cursor, const struct scene *s)
{
    *cursor = cst_cursor_of(&s->chain);
    return cst_cursor_skip(cursor, s->at) == CST_OK;
}

/* Return the bits of a number of any type. As a number they need not mean anything. */
static uint64_t bits_of(const void *number, size_t width)
{
    const uint16_t one = 1;
    uint8_t low;
    uint64_t bits = 0;

    memcpy(&low, &one, 1);
    memcpy((uint8_t *)&bits + (low == 1 ? 0 : 8 - width), number, width);
    return bits;
}

#define CHECK_FIXED(s, name, type, big)                                                     \
    do {                                                                                    \
        uint8_t copy[MOST_BYTES];                                                           \
        type number = 0, again = 0;                                                         \
        cst_status status = cst_get_##name(&number, (s)->bytes, (s)->len, (s)->at);         \
        cst_cursor cursor;                                                                  \
                                                                                            \
        fuzz_require(status == expected(s, sizeof number));                                 \
        if (cursor_there(&cursor, s))                                                       \
            fuzz_require(cst_cursor_get_##name(&again, &cursor) ==                          \
                         (status == CST_OK ? CST_OK : CST_EMPTY));                          \
        fuzz_require(memcmp(&number, &again, sizeof number) == 0);                          \
        memset(copy, 0xA5, sizeof copy);                                                    \
        fuzz_require(cst_put_##name(copy, (s)->len, (s)->at, number) == status);            \
        if (status == CST_OK) {                                                             \
            fuzz_require(bits_of(&number, sizeof number) == spelt(s, sizeof number, big));  \
            fuzz_require(memcmp(copy + (s)->at, (s)->bytes + (s)->at, sizeof number) == 0); \
            memset(copy + (s)->at, 0xA5, sizeof number);                                    \
        }                                                                                   \
        for (size_t i = 0; i < sizeof copy; i++)                                            \
            fuzz_require(copy[i] == 0xA5);                                                  \
    } while (0)

static void check_fixed(const struct scene *s)
{
    CHECK_FIXED(s, u8, uint8_t, false);
    CHECK_FIXED(s, i8, int8_t, false);
    CHECK_FIXED(s, u16_le, uint16_t, false);
    CHECK_FIXED(s, u16_be, uint16_t, true);
    CHECK_FIXED(s, i16_le, int16_t, false);
    CHECK_FIXED(s, i16_be, int16_t, true);
    CHECK_FIXED(s, u32_le, uint32_t, false);
    CHECK_FIXED(s, u32_be, uint32_t, true);
    CHECK_FIXED(s, i32_le, int32_t, false);
    CHECK_FIXED(s, i32_be, int32_t, true);
    CHECK_FIXED(s, u64_le, uint64_t, false);
    CHECK_FIXED(s, u64_be, uint64_t, true);
    CHECK_FIXED(s, i64_le, int64_t, false);
    CHECK_FIXED(s, i64_be, int64_t, true);
    CHECK_FIXED(s, float_le, float, false);
    CHECK_FIXED(s, float_be, float, true);
    CHECK_FIXED(s, double_le, double, false);
    CHECK_FIXED(s, double_be, double, true);
}

#define CHECK_WIDE(s, name, type, width, big)                                                 \
    do {                                                                                      \
        uint8_t copy[MOST_BYTES] = { 0 };                                                     \
        const bool is_width = (width) >= 1 && (width) <= 6;                                   \
        const cst_status right = is_width ? expected(s, width) : CST_E_OUT_OF_RANGE;          \
        type number = 0, again = 0;                                                           \
        cst_cursor cursor;                                                                    \
                                                                                              \
        fuzz_require(cst_get_##name(&number, (s)->bytes, (s)->len, (s)->at, width) == right); \
        if (is_width && cursor_there(&cursor, s))                                             \
            fuzz_require(cst_cursor_get_##name(&again, &cursor, width) ==                     \
                         (right == CST_OK ? CST_OK : CST_EMPTY));                             \
        fuzz_require(number == again);                                                        \
        fuzz_require(cst_put_##name(copy, (s)->len, (s)->at, width, number) == right);        \
        if (right == CST_OK) {                                                                \
            const uint64_t mask = (UINT64_C(1) << 8 * (width)) - 1;                           \
                                                                                              \
            fuzz_require(((uint64_t)number & mask) == spelt(s, width, big));                  \
            fuzz_require(memcmp(copy + (s)->at, (s)->bytes + (s)->at, width) == 0);           \
        }                                                                                     \
    } while (0)

static void check_wide(const struct scene *s, size_t width)
{
    CHECK_WIDE(s, uint_le, uint64_t, width, false);
    CHECK_WIDE(s, uint_be, uint64_t, width, true);
    CHECK_WIDE(s, int_le, int64_t, width, false);
    CHECK_WIDE(s, int_be, int64_t, width, true);
}

static void cut(struct scene *s, struct fuzz_input *input)
{
    size_t count = fuzz_number(input, MOST_CHUNKS);
    size_t lens[MOST_CHUNKS];
    size_t at = 0;

    for (size_t i = 0; i < count; i++)
        lens[i] = fuzz_number(input, 9);
    s->len = MOST_BYTES;
    s->bytes = fuzz_take(input, &s->len);
    for (size_t i = 0; i <= count; i++) {
        size_t part = i < count && lens[i] < s->len - at ? lens[i] : s->len - at;

        fuzz_require(cst_chain_append(&s->chain, cst_slice_static(s->bytes + at, part)) == CST_OK);
        at += part;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { .data = data, .size = size };
    size_t width = fuzz_number(&input, 8);
    struct scene s = { .at = fuzz_number(&input, MOST_BYTES + 2) };

    cst_chain_init(&s.chain, cst_allocator_malloc());
    cut(&s, &input);
    check_fixed(&s);
    check_wide(&s, width);
    cst_chain_fini(&s.chain);
    free(s.bytes);
    return 0;
}

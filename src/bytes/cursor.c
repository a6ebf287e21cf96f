/*
 * cursor.c - reading a chain from front to back as if its chunks were joined.
 *
 * While bytes are left the cursor's chunk has bytes behind its offset: chunks that are empty or
 * used up are passed when the cursor moves.
 */
#include "cstream/chain.h"

#include <string.h>

#include "base/base.h"
#include "cstream/buffer.h"

static void pass_ended_chunks(cst_cursor *cursor)
{
    while (cursor->left > 0 && cursor->offset == cursor->chunk->len) {
        cursor->chunk++;
        cursor->offset = 0;
    }
}

cst_cursor cst_cursor_of(const cst_chain *chain)
{
    cst_cursor cursor = { .chunk = cst_chain_slices(chain), .left = cst_chain_bytes(chain) };

    pass_ended_chunks(&cursor);
    return cursor;
}

cst_cursor cst_cursor_of_slices(const cst_slice *slices, size_t count)
{
    cst_cursor cursor = { .chunk = slices };

    /* Slices beyond what a size can count are left out. */
    for (size_t i = 0; i < count && slices[i].len <= SIZE_MAX - cursor.left; i++)
        cursor.left += slices[i].len;
    pass_ended_chunks(&cursor);
    return cursor;
}

size_t cst_cursor_position(const cst_cursor *cursor)
{
    return cursor->position;
}

size_t cst_cursor_left(const cst_cursor *cursor)
{
    return cursor->left;
}

size_t cst_cursor_span(const uint8_t **out, const cst_cursor *cursor)
{
    if (cursor->left == 0) {
        *out = NULL;
        return 0;
    }
    *out = cursor->chunk->data + cursor->offset;
    return cursor->chunk->len - cursor->offset;
}

/* Move on by n bytes, at most those of the span. */
static void advance(cst_cursor *cursor, size_t n)
{
    cursor->offset += n;
    cursor->left -= n;
    cursor->position += n;
    pass_ended_chunks(cursor);
}

cst_status cst_cursor_read(void *to, cst_cursor *cursor, size_t n)
{
    uint8_t *end = to;

    if (n > cursor->left)
        return CST_EMPTY;
    while (n > 0) {
        const uint8_t *span;
        size_t part = cst__smaller(cst_cursor_span(&span, cursor), n);

        assert(part > 0); /* n bytes are left, so the cursor has a span */
        memcpy(end, span, part);
        advance(cursor, part);
        end += part;
        n -= part;
    }
    return CST_OK;
}

cst_status cst_cursor_skip(cst_cursor *cursor, size_t n)
{
    if (n > cursor->left)
        return CST_EMPTY;
    while (n > 0) {
        const uint8_t *span;
        size_t part = cst__smaller(cst_cursor_span(&span, cursor), n);

        advance(cursor, part);
        n -= part;
    }
    return CST_OK;
}

/* --- numbers ---------------------------------------------------------------------------------- */

/*
 * Pass a number of width bytes. Return where its bytes lie side by side: in the chunk, or copied
 * into `joined`. NULL: there are not enough.
 */
static const uint8_t *take_number(cst_cursor *cursor, uint8_t *joined, size_t width)
{
    const uint8_t *span;

    if (cst_cursor_span(&span, cursor) >= width) {
        advance(cursor, width);
        return span;
    }
    return cst_cursor_read(joined, cursor, width) == CST_OK ? joined : NULL;
}

#define DEFINE_CURSOR_GET(name, type)                                     \
    cst_status cst_cursor_get_##name(type *out, cst_cursor *cursor)       \
    {                                                                     \
        uint8_t joined[sizeof(*out)];                                     \
        const uint8_t *bytes = take_number(cursor, joined, sizeof(*out)); \
                                                                          \
        if (!bytes)                                                       \
            return CST_EMPTY;                                             \
        return cst_get_##name(out, bytes, sizeof(*out), 0);               \
    }

DEFINE_CURSOR_GET(u8, uint8_t)
DEFINE_CURSOR_GET(i8, int8_t)
DEFINE_CURSOR_GET(u16_le, uint16_t)
DEFINE_CURSOR_GET(u16_be, uint16_t)
DEFINE_CURSOR_GET(i16_le, int16_t)
DEFINE_CURSOR_GET(i16_be, int16_t)
DEFINE_CURSOR_GET(u32_le, uint32_t)
DEFINE_CURSOR_GET(u32_be, uint32_t)
DEFINE_CURSOR_GET(i32_le, int32_t)
DEFINE_CURSOR_GET(i32_be, int32_t)
DEFINE_CURSOR_GET(u64_le, uint64_t)
DEFINE_CURSOR_GET(u64_be, uint64_t)
DEFINE_CURSOR_GET(i64_le, int64_t)
DEFINE_CURSOR_GET(i64_be, int64_t)
DEFINE_CURSOR_GET(float_le, float)
DEFINE_CURSOR_GET(float_be, float)
DEFINE_CURSOR_GET(double_le, double)
DEFINE_CURSOR_GET(double_be, double)

#define MAX_WIDE ((size_t)6)

#define DEFINE_CURSOR_GET_WIDE(name, type)                                        \
    cst_status cst_cursor_get_##name(type *out, cst_cursor *cursor, size_t width) \
    {                                                                             \
        uint8_t joined[MAX_WIDE];                                                 \
        const uint8_t *bytes;                                                     \
                                                                                  \
        if (width < 1 || width > MAX_WIDE)                                        \
            return CST_E_OUT_OF_RANGE;                                            \
        bytes = take_number(cursor, joined, width);                               \
        if (!bytes)                                                               \
            return CST_EMPTY;                                                     \
        return cst_get_##name(out, bytes, width, 0, width);                       \
    }

DEFINE_CURSOR_GET_WIDE(uint_le, uint64_t)
DEFINE_CURSOR_GET_WIDE(uint_be, uint64_t)
DEFINE_CURSOR_GET_WIDE(int_le, int64_t)
DEFINE_CURSOR_GET_WIDE(int_be, int64_t)

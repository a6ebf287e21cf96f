/* varint.c - buffer.h, chain.h: numbers of seven bits a byte, the least significant first. */
#include "cstream/buffer.h"
#include "cstream/chain.h"

enum { MORE_FOLLOWS = 0x80, MOST_BYTES = 10 };

/* Add byte number i to *value. Return false if the number does not fit 64 bits. */
static bool add_byte(uint64_t *value, uint8_t byte, size_t i)
{
    if (i >= MOST_BYTES || (i == MOST_BYTES - 1 && byte > 1))
        return false;
    *value |= (uint64_t)(byte & (MORE_FOLLOWS - 1)) << (7 * i);
    return true;
}

cst_status cst_get_varint(uint64_t *out, size_t *width, const void *bytes, size_t len, size_t at)
{
    const uint8_t *from = bytes;
    uint64_t value = 0;

    for (size_t i = 0; at < len && i < len - at; i++) {
        if (!add_byte(&value, from[at + i], i))
            return CST_E_OUT_OF_RANGE;
        if (from[at + i] < MORE_FOLLOWS) {
            *out = value;
            *width = i + 1;
            return CST_OK;
        }
    }
    return CST_E_BUFFER_OUT_OF_BOUNDS;
}

cst_status cst_put_varint(size_t *width, void *bytes, size_t len, size_t at, uint64_t value)
{
    size_t needed = 1;
    uint8_t *to = bytes;

    for (uint64_t rest = value >> 7; rest > 0; rest >>= 7)
        needed++;
    if (at > len || needed > len - at)
        return CST_E_BUFFER_OUT_OF_BOUNDS;
    for (size_t i = 0; i < needed; i++, value >>= 7)
        to[at + i] = (uint8_t)((value & (MORE_FOLLOWS - 1)) | (i + 1 < needed ? MORE_FOLLOWS : 0));
    *width = needed;
    return CST_OK;
}

cst_status cst_cursor_get_varint(uint64_t *out, cst_cursor *cursor)
{
    cst_cursor ahead = *cursor;
    uint64_t value = 0;
    uint8_t byte = MORE_FOLLOWS;

    for (size_t i = 0; byte >= MORE_FOLLOWS; i++) {
        if (cst_cursor_get_u8(&byte, &ahead) != CST_OK)
            return CST_EMPTY;
        if (!add_byte(&value, byte, i))
            return CST_E_OUT_OF_RANGE;
    }
    *out = value;
    *cursor = ahead;
    return CST_OK;
}

/*
 * hex.c - hex, by blocks; one digit at a time if a block has anything but digits.
 */
#include "bytes/codecs.h"

/* Bytes of a block, which has twice as many digits. */
#define BLOCK 32

/* --- bytes to text ---------------------------------------------------------------------------- */

static inline uint8_t hex_digit(uint8_t value)
{
    return (uint8_t)(value + '0' + (CST__MASK(value > 9) & ('a' - '0' - 10)));
}

static inline void hex_write_block(uint8_t *restrict to, const uint8_t *restrict p)
{
    for (int i = 0; i < BLOCK; i++) {
        to[2 * i] = hex_digit(p[i] >> 4);
        to[2 * i + 1] = hex_digit(p[i] & 15);
    }
}

size_t cst__hex_to_text(uint8_t *to, const uint8_t *bytes, size_t len)
{
    size_t at = 0;

    for (; len - at >= BLOCK; at += BLOCK)
        hex_write_block(to + 2 * at, bytes + at);
    for (; at < len; at++) {
        to[2 * at] = hex_digit(bytes[at] >> 4);
        to[2 * at + 1] = hex_digit(bytes[at] & 15);
    }
    return 2 * len;
}

/* --- text to bytes ---------------------------------------------------------------------------- */

/* Return the value of a digit; above 15 if it is none. */
static inline uint8_t hex_value(uint8_t digit)
{
    uint8_t number = (uint8_t)(digit - '0');
    uint8_t letter = (uint8_t)((digit | 0x20) - 'a');

    return (uint8_t)((CST__MASK(number < 10) & number) |
                     (CST__MASK(letter < 6) & (uint8_t)(letter + 10)) |
                     (CST__MASK(number > 9) & CST__MASK(letter > 5)));
}

/*
 * Read a block. Return false if not all are digits: then nothing was written, since there may be no
 * room.
 */
static inline bool hex_read_block(uint8_t *restrict to, const uint8_t *restrict p)
{
    uint8_t values[2 * BLOCK];
    uint8_t all = 0;

    for (int i = 0; i < 2 * BLOCK; i++) {
        values[i] = hex_value(p[i]);
        all |= values[i];
    }
    if (all > 15)
        return false;
    for (int i = 0; i < BLOCK; i++)
        to[i] = (uint8_t)(values[2 * i] << 4 | values[2 * i + 1]);
    return true;
}

/* Read one digit; return whether it completed a byte. */
static bool hex_read_digit(struct cst__hex_reader *reader, uint8_t *to, uint8_t digit)
{
    uint8_t value = hex_value(digit);

    if (value > 15) {
        reader->stopped = true;
        return false;
    }
    reader->has_high = !reader->has_high;
    if (reader->has_high) {
        reader->high = value;
        return false;
    }
    *to = (uint8_t)(reader->high << 4 | value);
    return true;
}

size_t cst__hex_read(struct cst__hex_reader *reader, uint8_t *to, const uint8_t *text, size_t len)
{
    struct cst__units units = { .at = text, .end = text + len };
    uint8_t *out = to;

    if (reader->has_high && len > 0 && !reader->stopped)
        out += hex_read_digit(reader, out, cst__units_next(&units));
    while (!reader->stopped && !units.has_second && units.end - units.at >= 2 * BLOCK &&
           hex_read_block(out, units.at)) {
        units.at += 2 * BLOCK;
        out += BLOCK;
    }
    while (!cst__units_done(&units) && !reader->stopped)
        out += hex_read_digit(reader, out, cst__units_next(&units));
    return (size_t)(out - to);
}

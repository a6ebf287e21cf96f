/*
 * utf16.c - UTF-16 (the lower byte first) and Latin-1, from UTF-8 and to it.
 *
 * Blocks that are ASCII are converted whole. A block that is not is converted character by
 * character.
 */
#include "bytes/utf.h"

#include <string.h>

#define BLOCK 16

static inline bool is_ascii_16(const uint8_t *p)
{
    uint8_t all = 0;

    for (int i = 0; i < BLOCK; i++)
        all |= p[i];
    return all < 0x80;
}

/* Return whether BLOCK units are all ASCII. */
static inline bool is_ascii_units(const uint8_t *p)
{
    uint8_t low = 0, high = 0;

    for (int i = 0; i < BLOCK; i++) {
        low |= p[2 * i];
        high |= p[2 * i + 1];
    }
    return low < 0x80 && high == 0;
}

/* Return how far to go character by character: a block from here, or the end. */
static inline const uint8_t *slow_until(const uint8_t *p, const uint8_t *end)
{
    return end - p > BLOCK ? p + BLOCK : end;
}

/* --- UTF-16 ----------------------------------------------------------------------------------- */

static inline uint8_t *put_unit(uint8_t *to, uint32_t unit)
{
    to[0] = (uint8_t)unit;
    to[1] = (uint8_t)(unit >> 8);
    return to + 2;
}

static inline uint8_t *put_units(uint8_t *to, uint32_t code)
{
    if (code < 0x10000)
        return put_unit(to, code);
    to = put_unit(to, 0xD800 + ((code - 0x10000) >> 10));
    return put_unit(to, 0xDC00 + (code & 0x3FF));
}

static inline void widen(uint8_t *restrict to, const uint8_t *restrict p)
{
    for (int i = 0; i < BLOCK; i++) {
        to[2 * i] = p[i];
        to[2 * i + 1] = 0;
    }
}

size_t cst__utf16_from_text(uint8_t *to, const uint8_t *text, size_t len)
{
    const uint8_t *p = text, *end = text + len;
    uint8_t *out = to;

    while (p < end) {
        const uint8_t *until;

        for (; end - p >= BLOCK && is_ascii_16(p); p += BLOCK, out += 2 * BLOCK)
            widen(out, p);
        until = slow_until(p, end);
        while (p < until)
            out = put_units(out, cst__or_replacement(cst__utf8_next(&p, end)));
    }
    return (size_t)(out - to);
}

/*
 * Write the lower bytes. The upper bytes are zero; reading them too leaves no gaps, so that a
 * compiler can use vectors.
 */
static inline void narrow(uint8_t *restrict to, const uint8_t *restrict p)
{
    for (int i = 0; i < BLOCK; i++)
        to[i] = p[2 * i] | p[2 * i + 1];
}

size_t cst__utf16_to_text(uint8_t *to, const uint8_t *bytes, size_t len)
{
    const uint8_t *p = bytes, *end = bytes + (len & ~(size_t)1);
    uint8_t *out = to;

    while (p < end) {
        const uint8_t *until;

        for (; end - p >= 2 * BLOCK && is_ascii_units(p); p += 2 * BLOCK, out += BLOCK)
            narrow(out, p);
        until = slow_until(p, end);
        while (p < until)
            out += cst__utf8_put(out, cst__or_replacement(cst__utf16_next(&p, end)));
    }
    return (size_t)(out - to);
}

size_t cst__utf16_text_length(const uint8_t *bytes, size_t len)
{
    const uint8_t *p = bytes, *end = bytes + (len & ~(size_t)1);
    size_t length = 0;

    while (p < end) {
        const uint8_t *until;

        for (; end - p >= 2 * BLOCK && is_ascii_units(p); p += 2 * BLOCK)
            length = cst__size_add(length, BLOCK);
        until = slow_until(p, end);
        while (p < until)
            length = cst__size_add(length,
                                   cst__utf8_size(cst__or_replacement(cst__utf16_next(&p, end))));
    }
    return length;
}

/* --- Latin-1 ---------------------------------------------------------------------------------- */

/* Write the lower byte of each unit: of a pair of surrogates that is two bytes. */
static inline uint8_t *put_lower_bytes(uint8_t *to, uint32_t code)
{
    if (code >= 0x10000)
        *to++ = (uint8_t)((code - 0x10000) >> 10);
    *to++ = (uint8_t)code;
    return to;
}

size_t cst__latin1_from_text(uint8_t *to, const uint8_t *text, size_t len)
{
    const uint8_t *p = text, *end = text + len;
    uint8_t *out = to;

    while (p < end) {
        const uint8_t *until;

        for (; end - p >= BLOCK && is_ascii_16(p); p += BLOCK, out += BLOCK)
            memcpy(out, p, BLOCK);
        until = slow_until(p, end);
        while (p < until)
            out = put_lower_bytes(out, cst__or_replacement(cst__utf8_next(&p, end)));
    }
    return (size_t)(out - to);
}

size_t cst__latin1_to_text(uint8_t *to, const uint8_t *bytes, size_t len)
{
    const uint8_t *p = bytes, *end = bytes + len;
    uint8_t *out = to;

    while (p < end) {
        const uint8_t *until;

        for (; end - p >= BLOCK && is_ascii_16(p); p += BLOCK, out += BLOCK)
            memcpy(out, p, BLOCK);
        for (until = slow_until(p, end); p < until; p++)
            out += cst__utf8_put(out, *p);
    }
    return (size_t)(out - to);
}

size_t cst__latin1_text_length(const uint8_t *bytes, size_t len)
{
    size_t length = len;

    for (size_t i = 0; i < len; i++)
        length = cst__size_add(length, bytes[i] >> 7);
    return length;
}

/*
 * utf8.c - UTF-8: whether it is well-formed, and writing it with U+FFFD for ill-formed parts.
 *
 * A block is checked without looking for characters. Each byte is compared with the three before
 * it:
 *
 *      a byte must continue a character   if the byte before is a lead, or the byte two before is a
 *                                         lead of three or four bytes, or the byte three before is
 *                                         a lead of four bytes
 *      a byte does continue a character   if it is 80 to BF
 *
 * The two have to agree everywhere, and no byte may be C0 or C1. What is left to check are pairs:
 * E0 and less than A0, ED and A0 or more, F0 and less than 90, F4 and 90 or more, F5 and above.
 * They are looked at only if a block has such a lead.
 */
#include "bytes/utf.h"

#include <string.h>

/*
 * The block of a long text, and the block of what is left of it. At most 255 bytes, since mistakes
 * are counted in a byte.
 */
#define BLOCK 128
#define SMALL_BLOCK 32

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* --- one character ---------------------------------------------------------------------------- */

uint32_t cst__utf8_next_wide(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    uint32_t lead = *p++;
    uint32_t code;
    uint8_t low, high;
    unsigned more;

    *at = p;
    if (lead < 0xC2 || lead > 0xF4)
        return CST__ILL_FORMED;
    /*
     * The second byte tells what is wrong otherwise: too long a form, a surrogate, above U+10FFFF.
     */
    low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    more = 1u + (lead >= 0xE0) + (lead >= 0xF0);
    code = lead & (0x3Fu >> more);
    do {
        if (p == end || *p < low || *p > high)
            return CST__ILL_FORMED;
        code = code << 6 | (*p++ & 0x3Fu);
        *at = p;
        low = 0x80;
        high = 0xBF;
    } while (--more > 0);
    return code;
}

size_t cst__utf8_put_wide(uint8_t *to, uint32_t code)
{
    if (code < 0x800) {
        to[0] = (uint8_t)(0xC0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (uint8_t)(0xE0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        to[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    to[0] = (uint8_t)(0xF0 | code >> 18);
    to[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    to[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    to[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static inline bool is_ascii_block(const uint8_t *p)
{
    uint8_t all = 0;

    for (int i = 0; i < BLOCK; i++)
        all |= p[i];
    return all < 0x80;
}

static inline bool is_ascii_word(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return (word & HIGH_BITS) == 0;
}

/* Pass ASCII by words. Up to 7 bytes of it may be left. */
static inline const uint8_t *skip_ascii(const uint8_t *p, const uint8_t *end)
{
    while (end - p >= BLOCK && is_ascii_block(p))
        p += BLOCK;
    while (end - p >= 8 && is_ascii_word(p))
        p += 8;
    return p;
}

/* Return all ones for a pair that begins no character of three bytes, or of four. */
static inline uint8_t bad_three(uint8_t lead, uint8_t next)
{
    return CST__MASK(lead == (0xE0 | (CST__MASK((int8_t)next >= -0x60) & 0x0D)));
}

static inline uint8_t bad_four(uint8_t lead, uint8_t next)
{
    return CST__MASK(lead == (0xF0 | (CST__MASK((int8_t)next >= -0x70) & 0x04))) |
           CST__MASK(lead > 0xF4);
}

static inline bool has_bad_three(const uint8_t *p)
{
    uint8_t bad = 0;

    for (int i = 0; i < BLOCK; i++)
        bad = (uint8_t)(bad + bad_three(p[i - 1], p[i]));
    return bad != 0;
}

static inline bool has_bad_four(const uint8_t *p)
{
    uint8_t bad = 0;

    for (int i = 0; i < BLOCK; i++)
        bad = (uint8_t)(bad | bad_four(p[i - 1], p[i]));
    return bad != 0;
}

/*
 * Return all ones if the byte should continue a character and does not, or the reverse, or is C0 or
 * C1.
 */
static inline uint8_t bad_byte(const uint8_t *p, uint8_t four)
{
    uint8_t due = CST__MASK(p[-1] >= 0xC0) | CST__MASK(p[-2] >= 0xE0) | four;
    uint8_t is = CST__MASK((int8_t)p[0] < -0x40);

    return (due ^ is) | CST__MASK((p[0] & 0xFE) == 0xC0);
}

/* Return whether a block is good after what is before it. Three bytes before it can be read. */
static inline bool is_good_block(const uint8_t *p)
{
    uint8_t bad = 0, threes = 0, fours = 0;

    for (int i = 0; i < BLOCK; i++) {
        uint8_t four = CST__MASK(p[i - 3] >= 0xF0);

        /* Sums, not ors: not every compiler turns an or of masks into vector instructions. */
        bad = (uint8_t)(bad + bad_byte(p + i, four));
        threes = (uint8_t)(threes + (CST__MASK(p[i - 1] == 0xE0) | CST__MASK(p[i - 1] == 0xED)));
        fours = (uint8_t)(fours + four);
    }
    /* A lead of four is noticed three bytes behind it: the last two are checked here. */
    bad |= bad_four(p[BLOCK - 3], p[BLOCK - 2]) | bad_four(p[BLOCK - 2], p[BLOCK - 1]);
    return bad == 0 && (threes == 0 || !has_bad_three(p)) && (fours == 0 || !has_bad_four(p));
}

/* Return whether a small block is good after what is before it, in one pass. */
static inline bool is_good_small_block(const uint8_t *p)
{
    uint8_t bad = 0;

    for (int i = 0; i < SMALL_BLOCK; i++)
        bad = (uint8_t)(bad + (bad_byte(p + i, CST__MASK(p[i - 3] >= 0xF0)) |
                               bad_three(p[i - 1], p[i]) | bad_four(p[i - 1], p[i])));
    return bad == 0;
}

/* Return whether a character is open at p, which is at least three bytes behind the start. */
static bool is_open(const uint8_t *p)
{
    return p[-1] >= 0xC0 || p[-2] >= 0xE0 || p[-3] >= 0xF0;
}

/* Return where the character begins that is open at p; p if none is open. */
static const uint8_t *back_to_bound(const uint8_t *p)
{
    if (p[-1] >= 0xC0)
        return p - 1;
    if (p[-2] >= 0xE0)
        return p - 2;
    return p[-3] >= 0xF0 ? p - 3 : p;
}

/* Pass good blocks; return where they end, which may be inside a character. */
static const uint8_t *skip_blocks(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= BLOCK; p += BLOCK) {
        if (is_ascii_block(p) ? is_open(p) : !is_good_block(p))
            return p;
    }
    for (; end - p >= SMALL_BLOCK; p += SMALL_BLOCK) {
        if (!is_good_small_block(p))
            return p;
    }
    return p;
}

/* --- how far it is good ----------------------------------------------------------------------- */

/* Pass character after character; return where the first bad one begins, or end. */
static const uint8_t *skip_characters(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        const uint8_t *next = p;

        if (end - p >= 8 && is_ascii_word(p)) {
            p += 8;
            continue;
        }
        if (cst__utf8_next(&next, end) == CST__ILL_FORMED)
            return p;
        p = next;
    }
    return end;
}

size_t cst__utf8_good(const uint8_t *text, size_t len)
{
    const uint8_t *end = text + len;
    const uint8_t *p = skip_ascii(text, end);

    if (end - p >= SMALL_BLOCK + 6) {
        /* A block looks three bytes back: the first characters are passed one by one. */
        while (p - text < 3) {
            const uint8_t *next = p;

            if (cst__utf8_next(&next, end) == CST__ILL_FORMED)
                return (size_t)(p - text);
            p = next;
        }
        p = skip_blocks(p, end);
        /* What is left is less than a block: take one that ends with the text and overlaps. */
        if (end - p < SMALL_BLOCK && is_good_small_block(end - SMALL_BLOCK))
            p = end;
        p = back_to_bound(p);
    }
    return (size_t)(skip_characters(p, end) - text);
}

bool cst_is_utf8(const void *bytes, size_t len)
{
    return len == 0 || cst__utf8_good(bytes, len) == len;
}

/* --- ASCII ------------------------------------------------------------------------------------ */

size_t cst__ascii_run(const uint8_t *text, size_t len)
{
    const uint8_t *end = text + len;
    const uint8_t *p = skip_ascii(text, end);

    while (p < end && *p < 0x80)
        p++;
    return (size_t)(p - text);
}

bool cst_is_ascii(const void *bytes, size_t len)
{
    return len == 0 || cst__ascii_run(bytes, len) == len;
}

/* --- UTF-16 units ----------------------------------------------------------------------------- */

/*
 * Return the units of the character that a byte begins: 1, or 2 for four bytes; 0 if it begins
 * none.
 */
static inline uint8_t units_of(uint8_t byte)
{
    return (uint8_t)(0u - (CST__MASK((int8_t)byte >= -0x40) + (unsigned)CST__MASK(byte >= 0xF0)));
}

/* Return how many units a well-formed text has. */
static size_t count_units(const uint8_t *p, size_t len)
{
    size_t units = 0;
    size_t at = 0;

    for (; len - at >= 64; at += 64) {
        uint8_t block = 0;

        for (int i = 0; i < 64; i++)
            block = (uint8_t)(block + units_of(p[at + (size_t)i]));
        units += block;
    }
    for (; at < len; at++)
        units += units_of(p[at]);
    return units;
}

size_t cst__utf8_units(const uint8_t *text, size_t len)
{
    const uint8_t *p = text, *end = text + len;
    size_t units = 0;

    while (p < end) {
        size_t good = cst__utf8_good(p, (size_t)(end - p));

        units += count_units(p, good);
        p += good;
        if (p < end) {
            cst__utf8_next(&p, end);
            units++;
        }
    }
    return units;
}

/* --- repair ----------------------------------------------------------------------------------- */

/*
 * Ill-formed parts often come together: after one, the next SLOW_STEPS characters go one by one.
 */
#define SLOW_STEPS 16

size_t cst__utf8_repair(uint8_t *to, const uint8_t *text, size_t len)
{
    const uint8_t *p = text, *end = text + len;
    uint8_t *out = to;

    while (p < end) {
        size_t good = cst__utf8_good(p, (size_t)(end - p));

        memcpy(out, p, good);
        out += good;
        p += good;
        for (int i = 0; i < SLOW_STEPS && p < end; i++)
            out += cst__utf8_put(out, cst__or_replacement(cst__utf8_next(&p, end)));
    }
    return (size_t)(out - to);
}

size_t cst__utf8_repaired_length(const uint8_t *text, size_t len)
{
    const uint8_t *p = text, *end = text + len;
    size_t length = 0;

    while (p < end) {
        size_t good = cst__utf8_good(p, (size_t)(end - p));

        length = cst__size_add(length, good);
        p += good;
        for (int i = 0; i < SLOW_STEPS && p < end; i++)
            length =
                cst__size_add(length, cst__utf8_size(cst__or_replacement(cst__utf8_next(&p, end))));
    }
    return length;
}

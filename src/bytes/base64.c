/*
 * base64.c - base64 in both alphabets, by blocks; one character at a time if a block has anything
 * but digits.
 *
 * A block is a number of groups, each of three bytes and four digits. The bits of many groups are
 * moved into place at once, each group in a word of 32 bits whose lowest byte is the first in
 * memory. A little-endian machine loads such a word as it is. Other machines take one group
 * after the other.
 */
#include "bytes/codecs.h"

#include <string.h>

/* Groups of a block: many, since what is stored as words is loaded again as vectors. */
#define GROUPS 16

static inline bool lowest_byte_first(void)
{
    const uint16_t one = 1;
    uint8_t first;

    memcpy(&first, &one, 1);
    return first == 1;
}

/* --- bytes to text ---------------------------------------------------------------------------- */

/*
 * The two alphabets. at62 and at63 say how far their last two digits are from where the arithmetic
 * of base64_digit would put them.
 */
struct alphabet {
    char digits[65];
    uint8_t at62, at63;
};

static const struct alphabet alphabets[2] = {
    { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", '0' + 10 - '+',
      '/' - '+' - 1 },
    { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", '0' + 10 - '-',
      '_' - '-' - 1 },
};

/* Return the digit of a value, by plain arithmetic, which a compiler can do for many at once. */
static inline uint8_t base64_digit(uint8_t value, uint8_t at62, uint8_t at63)
{
    int8_t v = (int8_t)value;

    return (uint8_t)(value + 'A' + (CST__MASK(v > 25) & ('a' - 'Z' - 1)) -
                     (CST__MASK(v > 51) & ('z' + 1 - '0')) - (CST__MASK(v > 61) & at62) +
                     (CST__MASK(v > 62) & at63));
}

static inline uint32_t load_group(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* Return the four values of a group, a byte each. */
static inline uint32_t spread(uint32_t w)
{
    return (w >> 2 & 0x3F) | (w << 12 & 0x3000) | (w >> 4 & 0x0F00) | (w << 10 & 0x3C0000) |
           (w >> 6 & 0x030000) | (w << 8 & 0x3F000000);
}

/* Write a block of digits. One byte more is read than 3 * GROUPS. */
static inline void base64_write_block(uint8_t *restrict to, const uint8_t *restrict p, uint8_t at62,
                                      uint8_t at63)
{
    uint32_t words[GROUPS];
    uint8_t values[4 * GROUPS];

    /* Four at a time, so that they become a vector without going through memory. */
    for (int i = 0; i < GROUPS; i += 4) {
        uint32_t a = load_group(p + 3 * i), b = load_group(p + 3 * i + 3);
        uint32_t c = load_group(p + 3 * i + 6), d = load_group(p + 3 * i + 9);

        words[i] = spread(a);
        words[i + 1] = spread(b);
        words[i + 2] = spread(c);
        words[i + 3] = spread(d);
    }
    memcpy(values, words, sizeof(values));
    for (int i = 0; i < 4 * GROUPS; i++)
        to[i] = base64_digit(values[i], at62, at63);
}

/* Write one group. By itself a table is faster. */
static inline void write_group(uint8_t *to, const uint8_t *p, const char *digits)
{
    to[0] = (uint8_t)digits[p[0] >> 2];
    to[1] = (uint8_t)digits[(p[0] << 4 & 0x30) | p[1] >> 4];
    to[2] = (uint8_t)digits[(p[1] << 2 & 0x3C) | p[2] >> 6];
    to[3] = (uint8_t)digits[p[2] & 0x3F];
}

/* Write the one or two bytes at the end. */
static inline size_t write_rest(uint8_t *to, const uint8_t *p, size_t len, const char *digits,
                                bool pad)
{
    unsigned second = len > 1 ? p[1] : 0;

    to[0] = (uint8_t)digits[p[0] >> 2];
    to[1] = (uint8_t)digits[(p[0] << 4 & 0x30) | second >> 4];
    if (len > 1)
        to[2] = (uint8_t)digits[second << 2 & 0x3C];
    if (!pad)
        return len + 1;
    if (len == 1)
        to[2] = '=';
    to[3] = '=';
    return 4;
}

size_t cst__base64_to_text(uint8_t *to, const uint8_t *bytes, size_t len, bool url)
{
    const struct alphabet *alphabet = &alphabets[url];
    const uint8_t *p = bytes, *end = bytes + len;
    uint8_t *out = to;

    if (lowest_byte_first()) {
        for (; end - p > 3 * GROUPS; p += 3 * GROUPS, out += 4 * GROUPS)
            base64_write_block(out, p, alphabet->at62, alphabet->at63);
    }
    for (; end - p >= 3; p += 3, out += 4)
        write_group(out, p, alphabet->digits);
    if (p < end)
        out += write_rest(out, p, (size_t)(end - p), alphabet->digits, !url);
    return (size_t)(out - to);
}

/* --- text to bytes ---------------------------------------------------------------------------- */

/* Return the value of a digit of one alphabet; above 63 if it is none. */
static inline uint8_t base64_value(uint8_t digit, uint8_t digit62, uint8_t digit63)
{
    uint8_t letter = (uint8_t)((digit | 0x20) - 'a');
    uint8_t number = (uint8_t)(digit - '0');
    uint8_t is_letter = CST__MASK(letter < 26), is_number = CST__MASK(number < 10);
    uint8_t is62 = CST__MASK(digit == digit62), is63 = CST__MASK(digit == digit63);

    return (uint8_t)((is_letter & (uint8_t)(letter + (CST__MASK((int8_t)digit >= 'a') & 26))) |
                     (is_number & (uint8_t)(number + 52)) | (is62 & 62) | (is63 & 63) |
                     (uint8_t)~(is_letter | is_number | is62 | is63));
}

/*
 * Read a block. Return false if not all are digits of the alphabet: then nothing was written, since
 * there may be no room.
 */
static inline bool base64_read_block(uint8_t *restrict to, const uint8_t *restrict p,
                                     uint8_t digit62, uint8_t digit63)
{
    uint8_t values[4 * GROUPS];
    uint32_t words[GROUPS];
    uint8_t all = 0;

    for (int i = 0; i < 4 * GROUPS; i++) {
        values[i] = base64_value(p[i], digit62, digit63);
        all |= values[i];
    }
    if (all > 63)
        return false;
    memcpy(words, values, sizeof(words));
    for (int i = 0; i < GROUPS; i++) {
        uint32_t w = words[i];

        words[i] = (w << 2 & 0xFC) | (w >> 12 & 0x03) | (w << 4 & 0xF000) | (w >> 10 & 0x0F00) |
                   (w << 6 & 0xC00000) | (w >> 8 & 0x3F0000);
    }
    for (int i = 0; i < GROUPS - 1; i++)
        memcpy(to + 3 * i, &words[i], sizeof(words[i]));
    memcpy(to + 3 * (GROUPS - 1), &words[GROUPS - 1], 3);
    return true;
}

/* One more than the value of a digit of either alphabet; 0 if it is none. */
static const uint8_t values_and_one[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['-'] = 63,
    ['/'] = 64, ['_'] = 64,
};

static inline void put_group(uint8_t *to, uint32_t digits)
{
    to[0] = (uint8_t)(digits >> 16);
    to[1] = (uint8_t)(digits >> 8);
    to[2] = (uint8_t)digits;
}

/* Read four characters. Return false if not all are digits: then nothing was written. */
static inline bool read_group(uint8_t *to, const uint8_t *p)
{
    uint32_t a = values_and_one[p[0]], b = values_and_one[p[1]];
    uint32_t c = values_and_one[p[2]], d = values_and_one[p[3]];

    if (a == 0 || b == 0 || c == 0 || d == 0)
        return false;
    put_group(to, (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1));
    return true;
}

/* Read one character; return how many bytes it completed. */
static size_t base64_read_digit(struct cst__base64_reader *reader, uint8_t *to, uint8_t c)
{
    if (values_and_one[c] == 0) {
        reader->stopped = c == '=';
        return 0;
    }
    reader->digits = reader->digits << 6 | (values_and_one[c] - 1u);
    reader->count = (reader->count + 1) & 3;
    if (reader->count != 0)
        return 0;
    put_group(to, reader->digits);
    return 3;
}

/*
 * Read whole groups as long as they are digits: by blocks first (as a rule a text uses one of the
 * two alphabets), then the groups before what is not a digit.
 */
static uint8_t *read_groups(struct cst__units *units, uint8_t *out)
{
    const uint8_t *p = units->at;

    while (lowest_byte_first() && units->end - p >= 4 * GROUPS &&
           (base64_read_block(out, p, '+', '/') || base64_read_block(out, p, '-', '_'))) {
        p += 4 * GROUPS;
        out += 3 * GROUPS;
    }
    for (int i = 0; i < 2 * GROUPS && units->end - p >= 4 && read_group(out, p); i++) {
        p += 4;
        out += 3;
    }
    units->at = p;
    return out;
}

size_t cst__base64_read(struct cst__base64_reader *reader, uint8_t *to, const uint8_t *text,
                        size_t len)
{
    struct cst__units units = { .at = text, .end = text + len };
    uint8_t *out = to;

    while (!cst__units_done(&units) && !reader->stopped) {
        if (reader->count == 0 && !units.has_second && values_and_one[*units.at] != 0)
            out = read_groups(&units, out);
        if (!cst__units_done(&units))
            out += base64_read_digit(reader, out, cst__units_next(&units));
    }
    return (size_t)(out - to);
}

size_t cst__base64_read_end(struct cst__base64_reader *reader, uint8_t *to)
{
    size_t bytes = reader->count > 1 ? reader->count - 1u : 0;
    uint32_t digits = reader->digits << 6 * (4 - reader->count);

    if (bytes > 0)
        to[0] = (uint8_t)(digits >> 16);
    if (bytes > 1)
        to[1] = (uint8_t)(digits >> 8);
    *reader = (struct cst__base64_reader){ .stopped = reader->stopped };
    return bytes;
}

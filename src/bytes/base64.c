/*
 * base64.c - base64 in both alphabets, by blocks; where a block has anything but digits, one character at a time.
 *
 * A block is a number of groups, each of three bytes and four digits. The lower bits of a group are moved into place for
 * many groups at once, each in a word of 32 bits whose lowest byte is the first in memory: what the machine loads where
 * it has the lowest byte first. Others go one by one.
 */
#include "bytes/encoding_internal.h"

#include <string.h>

/* Groups of a block: to write, many, since what is stored in words is loaded again in vectors; to read, few. */
#define GROUPS 16
#define READ_GROUPS 8

static inline bool lowest_byte_first(void)
{
    const uint16_t one = 1;
    uint8_t first;

    memcpy(&first, &one, 1);
    return first == 1;
}

/* --- bytes to text ---------------------------------------------------------------------------- */

/* The digit of a value; plain arithmetic, so that many go at once. */
static inline uint8_t digit_of(uint8_t value, bool url)
{
    int8_t v = (int8_t)value;
    uint8_t last = url ? (uint8_t)('_' - '-' - 1) : (uint8_t)('/' - '+' - 1);
    uint8_t before = url ? (uint8_t)('0' + 10 - '-') : (uint8_t)('0' + 10 - '+');

    return (uint8_t)(value + 'A' + (CST__MASK(v > 25) & ('a' - 'Z' - 1)) -
                     (CST__MASK(v > 51) & ('z' + 1 - '0')) - (CST__MASK(v > 61) & before) +
                     (CST__MASK(v > 62) & last));
}

/* Reads one byte more than its 3 * GROUPS. */
static inline void write_block(uint8_t *restrict to, const uint8_t *restrict p, bool url)
{
    uint32_t words[GROUPS];
    uint8_t values[4 * GROUPS];

    for (int i = 0; i < GROUPS; i++)
        memcpy(&words[i], p + 3 * i, sizeof words[i]);
    for (int i = 0; i < GROUPS; i++) {
        uint32_t w = words[i];

        words[i] = (w >> 2 & 0x3F) | (w << 12 & 0x3000) | (w >> 4 & 0x0F00) | (w << 10 & 0x3C0000) |
                   (w >> 6 & 0x030000) | (w << 8 & 0x3F000000);
    }
    memcpy(values, words, sizeof values);
    for (int i = 0; i < 4 * GROUPS; i++)
        to[i] = digit_of(values[i], url);
}

static void write_group(uint8_t *to, const uint8_t *p, bool url)
{
    to[0] = digit_of(p[0] >> 2, url);
    to[1] = digit_of((uint8_t)((p[0] << 4 & 0x30) | p[1] >> 4), url);
    to[2] = digit_of((uint8_t)((p[1] << 2 & 0x3C) | p[2] >> 6), url);
    to[3] = digit_of(p[2] & 0x3F, url);
}

/* The one or two bytes at the end. */
static size_t write_rest(uint8_t *to, const uint8_t *p, size_t len, bool url)
{
    uint8_t group[3] = { p[0], len > 1 ? p[1] : 0, 0 };
    uint8_t digits[4];
    size_t written = url ? len + 1 : 4;

    write_group(digits, group, url);
    digits[3] = '=';
    if (len == 1)
        digits[2] = '=';
    memcpy(to, digits, written);
    return written;
}

/* Inlined twice, so that the alphabet is a constant in the block. */
static inline size_t to_text(uint8_t *to, const uint8_t *bytes, size_t len, bool url)
{
    const uint8_t *p = bytes, *end = bytes + len;
    uint8_t *out = to;

    if (lowest_byte_first()) {
        for (; end - p > 3 * GROUPS; p += 3 * GROUPS, out += 4 * GROUPS)
            write_block(out, p, url);
    }
    for (; end - p >= 3; p += 3, out += 4)
        write_group(out, p, url);
    if (p < end)
        out += write_rest(out, p, (size_t)(end - p), url);
    return (size_t)(out - to);
}

size_t cst__base64_to_text(uint8_t *to, const uint8_t *bytes, size_t len, bool url)
{
    return url ? to_text(to, bytes, len, true) : to_text(to, bytes, len, false);
}

/* --- text to bytes ---------------------------------------------------------------------------- */

/* The value of a digit of one alphabet; above 63 where it is none. */
static inline uint8_t value_of(uint8_t digit, uint8_t digit62, uint8_t digit63)
{
    uint8_t letter = (uint8_t)((digit | 0x20) - 'a');
    uint8_t number = (uint8_t)(digit - '0');
    uint8_t is_letter = CST__MASK(letter < 26), is_number = CST__MASK(number < 10);
    uint8_t is62 = CST__MASK(digit == digit62), is63 = CST__MASK(digit == digit63);

    return (uint8_t)((is_letter & (uint8_t)(letter + (CST__MASK((int8_t)digit >= 'a') & 26))) |
                     (is_number & (uint8_t)(number + 52)) | (is62 & 62) | (is63 & 63) |
                     (uint8_t) ~(is_letter | is_number | is62 | is63));
}

/* Gives whether all were digits of the alphabet; where not, nothing was written: there may be no room. */
static inline bool read_block(uint8_t *restrict to, const uint8_t *restrict p, uint8_t digit62,
                              uint8_t digit63)
{
    uint8_t values[4 * READ_GROUPS];
    uint32_t words[READ_GROUPS];
    uint8_t all = 0;

    for (int i = 0; i < 4 * READ_GROUPS; i++) {
        values[i] = value_of(p[i], digit62, digit63);
        all |= values[i];
    }
    if (all > 63)
        return false;
    memcpy(words, values, sizeof words);
    for (int i = 0; i < READ_GROUPS; i++) {
        uint32_t w = words[i];

        words[i] = (w << 2 & 0xFC) | (w >> 12 & 0x03) | (w << 4 & 0xF000) | (w >> 10 & 0x0F00) |
                   (w << 6 & 0xC00000) | (w >> 8 & 0x3F0000);
    }
    for (int i = 0; i < READ_GROUPS - 1; i++)
        memcpy(to + 3 * i, &words[i], sizeof words[i]);
    memcpy(to + 3 * (READ_GROUPS - 1), &words[READ_GROUPS - 1], 3);
    return true;
}

/* One character; gives how many bytes it completed. */
static size_t read_digit(struct cst__base64_reader *reader, uint8_t *to, uint8_t c)
{
    uint8_t value = value_of(c, '+', '/');

    if (value > 63)
        value = value_of(c, '-', '_');
    if (value > 63) {
        reader->stopped = c == '=';
        return 0;
    }
    reader->digits = reader->digits << 6 | value;
    reader->count = (reader->count + 1) & 3;
    if (reader->count != 0)
        return 0;
    to[0] = (uint8_t)(reader->digits >> 16);
    to[1] = (uint8_t)(reader->digits >> 8);
    to[2] = (uint8_t)reader->digits;
    return 3;
}

/* Whole blocks as long as they are digits; a text uses one of the two alphabets, as a rule. */
static void read_blocks(struct cst__units *units, uint8_t **out)
{
    while (units->end - units->at >= 4 * READ_GROUPS &&
           (read_block(*out, units->at, '+', '/') || read_block(*out, units->at, '-', '_'))) {
        units->at += 4 * READ_GROUPS;
        *out += 3 * READ_GROUPS;
    }
}

size_t cst__base64_read(struct cst__base64_reader *reader, uint8_t *to, const uint8_t *text,
                        size_t len)
{
    struct cst__units units = { .at = text, .end = text + len };
    uint8_t *out = to;

    while (!cst__units_done(&units) && !reader->stopped) {
        int slow = 4 * READ_GROUPS;

        if (lowest_byte_first() && reader->count == 0 && !units.has_second)
            read_blocks(&units, &out);
        /* What kept a block from being one is in the next few, and then a group has to end. */
        while (!cst__units_done(&units) && !reader->stopped && (slow > 0 || reader->count != 0)) {
            out += read_digit(reader, out, cst__units_next(&units));
            slow--;
        }
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

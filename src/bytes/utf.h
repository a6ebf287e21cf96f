/*
 * utf.h - characters: UTF-8, UTF-16 and Latin-1, between one another and checked.
 *
 * "Text" is UTF-8. What is ill-formed in it counts as U+FFFD, as in Node.
 *
 * The fast loops have a fixed number of rounds and no branch, so that a compiler turns them into
 * vector instructions: all ones and all zeroes stand for yes and no, and a block is asked once
 * whether anything in it was wrong.
 *
 * In every function `to` has room for what is written and never overlaps what is read. A function
 * that writes returns how many bytes it wrote. A length that does not fit is SIZE_MAX.
 */
#ifndef CSTREAM_UTF_H
#define CSTREAM_UTF_H

#include "cstream/text.h"

/** All ones if the condition holds, else zero. */
#define CST__MASK(condition) ((uint8_t)(0u - (unsigned)(condition)))

/** What takes the place of an ill-formed part, and what cst__utf8_next returns for one. */
#define CST__REPLACEMENT UINT32_C(0xFFFD)
#define CST__ILL_FORMED UINT32_C(0x110000)

/* --- sizes ------------------------------------------------------------------------------------ */

static inline size_t cst__size_add(size_t a, size_t b)
{
    return a <= SIZE_MAX - b ? a + b : SIZE_MAX;
}

static inline size_t cst__size_times(size_t a, size_t times)
{
    return a <= SIZE_MAX / times ? a * times : SIZE_MAX;
}

/* --- one character ---------------------------------------------------------------------------- */

/** Do cst__utf8_next if the first byte is not ASCII. */
uint32_t cst__utf8_next_wide(const uint8_t **at, const uint8_t *end);

/**
 * Return the character at *at and move *at behind it. There is at least one byte.
 *
 * CST__ILL_FORMED stands for the longest part that begins a character and does not complete it, or
 * for one byte that begins none.
 */
static inline uint32_t cst__utf8_next(const uint8_t **at, const uint8_t *end)
{
    return **at < 0x80 ? *(*at)++ : cst__utf8_next_wide(at, end);
}

/** Return how many bytes a character has in UTF-8. */
static inline size_t cst__utf8_size(uint32_t code)
{
    return 1u + (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);
}

/** Do cst__utf8_put of a character that is not ASCII. */
size_t cst__utf8_put_wide(uint8_t *to, uint32_t code);

/** Write a character in UTF-8. */
static inline size_t cst__utf8_put(uint8_t *to, uint32_t code)
{
    to[0] = (uint8_t)code;
    return code < 0x80 ? 1 : cst__utf8_put_wide(to, code);
}

/**
 * Return the UTF-16 unit at `at`, of which there are two bytes; a lone surrogate is returned too.
 */
static inline uint32_t cst__utf16_unit(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

/**
 * Return the character at *at and move *at behind it. There are at least two bytes. A lone
 * surrogate is CST__ILL_FORMED.
 */
static inline uint32_t cst__utf16_next(const uint8_t **at, const uint8_t *end)
{
    uint32_t unit = cst__utf16_unit(*at);
    uint32_t second;

    *at += 2;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    if (unit > 0xDBFF || end - *at < 2)
        return CST__ILL_FORMED;
    second = cst__utf16_unit(*at);
    if (second < 0xDC00 || second > 0xDFFF)
        return CST__ILL_FORMED;
    *at += 2;
    return 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
}

/** Return the character, or U+FFFD if it is CST__ILL_FORMED. */
static inline uint32_t cst__or_replacement(uint32_t code)
{
    return code == CST__ILL_FORMED ? CST__REPLACEMENT : code;
}

/* --- utf8.c ----------------------------------------------------------------------------------- */

/** Return how many bytes from the front are whole, well-formed characters. */
size_t cst__utf8_good(const uint8_t *text, size_t len);

/** Return how many bytes from the front are ASCII. */
size_t cst__ascii_run(const uint8_t *text, size_t len);

/** Return how many UTF-16 units a text has. */
size_t cst__utf8_units(const uint8_t *text, size_t len);

/** Write the text with U+FFFD for each ill-formed part; return the length that this would have. */
size_t cst__utf8_repair(uint8_t *to, const uint8_t *text, size_t len);
size_t cst__utf8_repaired_length(const uint8_t *text, size_t len);

/* --- utf16.c ---------------------------------------------------------------------------------- */

size_t cst__utf16_from_text(uint8_t *to, const uint8_t *text, size_t len);
size_t cst__utf16_to_text(uint8_t *to, const uint8_t *bytes, size_t len);
size_t cst__utf16_text_length(const uint8_t *bytes, size_t len);
size_t cst__latin1_from_text(uint8_t *to, const uint8_t *text, size_t len);
size_t cst__latin1_to_text(uint8_t *to, const uint8_t *bytes, size_t len);
size_t cst__latin1_text_length(const uint8_t *bytes, size_t len);

#endif

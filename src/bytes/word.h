/*
 * word.h - eight bytes at a time, from anywhere in memory.
 *
 * The order of the bytes in a word is the machine's.
 */
#ifndef CSTREAM_WORD_H
#define CSTREAM_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CST__WORD_ONES UINT64_C(0x0101010101010101)
#define CST__WORD_HIGHS UINT64_C(0x8080808080808080)

static inline uint64_t cst__word_load(const uint8_t *from)
{
    uint64_t word;

    memcpy(&word, from, sizeof(word));
    return word;
}

static inline void cst__word_store(uint8_t *to, uint64_t word)
{
    memcpy(to, &word, sizeof(word));
}

#define CST__WORD_COPY_MOST 64u

/*
 * Copy 1 to CST__WORD_COPY_MOST bytes without a call: for each range of lengths by moves of one
 * size, which overlap in the middle. from and to do not overlap.
 */
static inline void cst__word_copy(uint8_t *to, const uint8_t *from, size_t len)
{
    if (len >= 32) {
        memcpy(to, from, 16);
        memcpy(to + 16, from + 16, 16);
        memcpy(to + len - 32, from + len - 32, 16);
        memcpy(to + len - 16, from + len - 16, 16);
    } else if (len >= 16) {
        memcpy(to, from, 16);
        memcpy(to + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(to, from, 8);
        memcpy(to + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(to, from, 4);
        memcpy(to + len - 4, from + len - 4, 4);
    } else {
        to[0] = from[0];
        to[len / 2] = from[len / 2];
        to[len - 1] = from[len - 1];
    }
}

/*
 * Return whether the first byte in memory is the least significant one; compilers know the answer.
 */
static inline bool cst__word_is_little(void)
{
    const uint64_t one = 1;
    uint8_t first;

    memcpy(&first, &one, sizeof(first));
    return first == 1;
}

/* Return the bytes in the opposite order. Compilers turn this form into one instruction. */
static inline uint64_t cst__word_reversed(uint64_t word)
{
    const uint64_t third = UINT64_C(0xFF) << 16, fourth = UINT64_C(0xFF) << 24;

    return word << 56 | (word & 0xFF00) << 40 | (word & third) << 24 | (word & fourth) << 8 |
           (word >> 8 & fourth) | (word >> 24 & third) | (word >> 40 & 0xFF00) | word >> 56;
}

/* Return a word with the byte in all eight places. */
static inline uint64_t cst__word_of(uint8_t byte)
{
    return CST__WORD_ONES * byte;
}

/*
 * Mark the bytes of a word that are zero, by their bits under CST__WORD_HIGHS. If no byte is zero
 * none is marked; if one is, bytes beside it may be marked too.
 */
static inline uint64_t cst__word_zeroes(uint64_t word)
{
    return (word - CST__WORD_ONES) & ~word;
}

#endif

/*
 * encoding_internal.h - what the files of the encodings owe one another.
 *
 *      utf8.c       is it well-formed, where not, what it is with U+FFFD     cst__utf8_good: how far?
 *      utf16.c      UTF-16 and Latin-1, both ways
 *      hex.c base64.c
 *      encoding.c   names, and the public calls: which of the above
 *      transcode.c
 *      decoder.c    chunks
 *
 * Loops that are to be fast have a fixed number of rounds and no branch, so that a compiler turns them into vectors: all
 * ones and all zeroes stand for yes and no, and what went wrong is asked once a block.
 *
 * `to` has room for what is written; it never overlaps what is read. Functions that write give how many bytes.
 */
#ifndef CST_BYTES_ENCODING_INTERNAL_H
#define CST_BYTES_ENCODING_INTERNAL_H

#include <cstream/text.h>

/** All ones where a condition holds, else zero. */
#define CST__MASK(condition) ((uint8_t)(0u - (unsigned)(condition)))

/** What stands for an ill-formed part, and what cst__utf8_next says of one. */
#define CST__REPLACEMENT UINT32_C(0xFFFD)
#define CST__ILL_FORMED UINT32_C(0x110000)

/* --- sizes: SIZE_MAX stands for all that does not fit ----------------------------------------------------------- */

static inline size_t cst__size_add(size_t a, size_t b)
{
    return a <= SIZE_MAX - b ? a + b : SIZE_MAX;
}

static inline size_t cst__size_times(size_t a, size_t times)
{
    return a <= SIZE_MAX / times ? a * times : SIZE_MAX;
}

/* --- characters ------------------------------------------------------------------------------------------------- */

/** cst__utf8_next where the first byte is not ASCII. */
uint32_t cst__utf8_next_wide(const uint8_t **at, const uint8_t *end);

/**
 * The character at *at, which moves behind it; CST__ILL_FORMED for the longest part that begins one but does not end it,
 * or for one byte that begins none.
 */
static inline uint32_t cst__utf8_next(const uint8_t **at, const uint8_t *end)
{
    return **at < 0x80 ? *(*at)++ : cst__utf8_next_wide(at, end);
}

/** Bytes of a character in UTF-8. */
static inline size_t cst__utf8_size(uint32_t code)
{
    return 1u + (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);
}

/** cst__utf8_put of what is not ASCII. */
size_t cst__utf8_put_wide(uint8_t *to, uint32_t code);

/** Writes a character; gives its size. */
static inline size_t cst__utf8_put(uint8_t *to, uint32_t code)
{
    to[0] = (uint8_t)code;
    return code < 0x80 ? 1 : cst__utf8_put_wide(to, code);
}

/** The UTF-16 unit at *at; a lone surrogate is itself. There are two bytes at least. */
static inline uint32_t cst__utf16_unit(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

/** The character at *at, which moves behind it; there are two bytes at least. A lone surrogate is CST__ILL_FORMED. */
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

/** A character, ill-formed or not, as one. */
static inline uint32_t cst__or_replacement(uint32_t code)
{
    return code == CST__ILL_FORMED ? CST__REPLACEMENT : code;
}

/* --- utf8.c ----------------------------------------------------------------------------------------------------- */

/** How many bytes from the front are whole, well-formed characters. */
size_t cst__utf8_good(const uint8_t *text, size_t len);

/** How many bytes from the front are ASCII. */
size_t cst__ascii_run(const uint8_t *text, size_t len);

/** UTF-16 units of a text. */
size_t cst__utf8_units(const uint8_t *text, size_t len);

/** The text with U+FFFD for what is ill-formed, and its length. */
size_t cst__utf8_repair(uint8_t *to, const uint8_t *text, size_t len);
size_t cst__utf8_repaired_length(const uint8_t *text, size_t len);

/* --- utf16.c ---------------------------------------------------------------------------------------------------- */

size_t cst__utf16_from_text(uint8_t *to, const uint8_t *text, size_t len);
size_t cst__utf16_to_text(uint8_t *to, const uint8_t *bytes, size_t len);
size_t cst__utf16_text_length(const uint8_t *bytes, size_t len);
size_t cst__latin1_from_text(uint8_t *to, const uint8_t *text, size_t len);
size_t cst__latin1_to_text(uint8_t *to, const uint8_t *bytes, size_t len);
size_t cst__latin1_text_length(const uint8_t *bytes, size_t len);

/* --- hex.c and base64.c ----------------------------------------------------------------------------------------- */

/** The UTF-16 units of a text one by one, by their lower 8 bits, which is where Node looks for digits. */
struct cst__units {
    const uint8_t *at, *end;
    uint8_t second; /* the lower half of a pair, to come next */
    bool has_second;
};

static inline uint8_t cst__units_next(struct cst__units *units)
{
    uint32_t code;

    if (units->has_second) {
        units->has_second = false;
        return units->second;
    }
    code = cst__or_replacement(cst__utf8_next(&units->at, units->end));
    if (code < 0x10000)
        return (uint8_t)code;
    units->second = (uint8_t)code;
    units->has_second = true;
    return (uint8_t)((code - 0x10000) >> 10);
}

static inline bool cst__units_done(const struct cst__units *units)
{
    return units->at == units->end && !units->has_second;
}

/** What is carried from one piece of a text to the next. Zeroes begin. */
struct cst__hex_reader {
    uint8_t high; /* the first digit of a pair */
    bool has_high;
    bool stopped; /* at a pair that is none */
};

struct cst__base64_reader {
    uint32_t digits; /* 6 bits each */
    uint8_t count;   /* of digits, 0 to 3 */
    bool stopped;    /* at a '=' */
};

/** Takes a piece of text, cut at character bounds. At most half as many bytes come out, and one; or three quarters. */
size_t cst__hex_read(struct cst__hex_reader *reader, uint8_t *to, const uint8_t *text, size_t len);
size_t cst__base64_read(struct cst__base64_reader *reader, uint8_t *to, const uint8_t *text,
                        size_t len);

/** What the digits that are left at the end give: at most 2 bytes. */
size_t cst__base64_read_end(struct cst__base64_reader *reader, uint8_t *to);

size_t cst__hex_to_text(uint8_t *to, const uint8_t *bytes, size_t len);
size_t cst__base64_to_text(uint8_t *to, const uint8_t *bytes, size_t len, bool url);

static inline size_t cst__base64_text_length(size_t len, bool url)
{
    static const uint8_t rest[2][3] = { { 0, 4, 4 }, { 0, 2, 3 } };

    return cst__size_add(cst__size_times(len / 3, 4), rest[url][len % 3]);
}

/* --- encoding.c ------------------------------------------------------------------------------------------------- */

static inline bool cst__encoding_exists(cst_encoding encoding)
{
    return (unsigned)encoding <= (unsigned)CST_BASE64URL;
}

/** cst_text_to_bytes and cst_bytes_to_text where there is room, and where the encoding exists. */
size_t cst__from_text(cst_encoding encoding, uint8_t *to, const uint8_t *text, size_t len);
size_t cst__to_text(cst_encoding encoding, uint8_t *to, const uint8_t *bytes, size_t len);

/** Whether the text of some bytes is those bytes. */
bool cst__is_own_text(cst_encoding encoding, const uint8_t *bytes, size_t len);

/** A block to write a result of need bytes into. CST_E_NOMEM, also where need is SIZE_MAX; need is not 0. */
cst_status cst__result_new(cst_buf *out, const cst_allocator *allocator, size_t need);

/* --- decoder.c -------------------------------------------------------------------------------------------------- */

/** How many bytes at the end of a chunk, where nothing is held before it, the decoder would hold. */
size_t cst__decoder_tail(const cst_decoder *decoder, const uint8_t *bytes, size_t len);

#endif

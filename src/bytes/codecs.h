/*
 * codecs.h - hex and base64, and what the public calls over all encodings share.
 *
 *      utf8.c utf16.c     characters (utf.h)
 *      hex.c base64.c     digits, on top of characters
 *      encoding.c         names, and the public calls: which of the four is meant
 *      transcode.c        from one encoding of characters into another
 *      decoder.c          text out of chunks
 *
 * The rules of utf.h about `to`, results and lengths hold here too.
 */
#ifndef CSTREAM_CODECS_H
#define CSTREAM_CODECS_H

#include "bytes/utf.h"
#include "cstream/text.h"

/* --- hex.c and base64.c ----------------------------------------------------------------------- */

/**
 * The UTF-16 units of a text, one by one, of which only the lower 8 bits count: so Node reads
 * digits.
 */
struct cst__units {
    const uint8_t *at, *end;
    uint8_t second; /* the lower half of a pair, which comes next */
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

/** What is carried from one piece of a text to the next. It starts as zeroes. */
struct cst__hex_reader {
    uint8_t high; /* the first digit of a pair */
    bool has_high;
    bool stopped; /* at a pair that is not two digits */
};

struct cst__base64_reader {
    uint32_t digits; /* 6 bits each */
    uint8_t count;   /* of digits, 0 to 3 */
    bool stopped;    /* at a '=' */
};

/**
 * Decode a piece of text that is cut between two characters. At most len / 2 + 1 bytes are written,
 * or three quarters of len and what was carried.
 */
size_t cst__hex_read(struct cst__hex_reader *reader, uint8_t *to, const uint8_t *text, size_t len);
size_t cst__base64_read(struct cst__base64_reader *reader, uint8_t *to, const uint8_t *text,
                        size_t len);

/** Write what the digits that are left at the end amount to: at most 2 bytes. */
size_t cst__base64_read_end(struct cst__base64_reader *reader, uint8_t *to);

size_t cst__hex_to_text(uint8_t *to, const uint8_t *bytes, size_t len);
size_t cst__base64_to_text(uint8_t *to, const uint8_t *bytes, size_t len, bool url);

static inline size_t cst__base64_text_length(size_t len, bool url)
{
    static const uint8_t rest[2][3] = { { 0, 4, 4 }, { 0, 2, 3 } };

    return cst__size_add(cst__size_times(len / 3, 4), rest[url][len % 3]);
}

/* --- encoding.c ------------------------------------------------------------------------------- */

static inline bool cst__encoding_exists(cst_encoding encoding)
{
    return (unsigned)encoding <= (unsigned)CST_BASE64URL;
}

/** Do cst_text_to_bytes and cst_bytes_to_text, for an encoding that exists and into enough room. */
size_t cst__from_text(cst_encoding encoding, uint8_t *to, const uint8_t *text, size_t len);
size_t cst__to_text(cst_encoding encoding, uint8_t *to, const uint8_t *bytes, size_t len);

/** Return whether the text of these bytes is the bytes themselves. */
bool cst__is_own_text(cst_encoding encoding, const uint8_t *bytes, size_t len);

/** Make a buffer for a result of need bytes, not 0. CST_E_NOMEM also if need is SIZE_MAX. */
cst_status cst__result_new(cst_buf *out, const cst_allocator *allocator, size_t need);

/* --- decoder.c -------------------------------------------------------------------------------- */

/** Return how many bytes at the end of a chunk a decoder that holds nothing yet would hold. */
size_t cst__decoder_tail(const cst_decoder *decoder, const uint8_t *bytes, size_t len);

#endif

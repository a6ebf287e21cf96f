/*
 * transcode.c - from one encoding of characters into another, with Node's substitutes for what the
 * target lacks.
 */
#include "bytes/codecs.h"

/*
 * Characters for which no `?` is written if the target lacks them: Default_Ignorable_Code_Point. In
 * order.
 */
static const struct {
    uint32_t first, last;
} ignorable[] = {
    { 0xAD, 0xAD },       { 0x34F, 0x34F },   { 0x61C, 0x61C },     { 0x115F, 0x1160 },
    { 0x17B4, 0x17B5 },   { 0x180B, 0x180F }, { 0x200B, 0x200F },   { 0x202A, 0x202E },
    { 0x2060, 0x206F },   { 0x3164, 0x3164 }, { 0xFE00, 0xFE0F },   { 0xFEFF, 0xFEFF },
    { 0xFFA0, 0xFFA0 },   { 0xFFF0, 0xFFF8 }, { 0x1BCA0, 0x1BCA3 }, { 0x1D173, 0x1D17A },
    { 0xE0000, 0xE0FFF },
};

static bool is_ignorable(uint32_t code)
{
    for (size_t i = 0; i < sizeof(ignorable) / sizeof(ignorable[0]); i++) {
        if (code <= ignorable[i].last)
            return code >= ignorable[i].first;
    }
    return false;
}

/* What is converted. The next character is read at `at`, in the encoding from. */
struct source {
    const uint8_t *at, *end;
    cst_encoding from, into;
};

static uint32_t next_utf16(struct source *source)
{
    uint32_t code;

    if (source->end - source->at < 2) {
        source->at = source->end;
        return CST__ILL_FORMED;
    }
    code = cst__utf16_next(&source->at, source->end);
    /* Half a pair and the odd byte behind it count as one ill-formed part. */
    if (code == CST__ILL_FORMED && source->end - source->at == 1 && (source->at[-1] & 0xFC) == 0xD8)
        source->at = source->end;
    return code;
}

static uint32_t next_character(struct source *source)
{
    uint8_t byte;

    if (source->from == CST_UTF8)
        return cst__utf8_next(&source->at, source->end);
    if (source->from == CST_UTF16LE)
        return next_utf16(source);
    byte = *source->at++;
    if (byte > 0x7F && source->from == CST_ASCII && source->into != CST_UTF16LE)
        return CST__ILL_FORMED;
    return byte;
}

/* Write one character; at most 4 bytes. */
static size_t put_character(uint8_t *to, cst_encoding into, uint32_t code)
{
    if (into == CST_UTF8)
        return cst__utf8_put(to, cst__or_replacement(code));
    if (into == CST_UTF16LE) {
        uint8_t utf8[4];

        return cst__utf16_from_text(to, utf8, cst__utf8_put(utf8, cst__or_replacement(code)));
    }
    if (code < (into == CST_ASCII ? 0x80u : 0x100u))
        to[0] = (uint8_t)code;
    else if (is_ignorable(code))
        return 0;
    else
        to[0] = '?';
    return 1;
}

/* Convert the source into to, or only count the bytes if to is NULL. Return how many. */
static size_t convert(struct source source, uint8_t *to)
{
    size_t written = 0;
    uint8_t unused[4];

    while (source.at < source.end)
        written = cst__size_add(written, put_character(to ? to + written : unused, source.into,
                                                       next_character(&source)));
    return written;
}

/* --- the pairs in which nothing may be ill-formed --------------------------------------------- */

static bool is_strict(const struct source *source)
{
    return (source->from == CST_UTF8 && source->into == CST_UTF16LE) ||
           (source->from == CST_UTF16LE && source->into == CST_UTF8);
}

static bool is_well_formed(const struct source *source)
{
    const uint8_t *at = source->at;

    if (source->from == CST_UTF8)
        return cst_is_utf8(at, (size_t)(source->end - at));
    while (at < source->end) {
        if (cst__utf16_next(&at, source->end) == CST__ILL_FORMED)
            return false;
    }
    return true;
}

static bool is_character_encoding(cst_encoding encoding)
{
    return encoding == CST_UTF8 || encoding == CST_UTF16LE || encoding == CST_LATIN1 ||
           encoding == CST_ASCII;
}

/* Check what can be checked beforehand, and leave out an odd byte, which does not count. */
static cst_status open_source(struct source *source, const uint8_t *bytes, size_t len,
                              cst_encoding from, cst_encoding into)
{
    *source = (struct source){ .from = from, .into = into };
    if ((!bytes && len > 0) || !is_character_encoding(from) || !is_character_encoding(into))
        return CST_E_INVALID_ARG;
    if (from == CST_UTF16LE && into == CST_UTF8 && len == 1)
        return CST_E_INVALID_CHAR_FOUND;
    if (from == CST_UTF16LE && into != CST_UTF16LE)
        len -= len % 2;
    source->at = bytes;
    source->end = len > 0 ? bytes + len : bytes;
    return is_strict(source) && !is_well_formed(source) ? CST_E_INVALID_CHAR_FOUND : CST_OK;
}

cst_status cst_transcode(void *to, size_t *size, const void *bytes, size_t len,
                         cst_encoding from_encoding, cst_encoding to_encoding)
{
    struct source source;
    cst_status st;
    size_t need;

    if (!size)
        return CST_E_INVALID_ARG;
    st = open_source(&source, bytes, len, from_encoding, to_encoding);
    if (st < 0)
        return st;
    need = convert(source, NULL);
    st = need <= *size && need != SIZE_MAX ? CST_OK : CST_E_OUT_OF_RANGE;
    if (st == CST_OK && need > 0)
        convert(source, to);
    *size = need;
    return st;
}

cst_status cst_slice_transcode(cst_slice *out, const cst_allocator *allocator,
                               const cst_slice *bytes, cst_encoding from_encoding,
                               cst_encoding to_encoding)
{
    struct source source;
    cst_buf buf;
    cst_status st;
    size_t need;

    if (!out || !allocator || !bytes)
        return CST_E_INVALID_ARG;
    st = open_source(&source, bytes->data, bytes->len, from_encoding, to_encoding);
    if (st < 0)
        return st;
    need = convert(source, NULL);
    if (need == 0) {
        *out = cst_slice_empty();
        return CST_OK;
    }
    st = cst__result_new(&buf, allocator, need);
    if (st == CST_OK)
        *out = cst_buf_freeze(&buf, convert(source, buf.data));
    return st;
}

/*
 * encoding.c - text.h: names, sizes, and the two ways between text and bytes.
 */
#include "bytes/codecs.h"

#include <string.h>

/* --- names ------------------------------------------------------------------------------------ */

/* The first name of each encoding is the one that cst_encoding_name returns. */
static const struct {
    char name[10];
    uint8_t encoding;
} names[] = {
    { "utf8", CST_UTF8 },        { "utf-8", CST_UTF8 },    { "utf16le", CST_UTF16LE },
    { "utf-16le", CST_UTF16LE }, { "ucs2", CST_UTF16LE },  { "ucs-2", CST_UTF16LE },
    { "latin1", CST_LATIN1 },    { "binary", CST_LATIN1 }, { "ascii", CST_ASCII },
    { "hex", CST_HEX },          { "base64", CST_BASE64 }, { "base64url", CST_BASE64URL },
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(const char *name, const char *given)
{
    while (*name != '\0' && *name == lower(*given)) {
        name++;
        given++;
    }
    return *name == '\0' && *given == '\0';
}

cst_status cst_encoding_from_name(cst_encoding *out, const char *name)
{
    if (!out || !name)
        return CST_E_INVALID_ARG;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (same_name(names[i].name, name)) {
            *out = (cst_encoding)names[i].encoding;
            return CST_OK;
        }
    }
    return CST_E_INVALID_ARG;
}

const char *cst_encoding_name(cst_encoding encoding)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (names[i].encoding == (unsigned)encoding)
            return names[i].name;
    }
    return "";
}

/* --- sizes ------------------------------------------------------------------------------------ */

/* Return units without the '=' at the end of a text, of which there may be one or two. */
static size_t without_padding(const uint8_t *text, size_t len, size_t units)
{
    if (len > 0 && text[len - 1] == '=') {
        units--;
        len--;
    }
    if (len > 0 && text[len - 1] == '=')
        units--;
    return units;
}

/* Return three quarters, without a product that may not fit. */
static size_t base64_byte_length(size_t digits)
{
    return digits / 4 * 3 + digits % 4 * 3 / 4;
}

static size_t byte_length(cst_encoding encoding, const uint8_t *text, size_t len)
{
    switch (encoding) {
    case CST_UTF8:
        return cst__utf8_repaired_length(text, len);
    case CST_UTF16LE:
        return cst__size_times(cst__utf8_units(text, len), 2);
    case CST_LATIN1:
    case CST_ASCII:
        return cst__utf8_units(text, len);
    case CST_HEX:
        return cst__utf8_units(text, len) / 2;
    case CST_BASE64:
    case CST_BASE64URL:
        return base64_byte_length(without_padding(text, len, cst__utf8_units(text, len)));
    }
    return 0;
}

/* Return a bound of byte_length that needs no look at the text. */
static size_t byte_length_at_most(cst_encoding encoding, size_t len)
{
    switch (encoding) {
    case CST_UTF8:
        return cst__size_times(len, 3);
    case CST_UTF16LE:
        return cst__size_times(len, 2);
    case CST_LATIN1:
    case CST_ASCII:
        return len;
    case CST_HEX:
        return len / 2;
    case CST_BASE64:
    case CST_BASE64URL:
        return base64_byte_length(len);
    }
    return 0;
}

static size_t text_length(cst_encoding encoding, const uint8_t *bytes, size_t len)
{
    switch (encoding) {
    case CST_UTF8:
        return cst__utf8_repaired_length(bytes, len);
    case CST_UTF16LE:
        return cst__utf16_text_length(bytes, len);
    case CST_LATIN1:
        return cst__latin1_text_length(bytes, len);
    case CST_ASCII:
        return len;
    case CST_HEX:
        return cst__size_times(len, 2);
    case CST_BASE64:
    case CST_BASE64URL:
        return cst__base64_text_length(len, encoding == CST_BASE64URL);
    }
    return 0;
}

static size_t text_length_at_most(cst_encoding encoding, const uint8_t *bytes, size_t len)
{
    switch (encoding) {
    case CST_UTF8:
        return cst__size_times(len, 3);
    case CST_UTF16LE:
        return cst__size_times(len / 2, 3);
    case CST_LATIN1:
        return cst__size_times(len, 2);
    case CST_ASCII:
    case CST_HEX:
    case CST_BASE64:
    case CST_BASE64URL:
        break;
    }
    return text_length(encoding, bytes, len);
}

static bool is_fine(cst_encoding encoding, const void *data, size_t len)
{
    return cst__encoding_exists(encoding) && (data || len == 0);
}

size_t cst_byte_length(cst_encoding encoding, const void *text, size_t len)
{
    return is_fine(encoding, text, len) && len > 0 ? byte_length(encoding, text, len) : 0;
}

size_t cst_text_length(cst_encoding encoding, const void *bytes, size_t len)
{
    return is_fine(encoding, bytes, len) && len > 0 ? text_length(encoding, bytes, len) : 0;
}

/* --- the two ways ----------------------------------------------------------------------------- */

static size_t hex_from_text(uint8_t *to, const uint8_t *text, size_t len)
{
    struct cst__hex_reader reader = { .stopped = false };

    return cst__hex_read(&reader, to, text, len);
}

static size_t base64_from_text(uint8_t *to, const uint8_t *text, size_t len)
{
    struct cst__base64_reader reader = { .count = 0 };
    size_t written = cst__base64_read(&reader, to, text, len);

    return written + cst__base64_read_end(&reader, to + written);
}

size_t cst__from_text(cst_encoding encoding, uint8_t *to, const uint8_t *text, size_t len)
{
    switch (encoding) {
    case CST_UTF8:
        return cst__utf8_repair(to, text, len);
    case CST_UTF16LE:
        return cst__utf16_from_text(to, text, len);
    case CST_LATIN1:
    case CST_ASCII:
        return cst__latin1_from_text(to, text, len);
    case CST_HEX:
        return hex_from_text(to, text, len);
    case CST_BASE64:
    case CST_BASE64URL:
        return base64_from_text(to, text, len);
    }
    return 0;
}

static size_t ascii_to_text(uint8_t *to, const uint8_t *bytes, size_t len)
{
    size_t at = 0;

    for (; len - at >= 16; at += 16) {
        for (size_t i = at; i < at + 16; i++)
            to[i] = bytes[i] & 0x7F;
    }
    for (; at < len; at++)
        to[at] = bytes[at] & 0x7F;
    return len;
}

size_t cst__to_text(cst_encoding encoding, uint8_t *to, const uint8_t *bytes, size_t len)
{
    switch (encoding) {
    case CST_UTF8:
        return cst__utf8_repair(to, bytes, len);
    case CST_UTF16LE:
        return cst__utf16_to_text(to, bytes, len);
    case CST_LATIN1:
        return cst__latin1_to_text(to, bytes, len);
    case CST_ASCII:
        return ascii_to_text(to, bytes, len);
    case CST_HEX:
        return cst__hex_to_text(to, bytes, len);
    case CST_BASE64:
    case CST_BASE64URL:
        return cst__base64_to_text(to, bytes, len, encoding == CST_BASE64URL);
    }
    return 0;
}

bool cst__is_own_text(cst_encoding encoding, const uint8_t *bytes, size_t len)
{
    if (encoding == CST_UTF8)
        return cst_is_utf8(bytes, len);
    return (encoding == CST_LATIN1 || encoding == CST_ASCII) && cst_is_ascii(bytes, len);
}

/* --- into the caller's memory ----------------------------------------------------------------- */

/* Return whether need bytes fit into *size; if not, *size is need. */
static bool need_fits(size_t *size, size_t need)
{
    if (need <= *size && need != SIZE_MAX)
        return true;
    *size = need;
    return false;
}

/* Without room nothing is written, but the functions need a pointer to count from. */
static uint8_t *or_nowhere(void *to, uint8_t *nowhere)
{
    return to ? to : nowhere;
}

/* The text is read twice only if the room is less than it could need. */
cst_status cst_text_to_bytes(void *to, size_t *size, cst_encoding encoding, const void *text,
                             size_t len)
{
    uint8_t nowhere[1];

    if (!size || !is_fine(encoding, text, len))
        return CST_E_INVALID_ARG;
    if (byte_length_at_most(encoding, len) > *size &&
        !need_fits(size, cst_byte_length(encoding, text, len)))
        return CST_E_OUT_OF_RANGE;
    *size = len > 0 ? cst__from_text(encoding, or_nowhere(to, nowhere), text, len) : 0;
    return CST_OK;
}

cst_status cst_bytes_to_text(void *to, size_t *size, cst_encoding encoding, const void *bytes,
                             size_t len)
{
    uint8_t nowhere[1];

    if (!size || !is_fine(encoding, bytes, len))
        return CST_E_INVALID_ARG;
    if (text_length_at_most(encoding, bytes, len) > *size &&
        !need_fits(size, cst_text_length(encoding, bytes, len)))
        return CST_E_OUT_OF_RANGE;
    *size = len > 0 ? cst__to_text(encoding, or_nowhere(to, nowhere), bytes, len) : 0;
    return CST_OK;
}

/* --- into slices ------------------------------------------------------------------------------ */

cst_status cst__result_new(cst_buf *out, const cst_allocator *allocator, size_t need)
{
    return need == SIZE_MAX ? CST_E_NOMEM : cst_buf_new(out, allocator, need);
}

cst_status cst_slice_from_text(cst_slice *out, const cst_allocator *allocator,
                               cst_encoding encoding, const void *text, size_t len)
{
    cst_buf buf;
    cst_status st;
    size_t need;

    if (!out || !allocator || !is_fine(encoding, text, len))
        return CST_E_INVALID_ARG;
    /*
     * Digits need as many bytes as their bound. Text with anything else is rare: its block is a
     * little too large then.
     */
    need = encoding >= CST_HEX ? byte_length_at_most(encoding, len)
                               : cst_byte_length(encoding, text, len);
    if (need == 0) {
        *out = cst_slice_empty();
        return CST_OK;
    }
    st = cst__result_new(&buf, allocator, need);
    if (st == CST_OK)
        *out = cst_buf_freeze(&buf, cst__from_text(encoding, buf.data, text, len));
    return st;
}

cst_status cst_slice_to_text(cst_slice *out, const cst_allocator *allocator, cst_encoding encoding,
                             const cst_slice *bytes)
{
    cst_buf buf;
    cst_status st;

    if (!out || !allocator || !bytes || !is_fine(encoding, bytes->data, bytes->len))
        return CST_E_INVALID_ARG;
    if (bytes->len == 0 || cst__is_own_text(encoding, bytes->data, bytes->len)) {
        *out = cst_slice_ref(bytes);
        return CST_OK;
    }
    if (encoding == CST_UTF16LE && bytes->len == 1) {
        *out = cst_slice_empty();
        return CST_OK;
    }
    st = cst__result_new(&buf, allocator, text_length(encoding, bytes->data, bytes->len));
    if (st == CST_OK)
        *out = cst_buf_freeze(&buf, cst__to_text(encoding, buf.data, bytes->data, bytes->len));
    return st;
}

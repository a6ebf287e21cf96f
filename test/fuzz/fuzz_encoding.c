/*
 * fuzz_encoding.c - each encoding, both ways, against a model that does one character at a time in
 * the simplest way.
 *
 * The first byte of an input picks the encoding, the rest is converted. Results are written into
 * memory of exactly the size that the library says.
 */
#include "fuzz.h"

#include <cstream/text.h>

enum { LONGEST = 4096 };

/* --- the model: characters -------------------------------------------------------------------- */

/* Return whether p[index] may continue the character that p[0] and p[1] begin. */
static bool may_stand(const uint8_t *p, unsigned index)
{
    if (index == 0)
        return p[0] < 0x80 || (p[0] >= 0xC2 && p[0] <= 0xF4);
    if (index > 1)
        return p[index] >= 0x80 && p[index] <= 0xBF;
    switch (p[0]) {
    case 0xE0:
        return p[1] >= 0xA0 && p[1] <= 0xBF;
    case 0xED:
        return p[1] >= 0x80 && p[1] <= 0x9F;
    case 0xF0:
        return p[1] >= 0x90 && p[1] <= 0xBF;
    case 0xF4:
        return p[1] >= 0x80 && p[1] <= 0x8F;
    default:
        return p[1] >= 0x80 && p[1] <= 0xBF;
    }
}

static unsigned size_of(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* The code points of a text, with U+FFFD for what is ill-formed. */
struct characters {
    uint32_t codes[LONGEST];
    size_t count;
    bool good;
};

static void read_utf8(struct characters *out, const uint8_t *p, size_t len)
{
    out->count = 0;
    out->good = true;
    while (len > 0) {
        unsigned want = size_of(p[0]), have = 0;
        uint32_t code = want == 1 ? p[0] : p[0] & (0xFFu >> (want + 1));

        while (have < want && have < len && may_stand(p, have))
            have++;
        for (unsigned i = 1; i < have; i++)
            code = code * 64 + (p[i] - 0x80u);
        out->good = out->good && have == want;
        out->codes[out->count++] = have == want ? code : 0xFFFD;
        p += have > 0 ? have : 1;
        len -= have > 0 ? have : 1;
    }
}

static void read_utf16(struct characters *out, const uint8_t *p, size_t len)
{
    out->count = 0;
    for (; len >= 2; p += 2, len -= 2) {
        uint32_t unit = p[0] + 256u * p[1];
        uint32_t next = len >= 4 ? p[2] + 256u * p[3] : 0;

        if (unit / 0x400 == 0x36 && next / 0x400 == 0x37) {
            out->codes[out->count++] = 0x10000 + (unit % 0x400) * 0x400 + next % 0x400;
            p += 2;
            len -= 2;
        } else {
            out->codes[out->count++] = unit / 0x800 == 0x1B ? 0xFFFD : unit;
        }
    }
}

/* --- the model: results ----------------------------------------------------------------------- */

struct result {
    uint8_t bytes[LONGEST * 4];
    size_t len;
};

static void put(struct result *out, unsigned byte)
{
    out->bytes[out->len++] = (uint8_t)byte;
}

static void put_utf8(struct result *out, uint32_t code)
{
    unsigned more = 0u + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF);

    if (more == 0) {
        put(out, code);
        return;
    }
    put(out, (0xFF00u >> (more + 1) & 0xFF) | code >> 6 * more);
    while (more-- > 0)
        put(out, 0x80 | (code >> 6 * more & 0x3F));
}

/* Call a function of the model with each UTF-16 unit. */
static void each_unit(struct result *out, const struct characters *text,
                      void (*take)(struct result *out, unsigned unit))
{
    for (size_t i = 0; i < text->count; i++) {
        uint32_t code = text->codes[i];

        if (code > 0xFFFF) {
            take(out, 0xD800 + (code - 0x10000) / 0x400);
            take(out, 0xDC00 + (code - 0x10000) % 0x400);
        } else {
            take(out, code);
        }
    }
}

static void put_unit(struct result *out, unsigned unit)
{
    put(out, unit % 256);
    put(out, unit / 256);
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789abcdef0123456789ABCDEF";

static void model_hex(struct result *out, const struct result *units)
{
    for (size_t i = 0; i + 1 < units->len; i += 2) {
        const char *high = memchr(hex_digits, units->bytes[i], 32);
        const char *low = memchr(hex_digits, units->bytes[i + 1], 32);

        if (high == NULL || low == NULL)
            return;
        put(out, (unsigned)(high - hex_digits) % 16 * 16 + (unsigned)(low - hex_digits) % 16);
    }
}

static void model_base64(struct result *out, const struct result *units)
{
    unsigned bits = 0, held = 0;

    for (size_t i = 0; i < units->len && units->bytes[i] != '='; i++) {
        unsigned c = units->bytes[i] == '-' ? '+' : units->bytes[i] == '_' ? '/' : units->bytes[i];
        const char *digit = memchr(base64_digits, (int)c, 64);

        if (digit == NULL)
            continue;
        bits = (bits * 64 + (unsigned)(digit - base64_digits)) & 0xFFFF;
        held += 6;
        if (held >= 8) {
            held -= 8;
            put(out, bits >> held & 0xFF);
        }
    }
}

static void model_from_text(struct result *out, cst_encoding encoding, const uint8_t *p, size_t len)
{
    static struct characters text;
    static struct result units;

    out->len = units.len = 0;
    read_utf8(&text, p, len);
    fuzz_require(cst_is_utf8(p, len) == text.good);
    if (encoding == CST_UTF8) {
        for (size_t i = 0; i < text.count; i++)
            put_utf8(out, text.codes[i]);
    } else if (encoding == CST_UTF16LE) {
        each_unit(out, &text, put_unit);
    } else if (encoding < CST_HEX) {
        each_unit(out, &text, put);
    } else {
        each_unit(&units, &text, put);
        (encoding == CST_HEX ? model_hex : model_base64)(out, &units);
    }
}

static void model_base64_text(struct result *out, const uint8_t *p, size_t len, bool url)
{
    for (size_t bit = 0; bit < 8 * len; bit += 6) {
        unsigned two = p[bit / 8] * 256u + (bit / 8 + 1 < len ? p[bit / 8 + 1] : 0);
        char digit = base64_digits[two >> (10 - bit % 8) & 63];

        put(out, (unsigned char)(!url ? digit : digit == '+' ? '-' : digit == '/' ? '_' : digit));
    }
    while (!url && out->len % 4 != 0)
        put(out, '=');
}

static void model_to_text(struct result *out, cst_encoding encoding, const uint8_t *p, size_t len)
{
    static struct characters text;

    out->len = text.count = 0;
    if (encoding == CST_BASE64 || encoding == CST_BASE64URL) {
        model_base64_text(out, p, len, encoding == CST_BASE64URL);
        return;
    }
    if (encoding == CST_UTF8)
        read_utf8(&text, p, len);
    else if (encoding == CST_UTF16LE)
        read_utf16(&text, p, len);
    for (size_t i = 0; i < text.count; i++)
        put_utf8(out, text.codes[i]);
    for (size_t i = 0; i < len; i++) {
        if (encoding == CST_LATIN1 || encoding == CST_ASCII)
            put_utf8(out, encoding == CST_ASCII ? p[i] % 128u : p[i]);
        if (encoding == CST_HEX) {
            put(out, (unsigned char)hex_digits[p[i] / 16]);
            put(out, (unsigned char)hex_digits[p[i] % 16]);
        }
    }
}

/* --- the library ------------------------------------------------------------------------------ */

typedef cst_status way_fn(void *to, size_t *size, cst_encoding encoding, const void *from,
                          size_t len);

static void compare(way_fn *way, size_t need, bool exact, cst_encoding encoding, const uint8_t *p,
                    size_t len, const struct result *expected)
{
    uint8_t *to = need > 0 ? malloc(need) : NULL;
    size_t size = need;

    fuzz_require(need == 0 || to != NULL);
    fuzz_require(way(to, &size, encoding, p, len) == CST_OK);
    fuzz_require(size == expected->len && (!exact || size == need));
    fuzz_require(size == 0 || memcmp(to, expected->bytes, size) == 0);
    free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct result expected;
    cst_encoding encoding;

    if (size == 0 || size > LONGEST)
        return 0;
    encoding = (cst_encoding)(*data++ % 7);
    size--;
    model_from_text(&expected, encoding, data, size);
    compare(cst_text_to_bytes, cst_byte_length(encoding, data, size), encoding < CST_HEX, encoding,
            data, size, &expected);
    model_to_text(&expected, encoding, data, size);
    compare(cst_bytes_to_text, cst_text_length(encoding, data, size), true, encoding, data, size,
            &expected);
    return 0;
}

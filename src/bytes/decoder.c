/*
 * decoder.c - text.h: text out of chunks.
 *
 * A chunk falls into three parts: bytes that complete what is held, a body of whole characters or
 * groups, and a tail that is held. The tail of UTF-8 is a lead byte and what follows it, even if
 * that cannot become a character any more: what it amounts to is decided when it is complete, as if
 * it had come in one piece.
 */
#include "cstream/text.h"

#include "bytes/codecs.h"

#include <string.h>

cst_status cst_decoder_init(cst_decoder *decoder, cst_encoding encoding)
{
    if (!decoder || !cst__encoding_exists(encoding))
        return CST_E_INVALID_ARG;
    *decoder = (cst_decoder){ .encoding = encoding };
    return CST_OK;
}

size_t cst_decoder_held(const cst_decoder *decoder)
{
    return decoder ? decoder->held_count : 0;
}

size_t cst_decoder_bound(const cst_decoder *decoder, size_t len)
{
    size_t all = cst__size_add(cst_decoder_held(decoder), len);

    if (!decoder)
        return 0;
    switch (decoder->encoding) {
    case CST_UTF8:
        return cst__size_times(all, 3);
    case CST_UTF16LE:
        return cst__size_times(all / 2, 3);
    case CST_LATIN1:
    case CST_HEX:
        return cst__size_times(all, 2);
    case CST_ASCII:
        return all;
    case CST_BASE64:
    case CST_BASE64URL:
        return cst__size_times(all / 3, 4);
    }
    return 0;
}

/* --- the tail --------------------------------------------------------------------------------- */

/*
 * Return how many bytes a character of UTF-8 has by its lead, as Node's StringDecoder sees it; 0 if
 * the byte is no lead.
 */
static unsigned size_by_lead(uint8_t lead)
{
    if ((lead & 0xE0) == 0xC0)
        return 2;
    if ((lead & 0xF0) == 0xE0)
        return 3;
    return (lead & 0xF8) == 0xF0 ? 4 : 0;
}

static size_t utf8_tail(const uint8_t *bytes, size_t len)
{
    for (size_t tail = 1; tail <= 3 && tail <= len; tail++) {
        uint8_t byte = bytes[len - tail];

        if ((byte & 0xC0) != 0x80)
            return size_by_lead(byte) > tail ? tail : 0;
    }
    return 0;
}

static size_t utf16_tail(const uint8_t *bytes, size_t len)
{
    size_t odd = len % 2;

    return len >= 2 && (bytes[len - odd - 1] & 0xFC) == 0xD8 ? odd + 2 : odd;
}

size_t cst__decoder_tail(const cst_decoder *decoder, const uint8_t *bytes, size_t len)
{
    switch (decoder->encoding) {
    case CST_UTF8:
        return utf8_tail(bytes, len);
    case CST_UTF16LE:
        return utf16_tail(bytes, len);
    case CST_BASE64:
    case CST_BASE64URL:
        return len % 3;
    case CST_LATIN1:
    case CST_ASCII:
    case CST_HEX:
        break;
    }
    return 0;
}

/* --- the held bytes --------------------------------------------------------------------------- */

static void hold_tail(cst_decoder *decoder, const uint8_t *bytes, size_t len)
{
    memcpy(decoder->held, bytes, len);
    decoder->held_count = (uint8_t)len;
    decoder->missing = 0;
    if (decoder->encoding == CST_UTF8 && len > 0)
        decoder->missing = (uint8_t)(size_by_lead(bytes[0]) - len);
}

/*
 * Add bytes of the chunk to those held, until something is complete; return how many. decoder->held
 * may have one byte more then than the decoder ever keeps.
 */
static size_t complete(cst_decoder *decoder, const uint8_t *bytes, size_t len, bool *completed)
{
    size_t taken = 0;

    *completed = false;
    while (taken < len && !*completed) {
        if (decoder->encoding == CST_UTF8 && (bytes[taken] & 0xC0) != 0x80) {
            *completed = true; /* cut short: the byte begins another character */
            break;
        }
        decoder->held[decoder->held_count++] = bytes[taken++];
        if (decoder->encoding == CST_UTF8)
            *completed = --decoder->missing == 0;
        else
            *completed = cst__decoder_tail(decoder, decoder->held, decoder->held_count) !=
                         decoder->held_count;
    }
    return taken;
}

/*
 * Go on with what is held: write what has become complete, or only count it if to is NULL. *used is
 * how many bytes of the chunk were used. If bytes are still held afterwards that wait for more, the
 * chunk is used up.
 */
static size_t finish_held(cst_decoder *decoder, uint8_t *to, const uint8_t *bytes, size_t len,
                          size_t *used)
{
    uint8_t text[3 * sizeof(decoder->held)];
    uint8_t held[sizeof(decoder->held)];
    bool completed;
    size_t count, tail, written;

    *used = complete(decoder, bytes, len, &completed);
    if (!completed)
        return 0;
    count = decoder->held_count;
    memcpy(held, decoder->held, count);
    /* The first half of a pair may be followed by the first half of another, which is held next. */
    tail = decoder->encoding == CST_UTF16LE ? utf16_tail(held, count) : 0;
    hold_tail(decoder, held + count - tail, tail);
    written = cst__to_text(decoder->encoding, text, held, count - tail);
    if (to)
        memcpy(to, text, written);
    return written;
}

/* --- chunks ----------------------------------------------------------------------------------- */

static bool takes_nothing(const cst_decoder *decoder, const void *bytes, size_t len)
{
    return !decoder || !bytes || len == 0;
}

/*
 * Write what comes before the body. The held bytes may take several rounds, since the half of a
 * pair may be followed by half of another.
 */
static size_t write_held(cst_decoder *decoder, uint8_t *to, const uint8_t **bytes, size_t *len)
{
    size_t written = 0;

    while (decoder->held_count > 0 && *len > 0) {
        size_t used;

        written += finish_held(decoder, to ? to + written : NULL, *bytes, *len, &used);
        *bytes += used;
        *len -= used;
    }
    return written;
}

size_t cst_decoder_write(cst_decoder *decoder, void *to, const void *bytes, size_t len)
{
    uint8_t nothing[1];
    uint8_t *out = to ? to : nothing; /* to is NULL only if nothing is written */
    const uint8_t *p = bytes;
    size_t written, tail;

    if (takes_nothing(decoder, bytes, len))
        return 0;
    written = write_held(decoder, out, &p, &len);
    if (len > 0) {
        tail = cst__decoder_tail(decoder, p, len);
        written += cst__to_text(decoder->encoding, out + written, p, len - tail);
        hold_tail(decoder, p + len - tail, tail);
    }
    return written;
}

size_t cst_decoder_length(const cst_decoder *decoder, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    cst_decoder copy;
    size_t length;

    if (takes_nothing(decoder, bytes, len))
        return 0;
    copy = *decoder;
    length = write_held(&copy, NULL, &p, &len);
    if (len > 0)
        length = cst__size_add(
            length, cst_text_length(copy.encoding, p, len - cst__decoder_tail(&copy, p, len)));
    return length;
}

size_t cst_decoder_end(cst_decoder *decoder, void *to)
{
    size_t written;

    if (!decoder || decoder->held_count == 0)
        return 0;
    written = cst__to_text(decoder->encoding, to, decoder->held, decoder->held_count);
    hold_tail(decoder, decoder->held, 0);
    return written;
}

/* --- into a slice ----------------------------------------------------------------------------- */

/*
 * If the text is the front of the chunk itself, make it a view of the chunk, hold the tail,
 * and return true.
 */
static bool decode_in_place(cst_decoder *decoder, const cst_slice *chunk, cst_slice *text)
{
    size_t body;

    if (chunk->len == 0 || cst_decoder_held(decoder) > 0)
        return false;
    body = chunk->len - cst__decoder_tail(decoder, chunk->data, chunk->len);
    if (!cst__is_own_text(decoder->encoding, chunk->data, body))
        return false;
    cst_decoder_write(decoder, NULL, chunk->data + body, chunk->len - body);
    *text = cst_slice_sub(chunk, 0, body);
    return true;
}

cst_status cst_decoder_write_slice(cst_slice *out, cst_decoder *decoder,
                                   const cst_allocator *allocator, const cst_slice *chunk)
{
    cst_status st;
    cst_buf buf;
    size_t need;

    if (!out || !decoder || !allocator || !chunk)
        return CST_E_INVALID_ARG;
    if (decode_in_place(decoder, chunk, out))
        return CST_OK;
    need = cst_decoder_length(decoder, chunk->data, chunk->len);
    if (need == 0) {
        cst_decoder_write(decoder, NULL, chunk->data, chunk->len);
        *out = cst_slice_empty();
        return CST_OK;
    }
    st = cst__result_new(&buf, allocator, need);
    if (st == CST_OK)
        *out = cst_buf_freeze(&buf, cst_decoder_write(decoder, buf.data, chunk->data, chunk->len));
    return st;
}

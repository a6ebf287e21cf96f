/*
 * decode.c - cst_set_encoding: a readable side that hands out text.
 *
 * What is pushed is decoded before it is buffered or handed on. So the buffer of a side with an
 * encoding holds text alone, and its length counts the bytes of that text. A chunk whose bytes are
 * already that text (well-formed UTF-8, ASCII) is not copied.
 */
#include "stream/stream_internal.h"

#include <string.h>

#include "bytes/codecs.h"
#include "cstream/readable.h"

cst_status cst__decode(cst_stream *s, const cst_slice *chunk, cst_slice *text)
{
    return cst_decoder_write_slice(text, cst__decoder(s), s->ctx->allocator, chunk);
}

cst_status cst__decode_end(cst_stream *s)
{
    struct readable *r = cst__r(s);
    uint8_t rest[CST_DECODER_END_ROOM];
    size_t len = cst_decoder_end(cst__decoder(s), rest);
    cst_slice text;
    cst_status st;

    if (len == 0)
        return CST_OK;
    if (len > SIZE_MAX - r->length)
        return CST_E_OUT_OF_RANGE;
    if ((st = cst__row_reserve(&r->buffer, cst__pool_allocator(&s->ctx->pool))) < 0 ||
        (st = cst_slice_copy(&text, s->ctx->allocator, rest, len)) < 0)
        return st;
    cst__row_push(&r->buffer, &text);
    r->length += (s->hot & R_OBJECTS) ? 1 : len;
    s->hot |= R_QUEUED;
    return CST_OK;
}

size_t cst__whole_characters(const cst_stream *s, size_t n)
{
    const cst_slice *chunk;
    size_t at = n;

    if (n == 0 || (s->hot & R_OBJECTS))
        return n;
    for (chunk = cst__row_front(&cst__r(s)->buffer); at > chunk->len; chunk++)
        at -= chunk->len;
    for (; at < chunk->len && (chunk->data[at] & 0xC0) == 0x80; at++)
        n++;
    return n;
}

void cst__decoder_free(cst_stream *s)
{
    if (cst__decodes(s))
        cst__pool_free(&s->ctx->pool, cst__decoder(s), sizeof(cst_decoder));
}

/* --- what was buffered before the encoding was set -------------------------------------------- */

/* Append to *text what the decoder still holds. */
static cst_status append_end(cst_decoder *decoder, const cst_allocator *allocator, cst_slice *text)
{
    uint8_t rest[CST_DECODER_END_ROOM];
    size_t len = cst_decoder_end(decoder, rest);
    cst_status st;
    cst_buf buf;

    if (len == 0)
        return CST_OK;
    st = cst__result_new(&buf, allocator, cst__size_add(text->len, len));
    if (st < 0)
        return st;
    if (text->len > 0)
        memcpy(buf.data, text->data, text->len);
    memcpy(buf.data + text->len, rest, len);
    len += text->len;
    cst__slice_unref(text);
    *text = cst_buf_freeze(&buf, len);
    return CST_OK;
}

/*
 * Join all that is buffered into one text; *text is empty before. If the side has an encoding
 * already, its buffer is text and is not decoded again. Else `decoder` decodes it, and if EOF was
 * pushed, what the decoder then still holds is appended.
 */
static cst_status decode_buffered(const cst_stream *s, cst_decoder *decoder, cst_slice *text)
{
    const cst_chain_row *buffer = &cst__r(s)->buffer;
    const cst_allocator *allocator = s->ctx->allocator;
    cst_slice bytes = cst_slice_empty();
    cst_status st = CST_OK;

    if (buffer->count > 0)
        st = cst_slice_concat(&bytes, allocator, cst__row_front(buffer), buffer->count);
    if (st < 0)
        return st;
    if (cst__decodes(s)) {
        *text = bytes;
        return CST_OK;
    }
    st = cst_decoder_write_slice(text, decoder, allocator, &bytes);
    cst__slice_unref(&bytes);
    if (st == CST_OK && (s->hot & R_ENDED))
        st = append_end(decoder, allocator, text);
    return st;
}

/* Make *row a buffer of one chunk, which is moved out of *text; an empty one if *text is empty. */
static cst_status row_of(cst_chain_row *row, cst_stream *s, cst_slice *text)
{
    cst_status st;

    *row = (cst_chain_row){ .count = 0 };
    if (text->len == 0)
        return CST_OK;
    st = cst__row_reserve(row, cst__pool_allocator(&s->ctx->pool));
    if (st == CST_OK) {
        cst__row_push(row, text);
        *text = cst_slice_empty();
    }
    return st;
}

/* Replace the buffer by *row. The old chunks are released last, since that may call the user's
 * release functions, which must find the new buffer in place. */
static void replace_buffer(cst_stream *s, const cst_chain_row *row)
{
    struct readable *r = cst__r(s);
    cst_chain_row before = r->buffer;

    cst__row_replace(&r->buffer, row);
    r->length = 0;
    s->hot &= NOT(R_QUEUED);
    if (row->count > 0) {
        r->length = (s->hot & R_OBJECTS) ? 1 : cst__row_front(row)->len;
        s->hot |= R_QUEUED;
    }
    cst__row_fini(&before, cst__pool_allocator(&s->ctx->pool));
}

/* Decode what is buffered with `fresh`, and make `fresh` the decoder of the side. If that fails,
 * nothing has changed. */
static cst_status set_decoder(cst_stream *s, cst_decoder *fresh)
{
    cst_decoder *record = cst__decodes(s) ? cst__decoder(s) : NULL;
    cst_slice text = cst_slice_empty();
    cst_chain_row row;
    cst_status st;

    if (!record && !(record = cst__pool_alloc(&s->ctx->pool, sizeof *record)))
        return CST_E_NOMEM;
    if ((st = decode_buffered(s, fresh, &text)) < 0 || (st = row_of(&row, s, &text)) < 0)
        goto fail;
    *record = *fresh;
    cst__clear_sole_dest(s);
    cst__r(s)->decoder = record;
    replace_buffer(s, &row);
    return CST_OK;
fail:
    cst__slice_unref(&text);
    if (!cst__decodes(s))
        cst__pool_free(&s->ctx->pool, record, sizeof *record);
    return st;
}

cst_status cst_set_encoding(cst_stream *s, cst_encoding encoding)
{
    cst_decoder fresh;
    cst_status st;

    if (!s || !s->has_readable || cst_decoder_init(&fresh, encoding) < 0)
        return CST_E_INVALID_ARG;
    cst__enter(s->ctx);
    st = set_decoder(s, &fresh);
    cst__leave(s->ctx);
    return st;
}

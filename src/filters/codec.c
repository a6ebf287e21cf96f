/*
 * codec.c - stages.h: the encodings as stages. What is carried from chunk to chunk lies in the self
 * of the stage.
 */
#include "cstream/stages.h"

#include "bytes/codecs.h"
#include "cstream/text.h"

/* Give a chunk unless it is empty: in object mode an empty chunk would be a message. */
static cst_status give_chunk(cst_stream *s, cst_slice chunk)
{
    return chunk.len > 0 ? cst_give(s, chunk) : CST_OK;
}

static cst_status give_copy(cst_stream *s, const uint8_t *bytes, size_t len)
{
    cst_slice chunk;
    cst_status st = cst_slice_copy(&chunk, cst_ctx_allocator(cst_stream_ctx(s)), bytes, len);

    return st < 0 ? st : give_chunk(s, chunk);
}

/* --- to text ---------------------------------------------------------------------------------- */

static cst_status to_text_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_slice text;
    cst_status st =
        cst_decoder_write_slice(&text, self, cst_ctx_allocator(cst_stream_ctx(s)), chunk);

    return st < 0 ? st : give_chunk(s, text);
}

static cst_status to_text_flush(cst_stream *s, void *self)
{
    uint8_t rest[CST_DECODER_END_ROOM];

    return give_copy(s, rest, cst_decoder_end(self, rest));
}

static const cst_ops to_text_ops = {
    .name = "to-text",
    .self_size = sizeof(cst_decoder),
    .transform = to_text_transform,
    .flush = to_text_flush,
};

cst_status cst_to_text_new(cst_stream **out, cst_ctx *ctx, cst_encoding encoding,
                           const cst_opts *opts)
{
    cst_decoder decoder;
    cst_status st = cst_decoder_init(&decoder, encoding);

    return st < 0 ? st : cst_transform_new(out, ctx, &to_text_ops, &decoder, opts);
}

/* --- from text -------------------------------------------------------------------------------- */

/* A decoder makes the text whole and well-formed first; then its digits are read. */
struct from_text {
    cst_encoding encoding;
    cst_decoder text;
    struct cst__hex_reader hex;
    struct cst__base64_reader base64;
};

/* Return a bound of the bytes that a piece of text may add up to, with what was carried to it. */
static size_t bytes_at_most(const struct from_text *codec, const uint8_t *text, size_t len)
{
    switch (codec->encoding) {
    case CST_HEX:
        return len / 2 + 1;
    case CST_BASE64:
    case CST_BASE64URL:
        return len / 4 * 3 + 3;
    case CST_UTF8:
    case CST_UTF16LE:
    case CST_LATIN1:
    case CST_ASCII:
        break;
    }
    return cst_byte_length(codec->encoding, text, len);
}

static size_t read_text(struct from_text *codec, uint8_t *to, const uint8_t *text, size_t len)
{
    switch (codec->encoding) {
    case CST_HEX:
        return cst__hex_read(&codec->hex, to, text, len);
    case CST_BASE64:
    case CST_BASE64URL:
        return cst__base64_read(&codec->base64, to, text, len);
    case CST_UTF8:
    case CST_UTF16LE:
    case CST_LATIN1:
    case CST_ASCII:
        break;
    }
    return cst__from_text(codec->encoding, to, text, len);
}

static cst_status give_bytes_of(cst_stream *s, struct from_text *codec, const cst_slice *text)
{
    cst_status st;
    cst_buf buf;

    if (text->len == 0)
        return CST_OK;
    st = cst__result_new(&buf, cst_ctx_allocator(cst_stream_ctx(s)),
                         bytes_at_most(codec, text->data, text->len));
    if (st < 0)
        return st;
    return give_chunk(s, cst_buf_freeze(&buf, read_text(codec, buf.data, text->data, text->len)));
}

static cst_status from_text_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct from_text *codec = self;
    cst_slice text;
    cst_status st =
        cst_decoder_write_slice(&text, &codec->text, cst_ctx_allocator(cst_stream_ctx(s)), chunk);

    if (st < 0)
        return st;
    if (codec->encoding == CST_UTF8)
        return give_chunk(s, text);
    st = give_bytes_of(s, codec, &text);
    cst_slice_unref(&text);
    return st;
}

static cst_status from_text_flush(cst_stream *s, void *self)
{
    struct from_text *codec = self;
    uint8_t text[CST_DECODER_END_ROOM];
    uint8_t bytes[2 * CST_DECODER_END_ROOM];
    size_t len = cst_decoder_end(&codec->text, text);

    if (len > 0)
        len = read_text(codec, bytes, text, len);
    return give_copy(s, bytes, len + cst__base64_read_end(&codec->base64, bytes + len));
}

static const cst_ops from_text_ops = {
    .name = "from-text",
    .self_size = sizeof(struct from_text),
    .transform = from_text_transform,
    .flush = from_text_flush,
};

cst_status cst_from_text_new(cst_stream **out, cst_ctx *ctx, cst_encoding encoding,
                             const cst_opts *opts)
{
    struct from_text codec = { .encoding = encoding };

    if (!cst__encoding_exists(encoding))
        return CST_E_INVALID_ARG;
    cst_decoder_init(&codec.text, CST_UTF8);
    return cst_transform_new(out, ctx, &from_text_ops, &codec, opts);
}

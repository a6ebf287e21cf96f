/*
 * http_chunked.c - see http_chunked.h.
 *
 * Calls shown: cst_transform_new, cst_push, cst_push_eof, cst_slice_sub
 */
#include "http_chunked.h"

#include <string.h>

/* --- the decoder ------------------------------------------------------------------------------ */

static bool is_control(uint8_t byte)
{
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

/* Characters of a field's name: RFC 9110, 5.6.2. */
static bool is_token_byte(uint8_t byte)
{
    return byte > 0x20 && byte < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", byte);
}

static int take_digit(struct http_chunked *c, int digit)
{
    if (digit < 0 || c->left > UINT64_MAX >> 4)
        return 400;
    c->left = c->left << 4 | (uint64_t)digit;
    c->state = HTTP_CHUNK_SIZE;
    return 0;
}

/* The size is known; what it counts comes next. */
static int begin_chunk(struct http_chunked *c)
{
    uint64_t most = c->most_bytes ? c->most_bytes : UINT64_MAX;

    if (c->left > most - c->body_bytes)
        return 413;
    c->body_bytes += c->left;
    c->state = c->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER;
    return 0;
}

static int go_to(struct http_chunked *c, enum http_chunked_state state, bool is_right)
{
    c->state = state;
    return is_right ? 0 : 400;
}

/* A byte of the line that a size stands in. */
static int take_size_line(struct http_chunked *c, uint8_t byte)
{
    int digit = http_hex_digit((char)byte);

    if (c->state == HTTP_CHUNK_SIZE_LF)
        return byte == '\n' ? begin_chunk(c) : 400;
    if (c->state == HTTP_CHUNK_BEGIN || (c->state == HTTP_CHUNK_SIZE && digit >= 0))
        return take_digit(c, digit);
    if (byte == '\r')
        return go_to(c, HTTP_CHUNK_SIZE_LF, c->state != HTTP_CHUNK_BLANK);
    if (c->state == HTTP_CHUNK_EXTENSION || byte == ';')
        return go_to(c, HTTP_CHUNK_EXTENSION, !is_control(byte));
    return go_to(c, HTTP_CHUNK_BLANK, byte == ' ' || byte == '\t');
}

/* A byte behind the last chunk. */
static int take_trailer(struct http_chunked *c, uint8_t byte)
{
    if (c->state == HTTP_CHUNK_LAST_LF)
        return go_to(c, HTTP_CHUNK_END, byte == '\n');
    if (c->state == HTTP_CHUNK_TRAILER_LF)
        return go_to(c, HTTP_CHUNK_TRAILER, byte == '\n');
    if (c->state == HTTP_CHUNK_TRAILER && byte == '\r')
        return go_to(c, HTTP_CHUNK_LAST_LF, true);
    if (c->state == HTTP_CHUNK_VALUE)
        return byte == '\r' ? go_to(c, HTTP_CHUNK_TRAILER_LF, true)
                            : go_to(c, HTTP_CHUNK_VALUE, !is_control(byte));
    if (c->state == HTTP_CHUNK_NAME && byte == ':')
        return go_to(c, HTTP_CHUNK_VALUE, true);
    return go_to(c, HTTP_CHUNK_NAME, is_token_byte(byte));
}

/* Nobody needs a long line: zeroes before a size count, and what is skipped. */
static bool is_counted(const struct http_chunked *c)
{
    return c->state != HTTP_CHUNK_BEGIN && c->state != HTTP_CHUNK_SIZE_LF &&
           (c->state != HTTP_CHUNK_SIZE || c->left == 0);
}

static int take_byte(struct http_chunked *c, uint8_t byte)
{
    if (c->state == HTTP_CHUNK_DATA_CR)
        return go_to(c, HTTP_CHUNK_DATA_LF, byte == '\r');
    if (c->state == HTTP_CHUNK_DATA_LF)
        return go_to(c, HTTP_CHUNK_BEGIN, byte == '\n');
    if (is_counted(c) && ++c->other_bytes > HTTP_MOST_HEAD)
        return 431;
    return c->state < HTTP_CHUNK_DATA ? take_size_line(c, byte) : take_trailer(c, byte);
}

int http_chunked_next(struct http_chunked *c, const uint8_t *bytes, size_t len, size_t *framing,
                      size_t *data)
{
    *data = 0;
    for (*framing = 0; *framing < len && c->state != HTTP_CHUNK_DATA; ++*framing) {
        int code;

        if (c->state == HTTP_CHUNK_END)
            break;
        if ((code = take_byte(c, bytes[*framing])) != 0)
            return code;
    }
    if (c->state == HTTP_CHUNK_END)
        return HTTP_WHOLE;
    if (c->state == HTTP_CHUNK_DATA) {
        *data = len - *framing < c->left ? len - *framing : (size_t)c->left;
        c->left -= *data;
        if (c->left == 0)
            c->state = HTTP_CHUNK_DATA_CR;
    }
    return HTTP_PARTIAL;
}

/* --- the stage -------------------------------------------------------------------------------- */

struct stage {
    struct http_chunked decoder;
    struct http_chunked_opts opts;
};

/* A chunk goes on as slices of itself: what lies between them is the coding. */
static cst_status take_off(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct stage *stage = self;
    bool had_ended = stage->decoder.state == HTTP_CHUNK_END;
    size_t at = 0;

    while (at < chunk->len) {
        size_t framing, data;
        int code =
            http_chunked_next(&stage->decoder, chunk->data + at, chunk->len - at, &framing, &data);

        if (code >= 400)
            return CST_USER(code);
        at += framing;
        if (code == HTTP_WHOLE)
            break;
        if (data > 0)
            cst_push(s, cst_slice_sub(chunk, at, data));
        at += data;
    }
    if (stage->decoder.state == HTTP_CHUNK_END && !had_ended)
        cst_push_eof(s);
    if (at < chunk->len && stage->opts.on_rest) {
        cst_slice rest = cst_slice_sub(chunk, at, chunk->len - at);

        stage->opts.on_rest(s, &rest, stage->opts.on_rest_arg);
        cst_slice_unref(&rest);
    }
    return CST_OK;
}

static cst_status end(cst_stream *s, void *self)
{
    const struct stage *stage = self;

    (void)s;
    return stage->decoder.state == HTTP_CHUNK_END ? CST_OK : CST_E_PREMATURE_CLOSE;
}

cst_status http_chunked_new(cst_stream **out, cst_ctx *ctx, const struct http_chunked_opts *opts)
{
    static const cst_ops ops = {
        .name = "chunked", .self_size = sizeof(struct stage), .transform = take_off, .flush = end
    };
    struct stage stage = { .decoder = { .state = HTTP_CHUNK_BEGIN } };

    if (opts) {
        stage.opts = *opts;
        stage.decoder.most_bytes = opts->most_bytes;
    }
    return cst_transform_new(out, ctx, &ops, &stage, NULL);
}

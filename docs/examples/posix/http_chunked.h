/*
 * http_chunked.h - the chunked transfer coding taken off a body: RFC 9112, 7.1. As a stage, and as
 * a decoder alone.
 *
 *     5;note="an extension"\r\n      the size, in hexadecimal, and extensions, which are skipped
 *     hello\r\n
 *     0\r\n                          the last chunk
 *     Sum: 5d41402a\r\n              fields behind the body, which are skipped
 *     \r\n
 *
 * Strict, since what stands in front may read the same bytes in another way: lines end with CR LF,
 * no other control byte but tabs stands in them, a size has digits and nothing else, and a line is
 * a field or is refused.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include <cstream/cstream.h>

#include "http_request.h"

/* --- the stage -------------------------------------------------------------------------------- */

/* Bytes behind the body: of the next request. Borrowed. */
typedef void http_rest_fn(cst_stream *s, const cst_slice *rest, void *arg);

/*
 * most_bytes  how long the body may be; 0 is without a limit
 * on_rest     called with what follows the body, each time something does; NULL: it is dropped
 */
struct http_chunked_opts {
    uint64_t most_bytes;
    http_rest_fn *on_rest;
    void *on_rest_arg;
};

/*
 * Make a transform from chunks to the body, whose readable side ends with the last chunk; nobody
 * has to end the writable side. Bytes are handed on as they lie in memory.
 *
 * It fails with CST_USER(n), n being the status to refuse with: 400 for what is ill-formed, 413 for
 * a body beyond most_bytes, 431 for more than HTTP_MOST_HEAD bytes of extensions and trailers. It
 * fails with CST_E_PREMATURE_CLOSE if the writable side is ended before the last chunk.
 *
 * opts may be NULL. Returns as the constructors in stream.h.
 */
cst_status http_chunked_new(cst_stream **out, cst_ctx *ctx, const struct http_chunked_opts *opts);

/* --- the decoder ------------------------------------------------------------------------------ */

enum http_chunked_state {
    HTTP_CHUNK_BEGIN, /* the first digit of a size */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_BLANK, /* behind a size; ";" must follow */
    HTTP_CHUNK_EXTENSION,
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_CR,
    HTTP_CHUNK_DATA_LF,
    HTTP_CHUNK_TRAILER, /* a line begins: a field, or the blank one */
    HTTP_CHUNK_NAME,
    HTTP_CHUNK_VALUE,
    HTTP_CHUNK_TRAILER_LF,
    HTTP_CHUNK_LAST_LF,
    HTTP_CHUNK_END
};

/* Zeroes, but for most_bytes, before the first call. */
struct http_chunked {
    enum http_chunked_state state;
    uint64_t left;       /* of the chunk; its size so far */
    uint64_t body_bytes; /* of all chunks whose size is known */
    uint64_t most_bytes; /* 0: no limit */
    size_t other_bytes;  /* of extensions, trailers, and zeroes before a size */
};

/*
 * Take in what comes next: framing bytes, then data of the body.
 *
 * HTTP_PARTIAL  *framing bytes are used up, *data bytes behind them are of the body; call again
 * with what follows HTTP_WHOLE    likewise, without data, and the coding ends here 400 413 431   as
 * above
 */
int http_chunked_next(struct http_chunked *chunked, const uint8_t *bytes, size_t len,
                      size_t *framing, size_t *data);

#endif

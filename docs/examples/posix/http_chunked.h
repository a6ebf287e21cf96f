/*
 * http_chunked.h - decodes the chunked transfer coding of a body: RFC 9112, 7.1. As a stage, and as
 * a decoder without a stream.
 *
 *     5;note="an extension"\r\n      the size, in hexadecimal, and extensions, which are skipped
 *     hello\r\n
 *     0\r\n                          the last chunk
 *     Sum: 5d41402a\r\n              fields behind the body, which are skipped
 *     \r\n
 *
 * It is strict, since a proxy in front might read these bytes differently: lines end with CR LF and
 * contain no other control byte but tabs, a size is digits and nothing else, and a line that is not
 * a field is refused.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include <cstream/cstream.h>

#include "http_request.h"

/* --- the stage -------------------------------------------------------------------------------- */

/* Gets the bytes behind the body, which are of the next request. Borrowed. */
typedef void http_rest_fn(cst_stream *s, const cst_slice *rest, void *arg);

/*
 * most_bytes  how long the body may be; 0 is no limit
 * on_rest     called each time that bytes follow the body; NULL: they are dropped
 */
struct http_chunked_opts {
    uint64_t most_bytes;
    http_rest_fn *on_rest;
    void *on_rest_arg;
};

/*
 * Make a transform from chunks to the body. Its readable side ends with the last chunk; nobody has
 * to end the writable side. Bytes are passed on without copying.
 *
 * It fails with CST_USER(n), where n is the status to refuse with: 400 if the coding is ill-formed,
 * 413 if the body is longer than most_bytes, 431 for more than HTTP_MOST_HEAD bytes of extensions
 * and trailers. It fails with CST_E_PREMATURE_CLOSE if the writable side is ended before the last
 * chunk.
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

/* Zero it before the first call, then set most_bytes. */
struct http_chunked {
    enum http_chunked_state state;
    uint64_t left;       /* of the chunk; its size so far */
    uint64_t body_bytes; /* of all chunks whose size is known */
    uint64_t most_bytes; /* 0: no limit */
    size_t other_bytes;  /* of extensions, trailers, and zeroes before a size */
};

/*
 * Decode what comes next: framing bytes, then data of the body. Return
 *
 *     HTTP_PARTIAL   *framing bytes are used up, *data bytes behind them are of the body; call
 *                    again with what follows
 *     HTTP_WHOLE     *framing bytes are used up, *data is 0, and the coding ends here
 *     400, 413, 431  the status to refuse with, as above
 */
int http_chunked_next(struct http_chunked *chunked, const uint8_t *bytes, size_t len,
                      size_t *framing, size_t *data);

#endif

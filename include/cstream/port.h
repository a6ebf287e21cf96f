/*
 * port.h - ends whose bytes the host moves.
 *
 * A port is a stream like any other: it is piped, paused and destroyed like any other. Behind it there is no slot of the
 * user's, but a host that asks what the port wants, moves bytes, and says so:
 *
 *          the host's system                       the stream
 *
 *     read(2), a DMA, a TLS engine   reserve -> [ a span to fill ]  -> commit      'data', cst_read, a pipe
 *     write(2), a UART, io_uring     peek    <- [ spans to send  ]  <- consume     cst_write, a pipe
 *
 * Two ways of I/O fit. With readiness (poll, epoll, a flag of a device), the host looks at what the port wants, waits
 * until the system is ready for that, and does reserve, read, commit at one go. With completions (io_uring, IOCP, DMA),
 * it starts the transfer with the span, and calls commit or consume when it has ended.
 *
 * What runs when. Calls of this file change nothing that a stream's user can see, and run none of his callbacks: what
 * they bring comes in the next cst_ctx_run, as an immediate each (ctx.h), in the order in which the host said it. So the
 * loop is: move bytes, run the context, look at what is wanted, wait.
 *
 * Spans. Bytes that reserve or peek have lent stay valid until they are given back, by commit, eof, consume or fail,
 * even if the stream is destroyed meanwhile: it closes only then. CST_PORT_CANCEL asks for them. All spans must be back
 * before cst_ctx_free.
 *
 * Steady flow allocates nothing: spans to fill are blocks of cst_buf_new_cached, and the chunks that are made of them keep
 * these. A span that comes back nearly empty (a sixteenth or less) is copied into a smaller block, so that small reads do
 * not pin large blocks.
 *
 * Every call here says CST_E_INVALID_ARG where s is NULL, is not a port, or lacks that side.
 */
#ifndef CSTREAM_PORT_H
#define CSTREAM_PORT_H

#include "duplex.h"

/** Bytes to fill, and bytes to send. */
typedef struct cst_span {
    uint8_t *data;
    size_t len;
} cst_span;

typedef struct cst_const_span {
    const uint8_t *data;
    size_t len;
} cst_const_span;

/** What a port wants of its host: a set of these. */
typedef enum cst_port_interest {
    CST_PORT_IN = 1,    /* bytes: reserve will lend a span. Not while one is lent or what it brought is under way, not
                           when the stream is full, ended or destroyed. As in Node, a paused stream goes on reading until
                           its buffer has reached the highWaterMark, and then is full. */
    CST_PORT_OUT = 2,   /* that its bytes be sent: peek will lend them. Not while they are lent. */
    CST_PORT_END = 4,   /* all was sent: close this direction (shutdown), then cst_port_ended. Only with wants_end. */
    CST_PORT_CANCEL = 8 /* it was destroyed while bytes are lent: end the transfer and give them back */
} cst_port_interest;

/** The wants of a port have changed; told at the end of a turn, inside cst_ctx_run or cst_ctx_free: so that the last
 * wants, none, may come after 'close' in the turn in which the port closed. May call anything that callbacks may:
 * cst_port_reserve and cst_port_peek above all. */
typedef void cst_port_interest_fn(cst_stream *s, unsigned want, void *arg);

/**
 * Zeroes, and NULL, mean the defaults.
 *
 * interest, arg  called when what the port wants is not what it was told last (at first: nothing). NULL: the host asks
 * completions    tells a want anew after each transfer, also where it is the same again: a host that starts transfers
 *                in interest needs no other place for it. Without it a want stands until it is told to be gone: what
 *                the interest set of epoll is
 * wants_end      CST_PORT_END is wanted before 'finish'; else 'finish' comes when the last byte was consumed
 * span_bytes     the size of spans to fill; 0 is the readable highWaterMark, 65,536 where that is 0
 */
typedef struct cst_port_opts {
    cst_port_interest_fn *interest;
    void *arg;
    bool completions;
    bool wants_end;
    size_t span_bytes;
    uintptr_t reserved[4];
} cst_port_opts;

/** A readable, a writable, both. port and opts may be NULL. CST_OK, CST_E_NOMEM, CST_E_INVALID_ARG, CST_E_DESTROYED as
 * the constructors in stream.h. */
CST_API cst_status cst_port_source_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                                       const cst_opts *opts);
CST_API cst_status cst_port_sink_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                                     const cst_opts *opts);
CST_API cst_status cst_port_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                                const cst_opts *opts);

/** Whether s was made by one of these. */
CST_API bool cst_is_port(const cst_stream *s);

/** What the port wants now: a set of cst_port_want. Changes nothing. 0 where s is not a port. */
CST_API unsigned cst_port_want(const cst_stream *s);

/* --- the way in --------------------------------------------------------------------------------------------------- */

/**
 * Lends a span to fill.
 *
 * CST_OK       *out is the host's until commit, eof or fail
 * CST_EMPTY    CST_PORT_IN is not wanted now
 * CST_E_NOMEM  no memory for a block; nothing has changed
 */
CST_API cst_status cst_port_reserve(cst_span *out, cst_stream *s);

/**
 * Gives the span back with len bytes in it, from its beginning: the next chunk. 0: there was nothing to read, the want
 * stays as it was.
 *
 * CST_OK              taken, or dropped where the stream was destroyed
 * CST_E_OUT_OF_RANGE  len is larger than the span: nothing has changed
 * CST_E_INVALID_ARG   no span is lent
 */
CST_API cst_status cst_port_commit(cst_stream *s, size_t len);

/** No byte will follow: EOF, after what was committed. Gives the span back, if one is lent. CST_OK */
CST_API cst_status cst_port_eof(cst_stream *s);

/* --- the way out -------------------------------------------------------------------------------------------------- */

/**
 * Lends the first bytes that wait to be sent, as at most max spans in order; in object mode each is one message, or what
 * is left of the first. They stay queued. Said again before consume it lends the same bytes.
 *
 * Gives how many spans there are; 0 where nothing waits (CST_PORT_OUT), or out is NULL, or s has no way out.
 */
CST_API size_t cst_port_peek(cst_const_span *out, cst_stream *s, size_t max);

/**
 * Gives the spans back; their first len bytes were sent. 0: none was, ask again later. What is written is done when all
 * of it was consumed; each part of it is activity (timeout.h), since no limit should end what is on its way.
 *
 * CST_OK
 * CST_E_OUT_OF_RANGE  len is more than was waiting: nothing has changed
 * CST_E_INVALID_ARG   nothing is lent
 */
CST_API cst_status cst_port_consume(cst_stream *s, size_t len);

/** The answer to CST_PORT_END: 'finish' follows, or the stream fails with a negative status. CST_OK, CST_E_INVALID_ARG
 * (not wanted, or status is positive) */
CST_API cst_status cst_port_ended(cst_stream *s, cst_status status);

/* --- failing ------------------------------------------------------------------------------------------------------ */

/**
 * The transfer in this direction (CST_READING, CST_WRITING) has failed: gives its spans back, then destroys the stream
 * with status, usually CST_OS(errno), after what was committed before. The write that was under way gets the status.
 *
 * CST_OK, CST_E_INVALID_ARG (also where status is not negative)
 */
CST_API cst_status cst_port_fail(cst_stream *s, cst_direction direction, cst_status status);

#endif

/*
 * port.h - streams whose bytes the host moves.
 *
 * A port is piped, paused and destroyed as any stream. Behind it is not a slot of the user's but
 * the host: it asks what the port wants, moves bytes, and tells the port.
 *
 *          the host's system                        the stream
 *
 *     read(2), a DMA, a TLS engine   reserve -> [ a span to fill ]  -> commit     'data', cst_read
 *     write(2), a UART, io_uring     peek    <- [ spans to send  ]  <- consume    cst_write
 *
 * It suits both kinds of I/O. With readiness (poll, epoll, a flag of a device) the host looks at
 * what the port wants, waits until the system is ready for it, and calls reserve, read and commit
 * at one go. With completions (io_uring, IOCP, DMA) the host starts a transfer with the span, and
 * calls commit or consume when the transfer has ended.
 *
 * What is deferred. The calls of this file change nothing that a user of the stream can see, and
 * run no callback. What follows from them comes in the next cst_ctx_run, each as an immediate
 * (ctx.h), in the order of the calls. So the host's loop is: move bytes, run the context, look at
 * what is wanted, wait.
 *
 * Spans. Memory that reserve or peek has lent stays valid until it is given back by commit, eof,
 * consume or fail, also if the stream is destroyed meanwhile; it closes only then. CST_PORT_CANCEL
 * asks for the span. All spans must be back before cst_ctx_free.
 *
 * Steady flow allocates nothing: spans to fill are blocks of cst_buf_new_cached, and chunks keep
 * the blocks that they came in. A span that comes back nearly empty (filled to a sixteenth or less)
 * is copied into a smaller block, so that small reads do not hold large blocks.
 *
 * Wrong arguments. Every call here returns CST_E_INVALID_ARG if s is NULL, is not a port, or lacks
 * that direction.
 */
#ifndef CSTREAM_PORT_H
#define CSTREAM_PORT_H

#include "duplex.h"

/** Bytes to fill. */
typedef struct cst_span {
    uint8_t *data;
    size_t len;
} cst_span;

/** Bytes to send. */
typedef struct cst_const_span {
    const uint8_t *data;
    size_t len;
} cst_const_span;

/**
 * What a port wants of its host: a set of these.
 *
 * CST_PORT_IN      bytes: reserve will lend a span. Not while a span is lent, while the bytes of
 *                  the last one are still to be delivered, or when the stream is full, has ended or
 *                  was destroyed. As in Node, a paused stream goes on reading until its buffer has
 *                  reached the highWaterMark, and then is full.
 * CST_PORT_OUT     that its bytes be sent: peek will lend them. Not while they are lent.
 * CST_PORT_END     that this direction be closed (shutdown), since everything was sent; then call
 *                  cst_port_ended. Only with wants_end.
 * CST_PORT_CANCEL  its span: the stream was destroyed while bytes are lent. End the transfer and
 *                  give them back.
 */
typedef enum cst_port_interest {
    CST_PORT_IN = 1,
    CST_PORT_OUT = 2,
    CST_PORT_END = 4,
    CST_PORT_CANCEL = 8
} cst_port_interest;

/**
 * Tells that what a port wants has changed; `want` is a set of cst_port_interest. Called at the end
 * of a turn, inside cst_ctx_run or cst_ctx_free. So the last call, with 0, may come after 'close'
 * in the turn in which the port closed. It may call what every callback may, above all
 * cst_port_reserve and cst_port_peek.
 */
typedef void cst_port_interest_fn(cst_stream *s, unsigned want, void *arg);

/**
 * Options of a port; zeroes, and NULL, are the defaults.
 *
 * interest, arg  called when the port wants something else than in the last call (at first:
 *                nothing). NULL: the host asks cst_port_want.
 * completions    call interest after each transfer too, even if the port wants the same again. A
 *                host that starts its transfers inside interest needs no other place for that.
 *                Without it, a want stands until interest is told otherwise, as in epoll.
 * wants_end      want CST_PORT_END before 'finish'. Without it, 'finish' comes when the last byte
 *                was consumed.
 * span_bytes     the size of spans to fill; 0 is the readable highWaterMark, or 65,536 if that is 0
 */
typedef struct cst_port_opts {
    cst_port_interest_fn *interest;
    void *arg;
    bool completions;
    bool wants_end;
    size_t span_bytes;
    uintptr_t reserved[4];
} cst_port_opts;

/**
 * Make a readable port, a writable one, or one with both sides. port and opts may be NULL. Results
 * are in stream.h.
 */
CST_API cst_status cst_port_source_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                                       const cst_opts *opts);
CST_API cst_status cst_port_sink_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                                     const cst_opts *opts);
CST_API cst_status cst_port_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                                const cst_opts *opts);

/** Return whether s is a port. */
CST_API bool cst_is_port(const cst_stream *s);

/** Return what the port wants now, a set of cst_port_interest; 0 if s is not a port. */
CST_API unsigned cst_port_want(const cst_stream *s);

/* --- the way in ------------------------------------------------------------------------------- */

/**
 * Lend a span to fill.
 *
 * CST_OK       *out is the host's until commit, eof or fail
 * CST_EMPTY    the port does not want CST_PORT_IN now
 * CST_E_NOMEM  no memory for a block; nothing has changed
 */
CST_API cst_status cst_port_reserve(cst_span *out, cst_stream *s);

/**
 * Give the span back; its first len bytes are the next chunk. A len of 0 says that there was
 * nothing to read; the port wants CST_PORT_IN as before.
 *
 * CST_OK              taken; dropped if the stream was destroyed
 * CST_E_OUT_OF_RANGE  len is larger than the span: nothing has changed
 * CST_E_INVALID_ARG   also if no span is lent
 */
CST_API cst_status cst_port_commit(cst_stream *s, size_t len);

/**
 * Say that no byte follows: EOF comes after what was committed. A span that is lent is the
 * library's again.
 * CST_OK.
 */
CST_API cst_status cst_port_eof(cst_stream *s);

/* --- the way out ------------------------------------------------------------------------------ */

/**
 * Lend the first bytes that wait to be sent, as at most max spans, in order. In object mode each
 * span is one message, or what is left of the first one. The bytes stay queued; called again before
 * consume, it lends them again.
 *
 * Return the number of spans; 0 if nothing waits, out is NULL, or s has no way out.
 */
CST_API size_t cst_port_peek(cst_const_span *out, cst_stream *s, size_t max);

/**
 * Give the spans back; their first len bytes were sent. With a len of 0 none was sent, and the port
 * wants CST_PORT_OUT as before. A write is completed when all its bytes were consumed. Each part
 * counts as activity (timeout.h), so that a large chunk that is moving does not time out.
 *
 * CST_OK              done
 * CST_E_OUT_OF_RANGE  len is more than was waiting: nothing has changed
 * CST_E_INVALID_ARG   also if nothing is lent
 */
CST_API cst_status cst_port_consume(cst_stream *s, size_t len);

/**
 * Answer CST_PORT_END: 'finish' follows, or the stream fails with a negative status.
 *
 * CST_OK             done
 * CST_E_INVALID_ARG  also if CST_PORT_END is not wanted, or status is positive
 */
CST_API cst_status cst_port_ended(cst_stream *s, cst_status status);

/* --- failing ---------------------------------------------------------------------------------- */

/**
 * Say that the transfer in this direction (CST_READING, CST_WRITING) has failed. The spans that are
 * lent in this direction are the library's again. The stream is destroyed with status, usually
 * CST_OS(errno), after what was committed before was delivered. A write that is in flight gets the
 * status.
 *
 * CST_OK             done
 * CST_E_INVALID_ARG  also if status is not negative
 */
CST_API cst_status cst_port_fail(cst_stream *s, cst_direction direction, cst_status status);

#endif

/*
 * timeout.h - limits on the time that a stream may take.
 *
 * There are two, both by the context's clock (ctx.h): how long a stream may be idle, and how long
 * it may take in all. A stream without limits is neither larger nor slower; the limits have a
 * record of their own.
 *
 * Neither limit is reached early by that clock. A limit does not keep a loop running: cst_loop_run
 * returns if nothing else is left, even before the limit is reached, and other hosts ask
 * cst_ctx_has_timers. Node: the timers of sockets are unref'd.
 *
 * Activity is
 *
 *     on the readable side   a chunk is pushed, or handed out: to 'data', by cst_read, into a pipe
 *     on the writable side   a chunk is accepted, given to the sink, or completed by it
 *     on both                a slot calls cst_progress: a part of a chunk has moved
 *
 * and nothing else. As in Node, a stream is idle if it is paused, waits for 'drain', or has a
 * reader that takes nothing. Node: socket.setTimeout.
 */
#ifndef CSTREAM_TIMEOUT_H
#define CSTREAM_TIMEOUT_H

#include "stream.h"

typedef enum cst_timeout_kind { CST_TIMEOUT_IDLE, CST_TIMEOUT_TOTAL } cst_timeout_kind;

/** Tells that a limit was reached. Called inside cst_ctx_run. The stream goes on, unless this
 * function destroys it. */
typedef void cst_timeout_fn(cst_stream *s, cst_timeout_kind kind, void *arg);

/**
 * The limits of a stream.
 *
 * idle_ns   how long the stream may be without activity; 0 is no limit. The stream is looked at
 *           four times in the span, so fn is called between 1 and 1.25 times the span after the
 *           last activity, if the host runs the context when it is due. fn is called once for each
 *           time that the stream falls idle, as Node's 'timeout' is. After that the stream wakes
 *           nobody until something happens on it; then the span begins again. This is noticed at
 *           the end of the turn. If more than 8 streams of the context are idle, it may be noticed
 *           later, by up to a quarter of the shortest of their spans. What a host does between two
 *           turns is noticed by the next turn.
 * total_ns  how long it may be from cst_set_timeouts until the stream is destroyed; 0 is no limit.
 *           fn is called once.
 * fn, arg   called when a limit is reached. NULL: the stream is destroyed with CST_E_TIMEOUT
 */
typedef struct cst_timeouts {
    uint64_t idle_ns;
    uint64_t total_ns;
    cst_timeout_fn *fn;
    void *arg;
    uintptr_t reserved[4];
} cst_timeouts;

/**
 * Set the limits of a stream, from now on and in place of those that it had. NULL, and a struct of
 * zeroes, are none. They end when the stream is destroyed.
 *
 * CST_OK             set; nothing is done if s was destroyed already
 * CST_E_NOMEM        no memory for the record: the limits that it had stay
 * CST_E_INVALID_ARG  s is NULL
 */
CST_API cst_status cst_set_timeouts(cst_stream *s, const cst_timeouts *timeouts);

/**
 * Say that s is at work; it counts as activity now. It is for a sink that answers late and moves
 * its chunk in parts: if the chunk is large or the peer is slow, that may take longer than idle_ns,
 * and between the call of the slot and its answer the stream sees nothing.
 *
 *     n = device_send(device, left, left_len);    called again when the device has room
 *     if (n > 0)
 *         cst_progress(s);                        only if bytes moved, so that a stalled write
 *                                                 times out
 *
 * A source that collects bytes before it pushes them calls it too. Ports (cst_port_consume)
 * and the streams of libcstream-posix call it themselves. Without limits on s it does nothing.
 *
 * CST_OK             done; nothing is done if s was destroyed already
 * CST_E_INVALID_ARG  s is NULL
 */
CST_API cst_status cst_progress(cst_stream *s);

#endif

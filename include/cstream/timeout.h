/*
 * timeout.h - streams that take too long.
 *
 * Two limits, on the context's clock (ctx.h): how long nothing may happen on a stream, and how long all of it may take. A
 * stream without them is neither larger nor slower for it; what they need is a record of their own.
 *
 * Neither limit is reached early on that clock. Limits do not keep a loop running: cst_loop_run returns if nothing else is
 * left, also before a limit is reached, and hosts ask cst_ctx_has_timers. Node: the timers of sockets are unref'd.
 *
 * Activity is
 *
 *     on the readable side   a chunk pushed or handed out: to 'data', by cst_read, into a pipe
 *     on the writable side   a chunk accepted, given to the sink, or completed by it
 *     on either              what its slots say by cst_progress: a part of a chunk has gone out
 *
 * and nothing else: a stream that is paused, that waits for 'drain', or whose reader takes nothing is idle, as in Node.
 * Node: net.Socket's setTimeout.
 */
#ifndef CSTREAM_TIMEOUT_H
#define CSTREAM_TIMEOUT_H

#include "stream.h"

typedef enum cst_timeout_kind { CST_TIMEOUT_IDLE, CST_TIMEOUT_TOTAL } cst_timeout_kind;

/** A limit was reached. Called by cst_ctx_run. The stream goes on, unless this destroys it. */
typedef void cst_timeout_fn(cst_stream *s, cst_timeout_kind kind, void *arg);

/**
 * idle_ns   how long a stream may be without activity; 0 is without limit. fn is called between 1 and 1.25 times that
 *           after the last activity, if the host turns the context when it is due: the stream is looked at four times in
 *           the span. Called once for each time that the stream falls idle, as Node's 'timeout' is: after that the stream
 *           is not looked at again, and wakes nobody, before something happens on it. That is noticed at the end of the
 *           turn, or, if more than 8 streams of the context are idle, within a quarter of the shortest of their spans after
 *           it; then the span begins anew. What a host does between turns is noticed by the next turn.
 * total_ns  how long it may be from this call until it is destroyed; 0 is without limit. Said once.
 * fn, arg   called at a limit. NULL: the stream is destroyed with CST_E_TIMEOUT
 */
typedef struct cst_timeouts {
    uint64_t idle_ns;
    uint64_t total_ns;
    cst_timeout_fn *fn;
    void *arg;
    uintptr_t reserved[4];
} cst_timeouts;

/**
 * Sets the limits of a stream, from now on, in place of those it had. NULL, and a struct of zeroes, are none. They end
 * when the stream is destroyed.
 *
 * CST_OK             set; nothing to do where s was destroyed already
 * CST_E_NOMEM        no memory for the record: those that it had stand
 * CST_E_INVALID_ARG  s is NULL
 */
CST_API cst_status cst_set_timeouts(cst_stream *s, const cst_timeouts *timeouts);

/**
 * Says that s is at work, which counts as activity now. For a sink that answers late and takes its chunk in parts: a
 * chunk that is large, or a peer that is slow, may take longer than idle_ns, and between the slot's call and its answer
 * the stream sees nothing.
 *
 *     n = device_send(device, left, left_len);         called again when the device has room
 *     if (n > 0)
 *         cst_progress(s);                             not without a byte: a write that stands still shall time out
 *
 * A source that collects bytes before it pushes them says it likewise. Ports (cst_port_consume) and the streams of
 * libcstream-posix do so themselves. Nothing else depends on it, and without limits on s it does nothing.
 *
 * CST_OK             noted; nothing to do where s was destroyed already
 * CST_E_INVALID_ARG  s is NULL
 *
 * Re-entrancy: runs nothing.
 */
CST_API cst_status cst_progress(cst_stream *s);

#endif

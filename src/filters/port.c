/*
 * port.c - port.h: streams whose bytes the host moves, made of the public slots.
 *
 * The host's calls only note what has happened. Two immediates pass it on to the stream: deliver
 * for the way in, answer_calls for the way out. A third task, at the end of the turn, tells the
 * host what the port wants. Each task holds a reference while it is queued.
 */
#include "cstream/port.h"

#include "cstream/timeout.h"

#include <assert.h>
#include <string.h>

#define DEFAULT_SPAN_BYTES ((size_t)65536)

/* A span that was filled to less than this part of it is copied. */
#define SMALL_SHARE 16

struct port {
    cst_port_opts opts;
    cst_stream *stream;
    cst_task tell_task, in_task, out_task;
    unsigned told; /* the last argument of interest */

    /* the way in */
    cst_buf buf;          /* the span to fill, kept from one transfer to the next */
    size_t filled;        /* bytes in it that are on their way to the stream */
    cst_status in_status; /* the failure that follows them, if any */
    bool lent_in;
    bool asked; /* the stream wants a chunk */
    bool eof;   /* the host has said so; it may not have been pushed yet */

    /* the way out: what the write slot got and was not sent yet */
    cst_call write_call;
    cst_slice one; /* the chunk, if it was write and not writev */
    const cst_slice *chunks;
    size_t count;
    size_t offset; /* into chunks[0] */
    size_t left_bytes;
    cst_status out_status;
    bool lent_out;
    bool writing; /* the slot waits for its answer_calls */

    cst_call end_call, destroy_call;
    cst_status end_status;
    bool ending;    /* final waits for its answer_calls */
    bool has_ended; /* the host has called cst_port_ended */
    bool closing;   /* destroy waits until nothing is lent */
};

static const cst_ops source_ops, sink_ops, both_ops;

bool cst_is_port(const cst_stream *s)
{
    const cst_ops *ops = cst_stream_ops(s);

    return ops && (ops == &source_ops || ops == &sink_ops || ops == &both_ops);
}

static struct port *readable_port(const cst_stream *s)
{
    return cst_is_port(s) && cst_stream_has_readable(s) ? cst_stream_self(s) : NULL;
}

static struct port *writable_port(const cst_stream *s)
{
    return cst_is_port(s) && cst_stream_has_writable(s) ? cst_stream_self(s) : NULL;
}

/* --- what it wants ---------------------------------------------------------------------------- */

static unsigned want(const struct port *port)
{
    unsigned want = 0;

    if (cst_is_destroyed(port->stream))
        return port->lent_in || port->lent_out ? CST_PORT_CANCEL : 0;
    if (port->asked && !port->lent_in && !port->filled && !port->eof && !port->in_status)
        want |= CST_PORT_IN;
    if (port->writing && port->left_bytes && !port->lent_out && !port->out_status)
        want |= CST_PORT_OUT;
    if (port->ending && !port->has_ended)
        want |= CST_PORT_END;
    return want;
}

unsigned cst_port_want(const cst_stream *s)
{
    return cst_is_port(s) ? want(cst_stream_self(s)) : 0;
}

static void tell_host(void *arg)
{
    struct port *port = arg;
    cst_stream *s = port->stream;
    unsigned now = want(port);

    if (now != port->told) {
        port->told = now;
        port->opts.interest(s, now, port->opts.arg);
    }
    cst_unref(s);
}

/* Tell the host later what the port wants, if that has changed. */
static void want_changed(struct port *port)
{
    if (port->opts.interest && want(port) != port->told &&
        cst_at_turn_end(cst_stream_ctx(port->stream), &port->tell_task, tell_host, port) == CST_OK)
        cst_ref(port->stream);
}

/* Something was lent. A host that starts transfers when it is told (completions) is told again. */
static void lent(struct port *port, unsigned direction)
{
    if (port->opts.completions)
        port->told &= ~direction;
}

static void soon(struct port *port, cst_task *task, cst_task_fn *fn)
{
    if (cst_immediate(cst_stream_ctx(port->stream), task, fn, port) == CST_OK)
        cst_ref(port->stream);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void answer_calls(void *arg);

/* Nothing is lent, and nothing will be. Answer what still waits, after 'close'. */
static void end_port(struct port *port)
{
    cst_buf_free(&port->buf);
    if (port->writing || port->ending)
        soon(port, &port->out_task, answer_calls);
}

static void given_back(struct port *port)
{
    if (port->closing && !port->lent_in && !port->lent_out) {
        port->closing = false;
        end_port(port);
        cst_complete(port->destroy_call, CST_OK);
    }
    want_changed(port);
}

static cst_status port_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct port *port = self;

    (void)error;
    want_changed(port);
    if (!port->lent_in && !port->lent_out) {
        end_port(port);
        return CST_OK;
    }
    port->closing = true;
    port->destroy_call = cst_this_call(s);
    return CST_PENDING;
}

/* --- the way in ------------------------------------------------------------------------------- */

static cst_status port_read(cst_stream *s, void *self, size_t size)
{
    struct port *port = self;

    (void)s;
    (void)size;
    port->asked = true;
    want_changed(port);
    return CST_OK;
}

/*
 * Return the chunk that was filled, as a copy if it is small. Without memory it stays in the block.
 */
static cst_slice take_filled(struct port *port)
{
    size_t small_bytes = port->opts.span_bytes / SMALL_SHARE;
    size_t len = port->filled;
    cst_buf small;

    port->filled = 0;
    if (len > small_bytes ||
        cst_buf_new_cached(&small, cst_stream_ctx(port->stream), small_bytes) < 0)
        return cst_buf_freeze(&port->buf, len);
    memcpy(small.data, port->buf.data, len);
    return cst_buf_freeze(&small, len);
}

/* The push may call the read slot. Then the next chunk is asked for, whatever push returns. */
static void push_filled(struct port *port)
{
    port->asked = false;
    if (cst_push(port->stream, take_filled(port)) == CST_OK)
        port->asked = true;
}

static void deliver(void *arg)
{
    struct port *port = arg;
    cst_stream *s = port->stream;

    if (port->filled && !cst_is_destroyed(s))
        push_filled(port);
    port->filled = 0;
    if (port->in_status < 0)
        cst_destroy(s, port->in_status);
    else if (port->eof && !cst_is_destroyed(s))
        cst_push_eof(s);
    want_changed(port);
    cst_unref(s);
}

cst_status cst_port_reserve(cst_span *out, cst_stream *s)
{
    struct port *port = readable_port(s);
    cst_status st;

    if (!out || !port)
        return CST_E_INVALID_ARG;
    if (!(want(port) & CST_PORT_IN))
        return CST_EMPTY;
    if (!port->buf.block &&
        (st = cst_buf_new_cached(&port->buf, cst_stream_ctx(s), port->opts.span_bytes)) < 0)
        return st;
    port->lent_in = true;
    lent(port, CST_PORT_IN);
    *out = (cst_span){ .data = port->buf.data, .len = port->buf.cap };
    return CST_OK;
}

cst_status cst_port_commit(cst_stream *s, size_t len)
{
    struct port *port = readable_port(s);

    if (!port || !port->lent_in)
        return CST_E_INVALID_ARG;
    if (len > port->buf.cap)
        return CST_E_OUT_OF_RANGE;
    port->lent_in = false;
    if (len && !cst_is_destroyed(s)) {
        port->filled = len;
        soon(port, &port->in_task, deliver);
    }
    given_back(port);
    return CST_OK;
}

/* Take the last thing that comes in: EOF (CST_OK) or a failure. */
static cst_status end_input(struct port *port, cst_status status)
{
    bool over = port->eof || port->in_status || cst_is_destroyed(port->stream);

    port->lent_in = false;
    if (!over) {
        port->eof = status == CST_OK;
        port->in_status = status;
        soon(port, &port->in_task, deliver);
    }
    given_back(port);
    return CST_OK;
}

cst_status cst_port_eof(cst_stream *s)
{
    struct port *port = readable_port(s);

    return port ? end_input(port, CST_OK) : CST_E_INVALID_ARG;
}

/* --- the way out ------------------------------------------------------------------------------ */

static void skip_sent(struct port *port, size_t len)
{
    port->offset += len;
    port->left_bytes -= len;
    while (port->count && port->offset >= port->chunks->len) {
        port->offset -= port->chunks->len;
        port->chunks++;
        port->count--;
    }
}

static cst_status begin_write(struct port *port, const cst_slice *chunks, size_t count)
{
    port->chunks = chunks;
    port->count = count;
    port->offset = 0;
    port->left_bytes = 0;
    for (size_t i = 0; i < count; i++)
        port->left_bytes += chunks[i].len;
    if (!port->left_bytes)
        return CST_OK;
    port->writing = true;
    port->write_call = cst_this_call(port->stream);
    want_changed(port);
    return CST_PENDING;
}

/* Until the answer the bytes stay without a reference, but not the struct. */
static cst_status port_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct port *port = self;

    (void)s;
    port->one = *chunk;
    return begin_write(port, &port->one, 1);
}

static cst_status port_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    (void)s;
    return begin_write(self, chunks, count);
}

static cst_status port_final(cst_stream *s, void *self)
{
    struct port *port = self;

    if (!port->opts.wants_end)
        return CST_OK;
    port->ending = true;
    port->end_call = cst_this_call(s);
    want_changed(port);
    return CST_PENDING;
}

/* Return the outcome of the write that is under way; CST_PENDING while there is none. */
static cst_status write_outcome(const struct port *port)
{
    if (!port->left_bytes)
        return CST_OK;
    if (port->out_status < 0)
        return port->out_status;
    return cst_is_destroyed(port->stream) ? CST_E_DESTROYED : CST_PENDING;
}

static void answer_calls(void *arg)
{
    struct port *port = arg;
    cst_stream *s = port->stream;
    cst_status st = port->writing ? write_outcome(port) : CST_PENDING;

    assert(st == CST_PENDING ||
           !port->lent_out); /* the bytes may be freed after the answer_calls */
    if (st != CST_PENDING) {
        port->writing = false;
        cst_complete(port->write_call, st);
    }
    if (port->out_status < 0)
        cst_destroy(s, port->out_status);
    if (port->ending && (port->has_ended || cst_is_destroyed(s))) {
        port->ending = false;
        cst_complete(port->end_call, port->has_ended ? port->end_status : CST_E_DESTROYED);
    }
    want_changed(port);
    cst_unref(s);
}

size_t cst_port_peek(cst_const_span *out, cst_stream *s, size_t max)
{
    struct port *port = writable_port(s);
    size_t offset, n = 0;

    if (!out || !port || !port->writing || port->out_status || cst_is_destroyed(s))
        return 0;
    offset = port->offset;
    for (size_t i = 0; i < port->count && n < max; i++) {
        const cst_slice *chunk = &port->chunks[i];

        if (chunk->len > offset)
            out[n++] = (cst_const_span){ .data = chunk->data + offset, .len = chunk->len - offset };
        offset = 0;
    }
    if (n) {
        port->lent_out = true;
        lent(port, CST_PORT_OUT);
    }
    return n;
}

cst_status cst_port_consume(cst_stream *s, size_t len)
{
    struct port *port = writable_port(s);

    if (!port || !port->lent_out)
        return CST_E_INVALID_ARG;
    if (len > port->left_bytes)
        return CST_E_OUT_OF_RANGE;
    port->lent_out = false;
    skip_sent(port, len);
    if (len)
        (void)cst_progress(s);
    if (!port->left_bytes)
        soon(port, &port->out_task, answer_calls);
    given_back(port);
    return CST_OK;
}

cst_status cst_port_ended(cst_stream *s, cst_status status)
{
    struct port *port = writable_port(s);

    if (!port || status > 0 || !(want(port) & CST_PORT_END))
        return CST_E_INVALID_ARG;
    port->has_ended = true;
    port->end_status = status;
    soon(port, &port->out_task, answer_calls);
    want_changed(port);
    return CST_OK;
}

static cst_status fail_output(struct port *port, cst_status status)
{
    port->lent_out = false;
    if (!port->out_status && !cst_is_destroyed(port->stream)) {
        port->out_status = status;
        soon(port, &port->out_task, answer_calls);
    }
    given_back(port);
    return CST_OK;
}

cst_status cst_port_fail(cst_stream *s, cst_direction direction, cst_status status)
{
    struct port *port = direction == CST_READING   ? readable_port(s)
                        : direction == CST_WRITING ? writable_port(s)
                                                   : NULL;

    if (!port || status >= 0)
        return CST_E_INVALID_ARG;
    return direction == CST_READING ? end_input(port, status) : fail_output(port, status);
}

/* --- making them ------------------------------------------------------------------------------ */

static const cst_ops source_ops = {
    .name = "port-source",
    .self_size = sizeof(struct port),
    .read = port_read,
    .destroy = port_destroy,
};

static const cst_ops sink_ops = {
    .name = "port-sink",
    .self_size = sizeof(struct port),
    .write = port_write,
    .writev = port_writev,
    .final = port_final,
    .destroy = port_destroy,
};

static const cst_ops both_ops = {
    .name = "port",
    .self_size = sizeof(struct port),
    .read = port_read,
    .write = port_write,
    .writev = port_writev,
    .final = port_final,
    .destroy = port_destroy,
};

static size_t default_span_bytes(const cst_stream *s)
{
    size_t mark = cst_readable_object_mode(s) ? 0 : cst_readable_high_water_mark(s);

    return mark ? mark : DEFAULT_SPAN_BYTES;
}

static cst_status finish_new(cst_stream *s, const cst_port_opts *opts)
{
    struct port *port = cst_stream_self(s);

    port->stream = s;
    if (opts)
        port->opts = *opts;
    if (!port->opts.span_bytes)
        port->opts.span_bytes = default_span_bytes(s);
    return CST_OK;
}

cst_status cst_port_source_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                               const cst_opts *opts)
{
    cst_status st = cst_readable_new(out, ctx, &source_ops, NULL, opts);

    return st < 0 ? st : finish_new(*out, port);
}

cst_status cst_port_sink_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                             const cst_opts *opts)
{
    cst_status st = cst_writable_new(out, ctx, &sink_ops, NULL, opts);

    return st < 0 ? st : finish_new(*out, port);
}

cst_status cst_port_new(cst_stream **out, cst_ctx *ctx, const cst_port_opts *port,
                        const cst_opts *opts)
{
    cst_status st = cst_duplex_new(out, ctx, &both_ops, NULL, opts);

    return st < 0 ? st : finish_new(*out, port);
}

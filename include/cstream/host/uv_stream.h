/*
 * uv_stream.h - handles of libuv as streams, and a context that libuv drives. For programs that
 * hold the handles already, and for systems without libcstream-posix, such as Windows (where it has
 * not been tried). It needs libuv 1, and the core library alone.
 *
 *     cst_uv_ctx host = { 0 };
 *     cst_ctx_opts opts = cst_uv_ctx_opts(&host);
 *
 *     cst_ctx_new(&ctx, cst_allocator_malloc(), &opts);
 *     cst_uv_attach_ctx(&host, uv, ctx);
 *     ...
 *     cst_uv_stream_new(&socket, ctx, (uv_stream_t *)tcp, NULL);     tcp is connected or accepted
 *     cst_pipe(socket, socket, NULL);
 *     ...
 *     uv_run(uv, UV_RUN_DEFAULT);              returns when neither of the two has anything left
 *     cst_uv_detach_ctx(&host);
 *     cst_ctx_free(ctx);
 *     uv_run(uv, UV_RUN_DEFAULT);              closes what is left
 *     uv_loop_close(uv);
 *
 * A context of a cst_loop can have such streams too, if the loop is attached to libuv (uv.h).
 *
 * Errors. libuv's errors are negative: UV_ENOMEM becomes CST_E_NOMEM, any other is CST_OS(-error),
 * and uv_strerror(-cst_status_os(status)) has its words. On POSIX systems that is the errno.
 *
 * SIGPIPE: libuv leaves it to the program, which ignores it as a rule.
 */
#ifndef CSTREAM_HOST_UV_STREAM_H
#define CSTREAM_HOST_UV_STREAM_H

#include <errno.h>
#include <string.h>
#include <uv.h>

#include "../duplex.h"
#include "../timeout.h"
#include "host.h"

/* --- a context -------------------------------------------------------------------------------- */

/**
 * Where a context is attached to libuv. Storage of the program's: zero it, and set what is wanted
 * of the first fields. The others are private.
 *
 * on_status    called if a turn returned a failure. NULL: uv_stop is called, so that uv_run
 *              returns; run it again to go on.
 * on_detached  called in uv_run, some time after cst_uv_detach_ctx: libuv has closed its handles,
 *              and the storage may go. May be NULL.
 * arg          for both
 * status       the latest failure; CST_OK if there was none
 */
typedef struct cst_uv_ctx {
    cst_host_status_fn *on_status;
    void (*on_detached)(void *arg);
    void *arg;
    cst_status status;
    cst_ctx *ctx;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uv_async_t async;
    uv_thread_t thread;
    uint64_t now_ns; /* after libuv's last wait; 0: not looked yet */
    int open_handles;
    bool is_woken;
} cst_uv_ctx;

/** Return the status for an error of libuv's. */
static inline cst_status cst_uv_status(int error)
{
    return error >= 0 ? CST_OK : error == UV_ENOMEM ? CST_E_NOMEM : CST_OS(-error);
}

/* Any handle of libuv's as what it is derived from. */
static inline uv_handle_t *cst_uv_handle(void *handle)
{
    return CST_HOST_CAST(uv_handle_t *, handle);
}

/* Private: cst_ctx_opts.clock. */
static inline uint64_t cst_uv_ctx_clock(void *arg)
{
    (void)arg;
    return uv_hrtime();
}

/* Private: cst_ctx_opts.wake. On the thread of the loop there is no need to end a sleep, but a loop
 * that was about to end must go on. */
static inline void cst_uv_ctx_wake(void *arg)
{
    cst_uv_ctx *host = CST_HOST_CAST(cst_uv_ctx *, arg);
    uv_thread_t self = uv_thread_self();

    if (!host->ctx)
        return;
    if (uv_thread_equal(&self, &host->thread)) {
        host->is_woken = true;
        uv_ref(cst_uv_handle(&host->prepare));
    } else {
        uv_async_send(&host->async);
    }
}

/**
 * Return the options that the context needs: wake, clock and host. The caller may set others. The
 * host must stay until the context is freed.
 */
static inline cst_ctx_opts cst_uv_ctx_opts(cst_uv_ctx *host)
{
    cst_ctx_opts opts;

    memset(&opts, 0, sizeof(opts));
    opts.wake = cst_uv_ctx_wake;
    opts.wake_arg = opts.host = host;
    opts.host_kind = "cst_uv_ctx";
    opts.clock = cst_uv_ctx_clock;
    return opts;
}

/* Private: run a turn. As in a cst_loop, the time is that after the wait. */
static inline void cst_uv_ctx_turn(cst_uv_ctx *host)
{
    cst_budget budget;
    cst_status st;

    host->is_woken = false;
    memset(&budget, 0, sizeof(budget));
    budget.tasks = 1024;
    budget.bytes = 1 << 20;
    if (host->now_ns == 0)
        host->now_ns = uv_hrtime();
    budget.now_ns = host->now_ns;
    st = cst_ctx_run(host->ctx, &budget);
    if (st >= 0 || st == CST_E_NESTED)
        return;
    host->status = st;
    if (host->on_status)
        host->on_status(st, host->arg);
    else
        uv_stop(host->prepare.loop);
}

/* Private: these end the sleep, and the next prepare does the rest. */
static inline void cst_uv_ctx_on_async(uv_async_t *async)
{
    CST_HOST_CAST(cst_uv_ctx *, async->data)->is_woken = true;
}

static inline void cst_uv_ctx_on_timer(uv_timer_t *timer)
{
    (void)timer;
}

/* Private: end the sleep in ns. libuv counts from the time when it last read its clock. */
static inline void cst_uv_sleep(uv_timer_t *timer, uv_timer_cb on_timer, uint64_t ns)
{
    if (ns == CST_NEVER) {
        uv_timer_stop(timer);
        return;
    }
    uv_update_time(timer->loop);
    uv_timer_start(timer, on_timer, cst_host_round_up(ns, 1000000, UINT64_MAX), 0);
}

/* Private: libuv is about to compute how long it sleeps. */
static inline void cst_uv_ctx_prepare(uv_prepare_t *prepare)
{
    cst_uv_ctx *host = CST_HOST_CAST(cst_uv_ctx *, prepare->data);
    uint64_t due_ns, now_ns;
    bool has_work;

    host->thread = uv_thread_self();
    host->now_ns = 0;
    if (host->is_woken || cst_ctx_has_work(host->ctx) || cst_ctx_due_ns(host->ctx) <= uv_hrtime())
        cst_uv_ctx_turn(host);
    if (!host->ctx)
        return; /* detached by a callback */
    host->now_ns = 0;
    due_ns = cst_ctx_due_ns(host->ctx);
    now_ns = uv_hrtime();
    has_work = cst_ctx_has_work(host->ctx);
    cst_uv_sleep(&host->timer, cst_uv_ctx_on_timer,
                 has_work || due_ns <= now_ns ? 0
                 : due_ns == CST_NEVER        ? CST_NEVER
                                              : due_ns - now_ns);
    if (has_work || (due_ns != CST_NEVER && cst_ctx_has_timers(host->ctx)))
        uv_ref(cst_uv_handle(prepare));
    else
        uv_unref(cst_uv_handle(prepare));
}

/**
 * Have libuv drive a context, from now until it is detached: its turns run before libuv sleeps, and
 * after each event of a stream of this file. It must have been made with cst_uv_ctx_opts(host).
 * Call this on the thread that runs the uv loop. From then on other threads may call cst_post.
 *
 * uv_run goes on while the context has work or a timer. A limit on a stream (timeout.h) does not
 * keep it running, nor does an open stream that waits for nothing. What is queued by one of the
 * program's own callbacks of libuv, or before uv_run is called, counts.
 *
 * CST_OK             attached
 * CST_E_INVALID_ARG  an argument is NULL, the context was made otherwise, or host is attached
 * CST_OS(n)          libuv has no descriptor for another thread's wake; nothing has changed
 */
static inline cst_status cst_uv_attach_ctx(cst_uv_ctx *host, uv_loop_t *uv, cst_ctx *ctx)
{
    int error;

    if (!host || !uv || !ctx || host->open_handles > 0 || cst_ctx_host(ctx, "cst_uv_ctx") != host)
        return CST_E_INVALID_ARG;
    error = uv_async_init(uv, &host->async, cst_uv_ctx_on_async);
    if (error)
        return cst_uv_status(error);
    uv_prepare_init(uv, &host->prepare);
    uv_timer_init(uv, &host->timer);
    uv_unref(cst_uv_handle(&host->async));
    uv_unref(cst_uv_handle(&host->timer));
    host->prepare.data = host->timer.data = host->async.data = host;
    host->open_handles = 3;
    host->thread = uv_thread_self();
    host->ctx = ctx;
    uv_prepare_start(&host->prepare, cst_uv_ctx_prepare);
    return CST_OK;
}

/* Private. */
static inline void cst_uv_ctx_on_closed(uv_handle_t *handle)
{
    cst_uv_ctx *host = CST_HOST_CAST(cst_uv_ctx *, handle->data);

    if (--host->open_handles == 0 && host->on_detached)
        host->on_detached(host->arg);
}

/**
 * Undo cst_uv_attach_ctx, at any time, inside a callback of the context too. No other thread may
 * post meanwhile or later. The context may be freed then, or attached again when libuv has closed
 * its handles (on_detached). Does nothing if host is NULL or not attached.
 */
static inline void cst_uv_detach_ctx(cst_uv_ctx *host)
{
    if (!host || !host->ctx)
        return;
    host->ctx = NULL;
    uv_close(cst_uv_handle(&host->prepare), cst_uv_ctx_on_closed);
    uv_close(cst_uv_handle(&host->timer), cst_uv_ctx_on_closed);
    uv_close(cst_uv_handle(&host->async), cst_uv_ctx_on_closed);
}

/* --- a handle as a stream --------------------------------------------------------------------- */

/* Private: what libuv knows of a stream. It lives until libuv has closed the handle, which may be
 * later than the stream. */
struct cst_uv_stream {
    const cst_allocator *allocator;
    cst_ctx *ctx;
    cst_stream *s; /* NULL: it was destroyed */
    uv_stream_t *handle;
    uv_shutdown_t shutdown;
    cst_buf lent; /* to libuv, to read into; data is NULL if nothing is lent */
    const cst_slice *chunks; /* what is left of the write that is in flight; offset in the first */
    size_t count, offset;
    cst_call write_call, final_call, destroy_call;
    bool owes_write, owes_final, is_reading;
    cst_timer owes_destroy; /* never due; started while destroy_call is owed */
};

/* Private: a write that libuv has not finished. It holds the bytes. */
struct cst_uv_write {
    uv_write_t request;
    struct cst_uv_stream *stream;
    const cst_allocator *allocator;
    size_t bytes;
    unsigned count;
    cst_slice parts[16];
};

/* Private: an event of libuv's was handed over; what it has queued runs now, as in Node. A cst_loop
 * does so before libuv sleeps. */
static inline void cst_uv_settle(cst_ctx *ctx)
{
    cst_uv_ctx *host = CST_HOST_CAST(cst_uv_ctx *, cst_ctx_host(ctx, "cst_uv_ctx"));

    if (host && host->ctx)
        cst_uv_ctx_turn(host);
}

/* --- in --- */

/* Private: no buffer, and libuv calls cst_uv_on_read with UV_ENOBUFS. */
static inline void cst_uv_lend(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct cst_uv_stream *u = CST_HOST_CAST(struct cst_uv_stream *, handle->data);
    size_t size = cst_readable_high_water_mark(u->s);

    *buf = uv_buf_init(NULL, 0);
    size = size ? size : suggested;
    if (cst_buf_new_cached(&u->lent, u->ctx, size < INT32_MAX ? size : INT32_MAX) < 0)
        return;
    buf->base = CST_HOST_CAST(char *, CST_HOST_CAST(void *, u->lent.data));
    buf->len = size < INT32_MAX ? CST_HOST_CAST(unsigned, size) : INT32_MAX;
}

/* Private. */
static inline void cst_uv_read_stop(struct cst_uv_stream *u)
{
    if (u->s)
        uv_read_stop(u->handle);
    u->is_reading = false;
}

/* Private: small reads do not hold large blocks. */
static inline void cst_uv_push(struct cst_uv_stream *u, cst_buf *buf, size_t len)
{
    cst_status st;

    if (len <= buf->cap / 16) {
        st = cst_push_copy(u->s, buf->data, len);
        cst_buf_free(buf);
    } else {
        st = cst_push(u->s, cst_buf_freeze(buf, len));
    }
    if (st != CST_OK)
        cst_uv_read_stop(u);
}

/* Private: 0 is EAGAIN. */
static inline void cst_uv_on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *lent)
{
    struct cst_uv_stream *u = CST_HOST_CAST(struct cst_uv_stream *, handle->data);
    cst_ctx *ctx = u->ctx;
    cst_buf buf = u->lent;

    (void)lent;
    memset(&u->lent, 0, sizeof(u->lent));
    if (n > 0 && u->s)
        cst_uv_push(u, &buf, CST_HOST_CAST(size_t, n));
    else
        cst_buf_free(&buf);
    if (n < 0) {
        cst_uv_read_stop(u);
        if (n == UV_EOF)
            cst_push_eof(u->s);
        else
            cst_destroy(u->s, n == UV_ENOBUFS ? CST_E_NOMEM : cst_uv_status(CST_HOST_CAST(int, n)));
    }
    if (n == 0)
        return;
    cst_uv_settle(ctx);
}

/* Private: the slot read. libuv goes on reading until the stream is full. */
static inline cst_status cst_uv_slot_read(cst_stream *s, void *self, size_t size)
{
    struct cst_uv_stream *u = *CST_HOST_CAST(struct cst_uv_stream **, self);
    int error = u->is_reading ? 0 : uv_read_start(u->handle, cst_uv_lend, cst_uv_on_read);

    (void)s;
    (void)size;
    u->is_reading = !error;
    return cst_uv_status(error);
}

/* --- out --- */

/* Private: n bytes of the write in flight have gone. */
static inline void cst_uv_advance(struct cst_uv_stream *u, size_t n)
{
    while (u->count > 0 && n >= u->chunks->len - u->offset) {
        n -= u->chunks->len - u->offset;
        u->offset = 0;
        u->chunks++;
        u->count--;
    }
    u->offset += n;
}

/* Private: describe what is left, at most 16 chunks. Return their bytes. */
static inline size_t cst_uv_spans(uv_buf_t *bufs, unsigned *count, const struct cst_uv_stream *u)
{
    size_t bytes = 0, from = u->offset;

    *count = 0;
    for (size_t i = 0; i < u->count && i < 16; i++) {
        size_t len = u->chunks[i].len - from;
        const void *data = u->chunks[i].data + from;

        len = len < INT32_MAX - bytes ? len : INT32_MAX - bytes;
        memcpy(&bufs[i].base, &data, sizeof(data)); /* libuv does not write there */
        bufs[i].len = CST_HOST_CAST(unsigned, len);
        bytes += len;
        *count = CST_HOST_CAST(unsigned, i) + 1;
        from = 0;
        if (bytes == INT32_MAX)
            break;
    }
    return bytes;
}

static inline void cst_uv_on_written(uv_write_t *request, int error);

/* Private: have libuv send when there is room. */
static inline cst_status cst_uv_send_later(struct cst_uv_stream *u, const uv_buf_t *bufs,
                                           unsigned count, size_t bytes)
{
    const cst_allocator *a = u->allocator;
    struct cst_uv_write *w =
        CST_HOST_CAST(struct cst_uv_write *, a->alloc(a->user, sizeof(struct cst_uv_write)));
    int error;

    if (!w)
        return CST_E_NOMEM;
    error = uv_write(&w->request, u->handle, bufs, count, cst_uv_on_written);
    if (error) {
        a->free(a->user, w, sizeof(*w));
        return cst_uv_status(error);
    }
    w->stream = u;
    w->allocator = a;
    w->bytes = bytes;
    w->count = count;
    for (unsigned i = 0; i < count; i++)
        w->parts[i] = cst_slice_ref(&u->chunks[i]);
    w->request.data = w;
    return CST_PENDING;
}

/* Private: send what is left. CST_OK, CST_PENDING or a failure. */
static inline cst_status cst_uv_send(struct cst_uv_stream *u)
{
    for (;;) {
        uv_buf_t bufs[16];
        unsigned count;
        size_t bytes = cst_uv_spans(bufs, &count, u);
        int n;

        if (bytes == 0)
            return CST_OK;
        n = uv_try_write(u->handle, bufs, count);
        if (n == UV_EAGAIN || n == UV_ENOSYS)
            return cst_uv_send_later(u, bufs, count, bytes);
        if (n < 0)
            return cst_uv_status(n);
        cst_uv_advance(u, CST_HOST_CAST(size_t, n));
    }
}

/* Private: everything was written, or nothing. A destroyed stream has got its answer. */
static inline void cst_uv_on_written(uv_write_t *request, int error)
{
    struct cst_uv_write *w = CST_HOST_CAST(struct cst_uv_write *, request->data);
    struct cst_uv_stream *u = w->stream;
    const cst_allocator *a = w->allocator;
    size_t bytes = w->bytes;
    cst_status st = cst_uv_status(error);
    cst_ctx *ctx = u->ctx;

    for (unsigned i = 0; i < w->count; i++)
        cst_slice_unref(&w->parts[i]);
    a->free(a->user, w, sizeof(*w));
    if (!u->owes_write)
        return;
    if (st >= 0) {
        cst_uv_advance(u, bytes);
        cst_progress(u->s);
        st = cst_uv_send(u);
    }
    if (st == CST_PENDING)
        return;
    u->owes_write = false;
    cst_complete(u->write_call, st);
    cst_uv_settle(ctx);
}

/* Private: the slot writev. */
static inline cst_status cst_uv_slot_writev(cst_stream *s, void *self, const cst_slice *chunks,
                                            size_t count)
{
    struct cst_uv_stream *u = *CST_HOST_CAST(struct cst_uv_stream **, self);
    cst_status st;

    u->chunks = chunks;
    u->count = count;
    u->offset = 0;
    st = cst_uv_send(u);
    if (st != CST_PENDING)
        return st;
    u->write_call = cst_this_call(s);
    u->owes_write = true;
    return CST_PENDING;
}

/* --- the end --- */

/* Private: a peer that has gone, or a handle that is no socket, has nothing to shut down. */
static inline cst_status cst_uv_shut_status(int error)
{
    return error == UV_ENOTCONN || error == UV_ENOTSOCK ? CST_OK : cst_uv_status(error);
}

/* Private. */
static inline void cst_uv_on_shut(uv_shutdown_t *request, int error)
{
    struct cst_uv_stream *u = CST_HOST_CAST(struct cst_uv_stream *, request->data);
    cst_ctx *ctx = u->ctx;

    if (!u->owes_final)
        return;
    u->owes_final = false;
    cst_complete(u->final_call, cst_uv_shut_status(error));
    cst_uv_settle(ctx);
}

/* Private: the slot final. */
static inline cst_status cst_uv_slot_final(cst_stream *s, void *self)
{
    struct cst_uv_stream *u = *CST_HOST_CAST(struct cst_uv_stream **, self);
    int error = uv_shutdown(&u->shutdown, u->handle, cst_uv_on_shut);

    if (error)
        return cst_uv_shut_status(error);
    u->final_call = cst_this_call(s);
    u->owes_final = true;
    return CST_PENDING;
}

/* Private: libuv has called back everything else. The context may have been freed meanwhile, which
 * stops its timers. */
static inline void cst_uv_on_closed(uv_handle_t *handle)
{
    struct cst_uv_stream *u = CST_HOST_CAST(struct cst_uv_stream *, handle->data);
    const cst_allocator *a = u->allocator;
    bool is_owed = cst_timer_is_started(&u->owes_destroy);
    cst_call call = u->destroy_call;
    cst_ctx *ctx = u->ctx;

    if (is_owed)
        cst_timer_stop(ctx, &u->owes_destroy);
    cst_buf_free(&u->lent);
    a->free(a->user, u, sizeof(*u));
    if (!is_owed)
        return;
    cst_complete(call, CST_OK);
    cst_uv_settle(ctx);
}

/* Private: what the timer would call that is never due. */
static inline void cst_uv_never(void *arg)
{
    (void)arg;
}

/* Private: the slot destroy. It is answered when libuv has closed the handle; at once if the
 * context is being freed, since nothing may be answered after that. */
static inline cst_status cst_uv_slot_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct cst_uv_stream *u = *CST_HOST_CAST(struct cst_uv_stream **, self);
    cst_call call = cst_this_call(s);
    bool owes_write = u->owes_write, owes_final = u->owes_final;
    cst_status reason = error ? error->status : CST_E_DESTROYED, st;

    u->s = NULL;
    u->owes_write = u->owes_final = u->is_reading = false;
    u->destroy_call = call;
    st = cst_timer_start(u->ctx, &u->owes_destroy, CST_NEVER, cst_uv_never, NULL);
    uv_close(cst_uv_handle(u->handle), cst_uv_on_closed);
    if (owes_write)
        cst_complete(u->write_call, reason);
    if (owes_final)
        cst_complete(u->final_call, reason);
    return st < 0 ? CST_OK : CST_PENDING;
}

/* Private. */
static inline const cst_ops *cst_uv_stream_ops(void)
{
    static const cst_ops ops = {
        "uv_stream",       sizeof(struct cst_uv_stream *),
        NULL,              cst_uv_slot_read,
        NULL,              cst_uv_slot_writev,
        cst_uv_slot_final, NULL,
        NULL,              cst_uv_slot_destroy,
        NULL,              CST_OS(EPIPE),
        { 0, 0, 0, 0 },
    };

    return &ops;
}

/**
 * Make a duplex of a handle: a uv_tcp_t that is connected or was accepted, a uv_pipe_t that is
 * connected or open, or a uv_tty_t. A side that the handle lacks is ended from the start. Object
 * mode is refused.
 *
 * ctx     driven by libuv on the loop of the handle: attached by cst_uv_attach_ctx, or that of a
 *         cst_loop that is attached to libuv (uv.h)
 * handle  not being read. On CST_OK it is the stream's, with its data pointer: the stream reads it,
 *         writes to it, shuts it down and closes it. Its storage stays the caller's, and has to
 *         stay until libuv has closed it: until 'close', or if the context was freed before that,
 *         until uv_run has returned. The context's allocator has to stay as long.
 * opts    as for every stream; may be NULL. Node's sockets have no_half_open set.
 *
 * Reading begins when the stream is first read. libuv reads until the stream is full, and stops
 * until it is wanted again: so the peer feels backpressure, and an idle stream holds no buffer.
 * What is written goes out at once (uv_try_write), with up to 16 chunks in one call; what the
 * system has no room for goes by uv_write. The end is a uv_shutdown; 'finish' comes when it is
 * done. An error of the peer or of the system destroys the stream with its status (above).
 *
 * Results are in stream.h, and
 * CST_E_INVALID_ARG  also if handle is NULL, is closing, or is neither readable nor writable, or
 *                    opts ask for object mode
 */
static inline cst_status cst_uv_stream_new(cst_stream **out, cst_ctx *ctx, uv_stream_t *handle,
                                           const cst_opts *opts)
{
    const cst_allocator *a = cst_ctx_allocator(ctx);
    struct cst_uv_stream *u;
    cst_opts sides;
    cst_status st;

    memset(&sides, 0, sizeof(sides));
    if (opts)
        sides = *opts;
    if (!out || !ctx || !handle || uv_is_closing(cst_uv_handle(handle)) || sides.object_mode ||
        sides.readable_object_mode || sides.writable_object_mode ||
        !(uv_is_readable(handle) || uv_is_writable(handle)))
        return CST_E_INVALID_ARG;
    sides.no_readable = sides.no_readable || !uv_is_readable(handle);
    sides.no_writable = sides.no_writable || !uv_is_writable(handle);
    u = CST_HOST_CAST(struct cst_uv_stream *, a->alloc(a->user, sizeof(struct cst_uv_stream)));
    if (!u)
        return CST_E_NOMEM;
    memset(u, 0, sizeof(*u));
    u->allocator = a;
    u->ctx = ctx;
    u->handle = handle;
    u->shutdown.data = u;
    st = cst_duplex_new(&u->s, ctx, cst_uv_stream_ops(), &u, &sides);
    if (st < 0) {
        a->free(a->user, u, sizeof(*u));
        return st;
    }
    handle->data = u;
    *out = u->s;
    return CST_OK;
}

#endif

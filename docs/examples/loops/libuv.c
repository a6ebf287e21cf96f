/*
 * libuv.c - libuv drives a context: transfers that end with a callback.
 *
 *     wake      a uv_async_t
 *     due       a uv_timer_t
 *     time      uv_hrtime, which the context calls
 *     MORE      a uv_idle_t: the loop does not sleep while there is one
 *     interest  starts a transfer: uv_read_start, uv_write, uv_shutdown; uv_close ends them
 *     spans     lent to libuv: for reading, in its allocation callback; for writing, from uv_write
 *               to its callback
 *
 * A uv_prepare_t runs the context, just before libuv computes how long to sleep. So what ends the
 * sleep (async, timer, idle) has nothing else to do.
 *
 * It runs the program of echo.h. Calls shown: cst_ctx_run, cst_port_new, cst_port_reserve,
 * cst_port_commit, cst_port_peek, cst_port_consume, cst_port_ended
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "sockets.h"

enum { MAX_SPANS = 16 };

struct end {
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    cst_stream *port; /* one reference, until libuv no longer needs tcp */
    size_t sending_bytes;
};

struct loop {
    cst_ctx *ctx;
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_async_t async;
    uv_timer_t timer;
    uv_idle_t idle;
    struct program program;
    size_t count;
    struct end ends[MAX_ENDS];
};

static uv_stream_t *stream_of(struct end *end)
{
    return (uv_stream_t *)&end->tcp;
}

/* --- in --------------------------------------------------------------------------------------- */

/* A buffer of no bytes makes libuv say UV_ENOBUFS. */
static void lend(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct end *end = handle->data;
    cst_span span = { NULL, 0 };

    (void)suggested;
    cst_port_reserve(&span, end->port);
    *buf = (uv_buf_t){ .base = (char *)span.data, .len = span.len };
}

/* libuv's errors are -errno; 0 is EAGAIN. libuv would go on reading at once, but the port tells by
 * interest when it wants the next chunk. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct end *end = stream->data;

    (void)buf;
    uv_read_stop(stream);
    if (n >= 0)
        cst_port_commit(end->port, (size_t)n);
    else if (n == UV_EOF)
        cst_port_eof(end->port);
    else
        cst_port_fail(end->port, CST_READING, n == UV_ENOBUFS ? CST_E_NOMEM : CST_OS((int)-n));
}

/* --- out -------------------------------------------------------------------------------------- */

/* Everything was written, or nothing. After UV_ECANCELED the status does not matter: the port was
 * destroyed. */
static void on_written(uv_write_t *write, int status)
{
    struct end *end = write->data;

    if (status == 0)
        cst_port_consume(end->port, end->sending_bytes);
    else
        cst_port_fail(end->port, CST_WRITING, CST_OS(-status));
}

static void begin_write(struct end *end)
{
    cst_const_span spans[MAX_SPANS];
    uv_buf_t bufs[MAX_SPANS];
    size_t count = cst_port_peek(spans, end->port, MAX_SPANS);
    int error;

    end->sending_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bufs[i] = (uv_buf_t){ .base = (char *)(uintptr_t)spans[i].data, .len = spans[i].len };
        end->sending_bytes += spans[i].len;
    }
    error = uv_write(&end->write, stream_of(end), bufs, (unsigned)count, on_written);
    if (error)
        cst_port_fail(end->port, CST_WRITING, CST_OS(-error));
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    struct end *end = shutdown->data;

    cst_port_ended(end->port, status ? CST_OS(-status) : CST_OK);
}

static void begin_shutdown(struct end *end)
{
    int error = uv_shutdown(&end->shutdown, stream_of(end), on_shut);

    if (error)
        cst_port_ended(end->port, CST_OS(-error));
}

/* --- an end ----------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct end *end = handle->data;

    cst_unref(end->port);
}

/* libuv first calls back what is in flight, with UV_ECANCELED, so all spans come back. */
static void close_end(struct end *end)
{
    if (!uv_is_closing((uv_handle_t *)&end->tcp))
        uv_close((uv_handle_t *)&end->tcp, on_handle_closed);
}

static void on_interest(cst_stream *port, unsigned want, void *arg)
{
    struct end *end = arg;

    (void)port;
    if (want & CST_PORT_CANCEL)
        close_end(end);
    if (uv_is_closing((uv_handle_t *)&end->tcp))
        return;
    if (want & CST_PORT_IN)
        uv_read_start(stream_of(end), lend, on_read);
    else
        uv_read_stop(stream_of(end));
    if (want & CST_PORT_OUT)
        begin_write(end);
    if (want & CST_PORT_END)
        begin_shutdown(end);
}

static void on_close(cst_stream *port, const cst_event *event, void *arg)
{
    (void)port;
    (void)event;
    close_end(arg);
}

static cst_status open_end(cst_stream **out, int fd, void *arg)
{
    struct loop *loop = arg;
    struct end *end = &loop->ends[loop->count];
    const cst_port_opts opts = {
        .interest = on_interest, .arg = end, .completions = true, .wants_end = true
    };
    cst_status st = cst_port_new(&end->port, loop->ctx, &opts, NULL);

    if (st < 0) {
        close(fd);
        return st;
    }
    loop->count++;
    end->tcp.data = end->write.data = end->shutdown.data = end;
    uv_tcp_init(&loop->uv, &end->tcp);
    uv_tcp_open(&end->tcp, fd);
    *out = end->port;
    return cst_on(end->port, CST_CLOSE, on_close, end);
}

/* --- the context ------------------------------------------------------------------------------ */

/* Called from any thread. */
static void wake(void *arg)
{
    struct loop *loop = arg;

    uv_async_send(&loop->async);
}

static uint64_t say_time(void *arg)
{
    (void)arg;
    return uv_hrtime();
}

/* These only end the sleep. */
static void on_async(uv_async_t *async)
{
    (void)async;
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* libuv counts milliseconds, in 64 bits, from the time when it last read its clock. */
static void sleep_until(struct loop *loop, uint64_t due_ns)
{
    uint64_t now = uv_hrtime();

    if (due_ns == CST_NEVER) {
        uv_timer_stop(&loop->timer);
        return;
    }
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->timer, on_timer, due_ns > now ? (due_ns - now - 1) / 1000000 + 1 : 0, 0);
}

static void finish(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->async, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
}

static void turn(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    cst_budget budget = { .tasks = ECHO_TURN_TASKS,
                          .bytes = ECHO_TURN_BYTES,
                          .now_ns = uv_hrtime() };

    if (cst_ctx_run(loop->ctx, &budget) == CST_MORE)
        uv_idle_start(&loop->idle, on_idle);
    else
        uv_idle_stop(&loop->idle);
    sleep_until(loop, budget.due_ns);
    if (program_is_done(&loop->program))
        finish(loop);
}

static bool loop_init(struct loop *loop)
{
    const cst_ctx_opts opts = { .wake = wake, .wake_arg = loop, .clock = say_time };

    *loop = (struct loop){ .count = 0 };
    if (uv_loop_init(&loop->uv) < 0 || uv_async_init(&loop->uv, &loop->async, on_async) < 0)
        return false;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_timer_init(&loop->uv, &loop->timer);
    uv_idle_init(&loop->uv, &loop->idle);
    loop->prepare.data = loop;
    uv_prepare_start(&loop->prepare, turn);
    return cst_ctx_new(&loop->ctx, cst_allocator_malloc(), &opts) == CST_OK;
}

int main(void)
{
    static struct loop loop;
    int result;

    signal(SIGPIPE, SIG_IGN); /* libuv leaves it to its user */
    if (!loop_init(&loop))
        return EXIT_FAILURE;
    program_begin(&loop.program, loop.ctx, open_end, &loop);
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    result = program_end(&loop.program);
    cst_ctx_free(loop.ctx);
    uv_loop_close(&loop.uv);
    return result;
}

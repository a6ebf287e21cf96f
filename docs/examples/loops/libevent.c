/*
 * libevent.c - libevent drives a context: wake starts every turn.
 *
 *     wake      activates an event, whose callback is a turn; from any thread
 *     due       a timer, whose callback is a turn
 *     time      the clock, which the context calls
 *     MORE      that timer, at once
 *     interest  adds and deletes a socket's two events
 *     spans     lent from read_into and write_from to their return, no longer
 *
 * libevent has no place to call something before it sleeps. It needs none: what a callback of
 * libevent hands to a port gives the context work, so wake is called.
 *
 * It runs the program of echo.h. Calls shown: cst_ctx_run, cst_port_new
 */
#define _POSIX_C_SOURCE 200809L

#include <event2/event.h>
#include <event2/thread.h>
#include <stdlib.h>
#include <unistd.h>

#include "sockets.h"

struct end {
    cst_stream *port;
    struct event *in, *out; /* NULL when it is closed */
    int fd;
};

struct loop {
    cst_ctx *ctx;
    struct event_base *base;
    struct event *woken, *timer;
    struct program program;
    size_t count;
    struct end ends[MAX_ENDS];
};

/* --- ends ------------------------------------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct end *end = arg;

    (void)what;
    read_into(end->port, fd);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct end *end = arg;

    (void)what;
    write_from(end->port, fd);
}

static void watch(struct event *event, bool is_wanted)
{
    if (is_wanted)
        event_add(event, NULL);
    else
        event_del(event);
}

/* The last call, with 0, may come after 'close'. */
static void on_interest(cst_stream *port, unsigned want, void *arg)
{
    struct end *end = arg;

    if (!end->in)
        return;
    watch(end->in, want & CST_PORT_IN);
    watch(end->out, want & CST_PORT_OUT);
    if (want & CST_PORT_END)
        shut(port, end->fd);
}

/* No span is lent any more. */
static void on_close(cst_stream *port, const cst_event *event, void *arg)
{
    struct end *end = arg;

    (void)event;
    event_free(end->in);
    event_free(end->out);
    end->in = end->out = NULL;
    close(end->fd);
    cst_unref(port);
}

static cst_status open_end(cst_stream **out, int fd, void *arg)
{
    struct loop *loop = arg;
    struct end *end = &loop->ends[loop->count];
    const cst_port_opts opts = { .interest = on_interest, .arg = end, .wants_end = true };
    cst_status st = cst_port_new(&end->port, loop->ctx, &opts, NULL);

    if (st < 0) {
        close(fd);
        return st;
    }
    set_nonblocking(fd);
    end->fd = fd;
    end->in = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_readable, end);
    end->out = event_new(loop->base, fd, EV_WRITE | EV_PERSIST, on_writable, end);
    loop->count++;
    *out = end->port;
    return cst_on(end->port, CST_CLOSE, on_close, end);
}

/* --- the context ------------------------------------------------------------------------------ */

static void wake(void *arg)
{
    struct loop *loop = arg;

    event_active(loop->woken, EV_READ, 0);
}

static uint64_t say_time(void *arg)
{
    (void)arg;
    return now_ns();
}

/* If there is more to do, use a timeout of 0: an event that its own callback activates would come
 * again before any socket. */
static void sleep_until(struct loop *loop, cst_status st, uint64_t due_ns)
{
    uint64_t now = now_ns(), us = 0;
    struct timeval timeout;

    if (st != CST_MORE && due_ns == CST_NEVER) {
        event_del(loop->timer);
        return;
    }
    if (st != CST_MORE && due_ns > now)
        us = (due_ns - now - 1) / 1000 + 1;
    timeout.tv_sec = (time_t)(us / 1000000);
    timeout.tv_usec = (suseconds_t)(us % 1000000);
    event_add(loop->timer, &timeout);
}

static void turn(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    cst_budget budget = { .tasks = ECHO_TURN_TASKS, .bytes = ECHO_TURN_BYTES, .now_ns = now_ns() };
    cst_status st = cst_ctx_run(loop->ctx, &budget);

    (void)fd;
    (void)what;
    sleep_until(loop, st, budget.due_ns);
    if (program_is_done(&loop->program))
        event_base_loopbreak(loop->base);
}

/* Two events have one callback: adding a timer again undoes its activation, and with it the wake of
 * another thread. */
static bool loop_init(struct loop *loop)
{
    const cst_ctx_opts opts = { .wake = wake, .wake_arg = loop, .clock = say_time };

    if (evthread_use_pthreads() < 0)
        return false;
    *loop = (struct loop){ .base = event_base_new() };
    if (!loop->base)
        return false;
    loop->woken = event_new(loop->base, -1, EV_PERSIST, turn, loop);
    loop->timer = evtimer_new(loop->base, turn, loop);
    return loop->woken && loop->timer &&
           cst_ctx_new(&loop->ctx, cst_allocator_malloc(), &opts) == CST_OK;
}

int main(void)
{
    static struct loop loop;
    int result;

    if (!loop_init(&loop))
        return EXIT_FAILURE;
    program_begin(&loop.program, loop.ctx, open_end, &loop);
    wake(&loop); /* the first turn */
    event_base_loop(loop.base, EVLOOP_NO_EXIT_ON_EMPTY);
    result = program_end(&loop.program);
    cst_ctx_free(loop.ctx);
    event_free(loop.woken);
    event_free(loop.timer);
    event_base_free(loop.base);
    libevent_global_shutdown();
    return result;
}

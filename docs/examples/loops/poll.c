/*
 * poll.c - poll(2) drives a context: the plainest loop there is.
 *
 *     run the context --> sleep in poll --> read and write what is ready --> again
 *
 *     wake      a byte in a pipe, from other threads only: this one runs the context before it
 *               sleeps
 *     due       the timeout of poll
 *     time      told after poll
 *     MORE      a timeout of 0
 *     interest  the events of a pollfd; if there are none, the pollfd is switched off
 *     spans     lent from read_into and write_from to their return, no longer
 *
 * It runs the program of echo.h. Calls shown: cst_ctx_run, cst_ctx_set_now_ns, cst_port_new
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "sockets.h"

struct end {
    struct pollfd *poll;
    cst_stream *port;
    int fd;
};

struct loop {
    cst_ctx *ctx;
    pthread_t thread;
    int wake_out, wake_in;
    size_t count;
    struct end ends[MAX_ENDS];
    struct pollfd polls[MAX_ENDS + 1]; /* the last is the pipe's */
};

/* A pipe that is full wakes as well. */
static void wake(void *arg)
{
    const struct loop *loop = arg;

    if (!pthread_equal(pthread_self(), loop->thread))
        while (write(loop->wake_in, "", 1) < 0 && errno == EINTR) {
        }
}

/* poll reports a hang-up whatever the events are. So it must not look at a socket of which nothing
 * is wanted, or it would not sleep. It ignores a negative descriptor. */
static void on_interest(cst_stream *port, unsigned want, void *arg)
{
    struct end *end = arg;

    end->poll->events =
        (short)((want & CST_PORT_IN ? POLLIN : 0) | (want & CST_PORT_OUT ? POLLOUT : 0));
    end->poll->fd = end->poll->events ? end->fd : -1;
    if (want & CST_PORT_END)
        shut(port, end->fd);
}

/* No span is lent any more, and nothing will be wanted. */
static void on_close(cst_stream *port, const cst_event *event, void *arg)
{
    struct end *end = arg;

    (void)event;
    end->poll->fd = -1;
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
    end->poll = &loop->polls[loop->count++];
    end->poll->fd = -1;
    *out = end->port;
    return cst_on(end->port, CST_CLOSE, on_close, end);
}

/* The next read or write tells what an error or a hang-up means. No callback runs here, so no end
 * is closed meanwhile. */
static void move_bytes(struct loop *loop)
{
    char byte[16];

    for (size_t i = 0; i < loop->count; i++) {
        struct end *end = &loop->ends[i];
        short ready = end->poll->fd >= 0 ? end->poll->revents : 0;

        if (ready & (POLLIN | POLLHUP | POLLERR))
            read_into(end->port, end->fd);
        if (ready & (POLLOUT | POLLHUP | POLLERR))
            write_from(end->port, end->fd);
    }
    if (loop->polls[loop->count].revents)
        while (read(loop->wake_out, byte, sizeof byte) > 0) {
        }
}

static cst_status turn(struct loop *loop, cst_budget *budget)
{
    *budget =
        (cst_budget){ .tasks = ECHO_TURN_TASKS, .bytes = ECHO_TURN_BYTES, .now_ns = now_ns() };
    return cst_ctx_run(loop->ctx, budget);
}

/* A result below 1 is a timeout or a signal: it is only time for the next turn. */
static void wait_and_move(struct loop *loop, int timeout_ms)
{
    int count;

    loop->polls[loop->count] = (struct pollfd){ .fd = loop->wake_out, .events = POLLIN };
    count = poll(loop->polls, loop->count + 1, timeout_ms);
    cst_ctx_set_now_ns(loop->ctx, now_ns());
    if (count > 0)
        move_bytes(loop);
}

static bool loop_init(struct loop *loop)
{
    const cst_ctx_opts opts = { .wake = wake, .wake_arg = loop };
    int fds[2];

    *loop = (struct loop){ .thread = pthread_self() };
    if (pipe(fds) < 0)
        return false;
    loop->wake_out = fds[0];
    loop->wake_in = fds[1];
    set_nonblocking(loop->wake_out);
    set_nonblocking(loop->wake_in);
    return cst_ctx_new(&loop->ctx, cst_allocator_malloc(), &opts) == CST_OK;
}

int main(void)
{
    static struct loop loop;
    struct program program;
    cst_budget budget;
    cst_status st;
    int result;

    if (!loop_init(&loop))
        return EXIT_FAILURE;
    program_begin(&program, loop.ctx, open_end, &loop);
    for (;;) {
        st = turn(&loop, &budget);
        if (program_is_done(&program))
            break;
        wait_and_move(&loop, sleep_ms(st, &budget));
    }
    result = program_end(&program);
    cst_ctx_free(loop.ctx);
    close(loop.wake_in);
    close(loop.wake_out);
    return result;
}

/*
 * epoll.c - epoll(7) drives a context: the system's set of events is what the ports want; nothing
 * else is remembered.
 *
 *     wake      an eventfd, from other threads only: this one runs the context before it sleeps
 *     due       the timeout of epoll_wait
 *     time      told after epoll_wait
 *     MORE      a timeout of 0
 *     interest  an epoll_ctl for each change; if nothing is wanted, the socket leaves the set
 *     spans     lent from read_into and write_from to their return, no longer
 *
 * It runs the program of echo.h. Calls shown: cst_ctx_run, cst_ctx_set_now_ns, cst_port_new
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sockets.h"

struct end {
    struct loop *loop;
    cst_stream *port;
    int fd;
    bool is_watched, is_closed;
};

struct loop {
    cst_ctx *ctx;
    pthread_t thread;
    int epoll, wake;
    size_t count;
    struct end ends[MAX_ENDS];
};

static void wake(void *arg)
{
    const struct loop *loop = arg;
    const uint64_t one = 1;

    if (!pthread_equal(pthread_self(), loop->thread))
        while (write(loop->wake, &one, sizeof one) < 0 && errno == EINTR) {
        }
}

/* epoll reports a hang-up whatever the events are. So a socket of which nothing is wanted has to
 * leave the set, or the loop would not sleep. */
static void watch(struct end *end, unsigned want)
{
    struct epoll_event event = {
        .events = (want & CST_PORT_IN ? EPOLLIN : 0u) | (want & CST_PORT_OUT ? EPOLLOUT : 0u),
        .data.ptr = end,
    };
    int what = !event.events ? EPOLL_CTL_DEL : end->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (!event.events && !end->is_watched)
        return;
    epoll_ctl(end->loop->epoll, what, end->fd, &event);
    end->is_watched = event.events;
}

/* The last call, with 0, may come after 'close'. */
static void on_interest(cst_stream *port, unsigned want, void *arg)
{
    struct end *end = arg;

    if (end->is_closed)
        return;
    watch(end, want);
    if (want & CST_PORT_END)
        shut(port, end->fd);
}

/* No span is lent any more. Closing a socket takes it out of the set. */
static void on_close(cst_stream *port, const cst_event *event, void *arg)
{
    struct end *end = arg;

    (void)event;
    end->is_closed = true;
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
    end->loop = loop;
    loop->count++;
    *out = end->port;
    return cst_on(end->port, CST_CLOSE, on_close, end);
}

/* The next read or write tells what an error or a hang-up means. */
static void move_bytes(struct end *end, uint32_t ready)
{
    if (ready & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_into(end->port, end->fd);
    if (ready & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        write_from(end->port, end->fd);
}

/* A result below 1 is a timeout or a signal: it is only time for the next turn. No callback runs in
 * this loop, so no event is of an end that was closed meanwhile. */
static void wait_and_move(struct loop *loop, int timeout_ms)
{
    struct epoll_event events[8];
    int count = epoll_wait(loop->epoll, events, 8, timeout_ms);
    uint64_t wakes;

    cst_ctx_set_now_ns(loop->ctx, now_ns());
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            move_bytes(events[i].data.ptr, events[i].events);
        else if (read(loop->wake, &wakes, sizeof wakes) < 0)
            continue; /* the next wait reports it again */
    }
}

static cst_status turn(struct loop *loop, cst_budget *budget)
{
    *budget =
        (cst_budget){ .tasks = ECHO_TURN_TASKS, .bytes = ECHO_TURN_BYTES, .now_ns = now_ns() };
    return cst_ctx_run(loop->ctx, budget);
}

static bool loop_init(struct loop *loop)
{
    const cst_ctx_opts opts = { .wake = wake, .wake_arg = loop };
    struct epoll_event event = { .events = EPOLLIN };

    *loop = (struct loop){ .thread = pthread_self() };
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return loop->epoll >= 0 && loop->wake >= 0 &&
           epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) == 0 &&
           cst_ctx_new(&loop->ctx, cst_allocator_malloc(), &opts) == CST_OK;
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
    close(loop.wake);
    close(loop.epoll);
    return result;
}

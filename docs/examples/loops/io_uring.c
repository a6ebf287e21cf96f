/*
 * io_uring.c - io_uring drives a context: the kernel works on the spans themselves.
 *
 *     wake      an eventfd, of which a read is always in flight; from other threads only
 *     due       the timeout of the wait for completions
 *     time      told after that wait
 *     MORE      no wait
 *     interest  starts a transfer: recv, sendmsg; cancels those of a port that was destroyed
 *     spans     the kernel's from then on, until the completion gives them back
 *
 * A port that is destroyed while a span is lent closes only when the span is back. So no buffer is
 * freed while the kernel uses it, and nothing is in flight for a port that has closed.
 *
 * If the kernel refuses a ring, a line says so, and the exit status is 77. It runs the program of
 * echo.h. Calls shown: cst_ctx_run, cst_ctx_set_now_ns, cst_port_new,
 * cst_port_reserve, cst_port_commit, cst_port_peek, cst_port_consume, cst_port_fail
 */
#define _GNU_SOURCE

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockets.h"

enum { MAX_SPANS = 16, RING_ENTRIES = 64, EXIT_SKIPPED = 77 };

struct end;

/* A transfer. The kernel gets its address and returns it with the completion. */
struct transfer {
    void (*on_completion)(struct end *end, int result);
    struct end *end;
    bool is_under_way;
};

struct end {
    struct loop *loop;
    cst_stream *port;
    int fd;
    struct transfer in, out;
    struct msghdr message;
    struct iovec iov[MAX_SPANS];
};

struct loop {
    cst_ctx *ctx;
    pthread_t thread;
    struct io_uring ring;
    int wake;
    uint64_t wakes; /* what is read from it */
    size_t count;
    struct end ends[MAX_ENDS];
};

/* If the queue is full, submit what is in it. */
static struct io_uring_sqe *next_sqe(struct loop *loop)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

    while (!sqe) {
        io_uring_submit(&loop->ring);
        sqe = io_uring_get_sqe(&loop->ring);
    }
    return sqe;
}

/* Call it after the operation was described, which may clear the data. */
static void mark(struct io_uring_sqe *sqe, struct transfer *transfer)
{
    io_uring_sqe_set_data(sqe, transfer);
    transfer->is_under_way = true;
}

/* --- transfers -------------------------------------------------------------------------------- */

static bool is_again(int result)
{
    return result == -EAGAIN || result == -EINTR || result == -ECANCELED;
}

static void begin_recv(struct end *end)
{
    struct io_uring_sqe *sqe;
    cst_span span;
    cst_status st = cst_port_reserve(&span, end->port);

    if (st < 0)
        cst_port_fail(end->port, CST_READING, st);
    if (st != CST_OK)
        return;
    sqe = next_sqe(end->loop);
    io_uring_prep_recv(sqe, end->fd, span.data, span.len, 0);
    mark(sqe, &end->in);
}

static void on_received(struct end *end, int n)
{
    if (n > 0 || is_again(n))
        cst_port_commit(end->port, n > 0 ? (size_t)n : 0);
    else if (n == 0)
        cst_port_eof(end->port);
    else
        cst_port_fail(end->port, CST_READING, CST_OS(-n));
}

static void begin_send(struct end *end)
{
    struct io_uring_sqe *sqe;
    cst_const_span spans[MAX_SPANS];
    size_t count = cst_port_peek(spans, end->port, MAX_SPANS);

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        end->iov[i].iov_base = (void *)(uintptr_t)spans[i].data; /* it is only read */
        end->iov[i].iov_len = spans[i].len;
    }
    end->message = (struct msghdr){ .msg_iov = end->iov, .msg_iovlen = count };
    sqe = next_sqe(end->loop);
    io_uring_prep_sendmsg(sqe, end->fd, &end->message, MSG_NOSIGNAL);
    mark(sqe, &end->out);
}

static void on_sent(struct end *end, int n)
{
    if (n >= 0 || is_again(n))
        cst_port_consume(end->port, n > 0 ? (size_t)n : 0);
    else
        cst_port_fail(end->port, CST_WRITING, CST_OS(-n));
}

/* The completion of the transfer still comes: with the bytes that were moved, or with -ECANCELED.
 * The completion of the cancel itself tells nothing more. */
static void cancel(struct end *end, struct transfer *transfer)
{
    struct io_uring_sqe *sqe;

    if (!transfer->is_under_way)
        return;
    sqe = next_sqe(end->loop);
    io_uring_prep_cancel(sqe, transfer, 0);
    io_uring_sqe_set_data(sqe, NULL);
}

/* --- an end ----------------------------------------------------------------------------------- */

static void on_interest(cst_stream *port, unsigned want, void *arg)
{
    struct end *end = arg;

    if (want & CST_PORT_IN)
        begin_recv(end);
    if (want & CST_PORT_OUT)
        begin_send(end);
    if (want & CST_PORT_END)
        shut(port, end->fd);
    if (want & CST_PORT_CANCEL) {
        cancel(end, &end->in);
        cancel(end, &end->out);
    }
}

/* No span is lent any more, so nothing is in flight. */
static void on_close(cst_stream *port, const cst_event *event, void *arg)
{
    struct end *end = arg;

    (void)event;
    close(end->fd);
    cst_unref(port);
}

/* The socket is a blocking one: an operation of the ring waits in the kernel until it can be
 * done. */
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
    end->loop = loop;
    end->fd = fd;
    end->in = (struct transfer){ .on_completion = on_received, .end = end };
    end->out = (struct transfer){ .on_completion = on_sent, .end = end };
    *out = end->port;
    return cst_on(end->port, CST_CLOSE, on_close, end);
}

/* --- the context ------------------------------------------------------------------------------ */

static void wake(void *arg)
{
    const struct loop *loop = arg;
    const uint64_t one = 1;

    if (!pthread_equal(pthread_self(), loop->thread))
        while (write(loop->wake, &one, sizeof one) < 0 && errno == EINTR) {
        }
}

static void watch_wake(struct loop *loop)
{
    struct io_uring_sqe *sqe = next_sqe(loop);

    io_uring_prep_read(sqe, loop->wake, &loop->wakes, sizeof loop->wakes, 0);
    io_uring_sqe_set_data(sqe, loop);
}

/* Start what the turn has queued, wait until something ends, and tell the context the time. A
 * negative result (-ETIME, -EINTR) only means that it is time for the next turn. */
static void submit_and_wait(struct loop *loop, cst_status st, uint64_t due_ns)
{
    struct io_uring_cqe *cqe;
    uint64_t now = now_ns(), left_ns = due_ns > now ? due_ns - now : 0;
    struct __kernel_timespec timeout = { .tv_sec = (int64_t)(left_ns / 1000000000),
                                         .tv_nsec = (int64_t)(left_ns % 1000000000) };

    if (st == CST_MORE)
        io_uring_submit(&loop->ring);
    else if (due_ns == CST_NEVER)
        io_uring_submit_and_wait(&loop->ring, 1);
    else
        io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &timeout, NULL);
    cst_ctx_set_now_ns(loop->ctx, now_ns());
}

static void complete(struct loop *loop, void *data, int result)
{
    struct transfer *transfer = data;

    if (data == loop) {
        watch_wake(loop);
    } else if (transfer) {
        transfer->is_under_way = false;
        transfer->on_completion(transfer->end, result);
    }
}

static void take_completions(struct loop *loop)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&loop->ring, &cqe) == 0) {
        void *data = io_uring_cqe_get_data(cqe);
        int result = cqe->res;

        io_uring_cqe_seen(&loop->ring, cqe);
        complete(loop, data, result);
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
    int error;

    *loop = (struct loop){ .thread = pthread_self(), .wake = eventfd(0, EFD_CLOEXEC) };
    error = io_uring_queue_init(RING_ENTRIES, &loop->ring, 0);
    if (error < 0) {
        printf("skipped: the kernel refuses io_uring_setup: %s\n", strerror(-error));
        exit(EXIT_SKIPPED);
    }
    watch_wake(loop);
    return loop->wake >= 0 && cst_ctx_new(&loop->ctx, cst_allocator_malloc(), &opts) == CST_OK;
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
        submit_and_wait(&loop, st, budget.due_ns);
        take_completions(&loop);
    }
    result = program_end(&program);
    cst_ctx_free(loop.ctx);
    io_uring_queue_exit(&loop.ring);
    close(loop.wake);
    return result;
}

/*
 * sockets.c - see sockets.h.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "sockets.h"

/* --- the transfers ---------------------------------------------------------------------------- */

void set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void read_into(cst_stream *port, int fd)
{
    cst_span span;
    cst_status st = cst_port_reserve(&span, port);
    ssize_t n;

    if (st < 0)
        cst_port_fail(port, CST_READING, st); /* else readiness would come again and again */
    if (st != CST_OK)
        return;
    do
        n = read(fd, span.data, span.len);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        cst_port_commit(port, (size_t)n);
    else if (n == 0)
        cst_port_eof(port);
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
        cst_port_commit(port, 0);
    else
        cst_port_fail(port, CST_READING, CST_OS(errno));
}

void write_from(cst_stream *port, int fd)
{
    enum { MAX_SPANS = 16 };
    cst_const_span spans[MAX_SPANS];
    struct iovec iov[MAX_SPANS];
    struct msghdr message = { .msg_iov = iov };
    size_t count = cst_port_peek(spans, port, MAX_SPANS);
    ssize_t n;

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        iov[i].iov_base = (void *)(uintptr_t)spans[i].data; /* sendmsg does not write there */
        iov[i].iov_len = spans[i].len;
    }
    message.msg_iovlen = count;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        cst_port_consume(port, (size_t)n);
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
        cst_port_consume(port, 0);
    else
        cst_port_fail(port, CST_WRITING, CST_OS(errno));
}

void shut(cst_stream *port, int fd)
{
    cst_port_ended(port, shutdown(fd, SHUT_WR) == 0 ? CST_OK : CST_OS(errno));
}

/* --- time ------------------------------------------------------------------------------------- */

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Rounded up, so as not to wake before the time and find nothing due; and never more than an int
 * holds: to wake too early does no harm. */
int sleep_ms(cst_status st, const cst_budget *budget)
{
    uint64_t now = now_ns(), ms;

    if (st == CST_MORE || budget->due_ns <= now)
        return 0;
    if (budget->due_ns == CST_NEVER)
        return -1;
    ms = (budget->due_ns - now - 1) / 1000000 + 1;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* --- connections ------------------------------------------------------------------------------ */

static bool complain(struct program *program, const char *what, int error)
{
    fprintf(stderr, "%s: %s\n", what, strerror(error));
    program->has_failed = true;
    return false;
}

/* Small buffers in the system: so that the streams feel a slow reader soon. */
static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int bytes = 65536;

    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    return fd;
}

static int new_listener(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    int fd = new_socket();

    *address = (struct sockaddr_in){ .sin_family = AF_INET };
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || (bind(fd, (struct sockaddr *)address, len) == 0 && listen(fd, 1) == 0 &&
                   getsockname(fd, (struct sockaddr *)address, &len) == 0))
        return fd;
    close(fd);
    return -1;
}

/* Both ends of a connection: the system completes it without the listener's help. */
static bool connect_pair(int listener, const struct sockaddr_in *address, int *client, int *server)
{
    *client = new_socket();
    if (*client < 0)
        return false;
    *server = -1;
    if (connect(*client, (const struct sockaddr *)address, sizeof *address) == 0)
        *server = accept(listener, NULL, NULL);
    if (*server < 0)
        close(*client);
    return *server >= 0;
}

static bool connect_next(struct program *program, int listener, const struct sockaddr_in *address,
                         open_end_fn *open_end, void *loop)
{
    cst_stream *client, *server;
    int client_fd, server_fd;
    cst_status st;

    if (!connect_pair(listener, address, &client_fd, &server_fd))
        return complain(program, "connect", errno);
    st = open_end(&client, client_fd, loop);
    if (st < 0)
        close(server_fd);
    else
        st = open_end(&server, server_fd, loop);
    if (st >= 0)
        st = echo_connect(&program->echo, client, server);
    if (st < 0)
        fprintf(stderr, "connection: %s\n", cst_status_text(st));
    program->has_failed = st < 0;
    return st >= 0;
}

/* --- another thread, and signals -------------------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
}

/* System calls are interrupted all the time, while there is something to do. */
static void set_signals(long us)
{
    const struct itimerval every = { { 0, us }, { 0, us } };

    setitimer(ITIMER_REAL, &every, NULL);
}

void interrupt_calls(void)
{
    struct sigaction action = { .sa_handler = on_signal }; /* without SA_RESTART */

    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    set_signals(3000);
}

/* Sleeps, and sees what time of the processor goes by meanwhile: the loop should be asleep too. */
static bool quiet_is_kept(long ns)
{
    const struct timespec quiet = { .tv_nsec = ns };
    clock_t cpu = clock();
    uint64_t began_ns = now_ns();

    nanosleep(&quiet, NULL);
    return (double)(clock() - cpu) / CLOCKS_PER_SEC < (double)(now_ns() - began_ns) / 1e9 / 2;
}

/* Before the post the loop waits for it; after, for a timer that is later than this looks. */
static void *other_thread(void *arg)
{
    struct program *program = arg;
    bool is_kept = quiet_is_kept(200000000);

    cst_post(program->echo.ctx, program->task, program->fn, program->arg);
    program->has_spun = !quiet_is_kept(60000000) || !is_kept;
    return NULL;
}

static void ask_other_thread(cst_task *task, cst_task_fn *fn, void *arg, void *host)
{
    struct program *program = host;
    int error;

    set_signals(0);
    program->task = task;
    program->fn = fn;
    program->arg = arg;
    error = pthread_create(&program->other_thread, NULL, other_thread, program);
    if (error)
        complain(program, "thread", error);
    program->has_other_thread = !error;
}

/* --- the program ------------------------------------------------------------------------------ */

void program_init(struct program *program, cst_ctx *ctx)
{
    *program = (struct program){ .has_failed = false };
    echo_init(&program->echo, ctx, ask_other_thread, program);
}

void program_begin(struct program *program, cst_ctx *ctx, open_end_fn *open_end, void *loop)
{
    struct sockaddr_in address;
    int listener = new_listener(&address);

    program_init(program, ctx);
    if (listener < 0) {
        complain(program, "listen", errno);
        return;
    }
    for (int i = 0; i < ECHO_CONNECTIONS; i++)
        if (!connect_next(program, listener, &address, open_end, loop))
            break;
    close(listener);
    interrupt_calls();
}

bool program_is_done(const struct program *program)
{
    return program->has_failed || echo_is_done(&program->echo);
}

int program_end(struct program *program)
{
    if (program->has_other_thread)
        pthread_join(program->other_thread, NULL);
    if (program->has_failed)
        return EXIT_FAILURE;
    if (program->has_spun)
        fprintf(stderr, "the loop was busy while there was nothing to do\n");
    echo_print(&program->echo);
    return program->has_spun || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

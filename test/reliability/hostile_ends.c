/*
 * hostile_ends.c - lets the loops of docs/examples/loops serve peers from outside.
 *
 * It is linked with a loop whose main is renamed, and takes the place of the program of sockets.h;
 * the transfers of that program are kept. Whatever connects to the port in the first line of output
 * gets back in capitals what it sends. One run of the loop takes as many waiting connections as it
 * has room for, and ends when all of them are closed; then it is run again.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../docs/examples/upper_filter.h"
#include "sockets.h"

int loop_main(void);
void hostile_begin(struct program *program, cst_ctx *ctx, open_end_fn *open_end, void *loop);
bool hostile_is_done(const struct program *program);
int hostile_end(struct program *program);

static struct sockaddr_in address;
static bool is_said;
static int listener;
static unsigned open_count;

static void on_close(cst_stream *port, const cst_event *event, void *arg)
{
    (void)port;
    (void)event;
    (void)arg;
    open_count--;
}

/* Ignore errors: peers that break off are what this program is for. */
static void on_done(const cst_error *error, void *arg)
{
    (void)error;
    (void)arg;
}

static bool serve(cst_ctx *ctx, int fd, open_end_fn *open_end, void *loop)
{
    cst_stream *port, *upper;
    cst_status st = open_end(&port, fd, loop);

    if (st < 0 || (st = upper_new(&upper, ctx)) < 0)
        return false;
    open_count++;
    if ((st = cst_on(port, CST_CLOSE, on_close, NULL)) >= 0)
        st = cst_pipeline((cst_stream *const[]){ port, upper, port }, 3, NULL, on_done, NULL);
    cst_unref(upper);
    return st >= 0;
}

/* Return the next waiting connection, or -1 if there is none. If it is the first, wait for it. */
static int next_peer(bool is_first)
{
    struct pollfd ready = { .fd = listener, .events = POLLIN };

    while (is_first && poll(&ready, 1, -1) < 0 && errno == EINTR)
        continue;
    return accept(listener, NULL, NULL);
}

/* Print the port. Not before there is a loop, which the kernel may refuse to make. */
static void say_where(void)
{
    if (is_said)
        return;
    printf("127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    is_said = true;
}

void hostile_begin(struct program *program, cst_ctx *ctx, open_end_fn *open_end, void *loop)
{
    say_where();
    *program = (struct program){ .has_failed = false };
    for (int i = 0; i < MAX_ENDS; i++) {
        int fd = next_peer(i == 0);

        if (fd < 0)
            return;
        if (!serve(ctx, fd, open_end, loop)) {
            program->has_failed = true;
            return;
        }
    }
}

bool hostile_is_done(const struct program *program)
{
    return program->has_failed || open_count == 0;
}

int hostile_end(struct program *program)
{
    return program->has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void)
{
    socklen_t len = sizeof(address);
    int status;

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 ||
        listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        perror("hostile_ends");
        return EXIT_FAILURE;
    }
    set_nonblocking(listener);
    while ((status = loop_main()) == EXIT_SUCCESS)
        continue;
    return status;
}

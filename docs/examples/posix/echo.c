/*
 * echo.c - a server that sends back what it gets.
 *
 *     echo [PORT]     on 127.0.0.1, port 7000 if none is given. With 0 the system chooses the port;
 *                     the first line of output says which
 *
 * To build it:
 *
 *     cc echo.c -o echo $(pkg-config --cflags --libs libcstream-posix)
 *
 * Calls shown: cst_loop_new, cst_listen, cst_listener_address, cst_on, cst_pipe, cst_loop_run,
 *              cst_loop_free
 */
#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *reason(cst_status status)
{
    return cst_status_os(status) ? strerror(cst_status_os(status)) : cst_status_text(status);
}

/* A peer that goes away in the middle is no reason to stop. */
static void on_error(cst_stream *socket, const cst_event *event, void *arg)
{
    (void)socket;
    (void)arg;
    fprintf(stderr, "echo: %s\n", reason(event->error->status));
}

static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    (void)listener;
    (void)arg;
    if (!socket) {
        fprintf(stderr, "echo: %s\n", reason(status));
        return;
    }
    if (cst_on(socket, CST_ERROR, on_error, NULL) < 0 || cst_pipe(socket, socket, NULL) < 0)
        cst_destroy(socket, CST_E_NOMEM);
    cst_unref(socket); /* it lives until it has closed */
}

int main(int argc, char **argv)
{
    cst_address at = { .host = "127.0.0.1",
                       .port = (uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 7000) };
    cst_listener *listener;
    cst_endpoint endpoint;
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st >= 0) {
        if ((st = cst_listen(&listener, loop, &at, NULL, on_client, NULL)) >= 0 &&
            (st = cst_listener_address(&endpoint, listener)) >= 0) {
            printf("%s:%u\n", endpoint.host, (unsigned)endpoint.port);
            fflush(stdout);
            st = cst_loop_run(loop);
        }
        cst_loop_free(loop);
    }
    fprintf(stderr, "echo: %s\n", reason(st));
    return 1;
}

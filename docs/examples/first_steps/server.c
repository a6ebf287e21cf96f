/*
 * server.c - first steps, 4: the same filter in a server. What a client sends comes back with its
 * lines numbered; each client has a number of its own to begin with.
 *
 *     cc server.c -o server $(pkg-config --cflags --libs libcstream-posix)
 *     ./server [PORT]       on 127.0.0.1, port 7000 if none is given; with 0 the system chooses
 */
#include "number.h"

#include <cstream/posix/posix.h>

#include <stdlib.h>
#include <string.h>

/* Print one line: which stage failed, and why. */
static void complain(const cst_error *error)
{
    char text[256];
    size_t size = sizeof(text);

    cst_error_text(text, &size, error, strerror);
    fprintf(stderr, "server: %s\n", text);
}

/* One client is done; the server goes on. */
static void on_outcome(const cst_error *error, void *arg)
{
    (void)arg;
    if (error)
        complain(error);
}

/* The socket is the first stage and the last: what is read goes through the filter and back. */
static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    cst_stream *stages[4] = { socket, NULL, NULL, socket };

    (void)listener;
    (void)arg;
    if (!socket) {
        complain(&(cst_error){ .status = status });
        return;
    }
    status = cst_lines_new(&stages[1], cst_stream_ctx(socket), NULL, NULL);
    if (status >= 0)
        status = number_new(&stages[2], cst_stream_ctx(socket));
    if (status >= 0)
        status = cst_pipeline(stages, 4, NULL, on_outcome, NULL);
    if (status < 0) {
        complain(&(cst_error){ .status = status });
        for (int i = 0; i < 3; i++)
            cst_destroy(stages[i], CST_OK); /* of NULL this does nothing */
    }
    for (int i = 0; i < 3; i++)
        cst_unref(stages[i]); /* each lives on until it has closed */
}

int main(int argc, char **argv)
{
    const cst_address at = { .host = "127.0.0.1",
                             .port = (uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 7000) };
    cst_listener *listener;
    cst_endpoint endpoint;
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st < 0)
        return 1;
    st = cst_listen(&listener, loop, &at, NULL, on_client, NULL);
    if (st >= 0)
        st = cst_listener_address(&endpoint, listener);
    if (st >= 0) {
        printf("%s:%u\n", endpoint.host, (unsigned)endpoint.port);
        fflush(stdout);
        st = cst_loop_run(loop); /* until the program is told to stop */
    }
    complain(&(cst_error){ .status = st });
    cst_loop_free(loop);
    return 1;
}

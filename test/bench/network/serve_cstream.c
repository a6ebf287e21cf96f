/* serve_cstream.c - the jobs of serve.h with this library: pipes between sockets of net.h. */
#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include "serve.h"

/* A client and its upstream; NULL when it has closed. */
struct link {
    cst_stream *ends[2];
};

static uint16_t upstream;

/* 'close' follows. */
static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

static void on_close(cst_stream *s, const cst_event *event, void *arg)
{
    struct link *link = arg;
    const int i = link->ends[0] == s ? 0 : 1;

    (void)event;
    link->ends[i] = NULL;
    if (link->ends[1 - i])
        cst_destroy(link->ends[1 - i], CST_OK);
    else
        free(link);
}

static void must(cst_status status)
{
    if (status < 0)
        serve_fail(cst_status_text(status));
}

static void relay(cst_loop *loop, cst_stream *client)
{
    const cst_address to = { .port = upstream };
    const cst_socket_opts opts = { .allow_half_open = true };
    struct link *link = calloc(1, sizeof(*link));
    cst_stream *out;

    if (!link)
        serve_fail("no memory");
    must(cst_connect(&out, loop, &to, &opts));
    link->ends[0] = client;
    link->ends[1] = out;
    for (int i = 0; i < 2; i++) {
        must(cst_on(link->ends[i], CST_ERROR, on_error, NULL));
        must(cst_on(link->ends[i], CST_CLOSE, on_close, link));
        must(cst_pipe(link->ends[i], link->ends[1 - i], NULL));
    }
    cst_unref(out);
}

static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    (void)listener;
    must(status);
    if (upstream) {
        relay(arg, socket);
    } else {
        must(cst_on(socket, CST_ERROR, on_error, NULL));
        must(cst_pipe(socket, socket, NULL));
    }
    cst_unref(socket); /* it lives until it has closed */
}

int main(int argc, char **argv)
{
    const cst_listen_opts opts = { .socket.allow_half_open = true };
    const cst_address at = { .host = "127.0.0.1" };
    cst_listener *listener;
    cst_endpoint endpoint;
    cst_loop *loop;

    upstream = serve_upstream(argc, argv);
    must(cst_loop_new(&loop, NULL, NULL));
    must(cst_listen(&listener, loop, &at, &opts, on_client, loop));
    must(cst_listener_address(&endpoint, listener));
    serve_ready(endpoint.port);
    for (;;)
        must(cst_loop_run(loop));
}

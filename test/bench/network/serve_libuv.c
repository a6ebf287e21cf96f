/*
 * serve_libuv.c - the jobs of serve.h on libuv. One buffer serves all connections, since what is
 * read is written at once by uv_try_write; only what the peer does not take is copied and left to
 * uv_write, and nothing is read until that is done.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdbool.h>
#include <uv.h>

#include "serve.h"

struct end {
    uv_tcp_t tcp; /* first */
    struct end *peer;
    uv_write_t write;
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    char *pending;
    bool ended;
};

static char buffer[SERVE_BUFFER];
static uint16_t upstream;

static void lend(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_closed(uv_handle_t *handle)
{
    struct end *end = (struct end *)handle;

    free(end->pending);
    free(end);
}

static void close_end(struct end *end)
{
    if (!uv_is_closing((uv_handle_t *)end))
        uv_close((uv_handle_t *)end, on_closed);
}

static void close_both(struct end *end)
{
    close_end(end->peer);
    close_end(end);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *write, int status)
{
    struct end *to = write->data;

    free(to->pending);
    to->pending = NULL;
    if (status == 0)
        status = uv_read_start((uv_stream_t *)to->peer, lend, on_read);
    if (status < 0 && status != UV_ECANCELED)
        close_both(to);
}

static void keep(struct end *from, char *data, size_t len)
{
    struct end *to = from->peer;
    uv_buf_t rest;

    uv_read_stop((uv_stream_t *)from);
    to->pending = malloc(len);
    if (!to->pending)
        serve_fail("no memory");
    rest = uv_buf_init(memcpy(to->pending, data, len), (unsigned)len);
    to->write.data = to;
    if (uv_write(&to->write, (uv_stream_t *)to, &rest, 1, on_written) < 0)
        close_both(from);
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    struct end *to = shutdown->data;

    if (status == UV_ECANCELED)
        return;
    to->peer->ended = true;
    if (status < 0 || to->ended)
        close_both(to);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct end *from = (struct end *)stream, *to = from->peer;
    uv_buf_t whole = uv_buf_init(buf->base, (unsigned)(n > 0 ? n : 0));
    int sent;

    if (n == 0)
        return;
    if (n == UV_EOF) {
        uv_read_stop(stream);
        to->shutdown.data = to;
        n = uv_shutdown(&to->shutdown, (uv_stream_t *)to, on_shut);
    } else if (n > 0) {
        sent = uv_try_write((uv_stream_t *)to, &whole, 1);
        if (sent == n)
            return;
        if (sent >= 0 || sent == UV_EAGAIN) {
            sent = sent < 0 ? 0 : sent;
            keep(from, buf->base + sent, (size_t)(n - sent));
            return;
        }
        n = sent;
    }
    if (n < 0)
        close_both(from);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct end *end = connect->data;

    if (status == UV_ECANCELED)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)end, lend, on_read) < 0 ||
        uv_read_start((uv_stream_t *)end->peer, lend, on_read) < 0)
        close_both(end);
}

static struct end *end_new(uv_loop_t *loop)
{
    struct end *end = calloc(1, sizeof(*end));

    if (!end || uv_tcp_init(loop, &end->tcp) < 0)
        serve_fail("no memory");
    end->peer = end;
    return end;
}

static void connect_upstream(struct end *client)
{
    struct end *end = end_new(client->tcp.loop);
    struct sockaddr_in to;

    end->peer = client;
    client->peer = end;
    end->connect.data = end;
    if (uv_ip4_addr("127.0.0.1", upstream, &to) < 0 ||
        uv_tcp_connect(&end->connect, &end->tcp, (const struct sockaddr *)&to, on_connected) < 0)
        close_both(client);
}

static void on_client(uv_stream_t *listener, int status)
{
    struct end *end = end_new(listener->loop);

    if (status < 0 || uv_accept(listener, (uv_stream_t *)end) < 0)
        close_end(end);
    else if (upstream)
        connect_upstream(end);
    else if (uv_read_start((uv_stream_t *)end, lend, on_read) < 0)
        close_end(end);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    int size = sizeof(at);
    uv_tcp_t listener;
    uv_loop_t loop;

    upstream = serve_upstream(argc, argv);
    if (uv_loop_init(&loop) < 0 || uv_tcp_init(&loop, &listener) < 0 ||
        uv_ip4_addr("127.0.0.1", 0, &at) < 0 ||
        uv_tcp_bind(&listener, (const struct sockaddr *)&at, 0) < 0 ||
        uv_listen((uv_stream_t *)&listener, SERVE_BACKLOG, on_client) < 0 ||
        uv_tcp_getsockname(&listener, (struct sockaddr *)&at, &size) < 0)
        serve_fail("libuv");
    serve_ready(ntohs(at.sin_port));
    return uv_run(&loop, UV_RUN_DEFAULT);
}

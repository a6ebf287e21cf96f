/*
 * peers.c - see peers.h.
 *
 * Calls shown: cst_listen, cst_listener_address, cst_listener_close, cst_connect
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <sys/socket.h>

#include "peers.h"

static const cst_socket_opts half_open = { .allow_half_open = true };

static void complain(struct peers *peers, cst_status status)
{
    fprintf(stderr, "connection: %s\n", cst_status_text(status));
    peers->program.has_failed = true;
    cst_loop_stop(peers->loop);
}

/* Small buffers in the system: so that the streams feel a slow reader soon. */
static void shrink_buffers(const cst_stream *socket)
{
    int bytes = 65536, fd = cst_stream_fd(socket);

    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static void connect_next(struct peers *peers)
{
    const cst_address to = { .host = "127.0.0.1", .port = peers->at.port };
    cst_status st = cst_connect(&peers->client, peers->loop, &to, &half_open);

    if (st < 0)
        complain(peers, st);
    else
        shrink_buffers(peers->client);
}

/* The other end of peers->client. */
static void on_client(cst_listener *listener, cst_stream *server, cst_status status, void *arg)
{
    struct peers *peers = arg;

    if (server) {
        shrink_buffers(server);
        status = echo_connect(&peers->program.echo, peers->client, server);
        cst_unref(server);
    }
    cst_unref(peers->client);
    if (status < 0)
        complain(peers, status);
    if (++peers->count < ECHO_CONNECTIONS) {
        connect_next(peers);
        return;
    }
    cst_listener_close(listener);
    interrupt_calls();
}

bool peers_begin(struct peers *peers, cst_loop *loop)
{
    const cst_address at = { .host = "127.0.0.1" };
    const cst_listen_opts opts = { .socket = half_open };
    cst_status st;

    *peers = (struct peers){ .loop = loop };
    program_init(&peers->program, cst_loop_ctx(loop));
    if ((st = cst_listen(&peers->listener, loop, &at, &opts, on_client, peers)) < 0 ||
        (st = cst_listener_address(&peers->at, peers->listener)) < 0)
        complain(peers, st);
    else
        connect_next(peers);
    return !peers->program.has_failed;
}

int peers_end(struct peers *peers)
{
    return program_end(&peers->program);
}

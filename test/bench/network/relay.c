/* relay.c - see relay.h. */
#define _GNU_SOURCE
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

/* After so many full buffers the other sockets have their turn, as in libuv. */
enum { most_reads = 32 };

static uint8_t buffer[SERVE_BUFFER];
static struct relay_end *dead;

static void set_watched(struct relay_end *end, unsigned watched)
{
    if (end->watched == watched)
        return;
    end->watched = watched;
    relay_watch(end, false);
}

static void close_end(struct relay_end *end)
{
    if (end->fd < 0)
        return;
    relay_unwatch(end);
    close(end->fd);
    end->fd = -1;
    end->next_dead = dead;
    dead = end;
}

static void close_both(struct relay_end *end)
{
    close_end(end);
    close_end(end->peer);
}

void relay_bury(void)
{
    while (dead) {
        struct relay_end *end = dead;

        dead = end->next_dead;
        free(end->pending);
        free(end);
    }
}

/* Keep what `to` has not taken, and let its source wait. */
static void keep(struct relay_end *from, const uint8_t *data, size_t len)
{
    struct relay_end *to = from->peer;

    to->pending = malloc(len);
    if (!to->pending)
        serve_fail("no memory");
    memcpy(to->pending, data, len);
    to->pending_at = 0;
    to->pending_len = len;
    set_watched(from, from->watched & ~(unsigned)RELAY_READ);
    set_watched(to, to->watched | RELAY_WRITE);
}

static void end_of(struct relay_end *from)
{
    from->ended = true;
    set_watched(from, from->watched & ~(unsigned)RELAY_READ);
    shutdown(from->peer->fd, SHUT_WR);
    if (from->peer->ended)
        close_both(from);
}

static void read_some(struct relay_end *from)
{
    for (int i = 0; i < most_reads; i++) {
        ssize_t n = recv(from->fd, buffer, sizeof(buffer), 0), sent;

        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            if (n < 0)
                close_both(from);
            else
                end_of(from);
            return;
        }
        sent = send(from->peer->fd, buffer, (size_t)n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            close_both(from);
            return;
        }
        if (sent < n) {
            keep(from, buffer + (sent < 0 ? 0 : sent), (size_t)(n - (sent < 0 ? 0 : sent)));
            return;
        }
        if ((size_t)n < sizeof(buffer))
            return;
    }
}

static void send_pending(struct relay_end *to)
{
    ssize_t n = send(to->fd, to->pending + to->pending_at, to->pending_len, MSG_NOSIGNAL);

    if (n < 0) {
        if (errno != EAGAIN)
            close_both(to);
        return;
    }
    to->pending_at += (size_t)n;
    to->pending_len -= (size_t)n;
    if (to->pending_len > 0)
        return;
    free(to->pending);
    to->pending = NULL;
    set_watched(to, to->watched & ~(unsigned)RELAY_WRITE);
    set_watched(to->peer, to->peer->watched | RELAY_READ);
}

static void connected(struct relay_end *end)
{
    int error = 0;
    socklen_t size = sizeof(error);

    end->connecting = false;
    if (getsockopt(end->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error) {
        close_both(end);
        return;
    }
    set_watched(end, RELAY_READ);
    set_watched(end->peer, RELAY_READ);
}

void relay_ready(struct relay_end *end, unsigned came)
{
    if (end->fd < 0)
        return; /* closed by an event before this one */
    if (end->connecting) {
        connected(end);
        return;
    }
    if (came & RELAY_ERROR) {
        close_both(end);
        return;
    }
    if ((came & RELAY_WRITE) && end->pending)
        send_pending(end);
    if ((came & RELAY_READ) && end->fd >= 0 && (end->watched & RELAY_READ))
        read_some(end);
}

static struct relay_end *end_new(int fd)
{
    struct relay_end *end = calloc(1, relay_end_size());

    if (!end)
        serve_fail("no memory");
    end->fd = fd;
    end->peer = end;
    return end;
}

static struct sockaddr_in local(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

/* The client is not read before its upstream is there. */
static void connect_upstream(struct relay_end *client, uint16_t port)
{
    const struct sockaddr_in to = local(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct relay_end *end;

    if (fd < 0 ||
        (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS))
        serve_fail("no connection to the upstream");
    end = end_new(fd);
    end->peer = client;
    client->peer = end;
    end->connecting = true;
    end->watched = RELAY_WRITE;
    relay_watch(end, true);
}

void relay_accept(int listener, uint16_t upstream)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct relay_end *client = end_new(fd);

        client->watched = upstream ? 0 : RELAY_READ;
        relay_watch(client, true);
        if (upstream)
            connect_upstream(client, upstream);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        serve_fail(strerror(errno));
}

int relay_listen(uint16_t *port)
{
    struct sockaddr_in at = local(0);
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, size) < 0 ||
        listen(fd, SERVE_BACKLOG) < 0 || getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        serve_fail("cannot listen");
    *port = ntohs(at.sin_port);
    return fd;
}

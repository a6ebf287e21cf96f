/* serve_libevent.c - the jobs of serve.h on libevent's events, with recv and send by hand. */
#include <event2/event.h>

#include "relay.h"
#include "serve.h"

struct end {
    struct relay_end relay; /* first */
    struct event *reading, *writing;
};

static struct event_base *base;

static void on_ready(evutil_socket_t fd, short came, void *arg)
{
    (void)fd;
    relay_ready(arg, ((came & EV_READ) ? (unsigned)RELAY_READ : 0) |
                         ((came & EV_WRITE) ? (unsigned)RELAY_WRITE : 0));
    relay_bury();
}

/* An event is made when it is first waited for: few ever wait for EV_WRITE. */
static void watch(struct relay_end *end, struct event **event, short what, bool wanted)
{
    if (!*event && !wanted)
        return;
    if (!*event)
        *event = event_new(base, end->fd, (short)(what | EV_PERSIST), on_ready, end);
    if (!*event || (wanted ? event_add(*event, NULL) : event_del(*event)) < 0)
        serve_fail("libevent");
}

void relay_watch(struct relay_end *end, bool first)
{
    struct end *e = (struct end *)end;

    (void)first;
    watch(end, &e->reading, EV_READ, end->watched & RELAY_READ);
    watch(end, &e->writing, EV_WRITE, end->watched & RELAY_WRITE);
}

void relay_unwatch(struct relay_end *end)
{
    struct end *e = (struct end *)end;

    if (e->reading)
        event_free(e->reading);
    if (e->writing)
        event_free(e->writing);
}

size_t relay_end_size(void)
{
    return sizeof(struct end);
}

static uint16_t upstream;

static void on_clients(evutil_socket_t fd, short came, void *arg)
{
    (void)came;
    (void)arg;
    relay_accept(fd, upstream);
}

int main(int argc, char **argv)
{
    struct event *accepting;
    uint16_t port;
    int listener;

    upstream = serve_upstream(argc, argv);
    listener = relay_listen(&port);
    base = event_base_new();
    accepting = base ? event_new(base, listener, EV_READ | EV_PERSIST, on_clients, NULL) : NULL;
    if (!accepting || event_add(accepting, NULL) < 0)
        serve_fail("libevent");
    serve_ready(port);
    event_base_dispatch(base);
    return 1;
}

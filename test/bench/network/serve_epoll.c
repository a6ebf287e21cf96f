/* serve_epoll.c - the floor: the jobs of serve.h by hand on epoll(7), level-triggered. */
#define _GNU_SOURCE
#include <sys/epoll.h>

#include "relay.h"
#include "serve.h"

static int set;

static unsigned came_of(uint32_t events)
{
    return ((events & (EPOLLIN | EPOLLHUP)) ? (unsigned)RELAY_READ : 0) |
           ((events & EPOLLOUT) ? (unsigned)RELAY_WRITE : 0) |
           ((events & EPOLLERR) ? (unsigned)RELAY_ERROR : 0);
}

static uint32_t events_of(unsigned watched)
{
    return ((watched & RELAY_READ) ? (uint32_t)EPOLLIN : 0) |
           ((watched & RELAY_WRITE) ? (uint32_t)EPOLLOUT : 0);
}

void relay_watch(struct relay_end *end, bool first)
{
    struct epoll_event event = { .events = events_of(end->watched), .data.ptr = end };

    if (epoll_ctl(set, first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, end->fd, &event) < 0)
        serve_fail("epoll_ctl");
}

/* Closing is enough. */
void relay_unwatch(struct relay_end *end)
{
    (void)end;
}

size_t relay_end_size(void)
{
    return sizeof(struct relay_end);
}

int main(int argc, char **argv)
{
    const uint16_t upstream = serve_upstream(argc, argv);
    struct epoll_event events[1024], accepting = { .events = EPOLLIN };
    uint16_t port;
    int listener = relay_listen(&port);

    set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, listener, &accepting) < 0)
        serve_fail("epoll");
    serve_ready(port);
    for (;;) {
        int n = epoll_wait(set, events, 1024, -1);

        for (int i = 0; i < n; i++)
            if (events[i].data.ptr)
                relay_ready(events[i].data.ptr, came_of(events[i].events));
            else
                relay_accept(listener, upstream);
        relay_bury();
    }
}

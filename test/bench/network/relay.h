/*
 * relay.h - both jobs of serve.h with recv and send, for a host that only tells when a descriptor
 * is ready: serve_epoll and serve_libevent.
 *
 * One buffer serves all connections. What the peer does not take at once is kept in memory of its
 * own, and nothing more is read until it is gone.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum relay_event { RELAY_READ = 1, RELAY_WRITE = 2, RELAY_ERROR = 4 };

/** One socket. What it reads goes to `peer`, which is itself in an echo. */
struct relay_end {
    struct relay_end *peer, *next_dead;
    uint8_t *pending; /* not yet sent to this socket; NULL if nothing waits */
    size_t pending_at, pending_len;
    int fd;           /* -1 when it is closed */
    unsigned watched; /* a set of RELAY_READ and RELAY_WRITE */
    bool connecting;
    bool ended; /* it has sent its end, and the peer was told */
};

/** Listen. Put the port into *port, and return the descriptor, which does not block. */
int relay_listen(uint16_t *port);

/** Accept all peers that wait. With an upstream, connect each to that port. */
void relay_accept(int listener, uint16_t upstream);

/** Do what can be done for a socket that is ready for `came`. */
void relay_ready(struct relay_end *end, unsigned came);

/** Free the sockets that were closed, when no event for them can come any more. */
void relay_bury(void);

/* The host's part. */

/** Begin to watch a socket for end->watched, or stop if `first` is false and that is 0. */
void relay_watch(struct relay_end *end, bool first);

/** Watch a socket no longer: it will be closed next. */
void relay_unwatch(struct relay_end *end);

/** Return the bytes of memory for an end, with the host's own behind it. */
size_t relay_end_size(void);

#endif

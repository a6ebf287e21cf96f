/*
 * peers.h - the program of echo.h over posix/net.h: a server that echoes capitals and its seven
 * clients, all in one cst_loop. It is for the loops of this directory that drive a cst_loop, which
 * are a few calls each.
 */
#ifndef PEERS_H
#define PEERS_H

#include <cstream/posix/posix.h>

#include "sockets.h"

struct peers {
    struct program program;
    cst_loop *loop;
    cst_listener *listener; /* NULL: all have connected */
    cst_endpoint at;
    cst_stream *client; /* the one that connects */
    unsigned count;
};

/* Listen, and connect one client after the other. Return whether that could be begun; if not, print
 * why. The loop has nothing left when all connections have ended. */
bool peers_begin(struct peers *peers, cst_loop *loop);

/* Print the results, and return what main has to return. */
int peers_end(struct peers *peers);

#endif

/*
 * serve.h - what the servers of the network benchmarks share. Each is a program that does one of
 * two jobs on 127.0.0.1, at a port that the system chooses, until it is killed. Its first line of
 * output is the port.
 *
 *     serve_NAME echo              send back what comes, end when the peer ends
 *     serve_NAME proxy UPSTREAM    connect to the port UPSTREAM for each client, relay both ways,
 *                                  pass on each end by itself
 *
 * serve_epoll is the floor, by hand on epoll(7); the others are the same jobs on a library, as one
 * who knows it would write them: serve_cstream, serve_libuv, serve_libevent.
 */
#ifndef SERVE_H
#define SERVE_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much is read at a time, and how many peers may wait to be accepted, in each of the servers.
 * These are the defaults of cst_listen. */
enum { SERVE_BUFFER = 65536, SERVE_BACKLOG = 511 };

/** Print why the server cannot go on, and end it. */
static inline _Noreturn void serve_fail(const char *what)
{
    fprintf(stderr, "serve: %s\n", what);
    exit(1);
}

/** Read the arguments. Return the port of the upstream, or 0 for an echo. */
static inline uint16_t serve_upstream(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp(argv[1], "echo") == 0)
        return 0;
    if (argc == 3 && strcmp(argv[1], "proxy") == 0)
        return (uint16_t)strtoul(argv[2], NULL, 10);
    serve_fail("arguments: echo, or proxy PORT");
}

/** Say that the server listens, and where. */
static inline void serve_ready(uint16_t port)
{
    printf("%u\n", (unsigned)port);
    fflush(stdout);
}

#endif

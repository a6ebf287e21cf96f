/*
 * echo.h - the program that every loop of this directory runs: an echo that makes capitals.
 *
 *     source --> client ~~~~~~ wire ~~~~~~> server --> upper --+
 *     sink  <--- client <~~~~~ wire ~~~~~~~ server <-----------+
 *
 * Seven connections run at once, with both ends of each in this process. An end is a socket of
 * posix/net.h, a handle of libuv's, or a port: then a loop carries bytes between ports and wires.
 * The client sends, closes its direction, and hashes what comes back. Some connections are
 * difficult:
 *
 *     late     reads when all others are done, another thread has answered, a timer has fired, and
 *              a calculation in many steps has come to its end; its server is gone by then, and the
 *              loop has had nothing to do for a while
 *     stalled  never says that it has sent all: the server's time limit ends it
 *     deaf     does not read until the server was destroyed, while the wire is full
 *
 * It prints:
 *
 *     plain     3145728 bytes, hash 0b6a00722c04f4a6, echoed CST_OK, received CST_OK
 *     plain     2097153 bytes, hash eed6b0401a33fe08, echoed CST_OK, received CST_OK
 *     one byte        1 bytes, hash af63b14c8601a37b, echoed CST_OK, received CST_OK
 *     empty           0 bytes, hash cbf29ce484222325, echoed CST_OK, received CST_OK
 *     late        73728 bytes, hash 9c2491ff6e6edb36, echoed CST_OK, received CST_OK
 *     stalled    100000 bytes, hash 4934a5c2f75777e1, echoed CST_E_TIMEOUT, received CST_OK
 *     deaf            0 bytes, hash cbf29ce484222325, echoed CST_E_TIMEOUT, received CST_OS
 *
 * It uses only ISO C and the library, so superloop.c can run it too.
 */
#ifndef ECHO_H
#define ECHO_H

#include <cstream/cstream.h>

enum { ECHO_CONNECTIONS = 7 };

/* The limits of a turn: small, so that the loops meet CST_MORE. */
enum { ECHO_TURN_TASKS = 50, ECHO_TURN_BYTES = 100000 };

/* Have fn(arg) called in the context later, by cst_post of the task from elsewhere. */
typedef void echo_ask_fn(cst_task *task, cst_task_fn *fn, void *arg, void *host);

struct echo;

struct echo_connection {
    struct echo *echo;
    unsigned number;
    cst_stream *source, *client, *server, *sink;
    unsigned open; /* what has not ended: three pipelines, two ends */
    cst_status echoed, received;

    /* source and sink */
    uint64_t left_bytes, got_bytes, hash;
    uint32_t random;
    cst_call held_call; /* of the sink, while it does not read */
    cst_slice held;
    bool is_holding;
    bool is_over; /* the server's end has been told */
};

struct echo {
    cst_ctx *ctx;
    echo_ask_fn *ask;
    void *host;
    cst_timer far, late;
    cst_task task;
    unsigned steps_left;
    unsigned open; /* connections that are not done */
    struct echo_connection connections[ECHO_CONNECTIONS];
};

/* Begin, without a connection. */
void echo_init(struct echo *echo, cst_ctx *ctx, echo_ask_fn *ask, void *host);

/* Join two ends, which stay the caller's, to the streams of the next connection. */
cst_status echo_connect(struct echo *echo, cst_stream *client, cst_stream *server);

/* Return whether every connection has ended and every end is closed. */
bool echo_is_done(const struct echo *echo);

/* Print a line for each connection. */
void echo_print(const struct echo *echo);

#endif

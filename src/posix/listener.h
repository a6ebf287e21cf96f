/*
 * listener.h - what net.c asks of a listener.
 */
#ifndef CSTREAM_POSIX_LISTENER_H
#define CSTREAM_POSIX_LISTENER_H

#include <sys/un.h>

#include "posix_internal.h"

/** Why a listener accepts nobody. Each is put down and taken back by itself. */
enum cst__rest {
    CST__REST_PAUSED = 1, /* the host wants so */
    CST__REST_FULL = 2,   /* max_open connections are open */
    CST__REST_SHORT = 4   /* nobody could be accepted; the timer ends it */
};

/** A listener that was closed stays in memory until the last of its connections has gone. */
struct cst_listener {
    struct cst__loop_member member;
    cst_loop *loop;
    cst_watch watch;
    cst_accept_fn *fn;
    void *arg;
    cst_socket_opts opts;
    size_t max_open, open_count;
    int fd;
    int spare;       /* a descriptor that is given up for a moment when none is left */
    cst_timer pause; /* of CST__REST_SHORT */
    unsigned rests;  /* a set of enum cst__rest; if there is one, the loop is held */
    bool calling;    /* fn is running: it may close the listener */
    bool closed;
    bool has_path;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/** Check that the fields agree, with CST_CHECK. */
void cst__listener_check(const cst_listener *l);

/** Wait for peers, unless the listener rests or was closed. */
void cst__listener_listen(cst_listener *l);

/** Nobody could be accepted: rest for a moment, so that the listener is not ready all the time. */
void cst__listener_rest_briefly(cst_listener *l);

/** Count a connection that was accepted, until cst__listener_let_go (posix_internal.h). */
void cst__listener_took(cst_listener *l);

/** Call the listener's function. Return false if it has closed the listener, which may be freed. */
bool cst__listener_tell(cst_listener *l, cst_stream *socket, cst_status status);

/** Give back what a listener has beside its memory. */
void cst__listener_shut(cst_listener *l);

/** Free the memory of a listener that nobody knows. */
void cst__listener_free(cst_listener *l);

/** Close the listener: its loop is being freed. */
void cst__listener_close_member(struct cst__loop_member *member);

#endif

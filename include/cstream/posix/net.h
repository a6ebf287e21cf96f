/*
 * net.h - sockets that listen and connect: TCP over IPv4 and IPv6, and unix sockets. Addresses are
 * numeric: host names are not looked up.
 *
 *     static void on_client(cst_listener *listener, cst_stream *socket, cst_status status,
 *                           void *arg)
 *     {
 *         if (!socket)
 *             return;                             status says why: CST_OS(EMFILE) ...
 *         cst_on(socket, CST_ERROR, on_error, arg);
 *         cst_pipe(socket, socket, NULL);         an echo server
 *         cst_unref(socket);
 *     }
 *     ...
 *     cst_listen(&listener, loop, &(cst_address){ .host = "127.0.0.1", .port = 7 }, NULL,
 *                on_client, NULL);
 *
 * A socket is a duplex as in fd.h, last words of a peer included: the end of its writable side
 * shuts that direction down; a reset is CST_OS(ECONNRESET).
 *
 * As in Node, its writable side is ended when the peer has ended, unless allow_half_open is set. A
 * cst_write after that returns CST_OS(EPIPE), which its callback and 'error' get too; a
 * cst_end_with returns CST_E_WRITE_AFTER_END.
 */
#ifndef CSTREAM_POSIX_NET_H
#define CSTREAM_POSIX_NET_H

#include "fd.h"

/**
 * Where to listen or to connect: a path, or a numeric host and a port.
 *
 * path  of a unix socket; the other fields are then ignored
 * host  "127.0.0.1", "::1", "fe80::1%eth0" or "fe80::1%2" (with a zone: the name or the number of
 *       an interface). NULL: to connect, 127.0.0.1; to listen, every address of the machine
 * port  to listen: 0 lets the system choose (cst_listener_address returns the port)
 */
typedef struct cst_address {
    const char *path;
    const char *host;
    uint16_t port;
} cst_address;

/**
 * An address that the system has returned.
 *
 * host     numeric; an address of one link has its zone ("fe80::1%eth0"). Or the path of a unix
 *          socket, "" if it has none
 * is_path  host is a path
 */
typedef struct cst_endpoint {
    char host[110];
    uint16_t port;
    bool is_path;
} cst_endpoint;

/** Tells that the connection is established. Node: 'connect'. */
typedef void cst_connect_fn(cst_stream *s, void *arg);

/**
 * Options of a socket; zeroes are Node's defaults.
 *
 * stream              as for every stream; no_half_open is ignored, object mode is refused
 * allow_half_open     do not end the writable side when the peer has ended
 * no_delay            send small chunks at once (TCP_NODELAY)
 * keep_alive          ask an idle peer whether it is still there (SO_KEEPALIVE)
 * keep_alive_s        first after so many seconds; 0 is the system's default
 * on_connect          called by a socket of cst_connect; may be NULL
 * coalesce_writes     send the small chunks of a turn together (fd.h, "Small writes")
 * no_kernel_transfer  read and write always (fd.h, "Kernel transfer")
 */
typedef struct cst_socket_opts {
    cst_opts stream;
    bool allow_half_open;
    bool no_delay;
    bool keep_alive;
    unsigned keep_alive_s;
    cst_connect_fn *on_connect;
    void *on_connect_arg;
    bool coalesce_writes;
    bool no_kernel_transfer;
    uintptr_t reserved[3];
} cst_socket_opts;

/**
 * Make a duplex that connects. Until the connection is established, writes wait and nothing is
 * read. A refusal is 'error' with the errno. The stream may be destroyed at any time. Node:
 * net.connect.
 *
 * opts  may be NULL
 *
 * Results are in stream.h, and
 * CST_E_INVALID_ARG  also if host is not numeric, or path is too long for a socket
 * CST_OS(n)          the system has no socket; CST_OS(ENODEV) for a zone that is no interface
 */
CST_API cst_status cst_connect(cst_stream **out, cst_loop *loop, const cst_address *to,
                               const cst_socket_opts *opts);

typedef struct cst_listener cst_listener;

/**
 * Tells that a peer has connected or could not be let in. The listener goes on in either case; it
 * may be paused or closed in here, and then no further peer is accepted in this turn.
 *
 * socket  the connection, the callee's one reference; NULL if the peer could not be let in
 * status  CST_OK, or why not: CST_E_NOMEM, or CST_OS(EMFILE) or CST_OS(ENFILE) if descriptors have
 *         run out and closing the empty pipes (fd.h) has not helped. That peer was accepted through
 *         a spare descriptor and closed at once, so that it does not wait for ever.
 */
typedef void cst_accept_fn(cst_listener *listener, cst_stream *socket, cst_status status,
                           void *arg);

/**
 * Options of a listener; zeroes are Node's defaults.
 *
 * socket            options of the sockets that come
 * backlog           how many peers may wait to be accepted; 0 is 511
 * max_open          how many connections that this listener has accepted may be open at once; 0 is
 *                   no limit. While there are so many, no peer is accepted: further ones wait in
 *                   the backlog. The listener goes on when one of the connections is destroyed,
 *                   which closes its descriptor. Node's server.maxConnections closes further peers
 *                   instead ('drop'): to do that, count in fn and destroy the socket.
 * no_reuse_address  do not set SO_REUSEADDR: a port in TIME_WAIT is then refused
 * ipv6_only         "::" does not include IPv4
 */
typedef struct cst_listen_opts {
    cst_socket_opts socket;
    int backlog;
    bool no_reuse_address;
    bool ipv6_only;
    size_t max_open;
    uintptr_t reserved[3];
} cst_listen_opts;

/**
 * Listen, and call fn from the loop for each peer. The listener keeps the loop running until it is
 * closed, also while it is paused or has max_open connections. The path of a unix socket must not
 * exist yet; it is removed when the listener is closed. Node: net.createServer(fn).listen.
 *
 * Turns. In one turn of the loop a listener accepts at most 64 peers; then the other descriptors of
 * the loop have their turn. What fn queues, and the first read of each socket, follows when the
 * peers of that turn have been accepted.
 *
 * opts  may be NULL
 *
 * CST_OK             *out is the caller's, until cst_listener_close or cst_loop_free
 * CST_OS(n)          EADDRINUSE, EACCES, ...: *out is untouched
 * CST_E_NOMEM        *out is untouched
 * CST_E_INVALID_ARG  an argument is NULL, host is not numeric, or path is too long for a socket
 */
CST_API cst_status cst_listen(cst_listener **out, cst_loop *loop, const cst_address *at,
                              const cst_listen_opts *opts, cst_accept_fn *fn, void *arg);

/** Stop listening and free the listener. Its sockets stay open. NULL is fine. */
CST_API void cst_listener_close(cst_listener *listener);

/**
 * Accept no further peer until cst_listener_resume: peers that connect wait in the backlog, and the
 * system refuses those, or lets them try again, that find it full. Sockets that were accepted are
 * not concerned. The listener still keeps the loop running. To pause one that is paused changes
 * nothing. Node has no such call.
 *
 * CST_OK             paused; fn is not called from here on
 * CST_E_INVALID_ARG  listener is NULL
 */
CST_API cst_status cst_listener_pause(cst_listener *listener);

/**
 * Accept peers again, from the next turn of the loop on, unless max_open of them are open. To
 * resume a listener that is not paused changes nothing. CST_OK, CST_E_INVALID_ARG (NULL).
 */
CST_API cst_status cst_listener_resume(cst_listener *listener);

/** Return how many connections that the listener has accepted are open; 0 for NULL. Node:
 * server.getConnections. */
CST_API size_t cst_listener_open_count(const cst_listener *listener);

/**
 * Get the address that a listener listens at, with the port that the system chose.
 *
 * CST_OK, CST_OS(n), CST_E_INVALID_ARG (an argument is NULL). Node: server.address.
 */
CST_API cst_status cst_listener_address(cst_endpoint *out, const cst_listener *listener);

/**
 * Get the local, or the remote, address of a socket. Node: socket.localPort,
 * socket.remoteAddress.
 *
 * CST_OK             *out is set
 * CST_OS(n)          not connected
 * CST_E_INVALID_ARG  an argument is NULL, not a stream of this library, or closed
 */
CST_API cst_status cst_socket_local(cst_endpoint *out, const cst_stream *s);
CST_API cst_status cst_socket_remote(cst_endpoint *out, const cst_stream *s);

#endif

/*
 * net.h - sockets that listen and connect: TCP over IPv4 and IPv6, and unix sockets. Addresses are numeric: names are not
 * looked up.
 *
 *     static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
 *     {
 *         if (!socket)
 *             return;                               status says why: CST_OS(EMFILE) ...
 *         cst_on(socket, CST_ERROR, on_error, arg);
 *         cst_pipe(socket, socket, NULL);           an echo server
 *         cst_unref(socket);
 *     }
 *     ...
 *     cst_listen(&listener, loop, &(cst_address){ .host = "127.0.0.1", .port = 7 }, NULL, on_client, NULL);
 *
 * A socket is a duplex as fd.h says, last words of a peer included: the end of its writable side shuts that direction
 * down; a reset is CST_OS(ECONNRESET).
 * As in Node its writable side is ended when the peer has ended, unless allow_half_open. A cst_write after that is
 * CST_OS(EPIPE), to its callback and as 'error'; a cst_end_with is CST_E_WRITE_AFTER_END.
 */
#ifndef CSTREAM_POSIX_NET_H
#define CSTREAM_POSIX_NET_H

#include "fd.h"

/**
 * Where to listen or to connect: a path, or a numeric host and a port.
 *
 * path  of a unix socket; the other fields are not looked at then
 * host  "127.0.0.1", "::1", "fe80::1%eth0" or "fe80::1%2" (with a zone: the name or the number of an interface). NULL: to
 *       connect, 127.0.0.1; to listen, every address of the machine
 * port  to listen: 0 lets the system choose (cst_listener_address says which)
 */
typedef struct cst_address {
    const char *path;
    const char *host;
    uint16_t port;
} cst_address;

/** An address as it came from the system: host is numeric, an address of one link with its zone ("fe80::1%eth0"), or the
 * path of a unix socket ("" if it has no name). */
typedef struct cst_endpoint {
    char host[110];
    uint16_t port;
    bool is_path;
} cst_endpoint;

/** The connection stands. Node: 'connect'. */
typedef void cst_connect_fn(cst_stream *s, void *arg);

/**
 * Zeroes are Node's defaults.
 *
 * stream            as for every stream; no_half_open is not looked at, object mode is refused
 * allow_half_open   do not end the writable side when the peer has ended
 * no_delay          small chunks go out at once (TCP_NODELAY)
 * keep_alive        ask an idle peer whether it is there (SO_KEEPALIVE), first after
 * keep_alive_s        so many seconds; 0 is the system's
 * on_connect        of cst_connect alone; may be NULL
 */
typedef struct cst_socket_opts {
    cst_opts stream;
    bool allow_half_open;
    bool no_delay;
    bool keep_alive;
    unsigned keep_alive_s;
    cst_connect_fn *on_connect;
    void *on_connect_arg;
    uintptr_t reserved[4];
} cst_socket_opts;

/**
 * A duplex that connects. Writes wait until the connection stands, nothing is read before; a refusal comes as 'error'
 * with the errno. It may be destroyed at any time. Node: net.connect.
 *
 * As the constructors in stream.h; CST_E_INVALID_ARG also where host is not numeric, or path too long for a socket;
 * CST_OS(n) where no socket is to be had; CST_OS(ENODEV) for a zone that is no interface.
 */
CST_API cst_status cst_connect(cst_stream **out, cst_loop *loop, const cst_address *to,
                               const cst_socket_opts *opts);

typedef struct cst_listener cst_listener;

/**
 * Somebody has connected: socket is the callee's one reference; status is CST_OK.
 * Or somebody could not be let in: socket is NULL, and status says why. CST_OS(EMFILE) and CST_OS(ENFILE): descriptors have
 * run out, and the pipes at rest (fd.h) were given up; that peer was let in and closed at once through a descriptor kept
 * spare, so that it does not wait for ever.
 * CST_E_NOMEM: likewise. The listener goes on in each case; it may be closed in here.
 */
typedef void cst_accept_fn(cst_listener *listener, cst_stream *socket, cst_status status, void *arg);

/**
 * Zeroes are Node's defaults.
 *
 * socket            of the sockets that come
 * backlog           how many may wait to be accepted; 0 is 511
 * no_reuse_address  leave SO_REUSEADDR off: a port in TIME_WAIT is then refused
 * ipv6_only         "::" does not take IPv4 in
 */
typedef struct cst_listen_opts {
    cst_socket_opts socket;
    int backlog;
    bool no_reuse_address;
    bool ipv6_only;
    uintptr_t reserved[4];
} cst_listen_opts;

/**
 * Listens; fn is called from the loop for each peer. The listener keeps the loop running until it is closed. The path of
 * a unix socket must not exist; it is removed when the listener is closed. Node: net.createServer(fn).listen.
 *
 * CST_OK             *out is the caller's, until cst_listener_close; what is still open goes with the loop
 * CST_OS(n)          EADDRINUSE, EACCES, ...: *out is untouched
 * CST_E_NOMEM        likewise
 * CST_E_INVALID_ARG  something is NULL, host is not numeric, or path is too long for a socket
 */
CST_API cst_status cst_listen(cst_listener **out, cst_loop *loop, const cst_address *at,
                              const cst_listen_opts *opts, cst_accept_fn *fn, void *arg);

/** Stops listening and frees the listener; sockets that it gave stay. NULL is fine. */
CST_API void cst_listener_close(cst_listener *listener);

/** Where it listens: the port that the system chose. CST_OK, CST_OS(n), CST_E_INVALID_ARG. */
CST_API cst_status cst_listener_address(cst_endpoint *out, const cst_listener *listener);

/** Both ends of a socket. CST_OK, CST_OS(n) (not connected), CST_E_INVALID_ARG (not a stream of this library, or closed). */
CST_API cst_status cst_socket_local(cst_endpoint *out, const cst_stream *s);
CST_API cst_status cst_socket_remote(cst_endpoint *out, const cst_stream *s);

#endif

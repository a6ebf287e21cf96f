/*
 * net.c - net.h: sockets that connect and listen.
 */
#include "address.h"
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_BACKLOG 511

/* How many peers a listener accepts before the other watches get their turn. */
#define TURN_ACCEPTS 64

/* --- sockets ---------------------------------------------------------------------------------- */

/*
 * Every socket is non-blocking and is not inherited by child processes. Linux can say so in the
 * call that makes the socket.
 */
#if defined(__linux__)
static int new_descriptor(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int accept_descriptor(int listening)
{
    return accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
#else
static int set_modes(int fd)
{
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return fd;
}

static int new_descriptor(int family)
{
    return set_modes(socket(family, SOCK_STREAM, 0));
}

static int accept_descriptor(int listening)
{
    return set_modes(accept(listening, NULL, NULL));
}
#endif

/* If descriptors are short, conduits are given up for the socket. */
static int open_socket(cst_loop *loop, int family)
{
    int fd = new_descriptor(family);

    if (fd < 0 && cst__descriptors_are_short() && cst__conduits_give_up(loop))
        fd = new_descriptor(family);
    return cst__above_standard_in(fd, loop);
}

static void switch_on(int fd, int level, int option)
{
    static const int on = 1;

    (void)setsockopt(fd, level, option, &on, sizeof(on));
}

/*
 * Set the options. A unix socket refuses those of TCP, which it does not need. On Linux an accepted
 * socket has those of the listening one, which is one or two calls less for each peer.
 */
static void set_options(int fd, const cst_socket_opts *opts)
{
    if (opts->no_delay)
        switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
    if (!opts->keep_alive)
        return;
    switch_on(fd, SOL_SOCKET, SO_KEEPALIVE);
#if defined(TCP_KEEPIDLE)
    if (opts->keep_alive_s) {
        int seconds = (int)(opts->keep_alive_s < 32767 ? opts->keep_alive_s : 32767);

        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
    }
#endif
}

/* Make the stream of a socket, for which self says whether it connects. fd is taken in any case. */
static cst_status new_socket(cst_stream **out, cst_loop *loop, int fd, const cst_socket_opts *opts,
                             struct cst__fd *self)
{
    cst_opts stream = opts->stream;

    self->d.fd = fd;
    self->d.kind = CST__SOCKET;
    self->coalesces = opts->coalesce_writes;
    self->d.no_transfer = opts->no_kernel_transfer;
    stream.no_half_open = !opts->allow_half_open;
    return cst__fd_new(out, loop, self, &cst__socket_ops, cst_duplex_new, &stream);
}

/* --- connecting ------------------------------------------------------------------------------- */

/*
 * Connect. If the answer is there at once it is told later all the same, so that the caller can
 * attach its listeners first.
 */
static void start_connecting(cst_stream *s, const union cst__address *to, socklen_t len)
{
    struct cst__fd *fd = cst_stream_self(s);

    if (connect(fd->d.fd, &to->any, len) == 0 || errno == EINPROGRESS || errno == EINTR)
        (void)cst_watch_want(&fd->watch, CST_WATCH_WRITE);
    else
        (void)cst_destroy(s, cst__os_error());
}

cst_status cst_connect(cst_stream **out, cst_loop *loop, const cst_address *to,
                       const cst_socket_opts *opts)
{
    static const cst_socket_opts defaults = { .no_delay = false };
    struct cst__fd self = { .connecting = true };
    union cst__address address;
    cst_stream *s;
    socklen_t len;
    cst_status st;
    int fd;

    if (!out || !loop || !to)
        return CST_E_INVALID_ARG;
    if (!opts)
        opts = &defaults;
    st = cst__address_of(&address, &len, to, "127.0.0.1");
    if (st < 0)
        return st;
    fd = open_socket(loop, address.any.sa_family);
    if (fd < 0)
        return cst__os_error();
    self.on_connect = opts->on_connect;
    self.on_connect_arg = opts->on_connect_arg;
    set_options(fd, opts);
    st = new_socket(&s, loop, fd, opts, &self);
    if (st < 0)
        return st;
    start_connecting(s, &address, len);
    *out = s;
    return CST_OK;
}

/* --- listening -------------------------------------------------------------------------------- */

static cst_watch_fn on_peers;

static int open_spare(cst_loop *loop)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return cst__above_standard_in(fd, loop);
}

static int accept_one(int listening)
{
    int fd;

    do
        fd = accept_descriptor(listening);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd;
}

enum accepted { ACCEPTED_GONE, ACCEPTED_NONE, ACCEPTED_SOME, ACCEPTED_FAILED };

/*
 * Accept the next peer by the spare descriptor, and close the connection: a peer that is left
 * waiting would keep the listener ready for ever. Without descriptors accept fails also if nobody
 * waits; this finds that out too.
 */
static enum accepted turn_away(cst_listener *l)
{
    enum accepted accepted = ACCEPTED_SOME;
    int fd;

    (void)cst__close(&l->spare);
    fd = accept_one(l->fd);
    if (fd < 0)
        accepted = cst__would_block(errno) ? ACCEPTED_NONE : ACCEPTED_FAILED;
    (void)cst__close(&fd);
    l->spare = open_spare(l->loop);
    return accepted;
}

static enum accepted accept_failed(cst_listener *l)
{
    cst_status st = cst__os_error();
    enum accepted accepted = ACCEPTED_FAILED;

    if (cst__would_block(errno))
        return ACCEPTED_NONE;
    if (cst__descriptors_are_short())
        accepted = turn_away(l);
    return accepted == ACCEPTED_NONE || cst__listener_tell(l, NULL, st) ? accepted : ACCEPTED_GONE;
}

/*
 * Make the stream of a connection. It counts as soon as the stream is there, which destroy tells of
 * in any case. Few peers have sent something by now: the loop is asked before the first read.
 */
static cst_status new_connection(cst_stream **out, cst_listener *l, int fd)
{
    struct cst__fd self = { .listener = l, .is_accepted = true, .drained = true };
    cst_status st;

#if !defined(__linux__)
    set_options(fd, &l->opts);
#endif
    st = new_socket(out, l->loop, fd, &l->opts, &self);
    if (st >= 0)
        cst__listener_took(l);
    return st;
}

static enum accepted accept_next(cst_listener *l)
{
    cst_stream *socket = NULL;
    int fd = accept_one(l->fd);
    cst_status st;

    if (fd < 0 && cst__descriptors_are_short() && cst__conduits_give_up(l->loop))
        fd = accept_one(l->fd);
    if (fd < 0)
        return accept_failed(l);
    /* Without a number above the standard ones this peer is lost, which is told. */
    fd = cst__above_standard_in(fd, l->loop);
    st = fd < 0 ? cst__os_error() : new_connection(&socket, l, fd);
    return cst__listener_tell(l, socket, st) ? ACCEPTED_SOME : ACCEPTED_GONE;
}

static void on_peers(cst_watch *watch, unsigned came, void *arg)
{
    cst_listener *l = arg;
    enum accepted accepted = ACCEPTED_SOME;

    (void)watch;
    (void)came;
    for (unsigned n = 0; n < TURN_ACCEPTS && accepted == ACCEPTED_SOME && !l->rests; n++)
        accepted = accept_next(l);
    if (accepted == ACCEPTED_GONE)
        return;
    if (accepted == ACCEPTED_FAILED)
        cst__listener_rest_briefly(l);
    cst__listener_listen(l);
    cst__listener_check(l);
}

/* --- the listener's making -------------------------------------------------------------------- */

static cst_status bind_and_listen(cst_listener *l, const union cst__address *at, socklen_t len,
                                  const cst_listen_opts *opts)
{
    int family = at->any.sa_family;
    int only = opts->ipv6_only;

    l->fd = open_socket(l->loop, family);
    if (l->fd < 0)
        return cst__os_error();
    if (family != AF_UNIX && !opts->no_reuse_address)
        switch_on(l->fd, SOL_SOCKET, SO_REUSEADDR);
    if (family == AF_INET6)
        (void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    if (bind(l->fd, &at->any, len) < 0)
        return cst__os_error();
    set_options(l->fd, &opts->socket);
    l->has_path = family == AF_UNIX;
    if (l->has_path)
        memcpy(l->path, at->un.sun_path, sizeof(l->path));
    if (listen(l->fd, opts->backlog > 0 ? opts->backlog : DEFAULT_BACKLOG) < 0)
        return cst__os_error();
    l->spare = open_spare(l->loop);
    return l->spare < 0 ? cst__os_error() : CST_OK;
}

/* Bind and listen. Without a host: on every address, or on those of IPv4 if there is no IPv6. */
static cst_status listener_start(cst_listener *l, const cst_address *at,
                                 const cst_listen_opts *opts)
{
    const char *hosts[] = { at->host ? at->host : "::", "0.0.0.0" };
    size_t tries = at->path || at->host ? 1 : 2;
    cst_status st = CST_E_INVALID_ARG;

    for (size_t i = 0; i < tries; i++) {
        union cst__address address;
        socklen_t len;

        st = cst__address_of(&address, &len, at, hosts[i]);
        if (st == CST_OK)
            st = bind_and_listen(l, &address, len, opts);
        if (st != CST_OS(EAFNOSUPPORT) && st != CST_OS(EADDRNOTAVAIL))
            break;
        (void)cst__close(&l->fd);
    }
    if (st == CST_OK)
        st = cst_watch_add(&l->watch, l->loop, l->fd, on_peers, l);
    return st;
}

static cst_listener *new_listener(cst_loop *loop, const cst_listen_opts *opts, cst_accept_fn *fn,
                                  void *arg)
{
    const cst_allocator *allocator = loop->allocator;
    cst_listener *l = allocator->alloc(allocator->user, sizeof(*l));

    if (!l)
        return NULL;
    memset(l, 0, sizeof(*l));
    l->loop = loop;
    l->fn = fn;
    l->arg = arg;
    l->opts = opts->socket;
    l->max_open = opts->max_open;
    l->fd = l->spare = -1;
    return l;
}

cst_status cst_listen(cst_listener **out, cst_loop *loop, const cst_address *at,
                      const cst_listen_opts *opts, cst_accept_fn *fn, void *arg)
{
    static const cst_listen_opts defaults = { .backlog = 0 };
    cst_listener *l;
    cst_status st;

    if (!out || !loop || !at || !fn)
        return CST_E_INVALID_ARG;
    if (!opts)
        opts = &defaults;
    l = new_listener(loop, opts, fn, arg);
    if (!l)
        return CST_E_NOMEM;
    st = listener_start(l, at, opts);
    if (st < 0) {
        cst__listener_shut(l);
        cst__listener_free(l);
        return st;
    }
    cst__loop_join(loop, &l->member, cst__listener_close_member);
    cst__listener_listen(l);
    *out = l;
    return CST_OK;
}

cst_status cst_listener_address(cst_endpoint *out, const cst_listener *l)
{
    return !out || !l ? CST_E_INVALID_ARG : cst__address_ask(out, l->fd, CST__LOCAL_END);
}

/*
 * net.c - net.h: sockets that connect and listen.
 */
#include "address.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_BACKLOG 511

/* How many peers a listener accepts before the other watches get their turn. */
#define TURN_ACCEPTS 64

/*
 * How long a listener pauses if it cannot accept for want of something. It would be ready all the
 * time.
 */
#define PAUSE_NS ((uint64_t)100 * 1000000)

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

/* Why a listener accepts nobody. Each is put down and taken back by itself. */
enum rest {
    REST_PAUSED = 1, /* the host wants so */
    REST_FULL = 2,   /* max_open connections are open */
    REST_SHORT = 4   /* nobody could be accepted; the timer ends it */
};

/* A listener that was closed stays in memory until the last of its connections has gone. */
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
    cst_timer pause; /* of REST_SHORT */
    unsigned rests;  /* a set of enum rest; if there is one, the loop is held */
    bool calling;    /* fn is running: it may close the listener */
    bool closed;
    bool has_path;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

static cst_watch_fn on_peers;

static void check_listener(const cst_listener *l)
{
#ifdef CST_CHECK
    assert((l->fd >= 0) == !l->closed);
    assert(l->closed || !l->max_open || l->open_count <= l->max_open);
    assert(l->closed ||
           ((l->rests & REST_FULL) != 0) == (l->max_open && l->open_count >= l->max_open));
    assert(((l->rests & REST_SHORT) != 0) == cst_timer_is_started(&l->pause));
    assert(!l->rests || l->loop->holds);
#else
    (void)l;
#endif
}

static int open_spare(cst_loop *loop)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return cst__above_standard_in(fd, loop);
}

static void free_listener(cst_listener *l)
{
    const cst_allocator *allocator = l->loop->allocator;

    allocator->free(allocator->user, l, sizeof(*l));
}

static void free_if_done(cst_listener *l)
{
    if (l->closed && !l->calling && l->open_count == 0)
        free_listener(l);
}

/* --- a listener's rest ------------------------------------------------------------------------ */

/* A listener that waits for nothing keeps the loop running all the same. */
static void begin_rest(cst_listener *l, enum rest why)
{
    if (!l->rests) {
        (void)cst_watch_want_nothing(&l->watch);
        (void)cst_loop_hold(l->loop);
    }
    l->rests |= (unsigned)why;
}

static void listen_again(cst_listener *l)
{
    if (!l->rests && !l->closed)
        (void)cst_watch_want(&l->watch, CST_WATCH_READ);
}

/* on_peers listens again by itself when fn returns. */
static void end_rest(cst_listener *l, unsigned why)
{
    unsigned before = l->rests;

    l->rests &= ~why;
    if (!before || l->rests)
        return;
    (void)cst_loop_release(l->loop);
    listen_again(l);
}

static void end_short_rest(void *arg)
{
    end_rest(arg, REST_SHORT);
}

static void rest_for_a_moment(cst_listener *l)
{
    if (cst_timer_start_in(cst_loop_ctx(l->loop), &l->pause, PAUSE_NS, end_short_rest, l) == CST_OK)
        begin_rest(l, REST_SHORT);
}

cst_status cst_listener_pause(cst_listener *l)
{
    if (!l)
        return CST_E_INVALID_ARG;
    if (!l->closed)
        begin_rest(l, REST_PAUSED);
    return CST_OK;
}

cst_status cst_listener_resume(cst_listener *l)
{
    if (!l)
        return CST_E_INVALID_ARG;
    end_rest(l, REST_PAUSED);
    return CST_OK;
}

/* --- the connections of a listener ------------------------------------------------------------ */

size_t cst_listener_open_count(const cst_listener *l)
{
    return l ? l->open_count : 0;
}

static void connection_is_open(cst_listener *l)
{
    l->open_count++;
    if (l->open_count == l->max_open)
        begin_rest(l, REST_FULL);
}

void cst__listener_let_go(cst_listener *l)
{
    l->open_count--;
    end_rest(l, REST_FULL);
    free_if_done(l);
}

/* --- closing ---------------------------------------------------------------------------------- */

static void close_listener(cst_listener *l)
{
    (void)cst_timer_stop(cst_loop_ctx(l->loop), &l->pause);
    end_rest(l, UINT_MAX);
    cst_watch_remove(&l->watch);
    (void)cst__close(&l->fd);
    (void)cst__close(&l->spare);
    if (l->has_path)
        (void)unlink(l->path);
}

void cst_listener_close(cst_listener *l)
{
    if (!l || l->closed)
        return;
    l->closed = true;
    close_listener(l);
    cst__loop_leave(l->loop, &l->member);
    free_if_done(l);
}

static void close_member(struct cst__loop_member *member)
{
    cst_listener_close((cst_listener *)(void *)member);
}

/* --- accepting -------------------------------------------------------------------------------- */

/* Call the listener's function. Return false if it has closed the listener, which may be freed. */
static bool tell_listener(cst_listener *l, cst_stream *socket, cst_status status)
{
    bool closed;

    l->calling = true;
    l->fn(l, socket, status, l->arg);
    l->calling = false;
    closed = l->closed;
    free_if_done(l);
    return !closed;
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
    return accepted == ACCEPTED_NONE || tell_listener(l, NULL, st) ? accepted : ACCEPTED_GONE;
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
        connection_is_open(l);
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
    return tell_listener(l, socket, st) ? ACCEPTED_SOME : ACCEPTED_GONE;
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
        rest_for_a_moment(l);
    listen_again(l);
    check_listener(l);
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
        close_listener(l);
        free_listener(l);
        return st;
    }
    cst__loop_join(loop, &l->member, close_member);
    listen_again(l);
    *out = l;
    return CST_OK;
}

cst_status cst_listener_address(cst_endpoint *out, const cst_listener *l)
{
    return !out || !l ? CST_E_INVALID_ARG : cst__address_ask(out, l->fd, CST__LOCAL_END);
}

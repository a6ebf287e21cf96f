/*
 * net.c - net.h: sockets that connect and listen.
 */
#include "posix_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_BACKLOG 511

/* How many peers a listener accepts before the other watches get their turn. */
#define TURN_ACCEPTS 64

/*
 * How long a listener pauses if it cannot accept for want of something. It would be ready all the
 * time.
 */
#define PAUSE_NS ((uint64_t)100 * 1000000)

/* --- addresses -------------------------------------------------------------------------------- */

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

static cst_status path_address(union address *out, socklen_t *len, const char *path)
{
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(out->un.sun_path))
        return CST_E_INVALID_ARG;
    out->un.sun_family = AF_UNIX;
    memcpy(out->un.sun_path, path, n + 1);
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return CST_OK;
}

/* Find the number of an interface: a zone is its name or the number itself. */
static cst_status zone_number(uint32_t *out, const char *zone)
{
    uint32_t number = 0;
    const char *digit;

    if (*zone == '\0')
        return CST_E_INVALID_ARG;
    for (digit = zone; *digit >= '0' && *digit <= '9'; digit++) {
        uint32_t value = (uint32_t)(*digit - '0');

        if (number > (UINT32_MAX - value) / 10)
            return CST_E_INVALID_ARG;
        number = number * 10 + value;
    }
    if (*digit)
        number = if_nametoindex(zone);
    if (number == 0)
        return CST_OS(ENODEV);
    *out = number;
    return CST_OK;
}

/* The zone, if there is one, is cut off first: it may be longer than the name of an interface. */
static cst_status ipv6_address(struct sockaddr_in6 *out, const char *host)
{
    const char *percent = strchr(host, '%');
    char address[INET6_ADDRSTRLEN];
    size_t n = percent ? (size_t)(percent - host) : strlen(host);

    if (n >= sizeof(address))
        return CST_E_INVALID_ARG;
    memcpy(address, host, n);
    address[n] = '\0';
    if (inet_pton(AF_INET6, address, &out->sin6_addr) != 1)
        return CST_E_INVALID_ARG;
    return percent ? zone_number(&out->sin6_scope_id, percent + 1) : CST_OK;
}

static cst_status host_address(union address *out, socklen_t *len, const char *host, uint16_t port)
{
    cst_status st;

    if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(port);
        *len = sizeof(out->in);
        return CST_OK;
    }
    st = ipv6_address(&out->in6, host);
    if (st < 0)
        return st;
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons(port);
    *len = sizeof(out->in6);
    return CST_OK;
}

static cst_status to_address(union address *out, socklen_t *len, const cst_address *from,
                             const char *default_host)
{
    memset(out, 0, sizeof(*out));
    if (from->path)
        return path_address(out, len, from->path);
    return host_address(out, len, from->host ? from->host : default_host, from->port);
}

static void from_path(cst_endpoint *out, const union address *from, socklen_t len)
{
    size_t n = 0;

    if ((size_t)len > offsetof(struct sockaddr_un, sun_path))
        n = (size_t)len - offsetof(struct sockaddr_un, sun_path);
    if (n >= sizeof(out->host))
        n = sizeof(out->host) - 1;
    memcpy(out->host, from->un.sun_path, n);
    out->is_path = true;
}

/* Only the address of one link has a zone. */
static void from_ipv6(cst_endpoint *out, const struct sockaddr_in6 *from)
{
    size_t n;

    out->port = ntohs(from->sin6_port);
    (void)inet_ntop(AF_INET6, &from->sin6_addr, out->host, sizeof(out->host));
    if (!from->sin6_scope_id || !IN6_IS_ADDR_LINKLOCAL(&from->sin6_addr))
        return;
    n = strlen(out->host);
    out->host[n] = '%';
    if (!if_indextoname(from->sin6_scope_id, out->host + n + 1))
        out->host[n] = '\0';
}

static cst_status from_address(cst_endpoint *out, const union address *from, socklen_t len)
{
    memset(out, 0, sizeof(*out));
    if (from->any.sa_family == AF_UNIX) {
        from_path(out, from, len);
        return CST_OK;
    }
    if (from->any.sa_family == AF_INET) {
        out->port = ntohs(from->in.sin_port);
        (void)inet_ntop(AF_INET, &from->in.sin_addr, out->host, sizeof(out->host));
        return CST_OK;
    }
    if (from->any.sa_family == AF_INET6) {
        from_ipv6(out, &from->in6);
        return CST_OK;
    }
    return CST_E_UNSUPPORTED;
}

enum end { LOCAL_END, REMOTE_END };

static cst_status ask_name(cst_endpoint *out, int fd, enum end end)
{
    union address address;
    socklen_t len = sizeof(address);
    cst_endpoint endpoint;
    cst_status st;
    int result;

    memset(&address, 0, sizeof(address));
    result = end == LOCAL_END ? getsockname(fd, &address.any, &len)
                              : getpeername(fd, &address.any, &len);
    if (result < 0)
        return cst__os_error();
    st = from_address(&endpoint, &address, len);
    if (st == CST_OK)
        *out = endpoint;
    return st;
}

static cst_status socket_name(cst_endpoint *out, const cst_stream *s, enum end end)
{
    int fd = cst_stream_fd(s);

    return !out || fd < 0 ? CST_E_INVALID_ARG : ask_name(out, fd, end);
}

cst_status cst_socket_local(cst_endpoint *out, const cst_stream *s)
{
    return socket_name(out, s, LOCAL_END);
}

cst_status cst_socket_remote(cst_endpoint *out, const cst_stream *s)
{
    return socket_name(out, s, REMOTE_END);
}

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

/* Set the options. A unix socket refuses those of TCP, which it does not need. */
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

/* Make the stream of a socket. fd is taken in any case. */
static cst_status new_socket(cst_stream **out, cst_loop *loop, int fd, const cst_socket_opts *opts,
                             bool connecting)
{
    cst_opts stream = opts->stream;
    struct cst__fd self;

    memset(&self, 0, sizeof(self));
    self.d.fd = fd;
    self.d.kind = CST__SOCKET;
    self.connecting = connecting;
    stream.no_half_open = !opts->allow_half_open;
    if (connecting) {
        self.on_connect = opts->on_connect;
        self.on_connect_arg = opts->on_connect_arg;
    }
    set_options(fd, opts);
    return cst__fd_new(out, loop, &self, &cst__socket_ops, cst_duplex_new, &stream);
}

/* --- connecting ------------------------------------------------------------------------------- */

/*
 * Connect. If the answer is there at once it is told later all the same, so that the caller can
 * attach its listeners first.
 */
static void start_connecting(cst_stream *s, const union address *to, socklen_t len)
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
    union address address;
    cst_stream *s;
    socklen_t len;
    cst_status st;
    int fd;

    if (!out || !loop || !to)
        return CST_E_INVALID_ARG;
    st = to_address(&address, &len, to, "127.0.0.1");
    if (st < 0)
        return st;
    fd = open_socket(loop, address.any.sa_family);
    if (fd < 0)
        return cst__os_error();
    st = new_socket(&s, loop, fd, opts ? opts : &defaults, true);
    if (st < 0)
        return st;
    start_connecting(s, &address, len);
    *out = s;
    return CST_OK;
}

/* --- listening -------------------------------------------------------------------------------- */

struct cst_listener {
    struct cst__loop_member member;
    cst_loop *loop;
    cst_watch watch;
    cst_accept_fn *fn;
    void *arg;
    cst_socket_opts opts;
    int fd;
    cst_timer pause; /* until the next try, if nobody could be accepted */
    int spare;       /* a descriptor that is given up for a moment when none is left */
    bool calling;    /* fn is running: it may close the listener */
    bool closed;
    bool has_path;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

static cst_watch_fn on_peers;

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

static void close_listener(cst_listener *l)
{
    (void)cst_timer_stop(cst_loop_ctx(l->loop), &l->pause);
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
    if (!l->calling)
        free_listener(l);
}

static void close_member(struct cst__loop_member *member)
{
    cst_listener_close((cst_listener *)(void *)member);
}

/* Call the listener's function. Return false if it has closed the listener, which is freed then. */
static bool tell_listener(cst_listener *l, cst_stream *socket, cst_status status)
{
    bool closed;

    l->calling = true;
    l->fn(l, socket, status, l->arg);
    l->calling = false;
    closed = l->closed;
    if (closed)
        free_listener(l);
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
    st = fd < 0 ? cst__os_error() : new_socket(&socket, l->loop, fd, &l->opts, false);
    return tell_listener(l, socket, st) ? ACCEPTED_SOME : ACCEPTED_GONE;
}

static void listen_again(void *arg)
{
    cst_listener *l = arg;

    (void)cst_watch_want(&l->watch, CST_WATCH_READ);
}

static void on_peers(cst_watch *watch, unsigned came, void *arg)
{
    cst_listener *l = arg;
    enum accepted accepted = ACCEPTED_SOME;

    (void)watch;
    (void)came;
    for (unsigned n = 0; n < TURN_ACCEPTS && accepted == ACCEPTED_SOME; n++)
        accepted = accept_next(l);
    if (accepted == ACCEPTED_FAILED)
        (void)cst_timer_start_in(cst_loop_ctx(l->loop), &l->pause, PAUSE_NS, listen_again, l);
    else if (accepted != ACCEPTED_GONE)
        listen_again(l);
}

/* --- the listener's making -------------------------------------------------------------------- */

static cst_status bind_and_listen(cst_listener *l, const union address *at, socklen_t len,
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
        union address address;
        socklen_t len;

        st = to_address(&address, &len, at, hosts[i]);
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

static cst_listener *new_listener(cst_loop *loop, const cst_socket_opts *opts, cst_accept_fn *fn,
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
    l->opts = *opts;
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
    l = new_listener(loop, &opts->socket, fn, arg);
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
    return !out || !l ? CST_E_INVALID_ARG : ask_name(out, l->fd, LOCAL_END);
}

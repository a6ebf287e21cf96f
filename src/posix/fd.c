/*
 * fd.c - fd.h: streams over descriptors that may have to be waited for.
 *
 * A read call reads. Where there is nothing it asks the loop, and when the loop calls, the stream reads and pushes; a
 * failure found then waits for the next read call, since it is a slot's to say which side has failed.
 *
 *      read slot -> read(2) -> chunk: the slot's answer
 *                          \-> EAGAIN, or the last read was short -> watch -> on_ready -> read(2) -> cst_push
 *
 *      write slot -> write(2) -> all gone: CST_OK
 *                            \-> short or EAGAIN: CST_PENDING -> watch -> on_ready -> write(2) -> cst_complete
 */
#include "posix_internal.h"

#include <cstream/timeout.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* there is SO_NOSIGPIPE then */
#endif

static cst_watch_fn on_ready;

/* --- reading -------------------------------------------------------------------------------------- */

/* -1 with EAGAIN where it would have to wait. */
static ssize_t read_some(struct cst__fd *fd, void *to, size_t len)
{
    ssize_t n;

    do {
        if (fd->d.kind == CST__SOCKET)
            n = recv(fd->d.fd, to, len, fd->shared ? 0 : MSG_DONTWAIT);
        else
            n = read(fd->d.fd, to, len);
    } while (n < 0 && errno == EINTR);
    return n;
}

/*
 * A FIFO that nobody has opened for writing yet reads like one that all writers have left; only poll tells them apart. Return
 * false if the loop has to ask once more: there is a writer, or poll has failed. What a writer left before it went is read now.
 */
static bool is_left(const struct cst__fd *fd)
{
    struct pollfd about = { .fd = fd->d.fd, .events = POLLIN };

    return poll(&about, 1, 0) > 0 && (about.revents & POLLHUP);
}

static ssize_t read_to_the_end(struct cst__fd *fd, void *to, size_t len)
{
    ssize_t n = read_some(fd, to, len);

    if (n != 0 || fd->d.kind != CST__PIPE)
        return n;
    if (is_left(fd))
        return read_some(fd, to, len);
    errno = EAGAIN;
    return -1;
}

cst_status cst__fd_read_chunk(struct cst__fd *fd, cst_slice *out)
{
    cst_ctx *ctx = cst_stream_ctx(fd->stream);
    cst_buf buf;
    cst_status st = cst_buf_new_cached(&buf, ctx, fd->read_size);
    ssize_t n;

    if (st < 0)
        return st;
    n = read_to_the_end(fd, buf.data, buf.cap);
    if (n <= 0) {
        st = n == 0 ? CST_EOF : cst__would_block(errno) ? CST_EMPTY : cst__os_error();
        cst_buf_free(&buf);
        return st;
    }
    fd->d.bytes_read += (uint64_t)n;
    fd->drained = !fd->always_ready && (size_t)n < buf.cap;
    *out = cst__chunk_of(&buf, (size_t)n, ctx);
    return CST_OK;
}

/* Where a read is known to find nothing, or where it might wait. */
static bool has_to_wait(const struct cst__fd *fd)
{
    return fd->drained || (fd->shared && !fd->always_ready);
}

static cst_status wait_to_read(struct cst__fd *fd)
{
    fd->wants_read = true;
    (void)cst_watch_want(&fd->watch, CST_WATCH_READ);
    return CST_OK;
}

cst_status cst__fd_read(cst_stream *s, struct cst__fd *fd, size_t size)
{
    cst_slice chunk;
    cst_status st;

    fd->stream = s;
    fd->read_size = size > 0 ? size : CST__ZERO_MARK_CHUNK;
    if (fd->read_error < 0)
        return fd->read_error;
    if (fd->connecting || fd->last_words) {
        fd->wants_read = true;
        if (fd->last_words)
            cst__last_words_wanted(fd);
        return CST_OK;
    }
    if (has_to_wait(fd))
        return wait_to_read(fd);
    st = cst__fd_read_chunk(fd, &chunk);
    if (st == CST_OK)
        return cst_give(s, chunk);
    if (st == CST_EMPTY)
        return wait_to_read(fd);
    if (st == CST_EOF)
        cst_push_eof(s);
    return st < 0 ? st : CST_OK;
}

static cst_status fd_read(cst_stream *s, void *self, size_t size)
{
    return cst__fd_read(s, self, size);
}

/* The loop says that there is something. An empty push asks for the next read call. */
static void read_ready(struct cst__fd *fd)
{
    cst_slice chunk;
    cst_status st;

    fd->wants_read = false;
    fd->drained = false;
    if (fd->passes_by) {
        fd->passes_by = false;
        cst_push(fd->stream, cst_slice_empty());
        return;
    }
    st = cst__fd_read_chunk(fd, &chunk);
    if (st == CST_OK) {
        cst_push(fd->stream, chunk);
    } else if (st == CST_EMPTY) {
        (void)wait_to_read(fd);
    } else if (st == CST_EOF) {
        cst_push_eof(fd->stream);
    } else {
        fd->read_error = st;
        cst_push(fd->stream, cst_slice_empty());
    }
}

/* --- writing -------------------------------------------------------------------------------------- */

static ssize_t send_vectors(const struct cst__fd *fd, struct iovec *vectors, int count)
{
    int flags = MSG_NOSIGNAL | (fd->shared ? 0 : MSG_DONTWAIT);
    struct msghdr message;

    if (count == 1) /* the system has less to look at */
        return send(fd->d.fd, vectors[0].iov_base, vectors[0].iov_len, flags);
    memset(&message, 0, sizeof message);
    message.msg_iov = vectors;
    message.msg_iovlen = (size_t)count;
    return sendmsg(fd->d.fd, &message, flags);
}

static ssize_t write_vectors(const struct cst__fd *fd, const struct iovec *vectors, int count)
{
    struct cst__guard own, *guard = cst__guard_before(&fd->d, fd->watch.loop, &own);
    ssize_t n = writev(fd->d.fd, vectors, count);

    cst__guard_after(guard, n, guard ? cst__vectors_size(vectors, count) : 0);
    return n;
}

static ssize_t write_some(const struct cst__fd *fd, struct iovec *vectors, int count)
{
    ssize_t n;

    do
        n = fd->d.kind == CST__SOCKET ? send_vectors(fd, vectors, count)
                                      : write_vectors(fd, vectors, count);
    while (n < 0 && errno == EINTR);
    return n;
}

/* CST_OK: all is gone. CST_PENDING: the rest has to wait. */
static cst_status write_outgoing(struct cst__fd *fd)
{
    struct iovec vectors[CST__MAX_VECTORS];

    while (!cst__outgoing_is_done(&fd->outgoing)) {
        int count = cst__outgoing_vectors(&fd->outgoing, vectors);
        ssize_t n = write_some(fd, vectors, count);

        if (n < 0)
            return cst__would_block(errno) ? CST_PENDING : cst__os_error();
        fd->d.bytes_written += (uint64_t)n;
        cst__outgoing_advance(&fd->outgoing, (size_t)n);
    }
    return CST_OK;
}

cst_status cst__fd_writev(cst_stream *s, struct cst__fd *fd, const cst_slice *chunks, size_t count)
{
    cst_status st = CST_PENDING;

    fd->stream = s;
    cst__outgoing_set(&fd->outgoing, chunks, count);
    if (!fd->connecting)
        st = write_outgoing(fd);
    if (st != CST_PENDING)
        return st < 0 ? cst__fd_write_fails(s, fd, st) : st;
    fd->write_call = cst_this_call(s);
    fd->wants_write = true;
    if (!fd->connecting)
        (void)cst_watch_want(&fd->watch, CST_WATCH_WRITE);
    return CST_PENDING;
}

static cst_status fd_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    return cst__fd_writev(s, self, chunks, count);
}

static cst_status fd_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    return cst__fd_writev(s, self, chunk, 1);
}

void cst__fd_wait_to_pass(struct cst__fd *fd)
{
    fd->passes_by = true;
    (void)wait_to_read(fd);
}

cst_status cst__fd_wait_for_room(cst_stream *s, struct cst__fd *fd)
{
    fd->outgoing.count = 0;
    fd->write_call = cst_this_call(s);
    fd->wants_write = true;
    (void)cst_watch_want(&fd->watch, CST_WATCH_WRITE);
    return CST_PENDING;
}

/* What is in the conduit came first. */
static cst_status write_what_waits(struct cst__fd *fd)
{
#if CST__HAS_TRANSFER
    cst_status st = cst__conduit_drain(&fd->d, fd->watch.loop);

    if (st != CST_OK)
        return st;
#endif
    return write_outgoing(fd);
}

/* What stood in a conduit that was given up has gone out, or is lost with its stream. */
static void drop_rescued(struct cst__fd *fd)
{
    cst_slice_unref(&fd->rescued);
    fd->rescued = cst_slice_empty();
}

static bool read_conduit(const struct cst__descriptor *d, cst_buf *buf)
{
    for (size_t have = 0; have < d->held;) {
        ssize_t n = read(d->conduit[0], buf->data + have, d->held - have);

        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        have += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool cst__fd_rescue(cst_watch *watch)
{
    struct cst__fd *fd = watch->arg;
    cst_buf buf;

    if (watch->fn != on_ready || !fd->d.held ||
        cst_buf_new(&buf, cst_ctx_allocator(cst_stream_ctx(fd->stream)), fd->d.held) < 0)
        return false;
    if (!read_conduit(&fd->d, &buf)) {
        cst_buf_free(&buf);
        return false;
    }
    fd->rescued = cst_buf_freeze(&buf, fd->d.held);
    cst__outgoing_set(&fd->outgoing, &fd->rescued, 1);
    cst__conduit_close(&fd->d);
    return true;
}

static void write_ready(struct cst__fd *fd)
{
    uint64_t before = fd->d.bytes_written;
    cst_status st = write_what_waits(fd);

    if (st == CST_PENDING) {
        if (fd->d.bytes_written != before)
            (void)cst_progress(fd->stream);
        (void)cst_watch_want(&fd->watch, CST_WATCH_WRITE);
        return;
    }
    drop_rescued(fd);
    if (st < 0) {
        cst__fd_pending_write_fails(fd, st);
        return;
    }
    fd->wants_write = false;
    (void)cst_complete(fd->write_call, st);
}

/* A peer that is gone already needs no more telling. */
static cst_status shut_down(const struct cst__fd *fd)
{
    if (fd->d.kind != CST__SOCKET || fd->shared || shutdown(fd->d.fd, SHUT_WR) == 0 ||
        errno == ENOTCONN)
        return CST_OK;
    return cst__os_error();
}

static cst_status fd_final(cst_stream *s, void *self)
{
    struct cst__fd *fd = self;

    if (!fd->connecting)
        return shut_down(fd);
    fd->final_call = cst_this_call(s);
    fd->wants_final = true;
    return CST_PENDING;
}

/* --- connecting ----------------------------------------------------------------------------------- */

void cst__fd_connected(struct cst__fd *fd)
{
    fd->connecting = false;
    (void)cst_progress(fd->stream);
    if (fd->on_connect)
        fd->on_connect(fd->stream, fd->on_connect_arg);
    if (fd->d.fd >= 0 && fd->wants_write)
        write_ready(fd);
    if (fd->d.fd >= 0 && fd->wants_final) {
        fd->wants_final = false;
        (void)cst_complete(fd->final_call, shut_down(fd));
    }
    if (fd->d.fd >= 0 && fd->wants_read)
        (void)wait_to_read(fd);
}

static void connect_ready(struct cst__fd *fd)
{
    int code = 0;
    socklen_t len = sizeof code;

    if (getsockopt(fd->d.fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
        code = errno;
    if (code != 0)
        (void)cst_destroy(fd->stream, CST_OS(code));
    else
        cst__fd_connected(fd);
}

/* Each step may destroy the stream, and so close the descriptor. */
static void on_ready(cst_watch *watch, unsigned came, void *arg)
{
    struct cst__fd *fd = arg;
    cst_stream *s = cst_ref(fd->stream);

    (void)watch;
    if (fd->connecting) {
        connect_ready(fd);
    } else if (fd->last_words) {
        cst__last_words_wanted(fd);
    } else {
        if ((came & CST_WATCH_WRITE) && fd->wants_write)
            write_ready(fd);
        if ((came & CST_WATCH_READ) && fd->d.fd >= 0 && fd->wants_read && !fd->last_words)
            read_ready(fd);
    }
    cst_unref(s);
}

/* --- making and closing --------------------------------------------------------------------------- */

static void restore_mode(const struct cst__fd *fd)
{
    int flags;

    if (!fd->set_nonblocking)
        return;
    flags = fcntl(fd->d.fd, F_GETFL);
    if (flags >= 0)
        (void)fcntl(fd->d.fd, F_SETFL, flags & ~O_NONBLOCK);
}

/* What still waits learns that nothing will come of it: by a task, before 'close'. The stream stays until then, since its
 * slots owe their answers. */
static void cancel(void *arg)
{
    struct cst__fd *fd = arg;
    bool write = fd->wants_write, final = fd->wants_final;
    cst_call write_call = fd->write_call, final_call = fd->final_call;
    cst_status why = fd->cancelled;

    if (write)
        (void)cst_complete(write_call, why);
    if (final)
        (void)cst_complete(final_call, why);
}

/* A failed close is an error of its own only where there is none yet. */
cst_status cst__fd_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct cst__fd *fd = self;
    cst_status st = CST_OK;

    cst_watch_remove(&fd->watch);
    cst__conduit_close(&fd->d);
    drop_rescued(fd);
    cst__last_words_drop(fd);
    fd->cancelled = error ? error->status : CST_E_DESTROYED;
    if (fd->wants_write || fd->wants_final)
        (void)cst_defer(cst_stream_ctx(s), &fd->cancel_task, cancel, fd);
    if (fd->d.borrowed) {
        restore_mode(fd);
        fd->d.fd = -1;
    } else {
        st = cst__close(&fd->d.fd);
    }
    return error ? CST_OK : st;
}

static void raise_no_sigpipe(const struct cst__fd *fd)
{
#if defined(SO_NOSIGPIPE)
    if (fd->d.kind == CST__SOCKET)
        (void)setsockopt(fd->d.fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){ 1 }, sizeof(int));
#else
    (void)fd;
#endif
}

/* What the descriptor is, and non-blocking mode. */
static cst_status look_at(struct cst__fd *fd)
{
    mode_t mode;
    cst_status st = cst__descriptor_look(&fd->d, &mode);
    int flags = fcntl(fd->d.fd, F_GETFL);

    if (st < 0 || flags < 0)
        return st < 0 ? st : cst__os_error();
    fd->always_ready = S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode);
    if (fd->shared || fd->always_ready || (flags & O_NONBLOCK))
        return CST_OK;
    if (fcntl(fd->d.fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return cst__os_error();
    fd->set_nonblocking = true;
    return CST_OK;
}

/* The descriptor as it was, where it is the caller's; closed, where it is ours. */
static cst_status undo(const struct cst__fd *fd, cst_status why)
{
    if (fd->d.borrowed && fd->d.fd >= 0)
        restore_mode(fd);
    return cst__give_up(fd->d.fd, fd->d.borrowed, why);
}

cst_status cst__fd_attach(struct cst__fd *fd, cst_loop *loop)
{
    return cst_watch_add(&fd->watch, loop, fd->d.fd, on_ready, fd);
}

cst_status cst__fd_new(cst_stream **out, cst_loop *loop, struct cst__fd *self, const cst_ops *ops,
                       cst__fd_constructor *construct, const cst_opts *opts)
{
    struct cst__fd *fd;
    cst_status st = CST_OK;

    if (!out || !loop || self->d.fd < 0 || !cst__is_for_bytes(opts))
        return undo(self, CST_E_INVALID_ARG);
    if (self->d.kind != CST__SOCKET) /* net.c's own are known */
        st = look_at(self);
    raise_no_sigpipe(self);
    if (st == CST_OK)
        st = cst__loop_reserve(loop);
    if (st == CST_OK)
        st = construct(out, cst_loop_ctx(loop), ops, self, opts);
    if (st < 0)
        return undo(self, st);
    fd = cst_stream_self(*out);
    fd->stream = *out;
    return cst__fd_attach(fd, loop); /* there is room */
}

static const cst_ops reader_ops = {
    .name = "fd-reader",
    .self_size = sizeof(struct cst__fd),
    .read = fd_read,
    .destroy = cst__fd_destroy,
};

static const cst_ops writer_ops = {
    .name = "fd-writer",
    .self_size = sizeof(struct cst__fd),
    .write = fd_write,
    .writev = fd_writev,
    .final = fd_final,
    .destroy = cst__fd_destroy,
#if CST__HAS_TRANSFER
    .transfer = cst__fd_transfer,
#endif
};

static const cst_ops duplex_ops = {
    .name = "fd",
    .self_size = sizeof(struct cst__fd),
    .read = fd_read,
    .write = fd_write,
    .writev = fd_writev,
    .final = fd_final,
    .destroy = cst__fd_destroy,
    .write_after_peer_end = CST_OS(EPIPE),
#if CST__HAS_TRANSFER
    .transfer = cst__fd_transfer,
#endif
};

const cst_ops cst__socket_ops = {
    .name = "socket",
    .self_size = sizeof(struct cst__fd),
    .read = fd_read,
    .write = fd_write,
    .writev = fd_writev,
    .final = fd_final,
    .destroy = cst__fd_destroy,
    .write_after_peer_end = CST_OS(EPIPE),
#if CST__HAS_TRANSFER
    .transfer = cst__fd_transfer,
#endif
};

static cst_status new_with(cst_stream **out, cst_loop *loop, int descriptor, const cst_ops *ops,
                           cst__fd_constructor *construct, const cst_fd_opts *opts)
{
    static const cst_fd_opts defaults = { .borrowed = false };
    struct cst__fd self;

    if (!opts)
        opts = &defaults;
    memset(&self, 0, sizeof self);
    self.d.fd = descriptor;
    self.d.borrowed = opts->borrowed;
    self.shared = opts->shared;
    return cst__fd_new(out, loop, &self, ops, construct, &opts->stream);
}

cst_status cst_fd_source_new(cst_stream **out, cst_loop *loop, int fd, const cst_fd_opts *opts)
{
    return new_with(out, loop, fd, &reader_ops, cst_readable_new, opts);
}

cst_status cst_fd_sink_new(cst_stream **out, cst_loop *loop, int fd, const cst_fd_opts *opts)
{
    return new_with(out, loop, fd, &writer_ops, cst_writable_new, opts);
}

cst_status cst_fd_duplex_new(cst_stream **out, cst_loop *loop, int fd, const cst_fd_opts *opts)
{
    return new_with(out, loop, fd, &duplex_ops, cst_duplex_new, opts);
}

static cst_fd_opts standard(const cst_opts *opts)
{
    cst_fd_opts all = { .borrowed = true, .shared = true };

    if (opts)
        all.stream = *opts;
    all.stream.no_pipe_end = true; /* nothing that is piped into them ends them */
    return all;
}

cst_status cst_stdin_new(cst_stream **out, cst_loop *loop, const cst_opts *opts)
{
    cst_fd_opts all = standard(opts);

    return cst_fd_source_new(out, loop, STDIN_FILENO, &all);
}

cst_status cst_stdout_new(cst_stream **out, cst_loop *loop, const cst_opts *opts)
{
    cst_fd_opts all = standard(opts);

    return cst_fd_sink_new(out, loop, STDOUT_FILENO, &all);
}

cst_status cst_stderr_new(cst_stream **out, cst_loop *loop, const cst_opts *opts)
{
    cst_fd_opts all = standard(opts);

    return cst_fd_sink_new(out, loop, STDERR_FILENO, &all);
}

/*
 * fd.c - fd.h: streams over descriptors that may have to be waited for.
 *
 * A read call reads. If there is nothing it asks the loop; when the loop calls, the stream reads
 * and pushes. A failure found then waits for the next read call, since only a slot can say which
 * side has failed.
 *
 *      read slot -> read(2) -> chunk: the slot's answer
 *                          \-> EAGAIN, or the last read was short -> watch -> on_ready ->
 *                              read(2) -> cst_push
 *
 *      write slot -> write(2) -> all gone: CST_OK
 *                            \-> short or EAGAIN: CST_PENDING -> watch -> on_ready ->
 *                                write(2) -> cst_complete
 */
#include "coalesce.h"
#include "move.h"

#include "cstream/timeout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static cst_watch_fn on_ready;

static void check_fd(const struct cst__fd *fd)
{
    cst__descriptor_check(&fd->d);
    cst__coalescer_check(fd->coalescer);
#ifdef CST_CHECK
    assert((fd->d.fd >= 0) == (fd->watch.loop != NULL));
    assert(!fd->watch.loop || (fd->watch.of_stream && fd->watch.fd == fd->d.fd));
    assert(!fd->is_rescued || fd->wants_write);
    assert(!fd->is_accepted || !fd->connecting);
    assert(!fd->last_words || fd->wants_write);
    assert(!fd->waits_to_transfer || fd->wants_read || fd->d.fd < 0);
#endif
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Return whether a read is known to find nothing, or might wait. */
static bool has_to_wait(const struct cst__fd *fd)
{
    return fd->drained || (fd->shared && !fd->always_ready);
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
        return cst__fd_wait_to_read(fd);
    st = cst__fd_read_chunk(fd, &chunk);
    if (st == CST_OK)
        return cst_give(s, chunk);
    if (st == CST_EMPTY)
        return cst__fd_wait_to_read(fd);
    if (st == CST_EOF)
        cst_push_eof(s);
    return st < 0 ? st : CST_OK;
}

static cst_status fd_read(cst_stream *s, void *self, size_t size)
{
    cst_status st = cst__fd_read(s, self, size);

    check_fd(self);
    return st;
}

/*
 * The loop says that there is something. An empty push makes the stream call its read slot again.
 */
static void read_ready(struct cst__fd *fd)
{
    cst_slice chunk;
    cst_status st;

    fd->wants_read = false;
    fd->drained = false;
    if (fd->waits_to_transfer) {
        fd->waits_to_transfer = false;
        cst_push(fd->stream, cst_slice_empty());
        return;
    }
    st = cst__fd_read_chunk(fd, &chunk);
    if (st == CST_OK) {
        cst_push(fd->stream, chunk);
    } else if (st == CST_EMPTY) {
        (void)cst__fd_wait_to_read(fd);
    } else if (st == CST_EOF) {
        cst_push_eof(fd->stream);
    } else {
        fd->read_error = st;
        cst_push(fd->stream, cst_slice_empty());
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

cst_status cst__fd_writev(cst_stream *s, struct cst__fd *fd, const cst_slice *chunks, size_t count)
{
    cst_status st = CST_PENDING;

    fd->stream = s;
    if (cst__coalescer_failure(fd->coalescer) == CST_OK && cst__coalescer_take(fd, chunks, count))
        return CST_OK;
    if (cst__coalescer_failure(fd->coalescer) < 0)
        return cst__fd_write_fails(s, fd, cst__coalescer_failure(fd->coalescer));
    cst__outgoing_set(&fd->outgoing, chunks, count);
    if (!fd->connecting && !cst__coalescer_waits(fd->coalescer))
        st = cst__fd_write_outgoing(fd, false);
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
    cst_status st = cst__fd_writev(s, self, chunks, count);

    check_fd(self);
    return st;
}

static cst_status fd_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    return cst__fd_writev(s, self, chunk, 1);
}

/* The bytes of a conduit that was given up have gone out, or are lost with their stream. */
static void drop_rescued(struct cst__fd *fd)
{
    if (fd->is_rescued)
        cst_slice_unref(&fd->outgoing.one);
    fd->is_rescued = false;
}

/* Write what is in the conduit first, since it came first. */
static cst_status write_what_waits(struct cst__fd *fd)
{
#if CST__HAS_TRANSFER
    cst_status st = cst__conduit_drain(&fd->d, fd->watch.loop);

    if (st != CST_OK)
        return st;
#endif
    return cst__fd_write_outgoing(fd, false);
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

/* Tell the peer that no more comes, unless it is gone already. */
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
    cst_status st;

    fd->stream = s;
    if (!fd->connecting && (st = cst__coalescer_finish(fd)) != CST_PENDING)
        return st < 0 ? cst__fd_write_fails(s, fd, st) : shut_down(fd);
    fd->final_call = cst_this_call(s);
    fd->wants_final = true;
    return CST_PENDING;
}

/* --- connecting ------------------------------------------------------------------------------- */

void cst__fd_connected(struct cst__fd *fd)
{
    fd->connecting = false;
    (void)cst_progress(fd->stream);
    if (!fd->is_accepted && fd->on_connect)
        fd->on_connect(fd->stream, fd->on_connect_arg);
    if (fd->d.fd >= 0 && fd->wants_write)
        write_ready(fd);
    if (fd->d.fd >= 0 && fd->wants_final) {
        fd->wants_final = false;
        (void)cst_complete(fd->final_call, shut_down(fd));
    }
    if (fd->d.fd >= 0 && fd->wants_read)
        (void)cst__fd_wait_to_read(fd);
}

static void connect_ready(struct cst__fd *fd)
{
    int code = 0;
    socklen_t len = sizeof(code);

    if (getsockopt(fd->d.fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
        code = errno;
    if (code != 0)
        (void)cst_destroy(fd->stream, CST_OS(code));
    else
        cst__fd_connected(fd);
}

/* What the coalescer holds can go on, and then the end that waits for it. */
static void held_ready(struct cst__fd *fd)
{
    if (!cst__coalescer_ready(fd) || fd->d.fd < 0 || !fd->wants_final)
        return;
    fd->wants_final = false;
    (void)cst_complete(fd->final_call, shut_down(fd));
}

/* Each step may destroy the stream, which closes the descriptor. */
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
        else if ((came & CST_WATCH_WRITE) && cst__coalescer_waits(fd->coalescer))
            held_ready(fd);
        if ((came & CST_WATCH_READ) && fd->d.fd >= 0 && fd->wants_read && !fd->last_words)
            read_ready(fd);
    }
    check_fd(fd);
    cst_unref(s);
}

/* --- making and closing ----------------------------------------------------------------------- */

static void restore_mode(const struct cst__fd *fd)
{
    int flags;

    if (!fd->set_nonblocking)
        return;
    flags = fcntl(fd->d.fd, F_GETFL);
    if (flags >= 0)
        (void)fcntl(fd->d.fd, F_SETFL, flags & ~O_NONBLOCK);
}

/*
 * Answer what still waits: nothing will come of it. This is a task, before 'close'. The stream
 * stays until then, since its slots owe their answers.
 */
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

/* A failed close is an error only if the stream has none yet. */
cst_status cst__fd_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct cst__fd *fd = self;
    cst_status st = CST_OK;

    cst__coalescer_close(fd);
    cst__conduit_close(&fd->d, fd->watch.loop);
    cst_watch_remove(&fd->watch);
    drop_rescued(fd);
    cst__last_words_drop(fd);
    fd->cancelled = error ? error->status : CST_E_DESTROYED;
    memset(&fd->cancel_task, 0, sizeof(fd->cancel_task)); /* its place was that of outgoing */
    if (fd->wants_write || fd->wants_final)
        (void)cst_defer(cst_stream_ctx(s), &fd->cancel_task, cancel, fd);
    if (fd->d.borrowed) {
        restore_mode(fd);
        fd->d.fd = -1;
    } else {
        st = cst__close(&fd->d.fd);
    }
    if (fd->is_accepted)
        cst__listener_let_go(fd->listener);
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

/* Find out what the descriptor is, and set non-blocking mode. */
static cst_status prepare(struct cst__fd *fd)
{
    int flags = fcntl(fd->d.fd, F_GETFL);
    mode_t mode;
    cst_status st;

    if (flags < 0)
        return cst__os_error();
    if ((st = cst__descriptor_look(&fd->d, flags, &mode)) < 0)
        return st;
    fd->always_ready = S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode);
    if (fd->shared || fd->always_ready || (flags & O_NONBLOCK))
        return CST_OK;
    if (fcntl(fd->d.fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return cst__os_error();
    fd->set_nonblocking = true;
    return CST_OK;
}

/* Leave the descriptor as it was if it is the caller's; close it if it is ours. Return why. */
static cst_status undo(const struct cst__fd *fd, cst_status why)
{
    if (fd->d.borrowed && fd->d.fd >= 0)
        restore_mode(fd);
    return cst__give_up(fd->d.fd, fd->d.borrowed, why);
}

cst_status cst__fd_attach(struct cst__fd *fd, cst_loop *loop)
{
    cst_status st = cst_watch_add(&fd->watch, loop, fd->d.fd, on_ready, fd);

    fd->watch.of_stream = st == CST_OK;
    return st;
}

/* What a new stream waits for first; a file is not waited for. */
static unsigned first_events(const struct cst__fd *fd)
{
    if (fd->always_ready)
        return 0;
    return fd->connecting ? CST_WATCH_WRITE : CST_WATCH_READ;
}

cst_status cst__fd_new(cst_stream **out, cst_loop *loop, struct cst__fd *self, const cst_ops *ops,
                       cst__fd_constructor *construct, const cst_opts *opts)
{
    struct cst__fd *fd;
    cst_status st = CST_OK;

    if (!out || !loop || self->d.fd < 0 || !cst__is_for_bytes(opts))
        return undo(self, CST_E_INVALID_ARG);
    if (self->d.kind != CST__SOCKET) /* net.c prepares its own */
        st = prepare(self);
    raise_no_sigpipe(self);
    if (st == CST_OK)
        st = cst__loop_reserve(loop, self->d.fd, first_events(self));
    if (st < 0)
        return undo(self, st);
    if (self->coalesces && ops->write)
        st = cst__coalescer_new(&self->coalescer, loop->allocator);
    if (st == CST_OK)
        st = construct(out, cst_loop_ctx(loop), ops, self, opts);
    if (st < 0) {
        cst__coalescer_free(self->coalescer, loop->allocator);
        cst__loop_unreserve(loop, self->d.fd);
        return undo(self, st);
    }
    fd = cst_stream_self(*out);
    fd->stream = *out;
    return cst__fd_attach(fd, loop); /* it is reserved */
}

static const cst_ops reader_ops = {
    .name = cst__table_names[CST__FD_READER],
    .self_size = sizeof(struct cst__fd),
    .read = fd_read,
    .destroy = cst__fd_destroy,
};

static const cst_ops writer_ops = {
    .name = cst__table_names[CST__FD_WRITER],
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
    .name = cst__table_names[CST__FD_DUPLEX],
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
    .name = cst__table_names[CST__SOCKET_DUPLEX],
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

static cst_status fd_new_with(cst_stream **out, cst_loop *loop, int descriptor, const cst_ops *ops,
                              cst__fd_constructor *construct, const cst_fd_opts *opts)
{
    static const cst_fd_opts defaults = { .borrowed = false };
    struct cst__fd self;

    if (!opts)
        opts = &defaults;
    memset(&self, 0, sizeof(self));
    self.d.fd = descriptor;
    self.d.borrowed = opts->borrowed;
    self.shared = opts->shared;
    self.coalesces = opts->coalesce_writes;
    self.d.no_transfer = opts->no_kernel_transfer;
    return cst__fd_new(out, loop, &self, ops, construct, &opts->stream);
}

cst_status cst_fd_source_new(cst_stream **out, cst_loop *loop, int fd, const cst_fd_opts *opts)
{
    return fd_new_with(out, loop, fd, &reader_ops, cst_readable_new, opts);
}

cst_status cst_fd_sink_new(cst_stream **out, cst_loop *loop, int fd, const cst_fd_opts *opts)
{
    return fd_new_with(out, loop, fd, &writer_ops, cst_writable_new, opts);
}

cst_status cst_fd_duplex_new(cst_stream **out, cst_loop *loop, int fd, const cst_fd_opts *opts)
{
    return fd_new_with(out, loop, fd, &duplex_ops, cst_duplex_new, opts);
}

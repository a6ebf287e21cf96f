/*
 * fd_io.c - one read and one write of a descriptor that is polled. Neither waits, unless the
 * descriptor is shared.
 */
#include "coalesce.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* there is SO_NOSIGPIPE then */
#endif
#if !defined(MSG_MORE)
#define MSG_MORE 0
#endif

/* --- reading ---------------------------------------------------------------------------------- */

/* Return -1 with EAGAIN if the call would have to wait. */
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
 * Return whether all writers of a FIFO have left. A FIFO that nobody has opened for writing yet
 * reads like one that all writers have left; only poll tells them apart. If the answer is false the
 * loop has to ask once more: there is a writer, or poll has failed.
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
        return read_some(fd, to, len); /* what a writer left before it went */
    errno = EAGAIN;
    return -1;
}

cst_status cst__fd_wait_to_read(struct cst__fd *fd)
{
    fd->wants_read = true;
    (void)cst_watch_want(&fd->watch, CST_WATCH_READ);
    return CST_OK;
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
    fd->is_sparse = fd->is_sparse && fd->drained;
    *out = cst__chunk_of(&buf, (size_t)n, ctx);
    return CST_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static ssize_t send_vectors(const struct cst__fd *fd, struct iovec *vectors, int count, bool more)
{
    int flags = MSG_NOSIGNAL | (fd->shared ? 0 : MSG_DONTWAIT) | (more ? MSG_MORE : 0);
    struct msghdr message;

    if (count == 1) /* the system has less to look at */
        return send(fd->d.fd, vectors[0].iov_base, vectors[0].iov_len, flags);
    memset(&message, 0, sizeof(message));
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

static ssize_t write_some(const struct cst__fd *fd, struct iovec *vectors, int count, bool more)
{
    ssize_t n;

    do
        n = fd->d.kind == CST__SOCKET ? send_vectors(fd, vectors, count, more)
                                      : write_vectors(fd, vectors, count);
    while (n < 0 && errno == EINTR);
    return n;
}

cst_status cst__fd_write_outgoing(struct cst__fd *fd, bool more)
{
    struct iovec vectors[CST__MAX_VECTORS + 1];

    while (cst__coalescer_holds(fd->coalescer) || !cst__outgoing_is_done(&fd->outgoing)) {
        int count = cst__coalescer_vector(fd->coalescer, vectors);
        ssize_t n;

        count += cst__outgoing_vectors(&fd->outgoing, vectors + count);
        n = write_some(fd, vectors, count, more);
        if (n < 0 && cst__would_block(errno))
            return CST_PENDING;
        if (n < 0) {
            cst_status st = cst__os_error();

            cst__coalescer_drop(fd->coalescer);
            return st;
        }
        fd->d.bytes_written += (uint64_t)n;
        cst__outgoing_advance(&fd->outgoing, cst__coalescer_advance(fd->coalescer, (size_t)n));
    }
    return CST_OK;
}

/*
 * The system waits up to 200 ms for what was announced. TCP_CORK that is taken off ends that at
 * once; if the host has put it on, the segment is the host's to send.
 */
void cst__fd_send_segment(const struct cst__fd *fd)
{
#if defined(TCP_CORK)
    int error = errno, corked = 0;
    socklen_t len = sizeof(corked);

    if (fd->d.kind == CST__SOCKET &&
        getsockopt(fd->d.fd, IPPROTO_TCP, TCP_CORK, &corked, &len) == 0 && !corked)
        (void)setsockopt(fd->d.fd, IPPROTO_TCP, TCP_CORK, &corked, sizeof(corked));
    errno = error;
#else
    (void)fd;
#endif
}

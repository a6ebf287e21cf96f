/*
 * fd_io.c - one read and one write of a descriptor that is polled. Neither waits, unless the
 * descriptor is shared.
 */
#include "posix_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* there is SO_NOSIGPIPE then */
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

/* --- writing ---------------------------------------------------------------------------------- */

static ssize_t send_vectors(const struct cst__fd *fd, struct iovec *vectors, int count)
{
    int flags = MSG_NOSIGNAL | (fd->shared ? 0 : MSG_DONTWAIT);
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

static ssize_t write_some(const struct cst__fd *fd, struct iovec *vectors, int count)
{
    ssize_t n;

    do
        n = fd->d.kind == CST__SOCKET ? send_vectors(fd, vectors, count)
                                      : write_vectors(fd, vectors, count);
    while (n < 0 && errno == EINTR);
    return n;
}

cst_status cst__fd_write_outgoing(struct cst__fd *fd)
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

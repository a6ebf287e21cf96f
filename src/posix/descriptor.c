/*
 * descriptor.c - what streams over descriptors have in common: what they are, closing, chunks in
 * and out.
 */
#include "coalesce.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A chunk below this part of its buffer gets a block of its own. */
#define SMALL_PART 16

cst_status cst__os_error(void)
{
    return CST_OS(errno);
}

const char cst__table_names[CST__TABLES][10] = {
    [CST__FD_READER] = "fd-reader",  [CST__FD_WRITER] = "fd-writer", [CST__FD_DUPLEX] = "fd",
    [CST__SOCKET_DUPLEX] = "socket", [CST__FS_READER] = "fs-reader", [CST__FS_WRITER] = "fs-writer",
};

struct cst__descriptor *cst__descriptor_of(const cst_stream *s)
{
    const cst_ops *ops = cst_stream_ops(s);

    for (size_t i = 0; ops && i < CST__TABLES; i++)
        if (ops->name == cst__table_names[i])
            return cst_stream_self(s);
    return NULL;
}

int cst_stream_fd(const cst_stream *s)
{
    const struct cst__descriptor *d = cst__descriptor_of(s);

    return d ? d->fd : -1;
}

uint64_t cst_stream_bytes_read(const cst_stream *s)
{
    const struct cst__descriptor *d = cst__descriptor_of(s);

    return d ? d->bytes_read : 0;
}

uint64_t cst_stream_bytes_written(const cst_stream *s)
{
    const struct cst__descriptor *d = cst__descriptor_of(s);

    return d ? d->bytes_written : 0;
}

static int socket_option(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

/*
 * Return whether a socket carries a stream of bytes. Datagrams and packets have bounds, which
 * chunks do not keep; a socket that listens has no bytes.
 */
static bool carries_bytes(int fd)
{
    return socket_option(fd, SO_TYPE) == SOCK_STREAM && socket_option(fd, SO_ACCEPTCONN) != 1;
}

cst_status cst__descriptor_look(struct cst__descriptor *d, int flags, mode_t *mode)
{
    struct stat about;

    if (fstat(d->fd, &about) < 0)
        return cst__os_error();
    d->appends = (flags & O_APPEND) != 0;
    d->kind = S_ISREG(about.st_mode)    ? CST__FILE
              : S_ISFIFO(about.st_mode) ? CST__PIPE
              : S_ISSOCK(about.st_mode) ? CST__SOCKET
                                        : CST__OTHER;
    d->size_limited =
        d->kind == CST__FILE && (flags & O_ACCMODE) != O_RDONLY && cst__file_size_is_limited();
    if (mode)
        *mode = about.st_mode;
    return d->kind != CST__SOCKET || carries_bytes(d->fd) ? CST_OK : CST_E_INVALID_ARG;
}

bool cst__descriptors_are_short(void)
{
    return errno == EMFILE || errno == ENFILE;
}

int cst__above_standard(int fd)
{
    int above, error;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    error = errno;
    (void)close(fd);
    errno = error;
    return above;
}

/* --- outcomes, closing, chunks ---------------------------------------------------------------- */

bool cst__would_block(int code)
{
#if EAGAIN != EWOULDBLOCK
    if (code == EWOULDBLOCK)
        return true;
#endif
    return code == EAGAIN;
}

/*
 * After EINTR the descriptor is closed, or will be: closing it again might close another one.
 */
cst_status cst__close(int *fd)
{
    int open = *fd;

    *fd = -1;
    if (open < 0 || close(open) == 0 || errno == EINTR)
        return CST_OK;
    return cst__os_error();
}

cst_status cst__give_up(int fd, bool borrowed, cst_status why)
{
    if (!borrowed)
        (void)cst__close(&fd);
    return why;
}

bool cst__is_for_bytes(const cst_opts *opts)
{
    return !(opts->object_mode || opts->readable_object_mode || opts->writable_object_mode);
}

/* Without memory for a copy the large block is kept. */
cst_slice cst__chunk_of(cst_buf *buf, size_t n, cst_ctx *ctx)
{
    cst_slice small;

    if (n >= buf->cap / SMALL_PART ||
        cst_slice_copy(&small, cst_ctx_allocator(ctx), buf->data, n) < 0)
        return cst_buf_freeze(buf, n);
    cst_buf_free(buf);
    return small;
}

/* --- writing chunks --------------------------------------------------------------------------- */

static void skip_empty(struct cst__outgoing *out)
{
    while (out->count && out->offset == out->chunks->len) {
        out->chunks++;
        out->count--;
        out->offset = 0;
    }
}

void cst__outgoing_set(struct cst__outgoing *out, const cst_slice *chunks, size_t count)
{
    out->one = chunks[0];
    out->chunks = count == 1 ? &out->one : chunks;
    out->count = count;
    out->offset = 0;
    skip_empty(out);
}

bool cst__outgoing_is_done(const struct cst__outgoing *out)
{
    return out->count == 0;
}

int cst__outgoing_vectors(const struct cst__outgoing *out, struct iovec *vectors)
{
    size_t count = out->count < CST__MAX_VECTORS ? out->count : CST__MAX_VECTORS;
    size_t offset = out->offset;

    for (size_t i = 0; i < count; i++) {
        const cst_slice *chunk = &out->chunks[i];

        vectors[i].iov_base = (void *)(uintptr_t)(chunk->data + offset);
        vectors[i].iov_len = chunk->len - offset;
        offset = 0;
    }
    return (int)count;
}

size_t cst__vectors_size(const struct iovec *vectors, int count)
{
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += vectors[i].iov_len;
    return size;
}

void cst__outgoing_advance(struct cst__outgoing *out, size_t n)
{
    while (n > 0) {
        size_t left = out->chunks->len - out->offset;
        size_t step = n < left ? n : left;

        out->offset += step;
        n -= step;
        skip_empty(out);
    }
}

/* --- what is held to be written with the rest ------------------------------------------------- */

bool cst__coalescer_holds(const struct cst__coalescer *c)
{
    return c && c->to > c->from;
}

void cst__coalescer_drop(struct cst__coalescer *c)
{
    if (!c || !c->buf.data)
        return;
    cst_buf_free(&c->buf);
    memset(&c->buf, 0, sizeof(c->buf));
    c->from = c->to = 0;
    c->waits = false;
}

int cst__coalescer_vector(const struct cst__coalescer *c, struct iovec *vector)
{
    if (!cst__coalescer_holds(c))
        return 0;
    vector->iov_base = c->buf.data + c->from;
    vector->iov_len = c->to - c->from;
    return 1;
}

size_t cst__coalescer_advance(struct cst__coalescer *c, size_t n)
{
    size_t step;

    if (!cst__coalescer_holds(c))
        return n;
    step = c->to - c->from < n ? c->to - c->from : n;
    c->from += step;
    if (c->from == c->to)
        cst__coalescer_drop(c);
    return n - step;
}

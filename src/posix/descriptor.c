/*
 * descriptor.c - what streams over descriptors have in common: closing, chunks in and out, SIGPIPE.
 */
#include "posix_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A chunk below this part of its buffer gets a block of its own. */
#define SMALL_PART 16

cst_status cst__os_error(void)
{
    return CST_OS(errno);
}

struct cst__descriptor *cst__descriptor_of(const cst_stream *s)
{
    const cst_ops *ops = cst_stream_ops(s);

    if (!ops || (ops->destroy != cst__fd_destroy && ops->destroy != cst__fs_destroy))
        return NULL;
    return cst_stream_self(s);
}

int cst_stream_fd(const cst_stream *s)
{
    const struct cst__descriptor *d = cst__descriptor_of(s);

    return d ? d->fd : -1;
}

uint64_t cst_bytes_read(const cst_stream *s)
{
    const struct cst__descriptor *d = cst__descriptor_of(s);

    return d ? d->bytes_read : 0;
}

uint64_t cst_bytes_written(const cst_stream *s)
{
    const struct cst__descriptor *d = cst__descriptor_of(s);

    return d ? d->bytes_written : 0;
}

cst_status cst__descriptor_look(struct cst__descriptor *d, mode_t *mode)
{
    struct stat about;
    int flags = fcntl(d->fd, F_GETFL);

    if (flags < 0 || fstat(d->fd, &about) < 0)
        return cst__os_error();
    d->appends = (flags & O_APPEND) != 0;
    d->kind = S_ISREG(about.st_mode)    ? CST__FILE
              : S_ISFIFO(about.st_mode) ? CST__PIPE
              : S_ISSOCK(about.st_mode) ? CST__SOCKET
                                        : CST__OTHER;
    if (mode)
        *mode = about.st_mode;
    return CST_OK;
}

void cst__conduit_close(struct cst__descriptor *d)
{
    if (!d->has_conduit)
        return;
    d->has_conduit = false;
    d->held = 0;
    (void)cst__close(&d->conduit[0]);
    (void)cst__close(&d->conduit[1]);
}

bool cst__would_block(int code)
{
#if EAGAIN != EWOULDBLOCK
    if (code == EWOULDBLOCK)
        return true;
#endif
    return code == EAGAIN;
}

/* On EINTR the descriptor is gone all the same, or about to be: closing it again might close another one. */
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

/* Where there is no memory for the copy, the large block has to do. */
cst_slice cst__chunk_of(cst_buf *buf, size_t n, cst_ctx *ctx)
{
    cst_slice small;

    if (n >= buf->cap / SMALL_PART ||
        cst_slice_copy(&small, cst_ctx_allocator(ctx), buf->data, n) < 0)
        return cst_buf_freeze(buf, n);
    cst_buf_free(buf);
    return small;
}

/* --- writing chunks ------------------------------------------------------------------------------- */

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

/* --- SIGPIPE -------------------------------------------------------------------------------------- */

static bool sigpipe_is_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static void only_sigpipe(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGPIPE);
}

void cst__no_sigpipe_begin(struct cst__no_sigpipe *guard)
{
    sigset_t set, before;

    only_sigpipe(&set);
    guard->was_blocked =
        pthread_sigmask(SIG_BLOCK, &set, &before) != 0 || sigismember(&before, SIGPIPE) == 1;
    guard->was_pending = guard->was_blocked && sigpipe_is_pending();
}

/* Drops a SIGPIPE that is pending for this thread. */
static void take_sigpipe(void)
{
    sigset_t set;
    int sig;

    only_sigpipe(&set);
    while (sigpipe_is_pending() && sigwait(&set, &sig) == EINTR)
        continue;
}

/* The signal goes to the thread that caused it, so that nobody else's is dropped. */
void cst__no_sigpipe_end(const struct cst__no_sigpipe *guard, bool raised)
{
    int error = errno;
    sigset_t set;

    only_sigpipe(&set);
    if (raised && !guard->was_pending)
        take_sigpipe();
    if (!guard->was_blocked)
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    errno = error;
}

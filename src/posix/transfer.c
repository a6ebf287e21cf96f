/*
 * transfer.c - from descriptor to descriptor inside the kernel: the transfer slots (stream.h).
 *
 *      from        into a file            into a pipe     into a socket
 *
 *      a file      copy_file_range,       splice          sendfile
 *                  else sendfile
 *      a pipe      splice                 splice          splice
 *      a socket    splice, twice          splice          splice, twice: splice has a pipe on one side at least
 *
 * Everything else is copied in the ordinary way: devices, descriptors that are shared (they may make us wait), what the
 * kernel refuses. So is the end: where a call says that nothing is left, a read has the last word.
 *
 * Which side a failure belongs to. A pipe that is read does not fail, and a step into our own conduit can fail on the
 * source's side alone. What is left are files that are read, and there the read that follows tells.
 */
#include "posix_internal.h"

#if CST__HAS_TRANSFER

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* What is moved in one call of the slot at most, so that others get their turn, and in one step through a pipe. */
#define MOST ((size_t)1 << 20)
#define STEP ((size_t)65536)

/* One side of a step. position is NULL where the descriptor's own counts; d is NULL for an end of a conduit, which is
 * never what is waited for. */
struct side {
    struct cst__descriptor *d;
    uint64_t *position;
    cst_loop *loop; /* of the destination, or of the source if the destination has none; may be NULL */
    int fd;
    enum cst__kind kind;
};

enum outcome { MOVED, NOTHING_LEFT, SOURCE_WAITS, DEST_WAITS, SOURCE_FAILED, DEST_FAILED, NOT_SO };

/* --- one step ------------------------------------------------------------------------------------- */

static ssize_t move_between_files(const struct side *from, const struct side *to, size_t n)
{
    ssize_t moved = copy_file_range(from->fd, (off_t *)(void *)from->position, to->fd,
                                    (off_t *)(void *)to->position, n, 0);

    /* Across file systems, or on one that cannot. sendfile has no position of the destination's. */
    if (moved < 0 && !to->position && errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
        moved = sendfile(to->fd, from->fd, (off_t *)(void *)from->position, n);
    return moved;
}

static ssize_t move(const struct side *from, const struct side *to, size_t n)
{
    if (from->kind == CST__FILE && to->kind == CST__FILE)
        return move_between_files(from, to, n);
    if (from->kind == CST__FILE && to->kind == CST__SOCKET)
        return sendfile(to->fd, from->fd, (off_t *)(void *)from->position, n);
    return splice(from->fd, (off_t *)(void *)from->position, to->fd, (off_t *)(void *)to->position,
                  n, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

static ssize_t move_guarded(const struct side *from, const struct side *to, size_t n)
{
    struct cst__guard own, *guard;
    ssize_t moved;

    if (!to->d)
        return move(from, to, n);
    guard = cst__guard_before(to->d, to->loop, &own);
    moved = move(from, to, n);
    cst__guard_after(guard, moved, n);
    return moved;
}

/* Which side made a call say EAGAIN, where both are able to; MOVED where neither does any more. */
static enum outcome who_waits(const struct side *from, const struct side *to)
{
    struct pollfd fds[2] = { { .fd = from->fd, .events = POLLIN },
                             { .fd = to->fd, .events = POLLOUT } };

    if (from->kind == CST__FILE || !from->d)
        return DEST_WAITS;
    if (to->kind == CST__FILE || !to->d)
        return SOURCE_WAITS;
    (void)poll(fds, 2, 0);
    if (!fds[1].revents)
        return DEST_WAITS;
    return fds[0].revents ? MOVED : SOURCE_WAITS;
}

static bool means_not_so(int code)
{
    return code == EINVAL || code == ENOSYS || code == EOPNOTSUPP || code == EXDEV ||
           code == EBADF || code == EPERM || code == ETXTBSY || code == EOVERFLOW;
}

static enum outcome what_failed(const struct side *from, const struct side *to, int code)
{
    if (means_not_so(code))
        return NOT_SO;
    if (from->kind == CST__FILE && (code == EIO || code == EISDIR))
        return NOTHING_LEFT;
    return from->kind == CST__SOCKET && code != EPIPE && to->kind == CST__PIPE ? SOURCE_FAILED
                                                                               : DEST_FAILED;
}

/* Moves some of at most n bytes; how many is added to *moved. */
static enum outcome step(const struct side *from, const struct side *to, size_t n, size_t *moved)
{
    ssize_t got;

    do
        got = move_guarded(from, to, n);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return NOTHING_LEFT;
    if (got < 0)
        return cst__would_block(errno) ? who_waits(from, to) : what_failed(from, to, errno);
    *moved += (size_t)got;
    return MOVED;
}

/* --- through the conduit -------------------------------------------------------------------------- */

static struct side conduit_end(struct cst__descriptor *d, int end)
{
    return (struct side){ .fd = d->conduit[end], .kind = CST__PIPE };
}

static ssize_t put_some(const struct side *to, const char *bytes, size_t n)
{
    struct cst__guard own, *guard = cst__guard_before(to->d, to->loop, &own);
    ssize_t put = to->position ? pwrite(to->fd, bytes, n, (off_t)*to->position)
                               : write(to->fd, bytes, n);

    cst__guard_after(guard, put, n);
    return put;
}

/* Move some bytes out of the conduit into a file by hand. */
static enum outcome copy_step(const struct side *from, const struct side *to, size_t *moved)
{
    char bytes[4096];
    ssize_t n, done = 0;

    do
        n = read(from->fd, bytes, sizeof bytes);
    while (n < 0 && errno == EINTR);
    while (done < n) {
        ssize_t put = put_some(to, bytes + done, (size_t)(n - done));

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return DEST_FAILED;
        done += put;
        *moved += (size_t)put;
        if (to->position)
            *to->position += (uint64_t)put;
    }
    return n > 0 ? MOVED : DEST_FAILED;
}

/* Empty the conduit. A file cannot be waited for: what it does not take by splice, for whatever reason, it takes by write.
 * MOVED: nothing is held any more. DEST_WAITS, DEST_FAILED. */
static enum outcome drain(struct cst__descriptor *d, const struct side *to)
{
    struct side from = conduit_end(d, 0);
    enum outcome outcome = MOVED;

    while (d->held > 0 && outcome == MOVED) {
        size_t moved = 0;

        outcome = step(&from, to, d->held, &moved);
        if (to->kind == CST__FILE && (outcome == NOT_SO || outcome == DEST_WAITS))
            outcome = copy_step(&from, to, &moved);
        d->held -= moved;
        d->bytes_written += moved;
    }
    if (outcome == NOTHING_LEFT)
        errno = EIO;
    return outcome == NOT_SO || outcome == NOTHING_LEFT ? DEST_FAILED : outcome;
}

cst_status cst__conduit_drain(struct cst__descriptor *d, cst_loop *loop)
{
    struct side to = { .d = d, .loop = loop, .fd = d->fd, .kind = d->kind };
    enum outcome outcome = drain(d, &to);

    cst__conduit_rest(d, loop);
    switch (outcome) {
    case MOVED:
        return CST_OK;
    case DEST_WAITS:
        return CST_PENDING;
    case NOTHING_LEFT:
    case SOURCE_WAITS:
    case SOURCE_FAILED:
    case DEST_FAILED:
    case NOT_SO:
        break;
    }
    return cst__os_error();
}

/* From the source into the conduit, and from there on. What has left the source stays ours, whatever becomes of it. */
static enum outcome step_twice(const struct side *from, const struct side *to, size_t n,
                               size_t *moved)
{
    struct cst__descriptor *d = to->d;
    struct side in;
    enum outcome outcome;
    size_t taken = 0;

    in = conduit_end(d, 1);
    outcome = step(from, &in, n < STEP ? n : STEP, &taken);
    *moved += taken;
    d->held += taken;
    return outcome == MOVED ? drain(d, to) : outcome;
}

/* --- what one call of a slot moves ---------------------------------------------------------------- */

/* How often a call may say EAGAIN although both sides look ready. */
#define MOST_IDLE 3

static bool needs_conduit(const struct side *from, const struct side *to)
{
    return from->kind == CST__SOCKET && to->kind != CST__PIPE;
}

/* A step that brings little has emptied the source: the loop is asked before the next one. */
static enum outcome move_much(const struct side *from, const struct side *to, size_t most,
                              size_t *moved)
{
    enum outcome outcome = MOVED;
    unsigned idle = 0;

    while (outcome == MOVED && *moved < most) {
        size_t before = *moved;

        outcome = needs_conduit(from, to) ? step_twice(from, to, most - before, moved)
                                          : step(from, to, most - before, moved);
        if (outcome != MOVED)
            break;
        if (*moved == before)
            outcome = ++idle < MOST_IDLE ? MOVED : NOTHING_LEFT;
        else if (from->kind != CST__FILE && *moved - before < STEP && *moved < most)
            outcome = SOURCE_WAITS;
    }
    return outcome;
}

/* A read of the ordinary sort decides whether this was the end; not before what was moved has been told. */
static cst_status once_the_ordinary_way(const cst_transfer *transfer)
{
    return transfer->moved ? CST_OK : CST_EMPTY;
}

static cst_status answer(cst_stream *s, cst_transfer *transfer, enum outcome outcome,
                         struct cst__fd *source, struct cst__fd *dest)
{
    switch (outcome) {
    case MOVED:
        return CST_OK;
    case NOTHING_LEFT:
        return once_the_ordinary_way(transfer);
    case SOURCE_WAITS:
        if (!source)
            return once_the_ordinary_way(transfer);
        transfer->from = CST_EMPTY;
        cst__fd_wait_to_pass(source);
        return CST_OK;
    case DEST_WAITS:
        return dest ? cst__fd_wait_for_room(s, dest) : once_the_ordinary_way(transfer);
    case SOURCE_FAILED:
        transfer->from = cst__os_error();
        return CST_OK;
    case DEST_FAILED:
        return dest ? cst__fd_write_fails(s, dest, cst__os_error()) : cst__os_error();
    case NOT_SO:
        break;
    }
    return transfer->moved ? CST_OK : CST_E_UNSUPPORTED;
}

static cst_status transfer_between(cst_stream *s, cst_transfer *transfer, const struct side *from,
                                   const struct side *to, size_t most, struct cst__fd *source,
                                   struct cst__fd *dest)
{
    bool conduit = needs_conduit(from, to);
    enum outcome outcome;

    if (conduit && !cst__conduit_have(to->d, to->loop))
        return CST_EMPTY;
    outcome = move_much(from, to, most, &transfer->moved);
    from->d->bytes_read += transfer->moved;
    if (conduit)
        cst__conduit_rest(to->d, to->loop);
    else
        to->d->bytes_written += transfer->moved;
    transfer->held = to->d->held;
    return answer(s, transfer, outcome, source, dest);
}

static cst_status from_fd(cst_stream *s, cst_transfer *transfer, struct side *to, size_t most,
                          struct cst__fd *dest)
{
    struct cst__fd *source = cst_stream_self(transfer->source);
    struct side from = { .d = &source->d, .fd = source->d.fd, .kind = source->d.kind };

    if (source->shared || from.kind == CST__OTHER)
        return CST_E_UNSUPPORTED;
    if (source->connecting || source->read_error < 0 || source->last_words)
        return CST_EMPTY;
    if (!to->loop)
        to->loop = source->watch.loop;
    return transfer_between(s, transfer, &from, to, most, from.kind == CST__FILE ? NULL : source,
                            dest);
}

static cst_status from_fs(cst_stream *s, cst_transfer *transfer, struct side *to, size_t most,
                          struct cst__fd *dest)
{
    struct cst__fs *source = cst_stream_self(transfer->source);
    struct side from = { .d = &source->fd.d,
                         .position = source->ranged ? &source->position : NULL,
                         .fd = source->fd.d.fd,
                         .kind = source->fd.d.kind };

    if (source->polled)
        return from_fd(s, transfer, to, most, dest);
    if (from.kind != CST__FILE)
        return CST_E_UNSUPPORTED;
    most = cst__fs_wanted(source, most);
    return most ? transfer_between(s, transfer, &from, to, most, NULL, dest) : CST_EMPTY;
}

static cst_status transfer_into(cst_stream *s, cst_transfer *transfer, struct side *to,
                                struct cst__fd *dest)
{
    const cst_ops *ops = cst_stream_ops(transfer->source);
    size_t most = transfer->max < MOST ? transfer->max : MOST;

    if (to->kind == CST__OTHER || to->d->appends)
        return CST_E_UNSUPPORTED;
    if (ops->destroy == cst__fd_destroy)
        return from_fd(s, transfer, to, most, dest);
    if (ops->destroy == cst__fs_destroy)
        return from_fs(s, transfer, to, most, dest);
    return CST_E_UNSUPPORTED;
}

cst_status cst__fd_transfer(cst_stream *s, void *self, cst_transfer *transfer)
{
    struct cst__fd *fd = self;
    struct side to = { .d = &fd->d, .loop = fd->watch.loop, .fd = fd->d.fd, .kind = fd->d.kind };

    if (fd->shared)
        return CST_E_UNSUPPORTED;
    if (fd->connecting)
        return CST_EMPTY;
    return transfer_into(s, transfer, &to, fd);
}

cst_status cst__fs_transfer(cst_stream *s, void *self, cst_transfer *transfer)
{
    struct cst__fs *fs = self;
    struct side to = { .d = &fs->fd.d,
                       .position = fs->ranged ? &fs->position : NULL,
                       .loop = cst_loop_of(cst_stream_ctx(s)),
                       .fd = fs->fd.d.fd,
                       .kind = fs->fd.d.kind };

    if (fs->polled)
        return cst__fd_transfer(s, &fs->fd, transfer);
    return to.kind == CST__FILE ? transfer_into(s, transfer, &to, NULL) : CST_E_UNSUPPORTED;
}

#endif

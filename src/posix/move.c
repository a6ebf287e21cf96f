/*
 * move.c - bytes from descriptor to descriptor inside the kernel (zero copy).
 *
 *      from        into a file            into a pipe     into a socket
 *
 *      a file      copy_file_range,       splice          sendfile
 *                  else sendfile
 *      a pipe      splice                 splice          splice
 *      a socket    conduit                splice          conduit: splice needs a pipe on one side
 *
 * A conduit is a pipe of our own, with two splices. Everything else is copied in the ordinary way:
 * devices, descriptors that are shared (a call may make us wait), what the kernel refuses, and the
 * end: when a call says that nothing is left, a read has the last word.
 *
 * Which side has failed: a pipe that is read does not fail, and a step into a conduit can fail on
 * the source's side alone. A file that is read fails again in the read that follows, which tells.
 */
#include "move.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if CST__HAS_TRANSFER
#include <sys/sendfile.h>
#endif

/* --- conduits --------------------------------------------------------------------------------- */

void cst__conduit_close(struct cst__descriptor *d, cst_loop *loop)
{
    if (!d->has_conduit)
        return;
    loop->conduits.grown -= d->conduit_order > 0;
    d->has_conduit = false;
    d->conduit_order = 0;
    d->held = 0;
    (void)cst__close(&d->conduit[0]);
    (void)cst__close(&d->conduit[1]);
}

bool cst__conduits_close_spare(struct cst__spare_conduits *spare)
{
    bool any = spare->count > 0;

    while (spare->count) {
        int *ends = spare->ends[--spare->count];

        spare->grown -= spare->orders[spare->count] > 0;
        (void)cst__close(&ends[0]);
        (void)cst__close(&ends[1]);
    }
    return any;
}

#if CST__HAS_TRANSFER

/* Hand an empty conduit of d, if it has one, to the loop. */
static void rest_conduit(struct cst__descriptor *d, cst_loop *loop)
{
    struct cst__spare_conduits *spare;

    if (!d->has_conduit || d->held)
        return;
    spare = &loop->conduits;
    if (spare->count == CST__MOST_SPARE_CONDUITS) {
        cst__conduit_close(d, loop);
        return;
    }
    memcpy(spare->ends[spare->count], d->conduit, sizeof(d->conduit));
    spare->orders[spare->count++] = d->conduit_order;
    d->has_conduit = false;
    d->conduit_order = 0;
}

/*
 * Return whether few descriptors are left, which are for peers and for the host then. The system
 * hands out the lowest number that is free, so a high number says so.
 */
static bool is_scarce(int fd)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd >= limit.rlim_cur / 8 * 7;
}

static bool open_conduit(struct cst__descriptor *d, cst_loop *loop)
{
    if (pipe2(d->conduit, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    d->conduit[0] = cst__above_standard(d->conduit[0]);
    d->conduit[1] = cst__above_standard(d->conduit[1]);
    d->has_conduit = true;
    if (d->conduit[0] >= 0 && d->conduit[1] >= 0 && !is_scarce(d->conduit[0]) &&
        !is_scarce(d->conduit[1]))
        return true;
    cst__conduit_close(d, loop);
    return false;
}

/* Have a conduit for d. Return false if descriptors are short: bytes are copied then. */
static bool have_conduit(struct cst__descriptor *d, cst_loop *loop)
{
    struct cst__spare_conduits *spare = &loop->conduits;

    if (d->has_conduit)
        return true;
    if (!spare->count)
        return open_conduit(d, loop);
    memcpy(d->conduit, spare->ends[--spare->count], sizeof(d->conduit));
    d->has_conduit = true;
    d->conduit_order = spare->orders[spare->count];
    return true;
}

/* How many bytes go in one step through a pipe, at first. */
#define STEP_BYTES ((size_t)65536)

/* The largest step, as a power of two of the first one: a megabyte, Linux's limit for a pipe. */
#define MOST_ORDER 4

/*
 * How many conduits of a loop may be larger than at first. All pipes of a user together have 64
 * megabytes; beyond that Linux makes small ones only.
 */
#define MOST_GROWN 16

static size_t step_size(const struct cst__descriptor *d)
{
    return STEP_BYTES << d->step_order;
}

/* Make the conduit as large as the next step. If that cannot be, the step becomes smaller. */
static void grow_conduit(struct cst__descriptor *d, cst_loop *loop)
{
    struct cst__spare_conduits *all = &loop->conduits;

    if (d->conduit_order >= d->step_order)
        return;
    if (all->cannot_grow || (d->conduit_order == 0 && all->grown == MOST_GROWN)) {
        d->step_order = d->conduit_order;
    } else if (fcntl(d->conduit[1], F_SETPIPE_SZ, (int)step_size(d)) < 0) {
        all->cannot_grow = true;
        d->step_order = d->conduit_order;
    } else {
        all->grown += d->conduit_order == 0;
        d->conduit_order = d->step_order;
    }
}

/*
 * Settle how much the next step moves. A source that has filled a good part of this one may fill
 * more: a pipe has a place for each piece of a socket's buffer, and small pieces use the places up
 * before the bytes. A destination that has to wait gets less, so that little is held for it.
 */
static void settle_step(struct cst__descriptor *d, size_t taken, bool waits)
{
    bool more = !waits && taken >= step_size(d) / 4;

    if (more && d->step_order < MOST_ORDER)
        d->step_order++;
    else if (waits && d->step_order > 0)
        d->step_order--;
}

/* --- one step --------------------------------------------------------------------------------- */

static ssize_t move_between_files(const struct cst__side *from, const struct cst__side *to,
                                  size_t n)
{
    ssize_t moved = copy_file_range(from->fd, (off_t *)(void *)from->position, to->fd,
                                    (off_t *)(void *)to->position, n, 0);

    /*
     * Between two file systems, or on one that cannot. sendfile takes no position in the
     * destination.
     */
    if (moved < 0 && !to->position && errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
        moved = sendfile(to->fd, from->fd, (off_t *)(void *)from->position, n);
    return moved;
}

static ssize_t move_once(const struct cst__side *from, const struct cst__side *to, size_t n)
{
    if (from->kind == CST__FILE && to->kind == CST__FILE)
        return move_between_files(from, to, n);
    if (from->kind == CST__FILE && to->kind == CST__SOCKET)
        return sendfile(to->fd, from->fd, (off_t *)(void *)from->position, n);
    return splice(from->fd, (off_t *)(void *)from->position, to->fd, (off_t *)(void *)to->position,
                  n, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

static ssize_t move_guarded(const struct cst__side *from, const struct cst__side *to, size_t n)
{
    struct cst__guard own, *guard;
    ssize_t moved;

    if (!to->d)
        return move_once(from, to, n);
    guard = cst__guard_before(to->d, to->loop, &own);
    moved = move_once(from, to, n);
    cst__guard_after(guard, moved, n);
    return moved;
}

/* Return which side made a call say EAGAIN, or CST__MOVED if neither would do so any more. */
static enum cst__move who_waits(const struct cst__side *from, const struct cst__side *to)
{
    struct pollfd fds[2] = { { .fd = from->fd, .events = POLLIN },
                             { .fd = to->fd, .events = POLLOUT } };

    if (from->kind == CST__FILE || !from->d)
        return CST__DEST_WAITS;
    if (to->kind == CST__FILE || !to->d)
        return CST__SOURCE_WAITS;
    (void)poll(fds, 2, 0);
    if (!fds[1].revents)
        return CST__DEST_WAITS;
    return fds[0].revents ? CST__MOVED : CST__SOURCE_WAITS;
}

static bool cannot_move(int code)
{
    return code == EINVAL || code == ENOSYS || code == EOPNOTSUPP || code == EXDEV ||
           code == EBADF || code == EPERM || code == ETXTBSY || code == EOVERFLOW;
}

static enum cst__move what_failed(const struct cst__side *from, const struct cst__side *to,
                                  int code)
{
    if (cannot_move(code))
        return CST__CANNOT_MOVE;
    if (from->kind == CST__FILE && (code == EIO || code == EISDIR))
        return CST__NOTHING_LEFT;
    return from->kind == CST__SOCKET && code != EPIPE && to->kind == CST__PIPE ? CST__SOURCE_FAILED
                                                                               : CST__DEST_FAILED;
}

/* Move some of at most n bytes, and add to *moved how many. */
static enum cst__move step(const struct cst__side *from, const struct cst__side *to, size_t n,
                           size_t *moved)
{
    ssize_t got;

    do
        got = move_guarded(from, to, n);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return CST__NOTHING_LEFT;
    if (got < 0)
        return cst__would_block(errno) ? who_waits(from, to) : what_failed(from, to, errno);
    *moved += (size_t)got;
    return CST__MOVED;
}

/* --- through the conduit ---------------------------------------------------------------------- */

static struct cst__side conduit_end(struct cst__descriptor *d, int end)
{
    return (struct cst__side){ .fd = d->conduit[end], .kind = CST__PIPE };
}

static ssize_t put_some(const struct cst__side *to, const char *bytes, size_t n)
{
    struct cst__guard own, *guard = cst__guard_before(to->d, to->loop, &own);
    ssize_t put =
        to->position ? pwrite(to->fd, bytes, n, (off_t)*to->position) : write(to->fd, bytes, n);

    cst__guard_after(guard, put, n);
    return put;
}

/* Copy some bytes out of the conduit into a file. */
static enum cst__move copy_step(const struct cst__side *from, const struct cst__side *to,
                                size_t *moved)
{
    char bytes[4096];
    ssize_t n, done = 0;

    do
        n = read(from->fd, bytes, sizeof(bytes));
    while (n < 0 && errno == EINTR);
    while (done < n) {
        ssize_t put = put_some(to, bytes + done, (size_t)(n - done));

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return CST__DEST_FAILED;
        done += put;
        *moved += (size_t)put;
        if (to->position)
            *to->position += (uint64_t)put;
    }
    return n > 0 ? CST__MOVED : CST__DEST_FAILED;
}

/*
 * Empty the conduit. A file cannot be waited for: what it does not take by splice, for whatever
 * reason, is written. CST__MOVED: nothing is held any more. CST__DEST_WAITS, CST__DEST_FAILED.
 */
static enum cst__move drain(struct cst__descriptor *d, const struct cst__side *to)
{
    struct cst__side from = conduit_end(d, 0);
    enum cst__move outcome = CST__MOVED;

    while (d->held > 0 && outcome == CST__MOVED) {
        size_t moved = 0;

        outcome = step(&from, to, d->held, &moved);
        if (to->kind == CST__FILE && (outcome == CST__CANNOT_MOVE || outcome == CST__DEST_WAITS))
            outcome = copy_step(&from, to, &moved);
        d->held -= moved;
        d->bytes_written += moved;
    }
    if (outcome == CST__NOTHING_LEFT)
        errno = EIO;
    return outcome == CST__CANNOT_MOVE || outcome == CST__NOTHING_LEFT ? CST__DEST_FAILED : outcome;
}

cst_status cst__conduit_drain(struct cst__descriptor *d, cst_loop *loop)
{
    struct cst__side to = { .d = d, .loop = loop, .fd = d->fd, .kind = d->kind };
    enum cst__move outcome = drain(d, &to);

    rest_conduit(d, loop);
    switch (outcome) {
    case CST__MOVED:
        return CST_OK;
    case CST__DEST_WAITS:
        return CST_PENDING;
    case CST__NOTHING_LEFT:
    case CST__SOURCE_WAITS:
    case CST__SOURCE_FAILED:
    case CST__DEST_FAILED:
    case CST__CANNOT_MOVE:
        break;
    }
    return cst__os_error();
}

/*
 * Move bytes from the source into the conduit, and from there on. What has left the source counts
 * as moved even if it cannot go on.
 */
static enum cst__move step_twice(const struct cst__side *from, const struct cst__side *to, size_t n,
                                 size_t *moved)
{
    struct cst__descriptor *d = to->d;
    struct cst__side in;
    enum cst__move outcome;
    size_t taken = 0;

    grow_conduit(d, to->loop);
    in = conduit_end(d, 1);
    outcome = step(from, &in, n < step_size(d) ? n : step_size(d), &taken);
    *moved += taken;
    d->held += taken;
    if (outcome != CST__MOVED)
        return outcome;
    outcome = drain(d, to);
    settle_step(d, taken, outcome == CST__DEST_WAITS);
    return outcome;
}

/* --- many steps ------------------------------------------------------------------------------- */

/* How often in a row a call may say EAGAIN although both sides look ready. */
#define MOST_IDLE 3

bool cst__needs_conduit(const struct cst__side *from, const struct cst__side *to)
{
    return from->kind == CST__SOCKET && to->kind != CST__PIPE;
}

/* A step that moves little has emptied the source: ask the loop before the next one. */
static enum cst__move move_many(const struct cst__side *from, const struct cst__side *to,
                                size_t most, size_t *moved)
{
    bool conduit = cst__needs_conduit(from, to);
    enum cst__move outcome = CST__MOVED;
    unsigned idle = 0;

    while (outcome == CST__MOVED && *moved < most) {
        size_t before = *moved, full = conduit ? step_size(to->d) : STEP_BYTES;

        outcome = conduit ? step_twice(from, to, most - before, moved)
                          : step(from, to, most - before, moved);
        if (outcome != CST__MOVED)
            break;
        if (*moved == before)
            outcome = ++idle < MOST_IDLE ? CST__MOVED : CST__NOTHING_LEFT;
        else if (from->kind != CST__FILE && *moved - before < full && *moved < most)
            outcome = CST__SOURCE_WAITS;
    }
    return outcome;
}

enum cst__move cst__move_bytes(const struct cst__side *from, const struct cst__side *to,
                               size_t most, size_t *moved)
{
    bool conduit = cst__needs_conduit(from, to);
    enum cst__move outcome;

    if (conduit && !have_conduit(to->d, to->loop))
        return CST__NOTHING_LEFT;
    outcome = move_many(from, to, most, moved);
    from->d->bytes_read += *moved;
    if (conduit)
        rest_conduit(to->d, to->loop);
    else
        to->d->bytes_written += *moved;
    return outcome;
}

#endif

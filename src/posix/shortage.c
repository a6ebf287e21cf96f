/*
 * shortage.c - no descriptor is left: conduits, which help only speed, are given up first.
 */
#include "move.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

/*
 * If the conduit of a stream holds bytes, take them into memory and close the conduit. Return
 * whether that was done.
 */
static bool rescue(struct cst__fd *fd)
{
    cst_slice rescued;
    cst_buf buf;

    if (!fd->d.held ||
        cst_buf_new(&buf, cst_ctx_allocator(cst_stream_ctx(fd->stream)), fd->d.held) < 0)
        return false;
    if (!read_conduit(&fd->d, &buf)) {
        cst_buf_free(&buf);
        return false;
    }
    rescued = cst_buf_freeze(&buf, fd->d.held);
    cst__outgoing_set(&fd->outgoing, &rescued, 1);
    fd->is_rescued = true;
    cst__conduit_close(&fd->d, fd->watch.loop);
    return true;
}

static bool rescue_one(const cst_loop *loop)
{
    for (size_t fd = 0; fd < loop->place_cap; fd++)
        for (const cst_watch *watch = loop->places[fd].first; watch; watch = watch->next)
            if (watch->wanted && watch->of_stream && rescue(watch->arg))
                return true;
    return false;
}

bool cst__conduits_give_up(cst_loop *loop)
{
    int error = errno;
    bool any = cst__conduits_close_spare(&loop->conduits) || rescue_one(loop);

    errno = error;
    return any;
}

int cst__above_standard_in(int fd, cst_loop *loop)
{
    int above, error;

    if (fd < 0 || fd > STDERR_FILENO || !loop)
        return cst__above_standard(fd);
    above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (above < 0 && cst__descriptors_are_short() && cst__conduits_give_up(loop))
        above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    error = errno;
    (void)close(fd);
    errno = error;
    return above;
}

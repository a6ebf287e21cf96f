/*
 * backend_kqueue.c - waiting by kqueue(2), level-triggered: a filter for each event.
 *
 * Closing a descriptor removes its filters, and one without filters reports nothing.
 */
#include "posix_internal.h"

#if CST__HAS_KQUEUE
#include <errno.h>
#include <fcntl.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <time.h>

static cst_status set_filter(cst_loop *loop, int fd, unsigned event, bool on)
{
    uint32_t generation = fd == loop->wake_read ? 0 : loop->places[fd].generation;
    struct kevent change;

    EV_SET(&change, (uintptr_t)fd, event == CST_WATCH_READ ? EVFILT_READ : EVFILT_WRITE,
           on ? EV_ADD : EV_DELETE, 0, 0, (void *)(uintptr_t)generation);
    while (kevent(loop->kernel, &change, 1, NULL, 0, NULL) < 0)
        if (errno != EINTR)
            return cst__os_error();
    return CST_OK;
}

static cst_status kqueue_change(cst_loop *loop, int fd, unsigned before, unsigned after)
{
    cst_status st = CST_OK;

    if ((before ^ after) & CST_WATCH_READ)
        st = set_filter(loop, fd, CST_WATCH_READ, after & CST_WATCH_READ);
    if (st == CST_OK && ((before ^ after) & CST_WATCH_WRITE))
        st = set_filter(loop, fd, CST_WATCH_WRITE, after & CST_WATCH_WRITE);
    return st;
}

/* The filters of a file look at its position: at its end it would not be ready. */
static cst_status kqueue_add(cst_loop *loop, int fd, unsigned events)
{
    struct stat about;
    cst_status st;

    if (fstat(fd, &about) < 0)
        return cst__os_error();
    if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))
        return CST_E_UNSUPPORTED;
    st = kqueue_change(loop, fd, 0, events);
    return st == CST_OS(ENODEV) || st == CST_OS(EINVAL) || st == CST_OS(EPERM) ? CST_E_UNSUPPORTED
                                                                               : st;
}

static void kqueue_remove(cst_loop *loop, int fd, unsigned before)
{
    (void)kqueue_change(loop, fd, before, 0);
}

static cst_status kqueue_open(cst_loop *loop)
{
    loop->kernel = cst__above_standard(kqueue());
    if (loop->kernel < 0)
        return cst__os_error();
    (void)fcntl(loop->kernel, F_SETFD, FD_CLOEXEC);
    return set_filter(loop, loop->wake_read, CST_WATCH_READ, true);
}

static void kqueue_close(cst_loop *loop)
{
    (void)cst__close(&loop->kernel);
}

/*
 * Note one filter's event. If the place has both filters, they are made one: a watch is called once
 * for what has come.
 */
static int note_event(const cst_loop *loop, struct cst__came *came, int n, const struct kevent *e)
{
    unsigned event = e->filter == EVFILT_READ ? CST_WATCH_READ : CST_WATCH_WRITE;
    int fd = (int)e->ident;

    if (fd != loop->wake_read && loop->places[fd].registered != event)
        for (int i = 0; i < n; i++)
            if (came[i].fd == fd) {
                came[i].events |= event;
                return n;
            }
    came[n] = (struct cst__came){ fd, (uint32_t)(uintptr_t)e->udata, event };
    return n + 1;
}

static int kqueue_wait(cst_loop *loop, struct cst__came *came, int timeout_ms)
{
    struct timespec timeout = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
    struct kevent events[CST__MOST_CAME];
    int found =
        kevent(loop->kernel, NULL, 0, events, CST__MOST_CAME, timeout_ms < 0 ? NULL : &timeout);
    int n = found < 0 ? found : 0;

    for (int i = 0; i < found; i++)
        n = note_event(loop, came, n, &events[i]);
    return n;
}

#endif

const struct cst__backend cst__backend_kqueue = {
    .name = "kqueue",
#if CST__HAS_KQUEUE
    .keeps = true,
    .open = kqueue_open,
    .close = kqueue_close,
    .add = kqueue_add,
    .change = kqueue_change,
    .remove = kqueue_remove,
    .wait = kqueue_wait,
#endif
};

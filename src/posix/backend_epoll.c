/*
 * backend_epoll.c - waiting by epoll(7), level-triggered.
 *
 * A descriptor that is waited for nothing stays in the set, edge-triggered without events: a
 * hang-up, which epoll reports whatever was asked for, is reported once then, and waiting again
 * needs no memory of the system.
 */
#include "posix_internal.h"

#if CST__HAS_EPOLL
#include <errno.h>
#include <sys/epoll.h>

static struct epoll_event epoll_event_of(const cst_loop *loop, int fd, unsigned events)
{
    struct epoll_event event = { .events = events ? 0 : EPOLLET };
    uint32_t generation = fd == loop->wake_read ? 0 : loop->places[fd].generation;

    if (events & CST_WATCH_READ)
        event.events |= EPOLLIN;
    if (events & CST_WATCH_WRITE)
        event.events |= EPOLLOUT;
    event.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd;
    return event;
}

/* Files that are always ready, such as those on a disk, are refused with EPERM. */
static cst_status epoll_add(cst_loop *loop, int fd, unsigned events)
{
    struct epoll_event event = epoll_event_of(loop, fd, events);

    if (epoll_ctl(loop->kernel, EPOLL_CTL_ADD, fd, &event) == 0)
        return CST_OK;
    if (errno == EPERM)
        return CST_E_UNSUPPORTED;
    /* Its watch was not removed before it was closed, and a duplicate has kept it here. */
    if (errno == EEXIST && epoll_ctl(loop->kernel, EPOLL_CTL_MOD, fd, &event) == 0)
        return CST_OK;
    return cst__os_error();
}

static cst_status epoll_change(cst_loop *loop, int fd, unsigned before, unsigned after)
{
    struct epoll_event event = epoll_event_of(loop, fd, after);

    (void)before;
    return epoll_ctl(loop->kernel, EPOLL_CTL_MOD, fd, &event) < 0 ? cst__os_error() : CST_OK;
}

static void epoll_remove(cst_loop *loop, int fd, unsigned before)
{
    struct epoll_event unused = { .events = 0 };

    (void)before;
    (void)epoll_ctl(loop->kernel, EPOLL_CTL_DEL, fd, &unused);
}

static cst_status epoll_open(cst_loop *loop)
{
    loop->kernel = cst__above_standard(epoll_create1(EPOLL_CLOEXEC));
    return loop->kernel < 0 ? cst__os_error() : epoll_add(loop, loop->wake_read, CST_WATCH_READ);
}

static void epoll_close(cst_loop *loop)
{
    (void)cst__close(&loop->kernel);
}

static int epoll_wait_for(cst_loop *loop, struct cst__came *came, int timeout_ms)
{
    struct epoll_event events[CST__MOST_CAME];
    int n = epoll_wait(loop->kernel, events, CST__MOST_CAME, timeout_ms);

    for (int i = 0; i < n; i++) {
        came[i].fd = (int)(uint32_t)events[i].data.u64;
        came[i].generation = (uint32_t)(events[i].data.u64 >> 32);
        came[i].events = 0;
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            came[i].events |= CST_WATCH_READ;
        if (events[i].events & ~(uint32_t)EPOLLIN)
            came[i].events |= CST_WATCH_WRITE;
    }
    return n;
}

#endif

const struct cst__backend cst__backend_epoll = {
    .name = "epoll",
#if CST__HAS_EPOLL
    .keeps = true,
    .open = epoll_open,
    .close = epoll_close,
    .add = epoll_add,
    .change = epoll_change,
    .remove = epoll_remove,
    .wait = epoll_wait_for,
#endif
};

/*
 * backend_poll.c - waiting by poll(2).
 *
 * The descriptors that somebody waits for lie side by side, as poll wants them. The place of each
 * knows where it lies. The first is the loop's own, through which it is woken.
 *
 *      polled  [ wake | 7 in | 9 in out | 12 out | . . . ]     polled_count 4
 *
 * polled_cap is at least 1 + added.
 */
#include "posix_internal.h"

#include <string.h>

static short poll_events(unsigned events)
{
    return (short)(((events & CST_WATCH_READ) ? POLLIN : 0) |
                   ((events & CST_WATCH_WRITE) ? POLLOUT : 0));
}

static cst_status grow_polled(cst_loop *loop, size_t cap)
{
    struct pollfd *polled = NULL;

    if (cap <= SIZE_MAX / sizeof(*polled))
        polled = cst__loop_resize(loop, loop->polled, loop->polled_cap * sizeof(*polled),
                                  cap * sizeof(*polled));
    if (!polled)
        return CST_E_NOMEM;
    loop->polled = polled;
    loop->polled_cap = cap;
    return CST_OK;
}

static cst_status poll_open(cst_loop *loop)
{
    cst_status st = grow_polled(loop, 16);

    if (st < 0)
        return st;
    loop->polled[0] = (struct pollfd){ .fd = loop->wake_read, .events = POLLIN };
    loop->polled_count = 1;
    return CST_OK;
}

static void poll_close(cst_loop *loop)
{
    cst__loop_give_back(loop, loop->polled, loop->polled_cap * sizeof(*loop->polled));
}

/* The last one takes the slot. */
static void leave_slot(cst_loop *loop, int fd)
{
    uint32_t slot = loop->places[fd].slot;

    loop->polled[slot] = loop->polled[--loop->polled_count];
    if (slot < loop->polled_count)
        loop->places[loop->polled[slot].fd].slot = slot;
    loop->places[fd].slot = 0;
}

static cst_status poll_change(cst_loop *loop, int fd, unsigned before, unsigned after)
{
    struct cst__place *place = &loop->places[fd];

    if (!before) {
        place->slot = (uint32_t)loop->polled_count++;
        loop->polled[place->slot] = (struct pollfd){ .fd = fd };
    }
    loop->polled[place->slot].events = poll_events(after);
    if (!after)
        leave_slot(loop, fd);
    return CST_OK;
}

static cst_status poll_add(cst_loop *loop, int fd, unsigned events)
{
    cst_status st = CST_OK;

    if (loop->added + 2 > loop->polled_cap)
        st = grow_polled(loop, loop->polled_cap * 2);
    return st == CST_OK && events ? poll_change(loop, fd, 0, events) : st;
}

static void poll_remove(cst_loop *loop, int fd, unsigned before)
{
    if (before)
        leave_slot(loop, fd);
}

static unsigned what_came(short revents)
{
    unsigned came = 0;

    if (revents & ~POLLOUT)
        came |= CST_WATCH_READ;
    if (revents & ~POLLIN)
        came |= CST_WATCH_WRITE;
    return came;
}

/*
 * From the last to the first, the wake. If there are more than are served in one turn, the next
 * look begins behind them.
 */
static int poll_wait(cst_loop *loop, struct cst__came *came, int timeout_ms)
{
    int ready = poll(loop->polled, (nfds_t)loop->polled_count, timeout_ms), n = 0;
    size_t at = loop->polled_next;

    if (ready <= 0)
        return ready;
    for (size_t i = 0; i < loop->polled_count && n < ready && n < CST__MOST_CAME; i++) {
        const struct pollfd *polled;

        at = at > 0 && at <= loop->polled_count ? at - 1 : loop->polled_count - 1;
        polled = &loop->polled[at];
        if (!polled->revents)
            continue;
        came[n++] = (struct cst__came){
            .fd = polled->fd,
            .generation = at == 0 ? 0 : loop->places[polled->fd].generation,
            .events = what_came(polled->revents),
        };
    }
    loop->polled_next = n < ready ? at : 0;
    return n;
}

const struct cst__backend cst__backend_poll = {
    .name = "poll",
    .open = poll_open,
    .close = poll_close,
    .add = poll_add,
    .change = poll_change,
    .remove = poll_remove,
    .wait = poll_wait,
};

/*
 * standin.c - kqueue(2) by means of epoll, as far as backend_kqueue.c needs it:
 *
 *     - each of the two filters of a descriptor is added and deleted by itself, with a word of its
 *       own, and makes an event of its own
 *     - EV_ADD of a filter that is there replaces its word; EV_DELETE of one that is not there is
 *       ENOENT; a descriptor that is not open is EBADF
 *     - a hang-up is an event of the filters that are there, with EV_EOF, and of none otherwise
 *     - filters go when their descriptor's number is closed or becomes another file's
 *
 * One thread at a time uses a queue; two threads do not make one at the same time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_DESCRIPTORS = 4096, MOST_EVENTS = 256, READ_FILTER = 1, WRITE_FILTER = 2 };

/* The filters of one number, and the file that they are of. */
struct note {
    dev_t device;
    ino_t file;
    unsigned filters;
    void *words[2];
};

struct queue {
    struct note notes[MOST_DESCRIPTORS];
};

/* By the number of its descriptor. One that was closed is used again with its number. */
static struct queue *queues[MOST_DESCRIPTORS];

/* A duplicate would not be known: so the number is one that the library keeps. */
static int new_descriptor(void)
{
    int fd = epoll_create1(0), above;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    above = fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
    close(fd);
    return above;
}

int kqueue(void)
{
    int kq = new_descriptor();

    if (kq < 0)
        return kq;
    if (kq >= MOST_DESCRIPTORS)
        abort();
    if (!queues[kq])
        queues[kq] = malloc(sizeof(*queues[kq]));
    if (!queues[kq])
        abort();
    memset(queues[kq], 0, sizeof(*queues[kq]));
    return kq;
}

static int apply(int kq, int fd, struct note *note, unsigned filters)
{
    struct epoll_event event = { .events = ((filters & READ_FILTER) ? EPOLLIN : 0u) |
                                           ((filters & WRITE_FILTER) ? EPOLLOUT : 0u),
                                 .data.fd = fd };
    int how = !note->filters ? EPOLL_CTL_ADD : !filters ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    int result = epoll_ctl(kq, how, fd, &event);

    /* A duplicate of what was closed under this number is still there. */
    if (result < 0 && how == EPOLL_CTL_ADD && errno == EEXIST)
        result = epoll_ctl(kq, EPOLL_CTL_MOD, fd, &event);
    if (result < 0 && errno == EPERM)
        errno = ENODEV;
    if (result == 0)
        note->filters = filters;
    return result;
}

/* The filters of a file that has left this number are gone. */
static int look(int fd, struct note *note)
{
    struct stat about;

    if (fd < 0 || fd >= MOST_DESCRIPTORS || fstat(fd, &about) < 0) {
        errno = EBADF;
        return -1;
    }
    if (note->device != about.st_dev || note->file != about.st_ino)
        *note = (struct note){ .device = about.st_dev, .file = about.st_ino };
    return 0;
}

static int change(int kq, const struct kevent *c)
{
    int fd = (int)c->ident;
    struct note *note = &queues[kq]->notes[fd];
    unsigned filter = c->filter == EVFILT_READ ? READ_FILTER : WRITE_FILTER;

    if (look(fd, note) < 0)
        return -1;
    if (c->flags & EV_DELETE) {
        if (note->filters & filter)
            return apply(kq, fd, note, note->filters & ~filter);
        errno = ENOENT;
        return -1;
    }
    note->words[filter == WRITE_FILTER] = c->udata;
    return note->filters & filter ? 0 : apply(kq, fd, note, note->filters | filter);
}

static int report(const struct note *note, const struct epoll_event *from, unsigned filter,
                  struct kevent *to)
{
    unsigned ended = from->events & (EPOLLHUP | EPOLLERR);
    unsigned ready = from->events & (filter == READ_FILTER ? EPOLLIN : EPOLLOUT);

    if (!(note->filters & filter) || !(ended | ready))
        return 0;
    EV_SET(to, (uintptr_t)from->data.fd, filter == READ_FILTER ? EVFILT_READ : EVFILT_WRITE,
           ended ? EV_EOF : 0, 0, 0, note->words[filter == WRITE_FILTER]);
    return 1;
}

int kevent(int kq, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout)
{
    struct epoll_event from[MOST_EVENTS];
    int most = event_count < MOST_EVENTS ? event_count : MOST_EVENTS;
    int timeout_ms =
        timeout ? (int)(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000) : -1;
    int n, count = 0;

    for (int i = 0; i < change_count; i++)
        if (change(kq, &changes[i]) < 0)
            return -1;
    if (!event_count)
        return 0;
    n = epoll_wait(kq, from, most, timeout_ms);
    for (int i = 0; i < n; i++) {
        const struct note *note = &queues[kq]->notes[from[i].data.fd];

        if (count < event_count) /* what finds no room is still there the next time */
            count += report(note, &from[i], READ_FILTER, &events[count]);
        if (count < event_count)
            count += report(note, &from[i], WRITE_FILTER, &events[count]);
    }
    return n < 0 ? n : count;
}

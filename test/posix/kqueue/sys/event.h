/*
 * sys/event.h - a stand-in for kqueue(2), by which its backend is tried where there is none:
 * standin.c.
 */
#ifndef STANDIN_SYS_EVENT_H
#define STANDIN_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_EOF 0x8000

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    intptr_t data;
    void *udata;
};

#define EV_SET(event, id, filter_, flags_, fflags_, data_, udata_)  \
    (*(event) = (struct kevent){ .ident = (id),                     \
                                 .filter = (short)(filter_),        \
                                 .flags = (unsigned short)(flags_), \
                                 .fflags = (fflags_),               \
                                 .data = (data_),                   \
                                 .udata = (udata_) })

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout);

#endif

/*
 * sd_event.h - a cst_loop under sd-event of libsystemd: descriptors, files, sockets and servers
 * (posix/fd.h, fs.h, net.h) beside the program's own sources.
 *
 *     cst_sd_event host = { .on_status = on_status, .arg = event };
 *
 *     cst_loop_new(&loop, NULL, NULL);
 *     cst_sd_event_attach(&host, event, loop);
 *     cst_listen(&listener, loop, &at, NULL, on_client, NULL);
 *     sd_event_loop(event);                    until on_status, or whoever else, ends it
 *     cst_sd_event_detach(&host);
 *     cst_loop_free(loop);
 *     sd_event_unref(event);
 */
#ifndef CSTREAM_HOST_SD_EVENT_H
#define CSTREAM_HOST_SD_EVENT_H

#include <errno.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "../posix/loop.h"
#include "host.h"

/**
 * Where a loop is attached to sd-event. Storage of the program's: zero it, and set what is wanted
 * of the first fields. The others are private.
 *
 * on_status  called if a turn failed. sd_event_loop does not end when nothing is left. So it
 *            is also called, with CST_IDLE, after a turn that has left nothing in the loop: a
 *            program that has nothing else calls sd_event_exit then. NULL: a failure ends
 *            sd_event_loop, which returns it.
 * arg        for it
 * status     the latest failure; CST_OK if there was none
 */
typedef struct cst_sd_event {
    cst_host_status_fn *on_status;
    void *arg;
    cst_status status;
    cst_loop *loop;
    sd_event *event;
    sd_event_source *io, *timer;
    bool is_changed;
} cst_sd_event;

/* Private. sd-event's errors are -errno. */
static inline cst_status cst_sd_event_status(int error)
{
    return error >= 0 ? CST_OK : error == -ENOMEM ? CST_E_NOMEM : CST_OS(-error);
}

/* Private: run a turn. */
static inline void cst_sd_event_turn(cst_sd_event *host)
{
    cst_status st;

    host->is_changed = false;
    st = cst_loop_run_once(host->loop, 0);
    if (st == CST_MORE || st == CST_E_NESTED || !host->loop)
        return;
    if (st < 0)
        host->status = st;
    if (host->on_status)
        host->on_status(st, host->arg);
    else if (st < 0)
        sd_event_exit(host->event, st);
}

/* Private: the loop's descriptor is readable. */
static inline int cst_sd_event_on_ready(sd_event_source *io, int fd, uint32_t events, void *arg)
{
    (void)io;
    (void)fd;
    (void)events;
    cst_sd_event_turn(CST_HOST_CAST(cst_sd_event *, arg));
    return 0;
}

/* Private: the sleep has ended. */
static inline int cst_sd_event_on_timer(sd_event_source *timer, uint64_t us, void *arg)
{
    cst_sd_event *host = CST_HOST_CAST(cst_sd_event *, arg);

    (void)timer;
    (void)us;
    if (host->is_changed || cst_loop_timeout_ns(host->loop) == 0)
        cst_sd_event_turn(host);
    return 0;
}

/* Private: end the sleep in ns. sd-event counts from the time when it was last woken. */
static inline int cst_sd_event_sleep(cst_sd_event *host, uint64_t ns)
{
    struct timespec now = { 0, 0 };
    uint64_t now_ns;
    int error;

    if (ns == CST_NEVER)
        return sd_event_source_set_enabled(host->timer, SD_EVENT_OFF);
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ns = CST_HOST_CAST(uint64_t, now.tv_sec) * 1000000000;
    now_ns += CST_HOST_CAST(uint64_t, now.tv_nsec);
    ns = ns < UINT64_MAX / 2 - now_ns ? now_ns + ns : UINT64_MAX / 2;
    error = sd_event_source_set_time(host->timer, cst_host_round_up(ns, 1000, UINT64_MAX));
    return error < 0 ? error : sd_event_source_set_enabled(host->timer, SD_EVENT_ONESHOT);
}

/* Private: sd-event is about to compute how long it sleeps. A turn here could not end its loop
 * before the sleep. */
static inline int cst_sd_event_before_sleep(sd_event_source *io, void *arg)
{
    cst_sd_event *host = CST_HOST_CAST(cst_sd_event *, arg);

    (void)io;
    return cst_sd_event_sleep(host, host->is_changed ? 0 : cst_loop_timeout_ns(host->loop));
}

/* Private: one of the program's own callbacks has given the loop something, or taken it away. */
static inline void cst_sd_event_on_change(void *arg)
{
    CST_HOST_CAST(cst_sd_event *, arg)->is_changed = true;
}

/**
 * Undo cst_sd_event_attach, at any time, inside a callback of the loop's too. The loop may be
 * freed, or run by something else, and host's storage may go, once that callback has returned.
 * Does nothing if host is NULL or not attached.
 */
static inline void cst_sd_event_detach(cst_sd_event *host)
{
    if (!host || !host->loop)
        return;
    cst_loop_set_host(host->loop, NULL, NULL);
    host->loop = NULL;
    if (host->io)
        sd_event_source_set_enabled(host->io, SD_EVENT_OFF);
    if (host->timer)
        sd_event_source_set_enabled(host->timer, SD_EVENT_OFF);
    host->io = sd_event_source_unref(host->io);
    host->timer = sd_event_source_unref(host->timer);
    host->event = sd_event_unref(host->event);
}

/**
 * Have sd-event run a loop, from now until it is detached. Call this on the thread that runs the
 * event loop. The loop must be run by nothing else meanwhile.
 *
 * Another thread may cst_post at any time.
 *
 * CST_OK             attached
 * CST_E_UNSUPPORTED  the loop's backend has no descriptor (poll)
 * CST_E_INVALID_ARG  an argument is NULL, or host or loop is attached already
 * CST_E_NOMEM        nothing has changed
 * CST_OS(n)          sd-event refuses the descriptor; nothing has changed
 */
static inline cst_status cst_sd_event_attach(cst_sd_event *host, sd_event *event, cst_loop *loop)
{
    int error;

    if (!host || !event || !loop || host->loop)
        return CST_E_INVALID_ARG;
    if (cst_loop_fd(loop) < 0)
        return CST_E_UNSUPPORTED;
    if (cst_loop_set_host(loop, cst_sd_event_on_change, host) < 0)
        return CST_E_INVALID_ARG;
    host->loop = loop;
    host->event = sd_event_ref(event);
    host->io = host->timer = NULL;
    host->is_changed = true; /* the first turn looks what there is */
    error =
        sd_event_add_io(event, &host->io, cst_loop_fd(loop), EPOLLIN, cst_sd_event_on_ready, host);
    if (error >= 0)
        error = sd_event_add_time(event, &host->timer, CLOCK_MONOTONIC, UINT64_MAX, 1,
                                  cst_sd_event_on_timer, host);
    if (error >= 0)
        error = sd_event_source_set_prepare(host->io, cst_sd_event_before_sleep);
    if (error < 0)
        cst_sd_event_detach(host);
    return cst_sd_event_status(error);
}

#endif

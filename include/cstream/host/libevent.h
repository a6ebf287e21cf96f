/*
 * libevent.h - a cst_loop under libevent 2.1: descriptors, files, sockets and servers (posix/fd.h,
 * fs.h, net.h) beside the program's own events.
 *
 *     cst_libevent host = { 0 };
 *
 *     cst_loop_new(&loop, NULL, NULL);
 *     cst_libevent_attach(&host, base, loop);
 *     cst_listen(&listener, loop, &at, NULL, on_client, NULL);
 *     event_base_dispatch(base);               returns when neither of the two has anything left
 *     cst_libevent_detach(&host);
 *     cst_loop_free(loop);
 *     event_base_free(base);
 */
#ifndef CSTREAM_HOST_LIBEVENT_H
#define CSTREAM_HOST_LIBEVENT_H

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "../posix/loop.h"
#include "host.h"

/**
 * Where a loop is attached to libevent. Storage of the program's: zero it, and set what is wanted
 * of the first fields. The others are private.
 *
 * on_status  called if a turn failed. NULL: event_base_loopbreak is called, so that the base's loop
 *            returns; run it again to go on.
 * arg        for it
 * status     the latest failure; CST_OK if there was none
 */
typedef struct cst_libevent {
    cst_host_status_fn *on_status;
    void *arg;
    cst_status status;
    cst_loop *loop;
    struct event_base *base;
    struct event watch, timer;
    bool counts; /* watch keeps the base's loop running */
} cst_libevent;

/* Private. */
static inline void cst_libevent_tell(cst_libevent *host, cst_status st)
{
    host->status = st;
    if (host->on_status)
        host->on_status(st, host->arg);
    else
        event_base_loopbreak(host->base);
}

/* Private: watch the loop's descriptor. An internal event of libevent's, as the ones by which it
 * hears of signals, does not keep the base's loop running. */
static inline int cst_libevent_watch(cst_libevent *host, bool counts)
{
    event_del(&host->watch);
    if (counts)
        host->watch.ev_evcallback.evcb_flags &= ~EVLIST_INTERNAL;
    else
        host->watch.ev_evcallback.evcb_flags |= EVLIST_INTERNAL;
    host->counts = counts;
    return event_add(&host->watch, NULL);
}

/* Private: end the sleep in ns. libevent counts from the time when it last read its clock. */
static inline int cst_libevent_sleep(cst_libevent *host, uint64_t ns)
{
    uint64_t us = cst_host_round_up(ns, 1000, UINT64_C(1000000000000000));
    struct timeval wait;

    if (ns == CST_NEVER)
        return event_del(&host->timer);
    wait.tv_sec = CST_HOST_CAST(time_t, us / 1000000);
    wait.tv_usec = CST_HOST_CAST(suseconds_t, us % 1000000);
    event_base_update_cache_time(host->base);
    return event_add(&host->timer, &wait);
}

/* Private: run a turn, and see what the loop waits for now. */
static inline void cst_libevent_turn(evutil_socket_t fd, short what, void *arg)
{
    cst_libevent *host = CST_HOST_CAST(cst_libevent *, arg);
    cst_status st = cst_loop_run_once(host->loop, 0);
    int failed = 0;

    (void)fd;
    (void)what;
    if (host->loop && st < 0 && st != CST_E_NESTED)
        cst_libevent_tell(host, st);
    if (!host->loop)
        return; /* detached by a callback */
    if (cst_loop_is_alive(host->loop) != host->counts)
        failed = cst_libevent_watch(host, !host->counts);
    if (cst_libevent_sleep(host, cst_loop_timeout_ns(host->loop)) < 0 || failed)
        cst_libevent_tell(host, CST_E_NOMEM);
}

/* Private: one of the program's own callbacks has given the loop something, or taken it away. */
static inline void cst_libevent_on_change(void *arg)
{
    event_active(&CST_HOST_CAST(cst_libevent *, arg)->timer, EV_READ, 0);
}

/**
 * Have libevent run a loop, from now until it is detached. Call this on the thread that runs the
 * base's loop. The loop must be run by nothing else meanwhile.
 *
 * The base's loop goes on while the loop has something to do or to wait for (cst_loop_is_alive),
 * whoever has given it: before the base's loop runs, in a callback of the loop's or in one of
 * libevent's. Another thread may cst_post while the base's loop goes on; if nothing else keeps it
 * running, hold the loop (cst_loop_hold). libevent itself need not know of threads.
 *
 * A timer that one of libevent's callbacks stops (cst_timer_stop) keeps the base's loop running
 * until it would have been due, or until the loop's next turn.
 *
 * CST_OK             attached
 * CST_E_UNSUPPORTED  the loop's backend has no descriptor (poll); or this libevent is another one
 *                    than that of the header
 * CST_E_INVALID_ARG  an argument is NULL, or host or loop is attached already
 * CST_E_NOMEM        libevent refuses the descriptor; nothing has changed
 */
static inline cst_status cst_libevent_attach(cst_libevent *host, struct event_base *base,
                                             cst_loop *loop)
{
    if (!host || !base || !loop || host->loop)
        return CST_E_INVALID_ARG;
    if (cst_loop_fd(loop) < 0 || event_get_struct_event_size() != sizeof(struct event))
        return CST_E_UNSUPPORTED;
    if (cst_loop_set_host(loop, cst_libevent_on_change, host) < 0)
        return CST_E_INVALID_ARG;
    event_assign(&host->watch, base, cst_loop_fd(loop), EV_READ | EV_PERSIST, cst_libevent_turn,
                 host);
    event_assign(&host->timer, base, -1, 0, cst_libevent_turn, host);
    host->timer.ev_evcallback.evcb_flags |= EVLIST_INTERNAL;
    host->base = base;
    if (cst_libevent_watch(host, true) < 0) {
        cst_loop_set_host(loop, NULL, NULL);
        return CST_E_NOMEM;
    }
    host->loop = loop;
    cst_libevent_on_change(host); /* the first turn looks what there is */
    return CST_OK;
}

/**
 * Undo cst_libevent_attach, at any time, inside a callback of the loop's too. The loop may be
 * freed, or run by something else, and host's storage may go, once that callback has returned.
 * Detach before event_base_free. Does nothing if host is NULL or not attached.
 */
static inline void cst_libevent_detach(cst_libevent *host)
{
    if (!host || !host->loop)
        return;
    cst_loop_set_host(host->loop, NULL, NULL);
    host->loop = NULL;
    event_del(&host->watch);
    event_del(&host->timer);
}

#endif

/*
 * libev.h - a cst_loop under libev: descriptors, files, sockets and servers (posix/fd.h, fs.h,
 * net.h) beside the program's own watchers.
 *
 *     cst_libev host = { 0 };
 *
 *     cst_loop_new(&loop, NULL, NULL);
 *     cst_libev_attach(&host, ev, loop);
 *     cst_listen(&listener, loop, &at, NULL, on_client, NULL);
 *     ev_run(ev, 0);                           returns when neither of the two has anything left
 *     cst_libev_detach(&host);
 *     cst_loop_free(loop);
 *     ev_loop_destroy(ev);
 */
#ifndef CSTREAM_HOST_LIBEV_H
#define CSTREAM_HOST_LIBEV_H

#include <ev.h>

#include "../posix/loop.h"
#include "host.h"

/**
 * Where a loop is attached to libev. Storage of the program's: zero it, and set what is wanted of
 * the first fields. The others are private.
 *
 * on_status  called if a turn failed. NULL: ev_break is called, so that ev_run returns; run it
 *            again to go on.
 * arg        for it
 * status     the latest failure; CST_OK if there was none
 */
typedef struct cst_libev {
    cst_host_status_fn *on_status;
    void *arg;
    cst_status status;
    cst_loop *loop;
    struct ev_loop *ev;
    ev_io io;
    ev_prepare prepare;
    ev_timer timer;
    bool counts; /* ev_run goes on for the loop */
} cst_libev;

/* Private: run a turn. */
static inline void cst_libev_turn(cst_libev *host)
{
    cst_status st = cst_loop_run_once(host->loop, 0);

    if (st >= 0 || st == CST_E_NESTED)
        return;
    host->status = st;
    if (host->on_status)
        host->on_status(st, host->arg);
    else
        ev_break(host->ev, EVBREAK_ALL);
}

/* Private: have ev_run go on for the loop, or not. */
static inline void cst_libev_count(cst_libev *host, bool counts)
{
    if (counts && !host->counts)
        ev_ref(host->ev);
    if (!counts && host->counts)
        ev_unref(host->ev);
    host->counts = counts;
}

/* Private: the loop's descriptor is readable. */
static inline void cst_libev_on_ready(struct ev_loop *ev, ev_io *io, int events)
{
    (void)ev;
    (void)events;
    cst_libev_turn(CST_HOST_CAST(cst_libev *, io->data));
}

/* Private: the sleep has ended, and the next prepare does the rest. */
static inline void cst_libev_on_timer(struct ev_loop *ev, ev_timer *timer, int events)
{
    (void)ev;
    (void)timer;
    (void)events;
}

/* Private: end the sleep in ns. The timer always runs, for years if need be; its time of 0 would
 * stop it. */
static inline void cst_libev_sleep(cst_libev *host, uint64_t ns)
{
    uint64_t us = cst_host_round_up(ns, 1000, UINT64_C(100000000000000));

    ev_now_update(host->ev);
    host->timer.repeat = CST_HOST_CAST(ev_tstamp, us ? us : 1) * 1e-6;
    ev_timer_again(host->ev, &host->timer);
}

/* Private: libev is about to compute how long it sleeps. */
static inline void cst_libev_before_sleep(struct ev_loop *ev, ev_prepare *prepare, int events)
{
    cst_libev *host = CST_HOST_CAST(cst_libev *, prepare->data);

    (void)ev;
    (void)events;
    if (cst_loop_timeout_ns(host->loop) == 0)
        cst_libev_turn(host);
    if (!host->loop)
        return; /* detached by a callback */
    cst_libev_sleep(host, cst_loop_timeout_ns(host->loop));
    cst_libev_count(host, cst_loop_is_alive(host->loop));
}

/* Private: one of the program's own callbacks has given the loop something, or taken it away. */
static inline void cst_libev_on_change(void *arg)
{
    cst_libev_count(CST_HOST_CAST(cst_libev *, arg), true);
}

/**
 * Have libev run a loop, from now until it is detached. Call this on the thread that runs ev_run.
 * The loop must be run by nothing else meanwhile.
 *
 * ev_run goes on while the loop has something to do or to wait for (cst_loop_is_alive), whoever has
 * given it: before ev_run, in a callback of the loop's or in one of libev's. Another thread may
 * cst_post while ev_run goes on; if nothing else keeps it running, hold the loop (cst_loop_hold).
 *
 * CST_OK             attached
 * CST_E_UNSUPPORTED  the loop's backend has no descriptor (poll)
 * CST_E_INVALID_ARG  an argument is NULL, or host or loop is attached already
 */
static inline cst_status cst_libev_attach(cst_libev *host, struct ev_loop *ev, cst_loop *loop)
{
    if (!host || !ev || !loop || host->loop)
        return CST_E_INVALID_ARG;
    if (cst_loop_fd(loop) < 0)
        return CST_E_UNSUPPORTED;
    if (cst_loop_set_host(loop, cst_libev_on_change, host) < 0)
        return CST_E_INVALID_ARG;
    host->loop = loop;
    host->ev = ev;
    host->counts = false;
    ev_io_init(&host->io, cst_libev_on_ready, cst_loop_fd(loop), EV_READ);
    ev_prepare_init(&host->prepare, cst_libev_before_sleep);
    ev_timer_init(&host->timer, cst_libev_on_timer, 0., 1.);
    host->io.data = host->prepare.data = host->timer.data = host;
    ev_io_start(ev, &host->io);
    ev_prepare_start(ev, &host->prepare);
    ev_timer_again(ev, &host->timer);
    for (int i = 0; i < 3; i++)
        ev_unref(ev);
    cst_libev_count(host, true); /* until the first look */
    return CST_OK;
}

/**
 * Undo cst_libev_attach, at any time, inside a callback of the loop's too. The loop may be
 * freed, or run by something else, and host's storage may go, once that callback has returned.
 * Detach before ev_loop_destroy. Does nothing if host is NULL or not attached.
 */
static inline void cst_libev_detach(cst_libev *host)
{
    if (!host || !host->loop)
        return;
    cst_loop_set_host(host->loop, NULL, NULL);
    host->loop = NULL;
    cst_libev_count(host, false);
    for (int i = 0; i < 3; i++)
        ev_ref(host->ev);
    ev_io_stop(host->ev, &host->io);
    ev_prepare_stop(host->ev, &host->prepare);
    ev_timer_stop(host->ev, &host->timer);
}

#endif

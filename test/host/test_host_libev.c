/*
 * test_host_libev.c - host/libev.h: a loop under libev.
 */
#define HOST_STOPS
#include "host/cases.h"

#include <cstream/host/libev.h>

enum { TIMERS = 4 };

struct host_timer {
    ev_timer ev;
    cst_task_fn *fn;
    void *arg;
};

struct host {
    struct ev_loop *ev;
    cst_libev adapter;
    struct host_timer timers[TIMERS];
    unsigned timer;
};

static struct host *host_of_test(void)
{
    static struct host host;

    memset(&host, 0, sizeof(host));
    return &host;
}

static void host_begin(struct host *host)
{
    host->ev = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(host->ev);
}

static void host_end(struct host *host)
{
    ev_loop_destroy(host->ev);
}

static cst_status host_attach(struct host *host, cst_loop *loop, cst_host_status_fn *on_status)
{
    host->adapter.on_status = on_status;
    return cst_libev_attach(&host->adapter, host->ev, loop);
}

static cst_status host_attach_nothing(void)
{
    cst_libev adapter = { .on_status = NULL };

    return cst_libev_attach(&adapter, NULL, NULL);
}

static void host_detach(struct host *host)
{
    cst_libev_detach(&host->adapter);
}

static cst_status host_status(const struct host *host)
{
    return host->adapter.status;
}

static void host_run(struct host *host)
{
    ev_run(host->ev, 0);
}

static void host_turn(struct host *host)
{
    ev_run(host->ev, EVRUN_NOWAIT);
}

static void on_timer(struct ev_loop *ev, ev_timer *ev_timer, int events)
{
    const struct host_timer *timer = ev_timer->data;

    (void)ev;
    (void)events;
    timer->fn(timer->arg);
}

static void host_after_ms(struct host *host, unsigned ms, cst_task_fn *fn, void *arg)
{
    struct host_timer *timer = &host->timers[host->timer++ % TIMERS];

    timer->fn = fn;
    timer->arg = arg;
    ev_timer_init(&timer->ev, on_timer, ms / 1000.0, 0.);
    timer->ev.data = timer;
    ev_now_update(host->ev);
    ev_timer_start(host->ev, &timer->ev);
}

static const struct CMUnitTest tests[] = { HOST_CASES, HOST_CASE_STOP };

TEST_MAIN(tests)

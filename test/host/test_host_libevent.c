/*
 * test_host_libevent.c - host/libevent.h: a loop under libevent.
 */
#define HOST_STOPS
#include "host/cases.h"

#include <cstream/host/libevent.h>

enum { TIMERS = 4 };

struct host_timer {
    cst_task_fn *fn;
    void *arg;
};

struct host {
    struct event_base *base;
    cst_libevent adapter;
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
    host->base = event_base_new();
    assert_non_null(host->base);
}

static void host_end(struct host *host)
{
    event_base_free(host->base);
}

static cst_status host_attach(struct host *host, cst_loop *loop, cst_host_status_fn *on_status)
{
    host->adapter.on_status = on_status;
    return cst_libevent_attach(&host->adapter, host->base, loop);
}

static cst_status host_attach_nothing(void)
{
    cst_libevent adapter = { .on_status = NULL };

    return cst_libevent_attach(&adapter, NULL, NULL);
}

static void host_detach(struct host *host)
{
    cst_libevent_detach(&host->adapter);
}

static cst_status host_status(const struct host *host)
{
    return host->adapter.status;
}

static void host_run(struct host *host)
{
    assert_true(event_base_dispatch(host->base) >= 0);
}

static void host_turn(struct host *host)
{
    assert_true(event_base_loop(host->base, EVLOOP_NONBLOCK) >= 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    const struct host_timer *timer = arg;

    (void)fd;
    (void)what;
    timer->fn(timer->arg);
}

static void host_after_ms(struct host *host, unsigned ms, cst_task_fn *fn, void *arg)
{
    struct host_timer *timer = &host->timers[host->timer++ % TIMERS];
    const struct timeval wait = { .tv_usec = (suseconds_t)ms * 1000 };

    *timer = (struct host_timer){ .fn = fn, .arg = arg };
    assert_int_equal(event_base_once(host->base, -1, EV_TIMEOUT, on_timer, timer, &wait), 0);
}

static const struct CMUnitTest tests[] = { HOST_CASES, HOST_CASE_STOP };

TEST_MAIN(tests)

/*
 * test_host_sd_event.c - host/sd_event.h: a loop under sd-event.
 */
#include "host/cases.h"

#include <cstream/host/sd_event.h>

enum { TIMERS = 4 };

struct host_timer {
    struct host *host;
    cst_task_fn *fn;
    void *arg;
};

/* sd_event_loop does not end by itself, and an event loop that was exited is at its end. So the
 * tests run it turn by turn, until nothing is left. */
struct host {
    sd_event *event;
    cst_sd_event adapter;
    cst_host_status_fn *on_status;
    struct host_timer timers[TIMERS];
    unsigned timer, timers_left;
};

static struct host *host_of_test(void)
{
    static struct host host;

    memset(&host, 0, sizeof(host));
    return &host;
}

static void host_begin(struct host *host)
{
    sd_event_source *first; /* opens a descriptor for all timers */

    assert_true(sd_event_new(&host->event) >= 0);
    assert_true(sd_event_add_time(host->event, &first, CLOCK_MONOTONIC, 0, 1, NULL, NULL) >= 0);
    sd_event_source_unref(first);
}

static void host_end(struct host *host)
{
    sd_event_unref(host->event);
}

static void on_status(cst_status status, void *arg)
{
    const struct host *host = arg;

    if (host->on_status && status != CST_IDLE)
        host->on_status(status, arg);
}

static cst_status host_attach(struct host *host, cst_loop *loop, cst_host_status_fn *fn)
{
    host->on_status = fn;
    host->adapter.on_status = on_status;
    host->adapter.arg = host;
    return cst_sd_event_attach(&host->adapter, host->event, loop);
}

static cst_status host_attach_nothing(void)
{
    cst_sd_event adapter = { .on_status = NULL };

    return cst_sd_event_attach(&adapter, NULL, NULL);
}

static void host_detach(struct host *host)
{
    cst_sd_event_detach(&host->adapter);
}

static cst_status host_status(const struct host *host)
{
    return host->adapter.status;
}

static void host_run(struct host *host)
{
    while (host->timers_left > 0 || cst_loop_is_alive(host->adapter.loop))
        assert_true(sd_event_run(host->event, UINT64_MAX) >= 0);
}

static void host_turn(struct host *host)
{
    assert_true(sd_event_run(host->event, 0) >= 0);
}

static int on_timer(sd_event_source *source, uint64_t us, void *arg)
{
    struct host_timer *timer = arg;

    (void)us;
    sd_event_source_unref(source);
    timer->host->timers_left--;
    timer->fn(timer->arg);
    return 0;
}

static void host_after_ms(struct host *host, unsigned ms, cst_task_fn *fn, void *arg)
{
    struct host_timer *timer = &host->timers[host->timer++ % TIMERS];
    sd_event_source *source;

    *timer = (struct host_timer){ .host = host, .fn = fn, .arg = arg };
    host->timers_left++;
    assert_true(sd_event_add_time(host->event, &source, CLOCK_MONOTONIC,
                                  host_now_ns() / 1000 + ms * 1000, 1, on_timer, timer) >= 0);
}

/* --- what is sd-event's own ------------------------------------------------------------------- */

static void an_error_ends_the_event_loop_which_returns_it(void **state)
{
    struct host_fixture *h = *state;

    h->host->adapter.on_status = NULL;
    fail_unheard(h);
    assert_int_equal(sd_event_loop(h->host->event), CST_E_UNHANDLED);
    assert_int_equal(host_status(h->host), CST_E_UNHANDLED);
}

static void exit_when_idle(cst_status status, void *arg)
{
    assert_int_equal(status, CST_IDLE);
    sd_event_exit(arg, 42);
}

static void an_idle_loop_may_end_the_event_loop(void **state)
{
    struct host_fixture *h = *state;
    cst_timer timer = { .fn = NULL };

    h->host->adapter.on_status = exit_when_idle;
    h->host->adapter.arg = h->host->event;
    cst_timer_start_in(h->f.ctx, &timer, 3 * MS, host_note, h);
    assert_int_equal(sd_event_loop(h->host->event), 42);
    assert_trace(h, "ran");
}

static void idleness_is_told_when_the_host_has_taken_the_last_thing(void **state)
{
    struct host_fixture *h = *state;
    cst_sd_event *adapter = &h->host->adapter;

    adapter->on_status = host_on_status;
    cst_loop_hold(h->f.loop);
    for (unsigned i = 0; i < 3; i++)
        host_turn(h->host);
    assert_trace(h, "");
    cst_loop_release(h->f.loop);
    for (unsigned i = 0; i < 3; i++)
        host_turn(h->host);
    assert_trace(h, "status:IDLE");
}

static const struct CMUnitTest tests[] = {
    HOST_CASES,
    HOST_T(an_error_ends_the_event_loop_which_returns_it),
    HOST_T(an_idle_loop_may_end_the_event_loop),
    HOST_T(idleness_is_told_when_the_host_has_taken_the_last_thing),
};

TEST_MAIN(tests)

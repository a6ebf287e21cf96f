/*
 * test_host_glib.c - host/glib.h: a loop under GLib.
 */
#include "host/cases.h"

#include <cstream/host/glib.h>

enum { TIMERS = 4 };

struct host_timer {
    struct host *host;
    cst_task_fn *fn;
    void *arg;
};

/* A main loop does not end by itself: this one is quit when nothing is left. */
struct host {
    GMainContext *main;
    GMainLoop *loop;
    cst_glib adapter;
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
    host->main = g_main_context_new();
    host->loop = g_main_loop_new(host->main, FALSE);
}

static void host_end(struct host *host)
{
    g_main_loop_unref(host->loop);
    g_main_context_unref(host->main);
}

static void quit_if_nothing_is_left(struct host *host)
{
    if (host->timers_left == 0 && !cst_loop_is_alive(host->adapter.loop))
        g_main_loop_quit(host->loop);
}

static void on_status(cst_status status, void *arg)
{
    struct host *host = arg;

    if (host->on_status && status != CST_IDLE)
        host->on_status(status, arg);
    quit_if_nothing_is_left(host);
}

static cst_status host_attach(struct host *host, cst_loop *loop, cst_host_status_fn *fn)
{
    host->on_status = fn;
    host->adapter.on_status = on_status;
    host->adapter.arg = host;
    return cst_glib_attach(&host->adapter, host->main, loop);
}

static cst_status host_attach_nothing(void)
{
    cst_glib adapter = { .on_status = NULL };

    return cst_glib_attach(&adapter, NULL, NULL);
}

static void host_detach(struct host *host)
{
    cst_glib_detach(&host->adapter);
    quit_if_nothing_is_left(host);
}

static cst_status host_status(const struct host *host)
{
    return host->adapter.status;
}

static void host_run(struct host *host)
{
    if (host->timers_left > 0 || cst_loop_is_alive(host->adapter.loop))
        g_main_loop_run(host->loop);
}

static void host_turn(struct host *host)
{
    g_main_context_iteration(host->main, FALSE);
}

static gboolean on_timer(gpointer arg)
{
    struct host_timer *timer = arg;
    struct host *host = timer->host;

    host->timers_left--;
    timer->fn(timer->arg);
    quit_if_nothing_is_left(host);
    return G_SOURCE_REMOVE;
}

static void host_after_ms(struct host *host, unsigned ms, cst_task_fn *fn, void *arg)
{
    struct host_timer *timer = &host->timers[host->timer++ % TIMERS];
    GSource *source = g_timeout_source_new(ms);

    *timer = (struct host_timer){ .host = host, .fn = fn, .arg = arg };
    host->timers_left++;
    g_source_set_callback(source, on_timer, timer, NULL);
    g_source_attach(source, host->main);
    g_source_unref(source);
}

/* --- what is GLib's own ----------------------------------------------------------------------- */

static void idleness_is_told_after_each_turn_that_left_nothing(void **state)
{
    struct host_fixture *h = *state;
    cst_task task = { .fn = NULL };
    cst_glib *adapter = &h->host->adapter;

    adapter->on_status = host_on_status;
    host_turn(h->host);
    assert_trace(h, "status:IDLE");
    host_turn(h->host);
    assert_trace(h, "");
    cst_loop_hold(h->f.loop);
    cst_defer(h->f.ctx, &task, host_note, h);
    host_turn(h->host);
    host_turn(h->host);
    assert_trace(h, "ran");
    cst_loop_release(h->f.loop);
    host_turn(h->host);
    host_turn(h->host);
    assert_trace(h, "status:IDLE");
}

static const struct CMUnitTest tests[] = {
    HOST_CASES,
    HOST_T(idleness_is_told_after_each_turn_that_left_nothing),
};

TEST_MAIN(tests)

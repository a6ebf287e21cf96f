/*
 * cases.h - what every adapter of cstream/host promises, as test cases. A test of one adapter
 * includes this file, says what its host's loop does (struct host and the functions of "the host"
 * below), and runs HOST_CASES. If its host's loop can be stopped, it defines HOST_STOPS before, and
 * runs HOST_CASE_STOP too.
 *
 * The fixture is that of test/posix: a loop on a counting heap, a trace, and the promise that
 * neither a block nor a descriptor is left.
 */
#ifndef TEST_HOST_CASES_H
#define TEST_HOST_CASES_H

#include <pthread.h>
#include <time.h>

#include "posix/fixture.h"

#include <cstream/host/host.h>

#define MS UINT64_C(1000000)

/* --- the host, which each test defines -------------------------------------------------------- */

struct host;

/** Make the host's loop, and end it: it has no timer and is not attached any more. */
static void host_begin(struct host *host);
static void host_end(struct host *host);

/** The adapter's functions. on_status may be NULL. */
static cst_status host_attach(struct host *host, cst_loop *loop, cst_host_status_fn *on_status);
static cst_status host_attach_nothing(void);
static void host_detach(struct host *host);
static cst_status host_status(const struct host *host);

/** Run the host's loop until it ends because nothing is left, neither its own timers nor the
 * attached loop, or because it was stopped. */
static void host_run(struct host *host);

/** Run one turn of the host's loop, without waiting. */
static void host_turn(struct host *host);

/** Call fn(arg) once from the host's own timer. */
static void host_after_ms(struct host *host, unsigned ms, cst_task_fn *fn, void *arg);

/* --- the fixture ------------------------------------------------------------------------------ */

struct host_fixture {
    struct test_fixture f; /* the first: test_begin and test_finish know it alone */
    struct host *host;
    size_t descriptors; /* before the host's loop */
};

static struct host_fixture the_fixture;

static struct host *host_of_test(void);

static int host_set_up(void **state)
{
    struct host_fixture *h = &the_fixture;

    h->host = host_of_test();
    host_begin(h->host); /* the first one may open what stays open */
    host_end(h->host);
    h->descriptors = test_count_descriptors();
    host_begin(h->host);
    if (test_begin(&h->f) < 0)
        return -1;
    *state = h;
    return host_attach(h->host, h->f.loop, NULL);
}

static int host_tear_down(void **state)
{
    struct host_fixture *h = *state;

    host_detach(h->host);
    test_finish(&h->f);
    host_end(h->host);
    assert_int_equal(test_count_descriptors(), h->descriptors);
    return 0;
}

static void host_on_status(cst_status status, void *arg)
{
    (void)arg;
    test_trace_add(&the_fixture.f.trace, "status:%s", test_errno_name(status));
}

static void assert_trace(struct host_fixture *h, const char *words)
{
    assert_string_equal(h->f.trace.text, words);
    test_trace_clear(&h->f.trace);
}

static uint64_t host_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void host_note(void *arg)
{
    struct host_fixture *h = arg;

    test_trace_add(&h->f.trace, "ran");
}

/* --- running and ending ----------------------------------------------------------------------- */

static void without_anything_to_do_the_hosts_loop_ends(void **state)
{
    struct host_fixture *h = *state;

    host_run(h->host);
    host_run(h->host);
    host_after_ms(h->host, 5, host_note, h);
    host_run(h->host);
    assert_trace(h, "ran");
}

static void what_is_given_before_the_hosts_loop_runs_counts(void **state)
{
    struct host_fixture *h = *state;
    cst_task task = { .fn = NULL };
    cst_timer timer = { .fn = NULL };

    cst_defer(h->f.ctx, &task, host_note, h);
    host_run(h->host);
    assert_trace(h, "ran");
    cst_defer(h->f.ctx, &task, host_note, h); /* the host's loop had nothing left */
    host_run(h->host);
    assert_trace(h, "ran");
    cst_timer_start_in(h->f.ctx, &timer, 3 * MS, host_note, h);
    host_run(h->host);
    assert_trace(h, "ran");
}

/* One way to give the loop something. */
struct gift {
    struct host_fixture *h;
    unsigned kind;
    cst_task task;
    cst_timer timer;
    cst_watch watch;
    int in, out;
};

enum { GIFTS = 5 };

static void gift_on_ready(cst_watch *watch, unsigned came, void *arg)
{
    (void)came;
    host_note(arg);
    cst_watch_remove(watch);
}

static void gift_release(void *arg)
{
    struct gift *gift = arg;

    cst_loop_release(gift->h->f.loop);
    host_note(gift->h);
}

static void give(void *arg)
{
    struct gift *gift = arg;
    cst_ctx *ctx = gift->h->f.ctx;

    switch (gift->kind) {
    case 0:
        cst_defer(ctx, &gift->task, host_note, gift->h);
        break;
    case 1:
        cst_immediate(ctx, &gift->task, host_note, gift->h);
        break;
    case 2:
        cst_timer_start_in(ctx, &gift->timer, 3 * MS, host_note, gift->h);
        break;
    case 3:
        test_write(gift->out, "x");
        cst_watch_add(&gift->watch, gift->h->f.loop, gift->in, gift_on_ready, gift->h);
        cst_watch_want(&gift->watch, CST_WATCH_READ);
        break;
    default: /* nothing but a hold, which the host's own timer releases */
        cst_loop_hold(gift->h->f.loop);
        host_after_ms(gift->h->host, 3, gift_release, gift);
        break;
    }
}

static void the_last_act_of_the_host_may_be_to_give_the_loop_something(void **state)
{
    for (unsigned kind = 0; kind < GIFTS; kind++) {
        struct host_fixture *h = *state;
        struct gift gift = { .h = h, .kind = kind };

        test_pipe(&gift.in, &gift.out);
        host_after_ms(h->host, 1, give, &gift);
        host_run(h->host);
        assert_trace(h, "ran");
        close(gift.in);
        close(gift.out);
    }
}

struct closing {
    struct host_fixture *h;
    cst_listener *listener;
};

static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    (void)listener;
    (void)status;
    (void)arg;
    cst_unref(socket);
}

static void close_listener(void *arg)
{
    struct closing *closing = arg;

    test_trace_add(&closing->h->f.trace, "closing");
    cst_listener_close(closing->listener);
}

static void a_listener_keeps_the_hosts_loop_running_until_the_host_closes_it(void **state)
{
    struct host_fixture *h = *state;
    struct closing closing = { .h = h };

    assert_int_equal(cst_listen(&closing.listener, h->f.loop, &(cst_address){ .port = 0 }, NULL,
                                on_client, NULL),
                     CST_OK);
    host_after_ms(h->host, 20, close_listener, &closing);
    host_run(h->host);
    assert_trace(h, "closing");
}

static void a_limit_and_a_paused_stream_keep_nothing_running(void **state)
{
    struct host_fixture *h = *state;
    cst_stream *s;
    int a, b;

    test_socketpair(&a, &b, SOCK_STREAM);
    assert_int_equal(cst_fd_duplex_new(&s, h->f.loop, a, NULL), CST_OK);
    cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = UINT64_C(3600000000000) });
    host_run(h->host);
    assert_false(cst_is_destroyed(s));
    cst_unref(s);
    close(b);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static void echo_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    struct host_fixture *h = arg;

    assert_int_equal(status, CST_OK);
    test_listen(&h->f, socket, "server");
    cst_pipe(socket, socket, NULL);
    cst_unref(socket);
    cst_listener_close(listener);
}

static void ticking(void *arg)
{
    struct host_fixture *h = arg;

    test_trace_add(&h->f.trace, "tick");
}

static void sockets_talk_while_the_hosts_timers_run(void **state)
{
    enum { BYTES = 3000000 };
    struct host_fixture *h = *state;
    cst_listener *listener;
    cst_endpoint at;
    cst_stream *client;

    assert_int_equal(cst_listen(&listener, h->f.loop, &(cst_address){ .host = "127.0.0.1" }, NULL,
                                echo_client, h),
                     CST_OK);
    assert_int_equal(cst_listener_address(&at, listener), CST_OK);
    assert_int_equal(cst_connect(&client, h->f.loop,
                                 &(cst_address){ .host = "127.0.0.1", .port = at.port },
                                 &(cst_socket_opts){ .allow_half_open = true }),
                     CST_OK);
    test_listen(&h->f, client, "client");
    test_gather(&h->f, client);
    cst_write(client, test_bytes(&h->f, 0, BYTES), NULL, NULL);
    cst_end(client, NULL, NULL);
    host_after_ms(h->host, 0, ticking, h);
    host_run(h->host);
    assert_int_equal(h->f.gathered, BYTES);
    assert_int_equal(cst_stream_bytes_read(client), BYTES);
    cst_unref(client);
    assert_non_null(strstr(h->f.trace.text, "tick"));
    assert_non_null(strstr(h->f.trace.text, "server:close"));
    assert_non_null(strstr(h->f.trace.text, "client:close"));
    assert_null(strstr(h->f.trace.text, "error"));
}

static void what_a_callback_of_the_hosts_writes_goes_out(void **state)
{
    struct host_fixture *h = *state;
    cst_stream *s;
    int a, b;

    test_socketpair(&a, &b, SOCK_STREAM);
    assert_int_equal(cst_fd_duplex_new(&s, h->f.loop, a, NULL), CST_OK);
    test_listen_to_data(&h->f, s, "s");
    test_write(b, "in");
    for (unsigned i = 0; i < 4; i++)
        host_turn(h->host);
    assert_trace(h, "s:data:in");
    cst_write(s, cst_slice_str("out"), test_on_done, test_name(&h->f, "write"));
    test_assert_reads(b, "out");
    for (unsigned i = 0; i < 4; i++)
        host_turn(h->host);
    assert_trace(h, "write:OK");
    cst_end(s, NULL, NULL);
    close(b);
    host_run(h->host);
    assert_trace(h, "s:finish s:end s:close");
    cst_unref(s);
}

/* --- time ------------------------------------------------------------------------------------- */

struct tick {
    struct host_fixture *h;
    cst_timer timer;
    uint64_t due_ns;
    const char *name;
};

static void on_tick(void *arg)
{
    struct tick *tick = arg;

    assert_true(host_now_ns() >= tick->due_ns);
    test_trace_add(&tick->h->f.trace, "%s", tick->name);
}

static void start_tick(struct tick *tick, uint64_t ns)
{
    tick->due_ns = host_now_ns() + ns;
    assert_int_equal(cst_timer_start_in(tick->h->f.ctx, &tick->timer, ns, on_tick, tick), CST_OK);
}

static void start_late_tick(void *arg)
{
    start_tick(arg, 2 * MS);
}

/* The processor's time says that the host slept meanwhile, and did not turn for nothing. */
static void timers_run_in_order_and_not_early_and_the_host_sleeps_meanwhile(void **state)
{
    struct host_fixture *h = *state;
    struct tick a = { .h = h, .name = "a" }, b = { .h = h, .name = "b" };
    struct tick c = { .h = h, .name = "c" }, late = { .h = h, .name = "late" };
    uint64_t began = host_now_ns();
    clock_t cpu;

    host_run(h->host);
    cpu = clock();
    start_tick(&c, 200 * MS + 1);
    start_tick(&b, 100 * MS + 999999);
    start_tick(&a, 1);
    host_after_ms(h->host, 50, start_late_tick, &late); /* earlier than what the host waits for */
    host_run(h->host);
    assert_trace(h, "a late b c");
    assert_true(host_now_ns() - began > 200 * MS);
    assert_true((double)(clock() - cpu) / CLOCKS_PER_SEC < 0.1);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { POSTS = 60 };

struct poster {
    struct host_fixture *h;
    cst_task tasks[POSTS];
    unsigned seen;
};

static void on_post(void *arg)
{
    struct poster *poster = arg;

    if (++poster->seen == POSTS)
        assert_int_equal(cst_loop_release(poster->h->f.loop), CST_OK);
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;

    for (unsigned i = 0; i < POSTS; i++) {
        if (i % 10 == 0)
            poll(NULL, 0, 2); /* so that the host falls asleep in between */
        cst_post(poster->h->f.ctx, &poster->tasks[i], on_post, poster);
    }
    return NULL;
}

static void another_thread_wakes_the_hosts_loop(void **state)
{
    static struct poster poster;
    pthread_t thread;

    TEST_NEEDS_ATOMICS();
    memset(&poster, 0, sizeof(poster));
    poster.h = *state;
    cst_loop_hold(poster.h->f.loop);
    pthread_create(&thread, NULL, post_all, &poster);
    host_run(poster.h->host);
    pthread_join(thread, NULL);
    assert_int_equal(poster.seen, POSTS);
}

static void *post_one(void *arg)
{
    struct poster *poster = arg;

    cst_post(poster->h->f.ctx, &poster->tasks[0], host_note, poster->h);
    return NULL;
}

/* The loop has nothing, and the host's loop runs for a timer of its own. */
static void a_post_is_heard_while_the_host_runs_for_itself(void **state)
{
    struct poster poster = { .h = *state };
    struct host_fixture *h = poster.h;
    pthread_t thread;

    TEST_NEEDS_ATOMICS();
    host_after_ms(h->host, 60, ticking, h);
    host_turn(h->host);
    pthread_create(&thread, NULL, post_one, &poster);
    host_run(h->host);
    pthread_join(thread, NULL);
    assert_trace(h, "ran tick");
}

/* --- errors and detaching --------------------------------------------------------------------- */

static void fail_unheard(struct host_fixture *h)
{
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, h->f.ctx, NULL), CST_OK);
    cst_destroy(s, CST_USER(1));
    cst_unref(s);
}

static void an_error_that_nobody_hears_reaches_the_program(void **state)
{
    struct host_fixture *h = *state;

    host_detach(h->host);
    assert_int_equal(host_attach(h->host, h->f.loop, host_on_status), CST_OK);
    assert_int_equal(host_status(h->host), CST_OK);
    fail_unheard(h);
    host_run(h->host);
    assert_int_equal(host_status(h->host), CST_E_UNHANDLED);
    assert_non_null(strstr(h->f.trace.text, "status:UNHANDLED"));
}

#ifdef HOST_STOPS
/* Without on_status the host's loop is stopped, and goes on when it is run again. */
static void an_error_stops_the_hosts_loop_if_there_is_no_on_status(void **state)
{
    struct host_fixture *h = *state;

    host_after_ms(h->host, 30, host_note, h);
    fail_unheard(h);
    host_run(h->host);
    assert_int_equal(host_status(h->host), CST_E_UNHANDLED);
    assert_trace(h, "");
    host_run(h->host);
    assert_trace(h, "ran");
}
#endif

static void detach_and_note(void *arg)
{
    struct host_fixture *h = arg;

    host_detach(h->host);
    host_note(h);
}

static void a_loop_may_be_detached_in_its_own_callback_and_attached_again(void **state)
{
    struct host_fixture *h = *state;
    cst_task tasks[2] = { { .fn = NULL } };
    cst_timer timer = { .fn = NULL };

    cst_timer_start_in(h->f.ctx, &timer, 3 * MS, host_note, h);
    cst_defer(h->f.ctx, &tasks[0], detach_and_note, h);
    host_run(h->host);
    assert_trace(h, "ran");
    cst_defer(h->f.ctx, &tasks[1], host_note, h);
    host_run(h->host);
    assert_trace(h, "");
    assert_int_equal(host_attach(h->host, h->f.loop, NULL), CST_OK);
    host_run(h->host);
    assert_trace(h, "ran ran");
}

static void a_loop_may_be_detached_between_turns(void **state)
{
    struct host_fixture *h = *state;
    cst_task task = { .fn = NULL };

    host_detach(h->host);
    host_detach(h->host);
    cst_defer(h->f.ctx, &task, host_note, h);
    host_after_ms(h->host, 3, ticking, h);
    host_run(h->host);
    assert_trace(h, "tick");
    test_run(&h->f);
    assert_trace(h, "ran");
}

static void wrong_arguments_and_a_loop_without_a_descriptor_are_refused(void **state)
{
    struct host_fixture *h = *state;
    cst_loop *polled, *other;

    assert_int_equal(host_attach_nothing(), CST_E_INVALID_ARG);
    assert_int_equal(host_attach(h->host, h->f.loop, NULL), CST_E_INVALID_ARG);
    host_detach(h->host);
    host_run(h->host);
    assert_int_equal(cst_loop_new(&polled, NULL, &(cst_loop_opts){ .backend = "poll" }), CST_OK);
    assert_int_equal(host_attach(h->host, polled, NULL), CST_E_UNSUPPORTED);
    cst_loop_free(polled);
    assert_int_equal(cst_loop_new(&other, NULL, NULL), CST_OK);
    assert_int_equal(cst_loop_set_host(other, host_note, NULL), CST_OK);
    assert_int_equal(host_attach(h->host, other, NULL), CST_E_INVALID_ARG);
    cst_loop_free(other);
}

/* --- all -------------------------------------------------------------------------------------- */

#define HOST_T(name) cmocka_unit_test_setup_teardown(name, host_set_up, host_tear_down)

/* What every host does. */
#define HOST_CASES                                                                \
    HOST_T(without_anything_to_do_the_hosts_loop_ends),                           \
        HOST_T(what_is_given_before_the_hosts_loop_runs_counts),                  \
        HOST_T(the_last_act_of_the_host_may_be_to_give_the_loop_something),       \
        HOST_T(a_listener_keeps_the_hosts_loop_running_until_the_host_closes_it), \
        HOST_T(a_limit_and_a_paused_stream_keep_nothing_running),                 \
        HOST_T(sockets_talk_while_the_hosts_timers_run),                          \
        HOST_T(what_a_callback_of_the_hosts_writes_goes_out),                     \
        HOST_T(timers_run_in_order_and_not_early_and_the_host_sleeps_meanwhile),  \
        HOST_T(another_thread_wakes_the_hosts_loop),                              \
        HOST_T(a_post_is_heard_while_the_host_runs_for_itself),                   \
        HOST_T(an_error_that_nobody_hears_reaches_the_program),                   \
        HOST_T(a_loop_may_be_detached_in_its_own_callback_and_attached_again),    \
        HOST_T(a_loop_may_be_detached_between_turns),                             \
        HOST_T(wrong_arguments_and_a_loop_without_a_descriptor_are_refused)
#ifdef HOST_STOPS
#define HOST_CASE_STOP HOST_T(an_error_stops_the_hosts_loop_if_there_is_no_on_status)
#endif

#endif

/*
 * test_loop.c - loop.h: turning, waiting, stopping, and watches.
 */
#include <pthread.h>
#include <time.h>

#include <sys/wait.h>

#include "fixture.h"

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void note(void *arg)
{
    test_on_done(NULL, CST_OK, arg);
}

/* --- turning ---------------------------------------------------------------------------------- */

static void loop_without_anything_is_idle_at_once(void **state)
{
    struct test_fixture *f = *state;

    assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
    assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_IDLE);
}

static void loop_runs_the_tasks_of_its_context(void **state)
{
    struct test_fixture *f = *state;
    cst_task task = { .fn = NULL };

    cst_defer(f->ctx, &task, note, test_name(f, "task"));
    test_run(f);
    assert_string_equal(f->trace.text, "task:OK");
}

static void turn_waits_no_longer_than_it_is_told(void **state)
{
    struct test_fixture *f = *state;
    uint64_t start = now_ns();

    cst_loop_hold(f->loop);
    assert_int_equal(cst_loop_run_once(f->loop, 20 * 1000000), CST_MORE);
    assert_true(now_ns() - start >= 20 * 1000000);
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_MORE);
    cst_loop_release(f->loop);
    assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_IDLE);
}

static void stop(void *arg)
{
    struct test_fixture *f = arg;

    assert_int_equal(cst_loop_stop(f->loop), CST_OK);
}

static void stopped_loop_returns_and_can_go_on(void **state)
{
    struct test_fixture *f = *state;
    cst_task task = { .fn = NULL };

    cst_loop_hold(f->loop);
    cst_defer(f->ctx, &task, stop, f);
    assert_int_equal(cst_loop_run(f->loop), CST_MORE);
    cst_loop_stop(f->loop);
    assert_int_equal(cst_loop_run(f->loop), CST_MORE);
    cst_loop_release(f->loop);
    assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
}

/* --- run.h ------------------------------------------------------------------------------------ */

static void a_driver_waits_for_what_comes(void **state)
{
    struct test_fixture *f = *state;
    const cst_driver driver = cst_loop_driver(f->loop);
    cst_stream *in;
    cst_slice all;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(cst_fd_source_new(&in, f->loop, ends[0], NULL), CST_OK);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    close(ends[1]);
    assert_int_equal(cst_read_all(&all, in, 3, &driver), CST_OK);
    assert_int_equal(all.len, 3);
    cst_slice_unref(&all);
    cst_unref(in);
}

static void read_in_a_watch(cst_watch *watch, unsigned came, void *arg)
{
    struct test_fixture *f = arg;
    const cst_driver driver = cst_loop_driver(f->loop);
    cst_slice chunk;
    cst_stream *s;

    (void)watch;
    (void)came;
    assert_int_equal(cst_memory_source_new(&s, f->ctx, cst_slice_str("abc"), NULL), CST_OK);
    assert_int_equal(cst_next_wait(&chunk, s, &driver), CST_E_NESTED);
    cst_unref(s);
    note(test_name(f, "watch"));
}

static void a_driver_begins_no_turn_inside_a_watch(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fn = NULL };
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(cst_watch_add(&watch, f->loop, ends[1], read_in_a_watch, f), CST_OK);
    cst_watch_want(&watch, CST_WATCH_WRITE);
    test_run(f);
    assert_string_equal(f->trace.text, "watch:OK");
    cst_watch_remove(&watch);
    close(ends[0]);
    close(ends[1]);
}

static void hold_needs_its_release(void **state)
{
    struct test_fixture *f = *state;

    assert_int_equal(cst_loop_release(f->loop), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_hold(f->loop), CST_OK);
    assert_int_equal(cst_loop_hold(f->loop), CST_OK);
    assert_int_equal(cst_loop_release(f->loop), CST_OK);
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_MORE);
    assert_int_equal(cst_loop_release(f->loop), CST_OK);
    assert_int_equal(cst_loop_release(f->loop), CST_E_INVALID_ARG);
}

static void turn_inside_out(void *arg)
{
    struct test_fixture *f = arg;

    assert_int_equal(cst_loop_run(f->loop), CST_E_NESTED);
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_E_NESTED);
    assert_int_equal(cst_loop_free(f->loop), CST_E_NESTED);
}

static void nested_run_and_free_are_refused(void **state)
{
    struct test_fixture *f = *state;
    cst_task task = { .fn = NULL };

    cst_defer(f->ctx, &task, turn_inside_out, f);
    test_run(f);
    cst_defer(f->ctx, &task, turn_inside_out, f);
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE); /* not by the loop */
}

static void error_without_a_listener_ends_the_run_once(void **state)
{
    struct test_fixture *f = *state;
    cst_task task = { .fn = NULL };
    cst_stream *s;

    cst_loop_hold(f->loop);
    assert_int_equal(cst_fd_source_new(&s, f->loop, open(f->dir, O_RDONLY | O_CLOEXEC), NULL),
                     CST_OK);
    cst_resume(s);
    assert_int_equal(cst_loop_run(f->loop), CST_E_UNHANDLED);
    cst_defer(f->ctx, &task, stop, f);
    assert_int_equal(cst_loop_run(f->loop), CST_MORE);
    assert_int_equal(cst_errored(s)->status, CST_OS(EISDIR));
    cst_loop_release(f->loop);
    cst_unref(s);
}

static void on_alarm(int sig)
{
    (void)sig;
}

static void signal_in_poll_is_no_error(void **state)
{
    struct test_fixture *f = *state;
    struct sigaction action = { .sa_handler = on_alarm }, before;

    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    cst_loop_hold(f->loop);
    alarm(1);
    assert_int_equal(cst_loop_run_once(f->loop, UINT64_C(30000000000)), CST_MORE);
    cst_loop_release(f->loop);
    sigaction(SIGALRM, &before, NULL);
}

static void wrong_arguments_are_refused(void **state)
{
    struct test_fixture *f = *state;

    assert_int_equal(cst_loop_new(NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_run(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_run_once(NULL, 0), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_stop(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_hold(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_release(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_free(NULL), CST_OK);
    assert_null(cst_loop_ctx(NULL));
    assert_non_null(cst_loop_ctx(f->loop));
}

/* --- timers ----------------------------------------------------------------------------------- */

static void timer_fires_when_it_is_due_and_keeps_the_loop(void **state)
{
    struct test_fixture *f = *state;
    cst_timer late = { .fn = NULL }, early = { .fn = NULL };
    uint64_t start = now_ns();

    cst_timer_start_in(f->ctx, &late, 30 * 1000000, note, test_name(f, "late"));
    cst_timer_start_in(f->ctx, &early, 10 * 1000000, note, test_name(f, "early"));
    test_run(f);
    assert_true(now_ns() - start >= 29 * 1000000);
    assert_string_equal(f->trace.text, "early:OK late:OK");
}

static void stopped_timer_does_not_keep_the_loop(void **state)
{
    struct test_fixture *f = *state;
    cst_timer timer = { .fn = NULL };

    cst_timer_start_in(f->ctx, &timer, UINT64_C(3600000000000), note, NULL);
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_MORE);
    cst_timer_stop(f->ctx, &timer);
    assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
}

static void start_timer(cst_watch *watch, unsigned came, void *arg)
{
    static cst_timer timer;
    struct test_name *name = arg;

    (void)came;
    cst_timer_start_in(name->fixture->ctx, &timer, 1000000, note, name);
    cst_watch_remove(watch);
}

static void timer_started_by_a_watch_is_waited_for(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    int in, out;

    test_pipe(&in, &out);
    close(out);
    cst_watch_add(&watch, f->loop, in, start_timer, test_name(f, "timer"));
    cst_watch_want(&watch, CST_WATCH_READ);
    test_run(f);
    assert_string_equal(f->trace.text, "timer:OK");
    close(in);
}

/* --- the clock -------------------------------------------------------------------------------- */

#define LIMIT_NS UINT64_C(3600000000000)

/* A turn looks at the clock before the task that notes the time, and after its wait: what is called
 * then is told that. */
struct watcher {
    struct test_fixture *f;
    cst_task task;
    cst_timer timer;
    uint64_t noted_ns;
    unsigned called;
};

static void note_time(void *arg)
{
    struct watcher *w = arg;

    w->noted_ns = now_ns();
}

/* In the callback, in which a timer and a limit count from the time after the wait too. */
static void check_time(struct watcher *w, cst_stream *s)
{
    w->called++;
    assert_true(w->noted_ns > 0);
    assert_true(cst_ctx_now_ns(w->f->ctx) >= w->noted_ns);
    cst_timer_start_in(w->f->ctx, &w->timer, LIMIT_NS, note, NULL);
    assert_true(cst_ctx_due_ns(w->f->ctx) >= w->noted_ns + LIMIT_NS);
    cst_timer_stop(w->f->ctx, &w->timer);
    if (!s)
        return;
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .total_ns = LIMIT_NS }), CST_OK);
    assert_true(cst_ctx_due_ns(w->f->ctx) >= w->noted_ns + LIMIT_NS);
    assert_int_equal(cst_set_timeouts(s, NULL), CST_OK);
}

/* Turn until w was called as often as this, and note the time in each turn. */
static void turn_until_called(struct watcher *w, unsigned called)
{
    while (w->called < called) {
        cst_defer(w->f->ctx, &w->task, note_time, w);
        assert_int_equal(cst_loop_run_once(w->f->loop, CST_LOOP_FOREVER), CST_MORE);
    }
}

static void check_in_watch(cst_watch *watch, unsigned came, void *arg)
{
    (void)watch;
    (void)came;
    check_time(arg, NULL);
}

static void time_after_the_wait_is_told_before_a_watch_is_called(void **state)
{
    struct test_fixture *f = *state;
    struct watcher w = { .f = f };
    cst_watch watch = { .fd = 0 };
    int in, out;

    test_pipe(&in, &out);
    test_write(out, "abc");
    cst_loop_hold(f->loop);
    cst_watch_add(&watch, f->loop, in, check_in_watch, &w);
    cst_watch_want(&watch, CST_WATCH_READ);
    turn_until_called(&w, 1);
    cst_watch_remove(&watch);
    cst_loop_release(f->loop);
    close(in);
    close(out);
}

static void check_in_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    check_time(arg, s);
}

static void check_when_done(cst_stream *s, cst_status status, void *arg)
{
    assert_int_equal(status, CST_OK);
    check_time(arg, s);
}

/* What is written is more than the system takes at once, so its callback comes after a wait. */
static void time_after_the_wait_is_told_before_data_and_callbacks_of_writes(void **state)
{
    struct test_fixture *f = *state;
    struct watcher reads = { .f = f }, writes = { .f = f };
    cst_stream *a, *b;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    assert_int_equal(cst_fd_duplex_new(&a, f->loop, here, NULL), CST_OK);
    assert_int_equal(cst_fd_duplex_new(&b, f->loop, there, NULL), CST_OK);
    cst_on(b, CST_DATA, check_in_data, &reads);
    test_turn(f, 3);
    cst_write(a, test_bytes(f, 0, 4 << 20), check_when_done, &writes);
    while (!writes.called) {
        cst_defer(f->ctx, &writes.task, note_time, &writes);
        turn_until_called(&reads, reads.called + 1);
    }
    cst_destroy(a, CST_OK);
    cst_destroy(b, CST_OK);
    cst_unref(a);
    cst_unref(b);
    test_run(f);
}

static void check_in_accept(cst_listener *l, cst_stream *s, cst_status status, void *arg)
{
    assert_int_equal(status, CST_OK);
    check_time(arg, s);
    cst_listener_close(l);
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

static void check_in_connect(cst_stream *s, void *arg)
{
    check_time(arg, s);
    cst_destroy(s, CST_OK);
}

static void time_after_the_wait_is_told_before_peers_and_connections(void **state)
{
    struct test_fixture *f = *state;
    struct watcher accepts = { .f = f }, connects = { .f = f };
    const cst_socket_opts opts = { .on_connect = check_in_connect, .on_connect_arg = &connects };
    cst_endpoint at;
    cst_listener *l;
    cst_stream *s;

    assert_int_equal(cst_listen(&l, f->loop, &(cst_address){ .host = "127.0.0.1" }, NULL,
                                check_in_accept, &accepts),
                     CST_OK);
    assert_int_equal(cst_listener_address(&at, l), CST_OK);
    assert_int_equal(
        cst_connect(&s, f->loop, &(cst_address){ .host = "127.0.0.1", .port = at.port }, &opts),
        CST_OK);
    cst_loop_hold(f->loop);
    while (!accepts.called || !connects.called) {
        cst_defer(f->ctx, &connects.task, note_time, &connects);
        cst_defer(f->ctx, &accepts.task, note_time, &accepts);
        assert_true(cst_loop_run_once(f->loop, CST_LOOP_FOREVER) >= 0);
    }
    cst_loop_release(f->loop);
    cst_unref(s);
    test_run(f);
}

static void spans_that_start_between_two_runs_count_from_then(void **state)
{
    struct test_fixture *f = *state;
    cst_timer timer = { .fn = NULL };
    uint64_t start_ns;
    cst_stream *s;

    assert_true(cst_ctx_now_ns(f->ctx) > 0); /* from its making on */
    assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
    for (int i = 0; i < 2; i++) { /* before the first run, and after it */
        start_ns = now_ns();
        cst_timer_start_in(f->ctx, &timer, LIMIT_NS, note, NULL);
        assert_true(cst_ctx_due_ns(f->ctx) >= start_ns + LIMIT_NS);
        cst_timer_stop(f->ctx, &timer);
        start_ns = now_ns();
        cst_set_timeouts(s, &(cst_timeouts){ .total_ns = LIMIT_NS });
        assert_true(cst_ctx_due_ns(f->ctx) >= start_ns + LIMIT_NS);
        start_ns = now_ns();
        cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 4 * LIMIT_NS });
        assert_true(cst_ctx_due_ns(f->ctx) >= start_ns + LIMIT_NS);
        assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
        cst_set_timeouts(s, NULL);
    }
    cst_unref(s);
}

static uint64_t no_clock(void *arg)
{
    (void)arg;
    fail();
    return 0;
}

static void the_clock_is_the_loops_own_whatever_the_options_say(void **state)
{
    const cst_loop_opts opts = { .ctx = { .clock = no_clock, .now_ns = UINT64_MAX } };
    cst_timer timer = { .fn = NULL };
    uint64_t start_ns = now_ns();
    cst_loop *loop;

    (void)state;
    assert_int_equal(cst_loop_new(&loop, NULL, &opts), CST_OK);
    cst_timer_start_in(cst_loop_ctx(loop), &timer, 1, note, NULL);
    assert_true(cst_ctx_now_ns(cst_loop_ctx(loop)) >= start_ns);
    assert_true(cst_ctx_now_ns(cst_loop_ctx(loop)) <= now_ns());
    assert_int_equal(cst_loop_free(loop), CST_OK);
}

static void a_loop_is_made_by_the_name_of_its_backend(void **state)
{
    static const char *const names[] = { "epoll", "kqueue", "poll" };
    cst_loop *loop = NULL, *best;

    (void)state;
    assert_int_equal(cst_loop_new(&loop, NULL, &(cst_loop_opts){ .backend = "no such thing" }),
                     CST_E_UNSUPPORTED);
    assert_null(loop);
    assert_int_equal(cst_loop_new(NULL, NULL, &(cst_loop_opts){ .backend = "poll" }),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_new(&best, NULL, NULL), CST_OK);
    for (size_t i = sizeof names / sizeof *names; i-- > 0;) {
        cst_status st = cst_loop_new(&loop, NULL, &(cst_loop_opts){ .backend = names[i] });

        if (st == CST_E_UNSUPPORTED && strcmp(names[i], "poll") != 0) {
            assert_string_not_equal(cst_loop_backend(best), names[i]);
            continue;
        }
        assert_int_equal(st, CST_OK);
        assert_string_equal(cst_loop_backend(loop), names[i]);
        assert_int_equal(cst_loop_fd(loop) >= 0, strcmp(names[i], "poll") != 0);
        assert_int_equal(cst_loop_free(loop), CST_OK);
    }
    assert_int_equal(cst_loop_free(best), CST_OK);
    assert_null(cst_loop_backend(NULL));
}

static void the_context_knows_its_loop_whatever_the_options_say(void **state)
{
    const cst_loop_opts opts = { .ctx = { .nesting_limit = 1, .host_kind = "another" } };
    cst_loop *loop;

    (void)state;
    assert_int_equal(cst_loop_new(&loop, NULL, &opts), CST_OK);
    assert_ptr_equal(cst_loop_of(cst_loop_ctx(loop)), loop);
    assert_int_equal(cst_loop_free(loop), CST_OK);
}

static void limits_on_streams_do_not_keep_the_loop(void **state)
{
    struct test_fixture *f = *state;
    const cst_timeouts limits = {
        .idle_ns = LIMIT_NS, .total_ns = LIMIT_NS, .fn = test_on_timeout, .arg = f
    };
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
    cst_set_timeouts(s, &limits);
    assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
    assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_IDLE);
    assert_string_equal(f->trace.text, "");
    cst_unref(s);
}

static void stop_at_total(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    struct test_fixture *f = arg;

    test_on_timeout(s, kind, f);
    if (kind == CST_TIMEOUT_TOTAL)
        cst_loop_stop(f->loop);
}

static void limits_are_told_by_a_loop_that_goes_on_for_another_reason(void **state)
{
    struct test_fixture *f = *state;
    const cst_timeouts limits = {
        .idle_ns = 8000000, .total_ns = 20000000, .fn = stop_at_total, .arg = f
    };
    uint64_t start_ns = now_ns();
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
    cst_set_timeouts(s, &limits);
    cst_loop_hold(f->loop);
    assert_int_equal(cst_loop_run(f->loop), CST_MORE);
    assert_true(now_ns() - start_ns >= limits.total_ns);
    assert_string_equal(f->trace.text, "idle total");
    assert_true(cst_ctx_due_ns(f->ctx) == CST_NEVER); /* nothing has happened since */
    start_ns = now_ns();
    cst_progress(s);
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_MORE);
    assert_true(cst_ctx_due_ns(f->ctx) >= start_ns + limits.idle_ns / 4);
    cst_loop_release(f->loop);
    cst_unref(s);
}

/* --- other threads ---------------------------------------------------------------------------- */

enum { POSTS = 200 };

struct posting {
    cst_loop *loop;
    cst_task tasks[POSTS];
    size_t ran;
};

static void on_post(void *arg)
{
    struct posting *posting = arg;

    if (++posting->ran == POSTS)
        cst_loop_release(posting->loop);
}

static void *post_slowly(void *arg)
{
    static const struct timespec pause = { 0, 50000 };
    struct posting *posting = arg;

    for (size_t i = 0; i < POSTS; i++) {
        if (i % 3 == 0)
            nanosleep(&pause, NULL);
        cst_post(cst_loop_ctx(posting->loop), &posting->tasks[i], on_post, posting);
    }
    return NULL;
}

/* A wake that is lost would make this wait for ever. */
static void post_of_another_thread_wakes_the_loop(void **state)
{
    struct test_fixture *f = *state;
    static struct posting posting;
    pthread_t thread;
    uint64_t start;

    TEST_NEEDS_ATOMICS();
    posting = (struct posting){ .loop = f->loop };
    cst_loop_hold(f->loop);
    assert_int_equal(pthread_create(&thread, NULL, post_slowly, &posting), 0);
    test_run(f);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(posting.ran, POSTS);
    cst_loop_hold(f->loop);
    start = now_ns();
    assert_int_equal(cst_loop_run_once(f->loop, 20 * 1000000), CST_MORE); /* and sleeps again */
    assert_true(now_ns() - start >= 20 * 1000000);
    cst_loop_release(f->loop);
}

struct endless {
    struct test_fixture *f;
    cst_task task;
    bool enough;
};

static void again(void *arg)
{
    struct endless *endless = arg;

    if (!endless->enough)
        cst_defer(endless->f->ctx, &endless->task, again, endless);
}

static void tasks_without_end_let_descriptors_have_their_turn(void **state)
{
    struct test_fixture *f = *state;
    struct endless endless = { .f = f };
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    test_write(out, "abc");
    close(out);
    again(&endless);
    assert_int_equal(cst_fd_source_new(&s, f->loop, in, NULL), CST_OK);
    test_listen_to_data(f, s, "r");
    test_turn(f, 5);
    assert_string_equal(f->trace.text, "r:data:abc r:end r:close");
    endless.enough = true;
    test_run(f);
    cst_unref(s);
}

/* --- watches ---------------------------------------------------------------------------------- */

static void note_came(cst_watch *watch, unsigned came, void *arg)
{
    struct test_name *n = arg;

    (void)watch;
    test_trace_add(&n->fixture->trace, "%s:%s%s", n->name, came & CST_WATCH_READ ? "r" : "",
                   came & CST_WATCH_WRITE ? "w" : "");
}

static void watch_calls_once_for_each_want(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    int in, out;

    test_pipe(&in, &out);
    assert_int_equal(cst_watch_add(&watch, f->loop, in, note_came, test_name(f, "w")), CST_OK);
    test_write(out, "abc");
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "");
    assert_int_equal(cst_watch_want(&watch, CST_WATCH_READ), CST_OK);
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "w:r");
    assert_int_equal(cst_watch_want(&watch, CST_WATCH_READ), CST_OK);
    test_run(f);
    assert_string_equal(f->trace.text, "w:r w:r");
    cst_watch_remove(&watch);
    close(in);
    close(out);
}

static void watch_tells_both_directions_apart(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    cst_watch_add(&watch, f->loop, here, note_came, test_name(f, "w"));
    cst_watch_want(&watch, CST_WATCH_READ);
    cst_watch_want(&watch, CST_WATCH_WRITE);
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "w:w");
    test_write(there, "a");
    cst_watch_want(&watch, CST_WATCH_WRITE);
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "w:w w:rw");
    cst_watch_remove(&watch);
    close(here);
    close(there);
}

static void hang_up_is_all_that_was_wanted(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    int in, out;

    test_pipe(&in, &out);
    close(in);
    cst_watch_add(&watch, f->loop, out, note_came, test_name(f, "w"));
    cst_watch_want(&watch, CST_WATCH_WRITE);
    test_run(f);
    assert_string_equal(f->trace.text, "w:w");
    cst_watch_remove(&watch);
    close(out);
}

static void watch_that_wants_nothing_is_not_called(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    int in, out;

    test_pipe(&in, &out);
    close(out);
    cst_watch_add(&watch, f->loop, in, note_came, test_name(f, "w"));
    cst_watch_want(&watch, CST_WATCH_READ);
    assert_int_equal(cst_watch_want_nothing(&watch), CST_OK);
    test_run(f);
    cst_watch_want(&watch, CST_WATCH_READ);
    cst_watch_remove(&watch);
    cst_watch_remove(&watch);
    test_run(f);
    assert_int_equal(cst_watch_want(&watch, CST_WATCH_READ), CST_E_INVALID_ARG);
    assert_int_equal(cst_watch_want_nothing(&watch), CST_E_INVALID_ARG);
    assert_string_equal(f->trace.text, "");
    close(in);
}

enum { CROWD = 40 };

struct crowd {
    struct test_fixture *f;
    cst_watch watches[CROWD];
    size_t called;
};

/* Whoever is called first sends every third one away. */
static void send_some_away(cst_watch *watch, unsigned came, void *arg)
{
    struct crowd *crowd = arg;

    (void)came;
    assert_ptr_equal(watch->loop, crowd->f->loop);
    if (crowd->called++ == 0)
        for (size_t i = 0; i < CROWD; i += 3)
            cst_watch_remove(&crowd->watches[i]);
    if (watch->loop)
        cst_watch_remove(watch);
}

static void watches_may_be_removed_while_they_are_called(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd = { .f = f };
    int in, out;

    test_pipe(&in, &out);
    close(out);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(cst_watch_add(&crowd.watches[i], f->loop, in, send_some_away, &crowd),
                         CST_OK);
        cst_watch_want(&crowd.watches[i], CST_WATCH_READ);
    }
    test_run(f);
    /* The last place is called first: it is the 40th watch, one of the 14 that are sent away. */
    assert_int_equal(crowd.called, 1 + CROWD - 14);
    close(in);
}

static void watch_needs_a_descriptor_and_memory(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 }, high = { .fd = 0 };
    struct test_name *name = test_name(f, "w");
    int in, out, above;

    test_pipe(&in, &out);
    above = fcntl(in, F_DUPFD_CLOEXEC, 200); /* beyond what the loop has memory for */
    assert_int_equal(cst_watch_add(NULL, f->loop, in, note_came, name), CST_E_INVALID_ARG);
    assert_int_equal(cst_watch_add(&watch, NULL, in, note_came, name), CST_E_INVALID_ARG);
    assert_int_equal(cst_watch_add(&watch, f->loop, -1, note_came, name), CST_E_INVALID_ARG);
    assert_int_equal(cst_watch_add(&watch, f->loop, in, NULL, name), CST_E_INVALID_ARG);
    assert_int_equal(cst_watch_add(&watch, f->loop, in, note_came, name), CST_OK);
    assert_int_equal(cst_watch_add(&watch, f->loop, in, note_came, name), CST_E_INVALID_ARG);
    test_heap_fail_from(&f->heap, 1);
    assert_int_equal(cst_watch_add(&high, f->loop, above, note_came, name), CST_E_NOMEM);
    assert_null(high.loop);
    test_heap_fail_never(&f->heap);
    assert_int_equal(cst_watch_add(&high, f->loop, above, note_came, name), CST_OK);
    cst_watch_remove(&watch);
    cst_watch_remove(&high);
    close(in);
    close(out);
    close(above);
}

static void loop_comes_with_memory_or_not_at_all(void **state)
{
    struct test_heap heap;
    size_t before = test_count_descriptors(), k = 0;
    cst_loop *loop = NULL;
    cst_status st;

    (void)state;
    do {
        test_heap_init(&heap);
        test_heap_fail_at(&heap, ++k);
        st = cst_loop_new(&loop, test_heap_allocator(&heap), test_loop_opts());
        if (st == CST_OK)
            cst_loop_free(loop);
        else
            assert_int_equal(st, CST_E_NOMEM);
        assert_int_equal(heap.live_blocks, 0);
        assert_int_equal(test_count_descriptors(), before);
    } while (st != CST_OK);
    assert_true(k > 3);
    assert_int_equal(cst_loop_new(&loop, NULL, NULL), CST_OK);
    assert_ptr_equal(cst_ctx_allocator(cst_loop_ctx(loop)), cst_allocator_malloc());
    assert_int_equal(cst_loop_free(loop), CST_OK);
}

static void never_called(void *arg)
{
    (void)arg;
    fail();
}

static void timer_that_never_comes_does_not_keep_the_loop(void **state)
{
    struct test_fixture *f = *state;
    static cst_timer timer; /* outlives a test that fails: the loop still has it then */

    timer = (cst_timer){ .arg = NULL };
    assert_int_equal(cst_timer_start(f->ctx, &timer, CST_NEVER, never_called, NULL), CST_OK);
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_IDLE);
    assert_int_equal(cst_timer_stop(f->ctx, &timer), CST_OK);
}

static void note_fired(void *arg)
{
    *(bool *)arg = true;
}

/* The next turn waits again: for the timer, which would else not be due. */
static void stop_counts_for_one_turn_of_run_once(void **state)
{
    struct test_fixture *f = *state;
    static cst_timer timer; /* outlives a test that fails: the loop still has it then */
    bool fired = false;

    timer = (cst_timer){ .arg = NULL };
    assert_int_equal(cst_timer_start_in(f->ctx, &timer, 20 * 1000000, note_fired, &fired), CST_OK);
    assert_int_equal(cst_loop_stop(f->loop), CST_OK);
    assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_MORE);
    assert_false(fired);
    assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_IDLE);
    assert_true(fired);
}

/* --- a program that was started with standard descriptors closed ------------------------------ */

static void on_open(cst_stream *s, int fd, void *arg)
{
    (void)s;
    *(int *)arg = fd;
}

static void on_peer(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    (void)status;
    *(int *)arg = cst_stream_fd(socket);
    cst_destroy(socket, CST_OK);
    cst_unref(socket);
    cst_listener_close(listener);
}

static bool are_free(void)
{
    return !test_is_open(0) && !test_is_open(1) && !test_is_open(2);
}

/* Return the number of the first thing that is wrong, or 0. */
static int use_everything_without_standard_descriptors(const char *path)
{
    cst_listener *listener;
    cst_endpoint at;
    cst_stream *s;
    cst_loop *loop;
    int file = -1, peer = -1;

    close(0), close(1), close(2);
    if (cst_loop_new(&loop, NULL, test_loop_opts()) != CST_OK || !are_free())
        return 1;
    if (cst_stdin_new(&s, loop, NULL) != CST_OS(EBADF) ||
        cst_stdout_new(&s, loop, NULL) != CST_OS(EBADF) ||
        cst_stderr_new(&s, loop, NULL) != CST_OS(EBADF))
        return 2;
    if (cst_listen(&listener, loop, &(cst_address){ .host = "127.0.0.1" }, NULL, on_peer, &peer) !=
            CST_OK ||
        cst_listener_address(&at, listener) != CST_OK || !are_free())
        return 3;
    if (cst_connect(&s, loop, &(cst_address){ .port = at.port }, NULL) != CST_OK || !are_free())
        return 4;
    cst_resume(s);
    cst_unref(s);
    if (cst_fs_write_stream_new(&s, cst_loop_ctx(loop), path,
                                &(cst_fs_write_opts){ .on_open = on_open, .on_open_arg = &file }) !=
        CST_OK)
        return 5;
    cst_end(s, NULL, NULL);
    cst_unref(s);
    if (cst_loop_run(loop) != CST_IDLE || file < 3 || peer < 3 || !are_free())
        return 6;
    return cst_loop_free(loop) == CST_OK && are_free() ? 0 : 7;
}

static void standard_descriptors_are_never_the_librarys(void **state)
{
    struct test_fixture *f = *state;
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0)
        test_leave(use_everything_without_standard_descriptors(test_path(f, "file")));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct CMUnitTest tests[] = {
    T(timer_that_never_comes_does_not_keep_the_loop),
    T(stop_counts_for_one_turn_of_run_once),
    T(standard_descriptors_are_never_the_librarys),
    T(loop_without_anything_is_idle_at_once),
    T(loop_runs_the_tasks_of_its_context),
    T(turn_waits_no_longer_than_it_is_told),
    T(stopped_loop_returns_and_can_go_on),
    T(a_driver_waits_for_what_comes),
    T(a_driver_begins_no_turn_inside_a_watch),
    T(hold_needs_its_release),
    T(nested_run_and_free_are_refused),
    T(error_without_a_listener_ends_the_run_once),
    T(signal_in_poll_is_no_error),
    T(wrong_arguments_are_refused),
    T(timer_fires_when_it_is_due_and_keeps_the_loop),
    T(stopped_timer_does_not_keep_the_loop),
    T(timer_started_by_a_watch_is_waited_for),
    T(time_after_the_wait_is_told_before_a_watch_is_called),
    T(time_after_the_wait_is_told_before_data_and_callbacks_of_writes),
    T(time_after_the_wait_is_told_before_peers_and_connections),
    T(spans_that_start_between_two_runs_count_from_then),
    T(the_clock_is_the_loops_own_whatever_the_options_say),
    T(a_loop_is_made_by_the_name_of_its_backend),
    T(the_context_knows_its_loop_whatever_the_options_say),
    T(limits_on_streams_do_not_keep_the_loop),
    T(limits_are_told_by_a_loop_that_goes_on_for_another_reason),
    T(post_of_another_thread_wakes_the_loop),
    T(tasks_without_end_let_descriptors_have_their_turn),
    T(watch_calls_once_for_each_want),
    T(watch_tells_both_directions_apart),
    T(hang_up_is_all_that_was_wanted),
    T(watch_that_wants_nothing_is_not_called),
    T(watches_may_be_removed_while_they_are_called),
    T(watch_needs_a_descriptor_and_memory),
    cmocka_unit_test(loop_comes_with_memory_or_not_at_all),
};

TEST_MAIN(tests)

/*
 * test_embed.c - loop.h: a host drives a loop by its descriptor and its time. Here the host is
 * poll(2), or another loop.
 */
#include <pthread.h>
#include <time.h>

#include "fixture.h"

#define SKIP_WITHOUT_DESCRIPTOR(f)                                    \
    do {                                                              \
        if (cst_loop_fd((f)->loop) < 0) {                             \
            assert_string_equal(cst_loop_backend((f)->loop), "poll"); \
            skip();                                                   \
        }                                                             \
    } while (0)

/* Return whether the loop's descriptor is readable, after timeout_ms at most. */
static bool is_readable(const struct test_fixture *f, int timeout_ms)
{
    struct pollfd host = { .fd = cst_loop_fd(f->loop), .events = POLLIN };
    int n = poll(&host, 1, timeout_ms);

    assert_true(n >= 0);
    return n > 0;
}

static int round_up_to_ms(uint64_t ns)
{
    return ns == CST_NEVER ? -1 : (int)((ns + 999999) / 1000000);
}

static unsigned drive(const struct test_fixture *f)
{
    unsigned turns = 0;

    while (cst_loop_is_alive(f->loop)) {
        (void)is_readable(f, round_up_to_ms(cst_loop_timeout_ns(f->loop)));
        assert_true(cst_loop_run_once(f->loop, 0) >= 0);
        turns++;
    }
    return turns;
}

/* The host would turn for nothing if the descriptor stayed readable. */
static void assert_quiet(const struct test_fixture *f)
{
    for (unsigned i = 0; i < 3 && is_readable(f, 0); i++)
        assert_true(cst_loop_run_once(f->loop, 0) >= 0);
    assert_false(is_readable(f, 0));
}

static void note(void *arg)
{
    test_on_done(NULL, CST_OK, arg);
}

static void note_came(cst_watch *watch, unsigned came, void *arg)
{
    struct test_name *n = arg;

    (void)watch;
    test_trace_add(&n->fixture->trace, "%s:%s%s", n->name, came & CST_WATCH_READ ? "r" : "",
                   came & CST_WATCH_WRITE ? "w" : "");
}

/* --- a program ---------------------------------------------------------------------------------*/

enum { ECHO_BYTES = 1 << 20 };

static void echo(cst_listener *l, cst_stream *s, cst_status status, void *arg)
{
    assert_int_equal(status, CST_OK);
    test_listen(arg, s, "server");
    cst_pipe(s, s, NULL);
    cst_unref(s);
    cst_listener_close(l);
}

/* All of it begins between turns. */
static void server_and_client_run_on_a_host_that_polls_one_descriptor(void **state)
{
    struct test_fixture *f = *state;
    cst_endpoint at;
    cst_listener *l;
    cst_stream *s;

    SKIP_WITHOUT_DESCRIPTOR(f);
    assert_int_equal(cst_listen(&l, f->loop, &(cst_address){ .host = "127.0.0.1" },
                                &(cst_listen_opts){ .socket = { .allow_half_open = true } }, echo,
                                f),
                     CST_OK);
    assert_int_equal(cst_listener_address(&at, l), CST_OK);
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .port = at.port }, NULL), CST_OK);
    test_gather(f, s);
    test_listen(f, s, "client");
    cst_write(s, test_bytes(f, 0, ECHO_BYTES), NULL, NULL);
    cst_end(s, NULL, NULL);
    assert_true(cst_loop_is_alive(f->loop));
    (void)drive(f);
    assert_int_equal(f->gathered, ECHO_BYTES);
    assert_string_equal(f->trace.text, "client:finish server:end server:finish server:close "
                                       "client:end client:close");
    cst_unref(s);
    assert_quiet(f);
}

/* --- between two turns ------------------------------------------------------------------------ */

static void what_is_waited_for_between_turns_is_in_the_descriptor(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    int in, out;

    SKIP_WITHOUT_DESCRIPTOR(f);
    test_pipe(&in, &out);
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_IDLE);
    cst_watch_add(&watch, f->loop, in, note_came, test_name(f, "w"));
    cst_watch_want(&watch, CST_WATCH_READ);
    assert_false(is_readable(f, 0));
    test_write(out, "abc");
    assert_true(is_readable(f, 0));
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_IDLE);
    assert_string_equal(f->trace.text, "w:r");
    assert_quiet(f); /* nobody wants what is there */
    cst_watch_want(&watch, CST_WATCH_READ);
    assert_true(is_readable(f, 0));
    cst_watch_want_nothing(&watch);
    assert_quiet(f);
    assert_string_equal(f->trace.text, "w:r");
    cst_watch_remove(&watch);
    close(in);
    close(out);
}

static void read_then_want_write(cst_watch *watch, unsigned came, void *arg)
{
    note_came(watch, came, arg);
    if (came != CST_WATCH_READ)
        return;
    test_assert_reads(watch->fd, "abc");
    cst_watch_want(watch, CST_WATCH_WRITE);
}

static void what_is_waited_for_in_a_turn_is_in_the_descriptor_after_it(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    int here, there;

    SKIP_WITHOUT_DESCRIPTOR(f);
    test_socketpair(&here, &there, SOCK_STREAM);
    cst_watch_add(&watch, f->loop, here, read_then_want_write, test_name(f, "w"));
    cst_watch_want(&watch, CST_WATCH_READ);
    test_write(there, "abc");
    assert_true(is_readable(f, 0));
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_MORE);
    assert_true(is_readable(f, 0));
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_IDLE);
    assert_string_equal(f->trace.text, "w:r w:w");
    assert_false(is_readable(f, 0)); /* there is room, which nobody waits for any more */
    cst_watch_remove(&watch);
    close(here);
    close(there);
}

static void work_of_the_hosts_own_callbacks_makes_the_descriptor_readable(void **state)
{
    struct test_fixture *f = *state;
    cst_task task = { .fn = NULL };
    cst_timer timer = { .fn = NULL };

    SKIP_WITHOUT_DESCRIPTOR(f);
    for (int i = 0; i < 2; i++) { /* of a new loop, and after a turn */
        assert_false(is_readable(f, 0));
        cst_defer(f->ctx, &task, note, test_name(f, "task"));
        assert_true(is_readable(f, 0));
        assert_int_equal(cst_loop_timeout_ns(f->loop), 0);
        assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_IDLE);
        assert_false(is_readable(f, 0));
    }
    cst_timer_start_in(f->ctx, &timer, 1000000, note, test_name(f, "timer"));
    assert_true(is_readable(f, 0));
    assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_IDLE);
    assert_string_equal(f->trace.text, "task:OK task:OK timer:OK");
    assert_false(is_readable(f, 0));
}

static void stream_that_nobody_reads_leaves_the_descriptor_quiet(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    SKIP_WITHOUT_DESCRIPTOR(f);
    test_pipe(&in, &out);
    assert_int_equal(cst_fd_source_new(&s, f->loop, in, NULL), CST_OK);
    test_listen_to_data(f, s, "r");
    test_write(out, "abc");
    test_turn(f, 3);
    cst_pause(s);
    assert_quiet(f);
    test_write(out, "def");
    assert_quiet(f);
    close(out);
    assert_quiet(f);
    assert_string_equal(f->trace.text, "r:data:abc");
    cst_resume(s);
    (void)drive(f);
    assert_string_equal(f->trace.text, "r:data:abc r:data:def r:end r:close");
    cst_unref(s);
    assert_quiet(f);
}

/* --- the time --------------------------------------------------------------------------------- */

static void time_to_sleep_ends_with_the_next_timer(void **state)
{
    const uint64_t hour_ns = UINT64_C(3600000000000);
    struct test_fixture *f = *state;
    cst_timer timer = { .fn = NULL };
    cst_task task = { .fn = NULL };
    cst_stream *s;

    assert_true(cst_loop_timeout_ns(f->loop) == CST_NEVER);
    cst_timer_start_in(f->ctx, &timer, hour_ns, note, NULL);
    assert_in_range(cst_loop_timeout_ns(f->loop), hour_ns / 2, hour_ns);
    cst_timer_start(f->ctx, &timer, 1, note, test_name(f, "timer")); /* long ago */
    assert_int_equal(cst_loop_timeout_ns(f->loop), 0);
    test_run(f);
    assert_string_equal(f->trace.text, "timer:OK");
    cst_defer(f->ctx, &task, note, test_name(f, "task"));
    assert_int_equal(cst_loop_timeout_ns(f->loop), 0);
    test_run(f);
    assert_true(cst_loop_timeout_ns(f->loop) == CST_NEVER);
    assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
    cst_set_timeouts(s, &(cst_timeouts){ .total_ns = hour_ns });
    assert_in_range(cst_loop_timeout_ns(f->loop), hour_ns / 2, hour_ns);
    assert_false(cst_loop_is_alive(f->loop)); /* limits are told, but keep nothing running */
    cst_unref(s);
    assert_true(cst_loop_timeout_ns(NULL) == CST_NEVER);
}

static void host_that_sleeps_as_long_as_it_is_told_sees_each_timer_in_time(void **state)
{
    struct test_fixture *f = *state;
    cst_timer late = { .fn = NULL }, early = { .fn = NULL };

    SKIP_WITHOUT_DESCRIPTOR(f);
    cst_timer_start_in(f->ctx, &late, 30 * 1000000, note, test_name(f, "late"));
    cst_timer_start_in(f->ctx, &early, 10 * 1000000, note, test_name(f, "early"));
    assert_in_range(drive(f), 2, 4); /* one more is for the wakes that started them */
    assert_string_equal(f->trace.text, "early:OK late:OK");
}

static void loop_is_alive_for_what_cst_loop_run_goes_on_for(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    cst_timer timer = { .fn = NULL };
    cst_task task = { .fn = NULL };
    int in, out;

    test_pipe(&in, &out);
    assert_false(cst_loop_is_alive(NULL));
    assert_int_equal(cst_loop_fd(NULL), -1);
    assert_false(cst_loop_is_alive(f->loop));
    cst_loop_hold(f->loop);
    assert_true(cst_loop_is_alive(f->loop));
    cst_loop_release(f->loop);
    assert_false(cst_loop_is_alive(f->loop));
    cst_timer_start_in(f->ctx, &timer, 1000000, note, NULL);
    assert_true(cst_loop_is_alive(f->loop));
    cst_timer_stop(f->ctx, &timer);
    assert_false(cst_loop_is_alive(f->loop));
    cst_watch_add(&watch, f->loop, in, note_came, NULL);
    assert_false(cst_loop_is_alive(f->loop));
    cst_watch_want(&watch, CST_WATCH_READ);
    assert_true(cst_loop_is_alive(f->loop));
    cst_watch_want_nothing(&watch);
    assert_false(cst_loop_is_alive(f->loop));
    cst_watch_want(&watch, CST_WATCH_READ | CST_WATCH_WRITE);
    cst_watch_remove(&watch);
    assert_false(cst_loop_is_alive(f->loop));
    cst_defer(f->ctx, &task, note, test_name(f, "task"));
    assert_true(cst_loop_is_alive(f->loop));
    test_run(f);
    assert_false(cst_loop_is_alive(f->loop));
    close(in);
    close(out);
}

/* --- other threads ---------------------------------------------------------------------------- */

enum { POSTS = 2000 };

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

static void *post_all(void *arg)
{
    static const struct timespec pause = { 0, 20000 };
    struct posting *posting = arg;

    for (size_t i = 0; i < POSTS; i++) {
        if (i % 7 == 0)
            nanosleep(&pause, NULL);
        cst_post(cst_loop_ctx(posting->loop), &posting->tasks[i], on_post, posting);
    }
    return NULL;
}

/* The host asks how long to sleep after its turns only, and sleeps for ever if it may: a wake that
 * is lost would end the test. */
static void post_of_another_thread_makes_the_descriptor_readable(void **state)
{
    struct test_fixture *f = *state;
    static struct posting posting;
    pthread_t thread;

    TEST_NEEDS_ATOMICS();
    SKIP_WITHOUT_DESCRIPTOR(f);
    posting = (struct posting){ .loop = f->loop };
    cst_loop_hold(f->loop);
    assert_int_equal(pthread_create(&thread, NULL, post_all, &posting), 0);
    (void)drive(f);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(posting.ran, POSTS);
    assert_quiet(f);
}

static void note_told(void *arg)
{
    *(pthread_t *)arg = pthread_self();
}

/* With the thread sanitizer: a host that comes and goes races with no thread that posts. */
static void host_comes_and_goes_while_another_thread_posts(void **state)
{
    struct test_fixture *f = *state;
    static struct posting posting;
    pthread_t thread, told = pthread_self();

    TEST_NEEDS_ATOMICS();
    posting = (struct posting){ .loop = f->loop };
    cst_loop_hold(f->loop);
    assert_int_equal(pthread_create(&thread, NULL, post_all, &posting), 0);
    while (posting.ran < POSTS) {
        assert_int_equal(cst_loop_set_host(f->loop, note_told, &told), CST_OK);
        (void)cst_loop_run_once(f->loop, 0);
        assert_int_equal(cst_loop_set_host(f->loop, NULL, NULL), CST_OK);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(pthread_equal(told, pthread_self()));
}

/* --- a loop in a loop ------------------------------------------------------------------------- */

static void turn_inner(cst_watch *watch, unsigned came, void *arg)
{
    (void)came;
    if (cst_loop_run_once(arg, 0) == CST_MORE)
        cst_watch_want(watch, CST_WATCH_READ);
}

static void loop_drives_another_one(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    cst_loop *host;
    cst_stream *s;
    int in, out;

    SKIP_WITHOUT_DESCRIPTOR(f);
    assert_int_equal(cst_loop_new(&host, test_heap_allocator(&f->heap), test_loop_opts()), CST_OK);
    test_pipe(&in, &out);
    assert_int_equal(cst_fd_source_new(&s, f->loop, in, NULL), CST_OK);
    test_listen_to_data(f, s, "r");
    test_write(out, "abc");
    close(out);
    assert_int_equal(cst_watch_add(&watch, host, cst_loop_fd(f->loop), turn_inner, f->loop),
                     CST_OK);
    cst_watch_want(&watch, CST_WATCH_READ);
    assert_int_equal(cst_loop_run(host), CST_IDLE);
    assert_string_equal(f->trace.text, "r:data:abc r:end r:close");
    cst_watch_remove(&watch);
    assert_int_equal(cst_loop_free(host), CST_OK);
    cst_unref(s);
}

static const struct CMUnitTest tests[] = {
    T(server_and_client_run_on_a_host_that_polls_one_descriptor),
    T(what_is_waited_for_between_turns_is_in_the_descriptor),
    T(what_is_waited_for_in_a_turn_is_in_the_descriptor_after_it),
    T(work_of_the_hosts_own_callbacks_makes_the_descriptor_readable),
    T(stream_that_nobody_reads_leaves_the_descriptor_quiet),
    T(time_to_sleep_ends_with_the_next_timer),
    T(host_that_sleeps_as_long_as_it_is_told_sees_each_timer_in_time),
    T(loop_is_alive_for_what_cst_loop_run_goes_on_for),
    T(post_of_another_thread_makes_the_descriptor_readable),
    T(host_comes_and_goes_while_another_thread_posts),
    T(loop_drives_another_one),
};

TEST_MAIN(tests)

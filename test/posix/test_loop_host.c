/*
 * test_loop_host.c - cst_loop_set_host: another loop is told what has changed while no turn ran.
 */
#include <pthread.h>

#include "fixture.h"

static void told(void *arg)
{
    struct test_fixture *f = arg;

    test_trace_add(&f->trace, "told");
}

static void note(void *arg)
{
    struct test_fixture *f = arg;

    test_trace_add(&f->trace, "ran");
}

static void never(void *arg)
{
    (void)arg;
    fail_msg("a timer that is far away has run");
}

static void on_ready(cst_watch *watch, unsigned came, void *arg)
{
    struct test_fixture *f = arg;

    (void)came;
    test_trace_add(&f->trace, "ready");
    cst_watch_want(watch, CST_WATCH_READ);
    cst_loop_hold(f->loop);
    cst_loop_release(f->loop);
}

static void assert_told(struct test_fixture *f, const char *words)
{
    assert_string_equal(f->trace.text, words);
    test_trace_clear(&f->trace);
}

static void work_tells_once_until_a_turn_has_run(void **state)
{
    struct test_fixture *f = *state;
    cst_task tasks[2] = { { .fn = NULL } };

    assert_int_equal(cst_loop_set_host(f->loop, told, f), CST_OK);
    cst_defer(f->ctx, &tasks[0], note, f);
    cst_immediate(f->ctx, &tasks[1], note, f);
    assert_true(cst_loop_is_alive(f->loop));
    assert_told(f, "told");
    test_turn(f, 1);
    assert_told(f, "ran ran");
    cst_defer(f->ctx, &tasks[0], note, f);
    test_turn(f, 1);
    assert_told(f, "told ran");
}

static void a_timer_tells_if_it_is_due_earlier(void **state)
{
    struct test_fixture *f = *state;
    cst_timer far = { .fn = NULL }, near = { .fn = NULL }, later = { .fn = NULL };

    assert_int_equal(cst_loop_set_host(f->loop, told, f), CST_OK);
    cst_timer_start_in(f->ctx, &far, UINT64_C(9000000000000), never, NULL);
    assert_told(f, "told");
    test_turn(f, 1);
    cst_timer_start_in(f->ctx, &near, UINT64_C(8000000000000), never, NULL);
    assert_told(f, "told");
    test_turn(f, 1);
    cst_timer_start_in(f->ctx, &later, UINT64_C(9900000000000), never, NULL);
    cst_timer_stop(f->ctx, &near);
    cst_timer_stop(f->ctx, &far);
    cst_timer_stop(f->ctx, &later);
    assert_told(f, "");
}

static void what_is_waited_for_tells_when_it_comes_and_goes(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .loop = NULL };
    int in, out;

    test_pipe(&in, &out);
    assert_int_equal(cst_watch_add(&watch, f->loop, in, on_ready, f), CST_OK);
    assert_int_equal(cst_loop_set_host(f->loop, told, f), CST_OK);
    cst_watch_want(&watch, CST_WATCH_READ);
    assert_told(f, "told");
    cst_watch_want(&watch, CST_WATCH_READ);
    assert_told(f, "");
    test_write(out, "x");
    test_turn(f, 1);
    assert_told(f, "ready"); /* in a turn nobody needs to be told */
    cst_watch_want_nothing(&watch);
    assert_told(f, "told");
    assert_false(cst_loop_is_alive(f->loop));
    cst_watch_want(&watch, CST_WATCH_READ);
    cst_watch_remove(&watch);
    assert_told(f, "told told");
    close(in);
    close(out);
}

static void a_hold_tells_and_so_does_its_release(void **state)
{
    struct test_fixture *f = *state;

    assert_int_equal(cst_loop_set_host(f->loop, told, f), CST_OK);
    cst_loop_hold(f->loop);
    assert_told(f, "told");
    cst_loop_release(f->loop);
    assert_told(f, "told");
}

struct poster {
    struct test_fixture *f;
    cst_task task;
};

static void *post(void *arg)
{
    struct poster *poster = arg;

    cst_post(poster->f->ctx, &poster->task, note, poster->f);
    return NULL;
}

static void a_post_of_another_thread_makes_the_descriptor_readable_instead(void **state)
{
    struct test_fixture *f = *state;
    struct poster poster = { .f = f, .task = { .fn = NULL } };
    struct pollfd ready = { .fd = cst_loop_fd(f->loop), .events = POLLIN };
    pthread_t thread;

    TEST_NEEDS_ATOMICS();
    if (ready.fd < 0)
        skip();
    assert_int_equal(cst_loop_set_host(f->loop, told, f), CST_OK);
    pthread_create(&thread, NULL, post, &poster);
    pthread_join(thread, NULL);
    assert_told(f, "");
    assert_int_equal(poll(&ready, 1, 0), 1);
    test_turn(f, 1);
    assert_told(f, "ran");
    assert_int_equal(poll(&ready, 1, 0), 0);
}

static void there_is_one_host(void **state)
{
    struct test_fixture *f = *state;

    assert_int_equal(cst_loop_set_host(NULL, told, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_set_host(f->loop, told, f), CST_OK);
    assert_int_equal(cst_loop_set_host(f->loop, told, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_loop_set_host(f->loop, NULL, NULL), CST_OK);
    cst_loop_hold(f->loop);
    cst_loop_release(f->loop);
    assert_told(f, "");
    assert_int_equal(cst_loop_set_host(f->loop, told, f), CST_OK);
}

static const struct CMUnitTest tests[] = {
    T(work_tells_once_until_a_turn_has_run),
    T(a_timer_tells_if_it_is_due_earlier),
    T(what_is_waited_for_tells_when_it_comes_and_goes),
    T(a_hold_tells_and_so_does_its_release),
    T(a_post_of_another_thread_makes_the_descriptor_readable_instead),
    T(there_is_one_host),
};

TEST_MAIN(tests)

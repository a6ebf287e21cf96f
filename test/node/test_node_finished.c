/*
 * test_node_finished.c - the rows about finished of test/conformance/rows.txt: what Node's own tests check of it.
 *
 * Of the row test-stream-finished two cases have no form in C: a `destroyed` that is set by hand, and a 'close' that the
 * test emits itself (here a destroy stands for it).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "main.h"
#include "turn.h"

static const cst_opts stays = { .no_auto_destroy = true };

static cst_stream *listened(struct test_host *host, cst_stream *s)
{
    test_trace_listen(&host->trace, s, "s");
    return s;
}

static cst_stream *readable(struct test_host *host, const cst_opts *opts)
{
    return listened(host, test_feed_new(host, &(struct test_feed){ .when = TEST_NEVER }, opts));
}

static cst_stream *writable(struct test_host *host, enum test_when when, const cst_opts *opts)
{
    return listened(host, test_taker_new(host, &(struct test_taker){ .when = when }, opts));
}

static cst_stream *pass(struct test_host *host)
{
    return listened(host, test_pass_new(host, NULL));
}

static void wait_for(struct test_host *host, cst_stream *s, const cst_finished_opts *opts)
{
    assert_int_equal(cst_finished(s, opts, test_host_outcome, host), CST_OK);
}

static void run_and_expect(struct test_host *host, const char *text)
{
    test_host_run(host);
    test_host_expect(host, text);
}

/* --- success ------------------------------------------------------------------------------------------------------ */

static void test_stream_finished__success_of_each_kind(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = readable(host, NULL), *w = writable(host, TEST_NOW, NULL), *t = pass(host);

    wait_for(host, r, NULL);
    cst_push_eof(r);
    cst_resume(r);
    run_and_expect(host, "s:resume s:end s:close done:ok");
    wait_for(host, w, NULL);
    cst_end(w, NULL, NULL);
    run_and_expect(host, "s:finish s:close done:ok");
    wait_for(host, t, NULL);
    cst_end(t, NULL, NULL);
    cst_resume(t);
    run_and_expect(host, "s:finish s:resume s:end s:close done:ok");
}

static void test_stream_finished__after_close_where_that_is_to_come(void **state)
{
    struct test_host *host = *state;
    cst_stream *w = writable(host, TEST_NEXT_TICK, NULL);

    wait_for(host, w, NULL);
    cst_end_with(w, cst_slice_str("a"), NULL, NULL);
    run_and_expect(host, "s:finish s:close done:ok");
}

/* What a later task does. */
static void wait_later(void *arg)
{
    cst_stream *s = arg;

    wait_for(test_taker(s)->host, s, NULL);
}

struct watcher {
    struct test_host *host;
    cst_stream *stream;
};

static void wait_inside(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    wait_for(arg, s, NULL);
}

static void test_stream_finished__streams_that_are_not_destroyed(void **state)
{
    struct test_host *host = *state;
    cst_stream *w = writable(host, TEST_NEXT_TICK, &stays), *r = readable(host, &stays);
    cst_task task = { .fn = NULL };

    cst_end_with(w, cst_slice_str("asd"), NULL, NULL);
    cst_defer(host->ctx, &task, wait_later, w);
    run_and_expect(host, "s:finish done:ok");

    cst_on(r, CST_END, wait_inside, host);
    cst_push_eof(r);
    cst_resume(r);
    run_and_expect(host, "s:resume s:end done:ok");
}

static cst_status fail_at_once(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_USER(1);
}

static void test_stream_finished__inside_the_error_of_a_stream_that_stays(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .write = fail_at_once };
    struct test_host *host = *state;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, host->ctx, &ops, NULL, &stays), CST_OK);
    listened(host, w);
    cst_on(w, CST_ERROR, wait_inside, host);
    assert_int_equal(cst_write(w, cst_slice_str("a"), NULL, NULL), CST_FULL);
    run_and_expect(host, "s:error:CST_USER done:CST_USER");
}

/* --- a destroy ---------------------------------------------------------------------------------------------------- */

static void test_stream_finished__closed_between_eof_and_end(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = readable(host, NULL);

    wait_for(host, r, NULL);
    cst_push_eof(r);
    cst_destroy(r, CST_OK);
    run_and_expect(host, "s:close done:ok");
}

static void test_stream_finished__closed_too_early(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = readable(host, NULL), *full = readable(host, NULL);
    cst_stream *w = writable(host, TEST_NEXT_TURN, NULL);

    wait_for(host, r, NULL);
    cst_destroy(r, CST_OK);
    run_and_expect(host, "s:close done:CST_E_PREMATURE_CLOSE");
    wait_for(host, full, NULL);
    cst_push(full, cst_slice_str("a"));
    cst_push_eof(full);
    cst_destroy(full, CST_OK);
    run_and_expect(host, "s:close done:CST_E_PREMATURE_CLOSE");
    wait_for(host, w, NULL);
    cst_end_with(w, cst_slice_str("asd"), NULL, NULL);
    cst_destroy(w, CST_OK);
    run_and_expect(host, "s:close done:CST_E_PREMATURE_CLOSE");
    test_host_turn(host);
    test_host_expect(host, "");
}

/* The cases that hold for a Readable and for a Writable. */
static void check_both(struct test_host *host, void (*check)(struct test_host *host, cst_stream *s))
{
    check(host, readable(host, NULL));
    check(host, writable(host, TEST_NOW, NULL));
}

static void check_destroyed(struct test_host *host, cst_stream *s)
{
    cst_destroy(s, CST_OK);
    wait_for(host, s, NULL);
    test_host_expect(host, "");
    run_and_expect(host, "s:close done:CST_E_PREMATURE_CLOSE");
    wait_for(host, s, NULL);
    test_host_expect(host, "");
    run_and_expect(host, "done:CST_E_PREMATURE_CLOSE");
}

static void test_stream_finished__destroyed_before(void **state)
{
    check_both(*state, check_destroyed);
}

static void check_cancelled(struct test_host *host, cst_stream *s)
{
    cst_destroy(s, CST_OK);
    wait_for(host, s, NULL);
    assert_int_equal(cst_finished_cancel(s, test_host_outcome, host), CST_OK);
    run_and_expect(host, "s:close");
}

static void test_stream_finished__cancelled_in_the_same_tick(void **state)
{
    check_both(*state, check_cancelled);
}

static void test_stream_finished__cancelled_before_the_end(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = readable(host, NULL);

    wait_for(host, r, NULL);
    assert_int_equal(cst_finished_cancel(r, test_host_outcome, host), CST_OK);
    assert_int_equal(cst_finished_cancel(r, test_host_outcome, host), CST_EMPTY);
    cst_push_eof(r);
    cst_resume(r);
    run_and_expect(host, "s:resume s:end s:close");
    cst_destroy(r, CST_OK);
    run_and_expect(host, "");
}

/* A destroy slot that is answered in the next turn, or that waits for its stream once it has answered itself. */
struct closing {
    struct test_stage stage;
    struct test_host *host;
};

static cst_status take(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_OK;
}

static cst_status close_in_the_next_turn(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    test_host_park(((struct closing *)self)->host, s);
    return CST_PENDING;
}

static cst_status close_and_wait(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    cst_complete(cst_this_call(s), CST_OK);
    wait_for(((struct closing *)self)->host, s, NULL);
    return CST_PENDING;
}

static cst_stream *closing(struct test_host *host, bool is_readable, const cst_ops *ops,
                           const cst_opts *opts)
{
    const struct closing self = { .host = host };
    cst_stream *s;

    if (is_readable)
        assert_int_equal(cst_readable_new(&s, host->ctx, ops, &self, opts), CST_OK);
    else
        assert_int_equal(cst_writable_new(&s, host->ctx, ops, &self, opts), CST_OK);
    return listened(host, s);
}

static void test_stream_finished__waits_for_the_destroy_slot(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct closing),
                                 .write = take,
                                 .destroy = close_in_the_next_turn };
    struct test_host *host = *state;

    for (int is_readable = 0; is_readable < 2; is_readable++) {
        cst_stream *s = closing(host, is_readable, &ops, NULL);

        cst_destroy(s, CST_OK);
        wait_for(host, s, NULL);
        run_and_expect(host, "");
        test_host_turn(host);
        test_host_expect(host, "s:close done:CST_E_PREMATURE_CLOSE");
    }
}

static void test_stream_finished__without_close_inside_the_destroy_slot(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct closing),
                                 .write = take,
                                 .destroy = close_and_wait };
    struct test_host *host = *state;

    for (int is_readable = 0; is_readable < 2; is_readable++) {
        cst_stream *s = closing(host, is_readable, &ops, &(cst_opts){ .no_emit_close = true });

        cst_destroy(s, CST_OK);
        run_and_expect(host, "done:CST_E_PREMATURE_CLOSE");
    }
}

/* Waits once more inside the callback. */
static void on_outcome_again(const cst_error *error, void *arg)
{
    struct watcher *watcher = arg;

    test_trace_add(&watcher->host->trace, cst_is_closed(watcher->stream) ? "closed" : "open");
    test_host_outcome(error, watcher->host);
    wait_for(watcher->host, watcher->stream, NULL);
}

static void check_errored(struct test_host *host, cst_stream *s, cst_status why, const char *trace)
{
    struct watcher watcher = { .host = host, .stream = s };

    assert_int_equal(cst_finished(s, NULL, on_outcome_again, &watcher), CST_OK);
    assert_int_equal(cst_destroy(s, why), CST_OK);
    if (why)
        assert_int_equal(cst_errored(s)->status, why);
    else
        assert_null(cst_errored(s));
    run_and_expect(host, trace);
}

static void test_stream_finished__the_error_of_a_destroy(void **state)
{
    static const char failed[] = "s:error:CST_USER closed done:CST_USER s:close done:CST_USER";
    static const char early[] =
        "s:close closed done:CST_E_PREMATURE_CLOSE done:CST_E_PREMATURE_CLOSE";
    struct test_host *host = *state;

    check_errored(host, readable(host, NULL), CST_USER(1), failed);
    check_errored(host, writable(host, TEST_NOW, NULL), CST_USER(1), failed);
    check_errored(host, readable(host, NULL), CST_OK, early);
    check_errored(host, writable(host, TEST_NOW, NULL), CST_OK, early);
}

/* --- both sides --------------------------------------------------------------------------------------------------- */

static cst_status read_eof(cst_stream *s, void *self, size_t size)
{
    (void)self;
    (void)size;
    return cst_push_eof(s);
}

static cst_status never(cst_stream *s, void *self)
{
    (void)s;
    (void)self;
    return CST_PENDING;
}

static cst_stream *duplex(struct test_host *host, const cst_ops *ops, const cst_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_duplex_new(&s, host->ctx, ops, NULL, opts), CST_OK);
    return listened(host, s);
}

static void test_stream_finished__the_readable_side_alone(void **state)
{
    static const cst_ops ops = {
        .self_size = sizeof(struct test_stage), .read = read_eof, .write = take, .final = never
    };
    static const cst_finished_opts readable_only = { .no_writable = true };
    struct test_host *host = *state;
    cst_stream *before = duplex(host, &ops, NULL), *after = duplex(host, &ops, NULL);

    wait_for(host, before, &readable_only);
    cst_end(before, NULL, NULL);
    cst_resume(before);
    run_and_expect(host, "s:resume s:end done:ok");
    cst_end(after, NULL, NULL);
    wait_for(host, after, &readable_only);
    cst_resume(after);
    run_and_expect(host, "s:resume s:end done:ok");
}

static cst_status take_in_the_next_turn(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)chunk;
    test_host_park(((struct closing *)self)->host, s);
    return CST_PENDING;
}

static void test_stream_finished__the_writable_side_alone(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct closing),
                                 .write = take_in_the_next_turn };
    struct test_host *host = *state;
    cst_stream *s = duplex(host, &ops, NULL);

    ((struct closing *)cst_stream_self(s))->host = host;
    wait_for(host, s, &(cst_finished_opts){ .no_readable = true });
    cst_end_with(s, cst_slice_str("foo"), NULL, NULL);
    run_and_expect(host, "");
    test_host_turn(host);
    test_host_expect(host, "s:finish done:ok");
}

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_host *host = arg;

    (void)s;
    test_trace_add(&host->trace, "%.*s", (int)event->chunk->len, (const char *)event->chunk->data);
}

static void test_stream_finished__a_written_side_leaves_the_other(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .write = take };
    struct test_host *host = *state;
    cst_stream *s = duplex(host, &ops, &stays);

    wait_for(host, s, NULL);
    cst_end(s, NULL, NULL);
    run_and_expect(host, "s:finish");
    cst_on(s, CST_DATA, on_data, host);
    cst_push(s, cst_slice_str("foo"));
    cst_push(s, cst_slice_str("bar"));
    cst_push_eof(s);
    run_and_expect(host, "s:resume foo bar s:end done:ok");
}

static void test_stream_finished__nobody_reads(void **state)
{
    struct test_host *host = *state;
    cst_stream *s = pass(host), *inside = pass(host);

    wait_for(host, s, NULL);
    cst_end(s, NULL, NULL);
    run_and_expect(host, "s:finish");
    cst_on(inside, CST_FINISH, wait_inside, host);
    cst_end(inside, NULL, NULL);
    run_and_expect(host, "s:finish");
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void test_stream_finished__a_signal_that_was_thrown_before(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = readable(host, NULL);
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, host->ctx), CST_OK);
    cst_abort_fire(signal);
    wait_for(host, r, &(cst_finished_opts){ .signal = signal });
    test_host_expect(host, "");
    run_and_expect(host, "done:CST_E_ABORT");
    cst_abort_unref(signal);
}

static void test_stream_finished__a_signal_that_is_thrown(void **state)
{
    struct test_host *host = *state;
    cst_stream *now = readable(host, NULL), *later = readable(host, NULL);
    cst_abort *signal, *other;

    assert_int_equal(cst_abort_new(&signal, host->ctx), CST_OK);
    assert_int_equal(cst_abort_new(&other, host->ctx), CST_OK);
    wait_for(host, now, &(cst_finished_opts){ .signal = signal });
    wait_for(host, later, &(cst_finished_opts){ .signal = other });
    cst_abort_fire(signal);
    test_host_expect(host, "done:CST_E_ABORT");
    run_and_expect(host, "");
    cst_abort_fire(other);
    run_and_expect(host, "done:CST_E_ABORT");
    assert_false(cst_is_destroyed(now));
    assert_false(cst_is_destroyed(later));
    cst_abort_unref(signal);
    cst_abort_unref(other);
}

static void test_stream_finished__a_signal_that_comes_too_late(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = readable(host, NULL);
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, host->ctx), CST_OK);
    wait_for(host, r, &(cst_finished_opts){ .signal = signal });
    cst_push_eof(r);
    cst_resume(r);
    run_and_expect(host, "s:resume s:end s:close done:ok");
    cst_abort_fire(signal);
    run_and_expect(host, "");
    cst_abort_unref(signal);
}

static void test_stream_finished__wrong_arguments(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = readable(host, NULL);

    assert_int_equal(cst_finished(r, NULL, NULL, host), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished(r, &(cst_finished_opts){ .no_error = true }, NULL, host),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_listener_count(r, CST_END), 1); /* the trace's */
}

static void test_stream_end_of_streams(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .write = take };
    struct test_host *host = *state;
    cst_stream *s = duplex(host, &ops, NULL);

    assert_int_equal(cst_finished(NULL, NULL, test_host_outcome, host), CST_E_INVALID_ARG);
    cst_end(s, NULL, NULL);
    wait_for(host, s, NULL);
    run_and_expect(host, "s:finish");
}

static void test_stream_promises__pipeline(void **state)
{
    struct test_host *host = *state;
    cst_stream *streams[] = { readable(host, NULL), writable(host, TEST_NOW, NULL) };

    cst_push(streams[0], cst_slice_str("a"));
    cst_push(streams[0], cst_slice_str("b"));
    cst_push(streams[0], cst_slice_str("c"));
    cst_push_eof(streams[0]);
    cst_on(streams[0], CST_DATA, on_data, host);
    assert_int_equal(cst_pipeline(streams, 2, NULL, test_host_outcome, host), CST_OK);
    run_and_expect(host, "s:pipe s:resume a b c s:end s:pause s:unpipe s:finish s:close s:close "
                         "done:ok");

    streams[0] = readable(host, NULL);
    streams[1] = writable(host, TEST_NOW, NULL);
    assert_int_equal(cst_pipeline(streams, 2, NULL, test_host_outcome, host), CST_OK);
    run_and_expect(host, "s:pipe s:resume");
    cst_destroy(streams[0], CST_OK);
    run_and_expect(host, "s:close s:unpipe s:error:CST_E_PREMATURE_CLOSE s:close "
                         "done:CST_E_PREMATURE_CLOSE");
}

/* Node's option `cleanup`, and the function that its finished returns, are cst_finished_cancel after done. */
static void test_stream_promises__listeners_stay_until_they_are_taken_away(void **state)
{
    static const cst_event_type types[] = { CST_END, CST_FINISH, CST_ERROR, CST_CLOSE };
    struct test_host *host = *state;
    cst_stream *w = test_taker_new(host, &(struct test_taker){ .when = TEST_NOW }, NULL);

    wait_for(host, w, NULL);
    cst_end(w, NULL, NULL);
    run_and_expect(host, "done:ok");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(cst_listener_count(w, types[i]), 1);
    assert_int_equal(cst_finished_cancel(w, test_host_outcome, host), CST_OK);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(cst_listener_count(w, types[i]), 0);
    assert_int_equal(cst_finished_cancel(w, test_host_outcome, host), CST_EMPTY);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_host_setup, test_host_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_finished__success_of_each_kind),
    CASE(test_stream_finished__after_close_where_that_is_to_come),
    CASE(test_stream_finished__streams_that_are_not_destroyed),
    CASE(test_stream_finished__inside_the_error_of_a_stream_that_stays),
    CASE(test_stream_finished__closed_between_eof_and_end),
    CASE(test_stream_finished__closed_too_early),
    CASE(test_stream_finished__destroyed_before),
    CASE(test_stream_finished__cancelled_in_the_same_tick),
    CASE(test_stream_finished__cancelled_before_the_end),
    CASE(test_stream_finished__waits_for_the_destroy_slot),
    CASE(test_stream_finished__without_close_inside_the_destroy_slot),
    CASE(test_stream_finished__the_error_of_a_destroy),
    CASE(test_stream_finished__the_readable_side_alone),
    CASE(test_stream_finished__the_writable_side_alone),
    CASE(test_stream_finished__a_written_side_leaves_the_other),
    CASE(test_stream_finished__nobody_reads),
    CASE(test_stream_finished__a_signal_that_was_thrown_before),
    CASE(test_stream_finished__a_signal_that_is_thrown),
    CASE(test_stream_finished__a_signal_that_comes_too_late),
    CASE(test_stream_finished__wrong_arguments),
    CASE(test_stream_end_of_streams),
    CASE(test_stream_promises__pipeline),
    CASE(test_stream_promises__listeners_stay_until_they_are_taken_away),
};

TEST_MAIN(tests)

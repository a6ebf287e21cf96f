/*
 * test_node_finished.c - the rows about finished of test/conformance/rows.txt: what Node's own
 * tests check of it.
 *
 * Of the row test-stream-finished two cases have no form in C: a `destroyed` that is set by hand,
 * and a 'close' that the test emits itself (here a destroy stands for it).
 */
#include "world.h"

static const cst_opts stays = { .no_auto_destroy = true };

static cst_stream *listened(struct test_world *world, cst_stream *s)
{
    test_listen_as(world, s, "s");
    return s;
}

static cst_stream *readable(struct test_world *world, const cst_opts *opts)
{
    return listened(world, test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, opts));
}

static cst_stream *writable(struct test_world *world, enum test_when when, const cst_opts *opts)
{
    return listened(world, test_taker(world, &(struct test_stage){ .when = when }, opts));
}

static cst_stream *pass(struct test_world *world)
{
    return listened(world, test_pass(world, NULL));
}

static void wait_for(struct test_world *world, cst_stream *s, const cst_finished_opts *opts)
{
    assert_int_equal(cst_finished(s, opts, test_on_outcome, world), CST_OK);
}

/* --- success ---------------------------------------------------------------------------------- */

static void test_stream_finished__success_of_each_kind(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = readable(world, NULL), *w = writable(world, TEST_NOW, NULL), *t = pass(world);

    wait_for(world, r, NULL);
    cst_push_eof(r);
    cst_resume(r);
    test_run_and_expect(world, "s:resume s:end s:close done:ok");
    wait_for(world, w, NULL);
    cst_end(w, NULL, NULL);
    test_run_and_expect(world, "s:finish s:close done:ok");
    wait_for(world, t, NULL);
    cst_end(t, NULL, NULL);
    cst_resume(t);
    test_run_and_expect(world, "s:finish s:resume s:end s:close done:ok");
}

static void test_stream_finished__after_close_where_that_is_to_come(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = writable(world, TEST_NEXT_TICK, NULL);

    wait_for(world, w, NULL);
    cst_end_with(w, cst_slice_str("a"), NULL, NULL);
    test_run_and_expect(world, "s:finish s:close done:ok");
}

/* What a later task does. */
static void wait_later(void *arg)
{
    cst_stream *s = arg;

    wait_for(test_stage(s)->world, s, NULL);
}

struct watcher {
    struct test_world *world;
    cst_stream *stream;
};

static void wait_inside(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    wait_for(arg, s, NULL);
}

static void test_stream_finished__streams_that_are_not_destroyed(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = writable(world, TEST_NEXT_TICK, &stays), *r = readable(world, &stays);
    cst_task task = { .fn = NULL };

    cst_end_with(w, cst_slice_str("asd"), NULL, NULL);
    cst_defer(world->ctx, &task, wait_later, w);
    test_run_and_expect(world, "s:finish done:ok");

    cst_on(r, CST_END, wait_inside, world);
    cst_push_eof(r);
    cst_resume(r);
    test_run_and_expect(world, "s:resume s:end done:ok");
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
    struct test_world *world = *state;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, world->ctx, &ops, NULL, &stays), CST_OK);
    listened(world, w);
    cst_on(w, CST_ERROR, wait_inside, world);
    assert_int_equal(cst_write(w, cst_slice_str("a"), NULL, NULL), CST_FULL);
    test_run_and_expect(world, "s:error:USER done:USER");
}

/* --- a destroy -------------------------------------------------------------------------------- */

static void test_stream_finished__closed_between_eof_and_end(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = readable(world, NULL);

    wait_for(world, r, NULL);
    cst_push_eof(r);
    cst_destroy(r, CST_OK);
    test_run_and_expect(world, "s:close done:ok");
}

static void test_stream_finished__closed_too_early(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = readable(world, NULL), *full = readable(world, NULL);
    cst_stream *w = writable(world, TEST_NEXT_TURN, NULL);

    wait_for(world, r, NULL);
    cst_destroy(r, CST_OK);
    test_run_and_expect(world, "s:close done:PREMATURE_CLOSE");
    wait_for(world, full, NULL);
    cst_push(full, cst_slice_str("a"));
    cst_push_eof(full);
    cst_destroy(full, CST_OK);
    test_run_and_expect(world, "s:close done:PREMATURE_CLOSE");
    wait_for(world, w, NULL);
    cst_end_with(w, cst_slice_str("asd"), NULL, NULL);
    cst_destroy(w, CST_OK);
    test_run_and_expect(world, "s:close done:PREMATURE_CLOSE");
    test_turn(world);
    test_expect(world, "");
}

/* The cases that hold for a Readable and for a Writable. */
static void check_both(struct test_world *world,
                       void (*check)(struct test_world *world, cst_stream *s))
{
    check(world, readable(world, NULL));
    check(world, writable(world, TEST_NOW, NULL));
}

static void check_destroyed(struct test_world *world, cst_stream *s)
{
    cst_destroy(s, CST_OK);
    wait_for(world, s, NULL);
    test_expect(world, "");
    test_run_and_expect(world, "s:close done:PREMATURE_CLOSE");
    wait_for(world, s, NULL);
    test_expect(world, "");
    test_run_and_expect(world, "done:PREMATURE_CLOSE");
}

static void test_stream_finished__destroyed_before(void **state)
{
    check_both(*state, check_destroyed);
}

static void check_cancelled(struct test_world *world, cst_stream *s)
{
    cst_destroy(s, CST_OK);
    wait_for(world, s, NULL);
    assert_int_equal(cst_finished_cancel(s, test_on_outcome, world), CST_OK);
    test_run_and_expect(world, "s:close");
}

static void test_stream_finished__cancelled_in_the_same_tick(void **state)
{
    check_both(*state, check_cancelled);
}

static void test_stream_finished__cancelled_before_the_end(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = readable(world, NULL);

    wait_for(world, r, NULL);
    assert_int_equal(cst_finished_cancel(r, test_on_outcome, world), CST_OK);
    assert_int_equal(cst_finished_cancel(r, test_on_outcome, world), CST_EMPTY);
    cst_push_eof(r);
    cst_resume(r);
    test_run_and_expect(world, "s:resume s:end s:close");
    cst_destroy(r, CST_OK);
    test_run_and_expect(world, "");
}

/* A destroy slot that is answered in the next turn, or that waits for its stream once it has
 * answered itself. */
struct closing {
    struct test_stage stage;
    struct test_world *world;
};

static cst_status close_in_the_next_turn(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    test_park(((struct closing *)self)->world, s);
    return CST_PENDING;
}

static cst_status close_and_wait(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    cst_complete(cst_this_call(s), CST_OK);
    wait_for(((struct closing *)self)->world, s, NULL);
    return CST_PENDING;
}

static cst_stream *closing(struct test_world *world, bool is_readable, const cst_ops *ops,
                           const cst_opts *opts)
{
    const struct closing self = { .world = world };
    cst_stream *s;

    if (is_readable)
        assert_int_equal(cst_readable_new(&s, world->ctx, ops, &self, opts), CST_OK);
    else
        assert_int_equal(cst_writable_new(&s, world->ctx, ops, &self, opts), CST_OK);
    return listened(world, s);
}

static void test_stream_finished__waits_for_the_destroy_slot(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct closing),
                                 .write = test_swallow,
                                 .destroy = close_in_the_next_turn };
    struct test_world *world = *state;

    for (int is_readable = 0; is_readable < 2; is_readable++) {
        cst_stream *s = closing(world, is_readable, &ops, NULL);

        cst_destroy(s, CST_OK);
        wait_for(world, s, NULL);
        test_run_and_expect(world, "");
        test_turn(world);
        test_expect(world, "s:close done:PREMATURE_CLOSE");
    }
}

static void test_stream_finished__without_close_inside_the_destroy_slot(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct closing),
                                 .write = test_swallow,
                                 .destroy = close_and_wait };
    struct test_world *world = *state;

    for (int is_readable = 0; is_readable < 2; is_readable++) {
        cst_stream *s = closing(world, is_readable, &ops, &(cst_opts){ .no_emit_close = true });

        cst_destroy(s, CST_OK);
        test_run_and_expect(world, "done:PREMATURE_CLOSE");
    }
}

/* Wait once more inside the callback. */
static void on_outcome_again(const cst_error *error, void *arg)
{
    struct watcher *watcher = arg;

    test_trace_add(&watcher->world->trace, cst_is_closed(watcher->stream) ? "closed" : "open");
    test_on_outcome(error, watcher->world);
    wait_for(watcher->world, watcher->stream, NULL);
}

static void check_errored(struct test_world *world, cst_stream *s, cst_status why,
                          const char *trace)
{
    struct watcher watcher = { .world = world, .stream = s };

    assert_int_equal(cst_finished(s, NULL, on_outcome_again, &watcher), CST_OK);
    assert_int_equal(cst_destroy(s, why), CST_OK);
    if (why)
        assert_int_equal(cst_errored(s)->status, why);
    else
        assert_null(cst_errored(s));
    test_run_and_expect(world, trace);
}

static void test_stream_finished__the_error_of_a_destroy(void **state)
{
    static const char failed[] = "s:error:USER closed done:USER s:close done:USER";
    static const char early[] = "s:close closed done:PREMATURE_CLOSE done:PREMATURE_CLOSE";
    struct test_world *world = *state;

    check_errored(world, readable(world, NULL), CST_USER(1), failed);
    check_errored(world, writable(world, TEST_NOW, NULL), CST_USER(1), failed);
    check_errored(world, readable(world, NULL), CST_OK, early);
    check_errored(world, writable(world, TEST_NOW, NULL), CST_OK, early);
}

/* --- both sides ------------------------------------------------------------------------------- */

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

static cst_stream *duplex(struct test_world *world, const cst_ops *ops, const cst_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_duplex_new(&s, world->ctx, ops, NULL, opts), CST_OK);
    return listened(world, s);
}

static void test_stream_finished__the_readable_side_alone(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .read = read_eof,
                                 .write = test_swallow,
                                 .final = never };
    static const cst_finished_opts readable_only = { .no_writable = true };
    struct test_world *world = *state;
    cst_stream *before = duplex(world, &ops, NULL), *after = duplex(world, &ops, NULL);

    wait_for(world, before, &readable_only);
    cst_end(before, NULL, NULL);
    cst_resume(before);
    test_run_and_expect(world, "s:resume s:end done:ok");
    cst_end(after, NULL, NULL);
    wait_for(world, after, &readable_only);
    cst_resume(after);
    test_run_and_expect(world, "s:resume s:end done:ok");
}

static cst_status take_in_the_next_turn(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)chunk;
    test_park(((struct closing *)self)->world, s);
    return CST_PENDING;
}

static void test_stream_finished__the_writable_side_alone(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct closing),
                                 .write = take_in_the_next_turn };
    struct test_world *world = *state;
    cst_stream *s = duplex(world, &ops, NULL);

    ((struct closing *)cst_stream_self(s))->world = world;
    wait_for(world, s, &(cst_finished_opts){ .no_readable = true });
    cst_end_with(s, cst_slice_str("foo"), NULL, NULL);
    test_run_and_expect(world, "");
    test_turn(world);
    test_expect(world, "s:finish done:ok");
}

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;

    (void)s;
    test_trace_add(&world->trace, "%.*s", (int)event->chunk->len, (const char *)event->chunk->data);
}

static void test_stream_finished__a_written_side_leaves_the_other(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .write = test_swallow };
    struct test_world *world = *state;
    cst_stream *s = duplex(world, &ops, &stays);

    wait_for(world, s, NULL);
    cst_end(s, NULL, NULL);
    test_run_and_expect(world, "s:finish");
    cst_on(s, CST_DATA, on_data, world);
    cst_push(s, cst_slice_str("foo"));
    cst_push(s, cst_slice_str("bar"));
    cst_push_eof(s);
    test_run_and_expect(world, "s:resume foo bar s:end done:ok");
}

static void test_stream_finished__nobody_reads(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = pass(world), *inside = pass(world);

    wait_for(world, s, NULL);
    cst_end(s, NULL, NULL);
    test_run_and_expect(world, "s:finish");
    cst_on(inside, CST_FINISH, wait_inside, world);
    cst_end(inside, NULL, NULL);
    test_run_and_expect(world, "s:finish");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void test_stream_finished__a_signal_that_was_thrown_before(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = readable(world, NULL);
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, world->ctx), CST_OK);
    cst_abort_fire(signal);
    wait_for(world, r, &(cst_finished_opts){ .signal = signal });
    test_expect(world, "");
    test_run_and_expect(world, "done:ABORT");
    cst_abort_unref(signal);
}

static void test_stream_finished__a_signal_that_is_thrown(void **state)
{
    struct test_world *world = *state;
    cst_stream *now = readable(world, NULL), *later = readable(world, NULL);
    cst_abort *signal, *other;

    assert_int_equal(cst_abort_new(&signal, world->ctx), CST_OK);
    assert_int_equal(cst_abort_new(&other, world->ctx), CST_OK);
    wait_for(world, now, &(cst_finished_opts){ .signal = signal });
    wait_for(world, later, &(cst_finished_opts){ .signal = other });
    cst_abort_fire(signal);
    test_expect(world, "done:ABORT");
    test_run_and_expect(world, "");
    cst_abort_fire(other);
    test_run_and_expect(world, "done:ABORT");
    assert_false(cst_is_destroyed(now));
    assert_false(cst_is_destroyed(later));
    cst_abort_unref(signal);
    cst_abort_unref(other);
}

static void test_stream_finished__a_signal_that_comes_too_late(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = readable(world, NULL);
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, world->ctx), CST_OK);
    wait_for(world, r, &(cst_finished_opts){ .signal = signal });
    cst_push_eof(r);
    cst_resume(r);
    test_run_and_expect(world, "s:resume s:end s:close done:ok");
    cst_abort_fire(signal);
    test_run_and_expect(world, "");
    cst_abort_unref(signal);
}

static void test_stream_finished__wrong_arguments(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = readable(world, NULL);

    assert_int_equal(cst_finished(r, NULL, NULL, world), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished(r, &(cst_finished_opts){ .no_error = true }, NULL, world),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_listener_count(r, CST_END), 1); /* the trace's */
}

static void test_stream_end_of_streams(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .write = test_swallow };
    struct test_world *world = *state;
    cst_stream *s = duplex(world, &ops, NULL);

    assert_int_equal(cst_finished(NULL, NULL, test_on_outcome, world), CST_E_INVALID_ARG);
    cst_end(s, NULL, NULL);
    wait_for(world, s, NULL);
    test_run_and_expect(world, "s:finish");
}

static void test_stream_promises__pipeline(void **state)
{
    struct test_world *world = *state;
    cst_stream *streams[] = { readable(world, NULL), writable(world, TEST_NOW, NULL) };

    cst_push(streams[0], cst_slice_str("a"));
    cst_push(streams[0], cst_slice_str("b"));
    cst_push(streams[0], cst_slice_str("c"));
    cst_push_eof(streams[0]);
    cst_on(streams[0], CST_DATA, on_data, world);
    assert_int_equal(cst_pipeline(streams, 2, NULL, test_on_outcome, world), CST_OK);
    test_run_and_expect(world,
                        "s:pipe s:resume a b c s:end s:pause s:unpipe s:finish s:close s:close "
                        "done:ok");

    streams[0] = readable(world, NULL);
    streams[1] = writable(world, TEST_NOW, NULL);
    assert_int_equal(cst_pipeline(streams, 2, NULL, test_on_outcome, world), CST_OK);
    test_run_and_expect(world, "s:pipe s:resume");
    cst_destroy(streams[0], CST_OK);
    test_run_and_expect(world, "s:close s:unpipe s:error:PREMATURE_CLOSE s:close "
                               "done:PREMATURE_CLOSE");
}

/* Node's option `cleanup`, and the function that its finished returns, are cst_finished_cancel
 * after done. */
static void test_stream_promises__listeners_stay_until_they_are_taken_away(void **state)
{
    static const cst_event_type types[] = { CST_END, CST_FINISH, CST_ERROR, CST_CLOSE };
    struct test_world *world = *state;
    cst_stream *w = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);

    wait_for(world, w, NULL);
    cst_end(w, NULL, NULL);
    test_run_and_expect(world, "done:ok");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(cst_listener_count(w, types[i]), 1);
    assert_int_equal(cst_finished_cancel(w, test_on_outcome, world), CST_OK);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(cst_listener_count(w, types[i]), 0);
    assert_int_equal(cst_finished_cancel(w, test_on_outcome, world), CST_EMPTY);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

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

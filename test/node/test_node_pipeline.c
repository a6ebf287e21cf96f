/* test_node_pipeline.c - the rows about pipeline of test/conformance/rows.txt: what Node's own
 * tests check of it. */
#include "world.h"

static cst_stream *quiet_source(struct test_world *world)
{
    return test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);
}

static cst_stream *ready_sink(struct test_world *world)
{
    return test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);
}

/* A duplex that takes every chunk and never reads. */
static const cst_ops taking_ops = { .self_size = sizeof(struct test_stage), .write = test_swallow };

static cst_stream *duplex(struct test_world *world, const cst_ops *ops, const cst_opts *opts)
{
    cst_stream *s = NULL;

    assert_int_equal(cst_duplex_new(&s, world->ctx, ops, NULL, opts), CST_OK);
    return s;
}

static cst_stream *transform(struct test_world *world, const cst_ops *ops)
{
    cst_stream *s = NULL;

    assert_int_equal(cst_transform_new(&s, world->ctx, ops, NULL, NULL), CST_OK);
    return s;
}

static void listen(struct test_world *world, cst_stream *s, const char *name)
{
    test_listen_as(world, s, name);
}

static void start(struct test_world *world, cst_stream *first, cst_stream *second,
                  cst_stream *third)
{
    cst_stream *streams[] = { first, second, third };

    assert_int_equal(cst_pipeline(streams, third ? 3 : 2, NULL, test_on_outcome, world), CST_OK);
}

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;

    (void)s;
    test_trace_add(&world->trace, "%.*s", (int)event->chunk->len, (const char *)event->chunk->data);
}

/* --- the callback ----------------------------------------------------------------------------- */

static void test_stream_pipeline_async_iterator(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = quiet_source(world), *p = test_pass(world, NULL);

    cst_push(r, cst_slice_str("hello"));
    cst_push(r, cst_slice_str("world"));
    start(world, r, p, NULL);
    cst_on(p, CST_DATA, on_data, world);
    listen(world, r, "r");
    listen(world, p, "p");
    test_run(world);
    test_expect(world, "r:resume hello world p:resume");
    cst_destroy(r, CST_USER(1));
    test_run(world);
    test_expect(world, "r:error:USER r:close p:unpipe p:error:USER p:close "
                       "done:USER");
}

static void test_stream_pipeline_duplex(void **state)
{
    struct test_world *world = *state;
    cst_stream *p = test_pass(world, NULL), *d = duplex(world, &taking_ops, NULL);

    start(world, p, d, p);
    listen(world, p, "p");
    listen(world, d, "d");
    test_run(world);
    test_expect(world, "p:resume d:resume");
    cst_end(p, NULL, NULL);
    test_run(world);
    test_expect(world, "p:pause d:unpipe p:end d:pause p:unpipe p:finish d:finish p:close "
                       "d:error:PREMATURE_CLOSE d:close done:PREMATURE_CLOSE");
}

static cst_status keep(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_PENDING;
}

static cst_status end_in_destroy(cst_stream *s, void *self, const cst_error *error)
{
    (void)self;
    (void)error;
    cst_end(s, NULL, NULL);
    return CST_OK;
}

static void test_stream_pipeline_queued_end_in_destroy(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .write = keep,
                                 .destroy = end_in_destroy };
    struct test_world *world = *state;
    cst_stream *r = quiet_source(world), *d = duplex(world, &ops, NULL);

    start(world, r, d, NULL);
    listen(world, r, "r");
    listen(world, d, "d");
    cst_push(r, cst_slice_str("foo"));
    test_run(world);
    test_expect(world, "r:resume");
    cst_destroy(r, CST_OK);
    test_run(world);
    test_expect(world, "r:close d:unpipe d:error:PREMATURE_CLOSE d:close "
                       "done:PREMATURE_CLOSE");
    assert_int_equal(test_stage(r)->reads, 1);
}

/* How many listen to any event of s. */
static size_t listeners(const cst_stream *s)
{
    size_t n = 0;

    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        n += cst_listener_count(s, (cst_event_type)type);
    return n;
}

static void check_unable(struct test_world *world, cst_stream *dest)
{
    cst_stream *r = quiet_source(world);
    cst_stream *streams[] = { r, dest };

    assert_int_equal(cst_pipeline(streams, 2, NULL, test_on_outcome, world), CST_E_UNABLE_TO_PIPE);
    assert_false(cst_is_destroyed(r));
    assert_int_equal(listeners(r), 0);
    test_run(world);
    test_expect(world, "");
    assert_false(cst_is_destroyed(r));
}

static void nodejs_node_53241__a_destination_that_is_destroyed_or_closed(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = ready_sink(world);

    cst_destroy(w, CST_OK);
    check_unable(world, w);
    assert_true(cst_is_closed(w));
    check_unable(world, w);
}

static void nodejs_node_53241__any_stream_after_the_first(void **state)
{
    struct test_world *world = *state;
    cst_stream *streams[] = { quiet_source(world), test_pass(world, NULL), ready_sink(world) };

    cst_destroy(streams[1], CST_OK);
    assert_int_equal(cst_pipeline(streams, 3, NULL, test_on_outcome, world), CST_E_UNABLE_TO_PIPE);
    test_run(world);
    streams[1] = test_pass(world, NULL);
    cst_destroy(streams[2], CST_OK);
    assert_int_equal(cst_pipeline(streams, 3, NULL, test_on_outcome, world), CST_E_UNABLE_TO_PIPE);
    test_run(world);
    test_expect(world, "");
}

static void nodejs_node_53241__a_destroyed_first_stream_is_premature(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = quiet_source(world);

    cst_destroy(r, CST_OK);
    start(world, r, ready_sink(world), NULL);
    test_run(world);
    test_expect(world, "done:PREMATURE_CLOSE");
}

/* --- listeners that stay ---------------------------------------------------------------------- */

static cst_stream *ended_pass(struct test_world *world)
{
    cst_stream *p = test_pass(world, NULL);

    assert_int_equal(cst_end_with(p, cst_slice_str("foobar"), NULL, NULL), CST_OK);
    return p;
}

static void test_stream_pipeline_listeners__a_readable_last_stream_is_let_go(void **state)
{
    struct test_world *world = *state;
    cst_stream *p = ended_pass(world), *d = duplex(world, &taking_ops, NULL);

    start(world, p, d, NULL);
    test_run(world);
    test_expect(world, "done:ok");
    assert_int_equal(cst_listener_count(p, CST_ERROR), 3); /* as in Node */
    assert_int_equal(cst_listener_count(d, CST_ERROR), 0);
    cst_destroy(d, CST_USER(1));
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_expect(world, "");
}

static void test_stream_pipeline_listeners__a_last_writable_stays_silent(void **state)
{
    struct test_world *world = *state;
    cst_stream *p = ended_pass(world);
    cst_stream *w = test_taker(world, &(struct test_stage){ .when = TEST_NOW },
                               &(cst_opts){ .no_auto_destroy = true });

    start(world, p, w, NULL);
    test_run(world);
    test_expect(world, "done:ok");
    assert_int_equal(cst_listener_count(w, CST_ERROR), 3);
    cst_destroy(w, CST_USER(1));
    test_run(world);
    assert_int_equal(cst_errored(w)->status, CST_USER(1));
    test_expect(world, "");
}

/* --- how it comes out ------------------------------------------------------------------------- */

static void test_stream_pipeline__success_is_told_after_finish(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = quiet_source(world), *w = ready_sink(world);

    cst_push(r, cst_slice_str("a"));
    cst_push(r, cst_slice_str("b"));
    cst_push(r, cst_slice_str("c"));
    cst_push_eof(r);
    listen(world, r, "r");
    listen(world, w, "w");
    start(world, r, w, NULL);
    cst_on(r, CST_DATA, on_data, world);
    test_run(world);
    test_expect(world, "w:pipe r:resume a b c r:end r:pause w:unpipe w:finish r:close w:close "
                       "done:ok");
    assert_int_equal(test_stage(w)->writes, 3);
    assert_int_equal(test_stage(w)->first, 'c');
}

/* Node wants a callback; here there may be none, see docs/node-differences.md. */
static void test_stream_pipeline__one_stream_is_too_few(void **state)
{
    struct test_world *world = *state;
    cst_stream *one[] = { quiet_source(world) };

    assert_int_equal(cst_pipeline(one, 1, NULL, test_on_outcome, world), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(one, 0, NULL, test_on_outcome, world), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(NULL, 0, NULL, test_on_outcome, world), CST_E_INVALID_ARG);
    test_run(world);
    test_expect(world, "");
}

static void check_destroyed_source(struct test_world *world, cst_status why, const char *trace)
{
    cst_stream *r = quiet_source(world), *w = ready_sink(world);

    cst_push(r, cst_slice_str("a"));
    listen(world, r, "r");
    listen(world, w, "w");
    start(world, r, w, NULL);
    test_run(world);
    test_expect(world, "w:pipe r:resume");
    cst_destroy(r, why);
    test_run(world);
    test_expect(world, trace);
}

static void test_stream_pipeline__a_source_that_is_destroyed(void **state)
{
    check_destroyed_source(*state, CST_OK,
                           "r:close w:unpipe w:error:PREMATURE_CLOSE w:close "
                           "done:PREMATURE_CLOSE");
    check_destroyed_source(*state, CST_USER(1),
                           "r:error:USER r:close w:unpipe w:error:USER w:close "
                           "done:USER");
}

static cst_status refuse(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_USER(2);
}

static void test_stream_pipeline__an_error_in_the_middle_reaches_all(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .transform = refuse };
    struct test_world *world = *state;
    cst_stream *r = quiet_source(world), *t = transform(world, &ops), *w = ready_sink(world);

    listen(world, r, "r");
    listen(world, t, "t");
    listen(world, w, "w");
    start(world, r, t, w);
    cst_push(r, cst_slice_str("hello"));
    test_run(world);
    test_expect(world, "t:pipe w:pipe r:resume r:pause t:resume t:unpipe t:error:USER "
                       "t:close r:error:USER r:close w:unpipe w:error:USER w:close "
                       "done:USER");
    assert_int_equal(cst_errored(r)->status, CST_USER(2));
    assert_int_equal(cst_errored(w)->status, CST_USER(2));
}

static cst_status echo(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return cst_give(s, cst_slice_ref(chunk));
}

static cst_status fail_the_tenth(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)chunk;
    return ++*(size_t *)self == 10 ? CST_USER(3) : CST_OK;
}

struct closes {
    struct test_world *world;
    cst_stream *streams[8];
};

static void on_outcome_of_eight(const cst_error *error, void *arg)
{
    struct closes *closes = arg;

    for (size_t i = 0; i < 8; i++) {
        assert_true(cst_is_closed(closes->streams[i]));
        assert_int_equal(cst_errored(closes->streams[i])->status, CST_USER(3));
    }
    test_on_outcome(error, closes->world);
}

static void test_stream_pipeline__an_error_at_the_end_of_eight(void **state)
{
    static const cst_ops echo_ops = { .transform = echo };
    static const cst_ops sink_ops = { .self_size = sizeof(size_t), .write = fail_the_tenth };
    struct test_world *world = *state;
    struct closes closes = { .world = world };
    size_t emitted = 0;

    closes.streams[0] = test_feed(world, &(struct test_stage){ .count = SIZE_MAX }, NULL);
    for (size_t i = 1; i < 7; i++)
        closes.streams[i] = transform(world, &echo_ops);
    assert_int_equal(cst_writable_new(&closes.streams[7], world->ctx, &sink_ops, NULL, NULL),
                     CST_OK);
    for (size_t i = 0; i < 8; i++)
        cst_on(closes.streams[i], CST_CLOSE, test_count, &emitted);
    assert_int_equal(cst_pipeline(closes.streams, 8, NULL, on_outcome_of_eight, &closes), CST_OK);
    test_run(world);
    test_expect(world, "done:USER");
    assert_int_equal(emitted, 8);
    assert_int_equal(*(size_t *)cst_stream_self(closes.streams[7]), 10);
}

static void test_stream_pipeline__a_readable_last_stream_is_not_destroyed(void **state)
{
    struct test_world *world = *state;
    cst_stream *p = test_pass(world, NULL), *q = test_pass(world, NULL);
    const cst_opts stays = { .no_auto_destroy = true };

    listen(world, p, "p");
    listen(world, q, "q");
    start(world, p, q, NULL);
    cst_end(p, NULL, NULL);
    test_run(world);
    test_expect(world, "q:pipe p:resume p:end p:pause q:unpipe p:finish q:finish p:close "
                       "done:ok");
    assert_true(cst_is_destroyed(p));
    assert_false(cst_is_destroyed(q));
    assert_true(cst_is_readable(q));

    p = test_pass(world, &stays);
    q = test_pass(world, &stays);
    start(world, p, q, NULL);
    cst_end(p, NULL, NULL);
    test_run(world);
    test_expect(world, "done:ok");
    assert_false(cst_is_destroyed(p));
    assert_false(cst_is_destroyed(q));
}

static void test_stream_pipeline__a_source_whose_writable_side_goes_on(void **state)
{
    struct test_world *world = *state;
    cst_stream *p = test_pass(world, NULL), *q = test_pass(world, NULL);

    listen(world, p, "p");
    listen(world, q, "q");
    start(world, p, q, NULL);
    cst_push_eof(p);
    test_run(world);
    test_expect(world, "q:pipe p:resume p:end p:pause q:unpipe q:finish done:ok");
    assert_true(cst_is_writable(p));
    assert_false(cst_is_destroyed(p));
}

/* A source that is at its end, and whose destroy is over one task later. */
struct slow_close {
    struct test_stage stage;
    cst_call call;
    cst_task task;
};

static cst_status read_eof(cst_stream *s, void *self, size_t size)
{
    (void)self;
    (void)size;
    cst_push_eof(s);
    return CST_OK;
}

static void answer_destroy(void *arg)
{
    struct slow_close *slow = arg;

    cst_complete(slow->call, CST_OK);
}

static cst_status destroy_later(cst_stream *s, void *self, const cst_error *error)
{
    struct slow_close *slow = self;

    (void)error;
    slow->call = cst_this_call(s);
    cst_defer(cst_stream_ctx(s), &slow->task, answer_destroy, slow);
    return CST_PENDING;
}

static void check_slow_close(struct test_world *world, cst_stream *last, const char *trace)
{
    static const cst_ops ops = { .self_size = sizeof(struct slow_close),
                                 .read = read_eof,
                                 .destroy = destroy_later };
    cst_stream *r;

    assert_int_equal(cst_readable_new(&r, world->ctx, &ops, NULL, NULL), CST_OK);
    listen(world, r, "r");
    listen(world, last, "w");
    start(world, r, last, NULL);
    test_run(world);
    test_expect(world, trace);
}

static void test_stream_pipeline__the_source_has_closed_before(void **state)
{
    struct test_world *world = *state;

    check_slow_close(world, ready_sink(world),
                     "w:pipe r:resume r:end r:pause w:unpipe w:finish w:close r:close done:ok");
    check_slow_close(world, duplex(world, &taking_ops, NULL),
                     "w:pipe r:resume r:end r:pause w:unpipe w:finish r:close done:ok");
}

/* A duplex that echoes, ends when it is read, and takes long over its final. */
struct slow_final {
    struct test_stage stage;
    struct test_world *world;
};

static cst_status push_what_is_written(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    cst_push(s, cst_slice_ref(chunk));
    return CST_OK;
}

static cst_status final_in_the_next_turn(cst_stream *s, void *self)
{
    test_park(((struct slow_final *)self)->world, s);
    return CST_PENDING;
}

static cst_status must_not_be_destroyed(cst_stream *s, void *self, const cst_error *error)
{
    (void)s;
    (void)error;
    test_trace_add(&((struct slow_final *)self)->world->trace, "destroyed");
    return CST_OK;
}

static void test_stream_pipeline__the_source_may_still_be_writing(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct slow_final),
                                 .read = read_eof,
                                 .write = push_what_is_written,
                                 .final = final_in_the_next_turn,
                                 .destroy = must_not_be_destroyed };
    struct test_world *world = *state;
    cst_stream *d = duplex(world, &ops, &(cst_opts){ .no_auto_destroy = true });
    cst_stream *w = ready_sink(world);

    ((struct slow_final *)cst_stream_self(d))->world = world;
    listen(world, d, "d");
    listen(world, w, "w");
    start(world, d, w, NULL);
    cst_write(d, cst_slice_str("test"), NULL, NULL);
    cst_end(d, NULL, NULL);
    test_run(world);
    test_expect(world, "w:pipe d:resume d:end d:pause w:unpipe w:finish w:close done:ok");
    assert_int_equal(test_stage(w)->bytes, 4);
    test_turn(world);
    test_expect(world, "d:finish");
    assert_false(cst_is_destroyed(d));
}

static cst_status flush_in_the_next_turn(cst_stream *s, void *self)
{
    struct slow_final *slow = self;

    test_trace_add(&slow->world->trace, "flush");
    test_park(slow->world, s);
    return CST_PENDING;
}

static void test_stream_pipeline__a_slow_flush_is_waited_for(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct slow_final),
                                 .transform = echo,
                                 .flush = flush_in_the_next_turn };
    struct test_world *world = *state;
    cst_stream *r = quiet_source(world), *t = transform(world, &ops);

    ((struct slow_final *)cst_stream_self(t))->world = world;
    cst_push_eof(r);
    listen(world, r, "r");
    listen(world, t, "t");
    start(world, r, t, ready_sink(world));
    test_run(world);
    test_expect(world, "t:pipe r:resume t:resume r:end r:pause t:unpipe flush r:close");
    test_turn(world);
    test_expect(world, "t:end t:pause t:finish t:close done:ok");
}

static void test_stream_pipeline__no_end_leaves_the_last_stream(void **state)
{
    struct test_world *world = *state;
    cst_stream *streams[] = { quiet_source(world), ready_sink(world) };

    assert_int_equal(
        cst_pipeline(streams, 2, &(cst_pipeline_opts){ .no_end = true }, test_on_outcome, world),
        CST_OK);
    cst_push(streams[0], cst_slice_str("a"));
    test_run(world);
    test_expect(world, "");
    cst_push_eof(streams[0]);
    test_run(world);
    test_expect(world, "done:ok");
    assert_int_equal(test_stage(streams[1])->bytes, 1);
    assert_true(cst_is_writable(streams[1]));
    assert_false(cst_is_destroyed(streams[1]));
}

static void test_stream_pipeline__an_aborted_last_stream_ends_all(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = quiet_source(world), *w = ready_sink(world);
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, world->ctx), CST_OK);
    start(world, r, w, NULL);
    assert_int_equal(cst_abort_attach(signal, w), CST_OK);
    for (int i = 0; i < 6; i++) {
        cst_push(r, cst_slice_str("a"));
        test_run(world);
    }
    test_expect(world, "");
    assert_int_equal(cst_abort_fire(signal), CST_OK);
    test_run(world);
    test_expect(world, "done:ABORT");
    assert_int_equal(test_stage(w)->writes, 6);
    assert_true(cst_is_destroyed(r));
    assert_true(cst_is_destroyed(w));
    cst_abort_unref(signal);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_pipeline_async_iterator),
    CASE(test_stream_pipeline_duplex),
    CASE(test_stream_pipeline_queued_end_in_destroy),
    CASE(nodejs_node_53241__a_destination_that_is_destroyed_or_closed),
    CASE(nodejs_node_53241__any_stream_after_the_first),
    CASE(nodejs_node_53241__a_destroyed_first_stream_is_premature),
    CASE(test_stream_pipeline_listeners__a_readable_last_stream_is_let_go),
    CASE(test_stream_pipeline_listeners__a_last_writable_stays_silent),
    CASE(test_stream_pipeline__success_is_told_after_finish),
    CASE(test_stream_pipeline__one_stream_is_too_few),
    CASE(test_stream_pipeline__a_source_that_is_destroyed),
    CASE(test_stream_pipeline__an_error_in_the_middle_reaches_all),
    CASE(test_stream_pipeline__an_error_at_the_end_of_eight),
    CASE(test_stream_pipeline__a_readable_last_stream_is_not_destroyed),
    CASE(test_stream_pipeline__a_source_whose_writable_side_goes_on),
    CASE(test_stream_pipeline__the_source_has_closed_before),
    CASE(test_stream_pipeline__the_source_may_still_be_writing),
    CASE(test_stream_pipeline__a_slow_flush_is_waited_for),
    CASE(test_stream_pipeline__no_end_leaves_the_last_stream),
    CASE(test_stream_pipeline__an_aborted_last_stream_ends_all),
};

TEST_MAIN(tests)

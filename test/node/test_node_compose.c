/*
 * test_node_compose.c - Node's own test of compose: each test bears the name of Node's.
 *
 * Node's stages are functions and generators as often as streams; here they are streams.
 */
#include "world.h"

#include <ctype.h>

/* --- stages ----------------------------------------------------------------------------------- */

static cst_status upper(cst_stream *s, struct test_world *world, const cst_slice *chunk)
{
    cst_buf out;

    (void)world;
    assert_int_equal(cst_buf_new_cached(&out, cst_stream_ctx(s), chunk->len), CST_OK);
    for (size_t i = 0; i < chunk->len; i++)
        out.data[i] = (uint8_t)toupper(chunk->data[i]);
    return cst_give(s, cst_buf_freeze(&out, chunk->len));
}

static cst_status twice(cst_stream *s, struct test_world *world, const cst_slice *chunk)
{
    cst_slice list[2] = { *chunk, *chunk }, both;

    assert_int_equal(cst_slice_concat(&both, cst_ctx_allocator(world->ctx), list, 2), CST_OK);
    return cst_give(s, both);
}

static cst_status failing(cst_stream *s, struct test_world *world, const cst_slice *chunk)
{
    (void)s;
    (void)world;
    (void)chunk;
    return CST_USER(7);
}

static void give_asd_and_end(cst_stream *s, struct test_world *world, size_t size)
{
    (void)world;
    (void)size;
    cst_push(s, cst_slice_str("asd"));
    cst_push_eof(s);
}

/* Like the streams of world.h it lives as long as the context. */
static cst_stream *compose(cst_stream *const *streams, size_t count)
{
    cst_stream *d;

    assert_int_equal(cst_compose_new(&d, streams, count, NULL), CST_OK);
    return d;
}

/* --- test-stream-compose ---------------------------------------------------------------------- */

static void test_stream_compose__two_transforms(void **state)
{
    struct test_world *world = *state;
    cst_stream *stages[] = { test_transform(world, twice, NULL),
                             test_transform(world, upper, NULL) };
    cst_stream *d = compose(stages, 2);

    test_record(world, d, CST_DATA);
    test_record(world, d, CST_END);
    test_record(world, d, CST_FINISH);
    assert_int_equal(cst_end_with(d, cst_slice_str("asd"), NULL, NULL), CST_OK);
    test_settle(world);
    test_expect(world, "data:ASDASD end finish");
}

static void test_stream_compose__a_source_first_can_only_be_read(void **state)
{
    struct test_world *world = *state;
    cst_stream *stages[] = { test_source(world, give_asd_and_end, NULL),
                             test_transform(world, upper, NULL) };
    cst_stream *d = compose(stages, 2);

    assert_false(cst_is_writable(d));
    assert_true(cst_is_readable(d));
    test_record(world, d, CST_DATA);
    test_record(world, d, CST_END);
    test_settle(world);
    test_expect(world, "data:ASD end");
}

static void test_stream_compose__a_sink_last_can_only_be_written(void **state)
{
    struct test_world *world = *state;
    cst_stream *stages[] = { test_transform(world, twice, NULL), test_transform(world, upper, NULL),
                             test_sink(world, NULL, NULL) };
    cst_stream *d = compose(stages, 3);

    assert_true(cst_is_writable(d));
    assert_false(cst_is_readable(d));
    test_record(world, d, CST_FINISH);
    assert_int_equal(cst_end_with(d, cst_slice_str("asd"), NULL, NULL), CST_OK);
    test_settle(world);
    test_expect(world, "write:ASDASD finish");
}

static void test_stream_compose__objects_pass_through_both(void **state)
{
    static const cst_opts objects = { .object_mode = true };
    struct test_world *world = *state;
    cst_stream *stages[] = { test_transform(world, twice, &objects),
                             test_transform(world, upper, &objects) };
    cst_stream *d = compose(stages, 2);

    test_record(world, d, CST_DATA);
    test_record(world, d, CST_END);
    assert_int_equal(cst_write(d, cst_slice_str("a"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end_with(d, cst_slice_str("b"), NULL, NULL), CST_OK);
    test_settle(world);
    test_expect(world, "data:AA data:BB end");
}

static void test_stream_compose__the_modes_are_those_of_first_and_last(void **state)
{
    static const cst_opts in = { .writable_object_mode = true };
    static const cst_opts out = { .readable_object_mode = true };
    struct test_world *world = *state;

    for (int mixed = 0; mixed < 4; mixed++) {
        cst_stream *stages[] = { test_transform(world, NULL, mixed & 1 ? &in : NULL),
                                 test_transform(world, NULL, mixed & 2 ? &out : NULL) };
        cst_stream *d = compose(stages, 2);

        assert_int_equal(cst_writable_object_mode(d), (mixed & 1) != 0);
        assert_int_equal(cst_readable_object_mode(d), (mixed & 2) != 0);
    }
}

static void test_stream_compose__an_error_inside_is_that_of_the_composition(void **state)
{
    struct test_world *world = *state;
    cst_stream *last = test_transform(world, upper, NULL);
    cst_stream *stages[] = { test_transform(world, failing, NULL), last };
    cst_stream *d = compose(stages, 2);

    test_record(world, d, CST_DATA);
    test_record(world, d, CST_END);
    test_record(world, d, CST_ERROR);
    assert_int_equal(cst_end_with(d, cst_slice_str("asd"), NULL, NULL), CST_OK);
    test_settle(world);
    assert_int_equal(cst_errored(d)->status, CST_USER(7));
    test_expect(world, "error:USER");
    assert_int_equal(test_slot_calls(last), 0);
}

static void test_stream_compose__what_does_not_fit_is_refused(void **state)
{
    struct test_world *world = *state;
    cst_stream *t = test_transform(world, NULL, NULL), *r = test_source(world, NULL, NULL);
    cst_stream *w = test_sink(world, NULL, NULL), *d = NULL;
    cst_stream *sink_first[] = { w, t }, *source_last[] = { t, r };

    assert_int_equal(cst_compose_new(&d, NULL, 0, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_compose_new(&d, sink_first, 2, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_compose_new(&d, source_last, 2, NULL), CST_E_INVALID_ARG);
    assert_null(d);
}

static void record_outcome(const cst_error *error, void *arg)
{
    struct test_world *world = arg;

    test_trace_add(&world->trace, "finished:%s", test_status_word(error ? error->status : CST_OK));
}

static void test_stream_compose__from_source_to_sink_all_is_consumed(void **state)
{
    struct test_world *world = *state;
    cst_stream *stages[] = { test_source(world, give_asd_and_end, NULL),
                             test_transform(world, upper, NULL), test_sink(world, NULL, NULL) };
    cst_stream *d = compose(stages, 3);

    assert_int_equal(cst_finished(d, NULL, record_outcome, world), CST_OK);
    assert_false(cst_is_writable(d));
    assert_false(cst_is_readable(d));
    test_settle(world);
    test_expect(world, "write:ASD finished:OK");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    TEST(test_stream_compose__two_transforms),
    TEST(test_stream_compose__a_source_first_can_only_be_read),
    TEST(test_stream_compose__a_sink_last_can_only_be_written),
    TEST(test_stream_compose__objects_pass_through_both),
    TEST(test_stream_compose__the_modes_are_those_of_first_and_last),
    TEST(test_stream_compose__an_error_inside_is_that_of_the_composition),
    TEST(test_stream_compose__what_does_not_fit_is_refused),
    TEST(test_stream_compose__from_source_to_sink_all_is_consumed),
};

TEST_MAIN(tests)

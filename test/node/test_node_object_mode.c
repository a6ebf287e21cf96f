/*
 * test_node_object_mode.c - Node's own tests of object mode: each test bears the name of Node's.
 *
 * Items are slices, and EOF is a call of its own. So the empty slice is what undefined, 0, false
 * and the empty string are in Node: an item like any other.
 */
#include "world.h"

static const cst_opts objects = { .object_mode = true };

/* --- test-stream-objectmode-undefined --------------------------------------------------------- */

static void test_stream_objectmode_undefined__pushed(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &objects);

    test_record(world, r, CST_DATA);
    assert_int_equal(cst_push(r, cst_slice_empty()), CST_OK);
    assert_int_equal(cst_readable_length(r), 1);
    test_settle(world);
    test_expect(world, "data:");
}

static void test_stream_objectmode_undefined__written(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, NULL, &objects);

    assert_int_equal(cst_write(w, cst_slice_empty(), NULL, NULL), CST_OK);
    test_settle(world);
    test_expect(world, "write:");
}

static void test_stream_objectmode_undefined__transformed(void **state)
{
    struct test_world *world = *state;
    cst_stream *t = test_transform(world, NULL, &objects);

    test_record(world, t, CST_DATA);
    assert_int_equal(cst_write(t, cst_slice_empty(), NULL, NULL), CST_OK);
    test_settle(world);
    test_expect(world, "data:");
    assert_int_equal(test_slot_calls(t), 1);
}

/* --- test-stream-transform-objectmode-falsey-value -------------------------------------------- */

static const char *const numbers[] = {
    "-1", "", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"
};

#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static void write_next_number(cst_stream *s, struct test_world *world)
{
    size_t *written = world->arg;

    assert_int_equal(cst_write(s, cst_slice_str(numbers[(*written)++]), NULL, NULL), CST_OK);
    if (*written < NUMBERS)
        test_after(world, 1, write_next_number, s);
    else
        assert_int_equal(cst_end(s, NULL, NULL), CST_OK);
}

static void test_stream_transform_objectmode_falsey_value(void **state)
{
    struct test_world *world = *state;
    cst_stream *stages[3];
    size_t written = 0;

    world->arg = &written;
    for (int i = 0; i < 3; i++)
        assert_int_equal(cst_passthrough_new(&stages[i], world->ctx, &objects), CST_OK);
    assert_int_equal(cst_pipe(stages[0], stages[1], NULL), CST_OK);
    assert_int_equal(cst_pipe(stages[1], stages[2], NULL), CST_OK);
    test_record(world, stages[2], CST_DATA);
    test_record(world, stages[2], CST_END);
    test_after(world, 1, write_next_number, stages[0]);
    test_settle(world);
    test_expect(world, "data:-1 data: data:1 data:2 data:3 data:4 data:5 data:6 data:7 data:8 "
                       "data:9 data:10 end");
    assert_int_equal(written, NUMBERS);
}

/* --- test-stream-transform-split-objectmode --------------------------------------------------- */

struct object {
    int value;
};

static const struct object object_42 = { .value = 42 };

static cst_status parse_byte(cst_stream *s, struct test_world *world, const cst_slice *chunk)
{
    (void)world;
    assert_int_equal(chunk->len, 1);
    assert_int_equal(chunk->data[0], object_42.value);
    cst_push(s, cst_slice_static(&object_42, sizeof(object_42)));
    return CST_OK;
}

static cst_status print_byte(cst_stream *s, struct test_world *world, const cst_slice *chunk)
{
    (void)world;
    assert_ptr_equal(chunk->data, &object_42);
    assert_int_equal(chunk->len, sizeof(object_42));
    cst_push(s, cst_slice_str("*")); /* whose code is 42 */
    return CST_OK;
}

static void on_object(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;

    (void)s;
    assert_ptr_equal(event->chunk->data, &object_42);
    test_trace_add(&world->trace, "object");
}

static void test_stream_transform_split_objectmode__objects_read(void **state)
{
    struct test_world *world = *state;
    cst_stream *t = test_transform(world, parse_byte, &(cst_opts){ .readable_object_mode = true });

    assert_true(cst_readable_object_mode(t));
    assert_false(cst_writable_object_mode(t));
    assert_int_equal(cst_readable_high_water_mark(t), 16);
    assert_int_equal(cst_writable_high_water_mark(t), 65536);
    assert_int_equal(cst_on(t, CST_DATA, on_object, world), CST_OK);
    assert_int_equal(cst_end_with(t, cst_slice_str("*"), NULL, NULL), CST_OK);
    test_settle(world);
    test_expect(world, "object");
}

static void test_stream_transform_split_objectmode__objects_written(void **state)
{
    struct test_world *world = *state;
    cst_stream *t = test_transform(world, print_byte, &(cst_opts){ .writable_object_mode = true });

    assert_false(cst_readable_object_mode(t));
    assert_true(cst_writable_object_mode(t));
    assert_int_equal(cst_readable_high_water_mark(t), 65536);
    assert_int_equal(cst_writable_high_water_mark(t), 16);
    test_record(world, t, CST_DATA);
    assert_int_equal(cst_end_with(t, cst_slice_static(&object_42, sizeof(object_42)), NULL, NULL),
                     CST_OK);
    test_settle(world);
    test_expect(world, "data:*");
}

/* --- test-stream2-objects --------------------------------------------------------------------- */

static cst_stream *one_two(struct test_world *world)
{
    cst_stream *r = test_source(world, NULL, &objects);

    assert_int_equal(cst_push(r, cst_slice_str("one")), CST_OK);
    assert_int_equal(cst_push(r, cst_slice_str("two")), CST_OK);
    assert_int_equal(cst_push_eof(r), CST_EOF);
    return r;
}

static void pipe_and_expect(struct test_world *world, cst_stream *r, const char *text)
{
    cst_stream *w = test_sink(world, NULL, &objects);

    test_record(world, w, CST_FINISH);
    assert_int_equal(cst_pipe(r, w, NULL), CST_OK);
    test_settle(world);
    test_expect(world, text);
}

static void test_stream2_objects__one_item_a_read(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = one_two(world);

    test_read_all(world, r);
    test_expect(world, "read:one read:two EOF");
}

static void test_stream2_objects__the_size_is_ignored(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = one_two(world);

    test_read(world, r, 2);
    test_read(world, r, 2);
    test_read(world, r, 2);
    test_expect(world, "read:one read:two EOF");
}

static void test_stream2_objects__piped(void **state)
{
    pipe_and_expect(*state, one_two(*state), "write:one write:two finish");
}

static void push_one_two_eof(cst_stream *s, struct test_world *world)
{
    (void)world;
    if (test_slot_calls(s) <= 2)
        cst_push(s, cst_slice_str(test_slot_calls(s) == 1 ? "one" : "two"));
    else
        cst_push_eof(s);
}

static void read_one_two_eof(cst_stream *s, struct test_world *world, size_t size)
{
    (void)size;
    push_one_two_eof(s, world);
}

static void read_one_two_eof_by_a_tick(cst_stream *s, struct test_world *world, size_t size)
{
    (void)size;
    test_tick(world, push_one_two_eof, s);
}

static void test_stream2_objects__pushed_in_the_read_slot(void **state)
{
    pipe_and_expect(*state, test_source(*state, read_one_two_eof, &objects),
                    "write:one write:two finish");
}

static void test_stream2_objects__pushed_by_a_tick(void **state)
{
    pipe_and_expect(*state, test_source(*state, read_one_two_eof_by_a_tick, &objects),
                    "write:one write:two finish");
}

static void test_stream2_objects__a_read_of_nothing_takes_none(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &objects);

    cst_push(r, cst_slice_str("foobar"));
    cst_push_eof(r);
    assert_int_equal(cst_read(NULL, r, 0), CST_EMPTY);
    assert_int_equal(cst_readable_length(r), 1);
    pipe_and_expect(world, r, "write:foobar finish");
}

static void test_stream2_objects__the_empty_item(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &objects);

    cst_push(r, cst_slice_empty());
    cst_push_eof(r);
    pipe_and_expect(world, r, "write: finish");
}

static void test_stream2_objects__read_again_below_the_mark(void **state)
{
    const cst_opts six = { .object_mode = true, .high_water_mark = 6 };
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &six);

    for (unsigned i = 0; i < 8; i++)
        cst_push(r, cst_slice_static(&"12345678"[i], 1));
    for (unsigned calls = 0; calls <= 1; calls++) {
        test_read(world, r, CST_READ_ANY);
        assert_int_equal(test_slot_calls(r), 0);
    }
    test_read(world, r, CST_READ_ANY);
    assert_int_equal(test_slot_calls(r), 1);
    test_expect(world, "read:1 read:2 read:3");
}

static void test_stream2_objects__full_at_the_mark(void **state)
{
    const cst_opts six = { .object_mode = true, .high_water_mark = 6 };
    cst_stream *r = test_source(*state, NULL, &six);

    for (int i = 1; i <= 6; i++)
        assert_int_equal(cst_push(r, cst_slice_str("item")), i < 6 ? CST_OK : CST_FULL);
}

static void test_stream2_objects__written(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, NULL, &objects);

    test_record(world, w, CST_FINISH);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(cst_write(w, cst_slice_static(&"abcde"[i], 1), NULL, NULL), CST_OK);
    assert_int_equal(cst_end(w, NULL, NULL), CST_OK);
    test_settle(world);
    test_expect(world, "write:a write:b write:c write:d write:e finish");
}

static void complete_write(cst_stream *s, struct test_world *world)
{
    (void)s;
    test_trace_add(&world->trace, "done");
    cst_complete(*(cst_call *)world->arg, CST_OK);
}

static cst_status write_by_a_tick(cst_stream *s, struct test_world *world, const cst_slice *chunk)
{
    test_trace_add(&world->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    *(cst_call *)world->arg = cst_this_call(s);
    test_tick(world, complete_write, s);
    return CST_PENDING;
}

static void test_stream2_objects__finished_when_the_write_is_done(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, write_by_a_tick, &objects);
    cst_call call;

    world->arg = &call;
    test_record(world, w, CST_FINISH);
    assert_int_equal(cst_write(w, cst_slice_str("foo"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end(w, NULL, NULL), CST_OK);
    test_settle(world);
    test_expect(world, "write:foo done finish");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    TEST(test_stream_objectmode_undefined__pushed),
    TEST(test_stream_objectmode_undefined__written),
    TEST(test_stream_objectmode_undefined__transformed),
    TEST(test_stream_transform_objectmode_falsey_value),
    TEST(test_stream_transform_split_objectmode__objects_read),
    TEST(test_stream_transform_split_objectmode__objects_written),
    TEST(test_stream2_objects__one_item_a_read),
    TEST(test_stream2_objects__the_size_is_ignored),
    TEST(test_stream2_objects__piped),
    TEST(test_stream2_objects__pushed_in_the_read_slot),
    TEST(test_stream2_objects__pushed_by_a_tick),
    TEST(test_stream2_objects__a_read_of_nothing_takes_none),
    TEST(test_stream2_objects__the_empty_item),
    TEST(test_stream2_objects__read_again_below_the_mark),
    TEST(test_stream2_objects__full_at_the_mark),
    TEST(test_stream2_objects__written),
    TEST(test_stream2_objects__finished_when_the_write_is_done),
};

TEST_MAIN(tests)

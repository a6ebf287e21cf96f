/* test_node_hwm.c - Node's own tests of highWaterMark: each test bears the name of Node's. */
#include "world.h"

/* --- test-readable-large-hwm ------------------------------------------------------------------ */

#define MIB ((size_t)1 << 20)

static const char zeros[1 << 20];

static void read_mebibyte(cst_stream *s, struct test_world *world, size_t size)
{
    (void)world;
    (void)size;
    cst_push(s, cst_slice_static(zeros, MIB));
    if (test_slot_calls(s) >= 12)
        cst_push_eof(s);
}

static void on_readable_read_ten_mebibytes(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, 10 * MIB) == CST_OK) {
        test_trace_add(&world->trace, "%u", (unsigned)(chunk.len / MIB));
        cst_slice_unref(&chunk);
    }
}

static void test_readable_large_hwm(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, read_mebibyte, NULL);

    assert_int_equal(cst_on(r, CST_READABLE, on_readable_read_ten_mebibytes, world), CST_OK);
    test_record(world, r, CST_END);
    test_settle(world);
    test_expect(world, "10 2 end");
    assert_int_equal(test_slot_calls(r), 12);
    assert_int_equal(cst_readable_high_water_mark(r), 16 * MIB);
}

/* --- test-stream-readable-flow-recursion ------------------------------------------------------ */

struct recursion {
    size_t left;
    unsigned depth, deepest;
};

static void read_what_is_left(cst_stream *s, struct test_world *world, size_t size)
{
    struct recursion *recursion = world->arg;
    size_t len = size < recursion->left ? size : recursion->left;

    if (!len) {
        cst_push_eof(s);
        return;
    }
    recursion->left -= len;
    cst_push(s, cst_slice_static(zeros, len));
}

static void read_five_thousand(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;
    struct recursion *recursion = world->arg;
    cst_slice chunk;

    (void)event;
    if (++recursion->depth > recursion->deepest)
        recursion->deepest = recursion->depth;
    if (cst_read(&chunk, s, 5000) == CST_OK) {
        test_trace_add(&world->trace, "%u", (unsigned)chunk.len);
        cst_slice_unref(&chunk);
    } else {
        assert_int_equal(cst_once(s, CST_READABLE, read_five_thousand, world), CST_OK);
    }
    recursion->depth--;
}

static void test_stream_readable_flow_recursion(void **state)
{
    struct test_world *world = *state;
    struct recursion recursion = { .left = 5000 };
    cst_stream *r = test_source(world, read_what_is_left, &(cst_opts){ .high_water_mark = 2 });

    world->arg = &recursion;
    read_five_thousand(r, NULL, world);
    test_settle(world);
    test_expect(world, "5000");
    assert_int_equal(test_slot_calls(r), 2);
    assert_int_equal(cst_readable_high_water_mark(r), 8192);
    assert_int_equal(cst_readable_length(r), 0);
    assert_int_equal(recursion.depth, 0);
    assert_int_equal(recursion.deepest, 1);
}

/* --- test-stream-readable-hwm-0-async --------------------------------------------------------- */

static void push_item_or_eof(cst_stream *s, struct test_world *world)
{
    (void)world;
    if (test_slot_calls(s) <= 5)
        cst_push(s, cst_slice_str("a"));
    else
        cst_push_eof(s);
}

static void read_by_a_tick(cst_stream *s, struct test_world *world, size_t size)
{
    assert_int_equal(size, 0);
    test_trace_add(&world->trace, "hook");
    test_tick(world, push_item_or_eof, s);
}

static const cst_opts mark_0 = { .high_water_mark = CST_HWM_ZERO };

static void test_stream_readable_hwm_0_async(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, read_by_a_tick, &mark_0);

    test_record(world, r, CST_DATA);
    test_record(world, r, CST_END);
    test_settle(world);
    test_expect(world, "hook data:a hook data:a hook data:a hook data:a hook data:a hook end");
}

/* --- test-stream-readable-hwm-0 --------------------------------------------------------------- */

static void read_then_push_eof(cst_stream *s, struct test_world *world)
{
    test_read(world, s, CST_READ_ANY);
    test_trace_add(&world->trace, "eof");
    cst_push_eof(s);
}

static void test_stream_readable_hwm_0(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &mark_0);

    assert_int_equal(cst_on(r, CST_READABLE, test_on_readable_once, world), CST_OK);
    test_record(world, r, CST_END);
    test_tick(world, read_then_push_eof, r);
    test_settle(world);
    test_expect(world, "EMPTY eof readable EOF end");
    assert_int_equal(test_slot_calls(r), 1);
}

/* --- test-stream-readable-infinite-read ------------------------------------------------------- */

static void read_eight_kib(cst_stream *s, struct test_world *world, size_t size)
{
    (void)world;
    assert_int_equal(size, 65536);
    cst_push(s, cst_slice_static(zeros, 8192));
}

/* The eleventh event does not read. Node's test then stops listening: an event more would come. */
static void on_readable_read_ten_times(cst_stream *s, const cst_event *event, void *arg)
{
    unsigned *events = ((struct test_world *)arg)->arg;
    cst_slice chunk;

    (void)event;
    if (++*events == 11) {
        assert_int_equal(cst_off_all(s, CST_READABLE), CST_OK);
        return;
    }
    assert_int_equal(cst_read(&chunk, s, CST_READ_ANY), CST_OK);
    assert_int_equal(chunk.len, 8192);
    cst_slice_unref(&chunk);
    assert_int_equal(cst_readable_length(s), *events == 1 ? 8192 : 65536);
    assert_int_equal(test_slot_calls(s), *events == 1 ? 2 : 8 + *events);
}

static void test_stream_readable_infinite_read(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, read_eight_kib, NULL);
    unsigned events = 0;

    world->arg = &events;
    assert_int_equal(cst_on(r, CST_READABLE, on_readable_read_ten_times, world), CST_OK);
    test_settle(world);
    assert_int_equal(events, 11);
    assert_int_equal(test_slot_calls(r), 18);
}

/* --- test-stream-readable-resume-hwm ---------------------------------------------------------- */

static void on_data_pause(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_int_equal(cst_pause(s), CST_OK);
}

static void test_stream_readable_resume_hwm(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &(cst_opts){ .high_water_mark = 100 });

    for (int i = 0; i < 10; i++)
        assert_int_equal(cst_push(r, cst_slice_static(zeros, 200)), CST_FULL);
    assert_int_equal(cst_resume(r), CST_OK);
    assert_int_equal(cst_once(r, CST_DATA, on_data_pause, world), CST_OK);
    test_settle(world);
    test_expect(world, "data:");
    assert_int_equal(cst_readable_length(r), 1800);
    assert_int_equal(test_slot_calls(r), 0);
}

/* --- test-stream-transform-split-highwatermark ------------------------------------------------ */

/* Left out: marks that are no numbers. */
static void expect_marks(struct test_world *world, cst_opts opts, size_t readable, size_t writable)
{
    cst_stream *t = test_transform(world, NULL, &opts);

    assert_int_equal(cst_readable_high_water_mark(t), readable);
    assert_int_equal(cst_writable_high_water_mark(t), writable);
}

static void test_stream_transform_split_highwatermark__of_each_side(void **state)
{
    struct test_world *world = *state;

    expect_marks(world, (cst_opts){ .high_water_mark = 0 }, 65536, 65536);
    expect_marks(world, (cst_opts){ .readable_high_water_mark = 666 }, 666, 65536);
    expect_marks(world, (cst_opts){ .writable_high_water_mark = 777 }, 65536, 777);
    expect_marks(world,
                 (cst_opts){ .readable_high_water_mark = 666, .writable_high_water_mark = 777 },
                 666, 777);
}

static void test_stream_transform_split_highwatermark__of_both_wins(void **state)
{
    struct test_world *world = *state;

    expect_marks(world, (cst_opts){ .high_water_mark = 555 }, 555, 555);
    expect_marks(world, (cst_opts){ .high_water_mark = 555, .readable_high_water_mark = 666 }, 555,
                 555);
    expect_marks(world, (cst_opts){ .high_water_mark = 555, .writable_high_water_mark = 777 }, 555,
                 555);
    expect_marks(world,
                 (cst_opts){ .high_water_mark = 555,
                             .readable_high_water_mark = 666,
                             .writable_high_water_mark = 777 },
                 555, 555);
}

static void test_stream_transform_split_highwatermark__of_one_side_alone(void **state)
{
    const cst_opts opts = { .readable_high_water_mark = 666, .writable_high_water_mark = 777 };
    struct test_world *world = *state;

    assert_int_equal(cst_readable_high_water_mark(test_source(world, NULL, &opts)), 65536);
    assert_int_equal(cst_writable_high_water_mark(test_sink(world, NULL, &opts)), 65536);
}

/* --- test-streams-highwatermark --------------------------------------------------------------- */

/* Left out: marks and sizes that are no whole numbers. The largest size_t of all stands for 0. */
static void test_streams_highwatermark__as_large_as_can_be(void **state)
{
    const cst_opts opts = { .high_water_mark = SIZE_MAX - 1 };
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &opts);
    cst_stream *w = test_sink(world, NULL, &opts);

    assert_int_equal(cst_readable_high_water_mark(r), SIZE_MAX - 1);
    assert_int_equal(cst_writable_high_water_mark(w), SIZE_MAX - 1);
    assert_int_equal(cst_push(r, cst_slice_str("a")), CST_OK);
}

static void test_streams_highwatermark__zero_and_nothing_pushed(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &mark_0);

    for (int i = 0; i < 3; i++)
        assert_int_equal(cst_push(r, cst_slice_empty()), CST_OK);
    assert_int_equal(cst_readable_length(r), 0);
}

static void test_streams_highwatermark__zero_and_nothing_read(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &mark_0);

    assert_int_equal(cst_read(NULL, r, 0), CST_EMPTY);
    test_settle(world);
    assert_int_equal(test_slot_calls(r), 1);
    assert_int_equal(cst_readable_high_water_mark(r), 0);
}

static void test_streams_highwatermark__raised_by_a_read(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, &mark_0);

    assert_false(test_read(world, r, 1));
    test_settle(world);
    assert_int_equal(test_slot_calls(r), 1);
    assert_int_equal(cst_readable_high_water_mark(r), 1);
}

static void test_streams_highwatermark__not_raised_above_a_gibibyte(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, r, 1024 * MIB + 1), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_readable_high_water_mark(r), 65536);
    assert_int_equal(test_slot_calls(r), 0);
    assert_int_equal(cst_read(&chunk, r, 1024 * MIB), CST_EMPTY);
    assert_int_equal(cst_readable_high_water_mark(r), 1024 * MIB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    TEST(test_readable_large_hwm),
    TEST(test_stream_readable_flow_recursion),
    TEST(test_stream_readable_hwm_0_async),
    TEST(test_stream_readable_hwm_0),
    TEST(test_stream_readable_infinite_read),
    TEST(test_stream_readable_resume_hwm),
    TEST(test_stream_transform_split_highwatermark__of_each_side),
    TEST(test_stream_transform_split_highwatermark__of_both_wins),
    TEST(test_stream_transform_split_highwatermark__of_one_side_alone),
    TEST(test_streams_highwatermark__as_large_as_can_be),
    TEST(test_streams_highwatermark__zero_and_nothing_pushed),
    TEST(test_streams_highwatermark__zero_and_nothing_read),
    TEST(test_streams_highwatermark__raised_by_a_read),
    TEST(test_streams_highwatermark__not_raised_above_a_gibibyte),
};

TEST_MAIN(tests)

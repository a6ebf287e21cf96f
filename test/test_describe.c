/* test_describe.c - the line of text that cst_stream_describe writes: one case for each reason. */
#include "world.h"

#include <string.h>

static const cst_opts mark = { .high_water_mark = 4 };

static void assert_says(const cst_stream *s, const char *text)
{
    char line[1000];
    size_t size = sizeof(line);

    assert_int_equal(cst_stream_describe(line, &size, s), CST_OK);
    assert_string_equal(line, text);
    assert_int_equal(size, strlen(text));
}

static cst_stream *stage(struct test_world *world, test_new_fn *create, const cst_ops *ops,
                         enum test_slot pending, const cst_opts *opts)
{
    struct test_stage self = { .world = world };
    cst_stream *s;

    self.answers[pending] = CST_PENDING;
    assert_int_equal(create(&s, world->ctx, ops, &self, opts), CST_OK);
    return s;
}

static const cst_ops sink_ops = { .name = "sink",
                                  .self_size = sizeof(struct test_stage),
                                  .write = test_stage_write,
                                  .final = test_stage_final,
                                  .destroy = test_stage_destroy };
static const cst_ops slow_ops = { .name = "slow",
                                  .self_size = sizeof(struct test_stage),
                                  .construct = test_stage_construct,
                                  .write = test_stage_write };
static const cst_ops stage_ops = { .name = "stage",
                                   .self_size = sizeof(struct test_stage),
                                   .transform = test_stage_transform,
                                   .flush = test_stage_flush };
static const cst_ops source_ops = { .name = "source" };
static const cst_ops nameless_ops = { .write = test_swallow };

static void a_new_sink_waits_to_be_ended(void **state)
{
    struct test_world *world = *state;

    assert_says(stage(world, cst_writable_new, &sink_ops, TEST_WRITE, &mark),
                "writable sink   W 0/4, 1 ref   idle, nobody has ended it   "
                "W_PLAIN CONSTRUCTED ACTIVE auto_destroy emit_close half_open");
}

static void a_stream_without_a_name_has_its_kind_alone(void **state)
{
    struct test_world *world = *state;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, world->ctx, &nameless_ops, NULL, NULL), CST_OK);
    assert_says(s, "writable   W 0/65536, 1 ref   idle, nobody has ended it   "
                   "W_PLAIN CONSTRUCTED ACTIVE auto_destroy emit_close half_open");
    assert_int_equal(cst_duplex_new(&s, world->ctx, &nameless_ops, NULL, NULL), CST_OK);
    assert_says(s, "duplex   W 0/65536, R 0/65536, 1 ref   nobody reads   "
                   "R_SYNC W_PLAIN CONSTRUCTED ACTIVE auto_destroy emit_close half_open");
    assert_int_equal(
        cst_duplex_new(&s, world->ctx, &nameless_ops, NULL, &(cst_opts){ .no_readable = true }),
        CST_OK);
    assert_says(s, "duplex   W 0/65536, 1 ref   idle, nobody has ended it   "
                   "R_SYNC R_ENDED W_PLAIN CONSTRUCTED ACTIVE r_absent r_end_emitted "
                   "auto_destroy emit_close half_open");
}

static void construct_has_to_run_and_owes(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = stage(world, cst_writable_new, &slow_ops, TEST_CONSTRUCT, &mark);

    assert_says(s, "writable slow   W 0/4, 2 refs   construct has still to run   "
                   "W_PLAIN ACTIVE auto_destroy emit_close half_open");
    test_run_and_expect(world, "construct");
    assert_says(s, "writable slow   W 0/4, 1 ref   the construct slot owes its answer   "
                   "W_PLAIN ACTIVE auto_destroy emit_close half_open");
    cst_complete(test_stage(s)->call, CST_OK);
    assert_says(s, "writable slow   W 0/4, 2 refs   construct has still to run   "
                   "W_PLAIN ACTIVE auto_destroy emit_close half_open construct_answered");
    test_run(world);
}

static void a_write_and_final_owe(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = stage(world, cst_writable_new, &sink_ops, TEST_WRITE, &mark);

    cst_write_copy(s, "abc", 3, NULL, NULL);
    cst_write_copy(s, "de", 2, NULL, NULL);
    assert_says(s, "writable sink   W 5/4 in flight, 1 ref   the write slot owes its answer   "
                   "W_WRITING W_NEED_DRAIN W_BUFFERED W_KEPT W_PLAIN CONSTRUCTED ACTIVE "
                   "auto_destroy emit_close half_open");
    test_stage(s)->answers[TEST_WRITE] = CST_OK;
    test_stage(s)->answers[TEST_FINAL] = CST_PENDING;
    cst_complete(test_stage(s)->call, CST_OK);
    cst_end(s, NULL, NULL);
    test_run(world);
    assert_says(s, "writable sink   W 0/4 ending, 1 ref   the final slot owes its answer   "
                   "W_ENDING W_PLAIN CONSTRUCTED ACTIVE w_ended w_final_called "
                   "auto_destroy emit_close half_open");
    cst_complete(test_stage(s)->call, CST_OK);
    test_run_and_expect(world, "write:abc write:de final destroy");
}

static void a_transform_and_flush_owe(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = stage(world, cst_transform_new, &stage_ops, TEST_TRANSFORM, &mark);

    cst_write_copy(s, "abc", 3, NULL, NULL);
    assert_says(
        s, "transform stage   W 3/4 in flight, R 0/4, 1 ref   the transform slot owes its answer   "
           "W_WRITING W_KEPT CONSTRUCTED IS_TRANSFORM ACTIVE auto_destroy "
           "emit_close half_open");
    test_stage(s)->answers[TEST_TRANSFORM] = CST_OK;
    test_stage(s)->answers[TEST_FLUSH] = CST_PENDING;
    cst_complete(test_stage(s)->call, CST_OK);
    cst_end(s, NULL, NULL);
    test_run(world);
    assert_says(s,
                "transform stage   W 0/4 ending, R 0/4, 1 ref   the flush slot owes its answer   "
                "W_ENDING CONSTRUCTED IS_TRANSFORM ACTIVE w_ended w_final_called "
                "auto_destroy emit_close half_open");
    cst_complete(test_stage(s)->call, CST_OK);
    test_run_and_expect(world, "transform:abc flush");
}

static void destroy_owes_then_the_stream_is_closed(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = stage(world, cst_writable_new, &sink_ops, TEST_DESTROY, &mark);

    cst_on(s, CST_ERROR, test_ignore, NULL);
    cst_destroy(s, CST_USER(3));
    assert_says(s,
                "writable sink   W 0/4, 1 ref   the destroy slot owes its answer, error CST_USER   "
                "W_PLAIN CONSTRUCTED DESTROYED ERRORED ACTIVE auto_destroy emit_close "
                "half_open");
    cst_complete(test_stage(s)->call, CST_OK);
    assert_says(
        s,
        "writable sink   W 0/4, 2 refs   destroyed, its tasks have still to run, error CST_USER   "
        "W_PLAIN CONSTRUCTED DESTROYED ERRORED ACTIVE auto_destroy emit_close "
        "half_open closed");
    test_run_and_expect(world, "destroy:USER");
    assert_says(s, "writable sink   W 0/4, 1 ref   closed, error CST_USER   "
                   "W_PLAIN CONSTRUCTED DESTROYED ERRORED ACTIVE auto_destroy emit_close "
                   "half_open error_emitted closed close_emitted");
}

static void a_source_waits_for_drain(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = stage(world, cst_writable_new, &sink_ops, TEST_WRITE, &mark), *r;

    assert_int_equal(cst_readable_new(&r, world->ctx, &source_ops, NULL, &mark), CST_OK);
    cst_pipe(r, w, NULL);
    test_run(world);
    cst_push_copy(r, "abcd", 4);
    cst_push_copy(r, "efghi", 5);
    assert_says(r, "readable source   R 5/4 paused, 3 refs   waits for 'drain' of sink   "
                   "R_DATA_LISTENING R_PIPED R_EMITTED_READABLE R_QUEUED R_READING_MORE "
                   "R_DATA_EMITTED R_AWAITING CONSTRUCTED r_has_flowing r_paused "
                   "auto_destroy emit_close half_open");
    assert_says(w, "writable sink   W 4/4 in flight, 2 refs   the write slot owes its answer   "
                   "W_WRITING W_NEED_DRAIN W_KEPT W_PLAIN CONSTRUCTED ACTIVE auto_destroy "
                   "emit_close half_open");
    test_stage(w)->answers[TEST_WRITE] = CST_OK;
    cst_complete(test_stage(w)->call, CST_OK);
    test_run_and_expect(world, "write:abcd write:efghi");
}

static void a_write_that_was_given_up_is_owed_by_no_slot(void **state)
{
    struct test_world *world = *state;
    cst_stream *a, *b;

    assert_int_equal(cst_duplex_pair_new(&a, &b, world->ctx, &mark), CST_OK);
    cst_write_copy(a, "abc", 3, NULL, NULL);
    assert_says(a, "duplex pair   W 3/4 in flight, R 0/4, 2 refs   the write slot owes its answer"
                   "   R_SYNC W_WRITING W_KEPT W_PLAIN CONSTRUCTED ACTIVE "
                   "auto_destroy emit_close half_open");
    cst_destroy(b, CST_OK);
    test_run(world);
    assert_says(a, "duplex pair   W 3/4 in flight, R 0/4 ending, 1 ref   nobody answers its write"
                   "   R_SYNC R_ENDED W_WRITING W_KEPT W_PLAIN CONSTRUCTED ACTIVE "
                   "r_eof_readable_pending auto_destroy emit_close half_open");
    cst_destroy(a, CST_OK);
    test_run(world);
    assert_says(a, "duplex pair   W 3/4 in flight, R 0/4 ending, 1 ref   closed   "
                   "R_SYNC R_ENDED W_WRITING W_KEPT W_PLAIN CONSTRUCTED DESTROYED ACTIVE "
                   "r_eof_readable_pending auto_destroy emit_close half_open closed close_emitted");
    cst_unref(a);
    cst_unref(b);
}

static void a_corked_sink_says_how_often(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = stage(world, cst_writable_new, &sink_ops, TEST_FLUSH, &mark);

    cst_cork(s);
    cst_cork(s);
    cst_write_copy(s, "abc", 3, NULL, NULL);
    assert_says(s, "writable sink   W 3/4, 1 ref   corked 2   "
                   "W_CORKED W_BUFFERED W_PLAIN CONSTRUCTED ACTIVE auto_destroy emit_close "
                   "half_open");
}

static void a_source_is_read_by_nobody_then_paused_then_ended(void **state)
{
    struct test_world *world = *state;
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, world->ctx, &source_ops, NULL,
                                      &(cst_opts){ .high_water_mark = 4, .no_auto_destroy = true }),
                     CST_OK);
    cst_push_copy(s, "abcde", 5);
    assert_says(s, "readable source   R 5/4, 2 refs   nobody reads   "
                   "R_SYNC R_QUEUED R_READING_MORE CONSTRUCTED emit_close half_open");
    cst_on(s, CST_DATA, test_ignore, NULL);
    cst_pause(s);
    assert_says(s, "readable source   R 5/4 paused, 3 refs   paused   "
                   "R_DATA_LISTENING R_SYNC R_QUEUED R_READING_MORE CONSTRUCTED "
                   "r_has_flowing r_paused r_resume_scheduled emit_close half_open");
    cst_resume(s);
    test_run(world);
    assert_says(s, "readable source   R 0/4 flowing, 1 ref   idle   "
                   "R_FLOWING R_DATA_LISTENING R_READING R_NEED_READABLE R_DATA_EMITTED "
                   "CONSTRUCTED r_has_flowing emit_close half_open");
    cst_push_eof(s);
    assert_says(s, "readable source   R 0/4 flowing ending, 2 refs   its tasks have still to run   "
                   "R_FLOWING R_DATA_LISTENING R_ENDED R_DATA_EMITTED CONSTRUCTED "
                   "r_has_flowing r_end_scheduled emit_close half_open");
    test_run(world);
    assert_says(s,
                "readable source   R 0/4 flowing ended, 1 ref   ended, nobody has destroyed it   "
                "R_FLOWING R_DATA_LISTENING R_ENDED R_DATA_EMITTED CONSTRUCTED "
                "r_has_flowing r_end_emitted emit_close half_open");
}

static void a_read_slot_owes_a_push(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = test_source(world, NULL, &mark);

    cst_resume(s);
    test_run(world);
    assert_says(s, "readable part   R 0/4 flowing, 1 ref   the read slot owes a push   "
                   "R_FLOWING R_READING R_NEED_READABLE CONSTRUCTED r_has_flowing "
                   "auto_destroy emit_close half_open");
}

static void a_stage_whose_output_is_full(void **state)
{
    struct test_world *world = *state;
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, world->ctx, &mark), CST_OK);
    cst_write_copy(s, "abcd", 4, NULL, NULL);
    cst_write_copy(s, "efgh", 4, NULL, NULL);
    assert_says(s, "passthrough   W 8/4 in flight, R 4/4, 2 refs   output full, nobody reads   "
                   "R_QUEUED R_READING_MORE T_KEPT W_WRITING W_NEED_DRAIN W_BUFFERED "
                   "CONSTRUCTED IS_TRANSFORM IS_PASSTHROUGH ACTIVE auto_destroy emit_close "
                   "half_open");
    cst_on(s, CST_READABLE, test_ignore, NULL);
    test_run(world);
    assert_says(s, "passthrough   W 8/4 in flight, R 4/4 paused, 1 ref   output full   "
                   "R_NEED_READABLE R_QUEUED T_KEPT W_WRITING W_NEED_DRAIN W_BUFFERED "
                   "CONSTRUCTED IS_TRANSFORM IS_PASSTHROUGH ACTIVE r_has_flowing "
                   "r_readable_listening auto_destroy emit_close half_open");
}

static void a_flow_that_has_spent_the_bytes_of_its_turn(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = test_feed(world, &(struct test_stage){ .count = 9, .len = 4 }, &mark);

    cst_on(s, CST_DATA, test_ignore, NULL);
    assert_int_equal(cst_ctx_run(world->ctx, &(cst_budget){ .tasks = 100, .bytes = 4 }), CST_MORE);
    assert_says(s, "readable feed   R 4/4 flowing, 2 refs   the turn's bytes are spent   "
                   "R_FLOWING R_DATA_LISTENING R_NEED_READABLE R_QUEUED R_DATA_EMITTED "
                   "CONSTRUCTED r_has_flowing r_flow_cut auto_destroy emit_close half_open");
    test_settle(world);
}

/* What a slot that ran heard of its stream, and of world->s. */
static char heard[2][1000];

static cst_status write_that_describes(cst_stream *s, struct test_world *world,
                                       const cst_slice *chunk)
{
    size_t size = sizeof(heard[0]);

    (void)chunk;
    assert_int_equal(cst_stream_describe(heard[0], &size, s), CST_OK);
    size = sizeof(heard[1]);
    if (world->s)
        assert_int_equal(cst_stream_describe(heard[1], &size, world->s), CST_OK);
    return CST_OK;
}

/* The fast path calls the slot, and fields lag until they are asked for. */
static void a_slot_that_runs_hears_lengths_that_are_right(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, write_that_describes, &mark);

    for (int i = 0; i < 2; i++) {
        cst_write_copy(w, "abcde", 5, NULL, NULL);
        test_run(world);
        assert_string_equal(heard[0],
                            "writable part   W 5/4 in flight, 1 ref   inside the write slot   "
                            "W_WRITING W_SYNC W_PLAIN CONSTRUCTED ACTIVE auto_destroy emit_close "
                            "half_open");
    }
    assert_int_equal(cst_readable_new(&world->s, world->ctx, &source_ops, NULL, &mark), CST_OK);
    cst_pipe(world->s, w, NULL);
    test_run(world);
    for (int i = 0; i < 2; i++) {
        cst_push_copy(world->s, "abc", 3); /* the first one queues the task that reads ahead */
        cst_push_copy(world->s, "abc", 3);
        assert_string_equal(heard[0],
                            "writable part   W 3/4 in flight, 2 refs   inside the write slot   "
                            "W_WRITING W_SYNC W_PLAIN CONSTRUCTED ACTIVE auto_destroy emit_close "
                            "half_open");
        assert_string_equal(heard[1],
                            "readable source   R 0/4 flowing, 2 refs   idle   "
                            "R_FLOWING R_DATA_LISTENING R_PIPED R_NEED_READABLE R_READING_MORE "
                            "R_DATA_EMITTED CONSTRUCTED r_has_flowing auto_destroy emit_close "
                            "half_open");
    }
}

static void a_line_that_has_no_room_is_cut_and_its_length_told(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = stage(world, cst_writable_new, &sink_ops, TEST_WRITE, &mark);
    char whole[1000], line[1000];
    size_t need = sizeof(whole), size = 0;

    assert_int_equal(cst_stream_describe(whole, &need, s), CST_OK);
    assert_int_equal(cst_stream_describe(NULL, &size, s), CST_E_OUT_OF_RANGE);
    assert_int_equal(size, need);
    for (size_t room = 1; room <= need + 1; room++) {
        memset(line, '#', sizeof(line));
        size = room;
        assert_int_equal(cst_stream_describe(line, &size, s),
                         room > need ? CST_OK : CST_E_OUT_OF_RANGE);
        assert_int_equal(size, need);
        assert_memory_equal(line, whole, room - 1);
        assert_int_equal(line[room - 1], '\0');
        assert_int_equal(line[room], '#');
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(a_new_sink_waits_to_be_ended),
    CASE(a_stream_without_a_name_has_its_kind_alone),
    CASE(construct_has_to_run_and_owes),
    CASE(a_write_and_final_owe),
    CASE(a_transform_and_flush_owe),
    CASE(destroy_owes_then_the_stream_is_closed),
    CASE(a_source_waits_for_drain),
    CASE(a_write_that_was_given_up_is_owed_by_no_slot),
    CASE(a_corked_sink_says_how_often),
    CASE(a_source_is_read_by_nobody_then_paused_then_ended),
    CASE(a_read_slot_owes_a_push),
    CASE(a_stage_whose_output_is_full),
    CASE(a_flow_that_has_spent_the_bytes_of_its_turn),
    CASE(a_slot_that_runs_hears_lengths_that_are_right),
    CASE(a_line_that_has_no_room_is_cut_and_its_length_told),
};

TEST_MAIN(tests)

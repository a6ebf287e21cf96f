/* test_run.c - run.h: streams that are run to their end in one call, what each call answers, and
 * that none begins inside a callback. */
#include "world.h"

#include <string.h>

struct fixture {
    struct test_world world;
    cst_stream *in, *out;
    cst_chain chain;
    cst_status said; /* by a call inside a callback */
    unsigned turns;  /* of the driver */
    cst_status turn_fails;
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .said = CST_OK };
    test_world_open(&f.world, NULL);
    cst_chain_init(&f.chain, test_heap_allocator(&f.world.heap));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cst_chain_fini(&f->chain);
    cst_unref(f->in);
    cst_unref(f->out);
    test_world_close(&f->world);
    return 0;
}

/* A source of these letters, each a chunk, and a sink that keeps them. */
static void have(struct fixture *f, const char *text)
{
    cst_slice items[8];
    size_t count = strlen(text);

    for (size_t i = 0; i < count; i++)
        items[i] = cst_slice_static(text + i, 1);
    assert_int_equal(
        cst_from_array_new(&f->in, f->world.ctx, items, count, &(cst_opts){ .object_mode = false }),
        CST_OK);
    assert_int_equal(cst_memory_sink_new(&f->out, f->world.ctx, &f->chain, 0, NULL), CST_OK);
}

static const cst_ops hand_ops = { .name = "hand" };

static void have_by_hand(struct fixture *f)
{
    assert_int_equal(cst_readable_new(&f->in, f->world.ctx, &hand_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_memory_sink_new(&f->out, f->world.ctx, &f->chain, 0, NULL), CST_OK);
}

static cst_status run(struct fixture *f, cst_error *error, const cst_driver *driver)
{
    cst_stream *row[] = { f->in, f->out };

    return cst_pipeline_run(error, row, 2, NULL, driver);
}

static void expect_kept(struct fixture *f, const char *text)
{
    char kept[16] = "";

    cst_chain_copy(kept, &f->chain, sizeof(kept) - 1);
    assert_string_equal(kept, text);
}

static cst_status drive(void *arg)
{
    struct fixture *f = arg;

    f->turns++;
    return f->turn_fails < 0 ? f->turn_fails : cst_ctx_run(f->world.ctx, NULL);
}

/* --- pipelines -------------------------------------------------------------------------------- */

static void a_pipeline_is_over_when_the_call_returns(void **state)
{
    struct fixture *f = *state;
    cst_error error = { .stage = "untouched", .status = CST_USER(1) };

    have(f, "abc");
    assert_int_equal(run(f, &error, NULL), CST_OK);
    assert_string_equal(error.stage, "untouched");
    assert_true(cst_writable_finished(f->out));
    expect_kept(f, "abc");
}

static void a_driver_turns_in_place_of_the_context(void **state)
{
    struct fixture *f = *state;
    const cst_driver driver = { .turn = drive, .arg = f };

    have(f, "abc");
    assert_int_equal(run(f, NULL, &driver), CST_OK);
    assert_int_equal(f->turns, 1);
    expect_kept(f, "abc");
}

static void the_outcome_is_that_of_the_pipeline(void **state)
{
    struct fixture *f = *state;
    cst_error error;

    have_by_hand(f);
    cst_destroy(f->in, CST_USER(7));
    assert_int_equal(run(f, &error, NULL), CST_USER(7));
    assert_int_equal(error.status, CST_USER(7));
    assert_string_equal(error.stage, "hand");
}

static void who_owes_an_answer_is_named(void **state)
{
    struct fixture *f = *state;
    cst_stream *in = test_feed(&f->world, &(struct test_stage){ .count = 3, .len = 5 }, NULL);
    cst_stream *out = test_taker(&f->world, &(struct test_stage){ .when = TEST_NEVER }, NULL);
    cst_stream *row[] = { in, out };
    cst_error error;

    assert_int_equal(cst_pipeline_run(&error, row, 2, NULL, NULL), CST_E_STALL);
    assert_int_equal(error.status, CST_E_STALL);
    assert_string_equal(error.stage, cst_stream_name(out));
    assert_null(cst_errored(in));
    assert_false(cst_is_destroyed(out));
}

static void if_no_slot_owes_an_answer_the_source_is_named(void **state)
{
    struct fixture *f = *state;
    cst_error error;

    have_by_hand(f);
    assert_int_equal(run(f, &error, NULL), CST_E_STALL);
    assert_string_equal(error.stage, "hand");
    cst_push_copy(f->in, "late", 4);
    cst_push_eof(f->in);
    test_run(&f->world);
    expect_kept(f, "late");
    assert_true(cst_writable_finished(f->out));
}

static void a_failure_of_the_driver_is_returned(void **state)
{
    struct fixture *f = *state;
    const cst_driver driver = { .turn = drive, .arg = f };
    cst_error error;

    have(f, "abc");
    f->turn_fails = CST_OS(5);
    assert_int_equal(run(f, &error, &driver), CST_OS(5));
    assert_int_equal(error.status, CST_OS(5));
    assert_string_equal(error.stage, "");
    test_run(&f->world);
    expect_kept(f, "abc");
}

static void an_unheard_error_of_another_stream_waits_for_the_program(void **state)
{
    struct fixture *f = *state;
    cst_stream *other;

    assert_int_equal(cst_readable_new(&other, f->world.ctx, &hand_ops, NULL, NULL), CST_OK);
    have(f, "abc");
    cst_destroy(other, CST_USER(3));
    assert_int_equal(run(f, NULL, NULL), CST_OK);
    expect_kept(f, "abc");
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_E_UNHANDLED);
    cst_unref(other);
}

static void a_destroyed_destination_is_refused_before_anything(void **state)
{
    struct fixture *f = *state;
    cst_error error;

    have(f, "abc");
    cst_destroy(f->out, CST_OK);
    assert_int_equal(run(f, &error, NULL), CST_E_UNABLE_TO_PIPE);
    assert_int_equal(error.status, CST_E_UNABLE_TO_PIPE);
    assert_int_equal(cst_readable_flowing(f->in), CST_FLOWING_UNSET);
}

static void destroy_on_pipe(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    cst_destroy(arg, CST_OK);
}

static void a_listener_to_pipe_may_destroy_any_stage(void **state)
{
    (void)state;
    for (size_t victim = 0; victim < 5; victim++) {
        struct fixture *f;
        cst_stream *row[5];
        void *own;

        setup(&own);
        f = own;
        have(f, "abc");
        row[0] = f->in;
        for (size_t i = 1; i < 4; i++)
            assert_int_equal(cst_passthrough_new(&row[i], f->world.ctx, NULL), CST_OK);
        row[4] = f->out;
        cst_on(row[1], CST_PIPE, destroy_on_pipe, row[victim]);
        assert_true(cst_pipeline_run(NULL, row, 5, NULL, NULL) < 0);
        for (size_t i = 1; i < 4; i++)
            cst_unref(row[i]);
        teardown(&own);
    }
}

/* --- copy ------------------------------------------------------------------------------------- */

static void a_copy_counts_the_bytes(void **state)
{
    struct fixture *f = *state;
    uint64_t bytes = 99;

    have(f, "abcd");
    assert_int_equal(cst_copy(&bytes, f->in, f->out, NULL), CST_OK);
    assert_int_equal(bytes, 4);
    expect_kept(f, "abcd");
}

static void a_copy_that_fails_counts_what_was_read(void **state)
{
    struct fixture *f = *state;
    uint64_t bytes = 99;

    have_by_hand(f);
    cst_push_copy(f->in, "abc", 3);
    assert_int_equal(cst_copy(&bytes, f->in, f->out, NULL), CST_E_STALL);
    assert_int_equal(bytes, 3);
    assert_int_equal(cst_listener_count(f->in, CST_DATA), 1); /* the pipe's */
}

static void a_copy_that_nobody_counts_has_no_listener(void **state)
{
    struct fixture *f = *state;

    have(f, "abcd");
    assert_int_equal(cst_copy(NULL, f->in, f->out, NULL), CST_OK);
    expect_kept(f, "abcd");
}

/* --- reading ---------------------------------------------------------------------------------- */

static void all_of_a_stream_is_one_slice(void **state)
{
    struct fixture *f = *state;
    cst_slice all;

    have(f, "abcd");
    assert_int_equal(cst_read_all(&all, f->in, 4, NULL), CST_OK);
    assert_int_equal(all.len, 4);
    assert_memory_equal(all.data, "abcd", 4);
    cst_slice_unref(&all);
}

static void nothing_is_an_empty_slice(void **state)
{
    struct fixture *f = *state;
    cst_slice all = cst_slice_str("x");

    have(f, "");
    assert_int_equal(cst_read_all(&all, f->in, 4, NULL), CST_OK);
    assert_int_equal(all.len, 0);
}

static void one_byte_too_many_is_told_at_once(void **state)
{
    struct fixture *f = *state;
    cst_slice all = cst_slice_str("untouched");

    have_by_hand(f);
    cst_push_copy(f->in, "abcde", 5);
    assert_int_equal(cst_read_all(&all, f->in, 4, NULL), CST_E_OUT_OF_RANGE);
    assert_int_equal(all.len, 9);
    assert_false(cst_is_destroyed(f->in));
}

static void failures_of_the_stream_are_returned(void **state)
{
    struct fixture *f = *state;
    cst_slice all;

    have_by_hand(f);
    assert_int_equal(cst_read_all(&all, f->in, SIZE_MAX, NULL), CST_E_STALL);
    cst_destroy(f->in, CST_OK);
    assert_int_equal(cst_read_all(&all, f->in, SIZE_MAX, NULL), CST_E_PREMATURE_CLOSE);
    assert_int_equal(cst_next_wait(&all, f->in, NULL), CST_E_PREMATURE_CLOSE);
}

static void chunks_come_one_by_one_then_eof(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    have(f, "ab");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cst_next_wait(&chunk, f->in, NULL), CST_OK);
        assert_int_equal(chunk.len, 1);
        assert_int_equal(chunk.data[0], "ab"[i]);
        cst_slice_unref(&chunk);
    }
    assert_int_equal(cst_next_wait(&chunk, f->in, NULL), CST_EOF);
    assert_int_equal(cst_next_wait(&chunk, f->in, NULL), CST_EOF);
}

static void waiting_for_a_chunk_returns_a_failure_of_the_driver(void **state)
{
    struct fixture *f = *state;
    const cst_driver driver = { .turn = drive, .arg = f };
    cst_slice chunk;

    have_by_hand(f);
    f->turn_fails = CST_OS(5);
    assert_int_equal(cst_next_wait(&chunk, f->in, &driver), CST_OS(5));
    assert_int_equal(f->turns, 1);
}

/* --- inside a callback ------------------------------------------------------------------------ */

static void call_all(struct fixture *f)
{
    cst_slice chunk;

    assert_int_equal(run(f, NULL, NULL), CST_E_NESTED);
    assert_int_equal(cst_copy(NULL, f->in, f->out, NULL), CST_E_NESTED);
    assert_int_equal(cst_read_all(&chunk, f->in, 4, NULL), CST_E_NESTED);
    assert_int_equal(cst_next_wait(&chunk, f->in, NULL), CST_E_NESTED);
    assert_int_equal(cst_listener_count(f->in, CST_DATA), 0);
    f->said = CST_E_NESTED;
}

static void call_in_a_task(void *arg)
{
    call_all(arg);
}

static void call_on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    call_all(arg);
}

static void no_call_begins_inside_a_callback(void **state)
{
    struct fixture *f = *state;
    cst_task task = { .fn = NULL };
    cst_stream *other;

    have(f, "abc");
    cst_defer(f->world.ctx, &task, call_in_a_task, f);
    test_run(&f->world);
    assert_int_equal(f->said, CST_E_NESTED);
    f->said = CST_OK;
    assert_int_equal(cst_readable_new(&other, f->world.ctx, &hand_ops, NULL, NULL), CST_OK);
    cst_on(other, CST_DATA, call_on_data, f);
    test_run(&f->world);
    cst_push_copy(other, "x", 1); /* outside of any turn */
    assert_int_equal(f->said, CST_E_NESTED);
    cst_unref(other);
    assert_int_equal(run(f, NULL, NULL), CST_OK);
}

static bool say_yes(void *arg)
{
    (void)arg;
    return true;
}

static void no_call_begins_if_the_driver_turns_already(void **state)
{
    struct fixture *f = *state;
    const cst_driver driver = { .turn = drive, .is_running = say_yes, .arg = f };

    have(f, "abc");
    assert_int_equal(run(f, NULL, &driver), CST_E_NESTED);
    assert_int_equal(f->turns, 0);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void run_without_memory(struct fixture *f, size_t n, int which)
{
    cst_slice all = cst_slice_empty();
    uint64_t bytes;
    cst_status st;

    have(f, "abc");
    cst_on(f->in, CST_ERROR, test_ignore, NULL);
    cst_on(f->out, CST_ERROR, test_ignore, NULL);
    test_heap_fail_at(&f->world.heap, n);
    if (which == 0)
        st = run(f, NULL, NULL);
    else if (which == 1)
        st = cst_copy(&bytes, f->in, f->out, NULL);
    else
        st = cst_read_all(&all, f->in, 4, NULL);
    assert_true(st == CST_OK || (st == CST_E_NOMEM && f->world.heap.failures > 0));
    test_heap_fail_never(&f->world.heap);
    cst_slice_unref(&all);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++)
        for (size_t n = 1; n < 25; n++) {
            void *own;

            setup(&own);
            run_without_memory(own, n, which);
            teardown(&own);
        }
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(a_pipeline_is_over_when_the_call_returns),
    T(a_driver_turns_in_place_of_the_context),
    T(the_outcome_is_that_of_the_pipeline),
    T(who_owes_an_answer_is_named),
    T(if_no_slot_owes_an_answer_the_source_is_named),
    T(a_failure_of_the_driver_is_returned),
    T(an_unheard_error_of_another_stream_waits_for_the_program),
    T(a_destroyed_destination_is_refused_before_anything),
    cmocka_unit_test(a_listener_to_pipe_may_destroy_any_stage),
    T(a_copy_counts_the_bytes),
    T(a_copy_that_fails_counts_what_was_read),
    T(a_copy_that_nobody_counts_has_no_listener),
    T(all_of_a_stream_is_one_slice),
    T(nothing_is_an_empty_slice),
    T(one_byte_too_many_is_told_at_once),
    T(failures_of_the_stream_are_returned),
    T(chunks_come_one_by_one_then_eof),
    T(waiting_for_a_chunk_returns_a_failure_of_the_driver),
    T(no_call_begins_inside_a_callback),
    T(no_call_begins_if_the_driver_turns_already),
    cmocka_unit_test(each_allocation_may_fail),
};

TEST_MAIN(tests)

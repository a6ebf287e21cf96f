/* test_pipeline.c - join.h: how streams that belong together come out. */
#include "world.h"

#include <string.h>

struct fixture {
    struct test_world world;
    cst_stream *stages[3]; /* r, t, w */
    cst_abort *signal;
};

static int set_up(void **state)
{
    static struct fixture f;

    test_world_open(&f.world, NULL);
    assert_int_equal(cst_readable_new(&f.stages[0], f.world.ctx, &test_source_ops, NULL, NULL),
                     CST_OK);
    assert_int_equal(cst_passthrough_new(&f.stages[1], f.world.ctx, NULL), CST_OK);
    assert_int_equal(cst_writable_new(&f.stages[2], f.world.ctx, &test_sink_ops, NULL, NULL),
                     CST_OK);
    test_listen_as(&f.world, f.stages[0], "r");
    test_listen_as(&f.world, f.stages[2], "w");
    assert_int_equal(cst_abort_new(&f.signal, f.world.ctx), CST_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cst_abort_unref(f->signal);
    return test_world_teardown(state);
}

static void on_outcome(const cst_error *error, void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->world.trace, "done:%s:%s", error ? test_status_word(error->status) : "ok",
                   error ? error->stage : "");
}

static void start(struct fixture *f, const cst_pipeline_opts *opts)
{
    assert_int_equal(cst_pipeline(f->stages, 3, opts, on_outcome, f), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "w:pipe r:resume");
}

static void success_is_told_after_the_last_close(void **state)
{
    struct fixture *f = *state;

    start(f, NULL);
    cst_push(f->stages[0], cst_slice_str("ab"));
    cst_push_eof(f->stages[0]);
    test_run(&f->world);
    test_expect(&f->world,
                "w:write:ab r:end r:pause r:destroy w:unpipe w:final r:close w:finish w:destroy "
                "w:close done:ok:");
}

static void an_error_of_the_source_destroys_the_rest_and_names_its_stage(void **state)
{
    struct fixture *f = *state;

    start(f, NULL);
    cst_destroy(f->stages[0], CST_USER(3));
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text, "w:error:USER"));
    assert_non_null(strstr(f->world.trace.text, "done:USER:source"));
    assert_true(cst_is_closed(f->stages[1]));
    assert_string_equal(cst_errored(f->stages[2])->stage, "source");
}

static void a_destination_that_closes_early_is_premature(void **state)
{
    struct fixture *f = *state;

    start(f, NULL);
    cst_destroy(f->stages[2], CST_OK);
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text, "done:PREMATURE_CLOSE"));
    assert_int_equal(cst_errored(f->stages[0])->status, CST_E_PREMATURE_CLOSE);
}

static void a_destroyed_stage_cannot_be_piped_to(void **state)
{
    struct fixture *f = *state;

    cst_destroy(f->stages[1], CST_OK);
    assert_int_equal(cst_pipeline(f->stages, 3, NULL, on_outcome, f), CST_E_UNABLE_TO_PIPE);
    test_run(&f->world);
    test_expect(&f->world, "");
}

static void what_was_connected_before_a_destroyed_stage_comes_out(void **state)
{
    struct fixture *f = *state;
    cst_stream *t, *row[4];

    assert_int_equal(cst_passthrough_new(&t, f->world.ctx, NULL), CST_OK);
    row[0] = f->stages[0];
    row[1] = f->stages[1];
    row[2] = t;
    row[3] = f->stages[2];
    cst_destroy(row[3], CST_OK);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_pipeline(row, 4, NULL, on_outcome, f), CST_E_UNABLE_TO_PIPE);
    cst_destroy(row[0], CST_USER(3));
    test_run(&f->world);
    test_expect(&f->world, "r:destroy r:resume r:error:USER r:close done:USER:source");
    assert_true(cst_is_destroyed(row[1]));
    assert_false(cst_is_destroyed(t));
}

/* The stages behind the one that refused are not the pipeline's: they may be gone when it fails. */
static void what_was_not_connected_may_be_freed(void **state)
{
    struct fixture *f = *state;
    cst_stream *row[4], *t, *gone;

    assert_int_equal(cst_passthrough_new(&t, f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&gone, f->world.ctx, NULL), CST_OK);
    row[0] = f->stages[0];
    row[1] = f->stages[1];
    row[2] = t;
    row[3] = gone;
    cst_destroy(gone, CST_OK);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_pipeline(row, 4, NULL, on_outcome, f), CST_E_UNABLE_TO_PIPE);
    cst_unref(gone);
    test_run(&f->world);
    cst_destroy(row[0], CST_USER(3));
    test_run(&f->world);
    test_expect(&f->world, "r:resume r:destroy r:error:USER r:close done:USER:source");
    cst_destroy(t, CST_OK);
    cst_unref(t);
}

static void a_readable_last_stream_stays_open(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_pipeline(f->stages, 2, NULL, on_outcome, f), CST_OK);
    cst_push_eof(f->stages[0]);
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text, "done:ok:"));
    assert_false(cst_is_destroyed(f->stages[1]));
}

/* Node never says how such a pipeline came out: its source is destroyed between EOF and 'end',
 * while the sink is busy. */
static void fall_silent(struct fixture *f, cst_outcome_fn *done)
{
    cst_stream *row[] = { f->stages[0], f->stages[2] };

    test_stage(row[1])->answer = CST_PENDING;
    assert_int_equal(cst_pipeline(row, 2, NULL, done, f), CST_OK);
    test_run(&f->world);
    for (size_t i = 0; i < 2; i++)
        cst_push_copy(row[0], "1234567890", 10);
    cst_pause(row[0]);
    cst_push_copy(row[0], "1", 1);
    cst_push_eof(row[0]);
    cst_destroy(row[0], CST_OK);
    test_run(&f->world);
    assert_null(strstr(f->world.trace.text, "done"));
    test_trace_clear(&f->world.trace);
}

static void an_outcome_that_never_comes_is_told_when_the_last_stream_is_freed(void **state)
{
    struct fixture *f = *state;

    fall_silent(f, on_outcome);
    cst_unref(f->stages[0]);
    test_run(&f->world);
    test_expect(&f->world, "");
    test_answer_of(f->stages[2], CST_OK);
    test_answer_of(f->stages[2], CST_OK);
    cst_destroy(f->stages[2], CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "w:write:1234567890 w:destroy w:close");
    cst_unref(f->stages[2]);
    test_run(&f->world);
    test_expect(&f->world, "done:PREMATURE_CLOSE:sink");
}

/* All streams are still there. */
static void on_last_word(const cst_error *error, void *arg)
{
    struct fixture *f = arg;
    size_t known = 0;

    for (size_t i = 0; i < 3; i++)
        known += cst_is_destroyed(f->stages[i]);
    test_trace_add(&f->world.trace, "%zu", known);
    on_outcome(error, arg);
}

static void free_and_expect(void **state, const char *text)
{
    struct fixture *f = *state;

    cst_abort_unref(f->signal);
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    test_expect(&f->world, text);
    assert_int_equal(f->world.heap.live_blocks, 0);
    assert_int_equal(set_up(state), 0);
}

static void an_outcome_that_never_comes_is_told_when_the_context_is_freed(void **state)
{
    fall_silent(*state, on_last_word);
    free_and_expect(state, "w:destroy w:close w:unpipe 3 done:PREMATURE_CLOSE:sink");
}

static cst_status no_answer(cst_stream *s, void *self, const cst_error *error)
{
    (void)s;
    (void)self;
    (void)error;
    return CST_PENDING;
}

/* No destroy slot answers: no stream fails, and none closes. */
static void streams_that_never_close_are_premature_when_the_context_is_freed(void **state)
{
    static const cst_ops source_ops = { .name = "mute", .destroy = no_answer };
    static const cst_ops sink_ops = { .name = "mute",
                                      .write = test_stage_write,
                                      .destroy = no_answer };
    struct fixture *f = *state;
    cst_stream *row[2];

    assert_int_equal(cst_readable_new(&row[0], f->world.ctx, &source_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_writable_new(&row[1], f->world.ctx, &sink_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_pipeline(row, 2, NULL, on_last_word, f), CST_OK);
    test_run(&f->world);
    free_and_expect(state, "w:destroy r:destroy w:close r:close 3 done:PREMATURE_CLOSE:");
}

/* A late sink that stays open, in place of the ordinary one. */
static void make_lasting(struct fixture *f)
{
    cst_destroy(f->stages[2], CST_OK);
    cst_unref(f->stages[2]);
    assert_int_equal(cst_writable_new(&f->stages[2], f->world.ctx, &test_sink_ops, NULL,
                                      &(cst_opts){ .no_pipe_end = true }),
                     CST_OK);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    test_listen_as(&f->world, f->stages[2], "w");
    test_stage(f->stages[2])->answer = CST_PENDING;
}

static void a_last_stream_that_stays_open_has_all_when_done_comes(void **state)
{
    struct fixture *f = *state;

    make_lasting(f);
    start(f, NULL);
    cst_push(f->stages[0], cst_slice_str("ab"));
    cst_push_eof(f->stages[0]);
    test_run(&f->world);
    test_expect(&f->world, "w:write:ab r:end r:pause r:destroy w:unpipe r:close");
    test_answer_of(f->stages[2], CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "w:drain done:ok:");
    assert_true(cst_is_writable(f->stages[2]));
    cst_destroy(f->stages[2], CST_USER(4)); /* an affair of the program's */
    test_run(&f->world);
    test_expect(&f->world, "w:destroy w:error:USER w:close");
}

static void a_last_stream_that_stays_open_outlives_an_error_of_another(void **state)
{
    struct fixture *f = *state;

    make_lasting(f);
    start(f, NULL);
    cst_push(f->stages[0], cst_slice_str("ab"));
    cst_destroy(f->stages[0], CST_USER(3));
    test_run(&f->world);
    test_expect(&f->world, "w:write:ab r:destroy r:error:USER r:close");
    test_answer_of(f->stages[2], CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "w:drain done:USER:source");
    assert_true(cst_is_writable(f->stages[2]));
    assert_int_equal(cst_off_all(f->stages[2], CST_ERROR), CST_OK);
    cst_destroy(f->stages[2], CST_USER(4)); /* the pipeline has nothing to do with it any more */
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_E_UNHANDLED);
}

static void a_last_stream_that_stays_open_may_fail_with_what_it_still_has(void **state)
{
    struct fixture *f = *state;

    make_lasting(f);
    start(f, NULL);
    cst_push(f->stages[0], cst_slice_str("ab"));
    cst_push_eof(f->stages[0]);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    test_answer_of(f->stages[2], CST_USER(5));
    test_run(&f->world);
    test_expect(&f->world, "w:destroy w:error:USER w:close done:USER:sink");
}

/* The write has failed when the source ends, but its 'error' is still to come: all was not
 * written. */
static void a_last_stream_that_stays_open_has_failed_before_the_end(void **state)
{
    struct fixture *f = *state;
    cst_stream *row[2];

    make_lasting(f);
    test_stage(f->stages[2])->answer = CST_USER(5);
    assert_int_equal(cst_memory_source_new(&row[0], f->world.ctx, cst_slice_str("ab"), NULL),
                     CST_OK);
    row[1] = f->stages[2];
    assert_int_equal(cst_pipeline(row, 2, NULL, on_outcome, f), CST_OK);
    test_run(&f->world);
    test_expect(&f->world,
                "w:pipe w:write:ab w:unpipe w:destroy w:error:USER w:close done:USER:sink");
    cst_unref(row[0]);
}

static void a_signal_destroys_every_stage(void **state)
{
    struct fixture *f = *state;

    start(f, &(cst_pipeline_opts){ .signal = f->signal });
    assert_int_equal(cst_abort_fire(f->signal), CST_OK);
    assert_true(cst_is_destroyed(f->stages[0]) && cst_is_destroyed(f->stages[1]) &&
                cst_is_destroyed(f->stages[2]));
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text, "done:ABORT:"));
}

static void a_pipeline_may_do_without_a_callback(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_pipeline(f->stages, 3, NULL, NULL, NULL), CST_OK);
    cst_push_eof(f->stages[0]);
    test_run(&f->world);
    assert_true(cst_writable_finished(f->stages[2]));
    assert_true(cst_is_closed(f->stages[2]));
}

static void without_memory_no_stage_is_touched(void **state)
{
    struct fixture *f = *state;
    cst_status st;
    size_t n = 1;

    do {
        test_heap_fail_at(&f->world.heap, n++);
        st = cst_pipeline(f->stages, 3, NULL, on_outcome, f);
        if (st < 0) {
            assert_int_equal(st, CST_E_NOMEM);
            assert_int_equal(cst_listener_count(f->stages[0], CST_DATA), 0);
            assert_int_equal(cst_listener_count(f->stages[2], CST_UNPIPE), 1);
        }
    } while (st < 0);
    assert_true(n > 2);
    test_heap_fail_never(&f->world.heap);
}

static void wrong_streams_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_stream *backwards[] = { f->stages[2], f->stages[0] };
    cst_stream *missing[] = { f->stages[0], NULL };

    assert_int_equal(cst_pipeline(NULL, 2, NULL, on_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(f->stages, 1, NULL, on_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(f->stages, SIZE_MAX, NULL, on_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(backwards, 2, NULL, on_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(missing, 2, NULL, on_outcome, f), CST_E_INVALID_ARG);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* --- which stage ------------------------------------------------------------------------------ */

static void keep_outcome(const cst_error *error, void *arg)
{
    *(cst_error *)arg = *error;
}

/* Destroy one of the three stages, and check what the pipeline and a later stage tell. */
static void fail_stage(struct fixture *f, size_t i)
{
    cst_error outcome = { .stage = "" };

    assert_int_equal(cst_pipeline(f->stages, 3, NULL, keep_outcome, &outcome), CST_OK);
    test_run(&f->world);
    cst_destroy(f->stages[i], CST_USER(3));
    test_run(&f->world);
    assert_int_equal(outcome.status, CST_USER(3));
    assert_int_equal(outcome.index, i + 1);
    assert_int_equal(outcome.cause, 0);
    test_trace_clear(&f->world.trace);
}

static void the_outcome_has_the_place_of_the_source(void **state)
{
    struct fixture *f = *state;

    fail_stage(f, 0);
    assert_int_equal(cst_errored(f->stages[0])->index, 0);
    assert_int_equal(cst_errored(f->stages[1])->index, 1);
    assert_int_equal(cst_errored(f->stages[2])->index, 1);
}

static void the_outcome_has_the_place_of_the_middle(void **state)
{
    fail_stage(*state, 1);
}

static void the_outcome_has_the_place_of_the_sink(void **state)
{
    fail_stage(*state, 2);
}

static cst_status refuse_to_read(cst_stream *s, void *self, size_t size)
{
    (void)s;
    (void)self;
    (void)size;
    return CST_USER(5);
}

static cst_status refuse_to_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_USER(6);
}

/* A socket and a filter: what it reads goes through the filter and back. */
static void expect_place_of_socket(struct fixture *f, const cst_ops *ops, cst_status status,
                                   size_t index)
{
    cst_stream *stages[3];
    cst_error outcome = { .stage = "" };

    assert_int_equal(cst_duplex_new(&stages[0], f->world.ctx, ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&stages[1], f->world.ctx, NULL), CST_OK);
    stages[2] = stages[0];
    assert_int_equal(cst_pipeline(stages, 3, NULL, keep_outcome, &outcome), CST_OK);
    if (!ops->read)
        cst_push_copy(stages[0], "a", 1);
    test_run(&f->world);
    assert_int_equal(outcome.status, status);
    assert_int_equal(outcome.index, index);
    cst_unref(stages[0]);
    cst_unref(stages[1]);
}

static void a_stream_at_both_ends_reads_in_the_first_place_and_writes_in_the_last(void **state)
{
    static const cst_ops reads = { .name = "socket",
                                   .read = refuse_to_read,
                                   .write = refuse_to_write };
    static const cst_ops writes = { .name = "socket", .write = refuse_to_write };

    expect_place_of_socket(*state, &reads, CST_USER(5), 1);
    expect_place_of_socket(*state, &writes, CST_USER(6), 3);
}

static void a_premature_close_has_the_place_of_the_first_that_closed(void **state)
{
    struct fixture *f = *state;
    cst_error outcome = { .stage = "" };

    assert_int_equal(cst_pipeline(f->stages, 3, NULL, keep_outcome, &outcome), CST_OK);
    test_run(&f->world);
    cst_destroy(f->stages[1], CST_OK);
    test_run(&f->world);
    assert_int_equal(outcome.status, CST_E_PREMATURE_CLOSE);
    assert_int_equal(outcome.index, 2);
    test_trace_clear(&f->world.trace);
}

static const struct CMUnitTest tests[] = {
    CASE(the_outcome_has_the_place_of_the_source),
    CASE(the_outcome_has_the_place_of_the_middle),
    CASE(the_outcome_has_the_place_of_the_sink),
    CASE(a_stream_at_both_ends_reads_in_the_first_place_and_writes_in_the_last),
    CASE(a_premature_close_has_the_place_of_the_first_that_closed),
    CASE(success_is_told_after_the_last_close),
    CASE(an_error_of_the_source_destroys_the_rest_and_names_its_stage),
    CASE(a_destination_that_closes_early_is_premature),
    CASE(a_destroyed_stage_cannot_be_piped_to),
    CASE(what_was_connected_before_a_destroyed_stage_comes_out),
    CASE(what_was_not_connected_may_be_freed),
    CASE(a_readable_last_stream_stays_open),
    CASE(an_outcome_that_never_comes_is_told_when_the_last_stream_is_freed),
    CASE(an_outcome_that_never_comes_is_told_when_the_context_is_freed),
    CASE(streams_that_never_close_are_premature_when_the_context_is_freed),
    CASE(a_last_stream_that_stays_open_has_all_when_done_comes),
    CASE(a_last_stream_that_stays_open_outlives_an_error_of_another),
    CASE(a_last_stream_that_stays_open_may_fail_with_what_it_still_has),
    CASE(a_last_stream_that_stays_open_has_failed_before_the_end),
    CASE(a_signal_destroys_every_stage),
    CASE(a_pipeline_may_do_without_a_callback),
    CASE(without_memory_no_stage_is_touched),
    CASE(wrong_streams_are_refused),
};

TEST_MAIN(tests)

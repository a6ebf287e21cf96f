/* test_pipe.c - join.h: one source into one or several destinations. */
#include "world.h"

struct fixture {
    struct test_world world;
    cst_stream *r, *w, *v;
};

static cst_stream *make(struct fixture *f, const char *name, const cst_ops *ops, size_t mark)
{
    cst_stream *s = NULL;
    const cst_opts opts = { .high_water_mark = mark };

    if (ops == &test_source_ops)
        assert_int_equal(cst_readable_new(&s, f->world.ctx, ops, NULL, &opts), CST_OK);
    else
        assert_int_equal(cst_writable_new(&s, f->world.ctx, ops, NULL, &opts), CST_OK);
    test_listen_as(&f->world, s, name);
    return s;
}

static int set_up(void **state)
{
    static struct fixture f;

    test_world_open(&f.world, NULL);
    f.r = make(&f, "r", &test_source_ops, 16);
    f.w = make(&f, "w", &test_sink_ops, 4);
    f.v = make(&f, "v", &test_sink_ops, 64);
    *state = &f;
    return 0;
}

static void answer(cst_stream *s, cst_status status)
{
    test_stage(s)->answer = status;
}

static void start(struct fixture *f, cst_stream *dest)
{
    assert_int_equal(cst_pipe(f->r, dest, NULL), CST_OK);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
}

static void a_full_destination_pauses_the_source_until_its_drain(void **state)
{
    struct fixture *f = *state;

    answer(f->w, CST_PENDING);
    assert_int_equal(cst_pipe(f->r, f->w, NULL), CST_OK);
    test_expect(&f->world, "w:pipe");
    test_run(&f->world);
    test_expect(&f->world, "r:resume");
    assert_int_equal(cst_push(f->r, cst_slice_str("abcd")), CST_OK);
    test_expect(&f->world, "w:write:abcd r:pause");
    assert_int_equal(cst_push(f->r, cst_slice_str("efgh")), CST_OK);
    assert_int_equal(cst_readable_length(f->r), 4);
    test_run(&f->world);
    test_expect(&f->world, "");
    test_answer_of(f->w, CST_OK);
    test_expect(&f->world, "w:drain");
    test_run(&f->world);
    test_expect(&f->world, "r:resume w:write:efgh r:pause");
}

static void the_end_of_the_source_ends_the_destination(void **state)
{
    struct fixture *f = *state;

    start(f, f->w);
    cst_push(f->r, cst_slice_str("ab"));
    cst_push_eof(f->r);
    test_run(&f->world);
    test_expect(&f->world,
                "w:write:ab r:end w:final r:destroy w:finish w:unpipe w:destroy r:close w:close");
    assert_true(cst_writable_finished(f->w));
}

static void no_end_leaves_the_destination_open(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_pipe(f->r, f->w, &(cst_pipe_opts){ .no_end = true }), CST_OK);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    cst_push_eof(f->r);
    test_run(&f->world);
    test_expect(&f->world, "r:end r:pause w:unpipe r:destroy r:close");
    assert_true(cst_is_writable(f->w));
}

static void a_destination_that_stays_open_serves_one_source_after_the_other(void **state)
{
    struct fixture *f = *state;
    cst_stream *w, *r;

    assert_int_equal(cst_writable_new(&w, f->world.ctx, &test_sink_ops, NULL,
                                      &(cst_opts){ .no_pipe_end = true }),
                     CST_OK);
    test_listen_as(&f->world, w, "o");
    start(f, w);
    cst_push(f->r, cst_slice_str("ab"));
    cst_push_eof(f->r);
    test_run(&f->world);
    test_expect(&f->world, "o:write:ab r:end r:pause o:unpipe r:destroy r:close");
    r = make(f, "s", &test_source_ops, 16);
    cst_push(r, cst_slice_str("cd"));
    cst_push_eof(r);
    assert_int_equal(cst_pipe(r, w, NULL), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "o:pipe s:resume o:write:cd s:end s:pause o:unpipe s:destroy s:close");
    cst_end(w, NULL, NULL); /* which is another matter */
    test_run(&f->world);
    test_expect(&f->world, "o:final o:finish o:destroy o:close");
}

/* As in Node: who wants to know asks cst_is_writable, or makes a pipeline. */
static void a_destination_that_is_over_is_told_of_by_error_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    cst_stream *row[] = { f->r, f->w };

    answer(f->w, CST_PENDING);
    cst_end(f->w, NULL, NULL); /* ended, and not finished */
    start(f, f->w);
    cst_push(f->r, cst_slice_str("ab"));
    test_run(&f->world);
    test_expect(&f->world, "w:destroy r:pause w:unpipe w:error:WRITE_AFTER_END w:close");
    assert_false(cst_is_writable(f->w));
    start(f, f->w); /* destroyed: its first chunk is lost, and the source waits for ever */
    cst_push(f->r, cst_slice_str("ab"));
    cst_push(f->r, cst_slice_str("cd"));
    test_run(&f->world);
    test_expect(&f->world, "r:pause");
    assert_int_equal(cst_readable_length(f->r), 2);
    assert_int_equal(cst_pipeline(row, 2, NULL, NULL, NULL), CST_E_UNABLE_TO_PIPE);
}

static void every_destination_gets_every_chunk_and_the_slowest_sets_the_pace(void **state)
{
    struct fixture *f = *state;

    answer(f->w, CST_PENDING);
    assert_int_equal(cst_pipe(f->r, f->v, NULL), CST_OK);
    start(f, f->w);
    cst_push(f->r, cst_slice_str("abcd"));
    test_expect(&f->world, "v:write:abcd w:write:abcd r:pause");
    cst_push(f->r, cst_slice_str("e"));
    test_run(&f->world);
    test_expect(&f->world, "");
    test_answer_of(f->w, CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "w:drain r:resume v:write:e w:write:e");
}

static void an_error_of_the_destination_unpipes_it_and_leaves_the_source(void **state)
{
    struct fixture *f = *state;

    start(f, f->w);
    assert_int_equal(cst_destroy(f->w, CST_USER(1)), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "w:destroy r:pause w:unpipe w:error:USER w:close");
    assert_false(cst_is_destroyed(f->r));
}

static void an_error_of_the_source_leaves_the_destination_open(void **state)
{
    struct fixture *f = *state;

    start(f, f->w);
    assert_int_equal(cst_destroy(f->r, CST_USER(1)), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "r:destroy r:error:USER r:close");
    assert_true(cst_is_writable(f->w));
}

static void a_chunk_that_does_not_fit_the_length_fails_the_destination(void **state)
{
    struct fixture *f = *state;

    answer(f->w, CST_PENDING);
    start(f, f->w);
    assert_int_equal(cst_push(f->r, cst_slice_str("a")), CST_OK);
    cst_push(f->r, cst_slice_static("", SIZE_MAX));
    test_answer_of(f->w, CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "w:write:a w:destroy r:pause w:unpipe w:error:OUT_OF_RANGE w:close");
    assert_int_equal(cst_errored(f->w)->status, CST_E_OUT_OF_RANGE);
    assert_false(cst_is_destroyed(f->r));
}

static void unpipe_undoes_one_or_all(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_unpipe(f->r, NULL), CST_EMPTY);
    assert_int_equal(cst_pipe(f->r, f->v, NULL), CST_OK);
    start(f, f->w);
    assert_int_equal(cst_unpipe(f->r, f->v), CST_OK);
    test_expect(&f->world, "v:unpipe");
    assert_int_equal(cst_unpipe(f->r, f->v), CST_EMPTY);
    assert_int_equal(cst_pipe(f->r, f->v, NULL), CST_OK);
    assert_int_equal(cst_unpipe(f->r, NULL), CST_OK);
    test_expect(&f->world, "v:pipe r:pause w:unpipe v:unpipe");
}

static void two_pipes_to_one_destination_write_twice_and_go_one_by_one(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_pipe(f->r, f->v, NULL), CST_OK);
    start(f, f->v);
    cst_push(f->r, cst_slice_str("a"));
    test_expect(&f->world, "v:write:a v:write:a");
    assert_int_equal(cst_unpipe(f->r, f->v), CST_OK);
    cst_push(f->r, cst_slice_str("b"));
    test_expect(&f->world, "v:unpipe v:write:b");
}

static void on_data_unpipe(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    cst_unpipe(s, arg);
}

static void a_pipe_that_is_undone_inside_data_still_gets_that_chunk(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_on(f->r, CST_DATA, on_data_unpipe, f->v), CST_OK);
    start(f, f->v);
    cst_push(f->r, cst_slice_str("a"));
    test_expect(&f->world, "r:pause v:unpipe v:write:a");
    test_run(&f->world);
    cst_push(f->r, cst_slice_str("b"));
    test_expect(&f->world, "");
}

static void an_unreferenced_pair_runs_to_its_end_and_its_memory_serves_the_next(void **state)
{
    struct fixture *f = *state;
    size_t calls;

    start(f, f->w);
    cst_push(f->r, cst_slice_str("ab"));
    cst_push_eof(f->r);
    cst_unref(f->r);
    cst_unref(f->w);
    test_run(&f->world);
    test_expect(&f->world,
                "w:write:ab r:end w:final r:destroy w:finish w:unpipe w:destroy r:close w:close");
    calls = f->world.heap.calls;
    f->r = make(f, "r", &test_source_ops, 16);
    f->w = make(f, "w", &test_sink_ops, 4);
    start(f, f->w);
#ifndef CST_NO_CACHE
    assert_int_equal(f->world.heap.calls, calls);
#else
    assert_true(f->world.heap.calls > calls);
#endif
}

static void wrong_streams_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_pipe(NULL, f->w, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipe(f->w, f->v, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipe(f->r, f->r, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipe(f->r, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_unpipe(f->w, NULL), CST_E_INVALID_ARG);
    test_expect(&f->world, "");
}

static void without_memory_nothing_is_connected(void **state)
{
    struct fixture *f = *state;

    test_heap_fail_at(&f->world.heap, 1);
    assert_int_equal(cst_pipe(f->r, f->w, NULL), CST_E_NOMEM);
    test_expect(&f->world, "");
    assert_int_equal(cst_unpipe(f->r, f->w), CST_EMPTY);
    assert_int_equal(cst_pipe(f->r, f->w, NULL), CST_OK);
}

static void pass_one(struct fixture *f, cst_stream *last)
{
    cst_slice chunk;

    cst_push(f->r, cst_slice_static("x", 1));
    test_run(&f->world);
    assert_int_equal(cst_read(&chunk, last, CST_READ_ANY), CST_OK);
    cst_slice_unref(&chunk);
}

static void steady_flow_through_pass_throughs_allocates_nothing(void **state)
{
    struct fixture *f = *state;
    cst_stream *last = f->r;
    size_t calls;

    for (size_t i = 0; i < 3; i++) {
        cst_stream *stage;

        assert_int_equal(cst_passthrough_new(&stage, f->world.ctx, NULL), CST_OK);
        assert_int_equal(cst_pipe(last, stage, NULL), CST_OK);
        last = stage;
    }
    for (int i = 0; i < 100; i++)
        pass_one(f, last);
    calls = f->world.heap.calls;
    for (int i = 0; i < 10000; i++)
        pass_one(f, last);
    assert_int_equal(f->world.heap.calls, calls);
}

#ifndef CST_NO_CACHE /* it needs memory that serves again while the heap has none */

static void do_nothing(void *arg)
{
    (void)arg;
}

static void end_at_once(struct fixture *f, cst_stream *s)
{
    assert_int_equal(cst_push_eof(s), CST_EOF);
    assert_int_equal(cst_resume(s), CST_OK);
    test_run(&f->world);
    assert_true(cst_readable_ended(s));
}

/* More tasks than the queue has room for: what is queued next is noted in the stream. */
static void pipes_made_after_the_end_all_end_though_the_queue_has_no_room(void **state)
{
    static cst_task tasks[200];
    struct fixture *f = *state;
    const cst_opts stays = { .no_auto_destroy = true };
    cst_stream *past, *other;

    assert_int_equal(cst_readable_new(&past, f->world.ctx, &test_source_ops, NULL, &stays), CST_OK);
    assert_int_equal(cst_readable_new(&other, f->world.ctx, &test_source_ops, NULL, &stays),
                     CST_OK);
    test_listen_as(&f->world, past, "past");
    test_listen_as(&f->world, other, "other");
    end_at_once(f, past);
    assert_int_equal(cst_pipe(other, f->w, NULL), CST_OK);
    assert_int_equal(cst_pipe(other, f->v, NULL), CST_OK);
    assert_int_equal(cst_unpipe(other, NULL), CST_OK); /* their memory serves the next two */
    test_run(&f->world);
    test_heap_fail_from(&f->world.heap, 1);
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        assert_int_equal(cst_defer(f->world.ctx, &tasks[i], do_nothing, NULL), CST_OK);
    assert_int_equal(cst_pipe(past, f->w, NULL), CST_OK);
    assert_int_equal(cst_pipe(past, f->v, NULL), CST_OK);
    test_heap_fail_never(&f->world.heap);
    test_run(&f->world);
    assert_true(cst_writable_finished(f->w));
    assert_true(cst_writable_finished(f->v));
}

#endif

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(a_full_destination_pauses_the_source_until_its_drain),
    CASE(the_end_of_the_source_ends_the_destination),
    CASE(no_end_leaves_the_destination_open),
    CASE(a_destination_that_stays_open_serves_one_source_after_the_other),
    CASE(a_destination_that_is_over_is_told_of_by_error_or_not_at_all),
    CASE(every_destination_gets_every_chunk_and_the_slowest_sets_the_pace),
    CASE(an_error_of_the_destination_unpipes_it_and_leaves_the_source),
    CASE(an_error_of_the_source_leaves_the_destination_open),
    CASE(a_chunk_that_does_not_fit_the_length_fails_the_destination),
    CASE(unpipe_undoes_one_or_all),
    CASE(two_pipes_to_one_destination_write_twice_and_go_one_by_one),
    CASE(a_pipe_that_is_undone_inside_data_still_gets_that_chunk),
    CASE(an_unreferenced_pair_runs_to_its_end_and_its_memory_serves_the_next),
    CASE(wrong_streams_are_refused),
#ifndef CST_NO_CACHE
    CASE(pipes_made_after_the_end_all_end_though_the_queue_has_no_room),
#endif
    CASE(without_memory_nothing_is_connected),
    CASE(steady_flow_through_pass_throughs_allocates_nothing),
};

TEST_MAIN(tests)

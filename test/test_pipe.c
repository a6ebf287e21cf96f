/* test_pipe.c - join.h: one source into one or several destinations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap.h"
#include "main.h"
#include "trace.h"

struct fixture {
    struct test_heap heap;
    struct test_trace trace;
    cst_ctx *ctx;
    cst_stream *r, *w, *v;
};

static cst_stream *make(struct fixture *f, const char *name, const cst_ops *ops, size_t mark)
{
    cst_stream *s = NULL;
    const cst_opts opts = { .high_water_mark = mark };

    if (ops == &test_source_ops)
        assert_int_equal(cst_readable_new(&s, f->ctx, ops, NULL, &opts), CST_OK);
    else
        assert_int_equal(cst_writable_new(&s, f->ctx, ops, NULL, &opts), CST_OK);
    test_trace_listen(&f->trace, s, name);
    return s;
}

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .ctx = NULL };
    test_heap_init(&f.heap);
    assert_int_equal(cst_ctx_new(&f.ctx, test_heap_allocator(&f.heap), NULL), CST_OK);
    f.r = make(&f, "r", &test_source_ops, 16);
    f.w = make(&f, "w", &test_sink_ops, 4);
    f.v = make(&f, "v", &test_sink_ops, 64);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
    assert_int_equal(f->heap.live_blocks, 0);
    return 0;
}

static void answer(cst_stream *s, cst_status status)
{
    ((struct test_stage *)cst_stream_self(s))->answer = status;
}

static void run(struct fixture *f)
{
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE);
}

static void expect(struct fixture *f, const char *text)
{
    assert_string_equal(f->trace.text, text);
    test_trace_clear(&f->trace);
}

static void start(struct fixture *f, cst_stream *dest)
{
    assert_int_equal(cst_pipe(f->r, dest, NULL), CST_OK);
    run(f);
    test_trace_clear(&f->trace);
}

static void a_full_destination_pauses_the_source_until_its_drain(void **state)
{
    struct fixture *f = *state;

    answer(f->w, CST_PENDING);
    assert_int_equal(cst_pipe(f->r, f->w, NULL), CST_OK);
    expect(f, "w:pipe");
    run(f);
    expect(f, "r:resume");
    assert_int_equal(cst_push(f->r, cst_slice_str("abcd")), CST_OK);
    expect(f, "w:write:abcd r:pause");
    assert_int_equal(cst_push(f->r, cst_slice_str("efgh")), CST_OK);
    assert_int_equal(cst_readable_length(f->r), 4);
    run(f);
    expect(f, "");
    test_stage_finish(f->w, CST_OK);
    expect(f, "w:drain");
    run(f);
    expect(f, "r:resume w:write:efgh r:pause");
}

static void the_end_of_the_source_ends_the_destination(void **state)
{
    struct fixture *f = *state;

    start(f, f->w);
    cst_push(f->r, cst_slice_str("ab"));
    cst_push_eof(f->r);
    run(f);
    expect(f, "w:write:ab r:end w:final r:destroy w:finish w:unpipe w:destroy r:close w:close");
    assert_true(cst_writable_finished(f->w));
}

static void no_end_leaves_the_destination_open(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_pipe(f->r, f->w, &(cst_pipe_opts){ .no_end = true }), CST_OK);
    run(f);
    test_trace_clear(&f->trace);
    cst_push_eof(f->r);
    run(f);
    expect(f, "r:end r:pause w:unpipe r:destroy r:close");
    assert_true(cst_is_writable(f->w));
}

static void a_destination_that_stays_open_serves_one_source_after_the_other(void **state)
{
    struct fixture *f = *state;
    cst_stream *w, *r;

    assert_int_equal(
        cst_writable_new(&w, f->ctx, &test_sink_ops, NULL, &(cst_opts){ .no_pipe_end = true }),
        CST_OK);
    test_trace_listen(&f->trace, w, "o");
    start(f, w);
    cst_push(f->r, cst_slice_str("ab"));
    cst_push_eof(f->r);
    run(f);
    expect(f, "o:write:ab r:end r:pause o:unpipe r:destroy r:close");
    r = make(f, "s", &test_source_ops, 16);
    cst_push(r, cst_slice_str("cd"));
    cst_push_eof(r);
    assert_int_equal(cst_pipe(r, w, NULL), CST_OK);
    run(f);
    expect(f, "o:pipe s:resume o:write:cd s:end s:pause o:unpipe s:destroy s:close");
    cst_end(w, NULL, NULL); /* which is another matter */
    run(f);
    expect(f, "o:final o:finish o:destroy o:close");
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
    run(f);
    expect(f, "w:destroy r:pause w:unpipe w:error:CST_E_WRITE_AFTER_END w:close");
    assert_false(cst_is_writable(f->w));
    start(f, f->w); /* destroyed: its first chunk is lost, and the source waits for ever */
    cst_push(f->r, cst_slice_str("ab"));
    cst_push(f->r, cst_slice_str("cd"));
    run(f);
    expect(f, "r:pause");
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
    expect(f, "v:write:abcd w:write:abcd r:pause");
    cst_push(f->r, cst_slice_str("e"));
    run(f);
    expect(f, "");
    test_stage_finish(f->w, CST_OK);
    run(f);
    expect(f, "w:drain r:resume v:write:e w:write:e");
}

static void an_error_of_the_destination_unpipes_it_and_leaves_the_source(void **state)
{
    struct fixture *f = *state;

    start(f, f->w);
    assert_int_equal(cst_destroy(f->w, CST_USER(1)), CST_OK);
    run(f);
    expect(f, "w:destroy r:pause w:unpipe w:error:CST_USER w:close");
    assert_false(cst_is_destroyed(f->r));
}

static void an_error_of_the_source_leaves_the_destination_open(void **state)
{
    struct fixture *f = *state;

    start(f, f->w);
    assert_int_equal(cst_destroy(f->r, CST_USER(1)), CST_OK);
    run(f);
    expect(f, "r:destroy r:error:CST_USER r:close");
    assert_true(cst_is_writable(f->w));
}

static void a_chunk_that_does_not_fit_the_length_fails_the_destination(void **state)
{
    struct fixture *f = *state;

    answer(f->w, CST_PENDING);
    start(f, f->w);
    assert_int_equal(cst_push(f->r, cst_slice_str("a")), CST_OK);
    cst_push(f->r, cst_slice_static("", SIZE_MAX));
    test_stage_finish(f->w, CST_OK);
    run(f);
    expect(f, "w:write:a w:destroy r:pause w:unpipe w:error:CST_E_OUT_OF_RANGE w:close");
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
    expect(f, "v:unpipe");
    assert_int_equal(cst_unpipe(f->r, f->v), CST_EMPTY);
    assert_int_equal(cst_pipe(f->r, f->v, NULL), CST_OK);
    assert_int_equal(cst_unpipe(f->r, NULL), CST_OK);
    expect(f, "v:pipe r:pause w:unpipe v:unpipe");
}

static void two_pipes_to_one_destination_write_twice_and_go_one_by_one(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_pipe(f->r, f->v, NULL), CST_OK);
    start(f, f->v);
    cst_push(f->r, cst_slice_str("a"));
    expect(f, "v:write:a v:write:a");
    assert_int_equal(cst_unpipe(f->r, f->v), CST_OK);
    cst_push(f->r, cst_slice_str("b"));
    expect(f, "v:unpipe v:write:b");
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
    expect(f, "r:pause v:unpipe v:write:a");
    run(f);
    cst_push(f->r, cst_slice_str("b"));
    expect(f, "");
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
    run(f);
    expect(f, "w:write:ab r:end w:final r:destroy w:finish w:unpipe w:destroy r:close w:close");
    calls = f->heap.calls;
    f->r = make(f, "r", &test_source_ops, 16);
    f->w = make(f, "w", &test_sink_ops, 4);
    start(f, f->w);
#ifndef CST_NO_CACHE
    assert_int_equal(f->heap.calls, calls);
#else
    assert_true(f->heap.calls > calls);
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
    expect(f, "");
}

static void without_memory_nothing_is_connected(void **state)
{
    struct fixture *f = *state;

    test_heap_fail_at(&f->heap, 1);
    assert_int_equal(cst_pipe(f->r, f->w, NULL), CST_E_NOMEM);
    expect(f, "");
    assert_int_equal(cst_unpipe(f->r, f->w), CST_EMPTY);
    assert_int_equal(cst_pipe(f->r, f->w, NULL), CST_OK);
}

static void pass_one(struct fixture *f, cst_stream *last)
{
    cst_slice chunk;

    cst_push(f->r, cst_slice_static("x", 1));
    run(f);
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

        assert_int_equal(cst_passthrough_new(&stage, f->ctx, NULL), CST_OK);
        assert_int_equal(cst_pipe(last, stage, NULL), CST_OK);
        last = stage;
    }
    for (int i = 0; i < 100; i++)
        pass_one(f, last);
    calls = f->heap.calls;
    for (int i = 0; i < 10000; i++)
        pass_one(f, last);
    assert_int_equal(f->heap.calls, calls);
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
    run(f);
    assert_true(cst_readable_ended(s));
}

/* More tasks than the queue has room for: what is queued next is noted in the stream. */
static void pipes_made_after_the_end_all_end_though_the_queue_has_no_room(void **state)
{
    static cst_task tasks[200];
    struct fixture *f = *state;
    const cst_opts stays = { .no_auto_destroy = true };
    cst_stream *past, *other;

    assert_int_equal(cst_readable_new(&past, f->ctx, &test_source_ops, NULL, &stays), CST_OK);
    assert_int_equal(cst_readable_new(&other, f->ctx, &test_source_ops, NULL, &stays), CST_OK);
    test_trace_listen(&f->trace, past, "past");
    test_trace_listen(&f->trace, other, "other");
    end_at_once(f, past);
    assert_int_equal(cst_pipe(other, f->w, NULL), CST_OK);
    assert_int_equal(cst_pipe(other, f->v, NULL), CST_OK);
    assert_int_equal(cst_unpipe(other, NULL), CST_OK); /* their memory serves the next two */
    run(f);
    test_heap_fail_from(&f->heap, 1);
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        assert_int_equal(cst_defer(f->ctx, &tasks[i], do_nothing, NULL), CST_OK);
    assert_int_equal(cst_pipe(past, f->w, NULL), CST_OK);
    assert_int_equal(cst_pipe(past, f->v, NULL), CST_OK);
    test_heap_fail_never(&f->heap);
    run(f);
    assert_true(cst_writable_finished(f->w));
    assert_true(cst_writable_finished(f->v));
}

#endif

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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

/* test_writable.c - writable.h: the queue, its callbacks, cork, and the end. */
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
    cst_stream *w; /* a mark of 8 bytes */
    struct test_stage *stage;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .ctx = NULL };
    test_heap_init(&f.heap);
    assert_int_equal(cst_ctx_new(&f.ctx, test_heap_allocator(&f.heap), NULL), CST_OK);
    assert_int_equal(
        cst_writable_new(&f.w, f.ctx, &test_sink_ops, NULL, &(cst_opts){ .high_water_mark = 8 }),
        CST_OK);
    test_trace_listen(&f.trace, f.w, "w");
    f.stage = cst_stream_self(f.w);
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

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct test_stage *stage = cst_stream_self(s);

    test_trace_add(stage->trace, "%s:%s", (const char *)arg, cst_status_name(status));
}

static cst_status put(struct fixture *f, const char *text, const char *word)
{
    char *arg = (char *)(uintptr_t)word;

    return cst_write(f->w, cst_slice_str(text), word ? on_done : NULL, arg);
}

static char end_word[] = "end";

static void run(struct fixture *f)
{
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE);
}

static void expect(struct fixture *f, const char *text)
{
    assert_string_equal(f->trace.text, text);
    test_trace_clear(&f->trace);
}

static void write_past_the_mark_is_full_then_drains_once(void **state)
{
    struct fixture *f = *state;

    f->stage->answer = CST_PENDING;
    assert_int_equal(put(f, "abcd", "1"), CST_OK);
    assert_int_equal(put(f, "efgh", "2"), CST_FULL);
    assert_true(cst_writable_need_drain(f->w));
    assert_int_equal(cst_writable_length(f->w), 8);
    expect(f, "w:write:abcd");
    test_stage_finish(f->w, CST_OK);
    expect(f, "w:write:efgh 1:CST_OK");
    test_stage_finish(f->w, CST_OK);
    expect(f, "w:drain 2:CST_OK");
    run(f);
    expect(f, "");
}

static void a_write_answered_inside_its_slot_is_told_by_a_task(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(put(f, "a long chunk", "1"), CST_OK);
    expect(f, "w:write:a long chunk");
    run(f);
    expect(f, "1:CST_OK");
}

static void end_finishes_then_closes(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(put(f, "a", "1"), CST_OK);
    assert_int_equal(cst_end(f->w, on_done, end_word), CST_OK);
    assert_true(cst_writable_ended(f->w));
    expect(f, "w:write:a w:final");
    run(f);
    expect(f, "1:CST_OK end:CST_OK w:finish w:destroy w:close");
    assert_int_equal(cst_end(f->w, on_done, end_word), CST_E_ALREADY_FINISHED);
    run(f);
    expect(f, "end:CST_E_ALREADY_FINISHED");
}

static void a_write_after_end_fails_the_stream_and_its_callback_says_so(void **state)
{
    struct fixture *f = *state;

    cst_end(f->w, NULL, NULL);
    assert_int_equal(put(f, "x", "1"), CST_E_WRITE_AFTER_END);
    run(f);
    expect(
        f,
        "w:final w:destroy w:finish 1:CST_E_WRITE_AFTER_END w:error:CST_E_WRITE_AFTER_END w:close");
}

static void a_write_after_destroy_is_refused_without_an_error(void **state)
{
    struct fixture *f = *state;

    cst_destroy(f->w, CST_OK);
    assert_int_equal(put(f, "x", "1"), CST_E_DESTROYED);
    run(f);
    expect(f, "w:destroy w:close 1:CST_E_DESTROYED");
}

static void a_failed_write_fails_what_waits_and_the_end(void **state)
{
    struct fixture *f = *state;

    f->stage->answer = CST_PENDING;
    put(f, "a", "1");
    put(f, "b", "2");
    cst_end(f->w, on_done, end_word);
    test_stage_finish(f->w, CST_USER(5));
    expect(f, "w:write:a 1:CST_USER 2:CST_USER end:CST_USER w:destroy");
    run(f);
    expect(f, "w:error:CST_USER w:close");
}

static void corked_writes_wait_and_go_out_in_order(void **state)
{
    struct fixture *f = *state;

    cst_cork(f->w);
    cst_cork(f->w);
    put(f, "a", NULL);
    put(f, "b", "2");
    assert_int_equal(cst_writable_corked(f->w), 2);
    cst_uncork(f->w);
    expect(f, "");
    cst_uncork(f->w);
    expect(f, "w:write:a w:write:b");
    run(f);
    expect(f, "2:CST_OK");
}

static cst_status gather(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct test_stage *stage = self;

    (void)s;
    for (size_t i = 0; i < count; i++)
        test_trace_add(stage->trace, "%zu/%zu:%.*s", i + 1, count, (int)chunks[i].len,
                       (const char *)chunks[i].data);
    return CST_OK;
}

static void writev_gets_all_that_waits_at_once(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .writev = gather };
    struct fixture *f = *state;

    assert_int_equal(cst_writable_new(&f->w, f->ctx, &ops, NULL, NULL), CST_OK);
    test_trace_listen(&f->trace, f->w, "v");
    cst_cork(f->w);
    put(f, "a", "1");
    put(f, "b", NULL);
    put(f, "c", "3");
    cst_uncork(f->w);
    expect(f, "1/3:a 2/3:b 3/3:c");
    run(f);
    expect(f, "1:CST_OK 3:CST_OK");
    put(f, "d", NULL);
    expect(f, "1/1:d");
}

static cst_status gather_and_write_more(cst_stream *s, void *self, const cst_slice *chunks,
                                        size_t count)
{
    struct test_stage *stage = self;

    if (!stage->pending) {
        stage->pending = true;
        cst_write(s, cst_slice_str("late"), on_done, end_word);
    }
    return gather(s, self, chunks, count);
}

static void a_write_made_inside_writev_waits_its_turn(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .writev = gather_and_write_more };
    struct fixture *f = *state;

    assert_int_equal(cst_writable_new(&f->w, f->ctx, &ops, NULL, NULL), CST_OK);
    test_trace_listen(&f->trace, f->w, "v");
    cst_cork(f->w);
    put(f, "a", NULL);
    put(f, "b", NULL);
    cst_uncork(f->w);
    expect(f, "1/2:a 2/2:b 1/1:late");
    run(f);
    expect(f, "end:CST_OK");
}

static void a_second_answer_is_an_error_of_the_stage(void **state)
{
    struct fixture *f = *state;

    f->stage->answer = CST_PENDING;
    put(f, "a", NULL);
    test_stage_finish(f->w, CST_OK);
    test_stage_finish(f->w, CST_OK);
    run(f);
    expect(f, "w:write:a w:destroy w:error:CST_E_MULTIPLE_CALLBACK w:close");
    assert_string_equal(cst_errored(f->w)->stage, "sink");
}

static void lengths_that_do_not_fit_are_refused(void **state)
{
    struct fixture *f = *state;

    f->stage->answer = CST_PENDING;
    put(f, "a", NULL);
    assert_int_equal(cst_write(f->w, cst_slice_static("", SIZE_MAX), on_done, end_word),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_length(f->w), 1);
    test_stage_finish(f->w, CST_OK);
    run(f);
    expect(f, "w:write:a");
}

static void without_memory_a_write_is_refused_and_the_stream_stays_usable(void **state)
{
    struct fixture *f = *state;

    f->stage->answer = CST_PENDING;
    put(f, "a", NULL);
    test_heap_fail_from(&f->heap, 1);
    assert_int_equal(put(f, "b", "2"), CST_E_NOMEM);
    assert_int_equal(cst_end(f->w, on_done, end_word), CST_E_NOMEM);
    test_heap_fail_never(&f->heap);
    assert_int_equal(put(f, "c", "3"), CST_OK);
    test_stage_finish(f->w, CST_OK);
    test_stage_finish(f->w, CST_OK);
    expect(f, "w:write:a w:write:c 3:CST_OK");
}

static void wrong_streams_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_stream *r;

    assert_int_equal(cst_readable_new(&r, f->ctx, &test_source_ops, NULL, NULL), CST_OK);
    ((struct test_stage *)cst_stream_self(r))->trace = &f->trace;
    ((struct test_stage *)cst_stream_self(r))->name = "r";
    assert_int_equal(cst_write(NULL, cst_slice_empty(), NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_write(r, cst_slice_empty(), NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_write_copy(f->w, NULL, 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end(r, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_with(r, cst_slice_empty(), NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_cork(r), CST_E_INVALID_ARG);
    assert_int_equal(cst_uncork(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_length(r), 0);
    assert_false(cst_is_writable(r));
    assert_int_equal(cst_writable_new(&r, f->ctx, &test_source_ops, NULL, NULL), CST_E_INVALID_ARG);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(write_past_the_mark_is_full_then_drains_once),
    CASE(a_write_answered_inside_its_slot_is_told_by_a_task),
    CASE(end_finishes_then_closes),
    CASE(a_write_after_end_fails_the_stream_and_its_callback_says_so),
    CASE(a_write_after_destroy_is_refused_without_an_error),
    CASE(a_failed_write_fails_what_waits_and_the_end),
    CASE(corked_writes_wait_and_go_out_in_order),
    CASE(writev_gets_all_that_waits_at_once),
    CASE(a_write_made_inside_writev_waits_its_turn),
    CASE(a_second_answer_is_an_error_of_the_stage),
    CASE(lengths_that_do_not_fit_are_refused),
    CASE(without_memory_a_write_is_refused_and_the_stream_stays_usable),
    CASE(wrong_streams_are_refused),
};

TEST_MAIN(tests)

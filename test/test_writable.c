/* test_writable.c - writable.h: the queue, its callbacks, cork, and the end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hand.h"
#include "heap.h"
#include "main.h"

struct fixture {
    struct test_heap heap;
    struct test_trace trace;
    struct test_calls calls;
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

/* How many copies writev got, and whether each was whole. */
struct counted {
    size_t chunks;
    bool wrong;
};

static cst_status count_chunks(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct counted *counted = self;

    (void)s;
    for (size_t i = 0; i < count; i++) {
        size_t n = counted->chunks++;

        if (chunks[i].len != n % 80 || (n % 80 && chunks[i].data[n % 80 - 1] != (uint8_t)n))
            counted->wrong = true;
    }
    return CST_OK;
}

/* Lengths from 0 to 79: by the short way and by the others. */
static void cork_and_write_copies(cst_stream *w, size_t from, size_t count)
{
    uint8_t bytes[80];

    cst_cork(w);
    for (size_t n = from; n < from + count; n++) {
        memset(bytes, (int)(uint8_t)n, sizeof bytes);
        assert_true(cst_write_copy(w, bytes, n % 80, NULL, NULL) >= 0);
    }
    cst_uncork(w);
}

static void gathered_copies_are_whole_and_take_no_memory_in_steady_flow(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct counted), .writev = count_chunks };
    struct fixture *f = *state;
    const struct counted *counted;
    size_t calls = 0;

    assert_int_equal(cst_writable_new(&f->w, f->ctx, &ops, NULL, NULL), CST_OK);
    counted = cst_stream_self(f->w);
    for (size_t n = 0; n < 4000; n += 100) {
        cork_and_write_copies(f->w, n, 100);
        run(f);
        if (n == 400)
            calls = f->heap.calls;
    }
    assert_int_equal(counted->chunks, 4000);
    assert_false(counted->wrong);
#ifndef CST_NO_CACHE
    assert_int_equal(f->heap.calls, calls);
#else
    (void)calls;
#endif
}

static void the_array_of_an_uncommonly_long_queue_goes_back(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct counted), .writev = count_chunks };
    struct fixture *f = *state;
    size_t before;

    assert_int_equal(cst_writable_new(&f->w, f->ctx, &ops, NULL, NULL), CST_OK);
    cork_and_write_copies(f->w, 0, 2);
    run(f);
    before = f->heap.live_bytes;
    cst_cork(f->w);
    for (size_t n = 0; n < 20000; n++)
        assert_true(cst_write(f->w, cst_slice_str("x"), NULL, NULL) >= 0);
    assert_true(f->heap.live_bytes >= before + 20000 * sizeof(cst_slice));
    cst_uncork(f->w);
    run(f);
    assert_true(f->heap.live_bytes <= before + 4096);
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

/* What a late sink has to look at again. */
struct late_vector {
    const cst_slice *chunks;
    size_t count;
    cst_call call;
};

static cst_status look_later(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    *(struct late_vector *)self =
        (struct late_vector){ .chunks = chunks, .count = count, .call = cst_this_call(s) };
    return CST_PENDING;
}

/* Deep enough to write over whatever a call has left behind on the stack. */
static uint8_t write_over_the_stack(void)
{
    volatile uint8_t bytes[4096];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = 0xA5;
    return bytes[sizeof bytes / 2];
}

static void the_array_of_a_writev_is_kept_until_it_answers(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct late_vector), .writev = look_later };
    struct fixture *f = *state;
    struct late_vector *late;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, f->ctx, &ops, NULL, NULL), CST_OK);
    late = cst_stream_self(w);
    assert_int_equal(cst_write(w, cst_slice_str("one"), NULL, NULL), CST_OK);
    assert_int_equal(write_over_the_stack(), 0xA5);
    assert_int_equal(late->count, 1);
    assert_memory_equal(late->chunks[0].data, "one", 3);
    assert_int_equal(cst_write(w, cst_slice_str("two"), NULL, NULL), CST_OK);
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
    assert_int_equal(write_over_the_stack(), 0xA5);
    assert_int_equal(late->count, 1);
    assert_memory_equal(late->chunks[0].data, "two", 3);
    assert_int_equal(cst_write(w, cst_slice_str("three"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(w, cst_slice_str("four"), NULL, NULL), CST_OK);
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
    assert_int_equal(write_over_the_stack(), 0xA5);
    assert_int_equal(late->count, 2);
    assert_memory_equal(late->chunks[1].data, "four", 4);
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
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
                     CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_writable_length(f->w), 1);
    test_stage_finish(f->w, CST_OK);
    run(f);
    expect(f, "w:write:a");
}

static void messages_count_as_one_however_many_their_bytes(void **state)
{
    struct fixture *f = *state;
    const cst_opts opts = { .object_mode = true };
    const cst_slice huge = cst_slice_static("", SIZE_MAX - 1);

    assert_int_equal(cst_writable_new(&f->w, f->ctx, &test_sink_ops, NULL, &opts), CST_OK);
    test_trace_listen(&f->trace, f->w, "o");
    cst_cork(f->w);
    assert_int_equal(cst_write(f->w, huge, NULL, NULL), CST_OK);
    assert_int_equal(cst_write(f->w, huge, NULL, NULL), CST_OK);
    assert_int_equal(cst_writable_length(f->w), 2);
    cst_destroy(f->w, CST_OK);
    run(f);
    assert_int_equal(cst_writable_length(f->w), 0);
    expect(f, "o:destroy o:close");
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

/* --- a sink driven by hand -------------------------------------------------------------------- */

static const cst_ops hand_ops = { .name = "hand",
                                  .self_size = sizeof(struct test_hand),
                                  .write = test_hand_write,
                                  .destroy = test_hand_destroy };
static const cst_ops final_ops = { .self_size = sizeof(struct test_hand),
                                   .write = test_hand_write,
                                   .final = test_hand_final,
                                   .destroy = test_hand_destroy };
static const cst_ops writev_ops = { .self_size = sizeof(struct test_hand),
                                    .write = test_hand_write,
                                    .writev = test_hand_writev,
                                    .destroy = test_hand_destroy };
static const cst_ops construct_ops = { .self_size = sizeof(struct test_hand),
                                       .construct = test_hand_construct,
                                       .write = test_hand_write,
                                       .destroy = test_hand_destroy };

/* Replaces f->w by a stream of these slots, all of which answer with status; all events are recorded. */
static struct test_hand *drive(struct fixture *f, const cst_ops *ops, cst_status status,
                               const cst_opts *opts)
{
    struct test_hand hand = { .trace = &f->trace, .calls = &f->calls };

    cst_unref(f->w);
    for (int slot = 0; slot < TEST_DESTROY; slot++)
        hand.answers[slot] = status;
    assert_int_equal(cst_writable_new(&f->w, f->ctx, ops, &hand, opts), CST_OK);
    test_hand_listen_all(f->w);
    return cst_stream_self(f->w);
}

static const cst_opts mark_2 = { .high_water_mark = 2 };

/* Words that callbacks can be told apart by. */
static char one[] = "1", two[] = "2", three[] = "3", four[] = "4", five[] = "5";

static cst_status write_text(struct fixture *f, const char *text, char *word)
{
    return cst_write(f->w, cst_slice_str(text), test_hand_done, word);
}

static cst_status end_it(struct fixture *f, char *word)
{
    return cst_end(f->w, test_hand_done, word);
}

static void answer(struct fixture *f, cst_status status)
{
    test_hand_answer(&f->calls, status);
}

/* One task at a time, with a bar after each. */
static void run_in_steps(struct fixture *f)
{
    while (cst_ctx_run(f->ctx, &(cst_budget){ .tasks = 1 }) == CST_MORE)
        test_trace_add(&f->trace, "|");
}

static void tasks_come_one_after_another_in_the_order_of_node(void **state)
{
    struct fixture *f = *state;

    drive(f, &construct_ops, CST_OK, NULL);
    write_text(f, "a", one);
    end_it(f, three);
    run_in_steps(f);
    expect(f, "construct | write:a prefinish | 1 | 3 finish destroy | close");
}

static void writes_with_one_callback_share_a_task(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    for (int i = 0; i < 3; i++)
        write_text(f, "a", one);
    write_text(f, "b", two);
    write_text(f, "a", one);
    test_trace_clear(&f->trace);
    run_in_steps(f);
    expect(f, "1 1 1 | 2 | 1");
    end_it(f, three);
    run(f);
    expect(f, "prefinish 3 finish destroy close");
}

static void a_mark_of_zero_is_full_only_while_a_write_is_out(void **state)
{
    struct fixture *f = *state;
    const cst_opts opts = { .high_water_mark = CST_HWM_ZERO };

    drive(f, &hand_ops, CST_OK, &opts);
    assert_int_equal(cst_writable_high_water_mark(f->w), 0);
    assert_int_equal(write_text(f, "abc", one), CST_OK);
    run(f);
    expect(f, "write:abc 1");
    drive(f, &hand_ops, CST_PENDING, &opts);
    assert_int_equal(write_text(f, "abc", one), CST_FULL);
    answer(f, CST_OK);
    expect(f, "write:abc drain 1");
}

static void object_mode_counts_chunks(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_PENDING, &(cst_opts){ .object_mode = true, .high_water_mark = 2 });
    assert_true(cst_writable_object_mode(f->w));
    assert_int_equal(write_text(f, "abc", one), CST_OK);
    assert_int_equal(cst_writable_length(f->w), 1);
    assert_int_equal(write_text(f, "d", two), CST_FULL);
    assert_int_equal(cst_writable_length(f->w), 2);
    answer(f, CST_OK);
    answer(f, CST_OK);
    expect(f, "write:abc write:d 1 drain 2");
}

static void object_mode_without_callbacks_finishes_too(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, &(cst_opts){ .object_mode = true });
    cst_write(f->w, cst_slice_str("abc"), NULL, NULL);
    cst_write(f->w, cst_slice_str("d"), NULL, NULL);
    end_it(f, three);
    run(f);
    expect(f, "write:abc write:d prefinish 3 finish destroy close");
}

static void empty_chunks_complete_in_order(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_PENDING, NULL);
    write_text(f, "a", one);
    write_text(f, "", two);
    write_text(f, "b", three);
    for (int i = 0; i < 3; i++)
        answer(f, CST_OK);
    expect(f, "write:a write: 1 write:b 2 3");
}

static void writes_to_a_corked_stream_drain_as_one(void **state)
{
    struct fixture *f = *state;

    drive(f, &writev_ops, CST_OK, &mark_2);
    cst_cork(f->w);
    assert_int_equal(write_text(f, "a", one), CST_OK);
    assert_int_equal(write_text(f, "b", two), CST_FULL);
    assert_int_equal(write_text(f, "c", three), CST_FULL);
    cst_uncork(f->w);
    expect(f, "writev:a+b+c");
    run(f);
    expect(f, "drain 1 2 3");
    end_it(f, four);
    run(f);
    expect(f, "prefinish 4 finish destroy close");
}

/* Two writes without callbacks, as one batch. */
static void write_batch(struct fixture *f)
{
    cst_cork(f->w);
    cst_write(f->w, cst_slice_str("a"), NULL, NULL);
    cst_write(f->w, cst_slice_str("b"), NULL, NULL);
    cst_uncork(f->w);
}

static void a_batch_without_callbacks_drains_where_it_was_past_the_mark(void **state)
{
    struct fixture *f = *state;

    drive(f, &writev_ops, CST_OK, &(cst_opts){ .high_water_mark = 3 });
    write_batch(f);
    assert_int_equal(cst_writable_length(f->w), 0);
    run(f);
    expect(f, "writev:a+b");
    drive(f, &writev_ops, CST_OK, &mark_2);
    write_batch(f);
    assert_int_equal(cst_writable_length(f->w), 0);
    run(f);
    expect(f, "writev:a+b drain");
}

static void add_task_word(void *arg)
{
    test_trace_add(arg, "task");
}

/* A slip of Node's: in object mode a task follows each write, and 'finish' waits for it. */
static void after_a_batch_of_objects_finish_is_a_task_later(void **state)
{
    struct fixture *f = *state;
    cst_task task = { .arg = NULL };

    drive(f, &writev_ops, CST_OK, NULL);
    write_batch(f);
    cst_end(f->w, NULL, NULL);
    cst_defer(f->ctx, &task, add_task_word, &f->trace);
    run(f);
    expect(f, "writev:a+b prefinish finish destroy task close");
    drive(f, &writev_ops, CST_OK, &(cst_opts){ .object_mode = true });
    write_batch(f);
    cst_end(f->w, NULL, NULL);
    cst_defer(f->ctx, &task, add_task_word, &f->trace);
    run(f);
    expect(f, "writev:a+b prefinish task finish destroy close");
}

static void end_inside(cst_stream *s, const char *word, void *arg)
{
    (void)arg;
    if (strcmp(word, "writev:a+b") == 0)
        cst_end(s, NULL, NULL);
}

/* Node looks whether it may finish while the batch still counts as its queue, and never again. */
static void a_stream_that_is_ended_inside_writev_does_not_finish(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, &writev_ops, CST_OK, NULL);

    hand->act = end_inside;
    write_batch(f);
    run(f);
    expect(f, "writev:a+b");
    assert_true(cst_writable_ended(f->w));
}

static void uncork_inside_read(cst_stream *s, const char *word, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    if (strcmp(word, "read") == 0)
        write_batch(f);
}

static void a_batch_that_goes_out_inside_read_may_be_answered_late(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_hand),
                                 .read = test_hand_read,
                                 .writev = test_hand_writev };
    struct fixture *f = *state;
    struct test_hand *hand;

    assert_int_equal(cst_duplex_new(&f->w, f->ctx, &ops, NULL, NULL), CST_OK);
    hand = cst_stream_self(f->w);
    *hand = (struct test_hand){ .trace = &f->trace,
                                .calls = &f->calls,
                                .answers = { [TEST_WRITE] = CST_PENDING },
                                .act = uncork_inside_read,
                                .act_arg = f };
    cst_resume(f->w);
    run(f);
    expect(f, "read writev:a+b");
    assert_int_equal(cst_writable_length(f->w), 2);
    answer(f, CST_OK);
    run(f);
    assert_int_equal(cst_writable_length(f->w), 0);
}

/* Answers, writes "b", whose slot does not answer, and answers that too. */
static void answer_twice_inside(cst_stream *s, const char *word, void *arg)
{
    struct test_calls *calls = arg;

    if (strcmp(word, "write:a") != 0 && strcmp(word, "writev:a+a") != 0)
        return;
    assert_int_equal(cst_complete(cst_this_call(s), CST_OK), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("b"), NULL, NULL), CST_OK);
    assert_int_equal(cst_writable_length(s), 1);
    assert_int_equal(cst_complete(cst_this_call(s), CST_OK), CST_OK);
    assert_int_equal(cst_writable_length(s), 0);
    calls->pending = 0;
}

static void expect_that_no_slot_runs(struct fixture *f)
{
    assert_int_equal(cst_complete(cst_this_call(f->w), CST_OK), CST_E_INVALID_ARG);
}

/* A slot that was called for a write without a callback, for a batch, and by a completion. */
static void a_slot_that_has_answered_still_names_the_call_that_runs(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_hand),
                                 .write = test_hand_write,
                                 .writev = test_hand_writev };
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, &ops, CST_OK, NULL);

    hand->act = answer_twice_inside;
    hand->act_arg = &f->calls;
    cst_write(f->w, cst_slice_str("0"), NULL, NULL);
    hand->answers[TEST_WRITE] = CST_PENDING;
    cst_write(f->w, cst_slice_str("a"), NULL, NULL);
    expect(f, "write:0 write:a write:b");
    expect_that_no_slot_runs(f);
    cst_cork(f->w);
    cst_write(f->w, cst_slice_str("a"), NULL, NULL);
    cst_write(f->w, cst_slice_str("a"), NULL, NULL);
    cst_uncork(f->w);
    expect(f, "writev:a+a write:b");
    expect_that_no_slot_runs(f);
    cst_write(f->w, cst_slice_str("0"), NULL, NULL);
    cst_write(f->w, cst_slice_str("a"), NULL, NULL);
    answer(f, CST_OK);
    expect(f, "write:0 write:a write:b");
    expect_that_no_slot_runs(f);
    assert_int_equal(cst_writable_length(f->w), 0);
}

static void a_failed_writev_fails_its_batch_then_what_waits(void **state)
{
    struct fixture *f = *state;

    drive(f, &writev_ops, CST_PENDING, NULL);
    cst_cork(f->w);
    write_text(f, "a", one);
    write_text(f, "b", two);
    cst_uncork(f->w);
    write_text(f, "c", three);
    write_text(f, "d", four);
    end_it(f, five);
    expect(f, "writev:a+b");
    answer(f, CST_OK);
    expect(f, "writev:c+d 1 2");
    answer(f, CST_USER(1));
    expect(f, "3:USER 4:USER 5:USER destroy:USER");
    run(f);
    expect(f, "error:USER close");
}

static void count_release(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    ++*(size_t *)arg;
}

static void write_watched(struct fixture *f, size_t *releases)
{
    cst_slice chunk;

    assert_int_equal(
        cst_slice_foreign(&chunk, test_heap_allocator(&f->heap), "abc", 3, count_release, releases),
        CST_OK);
    assert_int_equal(cst_write(f->w, chunk, NULL, NULL), CST_OK);
}

static void the_bytes_of_a_late_write_stay_until_its_answer(void **state)
{
    struct fixture *f = *state;
    size_t releases = 0;

    drive(f, &writev_ops, CST_PENDING, NULL);
    write_watched(f, &releases);
    assert_int_equal(releases, 0);
    answer(f, CST_OK);
    assert_int_equal(releases, 1);
    cst_cork(f->w);
    write_watched(f, &releases);
    write_watched(f, &releases);
    cst_uncork(f->w);
    expect(f, "write:abc writev:abc+abc");
    assert_int_equal(releases, 1);
    answer(f, CST_OK);
    assert_int_equal(releases, 3);
}

static void end_undoes_every_cork(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_PENDING, NULL);
    cst_cork(f->w);
    cst_cork(f->w);
    write_text(f, "a", one);
    assert_int_equal(cst_end_with(f->w, cst_slice_str("b"), test_hand_done, three), CST_OK);
    assert_int_equal(cst_writable_corked(f->w), 0);
    answer(f, CST_OK);
    answer(f, CST_OK);
    expect(f, "write:a write:b 1 prefinish");
    run(f);
    expect(f, "3 finish destroy close");
}

static void an_end_may_write_a_copy(void **state)
{
    struct fixture *f = *state;
    char bytes[] = "ab";

    drive(f, &hand_ops, CST_PENDING, NULL);
    write_text(f, "x", one);
    assert_int_equal(cst_end_copy(f->w, NULL, 1, test_hand_done, two), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_copy(f->w, bytes, 2, test_hand_done, two), CST_OK);
    bytes[0] = 'y';
    answer(f, CST_OK);
    answer(f, CST_OK);
    expect(f, "write:x write:ab 1 prefinish");
    run(f);
    expect(f, "2 finish destroy close");
}

static void an_uncork_too_many_is_fine(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    assert_int_equal(cst_uncork(f->w), CST_OK);
    assert_int_equal(cst_writable_corked(f->w), 0);
    assert_int_equal(write_text(f, "a", one), CST_OK);
    expect(f, "write:a");
}

/* --- failures --------------------------------------------------------------------------------- */

static void a_write_that_fails_inside_its_slot_is_seen_at_once_and_told_by_a_task(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_USER(1), NULL);
    assert_int_equal(write_text(f, "a", one), CST_FULL);
    assert_int_equal(cst_errored(f->w)->status, CST_USER(1));
    assert_int_equal(cst_errored(f->w)->direction, CST_WRITING);
    assert_string_equal(cst_errored(f->w)->stage, "hand");
    assert_false(cst_is_destroyed(f->w));
    assert_false(cst_is_writable(f->w));
    expect(f, "write:a");
    run(f);
    expect(f, "1:USER destroy:USER error:USER close");
}

static void a_failure_while_uncorking_fails_each_and_the_end(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_USER(1), NULL);
    cst_cork(f->w);
    write_text(f, "a", one);
    write_text(f, "b", two);
    write_text(f, "c", three);
    assert_int_equal(end_it(f, four), CST_OK);
    assert_false(cst_is_destroyed(f->w));
    expect(f, "write:a write:b write:c");
    run(f);
    expect(f, "1:USER destroy:USER 2:USER 3:USER 4:USER error:USER close");
}

static void destroy_waits_for_the_write_that_is_out(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_PENDING, NULL);
    write_text(f, "a", one);
    write_text(f, "b", two);
    end_it(f, four);
    cst_destroy(f->w, CST_OK);
    run(f);
    expect(f, "write:a destroy close");
    answer(f, CST_OK);
    expect(f, "1 2:DESTROYED 4:DESTROYED");
}

static void destroy_with_an_error_gives_it_to_what_waits(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_PENDING, NULL);
    write_text(f, "a", one);
    write_text(f, "b", two);
    end_it(f, four);
    cst_destroy(f->w, CST_USER(1));
    run(f);
    expect(f, "write:a destroy:USER error:USER close");
    answer(f, CST_OK);
    expect(f, "1 2:USER 4:USER");
    run(f);
    expect(f, "");
}

static void a_second_answer_after_a_failure_changes_nothing(void **state)
{
    struct fixture *f = *state;
    cst_call call;

    drive(f, &hand_ops, CST_PENDING, NULL);
    write_text(f, "a", one);
    call = f->calls.list[0];
    cst_ref(f->w);
    answer(f, CST_USER(1));
    assert_int_equal(cst_complete(call, CST_OK), CST_OK);
    run(f);
    expect(f, "write:a 1:USER destroy:USER error:USER close");
    cst_unref(f->w);
}

static void without_auto_destroy_a_late_failure_is_said_at_once(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_PENDING, &(cst_opts){ .no_auto_destroy = true });
    write_text(f, "a", one);
    write_text(f, "b", two);
    answer(f, CST_USER(1));
    expect(f, "write:a 1:USER 2:USER error:USER");
    run(f);
    assert_false(cst_is_destroyed(f->w));
    assert_int_equal(write_text(f, "c", three), CST_FULL);
    run(f);
    expect(f, "");
    cst_destroy(f->w, CST_OK);
    run(f);
    expect(f, "destroy 3:USER close");
}

static void without_auto_destroy_finish_leaves_it_open_and_late_writes_are_errors(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, &(cst_opts){ .no_auto_destroy = true });
    end_it(f, three);
    run(f);
    expect(f, "prefinish 3 finish");
    assert_int_equal(write_text(f, "x", one), CST_E_WRITE_AFTER_END);
    run(f);
    expect(f, "1:WRITE_AFTER_END error:WRITE_AFTER_END");
    assert_false(cst_is_destroyed(f->w));
}

static void without_emit_close_finish_is_the_last_word(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, &(cst_opts){ .no_emit_close = true });
    end_it(f, three);
    run(f);
    expect(f, "prefinish 3 finish destroy");
    assert_true(cst_is_closed(f->w));
}

/* --- the end ---------------------------------------------------------------------------------- */

static void finish_waits_for_a_late_final(void **state)
{
    struct fixture *f = *state;

    drive(f, &final_ops, CST_PENDING, NULL);
    end_it(f, three);
    run(f);
    expect(f, "final");
    answer(f, CST_OK);
    expect(f, "prefinish");
    assert_false(cst_writable_finished(f->w));
    run(f);
    expect(f, "3 finish destroy close");
    assert_true(cst_writable_finished(f->w));
}

static void a_final_that_fails_inside_end_is_told_last(void **state)
{
    struct fixture *f = *state;

    drive(f, &final_ops, CST_USER(1), NULL);
    end_it(f, three);
    expect(f, "final destroy:USER");
    run(f);
    expect(f, "error:USER close 3:USER");
}

static void a_final_that_fails_late_is_told_first(void **state)
{
    struct fixture *f = *state;

    drive(f, &final_ops, CST_PENDING, NULL);
    end_it(f, three);
    answer(f, CST_USER(1));
    expect(f, "final 3:USER destroy:USER");
    run(f);
    expect(f, "error:USER close");
}

static void a_final_that_answers_twice_is_an_error(void **state)
{
    struct fixture *f = *state;
    cst_call call;

    drive(f, &final_ops, CST_PENDING, NULL);
    end_it(f, three);
    call = f->calls.list[0];
    answer(f, CST_OK);
    assert_int_equal(cst_complete(call, CST_OK), CST_OK);
    expect(f, "final prefinish destroy:MULTIPLE_CALLBACK");
    run(f);
    expect(f, "3 finish error:MULTIPLE_CALLBACK close");
}

static void each_end_before_finish_is_told(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    assert_int_equal(end_it(f, three), CST_OK);
    assert_int_equal(end_it(f, four), CST_OK);
    run(f);
    expect(f, "prefinish 3 4 finish destroy close");
    assert_int_equal(end_it(f, five), CST_E_ALREADY_FINISHED);
    run(f);
    expect(f, "5:ALREADY_FINISHED");
}

static void an_end_with_a_chunk_after_end_is_a_write_after_end(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    end_it(f, three);
    end_it(f, four);
    assert_int_equal(cst_end_with(f->w, cst_slice_str("x"), test_hand_done, five),
                     CST_E_WRITE_AFTER_END);
    expect(f, "prefinish destroy:WRITE_AFTER_END");
    run(f);
    expect(f, "3:WRITE_AFTER_END 4:WRITE_AFTER_END error:WRITE_AFTER_END close 5:WRITE_AFTER_END");
}

static void an_end_with_a_chunk_after_destroy_is_refused(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    cst_destroy(f->w, CST_OK);
    assert_int_equal(cst_end_with(f->w, cst_slice_str("x"), test_hand_done, three),
                     CST_E_DESTROYED);
    run(f);
    expect(f, "destroy close 3:DESTROYED");
}

static void an_end_after_destroy_with_an_error_is_refused(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    cst_destroy(f->w, CST_USER(1));
    assert_int_equal(end_it(f, three), CST_E_DESTROYED);
    run(f);
    expect(f, "destroy:USER error:USER close 3:DESTROYED");
}

static void an_end_after_destroy_is_told_at_the_latest_when_the_stream_goes(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    cst_destroy(f->w, CST_OK);
    end_it(f, three);
    run(f);
    cst_unref(f->w);
    f->w = NULL;
    expect(f, "destroy close 3:DESTROYED");
}

static void a_destroy_right_after_end_takes_finish_away_unless_final_has_answered(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    end_it(f, three);
    cst_destroy(f->w, CST_OK);
    run(f);
    expect(f, "prefinish destroy 3:DESTROYED close");
    drive(f, &final_ops, CST_OK, NULL);
    end_it(f, three);
    cst_destroy(f->w, CST_OK);
    run(f);
    expect(f, "final prefinish destroy 3 finish close");
}

/* --- construct -------------------------------------------------------------------------------- */

static void writes_wait_for_construct(void **state)
{
    struct fixture *f = *state;

    drive(f, &construct_ops, CST_PENDING, NULL);
    write_text(f, "a", one);
    write_text(f, "b", two);
    end_it(f, four);
    run(f);
    expect(f, "construct");
    answer(f, CST_OK);
    run(f);
    expect(f, "write:a");
    answer(f, CST_USER(1));
    expect(f, "1:USER 2:USER 4:USER destroy:USER");
    run(f);
    expect(f, "error:USER close");
}

static void a_construct_that_fails_fails_what_waits(void **state)
{
    struct fixture *f = *state;

    drive(f, &construct_ops, CST_USER(1), NULL);
    write_text(f, "a", one);
    end_it(f, three);
    run(f);
    expect(f, "construct destroy:USER 1:USER 3:USER error:USER close");
}

static void a_destroy_under_construction_tells_the_callbacks_and_waits(void **state)
{
    struct fixture *f = *state;

    drive(f, &construct_ops, CST_PENDING, NULL);
    write_text(f, "a", one);
    end_it(f, three);
    run(f);
    cst_destroy(f->w, CST_USER(1));
    run(f);
    expect(f, "construct 1:USER 3:USER");
    answer(f, CST_OK);
    run(f);
    expect(f, "destroy:USER error:USER close");
}

static void a_construct_that_answers_twice_is_an_error(void **state)
{
    struct fixture *f = *state;
    cst_call call;

    drive(f, &construct_ops, CST_PENDING, NULL);
    run(f);
    call = f->calls.list[0];
    answer(f, CST_OK);
    assert_int_equal(cst_complete(call, CST_OK), CST_OK);
    run(f);
    expect(f, "construct destroy:MULTIPLE_CALLBACK error:MULTIPLE_CALLBACK close");
}

/* --- at the door ------------------------------------------------------------------------------ */

static void the_lengths_of_what_waits_cannot_overflow(void **state)
{
    struct fixture *f = *state;
    cst_slice huge = cst_slice_static("x", SIZE_MAX - 1);

    drive(f, &hand_ops, CST_OK, NULL);
    cst_cork(f->w);
    assert_int_equal(cst_write(f->w, huge, NULL, NULL), CST_FULL);
    assert_int_equal(cst_write(f->w, huge, test_hand_done, one), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_end_with(f->w, huge, test_hand_done, two), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_writable_length(f->w), SIZE_MAX - 1);
    assert_false(cst_writable_ended(f->w));
    assert_int_equal(write_text(f, "y", three), CST_FULL);
    cst_destroy(f->w, CST_OK);
    run(f);
    expect(f, "destroy 3:DESTROYED close");
}

static void without_memory_for_a_copy_or_an_end_nothing_has_changed(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_OK, NULL);
    test_heap_fail_from(&f->heap, 1);
    assert_int_equal(cst_write_copy(f->w, "a", 1, test_hand_done, one), CST_E_NOMEM);
    assert_int_equal(write_text(f, "a", one), CST_E_NOMEM);
    assert_int_equal(cst_end_with(f->w, cst_slice_str("a"), test_hand_done, one), CST_E_NOMEM);
    assert_int_equal(cst_end_copy(f->w, "a", 1, NULL, NULL), CST_E_NOMEM);
    cst_cork(f->w);
    assert_int_equal(cst_write(f->w, cst_slice_str("a"), NULL, NULL), CST_E_NOMEM);
    assert_int_equal(cst_end_with(f->w, cst_slice_str("a"), NULL, NULL), CST_E_NOMEM);
    test_heap_fail_never(&f->heap);
    assert_int_equal(cst_writable_length(f->w), 0);
    assert_int_equal(cst_writable_corked(f->w), 1);
    assert_false(cst_writable_ended(f->w));
    assert_int_equal(cst_uncork(f->w), CST_OK);
    assert_int_equal(write_text(f, "b", one), CST_OK);
    assert_int_equal(end_it(f, two), CST_OK);
    run(f);
    expect(f, "write:b prefinish 1 2 finish destroy close");
}

static void writers_are_refused_where_there_is_no_writable_side(void **state)
{
    static const cst_ops ops = { .name = "" };
    struct fixture *f = *state;
    cst_stream *r;

    assert_int_equal(cst_readable_new(&r, f->ctx, &ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_write_copy(r, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_write_copy(NULL, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end(NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_with(NULL, cst_slice_empty(), NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_copy(NULL, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_copy(r, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_cork(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_uncork(r), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(&r, f->ctx, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(&r, NULL, &hand_ops, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(NULL, f->ctx, &hand_ops, NULL, NULL), CST_E_INVALID_ARG);
}

static void expect_no_writable_side(const cst_stream *s)
{
    assert_int_equal(cst_writable_length(s), 0);
    assert_int_equal(cst_writable_high_water_mark(s), 0);
    assert_false(cst_writable_object_mode(s));
    assert_false(cst_writable_need_drain(s));
    assert_int_equal(cst_writable_corked(s), 0);
    assert_false(cst_writable_ended(s));
    assert_false(cst_writable_finished(s));
    assert_false(cst_writable_aborted(s));
    assert_false(cst_is_writable(s));
}

static void the_state_of_a_side_that_is_not_there_is_nothing(void **state)
{
    static const cst_ops ops = { .name = "" };
    struct fixture *f = *state;
    cst_stream *r;

    assert_int_equal(cst_readable_new(&r, f->ctx, &ops, NULL, NULL), CST_OK);
    expect_no_writable_side(r);
    expect_no_writable_side(NULL);
}

static void the_state_follows_the_life(void **state)
{
    struct fixture *f = *state;

    drive(f, &hand_ops, CST_PENDING, &mark_2);
    assert_true(cst_is_writable(f->w));
    assert_int_equal(cst_writable_high_water_mark(f->w), 2);
    write_text(f, "abc", one);
    assert_true(cst_writable_need_drain(f->w));
    end_it(f, two);
    assert_false(cst_writable_need_drain(f->w));
    assert_true(cst_writable_ended(f->w));
    assert_false(cst_is_writable(f->w));
    assert_false(cst_writable_aborted(f->w));
    answer(f, CST_OK);
    assert_false(cst_writable_finished(f->w));
    run(f);
    assert_true(cst_writable_finished(f->w));
    assert_false(cst_writable_aborted(f->w));
    drive(f, &hand_ops, CST_OK, NULL);
    cst_destroy(f->w, CST_OK);
    assert_true(cst_writable_aborted(f->w));
    assert_false(cst_is_writable(f->w));
}

/* --- what is owed ----------------------------------------------------------------------------- */

static void count_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    (void)status;
    ++*(size_t *)arg;
}

static void a_context_that_goes_calls_what_a_silent_slot_still_owes(void **state)
{
    struct fixture *f = *state;
    size_t calls[4] = { 0 };

    drive(f, &hand_ops, CST_PENDING, NULL);
    cst_write_copy(f->w, "a", 1, count_done, &calls[0]);
    cst_write_copy(f->w, "b", 1, count_done, &calls[1]);
    cst_end_with(f->w, cst_slice_str("c"), count_done, &calls[2]);
    cst_destroy(f->w, CST_OK);
    assert_int_equal(cst_write(f->w, cst_slice_str("d"), count_done, &calls[3]),
                     CST_E_WRITE_AFTER_END);
    assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(calls[i], 1);
    assert_int_equal(f->heap.live_blocks, 0);
    assert_int_equal(cst_ctx_new(&f->ctx, test_heap_allocator(&f->heap), NULL), CST_OK);
}

#ifndef CST_NO_CACHE
static void write_steadily(struct fixture *f, size_t count, size_t *done)
{
    for (size_t i = 0; i < count; i++) {
        cst_buf buf;

        assert_int_equal(cst_buf_new_cached(&buf, f->ctx, 1024), CST_OK);
        assert_true(cst_write(f->w, cst_buf_freeze(&buf, 1024), count_done, done) >= 0);
        if (i % 3 != 2)
            continue;
        while (f->calls.pending)
            answer(f, CST_OK);
        run(f);
        test_trace_clear(&f->trace);
    }
}

static void steady_writes_allocate_nothing_whether_answered_at_once_or_late(void **state)
{
    static const cst_status answers[] = { CST_OK, CST_PENDING };
    struct fixture *f = *state;
    size_t done, calls;

    for (size_t i = 0; i < 2; i++) {
        drive(f, &hand_ops, answers[i], NULL);
        done = 0;
        write_steadily(f, 99, &done);
        calls = f->heap.calls;
        write_steadily(f, 9999, &done);
        assert_int_equal(done, 99 + 9999);
        assert_int_equal(f->heap.calls, calls);
    }
}
#endif

/* --- from inside ------------------------------------------------------------------------------ */

/* In a mode, when a place is first reached, an action: three words. Traces were recorded from Node 26.10.0. */
struct cell {
    const char *what, *trace;
};

static const struct cell cells[] = {
    { "sync write destroy", "write:a destroy close 1 2:DESTROYED |" },
    { "sync write gone", "write:a destroy close 1" },
    { "sync write fail", "write:a destroy:USER error:USER close 1 2:DESTROYED | 3:DESTROYED" },
    { "sync write write",
      "write:a write=false write:x write:bc drain x 1 2 | final prefinish 3 finish destroy close" },
    { "sync write end", "write:a destroy:WRITE_AFTER_END 1 y:WRITE_AFTER_END 2:WRITE_AFTER_END "
                        "error:WRITE_AFTER_END close | 3:DESTROYED" },
    { "sync 1 destroy", "write:a write:bc 1 destroy 2 close |" },
    { "sync 1 gone", "write:a write:bc 1 destroy 2 close" },
    { "sync 1 fail", "write:a write:bc 1 destroy:USER 2 error:USER close | 3:DESTROYED" },
    { "sync 1 write",
      "write:a write:bc 1 write:x write=true 2 x | final prefinish 3 finish destroy close" },
    { "sync 1 end",
      "write:a write:bc 1 final prefinish 2 y finish destroy close | 3:ALREADY_FINISHED" },
    { "sync 2 destroy", "write:a write:bc 1 2 destroy close |" },
    { "sync 2 gone", "write:a write:bc 1 2 destroy close" },
    { "sync 2 fail", "write:a write:bc 1 2 destroy:USER error:USER close | 3:DESTROYED" },
    { "sync 2 write",
      "write:a write:bc 1 2 write:x write=true x | final prefinish 3 finish destroy close" },
    { "sync 2 end",
      "write:a write:bc 1 2 final prefinish y finish destroy close | 3:ALREADY_FINISHED" },
    { "sync 3 destroy", "write:a write:bc 1 2 | final prefinish 3 destroy finish close" },
    { "sync 3 gone", "write:a write:bc 1 2 | final prefinish 3 destroy finish close" },
    { "sync 3 fail",
      "write:a write:bc 1 2 | final prefinish 3 destroy:USER finish error:USER close" },
    { "sync 3 write", "write:a write:bc 1 2 | final prefinish 3 destroy:WRITE_AFTER_END "
                      "write=false finish x:WRITE_AFTER_END error:WRITE_AFTER_END close" },
    { "sync 3 end",
      "write:a write:bc 1 2 | final prefinish 3 finish destroy y:ALREADY_FINISHED close" },
    { "sync final destroy", "write:a write:bc 1 2 | final destroy close" },
    { "sync final gone", "write:a write:bc 1 2 | final destroy close" },
    { "sync final fail", "write:a write:bc 1 2 | final destroy:USER error:USER close 3:USER" },
    { "sync final write", "write:a write:bc 1 2 | final destroy:WRITE_AFTER_END write=false "
                          "x:WRITE_AFTER_END error:WRITE_AFTER_END close 3:WRITE_AFTER_END" },
    { "sync final end", "write:a write:bc 1 2 | final prefinish y 3 finish destroy close" },
    { "sync prefinish destroy", "write:a write:bc 1 2 | final prefinish destroy close 3 finish" },
    { "sync prefinish gone", "write:a write:bc 1 2 | final prefinish destroy close 3 finish" },
    { "sync prefinish fail",
      "write:a write:bc 1 2 | final prefinish destroy:USER error:USER close finish 3:USER" },
    { "sync prefinish write",
      "write:a write:bc 1 2 | final prefinish destroy:WRITE_AFTER_END write=false "
      "x:WRITE_AFTER_END error:WRITE_AFTER_END close finish 3:WRITE_AFTER_END" },
    { "sync prefinish end", "write:a write:bc 1 2 | final prefinish y 3 finish destroy close" },
    { "sync finish destroy", "write:a write:bc 1 2 | final prefinish 3 finish destroy close" },
    { "sync finish gone", "write:a write:bc 1 2 | final prefinish 3 finish destroy close" },
    { "sync finish fail",
      "write:a write:bc 1 2 | final prefinish 3 finish destroy:USER error:USER close" },
    { "sync finish write",
      "write:a write:bc 1 2 | final prefinish 3 finish destroy:WRITE_AFTER_END write=false "
      "x:WRITE_AFTER_END error:WRITE_AFTER_END close" },
    { "sync finish end",
      "write:a write:bc 1 2 | final prefinish 3 finish destroy y:ALREADY_FINISHED close" },
    { "sync destroy destroy", "write:a write:bc 1 2 | final prefinish 3 finish destroy close" },
    { "sync destroy gone", "write:a write:bc 1 2 | final prefinish 3 finish destroy close" },
    { "sync destroy fail", "write:a write:bc 1 2 | final prefinish 3 finish destroy close" },
    { "sync destroy write", "write:a write:bc 1 2 | final prefinish 3 finish destroy write=false "
                            "x:WRITE_AFTER_END close" },
    { "sync destroy end",
      "write:a write:bc 1 2 | final prefinish 3 finish destroy y:ALREADY_FINISHED close" },
    { "sync close destroy", "write:a write:bc 1 2 | final prefinish 3 finish destroy close" },
    { "sync close gone", "write:a write:bc 1 2 | final prefinish 3 finish destroy close" },
    { "sync close fail", "write:a write:bc 1 2 | final prefinish 3 finish destroy close" },
    { "sync close write", "write:a write:bc 1 2 | final prefinish 3 finish destroy close "
                          "write=false x:WRITE_AFTER_END" },
    { "sync close end",
      "write:a write:bc 1 2 | final prefinish 3 finish destroy close y:ALREADY_FINISHED" },
    { "late write destroy", "write:a destroy close 2:DESTROYED | 1 |" },
    { "late write gone", "write:a destroy close | 1" },
    { "late write fail", "write:a destroy:USER error:USER close 2:DESTROYED | 1 | 3:DESTROYED" },
    { "late write write", "write:a write=false | write:x 1 | write:bc x | drain 2 | final | "
                          "prefinish 3 finish destroy close" },
    { "late write end", "write:a destroy:WRITE_AFTER_END 2:WRITE_AFTER_END error:WRITE_AFTER_END "
                        "close | 1 y:WRITE_AFTER_END | 3:DESTROYED" },
    { "late 1 destroy", "write:a | write:bc 1 destroy close | 2 |" },
    { "late 1 gone", "write:a | write:bc 1 destroy close | 2" },
    { "late 1 fail", "write:a | write:bc 1 destroy:USER error:USER close | 2 | 3:DESTROYED" },
    { "late 1 write", "write:a | write:bc 1 write=false | write:x 2 | drain x | final | prefinish "
                      "3 finish destroy close" },
    { "late 1 end",
      "write:a | write:bc 1 | 2 final | prefinish y finish destroy close | 3:ALREADY_FINISHED" },
    { "late 2 destroy", "write:a | write:bc 1 | drain 2 destroy close |" },
    { "late 2 gone", "write:a | write:bc 1 | drain 2 destroy close" },
    { "late 2 fail", "write:a | write:bc 1 | drain 2 destroy:USER error:USER close | 3:DESTROYED" },
    { "late 2 write", "write:a | write:bc 1 | drain 2 write:x write=true | x | final | prefinish 3 "
                      "finish destroy close" },
    { "late 2 end", "write:a | write:bc 1 | drain 2 final | prefinish y finish destroy close | "
                    "3:ALREADY_FINISHED" },
    { "late 3 destroy",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 destroy finish close" },
    { "late 3 gone", "write:a | write:bc 1 | drain 2 | final | prefinish 3 destroy finish close" },
    { "late 3 fail",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 destroy:USER finish error:USER close" },
    { "late 3 write",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 destroy:WRITE_AFTER_END write=false "
      "finish x:WRITE_AFTER_END error:WRITE_AFTER_END close" },
    { "late 3 end", "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy "
                    "y:ALREADY_FINISHED close" },
    { "late drain destroy", "write:a | write:bc 1 | drain destroy 2 close |" },
    { "late drain gone", "write:a | write:bc 1 | drain destroy 2 close" },
    { "late drain fail",
      "write:a | write:bc 1 | drain destroy:USER 2 error:USER close | 3:DESTROYED" },
    { "late drain write", "write:a | write:bc 1 | drain write:x write=true 2 | x | final | "
                          "prefinish 3 finish destroy close" },
    { "late drain end", "write:a | write:bc 1 | drain final 2 | prefinish y finish destroy close | "
                        "3:ALREADY_FINISHED" },
    { "late final destroy", "write:a | write:bc 1 | drain 2 | final destroy close |" },
    { "late final gone", "write:a | write:bc 1 | drain 2 | final destroy close |" },
    { "late final fail",
      "write:a | write:bc 1 | drain 2 | final destroy:USER error:USER close 3:USER |" },
    { "late final write",
      "write:a | write:bc 1 | drain 2 | final destroy:WRITE_AFTER_END write=false "
      "x:WRITE_AFTER_END error:WRITE_AFTER_END close 3:WRITE_AFTER_END |" },
    { "late final end",
      "write:a | write:bc 1 | drain 2 | final | prefinish y 3 finish destroy close" },
    { "late prefinish destroy",
      "write:a | write:bc 1 | drain 2 | final | prefinish destroy 3:DESTROYED close finish" },
    { "late prefinish gone",
      "write:a | write:bc 1 | drain 2 | final | prefinish destroy 3:DESTROYED close finish" },
    { "late prefinish fail", "write:a | write:bc 1 | drain 2 | final | prefinish destroy:USER "
                             "3:USER error:USER close finish" },
    { "late prefinish write",
      "write:a | write:bc 1 | drain 2 | final | prefinish destroy:WRITE_AFTER_END write=false "
      "x:WRITE_AFTER_END 3:WRITE_AFTER_END error:WRITE_AFTER_END close finish" },
    { "late prefinish end",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 y finish destroy close" },
    { "late finish destroy",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close" },
    { "late finish gone",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close" },
    { "late finish fail",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy:USER error:USER close" },
    { "late finish write",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy:WRITE_AFTER_END "
      "write=false x:WRITE_AFTER_END error:WRITE_AFTER_END close" },
    { "late finish end", "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy "
                         "y:ALREADY_FINISHED close" },
    { "late destroy destroy",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close" },
    { "late destroy gone",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close" },
    { "late destroy fail",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close" },
    { "late destroy write", "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy "
                            "write=false x:WRITE_AFTER_END close" },
    { "late destroy end", "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy "
                          "y:ALREADY_FINISHED close" },
    { "late close destroy",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close" },
    { "late close gone",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close" },
    { "late close fail",
      "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close" },
    { "late close write", "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy "
                          "close write=false x:WRITE_AFTER_END" },
    { "late close end", "write:a | write:bc 1 | drain 2 | final | prefinish 3 finish destroy close "
                        "y:ALREADY_FINISHED" },
    { "fail 2 destroy", "write:a write:bc 1 2:USER destroy close | 3:DESTROYED" },
    { "fail 2 gone", "write:a write:bc 1 2:USER destroy close" },
    { "fail 2 fail", "write:a write:bc 1 2:USER destroy:USER error:USER close | 3:DESTROYED" },
    { "fail 2 write",
      "write:a write:bc 1 2:USER write=false x:USER destroy:USER error:USER close | 3:DESTROYED" },
    { "fail 2 end",
      "write:a write:bc 1 2:USER destroy:USER y:USER error:USER close | 3:DESTROYED" },
    { "fail error destroy",
      "write:a write:bc 1 2:USER destroy:USER error:USER close | 3:DESTROYED" },
    { "fail error gone", "write:a write:bc 1 2:USER destroy:USER error:USER close" },
    { "fail error fail", "write:a write:bc 1 2:USER destroy:USER error:USER close | 3:DESTROYED" },
    { "fail error write", "write:a write:bc 1 2:USER destroy:USER error:USER write=false close "
                          "x:DESTROYED | 3:DESTROYED" },
    { "fail error end",
      "write:a write:bc 1 2:USER destroy:USER error:USER close y:DESTROYED | 3:DESTROYED" },
    { "fail destroy destroy",
      "write:a write:bc 1 2:USER destroy:USER error:USER close | 3:DESTROYED" },
    { "fail destroy gone", "write:a write:bc 1 2:USER destroy:USER error:USER close" },
    { "fail destroy fail",
      "write:a write:bc 1 2:USER destroy:USER error:USER close | 3:DESTROYED" },
    { "fail destroy write", "write:a write:bc 1 2:USER destroy:USER write=false x:DESTROYED "
                            "error:USER close | 3:DESTROYED" },
    { "fail destroy end",
      "write:a write:bc 1 2:USER destroy:USER y:DESTROYED error:USER close | 3:DESTROYED" },
    { "fail close destroy",
      "write:a write:bc 1 2:USER destroy:USER error:USER close | 3:DESTROYED" },
    { "fail close gone", "write:a write:bc 1 2:USER destroy:USER error:USER close" },
    { "fail close fail", "write:a write:bc 1 2:USER destroy:USER error:USER close | 3:DESTROYED" },
    { "fail close write", "write:a write:bc 1 2:USER destroy:USER error:USER close write=false "
                          "x:DESTROYED | 3:DESTROYED" },
    { "fail close end",
      "write:a write:bc 1 2:USER destroy:USER error:USER close y:DESTROYED | 3:DESTROYED" },
};

struct inside {
    struct fixture *f;
    struct test_hand *hand;
    char mode[12], place[12], action[12];
    bool used, gone;
    unsigned owed, told; /* callbacks accepted, and called */
};

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void do_action(cst_stream *s, struct inside *in, const char *action)
{
    static char x[] = "x", y[] = "y";

    if (is(action, "destroy") || is(action, "gone")) {
        cst_destroy(s, CST_OK);
    } else if (is(action, "fail")) {
        cst_destroy(s, CST_USER(1));
    } else if (is(action, "end")) {
        in->owed++;
        cst_end(s, test_hand_done, y);
    } else {
        cst_status st = cst_write(s, cst_slice_str("x"), test_hand_done, x);

        in->owed++;
        test_trace_add(&in->f->trace, "write=%s", st == CST_OK ? "true" : "false");
    }
    if (is(action, "gone"))
        cst_unref(s);
}

static void act_inside(cst_stream *s, const char *word, void *arg)
{
    struct inside *in = arg;
    size_t len = strcspn(word, ":");

    if (len == 1)
        in->told++;
    if (!in->used && strlen(in->place) == len && !strncmp(word, in->place, len)) {
        in->used = true;
        in->gone = is(in->action, "gone");
        do_action(s, in, in->action);
    }
    if (is(in->mode, "fail") && len == 5 && !strncmp(word, "write", len))
        in->hand->answers[TEST_WRITE] = is(word, "write:bc") ? CST_USER(1) : CST_OK;
}

/* Runs and answers until nothing is left to do. */
static void pump(struct fixture *f)
{
    run(f);
    while (f->calls.pending) {
        test_trace_add(&f->trace, "|");
        answer(f, CST_OK);
        run(f);
    }
}

static void run_cell(struct fixture *f, struct inside *in)
{
    in->hand = drive(f, &final_ops, is(in->mode, "late") ? CST_PENDING : CST_OK, &mark_2);
    test_trace_clear(&f->trace);
    in->hand->act = act_inside;
    in->hand->act_arg = in;
    in->owed++;
    write_text(f, "a", one);
    if (!in->gone) {
        in->owed++;
        write_text(f, "bc", two);
    }
    pump(f);
    if (!in->gone) {
        test_trace_add(&f->trace, "|");
        in->owed++;
        end_it(f, three);
        pump(f);
    }
    assert_true(in->used);
}

static void check_cell(struct fixture *f, const struct cell *cell)
{
    struct inside in = { .f = f };
    size_t len = strlen(cell->trace);

    assert_int_equal(sscanf(cell->what, "%11s %11s %11s", in.mode, in.place, in.action), 3);
    run_cell(f, &in);
    if (!in.gone)
        cst_unref(f->w); /* now callbacks are told that in Node never would be */
    f->w = NULL;
    f->trace.text[len] = strncmp(f->trace.text, cell->trace, len) ? f->trace.text[len] : '\0';
    if (!is(f->trace.text, cell->trace))
        print_error("%s\n", cell->what);
    expect(f, cell->trace);
    assert_int_equal(in.told, in.owed);
}

static void every_callback_may_do_anything_to_its_own_stream(void **state)
{
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
        check_cell(*state, &cells[i]);
}

/* --- without memory --------------------------------------------------------------------------- */

struct life {
    cst_stream *s;
    cst_ctx *ctx;
    size_t owed, told;
};

static void on_any(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

static void count_owed(struct life *life, cst_status st)
{
    if (st != CST_E_NOMEM)
        life->owed++;
}

/* Queues, batches, ends and refusals. */
static void live_a_life(struct life *life)
{
    cst_stream *s = life->s;

    cst_on(s, CST_DRAIN, on_any, NULL);
    for (int i = 0; i < 3; i++)
        count_owed(life, cst_write_copy(s, "one", 3, count_done, &life->told));
    cst_cork(s);
    for (int i = 0; i < 20; i++)
        count_owed(life, cst_write_copy(s, "two", 3, count_done, &life->told));
    cst_uncork(s);
    cst_ctx_run(life->ctx, NULL);
    cst_write(s, cst_slice_str("three"), NULL, NULL);
    count_owed(life, cst_end_with(s, cst_slice_str("last"), count_done, &life->told));
    count_owed(life, cst_end(s, count_done, &life->told));
    cst_ctx_run(life->ctx, NULL);
    count_owed(life, cst_write(s, cst_slice_str("late"), count_done, &life->told));
    cst_ctx_run(life->ctx, NULL);
    cst_unref(s);
}

static cst_status swallow(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    (void)s;
    (void)self;
    (void)chunks;
    (void)count;
    return CST_OK;
}

/* Gives whether a request failed. */
static bool live_with_failure(struct test_heap *heap, size_t k, bool and_on, bool objects)
{
    static const cst_ops ops = { .writev = swallow };
    const cst_opts opts = { .high_water_mark = 4, .object_mode = objects };
    struct life life = { .s = NULL };

    test_heap_init(heap);
    if (and_on)
        test_heap_fail_from(heap, k);
    else
        test_heap_fail_at(heap, k);
    if (cst_ctx_new(&life.ctx, test_heap_allocator(heap), NULL) == CST_OK) {
        if (cst_writable_new(&life.s, life.ctx, &ops, NULL, &opts) == CST_OK)
            live_a_life(&life);
        assert_int_equal(cst_ctx_free(life.ctx), CST_OK);
    }
    assert_int_equal(life.told, life.owed);
    assert_int_equal(heap->live_blocks, 0);
    return heap->failures > 0;
}

static void any_allocation_may_fail_once_or_from_then_on(void **state)
{
    struct test_heap heap;

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        size_t k = 1;

        while (live_with_failure(&heap, k, kind & 1, kind & 2))
            k++;
        assert_true(k > 10);
    }
}

/* --- a completion by which the next write begins ------------------------------------------------------------------ */

/* `b` answers late; inside `c` two more are written. */
static cst_status write_more(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_stage *stage = self;

    test_trace_add(stage->trace, "w:write:%.*s", (int)chunk->len, (const char *)chunk->data);
    if (chunk->data[0] == 'b') {
        stage->call = cst_this_call(s);
        return CST_PENDING;
    }
    if (chunk->data[0] == 'c') {
        assert_int_equal(cst_write(s, cst_slice_str("d"), NULL, NULL), CST_OK);
        assert_int_equal(cst_write(s, cst_slice_str("e"), NULL, NULL), CST_OK);
    }
    return CST_OK;
}

static cst_status write_more_at_once(cst_stream *s, void *self, const cst_slice *chunks,
                                     size_t count)
{
    struct test_stage *stage = self;

    (void)s;
    (void)chunks;
    test_trace_add(stage->trace, "w:writev:%zu", count);
    return CST_OK;
}

static void what_a_slot_writes_while_the_queue_goes_one_by_one_does_so_too(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .write = write_more,
                                 .writev = write_more_at_once };
    struct fixture *f = *state;
    struct test_stage self = { .trace = &f->trace }, *stage;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, f->ctx, &ops, &self, NULL), CST_OK);
    stage = cst_stream_self(s);
    assert_int_equal(cst_write(s, cst_slice_str("b"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("c"), NULL, NULL), CST_OK);
    assert_int_equal(cst_complete(stage->call, CST_OK), CST_OK);
    expect(f, "w:write:b w:write:c w:write:d w:write:e");
}

struct two_words {
    struct test_trace *trace;
    cst_ctx *ctx;
    cst_task first, second;
};

static void say_second(void *arg)
{
    test_trace_add(((struct two_words *)arg)->trace, "second");
}

static void say_first(void *arg)
{
    struct two_words *words = arg;

    test_trace_add(words->trace, "first");
    assert_int_equal(cst_defer(words->ctx, &words->second, say_second, words), CST_OK);
}

/* The task of the callback is the only one that 'finish' waits for. */
static void a_write_that_begins_by_a_completion_puts_no_finish_off(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .write = write_more };
    static char word[] = "1";
    struct fixture *f = *state;
    const cst_opts opts = { .high_water_mark = 2 };
    struct two_words words = { .trace = &f->trace, .ctx = f->ctx };
    struct test_stage *stage;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, f->ctx, &ops, NULL, &opts), CST_OK);
    test_trace_listen(&f->trace, s, "w");
    stage = cst_stream_self(s);
    assert_int_equal(cst_write(s, cst_slice_str("a"), on_done, word), CST_OK);
    assert_int_equal(cst_defer(f->ctx, &words.first, say_first, &words), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("b"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("x"), NULL, NULL), CST_FULL);
    assert_int_equal(cst_complete(stage->call, CST_OK), CST_OK);
    assert_int_equal(cst_end(s, NULL, NULL), CST_OK);
    test_trace_clear(&f->trace);
    run(f);
    expect(f, "1:CST_OK first w:finish second w:close");
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
    CASE(the_array_of_a_writev_is_kept_until_it_answers),
    CASE(gathered_copies_are_whole_and_take_no_memory_in_steady_flow),
    CASE(the_array_of_an_uncommonly_long_queue_goes_back),
    CASE(a_write_made_inside_writev_waits_its_turn),
    CASE(a_second_answer_is_an_error_of_the_stage),
    CASE(lengths_that_do_not_fit_are_refused),
    CASE(messages_count_as_one_however_many_their_bytes),
    CASE(without_memory_a_write_is_refused_and_the_stream_stays_usable),
    CASE(wrong_streams_are_refused),
    CASE(tasks_come_one_after_another_in_the_order_of_node),
    CASE(writes_with_one_callback_share_a_task),
    CASE(a_mark_of_zero_is_full_only_while_a_write_is_out),
    CASE(object_mode_counts_chunks),
    CASE(object_mode_without_callbacks_finishes_too),
    CASE(empty_chunks_complete_in_order),
    CASE(writes_to_a_corked_stream_drain_as_one),
    CASE(a_batch_without_callbacks_drains_where_it_was_past_the_mark),
    CASE(after_a_batch_of_objects_finish_is_a_task_later),
    CASE(a_stream_that_is_ended_inside_writev_does_not_finish),
    CASE(a_batch_that_goes_out_inside_read_may_be_answered_late),
    CASE(a_slot_that_has_answered_still_names_the_call_that_runs),
    CASE(a_failed_writev_fails_its_batch_then_what_waits),
    CASE(the_bytes_of_a_late_write_stay_until_its_answer),
    CASE(end_undoes_every_cork),
    CASE(an_end_may_write_a_copy),
    CASE(an_uncork_too_many_is_fine),
    CASE(a_write_that_fails_inside_its_slot_is_seen_at_once_and_told_by_a_task),
    CASE(a_failure_while_uncorking_fails_each_and_the_end),
    CASE(destroy_waits_for_the_write_that_is_out),
    CASE(destroy_with_an_error_gives_it_to_what_waits),
    CASE(a_second_answer_after_a_failure_changes_nothing),
    CASE(without_auto_destroy_a_late_failure_is_said_at_once),
    CASE(without_auto_destroy_finish_leaves_it_open_and_late_writes_are_errors),
    CASE(without_emit_close_finish_is_the_last_word),
    CASE(finish_waits_for_a_late_final),
    CASE(a_final_that_fails_inside_end_is_told_last),
    CASE(a_final_that_fails_late_is_told_first),
    CASE(a_final_that_answers_twice_is_an_error),
    CASE(each_end_before_finish_is_told),
    CASE(an_end_with_a_chunk_after_end_is_a_write_after_end),
    CASE(an_end_with_a_chunk_after_destroy_is_refused),
    CASE(an_end_after_destroy_with_an_error_is_refused),
    CASE(an_end_after_destroy_is_told_at_the_latest_when_the_stream_goes),
    CASE(a_destroy_right_after_end_takes_finish_away_unless_final_has_answered),
    CASE(writes_wait_for_construct),
    CASE(a_construct_that_fails_fails_what_waits),
    CASE(a_destroy_under_construction_tells_the_callbacks_and_waits),
    CASE(a_construct_that_answers_twice_is_an_error),
    CASE(the_lengths_of_what_waits_cannot_overflow),
    CASE(without_memory_for_a_copy_or_an_end_nothing_has_changed),
    CASE(writers_are_refused_where_there_is_no_writable_side),
    CASE(the_state_of_a_side_that_is_not_there_is_nothing),
    CASE(the_state_follows_the_life),
    CASE(a_context_that_goes_calls_what_a_silent_slot_still_owes),
#ifndef CST_NO_CACHE
    CASE(steady_writes_allocate_nothing_whether_answered_at_once_or_late),
#endif
    CASE(what_a_slot_writes_while_the_queue_goes_one_by_one_does_so_too),
    CASE(a_write_that_begins_by_a_completion_puts_no_finish_off),
    CASE(every_callback_may_do_anything_to_its_own_stream),
    CASE(any_allocation_may_fail_once_or_from_then_on),
};

TEST_MAIN(tests)

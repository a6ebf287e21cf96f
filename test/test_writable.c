/* test_writable.c - writable.h: the queue, its callbacks, cork, and the end. */
#include "world.h"

#include <string.h>

/* world->s: a mark of 8 bytes. */
static int set_up(void **state)
{
    struct test_world *world;

    test_world_setup(state);
    world = *state;
    assert_int_equal(cst_writable_new(&world->s, world->ctx, &test_sink_ops, NULL,
                                      &(cst_opts){ .high_water_mark = 8 }),
                     CST_OK);
    test_listen_as(world, world->s, "w");
    return 0;
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct test_stage *stage = cst_stream_self(s);

    test_trace_add(&stage->world->trace, "%s:%s", (const char *)arg, test_status_word(status));
}

static cst_status put(struct test_world *world, const char *text, const char *word)
{
    char *arg = (char *)(uintptr_t)word;

    return cst_write(world->s, cst_slice_str(text), word ? on_done : NULL, arg);
}

static char end_word[] = "end";

static void write_past_the_mark_is_full_then_drains_once(void **state)
{
    struct test_world *world = *state;

    test_stage(world->s)->answer = CST_PENDING;
    assert_int_equal(put(world, "abcd", "1"), CST_OK);
    assert_int_equal(put(world, "efgh", "2"), CST_FULL);
    assert_true(cst_writable_need_drain(world->s));
    assert_int_equal(cst_writable_length(world->s), 8);
    test_expect(world, "w:write:abcd");
    test_answer_of(world->s, CST_OK);
    test_expect(world, "w:write:efgh 1:OK");
    test_answer_of(world->s, CST_OK);
    test_expect(world, "w:drain 2:OK");
    test_run(world);
    test_expect(world, "");
}

static void a_write_answered_inside_its_slot_is_told_by_a_task(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(put(world, "a long chunk", "1"), CST_OK);
    test_expect(world, "w:write:a long chunk");
    test_run(world);
    test_expect(world, "1:OK");
}

static void end_finishes_then_closes(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(put(world, "a", "1"), CST_OK);
    assert_int_equal(cst_end(world->s, on_done, end_word), CST_OK);
    assert_true(cst_writable_ended(world->s));
    test_expect(world, "w:write:a w:final");
    test_run(world);
    test_expect(world, "1:OK end:OK w:finish w:destroy w:close");
    assert_int_equal(cst_end(world->s, on_done, end_word), CST_E_ALREADY_FINISHED);
    test_run(world);
    test_expect(world, "end:ALREADY_FINISHED");
}

static void a_write_after_end_fails_the_stream_and_its_callback_says_so(void **state)
{
    struct test_world *world = *state;

    cst_end(world->s, NULL, NULL);
    assert_int_equal(put(world, "x", "1"), CST_E_WRITE_AFTER_END);
    test_run(world);
    test_expect(world,
                "w:final w:destroy w:finish 1:WRITE_AFTER_END w:error:WRITE_AFTER_END w:close");
}

static void a_write_after_destroy_is_refused_without_an_error(void **state)
{
    struct test_world *world = *state;

    cst_destroy(world->s, CST_OK);
    assert_int_equal(put(world, "x", "1"), CST_E_DESTROYED);
    test_run(world);
    test_expect(world, "w:destroy w:close 1:DESTROYED");
}

static void a_failed_write_fails_what_waits_and_the_end(void **state)
{
    struct test_world *world = *state;

    test_stage(world->s)->answer = CST_PENDING;
    put(world, "a", "1");
    put(world, "b", "2");
    cst_end(world->s, on_done, end_word);
    test_answer_of(world->s, CST_USER(5));
    test_expect(world, "w:write:a 1:USER 2:USER end:USER w:destroy");
    test_run(world);
    test_expect(world, "w:error:USER w:close");
}

static void corked_writes_wait_and_go_out_in_order(void **state)
{
    struct test_world *world = *state;

    cst_cork(world->s);
    cst_cork(world->s);
    put(world, "a", NULL);
    put(world, "b", "2");
    assert_int_equal(cst_writable_corked(world->s), 2);
    cst_uncork(world->s);
    test_expect(world, "");
    cst_uncork(world->s);
    test_expect(world, "w:write:a w:write:b");
    test_run(world);
    test_expect(world, "2:OK");
}

static cst_status gather(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct test_stage *stage = self;

    (void)s;
    for (size_t i = 0; i < count; i++)
        test_trace_add(&stage->world->trace, "%zu/%zu:%.*s", i + 1, count, (int)chunks[i].len,
                       (const char *)chunks[i].data);
    return CST_OK;
}

static void writev_gets_all_that_waits_at_once(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .writev = gather };
    struct test_world *world = *state;

    assert_int_equal(cst_writable_new(&world->s, world->ctx, &ops, NULL, NULL), CST_OK);
    test_listen_as(world, world->s, "v");
    cst_cork(world->s);
    put(world, "a", "1");
    put(world, "b", NULL);
    put(world, "c", "3");
    cst_uncork(world->s);
    test_expect(world, "1/3:a 2/3:b 3/3:c");
    test_run(world);
    test_expect(world, "1:OK 3:OK");
    put(world, "d", NULL);
    test_expect(world, "1/1:d");
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

/* Lengths from 0 to 79: by the fast path and without it. */
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
    struct test_world *world = *state;
    const struct counted *counted;
    size_t calls = 0;

    assert_int_equal(cst_writable_new(&world->s, world->ctx, &ops, NULL, NULL), CST_OK);
    counted = cst_stream_self(world->s);
    for (size_t n = 0; n < 4000; n += 100) {
        cork_and_write_copies(world->s, n, 100);
        test_run(world);
        if (n == 400)
            calls = world->heap.calls;
    }
    assert_int_equal(counted->chunks, 4000);
    assert_false(counted->wrong);
#ifndef CST_NO_CACHE
    assert_int_equal(world->heap.calls, calls);
#else
    (void)calls;
#endif
}

static void the_array_of_an_uncommonly_long_queue_goes_back(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct counted), .writev = count_chunks };
    struct test_world *world = *state;
    size_t before;

    assert_int_equal(cst_writable_new(&world->s, world->ctx, &ops, NULL, NULL), CST_OK);
    cork_and_write_copies(world->s, 0, 2);
    test_run(world);
    before = world->heap.live_bytes;
    cst_cork(world->s);
    for (size_t n = 0; n < 20000; n++)
        assert_true(cst_write(world->s, cst_slice_str("x"), NULL, NULL) >= 0);
    assert_true(world->heap.live_bytes >= before + 20000 * sizeof(cst_slice));
    cst_uncork(world->s);
    test_run(world);
    assert_true(world->heap.live_bytes <= before + 4096);
}

static cst_status gather_and_write_more(cst_stream *s, void *self, const cst_slice *chunks,
                                        size_t count)
{
    struct test_stage *stage = self;

    if (stage->writes++ == 0)
        cst_write(s, cst_slice_str("late"), on_done, end_word);
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
    struct test_world *world = *state;
    struct late_vector *late;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, world->ctx, &ops, NULL, NULL), CST_OK);
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
    struct test_world *world = *state;

    assert_int_equal(cst_writable_new(&world->s, world->ctx, &ops, NULL, NULL), CST_OK);
    test_listen_as(world, world->s, "v");
    cst_cork(world->s);
    put(world, "a", NULL);
    put(world, "b", NULL);
    cst_uncork(world->s);
    test_expect(world, "1/2:a 2/2:b 1/1:late");
    test_run(world);
    test_expect(world, "end:OK");
}

static void a_second_answer_is_an_error_of_the_stage(void **state)
{
    struct test_world *world = *state;

    test_stage(world->s)->answer = CST_PENDING;
    put(world, "a", NULL);
    test_answer_of(world->s, CST_OK);
    cst_complete(test_stage(world->s)->call, CST_OK);
    test_run(world);
    test_expect(world, "w:write:a w:destroy w:error:MULTIPLE_CALLBACK w:close");
    assert_string_equal(cst_errored(world->s)->stage, "sink");
}

static void lengths_that_do_not_fit_are_refused(void **state)
{
    struct test_world *world = *state;

    test_stage(world->s)->answer = CST_PENDING;
    put(world, "a", NULL);
    assert_int_equal(cst_write(world->s, cst_slice_static("", SIZE_MAX), on_done, end_word),
                     CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_writable_length(world->s), 1);
    test_answer_of(world->s, CST_OK);
    test_run(world);
    test_expect(world, "w:write:a");
}

static void messages_count_as_one_however_many_their_bytes(void **state)
{
    struct test_world *world = *state;
    const cst_opts opts = { .object_mode = true };
    const cst_slice huge = cst_slice_static("", SIZE_MAX - 1);

    assert_int_equal(cst_writable_new(&world->s, world->ctx, &test_sink_ops, NULL, &opts), CST_OK);
    test_listen_as(world, world->s, "o");
    cst_cork(world->s);
    assert_int_equal(cst_write(world->s, huge, NULL, NULL), CST_OK);
    assert_int_equal(cst_write(world->s, huge, NULL, NULL), CST_OK);
    assert_int_equal(cst_writable_length(world->s), 2);
    cst_destroy(world->s, CST_OK);
    test_run(world);
    assert_int_equal(cst_writable_length(world->s), 0);
    test_expect(world, "o:destroy o:close");
}

static void without_memory_a_write_is_refused_and_the_stream_stays_usable(void **state)
{
    struct test_world *world = *state;

    test_stage(world->s)->answer = CST_PENDING;
    put(world, "a", NULL);
    test_heap_fail_from(&world->heap, 1);
    assert_int_equal(put(world, "b", "2"), CST_E_NOMEM);
    assert_int_equal(cst_end(world->s, on_done, end_word), CST_E_NOMEM);
    test_heap_fail_never(&world->heap);
    assert_int_equal(put(world, "c", "3"), CST_OK);
    test_answer_of(world->s, CST_OK);
    test_answer_of(world->s, CST_OK);
    test_expect(world, "w:write:a w:write:c 3:OK");
}

static void wrong_streams_are_refused(void **state)
{
    struct test_world *world = *state;
    cst_stream *r;

    assert_int_equal(cst_readable_new(&r, world->ctx, &test_source_ops, NULL, NULL), CST_OK);
    test_stage(r)->world = world;
    test_stage(r)->name = "r";
    assert_int_equal(cst_write(NULL, cst_slice_empty(), NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_write(r, cst_slice_empty(), NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_write_copy(world->s, NULL, 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end(r, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_with(r, cst_slice_empty(), NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_cork(r), CST_E_INVALID_ARG);
    assert_int_equal(cst_uncork(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_length(r), 0);
    assert_false(cst_is_writable(r));
    assert_int_equal(cst_writable_new(&r, world->ctx, &test_source_ops, NULL, NULL),
                     CST_E_INVALID_ARG);
}

/* --- a sink driven by hand -------------------------------------------------------------------- */

static const cst_ops hand_ops = { .name = "hand",
                                  .self_size = sizeof(struct test_stage),
                                  .write = test_stage_write,
                                  .destroy = test_stage_destroy };
static const cst_ops final_ops = { .self_size = sizeof(struct test_stage),
                                   .write = test_stage_write,
                                   .final = test_stage_final,
                                   .destroy = test_stage_destroy };
static const cst_ops writev_ops = { .self_size = sizeof(struct test_stage),
                                    .write = test_stage_write,
                                    .writev = test_stage_writev,
                                    .destroy = test_stage_destroy };
static const cst_ops construct_ops = { .self_size = sizeof(struct test_stage),
                                       .construct = test_stage_construct,
                                       .write = test_stage_write,
                                       .destroy = test_stage_destroy };

/* Replace world->s by a stream of these slots, all of which answer with status; all events are
 * recorded. */
static struct test_stage *drive(struct test_world *world, const cst_ops *ops, cst_status status,
                                const cst_opts *opts)
{
    struct test_stage *hand;

    cst_unref(world->s);
    hand = test_drive(world, cst_writable_new, ops, opts);
    for (int slot = 0; slot < TEST_DESTROY; slot++)
        hand->answers[slot] = status;
    return hand;
}

static const cst_opts mark_2 = { .high_water_mark = 2 };

/* Words that callbacks can be told apart by. */
static char one[] = "1", two[] = "2", three[] = "3", four[] = "4", five[] = "5";

static cst_status write_text(struct test_world *world, const char *text, char *word)
{
    return cst_write(world->s, cst_slice_str(text), test_on_done, word);
}

static cst_status end_it(struct test_world *world, char *word)
{
    return cst_end(world->s, test_on_done, word);
}

static void answer(struct test_world *world, cst_status status)
{
    test_answer(world, status);
}

/* One task at a time, with a bar after each. */
static void run_in_steps(struct test_world *world)
{
    while (cst_ctx_run(world->ctx, &(cst_budget){ .tasks = 1 }) == CST_MORE)
        test_trace_add(&world->trace, "|");
}

static void tasks_come_one_after_another_in_the_order_of_node(void **state)
{
    struct test_world *world = *state;

    drive(world, &construct_ops, CST_OK, NULL);
    write_text(world, "a", one);
    end_it(world, three);
    run_in_steps(world);
    test_expect(world, "construct | write:a prefinish | 1 | 3 finish destroy | close");
}

static void writes_with_one_callback_share_a_task(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    for (int i = 0; i < 3; i++)
        write_text(world, "a", one);
    write_text(world, "b", two);
    write_text(world, "a", one);
    test_trace_clear(&world->trace);
    run_in_steps(world);
    test_expect(world, "1 1 1 | 2 | 1");
    end_it(world, three);
    test_run(world);
    test_expect(world, "prefinish 3 finish destroy close");
}

static void a_mark_of_zero_is_full_only_while_a_write_is_out(void **state)
{
    struct test_world *world = *state;
    const cst_opts opts = { .high_water_mark = CST_HWM_ZERO };

    drive(world, &hand_ops, CST_OK, &opts);
    assert_int_equal(cst_writable_high_water_mark(world->s), 0);
    assert_int_equal(write_text(world, "abc", one), CST_OK);
    test_run(world);
    test_expect(world, "write:abc 1");
    drive(world, &hand_ops, CST_PENDING, &opts);
    assert_int_equal(write_text(world, "abc", one), CST_FULL);
    answer(world, CST_OK);
    test_expect(world, "write:abc drain 1");
}

static void object_mode_counts_chunks(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_PENDING, &(cst_opts){ .object_mode = true, .high_water_mark = 2 });
    assert_true(cst_writable_object_mode(world->s));
    assert_int_equal(write_text(world, "abc", one), CST_OK);
    assert_int_equal(cst_writable_length(world->s), 1);
    assert_int_equal(write_text(world, "d", two), CST_FULL);
    assert_int_equal(cst_writable_length(world->s), 2);
    answer(world, CST_OK);
    answer(world, CST_OK);
    test_expect(world, "write:abc write:d 1 drain 2");
}

static void object_mode_without_callbacks_finishes_too(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, &(cst_opts){ .object_mode = true });
    cst_write(world->s, cst_slice_str("abc"), NULL, NULL);
    cst_write(world->s, cst_slice_str("d"), NULL, NULL);
    end_it(world, three);
    test_run(world);
    test_expect(world, "write:abc write:d prefinish 3 finish destroy close");
}

static void empty_chunks_complete_in_order(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_PENDING, NULL);
    write_text(world, "a", one);
    write_text(world, "", two);
    write_text(world, "b", three);
    for (int i = 0; i < 3; i++)
        answer(world, CST_OK);
    test_expect(world, "write:a write: 1 write:b 2 3");
}

static void writes_to_a_corked_stream_drain_as_one(void **state)
{
    struct test_world *world = *state;

    drive(world, &writev_ops, CST_OK, &mark_2);
    cst_cork(world->s);
    assert_int_equal(write_text(world, "a", one), CST_OK);
    assert_int_equal(write_text(world, "b", two), CST_FULL);
    assert_int_equal(write_text(world, "c", three), CST_FULL);
    cst_uncork(world->s);
    test_expect(world, "writev:a+b+c");
    test_run(world);
    test_expect(world, "drain 1 2 3");
    end_it(world, four);
    test_run(world);
    test_expect(world, "prefinish 4 finish destroy close");
}

/* Two writes without callbacks, as one batch. */
static void write_batch(struct test_world *world)
{
    cst_cork(world->s);
    cst_write(world->s, cst_slice_str("a"), NULL, NULL);
    cst_write(world->s, cst_slice_str("b"), NULL, NULL);
    cst_uncork(world->s);
}

static void a_batch_without_callbacks_drains_where_it_was_past_the_mark(void **state)
{
    struct test_world *world = *state;

    drive(world, &writev_ops, CST_OK, &(cst_opts){ .high_water_mark = 3 });
    write_batch(world);
    assert_int_equal(cst_writable_length(world->s), 0);
    test_run(world);
    test_expect(world, "writev:a+b");
    drive(world, &writev_ops, CST_OK, &mark_2);
    write_batch(world);
    assert_int_equal(cst_writable_length(world->s), 0);
    test_run(world);
    test_expect(world, "writev:a+b drain");
}

static void add_task_word(void *arg)
{
    test_trace_add(arg, "task");
}

/* A slip of Node's: in object mode a task follows each write, and 'finish' waits for it. */
static void after_a_batch_of_objects_finish_is_a_task_later(void **state)
{
    struct test_world *world = *state;
    cst_task task = { .arg = NULL };

    drive(world, &writev_ops, CST_OK, NULL);
    write_batch(world);
    cst_end(world->s, NULL, NULL);
    cst_defer(world->ctx, &task, add_task_word, &world->trace);
    test_run(world);
    test_expect(world, "writev:a+b prefinish finish destroy task close");
    drive(world, &writev_ops, CST_OK, &(cst_opts){ .object_mode = true });
    write_batch(world);
    cst_end(world->s, NULL, NULL);
    cst_defer(world->ctx, &task, add_task_word, &world->trace);
    test_run(world);
    test_expect(world, "writev:a+b prefinish task finish destroy close");
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
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, &writev_ops, CST_OK, NULL);

    hand->act = end_inside;
    write_batch(world);
    test_run(world);
    test_expect(world, "writev:a+b");
    assert_true(cst_writable_ended(world->s));
}

static void uncork_inside_read(cst_stream *s, const char *word, void *arg)
{
    struct test_world *world = arg;

    (void)s;
    if (strcmp(word, "read") == 0)
        write_batch(world);
}

static void a_batch_that_goes_out_inside_read_may_be_answered_late(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .read = test_stage_read,
                                 .writev = test_stage_writev };
    struct test_world *world = *state;
    struct test_stage *hand;

    assert_int_equal(cst_duplex_new(&world->s, world->ctx, &ops, NULL, NULL), CST_OK);
    hand = cst_stream_self(world->s);
    *hand = (struct test_stage){ .world = world,
                                 .answers = { [TEST_WRITE] = CST_PENDING },
                                 .act = uncork_inside_read,
                                 .act_arg = world };
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "read writev:a+b");
    assert_int_equal(cst_writable_length(world->s), 2);
    answer(world, CST_OK);
    test_run(world);
    assert_int_equal(cst_writable_length(world->s), 0);
}

/* Answer, write "b", whose slot does not answer, and answer that too. */
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

static void expect_that_no_slot_runs(struct test_world *world)
{
    assert_int_equal(cst_complete(cst_this_call(world->s), CST_OK), CST_E_INVALID_ARG);
}

/* A slot that was called for a write without a callback, for a batch, and by a completion. */
static void a_slot_that_has_answered_still_names_the_call_that_runs(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .write = test_stage_write,
                                 .writev = test_stage_writev };
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, &ops, CST_OK, NULL);

    hand->act = answer_twice_inside;
    hand->act_arg = &world->calls;
    cst_write(world->s, cst_slice_str("0"), NULL, NULL);
    hand->answers[TEST_WRITE] = CST_PENDING;
    cst_write(world->s, cst_slice_str("a"), NULL, NULL);
    test_expect(world, "write:0 write:a write:b");
    expect_that_no_slot_runs(world);
    cst_cork(world->s);
    cst_write(world->s, cst_slice_str("a"), NULL, NULL);
    cst_write(world->s, cst_slice_str("a"), NULL, NULL);
    cst_uncork(world->s);
    test_expect(world, "writev:a+a write:b");
    expect_that_no_slot_runs(world);
    cst_write(world->s, cst_slice_str("0"), NULL, NULL);
    cst_write(world->s, cst_slice_str("a"), NULL, NULL);
    answer(world, CST_OK);
    test_expect(world, "write:0 write:a write:b");
    expect_that_no_slot_runs(world);
    assert_int_equal(cst_writable_length(world->s), 0);
}

static void a_failed_writev_fails_its_batch_then_what_waits(void **state)
{
    struct test_world *world = *state;

    drive(world, &writev_ops, CST_PENDING, NULL);
    cst_cork(world->s);
    write_text(world, "a", one);
    write_text(world, "b", two);
    cst_uncork(world->s);
    write_text(world, "c", three);
    write_text(world, "d", four);
    end_it(world, five);
    test_expect(world, "writev:a+b");
    answer(world, CST_OK);
    test_expect(world, "writev:c+d 1 2");
    answer(world, CST_USER(1));
    test_expect(world, "3:USER 4:USER 5:USER destroy:USER");
    test_run(world);
    test_expect(world, "error:USER close");
}

static void count_release(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    ++*(size_t *)arg;
}

static void write_watched(struct test_world *world, size_t *releases)
{
    cst_slice chunk;

    assert_int_equal(cst_slice_foreign(&chunk, test_heap_allocator(&world->heap), "abc", 3,
                                       count_release, releases),
                     CST_OK);
    assert_int_equal(cst_write(world->s, chunk, NULL, NULL), CST_OK);
}

static void the_bytes_of_a_late_write_stay_until_its_answer(void **state)
{
    struct test_world *world = *state;
    size_t releases = 0;

    drive(world, &writev_ops, CST_PENDING, NULL);
    write_watched(world, &releases);
    assert_int_equal(releases, 0);
    answer(world, CST_OK);
    assert_int_equal(releases, 1);
    cst_cork(world->s);
    write_watched(world, &releases);
    write_watched(world, &releases);
    cst_uncork(world->s);
    test_expect(world, "write:abc writev:abc+abc");
    assert_int_equal(releases, 1);
    answer(world, CST_OK);
    assert_int_equal(releases, 3);
}

static void end_undoes_every_cork(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_PENDING, NULL);
    cst_cork(world->s);
    cst_cork(world->s);
    write_text(world, "a", one);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("b"), test_on_done, three), CST_OK);
    assert_int_equal(cst_writable_corked(world->s), 0);
    answer(world, CST_OK);
    answer(world, CST_OK);
    test_expect(world, "write:a write:b 1 prefinish");
    test_run(world);
    test_expect(world, "3 finish destroy close");
}

static void an_end_may_write_a_copy(void **state)
{
    struct test_world *world = *state;
    char bytes[] = "ab";

    drive(world, &hand_ops, CST_PENDING, NULL);
    write_text(world, "x", one);
    assert_int_equal(cst_end_copy(world->s, NULL, 1, test_on_done, two), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_copy(world->s, bytes, 2, test_on_done, two), CST_OK);
    bytes[0] = 'y';
    answer(world, CST_OK);
    answer(world, CST_OK);
    test_expect(world, "write:x write:ab 1 prefinish");
    test_run(world);
    test_expect(world, "2 finish destroy close");
}

static void an_uncork_too_many_is_fine(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    assert_int_equal(cst_uncork(world->s), CST_OK);
    assert_int_equal(cst_writable_corked(world->s), 0);
    assert_int_equal(write_text(world, "a", one), CST_OK);
    test_expect(world, "write:a");
}

/* --- failures --------------------------------------------------------------------------------- */

static void a_write_that_fails_inside_its_slot_is_seen_at_once_and_told_by_a_task(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_USER(1), NULL);
    assert_int_equal(write_text(world, "a", one), CST_FULL);
    assert_int_equal(cst_errored(world->s)->status, CST_USER(1));
    assert_int_equal(cst_errored(world->s)->direction, CST_WRITING);
    assert_string_equal(cst_errored(world->s)->stage, "hand");
    assert_false(cst_is_destroyed(world->s));
    assert_false(cst_is_writable(world->s));
    test_expect(world, "write:a");
    test_run(world);
    test_expect(world, "1:USER destroy:USER error:USER close");
}

static void a_failure_while_uncorking_fails_each_and_the_end(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_USER(1), NULL);
    cst_cork(world->s);
    write_text(world, "a", one);
    write_text(world, "b", two);
    write_text(world, "c", three);
    assert_int_equal(end_it(world, four), CST_OK);
    assert_false(cst_is_destroyed(world->s));
    test_expect(world, "write:a write:b write:c");
    test_run(world);
    test_expect(world, "1:USER destroy:USER 2:USER 3:USER 4:USER error:USER close");
}

static void destroy_waits_for_the_write_that_is_out(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_PENDING, NULL);
    write_text(world, "a", one);
    write_text(world, "b", two);
    end_it(world, four);
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "write:a destroy close");
    answer(world, CST_OK);
    test_expect(world, "1 2:DESTROYED 4:DESTROYED");
}

static void destroy_with_an_error_gives_it_to_what_waits(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_PENDING, NULL);
    write_text(world, "a", one);
    write_text(world, "b", two);
    end_it(world, four);
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "write:a destroy:USER error:USER close");
    answer(world, CST_OK);
    test_expect(world, "1 2:USER 4:USER");
    test_run(world);
    test_expect(world, "");
}

static void a_second_answer_after_a_failure_changes_nothing(void **state)
{
    struct test_world *world = *state;
    cst_call call;

    drive(world, &hand_ops, CST_PENDING, NULL);
    write_text(world, "a", one);
    call = world->calls.list[0];
    cst_ref(world->s);
    answer(world, CST_USER(1));
    assert_int_equal(cst_complete(call, CST_OK), CST_OK);
    test_run(world);
    test_expect(world, "write:a 1:USER destroy:USER error:USER close");
    cst_unref(world->s);
}

static void without_auto_destroy_a_late_failure_is_said_at_once(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_PENDING, &(cst_opts){ .no_auto_destroy = true });
    write_text(world, "a", one);
    write_text(world, "b", two);
    answer(world, CST_USER(1));
    test_expect(world, "write:a 1:USER 2:USER error:USER");
    test_run(world);
    assert_false(cst_is_destroyed(world->s));
    assert_int_equal(write_text(world, "c", three), CST_FULL);
    test_run(world);
    test_expect(world, "");
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "destroy 3:USER close");
}

static void without_auto_destroy_finish_leaves_it_open_and_late_writes_are_errors(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, &(cst_opts){ .no_auto_destroy = true });
    end_it(world, three);
    test_run(world);
    test_expect(world, "prefinish 3 finish");
    assert_int_equal(write_text(world, "x", one), CST_E_WRITE_AFTER_END);
    test_run(world);
    test_expect(world, "1:WRITE_AFTER_END error:WRITE_AFTER_END");
    assert_false(cst_is_destroyed(world->s));
}

static void without_emit_close_finish_is_the_last_word(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, &(cst_opts){ .no_emit_close = true });
    end_it(world, three);
    test_run(world);
    test_expect(world, "prefinish 3 finish destroy");
    assert_true(cst_is_closed(world->s));
}

/* --- the end ---------------------------------------------------------------------------------- */

static void finish_waits_for_a_late_final(void **state)
{
    struct test_world *world = *state;

    drive(world, &final_ops, CST_PENDING, NULL);
    end_it(world, three);
    test_run(world);
    test_expect(world, "final");
    answer(world, CST_OK);
    test_expect(world, "prefinish");
    assert_false(cst_writable_finished(world->s));
    test_run(world);
    test_expect(world, "3 finish destroy close");
    assert_true(cst_writable_finished(world->s));
}

static void a_final_that_fails_inside_end_is_told_last(void **state)
{
    struct test_world *world = *state;

    drive(world, &final_ops, CST_USER(1), NULL);
    end_it(world, three);
    test_expect(world, "final destroy:USER");
    test_run(world);
    test_expect(world, "error:USER close 3:USER");
}

static void a_final_that_fails_late_is_told_first(void **state)
{
    struct test_world *world = *state;

    drive(world, &final_ops, CST_PENDING, NULL);
    end_it(world, three);
    answer(world, CST_USER(1));
    test_expect(world, "final 3:USER destroy:USER");
    test_run(world);
    test_expect(world, "error:USER close");
}

static void a_final_that_answers_twice_is_an_error(void **state)
{
    struct test_world *world = *state;
    cst_call call;

    drive(world, &final_ops, CST_PENDING, NULL);
    end_it(world, three);
    call = world->calls.list[0];
    answer(world, CST_OK);
    assert_int_equal(cst_complete(call, CST_OK), CST_OK);
    test_expect(world, "final prefinish destroy:MULTIPLE_CALLBACK");
    test_run(world);
    test_expect(world, "3 finish error:MULTIPLE_CALLBACK close");
}

static void each_end_before_finish_is_told(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    assert_int_equal(end_it(world, three), CST_OK);
    assert_int_equal(end_it(world, four), CST_OK);
    test_run(world);
    test_expect(world, "prefinish 3 4 finish destroy close");
    assert_int_equal(end_it(world, five), CST_E_ALREADY_FINISHED);
    test_run(world);
    test_expect(world, "5:ALREADY_FINISHED");
}

static void an_end_with_a_chunk_after_end_is_a_write_after_end(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    end_it(world, three);
    end_it(world, four);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("x"), test_on_done, five),
                     CST_E_WRITE_AFTER_END);
    test_expect(world, "prefinish destroy:WRITE_AFTER_END");
    test_run(world);
    test_expect(
        world, "3:WRITE_AFTER_END 4:WRITE_AFTER_END error:WRITE_AFTER_END close 5:WRITE_AFTER_END");
}

static void an_end_with_a_chunk_after_destroy_is_refused(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("x"), test_on_done, three),
                     CST_E_DESTROYED);
    test_run(world);
    test_expect(world, "destroy close 3:DESTROYED");
}

static void an_end_after_destroy_with_an_error_is_refused(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    cst_destroy(world->s, CST_USER(1));
    assert_int_equal(end_it(world, three), CST_E_DESTROYED);
    test_run(world);
    test_expect(world, "destroy:USER error:USER close 3:DESTROYED");
}

static void an_end_after_destroy_is_told_at_the_latest_when_the_stream_goes(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    cst_destroy(world->s, CST_OK);
    end_it(world, three);
    test_run(world);
    cst_unref(world->s);
    world->s = NULL;
    test_expect(world, "destroy close 3:DESTROYED");
}

static void a_destroy_right_after_end_takes_finish_away_unless_final_has_answered(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    end_it(world, three);
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "prefinish destroy 3:DESTROYED close");
    drive(world, &final_ops, CST_OK, NULL);
    end_it(world, three);
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "final prefinish destroy 3 finish close");
}

/* --- construct -------------------------------------------------------------------------------- */

static void writes_wait_for_construct(void **state)
{
    struct test_world *world = *state;

    drive(world, &construct_ops, CST_PENDING, NULL);
    write_text(world, "a", one);
    write_text(world, "b", two);
    end_it(world, four);
    test_run(world);
    test_expect(world, "construct");
    answer(world, CST_OK);
    test_run(world);
    test_expect(world, "write:a");
    answer(world, CST_USER(1));
    test_expect(world, "1:USER 2:USER 4:USER destroy:USER");
    test_run(world);
    test_expect(world, "error:USER close");
}

static void a_construct_that_fails_fails_what_waits(void **state)
{
    struct test_world *world = *state;

    drive(world, &construct_ops, CST_USER(1), NULL);
    write_text(world, "a", one);
    end_it(world, three);
    test_run(world);
    test_expect(world, "construct destroy:USER 1:USER 3:USER error:USER close");
}

static void a_destroy_under_construction_tells_the_callbacks_and_waits(void **state)
{
    struct test_world *world = *state;

    drive(world, &construct_ops, CST_PENDING, NULL);
    write_text(world, "a", one);
    end_it(world, three);
    test_run(world);
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "construct 1:USER 3:USER");
    answer(world, CST_OK);
    test_run(world);
    test_expect(world, "destroy:USER error:USER close");
}

static void a_construct_that_answers_twice_is_an_error(void **state)
{
    struct test_world *world = *state;
    cst_call call;

    drive(world, &construct_ops, CST_PENDING, NULL);
    test_run(world);
    call = world->calls.list[0];
    answer(world, CST_OK);
    assert_int_equal(cst_complete(call, CST_OK), CST_OK);
    test_run(world);
    test_expect(world, "construct destroy:MULTIPLE_CALLBACK error:MULTIPLE_CALLBACK close");
}

/* --- at the door ------------------------------------------------------------------------------ */

static void the_lengths_of_what_waits_cannot_overflow(void **state)
{
    struct test_world *world = *state;
    cst_slice huge = cst_slice_static("x", SIZE_MAX - 1);

    drive(world, &hand_ops, CST_OK, NULL);
    cst_cork(world->s);
    assert_int_equal(cst_write(world->s, huge, NULL, NULL), CST_FULL);
    assert_int_equal(cst_write(world->s, huge, test_on_done, one), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_end_with(world->s, huge, test_on_done, two), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_writable_length(world->s), SIZE_MAX - 1);
    assert_false(cst_writable_ended(world->s));
    assert_int_equal(write_text(world, "y", three), CST_FULL);
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "destroy 3:DESTROYED close");
}

static void without_memory_for_a_copy_or_an_end_nothing_has_changed(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_OK, NULL);
    test_heap_fail_from(&world->heap, 1);
    assert_int_equal(cst_write_copy(world->s, "a", 1, test_on_done, one), CST_E_NOMEM);
    assert_int_equal(write_text(world, "a", one), CST_E_NOMEM);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("a"), test_on_done, one), CST_E_NOMEM);
    assert_int_equal(cst_end_copy(world->s, "a", 1, NULL, NULL), CST_E_NOMEM);
    cst_cork(world->s);
    assert_int_equal(cst_write(world->s, cst_slice_str("a"), NULL, NULL), CST_E_NOMEM);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("a"), NULL, NULL), CST_E_NOMEM);
    test_heap_fail_never(&world->heap);
    assert_int_equal(cst_writable_length(world->s), 0);
    assert_int_equal(cst_writable_corked(world->s), 1);
    assert_false(cst_writable_ended(world->s));
    assert_int_equal(cst_uncork(world->s), CST_OK);
    assert_int_equal(write_text(world, "b", one), CST_OK);
    assert_int_equal(end_it(world, two), CST_OK);
    test_run(world);
    test_expect(world, "write:b prefinish 1 2 finish destroy close");
}

static void writers_are_refused_where_there_is_no_writable_side(void **state)
{
    static const cst_ops ops = { .name = "" };
    struct test_world *world = *state;
    cst_stream *r;

    assert_int_equal(cst_readable_new(&r, world->ctx, &ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_write_copy(r, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_write_copy(NULL, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end(NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_with(NULL, cst_slice_empty(), NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_copy(NULL, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_copy(r, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_cork(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_uncork(r), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(&r, world->ctx, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(&r, NULL, &hand_ops, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(NULL, world->ctx, &hand_ops, NULL, NULL), CST_E_INVALID_ARG);
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
    struct test_world *world = *state;
    cst_stream *r;

    assert_int_equal(cst_readable_new(&r, world->ctx, &ops, NULL, NULL), CST_OK);
    expect_no_writable_side(r);
    expect_no_writable_side(NULL);
}

static void the_state_follows_the_life(void **state)
{
    struct test_world *world = *state;

    drive(world, &hand_ops, CST_PENDING, &mark_2);
    assert_true(cst_is_writable(world->s));
    assert_int_equal(cst_writable_high_water_mark(world->s), 2);
    write_text(world, "abc", one);
    assert_true(cst_writable_need_drain(world->s));
    end_it(world, two);
    assert_false(cst_writable_need_drain(world->s));
    assert_true(cst_writable_ended(world->s));
    assert_false(cst_is_writable(world->s));
    assert_false(cst_writable_aborted(world->s));
    answer(world, CST_OK);
    assert_false(cst_writable_finished(world->s));
    test_run(world);
    assert_true(cst_writable_finished(world->s));
    assert_false(cst_writable_aborted(world->s));
    drive(world, &hand_ops, CST_OK, NULL);
    cst_destroy(world->s, CST_OK);
    assert_true(cst_writable_aborted(world->s));
    assert_false(cst_is_writable(world->s));
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
    struct test_world *world = *state;
    size_t calls[4] = { 0 };

    drive(world, &hand_ops, CST_PENDING, NULL);
    cst_write_copy(world->s, "a", 1, count_done, &calls[0]);
    cst_write_copy(world->s, "b", 1, count_done, &calls[1]);
    cst_end_with(world->s, cst_slice_str("c"), count_done, &calls[2]);
    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_write(world->s, cst_slice_str("d"), count_done, &calls[3]),
                     CST_E_WRITE_AFTER_END);
    assert_int_equal(cst_ctx_free(world->ctx), CST_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(calls[i], 1);
    assert_int_equal(world->heap.live_blocks, 0);
    assert_int_equal(cst_ctx_new(&world->ctx, test_heap_allocator(&world->heap), NULL), CST_OK);
}

#ifndef CST_NO_CACHE
static void write_steadily(struct test_world *world, size_t count, size_t *done)
{
    for (size_t i = 0; i < count; i++) {
        cst_buf buf;

        assert_int_equal(cst_buf_new_cached(&buf, world->ctx, 1024), CST_OK);
        assert_true(cst_write(world->s, cst_buf_freeze(&buf, 1024), count_done, done) >= 0);
        if (i % 3 != 2)
            continue;
        while (world->calls.pending)
            answer(world, CST_OK);
        test_run(world);
        test_trace_clear(&world->trace);
    }
}

static void steady_writes_allocate_nothing_whether_answered_at_once_or_late(void **state)
{
    static const cst_status answers[] = { CST_OK, CST_PENDING };
    struct test_world *world = *state;
    size_t done, calls;

    for (size_t i = 0; i < 2; i++) {
        drive(world, &hand_ops, answers[i], NULL);
        done = 0;
        write_steadily(world, 99, &done);
        calls = world->heap.calls;
        write_steadily(world, 9999, &done);
        assert_int_equal(done, 99 + 9999);
        assert_int_equal(world->heap.calls, calls);
    }
}
#endif

/* --- from inside ------------------------------------------------------------------------------ */

/* In a mode, when a place is first reached, an action: three words. Traces were recorded from Node
 * 26.10.0. */
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
    struct test_world *world;
    struct test_stage *hand;
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
        cst_end(s, test_on_done, y);
    } else {
        cst_status st = cst_write(s, cst_slice_str("x"), test_on_done, x);

        in->owed++;
        test_trace_add(&in->world->trace, "write=%s", st == CST_OK ? "true" : "false");
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

/* Run and answer until nothing is left to do. */
static void pump(struct test_world *world)
{
    test_run(world);
    while (world->calls.pending) {
        test_trace_add(&world->trace, "|");
        answer(world, CST_OK);
        test_run(world);
    }
}

static void run_cell(struct test_world *world, struct inside *in)
{
    in->hand = drive(world, &final_ops, is(in->mode, "late") ? CST_PENDING : CST_OK, &mark_2);
    test_trace_clear(&world->trace);
    in->hand->act = act_inside;
    in->hand->act_arg = in;
    in->owed++;
    write_text(world, "a", one);
    if (!in->gone) {
        in->owed++;
        write_text(world, "bc", two);
    }
    pump(world);
    if (!in->gone) {
        test_trace_add(&world->trace, "|");
        in->owed++;
        end_it(world, three);
        pump(world);
    }
    assert_true(in->used);
}

static void check_cell(struct test_world *world, const struct cell *cell)
{
    struct inside in = { .world = world };
    size_t len = strlen(cell->trace);

    assert_int_equal(sscanf(cell->what, "%11s %11s %11s", in.mode, in.place, in.action), 3);
    run_cell(world, &in);
    if (!in.gone)
        cst_unref(world->s); /* now callbacks are told that in Node never would be */
    world->s = NULL;
    world->trace.text[len] =
        strncmp(world->trace.text, cell->trace, len) ? world->trace.text[len] : '\0';
    if (!is(world->trace.text, cell->trace))
        print_error("%s\n", cell->what);
    test_expect(world, cell->trace);
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

static void count_owed(struct life *life, cst_status st)
{
    if (st != CST_E_NOMEM)
        life->owed++;
}

/* Queues, batches, ends and refusals. */
static void live_a_life(struct life *life)
{
    cst_stream *s = life->s;

    cst_on(s, CST_DRAIN, test_ignore, NULL);
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

/* Return whether a request failed. */
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

/* --- a completion by which the next write begins ---------------------------------------------- */

/* `b` answers late; inside `c` two more are written. */
static cst_status write_more(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_stage *stage = self;

    test_trace_add(&stage->world->trace, "w:write:%.*s", (int)chunk->len,
                   (const char *)chunk->data);
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
    test_trace_add(&stage->world->trace, "w:writev:%zu", count);
    return CST_OK;
}

static void what_a_slot_writes_while_the_queue_goes_one_by_one_does_so_too(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .write = write_more,
                                 .writev = write_more_at_once };
    struct test_world *world = *state;
    struct test_stage self = { .world = world }, *stage;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, world->ctx, &ops, &self, NULL), CST_OK);
    stage = cst_stream_self(s);
    assert_int_equal(cst_write(s, cst_slice_str("b"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("c"), NULL, NULL), CST_OK);
    assert_int_equal(cst_complete(stage->call, CST_OK), CST_OK);
    test_expect(world, "w:write:b w:write:c w:write:d w:write:e");
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
    struct test_world *world = *state;
    const cst_opts opts = { .high_water_mark = 2 };
    struct two_words words = { .trace = &world->trace, .ctx = world->ctx };
    struct test_stage *stage;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, world->ctx, &ops, NULL, &opts), CST_OK);
    test_listen_as(world, s, "w");
    stage = cst_stream_self(s);
    assert_int_equal(cst_write(s, cst_slice_str("a"), on_done, word), CST_OK);
    assert_int_equal(cst_defer(world->ctx, &words.first, say_first, &words), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("b"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("x"), NULL, NULL), CST_FULL);
    assert_int_equal(cst_complete(stage->call, CST_OK), CST_OK);
    assert_int_equal(cst_end(s, NULL, NULL), CST_OK);
    test_trace_clear(&world->trace);
    test_run(world);
    test_expect(world, "1:OK first w:finish second w:close");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

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

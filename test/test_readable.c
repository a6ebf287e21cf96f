/* test_readable.c - readable.h and event.h: how chunks come out, and who hears of them. */
#include "world.h"

#include <string.h>

/* world->s: a mark of 8 bytes, no read slot. */
static int set_up(void **state)
{
    struct test_world *world;

    test_world_setup(state);
    world = *state;
    assert_int_equal(cst_readable_new(&world->s, world->ctx, &test_source_ops, NULL,
                                      &(cst_opts){ .high_water_mark = 8 }),
                     CST_OK);
    test_listen_as(world, world->s, "r");
    return 0;
}

static void on_readable(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    test_trace_add(arg, "readable");
}

static void expect_read(struct test_world *world, size_t size, const char *text)
{
    cst_slice chunk = cst_slice_empty();

    assert_int_equal(cst_read(&chunk, world->s, size), CST_OK);
    assert_int_equal(chunk.len, strlen(text));
    assert_memory_equal(chunk.data, text, chunk.len);
    cst_slice_unref(&chunk);
}

static void push_says_when_to_hold(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_push(world->s, cst_slice_str("abcd")), CST_OK);
    assert_int_equal(cst_push(world->s, cst_slice_str("efgh")), CST_FULL);
    assert_int_equal(cst_readable_length(world->s), 8);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_UNSET);
}

static void without_a_read_slot_a_stream_waits_for_pushes(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_EMPTY);
    test_run(world);
    assert_int_equal(cst_on(world->s, CST_DATA, test_on_event, world), CST_OK);
    test_run(world);
    test_expect(world, "r:resume");
    assert_null(cst_errored(world->s));
    cst_push(world->s, cst_slice_str("a"));
    test_expect(world, "data:a");
}

static void read_gives_whole_chunks_or_just_so_many_bytes(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    cst_push(world->s, cst_slice_str("ab"));
    cst_push(world->s, cst_slice_str("cd"));
    cst_push(world->s, cst_slice_str("efg"));
    expect_read(world, CST_READ_ANY, "ab");
    expect_read(world, 3, "cde");
    expect_read(world, 1, "f");
    assert_int_equal(cst_read(&chunk, world->s, 2), CST_EMPTY);
    cst_push_eof(world->s);
    expect_read(world, 2, "g");
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_EOF);
    test_run(world);
    test_expect(world, "r:end r:destroy r:close");
}

static void flowing_hands_chunks_to_the_listener_inside_push(void **state)
{
    struct test_world *world = *state;

    cst_push(world->s, cst_slice_str("a"));
    assert_int_equal(cst_on(world->s, CST_DATA, test_on_event, world), CST_OK);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_ON);
    test_expect(world, "");
    test_run(world);
    test_expect(world, "r:resume data:a");
    cst_push(world->s, cst_slice_str("b"));
    test_expect(world, "data:b");
    cst_pause(world->s);
    cst_push(world->s, cst_slice_str("c"));
    test_expect(world, "r:pause");
    cst_resume(world->s);
    test_run(world);
    test_expect(world,
                /* by the task that would have said 'readable', which was queued first */
                "data:c r:resume");
}

static void readable_is_said_by_a_task_and_stops_the_flow(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_on(world->s, CST_READABLE, on_readable, &world->trace), CST_OK);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_OFF);
    test_run(world);
    cst_push(world->s, cst_slice_str("a"));
    test_expect(world, "");
    test_run(world);
    test_expect(world, "readable");
    expect_read(world, CST_READ_ANY, "a");
    cst_push_eof(world->s);
    test_expect(world, "readable");
    assert_int_equal(cst_off(world->s, CST_READABLE, on_readable, &world->trace), CST_OK);
    assert_int_equal(cst_off(world->s, CST_READABLE, on_readable, &world->trace), CST_EMPTY);
}

static void unshift_comes_first_until_the_end_is_said(void **state)
{
    struct test_world *world = *state;

    cst_push(world->s, cst_slice_str("b"));
    cst_push_eof(world->s);
    assert_int_equal(cst_unshift(world->s, cst_slice_str("a")), CST_FULL);
    expect_read(world, CST_READ_ANY, "a");
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "r:resume r:end r:destroy r:close");
    assert_int_equal(cst_unshift(world->s, cst_slice_str("c")), CST_E_UNSHIFT_AFTER_END_EVENT);
}

static void a_copy_is_unshifted_as_a_chunk_is(void **state)
{
    struct test_world *world = *state;
    char bytes[] = "ab";

    cst_push(world->s, cst_slice_str("c"));
    assert_int_equal(cst_unshift_copy(world->s, bytes, 2), CST_OK);
    bytes[0] = 'x';
    expect_read(world, CST_READ_ANY, "ab");
    assert_int_equal(cst_unshift_copy(world->s, NULL, 0), CST_OK);
    expect_read(world, CST_READ_ANY, "c");
    assert_int_equal(cst_unshift_copy(NULL, bytes, 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift_copy(world->s, NULL, 1), CST_E_INVALID_ARG);
    test_run(world);
    assert_int_equal(cst_errored(world->s)->status, CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift_copy(world->s, bytes, 2), CST_E_DESTROYED);
}

static void a_push_after_eof_fails_the_stream(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_push_eof(world->s), CST_EOF);
    assert_int_equal(cst_push_eof(world->s), CST_EOF);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_E_PUSH_AFTER_EOF);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_E_PUSH_AFTER_EOF);
    test_run(world);
    test_expect(world, "r:destroy r:error:PUSH_AFTER_EOF r:close");
}

static void a_larger_read_raises_the_mark_to_a_power_of_two(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, world->s, 9), CST_EMPTY);
    assert_int_equal(cst_readable_high_water_mark(world->s), 16);
    assert_int_equal(cst_read(&chunk, world->s, ((size_t)1 << 30) + 1), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_readable_high_water_mark(world->s), 16);
}

static void a_read_that_finds_no_memory_to_join_loses_nothing(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    cst_push(world->s, cst_slice_str("ab"));
    cst_push(world->s, cst_slice_str("cd"));
    test_heap_fail_from(&world->heap, 1);
    assert_int_equal(cst_read(&chunk, world->s, 3), CST_E_NOMEM);
    test_heap_fail_never(&world->heap);
    assert_int_equal(cst_readable_length(world->s), 4);
    expect_read(world, 3, "abc");
}

struct counter {
    unsigned calls, most;
};

static cst_status give_letters(cst_stream *s, void *self, size_t size)
{
    struct counter *counter = self;

    (void)size;
    if (counter->calls == counter->most)
        return cst_push_eof(s);
    return cst_give(s, cst_slice_static(&"abcdefgh"[counter->calls++], 1));
}

static void a_read_slot_gives_chunks_until_eof_and_cst_next_follows(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct counter), .read = give_letters };
    struct test_world *world = *state;
    cst_slice chunk;
    cst_stream *s;
    cst_status st;

    assert_int_equal(cst_readable_new(&s, world->ctx, &ops, &(struct counter){ .most = 3 }, NULL),
                     CST_OK);
    while ((st = cst_next(&chunk, s)) >= 0 && st != CST_EOF) {
        if (st == CST_OK) {
            test_trace_add(&world->trace, "%c", chunk.data[0]);
            cst_slice_unref(&chunk);
        } else {
            test_run(world);
        }
    }
    assert_int_equal(st, CST_EOF);
    test_expect(world, "a b c");
}

static void on_data_end_it_all(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

static void a_stream_may_be_destroyed_and_let_go_of_in_its_own_listener(void **state)
{
    struct test_world *world = *state;

    cst_on(world->s, CST_DATA, on_data_end_it_all, world);
    cst_push(world->s, cst_slice_str("a"));
    test_run(world);
    test_expect(world, "r:resume data:a r:destroy r:close");
}

static void on_data_remove_next(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;

    (void)event;
    test_trace_add(&world->trace, "first");
    cst_off(s, CST_DATA, test_on_event, arg);
}

static void a_listener_removed_while_its_event_is_emitted_is_called_once_more(void **state)
{
    struct test_world *world = *state;

    cst_on(world->s, CST_DATA, on_data_remove_next, world);
    cst_on(world->s, CST_DATA, test_on_event, world);
    assert_int_equal(cst_listener_count(world->s, CST_DATA), 2);
    test_run(world);
    test_trace_clear(&world->trace);
    cst_push(world->s, cst_slice_str("a"));
    test_expect(world, "first data:a");
    cst_push(world->s, cst_slice_str("b"));
    test_expect(world, "first");
    assert_int_equal(cst_off_all(world->s, CST_DATA), CST_OK);
    assert_int_equal(cst_listener_count(world->s, CST_DATA), 0);
}

static void a_once_listener_is_called_once(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_once(world->s, CST_DATA, test_on_event, world), CST_OK);
    test_run(world);
    test_trace_clear(&world->trace);
    cst_push(world->s, cst_slice_str("a"));
    cst_push(world->s, cst_slice_str("b"));
    test_run(world);
    test_expect(world, "data:a");
}

static void object_mode_keeps_messages_apart_the_empty_one_too(void **state)
{
    struct test_world *world = *state;
    const cst_opts opts = { .object_mode = true, .high_water_mark = 2 };

    cst_unref(world->s);
    assert_int_equal(cst_readable_new(&world->s, world->ctx, &test_source_ops, NULL, &opts),
                     CST_OK);
    test_listen_as(world, world->s, "o");
    assert_int_equal(cst_push(world->s, cst_slice_empty()), CST_OK);
    assert_int_equal(cst_push(world->s, cst_slice_str("ab")), CST_FULL);
    assert_int_equal(cst_readable_length(world->s), 2);
    expect_read(world, CST_READ_ANY, "");
    expect_read(world, 1, "ab");
}

static void wrong_streams_and_events_are_refused(void **state)
{
    struct test_world *world = *state;
    cst_stream *w;
    cst_slice chunk;

    assert_int_equal(cst_writable_new(&w, world->ctx, &test_sink_ops, NULL, NULL), CST_OK);
    test_listen_as(world, w, "w");
    assert_int_equal(cst_push(w, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_push(NULL, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_copy(world->s, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_eof(w), CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift(w, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(&chunk, w, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(NULL, world->s, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_next(&chunk, w), CST_E_INVALID_ARG);
    assert_int_equal(cst_pause(w), CST_E_INVALID_ARG);
    assert_int_equal(cst_resume(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_on(NULL, CST_DATA, test_on_event, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_on(world->s, CST_DATA, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_on(world->s, CST_EVENT_TYPES_, test_on_event, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_give(world->s, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_complete(cst_this_call(world->s), CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_destroy(NULL, CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_destroy(world->s, CST_FULL), CST_E_INVALID_ARG);
}

/* --- a source driven by hand ------------------------------------------------------------------ */

static const cst_ops hand_ops = { .name = "hand",
                                  .self_size = sizeof(struct test_stage),
                                  .read = test_stage_read,
                                  .destroy = test_stage_destroy };

static const char *const three[] = { "a", "b", "c", NULL };

/* Replace world->s by a stream whose read slot is driven by hand; all events but 'data' and
 * 'readable' are recorded. */
static struct test_stage *drive(struct test_world *world, const cst_opts *opts)
{
    cst_unref(world->s);
    return test_drive(world, cst_readable_new, &hand_ops, opts);
}

static const cst_ops plain_ops = { .name = "plain" };

static const cst_opts mark_2 = { .high_water_mark = 2 };

static void the_read_slot_is_asked_for_more_before_a_chunk_is_handed_out(void **state)
{
    struct test_world *world = *state;

    for (int give = 0; give <= 1; give++) {
        struct test_stage *hand = drive(world, NULL);

        hand->chunks = three;
        hand->give = give;
        test_listen(world->s, CST_DATA);
        test_run(world);
        test_expect(world, "read resume read data:a read data:b read data:c end destroy close");
    }
}

static void what_is_pushed_before_the_first_read_waits_for_a_task(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    test_listen(world->s, CST_DATA);
    assert_int_equal(cst_push(world->s, cst_slice_str("a")), CST_OK);
    assert_int_equal(cst_readable_length(world->s), 1);
    test_expect(world, "");
    test_run(world);
    test_expect(world, "read resume data:a");
    cst_push(world->s, cst_slice_str("b"));
    test_expect(world, "data:b");
    test_run(world);
    test_expect(world, "read");
    cst_push(world->s, cst_slice_str("c"));
    cst_push_eof(world->s);
    test_expect(world, "data:c");
    test_run(world);
    test_expect(world, "end destroy close");
}

/* Take two bytes of its own stream, once. */
static cst_status read_two_inside(cst_stream *s, void *self, size_t size)
{
    bool *has_read = self;
    cst_slice chunk;

    (void)size;
    if (*has_read)
        return CST_OK;
    *has_read = true;
    assert_int_equal(cst_read(&chunk, s, 2), CST_OK);
    cst_slice_unref(&chunk);
    return CST_OK;
}

/* Node returns what is left then, and a length of -1. */
static void a_read_inside_the_read_slot_keeps_the_count(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(bool), .read = read_two_inside };
    struct test_world *world = *state;
    cst_slice chunk;

    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_readable_new(&world->s, world->ctx, &ops, NULL, NULL), CST_OK);
    cst_push(world->s, cst_slice_str("abcd"));
    assert_int_equal(cst_read(&chunk, world->s, 3), CST_EMPTY);
    assert_int_equal(cst_readable_length(world->s), 2);
    cst_push(world->s, cst_slice_str("e"));
    expect_read(world, 3, "cde");
    assert_int_equal(cst_readable_length(world->s), 0);
}

/* The call of the read slot that has no chunk to push puts two bytes back instead. */
static void unshift_at_the_last(cst_stream *s, const char *word, void *arg)
{
    struct test_stage *hand = cst_stream_self(s);

    (void)arg;
    if (strcmp(word, "read") != 0 || *hand->chunks)
        return;
    hand->chunks = NULL;
    hand->act = NULL;
    assert_int_equal(cst_unshift(s, cst_slice_str("xx")), CST_OK);
}

/* As many bytes as the first chunk had before the slot was called. */
static void an_unshift_inside_the_read_slot_goes_in_front_of_what_is_handed_out(void **state)
{
    static const char *const chunks[] = { "aaaa", "bbbb", "cccc", NULL };
    static const cst_ops sink_ops = { .self_size = sizeof(struct test_stage),
                                      .write = test_stage_write };
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, &(cst_opts){ .high_water_mark = 8 });
    const struct test_stage sink = { .world = world };
    cst_stream *w;

    *hand = (struct test_stage){ .world = world, .chunks = chunks };
    hand->act = unshift_at_the_last;
    assert_int_equal(cst_writable_new(&w, world->ctx, &sink_ops, &sink, NULL), CST_OK);
    cst_pipe(world->s, w, NULL);
    test_run(world);
    test_expect(world, "read resume read write:aaaa read write:bbbb read write:xxcc write:cc");
    assert_int_equal(cst_readable_length(world->s), 0);
}

static void reading_ahead_goes_to_the_mark_and_no_further(void **state)
{
    static const char *const fours[] = { "aaaa", "bbbb", "cccc", "dddd", NULL };
    struct test_world *world = *state;

    drive(world, &(cst_opts){ .high_water_mark = 10 })->chunks = fours;
    assert_int_equal(cst_read(NULL, world->s, 0), CST_EMPTY);
    assert_int_equal(cst_readable_length(world->s), 4);
    test_run(world);
    assert_int_equal(cst_readable_length(world->s), 12);
    test_expect(world, "read read read");
}

static void reading_ahead_goes_on_while_paused(void **state)
{
    struct test_world *world = *state;

    drive(world, &mark_2)->chunks = three;
    cst_pause(world->s);
    cst_read(NULL, world->s, 0);
    test_run(world);
    test_expect(world, "pause read read");
    assert_int_equal(cst_readable_length(world->s), 2);
}

static void an_empty_push_in_the_read_slot_is_tried_once_more(void **state)
{
    static const char *const empties[] = { "", "", "", "", NULL };
    struct test_world *world = *state;

    drive(world, NULL)->chunks = empties;
    cst_read(NULL, world->s, 0);
    test_run(world);
    test_expect(world, "read read");
}

static void a_mark_of_zero_never_reads_ahead(void **state)
{
    struct test_world *world = *state;

    drive(world, &(cst_opts){ .high_water_mark = CST_HWM_ZERO })->chunks = three;
    assert_int_equal(cst_readable_high_water_mark(world->s), 0);
    expect_read(world, CST_READ_ANY, "a");
    test_run(world);
    test_expect(world, "read");
    assert_int_equal(cst_push(world->s, cst_slice_empty()), CST_OK);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_FULL);
    test_listen(world->s, CST_DATA);
    test_run(world);
    test_expect(world, "resume data:x read data:b read data:c read end destroy close");
}

static void a_read_slot_that_fails_fails_the_stream(void **state)
{
    static const char *const none[] = { NULL };
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, NULL);
    cst_slice chunk;

    hand->chunks = none;
    hand->read_fails = CST_USER(3);
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_EMPTY);
    test_expect(world, "read destroy:USER");
    assert_int_equal(cst_errored(world->s)->status, CST_USER(3));
    assert_int_equal(cst_errored(world->s)->direction, CST_READING);
    assert_string_equal(cst_errored(world->s)->stage, "hand");
    test_run(world);
    test_expect(world, "error:USER close");
}

static void without_auto_destroy_the_error_comes_at_once_and_no_close(void **state)
{
    static const char *const none[] = { NULL };
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, &(cst_opts){ .no_auto_destroy = true });

    hand->chunks = none;
    hand->read_fails = CST_USER(3);
    cst_read(NULL, world->s, 0);
    test_expect(world, "read error:USER");
    test_run(world);
    test_expect(world, "");
    assert_false(cst_is_destroyed(world->s));
    assert_true(cst_readable_aborted(world->s));
    assert_int_equal(cst_destroy(world->s, CST_OK), CST_OK);
    test_run(world);
    test_expect(world, "destroy close");
}

static void without_auto_destroy_the_end_leaves_it_open(void **state)
{
    struct test_world *world = *state;

    drive(world, &(cst_opts){ .no_auto_destroy = true })->chunks = three;
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "read resume read read read end");
    assert_false(cst_is_destroyed(world->s));
}

static void without_emit_close_nothing_is_said_at_the_end(void **state)
{
    struct test_world *world = *state;

    drive(world, &(cst_opts){ .no_emit_close = true });
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy:USER error:USER");
    assert_true(cst_is_closed(world->s));
}

static void a_chunk_is_given_once_and_only_inside_the_slot(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    assert_int_equal(cst_give(world->s, cst_slice_str("a")), CST_E_INVALID_ARG);
    assert_int_equal(cst_give(NULL, cst_slice_str("a")), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_length(world->s), 0);
}

/* --- pause, resume, the flow ------------------------------------------------------------------ */

static void pause_is_said_once_and_at_once(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    assert_false(cst_is_paused(world->s));
    assert_int_equal(cst_pause(world->s), CST_OK);
    assert_int_equal(cst_pause(world->s), CST_OK);
    test_expect(world, "pause");
    assert_true(cst_is_paused(world->s));
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_OFF);
    test_listen(world->s, CST_DATA);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_OFF);
}

static void resume_is_said_once_for_many_and_by_a_task(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    assert_int_equal(cst_resume(world->s), CST_OK);
    assert_int_equal(cst_resume(world->s), CST_OK);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_ON);
    assert_false(cst_is_paused(world->s));
    test_expect(world, "");
    test_run(world);
    test_expect(world, "read resume");
}

static void a_pause_before_the_task_of_resume_keeps_the_chunks(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    cst_push(world->s, cst_slice_str("a"));
    test_listen(world->s, CST_DATA);
    cst_pause(world->s);
    test_run(world);
    test_expect(world, "pause read resume");
    assert_int_equal(cst_readable_length(world->s), 1);
}

static void after_destroy_pause_and_resume_do_nothing(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_pause(world->s), CST_OK);
    assert_int_equal(cst_resume(world->s), CST_OK);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_UNSET);
    test_run(world);
    test_expect(world, "destroy close");
}

static void what_flows_after_the_last_data_listener_is_gone_is_lost(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    test_listen(world->s, CST_DATA);
    test_run(world);
    assert_int_equal(cst_off(world->s, CST_DATA, test_on_event, NULL), CST_OK);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_ON);
    test_trace_clear(&world->trace);
    cst_push(world->s, cst_slice_str("lost"));
    test_run(world);
    test_expect(world, "read");
    assert_int_equal(cst_readable_length(world->s), 0);
}

/* --- 'readable' ------------------------------------------------------------------------------- */

static void drain_it(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;

    test_on_event(s, event, NULL);
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(arg, "took:%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void take_one(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;

    test_on_event(s, event, NULL);
    if (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(arg, "took:%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void readable_that_is_not_drained_above_the_mark_is_not_said_again(void **state)
{
    struct test_world *world = *state;

    drive(world, &mark_2);
    test_listen(world->s, CST_READABLE);
    cst_push(world->s, cst_slice_str("abc"));
    test_run(world);
    test_expect(world, "readable");
    cst_push(world->s, cst_slice_str("d"));
    test_run(world);
    test_expect(world, "");
    expect_read(world, CST_READ_ANY, "abc");
    cst_push(world->s, cst_slice_str("e"));
    test_run(world);
    test_expect(world, "read");
    cst_push(world->s, cst_slice_str("f"));
    cst_push_eof(world->s);
    test_expect(world, "readable");
}

static void two_pushes_said_as_one_need_another_to_be_said_again(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    assert_int_equal(cst_on(world->s, CST_READABLE, take_one, &world->trace), CST_OK);
    test_run(world);
    cst_push(world->s, cst_slice_str("foo"));
    cst_push(world->s, cst_slice_str("bar"));
    test_run(world);
    test_expect(world, "read readable read took:foo");
    cst_push(world->s, cst_slice_str("quo"));
    test_run(world);
    test_expect(world, "readable read took:bar");
    cst_push_eof(world->s);
    test_run(world);
    test_expect(world, "readable took:quo end destroy close");
}

static void one_chunk_a_call_brings_a_readable_too_many_at_the_end(void **state)
{
    static const char *const six[] = { "a", "b", "c", "d", "e", "f", NULL };
    struct test_world *world = *state;

    drive(world, &(cst_opts){ .high_water_mark = 100 })->chunks = six;
    assert_int_equal(cst_on(world->s, CST_READABLE, drain_it, &world->trace), CST_OK);
    test_run(world);
    test_expect(world,
                "read readable read took:a read took:b read took:c read took:d read took:e read "
                "took:f readable readable end destroy close");
}

static void readable_said_for_an_end_that_was_there_before_the_listener(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    cst_push_eof(world->s);
    test_listen(world->s, CST_READABLE);
    test_run(world);
    test_expect(world, "readable end destroy close");
}

static void taking_the_readable_listener_away_gives_the_flow_back(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    test_listen(world->s, CST_READABLE);
    test_listen(world->s, CST_DATA);
    test_run(world);
    cst_push(world->s, cst_slice_str("a"));
    test_run(world);
    test_expect(world, "read readable read");
    assert_int_equal(cst_off(world->s, CST_READABLE, test_on_event, NULL), CST_OK);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_OFF);
    test_run(world);
    test_expect(world, "resume data:a");
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_ON);
}

static void the_last_readable_listener_gone_nobody_reads(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    test_listen(world->s, CST_READABLE);
    cst_off_all(world->s, CST_READABLE);
    test_run(world);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_UNSET);
    test_expect(world, "read");
}

/* Node looks at the mode anew whenever such a listener is removed, there or not. */
static void a_readable_listener_that_is_not_there_gives_the_flow_back_too(void **state)
{
    struct test_world *world = *state;

    for (int all = 0; all <= 1; all++) {
        drive(world, NULL);
        cst_push(world->s, cst_slice_str("a"));
        cst_pause(world->s);
        if (all)
            assert_int_equal(cst_off_all(world->s, CST_READABLE), CST_OK);
        else
            assert_int_equal(cst_off(world->s, CST_READABLE, test_on_event, NULL), CST_EMPTY);
        assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_OFF);
        test_run(world);
        assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_UNSET);
        assert_true(cst_is_paused(world->s));
        test_expect(world, "pause read");
        test_listen(world->s, CST_DATA);
        test_run(world);
        test_expect(world, "resume data:a");
    }
}

static void all_data_listeners_gone_at_once_somebody_still_seems_to_read(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    test_listen(world->s, CST_DATA);
    test_listen(world->s, CST_READABLE);
    cst_off_all(world->s, CST_DATA);
    cst_push(world->s, cst_slice_str("a"));
    cst_off_all(world->s, CST_READABLE);
    test_run(world);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_ON);
    assert_int_equal(cst_readable_length(world->s), 0);
    test_expect(world, "read resume resume");
}

static void a_read_of_exactly_the_rest_does_not_end_and_one_more_does(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    cst_push(world->s, cst_slice_str("ab"));
    cst_push_eof(world->s);
    expect_read(world, 2, "ab");
    test_run(world);
    test_expect(world, "");
    assert_int_equal(cst_read(NULL, world->s, 0), CST_EOF);
    test_run(world);
    test_expect(world, "end destroy close");
}

/* --- marks and modes -------------------------------------------------------------------------- */

static void the_mark_grows_to_powers_of_two_and_never_shrinks(void **state)
{
    static const struct {
        size_t size, mark;
    } steps[] = { { 1, 1 },     { 2, 2 },         { 5, 8 },
                  { 7, 8 },     { 5000, 8192 },   { 16385, 32768 },
                  { 1, 32768 }, { 32768, 32768 }, { (size_t)1 << 30, (size_t)1 << 30 } };
    struct test_world *world = *state;
    cst_slice chunk;

    drive(world, &(cst_opts){ .high_water_mark = 1 });
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(cst_read(&chunk, world->s, steps[i].size), CST_EMPTY);
        assert_int_equal(cst_readable_high_water_mark(world->s), steps[i].mark);
    }
}

static void a_larger_read_raises_the_mark_in_object_mode_too(void **state)
{
    struct test_world *world = *state;

    drive(world, &(cst_opts){ .object_mode = true });
    assert_int_equal(cst_readable_high_water_mark(world->s), 16);
    assert_true(cst_readable_object_mode(world->s));
    cst_push(world->s, cst_slice_str("a message"));
    expect_read(world, 17, "a message");
    assert_int_equal(cst_readable_high_water_mark(world->s), 32);
}

static void an_empty_message_does_not_end_the_flow(void **state)
{
    static const char *const messages[] = { "a", "", "b", NULL };
    struct test_world *world = *state;

    drive(world, &(cst_opts){ .object_mode = true })->chunks = messages;
    test_listen(world->s, CST_DATA);
    test_run(world);
    test_expect(world, "read resume read data:a read data: read data:b end destroy close");
}

static void the_default_marks_are_the_context_s(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    assert_int_equal(cst_readable_high_water_mark(world->s), 65536);
    cst_ctx_set_default_high_water_mark(world->ctx, false, 77);
    assert_int_equal(cst_readable_high_water_mark(world->s), 65536);
    drive(world, NULL);
    assert_int_equal(cst_readable_high_water_mark(world->s), 77);
}

/* --- refusals and losses ---------------------------------------------------------------------- */

static void after_destroy_chunks_are_dropped_without_an_error(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_push_copy(world->s, "x", 1), CST_E_DESTROYED);
    assert_int_equal(cst_unshift(world->s, cst_slice_str("x")), CST_E_DESTROYED);
    assert_int_equal(cst_push_eof(world->s), CST_EOF);
    test_run(world);
    test_expect(world, "destroy close");
}

static void lengths_that_do_not_fit_fail_the_stream(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    assert_int_equal(cst_push(world->s, cst_slice_static("x", SIZE_MAX)), CST_FULL);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_readable_length(world->s), SIZE_MAX);
    test_run(world);
    test_expect(world, "destroy:OUT_OF_RANGE error:OUT_OF_RANGE close");
}

static void a_push_without_memory_fails_the_stream(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    test_heap_fail_from(&world->heap, 1);
    assert_int_equal(cst_push_copy(world->s, "abc", 3), CST_E_NOMEM);
    test_heap_fail_never(&world->heap);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_E_DESTROYED);
    test_run(world);
    test_expect(world, "destroy:NOMEM error:NOMEM close");
}

static void an_unshift_without_memory_fails_the_stream(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    test_heap_fail_from(&world->heap, 1);
    assert_int_equal(cst_unshift_copy(world->s, "abc", 3), CST_E_NOMEM);
    test_heap_fail_never(&world->heap);
    test_run(world);
    test_expect(world, "destroy:NOMEM error:NOMEM close");
}

static void a_buffer_that_cannot_grow_fails_the_stream_and_keeps_what_it_had(void **state)
{
    struct test_world *world = *state;
    size_t pushed = 0;
    cst_status st;

    drive(world, NULL);
    test_heap_fail_from(&world->heap, 1);
    while ((st = cst_push(world->s, cst_slice_str("x"))) == CST_OK)
        pushed++;
    test_heap_fail_never(&world->heap);
    assert_int_equal(st, CST_E_NOMEM);
    assert_int_equal(cst_readable_length(world->s), pushed);
    test_run(world);
    test_expect(world, "destroy:NOMEM error:NOMEM close");
}

static void cst_next_says_why_there_is_no_chunk(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    drive(world, NULL);
    assert_int_equal(cst_next(NULL, world->s), CST_E_INVALID_ARG);
    assert_int_equal(cst_next(&chunk, world->s), CST_EMPTY);
    cst_push_eof(world->s);
    assert_int_equal(cst_next(&chunk, world->s), CST_EMPTY);
    test_run(world);
    assert_int_equal(cst_next(&chunk, world->s), CST_EOF);
    drive(world, NULL);
    cst_push(world->s, cst_slice_str("x"));
    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_next(&chunk, world->s), CST_E_PREMATURE_CLOSE);
    drive(world, NULL);
    cst_destroy(world->s, CST_USER(4));
    assert_int_equal(cst_next(&chunk, world->s), CST_USER(4));
}

static void drive_unheard(struct test_world *world, const cst_opts *opts)
{
    drive(world, opts);
    assert_int_equal(cst_off_all(world->s, CST_ERROR), CST_OK);
}

/* Each before 'error' is emitted, or after that: the call that waits gets it. */
static void an_error_that_cst_next_hands_over_is_handled(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    drive_unheard(world, NULL);
    cst_destroy(world->s, CST_USER(4));
    assert_int_equal(cst_next(&chunk, world->s), CST_USER(4));
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_next(&chunk, world->s), CST_USER(4));
    drive_unheard(world, NULL);
    assert_int_equal(cst_next(&chunk, world->s), CST_EMPTY);
    cst_destroy(world->s, CST_USER(5));
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_next(&chunk, world->s), CST_USER(5));
    assert_int_equal(cst_next(&chunk, world->s), CST_USER(5));
    drive_unheard(world, &(cst_opts){ .no_auto_destroy = true });
    cst_push_eof(world->s);
    cst_push(world->s, cst_slice_str("late"));
    assert_int_equal(cst_next(&chunk, world->s), CST_E_PUSH_AFTER_EOF);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED); /* it was emitted before */
}

/* What was said before anybody asked, or to somebody who only reads, is for the host. */
static void an_error_that_no_cst_next_waits_for_is_not_handled(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    drive_unheard(world, NULL);
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_EMPTY);
    cst_destroy(world->s, CST_USER(4));
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_EMPTY);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    assert_int_equal(cst_next(&chunk, world->s), CST_USER(4));
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
}

static void readers_are_refused_on_a_stream_that_only_writes(void **state)
{
    struct test_world *world = *state;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, world->ctx, &test_sink_ops, NULL, NULL), CST_OK);
    test_listen_as(world, w, "w");
    assert_int_equal(cst_push_copy(w, "x", 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_copy(NULL, "x", 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_eof(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift(NULL, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(NULL, NULL, 0), CST_E_INVALID_ARG);
    assert_int_equal(cst_resume(w), CST_E_INVALID_ARG);
    assert_int_equal(cst_pause(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_new(&w, world->ctx, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_new(&w, NULL, &hand_ops, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_new(NULL, world->ctx, &hand_ops, NULL, NULL), CST_E_INVALID_ARG);
    test_expect(world, "");
}

static void expect_no_readable_side(const cst_stream *s)
{
    assert_int_equal(cst_readable_flowing(s), CST_FLOWING_UNSET);
    assert_false(cst_is_paused(s));
    assert_int_equal(cst_readable_length(s), 0);
    assert_int_equal(cst_readable_high_water_mark(s), 0);
    assert_false(cst_readable_object_mode(s));
    assert_false(cst_readable_ended(s));
    assert_false(cst_readable_did_read(s));
    assert_false(cst_readable_aborted(s));
    assert_false(cst_is_readable(s));
}

static void the_state_of_a_side_that_is_not_there_is_nothing(void **state)
{
    struct test_world *world = *state;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, world->ctx, &test_sink_ops, NULL, NULL), CST_OK);
    test_listen_as(world, w, "w");
    expect_no_readable_side(w);
    expect_no_readable_side(NULL);
}

static void the_state_follows_the_life(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    assert_true(cst_is_readable(world->s));
    assert_false(cst_readable_did_read(world->s));
    cst_push(world->s, cst_slice_str("a"));
    expect_read(world, CST_READ_ANY, "a");
    assert_true(cst_readable_did_read(world->s));
    cst_push_eof(world->s);
    cst_read(NULL, world->s, 0);
    assert_true(cst_is_readable(world->s));
    assert_false(cst_readable_ended(world->s));
    test_run(world);
    assert_true(cst_readable_ended(world->s));
    assert_false(cst_is_readable(world->s));
    assert_false(cst_readable_aborted(world->s));
    drive(world, NULL);
    cst_destroy(world->s, CST_OK);
    assert_false(cst_is_readable(world->s));
    assert_true(cst_readable_aborted(world->s));
}

static void a_construct_that_is_not_over_holds_the_read_slot_back(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .construct = test_stage_construct,
                                 .read = test_stage_read };
    struct test_world *world = *state;
    struct test_stage hand = { .world = world, .chunks = three };

    hand.answers[TEST_CONSTRUCT] = CST_PENDING;
    assert_int_equal(cst_readable_new(&world->s, world->ctx, &ops, &hand, NULL), CST_OK);
    test_listen_all(world->s);
    test_listen(world->s, CST_DATA);
    test_run(world);
    test_expect(world, "construct resume");
    test_answer(world, CST_OK);
    test_expect(world, "");
    test_run(world);
    test_expect(world, "read read read read data:a data:b data:c end close");
}

/* --- destroy ---------------------------------------------------------------------------------- */

static void close_waits_for_a_late_destroy_slot_and_a_second_answer_is_nothing(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, NULL);
    cst_call call;

    hand->answers[TEST_DESTROY] = CST_PENDING;
    cst_destroy(world->s, CST_OK);
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy");
    assert_true(cst_is_destroyed(world->s));
    assert_false(cst_is_closed(world->s));
    call = world->calls.list[0];
    test_answer(world, CST_OK);
    assert_int_equal(cst_complete(call, CST_USER(2)), CST_OK);
    assert_true(cst_is_closed(world->s));
    test_run(world);
    test_expect(world, "close");
}

static void the_destroy_slot_may_put_an_error_in_place_of_another(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, NULL);

    hand->answers[TEST_DESTROY] = CST_E_ABORT;
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy:USER error:ABORT close");
    assert_int_equal(cst_errored(world->s)->status, CST_USER(1));
    hand = drive(world, NULL);
    hand->answers[TEST_DESTROY] = CST_SWALLOW;
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy:USER close");
}

static void a_destroy_without_an_error_lets_a_due_end_come(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    cst_push_eof(world->s);
    cst_read(NULL, world->s, 0);
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "destroy end close");
    drive(world, NULL);
    cst_push_eof(world->s);
    cst_read(NULL, world->s, 0);
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy:USER error:USER close");
}

static void an_unshift_before_end_is_said_puts_it_off(void **state)
{
    struct test_world *world = *state;

    drive(world, NULL);
    cst_push_eof(world->s);
    cst_read(NULL, world->s, 0);
    assert_int_equal(cst_unshift(world->s, cst_slice_str("a")), CST_FULL);
    test_run(world);
    test_expect(world, "");
    expect_read(world, CST_READ_ANY, "a");
    test_run(world);
    test_expect(world, "end destroy close");
}

/* --- bounds ----------------------------------------------------------------------------------- */

struct nest {
    unsigned depth, deepest, pushed, seen;
};

static void push_the_next(cst_stream *s, const cst_event *event, void *arg)
{
    struct nest *nest = arg;

    assert_int_equal(event->chunk->data[0], nest->seen % 256);
    nest->seen++;
    if (++nest->depth > nest->deepest)
        nest->deepest = nest->depth;
    if (nest->pushed < 1000)
        cst_push_copy(s, &(uint8_t){ (uint8_t)(nest->pushed++) }, 1);
    nest->depth--;
}

static void pushes_inside_data_nest_to_the_limit_and_go_on_by_a_task(void **state)
{
    static const unsigned limits[] = { 1, 4, 0 };
    struct test_world *world = *state;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct nest nest = { .pushed = 1 };
        cst_ctx_opts opts = { .nesting_limit = limits[i] };

        assert_int_equal(cst_ctx_free(world->ctx), CST_OK);
        assert_int_equal(cst_ctx_new(&world->ctx, test_heap_allocator(&world->heap), &opts),
                         CST_OK);
        assert_int_equal(cst_readable_new(&world->s, world->ctx, &plain_ops, NULL, NULL), CST_OK);
        cst_on(world->s, CST_DATA, push_the_next, &nest);
        test_run(world);
        cst_push_copy(world->s, "", 1);
        test_run(world);
        assert_int_equal(nest.seen, 1000);
        assert_true(nest.deepest >= 1 && nest.deepest <= (limits[i] ? limits[i] : 64) + 1);
    }
}

static void count_chunk(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    ++*(size_t *)arg;
}

#ifndef CST_NO_CACHE
enum { WARM_UP = 100, STEADY = 10000 };

struct pump {
    size_t left;
};

static cst_status pump_read(cst_stream *s, void *self, size_t size)
{
    struct pump *pump = self;
    cst_buf buf;

    (void)size;
    if (!pump->left)
        return CST_OK;
    pump->left--;
    assert_int_equal(cst_buf_new_cached(&buf, cst_stream_ctx(s), 1024), CST_OK);
    return cst_give(s, cst_buf_freeze(&buf, 1024));
}

static void a_source_that_answers_at_once_allocates_nothing_a_chunk(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct pump), .read = pump_read };
    struct test_world *world = *state;
    struct pump *pump;
    size_t seen = 0, calls;

    assert_int_equal(cst_readable_new(&world->s, world->ctx, &ops, &(struct pump){ WARM_UP }, NULL),
                     CST_OK);
    cst_on(world->s, CST_DATA, count_chunk, &seen);
    test_run(world);
    pump = cst_stream_self(world->s);
    pump->left = STEADY;
    calls = world->heap.calls;
    cst_pause(world->s);
    cst_resume(world->s);
    cst_push(world->s, cst_slice_str("go on"));
    test_run(world);
    assert_int_equal(seen, WARM_UP + STEADY + 1);
    assert_int_equal(world->heap.calls, calls);
}

static void push_some(struct test_world *world, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cst_buf buf;

        assert_int_equal(cst_buf_new_cached(&buf, world->ctx, 1024), CST_OK);
        cst_push(world->s, cst_buf_freeze(&buf, 1024));
        if (i % 3 == 0)
            test_run(world);
    }
}

static void a_source_that_is_pushed_from_outside_allocates_nothing_a_chunk(void **state)
{
    static const cst_ops ops = { .name = "pushed" };
    struct test_world *world = *state;
    size_t seen = 0, calls;

    assert_int_equal(cst_readable_new(&world->s, world->ctx, &ops, NULL, NULL), CST_OK);
    cst_on(world->s, CST_DATA, count_chunk, &seen);
    push_some(world, WARM_UP);
    calls = world->heap.calls;
    push_some(world, STEADY);
    assert_int_equal(seen, WARM_UP + STEADY);
    assert_int_equal(world->heap.calls, calls);
}
#endif

/* --- from inside ------------------------------------------------------------------------------ */

/* In a mode, when a place is first reached, an action: three words. Traces were recorded from Node
 * 26.10.0. */
struct cell {
    const char *what, *trace;
};

static const struct cell cells[] = {
    { "flow read destroy", "read destroy resume close" },
    { "flow read gone", "read destroy resume close" },
    { "flow read fail", "read destroy:USER resume error:USER close" },
    { "flow read pause", "read pause resume read" },
    { "flow read resume", "read resume read data:a read data:b end destroy close" },
    { "flow read push", "read push=true resume read data:x read data:a data:b end destroy close" },
    { "flow read eof", "read destroy:PUSH_AFTER_EOF resume error:PUSH_AFTER_EOF close" },
    { "flow read unshift",
      "read unshift=true resume read data:u read data:a data:b end destroy close" },
    { "flow read read", "read got=- resume read data:a read data:b end destroy close" },
    { "flow data destroy", "read resume read data:a destroy data:b close" },
    { "flow data gone", "read resume read data:a destroy data:b close" },
    { "flow data fail", "read resume read data:a destroy:USER data:b error:USER close" },
    { "flow data pause", "read resume read data:a pause read" },
    { "flow data resume", "read resume read data:a read data:b end destroy close" },
    { "flow data push", "read resume read data:a push=false read data:b data:x end destroy close" },
    { "flow data eof", "read resume read data:a data:b end destroy close" },
    { "flow data unshift",
      "read resume read data:a unshift=false read data:u data:b end destroy close" },
    { "flow data read", "read resume read data:a read data:b got=b end destroy close" },
    { "flow resume destroy", "read resume destroy data:a close" },
    { "flow resume gone", "read resume destroy data:a close" },
    { "flow resume fail", "read resume destroy:USER data:a error:USER close" },
    { "flow resume pause", "read resume pause read" },
    { "flow resume resume", "read resume read data:a read data:b end destroy close" },
    { "flow resume push",
      "read resume push=false read data:a read data:x data:b end destroy close" },
    { "flow resume eof", "read resume data:a end destroy close" },
    { "flow resume unshift",
      "read resume unshift=false read data:u read data:a data:b end destroy close" },
    { "flow resume read", "read resume read data:a got=a read data:b end destroy close" },
    { "flow end destroy", "read resume read data:a read data:b end destroy close" },
    { "flow end gone", "read resume read data:a read data:b end destroy close" },
    { "flow end fail", "read resume read data:a read data:b end destroy:USER error:USER close" },
    { "flow end pause", "read resume read data:a read data:b end pause destroy close" },
    { "flow end resume", "read resume read data:a read data:b end destroy close" },
    { "flow end push", "read resume read data:a read data:b end destroy:PUSH_AFTER_EOF push=false "
                       "error:PUSH_AFTER_EOF close" },
    { "flow end eof", "read resume read data:a read data:b end destroy close" },
    { "flow end unshift", "read resume read data:a read data:b end destroy:UNSHIFT_AFTER_END_EVENT "
                          "unshift=false error:UNSHIFT_AFTER_END_EVENT close" },
    { "flow end read", "read resume read data:a read data:b end got=- destroy close" },
    { "flow destroy destroy", "read resume read data:a read data:b end destroy close" },
    { "flow destroy gone", "read resume read data:a read data:b end destroy close" },
    { "flow destroy fail", "read resume read data:a read data:b end destroy close" },
    { "flow destroy pause", "read resume read data:a read data:b end destroy close" },
    { "flow destroy resume", "read resume read data:a read data:b end destroy close" },
    { "flow destroy push", "read resume read data:a read data:b end destroy push=false close" },
    { "flow destroy eof", "read resume read data:a read data:b end destroy close" },
    { "flow destroy unshift",
      "read resume read data:a read data:b end destroy unshift=false close" },
    { "flow destroy read", "read resume read data:a read data:b end destroy got=- close" },
    { "flow close destroy", "read resume read data:a read data:b end destroy close" },
    { "flow close gone", "read resume read data:a read data:b end destroy close" },
    { "flow close fail", "read resume read data:a read data:b end destroy close" },
    { "flow close pause", "read resume read data:a read data:b end destroy close" },
    { "flow close resume", "read resume read data:a read data:b end destroy close" },
    { "flow close push", "read resume read data:a read data:b end destroy close push=false" },
    { "flow close eof", "read resume read data:a read data:b end destroy close" },
    { "flow close unshift", "read resume read data:a read data:b end destroy close unshift=false" },
    { "flow close read", "read resume read data:a read data:b end destroy close got=-" },
    { "readable read destroy", "read destroy close" },
    { "readable read gone", "read destroy close" },
    { "readable read fail", "read destroy:USER error:USER close" },
    { "readable read pause",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable read resume",
      "read read resume readable read took=a took=b readable end destroy close" },
    { "readable read push", "read push=true readable read took=x read took=a took=b readable "
                            "readable end destroy close" },
    { "readable read eof", "read destroy:PUSH_AFTER_EOF error:PUSH_AFTER_EOF close" },
    { "readable read unshift", "read unshift=true readable read took=u read took=a took=b readable "
                               "readable end destroy close" },
    { "readable read read",
      "read got=- readable read took=a read took=b readable readable end destroy close" },
    { "readable readable destroy", "read readable destroy took=a close" },
    { "readable readable gone", "read readable destroy took=a close" },
    { "readable readable fail", "read readable destroy:USER took=a error:USER close" },
    { "readable readable pause",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable readable resume",
      "read readable read took=a read took=b resume readable readable end destroy close" },
    { "readable readable push",
      "read readable push=false read took=a read took=x took=b readable end destroy close" },
    { "readable readable eof", "read readable readable took=a end destroy close" },
    { "readable readable unshift",
      "read readable unshift=false read took=u read took=a took=b readable end destroy close" },
    { "readable readable read",
      "read readable read got=a read took=b readable readable end destroy close" },
    { "readable end destroy",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable end gone",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable end fail",
      "read readable read took=a read took=b readable readable end destroy:USER error:USER close" },
    { "readable end pause",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable end resume",
      "read readable read took=a read took=b readable readable end destroy resume close" },
    { "readable end push", "read readable read took=a read took=b readable readable end "
                           "destroy:PUSH_AFTER_EOF push=false error:PUSH_AFTER_EOF close" },
    { "readable end eof",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable end unshift",
      "read readable read took=a read took=b readable readable end destroy:UNSHIFT_AFTER_END_EVENT "
      "unshift=false error:UNSHIFT_AFTER_END_EVENT close" },
    { "readable end read",
      "read readable read took=a read took=b readable readable end got=- destroy close" },
    { "readable destroy destroy",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable destroy gone",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable destroy fail",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable destroy pause",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable destroy resume",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable destroy push",
      "read readable read took=a read took=b readable readable end destroy push=false close" },
    { "readable destroy eof",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable destroy unshift",
      "read readable read took=a read took=b readable readable end destroy unshift=false close" },
    { "readable destroy read",
      "read readable read took=a read took=b readable readable end destroy got=- close" },
    { "readable close destroy",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable close gone",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable close fail",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable close pause",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable close resume",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable close push",
      "read readable read took=a read took=b readable readable end destroy close push=false" },
    { "readable close eof",
      "read readable read took=a read took=b readable readable end destroy close" },
    { "readable close unshift",
      "read readable read took=a read took=b readable readable end destroy close unshift=false" },
    { "readable close read",
      "read readable read took=a read took=b readable readable end destroy close got=-" },
    { "pause pause destroy", "read resume read data:a pause destroy close |" },
    { "pause pause gone", "read resume read data:a pause destroy close" },
    { "pause pause fail", "read resume read data:a pause destroy:USER error:USER close |" },
    { "pause pause pause", "read resume read data:a pause read | resume data:b end destroy close" },
    { "pause pause resume",
      "read resume read data:a pause read data:b resume end destroy close |" },
    { "pause pause push",
      "read resume read data:a pause push=false | resume read data:b data:x end destroy close" },
    { "pause pause eof", "read resume read data:a pause | resume data:b end destroy close" },
    { "pause pause unshift",
      "read resume read data:a pause unshift=false | resume read data:u data:b end destroy close" },
    { "pause pause read", "read resume read data:a pause read data:b got=b end destroy close |" },
    { "fail error destroy", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail error gone", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail error fail", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail error pause", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail error resume", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail error push",
      "read resume read data:a read destroy:USER data:b error:USER push=false close" },
    { "fail error eof", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail error unshift",
      "read resume read data:a read destroy:USER data:b error:USER unshift=false close" },
    { "fail error read",
      "read resume read data:a read destroy:USER data:b error:USER got=- close" },
    { "fail destroy destroy", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail destroy gone", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail destroy fail", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail destroy pause", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail destroy resume", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail destroy push",
      "read resume read data:a read destroy:USER push=false data:b error:USER close" },
    { "fail destroy eof", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail destroy unshift",
      "read resume read data:a read destroy:USER unshift=false data:b error:USER close" },
    { "fail destroy read",
      "read resume read data:a read destroy:USER data:b got=b error:USER close" },
    { "fail close destroy", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail close gone", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail close fail", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail close pause", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail close resume", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail close push",
      "read resume read data:a read destroy:USER data:b error:USER close push=false" },
    { "fail close eof", "read resume read data:a read destroy:USER data:b error:USER close" },
    { "fail close unshift",
      "read resume read data:a read destroy:USER data:b error:USER close unshift=false" },
    { "fail close read",
      "read resume read data:a read destroy:USER data:b error:USER close got=-" },
};

struct inside {
    struct test_world *world;
    char mode[12], place[12], action[12];
    bool used, gone;
};

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void read_one(cst_stream *s, struct inside *in)
{
    cst_slice chunk;

    if (cst_read(&chunk, s, CST_READ_ANY) != CST_OK) {
        test_trace_add(&in->world->trace, "got=-");
        return;
    }
    test_trace_add(&in->world->trace, "got=%.*s", (int)chunk.len, (const char *)chunk.data);
    cst_slice_unref(&chunk);
}

static void say_if_more(struct inside *in, const char *what, cst_status st)
{
    test_trace_add(&in->world->trace, "%s=%s", what, st == CST_OK ? "true" : "false");
}

static void do_action(cst_stream *s, struct inside *in, const char *action)
{
    if (is(action, "destroy") || is(action, "gone"))
        cst_destroy(s, CST_OK);
    else if (is(action, "fail"))
        cst_destroy(s, CST_USER(1));
    else if (is(action, "pause"))
        cst_pause(s);
    else if (is(action, "resume"))
        cst_resume(s);
    else if (is(action, "push"))
        say_if_more(in, "push", cst_push(s, cst_slice_str("x")));
    else if (is(action, "unshift"))
        say_if_more(in, "unshift", cst_unshift(s, cst_slice_str("u")));
    else if (is(action, "eof"))
        cst_push_eof(s);
    else
        read_one(s, in);
    if (is(action, "gone"))
        cst_unref(s);
}

static void act_inside(cst_stream *s, const char *word, void *arg)
{
    struct inside *in = arg;
    size_t len = strcspn(word, ":");

    if (!in->used && strlen(in->place) == len && !strncmp(word, in->place, len)) {
        in->used = true;
        in->gone = is(in->action, "gone");
        do_action(s, in, in->action);
    }
    if (is(in->mode, "pause") && is(word, "data:a"))
        cst_pause(s);
}

static void read_all(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;

    test_on_event(s, event, NULL);
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(arg, "took=%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void run_cell(struct test_world *world, const struct cell *cell)
{
    static const char *const two[] = { "a", "b", NULL };
    struct inside in = { .world = world };
    struct test_stage *hand = drive(world, &mark_2);

    assert_int_equal(sscanf(cell->what, "%11s %11s %11s", in.mode, in.place, in.action), 3);
    test_trace_clear(&world->trace);
    hand->chunks = two;
    hand->read_fails = is(in.mode, "fail") ? CST_USER(1) : CST_OK;
    hand->act = act_inside;
    hand->act_arg = &in;
    if (is(in.mode, "readable"))
        cst_on(world->s, CST_READABLE, read_all, &world->trace);
    else
        test_listen(world->s, CST_DATA);
    test_run(world);
    if (is(in.mode, "pause") && !in.gone) {
        test_trace_add(&world->trace, "|");
        cst_resume(world->s);
        test_run(world);
    }
    assert_true(in.used);
    if (!in.gone)
        hand->act = NULL;
    if (in.gone)
        world->s = NULL; /* its one reference is gone */
}

static void every_callback_may_do_anything_to_its_own_stream(void **state)
{
    struct test_world *world = *state;

    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        run_cell(world, &cells[i]);
        if (!is(world->trace.text, cells[i].trace))
            print_error("%s\n", cells[i].what);
        test_expect(world, cells[i].trace);
    }
}

/* --- bytes that call when they go ------------------------------------------------------------- */

static void push_again(const void *data, size_t len, void *arg)
{
    struct test_world *world = arg;

    assert_int_equal(cst_readable_length(world->s), 0);
    cst_unref(cst_ref(world->s)); /* a library that checks itself looks whether all is well */
    assert_int_equal(cst_push(world->s, cst_slice_static(data, len)), CST_OK);
}

static void what_is_released_by_a_read_of_all_finds_the_buffer_empty(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    assert_int_equal(cst_push(world->s, cst_slice_str("ab")), CST_OK);
    assert_int_equal(
        cst_slice_foreign(&chunk, test_heap_allocator(&world->heap), "cd", 2, push_again, world),
        CST_OK);
    assert_int_equal(cst_push(world->s, chunk), CST_OK);
    expect_read(world, 4, "abcd");
    expect_read(world, 2, "cd");
    cst_unref(world->s);
}

/* --- without memory --------------------------------------------------------------------------- */

static void release_count(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    ++*(size_t *)arg;
}

static void take_what_is_there(cst_stream *s, size_t size)
{
    cst_slice chunk;

    while (cst_read(&chunk, s, size) == CST_OK)
        cst_slice_unref(&chunk);
}

/* Everything that may ask for memory: joins, growth, listeners, tasks that come several times. */
static void live_a_life(cst_stream *s, cst_ctx *ctx, size_t *seen)
{
    cst_on(s, CST_READABLE, count_chunk, seen);
    for (int i = 0; i < 20; i++)
        cst_push_copy(s, "chunk", 5);
    cst_unshift(s, cst_slice_str("first"));
    take_what_is_there(s, 7);
    cst_ctx_run(ctx, NULL);
    cst_off(s, CST_READABLE, count_chunk, seen);
    cst_on(s, CST_DATA, count_chunk, seen);
    cst_once(s, CST_END, count_chunk, seen);
    cst_push_copy(s, "chunk", 5);
    cst_ctx_run(ctx, NULL);
    cst_push_eof(s);
    cst_ctx_run(ctx, NULL);
    cst_unref(s);
}

/* Return whether a request failed. */
static bool live_with_failure(struct test_heap *heap, size_t k, bool and_on)
{
    size_t releases = 0, wrapped = 0, seen = 0;
    cst_slice foreign;
    cst_stream *s;
    cst_ctx *ctx;

    test_heap_init(heap);
    if (and_on)
        test_heap_fail_from(heap, k);
    else
        test_heap_fail_at(heap, k);
    if (cst_ctx_new(&ctx, test_heap_allocator(heap), NULL) == CST_OK) {
        if (cst_readable_new(&s, ctx, &plain_ops, NULL, &mark_2) == CST_OK) {
            if (cst_slice_foreign(&foreign, test_heap_allocator(heap), "mine", 4, release_count,
                                  &releases) == CST_OK) {
                wrapped = 1;
                cst_push(s, foreign);
            }
            live_a_life(s, ctx, &seen);
        }
        assert_int_equal(cst_ctx_free(ctx), CST_OK);
    }
    assert_int_equal(releases, wrapped);
    assert_int_equal(heap->live_blocks, 0);
    return heap->failures > 0;
}

static void any_allocation_may_fail_once_or_from_then_on(void **state)
{
    struct test_heap heap;

    (void)state;
    for (int and_on = 0; and_on <= 1; and_on++) {
        size_t k = 1;

        while (live_with_failure(&heap, k, and_on))
            k++;
        assert_true(k > 10);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(push_says_when_to_hold),
    CASE(without_a_read_slot_a_stream_waits_for_pushes),
    CASE(read_gives_whole_chunks_or_just_so_many_bytes),
    CASE(flowing_hands_chunks_to_the_listener_inside_push),
    CASE(readable_is_said_by_a_task_and_stops_the_flow),
    CASE(unshift_comes_first_until_the_end_is_said),
    CASE(a_copy_is_unshifted_as_a_chunk_is),
    CASE(a_push_after_eof_fails_the_stream),
    CASE(a_larger_read_raises_the_mark_to_a_power_of_two),
    CASE(a_read_that_finds_no_memory_to_join_loses_nothing),
    CASE(a_read_slot_gives_chunks_until_eof_and_cst_next_follows),
    CASE(a_stream_may_be_destroyed_and_let_go_of_in_its_own_listener),
    CASE(a_listener_removed_while_its_event_is_emitted_is_called_once_more),
    CASE(a_once_listener_is_called_once),
    CASE(object_mode_keeps_messages_apart_the_empty_one_too),
    CASE(wrong_streams_and_events_are_refused),
    CASE(the_read_slot_is_asked_for_more_before_a_chunk_is_handed_out),
    CASE(a_read_inside_the_read_slot_keeps_the_count),
    CASE(an_unshift_inside_the_read_slot_goes_in_front_of_what_is_handed_out),
    CASE(what_is_pushed_before_the_first_read_waits_for_a_task),
    CASE(reading_ahead_goes_to_the_mark_and_no_further),
    CASE(reading_ahead_goes_on_while_paused),
    CASE(an_empty_push_in_the_read_slot_is_tried_once_more),
    CASE(a_mark_of_zero_never_reads_ahead),
    CASE(a_read_slot_that_fails_fails_the_stream),
    CASE(without_auto_destroy_the_error_comes_at_once_and_no_close),
    CASE(without_auto_destroy_the_end_leaves_it_open),
    CASE(without_emit_close_nothing_is_said_at_the_end),
    CASE(a_chunk_is_given_once_and_only_inside_the_slot),
    CASE(pause_is_said_once_and_at_once),
    CASE(resume_is_said_once_for_many_and_by_a_task),
    CASE(a_pause_before_the_task_of_resume_keeps_the_chunks),
    CASE(after_destroy_pause_and_resume_do_nothing),
    CASE(what_flows_after_the_last_data_listener_is_gone_is_lost),
    CASE(readable_that_is_not_drained_above_the_mark_is_not_said_again),
    CASE(two_pushes_said_as_one_need_another_to_be_said_again),
    CASE(one_chunk_a_call_brings_a_readable_too_many_at_the_end),
    CASE(readable_said_for_an_end_that_was_there_before_the_listener),
    CASE(taking_the_readable_listener_away_gives_the_flow_back),
    CASE(the_last_readable_listener_gone_nobody_reads),
    CASE(a_readable_listener_that_is_not_there_gives_the_flow_back_too),
    CASE(all_data_listeners_gone_at_once_somebody_still_seems_to_read),
    CASE(a_read_of_exactly_the_rest_does_not_end_and_one_more_does),
    CASE(the_mark_grows_to_powers_of_two_and_never_shrinks),
    CASE(a_larger_read_raises_the_mark_in_object_mode_too),
    CASE(an_empty_message_does_not_end_the_flow),
    CASE(the_default_marks_are_the_context_s),
    CASE(after_destroy_chunks_are_dropped_without_an_error),
    CASE(lengths_that_do_not_fit_fail_the_stream),
    CASE(a_push_without_memory_fails_the_stream),
    CASE(an_unshift_without_memory_fails_the_stream),
    CASE(a_buffer_that_cannot_grow_fails_the_stream_and_keeps_what_it_had),
    CASE(cst_next_says_why_there_is_no_chunk),
    CASE(an_error_that_cst_next_hands_over_is_handled),
    CASE(an_error_that_no_cst_next_waits_for_is_not_handled),
    CASE(readers_are_refused_on_a_stream_that_only_writes),
    CASE(the_state_of_a_side_that_is_not_there_is_nothing),
    CASE(the_state_follows_the_life),
    CASE(a_construct_that_is_not_over_holds_the_read_slot_back),
    CASE(close_waits_for_a_late_destroy_slot_and_a_second_answer_is_nothing),
    CASE(the_destroy_slot_may_put_an_error_in_place_of_another),
    CASE(a_destroy_without_an_error_lets_a_due_end_come),
    CASE(an_unshift_before_end_is_said_puts_it_off),
    CASE(pushes_inside_data_nest_to_the_limit_and_go_on_by_a_task),
#ifndef CST_NO_CACHE
    CASE(a_source_that_answers_at_once_allocates_nothing_a_chunk),
    CASE(a_source_that_is_pushed_from_outside_allocates_nothing_a_chunk),
#endif
    CASE(every_callback_may_do_anything_to_its_own_stream),
    CASE(what_is_released_by_a_read_of_all_finds_the_buffer_empty),
    CASE(any_allocation_may_fail_once_or_from_then_on),
};

TEST_MAIN(tests)

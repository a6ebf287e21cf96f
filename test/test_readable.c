/* test_readable.c - readable.h and event.h: how chunks come out, and who hears of them. */
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
    cst_stream *r; /* a mark of 8 bytes, no read slot */
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .ctx = NULL };
    test_heap_init(&f.heap);
    assert_int_equal(cst_ctx_new(&f.ctx, test_heap_allocator(&f.heap), NULL), CST_OK);
    assert_int_equal(
        cst_readable_new(&f.r, f.ctx, &test_source_ops, NULL, &(cst_opts){ .high_water_mark = 8 }),
        CST_OK);
    test_trace_listen(&f.trace, f.r, "r");
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

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    test_trace_add(arg, "data:%.*s", (int)event->chunk->len, (const char *)event->chunk->data);
}

static void on_readable(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    test_trace_add(arg, "readable");
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

static void expect_read(struct fixture *f, size_t size, const char *text)
{
    cst_slice chunk = cst_slice_empty();

    assert_int_equal(cst_read(&chunk, f->r, size), CST_OK);
    assert_int_equal(chunk.len, strlen(text));
    assert_memory_equal(chunk.data, text, chunk.len);
    cst_slice_unref(&chunk);
}

static void push_says_when_to_hold(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_push(f->r, cst_slice_str("abcd")), CST_OK);
    assert_int_equal(cst_push(f->r, cst_slice_str("efgh")), CST_FULL);
    assert_int_equal(cst_readable_length(f->r), 8);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_UNSET);
}

static void without_a_read_slot_a_stream_waits_for_pushes(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, f->r, CST_READ_ANY), CST_EMPTY);
    run(f);
    assert_int_equal(cst_on(f->r, CST_DATA, on_data, &f->trace), CST_OK);
    run(f);
    expect(f, "r:resume");
    assert_null(cst_errored(f->r));
    cst_push(f->r, cst_slice_str("a"));
    expect(f, "data:a");
}

static void read_gives_whole_chunks_or_just_so_many_bytes(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    cst_push(f->r, cst_slice_str("ab"));
    cst_push(f->r, cst_slice_str("cd"));
    cst_push(f->r, cst_slice_str("efg"));
    expect_read(f, CST_READ_ANY, "ab");
    expect_read(f, 3, "cde");
    expect_read(f, 1, "f");
    assert_int_equal(cst_read(&chunk, f->r, 2), CST_EMPTY);
    cst_push_eof(f->r);
    expect_read(f, 2, "g");
    assert_int_equal(cst_read(&chunk, f->r, CST_READ_ANY), CST_EOF);
    run(f);
    expect(f, "r:end r:destroy r:close");
}

static void flowing_hands_chunks_to_the_listener_inside_push(void **state)
{
    struct fixture *f = *state;

    cst_push(f->r, cst_slice_str("a"));
    assert_int_equal(cst_on(f->r, CST_DATA, on_data, &f->trace), CST_OK);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_ON);
    expect(f, "");
    run(f);
    expect(f, "r:resume data:a");
    cst_push(f->r, cst_slice_str("b"));
    expect(f, "data:b");
    cst_pause(f->r);
    cst_push(f->r, cst_slice_str("c"));
    expect(f, "r:pause");
    cst_resume(f->r);
    run(f);
    expect(
        f,
        "data:c r:resume"); /* by the task that would have said 'readable', which was queued first */
}

static void readable_is_said_by_a_task_and_stops_the_flow(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_on(f->r, CST_READABLE, on_readable, &f->trace), CST_OK);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_OFF);
    run(f);
    cst_push(f->r, cst_slice_str("a"));
    expect(f, "");
    run(f);
    expect(f, "readable");
    expect_read(f, CST_READ_ANY, "a");
    cst_push_eof(f->r);
    expect(f, "readable");
    assert_int_equal(cst_off(f->r, CST_READABLE, on_readable, &f->trace), CST_OK);
    assert_int_equal(cst_off(f->r, CST_READABLE, on_readable, &f->trace), CST_EMPTY);
}

static void unshift_comes_first_until_the_end_is_said(void **state)
{
    struct fixture *f = *state;

    cst_push(f->r, cst_slice_str("b"));
    cst_push_eof(f->r);
    assert_int_equal(cst_unshift(f->r, cst_slice_str("a")), CST_FULL);
    expect_read(f, CST_READ_ANY, "a");
    cst_resume(f->r);
    run(f);
    expect(f, "r:resume r:end r:destroy r:close");
    assert_int_equal(cst_unshift(f->r, cst_slice_str("c")), CST_E_UNSHIFT_AFTER_END_EVENT);
}

static void a_copy_is_unshifted_as_a_chunk_is(void **state)
{
    struct fixture *f = *state;
    char bytes[] = "ab";

    cst_push(f->r, cst_slice_str("c"));
    assert_int_equal(cst_unshift_copy(f->r, bytes, 2), CST_OK);
    bytes[0] = 'x';
    expect_read(f, CST_READ_ANY, "ab");
    assert_int_equal(cst_unshift_copy(f->r, NULL, 0), CST_OK);
    expect_read(f, CST_READ_ANY, "c");
    assert_int_equal(cst_unshift_copy(NULL, bytes, 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift_copy(f->r, NULL, 1), CST_E_INVALID_ARG);
    run(f);
    assert_int_equal(cst_errored(f->r)->status, CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift_copy(f->r, bytes, 2), CST_E_DESTROYED);
}

static void a_push_after_eof_fails_the_stream(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_push_eof(f->r), CST_EOF);
    assert_int_equal(cst_push_eof(f->r), CST_EOF);
    assert_int_equal(cst_push(f->r, cst_slice_str("x")), CST_E_PUSH_AFTER_EOF);
    assert_int_equal(cst_push(f->r, cst_slice_str("x")), CST_E_PUSH_AFTER_EOF);
    run(f);
    expect(f, "r:destroy r:error:CST_E_PUSH_AFTER_EOF r:close");
}

static void a_larger_read_raises_the_mark_to_a_power_of_two(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, f->r, 9), CST_EMPTY);
    assert_int_equal(cst_readable_high_water_mark(f->r), 16);
    assert_int_equal(cst_read(&chunk, f->r, ((size_t)1 << 30) + 1), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_readable_high_water_mark(f->r), 16);
}

static void a_read_that_finds_no_memory_to_join_loses_nothing(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    cst_push(f->r, cst_slice_str("ab"));
    cst_push(f->r, cst_slice_str("cd"));
    test_heap_fail_from(&f->heap, 1);
    assert_int_equal(cst_read(&chunk, f->r, 3), CST_E_NOMEM);
    test_heap_fail_never(&f->heap);
    assert_int_equal(cst_readable_length(f->r), 4);
    expect_read(f, 3, "abc");
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
    struct fixture *f = *state;
    cst_slice chunk;
    cst_stream *s;
    cst_status st;

    assert_int_equal(cst_readable_new(&s, f->ctx, &ops, &(struct counter){ .most = 3 }, NULL),
                     CST_OK);
    while ((st = cst_next(&chunk, s)) >= 0 && st != CST_EOF) {
        if (st == CST_OK) {
            test_trace_add(&f->trace, "%c", chunk.data[0]);
            cst_slice_unref(&chunk);
        } else {
            run(f);
        }
    }
    assert_int_equal(st, CST_EOF);
    expect(f, "a b c");
}

static void on_data_end_it_all(cst_stream *s, const cst_event *event, void *arg)
{
    on_data(s, event, arg);
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

static void a_stream_may_be_destroyed_and_let_go_of_in_its_own_listener(void **state)
{
    struct fixture *f = *state;

    cst_on(f->r, CST_DATA, on_data_end_it_all, &f->trace);
    cst_push(f->r, cst_slice_str("a"));
    run(f);
    expect(f, "r:resume data:a r:destroy r:close");
}

static void on_data_remove_next(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    test_trace_add(arg, "first");
    cst_off(s, CST_DATA, on_data, arg);
}

static void a_listener_removed_while_its_event_is_emitted_is_called_once_more(void **state)
{
    struct fixture *f = *state;

    cst_on(f->r, CST_DATA, on_data_remove_next, &f->trace);
    cst_on(f->r, CST_DATA, on_data, &f->trace);
    assert_int_equal(cst_listener_count(f->r, CST_DATA), 2);
    run(f);
    test_trace_clear(&f->trace);
    cst_push(f->r, cst_slice_str("a"));
    expect(f, "first data:a");
    cst_push(f->r, cst_slice_str("b"));
    expect(f, "first");
    assert_int_equal(cst_off_all(f->r, CST_DATA), CST_OK);
    assert_int_equal(cst_listener_count(f->r, CST_DATA), 0);
}

static void a_once_listener_is_called_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_once(f->r, CST_DATA, on_data, &f->trace), CST_OK);
    run(f);
    test_trace_clear(&f->trace);
    cst_push(f->r, cst_slice_str("a"));
    cst_push(f->r, cst_slice_str("b"));
    run(f);
    expect(f, "data:a");
}

static void object_mode_keeps_messages_apart_the_empty_one_too(void **state)
{
    struct fixture *f = *state;
    const cst_opts opts = { .object_mode = true, .high_water_mark = 2 };

    cst_unref(f->r);
    assert_int_equal(cst_readable_new(&f->r, f->ctx, &test_source_ops, NULL, &opts), CST_OK);
    test_trace_listen(&f->trace, f->r, "o");
    assert_int_equal(cst_push(f->r, cst_slice_empty()), CST_OK);
    assert_int_equal(cst_push(f->r, cst_slice_str("ab")), CST_FULL);
    assert_int_equal(cst_readable_length(f->r), 2);
    expect_read(f, CST_READ_ANY, "");
    expect_read(f, 1, "ab");
}

static void wrong_streams_and_events_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_stream *w;
    cst_slice chunk;

    assert_int_equal(cst_writable_new(&w, f->ctx, &test_sink_ops, NULL, NULL), CST_OK);
    test_trace_listen(&f->trace, w, "w");
    assert_int_equal(cst_push(w, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_push(NULL, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_copy(f->r, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_eof(w), CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift(w, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(&chunk, w, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(NULL, f->r, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_next(&chunk, w), CST_E_INVALID_ARG);
    assert_int_equal(cst_pause(w), CST_E_INVALID_ARG);
    assert_int_equal(cst_resume(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_on(NULL, CST_DATA, on_data, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_on(f->r, CST_DATA, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_on(f->r, CST_EVENT_TYPES_, on_data, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_give(f->r, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_complete(cst_this_call(f->r), CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_destroy(NULL, CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_destroy(f->r, CST_FULL), CST_E_INVALID_ARG);
}

/* --- a source driven by hand ------------------------------------------------------------------ */

static const cst_ops hand_ops = { .name = "hand",
                                  .self_size = sizeof(struct test_hand),
                                  .read = test_hand_read,
                                  .destroy = test_hand_destroy };

static const char *const three[] = { "a", "b", "c", NULL };

/* Replaces f->r by a stream whose read slot is driven by hand; all events but 'data' and 'readable' are recorded. */
static struct test_hand *drive(struct fixture *f, const cst_opts *opts)
{
    const struct test_hand hand = { .trace = &f->trace, .calls = &f->calls };

    cst_unref(f->r);
    assert_int_equal(cst_readable_new(&f->r, f->ctx, &hand_ops, &hand, opts), CST_OK);
    test_hand_listen_all(f->r);
    return cst_stream_self(f->r);
}

static const cst_ops plain_ops = { .name = "plain" };

static const cst_opts mark_2 = { .high_water_mark = 2 };

static void the_read_slot_is_asked_for_more_before_a_chunk_is_handed_out(void **state)
{
    struct fixture *f = *state;

    for (int give = 0; give <= 1; give++) {
        struct test_hand *hand = drive(f, NULL);

        hand->chunks = three;
        hand->give = give;
        test_hand_listen(f->r, CST_DATA);
        run(f);
        expect(f, "read resume read data:a read data:b read data:c end destroy close");
    }
}

static void what_is_pushed_before_the_first_read_waits_for_a_task(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    test_hand_listen(f->r, CST_DATA);
    assert_int_equal(cst_push(f->r, cst_slice_str("a")), CST_OK);
    assert_int_equal(cst_readable_length(f->r), 1);
    expect(f, "");
    run(f);
    expect(f, "read resume data:a");
    cst_push(f->r, cst_slice_str("b"));
    expect(f, "data:b");
    run(f);
    expect(f, "read");
    cst_push(f->r, cst_slice_str("c"));
    cst_push_eof(f->r);
    expect(f, "data:c");
    run(f);
    expect(f, "end destroy close");
}

/* Takes two bytes of its own stream, once. */
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

/* Node gives what is left then, and a length of -1. */
static void a_read_inside_the_read_slot_keeps_the_count(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(bool), .read = read_two_inside };
    struct fixture *f = *state;
    cst_slice chunk;

    cst_destroy(f->r, CST_OK);
    assert_int_equal(cst_readable_new(&f->r, f->ctx, &ops, NULL, NULL), CST_OK);
    cst_push(f->r, cst_slice_str("abcd"));
    assert_int_equal(cst_read(&chunk, f->r, 3), CST_EMPTY);
    assert_int_equal(cst_readable_length(f->r), 2);
    cst_push(f->r, cst_slice_str("e"));
    expect_read(f, 3, "cde");
    assert_int_equal(cst_readable_length(f->r), 0);
}

/* The call of the read slot that has no chunk to push puts two bytes back instead. */
static void unshift_at_the_last(cst_stream *s, const char *word, void *arg)
{
    struct test_hand *hand = cst_stream_self(s);

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
    static const cst_ops sink_ops = { .self_size = sizeof(struct test_hand),
                                      .write = test_hand_write };
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, &(cst_opts){ .high_water_mark = 8 });
    const struct test_hand sink = { .trace = &f->trace, .calls = &f->calls };
    cst_stream *w;

    *hand = (struct test_hand){ .trace = &f->trace, .calls = &f->calls, .chunks = chunks };
    hand->act = unshift_at_the_last;
    assert_int_equal(cst_writable_new(&w, f->ctx, &sink_ops, &sink, NULL), CST_OK);
    cst_pipe(f->r, w, NULL);
    run(f);
    expect(f, "read resume read write:aaaa read write:bbbb read write:xxcc write:cc");
    assert_int_equal(cst_readable_length(f->r), 0);
}

static void reading_ahead_goes_to_the_mark_and_no_further(void **state)
{
    static const char *const fours[] = { "aaaa", "bbbb", "cccc", "dddd", NULL };
    struct fixture *f = *state;

    drive(f, &(cst_opts){ .high_water_mark = 10 })->chunks = fours;
    assert_int_equal(cst_read(NULL, f->r, 0), CST_EMPTY);
    assert_int_equal(cst_readable_length(f->r), 4);
    run(f);
    assert_int_equal(cst_readable_length(f->r), 12);
    expect(f, "read read read");
}

static void reading_ahead_goes_on_while_paused(void **state)
{
    struct fixture *f = *state;

    drive(f, &mark_2)->chunks = three;
    cst_pause(f->r);
    cst_read(NULL, f->r, 0);
    run(f);
    expect(f, "pause read read");
    assert_int_equal(cst_readable_length(f->r), 2);
}

static void an_empty_push_in_the_read_slot_is_tried_once_more(void **state)
{
    static const char *const empties[] = { "", "", "", "", NULL };
    struct fixture *f = *state;

    drive(f, NULL)->chunks = empties;
    cst_read(NULL, f->r, 0);
    run(f);
    expect(f, "read read");
}

static void a_mark_of_zero_never_reads_ahead(void **state)
{
    struct fixture *f = *state;

    drive(f, &(cst_opts){ .high_water_mark = CST_HWM_ZERO })->chunks = three;
    assert_int_equal(cst_readable_high_water_mark(f->r), 0);
    expect_read(f, CST_READ_ANY, "a");
    run(f);
    expect(f, "read");
    assert_int_equal(cst_push(f->r, cst_slice_empty()), CST_OK);
    assert_int_equal(cst_push(f->r, cst_slice_str("x")), CST_FULL);
    test_hand_listen(f->r, CST_DATA);
    run(f);
    expect(f, "resume data:x read data:b read data:c read end destroy close");
}

static void a_read_slot_that_fails_fails_the_stream(void **state)
{
    static const char *const none[] = { NULL };
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, NULL);
    cst_slice chunk;

    hand->chunks = none;
    hand->read_fails = CST_USER(3);
    assert_int_equal(cst_read(&chunk, f->r, CST_READ_ANY), CST_EMPTY);
    expect(f, "read destroy:USER");
    assert_int_equal(cst_errored(f->r)->status, CST_USER(3));
    assert_int_equal(cst_errored(f->r)->direction, CST_READING);
    assert_string_equal(cst_errored(f->r)->stage, "hand");
    run(f);
    expect(f, "error:USER close");
}

static void without_auto_destroy_the_error_comes_at_once_and_no_close(void **state)
{
    static const char *const none[] = { NULL };
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, &(cst_opts){ .no_auto_destroy = true });

    hand->chunks = none;
    hand->read_fails = CST_USER(3);
    cst_read(NULL, f->r, 0);
    expect(f, "read error:USER");
    run(f);
    expect(f, "");
    assert_false(cst_is_destroyed(f->r));
    assert_true(cst_readable_aborted(f->r));
    assert_int_equal(cst_destroy(f->r, CST_OK), CST_OK);
    run(f);
    expect(f, "destroy close");
}

static void without_auto_destroy_the_end_leaves_it_open(void **state)
{
    struct fixture *f = *state;

    drive(f, &(cst_opts){ .no_auto_destroy = true })->chunks = three;
    cst_resume(f->r);
    run(f);
    expect(f, "read resume read read read end");
    assert_false(cst_is_destroyed(f->r));
}

static void without_emit_close_nothing_is_said_at_the_end(void **state)
{
    struct fixture *f = *state;

    drive(f, &(cst_opts){ .no_emit_close = true });
    cst_destroy(f->r, CST_USER(1));
    run(f);
    expect(f, "destroy:USER error:USER");
    assert_true(cst_is_closed(f->r));
}

static void a_chunk_is_given_once_and_only_inside_the_slot(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    assert_int_equal(cst_give(f->r, cst_slice_str("a")), CST_E_INVALID_ARG);
    assert_int_equal(cst_give(NULL, cst_slice_str("a")), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_length(f->r), 0);
}

/* --- pause, resume, the flow ------------------------------------------------------------------ */

static void pause_is_said_once_and_at_once(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    assert_false(cst_is_paused(f->r));
    assert_int_equal(cst_pause(f->r), CST_OK);
    assert_int_equal(cst_pause(f->r), CST_OK);
    expect(f, "pause");
    assert_true(cst_is_paused(f->r));
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_OFF);
    test_hand_listen(f->r, CST_DATA);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_OFF);
}

static void resume_is_said_once_for_many_and_by_a_task(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    assert_int_equal(cst_resume(f->r), CST_OK);
    assert_int_equal(cst_resume(f->r), CST_OK);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_ON);
    assert_false(cst_is_paused(f->r));
    expect(f, "");
    run(f);
    expect(f, "read resume");
}

static void a_pause_before_the_task_of_resume_keeps_the_chunks(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    cst_push(f->r, cst_slice_str("a"));
    test_hand_listen(f->r, CST_DATA);
    cst_pause(f->r);
    run(f);
    expect(f, "pause read resume");
    assert_int_equal(cst_readable_length(f->r), 1);
}

static void after_destroy_pause_and_resume_do_nothing(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    cst_destroy(f->r, CST_OK);
    assert_int_equal(cst_pause(f->r), CST_OK);
    assert_int_equal(cst_resume(f->r), CST_OK);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_UNSET);
    run(f);
    expect(f, "destroy close");
}

static void what_flows_after_the_last_data_listener_is_gone_is_lost(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    test_hand_listen(f->r, CST_DATA);
    run(f);
    assert_int_equal(cst_off(f->r, CST_DATA, test_hand_on, NULL), CST_OK);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_ON);
    test_trace_clear(&f->trace);
    cst_push(f->r, cst_slice_str("lost"));
    run(f);
    expect(f, "read");
    assert_int_equal(cst_readable_length(f->r), 0);
}

/* --- 'readable' ------------------------------------------------------------------------------- */

static void drain_it(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;

    test_hand_on(s, event, NULL);
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(arg, "took:%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void take_one(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;

    test_hand_on(s, event, NULL);
    if (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(arg, "took:%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void readable_that_is_not_drained_above_the_mark_is_not_said_again(void **state)
{
    struct fixture *f = *state;

    drive(f, &mark_2);
    test_hand_listen(f->r, CST_READABLE);
    cst_push(f->r, cst_slice_str("abc"));
    run(f);
    expect(f, "readable");
    cst_push(f->r, cst_slice_str("d"));
    run(f);
    expect(f, "");
    expect_read(f, CST_READ_ANY, "abc");
    cst_push(f->r, cst_slice_str("e"));
    run(f);
    expect(f, "read");
    cst_push(f->r, cst_slice_str("f"));
    cst_push_eof(f->r);
    expect(f, "readable");
}

static void two_pushes_said_as_one_need_another_to_be_said_again(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    assert_int_equal(cst_on(f->r, CST_READABLE, take_one, &f->trace), CST_OK);
    run(f);
    cst_push(f->r, cst_slice_str("foo"));
    cst_push(f->r, cst_slice_str("bar"));
    run(f);
    expect(f, "read readable read took:foo");
    cst_push(f->r, cst_slice_str("quo"));
    run(f);
    expect(f, "readable read took:bar");
    cst_push_eof(f->r);
    run(f);
    expect(f, "readable took:quo end destroy close");
}

static void one_chunk_a_call_brings_a_readable_too_many_at_the_end(void **state)
{
    static const char *const six[] = { "a", "b", "c", "d", "e", "f", NULL };
    struct fixture *f = *state;

    drive(f, &(cst_opts){ .high_water_mark = 100 })->chunks = six;
    assert_int_equal(cst_on(f->r, CST_READABLE, drain_it, &f->trace), CST_OK);
    run(f);
    expect(f, "read readable read took:a read took:b read took:c read took:d read took:e read "
              "took:f readable readable end destroy close");
}

static void readable_said_for_an_end_that_was_there_before_the_listener(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    cst_push_eof(f->r);
    test_hand_listen(f->r, CST_READABLE);
    run(f);
    expect(f, "readable end destroy close");
}

static void taking_the_readable_listener_away_gives_the_flow_back(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    test_hand_listen(f->r, CST_READABLE);
    test_hand_listen(f->r, CST_DATA);
    run(f);
    cst_push(f->r, cst_slice_str("a"));
    run(f);
    expect(f, "read readable read");
    assert_int_equal(cst_off(f->r, CST_READABLE, test_hand_on, NULL), CST_OK);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_OFF);
    run(f);
    expect(f, "resume data:a");
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_ON);
}

static void the_last_readable_listener_gone_nobody_reads(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    test_hand_listen(f->r, CST_READABLE);
    cst_off_all(f->r, CST_READABLE);
    run(f);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_UNSET);
    expect(f, "read");
}

/* Node looks at the mode anew whenever such a listener is removed, there or not. */
static void a_readable_listener_that_is_not_there_gives_the_flow_back_too(void **state)
{
    struct fixture *f = *state;

    for (int all = 0; all <= 1; all++) {
        drive(f, NULL);
        cst_push(f->r, cst_slice_str("a"));
        cst_pause(f->r);
        if (all)
            assert_int_equal(cst_off_all(f->r, CST_READABLE), CST_OK);
        else
            assert_int_equal(cst_off(f->r, CST_READABLE, test_hand_on, NULL), CST_EMPTY);
        assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_OFF);
        run(f);
        assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_UNSET);
        assert_true(cst_is_paused(f->r));
        expect(f, "pause read");
        test_hand_listen(f->r, CST_DATA);
        run(f);
        expect(f, "resume data:a");
    }
}

static void all_data_listeners_gone_at_once_somebody_still_seems_to_read(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    test_hand_listen(f->r, CST_DATA);
    test_hand_listen(f->r, CST_READABLE);
    cst_off_all(f->r, CST_DATA);
    cst_push(f->r, cst_slice_str("a"));
    cst_off_all(f->r, CST_READABLE);
    run(f);
    assert_int_equal(cst_readable_flowing(f->r), CST_FLOWING_ON);
    assert_int_equal(cst_readable_length(f->r), 0);
    expect(f, "read resume resume");
}

static void a_read_of_exactly_the_rest_does_not_end_and_one_more_does(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    cst_push(f->r, cst_slice_str("ab"));
    cst_push_eof(f->r);
    expect_read(f, 2, "ab");
    run(f);
    expect(f, "");
    assert_int_equal(cst_read(NULL, f->r, 0), CST_EOF);
    run(f);
    expect(f, "end destroy close");
}

/* --- marks and modes -------------------------------------------------------------------------- */

static void the_mark_grows_to_powers_of_two_and_never_shrinks(void **state)
{
    static const struct {
        size_t size, mark;
    } steps[] = { { 1, 1 },     { 2, 2 },         { 5, 8 },
                  { 7, 8 },     { 5000, 8192 },   { 16385, 32768 },
                  { 1, 32768 }, { 32768, 32768 }, { (size_t)1 << 30, (size_t)1 << 30 } };
    struct fixture *f = *state;
    cst_slice chunk;

    drive(f, &(cst_opts){ .high_water_mark = 1 });
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(cst_read(&chunk, f->r, steps[i].size), CST_EMPTY);
        assert_int_equal(cst_readable_high_water_mark(f->r), steps[i].mark);
    }
}

static void a_larger_read_raises_the_mark_in_object_mode_too(void **state)
{
    struct fixture *f = *state;

    drive(f, &(cst_opts){ .object_mode = true });
    assert_int_equal(cst_readable_high_water_mark(f->r), 16);
    assert_true(cst_readable_object_mode(f->r));
    cst_push(f->r, cst_slice_str("a message"));
    expect_read(f, 17, "a message");
    assert_int_equal(cst_readable_high_water_mark(f->r), 32);
}

static void an_empty_message_does_not_end_the_flow(void **state)
{
    static const char *const messages[] = { "a", "", "b", NULL };
    struct fixture *f = *state;

    drive(f, &(cst_opts){ .object_mode = true })->chunks = messages;
    test_hand_listen(f->r, CST_DATA);
    run(f);
    expect(f, "read resume read data:a read data: read data:b end destroy close");
}

static void the_default_marks_are_the_context_s(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    assert_int_equal(cst_readable_high_water_mark(f->r), 65536);
    cst_ctx_set_default_high_water_mark(f->ctx, false, 77);
    assert_int_equal(cst_readable_high_water_mark(f->r), 65536);
    drive(f, NULL);
    assert_int_equal(cst_readable_high_water_mark(f->r), 77);
}

/* --- refusals and losses ---------------------------------------------------------------------- */

static void after_destroy_chunks_are_dropped_without_an_error(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    cst_destroy(f->r, CST_OK);
    assert_int_equal(cst_push_copy(f->r, "x", 1), CST_E_DESTROYED);
    assert_int_equal(cst_unshift(f->r, cst_slice_str("x")), CST_E_DESTROYED);
    assert_int_equal(cst_push_eof(f->r), CST_EOF);
    run(f);
    expect(f, "destroy close");
}

static void lengths_that_do_not_fit_fail_the_stream(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    assert_int_equal(cst_push(f->r, cst_slice_static("x", SIZE_MAX)), CST_FULL);
    assert_int_equal(cst_push(f->r, cst_slice_str("x")), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_readable_length(f->r), SIZE_MAX);
    run(f);
    expect(f, "destroy:OUT_OF_RANGE error:OUT_OF_RANGE close");
}

static void a_push_without_memory_fails_the_stream(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    test_heap_fail_from(&f->heap, 1);
    assert_int_equal(cst_push_copy(f->r, "abc", 3), CST_E_NOMEM);
    test_heap_fail_never(&f->heap);
    assert_int_equal(cst_push(f->r, cst_slice_str("x")), CST_E_DESTROYED);
    run(f);
    expect(f, "destroy:NOMEM error:NOMEM close");
}

static void an_unshift_without_memory_fails_the_stream(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    test_heap_fail_from(&f->heap, 1);
    assert_int_equal(cst_unshift_copy(f->r, "abc", 3), CST_E_NOMEM);
    test_heap_fail_never(&f->heap);
    run(f);
    expect(f, "destroy:NOMEM error:NOMEM close");
}

static void a_buffer_that_cannot_grow_fails_the_stream_and_keeps_what_it_had(void **state)
{
    struct fixture *f = *state;
    size_t pushed = 0;
    cst_status st;

    drive(f, NULL);
    test_heap_fail_from(&f->heap, 1);
    while ((st = cst_push(f->r, cst_slice_str("x"))) == CST_OK)
        pushed++;
    test_heap_fail_never(&f->heap);
    assert_int_equal(st, CST_E_NOMEM);
    assert_int_equal(cst_readable_length(f->r), pushed);
    run(f);
    expect(f, "destroy:NOMEM error:NOMEM close");
}

static void cst_next_says_why_there_is_no_chunk(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    drive(f, NULL);
    assert_int_equal(cst_next(NULL, f->r), CST_E_INVALID_ARG);
    assert_int_equal(cst_next(&chunk, f->r), CST_EMPTY);
    cst_push_eof(f->r);
    assert_int_equal(cst_next(&chunk, f->r), CST_EMPTY);
    run(f);
    assert_int_equal(cst_next(&chunk, f->r), CST_EOF);
    drive(f, NULL);
    cst_push(f->r, cst_slice_str("x"));
    cst_destroy(f->r, CST_OK);
    assert_int_equal(cst_next(&chunk, f->r), CST_E_PREMATURE_CLOSE);
    drive(f, NULL);
    cst_destroy(f->r, CST_USER(4));
    assert_int_equal(cst_next(&chunk, f->r), CST_USER(4));
}

static void drive_unheard(struct fixture *f, const cst_opts *opts)
{
    drive(f, opts);
    assert_int_equal(cst_off_all(f->r, CST_ERROR), CST_OK);
}

/* Each before 'error' is emitted, or after that: the call that waits gets it. */
static void an_error_that_cst_next_hands_over_is_handled(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    drive_unheard(f, NULL);
    cst_destroy(f->r, CST_USER(4));
    assert_int_equal(cst_next(&chunk, f->r), CST_USER(4));
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_next(&chunk, f->r), CST_USER(4));
    drive_unheard(f, NULL);
    assert_int_equal(cst_next(&chunk, f->r), CST_EMPTY);
    cst_destroy(f->r, CST_USER(5));
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_next(&chunk, f->r), CST_USER(5));
    assert_int_equal(cst_next(&chunk, f->r), CST_USER(5));
    drive_unheard(f, &(cst_opts){ .no_auto_destroy = true });
    cst_push_eof(f->r);
    cst_push(f->r, cst_slice_str("late"));
    assert_int_equal(cst_next(&chunk, f->r), CST_E_PUSH_AFTER_EOF);
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_E_UNHANDLED); /* it was emitted before */
}

/* What was said before anybody asked, or to somebody who only reads, is for the host. */
static void an_error_that_no_cst_next_waits_for_is_not_handled(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    drive_unheard(f, NULL);
    assert_int_equal(cst_read(&chunk, f->r, CST_READ_ANY), CST_EMPTY);
    cst_destroy(f->r, CST_USER(4));
    assert_int_equal(cst_read(&chunk, f->r, CST_READ_ANY), CST_EMPTY);
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_E_UNHANDLED);
    assert_int_equal(cst_next(&chunk, f->r), CST_USER(4));
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE);
}

static void readers_are_refused_on_a_stream_that_only_writes(void **state)
{
    struct fixture *f = *state;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, f->ctx, &test_sink_ops, NULL, NULL), CST_OK);
    test_trace_listen(&f->trace, w, "w");
    assert_int_equal(cst_push_copy(w, "x", 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_copy(NULL, "x", 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_eof(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift(NULL, cst_slice_empty()), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(NULL, NULL, 0), CST_E_INVALID_ARG);
    assert_int_equal(cst_resume(w), CST_E_INVALID_ARG);
    assert_int_equal(cst_pause(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_new(&w, f->ctx, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_new(&w, NULL, &hand_ops, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_new(NULL, f->ctx, &hand_ops, NULL, NULL), CST_E_INVALID_ARG);
    expect(f, "");
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
    struct fixture *f = *state;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, f->ctx, &test_sink_ops, NULL, NULL), CST_OK);
    test_trace_listen(&f->trace, w, "w");
    expect_no_readable_side(w);
    expect_no_readable_side(NULL);
}

static void the_state_follows_the_life(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    assert_true(cst_is_readable(f->r));
    assert_false(cst_readable_did_read(f->r));
    cst_push(f->r, cst_slice_str("a"));
    expect_read(f, CST_READ_ANY, "a");
    assert_true(cst_readable_did_read(f->r));
    cst_push_eof(f->r);
    cst_read(NULL, f->r, 0);
    assert_true(cst_is_readable(f->r));
    assert_false(cst_readable_ended(f->r));
    run(f);
    assert_true(cst_readable_ended(f->r));
    assert_false(cst_is_readable(f->r));
    assert_false(cst_readable_aborted(f->r));
    drive(f, NULL);
    cst_destroy(f->r, CST_OK);
    assert_false(cst_is_readable(f->r));
    assert_true(cst_readable_aborted(f->r));
}

static void a_construct_that_is_not_over_holds_the_read_slot_back(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_hand),
                                 .construct = test_hand_construct,
                                 .read = test_hand_read };
    struct fixture *f = *state;
    struct test_hand hand = { .trace = &f->trace, .calls = &f->calls, .chunks = three };

    hand.answers[TEST_CONSTRUCT] = CST_PENDING;
    assert_int_equal(cst_readable_new(&f->r, f->ctx, &ops, &hand, NULL), CST_OK);
    test_hand_listen_all(f->r);
    test_hand_listen(f->r, CST_DATA);
    run(f);
    expect(f, "construct resume");
    test_hand_answer(&f->calls, CST_OK);
    expect(f, "");
    run(f);
    expect(f, "read read read read data:a data:b data:c end close");
}

/* --- destroy ---------------------------------------------------------------------------------- */

static void close_waits_for_a_late_destroy_slot_and_a_second_answer_is_nothing(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, NULL);
    cst_call call;

    hand->answers[TEST_DESTROY] = CST_PENDING;
    cst_destroy(f->r, CST_OK);
    cst_destroy(f->r, CST_USER(1));
    run(f);
    expect(f, "destroy");
    assert_true(cst_is_destroyed(f->r));
    assert_false(cst_is_closed(f->r));
    call = f->calls.list[0];
    test_hand_answer(&f->calls, CST_OK);
    assert_int_equal(cst_complete(call, CST_USER(2)), CST_OK);
    assert_true(cst_is_closed(f->r));
    run(f);
    expect(f, "close");
}

static void the_destroy_slot_may_put_an_error_in_place_of_another(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, NULL);

    hand->answers[TEST_DESTROY] = CST_E_ABORT;
    cst_destroy(f->r, CST_USER(1));
    run(f);
    expect(f, "destroy:USER error:ABORT close");
    assert_int_equal(cst_errored(f->r)->status, CST_USER(1));
    hand = drive(f, NULL);
    hand->answers[TEST_DESTROY] = CST_SWALLOW;
    cst_destroy(f->r, CST_USER(1));
    run(f);
    expect(f, "destroy:USER close");
}

static void a_destroy_without_an_error_lets_a_due_end_come(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    cst_push_eof(f->r);
    cst_read(NULL, f->r, 0);
    cst_destroy(f->r, CST_OK);
    run(f);
    expect(f, "destroy end close");
    drive(f, NULL);
    cst_push_eof(f->r);
    cst_read(NULL, f->r, 0);
    cst_destroy(f->r, CST_USER(1));
    run(f);
    expect(f, "destroy:USER error:USER close");
}

static void an_unshift_before_end_is_said_puts_it_off(void **state)
{
    struct fixture *f = *state;

    drive(f, NULL);
    cst_push_eof(f->r);
    cst_read(NULL, f->r, 0);
    assert_int_equal(cst_unshift(f->r, cst_slice_str("a")), CST_FULL);
    run(f);
    expect(f, "");
    expect_read(f, CST_READ_ANY, "a");
    run(f);
    expect(f, "end destroy close");
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
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct nest nest = { .pushed = 1 };
        cst_ctx_opts opts = { .nesting_limit = limits[i] };

        assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
        assert_int_equal(cst_ctx_new(&f->ctx, test_heap_allocator(&f->heap), &opts), CST_OK);
        assert_int_equal(cst_readable_new(&f->r, f->ctx, &plain_ops, NULL, NULL), CST_OK);
        cst_on(f->r, CST_DATA, push_the_next, &nest);
        run(f);
        cst_push_copy(f->r, "", 1);
        run(f);
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
    struct fixture *f = *state;
    struct pump *pump;
    size_t seen = 0, calls;

    assert_int_equal(cst_readable_new(&f->r, f->ctx, &ops, &(struct pump){ WARM_UP }, NULL),
                     CST_OK);
    cst_on(f->r, CST_DATA, count_chunk, &seen);
    run(f);
    pump = cst_stream_self(f->r);
    pump->left = STEADY;
    calls = f->heap.calls;
    cst_pause(f->r);
    cst_resume(f->r);
    cst_push(f->r, cst_slice_str("go on"));
    run(f);
    assert_int_equal(seen, WARM_UP + STEADY + 1);
    assert_int_equal(f->heap.calls, calls);
}

static void push_some(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cst_buf buf;

        assert_int_equal(cst_buf_new_cached(&buf, f->ctx, 1024), CST_OK);
        cst_push(f->r, cst_buf_freeze(&buf, 1024));
        if (i % 3 == 0)
            run(f);
    }
}

static void a_source_that_is_pushed_from_outside_allocates_nothing_a_chunk(void **state)
{
    static const cst_ops ops = { .name = "pushed" };
    struct fixture *f = *state;
    size_t seen = 0, calls;

    assert_int_equal(cst_readable_new(&f->r, f->ctx, &ops, NULL, NULL), CST_OK);
    cst_on(f->r, CST_DATA, count_chunk, &seen);
    push_some(f, WARM_UP);
    calls = f->heap.calls;
    push_some(f, STEADY);
    assert_int_equal(seen, WARM_UP + STEADY);
    assert_int_equal(f->heap.calls, calls);
}
#endif

/* --- from inside ------------------------------------------------------------------------------ */

/* In a mode, when a place is first reached, an action: three words. Traces were recorded from Node 26.10.0. */
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
    struct fixture *f;
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
        test_trace_add(&in->f->trace, "got=-");
        return;
    }
    test_trace_add(&in->f->trace, "got=%.*s", (int)chunk.len, (const char *)chunk.data);
    cst_slice_unref(&chunk);
}

static void say_if_more(struct inside *in, const char *what, cst_status st)
{
    test_trace_add(&in->f->trace, "%s=%s", what, st == CST_OK ? "true" : "false");
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

    test_hand_on(s, event, NULL);
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(arg, "took=%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void run_cell(struct fixture *f, const struct cell *cell)
{
    static const char *const two[] = { "a", "b", NULL };
    struct inside in = { .f = f };
    struct test_hand *hand = drive(f, &mark_2);

    assert_int_equal(sscanf(cell->what, "%11s %11s %11s", in.mode, in.place, in.action), 3);
    test_trace_clear(&f->trace);
    hand->chunks = two;
    hand->read_fails = is(in.mode, "fail") ? CST_USER(1) : CST_OK;
    hand->act = act_inside;
    hand->act_arg = &in;
    if (is(in.mode, "readable"))
        cst_on(f->r, CST_READABLE, read_all, &f->trace);
    else
        test_hand_listen(f->r, CST_DATA);
    run(f);
    if (is(in.mode, "pause") && !in.gone) {
        test_trace_add(&f->trace, "|");
        cst_resume(f->r);
        run(f);
    }
    assert_true(in.used);
    if (!in.gone)
        hand->act = NULL;
    if (in.gone)
        f->r = NULL; /* its one reference is gone */
}

static void every_callback_may_do_anything_to_its_own_stream(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        run_cell(f, &cells[i]);
        if (!is(f->trace.text, cells[i].trace))
            print_error("%s\n", cells[i].what);
        expect(f, cells[i].trace);
    }
}

/* --- bytes that call when they go --------------------------------------------------------------- */

static void push_again(const void *data, size_t len, void *arg)
{
    struct fixture *f = arg;

    assert_int_equal(cst_readable_length(f->r), 0);
    cst_unref(cst_ref(f->r)); /* looks whether all is well where the library checks itself */
    assert_int_equal(cst_push(f->r, cst_slice_static(data, len)), CST_OK);
}

static void what_is_released_by_a_read_of_all_finds_the_buffer_empty(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    assert_int_equal(cst_push(f->r, cst_slice_str("ab")), CST_OK);
    assert_int_equal(
        cst_slice_foreign(&chunk, test_heap_allocator(&f->heap), "cd", 2, push_again, f), CST_OK);
    assert_int_equal(cst_push(f->r, chunk), CST_OK);
    expect_read(f, 4, "abcd");
    expect_read(f, 2, "cd");
    cst_unref(f->r);
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

/* Gives whether a request failed. */
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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

/* test_readable.c - readable.h and event.h: how chunks come out, and who hears of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "heap.h"
#include "main.h"
#include "trace.h"

struct fixture {
    struct test_heap heap;
    struct test_trace trace;
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(push_says_when_to_hold),
    CASE(read_gives_whole_chunks_or_just_so_many_bytes),
    CASE(flowing_hands_chunks_to_the_listener_inside_push),
    CASE(readable_is_said_by_a_task_and_stops_the_flow),
    CASE(unshift_comes_first_until_the_end_is_said),
    CASE(a_push_after_eof_fails_the_stream),
    CASE(a_larger_read_raises_the_mark_to_a_power_of_two),
    CASE(a_read_that_finds_no_memory_to_join_loses_nothing),
    CASE(a_read_slot_gives_chunks_until_eof_and_cst_next_follows),
    CASE(a_stream_may_be_destroyed_and_let_go_of_in_its_own_listener),
    CASE(a_listener_removed_while_its_event_is_emitted_is_called_once_more),
    CASE(a_once_listener_is_called_once),
    CASE(object_mode_keeps_messages_apart_the_empty_one_too),
    CASE(wrong_streams_and_events_are_refused),
};

TEST_MAIN(tests)

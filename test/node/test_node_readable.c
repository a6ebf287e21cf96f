/*
 * test_node_readable.c - Node's own tests of the readable side: each test bears the name of Node's.
 *
 * Timers are turns of the host, strings are bytes. What is left out is said beside the test.
 */
#include "main.h"
#include "row.h"

#include <string.h>

/* --- test-readable-single-end ----------------------------------------------------------------- */

static void test_readable_single_end(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);

    assert_int_equal(cst_push_eof(r), CST_EOF);
    test_row_record(row, r, CST_READABLE);
    test_row_record(row, r, CST_END);
    test_row_expect(row, "");
    test_row_run(row);
    test_row_expect(row, "readable end");
}

/* --- test-stream-big-push --------------------------------------------------------------------- */

/* Node's test has a text decoder, with which one read gives both blocks. */
#define BLOCK "asdfgasdfgasdfgasdfg"

static void push_block(cst_stream *s, struct test_row *row)
{
    (void)row;
    assert_int_equal(cst_push(s, cst_slice_str(BLOCK)), CST_FULL);
}

static void read_of_big_push(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    test_trace_add(&row->trace, "hook");
    if (test_row_calls(s) == 1)
        test_row_after(row, 1, push_block, s);
    else if (test_row_calls(s) == 2)
        push_block(s, row);
    else
        assert_int_equal(cst_push_eof(s), CST_EOF);
}

static void on_readable_of_big_push(cst_stream *s, const cst_event *event, void *arg)
{
    test_row_on(s, event, arg);
    test_row_read(arg, s, CST_READ_ANY);
    assert_int_equal(cst_readable_length(s), 20);
    test_row_read(arg, s, CST_READ_ANY);
    test_row_read(arg, s, CST_READ_ANY);
}

static void test_stream_big_push(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_of_big_push, &(cst_opts){ .high_water_mark = 5 });

    test_row_record(row, r, CST_END);
    push_block(r, row);
    test_row_read(row, r, CST_READ_ANY);
    test_row_read(row, r, CST_READ_ANY);
    test_row_expect(row, "hook read:" BLOCK " EMPTY");
    assert_int_equal(cst_once(r, CST_READABLE, on_readable_of_big_push, row), CST_OK);
    test_row_run(row);
    test_row_expect(row, "readable hook read:" BLOCK " hook read:" BLOCK " EOF end");
    assert_int_equal(test_row_calls(r), 3);
}

/* --- test-stream-end-paused ------------------------------------------------------------------- */

static void read_eof(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    test_trace_add(&row->trace, "hook");
    cst_push_eof(s);
}

static void test_stream_end_paused(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_eof, NULL);

    test_row_record(row, r, CST_DATA);
    cst_pause(r);
    test_row_rest(row);
    test_row_expect(row, "hook");
    test_row_record(row, r, CST_END);
    cst_resume(r);
    test_row_expect(row, "");
    test_row_run(row);
    test_row_expect(row, "end");
}

/* --- test-stream-push-order ------------------------------------------------------------------- */

static void read_two_digits(cst_stream *s, struct test_row *row, size_t size)
{
    static const char digits[] = "123456";
    unsigned from = (test_row_calls(s) - 1) * 2;

    (void)row;
    assert_int_equal(size, 20);
    if (from == strlen(digits)) {
        cst_push_eof(s);
        return;
    }
    assert_int_equal(cst_push(s, cst_slice_static(digits + from, 1)), CST_OK);
    assert_int_equal(cst_push(s, cst_slice_static(digits + from + 1, 1)), CST_OK);
}

static void test_stream_push_order(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_two_digits, &(cst_opts){ .high_water_mark = 20 });

    assert_int_equal(cst_read(NULL, r, 0), CST_EMPTY);
    test_row_run(row);
    assert_int_equal(test_row_calls(r), 4);
    assert_int_equal(cst_readable_length(r), 6);
    test_row_read_all(row, r);
    test_row_expect(row, "read:1 read:2 read:3 read:4 read:5 read:6 EOF");
}

/* --- test-stream-push-strings ----------------------------------------------------------------- */

static void push_first_chunk(cst_stream *s, struct test_row *row)
{
    (void)row;
    cst_push(s, cst_slice_str("first chunk"));
}

static void push_last_chunk(cst_stream *s, struct test_row *row)
{
    (void)row;
    cst_push(s, cst_slice_str("last chunk"));
}

static void read_strings(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    test_trace_add(&row->trace, "hook");
    switch (test_row_calls(s)) {
    case 1:
        test_row_tick(row, push_first_chunk, s);
        break;
    case 2:
        cst_push(s, cst_slice_str("second to last chunk"));
        break;
    case 3:
        test_row_after(row, 100, push_last_chunk, s);
        break;
    case 4:
        cst_push_eof(s);
        break;
    default:
        fail_msg("asked for more after EOF");
    }
}

static void test_stream_push_strings(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_strings, NULL);

    assert_int_equal(cst_on(r, CST_READABLE, test_row_on_readable_all, row), CST_OK);
    test_row_record(row, r, CST_END);
    test_row_run(row);
    test_row_expect(row, "hook readable hook read:first chunk hook read:second to last chunk EMPTY "
                         "readable hook read:last chunk EOF readable EOF end");
}

/* --- test-stream-readable-add-chunk-during-data ----------------------------------------------- */

#define HELLO "Hello, world"

/* row->arg says whether the chunk is unshifted. */
static void on_data_add_again(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    bool *unshifts = row->arg;

    test_row_on(s, event, arg);
    assert_int_equal(cst_readable_length(s), 0);
    if (*unshifts)
        assert_int_equal(cst_unshift(s, cst_slice_ref(event->chunk)), CST_OK);
    else
        assert_int_equal(cst_push(s, cst_slice_ref(event->chunk)), CST_OK);
    assert_int_equal(cst_readable_length(s), strlen(HELLO));
    test_row_record(row, s, CST_DATA);
}

static void add_during_data(struct test_row *row, bool unshifts)
{
    cst_stream *r = test_row_source(row, NULL, NULL);

    row->arg = &unshifts;
    assert_int_equal(cst_once(r, CST_DATA, on_data_add_again, row), CST_OK);
    assert_int_equal(cst_push(r, cst_slice_str(HELLO)), CST_OK);
    test_row_run(row);
    test_row_expect(row, "data:" HELLO " data:" HELLO);
    assert_int_equal(cst_readable_length(r), 0);
}

static void test_stream_readable_add_chunk_during_data__push(void **state)
{
    add_during_data(*state, false);
}

static void test_stream_readable_add_chunk_during_data__unshift(void **state)
{
    add_during_data(*state, true);
}

/* --- test-stream-readable-data ---------------------------------------------------------------- */

static void listen_and_push(cst_stream *s, struct test_row *row)
{
    test_row_record(row, s, CST_DATA);
    cst_push(s, cst_slice_str("hello"));
}

static void test_stream_readable_data(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);

    test_row_record(row, r, CST_READABLE);
    assert_int_equal(cst_off(r, CST_READABLE, test_row_on, row), CST_OK);
    test_row_tick(row, listen_and_push, r);
    test_row_run(row);
    test_row_expect(row, "data:hello");
}

/* --- test-stream-readable-emit-readable-short-stream ------------------------------------------ */

static void read_content_and_eof(cst_stream *s, struct test_row *row, size_t size)
{
    (void)row;
    (void)size;
    cst_push(s, cst_slice_str("content"));
    cst_push_eof(s);
}

static cst_stream *short_transform(struct test_row *row)
{
    return test_row_transform(row, NULL, NULL);
}

static void read_short(struct test_row *row, cst_stream *s)
{
    assert_int_equal(cst_on(s, CST_READABLE, test_row_on_readable_all, row), CST_OK);
}

static void test_stream_readable_emit_readable_short_stream__piped(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_content_and_eof, NULL);
    cst_stream *t = short_transform(row);

    assert_int_equal(cst_pipe(r, t, NULL), CST_OK);
    read_short(row, t);
    test_row_run(row);
    test_row_expect(row, "readable read:content EOF readable EOF");
}

static void test_stream_readable_emit_readable_short_stream__ended_before(void **state)
{
    struct test_row *row = *state;
    cst_stream *t = short_transform(row);

    assert_int_equal(cst_end_with(t, cst_slice_str("content"), NULL, NULL), CST_OK);
    read_short(row, t);
    test_row_run(row);
    test_row_expect(row, "readable read:content EOF");
}

static void test_stream_readable_emit_readable_short_stream__written_and_ended_before(void **state)
{
    struct test_row *row = *state;
    cst_stream *t = short_transform(row);

    assert_int_equal(cst_write(t, cst_slice_str("content"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end(t, NULL, NULL), CST_OK);
    read_short(row, t);
    test_row_run(row);
    test_row_expect(row, "readable read:content EOF");
}

static void test_stream_readable_emit_readable_short_stream__listened_to_before(void **state)
{
    struct test_row *row = *state;
    cst_stream *t = short_transform(row);

    read_short(row, t);
    assert_int_equal(cst_write(t, cst_slice_str("content"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end(t, NULL, NULL), CST_OK);
    test_row_run(row);
    test_row_expect(row, "readable read:content EOF readable EOF");
}

static void test_stream_readable_emit_readable_short_stream__pushed_at_once(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);

    read_short(row, r);
    cst_push(r, cst_slice_str("content"));
    cst_push_eof(r);
    test_row_run(row);
    test_row_expect(row, "readable read:content EOF");
}

static void push_content_and_eof(cst_stream *s, struct test_row *row)
{
    (void)row;
    cst_push(s, cst_slice_str("content"));
    cst_push_eof(s);
}

/* EOF outside the read slot is announced at once, with the chunk; the event that the chunk had
 * asked for comes too. */
static void test_stream_readable_emit_readable_short_stream__pushed_in_a_tick(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);

    read_short(row, r);
    test_row_tick(row, push_content_and_eof, r);
    test_row_run(row);
    test_row_expect(row, "readable read:content EOF readable EOF");
}

/* --- test-stream-readable-event --------------------------------------------------------------- */

static void read_nothing(cst_stream *s, struct test_row *row, size_t size)
{
    (void)s;
    (void)size;
    test_trace_add(&row->trace, "hook");
}

static cst_stream *noop_with_mark(struct test_row *row, size_t mark)
{
    return test_row_source(row, read_nothing, &(cst_opts){ .high_water_mark = mark });
}

static void test_stream_readable_event__above_the_mark(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = noop_with_mark(row, 3);

    assert_int_equal(cst_push(r, cst_slice_str("blerg")), CST_FULL);
    test_row_rest(row);
    test_row_record(row, r, CST_READABLE);
    test_row_run(row);
    test_row_expect(row, "readable");
}

static void test_stream_readable_event__while_reading(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = noop_with_mark(row, 3);

    assert_int_equal(cst_push(r, cst_slice_str("bl")), CST_OK);
    test_row_rest(row);
    test_row_expect(row, "hook"); /* which owes its chunk */
    test_row_record(row, r, CST_READABLE);
    test_row_run(row);
    test_row_expect(row, "readable");
}

static void test_stream_readable_event__after_eof(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = noop_with_mark(row, 30);

    assert_int_equal(cst_push(r, cst_slice_str("blerg")), CST_OK);
    assert_int_equal(cst_push_eof(r), CST_EOF);
    test_row_rest(row);
    test_row_record(row, r, CST_READABLE);
    test_row_run(row);
    test_row_expect(row, "readable");
}

static const char *const sparse[] = { "", "x", "y", "", "z", NULL };

static void push_next_of_sparse(cst_stream *s, struct test_row *row)
{
    const char *text = sparse[test_row_calls(s) - 1];

    (void)row;
    if (text)
        cst_push(s, cst_slice_str(text));
    else
        cst_push_eof(s);
}

static void read_sparse(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    test_row_tick(row, push_next_of_sparse, s);
}

/* The event that EOF brings finds nothing. */
static void test_stream_readable_event__empty_chunks_are_not_eof(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_sparse, NULL);

    assert_int_equal(cst_on(r, CST_READABLE, test_row_on_readable_once, row), CST_OK);
    test_row_record(row, r, CST_END);
    test_row_run(row);
    test_row_expect(row, "readable read:x readable read:y readable read:z readable EOF end");
    assert_int_equal(test_row_calls(r), 6);
}

/* Node's removeAllListeners() without a name: here a call for each event. */
static void test_stream_readable_event__all_listeners_removed(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);

    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        test_row_record(row, r, (cst_event_type)type);
    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        assert_int_equal(cst_off_all(r, (cst_event_type)type), CST_OK);
    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        assert_int_equal(cst_listener_count(r, (cst_event_type)type), 0);
    cst_push(r, cst_slice_str("x"));
    cst_push_eof(r);
    cst_resume(r);
    test_row_run(row);
    test_row_expect(row, "");
    assert_true(cst_readable_ended(r));
}

/* --- test-stream-readable-no-unneeded-readable ------------------------------------------------ */

struct wrapped {
    cst_stream *inner, *outer;
};

static bool pass_one_on(struct wrapped *wrapped)
{
    cst_slice chunk;

    if (cst_read(&chunk, wrapped->inner, CST_READ_ANY) != CST_OK)
        return false;
    cst_push(wrapped->outer, chunk);
    return true;
}

static void on_inner_readable(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;

    (void)s;
    (void)event;
    pass_one_on(row->arg);
}

static void on_inner_end(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    struct wrapped *wrapped = row->arg;

    test_row_on(s, event, arg);
    cst_push_eof(wrapped->outer);
}

static void read_wrapped(cst_stream *s, struct test_row *row, size_t size)
{
    struct wrapped *wrapped = row->arg;

    (void)s;
    (void)size;
    if (!pass_one_on(wrapped))
        assert_int_equal(cst_once(wrapped->inner, CST_READABLE, on_inner_readable, row), CST_OK);
}

/* The source ends, then the wrapper. */
static void expect_end_through_a_wrapper(struct test_row *row, cst_stream *inner)
{
    struct wrapped wrapped = { .inner = inner, .outer = test_row_source(row, read_wrapped, NULL) };

    row->arg = &wrapped;
    assert_int_equal(cst_on(inner, CST_END, on_inner_end, row), CST_OK);
    test_row_record(row, wrapped.outer, CST_END);
    test_row_record(row, wrapped.outer, CST_DATA);
    cst_resume(wrapped.outer);
    test_row_run(row);
    test_row_expect(row, "data:foo data:bar end end");
}

static void test_stream_readable_no_unneeded_readable__of_a_pass_through(void **state)
{
    struct test_row *row = *state;
    cst_stream *source = test_row_source(row, NULL, NULL);
    cst_stream *r;

    assert_int_equal(cst_passthrough_new(&r, row->ctx, NULL), CST_OK);
    cst_push(source, cst_slice_str("foo"));
    cst_push(source, cst_slice_str("bar"));
    cst_push_eof(source);
    assert_int_equal(cst_pipe(source, r, NULL), CST_OK);
    expect_end_through_a_wrapper(row, r);
}

static void push_eof(cst_stream *s, struct test_row *row)
{
    (void)row;
    cst_push_eof(s);
}

static void read_foo_bar(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    if (test_row_calls(s) <= 2)
        cst_push(s, cst_slice_str(test_row_calls(s) == 1 ? "foo" : "bar"));
    else
        test_row_tick(row, push_eof, s);
}

static void test_stream_readable_no_unneeded_readable__of_a_source(void **state)
{
    expect_end_through_a_wrapper(*state, test_row_source(*state, read_foo_bar, NULL));
}

/* --- test-stream-readable-pause-and-resume ---------------------------------------------------- */

#define ITEMS 19

/* A listener for each item. */
struct item_listener {
    struct test_row *row;
    unsigned got;
};

struct item_loop {
    struct item_listener listeners[ITEMS];
    unsigned count;
};

static void push_item(cst_stream *s, struct test_row *row)
{
    (void)row;
    cst_push(s, cst_slice_str("item"));
}

static void read_items(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    if (test_row_calls(s) < ITEMS) {
        test_row_tick(row, push_item, s);
    } else {
        push_item(s, row);
        cst_push_eof(s);
    }
}

static void go_on_with_another(cst_stream *s, struct test_row *row);

static void on_item_pause(cst_stream *s, const cst_event *event, void *arg)
{
    struct item_listener *listener = arg;
    struct item_loop *loop = listener->row->arg;

    (void)event;
    assert_int_equal(cst_pause(s), CST_OK);
    listener->got++;
    if (loop->count < ITEMS)
        test_row_after(listener->row, 1, go_on_with_another, s);
}

static void read_and_pause(cst_stream *s, struct test_row *row)
{
    struct item_loop *loop = row->arg;
    struct item_listener *listener = &loop->listeners[loop->count++];

    listener->row = row;
    assert_int_equal(cst_on(s, CST_DATA, on_item_pause, listener), CST_OK);
}

static void go_on_with_another(cst_stream *s, struct test_row *row)
{
    struct item_loop *loop = row->arg;

    assert_int_equal(cst_off(s, CST_DATA, on_item_pause, &loop->listeners[loop->count - 1]),
                     CST_OK);
    read_and_pause(s, row);
    assert_int_equal(cst_resume(s), CST_OK);
}

static void test_stream_readable_pause_and_resume__item_by_item(void **state)
{
    struct test_row *row = *state;
    struct item_loop loop = { .count = 0 };
    cst_stream *r = test_row_source(row, read_items, &(cst_opts){ .object_mode = true });

    row->arg = &loop;
    test_row_record(row, r, CST_END);
    read_and_pause(r, row);
    test_row_run(row);
    assert_int_equal(loop.count, ITEMS);
    for (unsigned i = 0; i < ITEMS; i++)
        assert_int_equal(loop.listeners[i].got, 1);
    test_row_expect(row, "end");
}

static void is_paused(cst_stream *s, struct test_row *row)
{
    test_trace_add(&row->trace, "%s", cst_is_paused(s) ? "paused" : "not paused");
}

static void test_stream_readable_pause_and_resume__pause_is_not_undone(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);

    test_row_record(row, r, CST_READABLE);
    assert_int_equal(cst_off(r, CST_READABLE, test_row_on, row), CST_OK);
    cst_pause(r);
    test_row_tick(row, is_paused, r);
    test_row_run(row);
    test_row_expect(row, "paused");
}

static void on_drain_is_source_paused(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;

    test_row_on(s, event, arg);
    is_paused(row->arg, row);
}

static void test_stream_readable_pause_and_resume__resumed_before_drain(void **state)
{
    struct test_row *row = *state;
    cst_stream *source, *target;
    unsigned written = 1, seen = 0; /* the chunk that was refused counts */

    assert_int_equal(cst_passthrough_new(&source, row->ctx, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&target, row->ctx, NULL), CST_OK);
    while (cst_write(target, test_row_xs(250), NULL, NULL) == CST_OK)
        written++;
    assert_int_equal(cst_pipe(source, target, NULL), CST_OK);
    row->arg = source;
    assert_int_equal(cst_on(target, CST_DRAIN, on_drain_is_source_paused, row), CST_OK);
    assert_int_equal(cst_on(target, CST_DATA, test_row_count, &seen), CST_OK);
    test_row_run(row);
    test_row_expect(row, "drain not paused");
    assert_int_equal(seen, written);
}

/* --- test-stream-readable-readable-then-resume ------------------------------------------------ */

static void read_one_then_eof(cst_stream *s, struct test_row *row, size_t size)
{
    (void)row;
    (void)size;
    if (test_row_calls(s) == 1)
        cst_push(s, cst_slice_str("item"));
    else
        cst_push_eof(s);
}

static void test_stream_readable_readable_then_resume(void **state)
{
    const cst_opts opts = { .object_mode = true, .high_water_mark = 1 };
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_one_then_eof, &opts);

    test_row_record(row, r, CST_END);
    test_row_record(row, r, CST_READABLE);
    assert_int_equal(cst_off(r, CST_READABLE, test_row_on, row), CST_OK);
    assert_int_equal(cst_resume(r), CST_OK);
    test_row_run(row);
    test_row_expect(row, "end");
}

/* --- test-stream-readable-unshift ------------------------------------------------------------- */

/* Left out: strings in encodings of their own, and a decoder. */
static void test_stream_readable_unshift__alone(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);

    test_row_record(row, r, CST_DATA);
    assert_int_equal(cst_unshift(r, cst_slice_str("front")), CST_OK);
    test_row_run(row);
    test_row_expect(row, "data:front");
}

static void test_stream_readable_unshift__before_what_was_pushed(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);

    cst_push(r, cst_slice_str("back"));
    cst_unshift(r, cst_slice_str("front"));
    test_row_record(row, r, CST_DATA);
    test_row_run(row);
    test_row_expect(row, "data:front data:back");
}

static void test_stream_readable_unshift__items_last_in_first_out(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, &(cst_opts){ .object_mode = true });

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(cst_unshift(r, cst_slice_static(&"abcd"[i], 1)), CST_OK);
    test_row_record(row, r, CST_DATA);
    test_row_run(row);
    test_row_expect(row, "data:d data:c data:b data:a");
}

/* Two strings of one byte, then strings of two, as long as there is room and some are left. */
static void read_strings_above_mark(cst_stream *s, struct test_row *row, size_t size)
{
    unsigned *left = row->arg;
    cst_status st = CST_OK;

    (void)size;
    while (*left && st == CST_OK) {
        st = cst_push(s, test_row_xs(*left % 3 ? 2 : 1));
        --*left;
    }
    if (!*left)
        cst_push_eof(s);
}

static void count_bytes(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    *(size_t *)arg += event->chunk->len;
}

struct put_back {
    unsigned left;
    size_t bytes;
};

static void on_readable_put_back(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    struct put_back *put_back = row->arg;
    cst_slice chunk;

    test_row_on(s, event, arg);
    assert_int_equal(cst_read(&chunk, s, CST_READ_ANY), CST_OK);
    assert_int_equal(cst_off(s, CST_READABLE, on_readable_put_back, row), CST_EMPTY);
    cst_unshift(s, chunk);
    assert_int_equal(cst_on(s, CST_DATA, count_bytes, &put_back->bytes), CST_OK);
}

static void test_stream_readable_unshift__of_what_was_read(void **state)
{
    struct test_row *row = *state;
    struct put_back put_back = { .left = 120 };
    cst_stream *r =
        test_row_source(row, read_strings_above_mark, &(cst_opts){ .high_water_mark = 50 });

    row->arg = &put_back;
    assert_int_equal(cst_once(r, CST_READABLE, on_readable_put_back, row), CST_OK);
    test_row_record(row, r, CST_END);
    test_row_record(row, r, CST_ERROR);
    test_row_run(row);
    test_row_expect(row, "readable end");
    assert_int_equal(put_back.bytes, 200);
}

/* --- test-stream-uint8array ------------------------------------------------------------------- */

/* Left out: that a typed array becomes a Buffer. */
static void test_stream_uint8array__bytes_written(void **state)
{
    struct test_row *row = *state;
    cst_stream *w = test_row_sink(row, NULL, NULL);

    assert_int_equal(cst_write(w, cst_slice_str("ABC"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end_with(w, cst_slice_str("DEF"), NULL, NULL), CST_OK);
    test_row_run(row);
    test_row_expect(row, "write:ABC write:DEF");
}

static cst_status write_same(cst_stream *s, struct test_row *row, const cst_slice *chunk)
{
    const cst_slice *item = row->arg;

    (void)s;
    assert_ptr_equal(chunk->data, item->data);
    assert_ptr_equal(chunk->block, item->block);
    assert_int_equal(chunk->len, item->len);
    return CST_OK;
}

static void test_stream_uint8array__an_item_is_not_touched(void **state)
{
    struct test_row *row = *state;
    cst_stream *w = test_row_sink(row, write_same, &(cst_opts){ .object_mode = true });
    cst_slice item;

    assert_int_equal(cst_slice_copy(&item, &row->heap.allocator, "ABC", 3), CST_OK);
    row->arg = &item;
    assert_int_equal(cst_end_with(w, cst_slice_ref(&item), NULL, NULL), CST_OK);
    test_row_run(row);
    assert_int_equal(test_row_calls(w), 1);
    cst_slice_unref(&item);
}

static cst_status pend_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_part *part = self;

    test_trace_add(&part->row->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    *(cst_call *)part->row->arg = cst_this_call(s);
    return CST_PENDING;
}

static cst_status take_batch(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct test_part *part = self;

    (void)s;
    assert_int_equal(count, 2);
    test_trace_add(&part->row->trace, "writev:%.*s+%.*s", (int)chunks[0].len,
                   (const char *)chunks[0].data, (int)chunks[1].len, (const char *)chunks[1].data);
    return CST_OK;
}

static void test_stream_uint8array__writev(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_part),
                                 .write = pend_write,
                                 .writev = take_batch };
    struct test_row *row = *state;
    const struct test_part part = { .row = row };
    cst_call call;
    cst_stream *w;

    row->arg = &call;
    assert_int_equal(cst_writable_new(&w, row->ctx, &ops, &part, NULL), CST_OK);
    assert_int_equal(cst_write(w, cst_slice_str("ABC"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(w, cst_slice_str("DEF"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end_with(w, cst_slice_str("GHI"), NULL, NULL), CST_OK);
    test_row_expect(row, "write:ABC");
    assert_int_equal(cst_complete(call, CST_OK), CST_OK);
    test_row_expect(row, "writev:DEF+GHI");
    test_row_run(row);
    assert_true(cst_writable_finished(w));
}

static cst_stream *abc_def(struct test_row *row)
{
    cst_stream *r = test_row_source(row, NULL, NULL);

    assert_int_equal(cst_push(r, cst_slice_str("DEF")), CST_OK);
    assert_int_equal(cst_unshift(r, cst_slice_str("ABC")), CST_OK);
    return r;
}

static void test_stream_uint8array__read(void **state)
{
    cst_stream *r = abc_def(*state);

    test_row_read(*state, r, CST_READ_ANY);
    test_row_read(*state, r, CST_READ_ANY);
    test_row_expect(*state, "read:ABC read:DEF");
    test_row_read(*state, abc_def(*state), 6);
    test_row_expect(*state, "read:ABCDEF");
}

/* --- test-stream-unshift-empty-chunk ---------------------------------------------------------- */

static void push_ten_or_eof(cst_stream *s, struct test_row *row)
{
    (void)row;
    if (test_row_calls(s) < 10)
        cst_push(s, test_row_xs(10));
    else
        cst_push_eof(s);
}

static void read_ten_later(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    test_row_after(row, 1, push_ten_or_eof, s);
}

struct seen {
    bool all;
    unsigned reads;
};

static void on_readable_put_some_back(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    struct seen *seen = row->arg;
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(&row->trace, "%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
        seen->reads++;
        cst_unshift(s, cst_slice_static("yyyyy", seen->all ? 0 : 5));
        seen->all = !seen->all;
    }
}

static void test_stream_unshift_empty_chunk(void **state)
{
    struct test_row *row = *state;
    struct seen seen = { .all = false };
    cst_stream *r = test_row_source(row, read_ten_later, NULL);

    row->arg = &seen;
    assert_int_equal(cst_on(r, CST_READABLE, on_readable_put_some_back, row), CST_OK);
    test_row_record(row, r, CST_END);
    test_row_run(row);
    test_row_expect(row, "xxxxxxxxxx yyyyy xxxxxxxxxx yyyyy xxxxxxxxxx yyyyy xxxxxxxxxx yyyyy "
                         "xxxxxxxxxx yyyyy xxxxxxxxxx yyyyy xxxxxxxxxx yyyyy xxxxxxxxxx yyyyy "
                         "xxxxxxxxxx yyyyy end");
    assert_int_equal(seen.reads, 18);
    assert_int_equal(test_row_calls(r), 10);
}

/* --- test-stream-unshift-read-race ------------------------------------------------------------ */

#define RACE_BYTES 105

struct race {
    cst_stream *w;
    size_t pos, size; /* of the pattern "asdf", and what was asked for */
    bool eof;
    char pattern[RACE_BYTES];
};

static void race_push(cst_stream *s, struct test_row *row)
{
    struct race *race = row->arg;
    size_t left = RACE_BYTES - race->pos;

    assert_false(race->eof);
    if (left) {
        size_t len = left < race->size ? left : race->size;

        cst_push(s, cst_slice_static(race->pattern + race->pos, len));
        race->pos += len;
        return;
    }
    race->eof = true;
    assert_int_equal(cst_push_eof(s), CST_EOF);
    assert_int_equal(cst_unshift(s, cst_slice_str("!")), CST_FULL);
    assert_int_equal(cst_end(race->w, NULL, NULL), CST_OK);
    assert_int_equal(cst_push(s, cst_slice_str("!")), CST_E_PUSH_AFTER_EOF);
}

static void race_read(cst_stream *s, struct test_row *row, size_t size)
{
    struct race *race = row->arg;

    assert_false(race->eof);
    race->size = size;
    test_row_after(row, 1, race_push, s);
}

static cst_status race_write(cst_stream *s, struct test_row *row, const cst_slice *chunk)
{
    (void)s;
    test_trace_add(&row->trace, "%.*s", (int)chunk->len, (const char *)chunk->data);
    return CST_OK;
}

static void on_race_readable(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    struct race *race = row->arg;
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, 10) == CST_OK) {
        size_t len = chunk.len;

        cst_write(race->w, chunk, NULL, NULL);
        if (len > 4)
            cst_unshift(s, cst_slice_str("1234"));
    }
}

static void test_stream_unshift_read_race(void **state)
{
    const cst_opts opts = { .high_water_mark = 10, .no_auto_destroy = true };
    struct test_row *row = *state;
    struct race race = { .w = test_row_sink(row, race_write, NULL) };
    cst_stream *r = test_row_source(row, race_read, &opts);

    for (size_t i = 0; i < RACE_BYTES; i++)
        race.pattern[i] = "asdf"[i % 4];
    row->arg = &race;
    test_row_record(row, r, CST_END);
    test_row_record(row, r, CST_ERROR);
    test_row_record(row, race.w, CST_FINISH);
    assert_int_equal(cst_on(r, CST_READABLE, on_race_readable, row), CST_OK);
    test_row_run(row);
    test_row_expect(row, "asdfasdfas 1234dfasdf 1234asdfas 1234dfasdf 1234asdfas 1234dfasdf "
                         "1234asdfas 1234dfasdf 1234asdfas 1234dfasdf 1234asdfas 1234dfasdf "
                         "1234asdfas 1234dfasdf 1234asdfas 1234dfasdf 1234asdfa 1234 "
                         "error:PUSH_AFTER_EOF finish");
    assert_int_equal(test_row_calls(race.w), 18);
}

/* --- test-stream2-basic ----------------------------------------------------------------------- */

/* Left out: setEncoding, and that calls give back the stream. */
/* A buffer of len bytes, which is filled again ten turns after it was found empty: nine times,
 * then EOF comes. */
struct refilled {
    struct test_row *row;
    size_t len, pos, asked;
    unsigned refills;
};

static cst_status read_refilled(cst_stream *s, void *self, size_t size);

static void refill(cst_stream *s, struct test_row *row)
{
    struct refilled *from = cst_stream_self(s);

    (void)row;
    from->pos = 0;
    if (from->refills == 9) {
        assert_int_equal(cst_push_eof(s), CST_EOF);
    } else {
        from->refills++;
        read_refilled(s, from, from->asked);
    }
}

static cst_status read_refilled(cst_stream *s, void *self, size_t size)
{
    struct refilled *from = self;
    size_t left = from->len - from->pos;
    size_t n = size < left ? size : left;

    from->asked = size;
    if (!n) {
        test_row_after(from->row, 10, refill, s);
    } else {
        from->pos += n;
        cst_push(s, test_row_xs(n));
    }
    return CST_OK;
}

static cst_stream *refilled_source(struct test_row *row, size_t len)
{
    static const cst_ops ops = { .self_size = sizeof(struct refilled), .read = read_refilled };
    const struct refilled from = { .row = row, .len = len };
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, row->ctx, &ops, &from, NULL), CST_OK);
    return s;
}

static void read_growing(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    size_t *size = row->arg;
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, (*size)++) == CST_OK) {
        test_trace_add(&row->trace, "%u", (unsigned)chunk.len);
        cst_slice_unref(&chunk);
    }
    assert_int_equal(cst_once(s, CST_READABLE, read_growing, row), CST_OK);
}

static void test_stream2_basic__growing_reads(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = refilled_source(row, 20);
    size_t size = 1;

    row->arg = &size;
    test_row_record(row, r, CST_END);
    read_growing(r, NULL, row);
    test_row_run(row);
    test_row_expect(row, "1 2 3 4 5 9 10 12 13 15 17 19 21 23 25 21 end");
}

static void test_stream2_basic__piped(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = refilled_source(row, 5);
    cst_stream *w = test_row_sink(row, NULL, NULL);

    test_row_record(row, w, CST_FINISH);
    assert_int_equal(cst_pipe(r, w, NULL), CST_OK);
    test_row_run(row);
    test_row_expect(row, "write:xxxxx write:xxxxx write:xxxxx write:xxxxx write:xxxxx write:xxxxx "
                         "write:xxxxx write:xxxxx write:xxxxx write:xxxxx finish");
}

/* The source goes over from the first sink to the second when the first has got so many chunks. */
struct handover {
    cst_stream *r, *first, *second;
    unsigned after;
};

static cst_status write_and_hand_over(cst_stream *s, struct test_row *row, const cst_slice *chunk)
{
    struct handover *hand = row->arg;

    assert_int_equal(chunk->len, 5);
    if (s != hand->first || test_row_calls(s) != hand->after)
        return CST_OK;
    assert_int_equal(cst_unpipe(hand->r, NULL), CST_OK);
    assert_int_equal(cst_listener_count(hand->r, CST_DATA), 0);
    assert_int_equal(cst_unpipe(hand->r, hand->first), CST_EMPTY);
    assert_int_equal(cst_end(s, NULL, NULL), CST_OK);
    assert_int_equal(cst_pipe(hand->r, hand->second, NULL), CST_OK);
    assert_int_equal(cst_listener_count(hand->r, CST_DATA), 1);
    return CST_OK;
}

/* beside: another sink, piped to with the first, or NULL. */
static void hand_over(struct test_row *row, unsigned after, cst_stream *beside)
{
    struct handover hand = { .r = refilled_source(row, 5),
                             .first = test_row_sink(row, write_and_hand_over, NULL),
                             .second = test_row_sink(row, write_and_hand_over, NULL),
                             .after = after };

    row->arg = &hand;
    assert_int_equal(cst_pipe(hand.r, hand.first, NULL), CST_OK);
    if (beside)
        assert_int_equal(cst_pipe(hand.r, beside, NULL), CST_OK);
    test_row_run(row);
    assert_int_equal(test_row_calls(hand.first), after);
    assert_int_equal(test_row_calls(hand.second), 10 - after);
    assert_true(cst_writable_finished(hand.first));
    assert_true(cst_writable_finished(hand.second));
}

static void test_stream2_basic__unpiped_and_piped_elsewhere(void **state)
{
    for (unsigned after = 1; after <= 9; after++)
        hand_over(*state, after, NULL);
}

/* The chunk at which everything is unpiped still reaches the sink beside, which nobody ends. */
static void test_stream2_basic__two_unpiped_and_one_piped(void **state)
{
    for (unsigned after = 1; after <= 9; after++) {
        cst_stream *beside = test_row_sink(*state, write_and_hand_over, NULL);

        hand_over(*state, after, beside);
        assert_int_equal(test_row_calls(beside), after);
        assert_false(cst_writable_ended(beside));
    }
}

static void test_stream2_basic__two_destinations(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = refilled_source(row, 5);
    cst_stream *w[2];

    for (int i = 0; i < 2; i++) {
        w[i] = test_row_sink(row, NULL, NULL);
        assert_int_equal(cst_pipe(r, w[i], NULL), CST_OK);
    }
    test_row_run(row);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(test_row_calls(w[i]), 10);
        assert_true(cst_writable_finished(w[i]));
    }
}

/* The sinks w1, w2, w3, what the latter two have pending, and how many turns they take. */
struct three {
    cst_stream *r, *w[3];
    cst_call calls[3];
};

static int place(const struct three *three, const cst_stream *s)
{
    return s == three->w[0] ? 0 : s == three->w[1] ? 1 : 2;
}

static void finish_item(cst_stream *s, struct test_row *row)
{
    struct three *three = row->arg;

    test_trace_add(&row->trace, "w%d:done", place(three, s) + 1);
    cst_complete(three->calls[place(three, s)], CST_OK);
}

static cst_status write_item(cst_stream *s, struct test_row *row, const cst_slice *chunk)
{
    struct three *three = row->arg;
    int i = place(three, s);

    test_trace_add(&row->trace, "w%d:%.*s", i + 1, (int)chunk->len, (const char *)chunk->data);
    if (i == 0)
        return cst_destroy(s, CST_OK);
    if (chunk->len == 4 && memcmp(chunk->data, "four", 4) == 0)
        return CST_OK;
    three->calls[i] = cst_this_call(s);
    test_row_after(row, i == 1 ? 10 : 50, finish_item, s);
    return CST_PENDING;
}

static void pipe_to_the_others(cst_stream *s, struct test_row *row)
{
    struct three *three = row->arg;

    (void)s;
    assert_int_equal(cst_pipe(three->r, three->w[1], NULL), CST_OK);
    assert_int_equal(cst_pipe(three->r, three->w[2], NULL), CST_OK);
}

static void on_close_pipe_to_the_others(cst_stream *s, const cst_event *event, void *arg)
{
    test_row_on(s, event, arg);
    test_row_tick(arg, pipe_to_the_others, s);
}

/* Node's test has look-alikes for sinks; here w1 is destroyed by its first item, which says
 * 'close' too. */
static void test_stream2_basic__the_slowest_sets_the_pace(void **state)
{
    const cst_opts one = { .object_mode = true, .high_water_mark = 1 };
    static const char *const items[] = { "one", "two", "three", "four" };
    struct test_row *row = *state;
    struct three three = { .r = test_row_source(row, NULL, &(cst_opts){ .object_mode = true }) };

    row->arg = &three;
    for (int i = 0; i < 3; i++)
        three.w[i] = test_row_sink(row, write_item, &one);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cst_push(three.r, cst_slice_str(items[i])), CST_OK);
    cst_push_eof(three.r);
    assert_int_equal(cst_on(three.w[0], CST_CLOSE, on_close_pipe_to_the_others, row), CST_OK);
    test_row_record(row, three.w[1], CST_FINISH);
    test_row_record(row, three.w[2], CST_FINISH);
    assert_int_equal(cst_pipe(three.r, three.w[0], NULL), CST_OK);
    test_row_run(row);
    test_row_expect(row, "w1:one close w2:two w3:two w2:done w3:done w2:three w3:three w2:done "
                         "w3:done w2:four w3:four finish finish");
    assert_int_equal(test_row_calls(three.r), 0);
    assert_false(cst_writable_ended(three.w[0]));
    assert_int_equal(row->now, 100);
}

static void test_stream2_basic__a_read_of_nothing_loses_nothing(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, NULL, NULL);
    cst_stream *w = test_row_sink(row, NULL, NULL);

    cst_push(r, cst_slice_str("foo"));
    cst_push_eof(r);
    assert_int_equal(cst_read(NULL, r, 0), CST_EMPTY);
    test_row_record(row, w, CST_FINISH);
    assert_int_equal(cst_pipe(r, w, NULL), CST_OK);
    test_row_run(row);
    test_row_expect(row, "write:foo finish");
}

static void after_read(cst_stream *s, struct test_row *row)
{
    (void)s;
    test_trace_add(&row->trace, "after");
}

static void test_stream2_basic__eof_in_the_read_slot(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_eof, NULL);

    test_row_record(row, r, CST_END);
    test_row_read(row, r, CST_READ_ANY);
    test_row_tick(row, after_read, r);
    test_row_run(row);
    test_row_expect(row, "hook EOF end after");
}

static void read_four_twice(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    test_trace_add(&row->trace, "hook");
    if (test_row_calls(s) <= 2)
        cst_push(s, cst_slice_str("four"));
    else
        cst_push_eof(s);
}

static void test_stream2_basic__three_calls_of_the_slot(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_four_twice, &(cst_opts){ .high_water_mark = 5 });

    assert_int_equal(cst_on(r, CST_READABLE, test_row_on_readable_once, row), CST_OK);
    test_row_record(row, r, CST_END);
    test_row_run(row);
    test_row_expect(row, "hook readable hook read:four hook readable read:four readable EOF end");
    assert_int_equal(test_row_calls(r), 3);
}

static void test_stream2_basic__object_mode_of_each_side(void **state)
{
    struct test_row *row = *state;
    cst_stream *bytes = test_row_duplex(row, NULL, NULL, NULL);
    cst_stream *objects = test_row_duplex(row, NULL, NULL, &(cst_opts){ .object_mode = true });

    assert_false(cst_readable_object_mode(bytes));
    assert_false(cst_writable_object_mode(bytes));
    assert_true(cst_readable_object_mode(objects));
    assert_true(cst_writable_object_mode(objects));
    assert_int_equal(cst_pause(bytes), CST_OK);
    assert_int_equal(cst_resume(bytes), CST_OK);
    test_row_run(row);
}

/* --- test-stream2-compatibility --------------------------------------------------------------- */

static void read_hundred_then_empty(cst_stream *s, struct test_row *row, size_t size)
{
    (void)row;
    (void)size;
    cst_push(s, test_row_xs(test_row_calls(s) == 1 ? 100 : 0));
}

static void test_stream2_compatibility__data_listened_to_from_the_start(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_hundred_then_empty, NULL);
    unsigned seen = 0;

    assert_int_equal(cst_on(r, CST_DATA, test_row_count, &seen), CST_OK);
    test_row_rest(row);
    assert_int_equal(seen, 1);
    assert_true(cst_is_readable(r));
    cst_push_eof(r);
    test_row_run(row);
    assert_int_equal(seen, 1);
    assert_false(cst_is_readable(r));
}

static void test_stream2_compatibility__written_and_ended_from_the_start(void **state)
{
    struct test_row *row = *state;
    cst_stream *w = test_row_sink(row, NULL, NULL);

    assert_int_equal(cst_write(w, cst_slice_str("foo"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end(w, NULL, NULL), CST_OK);
    assert_false(cst_is_writable(w));
    test_row_run(row);
    test_row_expect(row, "write:foo");
    assert_false(cst_is_writable(w));
}

/* --- test-stream2-large-read-stall ------------------------------------------------------------ */

#define STALL_PUSHES 1000

static void push_until_full(cst_stream *s, struct test_row *row)
{
    unsigned *pushes = row->arg;

    if (*pushes > STALL_PUSHES)
        return;
    if ((*pushes)++ == STALL_PUSHES)
        cst_push_eof(s);
    else if (cst_push(s, test_row_xs(20)) == CST_OK)
        test_row_after(row, 1, push_until_full, s);
}

static void read_until_full(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    push_until_full(s, row);
}

static void on_readable_read_hundreds(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;
    size_t len;

    (void)event;
    (void)arg;
    do {
        chunk = cst_slice_empty();
        cst_read(&chunk, s, 100);
        len = chunk.len;
        cst_slice_unref(&chunk);
    } while (len == 100);
}

static void test_stream2_large_read_stall(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_until_full, &(cst_opts){ .high_water_mark = 50 });
    unsigned pushes = 0;

    row->arg = &pushes;
    assert_int_equal(cst_on(r, CST_READABLE, on_readable_read_hundreds, row), CST_OK);
    test_row_record(row, r, CST_END);
    test_row_run(row);
    test_row_expect(row, "end");
    assert_int_equal(pushes, STALL_PUSHES + 1);
}

/* --- test-stream2-push ------------------------------------------------------------------------ */

/* Node's test has a text decoder, with which one read gives what four do here. */
#define FOUR_READS "read:asdfg read:asdfg read:asdfg read:asdfg"
#define ROUND "start " FOUR_READS " EMPTY "

/* A source outside that can be started and stopped. */
struct outside {
    bool started;
    unsigned rounds;
};

static void read_start(cst_stream *s, struct test_row *row, size_t size)
{
    struct outside *outside = row->arg;

    (void)s;
    (void)size;
    test_trace_add(&row->trace, "start");
    outside->started = true;
}

static void read_what_came(cst_stream *s, struct test_row *row)
{
    test_row_read_all(row, s);
}

static void next_round(cst_stream *s, struct test_row *row)
{
    struct outside *outside = row->arg;

    for (int i = 1; i <= 4; i++) {
        assert_true(outside->started);
        assert_int_equal(cst_push(s, cst_slice_str("asdfg")), i < 4 ? CST_OK : CST_FULL);
    }
    outside->started = false;
    if (++outside->rounds < 6) {
        test_row_tick(row, read_what_came, s);
        test_row_after(row, 10, next_round, s);
        return;
    }
    cst_push_eof(s);
    test_row_read_all(row, s);
}

static void test_stream2_push(void **state)
{
    struct test_row *row = *state;
    struct outside outside = { .started = true };
    cst_stream *r = test_row_source(row, read_start, &(cst_opts){ .high_water_mark = 16 });

    row->arg = &outside;
    test_row_record(row, r, CST_END);
    next_round(r, row);
    test_row_run(row);
    test_row_expect(row, ROUND ROUND ROUND ROUND ROUND FOUR_READS " EOF end");
}

/* --- test-stream2-read-sync-stack ------------------------------------------------------------- */

#define STACK_CHUNKS 262144

static void read_one_byte(cst_stream *s, struct test_row *row, size_t size)
{
    (void)row;
    (void)size;
    if (test_row_calls(s) <= STACK_CHUNKS)
        cst_push(s, test_row_xs(1));
    else
        cst_push_eof(s);
}

static void on_readable_read_double(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;

    (void)event;
    if (cst_read(&chunk, s, (size_t)2 * STACK_CHUNKS) == CST_OK) {
        *(size_t *)arg += chunk.len;
        cst_slice_unref(&chunk);
    }
}

static void test_stream2_read_sync_stack(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_one_byte, NULL);
    size_t bytes = 0;

    assert_int_equal(cst_on(r, CST_READABLE, on_readable_read_double, &bytes), CST_OK);
    test_row_record(row, r, CST_END);
    assert_int_equal(cst_read(NULL, r, 0), CST_EMPTY);
    test_row_run(row);
    test_row_expect(row, "end");
    assert_int_equal(bytes, STACK_CHUNKS);
    assert_int_equal(test_row_calls(r), STACK_CHUNKS + 1);
}

/* --- test-stream2-readable-empty-buffer-no-eof ------------------------------------------------ */

/* Left out: its second half, which needs a decoder of base64. */
static void push_five(cst_stream *s, struct test_row *row)
{
    (void)row;
    cst_push(s, test_row_xs(5));
}

static void push_empty(cst_stream *s, struct test_row *row)
{
    (void)row;
    cst_push(s, cst_slice_empty());
}

static void read_zero(cst_stream *s, struct test_row *row)
{
    (void)row;
    assert_true(cst_read(NULL, s, 0) >= 0);
}

static void read_with_empties(cst_stream *s, struct test_row *row, size_t size)
{
    (void)size;
    switch (test_row_calls(s)) {
    case 1:
        test_row_after(row, 1, push_five, s);
        break;
    case 2:
        test_row_after(row, 1, push_empty, s);
        test_row_after(row, 1, read_zero, s);
        break;
    case 3:
        test_row_tick(row, push_empty, s);
        test_row_tick(row, read_zero, s);
        break;
    case 4:
        test_row_after(row, 1, read_zero, s);
        push_empty(s, row);
        break;
    case 5:
        push_five(s, row);
        break;
    case 6:
        cst_push_eof(s);
        break;
    default:
        fail_msg("asked for more after EOF");
    }
}

static void read_chunks(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(&row->trace, "%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void test_stream2_readable_empty_buffer_no_eof(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = test_row_source(row, read_with_empties, NULL);

    assert_int_equal(cst_on(r, CST_READABLE, read_chunks, row), CST_OK);
    test_row_record(row, r, CST_END);
    read_chunks(r, NULL, row);
    test_row_run(row);
    test_row_expect(row, "xxxxx xxxxx end");
    assert_int_equal(test_row_calls(r), 6);
}

/* --- test-stream3-pause-then-read ------------------------------------------------------------- */

struct phases {
    unsigned left;   /* chunks to push */
    size_t wanted;   /* bytes that the present phase reads at once */
    size_t seen;     /* bytes that it has seen */
    size_t expected; /* bytes that the last phase has to see */
    test_job_fn *then;
    cst_stream *r, *w;
    cst_call call;
};

static void push_99(cst_stream *s, struct test_row *row)
{
    struct phases *phases = row->arg;

    if (!phases->left) {
        cst_push_eof(s);
        return;
    }
    phases->left--;
    cst_push(s, test_row_xs(99));
}

/* Chunks come in a later turn, in a tick, or at once. */
static void read_99(cst_stream *s, struct test_row *row, size_t size)
{
    struct phases *phases = row->arg;

    (void)size;
    if (phases->left % 2 == 0)
        test_row_after(row, 1, push_99, s);
    else if (phases->left % 3 == 0)
        test_row_tick(row, push_99, s);
    else
        push_99(s, row);
}

static void try_phase_read(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    struct phases *phases = row->arg;
    cst_slice chunk;

    (void)event;
    if (cst_read(&chunk, s, phases->wanted) != CST_OK) {
        assert_int_equal(cst_once(s, CST_READABLE, try_phase_read, row), CST_OK);
        return;
    }
    assert_int_equal(chunk.len, phases->wanted);
    cst_slice_unref(&chunk);
    assert_int_not_equal(cst_readable_flowing(s), CST_FLOWING_ON);
    test_trace_add(&row->trace, "read");
    phases->then(s, row);
}

static void phase_read(cst_stream *s, struct test_row *row, size_t size, test_job_fn *then)
{
    struct phases *phases = row->arg;

    phases->wanted = size;
    phases->expected -= size;
    phases->then = then;
    try_phase_read(s, NULL, row);
}

static cst_status write_the_rest(cst_stream *s, struct test_row *row, const cst_slice *chunk)
{
    struct phases *phases = row->arg;

    (void)s;
    phases->seen += chunk->len;
    return CST_OK;
}

static void phase_pipe_the_rest(cst_stream *s, struct test_row *row)
{
    struct phases *phases = row->arg;

    phases->seen = 0;
    phases->w = test_row_sink(row, write_the_rest, NULL);
    test_row_record(row, phases->w, CST_FINISH);
    assert_int_equal(cst_pipe(s, phases->w, NULL), CST_OK);
}

static void phase_resume_and_pause(cst_stream *s, struct test_row *row)
{
    for (int i = 0; i < 5; i++) {
        assert_int_equal(cst_resume(s), CST_OK);
        assert_int_equal(cst_pause(s), CST_OK);
    }
    test_row_after(row, 1, phase_pipe_the_rest, s);
}

static void phase_read_1234(cst_stream *s, struct test_row *row)
{
    phase_read(s, row, 1234, phase_resume_and_pause);
}

static void on_little_finish(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    struct phases *phases = row->arg;

    test_row_on(s, event, arg);
    assert_int_equal(phases->seen, 200);
    test_row_after(row, 1, phase_read_1234, phases->r);
}

static void complete_little(cst_stream *s, struct test_row *row)
{
    struct phases *phases = row->arg;

    (void)s;
    cst_complete(phases->call, CST_OK);
}

static cst_status write_little(cst_stream *s, struct test_row *row, const cst_slice *chunk)
{
    struct phases *phases = row->arg;

    phases->call = cst_this_call(s);
    phases->seen += chunk->len;
    if (phases->seen < 200) {
        test_row_after(row, 1, complete_little, s);
        return CST_PENDING;
    }
    cst_unpipe(phases->r, s); /* chunks that wait in the sink come here too, and go back whole */
    assert_int_equal(cst_end(s, NULL, NULL), CST_OK);
    cst_complete(phases->call, CST_OK);
    cst_unshift(phases->r, cst_slice_sub(chunk, chunk->len - (phases->seen - 200), SIZE_MAX));
    phases->seen = 200;
    return CST_PENDING;
}

static void phase_pipe_little(cst_stream *s, struct test_row *row)
{
    struct phases *phases = row->arg;

    phases->expected -= 200;
    phases->seen = 0;
    phases->w = test_row_sink(row, write_little, NULL);
    assert_int_equal(cst_on(phases->w, CST_FINISH, on_little_finish, row), CST_OK);
    assert_int_equal(cst_pipe(s, phases->w, NULL), CST_OK);
}

static void on_phase_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_row *row = arg;
    struct phases *phases = row->arg;
    size_t len = event->chunk->len;

    phases->seen += len;
    if (phases->seen < 100)
        return;
    test_trace_add(&row->trace, "data");
    assert_int_equal(cst_off(s, CST_DATA, on_phase_data, row), CST_OK);
    cst_pause(s);
    if (phases->seen > 100)
        cst_unshift(s, cst_slice_sub(event->chunk, len - (phases->seen - 100), SIZE_MAX));
    test_row_after(row, 1, phase_pipe_little, s);
}

static void phase_data(cst_stream *s, struct test_row *row)
{
    struct phases *phases = row->arg;

    phases->expected -= 100;
    phases->seen = 0;
    assert_int_equal(cst_on(s, CST_DATA, on_phase_data, row), CST_OK);
}

static void test_stream3_pause_then_read(void **state)
{
    struct test_row *row = *state;
    struct phases phases = { .left = 100, .expected = 9900 };
    cst_stream *r = test_row_source(row, read_99, &(cst_opts){ .high_water_mark = 1000 });

    row->arg = &phases;
    phases.r = r;
    phase_read(r, row, 100, phase_data);
    test_row_run(row);
    test_row_expect(row, "read data finish read finish");
    assert_int_equal(phases.expected, 9900 - 100 - 100 - 200 - 1234);
    assert_int_equal(phases.seen, phases.expected);
    assert_int_equal(phases.left, 0);
    assert_true(cst_readable_ended(r));
}

/* --- nodejs/node#60441 ------------------------------------------------------------------------ */

static cst_stream *three_pairs(struct test_row *row)
{
    cst_stream *r = test_row_source(row, NULL, NULL);

    cst_push(r, cst_slice_str("ab"));
    cst_push(r, cst_slice_str("cd"));
    cst_push(r, cst_slice_str("ef"));
    return r;
}

static void nodejs_node_60441__one_chunk_a_read(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = three_pairs(row);

    test_row_read(row, r, CST_READ_ANY);
    assert_int_equal(cst_readable_length(r), 4);
    test_row_read(row, r, 3);
    cst_push_eof(r);
    test_row_read(row, r, 99);
    test_row_expect(row, "read:ab read:cde read:f");
    test_row_run(row);
    assert_true(cst_readable_ended(r));
}

static void nodejs_node_60441__a_read_of_the_length_joins(void **state)
{
    struct test_row *row = *state;
    cst_stream *r = three_pairs(row);

    test_row_read(row, r, cst_readable_length(r));
    test_row_expect(row, "read:abcdef");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_row_setup, test_row_teardown)

static const struct CMUnitTest tests[] = {
    TEST(test_readable_single_end),
    TEST(test_stream_big_push),
    TEST(test_stream_end_paused),
    TEST(test_stream_push_order),
    TEST(test_stream_push_strings),
    TEST(test_stream_readable_add_chunk_during_data__push),
    TEST(test_stream_readable_add_chunk_during_data__unshift),
    TEST(test_stream_readable_data),
    TEST(test_stream_readable_emit_readable_short_stream__piped),
    TEST(test_stream_readable_emit_readable_short_stream__ended_before),
    TEST(test_stream_readable_emit_readable_short_stream__written_and_ended_before),
    TEST(test_stream_readable_emit_readable_short_stream__listened_to_before),
    TEST(test_stream_readable_emit_readable_short_stream__pushed_at_once),
    TEST(test_stream_readable_emit_readable_short_stream__pushed_in_a_tick),
    TEST(test_stream_readable_event__above_the_mark),
    TEST(test_stream_readable_event__while_reading),
    TEST(test_stream_readable_event__after_eof),
    TEST(test_stream_readable_event__empty_chunks_are_not_eof),
    TEST(test_stream_readable_event__all_listeners_removed),
    TEST(test_stream_readable_no_unneeded_readable__of_a_pass_through),
    TEST(test_stream_readable_no_unneeded_readable__of_a_source),
    TEST(test_stream_readable_pause_and_resume__item_by_item),
    TEST(test_stream_readable_pause_and_resume__pause_is_not_undone),
    TEST(test_stream_readable_pause_and_resume__resumed_before_drain),
    TEST(test_stream_readable_readable_then_resume),
    TEST(test_stream_readable_unshift__alone),
    TEST(test_stream_readable_unshift__before_what_was_pushed),
    TEST(test_stream_readable_unshift__items_last_in_first_out),
    TEST(test_stream_readable_unshift__of_what_was_read),
    TEST(test_stream_uint8array__bytes_written),
    TEST(test_stream_uint8array__an_item_is_not_touched),
    TEST(test_stream_uint8array__writev),
    TEST(test_stream_uint8array__read),
    TEST(test_stream_unshift_empty_chunk),
    TEST(test_stream_unshift_read_race),
    TEST(test_stream2_basic__growing_reads),
    TEST(test_stream2_basic__piped),
    TEST(test_stream2_basic__unpiped_and_piped_elsewhere),
    TEST(test_stream2_basic__two_unpiped_and_one_piped),
    TEST(test_stream2_basic__two_destinations),
    TEST(test_stream2_basic__the_slowest_sets_the_pace),
    TEST(test_stream2_basic__a_read_of_nothing_loses_nothing),
    TEST(test_stream2_basic__eof_in_the_read_slot),
    TEST(test_stream2_basic__three_calls_of_the_slot),
    TEST(test_stream2_basic__object_mode_of_each_side),
    TEST(test_stream2_compatibility__data_listened_to_from_the_start),
    TEST(test_stream2_compatibility__written_and_ended_from_the_start),
    TEST(test_stream2_large_read_stall),
    TEST(test_stream2_push),
    TEST(test_stream2_read_sync_stack),
    TEST(test_stream2_readable_empty_buffer_no_eof),
    TEST(test_stream3_pause_then_read),
    TEST(nodejs_node_60441__one_chunk_a_read),
    TEST(nodejs_node_60441__a_read_of_the_length_joins),
};

TEST_MAIN(tests)

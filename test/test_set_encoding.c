/* test_set_encoding.c - cst_set_encoding: a readable side that hands out text. */
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

/* A source that says nothing. */
static const cst_ops quiet_ops = { .name = "quiet" };

static void expect_read_of(cst_stream *s, size_t size, const char *text)
{
    cst_slice chunk = cst_slice_empty();

    assert_int_equal(cst_read(&chunk, s, size), CST_OK);
    assert_int_equal(chunk.len, strlen(text));
    if (chunk.len > 0)
        assert_memory_equal(chunk.data, text, chunk.len);
    cst_slice_unref(&chunk);
}

static void expect_read(struct test_world *world, size_t size, const char *text)
{
    expect_read_of(world->s, size, text);
}

static void expect_nothing_to_read(struct test_world *world, cst_status why)
{
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), why);
}

static cst_status push(struct test_world *world, const char *text)
{
    return cst_push(world->s, cst_slice_str(text));
}

/* --- what comes out --------------------------------------------------------------------------- */

static void text_is_never_cut_inside_a_character(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_UTF8), CST_OK);
    assert_int_equal(cst_on(world->s, CST_DATA, test_on_event, world), CST_OK);
    test_run(world);
    push(world, "caf\xC3");
    push(world, "\xA9 ol\xF0\x9D");
    push(world, "\x84");
    push(world, "\x9E!");
    push(world, "\xE2\x82");
    push(world, "?");
    test_expect(world,
                "r:resume data:caf data:\xC3\xA9 ol data:\xF0\x9D\x84\x9E! data:\xEF\xBF\xBD?");
}

static void every_encoding_is_decoded(void **state)
{
    static const struct {
        cst_encoding encoding;
        const char *text;
    } rows[] = {
        { CST_UTF8, "h\xC3\xA9" },
        { CST_UTF16LE, "\xEC\x8D\xA8" },
        { CST_LATIN1, "h\xC3\x83\xC2\xA9" },
        { CST_ASCII, "hC)" },
        { CST_HEX, "68c3a9" },
        { CST_BASE64, "aMOp" },
        { CST_BASE64URL, "aMOp" },
    };
    struct test_world *world = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cst_encoding encoding = CST_UTF8;
        cst_stream *s;

        assert_int_equal(cst_readable_new(&s, world->ctx, &quiet_ops, NULL, NULL), CST_OK);
        assert_int_equal(cst_readable_encoding(&encoding, s), CST_EMPTY);
        assert_int_equal(cst_set_encoding(s, rows[i].encoding), CST_OK);
        assert_int_equal(cst_readable_encoding(&encoding, s), CST_OK);
        assert_int_equal(encoding, rows[i].encoding);
        assert_int_equal(cst_push(s, cst_slice_str("h\xC3\xA9")), CST_OK);
        expect_read_of(s, CST_READ_ANY, rows[i].text);
        cst_destroy(s, CST_OK);
        cst_unref(s);
    }
}

static void what_is_held_comes_at_eof_as_a_last_chunk(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_BASE64), CST_OK);
    assert_int_equal(cst_on(world->s, CST_DATA, test_on_event, world), CST_OK);
    test_run(world);
    push(world, "1");
    test_expect(world, "r:resume");
    cst_push_eof(world->s);
    test_run(world);
    test_expect(world, "data:MQ== r:end r:destroy r:close");
}

static void on_readable(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    test_trace_add(arg, "readable:%zu", cst_readable_length(s));
}

static void the_last_chunk_is_announced_and_waits_its_turn(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_BASE64), CST_OK);
    assert_int_equal(cst_on(world->s, CST_READABLE, on_readable, &world->trace), CST_OK);
    test_run(world);
    push(world, "1");
    test_run(world);
    test_expect(world, "");
    cst_push_eof(world->s);
    test_expect(world, "readable:4");
    cst_unshift(world->s, cst_slice_str("x"));
    expect_read(world, CST_READ_ANY, "xMQ==");
}

static void nothing_comes_at_eof_where_nothing_is_held(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_UTF16LE), CST_OK);
    push(world, "a");
    cst_push_eof(world->s);
    assert_int_equal(cst_readable_length(world->s), 0);
    expect_nothing_to_read(world, CST_EOF);
    test_run(world);
    test_expect(world, "r:end r:destroy r:close");
}

static void a_read_of_any_size_joins_what_does_not_flow(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_UTF8), CST_OK);
    push(world, "ab");
    push(world, "cd");
    push(world, "e");
    expect_read(world, CST_READ_ANY, "abcde");
    expect_nothing_to_read(world, CST_EMPTY);
    push(world, "fg");
    push(world, "hi");
    assert_int_equal(cst_on(world->s, CST_DATA, test_on_event, world), CST_OK);
    test_run(world);
    test_expect(world,
                "data:fg data:hi r:resume"); /* by the task that would have said 'readable' */
}

static void lengths_and_sizes_count_the_text(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_HEX), CST_OK);
    assert_int_equal(push(world, "abc"), CST_OK);
    assert_int_equal(cst_readable_length(world->s), 6);
    assert_int_equal(push(world, "d"), CST_FULL);
    expect_read(world, 3, "616");
    expect_read(world, 4, "2636");
    assert_int_equal(cst_readable_length(world->s), 1);
    expect_read(world, 1, "4");
}

static void a_read_of_so_many_bytes_gives_just_as_many(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_UTF8), CST_OK);
    push(world, "\xC3\xA9\xC3\xA8");
    expect_read(world, 1, "\xC3");
    expect_read(world, CST_READ_ANY, "\xA9\xC3\xA8");
}

static cst_status give_bytes(cst_stream *s, void *self, size_t size)
{
    unsigned *calls = self;

    (void)size;
    if (*calls == 3)
        return cst_push_eof(s);
    return cst_give(s, cst_slice_static(&"\xE2\x82\xAC"[(*calls)++], 1));
}

static void a_chunk_that_completes_nothing_lets_the_slot_be_called_again(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(unsigned), .read = give_bytes };
    struct test_world *world = *state;
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, world->ctx, &ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, test_on_event, world), CST_OK);
    test_run(world);
    test_expect(world, "data:\xE2\x82\xAC");
    assert_true(cst_readable_ended(s));
    cst_unref(s);
}

static void what_is_put_back_is_text_already(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_HEX), CST_OK);
    push(world, "a");
    cst_unshift(world->s, cst_slice_str("zz"));
    expect_read(world, CST_READ_ANY, "zz61");
}

/* --- what was there before -------------------------------------------------------------------- */

static cst_status unshift_once(cst_stream *s, void *self, size_t size)
{
    bool *done = self;

    (void)size;
    if (!*done)
        assert_int_equal(cst_unshift(s, cst_slice_str("a\xE2\x82\xAC")), CST_OK);
    *done = true;
    return CST_OK;
}

static cst_status set_encoding_once(cst_stream *s, void *self, size_t size)
{
    bool *done = self;

    (void)size;
    if (!*done)
        assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    *done = true;
    return CST_OK;
}

/* How many bytes there are to read was settled before the read slot was called, which pushes
 * nothing. */
static void a_read_slot_that_changes_the_buffer_cuts_no_character(void **state)
{
    static const cst_ops unshift_ops = { .self_size = sizeof(bool), .read = unshift_once };
    static const cst_ops encoding_ops = { .self_size = sizeof(bool), .read = set_encoding_once };
    struct test_world *world = *state;
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, world->ctx, &unshift_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    cst_push(s, cst_slice_str("\xC3\xA9"));
    expect_read_of(s, CST_READ_ANY, "a\xE2\x82\xAC");
    expect_read_of(s, CST_READ_ANY, "\xC3\xA9");
    assert_int_equal(cst_readable_new(&s, world->ctx, &encoding_ops, NULL, NULL), CST_OK);
    cst_push(s, cst_slice_str("h\xC3"));
    cst_push(s, cst_slice_str("\xA9x"));
    expect_read_of(s, CST_READ_ANY, "h\xC3\xA9");
    expect_read_of(s, CST_READ_ANY, "x");
}

static void what_is_buffered_is_decoded_as_one(void **state)
{
    struct test_world *world = *state;

    push(world, "a\xF0");
    push(world, "\x9D");
    push(world, "\x84");
    push(world, "\x9E\xE2");
    assert_int_equal(cst_set_encoding(world->s, CST_UTF8), CST_OK);
    assert_int_equal(cst_readable_length(world->s), 5);
    push(world, "\x82\xAC");
    assert_int_equal(cst_readable_length(world->s), 8);
    assert_int_equal(cst_on(world->s, CST_DATA, test_on_event, world), CST_OK);
    test_run(world);
    test_expect(world, "r:resume data:a\xF0\x9D\x84\x9E data:\xE2\x82\xAC");
}

static void what_is_buffered_and_ended_is_decoded_to_its_end(void **state)
{
    struct test_world *world = *state;

    push(world, "a");
    push(world, "b\xE2");
    cst_push_eof(world->s);
    assert_int_equal(cst_set_encoding(world->s, CST_UTF8), CST_OK);
    assert_int_equal(cst_readable_length(world->s), 5);
    expect_read(world, CST_READ_ANY, "ab\xEF\xBF\xBD");
    expect_nothing_to_read(world, CST_EOF);
}

static void what_is_buffered_may_amount_to_nothing(void **state)
{
    struct test_world *world = *state;

    push(world, "\xE2");
    assert_int_equal(cst_set_encoding(world->s, CST_UTF8), CST_OK);
    assert_int_equal(cst_readable_length(world->s), 0);
    expect_nothing_to_read(world, CST_EMPTY);
    cst_push_eof(world->s);
    expect_read(world, CST_READ_ANY, "\xEF\xBF\xBD");
}

static void a_second_encoding_leaves_the_text_and_drops_what_was_held(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_BASE64), CST_OK);
    push(world, "abcd");
    push(world, "ef");
    assert_int_equal(cst_set_encoding(world->s, CST_HEX), CST_OK);
    push(world, "g");
    cst_push_eof(world->s);
    expect_read(world, CST_READ_ANY, "YWJjZGVm67");
    cst_unshift(world->s, cst_slice_str("x"));
    assert_int_equal(cst_set_encoding(world->s, CST_HEX), CST_OK);
    expect_read(world, CST_READ_ANY, "x");
}

/* --- object mode ------------------------------------------------------------------------------ */

static void messages_are_decoded_one_by_one(void **state)
{
    struct test_world *world = *state;
    cst_stream *s;

    assert_int_equal(
        cst_readable_new(&s, world->ctx, &quiet_ops, NULL, &(cst_opts){ .object_mode = true }),
        CST_OK);
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    cst_push(s, cst_slice_str("a\xE2"));
    cst_push(s, cst_slice_str("\x82"));
    cst_push(s, cst_slice_str("\xAC\xC3"));
    assert_int_equal(cst_readable_length(s), 3);
    cst_push_eof(s);
    assert_int_equal(cst_readable_length(s), 4);
    expect_read_of(s, CST_READ_ANY, "a");
    expect_read_of(s, CST_READ_ANY, "");
    expect_read_of(s, CST_READ_ANY, "\xE2\x82\xAC");
    expect_read_of(s, CST_READ_ANY, "\xEF\xBF\xBD");
    assert_int_equal(cst_readable_length(s), 0);
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

static void buffered_messages_become_one(void **state)
{
    struct test_world *world = *state;
    cst_stream *s;

    assert_int_equal(
        cst_readable_new(&s, world->ctx, &quiet_ops, NULL, &(cst_opts){ .object_mode = true }),
        CST_OK);
    cst_push(s, cst_slice_str("ab"));
    cst_push(s, cst_slice_empty());
    cst_push(s, cst_slice_str("cd"));
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    assert_int_equal(cst_readable_length(s), 1);
    expect_read_of(s, CST_READ_ANY, "abcd");
    assert_int_equal(cst_readable_length(s), 0);
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

/* --- through pipes ---------------------------------------------------------------------------- */

static const cst_ops sink_ops = { .self_size = sizeof(struct test_stage),
                                  .write = test_stage_write };

static void a_pass_through_in_a_row_of_pipes_decodes(void **state)
{
    struct test_world *world = *state;
    const struct test_stage hand = { .world = world };
    cst_stream *before, *decoding, *after, *sink;

    assert_int_equal(cst_passthrough_new(&before, world->ctx, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&decoding, world->ctx, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&after, world->ctx, NULL), CST_OK);
    assert_int_equal(cst_writable_new(&sink, world->ctx, &sink_ops, &hand, NULL), CST_OK);
    assert_int_equal(cst_set_encoding(decoding, CST_HEX), CST_OK);
    assert_int_equal(cst_pipe(world->s, before, NULL), CST_OK);
    assert_int_equal(cst_pipe(before, decoding, NULL), CST_OK);
    assert_int_equal(cst_pipe(decoding, after, NULL), CST_OK);
    assert_int_equal(cst_pipe(after, sink, NULL), CST_OK);
    test_run(world);
    test_trace_clear(&world->trace);
    push(world, "ab");
    push(world, "c");
    test_run(world);
    test_expect(world, "write:6162 write:63");
    cst_unref(before);
    cst_unref(decoding);
    cst_unref(after);
    cst_unref(sink);
}

struct late_setter {
    struct test_trace *trace;
    cst_stream *source, *stage; /* what gets an encoding at the first chunk */
};

static cst_status set_then_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct late_setter *setter = self;

    (void)s;
    test_trace_add(setter->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    if (setter->source) {
        assert_int_equal(cst_set_encoding(setter->source, CST_HEX), CST_OK);
        assert_int_equal(cst_set_encoding(setter->stage, CST_BASE64), CST_OK);
        setter->source = NULL;
    }
    return CST_OK;
}

static void an_encoding_may_be_set_while_a_chunk_is_on_its_way(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct late_setter), .write = set_then_write };
    struct test_world *world = *state;
    struct late_setter setter = { .trace = &world->trace, .source = world->s };
    cst_stream *sink;

    assert_int_equal(cst_passthrough_new(&setter.stage, world->ctx, NULL), CST_OK);
    assert_int_equal(cst_writable_new(&sink, world->ctx, &ops, &setter, NULL), CST_OK);
    assert_int_equal(cst_pipe(world->s, setter.stage, NULL), CST_OK);
    assert_int_equal(cst_pipe(setter.stage, sink, NULL), CST_OK);
    test_run(world);
    test_trace_clear(&world->trace);
    push(world, "ab");
    test_expect(world, "write:ab");
    push(world, "c");
    test_expect(world, "");
    push(world, "d");
    test_run(world);
    test_expect(world, "write:NjM2");
    cst_push_eof(world->s);
    test_run(world);
    test_expect(world, "r:end write:NA== r:destroy r:close");
    cst_unref(setter.stage);
    cst_unref(sink);
}

static void a_piped_stream_that_decodes_can_be_unpiped(void **state)
{
    struct test_world *world = *state;
    const struct test_stage hand = { .world = world };
    cst_stream *sink;

    assert_int_equal(cst_writable_new(&sink, world->ctx, &sink_ops, &hand, NULL), CST_OK);
    assert_int_equal(cst_pipe(world->s, sink, NULL), CST_OK);
    test_run(world);
    test_trace_clear(&world->trace);
    assert_int_equal(cst_set_encoding(world->s, CST_HEX), CST_OK);
    push(world, "a");
    assert_int_equal(cst_unpipe(world->s, sink), CST_OK);
    push(world, "b");
    assert_int_equal(cst_pipe(world->s, sink, NULL), CST_OK);
    test_run(world);
    push(world, "c");
    test_expect(world, "write:61 r:pause write:62 r:resume write:63");
    cst_unref(sink);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void expect_same_bytes(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    assert_ptr_equal(event->chunk->data, arg);
}

static void text_that_is_its_own_is_not_copied(void **state)
{
    static const char text[] = "gr\xC3\xBC\xC3\x9F dich\xE2\x82";
    struct test_world *world = *state;
    size_t calls;

    assert_int_equal(cst_set_encoding(world->s, CST_UTF8), CST_OK);
    assert_int_equal(cst_on(world->s, CST_DATA, expect_same_bytes, (void *)(uintptr_t)text),
                     CST_OK);
    test_run(world);
    calls = world->heap.calls;
    push(world, text);
    assert_int_equal(world->heap.calls, calls);
    assert_true(cst_readable_did_read(world->s));
}

static void a_push_without_memory_fails_the_stream(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_HEX), CST_OK);
    test_heap_fail_from(&world->heap, 1);
    assert_int_equal(push(world, "a"), CST_E_NOMEM);
    test_heap_fail_never(&world->heap);
    test_run(world);
    test_expect(world, "r:destroy r:error:NOMEM r:close");
}

static void an_end_without_memory_fails_the_stream(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_BASE64), CST_OK);
    push(world, "a");
    test_heap_fail_from(&world->heap, 1);
    assert_int_equal(cst_push_eof(world->s), CST_EOF);
    test_heap_fail_never(&world->heap);
    test_run(world);
    test_expect(world, "r:destroy r:error:NOMEM r:close");
}

/* Return whether it could be set, with the n-th request failing. */
static bool set_with_a_failure(struct test_world *world, size_t n)
{
    cst_encoding encoding;
    cst_status st;
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, world->ctx, &quiet_ops, NULL, NULL), CST_OK);
    cst_push(s, cst_slice_str("a"));
    cst_push(s, cst_slice_str("b"));
    cst_push_eof(s);
    test_heap_fail_at(&world->heap, n);
    st = cst_set_encoding(s, CST_BASE64);
    test_heap_fail_never(&world->heap);
    if (st == CST_E_NOMEM) {
        assert_int_equal(cst_readable_encoding(&encoding, s), CST_EMPTY);
        assert_int_equal(cst_readable_length(s), 2);
        expect_read_of(s, CST_READ_ANY, "a");
        expect_read_of(s, CST_READ_ANY, "b");
    } else {
        assert_int_equal(st, CST_OK);
        expect_read_of(s, CST_READ_ANY, "YWI=");
    }
    cst_destroy(s, CST_OK);
    cst_unref(s);
    return st == CST_OK;
}

static void an_encoding_that_finds_no_memory_changes_nothing(void **state)
{
    struct test_world *world = *state;
    size_t n = 1;

    while (!set_with_a_failure(world, n))
        n++;
    assert_in_range(n, 2, 8);
}

/* --- corners ---------------------------------------------------------------------------------- */

static void destroy_on_release(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    cst_destroy(arg, CST_OK);
}

static void a_stream_may_be_destroyed_while_its_bytes_are_let_go_of(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    assert_int_equal(cst_slice_foreign(&chunk, test_heap_allocator(&world->heap), "ab", 2,
                                       destroy_on_release, world->s),
                     CST_OK);
    cst_push(world->s, chunk);
    assert_int_equal(cst_set_encoding(world->s, CST_HEX), CST_OK);
    assert_true(cst_is_destroyed(world->s));
    assert_int_equal(cst_readable_length(world->s), 4);
    test_run(world);
    test_expect(world, "r:destroy r:close");
}

static void a_destroyed_stream_takes_an_encoding_too(void **state)
{
    struct test_world *world = *state;

    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_set_encoding(world->s, CST_UTF8), CST_OK);
    assert_int_equal(push(world, "a"), CST_E_DESTROYED);
}

static void on_data_destroy(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    cst_destroy(s, CST_OK);
}

static void a_listener_may_destroy_the_stream(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_set_encoding(world->s, CST_HEX), CST_OK);
    assert_int_equal(cst_on(world->s, CST_DATA, on_data_destroy, world), CST_OK);
    test_run(world);
    push(world, "a");
    push(world, "b");
    test_run(world);
    test_expect(world, "r:resume data:61 r:destroy r:close");
}

static void wrong_arguments_change_nothing(void **state)
{
    struct test_world *world = *state;
    const struct test_stage hand = { .world = world };
    cst_encoding encoding = CST_HEX;
    cst_stream *sink;

    assert_int_equal(cst_writable_new(&sink, world->ctx, &sink_ops, &hand, NULL), CST_OK);
    assert_int_equal(cst_set_encoding(NULL, CST_UTF8), CST_E_INVALID_ARG);
    assert_int_equal(cst_set_encoding(sink, CST_UTF8), CST_E_INVALID_ARG);
    assert_int_equal(cst_set_encoding(world->s, (cst_encoding)7), CST_E_INVALID_ARG);
    assert_int_equal(cst_set_encoding(world->s, (cst_encoding)-1), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_encoding(&encoding, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_encoding(&encoding, sink), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_encoding(NULL, world->s), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_encoding(&encoding, world->s), CST_EMPTY);
    assert_int_equal(encoding, CST_HEX);
    cst_unref(sink);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(text_is_never_cut_inside_a_character),
    CASE(every_encoding_is_decoded),
    CASE(what_is_held_comes_at_eof_as_a_last_chunk),
    CASE(the_last_chunk_is_announced_and_waits_its_turn),
    CASE(nothing_comes_at_eof_where_nothing_is_held),
    CASE(a_read_of_any_size_joins_what_does_not_flow),
    CASE(lengths_and_sizes_count_the_text),
    CASE(a_read_of_so_many_bytes_gives_just_as_many),
    CASE(a_chunk_that_completes_nothing_lets_the_slot_be_called_again),
    CASE(what_is_put_back_is_text_already),
    CASE(a_read_slot_that_changes_the_buffer_cuts_no_character),
    CASE(what_is_buffered_is_decoded_as_one),
    CASE(what_is_buffered_and_ended_is_decoded_to_its_end),
    CASE(what_is_buffered_may_amount_to_nothing),
    CASE(a_second_encoding_leaves_the_text_and_drops_what_was_held),
    CASE(messages_are_decoded_one_by_one),
    CASE(buffered_messages_become_one),
    CASE(a_pass_through_in_a_row_of_pipes_decodes),
    CASE(an_encoding_may_be_set_while_a_chunk_is_on_its_way),
    CASE(a_piped_stream_that_decodes_can_be_unpiped),
    CASE(text_that_is_its_own_is_not_copied),
    CASE(a_push_without_memory_fails_the_stream),
    CASE(an_end_without_memory_fails_the_stream),
    CASE(an_encoding_that_finds_no_memory_changes_nothing),
    CASE(a_stream_may_be_destroyed_while_its_bytes_are_let_go_of),
    CASE(a_destroyed_stream_takes_an_encoding_too),
    CASE(a_listener_may_destroy_the_stream),
    CASE(wrong_arguments_change_nothing),
};

TEST_MAIN(tests)

/* test_node_encoding.c - Node's own tests of encodings on streams: each test bears the name of
 * Node's. */
#include "world.h"

#include <string.h>

/* A source that says nothing. */
static const cst_ops quiet_ops = { .name = "quiet" };

/* A readable without a read slot. */
static cst_stream *source(struct test_world *world)
{
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, world->ctx, &quiet_ops, NULL, NULL), CST_OK);
    return s;
}

/* Push the bytes of a text in pieces of one. */
static void push_bytes(cst_stream *s, const char *from, const char *to)
{
    for (; from < to; from++)
        cst_push(s, cst_slice_static(from, 1));
}

/* --- test-stream-readable-setEncoding-existing-buffers ---------------------------------------- */

static void test_stream_readable_setEncoding_existing_buffers(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = source(world);

    cst_push(s, cst_slice_str("a"));
    cst_push(s, cst_slice_str("b"));
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, test_on_event, world), CST_OK);
    test_expect(world, "");
    test_run(world);
    test_expect(world, "data:ab");
    cst_unref(s);
}

/* A character of four bytes, of which `before` are pushed before the encoding is set. */
static void existing_bytes_of_a_character(struct test_world *world, size_t before)
{
    static const char clef[] = "\xF0\x9D\x84\x9E";
    cst_stream *s = source(world);

    push_bytes(s, clef, clef + before);
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, test_on_event, world), CST_OK);
    push_bytes(s, clef + before, clef + 4);
    test_run(world);
    test_expect(world, "data:\xF0\x9D\x84\x9E");
    cst_unref(s);
}

static void test_stream_readable_setEncoding_existing_buffers__all_of_a_character(void **state)
{
    existing_bytes_of_a_character(*state, 4);
}

static void test_stream_readable_setEncoding_existing_buffers__half_of_a_character(void **state)
{
    existing_bytes_of_a_character(*state, 2);
}

/* --- test-stream2-base64-single-char-read-end ------------------------------------------------- */

/* A source whose read slot answers by a task. */
struct late_source {
    cst_task task;
    cst_task_fn *push;
    size_t left;
};

static cst_status read_late(cst_stream *s, void *self, size_t size)
{
    struct late_source *late = self;

    (void)size;
    cst_defer(cst_stream_ctx(s), &late->task, late->push, s);
    return CST_OK;
}

static const cst_ops late_ops = { .self_size = sizeof(struct late_source), .read = read_late };

static void push_one_and_eof(void *arg)
{
    cst_push(arg, cst_slice_str("1"));
    cst_push_eof(arg);
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_world **world = self;

    (void)s;
    test_trace_add(&(*world)->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    return CST_OK;
}

static cst_status sink_final(cst_stream *s, void *self)
{
    struct test_world **world = self;

    (void)s;
    test_trace_add(&(*world)->trace, "final");
    return CST_OK;
}

static void test_stream2_base64_single_char_read_end(void **state)
{
    static const cst_ops ops = {
        .self_size = sizeof(struct test_world *),
        .write = sink_write,
        .final = sink_final,
    };
    const struct late_source late = { .push = push_one_and_eof };
    struct test_world *world = *state;
    cst_stream *src, *dst;

    assert_int_equal(cst_readable_new(&src, world->ctx, &late_ops, &late, NULL), CST_OK);
    assert_int_equal(cst_set_encoding(src, CST_BASE64), CST_OK);
    assert_int_equal(cst_writable_new(&dst, world->ctx, &ops, &world, NULL), CST_OK);
    assert_int_equal(cst_pipe(src, dst, NULL), CST_OK);
    test_run(world);
    test_expect(world, "write:MQ== final");
    cst_unref(src);
    cst_unref(dst);
}

/* --- test-stream2-set-encoding ---------------------------------------------------------------- */

/* Push so many bytes `a` as are wanted, up to 100, and then EOF, twice. */
static void push_letters(void *arg)
{
    static const char letters[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct late_source *late = cst_stream_self(arg);
    size_t mark = cst_readable_high_water_mark(arg);
    size_t len = late->left < mark ? late->left : mark;

    if (len == 0) {
        assert_int_equal(cst_push_eof(arg), CST_EOF);
        assert_int_equal(cst_push_eof(arg), CST_EOF);
        return;
    }
    late->left -= len;
    cst_push(arg, cst_slice_static(letters, len));
}

struct reader {
    struct test_world *world;
    size_t size;
    char text[256];
    size_t len, reads, last;
};

static void read_all(cst_stream *s, const cst_event *event, void *arg)
{
    struct reader *reader = arg;
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, reader->size) == CST_OK) {
        assert_in_range(reader->len + chunk.len, 1, sizeof reader->text - 1);
        memcpy(reader->text + reader->len, chunk.data, chunk.len);
        reader->len += chunk.len;
        reader->reads++;
        reader->last = chunk.len;
        if (chunk.len != reader->size)
            assert_true(cst_readable_length(s) == 0);
        cst_slice_unref(&chunk);
    }
}

static void on_end(cst_stream *s, const cst_event *event, void *arg)
{
    struct reader *reader = arg;

    (void)s;
    (void)event;
    test_trace_add(&reader->world->trace, "end");
}

/* Read 100 bytes in pieces of `size`, and say how many pieces there have to be, and how long the
 * last is. */
static struct reader read_encoded(struct test_world *world, cst_encoding encoding, size_t size,
                                  size_t reads, size_t last)
{
    const struct late_source late = { .push = push_letters, .left = 100 };
    struct reader reader = { .world = world, .size = size };
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, world->ctx, &late_ops, &late, NULL), CST_OK);
    assert_int_equal(cst_set_encoding(s, encoding), CST_OK);
    assert_int_equal(cst_on(s, CST_READABLE, read_all, &reader), CST_OK);
    assert_int_equal(cst_on(s, CST_END, on_end, &reader), CST_OK);
    test_run(world);
    test_expect(world, "end");
    assert_int_equal(reader.reads, reads);
    assert_int_equal(reader.last, last);
    cst_unref(s);
    return reader;
}

/* Whether a text is a unit, over and over. */
static bool repeats(const struct reader *reader, const char *unit)
{
    size_t len = strlen(unit);

    for (size_t i = 0; i < reader->len; i++) {
        if (reader->text[i] != unit[i % len])
            return false;
    }
    return true;
}

static void test_stream2_set_encoding__utf8(void **state)
{
    struct reader reader = read_encoded(*state, CST_UTF8, 10, 10, 10);

    assert_int_equal(reader.len, 100);
    assert_true(repeats(&reader, "a"));
}

static void test_stream2_set_encoding__hex(void **state)
{
    struct reader reader = read_encoded(*state, CST_HEX, 10, 20, 10);

    assert_int_equal(reader.len, 200);
    assert_true(repeats(&reader, "61"));
}

static void test_stream2_set_encoding__hex_in_pieces_of_13(void **state)
{
    struct reader reader = read_encoded(*state, CST_HEX, 13, 16, 5);

    assert_int_equal(reader.len, 200);
    assert_true(repeats(&reader, "61"));
}

static void test_stream2_set_encoding__base64(void **state)
{
    struct reader reader = read_encoded(*state, CST_BASE64, 10, 14, 6);

    assert_int_equal(reader.len, 136);
    assert_string_equal(reader.text + 130, "FhYQ==");
    reader.len = 132;
    assert_true(repeats(&reader, "YWFh"));
}

/* --- test-stream-typedarray ------------------------------------------------------------------- */

static void expect_read(cst_stream *s, size_t size, const char *text)
{
    cst_slice chunk = cst_slice_empty();

    assert_int_equal(cst_read(&chunk, s, size), CST_OK);
    assert_int_equal(chunk.len, strlen(text));
    assert_memory_equal(chunk.data, text, chunk.len);
    cst_slice_unref(&chunk);
}

static void push_three(cst_stream *s)
{
    cst_push(s, cst_slice_str("one"));
    cst_push(s, cst_slice_str("two"));
    cst_unshift(s, cst_slice_str("zero"));
}

static void test_stream_typedarray__reads(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = source(world);

    push_three(s);
    expect_read(s, CST_READ_ANY, "zero");
    expect_read(s, cst_readable_length(s), "onetwo");
    cst_unref(s);
}

static void test_stream_typedarray__reads_text(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = source(world);

    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    push_three(s);
    expect_read(s, CST_READ_ANY, "zeroonetwo");
    cst_unref(s);
}

struct vector_sink {
    struct test_world *world;
    cst_call *first;
};

static cst_status vector_sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct vector_sink *sink = self;

    test_trace_add(&sink->world->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    *sink->first = cst_this_call(s);
    return CST_PENDING;
}

static cst_status vector_sink_writev(cst_stream *s, void *self, const cst_slice *chunks,
                                     size_t count)
{
    struct vector_sink *sink = self;

    (void)s;
    for (size_t i = 0; i < count; i++)
        test_trace_add(&sink->world->trace, "%s:%.*s", i == 0 ? "writev" : "and",
                       (int)chunks[i].len, (const char *)chunks[i].data);
    return CST_OK;
}

static void test_stream_typedarray__writes(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct vector_sink),
                                 .write = vector_sink_write,
                                 .writev = vector_sink_writev };
    struct test_world *world = *state;
    cst_call first;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, world->ctx, &ops,
                                      &(struct vector_sink){ .world = world, .first = &first },
                                      NULL),
                     CST_OK);
    cst_write(s, cst_slice_str("one"), NULL, NULL);
    cst_write(s, cst_slice_str("two"), NULL, NULL);
    cst_write(s, cst_slice_str("three"), NULL, NULL);
    cst_end_with(s, cst_slice_str("four"), NULL, NULL);
    test_expect(world, "write:one");
    cst_complete(first, CST_OK);
    test_run(world);
    test_expect(world, "writev:two and:three and:four");
    assert_true(cst_writable_finished(s));
    cst_unref(s);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_readable_setEncoding_existing_buffers),
    CASE(test_stream_readable_setEncoding_existing_buffers__all_of_a_character),
    CASE(test_stream_readable_setEncoding_existing_buffers__half_of_a_character),
    CASE(test_stream2_base64_single_char_read_end),
    CASE(test_stream2_set_encoding__utf8),
    CASE(test_stream2_set_encoding__hex),
    CASE(test_stream2_set_encoding__hex_in_pieces_of_13),
    CASE(test_stream2_set_encoding__base64),
    CASE(test_stream_typedarray__reads),
    CASE(test_stream_typedarray__reads_text),
    CASE(test_stream_typedarray__writes),
};

TEST_MAIN(tests)

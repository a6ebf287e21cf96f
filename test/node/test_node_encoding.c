/* test_node_encoding.c - Node's own tests of encodings on streams: each test bears the name of Node's. */
#include "main.h"

#include <string.h>

#include "heap.h"
#include "trace.h"

struct fixture {
    struct test_heap heap;
    struct test_trace trace;
    cst_ctx *ctx;
};

/* A source that says nothing. */
static const cst_ops quiet_ops = { .name = "quiet" };

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .ctx = NULL };
    test_heap_init(&f.heap);
    assert_int_equal(cst_ctx_new(&f.ctx, test_heap_allocator(&f.heap), NULL), CST_OK);
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

static void run(struct fixture *f)
{
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE);
}

static void expect(struct fixture *f, const char *text)
{
    assert_string_equal(f->trace.text, text);
    test_trace_clear(&f->trace);
}

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    test_trace_add(arg, "data:%.*s", (int)event->chunk->len, (const char *)event->chunk->data);
}

/* A readable without a read slot. */
static cst_stream *source(struct fixture *f)
{
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, f->ctx, &quiet_ops, NULL, NULL), CST_OK);
    return s;
}

/* Pushes the bytes of a text in pieces of one. */
static void push_bytes(cst_stream *s, const char *from, const char *to)
{
    for (; from < to; from++)
        cst_push(s, cst_slice_static(from, 1));
}

/* --- test-stream-readable-setEncoding-existing-buffers ---------------------------------------- */

static void test_stream_readable_setEncoding_existing_buffers(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f);

    cst_push(s, cst_slice_str("a"));
    cst_push(s, cst_slice_str("b"));
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, on_data, &f->trace), CST_OK);
    expect(f, "");
    run(f);
    expect(f, "data:ab");
    cst_unref(s);
}

/* A character of four bytes, of which `before` are pushed before the encoding is set. */
static void existing_bytes_of_a_character(struct fixture *f, size_t before)
{
    static const char clef[] = "\xF0\x9D\x84\x9E";
    cst_stream *s = source(f);

    push_bytes(s, clef, clef + before);
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, on_data, &f->trace), CST_OK);
    push_bytes(s, clef + before, clef + 4);
    run(f);
    expect(f, "data:\xF0\x9D\x84\x9E");
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
    struct fixture **f = self;

    (void)s;
    test_trace_add(&(*f)->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    return CST_OK;
}

static cst_status sink_final(cst_stream *s, void *self)
{
    struct fixture **f = self;

    (void)s;
    test_trace_add(&(*f)->trace, "final");
    return CST_OK;
}

static void test_stream2_base64_single_char_read_end(void **state)
{
    static const cst_ops ops = {
        .self_size = sizeof(struct fixture *),
        .write = sink_write,
        .final = sink_final,
    };
    const struct late_source late = { .push = push_one_and_eof };
    struct fixture *f = *state;
    cst_stream *src, *dst;

    assert_int_equal(cst_readable_new(&src, f->ctx, &late_ops, &late, NULL), CST_OK);
    assert_int_equal(cst_set_encoding(src, CST_BASE64), CST_OK);
    assert_int_equal(cst_writable_new(&dst, f->ctx, &ops, &f, NULL), CST_OK);
    assert_int_equal(cst_pipe(src, dst, NULL), CST_OK);
    run(f);
    expect(f, "write:MQ== final");
    cst_unref(src);
    cst_unref(dst);
}

/* --- test-stream2-set-encoding ---------------------------------------------------------------- */

/* Pushes so many bytes `a` as are wanted, up to 100, and then EOF, twice. */
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
    struct fixture *f;
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
    test_trace_add(&reader->f->trace, "end");
}

/* Reads 100 bytes in pieces of `size`, and says how many pieces there have to be, and how long the last is. */
static struct reader read_encoded(struct fixture *f, cst_encoding encoding, size_t size,
                                  size_t reads, size_t last)
{
    const struct late_source late = { .push = push_letters, .left = 100 };
    struct reader reader = { .f = f, .size = size };
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, f->ctx, &late_ops, &late, NULL), CST_OK);
    assert_int_equal(cst_set_encoding(s, encoding), CST_OK);
    assert_int_equal(cst_on(s, CST_READABLE, read_all, &reader), CST_OK);
    assert_int_equal(cst_on(s, CST_END, on_end, &reader), CST_OK);
    run(f);
    expect(f, "end");
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

/* --- test-stream-typedarray --------------------------------------------------------------------- */

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
    struct fixture *f = *state;
    cst_stream *s = source(f);

    push_three(s);
    expect_read(s, CST_READ_ANY, "zero");
    expect_read(s, cst_readable_length(s), "onetwo");
    cst_unref(s);
}

static void test_stream_typedarray__reads_text(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f);

    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    push_three(s);
    expect_read(s, CST_READ_ANY, "zeroonetwo");
    cst_unref(s);
}

struct vector_sink {
    struct fixture *f;
    cst_call *first;
};

static cst_status vector_sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct vector_sink *sink = self;

    test_trace_add(&sink->f->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    *sink->first = cst_this_call(s);
    return CST_PENDING;
}

static cst_status vector_sink_writev(cst_stream *s, void *self, const cst_slice *chunks,
                                     size_t count)
{
    struct vector_sink *sink = self;

    (void)s;
    for (size_t i = 0; i < count; i++)
        test_trace_add(&sink->f->trace, "%s:%.*s", i == 0 ? "writev" : "and", (int)chunks[i].len,
                       (const char *)chunks[i].data);
    return CST_OK;
}

static void test_stream_typedarray__writes(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct vector_sink),
                                 .write = vector_sink_write,
                                 .writev = vector_sink_writev };
    struct fixture *f = *state;
    cst_call first;
    cst_stream *s;

    assert_int_equal(
        cst_writable_new(&s, f->ctx, &ops, &(struct vector_sink){ .f = f, .first = &first }, NULL),
        CST_OK);
    cst_write(s, cst_slice_str("one"), NULL, NULL);
    cst_write(s, cst_slice_str("two"), NULL, NULL);
    cst_write(s, cst_slice_str("three"), NULL, NULL);
    cst_end_with(s, cst_slice_str("four"), NULL, NULL);
    expect(f, "write:one");
    cst_complete(first, CST_OK);
    run(f);
    expect(f, "writev:two and:three and:four");
    assert_true(cst_writable_finished(s));
    cst_unref(s);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

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

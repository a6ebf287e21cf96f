/*
 * test_http_chunked.c - the stage of docs/examples/posix that takes the chunked coding off: whole
 * traces, in every way of cutting the input in two and a byte at a time. What each ill-formed
 * coding gives is in http-cases.tsv.
 */
#include "main.h"

#include <stdlib.h>
#include <string.h>

#include "../../docs/examples/posix/http_chunked.h"
#include "heap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What comes of a coding: the body, how it ended, and what was left behind it. */
struct outcome {
    char body[256], rest[64];
    size_t body_len, rest_len;
    bool ended;
    cst_status error;
};

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct outcome *o = arg;

    (void)s;
    assert_in_range(o->body_len + event->chunk->len, 0, sizeof(o->body) - 1);
    memcpy(o->body + o->body_len, event->chunk->data, event->chunk->len);
    o->body_len += event->chunk->len;
}

static void on_end(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    ((struct outcome *)arg)->ended = true;
}

static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    ((struct outcome *)arg)->error = event->error->status;
}

static void on_rest(cst_stream *s, const cst_slice *rest, void *arg)
{
    struct outcome *o = arg;

    (void)s;
    assert_in_range(o->rest_len + rest->len, 0, sizeof(o->rest) - 1);
    memcpy(o->rest + o->rest_len, rest->data, rest->len);
    o->rest_len += rest->len;
}

/* Run text through a stage, cut at `at` and after each `step` bytes; ends says whether its writable
 * side is ended then. */
static struct outcome run(struct test_heap *heap, const char *text, size_t at, size_t step,
                          bool ends, uint64_t most_bytes)
{
    struct outcome o = { .body_len = 0 };
    const struct http_chunked_opts opts = { .most_bytes = most_bytes,
                                            .on_rest = on_rest,
                                            .on_rest_arg = &o };
    size_t len = strlen(text);
    cst_stream *s;
    cst_ctx *ctx;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(heap), NULL), CST_OK);
    assert_int_equal(http_chunked_new(&s, ctx, &opts), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, on_data, &o), CST_OK);
    assert_int_equal(cst_on(s, CST_END, on_end, &o), CST_OK);
    assert_int_equal(cst_on(s, CST_ERROR, on_error, &o), CST_OK);
    for (size_t i = 0; i < len && !cst_is_destroyed(s);) {
        size_t n = i < at && at < i + step ? at - i : step;

        n = n < len - i ? n : len - i;
        cst_write_copy(s, text + i, n, NULL, NULL);
        assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
        i += n;
    }
    if (ends)
        cst_end(s, NULL, NULL);
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    cst_unref(s);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    return o;
}

struct chunked_case {
    const char *text, *body, *rest;
    cst_status error; /* CST_OK: it ends */
};

static void check(struct test_heap *heap, const struct chunked_case *c, size_t at, size_t step)
{
    struct outcome o = run(heap, c->text, at, step, c->error == CST_E_PREMATURE_CLOSE, 100);

    if (o.error != c->error || o.ended != (c->error == CST_OK))
        fail_msg("%s, cut at %zu and each %zu: %s, ended %d", c->text, at, step,
                 cst_status_name(o.error), o.ended);
    if (c->error != CST_OK)
        return;
    assert_string_equal(o.body, c->body);
    assert_string_equal(o.rest, c->rest);
}

static void a_coding_comes_off_however_it_is_cut(void **state)
{
    static const struct chunked_case cases[] = {
        { "5\r\nhello\r\n0\r\n\r\n", "hello", "", CST_OK },
        { "0\r\n\r\n", "", "", CST_OK },
        { "000\r\n\r\n", "", "", CST_OK },
        { "1\r\na\r\n00002\r\nbc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789", "", CST_OK },
        { "3;x=\"y;z\";w\r\na\r\n\r\n0;v\r\n\r\n", "a\r\n", "", CST_OK },
        { "3\t ;x\r\nabc\r\n0\r\n\r\n", "abc", "", CST_OK },
        { "3\r\nabc\r\n0\r\nA: b\r\nC:\r\n\r\n", "abc", "", CST_OK },
        { "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "abc", "GET / HTTP/1.1\r\n", CST_OK },
        { "0\r\n\r\n5\r\nhello\r\n", "", "5\r\nhello\r\n", CST_OK },
        { "", "", "", CST_E_PREMATURE_CLOSE },
        { "5\r\nhel", "", "", CST_E_PREMATURE_CLOSE },
        { "5\r\nhello\r\n0\r\n", "", "", CST_E_PREMATURE_CLOSE },
        { "5\r\nhello\r\n0\r\n\r", "", "", CST_E_PREMATURE_CLOSE },
        { "5\r\nhello\r\n\r\n", "", "", CST_USER(400) },
        { "5\r\nhello\n0\r\n\r\n", "", "", CST_USER(400) },
        { "5\nhello\r\n0\r\n\r\n", "", "", CST_USER(400) },
        { "5\r\nhello\r\n0\r\nab\r\n\r\n", "", "", CST_USER(400) },
        { "5\r\nhello\r\n0\r\n a: b\r\n\r\n", "", "", CST_USER(400) },
        { "5\r\nhello\r\n0\r\n: b\r\n\r\n", "", "", CST_USER(400) },
        { "5;\x7f\r\nhello\r\n0\r\n\r\n", "", "", CST_USER(400) },
        { "10000000000000000\r\n", "", "", CST_USER(400) },
        { "fffffffffffffffff\r\n", "", "", CST_USER(400) },
        { "FFFFFFFFFFFFFFFF\r\n", "", "", CST_USER(413) },
        { "5\r\nhello\r\nFFFFFFFFFFFFFFFB\r\n", "", "", CST_USER(413) },
        { "65\r\n", "", "", CST_USER(413) },
        { "5\r\nhello\r\n60\r\n", "", "", CST_USER(413) },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t at = 0; at <= strlen(cases[i].text); at++)
            check(*state, &cases[i], at, SIZE_MAX / 2);
        check(*state, &cases[i], 0, 1);
        check(*state, &cases[i], 0, 3);
    }
}

static void a_body_may_be_as_long_as_was_said_and_no_longer(void **state)
{
    struct outcome fits = run(*state, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 0, 100, false, 5);
    struct outcome none = run(*state, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 0, 100, false, 4);

    assert_string_equal(fits.body, "abcde");
    assert_true(fits.ended);
    assert_int_equal(none.error, CST_USER(413));
}

/* Extensions and trailers count together; sizes, of which a long body has many, do not. */
static void what_is_skipped_is_not_without_end(void **state)
{
    static char text[HTTP_MOST_HEAD + 64];
    struct http_chunked decoder = { .state = HTTP_CHUNK_BEGIN };
    size_t framing, data;

    (void)state;
    for (int i = 0; i < HTTP_MOST_HEAD; i++)
        assert_int_equal(
            http_chunked_next(&decoder, (const uint8_t *)"1\r\na\r\n", 4, &framing, &data) +
                http_chunked_next(&decoder, (const uint8_t *)"\r\n", 2, &framing, &data),
            HTTP_PARTIAL);
    memset(text, 'a', sizeof(text));
    memcpy(text, "1;", 2);
    decoder = (struct http_chunked){ .state = HTTP_CHUNK_BEGIN };
    assert_int_equal(
        http_chunked_next(&decoder, (const uint8_t *)text, HTTP_MOST_HEAD, &framing, &data),
        HTTP_PARTIAL);
    assert_int_equal(http_chunked_next(&decoder, (const uint8_t *)text + 2, 8, &framing, &data),
                     431);
}

static void the_chunks_that_are_handed_on_are_those_that_came(void **state)
{
    static const uint8_t bytes[] = "5\r\nhello\r\n0\r\n\r\n";
    struct http_chunked decoder = { .state = HTTP_CHUNK_BEGIN };
    size_t framing, data;

    (void)state;
    assert_int_equal(http_chunked_next(&decoder, bytes, sizeof(bytes) - 1, &framing, &data),
                     HTTP_PARTIAL);
    assert_int_equal(framing, 3);
    assert_int_equal(data, 5);
    assert_int_equal(http_chunked_next(&decoder, bytes + 8, sizeof(bytes) - 1 - 8, &framing, &data),
                     HTTP_WHOLE);
    assert_int_equal(framing, 7);
    assert_int_equal(data, 0);
    assert_int_equal(http_chunked_next(&decoder, bytes, 1, &framing, &data), HTTP_WHOLE);
    assert_int_equal(framing, 0);
}

static void a_stage_without_options_drops_what_follows(void **state)
{
    struct outcome o = { .body_len = 0 };
    cst_stream *s;
    cst_ctx *ctx;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(*state), NULL), CST_OK);
    assert_int_equal(http_chunked_new(&s, ctx, NULL), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, on_data, &o), CST_OK);
    assert_int_equal(cst_on(s, CST_END, on_end, &o), CST_OK);
    cst_write_copy(s, "1\r\na\r\n0\r\n\r\nmore", 16, NULL, NULL);
    cst_end(s, NULL, NULL);
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_string_equal(o.body, "a");
    assert_true(o.ended && cst_is_closed(s));
    cst_unref(s);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
}

#define WITH_HEAP(test) cmocka_unit_test_setup_teardown(test, test_heap_setup, test_heap_teardown)

static const struct CMUnitTest tests[] = {
    WITH_HEAP(a_coding_comes_off_however_it_is_cut),
    WITH_HEAP(a_body_may_be_as_long_as_was_said_and_no_longer),
    WITH_HEAP(what_is_skipped_is_not_without_end),
    WITH_HEAP(the_chunks_that_are_handed_on_are_those_that_came),
    WITH_HEAP(a_stage_without_options_drops_what_follows),
};

TEST_MAIN(tests)

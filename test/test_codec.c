/* test_codec.c - stages.h: any chunking gives what the whole would, and what happens without
 * memory. */
#include "world.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const cst_encoding encodings[] = { CST_UTF8, CST_UTF16LE, CST_LATIN1,   CST_ASCII,
                                          CST_HEX,  CST_BASE64,  CST_BASE64URL };

/* --- a stage and what came out of it ---------------------------------------------------------- */

struct output {
    uint8_t bytes[1024];
    size_t len;
    size_t chunks;
    cst_status error;
};

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct output *output = arg;

    (void)s;
    assert_in_range(output->len + event->chunk->len, 1, sizeof output->bytes);
    memcpy(output->bytes + output->len, event->chunk->data, event->chunk->len);
    output->len += event->chunk->len;
    output->chunks++;
}

static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    struct output *output = arg;

    (void)s;
    output->error = event->error->status;
}

typedef cst_status new_fn(cst_stream **out, cst_ctx *ctx, cst_encoding encoding,
                          const cst_opts *opts);

static cst_stream *stage(struct test_world *world, new_fn *new_stage, cst_encoding encoding,
                         const cst_opts *opts, struct output *output)
{
    cst_stream *s;

    *output = (struct output){ .len = 0 };
    assert_int_equal(new_stage(&s, world->ctx, encoding, opts), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, on_data, output), CST_OK);
    assert_int_equal(cst_on(s, CST_ERROR, on_error, output), CST_OK);
    return s;
}

static void write_part(cst_stream *s, const char *from, size_t len)
{
    assert_true(cst_write(s, cst_slice_static(from, len), NULL, NULL) >= 0);
}

static void finish(struct test_world *world, cst_stream *s)
{
    cst_end(s, NULL, NULL);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    cst_unref(s);
}

/* --- inputs ----------------------------------------------------------------------------------- */

/* Each is bytes for one way and text for the other. The longer ones have blocks of digits. */
static const char *const inputs[] = {
    "",
    "a",
    "ab",
    "abc",
    "caf\xC3\xA9 \xE2\x82\xAC 5 \xF0\x9D\x84\x9E!",
    "\xE2\x82",
    "\xF0\x9D\x84",
    "x\xE2\x82y\xC3\x28\xA0\xF5\x80\xED\xA0\x80\xFF",
    "68C3a9",
    "68c3a",
    "68g3a9",
    "3\xC4\xB0\xF0\x9D\x84\x9E", /* digits in the lower bytes of other characters */
    "aMOp",
    "aMOp\r\n_-+/aQ==",
    "aGVsbG8=d29ybGQ",
    "Y",
    "YQ=",
    "\xC5\x81\xC5\x81\xC5\x81",
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0011",
    "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhl\nIHF1aWNr",
    "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhl*IHF1aWNr",
    "\x3D\xD8\x00\x01", /* cut at its zero: half a pair and a byte */
    "\x3D\xD8\x3D\xD8\x01\xDE\x3D\xD8\x01",
};

/* What comes of the whole. */
static size_t whole(new_fn *new_stage, cst_encoding encoding, const char *input, uint8_t *to,
                    size_t room)
{
    cst_status st = new_stage == cst_to_text_new
                        ? cst_bytes_to_text(to, &room, encoding, input, strlen(input))
                        : cst_text_to_bytes(to, &room, encoding, input, strlen(input));

    assert_int_equal(st, CST_OK);
    return room;
}

static void expect_whole(new_fn *new_stage, cst_encoding encoding, const char *input,
                         const struct output *output)
{
    uint8_t expected[1024];
    size_t len = whole(new_stage, encoding, input, expected, sizeof expected);

    assert_int_equal(output->error, 0);
    assert_int_equal(output->len, len);
    assert_memory_equal(output->bytes, expected, len);
}

/* --- any chunking ----------------------------------------------------------------------------- */

static void try_split(struct test_world *world, new_fn *new_stage, cst_encoding encoding,
                      const char *input, size_t first, size_t second)
{
    struct output output;
    cst_stream *s = stage(world, new_stage, encoding, NULL, &output);

    write_part(s, input, first);
    write_part(s, input + first, second - first);
    write_part(s, input + second, strlen(input) - second);
    finish(world, s);
    expect_whole(new_stage, encoding, input, &output);
}

static void try_every_split(struct test_world *world, new_fn *new_stage)
{
    for (size_t e = 0; e < COUNT(encodings); e++) {
        for (size_t i = 0; i < COUNT(inputs); i++) {
            size_t len = strlen(inputs[i]);

            for (size_t first = 0; first <= len; first++) {
                for (size_t second = first; second <= len; second++)
                    try_split(world, new_stage, encodings[e], inputs[i], first, second);
            }
        }
    }
}

static void every_split_of_bytes_gives_the_same_text(void **state)
{
    try_every_split(*state, cst_to_text_new);
}

static void every_split_of_a_text_gives_the_same_bytes(void **state)
{
    try_every_split(*state, cst_from_text_new);
}

static void byte_by_byte_gives_the_same(void **state)
{
    static new_fn *const ways[] = { cst_to_text_new, cst_from_text_new };
    struct test_world *world = *state;

    for (size_t e = 0; e < COUNT(encodings); e++) {
        for (size_t k = 0; k < 2 * COUNT(inputs); k++) {
            const char *input = inputs[k / 2];
            struct output output;
            cst_stream *s = stage(world, ways[k % 2], encodings[e], NULL, &output);

            for (size_t i = 0; input[i] != '\0'; i++)
                write_part(s, input + i, 1);
            finish(world, s);
            expect_whole(ways[k % 2], encodings[e], input, &output);
        }
    }
}

static void both_ways_give_the_bytes_back(void **state)
{
    static const cst_encoding lossless[] = { CST_HEX, CST_BASE64, CST_BASE64URL, CST_LATIN1 };
    struct test_world *world = *state;

    for (size_t e = 0; e < COUNT(lossless); e++) {
        struct output output;
        cst_stream *there, *back;
        uint8_t bytes[256];

        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)i;
        assert_int_equal(cst_to_text_new(&there, world->ctx, lossless[e], NULL), CST_OK);
        back = stage(world, cst_from_text_new, lossless[e], NULL, &output);
        assert_int_equal(cst_pipe(there, back, NULL), CST_OK);
        for (size_t i = 0; i < sizeof bytes; i += 16)
            assert_true(cst_write_copy(there, bytes + i, 16, NULL, NULL) >= 0);
        finish(world, there);
        assert_int_equal(output.len, sizeof bytes);
        assert_memory_equal(output.bytes, bytes, sizeof bytes);
        cst_unref(back);
    }
}

/* --- what else is promised -------------------------------------------------------------------- */

static void expect_same_bytes(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    assert_ptr_equal(event->chunk->data, arg);
}

static void a_chunk_that_needs_no_change_is_not_copied(void **state)
{
    static const char text[] = "gr\xC3\xBC\xC3\x9F dich";
    static new_fn *const ways[] = { cst_to_text_new, cst_from_text_new };
    struct test_world *world = *state;

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct output output;
        cst_stream *s = stage(world, ways[i], CST_UTF8, NULL, &output);
        size_t calls;

        assert_int_equal(cst_on(s, CST_DATA, expect_same_bytes, (void *)(uintptr_t)text), CST_OK);
        assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
        calls = world->heap.calls;
        write_part(s, text, strlen(text));
        assert_int_equal(world->heap.calls, calls);
        assert_int_equal(output.len, strlen(text));
        finish(world, s);
    }
}

static void what_gives_nothing_is_no_chunk_even_in_object_mode(void **state)
{
    static const cst_opts objects = { .object_mode = true };
    struct test_world *world = *state;
    struct output output;
    cst_stream *s = stage(world, cst_to_text_new, CST_BASE64, &objects, &output);

    write_part(s, "a", 1);
    write_part(s, "", 0);
    write_part(s, "b", 1);
    finish(world, s);
    assert_int_equal(output.chunks, 1);
    assert_memory_equal(output.bytes, "YWI=", 4);
    s = stage(world, cst_from_text_new, CST_HEX, &objects, &output);
    write_part(s, "6", 1);
    write_part(s, "1x", 2);
    write_part(s, "62", 2);
    finish(world, s);
    assert_int_equal(output.chunks, 1);
    assert_int_equal(output.len, 1);
}

/* Return whether the stage came through, with the n-th request failing. */
static bool survives(struct test_world *world, new_fn *new_stage, cst_encoding encoding, size_t n)
{
    struct output output = { .len = 0 };
    bool done;
    cst_stream *s;

    test_heap_fail_at(&world->heap, n);
    if (new_stage(&s, world->ctx, encoding, NULL) < 0)
        return false;
    cst_on(s, CST_DATA, on_data, &output);
    cst_on(s, CST_ERROR, on_error, &output);
    cst_write(s, cst_slice_static("4142\xE2\x82", 6), NULL, NULL);
    cst_write(s, cst_slice_static("\xAC\xE2", 2), NULL, NULL);
    cst_end(s, NULL, NULL);
    cst_ctx_run(world->ctx, NULL);
    done = world->heap.failures == 0;
    if (done)
        expect_whole(new_stage, encoding, "4142\xE2\x82\xAC\xE2", &output);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    cst_ctx_run(world->ctx, NULL);
    return done;
}

static void without_memory_a_stage_fails_and_leaks_nothing(void **state)
{
    static new_fn *const ways[] = { cst_to_text_new, cst_from_text_new };

    for (size_t k = 0; k < 2 * COUNT(encodings); k++) {
        size_t n = 0;
        bool done = false;

        while (!done) {
            struct test_world *world = *state;

            assert_int_equal(test_world_teardown(state), 0);
            test_world_setup(state);
            done = survives(world, ways[k % 2], encodings[k / 2], ++n);
            test_heap_fail_never(&world->heap);
            assert_in_range(n, 1, 30);
        }
    }
}

static void a_failed_result_says_so(void **state)
{
    struct test_world *world = *state;
    struct output output;
    cst_stream *s = stage(world, cst_to_text_new, CST_HEX, NULL, &output);

    cst_ctx_run(world->ctx, NULL);
    test_heap_fail_from(&world->heap, 1);
    cst_write(s, cst_slice_str("a"), NULL, NULL);
    test_heap_fail_never(&world->heap);
    cst_ctx_run(world->ctx, NULL);
    assert_int_equal(output.error, CST_E_NOMEM);
    assert_string_equal(cst_stream_name(s), "to-text");
    cst_unref(s);
}

static void wrong_arguments_make_no_stage(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = NULL;

    assert_int_equal(cst_to_text_new(&s, world->ctx, (cst_encoding)7, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_from_text_new(&s, world->ctx, (cst_encoding)7, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_to_text_new(NULL, world->ctx, CST_HEX, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_from_text_new(&s, NULL, CST_HEX, NULL), CST_E_INVALID_ARG);
    assert_null(s);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(every_split_of_bytes_gives_the_same_text),
    CASE(every_split_of_a_text_gives_the_same_bytes),
    CASE(byte_by_byte_gives_the_same),
    CASE(both_ways_give_the_bytes_back),
    CASE(a_chunk_that_needs_no_change_is_not_copied),
    CASE(what_gives_nothing_is_no_chunk_even_in_object_mode),
    CASE(without_memory_a_stage_fails_and_leaks_nothing),
    CASE(a_failed_result_says_so),
    CASE(wrong_arguments_make_no_stage),
};

TEST_MAIN(tests)

/* test_frames.c - framing.h: frames both ways, and varints, under every cut of the input. */
#include "stage_world.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static cst_status make_from(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, const void *arg,
                            struct test_output *to)
{
    (void)to;
    return cst_from_frames_new(out, ctx, arg, opts);
}

static cst_status make_to(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, const void *arg,
                          struct test_output *to)
{
    (void)to;
    return cst_to_frames_new(out, ctx, arg, opts);
}

/* One frame after the other is read from bytes. */
static void try_from(const cst_frame_opts *opts, const char *bytes, size_t len,
                     const cst_slice *out, size_t out_count, cst_status outcome)
{
    const cst_slice in = cst_slice_static(bytes, len);

    test_stage_all_ways(&(struct test_stage_case){ .name = "from-frames",
                                                   .make = make_from,
                                                   .arg = opts,
                                                   .in = &in,
                                                   .in_count = 1,
                                                   .out = out,
                                                   .out_count = out_count,
                                                   .outcome = outcome,
                                                   .messages_out = true });
}

static void try_to(const cst_frame_opts *opts, const cst_slice *in, size_t in_count,
                   const char *bytes, size_t len, cst_status outcome)
{
    const cst_slice out = cst_slice_static(bytes, len);

    test_stage_all_ways(&(struct test_stage_case){ .name = "to-frames",
                                                   .make = make_to,
                                                   .arg = opts,
                                                   .in = in,
                                                   .in_count = in_count,
                                                   .out = &out,
                                                   .out_count = 1,
                                                   .outcome = outcome,
                                                   .messages_in = true });
}

/* Both ways: the messages are those bytes, and the bytes those messages. */
static void try_both(const cst_frame_opts *opts, const char *bytes, size_t len,
                     const cst_slice *messages, size_t count)
{
    try_to(opts, messages, count, bytes, len, CST_OK);
    try_from(opts, bytes, len, messages, count, CST_OK);
}

#define BYTES(text) text, sizeof(text) - 1

static void each_width_and_order_is_read_and_written(void **state)
{
    const cst_slice out[2] = { cst_slice_str("ab"), cst_slice_empty() };

    (void)state;
    try_both(NULL, BYTES("\0\0\0\2ab\0\0\0\0"), out, 2);
    try_both(&(cst_frame_opts){ .length_bytes = 1 }, BYTES("\2ab\0"), out, 2);
    try_both(&(cst_frame_opts){ .length_bytes = 2 }, BYTES("\0\2ab\0\0"), out, 2);
    try_both(&(cst_frame_opts){ .length_bytes = 3, .little_endian = true }, BYTES("\2\0\0ab\0\0\0"),
             out, 2);
    try_both(&(cst_frame_opts){ .length_bytes = 8 }, BYTES("\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\0"),
             out, 2);
    try_both(&(cst_frame_opts){ .varint = true }, BYTES("\2ab\0"), out, 2);
    try_both(&(cst_frame_opts){ .length_bytes = 2, .counts_header = true }, BYTES("\0\4ab\0\2"),
             out, 2);
    try_both(&(cst_frame_opts){ .varint = true, .counts_header = true }, BYTES("\3ab\1"), out, 2);
}

static void a_header_is_left_out_or_kept(void **state)
{
    static const char bytes[] = "TU\2abVW\0";
    const cst_slice bare[2] = { cst_slice_str("ab"), cst_slice_empty() };
    const cst_slice kept[2] = { cst_slice_str("TU\2ab"), cst_slice_static("VW\0", 3) };
    const cst_slice in[2] = { cst_slice_str("TUab"), cst_slice_str("VW") };
    cst_frame_opts opts = { .length_bytes = 1, .header_bytes = 2 };

    (void)state;
    try_from(&opts, bytes, 8, bare, 2, CST_OK);
    try_to(&opts, in, 2, bytes, 8, CST_OK);
    try_to(&opts, &bare[1], 1, "", 0, CST_E_BUFFER_OUT_OF_BOUNDS);
    opts.keep_header = true;
    try_from(&opts, bytes, 8, kept, 2, CST_OK);
    opts.counts_header = true;
    try_from(&opts, BYTES("TU\5abVW\3"),
             (const cst_slice[2]){ cst_slice_str("TU\5ab"), cst_slice_str("VW\3") }, 2, CST_OK);
    try_from(&opts, BYTES("TU\2"), NULL, 0, CST_E_OUT_OF_RANGE);
}

static void the_longest_frame_is_exact_under_each_policy(void **state)
{
    const cst_slice two[2] = { cst_slice_str("ab"), cst_slice_str("f") };
    const cst_slice three[3] = { cst_slice_str("ab"), cst_slice_str("cd"), cst_slice_str("f") };
    const cst_slice kept[3] = { cst_slice_str("\2ab"), cst_slice_str("\3cd"),
                                cst_slice_str("\1f") };
    cst_frame_opts opts = { .length_bytes = 1, .max = 2 };

    (void)state;
    try_from(&opts, BYTES("\2ab\3cde\1f"), two, 1, CST_E_OUT_OF_RANGE);
    opts.on_long = CST_LONG_SKIP;
    try_from(&opts, BYTES("\2ab\3cde\1f"), two, 2, CST_OK);
    try_from(&opts, BYTES("\2ab\3c"), two, 1, CST_E_BUFFER_OUT_OF_BOUNDS);
    opts.on_long = CST_LONG_CUT;
    try_from(&opts, BYTES("\2ab\3cde\1f"), three, 3, CST_OK);
    opts.keep_header = true;
    try_from(&opts, BYTES("\2ab\3cde\1f"), kept, 3, CST_OK);
    opts.on_long = CST_LONG_SKIP;
    try_from(&opts, BYTES("\3cde\1f"), &kept[2], 1, CST_OK);
}

static void a_length_that_is_none_fails(void **state)
{
    (void)state;
    try_from(NULL, BYTES("\0\0"), NULL, 0, CST_E_BUFFER_OUT_OF_BOUNDS);
    try_from(NULL, BYTES("\0\0\0\3a"), NULL, 0, CST_E_BUFFER_OUT_OF_BOUNDS);
    try_from(NULL, BYTES("\xFF\xFF\xFF\xFF"), NULL, 0, CST_E_OUT_OF_RANGE);
    try_from(&(cst_frame_opts){ .varint = true }, BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\2"),
             NULL, 0, CST_E_OUT_OF_RANGE);
}

static void a_length_that_does_not_fit_fails_before_a_byte(void **state)
{
    static char text[256];
    cst_slice in = cst_slice_static(text, 256);

    (void)state;
    try_to(&(cst_frame_opts){ .length_bytes = 1 }, &in, 1, "", 0, CST_E_OUT_OF_RANGE);
    in = cst_slice_static(text, 255);
    try_to(&(cst_frame_opts){ .length_bytes = 1, .counts_header = true }, &in, 1, "", 0,
           CST_E_OUT_OF_RANGE);
    try_to(&(cst_frame_opts){ .max = 254 }, &in, 1, "", 0, CST_E_OUT_OF_RANGE);
}

static void very_many_frames_are_those_of_the_model(void **state)
{
    const cst_frame_opts opts = { .varint = true, .max = 300 };
    const size_t count = test_stage_many();
    uint8_t *bytes = malloc(count * 202);
    cst_slice *messages = malloc(count * sizeof *messages);
    uint64_t seed = 3;
    size_t len = 0;
    cst_slice in;

    (void)state;
    assert_non_null(bytes);
    assert_non_null(messages);
    for (size_t i = 0; i < count; i++) {
        size_t n = (size_t)(test_random(&seed) % (i % 10 == 0 ? 200 : 20)), width = 0;

        assert_int_equal(cst_put_varint(&width, bytes, count * 202, len, n), CST_OK);
        len += width;
        memset(bytes + len, (int)(i % 251), n);
        messages[i] = cst_slice_static(bytes + len, n);
        len += n;
    }
    in = cst_slice_static(bytes, len);
    test_stage_run_cut(&(struct test_stage_case){ .name = "from-frames",
                                                  .make = make_from,
                                                  .arg = &opts,
                                                  .in = &in,
                                                  .in_count = 1,
                                                  .out = messages,
                                                  .out_count = count,
                                                  .messages_out = true },
                       1000, 5);
    free(messages);
    free(bytes);
}

static void memory_grows_with_what_has_come_alone(void **state)
{
    static const uint8_t header[] = { 0x7F, 0xFF, 0xFF, 0xFF };
    struct test_heap heap;
    cst_stream *s;
    cst_ctx *ctx;
    size_t before;

    (void)state;
    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    assert_int_equal(cst_from_frames_new(&s, ctx, &(cst_frame_opts){ .max = SIZE_MAX }, NULL),
                     CST_OK);
    before = heap.live_bytes;
    cst_write(s, cst_slice_static(header, 4), NULL, NULL);
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    cst_write(s, cst_slice_str("d"), NULL, NULL);
    cst_ctx_run(ctx, NULL);
    assert_true(heap.live_bytes - before < 1024);
    cst_unref(s);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(heap.live_blocks, 0);
}

/* --- varints ---------------------------------------------------------------------------------- */

static void varints_come_back_whatever_their_size(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 64; bits++) {
        uint64_t value = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1, out = 0;
        size_t needed = bits == 0 ? 1 : (bits + 6) / 7, width = 0, got = 0;
        uint8_t bytes[12];

        assert_int_equal(cst_put_varint(&width, bytes, needed, 1, value),
                         CST_E_BUFFER_OUT_OF_BOUNDS);
        assert_int_equal(cst_put_varint(&width, bytes, needed + 1, 1, value), CST_OK);
        assert_int_equal(width, needed);
        assert_int_equal(cst_get_varint(&out, &got, bytes, needed, 1), CST_E_BUFFER_OUT_OF_BOUNDS);
        assert_int_equal(cst_get_varint(&out, &got, bytes, needed + 1, 1), CST_OK);
        assert_true(out == value);
        assert_int_equal(got, needed);
        for (size_t cut = 0; cut <= needed; cut++) {
            const cst_slice parts[2] = { cst_slice_static(bytes + 1, cut),
                                         cst_slice_static(bytes + 1 + cut, needed - cut) };
            cst_cursor cursor = cst_cursor_of_slices(parts, 1);

            out = 0;
            assert_int_equal(cst_cursor_get_varint(&out, &cursor),
                             cut == needed ? CST_OK : CST_EMPTY);
            assert_int_equal(cst_cursor_position(&cursor), cut == needed ? needed : 0);
            cursor = cst_cursor_of_slices(parts, 2);
            assert_int_equal(cst_cursor_get_varint(&out, &cursor), CST_OK);
            assert_true(out == value);
        }
    }
}

static void a_varint_of_more_than_64_bits_is_refused(void **state)
{
    static const char long_one[] = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\1";
    const cst_slice slice = cst_slice_static(long_one, 11);
    cst_cursor cursor = cst_cursor_of_slices(&slice, 1);
    uint64_t out = 7;
    size_t width = 7;

    (void)state;
    assert_int_equal(cst_get_varint(&out, &width, long_one, 11, 0), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_cursor_get_varint(&out, &cursor), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_cursor_position(&cursor), 0);
    assert_int_equal(out, 7);
    assert_int_equal(width, 7);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct test_heap heap;
    cst_stream *s = NULL;
    cst_ctx *ctx;

    (void)state;
    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    assert_int_equal(cst_from_frames_new(&s, ctx, &(cst_frame_opts){ .length_bytes = 9 }, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(
        cst_from_frames_new(&s, ctx, &(cst_frame_opts){ .on_long = (cst_on_long)3 }, NULL),
        CST_E_INVALID_ARG);
    assert_int_equal(cst_to_frames_new(&s, ctx, &(cst_frame_opts){ .keep_header = true }, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_from_frames_new(&s, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_to_frames_new(NULL, ctx, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_frames_dropped(NULL), 0);
    assert_null(s);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    test_stage_refuses_messages(make_from, NULL, true, false);
    test_stage_refuses_messages(make_to, NULL, false, true);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_width_and_order_is_read_and_written),
    cmocka_unit_test(a_header_is_left_out_or_kept),
    cmocka_unit_test(the_longest_frame_is_exact_under_each_policy),
    cmocka_unit_test(a_length_that_is_none_fails),
    cmocka_unit_test(a_length_that_does_not_fit_fails_before_a_byte),
    cmocka_unit_test(very_many_frames_are_those_of_the_model),
    cmocka_unit_test(memory_grows_with_what_has_come_alone),
    cmocka_unit_test(varints_come_back_whatever_their_size),
    cmocka_unit_test(a_varint_of_more_than_64_bits_is_refused),
    cmocka_unit_test(what_makes_no_sense_is_refused),
};

TEST_MAIN(tests)

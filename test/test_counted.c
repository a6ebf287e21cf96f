/* test_counted.c - stages.h: collect, take, drop and limit in bytes, rechunk. */
#include "stage_world.h"

#include <string.h>

static const char text[] = "abcdefg";

struct sort {
    cst_status (*make)(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts);
    uint64_t n;
};

static cst_status make_sort(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, const void *arg,
                            struct test_output *to)
{
    const struct sort *sort = arg;

    (void)to;
    return sort->make(out, ctx, sort->n, opts);
}

static void expect(struct sort sort, const char *bytes, size_t len, cst_status outcome)
{
    const cst_slice in = cst_slice_str(text), out = cst_slice_static(bytes, len);

    test_stage_all_ways(&(struct test_stage_case){ .name = "counted",
                                                   .make = make_sort,
                                                   .arg = &sort,
                                                   .in = &in,
                                                   .in_count = 1,
                                                   .out = &out,
                                                   .out_count = 1,
                                                   .outcome = outcome,
                                                   .is_early = sort.make == cst_take_bytes_new });
}

static void bytes_are_taken_dropped_and_limited_at_each_place(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 9; n++) {
        size_t fits = n < 7 ? n : 7;

        expect((struct sort){ cst_take_bytes_new, n }, text, fits, CST_OK);
        expect((struct sort){ cst_drop_bytes_new, n }, text + fits, 7 - fits, CST_OK);
        expect((struct sort){ cst_limit_bytes_new, n }, text, fits,
               n < 7 ? CST_E_OUT_OF_RANGE : CST_OK);
    }
    test_stage_refuses_messages(make_sort, &(struct sort){ cst_take_bytes_new, 1 }, true, true);
    test_stage_refuses_messages(make_sort, &(struct sort){ cst_drop_bytes_new, 1 }, true, true);
    test_stage_refuses_messages(make_sort, &(struct sort){ cst_limit_bytes_new, 1 }, true, true);
}

/* --- rechunk ---------------------------------------------------------------------------------- */

struct units {
    size_t size;
    cst_on_rest on_rest;
};

static cst_status make_rechunk(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                               const void *arg, struct test_output *to)
{
    const struct units *units = arg;

    (void)to;
    return cst_rechunk_new(out, ctx, units->size, units->on_rest, opts);
}

static void expect_units(struct units units, size_t len, const cst_slice *out, size_t count,
                         cst_status outcome)
{
    const cst_slice in = cst_slice_static(text, len);

    test_stage_all_ways(&(struct test_stage_case){ .name = "rechunk",
                                                   .make = make_rechunk,
                                                   .arg = &units,
                                                   .in = &in,
                                                   .in_count = 1,
                                                   .out = out,
                                                   .out_count = count,
                                                   .outcome = outcome,
                                                   .messages_out = true });
}

static void chunks_of_one_size_and_what_is_left(void **state)
{
    const cst_slice whole[2] = { cst_slice_str("abc"), cst_slice_str("def") };
    const cst_slice rest[3] = { cst_slice_str("abc"), cst_slice_str("def"), cst_slice_str("g") };
    const cst_slice zeroes[3] = { cst_slice_str("abc"), cst_slice_str("def"),
                                  cst_slice_static("g\0\0", 3) };

    (void)state;
    for (int on_rest = CST_REST_SHORT; on_rest <= CST_REST_ZEROES; on_rest++) {
        expect_units((struct units){ 3, (cst_on_rest)on_rest }, 6, whole, 2, CST_OK);
        expect_units((struct units){ 3, (cst_on_rest)on_rest }, 0, NULL, 0, CST_OK);
    }
    expect_units((struct units){ 3, CST_REST_SHORT }, 7, rest, 3, CST_OK);
    expect_units((struct units){ 3, CST_REST_FAIL }, 7, whole, 2, CST_E_INVALID_BUFFER_SIZE);
    expect_units((struct units){ 3, CST_REST_ZEROES }, 7, zeroes, 3, CST_OK);
    test_stage_refuses_messages(make_rechunk, &(struct units){ 3, CST_REST_SHORT }, true, false);
}

/* --- collect ---------------------------------------------------------------------------------- */

static void note_item(const cst_error *error, const cst_slice *item, void *arg)
{
    if (!error)
        test_output_add(arg, item);
}

static cst_status make_collect(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                               const void *arg, struct test_output *to)
{
    return cst_collect_new(out, ctx, *(const size_t *)arg, opts, note_item, to);
}

static void all_of_it_in_one_slice_up_to_the_limit(void **state)
{
    static const size_t limits[] = { 7, 8, SIZE_MAX, 6, 1 };
    const cst_slice in = cst_slice_str(text), nothing = cst_slice_empty();

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct test_stage_case test = { .name = "collect",
                                        .make = make_collect,
                                        .arg = &limits[i],
                                        .in = &in,
                                        .in_count = 1,
                                        .out = &in,
                                        .out_count = 1,
                                        .outcome = i < 3 ? CST_OK : CST_E_OUT_OF_RANGE,
                                        .messages_out = true,
                                        .is_sink = true };

        if (i >= 3)
            test.out_count = 0;
        test_stage_all_ways(&test);
        test.in_count = 0;
        test.out = &nothing;
        test.out_count = 1;
        test.outcome = CST_OK;
        test_stage_all_ways(&test);
    }
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct test_heap heap;
    cst_stream *s = NULL;
    cst_ctx *ctx;

    (void)state;
    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    assert_int_equal(cst_collect_new(&s, ctx, 0, NULL, note_item, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_collect_new(&s, ctx, 1, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_rechunk_new(&s, ctx, 0, CST_REST_SHORT, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_rechunk_new(&s, ctx, 1, (cst_on_rest)3, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_take_bytes_new(NULL, ctx, 1, NULL), CST_E_INVALID_ARG);
    assert_null(s);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(heap.live_blocks, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_are_taken_dropped_and_limited_at_each_place),
    cmocka_unit_test(chunks_of_one_size_and_what_is_left),
    cmocka_unit_test(all_of_it_in_one_slice_up_to_the_limit),
    cmocka_unit_test(what_makes_no_sense_is_refused),
};

TEST_MAIN(tests)

/* test_tap.c - stages.h: tap, meter and crc32 see what passes and change nothing. */
#include "stage_world.h"

#include <string.h>

static const char text[] = "123456789";

static cst_status see(const cst_slice *chunk, void *arg)
{
    (void)arg;
    return chunk->len > 0 && chunk->data[chunk->len - 1] == '!' ? CST_USER(5) : CST_OK;
}

static void count_nothing(uint64_t bytes, uint64_t chunks, bool ended, void *arg)
{
    (void)bytes;
    (void)chunks;
    (void)ended;
    (void)arg;
}

static cst_status make_tap(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, const void *arg,
                           struct test_output *to)
{
    (void)arg;
    (void)to;
    return cst_tap_new(out, ctx, opts, see, NULL);
}

static cst_status make_meter(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, const void *arg,
                             struct test_output *to)
{
    (void)arg;
    (void)to;
    return cst_meter_new(out, ctx, 3, 0, opts, count_nothing, NULL);
}

static void try_stage(test_make_fn *make, const char *bytes, size_t len, cst_status outcome)
{
    const cst_slice in = cst_slice_static(bytes, len);

    test_stage_all_ways(&(struct test_stage_case){ .name = "tap",
                                                   .make = make,
                                                   .in = &in,
                                                   .in_count = 1,
                                                   .out = &in,
                                                   .out_count = 1,
                                                   .outcome = outcome });
}

static void what_passes_is_not_changed(void **state)
{
    (void)state;
    try_stage(make_tap, text, 9, CST_OK);
    try_stage(make_meter, text, 9, CST_OK);
    try_stage(make_meter, "", 0, CST_OK);
    test_stage_refuses_messages(make_tap, NULL, false, false);
}

/* One byte a call: what passes before the failure depends on nothing but the input. */
static void a_failure_of_the_function_fails_the_stage(void **state)
{
    struct test_heap heap;
    cst_stream *s;
    cst_ctx *ctx;

    (void)state;
    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    assert_int_equal(cst_tap_new(&s, ctx, NULL, see, NULL), CST_OK);
    cst_write(s, cst_slice_str("a!"), NULL, NULL);
    assert_int_equal(cst_errored(s)->status, CST_USER(5));
    cst_unref(s);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(heap.live_blocks, 0);
}

struct told {
    uint64_t bytes, chunks;
    unsigned calls, ends;
};

static void note_meter(uint64_t bytes, uint64_t chunks, bool ended, void *arg)
{
    struct told *told = arg;

    told->bytes = bytes;
    told->chunks = chunks;
    told->calls++;
    told->ends += ended;
}

static void a_meter_speaks_when_both_steps_have_passed_and_at_the_end(void **state)
{
    struct told told = { .bytes = 0 };
    struct test_heap heap;
    cst_stream *s;
    cst_ctx *ctx;

    (void)state;
    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    assert_int_equal(cst_ctx_set_now_ns(ctx, 100), CST_OK);
    assert_int_equal(cst_meter_new(&s, ctx, 4, 10, NULL, note_meter, &told), CST_OK);
    cst_resume(s);
    cst_ctx_run(ctx, NULL);
    cst_write(s, cst_slice_str("abcd"), NULL, NULL);
    assert_int_equal(told.calls, 0); /* too early */
    cst_ctx_set_now_ns(ctx, 110);
    cst_write(s, cst_slice_str("e"), NULL, NULL);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.bytes, 5);
    assert_int_equal(told.chunks, 2);
    cst_ctx_set_now_ns(ctx, 130);
    cst_write(s, cst_slice_str("fgh"), NULL, NULL);
    assert_int_equal(told.calls, 1); /* too few */
    cst_end(s, NULL, NULL);
    cst_ctx_run(ctx, NULL);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.ends, 1);
    assert_int_equal(told.bytes, 8);
    assert_int_equal(told.chunks, 3);
    cst_unref(s);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(heap.live_blocks, 0);
}

static void the_checksum_is_zlibs_however_it_is_cut(void **state)
{
    (void)state;
    assert_true(cst_crc32(0, NULL, 0) == 0);
    for (size_t cut = 0; cut <= 9; cut++) {
        const cst_slice parts[2] = { cst_slice_static(text, cut),
                                     cst_slice_static(text + cut, 9 - cut) };
        uint32_t crc = 0;

        assert_int_equal(cst_crc32_each(&parts[0], &crc), CST_OK);
        assert_int_equal(cst_crc32_each(&parts[1], &crc), CST_OK);
        assert_true(crc == 0xCBF43926);
    }
}

static void what_makes_no_sense_is_refused(void **state)
{
    cst_stream *s = NULL;

    (void)state;
    assert_int_equal(cst_tap_new(&s, NULL, NULL, see, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tap_new(&s, NULL, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_meter_new(&s, NULL, 0, 0, NULL, count_nothing, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_meter_new(&s, NULL, 0, 0, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_null(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_passes_is_not_changed),
    cmocka_unit_test(a_failure_of_the_function_fails_the_stage),
    cmocka_unit_test(a_meter_speaks_when_both_steps_have_passed_and_at_the_end),
    cmocka_unit_test(the_checksum_is_zlibs_however_it_is_cut),
    cmocka_unit_test(what_makes_no_sense_is_refused),
};

TEST_MAIN(tests)

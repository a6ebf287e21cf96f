/* test_coalesce_stage.c - stages.h: small chunks go together, in order, as late as they may. */
#include "stage_world.h"

#include <string.h>

struct wait {
    size_t size;
    uint64_t delay_ns;
};

static cst_status make_coalesce(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                const void *arg, struct test_output *to)
{
    const struct wait *wait = arg;

    (void)to;
    return cst_coalesce_new(out, ctx, wait->size, wait->delay_ns, opts);
}

static void all_bytes_come_in_their_order(void **state)
{
    static const struct wait waits[] = { { 1, 0 }, { 4, 0 }, { 100, 0 }, { 4, 10 }, { 100, 10 } };
    const cst_slice in = cst_slice_str("abcdefghi");

    (void)state;
    for (size_t i = 0; i < 5; i++)
        test_stage_all_ways(&(struct test_stage_case){ .name = "coalesce",
                                                       .make = make_coalesce,
                                                       .arg = &waits[i],
                                                       .in = &in,
                                                       .in_count = 1,
                                                       .out = &in,
                                                       .out_count = 1 });
}

struct fixture {
    struct test_heap heap;
    cst_ctx *ctx;
    cst_stream *s;
    struct test_output output;
};

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    test_output_add(arg, event->chunk);
}

static void open_stage(struct fixture *f, size_t size, uint64_t delay_ns)
{
    f->output = (struct test_output){ .len = 0 };
    test_heap_init(&f->heap);
    assert_int_equal(cst_ctx_new(&f->ctx, test_heap_allocator(&f->heap), NULL), CST_OK);
    cst_ctx_set_now_ns(f->ctx, 0);
    assert_int_equal(cst_coalesce_new(&f->s, f->ctx, size, delay_ns,
                                      &(cst_opts){ .writable_object_mode = true }),
                     CST_OK);
    assert_int_equal(cst_on(f->s, CST_DATA, on_data, &f->output), CST_OK);
    cst_ctx_run(f->ctx, NULL);
}

static void close_stage(struct fixture *f)
{
    cst_unref(f->s);
    assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
    assert_int_equal(f->heap.live_blocks, 0);
    test_output_free(&f->output);
}

static void a_thousand_messages_of_a_turn_are_one_chunk(void **state)
{
    struct fixture f;

    (void)state;
    open_stage(&f, 65536, 0);
    for (size_t i = 0; i < 1000; i++)
        cst_write(f.s, cst_slice_str("message"), NULL, NULL);
    assert_int_equal(f.output.count, 0);
    cst_ctx_run(f.ctx, NULL);
    assert_int_equal(f.output.count, 1);
    assert_int_equal(f.output.len, 7000);
    close_stage(&f);
}

static void a_large_chunk_goes_by_itself_behind_what_is_held(void **state)
{
    struct fixture f;

    (void)state;
    open_stage(&f, 4, 0);
    cst_write(f.s, cst_slice_str("ab"), NULL, NULL);
    cst_write(f.s, cst_slice_str("CDEFG"), NULL, NULL);
    assert_int_equal(f.output.count, 2);
    assert_memory_equal(f.output.bytes, "abCDEFG", 7);
    close_stage(&f);
}

static void the_delay_counts_from_the_first_byte(void **state)
{
    cst_budget budget = { .now_ns = 9 };
    struct fixture f;

    (void)state;
    open_stage(&f, 100, 10);
    cst_write(f.s, cst_slice_str("a"), NULL, NULL);
    cst_ctx_run(f.ctx, &budget);
    cst_write(f.s, cst_slice_str("b"), NULL, NULL);
    assert_int_equal(f.output.count, 0);
    budget.now_ns = 10;
    cst_ctx_run(f.ctx, &budget);
    assert_int_equal(f.output.count, 1);
    assert_memory_equal(f.output.bytes, "ab", 2);
    close_stage(&f);
}

static void what_is_held_goes_with_a_destroy_before_the_turns_end(void **state)
{
    struct fixture f;

    (void)state;
    open_stage(&f, 100, 0);
    cst_write(f.s, cst_slice_str("a"), NULL, NULL);
    cst_destroy(f.s, CST_OK);
    cst_unref(f.s);
    f.s = NULL;
    cst_ctx_run(f.ctx, NULL);
    assert_int_equal(f.output.count, 0);
    close_stage(&f);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct fixture f;
    cst_stream *s = NULL;

    (void)state;
    open_stage(&f, 1, 0);
    assert_int_equal(cst_coalesce_new(&s, f.ctx, 0, 0, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_coalesce_new(&s, f.ctx, 1, 0, &(cst_opts){ .readable_object_mode = true }),
                     CST_E_INVALID_ARG);
    assert_null(s);
    close_stage(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_bytes_come_in_their_order),
    cmocka_unit_test(a_thousand_messages_of_a_turn_are_one_chunk),
    cmocka_unit_test(a_large_chunk_goes_by_itself_behind_what_is_held),
    cmocka_unit_test(the_delay_counts_from_the_first_byte),
    cmocka_unit_test(what_is_held_goes_with_a_destroy_before_the_turns_end),
    cmocka_unit_test(what_makes_no_sense_is_refused),
};

TEST_MAIN(tests)

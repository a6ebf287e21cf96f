/*
 * test_byte_budget.c - pipelines under a limit on bytes. With any limit, each pipeline moves its
 * bytes in order and ends. If an allocation fails it ends too, and nothing leaks.
 */
#include "main.h"

#include <string.h>

#include "heap.h"
#include "trace.h"

#define PIPELINES 3
#define INPUT_BYTES 5000

static uint8_t input[INPUT_BYTES];

static cst_status hand_on(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return cst_give(s, cst_slice_ref(chunk));
}

static const cst_ops stage_ops = { .name = "stage", .transform = hand_on };

struct line {
    cst_chain out;
    cst_status outcome;
};

static void on_outcome(const cst_error *error, void *arg)
{
    struct line *line = arg;

    assert_int_equal(line->outcome, CST_PENDING);
    line->outcome = error ? error->status : CST_OK;
}

/* Set marks of one chunk and of three, so that flows stop and start for other reasons too. */
static cst_status start(struct line *line, cst_ctx *ctx, size_t chunk_bytes)
{
    const cst_opts small = { .high_water_mark = chunk_bytes };
    const cst_opts large = { .high_water_mark = 3 * chunk_bytes };
    cst_stream *stages[3] = { NULL };
    cst_status st;

    if ((st = cst_memory_source_new(&stages[0], ctx, cst_slice_static(input, sizeof(input)),
                                    &small)) == CST_OK &&
        (st = cst_transform_new(&stages[1], ctx, &stage_ops, NULL, &large)) == CST_OK &&
        (st = cst_memory_sink_new(&stages[2], ctx, &line->out, 0, &small)) == CST_OK) {
        line->outcome = CST_PENDING;
        st = cst_pipeline(stages, 3, NULL, on_outcome, line);
    }
    if (st != CST_OK)
        line->outcome = st;
    return st;
}

static void run_to_the_end(cst_ctx *ctx, size_t limit_bytes)
{
    cst_status st;

    do {
        cst_budget budget = { .bytes = limit_bytes };

        st = cst_ctx_run(ctx, &budget);
    } while (st == CST_MORE);
}

/* Check that a line that ended well has all bytes, and any other line the first of them. */
static void check_line(struct line *line, bool may_fail)
{
    static uint8_t got[INPUT_BYTES];
    size_t len = cst_chain_copy(got, &line->out, sizeof(got));

    assert_memory_equal(got, input, len);
    if (!may_fail)
        assert_int_equal(line->outcome, CST_OK);
    if (line->outcome == CST_OK)
        assert_int_equal(len, sizeof(input));
    else
        assert_int_equal(line->outcome, CST_E_NOMEM);
}

/* Run with a failing allocation, unless fail_at is 0. Return whether an allocation has failed. */
static bool run_lines(size_t limit_bytes, size_t fail_at)
{
    struct line lines[PIPELINES];
    struct test_heap heap;
    cst_ctx *ctx;
    bool failed;

    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    if (fail_at)
        test_heap_fail_at(&heap, fail_at);
    for (size_t i = 0; i < PIPELINES; i++) {
        cst_chain_init(&lines[i].out, test_heap_allocator(&heap));
        start(&lines[i], ctx, 50 + 70 * i);
    }
    run_to_the_end(ctx, limit_bytes);
    failed = heap.failures > 0;
    for (size_t i = 0; i < PIPELINES; i++) {
        check_line(&lines[i], failed);
        cst_chain_fini(&lines[i].out);
    }
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(heap.live_blocks, 0);
    return failed;
}

static void fill_input(void)
{
    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)(i * 7 + i / 251);
}

static void bytes_arrive_in_order_under_any_limit(void **state)
{
    static const size_t limits[] = { 0, 1, 49, 50, 51, 333, 4999, 5000, 20000 };

    (void)state;
    fill_input();
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        assert_false(run_lines(limits[i], 0));
}

static void each_allocation_may_fail_under_a_limit(void **state)
{
    size_t n = 1;

    (void)state;
    fill_input();
    while (run_lines(100, n))
        n++;
    assert_true(n > 3);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_arrive_in_order_under_any_limit),
    cmocka_unit_test(each_allocation_may_fail_under_a_limit),
};

TEST_MAIN(tests)

/*
 * test_arena.c - memory of the program's own, and a cap: sizes, reuse, what does not fit, and whole
 * pipelines that run in both.
 */
#include "main.h"

#include <stdalign.h>
#include <stddef.h>
#include <string.h>

#include <cstream/cstream.h>

#include "heap.h"

static alignas(max_align_t) unsigned char memory[65536];

static void blocks_are_aligned_apart_and_writable_to_their_last_byte(void **state)
{
    cst_arena arena;
    const cst_allocator *allocator = cst_arena_init(&arena, memory, sizeof(memory));
    unsigned char *before = memory;

    (void)state;
    for (size_t size = 1; size <= 300; size += 7) {
        unsigned char *ptr = allocator->alloc(allocator->user, size);

        assert_ptr_equal(ptr, before);
        assert_int_equal((uintptr_t)ptr % alignof(max_align_t), 0);
        memset(ptr, 0xA5, size);
        before = memory + arena.peak_bytes;
        assert_true(before >= ptr + size);
    }
    assert_int_equal(arena.failures, 0);
}

static void a_block_that_was_freed_serves_the_sizes_of_its_class_alone(void **state)
{
    static const struct {
        size_t least, most;
    } classes[] = { { 1, 16 },     { 17, 32 },     { 49, 64 },       { 65, 80 },
                    { 113, 128 },  { 129, 160 },   { 225, 256 },     { 257, 320 },
                    { 897, 1024 }, { 1025, 1280 }, { 14337, 16384 }, { 16385, 20480 } };

    (void)state;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        cst_arena arena;
        const cst_allocator *a = cst_arena_init(&arena, memory, sizeof(memory));
        void *first = a->alloc(a->user, classes[i].least);

        assert_int_equal(arena.peak_bytes, classes[i].most);
        a->free(a->user, first, classes[i].least);
        assert_ptr_equal(a->alloc(a->user, classes[i].most), first);
        a->free(a->user, first, classes[i].most);
        assert_ptr_not_equal(a->alloc(a->user, classes[i].most + 1), first);
        if (classes[i].least > 1)
            assert_ptr_not_equal(a->alloc(a->user, classes[i].least - 1), first);
        assert_ptr_equal(a->alloc(a->user, classes[i].least), first);
    }
}

static void the_last_block_was_used_first(void **state)
{
    cst_arena arena;
    const cst_allocator *a = cst_arena_init(&arena, memory, sizeof(memory));
    void *one = a->alloc(a->user, 40), *two = a->alloc(a->user, 40);

    (void)state;
    a->free(a->user, one, 40);
    a->free(a->user, two, 40);
    assert_ptr_equal(a->alloc(a->user, 40), two);
    assert_ptr_equal(a->alloc(a->user, 40), one);
    assert_int_equal(arena.peak_bytes, 96);
}

static void what_does_not_fit_is_refused_and_counted(void **state)
{
    cst_arena arena;
    const cst_allocator *a = cst_arena_init(&arena, memory, 100);
    void *ptr;

    (void)state;
    assert_null(a->alloc(a->user, 101));
    assert_null(a->alloc(a->user, CST_ARENA_MAX_BLOCK + 1));
    assert_null(a->alloc(a->user, SIZE_MAX));
    assert_int_equal(arena.failures, 3);
    ptr = a->alloc(a->user, 96);
    assert_non_null(ptr);
    assert_null(a->alloc(a->user, 1));
    a->free(a->user, ptr, 96);
    assert_ptr_equal(a->alloc(a->user, 81), ptr);
    assert_int_equal(arena.failures, 4);
}

static void memory_that_is_crooked_small_or_none(void **state)
{
    cst_arena arena;
    const cst_allocator *a;

    (void)state;
    assert_null(cst_arena_init(NULL, memory, sizeof(memory)));
    a = cst_arena_init(&arena, memory + 1, alignof(max_align_t) + 15);
    assert_ptr_equal(a->alloc(a->user, 16), memory + alignof(max_align_t));
    assert_null(a->alloc(a->user, 1));
    for (size_t size = 0; size < 16; size++) {
        a = cst_arena_init(&arena, memory + 1, size);
        assert_null(a->alloc(a->user, 1));
    }
    a = cst_arena_init(&arena, NULL, sizeof(memory));
    assert_null(a->alloc(a->user, 1));
    assert_int_equal(arena.failures, 1);
}

/* --- whole programs --------------------------------------------------------------------------- */

static void on_outcome(const cst_error *error, void *status)
{
    *(cst_status *)status = error ? error->status : CST_OK;
}

static cst_status look_at(const cst_slice *chunk, void *arg)
{
    (void)chunk;
    (void)arg;
    return CST_OK;
}

/* 100,000 bytes through hex, to nowhere. Returns the outcome, or why there is none. */
static cst_status live(const cst_allocator *allocator)
{
    static const char zeroes[100000];
    cst_ctx *ctx;
    cst_stream *stages[3];
    cst_status st = cst_ctx_new(&ctx, allocator, NULL), outcome = CST_AGAIN;

    if (st < 0)
        return st;
    st = cst_memory_source_new(&stages[0], ctx, cst_slice_static(zeroes, sizeof(zeroes)),
                               &(cst_opts){ .high_water_mark = 4096 });
    if (st >= 0)
        st = cst_to_text_new(&stages[1], ctx, CST_HEX, NULL);
    if (st >= 0)
        st = cst_for_each_new(&stages[2], ctx, NULL, look_at, NULL, NULL);
    if (st >= 0)
        st = cst_pipeline(stages, 3, NULL, on_outcome, &outcome);
    if (st >= 0)
        st = cst_ctx_run(ctx, NULL);
    cst_ctx_free(ctx);
    return st < 0 ? st : outcome;
}

static void ten_thousand_lives_need_no_more_than_one(void **state)
{
    cst_arena arena;
    const cst_allocator *allocator = cst_arena_init(&arena, memory, sizeof(memory));
    size_t first;

    (void)state;
    assert_int_equal(live(allocator), CST_OK);
    first = arena.peak_bytes;
    assert_true(first > 0 && first <= 40000);
    for (int i = 1; i < 10000; i++)
        assert_int_equal(live(allocator), CST_OK);
    assert_int_equal(arena.peak_bytes, first);
    assert_int_equal(arena.failures, 0);
}

static void a_program_that_does_not_fit_is_told_so(void **state)
{
    cst_arena arena;
    size_t needed;

    (void)state;
    live(cst_arena_init(&arena, memory, sizeof(memory)));
    needed = arena.peak_bytes;
    for (size_t size = 0; size < needed; size += 16) {
        const cst_status st = live(cst_arena_init(&arena, memory, size));

        assert_int_equal(st, CST_E_NOMEM);
        assert_true(arena.failures > 0);
    }
    assert_int_equal(live(cst_arena_init(&arena, memory, needed)), CST_OK);
}

/* --- the cap ---------------------------------------------------------------------------------- */

static void a_cap_counts_and_refuses_beyond(void **state)
{
    struct test_heap *heap = *state;
    cst_cap cap;
    const cst_allocator *a = cst_cap_init(&cap, test_heap_allocator(heap), 100);
    void *one = a->alloc(a->user, 60), *two;

    assert_non_null(one);
    assert_null(a->alloc(a->user, 41));
    two = a->alloc(a->user, 40);
    assert_non_null(two);
    assert_null(a->alloc(a->user, 1));
    assert_null(a->alloc(a->user, SIZE_MAX));
    assert_int_equal(cap.live_bytes, 100);
    assert_int_equal(heap->live_bytes, 100);
    a->free(a->user, one, 60);
    assert_int_equal(cap.live_bytes, 40);
    assert_int_equal(cap.peak_bytes, 100);
    assert_int_equal(cap.failures, 3);
    test_heap_fail_at(heap, 1);
    assert_null(a->alloc(a->user, 1));
    assert_int_equal(cap.failures, 4);
    a->free(a->user, two, 40);
    assert_int_equal(cap.live_bytes, 0);
    assert_null(cst_cap_init(NULL, test_heap_allocator(heap), 1));
    assert_null(cst_cap_init(&cap, NULL, 1));
}

static void a_program_under_a_cap(void **state)
{
    struct test_heap *heap = *state;
    cst_cap cap;
    size_t needed;

    assert_int_equal(live(cst_cap_init(&cap, test_heap_allocator(heap), SIZE_MAX)), CST_OK);
    needed = cap.peak_bytes;
    assert_int_equal(cap.live_bytes, 0);
    assert_int_equal(heap->peak_bytes, needed);
    assert_int_equal(live(cst_cap_init(&cap, test_heap_allocator(heap), needed)), CST_OK);
    for (size_t max = 0; max < needed; max += 97) {
        assert_int_equal(live(cst_cap_init(&cap, test_heap_allocator(heap), max)), CST_E_NOMEM);
        assert_true(cap.failures > 0 && cap.peak_bytes <= max);
        assert_int_equal(cap.live_bytes, 0);
    }
}

#define HEAP_TEST(f) cmocka_unit_test_setup_teardown(f, test_heap_setup, test_heap_teardown)

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(blocks_are_aligned_apart_and_writable_to_their_last_byte),
    cmocka_unit_test(a_block_that_was_freed_serves_the_sizes_of_its_class_alone),
    cmocka_unit_test(the_last_block_was_used_first),
    cmocka_unit_test(what_does_not_fit_is_refused_and_counted),
    cmocka_unit_test(memory_that_is_crooked_small_or_none),
    cmocka_unit_test(ten_thousand_lives_need_no_more_than_one),
    cmocka_unit_test(a_program_that_does_not_fit_is_told_so),
    HEAP_TEST(a_cap_counts_and_refuses_beyond),
    HEAP_TEST(a_program_under_a_cap),
};

TEST_MAIN(tests)

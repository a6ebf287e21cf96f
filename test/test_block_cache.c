/*
 * test_block_cache.c - blocks that come back: reuse, classes, bounds, and slices that outlive it.
 */
#include "main.h"

#include <string.h>

#include "bytes/block.h"
#include "heap.h"

#ifdef CST_NO_CACHE
#define NEEDS_CACHE() skip()
#else
#define NEEDS_CACHE() ((void)0)
#endif

static struct cst__block_cache *new_cache(struct test_heap *heap, unsigned limit)
{
    struct cst__block_cache *cache = NULL;

    assert_int_equal(cst__block_cache_new(&cache, test_heap_allocator(heap), limit, 0), CST_OK);
    assert_non_null(cache);
    return cache;
}

static cst_slice new_slice(struct cst__block_cache *cache, size_t cap, size_t len, int fill)
{
    cst_buf buf;

    assert_int_equal(cst__block_cache_buf(cache, &buf, cap), CST_OK);
    assert_int_equal(buf.cap, cap);
    assert_int_equal((uintptr_t)buf.data % _Alignof(max_align_t), 0);
    memset(buf.data, fill, cap);
    return cst_buf_freeze(&buf, len);
}

/* Ask for a block of each capacity in turn and let it go. */
static void touch(struct cst__block_cache *cache, size_t cap)
{
    cst_slice slice = new_slice(cache, cap, cap, 1);

    cst_slice_unref(&slice);
}

static void a_block_is_given_again_when_its_last_slice_goes(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache;
    cst_slice slice;
    cst_slice view;
    cst_block *block;

    NEEDS_CACHE();
    cache = new_cache(heap, 4);
    slice = new_slice(cache, 100, 100, 'a');
    block = slice.block;
    view = cst_slice_sub(&slice, 10, 5);
    cst_slice_unref(&slice);
    slice = new_slice(cache, 100, 100, 'b');
    assert_ptr_not_equal(slice.block, block);
    assert_memory_equal(view.data, "aaaaa", 5);
    cst_slice_unref(&view);
    view = new_slice(cache, 100, 100, 'c');
    assert_ptr_equal(view.block, block);
    cst_slice_unref(&view);
    cst_slice_unref(&slice);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void steady_flow_allocates_once(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache;
    size_t calls;

    NEEDS_CACHE();
    cache = new_cache(heap, 1);
    touch(cache, 65536);
    calls = heap->calls;
    for (int i = 0; i < 1000; i++)
        touch(cache, 65536);
    assert_int_equal(heap->calls, calls);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void a_buffer_that_is_freed_comes_back_too(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache;
    cst_buf buf;

    NEEDS_CACHE();
    cache = new_cache(heap, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(cst__block_cache_buf(cache, &buf, 32), CST_OK);
        cst_buf_free(&buf);
        assert_int_equal(cst__block_cache_buf(cache, &buf, 32), CST_OK);
        cst_buf_freeze(&buf, 0);
    }
    assert_int_equal(heap->calls, 2);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void a_block_whose_references_go_together_is_as_new_when_it_is_given_again(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache;
    cst_slice slice;

    NEEDS_CACHE();
    cache = new_cache(heap, 1);
    slice = new_slice(cache, 32, 32, 'a');
    cst_slice_ref(&slice);
    cst_slice_ref(&slice);
    cst__block_unref_many(slice.block, 2);
    assert_true(cst_slice_is_unique(&slice));
    cst_slice_ref(&slice);
    cst__block_unref_many(slice.block, 2);
    slice = new_slice(cache, 32, 32, 'b');
    assert_int_equal(heap->calls, 2);
    assert_true(cst_slice_is_unique(&slice));
    cst_slice_unref(&slice);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void a_short_freeze_pins_the_capacity_and_comes_back_whole(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 1);
    cst_slice slice = new_slice(cache, 100, 3, 'x');

    assert_int_equal(slice.len, 3);
    assert_int_equal(cst_slice_pinned_bytes(&slice), 100);
    cst_slice_unref(&slice);
    slice = new_slice(cache, 100, 100, 'y');
    assert_int_equal(slice.len, 100);
    cst_slice_unref(&slice);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void no_more_than_the_limit_is_kept(void **state)
{
    struct test_heap *heap = *state;

    for (unsigned limit = 0; limit < 5; limit++) {
        struct cst__block_cache *cache = new_cache(heap, limit);
        cst_slice slices[8];

        for (size_t i = 0; i < 8; i++)
            slices[i] = new_slice(cache, 64, 64, 1);
        assert_int_equal(heap->live_blocks, 9);
        for (size_t i = 0; i < 8; i++)
            cst_slice_unref(&slices[i]);
#ifdef CST_NO_CACHE
        assert_int_equal(heap->live_blocks, 1);
#else
        assert_int_equal(heap->live_blocks, 1 + limit);
#endif
        cst__block_cache_close(cache);
        assert_int_equal(heap->live_blocks, 0);
    }
}

static void small_blocks_are_kept_up_to_a_number_of_bytes(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache;
    cst_slice slices[8];

    NEEDS_CACHE();
    assert_int_equal(cst__block_cache_new(&cache, test_heap_allocator(heap), 2, 500), CST_OK);
    for (size_t i = 0; i < 8; i++)
        slices[i] = new_slice(cache, 100, 100, 'a');
    for (size_t i = 0; i < 8; i++)
        cst_slice_unref(&slices[i]);
    assert_int_equal(heap->live_blocks, 1 + 5);
    for (size_t i = 0; i < 4; i++)
        slices[i] = new_slice(cache, 400, 400, 'a');
    for (size_t i = 0; i < 4; i++)
        cst_slice_unref(&slices[i]);
    assert_int_equal(heap->live_blocks, 1 + 5 + 2);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void four_sizes_live_side_by_side(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache;
    size_t calls;

    NEEDS_CACHE();
    cache = new_cache(heap, 2);
    for (size_t cap = 0; cap < 4; cap++)
        touch(cache, cap * 1000);
    calls = heap->calls;
    for (int i = 0; i < 100; i++)
        touch(cache, (size_t)(i * 7 % 4) * 1000);
    assert_int_equal(heap->calls, calls);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void a_fifth_size_replaces_the_one_asked_for_longest_ago(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache;
    size_t calls;

    NEEDS_CACHE();
    cache = new_cache(heap, 2);
    for (size_t cap = 1; cap <= 4; cap++)
        touch(cache, cap);
    touch(cache, 1);
    assert_int_equal(heap->live_blocks, 5);
    touch(cache, 5);
    assert_int_equal(heap->live_blocks, 5);
    calls = heap->calls;
    touch(cache, 1);
    touch(cache, 3);
    touch(cache, 4);
    touch(cache, 5);
    assert_int_equal(heap->calls, calls);
    touch(cache, 2);
    assert_int_equal(heap->calls, calls + 1);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void a_block_whose_class_was_replaced_is_freed(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 2);
    cst_slice slice = new_slice(cache, 1000, 1000, 1);
    size_t live;

    for (size_t cap = 1; cap <= 4; cap++)
        touch(cache, cap);
    live = heap->live_blocks;
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, live - 1);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void slices_outlive_the_cache_and_the_last_takes_it_along(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 4);
    cst_slice a = new_slice(cache, 10, 10, 'a');
    cst_slice b = new_slice(cache, 10, 10, 'b');

    touch(cache, 10);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 3);
    assert_memory_equal(a.data, "aaaaaaaaaa", 10);
    cst_slice_unref(&a);
    assert_int_equal(heap->live_blocks, 2);
    assert_memory_equal(b.data, "bbbbbbbbbb", 10);
    cst_slice_unref(&b);
    assert_int_equal(heap->live_blocks, 0);
}

static void closing_an_idle_cache_frees_everything_at_once(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 4);

    touch(cache, 10);
    touch(cache, 20);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
    cst__block_cache_close(NULL);
}

#ifndef __STDC_NO_ATOMICS__
static void a_shared_block_never_comes_back(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 4);
    cst_slice slice = new_slice(cache, 10, 10, 'a');

    assert_int_equal(cst_slice_share(&slice), CST_OK);
    assert_int_equal(cst_slice_share(&slice), CST_OK);
    assert_null(slice.block->home);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 1);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void sharing_the_last_block_of_a_closed_cache_frees_the_cache(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 4);
    cst_slice slice = new_slice(cache, 10, 10, 'a');

    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 2);
    assert_int_equal(cst_slice_share(&slice), CST_OK);
    assert_int_equal(heap->live_blocks, 1);
    assert_memory_equal(slice.data, "aaaaaaaaaa", 10);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}
#endif

static void a_thawed_block_still_knows_its_home(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache;
    cst_slice slice;
    cst_buf buf;

    NEEDS_CACHE();
    cache = new_cache(heap, 4);
    slice = new_slice(cache, 10, 10, 'a');
    assert_int_equal(cst_buf_thaw(&buf, &slice), CST_OK);
    buf.data[0] = 'b';
    slice = cst_buf_freeze(&buf, 10);
    cst_slice_unref(&slice);
    touch(cache, 10);
    assert_int_equal(heap->calls, 2);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void each_allocation_may_fail(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = NULL;
    cst_buf buf = { .cap = 4711 };

    test_heap_fail_at(heap, 1);
    assert_int_equal(cst__block_cache_new(&cache, test_heap_allocator(heap), 4, 0), CST_E_NOMEM);
    assert_null(cache);
    cache = new_cache(heap, 4);
    test_heap_fail_at(heap, 1);
    assert_int_equal(cst__block_cache_buf(cache, &buf, 10), CST_E_NOMEM);
    assert_int_equal(buf.cap, 4711);
    assert_int_equal(cst__block_cache_buf(cache, &buf, 10), CST_OK);
    cst_buf_free(&buf);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

static void capacities_near_the_end_of_a_size_t_are_out_of_memory(void **state)
{
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 4);
    static const size_t caps[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - sizeof(cst_block) + 1,
                                   SIZE_MAX - sizeof(cst_block), SIZE_MAX / 2 };
    cst_buf buf;

    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++)
        assert_int_equal(cst__block_cache_buf(cache, &buf, caps[i]), CST_E_NOMEM);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
}

/* Numbers in a fixed sequence: every run and every machine sees the same program. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void random_use_keeps_every_slice_intact(void **state)
{
    enum { SLOTS = 24 };
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 3);
    cst_slice slices[SLOTS] = { 0 };
    uint8_t fills[SLOTS] = { 0 };
    uint32_t seed = 1;

    for (int step = 0; step < 20000; step++) {
        size_t slot = next_random(&seed) % SLOTS;
        size_t cap = 16 + next_random(&seed) % 6;

        for (size_t i = 0; i < slices[slot].len; i++)
            assert_int_equal(slices[slot].data[i], fills[slot]);
        cst_slice_unref(&slices[slot]);
        fills[slot] = (uint8_t)next_random(&seed);
        if (next_random(&seed) % 3 > 0)
            slices[slot] = new_slice(cache, cap, next_random(&seed) % (cap + 1), fills[slot]);
        assert_true(heap->live_blocks <= 1 + SLOTS + 3 * CST__BLOCK_CLASSES);
    }
    cst__block_cache_close(cache);
    for (size_t i = 0; i < SLOTS; i++)
        cst_slice_unref(&slices[i]);
    assert_int_equal(heap->live_blocks, 0);
}

static void without_a_cache_nothing_is_kept(void **state)
{
#ifdef CST_NO_CACHE
    struct test_heap *heap = *state;
    struct cst__block_cache *cache = new_cache(heap, 16);

    touch(cache, 10);
    assert_int_equal(heap->live_blocks, 1);
    cst__block_cache_close(cache);
    assert_int_equal(heap->live_blocks, 0);
#else
    (void)state;
    skip();
#endif
}

#define HEAP_TEST(f) cmocka_unit_test_setup_teardown(f, test_heap_setup, test_heap_teardown)

static const struct CMUnitTest tests[] = {
    HEAP_TEST(a_block_is_given_again_when_its_last_slice_goes),
    HEAP_TEST(steady_flow_allocates_once),
    HEAP_TEST(a_buffer_that_is_freed_comes_back_too),
    HEAP_TEST(a_block_whose_references_go_together_is_as_new_when_it_is_given_again),
    HEAP_TEST(a_short_freeze_pins_the_capacity_and_comes_back_whole),
    HEAP_TEST(no_more_than_the_limit_is_kept),
    HEAP_TEST(small_blocks_are_kept_up_to_a_number_of_bytes),
    HEAP_TEST(four_sizes_live_side_by_side),
    HEAP_TEST(a_fifth_size_replaces_the_one_asked_for_longest_ago),
    HEAP_TEST(a_block_whose_class_was_replaced_is_freed),
    HEAP_TEST(slices_outlive_the_cache_and_the_last_takes_it_along),
    HEAP_TEST(closing_an_idle_cache_frees_everything_at_once),
#ifndef __STDC_NO_ATOMICS__
    HEAP_TEST(a_shared_block_never_comes_back),
    HEAP_TEST(sharing_the_last_block_of_a_closed_cache_frees_the_cache),
#endif
    HEAP_TEST(a_thawed_block_still_knows_its_home),
    HEAP_TEST(each_allocation_may_fail),
    HEAP_TEST(capacities_near_the_end_of_a_size_t_are_out_of_memory),
    HEAP_TEST(random_use_keeps_every_slice_intact),
    HEAP_TEST(without_a_cache_nothing_is_kept),
};

TEST_MAIN(tests)

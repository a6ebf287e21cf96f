/*
 * test_pool.c - free lists of small objects: reuse, bounds, and that nothing is left.
 */
#include "main.h"

#include <string.h>

#include "base/pool.h"
#include "heap.h"

#ifdef CST_NO_CACHE
#define NEEDS_CACHE() skip()
#else
#define NEEDS_CACHE() ((void)0)
#endif

static void a_pool_asks_for_nothing_before_it_is_asked(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;

    cst__pool_init(&pool, test_heap_allocator(heap));
    cst__pool_fini(&pool);
    assert_int_equal(heap->calls, 0);
}

static void what_was_freed_is_given_again_without_the_allocator(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;
    void *first;

    NEEDS_CACHE();
    cst__pool_init(&pool, test_heap_allocator(heap));
    first = cst__pool_alloc(&pool, 40);
    cst__pool_free(&pool, first, 40);
    for (size_t size = 33; size <= 40; size++) {
        assert_ptr_equal(cst__pool_alloc(&pool, size), first);
        cst__pool_free(&pool, first, size);
    }
    assert_int_equal(heap->calls, 1);
    cst__pool_fini(&pool);
    assert_int_equal(heap->live_blocks, 0);
}

static void every_size_is_writable_to_its_last_byte(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;

    cst__pool_init(&pool, test_heap_allocator(heap));
    for (int round = 0; round < 2; round++) {
        for (size_t size = 1; size <= CST__POOL_MAX_BYTES + 20; size++) {
            void *object = cst__pool_alloc(&pool, size);

            assert_non_null(object);
            assert_int_equal((uintptr_t)object % _Alignof(max_align_t), 0);
            memset(object, 0xFF, size);
            cst__pool_free(&pool, object, size);
        }
    }
    cst__pool_fini(&pool);
    assert_int_equal(heap->live_blocks, 0);
}

static void classes_do_not_mix(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;
    void *small;
    void *next;

    cst__pool_init(&pool, test_heap_allocator(heap));
    small = cst__pool_alloc(&pool, 16);
    cst__pool_free(&pool, small, 16);
    next = cst__pool_alloc(&pool, 17);
    assert_int_equal(heap->calls, 2);
    cst__pool_free(&pool, next, 17);
    cst__pool_fini(&pool);
    assert_int_equal(heap->live_blocks, 0);
}

static void large_objects_go_straight_to_the_allocator(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;
    void *object;

    cst__pool_init(&pool, test_heap_allocator(heap));
    object = cst__pool_alloc(&pool, CST__POOL_MAX_BYTES + 1);
    assert_int_equal(heap->last_request, CST__POOL_MAX_BYTES + 1);
    cst__pool_free(&pool, object, CST__POOL_MAX_BYTES + 1);
    assert_int_equal(heap->live_blocks, 0);
    cst__pool_fini(&pool);
}

static void objects_of_the_largest_class_are_kept(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;
    void *object;

    NEEDS_CACHE();
    cst__pool_init(&pool, test_heap_allocator(heap));
    object = cst__pool_alloc(&pool, CST__POOL_MAX_BYTES);
    cst__pool_free(&pool, object, CST__POOL_MAX_BYTES);
    assert_int_equal(heap->live_blocks, 1);
    cst__pool_fini(&pool);
    assert_int_equal(heap->live_blocks, 0);
}

static void keep_many(struct test_heap *heap, struct cst__pool *pool, size_t size)
{
    enum { MANY = 5000 };
    static void *objects[MANY];

    for (size_t i = 0; i < MANY; i++)
        objects[i] = cst__pool_alloc(pool, size);
    for (size_t i = 0; i < MANY; i++)
        cst__pool_free(pool, objects[i], size);
#ifdef CST_NO_CACHE
    assert_int_equal(heap->live_bytes, 0);
#else
    assert_int_equal(heap->live_bytes, CST__POOL_KEEP_BYTES / size * size);
#endif
}

static void a_class_keeps_64_kib_and_no_more(void **state)
{
    struct test_heap *heap = *state;

    for (size_t size = 16; size <= CST__POOL_MAX_BYTES; size += 16) {
        struct cst__pool pool;

        cst__pool_init(&pool, test_heap_allocator(heap));
        keep_many(heap, &pool, size);
        keep_many(heap, &pool, size);
        cst__pool_fini(&pool);
        assert_int_equal(heap->live_blocks, 0);
    }
}

static void a_failing_allocator_is_passed_on_and_changes_nothing(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;
    void *object;

    cst__pool_init(&pool, test_heap_allocator(heap));
    test_heap_fail_from(heap, 1);
    assert_null(cst__pool_alloc(&pool, 1));
    assert_null(cst__pool_alloc(&pool, CST__POOL_MAX_BYTES));
    assert_null(cst__pool_alloc(&pool, CST__POOL_MAX_BYTES + 1));
    test_heap_fail_never(heap);
    object = cst__pool_alloc(&pool, 1);
    assert_non_null(object);
    cst__pool_free(&pool, object, 1);
    cst__pool_fini(&pool);
    assert_int_equal(heap->live_blocks, 0);
}

static void sizes_near_the_end_of_a_size_t_are_passed_on_unchanged(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;
    static const size_t sizes[] = { SIZE_MAX,      SIZE_MAX - 1, SIZE_MAX - 15,
                                    SIZE_MAX - 16, SIZE_MAX / 2, TEST_HEAP_MAX_REQUEST + 1 };

    cst__pool_init(&pool, test_heap_allocator(heap));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_null(cst__pool_alloc(&pool, sizes[i]));
        assert_int_equal(heap->last_request, sizes[i]);
    }
    cst__pool_fini(&pool);
}

static void a_pool_serves_as_an_allocator(void **state)
{
    struct test_heap *heap = *state;
    struct cst__pool pool;
    const cst_allocator *allocator;
    void *object;

    cst__pool_init(&pool, test_heap_allocator(heap));
    allocator = cst__pool_allocator(&pool);
    for (int i = 0; i < 10; i++) {
        object = allocator->alloc(allocator->user, 96);
        assert_non_null(object);
        allocator->free(allocator->user, object, 96);
    }
#ifndef CST_NO_CACHE
    assert_int_equal(heap->calls, 1);
#endif
    cst__pool_fini(&pool);
    assert_int_equal(heap->live_blocks, 0);
}

static void without_a_cache_every_call_reaches_the_allocator(void **state)
{
#ifdef CST_NO_CACHE
    struct test_heap *heap = *state;
    struct cst__pool pool;

    cst__pool_init(&pool, test_heap_allocator(heap));
    for (size_t size = 1; size <= 100; size++) {
        void *object = cst__pool_alloc(&pool, size);

        assert_int_equal(heap->last_request, size);
        cst__pool_free(&pool, object, size);
        assert_int_equal(heap->live_blocks, 0);
    }
    assert_int_equal(heap->calls, 100);
    cst__pool_fini(&pool);
#else
    (void)state;
    skip();
#endif
}

#define HEAP_TEST(f) cmocka_unit_test_setup_teardown(f, test_heap_setup, test_heap_teardown)

static const struct CMUnitTest tests[] = {
    HEAP_TEST(a_pool_asks_for_nothing_before_it_is_asked),
    HEAP_TEST(what_was_freed_is_given_again_without_the_allocator),
    HEAP_TEST(every_size_is_writable_to_its_last_byte),
    HEAP_TEST(classes_do_not_mix),
    HEAP_TEST(large_objects_go_straight_to_the_allocator),
    HEAP_TEST(objects_of_the_largest_class_are_kept),
    HEAP_TEST(a_class_keeps_64_kib_and_no_more),
    HEAP_TEST(a_failing_allocator_is_passed_on_and_changes_nothing),
    HEAP_TEST(sizes_near_the_end_of_a_size_t_are_passed_on_unchanged),
    HEAP_TEST(a_pool_serves_as_an_allocator),
    HEAP_TEST(without_a_cache_every_call_reaches_the_allocator),
};

TEST_MAIN(tests)

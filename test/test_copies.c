/*
 * test_copies.c - copies of a few bytes that share a block.
 */
#include "main.h"

#include <string.h>

#include "bytes/copies.h"
#include "heap.h"

#ifdef CST_NO_CACHE
#define NEEDS_CACHE() skip()
#else
#define NEEDS_CACHE() ((void)0)
#endif

struct fixture {
    struct test_heap heap;
    struct cst__copies copies;
};

static int set_up(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    test_heap_init(&f.heap);
    f.copies.allocator = test_heap_allocator(&f.heap);
    *state = &f;
    return cst__block_cache_new(&f.copies.cache, f.copies.allocator, 4, 0) == CST_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cst__copies_fini(&f->copies);
    cst__block_cache_close(f->copies.cache);
    return f->heap.live_blocks == 0 ? 0 : -1;
}

static cst_slice copy(struct fixture *f, const char *text)
{
    cst_slice out;

    assert_int_equal(cst__copy(&out, &f->copies, text, strlen(text)), CST_OK);
    assert_int_equal(out.len, strlen(text));
    assert_memory_equal(out.data ? out.data : (const uint8_t *)"", text, out.len);
    return out;
}

static void small_copies_share_a_block(void **state)
{
    struct fixture *f = *state;
    cst_slice a, b;

    NEEDS_CACHE();
    a = copy(f, "abc");
    b = copy(f, "de");
    assert_ptr_equal(a.block, b.block);
    assert_ptr_equal(a.data + 3, b.data);
    assert_memory_equal(a.data, "abcde", 5);
    cst_slice_unref(&a);
    assert_memory_equal(b.data, "de", 2);
    cst_slice_unref(&b);
}

static void a_large_copy_has_a_block_of_its_own(void **state)
{
    struct fixture *f = *state;
    static char bytes[CST__COPIES_LARGEST + 1];
    cst_slice small, large, limit;

    NEEDS_CACHE();
    small = copy(f, "abc");
    assert_int_equal(cst__copy(&large, &f->copies, bytes, sizeof bytes), CST_OK);
    assert_int_equal(cst__copy(&limit, &f->copies, bytes, sizeof bytes - 1), CST_OK);
    assert_ptr_not_equal(large.block, small.block);
    assert_true(cst_slice_is_unique(&large));
    assert_ptr_equal(limit.block, small.block);
    cst_slice_unref(&small);
    cst_slice_unref(&large);
    cst_slice_unref(&limit);
}

static void nothing_is_no_copy(void **state)
{
    struct fixture *f = *state;
    cst_slice empty = copy(f, "");

    assert_null(empty.block);
    assert_int_equal(f->heap.live_blocks, 1);
}

static void steady_use_allocates_one_block(void **state)
{
    struct fixture *f = *state;

    NEEDS_CACHE();
    for (int i = 0; i < 10000; i++) {
        cst_slice slice = copy(f, "0123456789abcdef0123456789abcdef");

        cst_slice_unref(&slice);
    }
    assert_int_equal(f->heap.calls, 2);
}

static void copies_that_stay_keep_their_bytes(void **state)
{
    struct fixture *f = *state;
    static char bytes[CST__COPIES_LARGEST];
    cst_slice kept[100];

    for (int i = 0; i < 100; i++) {
        memset(bytes, i, sizeof bytes);
        assert_int_equal(cst__copy(&kept[i], &f->copies, bytes, sizeof bytes), CST_OK);
    }
    cst__copies_fini(&f->copies);
    for (int i = 0; i < 100; i++) {
        memset(bytes, i, sizeof bytes);
        assert_memory_equal(kept[i].data, bytes, sizeof bytes);
        cst_slice_unref(&kept[i]);
    }
}

static void without_memory_nothing_is_given(void **state)
{
    struct fixture *f = *state;
    cst_slice out = { .len = 9 };

    test_heap_fail_from(&f->heap, 1);
    assert_int_equal(cst__copy(&out, &f->copies, "abc", 3), CST_E_NOMEM);
    assert_int_equal(out.len, 9);
    test_heap_fail_never(&f->heap);
    out = copy(f, "abc");
    cst_slice_unref(&out);
}

/* The shared block's own reference is counted with atomics then. */
static void a_copy_may_be_shared_between_threads(void **state)
{
    struct fixture *f = *state;
    cst_slice a = copy(f, "abc"), b;

    cst_slice_share(&a);
    b = copy(f, "de");
    cst_slice_unref(&a);
    assert_memory_equal(b.data, "de", 2);
    cst_slice_unref(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(small_copies_share_a_block),
    TEST(a_large_copy_has_a_block_of_its_own),
    TEST(nothing_is_no_copy),
    TEST(steady_use_allocates_one_block),
    TEST(copies_that_stay_keep_their_bytes),
    TEST(without_memory_nothing_is_given),
    TEST(a_copy_may_be_shared_between_threads),
};

TEST_MAIN(tests)

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

static void each_length_is_copied_whole_by_the_short_way_and_no_byte_more(void **state)
{
    uint8_t from[CST__WORD_COPY_MOST], to[CST__WORD_COPY_MOST + 2];

    (void)state;
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i + 1);
    for (size_t len = 1; len <= sizeof from; len++) {
        memset(to, 0xEE, sizeof to);
        cst__word_copy(to + 1, from, len);
        assert_memory_equal(to + 1, from, len);
        assert_int_equal(to[0], 0xEE);
        for (size_t i = 1 + len; i < sizeof to; i++)
            assert_int_equal(to[i], 0xEE);
    }
}

static void a_block_has_a_reference_for_each_byte_that_it_can_hold(void **state)
{
    struct fixture *f = *state;
    static cst_slice kept[CST__COPIES_BLOCK];
    size_t calls;

    NEEDS_CACHE();
    for (size_t i = 0; i < CST__COPIES_BLOCK; i++) {
        const uint8_t byte = (uint8_t)(i % 251);

        assert_int_equal(cst__copy(&kept[i], &f->copies, &byte, 1), CST_OK);
        assert_ptr_equal(kept[i].block, kept[0].block);
    }
    calls = f->heap.calls;
    assert_int_equal(f->copies.left, 0);
    assert_int_equal(f->copies.refs, 1);
    for (size_t i = 0; i < CST__COPIES_BLOCK; i++) {
        assert_int_equal(*kept[i].data, i % 251);
        cst_slice_unref(&kept[i]);
    }
    kept[0] = copy(f, "again");
    assert_int_equal(f->heap.calls, calls);
    cst_slice_unref(&kept[0]);
}

static void the_last_copy_of_a_block_that_was_left_has_it_alone(void **state)
{
    struct fixture *f = *state;
    cst_slice first, last;

    NEEDS_CACHE();
    first = copy(f, "abc");
    last = copy(f, "de");
    cst_slice_unref(&first);
    assert_false(cst_slice_is_unique(&last));
    cst__copies_fini(&f->copies);
    assert_true(cst_slice_is_unique(&last));
    assert_memory_equal(last.data, "de", 2);
    cst_slice_unref(&last);
}

/* The references that no copy has yet go back with atomics then. */
static void a_copy_may_be_shared_between_threads(void **state)
{
    struct fixture *f = *state;
    cst_slice a, b;

    TEST_NEEDS_ATOMICS();
    a = copy(f, "abc");
    assert_int_equal(cst_slice_share(&a), CST_OK);
    b = copy(f, "de");
    cst_slice_unref(&a);
    cst__copies_fini(&f->copies);
    assert_memory_equal(b.data, "de", 2);
    assert_true(cst_slice_is_unique(&b));
    cst_slice_unref(&b);
    assert_int_equal(f->heap.live_blocks, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(small_copies_share_a_block),
    TEST(a_large_copy_has_a_block_of_its_own),
    TEST(nothing_is_no_copy),
    TEST(steady_use_allocates_one_block),
    TEST(copies_that_stay_keep_their_bytes),
    TEST(without_memory_nothing_is_given),
    TEST(each_length_is_copied_whole_by_the_short_way_and_no_byte_more),
    TEST(a_block_has_a_reference_for_each_byte_that_it_can_hold),
    TEST(the_last_copy_of_a_block_that_was_left_has_it_alone),
    TEST(a_copy_may_be_shared_between_threads),
};

TEST_MAIN(tests)

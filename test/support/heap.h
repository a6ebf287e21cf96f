/*
 * heap.h - an allocator for tests: it counts, fails on demand, and trusts nobody.
 *
 * Fresh and freed memory is filled with garbage, so that a read of either shows. A free that is not
 * right (another size than was asked for, a pointer that this heap did not give or has taken back)
 * prints a line and aborts.
 */
#ifndef CST_TEST_HEAP_H
#define CST_TEST_HEAP_H

#include <cstream/base.h>

/*
 * A request beyond this fails, as if memory were exhausted: a test of sizes near SIZE_MAX needs no
 * such machine.
 */
#define TEST_HEAP_MAX_REQUEST ((size_t)1 << 30)

#define TEST_HEAP_FRESH 0xA5
#define TEST_HEAP_FREED 0x5A

/*
 * Read the counts at will.
 *
 * live_blocks, live_bytes  what is out now
 * peak_bytes               the most that live_bytes has been
 * calls                    requests so far, failed ones included
 * failures                 requests that were answered with NULL
 * last_request             the size of the latest request
 */
struct test_heap {
    cst_allocator allocator;
    size_t live_blocks;
    size_t live_bytes;
    size_t peak_bytes;
    size_t calls;
    size_t failures;
    size_t last_request;
    size_t fail_at;
    bool fail_from_there;
};

void test_heap_init(struct test_heap *heap);
const cst_allocator *test_heap_allocator(struct test_heap *heap);

/* The n-th request from now (1 is the next) fails, once, or it and all that follow. */
void test_heap_fail_at(struct test_heap *heap, size_t n);
void test_heap_fail_from(struct test_heap *heap, size_t n);
void test_heap_fail_never(struct test_heap *heap);

/*
 * Fixtures for cmocka_unit_test_setup_teardown: *state is a fresh heap, and a test that leaves a
 * block behind fails.
 */
int test_heap_setup(void **state);
int test_heap_teardown(void **state);

#endif

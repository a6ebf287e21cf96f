/*
 * test_chain.c - the queue of slices: both ends, cuts, the array behind it, and its hot paths.
 */
#include "main.h"

#include <string.h>

#include <cstream/chain.h>

#include "base/pool.h"
#include "bytes/chain_internal.h"
#include "heap.h"

struct fixture {
    struct test_heap heap;
    cst_chain chain;
};

static int setup(void **state)
{
    static struct fixture fixture;

    test_heap_init(&fixture.heap);
    cst_chain_init(&fixture.chain, test_heap_allocator(&fixture.heap));
    *state = &fixture;
    return 0;
}

/* Every test may leave its chain filled; what fini leaves behind is a failure. */
static int teardown(void **state)
{
    struct fixture *f = *state;

    cst_chain_fini(&f->chain);
    return f->heap.live_blocks == 0 && f->heap.live_bytes == 0 ? 0 : -1;
}

static cst_slice new_copy(struct fixture *f, const char *text)
{
    cst_slice slice = { 0 };
    size_t len = strlen(text);

    assert_int_equal(cst_slice_copy(&slice, test_heap_allocator(&f->heap), text, len), CST_OK);
    return slice;
}

/* Words of a text, as static chunks: "ab cd" is two; a "-" is an empty one. */
static void append_words(struct fixture *f, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        assert_int_equal(
            cst_chain_append(&f->chain, cst_slice_static(text, *text == '-' ? 0 : len)), CST_OK);
        text += len;
        text += *text == ' ';
    }
}

/* What is in the chain, in the same form. */
static void assert_words(const cst_chain *chain, const char *text)
{
    const cst_slice *items = cst_chain_slices(chain);
    size_t count = 0;
    size_t bytes = 0;

    assert_true(cst__chain_is_valid(chain));
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        size_t item_len = *text == '-' ? 0 : len;

        assert_true(count < cst_chain_count(chain));
        assert_int_equal(items[count].len, item_len);
        if (item_len > 0)
            assert_memory_equal(items[count].data, text, item_len);
        count++;
        bytes += item_len;
        text += len;
        text += *text == ' ';
    }
    assert_int_equal(cst_chain_count(chain), count);
    assert_int_equal(cst_chain_bytes(chain), bytes);
}

/* --- the ordinary story ----------------------------------------------------------------------- */

static void an_empty_chain_holds_nothing_and_allocates_nothing(void **state)
{
    struct fixture *f = *state;
    cst_slice slice = { .len = 9 };
    char byte = 'x';

    assert_words(&f->chain, "");
    assert_null(cst_chain_slices(&f->chain));
    assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_EMPTY);
    assert_int_equal(slice.len, 9);
    cst_chain_consume(&f->chain, 5);
    assert_int_equal(cst_chain_copy(&byte, &f->chain, 1), 0);
    assert_int_equal(cst_chain_read(&slice, &f->chain, 1), CST_E_OUT_OF_RANGE);
    assert_int_equal(slice.len, 9);
    assert_int_equal(cst_chain_read(&slice, &f->chain, 0), CST_OK);
    assert_int_equal(slice.len, 0);
    assert_int_equal(f->heap.calls, 0);
}

static void chunks_come_out_in_the_order_they_went_in(void **state)
{
    struct fixture *f = *state;
    cst_slice slice;

    append_words(f, "a bc - def");
    assert_words(&f->chain, "a bc - def");
    assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
    assert_memory_equal(slice.data, "a", 1);
    assert_words(&f->chain, "bc - def");
    assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
    assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
    assert_int_equal(slice.len, 0);
    assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
    assert_memory_equal(slice.data, "def", 3);
    assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_EMPTY);
    assert_words(&f->chain, "");
}

static void prepended_chunks_come_out_first(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_chain_prepend(&f->chain, cst_slice_str("c")), CST_OK);
    append_words(f, "d e f");
    assert_int_equal(cst_chain_prepend(&f->chain, cst_slice_str("b")), CST_OK);
    assert_int_equal(cst_chain_prepend(&f->chain, cst_slice_str("a")), CST_OK);
    assert_words(&f->chain, "a b c d e f");
}

static void pop_moves_the_reference_out(void **state)
{
    struct fixture *f = *state;
    cst_slice slice;

    assert_int_equal(cst_chain_append(&f->chain, new_copy(f, "moved")), CST_OK);
    assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
    assert_true(cst_slice_is_unique(&slice));
    cst_slice_unref(&slice);
}

static void fini_lets_go_of_all_and_the_chain_can_be_used_again(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 100; i++)
        assert_int_equal(cst_chain_append(&f->chain, new_copy(f, "chunk")), CST_OK);
    cst_chain_fini(&f->chain);
    assert_int_equal(f->heap.live_blocks, 0);
    assert_words(&f->chain, "");
    append_words(f, "again");
    assert_words(&f->chain, "again");
    cst_chain_fini(&f->chain);
    cst_chain_fini(&f->chain);
    cst_chain_fini(NULL);
    assert_int_equal(f->heap.live_blocks, 0);
}

/* --- cuts ------------------------------------------------------------------------------------- */

static void consume_cuts_anywhere(void **state)
{
    struct fixture *f = *state;
    static const char *const left[] = { "ab - cde f", "b - cde f", "cde f", "de f",
                                        "e f",        "f",         "",      "" };

    for (size_t n = 0; n < sizeof left / sizeof left[0]; n++) {
        append_words(f, "ab - cde f");
        cst_chain_consume(&f->chain, n);
        assert_words(&f->chain, left[n]);
        cst_chain_consume(&f->chain, SIZE_MAX);
        assert_words(&f->chain, "");
    }
}

static void consume_drops_the_empty_chunks_before_the_cut(void **state)
{
    struct fixture *f = *state;

    append_words(f, "- - a - b -");
    cst_chain_consume(&f->chain, 0);
    assert_words(&f->chain, "a - b -");
    cst_chain_consume(&f->chain, 1);
    assert_words(&f->chain, "b -");
    cst_chain_consume(&f->chain, 1);
    assert_words(&f->chain, "");
}

static void consume_lets_go_of_what_it_drops(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_chain_append(&f->chain, new_copy(f, "abc")), CST_OK);
    assert_int_equal(cst_chain_append(&f->chain, new_copy(f, "def")), CST_OK);
    cst_chain_consume(&f->chain, 4);
    assert_int_equal(f->heap.live_blocks, 2);
    assert_words(&f->chain, "ef");
    cst_chain_consume(&f->chain, 2);
    assert_int_equal(f->heap.live_blocks, 1);
}

static void peek_copies_across_chunks_and_takes_nothing(void **state)
{
    struct fixture *f = *state;
    char bytes[8];

    append_words(f, "ab - cde f");
    for (size_t n = 0; n <= 8; n++) {
        size_t most = n < 6 ? n : 6;

        memset(bytes, '?', sizeof bytes);
        assert_int_equal(cst_chain_copy(bytes, &f->chain, n), most);
        assert_memory_equal(bytes, "abcdef", most);
        for (size_t i = most; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], '?');
    }
    assert_int_equal(cst_chain_copy(bytes, &f->chain, 0), 0);
    assert_int_equal(cst_chain_copy(NULL, &f->chain, 4), 0);
    assert_words(&f->chain, "ab - cde f");
}

static void read_within_one_chunk_copies_nothing(void **state)
{
    struct fixture *f = *state;
    cst_slice slice;
    cst_slice whole = new_copy(f, "abcdef");
    const uint8_t *data = whole.data;
    size_t calls;

    append_words(f, "-");
    assert_int_equal(cst_chain_append(&f->chain, whole), CST_OK);
    calls = f->heap.calls;
    assert_int_equal(cst_chain_read(&slice, &f->chain, 2), CST_OK);
    assert_ptr_equal(slice.data, data);
    assert_int_equal(slice.len, 2);
    cst_slice_unref(&slice);
    assert_words(&f->chain, "cdef");
    assert_int_equal(cst_chain_read(&slice, &f->chain, 4), CST_OK);
    assert_ptr_equal(slice.data, data + 2);
    assert_true(cst_slice_is_unique(&slice));
    assert_words(&f->chain, "");
    assert_int_equal(f->heap.calls, calls);
    cst_slice_unref(&slice);
}

static void read_across_chunks_joins(void **state)
{
    struct fixture *f = *state;
    cst_slice slice;

    append_words(f, "ab - cde f");
    assert_int_equal(cst_chain_read(&slice, &f->chain, 4), CST_OK);
    assert_int_equal(slice.len, 4);
    assert_memory_equal(slice.data, "abcd", 4);
    assert_int_equal(cst_slice_pinned_bytes(&slice), 4);
    assert_words(&f->chain, "e f");
    cst_slice_unref(&slice);
    assert_int_equal(cst_chain_read(&slice, &f->chain, 3), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_chain_read(&slice, &f->chain, SIZE_MAX), CST_E_OUT_OF_RANGE);
    assert_words(&f->chain, "e f");
}

static void reading_no_bytes_gives_the_empty_slice(void **state)
{
    struct fixture *f = *state;
    cst_slice slice = { .len = 9 };

    append_words(f, "ab");
    assert_int_equal(cst_chain_read(&slice, &f->chain, 0), CST_OK);
    assert_int_equal(slice.len, 0);
    assert_null(slice.block);
    assert_words(&f->chain, "ab");
}

static void read_without_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    cst_slice slice = { .len = 9 };

    append_words(f, "- ab - cde f");
    test_heap_fail_at(&f->heap, 1);
    assert_int_equal(cst_chain_read(&slice, &f->chain, 3), CST_E_NOMEM);
    assert_int_equal(slice.len, 9);
    assert_words(&f->chain, "- ab - cde f");
}

static void a_joined_block_comes_from_the_allocator_that_was_named(void **state)
{
    struct fixture *f = *state;
    struct test_heap blocks;
    cst_slice slice;
    size_t calls;

    test_heap_init(&blocks);
    append_words(f, "ab cd");
    calls = f->heap.calls;
    assert_int_equal(
        cst__row_read(&slice, &f->chain.row, &f->chain.bytes, 3, test_heap_allocator(&blocks)),
        CST_OK);
    assert_int_equal(f->heap.calls, calls);
    assert_int_equal(blocks.live_blocks, 1);
    cst_slice_unref(&slice);
    assert_int_equal(blocks.live_blocks, 0);
    assert_words(&f->chain, "d");
}

/* --- every code in the header ----------------------------------------------------------------- */

static void null_is_refused_and_the_chunk_is_taken(void **state)
{
    struct fixture *f = *state;
    cst_slice slice;

    assert_int_equal(cst_chain_append(NULL, new_copy(f, "abc")), CST_E_INVALID_ARG);
    assert_int_equal(cst_chain_prepend(NULL, new_copy(f, "abc")), CST_E_INVALID_ARG);
    assert_int_equal(f->heap.live_blocks, 0);
    append_words(f, "ab");
    assert_int_equal(cst_chain_pop(NULL, &f->chain), CST_E_INVALID_ARG);
    assert_int_equal(cst_chain_pop(&slice, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_chain_read(NULL, &f->chain, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_chain_read(&slice, NULL, 1), CST_E_INVALID_ARG);
    assert_words(&f->chain, "ab");
    assert_int_equal(cst_chain_bytes(NULL), 0);
    assert_int_equal(cst_chain_count(NULL), 0);
    assert_null(cst_chain_slices(NULL));
    assert_int_equal(cst_chain_copy(&slice, NULL, 1), 0);
    cst_chain_consume(NULL, 1);
    cst_chain_init(NULL, NULL);
}

static void a_chain_without_an_allocator_takes_nothing_in(void **state)
{
    struct fixture *f = *state;
    cst_chain chain;

    cst_chain_init(&chain, NULL);
    assert_int_equal(cst_chain_append(&chain, new_copy(f, "abc")), CST_E_INVALID_ARG);
    assert_int_equal(cst_chain_prepend(&chain, new_copy(f, "abc")), CST_E_INVALID_ARG);
    assert_words(&chain, "");
    cst_chain_fini(&chain);
    assert_int_equal(f->heap.live_blocks, 0);
}

static void a_byte_count_that_would_wrap_is_out_of_range(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_chain_append(&f->chain, cst_slice_static("a", SIZE_MAX - 2)), CST_OK);
    assert_int_equal(cst_chain_append(&f->chain, new_copy(f, "abc")), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_chain_prepend(&f->chain, new_copy(f, "abc")), CST_E_OUT_OF_RANGE);
    assert_int_equal(f->heap.live_blocks, 1);
    assert_int_equal(cst_chain_append(&f->chain, new_copy(f, "ab")), CST_OK);
    assert_int_equal(cst_chain_bytes(&f->chain), SIZE_MAX);
    assert_int_equal(cst_chain_append(&f->chain, new_copy(f, "a")), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_chain_append(&f->chain, cst_slice_empty()), CST_OK);
    cst_chain_consume(&f->chain, SIZE_MAX - 1);
    assert_words(&f->chain, "b -");
}

static void a_count_that_would_wrap_is_out_of_memory(void **state)
{
    struct fixture *f = *state;
    cst_slice item = { 0 };
    static const uint32_t caps[] = { UINT32_MAX / 2 + 1, UINT32_MAX / 2 + 2, UINT32_MAX };

    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        const cst_allocator *allocator = test_heap_allocator(&f->heap);
        cst_chain_row full = { .items = &item, .count = caps[i], .cap = caps[i] };
        cst_chain_row before = full;

        assert_int_equal(cst__row_reserve(&full, allocator), CST_E_NOMEM);
        assert_int_equal(cst__row_reserve_front(&full, allocator), CST_E_NOMEM);
        assert_memory_equal(&full, &before, sizeof full);
        assert_int_equal(f->heap.calls, 0);
    }
}

static void an_array_is_never_asked_for_with_a_size_that_wrapped(void **state)
{
    struct fixture *f = *state;
    cst_slice item = { 0 };
    cst_chain_row large = { .items = &item, .count = UINT32_MAX / 2, .cap = UINT32_MAX / 2 };

    assert_int_equal(cst__row_reserve(&large, test_heap_allocator(&f->heap)), CST_E_NOMEM);
    if (f->heap.calls > 0)
        assert_int_equal(f->heap.last_request / sizeof item, UINT32_MAX - 1);
}

static void each_allocation_may_fail_and_the_chain_stays_as_it_was(void **state)
{
    struct fixture *f = *state;
    size_t grown = 0;

    for (size_t i = 0; i < 200; i++) {
        cst_slice chunk = new_copy(f, "x");
        size_t bytes = cst_chain_bytes(&f->chain);
        cst_status status;

        test_heap_fail_at(&f->heap, 1);
        status = i % 2 == 0 ? cst_chain_append(&f->chain, cst_slice_ref(&chunk))
                            : cst_chain_prepend(&f->chain, cst_slice_ref(&chunk));
        test_heap_fail_never(&f->heap);
        assert_true(cst__chain_is_valid(&f->chain));
        if (status == CST_E_NOMEM) {
            grown++;
            assert_int_equal(cst_chain_bytes(&f->chain), bytes);
            assert_true(cst_slice_is_unique(&chunk));
            status = cst_chain_append(&f->chain, cst_slice_ref(&chunk));
        }
        assert_int_equal(status, CST_OK);
        assert_int_equal(cst_chain_bytes(&f->chain), bytes + 1);
        cst_slice_unref(&chunk);
    }
    assert_true(grown > 0);
    assert_int_equal(cst_chain_count(&f->chain), 200);
}

/* --- the array -------------------------------------------------------------------------------- */

static void a_queue_that_stays_short_allocates_once(void **state)
{
    struct fixture *f = *state;
    cst_slice slice;

    for (int i = 0; i < 1000; i++) {
        append_words(f, "a");
        if (i > 0)
            assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
        assert_true(cst__chain_is_valid(&f->chain));
    }
    assert_int_equal(f->heap.calls, 1);
    assert_int_equal(f->heap.last_request, CST__ROW_FIRST_CAP * sizeof(cst_slice));
}

static void an_array_doubles(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4096; i++)
        assert_int_equal(cst_chain_append(&f->chain, cst_slice_str("a")), CST_OK);
    assert_int_equal(f->heap.calls, 11);
    assert_int_equal(f->heap.live_bytes, 4096 * sizeof(cst_slice));
}

static void prepends_double_too(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4096; i++)
        assert_int_equal(cst_chain_prepend(&f->chain, cst_slice_str("a")), CST_OK);
    assert_true(f->heap.calls <= 13);
    assert_true(cst__chain_is_valid(&f->chain));
    assert_int_equal(cst_chain_count(&f->chain), 4096);
}

/* Moves are seen by where the items are; one at every second push would be quadratic. */
static void pushes_at_both_ends_seldom_move_the_items(void **state)
{
    struct fixture *f = *state;
    size_t moves = 0;
    cst_slice slice;

    for (int i = 0; i < 1024; i++)
        assert_int_equal(cst_chain_append(&f->chain, cst_slice_str("a")), CST_OK);
    for (int i = 0; i < 512; i++)
        assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
    for (int i = 0; i < 10000; i++) {
        const cst_slice *before = cst_chain_slices(&f->chain);

        if (i % 2 == 0) {
            assert_int_equal(cst_chain_prepend(&f->chain, cst_slice_str("a")), CST_OK);
            moves += cst_chain_slices(&f->chain) != before - 1;
        } else {
            assert_int_equal(cst_chain_append(&f->chain, cst_slice_str("b")), CST_OK);
            moves += cst_chain_slices(&f->chain) != before;
            before = cst_chain_slices(&f->chain);
            assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
            assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
        }
    }
    assert_true(moves < 200);
}

static void a_long_queue_seldom_moves_its_items(void **state)
{
    struct fixture *f = *state;
    size_t moves = 0;
    cst_slice slice;

    for (int i = 0; i < 1024; i++)
        assert_int_equal(cst_chain_append(&f->chain, cst_slice_str("a")), CST_OK);
    for (int i = 0; i < 10000; i++) {
        const cst_slice *second = cst_chain_slices(&f->chain) + 1;

        assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
        assert_int_equal(cst_chain_append(&f->chain, cst_slice_str("a")), CST_OK);
        moves += cst_chain_slices(&f->chain) != second;
    }
    assert_true(moves < 20);
}

static void prepends_after_a_move_to_the_beginning_find_room(void **state)
{
    static const char text[1025];
    struct fixture *f = *state;
    size_t moves = 0;
    cst_slice slice;

    for (int i = 0; i < 1024; i++)
        assert_int_equal(cst_chain_append(&f->chain, cst_slice_static(&text[i], 1)), CST_OK);
    for (int i = 0; i < 600; i++)
        assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
    assert_int_equal(cst_chain_append(&f->chain, cst_slice_static(&text[1024], 1)), CST_OK);
    for (int i = 599; i >= 400; i--) {
        const cst_slice *before = cst_chain_slices(&f->chain);

        assert_int_equal(cst_chain_prepend(&f->chain, cst_slice_static(&text[i], 1)), CST_OK);
        moves += cst_chain_slices(&f->chain) != before - 1;
    }
    assert_int_equal(moves, 1);
    for (int i = 400; i <= 1024; i++) {
        assert_int_equal(cst_chain_pop(&slice, &f->chain), CST_OK);
        assert_ptr_equal(slice.data, &text[i]);
    }
}

static void the_array_may_come_from_a_pool(void **state)
{
    struct fixture *f = *state;
    struct cst__pool pool;
    cst_chain chain;

    cst__pool_init(&pool, test_heap_allocator(&f->heap));
    for (int round = 0; round < 10; round++) {
        cst_chain_init(&chain, cst__pool_allocator(&pool));
        for (int i = 0; i < 20; i++)
            assert_int_equal(cst_chain_append(&chain, cst_slice_str("a")), CST_OK);
        cst_chain_fini(&chain);
    }
#ifndef CST_NO_CACHE
    assert_int_equal(f->heap.calls, 4);
#endif
    cst__pool_fini(&pool);
    assert_int_equal(f->heap.live_blocks, 0);
}

/* --- hot paths -------------------------------------------------------------------------------- */

static void the_hot_paths_keep_the_invariants(void **state)
{
    struct fixture *f = *state;
    cst_chain_row *row = &f->chain.row;
    const cst_allocator *allocator = test_heap_allocator(&f->heap);
    cst_slice chunk = cst_slice_str("ab");
    cst_slice first = cst_slice_str("a");

    assert_int_equal(cst__row_reserve(row, allocator), CST_OK);
    assert_int_equal(row->cap, 4);
    for (int i = 0; i < 4; i++)
        cst__row_push(row, &chunk);
    f->chain.bytes = 8;
    assert_words(&f->chain, "ab ab ab ab");
    assert_int_equal(cst__row_reserve_front(row, allocator), CST_OK);
    cst__row_unshift(row, &first);
    f->chain.bytes = 9;
    assert_words(&f->chain, "a ab ab ab ab");
    assert_ptr_equal(cst__row_front(row)->data, first.data);
    for (size_t left = 5; left > 0; left--) {
        assert_int_equal(cst__row_shift(row).len, left == 5 ? 1 : 2);
        assert_true(cst__row_is_valid(row));
    }
    f->chain.bytes = 0;
    assert_int_equal(f->chain.row.head, 0);
}

static void validity_is_recounted(void **state)
{
    struct fixture *f = *state;
    cst_chain wrong;

    append_words(f, "ab cd");
    wrong = f->chain;
    wrong.bytes++;
    assert_false(cst__chain_is_valid(&wrong));
    wrong = f->chain;
    wrong.row.count = wrong.row.cap + 1;
    assert_false(cst__chain_is_valid(&wrong));
    wrong = f->chain;
    wrong.row.head = wrong.row.cap + 1;
    assert_false(cst__chain_is_valid(&wrong));
    wrong = f->chain;
    wrong.row.items = NULL;
    assert_false(cst__chain_is_valid(&wrong));
    wrong = f->chain;
    wrong.row.count = 0;
    assert_false(cst__chain_is_valid(&wrong));
}

/* --- a callback that changes the chain -------------------------------------------------------- */

static void append_again(const void *data, size_t len, void *arg)
{
    cst_chain *chain = arg;

    assert_true(cst__chain_is_valid(chain));
    assert_int_equal(cst_chain_append(chain, cst_slice_static(data, len)), CST_OK);
}

static void a_release_callback_may_use_the_chain(void **state)
{
    struct fixture *f = *state;
    const cst_allocator *allocator = test_heap_allocator(&f->heap);
    cst_slice slice;

    assert_int_equal(cst_slice_foreign(&slice, allocator, "abc", 3, append_again, &f->chain),
                     CST_OK);
    assert_int_equal(cst_chain_append(&f->chain, slice), CST_OK);
    cst_chain_consume(&f->chain, 3);
    assert_words(&f->chain, "abc");
    assert_int_equal(cst_slice_foreign(&slice, allocator, "def", 3, append_again, &f->chain),
                     CST_OK);
    assert_int_equal(cst_chain_append(&f->chain, slice), CST_OK);
    cst_chain_fini(&f->chain);
    assert_words(&f->chain, "");
    assert_int_equal(f->heap.live_blocks, 0);
}

static void read_on(const void *data, size_t len, void *arg)
{
    struct fixture *f = arg;
    cst_slice next;

    (void)data;
    (void)len;
    assert_int_equal(cst_chain_read(&next, &f->chain, 2), CST_OK);
    assert_memory_equal(next.data, "fg", 2);
    cst_slice_unref(&next);
}

/* It is called when all is read: else it would get bytes that the read has taken, and the read
 * would drop others. */
static void a_release_callback_may_read_on(void **state)
{
    struct fixture *f = *state;
    cst_slice slice, taken;

    assert_int_equal(cst_slice_foreign(&slice, test_heap_allocator(&f->heap), "abc", 3, read_on, f),
                     CST_OK);
    assert_int_equal(cst_chain_append(&f->chain, slice), CST_OK);
    append_words(f, "def ghij");
    assert_int_equal(cst_chain_read(&taken, &f->chain, 5), CST_OK);
    assert_memory_equal(taken.data, "abcde", 5);
    cst_slice_unref(&taken);
    assert_words(&f->chain, "hij");
}

/* --- a random program against a model --------------------------------------------------------- */

enum { MODEL_MAX = 4096, STEPS = 40000 };

/* The chain as plain bytes. Chunk bounds are checked by what pop gives. */
struct model {
    struct fixture *f;
    uint8_t bytes[MODEL_MAX];
    size_t len;
    uint32_t seed;
    uint8_t next;
};

static uint32_t next_random(struct model *model, uint32_t below)
{
    model->seed ^= model->seed << 13;
    model->seed ^= model->seed >> 17;
    model->seed ^= model->seed << 5;
    return model->seed % below;
}

static void drop_front(struct model *model, size_t n)
{
    memmove(model->bytes, &model->bytes[n], model->len - n);
    model->len -= n;
}

static cst_slice random_chunk(struct model *model)
{
    uint8_t bytes[64];
    size_t len = next_random(model, 8) == 0 ? 0 : next_random(model, sizeof bytes + 1);
    cst_slice chunk;

    for (size_t i = 0; i < len; i++)
        bytes[i] = model->next++;
    assert_int_equal(cst_slice_copy(&chunk, test_heap_allocator(&model->f->heap), bytes, len),
                     CST_OK);
    return chunk;
}

static void push_chunk(struct model *model)
{
    cst_slice chunk = random_chunk(model);
    size_t len = chunk.len;

    if (len > MODEL_MAX - model->len) {
        cst_slice_unref(&chunk);
    } else if (next_random(model, 4) == 0) {
        memmove(&model->bytes[len], model->bytes, model->len);
        if (len > 0)
            memcpy(model->bytes, chunk.data, len);
        model->len += len;
        assert_int_equal(cst_chain_prepend(&model->f->chain, chunk), CST_OK);
    } else {
        if (len > 0)
            memcpy(&model->bytes[model->len], chunk.data, len);
        model->len += len;
        assert_int_equal(cst_chain_append(&model->f->chain, chunk), CST_OK);
    }
}

static void take_out(struct model *model, bool whole)
{
    cst_chain *chain = &model->f->chain;
    size_t n = next_random(model, 200);
    cst_slice slice = { 0 };
    cst_status status = whole ? cst_chain_pop(&slice, chain) : cst_chain_read(&slice, chain, n);

    if (whole)
        assert_true(status == CST_OK || (status == CST_EMPTY && model->len == 0));
    else
        assert_int_equal(status, n <= model->len ? CST_OK : CST_E_OUT_OF_RANGE);
    if (status != CST_OK)
        return;
    assert_true(whole || slice.len == n);
    assert_true(slice.len <= model->len);
    if (slice.len > 0)
        assert_memory_equal(slice.data, model->bytes, slice.len);
    drop_front(model, slice.len);
    cst_slice_unref(&slice);
}

static void consume_some(struct model *model)
{
    size_t n = next_random(model, 300);

    cst_chain_consume(&model->f->chain, n);
    drop_front(model, n < model->len ? n : model->len);
}

static void assert_model(struct model *model)
{
    uint8_t bytes[MODEL_MAX];

    assert_true(cst__chain_is_valid(&model->f->chain));
    assert_int_equal(cst_chain_bytes(&model->f->chain), model->len);
    assert_int_equal(cst_chain_copy(bytes, &model->f->chain, sizeof bytes), model->len);
    assert_memory_equal(bytes, model->bytes, model->len);
}

static void random_use_loses_repeats_and_reorders_no_byte(void **state)
{
    struct fixture *f = *state;
    struct model model = { .f = f, .seed = 4711 };

    for (int i = 0; i < STEPS; i++) {
        switch (next_random(&model, 8)) {
        case 0:
            take_out(&model, true);
            break;
        case 1:
            take_out(&model, false);
            break;
        case 2:
            consume_some(&model);
            break;
        default:
            push_chunk(&model);
            break;
        }
        assert_model(&model);
    }
    cst_chain_consume(&f->chain, SIZE_MAX);
    assert_int_equal(f->heap.live_blocks, 1);
}

static void a_row_gives_the_references_of_neighbours_back_together(void **state)
{
    struct fixture *f = *state;
    const cst_allocator *allocator = test_heap_allocator(&f->heap);
    cst_chain_row row = { .spare = 7 };
    cst_slice a = new_copy(f, "a"), b = new_copy(f, "b");
    const cst_slice literal = cst_slice_str("c");
    const cst_slice *order[] = { &a, &a, &b, &literal, &literal, &a, &b, &b };

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        cst_slice item = cst_slice_ref(order[i]);

        assert_int_equal(cst__row_reserve(&row, allocator), CST_OK);
        cst__row_push(&row, &item);
    }
    cst_slice_unref(&a);
    assert_int_equal(f->heap.live_blocks, 3);
    cst__row_drop_all(&row);
    assert_int_equal(row.count, 0);
    assert_int_equal(row.spare, 7);
    assert_true(row.cap >= 8);
    assert_int_equal(f->heap.live_blocks, 2);
    assert_true(cst_slice_is_unique(&b));
    cst_slice_unref(&b);
    cst__row_drop_all(&row);
    cst__row_fini(&row, allocator);
}

#define CHAIN_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
    CHAIN_TEST(an_empty_chain_holds_nothing_and_allocates_nothing),
    CHAIN_TEST(chunks_come_out_in_the_order_they_went_in),
    CHAIN_TEST(prepended_chunks_come_out_first),
    CHAIN_TEST(pop_moves_the_reference_out),
    CHAIN_TEST(fini_lets_go_of_all_and_the_chain_can_be_used_again),
    CHAIN_TEST(consume_cuts_anywhere),
    CHAIN_TEST(consume_drops_the_empty_chunks_before_the_cut),
    CHAIN_TEST(consume_lets_go_of_what_it_drops),
    CHAIN_TEST(peek_copies_across_chunks_and_takes_nothing),
    CHAIN_TEST(read_within_one_chunk_copies_nothing),
    CHAIN_TEST(read_across_chunks_joins),
    CHAIN_TEST(reading_no_bytes_gives_the_empty_slice),
    CHAIN_TEST(read_without_memory_changes_nothing),
    CHAIN_TEST(a_joined_block_comes_from_the_allocator_that_was_named),
    CHAIN_TEST(null_is_refused_and_the_chunk_is_taken),
    CHAIN_TEST(a_chain_without_an_allocator_takes_nothing_in),
    CHAIN_TEST(a_byte_count_that_would_wrap_is_out_of_range),
    CHAIN_TEST(a_count_that_would_wrap_is_out_of_memory),
    CHAIN_TEST(an_array_is_never_asked_for_with_a_size_that_wrapped),
    CHAIN_TEST(each_allocation_may_fail_and_the_chain_stays_as_it_was),
    CHAIN_TEST(a_queue_that_stays_short_allocates_once),
    CHAIN_TEST(an_array_doubles),
    CHAIN_TEST(prepends_double_too),
    CHAIN_TEST(pushes_at_both_ends_seldom_move_the_items),
    CHAIN_TEST(a_long_queue_seldom_moves_its_items),
    CHAIN_TEST(prepends_after_a_move_to_the_beginning_find_room),
    CHAIN_TEST(the_array_may_come_from_a_pool),
    CHAIN_TEST(the_hot_paths_keep_the_invariants),
    CHAIN_TEST(validity_is_recounted),
    CHAIN_TEST(a_release_callback_may_use_the_chain),
    CHAIN_TEST(a_release_callback_may_read_on),
    CHAIN_TEST(random_use_loses_repeats_and_reorders_no_byte),
    CHAIN_TEST(a_row_gives_the_references_of_neighbours_back_together),
};

TEST_MAIN(tests)

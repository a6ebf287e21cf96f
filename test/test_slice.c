/*
 * test_slice.c - slices, buffers and the blocks behind them.
 */
#include "main.h"

#include <stdlib.h>
#include <string.h>
/* Not <threads.h>, which ThreadSanitizer does not know. */
#ifdef __unix__
#include <pthread.h>
#endif

#include <cstream/slice.h>

#include "bytes/block.h"
#include "heap.h"

static cst_slice new_copy(struct test_heap *heap, const char *text)
{
    cst_slice slice = { 0 };

    assert_int_equal(cst_slice_copy(&slice, test_heap_allocator(heap), text, strlen(text)), CST_OK);
    return slice;
}

static void assert_bytes(const cst_slice *slice, const char *text)
{
    assert_int_equal(slice->len, strlen(text));
    if (slice->len > 0)
        assert_memory_equal(slice->data, text, slice->len);
}

static void assert_is_empty(const cst_slice *slice)
{
    assert_null(slice->data);
    assert_int_equal(slice->len, 0);
    assert_null(slice->block);
}

/* What a release callback was given, and how often. */
struct release_note {
    const void *data;
    size_t len;
    int calls;
};

static void note_release(const void *data, size_t len, void *arg)
{
    struct release_note *note = arg;

    note->data = data;
    note->len = len;
    note->calls++;
}

/* --- making bytes ----------------------------------------------------------------------------- */

static void empty_slices_own_nothing(void **state)
{
    cst_slice slice = cst_slice_empty();

    (void)state;
    assert_is_empty(&slice);
    assert_int_equal(cst_slice_pinned_bytes(&slice), 0);
    assert_false(cst_slice_is_unique(&slice));
    cst_slice_unref(&slice);
    assert_is_empty(&slice);
}

static void static_bytes_are_looked_at_where_they_are(void **state)
{
    static const char text[] = "static";
    cst_slice slice = cst_slice_static(text, 6);
    cst_slice other = cst_slice_ref(&slice);

    (void)state;
    assert_ptr_equal(slice.data, text);
    assert_null(slice.block);
    assert_ptr_equal(other.data, text);
    assert_int_equal(cst_slice_pinned_bytes(&slice), 0);
    assert_false(cst_slice_is_unique(&slice));
    slice = cst_slice_str(text);
    assert_bytes(&slice, "static");
}

static void static_null_is_the_empty_slice(void **state)
{
    cst_slice slice = cst_slice_str(NULL);

    (void)state;
    assert_is_empty(&slice);
    slice = cst_slice_static(NULL, 10);
    assert_is_empty(&slice);
    slice = cst_slice_str("");
    assert_int_equal(slice.len, 0);
}

static void a_copy_does_not_follow_the_original(void **state)
{
    struct test_heap *heap = *state;
    char text[] = "copy";
    cst_slice slice = new_copy(heap, text);

    text[0] = 'X';
    assert_bytes(&slice, "copy");
    assert_int_equal(heap->live_blocks, 1);
    assert_int_equal(cst_slice_pinned_bytes(&slice), 4);
    cst_slice_unref(&slice);
    assert_is_empty(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

static void a_copy_of_nothing_allocates_nothing(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = { .len = 9 };

    assert_int_equal(cst_slice_copy(&slice, test_heap_allocator(heap), NULL, 0), CST_OK);
    assert_is_empty(&slice);
    assert_int_equal(heap->calls, 0);
}

static void copy_refuses_wrong_arguments(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    cst_slice slice = { .len = 9 };

    assert_int_equal(cst_slice_copy(NULL, allocator, "a", 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_copy(&slice, NULL, "a", 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_copy(&slice, allocator, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(slice.len, 9);
    assert_int_equal(heap->calls, 0);
}

static void sizes_near_the_end_of_a_size_t_are_out_of_memory(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    static const size_t sizes[] = { SIZE_MAX,
                                    SIZE_MAX - 1,
                                    SIZE_MAX - sizeof(cst_block) + 1,
                                    SIZE_MAX - sizeof(cst_block),
                                    SIZE_MAX / 2,
                                    SIZE_MAX / 2 + 1 };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cst_slice slice = { .len = 9 };
        cst_buf buf = { .cap = 9 };

        assert_int_equal(cst_slice_copy(&slice, allocator, "a", sizes[i]), CST_E_NOMEM);
        assert_int_equal(cst_buf_new(&buf, allocator, sizes[i]), CST_E_NOMEM);
        assert_int_equal(slice.len, 9);
        assert_int_equal(buf.cap, 9);
        /* Either the sum was refused before the allocator was asked, or it is right. */
        if (heap->calls > 0)
            assert_int_equal(heap->last_request, sizes[i] + sizeof(cst_block));
        heap->calls = 0;
    }
}

static void foreign_memory_goes_back_once_with_the_last_slice(void **state)
{
    struct test_heap *heap = *state;
    struct release_note note = { 0 };
    char text[] = "foreign";
    cst_slice slice;
    cst_slice view;

    assert_int_equal(
        cst_slice_foreign(&slice, test_heap_allocator(heap), text, 7, note_release, &note), CST_OK);
    assert_ptr_equal(slice.data, text);
    assert_int_equal(cst_slice_pinned_bytes(&slice), 7);
    assert_true(cst_slice_is_unique(&slice));
    view = cst_slice_sub(&slice, 3, 2);
    cst_slice_unref(&slice);
    assert_int_equal(note.calls, 0);
    assert_bytes(&view, "ei");
    assert_int_equal(cst_slice_pinned_bytes(&view), 7);
    cst_slice_unref(&view);
    assert_int_equal(note.calls, 1);
    assert_ptr_equal(note.data, text);
    assert_int_equal(note.len, 7);
    assert_int_equal(heap->live_blocks, 0);
}

static void foreign_memory_may_need_no_release(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice;

    assert_int_equal(cst_slice_foreign(&slice, test_heap_allocator(heap), "abc", 3, NULL, NULL),
                     CST_OK);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

static void foreign_memory_of_no_bytes_is_released_as_well(void **state)
{
    struct test_heap *heap = *state;
    struct release_note note = { 0 };
    cst_slice slice;
    cst_slice first;

    assert_int_equal(
        cst_slice_foreign(&slice, test_heap_allocator(heap), NULL, 0, note_release, &note), CST_OK);
    first = cst_slice_split_to(&slice, 0);
    assert_is_empty(&slice);
    assert_int_equal(note.calls, 0);
    slice = cst_slice_split_off(&first, 0);
    assert_is_empty(&slice);
    cst_slice_unref(&first);
    assert_int_equal(note.calls, 1);
    assert_int_equal(heap->live_blocks, 0);
}

static void foreign_refuses_wrong_arguments_and_releases_nothing(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    struct release_note note = { 0 };
    cst_slice slice = { .len = 9 };

    assert_int_equal(cst_slice_foreign(NULL, allocator, "a", 1, note_release, &note),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_foreign(&slice, NULL, "a", 1, note_release, &note),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_foreign(&slice, allocator, NULL, 1, note_release, &note),
                     CST_E_INVALID_ARG);
    test_heap_fail_at(heap, 1);
    assert_int_equal(cst_slice_foreign(&slice, allocator, "a", 1, note_release, &note),
                     CST_E_NOMEM);
    assert_int_equal(slice.len, 9);
    assert_int_equal(note.calls, 0);
}

/* The slice is emptied before the callback runs, and the header has gone back. */
struct owner {
    cst_slice slice;
    struct test_heap *heap;
    bool was_empty;
    size_t live_blocks;
};

static void look_at_owner(const void *data, size_t len, void *arg)
{
    struct owner *owner = arg;

    (void)data;
    (void)len;
    owner->was_empty = owner->slice.block == NULL && owner->slice.len == 0;
    owner->live_blocks = owner->heap->live_blocks;
    cst_slice_unref(&owner->slice);
}

static void a_release_callback_finds_the_slice_empty_and_the_header_gone(void **state)
{
    struct test_heap *heap = *state;
    struct owner owner = { .heap = heap, .live_blocks = 99 };

    assert_int_equal(
        cst_slice_foreign(&owner.slice, test_heap_allocator(heap), "abc", 3, look_at_owner, &owner),
        CST_OK);
    cst_slice_unref(&owner.slice);
    assert_true(owner.was_empty);
    assert_int_equal(owner.live_blocks, 0);
}

static void concat_joins_in_order(void **state)
{
    struct test_heap *heap = *state;
    cst_slice list[5] = { cst_slice_empty(), cst_slice_str("The "), cst_slice_empty(),
                          new_copy(heap, "quick "), cst_slice_str("fox") };
    cst_slice joined;

    assert_int_equal(cst_slice_concat(&joined, test_heap_allocator(heap), list, 5), CST_OK);
    assert_bytes(&joined, "The quick fox");
    assert_int_equal(cst_slice_pinned_bytes(&joined), 13);
    cst_slice_unref(&list[3]);
    assert_bytes(&joined, "The quick fox");
    cst_slice_unref(&joined);
    assert_int_equal(heap->live_blocks, 0);
}

static void concat_of_one_is_a_reference(void **state)
{
    struct test_heap *heap = *state;
    cst_slice list[3] = { cst_slice_str(""), new_copy(heap, "alone"), cst_slice_empty() };
    cst_slice joined;

    assert_int_equal(cst_slice_concat(&joined, test_heap_allocator(heap), list, 3), CST_OK);
    assert_ptr_equal(joined.data, list[1].data);
    assert_false(cst_slice_is_unique(&joined));
    assert_int_equal(heap->calls, 1);
    cst_slice_unref(&joined);
    cst_slice_unref(&list[1]);
    assert_int_equal(heap->live_blocks, 0);
}

static void concat_of_nothing_is_empty(void **state)
{
    struct test_heap *heap = *state;
    cst_slice list[2] = { cst_slice_str(""), cst_slice_empty() };
    cst_slice joined = { .len = 9 };

    assert_int_equal(cst_slice_concat(&joined, test_heap_allocator(heap), NULL, 0), CST_OK);
    assert_is_empty(&joined);
    joined.len = 9;
    assert_int_equal(cst_slice_concat(&joined, test_heap_allocator(heap), list, 2), CST_OK);
    assert_is_empty(&joined);
    assert_int_equal(heap->calls, 0);
}

static void concat_refuses_wrong_arguments_and_sums_that_wrap(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    cst_slice joined = { .len = 9 };
    cst_slice list[3] = { cst_slice_static("a", SIZE_MAX / 2 + 1),
                          cst_slice_static("a", SIZE_MAX / 2), cst_slice_static("a", 1) };

    assert_int_equal(cst_slice_concat(NULL, allocator, list, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_concat(&joined, NULL, list, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_concat(&joined, allocator, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_concat(&joined, allocator, list, 3), CST_E_NOMEM);
    assert_int_equal(cst_slice_concat(&joined, allocator, list, 2), CST_E_NOMEM);
    assert_int_equal(joined.len, 9);
    assert_int_equal(heap->calls, 0);
}

static void concat_without_memory_leaves_the_list_alone(void **state)
{
    struct test_heap *heap = *state;
    cst_slice list[2] = { new_copy(heap, "a"), new_copy(heap, "b") };
    cst_slice joined = { .len = 9 };

    test_heap_fail_at(heap, 1);
    assert_int_equal(cst_slice_concat(&joined, test_heap_allocator(heap), list, 2), CST_E_NOMEM);
    assert_int_equal(joined.len, 9);
    assert_true(cst_slice_is_unique(&list[0]));
    cst_slice_unref(&list[0]);
    cst_slice_unref(&list[1]);
    assert_int_equal(heap->live_blocks, 0);
}

/* --- references and views --------------------------------------------------------------------- */

static void the_block_goes_with_the_last_reference(void **state)
{
    struct test_heap *heap = *state;
    cst_slice a = new_copy(heap, "abc");
    cst_slice b;

    assert_true(cst_slice_is_unique(&a));
    b = cst_slice_ref(&a);
    assert_false(cst_slice_is_unique(&a));
    assert_ptr_equal(a.data, b.data);
    cst_slice_unref(&a);
    assert_int_equal(heap->live_blocks, 1);
    assert_true(cst_slice_is_unique(&b));
    cst_slice_unref(&b);
    assert_int_equal(heap->live_blocks, 0);
}

static void null_counts_as_the_empty_slice(void **state)
{
    cst_slice slice = cst_slice_ref(NULL);
    cst_slice empty = cst_slice_empty();

    (void)state;
    assert_is_empty(&slice);
    cst_slice_unref(NULL);
    slice = cst_slice_sub(NULL, 0, 1);
    assert_is_empty(&slice);
    slice = cst_slice_split_to(NULL, 1);
    assert_is_empty(&slice);
    slice = cst_slice_split_off(NULL, 1);
    assert_is_empty(&slice);
    assert_true(cst_slice_equals(NULL, NULL));
    assert_true(cst_slice_equals(NULL, &empty));
    assert_int_equal(cst_slice_pinned_bytes(NULL), 0);
    assert_false(cst_slice_is_unique(NULL));
}

static void sub_clamps_as_subarray_does(void **state)
{
    struct test_heap *heap = *state;
    static const size_t indices[] = { 0, 1, 2, 5, 6, 7, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX };
    cst_slice slice = new_copy(heap, "abcdef");

    for (size_t i = 0; i < sizeof indices / sizeof indices[0]; i++) {
        for (size_t k = 0; k < sizeof indices / sizeof indices[0]; k++) {
            size_t from = indices[i] < 6 ? indices[i] : 6;
            size_t len = indices[k] < 6 - from ? indices[k] : 6 - from;
            cst_slice view = cst_slice_sub(&slice, indices[i], indices[k]);

            assert_int_equal(view.len, len);
            if (len > 0)
                assert_ptr_equal(view.data, slice.data + from);
            assert_ptr_equal(view.block, len > 0 ? slice.block : NULL);
            cst_slice_unref(&view);
        }
    }
    assert_true(cst_slice_is_unique(&slice));
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

static void split_to_moves_the_first_bytes_out(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "abcdef");
    cst_slice first = cst_slice_split_to(&slice, 2);

    assert_bytes(&first, "ab");
    assert_bytes(&slice, "cdef");
    cst_slice_unref(&first);
    first = cst_slice_split_to(&slice, 0);
    assert_is_empty(&first);
    assert_bytes(&slice, "cdef");
    first = cst_slice_split_to(&slice, SIZE_MAX);
    assert_bytes(&first, "cdef");
    assert_is_empty(&slice);
    assert_true(cst_slice_is_unique(&first));
    cst_slice_unref(&first);
    assert_int_equal(heap->live_blocks, 0);
}

static void split_off_moves_the_last_bytes_out(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "abcdef");
    cst_slice rest = cst_slice_split_off(&slice, 2);

    assert_bytes(&slice, "ab");
    assert_bytes(&rest, "cdef");
    cst_slice_unref(&slice);
    slice = cst_slice_split_off(&rest, 4);
    assert_is_empty(&slice);
    assert_bytes(&rest, "cdef");
    slice = cst_slice_split_off(&rest, 0);
    assert_is_empty(&rest);
    assert_bytes(&slice, "cdef");
    assert_true(cst_slice_is_unique(&slice));
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

static void equals_compares_bytes_and_not_places(void **state)
{
    struct test_heap *heap = *state;
    cst_slice a = new_copy(heap, "same");
    cst_slice b = cst_slice_str("same");
    cst_slice c = cst_slice_str("sama");
    cst_slice d = cst_slice_str("sam");
    cst_slice empty = cst_slice_empty();

    assert_true(cst_slice_equals(&a, &b));
    assert_true(cst_slice_equals(&a, &a));
    assert_false(cst_slice_equals(&a, &c));
    assert_false(cst_slice_equals(&a, &d));
    assert_false(cst_slice_equals(&a, &empty));
    assert_true(cst_slice_equals(&empty, &empty));
    assert_false(cst_slice_equals(&a, NULL));
    cst_slice_unref(&a);
}

static void compact_frees_a_block_that_a_small_slice_pins(void **state)
{
    struct test_heap *heap = *state;
    const cst_allocator *allocator = test_heap_allocator(heap);
    cst_slice slice = new_copy(heap, "a large block, of which two bytes are wanted");
    cst_slice view = cst_slice_sub(&slice, 2, 2);

    cst_slice_unref(&slice);
    assert_int_equal(cst_slice_compact(&view, allocator, 42), CST_OK);
    assert_int_equal(cst_slice_pinned_bytes(&view), 44);
    assert_int_equal(cst_slice_compact(&view, allocator, 41), CST_OK);
    assert_bytes(&view, "la");
    assert_int_equal(cst_slice_pinned_bytes(&view), 2);
    assert_int_equal(heap->live_blocks, 1);
    assert_int_equal(cst_slice_compact(&view, allocator, 0), CST_OK);
    assert_int_equal(heap->calls, 2);
    cst_slice_unref(&view);
    assert_int_equal(heap->live_blocks, 0);
}

static void compact_without_memory_changes_nothing(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "abcdef");
    cst_slice view = cst_slice_split_to(&slice, 2);

    test_heap_fail_at(heap, 1);
    assert_int_equal(cst_slice_compact(&view, test_heap_allocator(heap), 0), CST_E_NOMEM);
    assert_bytes(&view, "ab");
    assert_ptr_equal(view.block, slice.block);
    cst_slice_unref(&view);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

static void compact_leaves_static_bytes_and_refuses_null(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = cst_slice_str("static");

    assert_int_equal(cst_slice_compact(&slice, test_heap_allocator(heap), 0), CST_OK);
    assert_null(slice.block);
    assert_int_equal(cst_slice_compact(NULL, test_heap_allocator(heap), 0), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_compact(&slice, NULL, 0), CST_E_INVALID_ARG);
}

static void a_count_that_would_wrap_sticks(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "stuck");
    cst_slice others[3];

    cst__block_set_refs(slice.block, SIZE_MAX / 2 - 1);
    others[0] = cst_slice_ref(&slice);
    assert_int_equal(cst__block_refs(slice.block), SIZE_MAX / 2);
    for (size_t i = 1; i < 3; i++)
        others[i] = cst_slice_ref(&slice);
    assert_int_equal(cst__block_refs(slice.block), SIZE_MAX);
    for (size_t i = 0; i < 3; i++)
        cst_slice_unref(&others[i]);
    assert_int_equal(cst__block_refs(slice.block), SIZE_MAX);
    assert_bytes(&slice, "stuck");
    /* As the test knows of one reference only, it may end what would stay for good. */
    cst__block_set_refs(slice.block, 1);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

/* --- sharing ---------------------------------------------------------------------------------- */

static void share_refuses_null_and_leaves_static_bytes(void **state)
{
    cst_slice slice = cst_slice_str("static");

    (void)state;
    assert_int_equal(cst_slice_share(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_slice_share(&slice), CST_OK);
    slice = cst_slice_empty();
    assert_int_equal(cst_slice_share(&slice), CST_OK);
}

#ifdef __STDC_NO_ATOMICS__

static void without_atomics_nothing_can_be_shared(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "mine");

    assert_int_equal(cst_slice_share(&slice), CST_E_UNSUPPORTED);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

#else

static void a_shared_block_counts_like_any_other(void **state)
{
    struct test_heap *heap = *state;
    cst_slice a = new_copy(heap, "shared");
    cst_slice b = cst_slice_ref(&a);
    cst_slice c;

    assert_int_equal(cst_slice_share(&a), CST_OK);
    assert_int_equal(cst_slice_share(&b), CST_OK);
    c = cst_slice_sub(&b, 0, 5);
    assert_int_equal(cst__block_refs(a.block), CST__REFS_SHARED + 3);
    cst_slice_unref(&a);
    cst_slice_unref(&b);
    assert_true(cst_slice_is_unique(&c));
    assert_bytes(&c, "share");
    cst_slice_unref(&c);
    assert_int_equal(heap->live_blocks, 0);
}

static void a_shared_count_that_would_wrap_sticks(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "stuck");
    cst_slice others[3];

    assert_int_equal(cst_slice_share(&slice), CST_OK);
    cst__block_set_refs(slice.block, SIZE_MAX - 1);
    for (size_t i = 0; i < 3; i++)
        others[i] = cst_slice_ref(&slice);
    for (size_t i = 0; i < 3; i++)
        cst_slice_unref(&others[i]);
    assert_int_equal(cst__block_refs(slice.block), SIZE_MAX);
    cst__block_set_refs(slice.block, CST__REFS_SHARED + 1);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

#ifdef __unix__

enum { THREADS = 4, ROUNDS = 20000 };

/* Take and let go of references, then let go of the one it was given. */
static void *use_slice(void *arg)
{
    cst_slice *mine = arg;

    for (int i = 0; i < ROUNDS; i++) {
        cst_slice view = cst_slice_sub(mine, (size_t)i % 6, 3);

        if (view.data[0] != "shared"[i % 6])
            return NULL;
        cst_slice_unref(&view);
    }
    cst_slice_unref(mine);
    return arg;
}

static void the_last_of_many_threads_frees_a_shared_block_once(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "shared");
    cst_slice theirs[THREADS];
    pthread_t threads[THREADS];
    void *result;

    assert_int_equal(cst_slice_share(&slice), CST_OK);
    for (size_t i = 0; i < THREADS; i++)
        theirs[i] = cst_slice_ref(&slice);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_slice, &theirs[i]), 0);
    cst_slice_unref(&slice);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &theirs[i]);
    }
    assert_int_equal(heap->live_blocks, 0);
}

#endif
#endif

/* --- buffers ---------------------------------------------------------------------------------- */

static void a_buffer_freezes_without_a_copy(void **state)
{
    struct test_heap *heap = *state;
    cst_buf buf;
    cst_slice slice;
    const uint8_t *data;

    assert_int_equal(cst_buf_new(&buf, test_heap_allocator(heap), 8), CST_OK);
    assert_int_equal(buf.cap, 8);
    assert_int_equal((uintptr_t)buf.data % _Alignof(max_align_t), 0);
    data = buf.data;
    memcpy(buf.data, "frozen", 6);
    slice = cst_buf_freeze(&buf, 6);
    assert_null(buf.data);
    assert_null(buf.block);
    assert_int_equal(buf.cap, 0);
    assert_ptr_equal(slice.data, data);
    assert_bytes(&slice, "frozen");
    assert_int_equal(cst_slice_pinned_bytes(&slice), 8);
    cst_slice_unref(&slice);
    assert_int_equal(heap->calls, 1);
    assert_int_equal(heap->live_blocks, 0);
}

static void freeze_clamps_to_the_capacity(void **state)
{
    struct test_heap *heap = *state;
    cst_buf buf;
    cst_slice slice;

    assert_int_equal(cst_buf_new(&buf, test_heap_allocator(heap), 3), CST_OK);
    memcpy(buf.data, "abc", 3);
    slice = cst_buf_freeze(&buf, SIZE_MAX);
    assert_bytes(&slice, "abc");
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

static void freezing_no_bytes_frees_the_block(void **state)
{
    struct test_heap *heap = *state;
    cst_buf buf;
    cst_slice slice;

    assert_int_equal(cst_buf_new(&buf, test_heap_allocator(heap), 3), CST_OK);
    slice = cst_buf_freeze(&buf, 0);
    assert_is_empty(&slice);
    assert_int_equal(heap->live_blocks, 0);
    assert_int_equal(cst_buf_new(&buf, test_heap_allocator(heap), 0), CST_OK);
    assert_non_null(buf.data);
    slice = cst_buf_freeze(&buf, 1);
    assert_is_empty(&slice);
    assert_int_equal(heap->live_blocks, 0);
    slice = cst_buf_freeze(&buf, 1);
    assert_is_empty(&slice);
    slice = cst_buf_freeze(NULL, 1);
    assert_is_empty(&slice);
}

static void a_buffer_may_be_freed_instead_and_again(void **state)
{
    struct test_heap *heap = *state;
    cst_buf buf;

    assert_int_equal(cst_buf_new(&buf, test_heap_allocator(heap), 3), CST_OK);
    cst_buf_free(&buf);
    assert_int_equal(heap->live_blocks, 0);
    assert_null(buf.data);
    assert_int_equal(buf.cap, 0);
    cst_buf_free(&buf);
    cst_buf_free(NULL);
}

static void buf_new_refuses_wrong_arguments_and_says_when_memory_is_out(void **state)
{
    struct test_heap *heap = *state;
    cst_buf buf = { .cap = 9 };

    assert_int_equal(cst_buf_new(NULL, test_heap_allocator(heap), 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_buf_new(&buf, NULL, 1), CST_E_INVALID_ARG);
    test_heap_fail_at(heap, 1);
    assert_int_equal(cst_buf_new(&buf, test_heap_allocator(heap), 1), CST_E_NOMEM);
    assert_int_equal(buf.cap, 9);
}

static void thaw_gives_the_only_reference_back_for_writing(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "thawing");
    cst_slice first = cst_slice_split_to(&slice, 2);
    const uint8_t *data = slice.data;
    cst_buf buf = { .cap = 9 };

    assert_int_equal(cst_buf_thaw(&buf, &slice), CST_EMPTY);
    assert_int_equal(buf.cap, 9);
    assert_bytes(&slice, "awing");
    cst_slice_unref(&first);
    assert_int_equal(cst_buf_thaw(&buf, &slice), CST_OK);
    assert_is_empty(&slice);
    assert_ptr_equal(buf.data, data);
    assert_int_equal(buf.cap, 5);
    buf.data[0] = 'A';
    slice = cst_buf_freeze(&buf, 3);
    assert_bytes(&slice, "Awi");
    assert_int_equal(cst_slice_pinned_bytes(&slice), 7);
    cst_slice_unref(&slice);
    assert_int_equal(heap->calls, 1);
    assert_int_equal(heap->live_blocks, 0);
}

static void a_thawed_buffer_may_be_freed(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "thawing");
    cst_buf buf;

    assert_int_equal(cst_buf_thaw(&buf, &slice), CST_OK);
    cst_buf_free(&buf);
    assert_int_equal(heap->live_blocks, 0);
}

static void thaw_refuses_static_and_foreign_bytes_and_null(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = cst_slice_str("static");
    cst_buf buf = { .cap = 9 };

    assert_int_equal(cst_buf_thaw(&buf, &slice), CST_EMPTY);
    assert_bytes(&slice, "static");
    assert_int_equal(cst_slice_foreign(&slice, test_heap_allocator(heap), "abc", 3, NULL, NULL),
                     CST_OK);
    assert_int_equal(cst_buf_thaw(&buf, &slice), CST_EMPTY);
    assert_bytes(&slice, "abc");
    assert_int_equal(cst_buf_thaw(NULL, &slice), CST_E_INVALID_ARG);
    assert_int_equal(cst_buf_thaw(&buf, NULL), CST_E_INVALID_ARG);
    assert_int_equal(buf.cap, 9);
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}

#ifndef __STDC_NO_ATOMICS__
static void thaw_refuses_what_was_ever_shared(void **state)
{
    struct test_heap *heap = *state;
    cst_slice slice = new_copy(heap, "shared");
    cst_buf buf;

    assert_int_equal(cst_slice_share(&slice), CST_OK);
    assert_int_equal(cst_buf_thaw(&buf, &slice), CST_EMPTY);
    assert_bytes(&slice, "shared");
    cst_slice_unref(&slice);
    assert_int_equal(heap->live_blocks, 0);
}
#endif

/* --- a random program against a model --------------------------------------------------------- */

enum { SLOTS = 16, MAX_LEN = 96, STEPS = 30000 };

/* A slot of the model: the bytes that the slice beside it has to show. */
struct model {
    cst_slice slices[SLOTS];
    uint8_t bytes[SLOTS][MAX_LEN];
    size_t lens[SLOTS];
    const cst_allocator *allocator;
    uint32_t seed;
    size_t foreign_made;
    size_t foreign_released;
};

static uint32_t next_random(struct model *model, uint32_t below)
{
    model->seed ^= model->seed << 13;
    model->seed ^= model->seed >> 17;
    model->seed ^= model->seed << 5;
    return model->seed % below;
}

static void release_model_bytes(const void *data, size_t len, void *arg)
{
    struct model *model = arg;

    (void)len;
    model->foreign_released++;
    free((void *)(uintptr_t)data);
}

static void set_model(struct model *model, size_t slot, const uint8_t *bytes, size_t len)
{
    memmove(model->bytes[slot], bytes, len);
    model->lens[slot] = len;
}

static void drop(struct model *model, size_t slot)
{
    cst_slice_unref(&model->slices[slot]);
    model->lens[slot] = 0;
}

static void make_bytes(struct model *model, size_t slot)
{
    uint8_t bytes[MAX_LEN];
    size_t len = next_random(model, 8) == 0 ? 0 : next_random(model, MAX_LEN + 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)next_random(model, 256);
    drop(model, slot);
    set_model(model, slot, bytes, len);
    if (next_random(model, 2) == 0) {
        assert_int_equal(cst_slice_copy(&model->slices[slot], model->allocator, bytes, len),
                         CST_OK);
    } else {
        uint8_t *foreign = malloc(len + 1);

        assert_non_null(foreign);
        memcpy(foreign, bytes, len);
        model->foreign_made++;
        assert_int_equal(cst_slice_foreign(&model->slices[slot], model->allocator, foreign, len,
                                           release_model_bytes, model),
                         CST_OK);
    }
}

static void take_view(struct model *model, size_t to, size_t from)
{
    size_t start = next_random(model, MAX_LEN);
    size_t len = next_random(model, MAX_LEN);
    cst_slice view = cst_slice_sub(&model->slices[from], start, len);
    size_t left = start < model->lens[from] ? model->lens[from] - start : 0;
    uint8_t bytes[MAX_LEN];

    len = len < left ? len : left;
    if (len > 0)
        memcpy(bytes, &model->bytes[from][start], len);
    drop(model, to);
    set_model(model, to, bytes, len);
    model->slices[to] = view;
}

static void split(struct model *model, size_t to, size_t from)
{
    size_t n = next_random(model, MAX_LEN);
    size_t cut = n < model->lens[from] ? n : model->lens[from];

    if (to == from)
        return;
    drop(model, to);
    if (next_random(model, 2) == 0) {
        model->slices[to] = cst_slice_split_to(&model->slices[from], n);
        set_model(model, to, model->bytes[from], cut);
        set_model(model, from, &model->bytes[from][cut], model->lens[from] - cut);
    } else {
        model->slices[to] = cst_slice_split_off(&model->slices[from], n);
        set_model(model, to, &model->bytes[from][cut], model->lens[from] - cut);
        model->lens[from] = cut;
    }
}

static void join(struct model *model, size_t to, size_t first, size_t second)
{
    cst_slice list[2] = { model->slices[first], model->slices[second] };
    size_t len = model->lens[first] + model->lens[second];
    uint8_t bytes[2 * MAX_LEN];
    cst_slice joined;

    if (len > MAX_LEN)
        return;
    memcpy(bytes, model->bytes[first], model->lens[first]);
    memcpy(&bytes[model->lens[first]], model->bytes[second], model->lens[second]);
    assert_int_equal(cst_slice_concat(&joined, model->allocator, list, 2), CST_OK);
    drop(model, to);
    set_model(model, to, bytes, len);
    model->slices[to] = joined;
}

/* Write only if thaw allows it: had another the bytes too, the other's model would differ. */
static void write_in_place(struct model *model, size_t slot)
{
    cst_buf buf;
    bool unique = cst_slice_is_unique(&model->slices[slot]);

    if (cst_buf_thaw(&buf, &model->slices[slot]) != CST_OK)
        return;
    assert_true(unique);
    assert_int_equal(buf.cap, model->lens[slot]);
    for (size_t i = 0; i < buf.cap; i++)
        model->bytes[slot][i] = buf.data[i] = (uint8_t)next_random(model, 256);
    model->lens[slot] = next_random(model, (uint32_t)buf.cap + 1);
    model->slices[slot] = cst_buf_freeze(&buf, model->lens[slot]);
}

static void step(struct model *model)
{
    size_t a = next_random(model, SLOTS);
    size_t b = next_random(model, SLOTS);

    switch (next_random(model, 8)) {
    case 0:
        make_bytes(model, a);
        break;
    case 1:
        take_view(model, a, b);
        break;
    case 2:
        split(model, a, b);
        break;
    case 3:
        join(model, a, b, next_random(model, SLOTS));
        break;
    case 4:
        write_in_place(model, a);
        break;
    case 5:
        assert_int_equal(cst_slice_compact(&model->slices[a], model->allocator, 8), CST_OK);
        break;
    case 6:
#ifndef __STDC_NO_ATOMICS__
        if (next_random(model, 8) == 0)
            assert_int_equal(cst_slice_share(&model->slices[a]), CST_OK);
#endif
        break;
    default:
        drop(model, a);
        break;
    }
}

static void assert_model(const struct model *model)
{
    for (size_t i = 0; i < SLOTS; i++) {
        assert_int_equal(model->slices[i].len, model->lens[i]);
        if (model->lens[i] > 0)
            assert_memory_equal(model->slices[i].data, model->bytes[i], model->lens[i]);
    }
}

static void random_use_shows_every_slice_its_own_bytes(void **state)
{
    struct test_heap *heap = *state;
    struct model model = { .allocator = test_heap_allocator(heap), .seed = 4711 };

    for (int i = 0; i < STEPS; i++) {
        step(&model);
        assert_model(&model);
        assert_true(heap->live_blocks <= SLOTS);
    }
    for (size_t i = 0; i < SLOTS; i++)
        drop(&model, i);
    assert_true(model.foreign_made > 0);
    assert_int_equal(model.foreign_released, model.foreign_made);
    assert_int_equal(heap->live_blocks, 0);
}

static void the_malloc_allocator_makes_slices(void **state)
{
    cst_slice slice;

    (void)state;
    assert_int_equal(cst_slice_copy(&slice, cst_allocator_malloc(), "malloc", 6), CST_OK);
    assert_bytes(&slice, "malloc");
    assert_ptr_equal(cst_allocator_malloc(), cst_allocator_malloc());
    cst_slice_unref(&slice);
}

#define HEAP_TEST(f) cmocka_unit_test_setup_teardown(f, test_heap_setup, test_heap_teardown)

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(empty_slices_own_nothing),
    cmocka_unit_test(static_bytes_are_looked_at_where_they_are),
    cmocka_unit_test(static_null_is_the_empty_slice),
    HEAP_TEST(a_copy_does_not_follow_the_original),
    HEAP_TEST(a_copy_of_nothing_allocates_nothing),
    HEAP_TEST(copy_refuses_wrong_arguments),
    HEAP_TEST(sizes_near_the_end_of_a_size_t_are_out_of_memory),
    HEAP_TEST(foreign_memory_goes_back_once_with_the_last_slice),
    HEAP_TEST(foreign_memory_may_need_no_release),
    HEAP_TEST(foreign_memory_of_no_bytes_is_released_as_well),
    HEAP_TEST(foreign_refuses_wrong_arguments_and_releases_nothing),
    HEAP_TEST(a_release_callback_finds_the_slice_empty_and_the_header_gone),
    HEAP_TEST(concat_joins_in_order),
    HEAP_TEST(concat_of_one_is_a_reference),
    HEAP_TEST(concat_of_nothing_is_empty),
    HEAP_TEST(concat_refuses_wrong_arguments_and_sums_that_wrap),
    HEAP_TEST(concat_without_memory_leaves_the_list_alone),
    HEAP_TEST(the_block_goes_with_the_last_reference),
    cmocka_unit_test(null_counts_as_the_empty_slice),
    HEAP_TEST(sub_clamps_as_subarray_does),
    HEAP_TEST(split_to_moves_the_first_bytes_out),
    HEAP_TEST(split_off_moves_the_last_bytes_out),
    HEAP_TEST(equals_compares_bytes_and_not_places),
    HEAP_TEST(compact_frees_a_block_that_a_small_slice_pins),
    HEAP_TEST(compact_without_memory_changes_nothing),
    HEAP_TEST(compact_leaves_static_bytes_and_refuses_null),
    HEAP_TEST(a_count_that_would_wrap_sticks),
    cmocka_unit_test(share_refuses_null_and_leaves_static_bytes),
#ifdef __STDC_NO_ATOMICS__
    HEAP_TEST(without_atomics_nothing_can_be_shared),
#else
    HEAP_TEST(a_shared_block_counts_like_any_other),
    HEAP_TEST(a_shared_count_that_would_wrap_sticks),
#ifdef __unix__
    HEAP_TEST(the_last_of_many_threads_frees_a_shared_block_once),
#endif
    HEAP_TEST(thaw_refuses_what_was_ever_shared),
#endif
    HEAP_TEST(a_buffer_freezes_without_a_copy),
    HEAP_TEST(freeze_clamps_to_the_capacity),
    HEAP_TEST(freezing_no_bytes_frees_the_block),
    HEAP_TEST(a_buffer_may_be_freed_instead_and_again),
    HEAP_TEST(buf_new_refuses_wrong_arguments_and_says_when_memory_is_out),
    HEAP_TEST(thaw_gives_the_only_reference_back_for_writing),
    HEAP_TEST(a_thawed_buffer_may_be_freed),
    HEAP_TEST(thaw_refuses_static_and_foreign_bytes_and_null),
    HEAP_TEST(random_use_shows_every_slice_its_own_bytes),
    cmocka_unit_test(the_malloc_allocator_makes_slices),
};

TEST_MAIN(tests)

/* test_from.c - stages.h: what the sources give, in which order, and who lets go of the items.
 * A trace that is Node's was compared with Readable.from of Node 26.10.0. */
#include "world.h"

#include <string.h>

/* --- fixture ---------------------------------------------------------------------------------- */

struct fixture {
    struct test_world world;
    const char *letters; /* what next yields, one by one */
    cst_status last;     /* what it answers when there are no more */
    bool destroys;       /* its own stream */
    bool reads;          /* likewise */
    unsigned calls;
};

static cst_slice bytes(struct fixture *f, const char *text, size_t len)
{
    cst_slice slice;

    assert_int_equal(cst_slice_copy(&slice, test_heap_allocator(&f->world.heap), text, len),
                     CST_OK);
    return slice;
}

static cst_status next_letter(cst_slice *out, void *arg)
{
    struct fixture *f = arg;
    cst_slice item;

    f->calls++;
    assert_null(out->block);
    assert_int_equal(out->len, 0);
    if (!*f->letters) {
        test_trace_add(&f->world.trace, "next:none");
        return f->last;
    }
    *out = bytes(f, f->letters++, 1);
    test_trace_add(&f->world.trace, "next:%.*s", (int)out->len, (const char *)out->data);
    if (f->destroys)
        cst_destroy(f->world.s, CST_OK);
    if (f->reads && cst_read(&item, f->world.s, CST_READ_ANY) == CST_OK)
        cst_slice_unref(&item);
    return CST_OK;
}

static void flow(struct fixture *f)
{
    test_record(&f->world, f->world.s, CST_DATA);
    test_record_the_end(&f->world, f->world.s);
    test_run(&f->world);
}

static void make_array(struct fixture *f, const char *a, const char *b, const cst_opts *opts)
{
    cst_slice items[2];

    items[0] = bytes(f, a, strlen(a));
    items[1] = bytes(f, b, strlen(b));
    assert_int_equal(cst_from_array_new(&f->world.s, f->world.ctx, items, 2, opts), CST_OK);
    cst_slice_unref(&items[0]);
    cst_slice_unref(&items[1]);
}

static void make_fn(struct fixture *f, const char *letters, const cst_opts *opts)
{
    f->letters = letters;
    assert_int_equal(cst_from_fn_new(&f->world.s, f->world.ctx, opts, next_letter, f), CST_OK);
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .last = CST_EOF };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

/* --- an array --------------------------------------------------------------------------------- */

static void an_array_comes_item_by_item(void **state)
{
    struct fixture *f = *state;

    make_array(f, "ab", "c", NULL);
    flow(f);
    assert_string_equal(f->world.trace.text, "data:ab data:c end close");
}

static void by_default_items_are_messages_and_one_is_held(void **state)
{
    struct fixture *f = *state;

    make_array(f, "", "ab", NULL);
    assert_true(cst_readable_object_mode(f->world.s));
    assert_int_equal(cst_readable_high_water_mark(f->world.s), 1);
    assert_string_equal(cst_stream_name(f->world.s), "from");
    flow(f);
    assert_string_equal(f->world.trace.text, "data: data:ab end close");
}

static void options_that_are_given_count_as_they_are(void **state)
{
    struct fixture *f = *state;

    make_array(f, "", "ab", &(cst_opts){ .no_emit_close = true });
    assert_false(cst_readable_object_mode(f->world.s));
    assert_int_equal(cst_readable_high_water_mark(f->world.s), 1);
    flow(f);
    assert_string_equal(f->world.trace.text, "data:ab end");
}

static void marks_are_kept_to(void **state)
{
    struct fixture *f = *state;

    make_array(f, "abcd", "ef", &(cst_opts){ .high_water_mark = 3 });
    assert_int_equal(cst_readable_high_water_mark(f->world.s), 3);
    assert_int_equal(cst_read(NULL, f->world.s, 0), CST_EMPTY);
    assert_int_equal(cst_readable_length(f->world.s), 4);
    flow(f);
    assert_string_equal(f->world.trace.text, "data:abcd data:ef end close");
}

static void a_mark_of_zero_gives_all_the_same(void **state)
{
    struct fixture *f = *state;

    make_array(f, "a", "b", &(cst_opts){ .object_mode = true, .high_water_mark = CST_HWM_ZERO });
    flow(f);
    assert_int_equal(cst_readable_high_water_mark(f->world.s), 0);
    assert_string_equal(f->world.trace.text, "data:a data:b end close");
}

static void an_empty_array_ends_at_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_from_array_new(&f->world.s, f->world.ctx, NULL, 0, NULL), CST_OK);
    flow(f);
    assert_string_equal(f->world.trace.text, "end close");
}

static void items_of_an_array_are_shared_and_not_copied(void **state)
{
    struct fixture *f = *state;
    cst_slice item = bytes(f, "abc", 3), out;

    assert_int_equal(cst_from_array_new(&f->world.s, f->world.ctx, &item, 1, NULL), CST_OK);
    assert_false(cst_slice_is_unique(&item));
    assert_int_equal(cst_read(&out, f->world.s, CST_READ_ANY), CST_OK);
    assert_ptr_equal(out.data, item.data);
    cst_slice_unref(&out);
    assert_true(cst_slice_is_unique(&item));
    cst_slice_unref(&item);
}

static void the_rest_of_an_array_goes_when_the_stream_is_destroyed(void **state)
{
    struct fixture *f = *state;
    cst_slice items[3];

    for (int i = 0; i < 3; i++)
        items[i] = bytes(f, "abc", 3);
    assert_int_equal(cst_from_array_new(&f->world.s, f->world.ctx, items, 3, NULL), CST_OK);
    test_record_the_end(&f->world, f->world.s);
    assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(cst_slice_is_unique(&items[i]));
        cst_slice_unref(&items[i]);
    }
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "close");
}

static void an_array_beyond_size_max_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char byte;
    cst_slice items[2];

    items[0] = cst_slice_static(&byte, SIZE_MAX - 1); /* nobody looks at them */
    items[1] = cst_slice_static(&byte, 2);
    assert_int_equal(cst_from_array_new(&f->world.s, f->world.ctx, items, 2, NULL),
                     CST_E_OUT_OF_RANGE);
    assert_null(f->world.s);
}

/* --- a function ------------------------------------------------------------------------------- */

static void a_function_is_asked_one_item_ahead(void **state)
{
    struct fixture *f = *state;

    make_fn(f, "abc", NULL);
    flow(f);
    assert_string_equal(f->world.trace.text,
                        "next:a next:b data:a next:c data:b next:none data:c end close"); /* Node */
    assert_int_equal(f->calls, 4);
}

static void read_all(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;
    cst_slice chunk;

    (void)event;
    test_trace_add(&f->world.trace, "readable");
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(&f->world.trace, "read:%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void a_function_is_asked_as_far_ahead_as_the_mark_says(void **state)
{
    struct fixture *f = *state;

    make_fn(f, "abcde", &(cst_opts){ .object_mode = true, .high_water_mark = 2 });
    test_record_the_end(&f->world, f->world.s);
    assert_int_equal(cst_on(f->world.s, CST_READABLE, read_all, f), CST_OK);
    test_run(&f->world);
    /* Node */
    assert_string_equal(f->world.trace.text,
                        "next:a next:b readable next:c read:a next:d read:b next:e read:c "
                        "next:none read:d read:e readable readable end close");
}

static void a_function_that_fails_fails_the_stream(void **state)
{
    struct fixture *f = *state;

    f->last = CST_USER(7);
    make_fn(f, "a", NULL);
    flow(f);
    assert_string_equal(f->world.trace.text, "next:a next:none data:a error:USER close"); /* Node */
    assert_string_equal(cst_errored(f->world.s)->stage, "from");
    assert_int_equal(cst_errored(f->world.s)->direction, CST_READING);
}

static void a_function_that_fails_is_not_called_again(void **state)
{
    struct fixture *f = *state;
    cst_slice out;

    f->last = CST_USER(7);
    make_fn(f, "", &(cst_opts){ .object_mode = true, .no_auto_destroy = true });
    flow(f);
    assert_int_equal(cst_read(&out, f->world.s, CST_READ_ANY), CST_EMPTY);
    assert_string_equal(f->world.trace.text, "next:none error:USER");
    assert_int_equal(f->calls, 1);
}

static void an_answer_that_is_none_is_a_mistake(void **state)
{
    struct fixture *f = *state;

    f->last = CST_PENDING;
    make_fn(f, "", NULL);
    flow(f);
    assert_string_equal(f->world.trace.text, "next:none error:INVALID_ARG close");
}

static void nobody_asks_after_the_end(void **state)
{
    struct fixture *f = *state;
    cst_slice out;

    make_fn(f, "", &(cst_opts){ .object_mode = true, .no_auto_destroy = true });
    flow(f);
    assert_int_equal(cst_read(&out, f->world.s, CST_READ_ANY), CST_EOF);
    assert_int_equal(f->calls, 1);
    assert_string_equal(f->world.trace.text, "next:none end");
}

static void a_function_may_destroy_its_stream(void **state)
{
    struct fixture *f = *state;

    f->destroys = true;
    make_fn(f, "abc", &(cst_opts){ .high_water_mark = 100 });
    flow(f);
    assert_string_equal(f->world.trace.text, "next:a close");
}

static cst_status yield_nothing_and_destroy(cst_slice *out, void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    *out = cst_slice_empty();
    cst_destroy(f->world.s, CST_OK);
    return CST_OK;
}

static void a_destroyed_stream_asks_for_nothing_more(void **state)
{
    struct fixture *f = *state;
    const cst_opts byte_mode = { .high_water_mark = 100 };

    assert_int_equal(
        cst_from_fn_new(&f->world.s, f->world.ctx, &byte_mode, yield_nothing_and_destroy, f),
        CST_OK);
    flow(f);
    assert_int_equal(f->calls, 1);
    assert_string_equal(f->world.trace.text, "close");
}

static void destroy_at_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    test_on_event(s, event, &f->world);
    cst_destroy(s, CST_OK);
}

static void a_listener_may_destroy_the_stream(void **state)
{
    struct fixture *f = *state;

    make_fn(f, "abc", NULL);
    assert_int_equal(cst_on(f->world.s, CST_DATA, destroy_at_data, f), CST_OK);
    test_record_the_end(&f->world, f->world.s);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "next:a next:b data:a data:b close"); /* Node */
}

/* The item that next holds in its hands comes after what it finds in the buffer: none is doubled or
 * lost. */
static void a_function_that_reads_its_own_stream_is_not_called_inside_itself(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    f->reads = true;
    make_fn(f, "abcd", &(cst_opts){ .object_mode = true, .high_water_mark = 3 });
    while (!cst_readable_ended(f->world.s)) {
        if (cst_read(&chunk, f->world.s, CST_READ_ANY) == CST_OK)
            cst_slice_unref(&chunk);
        test_run(&f->world);
    }
    assert_string_equal(f->world.trace.text, "next:a next:b next:c next:d next:none");
}

static void a_stream_that_nobody_reads_lets_go_with_its_context(void **state)
{
    struct fixture *f = *state;

    make_fn(f, "abc", NULL);
    assert_int_equal(cst_read(NULL, f->world.s, 0), CST_EMPTY);
    assert_int_equal(f->calls, 1);
}

/* --- both ------------------------------------------------------------------------------------- */

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_slice item = cst_slice_str("a");
    cst_stream *out = NULL;

    assert_int_equal(cst_from_array_new(NULL, f->world.ctx, &item, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_from_array_new(&out, NULL, &item, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_from_array_new(&out, f->world.ctx, NULL, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_from_fn_new(NULL, f->world.ctx, NULL, next_letter, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_from_fn_new(&out, NULL, NULL, next_letter, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_from_fn_new(&out, f->world.ctx, NULL, NULL, f), CST_E_INVALID_ARG);
    assert_null(out);
}

static void make_another(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice item = bytes(arg, "a", 1);
    cst_stream *out;

    (void)event;
    assert_int_equal(cst_from_array_new(&out, cst_stream_ctx(s), &item, 1, NULL), CST_E_DESTROYED);
    assert_true(cst_slice_is_unique(&item));
    cst_slice_unref(&item);
}

static void a_context_that_is_being_freed_makes_none(void **state)
{
    struct fixture *f = *state;

    make_array(f, "a", "b", NULL);
    assert_int_equal(cst_on(f->world.s, CST_CLOSE, make_another, f), CST_OK);
}

static cst_status give_one_and_end(cst_slice *out, void *arg)
{
    unsigned *left = arg;

    if (*left == 0)
        return CST_EOF;
    --*left;
    *out = cst_slice_str("x");
    return CST_OK;
}

static void count_data(cst_stream *s, const cst_event *event, void *arg)
{
    unsigned *count = arg;

    (void)s;
    *count += event->type == CST_DATA ? 1u : 100u;
}

static cst_status read_both(cst_ctx *ctx, struct test_heap *heap, unsigned *count)
{
    unsigned left = 3;
    cst_slice items[3] = { { NULL, 0, NULL } };
    cst_stream *s[2] = { NULL, NULL };
    cst_status st = cst_slice_copy(&items[0], test_heap_allocator(heap), "abc", 3);

    items[1] = cst_slice_str("d");
    if (st == CST_OK)
        st = cst_from_array_new(&s[0], ctx, items, 3, NULL);
    cst_slice_unref(&items[0]);
    if (st == CST_OK)
        st = cst_from_fn_new(&s[1], ctx, NULL, give_one_and_end, &left);
    for (int i = 0; i < 2 && st == CST_OK; i++) {
        st = cst_on(s[i], CST_DATA, count_data, count);
        if (st == CST_OK)
            st = cst_on(s[i], CST_END, count_data, count);
    }
    if (st == CST_OK && cst_ctx_run(ctx, NULL) == CST_E_UNHANDLED)
        st = cst_errored(s[0]) ? cst_errored(s[0])->status : cst_errored(s[1])->status;
    return st;
}

static void any_allocation_may_fail(void **state)
{
    struct test_heap heap;
    size_t k = 0;

    (void)state;
    do {
        unsigned count = 0;
        cst_ctx *ctx = NULL;
        cst_status st;

        test_heap_init(&heap);
        test_heap_fail_at(&heap, ++k);
        st = cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL);
        if (st == CST_OK)
            st = read_both(ctx, &heap, &count);
        assert_true((st == CST_OK && count == 206) || (st == CST_E_NOMEM && heap.failures));
        assert_int_equal(cst_ctx_free(ctx), CST_OK);
        assert_int_equal(heap.live_blocks, 0);
    } while (heap.failures);
    assert_true(k > 5);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(an_array_comes_item_by_item),
    T(by_default_items_are_messages_and_one_is_held),
    T(options_that_are_given_count_as_they_are),
    T(marks_are_kept_to),
    T(a_mark_of_zero_gives_all_the_same),
    T(an_empty_array_ends_at_once),
    T(items_of_an_array_are_shared_and_not_copied),
    T(the_rest_of_an_array_goes_when_the_stream_is_destroyed),
    T(an_array_beyond_size_max_is_refused),
    T(a_function_is_asked_one_item_ahead),
    T(a_function_is_asked_as_far_ahead_as_the_mark_says),
    T(a_function_that_fails_fails_the_stream),
    T(a_function_that_fails_is_not_called_again),
    T(an_answer_that_is_none_is_a_mistake),
    T(nobody_asks_after_the_end),
    T(a_function_may_destroy_its_stream),
    T(a_destroyed_stream_asks_for_nothing_more),
    T(a_listener_may_destroy_the_stream),
    T(a_function_that_reads_its_own_stream_is_not_called_inside_itself),
    T(a_stream_that_nobody_reads_lets_go_with_its_context),
    T(wrong_arguments_are_refused),
    T(a_context_that_is_being_freed_makes_none),
    T(any_allocation_may_fail),
};

TEST_MAIN(tests)

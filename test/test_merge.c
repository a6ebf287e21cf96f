/* test_merge.c - stages.h: several streams as one, in which turn their chunks come, and what
 * becomes of them if one fails or the whole is destroyed. */
#include "world.h"

#include <string.h>

#define MAX 6

struct fixture {
    struct test_world world;
    cst_stream *sources[MAX]; /* of the array, up to NULL */
    cst_opts opts;            /* of each stream */
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .sources = { NULL } };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

#define WHOLE_NEW cst_merge_new
#include "many_sources.h"

/* --- turns ------------------------------------------------------------------------------------ */

static void each_source_gives_one_chunk_in_turn(void **state)
{
    struct fixture *f = *state;

    for (int objects = 0; objects < 2; objects++) {
        f->opts.object_mode = objects;
        have(f, 0, "abc");
        have(f, 1, "1");
        have(f, 2, "");
        have(f, 3, "xy");
        make(f);
        flow(f);
        test_expect(&f->world, "data:a data:1 data:x data:b data:y data:c end close");
        for (size_t i = 0; i < 4; i++) {
            assert_true(cst_is_closed(f->sources[i]));
            assert_null(cst_errored(f->sources[i]));
            cst_unref(f->sources[i]);
            f->sources[i] = NULL;
        }
        cst_unref(f->world.s);
        f->world.s = NULL;
    }
}

static void count_letter(cst_stream *s, const cst_event *event, void *arg)
{
    size_t *counts = arg;

    (void)s;
    counts[event->chunk->data[0] - 'a']++;
}

static cst_status same_letter(cst_slice *out, void *arg)
{
    *out = cst_slice_static(arg, 1);
    return CST_OK;
}

static void sources_that_are_always_ready_get_equal_shares(void **state)
{
    static char all[] = "abcde";
    struct fixture *f = *state;
    size_t counts[5] = { 0 }, total = 0;

    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            cst_from_fn_new(&f->sources[i], f->world.ctx, &f->opts, same_letter, all + i), CST_OK);
    make(f);
    cst_on(f->world.s, CST_DATA, count_letter, counts);
    while (total < 1000) {
        cst_ctx_run(f->world.ctx, &(cst_budget){ .tasks = 1, .bytes = 64 });
        total = counts[0] + counts[1] + counts[2] + counts[3] + counts[4];
    }
    for (size_t i = 0; i < 5; i++)
        assert_in_range(counts[i], total / 5, total / 5 + 1);
}

static void a_silent_source_holds_none_back(void **state)
{
    struct fixture *f = *state;

    have_by_hand(f, 0);
    have(f, 1, "ab");
    make(f);
    flow(f);
    test_expect(&f->world, "data:a data:b");
    push(f, 0, "late");
    test_run(&f->world);
    test_expect(&f->world, "data:late");
    cst_push_eof(f->sources[0]);
    test_run(&f->world);
    test_expect(&f->world, "end close");
}

static void no_source_is_an_empty_one(void **state)
{
    struct fixture *f = *state;

    make(f);
    assert_string_equal(cst_stream_name(f->world.s), "merge");
    flow(f);
    test_expect(&f->world, "end close");
}

static void marks_are_kept_to(void **state)
{
    static const size_t marks[] = { CST_HWM_ZERO, 1, 2, 0 }, held[] = { 0, 1, 2, 4 };
    struct fixture *f = *state;

    for (size_t i = 0; i < 4; i++) {
        f->opts.high_water_mark = marks[i];
        have(f, 0, "abc");
        have(f, 1, "d");
        make(f);
        assert_int_equal(cst_read(NULL, f->world.s, 0), CST_EMPTY);
        test_run(&f->world);
        assert_in_range(cst_readable_length(f->world.s), held[i], held[i] + 1);
        flow(f);
        test_expect(&f->world, "data:a data:d data:b data:c end close");
        cst_unref(f->world.s);
        cst_unref(f->sources[0]);
        cst_unref(f->sources[1]);
        f->sources[0] = f->sources[1] = f->world.s = NULL;
    }
}

static void a_slow_reader_gets_all_of_it(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;
    char got[5] = "";
    size_t n = 0;

    f->opts.high_water_mark = 1;
    have(f, 0, "ab");
    have(f, 1, "cd");
    make(f);
    for (int i = 0; i < 12; i++) {
        if (n < 4 && cst_read(&chunk, f->world.s, CST_READ_ANY) == CST_OK) {
            got[n++] = (char)chunk.data[0];
            cst_slice_unref(&chunk);
        }
        test_run(&f->world);
    }
    assert_string_equal(got, "acbd");
    assert_int_equal(cst_next(&chunk, f->world.s), CST_EOF);
}

/* --- sources that are added ------------------------------------------------------------------- */

static void a_source_may_be_added_until_eof(void **state)
{
    struct fixture *f = *state;

    have_by_hand(f, 0);
    make(f);
    flow(f);
    have(f, 1, "ab");
    assert_int_equal(cst_merge_add(f->world.s, f->sources[1]), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "data:a data:b");
    cst_push_eof(f->sources[0]);
    test_run(&f->world);
    test_expect(&f->world, "end close");
    have(f, 2, "c");
    assert_int_equal(cst_merge_add(f->world.s, f->sources[2]), CST_E_DESTROYED);
    assert_false(cst_is_destroyed(f->sources[2]));
}

static void a_merge_of_none_takes_sources_until_it_is_read(void **state)
{
    struct fixture *f = *state;

    make(f);
    have(f, 0, "a");
    have(f, 1, "b");
    assert_int_equal(cst_merge_add(f->world.s, f->sources[0]), CST_OK);
    test_heap_fail_at(&f->world.heap, 1);
    assert_int_equal(cst_merge_add(f->world.s, f->sources[1]), CST_E_NOMEM);
    test_heap_fail_at(&f->world.heap, 2);
    assert_int_equal(cst_merge_add(f->world.s, f->sources[1]), CST_E_NOMEM);
    test_heap_fail_never(&f->world.heap);
    flow(f);
    test_expect(&f->world, "data:a end close");
    assert_false(cst_is_destroyed(f->sources[1]));
}

static void after_eof_none_is_added(void **state)
{
    struct fixture *f = *state;

    make(f);
    assert_int_equal(cst_read(NULL, f->world.s, 0), CST_EOF);
    have(f, 0, "a");
    assert_int_equal(cst_merge_add(f->world.s, f->sources[0]), CST_E_PUSH_AFTER_EOF);
    assert_int_equal(cst_listener_count(f->sources[0], CST_ERROR), 0);
}

static void add_on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    (void)event;
    if (f->sources[1])
        return;
    have(f, 1, "xy");
    assert_int_equal(cst_merge_add(s, f->sources[1]), CST_OK);
}

static void a_data_listener_may_add_a_source(void **state)
{
    struct fixture *f = *state;

    have(f, 0, "abc");
    make(f);
    cst_prepend(f->world.s, CST_DATA, add_on_data, f);
    flow(f);
    assert_non_null(strstr(f->world.trace.text, "data:x"));
    assert_non_null(strstr(f->world.trace.text, "data:y"));
    assert_non_null(strstr(f->world.trace.text, "data:c"));
    assert_non_null(strstr(f->world.trace.text, "end close"));
}

/* --- errors and destroy ----------------------------------------------------------------------- */

static void a_source_that_fails_fails_the_whole_and_aborts_the_others(void **state)
{
    struct fixture *f = *state;

    have_by_hand(f, 0);
    have_by_hand(f, 1);
    make(f);
    flow(f);
    push(f, 0, "a");
    test_run(&f->world);
    cst_destroy(f->sources[0], CST_USER(7));
    test_run(&f->world);
    test_expect(&f->world, "data:a error:USER close");
    assert_int_equal(cst_errored(f->world.s)->status, CST_USER(7));
    assert_string_equal(cst_errored(f->world.s)->stage, "merge");
    assert_string_equal(cst_errored(f->sources[0])->stage, "hand");
    expect_aborted(f, 1);
}

static void destroying_the_whole_aborts_all_sources(void **state)
{
    struct fixture *f = *state;

    for (int begun = 0; begun < 2; begun++) {
        have_by_hand(f, 0);
        have_by_hand(f, 1);
        make(f);
        if (begun) {
            flow(f);
        } else {
            test_record_the_end(&f->world, f->world.s);
        }
        cst_destroy(f->world.s, CST_OK);
        test_run(&f->world);
        test_expect(&f->world, "close");
        expect_aborted(f, 0);
        expect_aborted(f, 1);
        for (size_t i = 0; i < 2; i++) {
            cst_unref(f->sources[i]);
            f->sources[i] = NULL;
        }
        cst_unref(f->world.s);
        f->world.s = NULL;
    }
}

static void a_source_that_failed_before_it_was_read_fails_the_whole(void **state)
{
    struct fixture *f = *state;

    have(f, 0, "ab");
    have_by_hand(f, 1);
    make(f);
    cst_destroy(f->sources[1], CST_USER(7));
    test_run(&f->world);
    flow(f);
    test_expect(&f->world, "data:a error:USER close");
    expect_aborted(f, 0);
}

/* --- memory, arguments ------------------------------------------------------------------------ */

static void arguments_are_checked(void **state)
{
    struct fixture *f = *state;
    cst_stream *out = NULL, *sources[] = { NULL, NULL };
    cst_ctx *ctx = f->world.ctx;
    const cst_opts objects = { .object_mode = true };

    assert_int_equal(cst_merge_new(&out, ctx, NULL, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_new(&out, ctx, sources, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_new(&out, NULL, NULL, 0, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_new(NULL, ctx, NULL, 0, NULL), CST_E_INVALID_ARG);
    have(f, 0, "a");
    sources[0] = f->sources[0];
    assert_int_equal(cst_merge_new(&out, ctx, sources, 2, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_new(&out, ctx, sources, 1, &objects), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_add(f->sources[0], f->sources[0]), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_add(NULL, f->sources[0]), CST_E_INVALID_ARG);
    assert_null(out);
    assert_int_equal(cst_merge_new(&f->world.s, ctx, NULL, 0, &objects), CST_OK);
    assert_int_equal(cst_merge_add(f->world.s, f->sources[0]), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_add(f->world.s, f->world.s), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_add(f->world.s, NULL), CST_E_INVALID_ARG);
    assert_false(cst_is_destroyed(f->sources[0]));
    assert_int_equal(cst_listener_count(f->sources[0], CST_ERROR), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(each_source_gives_one_chunk_in_turn),
    T(sources_that_are_always_ready_get_equal_shares),
    T(a_silent_source_holds_none_back),
    T(no_source_is_an_empty_one),
    T(messages_stay_apart_and_empty_ones_too),
    T(marks_are_kept_to),
    T(a_slow_reader_gets_all_of_it),
    T(a_source_may_be_added_until_eof),
    T(a_merge_of_none_takes_sources_until_it_is_read),
    T(after_eof_none_is_added),
    T(a_data_listener_may_add_a_source),
    T(a_data_listener_that_reads_on_loses_nothing),
    T(a_source_that_fails_fails_the_whole_and_aborts_the_others),
    T(a_source_that_closes_early_fails_the_whole),
    T(a_source_that_fails_while_the_whole_is_full_fails_it_too),
    T(destroying_the_whole_aborts_all_sources),
    T(a_source_that_failed_before_it_was_read_fails_the_whole),
    T(a_listener_of_a_source_may_drop_the_whole),
    T(a_data_listener_may_drop_the_whole),
    cmocka_unit_test(a_context_is_freed_at_any_step),
    cmocka_unit_test(each_allocation_may_fail),
    T(arguments_are_checked),
};

TEST_MAIN(tests)

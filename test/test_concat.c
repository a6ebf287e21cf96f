/* test_concat.c - stages.h: streams one after another, in which order they are read, and what
 * becomes of them if one fails or the whole is destroyed. */
#include "world.h"

#include <string.h>

#define MAX 4

struct fixture {
    struct test_world world;
    cst_stream *sources[MAX]; /* of the array, or what next returns, up to NULL */
    size_t asked;             /* calls of next */
    cst_status last;          /* what next answers when there are no more */
    bool destroys;            /* next destroys the whole */
    cst_opts opts;            /* of each stream */
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .last = CST_EOF };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

#define WHOLE_NEW cst_concat_new
#include "many_sources.h"

static cst_status next(cst_stream **out, void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->world.trace, "next");
    if (f->destroys)
        cst_destroy(f->world.s, CST_OK);
    if (f->asked == MAX || !f->sources[f->asked])
        return f->last;
    *out = cst_ref(f->sources[f->asked++]);
    return CST_OK;
}

static void make_fn(struct fixture *f)
{
    assert_int_equal(cst_concat_fn_new(&f->world.s, f->world.ctx, &f->opts, next, f), CST_OK);
}

/* --- order ------------------------------------------------------------------------------------ */

static void sources_come_one_after_another(void **state)
{
    struct fixture *f = *state;

    for (int objects = 0; objects < 2; objects++) {
        f->opts.object_mode = objects;
        have(f, 0, "ab");
        have(f, 1, "");
        have(f, 2, "c");
        make(f);
        flow(f);
        test_expect(&f->world, "data:a data:b data:c end close");
        for (size_t i = 0; i < 3; i++) {
            assert_true(cst_is_closed(f->sources[i]));
            assert_null(cst_errored(f->sources[i]));
            cst_unref(f->sources[i]);
            f->sources[i] = NULL;
        }
        cst_unref(f->world.s);
        f->world.s = NULL;
    }
}

static void no_source_is_an_empty_one(void **state)
{
    struct fixture *f = *state;

    make(f);
    assert_string_equal(cst_stream_name(f->world.s), "concat");
    flow(f);
    test_expect(&f->world, "end close");
}

static void a_later_source_waits_for_the_end_of_the_one_before(void **state)
{
    struct fixture *f = *state;

    have_by_hand(f, 0);
    have_by_hand(f, 1);
    push(f, 1, "second");
    make(f);
    flow(f);
    test_expect(&f->world, "");
    push(f, 0, "first");
    test_run(&f->world);
    test_expect(&f->world, "data:first");
    cst_push_eof(f->sources[1]);
    test_run(&f->world);
    test_expect(&f->world, "");
    cst_push_eof(f->sources[0]);
    test_run(&f->world);
    test_expect(&f->world, "data:second end close");
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
        test_expect(&f->world, "data:a data:b data:c data:d end close");
        cst_unref(f->world.s);
        cst_unref(f->sources[0]);
        cst_unref(f->sources[1]);
        f->sources[0] = f->sources[1] = f->world.s = NULL;
    }
}

static void a_slow_reader_gets_all_of_it(void **state)
{
    struct fixture *f = *state;

    f->opts.high_water_mark = 1;
    have(f, 0, "ab");
    have(f, 1, "cd");
    make(f);
    for (int i = 0; i < 12; i++) {
        test_read(&f->world, f->world.s, CST_READ_ANY);
        test_run(&f->world);
    }
    assert_non_null(strstr(f->world.trace.text, "read:a"));
    assert_true(strstr(f->world.trace.text, "read:a") < strstr(f->world.trace.text, "read:b"));
    assert_true(strstr(f->world.trace.text, "read:b") < strstr(f->world.trace.text, "read:c"));
    assert_true(strstr(f->world.trace.text, "read:c") < strstr(f->world.trace.text, "read:d"));
    assert_true(strstr(f->world.trace.text, "read:d") < strstr(f->world.trace.text, "EOF"));
}

/* --- by a function ---------------------------------------------------------------------------- */

static void next_is_asked_at_the_first_read_and_at_each_end(void **state)
{
    struct fixture *f = *state;

    have(f, 0, "ab");
    have(f, 1, "c");
    make_fn(f);
    test_run(&f->world);
    test_expect(&f->world, "");
    flow(f);
    test_expect(&f->world, "next data:a data:b next data:c next end close");
}

static void a_failure_of_next_fails_the_whole(void **state)
{
    struct fixture *f = *state;

    have(f, 0, "a");
    f->last = CST_USER(4);
    make_fn(f);
    flow(f);
    test_expect(&f->world, "next data:a next error:USER close");
    assert_int_equal(cst_errored(f->world.s)->status, CST_USER(4));
}

static void another_answer_of_next_is_a_mistake(void **state)
{
    struct fixture *f = *state;

    f->last = CST_FULL;
    make_fn(f);
    flow(f);
    test_expect(&f->world, "next error:INVALID_ARG close");
}

static void a_source_that_cannot_be_read_is_destroyed(void **state)
{
    struct fixture *f = *state;

    f->opts.object_mode = true;
    have_by_hand(f, 0);
    f->opts.object_mode = false;
    make_fn(f);
    flow(f);
    test_expect(&f->world, "next error:INVALID_ARG close");
    assert_true(cst_is_destroyed(f->sources[0]));
}

static cst_status next_itself(cst_stream **out, void *arg)
{
    struct fixture *f = arg;

    *out = cst_ref(f->world.s);
    return CST_OK;
}

static void the_whole_is_no_source_of_itself(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_concat_fn_new(&f->world.s, f->world.ctx, NULL, next_itself, f), CST_OK);
    flow(f);
    test_expect(&f->world, "error:INVALID_ARG close");
}

static void next_may_destroy_the_whole(void **state)
{
    struct fixture *f = *state;

    have(f, 0, "a");
    f->destroys = true;
    make_fn(f);
    flow(f);
    test_expect(&f->world, "next close");
    assert_int_equal(cst_errored(f->sources[0])->status, CST_E_ABORT);
}

struct many {
    struct fixture *f;
    size_t made, open, most_open;
};

static struct many *many_of(void *self)
{
    return *(struct many **)self;
}

static cst_status open_one(cst_stream *s, void *self)
{
    struct many *many = many_of(self);

    (void)s;
    many->open++;
    if (many->open > many->most_open)
        many->most_open = many->open;
    return CST_OK;
}

static cst_status read_one(cst_stream *s, void *self, size_t size)
{
    (void)self;
    (void)size;
    cst_push_copy(s, "x", 1);
    cst_push_eof(s);
    return CST_OK;
}

static cst_status close_one(cst_stream *s, void *self, const cst_error *error)
{
    (void)s;
    (void)error;
    many_of(self)->open--;
    return CST_OK;
}

static const cst_ops one_ops = { .name = "one",
                                 .self_size = sizeof(struct many *),
                                 .construct = open_one,
                                 .read = read_one,
                                 .destroy = close_one };

static cst_status next_of_many(cst_stream **out, void *arg)
{
    struct many *many = arg;

    if (many->made == 10000)
        return CST_EOF;
    many->made++;
    return cst_readable_new(out, many->f->world.ctx, &one_ops, &many, NULL);
}

static void of_ten_thousand_sources_one_is_open(void **state)
{
    struct fixture *f = *state;
    struct many many = { .f = f };
    size_t chunks = 0;

    assert_int_equal(cst_concat_fn_new(&f->world.s, f->world.ctx, NULL, next_of_many, &many),
                     CST_OK);
    cst_on(f->world.s, CST_DATA, test_count, &chunks);
    test_run(&f->world);
    assert_int_equal(many.made, 10000);
    assert_int_equal(chunks, 10000);
    assert_int_equal(many.open, 0);
    assert_int_equal(many.most_open, 1);
    assert_in_range(f->world.heap.peak_bytes, 1, 65536);
}

/* --- errors and destroy ----------------------------------------------------------------------- */

static void a_source_that_fails_fails_the_whole_and_aborts_the_others(void **state)
{
    struct fixture *f = *state;

    have_by_hand(f, 0);
    have(f, 1, "c");
    make(f);
    flow(f);
    push(f, 0, "a");
    test_run(&f->world);
    cst_destroy(f->sources[0], CST_USER(7));
    test_run(&f->world);
    test_expect(&f->world, "data:a error:USER close");
    assert_int_equal(cst_errored(f->world.s)->status, CST_USER(7));
    assert_string_equal(cst_errored(f->world.s)->stage, "concat");
    assert_string_equal(cst_errored(f->sources[0])->stage, "hand");
    expect_aborted(f, 1);
}

static void the_failure_of_a_later_source_is_told_in_its_turn(void **state)
{
    struct fixture *f = *state;

    have(f, 0, "ab");
    have_by_hand(f, 1);
    make(f);
    cst_destroy(f->sources[1], CST_USER(7));
    test_run(&f->world);
    flow(f);
    test_expect(&f->world, "data:a data:b error:USER close");
}

static void destroying_the_whole_aborts_all_sources(void **state)
{
    struct fixture *f = *state;

    for (int begun = 0; begun < 2; begun++) {
        have_by_hand(f, 0);
        have(f, 1, "c");
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

/* --- memory, arguments ------------------------------------------------------------------------ */

static void arguments_are_checked(void **state)
{
    struct fixture *f = *state;
    cst_stream *out = NULL, *sources[] = { NULL, NULL };
    cst_ctx *ctx = f->world.ctx;
    const cst_opts objects = { .object_mode = true };

    assert_int_equal(cst_concat_new(&out, ctx, NULL, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_new(&out, ctx, sources, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_new(&out, NULL, NULL, 0, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_new(NULL, ctx, NULL, 0, NULL), CST_E_INVALID_ARG);
    have(f, 0, "a");
    sources[0] = f->sources[0];
    assert_int_equal(cst_concat_new(&out, ctx, sources, 2, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_new(&out, ctx, sources, 1, &objects), CST_E_INVALID_ARG);
    sources[1] = test_sink(&f->world, NULL, NULL);
    assert_int_equal(cst_concat_new(&out, ctx, sources, 2, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_fn_new(&out, ctx, NULL, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_fn_new(&out, NULL, NULL, next, f), CST_E_INVALID_ARG);
    assert_null(out);
    assert_false(cst_is_destroyed(f->sources[0]));
    assert_int_equal(cst_listener_count(f->sources[0], CST_ERROR), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(sources_come_one_after_another),
    T(no_source_is_an_empty_one),
    T(a_later_source_waits_for_the_end_of_the_one_before),
    T(messages_stay_apart_and_empty_ones_too),
    T(marks_are_kept_to),
    T(a_slow_reader_gets_all_of_it),
    T(a_data_listener_that_reads_on_loses_nothing),
    T(next_is_asked_at_the_first_read_and_at_each_end),
    T(a_failure_of_next_fails_the_whole),
    T(another_answer_of_next_is_a_mistake),
    T(a_source_that_cannot_be_read_is_destroyed),
    T(the_whole_is_no_source_of_itself),
    T(next_may_destroy_the_whole),
    T(of_ten_thousand_sources_one_is_open),
    T(a_source_that_fails_fails_the_whole_and_aborts_the_others),
    T(a_source_that_closes_early_fails_the_whole),
    T(a_source_that_fails_while_the_whole_is_full_fails_it_too),
    T(the_failure_of_a_later_source_is_told_in_its_turn),
    T(destroying_the_whole_aborts_all_sources),
    T(a_listener_of_a_source_may_drop_the_whole),
    T(a_data_listener_may_drop_the_whole),
    cmocka_unit_test(a_context_is_freed_at_any_step),
    cmocka_unit_test(each_allocation_may_fail),
    T(arguments_are_checked),
};

TEST_MAIN(tests)

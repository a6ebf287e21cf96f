/* test_tee.c - tee.h: what each branch gets by its policy, who holds the source, and what becomes
 * of a tee whose branches go. */
#include "world.h"

#include <string.h>

struct fixture {
    struct test_world world;
    cst_stream *tee, *branches[3];
    cst_opts opts;
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .tee = NULL };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 3; i++)
        cst_unref(f->branches[i]);
    cst_unref(f->tee);
    test_world_close(&f->world);
    return 0;
}

static void make(struct fixture *f, bool objects)
{
    f->opts.object_mode = objects;
    assert_int_equal(cst_tee_new(&f->tee, f->world.ctx, &f->opts), CST_OK);
    cst_on(f->tee, CST_ERROR, test_ignore, NULL);
}

static cst_stream *grow(struct fixture *f, size_t at, cst_tee_policy policy, size_t limit)
{
    const cst_branch_opts branch = { .policy = policy, .limit = limit };

    assert_int_equal(
        cst_tee_branch_new(&f->branches[at], f->tee, &branch, &(cst_opts){ .high_water_mark = 2 }),
        CST_OK);
    cst_on(f->branches[at], CST_ERROR, test_ignore, NULL);
    return f->branches[at];
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->world.trace, "done:%s", test_status_word(status));
}

static void write_letters(struct fixture *f, const char *text)
{
    for (; *text; text++)
        cst_write_copy(f->tee, text, 1, on_done, f);
    test_run(&f->world);
}

/* Read a branch to where it has nothing more, and compare. */
static void expect_held(struct fixture *f, size_t at, const char *text)
{
    char got[32] = "";
    cst_slice chunk;
    size_t n = 0;

    while (cst_read(&chunk, f->branches[at], CST_READ_ANY) == CST_OK) {
        got[n++] = (char)chunk.data[0];
        cst_slice_unref(&chunk);
        test_run(&f->world);
    }
    assert_string_equal(got, text);
}

static void every_branch_gets_every_chunk(void **state)
{
    struct fixture *f = *state;

    make(f, false);
    for (size_t i = 0; i < 3; i++) {
        test_record(&f->world, grow(f, i, CST_TEE_SLOWEST, 0), CST_DATA);
        test_record(&f->world, f->branches[i], CST_END);
    }
    test_run(&f->world);
    cst_write_copy(f->tee, "a", 1, NULL, NULL);
    cst_write_copy(f->tee, "b", 1, NULL, NULL);
    cst_end(f->tee, on_done, f);
    test_run(&f->world);
    test_expect(&f->world, "data:a data:a data:a data:b data:b data:b end end end done:OK");
}

static void the_slowest_sets_the_pace(void **state)
{
    struct fixture *f = *state;

    make(f, false);
    grow(f, 0, CST_TEE_SLOWEST, 0);
    cst_resume(grow(f, 1, CST_TEE_SLOWEST, 0));
    write_letters(f, "abcd");
    test_expect(&f->world, "done:OK"); /* b has filled the first one to its mark of 2 */
    expect_held(f, 0, "abcd");
    test_expect(&f->world, "done:OK done:OK done:OK");
}

static void writes_wait_for_a_first_branch(void **state)
{
    struct fixture *f = *state;

    make(f, false);
    write_letters(f, "ab");
    test_expect(&f->world, "");
    grow(f, 0, CST_TEE_CUT_OFF, 9);
    grow(f, 1, CST_TEE_CUT_OFF, 9);
    test_run(&f->world);
    test_expect(&f->world, "done:OK done:OK");
    expect_held(f, 0, "ab");
    expect_held(f, 1, "ab");
}

static void a_branch_beyond_its_limit_is_cut_off(void **state)
{
    struct fixture *f = *state;

    make(f, false);
    grow(f, 0, CST_TEE_CUT_OFF, 3);
    cst_resume(grow(f, 1, CST_TEE_SLOWEST, 0));
    write_letters(f, "abc");
    assert_false(cst_is_destroyed(f->branches[0]));
    write_letters(f, "d");
    assert_int_equal(cst_errored(f->branches[0])->status, CST_E_LIMIT);
    assert_false(cst_is_destroyed(f->branches[1]));
    test_expect(&f->world, "done:OK done:OK done:OK done:OK");
}

static void messages_are_dropped_by_policy(void **state)
{
    struct fixture *f = *state;

    make(f, true);
    grow(f, 0, CST_TEE_DROP_NEWEST, 3);
    grow(f, 1, CST_TEE_DROP_OLDEST, 3);
    grow(f, 2, CST_TEE_CUT_OFF, 3);
    write_letters(f, "abcdefgh");
    assert_int_equal(cst_tee_dropped(f->branches[0]), 5);
    assert_int_equal(cst_tee_dropped(f->branches[1]), 5);
    assert_int_equal(cst_tee_dropped(f->branches[2]), 0);
    assert_true(cst_is_destroyed(f->branches[2]));
    expect_held(f, 0, "abc");
    expect_held(f, 1, "fgh");
    cst_end(f->tee, NULL, NULL);
    test_run(&f->world);
    assert_true(cst_writable_finished(f->tee));
}

static void a_late_branch_gets_what_follows(void **state)
{
    struct fixture *f = *state;

    make(f, true);
    grow(f, 0, CST_TEE_CUT_OFF, 9);
    write_letters(f, "ab");
    grow(f, 1, CST_TEE_DROP_OLDEST, 9);
    write_letters(f, "cd");
    cst_end(f->tee, NULL, NULL);
    test_run(&f->world);
    expect_held(f, 0, "abcd");
    expect_held(f, 1, "cd");
    assert_true(cst_readable_ended(f->branches[0]));
    assert_true(cst_readable_ended(f->branches[1]));
}

static void grow_on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    (void)event;
    if (!f->branches[1])
        grow(f, 1, CST_TEE_CUT_OFF, 9);
}

static void a_branch_that_is_made_while_a_chunk_goes_round_gets_the_next(void **state)
{
    struct fixture *f = *state;

    make(f, false);
    cst_on(grow(f, 0, CST_TEE_SLOWEST, 0), CST_DATA, grow_on_data, f);
    test_run(&f->world);
    write_letters(f, "ab");
    expect_held(f, 1, "b");
}

static void after_the_last_branch_the_tee_has_enough(void **state)
{
    struct fixture *f = *state;

    make(f, false);
    grow(f, 0, CST_TEE_SLOWEST, 0);
    write_letters(f, "abc");
    cst_destroy(f->branches[0], CST_OK);
    test_run(&f->world);
    assert_true(cst_is_closed(f->tee));
    assert_null(cst_errored(f->tee));
    assert_int_equal(cst_tee_branch_new(&f->branches[1], f->tee, NULL, NULL), CST_E_DESTROYED);
}

static void a_failure_of_the_tee_destroys_all_branches(void **state)
{
    struct fixture *f = *state;

    for (int fails = 0; fails < 2; fails++) {
        make(f, false);
        grow(f, 0, CST_TEE_SLOWEST, 0);
        grow(f, 1, CST_TEE_CUT_OFF, 9);
        write_letters(f, "abc");
        cst_destroy(f->tee, fails ? CST_USER(7) : CST_OK);
        test_run(&f->world);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(cst_errored(f->branches[i])->status,
                             fails ? CST_USER(7) : CST_E_PREMATURE_CLOSE);
            cst_unref(f->branches[i]);
            f->branches[i] = NULL;
        }
        cst_unref(f->tee);
        f->tee = NULL;
    }
}

static void destroy_victim(cst_stream *s, const cst_event *event, void *arg)
{
    cst_stream **victim = arg;

    (void)s;
    (void)event;
    cst_destroy(*victim, CST_OK);
    cst_unref(*victim);
    *victim = NULL;
}

static void a_data_listener_may_drop_any_of_them(void **state)
{
    (void)state;
    for (size_t victim = 0; victim < 4; victim++)
        for (size_t at = 0; at < 3; at++) {
            struct fixture *f;
            void *own;

            setup(&own);
            f = own;
            make(f, false);
            for (size_t i = 0; i < 3; i++)
                cst_resume(grow(f, i, CST_TEE_SLOWEST, 0));
            cst_once(f->branches[at], CST_DATA, destroy_victim,
                     victim == 3 ? &f->tee : &f->branches[victim]);
            test_run(&f->world);
            cst_write_copy(f->tee, "a", 1, NULL, NULL);
            cst_write_copy(f->tee, "b", 1, NULL, NULL);
            test_run(&f->world);
            teardown(&own);
        }
}

static void run_without_memory(struct fixture *f, size_t n)
{
    const cst_branch_opts kinds[] = { { .policy = CST_TEE_SLOWEST },
                                      { .policy = CST_TEE_CUT_OFF, .limit = 2 },
                                      { .policy = CST_TEE_DROP_OLDEST, .limit = 2 } };

    make(f, true);
    test_heap_fail_at(&f->world.heap, n);
    for (size_t i = 0; i < 3; i++)
        if (cst_tee_branch_new(&f->branches[i], f->tee, &kinds[i], NULL) == CST_OK)
            if (cst_on(f->branches[i], CST_ERROR, test_ignore, NULL) < 0)
                cst_destroy(f->branches[i], CST_OK);
    for (int i = 0; i < 6; i++)
        cst_write(f->tee, cst_slice_static("x", 1), NULL, NULL);
    cst_end(f->tee, NULL, NULL);
    cst_ctx_run(f->world.ctx, NULL);
    test_heap_fail_never(&f->world.heap);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n++) {
        void *own;

        setup(&own);
        run_without_memory(own, n);
        teardown(&own);
    }
}

static void arguments_are_checked(void **state)
{
    struct fixture *f = *state;
    cst_stream *out = NULL;
    cst_branch_opts branch = { .policy = CST_TEE_DROP_NEWEST };

    make(f, false);
    assert_int_equal(cst_tee_new(NULL, f->world.ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_new(&out, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_branch_new(NULL, f->tee, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_branch_new(&out, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_branch_new(&out, f->tee, &branch, NULL), CST_E_INVALID_ARG);
    branch.policy = (cst_tee_policy)4;
    assert_int_equal(cst_tee_branch_new(&out, f->tee, &branch, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_dropped(NULL), 0);
    assert_int_equal(cst_tee_dropped(f->tee), 0);
    assert_null(out);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(every_branch_gets_every_chunk),
    T(the_slowest_sets_the_pace),
    T(writes_wait_for_a_first_branch),
    T(a_branch_beyond_its_limit_is_cut_off),
    T(messages_are_dropped_by_policy),
    T(a_late_branch_gets_what_follows),
    T(a_branch_that_is_made_while_a_chunk_goes_round_gets_the_next),
    T(after_the_last_branch_the_tee_has_enough),
    T(a_failure_of_the_tee_destroys_all_branches),
    cmocka_unit_test(a_data_listener_may_drop_any_of_them),
    cmocka_unit_test(each_allocation_may_fail),
    T(arguments_are_checked),
};

TEST_MAIN(tests)

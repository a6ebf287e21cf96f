/* test_discard.c - cst_discard: what waits to be written goes, and nothing else changes. */
#include "held_sink.h"

struct fixture {
    struct test_world world;
    cst_stream *s;
    bool discards; /* the first callback discards the rest */
};

static void note_done(cst_stream *s, cst_status status, void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->world.trace, "done:%s", test_status_word(status));
    if (f->discards) {
        f->discards = false;
        assert_int_equal(cst_discard(NULL, s, CST_E_TIMEOUT), CST_OK);
    }
}

static void write_three(struct fixture *f)
{
    cst_write(f->s, cst_slice_str("a"), note_done, f);
    cst_write(f->s, cst_slice_str("bb"), note_done, f);
    cst_write(f->s, cst_slice_str("ccc"), note_done, f);
}

static void what_waits_goes_and_the_write_in_flight_stays(void **state)
{
    struct fixture *f = *state;
    size_t bytes = 9;

    held_sink_new(&f->s, &f->world, &(cst_opts){ .high_water_mark = 4 });
    assert_int_equal(cst_discard(&bytes, f->s, CST_E_ABORT), CST_EMPTY);
    write_three(f);
    assert_int_equal(cst_writable_length(f->s), 6);
    assert_int_equal(cst_discard(&bytes, f->s, CST_E_ABORT), CST_OK);
    assert_int_equal(bytes, 5);
    assert_int_equal(cst_writable_length(f->s), 1);
    assert_int_equal(cst_discard(&bytes, f->s, CST_E_ABORT), CST_EMPTY);
    assert_int_equal(bytes, 5);
    test_expect(&f->world, "write:a");
    test_run_and_expect(&f->world, "done:ABORT done:ABORT");
    held_answer(&f->world);
    test_run_and_expect(&f->world, "drain done:OK");
    cst_write(f->s, cst_slice_str("d"), note_done, f);
    held_answer(&f->world);
    cst_end(f->s, note_done, f);
    test_run_and_expect(&f->world, "write:d done:OK done:OK");
    assert_true(cst_is_closed(f->s));
    cst_unref(f->s);
}

static void while_corked_drain_follows_the_callbacks(void **state)
{
    struct fixture *f = *state;

    for (int objects = 0; objects < 2; objects++) {
        size_t bytes = 0;

        held_sink_new(&f->s, &f->world,
                      &(cst_opts){ .high_water_mark = 2, .object_mode = objects });
        cst_cork(f->s);
        write_three(f);
        assert_int_equal(cst_discard(&bytes, f->s, CST_USER(1)), CST_OK);
        assert_int_equal(bytes, 6);
        assert_int_equal(cst_writable_length(f->s), 0);
        test_run_and_expect(&f->world, "done:USER done:USER done:USER drain");
        assert_int_equal(cst_writable_corked(f->s), 1);
        cst_write(f->s, cst_slice_str("d"), NULL, NULL);
        cst_uncork(f->s);
        test_expect(&f->world, "write:d");
        held_answer(&f->world);
        test_run(&f->world);
        test_trace_clear(&f->world.trace);
        cst_unref(f->s);
    }
}

static void a_callback_may_discard_the_rest(void **state)
{
    struct fixture *f = *state;

    f->discards = true;
    held_sink_new(&f->s, &f->world, NULL);
    write_three(f);
    held_answer(&f->world); /* the next is in flight before the callback */
    test_run_and_expect(&f->world, "write:a write:bb done:OK done:TIMEOUT");
    held_answer(&f->world);
    test_run_and_expect(&f->world, "done:OK");
    cst_unref(f->s);
}

static void what_cannot_be_cut_short_is_left(void **state)
{
    struct fixture *f = *state;

    held_sink_new(&f->s, &f->world, NULL);
    write_three(f);
    assert_int_equal(cst_discard(NULL, f->s, CST_OK), CST_E_INVALID_ARG);
    cst_end(f->s, NULL, NULL);
    assert_int_equal(cst_discard(NULL, f->s, CST_E_ABORT), CST_E_WRITE_AFTER_END);
    assert_int_equal(cst_writable_length(f->s), 6);
    cst_destroy(f->s, CST_OK);
    assert_int_equal(cst_discard(NULL, f->s, CST_E_ABORT), CST_E_DESTROYED);
    held_answer(&f->world);
    test_run(&f->world);
    test_expect(&f->world, "write:a done:OK done:DESTROYED done:DESTROYED");
    cst_unref(f->s);
}

static void without_memory_nothing_is_lost(void **state)
{
    struct fixture *f = *state;

    held_sink_new(&f->s, &f->world, &(cst_opts){ .high_water_mark = 2 });
    cst_cork(f->s);
    write_three(f);
    test_heap_fail_from(&f->world.heap, 1);
    assert_int_equal(cst_discard(NULL, f->s, CST_USER(1)), CST_OK);
    test_run(&f->world);
    test_heap_fail_never(&f->world.heap);
    test_expect(&f->world, "done:USER done:USER done:USER drain");
    cst_unref(f->s);
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .discards = false };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(what_waits_goes_and_the_write_in_flight_stays),
    T(while_corked_drain_follows_the_callbacks),
    T(a_callback_may_discard_the_rest),
    T(what_cannot_be_cut_short_is_left),
    T(without_memory_nothing_is_lost),
};

TEST_MAIN(tests)

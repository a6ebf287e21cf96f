/* test_abort.c - join.h: one switch that destroys any number of streams. */
#include "world.h"

static cst_stream *source(struct test_world *world, const char *name)
{
    cst_stream *s = test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);

    test_listen_as(world, s, name);
    return s;
}

static cst_abort *new_switch(struct test_world *world)
{
    cst_abort *signal = NULL;

    assert_int_equal(cst_abort_new(&signal, world->ctx), CST_OK);
    assert_false(cst_abort_fired(signal));
    return signal;
}

static void a_switch_destroys_what_it_is_attached_to_in_that_order(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *a = source(world, "a"), *b = source(world, "b");

    assert_int_equal(cst_abort_attach(signal, b), CST_OK);
    assert_int_equal(cst_abort_attach(signal, a), CST_OK);
    test_run(world);
    assert_false(cst_is_destroyed(a));
    assert_int_equal(cst_abort_fire(signal), CST_OK);
    assert_true(cst_abort_fired(signal));
    assert_true(cst_is_destroyed(a));
    assert_true(cst_is_destroyed(b));
    test_run_and_expect(world, "b:error:ABORT b:close a:error:ABORT a:close");
    assert_int_equal(cst_errored(a)->status, CST_E_ABORT);
    assert_string_equal(cst_errored(a)->stage, "feed");
    cst_abort_unref(signal);
}

static void it_is_thrown_once(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *a = source(world, "a");

    assert_int_equal(cst_abort_attach(signal, a), CST_OK);
    assert_int_equal(cst_abort_attach(signal, a), CST_OK);
    assert_int_equal(cst_abort_fire(signal), CST_OK);
    assert_int_equal(cst_abort_fire(signal), CST_OK);
    test_run_and_expect(world, "a:error:ABORT a:close");
    cst_abort_unref(signal);
}

static void what_is_attached_later_is_destroyed_at_once(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *a = source(world, "a");

    cst_abort_fire(signal);
    test_heap_fail_at(&world->heap, 1); /* that needs no memory */
    assert_int_equal(cst_abort_attach(signal, a), CST_OK);
    test_heap_fail_never(&world->heap);
    assert_true(cst_is_destroyed(a));
    test_run_and_expect(world, "a:error:ABORT a:close");
    cst_abort_unref(signal);
}

static void a_stream_that_has_ended_is_left_alone(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *a = test_feed(world, &(struct test_stage){ .when = TEST_NEVER },
                              &(cst_opts){ .no_auto_destroy = true });

    assert_int_equal(cst_abort_attach(signal, a), CST_OK);
    cst_push_eof(a);
    cst_resume(a);
    test_run(world);
    assert_true(cst_readable_ended(a));
    cst_abort_fire(signal);
    test_run(world);
    assert_false(cst_is_destroyed(a));
    cst_abort_unref(signal);
}

static void a_stream_that_is_gone_is_forgotten(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *streams[] = { source(world, "a"), source(world, "b"), source(world, "c") };

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(cst_abort_attach(signal, streams[i]), CST_OK);
    cst_destroy(streams[0], CST_OK);
    cst_unref(streams[0]);
    cst_destroy(streams[2], CST_OK);
    cst_unref(streams[2]);
    test_run_and_expect(world, "a:close c:close");
    assert_int_equal(cst_abort_attach(signal, source(world, "d")), CST_OK);
    cst_abort_fire(signal);
    test_run_and_expect(world, "b:error:ABORT b:close d:error:ABORT d:close");
    cst_abort_unref(signal);
}

/* Destroys another stream of the switch, and throws it once more. */
struct meddler {
    cst_stream *other;
    cst_abort *signal;
};

static cst_status meddle(cst_stream *s, void *self, const cst_error *error)
{
    struct meddler *meddler = self;

    (void)s;
    (void)error;
    assert_int_equal(cst_destroy(meddler->other, CST_USER(1)), CST_OK);
    assert_int_equal(cst_abort_fire(meddler->signal), CST_OK);
    return CST_OK;
}

static void a_destroy_slot_may_destroy_the_next_in_line(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct meddler), .destroy = meddle };
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    struct meddler meddler = { .other = source(world, "other"), .signal = signal };
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, world->ctx, &ops, &meddler, NULL), CST_OK);
    cst_on(s, CST_ERROR, test_ignore, NULL);
    assert_int_equal(cst_abort_attach(signal, s), CST_OK);
    assert_int_equal(cst_abort_attach(signal, meddler.other), CST_OK);
    cst_abort_fire(signal);
    test_run_and_expect(world, "other:error:USER other:close");
    assert_int_equal(cst_errored(s)->status, CST_E_ABORT);
    cst_abort_unref(signal);
}

static void what_is_attached_outlives_the_callers_reference(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *a = source(world, "a");

    assert_int_equal(cst_abort_attach(signal, a), CST_OK);
    cst_abort_unref(signal);
    cst_abort_unref(NULL);
    cst_push_eof(a);
    cst_resume(a);
    test_run_and_expect(world, "a:resume a:end a:close");
}

static void a_further_reference_keeps_the_switch(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);

    assert_ptr_equal(cst_abort_ref(signal), signal);
    assert_null(cst_abort_ref(NULL));
    cst_abort_unref(signal);
    assert_false(cst_abort_fired(signal));
    cst_abort_unref(signal);
}

static void what_is_detached_is_left_alone(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *a = source(world, "a"), *b = source(world, "b");

    assert_int_equal(cst_abort_detach(signal, a), CST_EMPTY);
    cst_abort_attach(signal, a);
    cst_abort_attach(signal, b);
    assert_int_equal(cst_abort_detach(signal, a), CST_OK);
    assert_int_equal(cst_abort_detach(signal, a), CST_EMPTY);
    cst_abort_fire(signal);
    test_run_and_expect(world, "b:error:ABORT b:close");
    assert_int_equal(cst_abort_detach(signal, b), CST_EMPTY);
    assert_int_equal(cst_listener_count(a, CST_CLOSE), 1); /* the trace's */
    cst_abort_unref(signal);
    cst_destroy(a, CST_OK);
    test_run_and_expect(world, "a:close");
}

static void each_detach_undoes_one_attach(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world), *other = new_switch(world);
    cst_stream *a = source(world, "a");

    cst_abort_attach(signal, a);
    cst_abort_attach(other, a);
    cst_abort_attach(signal, a);
    assert_int_equal(cst_abort_detach(signal, a), CST_OK);
    assert_int_equal(cst_abort_detach(other, a), CST_OK);
    cst_abort_fire(other);
    test_run_and_expect(world, "");
    cst_abort_fire(signal);
    test_run_and_expect(world, "a:error:ABORT a:close");
    cst_abort_unref(signal);
    cst_abort_unref(other);
}

static void one_that_is_over_already_may_be_detached_before_its_task(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *a = source(world, "a");

    cst_destroy(a, CST_OK);
    test_run(world);
    test_trace_clear(&world->trace);
    assert_int_equal(cst_abort_attach(signal, a), CST_OK);
    assert_int_equal(cst_abort_detach(signal, a), CST_OK);
    test_run_and_expect(world, "");
    cst_abort_unref(signal);
}

static void without_memory_nothing_has_changed(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = NULL;
    cst_stream *a = source(world, "a");

    test_heap_fail_at(&world->heap, 1);
    assert_int_equal(cst_abort_new(&signal, world->ctx), CST_E_NOMEM);
    assert_null(signal);
    signal = new_switch(world);
    test_heap_fail_at(&world->heap, 1);
    assert_int_equal(cst_abort_attach(signal, a), CST_E_NOMEM);
    assert_int_equal(cst_abort_fire(signal), CST_OK);
    test_run_and_expect(world, "");
    assert_false(cst_is_destroyed(a));
    cst_abort_unref(signal);
}

static void wrong_arguments_are_refused(void **state)
{
    struct test_world *world = *state;
    cst_abort *signal = new_switch(world);
    cst_stream *a = source(world, "a");
    cst_abort *foreign;
    cst_ctx *other;

    assert_int_equal(cst_abort_new(NULL, world->ctx), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_new(&foreign, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_attach(NULL, a), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_attach(signal, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_detach(NULL, a), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_detach(signal, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_fire(NULL), CST_E_INVALID_ARG);
    assert_false(cst_abort_fired(NULL));

    assert_int_equal(cst_ctx_new(&other, test_heap_allocator(&world->heap), NULL), CST_OK);
    assert_int_equal(cst_abort_new(&foreign, other), CST_OK);
    assert_int_equal(cst_abort_attach(foreign, a), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_detach(foreign, a), CST_E_INVALID_ARG);
    cst_abort_fire(foreign);
    test_run_and_expect(world, "");
    cst_abort_unref(foreign);
    assert_int_equal(cst_ctx_free(other), CST_OK);
    cst_abort_unref(signal);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(a_switch_destroys_what_it_is_attached_to_in_that_order),
    CASE(it_is_thrown_once),
    CASE(what_is_attached_later_is_destroyed_at_once),
    CASE(a_stream_that_has_ended_is_left_alone),
    CASE(a_stream_that_is_gone_is_forgotten),
    CASE(a_destroy_slot_may_destroy_the_next_in_line),
    CASE(what_is_attached_outlives_the_callers_reference),
    CASE(a_further_reference_keeps_the_switch),
    CASE(what_is_detached_is_left_alone),
    CASE(each_detach_undoes_one_attach),
    CASE(one_that_is_over_already_may_be_detached_before_its_task),
    CASE(without_memory_nothing_has_changed),
    CASE(wrong_arguments_are_refused),
};

TEST_MAIN(tests)

/* test_event.c - event.h: who is called, in which order, and what coming and going during an event
 * does. */
#include "world.h"

static const cst_ops source_ops = { .name = "source" };

static int set_up(void **state)
{
    struct test_world *world;

    test_world_setup(state);
    world = *state;
    assert_int_equal(cst_readable_new(&world->s, world->ctx, &source_ops, NULL, NULL), CST_OK);
    return 0;
}

/* A listener: it says its word, then does its deed. */
struct ear {
    struct test_world *world;
    const char *word;
    void (*deed)(struct test_world *world, struct ear *other);
    struct ear *other;
};

static void hear(cst_stream *s, const cst_event *event, void *arg)
{
    struct ear *ear = arg;

    (void)s;
    (void)event;
    test_trace_add(&ear->world->trace, "%s", ear->word);
    if (ear->deed)
        ear->deed(ear->world, ear->other);
}

/* 'pause' is emitted before this returns, once. */
static void emit(struct test_world *world)
{
    assert_int_equal(cst_resume(world->s), CST_OK);
    assert_int_equal(cst_pause(world->s), CST_OK);
}

static void on(struct ear *ear)
{
    assert_int_equal(cst_on(ear->world->s, CST_PAUSE, hear, ear), CST_OK);
}

static void once(struct ear *ear)
{
    assert_int_equal(cst_once(ear->world->s, CST_PAUSE, hear, ear), CST_OK);
}

static void off(struct ear *ear)
{
    assert_int_equal(cst_off(ear->world->s, CST_PAUSE, hear, ear), CST_OK);
}

/* --- order ------------------------------------------------------------------------------------ */

static void listeners_run_in_their_order_and_prepended_ones_first(void **state)
{
    struct test_world *world = *state;
    struct ear a = { .world = world, .word = "a" }, b = { .world = world, .word = "b" },
               c = { .world = world, .word = "c" }, d = { .world = world, .word = "d" };

    on(&a);
    on(&b);
    assert_int_equal(cst_prepend(world->s, CST_PAUSE, hear, &c), CST_OK);
    assert_int_equal(cst_prepend(world->s, CST_PAUSE, hear, &d), CST_OK);
    emit(world);
    assert_string_equal(world->trace.text, "d c a b");
}

static void one_prepended_for_once_comes_first_and_goes(void **state)
{
    struct test_world *world = *state;
    struct ear a = { .world = world, .word = "a" }, b = { .world = world, .word = "b" },
               c = { .world = world, .word = "c" };

    on(&a);
    assert_int_equal(cst_prepend_once(world->s, CST_PAUSE, hear, &b), CST_OK);
    assert_int_equal(cst_prepend_once(world->s, CST_PAUSE, hear, &c), CST_OK);
    assert_int_equal(cst_listener_count(world->s, CST_PAUSE), 3);
    off(&b);
    emit(world);
    emit(world);
    assert_string_equal(world->trace.text, "c a a");
    assert_int_equal(cst_off(world->s, CST_PAUSE, hear, &c), CST_EMPTY);
}

static void a_listener_added_twice_is_called_twice_and_off_removes_the_later(void **state)
{
    struct test_world *world = *state;
    struct ear a = { .world = world, .word = "a" }, b = { .world = world, .word = "b" };

    on(&a);
    on(&b);
    on(&a);
    assert_int_equal(cst_listener_count(world->s, CST_PAUSE), 3);
    emit(world);
    off(&a);
    emit(world);
    assert_string_equal(world->trace.text, "a b a a b");
    off(&a);
    assert_int_equal(cst_off(world->s, CST_PAUSE, hear, &a), CST_EMPTY);
    assert_int_equal(cst_listener_count(world->s, CST_PAUSE), 1);
}

static void off_looks_at_event_function_and_argument(void **state)
{
    struct test_world *world = *state;
    struct ear a = { .world = world, .word = "a" }, b = { .world = world, .word = "b" };

    on(&a);
    assert_int_equal(cst_off(world->s, CST_RESUME, hear, &a), CST_EMPTY);
    assert_int_equal(cst_off(world->s, CST_PAUSE, hear, &b), CST_EMPTY);
    emit(world);
    assert_string_equal(world->trace.text, "a");
}

static void once_is_called_once_and_can_be_taken_off_before(void **state)
{
    struct test_world *world = *state;
    struct ear a = { .world = world, .word = "a" }, b = { .world = world, .word = "b" };

    once(&a);
    once(&b);
    off(&b);
    assert_int_equal(cst_listener_count(world->s, CST_PAUSE), 1);
    emit(world);
    assert_int_equal(cst_listener_count(world->s, CST_PAUSE), 0);
    emit(world);
    assert_string_equal(world->trace.text, "a");
}

/* --- while the event is emitted --------------------------------------------------------------- */

static void deed_on(struct test_world *world, struct ear *other)
{
    (void)world;
    on(other);
}

static void deed_prepend(struct test_world *world, struct ear *other)
{
    assert_int_equal(cst_prepend(world->s, CST_PAUSE, hear, other), CST_OK);
}

static void deed_off(struct test_world *world, struct ear *other)
{
    (void)world;
    off(other);
}

static void deed_off_all(struct test_world *world, struct ear *other)
{
    (void)other;
    assert_int_equal(cst_off_all(world->s, CST_PAUSE), CST_OK);
    assert_int_equal(cst_listener_count(world->s, CST_PAUSE), 0);
}

static void deed_emit(struct test_world *world, struct ear *other)
{
    other->deed = NULL;
    emit(world);
}

static void deed_off_and_emit(struct test_world *world, struct ear *other)
{
    off(other);
    emit(world);
}

static void one_added_during_the_event_waits_for_the_next(void **state)
{
    struct test_world *world = *state;
    struct ear new_last = { .world = world, .word = "last" },
               new_first = { .world = world, .word = "first" },
               a = { .world = world, .word = "a", .deed = deed_on, .other = &new_last },
               b = { .world = world, .word = "b", .deed = deed_prepend, .other = &new_first };

    once(&a);
    once(&b);
    emit(world);
    assert_string_equal(world->trace.text, "a b");
    emit(world);
    assert_string_equal(world->trace.text, "a b first last");
}

static void one_removed_during_the_event_is_still_called_this_time(void **state)
{
    struct test_world *world = *state;
    struct ear b = { .world = world, .word = "b" }, c = { .world = world, .word = "c" },
               a = { .world = world, .word = "a", .deed = deed_off, .other = &b };

    once(&a);
    on(&b);
    on(&c);
    emit(world);
    assert_string_equal(world->trace.text, "a b c");
    emit(world);
    assert_string_equal(world->trace.text, "a b c c");
}

static void a_once_removed_during_the_event_is_still_called_this_time(void **state)
{
    struct test_world *world = *state;
    struct ear b = { .world = world, .word = "b" },
               a = { .world = world, .word = "a", .deed = deed_off, .other = &b };

    once(&a);
    once(&b);
    emit(world);
    emit(world);
    assert_string_equal(world->trace.text, "a b");
}

static void all_removed_during_the_event_are_still_called_this_time(void **state)
{
    struct test_world *world = *state;
    struct ear b = { .world = world, .word = "b" }, c = { .world = world, .word = "c" },
               a = { .world = world, .word = "a", .deed = deed_off_all };

    on(&a);
    on(&b);
    once(&c);
    emit(world);
    emit(world);
    assert_string_equal(world->trace.text, "a b c");
}

static void a_once_that_emits_its_own_event_is_called_once(void **state)
{
    struct test_world *world = *state;
    struct ear b = { .world = world, .word = "b" },
               a = { .world = world, .word = "a", .deed = deed_emit };

    a.other = &a;
    once(&a);
    on(&b);
    emit(world);
    assert_string_equal(world->trace.text, "a b b");
}

static void a_once_that_an_inner_emission_called_is_not_called_by_the_outer(void **state)
{
    struct test_world *world = *state;
    struct ear b = { .world = world, .word = "b" },
               a = { .world = world, .word = "a", .deed = deed_emit };

    a.other = &a;
    on(&a);
    once(&b);
    emit(world);
    assert_string_equal(world->trace.text, "a a b");
}

static void one_removed_before_an_inner_emission_is_called_by_the_outer_alone(void **state)
{
    struct test_world *world = *state;
    struct ear b = { .world = world, .word = "b" }, c = { .world = world, .word = "c" },
               a = { .world = world, .word = "a", .deed = deed_off_and_emit, .other = &b };

    once(&a);
    on(&b);
    on(&c);
    emit(world);
    assert_string_equal(world->trace.text, "a c b c");
}

/* --- what an event carries, and what listening does ------------------------------------------- */

static void note_fields(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;

    assert_non_null(s);
    test_trace_add(&world->trace, "%d%d%d", event->chunk != NULL, event->error != NULL,
                   event->peer != NULL);
    if (event->chunk)
        assert_true(event->chunk->len == 1 && event->chunk->data[0] == 'x');
    if (event->error)
        assert_int_equal(event->error->status, CST_USER(1));
    if (event->peer)
        assert_ptr_equal(event->peer, world->s);
}

static void an_event_carries_the_fields_that_apply_and_no_others(void **state)
{
    struct test_world *world = *state;
    cst_stream *dest;

    assert_int_equal(cst_passthrough_new(&dest, world->ctx, NULL), CST_OK);
    assert_int_equal(cst_on(world->s, CST_DATA, note_fields, world), CST_OK);
    assert_int_equal(cst_on(world->s, CST_ERROR, note_fields, world), CST_OK);
    assert_int_equal(cst_on(world->s, CST_CLOSE, note_fields, world), CST_OK);
    assert_int_equal(cst_on(dest, CST_PIPE, note_fields, world), CST_OK);
    assert_int_equal(cst_on(dest, CST_UNPIPE, note_fields, world), CST_OK);
    assert_int_equal(cst_pipe(world->s, dest, NULL), CST_OK);
    assert_int_equal(cst_unpipe(world->s, dest), CST_OK);
    assert_string_equal(world->trace.text, "001 001");
    test_trace_clear(&world->trace);
    assert_int_equal(cst_resume(world->s), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_OK);
    assert_int_equal(cst_destroy(world->s, CST_USER(1)), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_string_equal(world->trace.text, "100 010 000");
}

static void data_starts_the_flow_by_a_task_unless_it_was_paused(void **state)
{
    struct test_world *world = *state;
    struct ear a = { .world = world, .word = "a" };

    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_OK);
    assert_int_equal(cst_pause(world->s), CST_OK);
    assert_int_equal(cst_on(world->s, CST_DATA, hear, &a), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_OFF);
    assert_string_equal(world->trace.text, "");
    assert_int_equal(cst_resume(world->s), CST_OK);
    assert_string_equal(world->trace.text, "");
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_string_equal(world->trace.text, "a");
}

static void readable_takes_the_flow_and_its_last_listener_gives_it_back(void **state)
{
    struct test_world *world = *state;
    struct ear d = { .world = world, .word = "data" }, r = { .world = world, .word = "readable" };

    assert_int_equal(cst_on(world->s, CST_DATA, hear, &d), CST_OK);
    assert_int_equal(cst_on(world->s, CST_READABLE, hear, &r), CST_OK);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_OFF);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_string_equal(world->trace.text, "readable");
    assert_int_equal(cst_off(world->s, CST_READABLE, hear, &r), CST_OK);
    assert_string_equal(world->trace.text, "readable");
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_string_equal(world->trace.text, "readable data");
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_ON);
}

static void without_its_last_data_listener_a_stream_flows_on_and_chunks_are_lost(void **state)
{
    struct test_world *world = *state;
    struct ear d = { .world = world, .word = "data" };

    assert_int_equal(cst_on(world->s, CST_DATA, hear, &d), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_off(world->s, CST_DATA, hear, &d), CST_OK);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_ON);
    assert_int_equal(cst_readable_length(world->s), 0);
    assert_string_equal(world->trace.text, "");
}

/* --- codes ------------------------------------------------------------------------------------ */

static void off_all_leaves_a_pipe_as_it_is(void **state)
{
    struct test_world *world = *state;
    struct ear d = { .world = world, .word = "data" };
    cst_stream *dest;
    cst_slice got;
    size_t own;

    assert_int_equal(cst_passthrough_new(&dest, world->ctx, NULL), CST_OK);
    assert_int_equal(cst_pipe(world->s, dest, NULL), CST_OK);
    own = cst_listener_count(world->s, CST_DATA);
    assert_int_equal(own, 1);
    assert_int_equal(cst_on(world->s, CST_DATA, hear, &d), CST_OK);
    assert_int_equal(cst_listener_count(world->s, CST_DATA), own + 1);
    assert_int_equal(cst_off_all(world->s, CST_DATA), CST_OK);
    assert_int_equal(cst_listener_count(world->s, CST_DATA), own);
    assert_int_equal(cst_off_all(dest, CST_UNPIPE), CST_OK);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_read(&got, dest, CST_READ_ANY), CST_OK);
    assert_int_equal(got.len, 1);
    cst_slice_unref(&got);
    assert_string_equal(world->trace.text, "");
}

static void without_memory_nothing_listens_and_nothing_has_changed(void **state)
{
    struct test_world *world = *state;
    struct ear a = { .world = world, .word = "a" };

    /* Every block that the context keeps for listeners is taken first. */
    test_heap_fail_from(&world->heap, 1);
    while (cst_on(world->s, CST_PAUSE, hear, &a) == CST_OK)
        ;
    for (int type = 0; type < CST_EVENT_TYPES_; type++) {
        size_t count = cst_listener_count(world->s, (cst_event_type)type);

        assert_int_equal(cst_on(world->s, (cst_event_type)type, hear, &a), CST_E_NOMEM);
        assert_int_equal(cst_once(world->s, (cst_event_type)type, hear, &a), CST_E_NOMEM);
        assert_int_equal(cst_prepend(world->s, (cst_event_type)type, hear, &a), CST_E_NOMEM);
        assert_int_equal(cst_listener_count(world->s, (cst_event_type)type), count);
    }
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_UNSET);
    assert_false(cst_ctx_has_work(world->ctx));
    test_heap_fail_never(&world->heap);
    assert_int_equal(cst_on(world->s, CST_PAUSE, hear, &a), CST_OK);
}

static void wrong_arguments_are_refused(void **state)
{
    struct test_world *world = *state;
    struct ear a = { .world = world, .word = "a" };
    const cst_event_type no_event = CST_EVENT_TYPES_;

    assert_int_equal(cst_on(NULL, CST_PAUSE, hear, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_on(world->s, CST_PAUSE, NULL, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_on(world->s, no_event, hear, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_once(NULL, CST_PAUSE, hear, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_once(world->s, CST_PAUSE, NULL, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_once(world->s, no_event, hear, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_prepend(NULL, CST_PAUSE, hear, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_prepend(world->s, CST_PAUSE, NULL, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_prepend(world->s, no_event, hear, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_off(NULL, CST_PAUSE, hear, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_off(world->s, CST_PAUSE, NULL, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_off(world->s, no_event, hear, &a), CST_E_INVALID_ARG);
    assert_int_equal(cst_off_all(NULL, CST_PAUSE), CST_E_INVALID_ARG);
    assert_int_equal(cst_off_all(world->s, no_event), CST_E_INVALID_ARG);
    assert_int_equal(cst_off_all(world->s, CST_PAUSE), CST_OK);
    assert_int_equal(cst_listener_count(NULL, CST_PAUSE), 0);
    assert_int_equal(cst_listener_count(world->s, no_event), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(listeners_run_in_their_order_and_prepended_ones_first),
    CASE(one_prepended_for_once_comes_first_and_goes),
    CASE(a_listener_added_twice_is_called_twice_and_off_removes_the_later),
    CASE(off_looks_at_event_function_and_argument),
    CASE(once_is_called_once_and_can_be_taken_off_before),
    CASE(one_added_during_the_event_waits_for_the_next),
    CASE(one_removed_during_the_event_is_still_called_this_time),
    CASE(a_once_removed_during_the_event_is_still_called_this_time),
    CASE(all_removed_during_the_event_are_still_called_this_time),
    CASE(a_once_that_emits_its_own_event_is_called_once),
    CASE(a_once_that_an_inner_emission_called_is_not_called_by_the_outer),
    CASE(one_removed_before_an_inner_emission_is_called_by_the_outer_alone),
    CASE(an_event_carries_the_fields_that_apply_and_no_others),
    CASE(data_starts_the_flow_by_a_task_unless_it_was_paused),
    CASE(readable_takes_the_flow_and_its_last_listener_gives_it_back),
    CASE(without_its_last_data_listener_a_stream_flows_on_and_chunks_are_lost),
    CASE(off_all_leaves_a_pipe_as_it_is),
    CASE(without_memory_nothing_listens_and_nothing_has_changed),
    CASE(wrong_arguments_are_refused),
};

TEST_MAIN(tests)

/* test_node_destroy.c - what Node's own tests of destroy ask for; each case bears the name of the
 * test. */
#include "world.h"

#include <string.h>

/* Slots of a side that the kind lacks are not looked at: one table does for all. */
static const cst_ops hand_ops = { .self_size = sizeof(struct test_stage),
                                  .read = test_stage_read,
                                  .write = test_stage_write,
                                  .transform = test_stage_transform,
                                  .destroy = test_stage_destroy };

/* Make world->s. Its transform echoes. */
static struct test_stage *drive(struct test_world *world, test_new_fn *make)
{
    return test_drive(world, make, &hand_ops, NULL);
}

static void put(struct test_world *world, const char *text)
{
    assert_true(cst_write(world->s, cst_slice_str(text), NULL, NULL) >= 0);
}

/* Words that callbacks can be told apart by. */
static char one[] = "1", two[] = "2", three[] = "3";

/* --- what readables, duplexes and transforms have in common ----------------------------------- */

/* A stream of the kind that flows and has come to rest. */
static struct test_stage *flow(struct test_world *world, test_new_fn *make)
{
    struct test_stage *hand = drive(world, make);

    cst_resume(world->s);
    test_run(world);
    test_trace_clear(&world->trace);
    return hand;
}

static void check_that_destroy_closes(struct test_world *world, test_new_fn *make)
{
    flow(world, make);
    assert_int_equal(cst_destroy(world->s, CST_OK), CST_OK);
    assert_true(cst_is_destroyed(world->s));
    assert_null(cst_errored(world->s));
    test_run(world);
    assert_null(cst_errored(world->s));
    test_expect(world, "destroy close");
}

static void check_that_the_error_is_emitted(struct test_world *world, test_new_fn *make)
{
    flow(world, make);
    cst_destroy(world->s, CST_USER(1));
    assert_true(cst_is_destroyed(world->s));
    assert_int_equal(cst_errored(world->s)->status, CST_USER(1));
    test_expect(world, "destroy:USER");
    test_run(world);
    test_expect(world, "error:USER close");
}

/* What the destroy slot is given, what it answers, and what comes of it. */
static void check_what_the_slot_does(struct test_world *world, test_new_fn *make)
{
    struct test_stage *hand = flow(world, make);

    hand->answers[TEST_DESTROY] = CST_USER(1); /* the same that it was given */
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy:USER error:USER close");
    hand = flow(world, make);
    hand->answers[TEST_DESTROY] = CST_SWALLOW;
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy:USER close");
    hand = flow(world, make);
    hand->answers[TEST_DESTROY] = CST_E_ABORT; /* one of its own */
    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_errored(world->s)->status, CST_E_ABORT);
    test_expect(world, "destroy");
    test_run(world);
    test_expect(world, "error:ABORT close");
}

static void push_eof_and_end(cst_stream *s, struct test_world *world)
{
    cst_push_eof(s);
    if (cst_stream_has_writable(s))
        cst_end(s, NULL, NULL);
    test_answer(world, CST_OK);
}

/* The slot pushes EOF and ends in the next tick, and answers then. */
static void destroy_with_a_late_end(struct test_world *world, test_new_fn *make)
{
    struct test_stage *hand = drive(world, make);

    hand->answers[TEST_DESTROY] = CST_PENDING;
    cst_resume(world->s);
    cst_destroy(world->s, CST_OK);
    test_tick(world, push_eof_and_end, world->s);
    test_run(world);
}

/* --- test-stream-auto-destroy ----------------------------------------------------------------- */

static const char *const two_chunks[] = { "a", "b", NULL };

static void test_stream_auto_destroy__a_readable_after_end(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_readable_new)->chunks = two_chunks;
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "read resume read read end destroy close");
}

static void test_stream_auto_destroy__a_writable_after_finish(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_writable_new);
    put(world, "a");
    put(world, "b");
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "write:a write:b prefinish finish destroy close");
}

static void test_stream_auto_destroy__a_transform_after_both(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_transform_new);
    put(world, "a");
    put(world, "b");
    cst_end(world->s, NULL, NULL);
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "transform:a transform:b prefinish finish resume end destroy close");
}

static void fail_the_destination(cst_stream *s, const char *word, void *arg)
{
    (void)s;
    if (strcmp(word, "read") == 0)
        cst_destroy(arg, CST_USER(1));
}

/*
 * Node's test emits 'error' by hand, for which C has no call: here the destination fails. So its
 * error has been emitted when the pipe hears of it, and as nobody else listens, the run says so, as
 * Node does in that case. A Readable as the destination is refused.
 */
static void test_stream_auto_destroy__a_destination_that_fails_is_unpiped(void **state)
{
    struct test_world *world = *state;
    cst_stream *dest;
    struct test_stage *source;

    drive(world, cst_writable_new);
    dest = world->s;
    assert_int_equal(cst_off_all(dest, CST_ERROR), CST_OK);
    source = drive(world, cst_readable_new);
    source->act = fail_the_destination;
    source->act_arg = dest;
    assert_int_equal(cst_pipe(world->s, dest, NULL), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_expect(world, "pipe read destroy:USER resume pause unpipe close");
    assert_false(cst_is_destroyed(world->s));
    assert_int_equal(cst_pipe(world->s, world->s, NULL), CST_E_INVALID_ARG);
}

/* --- test-stream-destroy-event-order ---------------------------------------------------------- */

static void test_stream_destroy_event_order(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_readable_new);
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy:USER error:USER close");
}

/* --- test-stream-duplex-destroy --------------------------------------------------------------- */

static void test_stream_duplex_destroy__closes_without_end_and_finish(void **state)
{
    check_that_destroy_closes(*state, cst_duplex_new);
}

static void test_stream_duplex_destroy__emits_the_error(void **state)
{
    check_that_the_error_is_emitted(*state, cst_duplex_new);
}

static void test_stream_duplex_destroy__the_slot_passes_swallows_or_replaces_it(void **state)
{
    check_what_the_slot_does(*state, cst_duplex_new);
}

static void test_stream_duplex_destroy__an_end_in_the_slot_comes_too_late(void **state)
{
    struct test_world *world = *state;

    destroy_with_a_late_end(world, cst_duplex_new);
    test_expect(world, "destroy resume close");
}

static void test_stream_duplex_destroy__half_open_makes_no_difference(void **state)
{
    struct test_world *world = *state;

    for (int half_open = 0; half_open <= 1; half_open++) {
        test_drive(world, cst_duplex_new, &hand_ops, &(cst_opts){ .no_half_open = !half_open });
        cst_destroy(world->s, CST_OK);
        test_run(world);
        test_expect(world, "destroy close");
    }
}

static void test_stream_duplex_destroy__a_side_that_is_absent_is_not_waited_for(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_duplex_new, &hand_ops, &(cst_opts){ .no_writable = true });
    cst_push_eof(world->s);
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "resume end destroy close");
    test_drive(world, cst_duplex_new, &hand_ops, &(cst_opts){ .no_readable = true });
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "prefinish finish destroy close");
}

static void say_ended(cst_stream *s, struct test_world *world)
{
    test_trace_add(&world->trace, cst_writable_ended(s) ? "(ended)" : "(open)");
}

/* Once 'end' has come: whether the writable side has ended in it, one task before the end() is
 * due, and after it. */
static void watch_the_end(cst_stream *s, const char *word, void *arg)
{
    struct test_world *world = arg;

    if (strcmp(word, "end") != 0)
        return;
    say_ended(s, world);
    test_tick(world, say_ended, s);
}

static void test_stream_duplex_destroy__no_half_open_ends_one_task_after_end(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand =
        test_drive(world, cst_duplex_new, &hand_ops, &(cst_opts){ .no_half_open = true });

    hand->act = watch_the_end;
    hand->act_arg = world;
    cst_push_eof(world->s);
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "resume end (open) (open) prefinish finish destroy close");
}

static void test_stream_duplex_destroy__an_abort_is_one_error(void **state)
{
    struct test_world *world = *state;
    cst_abort *abort;

    assert_int_equal(cst_abort_new(&abort, world->ctx), CST_OK);
    drive(world, cst_duplex_new);
    assert_int_equal(cst_abort_attach(abort, world->s), CST_OK);
    cst_abort_fire(abort);
    cst_abort_fire(abort);
    test_run(world);
    test_expect(world, "destroy:ABORT error:ABORT close");
    cst_abort_unref(abort);
}

/* --- test-stream-readable-destroy ------------------------------------------------------------- */

static void test_stream_readable_destroy__closes_without_an_error(void **state)
{
    check_that_destroy_closes(*state, cst_readable_new);
}

/* Node's destroy takes a callback, which sees the error at once; cst_destroy has none: cst_errored
 * says it. */
static void test_stream_readable_destroy__emits_the_error_later(void **state)
{
    check_that_the_error_is_emitted(*state, cst_readable_new);
}

static void test_stream_readable_destroy__the_slot_passes_swallows_or_replaces_it(void **state)
{
    check_what_the_slot_does(*state, cst_readable_new);
}

static void test_stream_readable_destroy__eof_in_the_slot_comes_too_late(void **state)
{
    struct test_world *world = *state;

    destroy_with_a_late_end(world, cst_readable_new);
    test_expect(world, "destroy resume close");
}

static void test_stream_readable_destroy__a_second_destroy_changes_nothing(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_readable_new)->answers[TEST_DESTROY] = CST_PENDING;
    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_destroy(world->s, CST_USER(1)), CST_OK);
    test_run(world);
    assert_null(cst_errored(world->s));
    test_expect(world, "destroy");
    test_answer(world, CST_E_ABORT);
    assert_int_equal(cst_errored(world->s)->status, CST_E_ABORT);
    test_run(world);
    test_expect(world, "error:ABORT close");
}

static void push_and_read(cst_stream *s)
{
    cst_slice chunk;

    assert_int_equal(cst_push(s, cst_slice_str("late")), CST_E_DESTROYED);
    assert_int_equal(cst_read(&chunk, s, CST_READ_ANY), CST_EMPTY);
}

static void test_stream_readable_destroy__nothing_is_read_any_more(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_readable_new);
    test_listen(world->s, CST_DATA);
    cst_destroy(world->s, CST_OK);
    push_and_read(world->s);
    test_run(world);
    test_expect(world,
                "destroy resume close"); /* 'data' was listened to, so 'resume' was due: Node's */
}

static cst_status push_after_eof(cst_stream *s, void *self, size_t size)
{
    struct test_stage *hand = self;

    (void)size;
    test_trace_add(&hand->world->trace, "read");
    cst_push_eof(s);
    assert_int_equal(cst_push(s, cst_slice_str("x")), CST_E_PUSH_AFTER_EOF);
    assert_int_equal(cst_errored(s)->status, CST_E_PUSH_AFTER_EOF);
    return CST_OK;
}

static void test_stream_readable_destroy__without_auto_destroy_an_error_is_recorded(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .read = push_after_eof };
    struct test_world *world = *state;
    const struct test_stage hand = { .world = world };
    const cst_opts opts = { .no_auto_destroy = true };
    cst_slice chunk;

    assert_int_equal(cst_readable_new(&world->s, world->ctx, &ops, &hand, &opts), CST_OK);
    test_listen_all(world->s);
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_EOF);
    test_expect(world, "read error:PUSH_AFTER_EOF");
    test_run(world);
    test_expect(world, "");
    assert_false(cst_is_destroyed(world->s));
}

/* Attached before and after the switch was thrown: Node's option signal and addAbortSignal. */
static void test_stream_readable_destroy__an_abort_is_an_error_before_any_data(void **state)
{
    struct test_world *world = *state;
    cst_abort *abort;

    assert_int_equal(cst_abort_new(&abort, world->ctx), CST_OK);
    drive(world, cst_readable_new)->chunks = two_chunks;
    assert_int_equal(cst_abort_attach(abort, world->s), CST_OK);
    test_listen(world->s, CST_DATA);
    cst_abort_fire(abort);
    test_run(world);
    test_expect(world, "destroy:ABORT resume error:ABORT close");
    drive(world, cst_readable_new)->chunks = two_chunks;
    assert_int_equal(cst_abort_attach(abort, world->s), CST_OK);
    test_listen(world->s, CST_DATA);
    test_run(world);
    test_expect(world, "destroy:ABORT error:ABORT close");
    cst_abort_unref(abort);
}

static void push_and_read_at_the_end(cst_stream *s, const char *word, void *arg)
{
    (void)arg;
    if (strncmp(word, "error", 5) == 0 || strcmp(word, "close") == 0)
        push_and_read(s);
}

static void test_stream_readable_destroy__error_and_close_can_add_no_data(void **state)
{
    struct test_world *world = *state;

    for (int clean = 0; clean <= 1; clean++) {
        drive(world, cst_readable_new)->act = push_and_read_at_the_end;
        test_listen(world->s, CST_DATA);
        cst_destroy(world->s, clean ? CST_OK : CST_USER(1));
        test_run(world);
        test_expect(world, clean ? "destroy resume close" : "destroy:USER resume error:USER close");
    }
}

static void test_stream_readable_destroy__what_comes_later_is_dropped(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_readable_new);
    test_listen(world->s, CST_DATA);
    test_run(world);
    test_expect(world, "read resume");
    cst_destroy(world->s, CST_OK);
    assert_int_equal(cst_push(world->s, cst_slice_str("x")), CST_E_DESTROYED);
    assert_int_equal(cst_unshift(world->s, cst_slice_str("y")), CST_E_DESTROYED);
    assert_int_equal(cst_readable_length(world->s), 0);
    test_run(world);
    test_expect(world, "destroy close");
}

/* --- test-stream-transform-destroy ------------------------------------------------------------ */

static void test_stream_transform_destroy__closes_without_end_and_finish(void **state)
{
    check_that_destroy_closes(*state, cst_transform_new);
}

static void test_stream_transform_destroy__emits_the_error(void **state)
{
    check_that_the_error_is_emitted(*state, cst_transform_new);
}

static void test_stream_transform_destroy__the_slot_passes_swallows_or_replaces_it(void **state)
{
    check_what_the_slot_does(*state, cst_transform_new);
}

/* Unlike other streams, whose readable side begins in what Node calls its sync period. */
static void test_stream_transform_destroy__eof_in_the_slot_still_comes(void **state)
{
    struct test_world *world = *state;

    destroy_with_a_late_end(world, cst_transform_new);
    test_expect(world, "destroy resume end close");
}

/* --- test-stream-writable-finish-destroyed ---------------------------------------------------- */

struct closing {
    struct test_world *world;
    bool ends;
};

static void complete_in_close(cst_stream *s, const char *word, void *arg)
{
    struct closing *closing = arg;

    if (strcmp(word, "close") != 0)
        return;
    test_answer(closing->world, CST_OK);
    if (closing->ends)
        assert_int_equal(cst_end(s, NULL, NULL), CST_OK);
}

static struct test_stage *drive_late(struct test_world *world, struct closing *closing)
{
    struct test_stage *hand = drive(world, cst_writable_new);

    hand->answers[TEST_WRITE] = CST_PENDING;
    hand->act = complete_in_close;
    hand->act_arg = closing;
    return hand;
}

static void test_stream_writable_finish_destroyed__after_end(void **state)
{
    struct test_world *world = *state;
    struct closing closing = { .world = world };

    drive_late(world, &closing);
    cst_end_with(world->s, cst_slice_str("x"), NULL, NULL);
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "write:x destroy close");
    assert_int_equal(world->calls.pending, 0);
}

static void test_stream_writable_finish_destroyed__after_an_end_in_close(void **state)
{
    struct test_world *world = *state;
    struct closing closing = { .world = world, .ends = true };

    drive_late(world, &closing);
    put(world, "x");
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "write:x destroy close");
    assert_int_equal(world->calls.pending, 0);
    assert_true(cst_writable_ended(world->s));
}

static void test_stream_writable_finish_destroyed__with_nothing_written(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_writable_new);
    cst_end(world->s, NULL, NULL);
    cst_destroy(world->s, CST_OK);
    test_run(world);
    test_expect(world, "prefinish destroy close");
}

/* --- test-stream-write-destroy ---------------------------------------------------------------- */

/* A write is completed, perhaps one is out, one is written or ended with: then the stream is
 * destroyed. */
static void check_write_then_destroy(struct test_world *world, bool one_is_out, bool ends,
                                     const char *text)
{
    test_drive(world, cst_writable_new, &hand_ops, &(cst_opts){ .high_water_mark = 1 })
        ->answers[TEST_WRITE] = CST_PENDING;
    assert_int_equal(cst_write(world->s, cst_slice_str("abc"), test_on_done, one), CST_FULL);
    test_expect(world, "write:abc");
    test_answer(world, CST_OK);
    test_expect(world, "drain 1");
    if (one_is_out)
        cst_write(world->s, cst_slice_str("def"), test_on_done, two);
    if (ends)
        cst_end_with(world->s, cst_slice_str("ghi"), test_on_done, three);
    else
        cst_write(world->s, cst_slice_str("ghi"), test_on_done, three);
    cst_destroy(world->s, CST_OK);
    test_expect(world, one_is_out ? "write:def destroy" : "write:ghi destroy");
    test_answer(world, CST_OK);
    test_expect(world, text);
    test_run(world);
    test_expect(world, "close");
}

static void test_stream_write_destroy__the_write_that_is_out_is_completed(void **state)
{
    check_write_then_destroy(*state, false, false, "3");
}

static void test_stream_write_destroy__an_end_is_told_that_it_was_destroyed(void **state)
{
    check_write_then_destroy(*state, false, true, "3:DESTROYED");
}

static void test_stream_write_destroy__what_waits_is_told_so_too(void **state)
{
    check_write_then_destroy(*state, true, false, "2 3:DESTROYED");
    check_write_then_destroy(*state, true, true, "2 3:DESTROYED");
}

/* --- test-stream-destroy ---------------------------------------------------------------------- */

/* Node's helper destroys with an AbortError if it gets no error; here the caller says
 * which. */
static void test_stream_destroy__what_has_not_ended_is_aborted(void **state)
{
    static test_new_fn *const kinds[] = { cst_readable_new, cst_writable_new, cst_duplex_new };
    struct test_world *world = *state;

    for (size_t i = 0; i < 3; i++) {
        drive(world, kinds[i]);
        cst_destroy(world->s, CST_E_ABORT);
        test_run(world);
        test_expect(world, "destroy:ABORT error:ABORT close");
        drive(world, kinds[i]);
        cst_destroy(world->s, CST_USER(1));
        test_run(world);
        test_expect(world, "destroy:USER error:USER close");
    }
}

static void destroy_at_end(cst_stream *s, const char *word, void *arg)
{
    (void)arg;
    if (strcmp(word, "end") == 0)
        cst_destroy(s, CST_OK);
}

static void test_stream_destroy__inside_end_is_no_error(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_readable_new)->act = destroy_at_end;
    cst_push_eof(world->s);
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "resume end destroy close");
}

static void test_stream_destroy__pause_and_resume_do_nothing_afterwards(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_readable_new);
    cst_destroy(world->s, CST_OK);
    cst_resume(world->s);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_UNSET);
    cst_pause(world->s);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_UNSET);
    assert_false(cst_is_paused(world->s));
    test_run(world);
    test_expect(world, "destroy close");
    flow(world, cst_readable_new);
    cst_destroy(world->s, CST_OK);
    cst_pause(world->s);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_ON);
    assert_false(cst_is_paused(world->s));
    test_run(world);
    test_expect(world, "destroy close");
    drive(world, cst_readable_new);
    cst_pause(world->s);
    cst_destroy(world->s, CST_OK);
    cst_resume(world->s);
    assert_int_equal(cst_readable_flowing(world->s), CST_FLOWING_OFF);
    assert_true(cst_is_paused(world->s));
    test_run(world);
    test_expect(world, "pause destroy close");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_auto_destroy__a_readable_after_end),
    CASE(test_stream_auto_destroy__a_writable_after_finish),
    CASE(test_stream_auto_destroy__a_transform_after_both),
    CASE(test_stream_auto_destroy__a_destination_that_fails_is_unpiped),
    CASE(test_stream_destroy_event_order),
    CASE(test_stream_duplex_destroy__closes_without_end_and_finish),
    CASE(test_stream_duplex_destroy__emits_the_error),
    CASE(test_stream_duplex_destroy__the_slot_passes_swallows_or_replaces_it),
    CASE(test_stream_duplex_destroy__an_end_in_the_slot_comes_too_late),
    CASE(test_stream_duplex_destroy__half_open_makes_no_difference),
    CASE(test_stream_duplex_destroy__a_side_that_is_absent_is_not_waited_for),
    CASE(test_stream_duplex_destroy__no_half_open_ends_one_task_after_end),
    CASE(test_stream_duplex_destroy__an_abort_is_one_error),
    CASE(test_stream_readable_destroy__closes_without_an_error),
    CASE(test_stream_readable_destroy__emits_the_error_later),
    CASE(test_stream_readable_destroy__the_slot_passes_swallows_or_replaces_it),
    CASE(test_stream_readable_destroy__eof_in_the_slot_comes_too_late),
    CASE(test_stream_readable_destroy__a_second_destroy_changes_nothing),
    CASE(test_stream_readable_destroy__nothing_is_read_any_more),
    CASE(test_stream_readable_destroy__without_auto_destroy_an_error_is_recorded),
    CASE(test_stream_readable_destroy__an_abort_is_an_error_before_any_data),
    CASE(test_stream_readable_destroy__error_and_close_can_add_no_data),
    CASE(test_stream_readable_destroy__what_comes_later_is_dropped),
    CASE(test_stream_transform_destroy__closes_without_end_and_finish),
    CASE(test_stream_transform_destroy__emits_the_error),
    CASE(test_stream_transform_destroy__the_slot_passes_swallows_or_replaces_it),
    CASE(test_stream_transform_destroy__eof_in_the_slot_still_comes),
    CASE(test_stream_writable_finish_destroyed__after_end),
    CASE(test_stream_writable_finish_destroyed__after_an_end_in_close),
    CASE(test_stream_writable_finish_destroyed__with_nothing_written),
    CASE(test_stream_write_destroy__the_write_that_is_out_is_completed),
    CASE(test_stream_write_destroy__an_end_is_told_that_it_was_destroyed),
    CASE(test_stream_write_destroy__what_waits_is_told_so_too),
    CASE(test_stream_destroy__what_has_not_ended_is_aborted),
    CASE(test_stream_destroy__inside_end_is_no_error),
    CASE(test_stream_destroy__pause_and_resume_do_nothing_afterwards),
};

TEST_MAIN(tests)

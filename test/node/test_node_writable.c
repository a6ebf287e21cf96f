/* test_node_writable.c - what Node's own tests of the writable side ask for; each case bears the
 * name of the test. */
#include "world.h"

#include <string.h>

static const cst_ops write_ops = { .self_size = sizeof(struct test_stage),
                                   .write = test_stage_write };
static const cst_ops writev_ops = { .self_size = sizeof(struct test_stage),
                                    .write = test_stage_write,
                                    .writev = test_stage_writev };
static const cst_ops final_ops = { .self_size = sizeof(struct test_stage),
                                   .write = test_stage_write,
                                   .final = test_stage_final };

/* A turn of the host's: the oldest pending slot is answered, and what follows from that is run. */
static void turn(struct test_world *world, cst_status status)
{
    test_answer(world, status);
    test_run(world);
}

/* Words that callbacks can be told apart by. */
static char one[] = "1", two[] = "2", three[] = "3";

/* --- test-stream-writable-constructor-set-methods --------------------------------------------- */

/* In Node the first write fails with ERR_METHOD_NOT_IMPLEMENTED; here the table is refused. */
static void test_stream_writable_constructor_set_methods__without_write_it_is_refused(void **state)
{
    static const cst_ops no_write = { .final = test_stage_final };
    struct test_world *world = *state;

    assert_int_equal(cst_writable_new(&world->s, world->ctx, &no_write, NULL, NULL),
                     CST_E_INVALID_ARG);
}

static void test_stream_writable_constructor_set_methods__writev_gets_what_was_corked(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &writev_ops, NULL);
    cst_write(world->s, cst_slice_str("a"), NULL, NULL);
    cst_cork(world->s);
    cst_write(world->s, cst_slice_str("b"), NULL, NULL);
    cst_write(world->s, cst_slice_str("c"), NULL, NULL);
    test_expect(world, "write:a");
    assert_int_equal(cst_end(world->s, NULL, NULL), CST_OK);
    test_expect(world, "writev:b+c prefinish");
    test_run(world);
    test_expect(world, "finish close");
}

/* --- test-stream-writable-end-multiple -------------------------------------------------------- */

static void end_in_finish(cst_stream *s, const char *word, void *arg)
{
    (void)arg;
    if (strcmp(word, "finish") == 0)
        assert_int_equal(cst_end(s, test_on_done, three), CST_E_ALREADY_FINISHED);
}

static void test_stream_writable_end_multiple(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &write_ops, NULL);

    hand->answers[TEST_WRITE] = CST_PENDING;
    hand->act = end_in_finish;
    assert_int_equal(cst_end_with(world->s, cst_slice_str("hey"), test_on_done, one), CST_OK);
    assert_int_equal(cst_end(world->s, test_on_done, two), CST_OK);
    test_run(world);
    test_expect(world, "write:hey");
    turn(world, CST_OK);
    test_expect(world, "prefinish 1 2 finish 3:ALREADY_FINISHED close");
}

/* --- test-stream-writable-final-async --------------------------------------------------------- */

static void test_stream_writable_final_async(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_duplex_new, &final_ops, NULL);

    hand->answers[TEST_FINAL] = CST_PENDING;
    assert_int_equal(cst_end_with(world->s, cst_slice_str("hi"), test_on_done, one), CST_OK);
    test_run(world);
    test_expect(world, "write:hi final");
    turn(world, CST_OK);
    test_expect(world, "prefinish 1 finish");
}

/* --- test-stream-writable-finished ------------------------------------------------------------ */

/* Add to the words for which it matters whether the stream has finished. */
static void say_finished(cst_stream *s, const char *word, void *arg)
{
    if (strncmp(word, "write", 5) == 0 || strcmp(word, "finish") == 0)
        test_trace_add(arg, cst_writable_finished(s) ? "(finished)" : "(not)");
}

static void say_finished_when_done(cst_stream *s, cst_status status, void *arg)
{
    assert_int_equal(status, CST_OK);
    test_trace_add(arg, cst_writable_finished(s) ? "end(finished)" : "end(not)");
}

static void test_stream_writable_finished__is_true_in_finish_and_for_the_callback(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &write_ops, NULL);

    hand->act = say_finished;
    hand->act_arg = &world->trace;
    assert_false(cst_writable_finished(world->s));
    cst_end_with(world->s, cst_slice_str("a"), say_finished_when_done, &world->trace);
    assert_false(cst_writable_finished(world->s));
    test_run(world);
    assert_true(cst_writable_finished(world->s));
    test_expect(world, "write:a (not) prefinish end(finished) finish (finished) close");
}

static void test_stream_writable_finished__a_listener_added_after_end_hears_finish(void **state)
{
    const struct test_stage hand = { .world = *state };
    struct test_world *world = *state;

    assert_int_equal(cst_writable_new(&world->s, world->ctx, &write_ops, &hand, NULL), CST_OK);
    assert_int_equal(cst_end(world->s, NULL, NULL), CST_OK);
    assert_false(cst_writable_finished(world->s));
    test_listen(world->s, CST_FINISH);
    test_expect(world, "");
    test_run(world);
    test_expect(world, "finish");
}

static void test_stream_writable_finished__prefinish_comes_inside_end(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL);
    cst_end(world->s, NULL, NULL);
    test_expect(world, "prefinish");
    test_drive(world, cst_writable_new, &final_ops, NULL);
    cst_end(world->s, NULL, NULL);
    test_expect(world, "final prefinish");
}

static void test_stream_writable_finished__final_is_called_inside_end(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &final_ops, NULL);

    hand->answers[TEST_FINAL] = CST_PENDING;
    cst_end(world->s, NULL, NULL);
    test_expect(world, "final");
    turn(world, CST_OK);
    test_expect(world, "prefinish finish close");
}

/* --- test-stream-writable-samecb-singletick --------------------------------------------------- */

static void count_call(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    assert_int_equal(status, CST_OK);
    ++*(unsigned *)arg;
}

static void test_stream_writable_samecb_singletick(void **state)
{
    struct test_world *world = *state;
    unsigned calls = 0;

    test_drive(world, cst_writable_new, &write_ops, NULL);
    for (int i = 0; i < 100; i++)
        assert_int_equal(cst_write(world->s, cst_slice_str("a"), count_call, &calls), CST_OK);
    assert_int_equal(calls, 0);
    assert_int_equal(cst_ctx_run(world->ctx, &(cst_budget){ .tasks = 1 }), CST_IDLE);
    assert_int_equal(calls, 100);
}

/* --- test-stream-write-final ------------------------------------------------------------------ */

static void same_stream(cst_stream *s, const char *word, void *arg)
{
    struct test_world *world = arg;

    assert_ptr_equal(s, world->s);
    if (strcmp(word, "final") == 0)
        assert_ptr_equal(cst_this_call(s).stream, s);
}

static void test_stream_write_final(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &final_ops, NULL);

    hand->answers[TEST_FINAL] = CST_PENDING;
    hand->act = same_stream;
    hand->act_arg = world;
    cst_write(world->s, cst_slice_str("x"), NULL, NULL);
    cst_end_with(world->s, cst_slice_empty(), NULL, NULL);
    test_run(world);
    test_expect(world, "write:x write: final");
    turn(world, CST_OK);
    test_expect(world, "prefinish finish close");
}

/* --- test-stream2-writable -------------------------------------------------------------------- */

#define CHUNKS 50u

/* Chunk n is n bytes of one letter; the sink expects them in this order and is answered in later
 * turns. */
struct orderly {
    cst_call call;
    unsigned writes, calls_owed, drains;
    uint32_t dice;
    unsigned next; /* to be written */
    unsigned done[CHUNKS];
};

static const char *letters(unsigned n)
{
    static char text[CHUNKS];

    memset(text, 'a' + (int)(n % 26), sizeof(text));
    return text;
}

static cst_status orderly_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct orderly *o = self;

    assert_int_equal(chunk->len, o->writes);
    assert_memory_equal(chunk->data, letters(o->writes), chunk->len);
    o->writes++;
    o->calls_owed++;
    o->call = cst_this_call(s);
    return CST_PENDING;
}

static const cst_ops orderly_ops = { .self_size = sizeof(struct orderly), .write = orderly_write };

static struct orderly *orderly(struct test_world *world, size_t mark)
{
    const cst_opts opts = { .high_water_mark = mark };

    assert_int_equal(cst_writable_new(&world->s, world->ctx, &orderly_ops, NULL, &opts), CST_OK);
    return cst_stream_self(world->s);
}

static cst_status write_next(struct test_world *world, cst_done_fn *done, void *arg)
{
    struct orderly *o = cst_stream_self(world->s);
    unsigned n = o->next++;

    return cst_write_copy(world->s, letters(n), n, done, arg);
}

/* A turn in which the write that is out may be answered, or not yet. */
static void chance(struct test_world *world)
{
    struct orderly *o = cst_stream_self(world->s);

    o->dice = o->dice * 1664525u + 1013904223u;
    if (o->calls_owed && (o->dice >> 31)) {
        o->calls_owed--;
        assert_int_equal(cst_complete(o->call, CST_OK), CST_OK);
    }
    test_run(world);
}

static void chances_until_finish(struct test_world *world)
{
    for (int turns = 0; !cst_writable_finished(world->s); turns++) {
        assert_in_range(turns, 0, 1000);
        chance(world);
    }
}

static void test_stream2_writable__chunks_come_in_order_then_finish(void **state)
{
    struct test_world *world = *state;
    struct orderly *o = orderly(world, 100);

    while (o->next < CHUNKS)
        write_next(world, NULL, NULL);
    cst_end(world->s, NULL, NULL);
    chances_until_finish(world);
    assert_int_equal(o->writes, CHUNKS);
    assert_int_equal(o->calls_owed, 0);
}

static void test_stream2_writable__chunks_written_in_turns_come_in_order_too(void **state)
{
    struct test_world *world = *state;
    struct orderly *o = orderly(world, 100);

    while (o->next < CHUNKS) {
        write_next(world, NULL, NULL);
        chance(world);
    }
    cst_end(world->s, NULL, NULL);
    chances_until_finish(world);
    assert_int_equal(o->writes, CHUNKS);
}

static void write_until_full(struct test_world *world)
{
    struct orderly *o = cst_stream_self(world->s);
    cst_status st = CST_OK;

    while (o->next < CHUNKS && st == CST_OK)
        st = write_next(world, NULL, NULL);
    if (o->next == CHUNKS) {
        assert_int_equal(cst_end(world->s, NULL, NULL), CST_OK);
    } else {
        assert_int_equal(st, CST_FULL);
        assert_true(cst_writable_length(world->s) >= 50);
    }
}

static void on_drain(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    ((struct orderly *)cst_stream_self(s))->drains++;
    write_until_full(arg);
}

static void test_stream2_writable__a_mark_of_50_drains_17_times(void **state)
{
    struct test_world *world = *state;
    struct orderly *o = orderly(world, 50);

    assert_int_equal(cst_on(world->s, CST_DRAIN, on_drain, world), CST_OK);
    write_until_full(world);
    chances_until_finish(world);
    assert_int_equal(o->drains, 17);
    assert_int_equal(o->writes, CHUNKS);
}

struct after_finish {
    cst_task task;
    struct orderly *o;
    bool checked;
};

static void every_callback_was_called_once(void *arg)
{
    struct after_finish *after = arg;

    for (unsigned n = 0; n < CHUNKS; n++)
        assert_int_equal(after->o->done[n], 1);
    after->checked = true;
}

static void check_one_task_later(cst_stream *s, const cst_event *event, void *arg)
{
    struct after_finish *after = arg;

    (void)event;
    assert_int_equal(
        cst_defer(cst_stream_ctx(s), &after->task, every_callback_was_called_once, after), CST_OK);
}

static void test_stream2_writable__every_callback_is_called_by_one_task_after_finish(void **state)
{
    struct test_world *world = *state;
    struct orderly *o = orderly(world, 100);
    struct after_finish after = { .o = o };

    cst_on(world->s, CST_FINISH, check_one_task_later, &after);
    while (o->next < CHUNKS) {
        unsigned n = o->next;

        write_next(world, count_call, &o->done[n]);
    }
    cst_end(world->s, NULL, NULL);
    chances_until_finish(world);
    assert_true(after.checked);
}

static void test_stream2_writable__the_callback_of_end_follows_that_of_the_write(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &write_ops, NULL);

    cst_end(world->s, test_on_done, one);
    test_run(world);
    test_expect(world, "prefinish 1 finish close");
    test_drive(world, cst_writable_new, &write_ops, NULL);
    cst_end_with(world->s, cst_slice_str("hello"), test_on_done, one);
    test_run(world);
    test_expect(world, "write:hello prefinish 1 finish close");
    hand = test_drive(world, cst_writable_new, &write_ops, NULL);
    hand->answers[TEST_WRITE] = CST_PENDING;
    cst_write(world->s, cst_slice_str("hello"), test_on_done, one);
    cst_end(world->s, test_on_done, two);
    turn(world, CST_OK);
    test_expect(world, "write:hello 1 prefinish 2 finish close");
}

/* Node has a pipe on a pure Writable, whose only act is ERR_STREAM_CANNOT_PIPE; here the call is
 * refused. */
static void test_stream2_writable__nothing_can_be_piped_from_a_pure_writable(void **state)
{
    struct test_world *world = *state;
    cst_stream *source;

    test_drive(world, cst_duplex_new, &write_ops, NULL);
    source = world->s;
    test_drive(world, cst_writable_new, &write_ops, NULL);
    assert_int_equal(cst_pipe(world->s, source, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipe(source, world->s, NULL), CST_OK);
    test_run(world);
    test_expect(world, "pipe resume");
}

struct look {
    cst_task task;
    cst_stream *s;
    cst_status seen;
};

static void look_at_error(void *arg)
{
    struct look *look = arg;

    look->seen = cst_errored(look->s) ? cst_errored(look->s)->status : CST_OK;
}

static void test_stream2_writable__a_second_end_with_data_is_a_write_after_end(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &write_ops, NULL);
    struct look look = { .s = world->s };

    hand->answers[TEST_WRITE] = CST_PENDING;
    cst_end_with(world->s, cst_slice_str("this is the end"), NULL, NULL);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("and so is this"), NULL, NULL),
                     CST_E_WRITE_AFTER_END);
    cst_defer(world->ctx, &look.task, look_at_error, &look);
    test_run(world);
    assert_int_equal(look.seen, CST_E_WRITE_AFTER_END);
    test_expect(world, "write:this is the end error:WRITE_AFTER_END close");
    turn(world, CST_OK);
    test_expect(world, "");
}

static void test_stream2_writable__finish_waits_for_the_write_that_is_out(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &write_ops, NULL);

    hand->answers[TEST_WRITE] = CST_PENDING;
    cst_write(world->s, cst_slice_empty(), NULL, NULL);
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "write:");
    turn(world, CST_OK);
    test_expect(world, "prefinish finish close");
}

static void test_stream2_writable__finish_waits_for_a_callback_that_is_due(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL);
    cst_write(world->s, cst_slice_str("x"), test_on_done, one);
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "write:x prefinish 1 finish close");
}

static void test_stream2_writable__an_empty_last_chunk_is_a_write(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL);
    cst_write(world->s, cst_slice_str("x"), NULL, NULL);
    cst_end_with(world->s, cst_slice_empty(), NULL, NULL);
    test_run(world);
    test_expect(world, "write:x write: prefinish finish close");
}

static void test_stream2_writable__finish_waits_for_a_late_final(void **state)
{
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &final_ops, NULL);

    hand->answers[TEST_FINAL] = CST_PENDING;
    cst_write(world->s, cst_slice_str("x"), NULL, NULL);
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "write:x final");
    turn(world, CST_OK);
    test_expect(world, "prefinish finish close");
}

/* Destroy with another error at the word that arg is. */
static void destroy_at(cst_stream *s, const char *word, void *arg)
{
    if (strcmp(word, arg) == 0)
        assert_int_equal(cst_destroy(s, CST_E_ABORT), CST_OK);
}

static void test_stream2_writable__a_final_that_fails_is_one_error_and_no_finish(void **state)
{
    static char at_error[] = "error:USER", at_final[] = "final";
    struct test_world *world = *state;
    struct test_stage *hand = test_drive(world, cst_writable_new, &final_ops, NULL);

    hand->answers[TEST_FINAL] = CST_USER(1);
    hand->act = destroy_at;
    hand->act_arg = at_error;
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "final error:USER close");
    hand = test_drive(world, cst_writable_new, &final_ops, NULL);
    hand->answers[TEST_FINAL] = CST_USER(1);
    hand->act = destroy_at;
    hand->act_arg = at_final; /* then the other error is the first */
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "final error:ABORT close");
}

/* Node's null chunk; here no bytes where there should be some. */
static void test_stream2_writable__a_null_chunk_is_refused_without_an_event(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL);
    assert_int_equal(cst_write_copy(world->s, NULL, 1, test_on_done, one), CST_E_INVALID_ARG);
    assert_null(cst_errored(world->s));
    test_run(world);
    test_expect(world, "");
}

static void test_stream2_writable__a_destroy_after_a_write_after_end_changes_nothing(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL);
    cst_end(world->s, NULL, NULL);
    assert_int_equal(cst_write(world->s, cst_slice_str("x"), test_on_done, one),
                     CST_E_WRITE_AFTER_END);
    assert_int_equal(cst_destroy(world->s, CST_USER(1)), CST_OK);
    test_run(world);
    test_expect(world, "prefinish 1:WRITE_AFTER_END error:WRITE_AFTER_END close");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_writable_constructor_set_methods__without_write_it_is_refused),
    CASE(test_stream_writable_constructor_set_methods__writev_gets_what_was_corked),
    CASE(test_stream_writable_end_multiple),
    CASE(test_stream_writable_final_async),
    CASE(test_stream_writable_finished__is_true_in_finish_and_for_the_callback),
    CASE(test_stream_writable_finished__a_listener_added_after_end_hears_finish),
    CASE(test_stream_writable_finished__prefinish_comes_inside_end),
    CASE(test_stream_writable_finished__final_is_called_inside_end),
    CASE(test_stream_writable_samecb_singletick),
    CASE(test_stream_write_final),
    CASE(test_stream2_writable__chunks_come_in_order_then_finish),
    CASE(test_stream2_writable__chunks_written_in_turns_come_in_order_too),
    CASE(test_stream2_writable__a_mark_of_50_drains_17_times),
    CASE(test_stream2_writable__every_callback_is_called_by_one_task_after_finish),
    CASE(test_stream2_writable__the_callback_of_end_follows_that_of_the_write),
    CASE(test_stream2_writable__nothing_can_be_piped_from_a_pure_writable),
    CASE(test_stream2_writable__a_second_end_with_data_is_a_write_after_end),
    CASE(test_stream2_writable__finish_waits_for_the_write_that_is_out),
    CASE(test_stream2_writable__finish_waits_for_a_callback_that_is_due),
    CASE(test_stream2_writable__an_empty_last_chunk_is_a_write),
    CASE(test_stream2_writable__finish_waits_for_a_late_final),
    CASE(test_stream2_writable__a_final_that_fails_is_one_error_and_no_finish),
    CASE(test_stream2_writable__a_null_chunk_is_refused_without_an_event),
    CASE(test_stream2_writable__a_destroy_after_a_write_after_end_changes_nothing),
};

TEST_MAIN(tests)

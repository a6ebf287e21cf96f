/* test_node_writable.c - what Node's own tests of the writable side ask for; each case bears the name of the test. */
#include <cstream/cstream.h>

#include <string.h>

#include "hand.h"
#include "heap.h"
#include "main.h"

struct fixture {
    struct test_heap heap;
    struct test_trace trace;
    struct test_calls calls;
    cst_ctx *ctx;
    cst_stream *s;
};

typedef cst_status new_fn(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                          const cst_opts *opts);

static const cst_ops write_ops = { .self_size = sizeof(struct test_hand),
                                   .write = test_hand_write };
static const cst_ops writev_ops = { .self_size = sizeof(struct test_hand),
                                    .write = test_hand_write,
                                    .writev = test_hand_writev };
static const cst_ops final_ops = { .self_size = sizeof(struct test_hand),
                                   .write = test_hand_write,
                                   .final = test_hand_final };

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .ctx = NULL };
    test_heap_init(&f.heap);
    assert_int_equal(cst_ctx_new(&f.ctx, test_heap_allocator(&f.heap), NULL), CST_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
    assert_int_equal(f->heap.live_blocks, 0);
    return 0;
}

/* A new f->s, all of whose events are recorded. */
static struct test_hand *drive(struct fixture *f, new_fn *make, const cst_ops *ops)
{
    const struct test_hand hand = { .trace = &f->trace, .calls = &f->calls };

    assert_int_equal(make(&f->s, f->ctx, ops, &hand, NULL), CST_OK);
    test_hand_listen_all(f->s);
    return cst_stream_self(f->s);
}

static void run(struct fixture *f)
{
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE);
}

static void expect(struct fixture *f, const char *text)
{
    assert_string_equal(f->trace.text, text);
    test_trace_clear(&f->trace);
}

/* A turn of the host's: the oldest pending slot is answered, and what follows from that is run. */
static void turn(struct fixture *f, cst_status status)
{
    test_hand_answer(&f->calls, status);
    run(f);
}

/* Words that callbacks can be told apart by. */
static char one[] = "1", two[] = "2", three[] = "3";

/* --- test-stream-writable-constructor-set-methods --------------------------------------------- */

/* In Node the first write fails with ERR_METHOD_NOT_IMPLEMENTED; here the table is refused. */
static void test_stream_writable_constructor_set_methods__without_write_it_is_refused(void **state)
{
    static const cst_ops no_write = { .final = test_hand_final };
    struct fixture *f = *state;

    assert_int_equal(cst_writable_new(&f->s, f->ctx, &no_write, NULL, NULL), CST_E_INVALID_ARG);
}

static void test_stream_writable_constructor_set_methods__writev_gets_what_was_corked(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &writev_ops);
    cst_write(f->s, cst_slice_str("a"), NULL, NULL);
    cst_cork(f->s);
    cst_write(f->s, cst_slice_str("b"), NULL, NULL);
    cst_write(f->s, cst_slice_str("c"), NULL, NULL);
    expect(f, "write:a");
    assert_int_equal(cst_end(f->s, NULL, NULL), CST_OK);
    expect(f, "writev:b+c prefinish");
    run(f);
    expect(f, "finish close");
}

/* --- test-stream-writable-end-multiple -------------------------------------------------------- */

static void end_in_finish(cst_stream *s, const char *word, void *arg)
{
    (void)arg;
    if (strcmp(word, "finish") == 0)
        assert_int_equal(cst_end(s, test_hand_done, three), CST_E_ALREADY_FINISHED);
}

static void test_stream_writable_end_multiple(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &write_ops);

    hand->answers[TEST_WRITE] = CST_PENDING;
    hand->act = end_in_finish;
    assert_int_equal(cst_end_with(f->s, cst_slice_str("hey"), test_hand_done, one), CST_OK);
    assert_int_equal(cst_end(f->s, test_hand_done, two), CST_OK);
    run(f);
    expect(f, "write:hey");
    turn(f, CST_OK);
    expect(f, "prefinish 1 2 finish 3:ALREADY_FINISHED close");
}

/* --- test-stream-writable-final-async --------------------------------------------------------- */

static void test_stream_writable_final_async(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_duplex_new, &final_ops);

    hand->answers[TEST_FINAL] = CST_PENDING;
    assert_int_equal(cst_end_with(f->s, cst_slice_str("hi"), test_hand_done, one), CST_OK);
    run(f);
    expect(f, "write:hi final");
    turn(f, CST_OK);
    expect(f, "prefinish 1 finish");
}

/* --- test-stream-writable-finished ------------------------------------------------------------ */

/* Adds whether the stream has finished to the words where that matters. */
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
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &write_ops);

    hand->act = say_finished;
    hand->act_arg = &f->trace;
    assert_false(cst_writable_finished(f->s));
    cst_end_with(f->s, cst_slice_str("a"), say_finished_when_done, &f->trace);
    assert_false(cst_writable_finished(f->s));
    run(f);
    assert_true(cst_writable_finished(f->s));
    expect(f, "write:a (not) prefinish end(finished) finish (finished) close");
}

static void test_stream_writable_finished__a_listener_added_after_end_hears_finish(void **state)
{
    const struct test_hand hand = { .trace = &((struct fixture *)*state)->trace };
    struct fixture *f = *state;

    assert_int_equal(cst_writable_new(&f->s, f->ctx, &write_ops, &hand, NULL), CST_OK);
    assert_int_equal(cst_end(f->s, NULL, NULL), CST_OK);
    assert_false(cst_writable_finished(f->s));
    test_hand_listen(f->s, CST_FINISH);
    expect(f, "");
    run(f);
    expect(f, "finish");
}

static void test_stream_writable_finished__prefinish_comes_inside_end(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops);
    cst_end(f->s, NULL, NULL);
    expect(f, "prefinish");
    drive(f, cst_writable_new, &final_ops);
    cst_end(f->s, NULL, NULL);
    expect(f, "final prefinish");
}

static void test_stream_writable_finished__final_is_called_inside_end(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &final_ops);

    hand->answers[TEST_FINAL] = CST_PENDING;
    cst_end(f->s, NULL, NULL);
    expect(f, "final");
    turn(f, CST_OK);
    expect(f, "prefinish finish close");
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
    struct fixture *f = *state;
    unsigned calls = 0;

    drive(f, cst_writable_new, &write_ops);
    for (int i = 0; i < 100; i++)
        assert_int_equal(cst_write(f->s, cst_slice_str("a"), count_call, &calls), CST_OK);
    assert_int_equal(calls, 0);
    assert_int_equal(cst_ctx_run(f->ctx, &(cst_budget){ .tasks = 1 }), CST_IDLE);
    assert_int_equal(calls, 100);
}

/* --- test-stream-write-final ------------------------------------------------------------------ */

static void same_stream(cst_stream *s, const char *word, void *arg)
{
    struct fixture *f = arg;

    assert_ptr_equal(s, f->s);
    if (strcmp(word, "final") == 0)
        assert_ptr_equal(cst_this_call(s).stream, s);
}

static void test_stream_write_final(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &final_ops);

    hand->answers[TEST_FINAL] = CST_PENDING;
    hand->act = same_stream;
    hand->act_arg = f;
    cst_write(f->s, cst_slice_str("x"), NULL, NULL);
    cst_end_with(f->s, cst_slice_empty(), NULL, NULL);
    run(f);
    expect(f, "write:x write: final");
    turn(f, CST_OK);
    expect(f, "prefinish finish close");
}

/* --- test-stream2-writable -------------------------------------------------------------------- */

#define CHUNKS 50u

/* Chunk n is n bytes of one letter; the sink expects them in this order and is answered in later turns. */
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

static struct orderly *orderly(struct fixture *f, size_t mark)
{
    const cst_opts opts = { .high_water_mark = mark };

    assert_int_equal(cst_writable_new(&f->s, f->ctx, &orderly_ops, NULL, &opts), CST_OK);
    return cst_stream_self(f->s);
}

static cst_status write_next(struct fixture *f, cst_done_fn *done, void *arg)
{
    struct orderly *o = cst_stream_self(f->s);
    unsigned n = o->next++;

    return cst_write_copy(f->s, letters(n), n, done, arg);
}

/* A turn in which the write that is out may be answered, or not yet. */
static void chance(struct fixture *f)
{
    struct orderly *o = cst_stream_self(f->s);

    o->dice = o->dice * 1664525u + 1013904223u;
    if (o->calls_owed && (o->dice >> 31)) {
        o->calls_owed--;
        assert_int_equal(cst_complete(o->call, CST_OK), CST_OK);
    }
    run(f);
}

static void chances_until_finish(struct fixture *f)
{
    for (int turns = 0; !cst_writable_finished(f->s); turns++) {
        assert_in_range(turns, 0, 1000);
        chance(f);
    }
}

static void test_stream2_writable__chunks_come_in_order_then_finish(void **state)
{
    struct fixture *f = *state;
    struct orderly *o = orderly(f, 100);

    while (o->next < CHUNKS)
        write_next(f, NULL, NULL);
    cst_end(f->s, NULL, NULL);
    chances_until_finish(f);
    assert_int_equal(o->writes, CHUNKS);
    assert_int_equal(o->calls_owed, 0);
}

static void test_stream2_writable__chunks_written_in_turns_come_in_order_too(void **state)
{
    struct fixture *f = *state;
    struct orderly *o = orderly(f, 100);

    while (o->next < CHUNKS) {
        write_next(f, NULL, NULL);
        chance(f);
    }
    cst_end(f->s, NULL, NULL);
    chances_until_finish(f);
    assert_int_equal(o->writes, CHUNKS);
}

static void write_until_full(struct fixture *f)
{
    struct orderly *o = cst_stream_self(f->s);
    cst_status st = CST_OK;

    while (o->next < CHUNKS && st == CST_OK)
        st = write_next(f, NULL, NULL);
    if (o->next == CHUNKS) {
        assert_int_equal(cst_end(f->s, NULL, NULL), CST_OK);
    } else {
        assert_int_equal(st, CST_FULL);
        assert_true(cst_writable_length(f->s) >= 50);
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
    struct fixture *f = *state;
    struct orderly *o = orderly(f, 50);

    assert_int_equal(cst_on(f->s, CST_DRAIN, on_drain, f), CST_OK);
    write_until_full(f);
    chances_until_finish(f);
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
    struct fixture *f = *state;
    struct orderly *o = orderly(f, 100);
    struct after_finish after = { .o = o };

    cst_on(f->s, CST_FINISH, check_one_task_later, &after);
    while (o->next < CHUNKS) {
        unsigned n = o->next;

        write_next(f, count_call, &o->done[n]);
    }
    cst_end(f->s, NULL, NULL);
    chances_until_finish(f);
    assert_true(after.checked);
}

static void test_stream2_writable__the_callback_of_end_follows_that_of_the_write(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &write_ops);

    cst_end(f->s, test_hand_done, one);
    run(f);
    expect(f, "prefinish 1 finish close");
    drive(f, cst_writable_new, &write_ops);
    cst_end_with(f->s, cst_slice_str("hello"), test_hand_done, one);
    run(f);
    expect(f, "write:hello prefinish 1 finish close");
    hand = drive(f, cst_writable_new, &write_ops);
    hand->answers[TEST_WRITE] = CST_PENDING;
    cst_write(f->s, cst_slice_str("hello"), test_hand_done, one);
    cst_end(f->s, test_hand_done, two);
    turn(f, CST_OK);
    expect(f, "write:hello 1 prefinish 2 finish close");
}

/* Node has a pipe on a pure Writable, whose only act is ERR_STREAM_CANNOT_PIPE; here the call is refused. */
static void test_stream2_writable__nothing_can_be_piped_from_a_pure_writable(void **state)
{
    struct fixture *f = *state;
    cst_stream *source;

    drive(f, cst_duplex_new, &write_ops);
    source = f->s;
    drive(f, cst_writable_new, &write_ops);
    assert_int_equal(cst_pipe(f->s, source, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipe(source, f->s, NULL), CST_OK);
    run(f);
    expect(f, "pipe resume");
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
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &write_ops);
    struct look look = { .s = f->s };

    hand->answers[TEST_WRITE] = CST_PENDING;
    cst_end_with(f->s, cst_slice_str("this is the end"), NULL, NULL);
    assert_int_equal(cst_end_with(f->s, cst_slice_str("and so is this"), NULL, NULL),
                     CST_E_WRITE_AFTER_END);
    cst_defer(f->ctx, &look.task, look_at_error, &look);
    run(f);
    assert_int_equal(look.seen, CST_E_WRITE_AFTER_END);
    expect(f, "write:this is the end error:WRITE_AFTER_END close");
    turn(f, CST_OK);
    expect(f, "");
}

static void test_stream2_writable__finish_waits_for_the_write_that_is_out(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &write_ops);

    hand->answers[TEST_WRITE] = CST_PENDING;
    cst_write(f->s, cst_slice_empty(), NULL, NULL);
    cst_end(f->s, NULL, NULL);
    run(f);
    expect(f, "write:");
    turn(f, CST_OK);
    expect(f, "prefinish finish close");
}

static void test_stream2_writable__finish_waits_for_a_callback_that_is_due(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops);
    cst_write(f->s, cst_slice_str("x"), test_hand_done, one);
    cst_end(f->s, NULL, NULL);
    run(f);
    expect(f, "write:x prefinish 1 finish close");
}

static void test_stream2_writable__an_empty_last_chunk_is_a_write(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops);
    cst_write(f->s, cst_slice_str("x"), NULL, NULL);
    cst_end_with(f->s, cst_slice_empty(), NULL, NULL);
    run(f);
    expect(f, "write:x write: prefinish finish close");
}

static void test_stream2_writable__finish_waits_for_a_late_final(void **state)
{
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &final_ops);

    hand->answers[TEST_FINAL] = CST_PENDING;
    cst_write(f->s, cst_slice_str("x"), NULL, NULL);
    cst_end(f->s, NULL, NULL);
    run(f);
    expect(f, "write:x final");
    turn(f, CST_OK);
    expect(f, "prefinish finish close");
}

/* Destroys with another error at the word that arg is. */
static void destroy_at(cst_stream *s, const char *word, void *arg)
{
    if (strcmp(word, arg) == 0)
        assert_int_equal(cst_destroy(s, CST_E_ABORT), CST_OK);
}

static void test_stream2_writable__a_final_that_fails_is_one_error_and_no_finish(void **state)
{
    static char at_error[] = "error:USER", at_final[] = "final";
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &final_ops);

    hand->answers[TEST_FINAL] = CST_USER(1);
    hand->act = destroy_at;
    hand->act_arg = at_error;
    cst_end(f->s, NULL, NULL);
    run(f);
    expect(f, "final error:USER close");
    hand = drive(f, cst_writable_new, &final_ops);
    hand->answers[TEST_FINAL] = CST_USER(1);
    hand->act = destroy_at;
    hand->act_arg = at_final; /* then the other error is the first */
    cst_end(f->s, NULL, NULL);
    run(f);
    expect(f, "final error:ABORT close");
}

/* Node's null chunk; here no bytes where there should be some. */
static void test_stream2_writable__a_null_chunk_is_refused_without_an_event(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops);
    assert_int_equal(cst_write_copy(f->s, NULL, 1, test_hand_done, one), CST_E_INVALID_ARG);
    assert_null(cst_errored(f->s));
    run(f);
    expect(f, "");
}

static void test_stream2_writable__a_destroy_after_a_write_after_end_changes_nothing(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops);
    cst_end(f->s, NULL, NULL);
    assert_int_equal(cst_write(f->s, cst_slice_str("x"), test_hand_done, one),
                     CST_E_WRITE_AFTER_END);
    assert_int_equal(cst_destroy(f->s, CST_USER(1)), CST_OK);
    run(f);
    expect(f, "prefinish 1:WRITE_AFTER_END error:WRITE_AFTER_END close");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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

/* test_node_cork.c - what Node's own tests of cork and writev ask for; each case bears the name of
 * the test. */
#include "world.h"

#include <string.h>

static const cst_ops write_ops = { .self_size = sizeof(struct test_stage),
                                   .read = test_stage_read,
                                   .write = test_stage_write };
static const cst_ops writev_ops = { .self_size = sizeof(struct test_stage),
                                    .write = test_stage_write,
                                    .writev = test_stage_writev };

/* Make world->s, whose writes are answered with status. */
static struct test_stage *drive(struct test_world *world, test_new_fn *make, const cst_ops *ops,
                                cst_status status, const cst_opts *opts)
{
    struct test_stage *hand = test_drive(world, make, ops, opts);

    hand->answers[TEST_WRITE] = status;
    return hand;
}

/* Write without a callback; it must not be full. */
static void put(struct test_world *world, const char *text)
{
    assert_int_equal(cst_write(world->s, cst_slice_str(text), NULL, NULL), CST_OK);
}

/* Words that callbacks can be told apart by. */
static char words[][2] = { "1", "2", "3", "4", "5", "6" };

/* --- test-stream-writable-clear-buffer -------------------------------------------------------- */

/* In object mode the length counts the requests that are not completed: after the n-th of five,
 * 5 - n. */
static void count_down(cst_stream *s, cst_status status, void *arg)
{
    size_t *left = arg;

    assert_int_equal(status, CST_OK);
    assert_int_equal(cst_writable_length(s), --*left);
}

static void test_stream_writable_clear_buffer(void **state)
{
    static const char *const texts[] = { "0", "1", "2", "3", "4" };
    struct test_world *world = *state;
    size_t left = 5;

    drive(world, cst_writable_new, &write_ops, CST_PENDING, &(cst_opts){ .object_mode = true });
    cst_cork(world->s);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(cst_write(world->s, cst_slice_str(texts[i]), count_down, &left), CST_OK);
    assert_int_equal(cst_writable_length(world->s), 5);
    cst_end(world->s, NULL, NULL);
    for (int turns = 0; turns < 5; turns++) {
        test_answer(world, CST_OK);
        test_run(world);
    }
    assert_int_equal(left, 0);
    test_expect(world, "write:0 write:1 write:2 write:3 write:4 prefinish finish close");
}

/* --- test-stream-writable-properties ---------------------------------------------------------- */

static void test_stream_writable_properties(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_writable_new, &write_ops, CST_OK, NULL);
    assert_int_equal(cst_writable_corked(world->s), 0);
    cst_uncork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 0);
    cst_cork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 1);
    cst_cork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 2);
    cst_uncork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 1);
    cst_uncork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 0);
    cst_uncork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 0);
}

/* --- test-stream-writable-write-writev-finish ------------------------------------------------- */

static void test_stream_writable_write_writev_finish__a_failing_write(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_writable_new, &writev_ops, CST_USER(1), NULL);
    cst_end_with(world->s, cst_slice_str("test"), NULL, NULL);
    test_run(world);
    test_expect(world, "write:test error:USER close");
    drive(world, cst_writable_new, &writev_ops, CST_PENDING, NULL);
    cst_end_with(world->s, cst_slice_str("test"), NULL, NULL);
    test_run(world);
    test_answer(world, CST_USER(1));
    test_run(world);
    test_expect(world, "write:test error:USER close");
}

static void test_stream_writable_write_writev_finish__a_failing_writev(void **state)
{
    static const cst_status answers[] = { CST_USER(1), CST_PENDING };
    struct test_world *world = *state;

    for (size_t i = 0; i < 2; i++) {
        drive(world, cst_writable_new, &writev_ops, answers[i], NULL);
        cst_cork(world->s);
        put(world, "test");
        test_run(world);
        test_expect(world, "");
        cst_end_with(world->s, cst_slice_str("test"), NULL, NULL);
        test_run(world);
        if (world->calls.pending)
            test_answer(world, CST_USER(1));
        test_run(world);
        test_expect(world, "writev:test+test error:USER close");
    }
}

static const char *const hello[] = { "hello", NULL };

/* The source is only listened to by the pipe. What the destination says comes between its read
 * calls. */
static void pipe_hello(struct test_world *world, cst_status answer)
{
    const struct test_stage hand = { .world = world, .chunks = hello };
    cst_stream *source;

    drive(world, cst_writable_new, &write_ops, answer, NULL);
    assert_int_equal(cst_readable_new(&source, world->ctx, &write_ops, &hand, NULL), CST_OK);
    assert_int_equal(cst_pipe(source, world->s, NULL), CST_OK);
    test_run(world);
}

static void test_stream_writable_write_writev_finish__a_failing_destination(void **state)
{
    struct test_world *world = *state;

    pipe_hello(world, CST_USER(1));
    test_expect(world, "pipe read read write:hello unpipe error:USER close");
    pipe_hello(world, CST_PENDING);
    test_expect(world, "pipe read read write:hello");
    test_answer(world, CST_USER(1));
    test_run(world);
    test_expect(world, "unpipe error:USER close");
}

static void write_at(cst_stream *s, const char *word, void *arg)
{
    if (strcmp(word, arg) == 0)
        assert_int_equal(cst_write(s, cst_slice_str("late"), NULL, NULL), CST_E_WRITE_AFTER_END);
}

static void test_stream_writable_write_writev_finish__a_write_in_prefinish(void **state)
{
    static char prefinish[] = "prefinish";
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, cst_writable_new, &write_ops, CST_OK, NULL);

    hand->act = write_at;
    hand->act_arg = prefinish;
    cst_end_with(world->s, cst_slice_str("test"), NULL, NULL);
    test_run(world);
    test_expect(world, "write:test prefinish error:WRITE_AFTER_END close");
}

static void test_stream_writable_write_writev_finish__a_write_in_finish(void **state)
{
    static char finish[] = "finish";
    struct test_world *world = *state;
    struct test_stage *hand = drive(world, cst_writable_new, &write_ops, CST_OK, NULL);

    hand->act = write_at;
    hand->act_arg = finish;
    cst_end_with(world->s, cst_slice_str("test"), NULL, NULL);
    test_run(world);
    test_expect(world, "write:test prefinish finish error:WRITE_AFTER_END close");
}

/* --- test-stream-writableState-uncorked-bufferedRequestCount ---------------------------------- */

/* With chunks of one byte, whose writes are answered inside the slot, the length is what is
 * buffered. */
static void test_stream_writableState_uncorked_bufferedRequestCount(void **state)
{
    struct test_world *world = *state;

    drive(world, cst_writable_new, &writev_ops, CST_OK, NULL);
    cst_cork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 1);
    cst_cork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 2);
    put(world, "a");
    assert_int_equal(cst_writable_length(world->s), 1);
    cst_uncork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 1);
    assert_int_equal(cst_writable_length(world->s), 1);
    put(world, "b");
    assert_int_equal(cst_writable_length(world->s), 2);
    test_run(world);
    test_expect(world, "");
    cst_uncork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 0);
    assert_int_equal(cst_writable_length(world->s), 0);
    test_expect(world, "writev:a+b");
    cst_cork(world->s);
    assert_int_equal(cst_writable_corked(world->s), 1);
    put(world, "c");
    assert_int_equal(cst_writable_length(world->s), 1);
    cst_end(world->s, NULL, NULL);
    assert_int_equal(cst_writable_corked(world->s), 0);
    assert_int_equal(cst_writable_length(world->s), 0);
    test_expect(world, "write:c prefinish");
    test_run(world);
    test_expect(world, "finish close");
}

/* --- test-stream-writev ----------------------------------------------------------------------- */

static void write_five(struct test_world *world, bool nested)
{
    static const char *const texts[] = { "hello, ", "world", "!", "\n", "and then..." };

    for (size_t i = 0; i < 5; i++) {
        if (nested && i == 2)
            cst_cork(world->s);
        assert_int_equal(cst_write(world->s, cst_slice_str(texts[i]), test_on_done, words[i]),
                         CST_OK);
        if (nested && i == 3)
            cst_uncork(world->s);
    }
}

static void test_stream_writev__what_was_corked_goes_out_at_once(void **state)
{
    struct test_world *world = *state;

    for (int i = 0; i < 4; i++) {
        drive(world, cst_writable_new, &writev_ops, CST_OK, NULL);
        cst_cork(world->s);
        write_five(world, i & 1);
        test_run(world);
        test_expect(world, "");
        if (i & 2) {
            cst_uncork(world->s);
            test_expect(world, "writev:hello, +world+!+\n+and then...");
        }
        cst_end(world->s, test_on_done, words[5]);
        test_expect(world, i & 2 ? "prefinish" : "writev:hello, +world+!+\n+and then... prefinish");
        test_run(world);
        test_expect(world, "1 2 3 4 5 6 finish close");
    }
}

static void test_stream_writev__without_write_one_chunk_goes_there_too(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .writev = test_stage_writev };
    struct test_world *world = *state;

    drive(world, cst_writable_new, &ops, CST_OK, NULL);
    cst_write(world->s, cst_slice_str("hello"), test_on_done, words[0]);
    test_expect(world, "writev:hello");
    test_run(world);
    test_expect(world, "1");
}

/* --- test-stream3-cork-uncork ----------------------------------------------------------------- */

static void test_stream3_cork_uncork(void **state)
{
    static const char *const texts[] = { "1", "2", "3", "4" };
    struct test_world *world = *state;

    drive(world, cst_writable_new, &write_ops, CST_OK, NULL);
    put(world, "0");
    test_expect(world, "write:0");
    cst_cork(world->s);
    for (size_t i = 0; i < 4; i++) {
        put(world, texts[i]);
        test_run(world);
        test_expect(world, "");
    }
    cst_uncork(world->s);
    test_expect(world, "write:1 write:2 write:3 write:4");
    test_run(world);
    test_expect(world, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_writable_clear_buffer),
    CASE(test_stream_writable_properties),
    CASE(test_stream_writable_write_writev_finish__a_failing_write),
    CASE(test_stream_writable_write_writev_finish__a_failing_writev),
    CASE(test_stream_writable_write_writev_finish__a_failing_destination),
    CASE(test_stream_writable_write_writev_finish__a_write_in_prefinish),
    CASE(test_stream_writable_write_writev_finish__a_write_in_finish),
    CASE(test_stream_writableState_uncorked_bufferedRequestCount),
    CASE(test_stream_writev__what_was_corked_goes_out_at_once),
    CASE(test_stream_writev__without_write_one_chunk_goes_there_too),
    CASE(test_stream3_cork_uncork),
};

TEST_MAIN(tests)

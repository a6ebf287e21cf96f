/* test_node_cork.c - what Node's own tests of cork and writev ask for; each case bears the name of the test. */
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
                                   .read = test_hand_read,
                                   .write = test_hand_write };
static const cst_ops writev_ops = { .self_size = sizeof(struct test_hand),
                                    .write = test_hand_write,
                                    .writev = test_hand_writev };

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

/* A new f->s, whose writes are answered with status. All of its events but 'data' and 'readable' are recorded. */
static struct test_hand *drive(struct fixture *f, new_fn *make, const cst_ops *ops,
                               cst_status status, const cst_opts *opts)
{
    const struct test_hand hand = { .trace = &f->trace,
                                    .calls = &f->calls,
                                    .answers = { [TEST_WRITE] = status } };

    assert_int_equal(make(&f->s, f->ctx, ops, &hand, opts), CST_OK);
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

/* Writes without a callback; it must not be full. */
static void put(struct fixture *f, const char *text)
{
    assert_int_equal(cst_write(f->s, cst_slice_str(text), NULL, NULL), CST_OK);
}

/* Words that callbacks can be told apart by. */
static char words[][2] = { "1", "2", "3", "4", "5", "6" };

/* --- test-stream-writable-clear-buffer -------------------------------------------------------- */

/* In object mode the length counts the requests that are not completed: after the n-th of five, 5 - n. */
static void count_down(cst_stream *s, cst_status status, void *arg)
{
    size_t *left = arg;

    assert_int_equal(status, CST_OK);
    assert_int_equal(cst_writable_length(s), --*left);
}

static void test_stream_writable_clear_buffer(void **state)
{
    static const char *const texts[] = { "0", "1", "2", "3", "4" };
    struct fixture *f = *state;
    size_t left = 5;

    drive(f, cst_writable_new, &write_ops, CST_PENDING, &(cst_opts){ .object_mode = true });
    cst_cork(f->s);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(cst_write(f->s, cst_slice_str(texts[i]), count_down, &left), CST_OK);
    assert_int_equal(cst_writable_length(f->s), 5);
    cst_end(f->s, NULL, NULL);
    for (int turns = 0; turns < 5; turns++) {
        test_hand_answer(&f->calls, CST_OK);
        run(f);
    }
    assert_int_equal(left, 0);
    expect(f, "write:0 write:1 write:2 write:3 write:4 prefinish finish close");
}

/* --- test-stream-writable-properties ---------------------------------------------------------- */

static void test_stream_writable_properties(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops, CST_OK, NULL);
    assert_int_equal(cst_writable_corked(f->s), 0);
    cst_uncork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 0);
    cst_cork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 1);
    cst_cork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 2);
    cst_uncork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 1);
    cst_uncork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 0);
    cst_uncork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 0);
}

/* --- test-stream-writable-write-writev-finish ------------------------------------------------- */

static void test_stream_writable_write_writev_finish__a_failing_write(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &writev_ops, CST_USER(1), NULL);
    cst_end_with(f->s, cst_slice_str("test"), NULL, NULL);
    run(f);
    expect(f, "write:test error:USER close");
    drive(f, cst_writable_new, &writev_ops, CST_PENDING, NULL);
    cst_end_with(f->s, cst_slice_str("test"), NULL, NULL);
    run(f);
    test_hand_answer(&f->calls, CST_USER(1));
    run(f);
    expect(f, "write:test error:USER close");
}

static void test_stream_writable_write_writev_finish__a_failing_writev(void **state)
{
    static const cst_status answers[] = { CST_USER(1), CST_PENDING };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        drive(f, cst_writable_new, &writev_ops, answers[i], NULL);
        cst_cork(f->s);
        put(f, "test");
        run(f);
        expect(f, "");
        cst_end_with(f->s, cst_slice_str("test"), NULL, NULL);
        run(f);
        if (f->calls.pending)
            test_hand_answer(&f->calls, CST_USER(1));
        run(f);
        expect(f, "writev:test+test error:USER close");
    }
}

static const char *const hello[] = { "hello", NULL };

/* The source is only listened to by the pipe. What the destination says comes between its read calls. */
static void pipe_hello(struct fixture *f, cst_status answer)
{
    const struct test_hand hand = { .trace = &f->trace, .calls = &f->calls, .chunks = hello };
    cst_stream *source;

    drive(f, cst_writable_new, &write_ops, answer, NULL);
    assert_int_equal(cst_readable_new(&source, f->ctx, &write_ops, &hand, NULL), CST_OK);
    assert_int_equal(cst_pipe(source, f->s, NULL), CST_OK);
    run(f);
}

static void test_stream_writable_write_writev_finish__a_failing_destination(void **state)
{
    struct fixture *f = *state;

    pipe_hello(f, CST_USER(1));
    expect(f, "pipe read read write:hello unpipe error:USER close");
    pipe_hello(f, CST_PENDING);
    expect(f, "pipe read read write:hello");
    test_hand_answer(&f->calls, CST_USER(1));
    run(f);
    expect(f, "unpipe error:USER close");
}

static void write_at(cst_stream *s, const char *word, void *arg)
{
    if (strcmp(word, arg) == 0)
        assert_int_equal(cst_write(s, cst_slice_str("late"), NULL, NULL), CST_E_WRITE_AFTER_END);
}

static void test_stream_writable_write_writev_finish__a_write_in_prefinish(void **state)
{
    static char prefinish[] = "prefinish";
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &write_ops, CST_OK, NULL);

    hand->act = write_at;
    hand->act_arg = prefinish;
    cst_end_with(f->s, cst_slice_str("test"), NULL, NULL);
    run(f);
    expect(f, "write:test prefinish error:WRITE_AFTER_END close");
}

static void test_stream_writable_write_writev_finish__a_write_in_finish(void **state)
{
    static char finish[] = "finish";
    struct fixture *f = *state;
    struct test_hand *hand = drive(f, cst_writable_new, &write_ops, CST_OK, NULL);

    hand->act = write_at;
    hand->act_arg = finish;
    cst_end_with(f->s, cst_slice_str("test"), NULL, NULL);
    run(f);
    expect(f, "write:test prefinish finish error:WRITE_AFTER_END close");
}

/* --- test-stream-writableState-uncorked-bufferedRequestCount ---------------------------------- */

/* With chunks of one byte, whose writes are answered inside the slot, the length is what is buffered. */
static void test_stream_writableState_uncorked_bufferedRequestCount(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &writev_ops, CST_OK, NULL);
    cst_cork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 1);
    cst_cork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 2);
    put(f, "a");
    assert_int_equal(cst_writable_length(f->s), 1);
    cst_uncork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 1);
    assert_int_equal(cst_writable_length(f->s), 1);
    put(f, "b");
    assert_int_equal(cst_writable_length(f->s), 2);
    run(f);
    expect(f, "");
    cst_uncork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 0);
    assert_int_equal(cst_writable_length(f->s), 0);
    expect(f, "writev:a+b");
    cst_cork(f->s);
    assert_int_equal(cst_writable_corked(f->s), 1);
    put(f, "c");
    assert_int_equal(cst_writable_length(f->s), 1);
    cst_end(f->s, NULL, NULL);
    assert_int_equal(cst_writable_corked(f->s), 0);
    assert_int_equal(cst_writable_length(f->s), 0);
    expect(f, "write:c prefinish");
    run(f);
    expect(f, "finish close");
}

/* --- test-stream-writev ----------------------------------------------------------------------- */

static void write_five(struct fixture *f, bool nested)
{
    static const char *const texts[] = { "hello, ", "world", "!", "\n", "and then..." };

    for (size_t i = 0; i < 5; i++) {
        if (nested && i == 2)
            cst_cork(f->s);
        assert_int_equal(cst_write(f->s, cst_slice_str(texts[i]), test_hand_done, words[i]),
                         CST_OK);
        if (nested && i == 3)
            cst_uncork(f->s);
    }
}

static void test_stream_writev__what_was_corked_goes_out_at_once(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        drive(f, cst_writable_new, &writev_ops, CST_OK, NULL);
        cst_cork(f->s);
        write_five(f, i & 1);
        run(f);
        expect(f, "");
        if (i & 2) {
            cst_uncork(f->s);
            expect(f, "writev:hello, +world+!+\n+and then...");
        }
        cst_end(f->s, test_hand_done, words[5]);
        expect(f, i & 2 ? "prefinish" : "writev:hello, +world+!+\n+and then... prefinish");
        run(f);
        expect(f, "1 2 3 4 5 6 finish close");
    }
}

static void test_stream_writev__without_write_one_chunk_goes_there_too(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_hand),
                                 .writev = test_hand_writev };
    struct fixture *f = *state;

    drive(f, cst_writable_new, &ops, CST_OK, NULL);
    cst_write(f->s, cst_slice_str("hello"), test_hand_done, words[0]);
    expect(f, "writev:hello");
    run(f);
    expect(f, "1");
}

/* --- test-stream3-cork-uncork ----------------------------------------------------------------- */

static void test_stream3_cork_uncork(void **state)
{
    static const char *const texts[] = { "1", "2", "3", "4" };
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops, CST_OK, NULL);
    put(f, "0");
    expect(f, "write:0");
    cst_cork(f->s);
    for (size_t i = 0; i < 4; i++) {
        put(f, texts[i]);
        run(f);
        expect(f, "");
    }
    cst_uncork(f->s);
    expect(f, "write:1 write:2 write:3 write:4");
    run(f);
    expect(f, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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

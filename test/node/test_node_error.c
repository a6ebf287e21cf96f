/* test_node_error.c - what Node's own tests of errors ask for; each case bears the name of the test. */
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
                                   .write = test_hand_write,
                                   .destroy = test_hand_destroy };
static const cst_ops final_ops = { .self_size = sizeof(struct test_hand),
                                   .write = test_hand_write,
                                   .final = test_hand_final,
                                   .destroy = test_hand_destroy };

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

/* A new f->s, all of whose events but 'data' and 'readable' are recorded. */
static struct test_hand *drive_with(struct fixture *f, new_fn *make, const cst_ops *ops,
                                    const cst_opts *opts)
{
    const struct test_hand hand = { .trace = &f->trace, .calls = &f->calls };

    assert_int_equal(make(&f->s, f->ctx, ops, &hand, opts), CST_OK);
    test_hand_listen_all(f->s);
    return cst_stream_self(f->s);
}

static struct test_hand *drive(struct fixture *f, new_fn *make, const cst_ops *ops)
{
    return drive_with(f, make, ops, NULL);
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

/* Words that callbacks can be told apart by. */
static char one[] = "1", two[] = "2", three[] = "3";

/* --- test-stream-error-once ------------------------------------------------------------------- */

static void test_stream_error_once__a_writable(void **state)
{
    struct fixture *f = *state;

    for (int off = 0; off <= 1; off++) {
        drive_with(f, cst_writable_new, &write_ops, &(cst_opts){ .no_auto_destroy = off });
        cst_end(f->s, NULL, NULL);
        for (int i = 0; i < 2; i++)
            assert_int_equal(cst_write(f->s, cst_slice_str("h"), NULL, NULL),
                             CST_E_WRITE_AFTER_END);
        run(f);
        expect(f, off ? "prefinish error:WRITE_AFTER_END"
                      : "prefinish destroy:WRITE_AFTER_END error:WRITE_AFTER_END close");
    }
}

static void test_stream_error_once__a_readable(void **state)
{
    struct fixture *f = *state;

    for (int off = 0; off <= 1; off++) {
        drive_with(f, cst_readable_new, &write_ops, &(cst_opts){ .no_auto_destroy = off });
        cst_push_eof(f->s);
        for (int i = 0; i < 2; i++)
            assert_int_equal(cst_push(f->s, cst_slice_str("h")), CST_E_PUSH_AFTER_EOF);
        run(f);
        expect(f,
               off ? "error:PUSH_AFTER_EOF" : "destroy:PUSH_AFTER_EOF error:PUSH_AFTER_EOF close");
    }
}

/* --- test-stream-readable-error-end ----------------------------------------------------------- */

/* The flow was queued before the error was, so what is buffered still comes. */
static void test_stream_readable_error_end(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_readable_new, &write_ops);
    test_hand_listen(f->s, CST_DATA);
    cst_push(f->s, cst_slice_str("asd"));
    cst_push_eof(f->s);
    cst_destroy(f->s, CST_USER(1));
    run(f);
    expect(f, "destroy:USER resume data:asd error:USER close");
}

/* --- test-stream-readable-invalid-chunk ------------------------------------------------------- */

/* What is no chunk in C: no bytes where there should be some. A slice to unshift has its bytes by construction. */
static void test_stream_readable_invalid_chunk(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_readable_new, &write_ops);
    assert_int_equal(cst_push_copy(f->s, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_errored(f->s)->status, CST_E_INVALID_ARG);
    run(f);
    expect(f, "destroy:INVALID_ARG error:INVALID_ARG close");
}

/* --- test-stream-readable-with-unimplemented-_read -------------------------------------------- */

/* Node fails the stream with ERR_METHOD_NOT_IMPLEMENTED. Here a table without read is a source that is pushed into from
 * outside, one of the documented differences. */
static void test_stream_readable_with_unimplemented__read(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    drive(f, cst_readable_new, &write_ops);
    assert_int_equal(cst_read(&chunk, f->s, CST_READ_ANY), CST_EMPTY);
    run(f);
    expect(f, "");
    cst_push(f->s, cst_slice_str("a"));
    assert_int_equal(cst_read(&chunk, f->s, CST_READ_ANY), CST_OK);
    assert_true(cst_slice_equals(&chunk, &(cst_slice){ (const uint8_t *)"a", 1, NULL }));
    cst_slice_unref(&chunk);
}

/* --- test-stream-transform-callback-twice ----------------------------------------------------- */

static cst_status answer_twice(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_call call = cst_this_call(s);

    (void)self;
    (void)chunk;
    cst_complete(call, CST_OK);
    cst_complete(call, CST_OK);
    return CST_PENDING;
}

static void test_stream_transform_callback_twice(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_hand), .transform = answer_twice };
    struct fixture *f = *state;

    drive(f, cst_transform_new, &ops);
    cst_write(f->s, cst_slice_str("foo"), NULL, NULL);
    run(f);
    expect(f, "error:MULTIPLE_CALLBACK close");
}

/* --- test-stream-writable-end-cb-error -------------------------------------------------------- */

static void test_stream_writable_end_cb_error__a_failing_write_fails_every_end(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops)->answers[TEST_WRITE] = CST_PENDING;
    cst_write(f->s, cst_slice_str("a"), NULL, NULL);
    assert_int_equal(cst_end(f->s, test_hand_done, one), CST_OK);
    assert_int_equal(cst_end(f->s, test_hand_done, two), CST_OK);
    run(f);
    expect(f, "write:a");
    test_hand_answer(&f->calls, CST_USER(1));
    expect(f, "1:USER 2:USER destroy:USER");
    run(f);
    expect(f, "error:USER close");
}

static void fail_in_finish(cst_stream *s, const char *word, void *arg)
{
    (void)arg;
    if (strcmp(word, "finish") == 0)
        cst_destroy(s, CST_USER(1));
}

static void
test_stream_writable_end_cb_error__an_error_in_finish_comes_after_the_callback(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops)->act = fail_in_finish;
    cst_end_with(f->s, cst_slice_str("a"), test_hand_done, one);
    run(f);
    expect(f, "write:a prefinish 1 finish destroy:USER error:USER close");
}

static void test_stream_writable_end_cb_error__a_write_after_end_fails_every_end(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops)->answers[TEST_WRITE] = CST_PENDING;
    assert_int_equal(cst_end_with(f->s, cst_slice_str("a"), test_hand_done, one), CST_OK);
    assert_true(cst_writable_ended(f->s));
    assert_int_equal(cst_end(f->s, test_hand_done, two), CST_OK);
    assert_false(cst_is_destroyed(f->s));
    assert_int_equal(cst_end_with(f->s, cst_slice_str("b"), test_hand_done, three),
                     CST_E_WRITE_AFTER_END);
    assert_true(cst_is_destroyed(f->s));
    assert_true(cst_writable_ended(f->s));
    expect(f, "write:a destroy:WRITE_AFTER_END");
    run(f);
    expect(f, "error:WRITE_AFTER_END close 3:WRITE_AFTER_END");
    test_hand_answer(&f->calls, CST_OK);
    run(f);
    expect(f, "1:WRITE_AFTER_END 2:WRITE_AFTER_END");
}

/* --- test-stream-writable-end-cb-uncaught ----------------------------------------------------- */

static void write_and_end_unheard(struct fixture *f, cst_status answer)
{
    drive(f, cst_writable_new, &final_ops)->answers[TEST_FINAL] = answer;
    cst_off_all(f->s, CST_ERROR);
    cst_write(f->s, cst_slice_str("a"), NULL, NULL);
    cst_end(f->s, test_hand_done, one);
}

/* Inside the slot the error is there before end has taken its callback, so that this comes by a task of its own. */
static void test_stream_writable_end_cb_uncaught__inside_the_slot(void **state)
{
    struct fixture *f = *state;

    write_and_end_unheard(f, CST_USER(1));
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_E_UNHANDLED);
    expect(f, "write:a final destroy:USER close 1:USER");
    assert_int_equal(cst_errored(f->s)->status, CST_USER(1));
    run(f); /* said once */
}

static void test_stream_writable_end_cb_uncaught__later(void **state)
{
    struct fixture *f = *state;

    write_and_end_unheard(f, CST_PENDING);
    run(f);
    expect(f, "write:a final");
    test_hand_answer(&f->calls, CST_USER(1));
    expect(f, "1:USER destroy:USER");
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_E_UNHANDLED);
    expect(f, "close");
    run(f); /* said once */
}

/* --- test-stream-writable-final-throw --------------------------------------------------------- */

static void test_stream_writable_final_throw(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_duplex_new, &final_ops)->answers[TEST_FINAL] = CST_USER(1);
    cst_end_with(f->s, cst_slice_str("a"), test_hand_done, one);
    run(f);
    expect(f, "write:a final destroy:USER error:USER close 1:USER");
}

/* --- test-stream-writable-invalid-chunk, test-stream-writable-null ---------------------------- */

static const cst_opts objects = { .object_mode = true };

static void check_that_no_chunk_is_refused(struct fixture *f, const cst_opts *opts)
{
    drive_with(f, cst_writable_new, &write_ops, opts);
    assert_int_equal(cst_write_copy(f->s, NULL, 1, test_hand_done, one), CST_E_INVALID_ARG);
    assert_null(cst_errored(f->s));
    assert_false(cst_is_destroyed(f->s));
    assert_int_equal(cst_writable_length(f->s), 0);
    run(f);
    expect(f, "");
}

static void test_stream_writable_invalid_chunk__no_bytes_are_refused_without_an_event(void **state)
{
    check_that_no_chunk_is_refused(*state, NULL);
    check_that_no_chunk_is_refused(*state, &objects);
}

static void test_stream_writable_invalid_chunk__every_slice_is_a_message(void **state)
{
    struct fixture *f = *state;

    drive_with(f, cst_writable_new, &write_ops, &objects);
    assert_int_equal(cst_write(f->s, cst_slice_empty(), test_hand_done, one), CST_OK);
    assert_int_equal(cst_write_copy(f->s, NULL, 0, test_hand_done, two), CST_OK);
    assert_int_equal(cst_write(f->s, cst_slice_str("x"), test_hand_done, three), CST_OK);
    run(f);
    expect(f, "write: write: write:x 1 2 3");
}

static void test_stream_writable_null(void **state)
{
    struct fixture *f = *state;

    check_that_no_chunk_is_refused(f, &objects);
    assert_int_equal(cst_write_copy(f->s, "false", 5, test_hand_done, one), CST_OK);
    run(f);
    expect(f, "write:false 1");
}

/* --- test-stream-writable-write-cb-error ------------------------------------------------------ */

static void test_stream_writable_write_cb_error__inside_the_slot(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops)->answers[TEST_WRITE] = CST_USER(1);
    cst_write(f->s, cst_slice_str("a"), test_hand_done, one);
    expect(f, "write:a");
    run(f);
    expect(f, "1:USER destroy:USER error:USER close");
}

static void test_stream_writable_write_cb_error__later(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_writable_new, &write_ops)->answers[TEST_WRITE] = CST_PENDING;
    cst_write(f->s, cst_slice_str("a"), test_hand_done, one);
    run(f);
    test_hand_answer(&f->calls, CST_USER(1));
    expect(f, "write:a 1:USER destroy:USER");
    run(f);
    expect(f, "error:USER close");
}

static void test_stream_writable_write_cb_error__the_writer_is_told_to_hold(void **state)
{
    struct fixture *f = *state;
    int writes = 0;

    drive(f, cst_writable_new, &write_ops)->answers[TEST_WRITE] = CST_USER(1);
    do
        writes++;
    while (cst_write(f->s, cst_slice_str("a"), test_hand_done, one) == CST_OK && writes < 9);
    assert_int_equal(writes, 1);
    run(f);
    expect(f, "write:a 1:USER destroy:USER error:USER close");
}

/* --- test-stream-writable-write-error --------------------------------------------------------- */

static void test_stream_writable_write_error__after_end(void **state)
{
    struct fixture *f = *state;

    for (int off = 0; off <= 1; off++) {
        drive_with(f, cst_writable_new, &write_ops, &(cst_opts){ .no_auto_destroy = off });
        cst_end(f->s, NULL, NULL);
        assert_int_equal(cst_write(f->s, cst_slice_str("a"), test_hand_done, one),
                         CST_E_WRITE_AFTER_END);
        expect(f, off ? "prefinish" : "prefinish destroy:WRITE_AFTER_END");
        run(f);
        expect(f, off ? "1:WRITE_AFTER_END error:WRITE_AFTER_END"
                      : "1:WRITE_AFTER_END error:WRITE_AFTER_END close");
        assert_int_equal(cst_is_destroyed(f->s), !off);
    }
}

static void test_stream_writable_write_error__no_chunk_is_refused_at_once(void **state)
{
    struct fixture *f = *state;

    for (int off = 0; off <= 1; off++)
        check_that_no_chunk_is_refused(f, &(cst_opts){ .no_auto_destroy = off });
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_error_once__a_writable),
    CASE(test_stream_error_once__a_readable),
    CASE(test_stream_readable_error_end),
    CASE(test_stream_readable_invalid_chunk),
    CASE(test_stream_readable_with_unimplemented__read),
    CASE(test_stream_transform_callback_twice),
    CASE(test_stream_writable_end_cb_error__a_failing_write_fails_every_end),
    CASE(test_stream_writable_end_cb_error__an_error_in_finish_comes_after_the_callback),
    CASE(test_stream_writable_end_cb_error__a_write_after_end_fails_every_end),
    CASE(test_stream_writable_end_cb_uncaught__inside_the_slot),
    CASE(test_stream_writable_end_cb_uncaught__later),
    CASE(test_stream_writable_final_throw),
    CASE(test_stream_writable_invalid_chunk__no_bytes_are_refused_without_an_event),
    CASE(test_stream_writable_invalid_chunk__every_slice_is_a_message),
    CASE(test_stream_writable_null),
    CASE(test_stream_writable_write_cb_error__inside_the_slot),
    CASE(test_stream_writable_write_cb_error__later),
    CASE(test_stream_writable_write_cb_error__the_writer_is_told_to_hold),
    CASE(test_stream_writable_write_error__after_end),
    CASE(test_stream_writable_write_error__no_chunk_is_refused_at_once),
};

TEST_MAIN(tests)

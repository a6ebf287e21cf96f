/* test_node_error.c - what Node's own tests of errors ask for; each case bears the name of the
 * test. */
#include "world.h"

#include <string.h>

static const cst_ops write_ops = { .self_size = sizeof(struct test_stage),
                                   .write = test_stage_write,
                                   .destroy = test_stage_destroy };
static const cst_ops final_ops = { .self_size = sizeof(struct test_stage),
                                   .write = test_stage_write,
                                   .final = test_stage_final,
                                   .destroy = test_stage_destroy };

/* Words that callbacks can be told apart by. */
static char one[] = "1", two[] = "2", three[] = "3";

/* --- test-stream-error-once ------------------------------------------------------------------- */

static void test_stream_error_once__a_writable(void **state)
{
    struct test_world *world = *state;

    for (int off = 0; off <= 1; off++) {
        test_drive(world, cst_writable_new, &write_ops, &(cst_opts){ .no_auto_destroy = off });
        cst_end(world->s, NULL, NULL);
        for (int i = 0; i < 2; i++)
            assert_int_equal(cst_write(world->s, cst_slice_str("h"), NULL, NULL),
                             CST_E_WRITE_AFTER_END);
        test_run(world);
        test_expect(world, off ? "prefinish error:WRITE_AFTER_END"
                               : "prefinish destroy:WRITE_AFTER_END error:WRITE_AFTER_END close");
    }
}

static void test_stream_error_once__a_readable(void **state)
{
    struct test_world *world = *state;

    for (int off = 0; off <= 1; off++) {
        test_drive(world, cst_readable_new, &write_ops, &(cst_opts){ .no_auto_destroy = off });
        cst_push_eof(world->s);
        for (int i = 0; i < 2; i++)
            assert_int_equal(cst_push(world->s, cst_slice_str("h")), CST_E_PUSH_AFTER_EOF);
        test_run(world);
        test_expect(world, off ? "error:PUSH_AFTER_EOF"
                               : "destroy:PUSH_AFTER_EOF error:PUSH_AFTER_EOF close");
    }
}

/* --- test-stream-readable-error-end ----------------------------------------------------------- */

/* The flow was queued before the error was, so what is buffered still comes. */
static void test_stream_readable_error_end(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_readable_new, &write_ops, NULL);
    test_listen(world->s, CST_DATA);
    cst_push(world->s, cst_slice_str("asd"));
    cst_push_eof(world->s);
    cst_destroy(world->s, CST_USER(1));
    test_run(world);
    test_expect(world, "destroy:USER resume data:asd error:USER close");
}

/* --- test-stream-readable-invalid-chunk ------------------------------------------------------- */

/* What is no chunk in C: no bytes where there should be some. A slice to unshift has its bytes by
 * construction. */
static void test_stream_readable_invalid_chunk(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_readable_new, &write_ops, NULL);
    assert_int_equal(cst_push_copy(world->s, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_errored(world->s)->status, CST_E_INVALID_ARG);
    test_run(world);
    test_expect(world, "destroy:INVALID_ARG error:INVALID_ARG close");
}

/* --- test-stream-readable-with-unimplemented-_read -------------------------------------------- */

/* Node fails the stream with ERR_METHOD_NOT_IMPLEMENTED. Here a table without read is a source that
 * is pushed into from outside, one of the documented differences. */
static void test_stream_readable_with_unimplemented__read(void **state)
{
    struct test_world *world = *state;
    cst_slice chunk;

    test_drive(world, cst_readable_new, &write_ops, NULL);
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_EMPTY);
    test_run(world);
    test_expect(world, "");
    cst_push(world->s, cst_slice_str("a"));
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_OK);
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
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .transform = answer_twice };
    struct test_world *world = *state;

    test_drive(world, cst_transform_new, &ops, NULL);
    cst_write(world->s, cst_slice_str("foo"), NULL, NULL);
    test_run(world);
    test_expect(world, "error:MULTIPLE_CALLBACK close");
}

/* --- test-stream-writable-end-cb-error -------------------------------------------------------- */

static void test_stream_writable_end_cb_error__a_failing_write_fails_every_end(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL)->answers[TEST_WRITE] = CST_PENDING;
    cst_write(world->s, cst_slice_str("a"), NULL, NULL);
    assert_int_equal(cst_end(world->s, test_on_done, one), CST_OK);
    assert_int_equal(cst_end(world->s, test_on_done, two), CST_OK);
    test_run(world);
    test_expect(world, "write:a");
    test_answer(world, CST_USER(1));
    test_expect(world, "1:USER 2:USER destroy:USER");
    test_run(world);
    test_expect(world, "error:USER close");
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
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL)->act = fail_in_finish;
    cst_end_with(world->s, cst_slice_str("a"), test_on_done, one);
    test_run(world);
    test_expect(world, "write:a prefinish 1 finish destroy:USER error:USER close");
}

static void test_stream_writable_end_cb_error__a_write_after_end_fails_every_end(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL)->answers[TEST_WRITE] = CST_PENDING;
    assert_int_equal(cst_end_with(world->s, cst_slice_str("a"), test_on_done, one), CST_OK);
    assert_true(cst_writable_ended(world->s));
    assert_int_equal(cst_end(world->s, test_on_done, two), CST_OK);
    assert_false(cst_is_destroyed(world->s));
    assert_int_equal(cst_end_with(world->s, cst_slice_str("b"), test_on_done, three),
                     CST_E_WRITE_AFTER_END);
    assert_true(cst_is_destroyed(world->s));
    assert_true(cst_writable_ended(world->s));
    test_expect(world, "write:a destroy:WRITE_AFTER_END");
    test_run(world);
    test_expect(world, "error:WRITE_AFTER_END close 3:WRITE_AFTER_END");
    test_answer(world, CST_OK);
    test_run(world);
    test_expect(world, "1:WRITE_AFTER_END 2:WRITE_AFTER_END");
}

/* --- test-stream-writable-end-cb-uncaught ----------------------------------------------------- */

static void write_and_end_unheard(struct test_world *world, cst_status answer)
{
    test_drive(world, cst_writable_new, &final_ops, NULL)->answers[TEST_FINAL] = answer;
    cst_off_all(world->s, CST_ERROR);
    cst_write(world->s, cst_slice_str("a"), NULL, NULL);
    cst_end(world->s, test_on_done, one);
}

/* Inside the slot the error is there before end has taken its callback, so that this comes by a
 * task of its own. */
static void test_stream_writable_end_cb_uncaught__inside_the_slot(void **state)
{
    struct test_world *world = *state;

    write_and_end_unheard(world, CST_USER(1));
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_expect(world, "write:a final destroy:USER close 1:USER");
    assert_int_equal(cst_errored(world->s)->status, CST_USER(1));
    test_run(world); /* said once */
}

static void test_stream_writable_end_cb_uncaught__later(void **state)
{
    struct test_world *world = *state;

    write_and_end_unheard(world, CST_PENDING);
    test_run(world);
    test_expect(world, "write:a final");
    test_answer(world, CST_USER(1));
    test_expect(world, "1:USER destroy:USER");
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_expect(world, "close");
    test_run(world); /* said once */
}

/* --- test-stream-writable-final-throw --------------------------------------------------------- */

static void test_stream_writable_final_throw(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_duplex_new, &final_ops, NULL)->answers[TEST_FINAL] = CST_USER(1);
    cst_end_with(world->s, cst_slice_str("a"), test_on_done, one);
    test_run(world);
    test_expect(world, "write:a final destroy:USER error:USER close 1:USER");
}

/* --- test-stream-writable-invalid-chunk, test-stream-writable-null ---------------------------- */

static const cst_opts objects = { .object_mode = true };

static void check_that_no_chunk_is_refused(struct test_world *world, const cst_opts *opts)
{
    test_drive(world, cst_writable_new, &write_ops, opts);
    assert_int_equal(cst_write_copy(world->s, NULL, 1, test_on_done, one), CST_E_INVALID_ARG);
    assert_null(cst_errored(world->s));
    assert_false(cst_is_destroyed(world->s));
    assert_int_equal(cst_writable_length(world->s), 0);
    test_run(world);
    test_expect(world, "");
}

static void test_stream_writable_invalid_chunk__no_bytes_are_refused_without_an_event(void **state)
{
    check_that_no_chunk_is_refused(*state, NULL);
    check_that_no_chunk_is_refused(*state, &objects);
}

static void test_stream_writable_invalid_chunk__every_slice_is_a_message(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, &objects);
    assert_int_equal(cst_write(world->s, cst_slice_empty(), test_on_done, one), CST_OK);
    assert_int_equal(cst_write_copy(world->s, NULL, 0, test_on_done, two), CST_OK);
    assert_int_equal(cst_write(world->s, cst_slice_str("x"), test_on_done, three), CST_OK);
    test_run(world);
    test_expect(world, "write: write: write:x 1 2 3");
}

static void test_stream_writable_null(void **state)
{
    struct test_world *world = *state;

    check_that_no_chunk_is_refused(world, &objects);
    assert_int_equal(cst_write_copy(world->s, "false", 5, test_on_done, one), CST_OK);
    test_run(world);
    test_expect(world, "write:false 1");
}

/* --- test-stream-writable-write-cb-error ------------------------------------------------------ */

static void test_stream_writable_write_cb_error__inside_the_slot(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL)->answers[TEST_WRITE] = CST_USER(1);
    cst_write(world->s, cst_slice_str("a"), test_on_done, one);
    test_expect(world, "write:a");
    test_run(world);
    test_expect(world, "1:USER destroy:USER error:USER close");
}

static void test_stream_writable_write_cb_error__later(void **state)
{
    struct test_world *world = *state;

    test_drive(world, cst_writable_new, &write_ops, NULL)->answers[TEST_WRITE] = CST_PENDING;
    cst_write(world->s, cst_slice_str("a"), test_on_done, one);
    test_run(world);
    test_answer(world, CST_USER(1));
    test_expect(world, "write:a 1:USER destroy:USER");
    test_run(world);
    test_expect(world, "error:USER close");
}

static void test_stream_writable_write_cb_error__the_writer_is_told_to_hold(void **state)
{
    struct test_world *world = *state;
    int writes = 0;

    test_drive(world, cst_writable_new, &write_ops, NULL)->answers[TEST_WRITE] = CST_USER(1);
    do
        writes++;
    while (cst_write(world->s, cst_slice_str("a"), test_on_done, one) == CST_OK && writes < 9);
    assert_int_equal(writes, 1);
    test_run(world);
    test_expect(world, "write:a 1:USER destroy:USER error:USER close");
}

/* --- test-stream-writable-write-error --------------------------------------------------------- */

static void test_stream_writable_write_error__after_end(void **state)
{
    struct test_world *world = *state;

    for (int off = 0; off <= 1; off++) {
        test_drive(world, cst_writable_new, &write_ops, &(cst_opts){ .no_auto_destroy = off });
        cst_end(world->s, NULL, NULL);
        assert_int_equal(cst_write(world->s, cst_slice_str("a"), test_on_done, one),
                         CST_E_WRITE_AFTER_END);
        test_expect(world, off ? "prefinish" : "prefinish destroy:WRITE_AFTER_END");
        test_run(world);
        test_expect(world, off ? "1:WRITE_AFTER_END error:WRITE_AFTER_END"
                               : "1:WRITE_AFTER_END error:WRITE_AFTER_END close");
        assert_int_equal(cst_is_destroyed(world->s), !off);
    }
}

static void test_stream_writable_write_error__no_chunk_is_refused_at_once(void **state)
{
    struct test_world *world = *state;

    for (int off = 0; off <= 1; off++)
        check_that_no_chunk_is_refused(world, &(cst_opts){ .no_auto_destroy = off });
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

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

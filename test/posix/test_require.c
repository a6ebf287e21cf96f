/*
 * test_require.c - what the library says to a mistake of its caller's: with its self-checks
 * (CST_CHECK) it stops with one line that names the public call, else the call does what its header
 * says.
 *
 * Each mistake is made in a child process.
 */
#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstream/cstream.h>

#if defined(CST_CHECK) && !defined(CST_NO_REQUIRE)
#define STOPS true
#else
#define STOPS false
#endif

#define SAID 4096

typedef void mistake_fn(cst_ctx *ctx);

static void run_child(mistake_fn *mistake, int errors)
{
    cst_ctx *ctx;

    dup2(errors, STDERR_FILENO);
    if (cst_ctx_new(&ctx, cst_allocator_malloc(), NULL) != CST_OK)
        test_leave(2);
    mistake(ctx);
    cst_ctx_free(ctx);
    test_leave(0);
}

/* Read what the child has said, all of it. */
static void read_all(char *said, int from)
{
    size_t len = 0;
    ssize_t n;

    while ((n = read(from, said + len, SAID - 1 - len)) > 0)
        len += (size_t)n;
    said[len] = '\0';
}

/* Make a mistake in a child, and check that it ends as it has to. */
static void stops(mistake_fn *mistake, const char *line)
{
    char said[SAID];
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run_child(mistake, ends[1]);
    close(ends[1]);
    read_all(said, ends[0]);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!STOPS) {
        assert_string_equal(said, "");
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        return;
    }
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, line));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
}

/* In the child: what must hold if nothing stops. */
static void need(bool holds)
{
    if (!holds)
        test_leave(3);
}

/* --- a chunk given, but not returned ---------------------------------------------------------- */

static unsigned released;

static void count_release(const void *data, size_t len, void *arg)
{
    (void)arg, (void)data, (void)len;
    released++;
}

static cst_slice lent_slice(cst_stream *s)
{
    cst_slice chunk;

    need(cst_slice_foreign(&chunk, cst_ctx_allocator(cst_stream_ctx(s)), "abc", 3, count_release,
                           NULL) == CST_OK);
    return chunk;
}

static cst_status give_and_return_ok(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self, (void)chunk;
    need(cst_give(s, lent_slice(s)) == CST_GIVEN);
    return CST_OK;
}

static cst_status give_and_fail(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self, (void)chunk;
    need(cst_give(s, lent_slice(s)) == CST_GIVEN);
    return CST_USER(1);
}

static cst_status read_gives_and_returns_ok(cst_stream *s, void *self, size_t size)
{
    (void)self, (void)size;
    need(cst_give(s, lent_slice(s)) == CST_GIVEN);
    return CST_OK;
}

static cst_status take(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s, (void)self, (void)chunk;
    return CST_OK;
}

static const cst_ops sink_ops = { .write = take };

static void transform_forgets_given(cst_ctx *ctx)
{
    static const cst_ops ops = { .transform = give_and_return_ok };
    cst_stream *s;
    cst_slice out;

    need(cst_transform_new(&s, ctx, &ops, NULL, NULL) == CST_OK);
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    need(released == 1 && cst_read(&out, s, CST_READ_ANY) == CST_EMPTY);
    cst_unref(s);
}

/* Likewise on the fast path: with a source in front and a sink behind. */
static void piped_transform_forgets_given(cst_ctx *ctx)
{
    static const cst_ops source_ops = { 0 }, ops = { .transform = give_and_return_ok };
    cst_stream *source, *s, *sink;

    need(cst_readable_new(&source, ctx, &source_ops, NULL, NULL) == CST_OK);
    need(cst_transform_new(&s, ctx, &ops, NULL, NULL) == CST_OK);
    need(cst_writable_new(&sink, ctx, &sink_ops, NULL, NULL) == CST_OK);
    cst_pipe(source, s, NULL);
    cst_pipe(s, sink, NULL);
    cst_ctx_run(ctx, NULL);
    for (int i = 0; i < 3; i++)
        cst_push(source, cst_slice_str("x"));
    cst_ctx_run(ctx, NULL);
    need(released == 3);
    cst_unref(source);
    cst_unref(s);
    cst_unref(sink);
}

static void read_forgets_given(cst_ctx *ctx)
{
    static const cst_ops ops = { .read = read_gives_and_returns_ok };
    cst_stream *s;
    cst_slice out;

    need(cst_readable_new(&s, ctx, &ops, NULL, NULL) == CST_OK);
    need(cst_read(&out, s, CST_READ_ANY) == CST_EMPTY && released == 1);
    cst_unref(s);
}

static void a_slot_that_gives_must_return_what_cst_give_returned(void **state)
{
    (void)state;
    stops(transform_forgets_given, "cst_give: ");
    stops(piped_transform_forgets_given, "cst_give: ");
    stops(read_forgets_given, "cst_give: ");
}

static void failing_after_a_give_is_no_mistake(void **state)
{
    static const cst_ops ops = { .transform = give_and_fail };
    cst_stream *s;
    cst_ctx *ctx;

    (void)state;
    released = 0;
    assert_int_equal(cst_ctx_new(&ctx, cst_allocator_malloc(), NULL), CST_OK);
    assert_int_equal(cst_transform_new(&s, ctx, &ops, NULL, NULL), CST_OK);
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    assert_int_equal(cst_errored(s)->status, CST_USER(1));
    assert_int_equal(released, 1);
    cst_unref(s);
    cst_ctx_free(ctx);
}

/* --- answers that no slot waits for ----------------------------------------------------------- */

static cst_call kept;

static cst_status answer_later(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self, (void)chunk;
    kept = cst_this_call(s);
    return CST_PENDING;
}

static const cst_ops late_sink_ops = { .write = answer_later };
static const cst_ops late_ops = { .transform = answer_later };

static cst_stream *begin_write(cst_ctx *ctx)
{
    cst_stream *s;

    need(cst_writable_new(&s, ctx, &late_sink_ops, NULL, NULL) == CST_OK);
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    return s;
}

static void answer_twice(cst_ctx *ctx)
{
    cst_stream *s = begin_write(ctx);

    cst_complete(kept, CST_OK);
    need(cst_complete(kept, CST_OK) == CST_OK);
    need(cst_errored(s)->status == CST_E_MULTIPLE_CALLBACK);
    cst_unref(s);
}

static void answer_a_transform_twice(cst_ctx *ctx)
{
    cst_stream *s;

    need(cst_transform_new(&s, ctx, &late_ops, NULL, NULL) == CST_OK);
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    cst_complete_with(kept, cst_slice_str("y"));
    need(cst_complete_with(kept, cst_slice_str("y")) == CST_OK);
    cst_unref(s);
}

static void answer_a_closed_stream(cst_ctx *ctx)
{
    cst_stream *s = begin_write(ctx);

    cst_complete(kept, CST_OK);
    cst_destroy(s, CST_OK);
    cst_ctx_run(ctx, NULL);
    need(cst_is_closed(s) && cst_complete(kept, CST_OK) == CST_OK);
    cst_unref(s);
}

static void answer_outside_a_slot(cst_ctx *ctx)
{
    cst_stream *s = begin_write(ctx);

    need(cst_complete(cst_this_call(s), CST_OK) == CST_E_INVALID_ARG);
    cst_complete(kept, CST_OK);
    cst_unref(s);
}

static void answer_with_pending(cst_ctx *ctx)
{
    cst_stream *s = begin_write(ctx);

    need(cst_complete(kept, CST_PENDING) == CST_E_INVALID_ARG);
    cst_complete(kept, CST_OK);
    cst_unref(s);
}

static void answer_a_sink_with_a_chunk(cst_ctx *ctx)
{
    cst_stream *s = begin_write(ctx);

    need(cst_complete_with(kept, cst_slice_str("y")) == CST_E_INVALID_ARG);
    cst_complete(kept, CST_OK);
    cst_unref(s);
}

static void answer_a_sink_with_a_copy(cst_ctx *ctx)
{
    cst_stream *s = begin_write(ctx);

    need(cst_complete_copy(kept, "y", 1) == CST_E_INVALID_ARG);
    cst_complete(kept, CST_OK);
    cst_unref(s);
}

static void a_call_is_answered_once(void **state)
{
    (void)state;
    stops(answer_twice, "cst_complete: ");
    stops(answer_a_transform_twice, "cst_complete: ");
    stops(answer_a_closed_stream, "cst_complete: ");
}

static void what_answers_is_a_call_of_such_a_slot(void **state)
{
    (void)state;
    stops(answer_outside_a_slot, "cst_complete: ");
    stops(answer_with_pending, "cst_complete: ");
    stops(answer_a_sink_with_a_chunk, "cst_complete_with: ");
    stops(answer_a_sink_with_a_copy, "cst_complete_copy: ");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_slot_that_gives_must_return_what_cst_give_returned),
    cmocka_unit_test(failing_after_a_give_is_no_mistake),
    cmocka_unit_test(a_call_is_answered_once),
    cmocka_unit_test(what_answers_is_a_call_of_such_a_slot),
};
TEST_MAIN(tests)

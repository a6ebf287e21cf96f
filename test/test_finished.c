/* test_finished.c - join.h: being told that a stream is over. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "main.h"
#include "turn.h"

static cst_stream *source(struct test_host *host)
{
    cst_stream *s = test_feed_new(host, &(struct test_feed){ .when = TEST_NEVER }, NULL);

    test_trace_listen(&host->trace, s, "r");
    return s;
}

static cst_stream *sink(struct test_host *host, const cst_opts *opts)
{
    cst_stream *s = test_taker_new(host, &(struct test_taker){ .when = TEST_NOW }, opts);

    test_trace_listen(&host->trace, s, "w");
    return s;
}

static void wait_for(struct test_host *host, cst_stream *s, const cst_finished_opts *opts)
{
    assert_int_equal(cst_finished(s, opts, test_host_outcome, host), CST_OK);
}

static void run_and_expect(struct test_host *host, const char *text)
{
    test_host_run(host);
    test_host_expect(host, text);
}

/* Another callback than test_host_outcome. */
static void on_other(const cst_error *error, void *arg)
{
    struct test_host *host = arg;

    test_trace_add(&host->trace, "other:%s:%s", error ? cst_status_name(error->status) : "ok",
                   error ? error->stage : "");
}

static void it_tells_success_error_and_premature_close(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = source(host), *w = sink(host, NULL), *p = test_pass_new(host, NULL);

    wait_for(host, r, NULL);
    wait_for(host, p, NULL);
    wait_for(host, w, NULL);
    cst_destroy(r, CST_OK);
    cst_destroy(p, CST_USER(1));
    cst_end(w, NULL, NULL);
    run_and_expect(host, "r:close done:CST_E_PREMATURE_CLOSE done:CST_USER w:finish w:close "
                         "done:ok");
}

static void the_error_names_the_stage(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = source(host);

    assert_int_equal(cst_finished(r, NULL, on_other, host), CST_OK);
    cst_destroy(r, CST_USER(1));
    run_and_expect(host, "r:error:CST_USER other:CST_USER:feed r:close");
}

static void on_a_closed_stream_it_is_told_by_a_task(void **state)
{
    struct test_host *host = *state;
    cst_stream *w = sink(host, NULL);

    cst_destroy(w, CST_USER(1));
    run_and_expect(host, "w:error:CST_USER w:close");
    wait_for(host, w, NULL);
    test_host_expect(host, "");
    run_and_expect(host, "done:CST_USER");
}

static void what_it_has_settled_does_not_change(void **state)
{
    struct test_host *host = *state;
    cst_stream *w = sink(host, &(cst_opts){ .no_auto_destroy = true });

    cst_end(w, NULL, NULL);
    run_and_expect(host, "w:finish");
    wait_for(host, w, NULL);
    cst_destroy(w, CST_USER(1));
    run_and_expect(host, "done:ok w:error:CST_USER w:close");
}

static void without_no_error_an_error_is_told_in_the_event(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = source(host), *s = source(host);

    wait_for(host, r, NULL);
    cst_destroy(r, CST_USER(1));
    run_and_expect(host, "r:error:CST_USER done:CST_USER r:close");
    wait_for(host, s, &(cst_finished_opts){ .no_error = true });
    assert_int_equal(cst_listener_count(s, CST_ERROR), 1); /* the trace's */
    cst_destroy(s, CST_USER(1));
    run_and_expect(host, "r:error:CST_USER r:close done:CST_USER");
}

static void one_side_alone_does_not_wait_for_close(void **state)
{
    struct test_host *host = *state;
    cst_stream *p = test_pass_new(host, NULL);

    test_trace_listen(&host->trace, p, "p");
    wait_for(host, p, &(cst_finished_opts){ .no_readable = true });
    assert_int_equal(cst_finished(p, &(cst_finished_opts){ .no_writable = true }, on_other, host),
                     CST_OK);
    cst_end(p, NULL, NULL);
    run_and_expect(host, "p:finish done:ok");
    cst_resume(p);
    run_and_expect(host, "p:resume p:end other:ok: p:close");
}

static cst_status take(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_OK;
}

static cst_status final_at_once(cst_stream *s, void *self)
{
    (void)s;
    (void)self;
    return CST_OK;
}

/* An 'end' or 'finish' that was on its way when the stream was destroyed. */
static void after_a_destroy_it_does_not_wait_for_close(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .write = take,
                                 .final = final_at_once };
    struct test_host *host = *state;
    cst_stream *w, *r = source(host);

    assert_int_equal(cst_writable_new(&w, host->ctx, &ops, NULL, NULL), CST_OK);
    test_trace_listen(&host->trace, w, "w");
    wait_for(host, w, NULL);
    cst_end(w, NULL, NULL);
    cst_destroy(w, CST_OK);
    run_and_expect(host, "w:finish done:ok w:close");
    wait_for(host, r, NULL);
    cst_push_eof(r);
    cst_read(NULL, r, 0);
    cst_destroy(r, CST_OK);
    run_and_expect(host, "r:end done:ok r:close");
}

static void a_stream_that_stays_is_over_with_its_second_side(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .write = take };
    struct test_host *host = *state;
    cst_stream *d;

    assert_int_equal(
        cst_duplex_new(&d, host->ctx, &ops, NULL, &(cst_opts){ .no_auto_destroy = true }), CST_OK);
    test_trace_listen(&host->trace, d, "d");
    wait_for(host, d, NULL);
    cst_push_eof(d);
    cst_resume(d);
    run_and_expect(host, "d:resume d:end");
    cst_end(d, NULL, NULL);
    run_and_expect(host, "d:finish done:ok");

    assert_int_equal(
        cst_duplex_new(&d, host->ctx, &ops, NULL, &(cst_opts){ .no_auto_destroy = true }), CST_OK);
    test_trace_listen(&host->trace, d, "d");
    cst_end(d, NULL, NULL);
    run_and_expect(host, "d:finish");
    wait_for(host, d, NULL);
    cst_push_eof(d);
    cst_resume(d);
    run_and_expect(host, "d:resume d:end done:ok");
}

static void a_destroy_without_close_is_told_when_the_stream_is_freed(void **state)
{
    struct test_host *host = *state;
    cst_stream *w = sink(host, &(cst_opts){ .no_emit_close = true });
    cst_stream *r = test_feed_new(host, &(struct test_feed){ .when = TEST_NEVER },
                                  &(cst_opts){ .no_emit_close = true });

    wait_for(host, w, NULL);
    assert_int_equal(cst_finished(r, &(cst_finished_opts){ .no_error = true }, on_other, host),
                     CST_OK);
    cst_destroy(w, CST_OK);
    cst_destroy(r, CST_USER(1));
    assert_int_equal(cst_ctx_run(host->ctx, NULL), CST_E_UNHANDLED);
    test_host_expect(host, "");
    cst_unref(w);
    cst_unref(r);
    run_and_expect(host, "done:CST_E_PREMATURE_CLOSE other:CST_USER:feed");
}

/* Where something else would have told, or it was undone, there is nothing to tell at last. */
static void what_was_told_or_undone_is_not_told_again_when_the_stream_is_freed(void **state)
{
    struct test_host *host = *state;
    cst_stream *w = sink(host, &(cst_opts){ .no_emit_close = true });

    wait_for(host, w, NULL);
    assert_int_equal(cst_finished(w, NULL, on_other, host), CST_OK);
    assert_int_equal(cst_finished_cancel(w, on_other, host), CST_OK);
    cst_end(w, NULL, NULL);
    run_and_expect(host, "w:finish done:ok");
    cst_unref(w);
    run_and_expect(host, "");
}

struct last_word {
    cst_stream *s;
    size_t told;
    cst_status status;
};

/* All streams are still there. */
static void on_last_word(const cst_error *error, void *arg)
{
    struct last_word *last = arg;

    last->told++;
    last->status = error ? error->status : CST_OK;
    assert_true(cst_is_destroyed(last->s));
    cst_unref(last->s);
}

static cst_status no_answer(cst_stream *s, void *self)
{
    (void)s;
    (void)self;
    return CST_PENDING;
}

static cst_status no_answer_to_destroy(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    return no_answer(s, self);
}

/* A stream that never closes: its destroy slot does not answer. */
static void at_the_latest_it_is_told_when_the_context_is_freed(void **state)
{
    static const cst_ops ops = { .name = "mute", .destroy = no_answer_to_destroy };
    struct last_word last = { .told = 0 };
    struct test_heap heap;
    cst_ctx *ctx;

    (void)state;
    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    assert_int_equal(cst_readable_new(&last.s, ctx, &ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_finished(last.s, NULL, on_last_word, &last), CST_OK);
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_int_equal(last.told, 0);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(last.told, 1);
    assert_int_equal(last.status, CST_E_PREMATURE_CLOSE);
    assert_int_equal(heap.live_blocks, 0);
}

static void a_cancelled_one_is_silent(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = source(host);

    assert_int_equal(cst_finished_cancel(r, test_host_outcome, host), CST_EMPTY);
    wait_for(host, r, NULL);
    assert_int_equal(cst_finished_cancel(r, on_other, host), CST_EMPTY);
    assert_int_equal(cst_finished_cancel(r, test_host_outcome, NULL), CST_EMPTY);
    assert_int_equal(cst_finished_cancel(r, test_host_outcome, host), CST_OK);
    assert_int_equal(cst_finished_cancel(r, test_host_outcome, host), CST_EMPTY);
    cst_destroy(r, CST_OK);
    run_and_expect(host, "r:close");
}

static void of_two_that_are_equal_the_last_is_cancelled(void **state)
{
    struct test_host *host = *state;
    cst_stream *p = test_pass_new(host, NULL);

    test_trace_listen(&host->trace, p, "p");
    wait_for(host, p, &(cst_finished_opts){ .no_writable = true });
    wait_for(host, p, &(cst_finished_opts){ .no_readable = true });
    assert_int_equal(cst_finished_cancel(p, test_host_outcome, host), CST_OK);
    cst_end(p, NULL, NULL);
    run_and_expect(host, "p:finish");
    cst_resume(p);
    run_and_expect(host, "p:resume p:end done:ok p:close");
}

static void its_listeners_stay_until_they_are_cancelled(void **state)
{
    struct test_host *host = *state;
    cst_stream *w = test_taker_new(host, &(struct test_taker){ .when = TEST_NOW },
                                   &(cst_opts){ .no_auto_destroy = true });

    wait_for(host, w, NULL);
    cst_end(w, NULL, NULL);
    run_and_expect(host, "done:ok");
    assert_int_equal(cst_listener_count(w, CST_ERROR), 1);
    assert_int_equal(cst_finished_cancel(w, test_host_outcome, host), CST_OK);
    assert_int_equal(cst_listener_count(w, CST_ERROR), 0);
    assert_int_equal(cst_finished_cancel(w, test_host_outcome, host), CST_EMPTY);
    cst_destroy(w, CST_USER(1));
    assert_int_equal(cst_ctx_run(host->ctx, NULL), CST_E_UNHANDLED);
    test_host_expect(host, "");
}

struct ending {
    struct test_host *host;
    cst_stream *stream;
};

static void cancel_and_let_go(const cst_error *error, void *arg)
{
    struct ending *ending = arg;

    test_host_outcome(error, ending->host);
    assert_int_equal(cst_finished_cancel(ending->stream, cancel_and_let_go, ending), CST_OK);
    assert_int_equal(cst_destroy(ending->stream, CST_OK), CST_OK);
    cst_unref(ending->stream);
}

static void done_may_cancel_and_let_the_stream_go(void **state)
{
    struct test_host *host = *state;
    struct ending now = { .host = host, .stream = source(host) };
    struct ending late = { .host = host, .stream = sink(host, NULL) };

    assert_int_equal(cst_finished(now.stream, NULL, cancel_and_let_go, &now), CST_OK);
    cst_destroy(now.stream, CST_USER(1));
    run_and_expect(host, "r:error:CST_USER done:CST_USER r:close");
    cst_destroy(late.stream, CST_OK);
    test_host_run(host);
    test_trace_clear(&host->trace);
    assert_int_equal(cst_finished(late.stream, NULL, cancel_and_let_go, &late), CST_OK);
    run_and_expect(host, "done:CST_E_PREMATURE_CLOSE");
}

static void a_signal_ends_the_wait_and_not_the_stream(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = source(host);
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, host->ctx), CST_OK);
    wait_for(host, r, &(cst_finished_opts){ .signal = signal });
    cst_abort_fire(signal);
    test_host_expect(host, "done:CST_E_ABORT");
    assert_false(cst_is_destroyed(r));
    assert_int_equal(cst_listener_count(r, CST_CLOSE), 1); /* the trace's */
    wait_for(host, r, &(cst_finished_opts){ .signal = signal });
    test_host_expect(host, "");
    run_and_expect(host, "done:CST_E_ABORT");
    cst_abort_unref(signal);
}

static void a_signal_may_be_thrown_when_the_stream_is_gone(void **state)
{
    struct test_host *host = *state;
    cst_stream *w = sink(host, &(cst_opts){ .no_emit_close = true });
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, host->ctx), CST_OK);
    wait_for(host, w, &(cst_finished_opts){ .signal = signal });
    cst_destroy(w, CST_OK);
    cst_unref(w);
    run_and_expect(host, "done:CST_E_PREMATURE_CLOSE");
    cst_abort_fire(signal);
    run_and_expect(host, "");
    cst_abort_unref(signal);
}

static void without_memory_nothing_has_changed(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = test_feed_new(host, &(struct test_feed){ .when = TEST_NEVER }, NULL);

    test_heap_fail_at(&host->heap, 1);
    assert_int_equal(cst_finished(r, NULL, test_host_outcome, host), CST_E_NOMEM);
    assert_int_equal(cst_listener_count(r, CST_CLOSE), 0);
    cst_destroy(r, CST_OK);
    run_and_expect(host, "");
}

static void wrong_arguments_are_refused(void **state)
{
    struct test_host *host = *state;
    cst_stream *r = test_feed_new(host, &(struct test_feed){ .when = TEST_NEVER }, NULL);

    assert_int_equal(cst_finished(NULL, NULL, test_host_outcome, host), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished(r, NULL, NULL, host), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished_cancel(NULL, test_host_outcome, host), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished_cancel(r, NULL, host), CST_E_INVALID_ARG);
    assert_int_equal(cst_listener_count(r, CST_CLOSE), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_host_setup, test_host_teardown)

static const struct CMUnitTest tests[] = {
    CASE(it_tells_success_error_and_premature_close),
    CASE(the_error_names_the_stage),
    CASE(on_a_closed_stream_it_is_told_by_a_task),
    CASE(what_it_has_settled_does_not_change),
    CASE(without_no_error_an_error_is_told_in_the_event),
    CASE(one_side_alone_does_not_wait_for_close),
    CASE(after_a_destroy_it_does_not_wait_for_close),
    CASE(a_stream_that_stays_is_over_with_its_second_side),
    CASE(a_destroy_without_close_is_told_when_the_stream_is_freed),
    CASE(what_was_told_or_undone_is_not_told_again_when_the_stream_is_freed),
    CASE(at_the_latest_it_is_told_when_the_context_is_freed),
    CASE(a_cancelled_one_is_silent),
    CASE(of_two_that_are_equal_the_last_is_cancelled),
    CASE(its_listeners_stay_until_they_are_cancelled),
    CASE(done_may_cancel_and_let_the_stream_go),
    CASE(a_signal_ends_the_wait_and_not_the_stream),
    CASE(a_signal_may_be_thrown_when_the_stream_is_gone),
    CASE(without_memory_nothing_has_changed),
    CASE(wrong_arguments_are_refused),
};

TEST_MAIN(tests)

/* test_finished.c - join.h: being told that a stream is over. */
#include "world.h"

static cst_stream *source(struct test_world *world)
{
    cst_stream *s = test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);

    test_listen_as(world, s, "r");
    return s;
}

static cst_stream *sink(struct test_world *world, const cst_opts *opts)
{
    cst_stream *s = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, opts);

    test_listen_as(world, s, "w");
    return s;
}

static void wait_for(struct test_world *world, cst_stream *s, const cst_finished_opts *opts)
{
    assert_int_equal(cst_finished(s, opts, test_on_outcome, world), CST_OK);
}

/* Another callback than test_on_outcome. */
static void on_other(const cst_error *error, void *arg)
{
    struct test_world *world = arg;

    test_trace_add(&world->trace, "other:%s:%s", error ? test_status_word(error->status) : "ok",
                   error ? error->stage : "");
}

static void it_tells_success_error_and_premature_close(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = source(world), *w = sink(world, NULL), *p = test_pass(world, NULL);

    wait_for(world, r, NULL);
    wait_for(world, p, NULL);
    wait_for(world, w, NULL);
    cst_destroy(r, CST_OK);
    cst_destroy(p, CST_USER(1));
    cst_end(w, NULL, NULL);
    test_run_and_expect(world, "r:close done:PREMATURE_CLOSE done:USER w:finish w:close "
                               "done:ok");
}

static void the_error_names_the_stage(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = source(world);

    assert_int_equal(cst_finished(r, NULL, on_other, world), CST_OK);
    cst_destroy(r, CST_USER(1));
    test_run_and_expect(world, "r:error:USER other:USER:feed r:close");
}

static void on_a_closed_stream_it_is_told_by_a_task(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = sink(world, NULL);

    cst_destroy(w, CST_USER(1));
    test_run_and_expect(world, "w:error:USER w:close");
    wait_for(world, w, NULL);
    test_expect(world, "");
    test_run_and_expect(world, "done:USER");
}

static void what_it_has_settled_does_not_change(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = sink(world, &(cst_opts){ .no_auto_destroy = true });

    cst_end(w, NULL, NULL);
    test_run_and_expect(world, "w:finish");
    wait_for(world, w, NULL);
    cst_destroy(w, CST_USER(1));
    test_run_and_expect(world, "done:ok w:error:USER w:close");
}

static void without_no_error_an_error_is_told_in_the_event(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = source(world), *s = source(world);

    wait_for(world, r, NULL);
    cst_destroy(r, CST_USER(1));
    test_run_and_expect(world, "r:error:USER done:USER r:close");
    wait_for(world, s, &(cst_finished_opts){ .no_error = true });
    assert_int_equal(cst_listener_count(s, CST_ERROR), 1); /* the trace's */
    cst_destroy(s, CST_USER(1));
    test_run_and_expect(world, "r:error:USER r:close done:USER");
}

static void one_side_alone_does_not_wait_for_close(void **state)
{
    struct test_world *world = *state;
    cst_stream *p = test_pass(world, NULL);

    test_listen_as(world, p, "p");
    wait_for(world, p, &(cst_finished_opts){ .no_readable = true });
    assert_int_equal(cst_finished(p, &(cst_finished_opts){ .no_writable = true }, on_other, world),
                     CST_OK);
    cst_end(p, NULL, NULL);
    test_run_and_expect(world, "p:finish done:ok");
    cst_resume(p);
    test_run_and_expect(world, "p:resume p:end other:ok: p:close");
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
                                 .write = test_swallow,
                                 .final = final_at_once };
    struct test_world *world = *state;
    cst_stream *w, *r = source(world);

    assert_int_equal(cst_writable_new(&w, world->ctx, &ops, NULL, NULL), CST_OK);
    test_listen_as(world, w, "w");
    wait_for(world, w, NULL);
    cst_end(w, NULL, NULL);
    cst_destroy(w, CST_OK);
    test_run_and_expect(world, "w:finish done:ok w:close");
    wait_for(world, r, NULL);
    cst_push_eof(r);
    cst_read(NULL, r, 0);
    cst_destroy(r, CST_OK);
    test_run_and_expect(world, "r:end done:ok r:close");
}

static void a_stream_that_stays_is_over_with_its_second_side(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .write = test_swallow };
    struct test_world *world = *state;
    cst_stream *d;

    assert_int_equal(
        cst_duplex_new(&d, world->ctx, &ops, NULL, &(cst_opts){ .no_auto_destroy = true }), CST_OK);
    test_listen_as(world, d, "d");
    wait_for(world, d, NULL);
    cst_push_eof(d);
    cst_resume(d);
    test_run_and_expect(world, "d:resume d:end");
    cst_end(d, NULL, NULL);
    test_run_and_expect(world, "d:finish done:ok");

    assert_int_equal(
        cst_duplex_new(&d, world->ctx, &ops, NULL, &(cst_opts){ .no_auto_destroy = true }), CST_OK);
    test_listen_as(world, d, "d");
    cst_end(d, NULL, NULL);
    test_run_and_expect(world, "d:finish");
    wait_for(world, d, NULL);
    cst_push_eof(d);
    cst_resume(d);
    test_run_and_expect(world, "d:resume d:end done:ok");
}

static void a_destroy_without_close_is_told_when_the_stream_is_freed(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = sink(world, &(cst_opts){ .no_emit_close = true });
    cst_stream *r = test_feed(world, &(struct test_stage){ .when = TEST_NEVER },
                              &(cst_opts){ .no_emit_close = true });

    wait_for(world, w, NULL);
    assert_int_equal(cst_finished(r, &(cst_finished_opts){ .no_error = true }, on_other, world),
                     CST_OK);
    cst_destroy(w, CST_OK);
    cst_destroy(r, CST_USER(1));
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_expect(world, "");
    cst_unref(w);
    cst_unref(r);
    test_run_and_expect(world, "done:PREMATURE_CLOSE other:USER:feed");
}

/* If something else would have told, or it was undone, there is nothing to tell at last. */
static void what_was_told_or_undone_is_not_told_again_when_the_stream_is_freed(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = sink(world, &(cst_opts){ .no_emit_close = true });

    wait_for(world, w, NULL);
    assert_int_equal(cst_finished(w, NULL, on_other, world), CST_OK);
    assert_int_equal(cst_finished_cancel(w, on_other, world), CST_OK);
    cst_end(w, NULL, NULL);
    test_run_and_expect(world, "w:finish done:ok");
    cst_unref(w);
    test_run_and_expect(world, "");
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
    struct test_world *world = *state;
    cst_stream *r = source(world);

    assert_int_equal(cst_finished_cancel(r, test_on_outcome, world), CST_EMPTY);
    wait_for(world, r, NULL);
    assert_int_equal(cst_finished_cancel(r, on_other, world), CST_EMPTY);
    assert_int_equal(cst_finished_cancel(r, test_on_outcome, NULL), CST_EMPTY);
    assert_int_equal(cst_finished_cancel(r, test_on_outcome, world), CST_OK);
    assert_int_equal(cst_finished_cancel(r, test_on_outcome, world), CST_EMPTY);
    cst_destroy(r, CST_OK);
    test_run_and_expect(world, "r:close");
}

static void of_two_that_are_equal_the_last_is_cancelled(void **state)
{
    struct test_world *world = *state;
    cst_stream *p = test_pass(world, NULL);

    test_listen_as(world, p, "p");
    wait_for(world, p, &(cst_finished_opts){ .no_writable = true });
    wait_for(world, p, &(cst_finished_opts){ .no_readable = true });
    assert_int_equal(cst_finished_cancel(p, test_on_outcome, world), CST_OK);
    cst_end(p, NULL, NULL);
    test_run_and_expect(world, "p:finish");
    cst_resume(p);
    test_run_and_expect(world, "p:resume p:end done:ok p:close");
}

static void its_listeners_stay_until_they_are_cancelled(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_taker(world, &(struct test_stage){ .when = TEST_NOW },
                               &(cst_opts){ .no_auto_destroy = true });

    wait_for(world, w, NULL);
    cst_end(w, NULL, NULL);
    test_run_and_expect(world, "done:ok");
    assert_int_equal(cst_listener_count(w, CST_ERROR), 1);
    assert_int_equal(cst_finished_cancel(w, test_on_outcome, world), CST_OK);
    assert_int_equal(cst_listener_count(w, CST_ERROR), 0);
    assert_int_equal(cst_finished_cancel(w, test_on_outcome, world), CST_EMPTY);
    cst_destroy(w, CST_USER(1));
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_expect(world, "");
}

struct ending {
    struct test_world *world;
    cst_stream *stream;
};

static void cancel_and_let_go(const cst_error *error, void *arg)
{
    struct ending *ending = arg;

    test_on_outcome(error, ending->world);
    assert_int_equal(cst_finished_cancel(ending->stream, cancel_and_let_go, ending), CST_OK);
    assert_int_equal(cst_destroy(ending->stream, CST_OK), CST_OK);
    cst_unref(ending->stream);
}

static void done_may_cancel_and_let_the_stream_go(void **state)
{
    struct test_world *world = *state;
    struct ending now = { .world = world, .stream = source(world) };
    struct ending late = { .world = world, .stream = sink(world, NULL) };

    assert_int_equal(cst_finished(now.stream, NULL, cancel_and_let_go, &now), CST_OK);
    cst_destroy(now.stream, CST_USER(1));
    test_run_and_expect(world, "r:error:USER done:USER r:close");
    cst_destroy(late.stream, CST_OK);
    test_run(world);
    test_trace_clear(&world->trace);
    assert_int_equal(cst_finished(late.stream, NULL, cancel_and_let_go, &late), CST_OK);
    test_run_and_expect(world, "done:PREMATURE_CLOSE");
}

static void a_signal_ends_the_wait_and_not_the_stream(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = source(world);
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, world->ctx), CST_OK);
    wait_for(world, r, &(cst_finished_opts){ .signal = signal });
    cst_abort_fire(signal);
    test_expect(world, "done:ABORT");
    assert_false(cst_is_destroyed(r));
    assert_int_equal(cst_listener_count(r, CST_CLOSE), 1); /* the trace's */
    wait_for(world, r, &(cst_finished_opts){ .signal = signal });
    test_expect(world, "");
    test_run_and_expect(world, "done:ABORT");
    cst_abort_unref(signal);
}

static void a_signal_may_be_thrown_when_the_stream_is_gone(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = sink(world, &(cst_opts){ .no_emit_close = true });
    cst_abort *signal;

    assert_int_equal(cst_abort_new(&signal, world->ctx), CST_OK);
    wait_for(world, w, &(cst_finished_opts){ .signal = signal });
    cst_destroy(w, CST_OK);
    cst_unref(w);
    test_run_and_expect(world, "done:PREMATURE_CLOSE");
    cst_abort_fire(signal);
    test_run_and_expect(world, "");
    cst_abort_unref(signal);
}

static void without_memory_nothing_has_changed(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);

    test_heap_fail_at(&world->heap, 1);
    assert_int_equal(cst_finished(r, NULL, test_on_outcome, world), CST_E_NOMEM);
    assert_int_equal(cst_listener_count(r, CST_CLOSE), 0);
    cst_destroy(r, CST_OK);
    test_run_and_expect(world, "");
}

static void wrong_arguments_are_refused(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);

    assert_int_equal(cst_finished(NULL, NULL, test_on_outcome, world), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished(r, NULL, NULL, world), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished_cancel(NULL, test_on_outcome, world), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished_cancel(r, NULL, world), CST_E_INVALID_ARG);
    assert_int_equal(cst_listener_count(r, CST_CLOSE), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

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

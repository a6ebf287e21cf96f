/* test_destroy.c - how a stream begins and ends: construct, errors, destroy, close; from every
 * place it can come from. */
#include "world.h"

#include <string.h>

enum slot { CONSTRUCT, READ, WRITE, FINAL, TRANSFORM, FLUSH, DESTROY, SLOTS };

struct fixture {
    struct test_world world;
    cst_status answers[SLOTS];
    cst_call call;        /* of the slot that last answered CST_PENDING */
    enum slot destroyer;  /* the slot that destroys its own stream, with CST_USER(9) */
    bool destroys;        /* whether it does */
    cst_event_type event; /* the event at which the stream is destroyed likewise */
    bool destroys_at_event;
};

static int set_up(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

/* --- a stage that does as it is told ---------------------------------------------------------- */

static const char *status_word(cst_status status)
{
    return status == CST_USER(9) ? "9" : status == CST_USER(8) ? "8" : cst_status_name(status);
}

static cst_status act(cst_stream *s, void *self, enum slot slot)
{
    struct fixture *f = *(struct fixture **)self;

    if (f->destroys && f->destroyer == slot) {
        assert_int_equal(cst_destroy(s, CST_USER(9)), CST_OK);
        assert_true(cst_is_destroyed(s));
    }
    if (f->answers[slot] == CST_PENDING)
        f->call = cst_this_call(s);
    return f->answers[slot];
}

static void say(void *self, const char *word)
{
    test_trace_add(&(*(struct fixture **)self)->world.trace, "%s", word);
}

static cst_status on_construct(cst_stream *s, void *self)
{
    say(self, "construct");
    return act(s, self, CONSTRUCT);
}

static cst_status on_read(cst_stream *s, void *self, size_t size)
{
    (void)size;
    say(self, "read");
    return act(s, self, READ);
}

static cst_status on_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)chunk;
    say(self, "write");
    return act(s, self, WRITE);
}

static cst_status on_final(cst_stream *s, void *self)
{
    say(self, "final");
    return act(s, self, FINAL);
}

static cst_status on_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)chunk;
    say(self, "transform");
    return act(s, self, TRANSFORM);
}

static cst_status on_flush(cst_stream *s, void *self)
{
    say(self, "flush");
    return act(s, self, FLUSH);
}

static cst_status on_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct fixture *f = *(struct fixture **)self;

    test_trace_add(&f->world.trace, "destroy:%s", error ? status_word(error->status) : "-");
    return act(s, self, DESTROY);
}

static const cst_ops plain_ops = { .name = "stage",
                                   .self_size = sizeof(struct fixture *),
                                   .read = on_read,
                                   .write = on_write,
                                   .final = on_final,
                                   .destroy = on_destroy };
static const cst_ops construct_ops = { .name = "stage",
                                       .self_size = sizeof(struct fixture *),
                                       .construct = on_construct,
                                       .write = on_write,
                                       .destroy = on_destroy };
static const cst_ops filter_ops = { .name = "stage",
                                    .self_size = sizeof(struct fixture *),
                                    .transform = on_transform,
                                    .flush = on_flush,
                                    .destroy = on_destroy };

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    if (event->type == CST_ERROR)
        test_trace_add(&f->world.trace, "error:%s", status_word(event->error->status));
    else
        test_trace_add(&f->world.trace, "%s", test_event_word(event->type));
    if (f->destroys_at_event && f->event == event->type) {
        f->destroys_at_event = false;
        assert_int_equal(cst_destroy(s, CST_USER(9)), CST_OK);
    }
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->world.trace, "done:%s", status_word(status));
}

static void listen_to(struct fixture *f, cst_event_type type)
{
    assert_int_equal(cst_on(f->world.s, type, on_event, f), CST_OK);
}

static void listen_to_the_end(struct fixture *f)
{
    listen_to(f, CST_END);
    listen_to(f, CST_FINISH);
    listen_to(f, CST_ERROR);
    listen_to(f, CST_CLOSE);
}

static void make_readable(struct fixture *f, const cst_ops *ops, const cst_opts *opts)
{
    assert_int_equal(cst_readable_new(&f->world.s, f->world.ctx, ops, &f, opts), CST_OK);
    listen_to_the_end(f);
}

static void make_writable(struct fixture *f, const cst_ops *ops, const cst_opts *opts)
{
    assert_int_equal(cst_writable_new(&f->world.s, f->world.ctx, ops, &f, opts), CST_OK);
    listen_to_the_end(f);
}

static void make_transform(struct fixture *f, const cst_opts *opts)
{
    assert_int_equal(cst_transform_new(&f->world.s, f->world.ctx, &filter_ops, &f, opts), CST_OK);
    listen_to_the_end(f);
}

static void expect(struct fixture *f, const char *text)
{
    assert_string_equal(f->world.trace.text, text);
}

/* --- destroy from outside --------------------------------------------------------------------- */

static void destroy_runs_its_slot_at_once_and_close_comes_by_a_task(void **state)
{
    struct fixture *f = *state;

    make_readable(f, &plain_ops, NULL);
    assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
    expect(f, "destroy:-");
    assert_true(cst_is_destroyed(f->world.s));
    assert_true(cst_is_closed(f->world.s));
    test_run(&f->world);
    expect(f, "destroy:- close");
    assert_null(cst_errored(f->world.s));
}

static void destroy_with_an_error_says_it_before_close(void **state)
{
    struct fixture *f = *state;

    make_writable(f, &plain_ops, NULL);
    assert_int_equal(cst_destroy(f->world.s, CST_USER(9)), CST_OK);
    expect(f, "destroy:9");
    test_run(&f->world);
    expect(f, "destroy:9 error:9 close");
    assert_int_equal(cst_errored(f->world.s)->status, CST_USER(9));
    assert_int_equal(cst_errored(f->world.s)->direction, CST_NO_DIRECTION);
    assert_string_equal(cst_errored(f->world.s)->stage, "stage");
    assert_int_equal(cst_errored(f->world.s)->cause, 0);
    assert_int_equal(cst_errored(f->world.s)->stream, 0);
    assert_int_equal(cst_errored(f->world.s)->index, 0);
    assert_int_equal(cst_errored(f->world.s)->reserved, 0);
}

static void a_second_destroy_changes_nothing(void **state)
{
    struct fixture *f = *state;

    make_writable(f, &plain_ops, NULL);
    assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
    assert_int_equal(cst_destroy(f->world.s, CST_USER(9)), CST_OK);
    test_run(&f->world);
    assert_int_equal(cst_destroy(f->world.s, CST_USER(9)), CST_OK);
    test_run(&f->world);
    expect(f, "destroy:- close");
    assert_null(cst_errored(f->world.s));
}

static void the_first_error_is_the_one_that_stays(void **state)
{
    struct fixture *f = *state;

    make_writable(f, &plain_ops, NULL);
    assert_int_equal(cst_destroy(f->world.s, CST_OS(5)), CST_OK);
    assert_int_equal(cst_destroy(f->world.s, CST_USER(9)), CST_OK);
    test_run(&f->world);
    expect(f, "destroy:CST_OS error:CST_OS close");
    assert_int_equal(cst_status_os(cst_errored(f->world.s)->status), 5);
}

static void writes_that_wait_are_told_of_the_destroy(void **state)
{
    struct fixture *f = *state;

    f->answers[WRITE] = CST_PENDING;
    make_writable(f, &plain_ops, NULL);
    assert_int_equal(cst_write(f->world.s, cst_slice_str("a"), on_done, f), CST_OK);
    assert_int_equal(cst_write(f->world.s, cst_slice_str("b"), on_done, f), CST_OK);
    assert_int_equal(cst_end(f->world.s, on_done, f), CST_OK);
    assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
    test_run(&f->world);
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    test_run(&f->world);
    expect(f, "write destroy:- close done:CST_OK done:CST_E_DESTROYED done:CST_E_DESTROYED");
}

static void nothing_comes_after_close(void **state)
{
    struct fixture *f = *state;

    make_transform(f, NULL);
    listen_to(f, CST_DATA);
    assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
    test_run(&f->world);
    expect(f, "destroy:- close");
    assert_int_equal(cst_push(f->world.s, cst_slice_str("a")), CST_E_DESTROYED);
    assert_int_equal(cst_push_eof(f->world.s), CST_EOF);
    assert_int_equal(cst_resume(f->world.s), CST_OK);
    assert_int_equal(cst_write(f->world.s, cst_slice_str("a"), NULL, NULL), CST_E_DESTROYED);
    test_run(&f->world);
    expect(f, "destroy:- close");
}

/* --- destroy from a slot ---------------------------------------------------------------------- */

static void a_slot_may_destroy_its_own_stream_and_then_answer(void **state)
{
    static const char *const traces[] = {
        [CONSTRUCT] = "construct destroy:9 error:9 close",
        [READ] = "read destroy:9 error:9 close",
        [WRITE] = "write destroy:9 error:9 close done:CST_OK done:CST_E_DESTROYED",
        [FINAL] = "write final destroy:9 done:CST_OK error:9 close done:9",
        [TRANSFORM] = "transform destroy:9 error:9 close done:CST_OK done:CST_E_DESTROYED",
        [FLUSH] = "transform flush destroy:9 done:CST_OK error:9 close done:9",
        [DESTROY] = "destroy:- close",
    };
    struct fixture *f = *state;
    cst_slice chunk;

    for (f->destroyer = CONSTRUCT; f->destroyer < SLOTS; f->destroyer++) {
        f->destroys = true;
        test_trace_clear(&f->world.trace);
        switch (f->destroyer) {
        case CONSTRUCT:
            make_writable(f, &construct_ops, NULL);
            break;
        case READ:
        case DESTROY:
            make_readable(f, &plain_ops, NULL);
            if (f->destroyer == READ)
                assert_int_equal(cst_read(&chunk, f->world.s, CST_READ_ANY), CST_EMPTY);
            else
                assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
            break;
        case WRITE:
        case FINAL:
            make_writable(f, &plain_ops, NULL);
            cst_write(f->world.s, cst_slice_str("a"), on_done, f);
            cst_end(f->world.s, on_done, f);
            break;
        case TRANSFORM:
        case FLUSH:
            make_transform(f, NULL);
            cst_write(f->world.s, cst_slice_str("a"), on_done, f);
            cst_end(f->world.s, on_done, f);
            break;
        case SLOTS:
            break;
        }
        test_run(&f->world);
        expect(f, traces[f->destroyer]);
        cst_unref(f->world.s);
    }
}

static void a_failed_slot_names_its_side_and_stage(void **state)
{
    struct fixture *f = *state;
    static const struct {
        cst_direction side;
        const char *trace;
    } wanted[] = {
        [CONSTRUCT] = { CST_NO_DIRECTION, "construct destroy:9 done:9 done:9 error:9 close" },
        [READ] = { CST_READING, "read destroy:9 error:9 close" },
        [WRITE] = { CST_WRITING, "write done:9 destroy:9 done:9 error:9 close" },
        [FINAL] = { CST_WRITING, "write final destroy:9 done:CST_OK error:9 close done:9" },
        [TRANSFORM] = { CST_WRITING, "transform done:9 destroy:9 done:9 error:9 close" },
        [FLUSH] = { CST_WRITING, "transform flush destroy:9 done:CST_OK error:9 close done:9" },
    };
    cst_slice chunk;

    for (enum slot slot = CONSTRUCT; slot < DESTROY; slot++) {
        test_trace_clear(&f->world.trace);
        memset(f->answers, 0, sizeof(f->answers));
        f->answers[slot] = CST_USER(9);
        if (slot == READ) {
            make_readable(f, &plain_ops, NULL);
            assert_int_equal(cst_read(&chunk, f->world.s, CST_READ_ANY), CST_EMPTY);
        } else {
            if (slot == TRANSFORM || slot == FLUSH)
                make_transform(f, NULL);
            else
                make_writable(f, slot == CONSTRUCT ? &construct_ops : &plain_ops, NULL);
            cst_write(f->world.s, cst_slice_str("a"), on_done, f);
            cst_end(f->world.s, on_done, f);
        }
        test_run(&f->world);
        expect(f, wanted[slot].trace);
        assert_int_equal(cst_errored(f->world.s)->status, CST_USER(9));
        assert_int_equal(cst_errored(f->world.s)->direction, wanted[slot].side);
        assert_string_equal(cst_errored(f->world.s)->stage, "stage");
        cst_unref(f->world.s);
    }
}

/* --- destroy from a listener ------------------------------------------------------------------ */

static void a_listener_may_destroy_its_stream_at_any_event(void **state)
{
    struct fixture *f = *state;
    static const struct {
        cst_event_type type;
        const char *trace;
    } events[] = {
        { CST_DATA, "data error:9 close" },      { CST_READABLE, "readable error:9 close" },
        { CST_END, "end finish error:9 close" }, { CST_FINISH, "end finish error:9 close" },
        { CST_DRAIN, "drain error:9 close" },    { CST_PAUSE, "pause error:9 close" },
        { CST_RESUME, "resume error:9 close" },  { CST_PIPE, "pipe error:9 close" },
        { CST_UNPIPE, "unpipe error:9 close" },  { CST_ERROR, "error:8 close" },
        { CST_CLOSE, "error:8 close" },
    };

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        cst_stream *source;
        cst_event_type e = events[i].type;

        test_trace_clear(&f->world.trace);
        f->destroys_at_event = true;
        f->event = e;
        assert_int_equal(
            cst_passthrough_new(&f->world.s, f->world.ctx, &(cst_opts){ .high_water_mark = 1 }),
            CST_OK);
        assert_int_equal(cst_passthrough_new(&source, f->world.ctx, NULL), CST_OK);
        listen_to_the_end(f);
        if (e != CST_END && e != CST_FINISH && e != CST_ERROR && e != CST_CLOSE)
            listen_to(f, e);
        if (e == CST_PIPE || e == CST_UNPIPE) {
            cst_pipe(source, f->world.s, NULL);
            cst_unpipe(source, f->world.s);
        } else {
            cst_write(f->world.s, cst_slice_str("a"), NULL, NULL);
            if (e != CST_READABLE)
                cst_resume(f->world.s);
            if (e == CST_PAUSE)
                cst_pause(f->world.s);
            test_run(&f->world);
            if (e == CST_ERROR || e == CST_CLOSE)
                cst_destroy(f->world.s, CST_USER(8));
            else
                cst_end(f->world.s, NULL, NULL);
        }
        test_run(&f->world);
        expect(f, events[i].trace);
        assert_false(f->destroys_at_event);
        cst_unref(f->world.s);
        cst_unref(source);
    }
}

/* --- construct -------------------------------------------------------------------------------- */

static void what_is_written_before_construct_has_answered_waits(void **state)
{
    struct fixture *f = *state;

    f->answers[CONSTRUCT] = CST_PENDING;
    make_writable(f, &construct_ops, NULL);
    assert_int_equal(cst_write(f->world.s, cst_slice_str("a"), on_done, f), CST_OK);
    assert_int_equal(cst_end(f->world.s, on_done, f), CST_OK);
    expect(f, "");
    test_run(&f->world);
    expect(f, "construct");
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    test_run(&f->world);
    expect(f, "construct write done:CST_OK done:CST_OK finish destroy:- close");
}

static void a_failed_construct_destroys_the_stream(void **state)
{
    struct fixture *f = *state;

    f->answers[CONSTRUCT] = CST_USER(9);
    make_writable(f, &construct_ops, NULL);
    assert_int_equal(cst_write(f->world.s, cst_slice_str("a"), on_done, f), CST_OK);
    test_run(&f->world);
    expect(f, "construct destroy:9 done:9 error:9 close");
}

static void a_construct_that_answers_twice_fails(void **state)
{
    struct fixture *f = *state;

    f->answers[CONSTRUCT] = CST_PENDING;
    make_writable(f, &construct_ops, NULL);
    test_run(&f->world);
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    test_run(&f->world);
    expect(f, "construct destroy:CST_E_MULTIPLE_CALLBACK error:CST_E_MULTIPLE_CALLBACK close");
}

static void destroy_waits_for_construct(void **state)
{
    struct fixture *f = *state;

    f->answers[CONSTRUCT] = CST_PENDING;
    make_writable(f, &construct_ops, NULL);
    test_run(&f->world);
    assert_int_equal(cst_destroy(f->world.s, CST_USER(9)), CST_OK);
    test_run(&f->world);
    expect(f, "construct");
    assert_true(cst_is_destroyed(f->world.s));
    assert_false(cst_is_closed(f->world.s));
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    test_run(&f->world);
    expect(f, "construct destroy:9 error:9 close");
}

/* --- the destroy slot ------------------------------------------------------------------------- */

static void the_destroy_slot_may_swallow_replace_or_find_an_error(void **state)
{
    static const struct {
        cst_status with, answer;
        const char *trace;
    } cases[] = {
        { CST_USER(9), CST_OK, "destroy:9 error:9 close" },
        { CST_USER(9), CST_SWALLOW, "destroy:9 close" },
        { CST_USER(9), CST_OS(2), "destroy:9 error:CST_OS close" },
        { CST_OK, CST_OS(2), "destroy:- error:CST_OS close" },
        { CST_OK, CST_SWALLOW, "destroy:- close" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        bool late = i & 1;

        test_trace_clear(&f->world.trace);
        f->answers[DESTROY] = late ? CST_PENDING : cases[i / 2].answer;
        make_readable(f, &plain_ops, NULL);
        assert_int_equal(cst_destroy(f->world.s, cases[i / 2].with), CST_OK);
        test_run(&f->world);
        if (late) {
            assert_false(cst_is_closed(f->world.s));
            assert_int_equal(cst_complete(f->call, cases[i / 2].answer), CST_OK);
            assert_true(cst_is_closed(f->world.s));
            test_run(&f->world);
        }
        expect(f, cases[i / 2].trace);
        cst_unref(f->world.s);
    }
}

static void a_second_answer_of_the_destroy_slot_is_ignored(void **state)
{
    struct fixture *f = *state;

    f->answers[DESTROY] = CST_PENDING;
    make_readable(f, &plain_ops, NULL);
    assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    assert_int_equal(cst_complete(f->call, CST_USER(9)), CST_OK);
    test_run(&f->world);
    expect(f, "destroy:- close");
}

/* --- options ---------------------------------------------------------------------------------- */

static void no_auto_destroy_leaves_an_ended_stream_open(void **state)
{
    struct fixture *f = *state;

    make_writable(f, &plain_ops, &(cst_opts){ .no_auto_destroy = true });
    assert_int_equal(cst_end(f->world.s, on_done, f), CST_OK);
    test_run(&f->world);
    expect(f, "final done:CST_OK finish");
    assert_false(cst_is_destroyed(f->world.s));
    assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
    test_run(&f->world);
    expect(f, "final done:CST_OK finish destroy:- close");
}

static void no_auto_destroy_says_an_error_and_leaves_the_stream_open(void **state)
{
    struct fixture *f = *state;

    f->answers[WRITE] = CST_USER(9);
    make_writable(f, &plain_ops, &(cst_opts){ .no_auto_destroy = true });
    cst_write(f->world.s, cst_slice_str("a"), on_done, f);
    test_run(&f->world);
    expect(f, "write done:9 error:9");
    assert_false(cst_is_destroyed(f->world.s));
    assert_int_equal(cst_errored(f->world.s)->status, CST_USER(9));
}

static void no_emit_close_closes_in_silence(void **state)
{
    struct fixture *f = *state;

    make_writable(f, &plain_ops, &(cst_opts){ .no_emit_close = true });
    assert_int_equal(cst_destroy(f->world.s, CST_USER(9)), CST_OK);
    test_run(&f->world);
    expect(f, "destroy:9 error:9");
    assert_true(cst_is_closed(f->world.s));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static void keep_error(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    *(cst_error *)arg = *event->error;
}

static void an_error_that_the_destroy_slot_replaced_is_the_cause(void **state)
{
    struct fixture *f = *state;
    cst_error error = { .stage = "" };

    f->answers[DESTROY] = CST_OS(2);
    make_readable(f, &plain_ops, NULL);
    assert_int_equal(cst_on(f->world.s, CST_ERROR, keep_error, &error), CST_OK);
    assert_int_equal(cst_destroy(f->world.s, CST_USER(9)), CST_OK);
    test_run(&f->world);
    expect(f, "destroy:9 error:CST_OS close");
    assert_int_equal(error.status, CST_OS(2));
    assert_int_equal(error.cause, CST_USER(9));
    assert_int_equal(cst_errored(f->world.s)->status, CST_USER(9));
    assert_int_equal(cst_errored(f->world.s)->cause, 0);
}

static const struct CMUnitTest tests[] = {
    CASE(an_error_that_the_destroy_slot_replaced_is_the_cause),
    CASE(destroy_runs_its_slot_at_once_and_close_comes_by_a_task),
    CASE(destroy_with_an_error_says_it_before_close),
    CASE(a_second_destroy_changes_nothing),
    CASE(the_first_error_is_the_one_that_stays),
    CASE(writes_that_wait_are_told_of_the_destroy),
    CASE(nothing_comes_after_close),
    CASE(a_slot_may_destroy_its_own_stream_and_then_answer),
    CASE(a_failed_slot_names_its_side_and_stage),
    CASE(a_listener_may_destroy_its_stream_at_any_event),
    CASE(what_is_written_before_construct_has_answered_waits),
    CASE(a_failed_construct_destroys_the_stream),
    CASE(a_construct_that_answers_twice_fails),
    CASE(destroy_waits_for_construct),
    CASE(the_destroy_slot_may_swallow_replace_or_find_an_error),
    CASE(a_second_answer_of_the_destroy_slot_is_ignored),
    CASE(no_auto_destroy_leaves_an_ended_stream_open),
    CASE(no_auto_destroy_says_an_error_and_leaves_the_stream_open),
    CASE(no_emit_close_closes_in_silence),
};

TEST_MAIN(tests)

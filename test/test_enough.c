/* test_enough.c - cst_enough: a stage of the user's that stops early is as Node's take, which
 * stages.h has; and what becomes of the rest. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define TRACE sizeof(((struct test_trace *)0)->text)

struct fixture {
    struct test_world world;
    cst_stream *s[5];
    const char *letters;
    size_t asked;       /* how many letters the source was asked for */
    unsigned n;         /* what the user's take lets pass */
    unsigned slots;     /* calls of the slot that stops */
    cst_status said[2]; /* what cst_enough has returned */
    cst_status answer;  /* of that slot */
    cst_call call;
    bool is_twice, pushes_eof;
};

static struct fixture *fixture_of(void *self)
{
    return *(struct fixture **)self;
}

static void note_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    if (event->type == CST_DATA)
        test_trace_add(&f->world.trace, "data:%.*s", (int)event->chunk->len, event->chunk->data);
    else
        test_trace_add(&f->world.trace, "%s:%s", cst_stream_name(s), test_event_word(event->type));
}

static void listen_to(struct fixture *f, cst_stream *s)
{
    const cst_event_type types[] = { CST_END, CST_FINISH, CST_ERROR, CST_CLOSE, CST_DRAIN };

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        assert_int_equal(cst_on(s, types[i], note_event, f), CST_OK);
}

static void note_write(cst_stream *s, cst_status status, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->world.trace, "write:%s", test_status_word(status));
}

static void note_outcome(const cst_error *error, void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->world.trace, "pipeline:%s", error ? test_status_word(error->status) : "ok");
}

static cst_status next_letter(cst_slice *out, void *arg)
{
    struct fixture *f = arg;

    if (!*f->letters)
        return CST_EOF;
    f->asked++;
    return cst_slice_copy(out, test_heap_allocator(&f->world.heap), f->letters++, 1);
}

/* --- a take of the user's --------------------------------------------------------------------- */

static void say_enough(struct fixture *f, cst_stream *s)
{
    f->said[0] = cst_enough(s);
    if (f->is_twice)
        f->said[1] = cst_enough(s);
}

static cst_status own_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct fixture *f = fixture_of(self);

    if (f->slots++ < f->n)
        cst_push(s, cst_slice_ref(chunk));
    if (f->slots >= f->n && f->pushes_eof)
        cst_push_eof(s);
    if (f->slots >= f->n)
        say_enough(f, s);
    if (f->answer == CST_PENDING)
        f->call = cst_this_call(s);
    return f->answer;
}

static const cst_ops own_take_ops = { .name = "take",
                                      .self_size = sizeof(struct fixture *),
                                      .transform = own_transform };

static cst_status own_flush(cst_stream *s, void *self)
{
    test_trace_add(&fixture_of(self)->world.trace, "flush");
    cst_push(s, cst_slice_str("rest"));
    return CST_OK;
}

static const cst_ops flushing_ops = { .name = "take",
                                      .self_size = sizeof(struct fixture *),
                                      .transform = own_transform,
                                      .flush = own_flush };

static cst_stream *make_take(struct fixture *f, const cst_ops *ops, const cst_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_transform_new(&s, f->world.ctx, ops, &f, opts), CST_OK);
    listen_to(f, s);
    return s;
}

/* Take n of eight letters, by the stage of stages.h or the one of the user, and keep the trace. */
static void take_letters(struct fixture *f, bool own, unsigned n, bool objects, char *trace)
{
    const cst_opts opts = { .object_mode = objects };

    f->letters = "abcdefgh";
    f->asked = f->slots = 0;
    f->n = n;
    f->pushes_eof = true;
    assert_int_equal(cst_from_fn_new(&f->s[0], f->world.ctx, &opts, next_letter, f), CST_OK);
    listen_to(f, f->s[0]);
    if (own) {
        f->s[1] = make_take(f, &own_take_ops, &opts);
    } else {
        assert_int_equal(cst_take_new(&f->s[1], f->world.ctx, n, &opts), CST_OK);
        listen_to(f, f->s[1]);
    }
    assert_int_equal(cst_passthrough_new(&f->s[2], f->world.ctx, &opts), CST_OK);
    assert_int_equal(cst_on(f->s[2], CST_DATA, note_event, f), CST_OK);
    assert_int_equal(cst_pipeline(f->s, 3, NULL, note_outcome, f), CST_OK);
    test_run(&f->world);
    strcpy(trace, f->world.trace.text);
    test_expect(&f->world, trace);
    for (int i = 0; i < 3; i++)
        cst_unref(f->s[i]);
}

static void a_take_of_the_users_has_the_trace_of_take(void **state)
{
    static const unsigned counts[] = { 0, 1, 2, 8, 9 };
    struct fixture *f = *state;
    char own[TRACE], ready[TRACE];

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        for (int objects = 0; objects < 2; objects++) {
            size_t asked;

            take_letters(f, false, counts[i], objects, ready);
            asked = f->asked;
            take_letters(f, true, counts[i], objects, own);
            assert_string_equal(own, ready);
            assert_int_equal(f->asked, asked);
        }
    }
}

static void a_take_of_two_asks_its_source_for_three(void **state)
{
    struct fixture *f = *state;
    char trace[TRACE];

    take_letters(f, true, 2, true, trace);
    assert_string_equal(trace, "data:a data:b take:end from:error from:close take:close "
                               "pipeline:ok");
    assert_int_equal(f->asked, 3);
    assert_int_equal(f->said[0], CST_OK);
    assert_int_equal(f->slots, 2);
}

/* --- transforms ------------------------------------------------------------------------------- */

static void write_three(struct fixture *f, cst_stream *s)
{
    cst_write(s, cst_slice_str("a"), note_write, f);
    cst_write(s, cst_slice_str("b"), note_write, f);
    cst_write(s, cst_slice_str("c"), note_write, f);
}

static void flush_runs_then_eof_and_what_is_held_is_lost(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    f->n = 1;
    f->is_twice = true;
    s = make_take(f, &flushing_ops, NULL);
    write_three(f, s);
    test_expect(&f->world, "flush");
    test_run_and_expect(&f->world, "write:OK");
    assert_int_equal(cst_writable_length(s), 2);
    assert_int_equal(cst_writable_corked(s), 0);
    assert_int_equal(cst_on(s, CST_DATA, note_event, f), CST_OK);
    test_run_and_expect(&f->world, "data:a data:rest write:DESTROYED write:DESTROYED take:end "
                                   "take:close");
    assert_int_equal(f->slots, 1);
    assert_int_equal(f->said[0], CST_EMPTY); /* nothing fed it */
    assert_int_equal(f->said[1], CST_EMPTY);
    assert_null(cst_errored(s));
    cst_unref(s);
}

static void with_an_end_called_before_the_rest_goes_by(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    f->n = 1;
    s = make_take(f, &flushing_ops, NULL);
    cst_cork(s);
    write_three(f, s);
    cst_end(s, note_write, f);
    assert_int_equal(cst_on(s, CST_DATA, note_event, f), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "flush write:OK data:a data:rest take:end write:OK write:OK write:OK "
                           "take:finish take:close");
    assert_int_equal(f->slots, 1);
    cst_unref(s);
}

static void flush_waits_for_a_late_answer(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    f->n = 1;
    f->answer = CST_PENDING;
    s = make_take(f, &flushing_ops, NULL);
    assert_int_equal(cst_on(s, CST_DATA, note_event, f), CST_OK);
    write_three(f, s);
    test_run_and_expect(&f->world, "data:a");
    cst_complete(f->call, CST_OK);
    test_run_and_expect(&f->world,
                        "flush data:rest take:end write:OK write:DESTROYED write:DESTROYED "
                        "take:close");
    cst_unref(s);
}

static void outside_a_slot_flush_runs_at_once(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    f->n = 9;
    s = make_take(f, &flushing_ops, &(cst_opts){ .readable_high_water_mark = 1 });
    write_three(f, s); /* the first is kept: the output is full */
    assert_int_equal(cst_enough(s), CST_EMPTY);
    test_expect(&f->world, "write:OK flush");
    assert_int_equal(cst_on(s, CST_DATA, note_event, f), CST_OK);
    test_run_and_expect(&f->world, "data:a data:rest write:DESTROYED write:DESTROYED take:end "
                                   "take:close");
    cst_unref(s);
}

static cst_status own_construct(cst_stream *s, void *self)
{
    (void)s;
    test_trace_add(&fixture_of(self)->world.trace, "construct");
    return CST_OK;
}

static void flush_waits_for_construct(void **state)
{
    static const cst_ops ops = { .name = "take",
                                 .self_size = sizeof(struct fixture *),
                                 .construct = own_construct,
                                 .transform = own_transform,
                                 .flush = own_flush };
    struct fixture *f = *state;
    cst_stream *s = make_take(f, &ops, NULL);

    assert_int_equal(cst_enough(s), CST_EMPTY);
    assert_int_equal(cst_on(s, CST_DATA, note_event, f), CST_OK);
    test_run_and_expect(&f->world, "construct flush data:rest take:end take:close");
    cst_unref(s);
}

static void enough_on_data(cst_stream *s, const cst_event *event, void *arg)
{
    note_event(s, event, arg);
    cst_enough(s);
}

static void destroy_on_data(cst_stream *s, const cst_event *event, void *arg)
{
    enough_on_data(s, event, arg);
    cst_destroy(s, CST_USER(1));
}

static void who_reads_may_have_enough(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    f->n = 9;
    s = make_take(f, &flushing_ops, NULL);
    assert_int_equal(cst_once(s, CST_DATA, enough_on_data, f), CST_OK);
    assert_int_equal(cst_on(s, CST_DATA, note_event, f), CST_OK);
    test_run(&f->world);
    write_three(f, s);
    test_run_and_expect(&f->world, "data:a data:a flush data:rest take:end write:OK "
                                   "write:DESTROYED write:DESTROYED take:close");
    cst_unref(s);
    s = make_take(f, &flushing_ops, NULL);
    assert_int_equal(cst_once(s, CST_DATA, destroy_on_data, f), CST_OK);
    test_run(&f->world);
    write_three(f, s);
    test_run_and_expect(&f->world, "data:a take:error take:close write:OK write:DESTROYED "
                                   "write:DESTROYED");
    cst_unref(s);
}

/* --- sinks and compositions ------------------------------------------------------------------- */

static cst_status own_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct fixture *f = fixture_of(self);

    test_trace_add(&f->world.trace, "%.*s", (int)chunk->len, chunk->data);
    if (++f->slots == f->n)
        say_enough(f, s);
    if (f->answer == CST_PENDING)
        f->call = cst_this_call(s);
    return f->answer;
}

static const cst_ops sink_ops = { .name = "sink",
                                  .self_size = sizeof(struct fixture *),
                                  .write = own_write };

static cst_stream *make_sink(struct fixture *f)
{
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, f->world.ctx, &sink_ops, &f, NULL), CST_OK);
    listen_to(f, s);
    return s;
}

static void a_sink_closes_once_its_slot_has_answered(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = make_sink(f);

    f->n = 1;
    f->answer = CST_PENDING;
    write_three(f, s);
    test_run_and_expect(&f->world, "a");
    assert_false(cst_is_destroyed(s));
    cst_complete(f->call, CST_OK);
    test_run_and_expect(&f->world, "write:OK write:DESTROYED write:DESTROYED sink:close");
    cst_unref(s);
}

static void a_sink_that_is_handed_its_queue_stops_in_it(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = make_sink(f);

    f->n = 2;
    cst_cork(s);
    write_three(f, s);
    cst_uncork(s);
    test_expect(&f->world, "a b");
    test_run_and_expect(&f->world, "write:OK write:OK write:DESTROYED sink:close");
    cst_unref(s);
}

static void a_sink_that_was_ended_finishes(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = make_sink(f);

    f->n = 1;
    f->answer = CST_PENDING;
    write_three(f, s);
    cst_end(s, note_write, f);
    cst_complete(f->call, CST_OK);
    test_run_and_expect(&f->world, "a write:OK write:OK write:OK write:OK sink:finish sink:close");
    cst_unref(s);
}

static void a_duplex_stops_in_its_queue_and_closes_after_its_end(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    f->n = 1;
    assert_int_equal(cst_duplex_new(&s, f->world.ctx, &sink_ops, &f, NULL), CST_OK);
    listen_to(f, s);
    cst_cork(s);
    write_three(f, s);
    cst_uncork(s);
    test_run_and_expect(&f->world, "a write:OK");
    assert_int_equal(f->slots, 1);
    assert_false(cst_is_destroyed(s));
    cst_push_eof(s);
    cst_resume(s);
    test_run_and_expect(&f->world, "write:DESTROYED write:DESTROYED sink:end sink:close");
    cst_unref(s);
}

static void it_lets_go_through_two_compositions(void **state)
{
    struct fixture *f = *state;
    cst_stream *inner[2], *outer[2];

    f->n = 2;
    f->letters = "abcdefgh";
    assert_int_equal(cst_from_fn_new(&f->s[0], f->world.ctx, NULL, next_letter, f), CST_OK);
    assert_int_equal(cst_passthrough_new(&inner[0], f->world.ctx, NULL), CST_OK);
    inner[1] = make_take(f, &own_take_ops, NULL);
    assert_int_equal(cst_passthrough_new(&outer[0], f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_compose_new(&outer[1], inner, 2, NULL), CST_OK);
    assert_int_equal(cst_compose_new(&f->s[1], outer, 2, NULL), CST_OK);
    assert_int_equal(cst_on(f->s[1], CST_DATA, note_event, f), CST_OK);
    assert_int_equal(cst_pipeline(f->s, 2, NULL, note_outcome, f), CST_OK);
    test_run_and_expect(&f->world, "data:a data:b take:end pipeline:ok take:close");
    assert_true(cst_is_closed(f->s[0]) && cst_is_closed(f->s[1]));
    assert_true(*f->letters != '\0');
    cst_unref(f->s[0]);
    cst_unref(f->s[1]);
    for (int i = 0; i < 2; i++) {
        cst_unref(inner[i]);
        cst_unref(outer[i]);
    }
}

static void a_source_and_what_is_over_are_left_as_they_are(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = make_sink(f);

    assert_int_equal(cst_enough(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_destroy(s, CST_OK), CST_OK);
    assert_int_equal(cst_enough(s), CST_EMPTY);
    test_run_and_expect(&f->world, "sink:close");
    cst_unref(s);
    s = make_sink(f);
    cst_end(s, NULL, NULL);
    test_run_and_expect(&f->world, "sink:finish sink:close");
    assert_int_equal(cst_enough(s), CST_EMPTY);
    assert_int_equal(cst_writable_corked(s), 0);
    cst_unref(s);
}

static void corks_count_no_more(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = make_take(f, &own_take_ops, NULL);

    assert_int_equal(cst_cork(s), CST_OK);
    assert_int_equal(cst_enough(s), CST_EMPTY);
    assert_int_equal(cst_uncork(s), CST_OK);
    assert_int_equal(cst_cork(s), CST_OK);
    assert_int_equal(cst_writable_corked(s), 0);
    cst_write(s, cst_slice_str("a"), note_write, f);
    test_run_and_expect(&f->world, "");
    assert_int_equal(f->slots, 0);
    cst_resume(s);
    test_run_and_expect(&f->world, "write:DESTROYED take:end take:close");
    cst_unref(s);
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .letters = "" };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(a_take_of_the_users_has_the_trace_of_take),
    T(a_take_of_two_asks_its_source_for_three),
    T(flush_runs_then_eof_and_what_is_held_is_lost),
    T(with_an_end_called_before_the_rest_goes_by),
    T(flush_waits_for_a_late_answer),
    T(outside_a_slot_flush_runs_at_once),
    T(flush_waits_for_construct),
    T(who_reads_may_have_enough),
    T(a_sink_closes_once_its_slot_has_answered),
    T(a_sink_that_is_handed_its_queue_stops_in_it),
    T(a_sink_that_was_ended_finishes),
    T(a_duplex_stops_in_its_queue_and_closes_after_its_end),
    T(it_lets_go_through_two_compositions),
    T(a_source_and_what_is_over_are_left_as_they_are),
    T(corks_count_no_more),
};

TEST_MAIN(tests)

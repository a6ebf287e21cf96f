/* test_timeout.c - timeout.h: idle and total limits, and what counts as activity. */
#include "world.h"

#include <string.h>

struct fixture {
    struct test_world world;
    uint64_t now_ns;
    const cst_timeouts *next_limits; /* what on_timeout sets */
    bool sets;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .now_ns = 0 };
    test_world_open(&f.world, NULL);
    assert_int_equal(cst_ctx_set_now_ns(f.world.ctx, 0), CST_OK); /* 0 is a time */
    *state = &f;
    return 0;
}

#define IDLE_NS 100

/* Let the time pass, a nanosecond a turn, and record when something was said. */
static cst_status pass(struct fixture *f, uint64_t until_ns)
{
    cst_budget budget = { .tasks = 0 };
    cst_status st = CST_IDLE, last;

    while (f->now_ns < until_ns) {
        budget.now_ns = ++f->now_ns;
        last = cst_ctx_run(f->world.ctx, &budget);
        st = last == CST_IDLE ? st : last;
    }
    return st;
}

static void on_timeout(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->world.trace, "%s:%d", kind == CST_TIMEOUT_IDLE ? "idle" : "total",
                   (int)f->now_ns);
    if (f->sets)
        assert_int_equal(cst_set_timeouts(s, f->next_limits), CST_OK);
}

static cst_stream *passthrough(struct fixture *f)
{
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, f->world.ctx, NULL), CST_OK);
    return s;
}

static void watch(struct fixture *f, cst_stream *s, uint64_t idle_ns, uint64_t total_ns)
{
    const cst_timeouts limits = {
        .idle_ns = idle_ns, .total_ns = total_ns, .fn = on_timeout, .arg = f
    };

    assert_int_equal(cst_set_timeouts(s, &limits), CST_OK);
}

static void an_idle_stream_is_told_of_once(void **state)
{
    struct fixture *f = *state;

    watch(f, passthrough(f), IDLE_NS, 0);
    pass(f, 99);
    assert_string_equal(f->world.trace.text, "");
    pass(f, 1000);
    assert_string_equal(f->world.trace.text, "idle:100");
}

static void activity_begins_the_span_anew_within_a_quarter(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    watch(f, s, IDLE_NS, 0);
    for (int i = 1; i <= 10; i++) { /* the last write is at 801 */
        cst_write(s, cst_slice_str("x"), NULL, NULL);
        pass(f, (uint64_t)i * 80 + 1);
    }
    pass(f, 1000);
    assert_true(f->world.trace.len > 0);
    assert_string_equal(f->world.trace.text, "idle:825"); /* the last one was at 721, seen at 725 */
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    pass(f, 2000);
    assert_string_equal(f->world.trace.text, "idle:825 idle:1101"); /* once for each time */
}

static void say_nothing(void *arg)
{
    (void)arg;
}

static void on_nothing(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

/* Every sort of activity, each at 50: it is seen at 50 or 75, so that nothing is said at 100. */
static void assert_active(struct fixture *f, cst_stream *s)
{
    pass(f, 149);
    assert_string_equal(f->world.trace.text, "");
    pass(f, 175);
    assert_true(f->world.trace.len > 0);
    assert_false(cst_is_destroyed(s));
}

static const cst_ops plain_ops = { .name = "plain" };

static void a_chunk_pushed_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->world.ctx, &plain_ops, NULL, NULL);
    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    cst_push(s, cst_slice_str("x"));
    assert_active(f, s);
}

static void a_chunk_handed_through_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->world.ctx, &plain_ops, NULL, NULL);
    cst_on(s, CST_DATA, on_nothing, NULL);
    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    cst_push(s, cst_slice_str("x"));
    assert_int_equal(cst_readable_length(s), 0);
    assert_active(f, s);
    assert_true(cst_readable_did_read(s)); /* the look has not taken that away */
}

/* A sink that answers late, with a write in it that was there before the limits. */
static cst_stream *late_sink(struct fixture *f, const char *text)
{
    struct test_stage *stage;
    cst_stream *s;

    cst_writable_new(&s, f->world.ctx, &test_sink_ops, NULL, NULL);
    stage = cst_stream_self(s);
    *stage = (struct test_stage){ .world = &f->world, .name = "w", .answer = CST_PENDING };
    cst_write(s, cst_slice_str(text), NULL, NULL);
    test_trace_clear(&f->world.trace);
    return s;
}

/* A sink of that sort, watched for a while. */
static cst_stream *sink_at_work(struct fixture *f, const char *text)
{
    cst_stream *s = late_sink(f, text);

    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    return s;
}

static void a_chunk_completed_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink_at_work(f, "x");

    test_answer_of(s, CST_OK);
    assert_active(f, s);
}

static void a_write_that_goes_out_in_parts_is_activity_until_it_stands_still(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = late_sink(f, "x");

    watch(f, s, IDLE_NS, 0);
    for (int i = 1; i <= 10; i++) {
        pass(f, (uint64_t)i * 80);
        assert_int_equal(cst_progress(s), CST_OK);
    }
    pass(f, 1000);
    assert_string_equal(f->world.trace.text, "idle:925"); /* the last part at 800, seen at 825 */
    assert_int_equal(cst_progress(s), CST_OK);
    pass(f, 2000);
    assert_string_equal(f->world.trace.text, "idle:925 idle:1101");
    test_answer_of(s, CST_OK);
    pass(f, 3000);
    assert_string_equal(f->world.trace.text, "idle:925 idle:1101 idle:2101");
}

static void a_write_that_never_moves_is_destroyed_at_the_limit(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = late_sink(f, "x");

    assert_int_equal(cst_progress(s), CST_OK); /* before the limits */
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = IDLE_NS }), CST_OK);
    assert_int_equal(pass(f, 99), CST_IDLE);
    assert_false(cst_is_destroyed(s));
    assert_int_equal(pass(f, 100), CST_E_UNHANDLED);
    assert_int_equal(cst_errored(s)->status, CST_E_TIMEOUT);
    test_answer_of(s, CST_OK);
}

static void what_leaves_the_length_as_it_was_is_activity_too(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink_at_work(f, "x");

    cst_cork(s);
    test_answer_of(s, CST_OK);
    cst_write(s, cst_slice_str("y"), NULL, NULL);
    assert_int_equal(cst_writable_length(s), 1);
    assert_active(f, s);
}

static void a_chunk_of_no_bytes_that_waits_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink_at_work(f, "x");

    cst_write(s, cst_slice_empty(), NULL, NULL);
    assert_int_equal(cst_writable_length(s), 1);
    assert_active(f, s);
}

static void a_chunk_of_no_bytes_that_is_completed_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink_at_work(f, "");

    test_answer_of(s, CST_OK);
    assert_int_equal(cst_writable_length(s), 0);
    assert_active(f, s);
}

static cst_status set_limits_in_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct fixture *f = *(struct fixture **)self;

    (void)chunk;
    watch(f, s, IDLE_NS, 0);
    return CST_OK;
}

static cst_status set_limits_in_writev(cst_stream *s, void *self, const cst_slice *chunks,
                                       size_t count)
{
    (void)count;
    return set_limits_in_write(s, self, chunks);
}

/* The look of those limits is what the completion comes after: it is seen at the next, a quarter
 * later. */
static void a_completion_of_no_bytes_after_a_look_inside_the_slot_is_activity(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct fixture *),
                                 .write = set_limits_in_write,
                                 .writev = set_limits_in_writev };
    struct fixture *f = *state;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, f->world.ctx, &ops, &f, NULL), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_empty(), NULL, NULL), CST_OK);
    pass(f, 200);
    cst_cork(s);
    for (int i = 0; i < 2; i++)
        assert_int_equal(cst_write(s, cst_slice_empty(), NULL, NULL), CST_OK);
    cst_uncork(s);
    pass(f, 400);
    cst_unref(s);
    assert_string_equal(f->world.trace.text, "idle:125 idle:325");
}

static void a_source_that_collects_bytes_may_say_so(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->world.ctx, &plain_ops, NULL, NULL);
    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    assert_int_equal(cst_progress(s), CST_OK);
    assert_active(f, s);
    assert_string_equal(f->world.trace.text, "idle:175");
    assert_false(cst_readable_did_read(s));
}

static void a_push_of_part_of_a_character_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->world.ctx, &plain_ops, NULL, NULL);
    assert_int_equal(cst_set_encoding(s, CST_UTF8), CST_OK);
    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    assert_int_equal(cst_push(s, cst_slice_str("\xE2")), CST_OK);
    assert_int_equal(cst_readable_length(s), 0);
    assert_active(f, s);
}

static void a_chunk_that_is_written_at_once_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;
    struct test_stage *stage;

    cst_writable_new(&s, f->world.ctx, &test_sink_ops, NULL, NULL);
    stage = cst_stream_self(s);
    stage->world = &f->world;
    stage->name = "w";
    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_writable_length(s), 0);
    assert_active(f, s);
}

static void a_chunk_through_a_pipe_is_activity_of_each_stage(void **state)
{
    struct fixture *f = *state;
    cst_stream *a = passthrough(f), *b = passthrough(f), *c = passthrough(f);

    cst_pipe(a, b, NULL);
    cst_pipe(b, c, NULL);
    cst_on(c, CST_DATA, on_nothing, NULL);
    pass(f, 1);
    watch(f, b, IDLE_NS, 0);
    pass(f, 50);
    cst_write(a, cst_slice_str("x"), NULL, NULL);
    assert_active(f, b);
}

static void a_chunk_that_a_stage_swallows_is_activity_of_it(void **state)
{
    static const cst_ops swallow_ops = { .name = "swallow", .transform = test_swallow };
    struct fixture *f = *state;
    cst_stream *a = passthrough(f), *b;

    cst_transform_new(&b, f->world.ctx, &swallow_ops, NULL, NULL);
    cst_pipe(a, b, NULL);
    cst_pipe(b, passthrough(f), NULL);
    pass(f, 1);
    watch(f, b, IDLE_NS, 0);
    pass(f, 50);
    cst_write(a, cst_slice_str("x"), NULL, NULL);
    assert_active(f, b);
}

static void without_a_callback_the_stream_is_destroyed(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = IDLE_NS }), CST_OK);
    assert_int_equal(pass(f, 99), CST_IDLE);
    assert_false(cst_is_destroyed(s));
    assert_int_equal(pass(f, 100), CST_E_UNHANDLED);
    assert_true(cst_is_closed(s));
    assert_int_equal(cst_errored(s)->status, CST_E_TIMEOUT);
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

static void the_total_runs_on_during_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    watch(f, s, 0, 250);
    for (int i = 1; i < 25; i++) {
        cst_write(s, cst_slice_str("x"), NULL, NULL);
        pass(f, (uint64_t)i * 10);
    }
    pass(f, 1000);
    assert_string_equal(f->world.trace.text, "total:250");
}

static void limits_are_replaced_and_taken_away(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    watch(f, s, IDLE_NS, 50);
    watch(f, s, 0, 200);
    pass(f, 150);
    assert_string_equal(f->world.trace.text, "");
    assert_int_equal(cst_set_timeouts(s, NULL), CST_OK);
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
    assert_int_equal(cst_listener_count(s, CST_CLOSE), 0);
    pass(f, 1000);
    assert_string_equal(f->world.trace.text, "");
}

static void the_callback_may_set_limits_anew(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);
    const cst_timeouts next = { .total_ns = 30, .fn = on_timeout, .arg = f };

    f->sets = true;
    f->next_limits = &next;
    watch(f, s, IDLE_NS, 0);
    pass(f, 140);
    f->next_limits = NULL;
    pass(f, 1000);
    assert_string_equal(f->world.trace.text, "idle:100 total:130 total:160");
}

static void the_limits_end_with_the_stream(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f), *quiet;

    watch(f, s, IDLE_NS, 500);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    cst_passthrough_new(&quiet, f->world.ctx, &(cst_opts){ .no_emit_close = true });
    watch(f, quiet, IDLE_NS, 500);
    cst_destroy(quiet, CST_OK);
    cst_unref(quiet);
    pass(f, 1);
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
    pass(f, 1000);
    assert_string_equal(f->world.trace.text, "");
}

static void without_memory_the_limits_stay_as_they_were(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f), *others[256];
    cst_status st = CST_OK;

    for (size_t i = 0; i < 256; i++)
        others[i] = passthrough(f);
    watch(f, s, 0, 500);
    test_heap_fail_from(&f->world.heap, 1);
    for (size_t i = 0; i < 256 && st == CST_OK; i++) /* the pool has some left */
        st = cst_set_timeouts(others[i], &(cst_timeouts){ .total_ns = 9000 });
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .total_ns = 9000 }), CST_E_NOMEM);
    test_heap_fail_never(&f->world.heap);
    assert_int_equal(st, CST_E_NOMEM);
    pass(f, 600);
    assert_string_equal(f->world.trace.text, "total:500");
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    assert_int_equal(cst_set_timeouts(NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_progress(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 0 }), CST_OK);
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
    cst_destroy(s, CST_OK);
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 1 }), CST_OK);
    assert_int_equal(cst_progress(s), CST_OK);
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

/* --- dormant: after it was told that it is idle ----------------------------------------------- */

/* One turn at a time of the test's. */
static cst_status turn_at(struct fixture *f, uint64_t now_ns)
{
    f->now_ns = now_ns;
    return cst_ctx_run(f->world.ctx, &(cst_budget){ .now_ns = now_ns });
}

/* As a host that sleeps for as long as it may: turn when something is due. Return how often. */
static unsigned sleep_until(struct fixture *f, uint64_t until_ns)
{
    unsigned turns = 0;

    while (cst_ctx_due_ns(f->world.ctx) <= until_ns) {
        assert_int_equal(turn_at(f, cst_ctx_due_ns(f->world.ctx)), CST_IDLE);
        turns++;
    }
    f->now_ns = until_ns;
    return turns;
}

static void an_idle_stream_wakes_nobody_until_something_happens(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    watch(f, s, IDLE_NS, 0);
    assert_int_equal(sleep_until(f, 100), 4);
    assert_string_equal(f->world.trace.text, "idle:100");
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
    for (uint64_t now_ns = 200; now_ns < 1000; now_ns += 100) {
        turn_at(f, now_ns); /* in which nothing happens */
        assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
    }
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    turn_at(f, 1000);
    assert_int_equal(sleep_until(f, 5000), 4);
    assert_string_equal(f->world.trace.text, "idle:100 idle:1100");
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

/* A span that has no quarter in nanoseconds: the limit is noticed when it is reached all the
 * same. */
static void the_last_look_is_when_the_limit_is_reached(void **state)
{
    struct fixture *f = *state;

    watch(f, passthrough(f), 10, 0); /* looked at after 3, 6, 9 and 10 */
    watch(f, passthrough(f), 1, 0);
    assert_int_equal(sleep_until(f, 1000), 5);
    assert_string_equal(f->world.trace.text, "idle:1 idle:10");
}

/* Each of these is at a time between two turns. */
static void push_one(cst_stream *s)
{
    cst_push(s, cst_slice_str("x"));
}

static void write_one(cst_stream *s)
{
    cst_write(s, cst_slice_str("x"), NULL, NULL);
}

static void read_one(cst_stream *s)
{
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, s, 1), CST_OK);
    cst_slice_unref(&chunk);
}

static void say_progress(cst_stream *s)
{
    cst_progress(s);
}

static void complete_one(cst_stream *s)
{
    test_answer_of(s, CST_OK);
}

/* s is told at 100, act is at 500, and a turn at 500 follows, as from a host that hands something
 * over. */
static void assert_told_again(struct fixture *f, cst_stream *s, void (*act)(cst_stream *s))
{
    f->now_ns = 0;
    assert_int_equal(cst_ctx_set_now_ns(f->world.ctx, 0), CST_OK);
    watch(f, s, IDLE_NS, 0);
    sleep_until(f, 500);
    test_trace_clear(&f->world.trace);
    act(s);
    turn_at(f, 500);
    test_trace_clear(&f->world.trace); /* of what the sink says */
    assert_int_equal(sleep_until(f, 5000), 4);
    assert_string_equal(f->world.trace.text, "idle:600");
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

static void a_push_into_a_paused_stream_ends_idleness(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->world.ctx, &plain_ops, NULL, NULL);
    cst_on(s, CST_DATA, on_nothing, NULL);
    cst_pause(s);
    assert_told_again(f, s, push_one);
    assert_int_equal(cst_readable_length(s), 1);
}

static void a_push_that_is_handed_through_ends_idleness(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->world.ctx, &plain_ops, NULL, NULL);
    cst_on(s, CST_DATA, on_nothing, NULL);
    assert_told_again(f, s, push_one);
    assert_int_equal(cst_readable_length(s), 0);
}

static void a_read_ends_idleness(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->world.ctx, &plain_ops, NULL, NULL);
    push_one(s);
    push_one(s);
    assert_told_again(f, s, read_one);
    assert_int_equal(cst_readable_length(s), 1);
}

static void a_write_into_a_corked_stream_ends_idleness(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    cst_cork(s);
    assert_told_again(f, s, write_one);
    assert_int_equal(cst_writable_length(s), 1);
}

static void a_write_that_is_done_at_once_ends_idleness(void **state)
{
    static const cst_ops ops = { .write = test_swallow };
    struct fixture *f = *state;
    cst_stream *s;

    cst_writable_new(&s, f->world.ctx, &ops, NULL, NULL);
    assert_told_again(f, s, write_one);
    assert_int_equal(cst_writable_length(s), 0);
}

static void a_completion_ends_idleness(void **state)
{
    struct fixture *f = *state;

    assert_told_again(f, late_sink(f, "x"), complete_one);
}

static void progress_ends_idleness(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = late_sink(f, "x");

    assert_told_again(f, s, say_progress);
    complete_one(s);
}

/* What the callback of a limit does, the first time. */
struct deed {
    struct fixture *f;
    cst_stream *other;
    bool done;
};

static void write_to_other(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    struct deed *deed = arg;

    on_timeout(s, kind, deed->f);
    if (!deed->done)
        write_one(deed->other);
    deed->done = true;
}

static void activity_inside_the_callback_begins_the_span_anew(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);
    struct deed deed = { .f = f, .other = s };

    cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = IDLE_NS, .fn = write_to_other, .arg = &deed });
    assert_int_equal(sleep_until(f, 5000), 8);
    assert_string_equal(f->world.trace.text, "idle:100 idle:200");
}

static void activity_of_another_inside_the_callback_is_seen(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f), *other = passthrough(f);
    struct deed deed = { .f = f, .other = other };

    watch(f, other, 40, 0);
    cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = IDLE_NS, .fn = write_to_other, .arg = &deed });
    sleep_until(f, 5000);
    assert_string_equal(f->world.trace.text, "idle:40 idle:100 idle:140");
}

static void destroy_it(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    on_timeout(s, kind, arg);
    cst_destroy(s, CST_OK);
}

static void the_callback_may_destroy_the_stream(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    cst_set_timeouts(
        s, &(cst_timeouts){ .idle_ns = IDLE_NS, .total_ns = 300, .fn = destroy_it, .arg = f });
    cst_unref(s);
    assert_int_equal(sleep_until(f, 5000), 4);
    assert_string_equal(f->world.trace.text, "idle:100");
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

static void limits_set_inside_the_callback_are_told_of(void **state)
{
    struct fixture *f = *state;
    const cst_timeouts next = { .idle_ns = 40, .fn = on_timeout, .arg = f };

    f->sets = true;
    f->next_limits = &next;
    watch(f, passthrough(f), IDLE_NS, 0);
    sleep_until(f, 150);
    f->sets = false;
    assert_int_equal(sleep_until(f, 5000), 3);
    assert_string_equal(f->world.trace.text, "idle:100 idle:140 idle:180");
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

static cst_status destroy_late(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    *(cst_call *)self = cst_this_call(s);
    return CST_PENDING;
}

static void a_stream_whose_destroy_takes_long_is_not_told(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(cst_call), .destroy = destroy_late };
    struct fixture *f = *state;
    cst_stream *watched, *dormant;

    cst_readable_new(&watched, f->world.ctx, &ops, NULL, NULL);
    cst_readable_new(&dormant, f->world.ctx, &ops, NULL, NULL);
    watch(f, watched, 1000, 2000);
    watch(f, dormant, IDLE_NS, 2000);
    sleep_until(f, 150);
    cst_progress(dormant);
    cst_destroy(watched, CST_OK);
    cst_destroy(dormant, CST_OK);
    sleep_until(f, 5000);
    assert_string_equal(f->world.trace.text, "idle:100");
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
    cst_complete(*(cst_call *)cst_stream_self(watched), CST_OK);
    cst_complete(*(cst_call *)cst_stream_self(dormant), CST_OK);
}

#define MANY 100

/* Spans of 100, 101 and so on. Gives them when all have been told, at most a quarter of 100 before
 * now. */
static void many_dormant(struct fixture *f, cst_stream **streams)
{
    for (size_t i = 0; i < MANY; i++) {
        streams[i] = passthrough(f);
        watch(f, streams[i], IDLE_NS + i, 0);
    }
    sleep_until(f, 1000);
    test_trace_clear(&f->world.trace);
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

static void many_idle_streams_are_told_in_time_and_wake_nobody(void **state)
{
    struct fixture *f = *state;
    struct test_trace expected;
    cst_stream *s;

    test_trace_clear(&f->world.trace);
    memset(&expected, 0, sizeof expected);
    for (uint64_t i = 0; i < 20; i++) {
        s = passthrough(f);
        watch(f, s, IDLE_NS + 4 * i, 0);
        test_trace_add(&expected, "idle:%d", (int)(IDLE_NS + 4 * i));
    }
    sleep_until(f, 176);
    assert_string_equal(f->world.trace.text, expected.text);
    assert_int_equal(sleep_until(f, 5000), 1); /* for what the callbacks may have done */
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

static void a_turn_with_many_idle_streams_is_followed_by_one_look(void **state)
{
    struct fixture *f = *state;
    cst_stream *streams[MANY];

    many_dormant(f, streams);
    turn_at(f, 2000);
    turn_at(f, 2010); /* the look is due already, and stays there */
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 2025);
    assert_int_equal(sleep_until(f, 5000), 1);
    assert_string_equal(f->world.trace.text, "");
}

static void activity_of_some_of_many_is_seen_within_the_shortest_quarter(void **state)
{
    struct fixture *f = *state;
    cst_stream *streams[MANY];

    many_dormant(f, streams);
    write_one(streams[0]);  /* its span is 100 */
    write_one(streams[60]); /* 160 */
    turn_at(f, 2000);
    write_one(streams[99]); /* 199 */
    turn_at(f, 2024);
    sleep_until(f, 5000);
    assert_string_equal(f->world.trace.text, "idle:2125 idle:2185 idle:2224");
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
}

static void many_idle_streams_come_and_go(void **state)
{
    struct fixture *f = *state;
    cst_stream *streams[MANY];

    many_dormant(f, streams);
    for (size_t i = 0; i < MANY; i += 2) /* with the shortest span */
        assert_int_equal(cst_set_timeouts(streams[i], NULL), CST_OK);
    turn_at(f, 2000);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 2025); /* it is not known yet that it has gone */
    sleep_until(f, 2030);
    turn_at(f, 3000);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 3026);
    for (size_t i = 1; i < MANY; i += 2)
        cst_destroy(streams[i], CST_OK);
    turn_at(f, 3001);
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
    assert_string_equal(f->world.trace.text, "");
}

/* --- the clock -------------------------------------------------------------------------------- */

/* What is due from the beginning is told if nothing was told yet; the fixture has told 0. */
static void limits_count_from_the_first_time_that_is_told(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx = f->world.ctx;
    cst_stream *s;

    assert_int_equal(cst_ctx_new(&f->world.ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    s = passthrough(f);
    watch(f, s, IDLE_NS, 250);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 0);
    write_one(s); /* activity, which the first look sees */
    turn_at(f, 1000000);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 1000025);
    sleep_until(f, 2000000);
    assert_string_equal(f->world.trace.text, "idle:1000125 total:1000250");
    watch(f, passthrough(f), IDLE_NS, 250); /* not told again: the latest is 1000250 */
    sleep_until(f, 2000000);
    assert_string_equal(f->world.trace.text,
                        "idle:1000125 total:1000250 idle:1000350 total:1000500");
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    f->world.ctx = ctx;
}

static void limits_count_from_the_first_time_without_activity_too(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx = f->world.ctx;

    assert_int_equal(cst_ctx_new(&f->world.ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    watch(f, passthrough(f), IDLE_NS, 0);
    watch(f, passthrough(f), IDLE_NS, 0); /* which the end finds so */
    turn_at(f, 7000);
    watch(f, passthrough(f), 60, 0);
    sleep_until(f, 9000);
    assert_string_equal(f->world.trace.text, "idle:7060 idle:7100 idle:7100");
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    assert_int_equal(cst_ctx_new(&f->world.ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    watch(f, passthrough(f), IDLE_NS, 500);
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    f->world.ctx = ctx;
}

static uint64_t ask_fixture(void *arg)
{
    return ((struct fixture *)arg)->now_ns;
}

static void limits_set_between_turns_count_from_what_the_clock_says(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx = f->world.ctx;
    cst_stream *s;

    assert_int_equal(cst_ctx_new(&f->world.ctx, test_heap_allocator(&f->world.heap),
                                 &(cst_ctx_opts){ .clock = ask_fixture, .clock_arg = f }),
                     CST_OK);
    f->now_ns = 300;
    watch(f, passthrough(f), IDLE_NS, 0);
    f->now_ns = 350;
    watch(f, passthrough(f), 0, IDLE_NS);
    sleep_until(f, 1000);
    f->now_ns = 2000;
    s = passthrough(f);
    watch(f, s, IDLE_NS, 0);
    sleep_until(f, 5000);
    write_one(s);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE); /* which is told no time */
    sleep_until(f, 9000);
    assert_string_equal(f->world.trace.text, "idle:400 total:450 idle:2100 idle:5100");
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    f->world.ctx = ctx;
}

static void limits_are_no_timers_that_a_loop_stays_for(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);
    cst_timer timer = { .fn = NULL };

    watch(f, s, IDLE_NS, 500);
    assert_false(cst_ctx_has_timers(f->world.ctx));
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 25);
    cst_timer_start_in(f->world.ctx, &timer, 200, say_nothing, NULL);
    assert_true(cst_ctx_has_timers(f->world.ctx));
    sleep_until(f, 100); /* idle is told */
    assert_true(cst_ctx_has_timers(f->world.ctx));
    sleep_until(f, 200);
    assert_false(cst_ctx_has_timers(f->world.ctx));
    sleep_until(f, 500);
    assert_string_equal(f->world.trace.text, "idle:100 total:500");
    assert_false(cst_ctx_has_timers(f->world.ctx));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(an_idle_stream_is_told_of_once),
    CASE(activity_begins_the_span_anew_within_a_quarter),
    CASE(a_chunk_pushed_is_activity),
    CASE(a_chunk_handed_through_is_activity),
    CASE(a_chunk_completed_is_activity),
    CASE(a_write_that_goes_out_in_parts_is_activity_until_it_stands_still),
    CASE(a_write_that_never_moves_is_destroyed_at_the_limit),
    CASE(a_source_that_collects_bytes_may_say_so),
    CASE(what_leaves_the_length_as_it_was_is_activity_too),
    CASE(a_chunk_of_no_bytes_that_waits_is_activity),
    CASE(a_chunk_of_no_bytes_that_is_completed_is_activity),
    CASE(a_completion_of_no_bytes_after_a_look_inside_the_slot_is_activity),
    CASE(a_push_of_part_of_a_character_is_activity),
    CASE(a_chunk_that_is_written_at_once_is_activity),
    CASE(a_chunk_through_a_pipe_is_activity_of_each_stage),
    CASE(a_chunk_that_a_stage_swallows_is_activity_of_it),
    CASE(without_a_callback_the_stream_is_destroyed),
    CASE(the_total_runs_on_during_activity),
    CASE(limits_are_replaced_and_taken_away),
    CASE(the_callback_may_set_limits_anew),
    CASE(the_limits_end_with_the_stream),
    CASE(without_memory_the_limits_stay_as_they_were),
    CASE(wrong_arguments_are_refused),
    CASE(an_idle_stream_wakes_nobody_until_something_happens),
    CASE(the_last_look_is_when_the_limit_is_reached),
    CASE(a_push_into_a_paused_stream_ends_idleness),
    CASE(a_push_that_is_handed_through_ends_idleness),
    CASE(a_read_ends_idleness),
    CASE(a_write_into_a_corked_stream_ends_idleness),
    CASE(a_write_that_is_done_at_once_ends_idleness),
    CASE(a_completion_ends_idleness),
    CASE(progress_ends_idleness),
    CASE(activity_inside_the_callback_begins_the_span_anew),
    CASE(activity_of_another_inside_the_callback_is_seen),
    CASE(the_callback_may_destroy_the_stream),
    CASE(limits_set_inside_the_callback_are_told_of),
    CASE(a_stream_whose_destroy_takes_long_is_not_told),
    CASE(many_idle_streams_are_told_in_time_and_wake_nobody),
    CASE(a_turn_with_many_idle_streams_is_followed_by_one_look),
    CASE(activity_of_some_of_many_is_seen_within_the_shortest_quarter),
    CASE(many_idle_streams_come_and_go),
    CASE(limits_count_from_the_first_time_that_is_told),
    CASE(limits_count_from_the_first_time_without_activity_too),
    CASE(limits_set_between_turns_count_from_what_the_clock_says),
    CASE(limits_are_no_timers_that_a_loop_stays_for),
};

TEST_MAIN(tests)

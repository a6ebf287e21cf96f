/* test_timeout.c - timeout.h: idle and total limits, and what counts as activity. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap.h"
#include "main.h"
#include "trace.h"

#define IDLE_NS 100

struct fixture {
    struct test_heap heap;
    struct test_trace trace;
    cst_ctx *ctx;
    uint64_t now_ns;
    const cst_timeouts *next_limits; /* what on_timeout sets */
    bool sets;
};

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

/* Lets the time pass, a nanosecond a turn, and records when something was said. */
static cst_status pass(struct fixture *f, uint64_t until_ns)
{
    cst_budget budget = { .tasks = 0 };
    cst_status st = CST_IDLE, last;

    while (f->now_ns < until_ns) {
        budget.now_ns = ++f->now_ns;
        last = cst_ctx_run(f->ctx, &budget);
        st = last == CST_IDLE ? st : last;
    }
    return st;
}

static void on_timeout(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->trace, "%s:%d", kind == CST_TIMEOUT_IDLE ? "idle" : "total", (int)f->now_ns);
    if (f->sets)
        assert_int_equal(cst_set_timeouts(s, f->next_limits), CST_OK);
}

static cst_stream *passthrough(struct fixture *f)
{
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
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
    assert_string_equal(f->trace.text, "");
    pass(f, 1000);
    assert_string_equal(f->trace.text, "idle:100");
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
    assert_true(f->trace.len > 0);
    assert_string_equal(f->trace.text, "idle:825"); /* the last one was at 721, seen at 725 */
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    pass(f, 2000);
    assert_string_equal(f->trace.text, "idle:825 idle:1125"); /* once for each time */
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
    assert_string_equal(f->trace.text, "");
    pass(f, 175);
    assert_true(f->trace.len > 0);
    assert_false(cst_is_destroyed(s));
}

static const cst_ops plain_ops = { .name = "plain" };

static void a_chunk_pushed_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->ctx, &plain_ops, NULL, NULL);
    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    cst_push(s, cst_slice_str("x"));
    assert_active(f, s);
}

static void a_chunk_handed_through_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->ctx, &plain_ops, NULL, NULL);
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

    cst_writable_new(&s, f->ctx, &test_sink_ops, NULL, NULL);
    stage = cst_stream_self(s);
    *stage = (struct test_stage){ .trace = &f->trace, .name = "w", .answer = CST_PENDING };
    cst_write(s, cst_slice_str(text), NULL, NULL);
    test_trace_clear(&f->trace);
    return s;
}

/* The same, watched, for a while. */
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

    test_stage_finish(s, CST_OK);
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
    assert_string_equal(f->trace.text, "idle:925"); /* the last part at 800, seen at 825 */
    assert_int_equal(cst_progress(s), CST_OK);
    pass(f, 2000);
    assert_string_equal(f->trace.text, "idle:925 idle:1125");
    test_stage_finish(s, CST_OK);
    pass(f, 3000);
    assert_string_equal(f->trace.text, "idle:925 idle:1125 idle:2125");
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
    test_stage_finish(s, CST_OK);
}

static void what_leaves_the_length_as_it_was_is_activity_too(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink_at_work(f, "x");

    cst_cork(s);
    test_stage_finish(s, CST_OK);
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

    test_stage_finish(s, CST_OK);
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

/* The look of those limits is what the completion comes after: it is seen at the next, a quarter later. */
static void a_completion_of_no_bytes_after_a_look_inside_the_slot_is_activity(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct fixture *),
                                 .write = set_limits_in_write,
                                 .writev = set_limits_in_writev };
    struct fixture *f = *state;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, f->ctx, &ops, &f, NULL), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_empty(), NULL, NULL), CST_OK);
    pass(f, 200);
    cst_cork(s);
    for (int i = 0; i < 2; i++)
        assert_int_equal(cst_write(s, cst_slice_empty(), NULL, NULL), CST_OK);
    cst_uncork(s);
    pass(f, 400);
    cst_unref(s);
    assert_string_equal(f->trace.text, "idle:125 idle:325");
}

static void a_source_that_collects_bytes_may_say_so(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->ctx, &plain_ops, NULL, NULL);
    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    assert_int_equal(cst_progress(s), CST_OK);
    assert_active(f, s);
    assert_string_equal(f->trace.text, "idle:175");
    assert_false(cst_readable_did_read(s));
}

static void a_push_of_part_of_a_character_is_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    cst_readable_new(&s, f->ctx, &plain_ops, NULL, NULL);
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

    cst_writable_new(&s, f->ctx, &test_sink_ops, NULL, NULL);
    stage = cst_stream_self(s);
    stage->trace = &f->trace;
    stage->name = "w";
    watch(f, s, IDLE_NS, 0);
    pass(f, 50);
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    test_trace_clear(&f->trace);
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

static cst_status swallow(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_OK;
}

static void a_chunk_that_a_stage_swallows_is_activity_of_it(void **state)
{
    static const cst_ops swallow_ops = { .name = "swallow", .transform = swallow };
    struct fixture *f = *state;
    cst_stream *a = passthrough(f), *b;

    cst_transform_new(&b, f->ctx, &swallow_ops, NULL, NULL);
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
    assert_true(cst_ctx_due_ns(f->ctx) == CST_NEVER);
}

static void the_total_does_not_heed_activity(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    watch(f, s, 0, 250);
    for (int i = 1; i < 25; i++) {
        cst_write(s, cst_slice_str("x"), NULL, NULL);
        pass(f, (uint64_t)i * 10);
    }
    pass(f, 1000);
    assert_string_equal(f->trace.text, "total:250");
}

static void limits_are_replaced_and_taken_away(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    watch(f, s, IDLE_NS, 50);
    watch(f, s, 0, 200);
    pass(f, 150);
    assert_string_equal(f->trace.text, "");
    assert_int_equal(cst_set_timeouts(s, NULL), CST_OK);
    assert_true(cst_ctx_due_ns(f->ctx) == CST_NEVER);
    assert_int_equal(cst_listener_count(s, CST_CLOSE), 0);
    pass(f, 1000);
    assert_string_equal(f->trace.text, "");
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
    assert_string_equal(f->trace.text, "idle:100 total:130 total:160");
}

static void the_limits_end_with_the_stream(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f), *quiet;

    watch(f, s, IDLE_NS, 500);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    cst_passthrough_new(&quiet, f->ctx, &(cst_opts){ .no_emit_close = true });
    watch(f, quiet, IDLE_NS, 500);
    cst_destroy(quiet, CST_OK);
    cst_unref(quiet);
    pass(f, 1);
    assert_true(cst_ctx_due_ns(f->ctx) == CST_NEVER);
    pass(f, 1000);
    assert_string_equal(f->trace.text, "");
}

static void without_memory_the_limits_stay_as_they_were(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f), *others[256];
    cst_status st = CST_OK;

    for (size_t i = 0; i < 256; i++)
        others[i] = passthrough(f);
    watch(f, s, 0, 500);
    test_heap_fail_from(&f->heap, 1);
    for (size_t i = 0; i < 256 && st == CST_OK; i++) /* the pool has some left */
        st = cst_set_timeouts(others[i], &(cst_timeouts){ .total_ns = 9000 });
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .total_ns = 9000 }), CST_E_NOMEM);
    test_heap_fail_never(&f->heap);
    assert_int_equal(st, CST_E_NOMEM);
    pass(f, 600);
    assert_string_equal(f->trace.text, "total:500");
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = passthrough(f);

    assert_int_equal(cst_set_timeouts(NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_progress(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 0 }), CST_OK);
    assert_true(cst_ctx_due_ns(f->ctx) == CST_NEVER);
    cst_destroy(s, CST_OK);
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 1 }), CST_OK);
    assert_int_equal(cst_progress(s), CST_OK);
    assert_true(cst_ctx_due_ns(f->ctx) == CST_NEVER);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
    CASE(the_total_does_not_heed_activity),
    CASE(limits_are_replaced_and_taken_away),
    CASE(the_callback_may_set_limits_anew),
    CASE(the_limits_end_with_the_stream),
    CASE(without_memory_the_limits_stay_as_they_were),
    CASE(wrong_arguments_are_refused),
};

TEST_MAIN(tests)

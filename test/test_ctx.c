/* test_ctx.c - ctx.h: deferred tasks, the host, and the end of everything. */
#include "world.h"

struct fixture {
    struct test_world world;
    unsigned woken;
};

static void on_wake(void *arg)
{
    ((struct fixture *)arg)->woken++;
}

static int set_up(void **state)
{
    static struct fixture f;
    const cst_ctx_opts opts = { .wake = on_wake, .wake_arg = &f };

    f.woken = 0;
    test_world_open(&f.world, &opts);
    *state = &f;
    return 0;
}

struct job {
    cst_task task;
    struct fixture *f;
    const char *word;
    struct job *then;
};

static void do_job(void *arg)
{
    struct job *job = arg;

    test_trace_add(&job->f->world.trace, "%s", job->word);
    if (job->then)
        assert_int_equal(cst_defer(job->f->world.ctx, &job->then->task, do_job, job->then), CST_OK);
}

static void tasks_run_first_in_first_out_and_those_they_queue_after_them(void **state)
{
    struct fixture *f = *state;
    struct job c = { .f = f, .word = "c" }, b = { .f = f, .word = "b" },
               a = { .f = f, .word = "a", .then = &c };

    assert_int_equal(cst_defer(f->world.ctx, &a.task, do_job, &a), CST_OK);
    assert_int_equal(cst_defer(f->world.ctx, &b.task, do_job, &b), CST_OK);
    assert_int_equal(cst_defer(f->world.ctx, &b.task, do_job, &b), CST_PENDING);
    assert_true(cst_ctx_has_work(f->world.ctx));
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a b c");
    assert_false(cst_ctx_has_work(f->world.ctx));
}

static void a_budget_cuts_between_tasks(void **state)
{
    struct fixture *f = *state;
    struct job b = { .f = f, .word = "b" }, a = { .f = f, .word = "a" };
    cst_budget one = { .tasks = 1 };

    cst_defer(f->world.ctx, &a.task, do_job, &a);
    cst_defer(f->world.ctx, &b.task, do_job, &b);
    assert_int_equal(cst_ctx_run(f->world.ctx, &one), CST_MORE);
    assert_string_equal(f->world.trace.text, "a");
    assert_int_equal(cst_ctx_run(f->world.ctx, &one), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a b");
}

static void wake_comes_once_for_each_time_that_work_appears(void **state)
{
    struct fixture *f = *state;
    struct job b = { .f = f, .word = "b" }, a = { .f = f, .word = "a", .then = &b };

    cst_defer(f->world.ctx, &a.task, do_job, &a);
    assert_int_equal(f->woken, 1);
    cst_ctx_run(f->world.ctx, NULL);
    assert_int_equal(f->woken, 1);
    cst_defer(f->world.ctx, &a.task, do_job, &a);
    assert_int_equal(f->woken, 2);
    cst_ctx_run(f->world.ctx, NULL);
}

static void run_inside(void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->world.trace, "%s %s", test_status_word(cst_ctx_run(f->world.ctx, NULL)),
                   test_status_word(cst_ctx_free(f->world.ctx)));
}

static void a_run_or_free_inside_a_task_or_a_slot_is_refused(void **state)
{
    struct fixture *f = *state;
    cst_task task = { .fn = NULL };

    cst_defer(f->world.ctx, &task, run_inside, f);
    cst_ctx_run(f->world.ctx, NULL);
    assert_string_equal(f->world.trace.text, "NESTED NESTED");
}

static void an_unheard_error_is_said_once_and_stays_on_its_stream(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, f->world.ctx, NULL), CST_OK);
    cst_destroy(s, CST_USER(7));
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_E_UNHANDLED);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_int_equal(cst_errored(s)->status, CST_USER(7));
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    test_trace_add(arg, "done:%s", test_status_word(status));
}

static void freeing_calls_every_callback_that_is_owed_once(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx;
    cst_stream *s;
    struct test_stage *stage;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    assert_int_equal(cst_writable_new(&s, ctx, &test_sink_ops, NULL, NULL), CST_OK);
    test_listen_as(&f->world, s, "w");
    stage = cst_stream_self(s);
    stage->answer = CST_PENDING;
    cst_write(s, cst_slice_str("a"), on_done, &f->world.trace);
    cst_write(s, cst_slice_str("b"), on_done, &f->world.trace);
    cst_end(s, on_done, &f->world.trace);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_string_equal(f->world.trace.text,
                        "w:write:a w:destroy w:close done:DESTROYED done:DESTROYED "
                        "done:DESTROYED");
}

static void slices_outlive_their_context(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx;
    cst_buf buf;
    cst_slice slice;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    assert_int_equal(cst_buf_new_cached(&buf, ctx, 100), CST_OK);
    buf.data[99] = 42;
    slice = cst_buf_freeze(&buf, 100);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(slice.data[99], 42);
    cst_slice_unref(&slice);
}

static void the_default_high_water_mark_is_read_when_a_stream_is_made(void **state)
{
    struct fixture *f = *state;
    cst_stream *a, *b;

    assert_int_equal(cst_ctx_default_high_water_mark(f->world.ctx, false), 65536);
    assert_int_equal(cst_ctx_default_high_water_mark(f->world.ctx, true), 16);
    assert_int_equal(cst_passthrough_new(&a, f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_ctx_set_default_high_water_mark(f->world.ctx, false, 100), CST_OK);
    assert_int_equal(cst_passthrough_new(&b, f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_readable_high_water_mark(a), 65536);
    assert_int_equal(cst_readable_high_water_mark(b), 100);
    assert_int_equal(cst_writable_high_water_mark(b), 100);
    assert_int_equal(cst_ctx_set_default_high_water_mark(NULL, false, 1), CST_E_INVALID_ARG);
}

static void a_context_without_memory_is_not_made(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx = NULL;
    size_t n = 1;

    for (;;) {
        test_heap_fail_at(&f->world.heap, n);
        if (cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), NULL) == CST_OK)
            break;
        assert_null(ctx);
        n++;
    }
    assert_true(n > 1);
    test_heap_fail_never(&f->world.heap);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(cst_ctx_new(&ctx, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_ctx_new(NULL, cst_allocator_malloc(), NULL), CST_E_INVALID_ARG);
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_task task = { .fn = NULL };
    cst_buf buf;

    assert_int_equal(cst_ctx_run(NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_immediate(NULL, &task, run_inside, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_immediate(f->world.ctx, NULL, run_inside, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_immediate(f->world.ctx, &task, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_at_turn_end(NULL, &task, run_inside, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_at_turn_end(f->world.ctx, NULL, run_inside, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_at_turn_end(f->world.ctx, &task, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_ctx_free(NULL), CST_OK);
    assert_int_equal(cst_defer(NULL, &task, run_inside, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_defer(f->world.ctx, NULL, run_inside, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_defer(f->world.ctx, &task, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_buf_new_cached(NULL, f->world.ctx, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_buf_new_cached(&buf, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_buf_new_cached(&buf, f->world.ctx, SIZE_MAX), CST_E_NOMEM);
    assert_false(cst_ctx_has_work(NULL));
}

/* --- nesting, in all its places --------------------------------------------------------------- */

static void run_in_listener(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    run_inside(arg);
}

static void run_in_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    (void)status;
    run_inside(arg);
}

static cst_status run_in_slot(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)chunk;
    run_inside(*(struct fixture **)self);
    return CST_OK;
}

static const cst_ops nesting_ops = { .self_size = sizeof(struct fixture *), .write = run_in_slot };

static void a_slot_a_done_and_a_listener_may_neither_run_nor_free(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, f->world.ctx, &nesting_ops, &f, NULL), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("a"), run_in_done, f), CST_OK);
    assert_string_equal(f->world.trace.text, "NESTED NESTED"); /* the slot */
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "NESTED NESTED"); /* the done */
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_on(s, CST_CLOSE, run_in_listener, f), CST_OK);
    assert_int_equal(cst_destroy(s, CST_OK), CST_OK);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "NESTED NESTED"); /* the listener, in a run */
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_passthrough_new(&s, f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_on(s, CST_PAUSE, run_in_listener, f), CST_OK);
    assert_int_equal(cst_pause(s), CST_OK);
    assert_string_equal(f->world.trace.text, "NESTED NESTED"); /* and outside of one */
}

/* --- more of the queue ------------------------------------------------------------------------ */

struct again {
    cst_task task;
    struct fixture *f;
    int left;
};

static void do_again(void *arg)
{
    struct again *again = arg;

    test_trace_add(&again->f->world.trace, "%d", again->left);
    if (--again->left) {
        assert_int_equal(cst_defer(again->f->world.ctx, &again->task, do_again, again), CST_OK);
        assert_int_equal(cst_defer(again->f->world.ctx, &again->task, do_again, again),
                         CST_PENDING);
    }
}

static void a_task_may_queue_itself_again_and_a_budget_counts_each_turn(void **state)
{
    struct fixture *f = *state;
    struct again again = { .f = f, .left = 5 };
    cst_budget two = { .tasks = 2 };

    assert_int_equal(cst_defer(f->world.ctx, &again.task, do_again, &again), CST_OK);
    assert_int_equal(cst_ctx_run(f->world.ctx, &two), CST_MORE);
    assert_string_equal(f->world.trace.text, "5 4");
    assert_int_equal(cst_ctx_run(f->world.ctx, &two), CST_MORE);
    assert_string_equal(f->world.trace.text, "5 4 3 2");
    assert_int_equal(cst_ctx_run(f->world.ctx, &two), CST_IDLE);
    assert_string_equal(f->world.trace.text, "5 4 3 2 1");
    assert_int_equal(cst_ctx_run(f->world.ctx, &two), CST_IDLE);
    assert_int_equal(f->woken, 1);
}

static void a_run_cut_short_needs_no_second_wake(void **state)
{
    struct fixture *f = *state;
    struct job a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" },
               c = { .f = f, .word = "c" };

    assert_int_equal(cst_defer(f->world.ctx, &a.task, do_job, &a), CST_OK);
    assert_int_equal(cst_defer(f->world.ctx, &b.task, do_job, &b), CST_OK);
    assert_int_equal(cst_ctx_run(f->world.ctx, &(cst_budget){ .tasks = 1 }), CST_MORE);
    assert_int_equal(cst_defer(f->world.ctx, &c.task, do_job, &c), CST_OK);
    assert_int_equal(f->woken, 1);
    assert_int_equal(cst_ctx_run(f->world.ctx, &(cst_budget){ 0 }), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a b c");
}

static void unhandled_waits_until_no_task_is_left(void **state)
{
    struct fixture *f = *state;
    struct job a = { .f = f, .word = "a" };
    cst_stream *s, *other;

    assert_int_equal(cst_passthrough_new(&s, f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&other, f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_destroy(s, CST_USER(1)), CST_OK);
    assert_int_equal(cst_destroy(other, CST_USER(2)), CST_OK);
    assert_int_equal(cst_defer(f->world.ctx, &a.task, do_job, &a), CST_OK);
    assert_int_equal(cst_ctx_run(f->world.ctx, &(cst_budget){ .tasks = 2 }), CST_MORE);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_E_UNHANDLED); /* once for the two */
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a");
}

/* --- freeing, and memory ---------------------------------------------------------------------- */

static void freeing_runs_what_is_due(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx;
    struct job a = { .f = f, .word = "a" };

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    assert_int_equal(cst_defer(ctx, &a.task, do_job, &a), CST_OK);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_string_equal(f->world.trace.text, "a");
}

static void owed_callbacks_get_the_error_of_their_stream(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx;
    cst_stream *s;
    struct test_stage *stage;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    assert_int_equal(cst_writable_new(&s, ctx, &test_sink_ops, NULL, NULL), CST_OK);
    test_listen_as(&f->world, s, "w");
    stage = cst_stream_self(s);
    stage->answer = CST_PENDING;
    assert_int_equal(cst_write(s, cst_slice_str("a"), on_done, &f->world.trace), CST_OK);
    assert_int_equal(cst_destroy(s, CST_OS(5)), CST_OK);
    cst_unref(s);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_string_equal(f->world.trace.text, "w:write:a w:destroy w:error:OS w:close done:OS");
}

static void a_block_of_one_size_is_used_again_and_again(void **state)
{
    struct fixture *f = *state;
    cst_buf buf;
    cst_slice slice;
    size_t calls;

    assert_int_equal(cst_buf_new_cached(&buf, f->world.ctx, 4096), CST_OK);
    cst_buf_free(&buf);
    calls = f->world.heap.calls;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(cst_buf_new_cached(&buf, f->world.ctx, 4096), CST_OK);
        slice = cst_buf_freeze(&buf, 10);
        cst_slice_unref(&slice);
    }
#ifdef CST_NO_CACHE
    assert_int_equal(f->world.heap.calls, calls + 100); /* as `make asan` builds it */
#else
    assert_int_equal(f->world.heap.calls, calls);
#endif
}

static void a_buffer_without_memory_is_not_made(void **state)
{
    struct fixture *f = *state;
    cst_buf buf = { .data = NULL, .cap = 7 };

    test_heap_fail_from(&f->world.heap, 1);
    assert_int_equal(cst_buf_new_cached(&buf, f->world.ctx, 4096), CST_E_NOMEM);
    assert_int_equal(buf.cap, 7);
    test_heap_fail_never(&f->world.heap);
    assert_int_equal(cst_buf_new_cached(&buf, f->world.ctx, 4096), CST_OK);
    cst_buf_free(&buf);
}

/* --- immediates, and the end of a turn -------------------------------------------------------- */

static void immediates_come_one_by_one_after_all_tasks(void **state)
{
    struct fixture *f = *state;
    struct job t = { .f = f, .word = "t" }, x = { .f = f, .word = "x" },
               a = { .f = f, .word = "a", .then = &x }, b = { .f = f, .word = "b" };

    assert_int_equal(cst_immediate(f->world.ctx, &a.task, do_job, &a), CST_OK);
    assert_int_equal(cst_immediate(f->world.ctx, &a.task, do_job, &a), CST_PENDING);
    assert_int_equal(cst_defer(f->world.ctx, &a.task, do_job, &a), CST_PENDING);
    assert_int_equal(cst_immediate(f->world.ctx, &b.task, do_job, &b), CST_OK);
    assert_int_equal(cst_defer(f->world.ctx, &t.task, do_job, &t), CST_OK);
    assert_int_equal(f->woken, 1);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "t a x b");
}

struct ending {
    cst_task task;
    struct job *job;
    int again; /* how often it comes back */
};

static void at_the_end(void *arg)
{
    struct ending *ending = arg;
    struct fixture *f = ending->job->f;

    test_trace_add(&f->world.trace, "end");
    if (ending->again-- > 0)
        assert_int_equal(cst_at_turn_end(f->world.ctx, &ending->task, at_the_end, ending), CST_OK);
    assert_int_equal(cst_defer(f->world.ctx, &ending->job->task, do_job, ending->job), CST_OK);
}

static void the_end_of_a_turn_comes_when_nothing_is_left(void **state)
{
    struct fixture *f = *state;
    struct job a = { .f = f, .word = "a" }, after = { .f = f, .word = "after" };
    struct ending ending = { .job = &after };

    assert_int_equal(cst_at_turn_end(f->world.ctx, &ending.task, at_the_end, &ending), CST_OK);
    assert_int_equal(f->woken, 1);
    assert_true(cst_ctx_has_work(f->world.ctx));
    assert_int_equal(cst_immediate(f->world.ctx, &a.task, do_job, &a), CST_OK);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a end after");
}

static void the_end_of_a_turn_comes_whatever_the_budget(void **state)
{
    struct fixture *f = *state;
    struct job a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" },
               after = { .f = f, .word = "after" };
    struct ending ending = { .job = &after, .again = 1 };
    cst_budget one = { .tasks = 1 };

    cst_at_turn_end(f->world.ctx, &ending.task, at_the_end, &ending);
    cst_defer(f->world.ctx, &a.task, do_job, &a);
    cst_defer(f->world.ctx, &b.task, do_job, &b);
    assert_int_equal(cst_ctx_run(f->world.ctx, &one), CST_MORE);
    assert_string_equal(f->world.trace.text, "a end");
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a end b after end after");
}

/* --- a limit on bytes ------------------------------------------------------------------------- */

/* A source without end, of chunks of 100 bytes, and who reads it. */
struct endless {
    struct fixture *f;
    cst_stream *s;
    size_t seen_bytes, chunks_left; /* chunks_left 0: without end */
    size_t most_others_moved;       /* between two chunks of this one */
    struct endless *other;
    size_t other_before;
};

static const char hundred[100];

static cst_status endless_read(cst_stream *s, void *self, size_t size)
{
    struct endless *e = *(struct endless **)self;

    (void)size;
    if (e->chunks_left && --e->chunks_left == 0) {
        cst_push(s, cst_slice_static(hundred, sizeof(hundred)));
        cst_push_eof(s);
        return CST_OK;
    }
    return cst_give(s, cst_slice_static(hundred, sizeof(hundred)));
}

static const cst_ops endless_ops = { .self_size = sizeof(struct endless *), .read = endless_read };

static void on_endless_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct endless *e = arg;

    (void)s;
    if (e->other && e->other->seen_bytes - e->other_before > e->most_others_moved)
        e->most_others_moved = e->other->seen_bytes - e->other_before;
    e->other_before = e->other ? e->other->seen_bytes : 0;
    e->seen_bytes += event->chunk->len;
}

static void endless_start(struct endless *e)
{
    assert_int_equal(cst_readable_new(&e->s, e->f->world.ctx, &endless_ops, &e, NULL), CST_OK);
    assert_int_equal(cst_on(e->s, CST_DATA, on_endless_data, e), CST_OK);
}

static void a_limit_on_bytes_cuts_a_flow_after_the_chunk_that_spends_it(void **state)
{
    struct fixture *f = *state;
    struct endless a = { .f = f };
    cst_budget budget = { .bytes = 250 };

    endless_start(&a);
    assert_int_equal(cst_ctx_run(f->world.ctx, &budget), CST_MORE);
    assert_int_equal(a.seen_bytes, 300);
    assert_int_equal(cst_ctx_run(f->world.ctx, &budget), CST_MORE);
    assert_int_equal(a.seen_bytes, 600);
    assert_int_equal(f->woken, 1);
    cst_destroy(a.s, CST_OK);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_int_equal(a.seen_bytes, 600);
}

static void endless_flows_take_turns_within_a_budget_of_each_other(void **state)
{
    struct fixture *f = *state;
    struct endless a = { .f = f }, b = { .f = f, .other = &a };
    cst_budget budget = { .bytes = 1000 };

    a.other = &b;
    endless_start(&a);
    endless_start(&b);
    for (int turn = 0; turn < 100; turn++) {
        size_t before = a.seen_bytes + b.seen_bytes;

        assert_int_equal(cst_ctx_run(f->world.ctx, &budget), CST_MORE);
        assert_int_equal(a.seen_bytes + b.seen_bytes - before, 1000);
    }
    assert_int_equal(a.seen_bytes, 50000);
    assert_int_equal(b.seen_bytes, 50000);
    assert_int_equal(a.most_others_moved, 1000);
    assert_int_equal(b.most_others_moved, 1000);
    cst_destroy(a.s, CST_OK);
    cst_destroy(b.s, CST_OK);
}

static void tasks_and_timers_come_between_the_parts_of_a_flow(void **state)
{
    struct fixture *f = *state;
    struct endless a = { .f = f };
    struct job timer_job = { .f = f, .word = "timer" }, task_job = { .f = f, .word = "task" };
    cst_timer timer = { .due_ns = 0 };
    cst_budget budget = { .bytes = 100, .now_ns = 1 };

    endless_start(&a);
    assert_int_equal(cst_ctx_run(f->world.ctx, &budget), CST_MORE);
    cst_timer_start(f->world.ctx, &timer, 2, do_job, &timer_job);
    cst_defer(f->world.ctx, &task_job.task, do_job, &task_job);
    budget.now_ns = 2;
    assert_int_equal(cst_ctx_run(f->world.ctx, &budget), CST_MORE);
    assert_string_equal(f->world.trace.text, "task timer");
    assert_int_equal(a.seen_bytes, 200);
    cst_destroy(a.s, CST_OK);
}

static void say_end(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->world.trace, event->type == CST_END ? "end" : "close");
}

static void a_cut_flow_ends_as_if_it_had_not_been_cut(void **state)
{
    struct fixture *f = *state;
    struct endless a = { .f = f, .chunks_left = 10 };
    cst_budget budget = { .bytes = 1 };
    unsigned turns = 1;

    endless_start(&a);
    cst_on(a.s, CST_END, say_end, f);
    cst_on(a.s, CST_CLOSE, say_end, f);
    while (cst_ctx_run(f->world.ctx, &budget) == CST_MORE)
        turns++;
    assert_int_equal(a.seen_bytes, 1000);
    assert_in_range(turns, 10, 12);
    assert_string_equal(f->world.trace.text, "end close");
}

static void without_memory_for_the_rest_a_flow_is_not_cut(void **state)
{
    struct fixture *f = *state;
    struct endless a = { .f = f, .chunks_left = 10 };
    cst_budget budget = { .bytes = 1 };

    endless_start(&a);
    assert_int_equal(cst_ctx_run(f->world.ctx, &budget), CST_MORE);
    assert_int_equal(a.seen_bytes, 100);
    /* The record of the rest comes from the pool: another stream takes what the pool has left. */
    test_heap_fail_from(&f->world.heap, 1);
    for (;;) {
        cst_stream *s;

        if (cst_passthrough_new(&s, f->world.ctx, NULL) != CST_OK)
            break;
    }
    while (cst_on(a.s, CST_PIPE, on_endless_data, &a) == CST_OK)
        continue;
    while (cst_ctx_run(f->world.ctx, &budget) == CST_MORE)
        continue;
    assert_int_equal(a.seen_bytes, 1000);
    test_heap_fail_never(&f->world.heap);
}

/* --- the options of a context ----------------------------------------------------------------- */

/* The stage that counts how many are inside one another: depth[0] now, depth[1] at most. */
static cst_status nested_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    unsigned *depth = *(unsigned **)self;

    if (++depth[0] > depth[1])
        depth[1] = depth[0];
    cst_push(s, cst_slice_ref(chunk));
    depth[0]--;
    return CST_OK;
}

static const cst_ops nested_ops = { .self_size = sizeof(unsigned *),
                                    .transform = nested_transform };

static unsigned deepest(struct fixture *f, unsigned limit, size_t stages, size_t *arrived)
{
    const cst_ctx_opts opts = { .nesting_limit = limit };
    unsigned counts[2] = { 0, 0 }, *depth = counts;
    struct endless end = { .f = f };
    cst_stream *first = NULL, *last = NULL, *s;
    cst_ctx *ctx;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), &opts), CST_OK);
    for (size_t i = 0; i < stages; i++) {
        assert_int_equal(cst_transform_new(&s, ctx, &nested_ops, &depth, NULL), CST_OK);
        if (last)
            assert_int_equal(cst_pipe(last, s, NULL), CST_OK);
        else
            first = s;
        last = s;
    }
    assert_int_equal(cst_on(last, CST_DATA, on_endless_data, &end), CST_OK);
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_int_equal(cst_write(first, cst_slice_str("0123456789"), NULL, NULL), CST_OK);
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    *arrived = end.seen_bytes;
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    return counts[1];
}

static void the_nesting_limit_bounds_how_deep_stages_run_inside_one_another(void **state)
{
    struct fixture *f = *state;
    size_t arrived;

    assert_int_equal(deepest(f, 3, 10, &arrived), 4); /* three pushes, and the stage they lead to */
    assert_int_equal(arrived, 10);
    assert_int_equal(deepest(f, 0, 200, &arrived), 65);
    assert_int_equal(arrived, 10);
    assert_int_equal(deepest(f, 1000, 200, &arrived), 200);
    assert_int_equal(arrived, 10);
}

static cst_status counted_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    ++**(unsigned **)self;
    return cst_give(s, cst_slice_ref(chunk));
}

static const cst_ops counted_ops = { .self_size = sizeof(unsigned *),
                                     .transform = counted_transform };

static cst_status swallow(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_OK;
}

static const cst_ops swallow_ops = { .write = swallow };

/* Write two chunks into a row of transforms that give, and a sink. Return how many transforms the
 * second chunk, which finds all of them idle, has come to when cst_write returns. */
static unsigned farthest(struct fixture *f, unsigned limit, size_t stages)
{
    const cst_ctx_opts opts = { .nesting_limit = limit };
    unsigned count = 0, *counter = &count, came;
    cst_stream *first = NULL, *last = NULL, *s;
    cst_ctx *ctx;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), &opts), CST_OK);
    for (size_t i = 0; i <= stages; i++) {
        if (i < stages)
            assert_int_equal(cst_transform_new(&s, ctx, &counted_ops, &counter, NULL), CST_OK);
        else
            assert_int_equal(cst_writable_new(&s, ctx, &swallow_ops, NULL, NULL), CST_OK);
        if (last)
            assert_int_equal(cst_pipe(last, s, NULL), CST_OK);
        else
            first = s;
        last = s;
    }
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_int_equal(cst_write(first, cst_slice_str("0123456789"), NULL, NULL), CST_OK);
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_int_equal(count, stages);
    assert_int_equal(cst_write(first, cst_slice_str("0123456789"), NULL, NULL), CST_OK);
    came = count - (unsigned)stages;
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_int_equal(count, 2 * stages);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    return came;
}

static void the_nesting_limit_bounds_how_far_a_chunk_is_given_on_at_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(farthest(f, 3, 10), 4);
    assert_int_equal(farthest(f, 0, 200), 65);
    assert_int_equal(farthest(f, 1000, 200), 200);
}

#ifndef CST_NO_CACHE /* `make asan` keeps no block at all */
static size_t allocations_for_three_blocks(struct fixture *f, unsigned cached_blocks)
{
    const cst_ctx_opts opts = { .cached_blocks = cached_blocks };
    cst_buf bufs[3];
    cst_ctx *ctx;
    size_t calls = 0;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), &opts), CST_OK);
    for (int round = 0; round < 2; round++) {
        calls = f->world.heap.calls;
        for (int i = 0; i < 3; i++)
            assert_int_equal(cst_buf_new_cached(&bufs[i], ctx, 4096), CST_OK);
        for (int i = 0; i < 3; i++)
            cst_buf_free(&bufs[i]);
    }
    calls = f->world.heap.calls - calls;
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    return calls;
}

static void as_many_blocks_are_kept_as_the_option_says(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(allocations_for_three_blocks(f, 1), 2);
    assert_int_equal(allocations_for_three_blocks(f, 2), 1);
    assert_int_equal(allocations_for_three_blocks(f, 0), 0);
}
#endif

static void make_streams(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;
    cst_ctx *ctx = cst_stream_ctx(s);
    cst_stream *none = NULL;

    (void)event;
    assert_int_equal(cst_readable_new(&none, ctx, &test_source_ops, NULL, NULL), CST_E_DESTROYED);
    assert_int_equal(cst_writable_new(&none, ctx, &test_sink_ops, NULL, NULL), CST_E_DESTROYED);
    assert_int_equal(cst_passthrough_new(&none, ctx, NULL), CST_E_DESTROYED);
    assert_null(none);
    test_trace_add(&f->world.trace, "tried");
}

static void no_stream_is_made_while_the_context_is_being_freed(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx;
    cst_stream *s;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&s, ctx, NULL), CST_OK);
    assert_int_equal(cst_on(s, CST_CLOSE, make_streams, f), CST_OK);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_string_equal(f->world.trace.text, "tried");
}

static void freeing_runs_immediates_and_turn_ends_too(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx = f->world.ctx;
    struct job after = { .f = f, .word = "after" }, i = { .f = f, .word = "i" };
    struct ending ending = { .job = &after };

    cst_at_turn_end(ctx, &ending.task, at_the_end, &ending);
    cst_immediate(ctx, &i.task, do_job, &i);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    f->world.ctx = NULL;
    assert_string_equal(f->world.trace.text, "i end after");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(tasks_run_first_in_first_out_and_those_they_queue_after_them),
    CASE(a_budget_cuts_between_tasks),
    CASE(wake_comes_once_for_each_time_that_work_appears),
    CASE(a_run_or_free_inside_a_task_or_a_slot_is_refused),
    CASE(an_unheard_error_is_said_once_and_stays_on_its_stream),
    CASE(freeing_calls_every_callback_that_is_owed_once),
    CASE(slices_outlive_their_context),
    CASE(the_default_high_water_mark_is_read_when_a_stream_is_made),
    CASE(a_context_without_memory_is_not_made),
    CASE(wrong_arguments_are_refused),
    CASE(a_slot_a_done_and_a_listener_may_neither_run_nor_free),
    CASE(a_task_may_queue_itself_again_and_a_budget_counts_each_turn),
    CASE(a_run_cut_short_needs_no_second_wake),
    CASE(unhandled_waits_until_no_task_is_left),
    CASE(freeing_runs_what_is_due),
    CASE(owed_callbacks_get_the_error_of_their_stream),
    CASE(a_block_of_one_size_is_used_again_and_again),
    CASE(a_buffer_without_memory_is_not_made),
    CASE(immediates_come_one_by_one_after_all_tasks),
    CASE(the_end_of_a_turn_comes_when_nothing_is_left),
    CASE(the_end_of_a_turn_comes_whatever_the_budget),
    CASE(a_limit_on_bytes_cuts_a_flow_after_the_chunk_that_spends_it),
    CASE(endless_flows_take_turns_within_a_budget_of_each_other),
    CASE(tasks_and_timers_come_between_the_parts_of_a_flow),
    CASE(a_cut_flow_ends_as_if_it_had_not_been_cut),
    CASE(without_memory_for_the_rest_a_flow_is_not_cut),
    CASE(the_nesting_limit_bounds_how_deep_stages_run_inside_one_another),
    CASE(the_nesting_limit_bounds_how_far_a_chunk_is_given_on_at_once),
#ifndef CST_NO_CACHE
    CASE(as_many_blocks_are_kept_as_the_option_says),
#endif
    CASE(no_stream_is_made_while_the_context_is_being_freed),
    CASE(freeing_runs_immediates_and_turn_ends_too),
};

TEST_MAIN(tests)

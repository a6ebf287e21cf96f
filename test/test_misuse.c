/* test_misuse.c - errors at the door: NULL, the wrong kind of stream, too late, answered twice.
 * What is refused changes nothing, and a chunk passed by value is gone. */
#include "world.h"

struct fixture {
    struct test_world world;
    cst_stream *r, *w;
    int released;
};

static const cst_ops source_ops = { .name = "source" };
static const cst_ops sink_ops = { .name = "sink", .write = test_swallow };

static int set_up(void **state)
{
    static struct fixture f;

    f.released = 0;
    test_world_open(&f.world, NULL);
    assert_int_equal(cst_readable_new(&f.r, f.world.ctx, &source_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_writable_new(&f.w, f.world.ctx, &sink_ops, NULL, NULL), CST_OK);
    *state = &f;
    return 0;
}

static void count_release(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    ++*(int *)arg;
}

/* A chunk whose end is counted in f->released. */
static cst_slice chunk(struct fixture *f)
{
    cst_slice slice;

    assert_int_equal(cst_slice_foreign(&slice, test_heap_allocator(&f->world.heap), "abc", 3,
                                       count_release, &f->released),
                     CST_OK);
    return slice;
}

static void no_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    (void)status;
    (void)arg;
    fail();
}

static void no_outcome(const cst_error *error, void *arg)
{
    (void)error;
    (void)arg;
    fail();
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    test_trace_add(arg, "done:%s", test_status_word(status));
}

/* --- NULL and the wrong side ------------------------------------------------------------------ */

/* What is refused if the stream has no readable side, or is NULL. */
static void refuse_reading(struct fixture *f, cst_stream *s)
{
    cst_slice out = cst_slice_str("untouched");

    f->released = 0;
    assert_int_equal(cst_push(s, chunk(f)), CST_E_INVALID_ARG);
    assert_int_equal(cst_unshift(s, chunk(f)), CST_E_INVALID_ARG);
    assert_int_equal(f->released, 2);
    assert_int_equal(cst_push_copy(s, "abc", 3), CST_E_INVALID_ARG);
    assert_int_equal(cst_push_eof(s), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(&out, s, CST_READ_ANY), CST_E_INVALID_ARG);
    assert_int_equal(cst_next(&out, s), CST_E_INVALID_ARG);
    assert_int_equal(cst_peek(&out, s, 1), CST_E_INVALID_ARG);
    assert_int_equal(out.len, 9);
    assert_int_equal(cst_resume(s), CST_E_INVALID_ARG);
    assert_int_equal(cst_pause(s), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipe(s, f->w, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_unpipe(s, f->w), CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_flowing(s), CST_FLOWING_UNSET);
    assert_false(cst_is_paused(s));
    assert_int_equal(cst_readable_length(s), 0);
    assert_int_equal(cst_readable_high_water_mark(s), 0);
    assert_false(cst_readable_object_mode(s));
    assert_false(cst_readable_ended(s));
    assert_false(cst_readable_did_read(s));
    assert_false(cst_readable_aborted(s));
    assert_false(cst_is_readable(s));
    assert_false(cst_stream_has_readable(s));
    assert_false(cst_ctx_has_work(f->world.ctx));
}

/* What is refused if it has no writable side, or is NULL. */
static void refuse_writing(struct fixture *f, cst_stream *s)
{
    cst_slice mine = chunk(f);

    f->released = 0;
    assert_int_equal(cst_write(s, chunk(f), no_done, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_end_with(s, chunk(f), no_done, f), CST_E_INVALID_ARG);
    assert_int_equal(f->released, 2);
    assert_int_equal(cst_write_copy(s, "abc", 3, no_done, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_end(s, no_done, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_cork(s), CST_E_INVALID_ARG);
    assert_int_equal(cst_uncork(s), CST_E_INVALID_ARG);
    assert_int_equal(cst_enough(s), CST_E_INVALID_ARG);
    assert_int_equal(cst_discard(NULL, s, CST_E_ABORT), CST_E_INVALID_ARG);
    assert_int_equal(cst_try_write(s, &mine, no_done, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_try_write(s, NULL, no_done, f), CST_E_INVALID_ARG);
    assert_int_equal(f->released, 2);
    cst_slice_unref(&mine);
    assert_int_equal(f->released, 3);
    assert_int_equal(cst_pipe(f->r, s, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_length(s), 0);
    assert_int_equal(cst_writable_high_water_mark(s), 0);
    assert_false(cst_writable_object_mode(s));
    assert_false(cst_writable_need_drain(s));
    assert_int_equal(cst_writable_corked(s), 0);
    assert_false(cst_writable_ended(s));
    assert_false(cst_writable_finished(s));
    assert_false(cst_writable_aborted(s));
    assert_false(cst_is_writable(s));
    assert_false(cst_stream_has_writable(s));
    assert_false(cst_ctx_has_work(f->world.ctx));
}

static void a_description_needs_a_stream_a_size_and_room(void **state)
{
    struct fixture *f = *state;
    char text[4] = "abc";
    size_t size = sizeof(text);

    assert_int_equal(cst_stream_describe(text, &size, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_stream_describe(NULL, &size, f->w), CST_E_INVALID_ARG);
    assert_int_equal(cst_stream_describe(text, NULL, f->w), CST_E_INVALID_ARG);
    assert_int_equal(size, sizeof(text));
    assert_string_equal(text, "abc");
}

static void reading_calls_refuse_null_and_a_sink(void **state)
{
    struct fixture *f = *state;

    refuse_reading(f, NULL);
    refuse_reading(f, f->w);
    assert_true(cst_is_writable(f->w));
}

static void writing_calls_refuse_null_and_a_source(void **state)
{
    struct fixture *f = *state;

    refuse_writing(f, NULL);
    refuse_writing(f, f->r);
    assert_true(cst_is_readable(f->r));
}

static void calls_for_any_stream_refuse_null(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_destroy(NULL, CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_destroy(f->r, CST_FULL), CST_E_INVALID_ARG);
    assert_false(cst_is_destroyed(f->r));
    assert_null(cst_ref(NULL));
    cst_unref(NULL);
    assert_null(cst_stream_ctx(NULL));
    assert_null(cst_stream_ops(NULL));
    assert_null(cst_stream_self(NULL));
    assert_null(cst_stream_self(f->r)); /* its table says no self_size */
    assert_string_equal(cst_stream_name(NULL), "");
    assert_false(cst_is_destroyed(NULL));
    assert_false(cst_is_closed(NULL));
    assert_null(cst_errored(NULL));
    assert_int_equal(cst_finished(NULL, NULL, no_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished(f->r, NULL, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished_cancel(NULL, no_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_finished_cancel(f->r, no_outcome, f), CST_EMPTY);
    assert_int_equal(cst_unpipe(f->r, f->w), CST_EMPTY);
}

static void out_may_be_null_only_where_nothing_is_read(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_read(NULL, f->r, CST_READ_ANY), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(NULL, f->r, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_read(NULL, f->r, 0), CST_EMPTY);
    assert_int_equal(cst_next(NULL, f->r), CST_E_INVALID_ARG);
    assert_int_equal(cst_peek(NULL, f->r, 1), CST_E_INVALID_ARG);
}

static void constructors_refuse_null(void **state)
{
    struct fixture *f = *state;
    cst_stream *out = NULL, *other = NULL;
    size_t blocks = f->world.heap.live_blocks;

    assert_int_equal(cst_readable_new(NULL, f->world.ctx, &source_ops, NULL, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_readable_new(&out, NULL, &source_ops, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(NULL, f->world.ctx, &sink_ops, NULL, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(&out, NULL, &sink_ops, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_writable_new(&out, f->world.ctx, &source_ops, NULL, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_new(NULL, f->world.ctx, &sink_ops, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_new(&out, NULL, &sink_ops, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_new(&out, f->world.ctx, &source_ops, NULL, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_transform_new(&out, f->world.ctx, &sink_ops, NULL, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_passthrough_new(NULL, f->world.ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_passthrough_new(&out, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_pair_new(NULL, &other, f->world.ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_pair_new(&out, NULL, f->world.ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_pair_new(&out, &other, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_new(&out, f->world.ctx, NULL, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_new(&out, f->world.ctx, &f->w, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_new(&out, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_branch_new(&out, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_branch_new(&out, f->w, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_tee_dropped(NULL), 0);
    assert_int_equal(cst_merge_new(&out, f->world.ctx, NULL, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_new(&out, f->world.ctx, &f->w, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_add(NULL, f->r), CST_E_INVALID_ARG);
    assert_int_equal(cst_merge_add(f->r, f->r), CST_E_INVALID_ARG);
    assert_int_equal(cst_concat_fn_new(&out, f->world.ctx, NULL, NULL, f), CST_E_INVALID_ARG);
    assert_null(out);
    assert_null(other);
    assert_int_equal(f->world.heap.live_blocks, blocks);
}

static void pipelines_and_switches_refuse_what_does_not_fit(void **state)
{
    struct fixture *f = *state;
    cst_stream *backward[] = { f->w, f->r }, *hole[] = { f->r, NULL }, *apart[] = { f->r, NULL };
    cst_abort *abort_switch = NULL, *far_switch;
    cst_ctx *far;
    cst_stream *far_sink;

    assert_int_equal(cst_ctx_new(&far, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    assert_int_equal(cst_writable_new(&far_sink, far, &sink_ops, NULL, NULL), CST_OK);
    apart[1] = far_sink;
    assert_int_equal(cst_pipeline(NULL, 2, NULL, no_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(backward, 1, NULL, no_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(backward, 2, NULL, no_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(hole, 2, NULL, no_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline(apart, 2, NULL, no_outcome, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipe(f->r, far_sink, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_new(NULL, f->world.ctx), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_new(&abort_switch, NULL), CST_E_INVALID_ARG);
    assert_null(abort_switch);
    assert_int_equal(cst_abort_new(&far_switch, far), CST_OK);
    assert_int_equal(cst_abort_attach(far_switch, f->r), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_attach(far_switch, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_attach(NULL, f->r), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_fire(NULL), CST_E_INVALID_ARG);
    assert_false(cst_abort_fired(NULL));
    cst_abort_unref(NULL);
    cst_abort_unref(far_switch);
    assert_false(cst_ctx_has_work(f->world.ctx));
    assert_int_equal(cst_ctx_free(far), CST_OK);
}

static void runs_to_the_end_refuse_what_does_not_fit(void **state)
{
    struct fixture *f = *state;
    cst_stream *backward[] = { f->w, f->r }, *hole[] = { f->r, NULL };
    cst_slice out = cst_slice_str("untouched");
    uint64_t bytes = 7;

    assert_int_equal(cst_pipeline_run(NULL, NULL, 2, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline_run(NULL, backward, 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline_run(NULL, backward, 2, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_pipeline_run(NULL, hole, 2, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_copy(&bytes, f->w, f->r, NULL), CST_E_INVALID_ARG);
    assert_int_equal(bytes, 0);
    assert_int_equal(cst_copy(NULL, NULL, f->w, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_read_all(NULL, f->r, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_read_all(&out, NULL, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_read_all(&out, f->w, 1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_read_all(&out, f->r, 0, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_next_wait(NULL, f->r, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_next_wait(&out, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_next_wait(&out, f->w, NULL), CST_E_INVALID_ARG);
    assert_int_equal(out.len, 9);
    assert_false(cst_ctx_has_work(f->world.ctx));
}

/* --- too late --------------------------------------------------------------------------------- */

static void a_push_after_eof_is_refused_and_said(void **state)
{
    struct fixture *f = *state;

    test_record_the_end(&f->world, f->r);
    assert_int_equal(cst_push_eof(f->r), CST_EOF);
    assert_int_equal(cst_push_eof(f->r), CST_EOF);
    assert_int_equal(cst_push(f->r, chunk(f)), CST_E_PUSH_AFTER_EOF);
    assert_int_equal(f->released, 1);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "error:PUSH_AFTER_EOF close");
}

static void an_unshift_after_end_is_refused_and_said(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, f->world.ctx, &source_ops, NULL,
                                      &(cst_opts){ .no_auto_destroy = true }),
                     CST_OK);
    test_record_the_end(&f->world, s);
    assert_int_equal(cst_push_eof(s), CST_EOF);
    assert_int_equal(cst_resume(s), CST_OK);
    test_run(&f->world);
    assert_int_equal(cst_unshift(s, chunk(f)), CST_E_UNSHIFT_AFTER_END_EVENT);
    assert_int_equal(f->released, 1);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "end error:UNSHIFT_AFTER_END_EVENT");
}

static void a_write_after_end_is_refused_and_said(void **state)
{
    struct fixture *f = *state;

    test_record_the_end(&f->world, f->w);
    assert_int_equal(cst_end(f->w, NULL, NULL), CST_OK);
    assert_int_equal(cst_write(f->w, chunk(f), on_done, &f->world.trace), CST_E_WRITE_AFTER_END);
    assert_int_equal(f->released, 1);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:WRITE_AFTER_END error:WRITE_AFTER_END close");
}

static void an_end_after_finish_is_told_so(void **state)
{
    struct fixture *f = *state;

    test_record_the_end(&f->world, f->w);
    assert_int_equal(cst_end(f->w, on_done, &f->world.trace), CST_OK);
    assert_int_equal(cst_end(f->w, on_done, &f->world.trace), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:OK done:OK finish close");
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_end(f->w, on_done, &f->world.trace), CST_E_ALREADY_FINISHED);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:ALREADY_FINISHED");
}

static void a_destroyed_stream_takes_chunks_and_drops_them(void **state)
{
    struct fixture *f = *state;
    cst_slice out;

    test_record_the_end(&f->world, f->r);
    test_record_the_end(&f->world, f->w);
    assert_int_equal(cst_destroy(f->r, CST_OK), CST_OK);
    assert_int_equal(cst_destroy(f->w, CST_OK), CST_OK);
    test_run(&f->world);
    assert_int_equal(cst_push(f->r, chunk(f)), CST_E_DESTROYED);
    assert_int_equal(cst_unshift(f->r, chunk(f)), CST_E_DESTROYED);
    assert_int_equal(cst_push_copy(f->r, "abc", 3), CST_E_DESTROYED);
    assert_int_equal(cst_write(f->w, chunk(f), on_done, &f->world.trace), CST_E_DESTROYED);
    assert_int_equal(f->released, 3);
    assert_int_equal(cst_next(&out, f->r), CST_E_PREMATURE_CLOSE);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "close close done:DESTROYED");
}

/* --- answers ---------------------------------------------------------------------------------- */

struct late {
    cst_call call;
    cst_status given;
};

static cst_status late_write(cst_stream *s, void *self, const cst_slice *c)
{
    struct late *late = self;

    (void)c;
    late->call = cst_this_call(s);
    late->given = cst_give(s, cst_slice_str("x"));
    return CST_PENDING;
}

static cst_status early_write(cst_stream *s, void *self, const cst_slice *c)
{
    struct late *late = self;

    (void)c;
    late->call = cst_this_call(s);
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
    return CST_OK; /* and so a second time */
}

static cst_status twice_given(cst_stream *s, void *self, const cst_slice *c)
{
    struct late *late = self;
    cst_status st = cst_give(s, cst_slice_ref(c));

    late->given = cst_give(s, cst_slice_ref(c));
    return st;
}

/* The first call answers twice, and with more than fits; so what the second one reads
 * is taken for its answer. */
static cst_status hasty_transform(cst_stream *s, void *self, const cst_slice *c)
{
    struct late *late = self;
    cst_slice out;

    late->call = cst_this_call(s);
    if (cst_readable_length(s) > 0) {
        assert_int_equal(cst_read(&out, s, CST_READ_ANY), CST_OK);
        cst_slice_unref(&out);
    } else if (late->given == CST_OK) {
        assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
        return late->given = cst_give(s, cst_slice_ref(c));
    }
    return CST_PENDING;
}

static const cst_ops late_ops = { .self_size = sizeof(struct late), .write = late_write };
static const cst_ops early_ops = { .self_size = sizeof(struct late), .write = early_write };
static const cst_ops giver_ops = { .self_size = sizeof(struct late), .transform = twice_given };
static const cst_ops hasty_ops = { .self_size = sizeof(struct late), .transform = hasty_transform };

static void a_call_taken_outside_a_slot_answers_nothing(void **state)
{
    struct fixture *f = *state;
    cst_call zero = { NULL, 0, 0 };

    assert_int_equal(cst_complete(zero, CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_complete(cst_this_call(NULL), CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_complete(cst_this_call(f->w), CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_complete_with(cst_this_call(f->w), chunk(f)), CST_E_INVALID_ARG);
    assert_int_equal(f->released, 1);
    assert_false(cst_ctx_has_work(f->world.ctx));
}

static void a_chunk_is_given_in_its_slots_only_and_once(void **state)
{
    struct fixture *f = *state;
    cst_stream *w, *t;
    cst_slice out;

    assert_int_equal(cst_give(NULL, chunk(f)), CST_E_INVALID_ARG);
    assert_int_equal(cst_give(f->r, chunk(f)), CST_E_INVALID_ARG);
    assert_int_equal(cst_give(f->w, chunk(f)), CST_E_INVALID_ARG);
    assert_int_equal(f->released, 3);
    assert_int_equal(cst_writable_new(&w, f->world.ctx, &late_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_write(w, cst_slice_str("a"), NULL, NULL), CST_OK);
    assert_int_equal(((struct late *)cst_stream_self(w))->given, CST_E_INVALID_ARG);
    assert_int_equal(cst_transform_new(&t, f->world.ctx, &giver_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_write(t, chunk(f), NULL, NULL), CST_OK);
    assert_int_equal(((struct late *)cst_stream_self(t))->given, CST_E_INVALID_ARG);
    test_run(&f->world);
    assert_int_equal(cst_read(&out, t, CST_READ_ANY), CST_OK);
    assert_int_equal(out.len, 3);
    cst_slice_unref(&out);
    assert_int_equal(cst_read(&out, t, CST_READ_ANY), CST_EMPTY);
    assert_int_equal(f->released, 4);
}

static void a_sink_is_not_completed_with_a_chunk(void **state)
{
    struct fixture *f = *state;
    struct late *late;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, f->world.ctx, &late_ops, NULL, NULL), CST_OK);
    late = cst_stream_self(w);
    assert_int_equal(cst_write(w, cst_slice_str("a"), on_done, &f->world.trace), CST_OK);
    assert_int_equal(cst_complete_with(late->call, chunk(f)), CST_E_INVALID_ARG);
    assert_int_equal(f->released, 1);
    assert_string_equal(f->world.trace.text, "");
    assert_int_equal(cst_writable_length(w), 1); /* the call is not answered */
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
    assert_string_equal(f->world.trace.text, "done:OK");
}

static void a_second_completion_fails_the_stream(void **state)
{
    struct fixture *f = *state;
    struct late *late;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, f->world.ctx, &late_ops, NULL, NULL), CST_OK);
    late = cst_stream_self(w);
    test_record_the_end(&f->world, w);
    assert_int_equal(cst_write(w, cst_slice_str("a"), on_done, &f->world.trace), CST_OK);
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:OK error:MULTIPLE_CALLBACK close");
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK); /* of a dead stream: nothing */
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:OK error:MULTIPLE_CALLBACK close");
}

static void completing_inside_and_returning_ok_are_two_answers(void **state)
{
    struct fixture *f = *state;
    cst_stream *w;

    assert_int_equal(cst_writable_new(&w, f->world.ctx, &early_ops, NULL, NULL), CST_OK);
    test_record_the_end(&f->world, w);
    cst_write(w, cst_slice_str("a"), on_done, &f->world.trace);
    test_run(&f->world);
    assert_int_equal(cst_errored(w)->status, CST_E_MULTIPLE_CALLBACK);
    assert_string_equal(f->world.trace.text, "done:OK error:MULTIPLE_CALLBACK close");
}

static void a_write_after_one_that_was_answered_too_early_keeps_its_bytes(void **state)
{
    struct fixture *f = *state;
    struct late *late;
    cst_stream *t;

    assert_int_equal(
        cst_transform_new(&t, f->world.ctx, &hasty_ops, NULL, &(cst_opts){ .high_water_mark = 1 }),
        CST_OK);
    late = cst_stream_self(t);
    cst_write(t, cst_slice_str("a"), NULL, NULL);
    cst_write(t, chunk(f), NULL, NULL);
    assert_int_equal(f->released, 1);
    cst_write(t, chunk(f), NULL, NULL);
    assert_int_equal(f->released, 1); /* the slot has still to answer */
    assert_int_equal(cst_complete(late->call, CST_OK), CST_OK);
    assert_int_equal(f->released, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(a_description_needs_a_stream_a_size_and_room),
    CASE(reading_calls_refuse_null_and_a_sink),
    CASE(writing_calls_refuse_null_and_a_source),
    CASE(calls_for_any_stream_refuse_null),
    CASE(out_may_be_null_only_where_nothing_is_read),
    CASE(constructors_refuse_null),
    CASE(pipelines_and_switches_refuse_what_does_not_fit),
    CASE(runs_to_the_end_refuse_what_does_not_fit),
    CASE(a_push_after_eof_is_refused_and_said),
    CASE(an_unshift_after_end_is_refused_and_said),
    CASE(a_write_after_end_is_refused_and_said),
    CASE(an_end_after_finish_is_told_so),
    CASE(a_destroyed_stream_takes_chunks_and_drops_them),
    CASE(a_call_taken_outside_a_slot_answers_nothing),
    CASE(a_chunk_is_given_in_its_slots_only_and_once),
    CASE(a_sink_is_not_completed_with_a_chunk),
    CASE(a_second_completion_fails_the_stream),
    CASE(completing_inside_and_returning_ok_are_two_answers),
    CASE(a_write_after_one_that_was_answered_too_early_keeps_its_bytes),
};

TEST_MAIN(tests)

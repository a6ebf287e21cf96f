/*
 * reentrancy_calls.c - the calls of the matrix. Each is made once on a stream of the line. What a
 * call returns is not asserted: in most cells the stream does not have what the call is for, or the
 * call comes too late. Asserted is what follows from the result: a callback that was accepted is
 * called once, any other is not called.
 */
#include "reentrancy.h"

#include <stdlib.h>

static cst_slice some_bytes(void)
{
    return cst_slice_static("bytes", 5);
}

/* --- the writable side ------------------------------------------------------------------------ */

static void write_to(struct cell *cell, cst_stream *s)
{
    cell_answered(cell, cst_write(s, some_bytes(), cell_done, cell_owes(cell)));
}

static void cork_and_write(struct cell *cell, cst_stream *s)
{
    cst_cork(s);
    write_to(cell, s);
    write_to(cell, s);
    cst_uncork(s);
}

/* --- the readable side ------------------------------------------------------------------------ */

static void let_go(cst_status st, cst_slice *chunk)
{
    if (st == CST_OK)
        cst_slice_unref(chunk);
}

static void read_from(cst_stream *s, size_t size)
{
    cst_slice chunk = cst_slice_empty();

    let_go(cst_read(&chunk, s, size), &chunk);
}

static void next_of(cst_stream *s)
{
    cst_slice chunk;

    let_go(cst_next(&chunk, s), &chunk);
}

static void try_write_to(cst_stream *s)
{
    cst_slice chunk = cst_slice_str("t");

    cst_try_write(s, &chunk, NULL, NULL);
    cst_slice_unref(&chunk);
}

static void peek_at(cst_stream *s)
{
    cst_slice chunk = cst_slice_empty();
    cst_status st = cst_peek(&chunk, s, 3);

    if (st == CST_OK || st == CST_EOF)
        cst_slice_unref(&chunk);
}

/* --- the stream ------------------------------------------------------------------------------- */

static void describe(const cst_stream *s)
{
    char text[1000];
    size_t size = sizeof(text);

    cst_stream_describe(text, &size, s);
}

static void tell_error(const cst_stream *s)
{
    char text[200];
    size_t size = sizeof(text);

    cst_error_text(text, &size, cst_errored(s), NULL);
}

/* Drop a reference of our own. The test's handle keeps the stream. */
static void unref(struct cell *cell, cst_stream *s)
{
    for (size_t i = 0; i < TARGETS; i++)
        if (cell->streams[i] == s)
            cell->streams[i] = NULL;
    cst_unref(s);
}

static void destroy_and_unref_it(struct cell *cell, cst_stream *s, cst_status status)
{
    cst_destroy(s, status);
    unref(cell, s);
}

static void destroy_and_unref_all(struct cell *cell)
{
    for (size_t i = 0; i < TARGETS; i++)
        if (cell->streams[i])
            destroy_and_unref_it(cell, cell->streams[i], CST_OK);
}

static void answer_twice(cst_stream *s)
{
    cst_call call = cst_this_call(s);

    cst_complete(call, CST_OK);
    cst_complete(call, CST_OK);
}

/* Answer a call that another stream's slot, or an earlier call of this slot, has left open. */
static void answer_what_is_late(struct cell *cell)
{
    if (cell->late_count > 0)
        cst_complete(cell->late_calls[--cell->late_count], CST_OK);
}

static void give(struct cell *cell, cst_stream *s)
{
    if (cst_give(s, some_bytes()) == CST_GIVEN)
        cell->given = s;
}

/* --- listeners -------------------------------------------------------------------------------- */

static void on_nothing(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

typedef cst_status listen_fn(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);

static void on_each_event(cst_stream *s, listen_fn *listen)
{
    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        listen(s, (cst_event_type)type, on_nothing, NULL);
}

static void on_and_off(cst_stream *s)
{
    on_each_event(s, cst_on);
    on_each_event(s, cst_off);
}

/* Remove all listeners, but not those of 'error': it would be unhandled, which is another test. */
static void off_all(cst_stream *s)
{
    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        if (type != CST_ERROR)
            cst_off_all(s, (cst_event_type)type);
}

/* --- pipes, pipelines ------------------------------------------------------------------------- */

static cst_status take(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_OK;
}

static cst_status hand_on(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return cst_give(s, cst_slice_ref(chunk));
}

static const cst_ops nothing_ops = { .name = "nothing" };
static const cst_ops take_ops = { .name = "take", .write = take };
static const cst_ops hand_on_ops = { .name = "hand on", .transform = hand_on };

static cst_stream *another_source(struct cell *cell)
{
    return cell_keep(cell, cst_memory_source_new(cell_room(cell), cell->ctx, some_bytes(), NULL));
}

static cst_stream *another_sink(struct cell *cell)
{
    return cell_keep(cell, cst_writable_new(cell_room(cell), cell->ctx, &take_ops, NULL, NULL));
}

static cst_stream *another_filter(struct cell *cell)
{
    return cell_keep(cell, cst_transform_new(cell_room(cell), cell->ctx, &hand_on_ops, NULL, NULL));
}

static void pipe_again(struct cell *cell, cst_stream *s)
{
    cst_unpipe(cell->streams[SOURCE], s);
    cst_pipe(cell->streams[SOURCE], s, NULL);
}

static void pipeline_from(struct cell *cell, cst_stream *s)
{
    cst_stream *row[] = { s, another_filter(cell), another_sink(cell) };

    cell_may_answer(cell, cst_pipeline(row, 3, NULL, cell_outcome, cell_owes(cell)));
}

static void pipeline_into(struct cell *cell, cst_stream *s)
{
    cst_stream *row[] = { another_source(cell), another_filter(cell), s };

    cell_may_answer(cell, cst_pipeline(row, 3, NULL, cell_outcome, cell_owes(cell)));
}

static void compose(struct cell *cell, cst_stream *s)
{
    cst_stream *row[] = { s, another_filter(cell) };

    cell_keep(cell, cst_compose_new(cell_room(cell), row, 2, NULL));
}

/* A concatenation of s and of another source. */
static void concat(struct cell *cell, cst_stream *s)
{
    cst_stream *row[] = { another_source(cell), s };

    cell_keep(cell, cst_concat_new(cell_room(cell), cell->ctx, row, 2, NULL));
}

/* A merge of s and of another source, and one more. */
static void merge(struct cell *cell, cst_stream *s)
{
    cst_stream *row[] = { another_source(cell), s };
    cst_stream *merged = cell_keep(cell, cst_merge_new(cell_room(cell), cell->ctx, row, 2, NULL));

    if (merged)
        cst_merge_add(merged, another_source(cell));
}

/* A tee that s is piped into, with a branch. */
static void tee(struct cell *cell, cst_stream *s)
{
    cst_stream *made = cell_keep(cell, cst_tee_new(cell_room(cell), cell->ctx, NULL));

    if (!made)
        return;
    cell_keep(cell, cst_tee_branch_new(cell_room(cell), made, NULL, NULL));
    cst_pipe(s, made, NULL);
}

static cst_status no_stream(cst_stream **out, void *arg)
{
    (void)out;
    (void)arg;
    return CST_EOF;
}

/* Watch and cancel. The callback must not be called. */
static void finished_and_cancel(struct cell *cell, cst_stream *s)
{
    struct owed *owed = cell_owes(cell);

    cst_finished(s, NULL, cell_outcome, owed);
    cst_finished_cancel(s, cell_outcome, owed);
}

static void attach_and_fire(struct cell *cell, cst_stream *s)
{
    cst_abort_attach(cell->abort, s);
    cst_abort_fire(cell->abort);
}

static void attach_and_detach(struct cell *cell, cst_stream *s)
{
    cst_abort_attach(cell->abort, s);
    cst_abort_detach(cell->abort, s);
}

static void fire_and_attach(struct cell *cell, cst_stream *s)
{
    cst_abort_fire(cell->abort);
    cst_abort_attach(cell->abort, s);
}

static void attach_and_unref(struct cell *cell, cst_stream *s)
{
    cst_abort_attach(cell->abort, s);
    cst_abort_unref(cell->abort);
    cell->abort = NULL;
}

static void attach_to_another(struct cell *cell, cst_stream *s)
{
    cst_abort *another = NULL;

    if (cst_abort_new(&another, cell->ctx) == CST_OK)
        cst_abort_attach(another, s);
    cst_abort_unref(another);
}

/* --- the context ------------------------------------------------------------------------------ */

static void refused(cst_status st)
{
    if (st != CST_E_NESTED)
        abort();
}

static cst_status run_pipeline(struct cell *cell)
{
    cst_stream *row[] = { another_source(cell), another_sink(cell) };

    return row[0] && row[1] ? cst_pipeline_run(NULL, row, 2, NULL, NULL) : CST_E_NESTED;
}

static cst_status read_all(cst_stream *s)
{
    cst_slice all;

    return cst_read_all(&all, s, 10, NULL);
}

static cst_status next_wait(cst_stream *s)
{
    cst_slice chunk;

    return cst_next_wait(&chunk, s, NULL);
}

static void run_nothing(void *arg)
{
    (void)arg;
}

static void start_and_stop(struct cell *cell)
{
    cst_timer_start(cell->ctx, &cell->call_timer, 12, run_nothing, NULL);
    cst_timer_stop(cell->ctx, &cell->call_timer);
    (void)cst_timer_is_started(&cell->call_timer);
}

static void make_buf(struct cell *cell)
{
    cst_buf buf;

    if (cst_buf_new_cached(&buf, cell->ctx, 100) == CST_OK)
        cst_buf_free(&buf);
}

static void look_at(const cst_ctx *ctx)
{
    (void)cst_ctx_has_work(ctx);
    (void)cst_ctx_has_timers(ctx);
    (void)cst_ctx_now_ns(ctx);
    (void)cst_ctx_due_ns(ctx);
    (void)cst_ctx_allocator(ctx);
    (void)cst_ctx_host(ctx, "host");
    (void)cst_ctx_default_high_water_mark(ctx, true);
}

/* --- streams that are made in a callback ------------------------------------------------------ */

static cst_status each(const cst_slice *chunk, void *arg)
{
    (void)arg;
    (void)chunk;
    return CST_OK;
}

static cst_status map(cst_slice *out, const cst_slice *chunk, void *arg)
{
    (void)arg;
    *out = cst_slice_ref(chunk);
    return CST_OK;
}

static cst_status flat_map(cst_stream *s, const cst_slice *chunk, void *arg)
{
    (void)arg;
    return cst_give(s, cst_slice_ref(chunk));
}

static cst_status test(bool *out, const cst_slice *chunk, void *arg)
{
    (void)arg;
    *out = chunk->len > 0;
    return CST_OK;
}

static cst_status reduce(cst_slice *out, const cst_slice *so_far, const cst_slice *chunk, void *arg)
{
    (void)so_far;
    return map(out, chunk, arg);
}

static void meter(uint64_t bytes, uint64_t chunks, bool ended, void *arg)
{
    (void)bytes;
    (void)chunks;
    (void)ended;
    (void)arg;
}

static void on_item(const cst_error *error, const cst_slice *item, void *arg)
{
    (void)error;
    (void)item;
    (void)arg;
}

static void on_answer(const cst_error *error, bool answer, void *arg)
{
    (void)error;
    (void)answer;
    (void)arg;
}

static cst_status next(cst_slice *out, void *arg)
{
    (void)arg;
    (void)out;
    return CST_EOF;
}

static void use(struct cell *cell, cst_status st)
{
    cst_stream *made = cell_keep(cell, st);

    cst_write_copy(made, "into it", 7, NULL, NULL);
    cst_end(made, NULL, NULL);
    cst_resume(made);
}

static void make_pair(struct cell *cell)
{
    cst_stream **a = cell_room(cell);

    if (cst_duplex_pair_new(a, a + 1, cell->ctx, NULL) != CST_OK)
        return;
    cell_keep(cell, CST_OK);
    cell_keep(cell, CST_OK);
    cst_write(a[0], some_bytes(), NULL, NULL);
}

/* --- the table -------------------------------------------------------------------------------- */

/*
 * ALONE  the stream is the only argument
 * EACH   made on each of the three streams
 * ONCE   does not use a stream
 * MAKES  makes a stream from the rest of the arguments
 */
#define CALLS(ALONE, EACH, ONCE, MAKES)                                                           \
    EACH(cst_write, write_to(cell, s))                                                            \
    EACH(cst_write_copy,                                                                          \
         cell_answered(cell, cst_write_copy(s, "copied", 6, cell_done, cell_owes(cell))))         \
    EACH(cst_end, cell_answered(cell, cst_end(s, cell_done, cell_owes(cell))))                    \
    EACH(cst_end_with,                                                                            \
         cell_answered(cell, cst_end_with(s, some_bytes(), cell_done, cell_owes(cell))))          \
    EACH(cst_end_copy, cell_answered(cell, cst_end_copy(s, "x", 1, cell_done, cell_owes(cell))))  \
    ALONE(cst_cork)                                                                               \
    ALONE(cst_uncork)                                                                             \
    EACH(cork_write_uncork, cork_and_write(cell, s))                                              \
    ALONE(cst_writable_length)                                                                    \
    ALONE(cst_writable_high_water_mark)                                                           \
    ALONE(cst_writable_object_mode)                                                               \
    ALONE(cst_writable_need_drain)                                                                \
    ALONE(cst_writable_corked)                                                                    \
    ALONE(cst_writable_ended)                                                                     \
    ALONE(cst_writable_finished)                                                                  \
    ALONE(cst_writable_aborted)                                                                   \
    ALONE(cst_is_writable)                                                                        \
    EACH(cst_push, cst_push(s, some_bytes()))                                                     \
    EACH(cst_push_copy, cst_push_copy(s, "copied", 6))                                            \
    ALONE(cst_push_eof)                                                                           \
    EACH(cst_unshift, cst_unshift(s, some_bytes()))                                               \
    EACH(cst_unshift_copy, cst_unshift_copy(s, "copied", 6))                                      \
    EACH(cst_read, read_from(s, CST_READ_ANY))                                                    \
    EACH(read_of_nothing, cst_read(NULL, s, 0))                                                   \
    EACH(read_of_two_bytes, read_from(s, 2))                                                      \
    EACH(read_of_more_than_the_mark, read_from(s, 100))                                           \
    EACH(cst_next, next_of(s))                                                                    \
    EACH(cst_set_encoding, cst_set_encoding(s, CST_HEX))                                          \
    EACH(cst_readable_encoding, cst_readable_encoding(&(cst_encoding){ CST_UTF8 }, s))            \
    ALONE(cst_resume)                                                                             \
    ALONE(cst_pause)                                                                              \
    ALONE(cst_readable_flowing)                                                                   \
    ALONE(cst_is_paused)                                                                          \
    ALONE(cst_readable_length)                                                                    \
    ALONE(cst_readable_high_water_mark)                                                           \
    ALONE(cst_readable_object_mode)                                                               \
    ALONE(cst_readable_ended)                                                                     \
    ALONE(cst_readable_did_read)                                                                  \
    ALONE(cst_readable_aborted)                                                                   \
    ALONE(cst_is_readable)                                                                        \
    EACH(cst_peek, peek_at(s))                                                                    \
    EACH(cst_enough, cst_enough(s))                                                               \
    EACH(cst_discard, cst_discard(NULL, s, CST_E_ABORT))                                          \
    EACH(cst_try_write, try_write_to(s))                                                          \
    EACH(cst_destroy, cst_destroy(s, CST_OK))                                                     \
    EACH(destroy_with_an_error, cst_destroy(s, CST_USER(1)))                                      \
    EACH(cst_ref, cst_unref(cst_ref(s)))                                                          \
    EACH(cst_unref, unref(cell, s))                                                               \
    EACH(destroy_and_unref, destroy_and_unref_it(cell, s, CST_OK))                                \
    EACH(destroy_with_an_error_and_unref, destroy_and_unref_it(cell, s, CST_USER(1)))             \
    ONCE(destroy_and_unref_the_line, destroy_and_unref_all(cell))                                 \
    ALONE(cst_stream_ctx)                                                                         \
    ALONE(cst_stream_ops)                                                                         \
    ALONE(cst_stream_self)                                                                        \
    ALONE(cst_stream_name)                                                                        \
    ALONE(cst_stream_has_readable)                                                                \
    ALONE(cst_stream_has_writable)                                                                \
    ALONE(cst_is_destroyed)                                                                       \
    ALONE(cst_is_closed)                                                                          \
    ALONE(cst_errored)                                                                            \
    EACH(cst_error_text, tell_error(s))                                                           \
    EACH(cst_stream_describe, describe(s))                                                        \
    ALONE(cst_this_call)                                                                          \
    EACH(cst_complete, cst_complete(cst_this_call(s), CST_OK))                                    \
    EACH(complete_with_a_failure, cst_complete(cst_this_call(s), CST_USER(2)))                    \
    EACH(complete_twice, answer_twice(s))                                                         \
    ONCE(complete_what_is_late, answer_what_is_late(cell))                                        \
    EACH(cst_complete_with, cst_complete_with(cst_this_call(s), some_bytes()))                    \
    EACH(cst_complete_copy, cst_complete_copy(cst_this_call(s), "copied", 6))                     \
    EACH(cst_give, give(cell, s))                                                                 \
    EACH(cst_set_timeouts, cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 8, .total_ns = 20 }))  \
    EACH(set_no_timeouts, cst_set_timeouts(s, NULL))                                              \
    ALONE(cst_progress)                                                                           \
    EACH(cst_on, on_each_event(s, cst_on))                                                        \
    EACH(on_data, cst_on(s, CST_DATA, on_nothing, NULL))                                          \
    EACH(on_readable, cst_on(s, CST_READABLE, on_nothing, NULL))                                  \
    EACH(cst_once, on_each_event(s, cst_once))                                                    \
    EACH(cst_prepend, on_each_event(s, cst_prepend))                                              \
    EACH(cst_prepend_once, on_each_event(s, cst_prepend_once))                                    \
    EACH(cst_off, on_and_off(s))                                                                  \
    EACH(on_and_off_readable,                                                                     \
         (cst_on(s, CST_READABLE, on_nothing, NULL), cst_off(s, CST_READABLE, on_nothing, NULL))) \
    EACH(cst_off_all, off_all(s))                                                                 \
    EACH(cst_listener_count, cst_listener_count(s, CST_DATA))                                     \
    EACH(cst_pipe, cst_pipe(s, another_sink(cell), NULL))                                         \
    EACH(pipe_another_source, cst_pipe(another_source(cell), s, NULL))                            \
    EACH(pipe_past_the_middle, cst_pipe(cell->streams[SOURCE], s, NULL))                          \
    EACH(pipe_once_more, cst_pipe(s, cell->streams[SINK], &(cst_pipe_opts){ .no_end = true }))    \
    EACH(cst_pipe_waits_for, (void *)cst_pipe_waits_for(s))                                       \
    EACH(cst_unpipe, cst_unpipe(s, NULL))                                                         \
    EACH(unpipe_and_pipe, pipe_again(cell, s))                                                    \
    EACH(cst_pipeline, pipeline_from(cell, s))                                                    \
    EACH(pipeline_into_it, pipeline_into(cell, s))                                                \
    EACH(cst_compose_new, compose(cell, s))                                                       \
    ONCE(cst_pipeline_run, refused(run_pipeline(cell)))                                           \
    ONCE(cst_copy, refused(cst_copy(NULL, another_source(cell), another_sink(cell), NULL)))       \
    ONCE(cst_read_all, refused(read_all(another_source(cell))))                                   \
    ONCE(cst_next_wait, refused(next_wait(another_source(cell))))                                 \
    EACH(cst_tee_new, tee(cell, s))                                                               \
    EACH(cst_tee_branch_new, cst_tee_branch_new(cell_room(cell), s, NULL, NULL))                  \
    EACH(cst_tee_dropped, cst_tee_dropped(s))                                                     \
    EACH(cst_split_dropped, cst_split_dropped(s))                                                 \
    EACH(cst_frames_dropped, cst_frames_dropped(s))                                               \
    EACH(cst_merge_new, merge(cell, s))                                                           \
    EACH(cst_merge_add, cst_merge_add(s, cell->streams[SOURCE]))                                  \
    EACH(cst_concat_new, concat(cell, s))                                                         \
    EACH(cst_finished,                                                                            \
         cell_may_answer(cell, cst_finished(s, NULL, cell_outcome, cell_owes(cell))))             \
    EACH(cst_finished_cancel, finished_and_cancel(cell, s))                                       \
    EACH(cst_abort_attach, cst_abort_attach(cell->abort, s))                                      \
    EACH(cst_abort_detach, attach_and_detach(cell, s))                                            \
    EACH(cst_abort_fire, attach_and_fire(cell, s))                                                \
    EACH(attach_to_a_thrown_switch, fire_and_attach(cell, s))                                     \
    EACH(cst_abort_unref, attach_and_unref(cell, s))                                              \
    ONCE(cst_abort_fired, cst_abort_fired(cell->abort))                                           \
    ONCE(cst_abort_ref, cst_abort_unref(cst_abort_ref(cell->abort)))                              \
    EACH(cst_abort_new, attach_to_another(cell, s))                                               \
    ALONE(cst_is_port)                                                                            \
    ALONE(cst_port_want)                                                                          \
    EACH(cst_port_reserve, cst_port_reserve(&(cst_span){ NULL, 0 }, s))                           \
    EACH(cst_port_commit, cst_port_commit(s, 0))                                                  \
    ALONE(cst_port_eof)                                                                           \
    EACH(cst_port_peek, cst_port_peek(&(cst_const_span){ NULL, 0 }, s, 1))                        \
    EACH(cst_port_consume, cst_port_consume(s, 0))                                                \
    EACH(cst_port_ended, cst_port_ended(s, CST_OK))                                               \
    EACH(cst_port_fail, cst_port_fail(s, CST_READING, CST_USER(3)))                               \
    ONCE(cst_ctx_run, refused(cst_ctx_run(cell->ctx, NULL)))                                      \
    ONCE(cst_ctx_free, refused(cst_ctx_free(cell->ctx)))                                          \
    ONCE(cst_defer, cst_defer(cell->ctx, &cell->call_task, run_nothing, NULL))                    \
    ONCE(cst_immediate, cst_immediate(cell->ctx, &cell->call_immediate, run_nothing, NULL))       \
    ONCE(cst_at_turn_end, cst_at_turn_end(cell->ctx, &cell->call_at_end, run_nothing, NULL))      \
    ONCE(cst_post, cst_post(cell->ctx, &cell->call_post, run_nothing, NULL))                      \
    ONCE(cst_timer_start, cst_timer_start(cell->ctx, &cell->call_timer, 12, run_nothing, NULL))   \
    ONCE(cst_timer_start_in,                                                                      \
         cst_timer_start_in(cell->ctx, &cell->call_timer, 1, run_nothing, NULL))                  \
    ONCE(cst_timer_stop, start_and_stop(cell))                                                    \
    ONCE(cst_ctx_set_now_ns, cst_ctx_set_now_ns(cell->ctx, cst_ctx_now_ns(cell->ctx) + 1))        \
    ONCE(cst_ctx_set_default_high_water_mark,                                                     \
         cst_ctx_set_default_high_water_mark(cell->ctx, false, 3))                                \
    ONCE(cst_buf_new_cached, make_buf(cell))                                                      \
    ONCE(look_at_the_context, look_at(cell->ctx))                                                 \
    MAKES(cst_readable_new, &nothing_ops, NULL, NULL)                                             \
    MAKES(cst_writable_new, &take_ops, NULL, NULL)                                                \
    MAKES(cst_duplex_new, &take_ops, NULL, NULL)                                                  \
    MAKES(cst_transform_new, &hand_on_ops, NULL, NULL)                                            \
    MAKES(cst_passthrough_new, NULL)                                                              \
    MAKES(cst_passthrough_new_with, &nothing_ops, NULL, NULL)                                     \
    ONCE(cst_duplex_pair_new, make_pair(cell))                                                    \
    MAKES(cst_from_array_new, NULL, 0, NULL)                                                      \
    MAKES(cst_from_fn_new, NULL, next, NULL)                                                      \
    MAKES(cst_concat_fn_new, NULL, no_stream, NULL)                                               \
    MAKES(cst_memory_source_new, some_bytes(), NULL)                                              \
    MAKES(cst_memory_sink_new, &cell->chain, 0, NULL)                                             \
    MAKES(cst_map_new, NULL, map, NULL)                                                           \
    MAKES(cst_filter_new, NULL, test, NULL)                                                       \
    MAKES(cst_flat_map_new, NULL, flat_map, NULL)                                                 \
    MAKES(cst_take_new, 1, NULL)                                                                  \
    MAKES(cst_drop_new, 1, NULL)                                                                  \
    MAKES(cst_for_each_new, NULL, each, NULL, NULL)                                               \
    MAKES(cst_reduce_new, NULL, NULL, reduce, on_item, NULL)                                      \
    MAKES(cst_to_array_new, &cell->chain, NULL, NULL, NULL)                                       \
    MAKES(cst_some_new, NULL, test, on_answer, NULL)                                              \
    MAKES(cst_every_new, NULL, test, on_answer, NULL)                                             \
    MAKES(cst_find_new, NULL, test, on_item, NULL)                                                \
    MAKES(cst_to_text_new, CST_HEX, NULL)                                                         \
    MAKES(cst_from_text_new, CST_HEX, NULL)                                                       \
    MAKES(cst_lines_new, NULL, NULL)                                                              \
    MAKES(cst_split_new, "x", 1, NULL, NULL)                                                      \
    MAKES(cst_join_new, "x", 1, NULL)                                                             \
    MAKES(cst_from_frames_new, NULL, NULL)                                                        \
    MAKES(cst_to_frames_new, NULL, NULL)                                                          \
    MAKES(cst_collect_new, 100, NULL, on_item, NULL)                                              \
    MAKES(cst_take_bytes_new, 1, NULL)                                                            \
    MAKES(cst_drop_bytes_new, 1, NULL)                                                            \
    MAKES(cst_limit_bytes_new, 1, NULL)                                                           \
    MAKES(cst_rechunk_new, 3, CST_REST_SHORT, NULL)                                               \
    MAKES(cst_tap_new, NULL, each, NULL)                                                          \
    MAKES(cst_meter_new, 1, 0, NULL, meter, NULL)                                                 \
    MAKES(cst_coalesce_new, 4, 0, NULL)                                                           \
    MAKES(cst_port_source_new, NULL, NULL)                                                        \
    MAKES(cst_port_sink_new, NULL, NULL)                                                          \
    MAKES(cst_port_new, NULL, NULL)

#define DEFINE(name, call)                                    \
    static void make_##name(struct cell *cell, cst_stream *s) \
    {                                                         \
        (void)cell;                                           \
        (void)s;                                              \
        (void)(call);                                         \
    }
#define DEFINE_ALONE(name) DEFINE(name, name(s))
#define DEFINE_MAKES(name, ...) \
    DEFINE(name, use(cell, name(cell_room(cell), cell->ctx, __VA_ARGS__)))

CALLS(DEFINE_ALONE, DEFINE, DEFINE, DEFINE_MAKES)

#define EACH(name, call) { #name, make_##name, false },
#define ALONE(name) EACH(name, name)
#define ONCE(name, call) { #name, make_##name, true },
#define MAKES(name, ...) ONCE(name, name)

const struct call test_calls[] = { CALLS(ALONE, EACH, ONCE, MAKES) };

const size_t test_call_count = sizeof(test_calls) / sizeof(test_calls[0]);

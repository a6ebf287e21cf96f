/*
 * reentrancy_calls.c - the calls of the matrix. Each is a function that makes it once on a stream of the line. What it
 * answers is not asserted: most cells call something that their stream lacks, or that comes too late. What it promises
 * for such answers is: callbacks that are not owed do not come, and those that are come once.
 */
#include "reentrancy.h"

#include <stdlib.h>

#define DEFINE(call) static void make_##call(struct cell *cell, cst_stream *s)

/* A call that looks, and one that takes nothing but the stream. */
#define LOOKS(call)                                           \
    static void make_##call(struct cell *cell, cst_stream *s) \
    {                                                         \
        (void)cell;                                           \
        (void)call(s);                                        \
    }
#define TAKES_IT_ALONE LOOKS

static cst_slice some_bytes(void)
{
    return cst_slice_static("bytes", 5);
}

/* --- the writable side ---------------------------------------------------------------------------------------------- */

DEFINE(cst_write)
{
    struct owed *owed = cell_owes(cell);

    cell_answered(owed, cst_write(s, some_bytes(), cell_done, owed));
}

DEFINE(cst_write_copy)
{
    struct owed *owed = cell_owes(cell);

    cell_answered(owed, cst_write_copy(s, "copied", 6, cell_done, owed));
}

DEFINE(cst_end)
{
    struct owed *owed = cell_owes(cell);

    cell_answered(owed, cst_end(s, cell_done, owed));
}

DEFINE(cst_end_with)
{
    struct owed *owed = cell_owes(cell);

    cell_answered(owed, cst_end_with(s, some_bytes(), cell_done, owed));
}

TAKES_IT_ALONE(cst_cork)
TAKES_IT_ALONE(cst_uncork)

DEFINE(cork_write_uncork)
{
    cst_cork(s);
    make_cst_write(cell, s);
    make_cst_write(cell, s);
    cst_uncork(s);
}

LOOKS(cst_writable_length)
LOOKS(cst_writable_high_water_mark)
LOOKS(cst_writable_object_mode)
LOOKS(cst_writable_need_drain)
LOOKS(cst_writable_corked)
LOOKS(cst_writable_ended)
LOOKS(cst_writable_finished)
LOOKS(cst_writable_aborted)
LOOKS(cst_is_writable)

/* --- the readable side ---------------------------------------------------------------------------------------------- */

DEFINE(cst_push)
{
    (void)cell;
    (void)cst_push(s, some_bytes());
}

DEFINE(cst_push_copy)
{
    (void)cell;
    (void)cst_push_copy(s, "copied", 6);
}

TAKES_IT_ALONE(cst_push_eof)

DEFINE(cst_unshift)
{
    (void)cell;
    (void)cst_unshift(s, some_bytes());
}

static void read_once(cst_stream *s, size_t size)
{
    cst_slice chunk = cst_slice_empty();

    if (cst_read(&chunk, s, size) == CST_OK)
        cst_slice_unref(&chunk);
}

DEFINE(cst_read)
{
    (void)cell;
    read_once(s, CST_READ_ANY);
}

DEFINE(read_of_nothing)
{
    (void)cell;
    (void)cst_read(NULL, s, 0);
}

DEFINE(read_of_two_bytes)
{
    (void)cell;
    read_once(s, 2);
}

DEFINE(read_of_more_than_the_mark)
{
    (void)cell;
    read_once(s, 100);
}

DEFINE(cst_next)
{
    cst_slice chunk;

    (void)cell;
    if (cst_next(&chunk, s) == CST_OK)
        cst_slice_unref(&chunk);
}

DEFINE(cst_set_encoding)
{
    (void)cell;
    (void)cst_set_encoding(s, CST_HEX);
}

DEFINE(cst_readable_encoding)
{
    cst_encoding encoding;

    (void)cell;
    (void)cst_readable_encoding(&encoding, s);
}

TAKES_IT_ALONE(cst_resume)
TAKES_IT_ALONE(cst_pause)

LOOKS(cst_readable_flowing)
LOOKS(cst_is_paused)
LOOKS(cst_readable_length)
LOOKS(cst_readable_high_water_mark)
LOOKS(cst_readable_object_mode)
LOOKS(cst_readable_ended)
LOOKS(cst_readable_did_read)
LOOKS(cst_readable_aborted)
LOOKS(cst_is_readable)

/* --- the stream ----------------------------------------------------------------------------------------------------- */

static void destroy_with(cst_stream *s, cst_status status)
{
    (void)cst_destroy(s, status);
}

DEFINE(cst_destroy)
{
    (void)cell;
    destroy_with(s, CST_OK);
}

DEFINE(destroy_with_an_error)
{
    (void)cell;
    destroy_with(s, CST_USER(1));
}

DEFINE(cst_ref)
{
    (void)cell;
    cst_unref(cst_ref(s));
}

/* The test's own handle, which keeps the stream. */
DEFINE(cst_unref)
{
    for (size_t i = 0; i < TARGETS; i++)
        if (cell->streams[i] == s)
            cell->streams[i] = NULL;
    cst_unref(s);
}

DEFINE(destroy_and_unref)
{
    destroy_with(s, CST_OK);
    make_cst_unref(cell, s);
}

DEFINE(destroy_with_an_error_and_unref)
{
    destroy_with(s, CST_USER(1));
    make_cst_unref(cell, s);
}

/* All three at once. */
DEFINE(destroy_and_unref_the_line)
{
    (void)s;
    for (size_t i = 0; i < TARGETS; i++) {
        cst_stream *one = cell->streams[i];

        if (one)
            make_destroy_and_unref(cell, one);
    }
}

LOOKS(cst_stream_ctx)
LOOKS(cst_stream_ops)
LOOKS(cst_stream_self)
LOOKS(cst_stream_name)
LOOKS(cst_has_readable)
LOOKS(cst_has_writable)
LOOKS(cst_is_destroyed)
LOOKS(cst_is_closed)
LOOKS(cst_errored)

DEFINE(cst_this_call)
{
    (void)cell;
    (void)cst_this_call(s);
}

DEFINE(cst_complete)
{
    (void)cell;
    (void)cst_complete(cst_this_call(s), CST_OK);
}

DEFINE(complete_with_a_failure)
{
    (void)cell;
    (void)cst_complete(cst_this_call(s), CST_USER(2));
}

DEFINE(complete_twice)
{
    cst_call call = cst_this_call(s);

    (void)cell;
    (void)cst_complete(call, CST_OK);
    (void)cst_complete(call, CST_OK);
}

/* One that another stream's slot, or an earlier call, has left open. */
DEFINE(complete_what_is_late)
{
    (void)s;
    if (cell->late_count > 0)
        (void)cst_complete(cell->late_calls[--cell->late_count], CST_OK);
}

DEFINE(cst_complete_with)
{
    (void)cell;
    (void)cst_complete_with(cst_this_call(s), some_bytes());
}

DEFINE(cst_give)
{
    if (cst_give(s, some_bytes()) == CST_GIVEN)
        cell->given = s;
}

DEFINE(cst_set_timeouts)
{
    (void)cell;
    (void)cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 8, .total_ns = 20 });
}

DEFINE(set_no_timeouts)
{
    (void)cell;
    (void)cst_set_timeouts(s, NULL);
}

DEFINE(cst_progress)
{
    (void)cell;
    (void)cst_progress(s);
}

/* --- listeners ------------------------------------------------------------------------------------------------------ */

static void on_nothing(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

static void on_each_event(struct cell *cell, cst_stream *s,
                          cst_status (*add)(cst_stream *, cst_event_type, cst_listener_fn *,
                                            void *))
{
    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        (void)add(s, (cst_event_type)type, on_nothing, cell);
}

DEFINE(cst_on)
{
    on_each_event(cell, s, cst_on);
}

DEFINE(on_data)
{
    (void)cst_on(s, CST_DATA, on_nothing, cell);
}

DEFINE(on_readable)
{
    (void)cst_on(s, CST_READABLE, on_nothing, cell);
}

DEFINE(cst_once)
{
    on_each_event(cell, s, cst_once);
}

DEFINE(cst_prepend)
{
    on_each_event(cell, s, cst_prepend);
}

DEFINE(cst_off)
{
    on_each_event(cell, s, cst_on);
    on_each_event(cell, s, cst_off);
}

DEFINE(on_and_off_readable)
{
    (void)cst_on(s, CST_READABLE, on_nothing, cell);
    (void)cst_off(s, CST_READABLE, on_nothing, cell);
}

/* Not that of 'error': it would then be unhandled, which is another test's. */
DEFINE(cst_off_all)
{
    (void)cell;
    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        if (type != CST_ERROR)
            (void)cst_off_all(s, (cst_event_type)type);
}

DEFINE(cst_listener_count)
{
    (void)cell;
    (void)cst_listener_count(s, CST_DATA);
}

/* --- pipes, pipelines ----------------------------------------------------------------------------------------------- */

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
    cst_stream *s = NULL;

    return cell_keep(cell, cst_memory_source_new(&s, cell->ctx, some_bytes(), NULL), s);
}

static cst_stream *another_sink(struct cell *cell)
{
    cst_stream *s = NULL;

    return cell_keep(cell, cst_writable_new(&s, cell->ctx, &take_ops, NULL, NULL), s);
}

static cst_stream *another_filter(struct cell *cell)
{
    cst_stream *s = NULL;

    return cell_keep(cell, cst_transform_new(&s, cell->ctx, &hand_on_ops, NULL, NULL), s);
}

DEFINE(cst_pipe)
{
    (void)cst_pipe(s, another_sink(cell), NULL);
}

DEFINE(pipe_another_source)
{
    (void)cst_pipe(another_source(cell), s, NULL);
}

DEFINE(pipe_past_the_middle)
{
    (void)cst_pipe(cell->streams[SOURCE], s, NULL);
}

DEFINE(pipe_once_more)
{
    (void)cst_pipe(s, cell->streams[SINK], &(cst_pipe_opts){ .no_end = true });
}

DEFINE(cst_unpipe)
{
    (void)cell;
    (void)cst_unpipe(s, NULL);
}

DEFINE(unpipe_and_pipe)
{
    (void)cst_unpipe(cell->streams[SOURCE], s);
    (void)cst_pipe(cell->streams[SOURCE], s, NULL);
}

DEFINE(cst_pipeline)
{
    cst_stream *row[] = { s, another_filter(cell), another_sink(cell) };
    struct owed *owed = cell_owes(cell);

    /* Node's silences: it need not come. */
    if (owed)
        (void)cst_pipeline(row, 3, NULL, cell_outcome, owed);
}

DEFINE(pipeline_into_it)
{
    cst_stream *row[] = { another_source(cell), another_filter(cell), s };

    (void)cst_pipeline(row, 3, NULL, NULL, NULL);
}

DEFINE(cst_compose_new)
{
    cst_stream *row[] = { s, another_filter(cell) };
    cst_stream *composed = NULL;

    cell_keep(cell, cst_compose_new(&composed, row, 2, NULL), composed);
}

DEFINE(cst_finished)
{
    struct owed *owed = cell_owes(cell);

    if (owed)
        (void)cst_finished(s, NULL, cell_outcome, owed);
}

DEFINE(cst_finished_cancel)
{
    struct owed owed = { .accepted = false };

    (void)cell;
    (void)cst_finished(s, NULL, cell_outcome, &owed);
    (void)cst_finished_cancel(s, cell_outcome, &owed);
}

DEFINE(cst_abort_attach)
{
    (void)cst_abort_attach(cell->abort, s);
}

DEFINE(cst_abort_fire)
{
    (void)cst_abort_attach(cell->abort, s);
    (void)cst_abort_fire(cell->abort);
}

DEFINE(attach_to_a_thrown_switch)
{
    (void)cst_abort_fire(cell->abort);
    (void)cst_abort_attach(cell->abort, s);
}

DEFINE(cst_abort_unref)
{
    (void)cst_abort_attach(cell->abort, s);
    cst_abort_unref(cell->abort);
    cell->abort = NULL;
}

DEFINE(cst_abort_fired)
{
    (void)s;
    (void)cst_abort_fired(cell->abort);
}

DEFINE(cst_abort_new)
{
    cst_abort *another = NULL;

    if (cst_abort_new(&another, cell->ctx) == CST_OK)
        (void)cst_abort_attach(another, s);
    cst_abort_unref(another);
}

/* --- ports: streams that are none are turned away ------------------------------------------------------------------- */

LOOKS(cst_is_port)
LOOKS(cst_port_want)
TAKES_IT_ALONE(cst_port_eof)

DEFINE(cst_port_reserve)
{
    cst_span span;

    (void)cell;
    (void)cst_port_reserve(&span, s);
}

DEFINE(cst_port_commit)
{
    (void)cell;
    (void)cst_port_commit(s, 0);
}

DEFINE(cst_port_peek)
{
    cst_const_span span;

    (void)cell;
    (void)cst_port_peek(&span, s, 1);
}

DEFINE(cst_port_consume)
{
    (void)cell;
    (void)cst_port_consume(s, 0);
}

DEFINE(cst_port_ended)
{
    (void)cell;
    (void)cst_port_ended(s, CST_OK);
}

DEFINE(cst_port_fail)
{
    (void)cell;
    (void)cst_port_fail(s, CST_READING, CST_USER(3));
}

/* --- the context ---------------------------------------------------------------------------------------------------- */

static void refused(cst_status st)
{
    if (st != CST_E_NESTED)
        abort();
}

DEFINE(cst_ctx_run)
{
    (void)s;
    refused(cst_ctx_run(cell->ctx, NULL));
}

DEFINE(cst_ctx_free)
{
    (void)s;
    refused(cst_ctx_free(cell->ctx));
}

static void run_nothing(void *arg)
{
    (void)arg;
}

DEFINE(cst_defer)
{
    (void)s;
    (void)cst_defer(cell->ctx, &cell->call_task, run_nothing, NULL);
}

DEFINE(cst_immediate)
{
    (void)s;
    (void)cst_immediate(cell->ctx, &cell->call_immediate, run_nothing, NULL);
}

DEFINE(cst_at_turn_end)
{
    (void)s;
    (void)cst_at_turn_end(cell->ctx, &cell->call_at_end, run_nothing, NULL);
}

DEFINE(cst_post)
{
    (void)s;
    (void)cst_post(cell->ctx, &cell->call_post, run_nothing, NULL);
}

DEFINE(cst_timer_start)
{
    (void)s;
    (void)cst_timer_start(cell->ctx, &cell->call_timer, 12, run_nothing, NULL);
}

DEFINE(cst_timer_start_in)
{
    (void)s;
    (void)cst_timer_start_in(cell->ctx, &cell->call_timer, 1, run_nothing, NULL);
}

DEFINE(cst_timer_stop)
{
    make_cst_timer_start(cell, s);
    (void)cst_timer_stop(cell->ctx, &cell->call_timer);
    (void)cst_timer_is_started(&cell->call_timer);
}

DEFINE(cst_ctx_set_default_high_water_mark)
{
    (void)s;
    (void)cst_ctx_set_default_high_water_mark(cell->ctx, false, 3);
}

DEFINE(cst_ctx_buf)
{
    cst_buf buf;

    (void)s;
    if (cst_ctx_buf(&buf, cell->ctx, 100) == CST_OK)
        cst_buf_free(&buf);
}

DEFINE(look_at_the_context)
{
    (void)s;
    (void)cst_ctx_has_work(cell->ctx);
    (void)cst_ctx_now_ns(cell->ctx);
    (void)cst_ctx_due_ns(cell->ctx);
    (void)cst_ctx_allocator(cell->ctx);
    (void)cst_ctx_default_high_water_mark(cell->ctx, true);
}

/* --- streams that are made in a callback ---------------------------------------------------------------------------- */

#define MAKES(constructor, ...)                                            \
    static void make_##constructor(struct cell *cell, cst_stream *s)       \
    {                                                                      \
        cst_stream *made = NULL;                                           \
                                                                           \
        (void)s;                                                           \
        cell_keep(cell, constructor(&made, cell->ctx, __VA_ARGS__), made); \
        (void)cst_write_copy(made, "into it", 7, NULL, NULL);              \
        (void)cst_end(made, NULL, NULL);                                   \
        (void)cst_resume(made);                                            \
    }

static cst_status each(void *arg, const cst_slice *chunk)
{
    (void)arg;
    (void)chunk;
    return CST_OK;
}

static cst_status map(void *arg, const cst_slice *chunk, cst_slice *out)
{
    (void)arg;
    *out = cst_slice_ref(chunk);
    return CST_OK;
}

static cst_status flat_map(void *arg, const cst_slice *chunk, cst_stream *s)
{
    (void)arg;
    return cst_give(s, cst_slice_ref(chunk));
}

static cst_status test(void *arg, const cst_slice *chunk, bool *out)
{
    (void)arg;
    *out = chunk->len > 0;
    return CST_OK;
}

static cst_status reduce(void *arg, const cst_slice *so_far, const cst_slice *chunk, cst_slice *out)
{
    (void)arg;
    (void)so_far;
    *out = cst_slice_ref(chunk);
    return CST_OK;
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

static cst_status next(void *arg, cst_slice *out)
{
    (void)arg;
    (void)out;
    return CST_EOF;
}

MAKES(cst_readable_new, &nothing_ops, NULL, NULL)
MAKES(cst_writable_new, &take_ops, NULL, NULL)
MAKES(cst_duplex_new, &take_ops, NULL, NULL)
MAKES(cst_transform_new, &hand_on_ops, NULL, NULL)
MAKES(cst_passthrough_new, NULL)
MAKES(cst_passthrough_new_with, &nothing_ops, NULL, NULL)
MAKES(cst_from_array_new, NULL, 0, NULL)
MAKES(cst_from_fn_new, next, NULL, NULL)
MAKES(cst_memory_source_new, some_bytes(), NULL)
MAKES(cst_memory_sink_new, &cell->chain, 0, NULL)
MAKES(cst_map_new, map, NULL, NULL)
MAKES(cst_filter_new, test, NULL, NULL)
MAKES(cst_flat_map_new, flat_map, NULL, NULL)
MAKES(cst_take_new, 1, NULL)
MAKES(cst_drop_new, 1, NULL)
MAKES(cst_for_each_new, each, NULL, NULL, NULL)
MAKES(cst_reduce_new, reduce, NULL, on_item, NULL, NULL)
MAKES(cst_to_array_new, &cell->chain, NULL, NULL, NULL)
MAKES(cst_some_new, test, on_answer, NULL, NULL)
MAKES(cst_every_new, test, on_answer, NULL, NULL)
MAKES(cst_find_new, test, on_item, NULL, NULL)
MAKES(cst_to_text_new, CST_HEX, NULL)
MAKES(cst_from_text_new, CST_HEX, NULL)
MAKES(cst_port_source_new, NULL, NULL)
MAKES(cst_port_sink_new, NULL, NULL)
MAKES(cst_port_new, NULL, NULL)

DEFINE(cst_duplex_pair_new)
{
    cst_stream *a = NULL, *b = NULL;
    cst_status st = cst_duplex_pair_new(&a, &b, cell->ctx, NULL);

    (void)s;
    cell_keep(cell, st, a);
    cell_keep(cell, st, b);
    (void)cst_write(a, some_bytes(), NULL, NULL);
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

#define CALL(call)                \
    {                             \
#call, make_##call, false \
    }
#define ONCE(call)               \
    {                            \
#call, make_##call, true \
    }

const struct call test_calls[] = {
    CALL(cst_write),
    CALL(cst_write_copy),
    CALL(cst_end),
    CALL(cst_end_with),
    CALL(cst_cork),
    CALL(cst_uncork),
    CALL(cork_write_uncork),
    CALL(cst_writable_length),
    CALL(cst_writable_high_water_mark),
    CALL(cst_writable_object_mode),
    CALL(cst_writable_need_drain),
    CALL(cst_writable_corked),
    CALL(cst_writable_ended),
    CALL(cst_writable_finished),
    CALL(cst_writable_aborted),
    CALL(cst_is_writable),
    CALL(cst_push),
    CALL(cst_push_copy),
    CALL(cst_push_eof),
    CALL(cst_unshift),
    CALL(cst_read),
    CALL(read_of_nothing),
    CALL(read_of_two_bytes),
    CALL(read_of_more_than_the_mark),
    CALL(cst_next),
    CALL(cst_set_encoding),
    CALL(cst_readable_encoding),
    CALL(cst_resume),
    CALL(cst_pause),
    CALL(cst_readable_flowing),
    CALL(cst_is_paused),
    CALL(cst_readable_length),
    CALL(cst_readable_high_water_mark),
    CALL(cst_readable_object_mode),
    CALL(cst_readable_ended),
    CALL(cst_readable_did_read),
    CALL(cst_readable_aborted),
    CALL(cst_is_readable),
    CALL(cst_destroy),
    CALL(destroy_with_an_error),
    CALL(cst_ref),
    CALL(cst_unref),
    CALL(destroy_and_unref),
    CALL(destroy_with_an_error_and_unref),
    ONCE(destroy_and_unref_the_line),
    CALL(cst_stream_ctx),
    CALL(cst_stream_ops),
    CALL(cst_stream_self),
    CALL(cst_stream_name),
    CALL(cst_has_readable),
    CALL(cst_has_writable),
    CALL(cst_is_destroyed),
    CALL(cst_is_closed),
    CALL(cst_errored),
    CALL(cst_this_call),
    CALL(cst_complete),
    CALL(complete_with_a_failure),
    CALL(complete_twice),
    ONCE(complete_what_is_late),
    CALL(cst_complete_with),
    CALL(cst_give),
    CALL(cst_set_timeouts),
    CALL(set_no_timeouts),
    CALL(cst_progress),
    CALL(cst_on),
    CALL(on_data),
    CALL(on_readable),
    CALL(cst_once),
    CALL(cst_prepend),
    CALL(cst_off),
    CALL(on_and_off_readable),
    CALL(cst_off_all),
    CALL(cst_listener_count),
    CALL(cst_pipe),
    CALL(pipe_another_source),
    CALL(pipe_past_the_middle),
    CALL(pipe_once_more),
    CALL(cst_unpipe),
    CALL(unpipe_and_pipe),
    CALL(cst_pipeline),
    CALL(pipeline_into_it),
    CALL(cst_compose_new),
    CALL(cst_finished),
    CALL(cst_finished_cancel),
    CALL(cst_abort_attach),
    CALL(cst_abort_fire),
    CALL(attach_to_a_thrown_switch),
    CALL(cst_abort_unref),
    ONCE(cst_abort_fired),
    CALL(cst_abort_new),
    CALL(cst_is_port),
    CALL(cst_port_want),
    CALL(cst_port_reserve),
    CALL(cst_port_commit),
    CALL(cst_port_eof),
    CALL(cst_port_peek),
    CALL(cst_port_consume),
    CALL(cst_port_ended),
    CALL(cst_port_fail),
    ONCE(cst_ctx_run),
    ONCE(cst_ctx_free),
    ONCE(cst_defer),
    ONCE(cst_immediate),
    ONCE(cst_at_turn_end),
    ONCE(cst_post),
    ONCE(cst_timer_start),
    ONCE(cst_timer_start_in),
    ONCE(cst_timer_stop),
    ONCE(cst_ctx_set_default_high_water_mark),
    ONCE(cst_ctx_buf),
    ONCE(look_at_the_context),
    ONCE(cst_readable_new),
    ONCE(cst_writable_new),
    ONCE(cst_duplex_new),
    ONCE(cst_transform_new),
    ONCE(cst_passthrough_new),
    ONCE(cst_passthrough_new_with),
    ONCE(cst_duplex_pair_new),
    ONCE(cst_from_array_new),
    ONCE(cst_from_fn_new),
    ONCE(cst_memory_source_new),
    ONCE(cst_memory_sink_new),
    ONCE(cst_map_new),
    ONCE(cst_filter_new),
    ONCE(cst_flat_map_new),
    ONCE(cst_take_new),
    ONCE(cst_drop_new),
    ONCE(cst_for_each_new),
    ONCE(cst_reduce_new),
    ONCE(cst_to_array_new),
    ONCE(cst_some_new),
    ONCE(cst_every_new),
    ONCE(cst_find_new),
    ONCE(cst_to_text_new),
    ONCE(cst_from_text_new),
    ONCE(cst_port_source_new),
    ONCE(cst_port_sink_new),
    ONCE(cst_port_new),
};

const size_t test_call_count = sizeof(test_calls) / sizeof(test_calls[0]);

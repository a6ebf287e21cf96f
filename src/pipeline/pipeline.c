/*
 * pipeline.c - several streams as one.
 *
 * One record for all of it, with a stage for each stream. A stage listens to its own stream in several ways:
 *
 *      guard       finished on the sides in use. Until it has come well, or the stream has closed, the stage is armed:
 *                  an error anywhere destroys its stream.
 *      on_error    any error but a premature close or an abort counts as the pipeline's
 *   and, between a stage and the next:
 *      as_source   finished on the readable side     both must come in before done is told
 *      as_dest     finished on the writable side
 *      on_end      the source's 'end' ends the destination, save where that is the last and is to stay open: it is done when
 *                  all is written (no_pipe_end), or then and there (no_end)
 *      on_close    the destination's 'close' before that is premature
 *
 * The record is freed when the streams of all its stages have been.
 */
#include "pipeline/pipeline_internal.h"

#include "pipeline/abort_internal.h"
#include "pipeline/finished_internal.h"

struct stage {
    struct pipeline *pipeline;
    cst_stream *stream;     /* NULL: freed, or not watched, since the pipeline was refused before it */
    struct cst__pipe *pipe; /* to the next stage, until it is connected */
    struct cst__finished guard, as_source, as_dest;
    struct cst__fn_listener on_guard_close, on_error, on_end, on_close, on_drain;
    struct cst__fn_listener
        on_late; /* a source that closed after EOF: its 'end' or 'error' decides */
    cst_task_link end_task;
    bool armed;
    bool ended;          /* by the previous stage */
    bool source_awaited; /* as_source counts in left */
    bool dest_awaited;   /* likewise as_dest */
    bool sated;          /* needs no more input: its writable side does not matter any more */
};

struct pipeline {
    struct cst__limbo limbo;
    cst_ctx *ctx;
    cst_outcome_fn *done;
    void *arg;
    cst_task_link task, abort_task;
    struct cst__abort_link signal;
    cst_error error;   /* status 0: none */
    cst_error outcome; /* what the task tells */
    size_t count;
    size_t left; /* outcomes that have not come in */
    size_t refs; /* stages whose stream is there, tasks, frames */
    bool disarmed;
    bool last_is_left_open;
    bool no_end;
    struct stage stages[];
};

static size_t pipeline_size(size_t count)
{
    return sizeof(struct pipeline) + count * sizeof(struct stage);
}

static void run_done(cst_task_link *link);

/* By a task. From here on nothing that comes in counts. */
static void tell(struct pipeline *pipeline)
{
    pipeline->left = 0;
    pipeline->outcome = pipeline->error;
    pipeline->refs++;
    cst__post(pipeline->ctx, &pipeline->task, run_done);
}

/* Node would never call done. Where no pair was connected there is nothing to tell. */
static void tell_at_last(struct pipeline *pipeline)
{
    if (pipeline->left == 0)
        return;
    if (pipeline->error.status == CST_OK)
        pipeline->error = (cst_error){ .stage = "", .status = CST_E_PREMATURE_CLOSE };
    tell(pipeline);
}

static void pipeline_release(struct pipeline *pipeline)
{
    if (--pipeline->refs > 0)
        return;
    tell_at_last(pipeline);
    if (pipeline->refs == 0)
        cst__free_later(pipeline->ctx, &pipeline->limbo, pipeline_size(pipeline->count));
}

static struct stage *last_stage(struct pipeline *pipeline)
{
    return &pipeline->stages[pipeline->count - 1];
}

/* The last stage, whose stream asks for that. What no_end leaves open is not waited for, so it is none of these. */
static bool stays_open(const struct stage *stage)
{
    return stage == last_stage(stage->pipeline) && !stage->pipeline->no_end &&
           (stage->stream->flags & W_STAYS_OPEN);
}

static void end_stage(struct stage *stage);

/* --- the outcome ------------------------------------------------------------------------------------------------------ */

static bool may_be_replaced(const cst_error *error)
{
    return error->status == CST_OK || error->status == CST_E_PREMATURE_CLOSE ||
           error->status == CST_E_ABORT;
}

/* Each stage is asked once: those that are still armed are destroyed, from first to last. One that stays open gets no more. */
static void disarm_all(struct pipeline *pipeline)
{
    struct stage *last = last_stage(pipeline);
    cst_error destroyed = { .stage = "", .status = CST_E_DESTROYED };
    cst_error error = pipeline->error.status < 0 ? pipeline->error : destroyed;

    if (pipeline->disarmed)
        return;
    pipeline->disarmed = true;
    for (size_t i = 0; i < pipeline->count; i++) {
        struct stage *stage = &pipeline->stages[i];

        if (!stage->armed)
            continue;
        stage->armed = false;
        if (stage->stream)
            cst__destroy(stage->stream, &error);
    }
    if (last->stream && stays_open(last))
        end_stage(last);
}

static void run_done(cst_task_link *link)
{
    struct pipeline *pipeline = cst__container_of(link, struct pipeline, task);

    if (pipeline->done)
        pipeline->done(pipeline->outcome.status < 0 ? &pipeline->outcome : NULL, pipeline->arg);
    pipeline_release(pipeline);
}

/* A last stream that stays open, or can still be read where all went well, goes on without the pipeline. */
static void leave_last_open(struct pipeline *pipeline)
{
    struct stage *last = last_stage(pipeline);
    bool goes_on = pipeline->last_is_left_open && pipeline->error.status == CST_OK;

    if (!last->stream || !(goes_on || stays_open(last)))
        return;
    cst__finished_stop(&last->guard);
    cst__unlisten(last->stream, &last->on_error.listener, EVENT_BIT(CST_ERROR));
    cst__finished_stop(&last->as_dest);
}

static void settle(struct pipeline *pipeline, const cst_error *error, bool final)
{
    if (error && may_be_replaced(&pipeline->error))
        pipeline->error = *error;
    if (pipeline->error.status == CST_OK && !final)
        return;
    disarm_all(pipeline);
    cst__abort_unlisten(&pipeline->signal);
    if (!final)
        return;
    leave_last_open(pipeline);
    tell(pipeline);
}

static void one_came_in(struct pipeline *pipeline, const cst_error *error)
{
    if (pipeline->left > 0)
        settle(pipeline, error, --pipeline->left == 0);
}

static void source_came_in(struct stage *stage, const cst_error *error)
{
    stage->source_awaited = false;
    if (stage->sated)
        stage->armed = false;
    one_came_in(stage->pipeline, error);
}

static void dest_came_in(struct stage *stage, const cst_error *error)
{
    stage->dest_awaited = false;
    one_came_in(stage->pipeline, error);
}

/* --- what the stages hear --------------------------------------------------------------------------------------------- */

static void guard_called(struct cst__finished *finished, const cst_error *error)
{
    struct stage *stage = cst__container_of(finished, struct stage, guard);

    /* Once all were asked, nobody asks again. */
    stage->armed = error && !stage->pipeline->disarmed;
}

static void nothing_gone(struct cst__finished *finished)
{
    (void)finished; /* on_error goes with the same stream */
}

static void stage_gone(struct stage *stage)
{
    struct pipeline *pipeline = stage->pipeline;

    stage->stream = NULL;
    if (pipeline->refs == 1)
        cst__abort_unlisten(&pipeline->signal);
    pipeline_release(pipeline);
}

static void on_guard_close(cst_stream *s, const cst_event *event, void *arg)
{
    struct stage *stage = arg;

    (void)s;
    (void)event;
    stage->armed = false;
}

static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    struct stage *stage = arg;

    (void)s;
    if (event->type == CST__EVENT_FREED)
        stage_gone(stage);
    else if (event->type == CST__EVENT_LAST_CALL)
        tell_at_last(stage->pipeline);
    else if (event->error->status != CST_E_ABORT && event->error->status != CST_E_PREMATURE_CLOSE)
        settle(stage->pipeline, event->error, false);
}

static void on_close(cst_stream *s, const cst_event *event, void *arg)
{
    struct stage *stage = arg;
    cst_error premature = cst__error_here(s, CST_E_PREMATURE_CLOSE, CST_NO_DIRECTION);

    (void)event;
    if (!stage->ended)
        settle(stage->pipeline, &premature, false);
}

/* What a stage would have said as a destination is not waited for. */
static void waive_dest(struct stage *stage)
{
    if (!stage->dest_awaited)
        return;
    if (stage->stream)
        cst__finished_stop(&stage->as_dest);
    dest_came_in(stage, NULL);
}

static void on_drain(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    waive_dest(arg);
}

/* The last stage, which stays open, is done when all is written: a 'drain' says so, however little that was. A write that has
 * failed is not written: its 'error' is on its way, and is the outcome. */
static void await_last_write(struct stage *last)
{
    cst_stream *s = last->stream;

    if (s->flags & ERRORED)
        return;
    if (cst__w(s)->length == 0) {
        waive_dest(last);
        return;
    }
    s->flags |= W_NEED_DRAIN;
    cst__listen_fn(s, &last->on_drain, EVENT_BIT(CST_DRAIN), LISTENER_ONCE);
}

static void end_stage(struct stage *stage)
{
    if (stage->ended)
        return;
    stage->ended = true;
    if (!stage->stream)
        return;
    if (stays_open(stage))
        await_last_write(stage);
    else
        cst__end(stage->stream, NULL, NULL, NULL);
}

static void on_end(cst_stream *s, const cst_event *event, void *arg)
{
    struct stage *stage = arg;

    (void)s;
    (void)event;
    end_stage(stage + 1);
}

static void run_end_next(cst_task_link *link)
{
    struct stage *stage = cst__container_of(link, struct stage, end_task);
    struct pipeline *pipeline = stage->pipeline;

    end_stage(stage + 1);
    pipeline_release(pipeline);
}

static void on_late(cst_stream *s, const cst_event *event, void *arg)
{
    struct stage *stage = arg;

    (void)s;
    source_came_in(stage, event->type == CST_ERROR ? event->error : NULL);
}

static void source_called(struct cst__finished *finished, const cst_error *error)
{
    struct stage *stage = cst__container_of(finished, struct stage, as_source);
    const cst_stream *s = finished->stream;

    if (error && error->status == CST_E_PREMATURE_CLOSE &&
        (s->flags & (R_ENDED | ERRORED | ERROR_EMITTED)) == R_ENDED) {
        unsigned events = EVENT_BIT(CST_END) | EVENT_BIT(CST_ERROR);

        cst__listen_fn(finished->stream, &stage->on_late, events, LISTENER_ONCE);
        return;
    }
    source_came_in(stage, error);
}

static void dest_called(struct cst__finished *finished, const cst_error *error)
{
    dest_came_in(cst__container_of(finished, struct stage, as_dest), error);
}

/* --- setting it up ---------------------------------------------------------------------------------------------------- */

static void set_up_stage(struct stage *stage, bool reading, bool writing)
{
    struct pipeline *pipeline = stage->pipeline;
    cst_stream *s = stage->stream;
    struct cst__finished_sides sides = { .readable = reading, .writable = writing, .error = true };

    pipeline->refs++;
    if (reading || !(pipeline->no_end || stays_open(stage))) {
        stage->armed = true;
        cst__listen_fn(s, &stage->on_guard_close, EVENT_BIT(CST_CLOSE), 0);
        cst__finished_start(&stage->guard, s, sides, guard_called, nothing_gone);
    }
    cst__listen_fn(
        s, &stage->on_error,
        EVENT_BIT(CST_ERROR) | EVENT_BIT(CST__EVENT_FREED) | EVENT_BIT(CST__EVENT_LAST_CALL), 0);
    if (stage == last_stage(pipeline))
        pipeline->last_is_left_open = cst_is_readable(s);
}

/* The source's end ends the destination, unless that is to stay open: then this much has come in. */
static void join_ends(struct stage *stage)
{
    struct pipeline *pipeline = stage->pipeline;
    bool ended = (stage->stream->flags & (R_END_EMITTED | ERRORED)) == R_END_EMITTED;

    if (pipeline->no_end && stage + 1 == last_stage(pipeline)) {
        one_came_in(pipeline, NULL);
    } else if (ended) {
        pipeline->refs++;
        cst__post(pipeline->ctx, &stage->end_task, run_end_next);
    } else {
        cst__listen_fn(stage->stream, &stage->on_end, EVENT_BIT(CST_END), LISTENER_ONCE);
    }
}

static void join(struct stage *stage)
{
    struct stage *next = stage + 1;
    struct cst__finished_sides readable = { .readable = true, .error = true };
    struct cst__finished_sides writable = { .writable = true, .error = true };
    struct cst__pipe *pipe = stage->pipe;

    cst__listen_fn(next->stream, &next->on_close, EVENT_BIT(CST_CLOSE), 0);
    stage->pipeline->left += 2;
    stage->source_awaited = true;
    next->dest_awaited = true;
    stage->pipe = NULL;
    cst__pipe_connect(pipe);
    join_ends(stage);
    cst__finished_start(&stage->as_source, stage->stream, readable, source_called, nothing_gone);
    cst__finished_start(&next->as_dest, next->stream, writable, dest_called, nothing_gone);
}

/* The stages from this one on are not watched: their streams may be freed without a word. */
static void leave_out(struct stage *stage)
{
    const struct stage *end = last_stage(stage->pipeline) + 1;

    for (; stage != end; stage++)
        stage->stream = NULL;
}

static cst_status set_up(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++) {
        struct stage *stage = &pipeline->stages[i];
        bool reading = i + 1 < pipeline->count;

        if (reading && (stage[1].stream->flags & (CLOSED | DESTROYED))) {
            leave_out(stage);
            return CST_E_UNABLE_TO_PIPE;
        }
        set_up_stage(stage, reading, i > 0);
        if (i > 0)
            join(stage - 1);
    }
    return CST_OK;
}

static void discard_pipes(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++)
        cst__pipe_discard(pipeline->stages[i].pipe);
}

static cst_status reserve_pipes(struct pipeline *pipeline)
{
    for (size_t i = 0; i + 1 < pipeline->count; i++) {
        struct stage *stage = &pipeline->stages[i];

        stage->pipe = cst__pipe_new(stage->stream, stage[1].stream, true);
        if (!stage->pipe)
            return CST_E_NOMEM;
    }
    return CST_OK;
}

/* --- a stage that needs no more input --------------------------------------------------------------------------------- */

/* As waive_dest. */
static void waive_source(struct stage *stage)
{
    if (!stage->source_awaited)
        return;
    if (stage->stream) {
        cst__finished_stop(&stage->as_source);
        cst__unlisten(stage->stream, &stage->on_late.listener,
                      EVENT_BIT(CST_END) | EVENT_BIT(CST_ERROR));
    }
    source_came_in(stage, NULL);
}

/* From here on it neither fails nor ends anything, save that an error other than the abort still counts. */
static void stop_watching(struct stage *stage)
{
    stage->armed = false;
    if (!stage->stream)
        return;
    cst__finished_stop(&stage->guard);
    cst__unlisten(stage->stream, &stage->on_end.listener, EVENT_BIT(CST_END));
    cst__unlisten(stage->stream, &stage->on_close.listener, EVENT_BIT(CST_CLOSE));
}

/* Flow first, so that no chunk is on its way to a stage that is being destroyed. */
static void destroy_before(struct stage *sated)
{
    struct pipeline *pipeline = sated->pipeline;
    cst_error aborted = cst__error_here(sated->stream, CST_E_ABORT, CST_NO_DIRECTION);
    struct stage *stage;

    for (stage = pipeline->stages; stage != sated; stage++)
        if (stage->stream && stage[1].stream)
            cst_unpipe(stage->stream, stage[1].stream);
    for (stage = pipeline->stages; stage != sated; stage++)
        if (stage->stream)
            cst__destroy(stage->stream, &aborted);
}

static void let_go_before(struct stage *sated)
{
    struct pipeline *pipeline = sated->pipeline;
    struct stage *stage;

    sated->sated = true;
    pipeline->refs++;
    for (stage = pipeline->stages; stage != sated; stage++)
        stop_watching(stage);
    cst__unlisten(sated->stream, &sated->on_close.listener, EVENT_BIT(CST_CLOSE));
    if (!sated->source_awaited)
        sated->armed = false;
    destroy_before(sated);
    for (stage = pipeline->stages; stage != sated; stage++) {
        waive_source(stage);
        waive_dest(stage + 1);
    }
    pipeline_release(pipeline);
}

/* Where s is fed by a pipeline that is not over. */
static struct stage *fed_stage(const cst_stream *s)
{
    for (const struct cst__listener *l = s->listeners; l; l = l->next) {
        const struct cst__fn_listener *f =
            cst__container_of((uintptr_t)l, struct cst__fn_listener, listener);
        struct stage *stage;

        if (l->kind != LISTENER_FN || f->fn != on_error)
            continue;
        stage = f->arg;
        if (!stage->sated && !stage->pipeline->disarmed && stage != stage->pipeline->stages)
            return stage;
    }
    return NULL;
}

/* Sought anew each time: what destroy slots do may change the list. */
void cst__enough(cst_stream *s)
{
    struct stage *stage;

    cst__enter(s->ctx);
    while ((stage = fed_stage(s)) != NULL)
        let_go_before(stage);
    cst__leave(s->ctx);
}

/* --- the signal ------------------------------------------------------------------------------------------------------- */

static void abort_pipeline(struct pipeline *pipeline)
{
    cst_error aborted = { .stage = "", .status = CST_E_ABORT };

    settle(pipeline, &aborted, false);
}

static void run_abort(cst_task_link *link)
{
    struct pipeline *pipeline = cst__container_of(link, struct pipeline, abort_task);

    abort_pipeline(pipeline);
    pipeline_release(pipeline);
}

static void signal_fired(struct cst__abort_link *link)
{
    abort_pipeline(cst__container_of(link, struct pipeline, signal));
}

static void heed_signal(struct pipeline *pipeline, cst_abort *signal)
{
    if (!signal)
        return;
    if (!cst_abort_fired(signal)) {
        cst__abort_listen(signal, &pipeline->signal, signal_fired);
    } else {
        pipeline->refs++;
        cst__post(pipeline->ctx, &pipeline->abort_task, run_abort);
    }
}

static void init_stage(struct stage *stage, struct pipeline *pipeline, cst_stream *s)
{
    *stage = (struct stage){ .pipeline = pipeline, .stream = s };
    stage->on_guard_close.fn = on_guard_close;
    stage->on_error.fn = on_error;
    stage->on_end.fn = on_end;
    stage->on_close.fn = on_close;
    stage->on_drain.fn = on_drain;
    stage->on_late.fn = on_late;
    stage->on_guard_close.arg = stage->on_error.arg = stage->on_end.arg = stage->on_close.arg =
        stage->on_drain.arg = stage->on_late.arg = stage;
}

static bool fits(cst_stream *const *streams, size_t count)
{
    if (!streams || count < 2 || count > SIZE_MAX / 2 / sizeof(struct stage))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!streams[i] || streams[i]->ctx != streams[0]->ctx)
            return false;
        if ((i + 1 < count && !cst_stream_has_readable(streams[i])) ||
            (i > 0 && !cst_stream_has_writable(streams[i])))
            return false;
    }
    return true;
}

/* The record and all pipes: after this, nothing can fail for want of memory. */
static struct pipeline *pipeline_new(cst_stream *const *streams, size_t count)
{
    cst_ctx *ctx = streams[0]->ctx;
    struct pipeline *pipeline = cst__alloc(ctx, pipeline_size(count));

    if (!pipeline)
        return NULL;
    *pipeline = (struct pipeline){ .ctx = ctx, .count = count, .refs = 1 };
    for (size_t i = 0; i < count; i++)
        init_stage(&pipeline->stages[i], pipeline, streams[i]);
    if (reserve_pipes(pipeline) == CST_OK)
        return pipeline;
    discard_pipes(pipeline);
    cst__free(ctx, pipeline, pipeline_size(count));
    return NULL;
}

cst_status cst_pipeline(cst_stream *const *streams, size_t count, const cst_pipeline_opts *opts,
                        cst_outcome_fn *done, void *arg)
{
    struct pipeline *pipeline;
    cst_status st;
    cst_ctx *ctx;

    if (!fits(streams, count))
        return CST_E_INVALID_ARG;
    pipeline = pipeline_new(streams, count);
    if (!pipeline)
        return CST_E_NOMEM;
    pipeline->done = done;
    pipeline->arg = arg;
    pipeline->no_end = opts && opts->no_end;
    ctx = pipeline->ctx;
    cst__enter(ctx);
    st = set_up(pipeline);
    if (st == CST_OK)
        heed_signal(pipeline, opts ? opts->signal : NULL);
    discard_pipes(pipeline);
    pipeline_release(pipeline);
    cst__leave(ctx);
    return st;
}

/*
 * pipeline.c - join.h: several streams as one.
 *
 * pipeline_internal.h draws what a stage listens to. The order of the calls, and which error of
 * several is the pipeline's, are Node's.
 */
#include "pipeline/pipeline_internal.h"

static size_t pipeline_size(size_t count)
{
    return sizeof(struct cst__pipeline) + count * sizeof(struct cst__stage);
}

static void run_done(cst_task_link *link);

/* Tell the outcome by a task. Outcomes that come from here on do not count. */
static void tell_done(struct cst__pipeline *pipeline)
{
    pipeline->left = 0;
    pipeline->outcome = pipeline->error;
    pipeline->refs++;
    cst__post(pipeline->ctx, &pipeline->task, run_done);
}

/*
 * Tell a premature close if the outcome has not come and cannot come any more: Node would never
 * call done. If no pair was connected there is nothing to tell.
 */
static void tell_at_last(struct cst__pipeline *pipeline)
{
    if (pipeline->left == 0)
        return;
    if (pipeline->error.status == CST_OK)
        pipeline->error = (cst_error){ .stage = "", .status = CST_E_PREMATURE_CLOSE };
    tell_done(pipeline);
}

static void release_pipeline(struct cst__pipeline *pipeline)
{
    if (--pipeline->refs > 0)
        return;
    tell_at_last(pipeline);
    if (pipeline->refs == 0)
        cst__free_later(pipeline->ctx, &pipeline->deferred_free, pipeline_size(pipeline->count));
}

static void check_pipeline(const struct cst__pipeline *pipeline)
{
#ifdef CST_CHECK
    size_t awaited = 0, streams = 0;

    for (size_t i = 0; i < pipeline->count; i++) {
        const struct cst__stage *stage = &pipeline->stages[i];

        assert(stage->pipeline == pipeline);
        assert(!stage->source_awaited || i + 1 < pipeline->count);
        assert(!stage->dest_awaited || i > 0);
        awaited += (size_t)stage->source_awaited + (size_t)stage->dest_awaited;
        streams += stage->stream != NULL;
    }
    /* With no_end the last connection counts as one outcome from the start. */
    assert(pipeline->left <= awaited);
    assert(pipeline->left == 0 || pipeline->left + pipeline->no_end >= awaited);
    assert(pipeline->refs >= streams);
    assert(pipeline->error.status <= 0);
#else
    (void)pipeline;
#endif
}

static struct cst__stage *last_stage(struct cst__pipeline *pipeline)
{
    return &pipeline->stages[pipeline->count - 1];
}

/*
 * Return whether this is the last stage and its stream stays open by itself (no_pipe_end). If
 * no_end leaves the last open, it is not waited for, so the answer is false.
 */
static bool stays_open(const struct cst__stage *stage)
{
    return stage == last_stage(stage->pipeline) && !stage->pipeline->no_end &&
           stage->stream->w_stays_open;
}

static void end_stage(struct cst__stage *stage);

/* --- the outcome ------------------------------------------------------------------------------ */

/*
 * A later error replaces an abort or a premature close, which are what an error does to the others.
 */
static bool may_be_replaced(const cst_error *error)
{
    return error->status == CST_OK || error->status == CST_E_PREMATURE_CLOSE ||
           error->status == CST_E_ABORT;
}

/*
 * Destroy the stages that are armed, from first to last; once. A last stage that stays open gets no
 * more input.
 */
static void disarm_all(struct cst__pipeline *pipeline)
{
    struct cst__stage *last = last_stage(pipeline);
    cst_error destroyed = { .stage = "", .status = CST_E_DESTROYED };
    cst_error error = pipeline->error.status < 0 ? pipeline->error : destroyed;

    if (pipeline->disarmed)
        return;
    pipeline->disarmed = true;
    for (size_t i = 0; i < pipeline->count; i++) {
        struct cst__stage *stage = &pipeline->stages[i];

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
    struct cst__pipeline *pipeline = cst__container_of(link, struct cst__pipeline, task);

    if (pipeline->done)
        pipeline->done(pipeline->outcome.status < 0 ? &pipeline->outcome : NULL, pipeline->arg);
    release_pipeline(pipeline);
}

/*
 * Stop to watch the last stream if it goes on without the pipeline: it stays open, or it can still
 * be read and all went well.
 */
static void leave_last_open(struct cst__pipeline *pipeline)
{
    struct cst__stage *last = last_stage(pipeline);
    bool goes_on = pipeline->last_is_left_open && pipeline->error.status == CST_OK;

    if (!last->stream || !(goes_on || stays_open(last)))
        return;
    cst__finished_stop(&last->guard);
    cst__unlisten(last->stream, &last->on_error.listener, EVENT_BIT(CST_ERROR));
    cst__finished_stop(&last->as_dest);
}

/* Return the place of a stage, from 1, at most UINT16_MAX. A stream that is two stages reads in the
 * first, which hears of an error before the other, and writes in the last. */
static uint16_t place_of(const struct cst__stage *stage, const cst_error *error)
{
    const struct cst__stage *first = stage->pipeline->stages, *at = stage;

    if (stage->stream && error->direction == CST_WRITING)
        for (at = last_stage(stage->pipeline); at->stream != stage->stream;)
            at--;
    return at - first < UINT16_MAX ? (uint16_t)(at - first + 1) : UINT16_MAX;
}

/*
 * Take an outcome of a stage, or of none: error is NULL for success. The first error destroys all
 * stages that are armed; done is told when the last outcome has come (final).
 */
static void settle(struct cst__pipeline *pipeline, const struct cst__stage *by,
                   const cst_error *error, bool final)
{
    if (error && may_be_replaced(&pipeline->error)) {
        pipeline->error = *error;
        /* A stage that was destroyed for another one tells the place of that. */
        if (by && !(pipeline->disarmed && error->index))
            pipeline->error.index = place_of(by, error);
    }
    if (pipeline->error.status == CST_OK && !final)
        return;
    disarm_all(pipeline);
    cst__abort_unlisten(&pipeline->signal);
    if (!final)
        return;
    leave_last_open(pipeline);
    tell_done(pipeline);
}

static void one_outcome(struct cst__pipeline *pipeline, const struct cst__stage *by,
                        const cst_error *error)
{
    if (pipeline->left > 0)
        settle(pipeline, by, error, --pipeline->left == 0);
    check_pipeline(pipeline);
}

static void source_outcome(struct cst__stage *stage, const cst_error *error)
{
    stage->source_awaited = false;
    if (stage->has_enough)
        stage->armed = false;
    one_outcome(stage->pipeline, stage, error);
}

static void dest_outcome(struct cst__stage *stage, const cst_error *error)
{
    stage->dest_awaited = false;
    one_outcome(stage->pipeline, stage, error);
}

/* --- what the stages hear --------------------------------------------------------------------- */

static void guard_called(struct cst__finished *finished, const cst_error *error)
{
    struct cst__stage *stage = cst__container_of(finished, struct cst__stage, guard);

    /* Once the stages have been disarmed, none is armed again. */
    stage->armed = error && !stage->pipeline->disarmed;
}

static void finished_gone(struct cst__finished *finished)
{
    (void)finished; /* on_error hears that the stream is freed */
}

static void stage_gone(struct cst__stage *stage)
{
    struct cst__pipeline *pipeline = stage->pipeline;

    stage->stream = NULL;
    if (pipeline->refs == 1)
        cst__abort_unlisten(&pipeline->signal);
    release_pipeline(pipeline);
}

static void on_guard_close(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__stage *stage = arg;

    (void)s;
    (void)event;
    stage->armed = false;
}

/* Do not wait any more for what the stage would tell as a destination. */
static void waive_dest(struct cst__stage *stage)
{
    if (!stage->dest_awaited)
        return;
    if (stage->stream)
        cst__finished_stop(&stage->as_dest);
    dest_outcome(stage, NULL);
}

/* Do not wait any more for what the stage would tell as a source. */
static void waive_source(struct cst__stage *stage)
{
    if (!stage->source_awaited)
        return;
    if (stage->stream) {
        cst__finished_stop(&stage->as_source);
        cst__unlisten(stage->stream, &stage->on_after_eof.listener,
                      EVENT_BIT(CST_END) | EVENT_BIT(CST_ERROR));
    }
    source_outcome(stage, NULL);
}

/*
 * Let go of the stages before `stopped`, which needs no more input although they have not ended. As
 * Node does with the source of an iteration that is left early, destroy them with CST_E_ABORT.
 * Neither that nor how the writable side of `stopped` ends counts any more.
 */
static void release_before(struct cst__stage *stopped)
{
    struct cst__pipeline *pipeline = stopped->pipeline;
    struct cst__stage *stage;

    stopped->has_enough = true;
    pipeline->refs++;
    for (stage = pipeline->stages; stage != stopped; stage++)
        cst__stage_stop_watching(stage);
    cst__unlisten(stopped->stream, &stopped->on_close.listener, EVENT_BIT(CST_CLOSE));
    if (!stopped->source_awaited)
        stopped->armed = false;
    cst__stages_destroy_before(stopped);
    for (stage = pipeline->stages; stage != stopped; stage++) {
        waive_source(stage);
        waive_dest(stage + 1);
    }
    release_pipeline(pipeline);
}

/* Let go of what feeds the stage, unless it is the first, or that was done, or all is over. */
static void hear_enough(struct cst__stage *stage, const cst_event *event)
{
    const struct cst__pipeline *pipeline = stage->pipeline;

    if (stage->has_enough || pipeline->disarmed || stage == pipeline->stages)
        return;
    cst__container_of((uintptr_t)event, struct cst__enough, event)->let_go = true;
    release_before(stage);
}

static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__stage *stage = arg;

    (void)s;
    if (event->type == CST__EVENT_FREED)
        stage_gone(stage);
    else if (event->type == CST__EVENT_LAST_CALL)
        tell_at_last(stage->pipeline);
    else if (event->type == CST__EVENT_ENOUGH)
        hear_enough(stage, event);
    else if (event->error->status != CST_E_ABORT && event->error->status != CST_E_PREMATURE_CLOSE)
        settle(stage->pipeline, stage, event->error, false);
    check_pipeline(stage->pipeline);
}

static void on_close(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__stage *stage = arg;
    cst_error premature = cst__error_here(s, CST_E_PREMATURE_CLOSE, CST_NO_DIRECTION);

    (void)event;
    if (!stage->ended)
        settle(stage->pipeline, stage, &premature, false);
}

static void on_last_drain(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    waive_dest(arg);
}

/*
 * Wait until the last stage, which stays open, has written all: its 'drain' says so, however little
 * that was. If its write has failed, its 'error' is on its way and is the outcome.
 */
static void await_last_write(struct cst__stage *last)
{
    cst_stream *s = last->stream;

    if (s->hot & ERRORED)
        return;
    if (cst__w(s)->length == 0) {
        waive_dest(last);
        return;
    }
    s->hot |= W_NEED_DRAIN;
    cst__listen_fn(s, &last->on_drain, EVENT_BIT(CST_DRAIN), LISTENER_ONCE);
}

static void end_stage(struct cst__stage *stage)
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

static void on_source_end(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__stage *stage = arg;

    (void)s;
    (void)event;
    end_stage(stage + 1);
}

static void run_end_next(cst_task_link *link)
{
    struct cst__stage *stage = cst__container_of(link, struct cst__stage, end_task);
    struct cst__pipeline *pipeline = stage->pipeline;

    end_stage(stage + 1);
    check_pipeline(pipeline);
    release_pipeline(pipeline);
}

static void on_after_eof(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__stage *stage = arg;

    (void)s;
    source_outcome(stage, event->type == CST_ERROR ? event->error : NULL);
}

static void source_called(struct cst__finished *finished, const cst_error *error)
{
    struct cst__stage *stage = cst__container_of(finished, struct cst__stage, as_source);
    const cst_stream *s = finished->stream;

    if (error && error->status == CST_E_PREMATURE_CLOSE &&
        (s->hot & (R_ENDED | ERRORED)) == R_ENDED && !s->error_emitted) {
        unsigned events = EVENT_BIT(CST_END) | EVENT_BIT(CST_ERROR);

        cst__listen_fn(finished->stream, &stage->on_after_eof, events, LISTENER_ONCE);
        return;
    }
    source_outcome(stage, error);
}

static void dest_called(struct cst__finished *finished, const cst_error *error)
{
    dest_outcome(cst__container_of(finished, struct cst__stage, as_dest), error);
}

/* --- setting it up ---------------------------------------------------------------------------- */

static void set_up_stage(struct cst__stage *stage, bool reading, bool writing)
{
    struct cst__pipeline *pipeline = stage->pipeline;
    cst_stream *s = stage->stream;
    struct cst__finished_sides sides = { .readable = reading, .writable = writing, .error = true };

    pipeline->refs++;
    if (reading || !(pipeline->no_end || stays_open(stage))) {
        stage->armed = true;
        cst__listen_fn(s, &stage->on_guard_close, EVENT_BIT(CST_CLOSE), 0);
        cst__finished_start(&stage->guard, s, sides, guard_called, finished_gone);
    }
    cst__listen_fn(s, &stage->on_error,
                   EVENT_BIT(CST_ERROR) | EVENT_BIT(CST__EVENT_FREED) |
                       EVENT_BIT(CST__EVENT_LAST_CALL) | EVENT_BIT(CST__EVENT_ENOUGH),
                   0);
    if (stage == last_stage(pipeline))
        pipeline->last_is_left_open = cst_is_readable(s);
}

/*
 * Let the source's end end the destination. If the destination is to stay open (no_end), this
 * counts as one outcome.
 */
static void join_ends(struct cst__stage *stage)
{
    struct cst__pipeline *pipeline = stage->pipeline;
    bool ended = stage->stream->r_end_emitted && !(stage->stream->hot & ERRORED);

    if (pipeline->no_end && stage + 1 == last_stage(pipeline)) {
        one_outcome(pipeline, NULL, NULL);
    } else if (ended) {
        pipeline->refs++;
        cst__post(pipeline->ctx, &stage->end_task, run_end_next);
    } else {
        cst__listen_fn(stage->stream, &stage->on_end, EVENT_BIT(CST_END), LISTENER_ONCE);
    }
}

static void join_stages(struct cst__stage *stage)
{
    struct cst__stage *next = stage + 1;
    struct cst__finished_sides readable = { .readable = true, .error = true };
    struct cst__finished_sides writable = { .writable = true, .error = true };
    struct cst__pipe *pipe = stage->pipe;

    cst__listen_fn(next->stream, &next->on_close, EVENT_BIT(CST_CLOSE), 0);
    stage->pipeline->left += 2;
    stage->source_awaited = true;
    next->dest_awaited = true;
    stage->pipe = NULL;
    cst__pipe_connect(pipe);
    if (next->has_enough) /* says a listener of 'pipe': nothing is awaited here any more */
        return;
    join_ends(stage);
    cst__finished_start(&stage->as_source, stage->stream, readable, source_called, finished_gone);
    cst__finished_start(&next->as_dest, next->stream, writable, dest_called, finished_gone);
}

/* Do not watch the stages from this one on: their streams may be freed without a word. */
static void leave_out(struct cst__stage *stage)
{
    const struct cst__stage *end = last_stage(stage->pipeline) + 1;

    for (; stage != end; stage++)
        stage->stream = NULL;
}

static cst_status connect_stages(struct cst__pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++) {
        struct cst__stage *stage = &pipeline->stages[i];
        bool reading = i + 1 < pipeline->count;

        if (reading && (stage[1].stream->closed || (stage[1].stream->hot & DESTROYED))) {
            leave_out(stage);
            return CST_E_UNABLE_TO_PIPE;
        }
        set_up_stage(stage, reading, i > 0);
        if (i > 0)
            join_stages(stage - 1);
    }
    return CST_OK;
}

static void discard_pipes(struct cst__pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++)
        cst__pipe_discard(pipeline->stages[i].pipe);
}

static cst_status reserve_pipes(struct cst__pipeline *pipeline)
{
    for (size_t i = 0; i + 1 < pipeline->count; i++) {
        struct cst__stage *stage = &pipeline->stages[i];

        stage->pipe = cst__pipe_new(stage->stream, stage[1].stream, true);
        if (!stage->pipe)
            return CST_E_NOMEM;
    }
    return CST_OK;
}

/* --- the signal ------------------------------------------------------------------------------- */

static void abort_pipeline(struct cst__pipeline *pipeline)
{
    cst_error aborted = { .stage = "", .status = CST_E_ABORT };

    settle(pipeline, NULL, &aborted, false);
}

static void run_abort(cst_task_link *link)
{
    struct cst__pipeline *pipeline = cst__container_of(link, struct cst__pipeline, abort_task);

    abort_pipeline(pipeline);
    release_pipeline(pipeline);
}

static void signal_fired(struct cst__abort_link *link)
{
    abort_pipeline(cst__container_of(link, struct cst__pipeline, signal));
}

static void listen_to_signal(struct cst__pipeline *pipeline, cst_abort *signal)
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

static void init_stage(struct cst__stage *stage, struct cst__pipeline *pipeline, cst_stream *s)
{
    *stage = (struct cst__stage){ .pipeline = pipeline, .stream = s };
    stage->on_guard_close.fn = on_guard_close;
    stage->on_error.fn = on_error;
    stage->on_end.fn = on_source_end;
    stage->on_close.fn = on_close;
    stage->on_drain.fn = on_last_drain;
    stage->on_after_eof.fn = on_after_eof;
    stage->on_guard_close.arg = stage->on_error.arg = stage->on_end.arg = stage->on_close.arg =
        stage->on_drain.arg = stage->on_after_eof.arg = stage;
}

static bool can_connect(cst_stream *const *streams, size_t count)
{
    if (!streams || count < 2 || count > SIZE_MAX / 2 / sizeof(struct cst__stage))
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

/* Make the record and all pipes: after this, nothing can fail for want of memory. */
static struct cst__pipeline *pipeline_new(cst_stream *const *streams, size_t count)
{
    cst_ctx *ctx = streams[0]->ctx;
    struct cst__pipeline *pipeline = cst__alloc(ctx, pipeline_size(count));

    if (!pipeline)
        return NULL;
    *pipeline = (struct cst__pipeline){ .ctx = ctx, .count = count, .refs = 1 };
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
    struct cst__pipeline *pipeline;
    cst_status st;
    cst_ctx *ctx;

    if (!can_connect(streams, count))
        return CST_E_INVALID_ARG;
    pipeline = pipeline_new(streams, count);
    if (!pipeline)
        return CST_E_NOMEM;
    pipeline->done = done;
    pipeline->arg = arg;
    pipeline->no_end = opts && opts->no_end;
    ctx = pipeline->ctx;
    cst__enter(ctx);
    st = connect_stages(pipeline);
    if (st == CST_OK)
        listen_to_signal(pipeline, opts ? opts->signal : NULL);
    discard_pipes(pipeline);
    release_pipeline(pipeline);
    cst__leave(ctx);
    return st;
}

/*
 * enough.c - an early exit: a stage of a pipeline that needs no more input.
 */
#include "pipeline/pipeline_internal.h"

/*
 * Stop to watch a stage before the one that has enough: it neither fails nor ends anything from
 * here on. Only on_error stays, for an error other than the abort.
 */
static void stop_watching(struct cst__stage *stage)
{
    stage->armed = false;
    if (!stage->stream)
        return;
    cst__finished_stop(&stage->guard);
    cst__unlisten(stage->stream, &stage->on_end.listener, EVENT_BIT(CST_END));
    cst__unlisten(stage->stream, &stage->on_close.listener, EVENT_BIT(CST_CLOSE));
}

/* Stop the flow first, so that no chunk is on its way to a stage that is being destroyed. */
static void destroy_before(struct cst__stage *stopped)
{
    struct cst__pipeline *pipeline = stopped->pipeline;
    cst_error aborted = cst__error_here(stopped->stream, CST_E_ABORT, CST_NO_DIRECTION);
    struct cst__stage *stage;

    for (stage = pipeline->stages; stage != stopped; stage++)
        if (stage->stream && stage[1].stream)
            cst_unpipe(stage->stream, stage[1].stream);
    for (stage = pipeline->stages; stage != stopped; stage++)
        if (stage->stream)
            cst__destroy(stage->stream, &aborted);
}

static void release_before(struct cst__stage *stopped)
{
    struct cst__pipeline *pipeline = stopped->pipeline;
    struct cst__stage *stage;

    stopped->has_enough = true;
    pipeline->refs++;
    for (stage = pipeline->stages; stage != stopped; stage++)
        stop_watching(stage);
    cst__unlisten(stopped->stream, &stopped->on_close.listener, EVENT_BIT(CST_CLOSE));
    if (!stopped->source_awaited)
        stopped->armed = false;
    destroy_before(stopped);
    for (stage = pipeline->stages; stage != stopped; stage++) {
        cst__stage_waive_source(stage);
        cst__stage_waive_dest(stage + 1);
    }
    cst__pipeline_release(pipeline);
}

/* Return the stage by which a pipeline that is not over feeds s, or NULL. */
static struct cst__stage *fed_stage(const cst_stream *s)
{
    for (const struct cst__listener *l = s->listeners; l; l = l->next) {
        struct cst__stage *stage;

        if (!(l->traits & LISTENER_OF_STAGE))
            continue;
        stage = cst__container_of((uintptr_t)l, struct cst__stage, on_error.listener);
        if (!stage->has_enough && !stage->pipeline->disarmed && stage != stage->pipeline->stages)
            return stage;
    }
    return NULL;
}

/* Sought anew each time: what destroy slots do may change the list. */
void cst__enough(cst_stream *s)
{
    struct cst__stage *stage;

    cst__enter(s->ctx);
    while ((stage = fed_stage(s)) != NULL)
        release_before(stage);
    cst__leave(s->ctx);
}

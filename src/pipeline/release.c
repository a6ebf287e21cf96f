/*
 * release.c - an early exit: a stage of a pipeline that has enough lets go of those before it.
 */
#include "pipeline/pipeline_internal.h"

/*
 * Stop to watch a stage before the one that has enough: it neither fails nor ends anything from
 * here on. Only on_error stays, for an error other than the abort.
 */
void cst__stage_stop_watching(struct cst__stage *stage)
{
    stage->armed = false;
    if (!stage->stream)
        return;
    cst__finished_stop(&stage->guard);
    cst__unlisten(stage->stream, &stage->on_end.listener, EVENT_BIT(CST_END));
    cst__unlisten(stage->stream, &stage->on_close.listener, EVENT_BIT(CST_CLOSE));
}

/* Stop the flow first, so that no chunk is on its way to a stage that is being destroyed. */
void cst__stages_destroy_before(struct cst__stage *stopped)
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

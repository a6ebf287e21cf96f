/*
 * task.c - defers a task, notes it in the stream if the queue has no room, counts references, and
 * decides whether a stream may be freed.
 */
#include "stream/stream_internal.h"

/* --- deferred tasks --------------------------------------------------------------------------- */

/* Queue a task after cst__takes_task has returned false. If there is no memory, note the task. */
OUT_OF_LINE bool post_slow(cst_stream *s, enum cst__task_kind kind)
{
    if (!s->ctx->awake)
        cst__wake(s->ctx);
    if (cst__takes_task(s->ctx))
        cst__add_task(s->ctx, s, kind, CST_OK);
    else if (!cst__put_task(s->ctx, s, kind, CST_OK)) {
        cst__child_overflowed(s->ctx);
        if (s->overflow & 1u << kind)
            return false;
        s->overflow = (uint16_t)(s->overflow | 1u << kind);
    }
    s->refs++;
    return true;
}

bool cst__post_for(cst_stream *s, enum cst__task_kind kind)
{
    CST__ASSERT(kind <= TASK_CLOSE);
    if (!cst__takes_task(s->ctx))
        return post_slow(s, kind);
    cst__add_task(s->ctx, s, kind, CST_OK);
    s->refs++;
    return true;
}

bool cst__try_post(cst_stream *s, enum cst__task_kind kind, cst_status status)
{
    if (!cst__queue_task(s->ctx, s, kind, status))
        return false;
    s->refs++;
    return true;
}

/* --- references ------------------------------------------------------------------------------- */

void cst__stream_check_life(cst_stream *s)
{
    if (s->refs || cst__owes_answer(s) || !s->close_emitted || s->dying)
        return;
    s->dying = true;
    cst__reap_later(s->ctx, &s->child);
}

cst_stream *cst_ref(cst_stream *s)
{
    if (s)
        s->refs++;
    return s;
}

void cst_unref(cst_stream *s)
{
    cst_ctx *ctx;

    if (!s)
        return;
    ctx = s->ctx;
    cst__enter(ctx);
    cst__release(s);
    cst__leave(ctx);
}

/*
 * destroy.c - errors, destroy, close.
 *
 *      destroy()          the slot has answered        a task
 *   ---------> DESTROYED ----------------------> closed -------> close_emitted
 *
 * The task emits 'error', if there is one, then 'close'.
 *
 * The destroy slot is not called before construct has answered.
 */
#include "stream/stream_internal.h"

/* --- errors ----------------------------------------------------------------------------------- */

cst_error cst__error_here(const cst_stream *s, cst_status status, cst_direction direction)
{
    return (cst_error){ .stage = s->ops->name ? s->ops->name : "",
                        .status = status,
                        .direction = (uint8_t)direction };
}

void cst__set_errored(cst_stream *s, const cst_error *error)
{
    if (s->hot & ERRORED)
        return;
    s->hot |= ERRORED;
    s->error = *error;
}

/*
 * Emit 'error', unless that was done before. An error that nobody listens to is recorded in the
 * context as unhandled. But if cst_next was called, the loop over it gets the error by its next
 * call, as Node's asynchronous iterator would, which listens from its first step on.
 */
static void emit_error(cst_stream *s, const cst_error *error)
{
    if (s->error_emitted)
        return;
    s->error_emitted = true;
    if (cst__listened(s, CST_ERROR))
        cst__emit_event(s, &(cst_event){ .type = CST_ERROR, .error = error });
    else if (!s->r_iterated)
        s->ctx->unhandled = true;
}

/* Emit, as a task, the 'error' of a stream without autoDestroy: of several errors, the first. */
void cst__run_error(cst_stream *s)
{
    cst_error error = s->error;

    emit_error(s, &error);
}

void cst__error_or_destroy(cst_stream *s, const cst_error *error, bool sync)
{
    if (s->hot & DESTROYED)
        return;
    if (s->auto_destroy) {
        cst__destroy(s, error);
        return;
    }
    cst__set_errored(s, error);
    if (sync)
        cst__post_for(s, TASK_ERROR);
    else
        emit_error(s, error);
}

/* --- destroy ---------------------------------------------------------------------------------- */

/* Return the error that destroy was called with. As a rule that is the first error of the stream,
 * which is kept whole. Of another one only the status is kept, and the first is its cause. */
static cst_error close_error(const cst_stream *s)
{
    cst_error error;

    if ((s->hot & ERRORED) && s->close_status == s->error.status)
        return s->error;
    error = cst__error_here(s, s->close_status, CST_NO_DIRECTION);
    if (s->hot & ERRORED)
        error.cause = s->error.status;
    return error;
}

OUT_OF_LINE void emit_close_error(cst_stream *s)
{
    cst_error error = close_error(s);

    emit_error(s, &error);
}

/* Emit, as a task, 'error' if the stream closes with one, then 'close'. */
void cst__run_close(cst_stream *s)
{
    if (s->close_status < 0)
        emit_close_error(s);
    s->close_emitted = true;
    if (s->emit_close)
        cst__emit(s, CST_CLOSE);
}

/* Queue 'close': the destroy slot has answered, or need not be called. */
static inline void closed(cst_stream *s)
{
    s->closed = true;
    cst__post_for(s, TASK_CLOSE);
}

void cst__destroy_answered(cst_stream *s, cst_status status)
{
    if (s->closed)
        return;
    if (status == CST_SWALLOW)
        s->close_status = CST_OK;
    else if (status < 0)
        s->close_status = status;
    if (s->close_status < 0) {
        cst_error error = close_error(s);

        cst__set_errored(s, &error);
    }
    closed(s);
}

void cst__destroy_by_slot(cst_stream *s)
{
    cst_error error = close_error(s);

    cst_status status = cst__call_destroy(s, error.status < 0 ? &error : NULL);

    if (status != CST_PENDING)
        cst__destroy_answered(s, status);
}

/* Return whether the stream can close without cst__destroy_by_slot: it has no destroy slot, no
 * error is to be recorded, and no chunk that it gave by cst_give is left to be dropped there. */
static bool needs_no_slot(const cst_stream *s)
{
    return !s->ops->destroy && s->close_status == CST_OK && s->ctx->room.given_by != s;
}

/* Queue the task that fails the queued writes and the ends, so that their callbacks run before
 * 'error' and 'close'. The first destroy calls this. */
void cst__writable_destroying(cst_stream *s)
{
    struct writable *w = cst__w(s);

    if ((s->hot & W_BUFFERED) || (s->owed & CALL_AGAIN) ||
        (w->last_waiting && w->last_waiting->of_end))
        cst__post_for(s, TASK_FAIL_QUEUE);
}

void cst__destroy_for(cst_stream *s, const cst_error *error)
{
    cst__set_errored(s, error);
    s->close_status = error->status;
}

void cst__forget_error(cst_stream *s)
{
    s->hot &= NOT(ERRORED);
}

void cst__destroy(cst_stream *s, const cst_error *error)
{
    CST__ASSERT(!s->ctx->room.express);
    if (s->hot & DESTROYED)
        return;
    if (s->has_writable && ((s->hot & (W_BUFFERED | T_KEPT)) || cst__w(s)->last_waiting))
        cst__writable_destroying(s);
    if (error)
        cst__destroy_for(s, error);
    s->hot |= DESTROYED;
    if (!(s->hot & CONSTRUCTED))
        return;
    if (needs_no_slot(s))
        closed(s);
    else
        cst__destroy_by_slot(s);
}

cst_status cst_destroy(cst_stream *s, cst_status status)
{
    cst_error error;
    cst_ctx *ctx;

    if (!s || status > 0)
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    error = cst__error_here(s, status, CST_NO_DIRECTION);
    cst__enter(ctx);
    cst__destroy(s, status < 0 ? &error : NULL);
    cst__leave(ctx);
    return CST_OK;
}

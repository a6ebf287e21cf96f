/*
 * finish.c - the end of a writable side: final, flush, 'finish'.
 *
 * cst__finish_maybe is the one place that decides whether the side may finish. It is called
 * whenever something that stood in the way has gone.
 */
#include "stream/stream_internal.h"

/* Return whether the side may finish: end was called, every write has completed, and the stream has
 * neither failed nor been destroyed. final may still have to be called. */
static bool need_finish(const cst_stream *s)
{
    return !s->w_finished && !s->error_emitted && !s->close_emitted &&
           (s->hot & (W_ENDING | DESTROYED | CONSTRUCTED | W_WRITING | ERRORED | W_BUFFERED)) ==
               (W_ENDING | CONSTRUCTED) &&
           cst__w(s)->length == 0;
}

static bool readable_side_is_done(const cst_stream *s)
{
    return !s->has_readable || s->r_end_emitted || s->r_absent;
}

static void finish(cst_stream *s)
{
    cst__w(s)->pending--;
    s->w_finished = true;
    if (cst__w(s)->last_waiting)
        cst__requests_call_ends(s, CST_OK);
    cst__emit(s, CST_FINISH);
    if (s->auto_destroy && readable_side_is_done(s))
        cst__destroy(s, NULL);
}

/* Finish the side, as a task, after final has answered. As in Node, that happens even if the stream
 * was destroyed since the task was queued. */
void cst__run_finish(cst_stream *s)
{
    finish(s);
}

/* Finish a side without final, as a task. Do nothing if something has come in the way since the
 * task was queued. */
void cst__run_finish_if_still(cst_stream *s)
{
    if (need_finish(s))
        finish(s);
    else
        cst__w(s)->pending--;
}

/* Push the chunk that flush has answered with, if any, and EOF, unless flush is to be called again.
 * If flush has failed, destroy the stream; but if it was called in the place of final, its answer
 * goes to final's rule. `mark` is how much was buffered when it was called. */
void cst__flush_answered(cst_stream *s, enum cst__slot slot, cst_status status, cst_slice *chunk,
                         size_t mark)
{
    bool as_final = slot == SLOT_FLUSH_AS_FINAL;

    if (status == CST_AGAIN)
        status = cst__again(s, mark);
    if (status == CST_PENDING)
        return;
    if (status >= 0) {
        if (chunk)
            cst__push(s, chunk);
        cst__push_eof(s);
    } else if (!as_final) {
        cst_error error = cst__error_here(s, status, CST_WRITING);

        cst__destroy(s, &error);
    }
    if (as_final)
        cst__final_answered(s, status);
}

OUT_OF_LINE void call_flush(cst_stream *s, enum cst__slot slot)
{
    size_t mark = cst__r(s)->length;
    struct cst__given given;
    cst_status status;

    cst__watch_pushes(s);
    status = cst__call_flush(s, slot, &given);
    cst__flush_answered(s, slot, status, given.counts ? &given.chunk : NULL, mark);
    cst__slice_unref(&given.chunk);
}

/* Flush: without the slot push EOF, which is all that its answer would do. */
static void flush(cst_stream *s, enum cst__slot slot)
{
    if (s->ops->flush && !(s->hot & DESTROYED)) {
        call_flush(s, slot);
        return;
    }
    cst__push_eof(s);
    if (slot == SLOT_FLUSH_AS_FINAL)
        cst__final_answered(s, CST_OK);
}

void cst__flush_again(cst_stream *s)
{
    bool at_finish = s->ops->final || cst__has_enough(s);

    flush(s, at_finish ? SLOT_FLUSH_AT_FINISH : SLOT_FLUSH_AS_FINAL);
}

void cst__flush_early(cst_stream *s)
{
    flush(s, SLOT_FLUSH_AT_FINISH);
}

/* Call flush, unless cst__flush_early did. */
static void flush_at_end(cst_stream *s, enum cst__slot slot)
{
    if (!cst__has_enough(s))
        flush(s, slot);
    else if (slot == SLOT_FLUSH_AS_FINAL)
        cst__final_answered(s, CST_OK);
}

static void call_final(cst_stream *s)
{
    cst_status status = cst__call_final(s);

    if (status != CST_PENDING)
        cst__final_answered(s, status);
}

static void emit_prefinish(cst_stream *s)
{
    if ((s->hot & IS_TRANSFORM) && s->ops->final)
        flush_at_end(s, SLOT_FLUSH_AT_FINISH);
    cst__emit(s, CST_PREFINISH);
}

/* Call final, or flush in its place, unless that was done before. If there is neither, emit
 * 'prefinish' at once. */
static void prefinish(cst_stream *s)
{
    if (s->w_prefinished || s->w_final_called)
        return;
    s->w_final_called = true;
    if (!(s->ops->final || (s->hot & IS_TRANSFORM)) || (s->hot & DESTROYED)) {
        s->w_prefinished = true;
        emit_prefinish(s);
        return;
    }
    s->hot |= W_SYNC;
    cst__w(s)->pending++;
    if (s->ops->final)
        call_final(s);
    else
        flush_at_end(s, SLOT_FLUSH_AS_FINAL);
    s->hot &= NOT(W_SYNC);
}

/* Fail the stream, because final has failed or has answered twice. */
OUT_OF_LINE void final_failed(cst_stream *s, cst_status status)
{
    cst_error error =
        cst__error_here(s, status < 0 ? status : CST_E_MULTIPLE_CALLBACK, CST_WRITING);

    if (s->w_prefinished) {
        cst__error_or_destroy(s, &error, false);
        return;
    }
    cst__w(s)->pending--;
    cst__requests_call_ends(s, status);
    cst__error_or_destroy(s, &error, (s->hot & W_SYNC) != 0);
}

void cst__final_answered(cst_stream *s, cst_status status)
{
    struct writable *w = cst__w(s);

    if (status < 0 || s->w_prefinished) {
        final_failed(s, status);
        return;
    }
    w->pending--;
    if (need_finish(s)) {
        s->w_prefinished = true;
        emit_prefinish(s);
        w->pending++;
        cst__post_for(s, TASK_FINISH);
    }
}

void cst__finish_maybe(cst_stream *s, bool sync)
{
    struct writable *w = cst__w(s);

    if (!need_finish(s))
        return;
    prefinish(s);
    if (w->pending != 0)
        return;
    if (sync) {
        w->pending++;
        cst__post_for(s, TASK_FINISH_IF_STILL);
    } else if (need_finish(s)) {
        w->pending++;
        finish(s);
    }
}

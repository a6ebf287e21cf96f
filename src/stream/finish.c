/*
 * finish.c - the end of a writable side: end, final, 'finish'.
 *
 * cst__finish_maybe is the one place that asks whether it is time; it is called whenever something that stood in the way
 * has gone.
 */
#include "stream/stream_internal.h"

#include "cstream/writable.h"

/* Whether nothing but final stands between the stream and 'finish'. */
static bool need_finish(const cst_stream *s)
{
    return (s->flags & (W_ENDING | DESTROYED | CONSTRUCTED | W_FINISHED | W_WRITING |
                        ERROR_EMITTED | CLOSE_EMITTED | ERRORED | W_BUFFERED)) ==
               (W_ENDING | CONSTRUCTED) &&
           cst__w(s)->length == 0;
}

static bool readable_side_is_done(const cst_stream *s)
{
    return !(s->flags & HAS_READABLE) || (s->flags & (R_END_EMITTED | R_ABSENT));
}

static void finish(cst_stream *s)
{
    cst__w(s)->pending--;
    s->flags |= W_FINISHED;
    if (cst__w(s)->last_waiting)
        cst__requests_call_ends(s, CST_OK);
    cst__emit(s, CST_FINISH);
    if ((s->flags & AUTO_DESTROY) && readable_side_is_done(s))
        cst__destroy(s, NULL);
}

/* After final it comes in any case, after a destroy too: a slip of Node's. */
void cst__run_finish(cst_stream *s)
{
    finish(s);
}

/* Without final what has happened since the task was queued may have put it off. */
void cst__run_finish_if_still(cst_stream *s)
{
    if (need_finish(s))
        finish(s);
    else
        cst__w(s)->pending--;
}

void cst__flush_answered(cst_stream *s, enum cst__slot slot, cst_status status, cst_slice *chunk)
{
    bool as_final = slot == SLOT_FLUSH_AS_FINAL;

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

static void flush(cst_stream *s, enum cst__slot slot)
{
    struct cst__given given = { .counts = false };
    cst_status status = CST_OK;

    if (s->ops->flush && !(s->flags & DESTROYED))
        status = cst__call_flush(s, slot, &given);
    if (status != CST_PENDING)
        cst__flush_answered(s, slot, status, given.counts ? &given.chunk : NULL);
    cst__slice_unref(&given.chunk);
}

static void call_final(cst_stream *s)
{
    cst_status status = cst__call_final(s);

    if (status != CST_PENDING)
        cst__final_answered(s, status);
}

static void emit_prefinish(cst_stream *s)
{
    if ((s->flags & IS_TRANSFORM) && s->ops->final)
        flush(s, SLOT_FLUSH_AT_FINISH);
    cst__emit(s, CST_PREFINISH);
}

static void prefinish(cst_stream *s)
{
    if (s->flags & (W_PREFINISHED | W_FINAL_CALLED))
        return;
    s->flags |= W_FINAL_CALLED;
    if (!(s->ops->final || (s->flags & IS_TRANSFORM)) || (s->flags & DESTROYED)) {
        s->flags |= W_PREFINISHED;
        emit_prefinish(s);
        return;
    }
    s->flags |= W_SYNC;
    cst__w(s)->pending++;
    if (s->ops->final)
        call_final(s);
    else
        flush(s, SLOT_FLUSH_AS_FINAL);
    s->flags &= ~W_SYNC;
}

/* It has failed, or has answered twice. */
OUT_OF_LINE void final_failed(cst_stream *s, cst_status status)
{
    cst_error error =
        cst__error_here(s, status < 0 ? status : CST_E_MULTIPLE_CALLBACK, CST_WRITING);

    if (s->flags & W_PREFINISHED) {
        cst__error_or_destroy(s, &error, false);
        return;
    }
    cst__w(s)->pending--;
    cst__requests_call_ends(s, status);
    cst__error_or_destroy(s, &error, (s->flags & W_SYNC) != 0);
}

void cst__final_answered(cst_stream *s, cst_status status)
{
    struct writable *w = cst__w(s);

    if (status < 0 || (s->flags & W_PREFINISHED)) {
        final_failed(s, status);
        return;
    }
    w->pending--;
    if (need_finish(s)) {
        s->flags |= W_PREFINISHED;
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

/* Tells the callback of an end what is known by now, or keeps it until that is so. */
static void settle_end(cst_stream *s, struct cst__request *request, cst_status refused)
{
    if (refused)
        cst__request_post(s, request, refused);
    else if (s->flags & ERRORED)
        cst__request_post(s, request, s->error.status);
    else if (s->flags & W_FINISHED)
        cst__request_post(s, request, CST_OK);
    else
        cst__request_wait(cst__w(s), request);
}

static inline void uncork_all(cst_stream *s)
{
    if (s->flags & W_CORKED) {
        cst__w(s)->queue.spare = 1;
        cst__uncork(s);
    }
}

static inline void begin_ending(cst_stream *s)
{
    s->flags |= W_ENDING;
    cst__finish_maybe(s, true);
    s->flags |= W_ENDED;
}

void cst__end_unasked(cst_stream *s)
{
    uncork_all(s);
    if (!(s->flags & (W_ENDING | ERRORED)))
        begin_ending(s);
}

/* The chunk of an end: a second end is one too many, whoever was the first. */
static cst_status write_last(cst_stream *s, const cst_slice *chunk)
{
    cst_status st;

    if (s->flags & W_ENDING)
        return cst__refuse_write(s, NULL, CST_E_WRITE_AFTER_END);
    st = cst__write(s, chunk, NULL, NULL);
    return st > 0 ? CST_OK : st;
}

cst_status cst__end(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg)
{
    struct cst__request *request = NULL;
    cst_status refused;

    CST__ASSERT(!s->ctx->room.express);
    if (done && !(request = cst__request_new(s, done, arg)))
        return CST_E_NOMEM;
    refused = chunk ? write_last(s, chunk) : CST_OK;
    if (refused == CST_E_NOMEM || refused == CST_E_OUT_OF_RANGE) {
        if (request)
            cst__free(s->ctx, request, sizeof(*request));
        return refused;
    }
    uncork_all(s);
    if (!refused && !(s->flags & (W_ENDING | ERRORED))) {
        begin_ending(s);
    } else if (!refused && (s->flags & W_FINISHED)) {
        refused = CST_E_ALREADY_FINISHED;
    } else if (!refused && (s->flags & DESTROYED)) {
        refused = CST_E_DESTROYED;
    }
    if (request) {
        request->of_end = true;
        settle_end(s, request, refused);
    }
    return refused;
}

cst_status cst_end(cst_stream *s, cst_done_fn *done, void *arg)
{
    cst_status st;
    cst_ctx *ctx;

    if (!s || !(s->flags & HAS_WRITABLE))
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    cst__enter(ctx);
    st = cst__end(s, NULL, done, arg);
    cst__leave(ctx);
    return st;
}

cst_status cst_end_with(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg)
{
    cst_status st = CST_E_INVALID_ARG;

    if (s && (s->flags & HAS_WRITABLE)) {
        cst_ctx *ctx = s->ctx;

        cst__enter(ctx);
        st = cst__end(s, &chunk, done, arg);
        cst__leave(ctx);
    }
    cst__slice_unref(&chunk);
    return st;
}

cst_status cst_end_copy(cst_stream *s, const void *bytes, size_t len, cst_done_fn *done, void *arg)
{
    cst_slice chunk;
    cst_status st;

    if (!s || !(s->flags & HAS_WRITABLE) || (!bytes && len))
        return CST_E_INVALID_ARG;
    st = cst__copy(&chunk, &s->ctx->copies, bytes, len);
    return st < 0 ? st : cst_end_with(s, chunk, done, arg);
}

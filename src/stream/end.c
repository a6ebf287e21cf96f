/*
 * end.c - cst_end and its variants: the last chunk, and the callback of the end.
 */
#include "stream/stream_internal.h"

/* Queue the callback of an end if its status is known by now; else let it wait for 'finish' or a
 * failure. `refused` is CST_OK, or why the end was refused. */
static void settle_end(cst_stream *s, struct cst__request *request, cst_status refused)
{
    if (refused)
        cst__request_post(s, request, refused);
    else if (s->hot & ERRORED)
        cst__request_post(s, request, s->error.status);
    else if (s->w_finished)
        cst__request_post(s, request, CST_OK);
    else
        cst__request_wait(cst__w(s), request);
}

/* Uncork the stream, however often it was corked, unless it has enough. */
static inline void uncork_all(cst_stream *s)
{
    if ((s->hot & W_CORKED) && !cst__has_enough(s)) {
        *cst__corks(s) = 1;
        cst__uncork(s);
    }
}

static inline void begin_ending(cst_stream *s)
{
    s->hot |= W_ENDING;
    cst__finish_maybe(s, true);
    s->w_ended = true;
}

void cst__end_unasked(cst_stream *s)
{
    uncork_all(s);
    if (!(s->hot & (W_ENDING | ERRORED)))
        begin_ending(s);
}

/* Write the chunk of an end. After an earlier end it is refused with CST_E_WRITE_AFTER_END, even if
 * the library called that one because the readable side had ended. */
static cst_status write_last(cst_stream *s, const cst_slice *chunk)
{
    cst_status st;

    if (s->hot & W_ENDING)
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
    if (!refused && !(s->hot & (W_ENDING | ERRORED))) {
        begin_ending(s);
    } else if (!refused && s->w_finished) {
        refused = CST_E_ALREADY_FINISHED;
    } else if (!refused && (s->hot & DESTROYED)) {
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

    if (!s || !s->has_writable)
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

    if (s && s->has_writable) {
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
    cst_status st = cst__copy_to_write(&chunk, s, bytes, len);

    return st < 0 ? st : cst_end_with(s, chunk, done, arg);
}

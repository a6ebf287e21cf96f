/*
 * push.c - chunks come in: push, unshift, EOF. Emits 'data', and announces 'readable'.
 */
#include "stream/stream_internal.h"

/* --- 'readable', reading ahead ---------------------------------------------------------------- */

void cst__announce_readable(cst_stream *s)
{
    s->hot &= NOT(R_NEED_READABLE);
    if (s->hot & R_EMITTED_READABLE)
        return;
    s->hot |= R_EMITTED_READABLE;
    cst__post_for(s, TASK_READABLE);
}

void cst__maybe_read_more(cst_stream *s)
{
    if ((s->hot & (R_READING_MORE | R_READING | CONSTRUCTED)) != CONSTRUCTED)
        return;
    s->hot |= R_READING_MORE;
    cst__post_for(s, TASK_READ_MORE);
}

/* --- push ------------------------------------------------------------------------------------- */

void cst__emit_data(cst_stream *s, const cst_slice *chunk)
{
    s->hot |= R_DATA_EMITTED;
    if (s->hot & R_PIPED)
        s->ctx->child_ops->deliver(cst__sole_pipe(s), chunk);
    else if (cst__listened(s, CST_DATA))
        cst__emit_event(s, &(cst_event){ .type = CST_DATA, .chunk = chunk });
}

/* Hand a chunk to the listeners of 'data' without buffering it (flows_through). */
static void hand_through(cst_stream *s, const cst_slice *chunk)
{
    if (s->hot & R_AWAITING)
        cst__pipes_forget_awaited(s);
    s->ctx->frames += CST__NESTED;
    cst__emit_data(s, chunk);
    s->ctx->frames -= CST__NESTED;
}

/* Return whether a chunk need not be buffered: the stream flows, somebody listens to 'data', the
 * buffer is empty, and the read slot is not running. */
static bool flows_through(const cst_stream *s)
{
    return (s->hot & (R_FLOWING | R_SYNC | R_DATA_LISTENING | R_QUEUED)) ==
           (R_FLOWING | R_DATA_LISTENING);
}

static cst_status buffer_chunk(cst_stream *s, cst_slice *chunk, bool front)
{
    struct readable *r = cst__r(s);
    const cst_allocator *allocator = cst__pool_allocator(&s->ctx->pool);
    size_t len = (s->hot & R_OBJECTS) ? 1 : chunk->len;
    cst_status st;

    if (len > SIZE_MAX - r->length)
        return CST_E_OUT_OF_RANGE;
    st = front ? cst__row_reserve_front(&r->buffer, allocator)
               : cst__row_reserve(&r->buffer, allocator);
    if (st < 0)
        return st;
    if (front)
        cst__row_unshift(&r->buffer, chunk);
    else
        cst__row_push(&r->buffer, chunk);
    *chunk = (cst_slice){ 0 };
    r->length += len;
    s->hot |= R_QUEUED;
    if (s->hot & R_NEED_READABLE)
        cst__announce_readable(s);
    return CST_OK;
}

/* Fail the stream, since a chunk could not be added, and return `status`. */
static cst_status add_failed(cst_stream *s, cst_status status)
{
    cst_error error = cst__error_here(s, status, CST_READING);

    cst__error_or_destroy(s, &error, false);
    return status;
}

static cst_status add_chunk(cst_stream *s, cst_slice *chunk, bool front)
{
    cst_status st;

    if (!flows_through(s)) {
        if ((st = buffer_chunk(s, chunk, front)) < 0)
            return add_failed(s, st);
    } else if (cst__may_nest(s->ctx)) {
        hand_through(s, chunk);
    } else {
        /* Too many streams are handing chunks to one another now. So that the stack stays bounded,
         * buffer the chunk and let a task hand it on. */
        if ((st = buffer_chunk(s, chunk, front)) < 0)
            return add_failed(s, st);
        cst__post_for(s, TASK_FLOW);
    }
    cst__maybe_read_more(s);
    return cst__push_status(s);
}

static cst_status push_decoded(cst_stream *s, const cst_slice *chunk)
{
    cst_slice text;
    cst_status st = cst__decode(s, chunk, &text);

    if (st < 0)
        return add_failed(s, st);
    if (text.len > 0 || (s->hot & R_OBJECTS)) {
        st = add_chunk(s, &text, false);
        cst__slice_unref(&text);
        return st;
    }
    s->hot |= ACTIVE;
    cst__maybe_read_more(s);
    return cst__push_status(s);
}

cst_status cst__push(cst_stream *s, cst_slice *chunk)
{
    CST__ASSERT(!s->ctx->room.express);
    if (!(s->hot & R_OBJECTS) && chunk->len == 0) {
        s->hot &= NOT(R_READING);
        cst__maybe_read_more(s);
        return cst__push_status(s);
    }
    if (s->hot & R_ENDED)
        return add_failed(s, CST_E_PUSH_AFTER_EOF);
    if (s->hot & (DESTROYED | ERRORED))
        return CST_E_DESTROYED;
    s->hot &= NOT(R_READING);
    if (cst__decodes(s))
        return push_decoded(s, chunk);
    return add_chunk(s, chunk, false);
}

void cst__push_eof(cst_stream *s)
{
    cst_status st;

    CST__ASSERT(!s->ctx->room.express);
    s->hot &= NOT(R_READING);
    if (s->hot & R_ENDED)
        return;
    if (cst__decodes(s) && (st = cst__decode_end(s)) < 0)
        add_failed(s, st);
    s->hot |= R_ENDED;
    if (!(s->hot & R_SYNC)) {
        s->hot &= NOT(R_NEED_READABLE);
        s->hot |= R_EMITTED_READABLE;
        s->ctx->child_ops->readable(s);
    } else if ((s->hot & (R_FLOWING | R_NEED_READABLE)) || cst__listened(s, CST_READABLE)) {
        cst__announce_readable(s);
    } else {
        s->r_eof_readable_pending = true;
    }
}

cst_status cst__push_general(cst_stream *s, cst_slice chunk)
{
    cst_status st = CST_E_INVALID_ARG;

    if (s && s->has_readable) {
        cst_ctx *ctx = s->ctx;

        cst__enter(ctx);
        st = cst__push(s, &chunk);
        cst__leave(ctx);
    }
    cst__slice_unref(&chunk);
    return st;
}

/* Fail the stream, since the bytes for a push or an unshift could not be copied. Return st. */
OUT_OF_LINE cst_status fail_for(cst_stream *s, cst_status st)
{
    cst_ctx *ctx = s->ctx;

    cst__enter(ctx);
    add_failed(s, st);
    cst__leave(ctx);
    return st;
}

cst_status cst__copy_to_push(cst_slice *out, cst_stream *s, const void *bytes, size_t len)
{
    cst_status st;

    if (!s || !s->has_readable)
        return CST_E_INVALID_ARG;
    st = bytes || !len ? cst__copy(out, &s->ctx->copies, bytes, len) : CST_E_INVALID_ARG;
    return st == CST_OK ? CST_OK : fail_for(s, st);
}

cst_status cst_push_eof(cst_stream *s)
{
    cst_ctx *ctx;

    if (!s || !s->has_readable)
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    cst__enter(ctx);
    cst__push_eof(s);
    cst__leave(ctx);
    return CST_EOF;
}

static cst_status unshift(cst_stream *s, cst_slice *chunk)
{
    if (!(s->hot & R_OBJECTS) && chunk->len == 0)
        return cst__push_status(s);
    if (s->r_end_emitted)
        return add_failed(s, CST_E_UNSHIFT_AFTER_END_EVENT);
    if (s->hot & (DESTROYED | ERRORED))
        return CST_E_DESTROYED;
    return add_chunk(s, chunk, true);
}

cst_status cst_unshift(cst_stream *s, cst_slice chunk)
{
    cst_status st = CST_E_INVALID_ARG;

    if (s && s->has_readable) {
        cst_ctx *ctx = s->ctx;

        cst__enter(ctx);
        st = unshift(s, &chunk);
        cst__leave(ctx);
    }
    cst__slice_unref(&chunk);
    return st;
}

cst_status cst_unshift_copy(cst_stream *s, const void *bytes, size_t len)
{
    cst_slice chunk;
    cst_status st = cst__copy_to_push(&chunk, s, bytes, len);

    return st < 0 ? st : cst_unshift(s, chunk);
}

/*
 * slot.c - calling the user's slots and taking their answers, whether returned or completed.
 */
#include "stream/stream_internal.h"

/* A write owes its answer while W_EXPECTING is set; the others have a bit of their own. */
static unsigned slot_bit(enum cst__slot slot)
{
    return slot < SLOT_TRANSFORM ? 0u : 1u << (slot - SLOT_TRANSFORM);
}

bool cst__owes_write(const cst_stream *s)
{
    if (s->flags & IS_TRANSFORM)
        return s->owed & slot_bit(SLOT_TRANSFORM);
    return (s->flags & W_EXPECTING) != 0;
}

/* Hands an answer to the rule that waits for it. chunk is what came with it, or NULL; it may be moved out. */
static void take_answer(cst_stream *s, enum cst__slot slot, cst_status status, cst_slice *chunk,
                        size_t mark)
{
    s->owed = (uint8_t)(s->owed & ~slot_bit(slot));
    if (status > 0 && slot != SLOT_DESTROY)
        status = CST_OK;
    switch (slot) {
    case SLOT_NONE:
    case SLOT_READ:
        break;
    case SLOT_WRITE:
        cst__write_answered(s, status);
        break;
    case SLOT_TRANSFORM:
        cst__transform_answered(s, status, chunk, mark);
        break;
    case SLOT_FINAL:
        cst__final_answered(s, status);
        break;
    case SLOT_FLUSH_AS_FINAL:
    case SLOT_FLUSH_AT_FINISH:
        cst__flush_answered(s, slot, status, chunk);
        break;
    case SLOT_CONSTRUCT:
        cst__construct_answered(s, status);
        break;
    case SLOT_DESTROY:
        cst__destroy_answered(s, status);
        break;
    }
    if (s->flags & CLOSE_EMITTED)
        cst__stream_check_life(s);
}

static enum cst__slot slot_enter(cst_stream *s, enum cst__slot slot)
{
    enum cst__slot outer = (enum cst__slot)s->slot;

    s->slot = (uint8_t)slot;
    s->owed = (uint8_t)(s->owed | slot_bit(slot));
    return outer;
}

/* What cst_give left for this slot; empty where it gave nothing. The caller lets go of it. */
static bool take_given(cst_stream *s, cst_slice *out)
{
    cst_ctx *ctx = s->ctx;

    if (ctx->room.given_by != s)
        return false;
    ctx->room.given_by = NULL;
    *out = ctx->room.given;
    return true;
}

static void slot_leave(cst_stream *s, enum cst__slot slot, enum cst__slot outer, cst_status status,
                       size_t mark)
{
    cst_slice chunk;
    bool given = take_given(s, &chunk);

    s->slot = (uint8_t)outer;
    cst__stream_check(s);
    if (status != CST_PENDING)
        take_answer(s, slot, status, given && status == CST_GIVEN ? &chunk : NULL, mark);
    if (given)
        cst__slice_unref(&chunk);
}

/* --- the wrappers ------------------------------------------------------------------------------------------------- */

void cst__read_returned(cst_stream *s, cst_status status)
{
    cst_slice chunk;

    if (take_given(s, &chunk)) {
        if (status == CST_GIVEN)
            cst__push(s, &chunk);
        cst__slice_unref(&chunk);
    }
    if (status < 0) {
        cst_error error = cst__error_here(s, status, CST_READING);

        cst__error_or_destroy(s, &error, false);
    }
}

void cst__call_read(cst_stream *s, size_t size)
{
    enum cst__slot outer;
    cst_status status;

    if (!s->ops->read)
        return;
    outer = slot_enter(s, SLOT_READ);
    status = s->ops->read(s, cst__self(s), size);
    s->slot = (uint8_t)outer;
    cst__read_returned(s, status);
}

void cst__write_slot_returned(cst_stream *s, cst_status status)
{
    cst__stream_check(s);
    if (status != CST_PENDING)
        take_answer(s, SLOT_WRITE, status, NULL, 0);
}

/* The array of one that writev gets lies in the stream: the slot may look at it until it has answered. */
static cst_status call_writev_with_one(cst_stream *s, const cst_slice *chunk)
{
    struct writable *w = cst__w(s);

    w->flight.chunk = *chunk;
    return s->ops->writev(s, cst__self(s), &w->flight.chunk, 1);
}

void cst__call_write(cst_stream *s, const cst_slice *chunk)
{
    enum cst__slot outer = slot_enter(s, SLOT_WRITE);
    cst_status status =
        s->ops->write ? s->ops->write(s, cst__self(s), chunk) : call_writev_with_one(s, chunk);

    s->slot = (uint8_t)outer;
    cst__write_slot_returned(s, status);
}

void cst__call_writev(cst_stream *s, const cst_slice *chunks, size_t count)
{
    enum cst__slot outer = slot_enter(s, SLOT_WRITE);
    cst_status status = s->ops->writev(s, cst__self(s), chunks, count);

    slot_leave(s, SLOT_WRITE, outer, status, 0);
}

/* What is no failure of the write is an answer with success: the flight is over. */
cst_status cst__call_transfer(cst_stream *s, cst_transfer *transfer)
{
    enum cst__slot outer = slot_enter(s, SLOT_WRITE);
    cst_status status = s->ops->transfer(s, cst__self(s), transfer);

    slot_leave(s, SLOT_WRITE, outer, status == CST_E_UNSUPPORTED ? CST_OK : status, 0);
    return status;
}

void cst__transform_slot_enter(struct cst__transform_call *call, cst_stream *s)
{
    *call = (struct cst__transform_call){ .stream = s,
                                          .mark = cst__r(s)->length,
                                          .outer = s->ctx->room.transform_call };
    call->slot = slot_enter(s, SLOT_TRANSFORM);
    s->ctx->room.transform_call = call;
}

void cst__transform_slot_leave(const struct cst__transform_call *call, cst_status status)
{
    cst_stream *s = call->stream;

    s->ctx->room.transform_call = call->outer;
    slot_leave(s, SLOT_TRANSFORM, call->slot, status, call->mark);
}

void cst__call_transform(cst_stream *s, const cst_slice *chunk)
{
    struct cst__transform_call call;

    cst__transform_slot_enter(&call, s);
    cst__transform_slot_leave(&call, s->ops->transform(s, cst__self(s), chunk));
}

void cst__call_final(cst_stream *s)
{
    enum cst__slot outer = slot_enter(s, SLOT_FINAL);
    cst_status status = s->ops->final(s, cst__self(s));

    slot_leave(s, SLOT_FINAL, outer, status, 0);
}

void cst__call_flush(cst_stream *s, enum cst__slot slot)
{
    enum cst__slot outer = slot_enter(s, slot);
    cst_status status = s->ops->flush(s, cst__self(s));

    slot_leave(s, slot, outer, status, 0);
}

void cst__call_construct(cst_stream *s)
{
    enum cst__slot outer = slot_enter(s, SLOT_CONSTRUCT);
    cst_status status = s->ops->construct(s, cst__self(s));

    slot_leave(s, SLOT_CONSTRUCT, outer, status, 0);
}

void cst__call_destroy(cst_stream *s, const cst_error *error)
{
    enum cst__slot outer = slot_enter(s, SLOT_DESTROY);
    cst_status status = s->ops->destroy ? s->ops->destroy(s, cst__self(s), error) : CST_OK;

    slot_leave(s, SLOT_DESTROY, outer, status, 0);
}

/* --- the public calls --------------------------------------------------------------------------------------------- */

size_t cst__transform_mark(const cst_stream *s)
{
    const struct cst__transform_call *call = s->ctx->room.transform_call;

    while (call->stream != s)
        call = call->outer;
    return call->mark;
}

cst_call cst__this_call_general(cst_stream *s)
{
    cst_call call = { .stream = NULL };

    if (!s)
        return call;
    cst__enter(s->ctx);
    call = cst__call_of(s);
    cst__leave(s->ctx);
    return call;
}

static bool is_call(const cst_call *call)
{
    return call->stream && call->slot > SLOT_READ && call->slot <= SLOT_DESTROY;
}

cst_status cst__complete_general(cst_call call, cst_status status)
{
    cst_ctx *ctx;

    if (!is_call(&call) || status == CST_PENDING || status == CST_GIVEN)
        return CST_E_INVALID_ARG;
    ctx = call.stream->ctx;
    cst__enter(ctx);
    take_answer(call.stream, (enum cst__slot)call.slot, status, NULL, call.mark);
    cst__leave(ctx);
    return CST_OK;
}

/* Whether it is a call whose answer may have a chunk. */
static bool takes_chunk(const cst_call *call)
{
    return call->stream && (call->slot == SLOT_TRANSFORM || call->slot == SLOT_FLUSH_AS_FINAL ||
                            call->slot == SLOT_FLUSH_AT_FINISH);
}

cst_status cst_complete_with(cst_call call, cst_slice chunk)
{
    bool fits = takes_chunk(&call);

    if (fits) {
        cst_ctx *ctx = call.stream->ctx;

        cst__enter(ctx);
        take_answer(call.stream, (enum cst__slot)call.slot, CST_OK, &chunk, call.mark);
        cst__leave(ctx);
    }
    cst__slice_unref(&chunk);
    return fits ? CST_OK : CST_E_INVALID_ARG;
}

cst_status cst_complete_copy(cst_call call, const void *bytes, size_t len)
{
    cst_slice chunk;
    cst_status st;

    if (!takes_chunk(&call) || (!bytes && len))
        return CST_E_INVALID_ARG;
    st = cst__copy(&chunk, &call.stream->ctx->copies, bytes, len);
    if (st == CST_OK)
        return cst_complete_with(call, chunk);
    cst__complete_general(call, st);
    return st;
}

void cst__call_forget(cst_call call)
{
    cst_stream *s = call.stream;

    if (call.slot == SLOT_WRITE)
        s->owed |= WRITE_FORGOTTEN;
    else
        s->owed = (uint8_t)(s->owed & ~slot_bit((enum cst__slot)call.slot));
    cst__stream_check_life(s);
}

static bool may_give(const cst_stream *s)
{
    return s->slot == SLOT_READ || s->slot == SLOT_TRANSFORM || s->slot == SLOT_FLUSH_AS_FINAL ||
           s->slot == SLOT_FLUSH_AT_FINISH;
}

cst_status cst__give_general(cst_stream *s, cst_slice chunk)
{
    cst_status st = CST_E_INVALID_ARG;

    if (s) {
        cst_ctx *ctx = s->ctx;

        cst__enter(ctx);
        if (may_give(s) && !ctx->room.given_by) {
            ctx->room.given = chunk;
            ctx->room.given_by = s;
            st = CST_GIVEN;
        }
        cst__leave(ctx);
    }
    if (st != CST_GIVEN)
        cst__slice_unref(&chunk);
    return st;
}

/*
 * slot.c - calls the slots. Each function returns what the slot has returned; what follows from
 * that is decided by its caller.
 */
#include "stream/stream_internal.h"

/* Return a slot's bit in s->owed. read and write have none: a read owes no answer, and a write owes
 * its answer while W_WRITING is set. */
static unsigned slot_bit(enum cst__slot slot)
{
    return slot < SLOT_TRANSFORM ? 0u : 1u << (slot - SLOT_TRANSFORM);
}

bool cst__owes_write(const cst_stream *s)
{
    if (s->hot & IS_TRANSFORM)
        return s->owed & (slot_bit(SLOT_TRANSFORM) | CALL_AGAIN);
    return (s->hot & W_WRITING) != 0;
}

bool cst__slot_owes(const cst_stream *s, enum cst__slot slot)
{
    return slot == SLOT_WRITE ? cst__owes_write(s) : (s->owed & slot_bit(slot)) != 0;
}

void cst__slot_answered(cst_stream *s, enum cst__slot slot)
{
    s->owed = (uint8_t)(s->owed & ~slot_bit(slot));
}

static enum cst__slot slot_enter(cst_stream *s, enum cst__slot slot)
{
    enum cst__slot outer = (enum cst__slot)s->slot;

    CST__ASSERT(!s->close_emitted);
    s->slot = (uint8_t)slot;
    s->owed = (uint8_t)(s->owed | slot_bit(slot));
    return outer;
}

/* End the call of a slot, and take what it gave. If `given` is NULL, the slot cannot give: what
 * cst_give left is of another slot of the stream, which runs around this one. */
static cst_status slot_leave(cst_stream *s, enum cst__slot slot, enum cst__slot outer,
                             cst_status status, struct cst__given *given)
{
    s->slot = (uint8_t)outer;
    cst__stream_check(s);
    if (status != CST_PENDING)
        cst__slot_answered(s, slot);
    if (given)
        (void)cst__take_given(s, status, given);
    return status;
}

/* --- the slots -------------------------------------------------------------------------------- */

cst_status cst__call_read(cst_stream *s, size_t size)
{
    enum cst__slot outer = slot_enter(s, SLOT_READ);
    cst_status status = s->ops->read(s, cst__self(s), size);

    s->slot = (uint8_t)outer;
    return status;
}

/* Call writev with one chunk. The array lies in the stream, because the slot may look at it until
 * the answer. */
static cst_status call_writev_with_one(cst_stream *s, const cst_slice *chunk)
{
    struct writable *w = cst__w(s);

    w->flight.chunk = *chunk;
    return s->ops->writev(s, cst__self(s), &w->flight.chunk, 1);
}

cst_status cst__call_write(cst_stream *s, const cst_slice *chunk)
{
    enum cst__slot outer = slot_enter(s, SLOT_WRITE);
    cst_status status =
        s->ops->write ? s->ops->write(s, cst__self(s), chunk) : call_writev_with_one(s, chunk);

    s->slot = (uint8_t)outer;
    cst__stream_check(s);
    return status;
}

cst_status cst__call_writev(cst_stream *s, const cst_slice *chunks, size_t count)
{
    enum cst__slot outer = slot_enter(s, SLOT_WRITE);

    return slot_leave(s, SLOT_WRITE, outer, s->ops->writev(s, cst__self(s), chunks, count), NULL);
}

cst_status cst__call_transfer(cst_stream *s, cst_transfer *transfer)
{
    enum cst__slot outer = slot_enter(s, SLOT_WRITE);

    return slot_leave(s, SLOT_WRITE, outer, s->ops->transfer(s, cst__self(s), transfer), NULL);
}

void cst__transform_slot_enter(struct cst__transform_call *call, cst_stream *s)
{
    *call = (struct cst__transform_call){ .stream = s,
                                          .mark = cst__r(s)->length,
                                          .outer = s->ctx->room.transform_call };
    call->slot = slot_enter(s, SLOT_TRANSFORM);
    s->ctx->room.transform_call = call;
}

cst_status cst__transform_slot_leave(const struct cst__transform_call *call, cst_status status,
                                     struct cst__given *given)
{
    call->stream->ctx->room.transform_call = call->outer;
    return slot_leave(call->stream, SLOT_TRANSFORM, call->slot, status, given);
}

cst_status cst__call_final(cst_stream *s)
{
    enum cst__slot outer = slot_enter(s, SLOT_FINAL);

    return slot_leave(s, SLOT_FINAL, outer, s->ops->final(s, cst__self(s)), NULL);
}

cst_status cst__call_flush(cst_stream *s, enum cst__slot slot, struct cst__given *given)
{
    enum cst__slot outer = slot_enter(s, slot);

    return slot_leave(s, slot, outer, s->ops->flush(s, cst__self(s)), given);
}

cst_status cst__call_construct(cst_stream *s)
{
    enum cst__slot outer = slot_enter(s, SLOT_CONSTRUCT);

    return slot_leave(s, SLOT_CONSTRUCT, outer, s->ops->construct(s, cst__self(s)), NULL);
}

cst_status cst__call_destroy(cst_stream *s, const cst_error *error)
{
    enum cst__slot outer = slot_enter(s, SLOT_DESTROY);
    cst_status status = s->ops->destroy ? s->ops->destroy(s, cst__self(s), error) : CST_OK;

    return slot_leave(s, SLOT_DESTROY, outer, status, NULL);
}

/* --- the public calls ------------------------------------------------------------------------- */

/* The calls of transform slots that are on the stack are in one list. Look for that of s. */
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

void cst__call_forget(cst_call call)
{
    cst_stream *s = call.stream;

    if (call.slot == SLOT_WRITE)
        s->owed |= WRITE_FORGOTTEN;
    else
        cst__slot_answered(s, (enum cst__slot)call.slot);
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

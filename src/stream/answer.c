/*
 * answer.c - answers that come by a call (cst_complete and its variants) instead of by the status
 * that a slot returned: pass each to the rule of its slot.
 */
#include "stream/stream_internal.h"

/* Push the chunk that came with the answer of a transform, and complete the write, unless it must
 * wait for room in the output. `chunk` may be NULL; if it is buffered it is moved out. */
static void answer_transform(cst_stream *s, cst_status status, cst_slice *chunk, size_t mark)
{
    cst_status st = cst__transform_answered(s, status, chunk, mark);

    if (st != CST_PENDING)
        cst__write_complete(s, st);
}

/* Return whether the answer to `call` may hand over a chunk, or be CST_AGAIN: that of transform or
 * flush may. */
static bool takes_chunk(const cst_call *call)
{
    return call->stream && (call->slot == SLOT_TRANSFORM || call->slot == SLOT_FLUSH_AS_FINAL ||
                            call->slot == SLOT_FLUSH_AT_FINISH);
}

/* Pass an answer on: the slot owes it no longer, and the rule of the slot decides what follows.
 * Free the stream if it has closed and this was the last thing it waited for. */
static void take_answer(const cst_call *call, cst_status status, cst_slice *chunk)
{
    cst_stream *s = call->stream;
    enum cst__slot slot = (enum cst__slot)call->slot;

    CST__REQUIRE(cst__slot_owes(s, slot), "cst_complete: this call was answered before");
    cst__slot_answered(s, slot);
    if (status > 0 && slot != SLOT_DESTROY && !(status == CST_AGAIN && takes_chunk(call)))
        status = CST_OK;
    switch (slot) {
    case SLOT_NONE:
    case SLOT_READ:
        break;
    case SLOT_WRITE:
        cst__write_complete(s, status);
        break;
    case SLOT_TRANSFORM:
        answer_transform(s, status, chunk, call->mark);
        break;
    case SLOT_FINAL:
        cst__final_answered(s, status);
        break;
    case SLOT_FLUSH_AS_FINAL:
    case SLOT_FLUSH_AT_FINISH:
        cst__flush_answered(s, slot, status, chunk, call->mark);
        break;
    case SLOT_CONSTRUCT:
        cst__construct_answered(s, status);
        break;
    case SLOT_DESTROY:
        cst__destroy_answered(s, status);
        break;
    }
    if (s->close_emitted)
        cst__stream_check_life(s);
}

static bool is_call(const cst_call *call)
{
    return call->stream && call->slot > SLOT_READ && call->slot <= SLOT_DESTROY;
}

cst_status cst__complete_general(cst_call call, cst_status status)
{
    cst_ctx *ctx;

    CST__REQUIRE(is_call(&call),
                 "cst_complete: the call was not made by cst_this_call inside a slot that answers");
    CST__REQUIRE(status != CST_PENDING && status != CST_GIVEN,
                 "cst_complete: neither CST_PENDING nor CST_GIVEN is an answer");
    if (!is_call(&call) || status == CST_PENDING || status == CST_GIVEN)
        return CST_E_INVALID_ARG;
    ctx = call.stream->ctx;
    cst__enter(ctx);
    take_answer(&call, status, NULL);
    cst__leave(ctx);
    return CST_OK;
}

cst_status cst_complete_with(cst_call call, cst_slice chunk)
{
    bool fits = takes_chunk(&call);

    CST__REQUIRE(fits, "cst_complete_with: only transform and flush are answered with a chunk");
    if (fits) {
        cst_ctx *ctx = call.stream->ctx;

        cst__enter(ctx);
        take_answer(&call, CST_OK, &chunk);
        cst__leave(ctx);
    }
    cst__slice_unref(&chunk);
    return fits ? CST_OK : CST_E_INVALID_ARG;
}

cst_status cst_complete_copy(cst_call call, const void *bytes, size_t len)
{
    cst_slice chunk;
    cst_status st;

    CST__REQUIRE(takes_chunk(&call),
                 "cst_complete_copy: only transform and flush are answered with a chunk");
    if (!takes_chunk(&call) || (!bytes && len))
        return CST_E_INVALID_ARG;
    st = cst__copy(&chunk, &call.stream->ctx->copies, bytes, len);
    if (st == CST_OK)
        return cst_complete_with(call, chunk);
    cst__complete_general(call, st);
    return st;
}

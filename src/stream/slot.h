/*
 * slot.h - a slot that runs: its call, and the chunk that cst_give has left for it.
 */
#ifndef CSTREAM_SLOT_H
#define CSTREAM_SLOT_H

#include "stream/layout.h"

/** What cst_give left for a slot: a chunk, to be released by who takes it. It counts if the slot
 * has returned CST_GIVEN. */
struct cst__given {
    bool counts;
    cst_slice chunk;
};

/** Take what cst_give left for the slot of s that has returned `status`. Return false if it left
 * nothing. */
static inline bool cst__take_given(cst_stream *s, cst_status status, struct cst__given *given)
{
    cst_ctx *ctx = s->ctx;

    given->counts = false;
    given->chunk.block = NULL;
    if (ctx->room.given_by != s)
        return false;
    CST__REQUIRE(status == CST_GIVEN || status < 0,
                 "cst_give: the slot has to return what cst_give has returned: the chunk is lost");
    ctx->room.given_by = NULL;
    given->chunk = ctx->room.given;
    given->counts = status == CST_GIVEN;
    return true;
}

/** Return how much was buffered when the running slot of a transform was called. */
size_t cst__transform_mark(const cst_stream *s);

/** Return the call of the slot of `s` that runs. If that slot is read, or if none runs, the call is
 * of SLOT_NONE. */
static inline cst_call cst__call_of(cst_stream *s)
{
    cst_call call = { s, 0, SLOT_NONE };

    if (s->slot == SLOT_READ)
        return call;
    call.slot = s->slot;
    if (s->slot == SLOT_TRANSFORM)
        call.mark = cst__transform_mark(s);
    return call;
}

/* --- slot.c ----------------------------------------------------------------------------------- */

/** Return whether the slot of a write, or this slot, still owes its answer. A transform slot that
 * is to be called again owes that of its write. */
bool cst__owes_write(const cst_stream *s);
bool cst__slot_owes(const cst_stream *s, enum cst__slot slot);

/** cst_this_call, cst_complete and cst_give, when the fast path has not dealt with the call. */
cst_call cst__this_call_general(cst_stream *s);
cst_status cst__complete_general(cst_call call, cst_status status);
cst_status cst__give_general(cst_stream *s, cst_slice chunk);

/**
 * Let the stream be freed without the answer of this call. It is for ready-made streams whose slot
 * never answers because Node's does not. The call stays open, and the callbacks that wait for its
 * answer are called when the stream is freed.
 */
void cst__call_forget(cst_call call);

/** Note that a slot has answered. */
void cst__slot_answered(cst_stream *s, enum cst__slot slot);

/**
 * Call a slot and return its status. Unless that is CST_PENDING, its bit in s->owed is cleared.
 * cst__call_read needs a read slot, and its caller takes the chunk given (cst__take_given).
 */
cst_status cst__call_read(cst_stream *s, size_t size);
cst_status cst__call_write(cst_stream *s, const cst_slice *chunk);
cst_status cst__call_writev(cst_stream *s, const cst_slice *chunks, size_t count);
cst_status cst__call_transfer(cst_stream *s, cst_transfer *transfer);
cst_status cst__call_final(cst_stream *s);
cst_status cst__call_flush(cst_stream *s, enum cst__slot slot, struct cst__given *given);
cst_status cst__call_construct(cst_stream *s);
cst_status cst__call_destroy(cst_stream *s, const cst_error *error);

/** Call these before and after a transform slot; the second returns the status of the slot. */
void cst__transform_slot_enter(struct cst__transform_call *call, cst_stream *s);
cst_status cst__transform_slot_leave(const struct cst__transform_call *call, cst_status status,
                                     struct cst__given *given);

#endif

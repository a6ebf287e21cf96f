/*
 * transfer.c - zero copy: bytes that go from a source to a destination through the kernel.
 *
 * A transfer is a call of the destination's slot `transfer` in place of the source's read slot. In
 * it the destination fetches the bytes itself. To the destination it is a write in flight.
 */
#include "stream/stream_internal.h"

#define TRANSFERS_NOT                                                                       \
    (W_WRITING | W_CORKED | W_BUFFERED | W_CLEARING | W_ENDING | W_NEED_DRAIN | W_OBJECTS | \
     IS_TRANSFORM | DESTROYED | ERRORED)

bool cst__writable_may_transfer(const cst_stream *s)
{
    return (s->hot & (TRANSFERS_NOT | CONSTRUCTED)) == CONSTRUCTED && cst__w(s)->length == 0;
}

/* Make a transfer. If the slot returns CST_PENDING, the bytes that it holds count as the length of
 * the write, and a 'drain' is due however few they are. */
cst_status cst__writable_transfer(cst_stream *s, cst_transfer *transfer)
{
    static const cst_slice nothing = { .len = 0 };
    struct writable *w = cst__w(s);
    cst_status st;

    cst__flight_begin(s, 0, NULL);
    st = cst__call_transfer(s, transfer);
    if (st != CST_PENDING) /* any other status completes the write */
        cst__write_complete(s, st > 0 || st == CST_E_UNSUPPORTED ? CST_OK : st);
    cst__flight_keep_bytes(s, &nothing);
    if (st != CST_PENDING)
        return st;
    if (!cst__owes_write(s))
        return CST_OK; /* the answer came inside the slot */
    w->flight_length = transfer->held;
    w->length += transfer->held;
    s->hot |= W_NEED_DRAIN;
    return st;
}

bool cst__pipe_has_transfer(const struct cst__pipe *pipe)
{
    return pipe->dest->ops->transfer && !pipe->no_transfer && pipe->listed;
}

bool cst__pipe_may_transfer(const struct cst__pipe *pipe)
{
    return !(pipe->source->hot & R_AWAITING) && cst__writable_may_transfer(pipe->dest);
}

cst_status cst__pipe_transfer(struct cst__pipe *pipe, cst_transfer *transfer)
{
    cst_status st = cst__writable_transfer(pipe->dest, transfer);

    if (st == CST_E_UNSUPPORTED) {
        pipe->no_transfer = true;
        return CST_EMPTY;
    }
    if (st == CST_PENDING || st < 0)
        cst__pipe_written(pipe, CST_FULL);
    return st;
}

/* Update the source after a transfer, as after its read slot: more, EOF or an error. */
static void transferred(cst_stream *s, cst_status st, const cst_transfer *transfer)
{
    if (transfer->moved)
        s->hot |= R_DATA_EMITTED;
    cst__bytes_moved(s->ctx, transfer->moved);
    if (transfer->from == CST_EMPTY)
        return; /* the source will push */
    s->hot &= NOT(R_READING);
    if (transfer->from == CST_EOF) {
        cst__push_eof(s);
    } else if (transfer->from < 0) {
        cst_error error = cst__error_here(s, transfer->from, CST_READING);

        cst__error_or_destroy(s, &error, false);
    } else if (st == CST_OK) {
        cst__announce_readable(s); /* its task lets the flow go on */
    }
}

bool cst__has_transfer(const cst_stream *s)
{
    return (s->hot & (R_PIPED | R_FLOWING | R_OBJECTS)) == (R_PIPED | R_FLOWING) &&
           cst__sole_dest(s)->ops->transfer && s->ops->read &&
           cst__pipe_has_transfer(cst__sole_pipe(s));
}

bool cst__may_transfer(const cst_stream *s)
{
    return cst__pipe_may_transfer(cst__sole_pipe(s));
}

bool cst__transfer(cst_stream *s)
{
    cst_transfer transfer = { .source = s, .from = CST_OK };
    cst_status st;

    transfer.max = s->ctx->bytes_limited ? s->ctx->bytes_left : SIZE_MAX;
    st = cst__pipe_transfer(cst__sole_pipe(s), &transfer);
    if (st == CST_EMPTY)
        return false;
    transferred(s, st, &transfer);
    return true;
}

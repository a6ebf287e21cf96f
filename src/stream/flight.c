/*
 * flight.c - the write in flight: it begins, is answered, and the queue is handed over.
 *
 * A write is in flight from the call of its slot until the slot has answered. If the slot answers
 * before it returns (W_SYNC), a task runs the callbacks; else they run at once. The order of all
 * that follows is exactly Node's.
 */
#include "stream/stream_internal.h"

static void after_write(cst_stream *s, unsigned count, struct cst__request *requests);

/* --- the bytes of a write --------------------------------------------------------------------- */

/* The bytes of a write that is in flight no more. They are released when all else is done: the
 * user's release functions may call the library. */
struct kept {
    cst_slice chunk;
    cst_chain_row batch;
};

/* The array of a batch of more chunks than this is freed after use, so that one burst of writes
 * does not take up memory for the rest of the stream's life. */
#define LONGEST_ROW_KEPT 4096

/* Release the chunks of a batch. Its array goes back to the queue, if the queue has none by now and
 * the array is not too long; else it is freed. */
static void drop_batch(cst_stream *s, cst_chain_row *batch)
{
    struct writable *w = cst__w(s);

    cst__row_drop_all(batch);
    if (w->queue.items || batch->cap > LONGEST_ROW_KEPT) {
        cst__row_fini(batch, cst__pool_allocator(&s->ctx->pool));
    } else {
        w->queue.items = batch->items;
        w->queue.cap = batch->cap;
    }
}

static struct kept take_kept(cst_stream *s)
{
    struct writable *w = cst__w(s);
    struct kept kept = { .chunk = { 0 } };

    if ((s->hot & (W_KEPT | W_VECTOR)) == W_KEPT)
        kept.chunk = w->flight.chunk;
    else if (s->hot & W_KEPT)
        kept.batch = w->flight.batch;
    s->hot &= NOT(W_KEPT | W_VECTOR);
    return kept;
}

static void drop_kept(cst_stream *s, struct kept *kept)
{
    cst__slice_unref(&kept->chunk);
    drop_batch(s, &kept->batch);
}

void cst__writable_fini(cst_stream *s)
{
    struct kept kept = take_kept(s);

    drop_kept(s, &kept);
    cst__row_fini(&cst__w(s)->queue, cst__pool_allocator(&s->ctx->pool));
}

/*
 * Return whether the bytes that the slot was called with must be kept, because the slot has still
 * to answer. If it has answered inside the call, a write that is in flight now is a later one,
 * which has kept its own bytes (W_KEPT). A transform's slot may owe nothing although a write is in
 * flight: the completion waits (T_KEPT), or an earlier call has answered twice and so ended this
 * write before its slot returned.
 */
static bool must_keep(const cst_stream *s)
{
    return (s->hot & (W_WRITING | W_KEPT)) == W_WRITING && cst__owes_write(s);
}

/* Take W_SYNC off, since the slot has returned, and keep the bytes if it has still to answer. */
void cst__flight_keep_bytes(cst_stream *s, const cst_slice *chunk)
{
    s->hot &= NOT(W_SYNC);
    if (must_keep(s)) {
        s->hot |= W_KEPT;
        cst__w(s)->flight.chunk = cst__slice_ref(chunk);
    }
}

/* --- a write goes out ------------------------------------------------------------------------- */

/* Complete the write with what its slot has returned, unless that is CST_PENDING. */
static void take_status(cst_stream *s, cst_status status)
{
    if (status != CST_PENDING)
        cst__write_complete(s, status > 0 ? CST_OK : status);
}

void cst__write_after_slot(cst_stream *s, const cst_slice *chunk, cst_status status)
{
    take_status(s, status);
    cst__flight_keep_bytes(s, chunk);
}

void cst__write_after_transform(cst_stream *s, const cst_slice *chunk, cst_status status,
                                struct cst__given *given)
{
    take_status(s, status);
    cst__slice_unref(&given->chunk);
    cst__flight_keep_bytes(s, chunk);
}

static void start_transform(cst_stream *s, const cst_slice *chunk)
{
    struct cst__given given;
    cst_status status = cst__transform_write(s, chunk, &given);

    cst__write_after_transform(s, chunk, status, &given);
}

void cst__flight_start(cst_stream *s, const cst_slice *chunk, size_t len,
                       struct cst__request *request)
{
    cst__flight_begin(s, len, request);
    if (s->hot & DESTROYED)
        cst__write_after_slot(s, chunk, CST_E_DESTROYED);
    else if (s->hot & IS_TRANSFORM)
        start_transform(s, chunk);
    else
        cst__write_after_slot(s, chunk, cst__call_write(s, chunk));
}

/* A batch without callbacks that was answered with CST_OK needs no more than cst__flight_end, if
 * none of these is set. */
#define BATCH_DONE_NOT (W_OBJECTS | W_ENDING | W_NEED_DRAIN | W_CORKED | DESTROYED | ERRORED)

/*
 * Call writev for a batch without callbacks, while no slot of this stream runs. If it returns
 * CST_OK and user code has not touched the stream, cst__flight_end is all that follows: no task,
 * since there is no callback and no 'drain'; no next write, since hand_over is running. Else
 * take_status completes the write by the general rule.
 */
static void call_writev_plainly(cst_stream *s, const cst_chain_row *chunks)
{
    cst_status status;

    s->slot = SLOT_WRITE;
    status = s->ops->writev(s, cst__self(s), cst__row_front(chunks), chunks->count);
    s->slot = SLOT_NONE;
    if (status != CST_OK || (s->hot & (IN_FLIGHT | BATCH_DONE_NOT)) != IN_FLIGHT) {
        cst__stream_check(s);
        take_status(s, status);
        return;
    }
    cst__flight_end(s);
    cst__stream_check(s);
}

/* Write the whole queue by one call of writev. */
static void start_writev(cst_stream *s)
{
    struct writable *w = cst__w(s);
    struct cst__request *requests = w->last_waiting ? cst__requests_take_waiting(w) : NULL;
    cst_chain_row chunks = w->queue;

    w->front += chunks.count;
    if (requests)
        requests->batch = true;
    cst__row_replace(&w->queue, &(cst_chain_row){ .items = NULL });
    cst__flight_begin(s, w->length, requests);
    if (s->hot & DESTROYED)
        cst__write_complete(s, CST_E_DESTROYED);
    else if (!requests && s->slot == SLOT_NONE)
        call_writev_plainly(s, &chunks);
    else
        take_status(s, cst__call_writev(s, cst__row_front(&chunks), chunks.count));
    s->hot &= NOT(W_SYNC);
    if (must_keep(s)) {
        s->hot |= W_KEPT | W_VECTOR;
        w->flight.batch = chunks;
    } else {
        drop_batch(s, &chunks);
    }
}

/* Write the first chunk of the queue. */
static void start_front(cst_stream *s)
{
    struct writable *w = cst__w(s);
    struct cst__request *request = cst__requests_take_front(w);
    cst_slice chunk = cst__row_shift(&w->queue);

    w->front++;
    cst__flight_start(s, &chunk, cst__length_of(s, &chunk), request);
    cst__slice_unref(&chunk);
}

/* Return whether the next of the queue can be handed over: no write is in flight. A slot that has
 * enough takes W_CLEARING off. */
static inline bool hands_on(const cst_stream *s)
{
    return cst__w(s)->queue.count && (s->hot & (W_WRITING | W_CLEARING)) == W_CLEARING;
}

static inline void handed_over(cst_stream *s)
{
    cst__queue_is_empty(s);
    s->hot &= NOT(W_CLEARING);
}

/*
 * Hand the queue over to the slots, as long as each write is answered inside its slot. If `gather`
 * is set, several chunks go to writev at once; else each goes alone. Chunks that a slot queues
 * meanwhile are handed over likewise. The queue is not empty, and no write is in flight.
 */
static void hand_over(cst_stream *s, bool gather)
{
    const struct writable *w = cst__w(s);

    do {
        if (gather && w->queue.count > 1)
            start_writev(s);
        else
            start_front(s);
    } while (hands_on(s));
    handed_over(s);
}

void cst__queue_clear(cst_stream *s)
{
    if ((s->hot & (DESTROYED | W_CLEARING | W_CORKED | W_BUFFERED | CONSTRUCTED)) !=
        (W_BUFFERED | CONSTRUCTED))
        return;
    if (!cst__w(s)->queue.count)
        return;
    CST__ASSERT(!(s->hot & W_WRITING));
    s->hot |= W_CLEARING;
    hand_over(s, cst__gathers(s));
}

/* --- a write is answered ---------------------------------------------------------------------- */

/* Fail the queued writes and the ends, because the stream is destroyed or has failed. Do nothing
 * while a write is in flight. */
static void fail_queue(cst_stream *s)
{
    struct writable *w = cst__w(s);

    if (s->hot & W_WRITING)
        return;
    while (w->queue.count) {
        struct cst__request *request = cst__requests_take_front(w);
        cst_slice chunk = cst__row_shift(&w->queue);

        w->front++;
        w->pending++; /* never to be lowered: in Node a lost write stays counted */
        w->length -= cst__length_of(s, &chunk);
        cst__slice_unref(&chunk);
        cst__requests_call(s, request, cst__failure_or(s, CST_E_DESTROYED));
    }
    cst__requests_call_ends(s, cst__failure_or(s, CST_E_DESTROYED));
    cst__queue_is_empty(s);
}

/* Fail the write in flight of a destroyed stream, whose slot is not called again. */
static void fail_again(cst_stream *s)
{
    struct writable *w = cst__w(s);
    struct cst__request *requests = w->in_flight;
    struct kept kept = take_kept(s);

    w->in_flight = NULL;
    w->pending++; /* as in fail_queue */
    cst__flight_end(s);
    cst__requests_call(s, requests, cst__failure_or(s, CST_E_DESTROYED));
    drop_kept(s, &kept);
}

void cst__run_fail_queue(cst_stream *s)
{
    if (s->owed & CALL_AGAIN) {
        s->owed = (uint8_t)(s->owed & ~CALL_AGAIN);
        s->hot &= NOT(T_KEPT);
        if (s->hot & W_WRITING)
            fail_again(s);
    }
    fail_queue(s);
}

/* Call the callbacks of a failed write, fail the queue, then fail the stream. */
static void write_failed(cst_stream *s, struct cst__request *requests, cst_status status)
{
    cst_error error = cst__error_here(s, status, CST_WRITING);

    cst__requests_call(s, requests, status);
    fail_queue(s);
    cst__error_or_destroy(s, &error, false);
}

static void run_write_failed(cst_task_link *link)
{
    struct cst__request *request = cst__container_of(link, struct cst__request, link);
    cst_stream *s = request->stream;

    cst__w(s)->pending--;
    write_failed(s, request, request->status);
    cst__release(s);
}

void cst__run_write_failed(cst_stream *s, cst_status status)
{
    cst__w(s)->pending--;
    write_failed(s, NULL, status);
}

static void after_write(cst_stream *s, unsigned count, struct cst__request *requests)
{
    struct writable *w = cst__w(s);

    s->w_after_write = false;
    if ((s->hot & (W_ENDING | W_NEED_DRAIN | DESTROYED)) == W_NEED_DRAIN && w->length == 0) {
        s->hot &= NOT(W_NEED_DRAIN);
        cst__emit(s, CST_DRAIN);
    }
    for (; count > 1; count--) {
        w->pending--;
        requests->done(s, CST_OK, requests->arg);
    }
    w->pending--;
    cst__requests_call(s, requests, CST_OK);
    if (s->hot & DESTROYED)
        fail_queue(s);
    if (s->hot & W_ENDING)
        cst__finish_maybe(s, true);
}

void cst__run_after_write(cst_stream *s)
{
    after_write(s, 1, NULL);
}

static void run_after_write_with_callback(cst_task_link *link)
{
    struct cst__request *request = cst__container_of(link, struct cst__request, link);
    cst_stream *s = request->stream;

    /* As in Node: whichever of these tasks runs, later writes cannot join the one queued last. */
    cst__w(s)->tick = NULL;
    after_write(s, request->count, request);
    cst__release(s);
}

/* Go on after a write without a callback that was answered inside its slot. Queue a task if 'drain'
 * is due; in object mode queue it in any case, as Node does. Else the side may finish now. */
static void completed_inside(cst_stream *s)
{
    struct writable *w = cst__w(s);
    bool drain = (s->hot & W_NEED_DRAIN) && w->length == 0;

    if (!s->w_after_write && (drain || (s->hot & W_OBJECTS))) {
        w->pending++;
        if (cst__try_post(s, TASK_AFTER_WRITE, CST_OK))
            s->w_after_write = true;
        else
            after_write(s, 1, NULL);
    } else if (s->hot & W_ENDING) {
        cst__finish_maybe(s, true);
    }
}

/* Queue the callback of a write that was answered inside its slot. As in Node, it joins the
 * callback task that was queued last if both have equal functions and arguments. */
static void completed_inside_with_callback(cst_stream *s, struct cst__request *requests)
{
    struct writable *w = cst__w(s);
    struct cst__request *tick = w->tick;

    if (tick && !tick->batch && !requests->batch && tick->done == requests->done &&
        tick->arg == requests->arg) {
        tick->count++;
        w->pending++;
        cst__free(s->ctx, requests, sizeof(*requests));
        return;
    }
    w->tick = requests;
    w->pending++;
    cst__post_link(s, &requests->link, run_after_write_with_callback);
    s->w_after_write = true;
}

static void fail_write(cst_stream *s, struct cst__request *requests, cst_status status, bool sync)
{
    cst_error error = cst__error_here(s, status, CST_WRITING);

    cst__set_errored(s, &error);
    if (!sync) {
        write_failed(s, requests, status);
        return;
    }
    cst__w(s)->pending++;
    if (requests) {
        requests->status = status;
        cst__post_link(s, &requests->link, run_write_failed);
    } else if (!cst__try_post(s, TASK_WRITE_FAILED, status)) {
        cst__run_write_failed(s, status); /* early, but the failure must not be lost */
    }
}

/* Return whether nothing follows: the write was answered with success inside its slot, it has no
 * callback, no queue, 'drain' or end waits for it, and its stream has not enough. */
static bool nothing_follows(const cst_stream *s, cst_status status)
{
    return status >= 0 && !cst__w(s)->in_flight &&
           (s->hot & (W_SYNC | W_BUFFERED | W_NEED_DRAIN | W_OBJECTS | W_ENDING | W_CORKED)) ==
               W_SYNC;
}

/* End the write in flight with `status`, and do all that follows. */
OUT_OF_LINE void flight_end_slow(cst_stream *s, cst_status status)
{
    struct writable *w = cst__w(s);
    struct cst__request *requests = w->in_flight;
    bool sync = (s->hot & W_SYNC) != 0;

    w->in_flight = NULL;
    cst__flight_end(s);
    if (status < 0) {
        fail_write(s, requests, status, sync);
        return;
    }
    if (s->hot & W_BUFFERED)
        cst__queue_clear(s);
    if (!sync) {
        w->pending++;
        after_write(s, 1, requests);
    } else if (requests)
        completed_inside_with_callback(s, requests);
    else
        completed_inside(s);
    if (s->hot & W_CORKED)
        cst__hold_close(s);
}

static void flight_end(cst_stream *s, cst_status status)
{
    if (!nothing_follows(s, status)) {
        flight_end_slow(s, status);
        return;
    }
    cst__flight_end(s);
}

void cst__write_complete(cst_stream *s, cst_status status)
{
    CST__ASSERT(!s->ctx->room.express);
    if (!(s->hot & W_WRITING)) {
        cst_error error = cst__error_here(s, CST_E_MULTIPLE_CALLBACK, CST_WRITING);

        cst__error_or_destroy(s, &error, false);
    } else if (s->hot & W_KEPT) {
        struct kept kept = take_kept(s);

        flight_end(s, status);
        drop_kept(s, &kept);
    } else {
        flight_end(s, status);
    }
}

void cst__write_next_returned(cst_stream *s, cst_slice *chunk, cst_status status)
{
    cst__stream_check(s);
    cst__write_after_slot(s, chunk, status);
    cst__slice_unref(chunk);
    if (hands_on(s))
        hand_over(s, false);
    else
        handed_over(s);
    cst__w(s)->pending++;
    after_write(s, 1, NULL);
}

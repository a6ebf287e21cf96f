/*
 * stream_internal.h - the functions that the files of the stream room call in one another.
 */
#ifndef CSTREAM_STREAM_INTERNAL_H
#define CSTREAM_STREAM_INTERNAL_H

#include "stream/beyond.h"
#include "stream/emit.h"
#include "stream/layout.h"
#include "stream/pipe.h"
#include "stream/slot.h"

/* --- task.c ----------------------------------------------------------------------------------- */

/** Queue a task, which keeps the stream alive. If the queue has no room, note its kind in
 * the stream; return false if that was noted already: then one run serves both. */
bool cst__post_for(cst_stream *s, enum cst__task_kind kind);

/** Queue a task whose status a note cannot keep (layout.h). Return false if there is no room. */
bool cst__try_post(cst_stream *s, enum cst__task_kind kind, cst_status status);

/** Queue a link, which keeps s alive: the last act of `run` must be cst__release(s). */
static inline void cst__post_link(cst_stream *s, cst_task_link *link,
                                  void (*run)(cst_task_link *link))
{
    s->refs++;
    cst__post(s->ctx, link, run);
}

/*
 * Check that both sides and the pipes from s are consistent. Called after each slot, each emission
 * and each task. Does nothing unless CST_CHECK is defined, as it is in the sanitizer build.
 */
#ifdef CST_CHECK
void cst__stream_check(const cst_stream *s);

/** Check a pipe that is in the list of its source's listeners, and the record that it waits by. */
void cst__pipe_check(const struct cst__pipe *pipe);
void cst__drain_check(const struct cst__drain *drain);
#else
static inline void cst__stream_check(const cst_stream *s)
{
    (void)s;
}
#endif

/* --- task.c: references ----------------------------------------------------------------------- */

/** Free the stream, if it has closed, nobody refers to it, and no slot owes an answer. */
void cst__stream_check_life(cst_stream *s);

/** Drop one reference. */
static inline void cst__release(cst_stream *s)
{
    CST__ASSERT(s->refs > 0 && !s->ctx->room.express);
    cst__stream_check(s);
    if (--s->refs == 0)
        cst__stream_check_life(s);
}

/* --- slot.c ----------------------------------------------------------------------------------- */

/** Return whether a slot still owes an answer, so that the stream must not be freed. */
static inline bool cst__owes_answer(const cst_stream *s)
{
    if ((s->hot & (W_WRITING | IS_TRANSFORM)) == W_WRITING && !(s->owed & WRITE_FORGOTTEN))
        return true;
    return (s->owed & ~(WRITE_FORGOTTEN | CALL_AGAIN)) != 0;
}

/* --- push.c, read.c, mode.c, transfer.c: the readable side ------------------------------------ */

/** Initialise the readable side, for bytes; the options may turn it to object mode afterwards. */
static inline void cst__readable_start(cst_stream *s, size_t high_water_mark)
{
    *cst__r(s) = (struct readable){ .high_water_mark = high_water_mark };
    if (!(s->hot & IS_TRANSFORM))
        s->hot |= R_SYNC; /* so that what is pushed before the first read is buffered */
}

/** Return whether the readable side has memory to free. */
static inline bool cst__readable_holds(const cst_stream *s)
{
    return cst__r(s)->buffer.items || cst__decodes(s);
}

void cst__readable_check(const cst_stream *s);

/** cst_push, when the fast path has not dealt with the call. The chunk is taken. */
cst_status cst__push_general(cst_stream *s, cst_slice chunk);

/** Copy the bytes that cst_push_copy was called with. If that fails, the stream fails too. */
cst_status cst__copy_to_push(cst_slice *out, cst_stream *s, const void *bytes, size_t len);

/** Push a chunk. If it is kept, it is moved out of *chunk; else it stays the caller's. */
cst_status cst__push(cst_stream *s, cst_slice *chunk);
void cst__maybe_read_more(cst_stream *s);

/** Announce 'readable': a task emits it. */
void cst__announce_readable(cst_stream *s);

/** Hand a chunk to those that listen to 'data'. */
void cst__emit_data(cst_stream *s, const cst_slice *chunk);

/**
 * Node's read(). Return whether there is a chunk, which the caller owns; out may be NULL if there
 * cannot be one. For a read by the user `why` is not NULL, and gets the status if memory ran out.
 * It is NULL for a read by the library; then the destination may fetch the bytes instead.
 */
bool cst__read_chunk(cst_stream *s, size_t size, cst_slice *out, cst_status *why);

/** The read slot has returned: push what it gave, or fail. */
void cst__read_returned(cst_stream *s, cst_status status);

/** Finish a read of CST_READ_ANY after its call of the read slot. n is how much could be taken
 * before the call. */
bool cst__read_after_slot(cst_stream *s, size_t n, cst_slice *out);

/** Finish the task that reads ahead: the buffer was empty, and the read slot has returned. */
void cst__read_ahead_returned(cst_stream *s, cst_status status);
void cst__push_eof(cst_stream *s);
void cst__pause(cst_stream *s);
void cst__resume(cst_stream *s);

/** Return whether the source's sole pipe can ever transfer. If it can, and the buffer is empty,
 * cst__may_transfer returns whether it can now. */
bool cst__has_transfer(const cst_stream *s);
bool cst__may_transfer(const cst_stream *s);

/** Let the destination fetch bytes. Return false if the source has to be read instead. */
bool cst__transfer(cst_stream *s);

/** Tasks (enum cst__task_kind). */
void cst__run_readable(cst_stream *s);
void cst__run_read_more(cst_stream *s);
void cst__run_resume(cst_stream *s);
/** All has been read: have 'end' emitted by a task. */
void cst__end_readable(cst_stream *s);
void cst__run_end(cst_stream *s);
void cst__run_flow(cst_stream *s);
void cst__run_read(cst_stream *s);
void cst__run_mode(cst_stream *s);
void cst__run_auto_end(cst_stream *s);

/** After a listener was added, let the stream flow ('data') or announce chunks ('readable'). */
void cst__data_listener_added(cst_stream *s);
void cst__data_listener_is(cst_stream *s, struct cst__pipe *sole); /* a pipe's, the first */
void cst__readable_listener_added(cst_stream *s);

/* --- decode.c --------------------------------------------------------------------------------- */

/** Decode a chunk, for a stream with an encoding. *text may be empty. CST_OK, CST_E_NOMEM. */
cst_status cst__decode(cst_stream *s, const cst_slice *chunk, cst_slice *text);

/** At EOF, buffer what the decoder still holds. CST_OK, CST_E_NOMEM, CST_E_OUT_OF_RANGE. */
cst_status cst__decode_end(cst_stream *s);
void cst__decoder_free(cst_stream *s);

/** Return n, or more if n bytes of the buffered text end inside a character: up to its end. n is at
 * most what is buffered. */
size_t cst__whole_characters(const cst_stream *s, size_t n);

/* --- write.c, flight.c, end.c, transfer.c: the writable side ---------------------------------- */

/** Initialise the writable side, for bytes. `flight` and `flight_length` are set by each write. */
static inline void cst__writable_start(cst_stream *s, size_t high_water_mark)
{
    struct writable *w = cst__w(s);

    w->queue = (cst_chain_row){ .items = NULL };
    w->length = 0;
    w->high_water_mark = high_water_mark;
    w->last_waiting = w->in_flight = w->tick = NULL;
    w->front = w->pending = 0;
    s->hot |= s->ops->write && !(s->hot & IS_TRANSFORM) ? ACTIVE | W_PLAIN : ACTIVE;
}

void cst__writable_fini(cst_stream *s);

/** Return whether the writable side has memory to free. */
static inline bool cst__writable_holds(const cst_stream *s)
{
    return cst__w(s)->queue.items || (s->hot & W_KEPT);
}

void cst__writable_check(const cst_stream *s);
cst_status cst__write(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg);

/** cst_write, when the fast path has not dealt with the call. The chunk is taken. */
cst_status cst__write_general(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg);

/** Copy the bytes that cst_write_copy was called with. */
cst_status cst__copy_to_write(cst_slice *out, const cst_stream *s, const void *bytes, size_t len);

/** Refuse a write that came after end or destroy: queue its callback (unless request is NULL), and
 * fail the stream unless it was destroyed, both with `status`. Return `status`. */
cst_status cst__refuse_write(cst_stream *s, struct cst__request *request, cst_status status);

/** Return the status of a write that comes after end or destroy. */
cst_status cst__refused_status(const cst_stream *s);

/** Return whether a transfer into s can begin now; begin it, if so, and return its status. */
bool cst__writable_may_transfer(const cst_stream *s);
cst_status cst__writable_transfer(cst_stream *s, cst_transfer *transfer);
cst_status cst__end(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg);

/** End the writable side without a last chunk, a callback or a status. */
void cst__end_unasked(cst_stream *s);

/** End the write in flight with its status, then do what follows: callbacks, 'drain', the queue. */
void cst__write_complete(cst_stream *s, cst_status status);

/** Begin a write that need not wait: it is in flight, and its slot is called. */
void cst__flight_start(cst_stream *s, const cst_slice *chunk, size_t len,
                       struct cst__request *request);

/** Keep the bytes of the write in flight if its slot, which has returned, still owes the answer. */
void cst__flight_keep_bytes(cst_stream *s, const cst_slice *chunk);

/** Write out the queue, if nothing holds it back. */
void cst__queue_clear(cst_stream *s);

/**
 * Go on after a write that had no callback has completed after its slot returned. The next write,
 * of this chunk, has begun, and its slot has returned `status`. Take the chunk, and write the rest
 * of the queue one by one, even what was queued meanwhile. Then emit 'drain' if it is due.
 */
void cst__write_next_returned(cst_stream *s, cst_slice *chunk, cst_status status);

/** Handle the status that a write slot has returned: end the write, or keep its bytes until it is
 * answered. */
void cst__write_after_slot(cst_stream *s, const cst_slice *chunk, cst_status status);

/** Handle the status that a transform slot has returned. given->chunk is released. */
void cst__write_after_transform(cst_stream *s, const cst_slice *chunk, cst_status status,
                                struct cst__given *given);
void cst__final_answered(cst_stream *s, cst_status status);
void cst__writable_destroying(cst_stream *s);

void cst__uncork(cst_stream *s);

/** Return Node's pendingcb: how many callbacks are still to come. */
size_t cst__writable_pending(const cst_stream *s);

/** Look at the dormant streams (timeout.c), when a turn is over. */
void cst__dormant_turn_over(cst_ctx *ctx);

/** Tasks (enum cst__task_kind). */
void cst__run_after_write(cst_stream *s);
void cst__run_write_failed(cst_stream *s, cst_status status);
void cst__run_fail_queue(cst_stream *s);

/** Call every callback that the stream still owes, because it is being freed. */
void cst__writable_settle(cst_stream *s);

/** Return whether the stream owes a callback. */
static inline bool cst__writable_owes(const cst_stream *s)
{
    return cst__w(s)->in_flight || cst__w(s)->last_waiting;
}

/* --- finish.c --------------------------------------------------------------------------------- */

/** Go on towards 'finish', if nothing stands in the way. If sync, 'finish' comes by a task. */
void cst__finish_maybe(cst_stream *s, bool sync);

/** Call flush now, because the stream has enough. EOF follows its answer. */
void cst__flush_early(cst_stream *s);

/** Call flush once more, since it has answered CST_AGAIN. */
void cst__flush_again(cst_stream *s);

/** Tasks (enum cst__task_kind). */
void cst__run_finish(cst_stream *s);
void cst__run_finish_if_still(cst_stream *s);

/* --- request.c -------------------------------------------------------------------------------- */

/** Make a request. Return NULL if there is no memory. */
struct cst__request *cst__request_new(cst_stream *s, cst_done_fn *done, void *arg);

/** Append a request to those that wait; its `chunk`, or `of_end`, is set already. */
void cst__request_wait(struct writable *w, struct cst__request *request);

/** Take out and return, as a list: the request of the chunk at the front of the queue; those of all
 * queued chunks; those of ends. Return NULL if there are none. */
struct cst__request *cst__requests_take_front(struct writable *w);
struct cst__request *cst__requests_take_waiting(struct writable *w);
struct cst__request *cst__requests_take_ends(struct writable *w);

/** Call the callbacks of a list, one after another, and free it. NULL is an empty list. */
void cst__requests_call(cst_stream *s, struct cst__request *request, cst_status status);
void cst__requests_call_ends(cst_stream *s, cst_status status);

/** Queue a task that calls the callback of one request and frees it. */
void cst__request_post(cst_stream *s, struct cst__request *request, cst_status status);

/** Return the status of the stream's error, or `status` if it has none. */
cst_status cst__failure_or(const cst_stream *s, cst_status status);

/* --- transform.c ------------------------------------------------------------------------------ */

/** Return whether a transform's write may complete now. If not, the next read completes it, or a
 * task after EOF. mark is how much was buffered when its slot was called. */
bool cst__transform_settle(cst_stream *s, size_t mark);

/**
 * Call the slot of a transform, or pass a chunk through. Return the status to complete the write
 * with, or CST_PENDING if it completes later. The caller then releases given->chunk.
 */
cst_status cst__transform_write(cst_stream *s, const cst_slice *chunk, struct cst__given *given);

/** Return the status to complete the write with, or CST_PENDING: after its slot has returned; after
 * it has answered, with a chunk to push or NULL. */
cst_status cst__transform_returned(const struct cst__transform_call *call, cst_status status,
                                   struct cst__given *given);
cst_status cst__transform_answered(cst_stream *s, cst_status status, cst_slice *chunk, size_t mark);
void cst__flush_answered(cst_stream *s, enum cst__slot slot, cst_status status, cst_slice *chunk,
                         size_t mark);

/* --- destroy.c -------------------------------------------------------------------------------- */

/** Make the error of a failure with `status` on one side of s. */
cst_error cst__error_here(const cst_stream *s, cst_status status, cst_direction direction);

void cst__set_errored(cst_stream *s, const cst_error *error);
void cst__destroy(cst_stream *s, const cst_error *error);

/** Record the error that s is being destroyed with: 'error' is emitted with it. */
void cst__destroy_for(cst_stream *s, const cst_error *error);

/** Clear the error of a destroyed stream that was recorded when one of its calls ended. */
void cst__forget_error(cst_stream *s);

void cst__error_or_destroy(cst_stream *s, const cst_error *error, bool sync);
void cst__construct_start(cst_stream *s);
void cst__run_construct(cst_stream *s);
void cst__construct_answered(cst_stream *s, cst_status status);
void cst__destroy_answered(cst_stream *s, cst_status status);

/** Call the destroy slot, with the error that the stream was destroyed with. */
void cst__destroy_by_slot(cst_stream *s);

/** Tasks (enum cst__task_kind). */
void cst__run_error(cst_stream *s);
void cst__run_close(cst_stream *s);
void cst__run_constructed(cst_stream *s, cst_status status);
void cst__run_constructed_again(cst_stream *s, cst_status status);

/* --- pipe.c, await.c, drain.c, transfer.c ----------------------------------------------------- */

/** Pipe in two steps, with streams that the caller has checked: make the record, or return NULL if
 * there is no memory; then connect it, which cannot fail. */
struct cst__pipe *cst__pipe_new(cst_stream *source, cst_stream *dest, bool no_end);
void cst__pipe_connect(struct cst__pipe *pipe);

/** Free a record that was not connected. NULL is ignored. */
void cst__pipe_discard(struct cst__pipe *pipe);

/** Return whether the pipe can ever transfer (transfer.c); if it can, whether it can now. */
bool cst__pipe_has_transfer(const struct cst__pipe *pipe);
bool cst__pipe_may_transfer(const struct cst__pipe *pipe);

/**
 * Make a transfer, for a source that flows and has nothing buffered. Return CST_EMPTY if the source
 * has to be read instead, else the status of the transfer.
 */
cst_status cst__pipe_transfer(struct cst__pipe *pipe, cst_transfer *transfer);

/** Hand a chunk on to the pipe's destination, as its 'data' listener does. */
void cst__pipe_deliver(struct cst__pipe *pipe, const cst_slice *chunk);

/** React to the status of a write to dest: wait for 'drain', or destroy dest if a chunk is lost. */
void cst__pipe_written(struct cst__pipe *pipe, cst_status st);

/** Return a source's first listed pipe from l on, or of all (cst__pipe_find); if dest is not NULL,
 * only pipes to dest count. Return whether the source has exactly one. */
struct cst__pipe *cst__pipe_next(const struct cst__listener *l, const cst_stream *dest);
struct cst__pipe *cst__pipe_find(const cst_stream *source, const cst_stream *dest);
bool cst__has_one_pipe(const cst_stream *source);

/** Let a pipe leave the list of its source, unless it is still needed there. */
void cst__pipe_unhold(struct cst__pipe *pipe);

/** Let the source wait for the destination of a drain; end that; end it for each of its pipes to
 * dest, or for all its pipes if dest is NULL. */
void cst__await(struct cst__drain *drain);
void cst__await_over(struct cst__drain *drain);
void cst__await_over_all(cst_stream *source, const cst_stream *dest);

/** Pause the source until the pipe's destination drains. */
void cst__await_drain(struct cst__pipe *pipe);

/** Resume the source, unless it waits for a destination. */
void cst__resume_if_free(cst_stream *source);

/** Free the record that waits for 'drain'. */
void cst__drain_drop(struct cst__drain *drain);

/** Tell a pipe's listener of an event; that its stream is being freed; that it left the list. */
void cst__pipe_hear(struct cst__listener *l, const cst_event *event);
void cst__pipe_stream_freed(struct cst__listener *l);
void cst__pipe_unlinked(struct cst__listener *l);

/** Let s wait for no destination, since data was read. It stays paused. */
void cst__pipes_forget_awaited(cst_stream *s);

/** The task TASK_PIPE_END: end the destination of the oldest pipe that was made after 'end', and of
 * the pipes that have joined its task. */
void cst__run_pipe_end(cst_stream *s);

#endif

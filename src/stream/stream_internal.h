/*
 * stream_internal.h - what the files of the stream room owe one another.
 */
#ifndef CSTREAM_STREAM_INTERNAL_H
#define CSTREAM_STREAM_INTERNAL_H

#include "stream/layout.h"
#include "stream/pipe.h"

/* --- task.c ----------------------------------------------------------------------------------- */

/** Queues a task, for which the stream stays. False: a late one of this kind is noted already. */
bool cst__post_for(cst_stream *s, enum cst__task_kind kind);

/** The same for the kinds that cannot be noted; false where there is no room. */
bool cst__try_post(cst_stream *s, enum cst__task_kind kind, cst_status status);

/** The same for a link of somebody's own; cst__release(s) is its function's last act. */
static inline void cst__post_link(cst_stream *s, cst_task_link *link,
                                  void (*run)(cst_task_link *link))
{
    s->refs++;
    cst__post(s->ctx, link, run);
}

/*
 * With CST_CHECK defined (the sanitizer build does), both sides are checked whenever a slot has
 * been called, an event emitted or a task run.
 */
#ifdef CST_CHECK
void cst__stream_check(const cst_stream *s);
#else
static inline void cst__stream_check(const cst_stream *s)
{
    (void)s;
}
#endif

/* --- stream.c --------------------------------------------------------------------------------- */

/** Free the stream, if it has closed, nobody refers to it, and no slot owes an answer. */
void cst__stream_check_life(cst_stream *s);

/** Let one reference go. */
static inline void cst__release(cst_stream *s)
{
    CST__ASSERT(s->refs > 0 && !s->ctx->room.express);
    cst__stream_check(s);
    if (--s->refs == 0)
        cst__stream_check_life(s);
}

/* --- event.c ---------------------------------------------------------------------------------- */

static inline bool cst__listened(const cst_stream *s, cst_event_type type)
{
    return s->listened & EVENT_BIT(type);
}

/** Puts a record's own listener into the list. */
static inline void cst__listen(cst_stream *s, struct cst__listener *l, enum cst__listener_kind kind,
                               unsigned events, unsigned traits)
{
    struct cst__listener *first = s->listeners;

    *l = (struct cst__listener){ .prev = first ? first->prev : l,
                                 .events = (uint16_t)events,
                                 .kind = (uint8_t)kind,
                                 .traits = (uint8_t)traits };
    s->listened = (uint16_t)(s->listened | events);
    if (traits & LISTENER_FRONT)
        s->flags |= LISTENERS_FRONT;
    if (first) {
        first->prev->next = l;
        first->prev = l;
    } else {
        s->listeners = l;
    }
}

/** The same for one with a function; fn and arg are set. */
void cst__listen_fn(cst_stream *s, struct cst__fn_listener *l, unsigned events, unsigned traits);

/** Removes some of a listener's events; what is not listened to is ignored. */
void cst__unlisten(cst_stream *s, struct cst__listener *l, unsigned events);

/** The same for one event, not 'data' nor 'readable', that the listener is hearing at the moment.
 */
void cst__unlisten_heard(cst_stream *s, struct cst__listener *l, cst_event_type type);

/** What the others in a list listen to. */
static inline unsigned cst__listened_beside(const cst_stream *s, const struct cst__listener *l)
{
    unsigned listened = 0;

    for (const struct cst__listener *other = s->listeners; other; other = other->next)
        if (other != l)
            listened |= other->events;
    return listened;
}

/**
 * Takes one out of the list at once, whatever it listens to: no emission has still to call it. Its
 * record is the caller's; beside is what the others listen to. What the stream does when nobody
 * listens is the caller's too.
 */
void cst__unlink(cst_stream *s, struct cst__listener *l, unsigned beside);

/** Lets go of one that was held. */
void cst__unhold(cst_stream *s, struct cst__listener *l);

void cst__emit_event(cst_stream *s, const cst_event *event);
void cst__emit_heard(cst_stream *s, cst_event_type type); /* somebody listens */

/** Emits an event that says no more than its type. */
static inline void cst__emit(cst_stream *s, cst_event_type type)
{
    if (cst__listened(s, type))
        cst__emit_heard(s, type);
}

/** Keeps the shortcut to a sole 'data' listener true; to be called when 'data' listeners have
 * changed. */
void cst__data_listeners_changed(cst_stream *s);

/** Frees every listener; the library's own hear CST__EVENT_FREED. */
void cst__listeners_free(cst_stream *s);

/* --- slot.c ----------------------------------------------------------------------------------- */

/** Whether the stream must stay for an answer; whether one of them is that of the write in flight.
 */
static inline bool cst__owes_answer(const cst_stream *s)
{
    if ((s->flags & (W_EXPECTING | IS_TRANSFORM)) == W_EXPECTING && !(s->owed & WRITE_FORGOTTEN))
        return true;
    return (s->owed & ~WRITE_FORGOTTEN) != 0;
}

bool cst__owes_write(const cst_stream *s);

/** Public calls, by the rules alone. */
cst_call cst__this_call_general(cst_stream *s);
cst_status cst__complete_general(cst_call call, cst_status status);
cst_status cst__give_general(cst_stream *s, cst_slice chunk);

/**
 * For a ready-made stream whose slot will never answer, since Node's would not: the stream stays as
 * it is, with the call open, but is freed without the answer. The callbacks that wait for it are
 * called then.
 */
void cst__call_forget(cst_call call);

/** The slot has answered: it owes nothing any more. */
void cst__slot_answered(cst_stream *s, enum cst__slot slot);

/**
 * Call a slot, and return what it has returned; but for CST_PENDING it owes nothing then. read has
 * to be there, and what it gave is still to be taken.
 */
cst_status cst__call_read(cst_stream *s, size_t size);
cst_status cst__call_write(cst_stream *s, const cst_slice *chunk);
cst_status cst__call_writev(cst_stream *s, const cst_slice *chunks, size_t count);
cst_status cst__call_transfer(cst_stream *s, cst_transfer *transfer);
cst_status cst__call_final(cst_stream *s);
cst_status cst__call_flush(cst_stream *s, enum cst__slot slot, struct cst__given *given);
cst_status cst__call_construct(cst_stream *s);
cst_status cst__call_destroy(cst_stream *s, const cst_error *error);

/** Before and after a call of the slot of a transform. */
void cst__transform_slot_enter(struct cst__transform_call *call, cst_stream *s);
cst_status cst__transform_slot_leave(const struct cst__transform_call *call, cst_status status,
                                     struct cst__given *given);

/* --- readable.c ------------------------------------------------------------------------------- */

/** The side of a new stream, of bytes; the options may say otherwise. */
static inline void cst__readable_start(cst_stream *s, size_t high_water_mark)
{
    *cst__r(s) = (struct readable){ .high_water_mark = high_water_mark };
    if (!(s->flags & IS_TRANSFORM))
        s->flags |= R_SYNC; /* so that what is pushed before the first read is buffered */
}

/** Whether there is anything for it to let go of. */
static inline bool cst__readable_holds(const cst_stream *s)
{
    return cst__r(s)->buffer.items || cst__decodes(s);
}

void cst__readable_check(const cst_stream *s);

/** The public calls of the same names, by the rules alone. The chunk is taken. */
cst_status cst__push_general(cst_stream *s, cst_slice chunk);

/** Copy what cst_push_copy was called with. Where that fails the stream has failed. */
cst_status cst__copy_to_push(cst_slice *out, cst_stream *s, const void *bytes, size_t len);

/** cst_push: where the chunk is kept it is moved out of *chunk, else it stays the caller's. */
cst_status cst__push(cst_stream *s, cst_slice *chunk);
void cst__maybe_read_more(cst_stream *s);

/** Announce 'readable': a task emits it. */
void cst__announce_readable(cst_stream *s);

/** Hand a chunk to those that listen to 'data'. */
void cst__emit_data(cst_stream *s, const cst_slice *chunk);

/**
 * Node's read(). Gives whether there is a chunk; the caller owns it. out may be NULL where size is
 * 0. *why (if why is not NULL) says what stood in the way where memory did.
 */
bool cst__read_chunk(cst_stream *s, size_t size, cst_slice *out, cst_status *why);

/** The read slot has returned: push what it gave, or fail. */
void cst__read_returned(cst_stream *s, cst_status status);

/** The rest of a read of any size that has called the read slot, and heard its answer. n could be
 * taken before. */
bool cst__read_after_slot(cst_stream *s, size_t n, cst_slice *out);
void cst__push_eof(cst_stream *s);
void cst__pause(cst_stream *s);
void cst__resume(cst_stream *s);

/** Whether the bytes of a source in flow may go past its buffer, now or once that is empty; whether
 * now. */
bool cst__has_transfer(const cst_stream *s);
bool cst__may_transfer(const cst_stream *s);

/** Let the destination fetch bytes from the source. Return false if it cannot. */
bool cst__transfer(cst_stream *s);

/** Tasks. */
void cst__run_readable(cst_stream *s);
void cst__run_read_more(cst_stream *s);
void cst__run_resume(cst_stream *s);
void cst__run_end(cst_stream *s);
void cst__run_flow(cst_stream *s);
void cst__run_read(cst_stream *s);
void cst__run_mode(cst_stream *s);
void cst__run_auto_end(cst_stream *s);

/** What listening to 'data' and 'readable' does beside the list. */
void cst__data_listener_added(cst_stream *s);
void cst__data_listener_is(cst_stream *s, struct cst__pipe *sole); /* of the first, a pipe */
void cst__readable_listener_added(cst_stream *s);

/* --- decode.c --------------------------------------------------------------------------------- */

/** The text that a chunk completes, which may be empty. The stream decodes. CST_OK, CST_E_NOMEM. */
cst_status cst__decode(cst_stream *s, const cst_slice *chunk, cst_slice *text);

/** EOF: buffers what the decoder still holds. CST_OK, CST_E_NOMEM, CST_E_OUT_OF_RANGE. */
cst_status cst__decode_end(cst_stream *s);
void cst__decoder_free(cst_stream *s);

/** n, of not more than is buffered, and what is missing of the character that n bytes of the
 * buffered text end in. */
size_t cst__whole_characters(const cst_stream *s, size_t n);

/* --- writable.c ------------------------------------------------------------------------------- */

/** As cst__readable_start. What belongs to a write in flight has no value until there is one. */
static inline void cst__writable_start(cst_stream *s, size_t high_water_mark)
{
    struct writable *w = cst__w(s);

    w->queue = (cst_chain_row){ .items = NULL };
    w->length = 0;
    w->high_water_mark = high_water_mark;
    w->last_waiting = w->in_flight = w->tick = NULL;
    w->front = w->pending = 0;
    s->flags |= s->ops->write && !(s->flags & IS_TRANSFORM) ? ACTIVE | W_PLAIN : ACTIVE;
}

void cst__writable_fini(cst_stream *s);

/** Whether there is anything for it to let go of. */
static inline bool cst__writable_holds(const cst_stream *s)
{
    return cst__w(s)->queue.items || (s->flags & W_KEPT);
}

void cst__writable_check(const cst_stream *s);
cst_status cst__write(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg);

/** cst_write, by the rules alone. The chunk is taken. */
cst_status cst__write_general(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg);

/** Copy what cst_write_copy was called with. */
cst_status cst__copy_to_write(cst_slice *out, const cst_stream *s, const void *bytes, size_t len);

/** A write that came too late: its callback, where there is one, is told by a task, and the stream
 * fails with the status too, unless it was destroyed. Gives the status. */
cst_status cst__refuse_write(cst_stream *s, struct cst__request *request, cst_status status);

/** A write that fetches its bytes itself; for a side that may_transfer. Gives what the slot said.
 */
bool cst__writable_may_transfer(const cst_stream *s);
cst_status cst__writable_transfer(cst_stream *s, cst_transfer *transfer);
cst_status cst__end(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg);

/** The same where there is nothing to write, and nobody asks how it went. */
void cst__end_unasked(cst_stream *s);

/** The write in flight is answered, or fails: what follows? */
void cst__write_complete(cst_stream *s, cst_status status);

/** Begin a write that need not wait: it is in flight, and its slot is called. */
void cst__flight_start(cst_stream *s, const cst_slice *chunk, size_t len,
                       struct cst__request *request);

/** The slot of the write in flight has returned: keep the bytes if it has still to answer. */
void cst__flight_keep_bytes(cst_stream *s, const cst_slice *chunk);

/** Hand the queue over, if nothing holds it back. */
void cst__queue_clear(cst_stream *s);

/**
 * A write has completed later than its slot, which had no callback; the next one, of this chunk,
 * has begun, and its slot has returned status. The chunk is taken, and the rest of the queue goes
 * one by one, as it began: what the slot has written too.
 */
void cst__write_next_returned(cst_stream *s, cst_slice *chunk, cst_status status);

/** The slot of a write has returned `status`: the write is answered, or its bytes are kept until it
 * is. */
void cst__write_after_slot(cst_stream *s, const cst_slice *chunk, cst_status status);

/** Likewise the slot of a transform; given->chunk is released in between. */
void cst__write_after_transform(cst_stream *s, const cst_slice *chunk, cst_status status,
                                struct cst__given *given);
void cst__final_answered(cst_stream *s, cst_status status);
void cst__writable_destroying(cst_stream *s);

void cst__uncork(cst_stream *s);

/** Node's pendingcb: callbacks that are to come. */
size_t cst__writable_pending(const cst_stream *s);

/** A turn is over, and there are dormant streams (timeout.c). */
void cst__dormant_turn_over(cst_ctx *ctx);

/** Tasks. */
void cst__run_after_write(cst_stream *s);
void cst__run_write_failed(cst_stream *s, cst_status status);
void cst__run_fail_queue(cst_stream *s);

/** Calls every callback that the stream still owes: it is being freed. */
void cst__writable_settle(cst_stream *s);

/** Whether there are such. */
static inline bool cst__writable_owes(const cst_stream *s)
{
    return cst__w(s)->in_flight || cst__w(s)->last_waiting;
}

/* --- finish.c --------------------------------------------------------------------------------- */

/** Goes on towards 'finish' where nothing stands in the way. sync: 'finish' itself comes by a task.
 */
void cst__finish_maybe(cst_stream *s, bool sync);

/** Tasks. */
void cst__run_finish(cst_stream *s);
void cst__run_finish_if_still(cst_stream *s);

/* --- request.c -------------------------------------------------------------------------------- */

/** NULL where there is no memory. */
struct cst__request *cst__request_new(cst_stream *s, cst_done_fn *done, void *arg);

/** Puts one behind those that wait; its chunk, or of_end, is set. */
void cst__request_wait(struct writable *w, struct cst__request *request);

/** Takes out, as a list: the one of the chunk at the front of the queue; those of all chunks; those
 * of end. */
struct cst__request *cst__requests_take_front(struct writable *w);
struct cst__request *cst__requests_take_waiting(struct writable *w);
struct cst__request *cst__requests_take_ends(struct writable *w);

/** Calls the callbacks of a list, one after another, and frees it. NULL is fine. */
void cst__requests_call(cst_stream *s, struct cst__request *request, cst_status status);
void cst__requests_call_ends(cst_stream *s, cst_status status);

/** The same for one, by a task. */
void cst__request_post(cst_stream *s, struct cst__request *request, cst_status status);

/** The stream's error, or status where it has none. */
cst_status cst__failure_or(const cst_stream *s, cst_status status);

/* --- transform.c ------------------------------------------------------------------------------ */

/** Return whether the write of a transform may complete: there is room, or never will be. Else its
 * completion is kept. mark is how much was buffered before. */
bool cst__transform_settle(cst_stream *s, size_t mark);

/**
 * Call the slot of a transform, or pass a chunk through. Return what the write is answered with, or
 * CST_PENDING: by somebody later. given->chunk is to be released when that has been taken.
 */
cst_status cst__transform_write(cst_stream *s, const cst_slice *chunk, struct cst__given *given);

/** Likewise, when the slot has returned `status`; when it is answered, with a chunk to push or
 * NULL. */
cst_status cst__transform_returned(const struct cst__transform_call *call, cst_status status,
                                   struct cst__given *given);
cst_status cst__transform_answered(cst_stream *s, cst_status status, cst_slice *chunk, size_t mark);
void cst__flush_answered(cst_stream *s, enum cst__slot slot, cst_status status, cst_slice *chunk);

/* --- destroy.c -------------------------------------------------------------------------------- */

/** The error that a failure on one side of s amounts to. */
cst_error cst__error_here(const cst_stream *s, cst_status status, cst_direction direction);

void cst__set_errored(cst_stream *s, const cst_error *error);
void cst__destroy(cst_stream *s, const cst_error *error);

/** Let error be the reason of the destroy that is under way: 'error' is emitted with it. */
void cst__destroy_for(cst_stream *s, const cst_error *error);

/** Forget the error of a destroyed stream that completing one of its calls has recorded. */
void cst__forget_error(cst_stream *s);

void cst__error_or_destroy(cst_stream *s, const cst_error *error, bool sync);
void cst__construct_start(cst_stream *s);
void cst__run_construct(cst_stream *s);
void cst__construct_answered(cst_stream *s, cst_status status);
void cst__destroy_answered(cst_stream *s, cst_status status);

/** Call the destroy slot, with what the stream was destroyed with. */
void cst__destroy_by_slot(cst_stream *s);

/** Tasks. */
void cst__run_error(cst_stream *s);
void cst__run_close(cst_stream *s);
void cst__run_constructed(cst_stream *s, cst_status status);
void cst__run_constructed_again(cst_stream *s, cst_status status);

/* --- pipe.c ----------------------------------------------------------------------------------- */

/** cst_pipe in two steps, for streams that fit: memory first (NULL where there is none), then
 * nothing can fail. */
struct cst__pipe *cst__pipe_new(cst_stream *source, cst_stream *dest, bool no_end);
void cst__pipe_connect(struct cst__pipe *pipe);

/** Frees a record that was not connected. NULL is fine. */
void cst__pipe_discard(struct cst__pipe *pipe);

/**
 * The way past the buffers, for a source that flows and has nothing buffered. CST_OK, CST_PENDING
 * and failures: a transfer was made; CST_EMPTY: the source has to be read.
 */
bool cst__pipe_has_transfer(const struct cst__pipe *pipe); /* at some time, if not now */
bool cst__pipe_may_transfer(const struct cst__pipe *pipe); /* now; of those */
cst_status cst__pipe_transfer(struct cst__pipe *pipe, cst_transfer *transfer);

/** Hands a chunk on to the pipe's destination: what its 'data' listener does. */
void cst__pipe_deliver(struct cst__pipe *pipe, const cst_slice *chunk);

/** What the destination said to a chunk. */
void cst__pipe_heed(struct cst__pipe *pipe, cst_status st);

/** The next of Node's pipes of a source, from l on, to dest unless that is NULL; the first one;
 * whether there is just one. */
struct cst__pipe *cst__pipe_next(const struct cst__listener *l, const cst_stream *dest);
struct cst__pipe *cst__pipe_find(const cst_stream *source, const cst_stream *dest);
bool cst__has_one_pipe(const cst_stream *source);

/** Let a pipe go from the list of its source, unless it is wanted there. */
void cst__pipe_unhold(struct cst__pipe *pipe);

/** The source waits for a destination; does not any more; for none of dest's, or for none at all if
 * that is NULL. */
void cst__await(struct cst__drain *drain);
void cst__await_over(struct cst__drain *drain);
void cst__await_over_all(cst_stream *source, const cst_stream *dest);

/** Pause the source until the pipe's destination drains. */
void cst__await_drain(struct cst__pipe *pipe);

/** Resume the source, unless it waits for a destination. */
void cst__resume_if_free(cst_stream *source);

/** Free the record that waits for 'drain'. */
void cst__drain_drop(struct cst__drain *drain);

/** What such listeners do: an event, their stream's end, and that they have left its list. */
void cst__pipe_hear(struct cst__listener *l, const cst_event *event);
void cst__pipe_stream_freed(struct cst__listener *l);
void cst__pipe_unlinked(struct cst__listener *l);

/** Read data un-blocks the bookkeeping of the pipes (not the pause). */
void cst__pipes_forget_awaited(cst_stream *s);

/** A task: the oldest pipe that was made after 'end' ends its destination, and those that joined it
 * theirs. */
void cst__run_pipe_end(cst_stream *s);

#endif

/*
 * writable.h - the writable side: where chunks go in.
 *
 * A chunk that is written goes to the write slot at once if the slot is idle. Otherwise it waits in
 * a queue. When the queue has reached the highWaterMark, cst_write returns CST_FULL: write no more
 * before 'drain'.
 *
 *          cst_end()         final answered             task
 *   OPEN ------------> ENDING ------------> PREFINISHED ------> FINISHED, 'finish'
 *
 * Node: stream.Writable, whose names these are.
 */
#ifndef CSTREAM_WRITABLE_H
#define CSTREAM_WRITABLE_H

#include "event.h"

/**
 * Make a sink. It must have the slot write or writev. Form and results are in stream.h.
 * Node: new Writable.
 */
CST_API cst_status cst_writable_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                    const void *self, const cst_opts *opts);

/* --- writing ---------------------------------------------------------------------------------- */

/**
 * Queue a chunk for the sink. Node: write.
 *
 * chunk      0 or more bytes, taken. An empty chunk is written in its turn too.
 * done, arg  called exactly once, when the sink has consumed the chunk or the chunk is lost; may be
 *            NULL. Not called after the last three results below. Writes that complete inside their
 *            slot and have the same done and arg share one task.
 *
 * CST_OK                 accepted; the queue is below its highWaterMark
 * CST_FULL               accepted, but write no more before 'drain'; or the stream has failed
 *                        meanwhile, and done gets the reason
 * CST_E_WRITE_AFTER_END  refused: cst_end was called before. done gets this code, and so does
 *                        'error'. If no_half_open has ended the side, the code may be
 *                        cst_ops.write_after_peer_end.
 * CST_E_DESTROYED        refused: the stream was destroyed before. done gets this code; there is no
 *                        'error'.
 * CST_E_OUT_OF_RANGE     refused: the bytes queued would not fit a size_t. Nothing has changed.
 * CST_E_INVALID_ARG      refused: s is NULL or has no writable side. Nothing has changed.
 * CST_E_NOMEM            refused: no memory for the entry of the queue. Nothing has changed.
 *
 * Re-entrancy: may run the write slot before it returns, unless a write is in flight, the stream is
 * corked or under construction. In a transform this may reach 'data' listeners and the next stages.
 * done and 'drain' come later: by a task, or when the slot's call is completed.
 */
CST_API cst_status cst_write(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg);

/**
 * Write a chunk if there is room, as cst_write does; otherwise leave it to the caller. So what is
 * queued never exceeds the highWaterMark by more than the last chunk, whatever the caller does.
 *
 * chunk  taken, and emptied, if the result is CST_OK or CST_FULL. With every other result it is as
 *        it was, done is not called, and there is no 'error'.
 *
 * CST_OK, CST_FULL  accepted, as by cst_write
 * CST_REFUSED       a 'drain' is due: try again when it has come
 * failures          those of cst_write; also CST_E_INVALID_ARG if chunk is NULL
 *
 * Re-entrancy as cst_write; *chunk is emptied last, so it must still be there. Node's streams have
 * no such call; the nearest is writeSync in stream/iter.
 */
CST_API cst_status cst_try_write(cst_stream *s, cst_slice *chunk, cst_done_fn *done, void *arg);

/**
 * Write a copy of len bytes of the caller's, as cst_write does. CST_E_NOMEM if there is no memory
 * for the copy. Copies of up to 1,024 bytes lie side by side in blocks of 16 KiB, which the context
 * reuses: who keeps one for long may want cst_slice_compact.
 */
CST_API cst_status cst_write_copy(cst_stream *s, const void *bytes, size_t len, cst_done_fn *done,
                                  void *arg);

/* --- ending ----------------------------------------------------------------------------------- */

/**
 * Say that no chunk follows. When everything is written the final slot runs, then 'finish' is
 * emitted. Undoes every cork. Node: end.
 *
 * done, arg  called exactly once: just before 'finish', or with the reason why 'finish' will not
 *            come; may be NULL. Not called after the last two results below.
 *
 * CST_OK                  accepted; a second end before 'finish' is accepted too
 * CST_E_ALREADY_FINISHED  'finish' has come already; done gets this code
 * CST_E_DESTROYED         the stream was destroyed, and ended before; done gets this code. The
 *                         first end after a destroy returns CST_OK, and its done is called when the
 *                         stream is freed. Node never calls it.
 * CST_E_NOMEM             no memory for done. Nothing has changed.
 * CST_E_INVALID_ARG       s is NULL or has no writable side. Nothing has changed.
 *
 * Re-entrancy: may run the write, writev and final slots and 'prefinish' before it returns.
 */
CST_API cst_status cst_end(cst_stream *s, cst_done_fn *done, void *arg);

/**
 * Write a last chunk (taken), then end. done is the end's. Node: end(chunk).
 *
 * Results as of cst_end, and
 * CST_E_WRITE_AFTER_END  cst_end was called before; done and 'error' get this code
 * CST_E_OUT_OF_RANGE     as cst_write. Nothing has changed.
 */
CST_API cst_status cst_end_with(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg);

/**
 * Write a copy of len bytes of the caller's, then end, as cst_end_with does. If there is no memory
 * for the copy (CST_E_NOMEM), or bytes is NULL and len is not 0 (CST_E_INVALID_ARG), nothing has
 * changed.
 */
CST_API cst_status cst_end_copy(cst_stream *s, const void *bytes, size_t len, cst_done_fn *done,
                                void *arg);

/* --- throwing away ---------------------------------------------------------------------------- */

/**
 * Throw away the chunks that wait in the queue: "stop sending that, send this". The write in flight
 * goes on; so does what a transform has made of earlier chunks. Node has no such call.
 *
 * bytes  gets the sum of their lengths, also in object mode; may be NULL
 * why    what their callbacks get, by a task, in order; negative. Then 'drain' comes, if it was due
 *        and nothing is in flight. Corks stay. The stream has not failed.
 *
 * CST_OK                 they are gone
 * CST_EMPTY              nothing waits
 * CST_E_WRITE_AFTER_END  cst_end was called before: cut short, the stream would finish as if it
 *                        were whole. Nothing has changed.
 * CST_E_DESTROYED        the stream was destroyed, and loses them by itself
 * CST_E_INVALID_ARG      s is NULL or has no writable side, or why is not negative
 *
 * Unless it is CST_OK, *bytes is untouched. Re-entrancy: runs release functions of slices alone.
 */
CST_API cst_status cst_discard(size_t *bytes, cst_stream *s, cst_status why);

/* --- corking ---------------------------------------------------------------------------------- */

/**
 * Cork the stream: hold writes in the queue, so that the sink gets them together. They go on when
 * cst_uncork was called as often as cst_cork, or cst_end was called. CST_OK, CST_E_INVALID_ARG.
 * Node: cork, uncork.
 *
 * Re-entrancy: the last uncork runs the write or writev slot before it returns.
 */
CST_API cst_status cst_cork(cst_stream *s);
CST_API cst_status cst_uncork(cst_stream *s);

/* --- state, under Node's names: false or 0 if there is no writable side ----------------------- */

/** Return how many bytes, or messages, were accepted but not completed. Node: writableLength. */
CST_API size_t cst_writable_length(const cst_stream *s);

/** Node: writableHighWaterMark. */
CST_API size_t cst_writable_high_water_mark(const cst_stream *s);

/** Node: writableObjectMode. */
CST_API bool cst_writable_object_mode(const cst_stream *s);

/** Return whether 'drain' is due. Node: writableNeedDrain. */
CST_API bool cst_writable_need_drain(const cst_stream *s);

/** Return how many uncorks are missing. Node: writableCorked. */
CST_API size_t cst_writable_corked(const cst_stream *s);

/** Return whether cst_end was called. Node: writableEnded. */
CST_API bool cst_writable_ended(const cst_stream *s);

/** Return whether 'finish' was emitted, or is just about to be. Node: writableFinished. */
CST_API bool cst_writable_finished(const cst_stream *s);

/**
 * Return whether the stream was destroyed or has failed before 'finish'. As in Node it is false for
 * streams with both sides. Node: writableAborted.
 */
CST_API bool cst_writable_aborted(const cst_stream *s);

/** Return whether cst_write would be accepted. Node: writable. */
CST_API bool cst_is_writable(const cst_stream *s);

#endif

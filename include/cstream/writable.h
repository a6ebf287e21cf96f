/*
 * writable.h - the writable side: where chunks go in.
 *
 * A chunk that is written goes to the write slot at once, where that is idle; else it waits in a queue, and when the
 * queue has reached the highWaterMark, cst_write says CST_FULL: hold until 'drain'.
 *
 *          cst_end()         final answered             task
 *   OPEN ------------> ENDING ------------> PREFINISHED ------> FINISHED, 'finish'
 *
 * Node: stream.Writable, whose names these are.
 */
#ifndef CSTREAM_WRITABLE_H
#define CSTREAM_WRITABLE_H

#include "event.h"

/** A sink. It must have the slot write or writev. See stream.h for the form. Node: new Writable. */
CST_API cst_status cst_writable_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                    const void *self, const cst_opts *opts);

/**
 * Queues a chunk for the sink. Node: write.
 *
 * chunk      0 or more bytes, taken. An empty chunk completes in order.
 * done, arg  called exactly once, when the sink has consumed the chunk or it is lost, save for the last two results
 *            below; may be NULL. Writes with the same done and arg that complete inside their slot share one task.
 *
 * CST_OK                  accepted; the queue is below its highWaterMark
 * CST_FULL                accepted too, but hold further writes until 'drain', or the stream has failed meanwhile and
 *                         done gets the reason
 * CST_E_WRITE_AFTER_END   refused: cst_end was called before; done gets the same code, and so does 'error'. On a stream that
 *                         no_half_open has ended it may be another one: cst_ops.write_after_peer_end
 * CST_E_DESTROYED         likewise, after cst_destroy, without 'error'
 * CST_E_INVALID_ARG       s is NULL or has no writable side: done will not run, nothing has changed
 * CST_E_OUT_OF_RANGE      the bytes queued would not fit a size_t: likewise
 * CST_E_NOMEM             no room for the queue entry: done will not run, the stream stays usable
 *
 * Re-entrancy: may call the write slot before it returns, unless a write is outstanding, the stream is corked or under
 * construction; on a transform this may reach 'data' listeners and the next stages. Its own done and 'drain' come
 * later: by a task, or when the slot is completed.
 */
CST_API cst_status cst_write(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg);

/** The same with a copy of len bytes of the caller's. CST_E_NOMEM where there is none for the copy. Copies of up to
 * 1,024 bytes lie side by side in blocks of 16 KiB that the context uses again: who keeps one for long may want
 * cst_slice_compact. */
CST_API cst_status cst_write_copy(cst_stream *s, const void *bytes, size_t len, cst_done_fn *done,
                                  void *arg);

/**
 * No chunk will follow: when all is written, final runs, then 'finish'. Undoes every cork. Node: end.
 *
 * done, arg  called exactly once unless refused at the door: just before 'finish', or with the reason why that will not
 *            come; may be NULL
 *
 * CST_OK                    so it is; a second end before 'finish' is no error either
 * CST_E_ALREADY_FINISHED    'finish' has come already; done gets the same
 * CST_E_DESTROYED           destroyed and ended before; done gets the same. The first end after a destroy is answered
 *                           with CST_OK, and its done is called when the stream is freed: Node never calls it
 * CST_E_NOMEM               nothing has changed, done will not run
 * CST_E_INVALID_ARG         s is NULL or has no writable side; likewise
 *
 * Re-entrancy: may run the write, writev and final slots and 'prefinish' before it returns.
 */
CST_API cst_status cst_end(cst_stream *s, cst_done_fn *done, void *arg);

/** Writes a last chunk (taken), then ends. Also CST_E_WRITE_AFTER_END, and CST_E_OUT_OF_RANGE as cst_write: nothing has
 * changed then, done will not run. Node: end(chunk). */
CST_API cst_status cst_end_with(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg);

/** The same with a copy of len bytes of the caller's. CST_E_NOMEM where there is none for the copy: nothing has changed. */
CST_API cst_status cst_end_copy(cst_stream *s, const void *bytes, size_t len, cst_done_fn *done,
                                void *arg);

/** Holds writes in the queue until as many uncorks, so that the sink gets them together. Node: cork, uncork.
 * Re-entrancy: the last uncork runs the write or writev slot before it returns. */
CST_API cst_status cst_cork(cst_stream *s);
CST_API cst_status cst_uncork(cst_stream *s);

/* The state, under Node's names. For a stream without a writable side: false or 0. */
CST_API size_t cst_writable_length(const cst_stream *s); /* writableLength: bytes accepted and not yet completed */
CST_API size_t cst_writable_high_water_mark(const cst_stream *s);
CST_API bool cst_writable_object_mode(const cst_stream *s);
CST_API bool cst_writable_need_drain(const cst_stream *s); /* writableNeedDrain: 'drain' is to come */
CST_API size_t cst_writable_corked(const cst_stream *s);   /* writableCorked: uncorks to go */
CST_API bool cst_writable_ended(const cst_stream *s);      /* writableEnded: cst_end was called */
CST_API bool cst_writable_finished(const cst_stream *s);   /* writableFinished: just before 'finish' */
CST_API bool cst_writable_aborted(const cst_stream *s);    /* writableAborted: destroyed or failed before 'finish'; false, as in Node, for streams with both sides */
CST_API bool cst_is_writable(const cst_stream *s);         /* writable: cst_write would be accepted */

#endif

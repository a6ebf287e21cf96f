/*
 * join.h - joining streams: pipes, pipelines, and being told how they came out.
 *
 *     cst_pipe               from one stream into another, with backpressure
 *     cst_pipeline           several streams as one: errors are passed on, everything is cleaned up
 *     cst_finished           tells when one stream is over
 *     cst_abort_attach       a switch that destroys any number of streams
 *     cst_compose_new        several streams behind one handle: a filter made of filters
 *     cst_duplex_pair_new    two duplexes, back to back
 */
#ifndef CSTREAM_JOIN_H
#define CSTREAM_JOIN_H

#include "duplex.h"

/* --- pipe ------------------------------------------------------------------------------------- */

/*
 *     source --'data'--> cst_write(dest) --CST_FULL--> cst_pause(source)
 *                                        dest 'drain' --> cst_resume(source)
 *
 * At most the two highWaterMarks are held in memory, and a chunk beyond each, however slow the
 * destination is.
 */

/**
 * Options of a pipe; zeroes are Node's defaults.
 *
 * no_end  leave the destination open when the source ends. Node: { end: false }
 */
typedef struct cst_pipe_opts {
    bool no_end;
    uintptr_t reserved[3];
} cst_pipe_opts;

/**
 * Connect source to dest and start the flow, by a task. A source may have several destinations:
 * each gets every chunk, and the slowest one sets the pace. Node: pipe.
 *
 * When the source ends, dest is ended, unless no_end or dest's own no_pipe_end (stream.h) is set.
 * When dest closes, fails or finishes, it is unpiped. An error of one stream is not passed on to
 * the other; cst_pipeline does that.
 *
 * As in Node, cst_pipe does not ask whether dest still takes chunks (cst_is_writable). If dest has
 * ended, the first chunk is a write after end: dest fails, and 'error' says so. If dest was
 * destroyed, as a stream is after 'finish', the first chunk is lost and the source stays paused.
 * Nothing is emitted then, since the destroy was told before. cst_pipeline refuses such a stream.
 *
 * opts  may be NULL
 *
 * CST_OK             connected
 * CST_E_NOMEM        nothing has changed
 * CST_E_INVALID_ARG  source has no readable side, dest no writable side, one of them is NULL, or
 *                    their contexts differ
 *
 * Re-entrancy: emits 'pipe' on dest before it returns.
 */
CST_API cst_status cst_pipe(cst_stream *source, cst_stream *dest, const cst_pipe_opts *opts);

/**
 * Undo one cst_pipe; if dest is NULL, all of source's. A source that has no destination left is
 * paused. Node: unpipe.
 *
 * CST_OK             undone
 * CST_EMPTY          they are not connected
 * CST_E_INVALID_ARG  source is NULL or has no readable side
 *
 * Re-entrancy: emits 'pause' on source and 'unpipe' on dest before it returns.
 */
CST_API cst_status cst_unpipe(cst_stream *source, cst_stream *dest);

/**
 * Return a destination that has returned CST_FULL and whose 'drain' the pipes of source wait for;
 * NULL if they wait for none. Borrowed, and valid until the library is called again.
 */
CST_API cst_stream *cst_pipe_waits_for(const cst_stream *source);

/* --- abort ------------------------------------------------------------------------------------ */

/** A switch that destroys the streams attached to it with CST_E_ABORT. Node: AbortController. */
typedef struct cst_abort cst_abort;

/**
 * Make a switch that has not fired. Node: new AbortController.
 *
 * CST_OK             *out is the caller's reference, to be dropped before the context is freed
 * CST_E_NOMEM        *out is untouched
 * CST_E_INVALID_ARG  out or ctx is NULL
 */
CST_API cst_status cst_abort_new(cst_abort **out, cst_ctx *ctx);

/** Add a reference and return abort. NULL is fine. */
CST_API cst_abort *cst_abort_ref(cst_abort *abort);

/** Drop a reference. What is attached stays attached. NULL is fine. */
CST_API void cst_abort_unref(cst_abort *abort);

/**
 * Attach s: when the switch fires, s is destroyed with CST_E_ABORT. If it has fired before, s is
 * destroyed now. A stream that has ended by then is left alone. Node: addAbortSignal.
 *
 * CST_OK             attached, or destroyed
 * CST_E_NOMEM        nothing has changed
 * CST_E_INVALID_ARG  an argument is NULL, or their contexts differ
 */
CST_API cst_status cst_abort_attach(cst_abort *abort, cst_stream *s);

/**
 * Detach s: undo the last cst_abort_attach of s to this switch that was not undone yet. Node has no
 * such call.
 *
 * CST_OK             detached
 * CST_EMPTY          s is not attached: it never was, it is over, or the switch has fired
 * CST_E_INVALID_ARG  an argument is NULL, or their contexts differ
 */
CST_API cst_status cst_abort_detach(cst_abort *abort, cst_stream *s);

/**
 * Fire the switch. A second call does nothing. CST_OK, CST_E_INVALID_ARG.
 *
 * Re-entrancy: runs destroy slots before it returns.
 */
CST_API cst_status cst_abort_fire(cst_abort *abort);

/** Return whether the switch has fired. Node: signal.aborted. */
CST_API bool cst_abort_fired(const cst_abort *abort);

/* --- pipeline --------------------------------------------------------------------------------- */

/** Tells how a pipeline or a stream came out. error is borrowed; NULL for success. */
typedef void cst_outcome_fn(const cst_error *error, void *arg);

/**
 * Options of a pipeline; zeroes are Node's defaults.
 *
 * signal  when it fires, every stream is destroyed with CST_E_ABORT, and done gets that error.
 *         Borrowed for the call.
 * no_end  leave the last stream open. done is then called when its source has ended.
 *         Node: { end: false }
 */
typedef struct cst_pipeline_opts {
    cst_abort *signal;
    bool no_end;
    uintptr_t reserved[3];
} cst_pipeline_opts;

/**
 * Pipe streams[0] into streams[1] and so on. If one of them fails or closes too early, all are
 * destroyed with its error. A last stream with no_pipe_end (stream.h) is neither ended nor
 * destroyed: done is called when everything that came was written, and the stream serves the next.
 * Node: stream.pipeline.
 *
 * streams, count  at least two; borrowed for the call
 * opts            may be NULL
 * done, arg       called by a task, exactly once, when every stream has done its part; may be NULL.
 *                 Not called after a failure below, but see CST_E_UNABLE_TO_PIPE.
 *
 * In one case Node never calls done: if the source is destroyed without an error between EOF and
 * 'end'. Here done is then called by a task when the last of the streams has been freed, or in
 * cst_ctx_free while handles are still valid. It gets the error that was met, or
 * CST_E_PREMATURE_CLOSE. The other streams are not destroyed in this case, as in Node.
 *
 * CST_OK                under way
 * CST_E_UNABLE_TO_PIPE  a stream after the first is destroyed already. As in Node nothing is
 *                       undone. If it is the fourth or a later one, the pairs before its
 *                       predecessor are connected, and done is called as for a pipeline of these
 *                       alone. Otherwise done is not called.
 * CST_E_NOMEM           nothing has changed
 * CST_E_INVALID_ARG     fewer than two streams, one is NULL or lacks the side it needs, or their
 *                       contexts differ
 *
 * Re-entrancy: emits 'pipe' on each destination before it returns.
 */
CST_API cst_status cst_pipeline(cst_stream *const *streams, size_t count,
                                const cst_pipeline_opts *opts, cst_outcome_fn *done, void *arg);

/* --- finished --------------------------------------------------------------------------------- */

/**
 * Options of cst_finished; zeroes are Node's defaults: wait for every side that the stream has, and
 * for errors.
 *
 * no_readable, no_writable  do not wait for this side
 * no_error                  do not listen to 'error'. An error is still told when the stream
 * closes.
 * signal                    when it fires before the outcome is known, done gets CST_E_ABORT at
 *                           once; the stream goes on. Borrowed for the call.
 */
typedef struct cst_finished_opts {
    bool no_readable;
    bool no_writable;
    bool no_error;
    cst_abort *signal;
    uintptr_t reserved[3];
} cst_finished_opts;

/**
 * Call done once, when s has ended, finished, failed or closed too early (CST_E_PREMATURE_CLOSE).
 * If it has done so already, the outcome is fixed now and told by a task. Node: stream.finished.
 *
 * In some cases Node never calls done, for instance for a destroy with no_emit_close. Here done is
 * then called by a task when s has been freed, or in cst_ctx_free while handles are still valid. It
 * gets the error of s, or CST_E_PREMATURE_CLOSE.
 *
 * opts  may be NULL
 *
 * CST_OK             done will be called
 * CST_E_NOMEM        nothing has changed
 * CST_E_INVALID_ARG  s or done is NULL
 */
CST_API cst_status cst_finished(cst_stream *s, const cst_finished_opts *opts, cst_outcome_fn *done,
                                void *arg);

/**
 * Undo the last cst_finished of s with this done and arg: done is not called. If done was called
 * already, remove the listeners that cst_finished leaves on s, as in Node, so that a later 'error'
 * is unhandled again. Node: the function that finished returns, and its option cleanup.
 *
 * CST_OK             undone
 * CST_EMPTY          there is none, or each was undone before
 * CST_E_INVALID_ARG  s or done is NULL
 */
CST_API cst_status cst_finished_cancel(cst_stream *s, cst_outcome_fn *done, void *arg);

/* --- compose ---------------------------------------------------------------------------------- */

/*
 * A composition is a duplex in front of a row of streams.
 *
 *                  +---------------------- composition -----------------------+
 *     cst_write -->| first stream --> ... --> last stream --'data'--> buffer |--> 'data', cst_read
 *                  +---------------------------------------------------------+
 *
 * What is written goes to the first stream; what comes out of the last one is what is read. Inside,
 * a cst_pipeline joins them. A composition can stand wherever a duplex can: in a pipe, in a
 * pipeline, or in another composition, as deep as memory lasts; the stack is bounded
 * (nesting_limit, ctx.h).
 *
 * Flow. A write is completed when the first stream has taken the chunk and has room for more, else
 * at its 'drain'. The last stream is read by 'data'. It is paused while the composition's readable
 * side is full, and resumed by its read.
 *
 * Ends. cst_end ends the first stream; 'finish' comes when the last one is over. The last stream's
 * 'end' is the composition's EOF. If the last stream is over before cst_end was called, 'finish'
 * does not come, as in Node: such a composition stays until it is destroyed. A last stream with
 * no_pipe_end (stream.h) is left open if all goes well: 'finish' then comes when everything is
 * written.
 *
 * Errors. If one of the streams fails or closes too early, all are destroyed, and the composition
 * with them. Its error names the stage where it arose. An error of the last stream counts even
 * after the pipeline inside has come out well; Node loses it.
 *
 * Destroy. Destroying the composition destroys all streams, with its error or with CST_E_ABORT. It
 * closes when they have closed, and its 'error' is theirs; so a cst_destroy with CST_OK before the
 * end is told as CST_E_ABORT. Writes and ends that are open then get CST_E_DESTROYED or that error,
 * also if the first stream has taken the chunk by then; Node never calls them. So does a write that
 * the first stream has refused.
 *
 * Early exit. A stream inside that needs no more input (stages.h, "Early exit") lets go of those
 * before it, the first one included. Then the composition needs no more either: as a stage of a
 * pipeline it lets go of what comes before it, and it closes when its readable side has ended,
 * without 'finish' unless cst_end was called.
 */

/**
 * Join streams[0] to streams[count - 1] behind one duplex. Node: stream.compose.
 *
 * The duplex has a writable side if the first stream is writable, and a readable side if the last
 * one is readable. A side that is missing is there but ended from the start (cst_opts.no_readable,
 * no_writable). A source may come first and a sink last: with both, the handle closes when the
 * transfer is over. One stream alone is its own composition: *out is another reference to it, and
 * opts are ignored.
 *
 * streams, count  borrowed for the call. The composition takes no reference and needs none: the
 *                 caller may cst_unref the streams afterwards; they stay until they have closed.
 *                 Nobody else may read, write or pipe them.
 * opts            of the composition's own two sides; may be NULL. Ignored are the sides, and
 *                 object mode: the writable side has that of the first stream, the readable side
 *                 that of the last.
 *
 * CST_OK                *out is the caller's one reference
 * CST_E_NOMEM           the streams are unchanged
 * CST_E_INVALID_ARG     out or streams is NULL, count is 0, a stream is NULL or of another context,
 *                       one but the last is not readable, or one but the first is not writable
 *                       (cst_is_readable, cst_is_writable; a destroyed stream is neither)
 * CST_E_UNABLE_TO_PIPE  a listener to 'pipe' destroyed one of them meanwhile: as cst_pipeline
 * CST_E_DESTROYED       the context is being freed
 *
 * Re-entrancy: emits 'pipe' on each stream but the first before it returns.
 */
CST_API cst_status cst_compose_new(cst_stream **out, cst_stream *const *streams, size_t count,
                                   const cst_opts *opts);

/* --- pairs ------------------------------------------------------------------------------------ */

/**
 * Make two duplexes, back to back: what is written to one comes out of the other. Both get these
 * options. A write is completed when the other side asks for more. Ending one ends the other's
 * readable side. Destroying one gives the other EOF; destroying it with an error destroys the
 * other, without the error. *a and *b are each the caller's one reference; results are in stream.h.
 * Node: duplexPair.
 */
CST_API cst_status cst_duplex_pair_new(cst_stream **a, cst_stream **b, cst_ctx *ctx,
                                       const cst_opts *opts);

#endif

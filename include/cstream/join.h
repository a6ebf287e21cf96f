/*
 * join.h - joining streams: pipe, pipeline, finished, abort, compose, and duplex pairs.
 */
#ifndef CSTREAM_JOIN_H
#define CSTREAM_JOIN_H

#include "duplex.h"

/*
 * one switch that destroys any number of streams with CST_E_ABORT.
 *
 * Node: AbortController and addAbortSignal.
 */

typedef struct cst_abort cst_abort;

/** A switch, not yet thrown. CST_OK (*out is the caller's, to be let go of before its context is freed), CST_E_NOMEM,
 * CST_E_INVALID_ARG. */
CST_API cst_status cst_abort_new(cst_abort **out, cst_ctx *ctx);

/** One more reference; gives abort back. NULL is fine. */
CST_API cst_abort *cst_abort_ref(cst_abort *abort);

/** Lets go of a reference. What is attached stays attached. NULL is fine. */
CST_API void cst_abort_unref(cst_abort *abort);

/**
 * Destroys s with CST_E_ABORT when the switch is thrown, now if it was thrown before; not when s has ended by then.
 * Node: addAbortSignal.
 *
 * CST_OK, CST_E_NOMEM (nothing has changed), CST_E_INVALID_ARG (NULL, or of another context)
 */
CST_API cst_status cst_abort_attach(cst_abort *abort, cst_stream *s);

/** Undoes the latest cst_abort_attach of s to this switch that is not undone yet: the switch leaves s alone.
 *
 * CST_OK, CST_EMPTY (s is not attached, has ended, or the switch was thrown), CST_E_INVALID_ARG (NULL, or of another context) */
CST_API cst_status cst_abort_detach(cst_abort *abort, cst_stream *s);

/** Throws the switch; again it does nothing. Re-entrancy: runs destroy slots before it returns. */
CST_API cst_status cst_abort_fire(cst_abort *abort);

/** Whether it was thrown. Node: signal.aborted. */
CST_API bool cst_abort_fired(const cst_abort *abort);

/*
 * from a readable side into a writable side, with backpressure.
 *
 *     source --'data'--> cst_write(dest) --CST_FULL--> cst_pause(source) ... dest 'drain' --> cst_resume(source)
 *
 * At most the two highWaterMarks and one chunk are held in memory, however slow the destination. Node: pipe, unpipe.
 */

/** Zeroes are Node's defaults. no_end: leave the destination open when the source ends. Node: { end: false } */
typedef struct cst_pipe_opts {
    bool no_end;
    uintptr_t reserved[3];
} cst_pipe_opts;

/**
 * Connects source to dest and starts the flow (by a task). A source may have several destinations: each gets every chunk,
 * and the slowest sets the pace. When the source ends, dest is ended, unless no_end or its own no_pipe_end (stream.h); when
 * dest closes, fails or finishes, it is unpiped. An error of one is not passed on to the other: cst_pipeline does that. opts
 * may be NULL.
 *
 * As in Node nobody asks whether dest still takes chunks (cst_is_writable says so). Into one that has ended, the first chunk
 * is a write after end: dest fails with that, and 'error' says so. Into one that was destroyed, which a stream is also after
 * 'finish', the first chunk is lost, and the source stays paused: nothing is emitted, since the destroy was told already.
 * cst_pipeline refuses such a stream.
 *
 * CST_OK             connected
 * CST_E_NOMEM        nothing has changed
 * CST_E_INVALID_ARG  source has no readable side, dest no writable side, or they are of different contexts
 *
 * Re-entrancy: 'pipe' is emitted on dest before it returns.
 */
CST_API cst_status cst_pipe(cst_stream *source, cst_stream *dest, const cst_pipe_opts *opts);

/**
 * Undoes one cst_pipe; dest NULL: all of source's. A source whose last destination goes is paused.
 *
 * CST_OK, CST_EMPTY (they are not connected), CST_E_INVALID_ARG
 *
 * Re-entrancy: 'pause' on source and 'unpipe' on dest are emitted before it returns.
 */
CST_API cst_status cst_unpipe(cst_stream *source, cst_stream *dest);

/** Return a destination that has said CST_FULL and whose 'drain' the pipes of source wait for; NULL if they wait for none.
 * Borrowed, and good until the library is called again. */
CST_API cst_stream *cst_pipe_waits_for(const cst_stream *source);

/*
 * several streams as one: errors are passed on, everything is cleaned up, one callback says how it came out.
 *
 * Node: stream.pipeline.
 */

/** How a pipeline or a finished came out: error is NULL for success; borrowed. */
typedef void cst_outcome_fn(const cst_error *error, void *arg);

/**
 * Zeroes are Node's defaults.
 *
 * signal  thrown: every stream is destroyed with CST_E_ABORT, and done gets that. Borrowed; the pipeline keeps what it
 *         needs.
 * no_end  leave the last stream open: done then comes when its source has ended. Node: { end: false }
 */
typedef struct cst_pipeline_opts {
    cst_abort *signal;
    bool no_end;
    uintptr_t reserved[3];
} cst_pipeline_opts;

/**
 * Pipes streams[0] into streams[1] and so on. When one fails or closes too early, all are destroyed with its error.
 * A last stream with no_pipe_end (stream.h) is neither ended nor destroyed: done comes when all is written that came by, and
 * the stream serves the next.
 *
 * Where Node never calls back, done comes late. So it is where the source is destroyed without an error between EOF and 'end':
 * then it comes, by a task, when the last of the streams has been freed, or at the latest in cst_ctx_free, while handles are
 * still good; with the error that was met, else CST_E_PREMATURE_CLOSE. Nothing is destroyed by such a silence.
 *
 * streams, count  borrowed for the call; at least two
 * opts            may be NULL
 * done, arg       called by a task, exactly once unless refused, when every stream has finished its part; may be NULL
 *
 * CST_OK                 under way
 * CST_E_UNABLE_TO_PIPE   a stream after the first is destroyed already. As in Node nothing is undone: where it is the fourth
 *                        or a later one the pairs before its predecessor are connected, and done is called as it would be
 *                        for these alone; else done will not run
 * CST_E_NOMEM            nothing has changed
 * CST_E_INVALID_ARG      fewer than two streams, one is NULL or lacks the side it needs, or their contexts differ
 *
 * Re-entrancy: emits 'pipe' on each destination before it returns.
 */
CST_API cst_status cst_pipeline(cst_stream *const *streams, size_t count,
                                const cst_pipeline_opts *opts, cst_outcome_fn *done, void *arg);

/*
 * being told when a stream is no longer readable, writable, or has failed.
 *
 * Node: stream.finished.
 */

/**
 * Zeroes are Node's defaults: wait for every side that the stream has, and for errors.
 *
 * no_readable, no_writable  do not wait for that side
 * no_error                  do not listen to 'error' (an error is still reported when the stream closes)
 * signal                    thrown before that: done gets CST_E_ABORT at once; the stream goes on. Borrowed.
 */
typedef struct cst_finished_opts {
    bool no_readable;
    bool no_writable;
    bool no_error;
    cst_abort *signal;
    uintptr_t reserved[3];
} cst_finished_opts;

/**
 * Calls done once, when s has ended, finished, failed or closed too early (CST_E_PREMATURE_CLOSE). Where that is so
 * already, the outcome is settled now and told by a task. Where Node never calls back, as for a destroy with no_emit_close,
 * done comes late: when s has been freed, by a task, or at the latest in cst_ctx_free, while handles are still good; with the
 * error of s, else CST_E_PREMATURE_CLOSE.
 *
 * CST_OK, CST_E_NOMEM (nothing has changed), CST_E_INVALID_ARG (s or done is NULL)
 */
CST_API cst_status cst_finished(cst_stream *s, const cst_finished_opts *opts, cst_outcome_fn *done,
                                void *arg);

/**
 * Undoes the cst_finished called last on s with this done and arg: done will not run. Where it has run, the listeners
 * that finished leaves on s, as in Node, are taken away, so that a later 'error' is unhandled again. Node: the function
 * that finished returns, and its option cleanup.
 *
 * CST_OK, CST_EMPTY (there is none, or each was undone before), CST_E_INVALID_ARG
 */
CST_API cst_status cst_finished_cancel(cst_stream *s, cst_outcome_fn *done, void *arg);

/*
 * several streams, joined, behind one handle: a filter made of filters.
 *
 *                  +----------------------- the composition ------------------------+
 *     cst_write -->| first stream --> ... --> last stream --'data'--> its own buffer |--> 'data', cst_read, cst_pipe
 *                  +----------------------------------------------------------------+
 *
 * What is written goes to the first stream, what comes out of the last is what is read; in between is a cst_pipeline.
 * So a composition can stand wherever a duplex can: in a pipe, a pipeline, another composition, which may go as deep as
 * memory lasts: the stack is bounded (nesting_limit in ctx.h). Node: stream.compose.
 *
 * Flow. A write is done when the first stream has taken the chunk and has room for more, else at its 'drain'. The
 * last stream is consumed by 'data'; it is paused while the composition's own readable side is full, and resumed by
 * its read.
 *
 * Ends. cst_end ends the first stream, and 'finish' comes when the last one is over. The last stream's 'end' is the
 * composition's EOF. Where the last stream is over before cst_end was called, 'finish' does not come, as in Node:
 * such a composition stays until it is destroyed.
 *
 * A last stream with no_pipe_end (stream.h) is left open where all went well: 'finish' then comes when all is written.
 *
 * Errors. When one of the streams fails or closes too early, all are destroyed, and so is the composition, with that
 * error, which names the stage where it arose. Here an error of the last stream counts even after the pipeline inside
 * has come out well; Node loses it. Destroying the composition destroys all streams, with its error or with
 * CST_E_ABORT, and it closes once they have come out: its 'error' is theirs, so that a cst_destroy with CST_OK before
 * the end is told as CST_E_ABORT. Writes and ends that are open then get CST_E_DESTROYED or that error (Node never calls
 * those), also where the first stream has taken the chunk by then; so does a write that it has refused.
 *
 * Early exit. A stream inside that has had enough (stages.h) lets those before it go, the first one included. Then
 * the composition has had enough as well: as a stage of a pipeline it lets go of what comes before it, and it closes
 * when its readable side has ended, without 'finish', unless cst_end was called.
 */

/**
 * Joins streams[0] to streams[count - 1] and gives one duplex in front of them.
 *
 * It has a writable side if the first stream is writable, and a readable side if the last one is readable; the one
 * that is missing is there, but ended from the start (cst_opts.no_readable, no_writable). A source may come first and
 * a sink last: with both, what is left is a handle that closes when the transfer is over. One stream alone is its own
 * composition: *out is a further reference to it, and opts do not count.
 *
 * streams, count  borrowed for the call. The composition takes no reference and needs none: the caller may cst_unref
 *                 them afterwards, and they stay until they have closed. Nobody else is to read, write or pipe them.
 * opts            of the composition's own two sides; may be NULL. Object mode is not asked of them: the writable
 *                 side is as that of the first stream, the readable side as that of the last. Nor are the sides.
 *
 * CST_OK                *out is the caller's one reference
 * CST_E_NOMEM           the streams are as before
 * CST_E_INVALID_ARG     out or streams is NULL, count is 0, a stream is NULL or of another context, one but the last is
 *                       not readable, or one but the first is not writable (cst_is_readable, cst_is_writable: a stream
 *                       that was destroyed is neither)
 * CST_E_UNABLE_TO_PIPE  a listener of 'pipe' destroyed one of them meanwhile: as cst_pipeline
 * CST_E_DESTROYED       the context is being freed
 *
 * Re-entrancy: emits 'pipe' on each stream but the first before it returns.
 */
CST_API cst_status cst_compose_new(cst_stream **out, cst_stream *const *streams, size_t count,
                                   const cst_opts *opts);

/* --- pairs -------------------------------------------------------------------------------------------------------- */

/**
 * Two duplexes, back to back: what is written to one comes out of the other; both get the same options. A write is
 * done when the other side asks for more. Ending one ends the other's readable side. Destroying one gives the other
 * EOF; destroying it with an error destroys the other, without the error. Node: duplexPair.
 *
 * As the constructors in stream.h; a and b are each the caller's.
 */
CST_API cst_status cst_duplex_pair_new(cst_stream **a, cst_stream **b, cst_ctx *ctx,
                                       const cst_opts *opts);

#endif

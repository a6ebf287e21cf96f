/*
 * pipeline.h - several streams as one: errors are passed on, everything is cleaned up, one callback says how it came out.
 *
 * Node: stream.pipeline.
 */
#ifndef CSTREAM_PIPELINE_H
#define CSTREAM_PIPELINE_H

#include "abort.h"
#include "pipe.h"

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
CST_API cst_status cst_pipeline(cst_stream *const *streams, size_t count, const cst_pipeline_opts *opts,
                                cst_outcome_fn *done, void *arg);

#endif

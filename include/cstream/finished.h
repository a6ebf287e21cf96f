/*
 * finished.h - being told when a stream is no longer readable, writable, or has failed.
 *
 * Node: stream.finished.
 */
#ifndef CSTREAM_FINISHED_H
#define CSTREAM_FINISHED_H

#include "pipeline.h"

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
CST_API cst_status cst_finished(cst_stream *s, const cst_finished_opts *opts, cst_outcome_fn *done, void *arg);

/**
 * Undoes the cst_finished called last on s with this done and arg: done will not run. Where it has run, the listeners
 * that finished leaves on s, as in Node, are taken away, so that a later 'error' is unhandled again. Node: the function
 * that finished returns, and its option cleanup.
 *
 * CST_OK, CST_EMPTY (there is none, or each was undone before), CST_E_INVALID_ARG
 */
CST_API cst_status cst_finished_cancel(cst_stream *s, cst_outcome_fn *done, void *arg);

#endif

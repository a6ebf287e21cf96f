/*
 * pipeline_internal.h - the records of a pipeline (pipeline.c, release.c), and what its stages can
 * tell it.
 */
#ifndef CSTREAM_PIPELINE_INTERNAL_H
#define CSTREAM_PIPELINE_INTERNAL_H

#include "cstream/join.h"
#include "pipeline/finished_internal.h"
#include "pipeline/signal_internal.h"

/**
 * One stream of a pipeline, and how it is listened to:
 *
 *      guard           finished on the sides in use. Until it is called with success, or the stream
 *                      closes (on_guard_close), the stage is armed: an error of the pipeline
 *                      destroys its stream.
 *      on_error        any error but a premature close or an abort counts as the pipeline's
 *
 * And between a stage and the next:
 *
 *      as_source       finished on the readable side of the first   both are awaited before done
 *      as_dest         finished on the writable side of the second
 *      on_end          the 'end' of the first ends the second. If the second is the last and stays
 *                      open, there is none: it is done when all is written (no_pipe_end, on_drain)
 *                      or at once (no_end)
 *      on_close        the 'close' of the second before its end is premature
 *      on_after_eof    the first closed after EOF: its 'end' or 'error', still to come, decides
 */
struct cst__stage {
    struct cst__pipeline *pipeline;
    cst_stream *stream;     /* NULL: freed, or not watched, since the pipeline was refused */
    struct cst__pipe *pipe; /* to the next stage, until it is connected */
    struct cst__finished guard, as_source, as_dest;
    struct cst__fn_listener on_guard_close, on_error, on_end, on_close, on_drain, on_after_eof;
    cst_task_link end_task;
    bool armed;
    bool ended;          /* by the previous stage */
    bool source_awaited; /* as_source counts in left */
    bool dest_awaited;   /* as_dest counts in left */
    bool has_enough;     /* it needs no more input: its writable side does not count any more */
};

/** A pipeline. It is freed when the streams of all its stages have been. */
struct cst__pipeline {
    struct cst__deferred_free deferred_free;
    cst_ctx *ctx;
    cst_outcome_fn *done;
    void *arg;
    cst_task_link task, abort_task;
    struct cst__abort_link signal;
    cst_error error;   /* status 0: none */
    cst_error outcome; /* what the task tells */
    size_t count;
    size_t left; /* outcomes that have not come */
    size_t refs; /* stages whose stream is there, tasks, frames */
    bool disarmed;
    bool last_is_left_open;
    bool no_end;
    struct cst__stage stages[];
};

/** Stop to watch a stage before one that has enough (release.c). */
void cst__stage_stop_watching(struct cst__stage *stage);

/** Unpipe the stages before `stopped`, and destroy them with CST_E_ABORT. */
void cst__stages_destroy_before(struct cst__stage *stopped);

#endif

/*
 * finished_internal.h - waiting for the end of a stream, as a member of larger records: pipeline.c,
 * abort.c and compose.c are made of it.
 */
#ifndef CSTREAM_FINISHED_INTERNAL_H
#define CSTREAM_FINISHED_INTERNAL_H

#include "cstream/join.h"
#include "stream/stream_internal.h"

struct cst__finished;

/** The outcome has come. error is NULL for success. */
typedef void cst__finished_fn(struct cst__finished *finished, const cst_error *error);

/**
 * One wait for the end of a stream. It stays in the stream's list until the stream is freed: in
 * Node the listeners stay too. Then gone is called, and the storage is its owner's again.
 */
struct cst__finished {
    cst_stream *stream;
    cst__finished_fn *fn;
    void (*gone)(struct cst__finished *finished);
    struct cst__fn_listener listener;
    cst_task_link task;
    cst_error outcome; /* what the task tells */
    bool readable, writable;
    bool readable_done, writable_done;
    bool waits_for_close;
    bool settled; /* the outcome was there from the start: a task tells it */
    bool called;  /* or stopped: fn is not called any more */
    bool is_call; /* the wait is that of a call of cst_finished */
};

/**
 * What to wait for.
 *
 * readable, writable  the sides; one that the stream lacks may be asked for too
 * error               listen to 'error'
 * aborted             the outcome is CST_E_ABORT, unless another one is there already
 * promised            if no outcome has come when the context is freed, it is CST_E_PREMATURE_CLOSE
 * is_call             goes into the record
 */
struct cst__finished_sides {
    bool readable, writable, error, aborted, promised, is_call;
};

/** Start to wait. fn is called by a task at the earliest. Cannot fail. */
void cst__finished_start(struct cst__finished *finished, cst_stream *s,
                         struct cst__finished_sides sides, cst__finished_fn *fn,
                         void (*gone)(struct cst__finished *finished));

/** Stop to wait: fn is not called any more. gone is still called when the stream is freed. */
void cst__finished_stop(struct cst__finished *finished);

#endif

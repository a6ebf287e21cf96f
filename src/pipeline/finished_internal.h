/*
 * finished_internal.h - finished as a part of larger records: what pipeline and abort are made of.
 */
#ifndef CSTREAM_FINISHED_INTERNAL_H
#define CSTREAM_FINISHED_INTERNAL_H

#include "cstream/join.h"
#include "stream/stream_internal.h"

struct cst__finished;

/** error is NULL for success. */
typedef void cst__finished_fn(struct cst__finished *finished, const cst_error *error);

/**
 * One wait for the end of a stream. It stays until its stream is freed: in Node the listeners stay too. Then gone is
 * called, and the storage is the owner's again.
 */
struct cst__finished {
    cst_stream *stream;
    cst__finished_fn *fn;
    void (*gone)(struct cst__finished *finished);
    struct cst__fn_listener listener;
    cst_task_link task;
    cst_error outcome; /* of the task */
    bool readable, writable;
    bool readable_done, writable_done;
    bool waits_for_close;
    bool settled; /* at once: a task tells */
    bool called;  /* or silenced */
};

/**
 * What to wait for: a side may be asked for though the stream lacks it. error: listen to 'error'. aborted: the outcome is
 * CST_E_ABORT, unless it is settled already. promised: where it has not come when the context is freed, it is
 * CST_E_PREMATURE_CLOSE.
 */
struct cst__finished_sides {
    bool readable, writable, error, aborted, promised;
};

/** Begins to wait; fn may be called by a task at the earliest. Cannot fail. */
void cst__finished_start(struct cst__finished *finished, cst_stream *s,
                         struct cst__finished_sides sides, cst__finished_fn *fn,
                         void (*gone)(struct cst__finished *finished));

/** The sides that a stream has. */
bool cst__has_readable_side(const cst_stream *s);
bool cst__has_writable_side(const cst_stream *s);

/** Silences it and removes its listeners; gone is still called when the stream is freed. */
void cst__finished_stop(struct cst__finished *finished);

#endif

/*
 * run.h - for tools: run streams to their end in one call.
 *
 *     cst_pipeline_run    a pipeline
 *     cst_copy            all of one stream into another
 *     cst_read_all        all of a stream, as one slice
 *     cst_next_wait       the next chunk of a stream: a loop over messages
 *
 * These calls return when it is done, as calls of a blocking library do, and turn the host's loop
 * meanwhile. A `cat` in one line, if streams wait for nothing but each other:
 *
 *     st = cst_pipeline_run(&error, (cst_stream *[]){ in, out }, 2, NULL, NULL);
 *
 * Drivers. A cst_driver turns whatever the streams wait for: cst_loop_driver (posix/loop.h) that of
 * a cst_loop, a function of the program's any other loop. NULL is cst_ctx_run alone: enough for
 * streams in memory, and for FILE (stdio.h). It runs no timers.
 *
 * Results. Each call returns how it came out: CST_OK, or the failure; and
 *
 * CST_E_NESTED       called inside a callback or a slot of the context, or of its loop: it would
 *                    wait for what cannot go on before it returns. Nothing has happened.
 * CST_E_STALL        the driver is idle, and what was waited for has not come: a loop would hang or
 *                    end here. The streams are as they are; it may come later.
 * CST_E_INVALID_ARG  a stream is NULL, or lacks the side
 * others             what the driver failed with. The streams are as they are.
 *
 * Other streams of the context go on meanwhile. If an 'error' of theirs is unhandled, the next turn
 * of the program's own returns CST_E_UNHANDLED, as it would have without the call.
 *
 * Streams are borrowed. Node has no such calls, since JavaScript cannot wait; the nearest are
 * stream/promises and stream/consumers with `await`.
 */
#ifndef CSTREAM_RUN_H
#define CSTREAM_RUN_H

#include "join.h"

/**
 * What turns the host's loop.
 *
 * turn        run one turn, which may wait for I/O and timers: CST_MORE, CST_IDLE if nothing will
 *             come any more, CST_E_UNHANDLED as cst_ctx_run, or another failure. It runs the
 *             context, too.
 * is_running  return whether a turn runs now, so that none can be begun. May be NULL: a turn of the
 *             context itself is known without it.
 * arg         passed to both
 */
typedef struct cst_driver {
    cst_status (*turn)(void *arg);
    bool (*is_running)(void *arg);
    void *arg;
    uintptr_t reserved[2];
} cst_driver;

/**
 * Run a pipeline to its end: cst_pipeline, and turns until its outcome.
 *
 * error   may be NULL. Set if the call fails: the outcome's error, or the status alone. After
 *         CST_E_STALL it names the first stage that owes an answer; if none does, the source.
 * opts    of cst_pipeline; may be NULL
 * driver  may be NULL
 *
 * Results are the outcome's status, those above, and those of cst_pipeline. If a stream after the
 * first is destroyed already, nothing has happened (CST_E_UNABLE_TO_PIPE).
 */
CST_API cst_status cst_pipeline_run(cst_error *error, cst_stream *const *streams, size_t count,
                                    const cst_pipeline_opts *opts, const cst_driver *driver);

/**
 * Copy all of one stream into another, and end that: a pipeline of two.
 *
 * bytes   may be NULL. Set in every case to the bytes that have left `from`; 0 if nothing has
 *         happened. Counting needs every chunk to pass through memory; with NULL the kernel may
 *         move them (stream.h, "Kernel transfer").
 * driver  may be NULL
 *
 * Results as of cst_pipeline_run.
 */
CST_API cst_status cst_copy(uint64_t *bytes, cst_stream *from, cst_stream *to,
                            const cst_driver *driver);

/**
 * Read a stream to its end, into one slice: the only chunk uncopied, several joined once.
 *
 * out        the caller's on CST_OK, empty if nothing came; else untouched
 * max_bytes  the most bytes that fit; SIZE_MAX is no limit
 * driver     may be NULL
 *
 * After a failure what was read is lost. The stream is as it is, and should be destroyed.
 *
 * CST_E_OUT_OF_RANGE     there is one more byte: told at once, not at the end
 * CST_E_INVALID_ARG      also if out is NULL or max_bytes is 0
 * CST_E_NOMEM            no memory
 * CST_E_PREMATURE_CLOSE  and other failures of the stream: as cst_next
 */
CST_API cst_status cst_read_all(cst_slice *out, cst_stream *s, size_t max_bytes,
                                const cst_driver *driver);

/**
 * Read the next chunk, and wait for it:
 *
 *     while ((st = cst_next_wait(&chunk, s, NULL)) == CST_OK) {
 *         use(&chunk);
 *         cst_slice_unref(&chunk);
 *     }
 *
 * Results as of cst_next, but never CST_EMPTY; and those above. driver may be NULL.
 */
CST_API cst_status cst_next_wait(cst_slice *out, cst_stream *s, const cst_driver *driver);

#endif

/*
 * pipe.h - from a readable side into a writable side, with backpressure.
 *
 *     source --'data'--> cst_write(dest) --CST_FULL--> cst_pause(source) ... dest 'drain' --> cst_resume(source)
 *
 * At most the two highWaterMarks and one chunk are held in memory, however slow the destination. Node: pipe, unpipe.
 */
#ifndef CSTREAM_PIPE_H
#define CSTREAM_PIPE_H

#include "duplex.h"

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

#endif

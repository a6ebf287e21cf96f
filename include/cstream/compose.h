/*
 * compose.h - several streams, joined, behind one handle: a filter made of filters.
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
 * Early exit. A stream inside that has had enough (operators.h) lets those before it go, the first one included. Then
 * the composition has had enough as well: as a stage of a pipeline it lets go of what comes before it, and it closes
 * when its readable side has ended, without 'finish', unless cst_end was called.
 */
#ifndef CSTREAM_COMPOSE_H
#define CSTREAM_COMPOSE_H

#include "duplex.h"

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
CST_API cst_status cst_compose_new(cst_stream **out, cst_stream *const *streams, size_t count, const cst_opts *opts);

#endif

/*
 * express.h - the fast path, as the rules of the stream room see it: three hooks, and what writes back.
 *
 * The rules stand in src/stream and are whole without this directory: with CST_NO_EXPRESS defined nothing of it is compiled,
 * and calls.c is seven functions that forward. A hook returns false if it has done nothing; then the rules go on. If it
 * returns true it has done what they would have done, in the same order of events.
 *
 * lane.h tells how. While the fast path calls a slot, fields of streams lag; the context holds by how much, in a record that
 * ctx->room.express points to. cst__enter, with which public calls begin, writes them back (cst__express_show). So what user
 * code sees is always true, and if it has not called, nothing can have changed when the slot returns.
 */
#ifndef CSTREAM_EXPRESS_H
#define CSTREAM_EXPRESS_H

#include "cstream/slice.h"
#include "cstream/stream.h"
#include "ctx/ctx_internal.h"

struct cst__pipe;

#ifndef CST_NO_EXPRESS

/** Write a chunk, without a callback, to a sink that is idle. *st is what the write says. */
bool cst__express_write(cst_stream *s, const cst_slice *chunk, cst_status *st);

/** Hand a chunk on by a pipe. */
bool cst__express_deliver(struct cst__pipe *pipe, const cst_slice *chunk);

/** Let a stream flow, as far as the fast path goes. *more says whether the flow goes on from there. */
bool cst__express_flow(cst_stream *s, bool *more);

/** Write back what lags: ctx->room.express is not NULL, and is NULL then. */
void cst__express_show(cst_ctx *ctx);

#else

static inline bool cst__express_write(cst_stream *s, const cst_slice *chunk, cst_status *st)
{
    (void)s, (void)chunk, (void)st;
    return false;
}

static inline bool cst__express_deliver(struct cst__pipe *pipe, const cst_slice *chunk)
{
    (void)pipe, (void)chunk;
    return false;
}

static inline bool cst__express_flow(cst_stream *s, bool *more)
{
    (void)s, (void)more;
    return false;
}

#define cst__express_show NULL /* nothing lags */

#endif
#endif

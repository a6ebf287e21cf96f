/*
 * express.h - the fast path, as the rules see it: four hooks, what writes back, and the table of
 * states.
 *
 * The rules stand in src/stream and are whole without this directory: with CST_NO_EXPRESS defined
 * nothing of it is compiled, and calls.c is seven functions that forward. A hook returns false if
 * it has done nothing; then the rules go on. If it returns true, it has done what they would have
 * done, in the order of events that they have.
 *
 * By the rules a chunk that passes a pipe is a write inside a push inside a write, with a question
 * at every turn. Nearly all of the time every answer is the ordinary one. So the fast path
 *
 *   1. asks all questions at once: it compares a stream's flags with a row of the table below;
 *   2. calls the slot at the end of the chunk's way without having changed any stream on it. So
 *      fields of those streams lag: that a write is in flight, a read was asked for, a stage was
 *      entered. A record says by how much, and ctx->room.express points to it;
 *   3. looks, when the slot has returned, whether the pointer is still there. If so, nobody has
 *      called the library, nothing can have changed, and the chunk is done.
 *
 * A public call that reads or changes what lags begins with cst__enter, which writes it back first
 * (cst__express_show). From there the rules finish: so user code never sees a state, or an order of
 * events, that the rules would not have made.
 *
 *   calls.c         the public calls that a chunk begins with
 *   lane.h lane.c   the records, a write, one delivery, and the rest of it if something has changed
 *   flow.c          many deliveries: a source in full flow, and a pass-through that is full
 */
#ifndef CSTREAM_EXPRESS_H
#define CSTREAM_EXPRESS_H

#include "base/base.h"
#include "stream/stream_internal.h"

/*
 * The states of a stream that the fast path asks for: X(name, must, must_not, keeps, meaning). A
 * stream is in a state if it has all flags of `must` and none of `must_not`.
 *
 * `keeps` is for limits on idle time. Now and then timeout.c clears ACTIVE and R_DATA_EMITTED; if
 * one of them is set when it looks again, the stream was active meanwhile. A row that has such a
 * flag in `keeps` demands it (it is in `must`), so that a stream which timeout.c has just looked at
 * takes the rules once, which set the flag; then the fast path need not set it for each chunk. In
 * a row with a `keeps` of 0 the fast path itself leaves a trace: it sets ACTIVE, or changes a
 * length that timeout.c compares.
 */
/* clang-format off */
#define STAGE_BUSY                                                                             \
    (R_SYNC | R_QUEUED | R_ENDED | R_AWAITING | R_OBJECTS | W_OBJECTS | W_WRITING | W_CORKED | \
     W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | DESTROYED | ERRORED)

#define EXPRESS_STATES(X)                                                                      \
    X(SINK_IDLE,                                                                               \
      CONSTRUCTED | W_PLAIN | ACTIVE,                                                          \
      W_WRITING | W_SYNC | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | DESTROYED |       \
          ERRORED,                                                                             \
      ACTIVE,                                                                                  \
      "a constructed sink of bytes: nothing is in flight, queued or awaited")                  \
    X(SINK_QUEUES,                                                                             \
      CONSTRUCTED,                                                                             \
      W_ENDING | W_OBJECTS | DESTROYED | ERRORED,                                              \
      0,                                                                                       \
      "with W_WRITING or W_CORKED, and room in the queue: a write of bytes has to wait")       \
    X(SINK_NEXT,                                                                               \
      CONSTRUCTED | W_PLAIN | ACTIVE | W_WRITING | W_KEPT | W_BUFFERED,                        \
      W_SYNC | W_CORKED | W_CLEARING | W_ENDING | W_VECTOR | DESTROYED | ERRORED,              \
      ACTIVE,                                                                                  \
      "a sink of bytes that answers after its slot, and more writes wait")                     \
    X(STAGE_OPEN,                                                                              \
      IS_PASSTHROUGH | CONSTRUCTED | R_FLOWING | R_DATA_LISTENING | R_PIPED,                   \
      STAGE_BUSY,                                                                              \
      0,                                                                                       \
      "an idle pass-through that flows into one pipe")                                         \
    X(STAGE_IDLE,                                                                              \
      IS_PASSTHROUGH | CONSTRUCTED | R_FLOWING | R_DATA_LISTENING | R_PIPED |                  \
          R_DATA_EMITTED | R_READING_MORE,                                                     \
      STAGE_BUSY | R_READING,                                                                  \
      R_DATA_EMITTED,                                                                          \
      "an open stage that is, after a chunk, as it was: the task that reads ahead is queued")  \
    X(STAGE_ENTERED,                                                                           \
      IS_TRANSFORM | CONSTRUCTED | IN_FLIGHT,                                                  \
      R_READING | R_QUEUED | R_ENDED | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN |       \
          T_KEPT | DESTROYED | ERRORED,                                                        \
      0,                                                                                       \
      "a stage whose write is in flight, and that nobody has touched since that began")        \
    X(STAGE_FULL,                                                                              \
      R_FLOWING | R_PIPED | R_DATA_LISTENING | R_QUEUED | R_READING_MORE | R_DATA_EMITTED |    \
          W_WRITING | W_BUFFERED | T_KEPT | CONSTRUCTED | IS_PASSTHROUGH,                      \
      R_READING | R_SYNC | R_NEED_READABLE | R_ENDED | R_AWAITING | R_OBJECTS | W_SYNC |       \
          W_CORKED | W_CLEARING | W_ENDING | W_OBJECTS | R_EMITTED_READABLE | DESTROYED |      \
          ERRORED,                                                                             \
      R_DATA_EMITTED,                                                                          \
      "a pass-through full on both sides, that flows into one pipe")                           \
    X(TRANSFORM_IDLE,                                                                          \
      IS_TRANSFORM | ACTIVE | CONSTRUCTED | R_FLOWING | R_DATA_LISTENING | R_PIPED,            \
      STAGE_BUSY | IS_PASSTHROUGH | W_SYNC,                                                    \
      ACTIVE,                                                                                  \
      "an idle transform with a slot, that flows into one pipe")                               \
    X(SOURCE_FLOWS,                                                                            \
      R_FLOWING | R_DATA_LISTENING | R_PIPED | R_READING_MORE | R_DATA_EMITTED,                \
      R_READING | R_SYNC | R_QUEUED | R_AWAITING | R_ENDED | R_OBJECTS | DESTROYED | ERRORED,  \
      R_DATA_EMITTED,                                                                          \
      "a push goes into the one pipe at once, and nothing follows")                            \
    X(SOURCE_WAKES,                                                                            \
      R_FLOWING | R_DATA_LISTENING | R_PIPED,                                                  \
      R_SYNC | R_QUEUED | R_AWAITING | R_ENDED | R_OBJECTS | DESTROYED | ERRORED,              \
      0,                                                                                       \
      "a push goes into the one pipe at once, and the task that reads ahead is to be queued")  \
    X(SOURCE_STREAMS,                                                                          \
      R_FLOWING | R_PIPED | R_DATA_LISTENING | R_QUEUED | R_READING_MORE | R_DATA_EMITTED |    \
          CONSTRUCTED,                                                                         \
      R_READING | R_SYNC | R_NEED_READABLE | R_ENDED | R_AWAITING | R_OBJECTS |                \
          R_EMITTED_READABLE | DESTROYED | ERRORED | IS_TRANSFORM,                             \
      R_DATA_EMITTED,                                                                          \
      "a source in full flow into one pipe, with something buffered")                          \
    X(SOURCE_IN_READ,                                                                          \
      R_PIPED | R_SYNC | R_QUEUED | R_READING_MORE,                                            \
      R_NEED_READABLE | R_ENDED | R_OBJECTS | DESTROYED | ERRORED,                             \
      0,                                                                                       \
      "the read slot of such a source runs: a push is buffered, and nobody is told")           \
    X(STAGE_WAITS,                                                                             \
      IS_TRANSFORM | CONSTRUCTED | R_FLOWING,                                                  \
      R_READING | R_QUEUED | R_ENDED | T_KEPT | DESTROYED | ERRORED,                           \
      0,                                                                                       \
      "a transform with nothing to read: to read ahead only sets flags")                       \
    X(SOURCE_WAITS,                                                                            \
      CONSTRUCTED | R_FLOWING,                                                                 \
      IS_TRANSFORM | R_READING | R_QUEUED | R_ENDED | DESTROYED | ERRORED,                     \
      0,                                                                                       \
      "a flowing source with an empty buffer, whose read slot may be called")
/* clang-format on */

/* IS(s, STAGE_IDLE): whether s is in that state of the table. */
#define IS(stream, state) is_##state(stream)

#define DEFINE_STATE(name, must, must_not, keeps, meaning)                                \
    _Static_assert(((must) & (must_not)) == 0 && ((must) & (keeps)) == (keeps), meaning); \
    ALWAYS_INLINE bool is_##name(const cst_stream *s)                                     \
    {                                                                                     \
        return (s->hot & ((must) | (must_not))) == (must);                                \
    }
EXPRESS_STATES(DEFINE_STATE)
#undef DEFINE_STATE

#ifndef CST_NO_EXPRESS

/* The rest of each hook below, once its inline test has passed. */
void cst__express_write_idle(cst_stream *s, const cst_slice *chunk, cst_status *st);
void cst__express_deliver_chunk(struct cst__pipe *pipe, const cst_slice *chunk);
bool cst__express_flow_queued(cst_stream *s, bool *more);
void cst__express_read_ahead_idle(cst_stream *s);

/** Write a chunk, without a callback, to a sink that is idle. *st is what the write says. */
static inline bool cst__express_write(cst_stream *s, const cst_slice *chunk, cst_status *st)
{
    if (!IS(s, SINK_IDLE))
        return false;
    cst__express_write_idle(s, chunk, st);
    return true;
}

/** Hand a chunk on by a pipe. */
static inline bool cst__express_deliver(struct cst__pipe *pipe, const cst_slice *chunk)
{
    if (chunk->len == 0)
        return false;
    cst__express_deliver_chunk(pipe, chunk);
    return true;
}

/** Let a stream flow, as far as the fast path goes. *more says whether the flow goes on then. */
static inline bool cst__express_flow(cst_stream *s, bool *more)
{
    return (s->hot & R_QUEUED) && cst__express_flow_queued(s, more);
}

/* Return whether all there is to reading is the read slot: the sole destination fetches nothing. */
static inline bool cst__express_only_reads(const cst_stream *s)
{
    return s->ops->read && !((s->hot & R_PIPED) && cst__sole_dest(s)->ops->transfer);
}

/** Do the task that reads ahead. */
static inline bool cst__express_read_ahead(cst_stream *s)
{
    if (IS(s, STAGE_WAITS))
        s->hot = (s->hot & NOT(R_SYNC | R_READING_MORE)) | R_NEED_READABLE | R_READING;
    else if (IS(s, SOURCE_WAITS) && cst__express_only_reads(s))
        cst__express_read_ahead_idle(s);
    else
        return false;
    return true;
}

/** Write back what lags. ctx->room.express must not be NULL before, and is NULL afterwards. */
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

static inline bool cst__express_read_ahead(cst_stream *s)
{
    (void)s;
    return false;
}

#define cst__express_show NULL /* nothing lags */

#endif

#endif

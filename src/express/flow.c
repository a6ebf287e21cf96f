/*
 * flow.c - a readable side that flows: read until there is nothing, and the cases in which that is short.
 *
 * These are shortcuts of the kind that shortcut.h tells of: what cst__read_chunk would do, for streams in the state in which
 * they are nearly all of the time. What differs is when two things come that nobody waits for: in a turn with a limit of bytes
 * a chunk counts before it is handed on, not after; and one that goes into a queue is the queue's alone, so that its bytes may
 * be released while the flow still has to say that the queue is full.
 */
#include "express/express.h"

#ifndef CST_NO_EXPRESS

#include "express/lane.h"

/* --- a source -------------------------------------------------------------------------------------------------------- */

/*
 * A source in full flow: bytes into one pipe, something in the buffer, a read slot that gives or pushes the next chunk at
 * each call. Then cst__read_chunk comes to this: call the slot where there is room, put what it brings behind what is there,
 * and hand the first chunk on. Node calls the slot first, so the two chunks cannot be one.
 */
#define STREAMS                                                                            \
    (R_FLOWING | R_PIPED | R_DATA_LISTENING | R_QUEUED | R_READING_MORE | R_DATA_EMITTED | \
     CONSTRUCTED)
#define STREAMS_NOT                                                            \
    (R_READING | R_SYNC | R_NEED_READABLE | R_ENDED | R_AWAITING | R_OBJECTS | \
     R_EMITTED_READABLE | R_EOF_READABLE_PENDING | DESTROYED | ERRORED | IS_TRANSFORM)

static bool streams(const cst_stream *s)
{
    return (s->flags & (STREAMS | STREAMS_NOT)) == STREAMS;
}

static bool may_stream(const cst_stream *s)
{
    return streams(s) && cst__r(s)->high_water_mark != 0 && s->ops->read && !cst__has_transfer(s) &&
           !s->ctx->room.given_by; /* what another slot has given is needed still */
}

/* Whether taking the first chunk leaves room, so that the read slot is to be called before. */
static bool has_room_then(const struct readable *r)
{
    return r->length - cst__row_front(&r->buffer)->len < r->high_water_mark;
}

/* Takes the first chunk of the buffer, which has one, and puts another behind the last. False where there is no room. */
ALWAYS_INLINE bool exchange(struct readable *r, cst_slice *first, const cst_slice *last)
{
    if (r->buffer.count == 1) {
        *first = *cst__row_front(&r->buffer);
        *cst__row_front(&r->buffer) = *last;
        r->length = last->len;
        return true;
    }
    if (!cst__row_has_room(&r->buffer) || last->len > SIZE_MAX - r->length)
        return false;
    *first = *cst__row_front(&r->buffer);
    r->buffer.items[r->buffer.head++ + r->buffer.count] = *last;
    r->length += last->len - first->len;
    return true;
}

/* Takes the first of several chunks; where two were there the other one takes its place, so that no room is used up. */
ALWAYS_INLINE void take_first(struct readable *r, cst_slice *first)
{
    cst_slice *front = cst__row_front(&r->buffer);

    *first = front[0];
    r->length -= front[0].len;
    if (r->buffer.count == 2)
        front[0] = front[1];
    else
        r->buffer.head++;
    r->buffer.count--;
}

/* The slot has not just brought one chunk: the general way. False where there is no chunk. */
static bool stream_otherwise(cst_stream *s, const struct cst__reading *reading, cst_status status)
{
    cst_slice chunk;

    if (s->ctx->room.express)
        cst__express_show(s->ctx);
    s->slot = reading->outer;
    cst__read_returned(s, status);
    if (!cst__read_after_slot(s, reading->first_len, &chunk))
        return false;
    cst__bytes_moved(s->ctx, chunk.len);
    cst__slice_drop(&chunk);
    return true;
}

/* Calls the slot. True: it has brought one chunk, which is in ctx->room.given, and nothing else has happened. */
ALWAYS_INLINE bool read_unseen(cst_ctx *ctx, struct cst__reading *reading, void *self,
                               cst_status *status)
{
    cst_stream *s = reading->unseen.gives;

    ctx->room.express = &reading->unseen;
    *status = s->ops->read(s, self, cst__r(s)->high_water_mark);
    return *status == reading->unseen.brought && ctx->room.express == &reading->unseen;
}

ALWAYS_INLINE void is_taken(cst_ctx *ctx, struct cst__reading *reading)
{
    ctx->room.express = NULL;
    reading->unseen.brought = BROUGHT_NOTHING;
}

/*
 * The buffer has one chunk, whose place the next one takes, which the slot brings. Between the source and an idle sink there is
 * nothing but idle stages. As long as neither slot calls the library nothing changes in any of them, so no flag has to be
 * asked again, and no chunk to be written down: the one is held here, the next stays in ctx->room.given. Foreign bytes may call
 * the user when they are let go of. False where the slot has not brought one chunk; status is what it said.
 */
static bool stream_unseen(cst_ctx *ctx, struct cst__passing *passing, struct cst__reading *reading,
                          cst_status *status)
{
    cst_stream *s = reading->unseen.gives;
    struct readable *r = cst__r(s);
    void *source_self = cst__self(s);
    void *sink_self = cst__self(passing->sink);
    bool seen = false;
    cst_block *block;

    reading->held = *cst__row_front(&r->buffer);
    reading->swaps = true;
    passing->swaps = true;
    do {
        if (!read_unseen(ctx, reading, source_self, status)) {
            if (ctx->room.express)
                cst__express_show(ctx);
            reading->swaps = false;
            reading->first_len = reading->held.len;
            return false;
        }
        is_taken(ctx, reading);
        cst__bytes_moved(ctx, reading->held.len);
        block = reading->held.block;
        if (!write_unseen(ctx, passing, sink_self, status)) {
            cst__express_passing_seen(passing, *status);
            seen = true;
        } else if (cst__bytes_spent(ctx) || (block && cst__block_unref_may_call(block))) {
            put_one(r, &ctx->room.given);
            seen = true;
        }
        if (block)
            cst__block_unref(block);
        reading->held = ctx->room.given;
    } while (!seen);
    reading->swaps = false;
    return true;
}

/* The first chunk of the buffer, before which the slot may have to bring one more; as stream_unseen. */
ALWAYS_INLINE bool stream_first(cst_ctx *ctx, struct cst__reading *reading, void *self,
                                cst_slice *chunk, cst_status *status)
{
    struct readable *r = cst__r(reading->unseen.gives);

    if (!has_room_then(r)) {
        take_first(r, chunk);
    } else {
        reading->first_len = cst__row_front(&r->buffer)->len;
        if (!read_unseen(ctx, reading, self, status) || !exchange(r, chunk, &ctx->room.given))
            return false;
        is_taken(ctx, reading);
    }
    cst__bytes_moved(ctx, chunk->len);
    return true;
}

/*
 * The sink has to take writes into its queue: no user code but the read slot runs, so there too all stays as it is for as long
 * as that does not call the library, but for the queue, into which it may write.
 */
static bool stream_into_queue(cst_ctx *ctx, struct cst__passing *passing,
                              struct cst__reading *reading, cst_status *status)
{
    void *self = cst__self(reading->unseen.gives);
    cst_slice chunk;

    do {
        if (!stream_first(ctx, reading, self, &chunk, status))
            return false;
        if (!deliver_into_queue(ctx, passing, &chunk))
            return true;
    } while (!cst__bytes_spent(ctx));
    return true;
}

/* One chunk, whatever the sink is. */
static bool stream_chunk(cst_ctx *ctx, struct cst__passing *passing, struct cst__reading *reading,
                         cst_status *status)
{
    cst_slice chunk;

    if (!stream_first(ctx, reading, cst__self(reading->unseen.gives), &chunk, status))
        return false;
    passing->chunk = &chunk;
    (void)deliver(ctx, passing, cst__r(passing->from)->sole_dest);
    cst__slice_drop(&chunk);
    return true;
}

/* As long as it lasts, the pipe too, and the turn's bytes; false where there was no chunk. */
static bool stream_on(cst_stream *s)
{
    struct cst__reading reading = { .unseen = { .gives = s, .brought = BROUGHT_NOTHING },
                                    .outer = s->slot };
    const struct readable *r = cst__r(s);
    struct cst__passing passing;
    cst_ctx *ctx = s->ctx;
    cst_stream *dest;

    do {
        cst_status status;
        bool brought;

        dest = r->sole_dest;
        passing_init(&passing, s, &reading.held);
        if (leads_to_idle(&passing, dest) && r->buffer.count == 1)
            brought = stream_unseen(ctx, &passing, &reading, &status);
        else if (queues(passing.sink))
            brought = stream_into_queue(ctx, &passing, &reading, &status);
        else
            brought = stream_chunk(ctx, &passing, &reading, &status);
        if (!brought && !stream_otherwise(s, &reading, status))
            return false;
    } while (streams(s) && r->sole_dest == dest && !dest->ops->transfer && !cst__bytes_spent(ctx));
    return true;
}

/* --- a pass-through ---------------------------------------------------------------------------------------------------- */

/*
 * A pass-through that is full on both sides and flows into one pipe: its buffer is at the highWaterMark, so that it keeps
 * the completion of a write, and more writes wait behind that one. Then cst__read_chunk comes to this: the write that was kept
 * completes, the next begins, and since its chunk fills the buffer again its completion is kept in turn; the first chunk
 * is handed on. So all that moves is a chunk from the queue into the buffer.
 */
#define PASSES_ON                                                                          \
    (R_FLOWING | R_PIPED | R_DATA_LISTENING | R_QUEUED | R_READING_MORE | R_DATA_EMITTED | \
     W_WRITING | W_EXPECTING | W_BUFFERED | T_KEPT | CONSTRUCTED | IS_PASSTHROUGH)
#define PASSES_ON_NOT                                                                              \
    (R_READING | R_SYNC | R_NEED_READABLE | R_ENDED | R_AWAITING | R_OBJECTS | W_SYNC | W_CORKED | \
     W_CLEARING | W_ENDING | W_OBJECTS | R_EMITTED_READABLE | R_EOF_READABLE_PENDING | DESTROYED | \
     ERRORED)

/* Whether first out and next in is such a step; length is what the buffer holds, mark its highWaterMark. */
ALWAYS_INLINE bool is_step(size_t length, size_t mark, const cst_slice *first,
                           const cst_slice *next)
{
    return length - first->len < mark && next->len != 0 && next->len <= SIZE_MAX - length &&
           length + next->len >= mark;
}

static bool passes_on(const cst_stream *s)
{
    const struct readable *r = cst__r(s);
    const struct writable *w = cst__w(s);

    return (s->flags & (PASSES_ON | PASSES_ON_NOT)) == PASSES_ON && !w->in_flight &&
           !w->last_waiting && r->high_water_mark != 0 && w->queue.count &&
           cst__row_has_room(&r->buffer) &&
           is_step(r->length, r->high_water_mark, cst__row_front(&r->buffer),
                   cst__row_front(&w->queue));
}

/* So many chunks have moved up, the last of which has len bytes, and all of them bytes. */
static void moved_up(cst_stream *s, uint32_t count, size_t bytes, size_t len)
{
    struct writable *w = cst__w(s);

    cst__row_skip(&w->queue, count);
    w->front += count;
    w->length -= w->flight_length + bytes - len;
    w->flight_length = len;
    s->flags = (s->flags & ~W_AFTER_WRITE) | ACTIVE;
    if (!w->queue.count)
        s->flags &= ~W_BUFFERED;
}

/* How many chunks can move up, and on into to, as far as there is room. */
static uint32_t room_to_pass(const struct writable *w, const struct readable *r,
                             const struct writable *to)
{
    uint32_t most = w->queue.count;

    if (most > cst__row_room(&r->buffer))
        most = cst__row_room(&r->buffer);
    return most < cst__row_room(&to->queue) ? most : cst__row_room(&to->queue);
}

/*
 * The sink, which is not s, has to take writes into its queue: no user code runs, so as many chunks as there is room for move
 * up, and on into that queue, until it is full or the turn's bytes are spent. Gives the last that it has.
 */
static cst_slice move_into_queue(cst_ctx *ctx, cst_stream *s, cst_stream *sink)
{
    struct writable *w = cst__w(s), *to = cst__w(sink);
    struct readable *r = cst__r(s);
    const cst_slice *next = cst__row_front(&w->queue), *first = cst__row_front(&r->buffer);
    cst_slice *last = cst__row_end(&r->buffer), *out = cst__row_end(&to->queue);
    const size_t mark = r->high_water_mark, left = SIZE_MAX - to->length;
    const uint32_t most = room_to_pass(w, r, to);
    size_t until = to->length < to->high_water_mark ? to->high_water_mark - to->length : 0;
    size_t length = r->length, moved = 0;
    uint32_t count = 0;

    if (until > ctx->bytes_left)
        until = ctx->bytes_left;
    do {
        length += next->len - first->len;
        moved += first->len;
        *out++ = *first++;
        *last++ = *next++;
        count++;
    } while (count < most && moved < until && is_step(length, mark, first, next) &&
             first->len <= left - moved);
    moved_up(s, count, length - r->length + moved, next[-1].len);
    r->buffer.head += count;
    r->length = length;
    to->queue.count += count;
    to->length += moved;
    sink->flags |= W_BUFFERED | ACTIVE;
    cst__bytes_moved(ctx, moved);
    return out[-1];
}

static cst_slice move_one(cst_ctx *ctx, cst_stream *s)
{
    const cst_slice *next = cst__row_front(&cst__w(s)->queue);
    cst_slice first;

    exchange(cst__r(s), &first, next);
    moved_up(s, 1, next->len, next->len);
    cst__bytes_moved(ctx, first.len);
    return first;
}

static void pass_on(cst_stream *s)
{
    struct cst__passing passing;
    cst_ctx *ctx = s->ctx;
    cst_slice chunk;
    cst_status st;

    do {
        const cst_slice *first = cst__row_front(&cst__r(s)->buffer);

        passing_init(&passing, s, &chunk);
        if (leads_to_idle(&passing, cst__r(s)->sole_dest) || !queues(passing.sink) ||
            !fits(passing.sink, first->len) || passing.sink == s) {
            chunk = move_one(ctx, s);
            (void)deliver(ctx, &passing, cst__r(s)->sole_dest);
            cst__slice_drop(&chunk);
        } else {
            chunk = move_into_queue(ctx, s, passing.sink);
            if ((st = queue_result(passing.sink)) != CST_OK)
                cst__express_queue_is_full(&passing, st);
        }
    } while (passes_on(s) && !cst__bytes_spent(ctx));
}

bool cst__express_flow(cst_stream *s, bool *more)
{
    if (may_stream(s)) {
        *more = stream_on(s);
        return true;
    }
    if (!(s->flags & IS_PASSTHROUGH) || !passes_on(s))
        return false;
    pass_on(s);
    *more = true;
    return true;
}

#endif

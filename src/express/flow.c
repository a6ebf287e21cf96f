/*
 * flow.c - the fast path of a flow: many deliveries, with the questions asked once.
 *
 * Two differences from the rules; neither changes the order of events:
 *   - in a turn with a limit of bytes a chunk counts before it is handed on, not after;
 *   - a chunk that goes into a queue is the queue's alone, so its bytes may be released while the
 *     flow still has to say that the queue is full.
 */
#include "express/express.h"

#ifndef CST_NO_EXPRESS

#include "express/lane.h"

/* --- a source --------------------------------------------------------------------------------- */

/*
 * A source in full flow (SOURCE_STREAMS), whose read slot gives or pushes the next chunk at each
 * call. Then cst__read_chunk comes to this: call the slot if there is room, put the chunk that it
 * produces behind what is there, and hand the first chunk on. Node calls the slot first, so the two
 * chunks cannot be one.
 */
static bool may_stream(const cst_stream *s)
{
    return IS(s, SOURCE_STREAMS) && cst__r(s)->high_water_mark != 0 && s->ops->read &&
           !cst__has_transfer(s) &&
           !s->ctx->room.given_by; /* what another slot has given is needed still */
}

/* Return whether taking the first chunk leaves room, so that the read slot has to be called before.
 */
static bool has_room_then(const struct readable *r)
{
    return r->length - cst__row_front(&r->buffer)->len < r->high_water_mark;
}

/* Take the first chunk of the buffer, and put another behind the last. Return false if there is no
 * room. */
ALWAYS_INLINE bool exchange(struct readable *r, cst_slice *first, const cst_slice *last)
{
    if (r->buffer.count == 1) {
        *first = *cst__row_front(&r->buffer);
        set_head(r, last);
        return true;
    }
    if (!cst__row_has_room(&r->buffer) || last->len > SIZE_MAX - r->length)
        return false;
    *first = *cst__row_front(&r->buffer);
    r->buffer.items[r->buffer.head++ + r->buffer.count] = *last;
    r->length += last->len - first->len;
    return true;
}

/* Take the first of several chunks. Of two the other one takes its place, so that no room is used
 * up. */
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

/* Go on by the rules: the slot did more, or less, than produce one chunk. Return false if no chunk
 * came of it. */
static bool stream_slow(cst_stream *s, const struct express_read *read, cst_status status)
{
    cst_slice chunk;

    if (s->ctx->room.express)
        cst__express_show(s->ctx);
    s->slot = read->express.outer;
    cst__read_returned(s, status);
    if (!cst__read_after_slot(s, read->first_len, &chunk))
        return false;
    cst__bytes_moved(s->ctx, chunk.len);
    cst__slice_drop(&chunk);
    return true;
}

/* Call the slot. Return true if it produced one chunk, now in ctx->room.given, and nothing else has
 * happened. */
ALWAYS_INLINE bool call_read(cst_ctx *ctx, struct express_read *read, void *self,
                             cst_status *status)
{
    cst_stream *s = read->express.producer;

    ctx->room.express = &read->express;
    *status = s->ops->read(s, self, cst__r(s)->high_water_mark);
    return *status == read->express.produced && ctx->room.express == &read->express;
}

ALWAYS_INLINE void take_produced(cst_ctx *ctx, struct express_read *read)
{
    ctx->room.express = NULL;
    read->express.produced = READ_NOTHING;
}

/*
 * Stream while the buffer has one chunk, whose place the next one takes, into an idle sink, with
 * idle stages between. As long as neither slot calls the library no stream changes: flags are not
 * tested again, and chunks stay out of the buffer; the current one is in read->head, the next in
 * ctx->room.given. Bytes of the user's may call the user when they are released. Return false if
 * the slot did not produce one chunk; it has returned *status.
 */
OUT_OF_LINE bool stream_to_idle(cst_ctx *ctx, struct express_write *way, struct express_read *read,
                                cst_status *status)
{
    cst_stream *s = read->express.producer;
    struct readable *r = cst__r(s);
    void *source_self = cst__self(s);
    void *sink_self = cst__self_of_writable(way->sink);
    bool seen = false;
    cst_block *block;

    read->head = *cst__row_front(&r->buffer);
    read->express.head_is_cached = true;
    way->express.head_is_cached = true;
    way->chunk = &read->head;
    do {
        if (!call_read(ctx, read, source_self, status)) {
            if (ctx->room.express)
                cst__express_show(ctx);
            read->express.head_is_cached = false;
            read->first_len = read->head.len;
            return false;
        }
        take_produced(ctx, read);
        cst__bytes_moved(ctx, read->head.len);
        block = read->head.block;
        if (!call_write(ctx, way, sink_self, status)) {
            cst__express_way_returned(way, *status);
            seen = true;
        } else if (cst__bytes_spent(ctx) || (block && cst__block_unref_may_call(block))) {
            set_head(r, &ctx->room.given);
            seen = true;
        }
        if (block)
            cst__block_unref(block);
        read->head = ctx->room.given;
    } while (!seen);
    read->express.head_is_cached = false;
    return true;
}

/* Take the first chunk of the buffer; before that the slot may have to produce one more. Return as
 * stream_to_idle. */
ALWAYS_INLINE bool stream_first(cst_ctx *ctx, struct express_read *read, void *self,
                                cst_slice *chunk, cst_status *status)
{
    struct readable *r = cst__r(read->express.producer);

    if (!has_room_then(r)) {
        take_first(r, chunk);
    } else {
        read->first_len = cst__row_front(&r->buffer)->len;
        if (!call_read(ctx, read, self, status) || !exchange(r, chunk, &ctx->room.given))
            return false;
        take_produced(ctx, read);
    }
    cst__bytes_moved(ctx, chunk->len);
    return true;
}

/* No sum of three lengths up to this one wraps around. */
#define LARGEST_LENGTH (SIZE_MAX / 4)

static bool has_small_lengths(const struct readable *r, const struct writable *to)
{
    return r->length <= LARGEST_LENGTH && r->high_water_mark <= LARGEST_LENGTH &&
           to->length <= LARGEST_LENGTH && to->high_water_mark <= LARGEST_LENGTH;
}

/* Put a chunk behind the last of several. Return false if there is no room. */
ALWAYS_INLINE bool append(struct readable *r, const cst_slice *chunk)
{
    if (!cst__row_has_room(&r->buffer) || chunk->len > LARGEST_LENGTH)
        return false;
    cst__slice_move(cst__row_end(&r->buffer), chunk);
    r->buffer.count++;
    r->length += chunk->len;
    return true;
}

/* Return how many bytes a flow may move into a queue: until that is full, or those of the turn are
 * spent. */
ALWAYS_INLINE size_t bytes_to_queue(const cst_ctx *ctx, const struct writable *to)
{
    size_t room = to->length < to->high_water_mark ? to->high_water_mark - to->length : 0;

    return room < ctx->bytes_left ? room : ctx->bytes_left;
}

/*
 * Move chunks on, as many as go into the queue of read->sink; before each of them the slot may have
 * to produce one more. Chunks only move when all is done, or is shown. Return as stream_to_idle.
 */
OUT_OF_LINE bool fill_queue(cst_ctx *ctx, struct express_read *read, size_t until,
                            cst_status *status)
{
    struct readable *r = cst__r(read->express.producer);
    void *self = cst__self(read->express.producer);
    cst_chain_row *queue = &cst__w(read->sink)->queue;
    const cst_slice *most = read->first + cst__row_room(queue);
    size_t moved = 0;

    queue->cap -= cst__row_room(queue);
    do {
        size_t len = read->first->len;

        if (r->length - len < r->high_water_mark) {
            read->first_len = len;
            if (!call_read(ctx, read, self, status) || !append(r, &ctx->room.given))
                return false;
            read->express.produced = READ_NOTHING;
        }
        r->length -= len;
        read->first++;
        moved += len;
    } while (moved < until && read->first != most);
    ctx->room.express = NULL;
    return true;
}

/*
 * Stream into the queue of a sink that must_queue. No user code runs but the read slot: as long as
 * that does not call the library no stream changes. Return as stream_to_idle.
 */
static bool stream_to_queue(cst_ctx *ctx, struct express_write *way, struct express_read *read,
                            cst_status *status)
{
    struct writable *to = cst__w(way->sink);
    cst_slice last;

    read->sink = way->sink;
    read->sink_cap = to->queue.cap;
    read->first = cst__row_front(&cst__r(read->express.producer)->buffer);
    if (!fill_queue(ctx, read, bytes_to_queue(ctx, to), status))
        return false;
    last = read->first[-1];
    cst__express_move_to_sink(ctx, read);
    if (cst__write_is_full(way->sink))
        cst__express_queue_is_full(way, &last, CST_FULL);
    return true;
}

/* Stream one chunk, whatever the sink is. Return as stream_to_idle. */
static bool stream_one(cst_ctx *ctx, struct express_write *way, struct express_read *read,
                       cst_status *status)
{
    cst_slice chunk;

    if (!stream_first(ctx, read, cst__self(read->express.producer), &chunk, status))
        return false;
    (void)deliver(ctx, way, &chunk, cst__sole_dest(way->from));
    cst__slice_drop(&chunk);
    return true;
}

/* Stream until the state, the pipe or the turn's bytes come to an end. Return false if there was no
 * chunk. */
static bool stream_all(cst_stream *s)
{
    struct express_read read = { .express = { .producer = s,
                                              .produced = READ_NOTHING,
                                              .kind = EXPRESS_READ,
                                              .outer = s->slot } };
    const struct readable *r = cst__r(s);
    struct express_write way;
    cst_ctx *ctx = s->ctx;
    cst_stream *dest;

    do {
        cst_status status;
        bool produced;

        dest = cst__sole_dest(s);
        way_init(&way, s);
        if (find_sink(&way, dest) && r->buffer.count == 1)
            produced = stream_to_idle(ctx, &way, &read, &status);
        else if (must_queue(way.sink) && has_small_lengths(r, cst__w(way.sink)))
            produced = stream_to_queue(ctx, &way, &read, &status);
        else
            produced = stream_one(ctx, &way, &read, &status);
        if (!produced && !stream_slow(s, &read, status))
            return false;
    } while (IS(s, SOURCE_STREAMS) && cst__sole_dest(s) == dest && !dest->ops->transfer &&
             !cst__bytes_spent(ctx));
    return true;
}

/* --- a pass-through --------------------------------------------------------------------------- */

/*
 * A pass-through that is full on both sides (STAGE_FULL): its buffer is at the highWaterMark, so
 * that it keeps the completion of a write, and more writes wait behind that one. Then
 * cst__read_chunk comes to this: the kept write completes; the next begins, and since its chunk
 * fills the buffer again, its completion is kept in turn; the first chunk is handed on. So all that
 * moves is a chunk from the queue into the buffer.
 */

/* Return whether `first` out and `next` in is such a step; the buffer holds `length`, and `mark` is
 * its highWaterMark. */
ALWAYS_INLINE bool is_step(size_t length, size_t mark, const cst_slice *first,
                           const cst_slice *next)
{
    return length - first->len < mark && next->len != 0 && next->len <= SIZE_MAX - length &&
           length + next->len >= mark;
}

static bool is_full_stage(const cst_stream *s)
{
    const struct readable *r = cst__r(s);
    const struct writable *w = cst__w(s);

    return IS(s, STAGE_FULL) && !w->in_flight && !w->last_waiting && r->high_water_mark != 0 &&
           w->queue.count && cst__row_has_room(&r->buffer) &&
           is_step(r->length, r->high_water_mark, cst__row_front(&r->buffer),
                   cst__row_front(&w->queue));
}

/* Note that `count` chunks have moved up, `bytes` in all; the last of them has `len` bytes. */
static void moved_up(cst_stream *s, uint32_t count, size_t bytes, size_t len)
{
    struct writable *w = cst__w(s);

    cst__row_skip(&w->queue, count);
    w->front += count;
    w->length -= w->flight_length + bytes - len;
    w->flight_length = len;
    s->w_after_write = false;
    s->hot |= ACTIVE;
    if (!w->queue.count)
        s->hot &= NOT(W_BUFFERED);
}

/* Return how many chunks there is room for, to move up, and to move on into `to`. */
static uint32_t room_to_pass(const struct writable *w, const struct readable *r,
                             const struct writable *to)
{
    uint32_t most = w->queue.count;

    if (most > cst__row_room(&r->buffer))
        most = cst__row_room(&r->buffer);
    return most < cst__row_room(&to->queue) ? most : cst__row_room(&to->queue);
}

/*
 * Move chunks up, and on into the queue of a sink that must_queue and is not s: no user code runs,
 * so as many as there is room for, until the queue is full or the turn's bytes are spent. Return
 * the last that the sink has got.
 */
static cst_slice move_into_queue(cst_ctx *ctx, cst_stream *s, cst_stream *sink)
{
    struct writable *w = cst__w(s), *to = cst__w(sink);
    struct readable *r = cst__r(s);
    const cst_slice *next = cst__row_front(&w->queue), *first = cst__row_front(&r->buffer);
    cst_slice *last = cst__row_end(&r->buffer), *out = cst__row_end(&to->queue);
    const cst_slice *most = next + room_to_pass(w, r, to);
    const size_t mark = r->high_water_mark, until = bytes_to_queue(ctx, to);
    size_t length = r->length, moved = 0;
    uint32_t count;

    do {
        moved += first->len;
        length -= first->len;
        cst__slice_move(out++, first++);
        length += next->len;
        cst__slice_move(last++, next++);
    } while (moved < until && next != most && is_step(length, mark, first, next));
    count = (uint32_t)(next - cst__row_front(&w->queue));
    moved_up(s, count, length - r->length + moved, next[-1].len);
    r->buffer.head += count;
    r->length = length;
    to->queue.count += count;
    to->length += moved;
    sink->hot |= W_BUFFERED | ACTIVE;
    cst__bytes_moved(ctx, moved);
    return out[-1];
}

static cst_slice move_one(cst_ctx *ctx, cst_stream *s)
{
    const cst_slice *next = cst__row_front(&cst__w(s)->queue);
    cst_slice first;
    bool moved = exchange(cst__r(s), &first, next);

    CST__ASSERT(moved); /* is_full_stage has asked for the room */
    (void)moved;
    moved_up(s, 1, next->len, next->len);
    cst__bytes_moved(ctx, first.len);
    return first;
}

static void pass_on(cst_stream *s)
{
    struct express_write way;
    cst_ctx *ctx = s->ctx;
    cst_slice chunk;

    do {
        way_init(&way, s);
        if (find_sink(&way, cst__sole_dest(s)) || !must_queue(way.sink) || way.sink == s ||
            !has_small_lengths(cst__r(s), cst__w(way.sink)) || cst__w(s)->length > LARGEST_LENGTH) {
            chunk = move_one(ctx, s);
            (void)deliver(ctx, &way, &chunk, cst__sole_dest(s));
            cst__slice_drop(&chunk);
        } else {
            chunk = move_into_queue(ctx, s, way.sink);
            if (cst__write_is_full(way.sink))
                cst__express_queue_is_full(&way, &chunk, CST_FULL);
        }
    } while (is_full_stage(s) && !cst__bytes_spent(ctx));
}

bool cst__express_flow_queued(cst_stream *s, bool *more)
{
    *more = true;
    if (s->hot & IS_TRANSFORM) {
        if (!is_full_stage(s))
            return false;
        pass_on(s);
        return true;
    }
    if (!may_stream(s))
        return false;
    *more = stream_all(s);
    return true;
}

#endif

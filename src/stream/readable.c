/*
 * readable.c - the readable side: the buffer, reading ahead, who is in charge of the flow, and the end.
 *
 * Chunks come in by cst__push and leave by read_chunk, whoever calls it: the user, the flow loop, the tasks. The rules of
 * when the read slot is called, and of what is announced when, are Node's to the letter.
 */
#include "stream/stream_internal.h"

#include "cstream/readable.h"

#include "express/express.h"

#define LARGEST_READ ((size_t)1 << 30)

static void flow(cst_stream *s);
static bool cut_flow(cst_stream *s);

/* --- the side as a whole ------------------------------------------------------------------------------------------ */

static size_t high_water_mark(const cst_stream *s, const cst_opts *opts, bool both, bool objects)
{
    size_t mark = opts->high_water_mark;

    if (!mark && both)
        mark = opts->readable_high_water_mark;
    if (!mark)
        return s->ctx->default_mark[objects];
    return mark == CST_HWM_ZERO ? 0 : mark;
}

void cst__readable_init(cst_stream *s, const cst_opts *opts, bool both)
{
    bool objects = opts->object_mode || (both && opts->readable_object_mode);

    cst__readable_start(s, high_water_mark(s, opts, both, objects));
    if (objects)
        s->flags |= R_OBJECTS;
    if (both && opts->no_readable)
        s->flags |= R_ABSENT | R_ENDED | R_END_EMITTED;
}

void cst__readable_fini(cst_stream *s)
{
    cst__decoder_free(s);
    cst__row_fini(&cst__r(s)->buffer, cst__pool_allocator(&s->ctx->pool));
}

static size_t buffered_length(const cst_stream *s)
{
    const cst_chain_row *buffer = &cst__r(s)->buffer;
    size_t length = 0;

    for (uint32_t i = 0; i < buffer->count; i++)
        length += (s->flags & R_OBJECTS) ? 1 : buffer->items[buffer->head + i].len;
    return length;
}

void cst__readable_check(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    assert(cst__row_is_valid(&r->buffer));
    assert(r->length == buffered_length(s));
    assert(!(s->flags & R_QUEUED) == !r->buffer.count);
    assert(!(s->flags & R_AWAITING) == !r->buffer.spare);
    assert(!(s->flags & R_PIPED) || cst__sole_pipe(s)->dest == r->sole_dest);
    assert(!(s->flags & R_END_EMITTED) || (s->flags & R_ENDED));
    assert(!(s->flags & R_FLOWING) || (s->flags & R_HAS_FLOWING));
    (void)r; /* with NDEBUG these are not used */
    (void)buffered_length;
}

/* --- announcing: 'readable', reading ahead, the end ------------------------------------------------------------------ */

void cst__run_readable(cst_stream *s)
{
    struct readable *r = cst__r(s);

    if (!(s->flags & (DESTROYED | ERRORED)) && (r->length || (s->flags & R_ENDED))) {
        cst__emit(s, CST_READABLE);
        s->flags &= ~R_EMITTED_READABLE;
    }
    if (!(s->flags & (R_FLOWING | R_ENDED)) && r->length <= r->high_water_mark)
        s->flags |= R_NEED_READABLE;
    flow(s);
}

static void emit_readable(cst_stream *s)
{
    s->flags &= ~R_NEED_READABLE;
    if (s->flags & R_EMITTED_READABLE)
        return;
    s->flags |= R_EMITTED_READABLE;
    cst__post_for(s, TASK_READABLE);
}

/* Whether the task that reads ahead goes on. */
static bool read_more_wanted(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    return !(s->flags & (R_READING | R_ENDED)) &&
           (r->length < r->high_water_mark || ((s->flags & R_FLOWING) && r->length == 0));
}

void cst__run_read_more(cst_stream *s)
{
    while (read_more_wanted(s)) {
        size_t before = cst__r(s)->length;

        cst__run_read(s);
        if (cst__r(s)->length == before)
            break;
    }
    s->flags &= ~R_READING_MORE;
}

void cst__maybe_read_more(cst_stream *s)
{
    if ((s->flags & (R_READING_MORE | R_READING | CONSTRUCTED)) != CONSTRUCTED)
        return;
    s->flags |= R_READING_MORE;
    cst__post_for(s, TASK_READ_MORE);
}

void cst__readable_constructed(cst_stream *s)
{
    if (s->flags & R_NEED_READABLE)
        cst__maybe_read_more(s);
}

void cst__run_auto_end(cst_stream *s)
{
    if (!(s->flags & (W_ABSENT | W_ENDING | DESTROYED | ERRORED)))
        cst__end_unasked(s);
}

static bool writable_side_is_done(const cst_stream *s)
{
    return !(s->flags & HAS_WRITABLE) || (s->flags & (W_FINISHED | W_ABSENT));
}

void cst__run_end(cst_stream *s)
{
    s->flags &= ~R_END_SCHEDULED;
    if (!(s->flags & (ERRORED | CLOSE_EMITTED | R_END_EMITTED)) && cst__r(s)->length == 0) {
        s->flags |= R_END_EMITTED;
        cst__emit(s, CST_END);
        if (cst_is_writable(s) && !(s->flags & HALF_OPEN))
            cst__post_for(s, TASK_AUTO_END);
        else if ((s->flags & AUTO_DESTROY) && writable_side_is_done(s))
            cst__destroy(s, NULL);
    }
}

static void end_readable(cst_stream *s)
{
    if (s->flags & (R_END_EMITTED | R_END_SCHEDULED))
        return;
    s->flags |= R_ENDED | R_END_SCHEDULED;
    cst__post_for(s, TASK_END);
}

/* --- push ----------------------------------------------------------------------------------------------------------- */

static void emit_data(cst_stream *s, const cst_slice *chunk)
{
    s->flags |= R_DATA_EMITTED;
    if (s->flags & R_PIPED)
        cst__pipe_deliver(cst__sole_pipe(s), chunk);
    else if (cst__listened(s, CST_DATA))
        cst__emit_event(s, &(cst_event){ .type = CST_DATA, .chunk = chunk });
}

/* The chunk goes to the listeners at once: the stream flows, nothing waits, and the read slot is not running. */
static void hand_through(cst_stream *s, const cst_slice *chunk)
{
    if (s->flags & R_AWAITING)
        cst__pipes_forget_awaited(s);
    s->ctx->frames += CST__NESTED;
    emit_data(s, chunk);
    s->ctx->frames -= CST__NESTED;
}

static bool flows_through(const cst_stream *s)
{
    return (s->flags & (R_FLOWING | R_SYNC | R_DATA_LISTENING | R_QUEUED)) ==
           (R_FLOWING | R_DATA_LISTENING);
}

static cst_status buffer_chunk(cst_stream *s, cst_slice *chunk, bool front)
{
    struct readable *r = cst__r(s);
    const cst_allocator *allocator = cst__pool_allocator(&s->ctx->pool);
    size_t len = (s->flags & R_OBJECTS) ? 1 : chunk->len;
    cst_status st;

    if (len > SIZE_MAX - r->length)
        return CST_E_OUT_OF_RANGE;
    st = front ? cst__row_reserve_front(&r->buffer, allocator)
               : cst__row_reserve(&r->buffer, allocator);
    if (st < 0)
        return st;
    if (front)
        cst__row_unshift(&r->buffer, chunk);
    else
        cst__row_push(&r->buffer, chunk);
    *chunk = (cst_slice){ 0 };
    r->length += len;
    s->flags |= R_QUEUED;
    if (s->flags & R_NEED_READABLE)
        emit_readable(s);
    return CST_OK;
}

/* A chunk that cannot be kept is lost, so the stream has failed. */
static cst_status add_failed(cst_stream *s, cst_status status)
{
    cst_error error = cst__error_here(s, status, CST_READING);

    cst__error_or_destroy(s, &error, false);
    return status;
}

static cst_status add_chunk(cst_stream *s, cst_slice *chunk, bool front)
{
    cst_status st;

    if (!flows_through(s)) {
        if ((st = buffer_chunk(s, chunk, front)) < 0)
            return add_failed(s, st);
    } else if (cst__may_nest(s->ctx)) {
        hand_through(s, chunk);
    } else {
        /* Too many stages inside one another: it waits, and a task lets it flow, so that the stack stays bounded. */
        if ((st = buffer_chunk(s, chunk, front)) < 0)
            return add_failed(s, st);
        cst__post_for(s, TASK_FLOW);
    }
    cst__maybe_read_more(s);
    return cst__push_status(s);
}

static cst_status push_decoded(cst_stream *s, const cst_slice *chunk)
{
    cst_slice text;
    cst_status st = cst__decode(s, chunk, &text);

    if (st < 0)
        return add_failed(s, st);
    if (text.len > 0 || (s->flags & R_OBJECTS)) {
        st = add_chunk(s, &text, false);
        cst__slice_unref(&text);
        return st;
    }
    s->flags |= ACTIVE;
    cst__maybe_read_more(s);
    return cst__push_status(s);
}

cst_status cst__push(cst_stream *s, cst_slice *chunk)
{
    CST__ASSERT(!s->ctx->room.express);
    if (!(s->flags & R_OBJECTS) && chunk->len == 0) {
        s->flags &= ~R_READING;
        cst__maybe_read_more(s);
        return cst__push_status(s);
    }
    if (s->flags & R_ENDED)
        return add_failed(s, CST_E_PUSH_AFTER_EOF);
    if (s->flags & (DESTROYED | ERRORED))
        return CST_E_DESTROYED;
    s->flags &= ~R_READING;
    if (cst__decodes(s))
        return push_decoded(s, chunk);
    return add_chunk(s, chunk, false);
}

void cst__push_eof(cst_stream *s)
{
    cst_status st;

    CST__ASSERT(!s->ctx->room.express);
    s->flags &= ~R_READING;
    if (s->flags & R_ENDED)
        return;
    if (cst__decodes(s) && (st = cst__decode_end(s)) < 0)
        add_failed(s, st);
    s->flags |= R_ENDED;
    if (!(s->flags & R_SYNC)) {
        s->flags &= ~R_NEED_READABLE;
        s->flags |= R_EMITTED_READABLE;
        cst__run_readable(s);
    } else if ((s->flags & (R_FLOWING | R_NEED_READABLE)) || cst__listened(s, CST_READABLE)) {
        emit_readable(s);
    } else {
        s->flags |= R_EOF_READABLE_PENDING;
    }
}

cst_status cst__push_general(cst_stream *s, cst_slice chunk)
{
    cst_status st = CST_E_INVALID_ARG;

    if (s && (s->flags & HAS_READABLE)) {
        cst_ctx *ctx = s->ctx;

        cst__enter(ctx);
        st = cst__push(s, &chunk);
        cst__leave(ctx);
    }
    cst__slice_unref(&chunk);
    return st;
}

/* A copy for a push or an unshift was not made. */
OUT_OF_LINE cst_status fail_for(cst_stream *s, cst_status st)
{
    cst_ctx *ctx = s->ctx;

    cst__enter(ctx);
    add_failed(s, st);
    cst__leave(ctx);
    return st;
}

cst_status cst__copy_to_push(cst_slice *out, cst_stream *s, const void *bytes, size_t len)
{
    cst_status st;

    if (!s || !(s->flags & HAS_READABLE))
        return CST_E_INVALID_ARG;
    st = bytes || !len ? cst__copy(out, &s->ctx->copies, bytes, len) : CST_E_INVALID_ARG;
    return st == CST_OK ? CST_OK : fail_for(s, st);
}

cst_status cst_push_eof(cst_stream *s)
{
    cst_ctx *ctx;

    if (!s || !(s->flags & HAS_READABLE))
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    cst__enter(ctx);
    cst__push_eof(s);
    cst__leave(ctx);
    return CST_EOF;
}

static cst_status unshift(cst_stream *s, cst_slice *chunk)
{
    if (!(s->flags & R_OBJECTS) && chunk->len == 0)
        return cst__push_status(s);
    if (s->flags & R_END_EMITTED)
        return add_failed(s, CST_E_UNSHIFT_AFTER_END_EVENT);
    if (s->flags & (DESTROYED | ERRORED))
        return CST_E_DESTROYED;
    return add_chunk(s, chunk, true);
}

cst_status cst_unshift(cst_stream *s, cst_slice chunk)
{
    cst_status st = CST_E_INVALID_ARG;

    if (s && (s->flags & HAS_READABLE)) {
        cst_ctx *ctx = s->ctx;

        cst__enter(ctx);
        st = unshift(s, &chunk);
        cst__leave(ctx);
    }
    cst__slice_unref(&chunk);
    return st;
}

cst_status cst_unshift_copy(cst_stream *s, const void *bytes, size_t len)
{
    cst_slice chunk = { 0 };
    cst_status st;

    if (!s || !(s->flags & HAS_READABLE))
        return CST_E_INVALID_ARG;
    st = bytes || !len ? cst__copy(&chunk, &s->ctx->copies, bytes, len) : CST_E_INVALID_ARG;
    return st == CST_OK ? cst_unshift(s, chunk) : fail_for(s, st);
}

/* --- read ----------------------------------------------------------------------------------------------------------- */

/* How much a read of this size takes now: bytes, or messages. */
static size_t how_much(const cst_stream *s, size_t size)
{
    const struct readable *r = cst__r(s);

    if (size == 0 || (r->length == 0 && (s->flags & R_ENDED)))
        return 0;
    if (s->flags & R_OBJECTS)
        return 1;
    if (size == CST_READ_ANY && !(s->flags & R_FLOWING) && cst__decodes(s))
        return r->length;
    if (size == CST_READ_ANY)
        return r->length ? cst__row_front(&r->buffer)->len : 0;
    if (size <= r->length)
        return size;
    return (s->flags & R_ENDED) ? r->length : 0;
}

static size_t next_power_of_two(size_t n)
{
    size_t power = 1;

    while (power < n)
        power <<= 1;
    return power;
}

/* A read of nothing where enough is there only has to say so. */
static bool only_announce(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    return (s->flags & R_NEED_READABLE) &&
           ((r->high_water_mark ? r->length >= r->high_water_mark : r->length > 0) ||
            (s->flags & R_ENDED));
}

/*
 * The read slot has returned: says how much can be taken now. Beside what was pushed, a read inside the slot may have
 * taken what n counted on: Node goes wrong there. And where it has put other text in front, n may end inside a character.
 */
static size_t fetched(cst_stream *s, size_t size, size_t n)
{
    s->flags &= ~R_SYNC;
    if (!(s->flags & R_READING) || n > cst__r(s)->length)
        return how_much(s, size);
    return size == CST_READ_ANY && cst__decodes(s) ? cst__whole_characters(s, n) : n;
}

/* What a transfer says of its source, as the read slot in whose place it was made would have. */
static void transferred(cst_stream *s, cst_status st, const cst_transfer *transfer)
{
    if (transfer->moved)
        s->flags |= R_DATA_EMITTED;
    cst__bytes_moved(s->ctx, transfer->moved);
    if (transfer->from == CST_EMPTY)
        return; /* a push is to come */
    s->flags &= ~R_READING;
    if (transfer->from == CST_EOF) {
        cst__push_eof(s);
    } else if (transfer->from < 0) {
        cst_error error = cst__error_here(s, transfer->from, CST_READING);

        cst__error_or_destroy(s, &error, false);
    } else if (st == CST_OK) {
        emit_readable(s); /* its task lets the flow go on */
    }
}

static bool skip_read(cst_stream *s)
{
    s->flags &= ~R_READING;
    return true;
}

bool cst__has_transfer(const cst_stream *s)
{
    return (s->flags & (R_PIPED | R_FLOWING | R_OBJECTS)) == (R_PIPED | R_FLOWING) &&
           cst__r(s)->sole_dest->ops->transfer && s->ops->read &&
           cst__pipe_has_transfer(cst__sole_pipe(s));
}

/*
 * The shorter way of stream.h, in place of a call of the read slot. Whether it was taken. n is what is about to be taken
 * out of the buffer: nothing is read behind that, so that the buffer gets empty and the way is free.
 */
static bool pass_by(cst_stream *s, size_t n)
{
    cst_transfer transfer = { .source = s, .from = CST_OK };
    struct cst__pipe *pipe;
    cst_status st;

    if (!cst__has_transfer(s))
        return false;
    if (s->flags & R_QUEUED)
        return n && skip_read(s);
    pipe = cst__sole_pipe(s);
    if (!cst__pipe_may_transfer(pipe))
        return false;
    if (cut_flow(s))
        return skip_read(s);
    transfer.max = s->ctx->bytes_limited ? s->ctx->bytes_left : SIZE_MAX;
    st = cst__pipe_transfer(pipe, &transfer);
    if (st == CST_EMPTY)
        return false;
    transferred(s, st, &transfer);
    return true;
}

void cst__read_returned(cst_stream *s, cst_status status)
{
    struct cst__given given = cst__take_given(s, status);

    if (given.counts)
        cst__push(s, &given.chunk);
    cst__slice_unref(&given.chunk);
    if (status < 0) {
        cst_error error = cst__error_here(s, status, CST_READING);

        cst__error_or_destroy(s, &error, false);
    }
}

/* A transform reads by completing the write whose completion it has kept. */
static void read_transform(cst_stream *s)
{
    if (!(s->flags & T_KEPT))
        return;
    s->flags &= ~T_KEPT;
    cst__write_complete(s, CST_OK);
}

static bool may_call_slot(const cst_stream *s)
{
    return (s->flags & (R_READING | R_ENDED | DESTROYED | ERRORED | CONSTRUCTED)) == CONSTRUCTED;
}

/* What comes of it may come inside or later. n is what is about to be taken; by_flow: nobody asked for a chunk. */
static void call_slot(cst_stream *s, size_t n, bool by_flow)
{
    s->flags |= R_READING | R_SYNC;
    if (s->flags & IS_TRANSFORM)
        read_transform(s);
    else if ((!by_flow || !pass_by(s, n)) && s->ops->read)
        cst__read_returned(s, cst__call_read(s, cst__r(s)->high_water_mark));
}

/* Calls the read slot where that is due, and says how much can be taken then. Something is buffered. */
static size_t fetch(cst_stream *s, size_t size, size_t n, bool by_flow)
{
    const struct readable *r = cst__r(s);
    bool due = (s->flags & R_NEED_READABLE) || r->length - n < r->high_water_mark;

    if (!due || !may_call_slot(s))
        return n;
    call_slot(s, n, by_flow);
    return fetched(s, size, n);
}

/* Takes n bytes, or one message, out of the buffer. n is not 0 and not more than there is. */
static cst_status take(cst_stream *s, size_t n, cst_slice *out)
{
    struct readable *r = cst__r(s);

    if ((s->flags & R_OBJECTS) || n == cst__row_front(&r->buffer)->len) {
        *out = cst__row_shift(&r->buffer);
        r->length -= n;
    } else {
        cst_status st;

        /* Before, since what is released may call the user. */
        if (n == r->length)
            s->flags &= ~R_QUEUED;
        st = cst__row_read(out, &r->buffer, &r->length, n, s->ctx->allocator);
        if (st < 0) {
            s->flags |= R_QUEUED;
            return st;
        }
    }
    if (!r->buffer.count)
        s->flags &= ~R_QUEUED;
    if (s->flags & R_AWAITING)
        cst__pipes_forget_awaited(s);
    return CST_OK;
}

/* The second half of read_chunk: n can be taken. */
static bool take_and_tell(cst_stream *s, size_t size, size_t n, cst_slice *out, cst_status *why)
{
    struct readable *r = cst__r(s);
    size_t taken = 0;
    cst_status st;

    if (n > 0 && r->length > 0) {
        st = take(s, n, out);
        if (st == CST_OK)
            taken = n;
        else if (why)
            *why = st;
    }
    if (!taken && r->length <= r->high_water_mark)
        s->flags |= R_NEED_READABLE;
    if (r->length == 0) {
        if (!(s->flags & R_ENDED))
            s->flags |= R_NEED_READABLE;
        else if (size != taken)
            end_readable(s);
    }
    if (taken && !(s->flags & (ERROR_EMITTED | CLOSE_EMITTED)))
        emit_data(s, out);
    return taken != 0;
}

bool cst__read_after_slot(cst_stream *s, size_t n, cst_slice *out)
{
    return take_and_tell(s, CST_READ_ANY, fetched(s, CST_READ_ANY, n), out, NULL);
}

/* A read where nothing is buffered, with the slot called. */
OUT_OF_LINE bool fetch_into_empty(cst_stream *s, size_t size, cst_slice *out, cst_status *why)
{
    size_t n = (s->flags & R_OBJECTS) && size ? 1 : 0; /* in object mode n is 1 whatever there is */

    call_slot(s, 0, !why);
    return take_and_tell(s, size, fetched(s, size, n), out, why);
}

/* A transform has something to do with a read only where it keeps a completion; a source without a slot has nothing. */
static bool has_nothing_to_call(const cst_stream *s)
{
    return (s->flags & IS_TRANSFORM) ? !(s->flags & T_KEPT) : !s->ops->read;
}

/* A read where nothing is buffered: all that there is to do is to end, or to call the slot. */
static bool read_empty(cst_stream *s, size_t size, cst_slice *out, cst_status *why)
{
    if (s->flags & R_ENDED) {
        end_readable(s);
        return false;
    }
    s->flags |= R_NEED_READABLE;
    if (!may_call_slot(s))
        return false;
    if (!has_nothing_to_call(s))
        return fetch_into_empty(s, size, out, why);
    s->flags = (s->flags & ~R_SYNC) | R_READING;
    return false;
}

OUT_OF_LINE bool read_filled(cst_stream *s, size_t size, cst_slice *out, cst_status *why)
{
    size_t n;

    if (size == 0 && only_announce(s)) {
        emit_readable(s);
        return false;
    }
    n = how_much(s, size);
    if (n == 0 && (s->flags & R_ENDED))
        return false;
    return take_and_tell(s, size, fetch(s, size, n, !why), out, why);
}

bool cst__read_chunk(cst_stream *s, size_t size, cst_slice *out, cst_status *why)
{
    struct readable *r = cst__r(s);

    CST__ASSERT(!s->ctx->room.express);
    if (size != CST_READ_ANY && size > r->high_water_mark)
        r->high_water_mark = next_power_of_two(size);
    if (size != 0)
        s->flags &= ~(R_EMITTED_READABLE | R_EOF_READABLE_PENDING);
    return r->length == 0 ? read_empty(s, size, out, why) : read_filled(s, size, out, why);
}

/* --- the flow ------------------------------------------------------------------------------------------------------- */

/* What is left of a flow when the turn's bytes are spent. */
struct rest {
    cst_task_link link;
    cst_stream *stream;
};

static void run_rest(cst_task_link *link)
{
    struct rest *rest = cst__container_of(link, struct rest, link);
    cst_stream *s = rest->stream;

    cst__free(s->ctx, rest, sizeof(*rest));
    s->flags &= ~R_FLOW_CUT;
    cst__run_flow(s);
    cst__release(s);
}

/* Whether the turn's bytes are spent, so that the rest is left to an immediate. Without memory for that it goes on. */
static bool cut_flow(cst_stream *s)
{
    struct rest *rest;

    if (!cst__bytes_spent(s->ctx))
        return false;
    if (s->flags & R_FLOW_CUT)
        return true;
    rest = cst__alloc(s->ctx, sizeof(*rest));
    if (!rest)
        return false;
    *rest = (struct rest){ .stream = s };
    s->flags |= R_FLOW_CUT;
    s->refs++;
    cst__post_rest(s->ctx, &rest->link, run_rest);
    return true;
}

void cst__run_flow(cst_stream *s)
{
    cst_slice chunk;
    bool more;

    while ((s->flags & R_FLOWING) && !cut_flow(s)) {
        if (cst__express_flow(s, &more)) {
            if (!more)
                break;
        } else {
            if (!cst__read_chunk(s, CST_READ_ANY, &chunk, NULL))
                break;
            cst__bytes_moved(s->ctx, chunk.len);
            cst__slice_drop(&chunk);
        }
    }
}

/*
 * cst__run_flow, where that is one read that can bring nothing: the buffer is empty, and the slot will not be called. Only
 * where the turn's bytes are spent there would be no read.
 */
static void flow(cst_stream *s)
{
    if (!(s->flags & R_FLOWING))
        return;
    if (!(s->flags & R_QUEUED) && (s->flags & (R_READING | R_ENDED)) && s->ctx->bytes_left != 0)
        cst__read_chunk(s, CST_READ_ANY, NULL, NULL);
    else
        cst__run_flow(s);
}

cst_status cst_read(cst_slice *out, cst_stream *s, size_t size)
{
    cst_status why = CST_EMPTY;
    cst_slice chunk;
    cst_ctx *ctx;

    if (!s || !(s->flags & HAS_READABLE) || (!out && size))
        return CST_E_INVALID_ARG;
    if (size > LARGEST_READ && size != CST_READ_ANY)
        return CST_E_OUT_OF_RANGE;
    ctx = s->ctx;
    cst__enter(ctx);
    if (cst__read_chunk(s, size, &chunk, &why)) {
        *out = chunk;
        why = CST_OK;
    } else if (why == CST_EMPTY && (s->flags & R_ENDED) && cst__r(s)->length == 0) {
        why = CST_EOF;
    }
    cst__leave(ctx);
    return why;
}

cst_status cst_next(cst_slice *out, cst_stream *s)
{
    cst_status st;

    if (!out || !s || !(s->flags & HAS_READABLE))
        return CST_E_INVALID_ARG;
    s->flags |= R_ITERATED;
    if (!(s->flags & DESTROYED)) {
        st = cst_read(out, s, CST_READ_ANY);
        if (st == CST_OK || st < 0)
            return st;
    }
    if (s->flags & ERRORED)
        return s->error.status;
    if (s->flags & R_END_EMITTED)
        return CST_EOF;
    return (s->flags & DESTROYED) ? CST_E_PREMATURE_CLOSE : CST_EMPTY;
}

/* --- who is in charge ---------------------------------------------------------------------------------------------- */

void cst__run_resume(cst_stream *s)
{
    if (!(s->flags & R_READING))
        cst__run_read(s);
    s->flags &= ~R_RESUME_SCHEDULED;
    cst__emit(s, CST_RESUME);
    flow(s);
    if ((s->flags & (R_FLOWING | R_READING)) == R_FLOWING)
        cst__run_read(s);
}

void cst__resume(cst_stream *s)
{
    bool flows = (s->flags & R_FLOWING) != 0, scheduled = (s->flags & R_RESUME_SCHEDULED) != 0;

    CST__ASSERT(!s->ctx->room.express);
    if (s->flags & DESTROYED)
        return;
    s->flags &= ~R_PAUSED;
    if (flows)
        return;
    s->flags |= R_HAS_FLOWING | R_RESUME_SCHEDULED;
    if (!(s->flags & R_READABLE_LISTENING))
        s->flags |= R_FLOWING;
    if (!scheduled)
        cst__post_for(s, TASK_RESUME);
}

cst_status cst_resume(cst_stream *s)
{
    if (!s || !(s->flags & HAS_READABLE))
        return CST_E_INVALID_ARG;
    cst__enter(s->ctx);
    cst__resume(s);
    cst__leave(s->ctx);
    return CST_OK;
}

void cst__pause(cst_stream *s)
{
    CST__ASSERT(!s->ctx->room.express);
    if (s->flags & DESTROYED)
        return;
    if ((s->flags & (R_HAS_FLOWING | R_FLOWING)) != R_HAS_FLOWING) {
        s->flags |= R_HAS_FLOWING;
        s->flags &= ~R_FLOWING;
        cst__emit(s, CST_PAUSE);
    }
    s->flags |= R_PAUSED;
}

cst_status cst_pause(cst_stream *s)
{
    cst_ctx *ctx;

    if (!s || !(s->flags & HAS_READABLE))
        return CST_E_INVALID_ARG;
    ctx = s->ctx;
    cst__enter(ctx);
    cst__pause(s);
    cst__leave(ctx);
    return CST_OK;
}

/* --- what listening does -------------------------------------------------------------------------------------------- */

static void listen_to_data(cst_stream *s)
{
    s->flags |= R_DATA_LISTENING;
    if (cst__listened(s, CST_READABLE))
        s->flags |= R_READABLE_LISTENING;
    if ((s->flags & (R_HAS_FLOWING | R_FLOWING)) != R_HAS_FLOWING)
        cst__resume(s);
}

void cst__data_listener_added(cst_stream *s)
{
    cst__data_listeners_changed(s);
    listen_to_data(s);
}

/* What cst__data_listeners_changed would find. */
void cst__data_listener_is(cst_stream *s, struct cst__pipe *sole)
{
    if (!cst__decodes(s)) {
        s->flags |= R_PIPED;
        cst__r(s)->sole_dest = sole->dest;
    }
    listen_to_data(s);
}

void cst__data_listener_removed(cst_stream *s)
{
    s->flags &= ~R_DATA_LISTENING;
}

void cst__run_read(cst_stream *s)
{
    if (cst__r(s)->length == 0)
        read_empty(s, 0, NULL, NULL);
    else
        read_filled(s, 0, NULL, NULL);
}

void cst__readable_listener_added(cst_stream *s)
{
    struct readable *r = cst__r(s);

    if (s->flags & (R_END_EMITTED | R_READABLE_LISTENING))
        return;
    s->flags |= R_READABLE_LISTENING | R_NEED_READABLE | R_HAS_FLOWING;
    s->flags &= ~(R_FLOWING | R_EMITTED_READABLE);
    if (r->length) {
        emit_readable(s);
        return;
    }
    if (s->flags & R_EOF_READABLE_PENDING) {
        s->flags &= ~R_EOF_READABLE_PENDING;
        emit_readable(s);
    }
    if (!(s->flags & R_READING))
        cst__post_for(s, TASK_READ);
}

/* Deferred, so that listeners which are removed and added again do not toggle the mode. */
void cst__run_mode(cst_stream *s)
{
    if (cst__listened(s, CST_READABLE))
        s->flags |= R_READABLE_LISTENING;
    else
        s->flags &= ~R_READABLE_LISTENING;
    if ((s->flags & (R_PAUSED | R_RESUME_SCHEDULED)) == R_RESUME_SCHEDULED)
        s->flags |= R_HAS_FLOWING | R_FLOWING;
    else if (s->flags & R_DATA_LISTENING)
        cst__resume(s);
    else if (!(s->flags & R_READABLE_LISTENING))
        s->flags &= ~(R_HAS_FLOWING | R_FLOWING);
}

void cst__readable_listener_removed(cst_stream *s)
{
    cst__post_for(s, TASK_MODE);
}

/* --- looking ---------------------------------------------------------------------------------------------------------- */

static const struct readable *side(const cst_stream *s)
{
    return s && (s->flags & HAS_READABLE) ? cst__r(s) : NULL;
}

cst_flowing cst_readable_flowing(const cst_stream *s)
{
    if (!side(s) || !(s->flags & R_HAS_FLOWING))
        return CST_FLOWING_UNSET;
    return (s->flags & R_FLOWING) ? CST_FLOWING_ON : CST_FLOWING_OFF;
}

bool cst_is_paused(const cst_stream *s)
{
    return side(s) &&
           ((s->flags & R_PAUSED) || (s->flags & (R_HAS_FLOWING | R_FLOWING)) == R_HAS_FLOWING);
}

size_t cst_readable_length(const cst_stream *s)
{
    size_t length;

    if (!side(s))
        return 0;
    cst__enter(s->ctx);
    length = side(s)->length;
    cst__leave(s->ctx);
    return length;
}

size_t cst_readable_high_water_mark(const cst_stream *s)
{
    return side(s) ? side(s)->high_water_mark : 0;
}

bool cst_readable_object_mode(const cst_stream *s)
{
    return side(s) && (s->flags & R_OBJECTS);
}

bool cst_readable_ended(const cst_stream *s)
{
    return side(s) && (s->flags & R_END_EMITTED);
}

bool cst_readable_did_read(const cst_stream *s)
{
    bool did_read;

    if (!side(s))
        return false;
    cst__enter(s->ctx);
    did_read = s->flags & (R_DATA_EMITTED | R_DATA_EMITTED_BEFORE);
    cst__leave(s->ctx);
    return did_read;
}

bool cst_readable_aborted(const cst_stream *s)
{
    return side(s) && !(s->flags & (R_ABSENT | R_END_EMITTED)) &&
           (s->flags & (DESTROYED | ERRORED));
}

bool cst_is_readable(const cst_stream *s)
{
    return side(s) && !(s->flags & (R_ABSENT | DESTROYED | ERROR_EMITTED | R_END_EMITTED));
}

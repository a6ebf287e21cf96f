/*
 * read.c - chunks go out: cst_read, cst_next, reading ahead, the flow.
 *
 * All buffered chunks leave by cst__read_chunk, which is called for the user, by the flow loop and
 * by tasks. When the read slot is called, and when an event is announced, is exactly as in Node.
 */
#include "stream/stream_internal.h"

#include "express/express.h"

/* --- how much --------------------------------------------------------------------------------- */

/* Return how much a read of this size takes now: bytes or, in object mode, chunks. */
static size_t how_much(const cst_stream *s, size_t size)
{
    const struct readable *r = cst__r(s);

    if (size == 0 || (r->length == 0 && (s->hot & R_ENDED)))
        return 0;
    if (s->hot & R_OBJECTS)
        return 1;
    if (size == CST_READ_ANY && !(s->hot & R_FLOWING) && cst__decodes(s))
        return r->length;
    if (size == CST_READ_ANY)
        return r->length ? cst__row_front(&r->buffer)->len : 0;
    if (size <= r->length)
        return size;
    return (s->hot & R_ENDED) ? r->length : 0;
}

static size_t next_power_of_two(size_t n)
{
    size_t power = 1;

    while (power < n)
        power <<= 1;
    return power;
}

void cst__raise_mark(cst_stream *s, size_t n)
{
    struct readable *r = cst__r(s);

    if (n > r->high_water_mark)
        r->high_water_mark = next_power_of_two(n);
}

/* Return whether a read of size 0 only announces 'readable': there is enough in the buffer. */
static bool only_announce(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    return (s->hot & R_NEED_READABLE) &&
           ((r->high_water_mark ? r->length >= r->high_water_mark : r->length > 0) ||
            (s->hot & R_ENDED));
}

/*
 * Return how much can be taken after the read slot has returned; n is how much could be taken
 * before. Compute it anew if the slot has pushed, or if a read inside the slot has left less than n
 * in the buffer, which Node does not notice. If the slot has unshifted text, n may end inside a
 * character; then return more.
 */
static size_t fetched(cst_stream *s, size_t size, size_t n)
{
    s->hot &= NOT(R_SYNC);
    if (!(s->hot & R_READING) || n > cst__r(s)->length)
        return how_much(s, size);
    return size == CST_READ_ANY && cst__decodes(s) ? cst__whole_characters(s, n) : n;
}

/* --- the flow is cut -------------------------------------------------------------------------- */

/* The task that continues a flow which was cut because the turn's bytes were spent. */
struct rest {
    cst_task_link link;
    cst_stream *stream;
};

static void run_rest(cst_task_link *link)
{
    struct rest *rest = cst__container_of(link, struct rest, link);
    cst_stream *s = rest->stream;

    cst__free(s->ctx, rest, sizeof(*rest));
    s->r_flow_cut = false;
    cst__run_flow(s);
    cst__release(s);
}

/* Let an immediate go on with the flow, if the turn has a limit of bytes. Return false if the flow
 * does not stop: there is no limit, or no memory for the immediate. */
OUT_OF_LINE bool cut_flow_slow(cst_stream *s)
{
    struct rest *rest;

    if (!cst__bytes_spent(s->ctx))
        return false;
    if (s->r_flow_cut)
        return true;
    rest = cst__alloc(s->ctx, sizeof(*rest));
    if (!rest)
        return false;
    *rest = (struct rest){ .stream = s };
    s->r_flow_cut = true;
    s->refs++;
    cst__post_rest(s->ctx, &rest->link, run_rest);
    return true;
}

/* Return whether the flow stops here because the turn's bytes are spent. */
static inline bool cut_flow(cst_stream *s)
{
    return s->ctx->bytes_left == 0 && cut_flow_slow(s);
}

/* --- read ------------------------------------------------------------------------------------- */

static bool skip_read(cst_stream *s)
{
    s->hot &= NOT(R_READING);
    return true;
}

/*
 * Let the destination fetch the bytes itself. Return true if the read slot must not be called: the
 * bytes were fetched; or an immediate continues the flow; or n bytes are about to be taken out of
 * the buffer, which has to become empty before the destination can fetch.
 */
static bool try_transfer(cst_stream *s, size_t n)
{
    if (!cst__has_transfer(s))
        return false;
    if (s->hot & R_QUEUED)
        return n && skip_read(s);
    if (!cst__may_transfer(s))
        return false;
    return cut_flow(s) ? skip_read(s) : cst__transfer(s);
}

void cst__read_returned(cst_stream *s, cst_status status)
{
    struct cst__given given;

    if (cst__take_given(s, status, &given)) {
        if (given.counts)
            cst__push(s, &given.chunk);
        cst__slice_unref(&given.chunk);
    }
    if (status < 0) {
        cst_error error = cst__error_here(s, status, CST_READING);

        cst__error_or_destroy(s, &error, false);
    }
}

/* Read from a transform: complete its write, if the completion was kept (T_KEPT); or call its slot
 * again, if that has asked for it. */
static void read_transform(cst_stream *s)
{
    if (!(s->hot & T_KEPT))
        return;
    s->hot &= NOT(T_KEPT);
    if (s->owed & CALL_AGAIN)
        cst__call_again(s);
    else
        cst__write_complete(s, CST_OK);
}

static bool may_call_slot(const cst_stream *s)
{
    return (s->hot & (R_READING | R_ENDED | DESTROYED | ERRORED | CONSTRUCTED)) == CONSTRUCTED;
}

/* Call the read slot, or what takes its place. It may push now or later. n is what is about to be
 * taken out of the buffer; by_flow says that the library reads, and not the user. */
static void call_slot(cst_stream *s, size_t n, bool by_flow)
{
    s->hot |= R_READING | R_SYNC;
    if (s->hot & IS_TRANSFORM)
        read_transform(s);
    else if ((!by_flow || !try_transfer(s, n)) && s->ops->read)
        cst__read_returned(s, cst__call_read(s, cst__r(s)->high_water_mark));
}

/* Call the read slot if that is due, and return how much can be taken then. The buffer is not
 * empty; n could be taken before. */
static size_t fetch(cst_stream *s, size_t size, size_t n, bool by_flow)
{
    const struct readable *r = cst__r(s);
    bool due = (s->hot & R_NEED_READABLE) || r->length - n < r->high_water_mark;

    if (!due || !may_call_slot(s))
        return n;
    call_slot(s, n, by_flow);
    return fetched(s, size, n);
}

/* Take n bytes, or one chunk in object mode, out of the buffer. n is from 1 to what is there. */
static cst_status take(cst_stream *s, size_t n, cst_slice *out)
{
    struct readable *r = cst__r(s);

    if ((s->hot & R_OBJECTS) || n == cst__row_front(&r->buffer)->len) {
        *out = cst__row_shift(&r->buffer);
        r->length -= n;
    } else {
        cst_status st;

        /* Before the read: releasing a block can call the user, who may look at the stream. */
        if (n == r->length)
            s->hot &= NOT(R_QUEUED);
        st = cst__row_read(out, &r->buffer, &r->length, n, s->ctx->allocator);
        if (st < 0) {
            s->hot |= R_QUEUED;
            return st;
        }
    }
    if (!r->buffer.count)
        s->hot &= NOT(R_QUEUED);
    if (s->hot & R_AWAITING)
        cst__pipes_forget_awaited(s);
    return CST_OK;
}

/* Finish a read: take n out of the buffer, emit 'data', and see to 'readable' and 'end'. Return
 * whether a chunk was taken. */
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
        s->hot |= R_NEED_READABLE;
    if (r->length == 0) {
        if (!(s->hot & R_ENDED))
            s->hot |= R_NEED_READABLE;
        else if (size != taken)
            cst__end_readable(s);
    }
    if (taken && !s->error_emitted && !s->close_emitted)
        cst__emit_data(s, out);
    return taken != 0;
}

bool cst__read_after_slot(cst_stream *s, size_t n, cst_slice *out)
{
    return take_and_tell(s, CST_READ_ANY, fetched(s, CST_READ_ANY, n), out, NULL);
}

/* Read from an empty buffer, calling the slot. */
OUT_OF_LINE bool fetch_into_empty(cst_stream *s, size_t size, cst_slice *out, cst_status *why)
{
    size_t n = (s->hot & R_OBJECTS) && size ? 1 : 0; /* in object mode 1, even if empty */

    call_slot(s, 0, !why);
    return take_and_tell(s, size, fetched(s, size, n), out, why);
}

/* Return whether a read has nothing to call: a transform keeps no completion, or another stream has
 * no read slot. */
static bool has_nothing_to_call(const cst_stream *s)
{
    return (s->hot & IS_TRANSFORM) ? !(s->hot & T_KEPT) : !s->ops->read;
}

/* Read from an empty buffer: all that can be done is to end, or to call the slot. */
static bool read_empty(cst_stream *s, size_t size, cst_slice *out, cst_status *why)
{
    if (s->hot & R_ENDED) {
        cst__end_readable(s);
        return false;
    }
    s->hot |= R_NEED_READABLE;
    if (!may_call_slot(s))
        return false;
    if (!has_nothing_to_call(s))
        return fetch_into_empty(s, size, out, why);
    s->hot = (s->hot & NOT(R_SYNC)) | R_READING;
    return false;
}

OUT_OF_LINE bool read_filled(cst_stream *s, size_t size, cst_slice *out, cst_status *why)
{
    size_t n;

    if (size == 0 && only_announce(s)) {
        cst__announce_readable(s);
        return false;
    }
    n = how_much(s, size);
    if (n == 0 && (s->hot & R_ENDED))
        return false;
    return take_and_tell(s, size, fetch(s, size, n, !why), out, why);
}

bool cst__read_chunk(cst_stream *s, size_t size, cst_slice *out, cst_status *why)
{
    struct readable *r = cst__r(s);

    CST__ASSERT(!s->ctx->room.express);
    if (size != CST_READ_ANY && size > r->high_water_mark)
        r->high_water_mark = next_power_of_two(size);
    if (size != 0) {
        s->hot &= NOT(R_EMITTED_READABLE);
        s->r_eof_readable_pending = false;
    }
    return r->length == 0 ? read_empty(s, size, out, why) : read_filled(s, size, out, why);
}

/* --- the flow --------------------------------------------------------------------------------- */

void cst__run_flow(cst_stream *s)
{
    cst_slice chunk;
    bool more;

    while ((s->hot & R_FLOWING) && !cut_flow(s)) {
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
 * Run the flow. If the buffer is empty and the slot cannot be called (a read is under way, or EOF
 * was pushed), the flow is a single read without a chunk, so do only that. If the turn's bytes may
 * be spent, cst__run_flow asks first.
 */
static void flow(cst_stream *s)
{
    if (!(s->hot & R_FLOWING))
        return;
    if (!(s->hot & R_QUEUED) && (s->hot & (R_READING | R_ENDED)) && s->ctx->bytes_left != 0)
        cst__read_chunk(s, CST_READ_ANY, NULL, NULL);
    else
        cst__run_flow(s);
}

/* --- tasks ------------------------------------------------------------------------------------ */

void cst__run_readable(cst_stream *s)
{
    struct readable *r = cst__r(s);

    if (!(s->hot & (DESTROYED | ERRORED)) && (r->length || (s->hot & R_ENDED))) {
        if (cst__listened(s, CST_READABLE) && !cst__least_is_missing(s))
            cst__emit_heard(s, CST_READABLE);
        s->hot &= NOT(R_EMITTED_READABLE);
    }
    if (!(s->hot & (R_FLOWING | R_ENDED)) && r->length <= r->high_water_mark)
        s->hot |= R_NEED_READABLE;
    flow(s);
}

void cst__run_read(cst_stream *s)
{
    if (cst__r(s)->length == 0)
        read_empty(s, 0, NULL, NULL);
    else
        read_filled(s, 0, NULL, NULL);
}

/* Return whether the task that reads ahead goes on. */
static bool read_more_wanted(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    return !(s->hot & (R_READING | R_ENDED)) &&
           (r->length < r->high_water_mark || ((s->hot & R_FLOWING) && r->length == 0));
}

static void read_ahead(cst_stream *s)
{
    while (read_more_wanted(s)) {
        size_t before = cst__r(s)->length;

        cst__run_read(s);
        if (cst__r(s)->length == before)
            break;
    }
    s->hot &= NOT(R_READING_MORE);
}

void cst__run_read_more(cst_stream *s)
{
    if (!cst__express_read_ahead(s))
        read_ahead(s);
}

void cst__read_ahead_returned(cst_stream *s, cst_status status)
{
    cst__read_returned(s, status);
    take_and_tell(s, 0, fetched(s, 0, 0), NULL, NULL);
    if (cst__r(s)->length)
        read_ahead(s);
    else
        s->hot &= NOT(R_READING_MORE);
}

void cst__run_resume(cst_stream *s)
{
    if (!(s->hot & R_READING))
        cst__run_read(s);
    s->r_resume_scheduled = false;
    cst__emit(s, CST_RESUME);
    flow(s);
    if ((s->hot & (R_FLOWING | R_READING)) == R_FLOWING)
        cst__run_read(s);
}

/* --- the public calls ------------------------------------------------------------------------- */

cst_status cst_read(cst_slice *out, cst_stream *s, size_t size)
{
    cst_status why = CST_EMPTY;
    cst_slice chunk;
    cst_ctx *ctx;

    if (!s || !s->has_readable || (!out && size))
        return CST_E_INVALID_ARG;
    if (size > LARGEST_READ && size != CST_READ_ANY)
        return CST_E_OUT_OF_RANGE;
    ctx = s->ctx;
    cst__enter(ctx);
    if (size && cst__listened(s, CST__EVENT_LEAST))
        cst__least_over(s);
    if (cst__read_chunk(s, size, &chunk, &why)) {
        *out = chunk;
        why = CST_OK;
    } else if (why == CST_EMPTY && (s->hot & R_ENDED) && cst__r(s)->length == 0) {
        why = CST_EOF;
    }
    cst__leave(ctx);
    return why;
}

cst_status cst_next(cst_slice *out, cst_stream *s)
{
    cst_status st;

    if (!out || !s || !s->has_readable)
        return CST_E_INVALID_ARG;
    s->r_iterated = true;
    if (!(s->hot & DESTROYED)) {
        st = cst_read(out, s, CST_READ_ANY);
        if (st == CST_OK || st < 0)
            return st;
    }
    if (s->hot & ERRORED)
        return s->error.status;
    if (s->r_end_emitted)
        return CST_EOF;
    return (s->hot & DESTROYED) ? CST_E_PREMATURE_CLOSE : CST_EMPTY;
}

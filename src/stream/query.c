/*
 * query.c - the getters of both sides.
 */
#include "stream/stream_internal.h"

/* --- both sides ------------------------------------------------------------------------------- */

cst_ctx *cst_stream_ctx(const cst_stream *s)
{
    return s ? s->ctx : NULL;
}

const cst_ops *cst_stream_ops(const cst_stream *s)
{
    return s ? s->ops : NULL;
}

void *cst_stream_self(const cst_stream *s)
{
    return s ? cst__self(s) : NULL;
}

const char *cst_stream_name(const cst_stream *s)
{
    return s && s->ops->name ? s->ops->name : "";
}

bool cst_stream_has_readable(const cst_stream *s)
{
    return s && s->has_readable;
}

bool cst_stream_has_writable(const cst_stream *s)
{
    return s && s->has_writable;
}

bool cst_is_destroyed(const cst_stream *s)
{
    return s && (s->hot & DESTROYED);
}

bool cst_is_closed(const cst_stream *s)
{
    return s && s->closed;
}

const cst_error *cst_errored(const cst_stream *s)
{
    return s && (s->hot & ERRORED) ? &s->error : NULL;
}

size_t cst_listener_count(const cst_stream *s, cst_event_type type)
{
    size_t n = 0;

    if (!s || (unsigned)type >= CST_EVENT_TYPES_)
        return 0;
    for (const struct cst__listener *l = s->listeners; l; l = l->next)
        if (l->events & EVENT_BIT(type))
            n++;
    return n;
}

/* --- the readable side ------------------------------------------------------------------------ */

static const struct readable *readable_side(const cst_stream *s)
{
    return s && s->has_readable ? cst__r(s) : NULL;
}

cst_flowing cst_readable_flowing(const cst_stream *s)
{
    if (!readable_side(s) || !s->r_has_flowing)
        return CST_FLOWING_UNSET;
    return (s->hot & R_FLOWING) ? CST_FLOWING_ON : CST_FLOWING_OFF;
}

bool cst_is_paused(const cst_stream *s)
{
    return readable_side(s) && (s->r_paused || cst__flowing_is_false(s));
}

size_t cst_readable_high_water_mark(const cst_stream *s)
{
    return readable_side(s) ? readable_side(s)->high_water_mark : 0;
}

bool cst_readable_object_mode(const cst_stream *s)
{
    return readable_side(s) && (s->hot & R_OBJECTS);
}

bool cst_readable_ended(const cst_stream *s)
{
    return readable_side(s) && s->r_end_emitted;
}

bool cst_readable_aborted(const cst_stream *s)
{
    return readable_side(s) && !s->r_absent && !s->r_end_emitted &&
           (s->hot & (DESTROYED | ERRORED));
}

bool cst_is_readable(const cst_stream *s)
{
    return readable_side(s) && !s->r_absent && !s->error_emitted && !s->r_end_emitted &&
           !(s->hot & DESTROYED);
}

cst_status cst_readable_encoding(cst_encoding *out, const cst_stream *s)
{
    if (!out || !s || !s->has_readable)
        return CST_E_INVALID_ARG;
    if (!cst__decodes(s))
        return CST_EMPTY;
    *out = cst__decoder(s)->encoding;
    return CST_OK;
}

cst_stream *cst_pipe_waits_for(const cst_stream *source)
{
    if (!source || !source->has_readable || !(source->hot & R_AWAITING))
        return NULL;
    for (const struct cst__pipe *pipe = cst__pipe_next(source->listeners, NULL); pipe;
         pipe = cst__pipe_next(pipe->on_source.next, NULL))
        if (pipe->dest->hot & W_NEED_DRAIN)
            return pipe->dest;
    return NULL;
}

/* --- the writable side ------------------------------------------------------------------------ */

size_t cst__writable_pending(const cst_stream *s)
{
    const struct writable *w = cst__w(s);

    return (size_t)w->pending + w->queue.count + ((s->hot & W_WRITING) ? 1u : 0u);
}

static const struct writable *writable_side(const cst_stream *s)
{
    return s && s->has_writable ? cst__w(s) : NULL;
}

size_t cst_writable_high_water_mark(const cst_stream *s)
{
    return writable_side(s) ? writable_side(s)->high_water_mark : 0;
}

bool cst_writable_object_mode(const cst_stream *s)
{
    return writable_side(s) && (s->hot & W_OBJECTS);
}

bool cst_writable_need_drain(const cst_stream *s)
{
    return writable_side(s) && (s->hot & (DESTROYED | W_ENDING | W_NEED_DRAIN)) == W_NEED_DRAIN;
}

size_t cst_writable_corked(const cst_stream *s)
{
    return writable_side(s) && !cst__has_enough(s) ? *cst__corks(s) : 0;
}

bool cst_writable_ended(const cst_stream *s)
{
    return writable_side(s) && (s->hot & W_ENDING);
}

bool cst_writable_finished(const cst_stream *s)
{
    return writable_side(s) && s->w_finished;
}

/* Never true on a stream with both sides: Node's Duplex has no writableAborted. */
bool cst_writable_aborted(const cst_stream *s)
{
    return writable_side(s) && !s->has_readable && !s->w_finished &&
           (s->hot & (DESTROYED | ERRORED));
}

bool cst_is_writable(const cst_stream *s)
{
    return writable_side(s) && !s->w_absent && !s->w_ended &&
           !(s->hot & (W_ENDING | DESTROYED | ERRORED));
}

/* --- what may lag ----------------------------------------------------------------------------- */

/*
 * While the fast path calls a slot, the fields behind these three getters lag. So these enter the
 * library, which writes the fields back. The other getters must not enter: they need no field that
 * lags, and filters call them for each chunk, where the writing back would be slow.
 */

size_t cst_readable_length(const cst_stream *s)
{
    size_t length;

    if (!readable_side(s))
        return 0;
    cst__enter(s->ctx);
    length = readable_side(s)->length;
    cst__leave(s->ctx);
    return length;
}

bool cst_readable_did_read(const cst_stream *s)
{
    bool did_read;

    if (!readable_side(s))
        return false;
    cst__enter(s->ctx);
    did_read = (s->hot & R_DATA_EMITTED) || s->r_data_emitted_before;
    cst__leave(s->ctx);
    return did_read;
}

size_t cst_writable_length(const cst_stream *s)
{
    size_t length;

    if (!writable_side(s))
        return 0;
    cst__enter(s->ctx);
    length = writable_side(s)->length;
    cst__leave(s->ctx);
    return length;
}

/*
 * check.c - the invariants of a stream: lengths are counted again and compared with the fields, and
 * flags with what they stand for. Built with CST_CHECK, the library checks after each slot, event
 * and task.
 */
#include "stream/stream_internal.h"

#ifdef CST_CHECK

static size_t buffered_length(const cst_stream *s)
{
    const cst_chain_row *buffer = &cst__r(s)->buffer;
    size_t length = 0;

    for (uint32_t i = 0; i < buffer->count; i++)
        length += (s->hot & R_OBJECTS) ? 1 : buffer->items[buffer->head + i].len;
    return length;
}

void cst__readable_check(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    assert(cst__row_is_valid(&r->buffer));
    assert(r->length == buffered_length(s));
    assert(!(s->hot & R_QUEUED) == !r->buffer.count);
    assert(!(s->hot & R_AWAITING) == !r->buffer.spare);
    assert(!(s->hot & R_PIPED) || cst__sole_pipe(s)->dest == r->sole_dest);
    assert(!s->r_end_emitted || (s->hot & R_ENDED));
    assert(!(s->hot & R_FLOWING) || s->r_has_flowing);
    (void)r; /* unused if NDEBUG is defined */
    (void)buffered_length;
}

static size_t queued_length(const cst_stream *s)
{
    const cst_chain_row *queue = &cst__w(s)->queue;
    size_t length = 0;

    for (uint32_t i = 0; i < queue->count; i++)
        length += (s->hot & W_OBJECTS) ? 1 : queue->items[queue->head + i].len;
    return length;
}

void cst__writable_check(const cst_stream *s)
{
    const struct writable *w = cst__w(s);

    assert(cst__row_is_valid(&w->queue));
    assert(!w->queue.count || (s->hot & W_BUFFERED));
    assert(!(s->hot & W_CORKED) == !w->queue.spare);
    assert(w->length >= queued_length(s));
    assert((s->hot & (W_WRITING | W_BUFFERED)) || w->length == 0);
    assert(!(s->hot & W_KEPT) || (s->hot & W_WRITING));
    assert(!s->w_finished || (s->hot & W_ENDING));
    (void)w; /* unused if NDEBUG is defined */
    (void)queued_length;
}

#ifdef CST_CHECK
void cst__stream_check(const cst_stream *s)
{
    if (s->has_readable)
        cst__readable_check(s);
    if (s->has_writable)
        cst__writable_check(s);
}
#endif

#endif

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
    (void)r; /* unused if NDEBUG is defined */
    (void)buffered_length;
}

static size_t queued_length(const cst_stream *s)
{
    const cst_chain_row *queue = &cst__w(s)->queue;
    size_t length = 0;

    for (uint32_t i = 0; i < queue->count; i++)
        length += (s->flags & W_OBJECTS) ? 1 : queue->items[queue->head + i].len;
    return length;
}

void cst__writable_check(const cst_stream *s)
{
    const struct writable *w = cst__w(s);

    assert(cst__row_is_valid(&w->queue));
    assert(!w->queue.count || (s->flags & W_BUFFERED));
    assert(!(s->flags & W_EXPECTING) == !(s->flags & W_WRITING));
    assert(!(s->flags & W_CORKED) == !w->queue.spare);
    assert(w->length >= queued_length(s));
    assert((s->flags & (W_WRITING | W_BUFFERED)) || w->length == 0);
    assert(!(s->flags & W_KEPT) || (s->flags & W_EXPECTING));
    assert(!(s->flags & W_FINISHED) || (s->flags & W_ENDING));
    (void)w; /* unused if NDEBUG is defined */
    (void)queued_length;
}

#ifdef CST_CHECK
void cst__stream_check(const cst_stream *s)
{
    if (s->flags & HAS_READABLE)
        cst__readable_check(s);
    if (s->flags & HAS_WRITABLE)
        cst__writable_check(s);
}
#endif

#endif

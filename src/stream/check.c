/*
 * check.c - the invariants of a stream and of its pipes: what is counted is counted again and
 * compared with the fields, and flags with what they stand for. Built with CST_CHECK, the library
 * checks after each slot, event and task.
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
    assert(!(s->hot & R_AWAITING) == !*cst__awaited(s));
    assert(!(s->hot & R_PIPED) || cst__sole_pipe(s)->dest == cst__sole_dest(s));
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
    assert(!(s->hot & W_CORKED) == !*cst__corks(s));
    assert(w->length >= queued_length(s));
    assert((s->hot & (W_WRITING | W_BUFFERED)) || w->length == 0);
    assert(!(s->hot & W_KEPT) || (s->hot & W_WRITING));
    assert(!s->w_finished || (s->hot & W_ENDING));
    assert(!(s->owed & CALL_AGAIN) || ((s->hot & IS_TRANSFORM) && (s->hot & T_KEPT)));
    (void)w; /* unused if NDEBUG is defined */
    (void)queued_length;
}

void cst__drain_check(const struct cst__drain *drain)
{
    const struct cst__pipe *pipe = drain->pipe;

    assert(pipe->drain == drain);
    assert(drain->source == pipe->source && drain->dest == pipe->dest);
    assert(!drain->detached || (pipe->drain_added && pipe->cleaned_up));
    assert(!drain->awaited || *cst__awaited(drain->source));
    (void)pipe; /* unused if NDEBUG is defined */
}

void cst__pipe_check(const struct cst__pipe *pipe)
{
    assert(pipe->refs == 1 || pipe->refs == 2);
    assert(!pipe->listed || pipe->dest->refs);
    assert(!pipe->listed || (pipe->on_source.traits & LISTENER_HELD));
    assert(!pipe->leaving || !pipe->listed);
    assert(!pipe->cleaned_up || !pipe->on_source.events);
    assert(!pipe->end_due || pipe->source->r_end_emitted);
    if (pipe->drain)
        cst__drain_check(pipe->drain);
}

/* Check the pipes from s, and that it waits for as many destinations as their records say. While
 * the context is being freed, records go one by one. */
static void check_pipes(const cst_stream *s)
{
    uint32_t awaited = 0;

    if (s->ctx->closing)
        return;
    for (const struct cst__listener *l = s->listeners; l; l = l->next) {
        const struct cst__pipe *pipe;

        if (l->kind != LISTENER_PIPE_SOURCE)
            continue;
        pipe = cst__pipe_of_source(l);
        assert(pipe->source == s);
        cst__pipe_check(pipe);
        awaited += pipe->drain && pipe->drain->awaited;
    }
    assert(!s->has_readable || *cst__awaited(s) == awaited);
    (void)awaited;
}

void cst__stream_check(const cst_stream *s)
{
    if (s->has_readable)
        cst__readable_check(s);
    if (s->has_writable)
        cst__writable_check(s);
    check_pipes(s);
}

#endif

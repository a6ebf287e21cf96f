/*
 * emit.c - the list of listeners, and emission.
 *
 * Node copies the list when an emission begins. Here the list is not copied: a listener that is
 * added goes behind the last one that the emission will call, and one that is removed is only
 * marked (`gone`, `gone_depth`) and stays in the list until no emission runs. The listeners of
 * pipes are called by ctx->child_ops, since pipe.c is below this file in the list of layout.h.
 */
#include "stream/stream_internal.h"

/* --- the list --------------------------------------------------------------------------------- */

static void unlink_listener(cst_stream *s, struct cst__listener *l)
{
    struct cst__listener *first = s->listeners;

    if (l->next)
        l->next->prev = l->prev;
    else
        first->prev = l->prev;
    if (l == first)
        s->listeners = l->next;
    else
        l->prev->next = l->next;
}

/* Give up a listener that is in no list any more: free it if cst_on made it; tell its pipe if it is
 * a pipe's. Other records of the library are freed by their owners. */
static void let_go(cst_stream *s, struct cst__listener *l)
{
    if (l->traits & LISTENER_OWNED)
        cst__free(s->ctx, l, sizeof(struct cst__fn_listener));
    else if (l->kind != LISTENER_FN)
        s->ctx->child_ops->unlinked(l);
}

static void recount_listened(cst_stream *s)
{
    unsigned listened = 0;

    for (const struct cst__listener *l = s->listeners; l; l = l->next)
        listened |= l->events;
    s->listened = (uint16_t)listened;
}

/*
 * Find out anew whether a pipe is the only 'data' listener (R_PIPED). Then chunks are handed to it
 * without a walk through the list: a listener that is added meanwhile is not called by the emission
 * that runs. R_PIPED is never set for a stream with an encoding.
 */
void cst__data_listeners_changed(cst_stream *s)
{
    struct cst__listener *sole = NULL;
    size_t count = 0;

    if (cst__decodes(s))
        return;
    for (struct cst__listener *l = s->listeners; l; l = l->next) {
        if (!(l->events & EVENT_BIT(CST_DATA)))
            continue;
        sole = l;
        count++;
    }
    cst__clear_sole_dest(s);
    if (count == 1 && sole->kind == LISTENER_PIPE_SOURCE)
        cst__set_sole_dest(s, cst__pipe_of_source(sole)->dest);
}

/* Update what depends on which events are listened to, after `removed` were. */
static void events_removed(cst_stream *s, unsigned removed)
{
    recount_listened(s);
    if (!s->has_readable)
        return;
    if (removed & EVENT_BIT(CST_DATA))
        cst__data_listeners_changed(s);
    if ((removed & EVENT_BIT(CST_DATA)) && !cst__listened(s, CST_DATA))
        s->hot &= NOT(R_DATA_LISTENING);
    if (removed & EVENT_BIT(CST_READABLE))
        cst__post_for(s, TASK_MODE);
}

/* Return whether a listener may leave the list: it has no events, no emission has still to call it,
 * and it is not held. */
static bool is_over(const struct cst__listener *l)
{
    return !l->events && !l->gone && !(l->traits & LISTENER_HELD);
}

/*
 * Sweep the list when an emission has ended; s->emit_depth emissions still run around it. Only
 * these may still have to call what was removed, so gone_depth is lowered to that. When none runs,
 * what has no events left is unlinked. listeners_gone stays as long as there is anything left to
 * sweep.
 */
OUT_OF_LINE void sweep(cst_stream *s)
{
    struct cst__listener *l, *next;
    bool left = false;

    for (l = s->listeners; l; l = next) {
        next = l->next;
        if (l->gone_depth > s->emit_depth)
            l->gone_depth = s->emit_depth;
        if (!l->gone_depth)
            l->gone = 0;
        if (is_over(l) && !s->emit_depth) {
            unlink_listener(s, l);
            let_go(s, l);
        } else if (is_over(l) || l->gone) {
            left = true;
        }
    }
    if (!left)
        s->listeners_gone = false;
}

static void unlink_if_over(cst_stream *s, struct cst__listener *l)
{
    if (!is_over(l))
        return;
    if (s->emit_depth) {
        s->listeners_gone = true;
    } else {
        unlink_listener(s, l);
        let_go(s, l);
    }
}

void cst__unlisten(cst_stream *s, struct cst__listener *l, unsigned events)
{
    unsigned removed = l->events & events;

    if (!removed)
        return;
    l->events = (uint16_t)(l->events & ~removed);
    if (s->emit_depth) {
        l->gone = (uint16_t)(l->gone | removed);
        l->gone_depth = s->emit_depth;
        s->listeners_gone = true;
    } else {
        unlink_if_over(s, l);
    }
    events_removed(s, removed);
}

/*
 * Drop the event that is being delivered to `l` right now. If no other emission of the stream runs,
 * none has still to call `l` for that event, so nothing is marked. The list need not be looked at
 * either if `l` is held: it stays there without events.
 */
void cst__unlisten_self(cst_stream *s, struct cst__listener *l, cst_event_type type)
{
    if (s->emit_depth != 1 || !(l->traits & LISTENER_HELD)) {
        cst__unlisten(s, l, EVENT_BIT(type));
        return;
    }
    l->events = (uint16_t)(l->events & ~EVENT_BIT(type));
    recount_listened(s);
}

void cst__unlink(cst_stream *s, struct cst__listener *l, unsigned beside)
{
    unlink_listener(s, l);
    s->listened = (uint16_t)beside;
}

void cst__unhold(cst_stream *s, struct cst__listener *l)
{
    l->traits = (uint8_t)(l->traits & ~LISTENER_HELD);
    unlink_if_over(s, l);
}

void cst__listen_fn(cst_stream *s, struct cst__fn_listener *l, unsigned events, unsigned traits)
{
    cst__listen(s, &l->listener, LISTENER_FN, events, traits);
}

/* --- emission --------------------------------------------------------------------------------- */

/* Remove the event of a once-listener that is about to be called, so that no other emission calls
 * it again. */
OUT_OF_LINE void take_once(cst_stream *s, struct cst__listener *l, uint16_t bit)
{
    l->gone = (uint16_t)(l->gone & ~bit);
    if (l->events & bit) {
        l->events = (uint16_t)(l->events & ~bit);
        s->listeners_gone = true;
        events_removed(s, bit);
    }
}

/* Return whether an emission that began at `depth` calls `l`: it listens to the event, or did so
 * when that emission began. A once-listener loses the event then. */
static inline bool take_event(cst_stream *s, struct cst__listener *l, uint16_t bit, unsigned depth)
{
    if (!(l->events & bit) && !((l->gone & bit) && l->gone_depth >= depth))
        return false;
    if (l->traits & LISTENER_ONCE)
        take_once(s, l, bit);
    return true;
}

static inline void call_listener(cst_stream *s, struct cst__listener *l, const cst_event *event)
{
    if (l->kind == LISTENER_FN) {
        struct cst__fn_listener *f = cst__container_of(l, struct cst__fn_listener, listener);

        f->fn(s, event, f->arg);
    } else {
        s->ctx->child_ops->hear(l, event);
    }
}

/* Return whether `l` is called before those that listened earlier: it was put in front, or it is a
 * pipe's, which hears of its destination's error first. */
static bool is_in_front(const struct cst__listener *l, uint16_t bit)
{
    return (l->traits & LISTENER_FRONT) ||
           (l->kind == LISTENER_PIPE_DEST && bit == EVENT_BIT(CST_ERROR));
}

/* Call the listeners in front, the one that came last first, then the others in order. `last` was
 * the last in the list when the emission began. */
OUT_OF_LINE void emit_from_front(cst_stream *s, const cst_event *event, struct cst__listener *last,
                                 unsigned depth)
{
    uint16_t bit = EVENT_BIT(event->type);
    struct cst__listener *l;

    for (l = last;; l = l->prev) {
        if (is_in_front(l, bit) && take_event(s, l, bit, depth))
            call_listener(s, l, event);
        if (l == s->listeners)
            break;
    }
    for (l = s->listeners;; l = l->next) {
        if (!is_in_front(l, bit) && take_event(s, l, bit, depth))
            call_listener(s, l, event);
        if (l == last)
            break;
    }
}

/* Call the listeners in order, for an emission that has none in front. */
static inline void emit_in_order(cst_stream *s, const cst_event *event, struct cst__listener *last,
                                 unsigned depth)
{
    uint16_t bit = EVENT_BIT(event->type);

    for (struct cst__listener *l = s->listeners;; l = l->next) {
        if (take_event(s, l, bit, depth))
            call_listener(s, l, event);
        if (l == last)
            break;
    }
}

/* Emit an event that somebody listens to. */
ALWAYS_INLINE void emit(cst_stream *s, const cst_event *event)
{
    struct cst__listener *last = s->listeners->prev;
    unsigned depth = ++s->emit_depth;

    if (s->listeners_front || event->type == CST_ERROR)
        emit_from_front(s, event, last, depth);
    else
        emit_in_order(s, event, last, depth);
    s->emit_depth--;
    if (s->listeners_gone)
        sweep(s);
    cst__stream_check(s);
}

void cst__emit_event(cst_stream *s, const cst_event *event)
{
    if (cst__listened(s, event->type))
        emit(s, event);
}

void cst__emit_heard(cst_stream *s, cst_event_type type)
{
    emit(s, &(cst_event){ .type = type });
}

void cst__listeners_free(cst_stream *s)
{
    const cst_event freed = { .type = CST__EVENT_FREED };
    struct cst__listener *l;

    while ((l = s->listeners) != NULL) {
        bool hears = l->kind == LISTENER_FN && (l->events & EVENT_BIT(CST__EVENT_FREED));

        unlink_listener(s, l);
        l->events = 0;
        if (hears)
            call_listener(s, l, &freed);
        else if (l->kind != LISTENER_FN)
            s->ctx->child_ops->stream_freed(l);
        let_go(s, l);
    }
}

/*
 * emit.c - the list of listeners, and emission.
 *
 * Node copies the list when an emission begins. Here the list itself stays whole instead: what is
 * added goes behind the last listener that the emission will call, and what is removed is only
 * marked, until no emission is on. Listeners of pipes are reached through the table of the room.
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

/* It is in no list any more: its record may go. */
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
 * A pipe that is the only 'data' listener is called without a walk: nobody else can be added to
 * this emission. A stream that decodes has no such shortcut.
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
    s->flags &= ~R_PIPED;
    cst__r(s)->sole_dest = NULL;
    if (count == 1 && sole->kind == LISTENER_PIPE_SOURCE) {
        s->flags |= R_PIPED;
        cst__r(s)->sole_dest = cst__pipe_of_source(sole)->dest;
    }
}

static void events_removed(cst_stream *s, unsigned removed)
{
    recount_listened(s);
    if (!(s->flags & HAS_READABLE))
        return;
    if (removed & EVENT_BIT(CST_DATA))
        cst__data_listeners_changed(s);
    if ((removed & EVENT_BIT(CST_DATA)) && !cst__listened(s, CST_DATA))
        s->flags &= ~R_DATA_LISTENING;
    if (removed & EVENT_BIT(CST_READABLE))
        cst__post_for(s, TASK_MODE);
}

static bool is_over(const struct cst__listener *l)
{
    return !l->events && !l->gone && !(l->traits & LISTENER_HELD);
}

/* The list is walked when the emission at s->emit_depth is over: what it still had to call has been
 * called. */
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
        s->flags &= ~LISTENERS_GONE;
}

static void unlink_if_over(cst_stream *s, struct cst__listener *l)
{
    if (!is_over(l))
        return;
    if (s->emit_depth) {
        s->flags |= LISTENERS_GONE;
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
        s->flags |= LISTENERS_GONE;
    } else {
        unlink_if_over(s, l);
    }
    events_removed(s, removed);
}

/* No other emission can have had it in view, so nothing has to be marked. */
void cst__unlisten_heard(cst_stream *s, struct cst__listener *l, cst_event_type type)
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

/* Called once, whatever emission had it in view. */
OUT_OF_LINE void take_once(cst_stream *s, struct cst__listener *l, uint16_t bit)
{
    l->gone = (uint16_t)(l->gone & ~bit);
    if (l->events & bit) {
        l->events = (uint16_t)(l->events & ~bit);
        s->flags |= LISTENERS_GONE;
        events_removed(s, bit);
    }
}

/* Whether an emission that began at this depth calls l; a once-listener is removed then. */
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

/* A pipe hears of its destination's errors before anybody who listened earlier. */
static bool is_in_front(const struct cst__listener *l, uint16_t bit)
{
    return (l->traits & LISTENER_FRONT) ||
           (l->kind == LISTENER_PIPE_DEST && bit == EVENT_BIT(CST_ERROR));
}

/* Those in front, the one that came last first; then the others. last is the last that this
 * emission is for. */
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

/* Where none is in front. */
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

/* Somebody listens. */
ALWAYS_INLINE void emit(cst_stream *s, const cst_event *event)
{
    struct cst__listener *last = s->listeners->prev;
    unsigned depth = ++s->emit_depth;

    if ((s->flags & LISTENERS_FRONT) || event->type == CST_ERROR)
        emit_from_front(s, event, last, depth);
    else
        emit_in_order(s, event, last, depth);
    s->emit_depth--;
    if (s->flags & LISTENERS_GONE)
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

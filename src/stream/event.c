/*
 * event.c - listeners and emission.
 *
 * Node copies the list when an emission begins. Here the list itself stays whole instead: what is added goes behind the
 * last listener that the emission will call, and what is removed is only marked, until no emission is on.
 */
#include "stream/stream_internal.h"

#include "cstream/event.h"

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
        cst__pipe_unlinked(l);
}

static void recount_listened(cst_stream *s)
{
    unsigned listened = 0;

    for (const struct cst__listener *l = s->listeners; l; l = l->next)
        listened |= l->events;
    s->listened = (uint16_t)listened;
}

/*
 * A pipe that is the only 'data' listener is called without a walk: nobody else can be added to this emission. A stream
 * that decodes has no such shortcut.
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
        cst__data_listener_removed(s);
    if (removed & EVENT_BIT(CST_READABLE))
        cst__readable_listener_removed(s);
}

static bool is_over(const struct cst__listener *l)
{
    return !l->events && !l->gone && !(l->traits & LISTENER_HELD);
}

/* The list is walked when the emission at s->emit_depth is over: what it still had to call has been called. */
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

/* --- emission ----------------------------------------------------------------------------------------------------- */

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
        cst__pipe_hear(l, event);
    }
}

/* A pipe hears of its destination's errors before anybody who listened earlier. */
static bool is_in_front(const struct cst__listener *l, uint16_t bit)
{
    return (l->traits & LISTENER_FRONT) ||
           (l->kind == LISTENER_PIPE_DEST && bit == EVENT_BIT(CST_ERROR));
}

/* Those in front, the one that came last first; then the others. last is the last that this emission is for. */
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
            cst__pipe_stream_freed(l);
        let_go(s, l);
    }
}

/* --- the public calls --------------------------------------------------------------------------------------------- */

static bool is_event(cst_event_type type)
{
    return (unsigned)type < CST_EVENT_TYPES_;
}

static cst_status add_listener(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg,
                               unsigned traits)
{
    struct cst__fn_listener *l;

    if (!s || !fn || !is_event(type))
        return CST_E_INVALID_ARG;
    l = cst__alloc(s->ctx, sizeof(*l));
    if (!l)
        return CST_E_NOMEM;
    cst__enter(s->ctx);
    l->fn = fn;
    l->arg = arg;
    cst__listen_fn(s, l, EVENT_BIT(type), traits | LISTENER_OWNED);
    if (type == CST_DATA && (s->flags & HAS_READABLE))
        cst__data_listener_added(s);
    if (type == CST_READABLE && (s->flags & HAS_READABLE))
        cst__readable_listener_added(s);
    cst__leave(s->ctx);
    return CST_OK;
}

cst_status cst_on(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    return add_listener(s, type, fn, arg, 0);
}

cst_status cst_once(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    return add_listener(s, type, fn, arg, LISTENER_ONCE);
}

cst_status cst_prepend(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    return add_listener(s, type, fn, arg, LISTENER_FRONT);
}

cst_status cst_prepend_once(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    return add_listener(s, type, fn, arg, LISTENER_FRONT | LISTENER_ONCE);
}

static bool is_listener(const struct cst__listener *l, cst_event_type type, unsigned front,
                        cst_listener_fn *fn, const void *arg)
{
    const struct cst__fn_listener *f;

    if (!(l->traits & LISTENER_OWNED) || !(l->events & EVENT_BIT(type)) ||
        (l->traits & LISTENER_FRONT) != front)
        return false;
    f = cst__container_of((uintptr_t)l, struct cst__fn_listener, listener);
    return f->fn == fn && f->arg == arg;
}

/* The last in the order of calls: those in front come before the rest, and the first of them was called for last. */
static struct cst__listener *find_listener(const cst_stream *s, cst_event_type type,
                                           cst_listener_fn *fn, const void *arg)
{
    struct cst__listener *l, *found = NULL;

    for (l = s->listeners; l; l = l->next)
        if (is_listener(l, type, 0, fn, arg))
            found = l;
    for (l = s->listeners; l && !found; l = l->next)
        if (is_listener(l, type, LISTENER_FRONT, fn, arg))
            found = l;
    return found;
}

/* Node looks anew who is in charge of the flow whenever a 'readable' listener is removed, also one that was not there. */
static void removed_none(cst_stream *s, cst_event_type type)
{
    if (type == CST_READABLE && (s->flags & HAS_READABLE))
        cst__readable_listener_removed(s);
}

cst_status cst_off(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    struct cst__listener *l;

    if (!s || !fn || !is_event(type))
        return CST_E_INVALID_ARG;
    cst__enter(s->ctx);
    l = find_listener(s, type, fn, arg);
    if (l)
        cst__unlisten(s, l, EVENT_BIT(type));
    else
        removed_none(s, type);
    cst__leave(s->ctx);
    return l ? CST_OK : CST_EMPTY;
}

cst_status cst_off_all(cst_stream *s, cst_event_type type)
{
    struct cst__listener *l, *next;
    uint64_t kept;

    if (!s || !is_event(type))
        return CST_E_INVALID_ARG;
    cst__enter(s->ctx);
    if (!cst__listened(s, type))
        removed_none(s, type);
    kept = type == CST_DATA ? s->flags & R_DATA_LISTENING : 0; /* here Node forgets to clear it */
    for (l = s->listeners; l; l = next) {
        next = l->next;
        if (l->traits & LISTENER_OWNED)
            cst__unlisten(s, l, EVENT_BIT(type));
    }
    s->flags |= kept;
    cst__leave(s->ctx);
    return CST_OK;
}

size_t cst_listener_count(const cst_stream *s, cst_event_type type)
{
    size_t n = 0;

    if (!s || !is_event(type))
        return 0;
    for (const struct cst__listener *l = s->listeners; l; l = l->next)
        if (l->events & EVENT_BIT(type))
            n++;
    return n;
}

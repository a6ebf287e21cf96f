/*
 * event.c - listeners and emission.
 *
 * Node copies the list when an emission begins. Here the list itself stays whole instead: what is added goes behind the
 * last listener that the emission will call, and what is removed is only marked, until no emission is on.
 */
#include "stream/stream_internal.h"

#include "cstream/event.h"

static void link_last(cst_stream *s, struct cst__listener *l)
{
    l->next = NULL;
    l->prev = s->last_listener;
    if (s->last_listener)
        s->last_listener->next = l;
    else
        s->first_listener = l;
    s->last_listener = l;
}

static void link_first(cst_stream *s, struct cst__listener *l)
{
    l->prev = NULL;
    l->next = s->first_listener;
    if (s->first_listener)
        s->first_listener->prev = l;
    else
        s->last_listener = l;
    s->first_listener = l;
}

static void unlink_listener(cst_stream *s, struct cst__listener *l)
{
    if (l->prev)
        l->prev->next = l->next;
    else
        s->first_listener = l->next;
    if (l->next)
        l->next->prev = l->prev;
    else
        s->last_listener = l->prev;
    if (!l->embedded)
        cst__free(s->ctx, l, sizeof(*l));
}

static void set_events(cst_stream *s, struct cst__listener *l, unsigned events, unsigned once)
{
    l->events = (uint16_t)events;
    l->once = (uint16_t)once;
    l->gone = 0;
    l->gone_depth = 0;
    s->listened = (uint16_t)(s->listened | events);
}

static void recount_listened(cst_stream *s)
{
    unsigned listened = 0;

    for (const struct cst__listener *l = s->first_listener; l; l = l->next)
        listened |= l->events;
    s->listened = (uint16_t)listened;
}

/* A pipe that is the only 'data' listener is called without a walk: nobody else can be added to this emission. */
void cst__data_listeners_changed(cst_stream *s)
{
    const struct cst__listener *sole = NULL;
    size_t count = 0;

    for (const struct cst__listener *l = s->first_listener; l; l = l->next) {
        if (!(l->events & EVENT_BIT(CST_DATA)))
            continue;
        sole = l;
        count++;
    }
    cst__r(s)->sole_pipe = count == 1 ? cst__pipe_of_listener(sole) : NULL;
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

/* The list is walked when the emission at s->emit_depth is over: what it still had to call has been called. */
static void sweep(cst_stream *s)
{
    struct cst__listener *l, *next;
    bool left = false;

    for (l = s->first_listener; l; l = next) {
        next = l->next;
        if (l->gone_depth > s->emit_depth)
            l->gone_depth = s->emit_depth;
        if (!l->gone_depth)
            l->gone = 0;
        if (!l->events && !l->gone && !s->emit_depth)
            unlink_listener(s, l);
        else if (!l->events || l->gone)
            left = true;
    }
    s->listeners_gone = left;
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
    } else if (!l->events) {
        unlink_listener(s, l);
    }
    events_removed(s, removed);
}

void cst__listen(cst_stream *s, struct cst__listener *l, unsigned events, unsigned once)
{
    set_events(s, l, events, once);
    l->embedded = true;
    link_last(s, l);
}

void cst__listen_first(cst_stream *s, struct cst__listener *l, unsigned events)
{
    set_events(s, l, events, 0);
    l->embedded = true;
    link_first(s, l);
}

/* --- emission ----------------------------------------------------------------------------------------------------- */

/* Whether an emission that began at this depth calls l, and what a once-listener leaves behind. */
static bool take_event(cst_stream *s, struct cst__listener *l, uint16_t bit, unsigned depth)
{
    if (!(l->events & bit) && !((l->gone & bit) && l->gone_depth >= depth))
        return false;
    if (!(l->once & bit))
        return true;
    l->once = (uint16_t)(l->once & ~bit);
    l->gone = (uint16_t)(l->gone & ~bit); /* called once, whatever emission had it in view */
    if (l->events & bit) {
        l->events = (uint16_t)(l->events & ~bit);
        s->listeners_gone = true;
        events_removed(s, bit);
    }
    return true;
}

void cst__emit_event(cst_stream *s, const cst_event *event)
{
    uint16_t bit = EVENT_BIT(event->type);
    struct cst__listener *l, *last = s->last_listener;
    unsigned depth;

    if (!(s->listened & bit))
        return;
    depth = ++s->emit_depth;
    for (l = s->first_listener;; l = l->next) {
        if (take_event(s, l, bit, depth))
            l->fn(s, event, l->arg);
        if (l == last)
            break;
    }
    s->emit_depth--;
    if (s->listeners_gone)
        sweep(s);
    cst__stream_check(s);
}

void cst__emit(cst_stream *s, cst_event_type type)
{
    if (cst__listened(s, type))
        cst__emit_event(s, &(cst_event){ .type = type });
}

void cst__listeners_free(cst_stream *s)
{
    const cst_event freed = { .type = CST__EVENT_FREED };
    struct cst__listener *l;

    while ((l = s->first_listener) != NULL) {
        uint16_t events = l->events;
        cst_listener_fn *fn = l->fn;
        void *arg = l->arg;

        unlink_listener(s, l); /* its memory is gone now, unless it is embedded */
        if (events & EVENT_BIT(CST__EVENT_FREED))
            fn(s, &freed, arg);
    }
}

/* --- the public calls --------------------------------------------------------------------------------------------- */

static bool is_event(cst_event_type type)
{
    return (unsigned)type < CST_EVENT_TYPES_;
}

static cst_status add_listener(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg,
                               bool once, bool first)
{
    struct cst__listener *l;
    cst_status st;

    if (!s || !fn || !is_event(type))
        return CST_E_INVALID_ARG;
    l = cst__alloc(s->ctx, sizeof(*l));
    if (!l)
        return CST_E_NOMEM;
    if (type == CST_READABLE && (s->flags & HAS_READABLE) &&
        (st = cst__readable_listener_added(s)) < 0) {
        cst__free(s->ctx, l, sizeof(*l));
        return st;
    }
    l->fn = fn;
    l->arg = arg;
    l->embedded = false;
    set_events(s, l, EVENT_BIT(type), once ? EVENT_BIT(type) : 0u);
    if (first)
        link_first(s, l);
    else
        link_last(s, l);
    if (type == CST_DATA && (s->flags & HAS_READABLE))
        cst__data_listener_added(s);
    return CST_OK;
}

cst_status cst_on(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    return add_listener(s, type, fn, arg, false, false);
}

cst_status cst_once(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    return add_listener(s, type, fn, arg, true, false);
}

cst_status cst_prepend(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    return add_listener(s, type, fn, arg, false, true);
}

cst_status cst_off(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg)
{
    struct cst__listener *l;

    if (!s || !fn || !is_event(type))
        return CST_E_INVALID_ARG;
    for (l = s->last_listener; l; l = l->prev)
        if (!l->embedded && (l->events & EVENT_BIT(type)) && l->fn == fn && l->arg == arg)
            break;
    if (!l)
        return CST_EMPTY;
    cst__unlisten(s, l, EVENT_BIT(type));
    return CST_OK;
}

cst_status cst_off_all(cst_stream *s, cst_event_type type)
{
    struct cst__listener *l, *next;

    if (!s || !is_event(type))
        return CST_E_INVALID_ARG;
    for (l = s->first_listener; l; l = next) {
        next = l->next;
        if (!l->embedded)
            cst__unlisten(s, l, EVENT_BIT(type));
    }
    return CST_OK;
}

size_t cst_listener_count(const cst_stream *s, cst_event_type type)
{
    size_t n = 0;

    if (!s || !is_event(type))
        return 0;
    for (const struct cst__listener *l = s->first_listener; l; l = l->next)
        if (l->events & EVENT_BIT(type))
            n++;
    return n;
}

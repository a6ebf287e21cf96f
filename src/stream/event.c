/*
 * event.c - cst_on, cst_off and their variants.
 */
#include "stream/stream_internal.h"

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
    if (type == CST_DATA && s->has_readable)
        cst__data_listener_added(s);
    if (type == CST_READABLE && s->has_readable)
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

/*
 * Return whether cst_on or a variant added `l` for these arguments. `front` is LISTENER_FRONT or 0.
 */
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

/* Return the matching listener that an emission calls last, or NULL. Those in front are called
 * before the others, the last added first; so of them it is the first in the list. */
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

/* No listener was found to be removed. As in Node, the event 'readable' then still has an effect: a
 * task decides anew who gets the chunks. */
static void removed_none(cst_stream *s, cst_event_type type)
{
    if (type == CST_READABLE && s->has_readable)
        cst__post_for(s, TASK_MODE);
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
    uint32_t kept;

    if (!s || !is_event(type))
        return CST_E_INVALID_ARG;
    cst__enter(s->ctx);
    if (!cst__listened(s, type))
        removed_none(s, type);
    kept = type == CST_DATA ? s->hot & R_DATA_LISTENING : 0; /* stays, as in Node */
    for (l = s->listeners; l; l = next) {
        next = l->next;
        if (l->traits & LISTENER_OWNED)
            cst__unlisten(s, l, EVENT_BIT(type));
    }
    s->hot |= kept;
    cst__leave(s->ctx);
    return CST_OK;
}

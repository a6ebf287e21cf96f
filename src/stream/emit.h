/*
 * emit.h - the list of listeners of a stream, and emission.
 */
#ifndef CSTREAM_EMIT_H
#define CSTREAM_EMIT_H

#include "stream/layout.h"

static inline bool cst__listened(const cst_stream *s, cst_event_type type)
{
    return s->listened & EVENT_BIT(type);
}

/** Append a listener, which is a field of a record of the caller's, to the list. */
static inline void cst__listen(cst_stream *s, struct cst__listener *l, enum cst__listener_kind kind,
                               unsigned events, unsigned traits)
{
    struct cst__listener *first = s->listeners;

    *l = (struct cst__listener){ .prev = first ? first->prev : l,
                                 .events = (uint16_t)events,
                                 .kind = (uint8_t)kind,
                                 .traits = (uint8_t)traits };
    s->listened = (uint16_t)(s->listened | events);
    if (traits & LISTENER_FRONT)
        s->listeners_front = true;
    if (first) {
        first->prev->next = l;
        first->prev = l;
    } else {
        s->listeners = l;
    }
}

/** Append a listener that calls a function; its fn and arg are set already. */
void cst__listen_fn(cst_stream *s, struct cst__fn_listener *l, unsigned events, unsigned traits);

/** Remove some of a listener's events. Those that it does not listen to are ignored. */
void cst__unlisten(cst_stream *s, struct cst__listener *l, unsigned events);

/** Drop the event that is being delivered to `l` right now. It is not 'data' or 'readable'. */
void cst__unlisten_self(cst_stream *s, struct cst__listener *l, cst_event_type type);

/** Return the events of all listeners in the list except l. */
static inline unsigned cst__listened_beside(const cst_stream *s, const struct cst__listener *l)
{
    unsigned listened = 0;

    for (const struct cst__listener *other = s->listeners; other; other = other->next)
        if (other != l)
            listened |= other->events;
    return listened;
}

/**
 * Take a listener out of the list at once. No emission may have still to call it. `beside` is the
 * result of cst__listened_beside. The caller frees the record, and updates the flags that depend on
 * which events have listeners.
 */
void cst__unlink(cst_stream *s, struct cst__listener *l, unsigned beside);

/** Clear LISTENER_HELD. If the listener has no events, it leaves the list. */
void cst__unhold(cst_stream *s, struct cst__listener *l);

void cst__emit_event(cst_stream *s, const cst_event *event);
void cst__emit_heard(cst_stream *s, cst_event_type type); /* somebody listens */

/** Emit an event that consists of its type alone. */
static inline void cst__emit(cst_stream *s, cst_event_type type)
{
    if (cst__listened(s, type))
        cst__emit_heard(s, type);
}

/** Update R_PIPED and sole_dest. Called when 'data' listeners were added or removed. */
void cst__data_listeners_changed(cst_stream *s);

/** Empty the list. Its listeners that are part of a record are told that the stream is freed. */
void cst__listeners_free(cst_stream *s);

#endif

/*
 * pipe.h - the records of a pipe; pipe.c says how they work.
 */
#ifndef CSTREAM_PIPE_RECORD_H
#define CSTREAM_PIPE_RECORD_H

#include "stream/layout.h"

/**
 * A pipe. It is in two lists of listeners: by on_source in that of its source, which also serves as
 * Node's list of pipes, and by on_dest in that of its destination.
 */
struct cst__pipe {
    union {
        struct cst__deferred_free deferred_free;
        struct cst__listener on_source;
    };
    struct cst__listener on_dest;
    cst_stream *source, *dest;
    struct cst__drain *drain; /* from the first CST_FULL on */
    uint16_t leaving; /* not 0: a cst_unpipe of all pipes has still to emit 'unpipe' for this one */
    uint8_t refs;     /* the lists that it is in; at 0 its free is deferred (cst__free_later) */
    bool no_end : 1;
    bool no_transfer : 1; /* dest cannot take bytes straight from this source */
    bool listed : 1;      /* in Node's list of pipes: it has not been undone */
    bool cleaned_up : 1;  /* its listeners were removed */
    bool drain_added : 1; /* it has listened to 'drain': it begins to only once */
    bool end_due : 1;     /* it was made after 'end': a task ends the destination */
    bool end_joined : 1;  /* with end_due: the task of an earlier pipe does that */
};

/**
 * The listener to a destination's 'drain'. It belongs to its pipe and is freed with it, except if
 * it is detached. Node adds this listener even if the pipe was undone during the write that
 * returned CST_FULL, or by a listener to 'pause'. Such a listener is detached: it stays until dest
 * is freed, and holds a reference to the source. If the source waits for dest, the pipe's record
 * stays too (pipe is not NULL), because cst__await_over_all finds the listener through it.
 */
struct cst__drain {
    struct cst__deferred_free deferred_free;
    struct cst__fn_listener on_drain;
    cst_stream *source, *dest;
    struct cst__pipe *pipe;
    bool awaited;  /* dest has returned CST_FULL, and the source waits for its 'drain' */
    bool detached; /* added for a pipe that was undone before */
};

static inline struct cst__pipe *cst__pipe_of_source(const struct cst__listener *l)
{
    return cst__container_of((uintptr_t)l, struct cst__pipe, on_source);
}

/** Return the pipe of a listener whose kind is LISTENER_PIPE_SOURCE or LISTENER_PIPE_DEST. */
static inline struct cst__pipe *cst__pipe_of_listener(const struct cst__listener *l)
{
    if (l->kind == LISTENER_PIPE_SOURCE)
        return cst__pipe_of_source(l);
    return cst__container_of((uintptr_t)l, struct cst__pipe, on_dest);
}

/** Return the pipe of a stream with R_PIPED: its listener is the only one to 'data'. */
static inline struct cst__pipe *cst__sole_pipe(const cst_stream *s)
{
    const struct cst__listener *l = s->listeners;

    while (!(l->events & EVENT_BIT(CST_DATA)))
        l = l->next;
    return cst__pipe_of_source(l);
}

#endif

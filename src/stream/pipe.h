/*
 * pipe.h - the records of a pipe; pipe.c tells its story.
 */
#ifndef CSTREAM_PIPE_RECORD_H
#define CSTREAM_PIPE_RECORD_H

#include "stream/layout.h"

/**
 * A pipe; pipe.c tells its story. It has a place in the list of its source, which is also where
 * Node's list of pipes is (listed), and one in the list of its destination.
 */
struct cst__pipe {
    union {
        struct cst__deferred_free deferred_free;
        struct cst__listener on_source;
    };
    struct cst__listener on_dest;
    cst_stream *source, *dest;
    struct cst__drain *drain; /* from the first CST_FULL on */
    uint16_t leaving; /* the cst_unpipe that takes all away and has still to say so for this one */
    uint8_t refs;     /* the lists that it is in; a frame needs none, since its free is deferred */
    bool no_end : 1;
    bool no_transfer : 1; /* dest cannot take bytes straight from this source */
    bool listed : 1;      /* one of Node's pipes */
    bool cleaned_up : 1;  /* the listeners were removed */
    bool drain_added : 1; /* once in a life */
    bool end_due : 1;     /* it was made after 'end': a task ends the destination */
    bool end_joined : 1;  /* the task of the one before it does */
};

/**
 * The one that waits for a destination's 'drain'. It belongs to its pipe, and goes with it; but
 * Node adds the listener also to a pipe that has been undone meanwhile, and then it is late: it
 * stays as long as dest, and holds a reference to the source. The record of the pipe stays too
 * where the source waits for this dest, as the way to it (pipe is not NULL).
 */
struct cst__drain {
    struct cst__deferred_free deferred_free;
    struct cst__fn_listener on_drain;
    cst_stream *source, *dest;
    struct cst__pipe *pipe;
    bool awaited; /* dest has said CST_FULL, and its 'drain' is waited for */
    bool late;
};

static inline struct cst__pipe *cst__pipe_of_source(const struct cst__listener *l)
{
    return cst__container_of((uintptr_t)l, struct cst__pipe, on_source);
}

/** The pipe that a listener of the kinds LISTENER_PIPE_... belongs to. */
static inline struct cst__pipe *cst__pipe_of_listener(const struct cst__listener *l)
{
    if (l->kind == LISTENER_PIPE_SOURCE)
        return cst__pipe_of_source(l);
    return cst__container_of((uintptr_t)l, struct cst__pipe, on_dest);
}

/** The pipe of a stream with R_PIPED: that listener is the only one to 'data'. */
static inline struct cst__pipe *cst__sole_pipe(const cst_stream *s)
{
    const struct cst__listener *l = s->listeners;

    while (!(l->events & EVENT_BIT(CST_DATA)))
        l = l->next;
    return cst__pipe_of_source(l);
}

#endif

/*
 * pipe_look.c - questions about pipes that change nothing.
 */
#include "stream/stream_internal.h"

/* How many pipes a walk follows before it takes the answer for yes. */
#define LONGEST_LOOK 256

/* The next pipe in a source's list of listeners, from l on, that has not been undone. */
static const struct cst__pipe *next_pipe(const struct cst__listener *l)
{
    for (; l; l = l->next)
        if (l->kind == LISTENER_PIPE_SOURCE && cst__pipe_of_source(l)->listed)
            return cst__pipe_of_source(l);
    return NULL;
}

static const struct cst__pipe *first_pipe(const cst_stream *source)
{
    return source->flags & HAS_READABLE ? next_pipe(source->listeners) : NULL;
}

cst_stream *cst_pipe_waits_for(const cst_stream *source)
{
    if (!source || !(source->flags & HAS_READABLE) || !(source->flags & R_AWAITING))
        return NULL;
    for (const struct cst__pipe *pipe = first_pipe(source); pipe;
         pipe = next_pipe(pipe->on_source.next))
        if (pipe->dest->flags & W_NEED_DRAIN)
            return pipe->dest;
    return NULL;
}

/* A ring that does not pass through dest would be walked for ever: left bounds the walk. */
static bool leads_to(const cst_stream *source, const cst_stream *dest, unsigned depth,
                     unsigned *left)
{
    for (const struct cst__pipe *pipe = first_pipe(source); pipe;
         pipe = next_pipe(pipe->on_source.next)) {
        if (pipe->dest == dest || depth == 0 || *left == 0)
            return true;
        --*left;
        if (leads_to(pipe->dest, dest, depth - 1, left))
            return true;
    }
    return false;
}

bool cst_pipe_leads_to(const cst_stream *source, const cst_stream *dest)
{
    unsigned left = LONGEST_LOOK;

    return source && dest && leads_to(source, dest, LONGEST_LOOK / 4, &left);
}

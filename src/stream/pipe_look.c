/*
 * pipe_look.c - questions about pipes that change nothing.
 */
#include "stream/stream_internal.h"

/* The next pipe in a source's list of listeners, from l on, that has not been undone. */
static const struct cst__pipe *next_pipe(const struct cst__listener *l)
{
    for (; l; l = l->next)
        if (l->kind == LISTENER_PIPE_SOURCE && cst__pipe_of_source(l)->listed)
            return cst__pipe_of_source(l);
    return NULL;
}

cst_stream *cst_pipe_waits_for(const cst_stream *source)
{
    if (!source || !(source->flags & HAS_READABLE) || !(source->flags & R_AWAITING))
        return NULL;
    for (const struct cst__pipe *pipe = next_pipe(source->listeners); pipe;
         pipe = next_pipe(pipe->on_source.next))
        if (pipe->dest->flags & W_NEED_DRAIN)
            return pipe->dest;
    return NULL;
}

/*
 * await.c - the pipes of a source, and which destinations it waits for.
 */
#include "stream/stream_internal.h"

/* The next listed pipe of a source, from l on; to dest, where that is not NULL. */
struct cst__pipe *cst__pipe_next(const struct cst__listener *l, const cst_stream *dest)
{
    for (; l; l = l->next) {
        struct cst__pipe *pipe;

        if (l->kind != LISTENER_PIPE_SOURCE)
            continue;
        pipe = cst__pipe_of_listener(l);
        if (pipe->listed && (!dest || pipe->dest == dest))
            return pipe;
    }
    return NULL;
}

struct cst__pipe *cst__pipe_find(const cst_stream *source, const cst_stream *dest)
{
    return cst__pipe_next(source->listeners, dest);
}

bool cst__has_one_pipe(const cst_stream *source)
{
    const struct cst__pipe *pipe = cst__pipe_find(source, NULL);

    return pipe && !cst__pipe_next(pipe->on_source.next, NULL);
}

/* Stays in the source's list, whatever it still listens to, for as long as it is wanted there. */
void cst__pipe_unhold(struct cst__pipe *pipe)
{
    const struct cst__drain *drain = pipe->drain;

    if (!pipe->listed && !pipe->leaving && !pipe->end_due &&
        !(drain && (drain->late || !pipe->drain_added)))
        cst__unhold(pipe->source, &pipe->on_source);
}

/* Node keeps the destinations that are waited for, whether they are still piped to or not. */
void cst__await(struct cst__drain *drain)
{
    if (drain->awaited)
        return;
    drain->awaited = true;
    cst__r(drain->source)->buffer.spare++;
    drain->source->flags |= R_AWAITING;
}

void cst__await_over(struct cst__drain *drain)
{
    if (!drain->awaited)
        return;
    drain->awaited = false;
    if (--cst__r(drain->source)->buffer.spare == 0)
        drain->source->flags &= ~R_AWAITING;
}

/* Those that lead to dest, or all where it is NULL. */
void cst__await_over_all(cst_stream *source, const cst_stream *dest)
{
    for (struct cst__listener *l = source->listeners; l; l = l->next) {
        const struct cst__pipe *pipe;

        if (l->kind != LISTENER_PIPE_SOURCE)
            continue;
        pipe = cst__pipe_of_listener(l);
        if (pipe->drain && (!dest || pipe->dest == dest))
            cst__await_over(pipe->drain);
    }
}

void cst__pipes_forget_awaited(cst_stream *s)
{
    cst__await_over_all(s, NULL);
}

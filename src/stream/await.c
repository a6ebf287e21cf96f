/*
 * await.c - the pipes of a source, and the destinations whose 'drain' it waits for.
 */
#include "stream/stream_internal.h"

/* Return the first listed pipe among a source's listeners, from `l` on, or NULL. If `dest` is not
 * NULL, only pipes to `dest` count. */
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

/*
 * Let the pipe's listener leave the list of its source as soon as it listens to nothing. It is held
 * there while the pipe is listed, while cst_unpipe has still to emit 'unpipe' for it, while a task
 * has still to end its destination, and while its drain record is detached or not added.
 */
void cst__pipe_unhold(struct cst__pipe *pipe)
{
    const struct cst__drain *drain = pipe->drain;

    if (!pipe->listed && !pipe->leaving && !pipe->end_due &&
        !(drain && (drain->detached || !pipe->drain_added)))
        cst__unhold(pipe->source, &pipe->on_source);
}

/* Make the source wait until the destination of `drain` drains. As in Node, it may wait for a
 * destination that it is no longer piped to. */
void cst__await(struct cst__drain *drain)
{
    if (drain->awaited)
        return;
    drain->awaited = true;
    ++*cst__awaited(drain->source);
    drain->source->hot |= R_AWAITING;
}

/* Stop waiting for the destination of `drain`. The last one takes R_AWAITING off the source. */
void cst__await_over(struct cst__drain *drain)
{
    if (!drain->awaited)
        return;
    drain->awaited = false;
    if (--*cst__awaited(drain->source) == 0)
        drain->source->hot &= NOT(R_AWAITING);
}

/* Stop waiting for `dest`, by whichever pipe leads to it, or for all destinations if it is NULL. */
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

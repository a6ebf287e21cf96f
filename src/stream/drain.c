/*
 * drain.c - backpressure: a source pauses until a destination drains, and resumes.
 */
#include "stream/stream_internal.h"

/* --- the 'drain' listener --------------------------------------------------------------------- */

static void on_drain(cst_stream *dest, const cst_event *event, void *arg);

/* Stop waiting for the destination of `drain`. If several pipes lead from the source to it, all of
 * their records stop waiting. */
static void forget_dest(struct cst__drain *drain)
{
    if (drain->source->r_twins)
        cst__await_over_all(drain->source, drain->dest);
    else
        cst__await_over(drain);
}

static struct cst__drain *drain_new(struct cst__pipe *pipe)
{
    struct cst__drain *drain = cst__alloc(pipe->source->ctx, sizeof(*drain));

    if (!drain)
        return NULL;
    *drain = (struct cst__drain){ .source = pipe->source, .dest = pipe->dest };
    drain->on_drain.fn = on_drain;
    drain->on_drain.arg = drain;
    return drain;
}

static void listen_to_drain(struct cst__drain *drain)
{
    cst__listen_fn(drain->dest, &drain->on_drain,
                   EVENT_BIT(CST_DRAIN) | EVENT_BIT(CST__EVENT_FREED), 0);
}

/* Listen to 'drain' by a detached record, which holds a reference to the source. */
static void listen_detached(struct cst__drain *drain)
{
    drain->detached = true;
    drain->source->refs++;
    listen_to_drain(drain);
}

/*
 * Listen to 'drain' for a pipe that was undone by a listener while cst__await_drain paused the
 * source. The record is detached. Unless the source waits for this destination, neither record nor
 * pipe points to the other from now on.
 */
static void listen_detached_for(struct cst__pipe *pipe)
{
    struct cst__drain *drain = pipe->drain;

    listen_detached(drain);
    if (!drain->awaited) {
        drain->pipe = NULL;
        pipe->drain = NULL;
    }
    cst__pipe_unhold(pipe);
}

void cst__resume_if_free(cst_stream *source)
{
    if (!(source->hot & R_AWAITING) && (source->hot & R_DATA_LISTENING))
        cst__resume(source);
}

void cst__drain_drop(struct cst__drain *drain)
{
    cst__await_over(drain);
    if (drain->pipe)
        drain->pipe->drain = NULL;
    cst__unlisten(drain->dest, &drain->on_drain.listener, UINT16_MAX);
    cst__free_later(drain->dest->ctx, &drain->deferred_free, sizeof(*drain));
}

/* Free the record, since its destination is being freed. A detached record also drops its reference
 * to the source; but if the whole context is being freed, the source may have gone before. */
static void drain_dest_freed(struct cst__drain *drain)
{
    struct cst__pipe *pipe = drain->pipe;
    cst_stream *source = drain->source;
    bool detached = drain->detached;

    if (detached && drain->dest->ctx->closing) {
        cst__free_later(drain->dest->ctx, &drain->deferred_free, sizeof(*drain));
        return;
    }
    cst__drain_drop(drain);
    if (!detached)
        return;
    if (pipe)
        cst__pipe_unhold(pipe);
    cst__release(source);
}

static void on_drain(cst_stream *dest, const cst_event *event, void *arg)
{
    struct cst__drain *drain = arg;

    (void)dest;
    if (event->type == CST_DRAIN) {
        forget_dest(drain);
        cst__resume_if_free(drain->source);
    } else {
        drain_dest_freed(drain);
    }
}

/* --- backpressure ----------------------------------------------------------------------------- */

/* Destroy the destination, which could not take a chunk for the reason `st`. */
static void chunk_is_lost(struct cst__pipe *pipe, cst_status st)
{
    cst_error error = cst__error_here(pipe->dest, st, CST_WRITING);

    cst__destroy(pipe->dest, &error);
}

/* Make the pipe's drain record, unless it has one or has had one. Return false if there is no
 * memory. */
static bool set_up_drain(struct cst__pipe *pipe)
{
    if (pipe->drain || pipe->drain_added)
        return true;
    pipe->drain = drain_new(pipe);
    if (!pipe->drain)
        return false;
    pipe->drain->pipe = pipe;
    return true;
}

/* Listen to 'drain' for a pipe that was undone while its chunk was being written. The record of the
 * pipe may be about to be freed, so the new drain record is detached and does not point to it. */
static void add_detached_drain(struct cst__pipe *pipe)
{
    struct cst__drain *drain = pipe->drain_added ? NULL : drain_new(pipe);

    pipe->drain_added = true;
    if (drain) /* without memory the source is not resumed; no chunk is lost */
        listen_detached(drain);
}

/* Record that the source waits for the destination, unless the pipe was undone. */
static void wait_for(struct cst__pipe *pipe)
{
    cst_stream *source = pipe->source;

    if (!cst__pipe_find(source, pipe->dest) || !pipe->drain)
        return;
    if (cst__has_one_pipe(source)) { /* Node replaces what it waits for here */
        source->r_multi_await = false;
        cst__pipes_forget_awaited(source);
    }
    cst__await(pipe->drain);
}

/* Pause the source until the pipe's destination drains. If there is no memory for the record that
 * listens to 'drain', nobody would resume the source: then the destination fails. */
void cst__await_drain(struct cst__pipe *pipe)
{
    if (pipe->cleaned_up) {
        add_detached_drain(pipe);
        return;
    }
    if (!set_up_drain(pipe)) {
        chunk_is_lost(pipe, CST_E_NOMEM);
        return;
    }
    wait_for(pipe);
    cst__pause(pipe->source);
    if (pipe->drain_added)
        return;
    pipe->drain_added = true;
    if (pipe->cleaned_up)
        listen_detached_for(pipe);
    else
        listen_to_drain(pipe->drain);
}

void cst__pipe_written(struct cst__pipe *pipe, cst_status st)
{
    if (st == CST_E_NOMEM || st == CST_E_OUT_OF_RANGE)
        chunk_is_lost(pipe, st);
    else if (st != CST_OK)
        cst__await_drain(pipe);
}

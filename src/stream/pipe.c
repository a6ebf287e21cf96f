/*
 * pipe.c - connects a readable side to a writable side, hands chunks on, and undoes the pipe.
 *
 * A pipe is one record with two listeners, one in the list of each of its streams:
 *
 *      source   data                              hands the chunk on
 *      source   end                               ends the destination
 *      dest     unpipe                            removes the listeners of the pipe
 *      dest     close, finish                     undoes the pipe, as cst_unpipe does
 *      dest     error, in front of the others     undoes the pipe before they hear of it
 *
 * The source's list of listeners also serves as Node's list of pipes: a pipe is in it while it is
 * `listed`. At the first CST_FULL a second record (struct cst__drain) begins to listen to the
 * destination's 'drain', which resumes the source. That record also notes that the source waits.
 *
 * While a pipe is listed it holds a reference to dest. cst_unpipe clears `listed` and emits
 * 'unpipe', and the listener to 'unpipe' removes the listeners of the pipe, as in Node. Of several
 * pipes between two streams, each 'unpipe' removes one.
 */
#include "stream/stream_internal.h"

#include "express/express.h"

/* What the listeners to 'unpipe' get. The first pipe from this source that hears it claims it. */
struct unpipe_event {
    cst_event event;
    bool *claimed;
};

static void pipe_release(struct cst__pipe *pipe)
{
    if (--pipe->refs == 0)
        cst__free_later(pipe->source->ctx, &pipe->deferred_free, sizeof(*pipe));
}

void cst__pipe_unlinked(struct cst__listener *l)
{
    pipe_release(cst__pipe_of_listener(l));
}

static void unlist(struct cst__pipe *pipe)
{
    pipe->listed = false;
    cst__pipe_unhold(pipe);
}

void cst__pipe_deliver(struct cst__pipe *pipe, const cst_slice *chunk)
{
    cst_status st;

    if (cst__express_deliver(pipe, chunk))
        return;
    st = cst__write(pipe->dest, chunk, NULL, NULL);
    if (st != CST_OK)
        cst__pipe_written(pipe, st);
}

/* --- going away ------------------------------------------------------------------------------- */

/* Remove the listeners of a pipe. One to 'drain' stays if it is detached, or if cst__await_drain
 * has still to add it. */
static void remove_listeners(struct cst__pipe *pipe)
{
    pipe->cleaned_up = true;
    cst__unlisten(pipe->dest, &pipe->on_dest, UINT16_MAX);
    if (pipe->drain_added && pipe->drain && !pipe->drain->detached)
        cst__drain_drop(pipe->drain);
    cst__unlisten(pipe->source, &pipe->on_source, UINT16_MAX);
}

static void clean_up(struct cst__pipe *pipe)
{
    cst_stream *source = pipe->source, *dest = pipe->dest;
    /* Node keeps a set if there are several pipes, and treats even an empty set as waiting. */
    bool waits = pipe->drain_added && ((source->hot & R_AWAITING) || source->r_multi_await);

    remove_listeners(pipe);
    if (waits) {
        cst__await_over_all(source, dest);
        cst__resume_if_free(source);
    }
}

static void emit_unpipe(cst_stream *source, cst_stream *dest)
{
    bool claimed = false;
    struct unpipe_event unpipe = { .event = { .type = CST_UNPIPE, .peer = source },
                                   .claimed = &claimed };

    cst__emit_event(dest, &unpipe.event);
    cst__release(dest); /* the reference of the listed pipe */
}

static void unpipe_one(cst_stream *source, cst_stream *dest)
{
    struct cst__pipe *pipe = cst__pipe_find(source, dest);

    CST__ASSERT(!source->ctx->room.express);
    if (!pipe)
        return;
    unlist(pipe);
    if (!cst__pipe_find(source, NULL))
        cst__pause(source);
    emit_unpipe(source, dest);
}

/*
 * Return whether a pipe may be undone without an 'unpipe', if nobody else listens to that event
 * either. This is how most pipes end: the source is destroyed, and the destination emits 'finish'
 * or 'close'. unpipe_one would not pause a destroyed source, and would emit 'unpipe' to the pipe
 * alone, which removes its listeners; so leave_unheard only removes them. The emission that the
 * pipe is hearing is the only one on either stream. So the listeners leave their lists at once,
 * without a mark for other emissions, and the record is freed.
 */
static bool leaves_unheard(const struct cst__pipe *pipe)
{
    return pipe->listed && !pipe->end_due && !pipe->drain && !pipe->source->r_twins &&
           (pipe->source->hot & (DESTROYED | R_PIPED)) == (DESTROYED | R_PIPED) &&
           !pipe->source->emit_depth && pipe->dest->emit_depth == 1;
}

static bool leave_unheard(struct cst__pipe *pipe)
{
    cst_stream *source = pipe->source, *dest = pipe->dest;
    unsigned beside;

    if (!leaves_unheard(pipe))
        return false;
    beside = cst__listened_beside(dest, &pipe->on_dest);
    if (beside & EVENT_BIT(CST_UNPIPE))
        return false;
    CST__ASSERT(cst__sole_pipe(source) == pipe && !source->ctx->room.express);
    pipe->listed = false;
    pipe->cleaned_up = true;
    cst__unlink(dest, &pipe->on_dest, beside);
    cst__unlink(source, &pipe->on_source, cst__listened_beside(source, &pipe->on_source));
    source->hot &= NOT(R_DATA_LISTENING);
    cst__clear_sole_dest(source);
    cst__free_later(source->ctx, &pipe->deferred_free, sizeof(*pipe));
    cst__release(dest); /* the reference of the listed pipe */
    return true;
}

static struct cst__pipe *first_leaving(const cst_stream *source, uint16_t leaving)
{
    for (const struct cst__listener *l = source->listeners; l; l = l->next)
        if (l->kind == LISTENER_PIPE_SOURCE && cst__pipe_of_listener(l)->leaving == leaving)
            return cst__pipe_of_listener(l);
    return NULL;
}

/*
 * Undo all pipes: first clear `listed` in each of them, then emit 'unpipe' for one after another.
 * Until its turn a pipe stays in the source's list, with the number of this call in `leaving`. The
 * number is the count of frames on the stack, which differs between calls that are nested.
 */
static void unpipe_all(cst_stream *source)
{
    uint16_t here = (uint16_t)source->ctx->frames;
    struct cst__pipe *pipe;

    for (pipe = cst__pipe_find(source, NULL); pipe;
         pipe = cst__pipe_next(pipe->on_source.next, NULL)) {
        pipe->listed = false;
        pipe->leaving = here;
    }
    cst__pause(source);
    while ((pipe = first_leaving(source, here)) != NULL) {
        cst_stream *dest = pipe->dest;

        pipe->leaving = 0;
        cst__pipe_unhold(pipe);
        emit_unpipe(source, dest);
    }
}

static void end_dest(struct cst__pipe *pipe)
{
    if (pipe->no_end)
        unpipe_one(pipe->source, pipe->dest);
    else
        cst__end_unasked(pipe->dest);
}

static struct cst__pipe *first_with_end_due(const cst_stream *source)
{
    for (const struct cst__listener *l = source->listeners; l; l = l->next)
        if (l->kind == LISTENER_PIPE_SOURCE && cst__pipe_of_listener(l)->end_due)
            return cst__pipe_of_listener(l);
    return NULL;
}

static void end_due_dest(struct cst__pipe *pipe)
{
    cst_stream *dest = pipe->dest;

    end_dest(pipe);
    pipe->end_due = false;
    cst__pipe_unhold(pipe);
    cst__release(dest);
}

/* Run one task, which serves several pipes if they had no room in the queue and share one note. */
void cst__run_pipe_end(cst_stream *s)
{
    struct cst__pipe *pipe = first_with_end_due(s);

    if (!pipe)
        return;
    do
        end_due_dest(pipe);
    while ((pipe = first_with_end_due(s)) != NULL && pipe->end_joined);
}

/* --- the listeners ---------------------------------------------------------------------------- */

static inline void source_hears(struct cst__pipe *pipe, const cst_event *event)
{
    if (event->type == CST_DATA) {
        cst__pipe_deliver(pipe, event->chunk);
    } else {
        cst__unlisten_self(pipe->source, &pipe->on_source, CST_END);
        end_dest(pipe);
    }
}

/* Remove the listeners of a pipe, if this 'unpipe' is about its source and is not claimed yet. As
 * in Node, of several pipes between two streams the first that hears it claims it, even if it has
 * been cleaned up meanwhile; the pipe that was meant then keeps its listeners. */
static void heard_unpipe(struct cst__pipe *pipe, const cst_event *event)
{
    const struct unpipe_event *unpipe =
        cst__container_of((uintptr_t)event, struct unpipe_event, event);

    if (event->peer != pipe->source || *unpipe->claimed)
        return;
    *unpipe->claimed = true;
    clean_up(pipe);
}

static void heard_error(struct cst__pipe *pipe)
{
    cst_stream *dest = pipe->dest;

    unpipe_one(pipe->source, dest);
    cst__unlisten(dest, &pipe->on_dest, EVENT_BIT(CST_ERROR));
    if (!cst__listened(dest, CST_ERROR))
        dest->ctx->unhandled = true;
}

OUT_OF_LINE void dest_hears(struct cst__pipe *pipe, const cst_event *event)
{
    if (event->type == CST_UNPIPE) {
        heard_unpipe(pipe, event);
    } else if (event->type == CST_ERROR) {
        heard_error(pipe);
    } else if (!leave_unheard(pipe)) {
        cst__unlisten(pipe->dest, &pipe->on_dest, EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST_FINISH));
        unpipe_one(pipe->source, pipe->dest);
    }
}

void cst__pipe_hear(struct cst__listener *l, const cst_event *event)
{
    struct cst__pipe *pipe = cst__pipe_of_listener(l);

    if (l->kind == LISTENER_PIPE_SOURCE)
        source_hears(pipe, event);
    else
        dest_hears(pipe, event);
}

/* Remove the listeners of a pipe, one of whose streams is being freed. That stream's own listener
 * has left its list already, and no 'unpipe' is emitted. */
void cst__pipe_stream_freed(struct cst__listener *l)
{
    struct cst__pipe *pipe = cst__pipe_of_listener(l);
    cst_stream *dest = pipe->dest;
    bool listed = pipe->listed;

    if (l->kind == LISTENER_PIPE_DEST) {
        if (listed)
            unlist(pipe);
        remove_listeners(pipe);
    } else {
        pipe->listed = false;
        remove_listeners(pipe);
        if (listed)
            cst__release(dest);
    }
}

/* --- pipe ------------------------------------------------------------------------------------- */

static inline struct cst__pipe *new_pipe(cst_stream *source, cst_stream *dest, bool no_end)
{
    struct cst__pipe *pipe = cst__alloc(source->ctx, sizeof(*pipe));

    if (!pipe)
        return NULL;
    *pipe = (struct cst__pipe){ .source = source, .dest = dest, .refs = 2 };
    /* Not in the initialiser: there tcc 0.9.27 does not clear the other bits. */
    if (no_end || dest->w_stays_open)
        pipe->no_end = true;
    return pipe;
}

struct cst__pipe *cst__pipe_new(cst_stream *source, cst_stream *dest, bool no_end)
{
    return new_pipe(source, dest, no_end);
}

void cst__pipe_discard(struct cst__pipe *pipe)
{
    if (pipe)
        cst__free(pipe->source->ctx, pipe, sizeof(*pipe));
}

static void end_later(struct cst__pipe *pipe)
{
    pipe->end_due = true;
    pipe->dest->refs++;
    pipe->end_joined = !cst__post_for(pipe->source, TASK_PIPE_END);
}

static inline void add_listeners(struct cst__pipe *pipe, cst_stream *source, cst_stream *dest)
{
    bool ended = source->r_end_emitted != 0, first = !cst__listened(source, CST_DATA);
    unsigned end = ended ? 0u : EVENT_BIT(CST_END);

    if (ended)
        end_later(pipe);
    cst__listen(dest, &pipe->on_dest, LISTENER_PIPE_DEST,
                EVENT_BIT(CST_UNPIPE) | EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST_FINISH) |
                    EVENT_BIT(CST_ERROR),
                0);
    cst__listen(source, &pipe->on_source, LISTENER_PIPE_SOURCE, EVENT_BIT(CST_DATA) | end,
                LISTENER_HELD);
    if (first)
        cst__data_listener_is(source, pipe);
    else
        cst__data_listener_added(source);
}

/* Note whether source has one pipe already, and whether it has a pipe to dest already. A pipe that
 * was undone, but is still in the list, counts for the second question alone. */
static void look_for_others(cst_stream *source, const cst_stream *dest)
{
    size_t listed = 0;

    for (const struct cst__listener *l = source->listeners; l; l = l->next) {
        if (l->kind != LISTENER_PIPE_SOURCE)
            continue;
        listed += cst__pipe_of_source(l)->listed;
        if (cst__pipe_of_source(l)->dest == dest)
            source->r_twins = true;
    }
    if (listed == 1)
        source->r_multi_await = true;
}

ALWAYS_INLINE void connect_pipe(struct cst__pipe *pipe, cst_stream *source, cst_stream *dest)
{
    if (source->listeners)
        look_for_others(source, dest);
    pipe->listed = true;
    dest->refs++;
    add_listeners(pipe, source, dest);
    if (cst__listened(dest, CST_PIPE))
        cst__emit_event(dest, &(cst_event){ .type = CST_PIPE, .peer = source });
    if ((dest->hot & W_NEED_DRAIN) && cst_writable_need_drain(dest))
        cst__await_drain(pipe);
    else if (!(source->hot & R_FLOWING))
        cst__resume(source);
}

void cst__pipe_connect(struct cst__pipe *pipe)
{
    connect_pipe(pipe, pipe->source, pipe->dest);
}

cst_status cst_pipe(cst_stream *source, cst_stream *dest, const cst_pipe_opts *opts)
{
    struct cst__pipe *pipe;
    cst_ctx *ctx;

    if (!source || !dest || !source->has_readable || !dest->has_writable ||
        source->ctx != dest->ctx)
        return CST_E_INVALID_ARG;
    pipe = new_pipe(source, dest, opts && opts->no_end);
    if (!pipe)
        return CST_E_NOMEM;
    ctx = source->ctx;
    cst__enter(ctx);
    connect_pipe(pipe, source, dest);
    cst__leave(ctx);
    return CST_OK;
}

cst_status cst_unpipe(cst_stream *source, cst_stream *dest)
{
    cst_ctx *ctx;

    if (!cst_stream_has_readable(source))
        return CST_E_INVALID_ARG;
    if (!cst__pipe_find(source, dest))
        return CST_EMPTY;
    ctx = source->ctx;
    cst__enter(ctx);
    if (dest)
        unpipe_one(source, dest);
    else
        unpipe_all(source);
    cst__leave(ctx);
    return CST_OK;
}

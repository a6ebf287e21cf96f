/*
 * pipe.c - from a readable side into a writable side.
 *
 * A pipe is one record. It hangs in the list of its source's pipes, and listens on both streams:
 *
 *      source   data, end                         hands chunks on; ends the destination
 *      dest     unpipe, close, finish             goes away
 *      dest     error, in front                   goes away before the others hear of it
 *      dest     drain, from the first CST_FULL    resumes the source
 *
 * While it is in the source's list it holds a reference to dest. cst_unpipe takes it out of the list and emits 'unpipe',
 * and it is that event which removes the listeners, as in Node: so two pipes between the same streams go one by one.
 */
#include "stream/stream_internal.h"

struct cst__pipe {
    struct cst__limbo limbo;
    struct cst__pipe *next;         /* in the source's list */
    struct cst__pipe *next_awaited; /* in the list of those that it waits for */
    cst_stream *source, *dest;
    struct cst__listener on_source, on_dest, on_error, on_drain;
    cst_task_link end_task;
    unsigned refs; /* its listeners, and a task; a frame needs none, since limbo outlasts it */
    bool no_end;
    const void *
        leaving; /* the cst_unpipe that takes all pipes away, and has still to say so for this one */
    bool listed;      /* one of Node's pipes: in the source's list, and not leaving */
    bool cleaned_up;  /* the listeners were removed */
    bool drain_added; /* on_drain was added: once in a life */
    bool awaited;     /* dest has said CST_FULL, and its 'drain' is waited for */
};

/* What listeners of 'unpipe' get: the pipe that sees it first claims it. */
struct unpipe_event {
    cst_event event;
    bool *claimed;
};

static void unpipe_one(cst_stream *source, cst_stream *dest);
static void on_drain(cst_stream *dest, const cst_event *event, void *arg);
static void on_source(cst_stream *source, const cst_event *event, void *arg);
static struct cst__pipe *find_pipe(const cst_stream *source, const cst_stream *dest);

static void pipe_release(struct cst__pipe *pipe)
{
    if (--pipe->refs == 0)
        cst__free_later(pipe->source->ctx, &pipe->limbo, sizeof(*pipe));
}

/* --- who is waited for ---------------------------------------------------------------------------------------------- */

/* Node keeps the destinations that are waited for, whether they are still piped to or not: so this list is one of its own. */
static void await_dest(struct cst__pipe *pipe)
{
    struct readable *r = cst__r(pipe->source);

    if (pipe->awaited)
        return;
    pipe->awaited = true;
    pipe->next_awaited = r->awaited;
    r->awaited = pipe;
}

void cst__pipes_forget_awaited(cst_stream *s)
{
    struct cst__pipe *pipe;

    while ((pipe = cst__r(s)->awaited) != NULL) {
        cst__r(s)->awaited = pipe->next_awaited;
        pipe->awaited = false;
    }
}

/* Where two pipes lead to one destination, both are meant. */
static void forget_dest(cst_stream *source, const cst_stream *dest)
{
    struct cst__pipe **link = &cst__r(source)->awaited;

    while (*link) {
        if ((*link)->dest == dest) {
            (*link)->awaited = false;
            *link = (*link)->next_awaited;
        } else {
            link = &(*link)->next_awaited;
        }
    }
}

/* --- backpressure --------------------------------------------------------------------------------------------------- */

/*
 * A pipe that was undone inside the write still adds its drain listener, which then lives as long as dest. The record is
 * on its way out by then, so that another one carries the listener, and holds a reference to the source.
 */
static void add_late_drain(struct cst__pipe *pipe)
{
    struct cst__pipe *heir = cst__pipe_new(pipe->source, pipe->dest, true);
    bool awaited = pipe->awaited;

    if (awaited)
        forget_dest(pipe->source, pipe->dest);
    if (!heir)
        return; /* without memory nobody is waited for: all that is missed is a resume */
    heir->cleaned_up = true;
    heir->source->refs++;
    if (awaited)
        await_dest(heir);
    cst__listen(heir->dest, &heir->on_drain, EVENT_BIT(CST_DRAIN) | EVENT_BIT(CST__EVENT_FREED), 0);
}

static void add_drain(struct cst__pipe *pipe)
{
    pipe->drain_added = true;
    if (pipe->cleaned_up)
        add_late_drain(pipe);
    else
        cst__listen(pipe->dest, &pipe->on_drain, EVENT_BIT(CST_DRAIN), 0);
}

static void await_drain(struct cst__pipe *pipe)
{
    cst_stream *source = pipe->source;

    if (!pipe->cleaned_up) {
        if (find_pipe(source, pipe->dest)) {
            if (cst__r(source)->pipe_count == 1) { /* not a set any more */
                source->flags &= ~R_MULTI_AWAIT;
                cst__pipes_forget_awaited(source);
            }
            await_dest(pipe);
        }
        cst__pause(source);
    }
    if (!pipe->drain_added)
        add_drain(pipe);
}

static void release_source(struct cst__pipe *pipe)
{
    cst_stream *source = pipe->source;

    forget_dest(source, pipe->dest);
    if (!cst__r(source)->awaited && (source->flags & R_DATA_LISTENING))
        cst__resume(source);
}

static void on_drain(cst_stream *dest, const cst_event *event, void *arg)
{
    struct cst__pipe *pipe = arg;
    cst_stream *source = pipe->source;

    if (event->type == CST_DRAIN) {
        release_source(pipe);
        return;
    }
    cst__free_later(dest->ctx, &pipe->limbo, sizeof(*pipe)); /* a late one, gone with dest */
    if (dest->ctx->closing)
        return;
    forget_dest(source, dest);
    cst__release(source);
}

/* What the destination said to a chunk. */
static void heed(struct cst__pipe *pipe, cst_status st)
{
    if (st == CST_E_NOMEM || st == CST_E_INVALID_ARG) {
        cst_error error = cst__error_here(pipe->dest, st, CST_WRITING);

        cst__destroy(pipe->dest, &error); /* the chunk is lost: not silently */
    } else if (st != CST_OK) {
        await_drain(pipe);
    }
}

/* --- pass-throughs in a row ------------------------------------------------------------------------------------------- */

/*
 * A chunk that comes to an idle pass-through whose output flows into a pipe goes straight on. In the general way a write
 * runs inside a push inside a write, a frame or five for each stage. Here the stages are entered one after another, the
 * chunk is written to what comes behind them, and they are left in the reverse order: the same states and the same calls
 * in the same order, without the frames.
 *
 *   enter_stage  is what cst__write, the pass-through and cst__push do before 'data' is emitted
 *   leave_stage  is what they do after it; where somebody has touched the stage meanwhile, by the general functions
 */
#define LONGEST_WALK 64

#define PASSES (IS_PASSTHROUGH | CONSTRUCTED | R_FLOWING | R_DATA_LISTENING)
#define PASSES_NOT                                                                             \
    (R_SYNC | R_ENDED | R_OBJECTS | W_OBJECTS | W_WRITING | W_CORKED | W_BUFFERED | W_ENDING | \
     W_NEED_DRAIN | T_KEPT | DESTROYED | ERRORED)

/* The flags of a stage that was entered, and that nobody has touched since. Whether it still flows does not matter. */
#define ENTERED (IS_PASSTHROUGH | CONSTRUCTED | W_WRITING | W_SYNC | W_EXPECTING)
#define ENTERED_NOT                                                                               \
    (R_READING | R_ENDED | W_CORKED | W_BUFFERED | W_ENDING | W_NEED_DRAIN | T_KEPT | DESTROYED | \
     ERRORED)

static bool passes(const cst_stream *s)
{
    return (s->flags & (PASSES | PASSES_NOT)) == PASSES && cst__r(s)->length == 0 &&
           cst__r(s)->sole_pipe && !cst__r(s)->awaited;
}

static void enter_stage(cst_stream *s, size_t len)
{
    struct writable *w = cst__w(s);

    s->flags = (s->flags & ~R_READING) | W_WRITING | W_SYNC | W_EXPECTING | R_DATA_EMITTED;
    w->length = len;
    w->flight_length = len;
    w->flight++;
    w->pending++;
}

static cst_status leave_stage(cst_stream *s, size_t len)
{
    struct writable *w = cst__w(s);

    cst__maybe_read_more(s);
    if ((s->flags & (ENTERED | ENTERED_NOT)) == ENTERED && cst__r(s)->length == 0 &&
        w->length == len) {
        s->flags &= ~(W_WRITING | W_SYNC | W_EXPECTING);
        w->length = 0;
        w->flight_length = 0;
        w->pending--;
        return CST_OK;
    }
    cst__transform_settle(s, 0);
    s->flags &= ~W_SYNC;
    return cst__write_result(s);
}

void cst__pipe_deliver(struct cst__pipe *pipe, const cst_slice *chunk)
{
    struct cst__pipe *entered[LONGEST_WALK];
    unsigned n = 0;

    if (chunk->len != 0) {
        while (n < LONGEST_WALK && passes(pipe->dest)) {
            enter_stage(pipe->dest, chunk->len);
            entered[n++] = pipe;
            pipe = cst__r(pipe->dest)->sole_pipe;
        }
    }
    heed(pipe, cst__write(pipe->dest, chunk, NULL, NULL));
    while (n > 0) {
        pipe = entered[--n];
        heed(pipe, leave_stage(pipe->dest, chunk->len));
    }
}

/* --- going away ----------------------------------------------------------------------------------------------------- */

static void remove_listeners(struct cst__pipe *pipe)
{
    cst__unlisten(pipe->dest, &pipe->on_dest, UINT16_MAX);
    cst__unlisten(pipe->dest, &pipe->on_error, UINT16_MAX);
    cst__unlisten(pipe->dest, &pipe->on_drain, UINT16_MAX);
    cst__unlisten(pipe->source, &pipe->on_source, UINT16_MAX);
    pipe->cleaned_up = true;
}

static void clean_up(struct cst__pipe *pipe)
{
    cst_stream *source = pipe->source;
    bool again = pipe->cleaned_up;

    remove_listeners(pipe);
    /* In Node a set of destinations counts as somebody being waited for, even an empty one. */
    if (pipe->drain_added && (cst__r(source)->awaited || (source->flags & R_MULTI_AWAIT)))
        release_source(pipe);
    if (!again)
        pipe_release(pipe);
}

static void unlink_pipe(struct cst__pipe *pipe)
{
    struct cst__pipe **link = &cst__r(pipe->source)->pipes;

    while (*link != pipe)
        link = &(*link)->next;
    *link = pipe->next;
}

static void unlist(struct cst__pipe *pipe)
{
    unlink_pipe(pipe);
    cst__r(pipe->source)->pipe_count--;
    pipe->listed = false;
}

static void emit_unpipe(cst_stream *source, cst_stream *dest)
{
    bool claimed = false;
    struct unpipe_event unpipe = { .event = { .type = CST_UNPIPE, .peer = source },
                                   .claimed = &claimed };

    cst__emit_event(dest, &unpipe.event);
    cst__release(dest); /* what the list held */
}

static struct cst__pipe *find_pipe(const cst_stream *source, const cst_stream *dest)
{
    struct cst__pipe *pipe = cst__r(source)->pipes;

    while (pipe && !(pipe->listed && pipe->dest == dest))
        pipe = pipe->next;
    return pipe;
}

static void unpipe_one(cst_stream *source, cst_stream *dest)
{
    struct cst__pipe *pipe = find_pipe(source, dest);

    if (!pipe)
        return;
    unlist(pipe);
    if (!cst__r(source)->pipe_count)
        cst__pause(source);
    emit_unpipe(source, dest);
}

static struct cst__pipe *first_leaving(const cst_stream *source, const void *leaving)
{
    struct cst__pipe *pipe = cst__r(source)->pipes;

    while (pipe && pipe->leaving != leaving)
        pipe = pipe->next;
    return pipe;
}

/* All at once are no pipes any more; then each is told. Until then they stay linked, for those who look for a dest. */
static void unpipe_all(cst_stream *source)
{
    struct cst__pipe *pipe;
    char here;

    for (pipe = cst__r(source)->pipes; pipe; pipe = pipe->next) {
        if (!pipe->listed)
            continue;
        pipe->listed = false;
        pipe->leaving = &here;
    }
    cst__r(source)->pipe_count = 0;
    cst__pause(source);
    while ((pipe = first_leaving(source, &here)) != NULL) {
        pipe->leaving = NULL;
        emit_unpipe(source, pipe->dest);
        unlink_pipe(pipe);
    }
}

/* The destination is being freed with the context, while it is still piped to. */
static void forget_pipe(struct cst__pipe *pipe)
{
    if (pipe->listed)
        unlist(pipe);
    forget_dest(pipe->source, pipe->dest);
    cst__unlisten(pipe->source, &pipe->on_source, UINT16_MAX);
    pipe->cleaned_up = true;
    pipe_release(pipe);
}

static void on_dest(cst_stream *dest, const cst_event *event, void *arg)
{
    struct cst__pipe *pipe = arg;

    if (event->type == CST__EVENT_FREED) {
        forget_pipe(pipe);
    } else if (event->type == CST_UNPIPE) {
        const struct unpipe_event *unpipe =
            cst__container_of((uintptr_t)event, struct unpipe_event, event);

        /* A pipe that has gone meanwhile may claim what was meant for the next one, which then stays: as in Node. */
        if (event->peer != pipe->source || *unpipe->claimed)
            return;
        *unpipe->claimed = true;
        clean_up(pipe);
    } else {
        cst__unlisten(dest, &pipe->on_dest, EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST_FINISH));
        unpipe_one(pipe->source, dest);
    }
}

static void on_error(cst_stream *dest, const cst_event *event, void *arg)
{
    struct cst__pipe *pipe = arg;

    (void)event;
    unpipe_one(pipe->source, dest);
    cst__unlisten(dest, &pipe->on_error, EVENT_BIT(CST_ERROR));
    if (!cst__listened(dest, CST_ERROR))
        dest->ctx->unhandled = true;
}

static void end_dest(struct cst__pipe *pipe)
{
    if (pipe->no_end)
        unpipe_one(pipe->source, pipe->dest);
    else
        cst__end(pipe->dest, NULL, NULL, NULL);
}

struct cst__pipe *cst__pipe_of_listener(const struct cst__listener *l)
{
    return l->fn == on_source ? l->arg : NULL;
}

/* The source is being freed, and the pipe is none of its list: nobody has cleaned it up. */
static void forget_source(struct cst__pipe *pipe)
{
    remove_listeners(pipe);
    pipe_release(pipe);
}

static void on_source(cst_stream *source, const cst_event *event, void *arg)
{
    (void)source;
    if (event->type == CST_DATA)
        cst__pipe_deliver(arg, event->chunk);
    else if (event->type == CST_END)
        end_dest(arg);
    else
        forget_source(arg);
}

static void run_end_dest(cst_task_link *link)
{
    struct cst__pipe *pipe = cst__container_of(link, struct cst__pipe, end_task);
    cst_stream *source = pipe->source, *dest = pipe->dest;

    end_dest(pipe);
    pipe_release(pipe);
    cst__release(dest);
    cst__release(source);
}

void cst__pipes_free(cst_stream *s)
{
    struct cst__pipe *pipe;

    while ((pipe = cst__r(s)->pipes) != NULL) {
        cst_stream *dest = pipe->dest;

        unlist(pipe);
        remove_listeners(pipe);
        pipe_release(pipe);
        cst__release(dest);
    }
}

/* --- pipe ----------------------------------------------------------------------------------------------------------- */

struct cst__pipe *cst__pipe_new(cst_stream *source, cst_stream *dest, bool no_end)
{
    struct cst__pipe *pipe = cst__alloc(source->ctx, sizeof(*pipe));

    if (!pipe)
        return NULL;
    *pipe = (struct cst__pipe){ .source = source, .dest = dest, .refs = 1, .no_end = no_end };
    pipe->on_source.fn = on_source;
    pipe->on_dest.fn = on_dest;
    pipe->on_error.fn = on_error;
    pipe->on_drain.fn = on_drain;
    pipe->on_source.arg = pipe->on_dest.arg = pipe->on_error.arg = pipe->on_drain.arg = pipe;
    return pipe;
}

static void list_pipe(struct cst__pipe *pipe)
{
    struct readable *r = cst__r(pipe->source);
    struct cst__pipe **link = &r->pipes;

    if (r->pipe_count == 1)
        pipe->source->flags |= R_MULTI_AWAIT;
    while (*link)
        link = &(*link)->next;
    *link = pipe;
    r->pipe_count++;
    pipe->listed = true;
    pipe->dest->refs++;
}

static void end_later(struct cst__pipe *pipe)
{
    pipe->refs++;
    pipe->dest->refs++;
    cst__post_for(pipe->source, &pipe->end_task, run_end_dest);
}

static void add_listeners(struct cst__pipe *pipe)
{
    bool ended = (pipe->source->flags & R_END_EMITTED) != 0;
    unsigned source_events =
        EVENT_BIT(CST_DATA) | EVENT_BIT(CST__EVENT_FREED) | (ended ? 0u : EVENT_BIT(CST_END));

    if (ended)
        end_later(pipe);
    cst__listen(pipe->dest, &pipe->on_dest,
                EVENT_BIT(CST_UNPIPE) | EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST_FINISH) |
                    EVENT_BIT(CST__EVENT_FREED),
                EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST_FINISH));
    cst__listen(pipe->source, &pipe->on_source, source_events, EVENT_BIT(CST_END));
    cst__data_listener_added(pipe->source);
    cst__listen_first(pipe->dest, &pipe->on_error, EVENT_BIT(CST_ERROR));
}

void cst__pipe_discard(struct cst__pipe *pipe)
{
    if (pipe)
        cst__free(pipe->source->ctx, pipe, sizeof(*pipe));
}

void cst__pipe_connect(struct cst__pipe *pipe)
{
    list_pipe(pipe);
    add_listeners(pipe);
    cst__emit_event(pipe->dest, &(cst_event){ .type = CST_PIPE, .peer = pipe->source });
    if (cst_writable_need_drain(pipe->dest))
        await_drain(pipe);
    else if (!(pipe->source->flags & R_FLOWING))
        cst__resume(pipe->source);
}

cst_status cst_pipe(cst_stream *source, cst_stream *dest, const cst_pipe_opts *opts)
{
    struct cst__pipe *pipe;
    cst_ctx *ctx;

    if (!cst_has_readable(source) || !cst_has_writable(dest) || source->ctx != dest->ctx)
        return CST_E_INVALID_ARG;
    pipe = cst__pipe_new(source, dest, opts && opts->no_end);
    if (!pipe)
        return CST_E_NOMEM;
    ctx = source->ctx;
    cst__enter(ctx);
    cst__pipe_connect(pipe);
    cst__leave(ctx);
    return CST_OK;
}

cst_status cst_unpipe(cst_stream *source, cst_stream *dest)
{
    cst_ctx *ctx;

    if (!cst_has_readable(source))
        return CST_E_INVALID_ARG;
    if (dest ? !find_pipe(source, dest) : !cst__r(source)->pipe_count)
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

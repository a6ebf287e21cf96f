/*
 * finished.c - join.h: telling when a stream is over.
 *
 * When it calls done, and when it never does, is Node's rule.
 */
#include "pipeline/finished_internal.h"

#include "pipeline/signal_internal.h"

/* --- what is over ----------------------------------------------------------------------------- */

/* Return whether 'end' was emitted, or is all that is missing. */
static bool readable_is_over(const cst_stream *s)
{
    if (!cst__readable_is_there(s) || (s->hot & ERRORED))
        return false;
    return s->r_end_emitted || ((s->hot & R_ENDED) && cst__r(s)->length == 0);
}

static bool writable_is_over(const cst_stream *s)
{
    if (!cst__writable_is_there(s))
        return false;
    if (s->w_finished)
        return true;
    return !(s->hot & ERRORED) && s->w_ended && cst__w(s)->length == 0;
}

static const cst_error *error_of(const cst_stream *s)
{
    return (s->hot & ERRORED) ? &s->error : NULL;
}

/*
 * Return what 'close' means: the stream's error, or premature if a side was not over, or NULL for
 * success.
 */
static const cst_error *outcome_of_close(const struct cst__finished *finished, cst_error *premature)
{
    const cst_stream *s = finished->stream;

    *premature = cst__error_here(s, CST_E_PREMATURE_CLOSE, CST_NO_DIRECTION);
    if (error_of(s))
        return error_of(s);
    if (finished->readable && !finished->readable_done && cst__readable_is_there(s) &&
        !readable_is_over(s))
        return premature;
    if (finished->writable && !finished->writable_done && !writable_is_over(s))
        return premature;
    return NULL;
}

/*
 * Return the outcome of a stream that is freed without one: its error, or CST_E_PREMATURE_CLOSE.
 * Node would never call.
 */
static const cst_error *never_came(const struct cst__finished *finished, cst_error *out)
{
    const cst_stream *s = finished->stream;

    *out = error_of(s) ? s->error : cst__error_here(s, CST_E_PREMATURE_CLOSE, CST_NO_DIRECTION);
    return out;
}

static const unsigned outcome_events =
    EVENT_BIT(CST_END) | EVENT_BIT(CST_FINISH) | EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST_ERROR);

static void check_finished(const struct cst__finished *finished)
{
#ifdef CST_CHECK
    unsigned events = finished->listener.listener.events & outcome_events;

    assert(finished->listener.listener.traits & LISTENER_OF_FINISHED);
    assert(!finished->settled || (events & EVENT_BIT(CST_ERROR)) == events);
    assert(finished->settled || finished->called || (events & EVENT_BIT(CST_CLOSE)));
    assert(!finished->readable_done || !finished->readable || finished->stream->has_readable);
#else
    (void)finished;
#endif
}

static void call(struct cst__finished *finished, const cst_error *error)
{
    if (finished->called)
        return;
    finished->called = true;
    finished->fn(finished, error);
}

/* --- what it hears ---------------------------------------------------------------------------- */

static void heard_finish(struct cst__finished *finished)
{
    finished->writable_done = true;
    if (finished->stream->hot & DESTROYED)
        finished->waits_for_close = false;
    if (finished->waits_for_close && (!cst_is_readable(finished->stream) || finished->readable))
        return;
    if (!finished->readable || finished->readable_done)
        call(finished, NULL);
}

static void heard_end(struct cst__finished *finished)
{
    finished->readable_done = true;
    if (finished->stream->hot & DESTROYED)
        finished->waits_for_close = false;
    if (finished->waits_for_close && (!cst_is_writable(finished->stream) || finished->writable))
        return;
    if (!finished->writable || finished->writable_done)
        call(finished, NULL);
}

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__finished *finished = arg;
    cst_error premature;

    (void)s;
    if (event->type == CST__EVENT_FREED) {
        finished->gone(finished);
        return;
    }
    check_finished(finished);
    if (finished->settled)
        return; /* it listens so that an error counts as heard */
    if (event->type == CST_END)
        heard_end(finished);
    else if (event->type == CST_FINISH)
        heard_finish(finished);
    else if (event->type == CST_ERROR)
        call(finished, event->error);
    else if (event->type == CST__EVENT_LAST_CALL)
        call(finished, never_came(finished, &premature));
    else
        call(finished, outcome_of_close(finished, &premature));
}

/* --- when it is over already ------------------------------------------------------------------ */

/* Return whether the outcome is there now; *error is the outcome then, NULL for success. */
static bool is_settled(const struct cst__finished *finished, const cst_error **error,
                       cst_error *premature)
{
    const cst_stream *s = finished->stream;
    bool close_expected = finished->waits_for_close;

    if (s->closed) {
        *error = outcome_of_close(finished, premature);
        return true;
    }
    *error = error_of(s);
    if (s->error_emitted)
        return !close_expected;
    if (!finished->readable && (!close_expected || cst_is_readable(s)) &&
        (finished->writable_done || (s->has_writable && !cst_is_writable(s))) &&
        (!s->has_writable || cst__writable_pending(s) == 0))
        return true;
    return !finished->writable && (!close_expected || cst_is_writable(s)) &&
           (finished->readable_done || (s->has_readable && !cst_is_readable(s)));
}

static void run_outcome(cst_task_link *link)
{
    struct cst__finished *finished = cst__container_of(link, struct cst__finished, task);
    cst_stream *s = finished->stream;

    call(finished, finished->outcome.status < 0 ? &finished->outcome : NULL);
    cst__release(s);
}

static void start_listening(struct cst__finished *finished, unsigned events)
{
    finished->listener.fn = on_event;
    finished->listener.arg = finished;
    cst__listen_fn(finished->stream, &finished->listener, events | EVENT_BIT(CST__EVENT_FREED),
                   LISTENER_OF_FINISHED);
}

/*
 * Tell the outcome by a task. hear_error: listen to 'error' all the same, so that it counts as
 * heard.
 */
static void tell_later(struct cst__finished *finished, const cst_error *error, bool hear_error)
{
    finished->settled = true;
    start_listening(finished, hear_error ? EVENT_BIT(CST_ERROR) : 0u);
    finished->outcome.status = CST_OK;
    if (error)
        finished->outcome = *error;
    finished->task.run = NULL;
    cst__post_link(finished->stream, &finished->task, run_outcome);
}

void cst__finished_start(struct cst__finished *finished, cst_stream *s,
                         struct cst__finished_sides sides, cst__finished_fn *fn,
                         void (*gone)(struct cst__finished *finished))
{
    const cst_error *error;
    cst_error premature;
    unsigned events = EVENT_BIT(CST_END) | EVENT_BIT(CST_FINISH) | EVENT_BIT(CST_CLOSE);

    CST__ASSERT(!s->ctx->room.express);
    *finished = (struct cst__finished){ .stream = s,
                                        .fn = fn,
                                        .gone = gone,
                                        .readable = sides.readable,
                                        .writable = sides.writable,
                                        .is_call = sides.is_call };
    finished->waits_for_close = s->auto_destroy && s->emit_close && !s->closed &&
                                sides.readable == cst__readable_is_there(s) &&
                                sides.writable == cst__writable_is_there(s);
    finished->readable_done = readable_is_over(s);
    finished->writable_done = writable_is_over(s);
    if (is_settled(finished, &error, &premature)) {
        tell_later(finished, error, sides.error);
        return;
    }
    if (sides.aborted) {
        premature = cst__error_here(s, CST_E_ABORT, CST_NO_DIRECTION);
        tell_later(finished, &premature, false);
        return;
    }
    if (sides.error)
        events |= EVENT_BIT(CST_ERROR);
    if (sides.promised)
        events |= EVENT_BIT(CST__EVENT_LAST_CALL);
    start_listening(finished, events);
}

void cst__finished_stop(struct cst__finished *finished)
{
    finished->called = true;
    cst__unlisten(finished->stream, &finished->listener.listener, outcome_events);
}

/* Return whether fn is not called any more and nothing is listened to. */
static bool is_stopped(const struct cst__finished *finished)
{
    return finished->called && !(finished->listener.listener.events & outcome_events);
}

/* --- cst_finished ----------------------------------------------------------------------------- */

struct watch {
    struct cst__deferred_free deferred_free;
    cst_ctx *ctx;
    struct cst__finished finished;
    struct cst__abort_link signal;
    cst_outcome_fn *done;
    void *arg;
};

static void watch_called(struct cst__finished *finished, const cst_error *error)
{
    struct watch *watch = cst__container_of(finished, struct watch, finished);

    cst__abort_unlisten(&watch->signal);
    watch->done(error, watch->arg);
}

/* The stream was freed before. */
static void run_never_came(cst_task_link *link)
{
    struct watch *watch = cst__container_of(link, struct watch, finished.task);

    watch->done(&watch->finished.outcome, watch->arg);
    cst__free(watch->ctx, watch, sizeof(*watch));
}

static void watch_gone(struct cst__finished *finished)
{
    struct watch *watch = cst__container_of(finished, struct watch, finished);

    cst__abort_unlisten(&watch->signal);
    if (finished->called) {
        cst__free_later(watch->ctx, &watch->deferred_free, sizeof(*watch));
        return;
    }
    (void)never_came(finished, &finished->outcome);
    cst__post(watch->ctx, &finished->task, run_never_came);
}

static void watch_aborted(struct cst__abort_link *link)
{
    struct watch *watch = cst__container_of(link, struct watch, signal);
    cst_error error = cst__error_here(watch->finished.stream, CST_E_ABORT, CST_NO_DIRECTION);

    cst__finished_stop(&watch->finished);
    watch->done(&error, watch->arg);
}

cst_status cst_finished(cst_stream *s, const cst_finished_opts *opts, cst_outcome_fn *done,
                        void *arg)
{
    static const cst_finished_opts defaults = { .no_error = false };
    struct cst__finished_sides sides;
    struct watch *watch;

    if (!s || !done)
        return CST_E_INVALID_ARG;
    watch = cst__alloc(s->ctx, sizeof(*watch));
    if (!watch)
        return CST_E_NOMEM;
    if (!opts)
        opts = &defaults;
    *watch = (struct watch){ .ctx = s->ctx, .done = done, .arg = arg };
    sides.readable = cst__readable_is_there(s) && !opts->no_readable;
    sides.writable = cst__writable_is_there(s) && !opts->no_writable;
    sides.error = !opts->no_error;
    sides.aborted = cst_abort_fired(opts->signal);
    sides.promised = true;
    sides.is_call = true;
    cst__enter(s->ctx);
    cst__finished_start(&watch->finished, s, sides, watch_called, watch_gone);
    if (opts->signal && !sides.aborted && !watch->finished.settled)
        cst__abort_listen(opts->signal, &watch->signal, watch_aborted);
    cst__leave(s->ctx);
    return CST_OK;
}

/* Return the call of cst_finished that a listener belongs to, or NULL: none, or it is over. */
static struct watch *watch_of(struct cst__listener *l)
{
    struct cst__finished *finished;

    if (!(l->traits & LISTENER_OF_FINISHED))
        return NULL;
    finished = cst__container_of(l, struct cst__finished, listener.listener);
    if (!finished->is_call || is_stopped(finished))
        return NULL;
    return cst__container_of(finished, struct watch, finished);
}

cst_status cst_finished_cancel(cst_stream *s, cst_outcome_fn *done, void *arg)
{
    struct watch *found = NULL;

    if (!s || !done)
        return CST_E_INVALID_ARG;
    for (struct cst__listener *l = s->listeners; l; l = l->next) {
        struct watch *watch = watch_of(l);

        if (watch && watch->done == done && watch->arg == arg)
            found = watch; /* the last one */
    }
    if (!found)
        return CST_EMPTY;
    cst__abort_unlisten(&found->signal);
    cst__finished_stop(&found->finished);
    return CST_OK;
}

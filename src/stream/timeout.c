/*
 * timeout.c - limits on how long a stream may be idle, and take altogether.
 *
 * A stream is not told to take note of its activity: four times in the span of its idle limit, a timer compares a few
 * things that streams keep anyway with what they were. Of chunks handed out there is no count, nor of those that leave
 * lengths as they were: one accepted and one completed, one without bytes, a push of part of a character. But for each of
 * the two a flag says that there was one, which is taken down at each look: what sets it anew is the general way, which is
 * taken then, or cst_progress. cst_readable_did_read asks a further flag that stays.
 */
#include "stream/stream_internal.h"

#include "cstream/timeout.h"

struct timeouts {
    struct cst__limbo limbo;
    cst_stream *stream;
    struct cst__fn_listener on_stream;
    cst_timer look_timer, total_timer;
    cst_timeouts limits;
    uint64_t active_ns; /* when it was last seen that there had been activity */
    size_t readable_length, writable_length;
    bool idle_said;
    bool gone;
};

static void on_stream(cst_stream *s, const cst_event *event, void *arg);

static void end_timeouts(struct timeouts *t)
{
    cst_ctx *ctx = t->stream->ctx;

    if (t->gone)
        return;
    t->gone = true;
    cst_timer_stop(ctx, &t->look_timer);
    cst_timer_stop(ctx, &t->total_timer);
    cst__unlisten(t->stream, &t->on_stream.listener, UINT16_MAX);
    cst__free_later(ctx, &t->limbo, sizeof(*t));
}

/* Closed; or freed without that, and then no more in the list that cst__unlisten would look at. */
static void on_stream(cst_stream *s, const cst_event *event, void *arg)
{
    struct timeouts *t = arg;

    (void)s;
    if (event->type == CST__EVENT_FREED)
        t->on_stream.listener.events = 0;
    end_timeouts(t);
}

/* Whether there was activity since the last look. */
static bool was_active(struct timeouts *t)
{
    cst_stream *s = t->stream;
    bool active = (s->flags & ACTIVE) != 0;

    s->flags &= ~ACTIVE;
    if (s->flags & HAS_READABLE) {
        active = active || (s->flags & R_DATA_EMITTED) || cst__r(s)->length != t->readable_length;
        if (s->flags & R_DATA_EMITTED)
            s->flags = (s->flags & ~R_DATA_EMITTED) | R_DATA_EMITTED_BEFORE;
        t->readable_length = cst__r(s)->length;
    }
    if (s->flags & HAS_WRITABLE) {
        active = active || cst__w(s)->length != t->writable_length;
        t->writable_length = cst__w(s)->length;
    }
    active = active || (s->flags & ACTIVE);
    s->flags &= ~ACTIVE;
    return active;
}

/* May end t: it stays readable until the timer's callback has returned. */
static void reach_limit(struct timeouts *t, cst_timeout_kind kind)
{
    cst_stream *s = t->stream;
    cst_error error = cst__error_here(s, CST_E_TIMEOUT, CST_NO_DIRECTION);

    if (t->limits.fn)
        t->limits.fn(s, kind, t->limits.arg);
    else
        cst__destroy(s, &error);
}

static void look(void *arg);

static void look_again(struct timeouts *t)
{
    uint64_t quarter_ns = t->limits.idle_ns / 4 + (t->limits.idle_ns % 4 != 0);

    cst_timer_start_in(t->stream->ctx, &t->look_timer, quarter_ns, look, t);
}

static void look(void *arg)
{
    struct timeouts *t = arg;
    uint64_t now_ns = t->stream->ctx->now_ns;

    if (was_active(t)) {
        t->active_ns = now_ns;
        t->idle_said = false;
    }
    if (!t->idle_said && now_ns - t->active_ns >= t->limits.idle_ns) {
        t->idle_said = true;
        reach_limit(t, CST_TIMEOUT_IDLE);
    }
    if (t->stream->flags & DESTROYED)
        end_timeouts(t);
    else if (!t->gone)
        look_again(t);
}

static void take_too_long(void *arg)
{
    struct timeouts *t = arg;

    if (t->stream->flags & DESTROYED)
        end_timeouts(t);
    else
        reach_limit(t, CST_TIMEOUT_TOTAL);
}

static struct timeouts *find_timeouts(const cst_stream *s)
{
    for (const struct cst__listener *l = s->listeners; l; l = l->next) {
        const struct cst__fn_listener *f =
            cst__container_of((uintptr_t)l, struct cst__fn_listener, listener);

        if (l->kind == LISTENER_FN && f->fn == on_stream && l->events)
            return f->arg;
    }
    return NULL;
}

static void begin_timeouts(cst_stream *s, struct timeouts *t, const cst_timeouts *limits)
{
    *t = (struct timeouts){ .stream = s, .limits = *limits, .active_ns = s->ctx->now_ns };
    t->on_stream.fn = on_stream;
    t->on_stream.arg = t;
    cst__listen_fn(s, &t->on_stream, EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST__EVENT_FREED), 0);
    (void)was_active(t); /* what was before does not count */
    if (limits->idle_ns)
        look_again(t);
    if (limits->total_ns)
        cst_timer_start_in(s->ctx, &t->total_timer, limits->total_ns, take_too_long, t);
}

cst_status cst_set_timeouts(cst_stream *s, const cst_timeouts *timeouts)
{
    bool wanted = timeouts && (timeouts->idle_ns || timeouts->total_ns);
    struct timeouts *old, *t = NULL;

    if (!s)
        return CST_E_INVALID_ARG;
    if (s->flags & DESTROYED)
        return CST_OK;
    cst__show(s->ctx);
    if (wanted && !(t = cst__alloc(s->ctx, sizeof(*t))))
        return CST_E_NOMEM;
    if ((old = find_timeouts(s)) != NULL)
        end_timeouts(old);
    if (t)
        begin_timeouts(s, t, timeouts);
    return CST_OK;
}

cst_status cst_progress(cst_stream *s)
{
    if (!s)
        return CST_E_INVALID_ARG;
    s->flags |= ACTIVE;
    return CST_OK;
}

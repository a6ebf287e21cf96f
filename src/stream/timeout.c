/*
 * timeout.c - limits on how long a stream may be idle, and take altogether.
 *
 * A stream is not told to take note of its activity: four times in the span of its idle limit, a
 * timer compares a few things that streams keep anyway with what they were. Of chunks handed out
 * there is no count, nor of those that leave lengths as they were: one accepted and one completed,
 * one without bytes, a push of part of a character. But for each of the two a flag says that there
 * was one, which is taken down at each look: what sets it anew are the rules, or cst_progress. The
 * fast path leaves such a flag as it is only in states that have it (`keeps`, in its table of
 * states). cst_readable_did_read asks a further flag that stays.
 *
 *               told that it is idle
 *     watched ------------------------> dormant     watched: look_timer is started
 *        ^                                 |        dormant: in the context's list, without a timer
 *        +---------------------------------+
 *               was active after all
 *
 * Dormant streams are looked at together, when a turn is over: that of a few costs no more than it
 * is worth, and is done at each end. That of many waits for a quarter of the shortest span, so that
 * what a turn costs does not grow with them, by a timer that each turn starts after which somebody
 * may have been active. Else it is parked at CST_NEVER: where nothing happens, nobody is woken.
 */
#include "stream/stream_internal.h"

#include "cstream/timeout.h"

/* So many dormant streams are looked at when a turn is over. */
#define A_FEW 8

struct cst__timeouts {
    struct cst__deferred_free deferred_free;
    cst_stream *stream;
    struct cst__fn_listener on_stream;
    cst_timer look_timer, total_timer;
    cst_timeouts limits;
    uint64_t active_ns; /* when it was last seen that there had been activity; before the first look
                           of a span CST_NEVER */
    size_t readable_length, writable_length;
    struct cst__timeouts *next_dormant, **dormant_at; /* dormant_at is NULL where it is not */
    bool gone;
};

static void on_stream(cst_stream *s, const cst_event *event, void *arg);

/* --- dormant ---------------------------------------------------------------------------------- */

/* They are looked at when the turn is over, in which this has fired. */
static void end_wait(void *arg)
{
    (void)arg;
}

static void start_dormant_timer(cst_ctx *ctx, uint64_t delay_ns)
{
    cst__limit_start_in(ctx, &ctx->dormant.timer, delay_ns, end_wait, NULL);
}

static uint64_t quarter_ns(const struct cst__timeouts *t)
{
    return t->limits.idle_ns / 4 + (t->limits.idle_ns % 4 != 0);
}

static void fall_asleep(struct cst__timeouts *t)
{
    struct cst__dormant *dormant = &t->stream->ctx->dormant;

    if (dormant->count++ == 0) {
        dormant->quarter_ns = CST_NEVER;
        start_dormant_timer(t->stream->ctx, CST_NEVER);
    }
    if (quarter_ns(t) < dormant->quarter_ns)
        dormant->quarter_ns = quarter_ns(t);
    t->next_dormant = dormant->first;
    if (t->next_dormant)
        t->next_dormant->dormant_at = &t->next_dormant;
    t->dormant_at = &dormant->first;
    dormant->first = t;
}

static void wake_up(struct cst__timeouts *t)
{
    cst_ctx *ctx = t->stream->ctx;

    if (!t->dormant_at)
        return;
    *t->dormant_at = t->next_dormant;
    if (t->next_dormant)
        t->next_dormant->dormant_at = t->dormant_at;
    t->dormant_at = NULL;
    if (--ctx->dormant.count == 0)
        (void)cst_timer_stop(ctx, &ctx->dormant.timer);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void end_timeouts(struct cst__timeouts *t)
{
    cst_ctx *ctx = t->stream->ctx;

    if (t->gone)
        return;
    t->gone = true;
    wake_up(t);
    cst_timer_stop(ctx, &t->look_timer);
    cst_timer_stop(ctx, &t->total_timer);
    cst__unlisten(t->stream, &t->on_stream.listener, UINT16_MAX);
    cst__free_later(ctx, &t->deferred_free, sizeof(*t));
}

/* Closed; or freed without that, and then no more in the list that cst__unlisten would look at. */
static void on_stream(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__timeouts *t = arg;

    (void)s;
    if (event->type == CST__EVENT_FREED)
        t->on_stream.listener.events = 0;
    end_timeouts(t);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Whether there was activity since the last look. */
static bool was_active(struct cst__timeouts *t)
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
static void reach_limit(struct cst__timeouts *t, cst_timeout_kind kind)
{
    cst_stream *s = t->stream;
    cst_error error = cst__error_here(s, CST_E_TIMEOUT, CST_NO_DIRECTION);

    if (t->limits.fn)
        t->limits.fn(s, kind, t->limits.arg);
    else
        cst__destroy(s, &error);
}

static void look(void *arg);

static void look_in(struct cst__timeouts *t, uint64_t delay_ns)
{
    cst__limit_start_in(t->stream->ctx, &t->look_timer, delay_ns, look, t);
}

/* In a quarter, or when the limit is reached; which it is not yet. */
static void look_again(struct cst__timeouts *t)
{
    uint64_t idle_ns = t->stream->ctx->now_ns - t->active_ns;
    uint64_t left_ns = t->limits.idle_ns - idle_ns;

    look_in(t, left_ns < quarter_ns(t) ? left_ns : quarter_ns(t));
}

static void say_idle(struct cst__timeouts *t)
{
    fall_asleep(t);
    reach_limit(t, CST_TIMEOUT_IDLE);
    if (t->stream->flags & DESTROYED)
        end_timeouts(t);
}

/* At the first look of a span it is known when that began: it may have been told later, or the
 * clock was asked. */
static void look(void *arg)
{
    struct cst__timeouts *t = arg;
    uint64_t now_ns = t->stream->ctx->now_ns;

    if (t->active_ns == CST_NEVER)
        t->active_ns = t->look_timer.due_ns - quarter_ns(t);
    if (was_active(t))
        t->active_ns = now_ns;
    if (t->stream->flags & DESTROYED)
        end_timeouts(t);
    else if (now_ns - t->active_ns < t->limits.idle_ns)
        look_again(t);
    else
        say_idle(t);
}

/* The span begins: the first look, a quarter after that, will find out when it was. */
static void begin_span(struct cst__timeouts *t)
{
    t->active_ns = CST_NEVER;
    look_in(t, quarter_ns(t));
}

static void look_at_dormant(struct cst__timeouts *t)
{
    if (!was_active(t))
        return;
    wake_up(t);
    begin_span(t);
}

static void look_at_all_dormant(cst_ctx *ctx)
{
    uint64_t shortest_ns = CST_NEVER;
    struct cst__timeouts *next;

    for (struct cst__timeouts *t = ctx->dormant.first; t; t = next) {
        next = t->next_dormant;
        look_at_dormant(t);
        if (t->dormant_at && quarter_ns(t) < shortest_ns)
            shortest_ns = quarter_ns(t);
    }
    ctx->dormant.quarter_ns = shortest_ns;
    if (ctx->dormant.count && ctx->dormant.timer.due_ns != CST_NEVER)
        start_dormant_timer(ctx, CST_NEVER);
}

void cst__dormant_turn_over(cst_ctx *ctx)
{
    const cst_timer *timer = &ctx->dormant.timer;

    if (ctx->dormant.count <= A_FEW || !cst_timer_is_started(timer))
        look_at_all_dormant(ctx);
    else if (timer->due_ns == CST_NEVER)
        start_dormant_timer(ctx, ctx->dormant.quarter_ns);
}

static void take_too_long(void *arg)
{
    struct cst__timeouts *t = arg;

    if (t->stream->flags & DESTROYED)
        end_timeouts(t);
    else
        reach_limit(t, CST_TIMEOUT_TOTAL);
}

/* --- the public calls ------------------------------------------------------------------------- */

static struct cst__timeouts *find_timeouts(const cst_stream *s)
{
    for (const struct cst__listener *l = s->listeners; l; l = l->next) {
        const struct cst__fn_listener *f =
            cst__container_of((uintptr_t)l, struct cst__fn_listener, listener);

        if (l->kind == LISTENER_FN && f->fn == on_stream && l->events)
            return f->arg;
    }
    return NULL;
}

static void begin_timeouts(cst_stream *s, struct cst__timeouts *t, const cst_timeouts *limits)
{
    *t = (struct cst__timeouts){ .stream = s, .limits = *limits };
    t->on_stream.fn = on_stream;
    t->on_stream.arg = t;
    cst__listen_fn(s, &t->on_stream, EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST__EVENT_FREED), 0);
    (void)was_active(t); /* what was before does not count */
    if (limits->idle_ns)
        begin_span(t);
    if (limits->total_ns)
        cst__limit_start_in(s->ctx, &t->total_timer, limits->total_ns, take_too_long, t);
}

cst_status cst_set_timeouts(cst_stream *s, const cst_timeouts *timeouts)
{
    bool wanted = timeouts && (timeouts->idle_ns || timeouts->total_ns);
    struct cst__timeouts *old, *t = NULL;

    if (!s)
        return CST_E_INVALID_ARG;
    if (s->flags & DESTROYED)
        return CST_OK;
    if (wanted && !(t = cst__alloc(s->ctx, sizeof(*t))))
        return CST_E_NOMEM;
    cst__enter(s->ctx);
    if ((old = find_timeouts(s)) != NULL)
        end_timeouts(old);
    if (t)
        begin_timeouts(s, t, timeouts);
    cst__leave(s->ctx);
    return CST_OK;
}

cst_status cst_progress(cst_stream *s)
{
    if (!s)
        return CST_E_INVALID_ARG;
    s->flags |= ACTIVE;
    return CST_OK;
}

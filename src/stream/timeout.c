/*
 * timeout.c - limits on how long a stream may be idle, and on how long it may take altogether.
 *
 * Activity is not recorded when it happens. A timer looks at the stream four times in the span of
 * its idle limit (cst_timeouts.idle_ns), and compares the lengths of both sides with those that it
 * saw last. Two flags tell of activity that may leave the lengths as they were:
 *
 *     R_DATA_EMITTED   a chunk was handed out
 *     ACTIVE           a write was queued, begun or completed; a part of a character was pushed, so
 *                      that the text is empty; cst_progress was called
 *
 * A look clears both flags. The next activity sets them again; in some states the fast path does
 * not, and so takes a stream for such a state only if the flag is set already (`keeps` in its
 * table of states). When a look clears R_DATA_EMITTED, it sets r_data_emitted_before, because
 * cst_readable_did_read has to know.
 *
 *               told that it is idle
 *     watched ------------------------> dormant     watched: look_timer is started
 *        ^                                 |        dormant: in the context's list, without a timer
 *        +---------------------------------+
 *               active again
 *
 * Dormant streams are looked at together, at the end of a turn. If there are at most A_FEW, this is
 * done at the end of each turn. If there are more, it is done at most once in a quarter of the
 * shortest span, so that the cost of a turn does not grow with their number. A turn starts the
 * context's timer for that, because a stream may have been active in it. After a look the timer is
 * set to CST_NEVER, so the host is not woken while nothing happens.
 */
#include "stream/stream_internal.h"

#include "cstream/timeout.h"

#include <string.h>

/* At most this many dormant streams are looked at at the end of each turn. */
#define A_FEW 8

/* The limits of a stream. A server keeps a record for each connection, so the timer of the total
 * limit is only there if that limit was set (struct with_total). */
struct cst__timeouts {
    struct cst__deferred_free deferred_free;
    cst_stream *stream;
    struct cst__fn_listener on_stream;
    cst_timer look_timer;
    uint64_t idle_ns;
    cst_timeout_fn *fn;
    void *arg;
    uint64_t active_ns; /* when a look last found activity, or the span began; CST_NEVER before the
                           first look of a span */
    size_t readable_length, writable_length;
    struct cst__timeouts *next_dormant, **dormant_at; /* dormant_at: NULL unless dormant */
    bool has_total; /* it is the first field of a struct with_total */
    bool gone;
};

struct with_total {
    struct cst__timeouts timeouts;
    cst_timer timer;
};

static size_t record_size(bool has_total)
{
    return has_total ? sizeof(struct with_total) : sizeof(struct cst__timeouts);
}

/* Return the timer of the total limit, or NULL if there is no such limit. */
static cst_timer *total_timer(struct cst__timeouts *t)
{
    return t->has_total ? &((struct with_total *)(void *)t)->timer : NULL;
}

static void on_stream(cst_stream *s, const cst_event *event, void *arg);

/* --- dormant ---------------------------------------------------------------------------------- */

/* Do nothing: the timer has fired, so the dormant streams are looked at when the turn is over. */
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
    return t->idle_ns / 4 + (t->idle_ns % 4 != 0);
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
    cst_timer_stop(ctx, total_timer(t));
    cst__unlisten(t->stream, &t->on_stream.listener, UINT16_MAX);
    cst__free_later(ctx, &t->deferred_free, record_size(t->has_total));
}

/* The stream has closed, or is freed without a 'close'. When it is freed, the listener has left the
 * list already: without events, cst__unlisten ignores it. */
static void on_stream(cst_stream *s, const cst_event *event, void *arg)
{
    struct cst__timeouts *t = arg;

    (void)s;
    if (event->type == CST__EVENT_FREED)
        t->on_stream.listener.events = 0;
    end_timeouts(t);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Return whether there was activity since the last look. */
static bool was_active(struct cst__timeouts *t)
{
    cst_stream *s = t->stream;
    bool active = (s->hot & ACTIVE) != 0;

    s->hot &= NOT(ACTIVE);
    if (s->has_readable) {
        active = active || (s->hot & R_DATA_EMITTED) || cst__r(s)->length != t->readable_length;
        if (s->hot & R_DATA_EMITTED) {
            s->hot &= NOT(R_DATA_EMITTED);
            s->r_data_emitted_before = true;
        }
        t->readable_length = cst__r(s)->length;
    }
    if (s->has_writable) {
        active = active || cst__w(s)->length != t->writable_length;
        t->writable_length = cst__w(s)->length;
    }
    active = active || (s->hot & ACTIVE);
    s->hot &= NOT(ACTIVE);
    return active;
}

/* Tell of a limit that is reached. This may end t, whose record can still be read until the timer's
 * callback has returned. */
static void reach_limit(struct cst__timeouts *t, cst_timeout_kind kind)
{
    cst_stream *s = t->stream;
    cst_error error = cst__error_here(s, CST_E_TIMEOUT, CST_NO_DIRECTION);

    if (t->fn)
        t->fn(s, kind, t->arg);
    else
        cst__destroy(s, &error);
}

static void look(void *arg);

static void look_in(struct cst__timeouts *t, uint64_t delay_ns)
{
    cst__limit_start_in(t->stream->ctx, &t->look_timer, delay_ns, look, t);
}

/* Start the timer for the next look: in a quarter of the span, or when the limit is reached if that
 * is sooner. */
static void look_again(struct cst__timeouts *t)
{
    uint64_t idle_ns = t->stream->ctx->now_ns - t->active_ns;
    uint64_t left_ns = t->idle_ns - idle_ns;

    look_in(t, left_ns < quarter_ns(t) ? left_ns : quarter_ns(t));
}

static void say_idle(struct cst__timeouts *t)
{
    fall_asleep(t);
    reach_limit(t, CST_TIMEOUT_IDLE);
    if (t->stream->hot & DESTROYED)
        end_timeouts(t);
}

/* Look at a stream that is watched. At its first look in a span, compute when the span began: a
 * quarter before the timer was due. The context may not have known the time at that moment. */
static void look(void *arg)
{
    struct cst__timeouts *t = arg;
    uint64_t now_ns = t->stream->ctx->now_ns;

    if (t->active_ns == CST_NEVER)
        t->active_ns = t->look_timer.due_ns - quarter_ns(t);
    if (was_active(t))
        t->active_ns = now_ns;
    if (t->stream->hot & DESTROYED)
        end_timeouts(t);
    else if (now_ns - t->active_ns < t->idle_ns)
        look_again(t);
    else
        say_idle(t);
}

/* Begin a span. Its first look, a quarter later, computes when it began. */
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

    if (t->stream->hot & DESTROYED)
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

        if ((l->traits & LISTENER_OF_TIMEOUTS) && l->events)
            return f->arg;
    }
    return NULL;
}

static void begin_timeouts(cst_stream *s, struct cst__timeouts *t, const cst_timeouts *limits)
{
    memset(t, 0, record_size(limits->total_ns > 0));
    t->stream = s;
    t->idle_ns = limits->idle_ns;
    t->fn = limits->fn;
    t->arg = limits->arg;
    t->has_total = limits->total_ns > 0;
    t->on_stream.fn = on_stream;
    t->on_stream.arg = t;
    cst__listen_fn(s, &t->on_stream, EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST__EVENT_FREED),
                   LISTENER_OF_TIMEOUTS);
    (void)was_active(t); /* clear the flags: earlier activity does not count */
    if (limits->idle_ns)
        begin_span(t);
    if (limits->total_ns)
        cst__limit_start_in(s->ctx, total_timer(t), limits->total_ns, take_too_long, t);
}

cst_status cst_set_timeouts(cst_stream *s, const cst_timeouts *timeouts)
{
    bool wanted = timeouts && (timeouts->idle_ns || timeouts->total_ns);
    struct cst__timeouts *old, *t = NULL;

    if (!s)
        return CST_E_INVALID_ARG;
    if (s->hot & DESTROYED)
        return CST_OK;
    if (wanted && !(t = cst__alloc(s->ctx, record_size(timeouts->total_ns > 0))))
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
    s->hot |= ACTIVE;
    return CST_OK;
}

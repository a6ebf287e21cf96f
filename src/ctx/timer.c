/*
 * timer.c - timers: a pairing heap. Its nodes are the timers themselves, so that starting a timer
 * needs no memory.
 *
 *      child   the first of a list of timers that are due after this one
 *      next    the next timer of the list that this one is in
 *      prev    the timer before it in that list; the parent if it is the first; NULL for the root
 *
 * No function recurses, because the heap may be as deep as it has timers.
 *
 * If no time was told yet, a timer with a delay is unsettled: it is in a list by next and prev, not
 * in the heap, and its due_ns is the delay. When the first time is told, all of the list goes into
 * the heap, in any order: each timer has kept the order in which it was started.
 */
#include "ctx/ctx_internal.h"

static bool is_earlier(const cst_timer *a, const cst_timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

/* Join two heaps; either may be NULL. Overwrite next and prev of both roots. */
static cst_timer *meld(cst_timer *a, cst_timer *b)
{
    cst_timer *first = a, *second = b;

    if (!a || !b)
        return a ? a : b;
    if (is_earlier(b, a)) {
        first = b;
        second = a;
    }
    second->next = first->child;
    second->prev = first;
    if (first->child)
        first->child->prev = second;
    first->child = second;
    first->next = first->prev = NULL;
    return first;
}

/*
 * Join a list of heaps: first two by two from the front, then the pairs from the back. This keeps
 * later removals cheap.
 */
static cst_timer *meld_list(cst_timer *list)
{
    cst_timer *pairs = NULL, *heap = NULL;

    while (list) {
        cst_timer *a = list, *b = list->next;

        list = b ? b->next : NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        cst_timer *next = pairs->next;

        heap = meld(heap, pairs);
        pairs = next;
    }
    if (heap)
        heap->next = heap->prev = NULL;
    return heap;
}

/* Take a timer out of its list. It has a timer before it, or a parent. */
static void unlink_from_list(cst_timer *timer)
{
    if (timer->prev->child == timer)
        timer->prev->child = timer->next;
    else
        timer->prev->next = timer->next;
    if (timer->next)
        timer->next->prev = timer->prev;
}

/* Take a timer out of the heap, or out of the list of the unsettled. */
static void unlink_timer(cst_ctx *ctx, cst_timer *timer)
{
    cst_timer *children = meld_list(timer->child);

    if (timer == ctx->unsettled) {
        ctx->unsettled = timer->next;
        if (timer->next)
            timer->next->prev = NULL;
    } else if (timer == ctx->timers) {
        ctx->timers = children;
    } else {
        unlink_from_list(timer);
        ctx->timers = meld(ctx->timers, children);
    }
    timer->child = timer->next = timer->prev = NULL;
}

/* --- the check -------------------------------------------------------------------------------- */

#ifdef CST_CHECK

/* At most this many timers are checked. */
enum { CHECKED_TIMERS = 64 };

static void check_timer(const cst_ctx *ctx, const cst_timer *timer)
{
    assert(timer->fn);
    assert(timer->order < ctx->timer_order);
    assert(!timer->next || timer->next->prev == timer);
    assert(!timer->child || timer->child->prev == timer);
}

/* Return the next timer of the heap, children first; NULL after the last. */
static const cst_timer *next_in_heap(const cst_timer *timer)
{
    if (timer->child)
        return timer->child;
    while (timer && !timer->next) {
        while (timer->prev && timer->prev->child != timer)
            timer = timer->prev;
        timer = timer->prev;
    }
    return timer ? timer->next : NULL;
}

/*
 * Check at most *left timers of a list, and count *left down by them. Return how many of them are
 * not the limit of a stream.
 */
static size_t check_list(const cst_ctx *ctx, const cst_timer *list, bool unsettled, size_t *left)
{
    size_t counted = 0;

    for (const cst_timer *timer = list; timer && *left; timer = timer->next, --*left) {
        check_timer(ctx, timer);
        assert(timer->is_unsettled == unsettled);
        counted += !timer->is_limit;
    }
    return counted;
}

void cst__timers_check(const cst_ctx *ctx)
{
    size_t left = CHECKED_TIMERS, counted;

    assert(!ctx->timers || (!ctx->timers->prev && !ctx->timers->next));
    assert(!ctx->unsettled || (!ctx->unsettled->prev && !ctx->is_time_told));
    counted = check_list(ctx, ctx->unsettled, true, &left);
    counted += check_list(ctx, ctx->timers, false, &left);
    for (const cst_timer *timer = ctx->timers; timer && left; timer = next_in_heap(timer)) {
        const cst_timer *child = timer->child;

        counted += check_list(ctx, child, false, &left);
        for (size_t i = 0; child && i < CHECKED_TIMERS; child = child->next, i++)
            assert(!is_earlier(child, timer));
    }
    assert(left == 0 || counted == ctx->timer_count);
}

#endif

/* --- what a turn asks ------------------------------------------------------------------------- */

bool cst__timer_is_due(const cst_ctx *ctx)
{
    const cst_timer *first = ctx->timers;

    return first && first->due_ns <= ctx->now_ns && first->due_ns != CST_NEVER &&
           first->order < ctx->turn_order;
}

cst_timer *cst__timer_take_due(cst_ctx *ctx)
{
    cst_timer *first = ctx->timers;

    if (!cst__timer_is_due(ctx))
        return NULL;
    unlink_timer(ctx, first);
    return first;
}

void cst__timers_stop_all(cst_ctx *ctx)
{
    while (ctx->unsettled)
        cst_timer_stop(ctx, ctx->unsettled);
    while (ctx->timers)
        cst_timer_stop(ctx, ctx->timers);
}

/* --- starting --------------------------------------------------------------------------------- */

/* Put a timer into the heap, or into the list of the unsettled. All its fields but the links are
 * set. */
static void link_timer(cst_ctx *ctx, cst_timer *timer)
{
    if (!timer->is_unsettled) {
        ctx->timers = meld(ctx->timers, timer);
        return;
    }
    timer->next = ctx->unsettled;
    if (timer->next)
        timer->next->prev = timer;
    ctx->unsettled = timer;
}

/* Copy the values of `as` into the timer, and start it behind those that are due at that time. */
static void start(cst_ctx *ctx, cst_timer *timer, const cst_timer *as)
{
    if (timer->fn)
        (void)cst_timer_stop(ctx, timer);
    *timer = *as;
    timer->order = ctx->timer_order++;
    ctx->timer_count += !timer->is_limit;
    link_timer(ctx, timer);
    if (!ctx->awake && cst_ctx_due_ns(ctx) < ctx->told_due_ns)
        cst__wake(ctx);
}

/* Ask the host's clock, if there is one. Do not ask in a turn with a budget, which was told the
 * time. */
static void look_at_clock(cst_ctx *ctx)
{
    if (ctx->clock && !ctx->turn_order)
        cst__tell_time(ctx, ctx->clock(ctx->clock_arg));
}

/* Return the sum, or CST_NEVER if it does not fit. */
static uint64_t later(uint64_t now_ns, uint64_t delay_ns)
{
    return delay_ns < CST_NEVER - now_ns ? now_ns + delay_ns : CST_NEVER;
}

static void start_in(cst_ctx *ctx, cst_timer *timer, uint64_t delay_ns, const cst_timer *as)
{
    cst_timer values = *as;

    look_at_clock(ctx);
    values.is_unsettled = !ctx->is_time_told;
    values.due_ns = later(ctx->now_ns, delay_ns);
    start(ctx, timer, &values);
}

void cst__timers_settle(cst_ctx *ctx)
{
    ctx->is_time_told = true;
    while (ctx->unsettled) {
        cst_timer *timer = ctx->unsettled;

        unlink_timer(ctx, timer);
        timer->is_unsettled = false;
        timer->due_ns = later(ctx->now_ns, timer->due_ns);
        link_timer(ctx, timer);
    }
}

void cst__limit_start_in(cst_ctx *ctx, cst_timer *timer, uint64_t delay_ns, cst_task_fn *fn,
                         void *arg)
{
    if (!ctx->closing)
        start_in(ctx, timer, delay_ns, &(cst_timer){ .fn = fn, .arg = arg, .is_limit = true });
}

/* --- the public calls ------------------------------------------------------------------------- */

cst_status cst_timer_start(cst_ctx *ctx, cst_timer *timer, uint64_t due_ns, cst_task_fn *fn,
                           void *arg)
{
    if (!ctx || !timer || !fn)
        return CST_E_INVALID_ARG;
    if (ctx->closing)
        return CST_E_DESTROYED;
    start(ctx, timer,
          &(cst_timer){
              .due_ns = due_ns > ctx->now_ns ? due_ns : ctx->now_ns, .fn = fn, .arg = arg });
    return CST_OK;
}

cst_status cst_timer_start_in(cst_ctx *ctx, cst_timer *timer, uint64_t delay_ns, cst_task_fn *fn,
                              void *arg)
{
    if (!ctx || !timer || !fn)
        return CST_E_INVALID_ARG;
    if (ctx->closing)
        return CST_E_DESTROYED;
    start_in(ctx, timer, delay_ns, &(cst_timer){ .fn = fn, .arg = arg });
    return CST_OK;
}

cst_status cst_timer_stop(cst_ctx *ctx, cst_timer *timer)
{
    if (!ctx || !timer)
        return CST_E_INVALID_ARG;
    if (!timer->fn)
        return CST_EMPTY;
    unlink_timer(ctx, timer);
    ctx->timer_count -= !timer->is_limit;
    timer->fn = NULL;
    return CST_OK;
}

bool cst_timer_is_started(const cst_timer *timer)
{
    return timer && timer->fn;
}

bool cst_ctx_has_timers(const cst_ctx *ctx)
{
    return ctx && ctx->timer_count > 0;
}

cst_status cst_ctx_set_now_ns(cst_ctx *ctx, uint64_t now_ns)
{
    if (!ctx)
        return CST_E_INVALID_ARG;
    cst__tell_time(ctx, now_ns);
    return CST_OK;
}

uint64_t cst_ctx_now_ns(const cst_ctx *ctx)
{
    return ctx ? ctx->now_ns : 0;
}

uint64_t cst_ctx_due_ns(const cst_ctx *ctx)
{
    if (ctx && ctx->unsettled)
        return 0;
    return ctx && ctx->timers ? ctx->timers->due_ns : CST_NEVER;
}

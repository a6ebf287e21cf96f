/*
 * timer.c - timers: a pairing heap whose nodes are the timers themselves, so that nothing can fail.
 *
 *      child   the first of those that are due later
 *      next    the next of them
 *      prev    the one before in that list; of the first, the parent; of the heap's earliest, NULL
 *
 * No function recurses: a heap of equal timers may be a list of all of them.
 */
#include "ctx/ctx_internal.h"

static bool is_earlier(const cst_timer *a, const cst_timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

/* Two heaps become one; either may be NULL. next and prev of both are free to use. */
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

/* A list of heaps becomes one: by pairs from the front, then the pairs from the back, which keeps later removals cheap. */
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

static void unlink_timer(cst_ctx *ctx, cst_timer *timer)
{
    cst_timer *children = meld_list(timer->child);

    if (timer == ctx->timers) {
        ctx->timers = children;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->next;
        else
            timer->prev->next = timer->next;
        if (timer->next)
            timer->next->prev = timer->prev;
        ctx->timers = meld(ctx->timers, children);
    }
    timer->child = timer->next = timer->prev = NULL;
}

/* --- what a turn asks --------------------------------------------------------------------------------------------- */

bool cst__timer_is_due(const cst_ctx *ctx)
{
    const cst_timer *first = ctx->timers;

    return first && ctx->timed && first->due_ns <= ctx->now_ns && first->due_ns != CST_NEVER &&
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
    while (ctx->timers)
        cst_timer_stop(ctx, ctx->timers);
}

/* --- the public calls --------------------------------------------------------------------------------------------- */

cst_status cst_timer_start(cst_ctx *ctx, cst_timer *timer, uint64_t due_ns, cst_task_fn *fn,
                           void *arg)
{
    if (!ctx || !timer || !fn)
        return CST_E_INVALID_ARG;
    if (ctx->closing)
        return CST_E_DESTROYED;
    if (timer->fn)
        unlink_timer(ctx, timer);
    *timer = (cst_timer){ .due_ns = due_ns > ctx->now_ns ? due_ns : ctx->now_ns,
                          .order = ctx->timer_order++,
                          .fn = fn,
                          .arg = arg };
    ctx->timers = meld(ctx->timers, timer);
    if (!ctx->awake && timer->due_ns < ctx->told_due_ns)
        cst__wake(ctx);
    return CST_OK;
}

cst_status cst_timer_start_in(cst_ctx *ctx, cst_timer *timer, uint64_t delay_ns, cst_task_fn *fn,
                              void *arg)
{
    uint64_t now_ns = cst_ctx_now_ns(ctx);

    return cst_timer_start(ctx, timer,
                           delay_ns < CST_NEVER - now_ns ? now_ns + delay_ns : CST_NEVER, fn, arg);
}

cst_status cst_timer_stop(cst_ctx *ctx, cst_timer *timer)
{
    if (!ctx || !timer)
        return CST_E_INVALID_ARG;
    if (!timer->fn)
        return CST_EMPTY;
    unlink_timer(ctx, timer);
    timer->fn = NULL;
    return CST_OK;
}

bool cst_timer_is_started(const cst_timer *timer)
{
    return timer && timer->fn;
}

uint64_t cst_ctx_now_ns(const cst_ctx *ctx)
{
    return ctx ? ctx->now_ns : 0;
}

uint64_t cst_ctx_due_ns(const cst_ctx *ctx)
{
    return ctx && ctx->timers ? ctx->timers->due_ns : CST_NEVER;
}

/*
 * post.c - tasks of other threads, and when the host is woken.
 *
 * Other threads push their tasks onto a stack. The thread of the context takes the whole stack at
 * once. The head of the stack also says whether the context is idle:
 *
 *      posted:   &asleep   idle: the next thread that pushes has to wake the host
 *                NULL      nothing is posted; the host knows that it has to run, or is running
 *                a link    the task that was posted last; the earlier ones follow
 *
 * No single link is ever taken out of the stack, so it does no harm if a link is freed and posted
 * again between the two steps of a push.
 */
#include "ctx/ctx_internal.h"

#ifndef __STDC_NO_ATOMICS__

static void run_posted(cst_task_link *link)
{
    cst_task *task = cst__container_of(link, cst_task, link);

    task->fn(task->arg);
}

/* Release: the thread that takes the task sees what the posting thread wrote before. */
cst_status cst_post(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg)
{
    cst_task_link *latest;

    if (!ctx || !task || !fn)
        return CST_E_INVALID_ARG;
    task->fn = fn;
    task->arg = arg;
    task->link.run = run_posted;
    latest = atomic_load_explicit(&ctx->posted, memory_order_relaxed);
    do {
        task->link.next = latest == &ctx->asleep ? NULL : latest;
    } while (!atomic_compare_exchange_weak_explicit(&ctx->posted, &latest, &task->link,
                                                    memory_order_release, memory_order_relaxed));
    /* By now the task may have run and be freed. The context is there: the caller promises that. */
    if (latest == &ctx->asleep && ctx->wake)
        ctx->wake(ctx->wake_arg);
    return CST_OK;
}

/* Return the list in the reverse order. */
static cst_task_link *reversed(cst_task_link *link)
{
    cst_task_link *first = NULL;

    while (link) {
        cst_task_link *next = link->next;

        link->next = first;
        first = link;
        link = next;
    }
    return first;
}

/* An atomic exchange is slow, so it is left out if there is nothing to take. */
void cst__posted_take(cst_ctx *ctx)
{
    cst_task_link *latest;

    if (!cst__posted_look(ctx))
        return;
    latest = atomic_exchange_explicit(&ctx->posted, NULL, memory_order_acquire);
    if (!latest || latest == &ctx->asleep)
        return;
    if (ctx->immediates.first)
        ctx->immediates.last->next = reversed(latest);
    else
        ctx->immediates.first = reversed(latest);
    ctx->immediates.last = latest;
}

bool cst__posted_sleep(cst_ctx *ctx)
{
    cst_task_link *none = NULL;

    return atomic_compare_exchange_strong_explicit(&ctx->posted, &none, &ctx->asleep,
                                                   memory_order_relaxed, memory_order_relaxed);
}

bool cst__posted_rise(cst_ctx *ctx)
{
    cst_task_link *asleep = &ctx->asleep;

    return atomic_compare_exchange_strong_explicit(&ctx->posted, &asleep, NULL,
                                                   memory_order_relaxed, memory_order_relaxed);
}

#else

cst_status cst_post(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg)
{
    (void)arg;
    return ctx && task && fn ? CST_E_UNSUPPORTED : CST_E_INVALID_ARG;
}

void cst__posted_take(cst_ctx *ctx)
{
    (void)ctx;
}

bool cst__posted_sleep(cst_ctx *ctx)
{
    (void)ctx;
    return true;
}

bool cst__posted_rise(cst_ctx *ctx)
{
    (void)ctx;
    return true;
}

#endif

void cst__wake(cst_ctx *ctx)
{
    ctx->awake = true;
    if (cst__posted_rise(ctx) && ctx->wake)
        ctx->wake(ctx->wake_arg);
}

/*
 * post.c - tasks of other threads: a stack that they push onto, and the context's thread takes
 * whole.
 *
 *      posted:   &asleep   idle: who pushes next has to wake the host
 *                NULL      nothing posted; the host knows that it has to run, or is running
 *                a link    the latest, and behind it the earlier ones
 *
 * Taking all at once leaves no node to be compared with: a link that is freed and queued again
 * meanwhile does no harm.
 */
#include "ctx/ctx_internal.h"

#ifndef __STDC_NO_ATOMICS__

static void run_posted(cst_task_link *link)
{
    cst_task *task = cst__container_of(link, cst_task, link);

    task->fn(task->arg);
}

/* Release: what the poster wrote is seen by the thread that takes it. */
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
    /* The task may have run and be gone by now; the context is there, as the caller has promised.
     */
    if (latest == &ctx->asleep && ctx->wake)
        ctx->wake(ctx->wake_arg);
    return CST_OK;
}

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

/* The exchange is one of the dear instructions: it is left out where there is nothing to take. */
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

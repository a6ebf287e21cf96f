/*
 * ctx.c - see ctx.h; the rule of when things are freed is in ctx_internal.h.
 */
#include "ctx/ctx_internal.h"

#include <assert.h>
#include <string.h>

#define DEFAULT_NESTING_LIMIT 64
#define DEFAULT_CACHED_BLOCKS 16
#define DEFAULT_MARK_BYTES 65536
#define DEFAULT_MARK_OBJECTS 16

static uint32_t nesting_limit(const cst_ctx_opts *opts)
{
    if (opts->nesting_limit == 0)
        return DEFAULT_NESTING_LIMIT;
    return opts->nesting_limit < CST__MOST_NESTED ? opts->nesting_limit : CST__MOST_NESTED;
}

cst_status cst_ctx_new(cst_ctx **out, const cst_allocator *allocator, const cst_ctx_opts *opts)
{
    static const cst_ctx_opts defaults = { .wake = NULL };
    cst_ctx *ctx;

    if (!out || !allocator)
        return CST_E_INVALID_ARG;
    if (!opts)
        opts = &defaults;
    ctx = allocator->alloc(allocator->user, sizeof(*ctx));
    if (!ctx)
        return CST_E_NOMEM;
    memset(ctx, 0, sizeof(*ctx));
    ctx->allocator = allocator;
    ctx->nesting_limit = nesting_limit(opts) * CST__NESTED;
    ctx->default_mark[false] = DEFAULT_MARK_BYTES;
    ctx->default_mark[true] = DEFAULT_MARK_OBJECTS;
    ctx->wake = opts->wake;
    ctx->wake_arg = opts->wake_arg;
    if (cst__block_cache_new(&ctx->cache, allocator,
                             opts->cached_blocks ? opts->cached_blocks : DEFAULT_CACHED_BLOCKS) <
        0) {
        allocator->free(allocator->user, ctx, sizeof(*ctx));
        return CST_E_NOMEM;
    }
    cst__pool_init(&ctx->pool, allocator);
    ctx->first_block = ctx->last_block = cst__alloc(ctx, sizeof(*ctx->first_block));
    if (!ctx->first_block) {
        cst__block_cache_close(ctx->cache);
        allocator->free(allocator->user, ctx, sizeof(*ctx));
        return CST_E_NOMEM;
    }
    *out = ctx;
    return CST_OK;
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

static bool add_block(cst_ctx *ctx)
{
    struct cst__task_block *block = cst__alloc(ctx, sizeof(*block));

    if (!block)
        return false;
    ctx->last_block->next = block;
    ctx->last_block = block;
    ctx->next_room = 0;
    return true;
}

static bool put_task(cst_ctx *ctx, void *subject, unsigned kind, cst_status status)
{
    if (ctx->next_room == CST__TASKS_A_BLOCK && !add_block(ctx))
        return false;
    ctx->last_block->tasks[ctx->next_room++] =
        (struct cst__task){ .subject = subject, .kind = kind, .status = status };
    return true;
}

/* There is a task: takes the first. */
static struct cst__task take_task(cst_ctx *ctx)
{
    struct cst__task task = ctx->first_block->tasks[ctx->next_task++];

    if (ctx->first_block == ctx->last_block) {
        if (ctx->next_task == ctx->next_room)
            ctx->next_task = ctx->next_room = 0;
    } else if (ctx->next_task == CST__TASKS_A_BLOCK) {
        struct cst__task_block *block = ctx->first_block;

        ctx->first_block = block->next;
        ctx->next_task = 0;
        cst__free(ctx, block, sizeof(*block));
    }
    return task;
}

static void wake_host(cst_ctx *ctx)
{
    if (ctx->awake)
        return;
    ctx->awake = true;
    if (ctx->wake)
        ctx->wake(ctx->wake_arg);
}

void cst__post(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link))
{
    assert(!link->run);
    link->run = run;
    link->next = NULL;
    if (!put_task(ctx, link, 0, CST_OK)) {
        if (ctx->first_late)
            ctx->last_late->next = link;
        else
            ctx->first_late = link;
        ctx->last_late = link;
    }
    wake_host(ctx);
}

bool cst__post_resident(cst_ctx *ctx, void *subject, unsigned kind, cst_status status)
{
    bool there_is_room = put_task(ctx, subject, kind, status);

    if (!there_is_room)
        ctx->residents_late = true;
    wake_host(ctx);
    return there_is_room;
}

static void run_link(cst_task_link *link)
{
    void (*run)(cst_task_link *) = link->run;

    link->run = NULL; /* it may queue itself again, or be freed */
    run(link);
}

/* Runs one task that had no room when it was queued; false where there is none. */
static bool run_late_task(cst_ctx *ctx)
{
    cst_task_link *link = ctx->first_late;

    if (link) {
        ctx->first_late = link->next;
        run_link(link);
        return true;
    }
    for (struct cst__resident *r = ctx->residents; r; r = r->next)
        if (ctx->resident_ops->run_late(r))
            return true;
    ctx->residents_late = false;
    return false;
}

/* There may be a task; runs one. */
static void run_first_task(cst_ctx *ctx)
{
    if (!(ctx->first_late || ctx->residents_late) || !run_late_task(ctx)) {
        struct cst__task task;

        if (!cst__has_tasks(ctx))
            return;
        task = take_task(ctx);
        if (task.kind == 0)
            run_link(task.subject);
        else
            ctx->resident_ops->run(task.subject, task.kind, task.status);
    }
    if (ctx->burial_due)
        cst__bury(ctx);
}

cst_status cst_ctx_run(cst_ctx *ctx, const cst_budget *budget)
{
    size_t left = budget && budget->tasks ? budget->tasks : SIZE_MAX;

    if (!ctx)
        return CST_E_INVALID_ARG;
    if (ctx->frames)
        return CST_E_NESTED;
    ctx->awake = true;
    ctx->frames = 1;
    while (cst__has_tasks(ctx) && left) {
        run_first_task(ctx);
        if (left != SIZE_MAX)
            left--;
    }
    ctx->frames = 0;
    if (cst__has_tasks(ctx))
        return CST_MORE;
    ctx->awake = false;
    if (ctx->unhandled) {
        ctx->unhandled = false;
        return CST_E_UNHANDLED;
    }
    return CST_IDLE;
}

bool cst_ctx_has_work(const cst_ctx *ctx)
{
    return ctx && cst__has_tasks(ctx);
}

static void run_host_task(cst_task_link *link)
{
    cst_task *task = cst__container_of(link, cst_task, link);

    task->fn(task->arg);
}

cst_status cst_defer(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg)
{
    if (!ctx || !task || !fn)
        return CST_E_INVALID_ARG;
    if (task->link.run)
        return CST_PENDING;
    task->fn = fn;
    task->arg = arg;
    cst__post(ctx, &task->link, run_host_task);
    return CST_OK;
}

/* --- residents, limbo, the end ------------------------------------------------------------------------------------ */

void cst__resident_add(cst_ctx *ctx, struct cst__resident *resident,
                       const struct cst__resident_ops *ops)
{
    ctx->resident_ops = ops;
    resident->prev = NULL;
    resident->next = ctx->residents;
    if (ctx->residents)
        ctx->residents->prev = resident;
    ctx->residents = resident;
}

void cst__resident_die(cst_ctx *ctx, struct cst__resident *resident)
{
    if (ctx->closing)
        return; /* cst_ctx_free walks the list, and drops all of it in the end */
    if (resident->prev)
        resident->prev->next = resident->next;
    else
        ctx->residents = resident->next;
    if (resident->next)
        resident->next->prev = resident->prev;
    resident->next = ctx->dead;
    ctx->dead = resident;
    ctx->burial_due = true;
    if (!ctx->frames)
        cst__bury(ctx);
}

void cst__free_later(cst_ctx *ctx, struct cst__limbo *block, size_t size)
{
    block->size = size;
    block->next = ctx->limbo;
    ctx->limbo = block;
    ctx->burial_due = true;
    if (!ctx->frames)
        cst__bury(ctx);
}

/* Settling runs callbacks, which may do anything: so this is a frame of its own, and a loop, and looks again. */
void cst__bury(cst_ctx *ctx)
{
    ctx->frames++;
    while (ctx->dead) {
        struct cst__resident *resident = ctx->dead;

        ctx->dead = resident->next;
        ctx->resident_ops->settle(resident);
        if (ctx->resident_ops->wanted(resident))
            cst__resident_add(ctx, resident, ctx->resident_ops);
        else
            ctx->resident_ops->drop(resident);
    }
    while (ctx->limbo) {
        struct cst__limbo *block = ctx->limbo;

        ctx->limbo = block->next;
        cst__free(ctx, block, block->size);
    }
    ctx->burial_due = false;
    ctx->frames--;
}

static void for_each_resident(cst_ctx *ctx, void (*visit)(struct cst__resident *resident))
{
    struct cst__resident *resident, *next;

    for (resident = ctx->residents; resident; resident = next) {
        next = resident->next;
        visit(resident);
    }
}

static void run_all(cst_ctx *ctx)
{
    while (cst__has_tasks(ctx))
        run_first_task(ctx);
}

cst_status cst_ctx_free(cst_ctx *ctx)
{
    const cst_allocator *allocator;

    if (!ctx)
        return CST_OK;
    if (ctx->frames)
        return CST_E_NESTED;
    ctx->closing =
        true; /* no resident comes or goes from here on, so the walks are safe and this comes to an end */
    ctx->awake = true;
    ctx->frames = 1;
    if (ctx->resident_ops) {
        for_each_resident(ctx, ctx->resident_ops->end);
        run_all(ctx);
        for_each_resident(ctx, ctx->resident_ops->settle);
        run_all(ctx);
        for_each_resident(ctx, ctx->resident_ops->drop);
    }
    run_all(ctx);
    ctx->frames = 0;
    cst__bury(ctx);
    allocator = ctx->allocator;
    cst__block_cache_close(ctx->cache);
    cst__free(ctx, ctx->first_block, sizeof(*ctx->first_block));
    cst__pool_fini(&ctx->pool);
    allocator->free(allocator->user, ctx, sizeof(*ctx));
    return CST_OK;
}

cst_status cst_ctx_set_default_high_water_mark(cst_ctx *ctx, bool object_mode, size_t value)
{
    if (!ctx)
        return CST_E_INVALID_ARG;
    ctx->default_mark[object_mode] = value;
    return CST_OK;
}

size_t cst_ctx_default_high_water_mark(const cst_ctx *ctx, bool object_mode)
{
    return ctx ? ctx->default_mark[object_mode] : 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

const cst_allocator *cst_ctx_allocator(const cst_ctx *ctx)
{
    return ctx ? ctx->allocator : NULL;
}

cst_status cst_ctx_buf(cst_buf *out, cst_ctx *ctx, size_t cap)
{
    if (!out || !ctx)
        return CST_E_INVALID_ARG;
    return cst__block_cache_buf(ctx->cache, out, cap);
}

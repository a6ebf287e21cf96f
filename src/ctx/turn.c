/*
 * turn.c - the queues of a context, and the turn that runs them: see ctx.h.
 */
#include "ctx/ctx_internal.h"

#include <assert.h>

/* --- the queue of deferred tasks -------------------------------------------------------------- */

/* All that was queued has been taken: the block serves again, from its beginning. */
static inline void reuse_block(cst_ctx *ctx)
{
    ctx->next_task = ctx->next_room = ctx->last_block->tasks;
}

/* Where the last block is full; false where there is no memory. */
OUT_OF_LINE bool make_room(cst_ctx *ctx)
{
    struct cst__task_block *block;

    if (ctx->next_task == ctx->next_room) {
        reuse_block(ctx);
        return true;
    }
    block = cst__alloc(ctx, sizeof(*block));
    if (!block)
        return false;
    ctx->last_block->next = block;
    ctx->last_block = block;
    ctx->next_room = block->tasks;
    ctx->room_end = block->tasks + CST__TASKS_A_BLOCK;
    return true;
}

/* The first block has been gone through, and there is another. */
OUT_OF_LINE void next_block(cst_ctx *ctx)
{
    struct cst__task_block *block = ctx->first_block;

    ctx->first_block = block->next;
    ctx->next_task = ctx->first_block->tasks;
    cst__free(ctx, block, sizeof(*block));
}

/* Takes the first, where there is one. */
static inline bool take_task(cst_ctx *ctx, struct cst__task *task)
{
    if (ctx->next_task == ctx->next_room) {
        reuse_block(ctx);
        return false;
    }
    *task = *ctx->next_task++;
    if (ctx->next_task == ctx->first_block->tasks + CST__TASKS_A_BLOCK &&
        ctx->first_block != ctx->last_block)
        next_block(ctx);
    return true;
}

/* --- queueing --------------------------------------------------------------------------------- */

bool cst__put_task(cst_ctx *ctx, void *subject, unsigned kind, cst_status status)
{
    if (!ctx->awake)
        cst__wake(ctx);
    if (ctx->next_room == ctx->room_end && !make_room(ctx))
        return false;
    cst__add_task(ctx, subject, kind, status);
    return true;
}

static inline void append(cst_ctx *ctx, struct cst__queue *queue, cst_task_link *link,
                          void (*run)(cst_task_link *link))
{
    assert(!link->run);
    link->run = run;
    link->next = NULL;
    if (queue->first)
        queue->last->next = link;
    else
        queue->first = link;
    queue->last = link;
    if (!ctx->awake)
        cst__wake(ctx);
}

void cst__post(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link))
{
    assert(!link->run);
    if (cst__queue_task(ctx, link, 0, CST_OK)) {
        link->run = run;
    } else {
        ctx->has_overflow = true;
        append(ctx, &ctx->overflow, link, run);
    }
}

void cst__child_overflowed(cst_ctx *ctx)
{
    ctx->has_overflow = true;
    if (!ctx->awake)
        cst__wake(ctx);
}

/* Only inside a turn: bytes have no limit outside. The first to find them spent is who has spent
 * them. */
void cst__post_rest(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link))
{
    if (ctx->cut_flow) {
        append(ctx, &ctx->immediates, link, run);
    } else {
        link->run = run;
        ctx->cut_flow = link;
    }
}

static void queue_cut_flow(cst_ctx *ctx)
{
    cst_task_link *link = ctx->cut_flow;
    void (*run)(cst_task_link *link);

    if (!link)
        return;
    ctx->cut_flow = NULL;
    run = link->run;
    link->run = NULL;
    append(ctx, &ctx->immediates, link, run);
}

static void run_host_task(cst_task_link *link)
{
    cst_task *task = cst__container_of(link, cst_task, link);

    task->fn(task->arg);
}

/* queue is NULL for the deferred tasks. */
static cst_status queue_task(cst_ctx *ctx, struct cst__queue *queue, cst_task *task,
                             cst_task_fn *fn, void *arg)
{
    if (task->link.run)
        return CST_PENDING;
    task->fn = fn;
    task->arg = arg;
    if (queue)
        append(ctx, queue, &task->link, run_host_task);
    else
        cst__post(ctx, &task->link, run_host_task);
    return CST_OK;
}

cst_status cst_defer(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg)
{
    if (!ctx || !task || !fn)
        return CST_E_INVALID_ARG;
    return queue_task(ctx, NULL, task, fn, arg);
}

cst_status cst_immediate(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg)
{
    if (!ctx || !task || !fn)
        return CST_E_INVALID_ARG;
    return queue_task(ctx, &ctx->immediates, task, fn, arg);
}

cst_status cst_at_turn_end(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg)
{
    if (!ctx || !task || !fn)
        return CST_E_INVALID_ARG;
    return queue_task(ctx, &ctx->turn_end, task, fn, arg);
}

/* --- running ---------------------------------------------------------------------------------- */

#define NO_LIMIT SIZE_MAX

static inline void after_user_code(cst_ctx *ctx)
{
    if (ctx->reap_due)
        cst__reap(ctx);
}

static inline void run_link(cst_task_link *link)
{
    void (*run)(cst_task_link *) = link->run;

    link->run = NULL; /* it may queue itself again, or be freed */
    run(link);
}

static void run_first(cst_ctx *ctx, struct cst__queue *queue)
{
    cst_task_link *link = queue->first;

    queue->first = link->next;
    run_link(link);
    after_user_code(ctx);
}

/* Runs one task that had no room when it was queued; false where there is none. */
static bool run_overflow(cst_ctx *ctx)
{
    struct cst__child *r = ctx->children;

    if (ctx->overflow.first) {
        run_first(ctx, &ctx->overflow);
        return true;
    }
    while (r && !ctx->child_ops->run_overflow(r))
        r = r->next;
    if (!r)
        ctx->has_overflow = false;
    after_user_code(ctx);
    return r != NULL;
}

/* One deferred task; false where there is none. */
static inline bool run_task(cst_ctx *ctx)
{
    struct cst__task task;

    if (ctx->has_overflow && run_overflow(ctx))
        return true;
    if (!take_task(ctx, &task))
        return false;
    if (task.kind != 0)
        ctx->child_ops->run(task.subject, task.kind, task.status);
    else
        run_link(task.subject);
    after_user_code(ctx);
    return true;
}

/* As many of the deferred tasks as may run; gives how many more might. */
static inline size_t run_tasks(cst_ctx *ctx, size_t left)
{
    size_t step = left != NO_LIMIT;

    while (left && run_task(ctx))
        left -= step;
    return left;
}

static void fire(cst_ctx *ctx, cst_timer *timer)
{
    cst_task_fn *fn = timer->fn;

    timer->fn = NULL; /* likewise */
    ctx->timer_count -= !timer->is_limit;
    fn(timer->arg);
    after_user_code(ctx);
}

/* Without a limit the count is only a number, which begins anew. */
bool cst__bytes_are_limited(cst_ctx *ctx)
{
    if (!ctx->bytes_limited)
        ctx->bytes_left = SIZE_MAX;
    return ctx->bytes_limited;
}

static bool immediate_may_run(cst_ctx *ctx)
{
    if (cst__bytes_spent(ctx))
        return false;
    cst__posted_take(ctx);
    return ctx->immediates.first;
}

/* What comes when there are no tasks: one timer, or one immediate. */
static bool run_next(cst_ctx *ctx)
{
    cst_timer *timer = cst__timer_take_due(ctx);

    if (timer)
        fire(ctx, timer);
    else if (immediate_may_run(ctx))
        run_first(ctx, &ctx->immediates);
    else
        return false;
    return true;
}

/* Those that are queued now: what they queue here comes at the next end. */
static void run_turn_end(cst_ctx *ctx)
{
    struct cst__queue queue = ctx->turn_end;

    ctx->turn_end.first = NULL;
    while (queue.first)
        run_first(ctx, &queue);
}

/* A turn without a budget has no limits, which is how the last one has left them, and no time. */
static inline void begin_turn(cst_ctx *ctx, const cst_budget *budget)
{
    ctx->awake = true;
    ctx->frames = 1;
    if (cst__posted_look(ctx))
        cst__posted_take(ctx);
    if (!budget)
        return;
    cst__tell_time(ctx, budget->now_ns);
    ctx->turn_order = ctx->timer_order;
    ctx->bytes_limited = budget->bytes;
    if (budget->bytes)
        ctx->bytes_left = budget->bytes;
}

/* Whether there is anything beside tasks: all that an ordinary turn has not. */
static inline bool has_more_than_tasks(const cst_ctx *ctx)
{
    return ctx->immediates.first || ctx->turn_end.first || ctx->cut_flow || ctx->timers ||
           cst__posted_look(ctx);
}

/* Whether the context is idle from here on. Not where another thread has posted in the last moment.
 */
static bool come_to_rest(cst_ctx *ctx)
{
    if (cst__has_tasks(ctx) || ctx->immediates.first || ctx->turn_end.first ||
        cst__timer_is_due(ctx))
        return false;
    return cst__posted_sleep(ctx);
}

/* Runs what is due, and says whether the context is idle from here on. */
OUT_OF_LINE bool run_rounds(cst_ctx *ctx, size_t left)
{
    bool idle;

    do {
        while ((left = run_tasks(ctx, left)) > 0 && run_next(ctx))
            left -= left != NO_LIMIT;
        run_turn_end(ctx);
        queue_cut_flow(ctx);
        idle = come_to_rest(ctx);
    } while (!idle && left &&
             (cst__has_tasks(ctx) || cst__timer_is_due(ctx) || immediate_may_run(ctx)));
    if (ctx->dormant.count)
        ctx->child_ops->turn_over(ctx);
    return idle;
}

/* A turn that was not told the time has told none either: where it has moved the deadline, the host
 * must hear of it. */
static inline void end_turn(cst_ctx *ctx, cst_budget *budget, bool idle)
{
    ctx->frames = 0;
    if (budget) {
        ctx->bytes_limited = false;
        ctx->bytes_left = SIZE_MAX;
        ctx->turn_order = 0;
        budget->due_ns = ctx->told_due_ns = cst_ctx_due_ns(ctx);
    }
    if (!idle)
        return;
    ctx->awake = false;
    if (!budget && (ctx->timers || ctx->unsettled) && cst_ctx_due_ns(ctx) < ctx->told_due_ns)
        cst__wake(ctx);
}

/* Nothing has happened since the last turn: a turn without timers has nothing to do, and need not
 * say so to others. */
static inline bool is_idle(const cst_ctx *ctx)
{
    return !ctx->awake && !ctx->unhandled && cst__posted_asleep(ctx);
}

/*
 * Where there are tasks and nothing else, a round of run_rounds comes to this: the tasks run, and
 * the context comes to rest. So that is done first, and run_rounds goes on from there where it was
 * not all.
 */
ALWAYS_INLINE cst_status turn(cst_ctx *ctx, cst_budget *budget)
{
    size_t left = budget && budget->tasks ? budget->tasks : NO_LIMIT;
    bool idle;

    begin_turn(ctx, budget);
    left = run_tasks(ctx, left);
    idle = left && !has_more_than_tasks(ctx) ? cst__posted_sleep(ctx) : run_rounds(ctx, left);
    end_turn(ctx, budget, idle);
    if (!idle)
        return CST_MORE;
    if (ctx->unhandled) {
        ctx->unhandled = false;
        return CST_E_UNHANDLED;
    }
    return CST_IDLE;
}

/* Each is shorter for what it knows of its budget. */
OUT_OF_LINE cst_status turn_with_budget(cst_ctx *ctx, cst_budget *budget)
{
    return turn(ctx, budget);
}

OUT_OF_LINE cst_status turn_without_budget(cst_ctx *ctx)
{
    return turn(ctx, NULL);
}

cst_status cst_ctx_run(cst_ctx *ctx, cst_budget *budget)
{
    if (!ctx)
        return CST_E_INVALID_ARG;
    if (cst__is_running(ctx))
        return CST_E_NESTED;
    if (budget)
        return turn_with_budget(ctx, budget);
    return is_idle(ctx) ? CST_IDLE : turn_without_budget(ctx);
}

void cst__run_all(cst_ctx *ctx)
{
    for (;;) {
        cst__posted_take(ctx);
        if (run_task(ctx))
            continue;
        if (ctx->immediates.first)
            run_first(ctx, &ctx->immediates);
        else if (ctx->turn_end.first)
            run_first(ctx, &ctx->turn_end);
        else
            return;
    }
}

bool cst_ctx_has_work(const cst_ctx *ctx)
{
    return ctx && (cst__has_tasks(ctx) || ctx->immediates.first || ctx->turn_end.first ||
                   cst__posted_any(ctx));
}

/*
 * turn.c - the queues of a context, and the turn that runs them. ctx.h says in which order.
 */
#include "ctx/ctx_internal.h"

#include <assert.h>

/* --- the queue of deferred tasks -------------------------------------------------------------- */

/* Use the only block again from its beginning: all of its tasks have been taken. */
static inline void reuse_block(cst_ctx *ctx)
{
    ctx->next_task = ctx->next_room = ctx->last_block->tasks;
}

/* Make room behind a full last block. Return false if there is no memory. */
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

/* Free the first block, of which all tasks have been taken, and go on with the next. */
OUT_OF_LINE void next_block(cst_ctx *ctx)
{
    struct cst__task_block *block = ctx->first_block;

    ctx->first_block = block->next;
    ctx->next_task = ctx->first_block->tasks;
    cst__free(ctx, block, sizeof(*block));
}

/* Take out the first task. Return false if there is none. */
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

/* The first flow that finds the bytes spent is the one that has used them up. */
void cst__post_rest(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link))
{
    if (ctx->cut_flow) {
        append(ctx, &ctx->immediates, link, run);
    } else {
        link->run = run;
        ctx->cut_flow = link;
    }
}

/* Queue the flow that used up the bytes behind all immediates. */
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

/* Run the task of cst_defer, cst_immediate or cst_at_turn_end. */
static void run_host_task(cst_task_link *link)
{
    cst_task *task = cst__container_of(link, cst_task, link);

    task->fn(task->arg);
}

/* Queue a task of the host, as a deferred task if queue is NULL. */
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

#ifdef CST_CHECK

/* At most this many links of a queue are checked, and blocks of the queue of tasks. */
enum { CHECKED_LINKS = 64, CHECKED_BLOCKS = 16 };

static void check_links(const struct cst__queue *queue)
{
    const cst_task_link *link = queue->first;

    for (size_t i = 0; link && i < CHECKED_LINKS; link = link->next, i++) {
        assert(link->run);
        assert(link->next || link == queue->last);
    }
}

static void check_task(const struct cst__task *task)
{
    const cst_task_link *link = task->subject;

    assert(link);
    assert(task->kind != 0 || link->run);
}

/* Check the tasks of the first block, which are the next to run, and the way to the last block. */
static void check_tasks(const cst_ctx *ctx)
{
    const struct cst__task_block *block = ctx->first_block;
    const struct cst__task *end = block->tasks + CST__TASKS_A_BLOCK;

    assert(ctx->room_end == ctx->last_block->tasks + CST__TASKS_A_BLOCK);
    assert(ctx->next_room >= ctx->last_block->tasks);
    assert(ctx->next_room <= ctx->room_end);
    if (block == ctx->last_block)
        end = ctx->next_room;
    assert(ctx->next_task >= block->tasks);
    assert(ctx->next_task < end || block == ctx->last_block);
    assert(ctx->next_task <= end);
    for (const struct cst__task *task = ctx->next_task; task < end; task++)
        check_task(task);
    for (size_t i = 0; block != ctx->last_block && i < CHECKED_BLOCKS; i++) {
        block = block->next;
        assert(block);
    }
}

/* Check a context between two tasks: the turn is the only frame then, and no field lags. */
static void check_ctx(const cst_ctx *ctx)
{
    assert(ctx->awake);
    assert(ctx->frames == 1);
    CST__ASSERT(!ctx->room.express);
    assert(!ctx->reap_due);
    assert(!ctx->reap_list);
    assert(!ctx->deferred_frees);
    assert(ctx->has_overflow || !ctx->overflow.first);
    assert(!ctx->cut_flow || ctx->cut_flow->run);
    check_tasks(ctx);
    check_links(&ctx->overflow);
    check_links(&ctx->immediates);
    check_links(&ctx->turn_end);
    cst__timers_check(ctx);
}

#endif

/* Reap and free between two tasks. */
static inline void after_user_code(cst_ctx *ctx)
{
    if (ctx->reap_due)
        cst__reap(ctx);
#ifdef CST_CHECK
    check_ctx(ctx);
#endif
}

static inline void run_link(cst_task_link *link)
{
    void (*run)(cst_task_link *) = link->run;

    link->run = NULL; /* the function may queue the link again, or free it */
    run(link);
}

static void run_first(cst_ctx *ctx, struct cst__queue *queue)
{
    cst_task_link *link = queue->first;

    queue->first = link->next;
    run_link(link);
    after_user_code(ctx);
}

/* Run one task that has overflowed. Return false if there is none. */
static bool run_overflowed(cst_ctx *ctx)
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

/* Run one deferred task. Return false if there is none. */
static inline bool run_deferred(cst_ctx *ctx)
{
    struct cst__task task;

    if (ctx->has_overflow && run_overflowed(ctx))
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

/* Run deferred tasks, at most `left`. Return how many more may run in this turn. */
static inline size_t run_all_deferred(cst_ctx *ctx, size_t left)
{
    size_t step = left != NO_LIMIT;

    while (left && run_deferred(ctx))
        left -= step;
    return left;
}

static void fire(cst_ctx *ctx, cst_timer *timer)
{
    cst_task_fn *fn = timer->fn;

    timer->fn = NULL; /* the function may start the timer again, or free it */
    ctx->timer_count -= !timer->is_limit;
    fn(timer->arg);
    after_user_code(ctx);
}

/* Return whether the turn has a limit of bytes. If not, bytes_left says nothing: set it to its most
 * again, so that this is seldom asked. */
bool cst__bytes_are_limited(cst_ctx *ctx)
{
    if (!ctx->bytes_limited)
        ctx->bytes_left = SIZE_MAX;
    return ctx->bytes_limited;
}

/* Return whether there is an immediate, and the turn has bytes left for it to move. */
static bool immediate_may_run(cst_ctx *ctx)
{
    if (cst__bytes_spent(ctx))
        return false;
    cst__posted_take(ctx);
    return ctx->immediates.first;
}

/* Run one timer that is due, or else one immediate. Return false if there is neither. */
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

/* Run the tasks of cst_at_turn_end. What they queue there comes when the turn ends once more. */
static void run_turn_end(cst_ctx *ctx)
{
    struct cst__queue queue = ctx->turn_end;

    ctx->turn_end.first = NULL;
    while (queue.first)
        run_first(ctx, &queue);
}

/* A turn without a budget is told no time and has no limit. If the turn before had limits, its end
 * has taken them off. */
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

/* Return whether there may be more to do than deferred tasks. Most turns have only those. */
static inline bool has_more_than_tasks(const cst_ctx *ctx)
{
    return ctx->immediates.first || ctx->turn_end.first || ctx->cut_flow || ctx->timers ||
           cst__posted_look(ctx);
}

/*
 * Make the context idle if nothing is left to do. Return false if something is left, or if another
 * thread has posted at the last moment.
 */
static bool come_to_rest(cst_ctx *ctx)
{
    if (cst__has_tasks(ctx) || ctx->immediates.first || ctx->turn_end.first ||
        cst__timer_is_due(ctx))
        return false;
    return cst__posted_sleep(ctx);
}

/* Run what is due. Return whether the context is idle now. */
OUT_OF_LINE bool run_rounds(cst_ctx *ctx, size_t left)
{
    bool idle;

    do {
        while ((left = run_all_deferred(ctx, left)) > 0 && run_next(ctx))
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

/*
 * A turn with a budget tells the host when the next timer is due. A turn without a budget wakes the
 * host if a timer is due before the time that the host was told last.
 */
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

/* Return whether a turn without a budget has nothing to do: nothing has happened since the last. */
static inline bool is_idle(const cst_ctx *ctx)
{
    return !ctx->awake && !ctx->unhandled && cst__posted_asleep(ctx);
}

/*
 * Most turns have deferred tasks and nothing else. Then one round of run_rounds would run them and
 * make the context idle. So that is done first, and run_rounds is called only if more is left.
 */
ALWAYS_INLINE cst_status turn(cst_ctx *ctx, cst_budget *budget)
{
    size_t left = budget && budget->tasks ? budget->tasks : NO_LIMIT;
    bool idle;

    begin_turn(ctx, budget);
    left = run_all_deferred(ctx, left);
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

/* Two copies of turn: each is shorter because it knows whether there is a budget. */
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
        if (run_deferred(ctx))
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

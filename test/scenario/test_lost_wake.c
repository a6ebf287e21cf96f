/*
 * test_lost_wake.c - a host that sleeps whenever it may, and a million random steps: no wake is
 * lost and none comes twice.
 *
 * The host here is a variable. It sleeps after CST_IDLE. Then only a wake, or the deadline that it
 * was told, makes it run again. Between its turns, and inside every callback, random steps queue
 * tasks, immediates, ends of a turn and posts (as other threads would), and start and stop timers,
 * by a time or by a delay. After each step, a host that sleeps must have nothing to do.
 */
#include "main.h"

#include "heap.h"
#include "trace.h"

#define STEPS 1000000
#define JOBS 48

enum kind { FREE, DEFERRED, IMMEDIATE, TURN_END, POSTED, TIMER };

/* The kinds of jobs that are queued. Without atomics nothing is posted. */
#ifdef __STDC_NO_ATOMICS__
#define QUEUED_KINDS (POSTED - DEFERRED)
#else
#define QUEUED_KINDS (TIMER - DEFERRED)
#endif

struct job {
    cst_task task;
    cst_timer timer;
    uint64_t due_ns; /* only a timer's */
    enum kind kind;
    struct world *world;
};

struct world {
    struct test_heap heap;
    cst_ctx *ctx;
    struct job jobs[JOBS];
    uint64_t now_ns, told_due_ns;
    bool asleep, woken, running;
    bool blind; /* it runs without a budget, which returns no deadline: wake at its end does */
    uint32_t seed;
    unsigned queued; /* jobs that are neither free nor timers */
    unsigned long wakes, sleeps, ran;
};

static uint32_t chance(struct world *w, uint32_t n)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 17;
    w->seed ^= w->seed << 5;
    return w->seed % n;
}

static uint64_t nearest_due(const struct world *w);

static void on_wake(void *arg)
{
    struct world *w = arg;

    assert_false(w->woken);
    if (w->blind) {
        assert_true(nearest_due(w) < w->told_due_ns);
    } else {
        assert_false(w->running);
        assert_true(w->asleep);
    }
    w->woken = true;
    w->wakes++;
}

static uint64_t nearest_due(const struct world *w)
{
    uint64_t due_ns = CST_NEVER;

    for (size_t i = 0; i < JOBS; i++)
        if (w->jobs[i].kind == TIMER && w->jobs[i].due_ns < due_ns)
            due_ns = w->jobs[i].due_ns;
    return due_ns;
}

static uint64_t say_time(void *arg)
{
    const struct world *w = arg;

    return w->now_ns;
}

/* --- what chance does ------------------------------------------------------------------------- */

static void do_something(struct world *w);

static void run_job(void *arg)
{
    struct job *job = arg;
    struct world *w = job->world;

    assert_true(w->running);
    if (job->kind == TIMER)
        assert_true(job->due_ns <= w->now_ns);
    else
        w->queued--;
    job->kind = FREE;
    w->ran++;
    if (chance(w, 3) == 0)
        do_something(w);
}

/* Queue a job. Count it before the call, as wake is called inside it and looks at the count. */
static void queue(struct world *w, struct job *job, enum kind kind)
{
    cst_status st = CST_E_INVALID_ARG;

    job->kind = kind;
    w->queued++;
    if (kind == DEFERRED)
        st = cst_defer(w->ctx, &job->task, run_job, job);
    else if (kind == IMMEDIATE)
        st = cst_immediate(w->ctx, &job->task, run_job, job);
    else if (kind == TURN_END)
        st = cst_at_turn_end(w->ctx, &job->task, run_job, job);
    else if (kind == POSTED)
        st = cst_post(w->ctx, &job->task, run_job, job);
    assert_int_equal(st, CST_OK);
}

static void set_timer(struct world *w, struct job *job)
{
    uint64_t delay_ns = chance(w, 100), due_ns = w->now_ns + delay_ns;

    if (job->kind == TIMER && chance(w, 2)) {
        job->kind = FREE;
        assert_int_equal(cst_timer_stop(w->ctx, &job->timer), CST_OK);
        return;
    }
    job->kind = TIMER;
    job->due_ns = due_ns;
    if (chance(w, 2))
        assert_int_equal(cst_timer_start(w->ctx, &job->timer, due_ns, run_job, job), CST_OK);
    else
        assert_int_equal(cst_timer_start_in(w->ctx, &job->timer, delay_ns, run_job, job), CST_OK);
}

static void do_something(struct world *w)
{
    struct job *job = &w->jobs[chance(w, JOBS)];

    if (job->kind == TIMER || (job->kind == FREE && chance(w, 4) == 0))
        set_timer(w, job);
    else if (job->kind == FREE)
        queue(w, job, DEFERRED + chance(w, QUEUED_KINDS));
}

/* --- the host --------------------------------------------------------------------------------- */

static cst_status run(struct world *w, cst_budget *budget)
{
    cst_status st;

    w->asleep = w->woken = false;
    w->running = true;
    w->blind = !budget;
    st = cst_ctx_run(w->ctx, budget);
    w->running = w->blind = false;
    return st;
}

static void turn(struct world *w, bool may_be_short)
{
    cst_budget budget = { .now_ns = w->now_ns };
    cst_status st;

    if (may_be_short && chance(w, 8) == 0) {
        st = run(w, NULL);
    } else {
        if (may_be_short && chance(w, 2))
            budget.tasks = 1 + chance(w, 3);
        st = run(w, &budget);
        w->told_due_ns = budget.due_ns;
        assert_true(budget.due_ns == nearest_due(w));
    }
    if (st == CST_MORE)
        return;
    assert_int_equal(st, CST_IDLE);
    assert_int_equal(w->queued, 0);
    w->asleep = true;
    w->sleeps++;
}

static bool may_run(const struct world *w)
{
    return !w->asleep || w->woken || w->now_ns >= w->told_due_ns;
}

static void check_sleeper(const struct world *w)
{
    if (!w->asleep || w->woken)
        return;
    assert_int_equal(w->queued, 0);
    assert_false(cst_ctx_has_work(w->ctx));
    assert_true(nearest_due(w) >= w->told_due_ns);
}

static void begin(struct world *w, uint32_t seed)
{
    const cst_ctx_opts opts = { .wake = on_wake, .wake_arg = w, .clock = say_time, .clock_arg = w };

    *w = (struct world){ .asleep = true, .told_due_ns = CST_NEVER, .seed = seed };
    test_heap_init(&w->heap);
    assert_int_equal(cst_ctx_new(&w->ctx, test_heap_allocator(&w->heap), &opts), CST_OK);
    for (size_t i = 0; i < JOBS; i++)
        w->jobs[i].world = w;
}

static void a_million_random_steps_lose_no_wake_and_repeat_none(void **state)
{
    static struct world w;

    (void)state;
    begin(&w, 26100);
    for (unsigned long step = 0; step < STEPS; step++) {
        if (chance(&w, 3) == 0)
            do_something(&w);
        else if (chance(&w, 2))
            w.now_ns += chance(&w, 20);
        else if (may_run(&w))
            turn(&w, true);
        check_sleeper(&w);
    }
    while (may_run(&w) || nearest_due(&w) != CST_NEVER) {
        if (!may_run(&w))
            w.now_ns = w.told_due_ns;
        turn(&w, false);
    }
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(w.jobs[i].kind, FREE);
    assert_true(w.ran > STEPS / 10 && w.wakes > STEPS / 100 && w.sleeps > STEPS / 100);
    assert_true(w.wakes <= w.sleeps + 1);
    assert_int_equal(cst_ctx_free(w.ctx), CST_OK);
    assert_int_equal(w.heap.live_blocks, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_million_random_steps_lose_no_wake_and_repeat_none),
};

TEST_MAIN(tests)

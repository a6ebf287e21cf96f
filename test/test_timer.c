/* test_timer.c - the timers of ctx.h: when they fire, in which order, and what the host is told. */
#include "world.h"

#include <stdlib.h>

struct fixture {
    struct test_world world;
    unsigned woken;
};

static void on_wake(void *arg)
{
    ((struct fixture *)arg)->woken++;
}

static int set_up(void **state)
{
    static struct fixture f;
    const cst_ctx_opts opts = { .wake = on_wake, .wake_arg = &f };

    f.woken = 0;
    test_world_open(&f.world, &opts);
    *state = &f;
    return 0;
}

/* A timer that records its word, and what it does then. */
struct alarm {
    cst_timer timer;
    cst_task task;
    struct fixture *f;
    const char *word;
    void (*then)(struct alarm *alarm);
    struct alarm *other;
};

static void ring(void *arg)
{
    struct alarm *alarm = arg;

    test_trace_add(&alarm->f->world.trace, "%s", alarm->word);
    if (alarm->then)
        alarm->then(alarm);
}

static void start(struct alarm *alarm, uint64_t due_ns)
{
    assert_int_equal(cst_timer_start(alarm->f->world.ctx, &alarm->timer, due_ns, ring, alarm),
                     CST_OK);
}

static cst_status run_at(struct fixture *f, uint64_t now_ns, uint64_t *due_ns)
{
    cst_budget budget = { .now_ns = now_ns };
    cst_status st = cst_ctx_run(f->world.ctx, &budget);

    if (due_ns)
        *due_ns = budget.due_ns;
    return st;
}

/* --- when, and in which order ----------------------------------------------------------------- */

static void timers_fire_by_due_time_then_by_start_and_the_next_is_told(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" },
                 c = { .f = f, .word = "c" }, d = { .f = f, .word = "d" };
    uint64_t due_ns;

    start(&a, 20);
    start(&b, 10);
    start(&c, 20);
    start(&d, 30);
    assert_int_equal(run_at(f, 9, &due_ns), CST_IDLE);
    assert_string_equal(f->world.trace.text, "");
    assert_int_equal(due_ns, 10);
    assert_int_equal(run_at(f, 25, &due_ns), CST_IDLE);
    assert_string_equal(f->world.trace.text, "b a c");
    assert_int_equal(due_ns, 30);
    assert_false(cst_timer_is_started(&a.timer));
    assert_true(cst_timer_is_started(&d.timer));
    assert_int_equal(run_at(f, 30, &due_ns), CST_IDLE);
    assert_string_equal(f->world.trace.text, "b a c d");
    assert_true(due_ns == CST_NEVER);
}

static void defer_word(struct alarm *alarm)
{
    alarm->then = NULL;
    alarm->word = "task";
    cst_defer(alarm->f->world.ctx, &alarm->task, ring, alarm);
}

static void tasks_run_before_the_first_timer_and_after_each(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a", .then = defer_word },
                 b = { .f = f, .word = "b", .then = defer_word }, t = { .f = f, .word = "first" },
                 i = { .f = f, .word = "immediate" };

    start(&a, 1);
    start(&b, 1);
    cst_immediate(f->world.ctx, &i.task, ring, &i);
    cst_defer(f->world.ctx, &t.task, ring, &t);
    assert_int_equal(run_at(f, 1, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "first a task b task immediate");
}

static void again_now(struct alarm *alarm)
{
    start(alarm, 0);
}

static void a_timer_that_starts_itself_again_does_not_hold_the_turn(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a", .then = again_now }, b = { .f = f, .word = "b" };
    uint64_t due_ns;

    start(&a, 5);
    start(&b, 5);
    assert_int_equal(run_at(f, 5, &due_ns), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a b");
    assert_int_equal(due_ns, 5); /* at once: the host does not sleep */
    assert_int_equal(run_at(f, 5, &due_ns), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a b a");
    assert_int_equal(cst_timer_stop(f->world.ctx, &a.timer), CST_OK);
}

static void a_budget_of_one_gives_the_same_order(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a", .then = defer_word },
                 b = { .f = f, .word = "b", .then = defer_word };
    cst_budget budget = { .tasks = 1, .now_ns = 1 };
    unsigned turns = 1;

    start(&a, 1);
    start(&b, 1);
    while (cst_ctx_run(f->world.ctx, &budget) == CST_MORE)
        turns++;
    assert_int_equal(turns, 4);
    assert_string_equal(f->world.trace.text, "a task b task");
}

static void without_a_budget_no_timer_fires(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" };

    assert_int_equal(run_at(f, 100, NULL), CST_IDLE);
    start(&a, 50); /* the past counts as now */
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 100);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "");
    assert_int_equal(run_at(f, 100, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a");
}

static void the_clock_does_not_run_backwards(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" };

    assert_int_equal(cst_ctx_now_ns(f->world.ctx), 0);
    run_at(f, 100, NULL);
    start(&a, 90);
    run_at(f, 50, NULL);
    assert_int_equal(cst_ctx_now_ns(f->world.ctx), 100);
    assert_string_equal(f->world.trace.text, "a");
}

static void a_delay_counts_from_the_last_turn_and_ends_at_never(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" };
    uint64_t due_ns;

    run_at(f, 100, NULL);
    assert_int_equal(cst_timer_start_in(f->world.ctx, &b.timer, UINT64_MAX - 10, ring, &b), CST_OK);
    run_at(f, 100, &due_ns);
    assert_true(due_ns == CST_NEVER);
    assert_int_equal(cst_timer_start_in(f->world.ctx, &a.timer, 7, ring, &a), CST_OK);
    run_at(f, 100, &due_ns);
    assert_int_equal(due_ns, 107);
    run_at(f, UINT64_MAX, &due_ns);
    assert_string_equal(f->world.trace.text,
                        "a"); /* what never comes does not come at the last moment */
    assert_true(cst_timer_is_started(&b.timer));
    assert_int_equal(cst_timer_stop(f->world.ctx, &b.timer), CST_OK);
}

/* --- stopping and moving ---------------------------------------------------------------------- */

static void stop_other(struct alarm *alarm)
{
    assert_int_equal(cst_timer_stop(alarm->f->world.ctx, &alarm->other->timer), CST_OK);
}

static void a_timer_stops_another_that_is_due_too(void **state)
{
    struct fixture *f = *state;
    struct alarm b = { .f = f, .word = "b" },
                 a = { .f = f, .word = "a", .then = stop_other, .other = &b };

    start(&a, 1);
    start(&b, 1);
    assert_int_equal(run_at(f, 1, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a");
    assert_int_equal(cst_timer_stop(f->world.ctx, &b.timer), CST_EMPTY);
}

static void starting_a_started_timer_moves_it(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" };
    uint64_t due_ns;

    start(&a, 10);
    start(&b, 20);
    start(&a, 30);
    assert_int_equal(run_at(f, 20, &due_ns), CST_IDLE);
    assert_string_equal(f->world.trace.text, "b");
    assert_int_equal(due_ns, 30);
    start(&a, 20);
    run_at(f, 20, NULL);
    assert_string_equal(f->world.trace.text, "b a");
}

static void free_alarm(struct alarm *alarm)
{
    free(alarm);
}

static void a_timer_may_be_freed_inside_its_callback(void **state)
{
    struct fixture *f = *state;
    struct alarm *a = malloc(sizeof(*a));

    assert_non_null(a);
    *a = (struct alarm){ .f = f, .word = "a", .then = free_alarm };
    start(a, 1);
    assert_int_equal(run_at(f, 1, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "a");
}

static void freeing_the_context_stops_every_timer(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" };
    cst_ctx *ctx;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    assert_int_equal(cst_timer_start(ctx, &a.timer, 0, ring, &a), CST_OK);
    assert_int_equal(cst_timer_start(ctx, &b.timer, 7, ring, &b), CST_OK);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_string_equal(f->world.trace.text, "");
    assert_false(cst_timer_is_started(&a.timer));
    assert_false(cst_timer_is_started(&b.timer));
    start(&a, 0); /* free for another context */
    run_at(f, 0, NULL);
    assert_string_equal(f->world.trace.text, "a");
}

static void start_while_closing(void *arg)
{
    struct alarm *alarm = arg;

    test_trace_add(
        &alarm->f->world.trace, "%s",
        cst_status_name(cst_timer_start(alarm->f->world.ctx, &alarm->timer, 0, ring, alarm)));
}

static void no_timer_starts_while_the_context_is_being_freed(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" };
    cst_ctx *ctx = f->world.ctx;

    cst_defer(f->world.ctx, &a.task, start_while_closing, &a);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    f->world.ctx = NULL;
    assert_string_equal(f->world.trace.text, "CST_E_DESTROYED");
    assert_false(cst_timer_is_started(&a.timer));
}

/* --- waking ----------------------------------------------------------------------------------- */

static void wake_comes_when_the_nearest_deadline_moves_earlier_and_once(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" },
                 c = { .f = f, .word = "c" };

    start(&a, 100);
    assert_int_equal(f->woken, 1); /* from never to 100 */
    run_at(f, 1, NULL);
    start(&b, 100);
    start(&c, 200);
    assert_int_equal(f->woken, 1); /* no earlier than the host believes */
    start(&c, 50);
    assert_int_equal(f->woken, 2);
    start(&b, 40);
    assert_int_equal(f->woken, 2); /* it is awake already */
    run_at(f, 2, NULL);
    cst_timer_stop(f->world.ctx, &b.timer);
    start(&b, 45);
    assert_int_equal(f->woken, 2); /* 40 is what it was told: it comes in vain, not too late */
    run_at(f, 300, NULL);
    assert_string_equal(f->world.trace.text, "b c a");
}

static void a_run_without_a_budget_that_moves_the_deadline_wakes_at_its_end(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" },
                 t = { .f = f, .word = "t", .then = again_now };

    start(&a, 100);
    start(&b, 300);
    run_at(f, 1, NULL);
    assert_int_equal(f->woken, 1);
    cst_ctx_run(f->world.ctx, NULL);
    assert_int_equal(f->woken, 1); /* nothing has moved */
    cst_defer(f->world.ctx, &t.task, ring, &t);
    assert_int_equal(f->woken, 2);
    cst_ctx_run(f->world.ctx, NULL);
    assert_int_equal(f->woken, 3);
    cst_timer_stop(f->world.ctx, &t.timer);
    cst_timer_stop(f->world.ctx, &a.timer);
    cst_timer_stop(f->world.ctx, &b.timer);
}

/* --- the clock -------------------------------------------------------------------------------- */

static void delays_count_from_the_first_time_that_is_told(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" },
                 c = { .f = f, .word = "c" }, d = { .f = f, .word = "d" };
    uint64_t due_ns;

    cst_timer_start_in(f->world.ctx, &a.timer, 7, ring, &a);
    assert_int_equal(f->woken, 1);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 0);
    start(&b, 1007);
    cst_timer_start_in(f->world.ctx, &c.timer, 7, ring, &c);
    cst_timer_start_in(f->world.ctx, &d.timer, UINT64_MAX - 500, ring, &d);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_int_equal(f->woken, 2); /* such a run has no due_ns that could say it */
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 0);
    run_at(f, 1000, &due_ns);
    assert_int_equal(due_ns, 1007);
    run_at(f, 1006, NULL);
    assert_string_equal(f->world.trace.text, "");
    run_at(f, 1007, &due_ns);
    assert_string_equal(f->world.trace.text, "a b c"); /* as they were started */
    assert_true(due_ns == CST_NEVER);
    assert_int_equal(cst_timer_stop(f->world.ctx, &d.timer), CST_OK);
}

static void a_delay_of_nothing_fires_in_the_first_turn_with_a_time(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" };

    cst_timer_start_in(f->world.ctx, &a.timer, 0, ring, &a);
    run_at(f, 0, NULL); /* which is a time */
    assert_string_equal(f->world.trace.text, "a");
    cst_timer_start_in(f->world.ctx, &a.timer, 5, ring, &a);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 5);
    run_at(f, 5, NULL);
    assert_string_equal(f->world.trace.text, "a a");
}

static void what_waits_for_the_first_time_is_stopped_and_moved(void **state)
{
    struct fixture *f = *state;
    struct alarm alarms[5];
    const char *const words[] = { "0", "1", "2", "3", "4" };

    for (size_t i = 0; i < 5; i++) {
        alarms[i] = (struct alarm){ .f = f, .word = words[i] };
        cst_timer_start_in(f->world.ctx, &alarms[i].timer, 5, ring, &alarms[i]);
    }
    assert_int_equal(cst_timer_stop(f->world.ctx, &alarms[2].timer), CST_OK);
    assert_int_equal(cst_timer_stop(f->world.ctx, &alarms[2].timer), CST_EMPTY);
    assert_int_equal(cst_timer_stop(f->world.ctx, &alarms[4].timer), CST_OK);
    assert_int_equal(cst_timer_stop(f->world.ctx, &alarms[0].timer), CST_OK);
    assert_true(cst_timer_is_started(&alarms[1].timer));
    cst_timer_start_in(f->world.ctx, &alarms[1].timer, 5, ring,
                       &alarms[1]); /* now it is the last */
    start(&alarms[4], 2);
    run_at(f, 0, NULL);
    run_at(f, 5, NULL);
    assert_string_equal(f->world.trace.text, "4 3 1");
    assert_true(cst_ctx_due_ns(f->world.ctx) == CST_NEVER);
    assert_false(cst_ctx_has_timers(f->world.ctx));
}

static void freeing_the_context_stops_what_waits_for_the_first_time(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" };
    cst_ctx *ctx;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    cst_timer_start_in(ctx, &a.timer, 1, ring, &a);
    cst_timer_start_in(ctx, &b.timer, 1, ring, &b);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_false(cst_timer_is_started(&a.timer));
    assert_false(cst_timer_is_started(&b.timer));
}

static void a_time_that_is_told_runs_nothing_and_never_goes_back(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" };

    assert_int_equal(cst_ctx_set_now_ns(NULL, 1), CST_E_INVALID_ARG);
    cst_timer_start_in(f->world.ctx, &a.timer, 10, ring, &a);
    assert_int_equal(cst_ctx_set_now_ns(f->world.ctx, 100), CST_OK);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 110);
    assert_int_equal(cst_ctx_set_now_ns(f->world.ctx, 50), CST_OK);
    assert_int_equal(cst_ctx_now_ns(f->world.ctx), 100);
    assert_int_equal(cst_ctx_set_now_ns(f->world.ctx, 200), CST_OK);
    cst_timer_start_in(f->world.ctx, &b.timer, 10, ring, &b);
    assert_string_equal(f->world.trace.text, "");
    assert_int_equal(f->woken, 1);
    run_at(f, 150, NULL); /* the past */
    assert_string_equal(f->world.trace.text, "a");
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 210);
    cst_timer_stop(f->world.ctx, &b.timer);
}

static void tell_500(struct alarm *alarm)
{
    assert_int_equal(cst_ctx_set_now_ns(alarm->f->world.ctx, 500), CST_OK);
    assert_int_equal(cst_ctx_now_ns(alarm->f->world.ctx), 500);
}

static void a_time_that_is_told_inside_a_turn_is_the_turns(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a", .then = tell_500 }, b = { .f = f, .word = "b" };

    run_at(f, 1, NULL);
    start(&a, 10);
    start(&b, 400);
    run_at(f, 10, NULL);
    assert_string_equal(f->world.trace.text, "a b");
}

/* A clock of the host's, which counts how often it is asked. */
struct clock {
    uint64_t now_ns;
    unsigned asked;
};

static uint64_t ask(void *arg)
{
    struct clock *clock = arg;

    clock->asked++;
    return clock->now_ns;
}

static cst_ctx *context_with_clock(struct fixture *f, struct clock *clock, uint64_t now_ns)
{
    const cst_ctx_opts opts = { .clock = ask, .clock_arg = clock, .now_ns = now_ns };
    cst_ctx *ctx;

    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), &opts), CST_OK);
    return ctx;
}

static void in_7(struct alarm *alarm)
{
    cst_timer_start_in(alarm->f->world.ctx, &alarm->other->timer, 7, ring, alarm->other);
}

static void the_clock_is_asked_outside_of_turns_alone(void **state)
{
    struct fixture *f = *state;
    struct clock clock = { .now_ns = 100 };
    cst_ctx *before = f->world.ctx;
    struct alarm b = { .f = f, .word = "b" },
                 a = { .f = f, .word = "a", .then = in_7, .other = &b };

    f->world.ctx = context_with_clock(f, &clock, 0);
    assert_int_equal(clock.asked, 0);
    cst_timer_start_in(f->world.ctx, &b.timer, 7, ring, &b);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 107);
    assert_int_equal(cst_ctx_now_ns(f->world.ctx), 100);
    start(&a, 150); /* a time, no span */
    assert_int_equal(clock.asked, 1);
    clock.now_ns = 900;
    run_at(f, 200, NULL);
    assert_string_equal(f->world.trace.text, "b a");
    assert_int_equal(clock.asked, 1);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 207);
    cst_defer(f->world.ctx, &a.task, ring, &a);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE); /* which was told no time */
    assert_int_equal(clock.asked, 2);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 907);
    clock.now_ns = 300; /* it stands still */
    cst_timer_start_in(f->world.ctx, &b.timer, 7, ring, &b);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 907);
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    f->world.ctx = before;
}

static void the_options_may_tell_the_time(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" };
    cst_ctx *ctx;

    assert_int_equal(
        cst_ctx_new(&ctx, test_heap_allocator(&f->world.heap), &(cst_ctx_opts){ .now_ns = 1000 }),
        CST_OK);
    assert_int_equal(cst_ctx_now_ns(ctx), 1000);
    assert_true(cst_ctx_due_ns(ctx) == CST_NEVER);
    cst_timer_start_in(ctx, &a.timer, 7, ring, &a);
    assert_int_equal(cst_ctx_due_ns(ctx), 1007);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
}

static void start_in_7(void *arg)
{
    in_7(arg);
}

static void a_run_without_a_budget_that_starts_a_delay_wakes_at_its_end(void **state)
{
    struct fixture *f = *state;
    struct alarm b = { .f = f, .word = "b" }, a = { .f = f, .other = &b };

    cst_defer(f->world.ctx, &a.task, start_in_7, &a);
    assert_int_equal(f->woken, 1);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_int_equal(f->woken, 2);
    run_at(f, 40, NULL);
    assert_int_equal(cst_ctx_due_ns(f->world.ctx), 47);
    cst_timer_stop(f->world.ctx, &b.timer);
}

static void timers_are_known_from_their_start_until_they_fire_or_are_stopped(void **state)
{
    struct fixture *f = *state;
    struct alarm a = { .f = f, .word = "a" }, b = { .f = f, .word = "b" };

    assert_false(cst_ctx_has_timers(NULL));
    assert_false(cst_ctx_has_timers(f->world.ctx));
    cst_timer_start_in(f->world.ctx, &a.timer, 5, ring, &a); /* waits for a time */
    start(&b, CST_NEVER);
    start(&b, CST_NEVER);
    assert_true(cst_ctx_has_timers(f->world.ctx));
    run_at(f, 10, NULL);
    run_at(f, 15, NULL);
    assert_string_equal(f->world.trace.text, "a");
    assert_true(cst_ctx_has_timers(f->world.ctx));
    cst_timer_stop(f->world.ctx, &b.timer);
    assert_false(cst_ctx_has_timers(f->world.ctx));
}

/* --- the heap, against a list ----------------------------------------------------------------- */

#define MANY 300

struct model {
    struct fixture *f;
    cst_timer timers[MANY];
    uint64_t due_ns[MANY]; /* UINT64_MAX: not started */
    unsigned order[MANY];
    unsigned next_order, fired;
    uint64_t now_ns;
};

static struct model *model;

static size_t earliest(void)
{
    size_t best = 0;

    for (size_t i = 1; i < MANY; i++)
        if (model->due_ns[i] < model->due_ns[best] ||
            (model->due_ns[i] == model->due_ns[best] && model->order[i] < model->order[best]))
            best = i;
    return best;
}

static void check_fired(void *arg)
{
    size_t i = earliest();

    assert_ptr_equal(arg, &model->timers[i]);
    assert_true(model->due_ns[i] <= model->now_ns);
    model->due_ns[i] = UINT64_MAX;
    model->fired++;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void random_starts_moves_and_stops_fire_as_a_list_says(void **state)
{
    uint32_t seed = 26;
    cst_budget budget = { .tasks = 0 };

    model = calloc(1, sizeof(*model));
    assert_non_null(model);
    model->f = *state;
    for (size_t i = 0; i < MANY; i++)
        model->due_ns[i] = UINT64_MAX;
    for (int step = 0; step < 20000; step++) {
        size_t i = next_random(&seed) % MANY;

        if (next_random(&seed) % 4) {
            model->due_ns[i] = model->now_ns + next_random(&seed) % 50;
            model->order[i] = model->next_order++;
            cst_timer_start(model->f->world.ctx, &model->timers[i], model->due_ns[i], check_fired,
                            &model->timers[i]);
        } else {
            assert_int_equal(cst_timer_stop(model->f->world.ctx, &model->timers[i]),
                             model->due_ns[i] == UINT64_MAX ? CST_EMPTY : CST_OK);
            model->due_ns[i] = UINT64_MAX;
        }
        if (next_random(&seed) % 16)
            continue;
        budget.now_ns = model->now_ns += next_random(&seed) % 8;
        assert_int_equal(cst_ctx_run(model->f->world.ctx, &budget), CST_IDLE);
        assert_true(budget.due_ns == model->due_ns[earliest()]);
        assert_true(budget.due_ns > model->now_ns);
    }
    assert_true(model->fired > 1000);
    for (size_t i = 0; i < MANY; i++)
        cst_timer_stop(model->f->world.ctx, &model->timers[i]);
    free(model);
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_timer timer = { .due_ns = 0 };

    assert_int_equal(cst_timer_start(NULL, &timer, 0, ring, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_timer_start(f->world.ctx, NULL, 0, ring, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_timer_start(f->world.ctx, &timer, 0, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_timer_start_in(NULL, &timer, 0, ring, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_timer_stop(NULL, &timer), CST_E_INVALID_ARG);
    assert_int_equal(cst_timer_stop(f->world.ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_timer_stop(f->world.ctx, &timer), CST_EMPTY);
    assert_false(cst_timer_is_started(NULL));
    assert_false(cst_timer_is_started(&timer));
    assert_int_equal(cst_ctx_now_ns(NULL), 0);
    assert_true(cst_ctx_due_ns(NULL) == CST_NEVER);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(timers_fire_by_due_time_then_by_start_and_the_next_is_told),
    CASE(tasks_run_before_the_first_timer_and_after_each),
    CASE(a_timer_that_starts_itself_again_does_not_hold_the_turn),
    CASE(a_budget_of_one_gives_the_same_order),
    CASE(without_a_budget_no_timer_fires),
    CASE(the_clock_does_not_run_backwards),
    CASE(a_delay_counts_from_the_last_turn_and_ends_at_never),
    CASE(a_timer_stops_another_that_is_due_too),
    CASE(starting_a_started_timer_moves_it),
    CASE(a_timer_may_be_freed_inside_its_callback),
    CASE(freeing_the_context_stops_every_timer),
    CASE(no_timer_starts_while_the_context_is_being_freed),
    CASE(wake_comes_when_the_nearest_deadline_moves_earlier_and_once),
    CASE(a_run_without_a_budget_that_moves_the_deadline_wakes_at_its_end),
    CASE(delays_count_from_the_first_time_that_is_told),
    CASE(a_delay_of_nothing_fires_in_the_first_turn_with_a_time),
    CASE(what_waits_for_the_first_time_is_stopped_and_moved),
    CASE(freeing_the_context_stops_what_waits_for_the_first_time),
    CASE(a_time_that_is_told_runs_nothing_and_never_goes_back),
    CASE(a_time_that_is_told_inside_a_turn_is_the_turns),
    CASE(the_clock_is_asked_outside_of_turns_alone),
    CASE(the_options_may_tell_the_time),
    CASE(a_run_without_a_budget_that_starts_a_delay_wakes_at_its_end),
    CASE(timers_are_known_from_their_start_until_they_fire_or_are_stopped),
    CASE(random_starts_moves_and_stops_fire_as_a_list_says),
    CASE(wrong_arguments_are_refused),
};

TEST_MAIN(tests)

/*
 * host_loop.c - the least that a loop has to do for a context, with a timer.
 *
 * The clock is C's own. What the loop waits for is made up: a line of text every 20 milliseconds,
 * handed over as an immediate, as the bytes of a socket would be.
 *
 * Calls shown: cst_ctx_run with a budget, cst_ctx_set_now_ns, cst_timer_start_in, cst_immediate,
 *              and wake and clock of cst_ctx_opts
 */
#include <stdio.h>
#include <time.h>

#include <cstream/cstream.h>

#define MS UINT64_C(1000000)

struct loop {
    cst_ctx *ctx;
    bool woken;
    uint64_t next_input_ns;
    int lines_left;
    cst_task input;
    cst_timer report;
    cst_stream *s;
    size_t seen_bytes;
};

static uint64_t clock_ns(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

/* Called by the context when a delay begins outside a turn. */
static uint64_t on_clock(void *arg)
{
    (void)arg;
    return clock_ns();
}

/* Called when the idle context gets work outside a turn. Here it only has to end wait_until; a loop
 * with threads writes to a pipe or an eventfd. */
static void on_wake(void *arg)
{
    ((struct loop *)arg)->woken = true;
}

/* In place of poll, epoll_wait and the like: return at due_ns, when there is input, or if woken. */
static void wait_until(struct loop *loop, uint64_t due_ns)
{
    while (!loop->woken && clock_ns() < due_ns && clock_ns() < loop->next_input_ns)
        continue;
    loop->woken = false;
}

static void bring_input(void *arg)
{
    struct loop *loop = arg;

    if (loop->lines_left-- > 0)
        cst_push(loop->s, cst_slice_str("a line\n"));
    else
        cst_push_eof(loop->s);
}

static void look_for_input(struct loop *loop)
{
    cst_ctx_set_now_ns(loop->ctx, clock_ns()); /* what is called from here on is after the wait */
    if (clock_ns() < loop->next_input_ns)
        return;
    loop->next_input_ns += 20 * MS;
    cst_immediate(loop->ctx, &loop->input, bring_input, loop);
}

static void report(void *arg)
{
    struct loop *loop = arg;

    printf("%u bytes so far\n", (unsigned)loop->seen_bytes);
    cst_timer_start_in(loop->ctx, &loop->report, 50 * MS, report, loop);
}

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    ((struct loop *)arg)->seen_bytes += event->chunk->len;
}

static cst_status serve(struct loop *loop)
{
    cst_status st = CST_OK;

    cst_timer_start_in(loop->ctx, &loop->report, 50 * MS, report, loop);
    while (st >= 0 && !cst_is_closed(loop->s)) {
        cst_budget budget = { .tasks = 1000, .bytes = 1 << 20, .now_ns = clock_ns() };

        st = cst_ctx_run(loop->ctx, &budget);
        if (st == CST_IDLE)
            wait_until(loop, budget.due_ns);
        look_for_input(loop);
    }
    return st;
}

int main(void)
{
    static const cst_ops input_ops = { .name = "input" };
    static struct loop loop = { .lines_left = 5 };
    const cst_ctx_opts opts = { .wake = on_wake, .wake_arg = &loop, .clock = on_clock };
    cst_status st;

    if (cst_ctx_new(&loop.ctx, cst_allocator_malloc(), &opts) < 0)
        return 1;
    loop.next_input_ns = clock_ns();
    st = cst_readable_new(&loop.s, loop.ctx, &input_ops, NULL, NULL);
    if (st == CST_OK && (st = cst_on(loop.s, CST_DATA, on_data, &loop)) == CST_OK)
        st = serve(&loop);
    printf("%u bytes, %s\n", (unsigned)loop.seen_bytes, cst_status_name(st));
    cst_ctx_free(loop.ctx);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("host_loop: standard output");
        return 1;
    }
    return st >= 0 && loop.seen_bytes == 35 ? 0 : 1;
}

/*
 * loop.c - loop.h: the loop and its turns.
 */
#include "move.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* How much one run of the context may do before the descriptors get their turn. */
#define TURN_TASKS 1024
#define TURN_BYTES ((size_t)1 << 20)

#define HOST_KIND "cst_loop"

/* The best first. */
static const struct cst__backend *const backends[] = { &cst__backend_kqueue, &cst__backend_epoll,
                                                       &cst__backend_poll };

enum { BACKENDS = sizeof(backends) / sizeof(*backends) };

/* --- making and ending ------------------------------------------------------------------------ */

static void free_loop(cst_loop *loop)
{
    const cst_allocator *allocator = loop->allocator;

    if (loop->backend)
        loop->backend->close(loop);
    cst__loop_give_back(loop, loop->places, loop->place_cap * sizeof(*loop->places));
    cst__loop_wake_close(loop);
    (void)cst__conduits_close_spare(&loop->conduits);
    allocator->free(allocator->user, loop, sizeof(*loop));
}

/* Return the time for the loop's context; 0, a clock that stands still, if the system has none. */
static uint64_t now_ns(void *arg)
{
    struct timespec t = { 0, 0 };

    (void)arg;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void read_clock(cst_loop *loop)
{
    (void)cst_ctx_set_now_ns(loop->ctx, now_ns(NULL));
}

/* Return the next backend from the i-th on that is here and has this name, or BACKENDS. */
static size_t find_backend(size_t i, const char *name)
{
    while (i < BACKENDS && (!backends[i]->open || (name && strcmp(name, backends[i]->name) != 0)))
        i++;
    return i;
}

/* If none was named, a kernel that does not have the best one has the next. */
static cst_status open_backend(cst_loop *loop, const char *name)
{
    cst_status st = CST_OS(ENOSYS);
    size_t i = find_backend(0, name);

    for (; i < BACKENDS && st == CST_OS(ENOSYS); i = find_backend(i + 1, name)) {
        if (loop->backend)
            loop->backend->close(loop);
        loop->backend = backends[i];
        st = loop->backend->open(loop);
    }
    return st;
}

/* The context knows the time from the beginning. */
static cst_status fill_loop(cst_loop *loop, const cst_loop_opts *opts)
{
    cst_ctx_opts ctx_opts = opts->ctx;
    cst_status st;

    ctx_opts.wake = cst__loop_wake;
    ctx_opts.wake_arg = loop;
    ctx_opts.host = loop;
    ctx_opts.host_kind = HOST_KIND;
    ctx_opts.clock = now_ns;
    ctx_opts.clock_arg = NULL;
    ctx_opts.now_ns = now_ns(NULL);
    if ((st = cst__loop_wake_open(loop)) < 0 || (st = open_backend(loop, opts->backend)) < 0)
        return st;
    return cst_ctx_new(&loop->ctx, loop->allocator, &ctx_opts);
}

cst_status cst_loop_new(cst_loop **out, const cst_allocator *allocator, const cst_loop_opts *opts)
{
    static const cst_loop_opts defaults = { .backend = NULL };
    cst_loop *loop;
    cst_status st;

    if (!out)
        return CST_E_INVALID_ARG;
    if (!opts)
        opts = &defaults;
    if (find_backend(0, opts->backend) == BACKENDS)
        return CST_E_UNSUPPORTED;
    if (!allocator)
        allocator = cst_allocator_malloc();
    loop = allocator->alloc(allocator->user, sizeof(*loop));
    if (!loop)
        return CST_E_NOMEM;
    memset(loop, 0, sizeof(*loop));
    loop->allocator = allocator;
    loop->wake_read = loop->wake_write = loop->kernel = -1;
    loop->pending = CST__NO_PLACE;
    loop->ignores_sigpipe = cst__ignores_signal(SIGPIPE);
    st = fill_loop(loop, opts);
    if (st < 0) {
        free_loop(loop);
        return st;
    }
    cst__loop_set_asleep(loop, true);
    *out = loop;
    return CST_OK;
}

cst_status cst_loop_free(cst_loop *loop)
{
    cst_status st;

    if (!loop)
        return CST_OK;
    if (loop->running)
        return CST_E_NESTED;
    st = cst_ctx_free(loop->ctx);
    if (st < 0)
        return st;
    loop->ctx = NULL;
    while (loop->members)
        loop->close_member(loop->members);
    free_loop(loop);
    return CST_OK;
}

cst_ctx *cst_loop_ctx(const cst_loop *loop)
{
    return loop ? loop->ctx : NULL;
}

cst_loop *cst_loop_of(const cst_ctx *ctx)
{
    return cst_ctx_host(ctx, HOST_KIND);
}

const char *cst_loop_backend(const cst_loop *loop)
{
    return loop ? loop->backend->name : NULL;
}

void cst__loop_join(cst_loop *loop, struct cst__loop_member *member,
                    void (*close)(struct cst__loop_member *member))
{
    loop->close_member = close;
    member->prev = NULL;
    member->next = loop->members;
    if (loop->members)
        loop->members->prev = member;
    loop->members = member;
}

void cst__loop_leave(cst_loop *loop, struct cst__loop_member *member)
{
    if (member->prev)
        member->prev->next = member->next;
    else
        loop->members = member->next;
    if (member->next)
        member->next->prev = member->prev;
}

/* --- turning ---------------------------------------------------------------------------------- */

static cst_status run_context(cst_loop *loop)
{
    cst_budget budget = { .tasks = TURN_TASKS,
                          .bytes = TURN_BYTES,
                          .now_ns = cst_ctx_now_ns(loop->ctx) };
    cst_status st = cst_ctx_run(loop->ctx, &budget);

    if (st == CST_E_UNHANDLED)
        loop->unhandled = true;
    return st == CST_E_NESTED ? st : CST_OK;
}

/* Return whether the context has something to do, now or later. */
static bool is_busy(const cst_loop *loop)
{
    return cst_ctx_has_work(loop->ctx) || cst_ctx_due_ns(loop->ctx) != CST_NEVER;
}

/* Time limits on streams are no reason to go on. */
bool cst_loop_is_alive(const cst_loop *loop)
{
    return loop && (loop->waiting || loop->holds || cst_ctx_has_work(loop->ctx) ||
                    (cst_ctx_has_timers(loop->ctx) && cst_ctx_due_ns(loop->ctx) != CST_NEVER));
}

/*
 * Return how long to wait: as long as the caller wants, but not beyond the next timer, and not at
 * all if there is something to do.
 */
static uint64_t waiting_time(const cst_loop *loop, uint64_t timeout_ns, uint64_t now)
{
    uint64_t due_ns = cst_ctx_due_ns(loop->ctx);

    if (loop->stopping || loop->unhandled || cst_ctx_has_work(loop->ctx) ||
        loop->pending != CST__NO_PLACE)
        return 0;
    if (due_ns == CST_NEVER)
        return timeout_ns;
    if (due_ns <= now)
        return 0;
    return due_ns - now < timeout_ns ? due_ns - now : timeout_ns;
}

/* Return milliseconds for poll, rounded up, so that a timer is due when poll returns. */
static int poll_timeout(uint64_t timeout_ns)
{
    uint64_t ms;

    if (timeout_ns == CST_LOOP_FOREVER)
        return -1;
    ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Wait, and tell the context the time. *n is how many descriptors are ready. */
static cst_status wait_for_descriptors(cst_loop *loop, struct cst__came *came, int *n,
                                       uint64_t timeout_ns)
{
    int timeout;

    (void)cst__watches_settle(loop);
    timeout = poll_timeout(waiting_time(loop, timeout_ns, cst_ctx_now_ns(loop->ctx)));
    cst__guard_end(&loop->guard);
    cst__loop_set_asleep(loop, timeout != 0);
    if (timeout != 0 && cst_ctx_has_work(loop->ctx))
        timeout = 0;
    *n = loop->backend->wait(loop, came, timeout);
    cst__loop_set_asleep(loop, false);
    read_clock(loop);
    return *n < 0 && errno != EINTR ? cst__os_error() : CST_OK;
}

/* Call the watches of a descriptor that is ready. */
static void serve(cst_loop *loop, const struct cst__came *came)
{
    cst_watch *watch;
    unsigned events;

    cst__watches_begin(loop, came);
    while ((watch = cst__watches_next(loop, &events))) {
        watch->fn(watch, events, watch->arg);
        (void)run_context(loop);
        cst__watches_check(loop);
    }
}

/* Serve what the backend has found, and then what counts as ready. */
static void serve_all(cst_loop *loop, const struct cst__came *came, int n)
{
    struct cst__came ready;
    int list;

    for (int i = 0; i < n; i++) {
        if (came[i].fd == loop->wake_read)
            cst__loop_take_wake(loop);
        else
            serve(loop, &came[i]);
    }
    list = loop->pending;
    loop->pending = CST__NO_PLACE;
    while (cst__watches_take_ready(loop, &list, &ready))
        serve(loop, &ready);
}

static cst_status turn_once(cst_loop *loop, uint64_t timeout_ns)
{
    struct cst__came came[CST__MOST_CAME];
    cst_status st;
    int n;

    if (cst_ctx_has_work(loop->ctx))
        timeout_ns = 0; /* this turn does something even without waiting */
    read_clock(loop);
    st = run_context(loop);
    cst__watches_check(loop);
    if (st < 0)
        return st;
    if (!cst_loop_is_alive(loop)) {
        if (loop->kernel < 0)
            return CST_IDLE;
        timeout_ns = 0; /* what has come in vain must not stay in cst_loop_fd */
    }
    st = wait_for_descriptors(loop, came, &n, timeout_ns);
    if (st < 0)
        return st;
    serve_all(loop, came, n);
    if (is_busy(loop))
        st = run_context(loop);
    if (st < 0)
        return st;
    return cst_loop_is_alive(loop) ? CST_MORE : CST_IDLE;
}

static cst_status run_turn(cst_loop *loop, uint64_t timeout_ns)
{
    cst_status st;

    loop->running = true;
    st = turn_once(loop, timeout_ns);
    loop->running = false;
    if (st >= 0 && loop->unhandled) {
        loop->unhandled = false;
        st = CST_E_UNHANDLED;
    }
    return st;
}

/* The wake that was written while no turn ran is taken, or the turn would not wait. */
static void begin_turns(cst_loop *loop)
{
    cst__loop_set_asleep(loop, false);
    cst__loop_take_wake(loop);
}

/* The host may sleep on the loop's descriptor from now on. */
static void end_turns(cst_loop *loop)
{
    cst__guard_end(&loop->guard);
    (void)cst__watches_settle(loop);
    cst__loop_set_asleep(loop, true);
}

cst_status cst_loop_run_once(cst_loop *loop, uint64_t timeout_ns)
{
    cst_status st;

    if (!loop)
        return CST_E_INVALID_ARG;
    if (loop->running)
        return CST_E_NESTED;
    begin_turns(loop);
    st = run_turn(loop, timeout_ns);
    end_turns(loop);
    loop->stopping = false;
    return st;
}

cst_status cst_loop_run(cst_loop *loop)
{
    cst_status st;

    if (!loop)
        return CST_E_INVALID_ARG;
    if (loop->running)
        return CST_E_NESTED;
    loop->ignores_sigpipe = cst__ignores_signal(SIGPIPE);
    begin_turns(loop);
    do
        st = run_turn(loop, CST_LOOP_FOREVER);
    while (st == CST_MORE && !loop->stopping);
    end_turns(loop);
    if (st >= 0)
        loop->stopping = false;
    return st;
}

static cst_status drive_turn(void *arg)
{
    return cst_loop_run_once(arg, CST_LOOP_FOREVER);
}

static bool is_driven(void *arg)
{
    const cst_loop *loop = arg;

    return loop && loop->running;
}

cst_driver cst_loop_driver(cst_loop *loop)
{
    return (cst_driver){ .turn = drive_turn, .is_running = is_driven, .arg = loop };
}

int cst_loop_fd(const cst_loop *loop)
{
    return loop ? loop->kernel : -1;
}

uint64_t cst_loop_timeout_ns(const cst_loop *loop)
{
    return loop ? waiting_time(loop, CST_NEVER, now_ns(NULL)) : CST_NEVER;
}

cst_status cst_loop_set_host(cst_loop *loop, cst_loop_host_fn *fn, void *arg)
{
    if (!loop || (fn && loop->host))
        return CST_E_INVALID_ARG;
    loop->host = fn;
    loop->host_arg = arg;
    cst__loop_set_host_thread(loop, fn != NULL);
    return CST_OK;
}

cst_status cst_loop_stop(cst_loop *loop)
{
    if (!loop)
        return CST_E_INVALID_ARG;
    loop->stopping = true;
    return CST_OK;
}

cst_status cst_loop_hold(cst_loop *loop)
{
    if (!loop || loop->holds == SIZE_MAX)
        return CST_E_INVALID_ARG;
    loop->holds++;
    cst__loop_tell_host(loop);
    return CST_OK;
}

cst_status cst_loop_release(cst_loop *loop)
{
    if (!loop || !loop->holds)
        return CST_E_INVALID_ARG;
    loop->holds--;
    cst__loop_tell_host(loop);
    return CST_OK;
}

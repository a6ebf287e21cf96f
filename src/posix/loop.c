/*
 * loop.c - loop.h: the poll loop.
 *
 * The descriptors that are waited for lie side by side, as poll wants them. A second array has the
 * watch of each, which knows its place. The first place is the loop's own, through which it is
 * woken. A watch that waits for nothing has no place.
 *
 *      fds      [ wake | 7 in | 9 in out | 12 out | . . . ]     count 4
 *      watches  [  -   |  a   |    b     |   c    | . . . ]     cap is at least 1 + registered
 */
#include "posix_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/eventfd.h>
#endif

/* How much one run of the context may do before the descriptors get their turn. */
#define TURN_TASKS 1024
#define TURN_BYTES ((size_t)1 << 20)

#define HOST_KIND "cst_loop"

/* --- being woken ------------------------------------------------------------------------------ */

/*
 * The loop says that it sleeps and then looks for work. Another thread posts work and then looks
 * whether the loop sleeps. So one of the two sees the other.
 */
static void set_asleep(cst_loop *loop, bool asleep)
{
#if !defined(__STDC_NO_ATOMICS__)
    (void)atomic_exchange(&loop->asleep, asleep);
#else
    (void)loop;
    (void)asleep;
#endif
}

/*
 * Wake the loop, from any thread. If the write fails because something is there already, the loop
 * wakes up all the same.
 */
static void wake(void *arg)
{
    static const uint64_t one = 1;
    cst_loop *loop = arg;
    ssize_t n;

#if !defined(__STDC_NO_ATOMICS__)
    if (!atomic_exchange(&loop->asleep, false))
        return;
#endif
    do
        n = write(loop->wake_write, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
}

static void take_wake(cst_loop *loop)
{
    char bytes[64];
    ssize_t n;

    do
        n = read(loop->wake_read, bytes, sizeof(bytes));
    while (n == (ssize_t)sizeof(bytes) || (n < 0 && errno == EINTR));
}

#if defined(__linux__)
static cst_status open_wake(cst_loop *loop)
{
    loop->wake_read = loop->wake_write =
        cst__above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return loop->wake_read < 0 ? cst__os_error() : CST_OK;
}
#else
static cst_status open_wake(cst_loop *loop)
{
    int ends[2];

    if (pipe(ends) < 0)
        return cst__os_error();
    loop->wake_read = cst__above_standard(ends[0]);
    loop->wake_write = cst__above_standard(ends[1]);
    if (loop->wake_read < 0 || loop->wake_write < 0)
        return cst__os_error();
    (void)fcntl(loop->wake_read, F_SETFD, FD_CLOEXEC);
    (void)fcntl(loop->wake_read, F_SETFL, O_NONBLOCK);
    (void)fcntl(loop->wake_write, F_SETFD, FD_CLOEXEC);
    (void)fcntl(loop->wake_write, F_SETFL, O_NONBLOCK);
    return CST_OK;
}
#endif

static void close_wake(cst_loop *loop)
{
    if (loop->wake_write == loop->wake_read)
        loop->wake_write = -1;
    (void)cst__close(&loop->wake_read);
    (void)cst__close(&loop->wake_write);
}

/* --- making and ending ------------------------------------------------------------------------ */

static void *allocate(const cst_allocator *allocator, size_t size)
{
    return allocator->alloc(allocator->user, size);
}

static void give_back(const cst_allocator *allocator, void *ptr, size_t size)
{
    if (ptr)
        allocator->free(allocator->user, ptr, size);
}

/* Have room for cap places, in both arrays or in none. */
static cst_status grow_places(cst_loop *loop, size_t cap)
{
    struct pollfd *fds;
    cst_watch **watches;

    if (cap > SIZE_MAX / sizeof(*fds))
        return CST_E_NOMEM;
    fds = allocate(loop->allocator, cap * sizeof(*fds));
    watches = allocate(loop->allocator, cap * sizeof(*watches));
    if (!fds || !watches) {
        give_back(loop->allocator, fds, cap * sizeof(*fds));
        give_back(loop->allocator, watches, cap * sizeof(*watches));
        return CST_E_NOMEM;
    }
    if (loop->count) {
        memcpy(fds, loop->fds, loop->count * sizeof(*fds));
        memcpy(watches, loop->watches, loop->count * sizeof(*watches));
    }
    give_back(loop->allocator, loop->fds, loop->cap * sizeof(*fds));
    give_back(loop->allocator, loop->watches, loop->cap * sizeof(*watches));
    loop->fds = fds;
    loop->watches = watches;
    loop->cap = cap;
    return CST_OK;
}

static void free_loop(cst_loop *loop)
{
    give_back(loop->allocator, loop->fds, loop->cap * sizeof(*loop->fds));
    give_back(loop->allocator, loop->watches, loop->cap * sizeof(*loop->watches));
    close_wake(loop);
    (void)cst__conduits_close_spare(&loop->conduits);
    give_back(loop->allocator, loop, sizeof(*loop));
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

/* Return whether the loop can wait by this: NULL is the default. */
static bool is_backend(const char *name)
{
    return !name || strcmp(name, "poll") == 0;
}

/* The context knows the time from the beginning. */
static cst_status fill_loop(cst_loop *loop, const cst_ctx_opts *opts)
{
    cst_ctx_opts ctx_opts = *opts;
    cst_status st;

    ctx_opts.wake = wake;
    ctx_opts.wake_arg = loop;
    ctx_opts.host = loop;
    ctx_opts.host_kind = HOST_KIND;
    ctx_opts.clock = now_ns;
    ctx_opts.clock_arg = NULL;
    ctx_opts.now_ns = now_ns(NULL);
    if ((st = open_wake(loop)) < 0 || (st = grow_places(loop, 8)) < 0)
        return st;
    loop->fds[0] = (struct pollfd){ .fd = loop->wake_read, .events = POLLIN };
    loop->watches[0] = NULL;
    loop->count = 1;
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
    if (!is_backend(opts->backend))
        return CST_E_UNSUPPORTED;
    if (!allocator)
        allocator = cst_allocator_malloc();
    loop = allocate(allocator, sizeof(*loop));
    if (!loop)
        return CST_E_NOMEM;
    memset(loop, 0, sizeof(*loop));
    loop->allocator = allocator;
    loop->wake_read = loop->wake_write = -1;
    loop->ignores_sigpipe = cst__ignores_signal(SIGPIPE);
    st = fill_loop(loop, &opts->ctx);
    if (st < 0) {
        free_loop(loop);
        return st;
    }
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

/* --- watches ---------------------------------------------------------------------------------- */

cst_status cst__loop_reserve(cst_loop *loop)
{
    return loop->registered + 2 > loop->cap ? grow_places(loop, loop->cap * 2) : CST_OK;
}

cst_status cst_watch_add(cst_watch *watch, cst_loop *loop, int fd, cst_watch_fn *fn, void *arg)
{
    cst_status st;

    if (!watch || !loop || !fn || fd < 0 || watch->loop)
        return CST_E_INVALID_ARG;
    st = cst__loop_reserve(loop);
    if (st < 0)
        return st;
    loop->registered++;
    *watch = (cst_watch){ .loop = loop, .fn = fn, .arg = arg, .fd = fd };
    return CST_OK;
}

static short poll_events(unsigned wanted)
{
    return (short)(((wanted & CST_WATCH_READ) ? POLLIN : 0) |
                   ((wanted & CST_WATCH_WRITE) ? POLLOUT : 0));
}

cst_status cst_watch_want(cst_watch *watch, unsigned events)
{
    cst_loop *loop;

    if (!watch || !watch->loop)
        return CST_E_INVALID_ARG;
    loop = watch->loop;
    events &= CST_WATCH_READ | CST_WATCH_WRITE;
    if (!(events & ~watch->wanted))
        return CST_OK;
    if (!watch->wanted) {
        watch->slot = loop->count++;
        loop->watches[watch->slot] = watch;
        loop->fds[watch->slot] = (struct pollfd){ .fd = watch->fd };
    }
    watch->wanted = (uint16_t)(watch->wanted | events);
    loop->fds[watch->slot].events = poll_events(watch->wanted);
    return CST_OK;
}

static void check_loop(const cst_loop *loop)
{
#ifdef CST_CHECK
    assert(loop->count >= 1 && loop->count <= loop->registered + 1);
    assert(loop->registered < loop->cap);
    assert(loop->fds[0].fd == loop->wake_read && !loop->watches[0]);
    for (size_t i = 1; i < loop->count; i++) {
        const cst_watch *watch = loop->watches[i];

        assert(watch->loop == loop && watch->slot == i && watch->wanted);
        assert(loop->fds[i].fd == watch->fd);
        assert(loop->fds[i].events == poll_events(watch->wanted));
    }
#else
    (void)loop;
#endif
}

/* The last watch takes the place. */
static void leave_place(cst_watch *watch)
{
    cst_loop *loop = watch->loop;
    size_t last = --loop->count;

    loop->fds[watch->slot] = loop->fds[last];
    loop->watches[watch->slot] = loop->watches[last];
    loop->watches[watch->slot]->slot = watch->slot;
}

static void want_less(cst_watch *watch, unsigned events)
{
    unsigned before = watch->wanted;

    watch->wanted = (uint16_t)(watch->wanted & ~events);
    if (before && !watch->wanted)
        leave_place(watch);
    else if (watch->wanted)
        watch->loop->fds[watch->slot].events = poll_events(watch->wanted);
}

cst_status cst_watch_want_nothing(cst_watch *watch)
{
    if (!watch || !watch->loop)
        return CST_E_INVALID_ARG;
    want_less(watch, CST_WATCH_READ | CST_WATCH_WRITE);
    return CST_OK;
}

void cst_watch_remove(cst_watch *watch)
{
    if (!watch || !watch->loop)
        return;
    want_less(watch, CST_WATCH_READ | CST_WATCH_WRITE);
    watch->loop->registered--;
    watch->loop = NULL;
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

/* Return whether the loop has a reason to go on. Time limits on streams are none. */
static bool is_anything_left(const cst_loop *loop)
{
    return loop->count > 1 || loop->holds || cst_ctx_has_work(loop->ctx) ||
           (cst_ctx_has_timers(loop->ctx) && cst_ctx_due_ns(loop->ctx) != CST_NEVER);
}

/*
 * Return how long to wait: as long as the caller wants, but not beyond the next timer, and not at
 * all if there is work.
 */
static uint64_t waiting_time(const cst_loop *loop, uint64_t timeout_ns)
{
    uint64_t due_ns = cst_ctx_due_ns(loop->ctx), now = cst_ctx_now_ns(loop->ctx);

    if (loop->stopping || loop->unhandled || cst_ctx_has_work(loop->ctx))
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

static cst_status wait_for_descriptors(cst_loop *loop, uint64_t timeout_ns)
{
    int timeout = poll_timeout(timeout_ns), n;

    cst__guard_end(&loop->guard);
    set_asleep(loop, timeout != 0);
    if (timeout != 0 && cst_ctx_has_work(loop->ctx))
        timeout = 0;
    n = poll(loop->fds, (nfds_t)loop->count, timeout);
    set_asleep(loop, false);
    read_clock(loop);
    if (n > 0)
        return CST_OK;
    for (size_t i = 0; i < loop->count; i++)
        loop->fds[i].revents = 0;
    return n < 0 && errno != EINTR ? cst__os_error() : CST_OK;
}

static unsigned what_came(const cst_watch *watch, short revents)
{
    unsigned came = 0;

    if (revents & (POLLERR | POLLHUP | POLLNVAL))
        return watch->wanted;
    if (revents & POLLIN)
        came |= CST_WATCH_READ;
    if (revents & POLLOUT)
        came |= CST_WATCH_WRITE;
    return came & watch->wanted;
}

/*
 * Call the watches that are ready, from the last place to the first: a place that becomes free gets
 * the watch of the last place, which has had its turn.
 */
static void call_ready(cst_loop *loop)
{
    if (loop->fds[0].revents)
        take_wake(loop);
    loop->fds[0].revents = 0;
    for (size_t i = loop->count; i-- > 1;) {
        cst_watch *watch;
        unsigned came;

        if (i >= loop->count || !loop->fds[i].revents)
            continue;
        watch = loop->watches[i];
        came = what_came(watch, loop->fds[i].revents);
        loop->fds[i].revents = 0;
        if (!came)
            continue;
        want_less(watch, came);
        watch->fn(watch, came, watch->arg);
        (void)run_context(loop);
        check_loop(loop);
    }
}

static cst_status turn_once(cst_loop *loop, uint64_t timeout_ns)
{
    cst_status st;

    if (cst_ctx_has_work(loop->ctx))
        timeout_ns = 0; /* this turn does something even without waiting */
    read_clock(loop);
    st = run_context(loop);
    check_loop(loop);
    if (st < 0)
        return st;
    if (!is_anything_left(loop))
        return CST_IDLE;
    st = wait_for_descriptors(loop, waiting_time(loop, timeout_ns));
    if (st < 0)
        return st;
    call_ready(loop);
    if (is_busy(loop))
        st = run_context(loop);
    if (st < 0)
        return st;
    return is_anything_left(loop) ? CST_MORE : CST_IDLE;
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

cst_status cst_loop_run_once(cst_loop *loop, uint64_t timeout_ns)
{
    cst_status st;

    if (!loop)
        return CST_E_INVALID_ARG;
    if (loop->running)
        return CST_E_NESTED;
    st = run_turn(loop, timeout_ns);
    cst__guard_end(&loop->guard);
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
    do
        st = run_turn(loop, CST_LOOP_FOREVER);
    while (st == CST_MORE && !loop->stopping);
    cst__guard_end(&loop->guard);
    if (st >= 0)
        loop->stopping = false;
    return st;
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
    return CST_OK;
}

cst_status cst_loop_release(cst_loop *loop)
{
    if (!loop || !loop->holds)
        return CST_E_INVALID_ARG;
    loop->holds--;
    return CST_OK;
}

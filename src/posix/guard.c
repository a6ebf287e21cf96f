/*
 * guard.c - SIGPIPE and SIGXFSZ, the signals that belong to one call.
 *
 * A write to a pipe or a socket that nobody reads raises SIGPIPE. A write that grows a file beyond
 * the limit of the process (RLIMIT_FSIZE) raises SIGXFSZ. A call that has moved some bytes before
 * returns their count and raises the signal too. So its errno does not tell; the signal is pending
 * afterwards.
 *
 *      no guard        the call cannot raise a signal, or the host ignores it. An ignored signal
 *                      must not be blocked: it would become pending.
 *      the loop's      inside a turn: the signals are blocked at the first such call, and unblocked
 *                      before the loop sleeps or returns
 *      one of its own  around one call: outside a turn, in a context without a loop, and if both
 *                      signals are blocked already, by the host or by the guard of another loop
 *                      that runs this one in a callback and may end first
 */
#include "posix_internal.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static const int guarded[CST__GUARDED] = { SIGPIPE, SIGXFSZ };

bool cst__ignores_signal(int sig)
{
    struct sigaction action;

    return sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

bool cst__file_size_is_limited(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           !cst__ignores_signal(SIGXFSZ);
}

/* Return which of the guarded signals are in a set, as bits. */
static unsigned members(const sigset_t *set)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < CST__GUARDED; i++)
        if (sigismember(set, guarded[i]) == 1)
            bits |= 1u << i;
    return bits;
}

static void fill_set(sigset_t *set, unsigned bits)
{
    (void)sigemptyset(set);
    for (unsigned i = 0; i < CST__GUARDED; i++)
        if (bits & (1u << i))
            (void)sigaddset(set, guarded[i]);
}

static unsigned pending(void)
{
    sigset_t set;

    return sigpending(&set) == 0 ? members(&set) : 0;
}

/* Block the signals that the host has not blocked. A signal that is pending already is not ours. */
static void begin_guard(struct cst__guard *guard)
{
    const unsigned all = (1u << CST__GUARDED) - 1;
    sigset_t set, before;
    unsigned was_blocked;

    fill_set(&set, all);
    if (pthread_sigmask(SIG_BLOCK, &set, &before) != 0)
        return;
    was_blocked = members(&before);
    guard->begun = true;
    guard->blocked = all & ~was_blocked;
    guard->not_ours = was_blocked ? pending() : 0;
}

void cst__guard_end(struct cst__guard *guard)
{
    int error = errno;
    sigset_t set;

    if (!guard->begun)
        return;
    guard->begun = false;
    fill_set(&set, guard->blocked);
    if (guard->blocked)
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    errno = error;
}

/*
 * Take a signal that is pending. One that was sent to the process may be taken by another thread
 * first; it is not waited for.
 */
static void take_one(const sigset_t *set)
{
#if defined(__APPLE__) || defined(__OpenBSD__)
    int sig;

    (void)sigwait(set, &sig);
#else
    static const struct timespec at_once = { .tv_sec = 0 };

    while (sigtimedwait(set, NULL, &at_once) < 0 && errno == EINTR)
        continue;
#endif
}

/*
 * Take the signals that the call has raised. They go to the thread that made the call, so no other
 * thread's are taken.
 */
static void take_raised(const struct cst__guard *guard)
{
    unsigned raised = pending() & ~guard->not_ours;

    for (unsigned i = 0; i < CST__GUARDED; i++) {
        sigset_t set;

        if (!(raised & (1u << i)))
            continue;
        fill_set(&set, 1u << i);
        take_one(&set);
    }
}

static bool may_raise(const struct cst__descriptor *to, cst_loop *loop)
{
    switch (to->kind) {
    case CST__FILE:
        return to->size_limited;
    case CST__PIPE:
    case CST__SOCKET:
        return loop ? !loop->ignores_sigpipe : !cst__ignores_signal(SIGPIPE);
    case CST__OTHER:
        break;
    }
    return false;
}

struct cst__guard *cst__guard_before(const struct cst__descriptor *to, cst_loop *loop,
                                     struct cst__guard *own)
{
    struct cst__guard *guard;

    if (!may_raise(to, loop))
        return NULL;
    guard = loop && loop->running ? &loop->guard : NULL;
    if (!guard) {
        guard = own;
        *own = (struct cst__guard){ .is_own = true };
    }
    if (!guard->begun)
        begin_guard(guard);
    return guard;
}

void cst__guard_after(struct cst__guard *guard, ssize_t n, size_t wanted)
{
    int error = errno;

    if (!guard)
        return;
    if (n < 0 ? error == EPIPE || error == EFBIG : (size_t)n < wanted)
        take_raised(guard);
    if (guard->is_own || !guard->blocked)
        cst__guard_end(guard);
    errno = error;
}

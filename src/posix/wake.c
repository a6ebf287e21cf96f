/*
 * wake.c - how a loop that sleeps is woken: by a descriptor that its backend waits for.
 *
 * The loop says that it sleeps and then looks for work. Another thread posts work and then looks
 * whether the loop sleeps. So one of the two sees the other.
 *
 * While no turn runs the loop counts as asleep, since a host may sleep on cst_loop_fd. What was
 * written then is taken when the next turn begins, or the turn would not wait.
 */
#include "posix_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/eventfd.h>
#endif

void cst__loop_set_asleep(cst_loop *loop, bool asleep)
{
#if !defined(__STDC_NO_ATOMICS__)
    (void)atomic_exchange(&loop->asleep, asleep);
#else
    (void)loop;
    (void)asleep;
#endif
}

static void set_signalled(cst_loop *loop, bool signalled)
{
#if !defined(__STDC_NO_ATOMICS__)
    atomic_store(&loop->signalled, signalled);
#else
    (void)loop;
    (void)signalled;
#endif
}

static bool is_signalled(cst_loop *loop)
{
#if !defined(__STDC_NO_ATOMICS__)
    return atomic_load(&loop->signalled);
#else
    (void)loop;
    return true;
#endif
}

/* Whoever sees has_host sees its thread as well: the thread is stored first. */
void cst__loop_set_host_thread(cst_loop *loop, bool has_host)
{
#if !defined(__STDC_NO_ATOMICS__)
    atomic_store(&loop->host_thread, pthread_self());
    atomic_store(&loop->has_host, has_host);
#else
    loop->host_thread = pthread_self();
    loop->has_host = has_host;
#endif
}

static bool is_on_host_thread(cst_loop *loop)
{
#if !defined(__STDC_NO_ATOMICS__)
    return atomic_load(&loop->has_host) &&
           pthread_equal(pthread_self(), atomic_load(&loop->host_thread));
#else
    return loop->has_host && pthread_equal(pthread_self(), loop->host_thread);
#endif
}

void cst__loop_tell_host(const cst_loop *loop)
{
    if (loop->host && !loop->running)
        loop->host(loop->host_arg);
}

/* If the write fails because something is there already, the loop wakes up all the same. */
void cst__loop_wake(void *arg)
{
    static const uint64_t one = 1;
    cst_loop *loop = arg;
    ssize_t n;

    if (is_on_host_thread(loop))
        cst__loop_tell_host(loop);
#if !defined(__STDC_NO_ATOMICS__)
    if (!atomic_exchange(&loop->asleep, false))
        return;
#endif
    set_signalled(loop, true);
    do
        n = write(loop->wake_write, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
}

/*
 * A thread that has said that it will write may not have written yet: the loop looks again in its
 * next turn.
 */
void cst__loop_take_wake(cst_loop *loop)
{
    char bytes[64];
    bool any = false;
    ssize_t n;

    if (!is_signalled(loop))
        return;
    set_signalled(loop, false);
    do {
        n = read(loop->wake_read, bytes, sizeof(bytes));
        any = any || n > 0;
    } while (n == (ssize_t)sizeof(bytes) || (n < 0 && errno == EINTR));
    if (!any)
        set_signalled(loop, true);
}

#if defined(__linux__)
cst_status cst__loop_wake_open(cst_loop *loop)
{
    loop->wake_read = loop->wake_write =
        cst__above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return loop->wake_read < 0 ? cst__os_error() : CST_OK;
}
#else
cst_status cst__loop_wake_open(cst_loop *loop)
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

void cst__loop_wake_close(cst_loop *loop)
{
    if (loop->wake_write == loop->wake_read)
        loop->wake_write = -1;
    (void)cst__close(&loop->wake_read);
    (void)cst__close(&loop->wake_write);
}

/*
 * loop.h - a small event loop over poll(2), for programs that have none of their own.
 *
 * A loop owns a context and turns it. One turn:
 *
 *     run the context's tasks and due timers  ->  poll the descriptors that somebody waits for  ->  call those that are
 *     ready, and run the tasks that each of them has queued                                          (as Node does)
 *
 *     cst_loop *loop;
 *     if (cst_loop_new(&loop, NULL, NULL) < 0) ...
 *     cst_fd_source_new(&in, loop, fd, NULL);  ...  cst_pipe(in, out, NULL);
 *     st = cst_loop_run(loop);                    until nothing is left
 *     cst_loop_free(loop);
 *
 * The clock is CLOCK_MONOTONIC. The loop looks at it after each wait and tells the context (ctx.h, "The clock"), before it
 * calls anything: in a callback cst_ctx_now_ns is the time after the wait or later, and a timer or a limit on a stream counts
 * from there. One that is started while the loop does not turn, before the first cst_loop_run or between two, counts from
 * then, as the loop looks at the clock for it.
 *
 * A descriptor is polled only while somebody waits for it: streams read and write first and wait when the system has
 * said EAGAIN. A program that has a loop of its own does not need this one: it drives a context itself (ctx.h).
 *
 * Threads: one thread at a time uses a loop and what was made in it. What another thread may call is cst_post (ctx.h) on
 * the loop's context: it wakes a loop that sleeps. Signals: the loop touches none; a handler that wants to wake it does
 * so through a descriptor.
 */
#ifndef CSTREAM_POSIX_LOOP_H
#define CSTREAM_POSIX_LOOP_H

#include "../ctx.h"

typedef struct cst_loop cst_loop;

/**
 * Options of a loop; zeroes are the defaults.
 *
 * ctx      options of its context. The loop sets wake, wake_arg, host, host_kind, clock, clock_arg
 *          and now_ns itself, whatever they say here.
 * backend  how the loop waits: "poll", or NULL for the best of this system
 */
typedef struct cst_loop_opts {
    cst_ctx_opts ctx;
    const char *backend;
    uintptr_t reserved[4];
} cst_loop_opts;

/**
 * Make a loop with a context in it.
 *
 * allocator  NULL is cst_allocator_malloc
 * opts       may be NULL
 *
 * CST_OK             *out is the caller's, until cst_loop_free
 * CST_E_NOMEM        *out is untouched
 * CST_OS(n)          no descriptor to wake the loop by: an eventfd, or two of a pipe without it
 * CST_E_UNSUPPORTED  this library has no backend of that name
 * CST_E_INVALID_ARG  out is NULL
 */
CST_API cst_status cst_loop_new(cst_loop **out, const cst_allocator *allocator,
                                const cst_loop_opts *opts);

/**
 * Ends the loop: its context with everything in it (cst_ctx_free), its listeners, its descriptors.
 *
 * CST_OK          gone; NULL is fine
 * CST_E_NESTED    called inside a callback of the loop or of its context: nothing has changed
 */
CST_API cst_status cst_loop_free(cst_loop *loop);

/** The context to make streams in; borrowed. NULL for NULL. */
CST_API cst_ctx *cst_loop_ctx(const cst_loop *loop);

/** The loop that drives a context; borrowed. NULL for a context that another host drives, and for NULL. */
CST_API cst_loop *cst_loop_of(const cst_ctx *ctx);

/**
 * Turns until nothing is left: no task, no timer, no descriptor that is waited for, no hold. Neither a limit on a stream
 * (timeout.h) nor an open stream that waits for nothing (it is paused, or nobody takes what it has read) keeps the loop;
 * cst_loop_free destroys what is still open.
 *
 * CST_IDLE            nothing is left
 * CST_MORE            cst_loop_stop was called: run again to go on
 * CST_E_UNHANDLED     an 'error' event had no listener: the turn was finished, and the rest waits; run again to go on
 * CST_OS(n)           poll failed
 * CST_E_NESTED        called inside a callback of the loop or of its context
 * CST_E_INVALID_ARG   loop is NULL
 */
CST_API cst_status cst_loop_run(cst_loop *loop);

/** For cst_loop_run_once: wait as long as it takes. */
#define CST_LOOP_FOREVER UINT64_MAX

/**
 * One turn, which waits for timeout_ns at most; 0 does not wait, nor does a turn that finds tasks to run. As cst_loop_run,
 * but CST_MORE where something is left.
 */
CST_API cst_status cst_loop_run_once(cst_loop *loop, uint64_t timeout_ns);

/** Makes cst_loop_run return when the present turn is over, or at once if it has not begun; a turn of cst_loop_run_once does not
 * wait then, and the next one may. CST_OK, CST_E_INVALID_ARG. */
CST_API cst_status cst_loop_stop(cst_loop *loop);

/** A hold keeps cst_loop_run going while it waits for something that the loop does not see: another thread that will
 * cst_post. Each hold needs its release. CST_OK, CST_E_INVALID_ARG (loop is NULL, or nothing is held). */
CST_API cst_status cst_loop_hold(cst_loop *loop);
CST_API cst_status cst_loop_release(cst_loop *loop);

/* --- watching a descriptor ---------------------------------------------------------------------------------------- */

/** What a watch waits for, and what came. An error or a hang-up counts as everything that was waited for: the call that
 * follows says which it is. */
typedef enum cst_watch_events { CST_WATCH_READ = 1, CST_WATCH_WRITE = 2 } cst_watch_events;

typedef struct cst_watch cst_watch;
typedef void cst_watch_fn(cst_watch *watch, unsigned came, void *arg);

/** A descriptor that is watched: what streams of one's own are made of. Storage of the caller's; zero it before its first
 * use; the fields are the library's. */
struct cst_watch {
    cst_loop *loop;
    cst_watch_fn *fn;
    void *arg;
    size_t slot;
    int fd;
    unsigned wanted;
};

/**
 * Makes a watch known to the loop. Memory for it is had here, so that waiting cannot fail. Remove it before its
 * descriptor is closed or its storage goes.
 *
 * CST_OK, CST_E_NOMEM (nothing has changed), CST_E_INVALID_ARG (something is NULL, fd is negative, or it is in a loop)
 */
CST_API cst_status cst_watch_add(cst_watch *watch, cst_loop *loop, int fd, cst_watch_fn *fn,
                                 void *arg);

/** Waits for more, once: what has come is not waited for any more when fn is called. Call it after EAGAIN.
 * CST_OK, CST_E_INVALID_ARG (not in a loop). */
CST_API cst_status cst_watch_want(cst_watch *watch, unsigned events);

/** Waits for nothing; fn will not be called. CST_OK, CST_E_INVALID_ARG. */
CST_API cst_status cst_watch_want_nothing(cst_watch *watch);

/** Out of the loop; fn will not be called. Fine inside fn, and for a watch that is in no loop. */
CST_API void cst_watch_remove(cst_watch *watch);

#endif

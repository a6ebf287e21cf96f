/*
 * loop.h - a small event loop over poll(2), for programs that have none of their own.
 *
 * A loop owns a context and runs it. One turn of the loop:
 *
 *     1  run the context's tasks and the timers that are due
 *     2  poll the descriptors that somebody waits for
 *     3  for each descriptor that is ready: call whoever waits, then run the tasks that this has
 *        queued, as Node does
 *
 *     cst_loop *loop;
 *     if (cst_loop_new(&loop, NULL, NULL) < 0) ...
 *     cst_fd_source_new(&in, loop, fd, NULL);  ...  cst_pipe(in, out, NULL);
 *     st = cst_loop_run(loop);                    until nothing is left
 *     cst_loop_free(loop);
 *
 * The clock is CLOCK_MONOTONIC. After each wait the loop reads it and tells the context (ctx.h,
 * "The clock") before it calls anything. So in a callback cst_ctx_now_ns is the time after the wait
 * or later, and a timer or a limit on a stream that starts there begins then. One that is started
 * while no turn runs, before the first cst_loop_run or between two, begins at the time of that
 * call.
 *
 * A descriptor is polled only while somebody waits for it: streams read and write first, and wait
 * when the system has returned EAGAIN. A program that has a loop of its own does not need this one;
 * it drives a context itself (ctx.h).
 *
 * Threads: one thread at a time uses a loop and what was made in it. Other threads may call
 * cst_post (ctx.h) on the loop's context; that wakes a loop that sleeps.
 *
 * Signals: the loop handles none. A handler that wants to wake the loop does so through a
 * descriptor. For SIGPIPE and SIGXFSZ see fd.h.
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
 * Free a loop, its context with everything in it (cst_ctx_free), its listeners and its descriptors.
 *
 * CST_OK        freed; NULL is fine
 * CST_E_NESTED  called inside a callback of the loop or of its context: nothing has changed
 */
CST_API cst_status cst_loop_free(cst_loop *loop);

/** Return the context to make streams in; borrowed. NULL for NULL. */
CST_API cst_ctx *cst_loop_ctx(const cst_loop *loop);

/** Return the loop that drives a context; borrowed. NULL if another host does, and for NULL. */
CST_API cst_loop *cst_loop_of(const cst_ctx *ctx);

/**
 * Run turns until nothing is left: no task, no timer, no descriptor that somebody waits for, no
 * hold. Two things do not keep the loop running: a limit on a stream (timeout.h), and an open
 * stream that waits for nothing, because it is paused or nobody takes what it has read.
 * cst_loop_free destroys what is still open.
 *
 * CST_IDLE           nothing is left
 * CST_MORE           cst_loop_stop was called: run again to go on
 * CST_E_UNHANDLED    an 'error' event had no listener. The turn was completed and the rest waits:
 *                    run again to go on
 * CST_OS(n)          poll failed
 * CST_E_NESTED       called inside a callback of the loop or of its context
 * CST_E_INVALID_ARG  loop is NULL
 */
CST_API cst_status cst_loop_run(cst_loop *loop);

/** As a timeout of cst_loop_run_once: as long as it takes. */
#define CST_LOOP_FOREVER UINT64_MAX

/**
 * Run one turn, which waits for timeout_ns at most. With 0, or if there are tasks to run, it does
 * not wait. Results as of cst_loop_run, but CST_MORE if something is left.
 */
CST_API cst_status cst_loop_run_once(cst_loop *loop, uint64_t timeout_ns);

/**
 * Make cst_loop_run return when the current turn is over. If no turn runs, the next cst_loop_run
 * runs one turn and returns. That turn does not wait, nor does the current or next turn of
 * cst_loop_run_once. Later turns are as before. CST_OK, CST_E_INVALID_ARG.
 */
CST_API cst_status cst_loop_stop(cst_loop *loop);

/**
 * Hold the loop: keep cst_loop_run waiting for something that the loop cannot see, such as another
 * thread that will call cst_post. Release each hold once.
 *
 * CST_OK             done
 * CST_E_INVALID_ARG  loop is NULL, or there is no hold to release
 */
CST_API cst_status cst_loop_hold(cst_loop *loop);
CST_API cst_status cst_loop_release(cst_loop *loop);

/* --- watching a descriptor -------------------------------------------------------------------- */

/** What a watch waits for, and what has come: a set of these. An error or a hang-up counts as
 * everything that the watch waits for; the next read or write tells which it is. */
typedef enum cst_watch_events { CST_WATCH_READ = 1, CST_WATCH_WRITE = 2 } cst_watch_events;

typedef struct cst_watch cst_watch;

/** Tells that something has come; `came` is a set of cst_watch_events. */
typedef void cst_watch_fn(cst_watch *watch, unsigned came, void *arg);

/**
 * A descriptor that is watched, to make streams of one's own. Storage of the caller's; zero it
 * before its first use. The fields are private.
 */
struct cst_watch {
    cst_loop *loop;
    cst_watch_fn *fn;
    void *arg;
    size_t slot;
    int fd;
    uint16_t wanted;
    bool of_stream; /* one of this library's */
};

/**
 * Add a watch to a loop. It waits for nothing yet. The memory for it is allocated here, so that
 * waiting cannot fail. Remove the watch before its descriptor is closed or its storage goes.
 *
 * CST_OK             added
 * CST_E_NOMEM        nothing has changed
 * CST_E_INVALID_ARG  an argument is NULL, fd is negative, or the watch is in a loop already
 */
CST_API cst_status cst_watch_add(cst_watch *watch, cst_loop *loop, int fd, cst_watch_fn *fn,
                                 void *arg);

/**
 * Wait for these events too, once: when fn is called, the watch no longer waits for what has come.
 * Call it after EAGAIN. CST_OK, CST_E_INVALID_ARG (not in a loop).
 */
CST_API cst_status cst_watch_want(cst_watch *watch, unsigned events);

/** Wait for nothing: fn is not called. CST_OK, CST_E_INVALID_ARG (not in a loop). */
CST_API cst_status cst_watch_want_nothing(cst_watch *watch);

/** Take the watch out of its loop: fn is not called. Fine inside fn, and if it is in no loop. */
CST_API void cst_watch_remove(cst_watch *watch);

#endif

/*
 * loop.h - an event loop: for programs that have none, or for another loop to drive.
 *
 * A loop owns a context and runs it. One turn of the loop:
 *
 *     1  run the context's tasks and the timers that are due
 *     2  wait for the descriptors that somebody waits for
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
 * Streams read and write first, and wait for their descriptor when the system has returned EAGAIN.
 *
 * Backends. A loop waits by one of these; cst_loop_opts.backend names it:
 *
 *     "epoll"   Linux
 *     "kqueue"  BSD and macOS
 *     "poll"    any system
 *
 * The kqueue backend was run on Linux only, over a stand-in for kqueue(2) that the tests have
 * (test/posix/kqueue); not yet on BSD or macOS.
 *
 * With epoll and kqueue the cost of a turn is that of what happens in it: descriptors that are
 * idle, however many, add nothing. The system keeps what a descriptor is waited for, and is told
 * only of changes, once before the next wait: a stream that reads again and again costs no call for
 * that. With poll, each wait looks at every descriptor that somebody waits for.
 *
 * At most 256 descriptors are served in one turn; the others are ready in the next one. In which
 * order is the backend's choice: epoll and kqueue begin with the one that became ready first, poll
 * with the one that was waited for last. A descriptor that the backend cannot wait for, such as a
 * file on a disk or /dev/null with epoll, counts as ready.
 *
 * Another loop, the host, may drive this one (cst_loop_fd, cst_loop_timeout_ns):
 *
 *     watch cst_loop_fd(loop) for reading
 *     before each sleep         ask cst_loop_timeout_ns(loop): sleep no longer than that
 *     after each sleep, if the descriptor is readable or the time has come:
 *                               cst_loop_run_once(loop, 0)
 *
 * The descriptor becomes readable when a descriptor of the loop is ready, and when the loop's
 * context gets work while no turn runs: by cst_post from any thread, or by what the host does to a
 * stream in a callback of its own. So a host that cannot ask before each sleep asks after each
 * cst_loop_run_once, and is woken when the answer has become another one.
 *
 * Threads: one thread at a time uses a loop and what was made in it. Other threads may call
 * cst_post (ctx.h) on the loop's context; that wakes a loop that sleeps, and makes cst_loop_fd
 * readable.
 *
 * fork: the child must not use a loop of its parent, nor free it, nor destroy its streams: with
 * epoll the two processes would share what the loop waits for. The loop's own descriptors are
 * closed by exec.
 *
 * Signals: the loop handles none. A handler that wants to wake the loop does so through a
 * descriptor. For SIGPIPE and SIGXFSZ see fd.h.
 */
#ifndef CSTREAM_POSIX_LOOP_H
#define CSTREAM_POSIX_LOOP_H

#include "../run.h"

typedef struct cst_loop cst_loop;

/**
 * Options of a loop; zeroes are the defaults.
 *
 * ctx      options of its context. The loop sets wake, wake_arg, host, host_kind, clock, clock_arg
 *          and now_ns itself, whatever they say here.
 * backend  how the loop waits: "epoll", "kqueue", "poll", or NULL for the best of this system
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
 * CST_OS(n)          no descriptor to wait by (one of epoll or kqueue), or to wake the loop by: an
 *                    eventfd, or two of a pipe without it
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

/** Return the name of the loop's backend: "epoll", "kqueue" or "poll"; NULL for NULL. */
CST_API const char *cst_loop_backend(const cst_loop *loop);

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
 * CST_OS(n)          the backend failed to wait
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
 * Return what turns this loop, for cst_pipeline_run and its like (run.h). A turn waits as long as
 * it takes: a call returns CST_E_STALL only if nothing is left that keeps cst_loop_run running.
 * cst_loop_stop makes one turn return and does not end the call.
 */
CST_API cst_driver cst_loop_driver(cst_loop *loop);

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

/* --- driven by another loop ------------------------------------------------------------------- */

/**
 * Return whether the loop has a reason to go on, as cst_loop_run asks it: a task, a timer, a
 * descriptor that somebody waits for, or a hold. A host's loop that ends when nothing is left goes
 * on as long as this is true. False for NULL.
 */
CST_API bool cst_loop_is_alive(const cst_loop *loop);

/**
 * Return a descriptor that is readable when cst_loop_run_once would find something; borrowed, and
 * the same one as long as the loop lives. Watch it for reading, level-triggered; do not read it.
 * -1 with the poll backend, which has none, and for NULL.
 *
 * What somebody waits for is in it when cst_loop_run_once has returned, and while no turn runs,
 * when the call has returned that made it wait.
 */
CST_API int cst_loop_fd(const cst_loop *loop);

/**
 * Return how long the host may sleep, from now, unless cst_loop_fd becomes readable: 0 is not at
 * all, since there is work or a descriptor that counts as ready; CST_NEVER (ctx.h) is as long as
 * the host likes, as for NULL. A host that counts in milliseconds rounds up: what is rounded down
 * ends before the timer is due, and the host turns for nothing until it is.
 */
CST_API uint64_t cst_loop_timeout_ns(const cst_loop *loop);

/**
 * Tells the host that what the loop waits for has changed while no turn ran: the next answers of
 * cst_loop_is_alive and cst_loop_timeout_ns may be others. It calls nothing of the library.
 */
typedef void cst_loop_host_fn(void *arg);

/**
 * Have fn(arg) called when the thread that calls this function changes something while no turn
 * runs: it queues work, starts a timer that is due earlier, adds or removes something to wait for,
 * or a hold. A host whose own loop ends when nothing is left needs to know, or it would end while
 * this loop has got something again; the adapters of cstream/host do this. What other threads post
 * makes cst_loop_fd readable, and does not call fn. Nor does cst_timer_stop.
 *
 * fn  NULL: nobody is told any more
 *
 * CST_OK             done
 * CST_E_INVALID_ARG  loop is NULL, or another host is told already
 */
CST_API cst_status cst_loop_set_host(cst_loop *loop, cst_loop_host_fn *fn, void *arg);

/* --- watching a descriptor -------------------------------------------------------------------- */

/** What a watch waits for, and what has come: a set of these. An error or a hang-up counts as
 * everything that the watch waits for; the next read or write tells which it is. */
typedef enum cst_watch_events { CST_WATCH_READ = 1, CST_WATCH_WRITE = 2 } cst_watch_events;

typedef struct cst_watch cst_watch;

/** Tells that something has come; `came` is a set of cst_watch_events. */
typedef void cst_watch_fn(cst_watch *watch, unsigned came, void *arg);

/**
 * A descriptor that is watched, to make streams of one's own. Storage of the caller's; zero it
 * before its first use. The fields are private. One descriptor may have several watches.
 */
struct cst_watch {
    cst_loop *loop;
    cst_watch_fn *fn;
    void *arg;
    cst_watch *next, *prev;
    int fd;
    uint8_t wanted, came;
    bool of_stream; /* one of this library's */
    uintptr_t reserved[1];
};

/**
 * Add a watch to a loop. It waits for nothing yet. Whatever waiting needs, of memory and of the
 * system, is taken here, so that waiting cannot fail. Remove the watch before its descriptor is
 * closed or its storage goes: a descriptor that is closed first may stay in the backend if it has a
 * duplicate, and its number may be that of another descriptor by then.
 *
 * CST_OK             added
 * CST_E_NOMEM        nothing has changed
 * CST_OS(n)          the backend refuses the descriptor: EBADF, or ENOMEM or ENOSPC if the system
 *                    has reached a limit; nothing has changed
 * CST_E_INVALID_ARG  an argument is NULL, fd is negative, or the watch is in a loop already
 */
CST_API cst_status cst_watch_add(cst_watch *watch, cst_loop *loop, int fd, cst_watch_fn *fn,
                                 void *arg);

/**
 * Wait for these events too, once: when fn is called, the watch no longer waits for what has come.
 * Call it after EAGAIN. Events that are there already count: fn is called in the next turn.
 * CST_OK, CST_E_INVALID_ARG (not in a loop).
 */
CST_API cst_status cst_watch_want(cst_watch *watch, unsigned events);

/** Wait for nothing: fn is not called. CST_OK, CST_E_INVALID_ARG (not in a loop). */
CST_API cst_status cst_watch_want_nothing(cst_watch *watch);

/** Take the watch out of its loop: fn is not called. Fine inside fn, and if it is in no loop. */
CST_API void cst_watch_remove(cst_watch *watch);

#endif

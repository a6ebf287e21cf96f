/*
 * ctx.h - the host's side: what runs when, and how a loop of the host's drives it.
 *
 * A context owns the streams made in it, the queues of their deferred tasks, and free lists, so
 * that steady flow allocates nothing. It never sleeps, polls, starts a thread or reads a clock. The
 * host does that, and calls cst_ctx_run. One call is one turn:
 *
 *     for (;;) {
 *         cst_budget budget = { .tasks = 1000, .bytes = 1 << 20, .now_ns = clock_now() };
 *         cst_status st = cst_ctx_run(ctx, &budget);          run what is due; callbacks are called
 *         wait_for_io(st == CST_MORE ? 0 : budget.due_ns);    until I/O, due_ns, or woken
 *         hand_over_what_came(ctx);                           cst_push, cst_port_commit ...
 *     }
 *
 * A turn runs, in this order:
 *
 *     1  deferred tasks, first in first out, with those that they queue    Node: process.nextTick
 *     2  one timer that is due, if the host tells the time; then 1 again   Node: setTimeout
 *     3  one immediate; then 1 and 2 again                                 Node: setImmediate
 *     4  the tasks of cst_at_turn_end, if nothing is left or the budget is spent
 *
 * What a stream does later is always a deferred task. Immediates are what comes from outside: what
 * ports were told (port.h), tasks of other threads (cst_post), and the rest of a flow that was cut
 * by the budget's limit on bytes.
 *
 * When the host may sleep. CST_IDLE promises that nothing can run before budget.due_ns unless wake
 * is called. The host may sleep until due_ns; CST_NEVER is without end. After CST_MORE the host
 * does not sleep: it may look for I/O without waiting, and runs the context again. CST_E_UNHANDLED
 * is CST_IDLE with bad news.
 *
 * When the host is woken. After a turn has returned CST_IDLE, the first thing that gives the
 * context work calls wake: a task or an immediate is queued, another thread posts a task, or a
 * timer is started that is due before due_ns. wake is then not called again before another turn has
 * returned CST_IDLE. A new context counts as one whose turn has returned CST_IDLE. A host of one
 * thread that always runs the context before it sleeps needs no wake.
 *
 * The clock. The context's time is the latest time that it was told: by a turn with a budget
 * (cst_budget.now_ns), by cst_ctx_set_now_ns, or when it was made (cst_ctx_opts.now_ns). A span of
 * time (cst_timer_start_in, cst_set_timeouts) begins
 *
 *     in a turn with a budget    at the turn's now_ns, or at a later time told inside the turn
 *     outside such a turn        at the time that cst_ctx_opts.clock returns. Without a clock, at
 *                                the latest time that was told. So a host without a clock tells the
 *                                time after each wait, before it hands over what came; otherwise
 *                                the span is too short by the wait.
 *     before any time was told   at the first time that is told. Until then due_ns is 0, so that
 *                                the host runs a turn.
 *
 * Re-entrancy. Every function of the library may be called inside every callback, slot and
 * listener. Two exceptions: cst_ctx_run and cst_ctx_free return CST_E_NESTED there; and wake and
 * clock may call nothing of the library.
 *
 * Threads: one thread at a time uses a context and what was made in it. Contexts share nothing.
 * Only cst_post may be called from other threads.
 */
#ifndef CSTREAM_CTX_H
#define CSTREAM_CTX_H

#include "slice.h"

typedef struct cst_ctx cst_ctx;

typedef void cst_task_fn(void *arg);

/** A place in a queue of tasks. Private. */
typedef struct cst_task_link {
    struct cst_task_link *next;
    void (*run)(struct cst_task_link *link);
} cst_task_link;

/** A task, in storage of the host's. Zero it before its first use; the fields are private. */
typedef struct cst_task {
    cst_task_link link;
    cst_task_fn *fn;
    void *arg;
} cst_task;

/** A timer, in storage of the host's. Zero it before its first use; the fields are private. */
typedef struct cst_timer {
    uint64_t due_ns;
    uint64_t order;
    struct cst_timer *child, *next, *prev;
    cst_task_fn *fn;
    void *arg;
    bool is_unsettled, is_limit;
} cst_timer;

/** A time that does not come. */
#define CST_NEVER UINT64_MAX

/**
 * Options of a context; zeroes are the defaults.
 *
 * wake, wake_arg    called when an idle context gets work outside a turn; see "When the host is
 *                   woken" above. It makes the host's loop stop sleeping, and calls nothing of the
 *                   library. It is called on the thread that brought the work: if the host uses
 *                   cst_post, on a posting thread too. NULL: the host finds out when it runs.
 * nesting_limit     how deep synchronous stages may run inside one another before a chunk is
 *                   buffered and goes on by a task; 0 is 64. It bounds the stack for a pipeline of
 *                   any length, and for compositions inside one another, whose ends, destroys and
 *                   'drain' events count too. Idle pass-throughs, up to 32 in a row, are skipped
 *                   and do not count; but each of them counts in a library that was compiled with
 *                   -DCST_NO_EXPRESS, in which it takes its share of the stack.
 * cached_blocks     how many blocks of one size cst_buf_new_cached keeps for reuse. 0: 16, or more
 *                   if the blocks are small, until they make 196,608 bytes. That many small blocks
 *                   wait in a source, a stage and a sink that are full.
 * host, host_kind   what drives the context: a pointer of the host's, and a word that says what it
 *                   points to (static). cst_ctx_host returns it, so that a stream that was given
 *                   only a context finds its loop. May be NULL.
 * clock, clock_arg  return the time, in the unit of cst_budget.now_ns. Called when a span begins
 *                   outside a turn, on the thread that begins it; calls nothing of the library.
 *                   NULL: the context knows only what it is told.
 * now_ns            the time now, as with cst_ctx_set_now_ns; 0 tells nothing. It grows old: a span
 *                   that begins later, before the first turn, begins at this time. Not needed with
 *                   a clock.
 */
typedef struct cst_ctx_opts {
    void (*wake)(void *arg);
    void *wake_arg;
    unsigned nesting_limit;
    unsigned cached_blocks;
    void *host;
    const char *host_kind;
    uint64_t (*clock)(void *arg);
    void *clock_arg;
    uint64_t now_ns;
    uintptr_t reserved[4];
} cst_ctx_opts;

/**
 * How much one turn may do, and what the host has to know after it. Zero the struct, then set the
 * limits; 0 is no limit.
 *
 * tasks   in: how many tasks, timers and immediates may run. The limit cuts between two of them, so
 *         it changes no order. With a limit of 1, each callback of Node's is a turn of its own.
 * bytes   in: how many bytes may leave the buffers of flowing streams. When they are spent, a flow
 *         stops after the current chunk, and the rest of it becomes the last immediate; immediates
 *         then wait for the next turn. So streams whose data never ends take turns, and tasks and
 *         timers run in between. A turn exceeds the limit by one chunk at most. The order within a
 *         stream stays; between streams it may differ from Node's, which has no such limit. A chunk
 *         that a filter passes on without buffering it is counted once, at its source.
 * now_ns  in: the host's clock, in nanoseconds from any beginning. Timers that are due by it run. A
 *         clock that runs backwards makes the context's clock stand still. 0 is a time too.
 * due_ns  out: when the next timer or limit of a stream is due; CST_NEVER if there is none. Do not
 *         sleep if it is not in the future.
 */
typedef struct cst_budget {
    size_t tasks;
    size_t bytes;
    uint64_t now_ns;
    uint64_t due_ns;
    uintptr_t reserved[4];
} cst_budget;

/**
 * Make a context.
 *
 * opts  may be NULL
 *
 * CST_OK             *out is the caller's, until cst_ctx_free
 * CST_E_NOMEM        *out is untouched
 * CST_E_INVALID_ARG  out or allocator is NULL
 */
CST_API cst_status cst_ctx_new(cst_ctx **out, const cst_allocator *allocator,
                               const cst_ctx_opts *opts);

/**
 * Free a context and everything in it. In this order it
 *
 *   - stops every timer; their functions are not called
 *   - destroys the streams that are still open
 *   - runs the queued tasks and immediates
 *   - calls every callback of a write or an end that is still owed, with the stream's error or
 *     CST_E_DESTROYED, and every one of a cst_pipeline or cst_finished, with the error that was met
 *     or CST_E_PREMATURE_CLOSE
 *   - frees streams, queues and free lists
 *
 * So every callback that was promised is called. Afterwards the handles of the context's streams
 * are dead, whatever references were held; no completion may come, and no other thread may post.
 * Slices stay valid. Inside this call no stream can be made and no timer started.
 *
 * CST_OK        freed; NULL is fine
 * CST_E_NESTED  called inside a callback or a slot of this context: nothing has changed
 */
CST_API cst_status cst_ctx_free(cst_ctx *ctx);

/**
 * Run one turn, as drawn above, until nothing can run or the budget is spent. A timer that is
 * started during a turn runs in a later turn, so a timer that starts itself again does not keep the
 * turn going.
 *
 * budget  NULL: no limits, no timers, and no time is told
 *
 * CST_IDLE           nothing can run before budget->due_ns, which may be now if a timer was started
 *                    during this turn
 * CST_MORE           the budget is spent and something is left: run again
 * CST_E_UNHANDLED    as CST_IDLE; and since this status was last returned, an 'error' event had no
 *                    listener. The error stays on its stream (cst_errored). Errors of streams that
 *                    are read by cst_next do not count.
 * CST_E_NESTED       called inside a callback or a slot: nothing has run
 * CST_E_INVALID_ARG  ctx is NULL
 */
CST_API cst_status cst_ctx_run(cst_ctx *ctx, cst_budget *budget);

/**
 * Return whether something is queued that a turn would run, by another thread too. Timers do not
 * count.
 */
CST_API bool cst_ctx_has_work(const cst_ctx *ctx);

/**
 * Return whether a timer is started. Limits of streams (timeout.h) do not count: a loop that ends
 * when nothing is left goes on for work, for timers and for I/O, but not for a limit. Node: the
 * timers of sockets are unref'd.
 */
CST_API bool cst_ctx_has_timers(const cst_ctx *ctx);

/**
 * Tell the context the time; see "The clock" above. Call it after a wait, before what came is
 * handed over. Runs nothing. A time before the latest one changes nothing. Timers that have become
 * due run in the next turn with a budget, or in the current one.
 *
 * CST_OK             done
 * CST_E_INVALID_ARG  ctx is NULL
 */
CST_API cst_status cst_ctx_set_now_ns(cst_ctx *ctx, uint64_t now_ns);

/**
 * Return the context's time: the latest one that was told or that cst_ctx_opts.clock returned. 0
 * before the first, and for NULL.
 */
CST_API uint64_t cst_ctx_now_ns(const cst_ctx *ctx);

/**
 * Return when the next timer or limit of a stream is due. It is what cst_budget.due_ns is after a
 * turn; callbacks outside a turn may have changed it since. 0 if one was started before any time
 * was told; CST_NEVER if there is none, and for NULL.
 */
CST_API uint64_t cst_ctx_due_ns(const cst_ctx *ctx);

/* --- tasks ------------------------------------------------------------------------------------ */

/**
 * Queue fn(arg) behind the deferred tasks that are queued already. Needs no memory. The task's
 * storage must stay until fn is called; inside fn it may be used again or freed.
 * Node: process.nextTick.
 *
 * CST_OK             queued
 * CST_PENDING        this task is queued already, here or as an immediate or for the turn's end:
 *                    nothing has changed
 * CST_E_INVALID_ARG  ctx, task or fn is NULL
 */
CST_API cst_status cst_defer(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/**
 * Queue fn(arg) as the last immediate: it is called when no deferred task and no timer is due. A
 * host that does not use ports hands in what its I/O brought by such tasks, so that everything that
 * one of them causes happens before the next, as in Node. Storage and results as in cst_defer.
 * Node: setImmediate.
 */
CST_API cst_status cst_immediate(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/**
 * Queue fn(arg) for the end of the current turn, or of the next one: the place to tell the system
 * once what many callbacks have decided. It is called whatever the budget is. If it queues work and
 * the budget is not spent, the turn goes on and ends once more. Storage and results as in
 * cst_defer.
 */
CST_API cst_status cst_at_turn_end(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/**
 * Queue fn(arg) from any thread, as an immediate, without a lock and without memory. cst_ctx_run
 * calls fn, on the thread that runs the context; fn sees what the posting thread wrote before.
 * Tasks that one thread posts keep their order. Bytes travel as slices marked by cst_slice_share.
 *
 * The task belongs to the context from this call until fn is called. It must not be queued a second
 * time before; that is not checked. The context must not be freed meanwhile.
 *
 * CST_OK             queued
 * CST_E_UNSUPPORTED  this build has no atomics
 * CST_E_INVALID_ARG  ctx, task or fn is NULL
 *
 * Re-entrancy: may call wake before it returns, on this thread.
 */
CST_API cst_status cst_post(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/* --- timers ----------------------------------------------------------------------------------- */

/**
 * Call fn(arg) once, inside cst_ctx_run, when a turn's now_ns has reached due_ns. Of several timers
 * that are due, the one with the earliest due_ns runs first; of equal ones, the one that was
 * started first. A due_ns in the past counts as now. A timer that is started already is stopped
 * first, so starting it is also how to move it. Needs no memory. The storage must stay until fn is
 * called or the timer is stopped; inside fn it may be started again or freed.
 *
 * CST_OK             started
 * CST_E_DESTROYED    the context is being freed
 * CST_E_INVALID_ARG  ctx, timer or fn is NULL
 */
CST_API cst_status cst_timer_start(cst_ctx *ctx, cst_timer *timer, uint64_t due_ns, cst_task_fn *fn,
                                   void *arg);

/**
 * Start a timer as cst_timer_start does, delay_ns from now. "The clock" above says what now is: the
 * timer is never early by what the context was told. A sum that does not fit is CST_NEVER.
 * Node: setTimeout.
 */
CST_API cst_status cst_timer_start_in(cst_ctx *ctx, cst_timer *timer, uint64_t delay_ns,
                                      cst_task_fn *fn, void *arg);

/**
 * Stop a timer of this context. Node: clearTimeout.
 *
 * CST_OK             stopped
 * CST_EMPTY          it was not started
 * CST_E_INVALID_ARG  ctx or timer is NULL
 */
CST_API cst_status cst_timer_stop(cst_ctx *ctx, cst_timer *timer);

/** Return whether the timer is started and has not run yet. */
CST_API bool cst_timer_is_started(const cst_timer *timer);

/* --- settings and memory ---------------------------------------------------------------------- */

/**
 * Set or get the highWaterMark of streams that are made without one: 65,536 bytes, or 16 messages
 * in object mode. It is read when a stream is made. Node: setDefaultHighWaterMark,
 * getDefaultHighWaterMark.
 *
 * The setter returns CST_OK, or CST_E_INVALID_ARG if ctx is NULL; the getter returns 0 for NULL.
 */
CST_API cst_status cst_ctx_set_default_high_water_mark(cst_ctx *ctx, bool object_mode,
                                                       size_t value);
CST_API size_t cst_ctx_default_high_water_mark(const cst_ctx *ctx, bool object_mode);

/**
 * Return cst_ctx_opts.host if its kind is `kind`, compared as text; else NULL. The kind of a
 * cst_loop (posix/loop.h) is "cst_loop".
 */
CST_API void *cst_ctx_host(const cst_ctx *ctx, const char *kind);

/** Return the allocator that the context was made with. */
CST_API const cst_allocator *cst_ctx_allocator(const cst_ctx *ctx);

/**
 * Make a buffer of cap bytes, from the context's cache of blocks if one of that size is free. A
 * source that reads into such buffers allocates nothing per chunk in steady flow. The block returns
 * to the cache when its last slice is dropped. It is freed instead if the cache is full, if the
 * context is gone, or if the slice was shared between threads (cst_slice_share).
 *
 * CST_OK             *out is the caller's, to freeze or to free
 * CST_E_NOMEM        no memory, or cap is too large for a block; *out is untouched
 * CST_E_INVALID_ARG  out or ctx is NULL
 */
CST_API cst_status cst_buf_new_cached(cst_buf *out, cst_ctx *ctx, size_t cap);

#endif

/*
 * ctx.h - the host's side: what runs when, and how a loop of your own drives it.
 *
 * A context owns an allocator, the queues that make streams go, the free lists that make steady flow free of
 * allocations, and the streams made in it. It never sleeps, polls, starts a thread or reads a clock: the host does, and
 * turns the context by cst_ctx_run. One call of it is a turn:
 *
 *     for (;;) {
 *         cst_budget budget = { .tasks = 1000, .bytes = 1 << 20, .now_ns = clock_now() };
 *         cst_status st = cst_ctx_run(ctx, &budget);            what is due runs; the user's callbacks are called
 *         wait_for_io(st == CST_MORE ? 0 : budget.due_ns);      sleep until then, until I/O, or until woken
 *         hand_over_what_came(ctx);                             cst_push, cst_complete, cst_port_commit ...
 *     }
 *
 * What a turn runs, in this order:
 *
 *     1  deferred tasks, first in first out, those that they queue included     Node: process.nextTick
 *     2  a timer that is due, if the host says what time it is; then 1 again    Node: setTimeout
 *     3  an immediate; then 1 and 2 again                                       Node: setImmediate
 *     4  the tasks of cst_at_turn_end, when nothing is left or the budget is spent
 *
 * Streams defer by 1 alone. Immediates are what the host brings: the bytes and completions of ports (port.h), tasks of
 * other threads (cst_post); and the rest of a flow that a limit on bytes has cut.
 *
 * When the host may sleep. CST_IDLE promises that nothing can run before budget.due_ns, unless wake is called. The host
 * then sleeps until due_ns (CST_NEVER: for as long as it likes). After CST_MORE it does not sleep: it may look for I/O
 * without waiting, and runs again. CST_E_UNHANDLED is CST_IDLE with bad news.
 *
 * When the host is woken. From the end of a turn that said CST_IDLE until the next turn begins, the first thing that
 * makes the context busy calls wake: a task or an immediate is queued, another thread posts one, or a timer is started
 * that is due earlier than due_ns said. wake is called once then, and not again before a turn has said CST_IDLE again.
 * A new context counts as one whose turn has said CST_IDLE.
 * A single-threaded host that always runs the context before it sleeps needs no wake.
 *
 * The clock. A context believes the latest time that it was told: by a turn with a budget (cst_budget.now_ns), by
 * cst_ctx_set_now_ns, or at its making (cst_ctx_opts.now_ns). What a span (cst_timer_start_in, cst_set_timeouts) counts
 * from:
 *
 *     in a turn with a budget       from the turn's now_ns, or from a later time that was told inside the turn
 *     otherwise                     from what cst_ctx_opts.clock says, which is asked; without one, from the latest time
 *                                   that was told: so a host without one tells the time after each wait, before it hands
 *                                   over what came, or its spans are early by the wait
 *     where nothing was told yet    from the first time that is told; until then due_ns is 0, so the host runs a turn
 *
 * Which calls may be made where. Every call of the library may be made inside any callback, slot or listener, save
 * cst_ctx_run and cst_ctx_free, which say CST_E_NESTED there; wake and clock may call nothing of the library.
 *
 * Threads: one thread at a time uses a context and what was made in it. Contexts share nothing. cst_post alone may be
 * called from other threads.
 */
#ifndef CSTREAM_CTX_H
#define CSTREAM_CTX_H

#include "slice.h"

typedef struct cst_ctx cst_ctx;

typedef void cst_task_fn(void *arg);

/** A place in a queue of tasks. The library's own. */
typedef struct cst_task_link {
    struct cst_task_link *next;
    void (*run)(struct cst_task_link *link);
} cst_task_link;

/** A task of the host's own, in storage of the host's. Zero it before its first use; the fields are the library's. */
typedef struct cst_task {
    cst_task_link link;
    cst_task_fn *fn;
    void *arg;
} cst_task;

/** A timer, in storage of the host's. Zero it before its first use; the fields are the library's. */
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
 * Zeroes mean the defaults.
 *
 * wake, wake_arg  called when the context goes from idle to busy outside a turn; see above. It is called on the thread
 *                 that made it busy: the one that runs the context or, where the host uses cst_post, the posting one,
 *                 so it must be safe there. It sees to it that the host's loop stops sleeping, and calls nothing of the
 *                 library. NULL: the host finds out by running.
 * nesting_limit   how deep synchronous stages run inside one another before a chunk is buffered and goes on by a task;
 *                 0 is 64. It bounds the stack for any length of pipeline, and for compositions inside one another, whose
 *                 ends, destroys and 'drain's count too. Idle pass-throughs are skipped and do not count.
 * host, host_kind what drives the context: a pointer of the host's own, and a word that says what it points to, static;
 *                 cst_ctx_host gives it back, so that a stream that was given a context alone finds its loop. May be NULL.
 * cached_blocks   how many blocks of one size cst_buf_new_cached keeps for reuse; 0 is 16, or as many as make 196,608 bytes
 *                 where that is more: so many small blocks wait in a source, a stage and a sink that are full
 * clock, its arg  says what time it is, in the unit of cst_budget.now_ns. It is asked when a span starts outside a turn;
 *                 see "The clock" above. It is called on the thread that starts the span, and calls nothing of the library.
 *                 NULL: the context knows what it is told
 * now_ns          what time it is now, as cst_ctx_set_now_ns tells it; 0 tells nothing. It ages: a span that starts later,
 *                 before the first turn, counts from it. With a clock there is no need for it
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
 * How much one turn may do, and what the host has to know after it. Zero the struct, then set the limits: 0 is without
 * limit.
 *
 * tasks   in: how many tasks, timers and immediates may run. It cuts between them: no order changes by it, and in a
 *         turn of 1 each callback chain of Node's is a turn of its own.
 * bytes   in: how many bytes may leave the buffers of flowing streams. When they are spent, a flow stops after the
 *         present chunk, so the overshoot is one chunk, and its rest becomes the last immediate; immediates wait for
 *         the next turn. So streams whose data never ends take turns, and tasks and timers come in between. The order
 *         within each stream stays; between streams it may differ from Node's, which has no such limit. Chunks that a
 *         filter hands through without buffering them are counted once, where they began.
 * now_ns  in: the host's clock, in nanoseconds from any beginning; it should not run backwards, and where it does the
 *         context's clock stands still. Timers that are due by it fire. 0 is a time too.
 * due_ns  out: when the next timer or limit of a stream is due, CST_NEVER where none is. In the past, or now: do not
 *         sleep.
 */
typedef struct cst_budget {
    size_t tasks;
    size_t bytes;
    uint64_t now_ns;
    uint64_t due_ns;
    uintptr_t reserved[4];
} cst_budget;

/**
 * CST_OK             *out is the caller's, until cst_ctx_free
 * CST_E_NOMEM        *out is untouched
 * CST_E_INVALID_ARG  out or allocator is NULL
 */
CST_API cst_status cst_ctx_new(cst_ctx **out, const cst_allocator *allocator,
                               const cst_ctx_opts *opts);

/**
 * Ends a context: destroys the streams that are still open, runs the tasks and immediates that are queued, stops every
 * timer, calls every callback of a write or end that is still owed (with the stream's error or CST_E_DESTROYED), and every
 * one of a cst_pipeline or cst_finished (with the error that was met, or CST_E_PREMATURE_CLOSE), and frees streams, queues
 * and free lists. Every callback that was promised is called; the function of a timer is not. Handles to the context's
 * streams are dead then, whatever references were held; no completion may come after it, and no other thread may post.
 * Slices stay valid. Streams may not be made inside it, nor timers started.
 *
 * CST_OK          gone; NULL is fine
 * CST_E_NESTED    called inside a callback or a slot of the same context: nothing has changed
 */
CST_API cst_status cst_ctx_free(cst_ctx *ctx);

/**
 * One turn, as drawn above, until nothing can run or the budget is spent. budget NULL: without limits, without timers,
 * and no time is told.
 *
 * A timer that is started during a turn fires in a later one at the earliest: so a timer that starts itself again does
 * not hold the turn.
 *
 * CST_IDLE            nothing can run before budget->due_ns; that may be now, for a timer started during this turn
 * CST_MORE            the budget is spent and something is left: run again
 * CST_E_UNHANDLED     as CST_IDLE, and since the last such answer an 'error' event had no listener; said once. The
 *                     error stays on its stream (cst_errored). Not of a stream that cst_next has been called for.
 * CST_E_NESTED        called inside a callback or a slot: nothing has run
 * CST_E_INVALID_ARG   ctx is NULL
 */
CST_API cst_status cst_ctx_run(cst_ctx *ctx, cst_budget *budget);

/** Whether something is queued, by another thread too: a turn now would run it. Timers do not count. */
CST_API bool cst_ctx_has_work(const cst_ctx *ctx);

/** Whether a timer is started. Limits of streams (timeout.h) do not count: a loop that ends when nothing is left stays for
 * work, for timers, and for what it waits for itself, and not for them. Node: timers that are unref'd. */
CST_API bool cst_ctx_has_timers(const cst_ctx *ctx);

/**
 * Tells the context what time it is; see "The clock" above. Runs nothing, and may be called everywhere, save inside wake
 * and clock: after a wait, so that what is called then counts from after it. A time before the latest changes nothing.
 * Timers that have become due fire in the next turn with a budget; inside such a turn, in that one.
 *
 * CST_OK, CST_E_INVALID_ARG (ctx is NULL)
 */
CST_API cst_status cst_ctx_set_now_ns(cst_ctx *ctx, uint64_t now_ns);

/** The latest time that was told, or that opts.clock has said: the context's clock. 0 before the first, and for NULL. */
CST_API uint64_t cst_ctx_now_ns(const cst_ctx *ctx);

/** When the next timer or limit of a stream is due, as cst_budget has it after a turn; callbacks outside a turn may have
 * changed it since. 0 while one has started that waits for the first time to be told. CST_NEVER where none is, and for
 * NULL. */
CST_API uint64_t cst_ctx_due_ns(const cst_ctx *ctx);

/* --- tasks: none of these can fail for want of memory ------------------------------------------------------------- */

/**
 * Queues fn(arg) behind the deferred tasks that are queued already. Node: process.nextTick. The task's storage must stay
 * until fn is called; inside fn it may be used again or freed.
 *
 * CST_OK             queued
 * CST_PENDING        this task is queued already, here or by one of the next two: nothing has changed
 * CST_E_INVALID_ARG  ctx, task or fn is NULL
 */
CST_API cst_status cst_defer(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/**
 * Queues fn(arg) as the last immediate: it is called when no deferred task and no timer is due. Node: setImmediate. A
 * host that does not use ports hands in what its I/O brought by such tasks, so that each is followed by all that it
 * causes, as in Node. The rest as cst_defer.
 */
CST_API cst_status cst_immediate(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/**
 * Queues fn(arg) for the end of the turn that is running, or of the next: the place to tell the system, once, what many
 * callbacks have decided. It is called whatever the budget. Where it makes the context busy, and the budget is not
 * spent, the turn goes on, and ends once more. The rest as cst_defer.
 */
CST_API cst_status cst_at_turn_end(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/**
 * Queues fn(arg) from any thread, as an immediate; without a lock and without memory. fn is called by cst_ctx_run, on
 * the thread that runs the context; what the poster wrote before is seen there. Tasks of one thread keep their order.
 * Bytes travel with it as slices marked with cst_slice_share.
 *
 * The task is the poster's until this call, the context's until fn is called: it must not be queued a second time
 * before that, which is not found out. The context must not be freed meanwhile.
 *
 * wake may be called before this returns, on this thread.
 *
 * CST_OK             queued
 * CST_E_UNSUPPORTED  this build has no atomics
 * CST_E_INVALID_ARG  ctx, task or fn is NULL
 */
CST_API cst_status cst_post(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/* --- timers: they cannot fail either, and are called inside cst_ctx_run alone -------------------------------------- */

/**
 * Calls fn(arg) once, when a turn's now_ns has reached due_ns; of several that are due, the earliest first, and of those
 * with the same due_ns the one that was started first. A due_ns in the past counts as the context's now. A timer that is
 * started already is stopped first: starting is also how it is moved. The storage must stay until fn is called or the
 * timer is stopped; inside fn it may be started again or freed.
 *
 * CST_OK             started
 * CST_E_DESTROYED    the context is being freed
 * CST_E_INVALID_ARG  ctx, timer or fn is NULL
 */
CST_API cst_status cst_timer_start(cst_ctx *ctx, cst_timer *timer, uint64_t due_ns, cst_task_fn *fn,
                                   void *arg);

/** As cst_timer_start, delay_ns from now. What now is, "The clock" above says: never early by what the context was told.
 * A sum beyond the clock is CST_NEVER. */
CST_API cst_status cst_timer_start_in(cst_ctx *ctx, cst_timer *timer, uint64_t delay_ns,
                                      cst_task_fn *fn, void *arg);

/** Forgets a timer of this context. CST_OK, CST_EMPTY (it was not started), CST_E_INVALID_ARG (ctx or timer is NULL) */
CST_API cst_status cst_timer_stop(cst_ctx *ctx, cst_timer *timer);

/** Whether it is to fire. */
CST_API bool cst_timer_is_started(const cst_timer *timer);

/* --- settings and memory ------------------------------------------------------------------------------------------ */

/**
 * The highWaterMark of streams that say nothing else, read when a stream is made: 65,536 bytes, and 16 messages in
 * object mode. Node: getDefaultHighWaterMark, setDefaultHighWaterMark.
 *
 * set: CST_OK, CST_E_INVALID_ARG (ctx is NULL). get: 0 for NULL.
 */
CST_API cst_status cst_ctx_set_default_high_water_mark(cst_ctx *ctx, bool object_mode,
                                                       size_t value);
CST_API size_t cst_ctx_default_high_water_mark(const cst_ctx *ctx, bool object_mode);

/** The host that the context was made with if it is of that kind, compared as text; else NULL. The kind of cst_loop
 * (posix/loop.h) is "cst_loop". */
CST_API void *cst_ctx_host(const cst_ctx *ctx, const char *kind);

/** The allocator that the context was made with. */
CST_API const cst_allocator *cst_ctx_allocator(const cst_ctx *ctx);

/**
 * A buffer of cap bytes, from the context's cache of blocks where one of that size is free: a source that reads into
 * such buffers allocates nothing per chunk in steady flow. The block comes back to the cache when its last slice goes; it
 * is freed then where the context is gone, or where the slice was shared between threads (cst_slice_share).
 *
 * CST_OK, CST_E_NOMEM, CST_E_INVALID_ARG as cst_buf_new
 */
CST_API cst_status cst_buf_new_cached(cst_buf *out, cst_ctx *ctx, size_t cap);

#endif

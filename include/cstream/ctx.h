/*
 * ctx.h - the host's side: the queue of deferred tasks that makes streams go.
 *
 * A context owns an allocator, a queue of deferred tasks (Node's process.nextTick: first in, first out), the free lists
 * that make steady flow free of allocations, and the streams made in it. It never sleeps, polls, starts a thread or
 * reads a clock. The host turns it:
 *
 *     host has something to do (a read completed, a timer fired, main begins)
 *        -> calls a stream: cst_push, cst_write, cst_complete ...     data moves, tasks are queued
 *        -> cst_ctx_run(ctx, NULL)                                    tasks run until none is left
 *        -> waits for the next thing
 *
 * Threads: one thread at a time uses a context and what was made in it. Contexts share nothing.
 */
#ifndef CSTREAM_CTX_H
#define CSTREAM_CTX_H

#include "slice.h"

typedef struct cst_ctx cst_ctx;

typedef void cst_task_fn(void *arg);

/** A place in the queue of deferred tasks. The library's own. */
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

/**
 * Zeroes mean the defaults.
 *
 * wake, wake_arg  called once when the context goes from idle to having work, outside cst_ctx_run: a loop that sleeps
 *                 wakes up and runs. Not called again before a run has come to rest. It may not call the library.
 * nesting_limit   how deep synchronous stages run inside one another before a chunk is buffered and goes on by a task;
 *                 0 is 64. It bounds the stack for any length of pipeline.
 * cached_blocks   how many blocks of one size cst_ctx_buf keeps for reuse; 0 is 16
 */
typedef struct cst_ctx_opts {
    void (*wake)(void *arg);
    void *wake_arg;
    unsigned nesting_limit;
    unsigned cached_blocks;
    uintptr_t reserved[4];
} cst_ctx_opts;

/**
 * How much one run may do. Zero the struct, then set the limits: 0 is without limit.
 *
 * tasks  how many tasks may run. A limit cuts between tasks and never changes the order of anything.
 */
typedef struct cst_budget {
    size_t tasks;
    uintptr_t reserved[7];
} cst_budget;

/**
 * CST_OK             *out is the caller's, until cst_ctx_free
 * CST_E_NOMEM        *out is untouched
 * CST_E_INVALID_ARG  out or allocator is NULL
 */
CST_API cst_status cst_ctx_new(cst_ctx **out, const cst_allocator *allocator, const cst_ctx_opts *opts);

/**
 * Ends a context: destroys the streams that are still open, runs what is due, calls every callback of a write or end
 * that is still owed (with the stream's error or CST_E_DESTROYED), and frees streams, queues and free lists. Handles to
 * its streams are dead then, whatever references were held; no completion may come after it. Slices stay valid.
 *
 * CST_OK          gone; NULL is fine
 * CST_E_NESTED    called inside a callback or a slot of the same context: nothing has changed
 */
CST_API cst_status cst_ctx_free(cst_ctx *ctx);

/**
 * Runs deferred tasks, those that they queue included, until none is left or the budget is spent. budget may be NULL.
 *
 * CST_IDLE            none is left
 * CST_MORE            the budget is spent and tasks are left: run again
 * CST_E_UNHANDLED     none is left, and since the last such answer an 'error' event had no listener; said once, in place
 *                     of CST_IDLE. The error stays on its stream (cst_errored).
 * CST_E_NESTED        called inside a callback or a slot: nothing has run
 * CST_E_INVALID_ARG   ctx is NULL
 */
CST_API cst_status cst_ctx_run(cst_ctx *ctx, const cst_budget *budget);

/** Whether tasks are queued. */
CST_API bool cst_ctx_has_work(const cst_ctx *ctx);

/**
 * Queues fn(arg) behind what is queued already. Node: process.nextTick. The task's storage must stay until fn is called;
 * inside fn it may be used again or freed. Cannot fail.
 *
 * CST_OK             queued
 * CST_PENDING        this task is queued already: nothing has changed
 * CST_E_INVALID_ARG  ctx, task or fn is NULL
 */
CST_API cst_status cst_defer(cst_ctx *ctx, cst_task *task, cst_task_fn *fn, void *arg);

/**
 * The highWaterMark of streams that say nothing else, read when a stream is made: 65,536 bytes, and 16 messages in
 * object mode. Node: getDefaultHighWaterMark, setDefaultHighWaterMark.
 *
 * set: CST_OK, CST_E_INVALID_ARG (ctx is NULL). get: 0 for NULL.
 */
CST_API cst_status cst_ctx_set_default_high_water_mark(cst_ctx *ctx, bool object_mode, size_t value);
CST_API size_t cst_ctx_default_high_water_mark(const cst_ctx *ctx, bool object_mode);

/** The allocator that the context was made with. */
CST_API const cst_allocator *cst_ctx_allocator(const cst_ctx *ctx);

/**
 * A buffer of cap bytes, from the context's cache of blocks where one of that size is free: a source that reads into
 * such buffers allocates nothing per chunk in steady flow. The block comes back to the cache when its last slice goes; it
 * is freed then where the context is gone, or where the slice was shared between threads (cst_slice_share).
 *
 * CST_OK, CST_E_NOMEM, CST_E_INVALID_ARG as cst_buf_new
 */
CST_API cst_status cst_ctx_buf(cst_buf *out, cst_ctx *ctx, size_t cap);

#endif

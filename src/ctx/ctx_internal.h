/*
 * ctx_internal.h - what the rooms above need of a context: its queue, its memory, and the rule of when things are freed.
 *
 * Nothing that user code may still be looking at is freed under it. A call of the library that can run user code is a
 * frame: cst__enter, cst__leave. What is no longer needed is laid into limbo, and limbo is emptied when the last frame
 * is left, or between two tasks: no emission, slot or callback is on the stack then.
 */
#ifndef CSTREAM_CTX_INTERNAL_H
#define CSTREAM_CTX_INTERNAL_H

#include "base/pool.h"
#include "bytes/block_cache.h"
#include "cstream/ctx.h"

/** Something that lives in a context and has to be ended and freed with it: a stream. */
struct cst__resident {
    struct cst__resident *next, *prev;
};

struct cst__resident_ops {
    void (*end)(struct cst__resident *resident); /* destroy it; what that brings comes by tasks */
    void (*settle)(struct cst__resident *resident); /* call the callbacks that it still owes */
    bool (*wanted)(const struct cst__resident *resident); /* somebody names it again after all */
    void (*drop)(struct cst__resident *resident);         /* free it; no user code runs */
};

/** A block on its way out; the first thing in it. */
struct cst__limbo {
    struct cst__limbo *next;
    size_t size;
};

struct cst_ctx {
    const cst_allocator *allocator;
    struct cst__pool pool;
    struct cst__block_cache *cache;

    cst_task_link *first_task; /* NULL: idle */
    cst_task_link *last_task;

    size_t default_mark[2]; /* highWaterMark of bytes, and of object mode */

    unsigned frames;  /* calls that can run user code, now on the stack; a run is one */
    unsigned nesting; /* 'data' emissions inside push, inside one another */
    unsigned nesting_limit;
    bool awake;     /* the host knows that there is work, or is running */
    bool unhandled; /* an 'error' had no listener */
    bool closing;   /* cst_ctx_free is at work: nothing new may begin */

    void (*wake)(void *arg);
    void *wake_arg;

    struct cst__resident *residents;
    struct cst__resident *dead; /* of them, those to be dropped when the last frame is left */
    const struct cst__resident_ops *resident_ops;
    struct cst__limbo *limbo;

    cst_slice given;      /* what cst_give left for the slot that is about to return */
    const void *given_by; /* its stream, or NULL */
};

/** Queues a link whose run is set. */
void cst__post(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link));

/** Drops the dead and empties limbo. */
void cst__bury(cst_ctx *ctx);

void cst__resident_add(cst_ctx *ctx, struct cst__resident *resident,
                       const struct cst__resident_ops *ops);

/** Marks a resident for being dropped when the last frame is left: now, where there is none. */
void cst__resident_die(cst_ctx *ctx, struct cst__resident *resident);

/** Lays a block of the pool's into limbo. Its first bytes, a struct cst__limbo, are the library's from here on. */
void cst__free_later(cst_ctx *ctx, struct cst__limbo *block, size_t size);

static inline void cst__enter(cst_ctx *ctx)
{
    ctx->frames++;
}

static inline void cst__leave(cst_ctx *ctx)
{
    if (--ctx->frames == 0 && (ctx->dead || ctx->limbo))
        cst__bury(ctx);
}

static inline void *cst__alloc(cst_ctx *ctx, size_t size)
{
    return cst__pool_alloc(&ctx->pool, size);
}

static inline void cst__free(cst_ctx *ctx, void *ptr, size_t size)
{
    cst__pool_free(&ctx->pool, ptr, size);
}

#define cst__container_of(ptr, type, member) \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif

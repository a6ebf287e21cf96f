/*
 * ctx_internal.h - what the rooms above need of a context: its queue, its memory, and the rule of
 * when things are freed.
 *
 * Nothing that user code may still be looking at is freed under it. A call of the library that can
 * run user code is a frame: cst__enter, cst__leave. What is no longer needed is laid into limbo,
 * and limbo is emptied when the last frame is left, or between two tasks: no emission, slot or
 * callback is on the stack then.
 */
#ifndef CSTREAM_CTX_INTERNAL_H
#define CSTREAM_CTX_INTERNAL_H

#include "base/base.h"
#include "base/pool.h"
#include "bytes/copies.h"
#include "cstream/ctx.h"

#ifndef __STDC_NO_ATOMICS__
#include <stdatomic.h>
#endif

/** Something that lives in a context and has to be ended and freed with it: a stream. */
struct cst__child {
    struct cst__child *next, *prev;
};

struct cst_event;
struct cst_stream;
struct cst__listener;
struct cst__pipe;

struct cst__child_ops {
    void (*end)(struct cst__child *child); /* destroy it; what that brings comes by tasks */
    void (*settle)(struct cst__child *child); /* call the callbacks that it still owes */
    void (*drop)(struct cst__child *child);   /* free it; no user code runs */
    bool (*reap)(struct cst__child *child);   /* both; false: it is named again, and stays */
    void (*run)(void *subject, unsigned kind, cst_status status); /* a task of its own */
    bool (*run_overflow)(
        struct cst__child *child); /* one that had no room; false: there is none */
    void (*show)(cst_ctx *ctx);          /* write back what lags, if anything does */
    void (*turn_over)(cst_ctx *ctx);     /* a turn is over, and there are dormant streams */
    /* What the lower files of the stream room ask of a pipe, which is above them: that it hears an
     * event, has left a list, loses one of its streams, and hands a chunk on. */
    void (*hear)(struct cst__listener *l, const struct cst_event *event);
    void (*unlinked)(struct cst__listener *l);
    void (*stream_freed)(struct cst__listener *l);
    void (*deliver)(struct cst__pipe *pipe, const cst_slice *chunk);
    void (*readable)(struct cst_stream *s); /* emit 'readable' now: the task of that */
};

/**
 * One task in the queue. Of kind 0 is a link, which has its own function; the other kinds are the
 * children', and what they mean is theirs.
 */
struct cst__task {
    void *subject;
    unsigned kind;
    cst_status status;
};

/*
 * The queue is a list of blocks, so that a task costs one store and a burst of them leaves no
 * memory behind:
 *
 *      first_block                      last_block
 *     [ . . t t t t t ] -> [ t t t t ] -> [ t t . . . ]
 *           ^ next_task                       ^ next_room
 *
 * It always has one block, and is empty where the two places are the same. Where there is no memory
 * for another block, a link goes into a list of late ones and a child keeps a note of its own;
 * both are run before anything else: out of order, but never lost.
 */
#define CST__TASKS_A_BLOCK 63

struct cst__task_block {
    struct cst__task_block *next;
    struct cst__task tasks[CST__TASKS_A_BLOCK];
};

/** A block on its way out; the first thing in it. */
struct cst__deferred_free {
    struct cst__deferred_free *next;
    size_t size;
};

/** Tasks, first in first out. */
struct cst__queue {
    cst_task_link *first, *last; /* last is valid where first is not NULL */
};

/**
 * Of the stream room (timeout.c): streams that were told that they are idle, and wait for activity.
 * While there are such, the timer is started, be it for CST_NEVER, or has fired in this turn: so
 * the end of a turn asks for them only where there are timers.
 */
struct cst__dormant {
    struct cst__timeouts *first;
    size_t count;
    uint64_t quarter_ns; /* of the shortest of their spans, or less */
    cst_timer timer;
};

/** What the stream room keeps in a context. */
struct cst__room {
    struct cst__transform_call *transform_call; /* the innermost */
    struct cst__express *express; /* the slot that the fast path is calling, or NULL */
    cst_slice given;              /* what cst_give left for the slot that is about to return */
    const void *given_by;         /* its stream, or NULL */
};

/*
 * Idle and busy. A turn that has nothing left leaves awake false and &asleep in posted, both at
 * once. Who finds it so, with something to do, owes the host one wake: the thread of the context
 * looks at awake, and then, as the others do, at posted, whose change from &asleep is the one that
 * counts.
 */
struct cst_ctx {
    const cst_allocator *allocator;
    struct cst__pool pool;
    struct cst__block_cache *cache;
    struct cst__copies copies;

    struct cst__task_block *first_block, *last_block;
    struct cst__task *next_task, *next_room, *room_end;
    struct cst__queue overflow; /* links that had no room */
    bool has_overflow;         /* there are such, or some child may have a task that had no room */

    struct cst__queue immediates;
    struct cst__queue turn_end;
#ifndef __STDC_NO_ATOMICS__
    _Atomic(cst_task_link *)
        posted; /* a stack: the latest first; NULL where empty, &asleep where idle */
#endif
    cst_task_link asleep;
    cst_task_link *cut_flow; /* the rest of the flow that has spent the turn's bytes: the last
                               immediate when it ends */

    cst_timer *timers;    /* a pairing heap: the earliest */
    cst_timer *unsettled; /* those that count from the first time that is told; a list */
    size_t timer_count;   /* of all started timers those that are no stream's limit */
    uint64_t timer_order; /* of the timer that is started next */
    uint64_t turn_order;  /* the same when the turn began: later timers wait for the next; 0 but in
                             a turn with a budget */
    uint64_t now_ns;      /* the latest time that was told */
    uint64_t told_due_ns; /* what the host believes */
    size_t bytes_left;    /* that flows may move in this turn; never 0 where there is no limit */
    bool bytes_limited;
    bool is_time_told; /* now_ns is a time */

    size_t default_mark[2]; /* highWaterMark of bytes, and of object mode */

    /* Calls that can run user code, now on the stack; a run is one. 'data' emissions inside push,
     * inside one another, are counted in the same word, by CST__NESTED, so that what is both costs
     * one addition. */
    uint32_t frames;
    uint32_t nesting_limit; /* in the same unit */
    bool awake;             /* the host knows that there is work, or is running; see above */
    bool unhandled;         /* an 'error' had no listener */
    bool closing;           /* cst_ctx_free is at work: nothing new may begin */

    void (*wake)(void *arg);
    void *wake_arg;
    void *host;
    const char *host_kind;
    uint64_t (*clock)(void *arg);
    void *clock_arg;

    struct cst__dormant dormant;

    struct cst__child *children;
    struct cst__child *reap_list; /* of them, those to be dropped when the last frame is left */
    const struct cst__child_ops *child_ops;
    struct cst__deferred_free *deferred_frees;
    bool reap_due; /* there are dead, or something is in limbo */

    struct cst__room room;
};

/** The context is busy from here on, and was idle: the host is woken, unless another thread has
 * done that. */
void cst__wake(cst_ctx *ctx);

/** Queues run(link); the link is not queued yet. Cannot fail. */
void cst__post(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link));

/** Whether cst__add_task may be called: there is room, and the host knows that there is work. */
static inline bool cst__takes_task(const cst_ctx *ctx)
{
    return ctx->next_room != ctx->room_end && ctx->awake;
}

static inline void cst__add_task(cst_ctx *ctx, void *subject, unsigned kind, cst_status status)
{
    *ctx->next_room++ = (struct cst__task){ .subject = subject, .kind = kind, .status = status };
}

/** Queues a task, whatever stands in the way; false where there is no room. */
bool cst__put_task(cst_ctx *ctx, void *subject, unsigned kind, cst_status status);

/** The same, as short as it can be. */
static inline bool cst__queue_task(cst_ctx *ctx, void *subject, unsigned kind, cst_status status)
{
    if (!cst__takes_task(ctx))
        return cst__put_task(ctx, subject, kind, status);
    cst__add_task(ctx, subject, kind, status);
    return true;
}

/** A child's task had no room: its run_overflow will be asked for it. */
void cst__child_overflowed(cst_ctx *ctx);

/** Whether there are deferred tasks. */
static inline bool cst__has_tasks(const cst_ctx *ctx)
{
    return ctx->next_task != ctx->next_room || ctx->has_overflow;
}

/** The rest of a flow that was cut: an immediate, behind those whose flow was cut before it had
 * begun. */
void cst__post_rest(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link));

/** Runs all tasks and immediates, whatever the time: the context is being freed. */
void cst__run_all(cst_ctx *ctx);

/** What the turn may move is spent. The slow half of cst__bytes_spent. */
bool cst__bytes_are_limited(cst_ctx *ctx);

static inline bool cst__bytes_spent(cst_ctx *ctx)
{
    return ctx->bytes_left == 0 && cst__bytes_are_limited(ctx);
}

static inline void cst__bytes_moved(cst_ctx *ctx, size_t len)
{
    if (ctx->bytes_limited)
        ctx->bytes_left = len < ctx->bytes_left ? ctx->bytes_left - len : 0;
}

/* --- timer.c */

/** The timer that this turn may call now, taken out, or NULL. */
cst_timer *cst__timer_take_due(cst_ctx *ctx);

/** Whether there is one. */
bool cst__timer_is_due(const cst_ctx *ctx);

void cst__timers_stop_all(cst_ctx *ctx);

/** The first time was told: what has waited for it counts from there. */
void cst__timers_settle(cst_ctx *ctx);

static inline void cst__tell_time(cst_ctx *ctx, uint64_t now_ns)
{
    if (now_ns > ctx->now_ns)
        ctx->now_ns = now_ns;
    if (!ctx->is_time_told)
        cst__timers_settle(ctx);
}

/** cst_timer_start_in for the limit of a stream, which no loop stays for. A delay of CST_NEVER does
 * not end. */
void cst__limit_start_in(cst_ctx *ctx, cst_timer *timer, uint64_t delay_ns, cst_task_fn *fn,
                         void *arg);

/* --- post.c */

/** What ctx->posted is at the moment. */
static inline const cst_task_link *cst__posted_look(const cst_ctx *ctx)
{
#ifndef __STDC_NO_ATOMICS__
    return atomic_load_explicit(&ctx->posted, memory_order_relaxed);
#else
    return ctx->awake ? NULL : &ctx->asleep;
#endif
}

/** What other threads have posted becomes immediates; from here on they need not wake anybody. */
void cst__posted_take(cst_ctx *ctx);

/** Whether other threads have posted something that was not taken. */
static inline bool cst__posted_any(const cst_ctx *ctx)
{
    const cst_task_link *latest = cst__posted_look(ctx);

    return latest && latest != &ctx->asleep;
}

/** Whether nobody has posted since cst__posted_sleep. */
static inline bool cst__posted_asleep(const cst_ctx *ctx)
{
    return cst__posted_look(ctx) == &ctx->asleep;
}

/** From here on who posts wakes the host; false where somebody has posted meanwhile, which changes
 * nothing. */
bool cst__posted_sleep(cst_ctx *ctx);

/** The way back: false where another thread was quicker, which has woken the host then. */
bool cst__posted_rise(cst_ctx *ctx);

/** Drops the dead and empties limbo. */
void cst__reap(cst_ctx *ctx);

static inline void cst__child_add(cst_ctx *ctx, struct cst__child *child,
                                     const struct cst__child_ops *ops)
{
    ctx->child_ops = ops;
    child->prev = NULL;
    child->next = ctx->children;
    if (ctx->children)
        ctx->children->prev = child;
    ctx->children = child;
}

/** Marks a child for being dropped when the last frame is left: now, where there is none. */
void cst__reap_later(cst_ctx *ctx, struct cst__child *child);

/** Free a block of the pool later. Its first bytes, a struct cst__deferred_free, are the library's
 * from here on. */
void cst__free_later(cst_ctx *ctx, struct cst__deferred_free *block, size_t size);

#define CST__NESTED 0x10000u
#define CST__NESTED_CALL (CST__NESTED + 1u) /* a call of the library that emits 'data' */
#define CST__MOST_NESTED 0x7FFFu

static inline bool cst__may_nest(const cst_ctx *ctx)
{
    return ctx->frames < ctx->nesting_limit;
}

/*
 * The door. While the fast path calls a slot, fields of streams and the count of frames lag: the
 * context holds by how much. Every public call that reads or changes such a field, or that may free
 * something, enters here first, which writes them back. So inner functions find everything up to
 * date, and those that depend on it begin with an assert.
 */
static inline void cst__enter(cst_ctx *ctx)
{
    ctx->frames++;
    if (ctx->room.express)
        ctx->child_ops->show(ctx);
}

/** Return whether a call of the library is on the stack: a turn, or a slot that the fast path has
 * called. */
static inline bool cst__is_running(const cst_ctx *ctx)
{
    return ctx->frames || ctx->room.express;
}

static inline void cst__leave(cst_ctx *ctx)
{
    if (--ctx->frames == 0 && ctx->reap_due)
        cst__reap(ctx);
}

/** Leave a call that was counted as CST__NESTED_CALL. */
static inline void cst__leave_nested(cst_ctx *ctx)
{
    ctx->frames -= CST__NESTED;
    cst__leave(ctx);
}

static inline void *cst__alloc(cst_ctx *ctx, size_t size)
{
    return cst__pool_alloc(&ctx->pool, size);
}

static inline void cst__free(cst_ctx *ctx, void *ptr, size_t size)
{
    cst__pool_free(&ctx->pool, ptr, size);
}

#endif

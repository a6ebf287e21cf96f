/*
 * ctx_internal.h - what the rooms above need of a context: its queues, its memory, and the rule of
 * when things are freed.
 *
 * Nothing is freed while user code may still look at it. A call of the library that can run user
 * code is a frame: it begins with cst__enter and ends with cst__leave. A child that has ended goes
 * into the reap list, and the free of a block is deferred. Both wait until the last frame is left,
 * or until the current task is over: no emission, slot or callback is on the stack then.
 *
 * The files, from the bottom to the top; each calls only those above it in this list:
 *
 *      reap.c     the reap list and the deferred frees
 *      post.c     tasks of other threads; when the host is woken
 *      timer.c    timers
 *      turn.c     the queues, and the turn that runs them
 *      ctx.c      makes and frees a context
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

/** A field of each stream, by which the context lists its streams to end and to free them. */
struct cst__child {
    struct cst__child *next, *prev;
};

struct cst_event;
struct cst_stream;
struct cst__listener;
struct cst__pipe;

/**
 * What the context and some files of the stream room ask of the streams. All streams have one
 * table (stream.c), so the context keeps it; it is NULL until the first stream is made.
 *
 * The first eight are asked by this room:
 *
 * end           destroy the stream. Its events and callbacks come by tasks.
 * settle        call the callbacks that are still owed
 * drop          free the stream, without user code
 * reap          settle, then free. Return false if a callback took a new reference: keep it.
 *
 * run           run a task of this kind (enum cst__task_kind)
 * run_overflow  run one task that is only noted in the stream, for lack of memory. Return false if
 *               there is none.
 * show          write back the fields that lag while the fast path calls a slot
 * turn_over     a turn is over, and there are dormant streams
 *
 * The others are asked by files of the stream room, of files behind them in the list of layout.h,
 * which they must not call by name:
 *
 * hear          let the pipe of a listener handle an event
 * unlinked      the pipe's listener has left the list of its stream
 * stream_freed  the stream of the pipe's listener is being freed
 * deliver       hand a chunk on to the pipe's destination
 * readable      emit 'readable' now, as the task TASK_READABLE does
 */
struct cst__child_ops {
    void (*end)(struct cst__child *child);
    void (*settle)(struct cst__child *child);
    void (*drop)(struct cst__child *child);
    bool (*reap)(struct cst__child *child);

    void (*run)(void *subject, unsigned kind, cst_status status);
    bool (*run_overflow)(struct cst__child *child);
    void (*show)(cst_ctx *ctx);
    void (*turn_over)(cst_ctx *ctx);

    void (*hear)(struct cst__listener *l, const struct cst_event *event);
    void (*unlinked)(struct cst__listener *l);
    void (*stream_freed)(struct cst__listener *l);
    void (*deliver)(struct cst__pipe *pipe, const cst_slice *chunk);
    void (*readable)(struct cst_stream *s);
};

/**
 * A deferred task. If its kind is 0, the subject is a cst_task_link with a function of its own. The
 * other kinds belong to the stream room: the subject is a stream (enum cst__task_kind).
 */
struct cst__task {
    void *subject;
    unsigned kind;
    cst_status status;
};

/*
 * The queue of deferred tasks is a list of blocks. So queueing a task costs one store, and after a
 * burst of tasks the memory is free again:
 *
 *      first_block                      last_block
 *     [ . . t t t t t ] -> [ t t t t ] -> [ t t . . . ]
 *           ^ next_task                       ^ next_room
 *
 * There is always at least one block. The queue is empty if next_task is next_room.
 *
 * If there is no memory for another block, the task overflows: a link goes into ctx->overflow, and
 * a stream notes the task in itself. Tasks that have overflowed run before all others: out of
 * order, but they are never lost.
 */
#define CST__TASKS_A_BLOCK 63

struct cst__task_block {
    struct cst__task_block *next;
    struct cst__task tasks[CST__TASKS_A_BLOCK];
};

/** The head of a block of the pool that cst__free_later will free. */
struct cst__deferred_free {
    struct cst__deferred_free *next;
    size_t size;
};

/** A queue of links, first in first out. */
struct cst__queue {
    cst_task_link *first, *last; /* last is valid if first is not NULL */
};

/**
 * What timeout.c keeps in a context: the dormant streams. Such a stream was told that it is idle,
 * and its limit starts again with its next activity. While there are dormant streams, the timer is
 * started, if only for CST_NEVER, or it has fired in the current turn. So a turn without timers
 * does not have to ask whether there are dormant streams.
 */
struct cst__dormant {
    struct cst__timeouts *first;
    size_t count;
    uint64_t quarter_ns; /* a quarter of the shortest idle limit among them, or less */
    cst_timer timer;
};

/** What the stream room and the fast path keep in a context. */
struct cst__room {
    struct cst__transform_call *transform_call; /* the innermost call of a transform's slot */
    struct cst__express *express; /* the slot that the fast path is calling, or NULL */
    cst_slice given;              /* what cst_give left for the slot that is about to return */
    const void *given_by;         /* the stream that gave it, or NULL */
};

/*
 * Idle and busy. A turn that leaves nothing to do sets awake to false and posted to &asleep. The
 * next thing to do owes the host one wake. Other threads look at posted only. The thread of the
 * context looks at awake first, which is cheaper, and then at posted. Whoever replaces &asleep in
 * posted calls wake, so the host is woken once.
 */
struct cst_ctx {
    const cst_allocator *allocator;
    struct cst__pool pool;
    struct cst__block_cache *cache;
    struct cst__copies copies;

    struct cst__task_block *first_block, *last_block;
    struct cst__task *next_task, *next_room, *room_end;
    struct cst__queue overflow; /* links for which the queue had no room */
    bool has_overflow;          /* a link is there, or some stream may have noted a task */

    struct cst__queue immediates;
    struct cst__queue turn_end;
#ifndef __STDC_NO_ATOMICS__
    _Atomic(cst_task_link *) posted; /* see post.c */
#endif
    cst_task_link asleep;    /* never queued: only its address counts */
    cst_task_link *cut_flow; /* the flow that used up the byte budget: queued again last, at the end
                                of the turn */

    cst_timer *timers;    /* the earliest: the root of a pairing heap (timer.c) */
    cst_timer *unsettled; /* a list: started before any time was told, they count from the first */
    size_t timer_count;   /* how many are started, without the limits of streams */
    uint64_t timer_order; /* the order of the timer that is started next */
    uint64_t turn_order;  /* timer_order at the beginning of a turn with a budget, else 0: timers
                             from this order on wait for the next turn */
    uint64_t now_ns;      /* the latest time that was told */
    uint64_t told_due_ns; /* the due_ns that the host was told last */
    size_t bytes_left;    /* what flows may still move in this turn; not 0 if there is no limit */
    bool bytes_limited;   /* the turn has a limit of bytes */
    bool is_time_told;    /* now_ns is a time */

    size_t default_mark[2]; /* highWaterMark of bytes, and of object mode */

    /* Two counts in one word, so that a call which raises both costs one addition. The lower half
     * counts frames, a turn included. The upper half, in units of CST__NESTED, counts how deep
     * 'data' emissions are inside one another. */
    uint32_t frames;
    uint32_t nesting_limit; /* in units of CST__NESTED, as frames */
    bool awake;             /* the host knows that there is work, or a turn is running */
    bool unhandled;         /* an 'error' had no listener */
    bool closing;           /* cst_ctx_free is at work: nothing new may begin */

    void (*wake)(void *arg);
    void *wake_arg;
    void *host;
    const char *host_kind;
    uint64_t (*clock)(void *arg);
    void *clock_arg;

    struct cst__dormant dormant;

    struct cst__child *children;  /* a list by next and prev, without those of the reap list */
    struct cst__child *reap_list; /* a list by next alone */
    const struct cst__child_ops *child_ops;
    struct cst__deferred_free *deferred_frees;
    bool reap_due; /* reap_list or deferred_frees is not empty */

    struct cst__room room;
};

/* --- turn.c ----------------------------------------------------------------------------------- */

/** Queue run(link) as a deferred task. The link is not queued yet. Cannot fail. */
void cst__post(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link));

/** Return whether cst__add_task may be called: there is room, and the host need not be woken. */
static inline bool cst__takes_task(const cst_ctx *ctx)
{
    return ctx->next_room != ctx->room_end && ctx->awake;
}

/** Queue a task. cst__takes_task has returned true. */
static inline void cst__add_task(cst_ctx *ctx, void *subject, unsigned kind, cst_status status)
{
    *ctx->next_room++ = (struct cst__task){ .subject = subject, .kind = kind, .status = status };
}

/**
 * Queue a task. Wake the host and make room if that is needed. Return false if there is no memory.
 */
bool cst__put_task(cst_ctx *ctx, void *subject, unsigned kind, cst_status status);

/** Queue a task, inline if cst__takes_task. Return false if there is no memory. */
static inline bool cst__queue_task(cst_ctx *ctx, void *subject, unsigned kind, cst_status status)
{
    if (!cst__takes_task(ctx))
        return cst__put_task(ctx, subject, kind, status);
    cst__add_task(ctx, subject, kind, status);
    return true;
}

/** A stream has noted a task in itself: run_overflow will be asked for it. */
void cst__child_overflowed(cst_ctx *ctx);

/** Return whether there are deferred tasks. */
static inline bool cst__has_tasks(const cst_ctx *ctx)
{
    return ctx->next_task != ctx->next_room || ctx->has_overflow;
}

/**
 * Queue the rest of a flow that was cut for want of bytes, as an immediate. The first flow that is
 * cut in a turn is the one that used up the bytes: it comes last (cut_flow). Only called inside a
 * turn.
 */
void cst__post_rest(cst_ctx *ctx, cst_task_link *link, void (*run)(cst_task_link *link));

/** Run all tasks and immediates, because the context is being freed. */
void cst__run_all(cst_ctx *ctx);

/** The slow half of cst__bytes_spent. */
bool cst__bytes_are_limited(cst_ctx *ctx);

/** Return whether flows have moved all the bytes that the turn allows. */
static inline bool cst__bytes_spent(cst_ctx *ctx)
{
    return ctx->bytes_left == 0 && cst__bytes_are_limited(ctx);
}

/** Count len bytes that a flow has moved. */
static inline void cst__bytes_moved(cst_ctx *ctx, size_t len)
{
    if (ctx->bytes_limited)
        ctx->bytes_left = len < ctx->bytes_left ? ctx->bytes_left - len : 0;
}

/* --- timer.c ---------------------------------------------------------------------------------- */

/** Return whether this turn may call a timer now. */
bool cst__timer_is_due(const cst_ctx *ctx);

/** Take out the timer that this turn may call now, and return it; NULL if there is none. */
cst_timer *cst__timer_take_due(cst_ctx *ctx);

/** Stop all timers. */
void cst__timers_stop_all(cst_ctx *ctx);

/** The first time was told: let the unsettled timers count from there. */
void cst__timers_settle(cst_ctx *ctx);

#ifdef CST_CHECK
/** Check that the fields of the timers agree, and that none is due before its parent. */
void cst__timers_check(const cst_ctx *ctx);
#endif

static inline void cst__tell_time(cst_ctx *ctx, uint64_t now_ns)
{
    if (now_ns > ctx->now_ns)
        ctx->now_ns = now_ns;
    if (!ctx->is_time_told)
        cst__timers_settle(ctx);
}

/**
 * Start the timer of a stream's limit. It is like any other, but cst_ctx_has_timers does not count
 * it. With a delay of CST_NEVER it does not fire.
 */
void cst__limit_start_in(cst_ctx *ctx, cst_timer *timer, uint64_t delay_ns, cst_task_fn *fn,
                         void *arg);

/* --- post.c ----------------------------------------------------------------------------------- */

/** Set awake, and wake the host unless another thread has done so. awake was false. */
void cst__wake(cst_ctx *ctx);

/** Return what ctx->posted is at the moment. */
static inline const cst_task_link *cst__posted_look(const cst_ctx *ctx)
{
#ifndef __STDC_NO_ATOMICS__
    return atomic_load_explicit(&ctx->posted, memory_order_relaxed);
#else
    return ctx->awake ? NULL : &ctx->asleep;
#endif
}

/**
 * Move what other threads have posted behind the immediates. Afterwards posted is NULL, so other
 * threads need not wake the host.
 */
void cst__posted_take(cst_ctx *ctx);

/** Return whether other threads have posted something that was not taken. */
static inline bool cst__posted_any(const cst_ctx *ctx)
{
    const cst_task_link *latest = cst__posted_look(ctx);

    return latest && latest != &ctx->asleep;
}

/** Return whether nobody has posted since cst__posted_sleep. */
static inline bool cst__posted_asleep(const cst_ctx *ctx)
{
    return cst__posted_look(ctx) == &ctx->asleep;
}

/**
 * Set posted from NULL to &asleep, so that the next thread that posts wakes the host. Return false,
 * and change nothing, if somebody has posted meanwhile.
 */
bool cst__posted_sleep(cst_ctx *ctx);

/**
 * Set posted from &asleep to NULL. Return false if another thread was quicker: that thread has
 * woken the host.
 */
bool cst__posted_rise(cst_ctx *ctx);

/* --- reap.c ----------------------------------------------------------------------------------- */

/** Reap what is in the reap list, then do the deferred frees. */
void cst__reap(cst_ctx *ctx);

/** Add a child to the context. All children have one table of functions. */
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

/** Move a child into the reap list. If no frame is on the stack, it is reaped at once. */
void cst__reap_later(cst_ctx *ctx, struct cst__child *child);

/** Free a block of the pool's when the last frame is left, or now if there is none. Until then its
 * first bytes are the library's: a struct cst__deferred_free. */
void cst__free_later(cst_ctx *ctx, struct cst__deferred_free *block, size_t size);

/* --- frames ----------------------------------------------------------------------------------- */

#define CST__NESTED 0x10000u
#define CST__NESTED_CALL (CST__NESTED + 1u) /* a call of the library that emits 'data' */
#define CST__MOST_NESTED 0x7FFFu

/** Return whether one more 'data' emission may run inside those on the stack. */
static inline bool cst__may_nest(const cst_ctx *ctx)
{
    return ctx->frames < ctx->nesting_limit;
}

/*
 * The door. While the fast path calls a slot, the fields of streams and the count of frames lag,
 * and a record in the context says by how much. A public call that reads or changes such a field,
 * or that may free something, calls cst__enter first, which writes the fields back. So inner
 * functions find every field up to date, and those that depend on it begin with an assert.
 */
static inline void cst__enter(cst_ctx *ctx)
{
    ctx->frames++;
    if (ctx->room.express)
        ctx->child_ops->show(ctx);
}

/**
 * Return whether a frame is on the stack. If the fast path is calling a slot, frames may lag, but
 * there is one.
 */
static inline bool cst__is_running(const cst_ctx *ctx)
{
    return ctx->frames || ctx->room.express;
}

/** Leave a frame. If it was the last one, reap and free what has waited for that. */
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

/* --- memory ----------------------------------------------------------------------------------- */

/** Return size bytes of the context's pool, or NULL if there is no memory. */
static inline void *cst__alloc(cst_ctx *ctx, size_t size)
{
    return cst__pool_alloc(&ctx->pool, size);
}

/** Free what cst__alloc returned for this size. */
static inline void cst__free(cst_ctx *ctx, void *ptr, size_t size)
{
    cst__pool_free(&ctx->pool, ptr, size);
}

#endif

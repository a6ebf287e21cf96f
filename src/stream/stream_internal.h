/*
 * stream_internal.h - how a stream is laid out, its states and flags, and what the files of the room owe one another.
 *
 * One allocation, only the sides that the kind has, each at a fixed offset from the handle:
 *
 *      struct writable | struct cst_stream | struct readable | self
 *                      ^ the handle
 *
 * The files, and the decision each one makes in one place:
 *
 *      stream.c     making, freeing, looking          cst__stream_check_life: may it be freed?
 *      event.c      listeners and emission
 *      slot.c       calling slots, taking answers     cst__answer: which slot was that?
 *      readable.c   the buffer and the flow           read_more_wanted, can_push
 *      writable.c   the queue and finishing           need_finish
 *      transform.c  from the writable to the readable side
 *      destroy.c    construct, errors, destroy, close
 *      pipe.c       from one stream into another
 *
 * The life of a readable side (R_ENDED, R_END_EMITTED):
 *
 *          push EOF            all is read, a task runs
 *     OPEN --------> R_ENDED ---------------------------> R_END_EMITTED, 'end'
 *
 * and who gets its chunks (R_HAS_FLOWING, R_FLOWING are Node's flowing: null, false, true):
 *
 *     null ---- resume, 'data', pipe ----> true <---- resume, drain ----> false
 *       \----------------- pause, 'readable' ----------------------------/
 *
 * The life of a writable side (W_ENDING, W_PREFINISHED, W_FINISHED):
 *
 *          end()             final answered                 task
 *     OPEN --------> ENDING ----------------> PREFINISHED ---------> FINISHED, 'finish'
 *
 * What may hold a write back, so that it waits in the queue (any of them): W_WRITING, W_CORKED, ERRORED, not CONSTRUCTED.
 *
 * Both sides share: DESTROYED (at any point, at once) -> CLOSED (the destroy slot has answered) -> CLOSE_EMITTED (a task).
 */
#ifndef CSTREAM_STREAM_INTERNAL_H
#define CSTREAM_STREAM_INTERNAL_H

#include <assert.h>

#include "bytes/block.h"
#include "bytes/chain_internal.h"
#include "cstream/chain.h"
#include "cstream/pipe.h"
#include "cstream/writable.h"
#include "ctx/ctx_internal.h"

/* --- flags -------------------------------------------------------------------------------------------------------- */

/* One word for both sides. The lower half is what a chunk on its way asks for; most names are Node's. */
#define FLAG(n) (UINT64_C(1) << (n))

/* readable side */
#define R_FLOWING FLAG(0)
#define R_HAS_FLOWING FLAG(1)        /* flowing is not null */
#define R_DATA_LISTENING FLAG(2)     /* at least one 'data' listener */
#define R_READABLE_LISTENING FLAG(3) /* at least one 'readable' listener, as of the last look */
#define R_READING FLAG(4)            /* the read slot was called and has pushed nothing yet */
#define R_SYNC FLAG(5)               /* in the read slot, or before its first call has returned */
#define R_NEED_READABLE FLAG(6)      /* somebody waits for 'readable' */
#define R_EMITTED_READABLE FLAG(7)   /* 'readable' is on its way */
#define R_ENDED FLAG(8)              /* EOF was pushed */
#define R_READING_MORE FLAG(9)       /* the task that reads ahead is queued or at work */
#define R_DATA_EMITTED FLAG(10)
#define R_MULTI_AWAIT FLAG(11) /* there were several pipes: whom to wait for is a set */
#define R_OBJECTS FLAG(12)

/* writable side */
#define W_WRITING FLAG(13)   /* a write is in flight */
#define W_SYNC FLAG(14)      /* in the write slot or in final */
#define W_EXPECTING FLAG(15) /* the write in flight has not been completed */
#define W_NEED_DRAIN FLAG(16)
#define W_CORKED FLAG(17)
#define W_BUFFERED \
    FLAG(18) /* there is a queue; it may be empty while its last chunk is handed over */
#define W_CLEARING FLAG(19)    /* the queue is being handed over */
#define W_ENDING FLAG(20)      /* end() was called */
#define W_ENDED FLAG(21)       /* end() has returned */
#define W_AFTER_WRITE FLAG(22) /* a task that follows a completed write is on its way */
#define W_OBJECTS FLAG(23)

/* both */
#define CONSTRUCTED FLAG(24)
#define DESTROYED FLAG(25)
#define ERRORED FLAG(26)
#define IS_TRANSFORM FLAG(27)
#define T_KEPT FLAG(28) /* a transform keeps the completion of its write until more is read */
#define HAS_READABLE FLAG(29)
#define HAS_WRITABLE FLAG(30)
#define IS_PASSTHROUGH FLAG(31) /* a transform without a transform slot */

/* not on a chunk's way */
#define R_PAUSED FLAG(32)     /* explicitly */
#define R_HAS_PAUSED FLAG(33) /* pause or resume was called */
#define R_EOF_READABLE_PENDING FLAG(34)
#define R_END_SCHEDULED FLAG(35)
#define R_END_EMITTED FLAG(36)
#define R_RESUME_SCHEDULED FLAG(37)
#define R_ABSENT FLAG(38) /* no_readable */
#define W_FINAL_CALLED FLAG(39)
#define W_PREFINISHED FLAG(40)
#define W_FINISHED FLAG(41)
#define W_ABSENT FLAG(42) /* no_writable */
#define AUTO_DESTROY FLAG(43)
#define EMIT_CLOSE FLAG(44)
#define HALF_OPEN FLAG(45)
#define ERROR_EMITTED FLAG(46)
#define CLOSED FLAG(47)
#define CLOSE_EMITTED FLAG(48)
#define DESTROY_ANSWERED FLAG(49)
#define CONSTRUCT_ANSWERED FLAG(50)
#define DYING FLAG(51) /* to be freed when the last frame is left */

/* --- slots that owe an answer ------------------------------------------------------------------------------------- */

enum cst__slot {
    SLOT_NONE,
    SLOT_READ,
    SLOT_WRITE, /* write and writev */
    SLOT_TRANSFORM,
    SLOT_FINAL,
    SLOT_FLUSH_AS_FINAL,  /* flush where there is no final: final has its answer */
    SLOT_FLUSH_AT_FINISH, /* flush beside a final of the user's: nobody waits for it */
    SLOT_CONSTRUCT,
    SLOT_DESTROY
};

/* --- events ------------------------------------------------------------------------------------------------------- */

/* Beside the public events, for listeners of the library's: the stream is being freed, and with it its list. */
#define CST__EVENT_FREED CST_EVENT_TYPES_
#define EVENT_BIT(type) ((uint16_t)(1u << (type)))

/**
 * One listener of one event, or of several where it is the library's own. A listener that is removed while its stream
 * emits must still be called by the emissions that had begun: gone holds such events, gone_depth the emissions' depth.
 */
struct cst__listener {
    struct cst__listener *next, *prev;
    cst_listener_fn *fn;
    void *arg;
    uint16_t events;
    uint16_t once; /* of them, those that are removed when they come */
    uint16_t gone;
    uint16_t gone_depth;
    bool embedded; /* part of a record, which frees it */
};

/* --- the layout --------------------------------------------------------------------------------------------------- */

struct cst_stream {
    _Alignas(max_align_t) uint64_t flags;
    cst_ctx *ctx;
    const cst_ops *ops;
    struct cst__resident resident;
    struct cst__listener *first_listener, *last_listener;
    uint16_t listened; /* events that somebody listens to */
    uint16_t emit_depth;
    bool listeners_gone; /* the list is to be swept when the emission is over */
    uint8_t slot;        /* the slot that is running, the innermost */
    uint16_t owed;       /* bits of the slots that have not answered */
    uint32_t refs;       /* handles of the user's, queued tasks, pipes into it */
    cst_status construct_status;
    cst_error error; /* the first one; valid with ERRORED */
    cst_error
        close_error; /* what destroy was called with, then what the close task emits; status 0 for none */
    cst_error single_error;   /* what the error task emits */
    cst_task_link close_task; /* before CONSTRUCTED: the construct tasks */
    cst_task_link error_task;
};

/** A task for what may be queued several times at once. */
struct cst__extra_task {
    cst_task_link link;
    cst_stream *stream;
    void (*run)(cst_stream *s, cst_status status);
    cst_status status;
};

/** A callback that is owed for a write or an end; also the task that brings it. */
struct cst__request {
    cst_task_link link;
    struct cst__request *next;
    cst_stream *stream;
    cst_done_fn *done;
    void *arg;
    cst_status status;
    uint32_t chunk; /* the number of the queued chunk that it belongs to */
    uint32_t count; /* completions that share this task */
    bool batch;     /* the first of a writev's */
};

struct cst__request_list {
    struct cst__request *first, *last;
};

struct writable {
    _Alignas(max_align_t) cst_chain queue; /* chunks that wait */
    struct cst__request_list waiting;      /* their callbacks, those that have one */
    struct cst__request *in_flight; /* callbacks of the write in flight: of a writev, a list */
    struct cst__request
        *tick; /* the callback task queued last, which the next equal one may join */
    struct cst__request_list ends; /* callbacks of end */
    cst_slice chunk;               /* the chunk in flight, kept where its slot answers late */
    cst_chain batch;               /* likewise, those of a writev */
    size_t length;                 /* accepted and not completed, the write in flight included */
    size_t high_water_mark;
    size_t flight_length;
    size_t transform_mark; /* readable length when transform was called */
    uint32_t front;        /* the number of the first chunk in the queue */
    uint32_t flight;       /* the number of the write in flight */
    uint32_t corked;
    int32_t pending; /* callbacks to come before 'finish' may, Node's pendingcb */
    cst_task_link after_write_task, finish_task, auto_end_task, error_buffer_task;
};

struct readable {
    _Alignas(max_align_t) cst_chain buffer;
    size_t length; /* bytes or, in object mode, chunks */
    size_t high_water_mark;
    struct cst__pipe *pipes; /* in the order in which they were made */
    struct cst__pipe
        *sole_pipe; /* the one 'data' listener, where there is just one and it is a pipe */
    struct cst__pipe *awaited;   /* those whose destination has said CST_FULL */
    uint32_t pipe_count;
    cst_task_link emit_readable_task, read_more_task, resume_task, end_task;
};

static inline struct writable *cst__w(const cst_stream *s)
{
    return (struct writable *)(uintptr_t)s - 1;
}

static inline struct readable *cst__r(const cst_stream *s)
{
    return (struct readable *)(uintptr_t)(s + 1);
}

static inline void *cst__self(const cst_stream *s)
{
    if (!s->ops->self_size)
        return NULL;
    return (s->flags & HAS_READABLE) ? (void *)(cst__r(s) + 1) : (void *)(uintptr_t)(s + 1);
}

/** Queues a task that lives in the stream, which stays until it has run. */
static inline void cst__post_for(cst_stream *s, cst_task_link *link,
                                 void (*run)(cst_task_link *link))
{
    s->refs++;
    cst__post(s->ctx, link, run);
}

/*
 * With CST_CHECK defined (the sanitizer build does), both sides are checked whenever a slot has been called, an event
 * emitted or a task run.
 */
#ifdef CST_CHECK
void cst__stream_check(const cst_stream *s);
#else
static inline void cst__stream_check(const cst_stream *s)
{
    (void)s;
}
#endif

/* --- stream.c ----------------------------------------------------------------------------------------------------- */

/** What all constructors share: flags says the kind. */
cst_status cst__stream_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                           const cst_opts *opts, uint64_t flags);

/** Lets one reference go, and the stream with the last one, if it has closed and nothing is owed. */
void cst__release(cst_stream *s);

/** To be called when one of those conditions has come true. */
void cst__stream_check_life(cst_stream *s);

/** Queues run(s, status) in a task from the pool. CST_E_NOMEM where there is none. */
cst_status cst__post_extra(cst_stream *s, void (*run)(cst_stream *s, cst_status status),
                           cst_status status);

/** The same in two steps, where memory has to be had before anything is changed. */
struct cst__extra_task *cst__extra_new(cst_stream *s);
void cst__extra_post(struct cst__extra_task *task, void (*run)(cst_stream *s, cst_status status),
                     cst_status status);

/* --- event.c ------------------------------------------------------------------------------------------------------ */

static inline bool cst__listened(const cst_stream *s, cst_event_type type)
{
    return s->listened & EVENT_BIT(type);
}

/** Links a record's own listener at the end, or in front. fn and arg are set. */
void cst__listen(cst_stream *s, struct cst__listener *l, unsigned events, unsigned once);
void cst__listen_first(cst_stream *s, struct cst__listener *l, unsigned events);

/** Removes some of a listener's events; what is not listened to is ignored. */
void cst__unlisten(cst_stream *s, struct cst__listener *l, unsigned events);

void cst__emit(cst_stream *s, cst_event_type type);
void cst__emit_event(cst_stream *s, const cst_event *event);

/** Keeps the shortcut to a sole 'data' listener true; to be called when 'data' listeners have changed. */
void cst__data_listeners_changed(cst_stream *s);

/** Frees every listener; the library's own hear CST__EVENT_FREED. */
void cst__listeners_free(cst_stream *s);

/* --- slot.c ------------------------------------------------------------------------------------------------------- */

/** The call wrappers. Each sets what is owed, calls, and takes the answer unless it is pending. */
void cst__call_read(cst_stream *s, size_t size);
void cst__call_write(cst_stream *s, const cst_slice *chunk);
void cst__call_transform(cst_stream *s, const cst_slice *chunk);
void cst__call_writev(cst_stream *s, const cst_slice *chunks, size_t count);
void cst__call_final(cst_stream *s);
void cst__call_flush(cst_stream *s, enum cst__slot slot);
void cst__call_construct(cst_stream *s);
void cst__call_destroy(cst_stream *s, const cst_error *error);

/* --- readable.c --------------------------------------------------------------------------------------------------- */

void cst__readable_init(cst_stream *s, const cst_opts *opts, bool both);
void cst__readable_fini(cst_stream *s);
void cst__readable_check(const cst_stream *s);

/** cst_push: where the chunk is kept it is moved out of *chunk, else it stays the caller's. */
cst_status cst__push(cst_stream *s, cst_slice *chunk);
void cst__maybe_read_more(cst_stream *s);
void cst__push_eof(cst_stream *s);
void cst__pause(cst_stream *s);
void cst__resume(cst_stream *s);
void cst__readable_constructed(cst_stream *s);

/** What listening to 'data' and 'readable' does beside the list. */
void cst__data_listener_added(cst_stream *s);
void cst__data_listener_removed(cst_stream *s);
cst_status cst__readable_listener_added(cst_stream *s);
void cst__readable_listener_removed(cst_stream *s);

/* --- writable.c --------------------------------------------------------------------------------------------------- */

void cst__writable_init(cst_stream *s, const cst_opts *opts, bool both);
void cst__writable_fini(cst_stream *s);
void cst__writable_check(const cst_stream *s);
cst_status cst__write(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg);
cst_status cst__write_result(cst_stream *s);
cst_status cst__end(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg);
void cst__write_answered(cst_stream *s, cst_status status);
void cst__final_answered(cst_stream *s, cst_status status);
void cst__writable_constructed(cst_stream *s);
void cst__writable_destroying(cst_stream *s);

/** Calls every callback that the stream still owes: it is being freed. */
void cst__writable_settle(cst_stream *s);

/* --- transform.c -------------------------------------------------------------------------------------------------- */

void cst__transform_write(cst_stream *s, const cst_slice *chunk);
void cst__transform_answered(cst_stream *s, cst_status status, cst_slice *chunk, size_t mark);
void cst__transform_settle(cst_stream *s, size_t mark);
void cst__transform_read(cst_stream *s);
void cst__transform_flush(cst_stream *s, enum cst__slot slot);
void cst__flush_answered(cst_stream *s, enum cst__slot slot, cst_status status, cst_slice *chunk);

/* --- destroy.c ---------------------------------------------------------------------------------------------------- */

/** The error that a failure on one side of s amounts to. */
cst_error cst__error_here(const cst_stream *s, cst_status status, cst_direction direction);

void cst__set_errored(cst_stream *s, const cst_error *error);
void cst__destroy(cst_stream *s, const cst_error *error);
void cst__error_or_destroy(cst_stream *s, const cst_error *error, bool sync);
void cst__construct_start(cst_stream *s);
void cst__construct_answered(cst_stream *s, cst_status status);
void cst__destroy_answered(cst_stream *s, cst_status status);

/* --- pipe.c ------------------------------------------------------------------------------------------------------- */

/** cst_pipe in two steps, for streams that fit: memory first (NULL where there is none), then nothing can fail. */
struct cst__pipe *cst__pipe_new(cst_stream *source, cst_stream *dest, bool no_end);
void cst__pipe_connect(struct cst__pipe *pipe);

/** Frees a record that was not connected. NULL is fine. */
void cst__pipe_discard(struct cst__pipe *pipe);

/** Hands a chunk on to the pipe's destination: what its 'data' listener does. */
void cst__pipe_deliver(struct cst__pipe *pipe, const cst_slice *chunk);

/** The pipe that a listener of its source belongs to, or NULL. */
struct cst__pipe *cst__pipe_of_listener(const struct cst__listener *l);

/** Read data un-blocks the bookkeeping of the pipes (not the pause). */
void cst__pipes_forget_awaited(cst_stream *s);
void cst__pipes_free(cst_stream *s);

#endif

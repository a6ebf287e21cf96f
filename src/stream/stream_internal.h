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
 *      slot.c       calling slots
 *      answer.c     answers that come later           take_answer: which rule does it go to?
 *      readable.c   the buffer, read and push         read_more_wanted, can_push
 *      decode.c     cst_set_encoding
 *      writable.c   the queue and the write in flight must_wait, cst__write_complete
 *      request.c    the callbacks of writes and ends
 *      finish.c     end, final, 'finish'              need_finish
 *      transform.c  from the writable to the readable side
 *      destroy.c    construct, errors, destroy, close
 *      pipe.c       from one stream into another
 *      timeout.c    limits on how long it takes
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
#include "cstream/text.h"
#include "cstream/join.h"
#include "cstream/writable.h"
#include "ctx/ctx_internal.h"

/* --- flags -------------------------------------------------------------------------------------------------------- */

/* One word for both sides. The lower half is what a chunk on its way asks for; most names are Node's. */
#define FLAG(n) (UINT64_C(1) << (n))

/* readable side */
#define R_FLOWING FLAG(0)
/* since timeouts looked last, or they never did: what they would not see, or cst_progress */
#define ACTIVE FLAG(1)
#define R_DATA_LISTENING FLAG(2) /* at least one 'data' listener */
#define R_PIPED FLAG(3)          /* there is just one, and it is a pipe's: sole_dest */
#define R_READING FLAG(4)        /* the read slot was called and has pushed nothing yet */
#define R_SYNC FLAG(5)           /* in the read slot, or before its first call has returned */
#define R_NEED_READABLE FLAG(6)  /* somebody waits for 'readable' */
#define R_QUEUED FLAG(7)         /* the buffer is not empty */
#define R_ENDED FLAG(8)          /* EOF was pushed */
#define R_READING_MORE FLAG(9)   /* the task that reads ahead is queued or at work */
#define R_DATA_EMITTED FLAG(10)
#define R_AWAITING FLAG(11) /* the source waits for the 'drain' of a destination */
#define R_OBJECTS FLAG(12)

/* writable side */
#define W_WRITING FLAG(13)   /* a write is in flight */
#define W_SYNC FLAG(14)      /* in the write slot or in final */
#define W_EXPECTING FLAG(15) /* the write in flight has not been completed */
#define W_NEED_DRAIN FLAG(16)
#define W_CORKED FLAG(17)
#define W_BUFFERED \
    FLAG(18) /* there is a queue; it may be empty while its last chunk is handed over */
#define W_CLEARING FLAG(19) /* the queue is being handed over */
#define W_ENDING FLAG(20)   /* end() was called */
#define W_KEPT FLAG(21)     /* the bytes of the write in flight are kept: its slot answers late */
#define W_PLAIN FLAG(22)    /* a sink of bytes with the slot write, and no transform */
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
#define R_PAUSED FLAG(32)   /* explicitly */
#define R_ITERATED FLAG(33) /* cst_next was called: who calls it gets the error */
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
#define W_STAYS_OPEN FLAG(49) /* no_pipe_end */
#define CONSTRUCT_ANSWERED FLAG(50)
#define DYING FLAG(51)                /* to be freed when the last frame is left */
#define R_READABLE_LISTENING FLAG(52) /* at least one 'readable' listener, as of the last look */
#define R_EMITTED_READABLE FLAG(53)   /* 'readable' is on its way */
#define R_MULTI_AWAIT FLAG(54)        /* there were several pipes: whom to wait for is a set */
#define R_TWINS FLAG(60)              /* several of them led to one destination */
#define W_ENDED FLAG(55)              /* end() has returned */
#define W_AFTER_WRITE FLAG(56)        /* a task that follows a completed write is on its way */
#define W_VECTOR FLAG(59)             /* with W_KEPT: they are those of a writev */
#define LISTENERS_GONE FLAG(57)       /* the list is to be swept when the emission is over */
#define R_HAS_FLOWING FLAG(63)        /* flowing is not null */
#define R_FLOW_CUT FLAG(62) /* the rest of the flow is an immediate: the turn's bytes were spent */
#define R_DATA_EMITTED_BEFORE FLAG(61) /* R_DATA_EMITTED was set and taken down: see timeout.c */
#define LISTENERS_FRONT FLAG(58)       /* some listener was put in front of the others */

/* A write is in flight, and its slot has not returned. */
#define IN_FLIGHT (W_WRITING | W_SYNC | W_EXPECTING)

/* --- deferred tasks ----------------------------------------------------------------------------------------------- */

/* All that a stream does later, in the order in which it was queued (noted_tasks in stream.c). */
enum cst__task_kind {
    TASK_LINK, /* not a stream's */
    TASK_READABLE,
    TASK_READ_MORE,
    TASK_RESUME,
    TASK_END,
    TASK_FLOW,     /* what was too deep inside other stages flows on */
    TASK_READ,     /* read(0) */
    TASK_MODE,     /* a 'readable' listener was removed: who is in charge now? */
    TASK_PIPE_END, /* a pipe was made after 'end' */
    TASK_AUTO_END, /* no_half_open */
    TASK_FAIL_QUEUE,
    TASK_FINISH_IF_STILL,
    TASK_FINISH,
    TASK_CONSTRUCT,
    TASK_ERROR,
    TASK_CLOSE,
    /* From here on with a status or a count that a note cannot keep: without room in the queue they are done at once. */
    TASK_AFTER_WRITE,
    TASK_WRITE_FAILED,
    TASK_COMPLETE_WRITE,
    TASK_CONSTRUCTED,
    TASK_CONSTRUCTED_AGAIN
};

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

/* Among the bits of owed: the write in flight was forgotten. */
#define WRITE_FORGOTTEN 0x80u

/* --- events ------------------------------------------------------------------------------------------------------- */

/*
 * Beside the public events, for listeners of the library's: the stream is being freed, and with it its list; and, before
 * that, that its context is: what a callback was promised has to be told now, while all streams are still there.
 */
#define CST__EVENT_FREED CST_EVENT_TYPES_
#define CST__EVENT_LAST_CALL ((cst_event_type)(CST_EVENT_TYPES_ + 1))
#define EVENT_BIT(type) ((uint16_t)(1u << (type)))

enum cst__listener_kind { LISTENER_FN, LISTENER_PIPE_SOURCE, LISTENER_PIPE_DEST };

/* What a listener is like. */
#define LISTENER_ONCE 1u /* its events are removed when they come */
#define LISTENER_FRONT \
    2u /* before all that are not, and before those that were put in front earlier */
#define LISTENER_OWNED 4u /* made by cst_on: the list frees it; others are part of a record */
#define LISTENER_HELD 8u  /* stays in the list without any event */
#define LISTENER_OF_FINISHED 16u /* part of a struct cst__finished */
#define LISTENER_OF_STAGE 32u    /* part of a stage of a pipeline: its on_error */

/**
 * A place in a stream's list of listeners, for one event, or for several where it is the library's own. One that is
 * removed while its stream emits must still be called by the emissions that had begun: gone holds such events,
 * gone_depth the emissions' depth.
 */
struct cst__listener {
    struct cst__listener *next, *prev; /* prev of the first is the last */
    uint16_t events;
    uint16_t gone;
    uint16_t gone_depth;
    uint8_t kind;
    uint8_t traits;
};

/** One that calls a function. */
struct cst__fn_listener {
    struct cst__listener listener;
    cst_listener_fn *fn;
    void *arg;
};

/* A call of a transform's slot: how much was buffered then, and the slot of the stream in which it runs. */
struct cst__transform_call {
    cst_stream *stream;
    size_t mark;
    struct cst__transform_call *outer; /* of any stream */
    enum cst__slot slot;
};

/* --- the layout --------------------------------------------------------------------------------------------------- */

/* The fields are ordered so that nothing is lost to alignment: there may be many streams. */
struct cst_stream {
    uint64_t flags;
    cst_ctx *ctx;
    const cst_ops *ops;
    struct cst__listener *listeners;
    struct cst__resident resident;
    cst_error error;         /* the first one; valid with ERRORED */
    cst_status close_status; /* what destroy was called with, then what the close task emits */
    uint32_t refs;           /* handles of the user's, queued tasks, pipes into it */
    uint16_t listened;       /* events that somebody listens to */
    uint16_t emit_depth;
    uint16_t late; /* tasks that had no room in the queue */
    uint8_t slot;  /* the slot that is running, the innermost */
    uint8_t owed;  /* bits of the slots that have not answered; for write there is W_EXPECTING */
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
    bool of_end;
    bool batch; /* the first of a writev's */
};

struct writable {
    cst_chain_row queue;        /* chunks that wait; .spare: how many uncorks are to come */
    size_t length;              /* accepted and not completed, the write in flight included */
    size_t high_water_mark;
    struct cst__request *last_waiting; /* callbacks of what waits, then those of end: a ring */
    struct cst__request *in_flight;    /* callbacks of the write in flight: of a writev, a list */
    struct cst__request
        *tick; /* the callback task queued last, which the next equal one may join */
    union {
        cst_slice chunk;            /* W_KEPT: the chunk in flight */
        cst_chain_row batch;        /* W_KEPT and W_VECTOR: those of a writev */
    } flight;
    size_t flight_length;
    uint32_t front; /* the number of the first chunk in the queue */
    uint32_t
        pending; /* completed writes, and final, whose task is to come: 'finish' waits for them */
};

struct readable {
    cst_chain_row buffer;        /* .spare: how many destinations are waited for */
    size_t length;               /* bytes or, in object mode, chunks */
    size_t high_water_mark;
    union {
        cst_stream *sole_dest; /* with R_PIPED: where that pipe leads */
        cst_decoder *decoder;  /* without it: of cst_set_encoding, from the pool, or NULL */
    };
};

/**
 * A pipe; pipe.c tells its story. It has a place in the list of its source, which is also where Node's list of pipes is
 * (listed), and one in the list of its destination.
 */
struct cst__pipe {
    union {
        struct cst__limbo limbo;
        struct cst__listener on_source;
    };
    struct cst__listener on_dest;
    cst_stream *source, *dest;
    struct cst__drain *drain; /* from the first CST_FULL on */
    uint16_t leaving; /* the cst_unpipe that takes all away and has still to say so for this one */
    uint8_t refs;     /* the lists that it is in; a frame needs none, since limbo outlasts it */
    bool no_end : 1;
    bool no_transfer : 1; /* dest cannot take bytes straight from this source */
    bool listed : 1;      /* one of Node's pipes */
    bool cleaned_up : 1;  /* the listeners were removed */
    bool drain_added : 1; /* once in a life */
    bool end_due : 1;     /* it was made after 'end': a task ends the destination */
    bool end_joined : 1;  /* the task of the one before it does */
};

static inline struct cst__pipe *cst__pipe_of_source(const struct cst__listener *l)
{
    return cst__container_of((uintptr_t)l, struct cst__pipe, on_source);
}

/** The pipe of a stream with R_PIPED: that listener is the only one to 'data'. */
static inline struct cst__pipe *cst__sole_pipe(const cst_stream *s)
{
    const struct cst__listener *l = s->listeners;

    while (!(l->events & EVENT_BIT(CST_DATA)))
        l = l->next;
    return cst__pipe_of_source(l);
}

static inline struct writable *cst__w(const cst_stream *s)
{
    return (struct writable *)(uintptr_t)s - 1;
}

static inline struct readable *cst__r(const cst_stream *s)
{
    return (struct readable *)(uintptr_t)(s + 1);
}

/** Return whether the stream has this side: no_readable and no_writable leave a side out. */
static inline bool cst__readable_is_there(const cst_stream *s)
{
    return (s->flags & HAS_READABLE) && !(s->flags & R_ABSENT);
}

static inline bool cst__writable_is_there(const cst_stream *s)
{
    return (s->flags & HAS_WRITABLE) && !(s->flags & W_ABSENT);
}

/* Where the state of the user's begins, from the handle: it may be anything, so it is aligned for anything. */
#define ALIGNED(size) \
    (((size) + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t))
#define SELF_OF_READABLE ALIGNED(sizeof(cst_stream) + sizeof(struct readable))
#define SELF_OF_WRITABLE \
    (ALIGNED(sizeof(struct writable) + sizeof(cst_stream)) - sizeof(struct writable))
#define SELF_OF_BOTH                                                                   \
    (ALIGNED(sizeof(struct writable) + sizeof(cst_stream) + sizeof(struct readable)) - \
     sizeof(struct writable))

static inline size_t cst__self_offset(uint64_t flags)
{
    if (flags & HAS_WRITABLE)
        return SELF_OF_WRITABLE + ((flags & HAS_READABLE) ? SELF_OF_BOTH - SELF_OF_WRITABLE : 0);
    return SELF_OF_READABLE;
}

/** Whether cst_set_encoding was called: the buffer holds text, and no pipe is called without a walk. */
static inline bool cst__decodes(const cst_stream *s)
{
    return !(s->flags & R_PIPED) && cst__r(s)->decoder;
}

static inline void *cst__self(const cst_stream *s)
{
    return s->ops->self_size ? (char *)(uintptr_t)s + cst__self_offset(s->flags) : NULL;
}

/** The same of a stream that is known to be writable, so that half of the question is answered. */
static inline void *cst__self_of_writable(const cst_stream *s)
{
    return s->ops->self_size ? (char *)(uintptr_t)s + cst__self_offset(s->flags | HAS_WRITABLE)
                             : NULL;
}

/** Queues a task, for which the stream stays. False: a late one of this kind is noted already. */
bool cst__post_for(cst_stream *s, enum cst__task_kind kind);

/** The same for the kinds that cannot be noted; false where there is no room. */
bool cst__try_post(cst_stream *s, enum cst__task_kind kind, cst_status status);

/** The same for a link of somebody's own; cst__release(s) is its function's last act. */
static inline void cst__post_link(cst_stream *s, cst_task_link *link,
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

/** Lets one reference go, and the stream with the last one, if it has closed and nothing is owed. */
void cst__release(cst_stream *s);

/** To be called when one of those conditions has come true. */
void cst__stream_check_life(cst_stream *s);

/* --- event.c ------------------------------------------------------------------------------------------------------ */

static inline bool cst__listened(const cst_stream *s, cst_event_type type)
{
    return s->listened & EVENT_BIT(type);
}

/** Puts a record's own listener into the list. */
static inline void cst__listen(cst_stream *s, struct cst__listener *l, enum cst__listener_kind kind,
                               unsigned events, unsigned traits)
{
    struct cst__listener *first = s->listeners;

    *l = (struct cst__listener){ .prev = first ? first->prev : l,
                                 .events = (uint16_t)events,
                                 .kind = (uint8_t)kind,
                                 .traits = (uint8_t)traits };
    s->listened = (uint16_t)(s->listened | events);
    if (traits & LISTENER_FRONT)
        s->flags |= LISTENERS_FRONT;
    if (first) {
        first->prev->next = l;
        first->prev = l;
    } else {
        s->listeners = l;
    }
}

/** The same for one with a function; fn and arg are set. */
void cst__listen_fn(cst_stream *s, struct cst__fn_listener *l, unsigned events, unsigned traits);

/** Removes some of a listener's events; what is not listened to is ignored. */
void cst__unlisten(cst_stream *s, struct cst__listener *l, unsigned events);

/** The same for one event, not 'data' nor 'readable', that the listener is hearing at the moment. */
void cst__unlisten_heard(cst_stream *s, struct cst__listener *l, cst_event_type type);

/** What the others in a list listen to. */
static inline unsigned cst__listened_beside(const cst_stream *s, const struct cst__listener *l)
{
    unsigned listened = 0;

    for (const struct cst__listener *other = s->listeners; other; other = other->next)
        if (other != l)
            listened |= other->events;
    return listened;
}

/**
 * Takes one out of the list at once, whatever it listens to: no emission has still to call it. Its record is the
 * caller's; beside is what the others listen to. What the stream does when nobody listens is the caller's too.
 */
void cst__unlink(cst_stream *s, struct cst__listener *l, unsigned beside);

/** Lets go of one that was held. */
void cst__unhold(cst_stream *s, struct cst__listener *l);

void cst__emit_event(cst_stream *s, const cst_event *event);
void cst__emit_heard(cst_stream *s, cst_event_type type); /* somebody listens */

/** Emits an event that says no more than its type. */
static inline void cst__emit(cst_stream *s, cst_event_type type)
{
    if (cst__listened(s, type))
        cst__emit_heard(s, type);
}

/** Keeps the shortcut to a sole 'data' listener true; to be called when 'data' listeners have changed. */
void cst__data_listeners_changed(cst_stream *s);

/** Frees every listener; the library's own hear CST__EVENT_FREED. */
void cst__listeners_free(cst_stream *s);

/* --- slot.c ------------------------------------------------------------------------------------------------------- */

/** Whether the stream must stay for an answer; whether one of them is that of the write in flight. */
static inline bool cst__owes_answer(const cst_stream *s)
{
    if ((s->flags & (W_EXPECTING | IS_TRANSFORM)) == W_EXPECTING && !(s->owed & WRITE_FORGOTTEN))
        return true;
    return (s->owed & ~WRITE_FORGOTTEN) != 0;
}

bool cst__owes_write(const cst_stream *s);

/** How much was buffered when the slot of a transform, which runs, was called. */
size_t cst__transform_mark(const cst_stream *s);

/** The slot of s that runs, as a call. */
static inline cst_call cst__call_of(cst_stream *s)
{
    cst_call call = { s, 0, SLOT_NONE };

    if (s->slot == SLOT_READ)
        return call;
    call.slot = s->slot;
    if (s->slot == SLOT_TRANSFORM)
        call.mark = cst__transform_mark(s);
    return call;
}

/** Public calls, by the rules alone. */
cst_call cst__this_call_general(cst_stream *s);
cst_status cst__complete_general(cst_call call, cst_status status);
cst_status cst__give_general(cst_stream *s, cst_slice chunk);

/**
 * For a ready-made stream whose slot will never answer, since Node's would not: the stream stays as it is, with the call
 * open, but is freed without the answer. The callbacks that wait for it are called then.
 */
void cst__call_forget(cst_call call);

/** The slot has answered: it owes nothing any more. */
void cst__slot_answered(cst_stream *s, enum cst__slot slot);

/** What cst_give left for a slot: whether it counts, since the slot has returned CST_GIVEN, and the chunk, to be released. */
struct cst__given {
    bool counts;
    cst_slice chunk;
};

/** Take what cst_give left for the slot of s that has returned `status`. */
struct cst__given cst__take_given(cst_stream *s, cst_status status);

/**
 * Call a slot, and return what it has returned; but for CST_PENDING it owes nothing then. read has to be there, and what it
 * gave is still to be taken.
 */
cst_status cst__call_read(cst_stream *s, size_t size);
cst_status cst__call_write(cst_stream *s, const cst_slice *chunk);
cst_status cst__call_writev(cst_stream *s, const cst_slice *chunks, size_t count);
cst_status cst__call_transfer(cst_stream *s, cst_transfer *transfer);
cst_status cst__call_final(cst_stream *s);
cst_status cst__call_flush(cst_stream *s, enum cst__slot slot, struct cst__given *given);
cst_status cst__call_construct(cst_stream *s);
cst_status cst__call_destroy(cst_stream *s, const cst_error *error);

/** Before and after a call of the slot of a transform. */
void cst__transform_slot_enter(struct cst__transform_call *call, cst_stream *s);
cst_status cst__transform_slot_leave(const struct cst__transform_call *call, cst_status status,
                                     struct cst__given *given);

/* --- readable.c --------------------------------------------------------------------------------------------------- */

/** The side of a new stream, of bytes; the options may say otherwise. */
static inline void cst__readable_start(cst_stream *s, size_t high_water_mark)
{
    *cst__r(s) = (struct readable){ .high_water_mark = high_water_mark };
    if (!(s->flags & IS_TRANSFORM))
        s->flags |= R_SYNC; /* so that what is pushed before the first read is buffered */
}

void cst__readable_init(cst_stream *s, const cst_opts *opts, bool both);
void cst__readable_fini(cst_stream *s);

/** Whether there is anything for it to let go of. */
static inline bool cst__readable_holds(const cst_stream *s)
{
    return cst__r(s)->buffer.items || cst__decodes(s);
}

void cst__readable_check(const cst_stream *s);

/** The public calls of the same names, by the rules alone. The chunk is taken. */
cst_status cst__push_general(cst_stream *s, cst_slice chunk);

/** Copy what cst_push_copy was called with. Where that fails the stream has failed. */
cst_status cst__copy_to_push(cst_slice *out, cst_stream *s, const void *bytes, size_t len);

/** What a push says: whether more is welcome. */
static inline cst_status cst__push_status(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    return !(s->flags & R_ENDED) && (r->length < r->high_water_mark || r->length == 0) ? CST_OK
                                                                                      : CST_FULL;
}

/** cst_push: where the chunk is kept it is moved out of *chunk, else it stays the caller's. */
cst_status cst__push(cst_stream *s, cst_slice *chunk);
void cst__maybe_read_more(cst_stream *s);

/**
 * Node's read(). Gives whether there is a chunk; the caller owns it. out may be NULL where size is 0. *why (if why is not
 * NULL) says what stood in the way where memory did.
 */
bool cst__read_chunk(cst_stream *s, size_t size, cst_slice *out, cst_status *why);

/** The read slot has returned: push what it gave, or fail. */
void cst__read_returned(cst_stream *s, cst_status status);

/** The rest of a read of any size that has called the read slot, and heard its answer. n could be taken before. */
bool cst__read_after_slot(cst_stream *s, size_t n, cst_slice *out);
void cst__push_eof(cst_stream *s);
void cst__pause(cst_stream *s);
void cst__resume(cst_stream *s);
void cst__readable_constructed(cst_stream *s);

/** Whether the bytes of a source in flow may go past its buffer, now or once that is empty. */
bool cst__has_transfer(const cst_stream *s);

/** Tasks. */
void cst__run_readable(cst_stream *s);
void cst__run_read_more(cst_stream *s);
void cst__run_resume(cst_stream *s);
void cst__run_end(cst_stream *s);
void cst__run_flow(cst_stream *s);
void cst__run_read(cst_stream *s);
void cst__run_mode(cst_stream *s);
void cst__run_auto_end(cst_stream *s);

/** What listening to 'data' and 'readable' does beside the list. */
void cst__data_listener_added(cst_stream *s);
void cst__data_listener_is(cst_stream *s, struct cst__pipe *sole); /* of the first, a pipe */
void cst__data_listener_removed(cst_stream *s);
void cst__readable_listener_added(cst_stream *s);
void cst__readable_listener_removed(cst_stream *s);

/* --- decode.c ----------------------------------------------------------------------------------------------------- */

/** The text that a chunk completes, which may be empty. The stream decodes. CST_OK, CST_E_NOMEM. */
cst_status cst__decode(cst_stream *s, const cst_slice *chunk, cst_slice *text);

/** EOF: buffers what the decoder still holds. CST_OK, CST_E_NOMEM, CST_E_OUT_OF_RANGE. */
cst_status cst__decode_end(cst_stream *s);
void cst__decoder_free(cst_stream *s);

/** n, of not more than is buffered, and what is missing of the character that n bytes of the buffered text end in. */
size_t cst__whole_characters(const cst_stream *s, size_t n);

/* --- writable.c --------------------------------------------------------------------------------------------------- */

/** As cst__readable_start. What belongs to a write in flight has no value until there is one. */
static inline void cst__writable_start(cst_stream *s, size_t high_water_mark)
{
    struct writable *w = cst__w(s);

    w->queue = (cst_chain_row){ .items = NULL };
    w->length = 0;
    w->high_water_mark = high_water_mark;
    w->last_waiting = w->in_flight = w->tick = NULL;
    w->front = w->pending = 0;
    s->flags |= s->ops->write && !(s->flags & IS_TRANSFORM) ? ACTIVE | W_PLAIN : ACTIVE;
}

void cst__writable_init(cst_stream *s, const cst_opts *opts, bool both);
void cst__writable_fini(cst_stream *s);

/** Whether there is anything for it to let go of. */
static inline bool cst__writable_holds(const cst_stream *s)
{
    return cst__w(s)->queue.items || (s->flags & W_KEPT);
}

void cst__writable_check(const cst_stream *s);
cst_status cst__write(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg);

/** cst_write, by the rules alone. The chunk is taken. */
cst_status cst__write_general(cst_stream *s, cst_slice chunk, cst_done_fn *done, void *arg);

/** Copy what cst_write_copy was called with. */
cst_status cst__copy_to_write(cst_slice *out, const cst_stream *s, const void *bytes, size_t len);

/** Return whether the queue is full: then a 'drain' is due. */
static inline bool cst__write_is_full(cst_stream *s)
{
    const struct writable *w = cst__w(s);

    if (w->length < w->high_water_mark || w->length == 0)
        return false;
    s->flags |= W_NEED_DRAIN;
    return true;
}

/** Return what an accepted write says, once the slot was called. */
static inline cst_status cst__write_status(cst_stream *s)
{
    return cst__write_is_full(s) || (s->flags & (DESTROYED | ERRORED)) ? CST_FULL : CST_OK;
}

/** Begin a write: it is in flight from here. Its length is in that of the side already. */
static inline void cst__flight_begin(cst_stream *s, size_t len, struct cst__request *request)
{
    struct writable *w = cst__w(s);

    w->flight_length = len;
    w->in_flight = request;
    s->flags |= IN_FLIGHT | ACTIVE;
}

/** End a write: it is in flight no more. W_SYNC stays until its slot has returned. */
static inline void cst__flight_end(cst_stream *s)
{
    struct writable *w = cst__w(s);

    s->flags = (s->flags & ~(W_WRITING | W_EXPECTING)) | ACTIVE;
    w->length -= w->flight_length;
}

/** A write that came too late: its callback, where there is one, is told by a task, and the stream fails with the status
 * too, unless it was destroyed. Gives the status. */
cst_status cst__refuse_write(cst_stream *s, struct cst__request *request, cst_status status);

/** A write that fetches its bytes itself; for a side that may_transfer. Gives what the slot said. */
bool cst__writable_may_transfer(const cst_stream *s);
cst_status cst__writable_transfer(cst_stream *s, cst_transfer *transfer);
cst_status cst__end(cst_stream *s, const cst_slice *chunk, cst_done_fn *done, void *arg);

/** The same where there is nothing to write, and nobody asks how it went. */
void cst__end_unasked(cst_stream *s);

/** The write in flight is answered, or fails: what follows? */
void cst__write_complete(cst_stream *s, cst_status status);

/** Whether the queue would go to writev. */
static inline bool cst__gathers(const cst_stream *s)
{
    return s->ops->writev && cst__w(s)->queue.count > 1 && !(s->flags & IS_TRANSFORM);
}

/** Take the flag off if the queue is empty. */
static inline void cst__queue_is_empty(cst_stream *s)
{
    if (!cst__w(s)->queue.count)
        s->flags &= ~W_BUFFERED;
}

/**
 * A write has completed later than its slot, which had no callback; the next one, of this chunk, has begun, and its slot has
 * returned status. The chunk is taken, and the rest of the queue goes one by one, as it began: what the slot has written too.
 */
void cst__write_next_returned(cst_stream *s, cst_slice *chunk, cst_status status);

/** The slot of a write has returned `status`: the write is answered, or its bytes are kept until it is. */
void cst__write_after_slot(cst_stream *s, const cst_slice *chunk, cst_status status);

/** Likewise the slot of a transform; *left is released in between. */
void cst__write_after_transform(cst_stream *s, const cst_slice *chunk, cst_status status,
                                cst_slice *left);
void cst__final_answered(cst_stream *s, cst_status status);
void cst__writable_constructed(cst_stream *s);
void cst__writable_destroying(cst_stream *s);

void cst__uncork(cst_stream *s);

/** Node's pendingcb: callbacks that are to come. */
size_t cst__writable_pending(const cst_stream *s);

/** Tasks. */
void cst__run_after_write(cst_stream *s);
void cst__run_write_failed(cst_stream *s, cst_status status);
void cst__run_fail_queue(cst_stream *s);

/** Calls every callback that the stream still owes: it is being freed. */
void cst__writable_settle(cst_stream *s);

/** Whether there are such. */
static inline bool cst__writable_owes(const cst_stream *s)
{
    return cst__w(s)->in_flight || cst__w(s)->last_waiting;
}

/* --- finish.c ----------------------------------------------------------------------------------------------------- */

/** Goes on towards 'finish' where nothing stands in the way. sync: 'finish' itself comes by a task. */
void cst__finish_maybe(cst_stream *s, bool sync);

/** Tasks. */
void cst__run_finish(cst_stream *s);
void cst__run_finish_if_still(cst_stream *s);

/* --- request.c ---------------------------------------------------------------------------------------------------- */

/** NULL where there is no memory. */
struct cst__request *cst__request_new(cst_stream *s, cst_done_fn *done, void *arg);

/** Puts one behind those that wait; its chunk, or of_end, is set. */
void cst__request_wait(struct writable *w, struct cst__request *request);

/** Takes out, as a list: the one of the chunk at the front of the queue; those of all chunks; those of end. */
struct cst__request *cst__requests_take_front(struct writable *w);
struct cst__request *cst__requests_take_waiting(struct writable *w);
struct cst__request *cst__requests_take_ends(struct writable *w);

/** Calls the callbacks of a list, one after another, and frees it. NULL is fine. */
void cst__requests_call(cst_stream *s, struct cst__request *request, cst_status status);
void cst__requests_call_ends(cst_stream *s, cst_status status);

/** The same for one, by a task. */
void cst__request_post(cst_stream *s, struct cst__request *request, cst_status status);

/** The stream's error, or status where it has none. */
cst_status cst__failure_or(const cst_stream *s, cst_status status);

/* --- transform.c -------------------------------------------------------------------------------------------------- */

/** Return whether the write of a transform may complete: there is room, or never will be. Else its completion is kept. mark
 * is how much was buffered before. */
bool cst__transform_settle(cst_stream *s, size_t mark);

/**
 * Call the slot of a transform, or pass a chunk through. Return what the write is answered with, or CST_PENDING: by somebody
 * later. *left is to be released when that has been taken.
 */
cst_status cst__transform_write(cst_stream *s, const cst_slice *chunk, cst_slice *left);

/** Likewise, when the slot has returned `status`; when it is answered, with a chunk to push or NULL. */
cst_status cst__transform_returned(const struct cst__transform_call *call, cst_status status,
                                   cst_slice *left);
cst_status cst__transform_answered(cst_stream *s, cst_status status, cst_slice *chunk, size_t mark);
void cst__flush_answered(cst_stream *s, enum cst__slot slot, cst_status status, cst_slice *chunk);

/* --- destroy.c ---------------------------------------------------------------------------------------------------- */

/** The error that a failure on one side of s amounts to. */
cst_error cst__error_here(const cst_stream *s, cst_status status, cst_direction direction);

void cst__set_errored(cst_stream *s, const cst_error *error);
void cst__destroy(cst_stream *s, const cst_error *error);

/** Let error be the reason of the destroy that is under way: 'error' is emitted with it. */
void cst__destroy_for(cst_stream *s, const cst_error *error);

/** Forget the error of a destroyed stream that completing one of its calls has recorded. */
void cst__forget_error(cst_stream *s);

void cst__error_or_destroy(cst_stream *s, const cst_error *error, bool sync);
void cst__construct_start(cst_stream *s);
void cst__run_construct(cst_stream *s);
void cst__construct_answered(cst_stream *s, cst_status status);
void cst__destroy_answered(cst_stream *s, cst_status status);

/** Tasks. */
void cst__run_error(cst_stream *s);
void cst__run_close(cst_stream *s);
void cst__run_constructed(cst_stream *s, cst_status status);
void cst__run_constructed_again(cst_stream *s, cst_status status);

/* --- pipe.c ------------------------------------------------------------------------------------------------------- */

/** cst_pipe in two steps, for streams that fit: memory first (NULL where there is none), then nothing can fail. */
struct cst__pipe *cst__pipe_new(cst_stream *source, cst_stream *dest, bool no_end);
void cst__pipe_connect(struct cst__pipe *pipe);

/** Frees a record that was not connected. NULL is fine. */
void cst__pipe_discard(struct cst__pipe *pipe);

/**
 * The way past the buffers, for a source that flows and has nothing buffered. CST_OK, CST_PENDING and failures: a
 * transfer was made; CST_EMPTY: the source has to be read.
 */
bool cst__pipe_has_transfer(const struct cst__pipe *pipe); /* at some time, if not now */
bool cst__pipe_may_transfer(const struct cst__pipe *pipe); /* now; of those */
cst_status cst__pipe_transfer(struct cst__pipe *pipe, cst_transfer *transfer);

/** Hands a chunk on to the pipe's destination: what its 'data' listener does. */
void cst__pipe_deliver(struct cst__pipe *pipe, const cst_slice *chunk);

/** What the destination said to a chunk. */
void cst__pipe_heed(struct cst__pipe *pipe, cst_status st);

/** The pipe that a listener of the kinds LISTENER_PIPE_... belongs to. */
struct cst__pipe *cst__pipe_of_listener(const struct cst__listener *l);

/** What such listeners do: an event, their stream's end, and that they have left its list. */
void cst__pipe_hear(struct cst__listener *l, const cst_event *event);
void cst__pipe_stream_freed(struct cst__listener *l);
void cst__pipe_unlinked(struct cst__listener *l);

/** Read data un-blocks the bookkeeping of the pipes (not the pause). */
void cst__pipes_forget_awaited(cst_stream *s);

/** A task: the oldest pipe that was made after 'end' ends its destination, and those that joined it theirs. */
void cst__run_pipe_end(cst_stream *s);

#endif

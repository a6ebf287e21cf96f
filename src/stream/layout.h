/*
 * layout.h - how a stream is laid out, and its states; the files of the room.
 *
 * One allocation, only the sides that the kind has, each at a fixed offset from the handle:
 *
 *      struct writable | struct cst_stream | struct readable | self
 *                      ^ the handle
 *
 * The files: each calls only those above it in this list. The last column is the one function that
 * decides a question; cst__push_status is in this header, since the fast path asks it too.
 *
 *      task.c       defers a task, counts references    cst__stream_check_life: may it be freed?
 *      check.c      the invariants
 *      decode.c     cst_set_encoding
 *      slot.c       calls a slot, and returns its status
 *      emit.c       the list of listeners, emission
 *      request.c    the callbacks of writes and ends
 *      await.c      which destinations a source waits for
 *      query.c      every getter
 *      describe.c   one line of text about a stream
 *      destroy.c    errors, destroy, close
 *      push.c       chunks come in                      cst__push_status: is more welcome?
 *      again.c      a slot is to be called again        cst__again: may it?
 *      timeout.c    limits on idle and total time
 *      least.c      holds 'readable' back
 *      mode.c       who gets the chunks
 *      finish.c     final, flush, 'finish'              need_finish
 *      hold.c       a side that has enough              cst__hold_close: may it close?
 *      transform.c  may a transform's write complete?   cst__transform_settle
 *      event.c      cst_on and its variants
 *      drain.c      backpressure
 *      flight.c     the write in flight                 cst__write_complete: what follows?
 *      recall.c     calls a slot again
 *      write.c      cst_write, the queue, cork          must_wait
 *      end.c        cst_end
 *      transfer.c   zero copy
 *      pipe.c       connects, delivers, undoes
 *      eof.c        'end'
 *      read.c       chunks go out, reading ahead        read_more_wanted
 *      stream.c     makes, constructs, frees; the table of tasks
 *      answer.c     answers that come by a call         take_answer: which rule does it go to?
 *      peek.c       cst_peek
 *      enough.c     cst_enough
 *      discard.c    cst_discard
 *
 * Words: a slot *answers* by the status that it returns or, after CST_PENDING, by cst_complete. A
 * write is *in flight* from the call of its slot to the answer. A listener is *held* while it stays
 * in its list even without events (a side that *holds* writes is another matter: hold.c). A pipe is
 * *listed* until it is undone, as in Node's state.pipes. A *frame* is a call of the library that
 * can run user code; what is freed waits until the last frame returns.
 *
 * The life of a readable side (R_ENDED, r_end_emitted):
 *
 *          push EOF            all is read, a task runs
 *     OPEN --------> R_ENDED ---------------------------> r_end_emitted, 'end'
 *
 * and who gets its chunks (r_has_flowing, R_FLOWING are Node's flowing: null, false, true):
 *
 *     null ---- resume, 'data', pipe ----> true <---- resume, drain ----> false
 *       \----------------- pause, 'readable' ----------------------------/
 *
 * The life of a writable side (W_ENDING, w_prefinished, w_finished):
 *
 *          end()             final answered                 task
 *     OPEN --------> ENDING ----------------> PREFINISHED ---------> FINISHED, 'finish'
 *
 * A write waits in the queue if W_WRITING, W_CORKED or ERRORED is set, or CONSTRUCTED is not
 * (must_wait in write.c).
 *
 * Both sides share: DESTROYED (at any point, at once) -> closed (the destroy slot has answered) ->
 * close_emitted (a task).
 */
#ifndef CSTREAM_LAYOUT_H
#define CSTREAM_LAYOUT_H

#include <assert.h>

#include "bytes/block.h"
#include "bytes/chain_internal.h"
#include "cstream/chain.h"
#include "cstream/text.h"
#include "cstream/join.h"
#include "cstream/writable.h"
#include "ctx/ctx_internal.h"
#include "stream/flags.h"

/* --- deferred tasks --------------------------------------------------------------------------- */

/* What a stream does later. Its tasks run in the order in which they were queued, by the functions
 * in noted_tasks (stream.c). */
enum cst__task_kind {
    TASK_LINK, /* no task of a stream, but a link: cst__post */
    TASK_READABLE,
    TASK_READ_MORE,
    TASK_RESUME,
    TASK_END,
    TASK_FLOW,     /* lets flow what was pushed too deep inside other stages */
    TASK_READ,     /* read(0) */
    TASK_MODE,     /* a 'readable' listener was removed: decides anew who gets the chunks */
    TASK_PIPE_END, /* ends the destination of a pipe that was made after 'end' */
    TASK_AUTO_END, /* ends the writable side after 'end': no_half_open */
    TASK_FAIL_QUEUE,
    TASK_FINISH_IF_STILL,
    TASK_FINISH,
    TASK_CONSTRUCT,
    TASK_ERROR,
    TASK_CLOSE,
    /* These have a status or a count, which a note (cst_stream.overflow) cannot keep: without room
     * in the queue their work is done at once. */
    TASK_AFTER_WRITE,
    TASK_WRITE_FAILED,
    TASK_COMPLETE_WRITE,
    TASK_CONSTRUCTED,
    TASK_CONSTRUCTED_AGAIN
};

/* --- slots that owe an answer ----------------------------------------------------------------- */

enum cst__slot {
    SLOT_NONE,
    SLOT_READ,
    SLOT_WRITE, /* write and writev */
    SLOT_TRANSFORM,
    SLOT_FINAL,
    SLOT_FLUSH_AS_FINAL,  /* flush in the place of a missing final: its answer counts as final's */
    SLOT_FLUSH_AT_FINISH, /* flush after a final of the user's: nothing waits for its answer */
    SLOT_CONSTRUCT,
    SLOT_DESTROY
};

/* A bit of `owed`: cst__call_forget has given up the answer of the write in flight. */
#define WRITE_FORGOTTEN 0x80u

/* A bit of `owed`, with T_KEPT: the transform slot, if a write is in flight, else flush, has
 * answered CST_AGAIN. The library owes it a call, and the slot owes nothing. */
#define CALL_AGAIN 0x40u

/* --- events ----------------------------------------------------------------------------------- */

/*
 * Events that only listeners of the library can hear. CST__EVENT_FREED: the stream is being
 * freed, and its list with it. CST__EVENT_LAST_CALL, before that: the context is being freed.
 * Callbacks that were promised must be called now, while all streams are still there.
 * CST__EVENT_ENOUGH: the stream needs no more input; it is part of a struct cst__enough.
 * CST__EVENT_LEAST never comes: that somebody listens says that 'readable' is held back (least.c).
 */
#define CST__EVENT_FREED CST_EVENT_TYPES_
#define CST__EVENT_LAST_CALL ((cst_event_type)(CST_EVENT_TYPES_ + 1))
#define CST__EVENT_ENOUGH ((cst_event_type)(CST_EVENT_TYPES_ + 2))
#define CST__EVENT_LEAST ((cst_event_type)(CST_EVENT_TYPES_ + 3)) /* the last that has a bit */
#define EVENT_BIT(type) ((uint16_t)(1u << (type)))

enum cst__listener_kind { LISTENER_FN, LISTENER_PIPE_SOURCE, LISTENER_PIPE_DEST };

/* What a listener is like. */
#define LISTENER_ONCE 1u  /* its events are removed when they come */
#define LISTENER_FRONT 2u /* called before those without it, the one that was added last first */
#define LISTENER_OWNED 4u /* made by cst_on: the list frees it; others are part of a record */
#define LISTENER_HELD 8u  /* stays in the list even without any event */
#define LISTENER_OF_FINISHED 16u /* part of a struct cst__finished */
#define LISTENER_OF_TIMEOUTS 32u /* part of a struct cst__timeouts */

/**
 * An entry of a stream's list of listeners: for one event, or for several if it is the library's
 * own. An event that is removed while the stream emits must still be delivered by the emissions
 * that had begun: `gone` has such events, `gone_depth` is how many emissions had begun.
 */
struct cst__listener {
    struct cst__listener *next, *prev; /* prev of the first is the last */
    uint16_t events;
    uint16_t gone;
    uint16_t gone_depth;
    uint8_t kind;
    uint8_t traits;
};

/** A listener that calls a function. */
struct cst__fn_listener {
    struct cst__listener listener;
    cst_listener_fn *fn;
    void *arg;
};

/* A call of a transform's slot, while that runs. `mark` is how much was buffered when it began;
 * `slot` is the slot of the stream that was running around it, or SLOT_NONE. */
struct cst__transform_call {
    cst_stream *stream;
    size_t mark;
    struct cst__transform_call *outer; /* the call around this one, of any stream */
    enum cst__slot slot;
};

/* --- the layout ------------------------------------------------------------------------------- */

/* The fields are ordered so that nothing is lost to alignment: there may be many streams. */
struct cst_stream {
    union {
        uint32_t hot;              /* flags that are tested for every chunk */
        enum cst__hot hot_by_name; /* for debuggers, which print their names */
    };
    /* readable side */
    bool has_readable : 1;
    bool r_absent : 1;      /* left out: no_readable */
    bool r_has_flowing : 1; /* flowing is not null */
    bool r_paused : 1;      /* cst_pause or the like was called, and no resume since */
    bool r_resume_scheduled : 1;
    bool r_readable_listening : 1;   /* a 'readable' listener, as of the last look at the list */
    bool r_eof_readable_pending : 1; /* with R_ENDED: no 'readable' has told of EOF yet */
    bool r_end_scheduled : 1;
    bool r_end_emitted : 1;
    bool r_iterated : 1;            /* cst_next was called: its caller gets the error */
    bool r_flow_cut : 1;            /* the turn's bytes are spent: it flows on in an immediate */
    bool r_data_emitted_before : 1; /* R_DATA_EMITTED was set before timeout.c took it down */
    bool r_multi_await : 1;         /* Node's multiAwaitDrain: there were several pipes */
    bool r_twins : 1;               /* several pipes led to one destination */
    /* writable side */
    bool has_writable : 1;
    bool w_absent : 1;      /* left out: no_writable */
    bool w_after_write : 1; /* a task that follows a completed write is on its way */
    bool w_ended : 1;       /* end() has returned */
    bool w_final_called : 1;
    bool w_prefinished : 1;
    bool w_finished : 1;
    bool w_stays_open : 1; /* pipes do not end it: no_pipe_end */
    /* both */
    bool auto_destroy : 1;
    bool emit_close : 1;
    bool half_open : 1;
    bool construct_answered : 1;
    bool error_emitted : 1;
    bool closed : 1;
    bool close_emitted : 1;
    bool dying : 1;           /* in the reap list: freed when the last frame is left */
    bool listeners_gone : 1;  /* the list is to be swept when the emission is over */
    bool listeners_front : 1; /* some listener was put in front of the others */

    cst_ctx *ctx;
    const cst_ops *ops;
    struct cst__listener *listeners;
    struct cst__child child;
    cst_error error;         /* the first one; valid with ERRORED */
    cst_status close_status; /* what destroy was called with, then what the close task emits */
    uint32_t refs;           /* handles of the user's, queued tasks, pipes into it */
    uint16_t listened;       /* events that somebody listens to */
    uint16_t emit_depth;
    /* Notes: a bit for each kind of task that had no room in the queue. TASK_CLOSE has the last. */
    uint16_t overflow;
    uint8_t slot; /* the slot that is running, the innermost */
    /* A bit for each slot that has not answered (slot_bit in slot.c; for write there is W_WRITING),
     * WRITE_FORGOTTEN and CALL_AGAIN. All 8 are used. */
    uint8_t owed;
};

/** A callback that is owed for a write or an end; also the task that calls it. */
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
    bool batch; /* the first callback of a batch of writev */
};

struct writable {
    cst_chain_row queue; /* chunks that wait; its `spare` is cst__corks */
    size_t length;       /* accepted and not completed, the write in flight included */
    size_t high_water_mark;
    struct cst__request *last_waiting; /* callbacks of what waits, then those of end: a ring */
    struct cst__request *in_flight;    /* callbacks of the write in flight: of a writev, a list */
    struct cst__request
        *tick; /* the callback task queued last, which the next equal one may join */
    union {
        cst_slice chunk;     /* W_KEPT: the chunk in flight */
        cst_chain_row batch; /* W_KEPT and W_VECTOR: those of a writev */
    } flight;
    size_t flight_length;
    uint32_t front; /* the number of the first chunk in the queue */
    uint32_t
        pending; /* completed writes, and final, whose task is to come: 'finish' waits for them */
};

struct readable {
    cst_chain_row buffer; /* chunks to be read; its `spare` is cst__awaited */
    size_t length;        /* bytes or, in object mode, chunks */
    size_t high_water_mark;
    union {                    /* by R_PIPED: cst__sole_dest, cst__decoder */
        cst_stream *sole_dest; /* with it: where that pipe leads */
        cst_decoder *decoder;  /* without it: of cst_set_encoding, from the pool, or NULL */
    };
};

static inline struct writable *cst__w(const cst_stream *s)
{
    return (struct writable *)(uintptr_t)s - 1;
}

static inline struct readable *cst__r(const cst_stream *s)
{
    return (struct readable *)(uintptr_t)(s + 1);
}

/** Return where the only 'data' listener leads, which is a pipe's (R_PIPED). */
static inline cst_stream *cst__sole_dest(const cst_stream *s)
{
    CST__ASSERT(s->hot & R_PIPED);
    return cst__r(s)->sole_dest;
}

/** Note that the only 'data' listener is a pipe to dest. The side has no encoding. */
static inline void cst__set_sole_dest(cst_stream *s, cst_stream *dest)
{
    s->hot |= R_PIPED;
    cst__r(s)->sole_dest = dest;
}

/** Note that there is no such pipe. The side has no encoding. */
static inline void cst__clear_sole_dest(cst_stream *s)
{
    s->hot &= NOT(R_PIPED);
    cst__r(s)->sole_dest = NULL;
}

/** Return the decoder of a side that may have an encoding, or NULL if it has none. */
static inline cst_decoder *cst__decoder(const cst_stream *s)
{
    CST__ASSERT(!(s->hot & R_PIPED));
    return cst__r(s)->decoder;
}

/** Return the count of uncorks that are to come. It is 0 unless W_CORKED is set. */
static inline uint32_t *cst__corks(const cst_stream *s)
{
    return &cst__w(s)->queue.spare;
}

/* A count of uncorks that no uncork lowers. */
#define CORKED_FOR_GOOD UINT32_MAX

/** Return whether the writable side needs no more input (cst_enough): it is corked for good. */
static inline bool cst__has_enough(const cst_stream *s)
{
    return *cst__corks(s) == CORKED_FOR_GOOD;
}

/** Return the count of destinations that the source waits for. It is 0 unless R_AWAITING is set. */
static inline uint32_t *cst__awaited(const cst_stream *s)
{
    return &cst__r(s)->buffer.spare;
}

/** Return whether the stream has this side: no_readable and no_writable leave a side out. */
static inline bool cst__readable_is_there(const cst_stream *s)
{
    return s->has_readable && !s->r_absent;
}

static inline bool cst__writable_is_there(const cst_stream *s)
{
    return s->has_writable && !s->w_absent;
}

/** Return whether Node's `flowing` is false, neither null nor true: the stream was paused. */
static inline bool cst__flowing_is_false(const cst_stream *s)
{
    return s->r_has_flowing && !(s->hot & R_FLOWING);
}

/* The offset of the user's state from the handle. The state may be of any type, so it is aligned
 * for all of them. */
#define ALIGNED(size) \
    (((size) + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t))
#define SELF_OF_READABLE ALIGNED(sizeof(cst_stream) + sizeof(struct readable))
#define SELF_OF_WRITABLE \
    (ALIGNED(sizeof(struct writable) + sizeof(cst_stream)) - sizeof(struct writable))
#define SELF_OF_BOTH                                                                   \
    (ALIGNED(sizeof(struct writable) + sizeof(cst_stream) + sizeof(struct readable)) - \
     sizeof(struct writable))

static inline size_t cst__self_offset(bool readable, bool writable)
{
    if (writable)
        return SELF_OF_WRITABLE + (readable ? SELF_OF_BOTH - SELF_OF_WRITABLE : 0);
    return SELF_OF_READABLE;
}

/** Return whether the side has an encoding, by cst_set_encoding: its buffer holds text, and R_PIPED
 * is never set. */
static inline bool cst__decodes(const cst_stream *s)
{
    return !(s->hot & R_PIPED) && cst__decoder(s);
}

/* Return the user's state, or NULL if the ops have none. */
static inline void *cst__self(const cst_stream *s)
{
    return s->ops->self_size
               ? (char *)(uintptr_t)s + cst__self_offset(s->has_readable, s->has_writable)
               : NULL;
}

/** Return the user's state, or NULL, as cst__self does, but of a stream that is known to be
 * writable: that is one test less. */
static inline void *cst__self_of_writable(const cst_stream *s)
{
    return s->ops->self_size ? (char *)(uintptr_t)s + cst__self_offset(s->has_readable, true)
                             : NULL;
}

/* --- rules that more than one file needs ------------------------------------------------------ */

/** Return what a push returns: CST_OK if more is welcome, else CST_FULL. */
static inline cst_status cst__push_status(const cst_stream *s)
{
    const struct readable *r = cst__r(s);

    return !(s->hot & R_ENDED) && (r->length < r->high_water_mark || r->length == 0) ? CST_OK
                                                                                     : CST_FULL;
}

/**
 * Return whether the side holds as much as its highWaterMark. If so, a 'drain' is due from now on.
 */
static inline bool cst__write_is_full(cst_stream *s)
{
    const struct writable *w = cst__w(s);

    if (w->length < w->high_water_mark || w->length == 0)
        return false;
    s->hot |= W_NEED_DRAIN;
    return true;
}

/** Return what an accepted write returns, once it has begun or is queued. */
static inline cst_status cst__write_status(cst_stream *s)
{
    return cst__write_is_full(s) || (s->hot & (DESTROYED | ERRORED)) ? CST_FULL : CST_OK;
}

/**
 * Begin a write: it is in flight from here. The length of the side must have `len` in it already.
 */
static inline void cst__flight_begin(cst_stream *s, size_t len, struct cst__request *request)
{
    struct writable *w = cst__w(s);

    w->flight_length = len;
    w->in_flight = request;
    s->hot |= IN_FLIGHT | ACTIVE;
}

/** End a write: it is in flight no more. W_SYNC stays until its slot has returned. */
static inline void cst__flight_end(cst_stream *s)
{
    struct writable *w = cst__w(s);

    s->hot = (s->hot & NOT(W_WRITING)) | ACTIVE;
    w->length -= w->flight_length;
}

/** Return the length of a chunk in a writable side: its bytes, or 1 in object mode. */
static inline size_t cst__length_of(const cst_stream *s, const cst_slice *chunk)
{
    return (s->hot & W_OBJECTS) ? 1 : chunk->len;
}

/** Return whether the queue is to be written by one call of writev. */
static inline bool cst__gathers(const cst_stream *s)
{
    return s->ops->writev && cst__w(s)->queue.count > 1 && !(s->hot & IS_TRANSFORM);
}

/** Take W_BUFFERED off if the queue is empty. */
static inline void cst__queue_is_empty(cst_stream *s)
{
    if (!cst__w(s)->queue.count)
        s->hot &= NOT(W_BUFFERED);
}

#endif

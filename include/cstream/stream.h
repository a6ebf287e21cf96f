/*
 * stream.h - the stream: one handle, one table of slots, two sides.
 *
 * A stream is one opaque object with a readable side, a writable side, or both, as in Node. What it does is said by a
 * constant table of slots, `cst_ops`; what it knows is `self`, memory of the table's self_size that the library
 * allocates beside the stream. The kinds and their constructors:
 *
 *     cst_readable_new     slots read                          a source                 readable.h
 *     cst_writable_new     slots write or writev, final        a sink                   writable.h
 *     cst_duplex_new       both, independent of each other     a socket                 duplex.h
 *     cst_transform_new    slots transform, flush              a filter                 duplex.h
 *     cst_passthrough_new  none                                hands chunks on          duplex.h
 *
 * A filter as a user writes it:
 *
 *     static cst_status upper(cst_stream *s, void *self, const cst_slice *chunk)
 *     {
 *         cst_buf out;
 *         if (cst_buf_new_cached(&out, cst_stream_ctx(s), chunk->len) < 0)
 *             return CST_E_NOMEM;
 *         for (size_t i = 0; i < chunk->len; i++)
 *             out.data[i] = (uint8_t)toupper(chunk->data[i]);
 *         return cst_give(s, cst_buf_freeze(&out, chunk->len));
 *     }
 *     static const cst_ops upper_ops = { .name = "upper", .transform = upper };
 *
 * How a slot answers. The status it returns is its answer:
 *
 *     CST_OK           done
 *     cst_give(s, c)   done, with one chunk (read, transform and flush): Node's callback(null, chunk)
 *     negative         failed: the stream is destroyed with that error (unless no_auto_destroy)
 *     CST_PENDING      the answer comes by cst_complete on the call taken with cst_this_call, later or already given
 *
 * `read` owes no answer: it pushes chunks, in the slot or any time later. What a slot is given as `const cst_slice *` is
 * borrowed; its bytes stay until the slot has returned and answered, so a slot that answers later copies the struct and
 * needs no reference. A slot that answers twice does what it does in Node: as a rule CST_E_MULTIPLE_CALLBACK. What is
 * returned counts as an answer too: a slot that has completed its call inside itself returns CST_PENDING.
 *
 * What is called when. Calls that move data may run slots and listeners before they return, where Node would; 'end',
 * 'finish', 'error', 'close', 'readable', 'resume' and the callbacks of writes that completed inside their slot come by
 * a deferred task, in cst_ctx_run. Each function says which. Every function may be called inside every slot, listener
 * and callback, of the same stream too, unless it says otherwise; destroying or unreferencing the stream itself is fine.
 *
 * How long a stream lives. A constructor gives its caller one reference. A stream is freed when it has closed, its
 * slots have answered, and the last reference is gone: never under a call that uses it. cst_unref does not destroy; a
 * running pipeline may be left to itself.
 *
 * Errors at the door. A NULL stream, or a side that the kind lacks, is answered with CST_E_INVALID_ARG; nothing has
 * changed then, except that a chunk passed by value is gone.
 *
 * Threads: the thread that runs the stream's context.
 */
#ifndef CSTREAM_STREAM_H
#define CSTREAM_STREAM_H

#include "ctx.h"

typedef struct cst_stream cst_stream;

/** How a write or an end came out: CST_OK, or why not. Called exactly once for each that was not refused at the door. */
typedef void cst_done_fn(cst_stream *s, cst_status status, void *arg);

/* --- the table of slots ------------------------------------------------------------------------------------------ */

/**
 * What a transfer slot is given, and what it says beside its answer.
 *
 * source  given: the stream whose bytes are wanted. cst_stream_ops and cst_stream_self tell what it is.
 * max     given: move no more bytes than this
 * moved   said: so many bytes have left the source. They have gone where this stream writes, but for
 * held      so many of them, which this stream has taken and not passed on yet. Only with CST_PENDING: they count as its
 *           writable length until the call is completed.
 * from    said: how the source stands. CST_OK: it may have more. CST_EMPTY: nothing there now; it will be given a push
 *           when there is, an empty chunk where it has read none, as a read slot that pushed nothing promises. CST_EOF:
 *           that was all. A negative status: it has failed with that.
 */
typedef struct cst_transfer {
    cst_stream *source;
    size_t max;
    size_t moved;
    size_t held;
    cst_status from;
    uintptr_t reserved[3];
} cst_transfer;

/**
 * What a stream does. Constant, shared by all streams of a sort; it must outlive them. A slot that is NULL does the
 * documented default. Slots of a side that the kind lacks are not looked at.
 */
typedef struct cst_ops {
    /** Names the stage in errors. May be NULL. */
    const char *name;

    /** Bytes of self; 0 where there is no state, self is then NULL. */
    size_t self_size;

    /** Called once by a task, before any other slot: open what has to be opened. Until it has answered, writes queue,
     * nothing is read, and destroy waits. A failure destroys the stream. Node: construct. Default: none. */
    cst_status (*construct)(cst_stream *s, void *self);

    /** More chunks are wanted: push some, now or later, size bytes being a hint (the highWaterMark). Called again only
     * after something was pushed. A negative status fails the stream. Node: read. Default: nothing; chunks are pushed
     * from outside. Not for transforms. */
    cst_status (*read)(cst_stream *s, void *self, size_t size);

    /** Consume a chunk; it may be empty. Called again only after the answer. A negative status fails the stream and
     * everything queued in it, by a task: what is returned while the queue is being emptied does not stop that, and the
     * chunks behind are still given to the slot, as in Node. Node: write. Default: writev with one. */
    cst_status (*write)(cst_stream *s, void *self, const cst_slice *chunk);

    /** Consume count chunks (at least one) at once: all that was queued. The array and the bytes are kept until the
     * slot has returned and answered; an array of one, which it gets where there is no write slot, until it has
     * answered. Node: writev. Default: one write for each. */
    cst_status (*writev)(cst_stream *s, void *self, const cst_slice *chunks, size_t count);

    /** All was written: finish up before 'finish'. Node: final. Default: nothing; for transforms: flush. */
    cst_status (*final)(cst_stream *s, void *self);

    /** Turn a chunk into any number of chunks, by push or with the answer. Node: transform. Transforms must have it. */
    cst_status (*transform)(cst_stream *s, void *self, const cst_slice *chunk);

    /** No chunk will follow: push what is left; EOF is pushed after the answer. Node: flush. Default: nothing. */
    cst_status (*flush)(cst_stream *s, void *self);

    /** Release what the stream holds; called once, also when all went well. error is NULL, or what the stream was
     * destroyed with. CST_OK passes that error on to 'error', CST_SWALLOW drops it, a negative status replaces it.
     * Node: destroy. Default: CST_OK. */
    cst_status (*destroy)(cst_stream *s, void *self, const cst_error *error);

    /** Take bytes straight from the stream that is piped into this one, where the two know a shorter way than a chunk in
     * memory: a call of the kernel, from descriptor to descriptor. See "The shorter way" below. Default: none. */
    cst_status (*transfer)(cst_stream *s, void *self, cst_transfer *transfer);

    /** No slot, but a status: what cst_write says, its callback gets and 'error' tells where no_half_open is set, 'end' has
     * been emitted, and the writable side has ended. The other end has gone then, and as a rule nobody here has called
     * cst_end. Sockets of libcstream-posix: CST_OS(EPIPE). Node: net.Socket, of its duplexes alone. Default (0):
     * CST_E_WRITE_AFTER_END. */
    cst_status write_after_peer_end;

    /** Zero, for slots to come. */
    uintptr_t reserved[4];
} cst_ops;

/*
 * The shorter way. Where a source flows into one pipe, and the destination has a transfer slot, that slot is called in
 * place of the source's read slot, so that the bytes need not come by here at all. It is a write that fetches its bytes
 * itself. It is called only while no listener could tell the difference:
 *
 *     the source        flows; the pipe is all that listens to its 'data'; its buffer is empty (nothing is read behind what
 *                       a flow takes out of it, so that it becomes so); it is past construct, has a read slot, no decoder,
 *                       no object mode, and has not ended, failed or been destroyed
 *     the destination   has nothing queued or in flight, is not corked, does not need a 'drain'; it is past construct,
 *                       is no transform, has no object mode, and has not ended, failed or been destroyed
 *
 * and it answers
 *
 *     CST_OK             moved what could be moved now; `from` says whether to come back. Called again by a task.
 *     CST_PENDING        this stream has to wait before it can take more: a write is in flight, of `held` bytes, until the
 *                        slot's call (cst_this_call) is completed. The source pauses as for CST_FULL, and 'drain' follows.
 *     CST_EMPTY          not this time: one chunk goes the ordinary way. Nothing was moved.
 *     CST_E_UNSUPPORTED  not with this source: the slot is not asked again for this pipe. Nothing was moved.
 *     another failure    this stream fails with it, as in a write; where the source fails, `from` says so
 *
 * Events and backpressure are those of chunks that are read and written: 'pause', 'resume', 'drain', 'end', 'finish',
 * 'error' and 'close' come when they would. What is buffered is `held` bytes, never more than the system itself keeps.
 *
 * Each call stands for itself. A 'data' listener that is added, a second pipe, an unpipe, a write to the destination: from
 * the next call on, reads and writes are ordinary again. No byte is lost by that: what has left the source goes to where it
 * was on its way to, as a chunk that was written before would.
 */

/* --- options ------------------------------------------------------------------------------------------------------ */

/** Written for a highWaterMark of 0, since 0 means the default. */
#define CST_HWM_ZERO SIZE_MAX

/**
 * Options of a stream; zeroes are Node's defaults, NULL is all zeroes.
 *
 * high_water_mark            how much a side buffers before it asks the other end to hold; beats the next two
 * readable_high_water_mark   of the readable side; duplexes and transforms only
 * writable_high_water_mark   of the writable side; likewise
 * object_mode                highWaterMarks count chunks, and chunks are never joined or cut: messages. Both sides, or
 * readable_object_mode         one of them (duplexes and transforms)
 * writable_object_mode
 * no_auto_destroy            do not destroy after 'end' and 'finish', nor on an error. Node: autoDestroy: false
 * no_emit_close              no 'close'. Node: emitClose: false
 * no_half_open               end the writable side when the readable side has ended. Node: allowHalfOpen: false
 * no_readable, no_writable   a duplex whose side is there, but ended from the start. Node: readable: false
 * no_pipe_end                neither a pipe into it nor a pipeline ends it, or destroys it for an error of another stream: it
 *                            serves one after the other. Node: process.stdout and process.stderr, which no pipe ends, and
 *                            which are as new when a pipeline has ended or destroyed them
 */
typedef struct cst_opts {
    size_t high_water_mark;
    size_t readable_high_water_mark;
    size_t writable_high_water_mark;
    bool object_mode;
    bool readable_object_mode;
    bool writable_object_mode;
    bool no_auto_destroy;
    bool no_emit_close;
    bool no_half_open;
    bool no_readable;
    bool no_writable;
    bool no_pipe_end;
    uintptr_t reserved[3];
} cst_opts;

/*
 * The constructors in readable.h, writable.h and duplex.h share a form:
 *
 *   cst_status cst_transform_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
 *                                const cst_opts *opts);
 *
 * self  initial value of the state, ops->self_size bytes, copied; NULL for zeroes
 *
 * CST_OK                 *out is the caller's one reference. No slot has run; construct, if any, is queued.
 * CST_E_NOMEM            *out is untouched
 * CST_E_INVALID_ARG      out or ctx is NULL, or the table lacks the slot that the kind must have
 * CST_E_DESTROYED        the context is being freed
 */

/* --- answering a slot --------------------------------------------------------------------------------------------- */

/**
 * One call of a slot, as a small value: Node's callback. Take it inside the slot, complete it once, whenever. It stays
 * good until it has been completed, however the stream ends. Copy it; do not look inside.
 */
typedef struct cst_call {
    cst_stream *stream;
    size_t mark;
    int slot;
} cst_call;

/** The call that is running on s: the innermost, where several are. Only inside a slot of s other than read; elsewhere
 * a call that cst_complete answers with CST_E_INVALID_ARG. */
CST_API cst_call cst_this_call(cst_stream *s);

/**
 * Answers a slot that returned CST_PENDING, or that is about to.
 *
 * CST_OK             taken; what an answer too many does is Node's affair ('error' as a rule)
 * CST_E_INVALID_ARG  not a call
 *
 * Re-entrancy: where the slot has returned already, the callback of the write, 'drain', and the next slot calls run
 * before it returns.
 */
CST_API cst_status cst_complete(cst_call call, cst_status status);

/** The same with success and a chunk (taken), for transform and flush: Node's callback(null, chunk). For another slot
 * the chunk is dropped and CST_E_INVALID_ARG returned: the call is not answered. */
CST_API cst_status cst_complete_with(cst_call call, cst_slice chunk);

/** The same with a copy of len bytes of the caller's. CST_E_NOMEM where there is none for the copy: the call is answered
 * with that. */
CST_API cst_status cst_complete_copy(cst_call call, const void *bytes, size_t len);

/**
 * Leaves a chunk (taken) as part of the answer: `return cst_give(s, chunk);` in read, transform or flush. It does what
 * cst_push as the slot's last act would, and costs less.
 *
 * CST_GIVEN          return this from the slot
 * CST_E_INVALID_ARG  not inside such a slot of s
 */
CST_API cst_status cst_give(cst_stream *s, cst_slice chunk);

/* --- life --------------------------------------------------------------------------------------------------------- */

/** One more reference; gives s back. NULL is fine. */
CST_API cst_stream *cst_ref(cst_stream *s);

/** One reference less. Does not destroy; see above. NULL is fine. */
CST_API void cst_unref(cst_stream *s);

/**
 * Ends the stream now, without an error (CST_OK) or with one. Queued writes are lost, and their callbacks say so; no
 * slot but destroy is called any more; 'error', where there is one, and 'close' come by one task. Node: destroy.
 *
 * CST_OK             done, or it was destroyed before: then nothing changes
 * CST_E_INVALID_ARG  s is NULL, or status is positive
 *
 * Re-entrancy: runs the destroy slot before it returns, unless construct has not answered.
 */
CST_API cst_status cst_destroy(cst_stream *s, cst_status status);

/* --- looking at it ------------------------------------------------------------------------------------------------ */

/** The context, the table, the state (NULL where self_size is 0); borrowed. NULL for a NULL stream. */
CST_API cst_ctx *cst_stream_ctx(const cst_stream *s);
CST_API const cst_ops *cst_stream_ops(const cst_stream *s);
CST_API void *cst_stream_self(const cst_stream *s);

/** ops->name, or "" where it has none. */
CST_API const char *cst_stream_name(const cst_stream *s);

/** Which sides the kind has. */
CST_API bool cst_stream_has_readable(const cst_stream *s);
CST_API bool cst_stream_has_writable(const cst_stream *s);

/** destroy was called, by whomever. Node: destroyed. */
CST_API bool cst_is_destroyed(const cst_stream *s);

/** The destroy slot has answered; 'close' is emitted or due. Node: closed. */
CST_API bool cst_is_closed(const cst_stream *s);

/** The first error of the stream, or NULL; borrowed. Node: errored. */
CST_API const cst_error *cst_errored(const cst_stream *s);

#endif

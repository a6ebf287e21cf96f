/*
 * stream.h - the stream: one handle, one table of slots, two sides.
 *
 * A stream is one opaque object with a readable side, a writable side, or both, as in Node. A
 * constant table of slots, `cst_ops`, says what it does. Its state is `self`: memory of the table's
 * self_size that the library allocates beside the stream. The kinds and their constructors:
 *
 *     cst_readable_new      slots read                      a source                readable.h
 *     cst_writable_new      slots write or writev, final    a sink                  writable.h
 *     cst_duplex_new        both, independently             a socket                duplex.h
 *     cst_transform_new     slots transform, flush          a filter                duplex.h
 *     cst_passthrough_new   none                            passes chunks on        duplex.h
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
 * How a slot answers: by the status that it returns.
 *
 *     CST_OK                   done
 *     return cst_give(s, c)    done, with one chunk (read, transform and flush).
 *                              Node: callback(null, chunk)
 *     negative                 failed: the stream is destroyed with that error (unless
 *                              no_auto_destroy)
 *     CST_AGAIN                stopped in the middle (transform and flush): call the slot again,
 *                              with this chunk, when there is room in the output
 *     CST_PENDING              the slot answers by cst_complete on the call that it took with
 *                              cst_this_call: later, or already inside the slot
 *
 * The read slot owes no answer: it pushes chunks, inside the slot or at any later time. A slot that
 * has called cst_complete inside itself returns CST_PENDING, since what it returns is an answer
 * too. A slot that answers twice does what it does in Node: usually CST_E_MULTIPLE_CALLBACK.
 *
 * A `const cst_slice *` that a slot gets is borrowed. Its bytes stay until the slot has returned
 * and answered. So a slot that answers later copies the struct, and needs no reference.
 *
 * What is deferred. Calls that move data may run slots and listeners before they return, if Node's
 * do. These come later, by a deferred task inside cst_ctx_run: 'end', 'finish', 'error', 'close',
 * 'readable', 'resume', and the callbacks of writes that were completed inside their slot. Each
 * function says which it runs at once.
 *
 * Re-entrancy. Every function may be called inside every slot, listener and callback, also of the
 * stream that it is called on, unless it says otherwise. Destroying a stream or dropping its last
 * reference there is fine.
 *
 * How long a stream lives. A constructor gives its caller one reference. A stream is freed when it
 * has closed, its slots have answered, and the last reference was dropped; never under a call that
 * uses it. cst_unref does not destroy: a pipeline that runs may be left to itself.
 *
 * Wrong arguments. If s is NULL, or its kind lacks the side, a function returns CST_E_INVALID_ARG.
 * Nothing has changed then, but a chunk that was passed by value is dropped.
 *
 * Threads: the thread that runs the stream's context.
 */
#ifndef CSTREAM_STREAM_H
#define CSTREAM_STREAM_H

#include "ctx.h"

typedef struct cst_stream cst_stream;

/**
 * Tells how a write or an end came out: CST_OK, or why it failed. Called exactly once for each one
 * that was not refused with a wrong argument or for want of memory.
 */
typedef void cst_done_fn(cst_stream *s, cst_status status, void *arg);

/* --- the table of slots ----------------------------------------------------------------------- */

/**
 * What a transfer slot gets, and what it fills in beside its answer.
 *
 * source  in: the stream whose bytes are wanted; cst_stream_ops and cst_stream_self say what it is
 * max     in: the most bytes to move
 * moved   out: how many bytes have left the source
 * held    out: how many of these this stream has taken and not passed on yet. Only with
 *         CST_PENDING: they count as its writable length until the call is completed.
 * from    out: the state of the source.
 *         CST_OK       it may have more
 *         CST_EMPTY    it has nothing now. It promises to push as soon as it has something, as a
 *                      read slot that pushed nothing does. If that is not a chunk, but only the
 *                      news that more can be moved, it pushes an empty one.
 *         CST_EOF      that was all
 *         negative     it has failed with that error
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
 * What a stream does. The table is constant, shared by all streams of its sort, and must outlive
 * them. A slot that is NULL does its default. Slots of a side that the kind lacks are ignored.
 */
typedef struct cst_ops {
    /** Names the stage in errors. May be NULL. */
    const char *name;

    /** Bytes of self. If it is 0, self is NULL. */
    size_t self_size;

    /** Open what has to be opened. Called once, by a task, before any other slot. Until it has
     * answered, writes are queued, nothing is read, and a destroy waits. A failure destroys the
     * stream. Node: construct. Default: none. */
    cst_status (*construct)(cst_stream *s, void *self);

    /** Push chunks, now or later: more are wanted. size is a hint (the highWaterMark). Called again
     * only after something was pushed. A negative status fails the stream. Not for transforms.
     * Node: read. Default: nothing; chunks are pushed from outside. */
    cst_status (*read)(cst_stream *s, void *self, size_t size);

    /** Consume a chunk, which may be empty. Called again only after the answer. A negative status
     * fails the stream and everything queued in it, by a task. If the queue is being written out at
     * that moment, the slot still gets the chunks that are queued behind, as in Node. Node: write.
     * Default: writev with one chunk. */
    cst_status (*write)(cst_stream *s, void *self, const cst_slice *chunk);

    /** Consume count chunks (at least one) at once: everything that was queued. The array and the
     * bytes stay until the slot has returned and answered. An array of one, which the slot gets in
     * place of a write slot, stays until it has answered. Node: writev. Default: one write for each
     * chunk. */
    cst_status (*writev)(cst_stream *s, void *self, const cst_slice *chunks, size_t count);

    /** Finish up: everything was written, 'finish' follows the answer. Node: final. Default:
     * nothing; for transforms: flush. */
    cst_status (*final)(cst_stream *s, void *self);

    /** Turn a chunk into any number of chunks, by cst_push or with the answer. Transforms must have
     * it. Node: transform. */
    cst_status (*transform)(cst_stream *s, void *self, const cst_slice *chunk);

    /** Push what is left: no chunk follows. EOF is pushed after the answer. Node: flush. Default:
     * nothing. */
    cst_status (*flush)(cst_stream *s, void *self);

    /** Release what the stream holds. Called once, also if all went well. error is what the stream
     * was destroyed with, or NULL. CST_OK passes that error on to 'error', CST_SWALLOW drops it,
     * and a negative status replaces it. Node: destroy. Default: CST_OK. */
    cst_status (*destroy)(cst_stream *s, void *self, const cst_error *error);

    /** Take bytes directly from the stream that is piped into this one. See "Kernel transfer"
     * below. Default: none. */
    cst_status (*transfer)(cst_stream *s, void *self, cst_transfer *transfer);

    /** A status, not a slot. If no_half_open has ended the writable side because 'end' was emitted,
     * a later cst_write returns it, and its callback and 'error' get it: the peer has gone, and
     * usually nobody here has called cst_end. Sockets of libcstream-posix have CST_OS(EPIPE).
     * Node: net.Socket alone. Default (0): CST_E_WRITE_AFTER_END. */
    cst_status write_after_peer_end;

    /** Zero, for later slots. */
    uintptr_t reserved[4];
} cst_ops;

/*
 * Kernel transfer (zero copy: sendfile, splice, copy_file_range).
 *
 * If a source flows into one pipe and the destination has a transfer slot, that slot is called
 * instead of the source's read slot. It is a write that fetches its bytes itself, so that they need
 * not pass through memory. It is called only while no listener could tell the difference:
 *
 *     the source       flows, and the pipe is the only listener to its 'data'; has an empty buffer;
 *                      has been constructed; has a read slot, no decoder and no object mode; has
 *                      not ended, failed or been destroyed
 *     the destination  has nothing queued or in flight, is not corked and needs no 'drain'; has
 *                      been constructed; is not a transform and not in object mode; has not ended,
 *                      failed or been destroyed
 *
 * For such a pair nothing is read ahead, so that the source's buffer becomes empty.
 *
 * The slot returns
 *
 *     CST_OK             it has moved what could be moved now. transfer->from says whether to call
 *                        it again, by a task.
 *     CST_PENDING        this stream has to wait before it can take more. A write of `held` bytes
 *                        is in flight until the slot's call (cst_this_call) is completed. The
 *                        source pauses as after CST_FULL, and 'drain' follows.
 *     CST_EMPTY          not this time: one chunk goes the ordinary way. Nothing was moved.
 *     CST_E_UNSUPPORTED  not with this source: the slot is not called again for this pipe. Nothing
 *                        was moved.
 *     other failures     this stream fails with it, as in a write. If the source fails,
 *                        transfer->from says so.
 *
 * Events and backpressure are those of chunks that are read and written: 'pause', 'resume',
 * 'drain', 'end', 'finish', 'error' and 'close' come when they would come for such chunks. Only
 * `held` bytes are buffered, never more than the system itself holds.
 *
 * Each call stands for itself. After a 'data' listener or a second pipe was added, after an unpipe
 * or a write to the destination, the next bytes are read and written in the ordinary way. None is
 * lost: bytes that have left the source go to where they were going, as a chunk that was written
 * before.
 */

/* --- options ---------------------------------------------------------------------------------- */

/** The highWaterMark of 0. In the options 0 means the default. */
#define CST_HWM_ZERO SIZE_MAX

/**
 * Options of a stream; zeroes are Node's defaults. NULL is all zeroes.
 *
 * high_water_mark            how much a side buffers before it asks the other end to wait: bytes,
 *                            or chunks in object mode. If set, it beats the next two.
 * readable_high_water_mark   of the readable side; duplexes and transforms only
 * writable_high_water_mark   of the writable side; duplexes and transforms only
 * object_mode                chunks are messages: never joined or cut; highWaterMarks count them
 * readable_object_mode       of the readable side; duplexes and transforms only
 * writable_object_mode       of the writable side; duplexes and transforms only
 * no_auto_destroy            do not destroy the stream after 'end' and 'finish', nor after an
 *                            error. Node: autoDestroy: false
 * no_emit_close              do not emit 'close'. Node: emitClose: false
 * no_half_open               end the writable side when the readable side has ended.
 *                            Node: allowHalfOpen: false
 * no_readable, no_writable   a duplex that has this side, but ended from the start.
 *                            Node: readable: false
 * no_pipe_end                neither a pipe into the stream nor a pipeline ends it, or destroys it
 *                            for an error of another stream: it serves one after the other. Node:
 *                            process.stdout and process.stderr, which no pipe ends, and which are
 *                            as new after a pipeline has ended or destroyed them
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
 * The constructors in readable.h, writable.h and duplex.h have one form:
 *
 *   cst_status cst_transform_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
 *                                const void *self, const cst_opts *opts);
 *
 * self  the initial state, ops->self_size bytes, which are copied; NULL for zeroes
 *
 * CST_OK             *out is the caller's one reference. No slot has run yet; construct, if there
 *                    is one, is queued.
 * CST_E_NOMEM        *out is untouched
 * CST_E_INVALID_ARG  out or ctx is NULL, or the table lacks a slot that the kind must have
 * CST_E_DESTROYED    the context is being freed
 *
 * Every other constructor of a stream returns these too; its comment says what it adds.
 */

/*
 * A transform or flush that stops in the middle, since its output is longer than its input:
 *
 *     static cst_status inflate_more(cst_stream *s, void *self, const cst_slice *chunk)
 *     {
 *         while (there_is_more(self, chunk))
 *             if (cst_push(s, next_output(self, chunk)) == CST_FULL)
 *                 return CST_AGAIN;
 *         return CST_OK;
 *     }
 *
 * The write stays in flight with its chunk, and nothing else is written. The slot is called again,
 * with the chunk that it had, by the read that wants more; if there is room at once, by a task. So
 * a slot may also stop after each output to let other streams run. It keeps its place in self. Its
 * last answer, which is any other than CST_AGAIN, completes the write. flush likewise: EOF and
 * 'finish' wait for its last answer. cst_complete(call, CST_AGAIN) is the answer of a slot that has
 * returned CST_PENDING. For all other slots CST_AGAIN is CST_OK.
 *
 * So at most the highWaterMark, rounded up to an output, and two outputs more are buffered. A call
 * that stops although it has pushed nothing and there was room would go on for ever: it fails the
 * stream with CST_E_STALL, at the latest when it does so for the second time in a row. A slot that
 * waits for something else than room returns CST_PENDING. If the stream is destroyed, the slot is
 * not called again, and the callback of the write gets the reason.
 */

/* --- answering a slot ------------------------------------------------------------------------- */

/**
 * One call of a slot, as a small value: Node's callback. Take it inside the slot with
 * cst_this_call, and complete it once, at any time. It stays valid until it was completed, however
 * the stream ends. It may be copied. The fields are private.
 */
typedef struct cst_call {
    cst_stream *stream;
    size_t mark;
    int slot;
} cst_call;

/**
 * Return the call of a slot that is running on s; if several are, the innermost. Use it only inside
 * a slot of s other than read. Elsewhere it returns a call for which cst_complete returns
 * CST_E_INVALID_ARG.
 */
CST_API cst_call cst_this_call(cst_stream *s);

/**
 * Answer a slot that has returned CST_PENDING or is about to.
 *
 * CST_OK             the answer was taken. An answer too many does what it does in Node: usually
 *                    'error'.
 * CST_E_INVALID_ARG  not a call, or status is CST_PENDING or CST_GIVEN
 *
 * status may be CST_AGAIN for transform and flush: see above.
 *
 * A library that was compiled with -DCST_CHECK stops at an answer too many, and at what is refused
 * here and in the next two, with a line that names the call.
 *
 * Re-entrancy: if the slot has returned already, the callback of the write, 'drain', and the next
 * calls of slots run before this returns.
 */
CST_API cst_status cst_complete(cst_call call, cst_status status);

/**
 * Answer a transform or flush slot with success and a chunk (taken). Node: callback(null, chunk).
 *
 * CST_OK             the answer was taken
 * CST_E_INVALID_ARG  not a call, or one of another slot: it is not answered, the chunk is dropped
 *
 * Re-entrancy: as cst_complete; the chunk may reach 'data' listeners and the next stages.
 */
CST_API cst_status cst_complete_with(cst_call call, cst_slice chunk);

/**
 * Answer as cst_complete_with does, with a copy of len bytes of the caller's.
 *
 * CST_OK             the answer was taken
 * CST_E_NOMEM        no memory for the copy: the call is answered with this failure
 * CST_E_INVALID_ARG  not a call, or one of another slot, or bytes is NULL and len is not 0: it is
 *                    not answered
 */
CST_API cst_status cst_complete_copy(cst_call call, const void *bytes, size_t len);

/**
 * Give a chunk (taken) as part of the answer of a read, transform or flush slot:
 *
 *     return cst_give(s, chunk);
 *
 * It does what cst_push would do as the last act of the slot, and costs less. The slot must return
 * what this function returns. If it returns CST_OK instead, the chunk is dropped silently; but a
 * library that was compiled with -DCST_CHECK stops there, with a line that names cst_give. No other
 * slot of the context can give until this one has returned.
 *
 * CST_GIVEN          return this from the slot
 * CST_E_INVALID_ARG  not inside such a slot of s: the chunk is dropped
 */
CST_API cst_status cst_give(cst_stream *s, cst_slice chunk);

/* --- life ------------------------------------------------------------------------------------- */

/** Add a reference and return s. NULL is fine. */
CST_API cst_stream *cst_ref(cst_stream *s);

/** Drop a reference. Does not destroy the stream; see above. NULL is fine. */
CST_API void cst_unref(cst_stream *s);

/**
 * End the stream now, with an error or without one (status CST_OK). Queued writes are lost, and
 * their callbacks get the error or CST_E_DESTROYED. No slot but destroy is called any more. One
 * task emits 'error', if there is an error, and 'close'. Node: destroy.
 *
 * CST_OK             done; if the stream was destroyed before, nothing changes
 * CST_E_INVALID_ARG  s is NULL, or status is positive
 *
 * Re-entrancy: runs the destroy slot before it returns, unless construct has not answered yet.
 */
CST_API cst_status cst_destroy(cst_stream *s, cst_status status);

/**
 * Say that s needs no more input: it has seen all that it wants. What feeds it is let go, as
 * success. In JavaScript: leaving a `for await` loop early. For filters and sinks that stop early:
 *
 *     static cst_status first(cst_stream *s, void *self, const cst_slice *chunk)
 *     {
 *         cst_push(s, cst_slice_ref(chunk));
 *         cst_enough(s);
 *         return CST_OK;
 *     }
 *
 * In each pipeline that s is in, the stages before it are unpiped and destroyed with CST_E_ABORT,
 * and how they and the writable side of s end does not count any more. If s is in a composition,
 * and that needs no more input either, what feeds the composition is let go likewise. A stream that
 * only cst_pipe leads into s waits, as for a slow sink.
 *
 * The slot write, writev or transform of s is not called again. What is written to s from now on is
 * held, as if s were corked; cst_uncork and cst_end do not let it go on.
 *
 *     a transform   when its slot has answered (at once if none runs) flush is called, then EOF is
 *                   pushed; if EOF was pushed before, flush is not called. It closes when 'end' is
 *                   emitted, without 'finish'. What is held is lost: done gets CST_E_DESTROYED.
 *     a sink        closes when its slot has answered, without 'finish'. What is held is lost.
 *     a duplex      closes when both have happened: 'end' and the slot's answer
 *
 * But if cst_end was called by then, what is held goes by without the slot, as if it had been
 * written, and 'finish' comes. no_auto_destroy does not keep s from closing.
 *
 * CST_OK             what fed s is let go
 * CST_EMPTY          the rest is done, but no pipeline fed s, or it was let go before
 * CST_E_INVALID_ARG  s is NULL or has no writable side
 *
 * Cannot fail for want of memory. Re-entrancy: runs destroy slots of other streams, and flush,
 * before it returns; inside a slot of s, flush runs after that slot has answered.
 */
CST_API cst_status cst_enough(cst_stream *s);

/* --- queries ---------------------------------------------------------------------------------- */

/** Return the context, the table, or the state (NULL if self_size is 0); borrowed. NULL if s is. */
CST_API cst_ctx *cst_stream_ctx(const cst_stream *s);
CST_API const cst_ops *cst_stream_ops(const cst_stream *s);
CST_API void *cst_stream_self(const cst_stream *s);

/** Return ops->name, or "" if it is NULL. */
CST_API const char *cst_stream_name(const cst_stream *s);

/** Return whether the kind of s has a readable side, or a writable side. */
CST_API bool cst_stream_has_readable(const cst_stream *s);
CST_API bool cst_stream_has_writable(const cst_stream *s);

/** Return whether the stream was destroyed, by whomever. Node: destroyed. */
CST_API bool cst_is_destroyed(const cst_stream *s);

/** Return whether the destroy slot has answered: 'close' was emitted or is due. Node: closed. */
CST_API bool cst_is_closed(const cst_stream *s);

/** Return the first error of the stream, or NULL; borrowed. Node: errored. */
CST_API const cst_error *cst_errored(const cst_stream *s);

/**
 * Describe a stream in one line of text, for a log or a debugger: its kind and name; length and
 * highWaterMark of the writable (W) and the readable side (R), and what they do; references, those
 * of queued tasks and of pipes into it included; why it does not go on; then the flags that are
 * set, by their names inside the library. For example
 *
 *     transform gunzip   W 65536/65536 in flight, R 98304/65536 paused, 2 refs   waits for 'drain'
 *     of socket   R_PIPED R_QUEUED ...
 *
 * (without the break). The reason is the first of these that holds: closed; inside a slot; a slot
 * owes its answer; destroyed; construct has still to run; nobody answers its write, since the other
 * side of its pair is gone; waits for 'drain' of a destination; corked; the turn's bytes are spent;
 * paused; nobody reads; output full; idle, nobody has ended it; the read slot owes a push. The text
 * is for people: it may change with any version.
 *
 * to    where the text goes, with a zero behind it; may be NULL if *size is 0
 * size  in: the room behind `to`, in bytes
 *       out: the length of the whole text, without the zero
 *
 * CST_OK              done
 * CST_E_OUT_OF_RANGE  not enough room: what fits was written, with a zero behind it
 * CST_E_INVALID_ARG   size or s is NULL, or to is NULL and *size is not 0; nothing has changed
 *
 * Re-entrancy: legal inside any callback, runs none, needs no memory and changes nothing. In a
 * debugger, call it while the program is stopped in its own code.
 */
CST_API cst_status cst_stream_describe(char *to, size_t *size, const cst_stream *s);

#endif

/*
 * readable.h - the readable side: where chunks come out.
 *
 * Chunks are pushed, by the read slot or from outside. They wait in a buffer of about the
 * highWaterMark, and leave it in one of three ways, which may be changed at any time: to 'data'
 * listeners (the stream flows), by cst_read after 'readable', or by a pipe.
 *
 *     flowing    unset   nobody reads yet: a 'data' listener, cst_pipe or cst_resume starts it
 *                off     paused, or a 'readable' listener reads
 *                on      every chunk goes to the 'data' listeners as it comes
 *
 * Node: stream.Readable, whose names these are.
 */
#ifndef CSTREAM_READABLE_H
#define CSTREAM_READABLE_H

#include "event.h"
#include "text.h"

/** Make a source. It needs no slot. Form and results are in stream.h. Node: new Readable. */
CST_API cst_status cst_readable_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                    const void *self, const cst_opts *opts);

/* --- chunks come in --------------------------------------------------------------------------- */

/**
 * Add a chunk (taken) at the end of the buffer. If the stream flows, nothing is buffered and the
 * read slot is not running, give it to the 'data' listeners at once instead. An empty chunk adds
 * nothing; in object mode it is a message. Node: push.
 *
 * CST_OK                taken, and there is room for more
 * CST_FULL              taken, but wait for the next call of the read slot; or the stream has
 *                       failed meanwhile
 * CST_E_PUSH_AFTER_EOF  refused, and 'error' says so
 * CST_E_DESTROYED       dropped: the stream was destroyed or has failed before
 * CST_E_NOMEM           dropped for want of memory: the stream fails with this error
 * CST_E_OUT_OF_RANGE    dropped, since the bytes buffered would not fit a size_t: the stream fails
 *                       with this error
 * CST_E_INVALID_ARG     s is NULL or has no readable side
 *
 * Re-entrancy: may run 'data' listeners, and through a pipe the next stages, before it returns.
 */
CST_API cst_status cst_push(cst_stream *s, cst_slice chunk);

/**
 * Push a copy of len bytes of the caller's, as cst_push does. If there is no memory for the copy,
 * the stream fails with CST_E_NOMEM. If bytes is NULL and len is not 0, it fails with
 * CST_E_INVALID_ARG: in Node, a push of something that is no chunk. Small copies share blocks, as
 * those of cst_write_copy do.
 */
CST_API cst_status cst_push_copy(cst_stream *s, const void *bytes, size_t len);

/**
 * Say that no chunk follows: 'end' comes when everything was read. A second call does nothing.
 * Node: push(null).
 *
 * CST_EOF            always, but for
 * CST_E_INVALID_ARG  s is NULL or has no readable side
 *
 * Re-entrancy: outside the read slot, 'readable' listeners and 'data' listeners may run before it
 * returns.
 */
CST_API cst_status cst_push_eof(cst_stream *s);

/**
 * Put a chunk (taken) back in front of the buffer. Possible after EOF too, until 'end' was emitted.
 * Node: unshift.
 *
 * Results as of cst_push, with CST_E_UNSHIFT_AFTER_END_EVENT in place of CST_E_PUSH_AFTER_EOF.
 *
 * Re-entrancy: as cst_push.
 */
CST_API cst_status cst_unshift(cst_stream *s, cst_slice chunk);

/**
 * Put a copy of len bytes of the caller's back, as cst_unshift does. A copy that cannot be made
 * fails the stream, as in cst_push_copy.
 */
CST_API cst_status cst_unshift_copy(cst_stream *s, const void *bytes, size_t len);

/* --- chunks go out ---------------------------------------------------------------------------- */

/**
 * As the size of a cst_read: any size. It takes the first chunk of the buffer whole; if the stream
 * has an encoding (cst_set_encoding) and does not flow, the whole buffer as one chunk. Node: read()
 * without an argument.
 */
#define CST_READ_ANY SIZE_MAX

/**
 * Take bytes out of the buffer. 'data' listeners get them too. Node: read.
 *
 * size  CST_READ_ANY; or 0, which takes nothing but lets the stream read ahead; or a number of
 *       bytes: exactly so many or, after EOF, what is left. A number above the highWaterMark raises
 *       it to the next power of two. In object mode one message is taken, whatever the number.
 *
 * CST_OK              *out is the caller's
 * CST_EMPTY           there is not so much yet, or size is 0: wait for 'readable'
 * CST_EOF             nothing is left, and nothing will come
 * CST_E_OUT_OF_RANGE  size is above 1 GiB and not CST_READ_ANY
 * CST_E_NOMEM         chunks had to be joined, and there was no memory: nothing has changed
 * CST_E_INVALID_ARG   out is NULL (allowed if size is 0), or s is NULL or has no readable side
 *
 * Re-entrancy: runs the read slot, then 'data' listeners, before it returns.
 */
CST_API cst_status cst_read(cst_slice *out, cst_stream *s, size_t size);

/**
 * Look at the first n bytes without taking them: to tell one protocol from another, then pipe on.
 * In object mode look at the first message, whatever n. No 'data' is emitted, and the stream flows
 * or pauses as before. Node has no such call; read and unshift emit 'data'.
 *
 * CST_OK              *out is n bytes, the caller's: a reference, or a copy if they lie in several
 *                     chunks
 * CST_EMPTY           there are fewer. As in cst_read the highWaterMark rises to a power of two,
 *                     and the stream reads. 'readable' is held back, once, until n bytes are there
 *                     or EOF has come; the next peek or cst_read ends that.
 * CST_EOF             there are fewer, and nothing will come: *out is all that is left, perhaps
 *                     nothing
 * CST_E_OUT_OF_RANGE  n is above 1 GiB
 * CST_E_NOMEM         nothing has changed
 * CST_E_INVALID_ARG   out is NULL, n is 0, or s is NULL or has no readable side
 * other failures      the stream has failed with this, or closed early: as cst_next
 *
 * Re-entrancy: may run the read slot before it returns.
 */
CST_API cst_status cst_peek(cst_slice *out, cst_stream *s, size_t n);

/**
 * Read the next chunk without listening: one step of Node's asynchronous iterator.
 *
 *     while ((st = cst_next(&chunk, s)) == CST_OK || st == CST_EMPTY)
 *         if (st == CST_OK)
 *             use(&chunk), cst_slice_unref(&chunk);
 *         else
 *             wait_for_something_and_run(ctx);
 *
 * CST_OK                   *out is the next chunk, the caller's
 * CST_EMPTY                nothing is there now: wait
 * CST_EOF                  everything was read, and 'end' was emitted
 * CST_E_PREMATURE_CLOSE    the stream was destroyed before its end, without an error
 * another negative status  what the stream failed with; each further call returns it again
 * CST_E_INVALID_ARG        out or s is NULL, or s has no readable side
 *
 * Errors. After the first cst_next, an 'error' of s that nobody listens to counts as handled, since
 * the next call returns it: cst_ctx_run does not return CST_E_UNHANDLED for it. That is so even if
 * cst_next is not called again; cst_errored has the error then. cst_read returns no error of the
 * stream and changes nothing about this.
 *
 * Re-entrancy: as cst_read.
 */
CST_API cst_status cst_next(cst_slice *out, cst_stream *s);

/* --- text ------------------------------------------------------------------------------------- */

/**
 * Make the side hand out text from now on. What is pushed is taken for bytes of that encoding; what
 * is read, emitted and piped is their text in UTF-8 (cst_bytes_to_text, text.h), never cut inside a
 * character. To cut the bytes of a source into whole characters, use CST_UTF8. Node: setEncoding.
 *
 * An incomplete character at the end of a chunk waits for the next. At EOF the rest comes as a last
 * chunk: U+FFFD for part of a character, the last group of base64, nothing for half a UTF-16 unit.
 *
 * What is buffered already is decoded as one chunk. In a second call the buffer is joined but not
 * decoded again, and an incomplete character that was held is lost. Chunks that are put back by
 * cst_unshift are text, and stay as they are.
 *
 * The length of the side, its highWaterMark and the sizes of cst_read count bytes of the text (in
 * Node: UTF-16 units). A cst_read of a number of bytes may cut a character, as in Node it may cut a
 * surrogate pair.
 *
 * In object mode each message is decoded by itself, but a character may begin in one message and
 * end in the next; a message that completes no character is an empty one. Messages that are
 * buffered already become one message.
 *
 * A push may then need memory: CST_E_NOMEM fails the stream, also at EOF. Chunks that are their own
 * text (well-formed UTF-8; ASCII in CST_ASCII and CST_LATIN1) are not copied.
 *
 * CST_OK             done, also on a stream that has ended or was destroyed
 * CST_E_NOMEM        nothing has changed
 * CST_E_INVALID_ARG  s is NULL or has no readable side, or there is no such encoding
 */
CST_API cst_status cst_set_encoding(cst_stream *s, cst_encoding encoding);

/**
 * Get the encoding. Node: readableEncoding.
 *
 * CST_OK             *out is set
 * CST_EMPTY          the stream has none: *out is untouched
 * CST_E_INVALID_ARG  out or s is NULL, or s has no readable side
 */
CST_API cst_status cst_readable_encoding(cst_encoding *out, const cst_stream *s);

/* --- flow ------------------------------------------------------------------------------------- */

/**
 * Start the flow; chunks come by a task. If somebody listens to 'readable', let the read slot run
 * instead. CST_OK, CST_E_INVALID_ARG. Node: resume.
 */
CST_API cst_status cst_resume(cst_stream *s);

/**
 * Stop the flow after the current chunk. The buffer goes on filling up to the highWaterMark.
 * CST_OK, CST_E_INVALID_ARG. Node: pause.
 *
 * Re-entrancy: if the stream was not paused, 'pause' is emitted before it returns.
 */
CST_API cst_status cst_pause(cst_stream *s);

/** Node: readableFlowing, which is null, false or true. */
typedef enum cst_flowing {
    CST_FLOWING_UNSET = -1,
    CST_FLOWING_OFF = 0,
    CST_FLOWING_ON = 1
} cst_flowing;

/* --- state, under Node's names: unset, false or 0 if there is no readable side ---------------- */

/** Return what becomes of chunks; see the top of this file. Node: readableFlowing. */
CST_API cst_flowing cst_readable_flowing(const cst_stream *s);

/** Return whether the stream was paused explicitly. Node: isPaused. */
CST_API bool cst_is_paused(const cst_stream *s);

/** Return how many bytes, or messages, are buffered. Node: readableLength. */
CST_API size_t cst_readable_length(const cst_stream *s);

/** Node: readableHighWaterMark. */
CST_API size_t cst_readable_high_water_mark(const cst_stream *s);

/** Node: readableObjectMode. */
CST_API bool cst_readable_object_mode(const cst_stream *s);

/** Return whether 'end' was emitted. Node: readableEnded. */
CST_API bool cst_readable_ended(const cst_stream *s);

/** Return whether a chunk was handed out. Node: readableDidRead. */
CST_API bool cst_readable_did_read(const cst_stream *s);

/** Return whether the stream was destroyed or has failed before 'end'. Node: readableAborted. */
CST_API bool cst_readable_aborted(const cst_stream *s);

/** Return whether cst_read may still return a chunk. Node: readable. */
CST_API bool cst_is_readable(const cst_stream *s);

#endif

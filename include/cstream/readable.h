/*
 * readable.h - the readable side: where chunks come out.
 *
 * Chunks are pushed, by the read slot or from outside, wait in a buffer up to about the highWaterMark, and leave by one
 * of three ways that may be changed at any time: 'data' listeners (flowing), cst_read after 'readable', or a pipe.
 *
 *     flowing    unset: nobody consumes yet; attaching 'data', cst_pipe or cst_resume starts it
 *                off:   paused, or a 'readable' listener is in charge
 *                on:    every chunk goes to the 'data' listeners as it comes
 *
 * Node: stream.Readable, whose names these are.
 */
#ifndef CSTREAM_READABLE_H
#define CSTREAM_READABLE_H

#include "event.h"
#include "text.h"

/** A source. No slot is a must. See stream.h for the form. Node: new Readable. */
CST_API cst_status cst_readable_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                    const void *self, const cst_opts *opts);

/**
 * Adds a chunk (taken) at the end of the buffer, or hands it to the 'data' listeners at once where the stream flows,
 * nothing is buffered and the read slot is not running. An empty chunk adds nothing (in object mode it is a message).
 * Node: push.
 *
 * CST_OK                 taken, and there is room for more
 * CST_FULL               taken, but wait for the next read call; or the stream has failed meanwhile
 * CST_E_PUSH_AFTER_EOF   refused, and 'error' says so
 * CST_E_DESTROYED        dropped: destroyed or failed already
 * CST_E_NOMEM            lost for want of memory: the stream fails with this error
 * CST_E_OUT_OF_RANGE     lost, since the bytes buffered would not fit a size_t: likewise
 * CST_E_INVALID_ARG      no readable side
 *
 * Re-entrancy: may run 'data' listeners, and through a pipe the next stages, before it returns.
 */
CST_API cst_status cst_push(cst_stream *s, cst_slice chunk);

/** The same with a copy of len bytes of the caller's. A copy that finds no memory fails the stream likewise; so does
 * one of no bytes, where bytes is NULL and len is not 0, with CST_E_INVALID_ARG: Node's push of what is no chunk.
 * Small copies share blocks, as those of cst_write_copy do. */
CST_API cst_status cst_push_copy(cst_stream *s, const void *bytes, size_t len);

/**
 * No chunk will follow: 'end' comes when all was read. Said again it does nothing. Node: push(null).
 *
 * CST_EOF, CST_E_INVALID_ARG
 *
 * Re-entrancy: outside the read slot, 'readable' listeners and what still flows run before it returns.
 */
CST_API cst_status cst_push_eof(cst_stream *s);

/**
 * Puts a chunk (taken) back in front of the buffer; fine after EOF as long as 'end' has not come. Node: unshift.
 *
 * As cst_push; CST_E_UNSHIFT_AFTER_END_EVENT in place of CST_E_PUSH_AFTER_EOF.
 */
CST_API cst_status cst_unshift(cst_stream *s, cst_slice chunk);

/** The same with a copy of len bytes of the caller's; a copy that is not made fails the stream as in cst_push_copy. */
CST_API cst_status cst_unshift_copy(cst_stream *s, const void *bytes, size_t len);

/** Any size: the first chunk of the buffer, whole; of text (cst_set_encoding) that does not flow, all of the buffer as
 * one. Node: read() without an argument. */
#define CST_READ_ANY SIZE_MAX

/**
 * Takes bytes out of the buffer; 'data' listeners get them too. size is CST_READ_ANY, 0 (takes nothing, but lets the
 * stream read ahead), or a number of bytes: exactly so many, or, after EOF, what is left. In object mode one message
 * whatever the size. A size above the highWaterMark raises it to the next power of two. Node: read.
 *
 * CST_OK                *out is the caller's
 * CST_EMPTY             not so much there yet, or size is 0: wait for 'readable'
 * CST_EOF               nothing left, and nothing will come
 * CST_E_OUT_OF_RANGE    size is above 1 GiB and not CST_READ_ANY
 * CST_E_NOMEM           chunks had to be joined, and there was no memory: nothing has changed
 * CST_E_INVALID_ARG     out is NULL (allowed where size is 0), or no readable side
 *
 * Re-entrancy: runs the read slot, then 'data' listeners, before it returns.
 */
CST_API cst_status cst_read(cst_slice *out, cst_stream *s, size_t size);

/**
 * Reads in a loop without listening: what Node's asynchronous iterator gives, as a call.
 *
 *     while ((st = cst_next(&chunk, s)) == CST_OK || st == CST_EMPTY)
 *         if (st == CST_OK) use(&chunk), cst_slice_unref(&chunk);
 *         else wait_for_something_and_run(ctx);
 *
 * CST_OK                   *out is the caller's: the next chunk
 * CST_EMPTY                wait: nothing there now
 * CST_EOF                  all was read, and 'end' was emitted
 * CST_E_PREMATURE_CLOSE    destroyed before that, without an error
 * another negative status  what the stream failed with; each further call says so again
 * CST_E_INVALID_ARG        out is NULL, or no readable side
 *
 * Errors. From the first call on an 'error' of s that nobody listens to counts as handled, since the next call hands it
 * over: no CST_E_UNHANDLED of cst_ctx_run tells it too. That is so also where the loop is not gone on with; cst_errored
 * has the error then. cst_read hands over no error of the stream, and changes nothing of that.
 *
 * Re-entrancy: as cst_read.
 */
CST_API cst_status cst_next(cst_slice *out, cst_stream *s);

/**
 * From now on the side hands out text: what is pushed is taken for bytes of that encoding, and what is read, emitted and
 * piped is their text in UTF-8 (cst_bytes_to_text in text.h), never cut inside a character: what a chunk ends in the
 * middle of waits for the next, and after EOF comes, where it is not nothing, as a last chunk of its own. To cut the bytes
 * of a source into whole characters, say CST_UTF8. Node: setEncoding.
 *
 * What is buffered already is decoded as one chunk. Said again, the buffer stays as it is, joined, and what was held back
 * is lost. Chunks put back with cst_unshift are text, and stay as they are.
 *
 * The length of the side, its highWaterMark and the sizes of cst_read count bytes of the text (in Node UTF-16 units). A
 * cst_read of so many bytes gives just as many, and so may cut a character, as in Node it may cut a pair of surrogates.
 *
 * In object mode each message is decoded by itself, but a character may go over the end of one; a message that completes
 * no character is an empty one. Messages that are buffered already become one, which counts as one.
 *
 * A push then may need memory: CST_E_NOMEM fails the stream, as where there is no room to keep a chunk; at EOF likewise.
 * Chunks that are their own text (well-formed UTF-8, or ASCII in CST_ASCII and CST_LATIN1) are not copied.
 *
 * CST_OK             done, also on a stream that has ended or was destroyed
 * CST_E_NOMEM        nothing has changed
 * CST_E_INVALID_ARG  no readable side, or no such encoding
 */
CST_API cst_status cst_set_encoding(cst_stream *s, cst_encoding encoding);

/** Node: readableEncoding. CST_OK; CST_EMPTY where none was set (*out is untouched); CST_E_INVALID_ARG. */
CST_API cst_status cst_readable_encoding(cst_encoding *out, const cst_stream *s);

/** Starts the flow, or lets the read slot run where 'readable' is listened to; chunks come by a task. Node: resume. */
CST_API cst_status cst_resume(cst_stream *s);

/** Stops the flow after the present chunk; the buffer goes on filling up to the highWaterMark. Node: pause.
 * Re-entrancy: 'pause' is emitted before it returns, where the stream was not paused. */
CST_API cst_status cst_pause(cst_stream *s);

/** Node: readableFlowing. */
typedef enum cst_flowing { CST_FLOWING_UNSET = -1, CST_FLOWING_OFF = 0, CST_FLOWING_ON = 1 } cst_flowing;

/* The state, under Node's names. For a stream without a readable side: unset, false or 0. */
CST_API cst_flowing cst_readable_flowing(const cst_stream *s);
CST_API bool cst_is_paused(const cst_stream *s);         /* isPaused() */
CST_API size_t cst_readable_length(const cst_stream *s); /* readableLength: bytes buffered, or messages */
CST_API size_t cst_readable_high_water_mark(const cst_stream *s);
CST_API bool cst_readable_object_mode(const cst_stream *s);
CST_API bool cst_readable_ended(const cst_stream *s);    /* readableEnded: 'end' was emitted */
CST_API bool cst_readable_did_read(const cst_stream *s); /* readableDidRead: a chunk was handed out */
CST_API bool cst_readable_aborted(const cst_stream *s);  /* readableAborted: destroyed or failed before 'end' */
CST_API bool cst_is_readable(const cst_stream *s);       /* readable: cst_read may still give something */

#endif

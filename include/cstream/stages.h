/*
 * stages.h - ready-made streams: sources and sinks in memory, encodings, and Node's operators.
 *
 *     cst_from_array_new  cst_from_fn_new             sources of items
 *     cst_concat_new  cst_merge_new  ...              several sources as one
 *     cst_memory_source_new  cst_memory_sink_new      bytes in memory
 *     cst_to_text_new  cst_from_text_new              hex, base64, UTF-16 and the like, both ways
 *     cst_map_new  cst_filter_new  ...                stages that carry a function
 *     cst_for_each_new  cst_reduce_new  ...           sinks that call a function with their result
 *
 * Every constructor here returns what those in stream.h do; its comment says what it adds.
 */
#ifndef CSTREAM_STAGES_H
#define CSTREAM_STAGES_H

#include "chain.h"
#include "join.h"
#include "text.h"

/* --- sources of items ------------------------------------------------------------------------- */

/*
 * A source of items takes them from an array or from a function. It asks for one whenever it has
 * room, joins or cuts none, and pushes EOF after the last. Node: Readable.from.
 *
 * Options are as in Node. NULL is object mode with a highWaterMark of 1, so that one item is ready
 * before the reader asks. Other options count as they are: set object_mode to keep items apart, or
 * leave it off if the items are pieces of one stream of bytes, in which an empty item is nothing. A
 * high_water_mark of 0 is 1 here too; CST_HWM_ZERO is 0.
 */

/**
 * Make a source of count slices, in their order.
 *
 * items  borrowed for the call; the stream takes a reference to each. May be NULL if count is 0.
 *        When the stream is destroyed, it drops the references that it has not passed on.
 *
 * CST_E_INVALID_ARG   also if items is NULL and count is not 0
 * CST_E_OUT_OF_RANGE  the bytes of all items together do not fit a size_t
 */
CST_API cst_status cst_from_array_new(cst_stream **out, cst_ctx *ctx, const cst_slice *items,
                                      size_t count, const cst_opts *opts);

/**
 * Return the next item: one step of Node's iterator.
 *
 * out  the empty slice on entry; the item on return
 *
 * CST_OK          *out is the next item, the stream's from now on
 * CST_EOF         there is no further item: not called again
 * negative        the stream fails with this status: not called again
 * other statuses  a mistake: the stream fails with CST_E_INVALID_ARG
 *
 * In the last three cases *out is dropped.
 *
 * It is called inside the read slot, never inside itself, and not after the stream was destroyed.
 * It may destroy the stream; the item of that call is then dropped. An item that is available only
 * later cannot be returned: write a source with a read slot of its own (stream.h) for that.
 */
typedef cst_status cst_from_fn(cst_slice *out, void *arg);

/**
 * Make a source of the items that next(out, arg) returns.
 *
 * arg  must stay until the stream was destroyed; 'close' tells when
 *
 * CST_E_INVALID_ARG  also if next is NULL
 */
CST_API cst_status cst_from_fn_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                   cst_from_fn *next, void *arg);

/* --- several sources as one ------------------------------------------------------------------- */

/*
 * These are readables that read other streams, their sources. Chunks go by uncopied and whole. The
 * stream takes a reference to each source and reads it from then on; nobody else may.
 *
 * Options. NULL is byte mode. A source has the mode of the options, object mode or not; a source of
 * the other one is refused with CST_E_INVALID_ARG.
 *
 * Errors. If a source fails, or closes before its 'end' (CST_E_PREMATURE_CLOSE), the stream fails
 * with that status. Its error names the stream; cst_errored(source) has the stage where it arose.
 * An 'error' of a source counts as heard.
 *
 * Destroy. If the stream is destroyed or has failed, the sources that have not ended are destroyed
 * with CST_E_ABORT. Sources that have ended are let go, and close as they do without it.
 */

/**
 * Make a source of the chunks of several streams, one after another. Each is read when the one
 * before has ended; the failure of a later one is told when its turn comes. No stream is an empty
 * source. Node has no such call.
 *
 * sources, count  borrowed for the call; sources may be NULL if count is 0
 *
 * CST_E_INVALID_ARG  also if a source is NULL, of another context, of another mode, or not
 *                    readable; the sources are as before
 */
CST_API cst_status cst_concat_new(cst_stream **out, cst_ctx *ctx, cst_stream *const *sources,
                                  size_t count, const cst_opts *opts);

/**
 * Return the next stream to read.
 *
 * CST_OK          *out is a stream, whose reference is taken
 * CST_EOF         there is no further stream: not called again
 * negative        the whole fails with this status: not called again
 * other statuses  a mistake: the whole fails with CST_E_INVALID_ARG
 *
 * It is called when the whole is first read, then when a stream has ended, never inside itself. So
 * one is open at a time, if streams open what they read in construct, as those of posix/fs.h do. It
 * may destroy the whole; the stream that it then returns is destroyed with CST_E_ABORT. A stream
 * that cannot be read (see CST_E_INVALID_ARG above) is destroyed, and the whole fails.
 */
typedef cst_status cst_next_stream_fn(cst_stream **out, void *arg);

/**
 * Make a source of the chunks of the streams that next(out, arg) returns, one after another.
 *
 * arg  must stay until the stream was destroyed; 'close' tells when
 *
 * CST_E_INVALID_ARG  also if next is NULL
 */
CST_API cst_status cst_concat_fn_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                     cst_next_stream_fn *next, void *arg);

/**
 * Make a source of the chunks of several streams as they come: of each that has one, one chunk, in
 * turn. So streams that always have a chunk get equal shares, and one that is silent holds none
 * back. The chunks of one stream keep their order. EOF comes when all have ended; without a stream,
 * at the first read. Node has no such call.
 *
 * sources, count  borrowed for the call; sources may be NULL if count is 0
 *
 * CST_E_INVALID_ARG  also if a source is NULL, of another context, of another mode, or not
 *                    readable; the sources are as before
 */
CST_API cst_status cst_merge_new(cst_stream **out, cst_ctx *ctx, cst_stream *const *sources,
                                 size_t count, const cst_opts *opts);

/**
 * Add a source, which comes last in this round. Possible until all others have ended and EOF has
 * been said.
 *
 * CST_OK                added; the merge has taken a reference
 * CST_E_PUSH_AFTER_EOF  too late; the source is as before
 * CST_E_DESTROYED       the merge was destroyed; the source is as before
 * CST_E_NOMEM           nothing has changed
 * CST_E_INVALID_ARG     merge is no stream of cst_merge_new, or the source is none for it
 *
 * Re-entrancy: if the merge waits for a chunk, runs the read slot of source and 'data' listeners
 * before it returns.
 */
CST_API cst_status cst_merge_add(cst_stream *merge, cst_stream *source);

/* --- bytes in memory -------------------------------------------------------------------------- */

/**
 * Make a source of the bytes of one slice (taken). It cuts them into chunks of its highWaterMark
 * (64 KiB if that is 0) without copying; in object mode the slice is one message. EOF follows.
 */
CST_API cst_status cst_memory_source_new(cst_stream **out, cst_ctx *ctx, cst_slice bytes,
                                         const cst_opts *opts);

/**
 * Make a sink that appends every chunk, without copying, to a chain of the caller's, which must
 * outlive the stream.
 *
 * max_bytes  a chunk that would exceed it is dropped, and the stream fails with CST_E_OUT_OF_RANGE;
 *            0 is no limit
 *
 * CST_E_INVALID_ARG  also if chain is NULL
 */
CST_API cst_status cst_memory_sink_new(cst_stream **out, cst_ctx *ctx, cst_chain *chain,
                                       size_t max_bytes, const cst_opts *opts);

/* --- encodings -------------------------------------------------------------------------------- */

/*
 *      bytes -> cst_to_text_new(CST_BASE64) -> text -> cst_from_text_new(CST_BASE64) -> bytes
 *
 *      CST_HEX CST_BASE64 CST_BASE64URL      to text: encode; from text: decode
 *      CST_UTF16LE CST_LATIN1 CST_ASCII      to text: convert to UTF-8; from text: convert from it
 *      CST_UTF8                              repair: ill-formed bytes become U+FFFD, both ways
 *
 * The output is that of cst_bytes_to_text or cst_text_to_bytes (text.h) for the whole input,
 * however the input is cut into chunks, and just as lenient: no input fails a stage. In particular,
 * hex ends at the first pair that is not two digits, and base64 at the first `=`; what follows is
 * accepted and dropped.
 *
 * Each chunk makes at most one chunk, which is not empty; what is held at the end makes a last one.
 * Text is never cut inside a character. Chunks that need no change (well-formed UTF-8, ASCII) are
 * passed on without copying. In object mode, messages are pieces of one text all the same.
 *
 * CST_E_INVALID_ARG  also if there is no such encoding
 *
 * Without memory for a result the stage fails with CST_E_NOMEM. Node has no such streams; the
 * nearest are Buffer and StringDecoder.
 */

/** Make a stage that turns bytes into their text. */
CST_API cst_status cst_to_text_new(cst_stream **out, cst_ctx *ctx, cst_encoding encoding,
                                   const cst_opts *opts);

/** Make a stage that turns text into the bytes that it stands for. */
CST_API cst_status cst_from_text_new(cst_stream **out, cst_ctx *ctx, cst_encoding encoding,
                                     const cst_opts *opts);

/* --- operators -------------------------------------------------------------------------------- */

/*
 * In Node an operator is a method of a Readable. Here it is a stage that carries a function of the
 * caller's; cst_pipeline joins the stages and tells how they came out:
 *
 *     source  -->  filter  -->  map  -->  to_array
 *
 * map, filter, flat_map, take and drop are transforms. for_each, reduce, to_array, some, every and
 * find are sinks that call a function once with their result.
 *
 * Items. As in Node, operators work on items: options of NULL mean object mode, in which each chunk
 * is a message that is never joined with another, with the context's highWaterMarks. Other options
 * count as they are. In byte mode the chunks are the items, wherever they happen to be cut: so a
 * function should not depend on where a chunk ends, and an empty chunk from a stage is nothing. A
 * source of bytes may feed a stage in object mode: its chunks are counted then, not their bytes.
 *
 * Functions. Each gets arg, which must stay until its stream was destroyed ('close' tells when),
 * and a chunk, borrowed until the function returns; to keep the chunk, cst_slice_ref. It returns
 * CST_OK, or a negative status, which fails the stage and through a pipeline all stages. Any other
 * status counts as CST_OK, but not in flat_map. *out is the empty slice or false on entry; what it
 * holds after a failure is dropped. The function runs inside cst_write and may destroy its stream;
 * what it returns then is dropped. A function that cannot answer at once is a transform or a sink
 * of its own (stream.h).
 *
 * Early exit. take, some, every and find may not need all of the input. As soon as that is so
 *
 *   - in a cst_pipeline, the stages before are unpiped and destroyed with CST_E_ABORT, as Node does
 *     with a source whose iteration is left early. This counts as success: the outcome of the
 *     pipeline is that of the stages that follow. Another error that the stages before meet while
 *     they close still fails the pipeline.
 *   - some, every and find close, without 'finish'. If cst_end was called already, they drop the
 *     rest of the input and finish instead. take does one or the other after 'end' was emitted on
 *     its readable side; until then it holds what is written to it after its n-th chunk.
 *   - a stream that was joined to it only by cst_pipe is unpiped by that 'close' and left to the
 *     caller; what is written to it by hand afterwards is dropped (CST_E_DESTROYED, no 'error').
 *
 * CST_E_INVALID_ARG  also if a function is NULL, unless its comment allows that
 *
 * If a constructor fails, the functions are never called.
 */

/** Turn an item into another: *out. To pass the bytes on, *out = cst_slice_ref(chunk). */
typedef cst_status cst_map_fn(cst_slice *out, const cst_slice *chunk, void *arg);

/** Make a stage that passes on what fn makes of each item. Node: map. */
CST_API cst_status cst_map_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_map_fn *fn,
                               void *arg);

/** Say yes or no to an item: *out. */
typedef cst_status cst_test_fn(bool *out, const cst_slice *chunk, void *arg);

/** Make a stage that passes on, uncopied, the items to which fn says yes. Node: filter. */
CST_API cst_status cst_filter_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                  cst_test_fn *fn, void *arg);

/**
 * Turn an item into any number of items: push them on s (cst_push), the stage. It answers as a
 * transform slot does; so cst_give works, CST_PENDING with cst_complete, and CST_AGAIN (stream.h).
 */
typedef cst_status cst_flat_map_fn(cst_stream *s, const cst_slice *chunk, void *arg);

/** Make a stage that passes on everything that fn makes of each item. Node: flatMap. */
CST_API cst_status cst_flat_map_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                    cst_flat_map_fn *fn, void *arg);

/**
 * Make a stage that passes on the first n items, then EOF. EOF comes with the n-th item, without
 * waiting for another; if n is 0, with the first item, which is dropped. It exits early.
 * Node: take.
 */
CST_API cst_status cst_take_new(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts);

/** Make a stage that drops the first n items and passes on the others. Node: drop. */
CST_API cst_status cst_drop_new(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts);

/* --- operators that consume ------------------------------------------------------------------- */

/*
 * done is called exactly once, with the arg that the function of the stage gets too. error and the
 * result are borrowed until it returns. It may call any function, and destroy the stage.
 *
 *   error is NULL  the result is known: before 'finish', when everything was written; or in the
 *                  write that decides it (early exit). In a pipeline the stages before have been
 *                  destroyed by then, and the pipeline's own done is still to come.
 *   error is set   the stage failed, or was destroyed: with this error or, before it knew its
 *                  result, with CST_E_PREMATURE_CLOSE. There is no result. Called from the destroy
 *                  slot, at the latest by cst_ctx_free. With no_auto_destroy a failure is told only
 *                  when the stage is destroyed.
 */

/** Tells the result of reduce or find. item is NULL if there is none. */
typedef void cst_item_done_fn(const cst_error *error, const cst_slice *item, void *arg);

/** Tells the result of some or every. */
typedef void cst_answer_done_fn(const cst_error *error, bool answer, void *arg);

/** Do something with an item. */
typedef cst_status cst_each_fn(const cst_slice *chunk, void *arg);

/** Make a sink that calls fn with each item. done may be NULL. Node: forEach. */
CST_API cst_status cst_for_each_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                    cst_each_fn *fn, cst_outcome_fn *done, void *arg);

/** Combine the result so far (borrowed) with the next item: *out. */
typedef cst_status cst_reduce_fn(cst_slice *out, const cst_slice *so_far, const cst_slice *chunk,
                                 void *arg);

/**
 * Make a sink that combines all items into one, from the first to the last. Node: reduce.
 *
 * initial  the result before the first item; borrowed for the call, the stream takes a reference.
 *          NULL: the first item, for which fn is not called. An input without items then fails the
 *          stage with CST_E_INVALID_ARG.
 */
CST_API cst_status cst_reduce_new(cst_stream **out, cst_ctx *ctx, const cst_slice *initial,
                                  const cst_opts *opts, cst_reduce_fn *fn, cst_item_done_fn *done,
                                  void *arg);

/**
 * Make a sink that appends each item, uncopied, to a chain of the caller's, which must stay until
 * the stream was destroyed. After a failure the chain holds the items before; a failure of
 * cst_chain_append is one. done may be NULL. For a limit use cst_memory_sink_new. Node: toArray.
 */
CST_API cst_status cst_to_array_new(cst_stream **out, cst_ctx *ctx, cst_chain *chain,
                                    const cst_opts *opts, cst_outcome_fn *done, void *arg);

/** Make a sink that tells whether fn says yes to any item; false if there is none. It exits with
 * the first yes. Node: some. */
CST_API cst_status cst_some_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                cst_test_fn *fn, cst_answer_done_fn *done, void *arg);

/** Make a sink that tells whether fn says yes to all items; true if there is none. It exits with
 * the first no. Node: every. */
CST_API cst_status cst_every_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                 cst_test_fn *fn, cst_answer_done_fn *done, void *arg);

/** Make a sink that finds the first item to which fn says yes. It exits with it. Node: find. */
CST_API cst_status cst_find_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                cst_test_fn *fn, cst_item_done_fn *done, void *arg);

/* --- bytes, counted --------------------------------------------------------------------------- */

/**
 * Make a sink that joins all bytes in one slice, and calls done once with it, as reduce does: item
 * is never NULL without an error, and empty if nothing came. A single chunk is not copied.
 *
 * max_bytes  so many fit; with one more the stage fails at once with CST_E_OUT_OF_RANGE. SIZE_MAX
 *            is no limit. At most twice what has come is held, and not more than max_bytes and a
 *            smaller buffer that is being replaced.
 *
 * CST_E_INVALID_ARG  also if max_bytes is 0 or done is NULL
 */
CST_API cst_status cst_collect_new(cst_stream **out, cst_ctx *ctx, size_t max_bytes,
                                   const cst_opts *opts, cst_item_done_fn *done, void *arg);

/*
 * The next three count bytes, have bytes on both sides, and cut without copying.
 *
 * CST_E_INVALID_ARG  also if the options ask for object mode
 */

/**
 * Make a stage that passes on the first n bytes. EOF comes with the n-th byte, and what feeds the
 * stage is let go as success (cst_enough); if n is 0, with the first chunk.
 */
CST_API cst_status cst_take_bytes_new(cst_stream **out, cst_ctx *ctx, uint64_t n,
                                      const cst_opts *opts);

/** Make a stage that drops the first n bytes and passes on the others. */
CST_API cst_status cst_drop_bytes_new(cst_stream **out, cst_ctx *ctx, uint64_t n,
                                      const cst_opts *opts);

/**
 * Make a stage that passes on up to max bytes. If one more comes, it fails with CST_E_OUT_OF_RANGE
 * after it has passed on what fits. So input that is too long does not look like input that ended.
 */
CST_API cst_status cst_limit_bytes_new(cst_stream **out, cst_ctx *ctx, uint64_t max,
                                       const cst_opts *opts);

/**
 * What becomes of a last message that is too short.
 *
 * CST_REST_SHORT   it is passed on as it is
 * CST_REST_FAIL    the stage fails with CST_E_INVALID_BUFFER_SIZE when all was written
 * CST_REST_ZEROES  it is filled up with zeroes
 */
typedef enum cst_on_rest {
    CST_REST_SHORT = 0,
    CST_REST_FAIL = 1,
    CST_REST_ZEROES = 2
} cst_on_rest;

/**
 * Make a stage that turns bytes into messages of `size` bytes: views if they lie in one chunk, else
 * joined. An input without bytes makes none.
 *
 * CST_E_INVALID_ARG  also if size is 0, on_rest is not one of the above, or the options ask for
 *                    messages on the writable side
 */
CST_API cst_status cst_rechunk_new(cst_stream **out, cst_ctx *ctx, size_t size, cst_on_rest on_rest,
                                   const cst_opts *opts);

/* --- to look at what passes ------------------------------------------------------------------- */

/**
 * Make a stage that calls fn with each chunk and passes the chunk on, uncopied. A failure of fn
 * fails the stage. Options of NULL are those of bytes, unlike for operators; in object mode the
 * chunks are messages.
 *
 * CST_E_INVALID_ARG  also if fn is NULL
 */
CST_API cst_status cst_tap_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                               cst_each_fn *fn, void *arg);

/** Tells how much has come: bytes and chunks in all, and whether that was all. */
typedef void cst_meter_fn(uint64_t bytes, uint64_t chunks, bool ended, void *arg);

/**
 * Make a stage that passes all chunks on and calls fn with a chunk once at least every_bytes have
 * come and every_ns have passed (by the context's time) since the last call; and a last time, with
 * ended, when all was written. If both are 0, with each chunk. fn runs before the chunk is passed
 * on. Options as of cst_tap_new.
 *
 * CST_E_INVALID_ARG  also if fn is NULL
 */
CST_API cst_status cst_meter_new(cst_stream **out, cst_ctx *ctx, uint64_t every_bytes,
                                 uint64_t every_ns, const cst_opts *opts, cst_meter_fn *fn,
                                 void *arg);

/**
 * Return the CRC-32 of the bytes before, crc, and of len bytes behind them. Begin with 0. It is the
 * checksum of zlib, gzip and PNG; in Node, zlib.crc32. That of "123456789" is 0xCBF43926.
 */
CST_API uint32_t cst_crc32(uint32_t crc, const void *bytes, size_t len);

/**
 * Add a chunk to the CRC-32 in *crc, a uint32_t: cst_tap_new(&s, ctx, NULL, cst_crc32_each, &crc).
 * Returns CST_OK.
 */
CST_API cst_status cst_crc32_each(const cst_slice *chunk, void *crc);

/* --- small chunks joined ---------------------------------------------------------------------- */

/**
 * Make a stage that joins small chunks, or messages, into chunks of up to `size` bytes. What is
 * held goes on when the next chunk does not fit or the size is reached; at the end of the turn; and
 * at the end of the input. A chunk of `size` bytes or more goes on by itself, uncopied, behind what
 * is held. The callback of a write tells that its bytes were taken, not that they went on.
 *
 * delay_ns  not 0: what is held goes on so long after its first byte, not at the end of the turn
 *
 * CST_E_INVALID_ARG  also if size is 0 or the options ask for messages on the readable side;
 *                    object_mode counts for the writable side alone
 */
CST_API cst_status cst_coalesce_new(cst_stream **out, cst_ctx *ctx, size_t size, uint64_t delay_ns,
                                    const cst_opts *opts);

#endif

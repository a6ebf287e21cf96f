/*
 * stages.h - ready-made streams: sources, sinks, encodings, and Node's operators.
 */
#ifndef CSTREAM_STAGES_H
#define CSTREAM_STAGES_H

#include "chain.h"
#include "join.h"
#include "text.h"

/*
 * a source out of an array of slices, or out of a function that yields one after another.
 *
 * Node: Readable.from. What is yielded are items: one is asked for whenever the stream has room, none is joined with
 * its neighbour or cut, and after the last comes EOF.
 *
 * Options, here and there as in Node: NULL means object mode and a highWaterMark of 1, so that one item is yielded
 * ahead of the reader. Options that are given count as they are: object_mode has to be set to keep items apart, and
 * is left off where the items are pieces of one stream of bytes (an empty one is then nothing). Their high_water_mark
 * of 0 is 1 too; the mark of 0 itself is CST_HWM_ZERO.
 */

/**
 * A source that gives count slices in their order.
 *
 * items  borrowed for the call, a reference is taken to each; may be NULL where count is 0. References that were not
 *        given on are let go of when the stream is destroyed.
 *
 * As the constructors in stream.h, and:
 * CST_E_INVALID_ARG   also: items is NULL and count is not 0
 * CST_E_OUT_OF_RANGE  all items together hold more bytes than fit a size_t
 */
CST_API cst_status cst_from_array_new(cst_stream **out, cst_ctx *ctx, const cst_slice *items,
                                      size_t count, const cst_opts *opts);

/**
 * Yields the next item: a step of Node's iterator.
 *
 * CST_OK             *out is the next item, the stream's from now on; it comes in empty
 * CST_EOF            there is none, and never will be: not called again
 * a negative status  the stream fails with it: not called again
 * another one        a mistake: the stream fails with CST_E_INVALID_ARG
 *
 * What *out holds in the last three cases is let go of. It is called inside the read slot, never inside itself, and
 * not any more once the stream has been destroyed: it may destroy the stream, and the item that it yields then is
 * dropped. An item that comes only later cannot be yielded: that is a source with a read slot of its own (stream.h).
 */
typedef cst_status cst_from_fn(cst_slice *out, void *arg);

/**
 * A source that gives what next(arg, ...) yields.
 *
 * arg  handed to next; it must stay until the stream has been destroyed ('close' says so)
 *
 * As the constructors in stream.h; CST_E_INVALID_ARG also where next is NULL.
 */
CST_API cst_status cst_from_fn_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                   cst_from_fn *next, void *arg);

/*
 * bytes in memory as a source, and memory as a sink.
 */

/**
 * A readable that gives the bytes of one slice (taken), cut into chunks of its highWaterMark (64 KiB where that is 0), without copying; in object
 * mode the whole slice as one message. Then EOF.
 *
 * As the constructors in stream.h.
 */
CST_API cst_status cst_memory_source_new(cst_stream **out, cst_ctx *ctx, cst_slice bytes,
                                         const cst_opts *opts);

/**
 * A writable that keeps every chunk written, without copying, at the end of a chain of the caller's, which must outlive
 * the stream. max_bytes bounds it: a chunk that would go beyond fails the stream with CST_E_OUT_OF_RANGE and is not
 * kept; 0 is without bound.
 *
 * As the constructors in stream.h; CST_E_INVALID_ARG also where chain is NULL.
 */
CST_API cst_status cst_memory_sink_new(cst_stream **out, cst_ctx *ctx, cst_chain *chain,
                                       size_t max_bytes, const cst_opts *opts);

/*
 * encodings as stages of a pipeline: hex, base64, UTF-16 and the others of text.h, both ways.
 *
 *      bytes  -->  cst_to_text_new(CST_BASE64)  -->  text  -->  cst_from_text_new(CST_BASE64)  -->  bytes
 *
 *      CST_HEX CST_BASE64 CST_BASE64URL          encode on the way to text, decode on the way from it
 *      CST_UTF16LE CST_LATIN1 CST_ASCII          convert to UTF-8, and from it
 *      CST_UTF8                                  repairs: what is ill-formed becomes U+FFFD, either way
 *
 * What goes through a stage comes out as cst_bytes_to_text or cst_text_to_bytes would give it for the whole, however it
 * is cut into chunks, and just as leniently: nothing that goes in fails a stage. In particular hex ends at the first pair
 * that is not two digits and base64 at the first `=`; what follows is taken and dropped.
 *
 * A chunk gives at most one, which is not empty, and what is held at the end a last one. Text comes out cut at character
 * bounds. Chunks that need no change (well-formed UTF-8, ASCII) are passed on without a copy.
 *
 * Options count as for every transform. In object mode the messages are pieces of one text all the same.
 *
 * The constructors answer as those in stream.h, and CST_E_INVALID_ARG also where there is no such encoding. A stage whose
 * result finds no memory fails with CST_E_NOMEM. Node: no such streams; Buffer and StringDecoder over chunks.
 */

/** Bytes go in, their text comes out. */
CST_API cst_status cst_to_text_new(cst_stream **out, cst_ctx *ctx, cst_encoding encoding,
                                   const cst_opts *opts);

/** Text goes in, the bytes that it stands for come out. */
CST_API cst_status cst_from_text_new(cst_stream **out, cst_ctx *ctx, cst_encoding encoding,
                                     const cst_opts *opts);

/*
 * Node's readable operators as ready-made stages: map, filter, forEach and their fellows, each carrying
 * a function of the caller's.
 *
 *     source  -->  filter  -->  map  -->  to_array          cst_pipeline joins them, and says how it came out
 *
 * Stages in between (map, filter, flat_map, take, drop) are transforms; consuming ends (for_each, reduce, to_array,
 * some, every, find) are writables that call a function once with their result.
 *
 * Items. As in Node, operators work on items: options of NULL mean object mode, where each chunk is a message that no
 * buffer joins with another, with the highWaterMarks that the context has for it. Options that are given count as
 * they are. In byte mode the chunks are the items, however they happen to be cut, so that a test or a map should not
 * depend on where one ends, and an empty chunk that a stage gives is nothing. A source of bytes may feed a stage in
 * object mode: then its chunks are counted, not their bytes.
 *
 * Functions. Each gets arg, which must stay until its stream has been destroyed ('close' says so), and a chunk that
 * is borrowed until the function returns; to keep it, cst_slice_ref. They answer with CST_OK, or with a negative
 * status that fails the stage and, through a pipeline, all of it; any other status counts as CST_OK, save for
 * flat_map. A function that cannot answer at once is a transform or a sink of its own (stream.h). Where it answers by
 * out, *out comes in as an empty slice or false, and what it holds after a failure is let go of. It runs inside
 * cst_write, and may destroy its stream: what it answers then is dropped.
 *
 * Early exit. take, some, every and find need not see all of the input. As soon as that is so
 *
 *   - in a cst_pipeline, the stages before are unpiped and destroyed with CST_E_ABORT, which is what Node does with a
 *     source whose iteration is left early. This counts as success: the pipeline goes on with what comes after the
 *     stage, and its outcome is that of the rest. Any other error that they come upon while they close still fails it.
 *   - a consuming end closes, without 'finish', unless cst_end was called already: then it takes the rest, drops it,
 *     and finishes. A take closes likewise, once 'end' has been emitted on its readable side; until then it holds what
 *     is written to it beyond its n-th chunk.
 *   - what was joined to it by cst_pipe alone is unpiped by that 'close', and left to the caller; what is written to it
 *     by hand after that is dropped (CST_E_DESTROYED, no 'error').
 *
 * The constructors answer as those in stream.h, and CST_E_INVALID_ARG also where a function is NULL that is not said
 * to be allowed to be. A stage that was not made never calls its functions.
 */

/* --- stages in between ------------------------------------------------------------------------------------------- */

/** Turns an item into another: *out, the stream's from now on. To hand the bytes on, *out = cst_slice_ref(chunk). */
typedef cst_status cst_map_fn(cst_slice *out, const cst_slice *chunk, void *arg);

/** Each item as fn turns it. Node: map. */
CST_API cst_status cst_map_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_map_fn *fn,
                               void *arg);

/** Says yes or no to an item, in *out. */
typedef cst_status cst_test_fn(bool *out, const cst_slice *chunk, void *arg);

/** The items that fn says yes to, uncopied. Node: filter. */
CST_API cst_status cst_filter_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                  cst_test_fn *fn, void *arg);

/**
 * Turns an item into any number: it pushes them on s (cst_push), the stage that calls it. It answers as a transform
 * slot does, so that cst_give, and CST_PENDING with cst_complete, are fine too (stream.h).
 */
typedef cst_status cst_flat_map_fn(cst_stream *s, const cst_slice *chunk, void *arg);

/** What fn makes of each item, in order. Node: flatMap. */
CST_API cst_status cst_flat_map_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                    cst_flat_map_fn *fn, void *arg);

/** The first n items, then EOF: with the n-th, without waiting for another; for n 0 with the first, which is dropped.
 * It exits early, see above. Node: take. */
CST_API cst_status cst_take_new(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts);

/** All items but the first n. Node: drop. */
CST_API cst_status cst_drop_new(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts);

/* --- consuming ends ---------------------------------------------------------------------------------------------- */

/*
 * done is called exactly once, with the arg that the function of the stage gets too:
 *
 *   error NULL   the result: before 'finish', when all was written, or in the write that settles it (early exit). In a
 *                pipeline the stages before have been destroyed by then, and the pipeline's own done is still to come.
 *   error        the stage failed, or was destroyed with an error, which is this one, or before it knew its result:
 *                CST_E_PREMATURE_CLOSE. Called from its destroy slot, at the latest by cst_ctx_free. No result then.
 *
 * error and result are borrowed until it returns. It may make any call, and destroy the stage. A failure with
 * no_auto_destroy is told when the stage is destroyed.
 */

/** How a reduce or a find came out: item is NULL where there is none. */
typedef void cst_item_done_fn(const cst_error *error, const cst_slice *item, void *arg);

/** How a some or an every came out. */
typedef void cst_answer_done_fn(const cst_error *error, bool answer, void *arg);

/** Does something with an item. */
typedef cst_status cst_each_fn(const cst_slice *chunk, void *arg);

/** Calls fn with each item. done may be NULL. Node: forEach. */
CST_API cst_status cst_for_each_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                    cst_each_fn *fn, cst_outcome_fn *done, void *arg);

/** Combines what there is so far (borrowed) with the next item: *out, the stream's from now on. */
typedef cst_status cst_reduce_fn(cst_slice *out, const cst_slice *so_far, const cst_slice *chunk,
                                 void *arg);

/**
 * Combines all items into one, from the first to the last. Node: reduce.
 *
 * initial  what there is before the first item; borrowed for the call, a reference is taken. NULL: the first item
 *          itself, which fn is not called for; an input without items then fails the stage with CST_E_INVALID_ARG.
 */
CST_API cst_status cst_reduce_new(cst_stream **out, cst_ctx *ctx, const cst_slice *initial,
                                  const cst_opts *opts, cst_reduce_fn *fn, cst_item_done_fn *done,
                                  void *arg);

/** Adds each item, uncopied, at the end of a chain of the caller's, which must stay until the stream was destroyed.
 * After a failure it holds what came before; CST_E_NOMEM and CST_E_OUT_OF_RANGE of cst_chain_append are such. done
 * may be NULL. A bound to it: cst_memory_sink_new. Node: toArray. */
CST_API cst_status cst_to_array_new(cst_stream **out, cst_ctx *ctx, cst_chain *chain,
                                    const cst_opts *opts, cst_outcome_fn *done, void *arg);

/** Whether fn says yes to any item: false for none. Exits with the first yes. Node: some. */
CST_API cst_status cst_some_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                cst_test_fn *fn, cst_answer_done_fn *done, void *arg);

/** Whether fn says yes to all items: true for none. Exits with the first no. Node: every. */
CST_API cst_status cst_every_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                 cst_test_fn *fn, cst_answer_done_fn *done, void *arg);

/** The first item that fn says yes to, or none. Exits with it. Node: find. */
CST_API cst_status cst_find_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                cst_test_fn *fn, cst_item_done_fn *done, void *arg);

#endif

/*
 * operators.h - Node's readable operators as ready-made stages: map, filter, forEach and their fellows, each carrying
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
#ifndef CSTREAM_OPERATORS_H
#define CSTREAM_OPERATORS_H

#include "chain.h"
#include "duplex.h"
#include "pipeline.h"

/* --- stages in between ------------------------------------------------------------------------------------------- */

/** Turns an item into another: *out, the stream's from now on. To hand the bytes on, *out = cst_slice_ref(chunk). */
typedef cst_status cst_map_fn(void *arg, const cst_slice *chunk, cst_slice *out);

/** Each item as fn turns it. Node: map. */
CST_API cst_status cst_map_new(cst_stream **out, cst_ctx *ctx, cst_map_fn *fn, void *arg, const cst_opts *opts);

/** Says yes or no to an item, in *out. */
typedef cst_status cst_test_fn(void *arg, const cst_slice *chunk, bool *out);

/** The items that fn says yes to, uncopied. Node: filter. */
CST_API cst_status cst_filter_new(cst_stream **out, cst_ctx *ctx, cst_test_fn *fn, void *arg, const cst_opts *opts);

/**
 * Turns an item into any number: it pushes them on s (cst_push), the stage that calls it. It answers as a transform
 * slot does, so that cst_give, and CST_PENDING with cst_complete, are fine too (stream.h).
 */
typedef cst_status cst_flat_map_fn(void *arg, const cst_slice *chunk, cst_stream *s);

/** What fn makes of each item, in order. Node: flatMap. */
CST_API cst_status cst_flat_map_new(cst_stream **out, cst_ctx *ctx, cst_flat_map_fn *fn, void *arg,
                                    const cst_opts *opts);

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
typedef cst_status cst_each_fn(void *arg, const cst_slice *chunk);

/** Calls fn with each item. done may be NULL. Node: forEach. */
CST_API cst_status cst_for_each_new(cst_stream **out, cst_ctx *ctx, cst_each_fn *fn, cst_outcome_fn *done, void *arg,
                                    const cst_opts *opts);

/** Combines what there is so far (borrowed) with the next item: *out, the stream's from now on. */
typedef cst_status cst_reduce_fn(void *arg, const cst_slice *so_far, const cst_slice *chunk, cst_slice *out);

/**
 * Combines all items into one, from the first to the last. Node: reduce.
 *
 * initial  what there is before the first item; borrowed for the call, a reference is taken. NULL: the first item
 *          itself, which fn is not called for; an input without items then fails the stage with CST_E_INVALID_ARG.
 */
CST_API cst_status cst_reduce_new(cst_stream **out, cst_ctx *ctx, cst_reduce_fn *fn, const cst_slice *initial,
                                  cst_item_done_fn *done, void *arg, const cst_opts *opts);

/** Adds each item, uncopied, at the end of a chain of the caller's, which must stay until the stream was destroyed.
 * After a failure it holds what came before; CST_E_NOMEM and CST_E_OUT_OF_RANGE of cst_chain_append are such. done
 * may be NULL. A bound to it: cst_memory_sink_new. Node: toArray. */
CST_API cst_status cst_to_array_new(cst_stream **out, cst_ctx *ctx, cst_chain *chain, cst_outcome_fn *done, void *arg,
                                    const cst_opts *opts);

/** Whether fn says yes to any item: false for none. Exits with the first yes. Node: some. */
CST_API cst_status cst_some_new(cst_stream **out, cst_ctx *ctx, cst_test_fn *fn, cst_answer_done_fn *done, void *arg,
                                const cst_opts *opts);

/** Whether fn says yes to all items: true for none. Exits with the first no. Node: every. */
CST_API cst_status cst_every_new(cst_stream **out, cst_ctx *ctx, cst_test_fn *fn, cst_answer_done_fn *done, void *arg,
                                 const cst_opts *opts);

/** The first item that fn says yes to, or none. Exits with it. Node: find. */
CST_API cst_status cst_find_new(cst_stream **out, cst_ctx *ctx, cst_test_fn *fn, cst_item_done_fn *done, void *arg,
                                const cst_opts *opts);

#endif

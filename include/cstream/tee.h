/*
 * tee.h - one stream for several readers, each with its own way to fall behind.
 *
 *                            +--> branch, CST_TEE_SLOWEST      a file: nothing may be missing
 *     source --pipe--> tee --+--> branch, CST_TEE_CUT_OFF      a client: fast enough, or gone
 *                            +--> branch, CST_TEE_DROP_OLDEST  a screen: the latest counts
 *
 * A tee is a writable, its branches are readables. Each branch gets a reference to each chunk, no
 * copy. A write is done when every SLOWEST branch has room; without such a branch nothing holds the
 * source. As long as there was no branch yet, writes wait.
 *
 * The end of the tee is EOF for the branches, behind what they hold. If the tee fails or is
 * destroyed before, the branches are destroyed with its error or CST_E_PREMATURE_CLOSE. A branch
 * that is destroyed is forgotten; after the last one the tee needs no more (cst_enough, stream.h).
 *
 * Several cst_pipe of one source do without: there the slowest sets the pace. Node has no tee but
 * that; on the web, ReadableStream.tee follows the fastest and buffers without end.
 */
#ifndef CSTREAM_TEE_H
#define CSTREAM_TEE_H

#include "duplex.h"

/**
 * What happens to a branch that has fallen behind.
 *
 * CST_TEE_SLOWEST      the tee waits for it, as for a pipe
 * CST_TEE_CUT_OFF      it is destroyed with CST_E_LIMIT
 * CST_TEE_DROP_OLDEST  it loses the oldest message that it holds; object mode only
 * CST_TEE_DROP_NEWEST  it does not get the new message; object mode only
 */
typedef enum cst_tee_policy {
    CST_TEE_SLOWEST = 0,
    CST_TEE_CUT_OFF = 1,
    CST_TEE_DROP_OLDEST = 2,
    CST_TEE_DROP_NEWEST = 3
} cst_tee_policy;

/**
 * Options of a branch; zeroes are the defaults.
 *
 * policy  what happens if it has fallen behind
 * limit   the most that it holds, in bytes, or in messages in object mode; one chunk more is too
 *         much. 0 is the highWaterMark. Not for CST_TEE_SLOWEST, which holds its highWaterMark and
 *         one chunk.
 */
typedef struct cst_branch_opts {
    cst_tee_policy policy;
    size_t limit;
    uintptr_t reserved[4];
} cst_branch_opts;

/** Make a tee, to write or pipe into. Results are in stream.h. */
CST_API cst_status cst_tee_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts);

/**
 * Make a branch, which gets every chunk that is written from now on, and one that waited for a
 * first branch. It may be made at any time.
 *
 * branch  may be NULL
 * opts    of the branch; may be NULL. It has the mode of the tee, object mode or not. The
 *         highWaterMark of a DROP_OLDEST branch is 1: what has been handed to its readable side is
 *         no longer dropped.
 *
 * CST_E_INVALID_ARG  also if tee is no stream of cst_tee_new, if there is no such policy, or if
 *                    messages were to be dropped in byte mode
 * CST_E_DESTROYED    also if the tee has ended or was destroyed
 */
CST_API cst_status cst_tee_branch_new(cst_stream **out, cst_stream *tee,
                                      const cst_branch_opts *branch, const cst_opts *opts);

/** Return how many messages a branch has lost by its policy; 0 for any other stream. */
CST_API uint64_t cst_tee_dropped(const cst_stream *branch);

#endif

/*
 * move.h - bytes from descriptor to descriptor inside the kernel, and conduits: move.c.
 */
#ifndef CSTREAM_POSIX_MOVE_H
#define CSTREAM_POSIX_MOVE_H

#include "posix_internal.h"

#if CST__HAS_TRANSFER

/**
 * One side of a move.
 *
 * d         NULL for an end of a conduit, which is never what is waited for
 * position  NULL if the descriptor's own counts
 * loop      of the destination, or of the source if the destination has none; may be NULL
 */
struct cst__side {
    struct cst__descriptor *d;
    uint64_t *position;
    cst_loop *loop;
    int fd;
    enum cst__kind kind;
};

/** How a move has ended. With a failure errno says why. */
enum cst__move {
    CST__MOVED,
    CST__NOTHING_LEFT,
    CST__SOURCE_WAITS,
    CST__DEST_WAITS,
    CST__SOURCE_FAILED,
    CST__DEST_FAILED,
    CST__CANNOT_MOVE
};

/**
 * Move at most `most` bytes. *moved, 0 before, is how many have left the source; to->d->held of
 * them are still in the conduit of the destination. CST__NOTHING_LEFT also if there is no
 * descriptor for a conduit.
 */
enum cst__move cst__move_bytes(const struct cst__side *from, const struct cst__side *to,
                               size_t most, size_t *moved);

/** Return whether the bytes go through a conduit. */
bool cst__needs_conduit(const struct cst__side *from, const struct cst__side *to);

/** Empty the conduit into d. CST_OK, CST_PENDING (d has no room), CST_OS(n) */
cst_status cst__conduit_drain(struct cst__descriptor *d, cst_loop *loop);

#endif

/** Close the conduit of d, if it has one, with what it holds. loop is NULL only if it has none. */
void cst__conduit_close(struct cst__descriptor *d, cst_loop *loop);

/** Close the conduits that nobody uses. Return whether there was one. */
bool cst__conduits_close_spare(struct cst__spare_conduits *spare);

#if CST__HAS_TRANSFER
cst_status cst__fd_transfer(cst_stream *s, void *self, cst_transfer *transfer);

/**
 * The transfer slot of a destination that is no struct cst__fd: `to` is described, and not waited
 * for.
 */
cst_status cst__transfer_into(cst_stream *s, cst_transfer *transfer, struct cst__side *to);
#endif

#endif

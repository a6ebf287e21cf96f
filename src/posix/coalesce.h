/*
 * coalesce.h - small writes of a turn that go out together, inside posix: coalesce.c, and what
 * descriptor.c does with the bytes.
 */
#ifndef CSTREAM_POSIX_COALESCE_H
#define CSTREAM_POSIX_COALESCE_H

#include "posix_internal.h"

/**
 * Small writes that are held until the turn ends, or waits for room (coalesce.c).
 *
 * from, to  what is held lies there in buf, whose data is NULL if nothing is held
 * failure   what a write has failed with that no slot has answered for
 * queued    the task is queued; it has a reference to the stream, and frees this if the stream has
 *           let go of it
 * waits     the system has said EAGAIN: the watch waits for room
 */
struct cst__coalescer {
    cst_stream *stream;
    cst_buf buf;
    size_t from, to;
    cst_status failure;
    bool queued;
    bool waits;
    cst_task task;
};

/* --- descriptor.c ----------------------------------------------------------------------------- */

/** Return whether bytes are held. A coalescer may be NULL, here and below. */
bool cst__coalescer_holds(const struct cst__coalescer *c);

/** Fill in what is held. Return 1, or 0 if that is nothing. */
int cst__coalescer_vector(const struct cst__coalescer *c, struct iovec *vector);

/** The system has taken n bytes. Return how many of them were not held. */
size_t cst__coalescer_advance(struct cst__coalescer *c, size_t n);

/** Forget what is held: it has gone out, or it is lost. */
void cst__coalescer_drop(struct cst__coalescer *c);

/* --- coalesce.c ------------------------------------------------------------------------------- */

/** Make what holds small writes. CST_OK, CST_E_NOMEM */
cst_status cst__coalescer_new(struct cst__coalescer **out, const cst_allocator *allocator);

/** Free one whose stream could not be made; NULL is fine. */
void cst__coalescer_free(struct cst__coalescer *c, const cst_allocator *allocator);

/** Return whether what is held waits until the descriptor has room. */
static inline bool cst__coalescer_waits(const struct cst__coalescer *c)
{
    return c && c->waits;
}

static inline cst_status cst__coalescer_failure(const struct cst__coalescer *c)
{
    return c ? c->failure : CST_OK;
}

/**
 * Copy the chunks of a write behind what is held, if they are small. Return false if they have to
 * be written, or if a write has failed meanwhile (cst__coalescer_failure).
 */
bool cst__coalescer_take(struct cst__fd *fd, const cst_slice *chunks, size_t count);

/** The system takes no more for now: if something is held, wait for room. */
void cst__coalescer_wait(struct cst__fd *fd);

/** There is room, and no write waits. Return whether all that is held has gone out. */
bool cst__coalescer_ready(struct cst__fd *fd);

/** No write follows. CST_OK: nothing is held. CST_PENDING: what is held waits. Or the failure. */
cst_status cst__coalescer_finish(struct cst__fd *fd);

/** The stream is being destroyed, its descriptor is still open. */
void cst__coalescer_close(struct cst__fd *fd);

/** Check that the fields agree, with CST_CHECK. */
void cst__coalescer_check(const struct cst__coalescer *c);

#endif

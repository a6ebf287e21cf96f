/*
 * fd_transfer.c - the transfer slot of what is polled: what a move (move.c) means to the stream and
 * to its source.
 */
#include "coalesce.h"
#include "move.h"

#if CST__HAS_TRANSFER

#include <string.h>

/* How many bytes one call of the slot moves at most, so that others get their turn. */
#define MOST_BYTES ((size_t)1 << 20)

/*
 * Through a conduit (move.c) a message takes two calls, and the signal mask may change. A copy of a
 * short one takes two calls and costs less. So after a move of fewer bytes than this a socket is
 * read, until a read has filled its buffer.
 */
#define SPARSE_BYTES ((size_t)16384)

/*
 * Copy bytes in the ordinary way next: a read decides whether this was the end. What was moved is
 * told first.
 */
static cst_status copy_next(const cst_transfer *transfer)
{
    return transfer->moved ? CST_OK : CST_EMPTY;
}

static void wait_to_transfer(struct cst__fd *source)
{
    source->waits_to_transfer = true;
    (void)cst__fd_wait_to_read(source);
}

static cst_status wait_for_room(cst_stream *s, struct cst__fd *dest)
{
    dest->outgoing.count = 0;
    dest->write_call = cst_this_call(s);
    dest->wants_write = true;
    (void)cst_watch_want(&dest->watch, CST_WATCH_WRITE);
    return CST_PENDING;
}

/*
 * Return what the slot answers to the outcome of a move. source or dest is NULL if it is not
 * polled.
 */
static cst_status transfer_answer(cst_stream *s, cst_transfer *transfer, enum cst__move outcome,
                                  struct cst__fd *source, struct cst__fd *dest)
{
    switch (outcome) {
    case CST__MOVED:
        return CST_OK;
    case CST__NOTHING_LEFT:
        return copy_next(transfer);
    case CST__SOURCE_WAITS:
        if (!source)
            return copy_next(transfer);
        transfer->from = CST_EMPTY;
        wait_to_transfer(source);
        return CST_OK;
    case CST__DEST_WAITS:
        return dest ? wait_for_room(s, dest) : copy_next(transfer);
    case CST__SOURCE_FAILED:
        transfer->from = cst__os_error();
        return CST_OK;
    case CST__DEST_FAILED:
        return dest ? cst__fd_write_fails(s, dest, cst__os_error()) : cst__os_error();
    case CST__CANNOT_MOVE:
        break;
    }
    return transfer->moved ? CST_OK : CST_E_UNSUPPORTED;
}

/*
 * Write what the coalescer holds. Before a file a socket may keep the last segment open: the bytes
 * of the file complete it. CST_OK: nothing is held. CST_PENDING: it waits for room. Or the failure.
 */
static cst_status write_held_first(cst_stream *s, struct cst__fd *dest, bool more)
{
    cst_status st =
        cst__coalescer_waits(dest->coalescer) ? CST_PENDING : cst__fd_write_outgoing(dest, more);

    if (st == CST_PENDING)
        return wait_for_room(s, dest);
    return st < 0 ? cst__fd_write_fails(s, dest, st) : CST_OK;
}

static cst_status transfer_between(cst_stream *s, cst_transfer *transfer,
                                   const struct cst__side *from, const struct cst__side *to,
                                   size_t most, struct cst__fd *source, struct cst__fd *dest)
{
    bool holds = dest && cst__coalescer_holds(dest->coalescer);
    bool more = holds && from->kind == CST__FILE;
    cst_status st = holds ? write_held_first(s, dest, more) : CST_OK;
    enum cst__move outcome;

    if (st != CST_OK)
        return st;
    outcome = cst__move_bytes(from, to, most, &transfer->moved);
    if (source && transfer->moved)
        source->is_sparse = transfer->moved < SPARSE_BYTES;
    transfer->held = to->d->held;
    if (more && !transfer->moved)
        cst__fd_send_segment(dest);
    return transfer_answer(s, transfer, outcome, source, dest);
}

static cst_status from_fd(cst_stream *s, cst_transfer *transfer, struct cst__side *to, size_t most,
                          struct cst__fd *dest)
{
    struct cst__fd *source = cst_stream_self(transfer->source);
    struct cst__side from = { .d = &source->d, .fd = source->d.fd, .kind = source->d.kind };

    if (source->shared || from.kind == CST__OTHER)
        return CST_E_UNSUPPORTED;
    if (source->connecting || source->read_error < 0 || source->last_words)
        return CST_EMPTY;
    if (cst__needs_conduit(&from, to) && source->is_sparse)
        return CST_EMPTY;
    if (!to->loop)
        to->loop = source->watch.loop;
    return transfer_between(s, transfer, &from, to, most, from.kind == CST__FILE ? NULL : source,
                            dest);
}

static cst_status from_fs(cst_stream *s, cst_transfer *transfer, struct cst__side *to, size_t most,
                          struct cst__fd *dest)
{
    struct cst__fs *source = cst_stream_self(transfer->source);
    struct cst__side from = { .d = &source->fd.d,
                              .position = source->ranged ? &source->position : NULL,
                              .fd = source->fd.d.fd,
                              .kind = source->fd.d.kind };

    if (source->polled)
        return from_fd(s, transfer, to, most, dest);
    if (from.kind != CST__FILE)
        return CST_E_UNSUPPORTED;
    most = cst__fs_wanted(source, most);
    return most ? transfer_between(s, transfer, &from, to, most, NULL, dest) : CST_EMPTY;
}

/* dest is NULL if the destination is not polled. */
static cst_status transfer_to(cst_stream *s, cst_transfer *transfer, struct cst__side *to,
                              struct cst__fd *dest)
{
    const struct cst__descriptor *source = cst__descriptor_of(transfer->source);
    size_t most = transfer->max < MOST_BYTES ? transfer->max : MOST_BYTES;

    if (!source || source->no_transfer || to->d->no_transfer || to->d->appends ||
        to->kind == CST__OTHER)
        return CST_E_UNSUPPORTED;
    return source->of_fs ? from_fs(s, transfer, to, most, dest)
                         : from_fd(s, transfer, to, most, dest);
}

cst_status cst__transfer_into(cst_stream *s, cst_transfer *transfer, struct cst__side *to)
{
    return transfer_to(s, transfer, to, NULL);
}

cst_status cst__fd_transfer(cst_stream *s, void *self, cst_transfer *transfer)
{
    struct cst__fd *fd = self;
    struct cst__side to = {
        .d = &fd->d, .loop = fd->watch.loop, .fd = fd->d.fd, .kind = fd->d.kind
    };

    if (fd->shared)
        return CST_E_UNSUPPORTED;
    if (fd->connecting)
        return CST_EMPTY;
    return transfer_to(s, transfer, &to, fd);
}

#endif

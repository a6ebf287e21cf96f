/*
 * posix_internal.h - what the files of libcstream-posix share, from the bottom to the top:
 *
 *      guard.c        signals that belong to one call
 *      descriptor.c   what every descriptor needs: what it is, closing it, chunks in and out
 *      move.c         bytes from descriptor to descriptor inside the kernel, and conduits
 *      the loop       loop_internal.h
 *      shortage.c     conduits are given up when descriptors are short
 *      fd_io.c        one read, one write of a descriptor that is polled
 *      last_words.c   a write that has failed waits for what the peer had said
 *      coalesce.c     small writes of a turn go out together
 *      listener.c     when a listener waits for peers, and when its memory goes
 *      fd_transfer.c  the transfer slot of all that is polled
 *      fd.c           fd.h's streams, and the slots of all that is polled
 *      standard.c     the standard streams of the process
 *      fs.c           files as streams
 *      address.c      the addresses of net.h, and those of the system
 *      net.c          sockets that connect and listen
 *
 * coalesce.h, move.h, listener.h and address.h declare what is theirs. Of the core all see public
 * headers alone.
 */
#ifndef CSTREAM_POSIX_INTERNAL_H
#define CSTREAM_POSIX_INTERNAL_H

#include <sys/types.h>
#include <sys/uio.h>

#include "loop_internal.h"

#if defined(__linux__)
#define CST__HAS_TRANSFER 1
#else
#define CST__HAS_TRANSFER 0
#endif

/** How many bytes a stream reads at a time if its highWaterMark is 0. */
#define CST__ZERO_MARK_CHUNK ((size_t)65536)

/* --- the records ------------------------------------------------------------------------------ */

/** What a descriptor is, as far as it matters. A device is one of the others. */
enum cst__kind { CST__OTHER, CST__FILE, CST__PIPE, CST__SOCKET };

/**
 * What every stream of this library keeps first in its self. fd is -1 while it is not open.
 *
 * The conduit is a pipe of our own. Through it bytes come from a socket that cannot go from there
 * in one step; `held` of them are still in it. It has room for 65,536 << conduit_order bytes. The
 * next step moves at most 65,536 << step_order.
 */
struct cst__descriptor {
    int fd;
    enum cst__kind kind;
    bool borrowed;
    bool of_fs; /* the self is a struct cst__fs, else a struct cst__fd */
    bool appends;
    bool size_limited; /* a write that grows the file may raise SIGXFSZ */
    bool no_transfer;  /* the host wants no kernel transfer */
    bool has_conduit;
    uint8_t conduit_order, step_order;
    int conduit[2];
    size_t held;
    uint64_t bytes_read, bytes_written;
};

/**
 * Chunks on their way out, as a write or writev slot got them, and how far they have come. If the
 * slot answers later, one chunk is copied into `one`, since its bytes stay but not the struct.
 */
struct cst__outgoing {
    const cst_slice *chunks;
    size_t count;
    size_t offset; /* into chunks[0] */
    cst_slice one;
};

/**
 * The self of fd.h's and net.h's streams, and of a stream of fs.h that is polled. A server has one
 * for each connection: what is never needed at once shares its place.
 */
struct cst__fd {
    struct cst__descriptor d;
    cst_stream *stream;
    cst_watch watch;
    union {
        struct cst__outgoing outgoing;
        cst_task cancel_task; /* after destroy, when nothing goes out any more */
    };
    struct cst__coalescer *coalescer; /* with coalesce_writes, until destroy */
    cst_call write_call;              /* the write that waits for room */
    cst_call final_call;              /* the final that waits for the connection */
    struct cst__last_words
        *last_words; /* while a failed write waits for what has arrived; or NULL */
    cst_status cancelled;
    cst_status read_error; /* found by a call that was not the slot's: the next read returns it */
    size_t read_size;
    bool always_ready; /* a file: reading it does not say EAGAIN */
    bool shared;
    bool coalesces;
    bool set_nonblocking; /* by us */
    bool drained;         /* the last read was short: there was no more */
    bool is_sparse;       /* the last move was short: read, until a read fills its buffer */
    bool connecting;
    bool wants_read;        /* a read call waits */
    bool waits_to_transfer; /* the read call waits for a transfer: what comes is not read here */
    bool wants_write;       /* write_call is owed */
    bool wants_final;
    bool is_rescued;  /* outgoing.one is what was in a conduit that was given up, and owned */
    bool is_accepted; /* by the listener; else on_connect may be set */
    union {
        cst_listener *listener;
        struct {
            cst_connect_fn *on_connect;
            void *on_connect_arg;
        };
    };
};

/**
 * The self of fs.h's streams. Without ranged the descriptor's own position counts, and position is
 * not looked at. A FIFO or a device that was opened by its path, in the context of a loop, is
 * polled: it does what fd.h's streams do.
 */
struct cst__fs {
    struct cst__fd fd; /* if it is polled; else its descriptor alone counts */
    char *path;        /* until it is open */
    size_t path_size;
    cst_timer next_try; /* a FIFO without a reader is opened again */
    bool polled;
    int flags;
    unsigned mode;
    bool ranged;
    bool flush;
    uint64_t position;
    uint64_t end; /* the last byte to be read */
    cst_open_fn *on_open;
    void *on_open_arg;
};

/* --- guard.c: signals that belong to one call ------------------------------------------------- */

/**
 * Call these before and after a call that writes to a descriptor: no signal that the call raises
 * reaches the process.
 *
 * loop    that of the stream, or NULL
 * own     storage for the time between, if no guard of the loop's serves
 * before  returns what to hand to after, which may be NULL
 * n       what the call has returned; wanted is what it was asked to move at most. errno is kept
 */
struct cst__guard *cst__guard_before(const struct cst__descriptor *to, cst_loop *loop,
                                     struct cst__guard *own);
void cst__guard_after(struct cst__guard *guard, ssize_t n, size_t wanted);

/** Unblock what the guard has blocked. errno is kept. */
void cst__guard_end(struct cst__guard *guard);

bool cst__ignores_signal(int sig);

/** Return whether a file that grows may raise SIGXFSZ. */
bool cst__file_size_is_limited(void);

/* --- descriptor.c ----------------------------------------------------------------------------- */

/** Return what the last system call failed with. */
cst_status cst__os_error(void);

/** Return whether the errno of a call says that it would have to wait. */
bool cst__would_block(int code);

/** Return whether errno says that no descriptor is left. */
bool cst__descriptors_are_short(void);

/**
 * Return fd, or a duplicate of it above 2 in its place: 0 to 2 are the host's, open or not. Return
 * -1 with errno if there is none; fd is closed then.
 */
int cst__above_standard(int fd);

/** Close *fd, if it is open, and forget it. */
cst_status cst__close(int *fd);

/** Close a descriptor that a failed constructor owns; return why. */
cst_status cst__give_up(int fd, bool borrowed, cst_status why);

/**
 * The names of the tables, by which cst__descriptor_of knows them: no other table has these
 * objects.
 */
enum cst__table {
    CST__FD_READER,
    CST__FD_WRITER,
    CST__FD_DUPLEX,
    CST__SOCKET_DUPLEX,
    CST__FS_READER,
    CST__FS_WRITER,
    CST__TABLES
};
extern const char cst__table_names[CST__TABLES][10];

/** Return the self of a stream of this library, or NULL for another stream. */
struct cst__descriptor *cst__descriptor_of(const cst_stream *s);

/**
 * Fill in kind, appends and size_limited, and *mode unless mode is NULL. CST_OK, CST_OS(n),
 * CST_E_INVALID_ARG (a socket that carries no stream of bytes)
 *
 * flags  those that it is open with, as far as it is to be written; a reader's may be O_RDONLY
 */
cst_status cst__descriptor_look(struct cst__descriptor *d, int flags, mode_t *mode);

/** Return whether the options are fit for bytes: no object mode. */
bool cst__is_for_bytes(const cst_opts *opts);

/**
 * Return the chunk that n bytes in buf make, in a block of its own size if it would pin a far
 * larger one.
 */
cst_slice cst__chunk_of(cst_buf *buf, size_t n, cst_ctx *ctx);

/** Many enough for a call to be worth its while, few enough for the stack. */
enum { CST__MAX_VECTORS = 64 };

void cst__outgoing_set(struct cst__outgoing *out, const cst_slice *chunks, size_t count);
bool cst__outgoing_is_done(const struct cst__outgoing *out);
int cst__outgoing_vectors(const struct cst__outgoing *out, struct iovec *vectors);
void cst__outgoing_advance(struct cst__outgoing *out, size_t n);

/** Return how many bytes count vectors have. */
size_t cst__vectors_size(const struct iovec *vectors, int count);

/** Check that the fields agree, with CST_CHECK. */
static inline void cst__descriptor_check(const struct cst__descriptor *d)
{
#ifdef CST_CHECK
    assert(d->fd >= -1);
    assert(d->has_conduit || d->held == 0);
    assert(!d->has_conduit || (d->conduit[0] > 2 && d->conduit[1] > 2));
    assert(!d->has_conduit || d->kind != CST__PIPE);
    assert(d->has_conduit || d->conduit_order == 0);
    assert(!d->size_limited || d->kind == CST__FILE);
#else
    (void)d;
#endif
}

/* --- shortage.c ------------------------------------------------------------------------------- */

/**
 * Descriptors are short: close the conduits that nobody uses, or else take what one of the others
 * holds into memory and close that. Return whether one was closed. errno is kept.
 */
bool cst__conduits_give_up(cst_loop *loop);

/**
 * Do cst__above_standard; if descriptors are short, give up conduits of loop, which may be NULL.
 */
int cst__above_standard_in(int fd, cst_loop *loop);

/* --- fd_io.c ---------------------------------------------------------------------------------- */

/** Have the loop wait for something to read. Return CST_OK, as the read slot does then. */
cst_status cst__fd_wait_to_read(struct cst__fd *fd);

/** Read once: a chunk in *out and CST_OK; CST_EMPTY, CST_EOF or the failure. */
cst_status cst__fd_read_chunk(struct cst__fd *fd, cst_slice *out);

/**
 * Write what the coalescer holds, then fd->outgoing. CST_OK: all is gone. CST_PENDING: the rest has
 * to wait. Or the failure.
 *
 * more  more bytes follow at once: a socket does not send its last segment before it is full
 */
cst_status cst__fd_write_outgoing(struct cst__fd *fd, bool more);

/** Have a socket send what was written with `more`, since nothing followed. errno is kept. */
void cst__fd_send_segment(const struct cst__fd *fd);

/* --- last_words.c: a write fails while the peer's last words are still to be heard ------------ */

/**
 * The write that runs on s has failed. Return what its slot has to return: CST_PENDING if something
 * has arrived that is still to be heard, so that the failure is answered after it; else the
 * failure.
 */
cst_status cst__fd_write_fails(cst_stream *s, struct cst__fd *fd, cst_status failure);

/** The write whose call is pending has failed. Answer it now, or when what has arrived is heard. */
void cst__fd_pending_write_fails(struct cst__fd *fd, cst_status failure);

/** The stream wants to read: a task does it. fd->last_words is not NULL. */
void cst__last_words_wanted(struct cst__fd *fd);

/** The stream is being destroyed. */
void cst__last_words_drop(struct cst__fd *fd);

/* --- listener.c ------------------------------------------------------------------------------- */

/** A connection that the listener has accepted is closed. */
void cst__listener_let_go(cst_listener *listener);

/* --- fd.c ------------------------------------------------------------------------------------- */

/**
 * Make a stream; opts are fd's, the rest of the state is in self. Take self->d.fd in either case.
 * construct is one of the core's constructors.
 */
typedef cst_status cst__fd_constructor(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                       const void *self, const cst_opts *opts);
cst_status cst__fd_new(cst_stream **out, cst_loop *loop, struct cst__fd *self, const cst_ops *ops,
                       cst__fd_constructor *construct, const cst_opts *opts);

/**
 * Begin to serve a descriptor that was opened for a stream that exists. What it is is known, and it
 * is in non-blocking mode.
 */
cst_status cst__fd_attach(struct cst__fd *fd, cst_loop *loop);

/** Go on with what waited for the connection. */
void cst__fd_connected(struct cst__fd *fd);

/** The slots, for streams that contain a struct cst__fd. */
cst_status cst__fd_read(cst_stream *s, struct cst__fd *fd, size_t size);
cst_status cst__fd_writev(cst_stream *s, struct cst__fd *fd, const cst_slice *chunks, size_t count);
cst_status cst__fd_destroy(cst_stream *s, void *self, const cst_error *error);

extern const cst_ops cst__socket_ops;

/* --- files ------------------------------------------------------------------------------------ */

/** Return how many bytes, size at most, are to be read next. */
static inline size_t cst__fs_wanted(const struct cst__fs *fs, size_t size)
{
    if (!fs->ranged)
        return size;
    if (fs->position > fs->end)
        return 0;
    return fs->end - fs->position < size ? (size_t)(fs->end - fs->position) + 1 : size;
}

#endif

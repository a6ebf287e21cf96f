/*
 * posix_internal.h - what the files of libcstream-posix share. Of the core they see public headers alone.
 */
#ifndef CSTREAM_POSIX_INTERNAL_H
#define CSTREAM_POSIX_INTERNAL_H

#include <sys/types.h>
#include <sys/uio.h>

#include <cstream/posix/posix.h>

/** What a stream with a highWaterMark of 0 reads at a time. */
#define CST__ZERO_MARK_CHUNK ((size_t)65536)

/* --- descriptors ---------------------------------------------------------------------------------- */

/** What a descriptor is, as far as it matters. A device is one of the others. */
enum cst__kind { CST__OTHER, CST__FILE, CST__PIPE, CST__SOCKET };

/**
 * What every stream of this library keeps first in its self. fd is -1 while it is not open. Through the conduit, a pipe of
 * our own, bytes come from a socket that cannot go from there in one step; held of them are still in it.
 */
struct cst__descriptor {
    int fd;
    enum cst__kind kind;
    bool borrowed;
    bool appends;
    bool size_limited; /* a write that grows the file may raise SIGXFSZ */
    bool has_conduit;
    int conduit[2];
    size_t held;
    uint64_t bytes_read, bytes_written;
};

/** The self of a stream of this library, or NULL for one of another sort. */
struct cst__descriptor *cst__descriptor_of(const cst_stream *s);

/** Fill in kind, appends and size_limited, and *mode unless mode is NULL. CST_OK, CST_OS(n), CST_E_INVALID_ARG (a socket that
 * carries no stream of bytes) */
cst_status cst__descriptor_look(struct cst__descriptor *d, mode_t *mode);

/** Return fd, or a duplicate of it above 2 in its place: 0 to 2 are the host's, open or not. -1 with errno if there is none, also
 * after the conduits of loop (which may be NULL) were given up; fd is closed then. */
int cst__above_standard(int fd, cst_loop *loop);

/** Return true if errno says that no descriptor is left. */
bool cst__descriptors_are_short(void);

/** What the last system call failed with. */
cst_status cst__os_error(void);

/** Closes *fd, where it is open, and forgets it. */
cst_status cst__close(int *fd);

/** A descriptor that a constructor owns goes also where it fails. */
cst_status cst__give_up(int fd, bool borrowed, cst_status why);

/** Whether a highWaterMark and so on are fit for bytes. */
bool cst__is_for_bytes(const cst_opts *opts);

/** The chunk that n bytes in buf make: in a block of its own size where it would pin a far larger one. */
cst_slice cst__chunk_of(cst_buf *buf, size_t n, cst_ctx *ctx);

/* --- conduits: pipes between a socket and a destination that is no pipe ---------------------------- */

/** A conduit at rest belongs to nobody: the loop keeps a few for whoever needs one next. */
enum { CST__MOST_SPARE_CONDUITS = 4 };

struct cst__spare_conduits {
    unsigned count;
    int ends[CST__MOST_SPARE_CONDUITS][2];
};

/** Have a conduit for d. Return false if descriptors are short: then the bytes take the ordinary way. */
bool cst__conduit_have(struct cst__descriptor *d, cst_loop *loop);

/** Hand an empty conduit of d, if it has one, to the loop. */
void cst__conduit_rest(struct cst__descriptor *d, cst_loop *loop);

/** Close the conduit of d, if it has one, with what it holds. */
void cst__conduit_close(struct cst__descriptor *d);

/** Close those at rest, or else take what one of the others holds into memory and close that. Return true if a conduit was
 * closed, so that descriptors are to be had again. errno is kept. */
bool cst__conduits_give_up(cst_loop *loop);

/* --- writing chunks ------------------------------------------------------------------------------- */

/**
 * Chunks on their way out, as a write or writev slot got them, and how far they have come. Where the slot answers later
 * one chunk is copied into one, since its bytes stay but not the struct.
 */
struct cst__outgoing {
    const cst_slice *chunks;
    size_t count;
    size_t offset; /* into chunks[0] */
    cst_slice one;
};

/** Many enough for a call to be worth its while, few enough for the stack. */
enum { CST__MAX_VECTORS = 64 };

void cst__outgoing_set(struct cst__outgoing *out, const cst_slice *chunks, size_t count);
bool cst__outgoing_is_done(const struct cst__outgoing *out);
int cst__outgoing_vectors(const struct cst__outgoing *out, struct iovec *vectors);
void cst__outgoing_advance(struct cst__outgoing *out, size_t n);

/* --- signals that belong to one call (guard.c) ---------------------------------------------------- */

/** SIGPIPE and SIGXFSZ. */
enum { CST__GUARDED = 2 };

/** Both are blocked for the calling thread while begun is set. The masks have one bit for each. */
struct cst__guard {
    bool begun;
    bool is_own;       /* around one call */
    unsigned blocked;  /* by us */
    unsigned not_ours; /* the host had them blocked, and pending */
};

/**
 * Before a call that writes to a descriptor, and after it: no signal that the call raises reaches the process. loop is
 * that of the stream, or NULL. own is storage for the time between, where no guard of the loop's serves.
 *
 * before: return what to hand to after, which may be NULL
 * after:  n is what the call has returned, wanted what it was asked to move at most; errno is kept
 */
struct cst__guard *cst__guard_before(const struct cst__descriptor *to, cst_loop *loop,
                                     struct cst__guard *own);
void cst__guard_after(struct cst__guard *guard, ssize_t n, size_t wanted);

/** Unblock what guard has blocked. errno is kept. */
void cst__guard_end(struct cst__guard *guard);

bool cst__ignores_signal(int sig);

/** Return true if a file that grows may raise SIGXFSZ. */
bool cst__file_size_is_limited(void);

/* --- the loop ------------------------------------------------------------------------------------- */

/** Has memory for one more watch, so that the next cst_watch_add cannot fail. */
cst_status cst__loop_reserve(cst_loop *loop);

struct cst__spare_conduits *cst__loop_spare_conduits(cst_loop *loop);

/** Ask the watches that wait, until one of them returns true; return whether one has. */
bool cst__loop_ask_watches(const cst_loop *loop, bool (*ask)(cst_watch *watch));

/** Return the guard of the turn that is running, or NULL outside a turn. */
struct cst__guard *cst__loop_guard(cst_loop *loop);

/** As it was when the loop was made, or began to run. */
bool cst__loop_ignores_sigpipe(const cst_loop *loop);

/** Outlives the loop's context. */
const cst_allocator *cst__loop_allocator(const cst_loop *loop);

/** A listener lives in its loop, which closes those that are left when its context has gone. */
struct cst__loop_member {
    struct cst__loop_member *next, *prev;
};

void cst__loop_join(cst_loop *loop, struct cst__loop_member *member,
                    void (*close)(struct cst__loop_member *member));
void cst__loop_leave(cst_loop *loop, struct cst__loop_member *member);

/* --- streams over pollable descriptors ------------------------------------------------------------ */

/** The self of fd.h's and net.h's streams. */
struct cst__fd {
    struct cst__descriptor d;
    cst_stream *stream;
    cst_watch watch;
    struct cst__outgoing outgoing;
    cst_slice rescued; /* the bytes of a conduit that was given up, which go out first; else empty */
    cst_call write_call; /* the write that waits for room */
    cst_call final_call; /* the final that waits for the connection */
    cst_task cancel_task;
    struct cst__last_words *last_words; /* while a failed write waits for what has arrived; else NULL */
    cst_status cancelled;
    cst_status read_error; /* found by a call that was not the slot's: the next read returns it */
    size_t read_size;
    bool always_ready; /* a file: reading it does not say EAGAIN */
    bool shared;
    bool set_nonblocking; /* by us */
    bool drained;         /* the last read was short: there was no more */
    bool connecting;
    bool wants_read;  /* a read call waits */
    bool passes_by;   /* it waits for a transfer: what comes is not to be read here */
    bool wants_write; /* write_call is owed */
    bool wants_final;
    cst_connect_fn *on_connect;
    void *on_connect_arg;
};

/** One stream of each sort; opts are fd's, the rest of the state is in self. Takes self->d.fd in either case. */
typedef cst_status cst__fd_constructor(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                       const void *self, const cst_opts *opts);
cst_status cst__fd_new(cst_stream **out, cst_loop *loop, struct cst__fd *self, const cst_ops *ops,
                       cst__fd_constructor *construct, const cst_opts *opts);

/** Begin to serve a descriptor that was opened for a stream that exists: it is known, and in non-blocking mode. */
cst_status cst__fd_attach(struct cst__fd *fd, cst_loop *loop);

/** What waited for the connection goes on. */
void cst__fd_connected(struct cst__fd *fd);

/** The slots, for streams that contain a struct cst__fd. */
cst_status cst__fd_read(cst_stream *s, struct cst__fd *fd, size_t size);
cst_status cst__fd_writev(cst_stream *s, struct cst__fd *fd, const cst_slice *chunks, size_t count);

extern const cst_ops cst__socket_ops;
cst_status cst__fd_destroy(cst_stream *s, void *self, const cst_error *error);

/* --- files ---------------------------------------------------------------------------------------- */

/**
 * The self of fs.h's streams. Without ranged the descriptor's own position counts, and position is not looked at. A FIFO or a
 * device that was opened by its path, in the context of a loop, is polled: it does what fd.h's streams do.
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

extern const cst_ops cst__fs_reader_ops, cst__fs_writer_ops;
cst_status cst__fs_destroy(cst_stream *s, void *self, const cst_error *error);

/** How many bytes, size at most, are to be read next. */
size_t cst__fs_wanted(const struct cst__fs *fs, size_t size);

void cst__fs_has_read(struct cst__fs *fs, size_t n);
void cst__fs_has_written(struct cst__fs *fs, size_t n);

/* --- from descriptor to descriptor ---------------------------------------------------------------- */

#if defined(__linux__)
#define CST__HAS_TRANSFER 1
#else
#define CST__HAS_TRANSFER 0
#endif

#if CST__HAS_TRANSFER
/** The transfer slots of fd.h's and fs.h's writers. */
cst_status cst__fd_transfer(cst_stream *s, void *self, cst_transfer *transfer);
cst_status cst__fs_transfer(cst_stream *s, void *self, cst_transfer *transfer);

/** Empty the conduit into d, which loop can wait for: CST_OK, CST_PENDING if d has no room, CST_OS(n). */
cst_status cst__conduit_drain(struct cst__descriptor *d, cst_loop *loop);
#endif

/** If the watch is that of a stream whose conduit holds bytes, take them into memory and close the conduit. Return true if so. */
bool cst__fd_rescue(cst_watch *watch);

/** The source of a transfer waits to be read. */
void cst__fd_wait_to_pass(struct cst__fd *fd);

/** The transfer into fd waits for room; the answer is to come. */
cst_status cst__fd_wait_for_room(cst_stream *s, struct cst__fd *fd);

/* A write that fails while the peer's last words are still to be heard (last_words.c). */

/**
 * The write that runs on s has failed. Return what its slot has to return: CST_PENDING if something has arrived that is
 * still to be heard, so that the failure is answered after it; else the failure itself.
 */
cst_status cst__fd_write_fails(cst_stream *s, struct cst__fd *fd, cst_status failure);

/** As above, for a write whose call is pending: answer it now or then. */
void cst__fd_pending_write_fails(struct cst__fd *fd, cst_status failure);

/** The stream wants to read: it is done by a task. fd->last_words is not NULL. */
void cst__last_words_wanted(struct cst__fd *fd);

/** The stream is being destroyed. */
void cst__last_words_drop(struct cst__fd *fd);

/** Read once: a chunk in *out and CST_OK; CST_EMPTY, CST_EOF or the failure. */
cst_status cst__fd_read_chunk(struct cst__fd *fd, cst_slice *out);

bool cst__would_block(int code);

/** How many bytes count vectors have. */
size_t cst__vectors_size(const struct iovec *vectors, int count);

#endif

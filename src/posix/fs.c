/*
 * fs.c - fs.h: files as streams.
 */
#include "move.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MODE 0666u

#define LARGEST_POSITION ((uint64_t)INT64_MAX)

/* --- flags ------------------------------------------------------------------------------------ */

#if !defined(O_SYNC)
#define O_SYNC 0
#endif

/* Return what the letter of one of Node's words means. */
static int letter_flags(char letter)
{
    switch (letter) {
    case 'r':
        return O_RDONLY;
    case 'w':
        return O_WRONLY | O_CREAT | O_TRUNC;
    case 'a':
        return O_WRONLY | O_CREAT | O_APPEND;
    }
    return -1;
}

/*
 * Split a word like "rs+" into its letter and its options, which may stand on either side. Return
 * false if it is no such word.
 */
static bool split_flags(const char *word, char *letter, bool *sync, bool *exclusive, bool *both)
{
    *letter = '\0';
    *sync = *exclusive = *both = false;
    for (; *word; word++) {
        bool *option = *word == 's' ? sync : *word == 'x' ? exclusive : *word == '+' ? both : NULL;

        if (*both || (option && *option) || (!option && *letter))
            return false;
        if (option)
            *option = true;
        else
            *letter = *word;
    }
    return *letter && !(*sync && *exclusive);
}

/* Return the flags for open(2), or -1 for a word that Node does not know either. */
static int open_flags(const char *word)
{
    bool sync, exclusive, both;
    char letter;
    int flags;

    if (!split_flags(word, &letter, &sync, &exclusive, &both))
        return -1;
    flags = letter_flags(letter);
    if (flags < 0 || (letter == 'r' && exclusive) || (letter == 'w' && sync))
        return -1;
    if (both)
        flags = (flags & ~O_ACCMODE) | O_RDWR;
    return flags | (sync ? O_SYNC : 0) | (exclusive ? O_EXCL : 0) | O_CLOEXEC;
}

static bool flags_allow(int flags, int wanted)
{
    int access = flags & O_ACCMODE;

    return access == wanted || access == O_RDWR;
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* How long until a FIFO that had no reader is opened again. */
#define NEXT_TRY_NS ((uint64_t)20 * 1000000)

/* Open the path; after EINTR the file was not opened. */
static int open_path(const struct cst__fs *fs, cst_loop *loop, int flags)
{
    int fd;

    do
        fd = open(fs->path, fs->flags | flags, (mode_t)fs->mode);
    while (fd < 0 && errno == EINTR);
    return cst__above_standard_in(fd, loop);
}

/* Open the path; if descriptors are short, conduits are given up for it. */
static int open_at_once(const struct cst__fs *fs, cst_loop *loop, int flags)
{
    int fd = open_path(fs, loop, flags);

    if (fd < 0 && cst__descriptors_are_short() && loop && cst__conduits_give_up(loop))
        fd = open_path(fs, loop, flags);
    return fd;
}

static bool is_fifo(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISFIFO(about.st_mode);
}

/*
 * Open the file, without waiting if there is a loop. CST_PENDING: it is a FIFO that nobody reads.
 */
static cst_status open_file(struct cst__fs *fs, cst_loop *loop)
{
    int fd = open_at_once(fs, loop, loop ? O_NONBLOCK : 0);

    /*
     * EWOULDBLOCK: somebody has a lease on it. Opening it in the ordinary way asks for the lease.
     */
    if (fd < 0 && loop && errno == EWOULDBLOCK)
        fd = open_at_once(fs, loop, 0);
    if (fd < 0 && loop && errno == ENXIO)
        return !is_fifo(fs->path) ? CST_OS(ENXIO) : fs->ranged ? CST_OS(ESPIPE) : CST_PENDING;
    if (fd < 0)
        return cst__os_error();
    fs->fd.d.fd = fd;
    return CST_OK;
}

static void forget_path(struct cst__fs *fs, cst_ctx *ctx)
{
    const cst_allocator *allocator = cst_ctx_allocator(ctx);

    if (fs->path)
        allocator->free(allocator->user, fs->path, fs->path_size);
    fs->path = NULL;
}

static cst_status keep_path(struct cst__fs *fs, cst_ctx *ctx, const char *path)
{
    const cst_allocator *allocator = cst_ctx_allocator(ctx);

    fs->path_size = strlen(path) + 1;
    fs->path = allocator->alloc(allocator->user, fs->path_size);
    if (!fs->path)
        return CST_E_NOMEM;
    memcpy(fs->path, path, fs->path_size);
    return CST_OK;
}

/*
 * Find out what the descriptor is. What may make a reader or a writer wait is polled by the loop,
 * and so is what had to be waited for.
 */
static cst_status look_at_file(cst_stream *s, struct cst__fs *fs, cst_loop *loop)
{
    cst_status st;
    mode_t mode;

    st = cst__descriptor_look(&fs->fd.d, fs->flags, &mode);
    fs->polled = fs->fd.connecting ||
                 (st == CST_OK && loop && !fs->ranged && (S_ISFIFO(mode) || S_ISCHR(mode)));
    if (!fs->polled || st < 0)
        return st;
    fs->fd.stream = s;
    return cst__fd_attach(&fs->fd, loop);
}

static cst_status file_is_open(cst_stream *s, struct cst__fs *fs, cst_loop *loop)
{
    cst_status st = look_at_file(s, fs, loop);

    forget_path(fs, cst_stream_ctx(s));
    if (st == CST_OK && fs->on_open)
        fs->on_open(s, fs->fd.d.fd, fs->on_open_arg);
    return st;
}

static void try_again_later(cst_stream *s, struct cst__fs *fs);

/* Open a FIFO that had no reader. Until there is one, the stream is like one that connects. */
static void try_again(void *arg)
{
    cst_stream *s = arg;
    struct cst__fs *fs = cst_stream_self(s);
    cst_loop *loop = cst_loop_of(cst_stream_ctx(s));
    cst_status st;

    fs->flags &= ~(O_CREAT | O_EXCL | O_TRUNC); /* open the FIFO that was there, or nothing */
    st = open_file(fs, loop);
    if (st == CST_PENDING) {
        try_again_later(s, fs);
        return;
    }
    (void)cst_ref(s);
    if (st == CST_OK)
        st = file_is_open(s, fs, loop);
    if (st < 0)
        (void)cst_destroy(s, st);
    else if (fs->fd.d.fd >= 0)
        cst__fd_connected(&fs->fd);
    cst_unref(s);
}

static void try_again_later(cst_stream *s, struct cst__fs *fs)
{
    (void)cst_timer_start_in(cst_stream_ctx(s), &fs->next_try, NEXT_TRY_NS, try_again, s);
}

/* How a descriptor that was given is open concerns only who writes it. */
static cst_status look_at_given(const cst_stream *s, struct cst__fs *fs)
{
    int flags = cst_stream_has_writable(s) ? fcntl(fs->fd.d.fd, F_GETFL) : O_RDONLY;

    return flags < 0 ? cst__os_error() : cst__descriptor_look(&fs->fd.d, flags, NULL);
}

static cst_status fs_construct(cst_stream *s, void *self)
{
    struct cst__fs *fs = self;
    cst_loop *loop = cst_loop_of(cst_stream_ctx(s));
    cst_status st;

    if (!fs->path)
        return look_at_given(s, fs);
    st = open_file(fs, loop);
    if (st == CST_OK)
        return file_is_open(s, fs, loop);
    if (st != CST_PENDING) {
        forget_path(fs, cst_stream_ctx(s));
        return st;
    }
    fs->polled = fs->fd.connecting = true;
    fs->fd.stream = s;
    try_again_later(s, fs);
    return CST_OK;
}

static cst_status sync_file(int fd)
{
    int result;

    do
        result = fsync(fd);
    while (result < 0 && errno == EINTR);
    return result < 0 ? cst__os_error() : CST_OK;
}

/* A failure to flush or to close is an error only if the stream has none yet. */
static cst_status fs_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct cst__fs *fs = self;
    cst_status flushed = CST_OK, closed = CST_OK;

    (void)cst_timer_stop(cst_stream_ctx(s), &fs->next_try);
    forget_path(fs, cst_stream_ctx(s));
    if (fs->polled)
        return cst__fd_destroy(s, &fs->fd, error);
    cst__conduit_close(&fs->fd.d, cst_loop_of(cst_stream_ctx(s)));
    if (fs->flush && fs->fd.d.fd >= 0)
        flushed = sync_file(fs->fd.d.fd);
    if (fs->fd.d.borrowed)
        fs->fd.d.fd = -1;
    else
        closed = cst__close(&fs->fd.d.fd);
    if (error)
        return CST_OK;
    return flushed < 0 ? flushed : closed;
}

/* --- reading ---------------------------------------------------------------------------------- */

static ssize_t read_at(const struct cst__fs *fs, void *to, size_t len)
{
    ssize_t n;

    do
        n = fs->ranged ? pread(fs->fd.d.fd, to, len, (off_t)fs->position)
                       : read(fs->fd.d.fd, to, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static void has_read(struct cst__fs *fs, size_t n)
{
    fs->fd.d.bytes_read += n;
    fs->position += n;
}

static cst_status fs_read(cst_stream *s, void *self, size_t size)
{
    struct cst__fs *fs = self;
    cst_ctx *ctx = cst_stream_ctx(s);
    size_t wanted = cst__fs_wanted(fs, size > 0 ? size : CST__ZERO_MARK_CHUNK);
    cst_status st;
    cst_buf buf;
    ssize_t n;

    cst__descriptor_check(&fs->fd.d);
    if (fs->polled)
        return cst__fd_read(s, &fs->fd, size);
    if (wanted == 0) {
        cst_push_eof(s);
        return CST_OK;
    }
    if ((st = cst_buf_new_cached(&buf, ctx, wanted)) < 0)
        return st;
    n = read_at(fs, buf.data, buf.cap);
    if (n <= 0) {
        st = n < 0 ? cst__os_error() : CST_OK;
        cst_buf_free(&buf);
        if (st == CST_OK)
            cst_push_eof(s);
        return st;
    }
    has_read(fs, (size_t)n);
    return cst_give(s, cst__chunk_of(&buf, (size_t)n, ctx));
}

static const cst_ops fs_reader_ops = {
    .name = cst__table_names[CST__FS_READER],
    .self_size = sizeof(struct cst__fs),
    .construct = fs_construct,
    .read = fs_read,
    .destroy = fs_destroy,
};

/* --- writing ---------------------------------------------------------------------------------- */

static ssize_t write_at(const struct cst__fs *fs, const struct iovec *vectors, int count)
{
    if (!fs->ranged)
        return writev(fs->fd.d.fd, vectors, count);
#if defined(__linux__)
    return pwritev(fs->fd.d.fd, vectors, count, (off_t)fs->position);
#else
    return pwrite(fs->fd.d.fd, vectors[0].iov_base, vectors[0].iov_len, (off_t)fs->position);
#endif
}

static ssize_t write_guarded(const struct cst__fs *fs, cst_loop *loop, const struct iovec *vectors,
                             int count)
{
    struct cst__guard own, *guard = cst__guard_before(&fs->fd.d, loop, &own);
    ssize_t n = write_at(fs, vectors, count);

    cst__guard_after(guard, n, guard ? cst__vectors_size(vectors, count) : 0);
    return n;
}

static void has_written(struct cst__fs *fs, size_t n)
{
    fs->fd.d.bytes_written += n;
    fs->position += n;
}

static cst_status fs_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct iovec vectors[CST__MAX_VECTORS];
    cst_loop *loop = cst_loop_of(cst_stream_ctx(s));
    struct cst__outgoing outgoing;
    struct cst__fs *fs = self;

    cst__descriptor_check(&fs->fd.d);
    if (fs->polled)
        return cst__fd_writev(s, &fs->fd, chunks, count);
    cst__outgoing_set(&outgoing, chunks, count);
    while (!cst__outgoing_is_done(&outgoing)) {
        int n_vectors = cst__outgoing_vectors(&outgoing, vectors);
        ssize_t n = write_guarded(fs, loop, vectors, n_vectors);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cst__os_error();
        has_written(fs, (size_t)n);
        cst__outgoing_advance(&outgoing, (size_t)n);
    }
    return CST_OK;
}

static cst_status fs_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    return fs_writev(s, self, chunk, 1);
}

#if CST__HAS_TRANSFER
static cst_status fs_transfer(cst_stream *s, void *self, cst_transfer *transfer)
{
    struct cst__fs *fs = self;
    struct cst__side to = { .d = &fs->fd.d,
                            .position = fs->ranged ? &fs->position : NULL,
                            .loop = cst_loop_of(cst_stream_ctx(s)),
                            .fd = fs->fd.d.fd,
                            .kind = fs->fd.d.kind };

    if (fs->polled)
        return cst__fd_transfer(s, &fs->fd, transfer);
    return to.kind == CST__FILE ? cst__transfer_into(s, transfer, &to) : CST_E_UNSUPPORTED;
}
#endif

static const cst_ops fs_writer_ops = {
    .name = cst__table_names[CST__FS_WRITER],
    .self_size = sizeof(struct cst__fs),
    .construct = fs_construct,
    .write = fs_write,
    .writev = fs_writev,
    .destroy = fs_destroy,
#if CST__HAS_TRANSFER
    .transfer = fs_transfer,
#endif
};

/* --- making ----------------------------------------------------------------------------------- */

/* Make the stream. The descriptor in self is taken unless it is borrowed. */
static cst_status fs_new(cst_stream **out, cst_ctx *ctx, const char *path, struct cst__fs *self,
                         const cst_ops *ops, cst__fd_constructor *construct, const cst_opts *opts)
{
    cst_status st = CST_OK;

    if (!out || !ctx || !cst__is_for_bytes(opts) || (!path && self->fd.d.fd < 0))
        return cst__give_up(self->fd.d.fd, self->fd.d.borrowed, CST_E_INVALID_ARG);
    if (path)
        st = keep_path(self, ctx, path);
    if (st == CST_OK)
        st = construct(out, ctx, ops, self, opts);
    if (st < 0) {
        forget_path(self, ctx);
        return cst__give_up(self->fd.d.fd, self->fd.d.borrowed, st);
    }
    return CST_OK;
}

cst_status cst_fs_read_stream_new(cst_stream **out, cst_ctx *ctx, const char *path,
                                  const cst_fs_read_opts *opts)
{
    static const cst_fs_read_opts defaults = { .fd = -1 };
    struct cst__fs self;
    cst_status st = CST_OK;

    if (!opts)
        opts = &defaults;
    memset(&self, 0, sizeof(self));
    self.fd.d.of_fs = true;
    self.fd.d.fd = path ? -1 : opts->fd;
    self.fd.d.borrowed = !path && opts->borrowed;
    self.flags = open_flags(opts->flags ? opts->flags : "r");
    self.mode = opts->mode ? opts->mode : DEFAULT_MODE;
    self.ranged = opts->ranged;
    self.position = opts->ranged ? opts->start : 0;
    self.end = opts->end;
    self.on_open = opts->on_open;
    self.on_open_arg = opts->on_open_arg;
    if (self.flags < 0 || !flags_allow(self.flags, O_RDONLY))
        st = CST_E_INVALID_ARG;
    else if (opts->ranged && (opts->start > opts->end || opts->start > LARGEST_POSITION))
        st = CST_E_OUT_OF_RANGE;
    if (st < 0)
        return cst__give_up(self.fd.d.fd, self.fd.d.borrowed, st);
    return fs_new(out, ctx, path, &self, &fs_reader_ops, cst_readable_new, &opts->stream);
}

cst_status cst_fs_write_stream_new(cst_stream **out, cst_ctx *ctx, const char *path,
                                   const cst_fs_write_opts *opts)
{
    static const cst_fs_write_opts defaults = { .fd = -1 };
    struct cst__fs self;
    cst_status st = CST_OK;

    if (!opts)
        opts = &defaults;
    memset(&self, 0, sizeof(self));
    self.fd.d.of_fs = true;
    self.fd.d.fd = path ? -1 : opts->fd;
    self.fd.d.borrowed = !path && opts->borrowed;
    self.flags = open_flags(opts->flags ? opts->flags : "w");
    self.mode = opts->mode ? opts->mode : DEFAULT_MODE;
    self.ranged = opts->has_start;
    self.position = opts->has_start ? opts->start : 0;
    self.flush = opts->flush;
    self.on_open = opts->on_open;
    self.on_open_arg = opts->on_open_arg;
    if (self.flags < 0 || !flags_allow(self.flags, O_WRONLY))
        st = CST_E_INVALID_ARG;
    else if (opts->has_start && opts->start > LARGEST_POSITION)
        st = CST_E_OUT_OF_RANGE;
    if (st < 0)
        return cst__give_up(self.fd.d.fd, self.fd.d.borrowed, st);
    return fs_new(out, ctx, path, &self, &fs_writer_ops, cst_writable_new, &opts->stream);
}

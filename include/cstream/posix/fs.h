/*
 * fs.h - files as streams, opened by path or given as a descriptor.
 *
 * Opening, reading, writing and closing are done inside the slots and wait for the disk: fine where files are local and
 * what they hold is mostly in memory already. No loop is needed: these streams are made in any context.
 *
 * What has no disk to wait for does not hold the loop: a FIFO or a device that is opened by its path in the context of a
 * cst_loop is opened in non-blocking mode and served as fd.h's streams are. A FIFO waits for its first writer, or, opened for
 * writing, for a reader: it is tried again every 20 ms, writes wait, and on_open says when it is open; a stream that ends before
 * and has written nothing does not wait. In a context of another host, and for a descriptor that was given, those calls wait:
 * open such a descriptor yourself and use fd.h or a port. A socket that is no stream of bytes is 'error' CST_E_INVALID_ARG.
 *
 * Neither SIGPIPE nor SIGXFSZ comes, as fd.h says: a file beyond the limit of the process is 'error' CST_OS(EFBIG). Files that
 * are opened have no descriptor below 3.
 *
 * The file is opened by a task, as in Node: a constructor that answers CST_OK says nothing about the file. Where it cannot
 * be opened, 'error' carries the errno, CST_OS(n), and 'close' follows. The path is copied.
 *
 * Node: fs.createReadStream, fs.createWriteStream. Their events 'open' and 'ready', which come together, are on_open;
 * autoClose: false is stream.no_auto_destroy.
 */
#ifndef CSTREAM_POSIX_FS_H
#define CSTREAM_POSIX_FS_H

#include "fd.h"

/** The file is open as fd, which is the stream's. Not called for a descriptor that was given. */
typedef void cst_open_fn(cst_stream *s, int fd, void *arg);

/**
 * Zeroes are Node's defaults.
 *
 * stream      as for every stream; object mode is refused. The highWaterMark, 64 KiB, is how much is read at a time.
 * flags       "r" where NULL: "r" "r+" "rs" "rs+", and those of a writer that may read: "w+" "wx+" "a+" "ax+"
 * mode        permissions of a file that is made; 0 is 0666. The umask is taken off.
 * fd          where path is NULL: the descriptor to read, from where it stands, or from start
 * borrowed    leave that descriptor open
 * ranged      start and end are meant: bytes start to end, both included. end UINT64_MAX: to the end of the file. A range
 *             is read without moving the descriptor's own position, so that several streams may share one.
 * on_open     called when the file is open; may be NULL
 */
typedef struct cst_fs_read_opts {
    cst_opts stream;
    const char *flags;
    unsigned mode;
    int fd;
    bool borrowed;
    bool ranged;
    uint64_t start;
    uint64_t end;
    cst_open_fn *on_open;
    void *on_open_arg;
    uintptr_t reserved[4];
} cst_fs_read_opts;

/**
 * A readable that reads a file, in chunks of the highWaterMark, then EOF. Node: fs.createReadStream.
 *
 * path  NULL: opts->fd is read. Borrowed; copied.
 * opts  may be NULL where there is a path
 *
 * As the constructors in stream.h; CST_E_INVALID_ARG also for unknown flags, a descriptor that is negative, in object mode,
 * and CST_E_OUT_OF_RANGE for a start beyond end or beyond what a file can hold. A descriptor that is not borrowed is closed
 * where they fail.
 */
CST_API cst_status cst_fs_read_stream_new(cst_stream **out, cst_ctx *ctx, const char *path,
                                          const cst_fs_read_opts *opts);

/**
 * Zeroes are Node's defaults.
 *
 * flags           "w" where NULL: "w" "wx" "a" "ax" "as" "r+" "rs+", and with a + also "w+" "wx+" "a+" "ax+"
 * mode, on_open   as above
 * fd, borrowed    as above: where path is NULL
 * has_start       start is meant: the first byte goes there, and the descriptor's own position is not moved
 * flush           fsync before the file is closed; where that fails, 'error'. Node: flush
 */
typedef struct cst_fs_write_opts {
    cst_opts stream;
    const char *flags;
    unsigned mode;
    int fd;
    bool borrowed;
    bool has_start;
    bool flush;
    uint64_t start;
    cst_open_fn *on_open;
    void *on_open_arg;
    uintptr_t reserved[4];
} cst_fs_write_opts;

/** A writable that writes a file; chunks that have queued up go out together. 'finish' says that the system has the bytes;
 * that the disk has them, with flush, only 'close'. As cst_fs_read_stream_new. Node: fs.createWriteStream. */
CST_API cst_status cst_fs_write_stream_new(cst_stream **out, cst_ctx *ctx, const char *path,
                                           const cst_fs_write_opts *opts);

#endif

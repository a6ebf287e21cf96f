/*
 * fs.h - files as streams, opened by path or given as a descriptor.
 *
 * Opening, reading, writing and closing happen inside the slots and wait for the disk; that suits
 * local files whose contents are mostly in memory already. These streams need no loop: they are
 * made in any context.
 *
 * FIFOs and devices have no disk to wait for. Opened by path in the context of a cst_loop, they are
 * opened in non-blocking mode and served as the streams of fd.h are, so they do not hold the loop.
 * A FIFO that is read waits for its first writer. One that is written waits for a reader: it is
 * tried again every 20 ms, writes wait meanwhile, and on_open tells when it is open; a stream that
 * ends before that and has written nothing does not wait. In the context of another host, and for a
 * descriptor that was given, the calls block: open such a descriptor yourself, and use fd.h or a
 * port. A socket that is no stream of bytes is 'error' CST_E_INVALID_ARG.
 *
 * Signals. Neither SIGPIPE nor SIGXFSZ reaches the process (fd.h). A file that grows beyond the
 * process's limit is 'error' CST_OS(EFBIG). No file is opened with a descriptor below 3.
 *
 * What is deferred. As in Node, the file is opened by a task: a constructor that returns CST_OK
 * says nothing about the file. If it cannot be opened, 'error' carries the errno, CST_OS(n), and
 * 'close' follows.
 *
 * Node: fs.createReadStream, fs.createWriteStream. Their events 'open' and 'ready', which come
 * together, are on_open; autoClose: false is stream.no_auto_destroy.
 */
#ifndef CSTREAM_POSIX_FS_H
#define CSTREAM_POSIX_FS_H

#include "fd.h"

/** Tells that the file is open as fd, which is the stream's. Not called for a descriptor that was
 * given. */
typedef void cst_open_fn(cst_stream *s, int fd, void *arg);

/**
 * Options of a file that is read; zeroes are Node's defaults.
 *
 * stream       as for every stream; object mode is refused. The highWaterMark, 64 KiB, is how much
 *              is read at a time.
 * flags        "r" if NULL: "r" "r+" "rs" "rs+", and those of a writer that may read: "w+" "wx+"
 *              "a+" "ax+"
 * mode         the permissions of a file that is created, less the umask; 0 is 0666
 * fd           the descriptor to read, if path is NULL: from its position, or from start
 * borrowed     leave that descriptor open
 * ranged       read only the bytes from start to end, both included. An end of UINT64_MAX is the
 *              end of the file. The descriptor's position does not move, so several streams may
 *              share one descriptor.
 * on_open      called when the file is open; may be NULL
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
 * Make a source that reads a file, in chunks of the highWaterMark, then EOF.
 * Node: fs.createReadStream.
 *
 * path  copied; NULL: opts->fd is read
 * opts  may be NULL if there is a path
 *
 * Results are in stream.h, and
 * CST_E_INVALID_ARG   also for unknown flags, for a negative descriptor, and in object mode
 * CST_E_OUT_OF_RANGE  start is beyond end, or beyond what a file can hold
 *
 * If the constructor fails, a descriptor that is not borrowed is closed.
 */
CST_API cst_status cst_fs_read_stream_new(cst_stream **out, cst_ctx *ctx, const char *path,
                                          const cst_fs_read_opts *opts);

/**
 * Options of a file that is written; zeroes are Node's defaults.
 *
 * stream        as for every stream; object mode is refused
 * flags         "w" if NULL: "w" "wx" "a" "ax" "as" "r+" "rs+", and "w+" "wx+" "a+" "ax+"
 * mode          the permissions of a file that is created, less the umask; 0 is 0666
 * fd, borrowed  the descriptor to write, if path is NULL; leave it open
 * has_start     write the first byte at start; the descriptor's position does not move
 * flush         call fsync before the file is closed; a failure is 'error'. Node: flush
 * on_open       called when the file is open; may be NULL
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

/**
 * Make a sink that writes a file. Chunks that have queued up are written together. 'finish' says
 * that the system has the bytes; only 'close', with flush, says that the disk has them. Arguments
 * and results as of cst_fs_read_stream_new. Node: fs.createWriteStream.
 */
CST_API cst_status cst_fs_write_stream_new(cst_stream **out, cst_ctx *ctx, const char *path,
                                           const cst_fs_write_opts *opts);

#endif

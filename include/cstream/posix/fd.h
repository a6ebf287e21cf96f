/*
 * fd.h - descriptors as streams: pipes, terminals, sockets, devices.
 *
 * Reading and writing never wait: the call is made first, and where the system says EAGAIN the stream waits in its loop.
 * A chunk is at most as long as the readable highWaterMark; one that fills little of its buffer is copied into a block of
 * its own size, so that a chunk which is kept pins no large block. Chunks that have queued up are written together.
 * A stream that always has something to read gives way to the others of its loop after a megabyte or so.
 *
 * The end: EOF of the descriptor is EOF of the stream. On a socket, the end of the writable side shuts that direction
 * down before 'finish'; any other descriptor says EOF to its reader when it is closed, by the stream's destroy.
 *
 * Errors carry the errno, CST_OS(n). A pipe or socket that nobody reads any more is CST_OS(EPIPE), a file that grows beyond
 * the limit of the process (RLIMIT_FSIZE) CST_OS(EFBIG).
 *
 * Last words. If a write fails, all that the peer had sent by then is read and handed out first; only then is the write
 * answered with its failure. The failure does not wait, and what has arrived is lost, if
 *
 *     nothing consumes the stream, or the host has paused it
 *     its destination waits for it in turn (an echo, also through transforms)
 *     a slow destination has taken nothing for ten seconds, or a host that reads by hand for a fifth of one
 *
 * Signals. Neither SIGPIPE nor SIGXFSZ comes. Sockets are written with MSG_NOSIGNAL; around other calls that may raise one of
 * them both are blocked for the calling thread, and one that the call has raised is taken back. In a turn of the loop they are
 * blocked at the first such call and unblocked before the loop sleeps or returns; outside a turn around each call. So a
 * child or a thread that a callback starts may begin with them blocked: set its mask (posix_spawnattr_setsigmask), as one does
 * with a child's signals; and a callback that changes the thread's mask puts it back before it returns. A host that ignores SIGPIPE when the loop is made, or when cst_loop_run begins, pays for no change of
 * the mask and must go on ignoring it; that a file size is limited is looked at when a file is opened.
 *
 * Descriptors that the library opens are never 0, 1 or 2: a standard stream that was closed when the program started stays
 * closed, and is CST_OS(EBADF) at its constructor. A FIFO that is open without ever having had a writer waits for one.
 *
 * Between two descriptors. Where a stream of this library is piped into another one of it, and the pipe is all that listens
 * to its 'data', the bytes go through the kernel and do not come by here, where the system has a call for that (Linux:
 * copy_file_range, sendfile, splice). Events, backpressure and counts are the same; the way is open to other streams too
 * (stream.h, the transfer slot). A file that is changed while its bytes are on their way to a socket or a pipe may arrive
 * as changed. From a socket into a socket or a file takes a pipe of two more descriptors while bytes wait in it; at rest the
 * loop keeps up to four such pipes for all its streams. They are closed first when descriptors run out, and a pipe whose
 * descriptors would have numbers in the last eighth of RLIMIT_NOFILE is not made: so pipes at rest cost no connection. Without one, and between descriptors
 * of other sorts, it is reads and writes.
 *
 * Limits on time (timeout.h). A write that goes out in parts is activity with each part that the system takes, also where
 * the kernel moves the bytes; so a peer that reads slowly is not idle, and one that does not read is, when the system's own
 * buffers are full. A connection that is made (net.h) is activity too.
 *
 * The descriptor is the stream's, from the constructor's call on and also where that fails: destroy closes it. With
 * `borrowed` it is left open; non-blocking mode is then put back to what it was.
 */
#ifndef CSTREAM_POSIX_FD_H
#define CSTREAM_POSIX_FD_H

#include "../duplex.h"
#include "loop.h"

/**
 * Zeroes are the defaults.
 *
 * stream    as for every stream. Object mode is refused: a descriptor has no messages.
 * borrowed  leave the descriptor open; non-blocking mode is put back also if another stream uses the same open file, so
 *           make one duplex of it, or set O_NONBLOCK yourself
 * shared    other processes use the same open file, as they do with a terminal or standard streams: it is not made
 *           non-blocking, which would concern them too, nor shut down. The stream asks poll before each read; its
 *           writes may wait, as those of Node's process.stdout do.
 */
typedef struct cst_fd_opts {
    cst_opts stream;
    bool borrowed;
    bool shared;
    uintptr_t reserved[4];
} cst_fd_opts;

/**
 * A readable, a writable, or a duplex over one descriptor. Node: net.Socket({ fd }), tty.ReadStream, tty.WriteStream.
 *
 * As the constructors in stream.h; CST_E_INVALID_ARG also for a negative descriptor, in object mode, and for a socket that is
 * no stream of bytes: of datagrams, of packets, or one that listens (Node: ERR_INVALID_FD_TYPE). CST_OS(n) if the
 * descriptor is not open. Nothing is read or written before they return.
 */
CST_API cst_status cst_fd_source_new(cst_stream **out, cst_loop *loop, int fd,
                                     const cst_fd_opts *opts);
CST_API cst_status cst_fd_sink_new(cst_stream **out, cst_loop *loop, int fd,
                                   const cst_fd_opts *opts);
CST_API cst_status cst_fd_duplex_new(cst_stream **out, cst_loop *loop, int fd,
                                     const cst_fd_opts *opts);

/**
 * The standard streams: borrowed and shared. Writes wait, as Node's to files, terminals and pipes do. opts may be NULL.
 * Node: process.stdin, stdout, stderr.
 *
 * What is piped into the output streams, by cst_pipe or cst_pipeline, leaves them open (no_pipe_end, set whatever opts say).
 * cst_end and cst_destroy end and destroy them as any stream; the descriptor stays as it was, and one may be made anew.
 */
CST_API cst_status cst_stdin_new(cst_stream **out, cst_loop *loop, const cst_opts *opts);
CST_API cst_status cst_stdout_new(cst_stream **out, cst_loop *loop, const cst_opts *opts);
CST_API cst_status cst_stderr_new(cst_stream **out, cst_loop *loop, const cst_opts *opts);

/** The descriptor of a stream of this library (fd.h, fs.h, net.h): borrowed. -1 where it is not open (yet, any more), or
 * for a stream of another sort. Node: fd. */
CST_API int cst_stream_fd(const cst_stream *s);

/** How many bytes have come from the descriptor, and gone to it; 0 for a stream of another sort. Node: bytesRead,
 * bytesWritten. */
CST_API uint64_t cst_stream_bytes_read(const cst_stream *s);
CST_API uint64_t cst_stream_bytes_written(const cst_stream *s);

#endif

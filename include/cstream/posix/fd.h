/*
 * fd.h - descriptors as streams: pipes, terminals, sockets, devices.
 *
 * Reading and writing never wait: the stream makes the call first, and waits in its loop if the
 * system returns EAGAIN. A chunk is at most as long as the readable highWaterMark. A chunk that
 * fills little of its buffer is copied into a block of its own size, so that a chunk which is kept
 * holds no large block. Chunks that have queued up are written together. A stream that always has
 * something to read gives way to the other streams of its loop after about a megabyte.
 *
 * Small writes. Each chunk that is written to an idle stream is a system call. With
 * coalesce_writes, chunks of up to 4,096 bytes are copied into a block of the stream's, and go out
 * in one call,
 *
 *     at the end of the context's turn (ctx.h): the next one, if no turn runs
 *     earlier, if the next chunk does not fit: the block has as many bytes as the writable
 *             highWaterMark, and at most 65,536
 *     earlier, in one call with a chunk that is longer, or before a kernel transfer
 *     at last when the stream is ended, before 'finish'
 *
 * The bytes keep their order. They are in the block beside those that cst_writable_length counts;
 * if the descriptor takes no more, the next chunk that does not fit waits in the queue, so that the
 * writer is held back as ever. With a highWaterMark of 0 nothing is coalesced, nor while a socket
 * connects: its chunks wait in the queue and go out together anyway.
 *
 * What changes is what a write's callback says: with CST_OK, that the stream has taken the chunk,
 * as stdio has after fwrite. That the system has taken everything is said by 'finish', and by the
 * callback of cst_end. If the block cannot be written, the stream fails as for any write, with last
 * words and 'error'; chunks behind that get the failure, those in the block are lost. cst_destroy
 * tries to write the block once more, without waiting. cst_stream_bytes_written counts what the
 * system has taken.
 *
 * It is for many small chunks: lines, the head and the body of an answer. A chunk that has to leave
 * at once, such as a prompt on a terminal, does so only if the turn ends. If the program crashes,
 * the block is lost. A standard stream is coalesced by cst_fd_sink_new with borrowed and shared,
 * and with no_pipe_end in stream, which cst_stdout_new sets too.
 *
 * The end. EOF of the descriptor is EOF of the stream. The end of the writable side of a socket
 * shuts that direction down before 'finish'. The reader of any other descriptor sees EOF when the
 * stream's destroy closes it.
 *
 * Errors carry the errno, CST_OS(n). A pipe or socket that nobody reads any more is CST_OS(EPIPE);
 * a file that grows beyond the process's limit (RLIMIT_FSIZE) is CST_OS(EFBIG).
 *
 * Last words. If a write fails, everything that the peer had sent by then is read and handed out
 * first; only then is the write answered with its failure. The failure is answered at once, and
 * what has arrived is lost, if
 *
 *     nothing consumes the stream, or the host has paused it
 *     its destination waits for it in turn (an echo, also through transforms)
 *     a slow destination has taken nothing for ten seconds, or a host that reads by hand for a
 *     fifth of a second
 *
 * Signals. Neither SIGPIPE nor SIGXFSZ reaches the process. Sockets are written with MSG_NOSIGNAL.
 * Around any other call that may raise one of the two, both are blocked for the calling thread, and
 * one that the call has raised is taken back. In a turn of the loop they are blocked at the first
 * such call and unblocked before the loop sleeps or returns; outside a turn, around each call.
 * Therefore
 *
 *   - a child or a thread that a callback starts may begin with both blocked: set its mask
 *     (posix_spawnattr_setsigmask), as for the other signals of a child
 *   - a callback that changes the thread's mask restores it before it returns
 *   - a host that ignores SIGPIPE when the loop is made, or when cst_loop_run begins, saves these
 *     changes of the mask and must go on ignoring it
 *   - whether a file size is limited is looked up when a file is opened
 *
 * Low descriptors. No descriptor that the library opens is 0, 1 or 2. A standard stream that was
 * closed when the program started stays closed, and its constructor returns CST_OS(EBADF). A FIFO
 * that is open but never had a writer waits for one.
 *
 * Kernel transfer (zero copy). If a stream of this library is piped into another one of it, and the
 * pipe is the only listener to its 'data', the kernel moves the bytes, and they do not pass through
 * the program; the system must have a call for it (Linux: copy_file_range, sendfile, splice).
 * Events, backpressure and counts are unchanged. Streams of the host's can do this too (stream.h,
 * the transfer slot). A file that is changed while its bytes are on their way to a socket or a pipe
 * may arrive as changed. Between descriptors of other sorts the stream reads and writes.
 *
 * With no_kernel_transfer, on either side, the stream reads and writes always. Set it if a file has
 * to arrive as it was when it was read, or if a sandbox kills a process that makes these calls.
 *
 * What coalesce_writes holds goes out before a transfer. If a file follows, a TCP socket keeps the
 * last segment open for its first bytes (MSG_MORE): so the head of a response and its file share a
 * segment. If the file is empty, that segment is sent at once.
 *
 * From a socket into a socket or a file, the bytes pass through a pipe: two more descriptors while
 * bytes wait in it. It takes 65,536 bytes, and grows to a megabyte at most (F_SETPIPE_SZ) while the
 * destination takes all that comes; if the destination has to wait, the next steps are smaller. So
 * a reader that was fast and then stops may leave a megabyte in the pipe, which counts as
 * cst_writable_length. At most 16 pipes of a loop are larger than 65,536 bytes, since Linux allows
 * 64 MiB to all pipes of a user. After a move of fewer than 16,384 bytes the socket is read, which
 * costs less, until a read has filled the readable highWaterMark.
 *
 * The loop keeps up to four empty pipes for all its streams, and closes them first when descriptors
 * run out. No pipe is made whose descriptors would lie in the last eighth below RLIMIT_NOFILE; the
 * stream then reads and writes. So pipes never cost a connection.
 *
 * Limits on time (timeout.h). A write that goes out in parts is activity with each part that the
 * system takes, also if the kernel moves the bytes. So a peer that reads slowly is not idle; one
 * that does not read is idle when the system's own buffers are full. A connection that is
 * established (net.h) is activity too.
 *
 * Ownership. The descriptor is the stream's from the constructor's call on, also if that fails:
 * destroy closes it. With `borrowed` it stays open, and its non-blocking mode is restored.
 */
#ifndef CSTREAM_POSIX_FD_H
#define CSTREAM_POSIX_FD_H

#include "../duplex.h"
#include "loop.h"

/**
 * Options of a descriptor's stream; zeroes are the defaults.
 *
 * stream              as for every stream. Object mode is refused: a descriptor has no messages.
 * borrowed            leave the descriptor open. Its non-blocking mode is restored even if another
 *                     stream uses the same open file: so make one duplex of it, or set O_NONBLOCK
 *                     yourself.
 * shared              other processes use the same open file, such as a terminal or a standard
 *                     stream. It is not made non-blocking, which would concern them too, and not
 *                     shut down. The stream polls before each read; its writes may wait, as those
 *                     of Node's process.stdout do.
 * coalesce_writes     write the small chunks of a turn together; see "Small writes" above.
 *                     Sources ignore it.
 * no_kernel_transfer  read and write always; see "Kernel transfer" above
 */
typedef struct cst_fd_opts {
    cst_opts stream;
    bool borrowed;
    bool shared;
    bool coalesce_writes;
    bool no_kernel_transfer;
    uintptr_t reserved[4];
} cst_fd_opts;

/**
 * Make a source, a sink, or a duplex over one descriptor. Nothing is read or written before it
 * returns. Node: net.Socket({ fd }), tty.ReadStream, tty.WriteStream.
 *
 * Results are in stream.h, and
 * CST_E_INVALID_ARG  also for a negative descriptor, in object mode, and for a socket that is no
 *                    stream of bytes: of datagrams, of packets, or one that listens.
 *                    Node: ERR_INVALID_FD_TYPE
 * CST_OS(n)          the descriptor is not open
 */
CST_API cst_status cst_fd_source_new(cst_stream **out, cst_loop *loop, int fd,
                                     const cst_fd_opts *opts);
CST_API cst_status cst_fd_sink_new(cst_stream **out, cst_loop *loop, int fd,
                                   const cst_fd_opts *opts);
CST_API cst_status cst_fd_duplex_new(cst_stream **out, cst_loop *loop, int fd,
                                     const cst_fd_opts *opts);

/**
 * Make a stream over a standard stream, borrowed and shared. Writes wait, as Node's to files,
 * terminals and pipes do. opts may be NULL. Results as of cst_fd_source_new.
 * Node: process.stdin, stdout, stderr.
 *
 * A pipe into standard output or error, and a pipeline that ends in it, leaves it open: no_pipe_end
 * is set whatever opts say. cst_end and cst_destroy end and destroy it as any stream. The
 * descriptor stays open, and another stream may be made of it.
 */
CST_API cst_status cst_stdin_new(cst_stream **out, cst_loop *loop, const cst_opts *opts);
CST_API cst_status cst_stdout_new(cst_stream **out, cst_loop *loop, const cst_opts *opts);
CST_API cst_status cst_stderr_new(cst_stream **out, cst_loop *loop, const cst_opts *opts);

/**
 * Return the descriptor of a stream of this library (fd.h, fs.h, net.h); borrowed. -1 if it is not
 * open yet or any more, and for other streams. Node: fd.
 */
CST_API int cst_stream_fd(const cst_stream *s);

/**
 * Return how many bytes have come from the descriptor, or gone to it; 0 for streams that are not of
 * this library. Node: bytesRead, bytesWritten.
 */
CST_API uint64_t cst_stream_bytes_read(const cst_stream *s);
CST_API uint64_t cst_stream_bytes_written(const cst_stream *s);

#endif

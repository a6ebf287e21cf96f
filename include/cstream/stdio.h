/*
 * stdio.h - files as streams, through the C library's FILE.
 *
 * Reads and writes block, as stdio does, inside the read and write slots; that suits files and
 * tools. Open a file in binary mode, so that its bytes are what is streamed. To make every read go
 * straight to the system, call setvbuf(file, NULL, _IONBF, 0) first; chunks are large enough for
 * that.
 *
 * An error carries the errno that the C library has set (cst_status_os), or EIO if it has set none.
 *
 * Signals stay the host's. On a system with SIGPIPE and SIGXFSZ, a write to a pipe that nobody
 * reads, or beyond the process's limit on file sizes, ends a process that neither ignores nor
 * handles the signal. If it does, the stream gets the error, EPIPE or EFBIG. The streams of
 * libcstream-posix let neither signal reach the process.
 */
#ifndef CSTREAM_STDIO_H
#define CSTREAM_STDIO_H

#include <stdio.h>

#include "duplex.h"

/** Whether the stream closes the file. Owned: fclose in its destroy slot, or at once if the
 * constructor fails. */
typedef enum cst_file_ownership { CST_FILE_BORROWED, CST_FILE_OWNED } cst_file_ownership;

/**
 * Make a source that reads file from its current position to its end, in chunks of at most the
 * highWaterMark (64 KiB if that is 0), then EOF. A read error destroys it with the errno; what was
 * read before the error is pushed first. Node: fs.createReadStream.
 *
 * Results are in stream.h; CST_E_INVALID_ARG also if file is NULL, or in object mode.
 */
CST_API cst_status cst_file_source_new(cst_stream **out, cst_ctx *ctx, FILE *file,
                                       cst_file_ownership ownership, const cst_opts *opts);

/**
 * Make a sink that writes to file and flushes it before 'finish'. It is destroyed with the errno
 * after a short write, after a failed flush, or, if it owns the file, after a failed close when all
 * had gone well. Results as of cst_file_source_new. Node: fs.createWriteStream.
 */
CST_API cst_status cst_file_sink_new(cst_stream **out, cst_ctx *ctx, FILE *file,
                                     cst_file_ownership ownership, const cst_opts *opts);

#endif

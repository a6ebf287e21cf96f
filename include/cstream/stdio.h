/*
 * stdio.h - files as streams, through the C library's FILE.
 *
 * Reads and writes block, as stdio does, inside the read and write slots: fine for files and tools. Open a file in
 * binary mode, so that its bytes are what is streamed. Where the host wants every read to go straight to the system,
 * it calls setvbuf(file, NULL, _IONBF, 0) first; chunks are large enough for that.
 *
 * An error carries the errno that the C library left (cst_status_os), EIO where it left none.
 *
 * Signals stay the host's. Where the system has SIGPIPE and SIGXFSZ, a write to a pipe that nobody reads, or beyond the
 * process's limit on file sizes, ends a process that neither ignores nor handles them. If it does, the stream gets the
 * error, EPIPE or EFBIG. The streams of libcstream-posix do not let either signal reach the process.
 */
#ifndef CSTREAM_STDIO_H
#define CSTREAM_STDIO_H

#include <stdio.h>

#include "duplex.h"

/** Whether the stream closes the file. Owned: fclose in its destroy slot, or at once where the constructor fails. */
typedef enum cst_file_ownership { CST_FILE_BORROWED, CST_FILE_OWNED } cst_file_ownership;

/**
 * A readable that reads file from where it stands to its end, in chunks of at most the highWaterMark (64 KiB where that is 0), then EOF. A read
 * error destroys it with the errno; what was read before the error is pushed first. Node: fs.createReadStream.
 *
 * As the constructors in stream.h; CST_E_INVALID_ARG also where file is NULL, or in object mode.
 */
CST_API cst_status cst_file_source_new(cst_stream **out, cst_ctx *ctx, FILE *file,
                                       cst_file_ownership ownership, const cst_opts *opts);

/**
 * A writable that writes to file and flushes it before 'finish'. A short write, a failed flush or (owned) a failed
 * close after all went well destroys it with the errno. Node: fs.createWriteStream.
 *
 * As cst_file_source_new.
 */
CST_API cst_status cst_file_sink_new(cst_stream **out, cst_ctx *ctx, FILE *file,
                                     cst_file_ownership ownership, const cst_opts *opts);

#endif

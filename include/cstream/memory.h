/*
 * memory.h - bytes in memory as a source, and memory as a sink.
 */
#ifndef CSTREAM_MEMORY_H
#define CSTREAM_MEMORY_H

#include "chain.h"
#include "duplex.h"

/**
 * A readable that gives the bytes of one slice (taken), cut into chunks of its highWaterMark (64 KiB where that is 0), without copying; in object
 * mode the whole slice as one message. Then EOF.
 *
 * As the constructors in stream.h.
 */
CST_API cst_status cst_memory_source_new(cst_stream **out, cst_ctx *ctx, cst_slice bytes, const cst_opts *opts);

/**
 * A writable that keeps every chunk written, without copying, at the end of a chain of the caller's, which must outlive
 * the stream. max_bytes bounds it: a chunk that would go beyond fails the stream with CST_E_OUT_OF_RANGE and is not
 * kept; 0 is without bound.
 *
 * As the constructors in stream.h; CST_E_INVALID_ARG also where chain is NULL.
 */
CST_API cst_status cst_memory_sink_new(cst_stream **out, cst_ctx *ctx, cst_chain *chain, size_t max_bytes,
                                       const cst_opts *opts);

#endif

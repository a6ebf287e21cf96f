/*
 * line.h - the line that most benchmarks run: a source, point->count pass-through stages, and a
 * sink that sums up. Its variants:
 *
 *   floor      by hand (floor.h)
 *   direct     calls through function pointers; nothing is queued
 *   push       libcstream; chunks are pushed from outside the source's slot
 *   give       libcstream; the source's slot returns cst_give of its chunk
 *   read       libcstream; the source's slot calls cst_push
 *   late       as give, but the sink completes each write later: each chunk costs one completion
 *              and one run of the context
 *   transform  as give, but the stages are transforms of the user's, which return each chunk
 *
 * In libcstream's variants all chunks are references to one block. All marks are 64 KiB.
 */
#ifndef LINE_H
#define LINE_H

#include <cstream/cstream.h>

#include "bench.h"
#include "floor.h"

/** What the stage's arg of the floor's source points to. The source writes until nothing is left,
 * then ends; the stage's `finished` is called then. */
struct line_floor_source {
    size_t left, bytes;
    bool wanted; /* LINE_READS_LATER: the next stage has room; the host has not written yet */
};
floor_fn line_floor_source;

/** The variants above. bench_handoff and bench_depth print them by the names that bench.h has. */
extern const struct bench_variant line_variants[];
enum {
    LINE_VARIANT_FLOOR,
    LINE_VARIANT_DIRECT,
    LINE_VARIANT_PUSH,
    LINE_VARIANT_GIVE,
    LINE_VARIANT_READ,
    LINE_VARIANT_LATE,
    LINE_VARIANT_TRANSFORM,
    line_variant_count
};

/** How the source produces its chunks: pushed from outside, returned by its slot, pushed by its
 * slot, or pushed by the host after its slot has asked. */
enum line_source { LINE_PUSHED, LINE_GIVES, LINE_READS, LINE_READS_LATER };

/** When the sink completes a write: inside its slot, or later. */
enum line_sink { LINE_AT_ONCE, LINE_LATER };

/** Run a line from its start to its end, by hand or in libcstream, with a context of its own.
 * Return the checksum. source must not be LINE_PUSHED. */
uint64_t line_floor(const struct bench_point *point, enum line_source source, enum line_sink sink);
uint64_t line_run(const struct bench_point *point, enum line_source source, enum line_sink sink);

/** The two ends of a line of libcstream's streams. */
struct line {
    cst_stream *source, *sink;
};

/** The state (self) of a source, and of a sink. */
struct line_source_self {
    const cst_slice *chunk;
    size_t left;
    bool ends;   /* push EOF after the last chunk; else the line stays open */
    bool wanted; /* LINE_READS_LATER: the slot was called; the host has not pushed yet */
};

struct line_sink_self {
    uint64_t sum;
    cst_call call; /* LINE_LATER: the write to complete; its .stream is NULL if there is none */
};

/** Return the table of slots of such a source or sink. */
const cst_ops *line_source_ops(enum line_source kind);
const cst_ops *line_sink_ops(enum line_sink kind);

/** End the program if a call has failed. */
void line_must(cst_status st);

/** Return a new context; a slice over the first bytes of the payload. */
cst_ctx *line_ctx_new(const cst_allocator *allocator);
cst_slice line_chunk(size_t bytes);

/** What a line consists of. */
struct line_spec {
    enum line_source source;
    enum line_sink sink;
    size_t stages;
    bool transforms; /* the stages have a slot, which returns each chunk as it came */
    size_t chunks;   /* how many chunks the source has */
    bool ends;       /* push EOF after the last chunk; else the line stays open */
};

/** Make source, stages and sink in ctx, and pipe them. No task is run. The chunk is borrowed until
 * the source is freed. */
void line_open(struct line *line, cst_ctx *ctx, const cst_slice *chunk,
               const struct line_spec *spec);

/** Do one turn of the host's loop: push a chunk if one was asked for, complete the write under way,
 * run the tasks. Return false if there was nothing to do. */
bool line_turn(const struct line *line);

/** Return the sink's checksum. */
uint64_t line_sum(const struct line *line);

/** Drop the references to both ends. Streams that have not ended are freed with their context. */
void line_close(struct line *line);

#endif

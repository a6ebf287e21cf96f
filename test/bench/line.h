/*
 * line.h - the line: a source, point->count pass-through stages, a sink that sums up; in every
 * variant.
 *
 *   floor  by hand (floor.h)
 *   direct function-pointer calls, nothing queued
 *   push   libcstream, chunks are pushed from outside
 *   give   libcstream, the source's slot hands its chunk back (cst_give)
 *   read   libcstream, the source's slot calls cst_push
 *   late   libcstream as give, and the sink completes each write later: one completion and one run
 *          by the host a chunk
 *   transform  libcstream as give, and the stages are transforms of the user's, which hand each
 *              chunk on
 *
 * All chunks of libcstream's variants are references to one block, all marks are 64 KiB.
 */
#ifndef LINE_H
#define LINE_H

#include <cstream/cstream.h>

#include "bench.h"
#include "floor.h"

/** The floor's source: writes until none is left, then ends; is said to be finished then. The
 * stage's arg. */
struct line_floor_source {
    size_t left, bytes;
    bool wanted; /* LINE_READS_LATER: the next stage has room, and the host has not written yet */
};
floor_fn line_floor_source;

/** The variants above, by the names that bench.h says. */
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

/** How the source comes by its chunks, and when the sink is done with one. */
enum line_source {
    LINE_PUSHED,
    LINE_GIVES,
    LINE_READS,
    LINE_READS_LATER
}; /* the last: pushed by the host, when asked */
enum line_sink { LINE_AT_ONCE, LINE_LATER };

/** A line from its start to its end, by hand and in libcstream, in its own context. Not for
 * LINE_PUSHED. */
uint64_t line_floor(const struct bench_point *point, enum line_source source, enum line_sink sink);
uint64_t line_run(const struct bench_point *point, enum line_source source, enum line_sink sink);

/** A line of libcstream's streams. */
struct line {
    cst_stream *source, *sink;
};

/** Self of a source and of a sink. */
struct line_source_self {
    const cst_slice *chunk;
    size_t left;
    bool ends;   /* EOF after the last; else the line stays open */
    bool wanted; /* LINE_READS_LATER: the slot was called, and the host has not pushed yet */
};

struct line_sink_self {
    uint64_t sum;
    cst_call call; /* LINE_LATER: what is to be completed; .stream is NULL where nothing is */
};

/** The tables. */
const cst_ops *line_source_ops(enum line_source kind);
const cst_ops *line_sink_ops(enum line_sink kind);

/** Ends the program where a call fails. */
void line_must(cst_status st);

/** A context; a slice over bytes of the payload. */
cst_ctx *line_ctx_new(const cst_allocator *allocator);
cst_slice line_chunk(size_t bytes);

/** What a line is made of. */
struct line_spec {
    enum line_source source;
    enum line_sink sink;
    size_t stages;
    bool transforms; /* the stages: with a slot that gives each chunk as it came */
    size_t chunks;   /* that the source has */
    bool ends;       /* EOF after the last; else the line stays open */
};

/** Makes source, stages and sink in ctx and pipes them; no task has run. The chunk is borrowed
 * for as long as the source lives. */
void line_open(struct line *line, cst_ctx *ctx, const cst_slice *chunk,
               const struct line_spec *spec);

/** What one turn of the host's loop does: a chunk that was asked for is pushed, a write under
 * way is completed, tasks are run. False: nothing was left to do. */
bool line_turn(const struct line *line);

/** The sink's checksum. */
uint64_t line_sum(const struct line *line);

/** Drops the references to the line's ends: one that has ended is freed, another goes with its
 * context. */
void line_close(struct line *line);

#endif

/*
 * bench_fanout.c - what a chunk of 1 KiB costs that one source passes to several sinks. The
 * parameter is the number of sinks; ns are per chunk of the source.
 *
 *   floor            by hand: the chunk is counted, and has one node in the queue of each sink
 *   direct           one call through a function pointer for each sink
 *   libcstream-push  chunks are pushed from outside the source's slot
 *   libcstream-give  the source's slot returns cst_give of its chunk
 */
#include <stdlib.h>

#include "line.h"

/* --- by hand ---------------------------------------------------------------------------------- */

struct fan {
    struct floor_stage source;
    struct floor_stage *sinks;
    size_t sink_count, left, bytes;
};

/* Pause the source if a sink is at or above its mark. That sink runs it again, once empty. */

static void look_for_room(struct fan *fan)
{
    for (size_t i = 0; i < fan->sink_count; i++) {
        if (fan->sinks[i].queue.bytes >= fan->sinks[i].mark) {
            fan->sinks[i].flags |= FLOOR_AWAITED;
            fan->source.flags |= FLOOR_PAUSED;
        }
    }
}

static bool write_all(struct fan *fan, struct floor_chunk *chunk)
{
    bool room = true;

    for (size_t i = 0; i < fan->sink_count; i++)
        room &= floor_write(&fan->sinks[i], floor_chunk_share(chunk));
    floor_chunk_unref(chunk);
    return room;
}

static void fan_source(struct floor_stage *source)
{
    struct fan *fan = source->arg;

    source->flags |= FLOOR_BUSY;
    while (fan->left > 0 && !(source->flags & FLOOR_PAUSED)) {
        fan->left--;
        if (!write_all(fan, floor_chunk_new(bench_payload, fan->bytes)))
            look_for_room(fan);
    }
    source->flags &= ~(unsigned)FLOOR_BUSY;
}

static uint64_t run_floor(const struct bench_point *point)
{
    struct fan fan = { .sinks = bench_array(point->count, sizeof(struct floor_stage)),
                       .sink_count = point->count,
                       .left = point->chunks,
                       .bytes = point->bytes };
    uint64_t sum = 0;

    floor_init(&fan.source, fan_source);
    fan.source.arg = &fan;
    for (size_t i = 0; i < fan.sink_count; i++) {
        floor_init(&fan.sinks[i], floor_sink);
        floor_link(&fan.source, &fan.sinks[i]);
    }
    fan.source.process(&fan.source);
    for (size_t i = 0; i < fan.sink_count; i++)
        sum += fan.sinks[i].sum;
    free(fan.sinks);
    return sum;
}

/* --- function pointers ------------------------------------------------------------------------ */

struct direct_sink {
    void (*write)(struct direct_sink *sink, const uint8_t *data, size_t len);
    uint64_t sum;
};

static void direct_write(struct direct_sink *sink, const uint8_t *data, size_t len)
{
    sink->sum = bench_sum(sink->sum, data, len);
}

static uint64_t run_direct(const struct bench_point *point)
{
    struct direct_sink *sinks = bench_array(point->count, sizeof(*sinks));
    uint64_t sum = 0;

    for (size_t i = 0; i < point->count; i++)
        sinks[i].write = direct_write;
    for (size_t n = 0; n < point->chunks; n++)
        for (size_t i = 0; i < point->count; i++)
            sinks[i].write(&sinks[i], bench_payload, point->bytes);
    for (size_t i = 0; i < point->count; i++)
        sum += sinks[i].sum;
    free(sinks);
    return sum;
}

/* --- libcstream ------------------------------------------------------------------------------- */

static uint64_t run_fan(const struct bench_point *point, enum line_source kind)
{
    const cst_opts opts = { .high_water_mark = floor_mark_bytes };
    cst_ctx *ctx = line_ctx_new(NULL);
    cst_slice chunk = line_chunk(point->bytes);
    const struct line_source_self self = { .chunk = &chunk, .left = point->chunks };
    cst_stream **sinks = bench_array(point->count, sizeof(cst_stream *));
    cst_stream *source;
    uint64_t sum = 0;

    line_must(cst_readable_new(&source, ctx, line_source_ops(kind), &self, &opts));
    for (size_t i = 0; i < point->count; i++) {
        line_must(cst_writable_new(&sinks[i], ctx, line_sink_ops(LINE_AT_ONCE), NULL, &opts));
        line_must(cst_pipe(source, sinks[i], NULL));
    }
    line_must(cst_ctx_run(ctx, NULL));
    for (size_t n = 0; n < point->chunks && kind == LINE_PUSHED; n++)
        cst_push(source, cst_slice_ref(&chunk));
    for (size_t i = 0; i < point->count; i++)
        sum += ((const struct line_sink_self *)cst_stream_self(sinks[i]))->sum;
    line_must(cst_ctx_free(ctx));
    cst_slice_unref(&chunk);
    free(sinks);
    return sum;
}

static uint64_t run_push(const struct bench_point *point)
{
    return run_fan(point, LINE_PUSHED);
}

static uint64_t run_give(const struct bench_point *point)
{
    return run_fan(point, LINE_GIVES);
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = { { "floor", run_floor },
                                                     { "direct", run_direct },
                                                     { "libcstream-push", run_push },
                                                     { "libcstream-give", run_give } };
    static const struct bench_point points[] = {
        { .chunks = 100000, .bytes = 1024, .count = 1 },
        { .chunks = 100000, .bytes = 1024, .count = 2 },
        { .chunks = 50000, .bytes = 1024, .count = 4 },
        { .chunks = 25000, .bytes = 1024, .count = 8 },
        { .chunks = 12500, .bytes = 1024, .count = 16 },
    };
    static const struct bench_workload workload = {
        .name = "fanout",
        .parameter = BENCH_COUNT,
        .variants = variants,
        .variant_count = BENCH_COUNT_OF(variants),
        .points = points,
        .point_count = BENCH_COUNT_OF(points),
    };

    return bench_main(argc, argv, &workload, 1);
}

/*
 * bench_gather.c - what a write of 64 bytes costs that is gathered with others into one call of the
 * sink. The parameter is how many are gathered; ns are per write.
 *
 *   floor                   by hand: memcpy to the end of a buffer, which is then flushed
 *   floor-copy-iovec        by hand: memcpy likewise, and an array with the place of each write
 *   floor-iovec             by hand: the array alone
 *   libcstream-cork         cork, the writes, uncork; each is a part of one block, not copied
 *   libcstream-queued       the writes queue behind the one under way, which the host completes
 *   libcstream-copy         as cork, but each write is copied (cst_write_copy)
 *   libcstream-copy-queued  as queued, but each write is copied
 *
 * A sink with writev is told where each write is. So compare the copying variants with
 * floor-copy-iovec.
 */
#include <stdlib.h>
#include <string.h>

#include "line.h"

/* Return where the bytes of the n-th write are. */
static size_t offset_of(const struct bench_point *point, size_t n)
{
    return n * point->bytes % bench_payload_size;
}

/* --- by hand ---------------------------------------------------------------------------------- */

typedef void flush_fn(uint64_t *sum, const uint8_t *data, size_t len);

static void flush_sum(uint64_t *sum, const uint8_t *data, size_t len)
{
    *sum = bench_sum(*sum, data, len);
}

struct append_buffer {
    uint8_t *data;
    size_t len, cap;
    flush_fn *flush;
    uint64_t sum;
};

static void buffer_flush(struct append_buffer *buffer)
{
    buffer->flush(&buffer->sum, buffer->data, buffer->len);
    buffer->len = 0;
}

static void buffer_append(struct append_buffer *buffer, const uint8_t *data, size_t len)
{
    if (buffer->cap - buffer->len < len)
        buffer_flush(buffer);
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
}

static uint64_t run_floor(const struct bench_point *point)
{
    struct append_buffer buffer = { .cap = point->count * point->bytes, .flush = flush_sum };

    buffer.data = bench_array(point->count, point->bytes);
    for (size_t n = 0; n < point->chunks; n += point->count) {
        for (size_t i = n; i < n + point->count; i++)
            buffer_append(&buffer, bench_payload + offset_of(point, i), point->bytes);
        buffer_flush(&buffer);
    }
    free(buffer.data);
    return buffer.sum;
}

struct part {
    const uint8_t *data;
    size_t len;
};

typedef void flush_parts_fn(uint64_t *sum, const struct part *parts, size_t count);

static void flush_parts_sum(uint64_t *sum, const struct part *parts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    *sum = bench_sum(*sum, parts[0].data, len);
}

struct part_list {
    struct part *parts;
    size_t count, cap;
    flush_parts_fn *flush;
    uint64_t sum;
};

static void list_flush(struct part_list *list)
{
    list->flush(&list->sum, list->parts, list->count);
    list->count = 0;
}

static void list_append(struct part_list *list, const uint8_t *data, size_t len)
{
    if (list->count == list->cap)
        list_flush(list);
    list->parts[list->count++] = (struct part){ data, len };
}

static uint64_t run_floor_iovec(const struct bench_point *point)
{
    struct part_list list = { .cap = point->count, .flush = flush_parts_sum };

    list.parts = bench_array(point->count, sizeof(*list.parts));
    for (size_t n = 0; n < point->chunks; n += point->count) {
        for (size_t i = n; i < n + point->count; i++)
            list_append(&list, bench_payload + offset_of(point, i), point->bytes);
        list_flush(&list);
    }
    free(list.parts);
    return list.sum;
}

static uint64_t run_floor_copy_iovec(const struct bench_point *point)
{
    struct append_buffer buffer = { .cap = point->count * point->bytes, .flush = flush_sum };
    struct part_list list = { .cap = point->count, .flush = flush_parts_sum };

    buffer.data = bench_array(point->count, point->bytes);
    list.parts = bench_array(point->count, sizeof(*list.parts));
    for (size_t n = 0; n < point->chunks; n += point->count) {
        for (size_t i = n; i < n + point->count; i++) {
            buffer_append(&buffer, bench_payload + offset_of(point, i), point->bytes);
            list_append(&list, buffer.data + buffer.len - point->bytes, point->bytes);
        }
        list_flush(&list);
        buffer.len = 0;
    }
    free(list.parts);
    free(buffer.data);
    return list.sum;
}

/* --- libcstream ------------------------------------------------------------------------------- */

static void gather(struct line_sink_self *sink, const cst_slice *chunks, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += chunks[i].len;
    sink->sum = bench_sum(sink->sum, chunks[0].data, len);
}

static cst_status writev_at_once(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    (void)s;
    gather(self, chunks, count);
    return CST_OK;
}

static cst_status writev_later(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct line_sink_self *sink = self;

    gather(sink, chunks, count);
    sink->call = cst_this_call(s);
    return CST_PENDING;
}

static const cst_ops at_once_ops = { .name = "sink",
                                     .self_size = sizeof(struct line_sink_self),
                                     .writev = writev_at_once };
static const cst_ops later_ops = { .name = "sink",
                                   .self_size = sizeof(struct line_sink_self),
                                   .writev = writev_later };

struct gatherer {
    cst_ctx *ctx;
    cst_stream *sink;
    cst_slice block;
};

static struct gatherer open_gatherer(const cst_ops *ops)
{
    const cst_opts opts = { .high_water_mark = 1 << 20 };
    struct gatherer g = { .ctx = line_ctx_new(NULL), .block = line_chunk(bench_payload_size) };

    line_must(cst_writable_new(&g.sink, g.ctx, ops, NULL, &opts));
    return g;
}

static uint64_t close_gatherer(struct gatherer *g)
{
    uint64_t sum = ((const struct line_sink_self *)cst_stream_self(g->sink))->sum;

    line_must(cst_ctx_free(g->ctx));
    cst_slice_unref(&g->block);
    return sum;
}

/* Write point->count parts, beginning with the n-th. */
static void write_parts(struct gatherer *g, const struct bench_point *point, size_t n)
{
    for (size_t i = n; i < n + point->count; i++)
        cst_write(g->sink, cst_slice_sub(&g->block, offset_of(point, i), point->bytes), NULL, NULL);
}

static void write_copies(struct gatherer *g, const struct bench_point *point, size_t n)
{
    for (size_t i = n; i < n + point->count; i++)
        cst_write_copy(g->sink, bench_payload + offset_of(point, i), point->bytes, NULL, NULL);
}

typedef void write_fn(struct gatherer *g, const struct bench_point *point, size_t n);

static uint64_t run_corked(const struct bench_point *point, write_fn *write)
{
    struct gatherer g = open_gatherer(&at_once_ops);

    for (size_t n = 0; n < point->chunks; n += point->count) {
        cst_cork(g.sink);
        write(&g, point, n);
        cst_uncork(g.sink);
        line_must(cst_ctx_run(g.ctx, NULL));
    }
    return close_gatherer(&g);
}

static void complete(struct gatherer *g)
{
    struct line_sink_self *sink = cst_stream_self(g->sink);

    cst_complete(sink->call, CST_OK);
    line_must(cst_ctx_run(g->ctx, NULL));
}

/* Cork the first batch, so that all batches have the same number of writes. */
static uint64_t run_waiting(const struct bench_point *point, write_fn *write)
{
    struct gatherer g = open_gatherer(&later_ops);

    cst_cork(g.sink);
    write(&g, point, 0);
    cst_uncork(g.sink);
    for (size_t n = point->count; n < point->chunks; n += point->count) {
        write(&g, point, n);
        complete(&g);
    }
    complete(&g);
    return close_gatherer(&g);
}

static uint64_t run_cork(const struct bench_point *point)
{
    return run_corked(point, write_parts);
}

static uint64_t run_queued(const struct bench_point *point)
{
    return run_waiting(point, write_parts);
}

static uint64_t run_copy(const struct bench_point *point)
{
    return run_corked(point, write_copies);
}

static uint64_t run_copy_queued(const struct bench_point *point)
{
    return run_waiting(point, write_copies);
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = { { "floor", run_floor },
                                                     { "floor-copy-iovec", run_floor_copy_iovec },
                                                     { "floor-iovec", run_floor_iovec },
                                                     { "libcstream-cork", run_cork },
                                                     { "libcstream-queued", run_queued },
                                                     { "libcstream-copy", run_copy },
                                                     { "libcstream-copy-queued",
                                                       run_copy_queued } };
    static const struct bench_point points[] = {
        { .chunks = 1 << 17, .bytes = 64, .count = 4 },
        { .chunks = 1 << 17, .bytes = 64, .count = 16 },
        { .chunks = 1 << 17, .bytes = 64, .count = 64 },
        { .chunks = 1 << 17, .bytes = 64, .count = 256 },
        { .chunks = 1 << 17, .bytes = 64, .count = 1024 },
    };
    static const struct bench_workload workload = {
        .name = "gather",
        .parameter = BENCH_COUNT,
        .variants = variants,
        .variant_count = BENCH_COUNT_OF(variants),
        .points = points,
        .point_count = BENCH_COUNT_OF(points),
    };

    return bench_main(argc, argv, &workload, 1);
}

/*
 * bench_allocations.c - how often steady flow allocates memory: calls of the allocator in a million
 * chunks of 1 KiB, printed in the column of the ns. A tenth as many chunks are run before, and not
 * counted. There is one pass-through; the variants say how source and sink answer (sync-async: the
 * source at once, the sink later). In -buf the source fills a new cst_buf of the context for each
 * chunk; in the others all chunks are references to one block. The floor takes its chunks from a
 * free list.
 */
#include "heap_count.h"
#include "line.h"

static cst_status give_buf(cst_stream *s, void *self, size_t size)
{
    struct line_source_self *source = self;
    cst_buf buf;

    (void)size;
    if (source->left == 0)
        return CST_OK;
    source->left--;
    line_must(cst_buf_new_cached(&buf, cst_stream_ctx(s), source->chunk->len));
    buf.data[0] = bench_payload[0];
    return cst_give(s, cst_buf_freeze(&buf, source->chunk->len));
}

static const cst_ops buf_source_ops = { .name = "source",
                                        .self_size = sizeof(struct line_source_self),
                                        .read = give_buf };

/* Return how often the allocator is called to make a line, run this many chunks, and free it. */
static size_t calls_for(size_t chunks, const cst_ops *source_ops, enum line_sink sink_kind)
{
    const cst_opts opts = { .high_water_mark = floor_mark_bytes };
    struct heap_count heap;
    cst_slice chunk = line_chunk(1024);
    const struct line_source_self self = { .chunk = &chunk, .left = chunks };
    struct line line;
    cst_stream *stage;
    cst_ctx *ctx;

    heap_count_init(&heap);
    ctx = line_ctx_new(&heap.allocator);
    line_must(cst_readable_new(&line.source, ctx, source_ops, &self, &opts));
    line_must(cst_passthrough_new(&stage, ctx, &opts));
    line_must(cst_writable_new(&line.sink, ctx, line_sink_ops(sink_kind), NULL, &opts));
    line_must(cst_pipe(line.source, stage, NULL));
    line_must(cst_pipe(stage, line.sink, NULL));
    line_must(cst_ctx_run(ctx, NULL));
    while (line_turn(&line))
        continue;
    line_must(cst_ctx_free(ctx));
    cst_slice_unref(&chunk);
    return heap.calls;
}

static void print_allocations(const struct bench_workload *w, const struct bench_effort *effort)
{
    const size_t chunks = effort->quick ? 10000 : 1000000, before = chunks / 10;
    const struct {
        const char *name;
        const cst_ops *source;
        enum line_sink sink;
    } cases[] = {
        { "libcstream-sync-sync", line_source_ops(LINE_GIVES), LINE_AT_ONCE },
        { "libcstream-sync-async", line_source_ops(LINE_GIVES), LINE_LATER },
        { "libcstream-async-sync", line_source_ops(LINE_READS_LATER), LINE_AT_ONCE },
        { "libcstream-async-async", line_source_ops(LINE_READS_LATER), LINE_LATER },
        { "libcstream-buf-sync", &buf_source_ops, LINE_AT_ONCE },
        { "libcstream-buf-async", &buf_source_ops, LINE_LATER },
    };

    bench_print(w->name, "floor", 1024, 0, 0);
    for (size_t i = 0; i < BENCH_COUNT_OF(cases); i++) {
        size_t first = calls_for(before, cases[i].source, cases[i].sink);
        size_t all = calls_for(before + chunks, cases[i].source, cases[i].sink);

        bench_print(w->name, cases[i].name, 1024,
                    ((double)all - (double)first) * 1e6 / (double)chunks, 0);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_workload workload = { .name = "allocations",
                                                    .print = print_allocations };

    return bench_main(argc, argv, &workload, 1);
}

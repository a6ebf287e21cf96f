/*
 * bench_handoff.c - what a chunk costs on its way from a source through pass-through stages into a sink.
 *
 *   floor       the same by hand: a small intrusive queue between the stages, chunks handed over by reference
 *   direct      function-pointer calls, nothing queued
 *   push        libcstream, pushed from outside
 *   give        libcstream, the source's slot hands its chunk back
 *   read        libcstream, the source's slot calls push
 *   late        libcstream as push, the sink completes each write later
 *
 * The parameter is the number of stages between source and sink (workload depth), or bytes a chunk (handoff).
 */
#include <cstream/cstream.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static unsigned char payload[65536];

static void sum_up(uint64_t *sum, const uint8_t *data, size_t len)
{
    *sum = *sum * 31 + len + data[0];
}

/* --- by hand ---------------------------------------------------------------------------------------------------------- */

struct node {
    struct node *next;
    const uint8_t *data;
    size_t len;
    unsigned refs;
};

struct queue {
    struct node *first, **last;
    size_t bytes, mark;
};

struct hand_stage {
    struct queue queue;
    void (*process)(struct hand_stage *stage);
    struct hand_stage *next;
    uint64_t sum;
    int full;
};

static struct node *free_nodes;

static void queue_put(struct queue *q, struct node *n)
{
    n->next = NULL;
    *q->last = n;
    q->last = &n->next;
    q->bytes += n->len;
}

static struct node *queue_take(struct queue *q)
{
    struct node *n = q->first;

    if (!n)
        return NULL;
    q->first = n->next;
    if (!q->first)
        q->last = &q->first;
    q->bytes -= n->len;
    return n;
}

static void node_unref(struct node *n)
{
    if (--n->refs == 0) {
        n->next = free_nodes;
        free_nodes = n;
    }
}

static void pass_process(struct hand_stage *stage)
{
    struct node *n;

    while ((n = queue_take(&stage->queue)) != NULL) {
        queue_put(&stage->next->queue, n);
        stage->full = stage->next->queue.bytes >= stage->next->queue.mark;
        stage->next->process(stage->next);
    }
}

static void sink_process(struct hand_stage *stage)
{
    struct node *n;

    while ((n = queue_take(&stage->queue)) != NULL) {
        sum_up(&stage->sum, n->data, n->len);
        node_unref(n);
    }
}

static struct node *hand_chunk(size_t bytes)
{
    struct node *n = free_nodes;

    if (n)
        free_nodes = n->next;
    else if (!(n = malloc(sizeof(*n))))
        exit(1);
    n->data = payload;
    n->len = bytes;
    n->refs = 1;
    return n;
}

static uint64_t run_floor(size_t chunks, size_t bytes, size_t stages)
{
    struct hand_stage *stage = calloc(stages + 1, sizeof(*stage));
    uint64_t sum;

    if (!stage)
        exit(1);
    for (size_t i = 0; i <= stages; i++) {
        stage[i].queue.last = &stage[i].queue.first;
        stage[i].queue.mark = 65536;
        stage[i].process = i < stages ? pass_process : sink_process;
        stage[i].next = &stage[i + 1];
    }
    for (size_t i = 0; i < chunks; i++) {
        queue_put(&stage[0].queue, hand_chunk(bytes));
        stage[0].process(&stage[0]);
    }
    sum = stage[stages].sum;
    free(stage);
    return sum;
}

struct direct_stage {
    void (*write)(struct direct_stage *stage, const uint8_t *data, size_t len);
    struct direct_stage *next;
    uint64_t sum;
};

static void direct_pass(struct direct_stage *stage, const uint8_t *data, size_t len)
{
    stage->next->write(stage->next, data, len);
}

static void direct_sink(struct direct_stage *stage, const uint8_t *data, size_t len)
{
    sum_up(&stage->sum, data, len);
}

static uint64_t run_direct(size_t chunks, size_t bytes, size_t stages)
{
    struct direct_stage *stage = calloc(stages + 1, sizeof(*stage));
    uint64_t sum;

    if (!stage)
        exit(1);
    for (size_t i = 0; i <= stages; i++) {
        stage[i].write = i < stages ? direct_pass : direct_sink;
        stage[i].next = &stage[i + 1];
    }
    for (size_t i = 0; i < chunks; i++)
        stage[0].write(&stage[0], payload, bytes);
    sum = stage[stages].sum;
    free(stage);
    return sum;
}

/* --- libcstream ------------------------------------------------------------------------------------------------------- */

struct source {
    cst_slice chunk;
    size_t left;
};

struct sink {
    uint64_t sum;
    cst_call call;
};

static cst_status source_give(cst_stream *s, void *self, size_t size)
{
    struct source *source = self;

    (void)size;
    if (source->left == 0)
        return CST_OK;
    source->left--;
    return cst_give(s, cst_slice_ref(&source->chunk));
}

static cst_status source_push(cst_stream *s, void *self, size_t size)
{
    struct source *source = self;

    (void)size;
    if (source->left == 0)
        return CST_OK;
    source->left--;
    cst_push(s, cst_slice_ref(&source->chunk));
    return CST_OK;
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct sink *sink = self;

    (void)s;
    sum_up(&sink->sum, chunk->data, chunk->len);
    return CST_OK;
}

static cst_status sink_write_late(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct sink *sink = self;

    sum_up(&sink->sum, chunk->data, chunk->len);
    sink->call = cst_this_call(s);
    return CST_PENDING;
}

static const cst_ops push_source_ops = { .name = "source" };
static const cst_ops give_source_ops = { .name = "source",
                                         .self_size = sizeof(struct source),
                                         .read = source_give };
static const cst_ops read_source_ops = { .name = "source",
                                         .self_size = sizeof(struct source),
                                         .read = source_push };
static const cst_ops sink_ops = { .name = "sink",
                                  .self_size = sizeof(struct sink),
                                  .write = sink_write };
static const cst_ops late_ops = { .name = "sink",
                                  .self_size = sizeof(struct sink),
                                  .write = sink_write_late };

struct line {
    cst_ctx *ctx;
    cst_stream *source, *sink;
    cst_slice chunk;
};

static void must(cst_status st)
{
    if (st < 0) {
        fprintf(stderr, "bench_handoff: %s\n", cst_status_name(st));
        exit(1);
    }
}

static void open_line(struct line *line, const cst_ops *source_ops, const cst_ops *the_sink,
                      size_t chunks, size_t bytes, size_t stages)
{
    const cst_opts opts = { .high_water_mark = 65536 };
    struct source source = { .left = chunks };
    cst_stream *last;

    must(cst_ctx_new(&line->ctx, cst_allocator_malloc(), NULL));
    must(cst_slice_foreign(&line->chunk, cst_allocator_malloc(), payload, bytes, NULL, NULL));
    source.chunk = line->chunk;
    must(cst_readable_new(&line->source, line->ctx, source_ops, &source, &opts));
    must(cst_writable_new(&line->sink, line->ctx, the_sink, NULL, &opts));
    last = line->source;
    for (size_t i = 0; i < stages; i++) {
        cst_stream *stage;

        must(cst_passthrough_new(&stage, line->ctx, &opts));
        must(cst_pipe(last, stage, NULL));
        last = stage;
    }
    must(cst_pipe(last, line->sink, NULL));
    must(cst_ctx_run(line->ctx, NULL));
}

static uint64_t close_line(struct line *line)
{
    uint64_t sum = ((struct sink *)cst_stream_self(line->sink))->sum;

    must(cst_ctx_free(line->ctx));
    cst_slice_unref(&line->chunk);
    return sum;
}

static uint64_t run_push(size_t chunks, size_t bytes, size_t stages)
{
    struct line line;

    open_line(&line, &push_source_ops, &sink_ops, chunks, bytes, stages);
    for (size_t i = 0; i < chunks; i++)
        cst_push(line.source, cst_slice_ref(&line.chunk));
    must(cst_ctx_run(line.ctx, NULL));
    return close_line(&line);
}

static uint64_t run_give(size_t chunks, size_t bytes, size_t stages)
{
    struct line line;

    open_line(&line, &give_source_ops, &sink_ops, chunks, bytes, stages);
    return close_line(&line);
}

static uint64_t run_read(size_t chunks, size_t bytes, size_t stages)
{
    struct line line;

    open_line(&line, &read_source_ops, &sink_ops, chunks, bytes, stages);
    return close_line(&line);
}

static uint64_t run_late(size_t chunks, size_t bytes, size_t stages)
{
    struct line line;
    struct sink *sink;

    open_line(&line, &give_source_ops, &late_ops, chunks, bytes, stages);
    sink = cst_stream_self(line.sink);
    while (sink->call.stream) {
        cst_call call = sink->call;

        sink->call.stream = NULL;
        cst_complete(call, CST_OK);
        must(cst_ctx_run(line.ctx, NULL));
    }
    return close_line(&line);
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = {
        { "floor", run_floor },          { "direct", run_direct },
        { "libcstream-push", run_push }, { "libcstream-give", run_give },
        { "libcstream-read", run_read }, { "libcstream-late", run_late },
    };
    const size_t count = sizeof(variants) / sizeof(variants[0]);

    if (bench_once(argc, argv, variants, count, 1024))
        return 0;
    for (size_t stages = 1; stages <= 32; stages *= 2)
        bench_run(&(struct bench_case){ "depth", stages, 400000 / (stages + 3), 1024 }, variants,
                  count);
    return 0;
}

/* line.c - see line.h. */
#include "line.h"

#include <stdlib.h>

/* --- by hand ---------------------------------------------------------------------------------- */

void line_floor_source(struct floor_stage *stage)
{
    struct line_floor_source *source = stage->arg;

    stage->flags |= FLOOR_BUSY;
    while (source->left > 0 && !(stage->flags & FLOOR_PAUSED)) {
        source->left--;
        if (!floor_write(stage->next, floor_chunk_new(bench_payload, source->bytes)))
            stage->flags |= FLOOR_PAUSED;
    }
    stage->flags &= ~(unsigned)FLOOR_BUSY;
    if (source->left == 0) {
        stage->flags |= FLOOR_ENDED;
        floor_emptied(stage);
    }
}

static void floor_late_source(struct floor_stage *stage)
{
    struct line_floor_source *source = stage->arg;

    source->wanted = source->left > 0;
    if (source->left == 0)
        floor_end(stage->next);
}

/* Do one turn of the floor's line, as line_turn does for a line of libcstream. */
static bool floor_turn(struct floor_stage *first, struct floor_stage *sink, bool late)
{
    struct line_floor_source *source = first->arg;
    bool complete = late && (sink->flags & FLOOR_BUSY), push = source->wanted;

    if (push) {
        source->wanted = false;
        source->left--;
        if (floor_write(first->next, floor_chunk_new(bench_payload, source->bytes)))
            first->process(first);
        else
            first->flags |= FLOOR_PAUSED;
    }
    if (complete)
        floor_complete(sink);
    return push || complete;
}

uint64_t line_floor(const struct bench_point *point, enum line_source from, enum line_sink to)
{
    struct line_floor_source source = { .left = point->chunks, .bytes = point->bytes };
    struct floor_stage *stages = bench_array(point->count + 2, sizeof(*stages));
    const size_t sink = point->count + 1;
    uint64_t sum;

    for (size_t i = 0; i <= sink; i++)
        floor_init(&stages[i], floor_pass);
    stages[0].process = from == LINE_READS_LATER ? floor_late_source : line_floor_source;
    stages[sink].process = to == LINE_LATER ? floor_late_sink : floor_sink;
    for (size_t i = 0; i < sink; i++)
        floor_link(&stages[i], &stages[i + 1]);
    stages[0].arg = &source;
    stages[0].process(&stages[0]);
    while (floor_turn(&stages[0], &stages[sink], to == LINE_LATER))
        continue;
    sum = stages[sink].sum;
    free(stages);
    return sum;
}

static uint64_t run_floor(const struct bench_point *point)
{
    return line_floor(point, LINE_GIVES, LINE_AT_ONCE);
}

/* --- function pointers ------------------------------------------------------------------------ */

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
    stage->sum = bench_sum(stage->sum, data, len);
}

static uint64_t run_direct(const struct bench_point *point)
{
    struct direct_stage *stages = bench_array(point->count + 1, sizeof(*stages));
    uint64_t sum;

    for (size_t i = 0; i <= point->count; i++)
        stages[i] = (struct direct_stage){ .write = i < point->count ? direct_pass : direct_sink,
                                           .next = &stages[i + 1] };
    for (size_t i = 0; i < point->chunks; i++)
        stages[0].write(&stages[0], bench_payload, point->bytes);
    sum = stages[point->count].sum;
    free(stages);
    return sum;
}

/* --- libcstream ------------------------------------------------------------------------------- */

static cst_status source_end(cst_stream *s, const struct line_source_self *source)
{
    if (source->ends)
        cst_push_eof(s);
    return CST_OK;
}

static cst_status source_give(cst_stream *s, void *self, size_t size)
{
    struct line_source_self *source = self;

    (void)size;
    if (source->left == 0)
        return source_end(s, source);
    source->left--;
    return cst_give(s, cst_slice_ref(source->chunk));
}

static cst_status source_push(cst_stream *s, void *self, size_t size)
{
    struct line_source_self *source = self;

    (void)size;
    if (source->left == 0)
        return source_end(s, source);
    source->left--;
    cst_push(s, cst_slice_ref(source->chunk));
    return CST_OK;
}

static cst_status source_later(cst_stream *s, void *self, size_t size)
{
    struct line_source_self *source = self;

    (void)s;
    (void)size;
    source->wanted = true;
    return CST_OK;
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct line_sink_self *sink = self;

    (void)s;
    sink->sum = bench_sum(sink->sum, chunk->data, chunk->len);
    return CST_OK;
}

static cst_status sink_write_later(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct line_sink_self *sink = self;

    sink->sum = bench_sum(sink->sum, chunk->data, chunk->len);
    sink->call = cst_this_call(s);
    return CST_PENDING;
}

static cst_status stage_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return cst_give(s, cst_slice_ref(chunk));
}

static const cst_ops stage_ops = { .name = "stage", .transform = stage_transform };

const cst_ops *line_source_ops(enum line_source kind)
{
    static const cst_ops ops[] = {
        [LINE_PUSHED] = { .name = "source", .self_size = sizeof(struct line_source_self) },
        [LINE_GIVES] = { .name = "source",
                         .self_size = sizeof(struct line_source_self),
                         .read = source_give },
        [LINE_READS] = { .name = "source",
                         .self_size = sizeof(struct line_source_self),
                         .read = source_push },
        [LINE_READS_LATER] = { .name = "source",
                               .self_size = sizeof(struct line_source_self),
                               .read = source_later },
    };

    return &ops[kind];
}

const cst_ops *line_sink_ops(enum line_sink kind)
{
    static const cst_ops ops[] = {
        [LINE_AT_ONCE] = { .name = "sink",
                           .self_size = sizeof(struct line_sink_self),
                           .write = sink_write },
        [LINE_LATER] = { .name = "sink",
                         .self_size = sizeof(struct line_sink_self),
                         .write = sink_write_later },
    };

    return &ops[kind];
}

void line_must(cst_status st)
{
    if (st < 0)
        bench_fail(cst_status_name(st));
}

cst_ctx *line_ctx_new(const cst_allocator *allocator)
{
    cst_ctx *ctx;

    line_must(cst_ctx_new(&ctx, allocator ? allocator : cst_allocator_malloc(), NULL));
    return ctx;
}

cst_slice line_chunk(size_t bytes)
{
    cst_slice chunk;

    line_must(cst_slice_foreign(&chunk, cst_allocator_malloc(), bench_payload, bytes, NULL, NULL));
    return chunk;
}

void line_open(struct line *line, cst_ctx *ctx, const cst_slice *chunk,
               const struct line_spec *spec)
{
    const cst_opts opts = { .high_water_mark = 65536 };
    const struct line_source_self self = { .chunk = chunk,
                                           .left = spec->chunks,
                                           .ends = spec->ends };
    cst_stream *last;

    line_must(cst_readable_new(&line->source, ctx, line_source_ops(spec->source), &self, &opts));
    line_must(cst_writable_new(&line->sink, ctx, line_sink_ops(spec->sink), NULL, &opts));
    last = line->source;
    for (size_t i = 0; i < spec->stages; i++) {
        cst_stream *stage;

        line_must(spec->transforms ? cst_transform_new(&stage, ctx, &stage_ops, NULL, &opts)
                                   : cst_passthrough_new(&stage, ctx, &opts));
        line_must(cst_pipe(last, stage, NULL));
        cst_unref(stage);
        last = stage;
    }
    line_must(cst_pipe(last, line->sink, NULL));
}

bool line_turn(const struct line *line)
{
    struct line_source_self *source = cst_stream_self(line->source);
    struct line_sink_self *sink = cst_stream_self(line->sink);
    cst_call call = sink->call;
    bool pushed = source->wanted && source->left > 0;

    if (pushed) {
        source->wanted = false;
        source->left--;
        cst_push(line->source, cst_slice_ref(source->chunk));
    }
    if (call.stream) {
        sink->call.stream = NULL;
        cst_complete(call, CST_OK);
    }
    if (!pushed && !call.stream)
        return false;
    line_must(cst_ctx_run(cst_stream_ctx(line->sink), NULL));
    return true;
}

uint64_t line_sum(const struct line *line)
{
    return ((const struct line_sink_self *)cst_stream_self(line->sink))->sum;
}

void line_close(struct line *line)
{
    cst_unref(line->source);
    cst_unref(line->sink);
}

static uint64_t finish(struct line *line, cst_ctx *ctx, cst_slice *chunk)
{
    uint64_t sum = line_sum(line);

    line_close(line);
    line_must(cst_ctx_free(ctx));
    cst_slice_unref(chunk);
    return sum;
}

static uint64_t run_push(const struct bench_point *point)
{
    cst_ctx *ctx = line_ctx_new(NULL);
    cst_slice chunk = line_chunk(point->bytes);
    struct line line;

    line_open(&line, ctx, &chunk, &(struct line_spec){ .stages = point->count });
    line_must(cst_ctx_run(ctx, NULL));
    for (size_t i = 0; i < point->chunks; i++)
        cst_push(line.source, cst_slice_ref(&chunk));
    line_must(cst_ctx_run(ctx, NULL));
    return finish(&line, ctx, &chunk);
}

static uint64_t run_line(const struct bench_point *point, const struct line_spec *spec)
{
    cst_ctx *ctx = line_ctx_new(NULL);
    cst_slice chunk = line_chunk(point->bytes);
    struct line line;

    line_open(&line, ctx, &chunk, spec);
    line_must(cst_ctx_run(ctx, NULL));
    while (line_turn(&line))
        continue;
    return finish(&line, ctx, &chunk);
}

uint64_t line_run(const struct bench_point *point, enum line_source source, enum line_sink sink)
{
    return run_line(point, &(struct line_spec){ .source = source,
                                                .sink = sink,
                                                .stages = point->count,
                                                .chunks = point->chunks });
}

static uint64_t run_transform(const struct bench_point *point)
{
    return run_line(point, &(struct line_spec){ .source = LINE_GIVES,
                                                .stages = point->count,
                                                .transforms = true,
                                                .chunks = point->chunks });
}

static uint64_t run_give(const struct bench_point *point)
{
    return line_run(point, LINE_GIVES, LINE_AT_ONCE);
}

static uint64_t run_read(const struct bench_point *point)
{
    return line_run(point, LINE_READS, LINE_AT_ONCE);
}

static uint64_t run_late(const struct bench_point *point)
{
    return line_run(point, LINE_GIVES, LINE_LATER);
}

const struct bench_variant line_variants[line_variant_count] = {
    [LINE_VARIANT_FLOOR] = { "floor", run_floor },
    [LINE_VARIANT_DIRECT] = { "direct", run_direct },
    [LINE_VARIANT_PUSH] = { "libcstream-push", run_push },
    [LINE_VARIANT_GIVE] = { "libcstream-give", run_give },
    [LINE_VARIANT_READ] = { "libcstream-read", run_read },
    [LINE_VARIANT_LATE] = { "libcstream-late", run_late },
    [LINE_VARIANT_TRANSFORM] = { "libcstream-transform", run_transform },
};

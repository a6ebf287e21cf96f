/*
 * bench_lifecycle.c - what it costs to make and free streams, and how much memory they take.
 *
 * lifecycle: a trio (source, pass-through, sink) is created, piped, moves 4 chunks, ends, closes
 * and is freed; ns are per trio. The parameter is how many trios are live at once: all are created,
 * then all move and end, then all are freed. If it is 1, they come one after another in a context
 * that is warm.
 *
 *   floor            by hand: three structs from malloc, each with a listener for its end
 *   libcstream-push  trio after trio: chunks and EOF are pushed from outside, the tasks are run
 *   libcstream-give  the source's slot returns the chunks; one run of the context moves all trios
 *
 * bytes: the memory of one trio, printed in the column of the ns. Two numbers of trios are made and
 * their difference is taken, so that the context and the reserves of its pools do not count. The
 * parameter is how many chunks are queued in the trio.
 *
 *   floor                by hand
 *   libcstream           with two pipes and the listeners that they install
 *   libcstream-listened  also with a listener of the user's for 'error' on source and sink
 */
#include <stdlib.h>

#include "heap_count.h"
#include "line.h"

enum { chunks_per_trio = 4 };

/* --- by hand ---------------------------------------------------------------------------------- */

struct floor_trio {
    struct line_floor_source from; /* must be first: the arg of source points to it */
    struct floor_stage *source, *stage, *sink;
    unsigned finished;
};

static void trio_finished(struct floor_stage *stage)
{
    struct floor_trio *trio = stage->arg;

    trio->finished++;
}

static struct floor_stage *hand_stage(floor_fn *process, struct floor_trio *trio)
{
    struct floor_stage *stage = malloc(sizeof(*stage));

    if (!stage)
        bench_fail("no memory");
    floor_init(stage, process);
    stage->arg = trio;
    stage->finished = trio_finished;
    return stage;
}

static void hand_open(struct floor_trio *trio, size_t bytes)
{
    trio->from = (struct line_floor_source){ .left = chunks_per_trio, .bytes = bytes };
    trio->finished = 0;
    trio->source = hand_stage(line_floor_source, trio);
    trio->stage = hand_stage(floor_pass, trio);
    trio->sink = hand_stage(floor_sink, trio);
    floor_link(trio->source, trio->stage);
    floor_link(trio->stage, trio->sink);
}

static uint64_t hand_close(struct floor_trio *trio)
{
    uint64_t sum = trio->sink->sum;

    if (trio->finished != 3)
        bench_fail("a stage of the floor has not finished");
    free(trio->source);
    free(trio->stage);
    free(trio->sink);
    return sum;
}

static uint64_t run_floor(const struct bench_point *point)
{
    struct floor_trio *trios = bench_array(point->count, sizeof(*trios));
    uint64_t sum = 0;

    bench_start_clock();
    for (size_t done = 0; done < point->chunks; done += point->count) {
        for (size_t i = 0; i < point->count; i++)
            hand_open(&trios[i], point->bytes);
        for (size_t i = 0; i < point->count; i++)
            trios[i].source->process(trios[i].source);
        for (size_t i = 0; i < point->count; i++)
            sum += hand_close(&trios[i]);
    }
    bench_stop_clock();
    free(trios);
    return sum;
}

/* --- libcstream ------------------------------------------------------------------------------- */

static void push_all(const struct line *line, const cst_slice *chunk)
{
    cst_ctx *ctx = cst_stream_ctx(line->source);

    line_must(cst_ctx_run(ctx, NULL)); /* start the flow */
    for (int i = 0; i < chunks_per_trio; i++)
        cst_push(line->source, cst_slice_ref(chunk));
    cst_push_eof(line->source);
    line_must(cst_ctx_run(ctx, NULL));
}

static uint64_t close_ended(struct line *line)
{
    uint64_t sum = line_sum(line);

    if (!cst_is_closed(line->source) || !cst_is_closed(line->sink))
        bench_fail("a stream has not closed");
    line_close(line);
    return sum;
}

static uint64_t run_trios(const struct bench_point *point, enum line_source source)
{
    const struct line_spec spec = {
        .source = source, .stages = 1, .chunks = chunks_per_trio, .ends = true
    };
    struct line *lines = bench_array(point->count, sizeof(*lines));
    cst_ctx *ctx = line_ctx_new(NULL);
    cst_slice chunk = line_chunk(point->bytes);
    uint64_t sum = 0;

    bench_start_clock();
    for (size_t done = 0; done < point->chunks; done += point->count) {
        for (size_t i = 0; i < point->count; i++)
            line_open(&lines[i], ctx, &chunk, &spec);
        for (size_t i = 0; i < point->count && source == LINE_PUSHED; i++)
            push_all(&lines[i], &chunk);
        line_must(cst_ctx_run(ctx, NULL));
        for (size_t i = 0; i < point->count; i++)
            sum += close_ended(&lines[i]);
    }
    bench_stop_clock();
    line_must(cst_ctx_free(ctx));
    cst_slice_unref(&chunk);
    free(lines);
    return sum;
}

static uint64_t run_push(const struct bench_point *point)
{
    return run_trios(point, LINE_PUSHED);
}

static uint64_t run_give(const struct bench_point *point)
{
    return run_trios(point, LINE_GIVES);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

struct memory_case {
    size_t queued;
    bool listened;
};

/* Make a line whose sink never answers: one chunk is being written, those after it are queued. */
static void open_idle(struct line *line, cst_ctx *ctx, const cst_slice *chunk,
                      const struct memory_case *what)
{
    const struct line_spec spec = { .sink = LINE_LATER, .stages = 1 };

    line_open(line, ctx, chunk, &spec);
    if (what->listened) {
        line_must(cst_on(line->source, CST_ERROR, on_error, NULL));
        line_must(cst_on(line->sink, CST_ERROR, on_error, NULL));
    }
    line_must(cst_ctx_run(ctx, NULL));
    for (size_t i = 0; what->queued > 0 && i < what->queued + 1; i++)
        cst_push(line->source, cst_slice_ref(chunk));
    line_must(cst_ctx_run(ctx, NULL));
}

/* Return the live bytes of this many trios and their context. */
static size_t bytes_of_trios(size_t count, const struct memory_case *what)
{
    struct heap_count heap;
    cst_slice chunk = line_chunk(1024);
    cst_ctx *ctx;
    struct line line;
    size_t bytes;

    heap_count_init(&heap);
    ctx = line_ctx_new(&heap.allocator);
    for (size_t i = 0; i < count; i++) {
        open_idle(&line, ctx, &chunk, what);
        line_close(&line);
    }
    bytes = heap.live_bytes;
    line_must(cst_ctx_free(ctx));
    cst_slice_unref(&chunk);
    return bytes;
}

static double bytes_a_trio(size_t trios, struct memory_case what)
{
    size_t few = bytes_of_trios(trios, &what), many = bytes_of_trios(trios * 3, &what);

    return (double)(many - few) / (double)(trios * 2);
}

static void print_bytes(const struct bench_workload *w, const struct bench_effort *effort)
{
    const size_t trios = effort->quick ? 100 : 10000;
    const size_t floor_bytes = 3 * sizeof(struct floor_stage) + sizeof(struct line_floor_source);

    for (size_t queued = 0; queued <= chunks_per_trio; queued += chunks_per_trio) {
        bench_print(w->name, "floor", queued,
                    (double)(floor_bytes + queued * sizeof(struct floor_chunk)), 0);
        bench_print(w->name, "libcstream", queued,
                    bytes_a_trio(trios, (struct memory_case){ .queued = queued }), 0);
        bench_print(w->name, "libcstream-listened", queued,
                    bytes_a_trio(trios, (struct memory_case){ queued, true }), 0);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = { { "floor", run_floor },
                                                     { "libcstream-push", run_push },
                                                     { "libcstream-give", run_give } };
    static const struct bench_point points[] = {
        { .chunks = 10000, .bytes = 1024, .count = 1 },
        { .chunks = 100000, .bytes = 1024, .count = 100000 },
    };
    static const struct bench_workload workloads[] = {
        { .name = "lifecycle",
          .parameter = BENCH_COUNT,
          .variants = variants,
          .variant_count = BENCH_COUNT_OF(variants),
          .points = points,
          .point_count = BENCH_COUNT_OF(points) },
        { .name = "bytes", .print = print_bytes },
    };

    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}

/*
 * operators.c - the operators of a Readable: each is a stage, and a pipeline joins them.
 *
 * It prints:
 *
 *     map a
 *     map b
 *     map e
 *     filter a
 *     filter bcd
 *     flatMap a
 *     flatMap b
 *     flatMap c
 *     flatMap d
 *     flatMap e
 *     flatMap f
 *     flatMap g
 *     flatMap h
 *     flatMap i
 *     take a
 *     take bcd
 *     drop efghi
 *     toArray: 3
 *     reduce efghi
 *     some: 1
 *     every: 0
 *     find a
 */
#include "from_node.h"

static cst_status is_short(bool *out, const cst_slice *chunk, void *arg)
{
    (void)arg;
    *out = chunk->len < 4;
    return CST_OK;
}

/* Keep the first byte of each item. */
static cst_status first_byte(cst_slice *out, const cst_slice *chunk, void *arg)
{
    (void)arg;
    *out = cst_slice_sub(chunk, 0, 1);
    return CST_OK;
}

static cst_status each_byte(cst_stream *s, const cst_slice *chunk, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < chunk->len; i++)
        cst_push(s, cst_slice_sub(chunk, i, 1));
    return CST_OK;
}

static cst_status print_each(const cst_slice *chunk, void *arg)
{
    print_chunk(arg, chunk);
    return CST_OK;
}

static cst_status longer(cst_slice *out, const cst_slice *so_far, const cst_slice *chunk, void *arg)
{
    (void)arg;
    *out = cst_slice_ref(chunk->len > so_far->len ? chunk : so_far);
    return CST_OK;
}

static void on_item(const cst_error *error, const cst_slice *item, void *arg)
{
    (void)error;
    if (item)
        print_chunk(arg, item);
}

static void on_answer(const cst_error *error, bool answer, void *arg)
{
    if (!error)
        printf("%s: %d\n", (const char *)arg, answer);
}

/* Join a source of words, a stage (or none) and an end, and run them. */
static void run(cst_ctx *ctx, cst_stream *stage, cst_stream *end)
{
    const cst_slice words[3] = { cst_slice_str("a"), cst_slice_str("bcd"), cst_slice_str("efghi") };
    cst_stream *streams[3] = { NULL, stage, end };

    cst_from_array_new(&streams[0], ctx, words, 3, NULL);
    if (!stage)
        streams[1] = end;
    cst_pipeline(streams, stage ? 3 : 2, NULL, NULL, NULL);
    cst_ctx_run(ctx, NULL);
}

static void stages(cst_ctx *ctx)
{
    cst_stream *s = NULL, *end = NULL;

    /* Node: readable.map(fn) */
    cst_map_new(&s, ctx, NULL, first_byte, NULL);
    /* Node: readable.forEach(fn) */
    cst_for_each_new(&end, ctx, NULL, print_each, NULL, "map");
    run(ctx, s, end);
    /* Node: readable.filter(fn) */
    cst_filter_new(&s, ctx, NULL, is_short, NULL);
    cst_for_each_new(&end, ctx, NULL, print_each, NULL, "filter");
    run(ctx, s, end);
    /* Node: readable.flatMap(fn) */
    cst_flat_map_new(&s, ctx, NULL, each_byte, NULL);
    cst_for_each_new(&end, ctx, NULL, print_each, NULL, "flatMap");
    run(ctx, s, end);
    /* Node: readable.take(2) */
    cst_take_new(&s, ctx, 2, NULL);
    cst_for_each_new(&end, ctx, NULL, print_each, NULL, "take");
    run(ctx, s, end);
    /* Node: readable.drop(2) */
    cst_drop_new(&s, ctx, 2, NULL);
    cst_for_each_new(&end, ctx, NULL, print_each, NULL, "drop");
    run(ctx, s, end);
}

static void ends(cst_ctx *ctx)
{
    cst_stream *end = NULL;
    cst_chain chain;

    cst_chain_init(&chain, cst_ctx_allocator(ctx));
    /* Node: readable.toArray() */
    cst_to_array_new(&end, ctx, &chain, NULL, NULL, NULL);
    run(ctx, NULL, end);
    printf("toArray: %zu\n", cst_chain_count(&chain));
    cst_chain_fini(&chain);
    /* Node: readable.reduce(fn) */
    cst_reduce_new(&end, ctx, NULL, NULL, longer, on_item, "reduce");
    run(ctx, NULL, end);
    /* Node: readable.some(fn) */
    cst_some_new(&end, ctx, NULL, is_short, on_answer, "some");
    run(ctx, NULL, end);
    /* Node: readable.every(fn) */
    cst_every_new(&end, ctx, NULL, is_short, on_answer, "every");
    run(ctx, NULL, end);
    /* Node: readable.find(fn) */
    cst_find_new(&end, ctx, NULL, is_short, on_item, "find");
    run(ctx, NULL, end);
}

int main(void)
{
    cst_ctx *ctx = new_ctx();

    stages(ctx);
    ends(ctx);
    cst_ctx_free(ctx);
    return EXIT_SUCCESS;
}

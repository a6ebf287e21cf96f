/*
 * time.c - timers, immediates and limits; and collecting a whole stream.
 *
 * The clock here is a number: the host tells the time with each turn.
 *
 * It prints:
 *
 *     now 1 ms
 *     tick
 *     immediate
 *     5 ms
 *     buffer came out well
 *     buffer: abc def
 *     text came out well
 *     text: 616263
 *     idle
 */
#include "from_node.h"

#define MS UINT64_C(1000000)

static void on_task(void *arg)
{
    printf("%s\n", (const char *)arg);
}

static void turn(cst_ctx *ctx, uint64_t now_ns)
{
    cst_budget budget = { .now_ns = now_ns };

    cst_ctx_run(ctx, &budget);
}

static void timers(cst_ctx *ctx)
{
    static cst_timer timer, never;
    static cst_task immediate, tick;

    turn(ctx, 1 * MS);
    /* Node: performance.now() */
    uint64_t now_ns = cst_ctx_now_ns(ctx);
    printf("now %d ms\n", (int)(now_ns / MS));
    /* Node: setTimeout(fn, 5, arg) */
    cst_timer_start_in(ctx, &timer, 5 * MS, on_task, "5 ms");
    /* Node: setImmediate(fn, arg) */
    cst_immediate(ctx, &immediate, on_task, "immediate");
    cst_defer(ctx, &tick, on_task, "tick");
    cst_timer_start_in(ctx, &never, 5 * MS, on_task, "never");
    /* Node: clearTimeout(timeout) */
    cst_timer_stop(ctx, &never);
    turn(ctx, 1 * MS);
    turn(ctx, 6 * MS);
}

/* --- stream/consumers: a chain takes all, and is read as one --- */

static void collect(cst_ctx *ctx, cst_stream *const *streams, size_t count, const char *word,
                    cst_chain *chain)
{
    cst_slice all = cst_slice_empty();

    cst_pipeline(streams, count, NULL, on_outcome, (void *)(uintptr_t)word);
    cst_ctx_run(ctx, NULL);
    /* Node: await of what is collected */
    cst_chain_read(&all, chain, cst_chain_bytes(chain));
    printf("%s", word);
    print_chunk(":", &all);
    cst_slice_unref(&all);
}

static void consumers(cst_ctx *ctx)
{
    const cst_slice list[2] = { cst_slice_str("abc"), cst_slice_str(" def") };
    cst_stream *s[3] = { NULL, NULL, NULL };
    cst_chain chain;

    cst_chain_init(&chain, cst_ctx_allocator(ctx));
    cst_from_array_new(&s[0], ctx, list, 2, NULL);
    /* Node: buffer(readable) */
    cst_to_array_new(&s[1], ctx, &chain, NULL, NULL, NULL);
    collect(ctx, s, 2, "buffer", &chain);
    cst_unref(s[0]);
    cst_unref(s[1]);

    cst_memory_source_new(&s[0], ctx, cst_slice_str("abc"), NULL);
    /* Node: text(readable.setEncoding('hex')) */
    cst_to_text_new(&s[1], ctx, CST_HEX, NULL);
    /* Node: buffer(readable), no more than 1 MiB */
    cst_memory_sink_new(&s[2], ctx, &chain, 1 << 20, NULL);
    collect(ctx, s, 3, "text", &chain);
    for (int i = 0; i < 3; i++)
        cst_unref(s[i]);
    cst_chain_fini(&chain);
}

/* --- limits --- */

static void on_idle(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    (void)kind;
    printf("%s\n", (const char *)arg);
    cst_destroy(s, CST_OK);
}

static void limits(cst_ctx *ctx)
{
    cst_timeouts limit = { .idle_ns = 1000 * MS, .fn = on_idle, .arg = "idle" };
    cst_stream *socket = NULL;

    cst_passthrough_new(&socket, ctx, NULL);
    /* Node: socket.setTimeout(1000, fn) */
    cst_set_timeouts(socket, &limit);
    for (uint64_t ms = 6; ms < 2000; ms += 50)
        turn(ctx, ms * MS);
    cst_unref(socket);
}

int main(void)
{
    cst_ctx *ctx = new_ctx();

    timers(ctx);
    consumers(ctx);
    limits(ctx);
    cst_ctx_free(ctx);
    return EXIT_SUCCESS;
}

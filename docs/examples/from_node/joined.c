/*
 * joined.c - several streams: pipe, pipeline, finished, compose, and an AbortSignal for them.
 *
 * It prints:
 *
 *     dest pipe
 *     dest unpipe
 *     dest pipe
 *     sink abc
 *     sink def
 *     dest unpipe
 *     sink abc
 *     sink def
 *     pipeline came out well
 *     pipeline CST_E_ABORT
 *     the writable side came out well
 *     finished came out well
 *     the readable side CST_E_ABORT
 *     composed data through both
 *     aborted: 1
 *     stream error CST_E_ABORT
 */
#include "from_node.h"

static cst_status print_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    print_chunk("sink", chunk);
    return CST_OK;
}

static cst_stream *new_source(cst_ctx *ctx)
{
    cst_stream *r = NULL;

    cst_memory_source_new(&r, ctx, cst_slice_str("abcdef"), &(cst_opts){ .high_water_mark = 3 });
    return r;
}

static cst_stream *new_sink(cst_ctx *ctx)
{
    static const cst_ops ops = { .name = "sink", .write = print_write };
    cst_stream *w = NULL;

    cst_writable_new(&w, ctx, &ops, NULL, NULL);
    return w;
}

static cst_stream *new_pass(cst_ctx *ctx)
{
    cst_stream *p = NULL;

    cst_passthrough_new(&p, ctx, NULL);
    return p;
}

/* --- pipe --- */

static void pipes(cst_ctx *ctx)
{
    cst_stream *source = new_source(ctx), *dest = new_sink(ctx);

    /* Node: dest.on('pipe', fn) */
    cst_on(dest, CST_PIPE, on_event, "dest");
    /* Node: dest.on('unpipe', fn) */
    cst_on(dest, CST_UNPIPE, on_event, "dest");
    /* Node: source.pipe(dest) */
    cst_pipe(source, dest, NULL);
    /* Node: source.unpipe(dest) */
    cst_unpipe(source, dest);
    /* Node: source.pipe(dest, { end: false }) */
    cst_pipe(source, dest, &(cst_pipe_opts){ .no_end = true });
    cst_ctx_run(ctx, NULL);
    /* Node: source.unpipe() */
    cst_unpipe(source, NULL);
    cst_unref(source);
    cst_unref(dest);
}

/* --- pipeline --- */

static void pipelines(cst_ctx *ctx)
{
    cst_stream *streams[] = { new_source(ctx), new_pass(ctx), new_sink(ctx) };
    cst_stream *others[] = { new_source(ctx), new_sink(ctx) };
    cst_abort *signal = NULL;

    cst_abort_new(&signal, ctx);
    /* Node: pipeline(a, b, c, callback) */
    cst_pipeline(streams, 3, NULL, on_outcome, "pipeline");
    cst_ctx_run(ctx, NULL);
    /* Node: pipeline(a, b, { signal, end: false }, callback) */
    cst_pipeline_opts opts = { .signal = signal, .no_end = true };
    cst_pipeline(others, 2, &opts, on_outcome, "pipeline");
    cst_abort_fire(signal);
    cst_ctx_run(ctx, NULL);
    cst_abort_unref(signal);
}

/* --- finished --- */

static void finish(cst_ctx *ctx)
{
    cst_stream *w = new_sink(ctx), *p = new_pass(ctx);
    cst_abort *signal = NULL;

    cst_abort_new(&signal, ctx);
    const cst_finished_opts writable_only = {
        /* Node: readable: false */
        .no_readable = true,
        /* Node: error: false */
        .no_error = true,
    };
    const cst_finished_opts readable_only = {
        /* Node: writable: false */
        .no_writable = true,
        /* Node: signal */
        .signal = signal,
    };

    /* Node: const cleanup = finished(stream, callback) */
    cst_finished(w, NULL, on_outcome, "finished");
    /* Node: finished(stream, { readable: false, error: false }, callback) */
    cst_finished(p, &writable_only, on_outcome, "the writable side");
    /* Node: finished(stream, { writable: false, signal }, callback) */
    cst_finished(p, &readable_only, on_outcome, "the readable side");
    cst_end(w, NULL, NULL);
    cst_end(p, NULL, NULL);
    cst_ctx_run(ctx, NULL);
    cst_abort_fire(signal);
    /* Node: cleanup() */
    cst_finished_cancel(w, on_outcome, "finished");
    cst_abort_unref(signal);
    cst_unref(w);
    cst_unref(p);
}

/* --- compose --- */

static void compositions(cst_ctx *ctx)
{
    cst_stream *stages[] = { new_pass(ctx), new_pass(ctx) };
    cst_stream *d = NULL;

    /* Node: compose(a, b) */
    cst_compose_new(&d, stages, 2, NULL);
    cst_on(d, CST_DATA, on_event, "composed");
    cst_end_with(d, cst_slice_str("through both"), NULL, NULL);
    cst_ctx_run(ctx, NULL);
    cst_unref(d);
}

/* --- AbortController --- */

static void abortion(cst_ctx *ctx)
{
    cst_stream *r = new_pass(ctx);
    cst_abort *controller = NULL;

    /* Node: new AbortController() */
    cst_abort_new(&controller, ctx);
    /* Node: addAbortSignal(controller.signal, stream) */
    cst_abort_attach(controller, r);
    cst_on(r, CST_ERROR, on_event, "stream");
    /* Node: controller.abort() */
    cst_abort_fire(controller);
    /* Node: controller.signal.aborted */
    bool is_aborted = cst_abort_fired(controller);
    printf("aborted: %d\n", is_aborted);
    cst_ctx_run(ctx, NULL);
    cst_abort_unref(controller);
    cst_unref(r);
}

int main(void)
{
    cst_ctx *ctx = new_ctx();

    pipes(ctx);
    pipelines(ctx);
    finish(ctx);
    compositions(ctx);
    abortion(ctx);
    cst_ctx_free(ctx);
    return EXIT_SUCCESS;
}

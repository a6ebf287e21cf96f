/*
 * writable.c - a Writable: making one, writing to it with backpressure, ending it, looking at it.
 *
 * It prints:
 *
 *     write abc
 *     full
 *     needs drain: 1
 *     write def
 *     abc is written: CST_OK
 *     w drain
 *     write last
 *     final
 *     w prefinish
 *     the end: CST_OK
 *     w finish
 *     w close
 *     the end: CST_OK
 *     corked: 1
 *     writev of 2, the first is a
 *     write abc
 *     writable 1, 3 of 65536 bytes, objects 0
 *     ended 1, finished 0, aborted 1, errored CST_USER
 *     w error CST_USER
 */
#include "from_node.h"

/* --- making one --- */

struct printer {
    cst_call call; /* of a write that is not done yet */
    bool is_slow;
};

static cst_status printer_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct printer *printer = self;

    print_chunk("write", chunk);
    if (printer->is_slow) {
        printer->call = cst_this_call(s);
        /* Node: nothing yet, callback() comes later */
        return CST_PENDING;
    }
    /* Node: callback() */
    return CST_OK;
}

static cst_status printer_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    (void)s;
    (void)self;
    printf("writev of %zu, the first is %.*s\n", count, (int)chunks[0].len,
           (const char *)chunks[0].data);
    return CST_OK;
}

static cst_status printer_final(cst_stream *s, void *self)
{
    (void)s;
    (void)self;
    printf("final\n");
    return CST_OK;
}

static const cst_ops printer_ops = {
    .name = "printer",
    .self_size = sizeof(struct printer),
    /* Node: write(chunk, encoding, callback) { } */
    .write = printer_write,
    /* Node: final(callback) { } */
    .final = printer_final,
};

static const cst_ops vector_ops = {
    .name = "vector",
    /* Node: writev(chunks, callback) { } */
    .writev = printer_writev,
};

/* --- writing --- */

static void write_with_backpressure(cst_ctx *ctx)
{
    const struct printer self = { .is_slow = true };
    const cst_opts opts = { .high_water_mark = 4 };
    cst_stream *w = NULL;
    struct printer *printer;

    /* Node: new Writable({ write, highWaterMark: 4 }) */
    cst_writable_new(&w, ctx, &printer_ops, &self, &opts);
    printer = cst_stream_self(w);
    /* Node: writable.on('drain', fn) */
    cst_on(w, CST_DRAIN, on_event, "w");
    /* Node: writable.write(chunk, callback) */
    cst_write(w, cst_slice_str("abc"), on_done, "abc is written:");
    /* Node: if (!writable.write(chunk)) */
    if (cst_write(w, cst_slice_str("def"), NULL, NULL) == CST_FULL)
        printf("full\n");
    /* Node: writable.writableNeedDrain */
    bool needs_drain = cst_writable_need_drain(w);
    printf("needs drain: %d\n", needs_drain);
    /* Node: callback(), later */
    cst_complete(printer->call, CST_OK);
    cst_complete(printer->call, CST_OK);
    cst_ctx_run(ctx, NULL);
    cst_unref(w);
}

/* --- ending --- */

static void end(cst_ctx *ctx)
{
    cst_stream *w = NULL, *v = NULL;

    cst_writable_new(&w, ctx, &printer_ops, NULL, NULL);
    /* Node: writable.on('finish', fn) */
    cst_on(w, CST_FINISH, on_event, "w");
    /* Node: writable.on('prefinish', fn) */
    cst_on(w, CST_PREFINISH, on_event, "w");
    /* Node: writable.on('close', fn) */
    cst_on(w, CST_CLOSE, on_event, "w");
    /* Node: writable.end(chunk, callback) */
    cst_end_with(w, cst_slice_str("last"), on_done, "the end:");
    cst_ctx_run(ctx, NULL);

    cst_writable_new(&v, ctx, &vector_ops, NULL, NULL);
    /* Node: writable.end(callback) */
    cst_end(v, on_done, "the end:");
    cst_ctx_run(ctx, NULL);
    cst_unref(w);
    cst_unref(v);
}

/* --- cork --- */

static void cork(cst_ctx *ctx)
{
    cst_stream *w = NULL;

    cst_writable_new(&w, ctx, &vector_ops, NULL, NULL);
    /* Node: writable.cork() */
    cst_cork(w);
    cst_write(w, cst_slice_str("a"), NULL, NULL);
    cst_write(w, cst_slice_str("b"), NULL, NULL);
    /* Node: writable.writableCorked */
    size_t corks = cst_writable_corked(w);
    printf("corked: %zu\n", corks);
    /* Node: writable.uncork() */
    cst_uncork(w);
    cst_ctx_run(ctx, NULL);
    cst_unref(w);
}

/* --- looking at it --- */

static void look(cst_ctx *ctx)
{
    cst_stream *w = NULL;

    cst_writable_new(&w, ctx, &printer_ops, &(struct printer){ .is_slow = true }, NULL);
    cst_write(w, cst_slice_str("abc"), NULL, NULL);
    /* Node: writable.writable */
    bool is_writable = cst_is_writable(w);
    /* Node: writable.writableLength */
    size_t length = cst_writable_length(w);
    /* Node: writable.writableHighWaterMark */
    size_t mark = cst_writable_high_water_mark(w);
    /* Node: writable.writableObjectMode */
    bool is_object_mode = cst_writable_object_mode(w);
    printf("writable %d, %zu of %zu bytes, objects %d\n", is_writable, length, mark,
           is_object_mode);

    cst_end(w, NULL, NULL);
    /* Node: writable.destroy(error) */
    cst_destroy(w, CST_USER(1));
    /* Node: writable.writableEnded */
    bool is_ended = cst_writable_ended(w);
    /* Node: writable.writableFinished */
    bool is_finished = cst_writable_finished(w);
    /* Node: writable.writableAborted */
    bool is_aborted = cst_writable_aborted(w);
    /* Node: writable.errored.code */
    const char *code = cst_status_name(cst_errored(w)->status);
    printf("ended %d, finished %d, aborted %d, errored %s\n", is_ended, is_finished, is_aborted,
           code);
    /* Node: writable.on('error', fn) */
    cst_on(w, CST_ERROR, on_event, "w");
    cst_ctx_run(ctx, NULL);
    cst_unref(w);
}

int main(void)
{
    cst_ctx *ctx = new_ctx();

    write_with_backpressure(ctx);
    end(ctx);
    cork(ctx);
    look(ctx);
    cst_ctx_free(ctx);
    return EXIT_SUCCESS;
}

/*
 * duplex.c - streams with both sides: Duplex, Transform, PassThrough, pairs; and the options.
 *
 * It prints:
 *
 *     question: a question
 *     duplex data an answer
 *     duplex finish
 *     transform data hello
 *     transform data hello
 *     transform data bye
 *     later data hello
 *     later error CST_USER
 *     pass data hello
 *     b data hello
 *     marks 1024 1024, messages 0 0
 *     marks 0 8, messages 1 0
 *     marks 16 16, messages 1 1
 *     marks 65536 16, messages 0 1
 *     default: 65536
 */
#include "from_node.h"

/* --- Duplex --- */

static cst_status answer_read(cst_stream *s, void *self, size_t size)
{
    (void)self;
    (void)size;
    cst_push(s, cst_slice_str("an answer"));
    cst_push_eof(s);
    return CST_OK;
}

static cst_status question_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    print_chunk("question:", chunk);
    if (chunk->len == 0) {
        /* Node: callback(error) */
        return CST_USER(1);
    }
    return CST_OK;
}

static void duplex(cst_ctx *ctx)
{
    static const cst_ops ops = { .name = "d", .read = answer_read, .write = question_write };
    cst_stream *d = NULL;

    /* Node: new Duplex({ read, write, allowHalfOpen: false }) */
    cst_duplex_new(&d, ctx, &ops, NULL, &(cst_opts){ .no_half_open = true });
    cst_on(d, CST_DATA, on_event, "duplex");
    cst_on(d, CST_FINISH, on_event, "duplex");
    cst_write(d, cst_slice_str("a question"), NULL, NULL);
    cst_ctx_run(ctx, NULL);
    cst_unref(d);
}

/* --- Transform --- */

static cst_status twice(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    /* Node: transform.push(chunk) */
    cst_push(s, cst_slice_ref(chunk));
    /* Node: callback(null, chunk) */
    return cst_give(s, cst_slice_ref(chunk));
}

static cst_status say_bye(cst_stream *s, void *self)
{
    (void)self;
    return cst_give(s, cst_slice_str("bye"));
}

static const cst_ops twice_ops = {
    .name = "twice",
    /* Node: transform(chunk, encoding, callback) { } */
    .transform = twice,
    /* Node: flush(callback) { } */
    .flush = say_bye,
};

static void transform(cst_ctx *ctx)
{
    cst_stream *t = NULL;

    /* Node: new Transform({ transform, flush }) */
    cst_transform_new(&t, ctx, &twice_ops, NULL, NULL);
    cst_on(t, CST_DATA, on_event, "transform");
    cst_end_with(t, cst_slice_str("hello"), NULL, NULL);
    cst_ctx_run(ctx, NULL);
    cst_unref(t);
}

/* --- one that answers later --- */

struct late {
    cst_call call;
    cst_slice chunk;
};

static cst_status keep(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct late *late = self;

    late->call = cst_this_call(s);
    late->chunk = *chunk; /* its bytes stay until the answer */
    return CST_PENDING;
}

static void transform_later(cst_ctx *ctx)
{
    static const cst_ops ops = { .self_size = sizeof(struct late), .transform = keep };
    cst_stream *t = NULL;
    struct late *late;

    cst_transform_new(&t, ctx, &ops, NULL, NULL);
    late = cst_stream_self(t);
    cst_on(t, CST_DATA, on_event, "later");
    cst_write(t, cst_slice_str("hello"), NULL, NULL);
    /* Node: callback(null, chunk), later */
    cst_complete_with(late->call, cst_slice_ref(&late->chunk));
    cst_write(t, cst_slice_str("hello"), NULL, NULL);
    cst_on(t, CST_ERROR, on_event, "later");
    /* Node: callback(error), later */
    cst_complete(late->call, CST_USER(1));
    cst_ctx_run(ctx, NULL);
    cst_unref(t);
}

/* --- PassThrough and duplexPair --- */

static void pass(cst_ctx *ctx)
{
    cst_stream *p = NULL, *a = NULL, *b = NULL;

    /* Node: new PassThrough() */
    cst_passthrough_new(&p, ctx, NULL);
    cst_on(p, CST_DATA, on_event, "pass");
    cst_write(p, cst_slice_str("hello"), NULL, NULL);

    /* Node: const [a, b] = duplexPair() */
    cst_duplex_pair_new(&a, &b, ctx, NULL);
    cst_on(b, CST_DATA, on_event, "b");
    cst_write(a, cst_slice_str("hello"), NULL, NULL);
    cst_ctx_run(ctx, NULL);
    cst_unref(p);
    cst_unref(a);
    cst_unref(b);
}

/* --- options --- */

static void options(cst_ctx *ctx)
{
    cst_opts opts = {
        /* Node: highWaterMark: 1024 */
        .high_water_mark = 1024,
        /* Node: autoDestroy: false */
        .no_auto_destroy = true,
        /* Node: emitClose: false */
        .no_emit_close = true,
        /* Node: allowHalfOpen: false */
        .no_half_open = true,
    };
    cst_opts sides = {
        /* Node: readableHighWaterMark: 0 */
        .readable_high_water_mark = CST_HWM_ZERO,
        /* Node: writableHighWaterMark: 8 */
        .writable_high_water_mark = 8,
        /* Node: readableObjectMode: true */
        .readable_object_mode = true,
    };
    cst_opts odd = {
        /* Node: objectMode: true */
        .object_mode = true,
        /* Node: readable: false */
        .no_readable = true,
    };
    cst_opts others = {
        /* Node: writableObjectMode: true */
        .writable_object_mode = true,
        /* Node: writable: false */
        .no_writable = true,
    };
    const cst_opts *list[] = { &opts, &sides, &odd, &others };

    for (size_t i = 0; i < 4; i++) {
        cst_stream *p = NULL;

        cst_passthrough_new(&p, ctx, list[i]);
        printf("marks %zu %zu, messages %d %d\n", cst_readable_high_water_mark(p),
               cst_writable_high_water_mark(p), cst_readable_object_mode(p),
               cst_writable_object_mode(p));
        cst_unref(p);
    }
    /* Node: getDefaultHighWaterMark(false) */
    size_t mark = cst_ctx_default_high_water_mark(ctx, false);
    printf("default: %zu\n", mark);
    /* Node: setDefaultHighWaterMark(false, 4096) */
    cst_ctx_set_default_high_water_mark(ctx, false, 4096);
}

int main(void)
{
    cst_ctx *ctx = new_ctx();

    duplex(ctx);
    transform(ctx);
    transform_later(ctx);
    pass(ctx);
    options(ctx);
    cst_ctx_free(ctx);
    return EXIT_SUCCESS;
}

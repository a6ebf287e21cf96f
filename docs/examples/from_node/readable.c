/*
 * readable.c - a Readable: making one, reading it in each of its ways, looking at it.
 *
 * It prints:
 *
 *     flow pause
 *     paused: 1
 *     construct
 *     flow resume
 *     flow data one
 *     flow data two
 *     flow data three
 *     flow end
 *     destroy
 *     flow close
 *     construct
 *     read one
 *     read two
 *     read three
 *     destroy
 *     eight bytes: front ba
 *     construct
 *     next one
 *     next two
 *     next three
 *     destroy
 *     after the last: CST_EOF
 *     array data a
 *     array data b
 *     counter data 1
 *     counter data 2
 *     counter data 3
 *     flowing null, 3 of 65536 bytes, objects 0, readable 1, did read 0
 *     ended 0, aborted 1, destroyed 1, closed 1, errored 0
 */
#include "from_node.h"

/* --- making one --- */

struct words {
    const char *const *next;
    bool keeps_errors;
};

/* One word a call, then the end. */
static cst_status words_read(cst_stream *s, void *self, size_t size)
{
    struct words *words = self;

    (void)size;
    if (!*words->next) {
        /* Node: this.push(null) */
        cst_push_eof(s);
        return CST_OK;
    }
    /* Node: this.push(chunk) */
    cst_push(s, cst_slice_str(*words->next++));
    return CST_OK;
}

static cst_status words_construct(cst_stream *s, void *self)
{
    (void)s;
    (void)self;
    printf("construct\n");
    /* Node: callback() */
    return CST_OK;
}

static cst_status words_destroy(cst_stream *s, void *self, const cst_error *error)
{
    const struct words *words = self;

    (void)s;
    (void)error;
    printf("destroy\n");
    if (words->keeps_errors) {
        /* Node: callback(null), in destroy */
        return CST_SWALLOW;
    }
    /* Node: callback(error), in destroy */
    return CST_OK;
}

static const cst_ops words_ops = {
    .name = "words",
    .self_size = sizeof(struct words),
    /* Node: construct(callback) { } */
    .construct = words_construct,
    /* Node: read(size) { } */
    .read = words_read,
    /* Node: destroy(error, callback) { } */
    .destroy = words_destroy,
};

static cst_stream *new_words(cst_ctx *ctx)
{
    static const char *const list[] = { "one", "two", "three", NULL };
    const struct words self = { list, false };
    const cst_opts opts = { .high_water_mark = 4 };
    cst_stream *r = NULL;

    /* Node: new Readable({ read, highWaterMark: 4 }) */
    cst_readable_new(&r, ctx, &words_ops, &self, &opts);
    return r;
}

/* --- flowing --- */

static void flow(cst_ctx *ctx)
{
    cst_stream *r = new_words(ctx);

    /* Node: readable.on('data', fn) */
    cst_on(r, CST_DATA, on_event, "flow");
    /* Node: readable.on('end', fn) */
    cst_on(r, CST_END, on_event, "flow");
    /* Node: readable.on('close', fn) */
    cst_on(r, CST_CLOSE, on_event, "flow");
    /* Node: readable.on('pause', fn) */
    cst_on(r, CST_PAUSE, on_event, "flow");
    /* Node: readable.on('resume', fn) */
    cst_on(r, CST_RESUME, on_event, "flow");
    /* Node: readable.pause() */
    cst_pause(r);
    /* Node: readable.isPaused() */
    bool is_paused = cst_is_paused(r);
    printf("paused: %d\n", is_paused);
    /* Node: readable.resume() */
    cst_resume(r);
    cst_ctx_run(ctx, NULL);
    cst_unref(r);
}

/* --- read() --- */

static void on_readable(cst_stream *r, const cst_event *event, void *arg)
{
    cst_slice chunk;

    (void)event;
    (void)arg;
    /* Node: while ((chunk = readable.read()) !== null) */
    while (cst_read(&chunk, r, CST_READ_ANY) == CST_OK) {
        print_chunk("read", &chunk);
        cst_slice_unref(&chunk);
    }
}

static void read_when_readable(cst_ctx *ctx)
{
    cst_stream *r = new_words(ctx);

    /* Node: readable.on('readable', fn) */
    cst_on(r, CST_READABLE, on_readable, NULL);
    cst_ctx_run(ctx, NULL);
    cst_unref(r);
}

/* Without a read slot: chunks are pushed from outside. */
static const cst_ops pushed_ops = { .name = "pushed" };

static void read_some(cst_ctx *ctx)
{
    cst_stream *r = NULL;
    cst_slice chunk = cst_slice_empty();

    cst_readable_new(&r, ctx, &pushed_ops, NULL, NULL);
    cst_push(r, cst_slice_str("back"));
    /* Node: readable.unshift(chunk) */
    cst_unshift(r, cst_slice_str("front "));
    /* Node: readable.read(8) */
    cst_read(&chunk, r, 8);
    print_chunk("eight bytes:", &chunk);
    cst_slice_unref(&chunk);
    /* Node: readable.read(0) */
    cst_read(NULL, r, 0);
    cst_unref(r);
}

/* --- for await --- */

static void iterate(cst_ctx *ctx)
{
    cst_stream *r = new_words(ctx);
    cst_slice chunk;
    cst_status st;

    /* Node: for await (const chunk of readable) */
    while ((st = cst_next(&chunk, r)) == CST_OK || st == CST_EMPTY) {
        if (st == CST_EMPTY) { /* nothing there now: let the context work, or wait */
            cst_ctx_run(ctx, NULL);
            continue;
        }
        print_chunk("next", &chunk);
        cst_slice_unref(&chunk);
    }
    printf("after the last: %s\n", cst_status_name(st));
    cst_unref(r);
}

/* --- Readable.from --- */

static cst_status count_to_three(cst_slice *out, void *arg)
{
    static const char *const words[] = { "1", "2", "3" };
    int *n = arg;

    if (*n == 3)
        return CST_EOF;
    *out = cst_slice_str(words[(*n)++]);
    return CST_OK;
}

static void from(cst_ctx *ctx)
{
    const cst_slice list[2] = { cst_slice_str("a"), cst_slice_str("b") };
    cst_stream *array = NULL, *counter = NULL;
    int n = 0;

    /* Node: Readable.from(['a', 'b']) */
    cst_from_array_new(&array, ctx, list, 2, NULL);
    /* Node: Readable.from(generator()) */
    cst_from_fn_new(&counter, ctx, NULL, count_to_three, &n);
    cst_on(array, CST_DATA, on_event, "array");
    cst_on(counter, CST_DATA, on_event, "counter");
    cst_ctx_run(ctx, NULL);
    cst_unref(array);
    cst_unref(counter);
}

/* --- looking at it --- */

static const char *flowing_name(cst_flowing flowing)
{
    return flowing == CST_FLOWING_ON ? "true" : flowing == CST_FLOWING_OFF ? "false" : "null";
}

static void look(cst_ctx *ctx)
{
    cst_stream *r = NULL;

    cst_readable_new(&r, ctx, &pushed_ops, NULL, NULL);
    cst_push(r, cst_slice_str("abc"));
    /* Node: readable.readableFlowing */
    cst_flowing flowing = cst_readable_flowing(r);
    /* Node: readable.readableLength */
    size_t length = cst_readable_length(r);
    /* Node: readable.readableHighWaterMark */
    size_t mark = cst_readable_high_water_mark(r);
    /* Node: readable.readableObjectMode */
    bool is_object_mode = cst_readable_object_mode(r);
    /* Node: readable.readable */
    bool is_readable = cst_is_readable(r);
    /* Node: readable.readableDidRead */
    bool did_read = cst_readable_did_read(r);
    printf("flowing %s, %zu of %zu bytes, objects %d, readable %d, did read %d\n",
           flowing_name(flowing), length, mark, is_object_mode, is_readable, did_read);

    /* Node: readable.destroy() */
    cst_destroy(r, CST_OK);
    cst_ctx_run(ctx, NULL);
    /* Node: readable.readableEnded */
    bool is_ended = cst_readable_ended(r);
    /* Node: readable.readableAborted */
    bool is_aborted = cst_readable_aborted(r);
    /* Node: readable.destroyed */
    bool is_destroyed = cst_is_destroyed(r);
    /* Node: readable.closed */
    bool is_closed = cst_is_closed(r);
    /* Node: readable.errored */
    const cst_error *errored = cst_errored(r);
    printf("ended %d, aborted %d, destroyed %d, closed %d, errored %d\n", is_ended, is_aborted,
           is_destroyed, is_closed, errored != NULL);
    cst_unref(r);
}

int main(void)
{
    cst_ctx *ctx = new_ctx();

    flow(ctx);
    read_when_readable(ctx);
    read_some(ctx);
    iterate(ctx);
    from(ctx);
    look(ctx);
    cst_ctx_free(ctx);
    return EXIT_SUCCESS;
}

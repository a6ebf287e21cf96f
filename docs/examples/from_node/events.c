/*
 * events.c - listeners, errors and their codes, and the queue of deferred tasks.
 *
 * It prints:
 *
 *     listeners: 4
 *     first of all finish
 *     in front finish
 *     on finish
 *     CST_E_WRITE_AFTER_END in sink: write after end
 *     an error without a listener: CST_E_UNHANDLED
 *     codes: 14
 *     tick
 *     readable 1, writable 1, errored 0, disturbed 0, sides 1 1
 */
#include "from_node.h"

static cst_status discard(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_OK;
}

static cst_stream *new_sink(cst_ctx *ctx)
{
    static const cst_ops ops = { .name = "sink", .write = discard };
    cst_stream *s = NULL;

    cst_writable_new(&s, ctx, &ops, NULL, NULL);
    return s;
}

/* --- listeners --- */

static void listeners(cst_ctx *ctx)
{
    cst_stream *s = new_sink(ctx);

    /* Node: stream.on('finish', fn) */
    cst_on(s, CST_FINISH, on_event, "on");
    /* Node: stream.once('finish', fn) */
    cst_once(s, CST_FINISH, on_event, "once");
    /* Node: stream.prependListener('finish', fn) */
    cst_prepend(s, CST_FINISH, on_event, "in front");
    /* Node: stream.prependOnceListener('finish', fn) */
    cst_prepend_once(s, CST_FINISH, on_event, "first of all");
    /* Node: stream.listenerCount('finish') */
    size_t count = cst_listener_count(s, CST_FINISH);
    printf("listeners: %zu\n", count);
    /* Node: stream.off('finish', fn) */
    cst_off(s, CST_FINISH, on_event, "once");
    cst_end(s, NULL, NULL);
    cst_ctx_run(ctx, NULL);
    /* Node: stream.removeAllListeners('finish') */
    cst_off_all(s, CST_FINISH);
    cst_unref(s);
}

/* --- errors --- */

static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)arg;
    /* Node: error.code */
    const char *code = cst_status_name(event->error->status);
    /* Node: error.message */
    const char *text = cst_status_text(event->error->status);
    printf("%s in %s: %s\n", code, event->error->stage, text);
}

static void errors(cst_ctx *ctx)
{
    cst_stream *heard = new_sink(ctx), *unheard = new_sink(ctx);
    cst_status st;

    /* Node: stream.on('error', fn) */
    cst_on(heard, CST_ERROR, on_error, NULL);
    cst_end(heard, NULL, NULL);
    cst_write(heard, cst_slice_str("too late"), NULL, NULL);
    cst_ctx_run(ctx, NULL);

    /* Node: stream.destroy(new Error('mine')) */
    cst_destroy(unheard, CST_USER(1));
    /* Node: process.on('uncaughtException', fn) */
    if ((st = cst_ctx_run(ctx, NULL)) == CST_E_UNHANDLED)
        printf("an error without a listener: %s\n", cst_status_name(st));
    cst_unref(heard);
    cst_unref(unheard);
}

static void codes(void)
{
    static const cst_status list[] = {
        /* Node: ERR_STREAM_WRITE_AFTER_END */
        CST_E_WRITE_AFTER_END,
        /* Node: ERR_STREAM_DESTROYED */
        CST_E_DESTROYED,
        /* Node: ERR_STREAM_PREMATURE_CLOSE */
        CST_E_PREMATURE_CLOSE,
        /* Node: ERR_STREAM_PUSH_AFTER_EOF */
        CST_E_PUSH_AFTER_EOF,
        /* Node: ERR_STREAM_UNSHIFT_AFTER_END_EVENT */
        CST_E_UNSHIFT_AFTER_END_EVENT,
        /* Node: ERR_STREAM_ALREADY_FINISHED */
        CST_E_ALREADY_FINISHED,
        /* Node: ERR_STREAM_UNABLE_TO_PIPE */
        CST_E_UNABLE_TO_PIPE,
        /* Node: ERR_MULTIPLE_CALLBACK */
        CST_E_MULTIPLE_CALLBACK,
        /* Node: ABORT_ERR */
        CST_E_ABORT,
        /* Node: ERR_OUT_OF_RANGE */
        CST_E_OUT_OF_RANGE,
        /* Node: ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE */
        CST_E_INVALID_ARG,
        /* Node: ERR_STREAM_CANNOT_PIPE, ERR_METHOD_NOT_IMPLEMENTED */
        CST_E_INVALID_ARG,
        /* Node: new Error('mine') */
        CST_USER(1),
        /* Node: a system error's errno */
        CST_OS(2),
    };

    printf("codes: %zu\n", sizeof(list) / sizeof(list[0]));
}

/* --- nextTick --- */

static void on_tick(void *arg)
{
    printf("%s\n", (const char *)arg);
}

static void ticks(cst_ctx *ctx)
{
    cst_task task = { .fn = NULL };

    /* Node: process.nextTick(fn, arg) */
    cst_defer(ctx, &task, on_tick, "tick");
    /* Node: the event loop goes on */
    cst_ctx_run(ctx, NULL);
}

/* --- questions of the stream module --- */

static void questions(cst_ctx *ctx)
{
    cst_stream *s = NULL;

    cst_passthrough_new(&s, ctx, NULL);
    /* Node: isReadable(stream) */
    bool is_readable = cst_is_readable(s);
    /* Node: isWritable(stream) */
    bool is_writable = cst_is_writable(s);
    /* Node: isErrored(stream) */
    bool is_errored = cst_errored(s) != NULL;
    /* Node: isDisturbed(stream) */
    bool is_disturbed = cst_readable_did_read(s) || cst_readable_aborted(s);
    /* Node: stream instanceof Readable */
    bool has_readable = cst_stream_has_readable(s);
    /* Node: stream instanceof Writable */
    bool has_writable = cst_stream_has_writable(s);
    printf("readable %d, writable %d, errored %d, disturbed %d, sides %d %d\n", is_readable,
           is_writable, is_errored, is_disturbed, has_readable, has_writable);
    cst_unref(s);
}

int main(void)
{
    cst_ctx *ctx = new_ctx();

    listeners(ctx);
    errors(ctx);
    codes();
    ticks(ctx);
    questions(ctx);
    cst_ctx_free(ctx);
    return EXIT_SUCCESS;
}

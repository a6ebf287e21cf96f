/*
 * backpressure.c - what a slow sink does to a fast source, one line each two milliseconds.
 *
 * The source makes 4 chunks of 1 KiB whenever it is asked. The sink takes one chunk in two
 * milliseconds. Each holds at most 4 KiB: its highWaterMark. The clock is made up, so the output is
 * always the same; docs/guide/backpressure.md explains it.
 *
 *     cc backpressure.c -o backpressure $(pkg-config --cflags --libs libcstream)
 */
#include <cstream/cstream.h>

#include <stdio.h>
#include <string.h>

#define CHUNK 1024
#define MS 1000000

/* What has happened in this millisecond. */
static char events[128];

static void note(const char *what)
{
    strncat(events, "  ", sizeof(events) - strlen(events) - 1);
    strncat(events, what, sizeof(events) - strlen(events) - 1);
}

/* --- a source that is asked ------------------------------------------------------------------- */

static const char zeroes[CHUNK];

struct source {
    int left;
};

static cst_status source_read(cst_stream *s, void *self, size_t size)
{
    struct source *source = self;

    (void)size;
    note("read");
    for (int i = 0; i < 4; i++)
        if (source->left-- > 0)
            cst_push(s, cst_slice_static(zeroes, CHUNK));
    if (source->left <= 0)
        cst_push_eof(s);
    return CST_OK;
}

static const cst_ops source_ops = { .name = "source",
                                    .self_size = sizeof(struct source),
                                    .read = source_read };

/* --- a sink that takes its time --------------------------------------------------------------- */

struct sink {
    cst_timer timer;
    cst_call call;
};

static void sink_done(void *arg)
{
    struct sink *sink = arg;

    cst_complete(sink->call, CST_OK);
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct sink *sink = self;
    cst_status st = cst_timer_start_in(cst_stream_ctx(s), &sink->timer, 2 * MS, sink_done, sink);

    (void)chunk;
    sink->call = cst_this_call(s);
    return st < 0 ? st : CST_PENDING;
}

static cst_status sink_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct sink *sink = self;

    (void)error;
    cst_timer_stop(cst_stream_ctx(s), &sink->timer);
    return CST_OK;
}

static const cst_ops sink_ops = {
    .name = "sink", .self_size = sizeof(struct sink), .write = sink_write, .destroy = sink_destroy
};

/* --- what there is to see --------------------------------------------------------------------- */

static void on_event(cst_stream *s, const cst_event *event, void *what)
{
    (void)s;
    (void)event;
    note(what);
}

static void on_outcome(const cst_error *error, void *is_done)
{
    if (error)
        fprintf(stderr, "%s: %s\n", error->stage, cst_status_text(error->status));
    *(bool *)is_done = true;
}

static void print_bar(size_t bytes)
{
    for (size_t i = 0; i < 4; i++)
        putchar(i < bytes / CHUNK ? '#' : '.');
}

int main(void)
{
    const cst_opts opts = { .high_water_mark = 4 * CHUNK };
    cst_ctx *ctx;
    cst_stream *stages[2];
    bool is_done = false;

    if (cst_ctx_new(&ctx, cst_allocator_malloc(), NULL) < 0)
        return 1;
    if (cst_readable_new(&stages[0], ctx, &source_ops, &(struct source){ .left = 12 }, &opts) < 0 ||
        cst_writable_new(&stages[1], ctx, &sink_ops, NULL, &opts) < 0 ||
        cst_on(stages[0], CST_PAUSE, on_event, "pause") < 0 ||
        cst_on(stages[0], CST_RESUME, on_event, "resume") < 0 ||
        cst_on(stages[1], CST_DRAIN, on_event, "drain") < 0 ||
        cst_on(stages[0], CST_END, on_event, "end") < 0 ||
        cst_on(stages[1], CST_FINISH, on_event, "finish") < 0 ||
        cst_pipeline(stages, 2, NULL, on_outcome, &is_done) < 0) {
        cst_ctx_free(ctx);
        return 1;
    }
    puts(" ms  source  sink  events");
    for (unsigned ms = 0; !is_done; ms++) {
        cst_budget budget = { .now_ns = (uint64_t)ms * MS };

        events[0] = '\0';
        cst_ctx_run(ctx, &budget);
        if (ms % 2 == 1)
            continue; /* nothing happens then */
        printf("%3u  ", ms);
        print_bar(cst_readable_length(stages[0]));
        printf("    ");
        print_bar(cst_writable_length(stages[1]));
        puts(events);
    }
    cst_ctx_free(ctx);
    return 0;
}

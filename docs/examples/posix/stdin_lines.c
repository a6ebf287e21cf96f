/*
 * stdin_lines.c - standard input, cut into lines, piped into a writable of one's own.
 *
 *     stdin_lines <FILE        print how many lines and bytes came, and in how many chunks
 *
 * In Node:
 *
 *     const writable = new Writable();
 *     writable._write = (chunk, encoding, next) => { ...; next(); };
 *     process.stdin.on('error', complain);
 *     process.stdin.pipe(writable).on('error', complain);
 *
 * A tap sees the chunks as they come; the writable gets a message for each line.
 *
 * To build it:
 *
 *     cc stdin_lines.c -o stdin_lines $(pkg-config --cflags --libs libcstream-posix)
 *
 * Calls shown: cst_stdin_new, cst_tap_new, cst_lines_new, cst_writable_new, cst_on, cst_pipe
 */
#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct counts {
    unsigned long long lines, bytes, chunks;
};

static cst_status count_chunk(const cst_slice *chunk, void *arg)
{
    struct counts *counts = arg;

    counts->chunks++;
    counts->bytes += chunk->len;
    return CST_OK;
}

static void complain(const char *what, cst_status st)
{
    int os = cst_status_os(st);

    fprintf(stderr, "stdin_lines: %s: %s\n", what, os ? strerror(os) : cst_status_text(st));
}

/* Returning CST_OK is next(). A slot that cannot answer yet returns CST_PENDING and calls
 * cst_complete later. */
static cst_status count_write(cst_stream *s, void *self, const cst_slice *line)
{
    struct counts *counts = *(struct counts **)self;

    (void)s;
    (void)line;
    counts->lines++;
    return CST_OK;
}

/* Called when all has been written, before 'finish'. */
static cst_status count_final(cst_stream *s, void *self)
{
    const struct counts *counts = *(struct counts **)self;

    (void)s;
    errno = 0;
    if (printf("%llu lines, %llu bytes\n", counts->lines, counts->bytes) < 0 || fflush(stdout) != 0)
        return CST_OS(errno ? errno : EIO);
    fprintf(stderr, "%llu chunks\n", counts->chunks);
    return CST_OK;
}

static const cst_ops count_ops = { .name = "count",
                                   .self_size = sizeof(struct counts *),
                                   .write = count_write,
                                   .final = count_final };

static void on_in_error(cst_stream *in, const cst_event *event, void *arg)
{
    (void)in;
    complain("standard input", event->error->status);
    *(bool *)arg = true;
}

/* Memory, which a very long line needs. */
static void on_lines_error(cst_stream *lines, const cst_event *event, void *arg)
{
    (void)lines;
    complain("lines", event->error->status);
    *(bool *)arg = true;
}

/* Only printing can fail. */
static void on_count_error(cst_stream *count, const cst_event *event, void *arg)
{
    (void)count;
    complain("standard output", event->error->status);
    *(bool *)arg = true;
}

static cst_status join(cst_ctx *ctx, cst_stream *in, struct counts *counts, bool *has_failed)
{
    const cst_split_opts any_length = { .max = SIZE_MAX };
    const cst_opts messages = { .object_mode = true };
    cst_stream *tap = NULL, *lines = NULL, *count = NULL;
    cst_status st;

    if ((st = cst_tap_new(&tap, ctx, NULL, count_chunk, counts)) >= 0 &&
        (st = cst_lines_new(&lines, ctx, &any_length, NULL)) >= 0 &&
        (st = cst_writable_new(&count, ctx, &count_ops, &counts, &messages)) >= 0 &&
        (st = cst_on(in, CST_ERROR, on_in_error, has_failed)) >= 0 &&
        (st = cst_on(lines, CST_ERROR, on_lines_error, has_failed)) >= 0 &&
        (st = cst_on(count, CST_ERROR, on_count_error, has_failed)) >= 0 &&
        (st = cst_pipe(in, tap, NULL)) >= 0 && (st = cst_pipe(tap, lines, NULL)) >= 0)
        st = cst_pipe(lines, count, NULL);
    cst_unref(tap);
    cst_unref(lines);
    cst_unref(count);
    return st;
}

int main(void)
{
    struct counts counts = { 0, 0, 0 };
    bool has_failed = false;
    cst_stream *in;
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st < 0) {
        complain("start", st);
        return 1;
    }
    if ((st = cst_stdin_new(&in, loop, NULL)) < 0) {
        complain("standard input", st);
    } else {
        if ((st = join(cst_loop_ctx(loop), in, &counts, &has_failed)) < 0 ||
            (st = cst_loop_run(loop)) < 0)
            complain("run", st);
        cst_unref(in);
    }
    cst_loop_free(loop);
    return st < 0 || has_failed;
}

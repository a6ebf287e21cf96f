/*
 * demo.c - the main job, measured: a file of any size through a filter, in bounded memory.
 *
 *     demo FILE [OUT]
 *
 * FILE goes through the filter of upper_filter.h twice, into OUT (else into a temporary file):
 *
 *     full speed    file source --> upper --> file sink
 *     slow reader   file source --> upper --> a sink that takes one chunk a turn of the host's loop
 *
 * A table then shows the figures of both passes, beside the limit on memory that the highWaterMarks
 * promise, and whether OUT equals the output of `LC_ALL=C tr a-z A-Z < FILE`. The exit code is 0
 * only if everything is as promised.
 *
 * How to use the library is easier to see in upper.c. This file shows, beyond that, a host's own
 * allocator (cst_allocator), listening (cst_on), and a sink that answers later (cst_this_call,
 * cst_complete).
 */

/* The demo's own need: isatty, popen, stat, a clock. The library asks for none of them. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "upper_filter.h"

/* The source reads a quarter of what the next side holds: so a reader that keeps up never fills it,
 * and 'pause' counts nothing but waiting for one that does not. */
#define CHUNK_BYTES 16384

/* What may be held besides chunks: the stream with its listeners and its share of the context. */
#define FIXED_BYTES_PER_STREAM 4096

/* And whatever the marks are: below 1 MiB. */
#define HEAP_LIMIT_BYTES ((size_t)1024 * 1024 - 1)

enum { SOURCE, UPPER, SINK, STAGES };

/* --- a heap that counts ----------------------------------------------------------------------- */

struct heap {
    cst_allocator allocator;
    size_t live_bytes, peak_bytes;
    uint64_t calls;
};

static void *heap_alloc(void *user, size_t size)
{
    struct heap *heap = user;
    void *ptr = malloc(size);

    if (!ptr)
        return NULL;
    heap->calls++;
    heap->live_bytes += size;
    if (heap->live_bytes > heap->peak_bytes)
        heap->peak_bytes = heap->live_bytes;
    return ptr;
}

static void heap_free(void *user, void *ptr, size_t size)
{
    struct heap *heap = user;

    heap->live_bytes -= size;
    free(ptr);
}

static void heap_init(struct heap *heap)
{
    *heap = (struct heap){ .allocator = { heap_alloc, heap_free, heap } };
}

/* --- one pass and its figures ----------------------------------------------------------------- */

struct pass {
    const char *title;
    const char *in_name, *out_name;
    uint64_t total_bytes; /* size of FILE */
    bool is_slow;

    struct heap heap;
    cst_stream *stages[STAGES];
    FILE *out;

    /* The write that the slow reader owes an answer to. */
    bool is_owing;
    cst_call owed;
    cst_slice owed_chunk;

    bool is_done, has_failed;
    uint64_t in_bytes, out_bytes, chunks, pauses;
    size_t bound_bytes;
    double began_s, seconds;
    double drawn_s; /* when the bar was drawn last; negative if there is no bar */
    bool is_equal;
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void complain(struct pass *pass, const char *what, const char *why)
{
    if (pass->drawn_s >= 0)
        fprintf(stderr, "\r\033[K");
    fprintf(stderr, "demo: %s: %s\n", what, why);
    pass->has_failed = true;
}

static void complain_status(struct pass *pass, const char *what, cst_status st)
{
    int os = cst_status_os(st);

    complain(pass, what, os ? strerror(os) : cst_status_text(st));
}

/* --- the progress bar: on a terminal only ----------------------------------------------------- */

static void draw_bar(struct pass *pass)
{
    static const char full[] = "##############################";
    double now, share, rate, done = (double)pass->in_bytes, total = (double)pass->total_bytes;

    if (pass->drawn_s < 0 || (now = now_s()) - pass->drawn_s < 0.1)
        return;
    pass->drawn_s = now;
    total = total > done ? total : done; /* the file may have grown */
    share = total > 0 ? done / total : 1;
    rate = done / (now - pass->began_s + 1e-9);
    fprintf(stderr, "\r%-11s [%-30.*s] %3.0f%%  %.1f of %.1f MB  %.0f MB/s  %.0f s left\033[K",
            pass->title, (int)(share * 30), full, share * 100, done / 1e6, total / 1e6, rate / 1e6,
            rate > 0 ? (total - done) / rate : 0);
}

static void replace_bar(const struct pass *pass, const char *text)
{
    if (pass->drawn_s >= 0)
        fprintf(stderr, "\r\033[K%s", text);
}

/* --- what is counted -------------------------------------------------------------------------- */

static void on_source_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct pass *pass = arg;

    (void)s;
    pass->chunks++;
    pass->in_bytes += event->chunk->len;
    draw_bar(pass);
}

static void on_upper_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct pass *pass = arg;

    (void)s;
    pass->out_bytes += event->chunk->len;
}

static void on_source_pause(cst_stream *s, const cst_event *event, void *arg)
{
    struct pass *pass = arg;

    (void)event;
    if (!cst_readable_ended(s)) /* at the end the pipe pauses it once more */
        pass->pauses++;
}

static void on_outcome(const cst_error *error, void *arg)
{
    struct pass *pass = arg;

    pass->is_done = true;
    if (!error)
        return;
    if (strcmp(error->stage, cst_stream_name(pass->stages[SOURCE])) == 0)
        complain_status(pass, pass->in_name, error->status);
    else if (strcmp(error->stage, cst_stream_name(pass->stages[SINK])) == 0)
        complain_status(pass, pass->out_name, error->status);
    else
        complain_status(pass, error->stage, error->status);
}

/* --- the slow reader -------------------------------------------------------------------------- */

struct slow_sink {
    struct pass *pass;
};

/* Answer later: the host's loop does the work in its next turn. The chunk's bytes stay until the
 * answer, so it is enough to keep the struct. */
static cst_status slow_sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct slow_sink *sink = self;

    sink->pass->owed = cst_this_call(s);
    sink->pass->owed_chunk = *chunk;
    sink->pass->is_owing = true;
    return CST_PENDING;
}

static const cst_ops slow_sink_ops = {
    .name = "slow-sink",
    .self_size = sizeof(struct slow_sink),
    .write = slow_sink_write,
};

static void take_turn(struct pass *pass)
{
    const cst_slice *chunk = &pass->owed_chunk;
    cst_status st = CST_OK;

    errno = 0;
    if (fwrite(chunk->data, 1, chunk->len, pass->out) != chunk->len)
        st = CST_OS(errno ? errno : EIO);
    pass->is_owing = false; /* before the answer: the next write may follow at once */
    cst_complete(pass->owed, st);
}

/* --- one pass --------------------------------------------------------------------------------- */

/*
 * What the heap may hold at most, however slow the reader:
 *
 *     the highWaterMark of every side              what may wait there by right
 *   + one chunk for each stage that makes chunks   the one in its hands, or on top of a mark
 *   + a fixed size for each stream
 *
 * Nothing in it depends on the length of the file.
 */
static size_t promised_bytes(cst_stream *const stages[STAGES])
{
    /* The filter's chunks are as large as the source's. */
    size_t chunk = cst_readable_high_water_mark(stages[SOURCE]);
    size_t sum = 2 * chunk + STAGES * FIXED_BYTES_PER_STREAM;

    for (int i = 0; i < STAGES; i++)
        sum += cst_readable_high_water_mark(stages[i]) + cst_writable_high_water_mark(stages[i]);
    return sum;
}

/* The input belongs to its stage at once; the output stays the pass's, which closes it. */
static cst_status make_stages(struct pass *pass, cst_ctx *ctx, FILE *in)
{
    cst_stream **stages = pass->stages;
    struct slow_sink slow = { pass };
    cst_status st;

    st = cst_file_source_new(&stages[SOURCE], ctx, in, CST_FILE_OWNED,
                             &(cst_opts){ .high_water_mark = CHUNK_BYTES });
    if (st < 0)
        return st;
    st = upper_new(&stages[UPPER], ctx);
    if (st < 0)
        return st;
    if (pass->is_slow)
        return cst_writable_new(&stages[SINK], ctx, &slow_sink_ops, &slow, NULL);
    return cst_file_sink_new(&stages[SINK], ctx, pass->out, CST_FILE_BORROWED, NULL);
}

static cst_status start(struct pass *pass, cst_ctx *ctx, FILE *in)
{
    cst_status st = make_stages(pass, ctx, in);

    if (st < 0)
        return st;
    pass->bound_bytes = promised_bytes(pass->stages);
    if ((st = cst_on(pass->stages[SOURCE], CST_DATA, on_source_data, pass)) < 0 ||
        (st = cst_on(pass->stages[SOURCE], CST_PAUSE, on_source_pause, pass)) < 0 ||
        (st = cst_on(pass->stages[UPPER], CST_DATA, on_upper_data, pass)) < 0)
        return st;
    return cst_pipeline(pass->stages, STAGES, NULL, on_outcome, pass);
}

/* The host's loop: let the streams run until they rest, then do what they wait for. */
static void stream_file(struct pass *pass, cst_ctx *ctx, FILE *in)
{
    cst_status st = start(pass, ctx, in);

    if (st < 0) {
        complain_status(pass, "start", st);
        return;
    }
    cst_ctx_run(ctx, NULL);
    while (pass->is_owing) {
        take_turn(pass);
        cst_ctx_run(ctx, NULL);
    }
    if (!pass->is_done)
        complain(pass, pass->title, "came to rest before its end");
}

/* stdio's own buffers are not in the heap that is counted, so there are none: every byte held is
 * the library's. */
static FILE *open_unbuffered(struct pass *pass, const char *name, const char *mode)
{
    FILE *file = fopen(name, mode);

    if (!file)
        complain_status(pass, name, CST_OS(errno));
    else
        setvbuf(file, NULL, _IONBF, 0);
    return file;
}

static void run_pass(struct pass *pass)
{
    FILE *in = open_unbuffered(pass, pass->in_name, "rb");
    cst_ctx *ctx;
    cst_status st;

    if (!in)
        return;
    pass->out = open_unbuffered(pass, pass->out_name, "wb");
    if (!pass->out) {
        fclose(in);
        return;
    }
    pass->began_s = now_s();
    st = cst_ctx_new(&ctx, &pass->heap.allocator, NULL);
    if (st < 0) {
        complain_status(pass, "start", st);
        fclose(in);
    } else {
        stream_file(pass, ctx, in);
        cst_ctx_free(ctx);
    }
    if (fclose(pass->out) != 0 && !pass->has_failed)
        complain_status(pass, pass->out_name, CST_OS(errno));
    pass->seconds = now_s() - pass->began_s;
}

/* --- was it right? ---------------------------------------------------------------------------- */

static bool have_same_bytes(FILE *a, FILE *b)
{
    char from_a[CHUNK_BYTES], from_b[CHUNK_BYTES];
    size_t n, m;

    do {
        n = fread(from_a, 1, sizeof from_a, a);
        m = fread(from_b, 1, sizeof from_b, b);
        if (n != m || memcmp(from_a, from_b, n) != 0)
            return false;
    } while (n == sizeof from_a);
    return !ferror(a) && !ferror(b);
}

/* The file's name goes by the environment: nothing in it can mean anything to the shell. */
static void compare_with_tr(struct pass *pass)
{
    FILE *out, *tr;

    replace_bar(pass, "comparing with tr ...");
    out = fopen(pass->out_name, "rb");
    if (!out) {
        complain_status(pass, pass->out_name, CST_OS(errno));
        return;
    }
    tr = setenv("DEMO_FILE", pass->in_name, 1) == 0
             ? popen("LC_ALL=C tr a-z A-Z < \"$DEMO_FILE\"", "r")
             : NULL;
    if (tr) {
        pass->is_equal = have_same_bytes(out, tr);
        pass->is_equal = pclose(tr) == 0 && pass->is_equal;
    }
    fclose(out);
    replace_bar(pass, "");
}

/* Check everything that was promised; print a line for what does not hold. */
static void judge(struct pass *pass)
{
    size_t limit = pass->bound_bytes < HEAP_LIMIT_BYTES ? pass->bound_bytes : HEAP_LIMIT_BYTES;
    char why[128];

    compare_with_tr(pass);
    if (pass->has_failed)
        return;
    snprintf(why, sizeof why, "peak of live heap is %zu bytes, where %zu are promised",
             pass->heap.peak_bytes, limit);
    if (!pass->is_equal)
        complain(pass, pass->out_name, "differs from what tr makes of the file");
    else if (pass->heap.peak_bytes > limit)
        complain(pass, pass->title, why);
    else if (pass->heap.live_bytes > 0)
        complain(pass, pass->title, "heap is still live after the context was freed");
}

/* --- the table -------------------------------------------------------------------------------- */

static void print_count(const char *label, uint64_t a, uint64_t b)
{
    printf("%-28s %16" PRIu64 " %16" PRIu64 "\n", label, a, b);
}

static double mb_per_s(const struct pass *pass)
{
    return (double)pass->in_bytes / 1e6 / (pass->seconds + 1e-9);
}

static void print_table(const struct pass *a, const struct pass *b)
{
    printf("%-28s %16s %16s\n", "", a->title, b->title);
    print_count("bytes in", a->in_bytes, b->in_bytes);
    print_count("bytes out", a->out_bytes, b->out_bytes);
    print_count("chunks", a->chunks, b->chunks);
    print_count("source paused, times", a->pauses, b->pauses);
    print_count("allocations in all", a->heap.calls, b->heap.calls);
    print_count("peak of live heap, bytes", a->heap.peak_bytes, b->heap.peak_bytes);
    print_count("promised bound, bytes", a->bound_bytes, b->bound_bytes);
    printf("%-28s %16.2f %16.2f\n", "seconds", a->seconds, b->seconds);
    printf("%-28s %16.0f %16.0f\n", "MB/s", mb_per_s(a), mb_per_s(b));
    printf("%-28s %16s %16s\n", "same as tr a-z A-Z", a->is_equal ? "yes" : "no",
           b->is_equal ? "yes" : "no");
}

/* --- main ------------------------------------------------------------------------------------- */

/* If the demo was started without one of the standard descriptors, the next file would get its
 * number, and the table would be written into that file. So open something in its place that fails
 * as a closed descriptor does. A file that grows too large is an error, not a signal. */
static void begin(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            exit(EXIT_FAILURE);
    signal(SIGXFSZ, SIG_IGN);
}

static void pass_init(struct pass *pass, const char *title, bool is_slow)
{
    *pass = (struct pass){ .title = title, .is_slow = is_slow };
    pass->drawn_s = isatty(STDERR_FILENO) ? 0 : -1;
    heap_init(&pass->heap);
}

/* Return whether FILE can be streamed twice, and OUT be written without harm to FILE. If FILE is a
 * directory, the source will find that. */
static bool is_sensible(struct pass *pass, const char *in_name, const char *out_name)
{
    struct stat in, out;

    if (stat(in_name, &in) != 0) {
        complain_status(pass, in_name, CST_OS(errno));
        return false;
    }
    if (!S_ISREG(in.st_mode) && !S_ISDIR(in.st_mode)) {
        complain(pass, in_name, "not a file that can be read twice");
        return false;
    }
    if (stat(out_name, &out) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
        complain(pass, out_name, "is the file that is to be read");
        return false;
    }
    pass->total_bytes = (uint64_t)in.st_size;
    return true;
}

/* Return whether everything is as promised; if not, a line has said so. */
static bool run_and_judge(struct pass *pass, const char *in_name, const char *out_name)
{
    pass->in_name = in_name;
    pass->out_name = out_name;
    if (!is_sensible(pass, in_name, out_name))
        return false;
    run_pass(pass);
    if (!pass->has_failed)
        judge(pass);
    return !pass->has_failed;
}

int main(int argc, char **argv)
{
    const char *directory = getenv("TMPDIR");
    char temporary[4096];
    struct pass fast, slow;
    int fd = -1;
    const char *out_name = temporary;

    begin();
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: demo FILE [OUT]\n");
        return 2;
    }
    pass_init(&fast, "full speed", false);
    pass_init(&slow, "slow reader", true);
    snprintf(temporary, sizeof temporary, "%s/cstream-demo-XXXXXX", directory ? directory : "/tmp");
    if (argc == 3)
        out_name = argv[2];
    else if ((fd = mkstemp(temporary)) < 0)
        complain_status(&fast, temporary, CST_OS(errno));

    if (!fast.has_failed && run_and_judge(&fast, argv[1], out_name) &&
        run_and_judge(&slow, argv[1], out_name))
        print_table(&fast, &slow);
    if (fd >= 0) {
        close(fd);
        unlink(temporary);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        complain_status(&slow, "standard output", CST_OS(errno));
    return fast.has_failed || slow.has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

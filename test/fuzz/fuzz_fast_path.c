/*
 * fuzz_fast_path.c - the fast path through idle pass-throughs changes nothing that anyone can see.
 *
 * The input is a program over a row of streams. It runs three times, and the traces must be equal:
 *
 *     with pass-throughs                  a chunk skips those that are idle
 *     with transforms                     their slot returns each chunk, so none is skipped
 *     with pass-throughs, one task a run  a limit on tasks changes nothing
 *
 * A trace has every call of a slot, every event, every callback, and what every call returned. If
 * the program looks at a stream, it has all that is public about it; in a callback, that is while
 * chunks are on their way. Of a very long trace only the beginning is kept.
 */
#include "fuzz.h"

#include <cstream/cstream.h>

#include "trace.h"

#include <stdarg.h>
#include <stdio.h>

#define MOST_STAGES 40 /* more than the fast path skips at once */
#define MOST_STREAMS (MOST_STAGES + 3)
#define MOST_LATE 16
#define MOST_CALLS 1500
#define MOST_READS 40
#define DEEPEST 6

enum way { BY_PASSTHROUGHS, BY_TRANSFORMS, BY_SINGLE_TASKS, WAYS };

struct trace {
    char text[1 << 18];
    size_t len;
};

struct run {
    struct fuzz_input input;
    struct trace *trace;
    cst_ctx *ctx;
    struct fuzz_heap heap;
    /* A source, the stages, two sinks; NULL if the program has dropped its reference. */
    cst_stream *streams[MOST_STREAMS];
    size_t count;
    cst_call late[MOST_LATE];
    size_t late_count;
    unsigned depth, calls, reads, dones;
    uint8_t eager; /* in how many of 256 callbacks a call is made */
    bool slow;     /* most slots of source and sinks answer later, so that chunks queue up */
    enum way way;
};

/* The state (self) of every stream. */
struct part {
    struct run *run;
    size_t at;
};

static struct run *running;

static void say(struct run *run, const char *format, ...)
{
    struct trace *trace = run->trace;
    size_t room = sizeof trace->text - trace->len;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(trace->text + trace->len, room, format, args);
    va_end(args);
    if (len > 0)
        trace->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void look_at_reading(struct run *run, const cst_stream *s)
{
    say(run, " r%d%d%zu%d%d%d%d", cst_readable_flowing(s), cst_is_paused(s), cst_readable_length(s),
        cst_readable_ended(s), cst_readable_did_read(s), cst_readable_aborted(s),
        cst_is_readable(s));
}

static void look_at_writing(struct run *run, const cst_stream *s)
{
    say(run, " w%zu%d%zu%d%d%d%d", cst_writable_length(s), cst_writable_need_drain(s),
        cst_writable_corked(s), cst_writable_ended(s), cst_writable_finished(s),
        cst_writable_aborted(s), cst_is_writable(s));
}

static void look_at(struct run *run, size_t at)
{
    const cst_stream *s = run->streams[at];
    const cst_error *error = cst_errored(s);

    if (s == NULL)
        return;
    say(run, " %zu:", at);
    look_at_reading(run, s);
    look_at_writing(run, s);
    say(run, " %d%d%d l", cst_is_destroyed(s), cst_is_closed(s), error ? error->status : 0);
    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        say(run, "%zu", cst_listener_count(s, (cst_event_type)type));
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void act(struct run *run);

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct part *part = cst_stream_self(s);

    (void)arg;
    say(part->run, "\n%zu event %d %zu %d", part->at, event->type,
        event->chunk ? event->chunk->len : 0, event->error ? event->error->status : 0);
    act(part->run);
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct run *run = running;

    (void)s;
    say(run, "\ndone %u %d", (unsigned)(uintptr_t)arg, status);
    act(run);
}

static void on_outcome(const cst_error *error, void *arg)
{
    struct run *run = arg;

    say(run, "\noutcome %d", error ? error->status : 0);
    act(run);
}

static void say_chunk(struct run *run, const cst_slice *chunk)
{
    unsigned sum = 0;

    for (size_t i = 0; i < chunk->len; i++)
        sum = sum * 31 + chunk->data[i];
    say(run, " %zu:%x", chunk->len, sum);
}

/* Return what a slot of the source or a sink answers: mostly CST_OK. */
static cst_status answer(cst_stream *s, struct run *run)
{
    uint8_t how;

    act(run);
    how = fuzz_byte(&run->input) % 64;
    if (how == 0)
        return CST_USER(1);
    if (how < 4 || (run->slow && how < 56)) {
        if (run->late_count == MOST_LATE)
            return CST_OK;
        run->late[run->late_count++] = cst_this_call(s);
        return CST_PENDING;
    }
    if (how == 4 || how == 56) {
        cst_complete(cst_this_call(s), CST_OK);
        return CST_PENDING;
    }
    return CST_OK;
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct part *part = self;

    say(part->run, "\n%zu write", part->at);
    say_chunk(part->run, chunk);
    return answer(s, part->run);
}

/* The final slot of a sink, and the flush slot of a stage. */
static cst_status last_slot(cst_stream *s, void *self)
{
    struct part *part = self;

    say(part->run, "\n%zu last", part->at);
    return answer(s, part->run);
}

static cst_status source_read(cst_stream *s, void *self, size_t size)
{
    struct part *part = self;
    struct run *run = part->run;
    uint8_t how = fuzz_byte(&run->input);

    say(run, "\n%zu read %zu", part->at, size);
    act(run);
    if (++run->reads > MOST_READS || how % 16 == 0)
        return cst_push_eof(s) < 0 ? CST_USER(2) : CST_OK;
    if (how % 16 < 6)
        return cst_give(s, cst_slice_static("what the read slot gives", how % 24));
    for (size_t left = how % 16 < 12 ? 1 + how / 64 : 0; left > 0; left--)
        cst_push_copy(s, "what the read slot pushes", how % 25);
    return CST_OK;
}

static cst_status part_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct part *part = self;

    (void)s;
    say(part->run, "\n%zu destroy %d", part->at, error ? error->status : 0);
    act(part->run);
    return CST_OK;
}

static cst_status hand_on(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return cst_give(s, cst_slice_ref(chunk));
}

/* --- the row ---------------------------------------------------------------------------------- */

#define OF_ALL .self_size = sizeof(struct part), .destroy = part_destroy

static const cst_ops source_ops = { OF_ALL, .read = source_read };
static const cst_ops sink_ops = { OF_ALL, .write = sink_write, .final = last_slot };
static const cst_ops plain_sink_ops = { OF_ALL, .write = sink_write };
static const cst_ops passthrough_ops = { OF_ALL };
static const cst_ops flushed_ops = { OF_ALL, .flush = last_slot };
static const cst_ops transform_ops = { OF_ALL, .transform = hand_on };
static const cst_ops flushed_transform_ops = { OF_ALL, .transform = hand_on, .flush = last_slot };

static size_t mark(struct run *run)
{
    static const size_t marks[] = { 0, 0, 0, 1, 8, 20, 64, CST_HWM_ZERO };

    return marks[fuzz_byte(&run->input) % 8];
}

static cst_status make_stage(struct run *run, cst_stream **out, const struct part *part,
                             const cst_opts *opts)
{
    bool flushed = fuzz_byte(&run->input) % 8 == 0;

    if (run->way == BY_TRANSFORMS)
        return cst_transform_new(out, run->ctx, flushed ? &flushed_transform_ops : &transform_ops,
                                 part, opts);
    return cst_passthrough_new_with(out, run->ctx, flushed ? &flushed_ops : &passthrough_ops, part,
                                    opts);
}

static void make_stream(struct run *run, size_t at, size_t stages)
{
    struct part part = { .run = run, .at = at };
    uint8_t flags = fuzz_byte(&run->input);
    cst_opts opts = { .high_water_mark = mark(run),
                      .no_auto_destroy = flags % 16 == 1,
                      .no_emit_close = flags % 16 == 2,
                      .object_mode = flags % 32 == 3 };
    cst_stream **out = &run->streams[at];
    cst_status st;

    if (at == 0)
        st = cst_readable_new(out, run->ctx, &source_ops, &part, &opts);
    else if (at <= stages)
        st = make_stage(run, out, &part, &opts);
    else
        st = cst_writable_new(out, run->ctx, flags & 0x40 ? &sink_ops : &plain_sink_ops, &part,
                              &opts);
    fuzz_require(st == CST_OK);
    for (int type = CST_END; type < CST_EVENT_TYPES_; type++)
        cst_on(*out, (cst_event_type)type, on_event, NULL);
}

static void make_row(struct run *run)
{
    static const uint8_t eager[] = { 4, 16, 16, 40, 40, 90, 90, 255 };
    uint8_t how = fuzz_byte(&run->input);
    size_t stages = how % 16 == 15 ? MOST_STAGES : 1 + how % 5;

    run->count = stages + 3;
    run->slow = how & 0x80;
    run->eager = eager[fuzz_byte(&run->input) % 8];
    for (size_t at = 0; at < run->count; at++)
        make_stream(run, at, stages);
    if (how & 0x40)
        cst_pipeline(run->streams, stages + 2, NULL, on_outcome, run);
    else
        for (size_t at = 0; at <= stages; at++)
            cst_pipe(run->streams[at], run->streams[at + 1], NULL);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void write_some(struct run *run, size_t at, uint8_t how)
{
    cst_stream *s = run->streams[at];
    cst_done_fn *done = how & 0x80 ? on_done : NULL;
    void *number = (void *)(uintptr_t)++run->dones;
    cst_status st;

    if (how % 8 == 0)
        st = cst_end(s, done, number);
    else
        st = cst_write(s, cst_slice_static("written by somebody", how % 20), done, number);
    say(run, " write %d", st);
}

static void push_some(struct run *run, size_t at, uint8_t how)
{
    cst_stream *s = run->streams[0];
    cst_status st = CST_OK;

    (void)at;
    if (how % 32 == 0)
        st = cst_push_eof(s);
    else if (how % 32 == 1)
        st = cst_unshift(s, cst_slice_static("back", 4));
    /* Several pushes one after another: the fast path may begin at the second. */
    for (unsigned left = how % 32 < 2 ? 0 : 1 + how % 4; left > 0; left--) {
        say(run, " push %d", st);
        st = cst_push(s, cst_slice_static("pushed from outside", how / 4 % 20));
    }
    say(run, " push %d", st);
}

static void read_some(struct run *run, size_t at, uint8_t how)
{
    cst_stream *s = run->streams[at];
    cst_slice chunk = cst_slice_empty();
    cst_status st = how & 1 ? cst_next(&chunk, s) : cst_read(&chunk, s, how % 9);

    say(run, " read %d", st);
    say_chunk(run, &chunk);
    cst_slice_unref(&chunk);
}

static void flow_some(struct run *run, size_t at, uint8_t how)
{
    static cst_status (*const calls[])(cst_stream *) = { cst_pause, cst_resume, cst_cork,
                                                         cst_uncork };

    say(run, " flow %d", calls[how % 4](run->streams[at]));
}

static void listen_some(struct run *run, size_t at, uint8_t how)
{
    static cst_status (*const calls[])(cst_stream *, cst_event_type, cst_listener_fn *,
                                       void *) = { cst_on, cst_once, cst_off };
    cst_stream *s = run->streams[at];
    cst_event_type type = how & 4 ? CST_READABLE : CST_DATA;

    say(run, " listen %d",
        how % 4 < 3 ? calls[how % 4](s, type, on_event, NULL) : cst_off_all(s, type));
}

/* Connect only forward: in a ring, chunks would go round for ever. */
static void join_some(struct run *run, size_t at, uint8_t how)
{
    size_t to = at + 1 + fuzz_byte(&run->input) % (run->count - at);
    cst_stream *s = run->streams[at], *dest = to < run->count ? run->streams[to] : NULL;
    cst_status st;

    if (how % 2 == 0)
        st = cst_pipe(s, dest, &(cst_pipe_opts){ .no_end = how & 4 });
    else
        st = cst_unpipe(s, dest);
    say(run, " join %d", st);
}

static void end_some(struct run *run, size_t at, uint8_t how)
{
    cst_stream *s = run->streams[at];
    cst_status st = CST_OK;

    switch (how % 8) {
    case 0:
        st = cst_destroy(s, CST_OK);
        break;
    case 1:
        st = cst_destroy(s, CST_USER(3));
        break;
    case 2:
        run->streams[at] = NULL;
        cst_unref(s);
        break;
    case 3:
        st = cst_finished(s, NULL, on_outcome, run);
        break;
    default:
        if (run->late_count > 0)
            st = cst_complete(run->late[--run->late_count], how & 8 ? CST_USER(4) : CST_OK);
    }
    say(run, " end %d", st);
}

static void look_at_it(struct run *run, size_t at, uint8_t how)
{
    (void)how;
    look_at(run, at);
}

static void look_at_all(struct run *run, size_t at, uint8_t how)
{
    (void)at;
    (void)how;
    for (size_t i = 0; i < run->count; i++)
        look_at(run, i);
}

static void (*const calls[16])(struct run *run, size_t at, uint8_t how) = {
    write_some, write_some,  push_some,   push_some,   push_some, read_some,
    flow_some,  flow_some,   listen_some, join_some,   join_some, end_some,
    look_at_it, look_at_all, look_at_all, look_at_all,
};

static void step(struct run *run)
{
    uint8_t what = fuzz_byte(&run->input), how = fuzz_byte(&run->input);
    size_t at = (what / 16) * 7 % run->count;

    say(run, "\n  %zu", at);
    calls[what % 16](run, at, how);
}

/* Make the next calls of the program: three from the host; from a callback mostly none, so that
 * chunks reach the sinks. */
static void act(struct run *run)
{
    unsigned left = 3;

    if (run->depth == DEEPEST || run->input.size == 0)
        return;
    if (run->depth > 0)
        left = fuzz_byte(&run->input) < run->eager ? 1 : 0;
    run->depth++;
    for (; left > 0 && run->calls < MOST_CALLS; left--) {
        run->calls++;
        step(run);
    }
    run->depth--;
}

/* --- runs ------------------------------------------------------------------------------------- */

static void turn(struct run *run)
{
    cst_status st;

    if (run->late_count > 0)
        cst_complete(run->late[--run->late_count], CST_OK);
    do {
        st = cst_ctx_run(run->ctx, &(cst_budget){ .tasks = run->way == BY_SINGLE_TASKS });
    } while (st == CST_MORE);
    say(run, "\nturn %d", st);
}

static void run_program(struct run *run)
{
    const cst_allocator allocator = { fuzz_alloc, fuzz_free, &run->heap };

    running = run;
    fuzz_require(cst_ctx_new(&run->ctx, &allocator, NULL) == CST_OK);
    make_row(run);
    for (int turns = 0; run->input.size > 0 && turns < 50; turns++) {
        turn(run);
        act(run);
    }
    run->input.size = 0;
    turn(run);
    look_at_all(run, 0, 0);
    for (size_t i = 0; i < run->count; i++)
        cst_unref(run->streams[i]);
    fuzz_require(cst_ctx_free(run->ctx) == CST_OK);
    fuzz_require(run->heap.live == 0);
}

static void show_difference(const struct trace *a, const struct trace *b)
{
    size_t at = 0, line = 0;

    while (at < a->len && at < b->len && a->text[at] == b->text[at])
        if (a->text[at++] == '\n')
            line = at;
    fprintf(stderr, "%.*s\n--- one way\n%.300s\n--- another\n%.300s\n",
            (int)(line < 2000 ? line : 2000), a->text + (line < 2000 ? 0 : line - 2000),
            a->text + line, b->text + line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct trace traces[WAYS];

    for (int way = 0; way < WAYS; way++) {
        struct run run = { .input = { data, size }, .trace = &traces[way], .way = (enum way)way };

        traces[way].len = 0;
        traces[way].text[0] = '\0';
        run_program(&run);
        if (way > 0 && strcmp(traces[0].text, traces[way].text) != 0) {
            show_difference(&traces[0], &traces[way]);
            abort();
        }
    }
    fuzz_say_text(traces[0].text, traces[0].len);
    return 0;
}

/*
 * fuzz_stream.c - any call in any callback, with memory running out anywhere. Whatever the program
 * does: nothing is used after it was freed, nothing is allocated once the context is gone, every
 * callback of an accepted write or end is called once and no other is called, and an event that
 * happens once at most does so, before 'close'.
 *
 * All that happens goes to the trace, by which two builds of the library are compared.
 *
 * The input is a program. main and every callback take their next calls from it, so it decides
 * which call is made inside which callback.
 */
#include "fuzz.h"

#include <cstream/cstream.h>

#include "trace.h"

#define STREAMS 6
#define DEEPEST 24 /* no calls are made in callbacks nested deeper */
#define MOST_CALLS 64
#define MOST_DONES 512
#define MOST_STEPS 4000

struct done {
    unsigned called, number;
};

struct program {
    struct fuzz_input input;
    cst_ctx *ctx;
    /* One reference to each; NULL if the program has dropped it, and at the end. */
    cst_stream *streams[STREAMS + 1];
    cst_call calls[MOST_CALLS]; /* the calls of slots that have not been answered */
    struct done dones[MOST_DONES];
    size_t n_calls, n_dones;
    unsigned depth, steps, made;
    struct fuzz_heap heap;
};

/* The state (self) of one stream. */
struct once {
    unsigned number;
    unsigned seen[CST_EVENT_TYPES_];
};

/* Global, as a stream may have no self from which a callback could reach the program. */
static struct program *program;

static void act(struct program *p);

static unsigned number_of(const cst_stream *s)
{
    const struct once *once = cst_stream_self(s);

    return once ? once->number : 0;
}

static void say_error(const cst_error *error)
{
    fuzz_say(" %d", error ? error->status : 0);
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct done *done = arg;

    fuzz_say("\n%u done %u %d", number_of(s), done->number, status);
    fuzz_require(++done->called == 1);
    act(program);
}

static void on_outcome(const cst_error *error, void *arg)
{
    (void)arg;
    fuzz_say("\noutcome");
    say_error(error);
    act(program);
}

static void say_event(const cst_stream *s, const cst_event *event)
{
    fuzz_say("\n%u event %d", number_of(s), event->type);
    say_error(event->error);
    if (event->chunk)
        fuzz_say_chunk(event->chunk);
}

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    (void)arg;
    say_event(s, event);
    act(program);
}

/* The first listener for each event that happens once at most. */
static void on_once(cst_stream *s, const cst_event *event, void *arg)
{
    struct once *once = cst_stream_self(s);

    (void)arg;
    say_event(s, event);
    fuzz_require(++once->seen[event->type] == 1);
    if (event->type != CST_FINISH && event->type != CST_CLOSE)
        fuzz_require(once->seen[CST_CLOSE] == 0);
    act(program);
}

/* Answer in one of the ways that a slot has. */
static cst_status answer(cst_stream *s, bool may_give)
{
    struct program *p = program;

    act(p);
    fuzz_say("\n%u answers", number_of(s));
    switch (fuzz_byte(&p->input) % 8) {
    case 0:
        if (p->n_calls == MOST_CALLS)
            return CST_OK;
        p->calls[p->n_calls++] = cst_this_call(s);
        return CST_PENDING;
    case 1:
        return CST_USER(1);
    case 2:
        return may_give ? cst_give(s, cst_slice_static("given", 5)) : CST_OK;
    case 3:
        cst_complete(cst_this_call(s), CST_OK);
        return CST_PENDING;
    default:
        return CST_OK;
    }
}

static cst_status slot(cst_stream *s, void *self)
{
    (void)self;
    fuzz_say("\n%u slot", number_of(s));
    return answer(s, false);
}

static cst_status slot_flush(cst_stream *s, void *self)
{
    (void)self;
    fuzz_say("\n%u flush", number_of(s));
    return answer(s, true);
}

static cst_status slot_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    fuzz_say("\n%u write", number_of(s));
    fuzz_say_chunk(chunk);
    return answer(s, false);
}

static cst_status slot_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    (void)self;
    fuzz_require(count > 0);
    fuzz_say("\n%u writev", number_of(s));
    for (size_t i = 0; i < count; i++)
        fuzz_say_chunk(&chunks[i]);
    return answer(s, false);
}

static cst_status slot_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    fuzz_say("\n%u transform", number_of(s));
    fuzz_say_chunk(chunk);
    if (++program->steps >= MOST_STEPS)
        return CST_USER(1);
    if (fuzz_byte(&program->input) % 2)
        cst_push(s, cst_slice_ref(chunk));
    return answer(s, true);
}

static cst_status slot_read(cst_stream *s, void *self, size_t size)
{
    struct program *p = program;
    uint8_t how = fuzz_byte(&p->input);

    (void)self;
    fuzz_say("\n%u read %zu", number_of(s), size);
    act(p);
    if (++p->steps >= MOST_STEPS || how % 8 == 0)
        return cst_push_eof(s) < 0 ? CST_USER(1) : CST_OK;
    if (how % 8 < 3)
        return cst_give(s, cst_slice_static("given", how % 6));
    if (how % 8 < 6)
        cst_push_copy(s, "pushed by the read slot", 1 + how % 23);
    return how % 8 == 7 ? CST_USER(1) : CST_OK;
}

static cst_status slot_destroy(cst_stream *s, void *self, const cst_error *error)
{
    (void)self;
    fuzz_say("\n%u destroy", number_of(s));
    say_error(error);
    return answer(s, false);
}

/* --- streams ---------------------------------------------------------------------------------- */

#define SLOTS_OF_ALL .self_size = sizeof(struct once), .destroy = slot_destroy

static const cst_ops plain_ops = { SLOTS_OF_ALL, .read = slot_read, .write = slot_write };
static const cst_ops full_ops = { SLOTS_OF_ALL,        .construct = slot,     .read = slot_read,
                                  .write = slot_write, .writev = slot_writev, .final = slot };
static const cst_ops transform_ops = { SLOTS_OF_ALL, .transform = slot_transform,
                                       .flush = slot_flush };
static const cst_ops silent_ops = { .self_size = sizeof(struct once) };

static cst_status make(struct program *p, cst_stream **out)
{
    static const size_t marks[] = { 0, 1, 4, 16, 64, 65536 };
    uint8_t kind = fuzz_byte(&p->input), flags = fuzz_byte(&p->input);
    const cst_ops *ops = kind & 8 ? &full_ops : &plain_ops;
    cst_opts opts = { .high_water_mark = marks[flags % 6],
                      .no_auto_destroy = (flags & 0x60) == 0x20,
                      .no_emit_close = (flags & 0x60) == 0x40,
                      .no_half_open = flags & 0x80 };

    const struct once self = { .number = ++p->made };

    switch (kind % 6) {
    case 0:
        return cst_readable_new(out, p->ctx, ops, &self, &opts);
    case 1:
        return cst_writable_new(out, p->ctx, ops, &self, &opts);
    case 2:
        return cst_duplex_new(out, p->ctx, ops, &self, &opts);
    case 3:
        return cst_transform_new(out, p->ctx, &transform_ops, &self, &opts);
    default:
        return cst_passthrough_new_with(out, p->ctx, &silent_ops, &self, &opts);
    }
}

static void make_stream(struct program *p, size_t at)
{
    static const cst_event_type once[] = { CST_END, CST_FINISH, CST_ERROR, CST_CLOSE };
    cst_stream *s;

    if (p->streams[at] || make(p, &s) < 0)
        return;
    p->streams[at] = s;
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        cst_on(s, once[i], on_once, NULL);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Return the record of a callback. If the call is then refused, the record stays unused. */
static struct done *new_done(struct program *p)
{
    struct done *done = p->n_dones < MOST_DONES ? &p->dones[p->n_dones] : NULL;

    if (done)
        done->number = (unsigned)p->n_dones++;
    return done;
}

static void owed(struct done *done, cst_status st)
{
    fuzz_say(" %d", st);
    if (done && (st == CST_E_INVALID_ARG || st == CST_E_NOMEM)) {
        fuzz_require(done->called == 0);
        done->called = 1;
    }
}

static void write_some(struct program *p, cst_stream *s, uint8_t how)
{
    struct done *done = how & 1 ? new_done(p) : NULL;
    cst_done_fn *fn = done ? on_done : NULL;

    switch (how % 5) {
    case 0:
    case 1:
        owed(done, cst_write(s, cst_slice_static("written", how % 8), fn, done));
        break;
    case 2:
        owed(done, cst_write_copy(s, "written as a copy", how % 18, fn, done));
        break;
    case 3:
        owed(done, cst_end(s, fn, done));
        break;
    default:
        owed(done, cst_end_with(s, cst_slice_static("the last", 8), fn, done));
    }
}

static void read_some(cst_stream *s, uint8_t how)
{
    cst_slice chunk;
    cst_status st = how & 1 ? cst_next(&chunk, s) : cst_read(&chunk, s, how % 9);

    fuzz_say(" %d", st);
    if (st != CST_OK)
        return;
    fuzz_say_chunk(&chunk);
    cst_slice_unref(&chunk);
}

static cst_status push_some(cst_stream *s, uint8_t how)
{
    switch (how % 8) {
    case 0:
        return cst_push_eof(s);
    case 1:
        return cst_unshift(s, cst_slice_static("back", how % 5));
    case 2:
        return cst_push_copy(s, "pushed as a copy", how % 17);
    default:
        return cst_push(s, cst_slice_static("pushed", how % 7));
    }
}

static cst_status listen(cst_stream *s, uint8_t how)
{
    cst_event_type type = (cst_event_type)(how / 8 % CST_EVENT_TYPES_);

    switch (how % 8) {
    case 0:
        return cst_off(s, type, on_event, NULL);
    case 1:
        return cst_off_all(s, type);
    case 2:
        return cst_once(s, type, on_event, NULL);
    case 3:
        return cst_prepend(s, type, on_event, NULL);
    default:
        return cst_on(s, type, on_event, NULL);
    }
}

/* Pick what the stream at this place is piped to. Pass-throughs are piped only forward: in a ring
 * of them alone, chunks go round for ever, as in Node. */
static size_t place_behind(struct program *p, size_t at)
{
    size_t place = fuzz_byte(&p->input) % STREAMS;

    if (p->streams[at] && cst_stream_ops(p->streams[at]) == &silent_ops && place <= at)
        return STREAMS;
    return place;
}

static cst_status join(struct program *p, cst_stream *s, size_t at, uint8_t how)
{
    size_t second = place_behind(p, at), third = place_behind(p, second);
    cst_stream *row[3] = { s, p->streams[second], p->streams[third] };

    switch (how % 6) {
    case 0:
        return cst_unpipe(s, how & 8 ? NULL : row[1]);
    case 1:
        return cst_pipeline(row, 2 + how / 8 % 2, NULL, on_outcome, NULL);
    case 2:
        return cst_finished(s, NULL, on_outcome, NULL);
    case 3:
        return cst_finished_cancel(s, on_outcome, NULL);
    default:
        return cst_pipe(s, row[1], &(cst_pipe_opts){ .no_end = how & 8 });
    }
}

static cst_status complete_one(struct program *p, uint8_t how)
{
    cst_call call;
    size_t at;

    if (p->n_calls == 0)
        return CST_EMPTY;
    at = how / 4 % p->n_calls;
    call = p->calls[at];
    p->calls[at] = p->calls[--p->n_calls];
    if (how % 4 == 0 && cst_complete_with(call, cst_slice_static("answer", 6)) != CST_E_INVALID_ARG)
        return CST_OK;
    return cst_complete(call, how % 4 == 1 ? CST_USER(1) : CST_OK);
}

static cst_status control(struct program *p, cst_stream *s, size_t at, uint8_t how)
{
    switch (how % 8) {
    case 0:
        return cst_destroy(s, how & 8 ? CST_USER(1) : CST_OK);
    case 1:
        p->streams[at] = NULL;
        cst_unref(s);
        return CST_OK;
    case 2:
        return cst_cork(s);
    case 3:
        return cst_uncork(s);
    case 4:
        return cst_pause(s);
    case 5:
        return cst_resume(s);
    case 6:
        p->heap.fail_in = how / 8;
        return CST_OK;
    default:
        return cst_ctx_run(p->ctx, &(cst_budget){ .tasks = 1000, .bytes = 10000 });
    }
}

/* Add all that is public about a stream to the trace. */
static void look_at(const cst_stream *s)
{
    if (!s)
        return;
    fuzz_say(" r%d%d%zu%d%d%d%d", cst_readable_flowing(s), cst_is_paused(s), cst_readable_length(s),
             cst_readable_ended(s), cst_readable_did_read(s), cst_readable_aborted(s),
             cst_is_readable(s));
    fuzz_say(" w%zu%d%zu%d%d%d%d", cst_writable_length(s), cst_writable_need_drain(s),
             cst_writable_corked(s), cst_writable_ended(s), cst_writable_finished(s),
             cst_writable_aborted(s), cst_is_writable(s));
    fuzz_say(" %d%d", cst_is_destroyed(s), cst_is_closed(s));
    say_error(cst_errored(s));
}

static void step(struct program *p)
{
    uint8_t what = fuzz_byte(&p->input), how = fuzz_byte(&p->input);
    size_t at = what / 16 % STREAMS;
    cst_stream *s = p->streams[at];
    cst_status st = CST_OK;

    fuzz_say("\n  %u calls %d %d", number_of(s), what % 16, how);
    switch (what % 16) {
    case 0:
    case 1:
        make_stream(p, at);
        break;
    case 2:
    case 3:
    case 4:
        write_some(p, s, how);
        break;
    case 5:
        read_some(s, how);
        break;
    case 6:
    case 7:
        st = push_some(s, how);
        break;
    case 8:
    case 9:
        st = listen(s, how);
        break;
    case 10:
    case 11:
        st = join(p, s, at, how);
        break;
    case 12:
    case 13:
        st = complete_one(p, how);
        break;
    default:
        st = control(p, s, at, how);
    }
    fuzz_say(" %d", st);
    look_at(p->streams[at]);
}

/* Make the next calls of the program: up to three. */
static void act(struct program *p)
{
    uint8_t count;

    if (p->depth >= DEEPEST || p->input.size == 0)
        return;
    p->depth++;
    for (count = fuzz_byte(&p->input) % 4; count > 0 && p->steps < MOST_STEPS; count--) {
        p->steps++;
        step(p);
    }
    p->depth--;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct program p;
    cst_allocator allocator = { fuzz_alloc, fuzz_free, &p.heap };

    p = (struct program){ .input = { data, size } };
    program = &p;
    fuzz_require(cst_ctx_new(&p.ctx, &allocator, NULL) == CST_OK);
    while (p.input.size > 0 && p.steps < MOST_STEPS) {
        act(&p);
        p.steps++;
    }
    cst_ctx_run(p.ctx, &(cst_budget){ .tasks = 10000, .bytes = 100000 });
    p.heap.fail_in = 0;
    for (size_t i = 0; i < STREAMS; i++)
        cst_unref(p.streams[i]);
    fuzz_require(cst_ctx_free(p.ctx) == CST_OK);
    for (size_t i = 0; i < p.n_dones; i++)
        fuzz_require(p.dones[i].called == 1);
    fuzz_require(p.heap.live == 0);
    return 0;
}

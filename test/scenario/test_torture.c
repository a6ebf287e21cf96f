/*
 * test_torture.c - every allocation may fail: each one in turn, alone, and together with all that follow, in lines of
 * streams of every sort. Nothing leaks, every callback that was accepted comes once, what was not accepted has changed
 * nothing, what came out is how the input begins, and every stream can still be destroyed.
 *
 * A run in which an allocation was made to fail is an injection point.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "heap.h"
#include "main.h"

#include <cstream/cstream.h>

#define INPUT 240
#define LONGEST 6
#define MOST_OWED 64
#define LATE 16
#define LEAST_POINTS 5000

static uint8_t input[INPUT];

enum joint { BY_PIPES, BY_PIPELINE, BY_COMPOSE, JOINTS };

struct line;

struct owed {
    struct line *line;
    bool accepted;
    bool silent; /* it need not come, as in Node: a pipeline's, a finished' */
    unsigned called;
};

struct line {
    struct test_heap heap;
    cst_ctx *ctx;
    cst_stream *row[LONGEST];
    size_t count;
    cst_stream *composed;
    cst_abort *abort;
    cst_chain out;
    size_t mark, chunk;
    bool late;
    cst_call late_calls[LATE];
    size_t late_count;
    struct owed owed[MOST_OWED];
    size_t owed_count;
    unsigned lent, released; /* slices whose release is counted */
    size_t given;            /* bytes of the input */
    bool broken;             /* something was not made */
    bool has_failed;         /* the sink */
};

/* --- what did not succeed has changed nothing ----------------------------------------------------------------------- */

struct state {
    size_t readable, writable, corked, listeners[CST_EVENT_TYPES_];
    cst_flowing flowing;
    bool destroyed, paused, ended, needs_drain;
};

static struct state state_of(const cst_stream *s)
{
    struct state state;

    memset(&state, 0, sizeof(state));
    state.readable = cst_readable_length(s);
    state.writable = cst_writable_length(s);
    state.corked = cst_writable_corked(s);
    state.flowing = cst_readable_flowing(s);
    state.destroyed = cst_is_destroyed(s);
    state.paused = cst_is_paused(s);
    state.ended = cst_writable_ended(s);
    state.needs_drain = cst_writable_need_drain(s);
    for (int type = 0; type < CST_EVENT_TYPES_; type++)
        state.listeners[type] = cst_listener_count(s, (cst_event_type)type);
    return state;
}

static void look(struct state *states, const struct line *line)
{
    for (size_t i = 0; i < line->count; i++)
        states[i] = state_of(line->row[i]);
}

static void unchanged(const struct state *states, const struct line *line)
{
    struct state now[LONGEST];

    look(now, line);
    for (size_t i = 0; i < line->count; i++)
        assert_memory_equal(&states[i], &now[i], sizeof(now[i]));
}

/* Whether a call was accepted; where it was not, that was for want of memory. */
static bool held(struct line *line, const struct state *before, cst_status st)
{
    if (st >= 0)
        return true;
    line->broken = true;
    if (st == CST_E_NOMEM)
        unchanged(before, line);
    else
        assert_true(line->heap.failures > 0); /* a stream failed before */
    return false;
}

/* --- callbacks ------------------------------------------------------------------------------------------------------ */

static struct owed *owe(struct line *line)
{
    assert_true(line->owed_count < MOST_OWED);
    line->owed[line->owed_count].line = line;
    return &line->owed[line->owed_count++];
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct owed *owed = arg;

    (void)s;
    (void)status;
    owed->called++;
}

static void on_outcome(const cst_error *error, void *arg)
{
    struct owed *owed = arg;

    (void)error;
    owed->called++;
}

static void on_item(const cst_error *error, const cst_slice *item, void *arg)
{
    (void)item;
    on_outcome(error, arg);
}

static void on_answer(const cst_error *error, bool answer, void *arg)
{
    (void)answer;
    on_outcome(error, arg);
}

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

static void on_release(const void *data, size_t len, void *arg)
{
    struct line *line = arg;

    (void)data;
    (void)len;
    line->released++;
}

/* --- slots ---------------------------------------------------------------------------------------------------------- */

struct part {
    struct line *line;
};

static cst_status answer(cst_stream *s, struct line *line)
{
    if (!line->late || line->late_count == LATE)
        return CST_OK;
    line->late_calls[line->late_count++] = cst_this_call(s);
    return CST_PENDING;
}

static cst_status slot_read(cst_stream *s, void *self, size_t size)
{
    struct line *line = ((struct part *)self)->line;
    size_t len = INPUT - line->given < line->chunk ? INPUT - line->given : line->chunk;

    (void)size;
    if (len == 0) {
        cst_push_eof(s);
        return CST_OK;
    }
    line->given += len;
    if (line->given % 3 == 0)
        return cst_give(s, cst_slice_static(input + line->given - len, len));
    cst_push_copy(s, input + line->given - len, len);
    return CST_OK;
}

/* A sink that has failed may be given what was queued behind, as in Node; nothing comes after a gap. */
static cst_status keep(struct line *line, const cst_slice *chunk)
{
    if (!line->has_failed && cst_chain_append(&line->out, cst_slice_ref(chunk)) < 0)
        line->has_failed = true;
    return line->has_failed ? CST_E_NOMEM : CST_OK;
}

static cst_status slot_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct line *line = ((struct part *)self)->line;
    cst_status st = keep(line, chunk);

    return st < 0 ? st : answer(s, line);
}

static cst_status slot_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct line *line = ((struct part *)self)->line;

    for (size_t i = 0; i < count; i++)
        if (keep(line, &chunks[i]) < 0)
            return CST_E_NOMEM;
    return answer(s, line);
}

static cst_status slot_end(cst_stream *s, void *self)
{
    return answer(s, ((struct part *)self)->line);
}

static cst_status slot_destroy(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    return answer(s, ((struct part *)self)->line);
}

static cst_status slot_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_push(s, cst_slice_sub(chunk, 0, 1));
    cst_push_copy(s, chunk->data + (chunk->len > 0), chunk->len - (chunk->len > 0));
    return answer(s, ((struct part *)self)->line);
}

#define OF_ALL .self_size = sizeof(struct part), .construct = slot_end, .destroy = slot_destroy

static const cst_ops source_ops = { OF_ALL, .name = "source", .read = slot_read };
static const cst_ops sink_ops = { OF_ALL, .name = "sink", .write = slot_write, .final = slot_end };
static const cst_ops vector_ops = { OF_ALL, .name = "vector", .writev = slot_writev };
static const cst_ops pushed_ops = { .name = "pushed" };
static const cst_ops filter_ops = { OF_ALL, .name = "filter", .transform = slot_transform,
                                    .flush = slot_end };

/* --- streams -------------------------------------------------------------------------------------------------------- */

/* Where a stream is not made, its place keeps what stood there. */
static void made(struct line *line, cst_status st)
{
    if (st == CST_OK) {
        line->count++;
        return;
    }
    assert_int_equal(st, CST_E_NOMEM);
    assert_null(line->row[line->count]);
    line->broken = true;
}

static cst_opts opts_of(const struct line *line)
{
    return (cst_opts){ .high_water_mark = line->mark };
}

#define MAKE(constructor, ...)                                                               \
    do {                                                                                     \
        cst_opts opts = opts_of(line);                                                       \
                                                                                             \
        if (!line->broken)                                                                   \
            made(line, constructor(&line->row[line->count], line->ctx, __VA_ARGS__, &opts)); \
    } while (0)

static void add_source(struct line *line)
{
    MAKE(cst_readable_new, &source_ops, &(struct part){ line });
}

static void add_sink(struct line *line)
{
    MAKE(cst_writable_new, &sink_ops, &(struct part){ line });
}

static void add_vector_sink(struct line *line)
{
    MAKE(cst_writable_new, &vector_ops, &(struct part){ line });
}

static void add_filter(struct line *line)
{
    MAKE(cst_transform_new, &filter_ops, &(struct part){ line });
}

static void add_passthrough(struct line *line)
{
    cst_opts opts = opts_of(line);

    if (!line->broken)
        made(line, cst_passthrough_new(&line->row[line->count], line->ctx, &opts));
}

static void add_memory_source(struct line *line)
{
    cst_slice bytes = cst_slice_empty();
    cst_status st =
        cst_slice_foreign(&bytes, test_heap_allocator(&line->heap), input, INPUT, on_release, line);

    if (st < 0)
        line->broken = true;
    else
        line->lent++;
    if (line->broken)
        cst_slice_unref(&bytes);
    MAKE(cst_memory_source_new, bytes);
}

static void add_memory_sink(struct line *line)
{
    MAKE(cst_memory_sink_new, &line->out, 0);
}

static cst_status next_item(void *arg, cst_slice *out)
{
    struct line *line = arg;

    if (line->given >= INPUT)
        return CST_EOF;
    line->given += line->chunk;
    return cst_slice_copy(out, test_heap_allocator(&line->heap), input + line->given - line->chunk,
                          line->given > INPUT ? INPUT + line->chunk - line->given : line->chunk);
}

static void add_from(struct line *line)
{
    MAKE(cst_from_fn_new, next_item, line);
}

static void add_array(struct line *line)
{
    cst_slice items[3] = { cst_slice_static(input, 50), cst_slice_static(input + 50, 90),
                           cst_slice_static(input + 140, 100) };

    MAKE(cst_from_array_new, items, 3);
}

static cst_status map(void *arg, const cst_slice *chunk, cst_slice *out)
{
    struct line *line = arg;

    return cst_slice_copy(out, test_heap_allocator(&line->heap), chunk->data, chunk->len);
}

static cst_status test(void *arg, const cst_slice *chunk, bool *out)
{
    (void)arg;
    *out = chunk->len > 0;
    return CST_OK;
}

static cst_status flat_map(void *arg, const cst_slice *chunk, cst_stream *s)
{
    (void)arg;
    cst_push_copy(s, chunk->data, chunk->len);
    return CST_OK;
}

static void add_map(struct line *line)
{
    MAKE(cst_map_new, map, line);
}

static void add_filter_operator(struct line *line)
{
    MAKE(cst_filter_new, test, line);
}

static void add_flat_map(struct line *line)
{
    MAKE(cst_flat_map_new, flat_map, line);
}

static void add_take(struct line *line)
{
    MAKE(cst_take_new, 2);
}

static void add_to_text(struct line *line)
{
    MAKE(cst_to_text_new, CST_HEX);
}

static void add_from_text(struct line *line)
{
    MAKE(cst_from_text_new, CST_HEX);
}

static cst_status reduce(void *arg, const cst_slice *so_far, const cst_slice *chunk, cst_slice *out)
{
    const cst_slice both[2] = { *so_far, *chunk };
    struct owed *owed = arg;

    return cst_slice_concat(out, test_heap_allocator(&owed->line->heap), both, 2);
}

static cst_status each(void *arg, const cst_slice *chunk)
{
    (void)arg;
    (void)chunk;
    return CST_OK;
}

/* Consuming ends owe their result once they are made. */
#define CONSUME(constructor, ...)              \
    do {                                       \
        struct owed *owed = owe(line);         \
        size_t before = line->count;           \
                                               \
        MAKE(constructor, __VA_ARGS__, owed);  \
        owed->accepted = line->count > before; \
    } while (0)

static void add_to_array(struct line *line)
{
    CONSUME(cst_to_array_new, &line->out, on_outcome);
}

static void add_for_each(struct line *line)
{
    CONSUME(cst_for_each_new, each, on_outcome);
}

static void add_some(struct line *line)
{
    CONSUME(cst_some_new, test, on_answer);
}

static void add_find(struct line *line)
{
    CONSUME(cst_find_new, test, on_item);
}

static void add_reduce(struct line *line)
{
    CONSUME(cst_reduce_new, reduce, NULL, on_item);
}

static void add_pair(struct line *line)
{
    cst_stream *other = NULL;
    cst_opts opts = opts_of(line);
    cst_status st;

    if (line->broken)
        return;
    st = cst_duplex_pair_new(&line->row[line->count], &other, line->ctx, &opts);
    made(line, st);
    if (st == CST_OK && cst_pipe(other, other, NULL) < 0)
        line->broken = true;
    cst_unref(other);
}

/* --- rows ----------------------------------------------------------------------------------------------------------- */

typedef void add_fn(struct line *line);

struct row {
    const char *name;
    add_fn *add[LONGEST];
    bool whole; /* what goes in comes out */
};

static const struct row rows[] = {
    { "straight", { add_source, add_sink }, true },
    { "memory", { add_memory_source, add_passthrough, add_memory_sink }, true },
    { "filters", { add_source, add_filter, add_passthrough, add_filter, add_sink }, true },
    { "vector", { add_source, add_passthrough, add_passthrough, add_vector_sink }, true },
    { "echo", { add_source, add_pair, add_sink }, true },
    { "text", { add_memory_source, add_to_text, add_from_text, add_memory_sink }, true },
    { "operators", { add_from, add_map, add_filter_operator, add_flat_map, add_to_array }, true },
    { "take", { add_array, add_passthrough, add_take, add_memory_sink }, false },
    { "for each", { add_array, add_map, add_for_each }, false },
    { "reduce", { add_array, add_passthrough, add_reduce }, false },
    { "some", { add_from, add_passthrough, add_some }, false },
    { "find", { add_array, add_filter, add_find }, false },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* --- joining -------------------------------------------------------------------------------------------------------- */

static void join_by_pipes(struct line *line)
{
    for (size_t i = 0; i + 1 < line->count; i++) {
        struct state before[LONGEST];

        look(before, line);
        if (!held(line, before, cst_pipe(line->row[i], line->row[i + 1], NULL)))
            return;
    }
}

static void join_by_pipeline(struct line *line, cst_stream *const *row, size_t count)
{
    cst_pipeline_opts opts = { .signal = line->abort };
    struct owed *owed = owe(line);
    struct state before[LONGEST];

    look(before, line);
    owed->silent = true;
    owed->accepted = held(line, before, cst_pipeline(row, count, &opts, on_outcome, owed));
}

/* The stages between the ends become one. */
static void join_by_compose(struct line *line)
{
    size_t inner = line->count - 2;
    cst_stream *row[3] = { line->row[0], NULL, line->row[line->count - 1] };
    struct state before[LONGEST];

    if (inner == 0) {
        join_by_pipeline(line, line->row, line->count);
        return;
    }
    look(before, line);
    if (!held(line, before, cst_compose_new(&line->composed, line->row + 1, inner, NULL)))
        return;
    row[1] = line->composed;
    join_by_pipeline(line, row, 3);
}

/* --- what else may be asked of a line ------------------------------------------------------------------------------- */

static void watch(struct line *line, cst_stream *s)
{
    struct state before[LONGEST];
    struct owed *owed = owe(line);

    look(before, line);
    owed->silent = true;
    owed->accepted = held(line, before, cst_finished(s, NULL, on_outcome, owed));
    look(before, line);
    held(line, before, cst_on(s, CST_ERROR, on_event, NULL));
    look(before, line);
    held(line, before, cst_once(s, CST_CLOSE, on_event, NULL));
    look(before, line);
    held(line, before, cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 1000000 }));
    look(before, line);
    if (line->abort)
        held(line, before, cst_abort_attach(line->abort, s));
}

/* A write and an end by hand, of a stream that is not piped into: chunks are taken whatever is answered. */
static void write_by_hand(struct line *line, cst_stream *s)
{
    cst_slice bytes = cst_slice_empty();
    struct owed *owed = owe(line);
    cst_status st;

    if (cst_slice_foreign(&bytes, test_heap_allocator(&line->heap), input, 9, on_release, line) < 0)
        return;
    line->lent++;
    cst_cork(s);
    st = cst_write(s, bytes, on_done, owed);
    owed->accepted = st != CST_E_NOMEM;
    owed = owe(line);
    st = cst_write_copy(s, "copied", 6, on_done, owed);
    owed->accepted = st != CST_E_NOMEM;
    cst_uncork(s);
    owed = owe(line);
    st = cst_end(s, on_done, owed);
    owed->accepted = st != CST_E_NOMEM;
}

/* A sink and a source of their own beside the line. */
static void use_by_hand(struct line *line)
{
    cst_slice chunk, bytes = cst_slice_empty();
    cst_stream *r = NULL, *w = NULL;

    if (cst_writable_new(&w, line->ctx, &vector_ops, &(struct part){ line }, NULL) == CST_OK) {
        cst_on(w, CST_ERROR, on_event, NULL);
        write_by_hand(line, w);
        cst_unref(w);
    }
    if (cst_readable_new(&r, line->ctx, &pushed_ops, NULL, NULL) == CST_OK) {
        cst_on(r, CST_ERROR, on_event, NULL);
        cst_set_encoding(r, CST_BASE64);
        cst_push_copy(r, "four bytes and more", 19);
        if (cst_slice_foreign(&bytes, test_heap_allocator(&line->heap), input, 5, on_release,
                              line) == CST_OK) {
            line->lent++;
            cst_push(r, bytes);
        }
        cst_unshift(r, cst_slice_static("back", 4));
        while (cst_read(&chunk, r, 7) == CST_OK)
            cst_slice_unref(&chunk);
        cst_destroy(r, CST_OK);
        cst_unref(r);
    }
}

/* --- a run ---------------------------------------------------------------------------------------------------------- */

struct way {
    enum joint joint;
    size_t mark, chunk;
    bool late, by_hand, destroyed;
};

static void turn(struct line *line, uint64_t now_ns)
{
    cst_status st;

    if (line->late_count > 0) {
        cst_call call = line->late_calls[0];

        line->late_count--;
        memmove(line->late_calls, line->late_calls + 1, line->late_count * sizeof(call));
        cst_complete(call, CST_OK);
    }
    st = cst_ctx_run(line->ctx, &(cst_budget){ .now_ns = now_ns, .tasks = 100000 });
    assert_true(st == CST_IDLE || st == CST_E_UNHANDLED);
}

static void build(struct line *line, const struct row *row, enum joint joint)
{
    if (cst_abort_new(&line->abort, line->ctx) < 0)
        line->broken = true;
    for (size_t i = 0; i < LONGEST && row->add[i]; i++)
        row->add[i](line);
    for (size_t i = 0; i < line->count; i++)
        watch(line, line->row[i]);
    if (line->broken)
        return;
    if (joint == BY_PIPES)
        join_by_pipes(line);
    else if (joint == BY_PIPELINE)
        join_by_pipeline(line, line->row, line->count);
    else
        join_by_compose(line);
}

/* All of the input, or its beginning. */
static void check_output(struct line *line, const struct row *row, const struct way *way)
{
    static uint8_t got[INPUT + 1];
    size_t len = cst_chain_peek(&line->out, got, sizeof(got));

    if (!row->whole || way->by_hand)
        return;
    assert_true(len <= INPUT);
    assert_memory_equal(got, input, len);
    if (line->heap.failures == 0 && !way->destroyed)
        assert_int_equal(len, INPUT);
}

static void check_callbacks(const struct line *line)
{
    for (size_t i = 0; i < line->owed_count; i++) {
        const struct owed *owed = &line->owed[i];

        assert_in_range(owed->called, owed->accepted && !owed->silent ? 1 : 0,
                        owed->accepted ? 1 : 0);
    }
    assert_int_equal(line->lent, line->released);
}

static void let_go(struct line *line)
{
    for (size_t i = 0; i < line->count; i++)
        cst_unref(line->row[i]);
    cst_unref(line->composed);
    cst_abort_unref(line->abort);
    assert_int_equal(cst_ctx_free(line->ctx), CST_OK);
}

static void run(struct line *line, const struct row *row, const struct way *way)
{
    uint64_t now_ns = 0;

    build(line, row, way->joint);
    if (way->by_hand)
        use_by_hand(line);
    for (int i = 0; i < 3 || (line->late_count > 0 && i < 2000); i++) {
        if (way->destroyed && i == 2)
            for (size_t at = 0; at < line->count; at++)
                cst_destroy(line->row[at], at % 2 ? CST_USER(1) : CST_OK);
        turn(line, now_ns += 1000);
    }
    check_output(line, row, way);
    for (size_t i = 0; i < line->count; i++)
        assert_int_equal(cst_destroy(line->row[i], CST_OK), CST_OK);
    for (int i = 0; i < 30; i++)
        turn(line, now_ns += 1000);
    let_go(line);
}

enum fault { ONCE, FROM_THERE, FAULTS };

/* Gives whether the run was an injection point: there was an n-th allocation. */
static bool run_with_fault(const struct row *row, const struct way *way, enum fault fault, size_t n)
{
    struct line line = { .mark = way->mark, .chunk = way->chunk, .late = way->late };

    test_heap_init(&line.heap);
    cst_chain_init(&line.out, test_heap_allocator(&line.heap));
    if (fault == ONCE)
        test_heap_fail_at(&line.heap, n);
    else
        test_heap_fail_from(&line.heap, n);
    if (cst_ctx_new(&line.ctx, test_heap_allocator(&line.heap), NULL) == CST_OK)
        run(&line, row, way);
    else
        assert_null(line.ctx);
    cst_chain_fini(&line.out);
    check_callbacks(&line);
    assert_int_equal(line.heap.live_blocks, 0);
    return line.heap.failures > 0;
}

static size_t points;

static void torture(const struct row *row, const struct way *way)
{
    for (int fault = 0; fault < FAULTS; fault++)
        for (size_t n = 1; run_with_fault(row, way, (enum fault)fault, n); n++)
            points++;
}

static const struct way ways[] = {
    { .chunk = 16 },
    { .mark = 1, .chunk = 16 },
    { .mark = 20, .chunk = 48, .late = true },
    { .mark = 7, .chunk = 3 },
    { .chunk = 16, .by_hand = true },
    { .mark = 10, .chunk = 24, .late = true, .destroyed = true },
};

static void each_allocation_fails_in_turn(void **state)
{
    enum joint joint = *(enum joint *)*state;

    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)(i * 7 + i / 13);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
            struct way way = ways[k];

            way.joint = joint;
            torture(&rows[i], &way);
        }
    }
}

static void there_were_enough_of_them(void **state)
{
    (void)state;
    printf("%zu injection points\n", points);
    assert_true(points >= LEAST_POINTS);
}

static enum joint joints[JOINTS] = { BY_PIPES, BY_PIPELINE, BY_COMPOSE };

static const struct CMUnitTest tests[] = {
    { "each_allocation_fails_in_turn_with_pipes", each_allocation_fails_in_turn, NULL, NULL,
      &joints[BY_PIPES] },
    { "each_allocation_fails_in_turn_in_a_pipeline", each_allocation_fails_in_turn, NULL, NULL,
      &joints[BY_PIPELINE] },
    { "each_allocation_fails_in_turn_in_a_composition", each_allocation_fails_in_turn, NULL, NULL,
      &joints[BY_COMPOSE] },
    cmocka_unit_test(there_were_enough_of_them),
};

TEST_MAIN(tests)

/*
 * test_torture.c - every allocation may fail: each in turn, alone, and together with all later
 * ones, in lines of streams of every kind. Nothing leaks. Every callback that was accepted is
 * called once. A call that was not accepted has changed nothing. The output is a prefix of the
 * input. Every stream can still be destroyed.
 *
 * A run in which an allocation fails is an injection point.
 */
#include "main.h"

#include <string.h>

#include "heap.h"

#include <cstream/cstream.h>

#define INPUT 240
#define LONGEST 6
#define MOST_OWED 64
#define LATE 16
#define FEWEST_POINTS 6000 /* for each way to join lines */

static uint8_t input[INPUT];

enum joint { BY_PIPES, BY_PIPELINE, BY_COMPOSE, JOINTS };

struct line;

/* What is noted of a stream before a call. If the call fails, it must not have changed. */
struct state {
    size_t readable, writable, corked, listeners[CST_EVENT_TYPES_];
    cst_flowing flowing;
    bool destroyed, paused, ended, needs_drain;
};

struct owed {
    struct line *line;
    bool accepted;
    bool silent; /* it may also not be called, as in Node: of a pipeline or a finished */
    unsigned called;
};

struct line {
    struct test_heap heap;
    size_t blocks_before; /* live blocks when there is only the context */
    cst_ctx *ctx;
    cst_stream *row[LONGEST];
    struct state before[LONGEST];
    size_t count;
    cst_stream *composed, *apart, *other; /* streams beside the row, or NULL */
    cst_abort *abort;
    cst_chain out;
    size_t mark, chunk;
    bool late;
    cst_call late_calls[LATE];
    size_t late_count;
    struct owed owed[MOST_OWED];
    size_t owed_count;
    unsigned lent, released; /* slices whose release is counted */
    size_t given;            /* bytes of the input that the source has produced */
    bool broken;             /* something could not be made */
    bool has_failed;         /* the sink has failed */
};

/* --- what did not succeed has changed nothing ------------------------------------------------- */

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

static bool is_held(struct line *line, cst_status st)
{
    struct state now[LONGEST];

    if (st >= 0)
        return true;
    line->broken = true;
    if (st != CST_E_NOMEM) {
        assert_true(line->heap.failures > 0); /* a stream has failed before */
        return false;
    }
    look(now, line);
    for (size_t i = 0; i < line->count; i++)
        assert_memory_equal(&line->before[i], &now[i], sizeof(now[i]));
    return false;
}

/* Make a call. Return whether it was accepted. If not, memory must have failed; if it was the
 * memory of this call, nothing may have changed. */
#define HELD(line, call) (look((line)->before, line), is_held(line, call))

/* --- callbacks -------------------------------------------------------------------------------- */

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

/* --- slots ------------------------------------------------------------------------------------ */

/* Return the line: the state (self) of every stream is a pointer to it. */
static struct line *line_of(void *self)
{
    return *(struct line **)self;
}

static cst_status answer(cst_stream *s, struct line *line)
{
    if (!line->late || line->late_count == LATE)
        return CST_OK;
    line->late_calls[line->late_count++] = cst_this_call(s);
    return CST_PENDING;
}

static cst_status slot_read(cst_stream *s, void *self, size_t size)
{
    struct line *line = line_of(self);
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

/* Append a chunk to the output. As in Node, a sink that has failed may still get what was queued:
 * that is not appended, so that the output has no gap. */
static cst_status keep(struct line *line, const cst_slice *chunk)
{
    if (!line->has_failed && cst_chain_append(&line->out, cst_slice_ref(chunk)) < 0)
        line->has_failed = true;
    return line->has_failed ? CST_E_NOMEM : CST_OK;
}

static cst_status slot_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct line *line = line_of(self);
    cst_status st = keep(line, chunk);

    return st < 0 ? st : answer(s, line);
}

static cst_status slot_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct line *line = line_of(self);

    for (size_t i = 0; i < count; i++)
        if (keep(line, &chunks[i]) < 0)
            return CST_E_NOMEM;
    return answer(s, line);
}

static cst_status slot_writev_apart(cst_stream *s, void *self, const cst_slice *chunks,
                                    size_t count)
{
    (void)chunks;
    (void)count;
    return answer(s, line_of(self));
}

static cst_status slot_end(cst_stream *s, void *self)
{
    return answer(s, line_of(self));
}

static cst_status slot_destroy(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    return answer(s, line_of(self));
}

static cst_status slot_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_push(s, cst_slice_sub(chunk, 0, 1));
    cst_push_copy(s, chunk->data + (chunk->len > 0), chunk->len - (chunk->len > 0));
    return answer(s, line_of(self));
}

#define OF_ALL .self_size = sizeof(struct line *), .construct = slot_end, .destroy = slot_destroy

static const cst_ops source_ops = { OF_ALL, .name = "source", .read = slot_read };
static const cst_ops sink_ops = { OF_ALL, .name = "sink", .write = slot_write, .final = slot_end };
static const cst_ops vector_ops = { OF_ALL, .name = "vector", .writev = slot_writev };
static const cst_ops apart_ops = { OF_ALL, .name = "apart", .writev = slot_writev_apart };
static const cst_ops plain_ops = { .name = "plain" };
static const cst_ops filter_ops = { OF_ALL, .name = "filter", .transform = slot_transform,
                                    .flush = slot_end };

/* --- streams ---------------------------------------------------------------------------------- */

/* Count a stream that was made. If it was not, its place must be unchanged. */
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

/* Make one stream more, if all went well so far. Among the arguments, `opts` are its options. */
#define MAKE(constructor, ...)                                                        \
    do {                                                                              \
        cst_opts opts = { .high_water_mark = line->mark };                            \
                                                                                      \
        if (!line->broken)                                                            \
            made(line, constructor(&line->row[line->count], line->ctx, __VA_ARGS__)); \
    } while (0)

#define ADD(name, ...)                        \
    static void add_##name(struct line *line) \
    {                                         \
        MAKE(__VA_ARGS__);                    \
    }

/* Make a consuming end. If it is made, its callback must be called. */
#define ADD_END(name, ...)                     \
    static void add_##name(struct line *line)  \
    {                                          \
        struct owed *owed = owe(line);         \
        size_t before = line->count;           \
                                               \
        MAKE(__VA_ARGS__, owed);               \
        owed->accepted = line->count > before; \
    }

/* Make a slice whose release is counted. Return false if there is no memory. */
static bool lend(struct line *line, cst_slice *out, size_t len)
{
    cst_status st =
        cst_slice_foreign(out, test_heap_allocator(&line->heap), input, len, on_release, line);

    line->lent += st == CST_OK;
    return st == CST_OK;
}

static void add_memory_source(struct line *line)
{
    cst_slice bytes;

    if (!lend(line, &bytes, INPUT))
        line->broken = true;
    else if (line->broken)
        cst_slice_unref(&bytes);
    MAKE(cst_memory_source_new, bytes, &opts);
}

static cst_status next_item(cst_slice *out, void *arg)
{
    struct line *line = arg;

    if (line->given >= INPUT)
        return CST_EOF;
    line->given += line->chunk;
    return cst_slice_copy(out, test_heap_allocator(&line->heap), input + line->given - line->chunk,
                          line->given > INPUT ? INPUT + line->chunk - line->given : line->chunk);
}

static void add_array(struct line *line)
{
    cst_slice items[3] = { cst_slice_static(input, 50), cst_slice_static(input + 50, 90),
                           cst_slice_static(input + 140, 100) };

    MAKE(cst_from_array_new, items, 3, &opts);
}

static cst_status map(cst_slice *out, const cst_slice *chunk, void *arg)
{
    struct line *line = arg;

    return cst_slice_copy(out, test_heap_allocator(&line->heap), chunk->data, chunk->len);
}

static cst_status test(bool *out, const cst_slice *chunk, void *arg)
{
    (void)arg;
    *out = chunk->len > 0;
    return CST_OK;
}

static cst_status flat_map(cst_stream *s, const cst_slice *chunk, void *arg)
{
    (void)arg;
    cst_push_copy(s, chunk->data, chunk->len);
    return CST_OK;
}

static cst_status reduce(cst_slice *out, const cst_slice *so_far, const cst_slice *chunk, void *arg)
{
    const cst_slice both[2] = { *so_far, *chunk };
    struct owed *owed = arg;

    return cst_slice_concat(out, test_heap_allocator(&owed->line->heap), both, 2);
}

static cst_status each(const cst_slice *chunk, void *arg)
{
    (void)arg;
    (void)chunk;
    return CST_OK;
}

ADD(source, cst_readable_new, &source_ops, &line, &opts)
ADD(sink, cst_writable_new, &sink_ops, &line, &opts)
ADD(vector_sink, cst_writable_new, &vector_ops, &line, &opts)
ADD(filter, cst_transform_new, &filter_ops, &line, &opts)
ADD(passthrough, cst_passthrough_new_with, &plain_ops, NULL, &opts)
ADD(memory_sink, cst_memory_sink_new, &line->out, 0, &opts)
ADD(from, cst_from_fn_new, &opts, next_item, line)
ADD(map, cst_map_new, &opts, map, line)
ADD(filter_operator, cst_filter_new, &opts, test, line)
ADD(flat_map, cst_flat_map_new, &opts, flat_map, line)
ADD(take, cst_take_new, 2, &opts)
ADD(to_text, cst_to_text_new, CST_HEX, &opts)
ADD(from_text, cst_from_text_new, CST_HEX, &opts)
ADD_END(to_array, cst_to_array_new, &line->out, &opts, on_outcome)
ADD_END(for_each, cst_for_each_new, &opts, each, on_outcome)
ADD_END(some, cst_some_new, &opts, test, on_answer)
ADD_END(find, cst_find_new, &opts, test, on_item)
ADD_END(reduce, cst_reduce_new, NULL, &opts, reduce, on_item)

/* Make a pair that sends back what is written to it. */
static void add_pair(struct line *line)
{
    cst_opts opts = { .high_water_mark = line->mark };
    cst_status st;

    if (line->broken)
        return;
    st = cst_duplex_pair_new(&line->row[line->count], &line->other, line->ctx, &opts);
    made(line, st);
    if (st == CST_OK && cst_pipe(line->other, line->other, NULL) < 0)
        line->broken = true;
}

/* --- rows ------------------------------------------------------------------------------------- */

typedef void add_fn(struct line *line);

struct row {
    const char *name;
    add_fn *add[LONGEST];
    size_t out; /* how many bytes come out: a prefix of the input */
};

static const struct row rows[] = {
    { "straight", { add_source, add_sink }, INPUT },
    { "memory", { add_memory_source, add_passthrough, add_memory_sink }, INPUT },
    { "filters", { add_source, add_filter, add_passthrough, add_filter, add_sink }, INPUT },
    { "vector", { add_source, add_passthrough, add_passthrough, add_vector_sink }, INPUT },
    { "echo", { add_source, add_pair, add_sink }, INPUT },
    { "text", { add_memory_source, add_to_text, add_from_text, add_memory_sink }, INPUT },
    { "operators", { add_from, add_map, add_filter_operator, add_flat_map, add_to_array }, INPUT },
    { "take", { add_array, add_passthrough, add_take, add_memory_sink }, 140 },
    { "for each", { add_array, add_map, add_for_each }, 0 },
    { "reduce", { add_array, add_passthrough, add_reduce }, 0 },
    { "some", { add_from, add_passthrough, add_some }, 0 },
    { "find", { add_array, add_filter, add_find }, 0 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* --- joining ---------------------------------------------------------------------------------- */

static void join_by_pipes(struct line *line)
{
    for (size_t i = 0; i + 1 < line->count; i++)
        if (!HELD(line, cst_pipe(line->row[i], line->row[i + 1], NULL)))
            return;
}

static void join_by_pipeline(struct line *line, cst_stream *const *row, size_t count)
{
    cst_pipeline_opts opts = { .signal = line->abort };
    struct owed *owed = owe(line);

    owed->silent = true;
    owed->accepted = HELD(line, cst_pipeline(row, count, &opts, on_outcome, owed));
}

/* Compose the stages between the ends into one stream. */
static void join_by_compose(struct line *line)
{
    size_t inner = line->count - 2;
    cst_stream *row[3] = { line->row[0], NULL, line->row[line->count - 1] };

    if (inner == 0) {
        join_by_pipeline(line, line->row, line->count);
        return;
    }
    if (!HELD(line, cst_compose_new(&line->composed, line->row + 1, inner, NULL)))
        return;
    row[1] = line->composed;
    join_by_pipeline(line, row, 3);
}

/* --- what else may be asked of a line --------------------------------------------------------- */

static void watch(struct line *line, cst_stream *s)
{
    struct owed *owed = owe(line);

    owed->silent = true;
    owed->accepted = HELD(line, cst_finished(s, NULL, on_outcome, owed));
    HELD(line, cst_on(s, CST_ERROR, on_event, NULL));
    HELD(line, cst_once(s, CST_CLOSE, on_event, NULL));
    HELD(line, cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 1000000 }));
    if (line->abort)
        HELD(line, cst_abort_attach(line->abort, s));
}

/* Write and end. The chunk is taken, whatever is returned. */
static void write_by_hand(struct line *line, cst_stream *s)
{
    cst_slice bytes;
    struct owed *owed[3] = { owe(line), owe(line), owe(line) };

    cst_cork(s);
    if (lend(line, &bytes, 9))
        owed[0]->accepted = cst_write(s, bytes, on_done, owed[0]) != CST_E_NOMEM;
    owed[1]->accepted = cst_write_copy(s, "copied", 6, on_done, owed[1]) != CST_E_NOMEM;
    cst_uncork(s);
    owed[2]->accepted = cst_end(s, on_done, owed[2]) != CST_E_NOMEM;
}

static void push_and_read_by_hand(struct line *line, cst_stream *s)
{
    cst_slice chunk;

    cst_set_encoding(s, CST_BASE64);
    cst_push_copy(s, "four bytes and more", 19);
    if (lend(line, &chunk, 5))
        cst_push(s, chunk);
    cst_unshift(s, cst_slice_static("back", 4));
    while (cst_read(&chunk, s, 7) == CST_OK)
        cst_slice_unref(&chunk);
    cst_destroy(s, CST_OK);
}

/* Use a sink and a source that are not part of the line. */
static void use_by_hand(struct line *line)
{
    cst_stream *r = NULL;

    if (cst_writable_new(&line->apart, line->ctx, &apart_ops, &line, NULL) == CST_OK) {
        cst_on(line->apart, CST_ERROR, on_event, NULL);
        write_by_hand(line, line->apart);
    }
    if (cst_readable_new(&r, line->ctx, &plain_ops, NULL, NULL) == CST_OK) {
        cst_on(r, CST_ERROR, on_event, NULL);
        push_and_read_by_hand(line, r);
    }
    cst_unref(r);
}

/* --- a run ------------------------------------------------------------------------------------ */

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

/* Check the output: all that the row lets out, or a prefix if something failed or was destroyed. */
static void check_output(struct line *line, const struct row *row, const struct way *way)
{
    static uint8_t got[INPUT + 1];
    size_t len = cst_chain_copy(got, &line->out, sizeof(got));

    assert_in_range(len, line->heap.failures > 0 || way->destroyed ? 0 : row->out, row->out);
    assert_memory_equal(got, input, len);
}

/* Check the callbacks. If no allocation has failed, the silent ones must have been called too. */
static void check_callbacks(const struct line *line)
{
    bool all = line->heap.failures == 0;

    for (size_t i = 0; i < line->owed_count; i++) {
        const struct owed *owed = &line->owed[i];

        assert_in_range(owed->called, owed->accepted && (all || !owed->silent), owed->accepted);
    }
    assert_int_equal(line->lent, line->released);
}

static void destroy_all(struct line *line)
{
    for (size_t i = 0; i < line->count; i++)
        assert_int_equal(cst_destroy(line->row[i], CST_OK), CST_OK);
    cst_destroy(line->composed, CST_OK);
    cst_destroy(line->apart, CST_OK);
    cst_destroy(line->other, CST_OK);
}

/* Drop all streams. Without caches, their blocks are freed before the context is. */
static void let_go(struct line *line)
{
    for (size_t i = 0; i < line->count; i++)
        cst_unref(line->row[i]);
    cst_unref(line->composed);
    cst_unref(line->apart);
    cst_unref(line->other);
    cst_abort_unref(line->abort);
    cst_chain_fini(&line->out);
#ifdef CST_NO_CACHE
    assert_int_equal(line->heap.live_blocks, line->blocks_before);
#endif
    assert_int_equal(cst_ctx_free(line->ctx), CST_OK);
}

static void run(struct line *line, const struct row *row, const struct way *way)
{
    uint64_t now_ns = 0;

    line->blocks_before = line->heap.live_blocks;
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
    destroy_all(line);
    for (int i = 0; i < 30; i++)
        turn(line, now_ns += 1000);
    let_go(line);
}

/* Run with a failing n-th allocation. Return whether there was one. */
static bool run_with_fault(const struct row *row, const struct way *way, bool from_there, size_t n)
{
    struct line line = { .mark = way->mark, .chunk = way->chunk, .late = way->late };

    test_heap_init(&line.heap);
    cst_chain_init(&line.out, test_heap_allocator(&line.heap));
    (from_there ? test_heap_fail_from : test_heap_fail_at)(&line.heap, n);
    if (cst_ctx_new(&line.ctx, test_heap_allocator(&line.heap), NULL) == CST_OK)
        run(&line, row, way);
    else
        assert_null(line.ctx);
    check_callbacks(&line);
    assert_int_equal(line.heap.live_blocks, 0);
    return line.heap.failures > 0;
}

static size_t torture(const struct row *row, const struct way *way)
{
    size_t points = 0;

    for (int from_there = 0; from_there < 2; from_there++)
        for (size_t n = 1; run_with_fault(row, way, from_there, n); n++)
            points++;
    return points;
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
    size_t points = 0;

    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)(i * 7 + i / 13);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
            struct way way = ways[k];

            way.joint = *(enum joint *)*state;
            points += torture(&rows[i], &way);
        }
    }
    printf("%zu injection points\n", points);
    assert_true(points >= FEWEST_POINTS);
}

static enum joint joints[JOINTS] = { BY_PIPES, BY_PIPELINE, BY_COMPOSE };

static const struct CMUnitTest tests[] = {
    { "each_allocation_fails_in_turn_with_pipes", each_allocation_fails_in_turn, NULL, NULL,
      &joints[BY_PIPES] },
    { "each_allocation_fails_in_turn_in_a_pipeline", each_allocation_fails_in_turn, NULL, NULL,
      &joints[BY_PIPELINE] },
    { "each_allocation_fails_in_turn_in_a_composition", each_allocation_fails_in_turn, NULL, NULL,
      &joints[BY_COMPOSE] },
};

TEST_MAIN(tests)

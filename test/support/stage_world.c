/*
 * stage_world.c - see stage_world.h.
 */
#include "stage_world.h"

#include <stdlib.h>
#include <string.h>

enum { EXHAUSTIVE_TO = 9, RANDOM_RUNS = 60, ENDLESS = 2000000 };

enum taker { LISTENS, AT_ONCE, BY_TASK, NEXT_TURN, TAKERS };
enum stop { NO_STOP, DESTROY, FAIL, LEAVE, STOPS };

/* One way: how the input is cut (bit i of cuts: behind byte i; or random pieces of at most `most`
 * bytes), who takes the output, and what goes wrong. */
struct way {
    uint64_t cuts;
    size_t most;
    uint64_t seed;
    size_t mark;
    enum taker taker;
    bool by_hand, has_empties;
    size_t fail_at;
    bool fails_from_there;
    enum stop stop;
    size_t stop_after;
};

struct run {
    const struct test_stage_case *test;
    const struct way *way;
    struct test_heap heap, inputs;
    cst_ctx *ctx;
    cst_stream *source, *stage, *sink;
    cst_slice *chunks;
    size_t count;
    struct test_output output;
    size_t writes, dones, outcomes;
    cst_status outcome;
    cst_call owed;
    bool owes, is_stopped;
    cst_task task;
    uint64_t now_ns;
    size_t steps;
};

uint64_t test_random(uint64_t *seed)
{
    *seed += 0x9E3779B97F4A7C15u;
    uint64_t z = *seed;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* --- the output ------------------------------------------------------------------------------- */

static void add_bytes(struct test_output *output, const void *bytes, size_t len)
{
    if (output->len + len > output->room) {
        output->room = 2 * (output->len + len);
        output->bytes = realloc(output->bytes, output->room);
        assert_non_null(output->bytes);
    }
    if (len > 0)
        memcpy(output->bytes + output->len, bytes, len);
    output->len += len;
}

void test_output_add(struct test_output *output, const cst_slice *chunk)
{
    const uint32_t len = (uint32_t)chunk->len;

    if (output->keeps_messages)
        add_bytes(output, &len, sizeof len);
    add_bytes(output, chunk->data, chunk->len);
    output->count++;
}

void test_output_free(struct test_output *output)
{
    free(output->bytes);
    *output = (struct test_output){ .len = 0 };
}

static void expect_output(const struct run *run, bool exactly)
{
    struct test_output expected = { .keeps_messages = run->test->messages_out };

    for (size_t i = 0; i < run->test->out_count; i++)
        test_output_add(&expected, &run->test->out[i]);
    if (exactly)
        assert_int_equal(run->output.len, expected.len);
    assert_true(run->output.len <= expected.len);
    if (run->output.len > 0)
        assert_memory_equal(run->output.bytes, expected.bytes, run->output.len);
    test_output_free(&expected);
}

/* --- the input -------------------------------------------------------------------------------- */

static void add_chunk(struct run *run, const uint8_t *bytes, size_t len)
{
    run->chunks = realloc(run->chunks, (run->count + 1) * sizeof *run->chunks);
    assert_non_null(run->chunks);
    assert_int_equal(
        cst_slice_copy(&run->chunks[run->count++], test_heap_allocator(&run->inputs), bytes, len),
        CST_OK);
}

static size_t next_cut(const struct way *way, uint64_t *seed, size_t from, size_t len)
{
    size_t to = from + 1;

    if (way->most > 0) {
        to = from + 1 + (size_t)(test_random(seed) % way->most);
        return to < len ? to : len;
    }
    while (to < len && (to > 63 || (way->cuts >> (to - 1) & 1) == 0))
        to++;
    return to;
}

static void cut_input(struct run *run)
{
    const struct test_stage_case *test = run->test;
    struct test_output whole = { .keeps_messages = false };
    uint64_t seed = run->way->seed;

    for (size_t i = 0; i < test->in_count; i++) {
        if (test->messages_in)
            add_chunk(run, test->in[i].data, test->in[i].len);
        else
            test_output_add(&whole, &test->in[i]);
    }
    for (size_t from = 0, to; from < whole.len; from = to) {
        to = next_cut(run->way, &seed, from, whole.len);
        if (run->way->has_empties && test_random(&seed) % 2 == 0)
            add_chunk(run, NULL, 0);
        add_chunk(run, whole.bytes + from, to - from);
    }
    test_output_free(&whole);
}

static void drop_input(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        cst_slice_unref(&run->chunks[i]);
    free(run->chunks);
    run->chunks = NULL;
    run->count = 0;
}

/* --- who takes the output --------------------------------------------------------------------- */

static void complete_owed(void *arg)
{
    struct run *run = arg;

    if (!run->owes)
        return;
    run->owes = false;
    cst_complete(run->owed, CST_OK);
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct run *run = *(struct run **)self;

    test_output_add(&run->output, chunk);
    if (run->way->taker == AT_ONCE)
        return CST_OK;
    run->owed = cst_this_call(s);
    run->owes = true;
    if (run->way->taker == BY_TASK)
        cst_defer(run->ctx, &run->task, complete_owed, run);
    return CST_PENDING;
}

static const cst_ops sink_ops = { .name = "sink",
                                  .self_size = sizeof(struct run *),
                                  .write = sink_write };

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    test_output_add(&((struct run *)arg)->output, event->chunk);
}

static void note_outcome(const cst_error *error, void *arg)
{
    struct run *run = arg;

    run->outcomes++;
    run->outcome = error ? error->status : CST_OK;
}

static void note_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    (void)status;
    ((struct run *)arg)->dones++;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void stop_now(struct run *run)
{
    run->is_stopped = true;
    switch (run->way->stop) {
    case DESTROY:
        cst_destroy(run->stage, CST_OK);
        break;
    case FAIL:
        cst_destroy(run->stage, CST_USER(1));
        break;
    case NO_STOP:
    case LEAVE:
    case STOPS:
        break;
    }
}

/* Run to the end, task by task; answer what is owed when nothing else can go on. */
static void run_on(struct run *run)
{
    for (;;) {
        cst_budget budget = { .tasks = run->way->stop ? 1 : 0, .now_ns = run->now_ns };
        cst_status st = cst_ctx_run(run->ctx, &budget);

        assert_true(++run->steps < ENDLESS);
        if (run->way->stop && !run->is_stopped && run->steps == run->way->stop_after)
            stop_now(run);
        if (run->is_stopped && run->way->stop == LEAVE)
            return;
        if (st == CST_MORE || cst_ctx_has_work(run->ctx))
            continue;
        if (run->owes)
            complete_owed(run);
        else if (budget.due_ns != CST_NEVER)
            run->now_ns = budget.due_ns > run->now_ns ? budget.due_ns : run->now_ns + 1;
        else
            return;
    }
}

/* --- a run ------------------------------------------------------------------------------------ */

static cst_status make_streams(struct run *run)
{
    const struct test_stage_case *test = run->test;
    const cst_opts opts = { .high_water_mark = run->way->mark };
    const cst_opts source_opts = { .object_mode = test->messages_in };
    const cst_opts sink_opts = { .high_water_mark = run->way->mark,
                                 .object_mode = test->messages_out };
    cst_status st = test->make(&run->stage, run->ctx, &opts, test->arg, &run->output);

    if (st < 0)
        return st;
    if (!run->way->by_hand) {
        st = cst_from_array_new(&run->source, run->ctx, run->chunks, run->count, &source_opts);
        if (st < 0)
            return st;
    }
    if (test->is_sink || run->way->taker == LISTENS)
        return CST_OK;
    return cst_writable_new(&run->sink, run->ctx, &sink_ops, &run, &sink_opts);
}

static cst_status join_streams(struct run *run)
{
    cst_stream *streams[3];
    size_t count = 0;
    cst_status st = CST_OK;

    if (run->source)
        streams[count++] = run->source;
    streams[count++] = run->stage;
    if (run->sink)
        streams[count++] = run->sink;
    if (!run->test->is_sink && !run->sink)
        st = cst_on(run->stage, CST_DATA, on_data, run);
    if (st >= 0 && count > 1)
        return cst_pipeline(streams, count, NULL, note_outcome, run);
    return st < 0 ? st : cst_finished(run->stage, NULL, note_outcome, run);
}

/* A write without memory leaves the stream as it was: so this writer gives up. */
static void note_written(struct run *run, cst_status st)
{
    if (st == CST_E_NOMEM)
        cst_destroy(run->stage, CST_E_NOMEM);
    else
        run->writes++;
}

static void feed_by_hand(struct run *run)
{
    run_on(run);
    for (size_t i = 0; i < run->count && !(run->is_stopped && run->way->stop == LEAVE); i++) {
        cst_slice chunk = cst_slice_ref(&run->chunks[i]);
        cst_status st = cst_write(run->stage, chunk, note_done, run);

        note_written(run, st);
        run_on(run);
    }
    if (run->is_stopped && run->way->stop == LEAVE)
        return;
    note_written(run, cst_end(run->stage, note_done, run));
    run_on(run);
}

static void check_outcome(struct run *run)
{
    const struct way *way = run->way;
    bool failed = run->heap.failures > 0 && run->outcome != run->test->outcome;

    if (failed)
        assert_int_equal(run->outcome, CST_E_NOMEM);
    if (!failed && !run->is_stopped)
        assert_int_equal(run->outcome, run->test->outcome);
    expect_output(run, !failed && !run->is_stopped &&
                           (run->test->outcome == CST_OK ||
                            (way->taker == LISTENS && way->by_hand && !way->fail_at)));
}

static void feed(struct run *run)
{
    if (run->way->by_hand)
        feed_by_hand(run);
    drop_input(run);
    run_on(run);
}

/* Return whether the way's failure or stop came: if not, no later one will. */
static bool run_way(const struct test_stage_case *test, const struct way *way, size_t *peak)
{
    struct run run = { .test = test, .way = way };
    cst_status st;
    bool has_begun, came;

    test_heap_init(&run.heap);
    test_heap_init(&run.inputs);
    run.output.keeps_messages = test->messages_out;
    cut_input(&run);
    assert_int_equal(cst_ctx_new(&run.ctx, test_heap_allocator(&run.heap), NULL), CST_OK);
    if (way->fail_at > 0)
        (way->fails_from_there ? test_heap_fail_from : test_heap_fail_at)(&run.heap, way->fail_at);
    st = make_streams(&run);
    if (st >= 0)
        st = join_streams(&run);
    has_begun = st >= 0;
    if (has_begun)
        feed(&run);
    else
        assert_int_equal(st, CST_E_NOMEM);
    test_heap_fail_never(&run.heap);
    if (has_begun && !(run.is_stopped && way->stop == LEAVE)) {
        /* A stage destroyed between EOF and 'end' has no outcome before its context is freed. */
        if (!run.is_stopped)
            assert_int_equal(run.outcomes, 1);
        check_outcome(&run);
    }
    cst_unref(run.source);
    cst_unref(run.stage);
    cst_unref(run.sink);
    drop_input(&run);
    if (run.owes)
        complete_owed(&run);
    assert_int_equal(cst_ctx_free(run.ctx), CST_OK);
    assert_int_equal(run.dones, run.writes);
    if (has_begun)
        assert_int_equal(run.outcomes, 1);
    assert_int_equal(run.heap.live_blocks, 0);
    assert_int_equal(run.inputs.live_blocks, 0);
    test_output_free(&run.output);
    if (peak)
        *peak = run.heap.peak_bytes;
    came = way->stop ? run.is_stopped : run.heap.failures > 0;
    return came;
}

/* --- all ways --------------------------------------------------------------------------------- */

static size_t length_of(const struct test_stage_case *test)
{
    size_t len = 0;

    for (size_t i = 0; i < test->in_count; i++)
        len += test->in[i].len;
    return test->messages_in ? 0 : len;
}

static void try_cuts(const struct test_stage_case *test, struct way way)
{
    size_t len = length_of(test);

    if (len <= EXHAUSTIVE_TO) {
        for (way.cuts = 0; way.cuts < (uint64_t)1 << (len > 0 ? len - 1 : 0); way.cuts++)
            run_way(test, &way, NULL);
    } else {
        for (way.seed = 1; way.seed <= RANDOM_RUNS; way.seed++) {
            way.most = 1 + (size_t)way.seed % (len < 40 ? len : 40);
            run_way(test, &way, NULL);
        }
    }
    way.most = way.cuts = 0;
    run_way(test, &way, NULL);
    way.cuts = UINT64_MAX;
    run_way(test, &way, NULL);
}

static void try_all_takers(const struct test_stage_case *test)
{
    static const size_t marks[] = { 0, 1, CST_HWM_ZERO };

    for (size_t m = 0; m < 3; m++) {
        for (int taker = test->is_sink ? AT_ONCE : LISTENS; taker < TAKERS; taker++) {
            struct way way = { .mark = marks[m], .taker = (enum taker)taker };

            if (test->is_sink && taker > AT_ONCE)
                break;
            if (taker != LISTENS)
                try_cuts(test, way);
            if (test->is_early)
                continue;
            way.by_hand = true;
            way.has_empties = !test->messages_in;
            try_cuts(test, way);
        }
    }
}

static void try_what_goes_wrong(const struct test_stage_case *test, struct way way)
{
    for (way.fail_at = 1; run_way(test, &way, NULL); way.fail_at++)
        ;
    way.fails_from_there = true;
    for (way.fail_at = 1; run_way(test, &way, NULL); way.fail_at++)
        ;
    way.fail_at = 0;
    for (int stop = DESTROY; stop < STOPS; stop++) {
        way.stop = (enum stop)stop;
        for (way.stop_after = 1; run_way(test, &way, NULL); way.stop_after++)
            ;
    }
}

void test_stage_all_ways(const struct test_stage_case *test)
{
    static const enum taker takers[] = { AT_ONCE, NEXT_TURN };
    static const uint64_t cuts[] = { 0, UINT64_MAX, 0x1249249249249249 };

    try_all_takers(test);
    for (size_t t = 0; t < 2; t++) {
        for (size_t c = 0; c < 3; c++) {
            struct way way = { .cuts = cuts[c], .taker = takers[t], .mark = c == 1 ? 1 : 0 };

            try_what_goes_wrong(test, way);
            way.by_hand = true;
            if (!test->is_early)
                try_what_goes_wrong(test, way);
        }
    }
}

size_t test_stage_run_cut(const struct test_stage_case *test, size_t cut, uint64_t seed)
{
    size_t peak = 0;

    run_way(test, &(struct way){ .most = cut, .seed = seed, .taker = NEXT_TURN }, &peak);
    return peak;
}

void test_stage_refuses_messages(test_make_fn *make, const void *arg, bool bytes_in, bool bytes_out)
{
    static const cst_opts asked[] = { { .object_mode = true },
                                      { .writable_object_mode = true },
                                      { .readable_object_mode = true } };
    const bool refused[] = { bytes_in || bytes_out, bytes_in, bytes_out };
    struct test_output output = { .keeps_messages = true };
    struct test_heap heap;
    cst_ctx *ctx;

    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    for (size_t i = 0; i < 3; i++) {
        cst_stream *s = NULL;

        assert_int_equal(make(&s, ctx, &asked[i], arg, &output),
                         refused[i] ? CST_E_INVALID_ARG : CST_OK);
        assert_true((s == NULL) == refused[i]);
        cst_unref(s);
    }
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(heap.live_blocks, 0);
    test_output_free(&output);
}

size_t test_stage_many(void)
{
    /* With the sanitizers come self-checks, and each walks the chain of all that has come. */
#if defined(__SANITIZE_ADDRESS__)
    return 3000;
#else
    return getenv("TEST_FEW") ? 3000 : 1000000;
#endif
}

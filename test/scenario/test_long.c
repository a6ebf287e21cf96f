/*
 * test_long.c - the stack does not grow with the length of a line, nor with the number of chunks:
 * 10,000 stages, and a million chunks that are passed on at once. It does grow with the limit on
 * nesting, by about a kilobyte for each stage that runs inside another. long-check.sh runs this
 * with a small stack and with LONG=1; without LONG the lines are short.
 *
 * Compositions inside one another are such stages too. There are 20,000 of them.
 */
#include "world.h"

#include <stdlib.h>

#include <cstream/cstream.h>

static size_t stages = 300, chunks = 2000, compositions = 300;

struct line {
    struct test_heap heap;
    cst_ctx *ctx;
    cst_stream **row;
    size_t count;
    size_t left; /* chunks that the source still has */
    size_t bytes, closed, errors, outcomes, dones;
    cst_status outcome;
    bool pushes;     /* the source pushes several chunks in a call, instead of giving one */
    size_t fails_at; /* which stage fails, with its first chunk */
};

struct part {
    struct line *line;
    size_t at;
};

static const char text[] = "a chunk";
#define CHUNK_BYTES (sizeof(text) - 1)

static cst_status slot_read(cst_stream *s, void *self, size_t size)
{
    struct line *line = ((struct part *)self)->line;

    (void)size;
    if (line->left == 0) {
        cst_push_eof(s);
        return CST_OK;
    }
    line->left--;
    if (!line->pushes)
        return cst_give(s, cst_slice_static(text, CHUNK_BYTES));
    for (; line->left % 1000 > 0; line->left--)
        cst_push(s, cst_slice_static(text, CHUNK_BYTES));
    cst_push(s, cst_slice_static(text, CHUNK_BYTES));
    return CST_OK;
}

static cst_status slot_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct part *part = self;

    if (part->line->fails_at == part->at)
        return CST_USER(1);
    if (part->at % 2 == 0)
        return cst_give(s, cst_slice_ref(chunk));
    cst_push(s, cst_slice_ref(chunk));
    return CST_OK;
}

static cst_status slot_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct line *line = ((struct part *)self)->line;

    (void)s;
    line->bytes += chunk->len;
    return CST_OK;
}

static const cst_ops source_ops = { .self_size = sizeof(struct part), .read = slot_read };
static const cst_ops stage_ops = { .self_size = sizeof(struct part), .transform = slot_transform };
static const cst_ops plain_ops = { .self_size = sizeof(struct part) };
static const cst_ops sink_ops = { .self_size = sizeof(struct part), .write = slot_write };

/* --- a line ----------------------------------------------------------------------------------- */

static void on_outcome(const cst_error *error, void *arg)
{
    struct line *line = arg;

    line->outcomes++;
    line->outcome = error ? error->status : CST_OK;
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct line *line = arg;

    (void)s;
    (void)status;
    line->dones++;
}

static void make(struct line *line, size_t at, const cst_opts *opts)
{
    struct part part = { .line = line, .at = at };
    cst_stream **out = &line->row[at];
    cst_status st;

    if (at == 0)
        st = cst_readable_new(out, line->ctx, &source_ops, &part, opts);
    else if (at == line->count - 1)
        st = cst_writable_new(out, line->ctx, &sink_ops, &part, opts);
    else if (at % 3 == 0)
        st = cst_passthrough_new_with(out, line->ctx, &plain_ops, &part, opts);
    else
        st = cst_transform_new(out, line->ctx, &stage_ops, &part, opts);
    assert_int_equal(st, CST_OK);
    assert_int_equal(cst_on(*out, CST_CLOSE, test_count, &line->closed), CST_OK);
    assert_int_equal(cst_on(*out, CST_ERROR, test_count, &line->errors), CST_OK);
}

static const cst_ctx_opts limits[] = { { .nesting_limit = 32 }, { .nesting_limit = 64 } };
static const cst_ctx_opts *limit; /* of the test that runs */

static int set_up(void **state)
{
    limit = *state;
    if (getenv("LONG")) {
        stages = 10000;
        chunks = 1000000;
        compositions = 20000;
    }
    return 0;
}

static struct line *line_new(size_t count, size_t left, const cst_opts *opts)
{
    struct line *line = calloc(1, sizeof(*line));

    assert_non_null(line);
    test_heap_init(&line->heap);
    assert_int_equal(cst_ctx_new(&line->ctx, test_heap_allocator(&line->heap), limit), CST_OK);
    line->row = calloc(count, sizeof(line->row[0]));
    assert_non_null(line->row);
    line->count = count;
    line->left = left;
    for (size_t i = 0; i < count; i++)
        make(line, i, opts);
    return line;
}

static void by_pipeline(struct line *line)
{
    assert_int_equal(cst_pipeline(line->row, line->count, NULL, on_outcome, line), CST_OK);
}

static void pipe_from(struct line *line, size_t first)
{
    for (size_t i = first; i + 1 < line->count; i++)
        assert_int_equal(cst_pipe(line->row[i], line->row[i + 1], NULL), CST_OK);
}

static void by_pipes(struct line *line)
{
    pipe_from(line, 0);
}

static void line_free(struct line *line)
{
    for (size_t i = 0; i < line->count; i++)
        cst_unref(line->row[i]);
    assert_int_equal(cst_ctx_free(line->ctx), CST_OK);
    assert_int_equal(line->heap.live_blocks, 0);
    free(line->row);
    free(line);
}

/* --- many stages ------------------------------------------------------------------------------ */

static void check_all_came(const struct line *line, size_t count)
{
    assert_int_equal(line->bytes, count * CHUNK_BYTES);
    assert_int_equal(line->closed, line->count);
    assert_int_equal(line->errors, 0);
}

static void a_long_pipeline_hands_everything_on(void **state)
{
    static const cst_opts marks[] = { { .high_water_mark = 0 }, { .high_water_mark = 10 } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct line *line = line_new(stages, 100, &marks[i]);

        by_pipeline(line);
        assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
        check_all_came(line, 100);
        assert_int_equal(line->outcomes, 1);
        assert_int_equal(line->outcome, CST_OK);
        line_free(line);
    }
}

static void long_pipes_hand_everything_on(void **state)
{
    struct line *line = line_new(stages, 100, NULL);

    (void)state;
    by_pipes(line);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    check_all_came(line, 100);
    line_free(line);
}

/* Return a line that is far from its end. */
static struct line *busy_line(void)
{
    return line_new(stages, chunks, &(cst_opts){ .high_water_mark = 10 });
}

/* Destroy one stream of a pipeline. All must close, and the callback must be called once. */
static void destroy_one(size_t at, cst_status status)
{
    struct line *line = busy_line();

    by_pipeline(line);
    assert_int_equal(cst_ctx_run(line->ctx, &(cst_budget){ .tasks = stages + stages / 2 }),
                     CST_MORE);
    assert_int_equal(cst_destroy(line->row[at], status), CST_OK);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    assert_int_equal(line->closed, line->count);
    assert_int_equal(line->outcomes, 1);
    assert_int_equal(line->outcome, status == CST_OK ? CST_E_PREMATURE_CLOSE : status);
    line_free(line);
}

static void one_that_is_destroyed_takes_all_with_it(void **state)
{
    const size_t places[] = { 0, 1, stages / 2, stages - 2, stages - 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        destroy_one(places[i], CST_USER(2));
        destroy_one(places[i], CST_OK);
    }
}

static void a_failure_goes_through_all_of_it(void **state)
{
    struct line *line = busy_line();

    (void)state;
    line->fails_at = stages - 2;
    by_pipeline(line);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    assert_int_equal(line->closed, line->count);
    assert_int_equal(line->errors, line->count);
    assert_int_equal(line->outcome, CST_USER(1));
    line_free(line);
}

static void an_open_line_is_freed_with_its_context(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct line *line = busy_line();

        if (i == 0)
            by_pipes(line);
        else
            by_pipeline(line);
        assert_int_equal(cst_ctx_run(line->ctx, &(cst_budget){ .tasks = stages + stages / 2 }),
                         CST_MORE);
        line_free(line);
    }
}

static void a_switch_destroys_all_of_it(void **state)
{
    struct line *line = line_new(stages, 100, NULL);
    cst_abort *abort_switch;

    (void)state;
    by_pipes(line);
    assert_int_equal(cst_abort_new(&abort_switch, line->ctx), CST_OK);
    for (size_t i = 0; i < line->count; i++)
        assert_int_equal(cst_abort_attach(abort_switch, line->row[i]), CST_OK);
    assert_int_equal(cst_abort_fire(abort_switch), CST_OK);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    assert_int_equal(line->closed, line->count);
    assert_int_equal(line->errors, line->count);
    cst_abort_unref(abort_switch);
    line_free(line);
}

/* --- compositions ----------------------------------------------------------------------------- */

static void run_composed(struct line *line, cst_stream *composed)
{
    cst_stream *row[] = { line->row[0], composed, line->row[line->count - 1] };

    assert_int_equal(cst_pipeline(row, 3, NULL, on_outcome, line), CST_OK);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    check_all_came(line, 100);
    assert_int_equal(line->outcome, CST_OK);
    cst_unref(composed);
    line_free(line);
}

static void a_long_composition_hands_everything_on(void **state)
{
    struct line *line = line_new(stages, 100, NULL);
    cst_stream *composed;

    (void)state;
    assert_int_equal(cst_compose_new(&composed, line->row + 1, line->count - 2, NULL), CST_OK);
    run_composed(line, composed);
}

/* Each composition holds the one before and another stage: after it, or in front of it. */
enum place { INNER_FIRST, INNER_LAST, PLACES };

static cst_stream *compose_with(cst_stream *inner, cst_stream *stage, enum place place)
{
    cst_stream *row[2], *outer;

    row[place == INNER_LAST] = inner;
    row[place == INNER_FIRST] = stage;
    assert_int_equal(cst_compose_new(&outer, row, 2, &(cst_opts){ .high_water_mark = 1 }), CST_OK);
    cst_unref(inner);
    return outer;
}

static cst_stream *nest(struct line *line, enum place place)
{
    size_t last = line->count - 2;
    cst_stream *inner = cst_ref(line->row[place == INNER_FIRST ? 1 : last]);

    for (size_t i = 1; i < last; i++)
        inner = compose_with(inner, line->row[place == INNER_FIRST ? i + 1 : last - i], place);
    return inner;
}

static void compositions_inside_one_another_hand_everything_on(void **state)
{
    (void)state;
    for (enum place place = 0; place < PLACES; place++) {
        struct line *line = line_new(compositions, 100, &(cst_opts){ .high_water_mark = 10 });

        run_composed(line, nest(line, place));
    }
}

/* Write into the outermost composition, not by a pipe: at the end 'drain' goes through all. */
static void fill_up_and_drain(enum place place, size_t writes)
{
    struct line *line = line_new(compositions, 0, &(cst_opts){ .high_water_mark = 1 });
    cst_stream *outer = nest(line, place);

    for (size_t i = 0; i < writes; i++)
        cst_write(outer, cst_slice_static(text, CHUNK_BYTES), on_done, line);
    cst_end(outer, on_done, line);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    assert_int_equal(cst_pipe(outer, line->row[line->count - 1], NULL), CST_OK);
    cst_destroy(line->row[0], CST_OK);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    check_all_came(line, writes);
    assert_int_equal(line->dones, writes + 1);
    cst_unref(outer);
    line_free(line);
}

static void compositions_inside_one_another_fill_up_and_drain(void **state)
{
    (void)state;
    for (enum place place = 0; place < PLACES; place++) {
        fill_up_and_drain(place, 0);
        fill_up_and_drain(place, 10);
    }
}

static void destroy_nest(enum place place, size_t tasks, cst_status status)
{
    struct line *line = line_new(compositions, 100, &(cst_opts){ .high_water_mark = 10 });
    cst_stream *outer = nest(line, place);
    cst_stream *row[] = { line->row[0], outer, line->row[line->count - 1] };

    assert_int_equal(cst_on(outer, CST_CLOSE, test_count, &line->closed), CST_OK);
    assert_int_equal(cst_pipeline(row, 3, NULL, on_outcome, line), CST_OK);
    cst_ctx_run(line->ctx, &(cst_budget){ .tasks = tasks });
    assert_int_equal(cst_destroy(outer, status), CST_OK);
    cst_ctx_run(line->ctx, NULL);
    assert_int_equal(line->closed, line->count + 1);
    assert_int_equal(line->outcomes, 1);
    assert_int_equal(line->outcome, status == CST_OK ? CST_E_ABORT : status);
    cst_unref(outer);
    line_free(line);
}

static void compositions_inside_one_another_are_destroyed(void **state)
{
    (void)state;
    for (enum place place = 0; place < PLACES; place++) {
        destroy_nest(place, 1, CST_USER(3));
        destroy_nest(place, compositions, CST_OK);
        destroy_nest(place, compositions * 3, CST_USER(3));
    }
}

/* If the innermost composition comes last, the sink after all of them may hear nothing, as in Node,
 * until the context is freed. */
static void a_failure_goes_through_compositions_inside_one_another(void **state)
{
    (void)state;
    for (enum place place = 0; place < PLACES; place++) {
        struct line *line = line_new(compositions, 100, NULL);
        cst_stream *outer = nest(line, place);
        cst_stream *row[] = { line->row[0], outer, line->row[line->count - 1] };

        line->fails_at = place == INNER_FIRST ? 1 : line->count - 2;
        assert_int_equal(cst_pipeline(row, 3, NULL, on_outcome, line), CST_OK);
        cst_ctx_run(line->ctx, NULL);
        for (size_t i = 0; i < line->count - (place == INNER_LAST); i++)
            assert_true(cst_is_closed(line->row[i]));
        assert_true(place == INNER_LAST || line->outcome == CST_USER(1));
        cst_unref(outer);
        line_free(line);
    }
}

static void open_compositions_inside_one_another_are_freed_with_their_context(void **state)
{
    (void)state;
    for (enum place place = 0; place < PLACES; place++) {
        struct line *line = line_new(compositions, 100, &(cst_opts){ .high_water_mark = 10 });
        cst_stream *outer = nest(line, place);

        assert_int_equal(cst_pipe(line->row[0], outer, NULL), CST_OK);
        cst_ctx_run(line->ctx, &(cst_budget){ .tasks = compositions });
        cst_unref(outer);
        line_free(line);
    }
}

/* --- many chunks ------------------------------------------------------------------------------ */

static void run_chunks(bool pushes, size_t count, const cst_opts *opts)
{
    struct line *line = line_new(count, chunks, opts);

    line->pushes = pushes;
    by_pipeline(line);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    check_all_came(line, chunks);
    line_free(line);
}

static void a_million_chunks_are_given(void **state)
{
    (void)state;
    run_chunks(false, 5, NULL);
    run_chunks(false, 5, &(cst_opts){ .high_water_mark = 1 });
}

static void a_million_chunks_are_pushed(void **state)
{
    (void)state;
    run_chunks(true, 5, NULL);
    run_chunks(true, 2, &(cst_opts){ .high_water_mark = 1 });
}

/* Write into the second stream, not by a pipe. If corked, all chunks are passed on together. */
static void write_chunks(bool corked, cst_done_fn *done, size_t dones)
{
    struct line *line = line_new(5, 0, NULL);

    pipe_from(line, 1);
    if (corked)
        cst_cork(line->row[1]);
    for (size_t i = 0; i < chunks; i++)
        cst_write(line->row[1], cst_slice_static(text, CHUNK_BYTES), done, line);
    cst_end(line->row[1], NULL, NULL);
    cst_destroy(line->row[0], CST_OK);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    check_all_came(line, chunks);
    assert_int_equal(line->dones, dones);
    line_free(line);
}

static void a_million_chunks_are_written(void **state)
{
    (void)state;
    write_chunks(false, on_done, chunks);
}

static void a_million_chunks_are_queued(void **state)
{
    (void)state;
    write_chunks(true, NULL, 0);
}

/* Make the next write in the callback of the last one. */
static void on_written(cst_stream *s, cst_status status, void *arg)
{
    struct line *line = arg;

    (void)status;
    if (line->left-- > 0)
        cst_write(s, cst_slice_static(text, CHUNK_BYTES), on_written, line);
    else
        cst_end(s, NULL, NULL);
}

static void a_million_chunks_are_written_one_after_another(void **state)
{
    struct line *line = line_new(2, chunks, NULL);

    (void)state;
    on_written(line->row[1], CST_OK, line);
    cst_destroy(line->row[0], CST_OK);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    check_all_came(line, chunks);
    line_free(line);
}

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct line *line = arg;

    (void)s;
    line->bytes += event->chunk->len;
}

/* Push from outside, one by one; read any amount, or the bytes of a chunk, or by a listener. */
static void a_million_chunks_are_read(void **state)
{
    struct line *line = line_new(2, 0, NULL);
    cst_slice chunk;
    cst_stream *r;

    (void)state;
    assert_int_equal(cst_readable_new(&r, line->ctx, &plain_ops, NULL, NULL), CST_OK);
    for (size_t i = 0; i < chunks; i++)
        cst_push(r, cst_slice_static(text, CHUNK_BYTES));
    for (size_t i = 0; i < chunks / 2; i++) {
        assert_int_equal(cst_read(&chunk, r, i % 2 ? CST_READ_ANY : CHUNK_BYTES), CST_OK);
        line->bytes += chunk.len;
        cst_slice_unref(&chunk);
    }
    cst_on(r, CST_DATA, on_data, line);
    cst_push_eof(r);
    assert_int_equal(cst_ctx_run(line->ctx, NULL), CST_IDLE);
    assert_int_equal(line->bytes, chunks * CHUNK_BYTES);
    cst_unref(r);
    line_free(line);
}

#define AT(number, name, test) { name, test, set_up, NULL, (void *)(uintptr_t)&limits[number] }
#define AT_BOTH_LIMITS(test) AT(0, #test "__nested_32", test), AT(1, #test "__nested_64", test)

static const struct CMUnitTest tests[] = {
    AT_BOTH_LIMITS(a_long_pipeline_hands_everything_on),
    AT_BOTH_LIMITS(long_pipes_hand_everything_on),
    AT_BOTH_LIMITS(one_that_is_destroyed_takes_all_with_it),
    AT_BOTH_LIMITS(a_failure_goes_through_all_of_it),
    AT_BOTH_LIMITS(an_open_line_is_freed_with_its_context),
    AT_BOTH_LIMITS(a_switch_destroys_all_of_it),
    AT_BOTH_LIMITS(a_long_composition_hands_everything_on),
    AT_BOTH_LIMITS(compositions_inside_one_another_hand_everything_on),
    AT_BOTH_LIMITS(compositions_inside_one_another_fill_up_and_drain),
    AT_BOTH_LIMITS(compositions_inside_one_another_are_destroyed),
    AT_BOTH_LIMITS(a_failure_goes_through_compositions_inside_one_another),
    AT_BOTH_LIMITS(open_compositions_inside_one_another_are_freed_with_their_context),
    AT_BOTH_LIMITS(a_million_chunks_are_given),
    AT_BOTH_LIMITS(a_million_chunks_are_pushed),
    AT_BOTH_LIMITS(a_million_chunks_are_written),
    AT_BOTH_LIMITS(a_million_chunks_are_written_one_after_another),
    AT_BOTH_LIMITS(a_million_chunks_are_queued),
    AT_BOTH_LIMITS(a_million_chunks_are_read),
};

TEST_MAIN(tests)

/* test_operators.c - stages.h: what the stages make of items, when the ends tell, and what becomes
 * of those who feed a stage that has had enough. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* --- fixture ---------------------------------------------------------------------------------- */

#define STAGES 4

struct fixture {
    struct test_world world;
    cst_stream *s[STAGES]; /* the pipeline, as far as it was made */
    size_t count;
    cst_chain chain;
    const char *letters; /* what the source yields */
    char fails_at;       /* the letter that the functions fail with */
    char destroys_at;    /* the letter that destroys the last stage */
    cst_status answer;   /* what the functions answer if all is well */
    unsigned tests;      /* calls of is_wanted */
    char wanted;         /* what it looks for */
};

/* The events of a stage, under its name. */
static void note(struct fixture *f, const char *word, const cst_slice *chunk)
{
    test_trace_add(&f->world.trace, "%s%.*s", word, chunk ? (int)chunk->len : 0,
                   chunk && chunk->len ? (const char *)chunk->data : "");
}

static void note_end(struct fixture *f, const char *who, const char *what)
{
    test_trace_add(&f->world.trace, "%s:%s", who, what);
}

/* The events of a stage, under its name. */
static void note_event(cst_stream *s, const cst_event *event, void *arg)
{
    if (event->type == CST_DATA)
        note(arg, "data:", event->chunk);
    else if (event->type == CST_ERROR)
        note_end(arg, cst_stream_name(s), cst_status_name(event->error->status));
    else
        note_end(arg, cst_stream_name(s), test_event_word(event->type));
}

static void listen_to_the_end(struct fixture *f, cst_stream *s)
{
    assert_int_equal(cst_on(s, CST_END, note_event, f), CST_OK);
    assert_int_equal(cst_on(s, CST_FINISH, note_event, f), CST_OK);
    assert_int_equal(cst_on(s, CST_ERROR, note_event, f), CST_OK);
    assert_int_equal(cst_on(s, CST_CLOSE, note_event, f), CST_OK);
}

static cst_slice bytes(struct fixture *f, const char *text)
{
    cst_slice slice;

    assert_int_equal(
        cst_slice_copy(&slice, test_heap_allocator(&f->world.heap), text, strlen(text)), CST_OK);
    return slice;
}

static cst_status next_letter(cst_slice *out, void *arg)
{
    struct fixture *f = arg;

    if (!*f->letters)
        return CST_EOF;
    return cst_slice_copy(out, test_heap_allocator(&f->world.heap), f->letters++, 1);
}

/* A source of letters, the first stage. */
static void feed(struct fixture *f, const char *letters)
{
    f->letters = letters;
    assert_int_equal(cst_from_fn_new(&f->s[0], f->world.ctx, NULL, next_letter, f), CST_OK);
    f->count = 1;
}

static cst_stream **next_stage(struct fixture *f)
{
    assert_true(f->count < STAGES);
    return &f->s[f->count++];
}

static void note_outcome(const cst_error *error, void *arg)
{
    note_end(arg, "pipeline", error ? cst_status_name(error->status) : "ok");
}

static void run_pipeline(struct fixture *f)
{
    assert_int_equal(cst_pipeline(f->s, f->count, NULL, note_outcome, f), CST_OK);
    test_run(&f->world);
}

/* The last stage flows into the trace. */
static void run_to_data(struct fixture *f)
{
    cst_stream *last = f->s[f->count - 1];

    assert_int_equal(cst_on(last, CST_DATA, note_event, f), CST_OK);
    if (f->count > 1)
        assert_int_equal(cst_pipeline(f->s, f->count, NULL, note_outcome, f), CST_OK);
    test_run(&f->world);
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .answer = CST_OK };
    test_world_open(&f.world, NULL);
    cst_chain_init(&f.chain, test_heap_allocator(&f.world.heap));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cst_chain_fini(&f->chain);
    return test_world_teardown(state);
}

/* --- the functions ---------------------------------------------------------------------------- */

static bool is_letter(const cst_slice *chunk, char letter)
{
    return letter && chunk->len > 0 && chunk->data[0] == (uint8_t)letter;
}

static cst_status answer_to(struct fixture *f, const cst_slice *chunk)
{
    if (is_letter(chunk, f->destroys_at))
        cst_destroy(f->s[f->count - 1], CST_OK);
    return is_letter(chunk, f->fails_at) ? CST_USER(1) : f->answer;
}

static cst_status twice(cst_slice *out, const cst_slice *chunk, void *arg)
{
    struct fixture *f = arg;
    cst_slice both[2];
    cst_status st;

    both[0] = both[1] = *chunk;
    st = cst_slice_concat(out, test_heap_allocator(&f->world.heap), both, 2);
    return st < 0 ? st : answer_to(f, chunk);
}

static cst_status is_wanted(bool *out, const cst_slice *chunk, void *arg)
{
    struct fixture *f = arg;

    assert_false(*out);
    f->tests++;
    *out = is_letter(chunk, f->wanted);
    return answer_to(f, chunk);
}

static cst_status is_not_wanted(bool *out, const cst_slice *chunk, void *arg)
{
    cst_status st = is_wanted(out, chunk, arg);

    *out = !*out;
    return st;
}

static cst_status push_thrice(cst_stream *s, const cst_slice *chunk, void *arg)
{
    for (int i = 0; i < 3; i++)
        cst_push(s, cst_slice_ref(chunk));
    return answer_to(arg, chunk);
}

static cst_status note_each(const cst_slice *chunk, void *arg)
{
    note(arg, "each:", chunk);
    return answer_to(arg, chunk);
}

static cst_status join(cst_slice *out, const cst_slice *so_far, const cst_slice *chunk, void *arg)
{
    struct fixture *f = arg;
    cst_slice both[2];
    cst_status answer = answer_to(f, chunk), st; /* a destroy comes first: so_far stays */

    both[0] = *so_far;
    both[1] = *chunk;
    st = cst_slice_concat(out, test_heap_allocator(&f->world.heap), both, 2);
    return st < 0 ? st : answer;
}

static void note_done(const cst_error *error, void *arg)
{
    note_end(arg, "done", error ? cst_status_name(error->status) : "ok");
}

static void note_item(const cst_error *error, const cst_slice *item, void *arg)
{
    assert_true(!error || !item);
    note(arg, error ? cst_status_name(error->status) : item ? "item:" : "none", item);
}

static void note_answer(const cst_error *error, bool answer, void *arg)
{
    assert_true(!error || !answer);
    note(arg, error ? cst_status_name(error->status) : answer ? "yes" : "no", NULL);
}

/* --- map, filter, flat_map -------------------------------------------------------------------- */

static void map_turns_each_item(void **state)
{
    struct fixture *f = *state;

    feed(f, "abc");
    assert_int_equal(cst_map_new(next_stage(f), f->world.ctx, NULL, twice, f), CST_OK);
    run_to_data(f);
    test_expect(&f->world, "data:aa data:bb data:cc pipeline:ok");
}

static void a_positive_answer_counts_as_ok(void **state)
{
    struct fixture *f = *state;

    f->answer = CST_PENDING;
    f->wanted = 'a';
    feed(f, "ab");
    assert_int_equal(cst_map_new(next_stage(f), f->world.ctx, NULL, twice, f), CST_OK);
    assert_int_equal(cst_filter_new(next_stage(f), f->world.ctx, NULL, is_wanted, f), CST_OK);
    assert_int_equal(cst_for_each_new(next_stage(f), f->world.ctx, NULL, note_each, NULL, f),
                     CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "each:aa pipeline:ok");
}

static void filter_passes_what_is_wanted_uncopied(void **state)
{
    struct fixture *f = *state;
    cst_slice item = bytes(f, "abc"), out;

    f->wanted = 'a';
    assert_int_equal(cst_filter_new(&f->s[0], f->world.ctx, NULL, is_wanted, f), CST_OK);
    assert_int_equal(cst_write(f->s[0], cst_slice_str("xyz"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(f->s[0], cst_slice_ref(&item), NULL, NULL), CST_OK);
    assert_int_equal(cst_read(&out, f->s[0], CST_READ_ANY), CST_OK);
    assert_ptr_equal(out.data, item.data);
    assert_int_equal(cst_read(NULL, f->s[0], 0), CST_EMPTY);
    cst_slice_unref(&out);
    cst_slice_unref(&item);
}

static void flat_map_pushes_any_number(void **state)
{
    struct fixture *f = *state;

    feed(f, "ab");
    assert_int_equal(cst_flat_map_new(next_stage(f), f->world.ctx, NULL, push_thrice, f), CST_OK);
    run_to_data(f);
    test_expect(&f->world, "data:a data:a data:a data:b data:b data:b pipeline:ok");
}

static cst_status give_it(cst_stream *s, const cst_slice *chunk, void *arg)
{
    (void)arg;
    return cst_give(s, cst_slice_ref(chunk));
}

struct late {
    cst_call call;
    cst_slice chunk;
};

static cst_status answer_late(cst_stream *s, const cst_slice *chunk, void *arg)
{
    struct late *late = arg;

    late->call = cst_this_call(s);
    late->chunk = *chunk;
    return CST_PENDING;
}

static void flat_map_answers_as_a_slot_does(void **state)
{
    struct fixture *f = *state;
    struct late late;

    feed(f, "a");
    assert_int_equal(cst_flat_map_new(next_stage(f), f->world.ctx, NULL, give_it, f), CST_OK);
    assert_int_equal(cst_flat_map_new(next_stage(f), f->world.ctx, NULL, answer_late, &late),
                     CST_OK);
    run_to_data(f);
    test_expect(&f->world, "");
    assert_int_equal(cst_complete_with(late.call, cst_slice_ref(&late.chunk)), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "data:a pipeline:ok");
}

static void items_are_messages_unless_options_say_otherwise(void **state)
{
    struct fixture *f = *state;
    cst_slice out;

    assert_int_equal(cst_map_new(&f->s[0], f->world.ctx, NULL, twice, f), CST_OK);
    assert_true(cst_readable_object_mode(f->s[0]));
    assert_true(cst_writable_object_mode(f->s[0]));
    assert_int_equal(cst_writable_high_water_mark(f->s[0]), 16);
    assert_int_equal(cst_write(f->s[0], cst_slice_empty(), NULL, NULL), CST_OK);
    assert_int_equal(cst_read(&out, f->s[0], CST_READ_ANY), CST_OK);
    assert_int_equal(out.len, 0);

    assert_int_equal(
        cst_map_new(&f->s[1], f->world.ctx, &(cst_opts){ .high_water_mark = 5 }, twice, f), CST_OK);
    assert_false(cst_readable_object_mode(f->s[1]));
    assert_int_equal(cst_writable_high_water_mark(f->s[1]), 5);
    assert_int_equal(cst_write(f->s[1], cst_slice_empty(), NULL, NULL), CST_OK);
    assert_int_equal(cst_read(&out, f->s[1], CST_READ_ANY), CST_EMPTY);
}

static void a_slow_reader_holds_the_stages_before(void **state)
{
    struct fixture *f = *state;
    const cst_opts one = { .object_mode = true, .high_water_mark = 1 };
    cst_slice out;

    feed(f, "abcdefghijklmnopqrstuvwxyz");
    assert_int_equal(cst_map_new(next_stage(f), f->world.ctx, &one, twice, f), CST_OK);
    assert_int_equal(cst_drop_new(next_stage(f), f->world.ctx, 1, &one), CST_OK);
    assert_int_equal(cst_pipeline(f->s, f->count, NULL, note_outcome, f), CST_OK);
    test_run(&f->world);
    assert_true(strlen(f->letters) > 18);
    for (int i = 1; i < 26; i++) {
        assert_int_equal(cst_next(&out, f->s[2]), CST_OK);
        assert_int_equal(out.data[1], 'a' + i);
        cst_slice_unref(&out);
        test_run(&f->world);
    }
    assert_int_equal(cst_next(&out, f->s[2]), CST_EOF);
    test_run(&f->world);
    test_expect(&f->world, "pipeline:ok");
}

/* --- drop and take ---------------------------------------------------------------------------- */

static void drop_leaves_out_the_first(void **state)
{
    struct fixture *f = *state;

    feed(f, "abcd");
    assert_int_equal(cst_drop_new(next_stage(f), f->world.ctx, 2, NULL), CST_OK);
    assert_int_equal(cst_drop_new(next_stage(f), f->world.ctx, 0, NULL), CST_OK);
    run_to_data(f);
    test_expect(&f->world, "data:c data:d pipeline:ok");
}

static void drop_of_more_than_there_is_leaves_nothing(void **state)
{
    struct fixture *f = *state;

    feed(f, "ab");
    assert_int_equal(cst_drop_new(next_stage(f), f->world.ctx, UINT64_MAX, NULL), CST_OK);
    run_to_data(f);
    test_expect(&f->world, "pipeline:ok");
}

static void take_gives_the_first_and_lets_the_source_go(void **state)
{
    struct fixture *f = *state;

    feed(f, "abcdefgh");
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 2, NULL), CST_OK);
    assert_int_equal(cst_for_each_new(next_stage(f), f->world.ctx, NULL, note_each, note_done, f),
                     CST_OK);
    for (size_t i = 0; i < f->count; i++)
        listen_to_the_end(f, f->s[i]);
    run_pipeline(f);
    test_expect(&f->world, "each:a each:b take:end done:ok from:CST_E_ABORT from:close take:close "
                           "for-each:finish for-each:close pipeline:ok");
    assert_true(*f->letters == 'd' || *f->letters == 'c');
}

static void take_of_none_ends_with_the_first_item(void **state)
{
    struct fixture *f = *state;

    feed(f, "abcdefgh");
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 0, NULL), CST_OK);
    listen_to_the_end(f, f->s[1]);
    run_to_data(f);
    test_expect(&f->world, "take:end pipeline:ok take:close");
}

static void take_of_more_than_there_is_takes_all(void **state)
{
    struct fixture *f = *state;

    feed(f, "ab");
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 3, NULL), CST_OK);
    listen_to_the_end(f, f->s[1]);
    run_to_data(f);
    test_expect(&f->world, "data:a data:b take:end take:finish take:close pipeline:ok");
}

static void take_of_just_what_there_is_takes_all(void **state)
{
    struct fixture *f = *state;

    feed(f, "ab");
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 2, NULL), CST_OK);
    run_to_data(f);
    test_expect(&f->world, "data:a data:b pipeline:ok");
}

static void take_lets_all_stages_before_it_go(void **state)
{
    struct fixture *f = *state;

    feed(f, "abcdefgh");
    assert_int_equal(cst_map_new(next_stage(f), f->world.ctx, NULL, twice, f), CST_OK);
    assert_int_equal(cst_drop_new(next_stage(f), f->world.ctx, 1, NULL), CST_OK);
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 2, NULL), CST_OK);
    run_to_data(f);
    test_expect(&f->world, "data:bb data:cc pipeline:ok");
    for (int i = 0; i < 4; i++)
        assert_true(cst_is_closed(f->s[i]));
}

static void two_takes_in_a_row_come_out_well(void **state)
{
    struct fixture *f = *state;

    feed(f, "abcdefgh");
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 5, NULL), CST_OK);
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 2, NULL), CST_OK);
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 2, NULL), CST_OK);
    run_to_data(f);
    test_expect(&f->world, "data:a data:b pipeline:ok");
    for (int i = 0; i < 4; i++)
        assert_true(cst_is_closed(f->s[i]));
}

static void what_is_read_late_of_a_take_is_still_there(void **state)
{
    struct fixture *f = *state;
    cst_slice out;

    feed(f, "abcdefgh");
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 2, NULL), CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "pipeline:ok");
    assert_true(cst_is_closed(f->s[0]));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cst_next(&out, f->s[1]), CST_OK);
        assert_int_equal(out.data[0], 'a' + i);
        cst_slice_unref(&out);
    }
    assert_int_equal(cst_next(&out, f->s[1]), CST_EMPTY);
    test_run(&f->world);
    assert_int_equal(cst_next(&out, f->s[1]), CST_EOF);
    assert_true(cst_is_closed(f->s[1]));
}

static void take_unpipes_a_source_that_is_only_piped(void **state)
{
    struct fixture *f = *state;

    feed(f, "abcdefghijklmnopqrstuvwxyz");
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 2, NULL), CST_OK);
    listen_to_the_end(f, f->s[0]);
    listen_to_the_end(f, f->s[1]);
    assert_int_equal(cst_pipe(f->s[0], f->s[1], NULL), CST_OK);
    assert_int_equal(cst_on(f->s[1], CST_DATA, note_event, f), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "data:a data:b take:end take:close");
    assert_true(cst_is_paused(f->s[0]));
    assert_false(cst_is_destroyed(f->s[0]));
}

static void note_write(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    note_end(arg, "write", cst_status_name(status));
}

static void take_holds_what_is_written_beyond_until_its_end(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_take_new(&f->s[0], f->world.ctx, 1, NULL), CST_OK);
    listen_to_the_end(f, f->s[0]);
    cst_write(f->s[0], cst_slice_str("a"), note_write, f);
    cst_write(f->s[0], cst_slice_str("b"), note_write, f);
    test_run(&f->world);
    test_expect(&f->world, "write:CST_OK");
    assert_int_equal(cst_on(f->s[0], CST_DATA, note_event, f), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "data:a write:CST_E_DESTROYED take:end take:close");
    assert_int_equal(cst_write(f->s[0], cst_slice_str("c"), note_write, f), CST_E_DESTROYED);
    test_run(&f->world);
    test_expect(&f->world, "write:CST_E_DESTROYED");
}

static void take_finishes_where_its_input_has_ended(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_take_new(&f->s[0], f->world.ctx, 1, NULL), CST_OK);
    listen_to_the_end(f, f->s[0]);
    cst_write(f->s[0], cst_slice_str("a"), NULL, NULL);
    cst_write(f->s[0], cst_slice_str("b"), note_write, f);
    cst_write(f->s[0], cst_slice_str("c"), note_write, f);
    assert_int_equal(cst_end(f->s[0], note_write, f), CST_OK);
    assert_int_equal(cst_on(f->s[0], CST_DATA, note_event, f), CST_OK);
    test_run(&f->world);
    test_expect(&f->world,
                "data:a take:end write:CST_OK write:CST_OK write:CST_OK take:finish take:close");
}

static void destroy_stage(cst_stream *s, const cst_event *event, void *arg)
{
    note(arg, "data:", event->chunk);
    cst_destroy(s, CST_USER(2));
}

static void take_may_be_destroyed_by_who_reads_it(void **state)
{
    struct fixture *f = *state;

    feed(f, "abc");
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 1, NULL), CST_OK);
    assert_int_equal(cst_on(f->s[1], CST_DATA, destroy_stage, f), CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "data:a pipeline:CST_USER");
}

static cst_status fail_to_close(cst_stream *s, void *self, const cst_error *error)
{
    (void)s;
    (void)self;
    assert_int_equal(error->status, CST_E_ABORT);
    assert_string_equal(error->stage, "take");
    return CST_USER(9);
}

static void an_error_of_what_is_let_go_fails_the_pipeline(void **state)
{
    struct fixture *f = *state;
    static const cst_ops ops = { .name = "hand", .destroy = fail_to_close };

    assert_int_equal(cst_readable_new(&f->s[0], f->world.ctx, &ops, NULL, NULL), CST_OK);
    f->count = 1;
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 1, NULL), CST_OK);
    assert_int_equal(cst_for_each_new(next_stage(f), f->world.ctx, NULL, note_each, NULL, f),
                     CST_OK);
    cst_push(f->s[0], cst_slice_str("a"));
    run_pipeline(f);
    test_expect(&f->world, "each:a pipeline:CST_USER");
}

static void a_host_may_go_on_pushing_into_what_was_let_go(void **state)
{
    struct fixture *f = *state;
    static const cst_ops ops = { .name = "hand" };

    assert_int_equal(cst_readable_new(&f->s[0], f->world.ctx, &ops, NULL, NULL), CST_OK);
    f->count = 1;
    assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 1, NULL), CST_OK);
    assert_int_equal(cst_for_each_new(next_stage(f), f->world.ctx, NULL, note_each, NULL, f),
                     CST_OK);
    run_pipeline(f);
    cst_push(f->s[0], cst_slice_str("a"));
    assert_int_equal(cst_push(f->s[0], cst_slice_str("b")), CST_E_DESTROYED);
    assert_int_equal(cst_push_eof(f->s[0]), CST_EOF);
    test_run(&f->world);
    test_expect(&f->world, "each:a pipeline:ok");
}

/* A stage that owes an answer is not freed: so none may, once it has closed. */
static void a_context_that_lives_on_keeps_none_of_them(void **state)
{
    struct fixture *f = *state;
    size_t live = 0;

    f->wanted = 'c';
    for (int round = 0; round < 20; round++) {
        feed(f, "abcdefghijklmnopqrstuvwxyz");
        assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 20, NULL), CST_OK);
        assert_int_equal(cst_take_new(next_stage(f), f->world.ctx, 10, NULL), CST_OK);
        assert_int_equal(cst_find_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_item, f),
                         CST_OK);
        if (round % 2)
            for (size_t i = 1; i < f->count; i++)
                assert_int_equal(cst_pipe(f->s[i - 1], f->s[i], NULL), CST_OK);
        else
            assert_int_equal(cst_pipeline(f->s, f->count, NULL, note_outcome, f), CST_OK);
        test_run(&f->world);
        test_expect(&f->world, round % 2 ? "item:c" : "item:c pipeline:ok");
        for (size_t i = 0; i < f->count; i++) {
            cst_destroy(f->s[i], CST_OK);
            cst_unref(f->s[i]);
        }
        test_run(&f->world);
        if (round == 9)
            live = f->world.heap.live_blocks;
    }
    assert_int_equal(f->world.heap.live_blocks, live);
}

/* --- for_each, to_array ----------------------------------------------------------------------- */

static void for_each_sees_every_item_then_tells(void **state)
{
    struct fixture *f = *state;

    feed(f, "abc");
    assert_int_equal(cst_for_each_new(next_stage(f), f->world.ctx, NULL, note_each, note_done, f),
                     CST_OK);
    listen_to_the_end(f, f->s[1]);
    run_pipeline(f);
    test_expect(&f->world,
                "each:a each:b each:c done:ok for-each:finish for-each:close pipeline:ok");
}

static void to_array_keeps_every_item_uncopied(void **state)
{
    struct fixture *f = *state;
    cst_slice item = bytes(f, "abc");

    assert_int_equal(cst_to_array_new(&f->s[0], f->world.ctx, &f->chain, NULL, note_done, f),
                     CST_OK);
    assert_int_equal(cst_write(f->s[0], cst_slice_ref(&item), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(f->s[0], cst_slice_empty(), NULL, NULL), CST_OK);
    assert_int_equal(cst_end_with(f->s[0], cst_slice_str("d"), NULL, NULL), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "done:ok");
    assert_int_equal(cst_chain_count(&f->chain), 3);
    assert_ptr_equal(cst_chain_slices(&f->chain)[0].data, item.data);
    cst_slice_unref(&item);
}

static void to_array_tells_where_the_chain_finds_no_memory(void **state)
{
    struct fixture *f = *state;
    struct test_heap poor;

    test_heap_init(&poor);
    test_heap_fail_at(&poor, 1);
    cst_chain_init(&f->chain, test_heap_allocator(&poor));
    feed(f, "ab");
    assert_int_equal(cst_to_array_new(next_stage(f), f->world.ctx, &f->chain, NULL, note_done, f),
                     CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "done:CST_E_NOMEM pipeline:CST_E_NOMEM");
    assert_int_equal(cst_chain_count(&f->chain), 0);
}

static void to_array_tells_where_the_chain_is_too_long(void **state)
{
    struct fixture *f = *state;
    static const char byte;

    assert_int_equal(cst_to_array_new(&f->s[0], f->world.ctx, &f->chain, NULL, note_done, f),
                     CST_OK);
    listen_to_the_end(f, f->s[0]);
    assert_int_equal(cst_chain_append(&f->chain, cst_slice_static(&byte, SIZE_MAX)), CST_OK);
    cst_write(f->s[0], cst_slice_str("a"), NULL, NULL);
    test_run(&f->world);
    test_expect(&f->world, "done:CST_E_OUT_OF_RANGE to-array:CST_E_OUT_OF_RANGE to-array:close");
}

static void ends_may_do_without_done(void **state)
{
    struct fixture *f = *state;

    feed(f, "a");
    assert_int_equal(cst_to_array_new(next_stage(f), f->world.ctx, &f->chain, NULL, NULL, NULL),
                     CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "pipeline:ok");
    assert_int_equal(cst_chain_bytes(&f->chain), 1);
}

/* --- reduce ----------------------------------------------------------------------------------- */

static void reduce_to(struct fixture *f, const char *letters, const cst_slice *initial)
{
    feed(f, letters);
    assert_int_equal(cst_reduce_new(next_stage(f), f->world.ctx, initial, NULL, join, note_item, f),
                     CST_OK);
    run_pipeline(f);
}

static void reduce_combines_from_the_first_on(void **state)
{
    struct fixture *f = *state;

    reduce_to(f, "abc", NULL);
    test_expect(&f->world, "item:abc pipeline:ok");
    reduce_to(f, "a", NULL);
    test_expect(&f->world, "item:a pipeline:ok");
}

static void reduce_begins_with_what_is_given(void **state)
{
    struct fixture *f = *state;
    cst_slice initial = bytes(f, "x");

    reduce_to(f, "abc", &initial);
    test_expect(&f->world, "item:xabc pipeline:ok");
    reduce_to(f, "", &initial);
    test_expect(&f->world, "item:x pipeline:ok");
    test_run(&f->world);
    assert_true(cst_slice_is_unique(&initial));
    cst_slice_unref(&initial);
}

static void reduce_of_nothing_fails(void **state)
{
    struct fixture *f = *state;

    reduce_to(f, "", NULL);
    test_expect(&f->world, "CST_E_INVALID_ARG pipeline:CST_E_INVALID_ARG");
}

/* --- some, every, find ------------------------------------------------------------------------ */

static void some_says_whether_there_is_one(void **state)
{
    struct fixture *f = *state;

    f->wanted = 'x';
    feed(f, "abc");
    assert_int_equal(cst_some_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_answer, f),
                     CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "no pipeline:ok");
    feed(f, "");
    assert_int_equal(cst_some_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_answer, f),
                     CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "no pipeline:ok");
    assert_int_equal(f->tests, 3);
}

static void every_says_whether_all_are(void **state)
{
    struct fixture *f = *state;

    f->wanted = 'x';
    feed(f, "abc");
    assert_int_equal(
        cst_every_new(next_stage(f), f->world.ctx, NULL, is_not_wanted, note_answer, f), CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "yes pipeline:ok");
    feed(f, "");
    assert_int_equal(cst_every_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_answer, f),
                     CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "yes pipeline:ok");
    assert_int_equal(f->tests, 3);
}

static void find_of_nothing_tells_none(void **state)
{
    struct fixture *f = *state;

    f->wanted = 'x';
    feed(f, "abc");
    assert_int_equal(cst_find_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_item, f),
                     CST_OK);
    listen_to_the_end(f, f->s[1]);
    run_pipeline(f);
    test_expect(&f->world, "none find:finish find:close pipeline:ok");
}

static void find_exits_with_the_first_and_the_pipeline_comes_out_well(void **state)
{
    struct fixture *f = *state;

    f->wanted = 'b';
    feed(f, "abcdefgh");
    assert_int_equal(cst_find_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_item, f),
                     CST_OK);
    listen_to_the_end(f, f->s[0]);
    listen_to_the_end(f, f->s[1]);
    run_pipeline(f);
    test_expect(&f->world, "item:b from:CST_E_ABORT from:close pipeline:ok find:close");
    assert_int_equal(f->tests, 2);
}

static void some_and_every_exit_early_too(void **state)
{
    struct fixture *f = *state;

    f->wanted = 'b';
    feed(f, "abcdefgh");
    assert_int_equal(cst_map_new(next_stage(f), f->world.ctx, NULL, twice, f), CST_OK);
    assert_int_equal(cst_some_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_answer, f),
                     CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "yes pipeline:ok");
    feed(f, "abcdefgh");
    assert_int_equal(
        cst_every_new(next_stage(f), f->world.ctx, NULL, is_not_wanted, note_answer, f), CST_OK);
    run_pipeline(f);
    test_expect(&f->world, "no pipeline:ok");
    assert_int_equal(f->tests, 4);
}

static void find_unpipes_a_source_that_is_only_piped(void **state)
{
    struct fixture *f = *state;

    f->wanted = 'b';
    feed(f, "abcdefgh");
    assert_int_equal(cst_find_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_item, f),
                     CST_OK);
    listen_to_the_end(f, f->s[1]);
    assert_int_equal(cst_pipe(f->s[0], f->s[1], NULL), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "item:b find:close");
    assert_true(cst_is_paused(f->s[0]));
    assert_false(cst_is_destroyed(f->s[0]));
}

static cst_status end_and_say_yes(bool *out, const cst_slice *chunk, void *arg)
{
    struct fixture *f = arg;

    assert_int_equal(chunk->data[0], 'a');
    cst_write(f->s[0], cst_slice_str("b"), note_write, f);
    assert_int_equal(cst_end(f->s[0], note_write, f), CST_OK);
    *out = true;
    return CST_OK;
}

static void find_finishes_where_its_input_has_ended(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_find_new(&f->s[0], f->world.ctx, NULL, end_and_say_yes, note_item, f),
                     CST_OK);
    listen_to_the_end(f, f->s[0]);
    cst_write(f->s[0], cst_slice_str("a"), NULL, NULL);
    test_run(&f->world);
    test_expect(&f->world, "item:a write:CST_OK write:CST_OK find:finish find:close");
}

static void what_is_written_after_an_early_exit_is_dropped(void **state)
{
    struct fixture *f = *state;

    f->wanted = 'a';
    assert_int_equal(cst_find_new(&f->s[0], f->world.ctx, NULL, is_wanted, note_item, f), CST_OK);
    listen_to_the_end(f, f->s[0]);
    cst_write(f->s[0], cst_slice_str("a"), note_write, f);
    assert_int_equal(cst_write(f->s[0], cst_slice_str("b"), note_write, f), CST_E_DESTROYED);
    cst_end(f->s[0], note_write, f);
    test_run(&f->world);
    test_expect(&f->world,
                "item:a find:close write:CST_OK write:CST_E_DESTROYED write:CST_E_DESTROYED");
}

static void an_end_that_exits_early_in_an_open_pipeline_ends_it(void **state)
{
    struct fixture *f = *state;
    const cst_pipeline_opts open = { .no_end = true };

    f->wanted = 'b';
    feed(f, "abc");
    assert_int_equal(cst_find_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_item, f),
                     CST_OK);
    assert_int_equal(cst_pipeline(f->s, 2, &open, note_outcome, f), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "item:b pipeline:ok");
}

static void an_end_fed_by_two_pipelines_lets_both_go(void **state)
{
    struct fixture *f = *state;
    const cst_pipeline_opts open = { .no_end = true };
    cst_stream *other[2];

    f->wanted = 'c';
    feed(f, "abcdefgh");
    assert_int_equal(cst_find_new(next_stage(f), f->world.ctx, NULL, is_wanted, note_item, f),
                     CST_OK);
    assert_int_equal(cst_from_fn_new(&other[0], f->world.ctx, NULL, next_letter, f), CST_OK);
    other[1] = f->s[1];
    assert_int_equal(cst_pipeline(f->s, 2, &open, note_outcome, f), CST_OK);
    assert_int_equal(cst_pipeline(other, 2, &open, note_outcome, f), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "item:c pipeline:ok pipeline:ok");
    assert_true(cst_is_closed(f->s[0]));
    assert_true(cst_is_closed(other[0]));
}

/* --- failures, and callbacks that destroy ----------------------------------------------------- */

static cst_status make_stage(struct fixture *f, int kind, cst_stream **out)
{
    switch (kind) {
    case 0:
        return cst_map_new(out, f->world.ctx, NULL, twice, f);
    case 1:
        return cst_filter_new(out, f->world.ctx, NULL, is_wanted, f);
    case 2:
        return cst_flat_map_new(out, f->world.ctx, NULL, push_thrice, f);
    case 3:
        return cst_for_each_new(out, f->world.ctx, NULL, note_each, note_done, f);
    case 4:
        return cst_reduce_new(out, f->world.ctx, NULL, NULL, join, note_item, f);
    case 5:
        return cst_some_new(out, f->world.ctx, NULL, is_wanted, note_answer, f);
    case 6:
        return cst_every_new(out, f->world.ctx, NULL, is_not_wanted, note_answer, f);
    case 7:
        return cst_find_new(out, f->world.ctx, NULL, is_wanted, note_item, f);
    case 8:
        return cst_to_array_new(out, f->world.ctx, &f->chain, NULL, note_done, f);
    case 9:
        return cst_take_new(out, f->world.ctx, 5, NULL);
    default:
        return cst_drop_new(out, f->world.ctx, 0, NULL);
    }
}

static const char *const names[] = { "map",   "filter", "flat-map", "for-each", "reduce", "some",
                                     "every", "find",   "to-array", "take",     "drop" };
#define KINDS ((int)(sizeof(names) / sizeof(names[0])))
#define WITH_FUNCTION 8
#define FIRST_END 3
#define LAST_END 8

static void a_function_that_fails_fails_the_pipeline(void **state)
{
    struct fixture *f = *state;

    f->fails_at = 'b';
    for (int kind = 0; kind < WITH_FUNCTION; kind++) {
        feed(f, "abc");
        assert_int_equal(make_stage(f, kind, next_stage(f)), CST_OK);
        run_pipeline(f);
        assert_non_null(strstr(f->world.trace.text, "pipeline:CST_USER"));
        assert_string_equal(cst_errored(f->s[1])->stage, names[kind]);
        assert_int_equal(cst_errored(f->s[1])->status, CST_USER(1));
        if (kind >= FIRST_END)
            assert_ptr_not_equal(strstr(f->world.trace.text, "CST_USER"),
                                 strstr(f->world.trace.text, "pipeline") + 9);
        test_trace_clear(&f->world.trace);
    }
}

static void a_function_may_destroy_its_stream(void **state)
{
    struct fixture *f = *state;

    f->destroys_at = f->wanted = 'b';
    for (int kind = 0; kind < WITH_FUNCTION; kind++) {
        feed(f, "abc");
        assert_int_equal(make_stage(f, kind, next_stage(f)), CST_OK);
        run_pipeline(f);
        assert_non_null(strstr(f->world.trace.text, "pipeline:CST_E_PREMATURE_CLOSE"));
        assert_null(strstr(f->world.trace.text, "item"));
        test_trace_clear(&f->world.trace);
    }
}

static void an_end_that_is_destroyed_tells_why(void **state)
{
    struct fixture *f = *state;

    for (int kind = FIRST_END; kind <= LAST_END; kind++) {
        const char *prefix = kind == 3 || kind == 8 ? "done:" : "";
        char expected[64];
        cst_stream *s;

        assert_int_equal(make_stage(f, kind, &s), CST_OK);
        cst_destroy(s, CST_OK);
        snprintf(expected, sizeof expected, "%sCST_E_PREMATURE_CLOSE", prefix);
        test_expect(&f->world, expected);
        assert_int_equal(make_stage(f, kind, &s), CST_OK);
        assert_int_equal(cst_on(s, CST_ERROR, note_event, f), CST_OK);
        cst_destroy(s, CST_USER(3));
        snprintf(expected, sizeof expected, "%sCST_USER", prefix);
        test_expect(&f->world, expected);
        test_run(&f->world);
        test_trace_clear(&f->world.trace);
    }
}

static void an_end_that_is_never_ended_tells_when_its_context_goes(void **state)
{
    struct fixture *f = *state;

    for (int kind = FIRST_END; kind <= LAST_END; kind++) {
        cst_stream *s;

        assert_int_equal(make_stage(f, kind, &s), CST_OK);
        cst_write(s, cst_slice_str("-"), NULL, NULL);
    }
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    f->world.ctx = NULL;
    assert_non_null(strstr(f->world.trace.text, "each:-"));
    for (int i = FIRST_END; i <= LAST_END; i++) {
        char *told = strstr(f->world.trace.text, "CST_E_PREMATURE_CLOSE");

        assert_non_null(told);
        told[0] = 'c';
    }
    assert_null(strstr(f->world.trace.text, "CST_E"));
}

static void a_failure_without_auto_destroy_is_told_by_destroy(void **state)
{
    struct fixture *f = *state;
    const cst_opts opts = { .object_mode = true, .no_auto_destroy = true };

    f->fails_at = 'a';
    assert_int_equal(cst_for_each_new(&f->s[0], f->world.ctx, &opts, note_each, note_done, f),
                     CST_OK);
    assert_int_equal(cst_on(f->s[0], CST_ERROR, note_event, f), CST_OK);
    cst_write(f->s[0], cst_slice_str("a"), NULL, NULL);
    test_run(&f->world);
    test_expect(&f->world, "each:a for-each:CST_USER");
    cst_destroy(f->s[0], CST_OK);
    test_expect(&f->world, "done:CST_E_PREMATURE_CLOSE");
}

struct destroyer {
    cst_stream *s;
    unsigned told;
};

static void destroy_at_item(const cst_error *error, const cst_slice *item, void *arg)
{
    struct destroyer *d = arg;

    assert_null(error);
    assert_int_equal(item->data[0], 'a');
    cst_destroy(d->s, CST_OK);
    assert_int_equal(item->data[0], 'a');
    d->told++;
}

static cst_status say_yes(bool *out, const cst_slice *chunk, void *arg)
{
    (void)arg;
    (void)chunk;
    *out = true;
    return CST_OK;
}

static cst_status never(cst_slice *out, const cst_slice *so_far, const cst_slice *chunk, void *arg)
{
    (void)arg;
    (void)so_far;
    (void)chunk;
    (void)out;
    fail();
    return CST_OK;
}

static void done_may_destroy_its_stream(void **state)
{
    struct fixture *f = *state;
    struct destroyer d = { .told = 0 };

    feed(f, "abc");
    assert_int_equal(cst_find_new(next_stage(f), f->world.ctx, NULL, say_yes, destroy_at_item, &d),
                     CST_OK);
    d.s = f->s[1];
    run_pipeline(f);
    test_expect(&f->world, "pipeline:ok");
    feed(f, "a");
    assert_int_equal(
        cst_reduce_new(next_stage(f), f->world.ctx, NULL, NULL, never, destroy_at_item, &d),
        CST_OK);
    d.s = f->s[1];
    run_pipeline(f);
    test_expect(&f->world, "pipeline:ok");
    assert_int_equal(d.told, 2);
}

/* --- at the door ------------------------------------------------------------------------------ */

static void functions_must_be_given(void **state)
{
    struct fixture *f = *state;
    cst_stream *out = NULL;
    cst_ctx *x = f->world.ctx;

    assert_int_equal(cst_map_new(&out, x, NULL, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_filter_new(&out, x, NULL, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_flat_map_new(&out, x, NULL, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_for_each_new(&out, x, NULL, NULL, note_done, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_to_array_new(&out, x, NULL, NULL, note_done, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_reduce_new(&out, x, NULL, NULL, NULL, note_item, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_reduce_new(&out, x, NULL, NULL, join, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_some_new(&out, x, NULL, NULL, note_answer, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_some_new(&out, x, NULL, is_wanted, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_every_new(&out, x, NULL, NULL, note_answer, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_every_new(&out, x, NULL, is_wanted, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_find_new(&out, x, NULL, NULL, note_item, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_find_new(&out, x, NULL, is_wanted, NULL, f), CST_E_INVALID_ARG);
    assert_null(out);
}

static void every_stage_needs_a_place_and_a_context(void **state)
{
    struct fixture *f = *state;
    cst_ctx *ctx = f->world.ctx;
    cst_stream *out = NULL;

    for (int kind = 0; kind < KINDS; kind++) {
        assert_int_equal(make_stage(f, kind, NULL), CST_E_INVALID_ARG);
        f->world.ctx = NULL;
        assert_int_equal(make_stage(f, kind, &out), CST_E_INVALID_ARG);
        f->world.ctx = ctx;
    }
    assert_null(out);
    test_expect(&f->world, "");
}

static void every_stage_has_a_name(void **state)
{
    struct fixture *f = *state;

    for (int kind = 0; kind < KINDS; kind++) {
        cst_stream *s;

        assert_int_equal(make_stage(f, kind, &s), CST_OK);
        assert_string_equal(cst_stream_name(s), names[kind]);
    }
}

static void make_all(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    for (int kind = 0; kind < KINDS; kind++) {
        cst_stream *out;

        assert_int_equal(make_stage(arg, kind, &out), CST_E_DESTROYED);
    }
}

static void a_context_that_is_being_freed_makes_none(void **state)
{
    struct fixture *f = *state;

    feed(f, "a");
    assert_int_equal(cst_on(f->s[0], CST_CLOSE, make_all, f), CST_OK);
}

/* --- without memory --------------------------------------------------------------------------- */

static cst_status join_letters(cst_slice *out, const cst_slice *so_far, const cst_slice *chunk,
                               void *arg)
{
    struct fixture *f = arg;
    cst_slice both[2];

    both[0] = *so_far;
    both[1] = *chunk;
    return cst_slice_concat(out, test_heap_allocator(&f->world.heap), both, 2);
}

/* letters -> filter -> end; or letters -> map -> take -> drop, if kind is -1 */
static cst_status make_pipeline(struct fixture *f, int kind)
{
    cst_status st = cst_from_fn_new(&f->s[0], f->world.ctx, NULL, next_letter, f);

    if (st == CST_OK)
        st = kind < 0 ? cst_map_new(&f->s[1], f->world.ctx, NULL, twice, f)
                      : cst_filter_new(&f->s[1], f->world.ctx, NULL, is_not_wanted, f);
    if (st == CST_OK && kind < 0)
        st = cst_take_new(&f->s[2], f->world.ctx, 2, NULL);
    else if (st == CST_OK)
        st = kind == 4
                 ? cst_reduce_new(&f->s[2], f->world.ctx, NULL, NULL, join_letters, note_item, f)
                 : make_stage(f, kind, &f->s[2]);
    if (st == CST_OK && kind < 0)
        st = cst_drop_new(&f->s[3], f->world.ctx, 1, NULL);
    if (st == CST_OK && kind < 0)
        st = cst_on(f->s[3], CST_DATA, note_event, f);
    if (st == CST_OK)
        st = cst_pipeline(f->s, kind < 0 ? 4 : 3, NULL, note_outcome, f);
    return st;
}

/* Whether an allocation failed, that is whether there may be a further one. */
static bool run_with_failure(int kind, size_t k)
{
    struct fixture f = { .letters = "abcd", .wanted = 'b' };
    cst_status st;

    test_heap_init(&f.world.heap);
    cst_chain_init(&f.chain, test_heap_allocator(&f.world.heap));
    test_heap_fail_at(&f.world.heap, k);
    st = cst_ctx_new(&f.world.ctx, test_heap_allocator(&f.world.heap), NULL);
    if (st == CST_OK)
        st = make_pipeline(&f, kind);
    if (st == CST_OK) {
        assert_int_equal(cst_ctx_run(f.world.ctx, NULL), CST_IDLE);
        if (strstr(f.world.trace.text, "pipeline:CST_E_NOMEM"))
            st = CST_E_NOMEM;
        else
            assert_non_null(strstr(f.world.trace.text, "pipeline:ok"));
    }
    assert_true(st == CST_OK || (st == CST_E_NOMEM && f.world.heap.failures));
    assert_int_equal(cst_ctx_free(f.world.ctx), CST_OK);
    cst_chain_fini(&f.chain);
    assert_int_equal(f.world.heap.live_blocks, 0);
    return f.world.heap.failures > 0;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    for (int kind = FIRST_END - 1; kind <= LAST_END; kind++) {
        size_t k = 0;

        while (run_with_failure(kind < FIRST_END ? -1 : kind, ++k))
            ;
        assert_true(k > 5);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(map_turns_each_item),
    T(a_positive_answer_counts_as_ok),
    T(filter_passes_what_is_wanted_uncopied),
    T(flat_map_pushes_any_number),
    T(flat_map_answers_as_a_slot_does),
    T(items_are_messages_unless_options_say_otherwise),
    T(a_slow_reader_holds_the_stages_before),
    T(drop_leaves_out_the_first),
    T(drop_of_more_than_there_is_leaves_nothing),
    T(take_gives_the_first_and_lets_the_source_go),
    T(take_of_none_ends_with_the_first_item),
    T(take_of_more_than_there_is_takes_all),
    T(take_of_just_what_there_is_takes_all),
    T(take_lets_all_stages_before_it_go),
    T(two_takes_in_a_row_come_out_well),
    T(what_is_read_late_of_a_take_is_still_there),
    T(take_unpipes_a_source_that_is_only_piped),
    T(take_holds_what_is_written_beyond_until_its_end),
    T(take_finishes_where_its_input_has_ended),
    T(take_may_be_destroyed_by_who_reads_it),
    T(an_error_of_what_is_let_go_fails_the_pipeline),
    T(a_host_may_go_on_pushing_into_what_was_let_go),
    T(a_context_that_lives_on_keeps_none_of_them),
    T(for_each_sees_every_item_then_tells),
    T(to_array_keeps_every_item_uncopied),
    T(to_array_tells_where_the_chain_finds_no_memory),
    T(to_array_tells_where_the_chain_is_too_long),
    T(ends_may_do_without_done),
    T(reduce_combines_from_the_first_on),
    T(reduce_begins_with_what_is_given),
    T(reduce_of_nothing_fails),
    T(some_says_whether_there_is_one),
    T(every_says_whether_all_are),
    T(find_of_nothing_tells_none),
    T(find_exits_with_the_first_and_the_pipeline_comes_out_well),
    T(some_and_every_exit_early_too),
    T(find_unpipes_a_source_that_is_only_piped),
    T(find_finishes_where_its_input_has_ended),
    T(what_is_written_after_an_early_exit_is_dropped),
    T(an_end_that_exits_early_in_an_open_pipeline_ends_it),
    T(an_end_fed_by_two_pipelines_lets_both_go),
    T(a_function_that_fails_fails_the_pipeline),
    T(a_function_may_destroy_its_stream),
    T(an_end_that_is_destroyed_tells_why),
    T(an_end_that_is_never_ended_tells_when_its_context_goes),
    T(a_failure_without_auto_destroy_is_told_by_destroy),
    T(done_may_destroy_its_stream),
    T(functions_must_be_given),
    T(every_stage_needs_a_place_and_a_context),
    T(every_stage_has_a_name),
    T(a_context_that_is_being_freed_makes_none),
    T(any_allocation_may_fail),
};

TEST_MAIN(tests)

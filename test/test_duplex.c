/* test_duplex.c - duplex.h and the life of a stream: transforms, pass-throughs, pairs, construct
 * and destroy. */
#include "world.h"

#include <string.h>

#define DEEPEST ((uintptr_t)256 * 1024) /* bytes of stack, however long the pipeline */

/* What the scripted transform does with each chunk. */
enum how { ECHO, GIVE, TWICE, NOTHING, FAIL, LATE };

struct filter {
    struct test_stage stage;
    enum how how;
    cst_call call;
    cst_slice chunk;
};

static cst_status filter_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct filter *filter = self;

    switch (filter->how) {
    case ECHO:
        cst_push(s, cst_slice_ref(chunk));
        return CST_OK;
    case GIVE:
        return cst_give(s, cst_slice_ref(chunk));
    case TWICE:
        cst_push(s, cst_slice_ref(chunk));
        return cst_give(s, cst_slice_ref(chunk));
    case NOTHING:
        return CST_OK;
    case FAIL:
        return CST_USER(9);
    case LATE:
        filter->call = cst_this_call(s);
        filter->chunk = *chunk; /* its bytes stay until the answer */
        return CST_PENDING;
    }
    return CST_E_INVALID_ARG;
}

static cst_status filter_flush(cst_stream *s, void *self)
{
    (void)self;
    return cst_give(s, cst_slice_str("!"));
}

static const cst_ops filter_ops = { .name = "filter",
                                    .self_size = sizeof(struct filter),
                                    .transform = filter_transform,
                                    .flush = filter_flush };

static cst_stream *make_filter(struct test_world *world, enum how how)
{
    cst_stream *s;

    assert_int_equal(cst_transform_new(&s, world->ctx, &filter_ops, NULL, NULL), CST_OK);
    test_listen_as(world, s, "t");
    ((struct filter *)cst_stream_self(s))->how = how;
    assert_int_equal(cst_on(s, CST_DATA, test_on_event, world), CST_OK);
    return s;
}

static void check_filter(struct test_world *world, enum how how, const char *text)
{
    cst_stream *s = make_filter(world, how);

    cst_write(s, cst_slice_str("a"), NULL, NULL);
    cst_end(s, NULL, NULL);
    test_run(world);
    test_expect(world, text);
}

static void a_transform_may_push_give_do_both_or_nothing(void **state)
{
    struct test_world *world = *state;

    check_filter(world, ECHO, "data:a data:! t:resume t:end t:finish t:close");
    check_filter(world, GIVE, "data:a data:! t:resume t:end t:finish t:close");
    check_filter(world, TWICE, "data:a data:a data:! t:resume t:end t:finish t:close");
    check_filter(world, NOTHING, "data:! t:resume t:end t:finish t:close");
    check_filter(world, FAIL, "t:resume t:error:USER t:close");
}

/* The read slot of a duplex gives, then writes two chunks to its stream, so that writev runs. */
static cst_status give_then_write(cst_stream *s, void *self, size_t size)
{
    bool *given = self;
    cst_status st;

    (void)size;
    if (*given)
        return CST_OK;
    *given = true;
    st = cst_give(s, cst_slice_str("gift"));
    cst_cork(s);
    cst_write_copy(s, "a", 1, NULL, NULL);
    cst_write_copy(s, "b", 1, NULL, NULL);
    cst_uncork(s);
    return st;
}

static cst_status take_two(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    (void)s, (void)self, (void)chunks;
    assert_int_equal(count, 2);
    return CST_OK;
}

static void a_chunk_that_was_given_outlasts_slots_that_run_inside(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(bool),
                                 .read = give_then_write,
                                 .writev = take_two };
    struct test_world *world = *state;
    cst_slice out;
    cst_stream *s;

    assert_int_equal(cst_duplex_new(&s, world->ctx, &ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_read(&out, s, CST_READ_ANY), CST_OK);
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.data, "gift", 4);
    cst_slice_unref(&out);
    cst_unref(s);
}

static void a_late_transform_is_completed_with_a_chunk(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_filter(world, LATE);
    struct filter *filter = cst_stream_self(s);

    cst_write_copy(s, "ab", 2, NULL, NULL);
    test_run(world);
    test_expect(world, "t:resume");
    assert_int_equal(cst_complete_with(filter->call, cst_slice_ref(&filter->chunk)), CST_OK);
    test_expect(world, "data:ab");
    assert_int_equal(cst_complete_with((cst_call){ NULL, 0, 0 }, cst_slice_empty()),
                     CST_E_INVALID_ARG);
}

static void a_late_transform_is_completed_with_a_copy(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_filter(world, LATE);
    struct filter *filter = cst_stream_self(s);
    char bytes[] = "xy";

    cst_write_copy(s, "ab", 2, NULL, NULL);
    test_run(world);
    test_trace_clear(&world->trace);
    assert_int_equal(cst_complete_copy(filter->call, NULL, 1), CST_E_INVALID_ARG);
    assert_int_equal(cst_complete_copy((cst_call){ NULL, 0, 0 }, bytes, 2), CST_E_INVALID_ARG);
    assert_int_equal(cst_complete_copy(filter->call, bytes, 2), CST_OK);
    test_expect(world, "data:xy");
}

static void a_completion_without_memory_for_its_copy_fails_the_stream(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_filter(world, LATE);
    struct filter *filter = cst_stream_self(s);

    cst_write(s, cst_slice_str("ab"), NULL, NULL);
    test_run(world);
    test_trace_clear(&world->trace);
    test_heap_fail_from(&world->heap, 1);
    assert_int_equal(cst_complete_copy(filter->call, "xy", 2), CST_E_NOMEM);
    test_heap_fail_never(&world->heap);
    test_run(world);
    test_expect(world, "t:error:NOMEM t:close");
}

static void a_pass_through_hands_on_the_same_bytes(void **state)
{
    struct test_world *world = *state;
    cst_stream *s;
    cst_slice in, out;

    assert_int_equal(cst_passthrough_new(&s, world->ctx, NULL), CST_OK);
    assert_int_equal(cst_slice_copy(&in, test_heap_allocator(&world->heap), "xyz", 3), CST_OK);
    cst_write(s, cst_slice_ref(&in), NULL, NULL);
    assert_int_equal(cst_read(&out, s, CST_READ_ANY), CST_OK);
    assert_ptr_equal(out.data, in.data);
    cst_slice_unref(&in);
    cst_slice_unref(&out);
}

static void a_byte_of_any_value_passes_unchanged(void **state)
{
    struct test_world *world = *state;
    uint8_t bytes[256];
    cst_stream *s;
    cst_slice out;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(cst_passthrough_new(&s, world->ctx, NULL), CST_OK);
    assert_int_equal(cst_write_copy(s, bytes, sizeof(bytes), NULL, NULL), CST_OK);
    assert_int_equal(cst_read(&out, s, CST_READ_ANY), CST_OK);
    assert_int_equal(out.len, sizeof(bytes));
    assert_memory_equal(out.data, bytes, sizeof(bytes));
    cst_slice_unref(&out);
}

struct deep {
    uintptr_t lowest;
    size_t chunks;
};

static cst_status deep_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct deep *deep = self;
    volatile char here = 0;

    (void)s;
    (void)chunk;
    if ((uintptr_t)&here < deep->lowest)
        deep->lowest = (uintptr_t)&here;
    deep->chunks++;
    return CST_OK;
}

static cst_status copy_on(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return cst_give(s, cst_slice_ref(chunk));
}

/* Both the flat walk of pass-throughs and the nesting of transforms. */
static void the_stack_does_not_grow_with_the_pipeline(void **state)
{
    static const cst_ops sink_ops = { .self_size = sizeof(struct deep), .write = deep_write };
    static const cst_ops copy_ops = { .transform = copy_on };
    struct test_world *world = *state;
    volatile char here = 0;
    cst_stream *first = NULL, *last = NULL, *sink;
    struct deep *deep;

    for (int i = 0; i < 2000; i++) {
        cst_stream *s;

        if (i < 1000)
            assert_int_equal(cst_passthrough_new(&s, world->ctx, NULL), CST_OK);
        else
            assert_int_equal(cst_transform_new(&s, world->ctx, &copy_ops, NULL, NULL), CST_OK);
        if (last)
            assert_int_equal(cst_pipe(last, s, NULL), CST_OK);
        else
            first = s;
        last = s;
    }
    assert_int_equal(cst_writable_new(&sink, world->ctx, &sink_ops,
                                      &(struct deep){ .lowest = UINTPTR_MAX }, NULL),
                     CST_OK);
    assert_int_equal(cst_pipe(last, sink, NULL), CST_OK);
    for (int i = 0; i < 10; i++)
        cst_write(first, cst_slice_str("chunk"), NULL, NULL);
    cst_end(first, NULL, NULL);
    deep = cst_stream_self(cst_ref(sink));
    test_run(world);
    assert_int_equal(deep->chunks, 10);
    assert_true((uintptr_t)&here - deep->lowest < 512 * 1024);
}

static void no_half_open_ends_the_writable_side_too(void **state)
{
    struct test_world *world = *state;
    cst_stream *s;

    assert_int_equal(
        cst_duplex_new(&s, world->ctx, &test_sink_ops, NULL, &(cst_opts){ .no_half_open = true }),
        CST_OK);
    test_listen_as(world, s, "d");
    cst_push_eof(s);
    cst_resume(s);
    test_run(world);
    test_expect(world, "d:resume d:end d:final d:finish d:destroy d:close");
}

static void what_one_side_of_a_pair_writes_the_other_reads(void **state)
{
    struct test_world *world = *state;
    cst_stream *a, *b;
    cst_slice chunk;

    assert_int_equal(cst_duplex_pair_new(&a, &b, world->ctx, NULL), CST_OK);
    cst_write(a, cst_slice_str("hello"), NULL, NULL);
    assert_int_equal(cst_read(&chunk, b, CST_READ_ANY), CST_OK);
    assert_memory_equal(chunk.data, "hello", 5);
    cst_slice_unref(&chunk);
    cst_destroy(a, CST_OK);
    test_run(world);
    assert_int_equal(cst_read(&chunk, b, CST_READ_ANY), CST_EOF);
    cst_unref(a);
    cst_unref(b);
}

static cst_status construct_late(cst_stream *s, void *self)
{
    struct filter *filter = self;

    test_trace_add(&filter->stage.world->trace, "construct");
    filter->call = cst_this_call(s);
    return CST_PENDING;
}

static cst_status destroy_swallows(cst_stream *s, void *self, const cst_error *error)
{
    struct filter *filter = self;

    (void)s;
    test_trace_add(&filter->stage.world->trace, "destroy:%s",
                   error ? test_status_word(error->status) : "-");
    return CST_SWALLOW;
}

static void construct_goes_first_and_destroy_waits_for_it_and_may_swallow(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct filter),
                                 .construct = construct_late,
                                 .destroy = destroy_swallows };
    struct test_world *world = *state;
    struct filter *filter;
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, world->ctx, &ops, NULL, NULL), CST_OK);
    test_listen_as(world, s, "c");
    filter = cst_stream_self(s);
    test_run(world);
    cst_destroy(s, CST_OS(5));
    test_run(world);
    test_expect(world, "construct");
    cst_complete(filter->call, CST_OK);
    test_run(world);
    test_expect(world, "destroy:OS c:close");
    assert_int_equal(cst_status_os(cst_errored(s)->status), 5);
}

static void every_failed_allocation_leaves_nothing_behind(void **state)
{
    struct test_world *world = *state;
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        cst_ctx *ctx;
        cst_stream *s = NULL;
        size_t before = world->heap.failures;

        assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&world->heap), NULL), CST_OK);
        test_heap_fail_at(&world->heap, n);
        if (cst_transform_new(&s, ctx, &filter_ops, NULL, NULL) == CST_OK) {
            cst_on(s, CST_DATA, test_on_event, world);
            cst_write_copy(s, "a", 1, NULL, NULL);
            cst_write_copy(s, "b", 1, NULL, NULL);
            cst_end(s, NULL, NULL);
            cst_ctx_run(ctx, NULL);
        }
        test_heap_fail_never(&world->heap);
        failed = world->heap.failures > before;
        test_trace_clear(&world->trace);
        assert_int_equal(cst_ctx_free(ctx), CST_OK);
    }
}

static void tables_without_the_slot_that_counts_are_refused(void **state)
{
    static const cst_ops none = { .name = "none" };
    struct test_world *world = *state;
    cst_stream *s, *t;

    assert_int_equal(cst_transform_new(&s, world->ctx, &none, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_new(&s, world->ctx, &none, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_new(&s, world->ctx, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_passthrough_new_with(&s, world->ctx, &filter_ops, NULL, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_passthrough_new(NULL, world->ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_passthrough_new(&s, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_pair_new(&s, NULL, world->ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_pair_new(&s, &t, NULL, NULL), CST_E_INVALID_ARG);
}

/* --- driven by hand --------------------------------------------------------------------------- */

#define HAND .name = "hand", .self_size = sizeof(struct test_stage), .destroy = test_stage_destroy

static const cst_ops echo_ops = { HAND, .transform = test_stage_transform };
static const cst_ops flush_ops = { HAND, .transform = test_stage_transform,
                                   .flush = test_stage_flush };
static const cst_ops final_ops = { HAND, .transform = test_stage_transform,
                                   .final = test_stage_final, .flush = test_stage_flush };
static const cst_ops duplex_ops = { HAND, .read = test_stage_read, .write = test_stage_write,
                                    .final = test_stage_final };

/* Words that callbacks can be told apart by. */
static char one[] = "1", two[] = "2", three[] = "3", four[] = "4";

static struct test_stage fresh_hand(struct test_world *world)
{
    return (struct test_stage){ .world = world };
}

/* A transform that flows, or one that nobody reads if there are opts. */
static cst_stream *make_transform(struct test_world *world, const cst_ops *ops,
                                  const cst_opts *opts)
{
    struct test_stage hand = fresh_hand(world);
    cst_stream *s;

    assert_int_equal(cst_transform_new(&s, world->ctx, ops, &hand, opts), CST_OK);
    test_listen_all(s);
    if (!opts)
        test_listen(s, CST_DATA);
    return s;
}

static cst_stream *make_duplex(struct test_world *world, const cst_opts *opts)
{
    struct test_stage hand = fresh_hand(world);
    cst_stream *s;

    assert_int_equal(cst_duplex_new(&s, world->ctx, &duplex_ops, &hand, opts), CST_OK);
    test_listen_all(s);
    return s;
}

static void answers(cst_stream *s, enum test_slot slot, cst_status status)
{
    struct test_stage *hand = cst_stream_self(s);

    hand->answers[slot] = status;
}

static cst_status write_text(cst_stream *s, const char *text, char *word)
{
    return cst_write(s, cst_slice_str(text), test_on_done, word);
}

static void expect_read(cst_stream *s, const char *text)
{
    cst_slice chunk = cst_slice_empty();

    assert_int_equal(cst_read(&chunk, s, CST_READ_ANY), CST_OK);
    assert_int_equal(chunk.len, strlen(text));
    assert_memory_equal(chunk.data, text, chunk.len);
    cst_slice_unref(&chunk);
}

static void expect_lengths(const cst_stream *s, size_t readable, size_t writable)
{
    assert_int_equal(cst_readable_length(s), readable);
    assert_int_equal(cst_writable_length(s), writable);
}

/* --- duplex ----------------------------------------------------------------------------------- */

static void the_sides_of_a_duplex_are_independent(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_duplex(world, NULL);

    test_listen(s, CST_DATA);
    write_text(s, "w", one);
    cst_push(s, cst_slice_str("r"));
    test_expect(world, "write:w");
    test_run(world);
    test_expect(world, "read resume data:r 1");
    cst_end(s, test_on_done, three);
    test_expect(world, "final prefinish");
    test_run(world);
    cst_push(s, cst_slice_str("x"));
    test_expect(world, "3 finish data:x");
    cst_push_eof(s);
    test_run(world);
    test_expect(world, "end destroy close");
}

static void a_duplex_stays_open_until_both_sides_are_over(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_duplex(world, NULL);

    cst_resume(s);
    cst_push_eof(s);
    test_run(world);
    test_expect(world, "resume end");
    assert_false(cst_is_destroyed(s));
    assert_true(cst_is_writable(s));
    cst_write(s, cst_slice_str("w"), NULL, NULL);
    cst_end(s, NULL, NULL);
    test_run(world);
    test_expect(world, "write:w final prefinish finish destroy close");
}

static void an_error_concerns_both_sides(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_duplex(world, NULL);

    write_text(s, "a", one);
    cst_destroy(s, CST_USER(1));
    assert_false(cst_is_readable(s));
    assert_false(cst_is_writable(s));
    assert_true(cst_readable_aborted(s));
    assert_false(cst_writable_aborted(s)); /* as in Node, for streams with both sides */
    assert_int_equal(cst_push(s, cst_slice_str("x")), CST_E_DESTROYED);
    assert_int_equal(write_text(s, "x", two), CST_E_DESTROYED);
    test_run(world);
    test_expect(world, "write:a destroy:USER 1 error:USER close 2:DESTROYED");
}

static void without_a_readable_side_a_duplex_is_a_writable(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_duplex(world, &(cst_opts){ .no_readable = true });

    assert_false(cst_is_readable(s));
    assert_true(cst_readable_ended(s));
    assert_false(cst_readable_aborted(s));
    write_text(s, "w", one);
    cst_end(s, test_on_done, three);
    test_run(world);
    test_expect(world, "write:w final prefinish 1 3 finish destroy close");
}

static void without_a_writable_side_a_duplex_refuses_writes(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_duplex(world, &(cst_opts){ .no_writable = true });

    assert_false(cst_is_writable(s));
    assert_true(cst_writable_ended(s));
    assert_true(cst_writable_finished(s));
    assert_int_equal(write_text(s, "w", one), CST_E_WRITE_AFTER_END);
    cst_resume(s);
    test_run(world);
    test_expect(world, "destroy:WRITE_AFTER_END 1:WRITE_AFTER_END error:WRITE_AFTER_END close");
}

static void without_a_writable_side_the_end_is_the_end(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_duplex(world, &(cst_opts){ .no_writable = true });

    cst_resume(s);
    cst_push_eof(s);
    test_run(world);
    test_expect(world, "resume end destroy close");
}

static void without_half_open_the_end_ends_the_writable_side(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_duplex(world, &(cst_opts){ .no_half_open = true });

    cst_resume(s);
    cst_push_eof(s);
    test_run(world);
    test_expect(world, "resume end final prefinish finish destroy close");
}

static void without_half_open_a_writable_side_that_is_over_is_not_ended_again(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_duplex(world, &(cst_opts){ .no_half_open = true });

    cst_end(s, test_on_done, three);
    test_run(world);
    test_expect(world, "final prefinish 3 finish");
    cst_resume(s);
    cst_push_eof(s);
    test_run(world);
    test_expect(world, "resume end destroy close");
}

/* --- a peer that has ended -------------------------------------------------------------------- */

static const cst_ops socket_ops = { .self_size = sizeof(struct test_stage),
                                    .write = test_stage_write,
                                    .write_after_peer_end = CST_USER(32) };

/* Its first write waits, so that it does not finish. */
static cst_stream *make_socket(struct test_world *world, const cst_opts *opts)
{
    struct test_stage hand = fresh_hand(world);
    cst_stream *s;

    world->calls.pending = 0;
    hand.answers[TEST_WRITE] = CST_PENDING;
    assert_int_equal(cst_duplex_new(&s, world->ctx, &socket_ops, &hand, opts), CST_OK);
    test_listen_all(s);
    cst_write(s, cst_slice_str("a"), test_on_done, one);
    test_expect(world, "write:a");
    return s;
}

static void hear_end(struct test_world *world, cst_stream *s)
{
    cst_push_eof(s);
    cst_resume(s);
    test_run(world);
    test_expect(world, "resume end");
}

static const cst_opts closes = { .no_half_open = true };

static void a_write_after_the_end_of_the_peer_is_told_so(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_socket(world, &closes);

    hear_end(world, s);
    assert_true(cst_writable_ended(s));
    assert_int_equal(cst_write(s, cst_slice_str("b"), test_on_done, two), CST_USER(32));
    assert_int_equal(cst_write(s, cst_slice_empty(), test_on_done, three), CST_USER(32));
    test_run(world);
    test_expect(world, "2:USER error:USER close 3:USER");
    assert_int_equal(cst_errored(s)->status, CST_USER(32));
    assert_int_equal(cst_write(s, cst_slice_str("b"), test_on_done, four), CST_USER(32));
    test_run(world);
    test_expect(world, "4:USER");
    test_answer(world, CST_OK);
}

/* Without a callback, corked, and if this side had ended before. */
static void a_write_after_the_end_of_the_peer_is_told_so_whoever_has_ended(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_socket(world, &closes);

    cst_end(s, NULL, NULL);
    hear_end(world, s);
    cst_cork(s);
    assert_int_equal(cst_write(s, cst_slice_str("b"), NULL, NULL), CST_USER(32));
    test_run(world);
    test_expect(world, "error:USER close");
    test_answer(world, CST_OK);
}

static void a_pipe_that_writes_after_the_end_of_the_peer_fails_it(void **state)
{
    static const cst_ops source_ops = { .name = "source" };
    struct test_world *world = *state;
    cst_stream *s = make_socket(world, &closes), *source;

    assert_int_equal(cst_readable_new(&source, world->ctx, &source_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_pipe(source, s, NULL), CST_OK);
    test_run(world);
    test_expect(world, "pipe");
    hear_end(world, s);
    cst_push(source, cst_slice_str("b"));
    test_run(world);
    test_expect(world, "unpipe error:USER close");
    test_answer(world, CST_OK);
}

/* An end with a chunk, a write before 'end', and one to a stream that stays half open. */
static void what_is_no_write_after_the_end_of_the_peer_is_a_write_after_end(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_socket(world, &closes);

    hear_end(world, s);
    assert_int_equal(cst_end_with(s, cst_slice_str("b"), test_on_done, two), CST_E_WRITE_AFTER_END);
    test_run(world);
    test_expect(world, "error:WRITE_AFTER_END close 2:WRITE_AFTER_END");
    test_answer(world, CST_OK);
    test_run(world);
    test_trace_clear(&world->trace);
    for (size_t i = 0; i < 2; i++) {
        s = make_socket(world, i == 0 ? &closes : NULL);
        if (i == 1)
            hear_end(world, s);
        cst_end(s, NULL, NULL);
        assert_int_equal(cst_write(s, cst_slice_str("b"), test_on_done, two),
                         CST_E_WRITE_AFTER_END);
        test_run(world);
        test_expect(world, "2:WRITE_AFTER_END error:WRITE_AFTER_END close");
        test_answer(world, CST_OK);
        test_run(world);
        test_trace_clear(&world->trace);
    }
}

static void expect_marks(struct test_world *world, cst_opts opts, size_t readable, size_t writable)
{
    cst_stream *s = make_transform(world, &echo_ops, &opts);

    assert_int_equal(cst_readable_high_water_mark(s), readable);
    assert_int_equal(cst_writable_high_water_mark(s), writable);
}

static void each_side_has_its_mark_and_its_mode(void **state)
{
    struct test_world *world = *state;
    cst_opts opts = { .readable_object_mode = true, .writable_high_water_mark = 2 };
    cst_stream *s = make_transform(world, &echo_ops, &opts);

    assert_true(cst_readable_object_mode(s));
    assert_false(cst_writable_object_mode(s));
    expect_marks(world, opts, 16, 2);
    expect_marks(world, (cst_opts){ .high_water_mark = CST_HWM_ZERO }, 0, 0);
    expect_marks(world, (cst_opts){ .readable_high_water_mark = CST_HWM_ZERO }, 0, 0);
    expect_marks(
        world,
        (cst_opts){ .readable_high_water_mark = CST_HWM_ZERO, .writable_high_water_mark = 5 }, 0,
        5);
    expect_marks(world, (cst_opts){ .readable_high_water_mark = 3, .writable_high_water_mark = 5 },
                 3, 5);
    expect_marks(world, (cst_opts){ .high_water_mark = 7, .readable_high_water_mark = 3 }, 7, 7);
    s = make_duplex(world, &(cst_opts){ .readable_high_water_mark = CST_HWM_ZERO });
    assert_int_equal(cst_writable_high_water_mark(s), 65536);
}

/* --- transform -------------------------------------------------------------------------------- */

static void a_transform_says_things_in_the_order_of_node(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, NULL);

    write_text(s, "a", one);
    test_expect(world, "transform:a data:a");
    cst_end(s, test_on_done, three);
    test_expect(world, "prefinish");
    test_run(world);
    test_expect(world, "resume 1 end 3 finish destroy close");
}

static void a_transform_that_fails_fails_both_sides(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, NULL);

    answers(s, TEST_TRANSFORM, CST_USER(1));
    assert_int_equal(write_text(s, "a", one), CST_FULL);
    cst_end(s, test_on_done, three);
    test_expect(world, "transform:a");
    test_run(world);
    test_expect(world, "resume 1:USER destroy:USER 3:USER error:USER close");
}

static void a_transform_that_fails_late_fails_what_waits(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, NULL);

    answers(s, TEST_TRANSFORM, CST_PENDING);
    write_text(s, "a", one);
    write_text(s, "b", two);
    test_run(world);
    test_answer(world, CST_USER(1));
    test_expect(world, "transform:a resume 1:USER 2:USER destroy:USER");
    test_run(world);
    test_expect(world, "error:USER close");
}

static void a_late_transform_takes_the_next_chunk_when_it_has_answered(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, NULL);

    answers(s, TEST_TRANSFORM, CST_PENDING);
    write_text(s, "a", one);
    write_text(s, "b", two);
    test_run(world);
    test_expect(world, "transform:a resume");
    cst_complete_with(world->calls.list[0], cst_slice_str("A"));
    test_expect(world, "data:A transform:b 1");
    cst_complete(world->calls.list[1], CST_OK);
    test_expect(world, "2");
}

static void a_transform_that_answers_twice_is_an_error(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &flush_ops, NULL);
    cst_call call;

    answers(s, TEST_TRANSFORM, CST_PENDING);
    write_text(s, "a", one);
    call = world->calls.list[0];
    test_answer(world, CST_OK);
    assert_int_equal(cst_complete(call, CST_OK), CST_OK);
    test_expect(world, "transform:a 1 destroy:MULTIPLE_CALLBACK");
    test_run(world);
    test_expect(world, "resume error:MULTIPLE_CALLBACK close");
}

static void a_transform_keeps_its_answer_while_its_output_is_full(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, &(cst_opts){ .high_water_mark = 4 });

    assert_int_equal(write_text(s, "aa", one), CST_OK);
    expect_lengths(s, 2, 0);
    assert_int_equal(write_text(s, "bb", two), CST_OK);
    expect_lengths(s, 4, 2);
    assert_int_equal(write_text(s, "cc", three), CST_FULL);
    expect_lengths(s, 4, 4);
    assert_int_equal(write_text(s, "dd", four), CST_FULL);
    expect_lengths(s, 4, 6);
    test_expect(world, "transform:aa transform:bb");
    test_run(world);
    test_expect(world, "1");
    expect_read(s, "aa");
    expect_lengths(s, 4, 4);
    test_run(world);
    test_expect(world, "transform:cc 2");
    expect_read(s, "bb");
    expect_lengths(s, 4, 2);
    test_run(world);
    test_expect(world, "transform:dd 3");
    expect_read(s, "cc");
    expect_lengths(s, 2, 0);
    test_expect(world, "drain 4");
}

static void a_chunk_without_output_is_not_held_back(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, &(cst_opts){ .high_water_mark = 2 });

    write_text(s, "full", one);
    test_trace_clear(&world->trace);
    expect_read(s, "full");
    test_expect(world, "drain 1");
    cst_push(s, cst_slice_str("full"));
    answers(s, TEST_TRANSFORM, CST_PENDING);
    write_text(s, "nothing", two);
    test_answer(world, CST_OK);
    test_expect(world, "transform:nothing drain 2");
}

static void after_the_end_the_rest_is_transformed_whether_there_is_room_or_not(void **state)
{
    static char five[] = "5";
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, &(cst_opts){ .high_water_mark = 4 });

    write_text(s, "aa", one);
    write_text(s, "bb", two);
    write_text(s, "cc", three);
    write_text(s, "dd", four);
    write_text(s, "ee", five);
    cst_end(s, NULL, NULL);
    test_run(world);
    test_expect(world, "transform:aa transform:bb 1");
    expect_lengths(s, 4, 8);
    expect_read(s, "aa");
    expect_lengths(s, 8, 0);
    test_expect(world, "transform:cc transform:dd transform:ee 2 prefinish");
    test_run(world);
    test_expect(world, "3 4 5 finish");
}

static void a_transform_answered_after_eof_completes_by_a_task(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, NULL);

    answers(s, TEST_TRANSFORM, CST_PENDING);
    write_text(s, "a", one);
    test_run(world);
    cst_push(s, cst_slice_str("A"));
    cst_push_eof(s);
    test_answer(world, CST_OK);
    test_expect(world, "transform:a resume data:A");
    test_run(world);
    test_expect(world, "end 1");
}

static void an_eof_pushed_by_transform_refuses_later_chunks(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &echo_ops, NULL);

    cst_push_eof(s);
    write_text(s, "b", two);
    test_run(world);
    test_expect(world, "transform:b destroy:PUSH_AFTER_EOF resume error:PUSH_AFTER_EOF close 2");
}

/* --- flush ------------------------------------------------------------------------------------ */

static void check_flush(struct test_world *world, const cst_ops *ops, cst_status status,
                        const char *text)
{
    cst_stream *s = make_transform(world, ops, NULL);

    world->calls.pending = 0;
    answers(s, TEST_FLUSH, status);
    write_text(s, "a", one);
    cst_end(s, test_on_done, three);
    test_trace_add(&world->trace, "|");
    test_run(world);
    if (status == CST_PENDING) {
        test_trace_add(&world->trace, "|");
        cst_complete_with(world->calls.list[0], cst_slice_str("!"));
        test_run(world);
    }
    test_expect(world, text);
}

static void the_end_waits_for_flush(void **state)
{
    struct test_world *world = *state;

    check_flush(world, &flush_ops, CST_OK,
                "transform:a data:a flush prefinish | resume 1 end 3 finish destroy close");
    check_flush(
        world, &flush_ops, CST_PENDING,
        "transform:a data:a flush | resume 1 | data:! prefinish end 3 finish destroy close");
    check_flush(world, &flush_ops, CST_USER(1),
                "transform:a data:a flush destroy:USER | resume 1 error:USER close 3:USER");
}

static void with_a_final_of_the_user_s_finish_does_not_wait_for_flush(void **state)
{
    struct test_world *world = *state;

    check_flush(world, &final_ops, CST_OK,
                "transform:a data:a final flush prefinish | resume 1 end 3 finish destroy close");
    check_flush(world, &final_ops, CST_PENDING,
                "transform:a data:a final flush prefinish | resume 1 3 finish | "
                "data:! end destroy close");
    check_flush(world, &final_ops, CST_USER(1),
                "transform:a data:a final flush destroy:USER prefinish | "
                "resume 1 error:USER close finish 3:USER");
}

static void a_transform_whose_final_is_late_or_fails_flushes_after_it_or_not(void **state)
{
    struct test_world *world = *state;
    cst_stream *s = make_transform(world, &final_ops, NULL);

    answers(s, TEST_FINAL, CST_PENDING);
    cst_end(s, test_on_done, three);
    test_run(world);
    test_expect(world, "final resume");
    test_answer(world, CST_OK);
    test_run(world);
    test_expect(world, "flush prefinish end 3 finish destroy close");
    s = make_transform(world, &final_ops, NULL);
    answers(s, TEST_FINAL, CST_USER(1));
    cst_end(s, test_on_done, three);
    test_run(world);
    test_expect(world, "final destroy:USER resume error:USER close 3:USER");
}

/* --- pass-through ----------------------------------------------------------------------------- */

static void a_pass_through_may_have_slots_of_its_own(void **state)
{
    static const cst_ops ops = { HAND, .construct = test_stage_construct, .final = test_stage_final,
                                 .flush = filter_flush };
    struct test_world *world = *state;
    struct test_stage hand = fresh_hand(world);
    cst_stream *s;

    assert_int_equal(cst_passthrough_new_with(&s, world->ctx, &ops, &hand, NULL), CST_OK);
    test_listen_all(s);
    test_listen(s, CST_DATA);
    write_text(s, "a", one);
    cst_end(s, test_on_done, three);
    test_expect(world, "");
    test_run(world);
    test_expect(world,
                "construct resume data:a final data:! prefinish 1 end 3 finish destroy close");
}

static void ten_thousand_pass_throughs_need_a_small_stack(void **state)
{
    static const cst_ops sink_ops = { .self_size = sizeof(struct deep), .write = deep_write };
    struct test_world *world = *state;
    volatile char here = 0;
    cst_stream *first, *last, *sink;
    struct deep *deep;

    assert_int_equal(cst_passthrough_new(&first, world->ctx, NULL), CST_OK);
    last = first;
    for (int i = 1; i < 10000; i++) {
        cst_stream *s;

        assert_int_equal(cst_passthrough_new(&s, world->ctx, NULL), CST_OK);
        assert_int_equal(cst_pipe(last, s, NULL), CST_OK);
        last = s;
    }
    assert_int_equal(cst_writable_new(&sink, world->ctx, &sink_ops,
                                      &(struct deep){ .lowest = UINTPTR_MAX }, NULL),
                     CST_OK);
    assert_int_equal(cst_pipe(last, sink, NULL), CST_OK);
    deep = cst_stream_self(cst_ref(sink));
    for (int i = 0; i < 100; i++)
        cst_write(first, cst_slice_str("chunk"), NULL, NULL);
    cst_end(first, NULL, NULL);
    test_run(world);
    assert_int_equal(deep->chunks, 100);
    assert_true((uintptr_t)&here - deep->lowest < DEEPEST);
}

static void a_mutual_recursion_of_transforms_is_bounded_too(void **state)
{
    static const cst_ops sink_ops = { .self_size = sizeof(struct deep), .write = deep_write };
    static const cst_ops copy_ops = { .transform = copy_on };
    struct test_world *world = *state;
    volatile char here = 0;
    cst_stream *first, *last, *sink;
    struct deep *deep;

    assert_int_equal(cst_transform_new(&first, world->ctx, &copy_ops, NULL, NULL), CST_OK);
    last = first;
    for (int i = 1; i < 1000; i++) {
        cst_stream *s;

        assert_int_equal(cst_transform_new(&s, world->ctx, &copy_ops, NULL, NULL), CST_OK);
        assert_int_equal(cst_pipe(last, s, NULL), CST_OK);
        last = s;
    }
    assert_int_equal(cst_writable_new(&sink, world->ctx, &sink_ops,
                                      &(struct deep){ .lowest = UINTPTR_MAX }, NULL),
                     CST_OK);
    assert_int_equal(cst_pipe(last, sink, NULL), CST_OK);
    deep = cst_stream_self(cst_ref(sink));
    test_run(world);
    for (int i = 0; i < 100; i++)
        cst_write(first, cst_slice_str("chunk"), NULL, NULL);
    test_run(world);
    assert_int_equal(deep->chunks, 100);
    assert_true((uintptr_t)&here - deep->lowest < DEEPEST);
}

#ifndef CST_NO_CACHE
static void count_chunk(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    ++*(size_t *)arg;
}

static void steady_flow_through_a_transform_allocates_nothing(void **state)
{
    static const cst_ops copy_ops = { .transform = copy_on };
    struct test_world *world = *state;
    size_t seen = 0, calls = 0;
    cst_stream *s;

    assert_int_equal(cst_transform_new(&s, world->ctx, &copy_ops, NULL, NULL), CST_OK);
    cst_on(s, CST_DATA, count_chunk, &seen);
    for (int i = 0; i < 10100; i++) {
        cst_buf buf;

        if (i == 100)
            calls = world->heap.calls;
        assert_int_equal(cst_buf_new_cached(&buf, world->ctx, 1024), CST_OK);
        cst_write(s, cst_buf_freeze(&buf, 1024), NULL, NULL);
        if (i % 3 == 0)
            test_run(world);
    }
    assert_int_equal(seen, 10100);
    assert_int_equal(world->heap.calls, calls);
}
#endif

/* --- pairs ------------------------------------------------------------------------------------ */

struct side {
    struct test_trace *trace;
    const char *name;
};

static void on_side(cst_stream *s, const cst_event *event, void *arg)
{
    static const char *const names[] = { "data",   "readable",  "end",   "close",
                                         "finish", "prefinish", "drain", "pause",
                                         "resume", "error",     "pipe",  "unpipe" };
    struct side *side = arg;

    (void)s;
    if (event->chunk)
        test_trace_add(side->trace, "%s:data:%.*s", side->name, (int)event->chunk->len,
                       (const char *)event->chunk->data);
    else
        test_trace_add(side->trace, "%s:%s", side->name, names[event->type]);
}

static void pair_done(cst_stream *s, cst_status status, void *arg)
{
    struct side *side = arg;

    (void)s;
    test_trace_add(side->trace, status ? "%s:lost" : "%s", side->name);
}

struct pair {
    cst_stream *a, *b;
    struct side side_a, side_b, one, two, three;
};

/* The sides live as long as their streams, which go with the context. */
static struct pair *make_pair(struct test_world *world, const cst_opts *opts)
{
    static struct pair storage;
    struct pair *pair = &storage;

    storage = (struct pair){
        .side_a = { &world->trace, "a" },
        .side_b = { &world->trace, "b" },
        .one = { &world->trace, "1" },
        .two = { &world->trace, "2" },
        .three = { &world->trace, "3" },
    };
    assert_int_equal(cst_duplex_pair_new(&pair->a, &pair->b, world->ctx, opts), CST_OK);
    for (int type = CST_END; type < CST_EVENT_TYPES_; type++) {
        assert_int_equal(cst_on(pair->a, (cst_event_type)type, on_side, &pair->side_a), CST_OK);
        assert_int_equal(cst_on(pair->b, (cst_event_type)type, on_side, &pair->side_b), CST_OK);
    }
    return pair;
}

static void both_sides_of_a_pair_end_when_both_have_read_all(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, NULL);

    cst_on(pair->b, CST_DATA, on_side, &pair->side_b);
    cst_write(pair->a, cst_slice_str("x"), pair_done, &pair->one);
    cst_write(pair->a, cst_slice_str("y"), pair_done, &pair->two);
    test_expect(world, "");
    test_run(world);
    test_expect(world, "1 b:resume 2 b:data:x b:data:y");
    cst_end_with(pair->b, cst_slice_str("z"), NULL, NULL);
    test_run(world);
    expect_read(pair->a, "z");
    test_expect(world, "");
    cst_end(pair->a, pair_done, &pair->three);
    test_run(world);
    test_expect(world, "a:end b:prefinish b:end a:prefinish b:finish 3 a:finish b:close a:close");
}

static void destroying_one_side_of_a_pair_ends_the_other(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, NULL);

    cst_resume(pair->b);
    cst_destroy(pair->a, CST_OK);
    test_run(world);
    test_expect(world, "b:resume a:close b:end");
    assert_false(cst_is_destroyed(pair->b));
}

static void failing_one_side_of_a_pair_destroys_the_other_without_the_error(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, NULL);

    cst_resume(pair->b);
    cst_destroy(pair->a, CST_USER(1));
    test_run(world);
    test_expect(world, "b:resume a:error a:close b:close");
    assert_null(cst_errored(pair->b));
}

static void an_empty_write_to_a_pair_arrives_nowhere(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, NULL);

    cst_write(pair->a, cst_slice_empty(), pair_done, &pair->one);
    test_expect(world, "");
    test_run(world);
    test_expect(world, "1");
    assert_int_equal(cst_readable_length(pair->b), 0);
}

static void a_write_to_a_pair_is_done_when_the_other_side_asks_for_more(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, &(cst_opts){ .high_water_mark = 2 });

    assert_int_equal(cst_write(pair->a, cst_slice_str("abc"), pair_done, &pair->one), CST_FULL);
    assert_int_equal(cst_write(pair->a, cst_slice_str("d"), pair_done, &pair->two), CST_FULL);
    test_run(world);
    test_expect(world, "");
    assert_int_equal(cst_readable_length(pair->b), 3);
    assert_int_equal(cst_writable_length(pair->a), 4);
    expect_read(pair->b, "abc");
    assert_int_equal(cst_readable_length(pair->b), 1);
    assert_int_equal(cst_writable_length(pair->a), 1);
    test_run(world);
    test_expect(world, "1 a:drain 2");
}

static void say_freed(const void *data, size_t len, void *arg)
{
    struct side *side = arg;

    (void)data;
    (void)len;
    test_trace_add(side->trace, "%s:freed", side->name);
}

/* A side whose buffer says when it goes. */
static void watch_buffer(struct test_world *world, cst_stream *s, struct side *side)
{
    cst_slice chunk;

    assert_int_equal(
        cst_slice_foreign(&chunk, test_heap_allocator(&world->heap), "x", 1, say_freed, side),
        CST_OK);
    cst_push(s, chunk);
}

static void destroy_a_and_expect(struct test_world *world, struct pair *pair, const char *closing,
                                 const char *going)
{
    cst_destroy(pair->a, CST_OK);
    test_run(world);
    test_expect(world, closing);
    cst_unref(pair->a);
    test_expect(world, going);
}

static void writes_that_a_destroyed_side_has_not_answered_do_not_keep_the_other(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, NULL);

    watch_buffer(world, pair->a, &pair->side_a);
    cst_write(pair->a, cst_slice_str("x"), pair_done, &pair->one);
    cst_destroy(pair->b, CST_OK);
    test_run(world);
    test_expect(world, "b:close");
    destroy_a_and_expect(world, pair, "a:close", "1:lost a:freed");
    cst_unref(pair->b);
}

static void an_end_that_a_destroyed_side_has_not_seen_does_not_keep_the_other(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, NULL);

    watch_buffer(world, pair->a, &pair->side_a);
    cst_end(pair->a, pair_done, &pair->one);
    test_run(world);
    cst_destroy(pair->b, CST_OK);
    test_run(world);
    test_expect(world, "b:close");
    destroy_a_and_expect(world, pair, "1:lost a:close", "a:freed");
    cst_unref(pair->b);
}

static void a_write_to_a_side_that_is_gone_keeps_nothing(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, NULL);

    watch_buffer(world, pair->a, &pair->side_a);
    cst_destroy(pair->b, CST_OK);
    cst_unref(pair->b);
    test_run(world);
    cst_write(pair->a, cst_slice_str("x"), pair_done, &pair->one);
    test_run(world);
    test_expect(world, "b:close");
    destroy_a_and_expect(world, pair, "a:close", "1:lost a:freed");
}

static void an_end_to_a_side_that_is_gone_keeps_nothing(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, NULL);

    watch_buffer(world, pair->a, &pair->side_a);
    cst_destroy(pair->b, CST_OK);
    cst_unref(pair->b);
    test_run(world);
    cst_end(pair->a, pair_done, &pair->one);
    test_run(world);
    test_expect(world, "b:close");
    destroy_a_and_expect(world, pair, "1:lost a:close", "a:freed");
}

static void a_side_that_is_destroyed_while_it_waits_goes_with_the_other(void **state)
{
    struct test_world *world = *state;
    struct pair *pair = make_pair(world, &(cst_opts){ .high_water_mark = 1 });

    watch_buffer(world, pair->a, &pair->side_a);
    cst_write(pair->a, cst_slice_str("x"), pair_done, &pair->one);
    destroy_a_and_expect(world, pair, "a:close", "");
    cst_destroy(pair->b, CST_OK);
    test_expect(world, "1:lost a:freed");
    test_run(world);
    test_expect(world, "b:close");
    cst_unref(pair->b);
}

/* --- from inside, and without memory ---------------------------------------------------------- */

struct leave {
    const char *place;
    bool used;
};

static void leave_at(cst_stream *s, const char *word, void *arg)
{
    struct leave *leave = arg;

    if (leave->used || strcmp(word, leave->place) != 0)
        return;
    leave->used = true;
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

static void a_transform_may_be_left_from_any_slot_or_callback(void **state)
{
    static const char *const places[] = { "transform:a", "data:a",  "1",         "final",
                                          "flush",       "resume",  "prefinish", "3",
                                          "finish",      "destroy", "end",       "close" };
    struct test_world *world = *state;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct leave leave = { .place = places[i] };
        cst_stream *s = make_transform(world, &final_ops, NULL);
        struct test_stage *hand = cst_stream_self(cst_ref(s));

        hand->act = leave_at;
        hand->act_arg = &leave;
        write_text(s, "a", one);
        cst_end(s, test_on_done, three);
        cst_unref(s);
        test_run(world);
        assert_true(leave.used);
        test_trace_clear(&world->trace);
    }
}

struct life {
    cst_ctx *ctx;
    size_t owed, told;
};

static void count_done(cst_stream *s, cst_status status, void *arg)
{
    struct life *life = arg;

    (void)s;
    (void)status;
    life->told++;
}

static void count_owed(struct life *life, cst_status st)
{
    if (st != CST_E_NOMEM)
        life->owed++;
}

static void take_all(cst_stream *s, cst_ctx *ctx)
{
    cst_slice chunk;
    cst_status st;

    while ((st = cst_read(&chunk, s, 7)) == CST_OK || cst_ctx_has_work(ctx)) {
        if (st == CST_OK)
            cst_slice_unref(&chunk);
        cst_ctx_run(ctx, NULL);
    }
}

/* Write to one end until it is full, read at the other, end. The ends may be one stream. */
static void live_a_life(struct life *life, cst_stream *in, cst_stream *out)
{
    for (int i = 0; i < 12; i++)
        count_owed(life, cst_write_copy(in, "chunk", 5, count_done, life));
    cst_ctx_run(life->ctx, NULL);
    take_all(out, life->ctx);
    count_owed(life, cst_end_with(in, cst_slice_str("last"), count_done, life));
    take_all(out, life->ctx);
    cst_resume(out);
    cst_ctx_run(life->ctx, NULL);
}

/* Make a stream of some kind, or two ends of a pair. */
static cst_status make_kind(int kind, cst_ctx *ctx, cst_stream **in, cst_stream **out)
{
    static const cst_ops plain_ops = { .transform = copy_on };
    const cst_opts opts = { .high_water_mark = 8 };
    cst_status st;

    if (kind == 2)
        return cst_duplex_pair_new(in, out, ctx, &opts);
    st = kind ? cst_passthrough_new(in, ctx, &opts)
              : cst_transform_new(in, ctx, &plain_ops, NULL, &opts);
    if (st == CST_OK)
        *out = *in;
    return st;
}

/* Return whether a request failed. */
static bool live_with_failure(struct test_heap *heap, size_t k, bool and_on, int kind)
{
    struct life life = { .ctx = NULL };
    cst_stream *in, *out;

    test_heap_init(heap);
    if (and_on)
        test_heap_fail_from(heap, k);
    else
        test_heap_fail_at(heap, k);
    if (cst_ctx_new(&life.ctx, test_heap_allocator(heap), NULL) == CST_OK) {
        if (make_kind(kind, life.ctx, &in, &out) == CST_OK)
            live_a_life(&life, in, out);
        assert_int_equal(cst_ctx_free(life.ctx), CST_OK);
    }
    assert_int_equal(life.told, life.owed);
    assert_int_equal(heap->live_blocks, 0);
    return heap->failures > 0;
}

static void any_allocation_may_fail_once_or_from_then_on(void **state)
{
    struct test_heap heap;

    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        size_t k = 1;

        while (live_with_failure(&heap, k, kind & 1, kind / 2))
            k++;
        assert_true(k > 10);
    }
}

/* --- rings ------------------------------------------------------------------------------------ */

#define LONGEST_RING 40

/* Hands a chunk on, so many times, into the ring that it is in. */
struct turner {
    struct test_stage stage;
    int left;
    bool looks;
};

static cst_status turner_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct turner *turner = self;

    if (turner->looks)
        (void)cst_writable_length(s);
    test_trace_add(&turner->stage.world->trace, "transform:%zu", chunk->len);
    if (turner->left == 0)
        return CST_OK;
    turner->left--;
    return cst_give(s, cst_slice_ref(chunk));
}

static const cst_ops turner_ops = { .name = "turner",
                                    .self_size = sizeof(struct turner),
                                    .transform = turner_transform };
static const cst_ops ring_stage_ops = { .name = "stage", .self_size = sizeof(struct test_stage) };
static const cst_ops ring_source_ops = { .name = "source" };

/* A pass-through whose queue has room. */
static cst_stream *make_ring_stage(struct test_world *world, const cst_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_passthrough_new_with(&s, world->ctx, &ring_stage_ops, NULL, opts), CST_OK);
    cst_cork(s);
    assert_int_equal(cst_write(s, cst_slice_str("x"), NULL, NULL), CST_OK);
    cst_uncork(s);
    expect_read(s, "x");
    return s;
}

/*
 * A transform, so many pass-throughs, and back; two chunks come in by the pass-through at entry,
 * or, where that is their number, by the transform.
 */
static void check_ring(struct test_world *world, size_t stages, size_t entry, bool looks,
                       const char *text)
{
    struct turner turner = { .looks = looks };
    cst_opts opts = { .high_water_mark = 3 };
    cst_stream *ring[LONGEST_RING + 1], *source;

    assert_int_equal(cst_transform_new(&ring[stages], world->ctx, &turner_ops, &turner, &opts),
                     CST_OK);
    for (size_t i = 0; i < stages; i++)
        ring[i] = make_ring_stage(world, &opts);
    assert_int_equal(cst_readable_new(&source, world->ctx, &ring_source_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_pipe(source, ring[entry], NULL), CST_OK);
    for (size_t i = 0; i <= stages; i++)
        assert_int_equal(cst_pipe(ring[i], ring[(i + 1) % (stages + 1)], NULL), CST_OK);
    test_run(world);
    test_listen_as(world, ring[stages], "t");
    if (entry != 0)
        test_listen_as(world, ring[entry - 1], "before");
    for (size_t len = 1; len <= 2; len++) {
        ((struct turner *)cst_stream_self(ring[stages]))->left = 2;
        cst_push(source, cst_slice_static("bc", len));
    }
    test_run(world);
    test_expect(world, text);
}

/* The first chunk goes round twice, and fits; the second is more than half of what fits. */
#define FIRST "transform:1 transform:1 transform:1 transform:2 "

static void a_transform_in_a_ring_is_written_to_while_its_write_is_in_flight(void **state)
{
    struct test_world *world = *state;

    for (int looks = 0; looks < 2; looks++) {
        check_ring(world, 0, 0, looks, FIRST "t:pause transform:2 t:drain t:resume transform:2");
        check_ring(world, 1, 0, looks, FIRST "t:pause transform:2 t:resume transform:2");
        check_ring(world, 1, 1, looks,
                   FIRST "before:pause transform:2 t:drain before:resume transform:2");
        check_ring(world, LONGEST_RING, 20, looks,
                   FIRST "before:pause transform:2 before:resume transform:2");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(a_transform_may_push_give_do_both_or_nothing),
    CASE(a_chunk_that_was_given_outlasts_slots_that_run_inside),
    CASE(a_late_transform_is_completed_with_a_chunk),
    CASE(a_late_transform_is_completed_with_a_copy),
    CASE(a_completion_without_memory_for_its_copy_fails_the_stream),
    CASE(a_pass_through_hands_on_the_same_bytes),
    CASE(a_byte_of_any_value_passes_unchanged),
    CASE(the_stack_does_not_grow_with_the_pipeline),
    CASE(no_half_open_ends_the_writable_side_too),
    CASE(a_write_after_the_end_of_the_peer_is_told_so),
    CASE(a_write_after_the_end_of_the_peer_is_told_so_whoever_has_ended),
    CASE(a_pipe_that_writes_after_the_end_of_the_peer_fails_it),
    CASE(what_is_no_write_after_the_end_of_the_peer_is_a_write_after_end),
    CASE(what_one_side_of_a_pair_writes_the_other_reads),
    CASE(construct_goes_first_and_destroy_waits_for_it_and_may_swallow),
    CASE(every_failed_allocation_leaves_nothing_behind),
    CASE(tables_without_the_slot_that_counts_are_refused),
    CASE(the_sides_of_a_duplex_are_independent),
    CASE(a_duplex_stays_open_until_both_sides_are_over),
    CASE(an_error_concerns_both_sides),
    CASE(without_a_readable_side_a_duplex_is_a_writable),
    CASE(without_a_writable_side_a_duplex_refuses_writes),
    CASE(without_a_writable_side_the_end_is_the_end),
    CASE(without_half_open_the_end_ends_the_writable_side),
    CASE(without_half_open_a_writable_side_that_is_over_is_not_ended_again),
    CASE(each_side_has_its_mark_and_its_mode),
    CASE(a_transform_says_things_in_the_order_of_node),
    CASE(a_transform_that_fails_fails_both_sides),
    CASE(a_transform_that_fails_late_fails_what_waits),
    CASE(a_late_transform_takes_the_next_chunk_when_it_has_answered),
    CASE(a_transform_that_answers_twice_is_an_error),
    CASE(a_transform_keeps_its_answer_while_its_output_is_full),
    CASE(a_chunk_without_output_is_not_held_back),
    CASE(after_the_end_the_rest_is_transformed_whether_there_is_room_or_not),
    CASE(a_transform_answered_after_eof_completes_by_a_task),
    CASE(an_eof_pushed_by_transform_refuses_later_chunks),
    CASE(the_end_waits_for_flush),
    CASE(with_a_final_of_the_user_s_finish_does_not_wait_for_flush),
    CASE(a_transform_whose_final_is_late_or_fails_flushes_after_it_or_not),
    CASE(a_pass_through_may_have_slots_of_its_own),
    CASE(ten_thousand_pass_throughs_need_a_small_stack),
    CASE(a_mutual_recursion_of_transforms_is_bounded_too),
    CASE(a_transform_in_a_ring_is_written_to_while_its_write_is_in_flight),
#ifndef CST_NO_CACHE
    CASE(steady_flow_through_a_transform_allocates_nothing),
#endif
    CASE(both_sides_of_a_pair_end_when_both_have_read_all),
    CASE(destroying_one_side_of_a_pair_ends_the_other),
    CASE(failing_one_side_of_a_pair_destroys_the_other_without_the_error),
    CASE(an_empty_write_to_a_pair_arrives_nowhere),
    CASE(a_write_to_a_pair_is_done_when_the_other_side_asks_for_more),
    CASE(writes_that_a_destroyed_side_has_not_answered_do_not_keep_the_other),
    CASE(an_end_that_a_destroyed_side_has_not_seen_does_not_keep_the_other),
    CASE(a_write_to_a_side_that_is_gone_keeps_nothing),
    CASE(an_end_to_a_side_that_is_gone_keeps_nothing),
    CASE(a_side_that_is_destroyed_while_it_waits_goes_with_the_other),
    CASE(a_transform_may_be_left_from_any_slot_or_callback),
    CASE(any_allocation_may_fail_once_or_from_then_on),
};

TEST_MAIN(tests)

/*
 * test_node_construct.c - what Node's own tests of construct, of abort signals and of its list of
 * buffers ask for; each case bears the name of the test.
 */
#include "world.h"

#include <string.h>

struct fixture {
    struct test_world world;
    cst_task task;
    cst_status answer; /* what construct answers in the next tick */
    cst_chain chain;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .answer = CST_OK };
    test_world_open(&f.world, NULL);
    cst_chain_init(&f.chain, test_heap_allocator(&f.world.heap));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cst_chain_fini(&f->chain);
    return test_world_teardown(state);
}

typedef cst_status new_fn(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                          const cst_opts *opts);

/* Slots of a side that the kind lacks are not looked at: one table does for all. */
static const cst_ops hand_ops = { .self_size = sizeof(struct test_stage),
                                  .construct = test_stage_construct,
                                  .read = test_stage_read,
                                  .write = test_stage_write,
                                  .final = test_stage_final,
                                  .destroy = test_stage_destroy };

/* A new f->s, whose construct answers so. All of its events but 'data' and 'readable' are
 * recorded. */
static struct test_stage *drive(struct fixture *f, new_fn *make, cst_status construct,
                                const cst_opts *opts)
{
    const struct test_stage hand = { .world = &f->world,
                                     .answers = { [TEST_CONSTRUCT] = construct } };

    assert_int_equal(make(&f->world.s, f->world.ctx, &hand_ops, &hand, opts), CST_OK);
    test_listen_all(f->world.s);
    return cst_stream_self(f->world.s);
}

static void answer_construct(void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->world.trace, "constructed");
    test_answer(&f->world, f->answer);
}

static void answer_in_the_next_tick(cst_stream *s, const char *word, void *arg)
{
    struct fixture *f = arg;

    if (strcmp(word, "construct") == 0)
        assert_int_equal(cst_defer(cst_stream_ctx(s), &f->task, answer_construct, f), CST_OK);
}

/* Likewise, with construct answered in the next tick. */
static struct test_stage *drive_late(struct fixture *f, new_fn *make, cst_status answer,
                                     const cst_opts *opts)
{
    struct test_stage *hand = drive(f, make, CST_PENDING, opts);

    f->answer = answer;
    hand->act = answer_in_the_next_tick;
    hand->act_arg = f;
    return hand;
}

/* --- test-stream-construct -------------------------------------------------------------------- */

static new_fn *const readable_and_writable[] = { cst_readable_new, cst_writable_new };

static cst_status construct_twice(cst_stream *s, void *self)
{
    cst_call call = cst_this_call(s);

    (void)self;
    cst_complete(call, CST_OK);
    cst_complete(call, CST_OK);
    return CST_PENDING;
}

static void test_stream_construct__a_second_answer_is_an_error(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .construct = construct_twice,
                                 .write = test_stage_write };
    struct fixture *f = *state;
    const struct test_stage hand = { .world = &f->world };

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(readable_and_writable[i](&f->world.s, f->world.ctx, &ops, &hand, NULL),
                         CST_OK);
        test_listen_all(f->world.s);
        test_run(&f->world);
        test_expect(&f->world, "error:MULTIPLE_CALLBACK close");
    }
}

static void test_stream_construct__a_failure_is_the_error_of_the_stream(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        drive(f, readable_and_writable[i], CST_USER(1), NULL);
        test_run(&f->world);
        test_expect(&f->world, "construct destroy:USER error:USER close");
        drive_late(f, readable_and_writable[i], CST_USER(1), NULL);
        test_run(&f->world);
        test_expect(&f->world, "construct constructed destroy:USER error:USER close");
    }
}

/* Node's destroy takes a callback, which comes with the answer of the destroy slot; cst_destroy has
 * none. */
static void test_stream_construct__a_destroy_waits_for_it(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        drive_late(f, readable_and_writable[i], CST_OK, NULL);
        cst_destroy(f->world.s, CST_OK);
        assert_true(cst_is_destroyed(f->world.s));
        test_expect(&f->world, "");
        test_run(&f->world);
        test_expect(&f->world, "construct constructed destroy close");
        drive_late(f, readable_and_writable[i], CST_OK, NULL);
        cst_destroy(f->world.s, CST_USER(1));
        test_expect(&f->world, "");
        test_run(&f->world);
        test_expect(&f->world, "construct constructed destroy:USER error:USER close");
    }
}

static const char *const nothing[] = { NULL };

static void test_stream_construct__reading_waits_for_it(void **state)
{
    struct fixture *f = *state;

    drive_late(f, cst_readable_new, CST_OK, NULL)->chunks = nothing;
    test_listen(f->world.s, CST_DATA);
    test_run(&f->world);
    test_expect(&f->world, "construct resume constructed read end destroy close");
}

static void test_stream_construct__writing_waits_for_it(void **state)
{
    struct fixture *f = *state;

    drive_late(f, cst_writable_new, CST_OK, NULL);
    cst_end_with(f->world.s, cst_slice_str("data"), NULL, NULL);
    test_expect(&f->world, "");
    test_run(&f->world);
    test_expect(&f->world, "construct constructed write:data final prefinish finish destroy close");
    drive_late(f, cst_writable_new, CST_OK, NULL);
    cst_end(f->world.s, NULL, NULL);
    test_expect(&f->world, "");
    test_run(&f->world);
    test_expect(&f->world, "construct constructed final prefinish finish destroy close");
}

static void test_stream_construct__a_duplex_is_constructed_once(void **state)
{
    struct fixture *f = *state;

    drive_late(f, cst_duplex_new, CST_OK, NULL);
    test_run(&f->world);
    test_expect(&f->world, "construct constructed");
}

static void test_stream_construct__a_duplex_that_only_writes_closes_after_it(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_duplex_new, CST_PENDING, &(cst_opts){ .no_readable = true });
    cst_resume(f->world.s);
    cst_end_with(f->world.s, cst_slice_str("foo"), NULL, NULL);
    test_run(&f->world);
    test_expect(&f->world, "construct resume");
    test_answer(&f->world, CST_OK); /* a turn later */
    test_run(&f->world);
    test_expect(&f->world, "write:foo final prefinish finish destroy close");
}

static void test_stream_construct__it_does_not_start_reading(void **state)
{
    struct fixture *f = *state;

    drive(f, cst_readable_new, CST_OK, NULL);
    test_run(&f->world);
    test_expect(&f->world, "construct");
}

/* --- test-stream-add-abort-signal ------------------------------------------------------------- */

static void test_stream_add_abort_signal(void **state)
{
    struct fixture *f = *state;
    cst_abort *abort;

    assert_int_equal(cst_abort_new(&abort, f->world.ctx), CST_OK);
    drive(f, cst_readable_new, CST_OK, NULL);
    test_run(&f->world);
    test_expect(&f->world, "construct");
    assert_int_equal(cst_abort_attach(NULL, f->world.s), CST_E_INVALID_ARG);
    assert_int_equal(cst_abort_attach(abort, NULL), CST_E_INVALID_ARG);
    cst_abort_fire(abort);
    test_run(&f->world);
    test_expect(&f->world, "");
    assert_false(cst_is_destroyed(f->world.s));
    cst_abort_unref(abort);
}

/* --- test-stream-buffer-list ------------------------------------------------------------------ */

static void append(struct fixture *f, const char *text)
{
    assert_int_equal(cst_chain_append(&f->chain, cst_slice_str(text)), CST_OK);
}

/* Take n bytes, or all if there are fewer: a list's rule in Node; the chain refuses, and its
 * caller clamps. */
static void expect_taken(struct fixture *f, size_t n, const char *text)
{
    size_t bytes = cst_chain_bytes(&f->chain);
    cst_slice taken;

    if (n > bytes) {
        assert_int_equal(cst_chain_read(&taken, &f->chain, n), CST_E_OUT_OF_RANGE);
        n = bytes;
    }
    assert_int_equal(cst_chain_read(&taken, &f->chain, n), CST_OK);
    assert_int_equal(taken.len, strlen(text));
    assert_memory_equal(taken.data, text, taken.len);
    cst_slice_unref(&taken);
}

static void test_stream_buffer_list__an_empty_one_gives_nothing(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;

    assert_int_equal(cst_chain_pop(&chunk, &f->chain), CST_EMPTY);
    assert_int_equal(cst_chain_read(&chunk, &f->chain, 0), CST_OK);
    assert_int_equal(chunk.len, 0);
    assert_int_equal(cst_chain_count(&f->chain), 0);
}

static void test_stream_buffer_list__one_element_is_copied_or_taken(void **state)
{
    struct fixture *f = *state;
    char copy[3];
    cst_slice foo, chunk;

    assert_int_equal(cst_slice_copy(&foo, test_heap_allocator(&f->world.heap), "foo", 3), CST_OK);
    cst_chain_append(&f->chain, cst_slice_ref(&foo));
    assert_int_equal(cst_chain_copy(copy, &f->chain, 3), 3);
    assert_memory_equal(copy, "foo", 3);
    assert_int_equal(cst_chain_count(&f->chain), 1);
    assert_int_equal(cst_chain_pop(&chunk, &f->chain), CST_OK);
    assert_ptr_equal(chunk.block, foo.block);
    assert_ptr_equal(chunk.data, foo.data);
    assert_int_equal(cst_chain_count(&f->chain), 0);
    assert_int_equal(cst_chain_pop(&chunk, &f->chain), CST_EMPTY);
    cst_slice_unref(&foo);
    cst_slice_unref(&chunk);
}

static void test_stream_buffer_list__bytes_are_taken_over_chunks(void **state)
{
    static const char *const lists[][4] = { { "foo", "bar", "foo", "bar" },
                                            { "foo", "foo", "foo", "foo" } };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 4; k++)
            append(f, lists[i][k]);
        expect_taken(f, 6, i ? "foofoo" : "foobar");
        expect_taken(f, 6, i ? "foofoo" : "foobar");
        assert_int_equal(cst_chain_count(&f->chain), 0);
    }
}

static void test_stream_buffer_list__part_of_a_chunk_stays_at_the_head(void **state)
{
    struct fixture *f = *state;

    append(f, "foo");
    append(f, "bar");
    expect_taken(f, 5, "fooba");
    assert_int_equal(cst_chain_count(&f->chain), 1);
    assert_int_equal(cst_chain_bytes(&f->chain), 1);
    expect_taken(f, 1, "r");
}

/* --- test-stream2-readable-from-list ---------------------------------------------------------- */

static const char *const four_chunks[] = { "foog", "bark", "bazy", "kuel" };

static void test_stream2_readable_from_list__of_a_chain(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 4; i++)
        append(f, four_chunks[i]);
    expect_taken(f, 6, "foogba");
    expect_taken(f, 2, "rk");
    expect_taken(f, 2, "ba");
    expect_taken(f, 100, "zykuel");
    assert_int_equal(cst_chain_count(&f->chain), 0);
}

static void expect_read(struct fixture *f, size_t size, const char *text)
{
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, f->world.s, size), CST_OK);
    assert_int_equal(chunk.len, strlen(text));
    assert_memory_equal(chunk.data, text, chunk.len);
    cst_slice_unref(&chunk);
}

/* After EOF, so that a read of more than there is gets all. */
static void test_stream2_readable_from_list__of_a_stream(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_passthrough_new(&f->world.s, f->world.ctx, NULL), CST_OK);
    for (size_t i = 0; i < 4; i++)
        cst_push(f->world.s, cst_slice_str(four_chunks[i]));
    cst_push_eof(f->world.s);
    expect_read(f, 6, "foogba");
    expect_read(f, 2, "rk");
    expect_read(f, 2, "ba");
    expect_read(f, 100, "zykuel");
    assert_int_equal(cst_readable_length(f->world.s), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_construct__a_second_answer_is_an_error),
    CASE(test_stream_construct__a_failure_is_the_error_of_the_stream),
    CASE(test_stream_construct__a_destroy_waits_for_it),
    CASE(test_stream_construct__reading_waits_for_it),
    CASE(test_stream_construct__writing_waits_for_it),
    CASE(test_stream_construct__a_duplex_is_constructed_once),
    CASE(test_stream_construct__a_duplex_that_only_writes_closes_after_it),
    CASE(test_stream_construct__it_does_not_start_reading),
    CASE(test_stream_add_abort_signal),
    CASE(test_stream_buffer_list__an_empty_one_gives_nothing),
    CASE(test_stream_buffer_list__one_element_is_copied_or_taken),
    CASE(test_stream_buffer_list__bytes_are_taken_over_chunks),
    CASE(test_stream_buffer_list__part_of_a_chunk_stays_at_the_head),
    CASE(test_stream2_readable_from_list__of_a_chain),
    CASE(test_stream2_readable_from_list__of_a_stream),
};

TEST_MAIN(tests)

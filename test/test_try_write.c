/* test_try_write.c - cst_try_write: what is refused stays the caller's, and nothing is told. */
#include "held_sink.h"
#include "stage_world.h"

struct fixture {
    struct test_world world;
    cst_stream *s;
    cst_slice chunk; /* of a block of its own */
};

static void note_done(cst_stream *s, cst_status status, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->world.trace, "done:%s", test_status_word(status));
}

static void make(struct fixture *f, const cst_opts *opts)
{
    held_sink_new(&f->s, &f->world, opts);
    assert_int_equal(cst_slice_copy(&f->chunk, cst_ctx_allocator(f->world.ctx), "abcd", 4), CST_OK);
}

static cst_status try(struct fixture *f)
{
    return cst_try_write(f->s, &f->chunk, note_done, f);
}

/* The chunk is the caller's, and nobody else's. */
static void expect_kept(struct fixture *f)
{
    assert_int_equal(f->chunk.len, 4);
    assert_true(cst_slice_is_unique(&f->chunk));
}

static void there_is_room_until_the_mark_is_reached(void **state)
{
    struct fixture *f = *state;
    cst_slice again;

    make(f, &(cst_opts){ .high_water_mark = 6 });
    again = cst_slice_ref(&f->chunk);
    assert_int_equal(try(f), CST_OK);
    assert_int_equal(f->chunk.len, 0);
    f->chunk = again;
    again = cst_slice_ref(&f->chunk);
    assert_int_equal(try(f), CST_FULL);
    f->chunk = again;
    assert_int_equal(try(f), CST_REFUSED);
    assert_int_equal(f->chunk.len, 4);
    assert_int_equal(cst_writable_length(f->s), 8);
    test_expect(&f->world, "write:abcd");
    held_answer(&f->world);
    test_run_and_expect(&f->world, "write:abcd done:OK");
    assert_int_equal(try(f), CST_REFUSED); /* below the mark, but 'drain' is still due */
    held_answer(&f->world);
    test_run_and_expect(&f->world, "drain done:OK");
    expect_kept(f);
    assert_int_equal(try(f), CST_OK);
    held_answer(&f->world);
    test_run_and_expect(&f->world, "write:abcd done:OK");
    cst_unref(f->s);
}

static void a_random_producer_never_gets_beyond_the_mark_and_a_chunk(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 1;
    size_t refused = 0;

    make(f, &(cst_opts){ .high_water_mark = 10 });
    for (int i = 0; i < 20000; i++) {
        cst_slice part = cst_slice_sub(&f->chunk, 0, (size_t)(test_random(&seed) % 5));
        const cst_status st = cst_try_write(f->s, &part, NULL, NULL);

        refused += st == CST_REFUSED;
        cst_slice_unref(&part);
        assert_true(cst_writable_length(f->s) < 10 + 4);
        if (test_random(&seed) % 3 == 0 && f->world.calls.pending)
            held_answer(&f->world);
        if (test_random(&seed) % 3 == 0)
            test_run(&f->world);
        test_trace_clear(&f->world.trace);
    }
    assert_true(refused > 1000);
    test_trace_clear(&f->world.trace);
    cst_slice_unref(&f->chunk);
    cst_destroy(f->s, CST_OK);
    if (f->world.calls.pending)
        held_answer(&f->world);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    cst_unref(f->s);
}

static void after_the_end_and_after_destroy_nothing_is_told(void **state)
{
    struct fixture *f = *state;

    make(f, NULL);
    cst_end(f->s, NULL, NULL);
    assert_int_equal(try(f), CST_E_WRITE_AFTER_END);
    expect_kept(f);
    test_run_and_expect(&f->world, "");
    assert_int_equal(try(f), CST_E_WRITE_AFTER_END);
    expect_kept(f);
    cst_slice_unref(&f->chunk);
    cst_unref(f->s);
    make(f, NULL);
    cst_destroy(f->s, CST_OK);
    assert_int_equal(try(f), CST_E_DESTROYED);
    expect_kept(f);
    test_run_and_expect(&f->world, "");
    cst_slice_unref(&f->chunk);
    cst_unref(f->s);
}

static void after_the_end_of_the_peer_it_is_the_status_of_the_table(void **state)
{
    static const cst_ops socket_ops = { .name = "socket",
                                        .self_size = sizeof(struct test_world *),
                                        .write = held_write,
                                        .write_after_peer_end = CST_OS(32) };
    struct fixture *f = *state;
    struct test_world *world = &f->world;

    assert_int_equal(cst_duplex_new(&f->s, f->world.ctx, &socket_ops, &world,
                                    &(cst_opts){ .no_half_open = true, .no_auto_destroy = true }),
                     CST_OK);
    assert_int_equal(cst_slice_copy(&f->chunk, cst_ctx_allocator(f->world.ctx), "abcd", 4), CST_OK);
    cst_push_eof(f->s);
    cst_resume(f->s);
    test_run(&f->world);
    assert_int_equal(try(f), CST_OS(32));
    expect_kept(f);
    cst_slice_unref(&f->chunk);
    cst_destroy(f->s, CST_OK);
    test_run_and_expect(&f->world, "");
    cst_unref(f->s);
}

static void without_memory_the_chunk_stays(void **state)
{
    struct fixture *f = *state;

    make(f, NULL);
    cst_write(f->s, cst_slice_str("0"), NULL, NULL); /* what follows is queued */
    test_expect(&f->world, "write:0");
    test_heap_fail_from(&f->world.heap, 1);
    assert_int_equal(try(f), CST_E_NOMEM);
    test_heap_fail_never(&f->world.heap);
    expect_kept(f);
    assert_int_equal(cst_writable_length(f->s), 1);
    assert_int_equal(try(f), CST_OK);
    assert_int_equal(f->chunk.len, 0);
    held_answer(&f->world);
    test_run_and_expect(&f->world, "write:abcd");
    held_answer(&f->world);
    test_run_and_expect(&f->world, "done:OK");
    cst_destroy(f->s, CST_OK);
    cst_unref(f->s);
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .s = NULL };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(there_is_room_until_the_mark_is_reached),
    T(a_random_producer_never_gets_beyond_the_mark_and_a_chunk),
    T(after_the_end_and_after_destroy_nothing_is_told),
    T(after_the_end_of_the_peer_it_is_the_status_of_the_table),
    T(without_memory_the_chunk_stays),
};

TEST_MAIN(tests)

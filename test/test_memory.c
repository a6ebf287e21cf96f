/* test_memory.c - stages.h: what the memory source gives, what the memory sink keeps, and who lets
 * go of the bytes. */
#include "world.h"

#include <string.h>

/* --- fixture ---------------------------------------------------------------------------------- */

struct fixture {
    struct test_world world;
    cst_chain chain;
};

/* The stage of an error is another word. */
static void note_error(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    test_on_event(s, event, &f->world);
    test_trace_add(&f->world.trace, "%s", event->error->stage);
}

static void note_done(cst_stream *s, cst_status status, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->world.trace, "done:%s", test_status_word(status));
}

static void listen_to_the_end(struct fixture *f)
{
    test_record(&f->world, f->world.s, CST_END);
    test_record(&f->world, f->world.s, CST_FINISH);
    test_record(&f->world, f->world.s, CST_CLOSE);
    assert_int_equal(cst_on(f->world.s, CST_ERROR, note_error, f), CST_OK);
}

static void flow(struct fixture *f)
{
    test_record(&f->world, f->world.s, CST_DATA);
    listen_to_the_end(f);
    test_run(&f->world);
}

static cst_slice bytes(struct fixture *f, const char *text)
{
    cst_slice slice;

    assert_int_equal(
        cst_slice_copy(&slice, test_heap_allocator(&f->world.heap), text, strlen(text)), CST_OK);
    return slice;
}

static void make_source(struct fixture *f, cst_slice slice, const cst_opts *opts)
{
    assert_int_equal(cst_memory_source_new(&f->world.s, f->world.ctx, slice, opts), CST_OK);
}

static void make_sink(struct fixture *f, size_t max_bytes, const cst_opts *opts)
{
    assert_int_equal(cst_memory_sink_new(&f->world.s, f->world.ctx, &f->chain, max_bytes, opts),
                     CST_OK);
    listen_to_the_end(f);
}

static int setup(void **state)
{
    static struct fixture f;

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

static void count_release(const void *data, size_t len, void *arg)
{
    int *releases = arg;

    (void)data;
    (void)len;
    ++*releases;
}

/* Bytes whose release can be seen. */
static cst_slice watched(struct fixture *f, const char *text, int *releases)
{
    cst_slice slice;

    *releases = 0;
    assert_int_equal(cst_slice_foreign(&slice, test_heap_allocator(&f->world.heap), text,
                                       strlen(text), count_release, releases),
                     CST_OK);
    return slice;
}

/* --- source ----------------------------------------------------------------------------------- */

static void source_cuts_chunks_of_the_mark(void **state)
{
    struct fixture *f = *state;

    make_source(f, bytes(f, "abcdefgh"), &(cst_opts){ .high_water_mark = 3 });
    flow(f);
    assert_string_equal(f->world.trace.text, "data:abc data:def data:gh end close");
}

static void source_gives_no_empty_chunk_at_a_multiple_of_the_mark(void **state)
{
    struct fixture *f = *state;

    make_source(f, bytes(f, "abcdef"), &(cst_opts){ .high_water_mark = 3 });
    flow(f);
    assert_string_equal(f->world.trace.text, "data:abc data:def end close");
}

static void source_of_static_bytes_needs_no_block(void **state)
{
    struct fixture *f = *state;

    make_source(f, cst_slice_str("abcd"), &(cst_opts){ .high_water_mark = 3 });
    flow(f);
    assert_string_equal(f->world.trace.text, "data:abc data:d end close");
}

static void empty_source_ends_at_once(void **state)
{
    struct fixture *f = *state;

    make_source(f, cst_slice_empty(), NULL);
    flow(f);
    assert_string_equal(f->world.trace.text, "end close");
}

struct sizes {
    size_t bytes, chunks, largest;
    const uint8_t *next; /* where the next chunk must lie, if it is no copy */
};

static void measure_chunk(cst_stream *s, const cst_event *event, void *arg)
{
    struct sizes *sizes = arg;

    (void)s;
    assert_ptr_equal(event->chunk->data, sizes->next);
    sizes->next += event->chunk->len;
    sizes->bytes += event->chunk->len;
    sizes->chunks++;
    if (event->chunk->len > sizes->largest)
        sizes->largest = event->chunk->len;
}

static struct sizes measure(struct fixture *f, size_t len, size_t mark)
{
    static const uint8_t zeroes[3 * 65536];
    struct sizes sizes = { .next = zeroes };

    make_source(f, cst_slice_static(zeroes, len), &(cst_opts){ .high_water_mark = mark });
    assert_int_equal(cst_on(f->world.s, CST_DATA, measure_chunk, &sizes), CST_OK);
    test_run(&f->world);
    assert_true(cst_readable_ended(f->world.s));
    cst_unref(f->world.s);
    return sizes;
}

static void source_copies_nothing_and_keeps_to_any_mark(void **state)
{
    static const size_t marks[] = { 1, 2, 7, 8, 4096, 65536, 65537, SIZE_MAX - 1 };

    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
        size_t mark = marks[m] < 3 * 65536 ? marks[m] : 1000;
        size_t lens[] = { 0, 1, mark - 1, mark, mark + 1, 2 * mark - 1, 2 * mark, 2 * mark + 1 };

        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            struct sizes sizes = measure(*state, lens[i], marks[m]);

            assert_int_equal(sizes.bytes, lens[i]);
            assert_true(sizes.largest <= marks[m]);
            assert_int_equal(sizes.chunks, lens[i] / marks[m] + (lens[i] % marks[m] != 0));
        }
    }
}

static void source_cuts_at_65536_where_nothing_is_said(void **state)
{
    struct sizes sizes = measure(*state, 65536 + 1, 0);

    assert_int_equal(sizes.largest, 65536);
    assert_int_equal(sizes.chunks, 2);
}

static void source_with_a_mark_of_zero_gives_all_the_same(void **state)
{
    struct sizes sizes = measure(*state, 65536 + 1, CST_HWM_ZERO);

    assert_int_equal(sizes.bytes, 65536 + 1);
    assert_int_equal(sizes.chunks, 2);
}

static void source_gives_one_message_in_object_mode(void **state)
{
    struct fixture *f = *state;

    make_source(f, bytes(f, "abcdefgh"), &(cst_opts){ .object_mode = true, .high_water_mark = 3 });
    flow(f);
    assert_string_equal(f->world.trace.text, "data:abcdefgh end close");
}

static void source_gives_an_empty_message_in_object_mode(void **state)
{
    struct fixture *f = *state;

    make_source(f, cst_slice_empty(), &(cst_opts){ .object_mode = true });
    flow(f);
    assert_string_equal(f->world.trace.text, "data: end close");
}

static void source_can_be_read_in_any_size(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 1; size <= 9; size++) {
        char text[16] = "";
        cst_status st;

        make_source(f, bytes(f, "abcdefgh"), &(cst_opts){ .high_water_mark = 3 });
        do {
            cst_slice chunk;

            while ((st = cst_read(&chunk, f->world.s, size)) == CST_OK) {
                assert_true(chunk.len <= size);
                strncat(text, (const char *)chunk.data, chunk.len);
                cst_slice_unref(&chunk);
            }
            test_run(&f->world);
        } while (st == CST_EMPTY);
        assert_int_equal(st, CST_EOF);
        assert_string_equal(text, "abcdefgh");
        cst_unref(f->world.s);
    }
}

static void source_lets_go_of_the_bytes_at_the_end(void **state)
{
    struct fixture *f = *state;
    int releases;

    make_source(f, watched(f, "abcdefgh", &releases), &(cst_opts){ .high_water_mark = 3 });
    flow(f);
    assert_int_equal(releases, 1);
}

static void source_lets_go_of_the_rest_when_destroyed(void **state)
{
    struct fixture *f = *state;
    cst_slice chunk;
    int releases;

    make_source(f, watched(f, "abcdefgh", &releases), &(cst_opts){ .high_water_mark = 3 });
    assert_int_equal(cst_read(&chunk, f->world.s, CST_READ_ANY), CST_OK);
    assert_int_equal(chunk.len, 3);
    assert_int_equal(cst_destroy(f->world.s, CST_OK), CST_OK);
    test_run(&f->world);
    cst_unref(f->world.s);
    assert_int_equal(releases, 0); /* the chunk that was read looks at the same bytes */
    cst_slice_unref(&chunk);
    assert_int_equal(releases, 1);
}

static void source_that_nobody_reads_lets_go_with_its_context(void **state)
{
    struct fixture *f = *state;
    int releases;

    make_source(f, watched(f, "abcdefgh", &releases), NULL);
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    f->world.ctx = NULL;
    assert_int_equal(releases, 1);
}

static void refused_source_takes_the_bytes_all_the_same(void **state)
{
    struct fixture *f = *state;
    cst_stream *out = NULL;
    int releases;

    assert_int_equal(cst_memory_source_new(NULL, f->world.ctx, watched(f, "abc", &releases), NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(releases, 1);
    assert_int_equal(cst_memory_source_new(&out, NULL, watched(f, "abc", &releases), NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(releases, 1);
    assert_null(out);
}

/* --- sink ------------------------------------------------------------------------------------- */

static void sink_keeps_every_chunk_as_it_is(void **state)
{
    struct fixture *f = *state;
    cst_slice kept = bytes(f, "abc");

    make_sink(f, 0, NULL);
    assert_int_equal(cst_write(f->world.s, cst_slice_ref(&kept), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(f->world.s, cst_slice_empty(), NULL, NULL), CST_OK);
    assert_int_equal(cst_end_with(f->world.s, cst_slice_str("de"), NULL, NULL), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "finish close");
    assert_int_equal(cst_chain_count(&f->chain), 3);
    assert_int_equal(cst_chain_bytes(&f->chain), 5);
    assert_ptr_equal(cst_chain_slices(&f->chain)[0].data, kept.data);
    assert_int_equal(cst_chain_slices(&f->chain)[1].len, 0);
    assert_memory_equal(cst_chain_slices(&f->chain)[2].data, "de", 2);
    cst_slice_unref(&kept);
}

static void sink_may_be_filled_to_its_bound(void **state)
{
    struct fixture *f = *state;

    make_sink(f, 5, NULL);
    assert_int_equal(cst_write(f->world.s, bytes(f, "abc"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(f->world.s, bytes(f, "de"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end_with(f->world.s, cst_slice_empty(), note_done, f), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:OK finish close");
    assert_int_equal(cst_chain_bytes(&f->chain), 5);
}

static void sink_fails_beyond_its_bound_and_keeps_nothing_of_that_chunk(void **state)
{
    struct fixture *f = *state;

    make_sink(f, 5, NULL);
    assert_int_equal(cst_write(f->world.s, bytes(f, "abc"), NULL, NULL), CST_OK);
    cst_write(f->world.s, bytes(f, "def"), note_done, f);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text,
                        "done:OUT_OF_RANGE error:OUT_OF_RANGE memory-sink close");
    assert_int_equal(cst_chain_bytes(&f->chain), 3);
}

static void sink_counts_what_the_chain_held_before(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_chain_append(&f->chain, bytes(f, "abcdefgh")), CST_OK);
    make_sink(f, 5, NULL);
    assert_int_equal(cst_write(f->world.s, cst_slice_empty(), NULL, NULL), CST_OK);
    cst_write(f->world.s, bytes(f, "i"), NULL, NULL);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "error:OUT_OF_RANGE memory-sink close");
    assert_int_equal(cst_chain_bytes(&f->chain), 8);
}

static void sink_makes_room_when_the_chain_is_emptied(void **state)
{
    struct fixture *f = *state;

    make_sink(f, 3, NULL);
    assert_int_equal(cst_write(f->world.s, bytes(f, "abc"), NULL, NULL), CST_OK);
    cst_chain_consume(&f->chain, 3);
    assert_int_equal(cst_write(f->world.s, bytes(f, "def"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end(f->world.s, NULL, NULL), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "finish close");
}

static void sink_keeps_messages_apart_in_object_mode(void **state)
{
    struct fixture *f = *state;

    make_sink(f, 0, &(cst_opts){ .object_mode = true });
    assert_int_equal(cst_write(f->world.s, bytes(f, "a"), NULL, NULL), CST_OK);
    assert_int_equal(cst_write(f->world.s, bytes(f, "bc"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end(f->world.s, NULL, NULL), CST_OK);
    test_run(&f->world);
    assert_int_equal(cst_chain_count(&f->chain), 2);
    assert_int_equal(cst_chain_slices(&f->chain)[1].len, 2);
}

static void sink_fails_where_the_chain_finds_no_memory(void **state)
{
    struct fixture *f = *state;
    struct test_heap poor;

    test_heap_init(&poor);
    test_heap_fail_at(&poor, 1);
    cst_chain_init(&f->chain, test_heap_allocator(&poor));
    make_sink(f, 0, NULL);
    cst_write(f->world.s, bytes(f, "abc"), note_done, f);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:NOMEM error:NOMEM memory-sink close");
    assert_int_equal(cst_chain_count(&f->chain), 0);
}

static void sink_without_a_chain_is_refused(void **state)
{
    struct fixture *f = *state;
    cst_stream *out = NULL;

    assert_int_equal(cst_memory_sink_new(&out, f->world.ctx, NULL, 0, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_memory_sink_new(NULL, f->world.ctx, &f->chain, 0, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_memory_sink_new(&out, NULL, &f->chain, 0, NULL), CST_E_INVALID_ARG);
    assert_null(out);
}

/* --- both ------------------------------------------------------------------------------------- */

struct transfer {
    cst_stream *stages[2];
    cst_chain chain;
    bool is_done;
    cst_status outcome;
};

static void note_outcome(const cst_error *error, void *arg)
{
    struct transfer *transfer = arg;

    assert_false(transfer->is_done);
    transfer->is_done = true;
    transfer->outcome = error ? error->status : CST_OK;
}

static cst_status run_transfer(struct transfer *transfer, cst_ctx *ctx, cst_slice content)
{
    const cst_opts opts = { .high_water_mark = 3 };
    cst_status st = cst_memory_source_new(&transfer->stages[0], ctx, content, &opts);

    if (st < 0)
        return st;
    st = cst_memory_sink_new(&transfer->stages[1], ctx, &transfer->chain, 0, &opts);
    if (st < 0)
        return st;
    st = cst_pipeline(transfer->stages, 2, NULL, note_outcome, transfer);
    if (st < 0)
        return st;
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_true(transfer->is_done);
    return transfer->outcome;
}

/* Make a context in which allocation number k fails, move bytes, and free all. */
static cst_status transfer_with_failure(struct test_heap *heap)
{
    struct transfer transfer = { .is_done = false };
    cst_slice content;
    char text[9] = "";
    cst_ctx *ctx;
    cst_status st;

    cst_chain_init(&transfer.chain, test_heap_allocator(heap));
    st = cst_ctx_new(&ctx, test_heap_allocator(heap), NULL);
    if (st < 0)
        return st;
    st = cst_slice_copy(&content, test_heap_allocator(heap), "abcdefgh", 8);
    if (st == CST_OK)
        st = run_transfer(&transfer, ctx, content);
    if (st == CST_OK) {
        assert_int_equal(cst_chain_copy(text, &transfer.chain, 8), 8);
        assert_string_equal(text, "abcdefgh");
    }
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    cst_chain_fini(&transfer.chain);
    return st;
}

static void any_allocation_may_fail(void **state)
{
    struct test_heap heap;
    size_t k = 0;
    cst_status st;

    (void)state;
    do {
        test_heap_init(&heap);
        test_heap_fail_at(&heap, ++k);
        st = transfer_with_failure(&heap);
        /* Some allocations the library can do without: then all went well, as was checked. */
        assert_true(st == CST_OK || (st == CST_E_NOMEM && heap.failures));
        assert_int_equal(heap.live_blocks, 0);
    } while (heap.failures);
    assert_true(k > 5);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    T(source_cuts_chunks_of_the_mark),
    T(source_gives_no_empty_chunk_at_a_multiple_of_the_mark),
    T(source_of_static_bytes_needs_no_block),
    T(empty_source_ends_at_once),
    T(source_copies_nothing_and_keeps_to_any_mark),
    T(source_cuts_at_65536_where_nothing_is_said),
    T(source_with_a_mark_of_zero_gives_all_the_same),
    T(source_gives_one_message_in_object_mode),
    T(source_gives_an_empty_message_in_object_mode),
    T(source_can_be_read_in_any_size),
    T(source_lets_go_of_the_bytes_at_the_end),
    T(source_lets_go_of_the_rest_when_destroyed),
    T(source_that_nobody_reads_lets_go_with_its_context),
    T(refused_source_takes_the_bytes_all_the_same),
    T(sink_keeps_every_chunk_as_it_is),
    T(sink_may_be_filled_to_its_bound),
    T(sink_fails_beyond_its_bound_and_keeps_nothing_of_that_chunk),
    T(sink_counts_what_the_chain_held_before),
    T(sink_makes_room_when_the_chain_is_emptied),
    T(sink_keeps_messages_apart_in_object_mode),
    T(sink_fails_where_the_chain_finds_no_memory),
    T(sink_without_a_chain_is_refused),
    T(any_allocation_may_fail),
};

TEST_MAIN(tests)

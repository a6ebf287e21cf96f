/*
 * test_transfer.c - zero copy (the slot transfer of stream.h): a destination takes bytes straight
 * from its source.
 */
#include "world.h"

#include <string.h>

/* A supply of bytes, and an account of where they went. */
struct supply {
    struct test_world world;
    cst_stream *source, *dest;
    size_t left;        /* bytes that the source still has */
    size_t transferred; /* have arrived by transfers */
    size_t written;     /* have arrived by writes */
    size_t reads;
    size_t most;          /* that a transfer moves */
    size_t held;          /* of them, by one that waits */
    cst_status answer;    /* of the transfer slot */
    cst_status from;      /* said of the source, if bytes are left */
    bool complete_within; /* the call is completed, then CST_PENDING returned */
    cst_call call;
    size_t calls;
};

/* The trace keeps its names in the first member. */
struct end {
    struct test_stage stage;
    struct supply *world;
};

static cst_status source_read(cst_stream *s, void *self, size_t size)
{
    struct supply *w = ((struct end *)self)->world;
    size_t n = w->left < 10 ? w->left : 10;
    cst_buf buf;

    (void)size;
    w->reads++;
    if (n == 0) {
        cst_push_eof(s);
        return CST_OK;
    }
    assert_int_equal(cst_buf_new_cached(&buf, w->world.ctx, n), CST_OK);
    memset(buf.data, 'x', n);
    w->left -= n;
    return cst_give(s, cst_buf_freeze(&buf, n));
}

static cst_status dest_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct supply *w = ((struct end *)self)->world;

    (void)s;
    w->written += chunk->len;
    return CST_OK;
}

static cst_status dest_transfer(cst_stream *s, void *self, cst_transfer *transfer)
{
    struct supply *w = ((struct end *)self)->world;
    size_t n = w->left < w->most ? w->left : w->most;

    w->calls++;
    assert_ptr_equal(transfer->source, w->source);
    assert_int_equal(transfer->moved + transfer->held, 0);
    if (w->answer < 0 || w->answer == CST_EMPTY)
        return w->answer;
    n = n < transfer->max ? n : transfer->max;
    w->left -= n;
    w->transferred += n;
    transfer->moved = n;
    transfer->from = w->left ? w->from : CST_EOF;
    if (w->answer == CST_PENDING) {
        w->call = cst_this_call(s);
        transfer->held = w->held;
        if (w->complete_within)
            cst_complete(w->call, CST_OK);
    }
    return w->answer;
}

static const cst_ops source_ops = {
    .name = "source",
    .self_size = sizeof(struct end),
    .read = source_read,
};

static const cst_ops dest_ops = {
    .name = "dest",
    .self_size = sizeof(struct end),
    .write = dest_write,
    .transfer = dest_transfer,
};

static void set_up_with(struct supply *w, const cst_opts *source_opts, const cst_opts *dest_opts)
{
    const struct end end = { .world = w };

    assert_int_equal(cst_readable_new(&w->source, w->world.ctx, &source_ops, &end, source_opts),
                     CST_OK);
    assert_int_equal(cst_writable_new(&w->dest, w->world.ctx, &dest_ops, &end, dest_opts), CST_OK);
    test_listen_as(&w->world, w->source, "s");
    test_listen_as(&w->world, w->dest, "d");
    w->left = 100;
    w->most = 30;
}

static void set_up(struct supply *w)
{
    set_up_with(w, NULL, NULL);
}

static int setup(void **state)
{
    static struct supply w;

    memset(&w, 0, sizeof(w));
    test_world_open(&w.world, NULL);
    *state = &w;
    return 0;
}

static void pipe_them(struct supply *w)
{
    assert_int_equal(cst_pipe(w->source, w->dest, NULL), CST_OK);
}

/* --- the way itself --------------------------------------------------------------------------- */

static void all_bytes_go_the_shorter_way_and_the_ends_come_as_ever(void **state)
{
    struct supply *w = *state;
    char shorter[512];

    set_up(w);
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->transferred, 100);
    assert_int_equal(w->written + w->reads, 0);
    assert_true(cst_readable_did_read(w->source));
    strcpy(shorter, w->world.trace.text);

    test_trace_clear(&w->world.trace);
    set_up(w);
    w->answer = CST_E_UNSUPPORTED;
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->written, 100);
    assert_string_equal(shorter, w->world.trace.text);
}

static void transfer_that_waits_is_a_write_in_flight(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->answer = CST_PENDING;
    w->held = 7;
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->transferred, 30);
    assert_int_equal(cst_writable_length(w->dest), 7);
    assert_true(cst_writable_need_drain(w->dest));
    assert_true(cst_is_paused(w->source));
    test_trace_clear(&w->world.trace);
    cst_complete(w->call, CST_OK);
    assert_int_equal(cst_writable_length(w->dest), 0);
    w->answer = CST_OK;
    test_run(&w->world);
    assert_int_equal(w->transferred, 100);
    assert_int_equal(w->written, 0);
    assert_int_equal(strncmp(w->world.trace.text, "d:drain s:resume s:end", 22), 0);
}

static void answer_inside_the_slot_counts(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->answer = CST_PENDING;
    w->complete_within = true;
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->transferred, 100);
    assert_null(strstr(w->world.trace.text, "drain"));
    assert_true(cst_writable_finished(w->dest));
}

static void one_chunk_goes_the_ordinary_way_where_the_slot_says_so(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->answer = CST_EMPTY;
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->written, 100);
    assert_true(w->calls >= 10); /* it is asked for each */
    assert_true(cst_writable_finished(w->dest));
}

static void slot_that_cannot_is_asked_once(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->answer = CST_E_UNSUPPORTED;
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->calls, 1);
    assert_int_equal(w->written, 100);
    assert_null(cst_errored(w->dest));
}

static void source_without_bytes_comes_back_by_an_empty_push(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->from = CST_EMPTY;
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->transferred, 30);
    test_run(&w->world);
    assert_int_equal(w->calls, 1);
    cst_push(w->source, cst_slice_empty());
    test_run(&w->world);
    assert_int_equal(w->transferred, 60);
    w->from = CST_OK;
    cst_push(w->source, cst_slice_empty());
    test_run(&w->world);
    assert_int_equal(w->transferred, 100);
    assert_int_equal(w->reads, 0);
}

static void failure_of_the_source_is_its_own(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->from = CST_USER(5);
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(cst_errored(w->source)->status, CST_USER(5));
    assert_int_equal(cst_errored(w->source)->direction, CST_READING);
    assert_null(cst_errored(w->dest));
    cst_destroy(w->dest, CST_OK);
}

static void failure_of_the_destination_is_that_of_a_write(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->answer = CST_USER(6);
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(cst_errored(w->dest)->status, CST_USER(6));
    assert_int_equal(cst_errored(w->dest)->direction, CST_WRITING);
    assert_null(cst_errored(w->source));
    assert_true(cst_is_paused(w->source));
    assert_int_equal(w->calls, 1);
    cst_destroy(w->source, CST_OK);
}

static void failure_after_waiting_is_too(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->answer = CST_PENDING;
    w->held = 7;
    pipe_them(w);
    test_run(&w->world);
    cst_complete(w->call, CST_USER(6));
    test_run(&w->world);
    assert_int_equal(cst_errored(w->dest)->status, CST_USER(6));
    assert_int_equal(cst_errored(w->dest)->direction, CST_WRITING);
    cst_destroy(w->source, CST_OK);
}

static void bytes_of_a_turn_limit_a_transfer(void **state)
{
    struct supply *w = *state;
    cst_budget budget = { .bytes = 25 };

    set_up(w);
    w->most = 1000;
    pipe_them(w);
    for (size_t turn = 1; turn <= 3; turn++) {
        assert_int_equal(cst_ctx_run(w->world.ctx, &budget), CST_MORE);
        assert_int_equal(w->transferred, turn * 25);
    }
    test_run(&w->world);
    assert_int_equal(w->transferred, 100);
    assert_int_equal(w->reads, 0);
}

static void count_timeout(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    (void)s;
    (void)kind;
    ++*(size_t *)arg;
}

static void transfers_are_activity_of_both(void **state)
{
    struct supply *w = *state;
    size_t idle = 0;
    const cst_timeouts limits = { .idle_ns = 100, .fn = count_timeout, .arg = &idle };
    cst_budget budget = { .now_ns = 0 };

    set_up(w);
    w->left = 1000000;
    w->from = CST_EMPTY;
    assert_int_equal(cst_set_timeouts(w->source, &limits), CST_OK);
    assert_int_equal(cst_set_timeouts(w->dest, &limits), CST_OK);
    pipe_them(w);
    for (size_t turn = 0; turn < 50; turn++) {
        budget.now_ns += 20;
        cst_push(w->source, cst_slice_empty());
        assert_int_equal(cst_ctx_run(w->world.ctx, &budget), CST_IDLE);
    }
    assert_true(w->calls >= 50);
    assert_int_equal(idle, 0);
    for (size_t turn = 0; turn < 10; turn++) {
        budget.now_ns += 20;
        assert_int_equal(cst_ctx_run(w->world.ctx, &budget), CST_IDLE);
    }
    assert_int_equal(idle, 2);
    cst_destroy(w->source, CST_OK);
    cst_destroy(w->dest, CST_OK);
}

/* --- when it is not taken --------------------------------------------------------------------- */

static void count_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    *(size_t *)arg += event->chunk->len;
}

static void assert_all_written(struct supply *w)
{
    test_run(&w->world);
    assert_int_equal(w->calls, 0);
    assert_int_equal(w->written, 100);
}

static void listener_sees_every_chunk(void **state)
{
    struct supply *w = *state;
    size_t seen = 0;

    set_up(w);
    cst_on(w->source, CST_DATA, count_data, &seen);
    pipe_them(w);
    assert_all_written(w);
    assert_int_equal(seen, 100);
}

static void second_pipe_gets_every_chunk(void **state)
{
    struct supply *w = *state;
    size_t seen = 0;
    cst_stream *other;

    set_up(w);
    assert_int_equal(cst_passthrough_new(&other, w->world.ctx, NULL), CST_OK);
    cst_on(other, CST_DATA, count_data, &seen);
    pipe_them(w);
    cst_pipe(w->source, other, NULL);
    assert_all_written(w);
    assert_int_equal(seen, 100);
}

static void transform_between_gets_every_chunk(void **state)
{
    struct supply *w = *state;
    cst_stream *through;

    set_up(w);
    assert_int_equal(cst_passthrough_new(&through, w->world.ctx, NULL), CST_OK);
    cst_pipe(w->source, through, NULL);
    cst_pipe(through, w->dest, NULL);
    assert_all_written(w);
}

static void object_mode_keeps_its_messages(void **state)
{
    static const cst_opts objects = { .object_mode = true };
    struct supply *w = *state;

    set_up_with(w, &objects, NULL);
    pipe_them(w);
    assert_all_written(w);
    w->written = 0;
    set_up_with(w, NULL, &objects);
    pipe_them(w);
    assert_all_written(w);
}

static void decoder_gets_every_chunk(void **state)
{
    struct supply *w = *state;

    set_up(w);
    assert_int_equal(cst_set_encoding(w->source, CST_UTF8), CST_OK);
    pipe_them(w);
    assert_all_written(w);
}

static void what_is_buffered_goes_first(void **state)
{
    struct supply *w = *state;

    set_up(w);
    cst_push_copy(w->source, "abcde", 5);
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->written % 10, 5); /* a read may have been ahead */
    assert_int_equal(w->written + w->transferred, 105);
}

static void corked_destination_queues(void **state)
{
    struct supply *w = *state;

    set_up(w);
    cst_cork(w->dest);
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->calls, 0);
    cst_uncork(w->dest);
    test_run(&w->world);
    assert_int_equal(w->written + w->transferred, 100);
}

static void read_by_hand_gets_a_chunk(void **state)
{
    struct supply *w = *state;
    cst_slice chunk;

    set_up(w);
    w->from = CST_EMPTY;
    pipe_them(w);
    test_run(&w->world);
    assert_int_equal(w->calls, 1);
    cst_push_copy(w->source, "abc", 3);
    assert_int_equal(w->written, 3);
    w->from = CST_OK;
    if (cst_read(&chunk, w->source, CST_READ_ANY) == CST_OK)
        cst_slice_unref(&chunk);
    assert_int_equal(w->calls, 1);
    test_run(&w->world);
    assert_int_equal(w->written + w->transferred, 103);
}

/* --- coming in between ------------------------------------------------------------------------ */

static void listener_that_comes_later_sees_the_rest(void **state)
{
    struct supply *w = *state;
    size_t seen = 0;

    set_up(w);
    w->from = CST_EMPTY;
    pipe_them(w);
    test_run(&w->world);
    cst_on(w->source, CST_DATA, count_data, &seen);
    cst_push(w->source, cst_slice_empty());
    test_run(&w->world);
    assert_int_equal(w->transferred, 30);
    assert_int_equal(seen, 70);
    assert_int_equal(w->written, 70);
}

/* A sink that hands the source over to dest at its third chunk. */
static cst_status handing_over_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct supply *w = ((struct end *)self)->world;

    w->written += chunk->len;
    if (w->written == 30) {
        cst_unpipe(w->source, s);
        pipe_them(w);
    }
    return CST_OK;
}

/* What is buffered by then is written, and no more is read. */
static void pipe_made_in_the_middle_of_a_flow_goes_the_shorter_way_from_there(void **state)
{
    static const cst_ops handing_over_ops = { .name = "first",
                                              .self_size = sizeof(struct end),
                                              .write = handing_over_write };
    struct supply *w = *state;
    const struct end end = { .world = w };
    cst_stream *first;

    set_up(w);
    assert_int_equal(cst_writable_new(&first, w->world.ctx, &handing_over_ops, &end, NULL), CST_OK);
    cst_pipe(w->source, first, NULL);
    test_run(&w->world);
    assert_int_equal(w->written, 40);
    assert_int_equal(w->reads, 4);
    assert_int_equal(w->transferred, 60);
}

static void unpipe_while_it_waits_loses_nothing(void **state)
{
    struct supply *w = *state;
    size_t seen = 0;

    set_up(w);
    w->answer = CST_PENDING;
    w->held = 7;
    pipe_them(w);
    test_run(&w->world);
    cst_unpipe(w->source, w->dest);
    cst_on(w->source, CST_DATA, count_data, &seen);
    cst_resume(w->source);
    test_run(&w->world);
    assert_int_equal(w->transferred + seen, 100);
    assert_int_equal(cst_writable_length(w->dest), 7);
    cst_end(w->dest, NULL, NULL);
    test_run(&w->world);
    assert_false(cst_writable_finished(w->dest));
    cst_complete(w->call, CST_OK);
    test_run(&w->world);
    assert_true(cst_writable_finished(w->dest));
}

static void write_while_it_waits_comes_after(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->answer = CST_PENDING;
    w->held = 7;
    pipe_them(w);
    test_run(&w->world);
    cst_write_copy(w->dest, "abc", 3, NULL, NULL);
    assert_int_equal(w->written, 0);
    assert_int_equal(cst_writable_length(w->dest), 10);
    w->answer = CST_OK;
    cst_complete(w->call, CST_OK);
    assert_int_equal(w->written, 3);
    test_run(&w->world);
    assert_int_equal(w->transferred, 100);
    assert_true(cst_writable_finished(w->dest));
}

static void destination_destroyed_while_it_waits_lets_the_source_go(void **state)
{
    struct supply *w = *state;

    set_up(w);
    w->answer = CST_PENDING;
    w->held = 7;
    pipe_them(w);
    test_run(&w->world);
    cst_destroy(w->dest, CST_OK);
    cst_complete(w->call, CST_E_DESTROYED);
    test_run(&w->world);
    assert_true(cst_is_closed(w->dest));
    assert_true(cst_is_paused(w->source));
    assert_int_equal(w->left, 70);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(all_bytes_go_the_shorter_way_and_the_ends_come_as_ever),
    T(transfer_that_waits_is_a_write_in_flight),
    T(answer_inside_the_slot_counts),
    T(one_chunk_goes_the_ordinary_way_where_the_slot_says_so),
    T(slot_that_cannot_is_asked_once),
    T(source_without_bytes_comes_back_by_an_empty_push),
    T(failure_of_the_source_is_its_own),
    T(failure_of_the_destination_is_that_of_a_write),
    T(failure_after_waiting_is_too),
    T(bytes_of_a_turn_limit_a_transfer),
    T(transfers_are_activity_of_both),
    T(listener_sees_every_chunk),
    T(second_pipe_gets_every_chunk),
    T(transform_between_gets_every_chunk),
    T(object_mode_keeps_its_messages),
    T(decoder_gets_every_chunk),
    T(what_is_buffered_goes_first),
    T(corked_destination_queues),
    T(read_by_hand_gets_a_chunk),
    T(listener_that_comes_later_sees_the_rest),
    T(pipe_made_in_the_middle_of_a_flow_goes_the_shorter_way_from_there),
    T(unpipe_while_it_waits_loses_nothing),
    T(write_while_it_waits_comes_after),
    T(destination_destroyed_while_it_waits_lets_the_source_go),
};

TEST_MAIN(tests)

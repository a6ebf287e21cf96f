/* test_again.c - CST_AGAIN: a transform or flush slot that stops in the middle makes the bytes that
 * one which never stops makes, and never more of them than the reader has room for. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum how { NEVER_STOPS, STOPS_WHEN_FULL, STOPS_EACH_TIME, STOPS_LATE, WAYS };

/* An expander: each chunk, and the end, becomes `count` outputs of its first letter. */
struct fixture {
    struct test_world world;
    cst_stream *s;
    enum how how;
    size_t count, len; /* outputs of one chunk, and how long each is */
    size_t at;         /* outputs of the present chunk that were pushed */
    unsigned calls;    /* of the slots */
    size_t most;       /* what was buffered at most */
    char out[4096];    /* the first byte of each output that came out */
    size_t outs, bytes;
    unsigned acts_at; /* the call in which `act` runs */
    void (*act)(struct fixture *f, cst_stream *s);
    bool stalls, late;
    cst_call call;
    cst_slice chunk;
    cst_task task;
};

static cst_status push_one(struct fixture *f, cst_stream *s, uint8_t letter)
{
    cst_buf buf;
    cst_status st = cst_buf_new_cached(&buf, cst_stream_ctx(s), f->len);

    if (st < 0)
        return st;
    memset(buf.data, letter, f->len);
    f->at++;
    st = cst_push(s, cst_buf_freeze(&buf, f->len));
    if (f->most < cst_readable_length(s))
        f->most = cst_readable_length(s);
    return st;
}

/* Push outputs until there are count, or the slot stops. */
static cst_status expand(struct fixture *f, cst_stream *s, uint8_t letter)
{
    while (f->at < f->count) {
        cst_status st = push_one(f, s, letter);

        if (st < 0)
            return st;
        if (f->at < f->count &&
            (f->how >= STOPS_EACH_TIME || (f->how == STOPS_WHEN_FULL && st == CST_FULL)))
            return CST_AGAIN;
    }
    f->at = 0;
    return CST_OK;
}

static void run_late(void *arg)
{
    struct fixture *f = arg;

    f->late = false;
    cst_complete(f->call, expand(f, f->s, *f->chunk.data));
}

static cst_status answer(struct fixture *f, cst_stream *s, const cst_slice *chunk)
{
    if (++f->calls == f->acts_at)
        f->act(f, s);
    if (f->stalls)
        return CST_AGAIN;
    if (f->how != STOPS_LATE)
        return expand(f, s, *chunk->data);
    f->call = cst_this_call(s);
    f->chunk = *chunk;
    f->late = true;
    cst_defer(cst_stream_ctx(s), &f->task, run_late, f);
    return CST_PENDING;
}

static cst_status expander(cst_stream *s, void *self, const cst_slice *chunk)
{
    return answer(*(struct fixture **)self, s, chunk);
}

static cst_status expander_flush(cst_stream *s, void *self)
{
    static const cst_slice end = { .data = (const uint8_t *)"z", .len = 1 };

    return answer(*(struct fixture **)self, s, &end);
}

static cst_status nothing_more(cst_stream *s, void *self)
{
    (void)s;
    test_trace_add(&(*(struct fixture **)self)->world.trace, "final");
    return CST_OK;
}

static const cst_ops expander_ops = { .name = "expander",
                                      .self_size = sizeof(struct fixture *),
                                      .transform = expander,
                                      .flush = expander_flush };

static const cst_ops finaling_ops = { .name = "expander",
                                      .self_size = sizeof(struct fixture *),
                                      .transform = expander,
                                      .final = nothing_more,
                                      .flush = expander_flush };

static void note_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->world.trace, "%s%s%s", test_event_word(event->type), event->error ? ":" : "",
                   event->error ? test_status_word(event->error->status) : "");
}

static void note_done(cst_stream *s, cst_status status, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->world.trace, "done:%s", test_status_word(status));
}

static void make(struct fixture *f, const cst_ops *ops, const cst_opts *opts)
{
    static const cst_event_type types[] = { CST_END, CST_FINISH, CST_ERROR, CST_CLOSE };

    f->at = f->outs = f->bytes = f->most = f->calls = 0;
    assert_int_equal(cst_transform_new(&f->s, f->world.ctx, ops, &f, opts), CST_OK);
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        assert_int_equal(cst_on(f->s, types[i], note_event, f), CST_OK);
}

/* --- readers ---------------------------------------------------------------------------------- */

static void take_out(struct fixture *f, const cst_slice *chunk)
{
    for (size_t at = 0; at < chunk->len; at += f->len)
        f->out[f->outs++] = (char)chunk->data[at];
    f->out[f->outs] = '\0';
}

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    take_out(arg, event->chunk);
}

static void on_readable(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        take_out(arg, &chunk);
        cst_slice_unref(&chunk);
    }
}

struct slow {
    struct fixture *f;
    cst_call call;
    cst_timer timer;
    cst_task task;
};

static void slow_done(void *arg)
{
    struct slow *slow = arg;

    cst_complete(slow->call, CST_OK);
}

static cst_status slow_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct slow *slow = self;

    slow->f->bytes += chunk->len;
    if (slow->f->outs < sizeof(slow->f->out) / 2)
        take_out(slow->f, chunk);
    slow->call = cst_this_call(s);
    cst_immediate(cst_stream_ctx(s), &slow->task, slow_done, slow);
    return CST_PENDING;
}

static const cst_ops slow_ops = { .name = "slow",
                                  .self_size = sizeof(struct slow),
                                  .write = slow_write };

enum reader { FLOWS, READS, LATE_PIPE, READS_BY_ITSELF, READERS };

static void read_by(struct fixture *f, enum reader reader)
{
    cst_stream *sink;
    cst_slice chunk;

    if (reader == FLOWS) {
        assert_int_equal(cst_on(f->s, CST_DATA, on_data, f), CST_OK);
    } else if (reader == READS) {
        assert_int_equal(cst_on(f->s, CST_READABLE, on_readable, f), CST_OK);
    } else if (reader == LATE_PIPE) {
        const struct slow slow = { .f = f };

        assert_int_equal(cst_writable_new(&sink, f->world.ctx, &slow_ops, &slow, NULL), CST_OK);
        assert_int_equal(cst_pipe(f->s, sink, NULL), CST_OK);
        cst_unref(sink);
    } else {
        for (cst_status st = CST_EMPTY; st == CST_OK || st == CST_EMPTY;) {
            test_run(&f->world);
            st = cst_next(&chunk, f->s);
            if (st == CST_OK) {
                take_out(f, &chunk);
                cst_slice_unref(&chunk);
            }
        }
    }
    test_settle(&f->world);
}

static void write_all(struct fixture *f)
{
    cst_write(f->s, cst_slice_str("a"), NULL, NULL);
    cst_write(f->s, cst_slice_str("b"), note_done, f);
    cst_end_with(f->s, cst_slice_str("c"), note_done, f);
}

static void expand_by(struct fixture *f, enum how how, enum reader reader, const cst_ops *ops,
                      const cst_opts *opts)
{
    f->how = how;
    make(f, ops, opts);
    write_all(f);
    read_by(f, reader);
    assert_true(cst_is_closed(f->s));
    cst_unref(f->s);
}

static void however_it_stops_the_outputs_are_those_of_one_that_does_not(void **state)
{
    static const size_t marks[] = { CST_HWM_ZERO, 1, 8, 0 };
    struct fixture *f = *state;
    char whole[sizeof(f->out)];

    f->count = 40;
    f->len = 4;
    for (int i = 0; i < 4 * READERS * 2 * 2; i++) {
        const enum reader reader = (enum reader)(i / 4 % READERS);
        const cst_ops *ops = i / 4 / READERS % 2 ? &finaling_ops : &expander_ops;
        const cst_opts opts = { .high_water_mark = marks[i % 4],
                                .object_mode = i / 4 / READERS / 2 };

        expand_by(f, NEVER_STOPS, reader, ops, &opts);
        strcpy(whole, f->out);
        assert_int_equal(f->outs, 160);
        for (int how = STOPS_WHEN_FULL; how < WAYS; how++) {
            expand_by(f, (enum how)how, reader, ops, &opts);
            assert_string_equal(f->out, whole);
        }
        test_trace_clear(&f->world.trace);
    }
}

static void no_more_is_buffered_than_the_mark_and_two_outputs(void **state)
{
    static const size_t marks[] = { 1, 8, 10, 64 };
    struct fixture *f = *state;

    f->count = 100;
    f->len = 4;
    for (int i = 0; i < 4 * READERS; i++) {
        const size_t mark = marks[i % 4];

        for (int how = STOPS_WHEN_FULL; how < WAYS; how++) {
            expand_by(f, (enum how)how, (enum reader)(i / 4), &expander_ops,
                      &(cst_opts){ .high_water_mark = mark });
            assert_true(f->most <= (mark + 3) / 4 * 4 + 8);
        }
    }
    test_trace_clear(&f->world.trace);
}

/* --- in the middle ---------------------------------------------------------------------------- */

static void make_full(struct fixture *f)
{
    f->count = 10;
    f->len = 4;
    f->how = STOPS_WHEN_FULL;
    make(f, &expander_ops, &(cst_opts){ .high_water_mark = 8 });
    cst_write(f->s, cst_slice_str("a"), note_done, f);
    cst_write(f->s, cst_slice_str("b"), note_done, f);
    test_run_and_expect(&f->world, "");
    assert_int_equal(f->calls, 1);
    assert_int_equal(cst_writable_length(f->s), 2);
}

static void a_write_is_done_with_its_last_call_and_the_end_waits(void **state)
{
    struct fixture *f = *state;

    make_full(f);
    cst_end(f->s, note_done, f);
    test_run_and_expect(&f->world, "");
    assert_int_equal(f->calls, 1);
    assert_int_equal(cst_on(f->s, CST_DATA, on_data, f), CST_OK);
    test_run_and_expect(&f->world, "done:OK done:OK done:OK finish end close");
    assert_int_equal(f->outs, 30);
    cst_unref(f->s);
}

static void what_is_destroyed_in_the_middle_is_not_called_again(void **state)
{
    struct fixture *f = *state;

    make_full(f);
    cst_destroy(f->s, CST_USER(1));
    cst_resume(f->s);
    test_run_and_expect(&f->world, "done:USER done:USER error:USER close");
    assert_int_equal(f->calls, 1);
    cst_unref(f->s);
    make_full(f);
    cst_destroy(f->s, CST_OK);
    test_run_and_expect(&f->world, "done:DESTROYED done:DESTROYED close");
    assert_null(cst_errored(f->s));
    cst_unref(f->s);
    make_full(f); /* nobody reads it: the context frees it */
    cst_unref(f->s);
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    test_expect(&f->world, "done:DESTROYED done:DESTROYED close");
    assert_int_equal(f->world.heap.live_blocks, 0);
    test_world_open(&f->world, NULL);
}

static void destroy_it(struct fixture *f, cst_stream *s)
{
    (void)f;
    cst_destroy(s, CST_OK);
}

static void fail_it(struct fixture *f, cst_stream *s)
{
    (void)f;
    cst_destroy(s, CST_USER(7));
}

static void say_enough(struct fixture *f, cst_stream *s)
{
    f->count = 1;
    assert_int_equal(cst_enough(s), CST_EMPTY);
}

static void each_call_may_be_the_last(void **state)
{
    static void (*const acts[])(struct fixture *f, cst_stream *s) = { destroy_it, fail_it,
                                                                      say_enough };
    struct fixture *f = *state;

    for (int i = 0; i < 3 * WAYS * READERS; i++) {
        bool was_reached = true;

        for (unsigned at = 1; was_reached; at++) {
            f->acts_at = at;
            f->act = acts[i % 3];
            f->count = 6;
            f->len = 4;
            f->how = (enum how)(i / 3 % WAYS);
            make(f, &expander_ops, &(cst_opts){ .high_water_mark = 8 });
            write_all(f);
            read_by(f, (enum reader)(i / 3 / WAYS));
            was_reached = f->calls >= at;
            assert_true(cst_is_closed(f->s));
            assert_true(!was_reached || f->act == say_enough || f->calls == at);
            cst_unref(f->s);
            if (f->late)
                test_run(&f->world);
            test_trace_clear(&f->world.trace);
        }
    }
}

static void a_call_that_pushes_nothing_while_there_is_room_fails_the_stage(void **state)
{
    struct fixture *f = *state;

    f->stalls = true;
    make(f, &expander_ops, NULL);
    cst_write(f->s, cst_slice_str("a"), note_done, f);
    test_run_and_expect(&f->world, "done:STALL error:STALL close");
    assert_int_equal(f->calls, 1);
    cst_unref(f->s);
    make(f, &expander_ops, NULL);
    cst_end(f->s, note_done, f);
    test_run_and_expect(&f->world, "error:STALL close done:STALL");
    cst_unref(f->s);
}

static void stall_now(struct fixture *f, cst_stream *s)
{
    (void)s;
    f->stalls = true;
}

static void a_later_call_that_stalls_is_found_too(void **state)
{
    struct fixture *f = *state;

    for (int how = STOPS_WHEN_FULL; how < STOPS_LATE; how++) {
        f->stalls = false;
        f->acts_at = 3;
        f->act = stall_now;
        f->count = 100;
        f->len = 4;
        f->how = (enum how)how;
        make(f, &expander_ops, &(cst_opts){ .high_water_mark = 8 });
        cst_write(f->s, cst_slice_str("a"), note_done, f);
        assert_int_equal(cst_on(f->s, CST_DATA, on_data, f), CST_OK);
        test_run_and_expect(&f->world, "done:STALL error:STALL close");
        /* In the third call what is about to be read is still there, so that there is no room. */
        assert_int_equal(f->calls, 4);
        cst_unref(f->s);
    }
}

static cst_status doubled(cst_stream *s, const cst_slice *chunk, void *arg)
{
    return answer(arg, s, chunk);
}

static void the_function_of_flat_map_may_stop_too(void **state)
{
    struct fixture *f = *state;

    f->count = 8;
    f->len = 1;
    f->how = STOPS_EACH_TIME;
    f->outs = 0;
    assert_int_equal(cst_flat_map_new(&f->s, f->world.ctx, NULL, doubled, f), CST_OK);
    cst_write(f->s, cst_slice_str("a"), note_done, f);
    cst_end_with(f->s, cst_slice_str("b"), NULL, NULL);
    assert_int_equal(cst_on(f->s, CST_DATA, on_data, f), CST_OK);
    test_run_and_expect(&f->world, "done:OK");
    assert_string_equal(f->out, "aaaaaaaabbbbbbbb");
    assert_int_equal(f->calls, 16);
    cst_unref(f->s);
}

static void a_gibibyte_out_of_a_byte_takes_less_than_a_quarter_of_a_mebibyte(void **state)
{
    struct fixture *f = *state;

    f->len = 16384;
    f->count = ((size_t)1 << 30) / f->len;
    f->how = STOPS_WHEN_FULL;
    make(f,
         &(cst_ops){
             .name = "expander", .self_size = sizeof(struct fixture *), .transform = expander },
         NULL);
    f->outs = sizeof(f->out); /* only the bytes are counted */
    cst_end_with(f->s, cst_slice_str("0"), NULL, NULL);
    read_by(f, LATE_PIPE);
    assert_int_equal(f->bytes, (size_t)1 << 30);
    assert_true(f->world.heap.peak_bytes < 256 * 1024);
    cst_unref(f->s);
    test_expect(&f->world, "finish end close");
}

/* --- without memory --------------------------------------------------------------------------- */

static bool run_with_failure(struct fixture *f, enum how how, size_t k)
{
    f->count = 30;
    f->len = 4;
    f->how = (enum how)how;
    make(f, &expander_ops, &(cst_opts){ .high_water_mark = 8 });
    test_heap_fail_at(&f->world.heap, k);
    write_all(f);
    cst_on(f->s, CST_DATA, on_data, f);
    test_settle(&f->world);
    if (!cst_is_destroyed(f->s)) /* a write or the listener was refused */
        cst_destroy(f->s, CST_OK);
    test_settle(&f->world);
    assert_true(cst_is_closed(f->s));
    assert_true(f->outs == 120 || f->world.heap.failures);
    cst_unref(f->s);
    test_heap_fail_never(&f->world.heap);
    return f->world.heap.failures > 0;
}

static void any_allocation_may_fail(void **state)
{
    struct fixture *f = *state;

    for (int how = NEVER_STOPS; how < WAYS; how++) {
        for (size_t k = 1;; k++) {
            test_world_close(&f->world);
            test_world_open(&f->world, NULL);
            if (!run_with_failure(f, (enum how)how, k))
                break;
        }
    }
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .how = NEVER_STOPS };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(however_it_stops_the_outputs_are_those_of_one_that_does_not),
    T(no_more_is_buffered_than_the_mark_and_two_outputs),
    T(a_write_is_done_with_its_last_call_and_the_end_waits),
    T(what_is_destroyed_in_the_middle_is_not_called_again),
    T(each_call_may_be_the_last),
    T(a_call_that_pushes_nothing_while_there_is_room_fails_the_stage),
    T(a_later_call_that_stalls_is_found_too),
    T(the_function_of_flat_map_may_stop_too),
    T(a_gibibyte_out_of_a_byte_takes_less_than_a_quarter_of_a_mebibyte),
    T(any_allocation_may_fail),
};

TEST_MAIN(tests)

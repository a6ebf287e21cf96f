/*
 * test_node_state_flags.c - Node's own tests of the states that it lets others see: each test bears
 * the name of Node's.
 *
 * Some of those tests look into Node's state. These look into the library's: its flags have Node's
 * names.
 */
#include "world.h"

#include "stream/stream_internal.h"

static bool is(const cst_stream *s, enum cst__hot flag)
{
    return (s->hot & flag) != 0;
}

/* A word of the trace for each of two states. */
static void record(struct test_world *world, const char *name, bool on)
{
    test_trace_add(&world->trace, "%s%s", on ? "" : "!", name);
}

static void push_foo(cst_stream *s, struct test_world *world)
{
    (void)world;
    cst_push(s, cst_slice_str("foo"));
}

static void push_bar(cst_stream *s, struct test_world *world)
{
    (void)world;
    cst_push(s, cst_slice_str("bar"));
}

static void push_eof(cst_stream *s, struct test_world *world)
{
    (void)world;
    cst_push_eof(s);
}

static void push_quo_then_eof(cst_stream *s, struct test_world *world)
{
    cst_push(s, cst_slice_str("quo"));
    test_tick(world, push_eof, s);
}

/* --- test-stream-duplex-writable-finished ----------------------------------------------------- */

static cst_status write_and_look_at_finished(cst_stream *s, struct test_world *world,
                                             const cst_slice *chunk)
{
    (void)chunk;
    record(world, "finished", cst_writable_finished(s));
    return CST_OK;
}

static void on_finish_look_at_finished(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    record(arg, "finished", cst_writable_finished(s));
}

static void ended_look_at_finished(cst_stream *s, cst_status status, void *arg)
{
    struct test_world *world = arg;

    assert_int_equal(status, CST_OK);
    test_trace_add(&world->trace, "ended");
    record(world, "finished", cst_writable_finished(s));
}

static void expect_finished(struct test_world *world, cst_stream *s)
{
    assert_false(cst_writable_finished(s));
    assert_int_equal(cst_on(s, CST_FINISH, on_finish_look_at_finished, world), CST_OK);
    assert_int_equal(cst_end_with(s, cst_slice_str("testing"), ended_look_at_finished, world),
                     CST_OK);
    assert_false(cst_writable_finished(s));
    test_settle(world);
    test_expect(world, "!finished ended finished finish finished");
}

static void test_stream_duplex_writable_finished(void **state)
{
    expect_finished(*state, test_duplex(*state, NULL, write_and_look_at_finished, NULL));
}

/* --- test-stream-readable-aborted ------------------------------------------------------------- */

static void destroy_and_expect_aborted(struct test_world *world, cst_stream *r)
{
    assert_false(cst_readable_aborted(r));
    assert_int_equal(cst_destroy(r, CST_OK), CST_OK);
    assert_true(cst_readable_aborted(r));
    test_settle(world);
    assert_true(cst_readable_aborted(r));
}

static void test_stream_readable_aborted__nothing_pushed(void **state)
{
    destroy_and_expect_aborted(*state, test_source(*state, NULL, NULL));
}

static void test_stream_readable_aborted__eof_pushed(void **state)
{
    cst_stream *r = test_source(*state, NULL, NULL);

    cst_push_eof(r);
    destroy_and_expect_aborted(*state, r);
}

static void test_stream_readable_aborted__a_chunk_left(void **state)
{
    cst_stream *r = test_source(*state, NULL, NULL);

    cst_push(r, cst_slice_str("asd"));
    destroy_and_expect_aborted(*state, r);
}

static void on_end_destroy(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_false(cst_readable_aborted(s));
    assert_int_equal(cst_destroy(s, CST_OK), CST_OK);
    assert_false(cst_readable_aborted(s));
}

static void test_stream_readable_aborted__not_after_end(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_int_equal(cst_on(r, CST_END, on_end_destroy, world), CST_OK);
    test_record(world, r, CST_CLOSE);
    cst_push_eof(r);
    cst_resume(r);
    test_settle(world);
    test_expect(world, "end close");
    assert_false(cst_readable_aborted(r));
}

static void test_stream_readable_aborted__not_without_a_readable_side(void **state)
{
    struct test_world *world = *state;
    cst_stream *d = test_duplex(world, NULL, NULL, &(cst_opts){ .no_readable = true });

    assert_int_equal(cst_destroy(d, CST_OK), CST_OK);
    assert_false(cst_readable_aborted(d));
    test_settle(world);
    assert_false(cst_readable_aborted(d));
}

/* --- test-stream-readable-didRead ------------------------------------------------------------- */

/* What Node's isDisturbed says. */
static bool is_disturbed(const cst_stream *s)
{
    return cst_readable_did_read(s) || cst_readable_aborted(s);
}

static void read_only_eof(cst_stream *s, struct test_world *world, size_t size)
{
    (void)world;
    (void)size;
    cst_push_eof(s);
}

static void read_data_and_eof(cst_stream *s, struct test_world *world, size_t size)
{
    (void)world;
    (void)size;
    cst_push(s, cst_slice_str("data"));
    cst_push_eof(s);
}

static void on_error_look_at_errored(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_non_null(cst_errored(s));
}

static cst_stream *undisturbed(struct test_world *world, test_read_fn *read)
{
    cst_stream *r = test_source(world, read, NULL);

    assert_false(cst_readable_did_read(r));
    assert_false(is_disturbed(r));
    assert_null(cst_errored(r));
    assert_int_equal(cst_on(r, CST_ERROR, on_error_look_at_errored, world), CST_OK);
    test_record(world, r, CST_DATA);
    test_record(world, r, CST_END);
    test_record(world, r, CST_CLOSE);
    return r;
}

static void test_stream_readable_didRead__eof_read(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = undisturbed(world, read_only_eof);
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, r, CST_READ_ANY), CST_EOF);
    test_settle(world);
    test_expect(world, "end close");
    assert_false(cst_readable_did_read(r));
}

static void test_stream_readable_didRead__resumed(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = undisturbed(world, read_only_eof);

    cst_resume(r);
    test_settle(world);
    test_expect(world, "end close");
    assert_false(cst_readable_did_read(r));
}

static void test_stream_readable_didRead__destroyed(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = undisturbed(world, read_only_eof);

    cst_destroy(r, CST_OK);
    test_settle(world);
    test_expect(world, "close");
    assert_false(cst_readable_did_read(r));
}

static void test_stream_readable_didRead__destroyed_with_an_error(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = undisturbed(world, read_only_eof);

    cst_destroy(r, CST_E_ABORT);
    test_settle(world);
    test_expect(world, "error:ABORT close");
    assert_false(cst_readable_did_read(r));
}

static void test_stream_readable_didRead__data(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = undisturbed(world, read_data_and_eof);

    test_settle(world);
    test_expect(world, "data:data end close");
    assert_true(cst_readable_did_read(r));
    assert_true(is_disturbed(r));
}

static void test_stream_readable_didRead__one_listener_less(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = undisturbed(world, read_data_and_eof);
    size_t count = 0;

    assert_int_equal(cst_on(r, CST_DATA, test_count, &count), CST_OK);
    assert_int_equal(cst_off(r, CST_DATA, test_count, &count), CST_OK);
    test_settle(world);
    test_expect(world, "data:data end close");
    assert_int_equal(count, 0);
    assert_true(cst_readable_did_read(r));
    assert_true(is_disturbed(r));
}

/* --- test-stream-readable-emittedReadable ----------------------------------------------------- */

static void on_readable_read_resets(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_true(is(s, R_EMITTED_READABLE));
    test_read(arg, s, CST_READ_ANY);
    assert_false(is(s, R_EMITTED_READABLE));
}

static void test_stream_readable_emittedReadable__reset_by_a_read(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_false(is(r, R_EMITTED_READABLE));
    assert_int_equal(cst_on(r, CST_READABLE, on_readable_read_resets, world), CST_OK);
    assert_false(is(r, R_EMITTED_READABLE));
    test_record(world, r, CST_END);
    test_tick(world, push_foo, r);
    test_tick(world, push_bar, r);
    test_after(world, 1, push_quo_then_eof, r);
    test_settle(world);
    test_expect(world, "readable read:foo readable read:bar readable read:quo end");
}

static void on_readable_read_nothing(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_true(is(s, R_EMITTED_READABLE));
    assert_int_equal(cst_read(NULL, s, 0), CST_EMPTY);
    assert_true(is(s, R_EMITTED_READABLE));
}

static void test_stream_readable_emittedReadable__not_by_a_read_of_nothing(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_int_equal(cst_on(r, CST_READABLE, on_readable_read_nothing, world), CST_OK);
    cst_push(r, cst_slice_str("foo"));
    cst_push_eof(r);
    test_settle(world);
    test_expect(world, "readable");
}

/* The read in the listener takes the next chunk, and hands it to the listener. */
static void on_data_read(cst_stream *s, const cst_event *event, void *arg)
{
    cst_slice chunk;

    test_on_event(s, event, arg);
    assert_false(is(s, R_EMITTED_READABLE));
    if (cst_read(&chunk, s, CST_READ_ANY) == CST_OK)
        cst_slice_unref(&chunk);
    assert_false(is(s, R_EMITTED_READABLE));
}

static void test_stream_readable_emittedReadable__never_while_flowing(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_int_equal(cst_on(r, CST_DATA, on_data_read, world), CST_OK);
    cst_push(r, cst_slice_str("foooo"));
    cst_push(r, cst_slice_str("bar"));
    cst_push(r, cst_slice_str("quo"));
    test_tick(world, push_eof, r);
    test_settle(world);
    test_expect(world, "data:foooo data:bar data:quo");
    assert_true(cst_readable_ended(r));
}

/* --- test-stream-readable-ended --------------------------------------------------------------- */

static void read_and_look_at_ended(cst_stream *s, struct test_world *world, size_t size)
{
    (void)world;
    (void)size;
    assert_false(cst_readable_ended(s));
    cst_push(s, cst_slice_str("asd"));
    assert_false(cst_readable_ended(s));
    cst_push_eof(s);
    assert_false(cst_readable_ended(s));
}

static void look_at_ended(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    record(arg, "ended", cst_readable_ended(s));
}

static void test_stream_readable_ended__inside_end(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, read_and_look_at_ended, NULL);

    assert_false(cst_readable_ended(r));
    assert_int_equal(cst_on(r, CST_END, look_at_ended, world), CST_OK);
    assert_int_equal(cst_on(r, CST_DATA, look_at_ended, world), CST_OK);
    test_settle(world);
    test_expect(world, "data:asd !ended end ended");
    assert_int_equal(test_slot_calls(r), 1);
}

static void test_stream_readable_ended__eof_again_is_no_error(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_int_equal(cst_on(r, CST_READABLE, test_on_readable_once, world), CST_OK);
    test_record(world, r, CST_ERROR);
    test_record(world, r, CST_END);
    cst_push(r, cst_slice_str("a"));
    assert_int_equal(cst_push_eof(r), CST_EOF);
    assert_int_equal(cst_push_eof(r), CST_EOF);
    test_settle(world);
    test_expect(world, "readable read:a end");
}

/* --- test-stream-readable-needReadable -------------------------------------------------------- */

static void look_at_need_and_read(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_false(is(s, R_NEED_READABLE));
    test_read(arg, s, CST_READ_ANY);
    record(arg, "need", is(s, R_NEED_READABLE));
}

static void on_end_look_at_need(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_false(is(s, R_NEED_READABLE));
}

static void test_stream_readable_needReadable__set_by_listening(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_false(is(r, R_NEED_READABLE));
    assert_int_equal(cst_on(r, CST_READABLE, look_at_need_and_read, world), CST_OK);
    assert_true(is(r, R_NEED_READABLE));
    assert_int_equal(cst_on(r, CST_END, on_end_look_at_need, world), CST_OK);
    cst_push(r, cst_slice_str("foo"));
    cst_push_eof(r);
    test_settle(world);
    test_expect(world, "readable read:foo !need end");
}

static void push_eof_and_look_at_need(cst_stream *s, struct test_world *world)
{
    cst_push_eof(s);
    record(world, "need", is(s, R_NEED_READABLE));
}

static void push_quo_then_look(cst_stream *s, struct test_world *world)
{
    cst_push(s, cst_slice_str("quo"));
    test_tick(world, push_eof_and_look_at_need, s);
}

static void test_stream_readable_needReadable__while_chunks_are_left(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_int_equal(cst_on(r, CST_READABLE, look_at_need_and_read, world), CST_OK);
    test_tick(world, push_foo, r);
    test_tick(world, push_bar, r);
    test_after(world, 1, push_quo_then_look, r);
    test_settle(world);
    test_expect(world, "readable read:foo !need readable read:bar !need readable read:quo !need "
                       "!need");
}

static void on_data_look_at_need(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_false(is(s, R_NEED_READABLE));
}

static void test_stream_readable_needReadable__not_while_flowing(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    cst_push(r, cst_slice_str("foooo"));
    cst_push(r, cst_slice_str("bar"));
    cst_push(r, cst_slice_str("quo"));
    test_tick(world, push_eof, r);
    assert_int_equal(cst_on(r, CST_DATA, on_data_look_at_need, world), CST_OK);
    test_settle(world);
    test_expect(world, "data:foooo data:bar data:quo");
}

static void on_readable_read_eight(cst_stream *s, const cst_event *event, void *arg)
{
    bool came;

    test_on_event(s, event, arg);
    came = test_read(arg, s, 8);
    assert_int_equal(is(s, R_NEED_READABLE), !came);
}

static void push_foos_then_eof(cst_stream *s, struct test_world *world)
{
    unsigned *pushed = world->arg;

    if ((*pushed)++ == 3) {
        cst_push_eof(s);
        return;
    }
    cst_push(s, cst_slice_str("foo"));
    test_tick(world, push_foos_then_eof, s);
}

static void test_stream_readable_needReadable__when_a_read_wants_more(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);
    unsigned pushed = 0;

    world->arg = &pushed;
    assert_int_equal(cst_on(r, CST_READABLE, on_readable_read_eight, world), CST_OK);
    test_tick(world, push_foos_then_eof, r);
    test_settle(world);
    test_expect(world, "readable EMPTY readable EMPTY readable read:foofoofo readable read:o");
}

/* --- test-stream-readable-readable ------------------------------------------------------------ */

static void test_stream_readable_readable__until_destroyed(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_true(cst_is_readable(r));
    cst_destroy(r, CST_OK);
    assert_false(cst_is_readable(r));
    test_settle(world);
}

static void look_at_readable(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    record(arg, "readable", cst_is_readable(s));
}

static void test_stream_readable_readable__until_end(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_int_equal(cst_on(r, CST_END, look_at_readable, world), CST_OK);
    cst_resume(r);
    cst_push_eof(r);
    assert_true(cst_is_readable(r));
    test_settle(world);
    test_expect(world, "end !readable");
}

static void fail_and_look_at_readable(cst_stream *s, struct test_world *world)
{
    cst_destroy(s, CST_E_ABORT);
    record(world, "readable", cst_is_readable(s));
}

static void read_and_fail_by_a_tick(cst_stream *s, struct test_world *world, size_t size)
{
    (void)size;
    record(world, "readable", cst_is_readable(s));
    test_tick(world, fail_and_look_at_readable, s);
}

static void test_stream_readable_readable__until_failed(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, read_and_fail_by_a_tick, NULL);

    assert_int_equal(cst_on(r, CST_ERROR, look_at_readable, world), CST_OK);
    cst_resume(r);
    test_settle(world);
    test_expect(world, "readable !readable error:ABORT !readable");
}

/* --- test-stream-readable-reading-readingMore ------------------------------------------------- */

static void on_data_look_at_reading(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    if (cst_readable_flowing(s) == CST_FLOWING_ON)
        assert_true(is(s, R_READING_MORE));
    assert_int_equal(is(s, R_READING), !is(s, R_ENDED));
}

static void on_data_look_at_reading_more(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    if (cst_readable_flowing(s) == CST_FLOWING_ON)
        assert_true(is(s, R_READING_MORE));
}

static void on_readable_look_at_reading(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    record(arg, "reading-more", is(s, R_READING_MORE));
    assert_int_equal(is(s, R_ENDED), !is(s, R_READING));
    test_read_all(arg, s);
}

static void on_end_look_at_reading(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    assert_false(is(s, R_READING));
    assert_false(is(s, R_READING_MORE));
}

static void test_stream_readable_reading_readingMore__with_a_readable_listener(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_false(is(r, R_READING));
    assert_false(is(r, R_READING_MORE));
    assert_int_equal(cst_on(r, CST_DATA, on_data_look_at_reading, world), CST_OK);
    assert_int_equal(cst_on(r, CST_READABLE, on_readable_look_at_reading, world), CST_OK);
    assert_int_equal(cst_on(r, CST_END, on_end_look_at_reading, world), CST_OK);
    cst_push(r, cst_slice_str("pushed"));
    test_read(world, r, 6);
    assert_true(is(r, R_READING));
    assert_true(is(r, R_READING_MORE));
    cst_unshift(r, cst_slice_str("unshifted"));
    cst_push_eof(r);
    test_settle(world);
    test_expect(world, "data:pushed read:pushed readable reading-more data:unshifted "
                       "read:unshifted EOF readable reading-more EOF readable !reading-more EOF "
                       "end");
}

static void pause_and_look_at_reading(cst_stream *s, bool reading)
{
    assert_int_equal(cst_readable_flowing(s), CST_FLOWING_ON);
    cst_pause(s);
    assert_int_equal(is(s, R_READING), reading);
    assert_int_equal(cst_readable_flowing(s), CST_FLOWING_OFF);
    cst_resume(s);
    assert_int_equal(is(s, R_READING), reading);
    assert_int_equal(cst_readable_flowing(s), CST_FLOWING_ON);
    cst_unshift(s, cst_slice_str("unshifted"));
    cst_push_eof(s);
}

static void test_stream_readable_reading_readingMore__with_a_data_listener(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_int_equal(cst_on(r, CST_DATA, on_data_look_at_reading_more, world), CST_OK);
    assert_int_equal(cst_on(r, CST_END, on_end_look_at_reading, world), CST_OK);
    cst_push(r, cst_slice_str("pushed"));
    pause_and_look_at_reading(r, false);
    test_settle(world);
    test_expect(world, "data:unshifted data:pushed end");
}

static void resume_and_look_at_reading(cst_stream *s, struct test_world *world)
{
    (void)world;
    cst_resume(s);
    pause_and_look_at_reading(s, true);
}

/* The listener that is gone has had the read slot called, and the first chunk flows before the
 * tick. */
static void test_stream_readable_reading_readingMore__with_a_readable_listener_gone(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    test_record(world, r, CST_READABLE);
    assert_int_equal(cst_on(r, CST_DATA, test_on_event, world), CST_OK);
    assert_int_equal(cst_off(r, CST_READABLE, test_on_event, world), CST_OK);
    assert_int_equal(cst_on(r, CST_END, on_end_look_at_reading, world), CST_OK);
    cst_push(r, cst_slice_str("pushed"));
    assert_int_equal(cst_readable_flowing(r), CST_FLOWING_OFF);
    test_tick(world, resume_and_look_at_reading, r);
    test_settle(world);
    test_expect(world, "data:pushed data:unshifted end");
}

/* --- test-stream-readableListening-state ------------------------------------------------------ */

static void look_at_listening(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    record(arg, "listening", s->r_readable_listening);
}

static void test_stream_readableListening_state__readable(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_false(r->r_readable_listening);
    assert_int_equal(cst_on(r, CST_READABLE, look_at_listening, world), CST_OK);
    cst_push(r, cst_slice_str("x"));
    test_settle(world);
    test_expect(world, "readable listening");
}

static void test_stream_readableListening_state__data(void **state)
{
    struct test_world *world = *state;
    cst_stream *r = test_source(world, NULL, NULL);

    assert_false(r->r_readable_listening);
    assert_int_equal(cst_on(r, CST_DATA, look_at_listening, world), CST_OK);
    cst_push(r, cst_slice_str("x"));
    test_settle(world);
    test_expect(world, "data:x !listening");
}

/* --- test-stream-writable-aborted ------------------------------------------------------------- */

static void test_stream_writable_aborted__destroyed(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, NULL, NULL);

    assert_false(cst_writable_aborted(w));
    cst_destroy(w, CST_OK);
    assert_true(cst_writable_aborted(w));
    test_settle(world);
}

static void test_stream_writable_aborted__ended_and_destroyed(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, NULL, NULL);

    assert_false(cst_writable_aborted(w));
    cst_end(w, NULL, NULL);
    cst_destroy(w, CST_OK);
    assert_true(cst_writable_aborted(w));
    test_settle(world);
}

/* --- test-stream-writable-ended-state --------------------------------------------------------- */

static cst_status write_and_look_at_ended(cst_stream *s, struct test_world *world,
                                          const cst_slice *chunk)
{
    (void)chunk;
    record(world, "ended", cst_writable_ended(s));
    assert_false(s->w_ended);
    return CST_OK;
}

static void ended_look_at_ended(cst_stream *s, cst_status status, void *arg)
{
    assert_int_equal(status, CST_OK);
    record(arg, "ended", cst_writable_ended(s));
    assert_true(s->w_ended);
    assert_false(cst_is_writable(s));
}

static void test_stream_writable_ended_state(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, write_and_look_at_ended, NULL);

    assert_false(w->w_ended);
    assert_false(cst_writable_ended(w));
    assert_true(cst_is_writable(w));
    assert_int_equal(cst_end_with(w, cst_slice_str("testing"), ended_look_at_ended, world), CST_OK);
    assert_true(w->w_ended);
    assert_true(cst_writable_ended(w));
    assert_false(cst_is_writable(w));
    test_settle(world);
    test_expect(world, "!ended ended");
}

/* --- test-stream-writable-finished-state ------------------------------------------------------ */

static void test_stream_writable_finished_state(void **state)
{
    expect_finished(*state, test_sink(*state, write_and_look_at_finished, NULL));
}

/* --- test-stream-writable-writable ------------------------------------------------------------ */

static void test_stream_writable_writable__until_destroyed(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, NULL, NULL);

    assert_true(cst_is_writable(w));
    cst_destroy(w, CST_OK);
    assert_false(cst_is_writable(w));
    test_settle(world);
}

static cst_status write_and_fail(cst_stream *s, struct test_world *world, const cst_slice *chunk)
{
    (void)s;
    (void)world;
    (void)chunk;
    return CST_E_ABORT;
}

static void test_stream_writable_writable__until_a_write_fails(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, write_and_fail, NULL);

    test_record(world, w, CST_ERROR);
    assert_true(cst_is_writable(w));
    assert_int_equal(cst_write(w, cst_slice_str("asd"), NULL, NULL), CST_FULL);
    assert_false(cst_is_writable(w));
    test_expect(world, "");
    test_settle(world);
    test_expect(world, "error:ABORT");
}

static void fail_write_and_look(cst_stream *s, struct test_world *world)
{
    assert_true(cst_is_writable(s));
    cst_complete(*(cst_call *)world->arg, CST_E_ABORT);
    assert_false(cst_is_writable(s));
}

static cst_status write_and_fail_by_a_tick(cst_stream *s, struct test_world *world,
                                           const cst_slice *chunk)
{
    (void)chunk;
    *(cst_call *)world->arg = cst_this_call(s);
    test_tick(world, fail_write_and_look, s);
    return CST_PENDING;
}

static void test_stream_writable_writable__until_a_write_has_failed(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, write_and_fail_by_a_tick, NULL);
    cst_call call;

    world->arg = &call;
    test_record(world, w, CST_ERROR);
    assert_int_equal(cst_write(w, cst_slice_str("asd"), NULL, NULL), CST_OK);
    assert_true(cst_is_writable(w));
    test_settle(world);
    test_expect(world, "error:ABORT");
}

static void test_stream_writable_writable__until_ended(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, NULL, NULL);

    assert_true(cst_is_writable(w));
    cst_end(w, NULL, NULL);
    assert_false(cst_is_writable(w));
    test_settle(world);
}

/* --- test-stream-writableState-ending --------------------------------------------------------- */

static void record_ending(struct test_world *world, const cst_stream *s)
{
    record(world, "ending", is(s, W_ENDING));
    record(world, "finished", s->w_finished);
    record(world, "ended", s->w_ended);
}

static cst_status write_and_look_at_ending(cst_stream *s, struct test_world *world,
                                           const cst_slice *chunk)
{
    (void)chunk;
    record_ending(world, s);
    return CST_OK;
}

static void ended_look_at_ending(cst_stream *s, cst_status status, void *arg)
{
    assert_int_equal(status, CST_OK);
    record_ending(arg, s);
}

static void on_finish_look_at_ending(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    record_ending(arg, s);
}

static void test_stream_writableState_ending(void **state)
{
    struct test_world *world = *state;
    cst_stream *w = test_sink(world, write_and_look_at_ending, NULL);

    assert_int_equal(cst_on(w, CST_FINISH, on_finish_look_at_ending, world), CST_OK);
    assert_int_equal(cst_end_with(w, cst_slice_str("testing"), ended_look_at_ending, world),
                     CST_OK);
    test_expect(world, "!ending !finished !ended");
    record_ending(world, w);
    test_expect(world, "ending !finished ended");
    test_settle(world);
    test_expect(world, "ending finished ended finish ending finished ended");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    TEST(test_stream_duplex_writable_finished),
    TEST(test_stream_readable_aborted__nothing_pushed),
    TEST(test_stream_readable_aborted__eof_pushed),
    TEST(test_stream_readable_aborted__a_chunk_left),
    TEST(test_stream_readable_aborted__not_after_end),
    TEST(test_stream_readable_aborted__not_without_a_readable_side),
    TEST(test_stream_readable_didRead__eof_read),
    TEST(test_stream_readable_didRead__resumed),
    TEST(test_stream_readable_didRead__destroyed),
    TEST(test_stream_readable_didRead__destroyed_with_an_error),
    TEST(test_stream_readable_didRead__data),
    TEST(test_stream_readable_didRead__one_listener_less),
    TEST(test_stream_readable_emittedReadable__reset_by_a_read),
    TEST(test_stream_readable_emittedReadable__not_by_a_read_of_nothing),
    TEST(test_stream_readable_emittedReadable__never_while_flowing),
    TEST(test_stream_readable_ended__inside_end),
    TEST(test_stream_readable_ended__eof_again_is_no_error),
    TEST(test_stream_readable_needReadable__set_by_listening),
    TEST(test_stream_readable_needReadable__while_chunks_are_left),
    TEST(test_stream_readable_needReadable__not_while_flowing),
    TEST(test_stream_readable_needReadable__when_a_read_wants_more),
    TEST(test_stream_readable_readable__until_destroyed),
    TEST(test_stream_readable_readable__until_end),
    TEST(test_stream_readable_readable__until_failed),
    TEST(test_stream_readable_reading_readingMore__with_a_readable_listener),
    TEST(test_stream_readable_reading_readingMore__with_a_data_listener),
    TEST(test_stream_readable_reading_readingMore__with_a_readable_listener_gone),
    TEST(test_stream_readableListening_state__readable),
    TEST(test_stream_readableListening_state__data),
    TEST(test_stream_writable_aborted__destroyed),
    TEST(test_stream_writable_aborted__ended_and_destroyed),
    TEST(test_stream_writable_ended_state),
    TEST(test_stream_writable_finished_state),
    TEST(test_stream_writable_writable__until_destroyed),
    TEST(test_stream_writable_writable__until_a_write_fails),
    TEST(test_stream_writable_writable__until_a_write_has_failed),
    TEST(test_stream_writable_writable__until_ended),
    TEST(test_stream_writableState_ending),
};

TEST_MAIN(tests)

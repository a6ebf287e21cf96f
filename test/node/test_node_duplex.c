/* test_node_duplex.c - what Node's own tests of duplexes and pairs ask for; each case bears the
 * name of the test. */
#include "world.h"

#include <string.h>

/* One stream of a pair, and the name that it goes by in the trace. */
struct end {
    struct test_trace *trace;
    const char *name;
    cst_stream *s;
};

struct fixture {
    struct test_world world;
    struct end a, b;
};

static int set_up(void **state)
{
    static struct fixture f;

    test_world_open(&f.world, NULL);
    f.a = (struct end){ .trace = &f.world.trace, .name = "a" };
    f.b = (struct end){ .trace = &f.world.trace, .name = "b" };
    *state = &f;
    return 0;
}

/* --- test-stream-duplex-end ------------------------------------------------------------------- */

static const cst_ops hand_ops = { .self_size = sizeof(struct test_stage),
                                  .write = test_stage_write };

static void make(struct fixture *f, const cst_opts *opts)
{
    const struct test_stage hand = { .world = &f->world };

    assert_int_equal(cst_duplex_new(&f->world.s, f->world.ctx, &hand_ops, &hand, opts), CST_OK);
    assert_int_equal(cst_listener_count(f->world.s, CST_END), 0);
    test_listen_all(f->world.s);
}

static void read_to_the_end(struct fixture *f)
{
    assert_int_equal(cst_push_eof(f->world.s), CST_EOF);
    cst_resume(f->world.s);
    test_run(&f->world);
}

static void test_stream_duplex_end__half_open_stays_writable(void **state)
{
    struct fixture *f = *state;

    make(f, NULL);
    read_to_the_end(f);
    test_expect(&f->world, "resume end");
    assert_true(cst_is_writable(f->world.s));
}

static void test_stream_duplex_end__no_half_open_ends_the_writable_side(void **state)
{
    struct fixture *f = *state;

    make(f, &(cst_opts){ .no_half_open = true });
    read_to_the_end(f);
    test_expect(&f->world, "resume end prefinish finish close");
}

/* Node's test sets the flag by hand. Here the side is ended from the start, or by an end that
 * cannot finish yet. */
static void test_stream_duplex_end__what_has_ended_already_is_not_ended_again(void **state)
{
    struct fixture *f = *state;

    make(f, &(cst_opts){ .no_half_open = true, .no_writable = true });
    read_to_the_end(f);
    test_expect(&f->world, "resume end close");
    make(f, &(cst_opts){ .no_half_open = true });
    ((struct test_stage *)cst_stream_self(f->world.s))->answers[TEST_WRITE] = CST_PENDING;
    cst_end_with(f->world.s, cst_slice_str("x"), NULL, NULL);
    read_to_the_end(f);
    test_expect(&f->world, "write:x resume end");
    assert_false(cst_ctx_has_work(f->world.ctx));
    test_answer(&f->world, CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "prefinish finish close");
}

/* --- test-stream-duplex-props ----------------------------------------------------------------- */

static void test_stream_duplex_props__one_option_is_for_both_sides(void **state)
{
    struct fixture *f = *state;

    make(f, &(cst_opts){ .object_mode = true, .high_water_mark = 100 });
    assert_true(cst_readable_object_mode(f->world.s));
    assert_true(cst_writable_object_mode(f->world.s));
    assert_int_equal(cst_readable_high_water_mark(f->world.s), 100);
    assert_int_equal(cst_writable_high_water_mark(f->world.s), 100);
}

static void test_stream_duplex_props__each_side_has_its_own(void **state)
{
    struct fixture *f = *state;

    make(f, &(cst_opts){ .readable_high_water_mark = 10,
                         .writable_object_mode = true,
                         .writable_high_water_mark = 100 });
    assert_false(cst_readable_object_mode(f->world.s));
    assert_true(cst_writable_object_mode(f->world.s));
    assert_int_equal(cst_readable_high_water_mark(f->world.s), 10);
    assert_int_equal(cst_writable_high_water_mark(f->world.s), 100);
}

/* --- pairs ------------------------------------------------------------------------------------ */

static void say_event(cst_stream *s, const cst_event *event, void *arg)
{
    static const char *const names[] = { [CST_END] = "end", [CST_CLOSE] = "close" };
    struct end *end = arg;

    assert_ptr_equal(s, end->s);
    if (event->chunk)
        test_trace_add(end->trace, "%s:data:%.*s", end->name, (int)event->chunk->len,
                       (const char *)event->chunk->data);
    else if (event->error)
        test_trace_add(end->trace, "%s:error:%s", end->name,
                       test_status_word(event->error->status));
    else
        test_trace_add(end->trace, "%s:%s", end->name, names[event->type]);
}

static void listen(struct end *end, cst_event_type type)
{
    assert_int_equal(cst_on(end->s, type, say_event, end), CST_OK);
}

static void make_pair(struct fixture *f)
{
    assert_int_equal(cst_duplex_pair_new(&f->a.s, &f->b.s, f->world.ctx, NULL), CST_OK);
    assert_ptr_not_equal(f->a.s, f->b.s);
    for (struct end *end = &f->a; end; end = end == &f->a ? &f->b : NULL) {
        listen(end, CST_END);
        listen(end, CST_CLOSE);
        listen(end, CST_ERROR);
    }
}

static void resume_both(struct fixture *f)
{
    cst_resume(f->a.s);
    cst_resume(f->b.s);
}

/* --- test-duplex-error ------------------------------------------------------------------------ */

static void test_duplex_error__the_other_side_is_destroyed_without_the_error(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    resume_both(f);
    test_run(&f->world);
    cst_destroy(f->b.s, CST_USER(1));
    assert_false(cst_is_destroyed(f->a.s));
    assert_int_equal(cst_ctx_run(f->world.ctx, &(cst_budget){ .tasks = 1 }), CST_MORE);
    assert_true(cst_is_destroyed(f->a.s));
    assert_null(cst_errored(f->a.s));
    test_run(&f->world);
    test_expect(&f->world, "b:error:USER b:close a:close");
}

static void test_duplex_error__a_clean_destroy_is_eof_for_the_other_side(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    resume_both(f);
    cst_destroy(f->b.s, CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "b:close a:end");
    assert_false(cst_is_destroyed(f->a.s));
}

/* --- test-stream-duplexpair ------------------------------------------------------------------- */

static void test_stream_duplexpair__what_one_writes_the_other_reads(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    listen(&f->b, CST_DATA);
    cst_write(f->a.s, cst_slice_str("foo"), NULL, NULL);
    test_run(&f->world);
    test_expect(&f->world, "b:data:foo");
    cst_end_with(f->a.s, cst_slice_str("foo"), NULL, NULL);
    test_run(&f->world);
    test_expect(&f->world, "b:data:foo b:end");
}

static void read_all(cst_stream *s, const cst_event *event, void *arg)
{
    struct end *end = arg;
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        test_trace_add(end->trace, "%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static void test_stream_duplexpair__corked_writes_come_in_order(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    cst_on(f->b.s, CST_READABLE, read_all, &f->b);
    cst_cork(f->a.s);
    cst_write(f->a.s, cst_slice_str("abc"), NULL, NULL);
    cst_write(f->a.s, cst_slice_str("12"), NULL, NULL);
    cst_end_with(f->a.s, cst_slice_str("\n"), NULL, NULL);
    cst_uncork(f->a.s);
    test_run(&f->world);
    test_expect(&f->world, "abc 12 \n b:end");
}

static void test_stream_duplexpair__empty_writes_deliver_nothing_and_do_not_stall(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    cst_on(f->b.s, CST_READABLE, read_all, &f->b);
    cst_write(f->a.s, cst_slice_empty(), NULL, NULL);
    cst_write(f->a.s, cst_slice_str("12"), NULL, NULL);
    cst_write(f->a.s, cst_slice_empty(), NULL, NULL);
    cst_write(f->a.s, cst_slice_empty(), NULL, NULL);
    cst_end_with(f->a.s, cst_slice_str("\n"), NULL, NULL);
    test_run(&f->world);
    test_expect(&f->world, "12 \n b:end");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_duplex_end__half_open_stays_writable),
    CASE(test_stream_duplex_end__no_half_open_ends_the_writable_side),
    CASE(test_stream_duplex_end__what_has_ended_already_is_not_ended_again),
    CASE(test_stream_duplex_props__one_option_is_for_both_sides),
    CASE(test_stream_duplex_props__each_side_has_its_own),
    CASE(test_duplex_error__the_other_side_is_destroyed_without_the_error),
    CASE(test_duplex_error__a_clean_destroy_is_eof_for_the_other_side),
    CASE(test_stream_duplexpair__what_one_writes_the_other_reads),
    CASE(test_stream_duplexpair__corked_writes_come_in_order),
    CASE(test_stream_duplexpair__empty_writes_deliver_nothing_and_do_not_stall),
};

TEST_MAIN(tests)

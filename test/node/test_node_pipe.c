/* test_node_pipe.c - the rows about pipe of test/conformance/rows.txt: what Node's own tests check
 * of it. */
#include "world.h"

#include <string.h>

#define BIG 560000 /* bytes: far beyond the default highWaterMark */

/* A source that nothing is asked of: the test pushes. */
static cst_stream *quiet_source(struct test_world *world)
{
    return test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);
}

static void count(cst_stream *s, cst_event_type type, size_t *counter)
{
    assert_int_equal(cst_on(s, type, test_count, counter), CST_OK);
}

static void pipe_to(cst_stream *source, cst_stream *dest)
{
    assert_int_equal(cst_pipe(source, dest, NULL), CST_OK);
}

static void read_nothing(cst_stream *s, cst_status why)
{
    cst_slice chunk;

    assert_int_equal(cst_read(&chunk, s, CST_READ_ANY), why);
}

/* --- who is waited for ------------------------------------------------------------------------ */

struct recursion {
    struct test_world *world;
    cst_stream *encode;
    size_t count;
};

static void write_two_more_in_the_second(cst_stream *s, const cst_event *event, void *arg)
{
    struct recursion *recursion = arg;

    (void)s;
    test_trace_add(&recursion->world->trace, "%c", event->chunk->data[0]);
    if (++recursion->count == 2) {
        cst_write(recursion->encode, cst_slice_str("3"), NULL, NULL);
        cst_write(recursion->encode, cst_slice_str("4"), NULL, NULL);
    }
}

static void test_stream_await_drain_writers_in_synchronously_recursion_write(void **state)
{
    struct test_world *world = *state;
    const cst_opts one = { .high_water_mark = 1 };
    cst_stream *decode = test_pass(world, &one);
    struct recursion recursion = { .world = world, .encode = test_pass(world, &one) };

    pipe_to(recursion.encode, decode);
    assert_int_equal(cst_on(decode, CST_DATA, write_two_more_in_the_second, &recursion), CST_OK);
    cst_write(recursion.encode, cst_slice_str("1"), NULL, NULL);
    cst_write(recursion.encode, cst_slice_str("2"), NULL, NULL);
    test_run(world);
    test_expect(world, "1 2 3 4");
}

/* The consumer is full until the second 'pause', and takes all that was kept in it. */
struct hoard {
    cst_stream *source, *dest;
    cst_task task;
    size_t pauses;
};

static void resume_by_hand(void *arg)
{
    cst_resume(arg);
}

static void on_pause_of_the_hoarded(cst_stream *s, const cst_event *event, void *arg)
{
    struct hoard *hoard = arg;

    (void)event;
    if (++hoard->pauses == 1) {
        cst_defer(cst_stream_ctx(s), &hoard->task, resume_by_hand, s);
    } else if (hoard->pauses == 2) {
        test_stage(hoard->dest)->when = TEST_NOW;
        cst_complete(test_stage(hoard->dest)->call, CST_OK);
    }
}

static void test_stream_pipe_await_drain_manual_resume(void **state)
{
    struct test_world *world = *state;
    struct hoard hoard = { .source = quiet_source(world) };
    size_t finished = 0;

    hoard.dest = test_taker(world, &(struct test_stage){ .when = TEST_NEVER },
                            &(cst_opts){ .high_water_mark = 5 });
    count(hoard.dest, CST_FINISH, &finished);
    pipe_to(hoard.source, hoard.dest);
    cst_on(hoard.source, CST_PAUSE, on_pause_of_the_hoarded, &hoard);
    for (int i = 0; i < 3; i++)
        cst_push(hoard.source, test_zeroes(100));
    cst_push_eof(hoard.source);
    test_run(world);
    assert_int_equal(hoard.pauses, 2);
    assert_int_equal(test_stage(hoard.dest)->writes, 3);
    assert_int_equal(test_stage(hoard.dest)->bytes, 300);
    assert_int_equal(finished, 1);
}

static void test_stream_pipe_await_drain(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *quick = test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TICK }, NULL);
    cst_stream *stuck = test_taker(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);
    cst_stream *stuck_too = test_taker(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);

    pipe_to(source, quick);
    pipe_to(source, stuck);
    pipe_to(source, stuck_too);
    cst_push(source, test_zeroes(BIG));
    test_run(world);
    cst_push(source, test_zeroes(BIG));
    test_run(world);
    assert_int_equal(test_stage(quick)->writes, 1);
    assert_int_equal(test_stage(stuck)->writes, 1);
    assert_int_equal(test_stage(stuck_too)->writes, 1);
    assert_int_equal(cst_readable_length(source), BIG);
    assert_true(cst_is_paused(source));

    /* Each of the two is waited for. */
    cst_complete(test_stage(stuck_too)->call, CST_OK);
    test_run(world);
    assert_int_equal(test_stage(quick)->writes, 1);
    cst_complete(test_stage(stuck)->call, CST_OK);
    test_run(world);
    assert_int_equal(test_stage(quick)->writes, 2);
    assert_int_equal(test_stage(stuck)->writes, 2);
    assert_int_equal(test_stage(stuck_too)->writes, 2);
}

static void test_stream_pipe_deadlock(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TICK },
                                  &(cst_opts){ .high_water_mark = 1000 });
    size_t finished = 0;

    count(dest, CST_FINISH, &finished);
    cst_push(source, test_zeroes(100));
    cst_push_eof(source);
    cst_pause(source);
    test_run(world);
    assert_int_equal(cst_write(dest, test_zeroes(1000), NULL, NULL), CST_FULL);
    pipe_to(source, dest);
    assert_true(cst_is_paused(source));
    test_run(world);
    assert_int_equal(finished, 1);
    assert_int_equal(test_stage(dest)->bytes, 1100);
}

static cst_status read_asd_and_eof(cst_stream *s, void *self, size_t size)
{
    (void)self;
    (void)size;
    cst_push(s, cst_slice_str("asd"));
    cst_push_eof(s);
    return CST_OK;
}

static void test_stream_pipe_needDrain(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage), .read = read_asd_and_eof };
    struct test_world *world = *state;
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TICK },
                                  &(cst_opts){ .high_water_mark = 1 });
    cst_stream *source;

    while (cst_write(dest, cst_slice_str("asd"), NULL, NULL) == CST_OK)
        ;
    assert_true(cst_writable_need_drain(dest));
    assert_int_equal(cst_readable_new(&source, world->ctx, &ops, NULL, NULL), CST_OK);
    test_listen_as(world, source, "r");
    pipe_to(source, dest);
    test_expect(world, "r:pause");
    test_run(world);
    test_expect(world, "r:resume r:pause r:end r:close");
    assert_int_equal(test_stage(dest)->bytes, 6);
}

/* Where Node has an object that always returns false, here is a Writable that is full after each
 * byte. */
struct between_drains {
    size_t seen, most, drains;
};

static void on_drain_between(cst_stream *s, const cst_event *event, void *arg)
{
    struct between_drains *between = arg;
    size_t bytes = test_stage(s)->bytes;

    (void)event;
    if (bytes - between->seen > between->most)
        between->most = bytes - between->seen;
    between->seen = bytes;
    between->drains++;
}

static void test_stream2_readable_legacy_drain(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = test_feed(world, &(struct test_stage){ .count = 255, .len = 1 }, NULL);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TICK },
                                  &(cst_opts){ .high_water_mark = 1 });
    struct between_drains between = { 0 };
    size_t ends = 0, prefinishes = 0;

    count(source, CST_END, &ends);
    count(dest, CST_PREFINISH, &prefinishes);
    cst_on(dest, CST_DRAIN, on_drain_between, &between);
    pipe_to(source, dest);
    test_run(world);
    assert_int_equal(ends, 1);
    assert_int_equal(prefinishes, 1);
    assert_int_equal(test_stage(dest)->bytes, 255);
    assert_int_equal(between.most, 1); /* Node's test allows 3 */
    assert_int_equal(between.drains, 254);
}

/* The first destination fails in its slot; the second gets everything. */
static cst_status fail_every_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_USER(1);
}

static void nodejs_node_64310(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .write = fail_every_write };
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *good = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);
    cst_stream *bad;

    assert_int_equal(cst_writable_new(&bad, world->ctx, &ops, NULL, NULL), CST_OK);
    test_listen_as(world, source, "r");
    test_listen_as(world, bad, "bad");
    test_listen_as(world, good, "good");
    pipe_to(source, bad);
    pipe_to(source, good);
    cst_push(source, cst_slice_str("x"));
    test_run(world);
    test_expect(world, "bad:pipe good:pipe r:resume r:pause bad:unpipe bad:error:USER "
                       "bad:close r:resume");
    assert_int_equal(test_stage(good)->first, 'x');
    cst_push(source, cst_slice_str("y"));
    cst_push_eof(source);
    test_run(world);
    test_expect(world, "r:end good:finish good:unpipe r:close good:close");
    assert_int_equal(test_stage(good)->writes, 2);
    assert_int_equal(test_stage(good)->first, 'y');
}

/* --- flow ------------------------------------------------------------------------------------- */

/* A transform that hands its chunk on by the next task. */
struct late {
    cst_call call;
    cst_slice chunk;
    cst_task task;
};

static void late_answer(void *arg)
{
    struct late *late = arg;

    cst_complete_with(late->call, cst_slice_ref(&late->chunk));
}

static cst_status late_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct late *late = self;

    late->call = cst_this_call(s);
    late->chunk = *chunk;
    cst_defer(cst_stream_ctx(s), &late->task, late_answer, late);
    return CST_PENDING;
}

static cst_status look_for_an_a(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    if (chunk->len && memchr(chunk->data, 'a', chunk->len))
        *(bool *)self = true;
    return CST_OK;
}

static void test_stream_big_packet(void **state)
{
    static const cst_ops late_ops = { .self_size = sizeof(struct late),
                                      .transform = late_transform };
    static const cst_ops look_ops = { .self_size = sizeof(bool), .transform = look_for_an_a };
    struct test_world *world = *state;
    cst_stream *first, *look, *pass = test_pass(world, NULL);

    assert_int_equal(cst_transform_new(&first, world->ctx, &late_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_transform_new(&look, world->ctx, &look_ops, NULL, NULL), CST_OK);
    pipe_to(first, look);
    assert_int_equal(cst_pipe(pass, look, &(cst_pipe_opts){ .no_end = true }), CST_OK);
    assert_int_equal(cst_write(first, test_zeroes(65537), NULL, NULL), CST_FULL);
    assert_int_equal(cst_write(pass, cst_slice_str("tiny"), NULL, NULL), CST_OK);
    test_run(world);
    assert_false(*(bool *)cst_stream_self(look));
    cst_write(first, cst_slice_str("later"), NULL, NULL);
    test_run(world);
    assert_true(*(bool *)cst_stream_self(look));
}

static cst_status end_at_once(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    (void)chunk;
    cst_push_eof(s);
    return CST_OK;
}

static void check_the_source_waits(cst_stream *s, const cst_event *event, void *arg)
{
    cst_stream *source = arg;

    (void)s;
    (void)event;
    assert_int_equal(test_stage(source)->reads, 2);
    assert_true(cst_is_paused(source));
}

static void test_stream_duplex_readable_end(void **state)
{
    static const cst_ops ops = { .transform = end_at_once };
    struct test_world *world = *state;
    cst_stream *source =
        test_feed(world, &(struct test_stage){ .count = 5, .len = 80000, .open = true }, NULL);
    cst_stream *dest;
    size_t datas = 0, ends = 0;

    assert_int_equal(cst_transform_new(&dest, world->ctx, &ops, NULL, NULL), CST_OK);
    pipe_to(source, dest);
    count(dest, CST_DATA, &datas);
    cst_on(dest, CST_END, check_the_source_waits, source);
    count(dest, CST_END, &ends);
    test_run(world);
    assert_int_equal(ends, 1);
    assert_int_equal(datas, 0);
    assert_int_equal(test_stage(source)->reads, 6); /* afterwards the source goes on */
}

static void check_once_readable(struct test_world *world, bool pipe_first)
{
    cst_stream *source = quiet_source(world);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);
    size_t readables = 0, finished = 0;

    count(dest, CST_FINISH, &finished);
    if (pipe_first)
        pipe_to(source, dest);
    else
        cst_once(source, CST_READABLE, test_count, &readables);
    if (!pipe_first)
        pipe_to(source, dest);
    for (int i = 0; i < 3; i++)
        cst_push(source, cst_slice_str("a"));
    cst_push_eof(source);
    if (pipe_first)
        cst_once(source, CST_READABLE, test_count, &readables);
    test_run(world);
    assert_int_equal(readables, 1);
    assert_int_equal(test_stage(dest)->writes, 3);
    assert_int_equal(finished, 1);
}

static void test_stream_once_readable_pipe(void **state)
{
    check_once_readable(*state, false);
    check_once_readable(*state, true);
}

static void test_stream_pipe_after_end(void **state)
{
    struct test_world *world = *state;
    cst_stream *read = test_feed(world, &(struct test_stage){ .count = 0 }, NULL);
    cst_stream *unread = test_feed(world, &(struct test_stage){ .count = 0 }, NULL);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);
    size_t ends = 0, late_ends = 0, finished = 0;

    count(read, CST_END, &ends);
    read_nothing(read, CST_EOF);
    test_run(world);
    assert_int_equal(ends, 1);

    pipe_to(read, dest);
    count(dest, CST_FINISH, &finished);
    count(unread, CST_END, &late_ends);
    read_nothing(unread, CST_EOF);
    test_run(world);
    assert_int_equal(finished, 1);
    assert_int_equal(late_ends, 1);
    assert_int_equal(test_stage(read)->reads, 1);
    assert_int_equal(test_stage(unread)->reads, 1);
}

/* Inside the first write the source goes over to another destination. */
struct crossing {
    cst_stream *source, *from, *to;
};

static void cross_over(cst_stream *s, const char *word, void *arg)
{
    struct crossing *crossing = arg;

    (void)word;
    assert_int_equal(cst_unpipe(crossing->source, s), CST_OK);
    pipe_to(crossing->source, crossing->to);
    cst_push(crossing->source, test_zeroes(BIG));
}

static void test_stream_pipe_cleanup_pause(void **state)
{
    struct test_world *world = *state;
    struct crossing crossing = { .source = quiet_source(world) };

    crossing.from =
        test_taker(world, &(struct test_stage){ .act = cross_over, .act_arg = &crossing }, NULL);
    crossing.to = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);
    pipe_to(crossing.source, crossing.from);
    cst_push(crossing.source, test_zeroes(BIG));
    test_run(world);
    cst_push(crossing.source, test_zeroes(BIG));
    test_run(world);
    cst_push(crossing.source, test_zeroes(BIG));
    test_run(world);
    assert_int_equal(test_stage(crossing.from)->writes, 1);
    assert_int_equal(test_stage(crossing.to)->writes, 3);
}

static void pause_at_twenty(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    if (++*(size_t *)arg == 20)
        cst_pause(s);
}

static void test_stream_pipe_flow_after_unpipe(void **state)
{
    struct test_world *world = *state;
    const cst_opts one = { .high_water_mark = 1 };
    cst_stream *source =
        test_feed(world, &(struct test_stage){ .count = SIZE_MAX, .len = 3 }, &one);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEVER }, &one);
    size_t datas = 0;

    cst_on(source, CST_DATA, pause_at_twenty, &datas);
    pipe_to(source, dest);
    test_run(world);
    assert_int_equal(datas, 1);
    assert_int_equal(cst_unpipe(source, dest), CST_OK);
    test_run(world);
    assert_int_equal(datas, 20);
    assert_int_equal(test_stage(source)->reads, 21);
    assert_int_equal(test_stage(dest)->writes, 1);
}

/* Pushes an item by a task, but the last one at once and with EOF. */
struct items {
    size_t left;
    cst_stream *stream;
    cst_task task;
};

static void push_item(void *arg)
{
    struct items *items = arg;

    cst_push(items->stream, cst_slice_str("item"));
}

static cst_status read_item(cst_stream *s, void *self, size_t size)
{
    struct items *items = self;

    (void)size;
    items->stream = s;
    if (items->left-- > 1) {
        cst_defer(cst_stream_ctx(s), &items->task, push_item, items);
        return CST_OK;
    }
    cst_push(s, cst_slice_str("last"));
    cst_push_eof(s);
    return CST_OK;
}

static void test_stream_pipe_flow__a_mark_of_zero(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct items), .read = read_item };
    struct test_world *world = *state;
    cst_stream *dest =
        test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TURN },
                   &(cst_opts){ .object_mode = true, .high_water_mark = CST_HWM_ZERO });
    cst_stream *source;
    size_t ends = 0, finished = 0;

    assert_int_equal(cst_readable_new(&source, world->ctx, &ops, &(struct items){ .left = 18 },
                                      &(cst_opts){ .object_mode = true }),
                     CST_OK);
    count(source, CST_END, &ends);
    count(dest, CST_FINISH, &finished);
    pipe_to(source, dest);
    test_settle(world);
    assert_int_equal(test_stage(dest)->writes, 18);
    assert_int_equal(test_stage(dest)->first, 'l');
    assert_int_equal(ends, 1);
    assert_int_equal(finished, 1);
}

/* Reads in the next task, or else at the next 'readable'. */
struct consumer {
    cst_stream *stream;
    cst_task task;
    size_t items;
};

static void consume(void *arg);

static void consume_later(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    consume(arg);
}

static void consume(void *arg)
{
    struct consumer *consumer = arg;
    cst_slice item;

    if (cst_read(&item, consumer->stream, CST_READ_ANY) != CST_OK) {
        cst_once(consumer->stream, CST_READABLE, consume_later, consumer);
        return;
    }
    cst_slice_unref(&item);
    consumer->items++;
    cst_defer(cst_stream_ctx(consumer->stream), &consumer->task, consume, consumer);
}

static void test_stream_pipe_flow__through_two_stages_to_a_reader(void **state)
{
    struct test_world *world = *state;
    const cst_opts two = { .object_mode = true, .high_water_mark = 2 };
    cst_stream *source = test_feed(world, &(struct test_stage){ .count = 8, .len = 1 },
                                   &(cst_opts){ .object_mode = true });
    cst_stream *middle = test_pass(world, &two);
    struct consumer consumer = { .stream = test_pass(world, &two) };
    size_t ends = 0;

    count(consumer.stream, CST_END, &ends);
    pipe_to(source, middle);
    pipe_to(middle, consumer.stream);
    cst_defer(world->ctx, &consumer.task, consume, &consumer);
    test_run(world);
    assert_int_equal(consumer.items, 8);
    assert_int_equal(ends, 1);
}

static void check_no_drain_listener(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    ++*(size_t *)arg;
    assert_int_equal(cst_listener_count(s, CST_DRAIN), 0);
}

static void test_stream_pipe_flow__drain_is_listened_to_from_the_first_refusal(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TICK }, NULL);
    size_t finished = 0;

    pipe_to(source, dest);
    assert_int_equal(cst_listener_count(dest, CST_DRAIN), 0);
    cst_push(source, cst_slice_str("a"));
    cst_push(source, cst_slice_str("b"));
    assert_int_equal(cst_listener_count(dest, CST_DRAIN), 0);
    cst_push_eof(source);
    assert_int_equal(cst_listener_count(dest, CST_DRAIN), 0);
    cst_on(dest, CST_FINISH, check_no_drain_listener, &finished);
    test_run(world);
    assert_int_equal(finished, 1);

    source = quiet_source(world);
    dest = test_taker(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);
    pipe_to(source, dest);
    cst_push(source, test_zeroes(BIG));
    test_run(world);
    assert_int_equal(cst_listener_count(dest, CST_DRAIN), 1);
}

enum by_hand { READ, RESUME, NOTHING };

static void check_manual_resume(struct test_world *world, enum by_hand what)
{
    const cst_opts objects = { .object_mode = true };
    cst_stream *source =
        test_feed(world, &(struct test_stage){ .count = 1000, .len = 1 }, &objects);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TURN }, &objects);
    size_t finished = 0;
    cst_slice item;

    count(dest, CST_FINISH, &finished);
    pipe_to(source, dest);
    test_run(world);
    switch (what) {
    case READ:
        assert_int_equal(cst_read(&item, source, CST_READ_ANY), CST_OK);
        cst_slice_unref(&item);
        break;
    case RESUME:
        assert_int_equal(cst_resume(source), CST_OK);
        break;
    case NOTHING:
        break;
    }
    test_settle(world);
    assert_int_equal(test_stage(dest)->writes, 1000);
    assert_int_equal(finished, 1);
}

static void test_stream_pipe_manual_resume(void **state)
{
    check_manual_resume(*state, READ);
    check_manual_resume(*state, RESUME);
    check_manual_resume(*state, NOTHING);
}

static void test_stream_pipe_multiple_pipes(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *dests[5];
    size_t pipes[5] = { 0 }, unpipes[5] = { 0 }, ends = 0;

    for (size_t i = 0; i < 5; i++) {
        dests[i] = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);
        count(dests[i], CST_PIPE, &pipes[i]);
        count(dests[i], CST_UNPIPE, &unpipes[i]);
        pipe_to(source, dests[i]);
        assert_int_equal(pipes[i], 1);
    }
    cst_push(source, cst_slice_str("hello"));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(test_stage(dests[i])->writes, 0);
    test_run(world);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(test_stage(dests[i])->writes, 1);
        assert_int_equal(test_stage(dests[i])->bytes, 5);
        assert_int_equal(cst_unpipe(source, dests[i]), CST_OK);
    }
    count(source, CST_END, &ends);
    cst_push(source, cst_slice_str("hello"));
    cst_push_eof(source);
    cst_resume(source);
    test_run(world);
    assert_int_equal(ends, 1);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(test_stage(dests[i])->writes, 1);
        assert_int_equal(pipes[i], 1);
        assert_int_equal(unpipes[i], 1);
    }
}

/* --- errors ----------------------------------------------------------------------------------- */

static const cst_opts stays = { .no_auto_destroy = true };

/* A stream that has an 'error' to emit and stays as it is: a write of it fails later. */
static cst_stream *failing_later(struct test_world *world)
{
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEVER }, &stays);

    assert_int_equal(cst_write(dest, cst_slice_str("a"), NULL, NULL), CST_OK);
    return dest;
}

static void fail_now(cst_stream *dest)
{
    assert_int_equal(cst_complete(test_stage(dest)->call, CST_USER(1)), CST_OK);
}

static void test_stream_pipe_error_handling__a_pipe_does_not_swallow_an_error(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, &stays);
    cst_stream *dest = failing_later(world);
    size_t errors = 0;

    count(dest, CST_ERROR, &errors);
    pipe_to(source, dest);
    assert_int_equal(cst_off(dest, CST_ERROR, test_count, &errors), CST_OK);
    test_run(world);
    fail_now(dest);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_run(world);
    assert_int_equal(errors, 0);
    assert_int_equal(cst_errored(dest)->status, CST_USER(1));
}

static void test_stream_pipe_error_handling__the_listener_that_is_left_gets_it(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = test_feed(world, &(struct test_stage){ .when = TEST_NEVER }, &stays);
    cst_stream *dest = failing_later(world);
    size_t errors = 0, others = 0;

    count(dest, CST_ERROR, &errors);
    pipe_to(source, dest);
    assert_int_equal(cst_off(dest, CST_ERROR, test_count, &others), CST_EMPTY);
    test_run(world);
    fail_now(dest);
    test_run(world);
    assert_int_equal(errors, 1);
}

static void test_stream_pipe_error_handling__a_destination_that_is_destroyed(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *dest = test_pass(world, NULL);
    size_t errors = 0;

    assert_int_equal(cst_once(dest, CST_ERROR, test_count, &errors), CST_OK);
    pipe_to(source, dest);
    assert_int_equal(cst_destroy(dest, CST_USER(1)), CST_OK);
    test_run(world);
    assert_int_equal(errors, 1);
    assert_int_equal(cst_errored(dest)->status, CST_USER(1));
}

static void test_stream_pipe_error_unhandled(void **state)
{
    struct test_world *world = *state;
    cst_stream *source =
        test_feed(world, &(struct test_stage){ .count = SIZE_MAX, .len = 3 }, NULL);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);

    pipe_to(source, dest);
    assert_int_equal(cst_destroy(dest, CST_USER(1)), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_run(world);
    assert_int_equal(cst_errored(dest)->status, CST_USER(1));
}

static void test_stream2_finish_pipe_error(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = test_feed(world, &(struct test_stage){ .count = SIZE_MAX }, NULL);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);

    pipe_to(source, dest);
    assert_int_equal(cst_end(dest, NULL, NULL), CST_OK);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
    test_run(world);
    assert_int_equal(cst_errored(dest)->status, CST_E_WRITE_AFTER_END);
    assert_int_equal(test_stage(dest)->writes, 0);
}

static void end_stream(void *arg)
{
    assert_int_equal(cst_end(arg, NULL, NULL), CST_OK);
}

static void test_stream2_finish_pipe(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = test_feed(world, &(struct test_stage){ .count = SIZE_MAX }, NULL);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TICK }, NULL);
    cst_task task = { .fn = NULL };
    size_t finished = 0;

    count(dest, CST_FINISH, &finished);
    pipe_to(source, dest);
    cst_defer(world->ctx, &task, end_stream, dest);
    test_run(world);
    assert_int_equal(finished, 1);
    assert_null(cst_errored(dest));
    assert_null(cst_errored(source));
    assert_true(cst_is_paused(source));
    assert_int_equal(cst_listener_count(source, CST_DATA), 0);
}

static void test_stream2_pipe_error_handling__with_a_listener(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *dest = failing_later(world);

    pipe_to(source, dest);
    test_listen_as(world, source, "r");
    test_listen_as(world, dest, "w");
    test_run(world);
    test_trace_clear(&world->trace);
    fail_now(dest);
    test_expect(world, "r:pause w:unpipe w:error:USER");
    test_run(world);
    test_expect(world, "");
}

static void check_peer(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    assert_ptr_equal(event->peer, *(cst_stream **)arg);
    *(cst_stream **)arg = NULL;
}

static void test_stream2_pipe_error_handling__without_one(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *dest = failing_later(world);
    cst_stream *peer = source;

    pipe_to(source, dest);
    cst_on(dest, CST_UNPIPE, check_peer, &peer);
    test_run(world);
    fail_now(dest);
    assert_null(peer);
    assert_int_equal(cst_unpipe(source, dest), CST_EMPTY);
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_E_UNHANDLED);
}

/* The write that fails as a call is one whose bytes do not fit beside those that are queued. */
static void test_stream_pipe_objectmode_to_non_objectmode(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = test_feed(world, &(struct test_stage){ .when = TEST_NEVER },
                                   &(cst_opts){ .object_mode = true });
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);

    test_listen_as(world, source, "r");
    test_listen_as(world, dest, "w");
    pipe_to(source, dest);
    test_run(world);
    test_expect(world, "w:pipe r:resume");
    assert_int_equal(cst_push(source, cst_slice_str("a")), CST_OK);
    assert_int_equal(cst_push(source, cst_slice_static("", SIZE_MAX)), CST_OK);
    assert_true(cst_is_destroyed(dest));
    test_run(world);
    test_expect(world, "r:pause w:unpipe w:error:OUT_OF_RANGE w:close");
    assert_int_equal(test_stage(dest)->writes, 1);
    assert_null(cst_errored(source));
}

/* --- unpipe ----------------------------------------------------------------------------------- */

static void take_first(cst_stream *s, const char *word, void *arg)
{
    (void)word;
    test_trace_add(&test_stage(s)->world->trace, "%s", (const char *)arg);
}

static void test_stream_pipe_unpipe_streams__one_by_one(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *first =
        test_taker(world, &(struct test_stage){ .act = take_first, .act_arg = "first" }, NULL);
    cst_stream *second =
        test_taker(world, &(struct test_stage){ .act = take_first, .act_arg = "second" }, NULL);
    size_t first_unpipes = 0, second_unpipes = 0;

    count(first, CST_UNPIPE, &first_unpipes);
    count(second, CST_UNPIPE, &second_unpipes);
    pipe_to(source, first);
    pipe_to(source, second);
    cst_push(source, cst_slice_str("a"));
    test_run(world);
    test_expect(world, "first second");
    assert_int_equal(cst_unpipe(source, second), CST_OK);
    cst_push(source, cst_slice_str("b"));
    test_expect(world, "first");
    assert_int_equal(cst_unpipe(source, second), CST_EMPTY);
    assert_int_equal(cst_unpipe(source, first), CST_OK);
    assert_int_equal(cst_unpipe(source, NULL), CST_EMPTY);
    assert_int_equal(first_unpipes, 1);
    assert_int_equal(second_unpipes, 1);
}

static void check_no_listener_is_left(cst_stream *dest, const cst_event *event, void *arg)
{
    (void)event;
    ++*(size_t *)arg;
    assert_int_equal(cst_listener_count(dest, CST_UNPIPE), 1); /* this one */
    assert_int_equal(cst_listener_count(dest, CST_CLOSE), 0);
    assert_int_equal(cst_listener_count(dest, CST_FINISH), 0);
    assert_int_equal(cst_listener_count(dest, CST_DRAIN), 0);
    assert_int_equal(cst_listener_count(dest, CST_ERROR), 0);
}

static void test_stream_pipe_unpipe_streams__all_at_once(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *dests[2];
    size_t unpipes[2] = { 0, 0 };

    for (size_t i = 0; i < 2; i++) {
        dests[i] = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);
        pipe_to(source, dests[i]);
        cst_on(dests[i], CST_UNPIPE, check_no_listener_is_left, &unpipes[i]);
    }
    assert_int_equal(cst_unpipe(source, NULL), CST_OK);
    assert_int_equal(unpipes[0], 1);
    assert_int_equal(unpipes[1], 1);
    assert_int_equal(cst_listener_count(source, CST_END), 0);
    assert_int_equal(cst_listener_count(source, CST_DATA), 0);
    assert_int_equal(cst_readable_flowing(source), CST_FLOWING_OFF);
    assert_int_equal(cst_unpipe(source, NULL), CST_EMPTY);
}

static void unpipe_all(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    (void)arg;
    assert_int_equal(cst_unpipe(s, NULL), CST_OK);
}

static void test_stream_pipe_unpipe_streams__inside_resume(void **state)
{
    struct test_world *world = *state;
    cst_stream *source = quiet_source(world);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NOW }, NULL);
    size_t pauses = 0;

    pipe_to(source, dest);
    cst_once(source, CST_RESUME, unpipe_all, NULL);
    count(source, CST_PAUSE, &pauses);
    test_run(world);
    assert_int_equal(pauses, 1);
}

/* The transform sends its source away and never answers. */
struct sends_away {
    cst_stream *source;
    size_t calls;
};

static cst_status send_away(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct sends_away *away = self;

    (void)s;
    (void)chunk;
    away->calls++;
    assert_int_equal(cst_unpipe(away->source, NULL), CST_OK);
    assert_int_equal(cst_resume(away->source), CST_OK);
    return CST_PENDING;
}

static void test_stream_readable_unpipe_resume(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct sends_away), .transform = send_away };
    struct test_world *world = *state;
    cst_stream *source = test_feed(world, &(struct test_stage){ .count = 20 }, NULL);
    cst_stream *dest;
    size_t ends = 0;

    assert_int_equal(
        cst_transform_new(&dest, world->ctx, &ops, &(struct sends_away){ .source = source }, NULL),
        CST_OK);
    count(source, CST_END, &ends);
    pipe_to(source, dest);
    test_run(world);
    assert_int_equal(ends, 1);
    assert_int_equal(((struct sends_away *)cst_stream_self(dest))->calls, 1);
    assert_int_equal(test_stage(source)->reads, 21);
}

/* Two sources in turn pipe into a destination that never answers; the first is unpiped at last. */
struct relay {
    cst_stream *sources[2], *dest;
    cst_task tasks[2];
};

static void relay_unpipe(void *arg)
{
    struct relay *relay = arg;

    assert_int_equal(cst_unpipe(relay->sources[0], relay->dest), CST_OK);
}

static void relay_second_readable(cst_stream *s, const cst_event *event, void *arg)
{
    struct relay *relay = arg;

    (void)event;
    cst_defer(cst_stream_ctx(s), &relay->tasks[1], relay_unpipe, relay);
}

static void relay_second(void *arg)
{
    struct relay *relay = arg;

    pipe_to(relay->sources[1], relay->dest);
    cst_once(relay->sources[1], CST_READABLE, relay_second_readable, relay);
}

static void relay_first_readable(cst_stream *s, const cst_event *event, void *arg)
{
    struct relay *relay = arg;

    (void)event;
    cst_defer(cst_stream_ctx(s), &relay->tasks[0], relay_second, relay);
}

static void test_stream2_unpipe_drain(void **state)
{
    struct test_world *world = *state;
    struct relay relay = { .dest = test_taker(world, &(struct test_stage){ .when = TEST_NEVER },
                                              NULL) };

    for (size_t i = 0; i < 2; i++)
        relay.sources[i] = test_feed(world, &(struct test_stage){ .count = SIZE_MAX }, NULL);
    pipe_to(relay.sources[0], relay.dest);
    cst_once(relay.sources[0], CST_READABLE, relay_first_readable, &relay);
    test_run(world);
    assert_int_equal(cst_unpipe(relay.sources[0], relay.dest), CST_EMPTY);
    assert_int_equal(test_stage(relay.sources[0])->reads, 2);
    assert_int_equal(test_stage(relay.sources[1])->reads, 2);
}

static void test_stream2_unpipe_leak(void **state)
{
    struct test_world *world = *state;
    cst_stream *source =
        test_feed(world, &(struct test_stage){ .count = SIZE_MAX, .len = 5 }, NULL);
    cst_stream *dest = test_taker(world, &(struct test_stage){ .when = TEST_NEVER }, NULL);

    for (int i = 0; i < 10; i++) {
        pipe_to(source, dest);
        assert_int_equal(cst_unpipe(source, dest), CST_OK);
    }
    assert_int_equal(cst_listener_count(source, CST_END), 0);
    assert_int_equal(cst_listener_count(source, CST_READABLE), 0);
    assert_int_equal(cst_listener_count(dest, CST_UNPIPE), 0);
    assert_int_equal(cst_listener_count(dest, CST_DRAIN), 0);
    assert_int_equal(cst_listener_count(dest, CST_ERROR), 0);
    assert_int_equal(cst_listener_count(dest, CST_CLOSE), 0);
    assert_int_equal(cst_listener_count(dest, CST_FINISH), 0);
    test_run(world);
    assert_int_equal(cst_readable_length(source), 65540); /* the mark, and a part of a chunk */
    assert_int_equal(test_stage(dest)->writes, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_await_drain_writers_in_synchronously_recursion_write),
    CASE(test_stream_pipe_await_drain_manual_resume),
    CASE(test_stream_pipe_await_drain),
    CASE(test_stream_pipe_deadlock),
    CASE(test_stream_pipe_needDrain),
    CASE(test_stream2_readable_legacy_drain),
    CASE(nodejs_node_64310),
    CASE(test_stream_big_packet),
    CASE(test_stream_duplex_readable_end),
    CASE(test_stream_once_readable_pipe),
    CASE(test_stream_pipe_after_end),
    CASE(test_stream_pipe_cleanup_pause),
    CASE(test_stream_pipe_flow_after_unpipe),
    CASE(test_stream_pipe_flow__a_mark_of_zero),
    CASE(test_stream_pipe_flow__through_two_stages_to_a_reader),
    CASE(test_stream_pipe_flow__drain_is_listened_to_from_the_first_refusal),
    CASE(test_stream_pipe_manual_resume),
    CASE(test_stream_pipe_multiple_pipes),
    CASE(test_stream_pipe_error_handling__a_pipe_does_not_swallow_an_error),
    CASE(test_stream_pipe_error_handling__the_listener_that_is_left_gets_it),
    CASE(test_stream_pipe_error_handling__a_destination_that_is_destroyed),
    CASE(test_stream_pipe_error_unhandled),
    CASE(test_stream2_finish_pipe_error),
    CASE(test_stream2_finish_pipe),
    CASE(test_stream2_pipe_error_handling__with_a_listener),
    CASE(test_stream2_pipe_error_handling__without_one),
    CASE(test_stream_pipe_objectmode_to_non_objectmode),
    CASE(test_stream_pipe_unpipe_streams__one_by_one),
    CASE(test_stream_pipe_unpipe_streams__all_at_once),
    CASE(test_stream_pipe_unpipe_streams__inside_resume),
    CASE(test_stream_readable_unpipe_resume),
    CASE(test_stream2_unpipe_drain),
    CASE(test_stream2_unpipe_leak),
};

TEST_MAIN(tests)

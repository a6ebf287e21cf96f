/* test_node_transform.c - what Node's own tests of transforms ask for; each case bears the name of
 * the test. */
#include "world.h"

#include <string.h>

static void put(struct test_world *world, const char *text)
{
    assert_true(cst_write(world->s, cst_slice_str(text), NULL, NULL) >= 0);
}

/* Read from world->s; text NULL: there is not so much. */
static void expect_read(struct test_world *world, size_t size, const char *text)
{
    cst_slice chunk;
    cst_status st = cst_read(&chunk, world->s, size);

    if (!text) {
        assert_true(st == CST_EMPTY || st == CST_EOF);
        return;
    }
    assert_int_equal(st, CST_OK);
    assert_int_equal(chunk.len, strlen(text));
    assert_memory_equal(chunk.data, text, chunk.len);
    cst_slice_unref(&chunk);
}

/* --- a filter that is told by a script what to do --------------------------------------------- */

enum how { ECHO, REPLACE, TWICE, COMPRESS, SAVE_SECOND };

/* Of each chunk that comes: what it does, and whether it is answered in the slot or by the test
 * (CST_PENDING). */
struct filter {
    struct test_trace *trace;
    enum how how;
    cst_status answer;
    cst_call call;
    cst_slice chunk; /* the one that is not answered */
    bool waits;
    unsigned chunks;
    char kept[4];
    size_t kept_len;
};

static void push_kept(cst_stream *s, struct filter *filter)
{
    cst_push_copy(s, filter->kept, filter->kept_len);
    filter->kept_len = 0;
}

static void save(struct filter *filter, const void *bytes, size_t len)
{
    memcpy(filter->kept + filter->kept_len, bytes, len);
    filter->kept_len += len;
}

static void turn_into(cst_stream *s, struct filter *filter, const cst_slice *chunk)
{
    static const char xs[] = "xxxxxxxx";

    switch (filter->how) {
    case TWICE:
        cst_push(s, cst_slice_ref(chunk));
        cst_push(s, cst_slice_ref(chunk));
        break;
    case ECHO:
        cst_push(s, cst_slice_ref(chunk));
        break;
    case REPLACE:
        cst_push(s, cst_slice_static(xs, chunk->len));
        break;
    case COMPRESS:
        save(filter, chunk->data, 1);
        if (filter->kept_len == 3)
            push_kept(s, filter);
        break;
    case SAVE_SECOND:
        if (filter->chunks == 2) {
            save(filter, chunk->data, chunk->len);
            break;
        }
        if (filter->kept_len)
            push_kept(s, filter);
        cst_push(s, cst_slice_ref(chunk));
        break;
    }
}

static cst_status filter_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct filter *filter = self;

    filter->chunks++;
    test_trace_add(filter->trace, "%zu", chunk->len);
    if (filter->answer == CST_OK) {
        turn_into(s, filter, chunk);
        return CST_OK;
    }
    filter->call = cst_this_call(s);
    filter->chunk = *chunk;
    filter->waits = true;
    return CST_PENDING;
}

static cst_status filter_flush(cst_stream *s, void *self)
{
    struct filter *filter = self;

    if (filter->kept_len)
        push_kept(s, filter);
    return CST_OK;
}

static const cst_ops filter_ops = { .self_size = sizeof(struct filter),
                                    .transform = filter_transform,
                                    .flush = filter_flush };

static struct filter *make_filter(struct test_world *world, enum how how, cst_status answer,
                                  size_t mark)
{
    const struct filter filter = { .trace = &world->trace, .how = how, .answer = answer };
    const cst_opts opts = { .high_water_mark = mark };

    assert_int_equal(cst_transform_new(&world->s, world->ctx, &filter_ops, &filter, &opts), CST_OK);
    return cst_stream_self(world->s);
}

/* Answer what waits, a turn each, until nothing does. */
static void answer_in_turns(struct test_world *world)
{
    struct filter *filter = cst_stream_self(world->s);

    while (filter->waits) {
        filter->waits = false;
        turn_into(world->s, filter, &filter->chunk);
        cst_complete(filter->call, CST_OK);
        test_run(world);
    }
}

/* --- test-stream-passthrough-drain ------------------------------------------------------------ */

static void say(cst_stream *s, const cst_event *event, void *arg)
{
    static const char *const words[] = { [CST_END] = "end",
                                         [CST_FINISH] = "finish",
                                         [CST_DRAIN] = "drain",
                                         [CST_READABLE] = "readable" };

    (void)s;
    if (event->chunk)
        test_trace_add(arg, "data:%.*s", (int)event->chunk->len, (const char *)event->chunk->data);
    else
        test_trace_add(arg, "%s", words[event->type]);
}

static void listen(struct test_world *world, cst_event_type type)
{
    assert_int_equal(cst_on(world->s, type, say, &world->trace), CST_OK);
}

static void test_stream_passthrough_drain(void **state)
{
    const cst_opts zero = { .high_water_mark = CST_HWM_ZERO };
    struct test_world *world = *state;

    assert_int_equal(cst_passthrough_new(&world->s, world->ctx, &zero), CST_OK);
    listen(world, CST_DRAIN);
    assert_int_equal(cst_write(world->s, cst_slice_str("hello1"), NULL, NULL), CST_FULL);
    expect_read(world, CST_READ_ANY, "hello1");
    expect_read(world, CST_READ_ANY, NULL);
    test_run(world);
    test_expect(world, "drain");
}

/* --- test-stream-transform-constructor-set-methods -------------------------------------------- */

/* In Node the first chunk fails with ERR_METHOD_NOT_IMPLEMENTED; here the table is refused. */
static void
test_stream_transform_constructor_set_methods__without_transform_it_is_refused(void **state)
{
    static const cst_ops no_transform = { .flush = test_stage_flush };
    struct test_world *world = *state;

    assert_int_equal(cst_transform_new(&world->s, world->ctx, &no_transform, NULL, NULL),
                     CST_E_INVALID_ARG);
}

static void test_stream_transform_constructor_set_methods__each_slot_is_called_once(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct test_stage),
                                 .transform = test_stage_transform,
                                 .flush = test_stage_flush,
                                 .final = test_stage_final };
    struct test_world *world = *state;
    const struct test_stage hand = { .world = world };

    assert_int_equal(cst_transform_new(&world->s, world->ctx, &ops, &hand, NULL), CST_OK);
    cst_end_with(world->s, cst_slice_str("blerg"), NULL, NULL);
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "transform:blerg final flush");
}

/* --- test-stream-transform-final-sync, test-stream-transform-final ---------------------------- */

/* Pushes in the slot and is done in the next tick; likewise its flush. */
struct ticker {
    struct test_trace *trace;
    bool final_is_late;
    cst_call call, final_call;
    cst_task task;
};

static void complete_transform(void *arg)
{
    cst_complete(((struct ticker *)arg)->call, CST_OK);
}

static cst_status ticker_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct ticker *ticker = self;

    test_trace_add(ticker->trace, "transform");
    cst_push(s, cst_slice_ref(chunk));
    test_trace_add(ticker->trace, "pushed");
    ticker->call = cst_this_call(s);
    cst_defer(cst_stream_ctx(s), &ticker->task, complete_transform, ticker);
    return CST_PENDING;
}

static cst_status ticker_final(cst_stream *s, void *self)
{
    struct ticker *ticker = self;

    test_trace_add(ticker->trace, "final");
    ticker->final_call = cst_this_call(s);
    if (!ticker->final_is_late) {
        test_trace_add(ticker->trace, "final-done");
        cst_complete(ticker->final_call, CST_OK);
    }
    return CST_PENDING;
}

static void complete_flush(void *arg)
{
    struct ticker *ticker = arg;

    test_trace_add(ticker->trace, "flush-done");
    cst_complete(ticker->call, CST_OK);
}

static cst_status ticker_flush(cst_stream *s, void *self)
{
    struct ticker *ticker = self;

    test_trace_add(ticker->trace, "flush");
    ticker->call = cst_this_call(s);
    cst_defer(cst_stream_ctx(s), &ticker->task, complete_flush, ticker);
    return CST_PENDING;
}

static const cst_ops ticker_ops = { .self_size = sizeof(struct ticker),
                                    .transform = ticker_transform,
                                    .flush = ticker_flush,
                                    .final = ticker_final };

static void say_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    assert_int_equal(status, CST_OK);
    test_trace_add(arg, "done");
}

static void start_ticker(struct test_world *world, bool final_is_late)
{
    const struct ticker ticker = { .trace = &world->trace, .final_is_late = final_is_late };
    const cst_opts objects = { .object_mode = true };

    assert_int_equal(cst_transform_new(&world->s, world->ctx, &ticker_ops, &ticker, &objects),
                     CST_OK);
    listen(world, CST_DATA);
    listen(world, CST_END);
    listen(world, CST_FINISH);
    put(world, "1");
    put(world, "4");
    cst_end_with(world->s, cst_slice_str("7"), say_done, &world->trace);
    test_run(world);
}

#define THREE_ITEMS "transform data:1 pushed transform data:4 pushed transform data:7 pushed final"

static void test_stream_transform_final_sync(void **state)
{
    struct test_world *world = *state;

    start_ticker(world, false);
    test_expect(world, THREE_ITEMS " final-done flush flush-done done finish end");
}

static void test_stream_transform_final(void **state)
{
    struct test_world *world = *state;

    start_ticker(world, true);
    test_expect(world, THREE_ITEMS);
    cst_complete(((struct ticker *)cst_stream_self(world->s))->final_call, CST_OK);
    test_run(world);
    test_expect(world, "flush flush-done done finish end");
}

/* --- test-stream-transform-hwm0 --------------------------------------------------------------- */

/* Echoes in the next tick. */
struct echo {
    cst_call call;
    cst_slice chunk;
    cst_task task;
};

static void echo_now(void *arg)
{
    struct echo *echo = arg;

    cst_complete_with(echo->call, cst_slice_ref(&echo->chunk));
}

static cst_status echo_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct echo *echo = self;

    echo->call = cst_this_call(s);
    echo->chunk = *chunk;
    cst_defer(cst_stream_ctx(s), &echo->task, echo_now, echo);
    return CST_PENDING;
}

static const cst_ops echo_ops = { .self_size = sizeof(struct echo), .transform = echo_transform };

static void write_the_second(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    test_trace_add(&((struct test_world *)arg)->trace, "drain");
    assert_int_equal(cst_write(s, cst_slice_str("2"), NULL, NULL), CST_FULL);
    cst_end(s, NULL, NULL);
}

static void read_once(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;
    cst_slice chunk;

    (void)event;
    assert_int_equal(cst_read(&chunk, s, CST_READ_ANY), CST_OK);
    test_trace_add(&world->trace, "read:%.*s", (int)chunk.len, (const char *)chunk.data);
    cst_slice_unref(&chunk);
}

static void test_stream_transform_hwm0(void **state)
{
    const cst_opts opts = { .object_mode = true, .high_water_mark = CST_HWM_ZERO };
    struct test_world *world = *state;

    assert_int_equal(cst_transform_new(&world->s, world->ctx, &echo_ops, NULL, &opts), CST_OK);
    assert_int_equal(cst_write(world->s, cst_slice_str("1"), NULL, NULL), CST_FULL);
    cst_on(world->s, CST_DRAIN, write_the_second, world);
    cst_once(world->s, CST_READABLE, read_once, world);
    test_run(world);
    test_expect(world, "read:1");
    expect_read(world, CST_READ_ANY, NULL);
    test_expect(world, "drain");
    cst_once(world->s, CST_READABLE, read_once, world);
    test_run(world);
    test_expect(world, "read:2");
}

/* --- test-stream2-transform ------------------------------------------------------------------- */

static void test_stream2_transform__a_full_readable_side_holds_the_writable_side(void **state)
{
    static const char bytes[] = "0123456789";
    struct test_world *world = *state;

    make_filter(world, ECHO, CST_OK, 10);
    for (size_t n = 1; n <= 10; n++)
        cst_write(world->s, cst_slice_static(bytes, n), NULL, NULL);
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "1 2 3 4");
    assert_int_equal(cst_readable_length(world->s), 10);
    /* The write of 4 is not completed, those of 5 to 10 wait. */
    assert_int_equal(cst_writable_length(world->s), 4 + 5 + 6 + 7 + 8 + 9 + 10);
    cst_resume(world->s);
    test_run(world);
    test_expect(world, "5 6 7 8 9 10");
}

static void put_four(struct test_world *world)
{
    put(world, "foog");
    put(world, "bark");
    put(world, "bazy");
    put(world, "kuel");
    cst_end(world->s, NULL, NULL);
}

static void test_stream2_transform__reads_of_five_bytes_join_and_cut(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_passthrough_new(&world->s, world->ctx, NULL), CST_OK);
    put_four(world);
    expect_read(world, 5, "foogb");
    expect_read(world, 5, "arkba");
    expect_read(world, 5, "zykue");
    expect_read(world, 5, "l");
    make_filter(world, REPLACE, CST_OK, 0);
    put_four(world);
    expect_read(world, 5, "xxxxx");
    expect_read(world, 5, "xxxxx");
    expect_read(world, 5, "xxxxx");
    expect_read(world, 5, "x");
}

static void test_stream2_transform__messages_come_one_by_one_empty_ones_too(void **state)
{
    static const char *const messages[] = { "1", "true", "false", "0", "foo", "", "{}" };
    const cst_opts objects = { .object_mode = true };
    struct test_world *world = *state;

    assert_int_equal(cst_passthrough_new(&world->s, world->ctx, &objects), CST_OK);
    for (size_t i = 0; i < 7; i++)
        put(world, messages[i]);
    cst_end(world->s, NULL, NULL);
    for (size_t i = 0; i < 7; i++)
        expect_read(world, CST_READ_ANY, messages[i]);
    expect_read(world, CST_READ_ANY, NULL);
}

/* Read by five bytes inside 'finish', until there is no more. */
static void read_by_five(cst_stream *s, const cst_event *event, void *arg)
{
    struct filter *filter = arg;
    cst_slice chunk;

    (void)event;
    test_trace_clear(filter->trace);
    while (cst_read(&chunk, s, 5) == CST_OK) {
        test_trace_add(filter->trace, "%.*s", (int)chunk.len, (const char *)chunk.data);
        cst_slice_unref(&chunk);
    }
}

static struct filter *make_late_filter(struct test_world *world, enum how how)
{
    struct filter *filter = make_filter(world, how, CST_PENDING, 0);

    assert_int_equal(cst_on(world->s, CST_FINISH, read_by_five, filter), CST_OK);
    return filter;
}

static void test_stream2_transform__late_answers_are_all_there_at_finish(void **state)
{
    struct test_world *world = *state;

    make_late_filter(world, ECHO);
    put_four(world);
    answer_in_turns(world);
    test_expect(world, "foogb arkba zykue l");
    make_late_filter(world, TWICE);
    put_four(world);
    answer_in_turns(world);
    test_expect(world, "foogf oogba rkbar kbazy bazyk uelku el");
}

static void test_stream2_transform__flush_gives_what_a_compressing_one_has_left(void **state)
{
    static const char *const chunks[] = { "aaaa", "bbbb", "cccc", "dddd", "aaaa", "bbbb", "cccc",
                                          "dddd", "aaaa", "bbbb", "cccc", "dddd", "aaaa", "bbbb" };
    struct test_world *world = *state;

    make_late_filter(world, COMPRESS);
    for (size_t i = 0; i < 14; i++)
        put(world, chunks[i]);
    cst_end(world->s, NULL, NULL);
    answer_in_turns(world);
    test_expect(world, "abcda bcdab cdab");
}

struct later {
    cst_task task;
    struct test_world *world;
};

/* A completed write whose chunk is kept back must not keep the next one from coming through. */
static void write_two_and_read(void *arg)
{
    struct test_world *world = ((struct later *)arg)->world;

    put(world, "d");
    cst_write(world->s, cst_slice_str("ef"), say_done, &world->trace);
    test_expect(world, "3");
    expect_read(world, CST_READ_ANY, "abc");
    test_expect(world, "1 2");
    expect_read(world, CST_READ_ANY, "d");
    test_expect(world, "done");
    expect_read(world, CST_READ_ANY, "ef");
    expect_read(world, CST_READ_ANY, NULL);
}

static void write_two_in_the_next_tick(cst_stream *s, const cst_event *event, void *arg)
{
    struct later *later = arg;

    (void)event;
    cst_defer(cst_stream_ctx(s), &later->task, write_two_and_read, later);
}

static void test_stream2_transform__a_full_one_that_keeps_a_chunk_does_not_stall(void **state)
{
    struct test_world *world = *state;
    struct later later = { .world = world };

    make_filter(world, SAVE_SECOND, CST_OK, 3);
    cst_once(world->s, CST_READABLE, write_two_in_the_next_tick, &later);
    put(world, "abc");
    test_run(world);
    test_expect(world, "");
}

static void test_stream2_transform__end_announces_once_what_was_written_in_one_tick(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_passthrough_new(&world->s, world->ctx, NULL), CST_OK);
    listen(world, CST_READABLE);
    put(world, "foog");
    put(world, "bark");
    test_expect(world, "");
    expect_read(world, 5, "foogb");
    expect_read(world, 5, NULL);
    put(world, "bazy");
    put(world, "kuel");
    test_expect(world, "");
    expect_read(world, 5, "arkba");
    expect_read(world, 5, "zykue");
    expect_read(world, 5, NULL);
    cst_end(world->s, NULL, NULL);
    test_expect(world, "readable");
    expect_read(world, 5, "l");
    expect_read(world, 5, NULL);
    test_expect(world, "");
}

/* Each 'readable' reads what it can, and has the next chunk written, or the end. */
struct chain {
    struct test_world *world;
    unsigned step;
};

static void next_step(cst_stream *s, const cst_event *event, void *arg)
{
    static const char *const reads[] = { "arkba", "zykue", "l" };
    struct chain *chain = arg;
    unsigned step = chain->step++;

    (void)event;
    expect_read(chain->world, 5, reads[step]);
    expect_read(chain->world, 5, NULL);
    if (step < 2)
        cst_once(s, CST_READABLE, next_step, chain);
    if (step == 0)
        put(chain->world, "kuel");
    else if (step == 1)
        cst_end(s, NULL, NULL); /* 'readable' comes inside it */
    else
        test_expect(chain->world, "readable readable readable");
}

static void test_stream2_transform__each_step_is_announced(void **state)
{
    struct test_world *world = *state;
    struct chain chain = { .world = world };

    assert_int_equal(cst_passthrough_new(&world->s, world->ctx, NULL), CST_OK);
    listen(world, CST_READABLE);
    put(world, "foog");
    put(world, "bark");
    expect_read(world, 5, "foogb");
    expect_read(world, 5, NULL);
    cst_once(world->s, CST_READABLE, next_step, &chain);
    put(world, "bazy");
    test_run(world);
    assert_int_equal(chain.step, 3);
    test_expect(world,
                "readable"); /* beside the three that were counted: EOF is announced once more */
}

static void test_stream2_transform__data_comes_chunk_by_chunk(void **state)
{
    struct test_world *world = *state;

    assert_int_equal(cst_passthrough_new(&world->s, world->ctx, NULL), CST_OK);
    listen(world, CST_DATA);
    listen(world, CST_END);
    put(world, "foog");
    test_run(world);
    put(world, "bark");
    test_run(world);
    put(world, "bazy");
    test_run(world);
    put(world, "kuel");
    test_run(world);
    test_expect(world, "data:foog data:bark data:bazy data:kuel");
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "end");
}

static void say_tick(void *arg)
{
    test_trace_add(&((struct later *)arg)->world->trace, "tick");
}

static void test_stream2_transform__a_message_can_be_read_as_soon_as_it_was_written(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct filter),
                                 .transform = filter_transform };
    const cst_opts objects = { .object_mode = true };
    struct test_world *world = *state;
    const struct filter filter = { .trace = &world->trace, .how = REPLACE };
    struct later later = { .world = world };

    assert_int_equal(cst_transform_new(&world->s, world->ctx, &ops, &filter, &objects), CST_OK);
    listen(world, CST_END);
    put(world, "1234");
    expect_read(world, CST_READ_ANY, "xxxx");
    put(world, "56");
    expect_read(world, CST_READ_ANY, "xx");
    test_expect(world, "4 2");
    cst_end(world->s, NULL, NULL);
    expect_read(world, CST_READ_ANY, NULL);
    cst_defer(world->ctx, &later.task, say_tick, &later);
    test_run(world);
    test_expect(world, "end tick");
}

static cst_status push_header(cst_stream *s, void *self)
{
    (void)self;
    cst_push(s, cst_slice_str("header"));
    return CST_OK;
}

static void test_stream2_transform__construct_may_push(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct filter),
                                 .construct = push_header,
                                 .transform = filter_transform };
    const cst_opts objects = { .object_mode = true };
    struct test_world *world = *state;
    const struct filter filter = { .trace = &world->trace, .how = ECHO };

    assert_int_equal(cst_transform_new(&world->s, world->ctx, &ops, &filter, &objects), CST_OK);
    listen(world, CST_DATA);
    put(world, "firstLine");
    put(world, "secondLine");
    cst_end(world->s, NULL, NULL);
    test_run(world);
    test_expect(world, "data:header 9 data:firstLine 10 data:secondLine");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(test_stream_passthrough_drain),
    CASE(test_stream_transform_constructor_set_methods__without_transform_it_is_refused),
    CASE(test_stream_transform_constructor_set_methods__each_slot_is_called_once),
    CASE(test_stream_transform_final_sync),
    CASE(test_stream_transform_final),
    CASE(test_stream_transform_hwm0),
    CASE(test_stream2_transform__a_full_readable_side_holds_the_writable_side),
    CASE(test_stream2_transform__reads_of_five_bytes_join_and_cut),
    CASE(test_stream2_transform__messages_come_one_by_one_empty_ones_too),
    CASE(test_stream2_transform__late_answers_are_all_there_at_finish),
    CASE(test_stream2_transform__flush_gives_what_a_compressing_one_has_left),
    CASE(test_stream2_transform__a_full_one_that_keeps_a_chunk_does_not_stall),
    CASE(test_stream2_transform__end_announces_once_what_was_written_in_one_tick),
    CASE(test_stream2_transform__each_step_is_announced),
    CASE(test_stream2_transform__data_comes_chunk_by_chunk),
    CASE(test_stream2_transform__a_message_can_be_read_as_soon_as_it_was_written),
    CASE(test_stream2_transform__construct_may_push),
};

TEST_MAIN(tests)

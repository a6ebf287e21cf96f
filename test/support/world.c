/* world.c - see world.h. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* --- the world -------------------------------------------------------------------------------- */

void test_world_open(struct test_world *world, const cst_ctx_opts *opts)
{
    memset(world, 0, sizeof(*world));
    test_heap_init(&world->heap);
    assert_int_equal(cst_ctx_new(&world->ctx, test_heap_allocator(&world->heap), opts), CST_OK);
}

void test_world_close(struct test_world *world)
{
    for (size_t i = 0; i < LENGTH(world->jobs); i++)
        assert_null(world->jobs[i].fn);
    assert_int_equal(cst_ctx_free(world->ctx), CST_OK);
    assert_int_equal(world->heap.live_blocks, 0);
}

int test_world_setup(void **state)
{
    static struct test_world world;

    test_world_open(&world, NULL);
    *state = &world;
    return 0;
}

int test_world_teardown(void **state)
{
    test_world_close(*state);
    return 0;
}

/* --- turns ------------------------------------------------------------------------------------ */

void test_run(struct test_world *world)
{
    assert_int_equal(cst_ctx_run(world->ctx, NULL), CST_IDLE);
}

static struct test_job *new_job(struct test_world *world, test_job_fn *fn, cst_stream *s)
{
    struct test_job *job = world->jobs;

    while (job->fn)
        if (++job == world->jobs + LENGTH(world->jobs))
            abort();
    *job = (struct test_job){ .world = world, .fn = fn, .s = s, .number = world->jobs_made++ };
    return job;
}

static void complete(cst_stream *s, struct test_world *world)
{
    (void)s;
    (void)world;
}

static void do_job(void *arg)
{
    struct test_job job = *(struct test_job *)arg;

    ((struct test_job *)arg)->fn = NULL;
    if (job.fn == complete)
        assert_int_equal(cst_complete(job.call, CST_OK), CST_OK);
    else
        job.fn(job.s, job.world);
}

void test_tick(struct test_world *world, test_job_fn *fn, cst_stream *s)
{
    struct test_job *job = new_job(world, fn, s);

    job->tick = true;
    assert_int_equal(cst_defer(world->ctx, &job->task, do_job, job), CST_OK);
}

void test_after(struct test_world *world, unsigned turns, test_job_fn *fn, cst_stream *s)
{
    new_job(world, fn, s)->due = world->now + turns;
}

void test_park(struct test_world *world, cst_stream *s)
{
    struct test_job *job = new_job(world, complete, s);

    job->due = world->now + 1;
    job->call = cst_this_call(s);
}

static struct test_job *next_job(struct test_world *world)
{
    struct test_job *next = NULL;

    for (size_t i = 0; i < LENGTH(world->jobs); i++) {
        struct test_job *job = &world->jobs[i];

        if (job->fn && !job->tick &&
            (!next || job->due < next->due ||
             (job->due == next->due && job->number < next->number)))
            next = job;
    }
    return next;
}

void test_turn(struct test_world *world)
{
    struct test_job *job;

    world->now++;
    while ((job = next_job(world)) && job->due <= world->now)
        do_job(job);
    test_run(world);
}

void test_settle(struct test_world *world)
{
    struct test_job *job;

    test_run(world);
    while ((job = next_job(world))) {
        world->now = job->due;
        do_job(job);
        test_run(world);
    }
}

void test_expect(struct test_world *world, const char *text)
{
    assert_string_equal(world->trace.text, text);
    test_trace_clear(&world->trace);
}

void test_run_and_expect(struct test_world *world, const char *text)
{
    test_run(world);
    test_expect(world, text);
}

/* --- slots that say their word ---------------------------------------------------------------- */

struct test_stage *test_stage(cst_stream *s)
{
    return cst_stream_self(s);
}

unsigned test_slot_calls(cst_stream *s)
{
    return test_stage(s)->reads + test_stage(s)->writes;
}

static void say(cst_stream *s, struct test_stage *stage, const char *word)
{
    test_trace_add(&stage->world->trace, "%s%s%s", stage->name ? stage->name : "",
                   stage->name ? ":" : "", word);
    if (stage->act)
        stage->act(s, word, stage->act_arg);
}

static void say_bytes(cst_stream *s, struct test_stage *stage, const char *name,
                      const cst_slice *chunk)
{
    char word[320];

    snprintf(word, sizeof(word), "%s:%.*s", name, (int)chunk->len, (const char *)chunk->data);
    say(s, stage, word);
}

static void say_status(cst_stream *s, struct test_stage *stage, const char *name, cst_status status)
{
    char word[320];

    snprintf(word, sizeof(word), status ? "%s:%s" : "%s", name, test_status_word(status));
    say(s, stage, word);
}

static cst_status answer(cst_stream *s, struct test_stage *stage, enum test_slot slot)
{
    struct test_calls *calls = &stage->world->calls;
    cst_status status = stage->answers[slot] ? stage->answers[slot] : stage->answer;

    if (status == CST_PENDING) {
        if (calls->pending == LENGTH(calls->list))
            abort();
        calls->list[calls->pending++] = stage->call = cst_this_call(s);
    }
    return status;
}

static void answer_at(struct test_calls *calls, size_t i, cst_status status)
{
    cst_call call = calls->list[i];

    if (i >= calls->pending)
        abort();
    calls->pending--;
    memmove(calls->list + i, calls->list + i + 1, (calls->pending - i) * sizeof(call));
    cst_complete(call, status);
}

void test_answer(struct test_world *world, cst_status status)
{
    answer_at(&world->calls, 0, status);
}

void test_answer_of(cst_stream *s, cst_status status)
{
    struct test_calls *calls = &test_stage(s)->world->calls;
    size_t i = 0;

    while (i < calls->pending && calls->list[i].stream != s)
        i++;
    answer_at(calls, i, status);
}

cst_status test_stage_construct(cst_stream *s, void *self)
{
    say(s, self, "construct");
    return answer(s, self, TEST_CONSTRUCT);
}

cst_status test_stage_read(cst_stream *s, void *self, size_t size)
{
    struct test_stage *stage = self;
    const char *text;

    (void)size;
    say(s, stage, "read");
    if (!stage->chunks)
        return CST_OK;
    text = *stage->chunks;
    if (!text)
        return stage->read_fails ? stage->read_fails : cst_push_eof(s);
    stage->chunks++;
    return stage->give ? cst_give(s, cst_slice_str(text)) : cst_push(s, cst_slice_str(text));
}

cst_status test_stage_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    say_bytes(s, self, "write", chunk);
    return answer(s, self, TEST_WRITE);
}

cst_status test_stage_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    char word[320] = "writev:";

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(word);

        snprintf(word + len, sizeof(word) - len, "%s%.*s", i ? "+" : "", (int)chunks[i].len,
                 (const char *)chunks[i].data);
    }
    say(s, self, word);
    return answer(s, self, TEST_WRITE);
}

cst_status test_stage_final(cst_stream *s, void *self)
{
    say(s, self, "final");
    return answer(s, self, TEST_FINAL);
}

cst_status test_stage_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_stage *stage = self;

    say_bytes(s, stage, "transform", chunk);
    if (stage->answers[TEST_TRANSFORM] == CST_OK)
        return cst_give(s, cst_slice_ref(chunk));
    return answer(s, stage, TEST_TRANSFORM);
}

cst_status test_stage_flush(cst_stream *s, void *self)
{
    say(s, self, "flush");
    return answer(s, self, TEST_FLUSH);
}

cst_status test_stage_destroy(cst_stream *s, void *self, const cst_error *error)
{
    say_status(s, self, "destroy", error ? error->status : CST_OK);
    return answer(s, self, TEST_DESTROY);
}

static cst_status destroy_plainly(cst_stream *s, void *self, const cst_error *error)
{
    (void)error;
    say(s, self, "destroy");
    return CST_OK;
}

cst_status test_swallow(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_OK;
}

const cst_ops test_source_ops = { .name = "source",
                                  .self_size = sizeof(struct test_stage),
                                  .destroy = destroy_plainly };
const cst_ops test_sink_ops = { .name = "sink",
                                .self_size = sizeof(struct test_stage),
                                .write = test_stage_write,
                                .final = test_stage_final,
                                .destroy = destroy_plainly };

/* --- slots that are functions of the test ----------------------------------------------------- */

static cst_status part_read(cst_stream *s, void *self, size_t size)
{
    struct test_stage *stage = self;

    stage->reads++;
    if (stage->read)
        stage->read(s, stage->world, size);
    return CST_OK;
}

static cst_status part_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_stage *stage = self;

    stage->writes++;
    if (stage->write)
        return stage->write(s, stage->world, chunk);
    test_trace_add(&stage->world->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    return CST_OK;
}

static cst_status part_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_stage *stage = self;

    stage->writes++;
    if (stage->write)
        return stage->write(s, stage->world, chunk);
    cst_push(s, cst_slice_ref(chunk));
    return CST_OK;
}

static cst_status part_flush(cst_stream *s, void *self)
{
    (void)s;
    (void)self;
    return CST_OK;
}

static const cst_ops part_ops = { .name = "part",
                                  .self_size = sizeof(struct test_stage),
                                  .read = part_read,
                                  .write = part_write,
                                  .transform = part_transform,
                                  .flush = part_flush };

static cst_stream *make(struct test_world *world, test_new_fn *create, const cst_ops *ops,
                        struct test_stage stage, const cst_opts *opts)
{
    cst_stream *s = NULL;

    stage.world = world;
    assert_int_equal(create(&s, world->ctx, ops, &stage, opts), CST_OK);
    return s;
}

struct test_stage *test_drive(struct test_world *world, test_new_fn *create, const cst_ops *ops,
                              const cst_opts *opts)
{
    world->s = make(world, create, ops, (struct test_stage){ .name = NULL }, opts);
    test_listen_all(world->s);
    return test_stage(world->s);
}

cst_stream *test_source(struct test_world *world, test_read_fn *read, const cst_opts *opts)
{
    return make(world, cst_readable_new, &part_ops, (struct test_stage){ .read = read }, opts);
}

cst_stream *test_sink(struct test_world *world, test_write_fn *write, const cst_opts *opts)
{
    return make(world, cst_writable_new, &part_ops, (struct test_stage){ .write = write }, opts);
}

cst_stream *test_duplex(struct test_world *world, test_read_fn *read, test_write_fn *write,
                        const cst_opts *opts)
{
    return make(world, cst_duplex_new, &part_ops,
                (struct test_stage){ .read = read, .write = write }, opts);
}

cst_stream *test_transform(struct test_world *world, test_write_fn *transform, const cst_opts *opts)
{
    return make(world, cst_transform_new, &part_ops, (struct test_stage){ .write = transform },
                opts);
}

/* --- slots that answer by a rule -------------------------------------------------------------- */

static void feed_one(void *arg)
{
    struct test_stage *feed = arg;

    if (feed->count == 0) {
        if (!feed->open)
            cst_push_eof(feed->stream);
        return;
    }
    if (feed->count != SIZE_MAX)
        feed->count--;
    cst_push(feed->stream, test_zeroes(feed->len ? feed->len : feed->asked));
}

static cst_status feed_read(cst_stream *s, void *self, size_t size)
{
    struct test_stage *feed = self;

    feed->reads++;
    feed->stream = s;
    feed->asked = size;
    if (feed->when == TEST_NOW)
        feed_one(feed);
    else if (feed->when == TEST_NEXT_TICK)
        cst_defer(cst_stream_ctx(s), &feed->task, feed_one, feed);
    return CST_OK;
}

static void taker_answer(void *arg)
{
    const struct test_stage *taker = arg;

    cst_complete(taker->call, CST_OK);
}

static cst_status taker_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_stage *taker = self;

    taker->writes++;
    taker->bytes += chunk->len;
    taker->first = chunk->len ? chunk->data[0] : 0;
    if (taker->act)
        taker->act(s, "write", taker->act_arg);
    taker->call = cst_this_call(s);
    switch (taker->when) {
    case TEST_NOW:
        return CST_OK;
    case TEST_NEXT_TICK:
        cst_defer(cst_stream_ctx(s), &taker->task, taker_answer, taker);
        return CST_PENDING;
    case TEST_NEXT_TURN:
        test_park(taker->world, s);
        return CST_PENDING;
    case TEST_NEVER:
        return CST_PENDING;
    }
    return CST_E_INVALID_ARG;
}

cst_stream *test_feed(struct test_world *world, const struct test_stage *feed, const cst_opts *opts)
{
    static const cst_ops ops = { .name = "feed", .self_size = sizeof(*feed), .read = feed_read };

    return make(world, cst_readable_new, &ops, *feed, opts);
}

cst_stream *test_taker(struct test_world *world, const struct test_stage *taker,
                       const cst_opts *opts)
{
    static const cst_ops ops = { .name = "taker",
                                 .self_size = sizeof(*taker),
                                 .write = taker_write };

    return make(world, cst_writable_new, &ops, *taker, opts);
}

cst_stream *test_pass(struct test_world *world, const cst_opts *opts)
{
    static const cst_ops ops = { .name = "pass", .self_size = sizeof(struct test_stage) };

    return make(world, cst_passthrough_new_with, &ops, (struct test_stage){ .name = NULL }, opts);
}

/* --- listening and reading -------------------------------------------------------------------- */

void test_on_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_stage nameless = { .world = arg };
    struct test_stage *stage = arg ? &nameless : cst_stream_self(s);

    if (event->chunk)
        say_bytes(s, stage, "data", event->chunk);
    else
        say_status(s, stage, test_event_word(event->type),
                   event->error ? event->error->status : CST_OK);
}

void test_record(struct test_world *world, cst_stream *s, cst_event_type type)
{
    assert_int_equal(cst_on(s, type, test_on_event, world), CST_OK);
}

void test_record_the_end(struct test_world *world, cst_stream *s)
{
    test_record(world, s, CST_END);
    test_record(world, s, CST_FINISH);
    test_record(world, s, CST_ERROR);
    test_record(world, s, CST_CLOSE);
}

void test_listen(cst_stream *s, cst_event_type type)
{
    test_record(NULL, s, type);
}

void test_listen_all(cst_stream *s)
{
    for (int type = CST_END; type < CST_EVENT_TYPES_; type++)
        test_listen(s, (cst_event_type)type);
}

void test_listen_as(struct test_world *world, cst_stream *s, const char *name)
{
    test_stage(s)->world = world;
    test_stage(s)->name = name;
    for (int type = CST_END; type < CST_EVENT_TYPES_; type++)
        if (type != CST_PREFINISH)
            test_listen(s, (cst_event_type)type);
}

void test_count(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    ++*(size_t *)arg;
}

void test_ignore(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

void test_on_done(cst_stream *s, cst_status status, void *arg)
{
    say_status(s, cst_stream_self(s), arg, status);
}

void test_on_outcome(const cst_error *error, void *arg)
{
    struct test_world *world = arg;

    test_trace_add(&world->trace, "done:%s", error ? test_status_word(error->status) : "ok");
}

bool test_read(struct test_world *world, cst_stream *s, size_t size)
{
    cst_slice chunk;
    cst_status st = cst_read(&chunk, s, size);

    if (st != CST_OK) {
        test_trace_add(&world->trace, "%s", test_status_word(st));
        return false;
    }
    test_trace_add(&world->trace, "read:%.*s", (int)chunk.len, (const char *)chunk.data);
    cst_slice_unref(&chunk);
    return true;
}

void test_read_all(struct test_world *world, cst_stream *s)
{
    while (test_read(world, s, CST_READ_ANY))
        ;
}

void test_on_readable_once(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    test_read(arg, s, CST_READ_ANY);
}

void test_on_readable_all(cst_stream *s, const cst_event *event, void *arg)
{
    test_on_event(s, event, arg);
    test_read_all(arg, s);
}

/* --- many bytes ------------------------------------------------------------------------------- */

cst_slice test_zeroes(size_t len)
{
    static const uint8_t zeroes[600000];

    assert_in_range(len, 0, sizeof(zeroes));
    return cst_slice_static(zeroes, len);
}

cst_slice test_xs(size_t len)
{
    static uint8_t xs[255];

    assert_in_range(len, 0, sizeof(xs));
    memset(xs, 'x', sizeof(xs));
    return cst_slice_static(xs, len);
}

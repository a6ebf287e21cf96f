/*
 * test_lag.c - on the fast path, the fields of a stream lag while its slot runs, until a public
 * call looks at them (src/express/express.h). So each act is done inside each slot and each
 * release, at each chunk of a flow. All that can be seen, then and later, must be as it is if every
 * slot looks first, so that nothing lags.
 */
#include "main.h"

#include "heap.h"
#include "trace.h"

#define CHUNKS 5
#define MOST_STAGES 2

enum source { GIVES, PUSHES, PUSHED };
#define SOURCES 3u
enum place { IN_READ, IN_TRANSFORM, IN_WRITE, IN_RELEASE };
#define PLACES 4u

struct world;
typedef void act_fn(struct world *world);

/** What is run: act is done at this place, at the chunk with number `at`. */
struct plan {
    enum source source;
    enum place place;
    size_t stages;
    size_t at;
    act_fn *act;
    bool foreign;    /* chunks are foreign memory, so that each is released */
    bool transforms; /* the stages have a transform slot, which returns a chunk of its own */
    bool slow;       /* the sink answers when all has come to rest, so that writes queue up */
    bool blind;      /* the test does not look after the act, which may itself not look */
    bool looks;      /* every slot looks at its stream first */
};

struct world {
    const struct plan *plan;
    struct test_trace *trace;
    cst_ctx *ctx;
    cst_stream *streams[MOST_STAGES + 2]; /* source, stages, sink */
    size_t reads, transforms, writes, releases, made;
    bool late; /* the write slot answers later */
    cst_call call;
};

struct self {
    struct world *world;
};

static cst_stream *source_of(const struct world *world)
{
    return world->streams[0];
}

static cst_slice make_chunk(struct world *world, size_t len);

static cst_stream *sink_of(const struct world *world)
{
    return world->streams[world->plan->stages + 1];
}

/* --- what is done ----------------------------------------------------------------------------- */

static void look(struct world *world)
{
    for (size_t i = 0; i < world->plan->stages + 2; i++) {
        const cst_stream *s = world->streams[i];

        test_trace_add(world->trace, "%zu/%zu:%d%d%d%d", cst_readable_length(s),
                       cst_writable_length(s), (int)cst_readable_flowing(s),
                       cst_readable_did_read(s), cst_writable_need_drain(s), cst_is_destroyed(s));
    }
}

static void add_status(struct world *world, cst_status status)
{
    test_trace_add(world->trace, "%s", cst_status_name(status));
}

static void pause_source(struct world *world)
{
    add_status(world, cst_pause(source_of(world)));
}

static void unpipe(struct world *world)
{
    add_status(world, cst_unpipe(source_of(world), NULL));
}

static void push_more(struct world *world)
{
    add_status(world, cst_push(source_of(world), cst_slice_str("more")));
}

static void push_twice(struct world *world)
{
    push_more(world);
    push_more(world);
}

static void read_source(struct world *world)
{
    cst_slice chunk = cst_slice_empty();

    add_status(world, cst_read(&chunk, source_of(world), CST_READ_ANY));
    test_trace_add(world->trace, "got:%zu", chunk.len);
    cst_slice_unref(&chunk);
}

static void unshift(struct world *world)
{
    add_status(world, cst_unshift(source_of(world), cst_slice_str("first")));
}

static void end_source(struct world *world)
{
    add_status(world, cst_push_eof(source_of(world)));
}

static void cork_sink(struct world *world)
{
    add_status(world, cst_cork(sink_of(world)));
}

static void write_to_sink(struct world *world)
{
    add_status(world, cst_write(sink_of(world), cst_slice_str("extra"), NULL, NULL));
}

/* Write twice: for some chunk this fills the array of the queue exactly. */
static void write_to_sink_twice(struct world *world)
{
    write_to_sink(world);
    write_to_sink(world);
}

static void end_sink(struct world *world)
{
    add_status(world, cst_end(sink_of(world), NULL, NULL));
}

static void destroy_source(struct world *world)
{
    add_status(world, cst_destroy(source_of(world), CST_OK));
}

static void destroy_sink(struct world *world)
{
    add_status(world, cst_destroy(sink_of(world), CST_OK));
}

static void destroy_stage(struct world *world)
{
    add_status(world, cst_destroy(world->streams[1], CST_OK));
}

static void run_nested(struct world *world)
{
    if (world->plan->place !=
        IN_RELEASE) /* a release may also come between the test's own calls, outside any run */
        add_status(world, cst_ctx_run(world->ctx, NULL));
}

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    struct world *world = arg;

    (void)s;
    test_trace_add(world->trace, "heard:%zu", event->chunk->len);
}

static void listen(struct world *world)
{
    add_status(world, cst_on(source_of(world), CST_DATA, on_data, world));
}

/* Give a chunk before the slot gives its own, or returns without one. */
static void give_early(struct world *world)
{
    add_status(world,
               cst_give(world->plan->place == IN_TRANSFORM ? world->streams[1] : source_of(world),
                        make_chunk(world, 1)));
}

static void answer_late(struct world *world)
{
    world->late = world->plan->place == IN_WRITE;
}

static act_fn *const acts[] = {
    look,        pause_source, unpipe,         push_more,          push_twice,
    read_source, unshift,      end_source,     cork_sink,          write_to_sink,
    end_sink,    destroy_sink, destroy_source, destroy_stage,      run_nested,
    listen,      give_early,   answer_late,    write_to_sink_twice
};

static void act_at(struct world *world, enum place place, size_t number)
{
    if (place != world->plan->place || number != world->plan->at)
        return;
    test_trace_add(world->trace, "[");
    world->plan->act(world);
    if (!world->plan->blind)
        look(world);
    test_trace_add(world->trace, "]");
}

/* --- the streams ------------------------------------------------------------------------------ */

static void released(const void *data, size_t len, void *arg)
{
    struct world *world = arg;

    (void)data;
    test_trace_add(world->trace, "released:%zu", len);
    act_at(world, IN_RELEASE, ++world->releases);
}

static cst_slice make_chunk(struct world *world, size_t len)
{
    static const uint8_t bytes[CHUNKS + 1];
    cst_slice chunk;

    world->made++;
    if (!world->plan->foreign)
        return cst_slice_static(bytes, len);
    assert_int_equal(
        cst_slice_foreign(&chunk, cst_ctx_allocator(world->ctx), bytes, len, released, world),
        CST_OK);
    return chunk;
}

static cst_slice next_chunk(struct world *world)
{
    return make_chunk(world, world->reads);
}

static cst_status source_read(cst_stream *s, void *self, size_t size)
{
    struct world *world = ((const struct self *)self)->world;
    cst_slice chunk;

    (void)size;
    if (world->plan->looks)
        (void)cst_readable_length(s);
    test_trace_add(world->trace, "read");
    if (world->reads == CHUNKS) {
        cst_push_eof(s);
        return CST_OK;
    }
    world->reads++;
    chunk = next_chunk(world);
    act_at(world, IN_READ, world->reads);
    if (world->plan->source == GIVES)
        return cst_give(s, chunk);
    cst_push(s, chunk);
    return CST_OK;
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct world *world = ((const struct self *)self)->world;

    if (world->plan->looks)
        (void)cst_writable_length(s);
    test_trace_add(world->trace, "write:%zu", chunk->len);
    act_at(world, IN_WRITE, ++world->writes);
    if (!world->late && !world->plan->slow)
        return CST_OK;
    world->late = false;
    world->call = cst_this_call(s);
    return CST_PENDING;
}

static cst_status stage_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct world *world = ((const struct self *)self)->world;

    if (world->plan->looks)
        (void)cst_writable_length(s);
    test_trace_add(world->trace, "transform:%zu", chunk->len);
    act_at(world, IN_TRANSFORM, ++world->transforms);
    if (world->transforms == 3)
        return CST_OK; /* drop this chunk */
    return cst_give(s, make_chunk(world, chunk->len));
}

static const cst_ops stage_ops = { .name = "stage",
                                   .self_size = sizeof(struct self),
                                   .transform = stage_transform };
static const cst_ops source_ops = { .name = "source",
                                    .self_size = sizeof(struct self),
                                    .read = source_read },
                     pushed_ops = { .name = "source", .self_size = sizeof(struct self) },
                     sink_ops = { .name = "sink",
                                  .self_size = sizeof(struct self),
                                  .write = sink_write };

static void on_any(cst_stream *s, const cst_event *event, void *arg)
{
    struct world *world = arg;

    test_trace_add(world->trace, "%s:%d", cst_stream_name(s), (int)event->type);
}

static void watch(struct world *world, cst_stream *s)
{
    static const cst_event_type types[] = { CST_END,   CST_CLOSE,  CST_ERROR,  CST_DRAIN,
                                            CST_PAUSE, CST_RESUME, CST_FINISH, CST_UNPIPE };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(cst_on(s, types[i], on_any, world), CST_OK);
}

static void make(struct world *world)
{
    const struct plan *plan = world->plan;
    const struct self self = { world };
    const cst_opts opts = { .high_water_mark = 64 };

    assert_int_equal(cst_readable_new(&world->streams[0], world->ctx,
                                      plan->source == PUSHED ? &pushed_ops : &source_ops, &self,
                                      &opts),
                     CST_OK);
    for (size_t i = 1; i <= plan->stages; i++)
        assert_int_equal(
            plan->transforms
                ? cst_transform_new(&world->streams[i], world->ctx, &stage_ops, &self, &opts)
                : cst_passthrough_new(&world->streams[i], world->ctx, &opts),
            CST_OK);
    assert_int_equal(
        cst_writable_new(&world->streams[plan->stages + 1], world->ctx, &sink_ops, &self, &opts),
        CST_OK);
    for (size_t i = 0; i <= plan->stages; i++)
        assert_int_equal(cst_pipe(world->streams[i], world->streams[i + 1], NULL), CST_OK);
    for (size_t i = 0; i < plan->stages + 2; i++)
        watch(world, world->streams[i]);
}

/* --- a run ------------------------------------------------------------------------------------ */

static void run(struct world *world)
{
    assert_true(cst_ctx_run(world->ctx, NULL) >= 0);
    look(world);
}

static void push_from_outside(struct world *world)
{
    while (world->reads < CHUNKS) {
        world->reads++;
        add_status(world, cst_push(source_of(world), next_chunk(world)));
    }
    cst_push_eof(source_of(world));
}

static void answer_all(struct world *world)
{
    while (world->call.stream) {
        cst_call call = world->call;

        world->call.stream = NULL;
        add_status(world, cst_complete(call, CST_OK));
        run(world);
    }
}

/* Let the flow go on, if it can after the act. */
static void go_on(struct world *world)
{
    answer_all(world);
    run(world);
    cst_uncork(sink_of(world));
    cst_resume(source_of(world));
    run(world);
    answer_all(world);
    assert_int_equal(cst_give(source_of(world), cst_slice_str("none")),
                     CST_E_INVALID_ARG); /* no slot is running */
}

static void record(struct test_trace *trace, const struct plan *plan)
{
    struct world world = { .plan = plan, .trace = trace };
    struct test_heap heap;

    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&world.ctx, test_heap_allocator(&heap), NULL), CST_OK);
    make(&world);
    run(&world);
    if (plan->source == PUSHED)
        push_from_outside(&world);
    run(&world);
    go_on(&world);
    for (size_t i = 0; i < plan->stages + 2; i++)
        cst_unref(world.streams[i]);
    assert_int_equal(cst_ctx_free(world.ctx), CST_OK);
    assert_int_equal(world.releases, plan->foreign ? world.made : 0);
    assert_int_equal(heap.live_blocks, 0);
}

static bool makes_sense(const struct plan *plan)
{
    if (plan->source == PUSHED && plan->place == IN_READ)
        return false;
    if (!plan->foreign && plan->place == IN_RELEASE)
        return false;
    if (plan->stages == 0 && (plan->act == destroy_stage || plan->transforms))
        return false;
    return plan->transforms || plan->place != IN_TRANSFORM;
}

#define ACTS (sizeof(acts) / sizeof(acts[0]))
#define PLANS (SOURCES * PLACES * 16 * (MOST_STAGES + 1) * CHUNKS * ACTS)

static struct plan plan_of(size_t number)
{
    struct plan plan = { .looks = false };

    plan.source = (enum source)(number % SOURCES);
    plan.place = (enum place)((number /= SOURCES) % PLACES);
    plan.foreign = (number /= PLACES) % 2;
    plan.transforms = (number /= 2) % 2;
    plan.slow = (number /= 2) % 2;
    plan.blind = (number /= 2) % 2;
    plan.stages = (number /= 2) % (MOST_STAGES + 1);
    plan.at = (number /= MOST_STAGES + 1) % CHUNKS + 1;
    plan.act = acts[number / CHUNKS];
    return plan;
}

static void what_is_done_inside_is_as_where_slots_look(void **state)
{
    static struct test_trace seen, expected;
    size_t runs = 0;

    (void)state;
    for (size_t i = 0; i < PLANS; i++) {
        struct plan plan = plan_of(i);

        if (!makes_sense(&plan))
            continue;
        test_trace_clear(&seen);
        test_trace_clear(&expected);
        record(&seen, &plan);
        plan.looks = true;
        record(&expected, &plan);
        assert_string_equal(seen.text, expected.text);
        runs++;
    }
    assert_int_equal(runs, 29000);
}

/* --- a slot inside another of the same stream ------------------------------------------------- */

static cst_status echo_read(cst_stream *s, void *self, size_t size)
{
    (void)self;
    (void)size;
    assert_int_equal(cst_write(s, cst_slice_str("echo"), NULL, NULL), CST_OK);
    assert_int_equal(cst_complete(cst_this_call(s), CST_OK), CST_E_INVALID_ARG);
    return CST_OK;
}

static cst_status echo_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    assert_int_equal(chunk->len, 4);
    assert_int_equal(cst_complete(cst_this_call(s), CST_OK), CST_OK);
    return CST_PENDING;
}

static void a_write_inside_a_read_slot_has_a_call_of_its_own(void **state)
{
    static const cst_ops echo_ops = { .name = "echo", .read = echo_read, .write = echo_write };
    struct test_heap heap;
    cst_stream *echo;
    cst_ctx *ctx;

    (void)state;
    test_heap_init(&heap);
    assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL), CST_OK);
    assert_int_equal(cst_duplex_new(&echo, ctx, &echo_ops, NULL, NULL), CST_OK);
    assert_int_equal(cst_write(echo, cst_slice_str("once"), NULL, NULL),
                     CST_OK); /* so that the stream is idle, and the fast path is taken */
    assert_int_equal(cst_read(&(cst_slice){ 0 }, echo, CST_READ_ANY), CST_EMPTY);
    assert_int_equal(cst_writable_length(echo), 0);
    cst_unref(echo);
    assert_int_equal(cst_ctx_free(ctx), CST_OK);
    assert_int_equal(heap.live_blocks, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_write_inside_a_read_slot_has_a_call_of_its_own),
    cmocka_unit_test(what_is_done_inside_is_as_where_slots_look),
};

TEST_MAIN(tests)

/* test_compose.c - join.h: several streams behind one. Traces that say so are Node 26.10.0's own,
 * event for event. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* --- fixture ---------------------------------------------------------------------------------- */

#define PARTS 4

/* One who writes into the trace: a stage of the test's, or the composition. */
struct part {
    struct fixture *f;
    const char *name;
    bool is_late;   /* answers when the test says so */
    bool destroys;  /* the composition, in its transform */
    cst_status bad; /* what it fails with, if not 0 */
};

struct fixture {
    struct test_world world;
    cst_stream *s[PARTS];
    size_t count;
    cst_stream *d;
    struct part parts[PARTS + 1]; /* the last: d */
    cst_call call;                /* of the late one */
    cst_slice chunk;
};

static void note(struct fixture *f, const char *who, const char *what, const cst_slice *chunk)
{
    test_trace_add(&f->world.trace, "%s%s%s%s%.*s", who, *what ? ":" : "", what, chunk ? ":" : "",
                   chunk ? (int)chunk->len : 0,
                   chunk && chunk->len ? (const char *)chunk->data : "");
}

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    const struct part *part = arg;

    (void)s;
    if (event->type == CST_ERROR)
        note(part->f, part->name, cst_status_name(event->error->status), NULL);
    else
        note(part->f, part->name, test_event_word(event->type), event->chunk);
}

static void listen(cst_stream *s, struct part *part, const cst_event_type *types, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(cst_on(s, types[i], on_event, part), CST_OK);
}

static void listen_to_stage(cst_stream *s, struct part *part)
{
    static const cst_event_type types[] = { CST_END,    CST_CLOSE,    CST_FINISH, CST_DRAIN,
                                            CST_PAUSE,  CST_RESUME,   CST_ERROR,  CST_PIPE,
                                            CST_UNPIPE, CST_PREFINISH };

    listen(s, part, types, sizeof(types) / sizeof(types[0]));
}

static void listen_to_composition(struct fixture *f, bool flow)
{
    static const cst_event_type types[] = { CST_DATA,  CST_END,   CST_FINISH,   CST_CLOSE,
                                            CST_ERROR, CST_DRAIN, CST_PREFINISH };
    struct part *part = &f->parts[PARTS];

    part->f = f;
    part->name = "d";
    listen(f->d, part, types + !flow, sizeof(types) / sizeof(types[0]) - !flow);
}

static cst_status prefixed(cst_slice *out, struct fixture *f, const char *name,
                           const cst_slice *chunk)
{
    cst_slice both[2];

    both[0] = cst_slice_str(name);
    both[1] = *chunk;
    return cst_slice_concat(out, test_heap_allocator(&f->world.heap), both, 2);
}

static cst_status answer(cst_stream *s, struct part *part, const cst_slice *chunk)
{
    if (part->bad)
        return part->bad;
    if (!part->is_late)
        return CST_OK;
    part->f->call = cst_this_call(s);
    part->f->chunk = chunk ? *chunk : cst_slice_empty();
    return CST_PENDING;
}

static cst_status part_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct part *part = *(struct part **)self;
    cst_status st = answer(s, part, chunk);
    cst_slice out;

    note(part->f, part->name, "t", chunk);
    if (part->destroys)
        cst_destroy(part->f->d, CST_OK);
    if (st == CST_OK)
        st = prefixed(&out, part->f, part->name, chunk);
    return st == CST_OK ? cst_give(s, out) : st;
}

static cst_status part_flush(cst_stream *s, void *self)
{
    struct part *part = *(struct part **)self;

    (void)s;
    note(part->f, part->name, "flush", NULL);
    return CST_OK;
}

static cst_status part_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct part *part = *(struct part **)self;

    note(part->f, part->name, "w", chunk);
    return answer(s, part, chunk);
}

static cst_status part_final(cst_stream *s, void *self)
{
    struct part *part = *(struct part **)self;

    note(part->f, part->name, "final", NULL);
    return answer(s, part, NULL);
}

static cst_status part_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct part *part = *(struct part **)self;
    const cst_slice code = cst_slice_str(error ? cst_status_name(error->status) : "");

    (void)s;
    note(part->f, part->name, "destroy", error ? &code : NULL);
    return CST_OK;
}

static const cst_ops transform_ops = { .name = "transform",
                                       .self_size = sizeof(struct part *),
                                       .transform = part_transform,
                                       .flush = part_flush,
                                       .destroy = part_destroy };
static const cst_ops sink_ops = {
    .name = "sink", .self_size = sizeof(struct part *), .write = part_write, .final = part_final
};
static const cst_ops source_ops = { .name = "source" };

static struct part *next_part(struct fixture *f, const char *name)
{
    struct part *part = &f->parts[f->count];

    assert_true(f->count < PARTS);
    *part = (struct part){ .f = f, .name = name };
    return part;
}

static struct part *add_transform(struct fixture *f, const char *name, const cst_opts *opts)
{
    struct part *part = next_part(f, name);

    assert_int_equal(cst_transform_new(&f->s[f->count], f->world.ctx, &transform_ops, &part, opts),
                     CST_OK);
    listen_to_stage(f->s[f->count++], part);
    return part;
}

static struct part *add_sink(struct fixture *f, const char *name, const cst_opts *opts)
{
    struct part *part = next_part(f, name);

    assert_int_equal(cst_writable_new(&f->s[f->count], f->world.ctx, &sink_ops, &part, opts),
                     CST_OK);
    listen_to_stage(f->s[f->count++], part);
    return part;
}

static void add_source(struct fixture *f, const char *name)
{
    struct part *part = next_part(f, name);

    assert_int_equal(cst_readable_new(&f->s[f->count], f->world.ctx, &source_ops, NULL, NULL),
                     CST_OK);
    listen_to_stage(f->s[f->count++], part);
}

/* Compose what was added. */
static void compose(struct fixture *f, bool flow)
{
    assert_int_equal(cst_compose_new(&f->d, f->s, f->count, NULL), CST_OK);
    listen_to_composition(f, flow);
}

static void compose_two(struct fixture *f, bool flow)
{
    add_transform(f, "A", NULL);
    add_transform(f, "B", NULL);
    compose(f, flow);
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    note(arg, "cb", cst_status_name(status), NULL);
}

static void put(struct fixture *f, const char *text)
{
    cst_write(f->d, cst_slice_str(text), on_done, f);
}

static void end(struct fixture *f)
{
    cst_end(f->d, on_done, f);
}

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

/* --- the ordinary story ----------------------------------------------------------------------- */

static void what_is_written_comes_out_of_the_last(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    put(f, "x");
    cst_write(f->d, cst_slice_str("y"), NULL, NULL);
    end(f);
    test_run(&f->world);
    /* Node */
    test_expect(
        &f->world,
        "B:pipe A:t:x B:t:Ax A:t:y B:t:Ay A:flush A:prefinish A:resume B:resume d:data:BAx "
        "d:data:BAy cb:CST_OK A:end A:pause B:unpipe B:flush B:prefinish A:finish A:destroy "
        "B:end B:finish B:destroy A:close d:end B:close d:prefinish cb:CST_OK d:finish "
        "d:close");
}

static void nothing_is_lost_where_nobody_reads(void **state)
{
    struct fixture *f = *state;
    cst_slice out;

    compose_two(f, false);
    put(f, "x");
    end(f);
    test_run(&f->world);
    /* Node */
    test_expect(&f->world,
                "B:pipe A:t:x B:t:Ax A:flush A:prefinish A:resume B:resume cb:CST_OK A:end A:pause "
                "B:unpipe B:flush B:prefinish A:finish A:destroy B:end B:finish B:destroy A:close "
                "B:close d:prefinish cb:CST_OK d:finish");
    assert_int_equal(cst_read(&out, f->d, CST_READ_ANY), CST_OK);
    assert_int_equal(out.len, 3);
    cst_slice_unref(&out);
    assert_int_equal(cst_read(&out, f->d, CST_READ_ANY), CST_EOF);
    test_run(&f->world);
    test_expect(&f->world, "d:end d:close");
}

static void a_late_stage_holds_nothing_but_itself(void **state)
{
    struct fixture *f = *state;
    cst_slice out;

    add_transform(f, "A", NULL)->is_late = true;
    add_transform(f, "B", NULL);
    compose(f, true);
    put(f, "x");
    end(f);
    test_run(&f->world);
    test_expect(&f->world, "B:pipe A:t:x A:resume B:resume cb:CST_OK");
    assert_int_equal(prefixed(&out, f, "A", &f->chunk), CST_OK);
    assert_int_equal(cst_complete_with(f->call, out), CST_OK);
    test_run(&f->world);
    /* Node */
    test_expect(&f->world,
                "B:t:Ax d:data:BAx A:flush A:prefinish A:end A:pause B:unpipe B:flush B:prefinish "
                "A:finish A:destroy B:end B:finish B:destroy A:close d:end B:close d:prefinish "
                "cb:CST_OK d:finish d:close");
}

static void three_stages_and_more(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", NULL);
    add_transform(f, "B", NULL);
    add_transform(f, "C", NULL);
    compose(f, true);
    cst_write(f->d, cst_slice_str("x"), NULL, NULL);
    cst_end(f->d, NULL, NULL);
    test_run(&f->world);
    /* Node */
    test_expect(&f->world,
                "B:pipe C:pipe A:t:x B:t:Ax C:t:BAx A:flush A:prefinish A:resume B:resume C:resume "
                "d:data:CBAx A:end A:pause B:unpipe B:flush B:prefinish A:finish A:destroy B:end "
                "B:pause C:unpipe C:flush C:prefinish B:finish B:destroy A:close C:end C:finish "
                "C:destroy B:close d:end C:close d:prefinish d:finish d:close");
}

static void a_composition_may_be_part_of_another(void **state)
{
    struct fixture *f = *state;
    cst_stream *inner;

    add_transform(f, "B", NULL);
    add_transform(f, "C", NULL);
    assert_int_equal(cst_compose_new(&inner, f->s, 2, NULL), CST_OK);
    f->s[1] = inner;
    assert_int_equal(cst_passthrough_new(&f->s[0], f->world.ctx, NULL), CST_OK);
    compose(f, true);
    put(f, "x");
    end(f);
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text, "d:data:CBx"));
    assert_non_null(strstr(f->world.trace.text, "cb:CST_OK d:finish d:close"));
}

static void it_can_stand_in_a_pipeline(void **state)
{
    struct fixture *f = *state;
    cst_stream *stages[3];
    cst_chain chain;
    char text[8] = "";

    cst_chain_init(&chain, test_heap_allocator(&f->world.heap));
    compose_two(f, false);
    assert_int_equal(cst_memory_source_new(&stages[0], f->world.ctx, cst_slice_str("xy"),
                                           &(cst_opts){ .high_water_mark = 1 }),
                     CST_OK);
    stages[1] = f->d;
    assert_int_equal(cst_memory_sink_new(&stages[2], f->world.ctx, &chain, 0, NULL), CST_OK);
    assert_int_equal(cst_pipeline(stages, 3, NULL, NULL, NULL), CST_OK);
    test_run(&f->world);
    assert_int_equal(cst_chain_copy(text, &chain, 7), 6);
    assert_string_equal(text, "BAxBAy");
    assert_true(cst_is_closed(f->d));
    cst_chain_fini(&chain);
}

/* --- sides and modes -------------------------------------------------------------------------- */

static void a_source_first_makes_it_readable_only(void **state)
{
    struct fixture *f = *state;

    add_source(f, "R");
    add_transform(f, "B", NULL);
    cst_push(f->s[0], cst_slice_str("a"));
    cst_push_eof(f->s[0]);
    compose(f, true);
    assert_false(cst_is_writable(f->d));
    assert_true(cst_is_readable(f->d));
    test_run(&f->world);
    /* Node */
    test_expect(&f->world,
                "B:pipe R:resume B:t:a B:resume d:data:Ba R:end R:pause B:unpipe B:flush "
                "B:prefinish B:end B:finish B:destroy R:close d:end B:close d:close");
}

static void a_sink_last_makes_it_writable_only(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", NULL);
    add_sink(f, "W", NULL);
    compose(f, false);
    assert_true(cst_is_writable(f->d));
    assert_false(cst_is_readable(f->d));
    put(f, "x");
    cst_write(f->d, cst_slice_str("y"), NULL, NULL);
    end(f);
    test_run(&f->world);
    /* Node */
    test_expect(&f->world,
                "W:pipe A:t:x W:w:Ax A:t:y W:w:Ay A:flush A:prefinish A:resume cb:CST_OK A:end "
                "A:pause W:unpipe W:final W:prefinish A:finish A:destroy W:finish A:close W:close "
                "d:prefinish cb:CST_OK d:finish d:close");
}

static void with_a_source_and_a_sink_it_closes_when_all_is_over(void **state)
{
    struct fixture *f = *state;

    add_source(f, "R");
    add_sink(f, "W", NULL);
    cst_push(f->s[0], cst_slice_str("a"));
    cst_push_eof(f->s[0]);
    compose(f, false);
    assert_false(cst_is_writable(f->d));
    assert_false(cst_is_readable(f->d));
    test_run(&f->world);
    /* Node */
    test_expect(&f->world,
                "W:pipe R:resume W:w:a R:end R:pause W:unpipe W:final W:prefinish W:finish "
                "R:close W:close d:close");
}

static void modes_are_those_of_the_first_and_the_last(void **state)
{
    struct fixture *f = *state;
    const cst_opts marks = { .high_water_mark = 7, .object_mode = true, .no_readable = true };

    add_transform(f, "A", &(cst_opts){ .writable_object_mode = true });
    add_transform(f, "B", NULL);
    compose(f, false);
    assert_true(cst_writable_object_mode(f->d));
    assert_false(cst_readable_object_mode(f->d));
    assert_int_equal(cst_writable_high_water_mark(f->d), 16);
    assert_int_equal(cst_readable_high_water_mark(f->d), 65536);
    assert_string_equal(cst_stream_name(f->d), "compose");

    f->count = 0;
    add_transform(f, "A", NULL);
    add_transform(f, "B", &(cst_opts){ .readable_object_mode = true });
    assert_int_equal(cst_compose_new(&f->d, f->s, 2, &marks), CST_OK);
    assert_false(cst_writable_object_mode(f->d));
    assert_true(cst_readable_object_mode(f->d));
    assert_int_equal(cst_writable_high_water_mark(f->d), 7);
    assert_true(cst_is_readable(f->d));
}

static void one_stream_is_its_own_composition(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", NULL);
    assert_int_equal(cst_compose_new(&f->d, f->s, 1, NULL), CST_OK);
    assert_ptr_equal(f->d, f->s[0]);
    cst_unref(f->d);
    cst_destroy(f->s[0], CST_OK);
    test_run(&f->world);
    assert_true(cst_is_closed(f->s[0]));
}

/* --- backpressure ----------------------------------------------------------------------------- */

static const cst_opts two_items = { .object_mode = true, .high_water_mark = 2 };

static unsigned write_until_full(struct fixture *f)
{
    unsigned n = 1;

    while (cst_write(f->d, cst_slice_str("x"), NULL, NULL) == CST_OK)
        n++;
    return n;
}

static void a_reader_that_holds_holds_the_writer(void **state)
{
    struct fixture *f = *state;
    cst_slice out;
    unsigned n;

    add_transform(f, "A", &two_items);
    add_transform(f, "B", &two_items);
    assert_int_equal(cst_compose_new(&f->d, f->s, f->count, NULL), CST_OK);
    n = write_until_full(f);
    test_run(&f->world);
    /* 16 and 16 in the composition, 5 between the stages: as in Node, but that a pause takes effect
     * at once */
    assert_int_equal(cst_readable_length(f->d), 16);
    assert_in_range(n, 32, 40);
    assert_true(cst_is_paused(f->s[1]));
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(cst_next(&out, f->d), CST_OK);
        assert_int_equal(out.len, 3);
        cst_slice_unref(&out);
        test_run(&f->world);
    }
    assert_int_equal(cst_next(&out, f->d), CST_EMPTY);
    assert_int_equal(cst_writable_length(f->d), 0);
    assert_false(cst_writable_need_drain(f->d));
}

static void a_pause_and_a_resume_go_as_in_node(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", &two_items);
    add_transform(f, "B", &two_items);
    compose(f, false);
    for (int i = 0; i < 20; i++)
        cst_write(f->d, cst_slice_str("x"), NULL, NULL);
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text,
                           "B:t:Ax B:pause A:t:x B:t:Ax A:t:x B:t:Ax A:t:x A:pause "
                           "A:t:x A:resume B:resume")); /* Node */
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_on(f->d, CST_DATA, on_event, &f->parts[PARTS]), CST_OK);
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text,
                           "d:data:BAx B:resume B:t:Ax d:data:BAx B:drain d:data:BAx "
                           "d:data:BAx A:resume B:t:Ax d:data:BAx")); /* Node */
}

/* --- errors ----------------------------------------------------------------------------------- */

static void a_first_stage_that_fails_fails_it(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", NULL)->bad = CST_USER(1);
    add_transform(f, "B", NULL);
    compose(f, true);
    put(f, "x");
    test_run(&f->world);
    /* Node, but for the callback that Node never calls */
    test_expect(&f->world,
                "B:pipe A:t:x A:resume B:resume A:destroy:CST_USER A:CST_USER B:destroy:CST_USER "
                "A:close B:unpipe B:CST_USER B:close cb:CST_E_DESTROYED d:CST_USER d:close");
    assert_string_equal(cst_errored(f->d)->stage, "transform");
    assert_int_equal(cst_errored(f->d)->status, CST_USER(1));
}

static void a_last_stage_that_fails_fails_it(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", NULL);
    add_transform(f, "B", NULL)->bad = CST_USER(1);
    compose(f, true);
    put(f, "x");
    end(f);
    test_run(&f->world);
    /* Node */
    test_expect(
        &f->world,
        "B:pipe A:t:x B:t:Ax A:pause A:flush A:prefinish A:resume B:resume "
        "B:destroy:CST_USER cb:CST_OK A:finish A:end B:unpipe A:destroy B:CST_USER d:prefinish "
        "B:close A:close cb:CST_OK d:finish d:CST_USER d:close");
}

static void a_stage_that_closes_early_fails_it(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    cst_destroy(f->s[0], CST_OK);
    test_run(&f->world);
    test_expect(
        &f->world,
        "A:destroy A:close B:destroy:CST_E_PREMATURE_CLOSE B:unpipe B:CST_E_PREMATURE_CLOSE "
        "B:close d:CST_E_PREMATURE_CLOSE d:close"); /* Node */
}

static void a_last_stage_that_closes_early_fails_it(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    cst_destroy(f->s[1], CST_OK);
    test_run(&f->world);
    test_expect(
        &f->world,
        "B:destroy B:close A:destroy:CST_E_PREMATURE_CLOSE B:unpipe A:CST_E_PREMATURE_CLOSE "
        "A:close d:CST_E_PREMATURE_CLOSE d:close"); /* Node */
}

static void an_error_of_the_last_stream_after_the_pipeline_counts(void **state)
{
    struct fixture *f = *state;

    add_source(f, "R");
    assert_int_equal(cst_passthrough_new(&f->s[1], f->world.ctx, &two_items), CST_OK);
    f->count = 2;
    cst_push(f->s[0], cst_slice_str("a"));
    cst_push_eof(f->s[0]);
    cst_push(f->s[1], cst_slice_str("b"));
    assert_int_equal(
        cst_compose_new(&f->d, f->s, 2, &(cst_opts){ .high_water_mark = CST_HWM_ZERO }), CST_OK);
    listen_to_composition(f, false);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    assert_true(cst_writable_finished(f->s[1]));
    cst_destroy(f->s[1], CST_USER(4));
    test_run(&f->world);
    test_expect(&f->world, "d:CST_USER d:close");
}

static void an_ended_tail_is_heard_of_and_no_more(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    cst_push_eof(f->s[1]);
    test_run(&f->world);
    test_expect(&f->world, "B:end d:end"); /* Node */
    end(f);
    test_run(&f->world);
    test_expect(&f->world,
                "A:flush A:prefinish A:end A:pause B:unpipe B:flush B:prefinish A:finish A:destroy "
                "B:finish B:destroy A:close B:close d:prefinish cb:CST_OK d:finish d:close");
}

static void a_tail_that_is_over_before_the_end_leaves_it_unfinished(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    test_run(&f->world);
    cst_push_eof(f->s[0]);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    end(f);
    test_run(&f->world);
    test_expect(&f->world, "A:flush A:prefinish A:finish A:destroy A:close"); /* Node */
    cst_destroy(f->d, CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "cb:CST_E_DESTROYED d:close");
}

/* --- destroy ---------------------------------------------------------------------------------- */

static void destroying_it_destroys_all(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    put(f, "x");
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    cst_destroy(f->d, CST_OK);
    test_run(&f->world);
    test_expect(
        &f->world,
        "B:destroy:CST_E_ABORT A:pause B:unpipe B:CST_E_ABORT A:destroy:CST_E_ABORT B:close "
        "A:CST_E_ABORT A:close d:CST_E_ABORT d:close"); /* Node */
}

static void destroying_it_with_an_error_passes_that_on(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    put(f, "x");
    cst_destroy(f->d, CST_USER(2));
    test_run(&f->world);
    test_expect(
        &f->world,
        "B:pipe A:t:x B:t:Ax B:destroy:CST_USER A:resume B:resume d:data:BAx cb:CST_OK "
        "A:pause B:unpipe B:CST_USER A:destroy:CST_USER B:close A:CST_USER A:close d:CST_USER "
        "d:close"); /* Node */
}

static void a_write_that_is_open_is_told(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", &two_items)->is_late = true;
    add_transform(f, "B", &two_items);
    compose(f, false);
    for (int i = 0; i < 4; i++)
        put(f, "x");
    test_run(&f->world);
    test_expect(&f->world, "B:pipe A:t:x A:resume B:resume cb:CST_OK");
    cst_destroy(f->d, CST_OK);
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text, "d:CST_E_ABORT d:close"));
    for (int i = 0; i < 3; i++) {
        char *told = strstr(f->world.trace.text, "cb:CST_E_DESTROYED");

        assert_non_null(told);
        told[0] = '-';
    }
    assert_null(strstr(f->world.trace.text, "cb:"));
    test_trace_clear(&f->world.trace);
    /* Of what they were told nothing stays. */
    assert_int_equal(cst_errored(f->d)->status, CST_E_ABORT);
}

/* It has been destroyed by then, and what comes out of the first stream goes nowhere. */
static void a_write_that_is_open_is_not_done_by_a_late_drain(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", &two_items)->is_late = true;
    add_transform(f, "B", &two_items);
    compose(f, false);
    put(f, "x");
    put(f, "x");
    test_run(&f->world);
    test_expect(&f->world, "B:pipe A:t:x A:resume B:resume cb:CST_OK");
    cst_destroy(f->d, CST_OK);
    f->parts[0].is_late = false;
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    test_expect(&f->world, "B:destroy:CST_E_ABORT A:t:x A:pause A:drain");
    test_run(&f->world);
    assert_null(strstr(f->world.trace.text, "cb:CST_OK"));
    assert_non_null(strstr(f->world.trace.text, "cb:CST_E_DESTROYED"));
    test_trace_clear(&f->world.trace);
}

/* It comes to wait for the drain only behind the destroy, which has not seen it. */
static void a_write_inside_which_it_is_destroyed_is_done_by_the_drain(void **state)
{
    struct fixture *f = *state;
    struct part *first = add_transform(f, "A", &(cst_opts){ .high_water_mark = 1 });

    first->is_late = true;
    first->destroys = true;
    add_transform(f, "B", NULL);
    compose(f, false);
    put(f, "x");
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    test_run(&f->world);
    test_expect(&f->world,
                "B:pipe A:t:x B:destroy:CST_E_ABORT A:drain cb:CST_OK A:resume B:resume A:pause "
                "B:unpipe B:CST_E_ABORT A:destroy:CST_E_ABORT B:close A:CST_E_ABORT A:close "
                "d:CST_E_ABORT d:close"); /* Node */
}

static void a_write_that_the_first_stream_refuses_is_not_done(void **state)
{
    struct fixture *f = *state;

    compose_two(f, false);
    cst_destroy(f->s[0], CST_OK);
    put(f, "x");
    test_run(&f->world);
    assert_null(strstr(f->world.trace.text, "cb:CST_OK"));
    assert_non_null(strstr(f->world.trace.text, "cb:CST_E_DESTROYED"));
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_errored(f->d)->status, CST_E_PREMATURE_CLOSE);
}

static void a_sink_inside_that_stays_open_is_done_when_all_is_written(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", NULL);
    add_sink(f, "S", &(cst_opts){ .no_pipe_end = true });
    compose(f, false);
    put(f, "x");
    end(f);
    test_run(&f->world);
    test_expect(&f->world,
                "S:pipe A:t:x S:w:Ax A:flush A:prefinish A:resume cb:CST_OK A:end A:pause S:unpipe "
                "A:finish A:destroy d:prefinish A:close cb:CST_OK d:finish d:close");
    assert_true(cst_is_writable(f->s[1]));
}

static cst_status destroy_later(cst_stream *s, void *self, const cst_error *error)
{
    struct part *part = *(struct part **)self;

    (void)error;
    part->f->call = cst_this_call(s);
    return CST_PENDING;
}

static cst_status fail_to_construct(cst_stream *s, void *self)
{
    (void)s, (void)self;
    return CST_USER(1);
}

/* In Node what comes of both is an AggregateError. Its pipeline takes that for no abort, and so for
 * what has failed. */
static void an_abort_stays_one_where_construct_fails_too(void **state)
{
    static const cst_ops late_ops = { .self_size = sizeof(struct part *),
                                      .transform = part_transform,
                                      .destroy = destroy_later };
    static const cst_ops failing_ops = { .self_size = sizeof(struct part *),
                                         .transform = part_transform,
                                         .construct = fail_to_construct };
    struct fixture *f = *state;
    struct part *part = next_part(f, "A");

    assert_int_equal(cst_transform_new(&f->s[0], f->world.ctx, &late_ops, &part, NULL), CST_OK);
    assert_int_equal(cst_transform_new(&f->s[1], f->world.ctx, &failing_ops, &part, NULL), CST_OK);
    f->count = 2;
    assert_int_equal(cst_compose_new(&f->d, f->s, f->count, NULL), CST_OK);
    cst_destroy(f->s[0], CST_OK);
    cst_destroy(f->d, CST_OK);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_int_equal(cst_errored(f->s[1])->status, CST_E_ABORT);
    assert_false(cst_is_closed(f->d));
    assert_int_equal(cst_complete(f->call, CST_OK), CST_OK);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_E_UNHANDLED);
    assert_int_equal(cst_errored(f->d)->status, CST_E_PREMATURE_CLOSE);
}

static void destroying_it_late_lets_the_last_stream_go(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", &two_items);
    add_transform(f, "B", NULL);
    assert_int_equal(cst_compose_new(&f->d, f->s, 2, NULL), CST_OK);
    listen_to_composition(f, false);
    cst_pause(f->s[1]);
    put(f, "x");
    end(f);
    test_run(&f->world);
    assert_true(cst_writable_finished(f->s[1]));
    test_trace_clear(&f->world.trace);
    cst_destroy(f->d, CST_OK);
    test_run(&f->world);
    assert_true(cst_is_closed(f->s[1]));
    assert_non_null(strstr(f->world.trace.text, "B:destroy"));
}

static void destroy_at_data(cst_stream *s, const cst_event *event, void *arg)
{
    note(arg, "d", "data", event->chunk);
    cst_destroy(s, CST_OK);
}

static void a_listener_may_destroy_it(void **state)
{
    struct fixture *f = *state;

    compose_two(f, false);
    assert_int_equal(cst_on(f->d, CST_DATA, destroy_at_data, f), CST_OK);
    put(f, "x");
    put(f, "y");
    test_run(&f->world);
    test_expect(
        &f->world,
        "B:pipe A:t:x B:t:Ax A:t:y B:t:Ay A:resume B:resume d:data:BAx B:destroy:CST_E_ABORT "
        "d:data:BAy cb:CST_OK cb:CST_OK A:pause B:unpipe B:CST_E_ABORT A:destroy:CST_E_ABORT "
        "B:close A:CST_E_ABORT A:close d:CST_E_ABORT d:close"); /* Node */
}

static void destroy_other(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    cst_destroy(arg, CST_OK);
}

static void listeners_of_the_stages_may_destroy_it(void **state)
{
    static const cst_event_type types[] = { CST_END, CST_CLOSE, CST_FINISH, CST_PREFINISH,
                                            CST_RESUME };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        for (int stage = 0; stage < 2; stage++) {
            f->count = 0;
            compose_two(f, true);
            assert_int_equal(cst_on(f->s[stage], types[i], destroy_other, f->d), CST_OK);
            put(f, "x");
            end(f);
            test_run(&f->world);
            assert_true(cst_is_closed(f->d));
            assert_true(cst_is_closed(f->s[0]));
            assert_true(cst_is_closed(f->s[1]));
            test_trace_clear(&f->world.trace);
        }
    }
}

static void the_caller_needs_no_reference_to_the_streams(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    cst_unref(f->s[0]);
    cst_unref(f->s[1]);
    put(f, "x");
    end(f);
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text, "d:data:BAx"));
    assert_non_null(strstr(f->world.trace.text, "d:finish d:close"));
    assert_int_equal(cst_write(f->d, cst_slice_str("z"), NULL, NULL), CST_E_WRITE_AFTER_END);
    cst_unref(f->d);
    test_run(&f->world);
}

static void it_may_be_let_go_of_before_its_streams(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    cst_destroy(f->d, CST_OK);
    cst_unref(f->d);
    test_run(&f->world);
    assert_non_null(strstr(f->world.trace.text, "d:close"));
    cst_push(f->s[1], cst_slice_str("late"));
    test_run(&f->world);
    assert_true(cst_is_closed(f->s[0]));
}

static void a_write_that_the_first_stream_has_no_length_for_fails_it(void **state)
{
    struct fixture *f = *state;

    compose_two(f, true);
    f->parts[0].is_late = true;
    assert_int_equal(cst_write(f->d, cst_slice_str("a"), NULL, NULL), CST_OK);
    cst_write(f->d, cst_slice_static("", SIZE_MAX), NULL, NULL);
    cst_complete(f->call, CST_OK);
    test_run(&f->world);
    assert_int_equal(cst_errored(f->d)->status, CST_E_OUT_OF_RANGE);
    assert_true(cst_is_destroyed(f->s[0]));
}

/* --- early exit ------------------------------------------------------------------------------- */

static cst_status endless(cst_slice *out, void *arg)
{
    (void)arg;
    *out = cst_slice_str("x");
    return CST_OK;
}

static void note_outcome(const cst_error *error, void *arg)
{
    note(arg, "pipeline", error ? cst_status_name(error->status) : "ok", NULL);
}

static void a_take_inside_lets_the_source_outside_go(void **state)
{
    struct fixture *f = *state;
    cst_stream *stages[3];
    cst_chain chain;

    cst_chain_init(&chain, test_heap_allocator(&f->world.heap));
    add_transform(f, "A", &two_items);
    assert_int_equal(cst_take_new(&f->s[1], f->world.ctx, 3, NULL), CST_OK);
    assert_int_equal(cst_compose_new(&f->d, f->s, 2, NULL), CST_OK);
    assert_int_equal(cst_from_fn_new(&stages[0], f->world.ctx, NULL, endless, f), CST_OK);
    stages[1] = f->d;
    assert_int_equal(cst_to_array_new(&stages[2], f->world.ctx, &chain, NULL, NULL, NULL), CST_OK);
    assert_int_equal(cst_pipeline(stages, 3, NULL, note_outcome, f), CST_OK);
    test_run(&f->world);
    assert_int_equal(cst_chain_count(&chain), 3);
    assert_non_null(strstr(f->world.trace.text, "pipeline:ok"));
    assert_true(cst_is_closed(stages[0]));
    assert_true(cst_is_closed(f->d));
    cst_chain_fini(&chain);
}

static cst_status is_third(bool *out, const cst_slice *chunk, void *arg)
{
    (void)chunk;
    *out = ++*(unsigned *)arg == 3;
    return CST_OK;
}

static void no_item(const cst_error *error, const cst_slice *item, void *arg)
{
    (void)arg;
    assert_null(error);
    assert_non_null(item);
}

static void a_find_at_the_end_lets_the_source_outside_go(void **state)
{
    struct fixture *f = *state;
    cst_stream *stages[2];
    unsigned count = 0;

    add_transform(f, "A", &two_items);
    assert_int_equal(cst_find_new(&f->s[1], f->world.ctx, NULL, is_third, no_item, &count), CST_OK);
    assert_int_equal(cst_compose_new(&f->d, f->s, 2, NULL), CST_OK);
    assert_int_equal(cst_from_fn_new(&stages[0], f->world.ctx, NULL, endless, f), CST_OK);
    stages[1] = f->d;
    assert_int_equal(cst_pipeline(stages, 2, NULL, note_outcome, f), CST_OK);
    test_run(&f->world);
    assert_int_equal(count, 3);
    assert_non_null(strstr(f->world.trace.text, "pipeline:ok"));
    assert_true(cst_is_closed(stages[0]));
    assert_true(cst_is_closed(f->d));
}

static void by_hand_an_early_exit_holds_then_closes(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", &two_items);
    assert_int_equal(cst_take_new(&f->s[1], f->world.ctx, 1, NULL), CST_OK);
    f->count = 2;
    compose(f, false);
    put(f, "x");
    put(f, "y");
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_on(f->d, CST_DATA, on_event, &f->parts[PARTS]), CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "d:data:Ax cb:CST_E_DESTROYED d:end d:close");
}

static void by_hand_an_early_exit_finishes_where_it_was_ended(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", &two_items);
    assert_int_equal(cst_take_new(&f->s[1], f->world.ctx, 1, NULL), CST_OK);
    f->count = 2;
    compose(f, false);
    put(f, "x");
    put(f, "y");
    put(f, "z");
    end(f);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    assert_int_equal(cst_on(f->d, CST_DATA, on_event, &f->parts[PARTS]), CST_OK);
    test_run(&f->world);
    test_expect(&f->world,
                "d:data:Ax cb:CST_OK d:prefinish d:end cb:CST_OK cb:CST_OK d:finish d:close");
}

/* --- at the door ------------------------------------------------------------------------------ */

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_stream *out = NULL, *pair[2];
    cst_ctx *other;

    add_transform(f, "A", NULL);
    add_sink(f, "W", NULL);
    add_source(f, "R");
    assert_int_equal(cst_compose_new(NULL, f->s, 2, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_compose_new(&out, NULL, 2, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_compose_new(&out, f->s, 0, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_compose_new(&out, f->s, 3, NULL), CST_E_INVALID_ARG);
    pair[0] = f->s[0];
    pair[1] = NULL;
    assert_int_equal(cst_compose_new(&out, pair, 2, NULL), CST_E_INVALID_ARG);
    pair[1] = f->s[2]; /* a source cannot be last */
    assert_int_equal(cst_compose_new(&out, pair, 2, NULL), CST_E_INVALID_ARG);
    pair[0] = f->s[1]; /* nor a sink first */
    pair[1] = f->s[0];
    assert_int_equal(cst_compose_new(&out, pair, 2, NULL), CST_E_INVALID_ARG);

    assert_int_equal(cst_ctx_new(&other, test_heap_allocator(&f->world.heap), NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&pair[0], other, NULL), CST_OK);
    assert_int_equal(cst_compose_new(&out, pair, 2, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_ctx_free(other), CST_OK);

    pair[0] = f->s[2];
    cst_destroy(f->s[0], CST_OK);
    assert_int_equal(cst_compose_new(&out, pair, 2, NULL), CST_E_INVALID_ARG);
    assert_null(out);
    test_run(&f->world);
}

static void a_stream_that_goes_while_it_is_joined_cannot_be_piped_to(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", NULL);
    add_transform(f, "B", NULL);
    add_transform(f, "C", NULL);
    add_transform(f, "D", NULL);
    assert_int_equal(cst_on(f->s[1], CST_PIPE, destroy_other, f->s[3]), CST_OK);
    assert_int_equal(cst_compose_new(&f->d, f->s, 4, NULL), CST_E_UNABLE_TO_PIPE);
    assert_null(f->d);
    cst_end(f->s[0], NULL, NULL);
    cst_resume(f->s[1]);
    test_run(&f->world); /* the first two are joined, and their outcome is nobody's */
    assert_true(cst_is_closed(f->s[1]));
}

static void make_another(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;
    cst_stream *out = NULL;

    (void)s;
    (void)event;
    assert_int_equal(cst_compose_new(&out, f->s, 2, NULL), CST_E_INVALID_ARG);
    assert_null(out);
}

static void a_context_that_is_being_freed_makes_none(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", NULL);
    add_transform(f, "B", NULL);
    assert_int_equal(cst_on(f->s[0], CST_CLOSE, make_another, f), CST_OK);
}

static void a_context_may_go_in_the_middle(void **state)
{
    struct fixture *f = *state;

    add_transform(f, "A", &two_items)->is_late = true;
    add_transform(f, "B", &two_items);
    compose(f, false);
    for (int i = 0; i < 4; i++)
        put(f, "x");
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    f->world.ctx = NULL;
    assert_non_null(strstr(f->world.trace.text, "d:close"));
}

/* --- without memory --------------------------------------------------------------------------- */

struct job {
    cst_stream *stages[3];
    cst_stream *parts[2];
    cst_chain chain;
    cst_status outcome;
    bool is_done;
};

static void job_done(const cst_error *error, void *arg)
{
    struct job *job = arg;

    assert_false(job->is_done);
    job->is_done = true;
    job->outcome = error ? error->status : CST_OK;
}

static cst_status run_job(struct job *job, cst_ctx *ctx)
{
    const cst_opts small = { .high_water_mark = 2 };
    cst_status st = cst_memory_source_new(&job->stages[0], ctx, cst_slice_str("abcdefgh"), &small);

    for (int i = 0; i < 2 && st == CST_OK; i++)
        st = cst_passthrough_new(&job->parts[i], ctx, &small);
    if (st == CST_OK)
        st = cst_compose_new(&job->stages[1], job->parts, 2, &small);
    if (st == CST_OK)
        st = cst_memory_sink_new(&job->stages[2], ctx, &job->chain, 0, &small);
    if (st == CST_OK)
        st = cst_pipeline(job->stages, 3, NULL, job_done, job);
    if (st < 0)
        return st;
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_true(job->is_done);
    return job->outcome;
}

static void any_allocation_may_fail(void **state)
{
    struct test_heap heap;
    size_t k = 0;

    (void)state;
    do {
        struct job job = { .is_done = false };
        cst_ctx *ctx = NULL;
        cst_status st;

        test_heap_init(&heap);
        test_heap_fail_at(&heap, ++k);
        cst_chain_init(&job.chain, test_heap_allocator(&heap));
        st = cst_ctx_new(&ctx, test_heap_allocator(&heap), NULL);
        if (st == CST_OK)
            st = run_job(&job, ctx);
        assert_true(st == CST_OK ? cst_chain_bytes(&job.chain) == 8
                                 : st == CST_E_NOMEM && heap.failures);
        assert_int_equal(cst_ctx_free(ctx), CST_OK);
        cst_chain_fini(&job.chain);
        assert_int_equal(heap.live_blocks, 0);
    } while (heap.failures);
    assert_true(k > 8);
}

static void without_memory_the_streams_are_as_before(void **state)
{
    struct fixture *f = *state;
    cst_status st;
    size_t k = 0;

    do {
        f->count = 0;
        f->d = NULL;
        add_transform(f, "A", NULL);
        add_transform(f, "B", NULL);
        test_heap_fail_at(&f->world.heap, ++k);
        st = cst_compose_new(&f->d, f->s, 2, NULL);
        test_heap_fail_never(&f->world.heap);
        if (st == CST_OK)
            break;
        assert_int_equal(st, CST_E_NOMEM);
        assert_null(f->d);
        assert_string_equal(f->world.trace.text, "");
        test_run(&f->world);
        assert_int_equal(cst_readable_flowing(f->s[1]), CST_FLOWING_UNSET);
        assert_int_equal(cst_listener_count(f->s[1], CST_PIPE), 1);
    } while (k < 20);
    assert_in_range(k, 1, 10);
    test_expect(&f->world, "B:pipe");
}

static cst_status count_chunk(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)chunk;
    ++**(size_t **)self;
    return CST_OK;
}

static cst_status read_nothing(cst_stream *s, void *self, size_t hint)
{
    (void)s;
    (void)self;
    (void)hint;
    return CST_OK;
}

/* Chunks take the fast path outside and inside at once. */
static void pass_throughs_may_stand_before_it_and_in_it(void **state)
{
    static const cst_ops reading = { .read = read_nothing };
    static const cst_ops counting = { .self_size = sizeof(size_t *), .write = count_chunk };
    struct fixture *f = *state;
    size_t count = 0, *counter = &count;
    cst_stream *source, *outer, *inner[2], *composed, *sink;

    assert_int_equal(cst_readable_new(&source, f->world.ctx, &reading, NULL, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&outer, f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&inner[0], f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_passthrough_new(&inner[1], f->world.ctx, NULL), CST_OK);
    assert_int_equal(cst_writable_new(&sink, f->world.ctx, &counting, &counter, NULL), CST_OK);
    assert_int_equal(cst_compose_new(&composed, inner, 2, NULL), CST_OK);
    assert_int_equal(cst_pipe(source, outer, NULL), CST_OK);
    assert_int_equal(cst_pipe(outer, composed, NULL), CST_OK);
    assert_int_equal(cst_pipe(composed, sink, NULL), CST_OK);
    test_run(&f->world);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(cst_push_copy(source, "chunk", 5), CST_OK);
    assert_int_equal(cst_push_eof(source), CST_EOF);
    test_run(&f->world);
    assert_int_equal(count, 8);
    assert_true(cst_writable_finished(sink));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(a_sink_inside_that_stays_open_is_done_when_all_is_written),
    T(a_write_that_the_first_stream_has_no_length_for_fails_it),
    T(what_is_written_comes_out_of_the_last),
    T(nothing_is_lost_where_nobody_reads),
    T(a_late_stage_holds_nothing_but_itself),
    T(three_stages_and_more),
    T(a_composition_may_be_part_of_another),
    T(it_can_stand_in_a_pipeline),
    T(a_source_first_makes_it_readable_only),
    T(a_sink_last_makes_it_writable_only),
    T(with_a_source_and_a_sink_it_closes_when_all_is_over),
    T(modes_are_those_of_the_first_and_the_last),
    T(one_stream_is_its_own_composition),
    T(a_reader_that_holds_holds_the_writer),
    T(a_pause_and_a_resume_go_as_in_node),
    T(a_first_stage_that_fails_fails_it),
    T(a_last_stage_that_fails_fails_it),
    T(a_stage_that_closes_early_fails_it),
    T(a_last_stage_that_closes_early_fails_it),
    T(an_error_of_the_last_stream_after_the_pipeline_counts),
    T(an_ended_tail_is_heard_of_and_no_more),
    T(a_tail_that_is_over_before_the_end_leaves_it_unfinished),
    T(destroying_it_destroys_all),
    T(destroying_it_with_an_error_passes_that_on),
    T(a_write_that_is_open_is_told),
    T(a_write_that_is_open_is_not_done_by_a_late_drain),
    T(a_write_inside_which_it_is_destroyed_is_done_by_the_drain),
    T(a_write_that_the_first_stream_refuses_is_not_done),
    T(an_abort_stays_one_where_construct_fails_too),
    T(destroying_it_late_lets_the_last_stream_go),
    T(a_listener_may_destroy_it),
    T(listeners_of_the_stages_may_destroy_it),
    T(the_caller_needs_no_reference_to_the_streams),
    T(it_may_be_let_go_of_before_its_streams),
    T(a_take_inside_lets_the_source_outside_go),
    T(a_find_at_the_end_lets_the_source_outside_go),
    T(by_hand_an_early_exit_holds_then_closes),
    T(by_hand_an_early_exit_finishes_where_it_was_ended),
    T(wrong_arguments_are_refused),
    T(a_stream_that_goes_while_it_is_joined_cannot_be_piped_to),
    T(a_context_that_is_being_freed_makes_none),
    T(a_context_may_go_in_the_middle),
    T(pass_throughs_may_stand_before_it_and_in_it),
    T(any_allocation_may_fail),
    T(without_memory_the_streams_are_as_before),
};

TEST_MAIN(tests)

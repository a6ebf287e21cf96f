/*
 * many_sources.h - what holds for each stream that is made of several sources, one after another or
 * as they come. A test file includes it after its struct fixture, which has
 *
 *     world    its s is the whole
 *     sources  MAX of them, up to NULL
 *     opts     of each stream
 *
 * and after it has said what makes the whole: #define WHOLE_NEW cst_merge_new.
 */
#ifndef MANY_SOURCES_H
#define MANY_SOURCES_H

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < MAX; i++)
        cst_unref(f->sources[i]);
    cst_unref(f->world.s);
    test_world_close(&f->world);
    return 0;
}

/* A source of these letters, each a chunk. */
static cst_status letters(cst_stream **out, struct fixture *f, const char *text)
{
    cst_slice items[8];
    size_t count = strlen(text);

    for (size_t i = 0; i < count; i++)
        items[i] = cst_slice_static(text + i, 1);
    return cst_from_array_new(out, f->world.ctx, items, count,
                              &(cst_opts){ .object_mode = f->opts.object_mode });
}

static void have(struct fixture *f, size_t at, const char *text)
{
    assert_int_equal(letters(&f->sources[at], f, text), CST_OK);
}

/* A source into which the test pushes. */
static void have_by_hand(struct fixture *f, size_t at)
{
    static const cst_ops ops = { .name = "hand" };

    assert_int_equal(cst_readable_new(&f->sources[at], f->world.ctx, &ops, NULL, &f->opts), CST_OK);
}

static size_t count(const struct fixture *f)
{
    size_t n = 0;

    while (n < MAX && f->sources[n])
        n++;
    return n;
}

static void make(struct fixture *f)
{
    assert_int_equal(WHOLE_NEW(&f->world.s, f->world.ctx, f->sources, count(f), &f->opts), CST_OK);
}

static void flow(struct fixture *f)
{
    test_record(&f->world, f->world.s, CST_DATA);
    test_record_the_end(&f->world, f->world.s);
    test_run(&f->world);
}

static void push(struct fixture *f, size_t at, const char *text)
{
    cst_push_copy(f->sources[at], text, strlen(text));
}

static void messages_stay_apart_and_empty_ones_too(void **state)
{
    struct fixture *f = *state;

    f->opts.object_mode = true;
    have_by_hand(f, 0);
    push(f, 0, "");
    push(f, 0, "ab");
    cst_push_eof(f->sources[0]);
    make(f);
    flow(f);
    test_expect(&f->world, "data: data:ab end close");
}

static void read_on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    (void)arg;
    cst_read(NULL, s, 0);
}

static void a_data_listener_that_reads_on_loses_nothing(void **state)
{
    struct fixture *f = *state;

    f->opts.high_water_mark = CST_HWM_ZERO;
    have_by_hand(f, 0);
    make(f);
    cst_on(f->world.s, CST_DATA, read_on_data, f);
    flow(f);
    push(f, 0, "a");
    push(f, 0, "b");
    push(f, 0, "c");
    cst_push_eof(f->sources[0]);
    test_run(&f->world);
    test_expect(&f->world, "data:a data:b data:c end close");
}

static void expect_aborted(struct fixture *f, size_t at)
{
    assert_true(cst_is_closed(f->sources[at]));
    assert_int_equal(cst_errored(f->sources[at])->status, CST_E_ABORT);
}

static void a_source_that_closes_early_fails_the_whole(void **state)
{
    struct fixture *f = *state;

    have_by_hand(f, 0);
    make(f);
    flow(f);
    cst_destroy(f->sources[0], CST_OK);
    test_run(&f->world);
    test_expect(&f->world, "error:PREMATURE_CLOSE close");
}

static void a_source_that_fails_while_the_whole_is_full_fails_it_too(void **state)
{
    struct fixture *f = *state;

    f->opts.high_water_mark = 1;
    have_by_hand(f, 0);
    push(f, 0, "ab");
    make(f);
    cst_read(NULL, f->world.s, 0);
    push(f, 0, "cd");
    test_record_the_end(&f->world, f->world.s);
    test_run(&f->world);
    cst_destroy(f->sources[0], CST_USER(7));
    test_run(&f->world);
    test_expect(&f->world, "error:USER close");
}

/* Drops what it destroys, so that only the stream itself keeps its memory. */
static void drop_the_whole(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    (void)event;
    if (!f->world.s)
        return;
    cst_destroy(f->world.s, CST_OK);
    cst_unref(f->world.s);
    f->world.s = NULL;
}

static void a_listener_of_a_source_may_drop_the_whole(void **state)
{
    static const cst_event_type types[] = { CST_READABLE, CST_END, CST_CLOSE, CST_ERROR };
    struct fixture *f = *state;

    for (size_t i = 0; i < 4; i++) {
        have_by_hand(f, 0);
        make(f);
        cst_prepend(f->sources[0], types[i], drop_the_whole, f);
        cst_resume(f->world.s);
        test_run(&f->world);
        push(f, 0, "a");
        test_run(&f->world);
        if (types[i] == CST_ERROR)
            cst_destroy(f->sources[0], CST_USER(1));
        else
            cst_push_eof(f->sources[0]);
        test_run(&f->world);
        cst_off(f->sources[0], types[i], drop_the_whole, f);
        cst_unref(f->world.s);
        f->world.s = NULL;
        cst_unref(f->sources[0]);
        f->sources[0] = NULL;
    }
}

static void a_data_listener_may_drop_the_whole(void **state)
{
    struct fixture *f = *state;

    have(f, 0, "ab");
    make(f);
    cst_on(f->world.s, CST_DATA, drop_the_whole, f);
    test_run(&f->world);
    assert_null(f->world.s);
    assert_true(cst_is_destroyed(f->sources[0]));
}

static void a_context_is_freed_at_any_step(void **state)
{
    (void)state;
    for (size_t steps = 0; steps < 40; steps++) {
        struct fixture *f;
        void *own;

        setup(&own);
        f = own;
        have(f, 0, "ab");
        have(f, 1, "c");
        make(f);
        cst_resume(f->world.s);
        for (size_t i = 0; i < steps; i++)
            cst_ctx_run(f->world.ctx, &(cst_budget){ .tasks = 1 });
        if (steps % 2)
            cst_destroy(f->world.s, CST_OK);
        teardown(&own);
    }
}

static void run_without_memory(struct fixture *f, size_t fails_at, bool from_there)
{
    cst_stream *in[2] = { NULL, NULL }, *s = NULL;
    cst_status st;

    assert_int_equal(letters(&in[0], f, "ab"), CST_OK);
    assert_int_equal(letters(&in[1], f, "c"), CST_OK);
    if (from_there)
        test_heap_fail_from(&f->world.heap, fails_at);
    else
        test_heap_fail_at(&f->world.heap, fails_at);
    st = WHOLE_NEW(&s, f->world.ctx, in, 2, NULL);
    if (st == CST_OK) {
        cst_on(s, CST_ERROR, test_ignore, NULL);
        cst_resume(s);
        cst_ctx_run(f->world.ctx, NULL);
        if (cst_errored(s))
            st = cst_errored(s)->status;
        else if (!cst_readable_ended(s))
            st = CST_EMPTY;
    }
    test_heap_fail_never(&f->world.heap);
    assert_true(st == CST_OK || st == CST_E_NOMEM);
    assert_true(st == CST_OK || f->world.heap.failures > 0);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    for (size_t i = 0; i < 2; i++) {
        cst_on(in[i], CST_ERROR, test_ignore, NULL);
        cst_destroy(in[i], CST_OK);
        cst_unref(in[i]);
    }
    cst_ctx_run(f->world.ctx, NULL);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; n < 30; n++) {
        void *own;

        for (int from_there = 0; from_there < 2; from_there++) {
            setup(&own);
            run_without_memory(own, n, from_there);
            teardown(&own);
        }
    }
}

#endif

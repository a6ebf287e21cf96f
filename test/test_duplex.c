/* test_duplex.c - duplex.h and the life of a stream: transforms, pass-throughs, pairs, construct and destroy. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "heap.h"
#include "main.h"
#include "trace.h"

struct fixture {
    struct test_heap heap;
    struct test_trace trace;
    cst_ctx *ctx;
};

/* What the scripted transform does with each chunk. */
enum how { ECHO, GIVE, TWICE, NOTHING, FAIL, LATE };

struct filter {
    struct test_trace *trace;
    const char *name;
    enum how how;
    cst_call call;
    cst_slice chunk;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .ctx = NULL };
    test_heap_init(&f.heap);
    assert_int_equal(cst_ctx_new(&f.ctx, test_heap_allocator(&f.heap), NULL), CST_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
    assert_int_equal(f->heap.live_blocks, 0);
    return 0;
}

static cst_status filter_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct filter *filter = self;

    switch (filter->how) {
    case ECHO:
        cst_push(s, cst_slice_ref(chunk));
        return CST_OK;
    case GIVE:
        return cst_give(s, cst_slice_ref(chunk));
    case TWICE:
        cst_push(s, cst_slice_ref(chunk));
        return cst_give(s, cst_slice_ref(chunk));
    case NOTHING:
        return CST_OK;
    case FAIL:
        return CST_USER(9);
    case LATE:
        filter->call = cst_this_call(s);
        filter->chunk = *chunk; /* its bytes stay until the answer */
        return CST_PENDING;
    }
    return CST_E_INVALID_ARG;
}

static cst_status filter_flush(cst_stream *s, void *self)
{
    (void)self;
    return cst_give(s, cst_slice_str("!"));
}

static const cst_ops filter_ops = { .name = "filter",
                                    .self_size = sizeof(struct filter),
                                    .transform = filter_transform,
                                    .flush = filter_flush };

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    test_trace_add(arg, "data:%.*s", (int)event->chunk->len, (const char *)event->chunk->data);
}

static cst_stream *make_filter(struct fixture *f, enum how how)
{
    cst_stream *s;

    assert_int_equal(cst_transform_new(&s, f->ctx, &filter_ops, NULL, NULL), CST_OK);
    test_trace_listen(&f->trace, s, "t");
    ((struct filter *)cst_stream_self(s))->how = how;
    assert_int_equal(cst_on(s, CST_DATA, on_data, &f->trace), CST_OK);
    return s;
}

static void run(struct fixture *f)
{
    assert_int_equal(cst_ctx_run(f->ctx, NULL), CST_IDLE);
}

static void expect(struct fixture *f, const char *text)
{
    assert_string_equal(f->trace.text, text);
    test_trace_clear(&f->trace);
}

static void check_filter(struct fixture *f, enum how how, const char *text)
{
    cst_stream *s = make_filter(f, how);

    cst_write(s, cst_slice_str("a"), NULL, NULL);
    cst_end(s, NULL, NULL);
    run(f);
    expect(f, text);
}

static void a_transform_may_push_give_do_both_or_nothing(void **state)
{
    struct fixture *f = *state;

    check_filter(f, ECHO, "data:a data:! t:resume t:end t:finish t:close");
    check_filter(f, GIVE, "data:a data:! t:resume t:end t:finish t:close");
    check_filter(f, TWICE, "data:a data:a data:! t:resume t:end t:finish t:close");
    check_filter(f, NOTHING, "data:! t:resume t:end t:finish t:close");
    check_filter(f, FAIL, "t:resume t:error:CST_USER t:close");
}

static void a_late_transform_is_completed_with_a_chunk(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = make_filter(f, LATE);
    struct filter *filter = cst_stream_self(s);

    cst_write_copy(s, "ab", 2, NULL, NULL);
    run(f);
    expect(f, "t:resume");
    assert_int_equal(cst_complete_with(filter->call, cst_slice_ref(&filter->chunk)), CST_OK);
    expect(f, "data:ab");
    assert_int_equal(cst_complete_with((cst_call){ NULL, 0, 0 }, cst_slice_empty()),
                     CST_E_INVALID_ARG);
}

static void a_pass_through_hands_on_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;
    cst_slice in, out;

    assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
    assert_int_equal(cst_slice_copy(&in, test_heap_allocator(&f->heap), "xyz", 3), CST_OK);
    cst_write(s, cst_slice_ref(&in), NULL, NULL);
    assert_int_equal(cst_read(&out, s, CST_READ_ANY), CST_OK);
    assert_ptr_equal(out.data, in.data);
    cst_slice_unref(&in);
    cst_slice_unref(&out);
}

struct deep {
    uintptr_t lowest;
    size_t chunks;
};

static cst_status deep_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct deep *deep = self;
    volatile char here = 0;

    (void)s;
    (void)chunk;
    if ((uintptr_t)&here < deep->lowest)
        deep->lowest = (uintptr_t)&here;
    deep->chunks++;
    return CST_OK;
}

static cst_status copy_on(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)self;
    return cst_give(s, cst_slice_ref(chunk));
}

/* Both the flat walk of pass-throughs and the nesting of transforms. */
static void the_stack_does_not_grow_with_the_pipeline(void **state)
{
    static const cst_ops sink_ops = { .self_size = sizeof(struct deep), .write = deep_write };
    static const cst_ops copy_ops = { .transform = copy_on };
    struct fixture *f = *state;
    volatile char here = 0;
    cst_stream *first = NULL, *last = NULL, *sink;
    struct deep *deep;

    for (int i = 0; i < 2000; i++) {
        cst_stream *s;

        if (i < 1000)
            assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
        else
            assert_int_equal(cst_transform_new(&s, f->ctx, &copy_ops, NULL, NULL), CST_OK);
        if (last)
            assert_int_equal(cst_pipe(last, s, NULL), CST_OK);
        else
            first = s;
        last = s;
    }
    assert_int_equal(
        cst_writable_new(&sink, f->ctx, &sink_ops, &(struct deep){ .lowest = UINTPTR_MAX }, NULL),
        CST_OK);
    assert_int_equal(cst_pipe(last, sink, NULL), CST_OK);
    for (int i = 0; i < 10; i++)
        cst_write(first, cst_slice_str("chunk"), NULL, NULL);
    cst_end(first, NULL, NULL);
    deep = cst_stream_self(cst_ref(sink));
    run(f);
    assert_int_equal(deep->chunks, 10);
    assert_true((uintptr_t)&here - deep->lowest < 512 * 1024);
}

static void no_half_open_ends_the_writable_side_too(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    assert_int_equal(
        cst_duplex_new(&s, f->ctx, &test_sink_ops, NULL, &(cst_opts){ .no_half_open = true }),
        CST_OK);
    test_trace_listen(&f->trace, s, "d");
    cst_push_eof(s);
    cst_resume(s);
    run(f);
    expect(f, "d:resume d:end d:final d:finish d:destroy d:close");
}

static void what_one_side_of_a_pair_writes_the_other_reads(void **state)
{
    struct fixture *f = *state;
    cst_stream *a, *b;
    cst_slice chunk;

    assert_int_equal(cst_duplex_pair_new(&a, &b, f->ctx, NULL), CST_OK);
    cst_write(a, cst_slice_str("hello"), NULL, NULL);
    assert_int_equal(cst_read(&chunk, b, CST_READ_ANY), CST_OK);
    assert_memory_equal(chunk.data, "hello", 5);
    cst_slice_unref(&chunk);
    cst_destroy(a, CST_OK);
    run(f);
    assert_int_equal(cst_read(&chunk, b, CST_READ_ANY), CST_EOF);
    cst_unref(a);
    cst_unref(b);
}

static cst_status construct_late(cst_stream *s, void *self)
{
    struct filter *filter = self;

    test_trace_add(filter->trace, "construct");
    filter->call = cst_this_call(s);
    return CST_PENDING;
}

static cst_status destroy_swallows(cst_stream *s, void *self, const cst_error *error)
{
    struct filter *filter = self;

    (void)s;
    test_trace_add(filter->trace, "destroy:%s", error ? cst_status_name(error->status) : "-");
    return CST_SWALLOW;
}

static void construct_goes_first_and_destroy_waits_for_it_and_may_swallow(void **state)
{
    static const cst_ops ops = { .self_size = sizeof(struct filter),
                                 .construct = construct_late,
                                 .destroy = destroy_swallows };
    struct fixture *f = *state;
    struct filter *filter;
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, f->ctx, &ops, NULL, NULL), CST_OK);
    test_trace_listen(&f->trace, s, "c");
    filter = cst_stream_self(s);
    run(f);
    cst_destroy(s, CST_OS(5));
    run(f);
    expect(f, "construct");
    cst_complete(filter->call, CST_OK);
    run(f);
    expect(f, "destroy:CST_OS c:close");
    assert_int_equal(cst_status_os(cst_errored(s)->status), 5);
}

static void every_failed_allocation_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        cst_ctx *ctx;
        cst_stream *s = NULL;
        size_t before = f->heap.failures;

        assert_int_equal(cst_ctx_new(&ctx, test_heap_allocator(&f->heap), NULL), CST_OK);
        test_heap_fail_at(&f->heap, n);
        if (cst_transform_new(&s, ctx, &filter_ops, NULL, NULL) == CST_OK) {
            cst_on(s, CST_DATA, on_data, &f->trace);
            cst_write_copy(s, "a", 1, NULL, NULL);
            cst_write_copy(s, "b", 1, NULL, NULL);
            cst_end(s, NULL, NULL);
            cst_ctx_run(ctx, NULL);
        }
        test_heap_fail_never(&f->heap);
        failed = f->heap.failures > before;
        test_trace_clear(&f->trace);
        assert_int_equal(cst_ctx_free(ctx), CST_OK);
    }
}

static void tables_without_the_slot_that_counts_are_refused(void **state)
{
    static const cst_ops none = { .name = "none" };
    struct fixture *f = *state;
    cst_stream *s, *t;

    assert_int_equal(cst_transform_new(&s, f->ctx, &none, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_new(&s, f->ctx, &none, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_new(&s, f->ctx, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_passthrough_new_with(&s, f->ctx, &filter_ops, NULL, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_passthrough_new(NULL, f->ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_passthrough_new(&s, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_pair_new(&s, NULL, f->ctx, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_duplex_pair_new(&s, &t, NULL, NULL), CST_E_INVALID_ARG);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(a_transform_may_push_give_do_both_or_nothing),
    CASE(a_late_transform_is_completed_with_a_chunk),
    CASE(a_pass_through_hands_on_the_same_bytes),
    CASE(the_stack_does_not_grow_with_the_pipeline),
    CASE(no_half_open_ends_the_writable_side_too),
    CASE(what_one_side_of_a_pair_writes_the_other_reads),
    CASE(construct_goes_first_and_destroy_waits_for_it_and_may_swallow),
    CASE(every_failed_allocation_leaves_nothing_behind),
    CASE(tables_without_the_slot_that_counts_are_refused),
};

TEST_MAIN(tests)

/* test_port.c - port.h: spans, wants, and what the host says, as it comes to the stream. */
#include "world.h"

#include <string.h>

struct fixture {
    struct test_world world;
    cst_port_opts opts; /* interest is recorded as `want:` and the letters of what is wanted */
};

static void on_interest(cst_stream *s, unsigned want, void *arg)
{
    struct fixture *f = arg;

    assert_int_equal(cst_port_want(s), want);
    test_trace_add(&f->world.trace, "want:%s%s%s%s", want & CST_PORT_IN ? "I" : "",
                   want & CST_PORT_OUT ? "O" : "", want & CST_PORT_END ? "E" : "",
                   want & CST_PORT_CANCEL ? "C" : "");
}

static int set_up(void **state)
{
    static struct fixture f;

    f.opts = (cst_port_opts){ .interest = on_interest, .arg = &f };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

static void listen(struct fixture *f, cst_stream *s)
{
    static const cst_event_type types[] = { CST_END, CST_CLOSE, CST_FINISH, CST_DRAIN, CST_ERROR };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        test_record(&f->world, s, types[i]);
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    test_trace_add(&((struct fixture *)arg)->world.trace, "done:%s", test_status_word(status));
}

static cst_stream *source(struct fixture *f, const cst_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_port_source_new(&s, f->world.ctx, &f->opts, opts), CST_OK);
    listen(f, s);
    return s;
}

static cst_stream *sink(struct fixture *f, const cst_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_port_sink_new(&s, f->world.ctx, &f->opts, opts), CST_OK);
    listen(f, s);
    return s;
}

/* A device that has just so many bytes. */
static void feed(cst_stream *s, const char *text)
{
    cst_span span;

    assert_int_equal(cst_port_reserve(&span, s), CST_OK);
    assert_true(span.len >= strlen(text));
    memcpy(span.data, text, strlen(text));
    assert_int_equal(cst_port_commit(s, strlen(text)), CST_OK);
}

static void assert_peek(cst_stream *s, const char *const *texts)
{
    cst_const_span spans[8];
    size_t n = cst_port_peek(spans, s, 8);

    for (size_t i = 0; i < n; i++) {
        assert_non_null(texts[i]);
        assert_int_equal(spans[i].len, strlen(texts[i]));
        assert_memory_equal(spans[i].data, texts[i], spans[i].len);
    }
    assert_null(texts[n]);
}

#define ASSERT_PEEK(s, ...) assert_peek(s, (const char *const[]){ __VA_ARGS__, NULL })

/* --- the way in ------------------------------------------------------------------------------- */

static void a_source_wants_bytes_once_somebody_reads_and_gets_them_in_the_run(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f, NULL);
    cst_span span;

    test_run(&f->world);
    assert_int_equal(cst_port_reserve(&span, s), CST_EMPTY);
    assert_int_equal(cst_port_want(s), 0);
    test_record(&f->world, s, CST_DATA);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:I");
    feed(s, "abc");
    assert_int_equal(cst_port_want(s), 0); /* what was brought is under way */
    assert_string_equal(f->world.trace.text, "want:I");
    test_run(&f->world);
    assert_string_equal(f->world.trace.text,
                        "want:I data:abc"); /* the want stands: it is not told again */
    feed(s, "d");
    assert_int_equal(cst_port_eof(s), CST_OK);
    assert_int_equal(cst_port_want(s), 0);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:I data:abc data:d end close want:");
    assert_int_equal(cst_port_reserve(&span, s), CST_EMPTY);
    cst_unref(s);
}

static void each_transfer_is_followed_by_all_that_it_causes(void **state)
{
    struct fixture *f = *state;
    cst_stream *a = source(f, NULL), *b = source(f, NULL);

    f->opts.interest = NULL;
    test_record(&f->world, a, CST_DATA);
    test_record(&f->world, b, CST_DATA);
    test_run(&f->world);
    test_trace_clear(&f->world.trace);
    feed(a, "a");
    cst_port_eof(a);
    feed(b, "b");
    cst_port_eof(b);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "data:a end close data:b end close want: want:");
}

static void nothing_read_keeps_the_want_and_the_block(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f, NULL);
    cst_span first, second;
    size_t calls;

    cst_resume(s);
    test_run(&f->world);
    assert_int_equal(cst_port_reserve(&first, s), CST_OK);
    assert_int_equal(first.len, 65536);
    assert_int_equal(cst_port_want(s), 0);
    assert_int_equal(cst_port_reserve(&second, s), CST_EMPTY); /* it is lent */
    calls = f->world.heap.calls;
    assert_int_equal(cst_port_commit(s, 0), CST_OK);
    assert_int_equal(cst_port_want(s), CST_PORT_IN);
    assert_int_equal(cst_port_reserve(&second, s), CST_OK);
    assert_ptr_equal(first.data, second.data);
    assert_int_equal(f->world.heap.calls, calls);
    assert_int_equal(cst_port_commit(s, 0), CST_OK);
    assert_false(cst_ctx_has_work(f->world.ctx));
    assert_string_equal(f->world.trace.text, "want:I");
}

static void a_full_port_wants_nothing_until_there_is_room(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f, &(cst_opts){ .high_water_mark = 4 });
    cst_slice chunk;

    assert_int_equal(cst_read(NULL, s, 0), CST_EMPTY);
    test_run(&f->world);
    cst_pause(s);
    assert_int_equal(cst_port_want(s), CST_PORT_IN); /* paused, and not yet full */
    feed(s, "ab");
    test_run(&f->world);
    assert_int_equal(cst_port_want(s), CST_PORT_IN);
    feed(s, "cd");
    test_run(&f->world);
    assert_int_equal(cst_port_want(s), 0);
    assert_string_equal(f->world.trace.text, "want:I want:");
    assert_int_equal(cst_read(&chunk, s, 3), CST_OK);
    cst_slice_unref(&chunk);
    test_run(&f->world);
    assert_int_equal(cst_port_want(s), CST_PORT_IN);
    assert_string_equal(f->world.trace.text, "want:I want: want:I");
}

static void a_read_inside_the_push_keeps_its_want(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f, &(cst_opts){ .high_water_mark = 2 });
    cst_slice chunk;

    test_record(&f->world, s, CST_READABLE);
    test_run(&f->world);
    for (int i = 0; i < 3; i++) {
        feed(s, "ab");
        test_run(&f->world);
        assert_int_equal(cst_read(&chunk, s, CST_READ_ANY), CST_OK);
        cst_slice_unref(&chunk);
        test_run(&f->world);
        assert_int_equal(cst_port_want(s), CST_PORT_IN);
    }
}

static void small_chunks_do_not_pin_large_blocks(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f, NULL);
    cst_slice chunk;

    cst_read(NULL, s, 0);
    test_run(&f->world);
    feed(s, "a");
    test_run(&f->world);
    assert_int_equal(cst_read(&chunk, s, CST_READ_ANY), CST_OK);
    assert_int_equal(cst_slice_pinned_bytes(&chunk), 4096);
    cst_slice_unref(&chunk);
}

static void a_span_size_of_ones_own_is_taken(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;
    cst_span span;

    f->opts.span_bytes = 100;
    s = source(f, NULL);
    cst_resume(s);
    test_run(&f->world);
    assert_int_equal(cst_port_reserve(&span, s), CST_OK);
    assert_int_equal(span.len, 100);
    assert_int_equal(cst_port_commit(s, 101), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_port_commit(s, 100), CST_OK);
    test_run(&f->world);
    f->opts.span_bytes = 0;
    s = source(f, &(cst_opts){ .high_water_mark = CST_HWM_ZERO });
    cst_resume(s);
    test_run(&f->world);
    assert_int_equal(cst_port_reserve(&span, s), CST_OK);
    assert_int_equal(span.len, 65536);
    assert_int_equal(cst_port_commit(s, 0), CST_OK);
}

static void steady_flow_allocates_nothing(void **state)
{
    struct fixture *f = *state;
    cst_stream *in, *out;
    cst_const_span spans[4];
    size_t calls = 0;

    f->opts.interest = NULL;
    in = source(f, NULL);
    out = sink(f, NULL);
    assert_int_equal(cst_pipe(in, out, NULL), CST_OK);
    test_run(&f->world);
    for (int i = 0; i < 200; i++) {
        char bytes[5000] = "x";
        cst_span span;

        assert_int_equal(cst_port_reserve(&span, in), CST_OK);
        memcpy(span.data, bytes, sizeof(bytes));
        assert_int_equal(cst_port_commit(in, i % 2 ? sizeof(bytes) : 10), CST_OK);
        test_run(&f->world);
        assert_int_equal(cst_port_peek(spans, out, 4), 1);
        assert_int_equal(cst_port_consume(out, spans[0].len), CST_OK);
        test_run(&f->world);
        if (i == 10)
            calls = f->world.heap.calls;
    }
#ifndef CST_NO_CACHE
    assert_int_equal(f->world.heap.calls, calls);
#else
    assert_true(f->world.heap.calls > calls);
#endif
}

/* --- the way out ------------------------------------------------------------------------------ */

static void a_sink_lends_what_was_written_and_is_done_when_all_was_consumed(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink(f, NULL);

    assert_int_equal(cst_port_consume(s, 0), CST_E_INVALID_ARG);
    assert_int_equal(cst_write(s, cst_slice_str("hello"), on_done, f), CST_OK);
    assert_int_equal(cst_port_want(s), CST_PORT_OUT);
    test_run(&f->world);
    ASSERT_PEEK(s, "hello");
    ASSERT_PEEK(s, "hello");
    assert_int_equal(cst_port_want(s), 0);
    assert_int_equal(cst_port_consume(s, 6), CST_E_OUT_OF_RANGE);
    assert_int_equal(cst_port_consume(s, 2), CST_OK);
    ASSERT_PEEK(s, "llo");
    assert_int_equal(cst_port_consume(s, 0), CST_OK);
    ASSERT_PEEK(s, "llo");
    assert_int_equal(cst_port_consume(s, 3), CST_OK);
    assert_string_equal(f->world.trace.text, "want:O");
    assert_peek(s, (const char *const[]){ NULL });
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:O done:OK want:");
    assert_int_equal(cst_end(s, on_done, f), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:O done:OK want: done:OK finish close");
}

static void what_was_queued_is_lent_together(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink(f, &(cst_opts){ .high_water_mark = 4 });
    cst_const_span two[2];

    assert_int_equal(cst_write(s, cst_slice_str("ab"), on_done, f), CST_OK);
    assert_int_equal(cst_write(s, cst_slice_str("cd"), on_done, f), CST_FULL);
    assert_int_equal(cst_write(s, cst_slice_empty(), on_done, f), CST_FULL);
    assert_int_equal(cst_write(s, cst_slice_str("ef"), on_done, f), CST_FULL);
    ASSERT_PEEK(s, "ab");
    assert_int_equal(cst_port_consume(s, 2), CST_OK);
    test_run(&f->world);
    ASSERT_PEEK(s, "cd", "ef");
    assert_int_equal(cst_port_peek(two, s, 1), 1);
    assert_int_equal(cst_port_consume(s, 3), CST_OK);
    ASSERT_PEEK(s, "f");
    assert_int_equal(cst_port_consume(s, 1), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:OK want:O drain done:OK done:OK done:OK want:");
}

static void the_host_closes_its_direction_before_finish_where_it_wants_to(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    f->opts.wants_end = true;
    s = sink(f, NULL);
    assert_int_equal(cst_port_ended(s, CST_OK), CST_E_INVALID_ARG);
    cst_write(s, cst_slice_str("x"), NULL, NULL);
    cst_end(s, NULL, NULL);
    ASSERT_PEEK(s, "x");
    cst_port_consume(s, 1);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:E");
    assert_int_equal(cst_port_ended(s, CST_MORE), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_ended(s, CST_OK), CST_OK);
    assert_int_equal(cst_port_ended(s, CST_OK), CST_E_INVALID_ARG);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:E finish close want:");
}

static void an_end_that_fails_fails_the_stream(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    f->opts.wants_end = true;
    f->opts.interest = NULL;
    s = sink(f, NULL);
    cst_end(s, on_done, f);
    assert_int_equal(cst_port_ended(s, CST_OS(5)), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:OS error:OS close");
}

/* --- failing, and spans that are out when the stream goes ------------------------------------- */

static void an_end_of_input_gives_the_span_back_and_ends_the_want(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f, NULL);
    cst_span span;

    cst_resume(s);
    test_run(&f->world);
    assert_int_equal(cst_port_reserve(&span, s), CST_OK);
    assert_int_equal(cst_port_eof(s), CST_OK);
    assert_int_equal(cst_port_want(s), 0);
    assert_int_equal(cst_port_reserve(&span, s), CST_EMPTY);
    assert_int_equal(cst_port_commit(s, 0), CST_E_INVALID_ARG); /* it is back */
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:I end close want:");
}

static void a_failure_on_the_way_in_comes_after_what_was_committed(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f, NULL);

    test_record(&f->world, s, CST_DATA);
    test_run(&f->world);
    feed(s, "abc");
    assert_int_equal(cst_port_fail(s, CST_READING, CST_OS(104)), CST_OK);
    assert_int_equal(cst_port_eof(s), CST_OK); /* too late: what was said first holds */
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:I data:abc error:OS close want:");
    assert_int_equal(cst_status_os(cst_errored(s)->status), 104);
}

static void a_failure_on_the_way_out_is_the_answer_to_the_write(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink(f, NULL);

    cst_write(s, cst_slice_str("ab"), on_done, f);
    cst_write(s, cst_slice_str("cd"), on_done, f);
    ASSERT_PEEK(s, "ab");
    assert_int_equal(cst_port_fail(s, CST_WRITING, CST_OS(32)), CST_OK);
    assert_int_equal(cst_port_want(s), 0);
    assert_peek(s, (const char *const[]){ NULL });
    assert_int_equal(cst_port_fail(s, CST_WRITING, CST_OS(33)), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "done:OS done:OS error:OS close");
    assert_int_equal(cst_errored(s)->status, CST_OS(32));
    assert_int_equal(cst_errored(s)->direction, CST_WRITING);
}

static void a_failure_without_a_write_destroys_too(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink(f, NULL);

    assert_int_equal(cst_port_fail(s, CST_WRITING, CST_OS(32)), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "error:OS close");
}

static void close_waits_for_a_span_that_is_being_filled(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = source(f, NULL);
    cst_span span;

    test_record(&f->world, s, CST_DATA);
    test_run(&f->world);
    assert_int_equal(cst_port_reserve(&span, s), CST_OK);
    cst_destroy(s, CST_OK);
    cst_unref(s); /* the handle is good as long as the span is out */
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:I want:C");
    memset(span.data, 'x', span.len); /* the device goes on writing */
    assert_int_equal(cst_port_commit(s, span.len), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:I want:C close want:");
}

/* Turn, a nanosecond each. */
static void pass(struct fixture *f, uint64_t ns)
{
    cst_budget budget = { .now_ns = cst_ctx_now_ns(f->world.ctx) };

    while (ns-- > 0) {
        budget.now_ns++;
        assert_int_equal(cst_ctx_run(f->world.ctx, &budget), CST_IDLE);
    }
}

static void on_timeout(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    struct fixture *f = arg;

    assert_int_equal(kind, CST_TIMEOUT_IDLE);
    test_trace_add(&f->world.trace, "idle:%d", (int)cst_ctx_now_ns(cst_stream_ctx(s)));
}

static void bytes_consumed_are_activity_and_none_is_not(void **state)
{
    struct fixture *f = *state;
    const cst_timeouts limits = { .idle_ns = 100, .fn = on_timeout, .arg = f };
    cst_stream *s = sink(f, NULL);
    cst_const_span span;

    assert_int_equal(cst_write(s, cst_slice_str("slow line"), on_done, f), CST_OK);
    assert_int_equal(cst_ctx_set_now_ns(f->world.ctx, 0), CST_OK);
    assert_int_equal(cst_set_timeouts(s, &limits), CST_OK);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(cst_port_peek(&span, s, 1), 1);
        pass(f, 80);
        assert_int_equal(cst_port_consume(s, 1), CST_OK); /* the last at 640, seen at 650 */
    }
    assert_string_equal(f->world.trace.text, "");
    for (int i = 0; i < 8; i++) {
        assert_int_equal(cst_port_peek(&span, s, 1), 1);
        pass(f, 80);
        assert_int_equal(cst_port_consume(s, 0), CST_OK);
    }
    assert_string_equal(f->world.trace.text, "idle:750");
}

static void close_waits_for_bytes_that_are_being_sent(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink(f, NULL);
    cst_const_span span;
    cst_slice bytes;

    assert_int_equal(cst_slice_copy(&bytes, test_heap_allocator(&f->world.heap), "sent", 4),
                     CST_OK);
    cst_write(s, bytes, on_done, f);
    cst_write(s, cst_slice_str("queued"), on_done, f);
    assert_int_equal(cst_port_peek(&span, s, 1), 1);
    cst_destroy(s, CST_USER(1));
    cst_unref(s);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:C");
    assert_memory_equal(span.data, "sent", 4); /* the device goes on reading */
    assert_int_equal(cst_port_consume(s, 2), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text,
                        "want:C error:USER close done:DESTROYED done:USER want:");
}

static void a_write_that_was_sent_after_all_says_so(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink(f, NULL);

    cst_write(s, cst_slice_str("sent"), on_done, f);
    ASSERT_PEEK(s, "sent");
    cst_destroy(s, CST_OK);
    assert_int_equal(cst_port_consume(s, 4), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "close done:OK");
    cst_unref(s);
}

static void a_destroyed_port_answers_what_it_was_given(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = sink(f, NULL);

    cst_write(s, cst_slice_str("lost"), on_done, f);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "close done:DESTROYED");
}

static void both_directions_of_one_port_close_when_both_spans_are_back(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;
    cst_span span;

    assert_int_equal(cst_port_new(&s, f->world.ctx, &f->opts, NULL), CST_OK);
    listen(f, s);
    cst_resume(s);
    test_run(&f->world);
    cst_write(s, cst_slice_str("out"), on_done, f);
    assert_int_equal(cst_port_want(s), CST_PORT_IN | CST_PORT_OUT);
    assert_int_equal(cst_port_reserve(&span, s), CST_OK);
    ASSERT_PEEK(s, "out");
    assert_int_equal(cst_port_fail(s, CST_READING, CST_OS(104)), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:I want:C");
    assert_int_equal(cst_port_consume(s, 0), CST_OK);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "want:I want:C error:OS close done:DESTROYED want:");
}

/* --- a host with completions ------------------------------------------------------------------ */

/* It starts a transfer whenever it is told, as io_uring would, and ends it from outside. */
struct device {
    struct fixture *f;
    cst_span span;
    unsigned started;
};

static void start_transfer(cst_stream *s, unsigned want, void *arg)
{
    struct device *device = arg;

    if (!(want & CST_PORT_IN))
        return;
    assert_int_equal(cst_port_reserve(&device->span, s), CST_OK);
    device->started++;
}

static void with_completions_each_want_is_told_anew(void **state)
{
    struct fixture *f = *state;
    struct device device = { .f = f };
    cst_stream *s;

    f->opts = (cst_port_opts){ .interest = start_transfer, .arg = &device, .completions = true };
    s = source(f, NULL);
    test_record(&f->world, s, CST_DATA);
    test_run(&f->world);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(device.started, i);
        device.span.data[0] = (uint8_t)('a' + i);
        assert_int_equal(cst_port_commit(s, i == 3 ? 0 : 1), CST_OK);
        test_run(&f->world);
    }
    assert_int_equal(device.started, 6);
    assert_int_equal(cst_port_eof(s), CST_OK);
    test_run(&f->world);
    assert_int_equal(device.started, 6);
    assert_string_equal(f->world.trace.text, "data:b data:c data:e data:f end close");
}

/* --- memory, and wrong arguments -------------------------------------------------------------- */

static void without_memory_a_port_is_not_made_and_a_span_is_not_lent(void **state)
{
    struct fixture *f = *state;
    cst_stream *s = NULL;
    cst_span span = { .len = 7 };

    test_heap_fail_from(&f->world.heap, 1);
    assert_int_equal(cst_port_new(&s, f->world.ctx, NULL, NULL), CST_E_NOMEM);
    assert_null(s);
    test_heap_fail_never(&f->world.heap);
    assert_int_equal(cst_port_new(&s, f->world.ctx, NULL, NULL), CST_OK);
    cst_resume(s);
    test_run(&f->world);
    test_heap_fail_from(&f->world.heap, 1);
    assert_int_equal(cst_port_reserve(&span, s), CST_E_NOMEM);
    assert_int_equal(span.len, 7);
    assert_int_equal(cst_port_want(s), CST_PORT_IN);
    test_heap_fail_never(&f->world.heap);
    assert_int_equal(cst_port_reserve(&span, s), CST_OK);
    span.data[0] = 'a';
    test_heap_fail_at(&f->world.heap, 1); /* no block for the copy: the large one goes on */
    assert_int_equal(cst_port_commit(s, 1), CST_OK);
    test_run(&f->world);
    test_heap_fail_never(&f->world.heap);
    assert_int_equal(cst_port_want(s), CST_PORT_IN);
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_stream *in = source(f, NULL), *out = sink(f, NULL), *other;
    cst_const_span bytes;
    cst_span span;

    assert_int_equal(cst_passthrough_new(&other, f->world.ctx, NULL), CST_OK);
    assert_true(cst_is_port(in));
    assert_false(cst_is_port(other));
    assert_false(cst_is_port(NULL));
    assert_int_equal(cst_port_want(NULL), 0);
    assert_int_equal(cst_port_want(other), 0);
    assert_int_equal(cst_port_reserve(NULL, in), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_reserve(&span, out), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_reserve(&span, other), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_commit(in, 0), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_commit(NULL, 0), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_eof(out), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_peek(NULL, out, 1), 0);
    assert_int_equal(cst_port_peek(&bytes, in, 1), 0);
    assert_int_equal(cst_port_consume(in, 0), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_ended(in, CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_fail(in, CST_WRITING, CST_OS(1)), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_fail(in, CST_NO_DIRECTION, CST_OS(1)), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_fail(in, CST_READING, CST_OK), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_source_new(NULL, f->world.ctx, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_port_sink_new(&other, NULL, NULL, NULL), CST_E_INVALID_ARG);
    test_run(&f->world);
    assert_string_equal(f->world.trace.text, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, test_world_teardown)

static const struct CMUnitTest tests[] = {
    CASE(a_source_wants_bytes_once_somebody_reads_and_gets_them_in_the_run),
    CASE(each_transfer_is_followed_by_all_that_it_causes),
    CASE(nothing_read_keeps_the_want_and_the_block),
    CASE(a_full_port_wants_nothing_until_there_is_room),
    CASE(a_read_inside_the_push_keeps_its_want),
    CASE(small_chunks_do_not_pin_large_blocks),
    CASE(a_span_size_of_ones_own_is_taken),
    CASE(steady_flow_allocates_nothing),
    CASE(a_sink_lends_what_was_written_and_is_done_when_all_was_consumed),
    CASE(what_was_queued_is_lent_together),
    CASE(the_host_closes_its_direction_before_finish_where_it_wants_to),
    CASE(an_end_that_fails_fails_the_stream),
    CASE(an_end_of_input_gives_the_span_back_and_ends_the_want),
    CASE(a_failure_on_the_way_in_comes_after_what_was_committed),
    CASE(a_failure_on_the_way_out_is_the_answer_to_the_write),
    CASE(a_failure_without_a_write_destroys_too),
    CASE(close_waits_for_a_span_that_is_being_filled),
    CASE(bytes_consumed_are_activity_and_none_is_not),
    CASE(close_waits_for_bytes_that_are_being_sent),
    CASE(a_write_that_was_sent_after_all_says_so),
    CASE(a_destroyed_port_answers_what_it_was_given),
    CASE(both_directions_of_one_port_close_when_both_spans_are_back),
    CASE(with_completions_each_want_is_told_anew),
    CASE(without_memory_a_port_is_not_made_and_a_span_is_not_lent),
    CASE(wrong_arguments_are_refused),
};

TEST_MAIN(tests)

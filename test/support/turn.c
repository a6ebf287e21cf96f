/* turn.c - see turn.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "turn.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t zeroes[600000];

int test_host_setup(void **state)
{
    static struct test_host host;

    memset(&host, 0, sizeof(host));
    test_heap_init(&host.heap);
    assert_int_equal(cst_ctx_new(&host.ctx, test_heap_allocator(&host.heap), NULL), CST_OK);
    *state = &host;
    return 0;
}

int test_host_teardown(void **state)
{
    struct test_host *host = *state;

    assert_int_equal(cst_ctx_free(host->ctx), CST_OK);
    assert_int_equal(host->heap.live_blocks, 0);
    return 0;
}

void test_host_run(struct test_host *host)
{
    assert_int_equal(cst_ctx_run(host->ctx, NULL), CST_IDLE);
}

void test_host_turn(struct test_host *host)
{
    cst_call calls[TEST_PARKED];
    size_t count = host->parked_count;

    memcpy(calls, host->parked, sizeof(calls));
    host->parked_count = 0;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(cst_complete(calls[i], CST_OK), CST_OK);
    test_host_run(host);
}

void test_host_settle(struct test_host *host)
{
    test_host_run(host);
    while (host->parked_count)
        test_host_turn(host);
}

void test_host_expect(struct test_host *host, const char *text)
{
    assert_string_equal(host->trace.text, text);
    test_trace_clear(&host->trace);
}

void test_host_park(struct test_host *host, cst_stream *s)
{
    if (host->parked_count == TEST_PARKED)
        abort();
    host->parked[host->parked_count++] = cst_this_call(s);
}

void test_count(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    ++*(size_t *)arg;
}

void test_host_outcome(const cst_error *error, void *arg)
{
    struct test_host *host = arg;

    test_trace_add(&host->trace, "done:%s", error ? cst_status_name(error->status) : "ok");
}

cst_slice test_zeroes(size_t len)
{
    if (len > sizeof(zeroes))
        abort();
    return cst_slice_static(zeroes, len);
}

/* --- the source --------------------------------------------------------------------------------------------------- */

static void feed_one(void *arg)
{
    struct test_feed *feed = arg;

    if (feed->chunks == 0) {
        if (!feed->open)
            cst_push_eof(feed->stream);
        return;
    }
    if (feed->chunks != SIZE_MAX)
        feed->chunks--;
    cst_push(feed->stream, test_zeroes(feed->len ? feed->len : feed->asked));
}

static cst_status feed_read(cst_stream *s, void *self, size_t size)
{
    struct test_feed *feed = self;

    feed->reads++;
    feed->stream = s;
    feed->asked = size;
    if (feed->when == TEST_NOW)
        feed_one(feed);
    else if (feed->when == TEST_NEXT_TICK)
        cst_defer(cst_stream_ctx(s), &feed->task, feed_one, feed);
    return CST_OK;
}

cst_stream *test_feed_new(struct test_host *host, const struct test_feed *feed,
                          const cst_opts *opts)
{
    static const cst_ops ops = { .name = "feed", .self_size = sizeof(*feed), .read = feed_read };
    cst_stream *s = NULL;

    assert_int_equal(cst_readable_new(&s, host->ctx, &ops, feed, opts), CST_OK);
    return s;
}

struct test_feed *test_feed(cst_stream *s)
{
    return cst_stream_self(s);
}

/* --- the sink ----------------------------------------------------------------------------------------------------- */

static void taker_answer(void *arg)
{
    struct test_taker *taker = arg;

    cst_complete(taker->call, CST_OK);
}

static cst_status taker_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_taker *taker = self;

    taker->writes++;
    taker->bytes += chunk->len;
    taker->first = chunk->len ? chunk->data[0] : 0;
    if (taker->act)
        taker->act(s, taker->arg);
    taker->call = cst_this_call(s);
    switch (taker->when) {
    case TEST_NOW:
        return CST_OK;
    case TEST_NEXT_TICK:
        cst_defer(cst_stream_ctx(s), &taker->task, taker_answer, taker);
        return CST_PENDING;
    case TEST_NEXT_TURN:
        test_host_park(taker->host, s);
        return CST_PENDING;
    case TEST_NEVER:
        return CST_PENDING;
    }
    return CST_E_INVALID_ARG;
}

cst_stream *test_taker_new(struct test_host *host, const struct test_taker *taker,
                           const cst_opts *opts)
{
    static const cst_ops ops = { .name = "taker",
                                 .self_size = sizeof(*taker),
                                 .write = taker_write };
    cst_stream *s = NULL;

    assert_int_equal(cst_writable_new(&s, host->ctx, &ops, taker, opts), CST_OK);
    test_taker(s)->host = host;
    return s;
}

struct test_taker *test_taker(cst_stream *s)
{
    return cst_stream_self(s);
}

cst_stream *test_pass_new(struct test_host *host, const cst_opts *opts)
{
    static const cst_ops ops = { .name = "pass", .self_size = sizeof(struct test_stage) };
    cst_stream *s = NULL;

    assert_int_equal(cst_passthrough_new_with(&s, host->ctx, &ops, NULL, opts), CST_OK);
    return s;
}

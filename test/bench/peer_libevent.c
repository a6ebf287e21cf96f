/*
 * peer_libevent.c - libevent, in handoff, depth and gather.
 *
 *   libevent-evbuffer  handoff, depth: chunks by reference (evbuffer_add_reference), moved from
 *                      buffer to buffer by evbuffer_add_buffer; gather: evbuffer_add, which copies
 *   libevent-filter    each stage is a bufferevent_filter, over a bufferevent_pair whose other end
 *                      drains
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <stdlib.h>

#include "peers.h"

enum { mark_bytes = 65536 };

static void must(bool ok)
{
    if (!ok)
        bench_fail("libevent");
}

/* Add the first byte of the buffer to the checksum. */
static uint64_t sum_front(uint64_t sum, struct evbuffer *buffer, size_t len)
{
    struct evbuffer_iovec front;

    must(evbuffer_peek(buffer, (ev_ssize_t)len, NULL, &front, 1) >= 1);
    return bench_sum(sum, front.iov_base, len);
}

static uint64_t run_evbuffer(const struct bench_point *point)
{
    struct evbuffer **buffers = bench_array(point->count + 1, sizeof(struct evbuffer *));
    uint64_t sum = 0;

    for (size_t i = 0; i <= point->count; i++)
        must((buffers[i] = evbuffer_new()) != NULL);
    for (size_t n = 0; n < point->chunks; n++) {
        must(evbuffer_add_reference(buffers[0], bench_payload, point->bytes, NULL, NULL) == 0);
        for (size_t i = 0; i < point->count; i++)
            must(evbuffer_add_buffer(buffers[i + 1], buffers[i]) == 0);
        sum = sum_front(sum, buffers[point->count], point->bytes);
        must(evbuffer_drain(buffers[point->count], point->bytes) == 0);
    }
    for (size_t i = 0; i <= point->count; i++)
        evbuffer_free(buffers[i]);
    free(buffers);
    return sum;
}

static uint64_t run_gather(const struct bench_point *point)
{
    struct evbuffer *buffer = evbuffer_new();
    uint64_t sum = 0;

    must(buffer != NULL);
    for (size_t n = 0; n < point->chunks; n += point->count) {
        for (size_t i = n; i < n + point->count; i++)
            must(evbuffer_add(buffer, bench_payload + i * point->bytes % bench_payload_size,
                              point->bytes) == 0);
        sum = sum_front(sum, buffer, point->count * point->bytes);
        must(evbuffer_drain(buffer, point->count * point->bytes) == 0);
    }
    evbuffer_free(buffer);
    return sum;
}

/* --- bufferevent filters ---------------------------------------------------------------------- */

struct drain {
    size_t bytes;
    uint64_t sum;
};

static void drain_chunks(struct bufferevent *bev, void *arg)
{
    struct evbuffer *input = bufferevent_get_input(bev);
    struct drain *drain = arg;

    while (evbuffer_get_length(input) >= drain->bytes) {
        drain->sum = sum_front(drain->sum, input, drain->bytes);
        must(evbuffer_drain(input, drain->bytes) == 0);
    }
}

static enum bufferevent_filter_result pass(struct evbuffer *from, struct evbuffer *to,
                                           ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                           void *arg)
{
    (void)limit;
    (void)mode;
    (void)arg;
    must(evbuffer_add_buffer(to, from) == 0);
    return BEV_OK;
}

static uint64_t run_filter(const struct bench_point *point)
{
    struct event_base *base = event_base_new();
    struct bufferevent *pair[2], *top;
    struct drain drain = { .bytes = point->bytes };

    must(base && bufferevent_pair_new(base, 0, pair) == 0);
    bufferevent_setcb(pair[1], drain_chunks, NULL, NULL, &drain);
    must(bufferevent_enable(pair[1], EV_READ) == 0);
    top = pair[0];
    for (size_t i = 0; i < point->count; i++) {
        top = bufferevent_filter_new(top, pass, pass, BEV_OPT_CLOSE_ON_FREE, NULL, NULL);
        must(top && bufferevent_enable(top, EV_WRITE) == 0);
    }
    for (size_t n = 0, queued = 0; n < point->chunks; n++) {
        must(evbuffer_add_reference(bufferevent_get_output(top), bench_payload, point->bytes, NULL,
                                    NULL) == 0);
        queued += point->bytes;
        if (queued >= mark_bytes || n + 1 == point->chunks) {
            event_base_loop(base, EVLOOP_NONBLOCK);
            queued = 0;
        }
    }
    event_base_loop(base, EVLOOP_NONBLOCK);
    bufferevent_free(top);
    bufferevent_free(pair[1]);
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
    return drain.sum;
}

const struct bench_peer peer_libevent[] = {
    { "handoff", { "libevent-evbuffer", run_evbuffer } },
    { "handoff", { "libevent-filter", run_filter } },
    { "depth", { "libevent-evbuffer", run_evbuffer } },
    { "depth", { "libevent-filter", run_filter } },
    { "gather", { "libevent-evbuffer", run_gather } },
    { NULL, { NULL, NULL } },
};

/*
 * test_host_uv.c - host/uv.h: a loop under libuv.
 */
#define HOST_STOPS
#include "host/cases.h"

#include <cstream/host/uv.h>

enum { SLOTS = 4, TIMERS = 4 };

struct host_timer {
    uv_timer_t uv;
    cst_task_fn *fn;
    void *arg;
    bool is_open;
};

/* Each attaching has a slot of its own: libuv closes the handles of the last one meanwhile. */
struct host {
    uv_loop_t uv;
    cst_uv slots[SLOTS];
    unsigned slot;
    struct host_timer timers[TIMERS];
};

static struct host *host_of_test(void)
{
    static struct host host;

    memset(&host, 0, sizeof(host));
    return &host;
}

static void host_begin(struct host *host)
{
    uv_pipe_t first; /* opens a descriptor for all streams */

    assert_int_equal(uv_loop_init(&host->uv), 0);
    assert_int_equal(uv_pipe_init(&host->uv, &first, 0), 0);
    uv_close((uv_handle_t *)&first, NULL);
    uv_run(&host->uv, UV_RUN_DEFAULT);
}

static void host_end(struct host *host)
{
    assert_int_equal(uv_run(&host->uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&host->uv), 0);
}

static cst_status host_attach(struct host *host, cst_loop *loop, cst_host_status_fn *on_status)
{
    unsigned next = (host->slot + 1) % SLOTS;
    cst_status st;

    host->slots[next].on_status = on_status;
    st = cst_uv_attach(&host->slots[next], &host->uv, loop);
    if (st == CST_OK)
        host->slot = next;
    return st;
}

static cst_status host_attach_nothing(void)
{
    cst_uv slot = { .on_status = NULL };

    return cst_uv_attach(&slot, NULL, NULL);
}

static void host_detach(struct host *host)
{
    cst_uv_detach(&host->slots[host->slot]);
}

static cst_status host_status(const struct host *host)
{
    return host->slots[host->slot].status;
}

static void host_run(struct host *host)
{
    uv_run(&host->uv, UV_RUN_DEFAULT);
}

static void host_turn(struct host *host)
{
    uv_run(&host->uv, UV_RUN_NOWAIT);
}

static void on_closed(uv_handle_t *handle)
{
    struct host_timer *timer = handle->data;

    timer->is_open = false;
    timer->fn(timer->arg);
}

/* What is called is the last act of this turn of libuv's: a handle that has been closed. */
static void on_timer(uv_timer_t *uv)
{
    uv_close((uv_handle_t *)uv, on_closed);
}

static void host_after_ms(struct host *host, unsigned ms, cst_task_fn *fn, void *arg)
{
    struct host_timer *timer = host->timers;

    while (timer->is_open)
        timer++;
    assert_true(timer < host->timers + TIMERS);
    timer->is_open = true;
    timer->fn = fn;
    timer->arg = arg;
    uv_timer_init(&host->uv, &timer->uv);
    timer->uv.data = timer;
    uv_update_time(&host->uv);
    uv_timer_start(&timer->uv, on_timer, ms, 0);
}

/* --- what is libuv's own ---------------------------------------------------------------------- */

static void on_detached(void *arg)
{
    test_trace_add(&((struct host_fixture *)arg)->f.trace, "detached");
}

static void storage_is_free_when_libuv_has_closed_its_handles(void **state)
{
    struct host_fixture *h = *state;
    cst_uv *slot = &h->host->slots[h->host->slot];

    slot->on_detached = on_detached;
    slot->arg = h;
    cst_uv_detach(slot);
    assert_int_equal(cst_uv_attach(slot, &h->host->uv, h->f.loop), CST_E_INVALID_ARG);
    assert_trace(h, "");
    host_run(h->host);
    assert_trace(h, "detached");
    assert_int_equal(cst_uv_attach(slot, &h->host->uv, h->f.loop), CST_OK);
    slot->on_detached = NULL;
}

static void make_pair(struct host_fixture *h, uv_pipe_t *handle, cst_stream **s, int *peer)
{
    int fd;

    test_socketpair(&fd, peer, SOCK_STREAM);
    assert_int_equal(uv_pipe_init(&h->host->uv, handle, 0), 0);
    assert_int_equal(uv_pipe_open(handle, fd), 0);
    assert_int_equal(cst_uv_stream_new(s, h->f.ctx, (uv_stream_t *)handle, NULL), CST_OK);
}

/* A handle's stream and a descriptor's, in the context of the attached loop. */
static void handles_and_descriptors_join(void **state)
{
    struct host_fixture *h = *state;
    cst_stream *in = NULL, *out = NULL;
    uv_pipe_t handle;
    int a, b, c;

    make_pair(h, &handle, &in, &a);
    test_socketpair(&b, &c, SOCK_STREAM);
    assert_int_equal(cst_fd_sink_new(&out, h->f.loop, b, NULL), CST_OK);
    test_listen(&h->f, in, "in");
    test_listen(&h->f, out, "out");
    cst_pipe(in, out, NULL);
    test_write(a, "through");
    for (unsigned i = 0; i < 4; i++)
        host_turn(h->host);
    test_assert_reads(c, "through");
    close(a);
    host_turn(h->host);
    cst_end(in, NULL, NULL);
    host_run(h->host);
    assert_trace(h, "in:end in:finish out:finish out:close in:close");
    cst_unref(in);
    cst_unref(out);
    close(c);
}

static const struct CMUnitTest tests[] = {
    HOST_CASES,
    HOST_CASE_STOP,
    HOST_T(storage_is_free_when_libuv_has_closed_its_handles),
    HOST_T(handles_and_descriptors_join),
};

TEST_MAIN(tests)

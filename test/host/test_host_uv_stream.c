/*
 * test_host_uv_stream.c - host/uv_stream.h: handles of libuv as streams, and a context under libuv.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstream/cstream.h>
#include <cstream/host/uv_stream.h>

#include "support/heap.h"
#include "support/main.h"
#include "support/trace.h"

#define MS UINT64_C(1000000)

/* A context under libuv, one handle of which is a stream, whose peer is a descriptor. */
struct fixture {
    struct test_heap heap;
    struct test_trace trace;
    uv_loop_t uv;
    cst_uv_ctx host;
    cst_ctx *ctx;
    union {
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
        uv_tty_t tty;
    } handle;
    cst_stream *s;
    int peer;
    size_t descriptors;
    size_t bytes; /* that came in */
};

static size_t count_descriptors(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static int set_up(void **state)
{
    static struct fixture f;
    cst_ctx_opts opts;

    memset(&f, 0, sizeof(f));
    *state = &f;
    signal(SIGPIPE, SIG_IGN);
    if (uv_loop_init(&f.uv) || uv_loop_close(&f.uv)) /* the first one opens what stays open */
        return -1;
    f.peer = -1;
    f.descriptors = count_descriptors();
    test_heap_init(&f.heap);
    opts = cst_uv_ctx_opts(&f.host);
    return uv_loop_init(&f.uv) || cst_ctx_new(&f.ctx, test_heap_allocator(&f.heap), &opts) < 0 ||
           cst_uv_attach_ctx(&f.host, &f.uv, f.ctx) < 0;
}

/* Nothing is left: no handle of libuv's, no block, no descriptor. */
static int tear_down(void **state)
{
    struct fixture *f = *state;

    cst_uv_detach_ctx(&f->host);
    if (f->ctx)
        assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
    if (f->peer >= 0)
        close(f->peer);
    assert_int_equal(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->uv), 0);
    assert_int_equal(f->heap.live_blocks, 0);
    assert_int_equal(count_descriptors(), f->descriptors);
    return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

static const char *word(cst_status status)
{
    switch (cst_status_os(status)) {
    case ECONNRESET:
        return "ECONNRESET";
    case EPIPE:
        return "EPIPE";
    case 0:
        return test_status_word(status);
    default:
        return strerror(cst_status_os(status));
    }
}

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    if (event->type == CST_ERROR)
        test_trace_add(&f->trace, "error:%s", word(event->error->status));
    else if (event->type == CST_DATA)
        test_trace_add(&f->trace, "data:%.*s", (int)event->chunk->len,
                       (const char *)event->chunk->data);
    else
        test_trace_add(&f->trace, "%s", test_event_word(event->type));
}

static void on_count(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    for (size_t i = 0; i < event->chunk->len; i++)
        if (event->chunk->data[i] != (uint8_t)((f->bytes + i) % 251))
            fail_msg("byte %zu is not what was sent", f->bytes + i);
    f->bytes += event->chunk->len;
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    test_trace_add(&f->trace, "done:%s", word(status));
}

static void watch(struct fixture *f)
{
    static const cst_event_type types[] = { CST_END, CST_FINISH, CST_ERROR, CST_CLOSE, CST_DRAIN };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(cst_on(f->s, types[i], on_event, f), CST_OK);
}

static void set_nonblocking(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

/* Make a handle of one end of a pair, and a stream of that. */
static void open_pair(struct fixture *f, const cst_opts *opts)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    f->peer = ends[1];
    set_nonblocking(f->peer);
    assert_int_equal(uv_pipe_init(&f->uv, &f->handle.pipe, 0), 0);
    assert_int_equal(uv_pipe_open(&f->handle.pipe, ends[0]), 0);
    assert_int_equal(cst_uv_stream_new(&f->s, f->ctx, &f->handle.stream, opts), CST_OK);
    watch(f);
}

static void open_tcp(struct fixture *f)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), accepted;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    f->peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(f->peer, (struct sockaddr *)&address, len), 0);
    accepted = accept(listener, NULL, NULL);
    close(listener);
    set_nonblocking(f->peer);
    assert_int_equal(uv_tcp_init(&f->uv, &f->handle.tcp), 0);
    assert_int_equal(uv_tcp_open(&f->handle.tcp, accepted), 0);
    assert_int_equal(cst_uv_stream_new(&f->s, f->ctx, &f->handle.stream, NULL), CST_OK);
    watch(f);
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Send numbered bytes until there is no room, or `most` are sent. */
static size_t send_bytes(int fd, size_t from, size_t most)
{
    uint8_t bytes[4096];
    size_t sent = 0;

    while (sent < most) {
        size_t len = most - sent < sizeof(bytes) ? most - sent : sizeof(bytes);
        ssize_t n;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)((from + sent + i) % 251);
        n = write(fd, bytes, len);
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    return sent;
}

static cst_slice numbered(struct fixture *f, size_t len)
{
    cst_buf buf;

    assert_int_equal(cst_buf_new(&buf, test_heap_allocator(&f->heap), len), CST_OK);
    for (size_t i = 0; i < len; i++)
        buf.data[i] = (uint8_t)(i % 251);
    return cst_buf_freeze(&buf, len);
}

/* Read what is there. Return the number of bytes; they must be the numbered ones from `from` on. */
static size_t take(int fd, size_t from)
{
    uint8_t bytes[4096];
    size_t got = 0;
    ssize_t n;

    while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (bytes[i] != (uint8_t)((from + got + (size_t)i) % 251))
                fail_msg("byte %zu is not what was written", from + got + (size_t)i);
        got += (size_t)n;
    }
    return got;
}

static void assert_reads(int fd, const char *text)
{
    char bytes[64];
    ssize_t n = read(fd, bytes, sizeof(bytes));

    assert_int_equal(n, (ssize_t)strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

static void run(struct fixture *f)
{
    assert_int_equal(uv_run(&f->uv, UV_RUN_DEFAULT), 0);
}

static void turn(struct fixture *f, unsigned n)
{
    while (n-- > 0)
        uv_run(&f->uv, UV_RUN_NOWAIT);
}

static void note(void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->trace, "ran");
}

/* --- streams ---------------------------------------------------------------------------------- */

static void what_a_peer_sends_comes_out_in_order_and_ends(void **state)
{
    struct fixture *f = *state;

    open_pair(f, &(cst_opts){ .no_half_open = true });
    cst_on(f->s, CST_DATA, on_event, f);
    send_text(f->peer, "hello");
    turn(f, 2);
    assert_string_equal(f->trace.text, "data:hello");
    shutdown(f->peer, SHUT_WR);
    run(f);
    assert_string_equal(f->trace.text, "data:hello end finish close");
    assert_int_equal(uv_is_closing((uv_handle_t *)&f->handle.stream), 1);
    cst_unref(f->s);
}

static void a_small_write_goes_out_at_once(void **state)
{
    struct fixture *f = *state;

    open_pair(f, NULL);
    cst_cork(f->s);
    cst_write(f->s, cst_slice_str("abc"), on_done, f);
    cst_write(f->s, cst_slice_empty(), NULL, NULL);
    cst_write(f->s, cst_slice_str("def"), NULL, NULL);
    cst_uncork(f->s);
    assert_reads(f->peer, "abcdef");
    cst_write(f->s, cst_slice_str("ghi"), on_done, f);
    assert_reads(f->peer, "ghi");
    turn(f, 1);
    assert_string_equal(f->trace.text, "done:OK done:OK");
    cst_unref(f->s);
}

static void what_has_no_room_goes_out_as_the_peer_reads(void **state)
{
    enum { BYTES = 3000000, CHUNKS = 40 };
    struct fixture *f = *state;
    cst_slice all = numbered(f, BYTES);
    size_t got = 0;

    open_pair(f, NULL);
    for (size_t i = 0; i < CHUNKS; i++)
        cst_write(f->s, cst_slice_sub(&all, i * (BYTES / CHUNKS), BYTES / CHUNKS), NULL, NULL);
    cst_slice_unref(&all);
    cst_end(f->s, on_done, f);
    for (unsigned i = 0; got < BYTES && i < 10000; i++) {
        turn(f, 1);
        got += take(f->peer, got);
    }
    assert_int_equal(got, BYTES);
    turn(f, 2);
    assert_string_equal(f->trace.text, "done:OK finish");
    assert_reads(f->peer, "");
    cst_on(f->s, CST_DATA, on_event, f);
    send_text(f->peer, "late");
    shutdown(f->peer, SHUT_WR);
    run(f);
    assert_string_equal(f->trace.text, "done:OK finish data:late end close");
    cst_unref(f->s);
}

static void a_paused_stream_stops_reading_and_goes_on_when_resumed(void **state)
{
    enum { BYTES = 2000000 };
    struct fixture *f = *state;
    size_t sent, before;

    open_pair(f, &(cst_opts){ .high_water_mark = 16384, .no_half_open = true });
    cst_on(f->s, CST_DATA, on_count, f);
    cst_pause(f->s);
    cst_read(&(cst_slice){ .len = 0 }, f->s, 0);
    sent = send_bytes(f->peer, 0, BYTES);
    turn(f, 10);
    assert_int_equal(cst_readable_length(f->s), 16384);
    assert_false(uv_is_active((uv_handle_t *)&f->handle.stream));
    before = sent;
    sent += send_bytes(f->peer, sent, BYTES - sent);
    assert_true(sent <= before + 16384 + 4096); /* the system's room, once more */
    assert_int_equal(f->bytes, 0);
    cst_resume(f->s);
    while (sent < BYTES) {
        turn(f, 1);
        sent += send_bytes(f->peer, sent, BYTES - sent);
    }
    shutdown(f->peer, SHUT_WR);
    run(f);
    assert_int_equal(f->bytes, BYTES);
    assert_string_equal(f->trace.text, "end finish close");
    cst_unref(f->s);
}

static void an_idle_stream_holds_no_buffer(void **state)
{
    struct fixture *f = *state;
    size_t before;

    open_pair(f, NULL);
    before = f->heap.live_bytes;
    cst_on(f->s, CST_DATA, on_event, f);
    turn(f, 3);
    assert_true(uv_is_active((uv_handle_t *)&f->handle.stream));
    assert_true(f->heap.live_bytes < before + 4096);
    cst_unref(f->s);
}

static void a_reset_is_an_error(void **state)
{
    struct fixture *f = *state;
    const struct linger linger = { .l_onoff = 1 };

    open_tcp(f);
    cst_on(f->s, CST_DATA, on_event, f);
    turn(f, 1);
    setsockopt(f->peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(f->peer);
    f->peer = -1;
    run(f);
    assert_string_equal(f->trace.text, "error:ECONNRESET close");
    cst_unref(f->s);
}

static void a_write_to_a_peer_that_has_gone_is_an_error(void **state)
{
    struct fixture *f = *state;

    open_pair(f, NULL);
    close(f->peer);
    f->peer = -1;
    cst_write(f->s, cst_slice_str("abc"), on_done, f);
    run(f);
    assert_string_equal(f->trace.text, "done:EPIPE error:EPIPE close");
    cst_unref(f->s);
}

static void fill(struct fixture *f)
{
    cst_slice all = numbered(f, 1000000);

    cst_write(f->s, all, on_done, f);
    cst_write(f->s, cst_slice_str("queued"), on_done, f);
    turn(f, 2);
    assert_string_equal(f->trace.text, "");
}

static void a_stream_that_is_destroyed_answers_and_closes(void **state)
{
    struct fixture *f = *state;

    open_pair(f, NULL);
    fill(f);
    cst_destroy(f->s, CST_USER(1));
    assert_false(cst_is_closed(f->s));
    run(f);
    assert_string_equal(f->trace.text, "done:USER done:USER error:USER close");
    cst_unref(f->s);
}

static void an_end_that_is_under_way_may_be_cut_off(void **state)
{
    struct fixture *f = *state;

    open_pair(f, NULL);
    cst_end(f->s, on_done, f);
    turn(f, 0);
    cst_destroy(f->s, CST_OK);
    run(f);
    assert_string_equal(f->trace.text, "done:DESTROYED close");
    cst_unref(f->s);
}

static void destroy_it(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    (void)arg;
    cst_destroy(s, CST_OK);
}

static void a_listener_may_destroy_the_stream(void **state)
{
    static const cst_event_type types[] = { CST_DATA, CST_END, CST_FINISH, CST_DRAIN };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct fixture *f = *state;

        open_pair(f, &(cst_opts){ .high_water_mark = 4 });
        cst_on(f->s, CST_DATA, on_event, f);
        cst_on(f->s, types[i], destroy_it, f);
        send_text(f->peer, "in");
        cst_write(f->s, cst_slice_str("overflow"), NULL, NULL);
        turn(f, 2);
        cst_end(f->s, NULL, NULL);
        shutdown(f->peer, SHUT_WR);
        run(f);
        assert_true(cst_is_closed(f->s));
        cst_unref(f->s);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

/* The context is freed while its stream is open, has a write in flight, or is being closed. What
 * libuv still calls back finds everything in order. */
static void the_context_may_be_freed_first(void **state)
{
    for (unsigned way = 0; way < 4; way++) {
        struct fixture *f = *state;

        open_pair(f, NULL);
        cst_on(f->s, CST_DATA, on_event, f);
        turn(f, 1);
        if (way == 1 || way == 3)
            fill(f);
        if (way >= 2)
            cst_destroy(f->s, CST_OK);
        cst_uv_detach_ctx(&f->host);
        assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
        f->ctx = NULL;
        if (way == 0) /* nothing was under way: it closes as ever */
            assert_string_equal(f->trace.text, "close");
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

static void a_handle_of_one_direction_is_a_stream_of_one_side(void **state)
{
    struct fixture *f = *state;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    f->peer = ends[0];
    assert_int_equal(uv_pipe_init(&f->uv, &f->handle.pipe, 0), 0);
    assert_int_equal(uv_pipe_open(&f->handle.pipe, ends[1]), 0);
    assert_int_equal(cst_uv_stream_new(&f->s, f->ctx, &f->handle.stream, NULL), CST_OK);
    watch(f);
    assert_false(cst_is_readable(f->s));
    cst_end_with(f->s, cst_slice_str("bye"), on_done, f);
    run(f);
    assert_string_equal(f->trace.text, "done:OK finish close");
    assert_reads(f->peer, "bye");
    assert_reads(f->peer, "");
    cst_unref(f->s);
}

static void a_terminal_is_a_stream(void **state)
{
    struct fixture *f = *state;
    int slave;

    f->peer = posix_openpt(O_RDWR | O_NOCTTY);
    if (f->peer < 0 || grantpt(f->peer) < 0 || unlockpt(f->peer) < 0)
        skip();
    slave = open(ptsname(f->peer), O_RDWR | O_NOCTTY);
    assert_int_equal(uv_tty_init(&f->uv, &f->handle.tty, slave, 1), 0);
    assert_int_equal(cst_uv_stream_new(&f->s, f->ctx, &f->handle.stream, NULL), CST_OK);
    watch(f);
    cst_on(f->s, CST_DATA, on_event, f);
    send_text(f->peer, "typed\n");
    while (strcmp(f->trace.text, "data:typed\n") != 0)
        uv_run(&f->uv, UV_RUN_ONCE);
    assert_reads(f->peer, "typed\r\n"); /* its echo */
    cst_write(f->s, cst_slice_str("shown"), NULL, NULL);
    assert_reads(f->peer, "shown");
    cst_destroy(f->s, CST_OK);
    run(f);
    assert_string_equal(f->trace.text, "data:typed\n close");
    cst_unref(f->s);
    close(slave);
}

/* A round trip of two streams; returns whether all went well. */
static bool round_trip(struct fixture *f)
{
    static const cst_opts opts = { .high_water_mark = 512, .no_half_open = true };
    cst_status st;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    f->peer = ends[1];
    set_nonblocking(f->peer);
    uv_pipe_init(&f->uv, &f->handle.pipe, 0);
    uv_pipe_open(&f->handle.pipe, ends[0]);
    st = cst_uv_stream_new(&f->s, f->ctx, &f->handle.stream, &opts);
    if (st < 0) {
        uv_close((uv_handle_t *)&f->handle.stream, NULL);
        return false;
    }
    if (cst_on(f->s, CST_ERROR, on_event, f) < 0 || cst_pipe(f->s, f->s, NULL) < 0) {
        cst_destroy(f->s, CST_E_NOMEM);
        cst_unref(f->s);
        return false;
    }
    send_bytes(f->peer, 0, 300000);
    shutdown(f->peer, SHUT_WR);
    for (size_t got = 0; !cst_is_closed(f->s);) {
        turn(f, 1);
        got += take(f->peer, got);
    }
    st = cst_errored(f->s) ? cst_errored(f->s)->status : CST_OK;
    cst_unref(f->s);
    return st == CST_OK;
}

static void any_allocation_may_fail(void **state)
{
    size_t k = 0, failures;

    do {
        struct fixture *f = *state;
        bool went_well;

        test_heap_fail_at(&f->heap, ++k);
        went_well = round_trip(f);
        failures = f->heap.failures;
        assert_true(went_well || failures);
        test_heap_fail_never(&f->heap);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    } while (failures);
    assert_true(k > 3);
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    uv_tcp_t unconnected;
    cst_stream *s;
    cst_uv_ctx other;

    open_pair(f, NULL);
    assert_int_equal(cst_uv_stream_new(NULL, f->ctx, &f->handle.stream, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_uv_stream_new(&s, NULL, &f->handle.stream, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_uv_stream_new(&s, f->ctx, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_uv_stream_new(&s, f->ctx, &f->handle.stream,
                                       &(cst_opts){ .readable_object_mode = true }),
                     CST_E_INVALID_ARG);
    uv_tcp_init(&f->uv, &unconnected);
    assert_int_equal(cst_uv_stream_new(&s, f->ctx, (uv_stream_t *)&unconnected, NULL),
                     CST_E_INVALID_ARG);
    uv_close((uv_handle_t *)&unconnected, NULL);
    memset(&other, 0, sizeof(other));
    assert_int_equal(cst_uv_attach_ctx(&other, &f->uv, f->ctx), CST_E_INVALID_ARG);
    assert_int_equal(cst_uv_attach_ctx(&f->host, &f->uv, f->ctx), CST_E_INVALID_ARG);
    assert_int_equal(cst_uv_attach_ctx(NULL, &f->uv, f->ctx), CST_E_INVALID_ARG);
    cst_uv_detach_ctx(&other);
    cst_uv_detach_ctx(NULL);
    cst_destroy(f->s, CST_OK);
    assert_int_equal(cst_uv_stream_new(&s, f->ctx, &f->handle.stream, NULL), CST_E_INVALID_ARG);
    run(f);
    cst_unref(f->s);
}

/* --- a context under libuv -------------------------------------------------------------------- */

static void without_anything_to_do_uv_run_returns(void **state)
{
    run(*state);
    run(*state);
}

static void work_counts_whenever_it_is_queued(void **state)
{
    struct fixture *f = *state;
    cst_task task = { .fn = NULL };
    cst_timer timer = { .fn = NULL };

    cst_defer(f->ctx, &task, note, f);
    run(f);
    cst_defer(f->ctx, &task, note, f); /* uv_run had nothing left */
    run(f);
    cst_timer_start_in(f->ctx, &timer, 2 * MS, note, f);
    run(f);
    assert_string_equal(f->trace.text, "ran ran ran");
}

struct last_act {
    struct fixture *f;
    cst_task task;
};

static void queue_last(uv_handle_t *handle)
{
    struct last_act *last = handle->data;

    cst_defer(last->f->ctx, &last->task, note, last->f);
}

static void close_last(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, queue_last);
}

static void the_last_act_of_the_host_may_be_to_queue_work(void **state)
{
    struct fixture *f = *state;
    struct last_act last = { .f = f, .task = { .fn = NULL } };
    uv_timer_t timer;

    uv_timer_init(&f->uv, &timer);
    timer.data = &last;
    uv_timer_start(&timer, close_last, 1, 0);
    run(f);
    assert_string_equal(f->trace.text, "ran");
}

static void timers_are_neither_early_nor_forgotten(void **state)
{
    struct fixture *f = *state;
    cst_timer timers[5] = { { .fn = NULL } };
    uint64_t before = uv_hrtime();

    for (unsigned i = 0; i < 5; i++)
        cst_timer_start_in(f->ctx, &timers[i], (5 - i) * 3 * MS + 1, note, f);
    run(f);
    assert_true(uv_hrtime() - before > 15 * MS);
    assert_string_equal(f->trace.text, "ran ran ran ran ran");
}

static void a_limit_on_a_stream_keeps_nothing_running(void **state)
{
    struct fixture *f = *state;
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
    cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = UINT64_C(3600000000000) });
    run(f);
    cst_unref(s);
}

struct poster {
    struct fixture *f;
    cst_task tasks[100];
    unsigned seen;
    cst_timer hold;
};

static void count(void *arg)
{
    struct poster *poster = arg;

    if (++poster->seen == 100)
        cst_timer_stop(poster->f->ctx, &poster->hold);
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;

    for (unsigned i = 0; i < 100; i++) {
        if (i % 10 == 0)
            poll(NULL, 0, 1); /* so that the loop falls asleep in between */
        cst_post(poster->f->ctx, &poster->tasks[i], count, poster);
    }
    return NULL;
}

/* A timer that is far away holds uv_run meanwhile. */
static void another_thread_wakes_the_loop(void **state)
{
    static struct poster poster;
    pthread_t thread;

    TEST_NEEDS_ATOMICS();
    memset(&poster, 0, sizeof(poster));
    poster.f = *state;
    cst_timer_start_in(poster.f->ctx, &poster.hold, UINT64_C(3600000000000), count, &poster);
    pthread_create(&thread, NULL, post_all, &poster);
    run(poster.f);
    pthread_join(thread, NULL);
    assert_int_equal(poster.seen, 100);
}

static void on_status(cst_status status, void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->trace, "status:%s", word(status));
}

static void an_error_that_nobody_hears_reaches_the_program(void **state)
{
    struct fixture *f = *state;
    cst_task task = { .fn = NULL };
    cst_stream *s;

    cst_passthrough_new(&s, f->ctx, NULL);
    cst_destroy(s, CST_USER(1));
    cst_unref(s);
    run(f); /* uv_stop was called */
    assert_int_equal(f->host.status, CST_E_UNHANDLED);
    f->host.on_status = on_status;
    f->host.arg = f;
    cst_passthrough_new(&s, f->ctx, NULL);
    cst_destroy(s, CST_USER(1));
    cst_unref(s);
    cst_defer(f->ctx, &task, note, f);
    run(f);
    assert_string_equal(f->trace.text, "ran status:UNHANDLED");
}

static void detach(void *arg)
{
    struct fixture *f = arg;

    cst_uv_detach_ctx(&f->host);
    assert_int_equal(cst_uv_attach_ctx(&f->host, &f->uv, f->ctx), CST_E_INVALID_ARG);
}

static void on_detached(void *arg)
{
    struct fixture *f = arg;

    test_trace_add(&f->trace, "detached");
}

static void a_context_may_be_detached_in_a_callback_and_attached_again(void **state)
{
    struct fixture *f = *state;
    cst_task tasks[2] = { { .fn = NULL } };

    f->host.on_detached = on_detached;
    f->host.arg = f;
    cst_defer(f->ctx, &tasks[0], detach, f);
    run(f);
    cst_defer(f->ctx, &tasks[1], note, f);
    run(f);
    assert_string_equal(f->trace.text, "detached");
    assert_int_equal(cst_uv_attach_ctx(&f->host, &f->uv, f->ctx), CST_OK);
    run(f);
    assert_string_equal(f->trace.text, "detached ran");
    f->host.on_detached = NULL;
}

/* --- all -------------------------------------------------------------------------------------- */

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(what_a_peer_sends_comes_out_in_order_and_ends),
    T(a_small_write_goes_out_at_once),
    T(what_has_no_room_goes_out_as_the_peer_reads),
    T(a_paused_stream_stops_reading_and_goes_on_when_resumed),
    T(an_idle_stream_holds_no_buffer),
    T(a_reset_is_an_error),
    T(a_write_to_a_peer_that_has_gone_is_an_error),
    T(a_stream_that_is_destroyed_answers_and_closes),
    T(an_end_that_is_under_way_may_be_cut_off),
    T(a_listener_may_destroy_the_stream),
    T(the_context_may_be_freed_first),
    T(a_handle_of_one_direction_is_a_stream_of_one_side),
    T(a_terminal_is_a_stream),
    T(any_allocation_may_fail),
    T(wrong_arguments_are_refused),
    T(without_anything_to_do_uv_run_returns),
    T(work_counts_whenever_it_is_queued),
    T(the_last_act_of_the_host_may_be_to_queue_work),
    T(timers_are_neither_early_nor_forgotten),
    T(a_limit_on_a_stream_keeps_nothing_running),
    T(another_thread_wakes_the_loop),
    T(an_error_that_nobody_hears_reaches_the_program),
    T(a_context_may_be_detached_in_a_callback_and_attached_again),
};

TEST_MAIN(tests)

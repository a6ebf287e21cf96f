/*
 * test_coalesce.c - fd.h, net.h, "Small writes": with coalesce_writes the small chunks of a turn go
 * out in one call. Calls are counted by a writev, a send and a sendmsg of this program, which take
 * the place of the system's.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "fixture.h"

static unsigned calls;

ssize_t writev(int fd, const struct iovec *vectors, int count)
{
    calls++;
    return syscall(SYS_writev, fd, vectors, count);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    struct iovec vector = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };

    return sendmsg(fd, &(struct msghdr){ .msg_iov = &vector, .msg_iovlen = 1 }, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    calls++;
    return syscall(SYS_sendmsg, fd, message, flags);
}

static int setup(void **state)
{
    calls = 0;
    return test_setup(state);
}

#define C(name) cmocka_unit_test_setup_teardown(name, setup, test_teardown)

static const cst_fd_opts together = { .coalesce_writes = true };

static cst_stream *writer(struct test_fixture *f, int fd, const cst_fd_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_fd_sink_new(&s, f->loop, fd, opts), CST_OK);
    test_listen(f, s, "w");
    return s;
}

static cst_stream *pipe_writer(struct test_fixture *f, int *reader)
{
    int out;

    test_pipe(reader, &out);
    return writer(f, out, &together);
}

static cst_stream *duplex_and_peer(struct test_fixture *f, int *peer)
{
    cst_stream *s;
    int here;

    test_socketpair(&here, peer, SOCK_STREAM);
    assert_int_equal(cst_fd_duplex_new(&s, f->loop, here, &together), CST_OK);
    test_listen_to_data(f, s, "s");
    return s;
}

static size_t readable(int fd)
{
    int n;

    assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
    return (size_t)n;
}

/* Write test_byte from `from` to `to` - 1, in chunks of `step`. */
static void write_steps(struct test_fixture *f, cst_stream *s, size_t from, size_t to, size_t step)
{
    for (size_t at = from; at < to; at += step)
        cst_write(s, test_bytes(f, at, to - at < step ? to - at : step), NULL, NULL);
}

static void end_and_free(struct test_fixture *f, cst_stream *s, int reader)
{
    cst_end(s, NULL, NULL);
    test_run(f);
    close(reader);
    cst_unref(s);
}

/* --- when they go out ------------------------------------------------------------------------- */

static void small_chunks_of_a_turn_go_out_in_one_call_when_it_ends(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "1"));
    cst_write(s, cst_slice_empty(), test_on_done, test_name(f, "2"));
    cst_write(s, cst_slice_str("def"), test_on_done, test_name(f, "3"));
    assert_int_equal(calls, 0);
    assert_int_equal(cst_writable_length(s), 0);
    assert_int_equal(cst_stream_bytes_written(s), 0);
    test_turn(f, 1);
    assert_int_equal(calls, 1);
    assert_int_equal(cst_stream_bytes_written(s), 6);
    test_assert_reads(in, "abcdef");
    assert_string_equal(f->trace.text, "1:OK 2:OK 3:OK");
    test_turn(f, 2);
    assert_int_equal(calls, 1);
    end_and_free(f, s, in);
    assert_string_equal(f->trace.text, "1:OK 2:OK 3:OK w:finish w:close");
}

static void without_the_option_each_chunk_goes_out_at_once(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = writer(f, out, NULL);
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    cst_write(s, cst_slice_str("def"), NULL, NULL);
    assert_int_equal(calls, 2);
    test_assert_reads(in, "abcdef");
    end_and_free(f, s, in);
}

static void write_later(void *arg)
{
    cst_write(arg, cst_slice_str("later "), NULL, NULL);
}

/* What the tasks of a turn write joins what was written before it. */
static void tasks_of_the_turn_write_into_the_same_call(void **state)
{
    struct test_fixture *f = *state;
    cst_task task = { .arg = NULL }, end = { .arg = NULL };
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    cst_write(s, cst_slice_str("first "), NULL, NULL);
    cst_defer(f->ctx, &task, write_later, s);
    test_turn(f, 1);
    assert_int_equal(calls, 1);
    test_assert_reads(in, "first later ");
    cst_at_turn_end(f->ctx, &end, write_later, s);
    test_turn(f, 1);
    assert_int_equal(calls, 2);
    test_assert_reads(in, "later ");
    end_and_free(f, s, in);
}

static void long_chunk_goes_out_at_once_with_what_is_held(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    write_steps(f, s, 0, 300, 100);
    cst_write(s, test_bytes(f, 300, 4096), NULL, NULL); /* small */
    assert_int_equal(calls, 0);
    cst_write(s, test_bytes(f, 4396, 4097), NULL, NULL);
    assert_int_equal(calls, 1);
    assert_int_equal(test_take_all(f, in), 8493);
    test_turn(f, 1);
    assert_int_equal(calls, 1);
    end_and_free(f, s, in);
}

/* Of lines of 30 bytes 2,184 fit 65,536 bytes. */
static void full_block_goes_out_before_the_turn_ends(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    assert_true(fcntl(in, F_SETPIPE_SZ, 1 << 20) >= 300000);
    write_steps(f, s, 0, 300000, 30);
    assert_int_equal(calls, 4);
    assert_int_equal(readable(in), 4 * 65520);
    test_turn(f, 1);
    assert_int_equal(calls, 5);
    assert_int_equal(test_take_all(f, in), 300000);
    end_and_free(f, s, in);
}

static void no_more_is_held_than_the_high_water_mark(void **state)
{
    const cst_fd_opts opts = { .stream.high_water_mark = 1000, .coalesce_writes = true };
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = writer(f, out, &opts);
    write_steps(f, s, 0, 1200, 300);
    assert_int_equal(readable(in), 900);
    cst_write(s, test_bytes(f, 1200, 1001), NULL, NULL);
    assert_int_equal(readable(in), 2201);
    assert_int_equal(calls, 2);
    assert_int_equal(test_take_all(f, in), 2201);
    end_and_free(f, s, in);
}

static void mark_of_zero_holds_nothing(void **state)
{
    const cst_fd_opts opts = { .stream.high_water_mark = CST_HWM_ZERO, .coalesce_writes = true };
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = writer(f, out, &opts);
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    test_assert_reads(in, "abc");
    end_and_free(f, s, in);
}

/* Chunks that come together, by writev, are held like others; if they are too many, not. */
static void corked_chunks_are_held_too(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    assert_true(fcntl(in, F_SETPIPE_SZ, 1 << 20) >= 300000);
    cst_cork(s);
    write_steps(f, s, 0, 3000, 100);
    cst_uncork(s);
    assert_int_equal(calls, 0);
    test_turn(f, 1);
    assert_int_equal(calls, 1);
    cst_cork(s);
    write_steps(f, s, 3000, 203000, 4000);
    cst_uncork(s);
    assert_int_equal(readable(in), 203000);
    assert_int_equal(test_take_all(f, in), 203000);
    end_and_free(f, s, in);
}

static void end_writes_what_is_held_before_finish(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int peer;

    s = duplex_and_peer(f, &peer);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "1"));
    cst_end_with(s, cst_slice_str("def"), test_on_done, test_name(f, "end"));
    assert_int_equal(calls, 1);
    test_assert_reads(peer, "abcdef");
    test_assert_reads(peer, "");
    close(peer);
    test_run(f);
    assert_int_equal(calls, 1);
    assert_string_equal(f->trace.text, "1:OK end:OK s:finish s:end s:close");
    cst_unref(s);
}

/* What a shared descriptor gets is gathered too; the stream leaves it open. */
static void standard_stream_can_be_coalesced(void **state)
{
    const cst_fd_opts opts = {
        .stream.no_pipe_end = true, .borrowed = true, .shared = true, .coalesce_writes = true
    };
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = writer(f, out, &opts);
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    cst_write(s, cst_slice_str("def"), NULL, NULL);
    test_turn(f, 1);
    assert_int_equal(calls, 1);
    test_assert_reads(in, "abcdef");
    end_and_free(f, s, in);
    assert_true(test_is_open(out));
    close(out);
}

/* Return how many blocks a source takes. */
static size_t blocks_of_a_source(struct test_fixture *f, const cst_fd_opts *opts)
{
    size_t blocks;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    blocks = f->heap.live_blocks;
    assert_int_equal(cst_fd_source_new(&s, f->loop, in, opts), CST_OK);
    blocks = f->heap.live_blocks - blocks;
    close(out);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    test_turn(f, 2);
    return blocks;
}

static void source_ignores_the_option(void **state)
{
    struct test_fixture *f = *state;

    (void)blocks_of_a_source(f, NULL); /* the loop keeps what it has grown by */
    assert_int_equal(blocks_of_a_source(f, &together), blocks_of_a_source(f, NULL));
}

/* --- a descriptor that takes no more ---------------------------------------------------------- */

/* The pipe holds 65,536 bytes, the block as many. */
static void full_pipe_holds_the_writer_back_and_nothing_is_lost(void **state)
{
    struct test_fixture *f = *state;
    size_t at = 0;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    while (!cst_writable_need_drain(s)) {
        cst_write(s, test_bytes(f, at, 100), NULL, NULL);
        at += 100;
    }
    assert_true(cst_writable_length(s) >= 65536 && cst_writable_length(s) < 65536 + 100);
    assert_true(at > 3 * 65536 - 400 && at <= 3 * 65536 + 100);
    calls = 0;
    test_turn(f, 5);
    assert_int_equal(calls, 0); /* the loop waits for room */
    cst_end(s, NULL, NULL);
    for (unsigned i = 0; i < 20; i++) {
        test_take_all(f, in);
        test_turn(f, 1);
    }
    assert_int_equal(f->gathered, at);
    assert_int_equal(cst_stream_bytes_written(s), at);
    assert_string_equal(f->trace.text, "w:finish w:close");
    close(in);
    cst_unref(s);
}

/* Fill the pipe but for 100 bytes. */
static cst_stream *nearly_full(struct test_fixture *f, int *in)
{
    cst_stream *s = pipe_writer(f, in);

    cst_write(s, test_bytes(f, 0, 65536), NULL, NULL);
    test_take_all(f, *in);
    f->gathered = 0;
    assert_int_equal(fcntl(*in, F_SETPIPE_SZ, 65536), 65536);
    cst_write(s, test_bytes(f, 0, 65536 - 4096), NULL, NULL);
    calls = 0;
    return s;
}

static void what_waits_is_joined_by_what_comes_and_kept_in_a_small_block(void **state)
{
    struct test_fixture *f = *state;
    size_t at = 61440, before;
    cst_stream *s;
    cst_buf buf;
    int in;

    s = nearly_full(f, &in);
    write_steps(f, s, at, at + 4096 + 50, 1000);
    before = f->heap.live_bytes;
    test_turn(f, 1);
    assert_int_equal(calls, 2); /* a part, and EAGAIN */
    assert_int_equal(cst_buf_new_cached(&buf, f->ctx, 65536), CST_OK);
    assert_true(f->heap.live_bytes < before + 1000); /* the large one was free */
    cst_buf_free(&buf);
    assert_int_equal(cst_writable_length(s), 0);
    cst_write(s, test_bytes(f, at + 4146, 54), test_on_done, test_name(f, "next"));
    assert_int_equal(cst_writable_length(s), 54); /* the small block is full */
    test_take_all(f, in);
    test_turn(f, 1);
    test_take_all(f, in);
    assert_int_equal(f->gathered, at + 4200);
    assert_int_equal(calls, 3); /* both together */
    assert_string_equal(f->trace.text, "next:OK");
    end_and_free(f, s, in);
}

static void end_waits_for_what_waits(void **state)
{
    struct test_fixture *f = *state;
    size_t at = 61440;
    cst_stream *s;
    int in;

    s = nearly_full(f, &in);
    write_steps(f, s, at, at + 8000, 1000);
    cst_end(s, test_on_done, test_name(f, "end"));
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "");
    test_take_all(f, in);
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "end:OK w:finish w:close");
    test_take_all(f, in);
    assert_int_equal(f->gathered, at + 8000);
    close(in);
    cst_unref(s);
}

static void part_of_what_is_held_is_activity(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = nearly_full(f, &in);
    write_steps(f, s, 61440, 61440 + 20000, 1000);
    test_limit_idleness(f, s);
    test_turn(f, 1);
    test_pass(f, 80);
    test_take_all(f, in);
    test_turn(f, 1);
    test_assert_idle_in_time(f, "", "idle");
    cst_destroy(s, CST_OK);
    test_run(f);
    close(in);
    cst_unref(s);
}

/* --- failures --------------------------------------------------------------------------------- */

/* The first two were taken; the third comes when the failure is known. */
static void reader_that_has_gone_fails_the_stream_when_the_turn_ends(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    close(in);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "1"));
    cst_write(s, cst_slice_str("def"), test_on_done, test_name(f, "2"));
    test_turn(f, 1);
    cst_write(s, cst_slice_str("ghi"), test_on_done, test_name(f, "3"));
    test_run(f);
    assert_string_equal(f->trace.text, "1:OK 2:OK w:error:EPIPE w:close 3:DESTROYED");
    assert_int_equal(cst_errored(s)->direction, CST_WRITING);
    assert_string_equal(cst_errored(s)->stage, "fd-writer");
    assert_int_equal(cst_stream_bytes_written(s), 0);
    cst_unref(s);
}

static void block_that_cannot_be_written_fails_the_chunk_that_needs_room(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    close(in);
    write_steps(f, s, 0, 65536, 4096);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "next"));
    assert_int_equal(calls, 1);
    test_run(f);
    assert_string_equal(f->trace.text, "next:EPIPE w:error:EPIPE w:close");
    cst_unref(s);
}

static void reader_that_goes_while_the_end_waits_fails_it(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = nearly_full(f, &in);
    write_steps(f, s, 61440, 61440 + 8000, 1000);
    cst_end(s, test_on_done, test_name(f, "end"));
    test_turn(f, 1);
    close(in);
    test_run(f);
    assert_string_equal(f->trace.text, "end:EPIPE w:error:EPIPE w:close");
    cst_unref(s);
}

static void reader_that_goes_while_what_is_held_waits_fails_the_stream(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = nearly_full(f, &in);
    write_steps(f, s, 61440, 61440 + 8000, 1000);
    test_turn(f, 1);
    close(in);
    test_run(f);
    assert_string_equal(f->trace.text, "w:error:EPIPE w:close");
    cst_unref(s);
}

/* A stream that is corked when its block fails says so when it is uncorked. */
static void failure_of_a_corked_stream_is_told_at_the_next_write(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    close(in);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "1"));
    cst_cork(s);
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "1:OK");
    cst_write(s, cst_slice_str("def"), test_on_done, test_name(f, "2"));
    cst_uncork(s);
    test_run(f);
    assert_string_equal(f->trace.text, "1:OK 2:EPIPE w:error:EPIPE w:close");
    cst_unref(s);
}

static void write_behind(cst_stream *s, const cst_event *event, void *arg)
{
    (void)event;
    cst_write(s, cst_slice_str("def"), test_on_done, arg);
}

/* A chunk that is written while they are heard waits, and gets the failure too. */
static void last_words_are_heard_before_a_failed_block_ends_the_stream(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int peer;

    s = duplex_and_peer(f, &peer);
    test_turn(f, 2);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    test_write(peer, "too large");
    close(peer);
    cst_on(s, CST_DATA, write_behind, test_name(f, "behind"));
    test_run(f);
    assert_string_equal(f->trace.text,
                        "done:OK s:data:too large behind:EPIPE s:error:EPIPE s:close");
    cst_unref(s);
}

static void last_words_are_heard_before_a_failed_end(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int peer;

    s = duplex_and_peer(f, &peer);
    test_turn(f, 2);
    test_write(peer, "too large");
    close(peer);
    cst_end_with(s, cst_slice_str("abc"), test_on_done, test_name(f, "end"));
    test_run(f);
    assert_string_equal(f->trace.text, "s:data:too large end:EPIPE s:error:EPIPE s:close");
    cst_unref(s);
}

/* --- destroy ---------------------------------------------------------------------------------- */

static void destroy_writes_what_is_held(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    cst_destroy(s, CST_OK);
    test_assert_reads(in, "abc");
    test_assert_reads(in, "");
    test_run(f);
    assert_int_equal(calls, 1);
    assert_string_equal(f->trace.text, "done:OK w:close");
    close(in);
    cst_unref(s);
}

static void destroy_loses_what_waits(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = nearly_full(f, &in);
    write_steps(f, s, 61440, 61440 + 8000, 1000);
    test_turn(f, 1);
    calls = 0;
    cst_destroy(s, CST_USER(1));
    assert_int_equal(calls, 0);
    assert_int_equal(test_take_all(f, in), 65536);
    cst_unref(s);
    test_turn(f, 2);
    close(in);
}

static void destroy_it(cst_stream *s, cst_status status, void *arg)
{
    (void)arg;
    assert_int_equal(status, CST_OK);
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

static void destroy_in_the_callback_of_a_write_leaves_nothing(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in;

    s = pipe_writer(f, &in);
    cst_write(s, cst_slice_str("abc"), destroy_it, NULL);
    cst_write(s, cst_slice_str("def"), NULL, NULL);
    test_run(f);
    test_assert_reads(in, "abcdef");
    assert_string_equal(f->trace.text, "w:close");
    close(in);
}

static void loop_that_is_freed_writes_what_is_held(void **state)
{
    struct test_fixture *f = *state;
    cst_loop *loop;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    assert_int_equal(cst_loop_new(&loop, test_heap_allocator(&f->heap), NULL), CST_OK);
    assert_int_equal(cst_fd_sink_new(&s, loop, out, &together), CST_OK);
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    assert_int_equal(cst_loop_free(loop), CST_OK);
    test_assert_reads(in, "abc");
    test_assert_reads(in, "");
    close(in);
}

/* --- sockets ---------------------------------------------------------------------------------- */

/* A connection over TCP, the stream of one side and the descriptor of the other. */
struct connection {
    struct test_fixture *f;
    cst_listener *listener;
    cst_stream *client, *server;
    int peer; /* the client's descriptor */
};

static void on_server(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    struct connection *c = arg;

    (void)listener;
    assert_int_equal(status, CST_OK);
    c->server = socket;
}

static void make_connection(struct connection *c, struct test_fixture *f)
{
    const cst_listen_opts opts = { .socket.coalesce_writes = true };
    cst_endpoint at;

    *c = (struct connection){ .f = f };
    assert_int_equal(cst_listen(&c->listener, f->loop, &(cst_address){ .host = "127.0.0.1" }, &opts,
                                on_server, c),
                     CST_OK);
    assert_int_equal(cst_listener_address(&at, c->listener), CST_OK);
    assert_int_equal(cst_connect(&c->client, f->loop, &(cst_address){ .port = at.port },
                                 &(cst_socket_opts){ .coalesce_writes = true }),
                     CST_OK);
    cst_write(c->client, cst_slice_str("a"), NULL, NULL); /* while it connects */
    cst_write(c->client, cst_slice_str("b"), NULL, NULL);
    for (unsigned i = 0; i < 100 && !c->server; i++)
        assert_true(cst_loop_run_once(f->loop, 100 * 1000000) >= 0);
    assert_non_null(c->server);
    cst_listener_close(c->listener);
    c->peer = cst_stream_fd(c->client);
    test_turn(f, 2);
    calls = 0;
}

static void close_connection(struct connection *c)
{
    cst_destroy(c->client, CST_OK);
    cst_destroy(c->server, CST_OK);
    test_run(c->f);
    cst_unref(c->client);
    cst_unref(c->server);
}

/* Where Linux has tcpi_data_segs_out in its struct tcp_info, which is longer than that of the C
 * library. */
enum { DATA_SEGMENTS_AT = 156 };

/* Return how many segments with bytes the server's side has sent. */
static uint32_t segments(const struct connection *c)
{
    uint8_t info[256] = { 0 };
    socklen_t len = sizeof info;
    uint32_t count;

    assert_int_equal(getsockopt(cst_stream_fd(c->server), IPPROTO_TCP, TCP_INFO, info, &len), 0);
    assert_true(len >= DATA_SEGMENTS_AT + sizeof count);
    memcpy(&count, info + DATA_SEGMENTS_AT, sizeof count);
    return count;
}

static void assert_arrived(const struct connection *c, size_t len)
{
    static char bytes[65536];

    assert_int_equal(recv(c->peer, bytes, sizeof bytes, MSG_DONTWAIT), (ssize_t)len);
}

static void chunks_of_a_socket_are_one_segment(void **state)
{
    struct test_fixture *f = *state;
    struct connection c;
    uint32_t before;

    make_connection(&c, f);
    before = segments(&c);
    write_steps(f, c.server, 0, 1000, 100);
    test_turn(f, 1);
    assert_int_equal(calls, 1);
    assert_int_equal(segments(&c) - before, 1);
    assert_arrived(&c, 1000);
    close_connection(&c);
}

static void pipe_file(const struct connection *c, const char *path, cst_stream **file)
{
    assert_int_equal(cst_fs_read_stream_new(file, c->f->ctx, path, NULL), CST_OK);
    assert_int_equal(cst_pipe(*file, c->server, &(cst_pipe_opts){ .no_end = true }), CST_OK);
}

static void head_and_file_are_one_segment(void **state)
{
    struct test_fixture *f = *state;
    struct connection c;
    uint32_t before;
    cst_stream *file;

    make_connection(&c, f);
    before = segments(&c);
    cst_write(c.server, cst_slice_str("head"), NULL, NULL);
    pipe_file(&c, test_big_file(f, "from", 1000), &file);
    test_turn(f, 4);
    assert_int_equal(segments(&c) - before, 1);
    assert_int_equal(calls, 1);
    assert_arrived(&c, 1004);
    cst_unref(file);
    close_connection(&c);
}

/* The system would wait up to 200 ms for what follows the head. */
static void head_of_an_empty_file_leaves_at_once(void **state)
{
    struct test_fixture *f = *state;
    struct connection c;
    cst_stream *file;

    make_connection(&c, f);
    cst_write(c.server, cst_slice_str("head"), NULL, NULL);
    pipe_file(&c, test_file(f, "from", ""), &file);
    test_turn(f, 4);
    assert_arrived(&c, 4);
    cst_unref(file);
    close_connection(&c);
}

/* Unless the host has corked the socket itself. */
static void socket_that_the_host_has_corked_stays_so(void **state)
{
    struct test_fixture *f = *state;
    struct connection c;
    cst_stream *file;
    int on = 1;

    make_connection(&c, f);
    assert_int_equal(setsockopt(cst_stream_fd(c.server), IPPROTO_TCP, TCP_CORK, &on, sizeof on), 0);
    cst_write(c.server, cst_slice_str("head"), NULL, NULL);
    pipe_file(&c, test_file(f, "from", ""), &file);
    test_turn(f, 4);
    assert_int_equal(recv(c.peer, &on, sizeof on, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    cst_unref(file);
    close_connection(&c);
}

static void chunks_written_while_a_socket_connects_go_out_together(void **state)
{
    struct test_fixture *f = *state;
    struct connection c;

    make_connection(&c, f);
    test_listen_to_data(f, c.server, "s");
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "s:data:ab");
    close_connection(&c);
}

/* --- memory ----------------------------------------------------------------------------------- */

static bool write_lines(struct test_fixture *f)
{
    static uint8_t pattern[1251];
    cst_stream *w = NULL, *r = NULL;
    cst_status st[2];
    int in, out;

    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = test_byte(i);
    test_pipe(&in, &out);
    st[0] = cst_fd_sink_new(&w, f->loop, out, &together);
    st[1] = cst_fd_source_new(&r, f->loop, in, NULL);
    if (st[0] == CST_OK && st[1] == CST_OK && cst_on(r, CST_DATA, test_on_gather, f) == CST_OK) {
        for (size_t at = 0; at < 200000; at += 1000)
            if (cst_write_copy(w, pattern + at % 251, 1000, NULL, NULL) < 0)
                break;
        cst_end(w, NULL, NULL);
        cst_loop_run(f->loop);
    }
    cst_destroy(w, CST_OK);
    cst_destroy(r, CST_OK);
    cst_unref(w);
    cst_unref(r);
    cst_loop_run(f->loop);
    return f->gathered == 200000;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    test_any_allocation_may_fail(write_lines);
}

static const struct CMUnitTest tests[] = {
    C(small_chunks_of_a_turn_go_out_in_one_call_when_it_ends),
    C(without_the_option_each_chunk_goes_out_at_once),
    C(tasks_of_the_turn_write_into_the_same_call),
    C(long_chunk_goes_out_at_once_with_what_is_held),
    C(full_block_goes_out_before_the_turn_ends),
    C(no_more_is_held_than_the_high_water_mark),
    C(mark_of_zero_holds_nothing),
    C(corked_chunks_are_held_too),
    C(end_writes_what_is_held_before_finish),
    C(standard_stream_can_be_coalesced),
    C(source_ignores_the_option),
    C(full_pipe_holds_the_writer_back_and_nothing_is_lost),
    C(what_waits_is_joined_by_what_comes_and_kept_in_a_small_block),
    C(end_waits_for_what_waits),
    C(part_of_what_is_held_is_activity),
    C(reader_that_has_gone_fails_the_stream_when_the_turn_ends),
    C(block_that_cannot_be_written_fails_the_chunk_that_needs_room),
    C(reader_that_goes_while_the_end_waits_fails_it),
    C(reader_that_goes_while_what_is_held_waits_fails_the_stream),
    C(failure_of_a_corked_stream_is_told_at_the_next_write),
    C(last_words_are_heard_before_a_failed_block_ends_the_stream),
    C(last_words_are_heard_before_a_failed_end),
    C(destroy_writes_what_is_held),
    C(destroy_loses_what_waits),
    C(destroy_in_the_callback_of_a_write_leaves_nothing),
    C(loop_that_is_freed_writes_what_is_held),
    C(chunks_of_a_socket_are_one_segment),
    C(head_and_file_are_one_segment),
    C(head_of_an_empty_file_leaves_at_once),
    C(socket_that_the_host_has_corked_stays_so),
    C(chunks_written_while_a_socket_connects_go_out_together),
    cmocka_unit_test(any_allocation_may_fail),
};

TEST_MAIN(tests)

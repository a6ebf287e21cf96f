/*
 * test_fd.c - fd.h: pipes, socket pairs and devices as streams.
 *
 *   a reader that never reads   the writer holds what was written and says CST_FULL; the loop
 *                               sleeps
 *   a reader that has gone      'error' with EPIPE, no signal
 *   a peer that half closes     'end'; the other direction goes on
 *   a stream that always reads  others get their turn
 */
#include "fixture.h"

#include <time.h>

static cst_stream *reader(struct test_fixture *f, int fd)
{
    cst_stream *s;

    assert_int_equal(cst_fd_source_new(&s, f->loop, fd, NULL), CST_OK);
    return s;
}

static cst_stream *writer(struct test_fixture *f, int fd)
{
    cst_stream *s;

    assert_int_equal(cst_fd_sink_new(&s, f->loop, fd, NULL), CST_OK);
    return s;
}

static cst_stream *duplex(struct test_fixture *f, int fd)
{
    cst_stream *s;

    assert_int_equal(cst_fd_duplex_new(&s, f->loop, fd, NULL), CST_OK);
    return s;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void pipe_is_read_to_its_end(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    test_write(out, "abc");
    close(out);
    s = reader(f, in);
    test_listen_to_data(f, s, "r");
    assert_int_equal(cst_stream_fd(s), in);
    test_run(f);
    assert_string_equal(f->trace.text, "r:data:abc r:end r:close");
    assert_int_equal(cst_stream_bytes_read(s), 3);
    assert_int_equal(cst_stream_fd(s), -1);
    cst_unref(s);
}

static void write_more(cst_watch *watch, unsigned came, void *arg)
{
    (void)came;
    (void)arg;
    test_write(watch->fd, "later");
    cst_watch_remove(watch);
    close(watch->fd);
}

static void reader_waits_for_what_comes_later(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = reader(f, in);
    test_listen_to_data(f, s, "r");
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "");
    assert_int_equal(cst_watch_add(&watch, f->loop, out, write_more, NULL), CST_OK);
    assert_int_equal(cst_watch_want(&watch, CST_WATCH_WRITE), CST_OK);
    test_run(f);
    assert_string_equal(f->trace.text, "r:data:later r:end r:close");
    cst_unref(s);
}

static void nothing_is_read_before_it_is_asked_for(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    test_write(out, "abc");
    s = reader(f, in);
    test_run(f);
    assert_int_equal(cst_stream_bytes_read(s), 0);
    close(out);
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

static void paused_reader_reads_up_to_its_mark_and_does_not_keep_the_loop(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    test_write(out, "abcdefgh");
    assert_int_equal(
        cst_fd_source_new(&s, f->loop, in, &(cst_fd_opts){ .stream.high_water_mark = 3 }), CST_OK);
    test_listen_to_data(f, s, "r");
    cst_pause(s);
    cst_read(NULL, s, 0);
    test_run(f);
    assert_string_equal(f->trace.text, "");
    assert_int_equal(cst_readable_length(s), 3);
    cst_resume(s);
    close(out);
    test_run(f);
    assert_string_equal(f->trace.text, "r:data:abc r:data:def r:data:gh r:end r:close");
    cst_unref(s);
}

static void note_pinned(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    *(size_t *)arg = cst_slice_pinned_bytes(event->chunk);
}

static void small_chunk_pins_no_large_block(void **state)
{
    struct test_fixture *f = *state;
    size_t pinned = 0;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    test_write(out, "abc");
    close(out);
    s = reader(f, in);
    cst_on(s, CST_DATA, note_pinned, &pinned);
    test_run(f);
    assert_int_equal(pinned, 3);
    cst_unref(s);
}

static void read_of_a_directory_says_so(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = reader(f, open(f->dir, O_RDONLY | O_CLOEXEC));

    test_listen_to_data(f, s, "r");
    test_run(f);
    assert_string_equal(f->trace.text, "r:error:EISDIR r:close");
    assert_int_equal(cst_errored(s)->direction, CST_READING);
    assert_string_equal(cst_errored(s)->stage, "fd-reader");
    cst_unref(s);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void writer_writes_and_closes(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = writer(f, out);
    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    test_assert_reads(in, "abc"); /* no turn was needed */
    cst_end_with(s, cst_slice_str("def"), NULL, NULL);
    test_run(f);
    test_assert_reads(in, "def");
    test_assert_reads(in, "");
    assert_string_equal(f->trace.text, "done:OK w:finish w:close");
    assert_int_equal(cst_stream_bytes_written(s), 6);
    close(in);
    cst_unref(s);
}

static void empty_chunks_are_written_in_order(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = writer(f, out);
    cst_cork(s);
    cst_write(s, cst_slice_empty(), test_on_done, test_name(f, "1"));
    cst_write(s, cst_slice_str("a"), test_on_done, test_name(f, "2"));
    cst_write(s, cst_slice_empty(), test_on_done, test_name(f, "3"));
    cst_uncork(s);
    cst_write(s, cst_slice_empty(), test_on_done, test_name(f, "4"));
    cst_end(s, NULL, NULL);
    test_run(f);
    test_assert_reads(in, "a");
    test_assert_reads(in, "");
    assert_string_equal(f->trace.text, "1:OK 2:OK 3:OK 4:OK");
    close(in);
    cst_unref(s);
}

/* A socket that keeps records shows what went out in one call. */
/* In packet mode a read of a pipe returns what one call has written. */
static void queued_chunks_go_out_together(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int here, ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_DIRECT), 0);
    here = ends[0];
    s = writer(f, ends[1]);
    cst_cork(s);
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    cst_write(s, cst_slice_str("def"), NULL, NULL);
    cst_write(s, cst_slice_str("ghi"), NULL, NULL);
    cst_uncork(s);
    test_assert_reads(here, "abcdefghi");
    cst_end(s, NULL, NULL);
    test_run(f);
    close(here);
    cst_unref(s);
}

/* More chunks than one call takes, each of them cut by what the pipe holds. */
static void many_chunks_arrive_whole_through_a_full_pipe(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *r, *w;
    size_t at = 0;
    int in, out;

    test_pipe(&in, &out);
    r = reader(f, in);
    w = writer(f, out);
    test_gather(f, r);
    test_listen(f, r, "r");
    test_listen(f, w, "w");
    for (size_t i = 0; i < 300; i++) {
        size_t len = i * 7;

        cst_write(w, test_bytes(f, at, len), NULL, NULL);
        at += len;
    }
    assert_true(cst_writable_length(w) > 0);
    cst_end(w, NULL, NULL);
    test_run(f);
    assert_int_equal(f->gathered, at);
    assert_string_equal(f->trace.text, "w:finish w:close r:end r:close");
    cst_unref(r);
    cst_unref(w);
}

static void reader_that_never_reads_fills_the_writer_and_the_loop_sleeps(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *zeroes = reader(f, open("/dev/zero", O_RDONLY | O_CLOEXEC));
    cst_stream *w;
    size_t calls;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    w = duplex(f, there);
    test_listen(f, w, "w");
    assert_int_equal(cst_pipe(zeroes, w, NULL), CST_OK);
    test_turn(f, 50);
    assert_true(cst_writable_need_drain(w));
    assert_true(cst_is_paused(zeroes));
    assert_true(f->heap.peak_bytes < 400 * 1024); /* two marks and a chunk, and the cache */
    calls = cst_stream_bytes_read(zeroes);
    assert_int_equal(cst_loop_run_once(f->loop, 20 * 1000000), CST_MORE);
    assert_int_equal(cst_stream_bytes_read(zeroes), calls);
    assert_string_equal(f->trace.text, "");
    cst_destroy(zeroes, CST_OK);
    cst_destroy(w, CST_OK);
    test_run(f);
    close(here);
    cst_unref(zeroes);
    cst_unref(w);
}

enum { LARGE_BYTES = 4000000 };

/* One write, and a reader that takes what is there each 80 ns: for many times the limit, then no
 * more, then to the end. */
static void write_large(struct test_fixture *f, cst_stream *s, int reader)
{
    unsigned steps = 0;

    cst_write(s, test_bytes(f, 0, LARGE_BYTES), test_on_done, test_name(f, "done"));
    test_limit_idleness(f, s);
    for (; f->gathered < LARGE_BYTES / 2; steps++) {
        test_pass(f, 80);
        assert_string_equal(f->trace.text, "");
        assert_true(test_take_all(f, reader) > 0);
        test_turn(f, 1);
    }
    assert_true(steps >= 10);
    test_assert_idle_in_time(f, "", "idle");
    while (f->gathered < LARGE_BYTES) {
        (void)test_take_all(f, reader);
        test_turn(f, 1);
    }
    assert_string_equal(f->trace.text, "idle done:OK");
}

static void let_go_of_large(struct test_fixture *f, cst_stream *s, int reader)
{
    cst_destroy(s, CST_OK);
    test_run(f);
    cst_unref(s);
    close(reader);
}

static void large_write_to_a_slow_reader_is_activity_while_it_goes_out(void **state)
{
    struct test_fixture *f = *state;
    int here, there, small = 65536;
    cst_stream *s;

    test_socketpair(&here, &there, SOCK_STREAM);
    assert_int_equal(setsockopt(there, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    s = duplex(f, there);
    write_large(f, s, here);
    let_go_of_large(f, s, here);
}

static void large_write_into_a_pipe_is_activity_while_it_goes_out(void **state)
{
    struct test_fixture *f = *state;
    int here, there;
    cst_stream *s;

    test_pipe(&here, &there);
    s = writer(f, there);
    write_large(f, s, here);
    let_go_of_large(f, s, here);
}

static void large_write_that_nobody_reads_times_out(void **state)
{
    struct test_fixture *f = *state;
    int here, there;
    cst_stream *s;

    test_socketpair(&here, &there, SOCK_STREAM);
    s = duplex(f, there);
    test_listen(f, s, "w");
    cst_write(s, test_bytes(f, 0, LARGE_BYTES), test_on_done, test_name(f, "done"));
    test_turn(f, 5); /* until the system takes no more */
    test_pass(f, 0);
    assert_int_equal(cst_set_timeouts(s, &(cst_timeouts){ .idle_ns = 100 }), CST_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_false(cst_is_destroyed(s));
        test_turn(f, 1);
        test_pass(f, 25);
    }
    assert_string_equal(f->trace.text, "done:TIMEOUT w:error:TIMEOUT w:close");
    let_go_of_large(f, s, here);
}

static void read_away(int fd)
{
    static char bytes[65536];

    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while (read(fd, bytes, sizeof bytes) > 0)
        continue;
}

static void fill_up(cst_watch *watch, unsigned came, void *arg)
{
    static const char bytes[4096];

    (void)watch;
    (void)came;
    while (write(*(int *)arg, bytes, sizeof bytes) > 0)
        continue;
}

/* Another writer is called first, each time, and leaves no room. */
static void call_that_writes_nothing_is_no_activity(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .loop = NULL };
    uint64_t written;
    int here, there, other;
    cst_stream *s;

    test_pipe(&here, &there);
    other = dup(there);
    s = writer(f, there);
    cst_write(s, test_bytes(f, 0, LARGE_BYTES), test_on_done, test_name(f, "done"));
    written = cst_stream_bytes_written(s);
    assert_int_equal(cst_watch_add(&watch, f->loop, other, fill_up, &other), CST_OK);
    test_limit_idleness(f, s);
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(f->trace.text, "");
        cst_watch_want(&watch, CST_WATCH_WRITE);
        read_away(here);
        test_turn(f, 1);
        test_pass(f, 25);
    }
    assert_string_equal(f->trace.text, "idle");
    assert_int_equal(cst_stream_bytes_written(s), written);
    cst_watch_remove(&watch);
    close(other);
    let_go_of_large(f, s, here);
}

static void write_to_a_pipe_without_a_reader_is_epipe_and_no_signal(void **state)
{
    struct test_fixture *f = *state;
    sigset_t before, after, pending;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = writer(f, out);
    test_listen(f, s, "w");
    close(in);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    assert_int_equal(sigismember(&before, SIGPIPE), 0);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    test_run(f);
    assert_string_equal(f->trace.text, "done:EPIPE w:error:EPIPE w:close");
    assert_int_equal(cst_errored(s)->direction, CST_WRITING);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    assert_int_equal(sigismember(&after, SIGPIPE), 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    cst_unref(s);
}

static void sigpipe_that_was_pending_stays_so(void **state)
{
    struct test_fixture *f = *state;
    sigset_t set, before, pending;
    cst_stream *s;
    int in, out, sig;

    test_pipe(&in, &out);
    s = writer(f, out);
    test_listen(f, s, "w");
    close(in);
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
    assert_int_equal(raise(SIGPIPE), 0);
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    test_run(f);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    assert_int_equal(sigwait(&set, &sig), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    assert_string_equal(f->trace.text, "w:error:EPIPE w:close");
    cst_unref(s);
}

static void write_to_a_socket_without_a_peer_is_epipe_and_no_signal(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    s = duplex(f, there);
    test_listen(f, s, "s");
    close(here);
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "s:error:EPIPE s:close");
    cst_unref(s);
}

static void reader_that_goes_while_a_write_waits_fails_it(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = writer(f, out);
    test_listen(f, s, "w");
    cst_write(s, test_bytes(f, 0, 200000), test_on_done, test_name(f, "done"));
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "");
    close(in);
    test_run(f);
    assert_string_equal(f->trace.text, "done:EPIPE w:error:EPIPE w:close");
    cst_unref(s);
}

static void full_device_is_enospc(void **state)
{
    struct test_fixture *f = *state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cst_stream *s;

    if (fd < 0)
        skip(); /* only Linux has it */
    s = writer(f, fd);
    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    test_run(f);
    assert_string_equal(f->trace.text, "done:ENOSPC w:error:ENOSPC w:close");
    cst_unref(s);
}

/* --- both directions -------------------------------------------------------------------------- */

static void end_of_a_socket_shuts_its_direction_down_alone(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    s = duplex(f, there);
    test_listen_to_data(f, s, "s");
    cst_end_with(s, cst_slice_str("hi"), NULL, NULL);
    test_turn(f, 2);
    test_assert_reads(here, "hi");
    test_assert_reads(here, "");
    test_write(here, "yo");
    test_turn(f, 2);
    close(here);
    test_run(f);
    assert_string_equal(f->trace.text, "s:finish s:data:yo s:end s:close");
    cst_unref(s);
}

static void half_open_peer_is_written_to_after_end(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    s = duplex(f, there);
    test_listen_to_data(f, s, "s");
    test_write(here, "yo");
    assert_int_equal(shutdown(here, SHUT_WR), 0);
    test_run(f);
    assert_string_equal(f->trace.text, "s:data:yo s:end");
    cst_end_with(s, cst_slice_str("hi"), NULL, NULL);
    test_run(f);
    test_assert_reads(here, "hi");
    test_assert_reads(here, "");
    assert_string_equal(f->trace.text, "s:data:yo s:end s:finish s:close");
    close(here);
    cst_unref(s);
}

static void destroy_while_a_write_waits_tells_its_callback_before_close(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    s = duplex(f, there);
    test_listen(f, s, "s");
    cst_write(s, test_bytes(f, 0, 1000000), test_on_done, test_name(f, "1"));
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "2"));
    cst_end(s, test_on_done, test_name(f, "3"));
    test_turn(f, 2);
    cst_destroy(s, CST_USER(1));
    assert_false(test_is_open(there));
    test_run(f);
    assert_string_equal(f->trace.text, "1:USER 2:USER 3:USER s:error:USER s:close");
    close(here);
    cst_unref(s);
}

static void stream_that_nobody_names_is_gone_once_destroyed(void **state)
{
    struct test_fixture *f = *state;
    size_t blocks = f->heap.live_blocks;
    cst_stream *s;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    s = duplex(f, there);
    cst_write(s, test_bytes(f, 0, 1000000), NULL, NULL);
    test_turn(f, 2);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    test_run(f);
    assert_true(f->heap.live_blocks <= blocks + 2); /* what the context keeps for the next one */
    close(here);
}

/* --- what is no stream of bytes, and what is not there yet ------------------------------------ */

static void assert_refused(struct test_fixture *f, int fd)
{
    const cst_fd_opts borrowed = { .borrowed = true };
    cst_stream *s = NULL;

    assert_int_equal(cst_fd_source_new(&s, f->loop, fd, &borrowed), CST_E_INVALID_ARG);
    assert_int_equal(cst_fd_sink_new(&s, f->loop, fd, &borrowed), CST_E_INVALID_ARG);
    assert_true(test_is_open(fd));
    assert_int_equal(cst_fd_duplex_new(&s, f->loop, fd, NULL), CST_E_INVALID_ARG);
    assert_false(test_is_open(fd));
    assert_null(s);
}

static void socket_that_is_no_stream_of_bytes_is_refused(void **state)
{
    struct test_fixture *f = *state;
    int a, b, listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    test_socketpair(&a, &b, SOCK_DGRAM);
    assert_refused(f, a);
    close(b);
    test_socketpair(&a, &b, SOCK_SEQPACKET);
    assert_refused(f, a);
    close(b);
    assert_int_equal(listen(listening, 1), 0);
    assert_refused(f, listening);
}

/* Opened by somebody who does not wait, read before a writer has come. */
static int open_fifo(const struct test_fixture *f)
{
    const char *path = test_path(f, "fifo");
    int fd;

    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int open_writer(const struct test_fixture *f)
{
    int fd = open(test_path(f, "fifo"), O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void fifo_waits_for_its_first_writer(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = reader(f, open_fifo(f));
    int out;

    test_listen_to_data(f, s, "r");
    test_turn(f, 5);
    assert_string_equal(f->trace.text, "");
    out = open_writer(f);
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "");
    test_write(out, "abc");
    close(out);
    test_run(f);
    assert_string_equal(f->trace.text, "r:data:abc r:end r:close");
    cst_unref(s);
}

static void fifo_that_is_piped_waits_for_its_first_writer(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = reader(f, open_fifo(f)), *w;
    int in, out, fifo;

    test_pipe(&in, &out);
    w = writer(f, out);
    test_listen(f, w, "w");
    cst_pipe(s, w, NULL);
    test_turn(f, 5);
    assert_string_equal(f->trace.text, "");
    fifo = open_writer(f);
    test_write(fifo, "abc");
    close(fifo);
    test_run(f);
    assert_string_equal(f->trace.text, "w:finish w:close");
    test_assert_reads(in, "abc");
    test_assert_reads(in, "");
    close(in);
    cst_unref(s);
    cst_unref(w);
}

/* --- a write fails, and the peer has said something before it went ---------------------------- */

/* A duplex, and its peer, which may say much without being read. */
static cst_stream *duplex_and_peer(struct test_fixture *f, int *peer)
{
    int here, size = 1 << 20;

    test_socketpair(&here, peer, SOCK_STREAM);
    assert_int_equal(setsockopt(*peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    return duplex(f, here);
}

/* The duplex has a write that waits for room. */
static cst_stream *sender(struct test_fixture *f, int *peer)
{
    cst_stream *s = duplex_and_peer(f, peer);

    cst_write(s, test_bytes(f, 0, 8 << 20), test_on_done, test_name(f, "done"));
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "");
    return s;
}

static void say_and_go(int peer, size_t len)
{
    for (size_t i = 0; i < len; i += 1000) {
        char bytes[1000];
        size_t n = len - i < sizeof bytes ? len - i : sizeof bytes;

        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)test_byte(i + k);
        assert_int_equal(write(peer, bytes, n), (ssize_t)n);
    }
    close(peer);
}

static void last_words_are_heard_before_a_failed_write_ends_the_stream(void **state)
{
    static const size_t lengths[] = { 1, 65536, 65537, 300000 };
    struct test_fixture *f = *state;

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        cst_stream *s;
        int peer;

        test_trace_clear(&f->trace);
        f->name_count = f->gathered = 0;
        s = sender(f, &peer);
        test_gather(f, s);
        test_listen(f, s, "s");
        test_turn(f, 2);
        say_and_go(peer, lengths[i]);
        test_run(f);
        assert_int_equal(f->gathered, lengths[i]);
        assert_string_equal(f->trace.text, "done:EPIPE s:error:EPIPE s:close");
        cst_unref(s);
    }
}

/* The write that fails is made while the peer is gone: in the slot. */
static void last_words_are_heard_also_where_the_slot_fails(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int peer;

    s = duplex_and_peer(f, &peer);
    test_gather(f, s);
    test_listen(f, s, "s");
    test_turn(f, 2);
    say_and_go(peer, 100000);
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    test_run(f);
    assert_int_equal(f->gathered, 100000);
    assert_string_equal(f->trace.text, "done:EPIPE s:error:EPIPE s:close");
    cst_unref(s);
}

static void read_all(cst_stream *s, const cst_event *event, void *arg)
{
    cst_event data = { .type = CST_DATA };
    cst_slice chunk;

    (void)event;
    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK) {
        data.chunk = &chunk;
        test_on_gather(s, &data, arg);
        cst_slice_unref(&chunk);
    }
}

static void last_words_are_heard_by_readable(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int peer;

    s = sender(f, &peer);
    assert_int_equal(cst_on(s, CST_READABLE, read_all, f), CST_OK);
    test_listen(f, s, "s");
    test_turn(f, 2);
    say_and_go(peer, 300000);
    test_run(f);
    assert_int_equal(f->gathered, 300000);
    assert_string_equal(f->trace.text, "done:EPIPE s:error:EPIPE s:close");
    cst_unref(s);
}

static void last_words_are_heard_by_a_loop_over_cst_next(void **state)
{
    struct test_fixture *f = *state;
    cst_event data = { .type = CST_DATA };
    cst_stream *s;
    cst_slice chunk;
    cst_status st;
    int peer;

    s = sender(f, &peer);
    assert_int_equal(cst_next(&chunk, s), CST_EMPTY);
    test_turn(f, 2);
    say_and_go(peer, 300000);
    while ((st = cst_next(&chunk, s)) == CST_OK || st == CST_EMPTY) {
        if (st == CST_EMPTY) {
            test_turn(f, 1);
            continue;
        }
        data.chunk = &chunk;
        test_on_gather(s, &data, f);
        cst_slice_unref(&chunk);
    }
    assert_int_equal(st, CST_OS(EPIPE));
    assert_int_equal(f->gathered, 300000);
    test_run(f);
    cst_unref(s);
}

/* Each pause is longer than what is between two looks at the reader. */
static void last_words_are_heard_by_a_reader_that_is_slow_but_takes_all(void **state)
{
    static const struct timespec pause = { 0, 60000000 };
    struct test_fixture *f = *state;
    cst_event data = { .type = CST_DATA };
    cst_stream *s;
    cst_slice chunk;
    cst_status st;
    int peer;

    s = sender(f, &peer);
    assert_int_equal(cst_next(&chunk, s), CST_EMPTY);
    test_turn(f, 2);
    say_and_go(peer, 400000);
    while ((st = cst_next(&chunk, s)) == CST_OK || st == CST_EMPTY) {
        if (st == CST_EMPTY) {
            nanosleep(&pause, NULL);
            test_turn(f, 1);
            nanosleep(&pause, NULL);
            continue;
        }
        data.chunk = &chunk;
        test_on_gather(s, &data, f);
        cst_slice_unref(&chunk);
    }
    assert_int_equal(st, CST_OS(EPIPE));
    assert_int_equal(f->gathered, 400000);
    test_run(f);
    cst_unref(s);
}

/* A relay both ways: that the client's words cannot go on does not keep the server's from the
 * client. */
static void last_words_go_through_a_relay(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s, *client;
    int peer, here, there;

    s = sender(f, &peer);
    test_socketpair(&here, &there, SOCK_STREAM);
    client = duplex(f, there);
    test_listen(f, s, "s");
    cst_pipe(s, client, NULL);
    cst_pipe(client, s, NULL);
    test_turn(f, 2);
    say_and_go(peer, 300000);
    for (unsigned i = 0; i < 1000 && f->gathered < 300000; i++) {
        test_turn(f, 3);
        test_take_all(f, here);
    }
    assert_int_equal(f->gathered, 300000);
    close(here);
    cst_destroy(client, CST_OK);
    test_run(f);
    assert_string_equal(f->trace.text, "done:EPIPE s:error:EPIPE s:close");
    cst_unref(s);
    cst_unref(client);
}

/* What the kernel moves is heard by the destination, which is slow. */
static void last_words_reach_a_slow_destination(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s, *slow;
    int peer, in, out;

    s = sender(f, &peer);
    test_pipe(&in, &out);
    slow = writer(f, out);
    test_listen(f, s, "s");
    test_listen(f, slow, "w");
    cst_pipe(s, slow, &(cst_pipe_opts){ .no_end = true });
    test_turn(f, 2);
    say_and_go(peer, 300000);
    for (unsigned i = 0; i < 1000 && f->gathered < 300000; i++) {
        assert_string_equal(f->trace.text, "");
        test_turn(f, 3);
        test_take_all(f, in);
    }
    assert_int_equal(f->gathered, 300000);
    cst_end(slow, NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "w:finish w:close done:EPIPE s:error:EPIPE s:close");
    close(in);
    cst_unref(s);
    cst_unref(slow);
}

/* Nobody would ever take what has arrived: the failure comes at once. */
static void last_words_that_nobody_hears_do_not_hold_the_failure(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int peer;

    s = sender(f, &peer);
    test_listen(f, s, "s");
    test_gather(f, s);
    test_turn(f, 2);
    assert_int_equal(write(peer, "", 1), 1); /* test_byte(0) */
    test_turn(f, 2);
    assert_int_equal(f->gathered, 1);
    cst_pause(s);
    say_and_go(peer, 1000);
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "done:EPIPE s:error:EPIPE s:close");
    cst_unref(s);
}

/* An echo that is full waits for its own write. */
static void last_words_that_lead_back_do_not_hold_the_failure(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s, *through;
    int peer;

    s = sender(f, &peer);
    assert_int_equal(cst_passthrough_new(&through, f->ctx, NULL), CST_OK);
    test_listen(f, s, "s");
    cst_pipe(s, through, NULL);
    cst_pipe(through, s, NULL);
    say_and_go(peer, 300000);
    for (unsigned i = 0; i < 20; i++)
        test_turn(f, 1);
    assert_string_equal(f->trace.text, "done:EPIPE s:error:EPIPE s:close");
    cst_destroy(through, CST_OK);
    cst_unref(through);
    cst_unref(s);
}

static void destroy_at(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_fixture *f = arg;

    (void)event;
    f->gathered += event->chunk->len;
    if (f->gathered > 100000)
        cst_destroy(s, CST_OK);
}

static void stream_destroyed_amid_last_words_leaves_nothing(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int peer;

    s = sender(f, &peer);
    cst_on(s, CST_DATA, destroy_at, f);
    test_listen(f, s, "s");
    say_and_go(peer, 300000);
    test_run(f);
    assert_string_equal(f->trace.text, "done:DESTROYED s:close");
    cst_unref(s);
}

static void last_words_are_left_to_the_loops_end(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s, *slow;
    int peer, in, out;

    s = sender(f, &peer);
    test_pipe(&in, &out);
    slow = writer(f, out);
    cst_pipe(s, slow, NULL);
    say_and_go(peer, 300000);
    test_turn(f, 5);
    assert_string_equal(f->trace.text, "");
    cst_unref(s);
    cst_unref(slow);
    close(in);
}

static void copy_between_sockets_is_whole(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *a, *b, *c, *d;
    int fds[4];

    test_socketpair(&fds[0], &fds[1], SOCK_STREAM);
    test_socketpair(&fds[2], &fds[3], SOCK_STREAM);
    a = duplex(f, fds[0]);
    b = duplex(f, fds[1]);
    c = duplex(f, fds[2]);
    d = duplex(f, fds[3]);
    test_listen(f, d, "d");
    cst_pipe(b, c, NULL);
    test_gather(f, d);
    cst_write(a, test_bytes(f, 0, 3000000), NULL, NULL);
    cst_end(a, NULL, NULL);
    test_run(f);
    assert_int_equal(f->gathered, 3000000);
    assert_string_equal(f->trace.text, "d:end");
    for (size_t i = 0; i < 4; i++)
        cst_destroy((cst_stream *[]){ a, b, c, d }[i], CST_OK);
    test_run(f);
    for (size_t i = 0; i < 4; i++)
        cst_unref((cst_stream *[]){ a, b, c, d }[i]);
}

/* --- others get their turn -------------------------------------------------------------------- */

static void swallow(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

static void stream_that_always_has_something_lets_others_have_their_turn(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *zeroes = reader(f, open("/dev/zero", O_RDONLY | O_CLOEXEC));
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = reader(f, in);
    cst_on(zeroes, CST_DATA, swallow, NULL);
    test_listen_to_data(f, s, "r");
    test_turn(f, 2);
    test_write(out, "abc");
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "r:data:abc");
    assert_true(cst_stream_bytes_read(zeroes) > 0);
    cst_destroy(zeroes, CST_OK);
    close(out);
    test_run(f);
    cst_unref(zeroes);
    cst_unref(s);
}

/* --- whose descriptor ------------------------------------------------------------------------- */

static void borrowed_descriptor_stays_open_and_blocking(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    assert_int_equal(cst_fd_source_new(&s, f->loop, in, &(cst_fd_opts){ .borrowed = true }),
                     CST_OK);
    assert_int_not_equal(fcntl(in, F_GETFL) & O_NONBLOCK, 0);
    test_write(out, "abc");
    test_listen_to_data(f, s, "r");
    test_turn(f, 2);
    cst_destroy(s, CST_OK);
    test_run(f);
    assert_string_equal(f->trace.text, "r:data:abc r:close");
    assert_int_equal(fcntl(in, F_GETFL) & O_NONBLOCK, 0);
    close(in);
    close(out);
    cst_unref(s);
}

static void descriptor_that_was_non_blocking_stays_so(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    assert_int_equal(fcntl(in, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(cst_fd_source_new(&s, f->loop, in, &(cst_fd_opts){ .borrowed = true }),
                     CST_OK);
    cst_destroy(s, CST_OK);
    assert_int_not_equal(fcntl(in, F_GETFL) & O_NONBLOCK, 0);
    close(in);
    close(out);
    cst_unref(s);
}

static void owned_descriptor_is_closed_when_the_stream_is_destroyed(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = reader(f, in);
    cst_destroy(s, CST_OK);
    assert_false(test_is_open(in));
    close(out);
    cst_unref(s);
}

static void open_streams_go_with_their_loop(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    s = reader(f, in);
    cst_on(s, CST_DATA, swallow, NULL);
    cst_unref(s);
    s = writer(f, out);
    cst_write(s, test_bytes(f, 0, 200000), test_on_done, test_name(f, "done"));
    cst_unref(s);
    test_turn(f, 1);
    /* The rest is the teardown's. */
}

static void refused_constructor_closes_an_owned_descriptor(void **state)
{
    static const cst_fd_opts objects = { .stream.object_mode = true };
    struct test_fixture *f = *state;
    cst_stream *s = NULL;
    int fds[4];

    for (size_t i = 0; i < 4; i++)
        fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(cst_fd_source_new(&s, f->loop, fds[0], &objects), CST_E_INVALID_ARG);
    assert_int_equal(cst_fd_sink_new(&s, f->loop, fds[1], &objects), CST_E_INVALID_ARG);
    assert_int_equal(cst_fd_duplex_new(&s, NULL, fds[2], NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_fd_duplex_new(NULL, f->loop, fds[3], NULL), CST_E_INVALID_ARG);
    for (size_t i = 0; i < 4; i++)
        assert_false(test_is_open(fds[i]));
    assert_null(s);
}

static void refused_constructor_leaves_a_borrowed_descriptor_alone(void **state)
{
    static const cst_fd_opts objects = { .stream.object_mode = true, .borrowed = true };
    struct test_fixture *f = *state;
    cst_stream *s = NULL;
    int in, out;

    test_pipe(&in, &out);
    assert_int_equal(cst_fd_source_new(&s, f->loop, in, &objects), CST_E_INVALID_ARG);
    test_heap_fail_from(&f->heap, 1);
    assert_int_equal(cst_fd_source_new(&s, f->loop, in, &(cst_fd_opts){ .borrowed = true }),
                     CST_E_NOMEM);
    test_heap_fail_never(&f->heap);
    assert_int_equal(fcntl(in, F_GETFL) & O_NONBLOCK, 0);
    assert_null(s);
    close(in);
    close(out);
}

static void descriptor_that_is_not_open_is_refused(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = NULL;

    assert_int_equal(cst_fd_source_new(&s, f->loop, -1, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_fd_source_new(&s, f->loop, 250, NULL), CST_OS(EBADF));
    assert_null(s);
}

static void other_streams_have_no_descriptor(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;

    assert_int_equal(cst_passthrough_new(&s, f->ctx, NULL), CST_OK);
    assert_int_equal(cst_stream_fd(s), -1);
    assert_int_equal(cst_stream_bytes_read(s), 0);
    assert_int_equal(cst_stream_bytes_written(s), 0);
    assert_int_equal(cst_stream_fd(NULL), -1);
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

/* --- standard streams ------------------------------------------------------------------------- */

static void standard_streams_are_borrowed_and_stay_blocking(void **state)
{
    struct test_fixture *f = *state;
    int in, feed, out, result, saved_in = dup(0), saved_out = dup(1);
    cst_stream *input, *output;

    test_pipe(&in, &feed);
    test_pipe(&result, &out);
    assert_int_equal(dup2(in, 0), 0);
    assert_int_equal(dup2(out, 1), 1);
    assert_int_equal(cst_stdin_new(&input, f->loop, NULL), CST_OK);
    assert_int_equal(cst_stdout_new(&output, f->loop, NULL), CST_OK);
    assert_int_equal(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(1, F_GETFL) & O_NONBLOCK, 0);
    test_write(feed, "abc");
    close(feed);
    cst_pipe(input, output, NULL);
    assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
    dup2(saved_in, 0);
    dup2(saved_out, 1);
    test_assert_reads(result, "abc");
    close(in);
    close(out);
    close(result);
    close(saved_in);
    close(saved_out);
    assert_true(cst_is_closed(input));
    assert_false(cst_writable_ended(output));
    cst_unref(input);
    cst_unref(output);
}

typedef cst_status new_standard(cst_stream **out, cst_loop *loop, const cst_opts *opts);

static cst_stream *memory_source(struct test_fixture *f, const char *text)
{
    cst_stream *s;

    assert_int_equal(cst_memory_source_new(&s, f->ctx, cst_slice_str(text), NULL), CST_OK);
    return s;
}

/* Two pipes, two pipelines, one of which fails, and a write; then the program itself ends it. */
static void serve_one_after_the_other(struct test_fixture *f, new_standard *new, int standard)
{
    int out, result, saved = dup(standard);
    cst_stream *output, *row[2];

    test_pipe(&result, &out);
    assert_int_equal(dup2(out, standard), standard);
    assert_int_equal(new (&output, f->loop, NULL), CST_OK);
    test_listen(f, output, "w");
    for (unsigned i = 0; i < 4; i++) {
        row[0] = memory_source(f, i % 2 ? "b" : "a");
        row[1] = output;
        if (i < 2)
            assert_int_equal(cst_pipe(row[0], output, NULL), CST_OK);
        else
            assert_int_equal(cst_pipeline(row, 2, NULL, test_on_outcome, test_name(f, "row")),
                             CST_OK);
        if (i == 3)
            cst_destroy(row[0], CST_USER(1));
        assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
        cst_unref(row[0]);
    }
    cst_write(output, cst_slice_str("c"), NULL, NULL);
    assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
    cst_end(output, NULL, NULL);
    assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
    dup2(saved, standard);
    test_assert_reads(result, "abac");
    assert_string_equal(f->trace.text, "row:OK row:USER w:finish w:close");
    test_trace_clear(&f->trace);
    close(out);
    close(result);
    close(saved);
    cst_unref(output);
}

static void nothing_that_is_piped_into_a_standard_stream_ends_it(void **state)
{
    struct test_fixture *f = *state;

    serve_one_after_the_other(f, cst_stdout_new, 1);
    serve_one_after_the_other(f, cst_stderr_new, 2);
}

/* --- allocations ------------------------------------------------------------------------------ */

static bool copy(struct test_fixture *f)
{
    cst_stream *stages[3] = { NULL, NULL, NULL };
    struct test_name *name = test_name(f, "copy");
    cst_stream *gatherer = NULL;
    int in, feed, out, result;
    cst_status st[4];

    test_pipe(&in, &feed);
    test_socketpair(&result, &out, SOCK_STREAM);
    test_write(feed, "abcdefgh");
    close(feed);
    st[0] = cst_fd_source_new(&stages[0], f->loop, in, NULL);
    st[1] = cst_passthrough_new(&stages[1], f->ctx, NULL);
    st[2] =
        cst_fd_duplex_new(&stages[2], f->loop, out, &(cst_fd_opts){ .stream.no_readable = true });
    st[3] = cst_fd_source_new(&gatherer, f->loop, result, NULL);
    if (st[0] == CST_OK && st[1] == CST_OK && st[2] == CST_OK && st[3] == CST_OK &&
        cst_on(gatherer, CST_DATA, test_on_event, test_name(f, "r")) == CST_OK &&
        cst_pipeline(stages, 3, NULL, test_on_outcome, name) == CST_OK)
        cst_loop_run(f->loop);
    for (size_t i = 0; i < 3; i++) {
        cst_destroy(stages[i], CST_OK);
        cst_unref(stages[i]);
    }
    cst_destroy(gatherer, CST_OK);
    cst_unref(gatherer);
    cst_loop_run(f->loop);
    return strstr(f->trace.text, "copy:OK") && strstr(f->trace.text, "r:data:abcdefgh");
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    test_any_allocation_may_fail(copy);
}

static const struct CMUnitTest tests[] = {
    T(pipe_is_read_to_its_end),
    T(reader_waits_for_what_comes_later),
    T(nothing_is_read_before_it_is_asked_for),
    T(paused_reader_reads_up_to_its_mark_and_does_not_keep_the_loop),
    T(small_chunk_pins_no_large_block),
    T(read_of_a_directory_says_so),
    T(writer_writes_and_closes),
    T(empty_chunks_are_written_in_order),
    T(queued_chunks_go_out_together),
    T(many_chunks_arrive_whole_through_a_full_pipe),
    T(reader_that_never_reads_fills_the_writer_and_the_loop_sleeps),
    T(large_write_to_a_slow_reader_is_activity_while_it_goes_out),
    T(large_write_into_a_pipe_is_activity_while_it_goes_out),
    T(large_write_that_nobody_reads_times_out),
    T(call_that_writes_nothing_is_no_activity),
    T(write_to_a_pipe_without_a_reader_is_epipe_and_no_signal),
    T(sigpipe_that_was_pending_stays_so),
    T(write_to_a_socket_without_a_peer_is_epipe_and_no_signal),
    T(reader_that_goes_while_a_write_waits_fails_it),
    T(full_device_is_enospc),
    T(end_of_a_socket_shuts_its_direction_down_alone),
    T(half_open_peer_is_written_to_after_end),
    T(destroy_while_a_write_waits_tells_its_callback_before_close),
    T(stream_that_nobody_names_is_gone_once_destroyed),
    T(socket_that_is_no_stream_of_bytes_is_refused),
    T(fifo_waits_for_its_first_writer),
    T(fifo_that_is_piped_waits_for_its_first_writer),
    T(last_words_are_heard_before_a_failed_write_ends_the_stream),
    T(last_words_are_heard_also_where_the_slot_fails),
    T(last_words_are_heard_by_readable),
    T(last_words_are_heard_by_a_loop_over_cst_next),
    T(last_words_are_heard_by_a_reader_that_is_slow_but_takes_all),
    T(last_words_go_through_a_relay),
    T(last_words_reach_a_slow_destination),
    T(last_words_that_nobody_hears_do_not_hold_the_failure),
    T(last_words_that_lead_back_do_not_hold_the_failure),
    T(stream_destroyed_amid_last_words_leaves_nothing),
    T(last_words_are_left_to_the_loops_end),
    T(copy_between_sockets_is_whole),
    T(stream_that_always_has_something_lets_others_have_their_turn),
    T(borrowed_descriptor_stays_open_and_blocking),
    T(descriptor_that_was_non_blocking_stays_so),
    T(owned_descriptor_is_closed_when_the_stream_is_destroyed),
    T(open_streams_go_with_their_loop),
    T(refused_constructor_closes_an_owned_descriptor),
    T(refused_constructor_leaves_a_borrowed_descriptor_alone),
    T(descriptor_that_is_not_open_is_refused),
    T(other_streams_have_no_descriptor),
    T(standard_streams_are_borrowed_and_stay_blocking),
    T(nothing_that_is_piped_into_a_standard_stream_ends_it),
    cmocka_unit_test(any_allocation_may_fail),
};

TEST_MAIN(tests)

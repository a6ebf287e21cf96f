/*
 * test_kernel.c - fd.h, fs.h, net.h: between two descriptors the bytes go through the kernel, and
 * nobody can tell by the events, the counts or, while a file stays as it is, the bytes.
 */
#include <netinet/in.h>

#include "fixture.h"

/* --- every pair ------------------------------------------------------------------------------- */

enum source_kind { FROM_FILE, FROM_RANGE, FROM_FD_FILE, FROM_PIPE, FROM_SOCKET, SOURCE_KINDS };
enum dest_kind { TO_FILE, TO_START, TO_APPEND, TO_FD_FILE, TO_PIPE, TO_SOCKET, DEST_KINDS };

#define JUNK "what stands before"

/* feeder and gatherer are the world's ends of pipes and sockets, NULL for files. */
struct transfer {
    struct test_fixture *f;
    size_t len;
    cst_stream *feeder, *source, *dest, *gatherer;
    const char *from, *to;
};

static void feed(struct transfer *t, int fd)
{
    struct test_fixture *f = t->f;

    assert_int_equal(cst_fd_sink_new(&t->feeder, f->loop, fd, NULL), CST_OK);
    for (size_t at = 0; at < t->len; at += 50000)
        cst_write(t->feeder, test_bytes(f, at, t->len - at < 50000 ? t->len - at : 50000), NULL,
                  NULL);
    cst_end(t->feeder, NULL, NULL);
}

static void make_source(struct transfer *t, enum source_kind kind)
{
    struct test_fixture *f = t->f;
    cst_fs_read_opts range = { .ranged = true, .start = strlen(JUNK), .end = UINT64_MAX };
    cst_status st = CST_OK;
    int in, out;

    switch (kind) {
    case FROM_FILE:
        st = cst_fs_read_stream_new(&t->source, f->ctx, test_big_file(f, "from", t->len), NULL);
        break;
    case FROM_RANGE:
        test_big_file_after(f, "from", JUNK, t->len);
        if (t->len) {
            range.end = strlen(JUNK) + t->len - 1;
            test_append(test_path(f, "from"), "and behind");
        }
        st = cst_fs_read_stream_new(&t->source, f->ctx, test_path(f, "from"), &range);
        break;
    case FROM_FD_FILE:
        in = open(test_big_file(f, "from", t->len), O_RDONLY | O_CLOEXEC);
        st = cst_fd_source_new(&t->source, f->loop, in, NULL);
        break;
    case FROM_PIPE:
        test_pipe(&in, &out);
        feed(t, out);
        st = cst_fd_source_new(&t->source, f->loop, in, NULL);
        break;
    case FROM_SOCKET:
        test_socketpair(&in, &out, SOCK_STREAM);
        feed(t, out);
        st = cst_fd_source_new(&t->source, f->loop, in, NULL);
        break;
    case SOURCE_KINDS:
        fail();
    }
    assert_int_equal(st, CST_OK);
}

static void make_dest(struct transfer *t, enum dest_kind kind)
{
    struct test_fixture *f = t->f;
    const char *path = test_path(f, "to");
    cst_status st = CST_OK;
    int in = -1, out;

    switch (kind) {
    case TO_FILE:
        st = cst_fs_write_stream_new(&t->dest, f->ctx, path, NULL);
        break;
    case TO_START:
        test_file(f, "to", JUNK);
        st = cst_fs_write_stream_new(
            &t->dest, f->ctx, path,
            &(cst_fs_write_opts){ .flags = "r+", .has_start = true, .start = strlen(JUNK) });
        break;
    case TO_APPEND:
        test_file(f, "to", JUNK);
        st = cst_fs_write_stream_new(&t->dest, f->ctx, path, &(cst_fs_write_opts){ .flags = "a" });
        break;
    case TO_FD_FILE:
        out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        st = cst_fd_sink_new(&t->dest, f->loop, out, NULL);
        break;
    case TO_PIPE:
        test_pipe(&in, &out);
        st = cst_fd_sink_new(&t->dest, f->loop, out, NULL);
        break;
    case TO_SOCKET:
        test_socketpair(&in, &out, SOCK_STREAM);
        st = cst_fd_sink_new(&t->dest, f->loop, out, NULL);
        break;
    case DEST_KINDS:
        fail();
    }
    assert_int_equal(st, CST_OK);
    if (in < 0)
        return;
    assert_int_equal(cst_fd_source_new(&t->gatherer, f->loop, in, NULL), CST_OK);
    test_gather(f, t->gatherer);
}

static void check(struct transfer *t, enum dest_kind kind)
{
    struct test_fixture *f = t->f;
    bool after_junk = kind == TO_START || kind == TO_APPEND;

    assert_string_equal(f->trace.text, "copy:OK");
    assert_int_equal(cst_stream_bytes_read(t->source), t->len);
    assert_int_equal(cst_stream_bytes_written(t->dest), t->len);
    if (t->gatherer)
        assert_int_equal(f->gathered, t->len);
    else
        test_assert_big_file_after(test_path(f, "to"), after_junk ? JUNK : "", t->len);
}

static void copy(struct test_fixture *f, enum source_kind from, enum dest_kind to, size_t len)
{
    struct transfer t = { .f = f, .len = len };
    cst_stream *stages[2];

    f->gathered = 0;
    f->name_count = 0;
    test_trace_clear(&f->trace);
    make_source(&t, from);
    make_dest(&t, to);
    stages[0] = t.source;
    stages[1] = t.dest;
    assert_int_equal(cst_pipeline(stages, 2, NULL, test_on_outcome, test_name(f, "copy")), CST_OK);
    test_run(f);
    check(&t, to);
    cst_unref(t.feeder);
    cst_unref(t.source);
    cst_unref(t.dest);
    cst_unref(t.gatherer);
}

static void every_pair_copies_every_length(void **state)
{
    static const size_t lens[] = { 0, 1, 65535, 65536, 65537, 3000001 };
    struct test_fixture *f = *state;

    for (int from = 0; from < SOURCE_KINDS; from++)
        for (int to = 0; to < DEST_KINDS; to++)
            for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
                copy(f, (enum source_kind)from, (enum dest_kind)to, lens[i]);
}

/* --- that it is the kernel's doing ------------------------------------------------------------ */

/* How many calls that read something this process has made; 0 if the system does not say. */
static unsigned long reads_so_far(void)
{
    FILE *file = fopen("/proc/self/io", "re");
    unsigned long reads = 0;
    char line[128];

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "syscr: %lu", &reads) == 1)
            break;
    if (file)
        fclose(file);
    return reads;
}

static unsigned long reads_of_a_copy(struct test_fixture *f, bool with_listener)
{
    cst_fs_read_opts opts = { .stream.high_water_mark = 64 };
    unsigned long before;
    cst_stream *from, *to;

    assert_int_equal(
        cst_fs_read_stream_new(&from, f->ctx, test_big_file(f, "from", 1 << 20), &opts), CST_OK);
    assert_int_equal(cst_fs_write_stream_new(&to, f->ctx, test_path(f, "to"), NULL), CST_OK);
    if (with_listener)
        test_gather(f, from);
    cst_pipe(from, to, NULL);
    before = reads_so_far();
    test_run(f);
    before = reads_so_far() - before;
    test_assert_big_file(test_path(f, "to"), 1 << 20);
    cst_unref(from);
    cst_unref(to);
    return before;
}

static void few_calls_move_many_bytes_unless_somebody_listens(void **state)
{
    struct test_fixture *f = *state;

    if (!reads_so_far())
        skip(); /* only Linux counts them, if it may */
    assert_true(reads_of_a_copy(f, false) < 1000);
    assert_true(reads_of_a_copy(f, true) >= (1 << 20) / 64);
}

/* Either side may refuse. */
static void transfers_that_are_switched_off_read_and_write(void **state)
{
    struct test_fixture *f = *state;

    if (!reads_so_far())
        skip();
    test_big_file(f, "from", 1 << 20);
    for (unsigned off = 0; off < 3; off++) {
        const cst_fd_opts from_opts = { .stream.high_water_mark = 64,
                                        .no_kernel_transfer = off == 1 };
        const cst_fd_opts to_opts = { .no_kernel_transfer = off == 2 };
        int in = open(test_path(f, "from"), O_RDONLY | O_CLOEXEC);
        int out = open(test_path(f, "to"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        unsigned long reads;
        cst_stream *from, *to;

        assert_int_equal(cst_fd_source_new(&from, f->loop, in, &from_opts), CST_OK);
        assert_int_equal(cst_fd_sink_new(&to, f->loop, out, &to_opts), CST_OK);
        cst_pipe(from, to, NULL);
        reads = reads_so_far();
        test_run(f);
        reads = reads_so_far() - reads;
        assert_true(off ? reads >= (1 << 20) / 64 : reads < 1000);
        test_assert_big_file(test_path(f, "to"), 1 << 20);
        cst_unref(from);
        cst_unref(to);
    }
}

/* --- somebody comes in between ---------------------------------------------------------------- */

/* From a socket into a socket whose reader sleeps: the conduit and the socket are full. */
struct stuck {
    struct test_fixture *f;
    cst_stream *feeder, *source, *dest;
    int reader;
};

enum { STUCK_BYTES = 4000000 };

static void get_stuck(struct stuck *k, struct test_fixture *f)
{
    struct transfer t = { .f = f, .len = STUCK_BYTES };
    int out;

    int small = 4096; /* so that what the conduit holds takes several turns */

    make_source(&t, FROM_SOCKET);
    test_socketpair(&k->reader, &out, SOCK_STREAM);
    assert_int_equal(setsockopt(out, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    assert_int_equal(cst_fd_sink_new(&k->dest, f->loop, out, NULL), CST_OK);
    k->f = f;
    k->feeder = t.feeder;
    k->source = t.source;
    test_listen(f, k->source, "s");
    test_listen(f, k->dest, "d");
    assert_int_equal(cst_pipe(k->source, k->dest, NULL), CST_OK);
    test_turn(f, 50);
    assert_true(cst_writable_need_drain(k->dest));
    assert_true(cst_is_paused(k->source));
}

static cst_stream *start_reading(struct stuck *k)
{
    cst_stream *s;

    assert_int_equal(cst_fd_source_new(&s, k->f->loop, k->reader, NULL), CST_OK);
    test_gather(k->f, s);
    return s;
}

static void let_go(struct stuck *k, cst_stream *reader)
{
    cst_destroy(k->feeder, CST_OK);
    cst_destroy(k->source, CST_OK);
    cst_destroy(k->dest, CST_OK);
    if (reader)
        cst_destroy(reader, CST_OK);
    else
        close(k->reader);
    test_run(k->f);
    cst_unref(k->feeder);
    cst_unref(k->source);
    cst_unref(k->dest);
    cst_unref(reader);
}

static void reader_that_never_reads_stops_the_source_and_holds_little(void **state)
{
    struct test_fixture *f = *state;
    uint64_t taken;
    struct stuck k;
    size_t idle;

    get_stuck(&k, f);
    taken = cst_stream_bytes_read(k.source);
    idle = cst_writable_length(k.dest);
    assert_true(idle > 0 && idle <= 65536); /* what the conduit holds */
    assert_int_equal(cst_stream_bytes_written(k.dest) + idle, taken);
    assert_int_equal(cst_loop_run_once(f->loop, 20 * 1000000), CST_MORE);
    assert_int_equal(cst_stream_bytes_read(k.source), taken);
    assert_string_equal(f->trace.text, "");
    let_go(&k, NULL);
}

static void slow_reader_gets_everything(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *reader;
    struct stuck k;

    get_stuck(&k, f);
    reader = start_reading(&k);
    test_run(f);
    assert_int_equal(f->gathered, STUCK_BYTES);
    assert_string_equal(f->trace.text, "s:end d:finish s:close d:close");
    let_go(&k, reader);
}

/* What the conduit holds is one write, which may go out in parts: 100 ns with nothing but a part
 * are not idle. */
static void part_of_what_is_held_is_activity(void **state)
{
    struct test_fixture *f = *state;
    unsigned parts = 0;
    struct stuck k;

    get_stuck(&k, f);
    test_limit_idleness(f, k.dest);
    while (f->gathered < STUCK_BYTES / 2) {
        uint64_t taken = cst_stream_bytes_read(k.source),
                 written = cst_stream_bytes_written(k.dest);

        (void)test_take_all(f, k.reader);
        test_turn(f, 1);
        if (cst_stream_bytes_written(k.dest) == written)
            continue; /* nothing has gone out, and no time passes */
        parts += cst_stream_bytes_read(k.source) == taken;
        test_pass(f, 100);
        assert_string_equal(f->trace.text, "");
    }
    test_turn(f, 5); /* nobody reads any more */
    test_pass(f, 25);
    test_pass(f, 100);
    assert_string_equal(f->trace.text, "idle");
    let_go(&k, NULL);
    if (!parts)
        skip(); /* this system's sockets take it whole */
}

static void count_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    *(size_t *)arg += event->chunk->len;
}

static void listener_that_comes_later_sees_what_is_left(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *reader;
    struct stuck k;
    uint64_t taken;
    size_t seen = 0;

    get_stuck(&k, f);
    taken = cst_stream_bytes_read(k.source);
    cst_on(k.source, CST_DATA, count_data, &seen);
    reader = start_reading(&k);
    test_run(f);
    assert_int_equal(f->gathered, STUCK_BYTES);
    assert_int_equal(taken + seen, STUCK_BYTES);
    let_go(&k, reader);
}

/* Pipe a file into a pipe, write over the file once all is said and done, and only then read the
 * pipe. */
static void change_on_the_way(struct test_fixture *f, bool listened, char text[4])
{
    const char *path = test_file(f, "from", "old");
    cst_stream *source, *dest;
    int reader, writer, file;
    size_t seen = 0;

    test_pipe(&reader, &writer);
    assert_int_equal(cst_fs_read_stream_new(&source, f->ctx, path, NULL), CST_OK);
    assert_int_equal(cst_fd_sink_new(&dest, f->loop, writer, NULL), CST_OK);
    if (listened)
        cst_on(source, CST_DATA, count_data, &seen);
    assert_int_equal(cst_pipe(source, dest, NULL), CST_OK);
    test_run(f);
    assert_int_equal(seen, listened ? 3 : 0);
    assert_int_equal(cst_stream_bytes_written(dest), 3);
    file = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(file, "new", 3), 3);
    close(file);
    assert_int_equal(read(reader, text, 4), 3);
    text[3] = '\0';
    close(reader);
    cst_unref(source);
    cst_unref(dest);
}

/* What goes through the kernel may be the file's own pages, which change with it; what was read
 * does not. */
static void file_changed_on_its_way_arrives_as_it_was_if_somebody_listens(void **state)
{
    struct test_fixture *f = *state;
    char text[4];

    change_on_the_way(f, true, text);
    assert_string_equal(text, "old");
    change_on_the_way(f, false, text);
    assert_true(strcmp(text, "old") == 0 || strcmp(text, "new") == 0);
}

static void write_between_comes_after_what_was_taken(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *reader;
    struct stuck k;
    uint64_t taken;

    get_stuck(&k, f);
    taken = cst_stream_bytes_read(k.source);
    cst_unpipe(k.source, k.dest);
    cst_write(k.dest, test_bytes(f, (size_t)taken, 1000), test_on_done, test_name(f, "done"));
    cst_end(k.dest, NULL, NULL);
    reader = start_reading(&k);
    while (!cst_readable_ended(reader)) /* the feeder goes on waiting */
        test_turn(f, 1);
    assert_int_equal(f->gathered, taken + 1000);
    assert_string_equal(f->trace.text, "done:OK d:finish d:close");
    let_go(&k, reader);
}

static void reader_that_goes_is_an_error_of_the_destination(void **state)
{
    struct test_fixture *f = *state;
    struct stuck k;

    get_stuck(&k, f);
    close(k.reader);
    test_turn(f, 5);
    assert_string_equal(f->trace.text, "d:error:EPIPE d:close");
    assert_int_equal(cst_errored(k.dest)->direction, CST_WRITING);
    assert_false(cst_is_destroyed(k.source));
    k.reader = -1;
    let_go(&k, NULL);
}

static void destination_destroyed_while_it_waits_leaves_nothing(void **state)
{
    struct test_fixture *f = *state;
    struct stuck k;

    get_stuck(&k, f);
    cst_destroy(k.dest, CST_OK);
    test_turn(f, 5);
    assert_string_equal(f->trace.text, "d:close");
    let_go(&k, NULL);
}

/* --- at random -------------------------------------------------------------------------------- */

/* Between turns somebody listens or stops to, undoes the pipe and makes it again, writes and reads
 * odd amounts. */
struct story {
    struct test_fixture *f;
    cst_stream *source, *dest;
    uint32_t seed;
    size_t fed, gathered, heard;
    bool listening, piped;
    int feeder, reader;
};

static uint32_t dice(struct story *story, uint32_t sides)
{
    story->seed = story->seed * 1664525 + 1013904223;
    return (story->seed >> 8) % sides;
}

static void feed_some(struct story *story)
{
    uint8_t bytes[3000];
    size_t n = 1 + dice(story, sizeof bytes);
    ssize_t put;

    for (size_t i = 0; i < n; i++)
        bytes[i] = test_byte(story->fed + i);
    put = send(story->feeder, bytes, n, MSG_DONTWAIT);
    story->fed += put > 0 ? (size_t)put : 0;
}

static void read_some(struct story *story)
{
    uint8_t bytes[5000];
    ssize_t n = recv(story->reader, bytes, 1 + dice(story, sizeof bytes), MSG_DONTWAIT);

    for (ssize_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], test_byte(story->gathered + (size_t)i));
    story->gathered += n > 0 ? (size_t)n : 0;
}

/* Not while there is no pipe: what flows then is the listener's alone. */
static void listen_or_not(struct story *story)
{
    if (!story->piped)
        return;
    if (story->listening)
        assert_int_equal(cst_off(story->source, CST_DATA, count_data, &story->heard), CST_OK);
    else
        assert_int_equal(cst_on(story->source, CST_DATA, count_data, &story->heard), CST_OK);
    story->listening = !story->listening;
}

static void pipe_or_not(struct story *story)
{
    if (story->listening)
        return;
    if (story->piped)
        assert_int_equal(cst_unpipe(story->source, story->dest), CST_OK);
    else
        assert_int_equal(cst_pipe(story->source, story->dest, NULL), CST_OK);
    story->piped = !story->piped;
}

static void do_something(struct story *story)
{
    switch (dice(story, 8)) {
    case 0:
        listen_or_not(story);
        break;
    case 1:
        pipe_or_not(story);
        break;
    case 2:
    case 3:
    case 4:
        feed_some(story);
        break;
    case 5:
    case 6:
        read_some(story);
        break;
    default:
        test_turn(story->f, 1);
    }
}

static void tell(struct story *story)
{
    for (unsigned i = 0; i < 3000; i++)
        do_something(story);
    if (story->listening)
        listen_or_not(story);
    if (!story->piped)
        pipe_or_not(story);
    close(story->feeder);
    for (unsigned i = 0; i < 100000 && story->gathered < story->fed; i++) {
        read_some(story);
        test_turn(story->f, 1);
    }
    assert_int_equal(story->gathered, story->fed);
    test_run(story->f);
    assert_true(cst_writable_finished(story->dest));
    test_assert_reads(story->reader, "");
}

static void no_story_loses_a_byte(void **state)
{
    struct test_fixture *f = *state;

    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct story story = { .f = f, .seed = seed };
        int in, out, small = 4096;

        test_socketpair(&in, &story.feeder, SOCK_STREAM);
        test_socketpair(&story.reader, &out, SOCK_STREAM);
        setsockopt(out, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        assert_int_equal(cst_fd_source_new(&story.source, f->loop, in, NULL), CST_OK);
        assert_int_equal(cst_fd_sink_new(&story.dest, f->loop, out, NULL), CST_OK);
        tell(&story);
        close(story.reader);
        cst_unref(story.source);
        cst_unref(story.dest);
    }
}

/* --- failures --------------------------------------------------------------------------------- */

static void tcp_pair(int *a, int *b)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof at;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &len), 0);
    *a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(*a, (struct sockaddr *)&at, sizeof at), 0);
    *b = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(*b >= 0);
    close(listening);
}

static void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

static void reset_of_the_source_is_no_end(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "to");
    cst_stream *source, *dest;
    int peer, fd;

    tcp_pair(&peer, &fd);
    assert_int_equal(cst_fd_source_new(&source, f->loop, fd, NULL), CST_OK);
    assert_int_equal(cst_fs_write_stream_new(&dest, f->ctx, path, NULL), CST_OK);
    test_listen(f, source, "s");
    test_listen(f, dest, "d");
    cst_pipe(source, dest, NULL);
    for (unsigned i = 0; i < 3; i++) { /* the first comes before the file is open */
        test_write(peer, "abc");
        test_turn(f, 5);
    }
    assert_int_equal(cst_stream_bytes_written(dest), 9);
    reset(peer);
    test_turn(f, 5);
    assert_string_equal(f->trace.text, "s:error:ECONNRESET s:close");
    assert_int_equal(cst_errored(source)->direction, CST_READING);
    cst_destroy(dest, CST_OK);
    test_run(f);
    test_assert_file(path, "abcabcabc");
    cst_unref(source);
    cst_unref(dest);
}

static void pipe_without_a_reader_is_epipe_and_no_signal(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *source, *dest;
    int in, out;

    test_pipe(&in, &out);
    close(in);
    assert_int_equal(cst_fs_read_stream_new(&source, f->ctx, test_big_file(f, "from", 1000), NULL),
                     CST_OK);
    assert_int_equal(cst_fd_sink_new(&dest, f->loop, out, NULL), CST_OK);
    test_listen(f, dest, "d");
    cst_pipe(source, dest, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "d:error:EPIPE d:close");
    cst_destroy(source, CST_OK);
    cst_unref(source);
    cst_unref(dest);
}

static void full_device_is_enospc(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *source, *dest;

    if (access("/dev/full", W_OK) < 0)
        skip(); /* only Linux has it */
    assert_int_equal(cst_fs_read_stream_new(&source, f->ctx, test_big_file(f, "from", 1000), NULL),
                     CST_OK);
    assert_int_equal(cst_fs_write_stream_new(&dest, f->ctx, "/dev/full", NULL), CST_OK);
    test_listen(f, dest, "d");
    cst_pipe(source, dest, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "d:error:ENOSPC d:close");
    cst_destroy(source, CST_OK);
    cst_unref(source);
    cst_unref(dest);
}

static void file_that_may_not_grow_is_efbig(void **state)
{
    struct test_fixture *f = *state;
    const char *from = test_big_file(f, "from", 500000), *to = test_path(f, "to");
    cst_stream *source, *dest;
    struct test_limit limit;

    if (test_is_in_valgrind())
        skip(); /* it does not ignore the signal of copy_file_range */
    assert_int_equal(cst_fs_read_stream_new(&source, f->ctx, from, NULL), CST_OK);
    assert_int_equal(cst_fs_write_stream_new(&dest, f->ctx, to, NULL), CST_OK);
    test_listen(f, dest, "d");
    cst_pipe(source, dest, NULL);
    test_limit(&limit, RLIMIT_FSIZE, 100000);
    cst_loop_run(f->loop);
    test_unlimit(&limit);
    assert_string_equal(f->trace.text, "d:error:EFBIG d:close");
    test_assert_big_file(to, 100000);
    cst_destroy(source, CST_OK);
    cst_unref(source);
    cst_unref(dest);
}

/* What says that it is empty, and is not. */
static void file_without_a_size_is_read(void **state)
{
    struct test_fixture *f = *state;
    const char *to = test_path(f, "to");
    cst_stream *source, *dest;
    struct stat about;

    if (access("/proc/self/status", R_OK) < 0)
        skip(); /* only Linux has it */
    assert_int_equal(cst_fs_read_stream_new(&source, f->ctx, "/proc/self/status", NULL), CST_OK);
    assert_int_equal(cst_fs_write_stream_new(&dest, f->ctx, to, NULL), CST_OK);
    cst_pipe(source, dest, NULL);
    test_run(f);
    assert_int_equal(stat(to, &about), 0);
    assert_true(about.st_size > 100);
    assert_int_equal(cst_stream_bytes_written(dest), (uint64_t)about.st_size);
    cst_unref(source);
    cst_unref(dest);
}

static void relay_without_descriptors_for_a_conduit_goes_the_ordinary_way(void **state)
{
    struct test_fixture *f = *state;
    struct transfer t = { .f = f, .len = 300000 };
    struct test_limit limit;

    make_source(&t, FROM_SOCKET);
    make_dest(&t, TO_SOCKET);
    cst_pipe(t.source, t.dest, NULL);
    test_limit(&limit, RLIMIT_NOFILE, (rlim_t)test_next_descriptor());
    cst_loop_run(f->loop);
    test_unlimit(&limit);
    assert_int_equal(f->gathered, 300000);
    cst_unref(t.feeder);
    cst_unref(t.source);
    cst_unref(t.dest);
    cst_unref(t.gatherer);
}

/* A row of sockets, each piped into the next; what goes in on one side comes out on the other. */
static void relay(struct test_fixture *f, cst_stream **row, int *in, int *out)
{
    int a, b;

    test_socketpair(in, &a, SOCK_STREAM);
    test_socketpair(&b, out, SOCK_STREAM);
    assert_int_equal(cst_fd_duplex_new(&row[0], f->loop, a, NULL), CST_OK);
    assert_int_equal(cst_fd_duplex_new(&row[1], f->loop, b, NULL), CST_OK);
    cst_pipe(row[0], row[1], NULL);
}

enum { RELAYS = 8 };

static void relays_at_rest_keep_few_descriptors_and_give_them_up(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *row[RELAYS][2];
    int in[RELAYS], out[RELAYS];
    struct test_limit limit;
    size_t before, rest;
    cst_stream *s;

    for (size_t i = 0; i < RELAYS; i++)
        relay(f, row[i], &in[i], &out[i]);
    before = test_count_descriptors();
    for (size_t i = 0; i < RELAYS; i++) {
        test_write(in[i], "abc");
        test_turn(f, 3);
        test_assert_reads(out[i], "abc");
    }
    rest = test_count_descriptors();
    assert_int_equal(rest, before + 2); /* one conduit has served them all */
    test_limit(&limit, RLIMIT_NOFILE, (rlim_t)test_next_descriptor());
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .port = 9 }, NULL), CST_OK);
    test_unlimit(&limit);
    assert_int_equal(test_count_descriptors(), before + 1);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    for (size_t i = 0; i < RELAYS; i++) {
        close(in[i]);
        close(out[i]);
        cst_destroy(row[i][0], CST_OK);
        cst_destroy(row[i][1], CST_OK);
        cst_unref(row[i][0]);
        cst_unref(row[i][1]);
    }
    test_run(f);
}

/* The conduit holds bytes, since the reader sleeps: they go on from memory, behind what has
 * gone. */
static void conduit_that_holds_bytes_is_given_up_whole(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *row[2], *feeder, *s;
    struct test_limit limit;
    int in, out;
    size_t before;

    relay(f, row, &in, &out);
    assert_int_equal(cst_fd_sink_new(&feeder, f->loop, in, NULL), CST_OK);
    cst_end_with(feeder, test_bytes(f, 0, 2 << 20), NULL, NULL);
    for (unsigned i = 0; i < 20; i++)
        test_turn(f, 1);
    before = test_count_descriptors();
    test_limit(&limit, RLIMIT_NOFILE, (rlim_t)test_next_descriptor());
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .port = 9 }, NULL), CST_OK);
    test_unlimit(&limit);
    assert_int_equal(test_count_descriptors(), before - 1);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    for (unsigned i = 0; i < 10000 && f->gathered < 2 << 20; i++) {
        test_take_all(f, out);
        test_turn(f, 1);
    }
    assert_int_equal(f->gathered, 2 << 20);
    assert_int_equal(cst_stream_bytes_written(row[1]), 2 << 20);
    close(out);
    cst_destroy(row[0], CST_OK);
    cst_destroy(row[1], CST_OK);
    cst_unref(row[0]);
    cst_unref(row[1]);
    cst_unref(feeder);
    test_turn(f, 3);
}

static bool serve_file(struct test_fixture *f)
{
    const char *from = test_big_file(f, "from", 300000);
    cst_stream *file = NULL, *socket = NULL, *gatherer = NULL;
    cst_status st[3];
    int in, out;

    test_socketpair(&in, &out, SOCK_STREAM);
    st[0] = cst_fs_read_stream_new(&file, f->ctx, from, NULL);
    st[1] = cst_fd_source_new(&gatherer, f->loop, in, NULL);
    st[2] = cst_fd_sink_new(&socket, f->loop, out, NULL);
    if (st[0] == CST_OK && st[1] == CST_OK && st[2] == CST_OK &&
        cst_on(gatherer, CST_DATA, test_on_gather, f) == CST_OK &&
        cst_pipe(file, socket, NULL) == CST_OK)
        cst_loop_run(f->loop);
    cst_destroy(file, CST_OK);
    cst_destroy(socket, CST_OK);
    cst_destroy(gatherer, CST_OK);
    cst_unref(file);
    cst_unref(socket);
    cst_unref(gatherer);
    cst_loop_run(f->loop);
    return f->gathered == 300000;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    test_any_allocation_may_fail(serve_file);
}

static const struct CMUnitTest tests[] = {
    T(every_pair_copies_every_length),
    T(few_calls_move_many_bytes_unless_somebody_listens),
    T(transfers_that_are_switched_off_read_and_write),
    T(reader_that_never_reads_stops_the_source_and_holds_little),
    T(slow_reader_gets_everything),
    T(part_of_what_is_held_is_activity),
    T(listener_that_comes_later_sees_what_is_left),
    T(file_changed_on_its_way_arrives_as_it_was_if_somebody_listens),
    T(write_between_comes_after_what_was_taken),
    T(reader_that_goes_is_an_error_of_the_destination),
    T(destination_destroyed_while_it_waits_leaves_nothing),
    T(no_story_loses_a_byte),
    T(reset_of_the_source_is_no_end),
    T(pipe_without_a_reader_is_epipe_and_no_signal),
    T(full_device_is_enospc),
    T(file_that_may_not_grow_is_efbig),
    T(file_without_a_size_is_read),
    T(relay_without_descriptors_for_a_conduit_goes_the_ordinary_way),
    T(relays_at_rest_keep_few_descriptors_and_give_them_up),
    T(conduit_that_holds_bytes_is_given_up_whole),
    cmocka_unit_test(any_allocation_may_fail),
};

TEST_MAIN(tests)

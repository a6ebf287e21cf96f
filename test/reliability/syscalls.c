/*
 * syscalls.c - moves bytes from every sort of descriptor to every other while system calls are
 * short, return EAGAIN or EINTR, or fail (wraps.h).
 *
 *     syscalls [-v] SEED COUNT      -v: print each call of the library on stderr, and at the end
 *                                   how often each was made

 *
 * Each run has one seed. It picks a backend of the loop, a source and a sink among files, pipes and
 * sockets, sizes, highWaterMarks, a way between them (the kernel's, or through a pass-through),
 * faults, and peers that may leave early or reset. The loop is turned until nothing is left. The
 * run is right if:
 *
 *     all bytes have arrived and all callbacks got CST_OK; or a callback got a failure, and the
 *     bytes that have arrived are a prefix. Without failures, and without peers that leave, it must
 *     be the former
 *     no descriptor is open, no block of memory is live, no signal came, and the loop became idle
 *
 * The last line has the figures. The exit status is 1 if any run was wrong.
 */
#include "wraps.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include "support/heap.h"

enum {
    MOST_BYTES = 1 << 20,
    MOST_IDLE_TURNS = 1000,
    MOST_SECONDS = 60,
    MOST_DESCRIPTORS = 64,
    MOST_COMPLAINTS = 20
};

/* The kinds of ends: fs.h over a path, a descriptor, a FIFO, or a blocking pipe or socket; fd.h
 * over a file, a pipe, a socket pair; net.h in both directions. */
enum kind {
    FS_PATH,
    FS_FILE,
    FD_FILE,
    FD_PIPE,
    FS_PIPE,
    FS_FIFO,
    FD_SOCKET,
    FS_SOCKET,
    UNIX_CONNECTS,
    UNIX_LISTENS,
    TCP_CONNECTS,
    TCP_LISTENS
};

static const char *const kind_names[] = {
    "fs path",   "fs file",   "fd file",      "fd pipe",     "fs pipe",     "fs FIFO",
    "fd socket", "fs socket", "unix connect", "unix listen", "tcp connect", "tcp listen"
};

enum way { BY_PIPE, BY_PIPELINE, BY_PASSTHROUGH };

static const char *const way_names[] = { "pipe", "pipeline", "pipeline through a passthrough" };

enum side { SOURCE, SINK };

/* What was wrong with a run. */
enum problem {
    NONE,
    WRONG_BYTES,
    LEFT_DESCRIPTORS,
    LEFT_BLOCKS,
    SIGNAL,
    NO_END,
    NO_WORD,
    NO_REASON,
    LOST_TASK,
    BAD_CLOSE,
    PROBLEMS
};

static const char *const problem_names[] = {
    "right",
    "wrong bytes",
    "descriptors left",
    "blocks left",
    "a signal came, or one is blocked or waits that was not",
    "no end",
    "neither all bytes nor a word why",
    "failed without a reason",
    "a posted task is lost, or has not woken the loop",
    "closed what was not open"
};

/* One end of the run: the library's stream, and our peer at its other side, if it has one. */
struct end {
    struct run *run;
    enum side side;
    enum kind kind;
    size_t mark;
    bool shared;
    cst_stream *stream;
    cst_listener *listener;
    int peer;        /* its descriptor, or -1 */
    size_t passed;   /* bytes that the peer has written, or read */
    size_t quits_at; /* the peer leaves after as many bytes; SIZE_MAX: it stays */
    bool resets;     /* it leaves by a reset */
    bool has_quit;
    size_t answer;   /* bytes that a sink's peer sends back */
    size_t answered; /* how many of them were sent */
    size_t heard;    /* how many of them have arrived */
    bool heard_wrong;
    bool stream_reads; /* the stream has a readable side, which gets the answer */
    bool complete;     /* a source has had 'end', a sink 'finish' */
    bool closed;
};

struct run {
    uint64_t seed, random;
    enum way way;
    size_t total;
    size_t source_at; /* where in the pattern it begins */
    bool ranged, has_end;
    size_t sink_at, sink_size; /* where the bytes go, and the size of the file before */
    bool has_start, appends, flush;
    bool blocks_sigpipe, ignores_sigpipe;
    bool has_no_stdin;
    struct end ends[2];
    struct test_heap heap;
    const char *backend; /* of the loop; NULL: the system's best */
    cst_loop *loop;
    bool connected;
    cst_status said; /* the first failure that a callback or an event has reported */
    cst_status outcome;
    size_t events;
    cst_task posted;
    bool is_posted;
    bool found_end, loop_failed, signals_kept;
    size_t descriptors;
};

/* What all runs have in common. */
static struct {
    uint8_t pattern[2 * MOST_BYTES];
    uint8_t bytes[2 * MOST_BYTES];
    int source;          /* a file that holds the pattern */
    int listeners[2][2]; /* for the peers of a source and a sink: unix, TCP */
    uint16_t ports[2];
} world;

/* The results, in memory shared with the parent. */
struct tally {
    uint64_t seed;
    unsigned long runs, faults, complete, problems[PROBLEMS];
};
static struct tally *tally;

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
    (void)sig;
    signals += faults.on;
}

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "syscalls: %s: %s\n", what, strerror(errno));
    abort();
}

/* --- chance ----------------------------------------------------------------------------------- */

static size_t below(struct run *run, size_t n)
{
    return (size_t)random_below(&run->random, n);
}

static bool one_in(struct run *run, size_t n)
{
    return below(run, n) == 0;
}

/* Return a number of at most `bits` bits; small ones are as likely as large ones. */
static size_t some(struct run *run, unsigned bits)
{
    return below(run, (size_t)1 << below(run, bits + 1));
}

/* --- planning --------------------------------------------------------------------------------- */

static bool is_file(const struct end *end)
{
    return end->kind <= FD_FILE;
}

static bool is_pipe(const struct end *end)
{
    return end->kind >= FD_PIPE && end->kind <= FS_FIFO;
}

static bool is_tcp(const struct end *end)
{
    return end->kind >= TCP_CONNECTS;
}

/* Return whether the stream's calls block. Then the run must be such that they never have to. */
static bool waits(const struct end *end)
{
    return end->shared || end->kind == FS_PIPE || end->kind == FS_SOCKET;
}

static enum kind pick_kind(struct run *run)
{
    static const enum kind files[] = { FS_PATH, FS_FILE, FD_FILE };
    static const enum kind sockets[] = { FD_SOCKET,    FD_SOCKET,    FD_SOCKET,
                                         FD_SOCKET,    FS_SOCKET,    UNIX_CONNECTS,
                                         UNIX_LISTENS, TCP_CONNECTS, TCP_LISTENS };

    switch (below(run, 3)) {
    case 0:
        return files[below(run, 3)];
    case 1:
        return one_in(run, 6) ? FS_PIPE : one_in(run, 4) ? FS_FIFO : FD_PIPE;
    }
    return sockets[below(run, 9)];
}

static void plan_end(struct run *run, enum side side)
{
    struct end *end = &run->ends[side];

    *end = (struct end){ .run = run, .side = side, .kind = pick_kind(run), .peer = -1 };
    end->quits_at = SIZE_MAX;
    if (end->kind == FD_FILE || end->kind == FD_PIPE || end->kind == FD_SOCKET)
        end->shared = one_in(run, 12);
    if (waits(end) && run->total > 200)
        run->total %= 200;
}

static void plan_mark(struct run *run, struct end *end)
{
    end->mark = one_in(run, 2) ? 0 : run->total / 256 + 1 + some(run, 17);
}

static void plan_peer(struct run *run, struct end *end)
{
    if (is_file(end) || waits(end))
        return;
    if (one_in(run, 8)) {
        end->quits_at = below(run, run->total + 1);
        end->resets = is_tcp(end) && one_in(run, 2);
    }
    if (end->kind == FS_FIFO && end->side == SINK && !end->quits_at)
        end->quits_at = SIZE_MAX; /* without a reader, the open itself would wait */
    if (end->side == SINK && !is_pipe(end) && one_in(run, 3))
        end->answer = some(run, 14);
}

static void plan_files(struct run *run)
{
    bool given = run->ends[SINK].kind != FS_PATH;

    run->ranged = run->ends[SOURCE].kind < FD_FILE && one_in(run, 2);
    run->has_end = run->ranged && run->total > 0 && one_in(run, 2);
    run->source_at =
        run->ranged || (is_file(&run->ends[SOURCE]) && one_in(run, 3)) ? some(run, 12) : 0;
    if (run->ends[SOURCE].kind == FS_PATH && !run->ranged)
        run->source_at = 0;
    run->sink_size = one_in(run, 2) ? some(run, 13) : 0;
    run->has_start = run->ends[SINK].kind < FD_FILE && run->sink_size && one_in(run, 2);
    run->appends = !run->has_start && one_in(run, 6);
    run->flush = is_file(&run->ends[SINK]) && one_in(run, 3);
    if (run->appends)
        run->sink_at = run->sink_size;
    else if (run->has_start || given)
        run->sink_at = some(run, 13);
    else
        run->sink_size = 0;
}

/* Pick the faults. Half of the runs have no failures, only short calls, EAGAIN and EINTR. */
static void plan_faults(struct run *run)
{
    static const unsigned softly[] = { 0, 2000, 8000, 24000, 32768 };
    static const int refusals[] = { EINVAL, ENOSYS, EOPNOTSUPP };

    faults = (struct faults){ .random = run->seed ^ 0x5DEECE66D,
                              .trace = faults.trace,
                              .now_ns = 1000000000,
                              .size_limited = one_in(run, 2),
                              .soft = softly[below(run, 5)],
                              .arg = run };
    if (one_in(run, 4))
        faults.refused = (unsigned)below(run, 16);
    faults.refusal = refusals[below(run, 3)];
    if (one_in(run, 2))
        return;
    switch (below(run, 4)) {
    case 0:
        faults.hard = 100 + (unsigned)below(run, 3000);
        break;
    case 1:
        faults.quit = 6000;
        break;
    default:
        faults.fail_at = 1 + some(run, 7);
    }
}

static void plan(struct run *run, uint64_t seed)
{
    *run = (struct run){ .seed = seed, .random = seed * 0x9E3779B97F4A7C15u };
    run->total = some(run, one_in(run, 16) ? 19 : one_in(run, 4) ? 17 : 12);
    run->way = (enum way)below(run, 3);
    plan_end(run, SOURCE);
    plan_end(run, SINK);
    for (int i = 0; i < 2; i++) {
        plan_mark(run, &run->ends[i]);
        plan_peer(run, &run->ends[i]);
    }
    plan_files(run);
    run->blocks_sigpipe = one_in(run, 8);
    run->ignores_sigpipe = one_in(run, 8);
    run->has_no_stdin = one_in(run, 8);
    plan_faults(run);
}

/* --- what is told ----------------------------------------------------------------------------- */

static void note(struct run *run, cst_status status)
{
    run->events++;
    if (status < 0 && run->said == CST_OK)
        run->said = status;
}

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct end *end = arg;

    note(end->run, event->error ? event->error->status : CST_OK);
    if (event->type == CST_CLOSE)
        end->closed = true;
    if (event->type == (end->side == SOURCE ? CST_END : CST_FINISH))
        end->complete = true;
    if (event->type == CST_END && end->side == SOURCE && cst_stream_has_writable(s))
        (void)cst_end(s, NULL, NULL);
}

static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    note(arg, event->error->status);
}

static void on_answer(cst_stream *s, const cst_event *event, void *arg)
{
    struct end *end = arg;
    const cst_slice *chunk = event->chunk;

    (void)s;
    end->run->events++;
    if (chunk->len > end->answer - end->heard ||
        memcmp(chunk->data, world.pattern + end->heard, chunk->len) != 0)
        end->heard_wrong = true;
    end->heard += chunk->len;
}

static void on_outcome(const cst_error *error, void *arg)
{
    struct run *run = arg;

    run->outcome = error ? error->status : CST_OK;
    note(run, run->outcome);
}

static void on_posted(void *arg)
{
    struct run *run = arg;

    run->is_posted = false;
}

/* Post a task while the loop is about to sleep, as another thread could. */
static bool on_poll(void *arg)
{
    struct run *run = arg;

    if (run->is_posted || !run->loop || !one_in(run, 8))
        return false;
    run->is_posted = cst_post(cst_loop_ctx(run->loop), &run->posted, on_posted, run) == CST_OK;
    return run->is_posted;
}

/* --- peers ------------------------------------------------------------------------------------ */

static void leave(struct end *end, bool reset)
{
    static const struct linger now = { .l_onoff = 1 };

    if (end->peer < 0)
        return;
    if (reset)
        (void)setsockopt(end->peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    must(close(end->peer) == 0, "close of a peer");
    end->peer = -1;
    end->run->events++;
}

static void quit(struct end *end)
{
    end->has_quit = true;
    leave(end, end->resets);
}

static bool is_of_stream(void *arg, int fd)
{
    const struct run *run = arg;

    for (int i = 0; i < 2; i++)
        if (run->ends[i].stream && cst_stream_fd(run->ends[i].stream) == fd)
            return true;
    return false;
}

static bool has_peer(void *arg, int fd)
{
    const struct run *run = arg;
    const struct end *sink = &run->ends[SINK];

    return sink->peer >= 0 && sink->stream && cst_stream_fd(sink->stream) == fd;
}

static void on_quit(void *arg, int fd)
{
    struct run *run = arg;

    (void)fd;
    quit(&run->ends[SINK]);
}

static const char *fifo_of(const struct end *end)
{
    return end->side == SOURCE ? "fifo-source" : "fifo-sink";
}

static void take_connection(struct end *end)
{
    int way = end->side == SOURCE ? O_WRONLY : O_RDONLY;

    if (end->kind == FS_FIFO && one_in(end->run, 3))
        end->peer = open(fifo_of(end), way | O_NONBLOCK | O_CLOEXEC);
    if (end->kind == UNIX_CONNECTS || end->kind == TCP_CONNECTS)
        end->peer = accept4(world.listeners[end->side][is_tcp(end)], NULL, NULL,
                            SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* Return how much a peer moves in one step: a random amount, but not 0 if nothing else moves. */
static size_t step_size(struct run *run, bool idle)
{
    return idle ? 65536 : one_in(run, 4) ? 0 : some(run, 16);
}

/* Return whether a read of 0 bytes is the end. In a FIFO nobody may have opened the other side yet;
 * only poll tells the difference. */
static bool has_ended(const struct end *end)
{
    struct pollfd fd = { .fd = end->peer, .events = POLLIN };

    return end->kind != FS_FIFO || (poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP));
}

/* Return whether a pipe has a reader. We must not write to one that has none: SIGPIPE would be
 * ours, not the library's. */
static bool has_reader(const struct end *end)
{
    struct pollfd fd = { .fd = end->peer, .events = POLLOUT };

    (void)poll(&fd, 1, 0);
    return !(fd.revents & POLLERR);
}

static ssize_t put(const struct end *end, const uint8_t *from, size_t len)
{
    if (!is_pipe(end))
        return send(end->peer, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return has_reader(end) ? write(end->peer, from, len) : 0;
}

static void feed(struct end *end, bool idle)
{
    struct run *run = end->run;
    size_t to = run->total < end->quits_at ? run->total : end->quits_at;
    size_t n = step_size(run, idle);
    ssize_t sent = 0;

    if (n > to - end->passed)
        n = to - end->passed;
    if (n > 0)
        sent = put(end, world.pattern + run->source_at + end->passed, n);
    if (sent > 0) {
        end->passed += (size_t)sent;
        run->events++;
    }
    if (end->passed == end->quits_at)
        quit(end);
    else if (end->passed == run->total)
        leave(end, false);
    else if (sent < 0 && errno != EAGAIN)
        leave(end, false);
}

static void answer(struct end *end, size_t n)
{
    ssize_t sent;

    if (n > end->answer - end->answered)
        n = end->answer - end->answered;
    if (n == 0)
        return;
    sent = put(end, world.pattern + end->answered, n);
    if (sent > 0)
        end->run->events++;
    if (sent > 0)
        end->answered += (size_t)sent;
    else if (sent < 0 && errno != EAGAIN)
        end->answer = end->answered;
}

/* Read what the sink has sent. The peer ends when the sink has ended and got its answer. */
static void take(struct end *end, bool idle)
{
    size_t n = step_size(end->run, idle), room = sizeof world.bytes - end->passed;
    ssize_t got;

    answer(end, step_size(end->run, idle));
    if (n > end->quits_at - end->passed)
        n = end->quits_at - end->passed;
    if (n > 0) {
        got = read(end->peer, world.bytes + end->passed, n < room ? n : room);
        if (got > 0) {
            end->passed += (size_t)got;
            end->run->events++;
        } else if (got == 0 ? end->answered == end->answer && has_ended(end) : errno != EAGAIN) {
            leave(end, false);
        }
    }
    if (end->passed == end->quits_at && end->peer >= 0)
        quit(end);
}

static void step_peer(struct end *end, bool idle)
{
    if (end->peer < 0 && !end->has_quit)
        take_connection(end);
    if (end->peer < 0)
        return;
    if (end->side == SOURCE)
        feed(end, idle);
    else
        take(end, idle);
}

/* --- files ------------------------------------------------------------------------------------ */

static void make_source_file(size_t size)
{
    static size_t filled;

    if (size > filled) {
        must(pwrite(world.source, world.pattern + filled, size - filled, (off_t)filled) ==
                 (ssize_t)(size - filled),
             "write of the source");
        filled = size;
    }
    if (size < filled)
        filled = size;
    must(ftruncate(world.source, (off_t)size) == 0, "size of the source");
}

/* Return a byte of the sink's file before the run. It differs from the byte that will go there. */
static uint8_t old_byte(const struct run *run, size_t at)
{
    size_t to = run->source_at + at - run->sink_at;

    return at < run->sink_at ? 0x55 : (uint8_t)~world.pattern[to];
}

static void make_sink_file(const struct run *run)
{
    int fd = open("sink", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    for (size_t i = 0; i < run->sink_size; i++)
        world.bytes[i] = old_byte(run, i);
    must(fd >= 0 && write(fd, world.bytes, run->sink_size) == (ssize_t)run->sink_size, "sink");
    must(close(fd) == 0, "close of the sink");
}

/* --- making the ends -------------------------------------------------------------------------- */

static int open_file(const struct end *end)
{
    const struct run *run = end->run;
    int flags = end->side == SOURCE ? O_RDONLY : O_WRONLY | (run->appends ? O_APPEND : 0);
    int fd = open(end->side == SOURCE ? "source" : "sink", flags | O_CLOEXEC);
    size_t at = end->side == SOURCE ? run->source_at : run->sink_at;

    must(fd >= 0 && lseek(fd, (off_t)at, SEEK_SET) == (off_t)at, "open of a file");
    return fd;
}

/* Make both ends of a pipe or a socket. The peer's end is non-blocking. Return the stream's. */
static int open_pair(struct end *end)
{
    struct run *run = end->run;
    int ends[2], ours = end->side == SOURCE;

    if (is_pipe(end)) {
        must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
        if (!waits(end) && one_in(run, 3))
            (void)fcntl(ends[0], F_SETPIPE_SZ, 4096);
    } else {
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
        if (!waits(end) && one_in(run, 3))
            for (int i = 0; i < 2; i++)
                (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &(int){ 4608 }, sizeof(int));
    }
    end->peer = ends[ours];
    must(fcntl(end->peer, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    return ends[!ours];
}

/* If the library's reads block, write all bytes and the end before they begin. */
static void feed_at_once(struct end *end)
{
    while (end->side == SOURCE && waits(end) && end->peer >= 0)
        feed(end, true);
}

static cst_status make_fs(struct end *end, int fd, const char *path)
{
    struct run *run = end->run;
    cst_ctx *ctx = cst_loop_ctx(run->loop);
    cst_opts stream = { .high_water_mark = end->mark };

    if (end->side == SOURCE) {
        cst_fs_read_opts opts = { .stream = stream, .fd = fd, .ranged = run->ranged };

        opts.start = run->source_at;
        opts.end = run->has_end ? run->source_at + run->total - 1 : UINT64_MAX;
        return cst_fs_read_stream_new(&end->stream, ctx, path, &opts);
    }
    cst_fs_write_opts opts = { .stream = stream, .fd = fd, .has_start = run->has_start };

    opts.flags = run->appends ? "a" : run->has_start ? "r+" : "w";
    opts.start = run->sink_at;
    opts.flush = run->flush;
    return cst_fs_write_stream_new(&end->stream, ctx, path, &opts);
}

static cst_status make_fd(struct end *end, int fd)
{
    cst_loop *loop = end->run->loop;
    cst_fd_opts opts = { .stream = { .high_water_mark = end->mark }, .shared = end->shared };

    if (end->kind == FD_SOCKET && !end->shared && one_in(end->run, 2))
        return cst_fd_duplex_new(&end->stream, loop, fd, &opts);
    return end->side == SOURCE ? cst_fd_source_new(&end->stream, loop, fd, &opts)
                               : cst_fd_sink_new(&end->stream, loop, fd, &opts);
}

static cst_socket_opts socket_opts(const struct end *end)
{
    cst_socket_opts opts = { .stream = { .high_water_mark = end->mark }, .no_delay = true };

    opts.allow_half_open = (end->run->seed & 128) != 0;
    return opts;
}

static void watch_stream(struct end *end)
{
    static const cst_event_type types[] = { CST_END, CST_FINISH, CST_ERROR, CST_CLOSE };
    cst_stream *s = end->stream;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        must(cst_on(s, types[i], on_event, end) == CST_OK, "cst_on");
    end->stream_reads = cst_stream_has_readable(s);
    if (end->side == SINK && end->stream_reads)
        must(cst_on(s, CST_DATA, on_answer, end) == CST_OK, "cst_on");
}

static cst_status connect_in_line(struct run *run, cst_stream *source, cst_stream *sink)
{
    cst_stream *line[] = { source, NULL, sink };
    cst_status st = cst_passthrough_new(&line[1], cst_loop_ctx(run->loop), NULL);

    must(st == CST_OK && cst_on(line[1], CST_ERROR, on_error, run) == CST_OK, "passthrough");
    st = cst_pipeline(line, 3, NULL, on_outcome, run);
    cst_unref(line[1]);
    return st;
}

/* Connect the two streams if both exist. One of them may have failed already. */
static void connect_streams(struct run *run)
{
    cst_stream *source = run->ends[SOURCE].stream, *sink = run->ends[SINK].stream;
    cst_status st = CST_OK;

    if (!source || !sink)
        return;
    switch (run->way) {
    case BY_PIPE:
        st = cst_pipe(source, sink, NULL);
        break;
    case BY_PIPELINE:
        st = cst_pipeline((cst_stream *[]){ source, sink }, 2, NULL, on_outcome, run);
        break;
    case BY_PASSTHROUGH:
        st = connect_in_line(run, source, sink);
        break;
    }
    note(run, st);
    run->connected = st == CST_OK;
}

static void on_socket(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    struct end *end = arg;
    cst_endpoint name;

    note(end->run, status);
    if (!socket && one_in(end->run, 2))
        return;
    cst_listener_close(listener);
    end->listener = NULL;
    if (!socket)
        return;
    end->stream = socket;
    watch_stream(end);
    note(end->run, cst_socket_remote(&name, socket));
    connect_streams(end->run);
}

/* Connect the peer of a listener. Faults are off. */
static int connect_peer(const struct end *end, const cst_endpoint *to)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    } address = { .any = { .sa_family = (sa_family_t)(is_tcp(end) ? AF_INET : AF_UNIX) } };
    socklen_t len = is_tcp(end) ? sizeof address.in : sizeof address.un;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (is_tcp(end)) {
        address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.in.sin_port = htons(to->port);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    } else {
        memcpy(address.un.sun_path, to->host, strlen(to->host) + 1);
    }
    must(fd >= 0 && connect(fd, &address.any, len) == 0, "connect");
    must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    return fd;
}

static cst_status make_listener(struct end *end)
{
    const char *path = end->side == SOURCE ? "listen-source" : "listen-sink";
    cst_address at = { .host = "127.0.0.1" };
    cst_listen_opts opts = { .socket = socket_opts(end) };
    cst_endpoint name;
    cst_status st;

    if (!is_tcp(end))
        at.path = path;
    st = cst_listen(&end->listener, end->run->loop, &at, &opts, on_socket, end);
    if (st == CST_OK)
        st = cst_listener_address(&name, end->listener);
    if (st < 0)
        return st;
    faults.on = false;
    end->peer = connect_peer(end, &name);
    faults.on = true;
    return CST_OK;
}

static cst_status make_connection(struct end *end)
{
    cst_address to = { .host = "127.0.0.1", .port = world.ports[end->side] };
    cst_socket_opts opts = socket_opts(end);

    if (!is_tcp(end))
        to.path = end->side == SOURCE ? "raw-source" : "raw-sink";
    return cst_connect(&end->stream, end->run->loop, &to, &opts);
}

static cst_status make_stream(struct end *end, int fd)
{
    switch (end->kind) {
    case FS_PATH:
        return make_fs(end, -1, end->side == SOURCE ? "source" : "sink");
    case FS_FIFO:
        return make_fs(end, -1, fifo_of(end));
    case FS_FILE:
    case FS_PIPE:
    case FS_SOCKET:
        return make_fs(end, fd, NULL);
    case FD_FILE:
    case FD_PIPE:
    case FD_SOCKET:
        return make_fd(end, fd);
    case UNIX_LISTENS:
    case TCP_LISTENS:
        return make_listener(end);
    case UNIX_CONNECTS:
    case TCP_CONNECTS:
        break;
    }
    return make_connection(end);
}

/* Make one end. Faults are off before and after. */
static void make_end(struct end *end)
{
    struct run *run = end->run;
    int fd = -1;

    if (end->kind == FS_FILE || end->kind == FD_FILE)
        fd = open_file(end);
    else if (end->kind >= FD_PIPE && end->kind <= FS_SOCKET && end->kind != FS_FIFO)
        fd = open_pair(end);
    feed_at_once(end);
    faults.on = true;
    note(run, make_stream(end, fd));
    if (end->stream)
        watch_stream(end);
    faults.on = false;
}

/* --- a run ------------------------------------------------------------------------------------ */

static bool is_over(const struct end *end)
{
    return end->stream ? end->closed : !end->listener;
}

/* Destroy both ends if one has failed. A pipeline does that by itself; for a pipe, or for ends that
 * were never connected, it is up to the host. */
static void tidy(struct run *run)
{
    bool lost = run->said < 0;

    for (int i = 0; i < 2; i++)
        lost = lost || (is_over(&run->ends[i]) && !run->ends[i].complete);
    lost = lost || (is_over(&run->ends[SINK]) && !run->ends[SOURCE].complete);
    if (!lost || (run->connected && run->way != BY_PIPE))
        return;
    faults.on = true;
    for (int i = 0; i < 2; i++) {
        cst_listener_close(run->ends[i].listener);
        run->ends[i].listener = NULL;
        if (run->ends[i].stream)
            (void)cst_destroy(run->ends[i].stream, CST_OK);
    }
    faults.on = false;
}

/* Return whether something has happened since *before was set, and set it anew. */
static bool has_moved(const struct run *run, uint64_t *before)
{
    uint64_t now = run->events + faults.moved;
    bool has = now != *before;

    *before = now;
    return has;
}

/* Turn the loop and the peers until all is over. poll really waits for a millisecond at most, and
 * only if nothing moves. */
static void drive(struct run *run)
{
    uint64_t before = 0;
    unsigned idle = 0;

    while (idle < MOST_IDLE_TURNS) {
        cst_status st;

        for (int i = 0; i < 2; i++)
            step_peer(&run->ends[i], idle > 2);
        tidy(run);
        faults.on = true;
        st = cst_loop_run_once(run->loop, idle > 2 ? 10000000 : 0);
        faults.on = false;
        if (st == CST_E_UNHANDLED)
            return;
        if (st != CST_IDLE && st != CST_MORE)
            note(run, st);
        run->found_end = st == CST_IDLE && is_over(&run->ends[0]) && is_over(&run->ends[1]);
        if (run->found_end)
            return;
        idle = has_moved(run, &before) ? 0 : idle + 1;
    }
}

static void make_all(struct run *run)
{
    cst_status st;

    faults.on = true;
    st = cst_loop_new(&run->loop, test_heap_allocator(&run->heap),
                      &(cst_loop_opts){ .backend = run->backend });
    faults.on = false;
    note(run, st);
    if (st < 0)
        return;
    make_source_file(run->source_at + run->total + (run->has_end ? below(run, 5000) : 0));
    make_sink_file(run);
    make_end(&run->ends[SOURCE]);
    make_end(&run->ends[SINK]);
    faults.on = true;
    connect_streams(run);
    faults.on = false;
}

static void end_all(struct run *run)
{
    faults.on = true;
    for (int i = 0; i < 2; i++)
        cst_unref(run->ends[i].stream);
    must(cst_loop_free(run->loop) == CST_OK, "cst_loop_free");
    run->loop = NULL;
    faults.on = false;
}

/* --- the verdict ------------------------------------------------------------------------------ */

static size_t count_descriptors(void)
{
    size_t count = 0;

    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

/* Return how many bytes the source has: those before its peer left, or all if the peer stayed. */
static size_t expected_bytes(const struct run *run)
{
    const struct end *source = &run->ends[SOURCE];

    return source->has_quit ? source->passed : run->total;
}

static size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t i = 0;

    while (i < n && a[i] == b[i])
        i++;
    return i;
}

/* Count the bytes of the source that are in the file. Return false if any other byte is wrong. */
static bool look_at_file(const struct run *run, size_t *arrived)
{
    int fd = open("sink", O_RDONLY | O_CLOEXEC);
    bool kept = run->ends[SINK].kind != FS_PATH || run->has_start || run->appends;
    size_t old_size = kept ? run->sink_size : 0, at = run->sink_at, size;
    ssize_t got;

    must(fd >= 0, "open of the sink");
    got = read(fd, world.bytes, sizeof world.bytes);
    must(got >= 0 && close(fd) == 0, "read of the sink");
    size = (size_t)got;
    *arrived =
        size > at ? equal_bytes(world.bytes + at, world.pattern + run->source_at, size - at) : 0;
    if (*arrived > run->total)
        return false;
    for (size_t i = 0; i < size; i++) {
        uint8_t old = i < old_size ? old_byte(run, i) : 0;

        if ((i < at || i >= at + *arrived) && world.bytes[i] != old)
            return false;
    }
    return size == (*arrived && at + *arrived > old_size ? at + *arrived : old_size) ||
           (run->said < 0 && size == 0 && !kept);
}

static bool look_at_bytes(struct run *run, size_t *arrived)
{
    struct end *sink = &run->ends[SINK];

    if (is_file(sink))
        return look_at_file(run, arrived);
    *arrived = sink->passed;
    return *arrived <= run->total &&
           memcmp(world.bytes, world.pattern + run->source_at, *arrived) == 0;
}

static bool may_fail(const struct run *run)
{
    const struct end *source = &run->ends[SOURCE];

    return faults.failed || run->ends[SINK].has_quit || (source->has_quit && source->resets);
}

/* Return whether the sink has ended because its peer did, before anything was written. This is no
 * failure. */
static bool ended_first(const struct run *run)
{
    const struct end *sink = &run->ends[SINK];

    return (run->way == BY_PIPE || !run->connected) && sink->has_quit && sink->complete;
}

static enum problem judge_bytes(struct run *run)
{
    const struct end *source = &run->ends[SOURCE], *sink = &run->ends[SINK];
    bool complete = source->complete && sink->complete;
    size_t arrived;

    if (!look_at_bytes(run, &arrived) || sink->heard_wrong)
        return WRONG_BYTES;
    if (sink->complete && !sink->has_quit && arrived != expected_bytes(run))
        return WRONG_BYTES;
    if (complete && source->has_quit && source->resets)
        return WRONG_BYTES;
    if (run->said == CST_OK && (!complete || run->outcome == CST_PENDING) && !ended_first(run))
        return NO_WORD;
    if (run->said < 0 && !may_fail(run))
        return NO_REASON;
    if (run->said == CST_OK && !sink->has_quit && sink->heard != sink->answer && sink->stream_reads)
        return WRONG_BYTES;
    tally->complete += complete && run->said == CST_OK;
    return NONE;
}

static enum problem judge_run(struct run *run)
{
    if (!run->signals_kept)
        return SIGNAL;
    if (!run->found_end)
        return NO_END;
    if (run->heap.live_blocks)
        return LEFT_BLOCKS;
    if (count_descriptors() != run->descriptors)
        return LEFT_DESCRIPTORS;
    if (faults.bad_closes)
        return BAD_CLOSE;
    if (run->is_posted || faults.lost_wakes)
        return LOST_TASK;
    return run->loop_failed ? NONE : judge_bytes(run);
}

static void complain(const struct run *run, enum problem problem)
{
    const struct end *source = &run->ends[SOURCE], *sink = &run->ends[SINK];

    printf("seed %llu: %s: %s%s to %s%s, %s, %zu bytes, %s (%lu faults, %lu of them failures)\n",
           (unsigned long long)run->seed, problem_names[problem], kind_names[source->kind],
           source->shared ? " shared" : "", kind_names[sink->kind], sink->shared ? " shared" : "",
           way_names[run->way], run->total,
           cst_status_os(run->said) ? strerror(cst_status_os(run->said))
                                    : cst_status_name(run->said),
           faults.made, faults.failed);
    fflush(stdout);
}

/* --- all runs --------------------------------------------------------------------------------- */

static const int guarded[] = { SIGPIPE, SIGXFSZ };

static void handle_signals(const struct run *run)
{
    struct sigaction action = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

    signals = 0;
    for (size_t i = 0; i < 2; i++)
        sigaction(guarded[i], &action, NULL);
    if (run->ignores_sigpipe)
        sigaction(SIGPIPE, &ignore, NULL);
}

/* In some runs, block SIGPIPE and raise one: it is the host's own, and must stay pending. */
static void block_sigpipe(const struct run *run)
{
    sigset_t set;

    if (!run->blocks_sigpipe)
        return;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGPIPE);
}

/* Return whether the signals are as block_sigpipe has left them. Then unblock them all; the pending
 * one is dropped. */
static bool are_signals_as_before(const struct run *run)
{
    sigset_t blocked, waiting, all;
    bool as_before = signals == 0;

    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    sigpending(&waiting);
    sigemptyset(&all);
    for (size_t i = 0; i < 2; i++) {
        int wanted = run->blocks_sigpipe && guarded[i] == SIGPIPE;

        as_before = as_before && sigismember(&blocked, guarded[i]) == wanted &&
                    sigismember(&waiting, guarded[i]) == wanted;
        sigaddset(&all, guarded[i]);
    }
    while (sigtimedwait(&all, NULL, &(struct timespec){ 0 }) > 0)
        continue;
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    return as_before;
}

/* Close the connections that nobody has accepted. */
static void empty_listeners(void)
{
    for (int i = 0; i < 4; i++) {
        int fd;

        while ((fd = accept4(world.listeners[i / 2][i % 2], NULL, NULL, SOCK_CLOEXEC)) >= 0)
            close(fd);
    }
}

/* Close the peers, after reading what is still in a pipe or a socket. */
static void let_peers_go(struct run *run)
{
    struct end *sink = &run->ends[SINK];
    struct pollfd fd = { .events = POLLIN };

    while (sink->peer >= 0) {
        fd.fd = sink->peer;
        if (poll(&fd, 1, is_tcp(sink) ? 1000 : 0) < 1)
            break;
        take(sink, true);
    }
    leave(sink, false);
    leave(&run->ends[SOURCE], false);
    empty_listeners();
    (void)unlink("listen-source");
    (void)unlink("listen-sink");
}

/* In some runs, close standard input, so that the library gets descriptor 0. */
static void close_stdin(const struct run *run)
{
    if (run->has_no_stdin)
        must(close(STDIN_FILENO) == 0, "close of stdin");
}

static void open_stdin(const struct run *run)
{
    if (run->has_no_stdin)
        must(open("/dev/null", O_RDONLY) == STDIN_FILENO, "stdin is taken");
}

static enum problem one_run(uint64_t seed)
{
    static struct run run;
    enum problem problem;

    plan(&run, seed);
    run.backend = seed % 2 ? "poll" : NULL;
    faults.is_of_stream = is_of_stream;
    faults.has_peer = has_peer;
    faults.on_quit = on_quit;
    faults.on_poll = on_poll;
    test_heap_init(&run.heap);
    run.outcome = run.way == BY_PIPE ? CST_OK : CST_PENDING;
    run.descriptors = count_descriptors();
    handle_signals(&run);
    block_sigpipe(&run);
    close_stdin(&run);
    make_all(&run);
    run.loop_failed = !run.loop;
    run.found_end = !run.loop;
    if (run.loop) {
        drive(&run);
        end_all(&run);
    }
    let_peers_go(&run);
    open_stdin(&run);
    run.signals_kept = are_signals_as_before(&run);
    problem = judge_run(&run);
    tally->faults += faults.made;
    if (problem)
        complain(&run, problem);
    return problem;
}

static int open_listener(enum side side, bool tcp)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in in = { .sin_family = AF_INET };
    socklen_t len = sizeof in;
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    strcpy(un.sun_path, side == SOURCE ? "raw-source" : "raw-sink");
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (tcp) {
        must(bind(fd, (struct sockaddr *)&in, sizeof in) == 0, "bind");
        must(getsockname(fd, (struct sockaddr *)&in, &len) == 0, "getsockname");
        world.ports[side] = ntohs(in.sin_port);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    } else {
        must(bind(fd, (struct sockaddr *)&un, sizeof un) == 0, "bind");
    }
    must(listen(fd, 64) == 0, "listen");
    return fd;
}

static void make_world(void)
{
    uint64_t state = 1;

    for (size_t i = 0; i < sizeof world.pattern; i++)
        world.pattern[i] = (uint8_t)random_below(&state, 256);
    world.source = open("source", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(world.source >= 0, "open of the source");
    must(mkfifo("fifo-source", 0600) == 0 && mkfifo("fifo-sink", 0600) == 0, "mkfifo");
    for (int i = 0; i < 4; i++)
        world.listeners[i / 2][i % 2] = open_listener((enum side)(i / 2), i % 2 == 1);
}

/* Do the runs from tally->seed on, in a process of their own, which a run may kill. */
static void run_all(uint64_t end, bool verbose)
{
    for (; tally->seed < end; tally->seed++) {
        alarm(MOST_SECONDS);
        tally->runs++;
        tally->problems[one_run(tally->seed)]++;
    }
    if (verbose)
        faults_report(stdout);
    fflush(stdout);
    _exit(0);
}

static unsigned long count_problems(void)
{
    unsigned long count = 0;

    for (int i = NONE + 1; i < PROBLEMS; i++)
        count += tally->problems[i];
    return count;
}

/* Do all runs. If one kills the process, start another process with the next run. */
static unsigned long try_all(uint64_t end, bool verbose)
{
    unsigned long died = 0;

    while (tally->seed < end && died + count_problems() < MOST_COMPLAINTS) {
        int status;
        pid_t pid;

        fflush(stdout);
        pid = fork();

        must(pid >= 0, "fork");
        if (pid == 0)
            run_all(end, verbose);
        must(waitpid(pid, &status, 0) == pid, "waitpid");
        if (status == 0)
            continue;
        printf("seed %llu: the process died: status %#x\n", (unsigned long long)tally->seed,
               (unsigned)status);
        died++;
        tally->seed++;
    }
    return died;
}

static char *make_directory(void)
{
    static char name[4096];
    const char *tmp = getenv("TMPDIR");

    snprintf(name, sizeof name, "%s/syscalls-XXXXXX", tmp ? tmp : "/tmp");
    must(mkdtemp(name) && chdir(name) == 0, name);
    return name;
}

static void remove_directory(const char *name)
{
    static const char *const files[] = { "source",   "sink",        "raw-source",
                                         "raw-sink", "fifo-source", "fifo-sink" };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        (void)unlink(files[i]);
    must(chdir("/") == 0 && rmdir(name) == 0, name);
}

static void report(unsigned long died)
{
    const unsigned long *problems = tally->problems;
    unsigned long bytes = problems[WRONG_BYTES], descriptors = problems[LEFT_DESCRIPTORS];
    unsigned long blocks = problems[LEFT_BLOCKS];

    printf("%lu runs, %lu faults, %lu wrong bytes, %lu descriptors left, %lu blocks left, ",
           tally->runs, tally->faults, bytes, descriptors, blocks);
    printf("%lu other failures; %lu had all bytes, the others said why not\n",
           count_problems() + died - bytes - descriptors - blocks, tally->complete);
}

int main(int argc, char **argv)
{
    bool verbose = argc == 4 && strcmp(argv[1], "-v") == 0;
    unsigned long died;
    uint64_t count;
    char *name;

    if (argc != 3 + verbose) {
        fprintf(stderr, "usage: syscalls [-v] SEED COUNT\n");
        return 2;
    }
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(tally != MAP_FAILED, "mmap");
    tally->seed = strtoull(argv[argc - 2], NULL, 10);
    count = strtoull(argv[argc - 1], NULL, 10);
    faults.trace = verbose && count == 1;
    name = make_directory();
    must(freopen("/dev/null", "r", stdin) != NULL, "stdin");
    make_world();
    died = try_all(tally->seed + count, verbose);
    remove_directory(name);
    report(died);
    return count_problems() + died > 0;
}

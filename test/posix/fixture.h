/*
 * fixture.h - what the tests of libcstream-posix share: a loop on a heap that counts, a trace, and
 * the promise that neither a block nor a descriptor is left.
 *
 * Words of the trace: `NAME:data:BYTES` (with test_gather none), `NAME:end` and so on for events,
 * `NAME:error:ERROR`, `NAME:WORD` for callbacks. ERROR is an errno's name or a code of the library
 * without CST_ and E_.
 */
#ifndef TEST_POSIX_FIXTURE_H
#define TEST_POSIX_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include "support/heap.h"
#include "support/main.h"
#include "support/trace.h"

/** A stream that is watched, under a name. */
struct test_name {
    struct test_fixture *fixture;
    const char *name;
};

struct test_fixture {
    struct test_heap heap;
    struct test_trace trace;
    cst_loop *loop;
    cst_ctx *ctx;
    size_t descriptors;
    struct test_name names[16];
    size_t name_count;
    size_t gathered; /* bytes that test_gather has seen; each is what test_byte says */
    char dir[64];
};

/* --- descriptors ------------------------------------------------------------------------------ */

static inline bool test_is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

static inline size_t test_count_descriptors(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += test_is_open(fd);
    return count;
}

static inline void test_pipe(int *reader, int *writer)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    *reader = ends[0];
    *writer = ends[1];
}

static inline void test_socketpair(int *a, int *b, int type)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    *a = ends[0];
    *b = ends[1];
}

static inline void test_write(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/** Read once and compare; "" is the end of file. */
static inline void test_assert_reads(int fd, const char *text)
{
    char bytes[256];
    ssize_t n = read(fd, bytes, sizeof bytes);

    assert_int_equal(n, (ssize_t)strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

/** valgrind keeps descriptors of its own, and answers accept without any in a way of its own. */
static inline bool test_is_in_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded && strstr(preloaded, "vgpreload");
}

/** End a child that was forked. valgrind would count what the parent had allocated as its leaks:
 * so it becomes another program. */
static inline void test_leave(int status)
{
    char command[16];

    if (test_is_in_valgrind()) {
        snprintf(command, sizeof command, "exit %d", status);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    }
    _exit(status);
}

/** At most so many descriptors, or bytes in a file, until test_unlimit. The signal that goes with
 * the latter is ignored. */
struct test_limit {
    int resource;
    struct rlimit before;
    struct sigaction action;
};

/* The type of a resource is not int everywhere: so each use names it. */
static inline int test_get_limit(int resource, struct rlimit *limit)
{
    return resource == RLIMIT_NOFILE ? getrlimit(RLIMIT_NOFILE, limit)
                                     : getrlimit(RLIMIT_FSIZE, limit);
}

static inline int test_set_limit(int resource, const struct rlimit *limit)
{
    return resource == RLIMIT_NOFILE ? setrlimit(RLIMIT_NOFILE, limit)
                                     : setrlimit(RLIMIT_FSIZE, limit);
}

static inline void test_limit(struct test_limit *limit, int resource, rlim_t value)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct rlimit now;

    limit->resource = resource;
    assert_int_equal(test_get_limit(resource, &limit->before), 0);
    now = limit->before;
    now.rlim_cur = value;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &limit->action), 0);
    assert_int_equal(test_set_limit(resource, &now), 0);
}

static inline void test_unlimit(const struct test_limit *limit)
{
    assert_int_equal(test_set_limit(limit->resource, &limit->before), 0);
    assert_int_equal(sigaction(SIGXFSZ, &limit->action, NULL), 0);
}

/** The number that the next descriptor will have. */
static inline int test_next_descriptor(void)
{
    int next = dup(0);

    close(next);
    return next;
}

/* --- words ------------------------------------------------------------------------------------ */

static inline const char *test_errno_name(cst_status status)
{
    switch (cst_status_os(status)) {
    case EADDRINUSE:
        return "EADDRINUSE";
    case EBADF:
        return "EBADF";
    case ECONNREFUSED:
        return "ECONNREFUSED";
    case ECONNRESET:
        return "ECONNRESET";
    case EEXIST:
        return "EEXIST";
    case EFBIG:
        return "EFBIG";
    case EINVAL:
        return "EINVAL";
    case EISDIR:
        return "EISDIR";
    case EMFILE:
        return "EMFILE";
    case ENOENT:
        return "ENOENT";
    case ENOSPC:
        return "ENOSPC";
    case EPIPE:
        return "EPIPE";
    case 0:
        break;
    default:
        return strerror(cst_status_os(status));
    }
    return test_status_word(status);
}

static inline void test_on_event(cst_stream *s, const cst_event *event, void *arg)
{
    const struct test_name *n = arg;

    (void)s;
    if (event->type == CST_ERROR)
        test_trace_add(&n->fixture->trace, "%s:error:%s", n->name,
                       test_errno_name(event->error->status));
    else if (event->type == CST_DATA)
        test_trace_add(&n->fixture->trace, "%s:data:%.*s", n->name, (int)event->chunk->len,
                       (const char *)event->chunk->data);
    else
        test_trace_add(&n->fixture->trace, "%s:%s", n->name, test_event_word(event->type));
}

static inline struct test_name *test_name(struct test_fixture *f, const char *name)
{
    struct test_name *n = &f->names[f->name_count++];

    assert_true(f->name_count <= sizeof f->names / sizeof *f->names);
    *n = (struct test_name){ f, name };
    return n;
}

/** Record how a stream ends. */
static inline struct test_name *test_listen(struct test_fixture *f, cst_stream *s, const char *name)
{
    struct test_name *n = test_name(f, name);

    assert_int_equal(cst_on(s, CST_END, test_on_event, n), CST_OK);
    assert_int_equal(cst_on(s, CST_FINISH, test_on_event, n), CST_OK);
    assert_int_equal(cst_on(s, CST_ERROR, test_on_event, n), CST_OK);
    assert_int_equal(cst_on(s, CST_CLOSE, test_on_event, n), CST_OK);
    return n;
}

/** Record how a stream ends, and each chunk. */
static inline void test_listen_to_data(struct test_fixture *f, cst_stream *s, const char *name)
{
    assert_int_equal(cst_on(s, CST_DATA, test_on_event, test_listen(f, s, name)), CST_OK);
}

static inline void test_on_done(cst_stream *s, cst_status status, void *arg)
{
    const struct test_name *n = arg;

    (void)s;
    test_trace_add(&n->fixture->trace, "%s:%s", n->name, test_errno_name(status));
}

static inline void test_on_outcome(const cst_error *error, void *arg)
{
    const struct test_name *n = arg;

    test_trace_add(&n->fixture->trace, "%s:%s", n->name,
                   error ? test_errno_name(error->status) : "OK");
}

/* --- many bytes ------------------------------------------------------------------------------- */

static inline uint8_t test_byte(size_t i)
{
    return (uint8_t)(i * 131 % 251);
}

static inline cst_slice test_bytes(struct test_fixture *f, size_t from, size_t len)
{
    cst_buf buf;

    assert_int_equal(cst_buf_new(&buf, cst_ctx_allocator(f->ctx), len), CST_OK);
    for (size_t i = 0; i < len; i++)
        buf.data[i] = test_byte(from + i);
    return cst_buf_freeze(&buf, len);
}

static inline void test_on_gather(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_fixture *f = arg;

    (void)s;
    for (size_t i = 0; i < event->chunk->len; i++)
        if (event->chunk->data[i] != test_byte(f->gathered + i))
            fail_msg("byte %zu is not what was written", f->gathered + i);
    f->gathered += event->chunk->len;
}

/** Count what comes and compare each byte with test_byte. */
static inline void test_gather(struct test_fixture *f, cst_stream *s)
{
    assert_int_equal(cst_on(s, CST_DATA, test_on_gather, f), CST_OK);
}

/* --- files ------------------------------------------------------------------------------------ */

/** A path in the fixture's own directory; gone with it. */
static inline const char *test_path(const struct test_fixture *f, const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", f->dir, name);
    return path;
}

static inline const char *test_file(const struct test_fixture *f, const char *name,
                                    const char *text)
{
    const char *path = test_path(f, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    test_write(fd, text);
    close(fd);
    return path;
}

/** A file of len bytes that are what test_byte says, behind the text before. */
static inline const char *test_big_file_after(const struct test_fixture *f, const char *name,
                                              const char *before, size_t len)
{
    const char *path = test_path(f, name);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    fputs(before, file);
    for (size_t i = 0; i < len; i++)
        putc(test_byte(i), file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *test_big_file(const struct test_fixture *f, const char *name, size_t len)
{
    return test_big_file_after(f, name, "", len);
}

static inline void test_append(const char *path, const char *text)
{
    FILE *file = fopen(path, "ab");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline void test_assert_file(const char *path, const char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    test_assert_reads(fd, text);
    close(fd);
}

static inline void test_assert_big_file_after(const char *path, const char *before, size_t len)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    for (; *before; before++)
        assert_int_equal(getc(file), *before);
    for (size_t i = 0; i < len; i++)
        if (getc(file) != test_byte(i))
            fail_msg("byte %zu is not what was written", i);
    assert_int_equal(getc(file), EOF);
    fclose(file);
}

static inline void test_assert_big_file(const char *path, size_t len)
{
    test_assert_big_file_after(path, "", len);
}

/* --- the fixture ------------------------------------------------------------------------------ */

static inline void test_run(struct test_fixture *f)
{
    assert_int_equal(cst_loop_run(f->loop), CST_IDLE);
}

/** Turn without waiting until no turn changes anything that the trace shows, n times over. */
static inline void test_turn(struct test_fixture *f, unsigned n)
{
    while (n-- > 0)
        assert_true(cst_loop_run_once(f->loop, 0) >= 0);
}

/* A time by which the context's clock is ahead of the machine's. */
#define TEST_AHEAD_NS (UINT64_C(1) << 62)

/** Let ns pass on the context's clock. From the first call on, with 0, no real time counts: the
 * loop's clock is behind. */
static inline void test_pass(struct test_fixture *f, uint64_t ns)
{
    uint64_t now_ns = cst_ctx_now_ns(f->ctx);
    cst_budget budget = { .now_ns = (now_ns > TEST_AHEAD_NS ? now_ns : TEST_AHEAD_NS) + ns };

    assert_true(cst_ctx_run(f->ctx, &budget) >= 0);
}

static inline void test_on_timeout(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    struct test_fixture *f = arg;

    (void)s;
    test_trace_add(&f->trace, kind == CST_TIMEOUT_IDLE ? "idle" : "total");
}

/** Say `idle` in the trace after 100 ns of test_pass without activity; it is looked at each 25. */
static inline void test_limit_idleness(struct test_fixture *f, cst_stream *s)
{
    const cst_timeouts limits = { .idle_ns = 100, .fn = test_on_timeout, .arg = f };

    test_pass(f, 0);
    assert_int_equal(cst_set_timeouts(s, &limits), CST_OK);
}

/** That `idle` was not said, nor is before 100 ns after the next look, which takes note of what was
 * done last. */
static inline void test_assert_idle_in_time(struct test_fixture *f, const char *before,
                                            const char *after)
{
    for (unsigned i = 0; i < 5; i++) {
        assert_string_equal(f->trace.text, before);
        test_pass(f, 25);
        test_turn(f, 1);
    }
    assert_string_equal(f->trace.text, after);
}

/** Take all that is there, without waiting, and compare each byte with test_byte. Return how many
 * were taken. */
static inline size_t test_take_all(struct test_fixture *f, int fd)
{
    static uint8_t bytes[65536];
    size_t before = f->gathered;
    ssize_t n;

    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++, f->gathered++)
            if (bytes[i] != test_byte(f->gathered))
                fail_msg("byte %zu is not what was written", f->gathered);
    assert_true(n == 0 || errno == EAGAIN);
    return f->gathered - before;
}

/** The options of a test's loop: TEST_BACKEND in the environment names its backend. */
static inline const cst_loop_opts *test_loop_opts(void)
{
    static cst_loop_opts opts;

    opts.backend = getenv("TEST_BACKEND");
    return &opts;
}

static inline int test_begin(struct test_fixture *f)
{
    const char *tmp = getenv("TMPDIR");

    memset(f, 0, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "%s/cst-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->dir))
        return -1;
    f->descriptors = test_count_descriptors();
    test_heap_init(&f->heap);
    if (cst_loop_new(&f->loop, test_heap_allocator(&f->heap), test_loop_opts()) < 0)
        return -1;
    f->ctx = cst_loop_ctx(f->loop);
    return 0;
}

static inline void test_remove_dir(const struct test_fixture *f)
{
    char command[96];

    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
}

static inline void test_finish(struct test_fixture *f)
{
    assert_int_equal(cst_loop_free(f->loop), CST_OK);
    assert_int_equal(f->heap.live_blocks, 0);
    assert_int_equal(test_count_descriptors(), f->descriptors);
    test_remove_dir(f);
}

static inline int test_setup(void **state)
{
    static struct test_fixture f;

    *state = &f;
    return test_begin(&f);
}

static inline int test_teardown(void **state)
{
    test_finish(*state);
    return 0;
}

/**
 * Run a scenario with its k-th allocation failing, for each k, until none fails. The scenario
 * returns whether all went well; a block or a descriptor that is left fails the test.
 */
static inline void test_any_allocation_may_fail(bool (*scenario)(struct test_fixture *f))
{
    size_t k = 0;
    bool well;
    size_t failures;

    do {
        struct test_fixture f;

        assert_int_equal(test_begin(&f), 0);
        test_heap_fail_at(&f.heap, ++k);
        well = scenario(&f);
        failures = f.heap.failures;
        test_heap_fail_never(&f.heap);
        assert_true(well || failures);
        test_finish(&f);
    } while (failures);
    assert_true(k > 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

#endif

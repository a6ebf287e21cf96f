/*
 * test_conduit.c - fd.h, "Kernel transfer": from a socket into a socket. The pipe between them is
 * used by what is worth it, grows with the flow, and is small again for a reader that is slow. A
 * splice and an fcntl of this program take the place of the system's, and see what is asked for.
 */
#include <stdarg.h>
#include <sys/syscall.h>

#include "fixture.h"

/*
 * splices   how many calls there were
 * step      what the last call with a socket as its source was asked to move at most
 * sizes     of pipes that were asked for, in order
 * enlarged  the pipes that were
 */
static struct {
    unsigned splices;
    size_t step;
    unsigned size_count;
    int sizes[64];
    bool enlarged[256];
    bool refuses;
} seen;

static bool is_socket(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode);
}

ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t len, unsigned flags)
{
    seen.splices++;
    if (is_socket(from))
        seen.step = len;
    return syscall(SYS_splice, from, from_at, to, to_at, len, flags);
}

static int answer_fcntl(int fd, int what, long value)
{
    if (what == F_SETPIPE_SZ) {
        if (seen.size_count < sizeof seen.sizes / sizeof *seen.sizes)
            seen.sizes[seen.size_count] = (int)value;
        seen.size_count++;
        if (seen.refuses) {
            errno = EPERM;
            return -1;
        }
        seen.enlarged[fd] = true;
    }
    return (int)syscall(SYS_fcntl, fd, what, value);
}

int fcntl(int fd, int what, ...)
{
    va_list rest;
    long value;

    va_start(rest, what);
    value = va_arg(rest, long);
    va_end(rest);
    return answer_fcntl(fd, what, value);
}

#if defined(__GLIBC__)
int fcntl64(int fd, int what, ...)
{
    va_list rest;
    long value;

    va_start(rest, what);
    value = va_arg(rest, long);
    va_end(rest);
    return answer_fcntl(fd, what, value);
}
#endif

static int setup(void **state)
{
    memset(&seen, 0, sizeof seen);
    return test_setup(state);
}

#define K(name) cmocka_unit_test_setup_teardown(name, setup, test_teardown)

/* What is written into `in` comes out of `out`; both are read and written by hand. */
struct relay {
    struct test_fixture *f;
    cst_stream *source, *dest;
    int in, out;
    size_t written, taken;
};

static void make_relay(struct relay *r, struct test_fixture *f)
{
    int a, b;

    *r = (struct relay){ .f = f };
    test_socketpair(&r->in, &a, SOCK_STREAM);
    test_socketpair(&b, &r->out, SOCK_STREAM);
    assert_int_equal(cst_fd_duplex_new(&r->source, f->loop, a, NULL), CST_OK);
    assert_int_equal(cst_fd_duplex_new(&r->dest, f->loop, b, NULL), CST_OK);
    assert_int_equal(cst_pipe(r->source, r->dest, NULL), CST_OK);
    test_turn(f, 1);
}

static void free_relay(struct relay *r)
{
    close(r->in);
    close(r->out);
    cst_destroy(r->source, CST_OK);
    cst_destroy(r->dest, CST_OK);
    cst_unref(r->source);
    cst_unref(r->dest);
    test_turn(r->f, 3);
}

/* Write at most n bytes, as many as there is room for. */
static void feed(struct relay *r, size_t n)
{
    uint8_t bytes[4096];

    while (n > 0) {
        size_t len = n < sizeof bytes ? n : sizeof bytes;
        ssize_t put;

        for (size_t i = 0; i < len; i++)
            bytes[i] = test_byte(r->written + i);
        put = send(r->in, bytes, len, MSG_DONTWAIT);
        if (put < 0)
            break;
        r->written += (size_t)put;
        n -= (size_t)put;
    }
}

/* Take what is there, n bytes at most, and compare. */
static void take(struct relay *r, size_t n)
{
    uint8_t bytes[4096];
    ssize_t got;

    while (n > 0 &&
           (got = recv(r->out, bytes, n < sizeof bytes ? n : sizeof bytes, MSG_DONTWAIT)) > 0) {
        for (ssize_t i = 0; i < got; i++, r->taken++)
            if (bytes[i] != test_byte(r->taken))
                fail_msg("byte %zu is not what was written", r->taken);
        n -= (size_t)got;
    }
}

static void pass(struct relay *r, size_t n)
{
    size_t end = r->written + n;

    for (unsigned i = 0; i < 10000 && r->taken < end; i++) {
        feed(r, end - r->written);
        test_turn(r->f, 1);
        take(r, SIZE_MAX);
    }
    assert_int_equal(r->taken, end);
}

/* --- what is worth it ------------------------------------------------------------------------- */

/* The first bytes show what the socket is like. */
static void short_messages_are_copied_and_long_ones_are_moved(void **state)
{
    struct test_fixture *f = *state;
    struct relay r;

    make_relay(&r, f);
    pass(&r, 1000);
    assert_true(seen.splices > 0);
    seen.splices = 0;
    for (unsigned i = 0; i < 20; i++)
        pass(&r, 1000);
    assert_int_equal(seen.splices, 0);
    pass(&r, 1 << 20);
    assert_true(seen.splices > 0);
    free_relay(&r);
}

/* --- how large -------------------------------------------------------------------------------- */

static void pipe_between_grows_with_the_flow_up_to_a_megabyte(void **state)
{
    struct test_fixture *f = *state;
    struct relay r;

    make_relay(&r, f);
    pass(&r, 8 << 20);
    assert_true(seen.size_count >= 1 && seen.size_count <= 4);
    for (unsigned i = 0; i < seen.size_count; i++)
        assert_int_equal(seen.sizes[i], 65536 << (i + 1));
    assert_true(seen.step > 65536 && seen.step <= 1 << 20);
    free_relay(&r);
}

static void pipe_that_may_not_grow_is_asked_once_and_used_as_it_is(void **state)
{
    struct test_fixture *f = *state;
    struct relay r;

    seen.refuses = true;
    make_relay(&r, f);
    pass(&r, 8 << 20);
    assert_int_equal(seen.size_count, 1);
    assert_int_equal(seen.step, 65536);
    free_relay(&r);
}

/* The reader takes less than a step at a time. When its socket has room again, one step may fit. */
static void slow_reader_makes_the_steps_small_again(void **state)
{
    struct test_fixture *f = *state;
    struct relay r;

    make_relay(&r, f);
    pass(&r, 8 << 20);
    assert_true(seen.step > 65536);
    for (unsigned i = 0; i < 2000; i++) {
        feed(&r, SIZE_MAX >> 1);
        test_turn(f, 1);
        take(&r, 4096);
    }
    assert_true(seen.step <= 2 * 65536);
    assert_true(cst_writable_length(r.dest) <= 2 * 65536);
    pass(&r, 0);
    free_relay(&r);
}

/* --- how many --------------------------------------------------------------------------------- */

enum { RELAYS = 20, MOST_GROWN = 16 };

static unsigned count_enlarged(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < sizeof seen.enlarged; i++)
        count += seen.enlarged[i];
    return count;
}

/* Readers that were fast and then stop keep a pipe each; not all of them are large. */
static void only_some_pipes_of_a_loop_are_large(void **state)
{
    struct test_fixture *f = *state;
    struct relay relays[RELAYS];

    for (unsigned i = 0; i < RELAYS; i++) {
        make_relay(&relays[i], f);
        pass(&relays[i], 2 << 20);
        for (unsigned k = 0; k < 10; k++) {
            feed(&relays[i], SIZE_MAX >> 1);
            test_turn(f, 1);
        }
        assert_true(cst_writable_length(relays[i].dest) > 0);
    }
    assert_int_equal(count_enlarged(), MOST_GROWN);
    for (unsigned i = 0; i < RELAYS; i++)
        pass(&relays[i], 0);
    for (unsigned i = 0; i < RELAYS; i++)
        free_relay(&relays[i]);
    memset(seen.enlarged, 0, sizeof seen.enlarged);
    make_relay(&relays[0], f); /* those that were closed do not count any more */
    pass(&relays[0], 2 << 20);
    free_relay(&relays[0]);
}

static const struct CMUnitTest tests[] = {
    K(short_messages_are_copied_and_long_ones_are_moved),
    K(pipe_between_grows_with_the_flow_up_to_a_megabyte),
    K(pipe_that_may_not_grow_is_asked_once_and_used_as_it_is),
    K(slow_reader_makes_the_steps_small_again),
    K(only_some_pipes_of_a_loop_are_large),
};

TEST_MAIN(tests)

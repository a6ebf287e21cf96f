/*
 * test_watch.c - loop.h: watches, as every backend has to serve them: several of one descriptor,
 * numbers that are used again, what is always ready, more than one turn takes.
 */
#include "fixture.h"

static bool is_poll(const struct test_fixture *f)
{
    return strcmp(cst_loop_backend(f->loop), "poll") == 0;
}

static void note_came(cst_watch *watch, unsigned came, void *arg)
{
    struct test_name *n = arg;

    (void)watch;
    test_trace_add(&n->fixture->trace, "%s:%s%s", n->name, came & CST_WATCH_READ ? "r" : "",
                   came & CST_WATCH_WRITE ? "w" : "");
}

static void watch_for(struct test_fixture *f, cst_watch *watch, int fd, const char *name,
                      unsigned events)
{
    *watch = (cst_watch){ .fd = 0 };
    assert_int_equal(cst_watch_add(watch, f->loop, fd, note_came, test_name(f, name)), CST_OK);
    assert_int_equal(cst_watch_want(watch, events), CST_OK);
}

/* --- several of one descriptor ---------------------------------------------------------------- */

static void each_watch_of_a_descriptor_gets_what_it_waits_for(void **state)
{
    struct test_fixture *f = *state;
    cst_watch reads, writes, both;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    watch_for(f, &reads, here, "reads", CST_WATCH_READ);
    watch_for(f, &writes, here, "writes", CST_WATCH_WRITE);
    watch_for(f, &both, here, "both", CST_WATCH_READ | CST_WATCH_WRITE);
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "both:w writes:w");
    test_write(there, "a");
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "both:w writes:w both:r reads:r");
    cst_watch_remove(&both);
    cst_watch_want(&reads, CST_WATCH_READ);
    cst_watch_want(&writes, CST_WATCH_WRITE);
    cst_watch_remove(&writes); /* the others stay */
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "both:w writes:w both:r reads:r reads:r");
    cst_watch_remove(&reads);
    close(here);
    close(there);
}

static void add_another(cst_watch *watch, unsigned came, void *arg)
{
    static cst_watch another;
    struct test_name *n = arg;

    note_came(watch, came, arg);
    watch_for(n->fixture, &another, watch->fd, "another", CST_WATCH_READ);
    cst_watch_want(watch, CST_WATCH_READ);
}

/* Neither the one that is added meanwhile nor the one that waits again is called for this. */
static void event_is_for_those_who_waited_when_it_came(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    int in, out;

    test_pipe(&in, &out);
    test_write(out, "a");
    cst_watch_add(&watch, f->loop, in, add_another, test_name(f, "w"));
    cst_watch_want(&watch, CST_WATCH_READ);
    assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_MORE);
    assert_string_equal(f->trace.text, "w:r");
    cst_watch_remove(&watch);
    test_run(f);
    assert_string_equal(f->trace.text, "w:r another:r");
    close(in); /* its watch is the static one, which would not be closed first otherwise */
    close(out);
}

struct three {
    cst_watch watches[3];
    unsigned called[3];
};

/* The latest is called first: it removes the next one, whose storage is used for something else. */
static void remove_the_next(cst_watch *watch, unsigned came, void *arg)
{
    struct three *three = arg;

    (void)came;
    three->called[watch - three->watches]++;
    if (watch != &three->watches[2])
        return;
    cst_watch_remove(&three->watches[1]);
    memset(&three->watches[1], 0, sizeof three->watches[1]);
}

static void watch_behind_one_that_is_removed_is_called(void **state)
{
    struct test_fixture *f = *state;
    struct three three = { .called = { 0 } };
    int in, out;

    test_pipe(&in, &out);
    test_write(out, "a");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(cst_watch_add(&three.watches[i], f->loop, in, remove_the_next, &three),
                         CST_OK);
        cst_watch_want(&three.watches[i], CST_WATCH_READ);
    }
    assert_int_equal(cst_loop_run_once(f->loop, CST_LOOP_FOREVER), CST_IDLE);
    assert_int_equal(three.called[2], 1);
    assert_int_equal(three.called[1], 0);
    assert_int_equal(three.called[0], 1);
    cst_watch_remove(&three.watches[0]);
    cst_watch_remove(&three.watches[2]);
    close(in);
    close(out);
}

/* --- numbers that are used again -------------------------------------------------------------- */

struct swap {
    struct test_fixture *f;
    cst_watch watches[2], after;
    int fds[2];
    unsigned called;
};

/* Whoever is called first puts an idle descriptor in the other's place. */
static void put_another_in_its_place(cst_watch *watch, unsigned came, void *arg)
{
    struct swap *swap = arg;
    cst_watch *other = &swap->watches[watch == &swap->watches[0]];
    int here, there, fd = other->fd;

    (void)came;
    assert_int_equal(++swap->called, 1);
    cst_watch_remove(other);
    test_socketpair(&here, &there, SOCK_STREAM);
    assert_int_equal(dup2(here, fd), fd);
    close(here);
    swap->fds[other != swap->watches] = fd;
    watch_for(swap->f, &swap->after, fd, "after", CST_WATCH_READ);
    test_trace_add(&swap->f->trace, "swapped");
    assert_int_equal(fcntl(there, F_DUPFD_CLOEXEC, 300), 300); /* the peer stays open */
    close(there);
}

static void event_of_a_descriptor_is_not_anothers_that_got_its_number(void **state)
{
    struct test_fixture *f = *state;
    struct swap swap = { .f = f };
    int out[2];

    for (int i = 0; i < 2; i++) {
        test_pipe(&swap.fds[i], &out[i]);
        test_write(out[i], "a");
        cst_watch_add(&swap.watches[i], f->loop, swap.fds[i], put_another_in_its_place, &swap);
        cst_watch_want(&swap.watches[i], CST_WATCH_READ);
    }
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "swapped");
    test_write(300, "a");
    test_turn(f, 1);
    assert_string_equal(f->trace.text, "swapped after:r");
    cst_watch_remove(&swap.after);
    cst_watch_remove(&swap.watches[0]);
    cst_watch_remove(&swap.watches[1]);
    for (int i = 0; i < 2; i++) {
        close(swap.fds[i]);
        close(out[i]);
    }
    close(300);
}

/* epoll keeps a descriptor that is closed as long as a duplicate of it is open. */
static void removed_watch_is_silent_though_a_duplicate_stays_open(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch;
    int in, out, duplicate;

    test_pipe(&in, &out);
    duplicate = dup(in);
    watch_for(f, &watch, in, "w", CST_WATCH_READ);
    cst_loop_hold(f->loop);
    test_turn(f, 1);
    cst_watch_remove(&watch);
    close(in);
    test_write(out, "a");
    assert_int_equal(cst_loop_run_once(f->loop, 2000000), CST_MORE);
    if (!is_poll(f))
        assert_int_equal(
            poll(&(struct pollfd){ .fd = cst_loop_fd(f->loop), .events = POLLIN }, 1, 0), 0);
    assert_string_equal(f->trace.text, "");
    cst_loop_release(f->loop);
    close(duplicate);
    close(out);
}

/* --- waiting for nothing, and again ----------------------------------------------------------- */

static void what_came_while_nobody_waited_is_told_when_somebody_does(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    watch_for(f, &watch, here, "w", CST_WATCH_READ | CST_WATCH_WRITE);
    cst_watch_want_nothing(&watch);
    test_write(there, "a");
    cst_loop_hold(f->loop);
    test_turn(f, 3);
    cst_watch_want(&watch, CST_WATCH_READ);
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "w:r");
    close(there);
    test_turn(f, 3); /* nor is a hang-up told while nobody waits */
    assert_string_equal(f->trace.text, "w:r");
    for (int i = 0; i < 2; i++) { /* it stays */
        cst_watch_want(&watch, CST_WATCH_WRITE);
        test_turn(f, 1);
        cst_watch_want(&watch, CST_WATCH_READ);
        test_turn(f, 1);
    }
    assert_string_equal(f->trace.text, "w:r w:w w:r w:w w:r");
    cst_loop_release(f->loop);
    cst_watch_remove(&watch);
    close(here);
}

/* --- always ready ----------------------------------------------------------------------------- */

static void again_and_remove(cst_watch *watch, unsigned came, void *arg)
{
    struct test_name *n = arg;

    note_came(watch, came, arg);
    if (n->fixture->trace.len < 24)
        cst_watch_want(watch, came);
    else
        cst_watch_remove(watch);
}

static void file_is_always_ready(void **state)
{
    struct test_fixture *f = *state;
    int file = open(test_file(f, "file", ""), O_RDWR | O_CLOEXEC);
    cst_watch one, two;

    assert_true(file >= 0);
    watch_for(f, &one, file, "one", CST_WATCH_READ);
    watch_for(f, &two, file, "two", CST_WATCH_WRITE);
    cst_watch_want_nothing(&two);
    assert_int_equal(cst_loop_timeout_ns(f->loop) == 0, !is_poll(f));
    test_run(f);
    assert_string_equal(f->trace.text, "one:r");
    cst_watch_remove(&one);
    cst_watch_want(&two, CST_WATCH_READ | CST_WATCH_WRITE);
    test_run(f);
    assert_string_equal(f->trace.text, "one:r two:rw");
    cst_watch_remove(&two);
    assert_int_equal(cst_watch_add(&one, f->loop, file, again_and_remove, test_name(f, "again")),
                     CST_OK);
    cst_watch_want(&one, CST_WATCH_WRITE);
    test_run(f);
    assert_string_equal(f->trace.text, "one:r two:rw again:w again:w");
    close(file);
}

static void swap_file_for_pipe(cst_watch *watch, unsigned came, void *arg)
{
    struct swap *swap = arg;
    int fd = watch->fd;

    (void)came;
    cst_watch_remove(watch);
    assert_int_equal(dup2(swap->fds[0], fd), fd);
    watch_for(swap->f, &swap->after, fd, "after", CST_WATCH_READ);
}

static void number_of_a_file_may_be_used_again_for_a_pipe(void **state)
{
    struct test_fixture *f = *state;
    struct swap swap = { .f = f };
    int file = open(test_file(f, "file", ""), O_RDWR | O_CLOEXEC), out;

    test_pipe(&swap.fds[0], &out);
    cst_loop_hold(f->loop);
    cst_watch_add(&swap.watches[0], f->loop, file, swap_file_for_pipe, &swap);
    cst_watch_want(&swap.watches[0], CST_WATCH_READ);
    test_turn(f, 2);
    assert_int_equal(cst_loop_run_once(f->loop, 1000000), CST_MORE);
    assert_string_equal(f->trace.text, "");
    test_write(out, "a");
    test_turn(f, 1);
    assert_string_equal(f->trace.text, "after:r");
    cst_watch_remove(&swap.after);
    cst_watch_add(&swap.after, f->loop, file, swap_file_for_pipe, &swap); /* not called */
    cst_watch_want(&swap.after, CST_WATCH_WRITE);
    cst_watch_remove(&swap.after);
    cst_loop_release(f->loop);
    test_run(f);
    close(swap.fds[0]);
    close(file);
    close(out);
}

/* --- what the system refuses ------------------------------------------------------------------ */

static void descriptor_that_is_not_open_is_refused_or_ready(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch = { .fd = 0 };
    cst_status st;

    assert_false(test_is_open(200));
    st = cst_watch_add(&watch, f->loop, 200, note_came, test_name(f, "w"));
    if (!is_poll(f)) {
        assert_int_equal(st, CST_OS(EBADF));
        assert_null(watch.loop);
        return;
    }
    assert_int_equal(st, CST_OK); /* poll says so when it waits */
    cst_watch_want(&watch, CST_WATCH_READ);
    test_run(f);
    assert_string_equal(f->trace.text, "w:r");
    cst_watch_remove(&watch);
}

/* The caller's mistake: the next read or write tells it. */
static void descriptor_that_was_closed_first_counts_as_ready(void **state)
{
    struct test_fixture *f = *state;
    cst_watch watch;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    watch_for(f, &watch, here, "w", CST_WATCH_READ);
    cst_loop_hold(f->loop);
    test_turn(f, 1);
    close(here);
    cst_watch_want(&watch, CST_WATCH_WRITE);
    test_turn(f, 1);
    assert_string_equal(f->trace.text, "w:rw");
    cst_watch_remove(&watch);
    cst_loop_release(f->loop);
    close(there);
}

static void stream_of_a_descriptor_that_cannot_be_watched_is_not_made(void **state)
{
    struct test_fixture *f = *state;
    int in, out, above;
    cst_stream *s = NULL;

    test_pipe(&in, &out);
    above = fcntl(in, F_DUPFD_CLOEXEC, 250);
    test_heap_fail_from(&f->heap, 1); /* for its place */
    assert_int_equal(cst_fd_source_new(&s, f->loop, above, NULL), CST_E_NOMEM);
    test_heap_fail_never(&f->heap);
    assert_null(s);
    assert_false(test_is_open(above));
    close(in);
    close(out);
}

/* --- many ------------------------------------------------------------------------------------- */

enum { MANY = 300, ROUNDS = 20 };

struct many {
    cst_watch watches[MANY];
    unsigned called[MANY];
};

static void count_and_wait(cst_watch *watch, unsigned came, void *arg)
{
    struct many *many = arg;

    (void)came;
    many->called[watch - many->watches]++;
    cst_watch_want(watch, CST_WATCH_READ);
}

/* More are ready than one turn serves: each is served in turn. */
static void nobody_starves_among_many_that_are_always_ready(void **state)
{
    struct test_fixture *f = *state;
    static struct many many;
    unsigned total = 0;
    int in, out;

    many = (struct many){ .called = { 0 } };
    test_pipe(&in, &out);
    test_write(out, "a");
    for (size_t i = 0; i < MANY; i++) {
        int fd = fcntl(in, F_DUPFD_CLOEXEC, 256);

        assert_true(fd >= 256);
        assert_int_equal(cst_watch_add(&many.watches[i], f->loop, fd, count_and_wait, &many),
                         CST_OK);
        cst_watch_want(&many.watches[i], CST_WATCH_READ);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned before = total;

        test_turn(f, 1);
        total = 0;
        for (size_t k = 0; k < MANY; k++)
            total += many.called[k];
        assert_int_equal(total - before, 256);
    }
    for (size_t i = 0; i < MANY; i++) {
        int fd = many.watches[i].fd;

        assert_in_range(many.called[i], ROUNDS * 256 / MANY - 1, ROUNDS * 256 / MANY + 1);
        cst_watch_remove(&many.watches[i]);
        close(fd);
    }
    close(in);
    close(out);
}

static const struct CMUnitTest tests[] = {
    T(each_watch_of_a_descriptor_gets_what_it_waits_for),
    T(event_is_for_those_who_waited_when_it_came),
    T(watch_behind_one_that_is_removed_is_called),
    T(event_of_a_descriptor_is_not_anothers_that_got_its_number),
    T(removed_watch_is_silent_though_a_duplicate_stays_open),
    T(what_came_while_nobody_waited_is_told_when_somebody_does),
    T(file_is_always_ready),
    T(number_of_a_file_may_be_used_again_for_a_pipe),
    T(descriptor_that_is_not_open_is_refused_or_ready),
    T(descriptor_that_was_closed_first_counts_as_ready),
    T(stream_of_a_descriptor_that_cannot_be_watched_is_not_made),
    T(nobody_starves_among_many_that_are_always_ready),
};

TEST_MAIN(tests)

/*
 * turn.h - a host that is turned by hand, and streams that answer now, by the next task, in the next turn, or never.
 *
 * What is a timer in Node is a turn here: everything has come to rest, then something that was waited for happens.
 *
 *     static void name(void **state)
 *     {
 *         struct test_host *host = *state;
 *         cst_stream *r = test_feed_new(host, &(struct test_feed){ .chunks = 3, .len = 5 }, NULL);
 *         cst_stream *w = test_taker_new(host, &(struct test_taker){ .when = TEST_NEXT_TURN }, NULL);
 *
 *         cst_pipe(r, w, NULL);
 *         test_host_settle(host);
 *         assert_int_equal(test_taker(w)->bytes, 15);
 *     }
 *
 * The streams are freed with the context; the state of one that has closed stays readable, since the test holds its
 * reference.
 */
#ifndef TEST_TURN_H
#define TEST_TURN_H

#include "heap.h"
#include "trace.h"

/** How many calls may wait for the next turn. */
#define TEST_PARKED 8

struct test_host {
    struct test_heap heap;
    struct test_trace trace;
    cst_ctx *ctx;
    cst_call parked[TEST_PARKED];
    size_t parked_count;
};

/* Fixtures for cmocka_unit_test_setup_teardown: *state is a host with a context; a block that is left behind fails. */
int test_host_setup(void **state);
int test_host_teardown(void **state);

/** Runs what is due; the context comes to rest, and no error is unhandled. */
void test_host_run(struct test_host *host);

/** One turn: completes what was parked before it, and runs. */
void test_host_turn(struct test_host *host);

/** Runs, and turns until nothing is parked. */
void test_host_settle(struct test_host *host);

/** The trace is this text; then it is forgotten. */
void test_host_expect(struct test_host *host, const char *text);

/** Completes the call that is running on s in the next turn. */
void test_host_park(struct test_host *host, cst_stream *s);

/** Adds one to *arg, a size_t, for each event. */
cst_listener_fn test_count;

/** Records `done:ok`, or `done:` and the name of the error's code; arg is the host. */
cst_outcome_fn test_host_outcome;

/** A chunk of len zero bytes, at most 600,000. */
cst_slice test_zeroes(size_t len);

enum test_when { TEST_NOW, TEST_NEXT_TICK, TEST_NEXT_TURN, TEST_NEVER };

/*
 * A source. Each read gives one chunk of len zero bytes (0: as many as are asked for), chunks times in all (SIZE_MAX:
 * without end); then comes EOF, or nothing where open.
 *
 * when   TEST_NOW pushes in the slot, TEST_NEXT_TICK by a task, TEST_NEVER not at all: the test pushes
 * reads  counts
 */
struct test_feed {
    struct test_stage stage; /* for test_trace_listen */
    enum test_when when;
    size_t chunks;
    size_t len;
    bool open;
    size_t reads;
    size_t asked;
    cst_stream *stream;
    cst_task task;
};

cst_stream *test_feed_new(struct test_host *host, const struct test_feed *feed,
                          const cst_opts *opts);
struct test_feed *test_feed(cst_stream *s);

/*
 * A sink.
 *
 * when           it answers
 * act, arg       called in the write slot, once it is counted and before it answers
 * writes, bytes  count; first is the first byte of the latest chunk, call that of the latest write
 */
struct test_taker {
    struct test_stage stage;
    enum test_when when;
    void (*act)(cst_stream *s, void *arg);
    void *arg;
    size_t writes;
    size_t bytes;
    uint8_t first;
    struct test_host *host;
    cst_call call;
    cst_task task;
};

cst_stream *test_taker_new(struct test_host *host, const struct test_taker *taker,
                           const cst_opts *opts);
struct test_taker *test_taker(cst_stream *s);

/** A pass-through that test_trace_listen can listen to. */
cst_stream *test_pass_new(struct test_host *host, const cst_opts *opts);

#endif

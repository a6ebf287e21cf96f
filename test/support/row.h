/*
 * row.h - what a test of one of Node's behaviours needs: a context on a counting heap, a trace, a
 * host that has turns, and streams whose slots are functions of the test.
 *
 * Node's timers are turns here: a job of a later turn runs when the context has come to rest, the
 * earliest due first.
 *
 *     r = test_row_source(row, give_one_later, NULL);
 *     test_row_record(row, r, CST_DATA);
 *     test_row_run(row);                               every task and every turn
 *     test_row_expect(row, "data:a");
 */
#ifndef TEST_ROW_H
#define TEST_ROW_H

#include "heap.h"
#include "trace.h"

struct test_row;

typedef void test_job_fn(cst_stream *s, struct test_row *row);
typedef void test_read_fn(cst_stream *s, struct test_row *row, size_t size);
typedef cst_status test_write_fn(cst_stream *s, struct test_row *row, const cst_slice *chunk);

/** Something to do in a tick or in a later turn. Free while fn is NULL. */
struct test_job {
    cst_task task;
    struct test_row *row;
    test_job_fn *fn;
    cst_stream *s;
    unsigned due, number;
    bool tick;
};

/** arg is the test's own. */
struct test_row {
    struct test_heap heap;
    struct test_trace trace;
    cst_ctx *ctx;
    void *arg;
    unsigned now, jobs_made;
    struct test_job jobs[1024]; /* a source that goes on by itself may have hundreds */
};

/** The state of the streams below. calls: how often the slot read, write or transform was called.
 * The state of the streams below. calls: how often the slot read, write or transform was called. */
struct test_part {
    struct test_row *row;
    test_read_fn *read;
    test_write_fn *write;
    unsigned calls;
};

/** Fixtures: *state is a fresh row; a test that leaves a block or a job behind fails. */
int test_row_setup(void **state);
int test_row_teardown(void **state);

/** Does fn(s, row) in a task, or so many turns from now. */
void test_row_tick(struct test_row *row, test_job_fn *fn, cst_stream *s);
void test_row_after(struct test_row *row, unsigned turns, test_job_fn *fn, cst_stream *s);

/** Runs tasks until the context rests; runs turns as well until there are none. No 'error' may go
 * unheard. */
void test_row_rest(struct test_row *row);
void test_row_run(struct test_row *row);

/**
 * A source, a sink, a duplex, a transform. They live as long as the context. Without a function of
 * the test, read does nothing, write records `write:BYTES`, and transform pushes its chunk.
 */
cst_stream *test_row_source(struct test_row *row, test_read_fn *read, const cst_opts *opts);
cst_stream *test_row_sink(struct test_row *row, test_write_fn *write, const cst_opts *opts);
cst_stream *test_row_duplex(struct test_row *row, test_read_fn *read, test_write_fn *write,
                            const cst_opts *opts);
cst_stream *test_row_transform(struct test_row *row, test_write_fn *transform,
                               const cst_opts *opts);

/** How often the slot of such a stream was called. */
unsigned test_row_calls(const cst_stream *s);

/** Records an event as `data:BYTES`, `error:NAME` or its name; arg of the listener itself is the
 * row. */
cst_listener_fn test_row_on;
void test_row_record(struct test_row *row, cst_stream *s, cst_event_type type);

/** Counts calls in the unsigned that arg points to. */
cst_listener_fn test_row_count;

/** Reads and records `read:BYTES`, or the status: `EMPTY`, `EOF`. Says whether a chunk came. */
bool test_row_read(struct test_row *row, cst_stream *s, size_t size);
void test_row_read_all(struct test_row *row, cst_stream *s);

/** Listeners that read once, or until nothing comes, and record `readable` before; arg is the
 * row. */
cst_listener_fn test_row_on_readable_once, test_row_on_readable_all;

/** Asserts what was recorded, and forgets it. */
void test_row_expect(struct test_row *row, const char *text);

/** At most 255 bytes 'x'. */
cst_slice test_row_xs(size_t len);

#endif

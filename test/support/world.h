/*
 * world.h - what a test of streams needs: a context on a counting heap, a trace, turns of a host,
 * and streams whose slots are functions of the test, answer by a rule, or are answered by hand.
 *
 *     static void a_sink_gets_what_its_source_has(void **state)
 *     {
 *         struct test_world *world = *state;
 *         cst_stream *r = test_feed(world, &(struct test_stage){ .count = 3, .len = 5 }, NULL);
 *         cst_stream *w = test_taker(world, &(struct test_stage){ .when = TEST_NEXT_TURN }, NULL);
 *
 *         cst_pipe(r, w, NULL);
 *         test_settle(world);
 *         assert_int_equal(test_stage(w)->bytes, 15);
 *     }
 *
 * The streams are freed with the context. Until then the test holds their reference, so that the
 * state of one that has closed can be read.
 *
 * Words of the trace: `read`, `write:BYTES`, `writev:BYTES+BYTES`, `final`, `transform:BYTES`,
 * `flush`, `construct`, `destroy` or `destroy:ERROR` for slots; `data:BYTES`, `error:ERROR` or the
 * name alone for events; the callback's own word, followed by `:ERROR` if it failed, for callbacks
 * of writes. ERROR is what test_status_word returns. A stream that has a name says it before each
 * word: `r:end`.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "heap.h"
#include "main.h"
#include "trace.h"

struct test_world;

typedef void test_job_fn(cst_stream *s, struct test_world *world);
typedef void test_read_fn(cst_stream *s, struct test_world *world, size_t size);
typedef cst_status test_write_fn(cst_stream *s, struct test_world *world, const cst_slice *chunk);

/** What a test does from inside a slot or a callback: called after its word was recorded. */
typedef void test_act_fn(cst_stream *s, const char *word, void *arg);

/** Something to do in a tick or in a later turn. Free while fn is NULL. */
struct test_job {
    cst_task task;
    struct test_world *world;
    test_job_fn *fn;
    cst_stream *s;
    cst_call call; /* for a job that completes a call */
    unsigned due, number;
    bool tick;
};

/** Calls that have not been answered, oldest first. */
struct test_calls {
    cst_call list[8];
    size_t pending;
};

/** s and arg are for the test: the stream that it is about, and what its functions need. */
struct test_world {
    struct test_heap heap;
    struct test_trace trace;
    cst_ctx *ctx;
    cst_stream *s;
    void *arg;
    struct test_calls calls;
    unsigned now, jobs_made;
    struct test_job jobs[1024]; /* a source that goes on by itself may have hundreds */
};

/** Fixtures: *state begins with a world. A test that leaves a block or a job behind fails. */
int test_world_setup(void **state);
int test_world_teardown(void **state);

/** For a test whose fixture begins with a world: opts are those of its context, and may be NULL. */
void test_world_open(struct test_world *world, const cst_ctx_opts *opts);
void test_world_close(struct test_world *world);

/* --- turns -------------------------------------------------------------------------------------
 *
 * What is a timer in Node is a turn here: everything has come to rest, then something that was
 * waited for happens.
 */

/** Run tasks until the context rests. No 'error' may go unheard. */
void test_run(struct test_world *world);

/** One turn: do what was due in it, and run. */
void test_turn(struct test_world *world);

/** Run, and turn until nothing is due any more. */
void test_settle(struct test_world *world);

/** Do fn(s, world) in a task, or so many turns from now. */
void test_tick(struct test_world *world, test_job_fn *fn, cst_stream *s);
void test_after(struct test_world *world, unsigned turns, test_job_fn *fn, cst_stream *s);

/** Complete the call that is running on s in the next turn. */
void test_park(struct test_world *world, cst_stream *s);

/** Assert what was recorded, and forget it. */
void test_expect(struct test_world *world, const char *text);

/** The three in one: run, assert, forget. */
void test_run_and_expect(struct test_world *world, const char *text);

/* --- streams ---------------------------------------------------------------------------------- */

/** Makes a stream: cst_readable_new and its like. */
typedef cst_status test_new_fn(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                               const cst_opts *opts);

/** The slots that can be told what to answer. read cannot: it owes no answer. */
enum test_slot {
    TEST_CONSTRUCT,
    TEST_WRITE,
    TEST_FINAL,
    TEST_TRANSFORM,
    TEST_FLUSH,
    TEST_DESTROY,
    TEST_SLOTS
};

/** When a feed pushes or a taker answers. */
enum test_when { TEST_NOW, TEST_NEXT_TICK, TEST_NEXT_TURN, TEST_NEVER };

/**
 * The state of the streams below. Zeroes: every slot answers CST_OK at once, and nothing is read.
 *
 * name        said before each word; NULL: none
 *
 * Slots that say their word (test_stage_...) and are answered by hand:
 * chunks      what read pushes, one a call, up to NULL; then EOF, or the failure read_fails;
 *             NULL: read pushes nothing
 * give        read gives the chunk instead of pushing it
 * answers     what the slots return; those that are CST_OK return answer. CST_PENDING: the test
 *             answers by test_answer
 * act         what the test does after each word; a taker calls it with the word `write`
 *
 * Streams whose slots are functions of the test (test_source and its like): read, write.
 *
 * Streams that answer by a rule and say nothing (test_feed, test_taker):
 * when        now, by the next task, in the next turn, or not at all
 * count, len  count reads push len zero bytes (0: as many as are asked for) each; SIZE_MAX: without
 *             end. Then comes EOF, or nothing if open
 *
 * What came of it: how often the slot read was called, with which size at last; how often write or
 * transform, and the bytes of all chunks; the first byte of the latest. call is the latest that was
 * or is pending.
 */
struct test_stage {
    struct test_world *world;
    const char *name;
    const char *const *chunks;
    bool give;
    cst_status read_fails;
    cst_status answer, answers[TEST_SLOTS];
    test_act_fn *act;
    void *act_arg;
    test_read_fn *read;
    test_write_fn *write;
    enum test_when when;
    size_t count, len;
    bool open;
    unsigned reads, writes;
    size_t asked, bytes;
    uint8_t first;
    cst_call call;
    cst_stream *stream;
    cst_task task;
};

struct test_stage *test_stage(cst_stream *s);

/** How often the slots read, write and transform of such a stream were called. */
unsigned test_slot_calls(cst_stream *s);

/** Make world->s, whose self is a struct test_stage, and record all of its events but 'data' and
 * 'readable'. Return its stage. */
struct test_stage *test_drive(struct test_world *world, test_new_fn *create, const cst_ops *ops,
                              const cst_opts *opts);

/* Slots for a table of the test, whose self is a struct test_stage. transform hands the chunk on if
 * it answers at once, else the test does. */
cst_status test_stage_construct(cst_stream *s, void *self);
cst_status test_stage_read(cst_stream *s, void *self, size_t size);
cst_status test_stage_write(cst_stream *s, void *self, const cst_slice *chunk);
cst_status test_stage_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count);
cst_status test_stage_final(cst_stream *s, void *self);
cst_status test_stage_transform(cst_stream *s, void *self, const cst_slice *chunk);
cst_status test_stage_flush(cst_stream *s, void *self);
cst_status test_stage_destroy(cst_stream *s, void *self, const cst_error *error);

/** A slot that takes every chunk and says nothing; self is not looked at. */
cst_status test_swallow(cst_stream *s, void *self, const cst_slice *chunk);

/** A source without a read slot, and a sink; destroy says its word without an error. */
extern const cst_ops test_source_ops, test_sink_ops;

/** Answer the oldest pending call, or that of one stream. */
void test_answer(struct test_world *world, cst_status status);
void test_answer_of(cst_stream *s, cst_status status);

/** Streams whose slots are functions of the test. If there is none read does nothing, write records
 * `write:BYTES`, and transform pushes its chunk. */
cst_stream *test_source(struct test_world *world, test_read_fn *read, const cst_opts *opts);
cst_stream *test_sink(struct test_world *world, test_write_fn *write, const cst_opts *opts);
cst_stream *test_duplex(struct test_world *world, test_read_fn *read, test_write_fn *write,
                        const cst_opts *opts);
cst_stream *test_transform(struct test_world *world, test_write_fn *transform,
                           const cst_opts *opts);

/** Streams that answer by a rule, and a pass-through. */
cst_stream *test_feed(struct test_world *world, const struct test_stage *feed,
                      const cst_opts *opts);
cst_stream *test_taker(struct test_world *world, const struct test_stage *taker,
                       const cst_opts *opts);
cst_stream *test_pass(struct test_world *world, const cst_opts *opts);

/* --- listening and reading -------------------------------------------------------------------- */

/** Record an event. arg is the world; if it is NULL the stream is a stage, and may have a name. */
cst_listener_fn test_on_event;

/** Record one event of any stream, or how it ends: 'end', 'finish', 'error' and 'close'. */
void test_record(struct test_world *world, cst_stream *s, cst_event_type type);
void test_record_the_end(struct test_world *world, cst_stream *s);

/** Record one event of a stage, or all but 'data' and 'readable', which change how a stream
 * reads. */
void test_listen(cst_stream *s, cst_event_type type);
void test_listen_all(cst_stream *s);

/** Give a stage its name, and record all but 'data', 'readable' and 'prefinish'. */
void test_listen_as(struct test_world *world, cst_stream *s, const char *name);

/** Add one to *arg, a size_t, for each event; or do nothing. */
cst_listener_fn test_count, test_ignore;

/** A callback of a write to a stage; arg is its word. */
cst_done_fn test_on_done;

/** Record `done:ok`, or `done:ERROR`; arg is the world. */
cst_outcome_fn test_on_outcome;

/** Read and record `read:BYTES`, or the status: `EMPTY`, `EOF`. Return whether a chunk came. */
bool test_read(struct test_world *world, cst_stream *s, size_t size);
void test_read_all(struct test_world *world, cst_stream *s);

/** Listeners that record, and read once or until nothing comes; arg is the world. */
cst_listener_fn test_on_readable_once, test_on_readable_all;

/** Chunks of len zeroes, at most 600,000, or of len bytes 'x', at most 255. */
cst_slice test_zeroes(size_t len);
cst_slice test_xs(size_t len);

#endif

/*
 * stage_world.h - puts one stage through everything that may happen to it, and compares what comes
 * out with what the test says.
 *
 *     static void lines_are_messages(void **state)
 *     {
 *         const cst_slice in[] = { cst_slice_str("a\nb") };
 *         const cst_slice out[] = { cst_slice_str("a"), cst_slice_str("b") };
 *
 *         test_stage_all_ways(&(struct test_stage_case){ "lines", make_lines, NULL,
 *                                                        .in = in, .in_count = 1,
 *                                                        .out = out, .out_count = 2,
 *                                                        .messages_out = true });
 *     }
 *
 * The ways: every cut of an input of at most 9 bytes, and random cuts of a longer one; empty chunks
 * in between; highWaterMarks of 0, 1 and the default; a 'data' listener, a sink that answers at
 * once, by a task or in a later turn; a source that is piped in, and writes by hand. Then each
 * allocation fails, once or from there on; and the stage is destroyed, fails or is left to the end
 * of its context after each single task. A run asserts its outcome, its output, one call of each
 * callback, and that no block is left.
 */
#ifndef CST_TEST_STAGE_WORLD_H
#define CST_TEST_STAGE_WORLD_H

#include "heap.h"
#include "main.h"

#include <cstream/cstream.h>

/** What came out: bytes, or each message with its length in front. */
struct test_output {
    uint8_t *bytes;
    size_t len, room;
    size_t count; /* of chunks or messages */
    bool keeps_messages;
};

void test_output_add(struct test_output *output, const cst_slice *chunk);
void test_output_free(struct test_output *output);

/** Makes the stage. A sink has no output of its own: it adds to `to` what its callback tells. */
typedef cst_status test_make_fn(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                                const void *arg, struct test_output *to);

/**
 * What is tried.
 *
 * in        bytes, which are cut anyhow; or with messages_in: messages, which are not
 * out       the messages that come out; without messages_out: their bytes
 * outcome   the status of the stage; after a failure the output is `out` or the beginning of it
 * is_sink   the stage is the last of its pipeline
 * is_early  the stage may stop before its input ends: it is fed by a pipeline alone
 */
struct test_stage_case {
    const char *name;
    test_make_fn *make;
    const void *arg;
    const cst_slice *in;
    size_t in_count;
    const cst_slice *out;
    size_t out_count;
    cst_status outcome;
    bool messages_in, messages_out, is_sink, is_early;
};

void test_stage_all_ways(const struct test_stage_case *test);

/** How an input is fed in the large: returns the peak of the heap in bytes. */
size_t test_stage_run_cut(const struct test_stage_case *test, size_t cut, uint64_t seed);

/** Make the stage with each of the options that ask for messages on a side, and assert that those
 * of a side of bytes are refused. */
void test_stage_refuses_messages(test_make_fn *make, const void *arg, bool bytes_in,
                                 bool bytes_out);

/** The next number of a sequence. */
uint64_t test_random(uint64_t *seed);

/** Return how many messages are many: a million, or a few thousand if each takes long (with the
 * sanitizers; with TEST_FEW in the environment, as under valgrind). */
size_t test_stage_many(void);

#endif

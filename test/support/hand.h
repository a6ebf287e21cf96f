/*
 * hand.h - streams driven by hand: every slot records its call as a word of a trace, and answers as it is told, by the
 * status it returns or later.
 *
 * A test puts the slots that it needs into a table of its own, whose self is a struct test_hand:
 *
 *     static const cst_ops sink_ops = { .self_size = sizeof(struct test_hand), .write = test_hand_write };
 *
 * Words: `read`, `write:BYTES`, `writev:BYTES+BYTES`, `final`, `transform:BYTES`, `flush`, `construct`, `destroy` or
 * `destroy:ERROR` for slots; `data:BYTES`, `error:ERROR` or the name alone for events; the callback's own word, followed
 * by `:ERROR` where it failed, for done. ERROR is the name of a code without CST_ and E_.
 */
#ifndef TEST_HAND_H
#define TEST_HAND_H

#include "trace.h"

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

/** What a test does from inside: called after each word of a stream was recorded. */
typedef void test_act_fn(cst_stream *s, const char *word, void *arg);

/** Calls that have not been answered, oldest first. */
struct test_calls {
    cst_call list[8];
    size_t pending;
};

/**
 * The state of such a stream. Zeroes: every slot answers CST_OK at once and nothing is read.
 *
 * calls       where pending calls go; outside, since the stream may be gone before its test is over
 * chunks      what read pushes, one a call, up to NULL; then EOF, or the failure read_fails; NULL: read pushes nothing
 * give        read gives the chunk instead of pushing it
 * answers     what the slots return; CST_PENDING: the test answers by test_hand_answer
 */
struct test_hand {
    struct test_trace *trace;
    struct test_calls *calls;
    const char *const *chunks;
    bool give;
    cst_status read_fails;
    cst_status answers[TEST_SLOTS];
    test_act_fn *act;
    void *act_arg;
};

cst_status test_hand_construct(cst_stream *s, void *self);
cst_status test_hand_read(cst_stream *s, void *self, size_t size);
cst_status test_hand_write(cst_stream *s, void *self, const cst_slice *chunk);
cst_status test_hand_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count);
cst_status test_hand_final(cst_stream *s, void *self);
cst_status test_hand_destroy(cst_stream *s, void *self, const cst_error *error);

/** Hands the chunk on where it answers at once, else the test does. */
cst_status test_hand_transform(cst_stream *s, void *self, const cst_slice *chunk);
cst_status test_hand_flush(cst_stream *s, void *self);

/** A done callback; arg is its word. */
cst_done_fn test_hand_done;

/** The listener behind the next two; arg is not looked at. */
cst_listener_fn test_hand_on;

/** Records one event, or all but 'data' and 'readable', which change how a stream reads. */
void test_hand_listen(cst_stream *s, cst_event_type type);
void test_hand_listen_all(cst_stream *s);

/** Answers the oldest pending call. */
void test_hand_answer(struct test_calls *calls, cst_status status);

#endif

/*
 * trace.h - a recorder: what happened, as words in the order in which it happened, and streams that write into it.
 */
#ifndef TEST_TRACE_H
#define TEST_TRACE_H

#include <cstream/cstream.h>

struct test_trace {
    char text[4096];
    size_t len;
};

/** Adds one word; printf's format. A blank goes between words. */
void test_trace_add(struct test_trace *trace, const char *format, ...);

/** Forgets what was recorded. */
void test_trace_clear(struct test_trace *trace);

/** The state of the test's own stages. name is put before each of its words. */
struct test_stage {
    struct test_trace *trace;
    const char *name;
    cst_status answer; /* what the slots answer; CST_PENDING: test_stage_finish does */
    cst_call call;     /* of the write or final that is pending */
    bool pending;
};

/** A source without a read slot, and a sink that records `name:write:BYTES`, `name:final`, `name:destroy`. */
extern const cst_ops test_source_ops, test_sink_ops;

/** Listens to every event but 'data' and 'readable', recorded as `name:event`, and 'error' with its code's name. */
void test_trace_listen(struct test_trace *trace, cst_stream *s, const char *name);

/** Answers the pending slot of a sink. */
void test_stage_finish(cst_stream *s, cst_status status);

#endif

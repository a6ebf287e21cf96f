/*
 * trace.h - a recorder: what happened, as words in the order in which it happened.
 */
#ifndef TEST_TRACE_H
#define TEST_TRACE_H

#include <cstream/cstream.h>

struct test_trace {
    char text[4096];
    size_t len;
};

/** Add one word; printf's format. A blank goes between words. */
void test_trace_add(struct test_trace *trace, const char *format, ...);

/** Forget what was recorded. */
void test_trace_clear(struct test_trace *trace);

/** The name of a code without CST_ and E_: `OK`, `PREMATURE_CLOSE`, `USER`. */
const char *test_status_word(cst_status status);

/** The name of an event, as Node has it. */
const char *test_event_word(cst_event_type type);

#endif

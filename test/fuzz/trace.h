/*
 * trace.h - what an input does, in words. Two builds of the library that behave alike have equal
 * traces. A target that drives streams reports every callback and what every call returned.
 * replay.c asks for the trace, a fuzzer does not.
 */
#ifndef FUZZ_TRACE_H
#define FUZZ_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cstream/slice.h>

/** What is kept of a trace. */
enum fuzz_trace_how { FUZZ_TRACE_OFF, FUZZ_TRACE_HASH, FUZZ_TRACE_SHOW };

/** Begin the trace of the next input: keep nothing, keep its hash, or print its text as well. */
void fuzz_trace_begin(enum fuzz_trace_how how);

/** Return the hash of the trace since fuzz_trace_begin. */
uint64_t fuzz_trace_hash(void);

/** Add text of at most 200 characters, formatted as by printf. */
void fuzz_say(const char *format, ...);

/** Add the length of a chunk and a sum of its bytes. */
void fuzz_say_chunk(const cst_slice *chunk);

/** Add text of any length. */
void fuzz_say_text(const char *text, size_t len);

#endif

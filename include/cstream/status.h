/*
 * status.h - what a call answers, and what an error says.
 *
 * A status is an int. Negative is failure, zero is done, positive is good news with a hint: `if (st < 0)` is always
 * the right test for failure. What has a code in Node has the same one here, without `ERR_` and `STREAM_`
 * (ERR_STREAM_WRITE_AFTER_END is CST_E_WRITE_AFTER_END).
 *
 * Two ranges are not in the table, so that codes which are not the library's travel through it unchanged:
 *
 *   CST_USER(n)   the program's own error n, 0 to 65535
 *   CST_OS(n)     the host's errno n, 0 to 65535; cst_status_os gives it back
 */
#ifndef CSTREAM_STATUS_H
#define CSTREAM_STATUS_H

#include "version.h"

typedef int cst_status;

/** Every code of the library: X(name, value, text). The values are part of the ABI and never change. */
#define CST_STATUS_TABLE(X)                                                                                            \
    X(CST_OK, 0, "done")                                                                                               \
    X(CST_FULL, 1, "accepted, but hold further chunks until there is room")                                            \
    X(CST_EMPTY, 2, "nothing there now")                                                                               \
    X(CST_EOF, 3, "nothing there, and nothing will come")                                                              \
    X(CST_PENDING, 4, "the answer comes later")                                                                        \
    X(CST_SWALLOW, 5, "the destroy slot keeps the error to itself")                                                    \
    X(CST_GIVEN, 6, "answered with a chunk")                                                                           \
    X(CST_IDLE, 7, "nothing can run now")                                                                              \
    X(CST_MORE, 8, "more is left to run")                                                                              \
    X(CST_E_INVALID_ARG, -1, "invalid argument")                                                                       \
    X(CST_E_NOMEM, -2, "out of memory")                                                                                \
    X(CST_E_OUT_OF_RANGE, -3, "a size, an index or a value is out of range")                                           \
    X(CST_E_NESTED, -4, "not allowed inside a callback or a slot")                                                     \
    X(CST_E_UNHANDLED, -5, "an 'error' event had no listener")                                                         \
    X(CST_E_UNSUPPORTED, -6, "this build or this platform cannot do it")                                               \
    X(CST_E_WRITE_AFTER_END, -7, "write after end")                                                                    \
    X(CST_E_DESTROYED, -8, "the stream was destroyed, or its context is being freed")                                  \
    X(CST_E_PREMATURE_CLOSE, -9, "premature close")                                                                    \
    X(CST_E_PUSH_AFTER_EOF, -10, "push after EOF")                                                                     \
    X(CST_E_UNSHIFT_AFTER_END_EVENT, -11, "unshift after the 'end' event")                                             \
    X(CST_E_ALREADY_FINISHED, -12, "end after the stream has finished")                                                \
    X(CST_E_UNABLE_TO_PIPE, -13, "cannot pipe to a closed or destroyed stream")                                        \
    X(CST_E_MULTIPLE_CALLBACK, -14, "a slot answered more than once")                                                  \
    X(CST_E_ABORT, -15, "the operation was aborted")                                                                   \
    X(CST_E_BUFFER_OUT_OF_BOUNDS, -16, "the bytes are fewer than the value takes")                                     \
    X(CST_E_INVALID_BUFFER_SIZE, -17, "the bytes are no whole number of units")                                        \
    X(CST_E_INVALID_CHAR_FOUND, -18, "a character that cannot be converted")                                           \
    X(CST_E_TIMEOUT, -19, "a limit on time was reached")

#define CST_STATUS_ENUM_ENTRY(name, value, text) name = value,
enum cst_status_code { CST_STATUS_TABLE(CST_STATUS_ENUM_ENTRY) CST_STATUS_LAST_ = CST_E_TIMEOUT };
#undef CST_STATUS_ENUM_ENTRY

#define CST_USER(n) (-0x10000 - (n))
#define CST_OS(n) (-0x20000 - (n))

/** The name of a code ("CST_E_NOMEM"), "CST_USER" or "CST_OS" for those ranges, "CST_UNKNOWN" otherwise. Static. */
CST_API const char *cst_status_name(cst_status status);

/** One clause for people, without a full stop; never NULL. Static. */
CST_API const char *cst_status_text(cst_status status);

/** The errno that a CST_OS status carries; 0 for every other status. */
CST_API int cst_status_os(cst_status status);

/** Which side of a stream an error arose on. */
typedef enum cst_direction { CST_NO_DIRECTION = 0, CST_READING = 1, CST_WRITING = 2 } cst_direction;

/**
 * An error, as 'error' listeners and cst_errored see it. A small value: it is copied and never allocated.
 *
 * status     what happened, always negative
 * direction  the side that failed, CST_NO_DIRECTION for a destroy
 * stage      the ops->name of the stream where the error arose, which in a pipeline is not the stream that reports it;
 *            borrowed from that table, so static; "" where the table gave no name
 */
typedef struct cst_error {
    const char *stage;
    cst_status status;
    cst_direction direction;
} cst_error;

#endif

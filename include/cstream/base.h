/*
 * base.h - what every header needs: the version, the status codes and errors, and the allocator.
 */
#ifndef CSTREAM_BASE_H
#define CSTREAM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * which libcstream this is, at compile time and at run time, and what every header needs.
 */

#define CST_VERSION_MAJOR 0
#define CST_VERSION_MINOR 2
#define CST_VERSION_PATCH 0
#define CST_VERSION_STRING "0.2.0"

/** The version as one number that compares in order: 1.2.3 is 10203. */
#define CST_VERSION (CST_VERSION_MAJOR * 10000 + CST_VERSION_MINOR * 100 + CST_VERSION_PATCH)

#ifdef __cplusplus
#define CST_EXTERN extern "C"
#else
#define CST_EXTERN extern
#endif

/** Marks what the shared library exports: everything else in it is hidden. */
#if defined(__GNUC__)
#define CST_API CST_EXTERN __attribute__((visibility("default")))
#else
#define CST_API CST_EXTERN
#endif

/**
 * The version of the library that is linked, CST_VERSION of the header it was built with. A program whose
 * CST_VERSION_MAJOR differs from cst_version() / 10000 was compiled for another library.
 */
CST_API int cst_version(void);

/*
 * what a call answers, and what an error says.
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

/*
 * where memory comes from.
 *
 * A context gets one allocator and passes it on to everything made in it. The library asks for memory in few, sized
 * blocks and says the size again when it gives one back, so a host may serve it from an arena, a pool or a counter.
 * Every call may fail: what was asked for is then answered with CST_E_NOMEM (or an 'error' event), and nothing is lost.
 */

/**
 * The host's allocator. The struct is not copied: it and what it refers to must outlive every context made with it and
 * every slice that came from them.
 *
 * alloc  gives size bytes (never asked for 0), aligned for any object, or NULL. The contents do not matter.
 * free   takes back what alloc gave, with the same size. Never called with NULL.
 * user   handed to both.
 *
 * Neither may call the library: it is in the middle of something then.
 *
 * Threads: called on the thread that runs the context; for a slice that was shared (cst_slice_share) free is called on
 * whichever thread lets go of it last.
 */
typedef struct cst_allocator {
    void *(*alloc)(void *user, size_t size);
    void (*free)(void *user, void *ptr, size_t size);
    void *user;
} cst_allocator;

/** C's malloc and free. The only object of the library that imports them: a host with its own allocator does not link
 * it. Static. */
CST_API const cst_allocator *cst_allocator_malloc(void);

#endif

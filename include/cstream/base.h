/*
 * base.h - what every other header needs: the version, the status codes, errors, and the allocator.
 */
#ifndef CSTREAM_BASE_H
#define CSTREAM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- version ---------------------------------------------------------------------------------- */

#define CST_VERSION_MAJOR 0
#define CST_VERSION_MINOR 2
#define CST_VERSION_PATCH 0
#define CST_VERSION_STRING "0.2.0"

/** The version of this header as one number that compares in order: 1.2.3 is 10203. */
#define CST_VERSION (CST_VERSION_MAJOR * 10000 + CST_VERSION_MINOR * 100 + CST_VERSION_PATCH)

#ifdef __cplusplus
#define CST_EXTERN extern "C"
#else
#define CST_EXTERN extern
#endif

/** Marks what the shared library exports. Everything else in it is hidden. */
#if defined(__GNUC__)
#define CST_API CST_EXTERN __attribute__((visibility("default")))
#else
#define CST_API CST_EXTERN
#endif

/**
 * Return the version of the library that is linked: the CST_VERSION that it was built with. If
 * cst_version() / 10000 differs from CST_VERSION_MAJOR, the program was compiled for another
 * library.
 */
CST_API int cst_version(void);

/* --- status ----------------------------------------------------------------------------------- */

/*
 * Every call that can fail returns a status.
 *
 *   negative   failure; the call says what state it leaves behind
 *   0          CST_OK: done
 *   positive   success with a hint, such as CST_FULL
 *
 * So `if (st < 0)` is always the right test for failure. A status that Node has too bears Node's
 * name without `ERR_` and `STREAM_`: ERR_STREAM_WRITE_AFTER_END is CST_E_WRITE_AFTER_END.
 *
 * Two ranges are not in the table below. The library passes such codes on unchanged:
 *
 *   CST_USER(n)   the program's own error n, 0 to 65535
 *   CST_OS(n)     errno n of the operating system, 0 to 65535; cst_status_os returns n
 */
typedef int cst_status;

/** Every code of the library: X(name, value, text). The values are part of the ABI. */
#define CST_STATUS_TABLE(X)                                                                        \
    X(CST_OK, 0, "done")                                                                           \
    X(CST_FULL, 1, "accepted, but hold further chunks until there is room")                        \
    X(CST_EMPTY, 2, "nothing there now")                                                           \
    X(CST_EOF, 3, "nothing there, and nothing will come")                                          \
    X(CST_PENDING, 4, "the answer comes later")                                                    \
    X(CST_SWALLOW, 5, "the destroy slot keeps the error to itself")                                \
    X(CST_GIVEN, 6, "answered with a chunk")                                                       \
    X(CST_IDLE, 7, "nothing can run now")                                                          \
    X(CST_MORE, 8, "more is left to run")                                                          \
    X(CST_AGAIN, 9, "call the slot again when there is room")                                      \
    X(CST_REFUSED, 10, "not taken: there is no room")                                              \
    X(CST_E_INVALID_ARG, -1, "invalid argument")                                                   \
    X(CST_E_NOMEM, -2, "out of memory")                                                            \
    X(CST_E_OUT_OF_RANGE, -3, "a size, an index or a value is out of range")                       \
    X(CST_E_NESTED, -4, "not allowed inside a callback or a slot")                                 \
    X(CST_E_UNHANDLED, -5, "an 'error' event had no listener")                                     \
    X(CST_E_UNSUPPORTED, -6, "this build or this platform cannot do it")                           \
    X(CST_E_WRITE_AFTER_END, -7, "write after end")                                                \
    X(CST_E_DESTROYED, -8, "the stream was destroyed, or its context is being freed")              \
    X(CST_E_PREMATURE_CLOSE, -9, "premature close")                                                \
    X(CST_E_PUSH_AFTER_EOF, -10, "push after EOF")                                                 \
    X(CST_E_UNSHIFT_AFTER_END_EVENT, -11, "unshift after the 'end' event")                         \
    X(CST_E_ALREADY_FINISHED, -12, "end after the stream has finished")                            \
    X(CST_E_UNABLE_TO_PIPE, -13, "cannot pipe to a closed or destroyed stream")                    \
    X(CST_E_MULTIPLE_CALLBACK, -14, "a slot answered more than once")                              \
    X(CST_E_ABORT, -15, "the operation was aborted")                                               \
    X(CST_E_BUFFER_OUT_OF_BOUNDS, -16, "the bytes are fewer than the value takes")                 \
    X(CST_E_INVALID_BUFFER_SIZE, -17, "the bytes are no whole number of units")                    \
    X(CST_E_INVALID_CHAR_FOUND, -18, "a character that cannot be converted")                       \
    X(CST_E_TIMEOUT, -19, "a limit on time was reached")                                           \
    X(CST_E_LIMIT, -20, "a limit on memory was reached")                                           \
    X(CST_E_STALL, -21, "nothing can go on")

#define CST_STATUS_ENUM_ENTRY(name, value, text) name = value,
enum cst_status_code { CST_STATUS_TABLE(CST_STATUS_ENUM_ENTRY) CST_STATUS_LAST_ = CST_E_STALL };
#undef CST_STATUS_ENUM_ENTRY

#define CST_USER(n) (-0x10000 - (n))
#define CST_OS(n) (-0x20000 - (n))

/**
 * Return the name of a code, such as "CST_E_NOMEM"; "CST_USER" or "CST_OS" for a code of those
 * ranges, "CST_UNKNOWN" for any other. Static, never NULL.
 */
CST_API const char *cst_status_name(cst_status status);

/** Return a clause that people can read, without a full stop. Static, never NULL. */
CST_API const char *cst_status_text(cst_status status);

/** Return the errno that a CST_OS status carries; 0 for every other status. */
CST_API int cst_status_os(cst_status status);

/* --- errors ----------------------------------------------------------------------------------- */

/** The side of a stream on which an error arose. */
typedef enum cst_direction { CST_NO_DIRECTION = 0, CST_READING = 1, CST_WRITING = 2 } cst_direction;

/**
 * An error as 'error' listeners, outcome callbacks and cst_errored see it. A small value (24 bytes
 * where a pointer has 8): it is copied and never allocated.
 *
 * stage      ops->name of the stream on which the error arose. In a pipeline that need not be the
 *            stream that reports it. "" if the table has no name. Lives as long as the table.
 * status     what happened; always negative
 * cause      the status that this one took the place of: that with which the stream had failed
 *            before its destroy slot answered with another, or before it was destroyed with
 *            another; else 0
 * stream     0; kept for the number of the stream in its context
 * index      the place, from 1, of the stream in the pipeline that tells the error, or that has
 *            destroyed other stages with it; of pipelines inside one another, in the outer one. A
 *            stream that is the first stage and the last reads in the one and writes in the other.
 *            0 for a stream alone, and for the signal of a pipeline. 65535 stands for that place
 *            and all behind it.
 * direction  a cst_direction: the side that failed, CST_NO_DIRECTION for a destroy
 *
 * A program that makes a cst_error of its own sets the other fields to zero.
 */
typedef struct cst_error {
    const char *stage;
    cst_status status;
    cst_status cause;
    uint32_t stream;
    uint16_t index;
    uint8_t direction;
    uint8_t reserved;
} cst_error;

/**
 * Write an error as one line for people, such as
 *
 *     socket #3 (stage 2, writing): premature close: Connection reset by peer
 *
 * which is stage, stream, index and direction, the text of status, and that of cause. What is 0 or
 * empty is left out; the shortest text is that of the status alone. The text may change with any
 * version.
 *
 * to       where the text goes, with a zero behind it; may be NULL if *size is 0
 * size     in: the room behind `to`, in bytes
 *          out: the length of the whole text, without the zero
 * os_text  gives the text of the errno in a CST_OS status, as strerror does; the text is used
 *          before the next call. NULL, or where it returns NULL: the number is written. So is the
 *          number of a CST_USER status.
 *
 * CST_OK              done
 * CST_E_OUT_OF_RANGE  not enough room: what fits was written, with a zero behind it
 * CST_E_INVALID_ARG   size or error is NULL, or to is NULL and *size is not 0; nothing has changed
 *
 * Re-entrancy: legal inside any callback; calls os_text alone, and needs no memory.
 */
CST_API cst_status cst_error_text(char *to, size_t *size, const cst_error *error,
                                  char *(*os_text)(int));

/* --- memory ----------------------------------------------------------------------------------- */

/**
 * Where memory comes from. A context has one allocator and passes it on to everything made in it.
 * The library asks for few blocks and gives each one back with its size, so a host may serve them
 * from an arena, a pool or a counter. Any request may fail: the call that needed the memory then
 * returns CST_E_NOMEM, or the stream fails with that error, and nothing leaks.
 *
 * alloc  return size bytes (at least 1), aligned for any object, or NULL. The contents do not
 *        matter.
 * free   take back a block of alloc's, with the size that was asked for. ptr is never NULL.
 * user   passed to both
 *
 * The struct is not copied: it must outlive every context made with it and every slice that came
 * from such a context.
 *
 * Re-entrancy: neither function may call the library, which is in the middle of something.
 *
 * Threads: both are called on the thread that runs the context. One exception: if a slice was
 * marked with cst_slice_share, free is called on the thread that drops its last reference.
 */
typedef struct cst_allocator {
    void *(*alloc)(void *user, size_t size);
    void (*free)(void *user, void *ptr, size_t size);
    void *user;
} cst_allocator;

/**
 * Return C's malloc and free as an allocator. Static. It is the one object of the library that
 * imports malloc: a program with an allocator of its own does not link it.
 */
CST_API const cst_allocator *cst_allocator_malloc(void);

#endif

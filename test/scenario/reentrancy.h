/*
 * reentrancy.h - one cell of the matrix of test_reentrancy.c: a line of three streams, a place in
 * the middle stream where user code runs, and a call that is made there once.
 *
 *     source --> middle --> sink
 *
 * The middle stream is of any kind. If it cannot be read, there is no sink; if it cannot be
 * written, there is no source.
 */
#ifndef TEST_REENTRANCY_H
#define TEST_REENTRANCY_H

#include "heap.h"

#include <cstream/cstream.h>

enum kind {
    READABLE,
    WRITABLE,
    DUPLEX,
    TRANSFORM,
    PASSTHROUGH,
    PAIR,
    COMPOSITION,
    FROM,
    FLAT_MAP,
    FOR_EACH,
    KINDS
};

#define ON(event) (ON_EVENT + (int)(event))

/** The places where user code runs: slots, functions, events, callbacks. */
enum place {
    IN_CONSTRUCT,
    IN_READ,
    IN_WRITE,
    IN_WRITEV,
    IN_FINAL,
    IN_TRANSFORM,
    IN_FLUSH,
    IN_DESTROY,
    IN_TRANSFER,
    IN_FUNCTION, /* the function that a from, flat_map or for_each stream calls */
    IN_RESULT,   /* the callback of a consuming end, such as for_each */
    ON_EVENT,    /* and the event's type: ON(CST_DATA) and so on */
    IN_WRITE_DONE = ON(CST_EVENT_TYPES_),
    IN_END_DONE,
    IN_FINISHED,
    IN_PIPELINE,
    IN_TASK,
    IN_IMMEDIATE,
    IN_TURN_END,
    IN_TIMER,
    IN_TIMEOUT,
    PLACES
};

enum target { SELF, SOURCE, SINK, TARGETS };

struct cell;

/** The state (self) of a stream whose slots are the test's own. */
struct part {
    struct cell *cell;
    enum target which;
};

/** What was seen of a stream of the line, of whatever kind. */
struct watch {
    struct cell *cell;
    unsigned seen[CST_EVENT_TYPES_];
    unsigned destroyed; /* how often the destroy slot was called */
};

/** A callback. If it was accepted, it must be called once. */
struct owed {
    bool accepted;
    bool silent; /* it may also not be called, as in Node: of a pipeline or a finished */
    unsigned called;
};

#define MOST_OWED 16
#define MOST_EXTRA 8
#define MOST_LATE 32

struct call {
    const char *name;
    void (*make)(struct cell *cell, cst_stream *target);
    bool once; /* it does not use its target, so it is made only for SELF */
};

struct cell {
    enum kind kind;
    int place;
    enum target target;
    const struct call *call;
    bool late;      /* slots answer later, one in each turn */
    bool piped;     /* connected by cst_pipe instead of cst_pipeline */
    bool left_open; /* streams are open when the context is freed, not destroyed before */

    struct test_heap heap;
    size_t blocks_before; /* live blocks when there is only the context */
    cst_ctx *ctx;
    cst_ops ops; /* of the middle stream */
    cst_stream *streams[TARGETS];
    struct watch watches[TARGETS];
    cst_stream *inside[2];         /* a pair's other side, or a composition's streams */
    cst_stream *extra[MOST_EXTRA]; /* made by the call */
    size_t extra_count;
    cst_call late_calls[MOST_LATE];
    size_t late_count;
    struct owed owed[MOST_OWED];
    size_t owed_count;
    struct owed result;   /* the callback of a consuming end */
    cst_stream *given;    /* cst_give was accepted on it, and its slot has not returned yet */
    size_t left[TARGETS]; /* chunks that it has not produced yet */
    bool may_end;
    bool made; /* the call was made */
    cst_chain chain;
    cst_abort *abort;
    cst_task task, call_task, call_immediate, call_at_end, call_post;
    cst_timer timer, call_timer;
};

/** The calls of the matrix: every function of the library that takes a stream or a context. */
extern const struct call test_calls[];
extern const size_t test_call_count;

/** Make the cell's call, if this is the first time that its place is reached. */
void cell_reached(struct cell *cell);

/** Return a record for a callback of the call that is made next. It is the arg of cell_done or
 * cell_outcome, which count in it. */
struct owed *cell_owes(struct cell *cell);
cst_done_fn cell_done;
cst_outcome_fn cell_outcome;

/** Note what that call has returned: its callback must be called once (cell_answered), or may be
 * called once (cell_may_answer). */
void cell_answered(struct cell *cell, cst_status st);
void cell_may_answer(struct cell *cell, cst_status st);

/** Return where the call may put a stream that it makes, with room for a second one after it. Both
 * are kept until the cell ends. */
cst_stream **cell_room(struct cell *cell);

/** Return the stream that the call has put there, or NULL if st says that it made none. */
cst_stream *cell_keep(struct cell *cell, cst_status st);

#endif

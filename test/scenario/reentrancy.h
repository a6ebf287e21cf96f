/*
 * reentrancy.h - one cell of the matrix of test_reentrancy.c: a line of three streams, a place in
 * the middle one where user code runs, and a call that is made there once.
 *
 *     source --> middle --> sink
 *
 * The middle is of any kind; one that cannot be read has no sink behind it, one that cannot be
 * written no source.
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

/** Where user code runs: slots, events, callbacks. */
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
    IN_FUNCTION, /* what a ready-made stream calls: the function of from, flat_map, for_each */
    IN_RESULT,   /* the callback of a consuming end */
    ON_EVENT,    /* ON(CST_DATA) and so on */
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

/** The state of a stream with slots of the test's own; and what has been seen of any stream of
 * the line. */
struct part {
    struct cell *cell;
    enum target which;
};

struct watch {
    struct cell *cell;
    unsigned seen[CST_EVENT_TYPES_];
    unsigned destroyed; /* calls of the destroy slot */
};

/** A callback that is owed, once it was accepted. */
struct owed {
    bool accepted;
    bool silent; /* it need not come, as in Node: a pipeline's, a finished' */
    unsigned called;
};

#define MOST_OWED 16
#define MOST_EXTRA 8
#define MOST_LATE 32

struct call {
    const char *name;
    void (*make)(struct cell *cell, cst_stream *target);
    bool once; /* does not look at its target: made for SELF alone */
};

struct cell {
    enum kind kind;
    int place;
    enum target target;
    const struct call *call;
    bool late;      /* slots answer later, one in each turn */
    bool piped;     /* by cst_pipe instead of cst_pipeline */
    bool left_open; /* when its context is freed, instead of destroyed before */

    struct test_heap heap;
    size_t blocks_before; /* with the context alone */
    cst_ctx *ctx;
    cst_ops ops; /* of the middle */
    cst_stream *streams[TARGETS];
    struct watch watches[TARGETS];
    cst_stream *inside[2];         /* a pair's other side, a composition's streams */
    cst_stream *extra[MOST_EXTRA]; /* made by the call */
    size_t extra_count;
    cst_call late_calls[MOST_LATE];
    size_t late_count;
    struct owed owed[MOST_OWED];
    size_t owed_count;
    struct owed result;   /* of a consuming end */
    cst_stream *given;    /* cst_give was accepted on it, and its slot has not said so */
    size_t left[TARGETS]; /* chunks to come out of it */
    bool may_end;
    bool made; /* the call */
    cst_chain chain;
    cst_abort *abort;
    cst_task task, call_task, call_immediate, call_at_end, call_post;
    cst_timer timer, call_timer;
};

/** The calls of the matrix: every one of the library that takes a stream or a context. */
extern const struct call test_calls[];
extern const size_t test_call_count;

/** Makes the cell's call, the first time that its place is reached. */
void cell_reached(struct cell *cell);

/** A callback of the call that is about to be made: the arg of one of the two below, which
 * count. */
struct owed *cell_owes(struct cell *cell);
cst_done_fn cell_done;
cst_outcome_fn cell_outcome;

/** What that call has answered: whether its callback has to come, once, or at most may come. */
void cell_answered(struct cell *cell, cst_status st);
void cell_may_answer(struct cell *cell, cst_status st);

/** Where the call may put a stream that it makes, and after that one more; what it has put there
 * is kept to the end. */
cst_stream **cell_room(struct cell *cell);

/** Gives the stream that was made there; NULL where st says that there is none. */
cst_stream *cell_keep(struct cell *cell, cst_status st);

#endif

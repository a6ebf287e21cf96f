/*
 * scenario_inject.h - faults at chosen steps of a scenario, and what holds whatever they are.
 *
 * A step is a place where the host has control: before an op, after what hangs on an occasion, at
 * the beginning of a slot, a listener or a callback, after each of a script's acts, between two
 * deferred tasks, after a stream was made, at the end of a turn. Steps are counted from 1, in the
 * order in which they come; README.md has the faults.
 */
#ifndef SCENARIO_INJECT_H
#define SCENARIO_INJECT_H

#include "scenario_heap.h"
#include "scenario_run.h"

enum fault_kind {
    FAULT_DESTROY,
    FAULT_DESTROYE, /* with an error */
    FAULT_UNREF,
    FAULT_FREE, /* of the context; inside a callback it comes at the next step outside */
    FAULT_FULL, /* the queue of tasks, without memory for more until it was emptied */
    FAULT_ALLOC,
    FAULT_ALLOC_FROM, /* and all that follow */
    FAULTS
};

struct fault {
    enum fault_kind kind;
    size_t k;           /* which step; of FAULT_ALLOC and FAULT_ALLOC_FROM which allocation */
    const char *stream; /* whose; NULL for FAULT_FREE and what follows it */
    bool came;          /* it came about: the step did, and the host still named the stream then */
};

/* CROWD  more tasks than there is room for in a queue that gets no memory */
enum { MOST_FAULTS = HEAP_FAILURES, CROWD = 64 };

/** One run with its faults. Zeroes are a run without any, which counts. */
struct inject {
    struct fault faults[MOST_FAULTS];
    size_t count;
    size_t step; /* the latest */
    struct heap heap;
    cst_task crowd[CROWD];
    size_t crowd_left; /* how many of them are queued */
    size_t inside;     /* slots, listeners, callbacks and tasks that are running */
    bool free_due;     /* the context is freed at the next step outside all of these */
    bool broken;       /* something did not hold; standard error has a line for it */
};

/** As the command line has a kind of fault. */
extern const char *const inject_kinds[FAULTS];

/** Read KIND:K[:STREAM], or two with a comma between them. text is cut up, and the names in it
 * are kept. Return false if it is none. */
bool inject_parse(struct inject *inject, char *text);

/** Print the faults as inject_parse reads them. */
void inject_print(const struct inject *inject, FILE *out);

/** Run a scenario with these faults, one task at a time if the options say nothing else. Return
 * false, with a line on standard error for each, if something did not hold that scenario_run
 * promises or README.md lists, or a block is live at the end. A run without an end is aborted. */
bool inject_run(struct inject *inject, const struct scenario *sc, const struct run_opts *opts);

/* --- what the host calls; without faults in its options these do nothing ---------------------- */

struct host;
struct member;

/** A step. The host's streams, and its context, may be gone behind it. */
void inject_step(struct host *host);

/** The library calls the host: a step inside; what follows is inside until inject_leave. */
void inject_enter(struct host *host);
void inject_leave(const struct host *host);

/** Look, behind the last turn, whether what has to come without the host's doing has come. */
void inject_check_end(const struct host *host);

/** Look whether a slot may be called, or an event come, at this time. */
void inject_check_slot(const struct member *member, const cst_stream *s, enum method method);
void inject_check_event(const struct member *member, cst_event_type type);

#endif

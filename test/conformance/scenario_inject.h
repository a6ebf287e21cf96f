/*
 * scenario_inject.h - faults at chosen steps of a scenario, and checks that hold with any fault.
 *
 * A step is a place where the host has control: before an op; after the ops that hang on an
 * occasion; at the beginning of a slot, a listener or a callback; after each act of a script;
 * between two deferred tasks; after a stream was made; at the end of a turn. Steps are counted from
 * 1 in the order in which they are reached. README.md describes the faults.
 */
#ifndef SCENARIO_INJECT_H
#define SCENARIO_INJECT_H

#include "scenario_heap.h"
#include "scenario_run.h"

enum fault_kind {
    FAULT_DESTROY,
    FAULT_DESTROYE, /* with an error */
    FAULT_UNREF,
    FAULT_FREE, /* free the context; from inside a callback at the next step outside */
    FAULT_FULL, /* fill the queue of tasks; no memory for more until it is empty again */
    FAULT_ALLOC,
    FAULT_ALLOC_FROM, /* and all later ones */
    FAULTS
};

struct fault {
    enum fault_kind kind;
    size_t k;           /* at which step; FAULT_ALLOC and FAULT_ALLOC_FROM: at which allocation */
    const char *stream; /* NULL from FAULT_FREE on */
    bool came;          /* the step was reached, and the host still had the stream then */
};

/* CROWD  more tasks than have room in a queue that gets no memory */
enum { MOST_FAULTS = HEAP_FAILURES, CROWD = 64 };

/** One run with its faults. All zeroes: a run without faults, which counts its steps. */
struct inject {
    struct fault faults[MOST_FAULTS];
    size_t count;
    size_t step; /* the latest step */
    struct heap heap;
    cst_task crowd[CROWD];
    size_t crowd_left; /* how many of the crowd are queued */
    size_t inside;     /* how many slots, listeners, callbacks and tasks are running */
    bool free_due;     /* free the context at the next step outside all of these */
    bool broken;       /* a check has failed; standard error has a line for it */
};

/** The kinds of faults as the command line names them. */
extern const char *const inject_kinds[FAULTS];

/** Read one fault, KIND:K[:STREAM], or two with a comma between them. text is cut up, and the
 * names in it are kept. Return false if it is not of this form. */
bool inject_parse(struct inject *inject, char *text);

/** Print the faults in the form that inject_parse reads. */
void inject_print(const struct inject *inject, FILE *out);

/** Run a scenario with these faults, one task at a time if the options name no other budget. Return
 * false if anything that scenario_run promises or README.md lists did not hold, or if a block is
 * live at the end; standard error has a line for each. Abort a run that does not end. */
bool inject_run(struct inject *inject, const struct scenario *sc, const struct run_opts *opts);

/* --- what the host calls; without faults in its options these do nothing ---------------------- */

struct host;
struct member;

/** Mark a step. After it, the host's streams and its context may be freed. */
void inject_step(struct host *host);

/** Mark that the library calls the host, and a step. All is inside until inject_leave. */
void inject_enter(struct host *host);
void inject_leave(const struct host *host);

/** Check, after the last turn, that what must happen without the host has happened. */
void inject_check_end(const struct host *host);

/** Check that a slot may be called now, and that an event may be emitted now. */
void inject_check_slot(const struct member *member, const cst_stream *s, enum method method);
void inject_check_event(const struct member *member, cst_event_type type);

#endif

/*
 * scenario_host.h - what the files that run a scenario share: the host, its streams, and the
 * answers and callbacks that are still to come.
 *
 *     scenario_run.c      the host: turns, creation, listeners, hooks, state lines, the end
 *     scenario_method.c   the streams' own methods: what scripts make them do, now or later
 *     scenario_op.c       the ops of turns and hooks
 *     scenario_inject.c   the faults that are injected
 */
#ifndef SCENARIO_HOST_H
#define SCENARIO_HOST_H

#include "scenario_inject.h"
#include "scenario_parse.h"
#include "scenario_run.h"

struct host;

/** A stream of the scenario. Its address is the arg of its listeners and the state of its slots. */
struct member {
    struct host *host;
    const struct decl *decl;
    cst_stream *stream; /* one reference; NULL if not made yet, not made at all, or dropped */
    cst_abort *abort;   /* its signal, or NULL */
    cst_ops ops;        /* only the slots that the scenario defines */
    const struct script *scripts[METHODS];
    size_t times[OCCASIONS]; /* how often each has come so far; AFTER_METHOD is not counted */
    bool listens_to[CST_EVENT_TYPES_];
    size_t write_count;
    size_t text_offset;  /* where its next bytes are in the text that all bytes are from */
    struct ticket *same; /* for its `same` writes; NULL before the first */
};

enum ticket_kind { TICKET_WRITE, TICKET_SAME, TICKET_END, TICKET_PIPELINE, TICKET_FINISHED };

/** One callback: the arg that the library gets, and how often it should be called and was. */
struct ticket {
    struct ticket *next;
    struct host *host;
    struct member *member; /* the stream written or ended; NULL for a pipeline or a finished */
    enum ticket_kind kind;
    size_t number; /* K */
    size_t due;    /* how often it must run; for a pipeline or a finished: may run at most */
    size_t ran;
};

/** One call of a user's method, for the acts of its item. */
struct call {
    struct member *member;
    cst_stream *stream;
    enum method method;
    const struct item *item;
    cst_call answer; /* not for read */
    cst_slice chunk; /* transform only; borrowed */
    size_t nth;      /* which call of the method, counted from 1 */
};

/** A call whose acts are done after it has returned. Holds its stream and its chunk until then. */
struct job {
    struct job *next;      /* in the list of all jobs */
    struct job *next_owed; /* in the list of the completions that the host owes */
    struct call call;
    cst_task task;
};

struct host {
    const struct scenario *scenario;
    const cst_allocator *allocator;
    const struct run_opts *opts;
    cst_ctx *ctx;           /* NULL before it is made, and once it is freed */
    struct member *members; /* in the order of scenario->streams */
    cst_stream *peer;       /* the second stream of a pair, until the second line takes it */
    bool pair_open;
    bool over; /* `done` was printed */
    struct job *jobs, *owed, **owed_tail;
    struct ticket *tickets;
    size_t pipeline_count, finished_count;
};

/* --- scenario_run.c --------------------------------------------------------------------------- */

/** Print to the trace as printf does. Print nothing once `done` was printed. */
void host_say(const struct host *host, const char *format, ...);

/** Return how a status prints: "ok", Node's code, or the name of a user's error. */
const char *host_code(const struct host *host, cst_status status);

/** A chunk as the trace shows it: L:H, or "null" for NULL. */
struct chunk_text {
    char text[40];
};
struct chunk_text host_chunk_text(const cst_slice *chunk);

/** Make a chunk of the next n bytes of the member's text. Return CST_OK or CST_E_NOMEM. */
cst_status host_bytes(cst_slice *out, struct member *member, size_t n);

/** Push the next n bytes of the member's text into s, its stream. Return what the push returns. */
cst_status host_push(struct member *member, cst_stream *s, size_t n);

/** Return the stream of that name, which must be declared: the parser has checked it. */
struct member *host_member(const struct host *host, const char *name);

/** Do the ops that hang on the nth time of an occasion. */
void host_do_hooks(const struct member *member, size_t occasion, size_t nth);

/** Return whether ops hang on it. */
bool host_has_hooks(const struct member *member, size_t occasion, size_t nth);

/** Print the event and do what hangs on it. arg is the member. */
void host_on_event(cst_stream *s, const cst_event *event, void *arg);

/* --- scenario_method.c ------------------------------------------------------------------------ */

/** Fill in the member's scripts and its table of slots. */
void method_define(struct member *member);

/** Do the acts of a job's item, then drop the stream and the chunk that the job holds. */
void method_deliver(struct job *job);

/* --- scenario_op.c ---------------------------------------------------------------------------- */

/** Do an op. Do nothing if a stream that it names could not be made. */
void op_exec(struct host *host, const struct op *op);

#endif

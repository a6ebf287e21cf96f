/*
 * scenario_host.h - what the files that run a scenario share: the host, its streams, and what it
 * owes and is owed.
 *
 *     scenario_run.c      the host: turns, creation, listeners, what hangs on them, state lines,
 *                         the end
 *     scenario_method.c   the streams' own methods: what scripts make them do, now or later
 *     scenario_op.c       the ops of turns and hooks
 *     scenario_inject.c   what goes wrong on purpose
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
    cst_stream *stream; /* one reference; NULL before it is made, if that failed, once let go */
    cst_abort *abort;   /* its signal, or NULL */
    cst_ops ops;        /* only the slots that the scenario defines */
    const struct script *scripts[METHODS];
    size_t times[OCCASIONS]; /* that each came about so far; not of AFTER_METHOD */
    bool listens_to[CST_EVENT_TYPES_];
    size_t write_count;
    size_t text_offset;  /* how far it is into the text that all bytes come from */
    struct ticket *same; /* of its `same` writes; NULL before the first */
};

enum ticket_kind { TICKET_WRITE, TICKET_SAME, TICKET_END, TICKET_PIPELINE, TICKET_FINISHED };

/** One callback: the arg that the library is given, and how often it should be called and was. */
struct ticket {
    struct ticket *next;
    struct host *host;
    struct member *member; /* whose write or end it is; of a pipeline and of finished NULL */
    enum ticket_kind kind;
    size_t number; /* K */
    size_t due;    /* calls that owe it; of a pipeline and of finished: that may owe it */
    size_t ran;
};

/** One call of a user's method, as the acts of its item see it. */
struct call {
    struct member *member;
    cst_stream *stream;
    enum method method;
    const struct item *item;
    cst_call answer; /* not of read */
    cst_slice chunk; /* transform's, borrowed */
    size_t nth;      /* call of the method */
};

/** A call whose acts come after it has returned; it holds its stream and its chunk till then. */
struct job {
    struct job *next;      /* all jobs */
    struct job *next_owed; /* the completions that the host owes */
    struct call call;
    cst_task task;
};

struct host {
    const struct scenario *scenario;
    const cst_allocator *allocator;
    const struct run_opts *opts;
    cst_ctx *ctx;           /* NULL before it is made and once it is freed */
    struct member *members; /* as scenario->streams */
    cst_stream *peer;       /* of a pair, waiting for the second line */
    bool pair_open;
    bool over; /* `done` was printed */
    struct job *jobs, *owed, **owed_tail;
    struct ticket *tickets;
    size_t pipeline_count, finished_count;
};

/* --- scenario_run.c --------------------------------------------------------------------------- */

/** printf into the trace, until `done`. */
void host_say(const struct host *host, const char *format, ...);

/** How a status prints: "ok", Node's code, or the user's name. */
const char *host_code(const struct host *host, cst_status status);

/** A chunk as the trace has it, L:H, and "null" for NULL. */
struct chunk_text {
    char text[40];
};
struct chunk_text host_chunk_text(const cst_slice *chunk);

/** Make a chunk of the next n bytes of the member's text. CST_OK or CST_E_NOMEM. */
cst_status host_bytes(cst_slice *out, struct member *member, size_t n);

/** Push the next n bytes of the member's text into s, its stream. What the push returns. */
cst_status host_push(struct member *member, cst_stream *s, size_t n);

/** The stream of that name. It is declared: the parser has looked. */
struct member *host_member(const struct host *host, const char *name);

/** Does the ops that hang on the nth time of an occasion. */
void host_do_hooks(const struct member *member, size_t occasion, size_t nth);

/** Whether any do. */
bool host_has_hooks(const struct member *member, size_t occasion, size_t nth);

/** Prints the event and does what hangs on it; arg is the member. */
void host_on_event(cst_stream *s, const cst_event *event, void *arg);

/* --- scenario_method.c ------------------------------------------------------------------------ */

/** Fills in the member's scripts and its table of slots. */
void method_define(struct member *member);

/** Does what a job's item says, and lets go of what the job holds. */
void method_deliver(struct job *job);

/* --- scenario_op.c ---------------------------------------------------------------------------- */

/** Does an op, unless a stream that it names could not be made. */
void op_exec(struct host *host, const struct op *op);

#endif

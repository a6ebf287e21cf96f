/*
 * scenario_parse.h - a scenario as data: its lines, checked, with every name and number resolved.
 *
 * Nothing here touches a stream. The lists are arrays in the order of the lines. The strings point
 * into the text, which the caller must keep.
 */
#ifndef SCENARIO_PARSE_H
#define SCENARIO_PARSE_H

#include <cstream/cstream.h>

#include <stdio.h>

enum kind {
    KIND_READABLE,
    KIND_WRITABLE,
    KIND_DUPLEX,
    KIND_TRANSFORM,
    KIND_PASSTHROUGH,
    KIND_PAIR,
    KIND_COMPOSE,
    KINDS
};

enum method {
    METHOD_READ,
    METHOD_WRITE,
    METHOD_FINAL,
    METHOD_TRANSFORM,
    METHOD_FLUSH,
    METHOD_DESTROY,
    METHOD_CONSTRUCT,
    METHODS
};

enum moment { MOMENT_NEVER, MOMENT_NOW, MOMENT_TICK, MOMENT_LATER };

enum act_kind {
    ACT_PUSH,  /* pN */
    ACT_GIVE,  /* gN */
    ACT_WRITE, /* wN */
    ACT_X,
    ACT_EOF,
    ACT_DESTROY,
    ACT_DESTROYE,
    ACT_CB, /* from here on: answers */
    ACT_CBX,
    ACT_CBN,
    ACT_CBE
};

enum verb {
    OP_PUSH,
    OP_UNSHIFT,
    OP_READ,
    OP_READALL,
    OP_PAUSE,
    OP_RESUME,
    OP_LISTEN,
    OP_UNLISTEN,
    OP_PIPE,
    OP_UNPIPE,
    OP_WRITE,
    OP_END,
    OP_CORK,
    OP_UNCORK,
    OP_DESTROY,
    OP_ABORT,
    OP_PIPELINE,
    OP_FINISHED,
    OP_SETENC,
    VERBS
};

/** The occasions that a `when` line can name: an event of the stream, a call of one of its methods,
 * or a callback of its writes or ends. */
enum {
    ON_EVENT = 0,                            /* + the event's type */
    IN_METHOD = ON_EVENT + CST_EVENT_TYPES_, /* + the method */
    AFTER_METHOD = IN_METHOD + METHODS,      /* + the method */
    ON_WRITE_DONE = AFTER_METHOD + METHODS,
    ON_END_DONE,
    OCCASIONS
};

/** The user's errors: n of CST_USER(n) is the place in scenario.errors. The errors that only a
 * scenario names come after these. */
enum { ERROR_CB, ERROR_OWN, ERRORS_FIXED };

/** The number of a line that has none. Chosen so that `read R` needs no case of its own. */
#define NO_NUMBER CST_READ_ANY

struct act {
    enum act_kind kind;
    size_t n; /* bytes of pN, gN, wN and cbN */
};

struct item {
    enum moment when;
    const struct act *acts;
    size_t count;
};

struct script {
    const char *name;
    enum method method;
    const struct item *items;
    size_t count;
};

struct decl {
    const char *name;
    enum kind kind;
    cst_opts opts;
    bool writev;
    bool signal;
};

/** words[0] is the verb; words[1] to words[streams] name streams that are declared. */
struct op {
    enum verb verb;
    char *const *words;
    size_t count;
    size_t streams;
    size_t n; /* its number, or which error `destroy` names; NO_NUMBER if there is none */
};

struct hook {
    const char *name;
    size_t occasion; /* ON_EVENT + ... */
    size_t nth;      /* counted from 1 */
    struct op op;
};

struct turn {
    size_t first_op;
    size_t op_count;
};

struct scenario {
    struct decl *streams;
    struct script *scripts;
    struct hook *hooks;
    struct turn *turns;
    struct op *ops; /* of the turns, one turn after another */
    const char **errors;
    char **words;
    struct item *items;
    struct act *acts;
    size_t stream_count, script_count, hook_count, turn_count, op_count;
    size_t error_count, word_count, item_count, act_count;
};

/** The names of events as Node spells them. */
extern const char *const scenario_event_names[CST_EVENT_TYPES_];

/** Read the text, which is cut into words in place. Return false, with a line on standard error,
 * if it is no scenario. Free the scenario in either case. */
bool scenario_parse(struct scenario *sc, char *text);
void scenario_free(struct scenario *sc);

/** Return the script of a stream's method, or NULL. If there are several, return the last one. */
const struct script *scenario_script(const struct scenario *sc, const char *name,
                                     enum method method);

/** Return the rest of a file as text, which the caller frees. */
char *scenario_read(FILE *in);

/** calloc, but end the program if there is no memory: the runner's own is not under test. */
void *scenario_alloc(size_t count, size_t size);

#endif

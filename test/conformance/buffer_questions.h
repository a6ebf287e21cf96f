/*
 * buffer_questions.h - what the parts of the runner share: one question, its words, its answer.
 *
 * A question is a line: a verb and its arguments, separated by blanks. A verb is a function that
 * reads the arguments and writes the answer; question_ops and question_text are the tables of them.
 * Memory that a verb gets from here goes when its question is answered.
 */
#ifndef BUFFER_QUESTIONS_H
#define BUFFER_QUESTIONS_H

#include <stdarg.h>

#include <cstream/base.h>
#include <cstream/slice.h>

/** Bytes of the question's own, in a block of exactly their size, so that a step beyond them
 * shows. */
struct bytes {
    uint8_t *data;
    size_t len;
};

/**
 * args       the words behind the verb, then a NULL
 * arg_count  how many
 * allocator  the library's: what is live after the answer is a defect
 */
struct question {
    char **args;
    size_t arg_count;
    const cst_allocator *allocator;
    struct question_memory *memory;
    struct question_answer *answer;
    bool malformed;
};

/** A verb. An argument that it cannot read it reports with question_malformed. */
typedef void question_fn(struct question *q);

/** A table ends with a row without a name. least and most bound arg_count. */
struct question_verb {
    const char *name;
    question_fn *answer;
    size_t least, most;
};

#define QUESTION_MANY SIZE_MAX

extern const struct question_verb question_ops[];  /* buffer_questions_ops.c */
extern const struct question_verb question_text[]; /* buffer_questions_text.c */

/* --- arguments -------------------------------------------------------------------------------- */

/** Size zero bytes. */
struct bytes question_alloc(struct question *q, size_t size);

/** The bytes of a word: hex, "-" for none. */
struct bytes question_bytes(struct question *q, size_t arg);

/** The bytes of a word in a block of the library's, to be let go of by the verb. */
cst_slice question_slice(struct question *q, size_t arg);

/** An index: what is beyond a ptrdiff_t is its nearest. */
ptrdiff_t question_index(struct question *q, size_t arg);

/** The question cannot be read: what follows does not count, and the runner ends with 2. */
void question_malformed(struct question *q);

/* --- the answer ------------------------------------------------------------------------------- */

/** The bytes in hex, "-" where there are none. */
void answer_hex(struct question *q, const void *bytes, size_t len);

/** As printf. */
void answer_text(struct question *q, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/** "error CODE", as Node spells the code of a failure. */
void answer_error(struct question *q, cst_status status);

#endif

/*
 * buffer_questions.h - what the parts of the runner share: one question, its words, its answer.
 *
 * A question is a line: a verb and its arguments, separated by blanks. A verb is a function that
 * reads the arguments and writes the answer; question_ops and question_text are the tables of the
 * verbs. Memory that a verb gets from a function below is freed when the question is answered.
 */
#ifndef BUFFER_QUESTIONS_H
#define BUFFER_QUESTIONS_H

#include <stdarg.h>

#include <cstream/base.h>
#include <cstream/slice.h>

/** Bytes in a block of exactly their size, so that an access beyond them is detected. */
struct bytes {
    uint8_t *data;
    size_t len;
};

/**
 * args       the words after the verb, then a NULL
 * arg_count  how many words those are
 * allocator  for the library; a block that is live after the answer is a defect
 */
struct question {
    char **args;
    size_t arg_count;
    const cst_allocator *allocator;
    struct question_memory *memory;
    struct question_answer *answer;
    bool malformed;
};

/** Answer a question. Report an argument that cannot be read with question_malformed. */
typedef void question_fn(struct question *q);

/** One row of a table. The last row has no name. least and most bound arg_count. */
struct question_verb {
    const char *name;
    question_fn *answer;
    size_t least, most;
};

#define QUESTION_MANY SIZE_MAX

extern const struct question_verb question_ops[];  /* buffer_questions_ops.c */
extern const struct question_verb question_text[]; /* buffer_questions_text.c */

/* --- arguments -------------------------------------------------------------------------------- */

/** Return `size` zero bytes. */
struct bytes question_alloc(struct question *q, size_t size);

/** Return the bytes that a word spells in hex; "-" spells none. */
struct bytes question_bytes(struct question *q, size_t arg);

/** Return those bytes in a block of the library's, which the verb must unref. */
cst_slice question_slice(struct question *q, size_t arg);

/** Return an index. A number that no ptrdiff_t holds becomes the nearest that one holds. */
ptrdiff_t question_index(struct question *q, size_t arg);

/** Report that the question cannot be read. Its answer does not count; the runner exits with 2. */
void question_malformed(struct question *q);

/* --- the answer ------------------------------------------------------------------------------- */

/** Answer with the bytes in hex; "-" if there are none. */
void answer_hex(struct question *q, const void *bytes, size_t len);

/** Answer with text, formatted as by printf. */
void answer_text(struct question *q, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/** Answer "error CODE", with the code that Node has for the failure. */
void answer_error(struct question *q, cst_status status);

#endif

/*
 * buffer_questions_ops.c - the verbs about bytes as such.
 */
#include "buffer_questions.h"

static void answer_equals(struct question *q)
{
    struct bytes a = question_bytes(q, 0);
    struct bytes b = question_bytes(q, 1);
    const cst_slice left = cst_slice_static(a.data, a.len);
    const cst_slice right = cst_slice_static(b.data, b.len);

    answer_text(q, "%d", cst_slice_equals(&left, &right));
}

const struct question_verb question_ops[] = {
    { "equals", answer_equals, 2, 2 },
    { NULL, NULL, 0, 0 },
};

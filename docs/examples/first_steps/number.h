/*
 * number.h - first steps, 3: a filter with a state. Lines come in, one a chunk, without their ends;
 * they go out with their number in front. number.c and server.c use it.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <cstream/cstream.h>

#include <stdio.h>

struct number {
    unsigned long line;
};

static cst_status number_transform(cst_stream *s, void *self, const cst_slice *line)
{
    struct number *number = self;
    char text[32];
    const int len = snprintf(text, sizeof(text), "%6lu  ", ++number->line);

    cst_push_copy(s, text, (size_t)len);
    cst_push(s, cst_slice_ref(line)); /* uncopied */
    cst_push_copy(s, "\n", 1);
    return CST_OK;
}

static const cst_ops number_ops = { .name = "number",
                                    .self_size = sizeof(struct number),
                                    .transform = number_transform };

/* Messages in, bytes out. */
static cst_status number_new(cst_stream **out, cst_ctx *ctx)
{
    return cst_transform_new(out, ctx, &number_ops, NULL,
                             &(cst_opts){ .writable_object_mode = true });
}

#endif

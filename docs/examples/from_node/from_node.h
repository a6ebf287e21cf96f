/*
 * from_node.h - what the programs of this directory share: they print what happens.
 *
 * Each shows, in a comment that begins with "Node:", a form of Node's, and below it the C form;
 * docs/guide/from-node.md puts them side by side. So that a line stays a line, the status that a
 * call answers is looked at only where it is what is shown: a stream that could not be made stays
 * NULL, and every call refuses that.
 */
#ifndef FROM_NODE_H
#define FROM_NODE_H

#include <stdio.h>
#include <stdlib.h>

#include <cstream/cstream.h>

/* A line of bytes behind a word. */
static inline void print_chunk(const char *word, const cst_slice *chunk)
{
    printf("%s %.*s\n", word, (int)chunk->len, (const char *)chunk->data);
}

/* A listener; arg is the name of the stream. */
static inline void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    static const char *const names[] = { "data",   "readable",  "end",   "close",
                                         "finish", "prefinish", "drain", "pause",
                                         "resume", "error",     "pipe",  "unpipe" };

    (void)s;
    printf("%s %s", (const char *)arg, names[event->type]);
    if (event->chunk)
        print_chunk("", event->chunk);
    else if (event->error)
        printf(" %s\n", cst_status_name(event->error->status));
    else
        printf("\n");
}

/* A callback of a write or an end; arg is a word. */
static inline void on_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    printf("%s %s\n", (const char *)arg, cst_status_name(status));
}

/* A callback of a pipeline or a finished; arg is a word. */
static inline void on_outcome(const cst_error *error, void *arg)
{
    printf("%s %s\n", (const char *)arg, error ? cst_status_name(error->status) : "came out well");
}

/* A fresh context, which the program frees with cst_ctx_free. */
static inline cst_ctx *new_ctx(void)
{
    cst_ctx *ctx = NULL;

    if (cst_ctx_new(&ctx, cst_allocator_malloc(), NULL) < 0)
        exit(EXIT_FAILURE);
    return ctx;
}

#endif

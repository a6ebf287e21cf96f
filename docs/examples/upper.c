/*
 * upper.c - a whole program: copies a file, or standard input, with a to z made A to Z.
 *
 *     upper [IN [OUT]]
 *
 *     file source  -->  upper  -->  file sink       a file of any size in a few hundred KiB
 *
 * The filter itself is in upper_filter.h. What follows is what every program around a pipeline
 * does: make a context, make the stages, join them, run, look at the outcome. To build it:
 *
 *     cc upper.c -o upper $(pkg-config --cflags --libs libcstream)
 *
 * Calls shown: cst_ctx_new, cst_file_source_new, cst_file_sink_new, cst_pipeline, cst_ctx_run,
 *              cst_ctx_free
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "upper_filter.h"

struct job {
    const char *in_name, *out_name;
    cst_stream *stages[3]; /* source, filter, sink */
    int exit_code;
};

/* One line for people. A status may carry an errno of the system's. */
static int complain(const char *what, cst_status st)
{
    int os = cst_status_os(st);

    fprintf(stderr, "upper: %s: %s\n", what, os ? strerror(os) : cst_status_text(st));
    return EXIT_FAILURE;
}

/* Called once, when every stage is done: without an error, or with the first there was. */
static void on_outcome(const cst_error *error, void *arg)
{
    struct job *job = arg;

    if (!error)
        job->exit_code = EXIT_SUCCESS;
    else if (strcmp(error->stage, cst_stream_name(job->stages[0])) == 0)
        complain(job->in_name, error->status);
    else if (strcmp(error->stage, cst_stream_name(job->stages[2])) == 0)
        complain(job->out_name, error->status);
    else
        complain(error->stage, error->status);
}

/* Makes the stages and joins them; nothing flows before the context runs. Each stage belongs to the
 * context, and the files belong to their stages from here on: they are closed whatever happens. */
static cst_status start(struct job *job, cst_ctx *ctx, FILE *in, FILE *out)
{
    cst_status source = cst_file_source_new(&job->stages[0], ctx, in, CST_FILE_OWNED, NULL);
    cst_status sink = cst_file_sink_new(&job->stages[2], ctx, out, CST_FILE_OWNED, NULL);
    cst_status upper = upper_new(&job->stages[1], ctx);

    if (source < 0 || sink < 0 || upper < 0)
        return CST_E_NOMEM;
    return cst_pipeline(job->stages, 3, on_outcome, job);
}

int main(int argc, char **argv)
{
    struct job job = { "standard input", "standard output", { NULL }, EXIT_FAILURE };
    FILE *in = stdin, *out = stdout;
    cst_ctx *ctx;
    cst_status st;

    if (argc > 1 && !(in = fopen(job.in_name = argv[1], "rb")))
        return complain(job.in_name, CST_OS(errno));
    if (argc > 2 && !(out = fopen(job.out_name = argv[2], "wb")))
        return complain(job.out_name, CST_OS(errno));

    st = cst_ctx_new(&ctx, cst_allocator_malloc(), NULL);
    if (st < 0)
        return complain("start", st);
    st = start(&job, ctx, in, out);
    if (st < 0)
        complain("start", st);
    else
        cst_ctx_run(ctx, NULL); /* files block, so one run does it all */
    cst_ctx_free(ctx);          /* frees the streams, which close their files */
    return job.exit_code;
}

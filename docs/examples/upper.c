/*
 * upper.c - a whole program: copies a file, or standard input, with a to z made A to Z.
 *
 *     upper [IN [OUT]]
 *
 *     file source  -->  upper  -->  file sink       a file of any size in a few hundred KiB
 *
 * The filter itself is in upper_filter.h. This file does what every program around a pipeline does:
 * make a context, make the stages, join them, run, look at the outcome.
 *
 * Signals are the program's own: stdio.h does not touch them. If the reader of its output goes
 * away, SIGPIPE ends upper silently, as it ends cat. A file that grows beyond the limit of the
 * process shall be an error message, so SIGXFSZ is ignored. To build it:
 *
 *     cc upper.c -o upper $(pkg-config --cflags --libs libcstream)
 *
 * Calls shown: cst_ctx_new, cst_file_source_new, cst_file_sink_new, cst_pipeline, cst_ctx_run,
 *              cst_ctx_free
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "upper_filter.h"

struct job {
    const char *in_name, *out_name;
    cst_stream *stages[3]; /* source, filter, sink */
    bool is_done;
};

/* Print a line. A status may carry an errno of the system. */
static bool complain(const char *what, cst_status st)
{
    int os = cst_status_os(st);

    fprintf(stderr, "upper: %s: %s\n", what, os ? strerror(os) : cst_status_text(st));
    return false;
}

/* Called once, when every stage is done. error is the first one that there was, or NULL. */
static void on_outcome(const cst_error *error, void *arg)
{
    struct job *job = arg;

    if (!error)
        job->is_done = true;
    else if (strcmp(error->stage, cst_stream_name(job->stages[0])) == 0)
        complain(job->in_name, error->status);
    else if (strcmp(error->stage, cst_stream_name(job->stages[2])) == 0)
        complain(job->out_name, error->status);
    else
        complain(error->stage, error->status);
}

/* Make the stages and join them; nothing flows before the context runs. The context owns the
 * stages, and each stage owns its file, which it closes whatever happens. */
static bool start(struct job *job, cst_ctx *ctx, const char *in, const char *out)
{
    FILE *file = in ? fopen(in, "rb") : stdin;
    cst_status st;

    if (!file)
        return complain(job->in_name, CST_OS(errno));
    st = cst_file_source_new(&job->stages[0], ctx, file, CST_FILE_OWNED, NULL);
    if (st < 0)
        return complain("start", st);

    file = out ? fopen(out, "wb") : stdout;
    if (!file)
        return complain(job->out_name, CST_OS(errno));
    st = cst_file_sink_new(&job->stages[2], ctx, file, CST_FILE_OWNED, NULL);
    if (st < 0)
        return complain("start", st);

    st = upper_new(&job->stages[1], ctx);
    if (st < 0)
        return complain("start", st);
    st = cst_pipeline(job->stages, 3, NULL, on_outcome, job);
    return st < 0 ? complain("start", st) : true;
}

int main(int argc, char **argv)
{
    const char *in = argc > 1 ? argv[1] : NULL, *out = argc > 2 ? argv[2] : NULL;
    struct job job = { in ? in : "standard input", out ? out : "standard output", { NULL }, false };
    cst_ctx *ctx;
    cst_status st = cst_ctx_new(&ctx, cst_allocator_malloc(), NULL);

#ifdef SIGXFSZ
    signal(SIGXFSZ, SIG_IGN);
#endif
    if (st < 0) {
        complain("start", st);
        return EXIT_FAILURE;
    }
    if (start(&job, ctx, in, out))
        cst_ctx_run(ctx, NULL); /* files block, so one run does it all */
    cst_ctx_free(ctx);          /* frees the streams, which close their files */
    return job.is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}

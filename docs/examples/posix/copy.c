/*
 * copy.c - copies a file, or standard input, into a file or to standard output.
 *
 *     copy [IN [OUT]]          "-" is the standard stream too
 *
 * A file is not copied onto itself: OUT is emptied before IN is read.
 *
 * Between two files the kernel moves the bytes (zero copy). To build it:
 *
 *     cc copy.c -o copy $(pkg-config --cflags --libs libcstream-posix)
 *
 * Calls shown: cst_loop_new, cst_fs_read_stream_new, cst_fs_write_stream_new, cst_stdin_new,
 *              cst_stdout_new, cst_pipeline, cst_loop_run, cst_loop_free
 */
#define _POSIX_C_SOURCE 200809L

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct job {
    const char *in_name, *out_name;
    cst_stream *stages[2]; /* source, sink */
    bool is_done;
};

static bool complain(const char *what, cst_status st)
{
    int os = cst_status_os(st);

    fprintf(stderr, "copy: %s: %s\n", what, os ? strerror(os) : cst_status_text(st));
    return false;
}

static void on_outcome(const cst_error *error, void *arg)
{
    struct job *job = arg;

    if (!error)
        job->is_done = true;
    else if (strcmp(error->stage, cst_stream_name(job->stages[0])) == 0)
        complain(job->in_name, error->status);
    else
        complain(job->out_name, error->status);
}

/* Return the name in an argument; NULL is the standard stream. */
static const char *name_of(const char *argument)
{
    return argument && strcmp(argument, "-") != 0 ? argument : NULL;
}

/* Return true if both names are of one regular file. */
static bool are_same_file(const char *in, const char *out)
{
    struct stat a, b;

    return in && out && stat(in, &a) == 0 && stat(out, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool start(struct job *job, cst_loop *loop, const char *in, const char *out)
{
    cst_ctx *ctx = cst_loop_ctx(loop);
    cst_status st = in ? cst_fs_read_stream_new(&job->stages[0], ctx, in, NULL)
                       : cst_stdin_new(&job->stages[0], loop, NULL);

    if (st < 0)
        return complain(job->in_name, st);
    st = out ? cst_fs_write_stream_new(&job->stages[1], ctx, out, NULL)
             : cst_stdout_new(&job->stages[1], loop, NULL);
    if (st < 0)
        return complain(job->out_name, st);
    st = cst_pipeline(job->stages, 2, NULL, on_outcome, job);
    return st < 0 ? complain("start", st) : true;
}

int main(int argc, char **argv)
{
    const char *in = name_of(argc > 1 ? argv[1] : NULL);
    const char *out = name_of(argc > 2 ? argv[2] : NULL);
    struct job job = { in ? in : "standard input", out ? out : "standard output", { NULL }, false };
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st < 0) {
        complain("start", st);
        return 1;
    }
    if (are_same_file(in, out)) {
        fprintf(stderr, "copy: %s and %s are one file\n", in, out);
        cst_loop_free(loop);
        return 1;
    }
    if (start(&job, loop, in, out) && (st = cst_loop_run(loop)) < 0)
        complain("run", st);
    cst_unref(job.stages[0]);
    cst_unref(job.stages[1]);
    cst_loop_free(loop);
    return job.is_done ? 0 : 1;
}

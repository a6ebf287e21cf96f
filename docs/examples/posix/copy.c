/*
 * copy.c - copies a file, or standard input, into a file or to standard output.
 *
 *     copy [IN [OUT]]          "-" is the standard stream too
 *
 * Between two files the bytes go through the kernel, without coming by here. To build it:
 *
 *     cc copy.c -o copy $(pkg-config --cflags --libs libcstream-posix)
 *
 * Calls shown: cst_loop_new, cst_fs_read_stream_new, cst_fs_write_stream_new, cst_stdin_new,
 *              cst_stdout_new, cst_pipeline, cst_loop_run, cst_loop_free
 */
#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <stdio.h>
#include <string.h>

static void on_outcome(const cst_error *error, void *arg)
{
    *(cst_status *)arg = error ? error->status : CST_OK;
}

static bool is_standard(const char *path)
{
    return !path || strcmp(path, "-") == 0;
}

static cst_status open_both(cst_stream *stages[2], cst_loop *loop, const char *in, const char *out)
{
    cst_ctx *ctx = cst_loop_ctx(loop);
    cst_status st = is_standard(in) ? cst_stdin_new(&stages[0], loop, NULL)
                                    : cst_fs_read_stream_new(&stages[0], ctx, in, NULL);

    if (st < 0)
        return st;
    return is_standard(out) ? cst_stdout_new(&stages[1], loop, NULL)
                            : cst_fs_write_stream_new(&stages[1], ctx, out, NULL);
}

static cst_status copy(cst_loop *loop, const char *in, const char *out)
{
    cst_stream *stages[2] = { NULL, NULL };
    cst_status outcome = CST_PENDING;
    cst_status st = open_both(stages, loop, in, out);

    if (st >= 0)
        st = cst_pipeline(stages, 2, NULL, on_outcome, &outcome);
    cst_unref(stages[0]);
    cst_unref(stages[1]);
    if (st >= 0)
        st = cst_loop_run(loop);
    return st < 0 ? st : outcome;
}

int main(int argc, char **argv)
{
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st >= 0) {
        st = copy(loop, argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : NULL);
        cst_loop_free(loop);
    }
    if (st < 0)
        fprintf(stderr, "copy: %s\n",
                cst_status_os(st) ? strerror(cst_status_os(st)) : cst_status_text(st));
    return st < 0;
}

/*
 * copy.c - first steps, 1: standard input to standard output.
 *
 *     cc copy.c -o copy $(pkg-config --cflags --libs libcstream)
 */
#include <cstream/cstream.h>

#include <stdio.h>
#include <string.h>

/* Print one line: which stage failed, and why. */
static void complain(const cst_error *error)
{
    char text[256];
    size_t size = sizeof(text);

    cst_error_text(text, &size, error, strerror);
    fprintf(stderr, "copy: %s\n", text);
}

int main(void)
{
    cst_ctx *ctx;
    cst_stream *stages[2];
    cst_error error = { 0 };
    cst_status st = cst_ctx_new(&ctx, cst_allocator_malloc(), NULL);

    if (st < 0)
        return 1;
    st = cst_file_source_new(&stages[0], ctx, stdin, CST_FILE_OWNED, NULL);
    if (st >= 0)
        st = cst_file_sink_new(&stages[1], ctx, stdout, CST_FILE_OWNED, NULL);
    if (st >= 0)
        st = cst_pipeline_run(&error, stages, 2, NULL, NULL);
    if (st < 0) {
        error.status = st;
        complain(&error);
    }
    cst_ctx_free(ctx); /* and with it the streams, which close their files */
    return st < 0;
}

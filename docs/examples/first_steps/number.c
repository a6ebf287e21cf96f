/*
 * number.c - first steps, 3: standard input with its lines numbered.
 *
 *     cc number.c -o number $(pkg-config --cflags --libs libcstream)
 */
#include "number.h"

#include <string.h>

/* Print one line: which stage failed, and why. */
static void complain(const cst_error *error)
{
    char text[256];
    size_t size = sizeof(text);

    cst_error_text(text, &size, error, strerror);
    fprintf(stderr, "number: %s\n", text);
}

int main(void)
{
    cst_ctx *ctx;
    cst_stream *stages[4];
    cst_error error = { 0 };
    cst_status st = cst_ctx_new(&ctx, cst_allocator_malloc(), NULL);

    if (st < 0)
        return 1;
    st = cst_file_source_new(&stages[0], ctx, stdin, CST_FILE_OWNED, NULL);
    if (st >= 0)
        st = cst_lines_new(&stages[1], ctx, NULL, NULL);
    if (st >= 0)
        st = number_new(&stages[2], ctx);
    if (st >= 0)
        st = cst_file_sink_new(&stages[3], ctx, stdout, CST_FILE_OWNED, NULL);
    if (st >= 0)
        st = cst_pipeline_run(&error, stages, 4, NULL, NULL);
    if (st < 0) {
        error.status = st;
        complain(&error);
    }
    cst_ctx_free(ctx);
    return st < 0;
}

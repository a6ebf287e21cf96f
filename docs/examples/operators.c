/*
 * operators.c - items through ready-made stages, each of which calls a function of yours.
 *
 *     lines  -->  filter  -->  map  -->  to_array
 *
 * Prints the lines that are no comments, in capitals. To build it:
 *
 *     cc operators.c -o operators $(pkg-config --cflags --libs libcstream)
 *
 * Calls shown: cst_from_fn_new, cst_filter_new, cst_map_new, cst_to_array_new, cst_pipeline
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cstream/cstream.h>

static const char text[] = "# the sea\nwaves\nwind\n# the land\nhills\n";

/* Return the next line. The bytes are static, so nothing is copied and nothing can fail. */
static cst_status next_line(cst_slice *out, void *arg)
{
    const char **rest = arg;
    size_t len = strcspn(*rest, "\n");

    if (**rest == '\0')
        return CST_EOF;
    *out = cst_slice_static(*rest, len);
    *rest += (*rest)[len] ? len + 1 : len;
    return CST_OK;
}

/* Say yes to a line that is no comment. */
static cst_status is_no_comment(bool *out, const cst_slice *line, void *arg)
{
    (void)arg;
    *out = line->len == 0 || line->data[0] != '#';
    return CST_OK;
}

/* Make a new slice of each line. A negative status fails the stage, and so the pipeline. */
static cst_status to_upper(cst_slice *out, const cst_slice *line, void *arg)
{
    cst_ctx *ctx = arg;
    cst_buf buf;
    cst_status st = cst_buf_new_cached(&buf, ctx, line->len);

    if (st < 0)
        return st;
    for (size_t i = 0; i < line->len; i++) {
        uint8_t byte = line->data[i];

        buf.data[i] = byte >= 'a' && byte <= 'z' ? byte & 0xDF : byte;
    }
    *out = cst_buf_freeze(&buf, line->len);
    return CST_OK;
}

static void on_outcome(const cst_error *error, void *arg)
{
    *(cst_status *)arg = error ? error->status : CST_OK;
}

/* Make the stages, join them and run: afterwards the lines are in the chain. */
static cst_status collect(cst_ctx *ctx, const char **rest, cst_chain *lines)
{
    cst_stream *stages[4];
    cst_status st, outcome = CST_E_PREMATURE_CLOSE;

    if ((st = cst_from_fn_new(&stages[0], ctx, NULL, next_line, rest)) < 0 ||
        (st = cst_filter_new(&stages[1], ctx, NULL, is_no_comment, NULL)) < 0 ||
        (st = cst_map_new(&stages[2], ctx, NULL, to_upper, ctx)) < 0 ||
        (st = cst_to_array_new(&stages[3], ctx, lines, NULL, NULL, NULL)) < 0 ||
        (st = cst_pipeline(stages, 4, NULL, on_outcome, &outcome)) < 0)
        return st;
    cst_ctx_run(ctx, NULL);
    return outcome;
}

int main(void)
{
    const char *rest = text;
    cst_chain lines;
    cst_ctx *ctx;
    cst_status st = cst_ctx_new(&ctx, cst_allocator_malloc(), NULL);

    if (st < 0)
        return EXIT_FAILURE;
    cst_chain_init(&lines, cst_allocator_malloc());
    st = collect(ctx, &rest, &lines);
    cst_ctx_free(ctx); /* before the chain, which its stream uses */
    for (size_t i = 0; i < cst_chain_count(&lines); i++) {
        const cst_slice *line = &cst_chain_slices(&lines)[i];

        printf("%.*s\n", (int)line->len, (const char *)line->data);
    }
    cst_chain_fini(&lines);
    if (st < 0)
        fprintf(stderr, "operators: %s\n", cst_status_text(st));
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("operators: standard output");
        return EXIT_FAILURE;
    }
    return st < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

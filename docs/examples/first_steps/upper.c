/*
 * upper.c - first steps, 2: a filter of one's own between the two.
 *
 *     cc upper.c -o upper $(pkg-config --cflags --libs libcstream)
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
    fprintf(stderr, "upper: %s\n", text);
}

static cst_status upper_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_buf out;
    cst_status st = cst_buf_new_cached(&out, cst_stream_ctx(s), chunk->len);

    (void)self;
    if (st < 0)
        return st; /* fails the stream, and so the pipeline */
    for (size_t i = 0; i < chunk->len; i++) {
        const uint8_t byte = chunk->data[i];

        out.data[i] = byte >= 'a' && byte <= 'z' ? byte & 0xDF : byte;
    }
    return cst_give(s, cst_buf_freeze(&out, chunk->len));
}

static const cst_ops upper_ops = { .name = "upper", .transform = upper_transform };

int main(void)
{
    cst_ctx *ctx;
    cst_stream *stages[3];
    cst_error error = { 0 };
    cst_status st = cst_ctx_new(&ctx, cst_allocator_malloc(), NULL);

    if (st < 0)
        return 1;
    st = cst_file_source_new(&stages[0], ctx, stdin, CST_FILE_OWNED, NULL);
    if (st >= 0)
        st = cst_transform_new(&stages[1], ctx, &upper_ops, NULL, NULL);
    if (st >= 0)
        st = cst_file_sink_new(&stages[2], ctx, stdout, CST_FILE_OWNED, NULL);
    if (st >= 0)
        st = cst_pipeline_run(&error, stages, 3, NULL, NULL);
    if (st < 0) {
        error.status = st;
        complain(&error);
    }
    cst_ctx_free(ctx);
    return st < 0;
}

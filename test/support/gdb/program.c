/* program.c - what gdb-check.sh looks at: a source that waits for its sink. gdb stops in look. */
#include <cstream/cstream.h>

static cst_status keep_waiting(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)s;
    (void)self;
    (void)chunk;
    return CST_PENDING;
}

static const cst_ops source_ops = { .name = "source" };
static const cst_ops sink_ops = { .name = "sink", .write = keep_waiting };

static void look(const cst_stream *r, const cst_stream *w, const cst_chain *chain,
                 cst_status status)
{
    const cst_slice text = cst_slice_str("hello");

    (void)text;
    (void)r;
    (void)w;
    (void)chain;
    (void)status; /* gdb stops here */
}

int main(void)
{
    const cst_opts opts = { .high_water_mark = 4 };
    cst_ctx *ctx = NULL;
    cst_stream *r = NULL, *w = NULL;
    cst_chain chain;

    cst_chain_init(&chain, cst_allocator_malloc());
    cst_chain_append(&chain, cst_slice_str("abc"));
    cst_chain_append(&chain, cst_slice_str("defg"));
    if (cst_ctx_new(&ctx, cst_allocator_malloc(), NULL) != CST_OK ||
        cst_readable_new(&r, ctx, &source_ops, NULL, &opts) != CST_OK ||
        cst_writable_new(&w, ctx, &sink_ops, NULL, &opts) != CST_OK)
        return 1;
    cst_pipe(r, w, NULL);
    cst_ctx_run(ctx, NULL);
    cst_push_copy(r, "abcd", 4);
    cst_push_copy(r, "efg", 3);
    look(r, w, &chain, CST_USER(7));
    cst_chain_fini(&chain);
    cst_unref(r);
    cst_unref(w);
    cst_ctx_free(ctx);
    return 0;
}

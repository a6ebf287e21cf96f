/*
 * consumer.c - a program outside the tree, as install-check.sh builds it: it streams bytes from
 * memory through a filter of its own into memory. Exits 0 if they are then as they should be.
 */
#include <cstream/cstream.h>

#include <stdio.h>
#include <string.h>

static cst_status rot13(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_buf out;

    (void)self;
    if (cst_buf_new_cached(&out, cst_stream_ctx(s), chunk->len) < 0)
        return CST_E_NOMEM;
    for (size_t i = 0; i < chunk->len; i++) {
        uint8_t byte = chunk->data[i];

        if ((byte >= 'a' && byte <= 'm') || (byte >= 'A' && byte <= 'M'))
            byte = (uint8_t)(byte + 13);
        else if ((byte >= 'n' && byte <= 'z') || (byte >= 'N' && byte <= 'Z'))
            byte = (uint8_t)(byte - 13);
        out.data[i] = byte;
    }
    return cst_give(s, cst_buf_freeze(&out, chunk->len));
}

static const cst_ops rot13_ops = { .name = "rot13", .transform = rot13 };

static void on_done(const cst_error *error, void *arg)
{
    *(cst_status *)arg = error ? error->status : CST_OK;
}

/* Stream text through the filter into `what`, in chunks of four bytes. */
static cst_status stream_text(cst_ctx *ctx, cst_chain *what, const char *text)
{
    cst_stream *stages[3] = { NULL, NULL, NULL };
    cst_status outcome = CST_PENDING;
    const cst_opts opts = { .high_water_mark = 4 };
    cst_status st = cst_memory_source_new(&stages[0], ctx, cst_slice_str(text), &opts);

    if (st >= 0)
        st = cst_transform_new(&stages[1], ctx, &rot13_ops, NULL, &opts);
    if (st >= 0)
        st = cst_memory_sink_new(&stages[2], ctx, what, 0, &opts);
    if (st >= 0)
        st = cst_pipeline(stages, 3, NULL, on_done, &outcome);
    for (size_t i = 0; i < 3; i++)
        cst_unref(stages[i]);
    if (st >= 0)
        st = cst_ctx_run(ctx, NULL);
    return st < 0 ? st : outcome;
}

int main(void)
{
    static const char want[] = "Gur dhvpx oebja sbk";
    char got[sizeof(want)] = "";
    const cst_allocator *allocator = cst_allocator_malloc();
    cst_chain chain;
    cst_ctx *ctx;
    cst_status st;
    int failed;

    if (cst_version() != CST_VERSION || cst_ctx_new(&ctx, allocator, NULL) < 0)
        return 1;
    cst_chain_init(&chain, allocator);
    st = stream_text(ctx, &chain, "The quick brown fox");
    failed = st != CST_OK || cst_chain_bytes(&chain) != strlen(want);
    cst_chain_copy(got, &chain, sizeof(got) - 1);
    failed = failed || strcmp(got, want) != 0;
    if (failed)
        fprintf(stderr, "consumer: %s, got \"%s\"\n", cst_status_text(st), got);
    cst_chain_fini(&chain);
    cst_ctx_free(ctx);
    return failed;
}

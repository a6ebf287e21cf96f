/*
 * from.c - stages.h: a source of the items of an array, or of those that a function returns.
 */
#include "cstream/stages.h"

struct from {
    cst_from_fn *next;
    void *arg;
    cst_chain items; /* of an array: what was not pushed yet */
    bool is_array;
    bool is_reading; /* next is running: what it does to the stream must not call it again */
};

static cst_status next_item(struct from *from, cst_slice *out)
{
    if (!from->is_array)
        return from->next(out, from->arg);
    return cst_chain_pop(out, &from->items) == CST_OK ? CST_OK : CST_EOF;
}

/*
 * Push one item, or EOF, or set *answer to a failure. Return whether the stream wants another item.
 */
static bool push_one(cst_stream *s, struct from *from, cst_status *answer)
{
    cst_slice item = cst_slice_empty();
    cst_status st = next_item(from, &item);

    if (st == CST_OK)
        return cst_push(s, item) == CST_OK && !cst_is_destroyed(s);
    cst_slice_unref(&item);
    if (st == CST_EOF)
        cst_push_eof(s);
    else
        *answer = st < 0 ? st : CST_E_INVALID_ARG;
    return false;
}

static cst_status from_read(cst_stream *s, void *self, size_t hint)
{
    struct from *from = self;
    cst_status answer = CST_OK;

    (void)hint;
    if (from->is_reading)
        return CST_OK;
    from->is_reading = true;
    while (push_one(s, from, &answer))
        ;
    from->is_reading = false;
    return answer;
}

static cst_status from_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct from *from = self;

    (void)s;
    (void)error;
    cst_chain_fini(&from->items);
    return CST_OK;
}

static const cst_ops from_ops = {
    .name = "from",
    .self_size = sizeof(struct from),
    .read = from_read,
    .destroy = from_destroy,
};

/* Make the stream. from->items is taken, also on failure. */
static cst_status from_new(cst_stream **out, cst_ctx *ctx, struct from *from, const cst_opts *opts)
{
    cst_opts settled = { .object_mode = true };
    cst_status st;

    if (opts)
        settled = *opts;
    if (settled.high_water_mark == 0)
        settled.high_water_mark = 1;
    st = cst_readable_new(out, ctx, &from_ops, from, &settled);
    if (st < 0)
        cst_chain_fini(&from->items);
    return st;
}

cst_status cst_from_array_new(cst_stream **out, cst_ctx *ctx, const cst_slice *items, size_t count,
                              const cst_opts *opts)
{
    struct from from = { .is_array = true };

    if (!ctx || (!items && count))
        return CST_E_INVALID_ARG;
    cst_chain_init(&from.items, cst_ctx_allocator(ctx));
    for (size_t i = 0; i < count; i++) {
        cst_status st = cst_chain_append(&from.items, cst_slice_ref(&items[i]));

        if (st < 0) {
            cst_chain_fini(&from.items);
            return st;
        }
    }
    return from_new(out, ctx, &from, opts);
}

cst_status cst_from_fn_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_from_fn *next,
                           void *arg)
{
    struct from from = { .next = next, .arg = arg };

    if (!ctx || !next)
        return CST_E_INVALID_ARG;
    cst_chain_init(&from.items, cst_ctx_allocator(ctx)); /* it stays empty */
    return from_new(out, ctx, &from, opts);
}

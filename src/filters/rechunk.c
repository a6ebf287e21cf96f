/* rechunk.c - stages.h: messages of one size. */
#include "cstream/stages.h"

#include <string.h>

#include "filters/gather.h"
#include "filters/outputs.h"

struct rechunk {
    size_t size;
    cst_on_rest on_rest;
    struct cst__gather held;
    size_t at; /* how much of the slot's chunk is done */
};

static cst_status push_units(cst_stream *s, struct rechunk *rechunk, const cst_slice *chunk)
{
    cst_ctx *ctx = cst_stream_ctx(s);

    while (chunk->len - rechunk->at >= rechunk->size - rechunk->held.len) {
        size_t n = rechunk->size - rechunk->held.len;
        cst_status answer;
        cst_slice unit;
        cst_status st =
            cst__gather_take(&unit, &rechunk->held, ctx, chunk, rechunk->at, rechunk->size);

        if (st < 0)
            return st;
        rechunk->at += n;
        if (cst__has_to_stop(&answer, s, cst_push(s, unit)) && rechunk->at < chunk->len)
            return answer;
    }
    if (cst_is_destroyed(s))
        return CST_OK;
    return cst__gather_add(&rechunk->held, ctx, chunk, rechunk->at, chunk->len - rechunk->at,
                           rechunk->size);
}

static cst_status rechunk_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct rechunk *rechunk = self;
    cst_status st = push_units(s, rechunk, chunk);

    if (st != CST_AGAIN)
        rechunk->at = 0;
    return st;
}

static cst_status give_with_zeroes(cst_stream *s, struct rechunk *rechunk, const cst_slice *rest)
{
    cst_buf buf;
    cst_status st = cst_buf_new_cached(&buf, cst_stream_ctx(s), rechunk->size);

    if (st < 0)
        return st;
    memcpy(buf.data, rest->data, rest->len);
    memset(buf.data + rest->len, 0, rechunk->size - rest->len);
    return cst_give(s, cst_buf_freeze(&buf, rechunk->size));
}

static cst_status rechunk_flush(cst_stream *s, void *self)
{
    const cst_slice nothing = cst_slice_empty();
    struct rechunk *rechunk = self;
    cst_slice rest;
    cst_status st;

    if (rechunk->held.len == 0)
        return CST_OK;
    if (rechunk->on_rest == CST_REST_FAIL)
        return CST_E_INVALID_BUFFER_SIZE;
    st = cst__gather_take(&rest, &rechunk->held, cst_stream_ctx(s), &nothing, 0, rechunk->held.len);
    if (st < 0)
        return st;
    if (rechunk->on_rest == CST_REST_SHORT)
        return cst_give(s, rest);
    st = give_with_zeroes(s, rechunk, &rest);
    cst_slice_unref(&rest);
    return st;
}

static cst_status rechunk_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct rechunk *rechunk = self;

    (void)s;
    (void)error;
    cst__gather_drop(&rechunk->held);
    return CST_OK;
}

static const cst_ops rechunk_ops = {
    .name = "rechunk",
    .self_size = sizeof(struct rechunk),
    .transform = rechunk_transform,
    .flush = rechunk_flush,
    .destroy = rechunk_destroy,
};

cst_status cst_rechunk_new(cst_stream **out, cst_ctx *ctx, size_t size, cst_on_rest on_rest,
                           const cst_opts *opts)
{
    const struct rechunk rechunk = { .size = size, .on_rest = on_rest };
    cst_opts modes;

    if (size == 0 || !cst__set_modes(&modes, opts, true, false) ||
        (on_rest != CST_REST_SHORT && on_rest != CST_REST_FAIL && on_rest != CST_REST_ZEROES))
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, &rechunk_ops, &rechunk, &modes);
}

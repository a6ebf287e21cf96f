/*
 * coalesce_stage.c - stages.h: small chunks joined.
 *
 *   small chunks -> [ buffer of `size` bytes ] -> one chunk, if it is full or its time comes
 *
 * The task of the turn's end cannot be taken back: while it is queued the stage holds a reference
 * to itself, so that its self stays.
 */
#include "cstream/stages.h"

#include <string.h>

#include "filters/outputs.h"

struct coalesce {
    size_t size;
    uint64_t delay_ns;
    cst_stream *stream;
    cst_buf buf;
    size_t len;
    cst_task task;
    cst_timer timer;
};

static cst_slice take_held(struct coalesce *coalesce)
{
    size_t len = coalesce->len;

    coalesce->len = 0;
    cst_timer_stop(cst_stream_ctx(coalesce->stream), &coalesce->timer);
    return cst_buf_freeze(&coalesce->buf, len);
}

static void push_held(struct coalesce *coalesce, cst_stream *s)
{
    if (coalesce->len > 0 && !cst_is_destroyed(s))
        cst_push(s, take_held(coalesce));
}

static void time_came(void *arg)
{
    struct coalesce *coalesce = arg;

    push_held(coalesce, coalesce->stream);
}

static void turn_ended(void *arg)
{
    struct coalesce *coalesce = arg;
    cst_stream *s = coalesce->stream;

    push_held(coalesce, s);
    cst_unref(s);
}

/* The first byte is held: see that it goes. */
static cst_status start_waiting(struct coalesce *coalesce, cst_stream *s)
{
    cst_ctx *ctx = cst_stream_ctx(s);

    coalesce->stream = s;
    if (coalesce->delay_ns > 0)
        return cst_timer_start_in(ctx, &coalesce->timer, coalesce->delay_ns, time_came, coalesce);
    if (cst_at_turn_end(ctx, &coalesce->task, turn_ended, coalesce) == CST_OK)
        cst_ref(s);
    return CST_OK;
}

static cst_status hold(struct coalesce *coalesce, cst_stream *s, const cst_slice *chunk)
{
    cst_status st;

    if (coalesce->len == 0) {
        cst_buf_free(&coalesce->buf); /* left by a timer that could not be started */
        st = cst_buf_new_cached(&coalesce->buf, cst_stream_ctx(s), coalesce->size);
        if (st < 0)
            return st;
        st = start_waiting(coalesce, s);
        if (st < 0)
            return st;
    }
    memcpy(coalesce->buf.data + coalesce->len, chunk->data, chunk->len);
    coalesce->len += chunk->len;
    return CST_OK;
}

static cst_status coalesce_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct coalesce *coalesce = self;

    if (chunk->len == 0)
        return CST_OK;
    if (chunk->len > coalesce->size - coalesce->len) {
        push_held(coalesce, s);
        if (cst_is_destroyed(s))
            return CST_OK;
    }
    if (chunk->len >= coalesce->size)
        return cst_give(s, cst_slice_ref(chunk));
    if (chunk->len + coalesce->len < coalesce->size || coalesce->len == 0)
        return hold(coalesce, s, chunk);
    memcpy(coalesce->buf.data + coalesce->len, chunk->data, chunk->len);
    coalesce->len += chunk->len;
    return cst_give(s, take_held(coalesce));
}

static cst_status coalesce_flush(cst_stream *s, void *self)
{
    struct coalesce *coalesce = self;

    return coalesce->len > 0 ? cst_give(s, take_held(coalesce)) : CST_OK;
}

static cst_status coalesce_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct coalesce *coalesce = self;

    (void)error;
    cst_timer_stop(cst_stream_ctx(s), &coalesce->timer);
    cst_buf_free(&coalesce->buf);
    coalesce->len = 0;
    return CST_OK;
}

static const cst_ops coalesce_ops = {
    .name = "coalesce",
    .self_size = sizeof(struct coalesce),
    .transform = coalesce_transform,
    .flush = coalesce_flush,
    .destroy = coalesce_destroy,
};

cst_status cst_coalesce_new(cst_stream **out, cst_ctx *ctx, size_t size, uint64_t delay_ns,
                            const cst_opts *opts)
{
    const struct coalesce coalesce = { .size = size, .delay_ns = delay_ns };
    cst_opts modes = opts ? *opts : (cst_opts){ .object_mode = false };

    if (size == 0 || modes.readable_object_mode)
        return CST_E_INVALID_ARG;
    modes.writable_object_mode = modes.writable_object_mode || modes.object_mode;
    modes.object_mode = false;
    return cst_transform_new(out, ctx, &coalesce_ops, &coalesce, &modes);
}

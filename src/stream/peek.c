/*
 * peek.c - cst_peek: looks at the first bytes of the buffer.
 */
#include "stream/stream_internal.h"

#include <string.h>

/* Copy the first n bytes of the buffer, which lie in several chunks. */
static cst_status join(cst_slice *out, const cst_stream *s, size_t n)
{
    const cst_slice *chunk = cst__row_front(&cst__r(s)->buffer);
    size_t at = 0;
    cst_buf buf;
    cst_status st = cst_buf_new(&buf, s->ctx->allocator, n);

    if (st < 0)
        return st;
    for (; at < n; chunk++) {
        size_t len = chunk->len < n - at ? chunk->len : n - at;

        memcpy(buf.data + at, chunk->data, len);
        at += len;
    }
    *out = cst_buf_freeze(&buf, n);
    return CST_OK;
}

/* Look at what is buffered. CST_EMPTY: there is less than n, and more may come. */
static cst_status look(cst_slice *out, const cst_stream *s, size_t n)
{
    const struct readable *r = cst__r(s);
    bool all = (s->hot & R_OBJECTS) ? r->length > 0 : r->length >= n;
    size_t len = all ? n : r->length;
    cst_status st = CST_OK;

    if (!all && !(s->hot & R_ENDED))
        return CST_EMPTY;
    if (r->length == 0)
        *out = cst_slice_empty();
    else if (s->hot & R_OBJECTS)
        *out = cst_slice_ref(cst__row_front(&r->buffer));
    else if (cst__row_front(&r->buffer)->len >= len)
        *out = cst_slice_sub(cst__row_front(&r->buffer), 0, len);
    else
        st = join(out, s, len);
    if (st < 0)
        return st;
    return all ? CST_OK : CST_EOF;
}

/* Ask for more as cst_read(n) does, without a chunk. If there is still too little, let 'readable'
 * wait for the rest. */
static cst_status ask(cst_slice *out, cst_stream *s, size_t n)
{
    bool objects = (s->hot & R_OBJECTS) != 0;
    struct cst__least *least = cst__least_new(s, objects ? 1 : n);
    cst_status st = CST_EMPTY;

    if (!least)
        return CST_E_NOMEM;
    if (!objects)
        cst__raise_mark(s, n);
    cst__read_chunk(s, 0, NULL, &st);
    st = look(out, s, n);
    if (st == CST_EMPTY && !cst__listened(s, CST__EVENT_LEAST))
        cst__least_set(s, least);
    else
        cst__least_drop(least);
    return st;
}

static cst_status peek(cst_slice *out, cst_stream *s, size_t n)
{
    cst_status st = CST_EMPTY;

    if (cst__listened(s, CST__EVENT_LEAST))
        cst__least_over(s);
    if (!(s->hot & DESTROYED))
        st = look(out, s, n);
    if (st == CST_EMPTY && !(s->hot & (DESTROYED | ERRORED)))
        st = ask(out, s, n);
    if (st != CST_EMPTY)
        return st;
    if (s->hot & ERRORED)
        return s->error.status;
    if (!(s->hot & DESTROYED))
        return CST_EMPTY;
    if (!s->r_end_emitted)
        return CST_E_PREMATURE_CLOSE;
    *out = cst_slice_empty();
    return CST_EOF;
}

cst_status cst_peek(cst_slice *out, cst_stream *s, size_t n)
{
    cst_status st;
    cst_ctx *ctx;

    if (!out || !s || !s->has_readable || n == 0)
        return CST_E_INVALID_ARG;
    if (n > LARGEST_READ)
        return CST_E_OUT_OF_RANGE;
    ctx = s->ctx;
    cst__enter(ctx);
    st = peek(out, s, n);
    cst__leave(ctx);
    return st;
}

/*
 * upper_filter.h - a filter as you write one: a to z become A to Z, every other byte stays.
 *
 * This is all of it: one function that turns a chunk into a chunk, one table that names it, one
 * constructor. It needs no header but the library's, no malloc and no cast. upper.c puts it to use;
 * demo.c measures it.
 *
 * Calls shown: cst_buf_new_cached, cst_buf_freeze, cst_give, cst_transform_new
 */
#ifndef UPPER_FILTER_H
#define UPPER_FILTER_H

#include <cstream/cstream.h>

/* The transform slot. chunk is only lent: others may look at the same bytes, so the result goes
 * into a new buffer. The context recycles these, which is why a long file costs no allocation per
 * chunk. */
static cst_status upper_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_buf out;
    cst_status st = cst_buf_new_cached(&out, cst_stream_ctx(s), chunk->len);

    (void)self; /* this filter has no state; see .self_size in stream.h for one that has */
    if (st < 0)
        return st; /* a negative answer fails the stream, and with it the pipeline */
    for (size_t i = 0; i < chunk->len; i++) {
        uint8_t byte = chunk->data[i];

        out.data[i] = byte >= 'a' && byte <= 'z' ? byte & 0xDF : byte; /* the case is one bit */
    }
    return cst_give(s, cst_buf_freeze(&out, chunk->len)); /* "done, and here is what came of it" */
}

/* The name is what an error says it came from. */
static const cst_ops upper_ops = { .name = "upper", .transform = upper_transform };

static cst_status upper_new(cst_stream **out, cst_ctx *ctx)
{
    return cst_transform_new(out, ctx, &upper_ops, NULL, NULL);
}

#endif

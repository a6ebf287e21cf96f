/*
 * upper_filter.h - a filter as you write one: a to z become A to Z, every other byte stays.
 *
 * This is all of it: a function that turns a chunk into a chunk, a table that names the function,
 * and a constructor. It needs no header but the library's, no malloc and no cast. upper.c uses it;
 * demo.c measures it.
 *
 * Calls shown: cst_buf_new_cached, cst_buf_freeze, cst_give, cst_transform_new
 */
#ifndef UPPER_FILTER_H
#define UPPER_FILTER_H

#include <cstream/cstream.h>

/* The transform slot. chunk is borrowed, and others may look at its bytes, so the result goes into
 * a new buffer. The context reuses the blocks of buffers, so a long file costs no allocation per
 * chunk. */
static cst_status upper_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_buf out;
    cst_status st = cst_buf_new_cached(&out, cst_stream_ctx(s), chunk->len);

    (void)self; /* this filter has no state; for one that has, see .self_size in stream.h */
    if (st < 0)
        return st; /* a negative status fails the stream, and so the pipeline */
    for (size_t i = 0; i < chunk->len; i++) {
        uint8_t byte = chunk->data[i];

        out.data[i] = byte >= 'a' && byte <= 'z' ? byte & 0xDF : byte; /* the case is one bit */
    }
    return cst_give(s, cst_buf_freeze(&out, chunk->len)); /* done, with this chunk */
}

/* Errors name the stage by this name. */
static const cst_ops upper_ops = { .name = "upper", .transform = upper_transform };

static cst_status upper_new(cst_stream **out, cst_ctx *ctx)
{
    return cst_transform_new(out, ctx, &upper_ops, NULL, NULL);
}

#endif

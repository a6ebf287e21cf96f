/*
 * duplex.h - streams with both sides: duplex, transform, pass-through.
 *
 * The two sides of a duplex are independent: what is written does not come out on the readable side
 * unless the slots make it so. Errors and destroy concern both sides. In a transform the transform
 * and flush slots feed the readable side, and the next chunk is taken only when the output is below
 * its highWaterMark.
 */
#ifndef CSTREAM_DUPLEX_H
#define CSTREAM_DUPLEX_H

#include "readable.h"
#include "writable.h"

/**
 * Make a stream with both sides. It must have the slot write or writev, unless no_writable is set.
 * Form and results are in stream.h. Node: new Duplex.
 */
CST_API cst_status cst_duplex_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                  const void *self, const cst_opts *opts);

/**
 * Make a filter. It must have the slot transform. Form and results are in stream.h.
 * Node: new Transform.
 */
CST_API cst_status cst_transform_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                     const void *self, const cst_opts *opts);

/** Make a transform that passes every chunk on unchanged. Node: new PassThrough. */
CST_API cst_status cst_passthrough_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts);

/** Make a pass-through with the slots construct, final, flush and destroy of ops. */
CST_API cst_status cst_passthrough_new_with(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                            const void *self, const cst_opts *opts);

#endif

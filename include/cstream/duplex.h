/*
 * duplex.h - streams with both sides: duplex, transform, pass-through, and pairs.
 *
 * The sides of a duplex are independent: what is written does not come out on the readable side, unless the slots make
 * it so. Errors and destroy concern both. A transform's readable side is fed by its transform and flush slots, and it
 * takes the next chunk only when its own output is below the highWaterMark.
 */
#ifndef CSTREAM_DUPLEX_H
#define CSTREAM_DUPLEX_H

#include "readable.h"
#include "writable.h"

/** Both sides. It must have the slot write or writev, unless no_writable. See stream.h. Node: new Duplex. */
CST_API cst_status cst_duplex_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                  const void *self, const cst_opts *opts);

/** A filter. It must have the slot transform. See stream.h for the form. Node: new Transform. */
CST_API cst_status cst_transform_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                     const void *self, const cst_opts *opts);

/** A transform that hands every chunk on as it is. Node: new PassThrough. */
CST_API cst_status cst_passthrough_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts);

/** A pass-through with slots of its own beside that: construct, final, flush and destroy of ops. */
CST_API cst_status cst_passthrough_new_with(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                            const void *self, const cst_opts *opts);

#endif

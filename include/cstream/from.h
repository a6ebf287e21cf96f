/*
 * from.h - a source out of an array of slices, or out of a function that yields one after another.
 *
 * Node: Readable.from. What is yielded are items: one is asked for whenever the stream has room, none is joined with
 * its neighbour or cut, and after the last comes EOF.
 *
 * Options, here and there as in Node: NULL means object mode and a highWaterMark of 1, so that one item is yielded
 * ahead of the reader. Options that are given count as they are: object_mode has to be set to keep items apart, and
 * is left off where the items are pieces of one stream of bytes (an empty one is then nothing). Their high_water_mark
 * of 0 is 1 too; the mark of 0 itself is CST_HWM_ZERO.
 */
#ifndef CSTREAM_FROM_H
#define CSTREAM_FROM_H

#include "chain.h"
#include "readable.h"

/**
 * A source that gives count slices in their order.
 *
 * items  borrowed for the call, a reference is taken to each; may be NULL where count is 0. References that were not
 *        given on are let go of when the stream is destroyed.
 *
 * As the constructors in stream.h, and:
 * CST_E_INVALID_ARG   also: items is NULL and count is not 0
 * CST_E_OUT_OF_RANGE  all items together hold more bytes than fit a size_t
 */
CST_API cst_status cst_from_array_new(cst_stream **out, cst_ctx *ctx, const cst_slice *items, size_t count,
                                      const cst_opts *opts);

/**
 * Yields the next item: a step of Node's iterator.
 *
 * CST_OK             *out is the next item, the stream's from now on; it comes in empty
 * CST_EOF            there is none, and never will be: not called again
 * a negative status  the stream fails with it: not called again
 * another one        a mistake: the stream fails with CST_E_INVALID_ARG
 *
 * What *out holds in the last three cases is let go of. It is called inside the read slot, never inside itself, and
 * not any more once the stream has been destroyed: it may destroy the stream, and the item that it yields then is
 * dropped. An item that comes only later cannot be yielded: that is a source with a read slot of its own (stream.h).
 */
typedef cst_status cst_from_fn(void *arg, cst_slice *out);

/**
 * A source that gives what next(arg, ...) yields.
 *
 * arg  handed to next; it must stay until the stream has been destroyed ('close' says so)
 *
 * As the constructors in stream.h; CST_E_INVALID_ARG also where next is NULL.
 */
CST_API cst_status cst_from_fn_new(cst_stream **out, cst_ctx *ctx, cst_from_fn *next, void *arg, const cst_opts *opts);

#endif

/*
 * gather.h - the beginning of a message whose end has not come yet.
 *
 *   one chunk has a part of it     view  a reference to that part
 *   several chunks have            buf   their parts, in a buffer that doubles
 *
 * So a message that lies in one chunk is never copied, one that lies in two is joined once, and
 * chunks of one byte each take no more memory than twice their bytes. A list of the parts would
 * hold a slice, and maybe a whole block, for each byte that a peer sends alone.
 */
#ifndef CSTREAM_GATHER_H
#define CSTREAM_GATHER_H

#include "cstream/ctx.h"

/* Zeroes hold nothing. len counts what is held, in view or, if that is empty, in buf. */
struct cst__gather {
    cst_slice view;
    cst_buf buf;
    size_t len;
};

/*
 * Hold n bytes more: those of chunk from index `from` on. most is a bound of what will be held in
 * the end. A failure leaves what is held as it is.
 */
cst_status cst__gather_add(struct cst__gather *gather, cst_ctx *ctx, const cst_slice *chunk,
                           size_t from, size_t n, size_t most);

/*
 * Return the first len bytes of what is held and of the chunk behind it from index `from` on, and
 * hold nothing. A failure leaves what is held as it is.
 */
cst_status cst__gather_take(cst_slice *out, struct cst__gather *gather, cst_ctx *ctx,
                            const cst_slice *chunk, size_t from, size_t len);

/* Return a byte that is held. */
uint8_t cst__gather_at(const struct cst__gather *gather, size_t index);

/* Let go of everything. */
void cst__gather_drop(struct cst__gather *gather);

#endif

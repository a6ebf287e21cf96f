/*
 * chain.h - a queue of slices, and a cursor that reads it.
 */
#ifndef CSTREAM_CHAIN_H
#define CSTREAM_CHAIN_H

#include "slice.h"

/*
 * a queue of slices that knows its byte count.
 *
 * Chunks go in at either end and come out at the front, whole or cut to a number of bytes; no byte is ever copied. The
 * slices lie side by side in one array, so the whole chain can be handed to a vectored write.
 *
 *   items: [ . . | "The quick" | " brown" | " fox" | . . . ]      bytes: 19, count: 3
 *                ^ front                            ^ room for more
 *
 * The caller holds the struct: init, then fini. Node has no such type; the nearest is the list given to writev.
 */

/** The array of a chain, and what of it is in use. */
typedef struct cst_chain_row {
    cst_slice *items;
    uint32_t head, count, cap;
    uint32_t spare; /* for whoever holds the row */
} cst_chain_row;

/** Storage of the caller's. The fields are the library's own: use the functions. */
typedef struct cst_chain {
    const cst_allocator *allocator;
    cst_chain_row row;
    size_t bytes;
} cst_chain;

/** An empty chain; allocates nothing. */
CST_API void cst_chain_init(cst_chain *chain, const cst_allocator *allocator);

/** Lets go of every chunk and of the array. The chain is then as after init. NULL is fine. */
CST_API void cst_chain_fini(cst_chain *chain);

/** Adds a chunk at the end, or at the front. Taken on every path.
 * CST_OK, CST_E_NOMEM (the chain is as it was), CST_E_OUT_OF_RANGE (the byte count would not fit a size_t),
 * CST_E_INVALID_ARG (chain is NULL or was not initialised). */
CST_API cst_status cst_chain_append(cst_chain *chain, cst_slice chunk);
CST_API cst_status cst_chain_prepend(cst_chain *chain, cst_slice chunk);

/** Takes the first chunk out. CST_OK, or CST_EMPTY and *out is untouched. */
CST_API cst_status cst_chain_pop(cst_slice *out, cst_chain *chain);

/** Drops the first n bytes, at most all. Empty chunks before or at the cut go too. */
CST_API void cst_chain_consume(cst_chain *chain, size_t n);

/** Copies up to n bytes from the front to where the caller says, without taking them out; gives how many. */
CST_API size_t cst_chain_copy(void *to, const cst_chain *chain, size_t n);

/**
 * Takes exactly n bytes out of the front as one slice: a whole chunk or a part of the first without a copy, else joined
 * in a new block from the chain's allocator. Empty chunks before or at the cut go too.
 *
 * CST_OK              *out is the caller's
 * CST_E_NOMEM         nothing has changed
 * CST_E_OUT_OF_RANGE  the chain holds fewer than n bytes
 */
CST_API cst_status cst_chain_read(cst_slice *out, cst_chain *chain, size_t n);

/** Bytes, and chunks, in the chain. */
CST_API size_t cst_chain_bytes(const cst_chain *chain);
CST_API size_t cst_chain_count(const cst_chain *chain);

/** The chunks, side by side; borrowed, valid until the chain next changes. NULL where there is none. */
CST_API const cst_slice *cst_chain_slices(const cst_chain *chain);

/*
 * reading a chain from front to back as if its chunks were joined.
 *
 * A cursor is a place in a chain. It reads numbers and bytes across the edges of chunks and moves on; where the chain
 * does not hold enough yet it says so and stays, so that the same call can be made again when more has come. It takes
 * nothing out: what has been dealt with is consumed from the chain, by as many bytes as the cursor has passed.
 *
 *     cst_cursor cursor = cst_cursor_of(&received);
 *     uint32_t length;
 *
 *     while (cst_cursor_get_u32_be(&length, &cursor) == CST_OK && cst_cursor_skip(&cursor, length) == CST_OK)
 *         whole = cst_cursor_position(&cursor);          // behind the last whole message
 *     cst_chain_consume(&received, whole);
 *
 * Storage of the caller's, without references: a copy of the struct is a second cursor, and a way back. A cursor is
 * valid until its chain next changes. Node has no such type; the names of the numbers are those of buffer.h.
 *
 * Every call that reads: CST_OK, and the cursor is behind what it gave; or CST_EMPTY, not enough yet, and neither *out
 * nor the cursor has changed. Numbers with a width: CST_E_OUT_OF_RANGE where it is not from 1 to 6.
 */

/** The fields are the library's own: use the functions. */
typedef struct cst_cursor {
    const cst_slice *chunk;
    size_t offset;
    size_t left;
    size_t position;
} cst_cursor;

/** At the front of a chain, or of count slices that lie side by side. NULL is the empty chain. */
CST_API cst_cursor cst_cursor_of(const cst_chain *chain);
CST_API cst_cursor cst_cursor_of_slices(const cst_slice *slices, size_t count);

/** Bytes that were passed, and bytes that are left. */
CST_API size_t cst_cursor_position(const cst_cursor *cursor);
CST_API size_t cst_cursor_left(const cst_cursor *cursor);

/** Reads n bytes, or passes them. */
CST_API cst_status cst_cursor_read(void *to, cst_cursor *cursor, size_t n);
CST_API cst_status cst_cursor_skip(cst_cursor *cursor, size_t n);

/** The bytes that lie side by side at the cursor: *out gets the first one's address, borrowed from the chain, and the
 * result says how many there are; 0 and NULL at the end. Passes none. */
CST_API size_t cst_cursor_span(const uint8_t **out, const cst_cursor *cursor);

/* --- numbers --------------------------------------------------------------------------------------------------- */

CST_API cst_status cst_cursor_get_u8(uint8_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_i8(int8_t *out, cst_cursor *cursor);

CST_API cst_status cst_cursor_get_u16_le(uint16_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_u16_be(uint16_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_i16_le(int16_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_i16_be(int16_t *out, cst_cursor *cursor);

CST_API cst_status cst_cursor_get_u32_le(uint32_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_u32_be(uint32_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_i32_le(int32_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_i32_be(int32_t *out, cst_cursor *cursor);

CST_API cst_status cst_cursor_get_u64_le(uint64_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_u64_be(uint64_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_i64_le(int64_t *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_i64_be(int64_t *out, cst_cursor *cursor);

CST_API cst_status cst_cursor_get_float_le(float *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_float_be(float *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_double_le(double *out, cst_cursor *cursor);
CST_API cst_status cst_cursor_get_double_be(double *out, cst_cursor *cursor);

CST_API cst_status cst_cursor_get_uint_le(uint64_t *out, cst_cursor *cursor, size_t width);
CST_API cst_status cst_cursor_get_uint_be(uint64_t *out, cst_cursor *cursor, size_t width);
CST_API cst_status cst_cursor_get_int_le(int64_t *out, cst_cursor *cursor, size_t width);
CST_API cst_status cst_cursor_get_int_be(int64_t *out, cst_cursor *cursor, size_t width);

#endif

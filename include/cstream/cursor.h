/*
 * cursor.h - reading a chain from front to back as if its chunks were joined.
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
 * valid until its chain next changes. Node has no such type; the names of the numbers are those of number.h.
 *
 * Every call that reads: CST_OK, and the cursor is behind what it gave; or CST_EMPTY, not enough yet, and neither *out
 * nor the cursor has changed. Numbers with a width: CST_E_OUT_OF_RANGE where it is not from 1 to 6.
 */
#ifndef CSTREAM_CURSOR_H
#define CSTREAM_CURSOR_H

#include "chain.h"

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

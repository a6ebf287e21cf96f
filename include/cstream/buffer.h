/*
 * buffer.h - what Node's Buffer does on bytes: compare, search, copy, fill, swap, and numbers.
 *
 * Bytes are given as a pointer and a length: a slice's `data` and `len`, a cst_buf's, or any memory
 * of the caller's. The pointer may be NULL if the length is 0. No function keeps a pointer or
 * allocates.
 *
 * An index of type ptrdiff_t is as in Node: a negative one counts from the end.
 *
 *     T  h  e  _  q  u  i  c  k
 *     0  1  2  3  4  5  6  7  8     from the beginning
 *    -9 -8 -7 -6 -5 -4 -3 -2 -1     from the end
 *
 * Numbers that may lie across the chunks of a chain are read by a cursor (chain.h); text is in
 * text.h.
 *
 * Threads: any, on bytes that nobody writes meanwhile.
 */
#ifndef CSTREAM_BUFFER_H
#define CSTREAM_BUFFER_H

#include "chain.h"

/** What a search returns if there is no match. Node: -1. */
#define CST_NOT_FOUND SIZE_MAX

/* --- comparing -------------------------------------------------------------------------------- */

/**
 * Return -1, 0 or 1, by the first byte that differs, compared as unsigned. If one is the beginning
 * of the other, the shorter comes first. Node: Buffer.compare, buf.compare.
 */
CST_API int cst_bytes_compare(const void *a, size_t a_len, const void *b, size_t b_len);

/**
 * Return whether both hold equal bytes. Not for secrets: the time it takes tells where they differ.
 * Node: buf.equals.
 */
CST_API bool cst_bytes_equals(const void *a, size_t a_len, const void *b, size_t b_len);

/* --- searching -------------------------------------------------------------------------------- */

/*
 * Every search returns the index of a match, or CST_NOT_FOUND. The time is linear in the lengths,
 * whatever the bytes are; no memory is needed but a little stack.
 *
 * from   index_of: the first index at which a match may begin. An index before the beginning is the
 *        beginning; at or past the end there is no match.
 *        last_index_of: the last index at which a match may begin. CST_TO_END, or any index past
 *        the end, searches all bytes; an index before the beginning has no match.
 *
 * An empty needle matches at `from`, clamped to the bytes. An empty set matches nothing.
 */

/** Return the first, or the last, index of a run of bytes. Node: buf.indexOf, buf.lastIndexOf. */
CST_API size_t cst_bytes_index_of(const void *bytes, size_t len, const void *needle,
                                  size_t needle_len, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of(const void *bytes, size_t len, const void *needle,
                                       size_t needle_len, ptrdiff_t from);

/** Return the first, or the last, index of one byte. Node: buf.indexOf, buf.lastIndexOf. */
CST_API size_t cst_bytes_index_of_byte(const void *bytes, size_t len, uint8_t byte, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of_byte(const void *bytes, size_t len, uint8_t byte,
                                            ptrdiff_t from);

/** Return the first, or the last, index of a byte that is one of set_len bytes. Not in Node. */
CST_API size_t cst_bytes_index_of_any(const void *bytes, size_t len, const void *set,
                                      size_t set_len, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of_any(const void *bytes, size_t len, const void *set,
                                           size_t set_len, ptrdiff_t from);

/**
 * Search a chain as if its chunks were joined: a match may lie across several. Nothing is joined or
 * copied. A NULL chain is empty.
 */
CST_API size_t cst_chain_index_of(const cst_chain *chain, const void *needle, size_t needle_len,
                                  ptrdiff_t from);
CST_API size_t cst_chain_last_index_of(const cst_chain *chain, const void *needle,
                                       size_t needle_len, ptrdiff_t from);
CST_API size_t cst_chain_index_of_any(const cst_chain *chain, const void *set, size_t set_len,
                                      ptrdiff_t from);
CST_API size_t cst_chain_last_index_of_any(const cst_chain *chain, const void *set, size_t set_len,
                                           ptrdiff_t from);

/* --- copying and filling ---------------------------------------------------------------------- */

/**
 * Copy the bytes of src from index `from` up to, but not including, index `to` into dst at index
 * `at`: as many as there are and as fit. src and dst may overlap.
 * Node: src.copy(dst, at, from, to).
 *
 * copied  set to the number of bytes copied; may be NULL. 0 if nothing fits or `to` is not behind
 *         `from`.
 * to      CST_TO_END is the end of src
 *
 * CST_OK              done
 * CST_E_OUT_OF_RANGE  at, from or to is negative, or from is past the end of src: nothing has
 *                     changed
 */
CST_API cst_status cst_bytes_copy(size_t *copied, const void *src, size_t src_len, void *dst,
                                  size_t dst_len, ptrdiff_t at, ptrdiff_t from, ptrdiff_t to);

/**
 * Fill bytes with a pattern again and again; the last repetition is cut where it does not fit. The
 * pattern must not lie in the bytes that are filled. Node: buf.fill(pattern).
 *
 * CST_OK             done
 * CST_E_INVALID_ARG  the pattern is empty although there are bytes to fill: nothing has changed
 */
CST_API cst_status cst_bytes_fill(void *bytes, size_t len, const void *pattern, size_t pattern_len);

/* --- byte order ------------------------------------------------------------------------------- */

/**
 * Reverse the bytes of each unit of 2, 4 or 8 bytes in place. Nothing has to be aligned.
 * Node: buf.swap16, swap32, swap64.
 *
 * CST_OK                     done
 * CST_E_INVALID_BUFFER_SIZE  len is not a multiple of the unit: nothing has changed
 */
CST_API cst_status cst_bytes_swap16(void *bytes, size_t len);
CST_API cst_status cst_bytes_swap32(void *bytes, size_t len);
CST_API cst_status cst_bytes_swap64(void *bytes, size_t len);

/* --- numbers ---------------------------------------------------------------------------------- */

/*
 * Numbers are read and written at an index, in either byte order: `_le` with the least significant
 * byte first, `_be` with the most significant. Nothing has to be aligned, and the byte order of the
 * machine does not matter. Signed numbers are two's complement; float and double are IEEE 754.
 *
 *     uint32_t length;
 *
 *     if (cst_get_u32_be(&length, chunk->data, chunk->len, 4) < 0)
 *         return CST_E_OUT_OF_RANGE;
 *
 * The names follow Node's: cst_get_u16_le is buf.readUInt16LE, cst_put_double_be is
 * buf.writeDoubleBE, cst_get_int_be with its width is buf.readIntBE, and _u64_ and _i64_ are the
 * BigInt ones. Node returns the index behind what it has written; here that is `at` plus the width.
 *
 * Every call returns
 *
 *   CST_OK                      done
 *   CST_E_BUFFER_OUT_OF_BOUNDS  len is less than the size of the number
 *   CST_E_OUT_OF_RANGE          the number would reach past len; or, in a put call, the value does
 *                               not fit these bytes; or the width is not from 1 to 6
 *
 * A failure changes neither *out nor the bytes. If several things are wrong, the width is told
 * first, then the value.
 *
 * NaN. A NaN is read and written with the bits that it has. The bits of a NaN that the program
 * makes itself (NAN, 0.0 / 0.0) are the machine's: 7fc00000 and 7ff8000000000000 on most machines,
 * which is also JavaScript's; 7fbfffff and 7ff7ffffffffffff on a MIPS with its old encoding; with
 * the sign bit for 0.0 / 0.0 on x86. The x87 unit makes a signalling NaN that it passes on quiet.
 */

/* Read. */

CST_API cst_status cst_get_u8(uint8_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_i8(int8_t *out, const void *bytes, size_t len, size_t at);

CST_API cst_status cst_get_u16_le(uint16_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_u16_be(uint16_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_i16_le(int16_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_i16_be(int16_t *out, const void *bytes, size_t len, size_t at);

CST_API cst_status cst_get_u32_le(uint32_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_u32_be(uint32_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_i32_le(int32_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_i32_be(int32_t *out, const void *bytes, size_t len, size_t at);

CST_API cst_status cst_get_u64_le(uint64_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_u64_be(uint64_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_i64_le(int64_t *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_i64_be(int64_t *out, const void *bytes, size_t len, size_t at);

CST_API cst_status cst_get_float_le(float *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_float_be(float *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_double_le(double *out, const void *bytes, size_t len, size_t at);
CST_API cst_status cst_get_double_be(double *out, const void *bytes, size_t len, size_t at);

/** A number of `width` bytes, 1 to 6. */
CST_API cst_status cst_get_uint_le(uint64_t *out, const void *bytes, size_t len, size_t at,
                                   size_t width);
CST_API cst_status cst_get_uint_be(uint64_t *out, const void *bytes, size_t len, size_t at,
                                   size_t width);
CST_API cst_status cst_get_int_le(int64_t *out, const void *bytes, size_t len, size_t at,
                                  size_t width);
CST_API cst_status cst_get_int_be(int64_t *out, const void *bytes, size_t len, size_t at,
                                  size_t width);

/* Write. The value is wide, so that one that does not fit is refused and not cut. */

CST_API cst_status cst_put_u8(void *bytes, size_t len, size_t at, uint64_t value);
CST_API cst_status cst_put_i8(void *bytes, size_t len, size_t at, int64_t value);

CST_API cst_status cst_put_u16_le(void *bytes, size_t len, size_t at, uint64_t value);
CST_API cst_status cst_put_u16_be(void *bytes, size_t len, size_t at, uint64_t value);
CST_API cst_status cst_put_i16_le(void *bytes, size_t len, size_t at, int64_t value);
CST_API cst_status cst_put_i16_be(void *bytes, size_t len, size_t at, int64_t value);

CST_API cst_status cst_put_u32_le(void *bytes, size_t len, size_t at, uint64_t value);
CST_API cst_status cst_put_u32_be(void *bytes, size_t len, size_t at, uint64_t value);
CST_API cst_status cst_put_i32_le(void *bytes, size_t len, size_t at, int64_t value);
CST_API cst_status cst_put_i32_be(void *bytes, size_t len, size_t at, int64_t value);

CST_API cst_status cst_put_u64_le(void *bytes, size_t len, size_t at, uint64_t value);
CST_API cst_status cst_put_u64_be(void *bytes, size_t len, size_t at, uint64_t value);
CST_API cst_status cst_put_i64_le(void *bytes, size_t len, size_t at, int64_t value);
CST_API cst_status cst_put_i64_be(void *bytes, size_t len, size_t at, int64_t value);

CST_API cst_status cst_put_float_le(void *bytes, size_t len, size_t at, float value);
CST_API cst_status cst_put_float_be(void *bytes, size_t len, size_t at, float value);
CST_API cst_status cst_put_double_le(void *bytes, size_t len, size_t at, double value);
CST_API cst_status cst_put_double_be(void *bytes, size_t len, size_t at, double value);

/** A number of `width` bytes, 1 to 6. */
CST_API cst_status cst_put_uint_le(void *bytes, size_t len, size_t at, size_t width,
                                   uint64_t value);
CST_API cst_status cst_put_uint_be(void *bytes, size_t len, size_t at, size_t width,
                                   uint64_t value);
CST_API cst_status cst_put_int_le(void *bytes, size_t len, size_t at, size_t width, int64_t value);
CST_API cst_status cst_put_int_be(void *bytes, size_t len, size_t at, size_t width, int64_t value);

/* --- numbers of seven bits a byte: unsigned LEB128, which Node has not ------------------------ */

/**
 * Read a varint of 1 to 10 bytes from index `at` on.
 *
 * CST_OK                      *out is the number, *width the bytes that it takes
 * CST_E_BUFFER_OUT_OF_BOUNDS  the bytes end before the number does
 * CST_E_OUT_OF_RANGE          it has more than 64 bits
 *
 * After a failure both are untouched. A number in more bytes than it needs is read too.
 */
CST_API cst_status cst_get_varint(uint64_t *out, size_t *width, const void *bytes, size_t len,
                                  size_t at);

/**
 * Write a varint in as few bytes as possible, 1 to 10, from index `at` on.
 *
 * CST_OK                      *width is how many
 * CST_E_BUFFER_OUT_OF_BOUNDS  no room: nothing has changed
 */
CST_API cst_status cst_put_varint(size_t *width, void *bytes, size_t len, size_t at,
                                  uint64_t value);

#endif

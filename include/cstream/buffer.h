/*
 * buffer.h - what Node's Buffer does on bytes: compare, search, copy, fill, swap, and numbers in bytes.
 */
#ifndef CSTREAM_BUFFER_H
#define CSTREAM_BUFFER_H

#include "chain.h"

/*
 * what Node's Buffer does on bytes: compare, search, copy, fill, swap.
 *
 * Bytes are a pointer and a length: a slice's `data` and `len`, a buffer's, or any memory of the caller's. The pointer
 * may be NULL where the length is 0. Nothing here keeps a pointer, and cst_slice_concat_total alone allocates.
 *
 * An index that a function takes as ptrdiff_t is Node's: negative counts from the end.
 *
 *     T  h  e  _  q  u  i  c  k
 *     0  1  2  3  4  5  6  7  8     from the beginning
 *    -9 -8 -7 -6 -5 -4 -3 -2 -1     from the end
 *
 * Numbers in bytes are in buffer.h, reading across the chunks of a chain in chain.h, text in text.h.
 *
 * Re-entrancy: no call runs code of the caller's, but for the allocator. Threads: any, on bytes that nobody writes.
 */

/** What a search gives where there is nothing to find; Node's -1. */
#define CST_NOT_FOUND SIZE_MAX

/* --- comparing ---------------------------------------------------------------------------------------------------- */

/** -1, 0 or 1: by the first byte that differs, as unsigned numbers; where one is the beginning of the other, the
 * shorter comes first. Node: Buffer.compare, buf.compare. */
CST_API int cst_bytes_compare(const void *a, size_t a_len, const void *b, size_t b_len);

/** Whether both hold the same bytes. Not for secrets: it takes longer the later they differ. Node: buf.equals. */
CST_API bool cst_bytes_equals(const void *a, size_t a_len, const void *b, size_t b_len);

/* --- searching ---------------------------------------------------------------------------------------------------- */

/*
 * All searches give the index of a match, or CST_NOT_FOUND, in time linear in the lengths, whatever the bytes, and use
 * no memory but a little stack.
 *
 * from   index_of: the first index where a match may begin. Before the beginning it is the beginning; a match cannot
 *        begin past the end.
 *        last_index_of: the last index where a match may begin; CST_TO_END looks at all. Past the end it is the end;
 *        before the beginning nothing is found.
 *
 * The empty needle is found at `from`, put between the beginning and the end. An empty set finds nothing.
 */

/** The first or the last place of a run of bytes. Node: buf.indexOf, buf.lastIndexOf. */
CST_API size_t cst_bytes_index_of(const void *bytes, size_t len, const void *needle,
                                  size_t needle_len, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of(const void *bytes, size_t len, const void *needle,
                                       size_t needle_len, ptrdiff_t from);

/** The first or the last place of one byte. Node: likewise, with a number. */
CST_API size_t cst_bytes_index_of_byte(const void *bytes, size_t len, uint8_t byte, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of_byte(const void *bytes, size_t len, uint8_t byte,
                                            ptrdiff_t from);

/** The first or the last byte that is one of set_len bytes, in any order. Node has no such call. */
CST_API size_t cst_bytes_index_of_any(const void *bytes, size_t len, const void *set,
                                      size_t set_len, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of_any(const void *bytes, size_t len, const void *set,
                                           size_t set_len, ptrdiff_t from);

/** The same in a chain: as if its chunks were joined, and a match may lie across several. Nothing is joined or copied.
 * NULL is the empty chain. */
CST_API size_t cst_chain_index_of(const cst_chain *chain, const void *needle, size_t needle_len,
                                  ptrdiff_t from);
CST_API size_t cst_chain_last_index_of(const cst_chain *chain, const void *needle,
                                       size_t needle_len, ptrdiff_t from);
CST_API size_t cst_chain_index_of_any(const cst_chain *chain, const void *set, size_t set_len,
                                      ptrdiff_t from);
CST_API size_t cst_chain_last_index_of_any(const cst_chain *chain, const void *set, size_t set_len,
                                           ptrdiff_t from);

/* --- copying and filling ------------------------------------------------------------------------------------------ */

/**
 * Copies bytes from index `from` up to, not including, `to` of src to index at of dst: as many as there are and as
 * fit. The two may overlap. Node: src.copy(dst, at, from, to), whose order of arguments is dst, at, src; here src
 * comes first as the one that is asked.
 *
 * copied  gets how many bytes were copied; may be NULL. 0 where nothing fits or `to` is not behind `from`.
 * to      CST_TO_END is the end of src
 *
 * CST_OK              done
 * CST_E_OUT_OF_RANGE  at, from or to is negative, or from is past the end of src: nothing has changed
 */
CST_API cst_status cst_bytes_copy(size_t *copied, const void *src, size_t src_len, void *dst,
                                  size_t dst_len, ptrdiff_t at, ptrdiff_t from, ptrdiff_t to);

/**
 * Fills with a pattern over and over; the last one is cut where it does not fit. The pattern may not lie in the bytes
 * that are filled. Node: buf.fill(pattern).
 *
 * CST_OK             done
 * CST_E_INVALID_ARG  the pattern is empty, and there are bytes to fill: nothing has changed
 */
CST_API cst_status cst_bytes_fill(void *bytes, size_t len, const void *pattern, size_t pattern_len);

/* --- byte order --------------------------------------------------------------------------------------------------- */

/**
 * Turns the bytes of each unit of 2, 4 or 8 bytes around, in place; no alignment is needed. Node: buf.swap16, swap32,
 * swap64.
 *
 * CST_OK                     done
 * CST_E_INVALID_BUFFER_SIZE  len is no multiple of the unit: nothing has changed
 */
CST_API cst_status cst_bytes_swap16(void *bytes, size_t len);
CST_API cst_status cst_bytes_swap32(void *bytes, size_t len);
CST_API cst_status cst_bytes_swap64(void *bytes, size_t len);

/*
 * numbers in bytes: read and written at an index, in either byte order.
 *
 * `_le` has the least significant byte first, `_be` the most significant. Nothing has to be aligned, and the machine's
 * own byte order does not matter. Signed numbers are two's complement, float and double IEEE 754.
 *
 * A NaN is read and written with the bits that it has, whatever they are. Those of a NaN that the program itself makes
 * (NAN, 0.0 / 0.0) are the machine's: 7fc00000 and 7ff8000000000000 on most, as JavaScript's are; 7fbfffff and
 * 7ff7ffffffffffff on a MIPS with its old encoding; and 0.0 / 0.0 has the sign bit on x86. One unit changes bits: x87
 * makes a signalling NaN quiet when it passes it on.
 *
 *     uint32_t length;
 *
 *     if (cst_get_u32_be(&length, chunk->data, chunk->len, 4) < 0)
 *         return CST_E_OUT_OF_RANGE;
 *
 * The names follow Node's: cst_get_u16_le is buf.readUInt16LE, cst_put_double_be is buf.writeDoubleBE, cst_get_int_be
 * with its width is buf.readIntBE, and _u64_ and _i64_ are the BigInt ones. Where Node returns the index behind what
 * it has written, `at` and the width say it here. For numbers that may lie across chunks see chain.h.
 *
 * CST_OK                      done
 * CST_E_BUFFER_OUT_OF_BOUNDS  len is less than the number takes
 * CST_E_OUT_OF_RANGE          the number would reach past len; or, put: these bytes cannot hold so great or small a
 *                             value; or width is not from 1 to 6
 *
 * A failure changes neither *out nor the bytes. Where several things are wrong, the width is told first, then the
 * value.
 */

/* --- reading --------------------------------------------------------------------------------------------------- */

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

/** Numbers of 1 to 6 bytes. */
CST_API cst_status cst_get_uint_le(uint64_t *out, const void *bytes, size_t len, size_t at,
                                   size_t width);
CST_API cst_status cst_get_uint_be(uint64_t *out, const void *bytes, size_t len, size_t at,
                                   size_t width);
CST_API cst_status cst_get_int_le(int64_t *out, const void *bytes, size_t len, size_t at,
                                  size_t width);
CST_API cst_status cst_get_int_be(int64_t *out, const void *bytes, size_t len, size_t at,
                                  size_t width);

/* --- writing: the value is wide, so that one that does not fit is refused and not cut -------------------------- */

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

/** Numbers of 1 to 6 bytes. */
CST_API cst_status cst_put_uint_le(void *bytes, size_t len, size_t at, size_t width,
                                   uint64_t value);
CST_API cst_status cst_put_uint_be(void *bytes, size_t len, size_t at, size_t width,
                                   uint64_t value);
CST_API cst_status cst_put_int_le(void *bytes, size_t len, size_t at, size_t width, int64_t value);
CST_API cst_status cst_put_int_be(void *bytes, size_t len, size_t at, size_t width, int64_t value);

#endif

/*
 * number.h - numbers in bytes: read and written at an index, in either byte order.
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
 * it has written, `at` and the width say it here. For numbers that may lie across chunks see cursor.h.
 *
 * CST_OK                      done
 * CST_E_BUFFER_OUT_OF_BOUNDS  len is less than the number takes
 * CST_E_OUT_OF_RANGE          the number would reach past len; or, put: these bytes cannot hold so great or small a
 *                             value; or width is not from 1 to 6
 *
 * A failure changes neither *out nor the bytes. Where several things are wrong, the width is told first, then the
 * value.
 */
#ifndef CSTREAM_NUMBER_H
#define CSTREAM_NUMBER_H

#include "status.h"

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
CST_API cst_status cst_get_uint_le(uint64_t *out, const void *bytes, size_t len, size_t at, size_t width);
CST_API cst_status cst_get_uint_be(uint64_t *out, const void *bytes, size_t len, size_t at, size_t width);
CST_API cst_status cst_get_int_le(int64_t *out, const void *bytes, size_t len, size_t at, size_t width);
CST_API cst_status cst_get_int_be(int64_t *out, const void *bytes, size_t len, size_t at, size_t width);

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
CST_API cst_status cst_put_uint_le(void *bytes, size_t len, size_t at, size_t width, uint64_t value);
CST_API cst_status cst_put_uint_be(void *bytes, size_t len, size_t at, size_t width, uint64_t value);
CST_API cst_status cst_put_int_le(void *bytes, size_t len, size_t at, size_t width, int64_t value);
CST_API cst_status cst_put_int_be(void *bytes, size_t len, size_t at, size_t width, int64_t value);

#endif

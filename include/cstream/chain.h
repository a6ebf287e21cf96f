/*
 * chain.h - a queue of slices, and a cursor that reads across their edges.
 */
#ifndef CSTREAM_CHAIN_H
#define CSTREAM_CHAIN_H

#include "slice.h"

/* --- the chain -------------------------------------------------------------------------------- */

/*
 * A chain is a queue of slices that knows its number of bytes. Chunks go in at either end and come
 * out at the front, whole or cut to a number of bytes. The slices lie side by side in one array, so
 * that the whole chain can be given to a vectored write.
 *
 *   items: [ . . | "The quick" | " brown" | " fox" | . . . ]      bytes: 19, count: 3
 *                ^ front                            ^ room for more
 *
 * The caller provides the struct: call cst_chain_init before its first use and cst_chain_fini after
 * its last. Node has no such type; the nearest is the list that is given to writev.
 */

/** The array of a chain, and the part of it that is in use. */
typedef struct cst_chain_row {
    cst_slice *items;
    uint32_t head, count, cap;
    uint32_t spare; /* for the owner of the row */
} cst_chain_row;

/** Storage of the caller's. The fields are private: use the functions. */
typedef struct cst_chain {
    const cst_allocator *allocator;
    cst_chain_row row;
    size_t bytes;
} cst_chain;

/** Make an empty chain. Allocates nothing. */
CST_API void cst_chain_init(cst_chain *chain, const cst_allocator *allocator);

/** Drop every chunk and free the array. The chain is then as after init. NULL is fine. */
CST_API void cst_chain_fini(cst_chain *chain);

/**
 * Add a chunk (taken) at the end, or at the front.
 *
 * CST_OK              done
 * CST_E_NOMEM         no memory for the array
 * CST_E_OUT_OF_RANGE  the number of bytes would not fit a size_t
 * CST_E_INVALID_ARG   chain is NULL or was not initialised
 *
 * After a failure the chunk is dropped and the chain is unchanged.
 */
CST_API cst_status cst_chain_append(cst_chain *chain, cst_slice chunk);
CST_API cst_status cst_chain_prepend(cst_chain *chain, cst_slice chunk);

/** Take out the first chunk. CST_OK, or CST_EMPTY if there is none: *out is untouched. */
CST_API cst_status cst_chain_pop(cst_slice *out, cst_chain *chain);

/** Drop the first n bytes, at most all. Empty chunks before or at the cut are dropped too. */
CST_API void cst_chain_consume(cst_chain *chain, size_t n);

/** Copy up to n bytes from the front into `to`; the chain keeps them. Return how many bytes. */
CST_API size_t cst_chain_copy(void *to, const cst_chain *chain, size_t n);

/**
 * Take exactly n bytes out of the front as one slice. Nothing is copied if they lie in the first
 * chunk; otherwise they are joined in a new block of the chain's allocator. Empty chunks before or
 * at the cut are dropped too.
 *
 * CST_OK              *out is the caller's
 * CST_E_NOMEM         nothing has changed
 * CST_E_OUT_OF_RANGE  the chain holds fewer than n bytes: nothing has changed
 */
CST_API cst_status cst_chain_read(cst_slice *out, cst_chain *chain, size_t n);

/** Return the number of bytes, or of chunks, in the chain. */
CST_API size_t cst_chain_bytes(const cst_chain *chain);
CST_API size_t cst_chain_count(const cst_chain *chain);

/**
 * Return the array of the chain's chunks; NULL if there are none. Borrowed, and valid until the
 * chain next changes.
 */
CST_API const cst_slice *cst_chain_slices(const cst_chain *chain);

/* --- the cursor ------------------------------------------------------------------------------- */

/*
 * A cursor is a position in a chain. It reads numbers and bytes as if the chunks were joined, and
 * moves on. If the chain does not hold enough yet, the cursor stays where it is, so that the call
 * can be repeated when more has arrived. A cursor takes nothing out of the chain: consume as many
 * bytes from the chain as the cursor has passed.
 *
 *     cst_cursor cursor = cst_cursor_of(&received);
 *     size_t whole = 0;
 *     uint32_t length;
 *
 *     while (cst_cursor_get_u32_be(&length, &cursor) == CST_OK &&
 *            cst_cursor_skip(&cursor, length) == CST_OK)
 *         whole = cst_cursor_position(&cursor);          // behind the last whole message
 *     cst_chain_consume(&received, whole);
 *
 * A cursor is storage of the caller's and holds no reference: to return to a position, copy the
 * struct. It is valid until its chain next changes. Node has no such type; the numbers have the
 * names of those in buffer.h.
 *
 * Every call that reads returns
 *
 *   CST_OK              the cursor is behind what it has read
 *   CST_EMPTY           there is not enough yet: *out and the cursor are unchanged
 *   CST_E_OUT_OF_RANGE  numbers with a width: the width is not from 1 to 6
 */

/** The fields are private: use the functions. */
typedef struct cst_cursor {
    const cst_slice *chunk;
    size_t offset;
    size_t left;
    size_t position;
} cst_cursor;

/** Return a cursor at the front of a chain, or of an array of count slices. NULL is empty. */
CST_API cst_cursor cst_cursor_of(const cst_chain *chain);
CST_API cst_cursor cst_cursor_of_slices(const cst_slice *slices, size_t count);

/** Return the number of bytes before the cursor, or behind it. */
CST_API size_t cst_cursor_position(const cst_cursor *cursor);
CST_API size_t cst_cursor_left(const cst_cursor *cursor);

/** Copy n bytes into `to`, or skip n bytes. */
CST_API cst_status cst_cursor_read(void *to, cst_cursor *cursor, size_t n);
CST_API cst_status cst_cursor_skip(cst_cursor *cursor, size_t n);

/**
 * Point *out at the bytes that follow in the current chunk, and return how many there are; NULL and
 * 0 at the end. The bytes are the chain's (borrowed), and the cursor does not move.
 */
CST_API size_t cst_cursor_span(const uint8_t **out, const cst_cursor *cursor);

/* Read a number: `_le` with the least significant byte first, `_be` with the most significant. */

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

/* Read a number of 1 to 6 bytes. */

CST_API cst_status cst_cursor_get_uint_le(uint64_t *out, cst_cursor *cursor, size_t width);
CST_API cst_status cst_cursor_get_uint_be(uint64_t *out, cst_cursor *cursor, size_t width);
CST_API cst_status cst_cursor_get_int_le(int64_t *out, cst_cursor *cursor, size_t width);
CST_API cst_status cst_cursor_get_int_be(int64_t *out, cst_cursor *cursor, size_t width);

/** Read a varint (buffer.h). CST_E_OUT_OF_RANGE: it has more than 64 bits; nothing has changed. */
CST_API cst_status cst_cursor_get_varint(uint64_t *out, cst_cursor *cursor);

#endif

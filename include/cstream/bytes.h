/*
 * bytes.h - what Node's Buffer does on bytes: compare, search, copy, fill, swap.
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
 * Numbers in bytes are in number.h, reading across the chunks of a chain in cursor.h, text in encoding.h.
 *
 * Re-entrancy: no call runs code of the caller's, but for the allocator. Threads: any, on bytes that nobody writes.
 */
#ifndef CSTREAM_BYTES_H
#define CSTREAM_BYTES_H

#include "chain.h"
#include "slice.h"

/** What a search gives where there is nothing to find; Node's -1. */
#define CST_NOT_FOUND SIZE_MAX

/** As an index: up to the end, or from the end where a search goes backwards. What Node takes for undefined. */
#define CST_TO_END PTRDIFF_MAX

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
CST_API size_t cst_bytes_index_of(const void *bytes, size_t len, const void *needle, size_t needle_len, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of(const void *bytes, size_t len, const void *needle, size_t needle_len,
                                       ptrdiff_t from);

/** The first or the last place of one byte. Node: likewise, with a number. */
CST_API size_t cst_bytes_index_of_byte(const void *bytes, size_t len, uint8_t byte, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of_byte(const void *bytes, size_t len, uint8_t byte, ptrdiff_t from);

/** The first or the last byte that is one of set_len bytes, in any order. Node has no such call. */
CST_API size_t cst_bytes_index_of_any(const void *bytes, size_t len, const void *set, size_t set_len, ptrdiff_t from);
CST_API size_t cst_bytes_last_index_of_any(const void *bytes, size_t len, const void *set, size_t set_len,
                                           ptrdiff_t from);

/** The same in a chain: as if its chunks were joined, and a match may lie across several. Nothing is joined or copied.
 * NULL is the empty chain. */
CST_API size_t cst_chain_index_of(const cst_chain *chain, const void *needle, size_t needle_len, ptrdiff_t from);
CST_API size_t cst_chain_last_index_of(const cst_chain *chain, const void *needle, size_t needle_len, ptrdiff_t from);
CST_API size_t cst_chain_index_of_any(const cst_chain *chain, const void *set, size_t set_len, ptrdiff_t from);
CST_API size_t cst_chain_last_index_of_any(const cst_chain *chain, const void *set, size_t set_len, ptrdiff_t from);

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
CST_API cst_status cst_bytes_copy(size_t *copied, const void *src, size_t src_len, void *dst, size_t dst_len,
                                  ptrdiff_t at, ptrdiff_t from, ptrdiff_t to);

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

/* --- slices with Node's rules ------------------------------------------------------------------------------------- */

/** A new reference to the bytes from index `from` up to, not including, `to`. An index before the beginning is the
 * beginning, past the end the end; empty where `to` is not behind `from`. Node: buf.subarray(from, to). */
CST_API cst_slice cst_slice_subarray(const cst_slice *slice, ptrdiff_t from, ptrdiff_t to);

/**
 * The bytes of count slices, one after another, cut to total bytes or filled up with zeroes; borrows the list. Where
 * the first slice that is not empty holds all of them, it is given a reference instead of a copy. As in Node, no
 * slices at all give the empty one, whatever total says. Node: Buffer.concat with totalLength; cst_slice_concat is
 * without it.
 *
 * CST_OK             *out holds a new slice
 * CST_E_NOMEM        no memory, or total is too large for a block; *out is untouched
 * CST_E_INVALID_ARG  out or allocator is NULL, or list is NULL and count is not 0
 */
CST_API cst_status cst_slice_concat_total(cst_slice *out, const cst_allocator *allocator, const cst_slice *list,
                                          size_t count, size_t total);

#endif

/*
 * slice.h - bytes that are shared instead of copied.
 *
 * A slice is a small value: a pointer, a length, and the block that owns the bytes. Any number of slices can look at
 * parts of one block; each holds one reference to it, and the block goes when the last reference goes. Bytes behind a
 * slice never change.
 *
 *        cst_slice a            cst_slice b = cst_slice_sub(&a, 4, 3)
 *      data len block           data len block
 *        |       |                |       |
 *        v       |                v       |
 *   [ T h e _ q u i c k ]   <-----+-------+----   block: reference count, allocator, how to release
 *
 * Three kinds of owner: a heap block with its bytes inline, foreign memory with a release callback, and none at all
 * (static bytes, block == NULL). To make bytes, write them into a `cst_buf`, which is the one owner of its block, and
 * freeze it into a slice: `cst_buf` can be written and not shared, `cst_slice` can be shared and not written.
 *
 * What corresponds in Node: Buffer, with subarray for cst_slice_sub (indices clamp in the same way), concat, copy.
 *
 * Ownership: a function that takes `cst_slice` by value takes its reference, on every path. `const cst_slice *` borrows;
 * to keep it, cst_slice_ref. What a function returns or gives through `out` is a new reference of the caller's.
 *
 * Threads: counts are plain integers. A slice that other threads use, or let go of, is marked once with cst_slice_share
 * on the thread that made it; from then on its block's count is atomic.
 */
#ifndef CSTREAM_SLICE_H
#define CSTREAM_SLICE_H

#include "base.h"

typedef struct cst_block cst_block;

/**
 * A borrowed look at bytes, with the reference that keeps them. Read the fields; do not write them.
 *
 * data   the first byte; may be NULL where len is 0
 * len    how many bytes
 * block  the owner, or NULL for static bytes
 */
typedef struct cst_slice {
    const uint8_t *data;
    size_t len;
    cst_block *block;
} cst_slice;

/**
 * Bytes under construction: the one owner of a heap block. Write data[0] to data[cap - 1], then freeze or free.
 */
typedef struct cst_buf {
    uint8_t *data;
    size_t cap;
    cst_block *block;
} cst_buf;

/**
 * How foreign memory goes back: called once, when the last reference goes, on the thread that let go of it. May use what
 * has let go of it, a chain or a stream.
 */
typedef void cst_release_fn(const void *data, size_t len, void *arg);

/* --- making bytes --------------------------------------------------------------------------------------------- */

/** The empty slice. Owns nothing. */
CST_API cst_slice cst_slice_empty(void);

/** len bytes that live as long as the program. Owns nothing, never fails. */
CST_API cst_slice cst_slice_static(const void *data, size_t len);

/** A C string that lives as long as the program, without its final zero. */
CST_API cst_slice cst_slice_str(const char *text);

/**
 * A copy of len bytes in a new block.
 *
 * CST_OK             *out holds a new slice (the empty one where len is 0, without a block)
 * CST_E_NOMEM        no memory, or len is too large for a block; *out is untouched
 * CST_E_INVALID_ARG  out or allocator is NULL, or bytes is NULL and len is not 0
 */
CST_API cst_status cst_slice_copy(cst_slice *out, const cst_allocator *allocator, const void *bytes,
                                  size_t len);

/**
 * Wraps memory of somebody else's. release(data, len, arg) is called once, when the last reference goes; NULL where
 * nothing has to be done.
 *
 * CST_OK             *out holds a new slice
 * CST_E_NOMEM        no memory for the block's header; *out is untouched, release is not called
 * CST_E_INVALID_ARG  out or allocator is NULL, or data is NULL and len is not 0
 */
CST_API cst_status cst_slice_foreign(cst_slice *out, const cst_allocator *allocator,
                                     const void *data, size_t len, cst_release_fn *release,
                                     void *arg);

/**
 * The bytes of count slices, one after another, in a new block; borrows the list. One slice that is not empty is given
 * a reference instead of a copy. Node: Buffer.concat.
 *
 * CST_OK, CST_E_NOMEM (also where the lengths do not fit a size_t), CST_E_INVALID_ARG as in cst_slice_copy
 */
CST_API cst_status cst_slice_concat(cst_slice *out, const cst_allocator *allocator,
                                    const cst_slice *list, size_t count);

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
CST_API cst_status cst_slice_concat_total(cst_slice *out, const cst_allocator *allocator,
                                          const cst_slice *list, size_t count, size_t total);

/* --- references and views: none of these can fail; NULL is the empty slice, and an empty view pins nothing ------- */

/** Another reference to the same bytes. A count that would wrap sticks: the block is then never freed. */
CST_API cst_slice cst_slice_ref(const cst_slice *slice);

/** Lets the reference go and empties *slice. NULL and the empty slice are fine. */
CST_API void cst_slice_unref(cst_slice *slice);

/** A new reference to at most len bytes from index from; both clamp to what is there. Node: buf.subarray. */
CST_API cst_slice cst_slice_sub(const cst_slice *slice, size_t from, size_t len);

/** As an index: up to the end, or from the end where a search goes backwards. What Node takes for undefined. */
#define CST_TO_END PTRDIFF_MAX

/** A new reference to the bytes from index `from` up to, not including, `to`. An index before the beginning is the
 * beginning, past the end the end; empty where `to` is not behind `from`. Node: buf.subarray(from, to). */
CST_API cst_slice cst_slice_subarray(const cst_slice *slice, ptrdiff_t from, ptrdiff_t to);

/** Cuts the first n bytes (at most all) off *slice, which keeps the rest, and gives them. */
CST_API cst_slice cst_slice_split_to(cst_slice *slice, size_t n);

/** Cuts off and gives what follows the first n bytes, which *slice keeps. */
CST_API cst_slice cst_slice_split_off(cst_slice *slice, size_t n);

/** Whether two slices hold the same bytes. Node: buf.equals. */
CST_API bool cst_slice_equals(const cst_slice *a, const cst_slice *b);

/** Bytes of the block that the slice keeps alive, its len at least; 0 for static bytes. Compare with len to see what a
 * small slice pins. */
CST_API size_t cst_slice_pinned_bytes(const cst_slice *slice);

/** Whether this is the only reference to its block. Never for static bytes. */
CST_API bool cst_slice_is_unique(const cst_slice *slice);

/**
 * Replaces *slice by a copy of exactly its bytes, where it pins more than max_waste bytes beyond them; else leaves it.
 *
 * CST_OK             done, or nothing to do
 * CST_E_NOMEM        *slice is as it was
 * CST_E_INVALID_ARG  slice or allocator is NULL
 */
CST_API cst_status cst_slice_compact(cst_slice *slice, const cst_allocator *allocator,
                                     size_t max_waste);

/**
 * Marks the block as used by more than one thread: call it before another thread sees the slice. It cannot be undone.
 *
 * CST_OK                 done; static bytes need nothing
 * CST_E_UNSUPPORTED      this build has no atomics
 * CST_E_INVALID_ARG      slice is NULL
 */
CST_API cst_status cst_slice_share(const cst_slice *slice);

/* --- writing, then freezing ------------------------------------------------------------------------------------ */

/**
 * A block of cap bytes to write, contents undefined. For blocks of the size a stream reads, cst_buf_new_cached recycles them.
 *
 * CST_OK             *out is the caller's, to freeze or free
 * CST_E_NOMEM        no memory, or cap is too large for a block; *out is untouched
 * CST_E_INVALID_ARG  out or allocator is NULL
 */
CST_API cst_status cst_buf_new(cst_buf *out, const cst_allocator *allocator, size_t cap);

/** Turns the first len bytes (at most cap) into a slice and empties *buf. No byte is copied. */
CST_API cst_slice cst_buf_freeze(cst_buf *buf, size_t len);

/**
 * The way back, for filters that work in place: where *slice is the only reference to a heap block that no other thread
 * shares, moves it into *out (data and cap are the slice's) and empties *slice.
 *
 * CST_OK     *out may be written
 * CST_EMPTY  somebody else may see the bytes, or they are static, foreign or shared between threads: nothing has
 *            changed; write a copy
 * CST_E_INVALID_ARG  an argument is NULL
 */
CST_API cst_status cst_buf_thaw(cst_buf *out, cst_slice *slice);

/** Frees what was neither frozen nor freed, and empties *buf. NULL is fine. */
CST_API void cst_buf_free(cst_buf *buf);

#endif

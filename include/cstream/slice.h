/*
 * slice.h - bytes that are shared instead of copied.
 *
 * A slice is a small value: a pointer, a length, and the block that owns the bytes. Any number of
 * slices may look at parts of one block. Each holds one reference to the block, and the block is
 * freed when the last reference is dropped. The bytes behind a slice never change.
 *
 *        cst_slice a            cst_slice b = cst_slice_sub(&a, 4, 3)
 *      data len block           data len block
 *        |       |                |       |
 *        v       |                v       |
 *   [ T h e _ q u i c k ]   <-----+-------+----   block: reference count, allocator, how to release
 *
 * A block is one of three kinds: bytes on the heap, foreign memory with a function that releases
 * it, or none (static bytes; the slice's block is NULL).
 *
 * To make bytes, fill a `cst_buf`, which is the only owner of its block, and freeze it into a
 * slice. A `cst_buf` can be written but not shared; a `cst_slice` can be shared but not written.
 *
 * Node: Buffer. cst_slice_sub is subarray with a length instead of an end.
 *
 * Ownership, in every header of this library:
 *
 *   cst_slice s           passed by value: the function takes the reference, also when it fails
 *   const cst_slice *s    the function borrows the slice until it returns; to keep it, it takes a
 *                         reference with cst_slice_ref
 *   cst_slice *out        on CST_OK, *out is a new reference and the caller's; on failure *out is
 *                         untouched
 *   a returned slice      a new reference and the caller's
 *
 * Threads: reference counts are plain integers. Before another thread uses or drops a slice, mark
 * its block once with cst_slice_share, on the thread that made it. From then on the block's count
 * is atomic.
 */
#ifndef CSTREAM_SLICE_H
#define CSTREAM_SLICE_H

#include "base.h"

typedef struct cst_block cst_block;

/**
 * Bytes, and the reference that keeps them. Read the fields; do not write them.
 *
 * data   the first byte; may be NULL if len is 0
 * len    the number of bytes
 * block  the owner, or NULL for static bytes
 */
typedef struct cst_slice {
    const uint8_t *data;
    size_t len;
    cst_block *block;
} cst_slice;

/**
 * Bytes under construction, and the only owner of their block. Write data[0] to data[cap - 1], then
 * call cst_buf_freeze or cst_buf_free.
 */
typedef struct cst_buf {
    uint8_t *data;
    size_t cap;
    cst_block *block;
} cst_buf;

/**
 * Releases foreign memory. Called once, when the last reference is dropped, on the thread that
 * dropped it. It may call whatever held that reference, such as a chain or a stream.
 */
typedef void cst_release_fn(const void *data, size_t len, void *arg);

/* --- making slices ---------------------------------------------------------------------------- */

/** Return the empty slice, which owns nothing. */
CST_API cst_slice cst_slice_empty(void);

/** Return a slice of len bytes that live as long as the program. It owns nothing; never fails. */
CST_API cst_slice cst_slice_static(const void *data, size_t len);

/** Return a slice of a C string that lives as long as the program, without its final zero. */
CST_API cst_slice cst_slice_str(const char *text);

/**
 * Copy len bytes into a new block.
 *
 * CST_OK             *out is the copy; if len is 0, the empty slice without a block
 * CST_E_NOMEM        no memory, or len is too large for a block
 * CST_E_INVALID_ARG  out or allocator is NULL, or bytes is NULL and len is not 0
 */
CST_API cst_status cst_slice_copy(cst_slice *out, const cst_allocator *allocator, const void *bytes,
                                  size_t len);

/**
 * Wrap memory that the caller owns, without copying it.
 *
 * release, arg  release(data, len, arg) is called once, when the last reference is dropped; NULL if
 *               nothing has to be done then
 *
 * CST_OK             *out is a new slice
 * CST_E_NOMEM        no memory for the block's header; release is not called
 * CST_E_INVALID_ARG  out or allocator is NULL, or data is NULL and len is not 0
 */
CST_API cst_status cst_slice_foreign(cst_slice *out, const cst_allocator *allocator,
                                     const void *data, size_t len, cst_release_fn *release,
                                     void *arg);

/**
 * Join the bytes of count slices in a new block. The list is borrowed. If only one slice has bytes,
 * *out is a reference to it instead of a copy. Node: Buffer.concat.
 *
 * CST_OK             *out is a new slice
 * CST_E_NOMEM        no memory, the lengths do not fit a size_t, or they are too large for a block
 * CST_E_INVALID_ARG  out or allocator is NULL, or list is NULL and count is not 0
 */
CST_API cst_status cst_slice_concat(cst_slice *out, const cst_allocator *allocator,
                                    const cst_slice *list, size_t count);

/**
 * Join the bytes of count slices in a new block of total bytes: cut to total, or filled up with
 * zeroes. The list is borrowed. If the first slice that has bytes has at least total bytes, *out is
 * a reference to it instead of a copy. As in Node, no slices at all are the empty slice, whatever
 * total is. Node: Buffer.concat with totalLength.
 *
 * CST_OK             *out is a new slice
 * CST_E_NOMEM        no memory, or total is too large for a block
 * CST_E_INVALID_ARG  out or allocator is NULL, or list is NULL and count is not 0
 */
CST_API cst_status cst_slice_concat_total(cst_slice *out, const cst_allocator *allocator,
                                          const cst_slice *list, size_t count, size_t total);

/* --- references and views --------------------------------------------------------------------- */

/*
 * None of these can fail but cst_slice_compact and cst_slice_share. For the others NULL is the
 * empty slice. An empty view holds no reference.
 */

/** Return another reference to the bytes. A count at its maximum stays there: the block leaks. */
CST_API cst_slice cst_slice_ref(const cst_slice *slice);

/** Drop the reference and empty *slice. NULL and the empty slice are fine. */
CST_API void cst_slice_unref(cst_slice *slice);

/**
 * Return a reference to at most len bytes from index `from` on. Both are clamped to the bytes that
 * there are. Node: buf.subarray.
 */
CST_API cst_slice cst_slice_sub(const cst_slice *slice, size_t from, size_t len);

/** As an index: the end. Node's undefined. */
#define CST_TO_END PTRDIFF_MAX

/**
 * Return a reference to the bytes from index `from` up to, but not including, index `to`. A
 * negative index counts from the end. Both are clamped; if `to` is not behind `from` the result is
 * empty. Node: buf.subarray(from, to).
 */
CST_API cst_slice cst_slice_subarray(const cst_slice *slice, ptrdiff_t from, ptrdiff_t to);

/** Cut the first n bytes (at most all) off *slice and return them. *slice keeps the rest. */
CST_API cst_slice cst_slice_split_to(cst_slice *slice, size_t n);

/** Cut off what follows the first n bytes and return it. *slice keeps the first n bytes. */
CST_API cst_slice cst_slice_split_off(cst_slice *slice, size_t n);

/** Return whether both slices hold equal bytes. Node: buf.equals. */
CST_API bool cst_slice_equals(const cst_slice *a, const cst_slice *b);

/**
 * Return the size in bytes of the block that the slice keeps alive: at least len, or 0 for static
 * bytes. Compare it with len to see how much memory a small slice holds.
 */
CST_API size_t cst_slice_pinned_bytes(const cst_slice *slice);

/** Return whether this is the only reference to its block. Always false for static bytes. */
CST_API bool cst_slice_is_unique(const cst_slice *slice);

/**
 * Replace *slice by a copy of its bytes if its block is more than max_waste bytes larger than len.
 *
 * CST_OK             done, or nothing had to be done
 * CST_E_NOMEM        *slice is unchanged
 * CST_E_INVALID_ARG  slice or allocator is NULL
 */
CST_API cst_status cst_slice_compact(cst_slice *slice, const cst_allocator *allocator,
                                     size_t max_waste);

/**
 * Mark the slice's block as used by more than one thread. Call it before another thread sees the
 * slice. It cannot be undone.
 *
 * CST_OK             done; static bytes need nothing
 * CST_E_UNSUPPORTED  this build has no atomics
 * CST_E_INVALID_ARG  slice is NULL
 */
CST_API cst_status cst_slice_share(const cst_slice *slice);

/* --- writing, then freezing ------------------------------------------------------------------- */

/**
 * Allocate a block of cap bytes to write; the contents are undefined. For blocks that are needed
 * again and again, cst_buf_new_cached (ctx.h) reuses them.
 *
 * CST_OK             *out is the caller's, to freeze or to free
 * CST_E_NOMEM        no memory, or cap is too large for a block; *out is untouched
 * CST_E_INVALID_ARG  out or allocator is NULL
 */
CST_API cst_status cst_buf_new(cst_buf *out, const cst_allocator *allocator, size_t cap);

/** Turn the first len bytes (at most cap) into a slice and empty *buf. Nothing is copied. */
CST_API cst_slice cst_buf_freeze(cst_buf *buf, size_t len);

/**
 * Turn a slice back into a buffer, for a filter that works in place. This is possible if *slice is
 * the only reference to a heap block that is not shared between threads. Then *out gets the
 * slice's data and len, and *slice is emptied.
 *
 * CST_OK             *out may be written
 * CST_EMPTY          somebody else may see the bytes, or they are static, foreign or shared between
 *                    threads: nothing has changed; write a copy instead
 * CST_E_INVALID_ARG  an argument is NULL
 */
CST_API cst_status cst_buf_thaw(cst_buf *out, cst_slice *slice);

/** Free a buffer that was not frozen, and empty *buf. NULL and an empty buffer are fine. */
CST_API void cst_buf_free(cst_buf *buf);

#endif

/*
 * search.h - the parts of searching: a needle in a text that lies in one piece, or in several.
 *
 * Both directions are one search. Backwards, a text and its needle are read from the last byte to
 * the first, and positions count from the end; "first" means the first in that direction. An index
 * always counts from the beginning.
 */
#ifndef CSTREAM_SEARCH_H
#define CSTREAM_SEARCH_H

#include "cstream/buffer.h"

/*
 * What is looked for. The bytes at the two offsets have to match before the rest is compared; the
 * offsets differ if the needle has two bytes or more.
 */
struct cst__needle {
    const uint8_t *bytes;
    size_t len;
    size_t rare, second;
};

/* Return a needle of len bytes, not 0, which is about to be looked for at this many places. */
struct cst__needle cst__needle_of(const void *bytes, size_t len, size_t places);

/*
 * Return the first place at or after index start, or the last at or before it; the needle fits at
 * start. CST_NOT_FOUND if there is none. The needle's second offset may change.
 */
size_t cst__find_first(const uint8_t *text, size_t len, struct cst__needle *needle, size_t start);
size_t cst__find_last(const uint8_t *text, struct cst__needle *needle, size_t start);

/* Any of several bytes. */
struct cst__byte_set {
    uint8_t has[256];
};

struct cst__byte_set cst__byte_set_of(const uint8_t *bytes, size_t len);

/* Return the first byte of the set at or after index start, or the last one before index end. */
size_t cst__find_first_any(const uint8_t *text, size_t len, const struct cst__byte_set *set,
                           size_t start);
size_t cst__find_last_any(const uint8_t *text, const struct cst__byte_set *set, size_t end);

/*
 * A text in pieces, read by position. `here` is the piece that was read last.
 */
struct cst__text {
    const cst_slice *pieces;
    size_t count;
    bool backwards;
    size_t piece, begin, here_len;
    const uint8_t *here;
};

struct cst__text cst__text_of(const cst_slice *pieces, size_t count, bool backwards);

/* Return a piece; pieces count in the direction that the text is read in. */
const cst_slice *cst__text_piece(const struct cst__text *text, size_t piece);

/* Make the piece that has this position the one that is read; there is such a piece. */
void cst__text_seek(struct cst__text *text, size_t position);

/* The two-way search of Crochemore and Perrin: linear time, constant space. */
struct cst__two_way {
    const uint8_t *needle;
    size_t len;
    size_t cut;    /* the right part begins here; it is compared first */
    size_t period; /* how far a match of the right part alone moves */
    size_t kept;   /* of the needle's beginning, known to match after such a move */
    bool backwards;
};

struct cst__two_way cst__two_way_of(const struct cst__needle *needle, bool backwards);

/*
 * Return the first position from `from` to `last` at which the needle is; it fits at all of them.
 */
size_t cst__two_way_find(const struct cst__two_way *search, struct cst__text *text, size_t from,
                         size_t last);

/*
 * Return the index that Node's `from` means, at which a needle of so many bytes may begin;
 * CST_NOT_FOUND if it fits nowhere from there.
 */
size_t cst__search_start(size_t len, size_t needle_len, ptrdiff_t from);
size_t cst__search_last_start(size_t len, size_t needle_len, ptrdiff_t from);

#endif

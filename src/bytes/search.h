/*
 * search.h - the parts of searching: a needle in a text that lies in one piece, or in several.
 *
 * Both directions are one search. Backwards, a text and its needle are read from the last byte to
 * the first, and every position counts from the end; "first" below is the first in that direction.
 */
#ifndef CSTREAM_SEARCH_H
#define CSTREAM_SEARCH_H

#include "cstream/buffer.h"

/*
 * What is looked for. The bytes at two offsets, different ones where it has two bytes, have to match
 * before the rest is compared.
 */
struct cst__needle {
    const uint8_t *bytes;
    size_t len;
    size_t rare, second;
};

/* len is not 0; it is about to be looked for at so many places. */
struct cst__needle cst__needle_of(const void *bytes, size_t len, size_t places);

/*
 * The first place at or after index start, or the last at or before it; the needle fits there.
 * The needle's two offsets change to what serves the text better.
 */
size_t cst__find_first(const uint8_t *text, size_t len, struct cst__needle *needle, size_t start);
size_t cst__find_last(const uint8_t *text, struct cst__needle *needle, size_t start);

/* Any of several bytes. */
struct cst__byte_set {
    uint8_t has[256];
};

struct cst__byte_set cst__byte_set_of(const uint8_t *bytes, size_t len);

/* The first one at or after index start, or the last one before index end. */
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

/* A piece, in the direction that the text is read in. */
const cst_slice *cst__text_piece(const struct cst__text *text, size_t piece);

/* Makes the piece with the byte at this position the one that is read; there is such a byte. */
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

/* The first position from `from` to `last` where the needle begins; it fits at all of these. */
size_t cst__two_way_find(const struct cst__two_way *search, struct cst__text *text, size_t from,
                         size_t last);

/* The index that `from` means, where a needle of so many bytes may begin; CST_NOT_FOUND where it
 * cannot. */
size_t cst__search_start(size_t len, size_t needle_len, ptrdiff_t from);
size_t cst__search_last_start(size_t len, size_t needle_len, ptrdiff_t from);

#endif

/*
 * chain_search.c - searching across the chunks of a chain, in either direction.
 *
 * The rest of a chunk that is as long as the needle is searched as one piece. The places in
 * between, from which the needle would reach into the next chunks, are left to the two-way search,
 * which reads the text by position.
 */
#include "cstream/buffer.h"

#include "base/base.h"
#include "bytes/search.h"

/* The chunks in the direction of the search, and what is looked for. */
struct seams {
    struct cst__text text;
    struct cst__needle needle;
    struct cst__two_way two_way;
    bool has_two_way;
};

/* Search from position from to last, where the piece that is being read holds the whole needle. */
static size_t find_in_piece(struct seams *s, size_t from, size_t last)
{
    const struct cst__text *text = &s->text;
    size_t start = from - text->begin;
    size_t end = last - text->begin + s->needle.len;
    size_t found;

    if (!text->backwards) {
        found = cst__find_first(text->here, end, &s->needle, start);
        return found != CST_NOT_FOUND ? text->begin + found : CST_NOT_FOUND;
    }
    /* Backwards the piece is read from its end: these are its last `end` bytes. */
    found =
        cst__find_last(text->here + text->here_len - end, &s->needle, end - start - s->needle.len);
    return found != CST_NOT_FOUND ? text->begin + end - found - s->needle.len : CST_NOT_FOUND;
}

static size_t find_across(struct seams *s, size_t from, size_t last)
{
    if (!s->has_two_way) {
        s->two_way = cst__two_way_of(&s->needle, s->text.backwards);
        s->has_two_way = true;
    }
    return cst__two_way_find(&s->two_way, &s->text, from, last);
}

/* Return the last position, at most last, before the next piece that is as long as the needle. */
static size_t before_long_piece(const struct seams *s, size_t last)
{
    size_t begin = s->text.begin + s->text.here_len;

    for (size_t piece = s->text.piece + 1; piece < s->text.count && begin <= last; piece++) {
        size_t len = cst__text_piece(&s->text, piece)->len;

        if (len >= s->needle.len)
            return begin - 1;
        begin += len;
    }
    return last;
}

static size_t find_in_pieces(struct seams *s, size_t from, size_t last)
{
    size_t found = CST_NOT_FOUND;

    while (from <= last && found == CST_NOT_FOUND) {
        size_t left, stop;

        cst__text_seek(&s->text, from);
        left = s->text.begin + s->text.here_len - from;
        if (left >= s->needle.len) {
            stop = cst__smaller(last, from + left - s->needle.len);
            found = find_in_piece(s, from, stop);
        } else {
            stop = before_long_piece(s, last);
            found = find_across(s, from, stop);
        }
        from = stop + 1;
    }
    return found;
}

static struct seams seams_of(const cst_chain *chain, const void *needle, size_t needle_len,
                             bool backwards)
{
    const cst_slice *chunks = cst_chain_slices(chain);

    return (struct seams){
        .text = cst__text_of(chunks, cst_chain_count(chain), backwards),
        .needle = cst__needle_of(needle, needle_len, cst_chain_bytes(chain)),
    };
}

size_t cst_chain_index_of(const cst_chain *chain, const void *needle, size_t needle_len,
                          ptrdiff_t from)
{
    size_t len = cst_chain_bytes(chain);
    size_t start = cst__search_start(len, needle_len, from);
    struct seams s;

    if (start == CST_NOT_FOUND || needle_len == 0)
        return start;
    s = seams_of(chain, needle, needle_len, false);
    return find_in_pieces(&s, start, len - needle_len);
}

size_t cst_chain_last_index_of(const cst_chain *chain, const void *needle, size_t needle_len,
                               ptrdiff_t from)
{
    size_t len = cst_chain_bytes(chain);
    size_t start = cst__search_last_start(len, needle_len, from);
    size_t last = len - needle_len; /* of index 0, as positions count from the end */
    size_t found;
    struct seams s;

    if (start == CST_NOT_FOUND || needle_len == 0)
        return start;
    s = seams_of(chain, needle, needle_len, true);
    found = find_in_pieces(&s, last - start, last);
    return found != CST_NOT_FOUND ? last - found : CST_NOT_FOUND;
}

size_t cst_chain_index_of_any(const cst_chain *chain, const void *set, size_t set_len,
                              ptrdiff_t from)
{
    const cst_slice *chunk = cst_chain_slices(chain);
    size_t len = cst_chain_bytes(chain);
    size_t start = cst__search_start(len, 1, from);
    const struct cst__byte_set wanted = cst__byte_set_of(set, set_len);

    if (start == CST_NOT_FOUND)
        return CST_NOT_FOUND;
    for (size_t begin = 0; begin < len; begin += chunk->len, chunk++) {
        size_t skipped = start > begin ? cst__smaller(start - begin, chunk->len) : 0;
        size_t found = cst__find_first_any(chunk->data, chunk->len, &wanted, skipped);

        if (found != CST_NOT_FOUND)
            return begin + found;
    }
    return CST_NOT_FOUND;
}

size_t cst_chain_last_index_of_any(const cst_chain *chain, const void *set, size_t set_len,
                                   ptrdiff_t from)
{
    const cst_slice *chunk = cst_chain_slices(chain);
    size_t start = cst__search_last_start(cst_chain_bytes(chain), 1, from);
    const struct cst__byte_set wanted = cst__byte_set_of(set, set_len);
    size_t begin = 0;
    size_t found;

    if (start == CST_NOT_FOUND)
        return CST_NOT_FOUND;
    for (; begin + chunk->len <= start; chunk++)
        begin += chunk->len;
    found = cst__find_last_any(chunk->data, &wanted, start + 1 - begin);
    while (found == CST_NOT_FOUND && begin > 0) {
        chunk--;
        begin -= chunk->len;
        found = cst__find_last_any(chunk->data, &wanted, chunk->len);
    }
    return found != CST_NOT_FOUND ? begin + found : CST_NOT_FOUND;
}

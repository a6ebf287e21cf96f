/*
 * two_way.c - a search in linear time and constant space, over a text in pieces, either way.
 *
 * A needle is cut in two at a place at which its local period is its period. The right part is
 * compared first, from left to right. If it differs after k bytes, no match can begin at any of the
 * next k positions. If it matches and the left part differs, the next match is a period away. So no
 * byte of the text is looked at more than a fixed number of times.
 */
#include "bytes/search.h"

#include <string.h>

/* No piece is being read yet. */
#define NO_PIECE SIZE_MAX

struct cst__text cst__text_of(const cst_slice *pieces, size_t count, bool backwards)
{
    return (struct cst__text){
        .pieces = pieces, .count = count, .backwards = backwards, .piece = NO_PIECE
    };
}

const cst_slice *cst__text_piece(const struct cst__text *text, size_t piece)
{
    return &text->pieces[text->backwards ? text->count - 1 - piece : piece];
}

static void enter(struct cst__text *text, size_t piece, size_t begin)
{
    const cst_slice *slice = cst__text_piece(text, piece);

    text->piece = piece;
    text->begin = begin;
    text->here = slice->data;
    text->here_len = slice->len;
}

void cst__text_seek(struct cst__text *text, size_t position)
{
    if (text->piece == NO_PIECE)
        enter(text, 0, 0);
    while (position >= text->begin + text->here_len)
        enter(text, text->piece + 1, text->begin + text->here_len);
    while (position < text->begin) {
        size_t len = cst__text_piece(text, text->piece - 1)->len;

        enter(text, text->piece - 1, text->begin - len);
    }
}

static inline uint8_t text_at(struct cst__text *text, size_t position)
{
    size_t offset = position - text->begin;

    if (offset >= text->here_len) {
        cst__text_seek(text, position);
        offset = position - text->begin;
    }
    return text->here[text->backwards ? text->here_len - 1 - offset : offset];
}

static inline uint8_t needle_at(const struct cst__two_way *search, size_t position)
{
    return search->needle[search->backwards ? search->len - 1 - position : position];
}

/*
 * Return where the needle's greatest suffix begins, by the order of bytes or by the opposite order.
 * *period is the period of that suffix.
 */
static size_t greatest_suffix(size_t *period, const struct cst__two_way *search, bool opposite)
{
    size_t best = 0;
    size_t rival = 1;
    size_t same = 0; /* how many bytes of both are equal */

    *period = 1;
    while (rival + same < search->len) {
        uint8_t a = needle_at(search, best + same);
        uint8_t b = needle_at(search, rival + same);

        if (a == b) {
            same++;
            if (same == *period) {
                rival += same;
                same = 0;
            }
        } else if ((b < a) != opposite) {
            rival += same + 1;
            same = 0;
            *period = rival - best;
        } else {
            best = rival++;
            same = 0;
            *period = 1;
        }
    }
    return best;
}

/* Return whether the bytes before the cut come again a period later. */
static bool is_periodic(const struct cst__two_way *search)
{
    for (size_t i = 0; i < search->cut; i++) {
        if (needle_at(search, i) != needle_at(search, i + search->period))
            return false;
    }
    return true;
}

struct cst__two_way cst__two_way_of(const struct cst__needle *needle, bool backwards)
{
    struct cst__two_way search = { .needle = needle->bytes,
                                   .len = needle->len,
                                   .backwards = backwards };
    size_t period;
    size_t other = greatest_suffix(&period, &search, true);

    search.cut = greatest_suffix(&search.period, &search, false);
    if (other > search.cut) {
        search.cut = other;
        search.period = period;
    }
    if (is_periodic(&search)) {
        search.kept = search.len - search.period;
    } else {
        size_t right = search.len - search.cut;

        search.period = (search.cut > right ? search.cut : right) + 1;
    }
    return search;
}

size_t cst__two_way_find(const struct cst__two_way *search, struct cst__text *text, size_t from,
                         size_t last)
{
    size_t position = from;
    size_t known = 0; /* how many bytes of the needle are known to match here */

    while (position <= last) {
        size_t i = known > search->cut ? known : search->cut;

        while (i < search->len && needle_at(search, i) == text_at(text, position + i))
            i++;
        if (i < search->len) {
            position += i - search->cut + 1;
            known = 0;
            continue;
        }
        i = search->cut;
        while (i > known && needle_at(search, i - 1) == text_at(text, position + i - 1))
            i--;
        if (i <= known)
            return position;
        position += search->period;
        known = search->kept;
    }
    return CST_NOT_FOUND;
}

/*
 * search.c - searching bytes that lie in one piece.
 *
 * The two least common bytes of the needle are looked for at their distance, eight places at a
 * time. The rest is compared only at places that have both. As long as the least common byte is
 * rare, memchr looks for it alone. The bytes that were compared in vain are counted: if they
 * outnumber the bytes that were passed, the two-way search takes over. So no text takes more than
 * linear time.
 */
#include "bytes/search.h"

#include <string.h>

#include "bytes/word.h"

/* Places are looked at in words, and words in blocks, each of which costs one test. */
#define WORD sizeof(uint64_t)
#define BLOCK (8 * WORD)

/*
 * memchr is worth its call if it passes this many bytes. The first RARE_TRIES calls may pass fewer.
 */
#define RARE_GAP ((size_t)64)
#define RARE_TRIES ((size_t)6)

/* Bytes compared in vain before the count begins to matter. */
#define WORK_GRACE ((size_t)4096)

/*
 * With fewer places than CHOICE_PLACES, choosing two bytes takes longer than it saves. Of a long
 * needle only the first CHOICE bytes are considered.
 */
#define CHOICE_PLACES ((size_t)512)
#define CHOICE ((size_t)64)

/* Backwards, memchr looks at steps that double from the first size to the last. */
#define FIRST_STEP ((size_t)512)
#define LAST_STEP ((size_t)8192)

/* --- where a search begins -------------------------------------------------------------------- */

size_t cst__search_start(size_t len, size_t needle_len, ptrdiff_t from)
{
    size_t back = from < 0 ? 0 - (size_t)from : 0;
    size_t start = from < 0 ? len - (back < len ? back : len) : (size_t)from;

    if (needle_len == 0)
        return start < len ? start : len;
    return start <= len && needle_len <= len - start ? start : CST_NOT_FOUND;
}

size_t cst__search_last_start(size_t len, size_t needle_len, ptrdiff_t from)
{
    size_t back = from < 0 ? 0 - (size_t)from : 0;
    size_t last;

    if (needle_len > len)
        return CST_NOT_FOUND;
    last = len - needle_len;
    if (from >= 0)
        return (size_t)from < last ? (size_t)from : last;
    if (back <= len)
        return len - back < last ? len - back : last;
    return needle_len == 0 ? 0 : CST_NOT_FOUND;
}

/* --- choosing two bytes ----------------------------------------------------------------------- */

/* Roughly how common a byte is in text and in binary data, from 0 (rare) to 9. */
static const char commonness[] =
    "93333333345224222222222222222222"  /* controls */
    "92522224332254545544444444433432"  /* blank, marks, digits */
    "24444444444444444444444444433324"  /* capitals */
    "18567965782476886188964525122210"  /* small letters */
    "33333333333333333333333333333333"  /* what follows the first byte */
    "33333333333333333333333333333333"  /* of a character in UTF-8 */
    "11223222222222222222222222222222"  /* first bytes of two */
    "33333333333333332111111111111114"; /* of three, of four, and 0xFF */

struct cst__needle cst__needle_of(const void *bytes, size_t len, size_t places)
{
    struct cst__needle needle = { .bytes = bytes, .len = len, .second = len - 1 };
    size_t choice = len < CHOICE ? len : CHOICE;

    if (places < CHOICE_PLACES)
        return needle;
    for (size_t i = 1; i < choice; i++) {
        char common = commonness[needle.bytes[i]];

        if (common < commonness[needle.bytes[needle.rare]]) {
            needle.second = needle.rare;
            needle.rare = i;
        } else if (common < commonness[needle.bytes[needle.second]]) {
            needle.second = i;
        }
    }
    return needle;
}

/* --- places ----------------------------------------------------------------------------------- */

/* A search under way. `work` counts the bytes compared in vain. */
struct hunt {
    const uint8_t *text;
    struct cst__needle *needle;
    size_t work;
};

static size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t i = 0;

    while (len - i >= WORD && cst__word_load(a + i) == cst__word_load(b + i))
        i += WORD;
    while (i < len && a[i] == b[i])
        i++;
    return i;
}

/*
 * Return whether the needle is at this place. If not, the byte that differs becomes the second byte
 * to look for: a text that nearly matches often does so in the same way again.
 */
static bool is_at(struct hunt *hunt, size_t place)
{
    struct cst__needle *needle = hunt->needle;
    const uint8_t *here = hunt->text + place;
    size_t equal;

    if (here[needle->rare] != needle->bytes[needle->rare] ||
        here[needle->second] != needle->bytes[needle->second])
        return false;
    equal = equal_bytes(here, needle->bytes, needle->len);
    if (equal == needle->len)
        return true;
    hunt->work += equal + WORD;
    needle->second = equal;
    return false;
}

/* Return whether more bytes were compared in vain than passed. */
static bool is_slow(const struct hunt *hunt, size_t passed)
{
    return hunt->work > WORK_GRACE && hunt->work - WORK_GRACE > passed;
}

/* Return whether the rare byte was found too often for the bytes that were passed. */
static bool is_crowded(size_t tries, size_t passed)
{
    return tries > RARE_TRIES && (tries - RARE_TRIES) * RARE_GAP > passed;
}

/* Mark those of eight places that may have both bytes. */
static inline uint64_t both_in_word(const struct hunt *hunt, size_t place)
{
    const struct cst__needle *needle = hunt->needle;
    const uint8_t *here = hunt->text + place;
    uint64_t rare = cst__word_of(needle->bytes[needle->rare]);
    uint64_t second = cst__word_of(needle->bytes[needle->second]);

    return cst__word_zeroes((cst__word_load(here + needle->rare) ^ rare) |
                            (cst__word_load(here + needle->second) ^ second));
}

static inline bool both_in_block(const struct hunt *hunt, size_t place)
{
    uint64_t any = 0;

    for (size_t i = 0; i < BLOCK; i += WORD)
        any |= both_in_word(hunt, place + i);
    return (any & CST__WORD_HIGHS) != 0;
}

/* --- forwards --------------------------------------------------------------------------------- */

/* Return the first match at place or behind it, before end. */
static size_t first_in_words(struct hunt *hunt, size_t place, size_t end)
{
    for (; end - place >= WORD; place += WORD) {
        if ((both_in_word(hunt, place) & CST__WORD_HIGHS) == 0)
            continue;
        for (size_t i = 0; i < WORD; i++) {
            if (is_at(hunt, place + i))
                return place + i;
        }
    }
    for (; place < end; place++) {
        if (is_at(hunt, place))
            return place;
    }
    return CST_NOT_FOUND;
}

static size_t first_by_two_way(const struct hunt *hunt, size_t place, size_t end)
{
    const struct cst__two_way search = cst__two_way_of(hunt->needle, false);
    const size_t len = end - 1 + hunt->needle->len;
    const cst_slice whole = { .data = hunt->text, .len = len };
    struct cst__text text = cst__text_of(&whole, 1, false);

    return cst__two_way_find(&search, &text, place, end - 1);
}

static size_t first_in_blocks(struct hunt *hunt, size_t place, size_t end)
{
    size_t begin = place;

    for (; end - place >= BLOCK; place += BLOCK) {
        size_t found;

        if (!both_in_block(hunt, place))
            continue;
        found = first_in_words(hunt, place, place + BLOCK);
        if (found != CST_NOT_FOUND)
            return found;
        if (is_slow(hunt, place - begin))
            return first_by_two_way(hunt, place, end);
    }
    return first_in_words(hunt, place, end);
}

/* Search by memchr, as long as it passes many bytes with each call. */
static size_t first_by_rare(struct hunt *hunt, size_t place, size_t end)
{
    size_t begin = place;
    size_t tries = 0;

    while (place < end && !is_crowded(tries, place - begin) && !is_slow(hunt, place - begin)) {
        const uint8_t *here = hunt->text + hunt->needle->rare;
        const uint8_t byte = hunt->needle->bytes[hunt->needle->rare];
        const uint8_t *hit = memchr(here + place, byte, end - place);

        if (!hit)
            return CST_NOT_FOUND;
        place = (size_t)(hit - here);
        if (is_at(hunt, place))
            return place;
        place++;
        tries++;
    }
    return place < end ? first_in_blocks(hunt, place, end) : CST_NOT_FOUND;
}

static size_t first_byte(const uint8_t *text, size_t len, uint8_t byte, size_t start)
{
    const uint8_t *hit = memchr(text + start, byte, len - start);

    return hit ? (size_t)(hit - text) : CST_NOT_FOUND;
}

size_t cst__find_first(const uint8_t *text, size_t len, struct cst__needle *needle, size_t start)
{
    struct hunt hunt = { .text = text, .needle = needle };
    size_t end = len - needle->len + 1;

    if (needle->len == 1)
        return first_byte(text, len, needle->bytes[0], start);
    if (end - start < CHOICE_PLACES)
        return first_in_blocks(&hunt, start, end);
    return first_by_rare(&hunt, start, end);
}

/* --- backwards: one byte ---------------------------------------------------------------------- */

static bool byte_in_word(const uint8_t *word, uint8_t byte)
{
    uint64_t differences = cst__word_load(word) ^ cst__word_of(byte);

    return (cst__word_zeroes(differences) & CST__WORD_HIGHS) != 0;
}

static const uint8_t places_in_block[BLOCK] = {
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
    45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
};

/*
 * Return the last place of a block that has the byte, counted from 1; 0 if none has it. There is no
 * branch, so that compilers look at many bytes in one instruction.
 */
static size_t last_in_block(const uint8_t *block, uint8_t byte)
{
    uint8_t last = 0;

    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t place = (uint8_t)(-(block[i] == byte) & places_in_block[i]);

        last = place > last ? place : last;
    }
    return last;
}

static size_t last_byte_near(const uint8_t *text, size_t end, uint8_t byte)
{
    for (; end >= BLOCK; end -= BLOCK) {
        size_t place = last_in_block(text + end - BLOCK, byte);

        if (place > 0)
            return end - BLOCK + place - 1;
    }
    while (end >= WORD && !byte_in_word(text + end - WORD, byte))
        end -= WORD;
    while (end > 0 && text[end - 1] != byte)
        end--;
    return end > 0 ? end - 1 : CST_NOT_FOUND;
}

/* C has memchr for one direction only. Here it tells whether a step has the byte at all. */
static size_t last_byte(const uint8_t *text, size_t end, uint8_t byte)
{
    size_t step = FIRST_STEP;

    while (end > FIRST_STEP) {
        step = step < end ? step : end;
        if (memchr(text + end - step, byte, step) != NULL)
            break;
        end -= step;
        step = step < LAST_STEP ? step * 2 : step;
    }
    return last_byte_near(text, end, byte);
}

/* --- backwards: a needle ---------------------------------------------------------------------- */

/* Return the last match before end, at place or behind it. */
static size_t last_in_words(struct hunt *hunt, size_t place, size_t end)
{
    for (; end - place >= WORD; end -= WORD) {
        if ((both_in_word(hunt, end - WORD) & CST__WORD_HIGHS) == 0)
            continue;
        for (size_t i = 1; i <= WORD; i++) {
            if (is_at(hunt, end - i))
                return end - i;
        }
    }
    for (; end > place; end--) {
        if (is_at(hunt, end - 1))
            return end - 1;
    }
    return CST_NOT_FOUND;
}

static size_t last_by_two_way(const struct hunt *hunt, size_t end)
{
    const struct cst__two_way search = cst__two_way_of(hunt->needle, true);
    const size_t len = end - 1 + hunt->needle->len;
    const cst_slice whole = { .data = hunt->text, .len = len };
    struct cst__text text = cst__text_of(&whole, 1, true);
    size_t found = cst__two_way_find(&search, &text, 0, end - 1);

    return found != CST_NOT_FOUND ? end - 1 - found : CST_NOT_FOUND;
}

static size_t last_in_blocks(struct hunt *hunt, size_t end)
{
    size_t begin = end;

    for (; end >= BLOCK; end -= BLOCK) {
        size_t found;

        if (!both_in_block(hunt, end - BLOCK))
            continue;
        found = last_in_words(hunt, end - BLOCK, end);
        if (found != CST_NOT_FOUND)
            return found;
        if (is_slow(hunt, begin - end))
            return last_by_two_way(hunt, end);
    }
    return last_in_words(hunt, 0, end);
}

static size_t last_by_rare(struct hunt *hunt, size_t end)
{
    size_t begin = end;
    size_t tries = 0;

    while (end > 0 && !is_crowded(tries, begin - end) && !is_slow(hunt, begin - end)) {
        size_t rare = hunt->needle->rare;

        end = last_byte(hunt->text + rare, end, hunt->needle->bytes[rare]);
        if (end == CST_NOT_FOUND || is_at(hunt, end))
            return end;
        tries++;
    }
    return end > 0 ? last_in_blocks(hunt, end) : CST_NOT_FOUND;
}

size_t cst__find_last(const uint8_t *text, struct cst__needle *needle, size_t start)
{
    struct hunt hunt = { .text = text, .needle = needle };

    if (needle->len == 1)
        return last_byte(text, start + 1, needle->bytes[0]);
    if (start < CHOICE_PLACES)
        return last_in_blocks(&hunt, start + 1);
    return last_by_rare(&hunt, start + 1);
}

/* --- the calls -------------------------------------------------------------------------------- */

size_t cst_bytes_index_of(const void *bytes, size_t len, const void *needle, size_t needle_len,
                          ptrdiff_t from)
{
    size_t start = cst__search_start(len, needle_len, from);
    struct cst__needle wanted;

    if (start == CST_NOT_FOUND || needle_len == 0)
        return start;
    wanted = cst__needle_of(needle, needle_len, len - start);
    return cst__find_first(bytes, len, &wanted, start);
}

size_t cst_bytes_last_index_of(const void *bytes, size_t len, const void *needle, size_t needle_len,
                               ptrdiff_t from)
{
    size_t start = cst__search_last_start(len, needle_len, from);
    struct cst__needle wanted;

    if (start == CST_NOT_FOUND || needle_len == 0)
        return start;
    wanted = cst__needle_of(needle, needle_len, start + 1);
    return cst__find_last(bytes, &wanted, start);
}

size_t cst_bytes_index_of_byte(const void *bytes, size_t len, uint8_t byte, ptrdiff_t from)
{
    size_t start = cst__search_start(len, 1, from);

    return start != CST_NOT_FOUND ? first_byte(bytes, len, byte, start) : CST_NOT_FOUND;
}

size_t cst_bytes_last_index_of_byte(const void *bytes, size_t len, uint8_t byte, ptrdiff_t from)
{
    size_t start = cst__search_last_start(len, 1, from);

    return start != CST_NOT_FOUND ? last_byte(bytes, start + 1, byte) : CST_NOT_FOUND;
}

/* --- one of several bytes --------------------------------------------------------------------- */

struct cst__byte_set cst__byte_set_of(const uint8_t *bytes, size_t len)
{
    struct cst__byte_set set = { .has = { 0 } };

    for (size_t i = 0; i < len; i++)
        set.has[bytes[i]] = 1;
    return set;
}

/* Return whether one of eight bytes is in the set. */
static inline bool any_of_word(const struct cst__byte_set *set, const uint8_t *here)
{
    unsigned any = 0;

    for (size_t i = 0; i < WORD; i++)
        any |= set->has[here[i]];
    return any != 0;
}

size_t cst__find_first_any(const uint8_t *text, size_t len, const struct cst__byte_set *set,
                           size_t start)
{
    while (len - start >= WORD && !any_of_word(set, text + start))
        start += WORD;
    while (start < len && !set->has[text[start]])
        start++;
    return start < len ? start : CST_NOT_FOUND;
}

size_t cst__find_last_any(const uint8_t *text, const struct cst__byte_set *set, size_t end)
{
    while (end >= WORD && !any_of_word(set, text + end - WORD))
        end -= WORD;
    while (end > 0 && !set->has[text[end - 1]])
        end--;
    return end > 0 ? end - 1 : CST_NOT_FOUND;
}

size_t cst_bytes_index_of_any(const void *bytes, size_t len, const void *set, size_t set_len,
                              ptrdiff_t from)
{
    size_t start = cst__search_start(len, 1, from);
    struct cst__byte_set wanted;

    if (start == CST_NOT_FOUND || set_len == 0)
        return CST_NOT_FOUND;
    if (set_len == 1)
        return first_byte(bytes, len, *(const uint8_t *)set, start);
    wanted = cst__byte_set_of(set, set_len);
    return cst__find_first_any(bytes, len, &wanted, start);
}

size_t cst_bytes_last_index_of_any(const void *bytes, size_t len, const void *set, size_t set_len,
                                   ptrdiff_t from)
{
    size_t start = cst__search_last_start(len, 1, from);
    struct cst__byte_set wanted;

    if (start == CST_NOT_FOUND || set_len == 0)
        return CST_NOT_FOUND;
    wanted = cst__byte_set_of(set, set_len);
    return cst__find_last_any(bytes, &wanted, start + 1);
}

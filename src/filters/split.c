/*
 * split.c - framing.h: lines, pieces between delimiters, and the way back.
 *
 *        what is held (gather)        the chunk of the slot
 *   [ a part of a message ...... ][ ...... D ........ D ..... ]
 *                                          ^ at: behind the last end that was found
 *
 * The delimiter is looked for by memchr for its first byte. Its other bytes are compared one by
 * one: `matched` counts how many of them are the last bytes that came, and the table says how many
 * still are if the next byte is not the one that was looked for (Knuth, Morris and Pratt). So a
 * delimiter may lie in several chunks, and each byte is looked at once.
 */
#include "cstream/framing.h"

#include <string.h>

#include "filters/gather.h"
#include "filters/outputs.h"

enum { DEFAULT_LONGEST = 65536 };

/*
 * delimiter   what ends a message; empty if a line may end with any of LF, CR LF and CR
 * table       for each of its bytes: how many of its first bytes are the last ones before and with
 *             this byte; NULL for one byte
 * max ...     the options
 * strips_cr   a CR before the delimiter belongs to it
 * held        the part of a message that has come in chunks before
 * matched     see above
 * at          how much of the slot's chunk is done
 * cr, lf      for lines of any end: where in the chunk the next of each is, not before `at`
 * after_cr    for lines of any end: a CR was the last byte of a chunk
 * is_skipping the rest of a message that was too long is left out
 * dropped     how many were too long
 */
struct split {
    cst_slice delimiter;
    const size_t *table;
    size_t max;
    cst_on_long on_long;
    bool keep_end, no_rest, strips_cr;
    struct cst__gather held;
    size_t matched;
    size_t at, cr, lf;
    bool after_cr, is_skipping;
    uint64_t dropped;
};

/* --- where a message ends --------------------------------------------------------------------- */

/*
 * What was found in the chunk behind `at`. Lengths count from the beginning of the message, with
 * what is held.
 *
 * behind   the index in the chunk behind the end, or behind the chunk
 * len      the bytes up to there
 * content  the bytes of them that belong to the message; without an end: that surely do
 */
struct found {
    bool is_end;
    size_t behind;
    size_t len;
    size_t content;
};

/* Return a byte of the message, whose first ones are held. */
static uint8_t byte_of(const struct split *split, const cst_slice *chunk, size_t index)
{
    if (index < split->held.len)
        return cst__gather_at(&split->held, index);
    return chunk->data[split->at + index - split->held.len];
}

/* Return the index behind the next delimiter, or 0 if there is none in the chunk. */
static size_t find_delimiter(struct split *split, const cst_slice *chunk)
{
    const uint8_t *what = split->delimiter.data;
    size_t matched = split->matched;

    for (size_t i = split->at; i < chunk->len; i++) {
        if (matched == 0) {
            const uint8_t *first = memchr(chunk->data + i, what[0], chunk->len - i);

            if (!first)
                break;
            i = (size_t)(first - chunk->data);
        }
        while (matched > 0 && chunk->data[i] != what[matched])
            matched = split->table[matched - 1];
        if (chunk->data[i] == what[matched])
            matched++;
        if (matched == split->delimiter.len) {
            split->matched = 0;
            return i + 1;
        }
    }
    split->matched = matched;
    return 0;
}

static struct found look_for_delimiter(struct split *split, const cst_slice *chunk)
{
    size_t behind = find_delimiter(split, chunk);
    struct found found = { .is_end = behind > 0, .behind = behind ? behind : chunk->len };

    found.len = split->held.len + (found.behind - split->at);
    if (split->is_skipping)
        return found; /* its bytes before this chunk are gone */
    found.content = found.len - (found.is_end ? split->delimiter.len : split->matched);
    if (split->strips_cr && found.content > 0 && byte_of(split, chunk, found.content - 1) == '\r')
        found.content--;
    return found;
}

static size_t find_byte(const cst_slice *chunk, size_t from, int byte)
{
    const uint8_t *at = memchr(chunk->data + from, byte, chunk->len - from);

    return at ? (size_t)(at - chunk->data) : chunk->len;
}

static struct found look_for_any_end(struct split *split, const cst_slice *chunk)
{
    struct found found = { .is_end = false, .behind = chunk->len };
    size_t end;

    if (split->cr < split->at)
        split->cr = find_byte(chunk, split->at, '\r');
    if (split->lf < split->at)
        split->lf = find_byte(chunk, split->at, '\n');
    end = split->cr < split->lf ? split->cr : split->lf;
    found.content = split->held.len + (end - split->at);
    if (end < chunk->len) {
        found.is_end = true;
        found.behind = end + 1;
        if (end == split->cr && found.behind < chunk->len && split->lf == found.behind)
            found.behind++;
        split->after_cr = end == split->cr && end + 1 == chunk->len;
    }
    found.len = split->held.len + (found.behind - split->at);
    return found;
}

/* --- messages --------------------------------------------------------------------------------- */

/* What a step brought: more to look at, a message, or a failure. */
struct step {
    cst_status status;
    bool has_message;
    cst_slice message;
};

static struct step take_message(struct split *split, cst_ctx *ctx, const cst_slice *chunk,
                                size_t len)
{
    struct step step = { .status = CST_OK };

    step.status = cst__gather_take(&step.message, &split->held, ctx, chunk, split->at, len);
    step.has_message = step.status >= 0;
    return step;
}

/* The message is longer than the longest one. */
static struct step leave_out(struct split *split, cst_ctx *ctx, const cst_slice *chunk)
{
    struct step step = { .status = CST_OK };

    split->dropped++;
    switch (split->on_long) {
    case CST_LONG_FAIL:
        split->dropped--;
        step.status = CST_E_OUT_OF_RANGE;
        break;
    case CST_LONG_SKIP:
        cst__gather_drop(&split->held);
        break;
    case CST_LONG_CUT:
        return take_message(split, ctx, chunk, split->max);
    }
    return step;
}

/* Hold what the chunk has of a message whose end has not come. */
static struct step hold_rest(struct split *split, cst_ctx *ctx, const cst_slice *chunk)
{
    size_t ends = split->delimiter.len + split->strips_cr;
    size_t most = split->max <= SIZE_MAX - ends ? split->max + ends : SIZE_MAX;

    return (struct step){ .status = cst__gather_add(&split->held, ctx, chunk, split->at,
                                                    chunk->len - split->at, most) };
}

static struct step step_on(struct split *split, cst_ctx *ctx, const cst_slice *chunk)
{
    struct found found = split->delimiter.len > 0 ? look_for_delimiter(split, chunk)
                                                  : look_for_any_end(split, chunk);
    struct step step = { .status = CST_OK };

    if (split->is_skipping)
        split->is_skipping = !found.is_end;
    else if (found.content > split->max) {
        step = leave_out(split, ctx, chunk);
        split->is_skipping = !found.is_end;
    } else if (found.is_end)
        step = take_message(split, ctx, chunk, split->keep_end ? found.len : found.content);
    else
        step = hold_rest(split, ctx, chunk);
    split->at = found.behind;
    return step;
}

static void begin_chunk(struct split *split, const cst_slice *chunk)
{
    if (split->delimiter.len > 0 || chunk->len == 0)
        return;
    if (split->after_cr && chunk->data[0] == '\n')
        split->at = 1;
    split->after_cr = false;
    split->cr = find_byte(chunk, split->at, '\r');
    split->lf = find_byte(chunk, split->at, '\n');
}

/* Push the messages that end in the chunk, from `at` on. */
static cst_status push_messages(cst_stream *s, struct split *split, const cst_slice *chunk)
{
    cst_ctx *ctx = cst_stream_ctx(s);
    cst_status answer;

    if (split->at == 0)
        begin_chunk(split, chunk);
    while (split->at < chunk->len) {
        struct step step = step_on(split, ctx, chunk);

        if (step.status < 0)
            return step.status;
        if (step.has_message && cst__has_to_stop(&answer, s, cst_push(s, step.message)) &&
            split->at < chunk->len)
            return answer;
    }
    return CST_OK;
}

static cst_status split_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct split *split = self;
    cst_status st = push_messages(s, split, chunk);

    if (st != CST_AGAIN)
        split->at = 0;
    return st;
}

/* What follows the last end is a message too. */
static cst_status split_flush(cst_stream *s, void *self)
{
    const cst_slice nothing = cst_slice_empty();
    struct split *split = self;
    struct step step = { .status = CST_OK };

    if (split->no_rest && (split->held.len > 0 || split->is_skipping))
        return CST_E_BUFFER_OUT_OF_BOUNDS;
    if (split->held.len > split->max)
        step = leave_out(split, cst_stream_ctx(s), &nothing);
    else if (split->held.len > 0)
        step = take_message(split, cst_stream_ctx(s), &nothing, split->held.len);
    return step.has_message ? cst_give(s, step.message) : step.status;
}

static cst_status split_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct split *split = self;

    (void)s;
    (void)error;
    cst__gather_drop(&split->held);
    cst_slice_unref(&split->delimiter);
    return CST_OK;
}

/* --- making one ------------------------------------------------------------------------------- */

static const cst_ops split_ops = {
    .name = "split",
    .self_size = sizeof(struct split),
    .transform = split_transform,
    .flush = split_flush,
    .destroy = split_destroy,
};

static const cst_ops lines_ops = {
    .name = "lines",
    .self_size = sizeof(struct split),
    .transform = split_transform,
    .flush = split_flush,
    .destroy = split_destroy,
};

/* For each byte: the longest shorter beginning of the delimiter that ends with this byte. */
static void fill_table(size_t *table, const uint8_t *what, size_t len)
{
    size_t matched = 0;

    table[0] = 0;
    for (size_t i = 1; i < len; i++) {
        while (matched > 0 && what[i] != what[matched])
            matched = table[matched - 1];
        if (what[i] == what[matched])
            matched++;
        table[i] = matched;
    }
}

/* Copy the delimiter; its table lies in the same block. */
static cst_status set_delimiter(struct split *split, cst_ctx *ctx, const void *what, size_t len)
{
    cst_slice whole;
    cst_buf buf;
    cst_status st;

    if (len > SIZE_MAX / (sizeof(size_t) + 1))
        return CST_E_OUT_OF_RANGE;
    st = cst_buf_new(&buf, cst_ctx_allocator(ctx), len * (sizeof(size_t) + 1));
    if (st < 0)
        return st;
    split->table = (const size_t *)(const void *)buf.data;
    fill_table((size_t *)(void *)buf.data, what, len);
    memcpy(buf.data + len * sizeof(size_t), what, len);
    whole = cst_buf_freeze(&buf, len * (sizeof(size_t) + 1));
    split->delimiter = cst_slice_split_off(&whole, len * sizeof(size_t));
    cst_slice_unref(&whole);
    return CST_OK;
}

static bool set_options(struct split *split, const cst_split_opts *opts)
{
    static const cst_split_opts defaults = { .max = 0 };

    if (!opts)
        opts = &defaults;
    split->max = opts->max ? opts->max : DEFAULT_LONGEST;
    split->on_long = opts->on_long;
    split->keep_end = opts->keep_end;
    split->no_rest = opts->no_rest;
    return opts->on_long == CST_LONG_FAIL || opts->on_long == CST_LONG_SKIP ||
           opts->on_long == CST_LONG_CUT;
}

static cst_status new_split(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, struct split *split,
                            const cst_opts *opts)
{
    cst_opts modes;
    cst_status st = CST_E_INVALID_ARG;

    if (cst__set_modes(&modes, opts, true, false))
        st = cst_transform_new(out, ctx, ops, split, &modes);
    if (st < 0)
        cst_slice_unref(&split->delimiter);
    return st;
}

cst_status cst_split_new(cst_stream **out, cst_ctx *ctx, const void *delimiter, size_t len,
                         const cst_split_opts *split_opts, const cst_opts *opts)
{
    struct split split = { .max = 0 };
    cst_status st;

    if (!ctx || !delimiter || len == 0 || !set_options(&split, split_opts))
        return CST_E_INVALID_ARG;
    st = set_delimiter(&split, ctx, delimiter, len);
    return st < 0 ? st : new_split(out, ctx, &split_ops, &split, opts);
}

cst_status cst_lines_new(cst_stream **out, cst_ctx *ctx, const cst_split_opts *split_opts,
                         const cst_opts *opts)
{
    static const size_t crlf_table[] = { 0, 0 };
    struct split split = { .table = crlf_table };

    if (!set_options(&split, split_opts))
        return CST_E_INVALID_ARG;
    switch (split_opts ? split_opts->line_end : CST_LINE_LF) {
    case CST_LINE_LF:
        split.delimiter = cst_slice_static("\n", 1);
        split.strips_cr = true;
        break;
    case CST_LINE_CRLF:
        split.delimiter = cst_slice_static("\r\n", 2);
        break;
    case CST_LINE_NUL:
        split.delimiter = cst_slice_static("", 1);
        break;
    case CST_LINE_ANY:
        break;
    default: /* no line end that this version knows */
        return CST_E_INVALID_ARG;
    }
    return new_split(out, ctx, &lines_ops, &split, opts);
}

uint64_t cst_split_dropped(const cst_stream *s)
{
    const cst_ops *ops = cst_stream_ops(s);

    if (ops != &split_ops && ops != &lines_ops)
        return 0;
    return ((const struct split *)cst_stream_self(s))->dropped;
}

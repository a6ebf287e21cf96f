/*
 * frames.c - framing.h: frames with their length in front, both ways.
 *
 *   [ header_bytes | length | payload ... ]
 *
 * The length is read byte by byte as it comes, so nothing of a header has to be held unless the
 * message keeps it. Memory grows with what has come, never with what a length announces.
 */
#include "cstream/framing.h"

#include "cstream/buffer.h"
#include "filters/gather.h"
#include "filters/outputs.h"

enum { DEFAULT_LENGTH_BYTES = 4, MOST_LENGTH_BYTES = 10, DEFAULT_MAX = 1 << 20 };

/*
 * header  how many bytes of the header have come, with those of the length
 * field   the bytes of the length that have come
 * left    of a payload: the bytes to come that belong to the message
 * skip    the bytes behind it that are left out
 */
struct frames {
    cst_frame_opts opts;
    bool in_payload, is_left_out;
    size_t header;
    uint8_t field[MOST_LENGTH_BYTES];
    uint64_t left, skip;
    struct cst__gather held;
    size_t at;
    uint64_t dropped;
};

static bool set_options(cst_frame_opts *out, const cst_frame_opts *opts)
{
    *out = opts ? *opts : (cst_frame_opts){ .max = 0 };
    if (out->length_bytes == 0)
        out->length_bytes = DEFAULT_LENGTH_BYTES;
    if (out->max == 0)
        out->max = DEFAULT_MAX;
    return out->length_bytes <= 8 && out->header_bytes <= SIZE_MAX / 4 &&
           (out->on_long == CST_LONG_FAIL || out->on_long == CST_LONG_SKIP ||
            out->on_long == CST_LONG_CUT);
}

/* --- from frames ------------------------------------------------------------------------------ */

/* Return CST_OK if the length is whole: *length, *width. CST_EMPTY if bytes of it are to come. */
static cst_status length_of(uint64_t *length, size_t *width, const struct frames *frames,
                            size_t have)
{
    const cst_frame_opts *opts = &frames->opts;
    cst_status st;

    if (opts->varint) {
        st = cst_get_varint(length, width, frames->field, have, 0);
        return st == CST_E_BUFFER_OUT_OF_BOUNDS ? CST_EMPTY : st;
    }
    if (have < opts->length_bytes)
        return CST_EMPTY;
    *length = 0;
    *width = opts->length_bytes;
    for (size_t i = 0; i < have; i++)
        *length = *length << 8 | frames->field[opts->little_endian ? have - 1 - i : i];
    return CST_OK;
}

/* The header is whole: see what is to come of the payload. */
static cst_status begin_payload(struct frames *frames, uint64_t length, size_t width)
{
    const cst_frame_opts *opts = &frames->opts;
    uint64_t header = opts->counts_header ? (uint64_t)opts->header_bytes + width : 0;

    if (length < header)
        return CST_E_OUT_OF_RANGE;
    frames->left = length - header;
    frames->skip = 0;
    frames->in_payload = true;
    if (frames->left <= opts->max)
        return CST_OK;
    if (opts->on_long == CST_LONG_FAIL)
        return CST_E_OUT_OF_RANGE;
    frames->dropped++;
    frames->is_left_out = opts->on_long == CST_LONG_SKIP;
    frames->skip = frames->is_left_out ? frames->left : frames->left - opts->max;
    frames->left = frames->is_left_out ? 0 : opts->max;
    return CST_OK;
}

/* Read the header in the chunk from index i on. Return CST_EMPTY if it goes on behind the chunk. */
static cst_status read_header(struct frames *frames, const cst_slice *chunk, size_t *i)
{
    while (*i < chunk->len) {
        size_t before = frames->opts.header_bytes;
        uint64_t length;
        size_t width;
        cst_status st;

        if (frames->header < before) {
            size_t n = before - frames->header;

            n = n < chunk->len - *i ? n : chunk->len - *i;
            frames->header += n;
            *i += n;
            continue;
        }
        frames->field[frames->header - before] = chunk->data[(*i)++];
        frames->header++;
        st = length_of(&length, &width, frames, frames->header - before);
        if (st != CST_EMPTY)
            return st < 0 ? st : begin_payload(frames, length, width);
    }
    return CST_EMPTY;
}

static cst_status hold(struct frames *frames, cst_ctx *ctx, const cst_slice *chunk, size_t to)
{
    size_t from = frames->at;
    size_t most = frames->opts.header_bytes + MOST_LENGTH_BYTES;

    frames->at = to;
    if (frames->in_payload)
        most = frames->held.len + (to - from) + (size_t)frames->left;
    return cst__gather_add(&frames->held, ctx, chunk, from, to - from, most);
}

/* Go through the header. What the message does not keep of it is passed. */
static cst_status step_through_header(struct frames *frames, cst_ctx *ctx, const cst_slice *chunk)
{
    size_t i = frames->at;
    cst_status st = read_header(frames, chunk, &i);

    if (st < 0)
        return st;
    if (!frames->opts.keep_header || frames->is_left_out) {
        cst__gather_drop(&frames->held);
        frames->at = i;
        return CST_OK;
    }
    /* A frame that lies in this chunk is to be one view: its header is not held apart. */
    if (st == CST_OK && frames->held.len == 0 && frames->left <= chunk->len - i) {
        frames->left += i - frames->at;
        return CST_OK;
    }
    return hold(frames, ctx, chunk, i);
}

/* Take the message if all of it has come, else hold what has. */
static cst_status step_through_payload(cst_slice *out, bool *has_message, struct frames *frames,
                                       cst_ctx *ctx, const cst_slice *chunk)
{
    size_t there = chunk->len - frames->at;
    cst_status st;

    if (frames->left > there) {
        frames->left -= there;
        return hold(frames, ctx, chunk, chunk->len);
    }
    if (!frames->is_left_out) {
        st = cst__gather_take(out, &frames->held, ctx, chunk, frames->at,
                              frames->held.len + (size_t)frames->left);
        if (st < 0)
            return st;
        *has_message = true;
    }
    frames->at += (size_t)frames->left;
    frames->left = 0;
    frames->is_left_out = true; /* what follows of this frame */
    return CST_OK;
}

/* Pass what is left out behind the message; then the next frame begins. */
static void step_behind(struct frames *frames, const cst_slice *chunk)
{
    size_t there = chunk->len - frames->at;

    if (frames->skip > there) {
        frames->skip -= there;
        frames->at = chunk->len;
        return;
    }
    frames->at += (size_t)frames->skip;
    frames->skip = 0;
    frames->header = 0;
    frames->in_payload = frames->is_left_out = false;
}

static cst_status push_messages(cst_stream *s, struct frames *frames, const cst_slice *chunk)
{
    cst_ctx *ctx = cst_stream_ctx(s);

    while (frames->at < chunk->len) {
        cst_slice message = cst_slice_empty();
        bool has_message = false;
        cst_status answer, st = CST_OK;

        if (!frames->in_payload)
            st = step_through_header(frames, ctx, chunk);
        if (st >= 0 && frames->in_payload)
            st = step_through_payload(&message, &has_message, frames, ctx, chunk);
        if (st < 0)
            return st;
        if (frames->in_payload && frames->is_left_out)
            step_behind(frames, chunk);
        if (has_message && cst__has_to_stop(&answer, s, cst_push(s, message)) &&
            frames->at < chunk->len)
            return answer;
    }
    return CST_OK;
}

static cst_status frames_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct frames *frames = self;
    cst_status st = push_messages(s, frames, chunk);

    if (st != CST_AGAIN)
        frames->at = 0;
    return st;
}

static cst_status frames_flush(cst_stream *s, void *self)
{
    const struct frames *frames = self;

    (void)s;
    return frames->in_payload || frames->header > 0 ? CST_E_BUFFER_OUT_OF_BOUNDS : CST_OK;
}

static cst_status frames_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct frames *frames = self;

    (void)s;
    (void)error;
    cst__gather_drop(&frames->held);
    return CST_OK;
}

static const cst_ops from_frames_ops = {
    .name = "from-frames",
    .self_size = sizeof(struct frames),
    .transform = frames_transform,
    .flush = frames_flush,
    .destroy = frames_destroy,
};

cst_status cst_from_frames_new(cst_stream **out, cst_ctx *ctx, const cst_frame_opts *frame_opts,
                               const cst_opts *opts)
{
    struct frames frames = { .at = 0 };
    cst_opts modes;

    if (!set_options(&frames.opts, frame_opts) || !cst__set_modes(&modes, opts, true, false))
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, &from_frames_ops, &frames, &modes);
}

uint64_t cst_frames_dropped(const cst_stream *s)
{
    if (cst_stream_ops(s) != &from_frames_ops)
        return 0;
    return ((const struct frames *)cst_stream_self(s))->dropped;
}

/* --- to frames -------------------------------------------------------------------------------- */

struct to_frames {
    cst_frame_opts opts;
};

/* Write the length of a payload. CST_E_OUT_OF_RANGE if its field cannot hold the length. */
static cst_status put_length(uint8_t *to, size_t *width, const cst_frame_opts *opts, uint64_t len)
{
    uint64_t length = len;

    *width = opts->length_bytes;
    if (opts->varint) {
        cst_put_varint(width, to, MOST_LENGTH_BYTES, 0, len);
        /* The number counts itself too: it may take a byte more for that. */
        for (size_t guess = 1; opts->counts_header && guess <= MOST_LENGTH_BYTES; guess++) {
            cst_put_varint(width, to, MOST_LENGTH_BYTES, 0, len + opts->header_bytes + guess);
            if (*width <= guess)
                break;
        }
        return CST_OK;
    }
    if (opts->counts_header)
        length += opts->header_bytes + *width;
    if (*width < 8 && length >> (8 * *width) > 0)
        return CST_E_OUT_OF_RANGE;
    for (size_t i = 0; i < *width; i++, length >>= 8)
        to[opts->little_endian ? i : *width - 1 - i] = (uint8_t)length;
    return CST_OK;
}

static cst_status to_frames_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct to_frames *frames = self;
    size_t before = frames->opts.header_bytes;
    uint8_t length[MOST_LENGTH_BYTES];
    size_t width;
    cst_status st;

    if (chunk->len < before)
        return CST_E_BUFFER_OUT_OF_BOUNDS;
    if (chunk->len - before > frames->opts.max)
        return CST_E_OUT_OF_RANGE;
    st = put_length(length, &width, &frames->opts, chunk->len - before);
    if (st < 0)
        return st;
    if (before > 0)
        cst_push(s, cst_slice_sub(chunk, 0, before));
    if (!cst_is_destroyed(s))
        cst_push_copy(s, length, width);
    if (chunk->len == before || cst_is_destroyed(s))
        return CST_OK;
    return cst_give(s, cst_slice_sub(chunk, before, chunk->len - before));
}

static const cst_ops to_frames_ops = {
    .name = "to-frames",
    .self_size = sizeof(struct to_frames),
    .transform = to_frames_transform,
};

cst_status cst_to_frames_new(cst_stream **out, cst_ctx *ctx, const cst_frame_opts *frame_opts,
                             const cst_opts *opts)
{
    struct to_frames frames;
    cst_opts modes;

    if (!set_options(&frames.opts, frame_opts) || frames.opts.keep_header ||
        !cst__set_modes(&modes, opts, false, true))
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, &to_frames_ops, &frames, &modes);
}

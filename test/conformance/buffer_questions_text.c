/*
 * buffer_questions_text.c - the verbs about text: encodings, transcode, the decoder.
 */
#include "buffer_questions.h"

#include <string.h>

#include <cstream/text.h>

static cst_encoding encoding_of(struct question *q, size_t arg)
{
    cst_encoding encoding = CST_UTF8;

    if (cst_encoding_from_name(&encoding, q->args[arg]) < 0)
        question_malformed(q);
    return encoding;
}

/* --- decode, encode, bytelength --------------------------------------------------------------- */

/* Answer once for both forms of the call, the one that allocates and the other: they must agree. */
static void answer_both(struct question *q, cst_status st, cst_slice *slice, struct bytes room,
                        size_t written)
{
    if (st < 0 || slice->len != written ||
        (written > 0 && memcmp(slice->data, room.data, written) != 0))
        question_malformed(q);
    answer_hex(q, room.data, written);
    cst_slice_unref(slice);
}

static void answer_decode(struct question *q)
{
    cst_encoding encoding = encoding_of(q, 0);
    struct bytes text = question_bytes(q, 1);
    struct bytes room = question_alloc(q, cst_byte_length(encoding, text.data, text.len));
    cst_slice slice = cst_slice_empty();
    size_t size = room.len;

    if (cst_text_to_bytes(room.data, &size, encoding, text.data, text.len) < 0)
        question_malformed(q);
    answer_both(q, cst_slice_from_text(&slice, q->allocator, encoding, text.data, text.len), &slice,
                room, size);
}

static void answer_encode(struct question *q)
{
    cst_encoding encoding = encoding_of(q, 0);
    cst_slice bytes = question_slice(q, 1);
    struct bytes room = question_alloc(q, cst_text_length(encoding, bytes.data, bytes.len));
    cst_slice slice = cst_slice_empty();
    size_t size = room.len;

    if (cst_bytes_to_text(room.data, &size, encoding, bytes.data, bytes.len) < 0)
        question_malformed(q);
    answer_both(q, cst_slice_to_text(&slice, q->allocator, encoding, &bytes), &slice, room, size);
    cst_slice_unref(&bytes);
}

static void answer_bytelength(struct question *q)
{
    struct bytes text = question_bytes(q, 1);

    answer_text(q, "%zu", cst_byte_length(encoding_of(q, 0), text.data, text.len));
}

/* --- isutf8, isascii, transcode --------------------------------------------------------------- */

static void answer_isutf8(struct question *q)
{
    struct bytes bytes = question_bytes(q, 0);

    answer_text(q, "%d", cst_is_utf8(bytes.data, bytes.len));
}

static void answer_isascii(struct question *q)
{
    struct bytes bytes = question_bytes(q, 0);

    answer_text(q, "%d", cst_is_ascii(bytes.data, bytes.len));
}

static void answer_transcode(struct question *q)
{
    cst_encoding from = encoding_of(q, 0), to = encoding_of(q, 1);
    cst_slice bytes = question_slice(q, 2);
    cst_slice slice = cst_slice_empty();
    struct bytes room;
    size_t size = 0;
    cst_status st = cst_transcode(NULL, &size, bytes.data, bytes.len, from, to);

    room = question_alloc(q, size);
    if (st == CST_E_OUT_OF_RANGE)
        st = cst_transcode(room.data, &size, bytes.data, bytes.len, from, to);
    if (st < 0)
        answer_error(q, st);
    else
        answer_both(q, cst_slice_transcode(&slice, q->allocator, &bytes, from, to), &slice, room,
                    size);
    cst_slice_unref(&bytes);
}

/* --- decoder ---------------------------------------------------------------------------------- */

/*
 * How many bytes of UTF-16 Node's decoder holds. When the second byte of a unit arrives that was
 * cut in two, Node's decoder holds nothing, even if that unit is the first half of a pair. The
 * library's decoder holds that half. So that the answers can be compared, let_go makes the
 * library's decoder drop it too.
 */
struct node_decoder {
    size_t held, missing;
    uint8_t last;
};

static size_t node_holds(struct node_decoder *node, const uint8_t *bytes, size_t len)
{
    size_t found = len < node->missing ? len : node->missing;

    node->held += found;
    node->missing -= found;
    if (node->missing == 0)
        node->held = 0;
    if (len > found) {
        bool is_half = (bytes[len - 1] & 0xFC) == 0xD8;

        node->held = (len - found) % 2 == 1 ? 1 : is_half ? 2 : 0;
        node->missing = node->held;
    }
    if (len > 0)
        node->last = bytes[len - 1];
    return node->held;
}

/* Make the decoder hold as much as Node's. Return how much text was written. */
static size_t let_go(cst_decoder *decoder, const struct node_decoder *node, uint8_t *to)
{
    size_t written;

    if (decoder->encoding != CST_UTF16LE || cst_decoder_held(decoder) == node->held)
        return 0;
    written = cst_decoder_end(decoder, to);
    cst_decoder_write(decoder, NULL, &node->last, node->held);
    return written;
}

static void answer_decoder(struct question *q)
{
    struct node_decoder node = { .held = 0 };
    uint8_t end[CST_DECODER_END_ROOM];
    cst_decoder decoder;

    if (cst_decoder_init(&decoder, encoding_of(q, 0)) < 0)
        question_malformed(q);
    for (size_t i = 1; i < q->arg_count; i++) {
        struct bytes bytes = question_bytes(q, i);
        size_t length = cst_decoder_length(&decoder, bytes.data, bytes.len);
        struct bytes text = question_alloc(q, length + CST_DECODER_END_ROOM);
        size_t bound = cst_decoder_bound(&decoder, bytes.len);
        size_t written = cst_decoder_write(&decoder, text.data, bytes.data, bytes.len);

        if (written != length || bound < length)
            question_malformed(q);
        node_holds(&node, bytes.data, bytes.len);
        answer_hex(q, text.data, written + let_go(&decoder, &node, text.data + written));
        answer_text(q, " ");
    }
    answer_hex(q, end, cst_decoder_end(&decoder, end));
}

const struct question_verb question_text[] = {
    { "decode", answer_decode, 2, 2 },
    { "encode", answer_encode, 2, 2 },
    { "bytelength", answer_bytelength, 2, 2 },
    { "isutf8", answer_isutf8, 1, 1 },
    { "isascii", answer_isascii, 1, 1 },
    { "transcode", answer_transcode, 3, 3 },
    { "decoder", answer_decoder, 2, QUESTION_MANY },
    { NULL, NULL, 0, 0 },
};

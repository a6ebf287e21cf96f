/*
 * decoder.h - bytes to text in pieces: Node's StringDecoder.
 *
 * Bytes come in chunks that may be cut anywhere; out comes the text that cst_bytes_to_text (encoding.h) would give for
 * all of them at once, in UTF-8 that is never cut inside a character:
 *
 *     chunks   "caf C3"  |  "A9 ol E2 82"  |  "AC"  |  end          cst_decoder d = (CST_UTF8)
 *     text     "caf"     |  "é ol"         |  "€"   |  ""
 *
 * What a chunk ends in the middle of (a character of UTF-8 or UTF-16, a group of base64) is held, 3 bytes at most, until
 * the rest comes; end says that it will not. The decoder is a small value of the caller's: it allocates nothing, may be
 * copied, and is ready for new input after end.
 *
 * Room. What a call writes is bounded by cst_decoder_bound, so the caller makes room and no call fails:
 *
 *     size_t room = cst_decoder_bound(&d, len);
 *     ...
 *     written = cst_decoder_write(&d, to, bytes, len);
 *
 * One thing differs from Node's StringDecoder: a UTF-16 unit that is the first half of a pair is always held. Node lets
 * it go where the second byte of that unit came in a chunk of its own, since two halves meet again in a string; in
 * UTF-8 they could not.
 */
#ifndef CSTREAM_DECODER_H
#define CSTREAM_DECODER_H

#include "encoding.h"

/** Storage of the caller's. The fields are the library's own: use the functions. */
typedef struct cst_decoder {
    cst_encoding encoding;
    uint8_t held[4];
    uint8_t held_count;
    uint8_t missing; /* of UTF-8: how many bytes the held character still wants */
} cst_decoder;

/** The most that cst_decoder_end writes. */
#define CST_DECODER_END_ROOM 9

/**
 * A decoder that holds nothing. Node: new StringDecoder(encoding).
 *
 * CST_OK
 * CST_E_INVALID_ARG  decoder is NULL, or there is no such encoding
 */
CST_API cst_status cst_decoder_init(cst_decoder *decoder, cst_encoding encoding);

/** Enough room for what a write of len more bytes gives, by arithmetic alone: at most three times the bytes. SIZE_MAX
 * where that would not fit. */
CST_API size_t cst_decoder_bound(const cst_decoder *decoder, size_t len);

/** Exactly what a write of these bytes gives, found by looking at them. SIZE_MAX likewise. */
CST_API size_t cst_decoder_length(const cst_decoder *decoder, const void *bytes, size_t len);

/**
 * Takes len bytes, and writes the text that is complete now. Node: decoder.write.
 *
 * to     has room for cst_decoder_bound or cst_decoder_length bytes; must not overlap what is read
 * bytes  may be NULL where len is 0
 *
 * Gives how many bytes of text were written, 0 where the chunk has completed nothing.
 */
CST_API size_t cst_decoder_write(cst_decoder *decoder, void *to, const void *bytes, size_t len);

/**
 * The same with the text in a slice of the caller's, which may be empty. Where the text is the front of the chunk, as for
 * well-formed UTF-8, that is a reference to it instead of a copy.
 *
 * CST_OK             *out is the caller's
 * CST_E_NOMEM        no memory: *out and the decoder are as they were
 * CST_E_INVALID_ARG  an argument is NULL
 */
CST_API cst_status cst_decoder_write_slice(cst_slice *out, cst_decoder *decoder, const cst_allocator *allocator,
                                           const cst_slice *chunk);

/**
 * No byte will follow for now: writes what the held bytes amount to, and holds nothing any more. Node: decoder.end.
 *
 * A part of a UTF-8 character gives U+FFFD, half a pair of UTF-16 too, half a unit nothing; base64 gives its last group.
 *
 * to  has room for CST_DECODER_END_ROOM bytes
 *
 * Gives how many bytes of text were written.
 */
CST_API size_t cst_decoder_end(cst_decoder *decoder, void *to);

/** Bytes held. Node: lastTotal - lastNeed. */
CST_API size_t cst_decoder_held(const cst_decoder *decoder);

#endif

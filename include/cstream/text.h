/*
 * text.h - text and bytes: the encodings, and a decoder for text that comes in pieces.
 */
#ifndef CSTREAM_TEXT_H
#define CSTREAM_TEXT_H

#include "slice.h"

/*
 * text and bytes: UTF-8, UTF-16, Latin-1, ASCII, hex and base64, as Node's Buffer has them.
 *
 * Text in C is UTF-8. An encoding is a way to write bytes as text, or text as bytes, and each goes both ways:
 *
 *                      cst_text_to_bytes                                cst_bytes_to_text
 *      text, UTF-8  ----------------------->  bytes      bytes  ----------------------->  text, UTF-8
 *                   Buffer.from(text, enc)                        buf.toString(enc)
 *
 * | encoding      | text to bytes                                     | bytes to text                             |
 * |---------------|---------------------------------------------------|-------------------------------------------|
 * | CST_UTF8      | the same                                          | the same                                  |
 * | CST_UTF16LE   | two bytes, the lower first, for each UTF-16 unit  | an odd byte at the end is left out        |
 * | CST_LATIN1    | the lower 8 bits of each UTF-16 unit              | each byte is the character of its number  |
 * | CST_ASCII     | as CST_LATIN1                                     | the lower 7 bits of each byte             |
 * | CST_HEX       | two digits a byte, up to the first pair that is   | two lower-case digits a byte              |
 * |               | not two digits; an odd digit is left out          |                                           |
 * | CST_BASE64    | both alphabets (`+/` and `-_`), up to the first   | `+/`, with `=` at the end                 |
 * |               | `=`; what is not a digit is skipped, and a lone   |                                           |
 * |               | digit at the end left out                         |                                           |
 * | CST_BASE64URL | likewise                                          | `-_`, without `=`                         |
 *
 * What is ill-formed. Neither way fails. In UTF-8, given as text or as bytes, each maximal part that begins no character
 * counts as one U+FFFD, as the WHATWG's decoder has it; in UTF-16 each lone surrogate does, since UTF-8 cannot hold one.
 * Where hex and base64 look at the digits of a text, they look, as Node does, at the lower 8 bits of its UTF-16 units.
 *
 * Memory. The forms that write take `to` and the room behind it, never more than SIZE_MAX, and write all or nothing;
 * what is read and what is written must not overlap. The forms named cst_slice_ allocate.
 *
 * Nothing here keeps a pointer, calls back or depends on the locale. For input that comes in pieces see text.h, for
 * stages of a pipeline stages.h, for a whole stream cst_set_encoding in readable.h.
 */

/** The encodings. The values are part of the ABI. A function that is given another answers CST_E_INVALID_ARG, or 0. */
typedef enum cst_encoding {
    CST_UTF8 = 0,
    CST_UTF16LE = 1,
    CST_LATIN1 = 2,
    CST_ASCII = 3,
    CST_HEX = 4,
    CST_BASE64 = 5,
    CST_BASE64URL = 6
} cst_encoding;

/**
 * The encoding of a name, whatever the case of its letters: utf8 utf-8, utf16le utf-16le ucs2 ucs-2, latin1 binary,
 * ascii, hex, base64, base64url. Node: Buffer.isEncoding and what it accepts.
 *
 * CST_OK             *out is set
 * CST_E_INVALID_ARG  no such encoding, or an argument is NULL; *out is untouched
 */
CST_API cst_status cst_encoding_from_name(cst_encoding *out, const char *name);

/** Node's own name of an encoding: "utf8", "utf16le", and so on; "" for any other value. Static. */
CST_API const char *cst_encoding_name(cst_encoding encoding);

/* --- looking ----------------------------------------------------------------------------------------------------- */

/** Whether len bytes are well-formed UTF-8; none are. bytes may be NULL where len is 0. Node: isUtf8. */
CST_API bool cst_is_utf8(const void *bytes, size_t len);

/** Whether all of len bytes are below 0x80. Node: isAscii. */
CST_API bool cst_is_ascii(const void *bytes, size_t len);

/**
 * Bytes that cst_text_to_bytes needs room for: the exact number, but for hex and base64, where text that is not all
 * digits may give fewer. SIZE_MAX where the number would not fit; 0 for a wrong argument. Node: Buffer.byteLength.
 */
CST_API size_t cst_byte_length(cst_encoding encoding, const void *text, size_t len);

/** Bytes of the text that cst_bytes_to_text gives, exactly; likewise. Node: Buffer.byteLength(buf.toString(enc)). */
CST_API size_t cst_text_length(cst_encoding encoding, const void *bytes, size_t len);

/* --- into the caller's memory ------------------------------------------------------------------------------------ */

/**
 * The bytes that a text stands for. Node: Buffer.from(text, encoding).
 *
 * to    where they go; may be NULL where *size is 0
 * size  in: room behind to, in bytes. Out: how many were written, or how many there would have to be room for
 *
 * CST_OK              done
 * CST_E_OUT_OF_RANGE  there is not so much room: nothing was written, *size says how much is enough (SIZE_MAX where it
 *                     would not fit)
 * CST_E_INVALID_ARG   size is NULL, text is NULL and len is not 0, or there is no such encoding; *size is untouched
 */
CST_API cst_status cst_text_to_bytes(void *to, size_t *size, cst_encoding encoding,
                                     const void *text, size_t len);

/** The text that bytes are written as. Node: buf.toString(encoding). Arguments and answers as above. */
CST_API cst_status cst_bytes_to_text(void *to, size_t *size, cst_encoding encoding,
                                     const void *bytes, size_t len);

/**
 * Bytes of one encoding as bytes of another. Both are of UTF8, UTF16LE, LATIN1 and ASCII. Node: buffer.transcode, whose
 * substitutes these are:
 *
 * - A character that the target lacks becomes `?`; into ASCII and LATIN1 the invisible ones (Unicode's
 *   Default_Ignorable_Code_Point: joiners, variation selectors, the byte order mark) are left out instead.
 * - What is ill-formed becomes `?` in ASCII and LATIN1 and U+FFFD else; so does a byte above 0x7F of ASCII, but into
 *   UTF16LE it is taken for LATIN1. An odd byte at the end of UTF16LE is ill-formed into UTF16LE and left out else.
 * - Between UTF8 and UTF16LE nothing may be ill-formed.
 *
 * Arguments and answers as above, and:
 * CST_E_INVALID_CHAR_FOUND  between UTF8 and UTF16LE: the input is ill-formed, or one odd byte. Nothing was written,
 *                           *size is untouched. Node: U_INVALID_CHAR_FOUND
 */
CST_API cst_status cst_transcode(void *to, size_t *size, const void *bytes, size_t len,
                                 cst_encoding from_encoding, cst_encoding to_encoding);

/* --- into slices ------------------------------------------------------------------------------------------------- */

/**
 * The same three with the result in a slice of exactly its bytes, which is the caller's. Where the result is the bytes
 * of the slice given, as for well-formed UTF-8, cst_slice_to_text gives a reference instead of a copy.
 *
 * CST_OK              *out is the caller's
 * CST_E_NOMEM         no memory, or the result would not fit a block; *out is untouched
 * CST_E_INVALID_ARG   out, allocator or bytes is NULL, text is NULL and len is not 0, or there is no such encoding
 * CST_E_INVALID_CHAR_FOUND  cst_slice_transcode only: as above
 */
CST_API cst_status cst_slice_from_text(cst_slice *out, const cst_allocator *allocator,
                                       cst_encoding encoding, const void *text, size_t len);
CST_API cst_status cst_slice_to_text(cst_slice *out, const cst_allocator *allocator,
                                     cst_encoding encoding, const cst_slice *bytes);
CST_API cst_status cst_slice_transcode(cst_slice *out, const cst_allocator *allocator,
                                       const cst_slice *bytes, cst_encoding from_encoding,
                                       cst_encoding to_encoding);

/*
 * bytes to text in pieces: Node's StringDecoder.
 *
 * Bytes come in chunks that may be cut anywhere; out comes the text that cst_bytes_to_text (text.h) would give for
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
CST_API cst_status cst_decoder_write_slice(cst_slice *out, cst_decoder *decoder,
                                           const cst_allocator *allocator, const cst_slice *chunk);

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

/*
 * text.h - text and bytes: UTF-8, UTF-16, Latin-1, ASCII, hex and base64, as Node's Buffer has
 * them, and a decoder for bytes that come in pieces.
 */
#ifndef CSTREAM_TEXT_H
#define CSTREAM_TEXT_H

#include "slice.h"

/* --- encodings -------------------------------------------------------------------------------- */

/*
 * Text in C is UTF-8. An encoding is a way to write bytes as text, or text as bytes. Each encoding
 * works in both directions:
 *
 *                      cst_text_to_bytes                          cst_bytes_to_text
 *      text, UTF-8  ----------------------->  bytes   bytes  ----------------------->  text, UTF-8
 *                   Buffer.from(text, enc)                     buf.toString(enc)
 *
 *   encoding        text to bytes                             bytes to text
 *
 *   CST_UTF8        unchanged                                 unchanged
 *   CST_UTF16LE     two bytes for each UTF-16 unit, the       an odd byte at the end is dropped
 *                   lower byte first
 *   CST_LATIN1      the lower 8 bits of each UTF-16 unit      each byte is the character of that
 *                                                             number
 *   CST_ASCII       as CST_LATIN1                             the lower 7 bits of each byte
 *   CST_HEX         two digits for each byte, up to the       two lower-case digits for each byte
 *                   first pair that is not two digits; an
 *                   odd digit at the end is dropped
 *   CST_BASE64      both alphabets (`+/` and `-_`), up to     `+/`, with `=` at the end
 *                   the first `=`; what is not a digit is
 *                   skipped; a lone digit at the end is
 *                   dropped
 *   CST_BASE64URL   as CST_BASE64                             `-_`, without `=`
 *
 * Ill-formed input. Neither direction fails. In UTF-8, each maximal part of a character that does
 * not complete one counts as one U+FFFD, as in the decoder of the WHATWG. In UTF-16, each lone
 * surrogate counts as one U+FFFD, since UTF-8 cannot hold it. When hex and base64 read the digits
 * of a text they look, as Node does, at the lower 8 bits of its UTF-16 units.
 *
 * Memory. The functions that write take `to` and the size of the room there, and write all or
 * nothing. What is read and what is written must not overlap. The functions named cst_slice_
 * allocate.
 *
 * No function keeps a pointer, calls back or depends on the locale. For the encoding of a whole
 * stream see cst_set_encoding (readable.h), for stages of a pipeline cst_to_text_new and
 * cst_from_text_new (stages.h).
 */

/** The encodings. The values are part of the ABI. With any other value a function returns
 * CST_E_INVALID_ARG, or 0. */
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
 * Look up an encoding by its name, in upper or lower case: utf8 utf-8, utf16le utf-16le ucs2 ucs-2,
 * latin1 binary, ascii, hex, base64, base64url. Node: Buffer.isEncoding and the names it accepts.
 *
 * CST_OK             *out is set
 * CST_E_INVALID_ARG  no such encoding, or an argument is NULL; *out is untouched
 */
CST_API cst_status cst_encoding_from_name(cst_encoding *out, const char *name);

/** Return Node's name of an encoding, such as "utf8"; "" for any other value. Static. */
CST_API const char *cst_encoding_name(cst_encoding encoding);

/* --- looking ---------------------------------------------------------------------------------- */

/** Return whether len bytes are well-formed UTF-8. No bytes are. Node: isUtf8. */
CST_API bool cst_is_utf8(const void *bytes, size_t len);

/** Return whether all of len bytes are below 0x80. No bytes are. Node: isAscii. */
CST_API bool cst_is_ascii(const void *bytes, size_t len);

/**
 * Return the room in bytes that cst_text_to_bytes needs: the exact number, but for hex and base64,
 * which may write fewer if the text is not all digits. SIZE_MAX if the number would not fit; 0 for
 * a wrong argument. Node: Buffer.byteLength.
 */
CST_API size_t cst_byte_length(cst_encoding encoding, const void *text, size_t len);

/**
 * Return the number of bytes that cst_bytes_to_text writes, exactly. SIZE_MAX if it would not fit;
 * 0 for a wrong argument. Node: Buffer.byteLength(buf.toString(enc)).
 */
CST_API size_t cst_text_length(cst_encoding encoding, const void *bytes, size_t len);

/* --- into the caller's memory ----------------------------------------------------------------- */

/**
 * Write the bytes that a text stands for. Node: Buffer.from(text, encoding).
 *
 * to    where the bytes go; may be NULL if *size is 0
 * size  in: the room behind `to`, in bytes
 *       out: the bytes written, or the room that they need
 *
 * CST_OK              done
 * CST_E_OUT_OF_RANGE  not enough room: nothing was written, and *size is the room that is needed
 *                     (SIZE_MAX if that would not fit)
 * CST_E_INVALID_ARG   size is NULL, text is NULL and len is not 0, or there is no such encoding;
 *                     *size is untouched
 */
CST_API cst_status cst_text_to_bytes(void *to, size_t *size, cst_encoding encoding,
                                     const void *text, size_t len);

/**
 * Write the text that stands for bytes. Arguments and results as in cst_text_to_bytes.
 * Node: buf.toString(encoding).
 */
CST_API cst_status cst_bytes_to_text(void *to, size_t *size, cst_encoding encoding,
                                     const void *bytes, size_t len);

/**
 * Convert bytes of one encoding to bytes of another. Both are of CST_UTF8, CST_UTF16LE, CST_LATIN1
 * and CST_ASCII. The substitutes are those of Node's buffer.transcode:
 *
 * - A character that the target encoding lacks becomes `?`. CST_ASCII and CST_LATIN1 drop invisible
 *   characters instead (Unicode's Default_Ignorable_Code_Point: joiners, variation selectors, the
 *   byte order mark).
 * - Ill-formed input becomes `?` in CST_ASCII and CST_LATIN1, and U+FFFD otherwise. So does a byte
 *   above 0x7F of CST_ASCII, except that CST_UTF16LE gets it as a character of Latin-1. An odd byte
 *   at the end of CST_UTF16LE is ill-formed if the target is CST_UTF16LE, and dropped otherwise.
 * - Between CST_UTF8 and CST_UTF16LE nothing may be ill-formed.
 *
 * Node: transcode. Arguments and results as in cst_text_to_bytes, and
 *
 * CST_E_INVALID_CHAR_FOUND  between CST_UTF8 and CST_UTF16LE: the input is ill-formed, or a single
 *                           odd byte. Nothing was written, *size is untouched.
 *                           Node: U_INVALID_CHAR_FOUND
 */
CST_API cst_status cst_transcode(void *to, size_t *size, const void *bytes, size_t len,
                                 cst_encoding from_encoding, cst_encoding to_encoding);

/* --- into slices ------------------------------------------------------------------------------ */

/**
 * Convert as cst_text_to_bytes, cst_bytes_to_text and cst_transcode do, into a slice of exactly the
 * bytes of the result. If the text of a slice is its own bytes, as with well-formed UTF-8,
 * cst_slice_to_text returns a reference instead of a copy.
 *
 * CST_OK                    *out is the caller's
 * CST_E_NOMEM               no memory, or the result is too large for a block; *out is untouched
 * CST_E_INVALID_ARG         out, allocator or bytes is NULL, text is NULL and len is not 0, or
 *                           there is no such encoding
 * CST_E_INVALID_CHAR_FOUND  cst_slice_transcode only: as cst_transcode
 */
CST_API cst_status cst_slice_from_text(cst_slice *out, const cst_allocator *allocator,
                                       cst_encoding encoding, const void *text, size_t len);
CST_API cst_status cst_slice_to_text(cst_slice *out, const cst_allocator *allocator,
                                     cst_encoding encoding, const cst_slice *bytes);
CST_API cst_status cst_slice_transcode(cst_slice *out, const cst_allocator *allocator,
                                       const cst_slice *bytes, cst_encoding from_encoding,
                                       cst_encoding to_encoding);

/* --- the decoder ------------------------------------------------------------------------------ */

/*
 * A decoder turns bytes into text piece by piece: Node's StringDecoder. The chunks may be cut
 * anywhere. Together the pieces are the text that cst_bytes_to_text makes of all bytes at once, and
 * no piece is cut inside a character:
 *
 *     chunks   "caf C3"  |  "A9 ol E2 82"  |  "AC"  |  end          cst_decoder d = (CST_UTF8)
 *     text     "caf"     |  "é ol"         |  "€"   |  ""
 *
 * An incomplete character (UTF-8, UTF-16) or group (base64) at the end of a chunk is held, at most
 * 3 bytes, until the rest comes. cst_decoder_end says that no rest will come. The decoder is a
 * small value of the caller's. It allocates nothing, may be copied, and can be used again after
 * end.
 *
 * No call fails, since the caller provides the room that cst_decoder_bound returns:
 *
 *     size_t room = cst_decoder_bound(&d, len);
 *     ...
 *     written = cst_decoder_write(&d, to, bytes, len);
 *
 * One difference from Node: the first half of a surrogate pair is always held. Node lets it go if
 * the second byte of its unit came in a chunk of its own. Two halves can meet again in a string; in
 * UTF-8 they cannot.
 */

/** Storage of the caller's. The fields are private: use the functions. */
typedef struct cst_decoder {
    cst_encoding encoding;
    uint8_t held[4];
    uint8_t held_count;
    uint8_t missing; /* of UTF-8: how many bytes the held character still needs */
} cst_decoder;

/** The most bytes that cst_decoder_end writes. */
#define CST_DECODER_END_ROOM 9

/**
 * Make a decoder that holds nothing. Node: new StringDecoder(encoding).
 *
 * CST_OK             done
 * CST_E_INVALID_ARG  decoder is NULL, or there is no such encoding
 */
CST_API cst_status cst_decoder_init(cst_decoder *decoder, cst_encoding encoding);

/**
 * Return room enough for a write of len more bytes, computed without looking at them: at most three
 * times the bytes. SIZE_MAX if the number would not fit.
 */
CST_API size_t cst_decoder_bound(const cst_decoder *decoder, size_t len);

/**
 * Return the number of bytes that a write of these bytes will write, exactly. SIZE_MAX if it would
 * not fit.
 */
CST_API size_t cst_decoder_length(const cst_decoder *decoder, const void *bytes, size_t len);

/**
 * Decode len more bytes, and write the text that is complete now. Return how many bytes of text
 * were written, 0 if nothing is complete. Node: decoder.write.
 *
 * to     has room for cst_decoder_bound or cst_decoder_length bytes; must not overlap the input
 * bytes  may be NULL if len is 0
 */
CST_API size_t cst_decoder_write(cst_decoder *decoder, void *to, const void *bytes, size_t len);

/**
 * Decode a chunk as cst_decoder_write does, into a slice, which may be empty. If the text is the
 * beginning of the chunk, as with well-formed UTF-8, *out is a reference to it instead of a copy.
 *
 * CST_OK             *out is the caller's
 * CST_E_NOMEM        no memory: *out and the decoder are unchanged
 * CST_E_INVALID_ARG  an argument is NULL
 */
CST_API cst_status cst_decoder_write_slice(cst_slice *out, cst_decoder *decoder,
                                           const cst_allocator *allocator, const cst_slice *chunk);

/**
 * End the input: write what the held bytes stand for, and hold nothing any more. Return how many
 * bytes of text were written. Node: decoder.end.
 *
 * Part of a UTF-8 character is U+FFFD; so is half of a UTF-16 pair. Half of a UTF-16 unit is
 * dropped. Base64 writes its last group.
 *
 * to  has room for CST_DECODER_END_ROOM bytes
 */
CST_API size_t cst_decoder_end(cst_decoder *decoder, void *to);

/** Return the number of bytes held. Node: lastTotal - lastNeed. */
CST_API size_t cst_decoder_held(const cst_decoder *decoder);

#endif

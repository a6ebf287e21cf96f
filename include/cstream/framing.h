/*
 * framing.h - stages that cut a stream of bytes into messages, and the ways back.
 *
 *     cst_lines_new        bytes     ->  one message per line
 *     cst_split_new        bytes     ->  one message per piece between delimiters
 *     cst_join_new         messages  ->  bytes, a delimiter behind each message
 *     cst_from_frames_new  bytes     ->  one message per frame with its length in front
 *     cst_to_frames_new    messages  ->  bytes, the length in front of each message
 *
 * The stages that make messages have bytes on the writable side and messages (object mode) on the
 * readable side; the ways back have them the other way round. A stage sets these modes itself,
 * whatever the options say of the side that has messages; it refuses options that ask for messages
 * on its side of bytes. So high_water_mark counts bytes on one side and messages on the other.
 *
 *     source of bytes  -->  lines  -->  a sink in object mode
 *
 * The messages do not depend on how the input is cut into chunks. A message that lies in one chunk
 * is a view of that chunk; one that lies in several is joined in a block of its own. Until a
 * message is whole the stage holds it, and never more than the longest message and one chunk, so
 * that a peer cannot make it grow.
 *
 * Every constructor here returns what those in stream.h do, and
 *
 *   CST_E_INVALID_ARG  also if the options ask for messages on the side of bytes, or for something
 *                      that its comment excludes
 *
 * A chunk of many messages respects the highWaterMark: the stage stops there (CST_AGAIN) and goes
 * on when there is room. Without memory the stage fails with CST_E_NOMEM. Node has only readline,
 * which has no longest line and pairs CR and LF by a clock.
 */
#ifndef CSTREAM_FRAMING_H
#define CSTREAM_FRAMING_H

#include "chain.h"
#include "duplex.h"

/* --- lines and delimiters --------------------------------------------------------------------- */

/**
 * What becomes of a message that is longer than the longest one allowed.
 *
 * CST_LONG_FAIL  the stage fails with CST_E_OUT_OF_RANGE as soon as the first byte too many has
 *                come; the messages before it were passed on
 * CST_LONG_SKIP  it is left out
 * CST_LONG_CUT   its first `max` bytes are a message, without an end, and the rest is left out
 */
typedef enum cst_on_long {
    CST_LONG_FAIL = 0,
    CST_LONG_SKIP = 1,
    CST_LONG_CUT = 2
} cst_on_long;

/**
 * How a line ends.
 *
 * CST_LINE_LF    with LF; a CR right before it belongs to the end
 * CST_LINE_CRLF  with CR LF; a CR or an LF alone is data, as in HTTP
 * CST_LINE_NUL   with a zero byte
 * CST_LINE_ANY   with LF, CR LF or CR. A CR that is the last byte of a chunk ends its line at once;
 *                an LF that follows it, however late, is dropped as part of that end.
 */
typedef enum cst_line_end {
    CST_LINE_LF = 0,
    CST_LINE_CRLF = 1,
    CST_LINE_NUL = 2,
    CST_LINE_ANY = 3
} cst_line_end;

/**
 * Options of cst_lines_new and cst_split_new; zeroes are the defaults. NULL is all zeroes.
 *
 * max       the most bytes of a message, its end not counted; 0 is 65,536, SIZE_MAX is no limit
 * on_long   what becomes of a longer one
 * line_end  cst_lines_new alone; cst_split_new ignores it
 * keep_end  leave the end on the message. In CST_LINE_ANY an LF that came in a later chunk than its
 *           CR is not on it.
 * no_rest   bytes behind the last end fail the stage with CST_E_BUFFER_OUT_OF_BOUNDS, when all was
 *           written. Without it they are a last message, unless there are none.
 */
typedef struct cst_split_opts {
    size_t max;
    cst_on_long on_long;
    cst_line_end line_end;
    bool keep_end;
    bool no_rest;
    uintptr_t reserved[4];
} cst_split_opts;

/**
 * Make a stage that cuts text into lines. An empty line is an empty message; an input without bytes
 * has no line.
 *
 * split  borrowed for the call; NULL: lines end with LF, none is longer than 65,536 bytes
 *
 * CST_E_INVALID_ARG  also if split->line_end or split->on_long is not one of the above
 */
CST_API cst_status cst_lines_new(cst_stream **out, cst_ctx *ctx, const cst_split_opts *split,
                                 const cst_opts *opts);

/**
 * Make a stage that cuts bytes at a delimiter of len bytes, which it copies. Of delimiters that
 * overlap the leftmost counts. It may lie in several chunks.
 *
 * CST_E_INVALID_ARG   also if delimiter is NULL or len is 0, or split->on_long is not one of the
 *                     above
 * CST_E_OUT_OF_RANGE  len is so large that its table would not fit a size_t
 */
CST_API cst_status cst_split_new(cst_stream **out, cst_ctx *ctx, const void *delimiter, size_t len,
                                 const cst_split_opts *split, const cst_opts *opts);

/**
 * Return how many messages a stage of cst_lines_new or cst_split_new has left out or cut because
 * they were too long. 0 for any other stream, and for NULL.
 */
CST_API uint64_t cst_split_dropped(const cst_stream *s);

/**
 * Make a stage that puts a delimiter of len bytes, which it copies, behind each message. Messages
 * pass uncopied, an empty one as its delimiter alone. So what cst_split_new cuts there are the
 * messages again, if none of them holds the delimiter.
 *
 * CST_E_INVALID_ARG  also if delimiter is NULL or len is 0
 */
CST_API cst_status cst_join_new(cst_stream **out, cst_ctx *ctx, const void *delimiter, size_t len,
                                const cst_opts *opts);

/* --- frames ----------------------------------------------------------------------------------- */

/*
 *      header_bytes   length   payload
 *   [ .. any bytes .. | n  | .......... n bytes .......... ]      counts_header: n counts all
 */

/**
 * Options of frames; zeroes are the defaults: a length of four bytes, the most significant first,
 * and a payload of at most 1 MiB. NULL is all zeroes. One struct serves both ways.
 *
 * length_bytes   how many bytes the length takes, 1 to 8; 0 is 4
 * little_endian  the least significant byte of the length comes first
 * varint         the length is an unsigned LEB128 of 1 to 10 bytes instead
 * counts_header  the length counts from the first byte of the frame, not of the payload
 * keep_header    cst_from_frames_new alone: the message is the whole frame, not its payload
 * header_bytes   how many bytes of the frame stand before the length; at most SIZE_MAX / 4
 * max            the most bytes of a payload; 0 is 1,048,576, SIZE_MAX is no limit
 * on_long        cst_from_frames_new alone: what becomes of a frame with a longer one. It is known
 *                at the header: CST_LONG_SKIP buffers nothing of it, CST_LONG_CUT its first max
 *                bytes.
 */
typedef struct cst_frame_opts {
    unsigned length_bytes;
    bool little_endian;
    bool varint;
    bool counts_header;
    bool keep_header;
    size_t header_bytes;
    size_t max;
    cst_on_long on_long;
    uintptr_t reserved[4];
} cst_frame_opts;

/**
 * Make a stage that takes messages out of frames. A length of 0 is an empty message. Memory grows
 * with the bytes that have come, not with the length that was announced.
 *
 * frames  borrowed for the call; may be NULL
 *
 * CST_E_INVALID_ARG  also if an option is not one of the above
 *
 * The stage fails with
 *
 * CST_E_OUT_OF_RANGE          a payload is longer than max (CST_LONG_FAIL); a length that counts
 *                             the header is shorter than it; a varint has more than 64 bits
 * CST_E_BUFFER_OUT_OF_BOUNDS  the input ends inside a frame
 */
CST_API cst_status cst_from_frames_new(cst_stream **out, cst_ctx *ctx, const cst_frame_opts *frames,
                                       const cst_opts *opts);

/**
 * Make a stage that puts the length in front of each message, which passes uncopied. With
 * header_bytes the first bytes of the message stand before the length.
 *
 * frames  borrowed for the call; may be NULL
 *
 * CST_E_INVALID_ARG  also if an option is not one of the above, or keep_header is set
 *
 * The stage fails, before a byte of the frame is out, with
 *
 * CST_E_OUT_OF_RANGE          the payload is longer than max, or its length does not fit the field
 * CST_E_BUFFER_OUT_OF_BOUNDS  the message is shorter than header_bytes
 */
CST_API cst_status cst_to_frames_new(cst_stream **out, cst_ctx *ctx, const cst_frame_opts *frames,
                                     const cst_opts *opts);

/**
 * Return how many messages a stage of cst_from_frames_new has left out or cut because they were too
 * long. 0 for any other stream, and for NULL.
 */
CST_API uint64_t cst_frames_dropped(const cst_stream *s);

#endif

/*
 * codec.h - encodings as stages of a pipeline: hex, base64, UTF-16 and the others of encoding.h, both ways.
 *
 *      bytes  -->  cst_to_text_new(CST_BASE64)  -->  text  -->  cst_from_text_new(CST_BASE64)  -->  bytes
 *
 *      CST_HEX CST_BASE64 CST_BASE64URL          encode on the way to text, decode on the way from it
 *      CST_UTF16LE CST_LATIN1 CST_ASCII          convert to UTF-8, and from it
 *      CST_UTF8                                  repairs: what is ill-formed becomes U+FFFD, either way
 *
 * What goes through a stage comes out as cst_bytes_to_text or cst_text_to_bytes would give it for the whole, however it
 * is cut into chunks, and just as leniently: nothing that goes in fails a stage. In particular hex ends at the first pair
 * that is not two digits and base64 at the first `=`; what follows is taken and dropped.
 *
 * A chunk gives at most one, which is not empty, and what is held at the end a last one. Text comes out cut at character
 * bounds. Chunks that need no change (well-formed UTF-8, ASCII) are passed on without a copy.
 *
 * Options count as for every transform. In object mode the messages are pieces of one text all the same.
 *
 * The constructors answer as those in stream.h, and CST_E_INVALID_ARG also where there is no such encoding. A stage whose
 * result finds no memory fails with CST_E_NOMEM. Node: no such streams; Buffer and StringDecoder over chunks.
 */
#ifndef CSTREAM_CODEC_H
#define CSTREAM_CODEC_H

#include "duplex.h"
#include "encoding.h"

/** Bytes go in, their text comes out. */
CST_API cst_status cst_to_text_new(cst_stream **out, cst_ctx *ctx, cst_encoding encoding, const cst_opts *opts);

/** Text goes in, the bytes that it stands for come out. */
CST_API cst_status cst_from_text_new(cst_stream **out, cst_ctx *ctx, cst_encoding encoding, const cst_opts *opts);

#endif

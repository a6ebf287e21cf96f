/*
 * text.c - text and bytes: encodings, the string decoder, streams that hand out text.
 *
 * It prints:
 *
 *     bytes: abc
 *     text: 616263
 *     byte length 2, well-formed 1, ascii 0
 *     known 1: utf16le
 *     latin1 bytes: 1
 *     written 0, then 3
 *     the end 3
 *     read: YWJj
 *     the encoding is base64
 */
#include "from_node.h"

static void convert(void)
{
    const cst_allocator *allocator = cst_allocator_malloc();
    cst_slice bytes, text;

    /* Node: Buffer.from('YWJj', 'base64') */
    cst_slice_from_text(&bytes, allocator, CST_BASE64, "YWJj", 4);
    print_chunk("bytes:", &bytes);
    /* Node: buf.toString('hex') */
    cst_slice_to_text(&text, allocator, CST_HEX, &bytes);
    print_chunk("text:", &text);
    cst_slice_unref(&text);
    cst_slice_unref(&bytes);
}

static void look(void)
{
    const cst_slice text = cst_slice_str("\xC3\xA9");
    const cst_allocator *allocator = cst_allocator_malloc();
    cst_encoding encoding = CST_UTF8;
    cst_slice latin1;

    /* Node: Buffer.byteLength(text) */
    size_t length = cst_byte_length(CST_UTF8, text.data, text.len);
    /* Node: isUtf8(buf) */
    bool well_formed = cst_is_utf8(text.data, text.len);
    /* Node: isAscii(buf) */
    bool ascii = cst_is_ascii(text.data, text.len);
    /* Node: Buffer.isEncoding('UCS-2') */
    bool known = cst_encoding_from_name(&encoding, "UCS-2") == CST_OK;
    printf("byte length %zu, well-formed %d, ascii %d\n", length, well_formed, ascii);
    printf("known %d: %s\n", known, cst_encoding_name(encoding));
    /* Node: transcode(buf, 'utf8', 'latin1') */
    cst_slice_transcode(&latin1, allocator, &text, CST_UTF8, CST_LATIN1);
    printf("latin1 bytes: %zu\n", latin1.len);
    cst_slice_unref(&latin1);
}

static void decode(void)
{
    char to[16];
    cst_decoder decoder;
    size_t written, rest;

    /* Node: decoder = new StringDecoder('utf8') */
    cst_decoder_init(&decoder, CST_UTF8);
    /* Node: decoder.write(buf) */
    written = cst_decoder_write(&decoder, to, "\xE2\x82", 2);
    printf("written %zu, then %zu\n", written, cst_decoder_write(&decoder, to, "\xAC\xC3", 2));
    /* Node: decoder.end() */
    rest = cst_decoder_end(&decoder, to);
    printf("the end %zu\n", rest);
}

static void read_text(void)
{
    cst_encoding encoding = CST_UTF8;
    cst_slice chunk;
    cst_stream *r;
    cst_ctx *ctx;

    cst_ctx_new(&ctx, cst_allocator_malloc(), NULL);
    cst_memory_source_new(&r, ctx, cst_slice_str("abc"), NULL);
    /* Node: r.setEncoding('base64') */
    cst_set_encoding(r, CST_BASE64);
    if (cst_read(&chunk, r, CST_READ_ANY) == CST_OK) {
        print_chunk("read:", &chunk);
        cst_slice_unref(&chunk);
    }
    /* Node: r.readableEncoding */
    cst_readable_encoding(&encoding, r);
    printf("the encoding is %s\n", cst_encoding_name(encoding));
    cst_unref(r);
    cst_ctx_free(ctx);
}

int main(void)
{
    convert();
    look();
    decode();
    read_text();
    return EXIT_SUCCESS;
}

/*
 * fuzz_decoder.c - the decoder: with any chunking the text is that of the whole, written into
 * memory of exactly the size that the decoder asks for.
 *
 * The first byte of an input picks the encoding, the second the sizes of the chunks. The rest is
 * decoded.
 */
#include "fuzz.h"

#include <cstream/text.h>

enum { LONGEST = 4096 };

/* Return a size that looks random: often small, sometimes 0. */
static size_t next_size(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 16) % ((*seed >> 28) == 0 ? 300 : 6);
}

static size_t write_chunk(cst_decoder *decoder, uint8_t *to, const uint8_t *chunk, size_t len)
{
    size_t length = cst_decoder_length(decoder, chunk, len);
    uint8_t *room = length > 0 ? malloc(length) : NULL;
    size_t written;

    fuzz_require(length == 0 || room != NULL);
    fuzz_require(length <= cst_decoder_bound(decoder, len));
    written = cst_decoder_write(decoder, room, chunk, len);
    fuzz_require(written == length);
    fuzz_require(cst_decoder_held(decoder) <= 3);
    fuzz_require(decoder->encoding == CST_HEX || cst_is_utf8(room, written));
    if (written > 0)
        memcpy(to, room, written);
    free(room);
    return written;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole[LONGEST * 3], parts[LONGEST * 3 + CST_DECODER_END_ROOM];
    size_t expected = sizeof whole, made = 0;
    cst_decoder decoder;
    uint32_t seed;

    if (size < 2 || size > LONGEST)
        return 0;
    cst_decoder_init(&decoder, (cst_encoding)(data[0] % 7));
    seed = data[1];
    data += 2;
    size -= 2;
    fuzz_require(cst_bytes_to_text(whole, &expected, decoder.encoding, data, size) == CST_OK);
    while (size > 0) {
        size_t len = next_size(&seed);

        len = len < size ? len : size;
        made += write_chunk(&decoder, parts + made, data, len);
        data += len;
        size -= len;
    }
    made += cst_decoder_end(&decoder, parts + made);
    fuzz_require(made == expected && memcmp(parts, whole, made) == 0);
    return 0;
}

/*
 * bytes.c - what Node's Buffer does on bytes.
 *
 * It prints:
 *
 *     order -1, equal 0, at 4, last at 16, of the end 16
 *     u at 5, last at 17
 *     of 4 bytes: quic
 *     from the end: brown
 *     joined: the quick
 *     first: the
 *     copied 3: the---
 *     filled: abcabc
 *     swapped: badcfe
 *     swapped: dcbahgfe
 *     swapped: efghabcd
 *     numbers: 4660 -2 6618611909121 2.5
 *     out of range: CST_E_OUT_OF_RANGE
 */
#include "from_node.h"

#include <string.h>

static void search(void)
{
    const cst_slice a = cst_slice_str("the quick brown quest");
    const cst_slice b = cst_slice_str("they");

    /* Node: Buffer.compare(a, b) */
    int order = cst_bytes_compare(a.data, a.len, b.data, b.len);
    /* Node: a.equals(b) */
    bool equal = cst_bytes_equals(a.data, a.len, b.data, b.len);
    /* Node: a.indexOf('qu') */
    size_t at = cst_bytes_index_of(a.data, a.len, "qu", 2, 0);
    /* Node: a.lastIndexOf('qu') */
    size_t last = cst_bytes_last_index_of(a.data, a.len, "qu", 2, CST_TO_END);
    /* Node: a.indexOf('qu', -6) */
    size_t of_the_end = cst_bytes_index_of(a.data, a.len, "qu", 2, -6);
    printf("order %d, equal %d, at %zu, last at %zu, of the end %zu\n", order, equal, at, last,
           of_the_end);
    /* Node: a.indexOf(0x75) */
    size_t u = cst_bytes_index_of_byte(a.data, a.len, 0x75, 0);
    /* Node: a.lastIndexOf(0x75) */
    size_t last_u = cst_bytes_last_index_of_byte(a.data, a.len, 0x75, CST_TO_END);
    printf("u at %zu, last at %zu\n", u, last_u);
}

static void slices(void)
{
    const cst_allocator *allocator = cst_allocator_malloc();
    const cst_slice list[3] = { cst_slice_str("the"), cst_slice_str(" quick"),
                                cst_slice_str(" brown") };
    cst_slice part, whole, joined = cst_slice_empty(), first = cst_slice_empty();

    /* Node: buf.subarray(1, 5) */
    part = cst_slice_subarray(&list[1], 1, 5);
    print_chunk("of 4 bytes:", &part);
    cst_slice_unref(&part);
    /* Node: buf.subarray(-5) */
    whole = cst_slice_subarray(&list[2], -5, CST_TO_END);
    print_chunk("from the end:", &whole);
    cst_slice_unref(&whole);
    /* Node: Buffer.concat(list) */
    cst_slice_concat(&joined, allocator, list, 2);
    print_chunk("joined:", &joined);
    cst_slice_unref(&joined);
    /* Node: Buffer.concat(list, 3) */
    cst_slice_concat_total(&first, allocator, list, 2, 3);
    print_chunk("first:", &first);
    cst_slice_unref(&first);
}

static void memory(void)
{
    const cst_slice src = cst_slice_str("the quick");
    char dst[] = "------";
    char eight[9] = "";
    size_t copied;

    /* Node: src.copy(dst, 0, 0, 3) */
    cst_bytes_copy(&copied, src.data, src.len, dst, 6, 0, 0, 3);
    printf("copied %zu: %s\n", copied, dst);
    /* Node: dst.fill('abc') */
    cst_bytes_fill(dst, 6, "abc", 3);
    printf("filled: %s\n", dst);
    memcpy(dst, "abcdef", 6);
    /* Node: dst.swap16() */
    cst_bytes_swap16(dst, 6);
    printf("swapped: %s\n", dst);
    memcpy(eight, "abcdefgh", 8);
    /* Node: dst.swap32() */
    cst_bytes_swap32(eight, 8);
    printf("swapped: %s\n", eight);
    /* Node: dst.swap64() */
    cst_bytes_swap64(eight, 8);
    printf("swapped: %s\n", eight);
}

static void numbers(void)
{
    uint8_t buf[16] = { 0x12, 0x34, 0xFE, 0xFF, 1, 2, 3, 4, 5, 6 };
    uint16_t first = 0;
    int16_t second = 0;
    uint64_t third = 0;
    double fourth = 0;
    cst_status status;

    /* Node: buf.readUInt16BE(0) */
    cst_get_u16_be(&first, buf, sizeof buf, 0);
    /* Node: buf.readInt16LE(2) */
    cst_get_i16_le(&second, buf, sizeof buf, 2);
    /* Node: buf.readUIntLE(4, 6) */
    cst_get_uint_le(&third, buf, sizeof buf, 4, 6);
    /* Node: buf.writeDoubleBE(2.5, 8) */
    cst_put_double_be(buf, sizeof buf, 8, 2.5);
    cst_get_double_be(&fourth, buf, sizeof buf, 8);
    printf("numbers: %u %d %llu %.1f\n", (unsigned)first, second, (unsigned long long)third,
           fourth);
    /* Node: buf.writeUInt8(256, 0) */
    status = cst_put_u8(buf, sizeof buf, 0, 256);
    printf("out of range: %s\n", cst_status_name(status));
}

int main(void)
{
    search();
    slices();
    memory();
    numbers();
    return EXIT_SUCCESS;
}

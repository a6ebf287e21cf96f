/*
 * bench_bytes.c - search, compare, fill and byte order, as Node's Buffer has them. The parameter is
 * the number of bytes that a call works on.
 *
 *   floor        memcpy of as many bytes
 *   libcstream   the call
 *   node         the corresponding call of Node's Buffer
 *
 * A search looks for something at the far end of lines of English text. index-of-4 looks for an
 * empty line: its bytes are all over the text. index-of-32 looks for bytes that are nowhere else.
 */
#include <stdlib.h>
#include <string.h>

#include <cstream/buffer.h>

#include "buffer_node.h"

static const char line[] = "The quick brown fox jumps over the lazy dog.\r\n";
static const char blank[] = "\r\n\r\n";
static const char far[] = "Content-Disposition: attachment;";

/* Call through a pointer, so that no compiler replaces or drops the call. */
static void *(*volatile copy)(void *to, const void *from, size_t len) = memcpy;

struct bytes {
    uint8_t *text, *other;
    size_t len;
};

static struct bytes bytes_new(size_t len)
{
    struct bytes b = { .text = bench_array(len, 1), .other = bench_array(len, 1), .len = len };

    cst_bytes_fill(b.text, len, line, sizeof line - 1);
    memcpy(b.other, b.text, len);
    return b;
}

static void bytes_free(struct bytes *b)
{
    free(b->text);
    free(b->other);
}

/* Make one call. Return a number that depends on its result. */
typedef size_t work_fn(const struct bytes *b);

static uint64_t run(const struct bench_point *point, const char *needle, size_t needle_len,
                    bool at_end, work_fn *work)
{
    struct bytes b = bytes_new(point->bytes);
    uint64_t sum = 0;

    if (needle_len > 0)
        memcpy(at_end ? b.text + b.len - needle_len : b.text, needle, needle_len);
    bench_start_clock();
    for (size_t i = 0; i < point->chunks; i++)
        sum += work(&b);
    bench_stop_clock();
    bytes_free(&b);
    return sum;
}

/* Copy as many bytes. `result` is what the call returns, so that the checksums agree. */
static uint64_t run_floor(const struct bench_point *point, size_t result)
{
    struct bytes b = bytes_new(point->bytes);

    bench_start_clock();
    for (size_t i = 0; i < point->chunks; i++)
        copy(b.other, b.text, b.len);
    bench_stop_clock();
    bytes_free(&b);
    return (uint64_t)point->chunks * result;
}

static uint64_t floor_first_1(const struct bench_point *point)
{
    return run_floor(point, point->bytes - 1);
}

static uint64_t floor_first_4(const struct bench_point *point)
{
    return run_floor(point, point->bytes - 4);
}

static uint64_t floor_first_32(const struct bench_point *point)
{
    return run_floor(point, point->bytes - 32);
}

static uint64_t floor_last(const struct bench_point *point)
{
    return run_floor(point, 0);
}

static uint64_t floor_all(const struct bench_point *point)
{
    return run_floor(point, point->bytes);
}

/* --- the calls -------------------------------------------------------------------------------- */

static size_t first_1(const struct bytes *b)
{
    return cst_bytes_index_of_byte(b->text, b->len, 0, 0);
}

static size_t first_4(const struct bytes *b)
{
    return cst_bytes_index_of(b->text, b->len, blank, 4, 0);
}

static size_t first_32(const struct bytes *b)
{
    return cst_bytes_index_of(b->text, b->len, far, 32, 0);
}

static size_t last_1(const struct bytes *b)
{
    return cst_bytes_last_index_of_byte(b->text, b->len, 0, CST_TO_END);
}

static size_t last_4(const struct bytes *b)
{
    return cst_bytes_last_index_of(b->text, b->len, blank, 4, CST_TO_END);
}

static size_t last_32(const struct bytes *b)
{
    return cst_bytes_last_index_of(b->text, b->len, far, 32, CST_TO_END);
}

static size_t compare(const struct bytes *b)
{
    return b->len + (size_t)cst_bytes_compare(b->text, b->len, b->other, b->len);
}

static size_t fill(const struct bytes *b)
{
    cst_bytes_fill(b->text, b->len, "abc", 3);
    return b->len;
}

static size_t swap16(const struct bytes *b)
{
    cst_bytes_swap16(b->text, b->len);
    return b->len;
}

static size_t swap32(const struct bytes *b)
{
    cst_bytes_swap32(b->text, b->len);
    return b->len;
}

static size_t swap64(const struct bytes *b)
{
    cst_bytes_swap64(b->text, b->len);
    return b->len;
}

/* --- the variants ----------------------------------------------------------------------------- */

/* Of each: its name in C, its workload, its floor, the needle, the needle's length, and whether the
 * needle is put at the end. */
#define WORKLOADS(X)                                           \
    X(first_1, "index-of-byte", floor_first_1, "", 1, true)    \
    X(first_4, "index-of-4", floor_first_4, blank, 4, true)    \
    X(first_32, "index-of-32", floor_first_32, far, 32, true)  \
    X(last_1, "last-index-of-byte", floor_last, "", 1, false)  \
    X(last_4, "last-index-of-4", floor_last, blank, 4, false)  \
    X(last_32, "last-index-of-32", floor_last, far, 32, false) \
    X(compare, "compare", floor_all, NULL, 0, false)           \
    X(fill, "fill", floor_all, NULL, 0, false)                 \
    X(swap16, "swap16", floor_all, NULL, 0, false)             \
    X(swap32, "swap32", floor_all, NULL, 0, false)             \
    X(swap64, "swap64", floor_all, NULL, 0, false)

#define DEFINE_RUNS(work, name, floor, needle, needle_len, at_end) \
    static uint64_t cst_##work(const struct bench_point *point)    \
    {                                                              \
        return run(point, needle, needle_len, at_end, work);       \
    }                                                              \
                                                                   \
    static uint64_t node_##work(const struct bench_point *point)   \
    {                                                              \
        return buffer_node(name, point);                           \
    }                                                              \
                                                                   \
    static const struct bench_variant work##_variants[] = {        \
        { "floor", floor },                                        \
        { "libcstream", cst_##work },                              \
        { "node", node_##work },                                   \
    };
WORKLOADS(DEFINE_RUNS)

#define WORKLOAD(work, workload, floor, needle, needle_len, at_end) \
    { .name = workload,                                             \
      .parameter = BENCH_BYTES,                                     \
      .variants = work##_variants,                                  \
      .variant_count = BENCH_COUNT_OF(work##_variants),             \
      .points = points,                                             \
      .point_count = BENCH_COUNT_OF(points) },

int main(int argc, char **argv)
{
    static const struct bench_point points[] = {
        { .chunks = 400000, .bytes = 64 },
        { .chunks = 40000, .bytes = 4096 },
        { .chunks = 200, .bytes = 1 << 20 },
    };
    static const struct bench_workload workloads[] = { WORKLOADS(WORKLOAD) };

    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}

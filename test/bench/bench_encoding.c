/*
 * bench_encoding.c - text to bytes and back, as Node's Buffer does it. The parameter is the number
 * of bytes of the text; for hex and base64, of the bytes that the digits stand for.
 *
 *   floor        memcpy of as many bytes
 *   libcstream   the call, into memory that is allocated already
 *   node         the corresponding call of Node's Buffer, which makes a string or a Buffer
 *
 * ascii is lines of English. mixed has a character of two, three or four bytes about every five
 * bytes.
 */
#include <stdlib.h>
#include <string.h>

#include <cstream/text.h>

#include "buffer_node.h"

static const char ascii[] = "The quick brown fox jumps over the lazy dog.\r\n";
static const char mixed[] =
    "The quick brown fox \xE2\x80\x93 na\xC3\xAFve caf\xC3\xA9, \xE2\x82\xAC"
    "5, \xF0\x9D\x84\x9E music.\n";

/* Call through a pointer, so that no compiler replaces or drops the call. */
static void *(*volatile copy)(void *to, const void *from, size_t len) = memcpy;

enum way { CHECK, TO_TEXT, TO_BYTES };

/* What is converted: which text, and in which direction. */
struct job {
    const char *line;
    enum way way;
    cst_encoding encoding;
};

struct work {
    uint8_t *from, *to;
    size_t len, room;
};

/* Return a text of len bytes that ends with a whole character. */
static uint8_t *text_of(const char *line, size_t len)
{
    uint8_t *text = bench_array(len, 1);
    size_t size = strlen(line);

    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)line[i % size];
    for (size_t i = len; !cst_is_utf8(text, len); i--)
        text[i - 1] = 'a';
    return text;
}

/* Prepare the input of the call: the text, or what the text converts to, if the job converts that
 * back. */
static void prepare(struct work *work, const struct job *job, size_t len)
{
    bool digits = job->encoding >= CST_HEX;
    bool turned =
        job->way != CHECK && (job->way == TO_BYTES) == digits && job->encoding != CST_UTF8;
    uint8_t *text = text_of(job->line, len);

    *work = (struct work){ .from = text, .len = len, .room = 4 * len };
    work->to = bench_array(work->room, 1);
    if (turned) {
        work->len = 4 * len;
        work->from = bench_array(work->len, 1);
        if ((digits ? cst_bytes_to_text : cst_text_to_bytes)(work->from, &work->len, job->encoding,
                                                             text, len) < 0)
            bench_fail("prepare");
        free(text);
    }
}

static size_t call(struct work *work, const struct job *job)
{
    size_t size = work->room;

    switch (job->way) {
    case CHECK:
        return cst_is_utf8(work->from, work->len);
    case TO_TEXT:
        cst_bytes_to_text(work->to, &size, job->encoding, work->from, work->len);
        return size;
    case TO_BYTES:
        cst_text_to_bytes(work->to, &size, job->encoding, work->from, work->len);
        return size;
    }
    return 0;
}

static uint64_t run(const struct bench_point *point, const struct job *job, bool floor)
{
    struct work work;
    uint64_t sum = 0;
    size_t result;

    prepare(&work, job, point->bytes);
    result = call(&work, job);
    bench_start_clock();
    for (size_t i = 0; i < point->chunks; i++) {
        if (floor)
            copy(work.to, work.from, point->bytes);
        sum += floor ? result : call(&work, job);
    }
    bench_stop_clock();
    free(work.from);
    free(work.to);
    return sum;
}

/* --- the variants ----------------------------------------------------------------------------- */

/* Of each: its name in C, its workload, the text, the direction, the encoding. */
#define WORKLOADS(X)                                                             \
    X(is_utf8_ascii, "is-utf8-ascii", ascii, CHECK, CST_UTF8)                    \
    X(is_utf8_mixed, "is-utf8-mixed", mixed, CHECK, CST_UTF8)                    \
    X(utf8_to_text, "utf8-to-text-mixed", mixed, TO_TEXT, CST_UTF8)              \
    X(hex_to_text, "hex-to-text", ascii, TO_TEXT, CST_HEX)                       \
    X(hex_to_bytes, "hex-to-bytes", ascii, TO_BYTES, CST_HEX)                    \
    X(base64_to_text, "base64-to-text", ascii, TO_TEXT, CST_BASE64)              \
    X(base64_to_bytes, "base64-to-bytes", ascii, TO_BYTES, CST_BASE64)           \
    X(base64url_to_text, "base64url-to-text", mixed, TO_TEXT, CST_BASE64URL)     \
    X(base64url_to_bytes, "base64url-to-bytes", mixed, TO_BYTES, CST_BASE64URL)  \
    X(utf16_to_text, "utf16le-to-text", ascii, TO_TEXT, CST_UTF16LE)             \
    X(utf16_to_bytes, "utf16le-to-bytes", ascii, TO_BYTES, CST_UTF16LE)          \
    X(utf16_to_text_mixed, "utf16le-to-text-mixed", mixed, TO_TEXT, CST_UTF16LE) \
    X(latin1_to_text, "latin1-to-text", ascii, TO_TEXT, CST_LATIN1)              \
    X(latin1_to_bytes, "latin1-to-bytes", ascii, TO_BYTES, CST_LATIN1)

#define DEFINE_RUNS(id, name, text, the_way, the_encoding)                                         \
    static const struct job id##_job = { .line = text, .way = the_way, .encoding = the_encoding }; \
                                                                                                   \
    static uint64_t floor_##id(const struct bench_point *point)                                    \
    {                                                                                              \
        return run(point, &id##_job, true);                                                        \
    }                                                                                              \
                                                                                                   \
    static uint64_t cst_##id(const struct bench_point *point)                                      \
    {                                                                                              \
        return run(point, &id##_job, false);                                                       \
    }                                                                                              \
                                                                                                   \
    static uint64_t node_##id(const struct bench_point *point)                                     \
    {                                                                                              \
        return buffer_node(name, point);                                                           \
    }                                                                                              \
                                                                                                   \
    static const struct bench_variant id##_variants[] = {                                          \
        { "floor", floor_##id },                                                                   \
        { "libcstream", cst_##id },                                                                \
        { "node", node_##id },                                                                     \
    };
WORKLOADS(DEFINE_RUNS)

#define WORKLOAD(id, workload, text, the_way, the_encoding) \
    { .name = workload,                                     \
      .parameter = BENCH_BYTES,                             \
      .variants = id##_variants,                            \
      .variant_count = BENCH_COUNT_OF(id##_variants),       \
      .points = points,                                     \
      .point_count = BENCH_COUNT_OF(points) },

int main(int argc, char **argv)
{
    static const struct bench_point points[] = {
        { .chunks = 200000, .bytes = 64 },
        { .chunks = 20000, .bytes = 4096 },
        { .chunks = 100, .bytes = 1 << 20 },
    };
    static const struct bench_workload workloads[] = { WORKLOADS(WORKLOAD) };

    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}

/*
 * fuzz_http_chunked.c - the chunked decoder of docs/examples/posix. In whatever parts the bytes
 * come, the decoder and the stage find the body that they find in the whole. They accept what a
 * reader accepts that goes line by line, with an equal body.
 *
 * The first byte of an input picks the sizes of the parts, the rest is the coding.
 */
#include "fuzz.h"

#include "../../docs/examples/posix/http_chunked.h"

enum { LONGEST = 4096 }; /* below HTTP_MOST_HEAD: nothing is too long */

struct body {
    int code;
    size_t used, len;
    uint8_t bytes[LONGEST];
};

static size_t next_size(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return 1 + (*seed >> 16) % ((*seed >> 28) == 0 ? 300 : 6);
}

static void add(struct body *body, const uint8_t *bytes, size_t len)
{
    fuzz_require(len <= sizeof(body->bytes) - body->len);
    if (len > 0)
        memcpy(body->bytes + body->len, bytes, len);
    body->len += len;
}

/* --- the reader to compare with --------------------------------------------------------------- */

/* Return the length of the first line without its CR LF; SIZE_MAX if there is none, or if it has a
 * control byte. */
static size_t line_length(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (bytes[i] == '\r' && bytes[i + 1] == '\n')
            return i;
        if ((bytes[i] < 0x20 && bytes[i] != '\t') || bytes[i] == 0x7f)
            return SIZE_MAX;
    }
    return SIZE_MAX;
}

/* Read "SIZE", then blanks, then ";..." if there is a ";". */
static bool read_size(uint64_t *out, const uint8_t *line, size_t len)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char text[LONGEST + 1], *end;
    size_t n;

    memcpy(text, line, len);
    text[len] = '\0';
    n = strspn(text, digits);
    if (n == 0)
        return false;
    if (text[n] != '\0' && text[n + strspn(text + n, " \t")] != ';')
        return false;
    text[n] = '\0';
    for (end = text; *end == '0';)
        end++;
    *out = strtoull(text, NULL, 16);
    return strlen(end) <= 16;
}

static bool is_field(const uint8_t *line, size_t len)
{
    const uint8_t *colon = memchr(line, ':', len);

    if (!colon || colon == line)
        return false;
    for (; line < colon; line++)
        if (*line <= ' ' || *line >= 0x7f || strchr("\"(),/;<=>?@[\\]{}", *line))
            return false;
    return true;
}

/* Read a whole coding. Return false if it is none, or not all of it is there. */
static bool read_by_lines(struct body *out, const uint8_t *bytes, size_t len)
{
    uint64_t size = 1;
    size_t at = 0, line;

    while (size > 0) {
        line = line_length(bytes + at, len - at);
        if (line == SIZE_MAX || !read_size(&size, bytes + at, line))
            return false;
        at += line + 2;
        if (size == 0)
            break;
        if (size > len - at || len - at - size < 2 || memcmp(bytes + at + size, "\r\n", 2) != 0)
            return false;
        add(out, bytes + at, (size_t)size);
        at += (size_t)size + 2;
    }
    while ((line = line_length(bytes + at, len - at)) != 0) {
        if (line == SIZE_MAX || !is_field(bytes + at, line))
            return false;
        at += line + 2;
    }
    out->used = at + 2;
    return true;
}

/* --- the decoder and the stage ---------------------------------------------------------------- */

/* Decode in parts; all at once if the seed is 0. */
static void decode(struct body *out, const uint8_t *bytes, size_t len, uint32_t seed)
{
    struct http_chunked decoder = { .state = HTTP_CHUNK_BEGIN };

    while (out->used < len && out->code == HTTP_PARTIAL) {
        size_t n = seed ? next_size(&seed) : len, framing, data;
        struct fuzz_input input = { .data = bytes + out->used, .size = len - out->used };
        uint8_t *part = fuzz_take(&input, &n);

        out->code = http_chunked_next(&decoder, part, n, &framing, &data);
        if (out->code < 400) {
            fuzz_require(framing <= n && data <= n - framing && (framing + data > 0 || n == 0));
            add(out, part + framing, data);
            out->used += framing + data;
        }
        free(part);
    }
}

struct stage_body {
    struct body body;
    bool ended;
    size_t rest;
};

static void on_data(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    add(&((struct stage_body *)arg)->body, event->chunk->data, event->chunk->len);
}

static void on_end(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    ((struct stage_body *)arg)->ended = true;
}

static void on_error(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    ((struct stage_body *)arg)->body.code = CST_USER(0) - event->error->status;
}

static void on_rest(cst_stream *s, const cst_slice *rest, void *arg)
{
    (void)s;
    ((struct stage_body *)arg)->rest += rest->len;
}

static void run_stage(struct stage_body *out, const uint8_t *bytes, size_t len, uint32_t seed)
{
    const struct http_chunked_opts opts = { .on_rest = on_rest, .on_rest_arg = out };
    struct fuzz_heap heap = { 0 };
    const cst_allocator allocator = { fuzz_alloc, fuzz_free, &heap };
    cst_stream *s;
    cst_ctx *ctx;

    fuzz_require(cst_ctx_new(&ctx, &allocator, NULL) == CST_OK);
    fuzz_require(http_chunked_new(&s, ctx, &opts) == CST_OK);
    cst_on(s, CST_DATA, on_data, out);
    cst_on(s, CST_END, on_end, out);
    cst_on(s, CST_ERROR, on_error, out);
    for (size_t at = 0; at < len && !cst_is_destroyed(s);) {
        size_t n = next_size(&seed);

        n = n < len - at ? n : len - at;
        cst_write_copy(s, bytes + at, n, NULL, NULL);
        cst_ctx_run(ctx, NULL);
        at += n;
    }
    cst_unref(s);
    fuzz_require(cst_ctx_free(ctx) == CST_OK && heap.live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct body lines, whole, parts;
    static struct stage_body stage;
    uint32_t seed;

    if (size < 2 || size > LONGEST)
        return 0;
    seed = data[0] + 1u;
    data++;
    size--;
    whole.code = parts.code = HTTP_PARTIAL;
    whole.used = whole.len = parts.used = parts.len = lines.len = lines.used = 0;
    memset(&stage, 0, sizeof(stage));
    decode(&whole, data, size, 0);
    decode(&parts, data, size, seed);
    fuzz_require(parts.code == whole.code && parts.len == whole.len);
    fuzz_require(memcmp(parts.bytes, whole.bytes, whole.len) == 0);
    fuzz_require(whole.code == HTTP_PARTIAL || whole.code == HTTP_WHOLE || whole.code == 400);
    fuzz_require(read_by_lines(&lines, data, size) == (whole.code == HTTP_WHOLE));
    run_stage(&stage, data, size, seed);
    fuzz_require(stage.ended == (whole.code == HTTP_WHOLE));
    fuzz_require(stage.body.code == (whole.code == 400 ? 400 : 0));
    if (whole.code != HTTP_WHOLE)
        return 0;
    fuzz_require(parts.used == whole.used && lines.used == whole.used &&
                 stage.rest == size - whole.used);
    fuzz_require(lines.len == whole.len && memcmp(lines.bytes, whole.bytes, whole.len) == 0);
    fuzz_require(stage.body.len == whole.len &&
                 memcmp(stage.body.bytes, whole.bytes, whole.len) == 0);
    return 0;
}

/*
 * fuzz_http_request.c - the parser of docs/examples/posix. In whatever parts a request comes, it is
 * read as the whole is. If it is accepted, it has no control byte, one end and one host, means no
 * more and no less when it is written anew, and names nothing above the root. The range that is
 * selected of a file lies in the file.
 *
 * The first byte of an input picks the sizes of the parts, the rest is the request.
 */
#include "fuzz.h"

#include <stdio.h>

#include "../../docs/examples/posix/http_select.h"

enum { LONGEST = 16384 };

static size_t next_size(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return 1 + (*seed >> 16) % ((*seed >> 28) == 0 ? 300 : 6);
}

static bool same_text(struct http_text a, struct http_text b)
{
    return (a.at == NULL) == (b.at == NULL) && a.len == b.len &&
           (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool same_request(const struct http_request *a, const struct http_request *b)
{
    return a->method == b->method && same_text(a->path, b->path) && same_text(a->query, b->query) &&
           same_text(a->host, b->host) && a->content_length == b->content_length &&
           a->has_length == b->has_length && a->is_chunked == b->is_chunked &&
           a->is_old == b->is_old && a->keep_alive == b->keep_alive &&
           a->expects_continue == b->expects_continue;
}

/* Parse text in parts, each time in a block of exactly its size. The caller frees the last one. */
static int parse_in_parts(struct http_request *out, uint8_t **block, const uint8_t *text,
                          size_t size, uint32_t seed, size_t *seen)
{
    int code = HTTP_PARTIAL;
    size_t len = 0;

    *block = NULL;
    while (code == HTTP_PARTIAL && len < size) {
        struct fuzz_input input = { .data = text, .size = size };

        len += next_size(&seed);
        len = len < size ? len : size;
        free(*block);
        *block = fuzz_take(&input, &len);
        code = http_parse_request(out, (const char *)*block, len, seen);
        fuzz_require(*seen <= len);
    }
    return code;
}

/* Require that lines end with CR LF and that the head has no other control byte. */
static void require_clean(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r')
            fuzz_require(i + 1 < len && text[i + 1] == '\n');
        else if (text[i] == '\n')
            fuzz_require(i > 0 && text[i - 1] == '\r');
        else
            fuzz_require((text[i] >= 0x20 || text[i] == '\t') && text[i] != 0x7f);
    }
}

static void require_sane(const struct http_request *request)
{
    struct http_text fields = request->fields, value;
    struct http_field field;
    size_t hosts = http_find_field(&value, request, "host");
    static char path[LONGEST];

    fuzz_require(hosts == 1 || (hosts == 0 && request->is_old));
    fuzz_require(!(request->is_chunked && (request->has_length || request->is_old)));
    fuzz_require(request->has_length || request->content_length == 0);
    fuzz_require(http_find_field(&value, request, "content-length") == request->has_length);
    fuzz_require((http_find_field(&value, request, "transfer-encoding") > 0) ==
                 request->is_chunked);
    fuzz_require(request->path.at || request->method == HTTP_OPTIONS ||
                 request->method == HTTP_CONNECT);
    while (http_next_field(&field, &fields))
        fuzz_require(field.name.len > 0 && !memchr(field.name.at, ' ', field.name.len));
    fuzz_require(fields.len == 0);
    if (!request->path.at)
        return;
    fuzz_require(request->path.at[0] == '/' && !memchr(request->path.at, ' ', request->path.len));
    if (http_decode_path(path, sizeof(path), request->path))
        fuzz_require(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "/./") &&
                     strlen(path) <= request->path.len + 1);
}

/* Write the request in its plainest form, and require that this is read as an equal request. */
static void require_same_anew(const uint8_t *text, const struct http_request *request)
{
    static char again[LONGEST];
    struct http_text fields = request->fields;
    struct http_request other;
    struct http_field field;
    size_t seen = 0;
    int len = snprintf(again, sizeof(again), "%.*s HTTP/1.%d\r\n",
                       (int)(request->target.at + request->target.len - (const char *)text),
                       (const char *)text, request->is_old ? 0 : 1);

    while (http_next_field(&field, &fields))
        len += snprintf(again + len, sizeof(again) - (size_t)len, "%.*s:%.*s\r\n",
                        (int)field.name.len, field.name.at, (int)field.value.len, field.value.at);
    len += snprintf(again + len, sizeof(again) - (size_t)len, "\r\n");
    fuzz_require(http_parse_request(&other, again, (size_t)len, &seen) == HTTP_WHOLE);
    fuzz_require(seen == (size_t)len && same_request(request, &other));
}

static void require_selection(const struct http_request *request)
{
    const struct http_version version = {
        .etag = "\"v\"", .modified = 784111777, .now = 1795000000, .size = 1000
    };
    struct http_part part;
    int code = http_select(&part, request, &version);

    if (code == 200)
        fuzz_require(part.first == 0 && part.last == version.size - 1);
    else if (code == 206)
        fuzz_require(part.first <= part.last && part.last < version.size);
    else
        fuzz_require(code == 304 || code == 412 || code == 416);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request whole, parts;
    size_t seen = 0, seen_in_parts = 0;
    uint8_t *block;
    int code;

    if (size < 2 || size > LONGEST / 2)
        return 0;
    code = http_parse_request(&whole, (const char *)data + 1, size - 1, &seen);
    fuzz_require(parse_in_parts(&parts, &block, data + 1, size - 1, data[0], &seen_in_parts) ==
                 code);
    fuzz_require(code == HTTP_PARTIAL || code == HTTP_WHOLE || (code >= 400 && code <= 505));
    fuzz_require(whole.method == parts.method);
    if (code == HTTP_WHOLE) {
        size_t begin = 1;

        fuzz_require(seen == seen_in_parts && same_request(&whole, &parts));
        require_clean(data + 1, seen);
        require_sane(&whole);
        while (data[begin] == '\r')
            begin += 2;
        require_same_anew(data + begin, &whole);
        require_selection(&whole);
    }
    free(block);
    return 0;
}

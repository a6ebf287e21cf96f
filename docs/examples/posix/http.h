/*
 * http.h - as much of HTTP/1.1 as the examples need: a request's head, taken apart in place.
 *
 * HTTP is no part of the library. This shows how little it takes to put it on top.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HTTP_MOST_HEAD 8192

/* Points into the head, whose lines end in zeroes now. */
struct http_request {
    const char *method, *target;
    const char *range; /* NULL: none */
    uint64_t content_length;
    bool has_host;
    bool has_body; /* by length or chunked */
    bool is_chunked;
    bool close; /* the connection is not to be kept */
};

/* How many bytes the head at the beginning of text has, its blank line included; 0 where that has not come yet. */
static inline size_t http_head_length(const char *text, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++)
        if (memcmp(text + i, "\r\n\r\n", 4) == 0)
            return i + 4;
    return 0;
}

/* Cuts the next line off. NULL where there is none. */
static inline char *http_next_line(char **rest)
{
    char *line = *rest, *end = strstr(line, "\r\n");

    if (!end)
        return NULL;
    *end = '\0';
    *rest = end + 2;
    return line;
}

static inline bool http_parse_length(uint64_t *out, const char *text)
{
    uint64_t n = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(*text - '0');
    }
    *out = n;
    return true;
}

/* Whether a field's value has this word in its list. */
static inline bool http_has_word(const char *value, const char *word)
{
    size_t len = strlen(word);

    for (;;) {
        value += strspn(value, ", \t");
        if (!*value)
            return false;
        if (strncasecmp(value, word, len) == 0 && strspn(value + len, ", \t") + !value[len] > 0)
            return true;
        value += strcspn(value, ", \t");
    }
}

/* "Name: value". False where it is ill-formed, or says again what may be said once: two lengths are how a request is hidden
 * in the body of another. */
static inline bool http_parse_field(struct http_request *request, char *line)
{
    size_t name_len = strcspn(line, ": \t");
    char *value = line + name_len, *end;

    if (name_len == 0 || *value != ':')
        return false;
    *value++ = '\0';
    value += strspn(value, " \t");
    for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
        end[-1] = '\0';
    if (strcasecmp(line, "content-length") == 0) {
        bool again = request->has_body;

        request->has_body = true;
        return !again && http_parse_length(&request->content_length, value);
    }
    if (strcasecmp(line, "host") == 0) {
        bool again = request->has_host;

        request->has_host = true;
        return !again;
    }
    if (strcasecmp(line, "transfer-encoding") == 0)
        request->has_body = request->is_chunked = true;
    else if (strcasecmp(line, "range") == 0)
        request->range = value;
    else if (strcasecmp(line, "connection") == 0 && http_has_word(value, "close"))
        request->close = true;
    return true;
}

/* Takes a head of len bytes apart, which a zero follows. False where it is none: one with a zero in it, too. */
static inline bool http_parse(struct http_request *request, char *head, size_t len)
{
    char *line, *target, *version;
    bool is_old;

    if (strlen(head) != len || !(line = http_next_line(&head)))
        return false;
    *request = (struct http_request){ .method = line };
    if (!(target = strchr(line, ' ')) || target == line)
        return false;
    *target++ = '\0';
    if (*target != '/' || !(version = strchr(target, ' ')))
        return false;
    *version++ = '\0';
    request->target = target;
    is_old = strcmp(version, "HTTP/1.0") == 0;
    if (!is_old && strcmp(version, "HTTP/1.1") != 0)
        return false;
    request->close = is_old;
    while ((line = http_next_line(&head)) != NULL && *line)
        if (!http_parse_field(request, line))
            return false;
    return is_old || request->has_host;
}

static inline int http_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path of a target, without the query, with %XX as bytes. False where it is ill-formed, does not fit, has a zero in it,
 * or a segment "..". */
static inline bool http_decode_path(char *out, size_t room, const char *target)
{
    size_t len = 0;

    for (; *target && *target != '?' && *target != '#'; target++) {
        char c = *target;

        if (c == '%') {
            int high = http_hex(target[1]), low = high < 0 ? -1 : http_hex(target[2]);

            if (low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high * 16 + low);
            target += 2;
        }
        if (len + 1 >= room)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    for (const char *s = out; (s = strstr(s, "/..")) != NULL; s += 3)
        if (s[3] == '\0' || s[3] == '/')
            return false;
    return true;
}

enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_OK, HTTP_RANGE_OUTSIDE };

/* One range of a file of size bytes: "bytes=A-B", "bytes=A-", "bytes=-N". Any other form counts as none. */
static inline enum http_range http_parse_range(uint64_t *first, uint64_t *last, const char *value,
                                               uint64_t size)
{
    char text[64], *dash;
    uint64_t a = 0, b = 0;

    if (!value || strncasecmp(value, "bytes=", 6) != 0 || strlen(value + 6) >= sizeof(text))
        return HTTP_RANGE_NONE;
    strcpy(text, value + 6);
    dash = strchr(text, '-');
    if (!dash)
        return HTTP_RANGE_NONE;
    *dash++ = '\0';
    if ((*text && !http_parse_length(&a, text)) || (*dash && !http_parse_length(&b, dash)) ||
        (!*text && !*dash))
        return HTTP_RANGE_NONE;
    if (*text && *dash && b < a)
        return HTTP_RANGE_NONE;
    if (!*text) {
        if (b == 0 || size == 0)
            return HTTP_RANGE_OUTSIDE;
        *first = b < size ? size - b : 0;
        *last = size - 1;
        return HTTP_RANGE_OK;
    }
    if (a >= size)
        return HTTP_RANGE_OUTSIDE;
    *first = a;
    *last = *dash && b < size ? b : size - 1;
    return HTTP_RANGE_OK;
}

static inline const char *http_reason(int code)
{
    switch (code) {
    case 200:
        return "OK";
    case 206:
        return "Partial Content";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 416:
        return "Range Not Satisfiable";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Internal Server Error";
    }
}

static inline const char *http_type(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = { { ".html", "text/html; charset=utf-8" },
                  { ".txt", "text/plain; charset=utf-8" },
                  { ".css", "text/css" },
                  { ".js", "text/javascript" },
                  { ".json", "application/json" },
                  { ".svg", "image/svg+xml" },
                  { ".png", "image/png" },
                  { ".jpg", "image/jpeg" } };
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcasecmp(dot, types[i].end) == 0)
            return types[i].type;
    return "application/octet-stream";
}

#endif

/*
 * http_select.c - see http_select.h. Numbers in comments are sections of RFC 9110.
 */
#include "http_select.h"

#include <string.h>

#include "http_date.h"

/* --- the path --------------------------------------------------------------------------------- */

/* Take back a last segment "." or "..", and what ".." leads out of. The path has a "/" before that
 * segment. */
static size_t resolve_last_segment(const char *path, size_t len)
{
    bool is_dot = len >= 2 && memcmp(path + len - 2, "/.", 2) == 0;
    bool is_dots = len >= 3 && memcmp(path + len - 3, "/..", 3) == 0;

    if (!is_dot && !is_dots)
        return len;
    len -= is_dot ? 2 : 3;
    while (is_dots && len > 0 && path[--len] != '/')
        ;
    return len;
}

/* One byte of the path, and how many characters stand for it; 0 if no name can have it. */
static size_t decode_byte(char *out, struct http_text path)
{
    int high, low;

    *out = path.at[0];
    if (path.at[0] != '%')
        return 1;
    high = path.len > 2 ? http_hex_digit(path.at[1]) : -1;
    low = path.len > 2 ? http_hex_digit(path.at[2]) : -1;
    if (high < 0 || low < 0)
        return 0;
    *out = (char)(high * 16 + low);
    return *out == '\0' || *out == '/' ? 0 : 3;
}

bool http_decode_path(char *out, size_t room, struct http_text path)
{
    size_t len = 0;

    while (path.len > 0) {
        size_t n;

        if (len + 2 > room || (n = decode_byte(&out[len], path)) == 0)
            return false;
        if (path.at[0] == '/') {
            len = resolve_last_segment(out, len);
            out[len] = '/';
        }
        len++;
        path.at += n;
        path.len -= n;
    }
    /* A path that ends with such a segment names a directory. */
    if (resolve_last_segment(out, len) != len) {
        len = resolve_last_segment(out, len);
        out[len++] = '/';
    }
    out[len] = '\0';
    return len > 0 && out[0] == '/';
}

/* --- conditions ------------------------------------------------------------------------------- */

/* One tag of a list: W/"..." or "..." (8.8.3). Return false if the list goes on with something
 * else, or ends. */
static bool next_tag(struct http_text *tag, bool *is_weak, struct http_text *list)
{
    const char *end;

    while (list->len > 0 && strchr(", \t", list->at[0]))
        list->at++, list->len--;
    *is_weak = list->len > 2 && memcmp(list->at, "W/", 2) == 0;
    if (*is_weak)
        list->at += 2, list->len -= 2;
    if (list->len < 2 || list->at[0] != '"' || !(end = memchr(list->at + 1, '"', list->len - 1)))
        return false;
    *tag = (struct http_text){ .at = list->at, .len = (size_t)(end + 1 - list->at) };
    list->at += tag->len;
    list->len -= tag->len;
    return true;
}

/* Does a list of tags, in however many fields of that name, have the tag of this version, or is it
 * "*"? Strongly compared, a weak tag equals none (8.8.3.2); those of a version are strong. */
static bool has_tag(const struct http_request *request, const char *name, const char *etag,
                    bool strongly)
{
    struct http_text fields = request->fields, tag;
    struct http_field field;
    bool is_weak;

    while (http_next_field(&field, &fields)) {
        if (!http_is(field.name, name))
            continue;
        if (http_is_exactly(field.value, "*"))
            return true;
        while (next_tag(&tag, &is_weak, &field.value))
            if (http_is_exactly(tag, etag) && !(strongly && is_weak))
                return true;
    }
    return false;
}

/* The date in a field. Return false if there is none, or more than one: such a field is ignored
 * (13.1.3, 13.1.4). */
static bool find_date(int64_t *out, const struct http_request *request, const char *name,
                      int64_t now)
{
    struct http_text value;

    return http_find_field(&value, request, name) == 1 && http_read_date(out, value, now);
}

static bool has_field(const struct http_request *request, const char *name)
{
    struct http_text value;

    return http_find_field(&value, request, name) > 0;
}

/* Steps 1 to 4 of 13.2.2. */
static int weigh_conditions(const struct http_request *request, const struct http_version *version)
{
    int64_t date;

    if (has_field(request, "if-match")) {
        if (!has_tag(request, "if-match", version->etag, true))
            return 412;
    } else if (find_date(&date, request, "if-unmodified-since", version->now)) {
        if (version->modified > date)
            return 412;
    }
    if (has_field(request, "if-none-match")) {
        if (has_tag(request, "if-none-match", version->etag, false))
            return 304;
    } else if (find_date(&date, request, "if-modified-since", version->now)) {
        if (version->modified <= date)
            return 304;
    }
    return 200;
}

/* Step 5: is the Range meant for this version? A date says so only if it is the very one, and its
 * second was over when the clock was looked at: within one second there may be two versions
 * (8.8.2.2). */
static bool range_is_meant(const struct http_request *request, const struct http_version *version)
{
    struct http_text value, tag;
    int64_t date;
    bool is_weak;
    size_t count = http_find_field(&value, request, "if-range");

    if (count != 1)
        return count == 0;
    if (http_read_date(&date, value, version->now))
        return date == version->modified && date < version->now;
    return next_tag(&tag, &is_weak, &value) && value.len == 0 && !is_weak &&
           http_is_exactly(tag, version->etag);
}

/* --- the range -------------------------------------------------------------------------------- */

/* Digits; more than fit are as good as the most that does. */
static bool read_position(uint64_t *out, struct http_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    if (text.len > 0 && !http_parse_number(out, text))
        *out = UINT64_MAX;
    return text.len > 0;
}

/* "bytes=A-B", "bytes=A-" or "bytes=-N" (14.1). Whatever else there is, several ranges too, is
 * ignored: 200. */
static int select_range(struct http_part *out, struct http_text value, uint64_t size)
{
    struct http_text from, to;
    uint64_t first = 0, last = UINT64_MAX;
    const char *dash;

    if (value.len < 6 || !http_is((struct http_text){ .at = value.at, .len = 6 }, "bytes="))
        return 200;
    from = (struct http_text){ .at = value.at + 6, .len = value.len - 6 };
    if (!(dash = memchr(from.at, '-', from.len)))
        return 200;
    to = (struct http_text){ .at = dash + 1, .len = (size_t)(from.at + from.len - dash - 1) };
    from.len = (size_t)(dash - from.at);
    if (from.len == 0) {
        if (!read_position(&last, to))
            return 200;
        if (last == 0)
            return 416;
        if (size == 0)
            return 200; /* all of nothing, which Content-Range has no form for */
        *out = (struct http_part){ .first = last < size ? size - last : 0, .last = size - 1 };
        return 206;
    }
    if (!read_position(&first, from) || (to.len > 0 && !read_position(&last, to)) || last < first)
        return 200;
    if (first >= size)
        return 416;
    *out = (struct http_part){ .first = first, .last = last < size ? last : size - 1 };
    return 206;
}

/* Most requests have none of these fields, which one look tells. */
static bool has_conditions(const struct http_request *request)
{
    struct http_text fields = request->fields;
    struct http_field field;

    while (http_next_field(&field, &fields))
        if (http_is(field.name, "range") ||
            (field.name.len > 3 && http_is((struct http_text){ field.name.at, 3 }, "if-")))
            return true;
    return false;
}

int http_select(struct http_part *out, const struct http_request *request,
                const struct http_version *version)
{
    struct http_text range;
    int code;

    *out = (struct http_part){ .first = 0, .last = version->size - 1 };
    if (!has_conditions(request))
        return 200;
    code = weigh_conditions(request, version);
    if (code != 200 || request->method != HTTP_GET ||
        http_find_field(&range, request, "range") != 1 || !range_is_meant(request, version))
        return code;
    return select_range(out, range, version->size);
}

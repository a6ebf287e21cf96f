/*
 * http_request.c - see http_request.h. Numbers in comments are sections of RFC 9112, unless they
 * name another.
 */
#include "http_request.h"

#include <string.h>

/* --- bytes and texts -------------------------------------------------------------------------- */

/* What a byte may be part of, as bits: a head is looked at byte by byte, and each byte costs one
 * look at this table. */
enum { TOKEN = 1, URI = 2, CONTROL = 4 };

#define T TOKEN
#define U URI
#define B (TOKEN | URI)
#define C CONTROL

/* token: RFC 9110, 5.6.2. URI: what stands for itself in each part of one, RFC 3986. Control bytes
 * are those that no line of a head has: all but the tab. */
static const unsigned char classes[256] = {
    /* 0x00 */ C, C, C, C, C, C, C, C, C, 0, C, C, C, C, C, C,
    /* 0x10 */ C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    /*  !"# */ 0, B, 0, T, B, T, B, B, U, U, B, B, U, B, B, 0,
    /* 0123 */ B, B, B, B, B, B, B, B, B, B, 0, U, 0, U, 0, 0,
    /* @ABC */ 0, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    /* PQRS */ B, B, B, B, B, B, B, B, B, B, B, 0, 0, 0, T, B,
    /* `abc */ T, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
    /* pqrs */ B, B, B, B, B, B, B, B, B, B, B, 0, T, 0, B, C,
};

#undef T
#undef U
#undef B
#undef C

static bool is_of(char c, unsigned class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

int http_hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_is_exactly(struct http_text text, const char *word)
{
    return strlen(word) == text.len && (text.len == 0 || memcmp(text.at, word, text.len) == 0);
}

bool http_is(struct http_text text, const char *word)
{
    for (size_t i = 0; i < text.len; i++)
        if (word[i] == '\0' || to_lower(text.at[i]) != to_lower(word[i]))
            return false;
    return word[text.len] == '\0';
}

bool http_parse_number(uint64_t *out, struct http_text text)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.at[i] - '0');

        if (!is_digit(text.at[i]) || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return text.len > 0;
}

static struct http_text skip(struct http_text text, size_t n)
{
    return (struct http_text){ .at = text.at + n, .len = text.len - n };
}

/* Cut rest at the first such byte, which is in neither part then. Return false, and change nothing,
 * if there is none. */
static bool cut(struct http_text *out, struct http_text *rest, char at)
{
    const char *found = rest->len > 0 ? memchr(rest->at, at, rest->len) : NULL;

    if (!found)
        return false;
    *out = (struct http_text){ .at = rest->at, .len = (size_t)(found - rest->at) };
    *rest = skip(*rest, out->len + 1);
    return true;
}

/* Take a line and its CR LF off a head that has been looked through. */
static bool next_line(struct http_text *out, struct http_text *rest)
{
    if (!cut(out, rest, '\r'))
        return false;
    *rest = skip(*rest, 1);
    return true;
}

static struct http_text trim(struct http_text text)
{
    while (text.len > 0 && is_blank(text.at[0]))
        text = skip(text, 1);
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

static bool is_token(struct http_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_of(text.at[i], TOKEN))
            return false;
    return text.len > 0;
}

/* --- where the head ends ---------------------------------------------------------------------- */

static size_t count_empty_lines(const char *text, size_t len)
{
    size_t n = 0;

    while (n + 2 <= len && text[n] == '\r' && text[n + 1] == '\n')
        n += 2;
    return n;
}

/* Look for the blank line, from *seen on. A line ends with CR LF and has no control byte but tabs
 * (2.2; RFC 9110, 5.5). */
static int find_end(const char *text, size_t len, size_t *seen)
{
    size_t begin = count_empty_lines(text, len), i = *seen > begin ? *seen : begin;

    for (; i < len; i++) {
        if (!is_of(text[i], CONTROL))
            continue;
        if (text[i] != '\r')
            return 400;
        if (i + 1 == len)
            break; /* the next byte decides */
        if (text[i + 1] != '\n')
            return 400;
        if (i > begin && text[i - 1] == '\n') {
            *seen = i + 2;
            return HTTP_WHOLE;
        }
        i++;
    }
    *seen = i;
    return HTTP_PARTIAL;
}

/* A head that does not fit: which part of it is too long (3)? */
static int too_long(const char *text, size_t len)
{
    struct http_text rest = skip((struct http_text){ text, len }, count_empty_lines(text, len));
    struct http_text line;

    if (rest.len == 0 || cut(&line, &rest, '\r'))
        return 431;
    return cut(&line, &rest, ' ') ? 414 : 501;
}

/* --- the request line ------------------------------------------------------------------------- */

static enum http_method find_method(struct http_text name)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",       [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH",     [HTTP_DELETE] = "DELETE",
        [HTTP_CONNECT] = "CONNECT", [HTTP_OPTIONS] = "OPTIONS", [HTTP_TRACE] = "TRACE"
    };

    for (size_t i = HTTP_GET; i < sizeof(names) / sizeof(names[0]); i++)
        if (http_is_exactly(name, names[i]))
            return (enum http_method)i;
    return HTTP_UNKNOWN;
}

/* Characters of a URI: those that stand for themselves in each part, %XX, and those in extra. */
static bool is_uri_part(struct http_text text, const char *extra)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '%') {
            if (text.len - i < 3 || http_hex_digit(text.at[i + 1]) < 0 ||
                http_hex_digit(text.at[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!is_of(c, URI) && !is_one_of(c, extra)) {
            return false;
        }
    }
    return true;
}

static bool is_number(struct http_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_digit(text.at[i]))
            return false;
    return true;
}

/* "[::1]" of a host, without its last bracket */
static bool is_ip_literal(struct http_text text)
{
    for (size_t i = 1; i < text.len; i++)
        if (http_hex_digit(text.at[i]) < 0 && !is_one_of(text.at[i], ":."))
            return false;
    return text.len > 2;
}

/* Cut "host:port" apart; the port may be missing or empty. "user@host" is refused: RFC 9110, 4.2.4.
 */
static bool split_host(struct http_text *host, struct http_text *port, struct http_text text)
{
    *host = text;
    *port = (struct http_text){ .at = NULL };
    if (text.len > 0 && text.at[0] == '[') {
        if (!cut(host, &text, ']') || !is_ip_literal(*host) || (text.len > 0 && text.at[0] != ':'))
            return false;
        if (text.len > 0)
            *port = skip(text, 1);
        return is_number(*port);
    }
    if (cut(host, &text, ':'))
        *port = text;
    return is_uri_part(*host, "") && is_number(*port);
}

/* "/path?query" (3.2.1) */
static int parse_path(struct http_request *out, struct http_text text)
{
    out->path = text;
    if (cut(&out->path, &text, '?'))
        out->query = text;
    if (!is_uri_part(out->path, "/:@") || !is_uri_part(out->query, "/:@?"))
        return 400;
    return 0;
}

/* "http://host/path?query" (3.2.2). Other schemes are not ours: RFC 9110, 7.4. */
static int parse_absolute(struct http_request *out, struct http_text text)
{
    static const struct http_text root = { "/", 1 };
    struct http_text scheme, host, port;
    size_t host_len = 0;
    int code;

    if (!cut(&scheme, &text, ':') || !is_letter(scheme.at[0]) || text.len < 2 ||
        memcmp(text.at, "//", 2) != 0)
        return 400;
    for (size_t i = 0; i < scheme.len; i++)
        if (!is_letter(scheme.at[i]) && !is_digit(scheme.at[i]) && !is_one_of(scheme.at[i], "+-."))
            return 400;
    text = skip(text, 2);
    while (host_len < text.len && !is_one_of(text.at[host_len], "/?"))
        host_len++;
    out->host = (struct http_text){ .at = text.at, .len = host_len };
    text = skip(text, host_len);
    if (host_len == 0 || !split_host(&host, &port, out->host) || host.len == 0)
        return 400;
    code = parse_path(out, text);
    if (out->path.len == 0)
        out->path = root;
    return code == 0 && !http_is(scheme, "http") ? 421 : code;
}

static int parse_target(struct http_request *out)
{
    struct http_text text = out->target, host, port;

    if (text.len == 0)
        return 400;
    if (out->method == HTTP_CONNECT) { /* 3.2.3 */
        out->host = text;
        return split_host(&host, &port, text) && host.len > 0 && port.len > 0 ? 0 : 400;
    }
    if (http_is_exactly(text, "*")) /* 3.2.4 */
        return out->method == HTTP_OPTIONS ? 0 : 400;
    return text.at[0] == '/' ? parse_path(out, text) : parse_absolute(out, text);
}

/* "HTTP/1.1" (2.3) */
static int parse_version(struct http_request *out, struct http_text text)
{
    if (text.len != 8 || memcmp(text.at, "HTTP/", 5) != 0 || !is_digit(text.at[5]) ||
        text.at[6] != '.' || !is_digit(text.at[7]))
        return 400;
    out->is_old = text.at[7] == '0';
    return text.at[5] == '1' ? 0 : 505;
}

/* One blank between the three parts, no more and no other (3). */
static int parse_request_line(struct http_request *out, struct http_text line)
{
    struct http_text method, version = line;
    int code;

    if (!cut(&method, &version, ' ') || !is_token(method) || !cut(&out->target, &version, ' '))
        return 400;
    out->method = find_method(method);
    code = parse_version(out, version);
    return code ? code : parse_target(out);
}

/* --- the fields ------------------------------------------------------------------------------- */

/* What the fields say of the message as a whole; it takes all of them to decide. */
struct notes {
    size_t hosts;
    bool is_bad;
    bool has_codings;
    bool other_coding;    /* one that is not chunked */
    bool chunked_is_last; /* of the codings so far */
    bool chunked_was_inner;
    bool close, keep_alive;
    bool other_expectation;
};

/* "Name: value". Return false if there is no colon. */
static bool split_field(struct http_field *out, struct http_text line)
{
    if (!cut(&out->name, &line, ':'))
        return false;
    out->value = trim(line);
    return true;
}

bool http_next_field(struct http_field *out, struct http_text *fields)
{
    struct http_text line;

    return next_line(&line, fields) && split_field(out, line);
}

size_t http_find_field(struct http_text *out, const struct http_request *request, const char *name)
{
    struct http_text fields = request->fields;
    struct http_field field;
    size_t count = 0;

    while (http_next_field(&field, &fields)) {
        if (!http_is(field.name, name))
            continue;
        *out = field.value;
        count++;
    }
    return count;
}

bool http_next_member(struct http_text *out, struct http_text *list)
{
    while (list->len > 0) {
        if (!cut(out, list, ',')) {
            *out = *list;
            *list = skip(*list, list->len);
        }
        *out = trim(*out);
        if (out->len > 0)
            return true;
    }
    return false;
}

static void note_host(struct http_request *out, struct notes *notes, struct http_text value)
{
    struct http_text host, port;

    notes->hosts++;
    if (!split_host(&host, &port, value))
        notes->is_bad = true;
    if (!out->host.at)
        out->host = value;
}

/* A length that is said again is refused even if it is the same (RFC 9110, 8.6 allows either), and
 * so is a list. */
static void note_length(struct http_request *out, struct notes *notes, struct http_text value)
{
    if (out->has_length || !http_parse_number(&out->content_length, value))
        notes->is_bad = true;
    out->has_length = true;
}

static void note_codings(struct notes *notes, struct http_text list)
{
    struct http_text coding;

    notes->has_codings = true;
    while (http_next_member(&coding, &list)) {
        notes->chunked_was_inner = notes->chunked_was_inner || notes->chunked_is_last;
        notes->chunked_is_last = http_is(coding, "chunked");
        notes->other_coding = notes->other_coding || !notes->chunked_is_last;
    }
}

static void note_field(struct http_request *out, struct notes *notes, struct http_field field)
{
    struct http_text member;

    if (http_is(field.name, "host")) {
        note_host(out, notes, field.value);
    } else if (http_is(field.name, "content-length")) {
        note_length(out, notes, field.value);
    } else if (http_is(field.name, "transfer-encoding")) {
        note_codings(notes, field.value);
    } else if (http_is(field.name, "connection")) {
        while (http_next_member(&member, &field.value)) {
            notes->close = notes->close || http_is(member, "close");
            notes->keep_alive = notes->keep_alive || http_is(member, "keep-alive");
        }
    } else if (http_is(field.name, "expect")) {
        while (http_next_member(&member, &field.value)) {
            bool is_known = http_is(member, "100-continue");

            out->expects_continue = out->expects_continue || is_known;
            notes->other_expectation = notes->other_expectation || !is_known;
        }
    }
}

/* Where the body ends (6.1, 6.3), and whose request this is (3.2). */
static int judge(struct http_request *out, const struct notes *notes)
{
    if (notes->is_bad || notes->hosts > 1 || (notes->hosts == 0 && !out->is_old))
        return 400;
    if (notes->has_codings) {
        if (out->has_length || out->is_old || !notes->chunked_is_last || notes->chunked_was_inner)
            return 400;
        if (notes->other_coding)
            return 501;
        out->is_chunked = true;
    }
    if (notes->other_expectation) /* RFC 9110, 10.1.1 */
        return 417;
    out->expects_continue = out->expects_continue && !out->is_old;
    out->keep_alive = !notes->close && (!out->is_old || notes->keep_alive); /* 9.3 */
    return HTTP_WHOLE;
}

int http_parse_request(struct http_request *out, const char *text, size_t len, size_t *seen)
{
    bool is_full = len >= HTTP_MOST_HEAD;
    struct http_text rest, line;
    struct http_field field;
    struct notes notes = { .hosts = 0 };
    int code = find_end(text, is_full ? HTTP_MOST_HEAD : len, seen);

    *out = (struct http_request){ .method = HTTP_UNKNOWN };
    if (code == HTTP_PARTIAL)
        return is_full ? too_long(text, HTTP_MOST_HEAD) : HTTP_PARTIAL;
    if (code != HTTP_WHOLE)
        return code;
    rest = (struct http_text){ .at = text, .len = *seen - 2 };
    rest = skip(rest, count_empty_lines(text, *seen));
    if (!next_line(&line, &rest) || (code = parse_request_line(out, line)) != 0)
        return code;
    out->fields = rest;
    while (next_line(&line, &rest)) {
        /* No blank before the name, which would fold the line (5.2), nor before the colon (5.1). */
        if (!split_field(&field, line) || !is_token(field.name))
            return 400;
        note_field(out, &notes, field);
    }
    return judge(out, &notes);
}

/* --- words ------------------------------------------------------------------------------------ */

const char *http_reason(int code)
{
    static const struct {
        int code;
        const char *words;
    } reasons[] = { { 100, "Continue" },
                    { 200, "OK" },
                    { 206, "Partial Content" },
                    { 304, "Not Modified" },
                    { 400, "Bad Request" },
                    { 404, "Not Found" },
                    { 405, "Method Not Allowed" },
                    { 408, "Request Timeout" },
                    { 411, "Length Required" },
                    { 412, "Precondition Failed" },
                    { 413, "Content Too Large" },
                    { 414, "URI Too Long" },
                    { 416, "Range Not Satisfiable" },
                    { 417, "Expectation Failed" },
                    { 421, "Misdirected Request" },
                    { 431, "Request Header Fields Too Large" },
                    { 501, "Not Implemented" },
                    { 503, "Service Unavailable" },
                    { 505, "HTTP Version Not Supported" } };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].code == code)
            return reasons[i].words;
    return "Internal Server Error";
}

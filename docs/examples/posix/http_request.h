/*
 * http_request.h - the head of an HTTP/1.1 request, as RFC 9110 and RFC 9112 define it. HTTP is not
 * part of the library: copy these files if you need them.
 *
 * Plain C11 without I/O, allocation or state. Collect what the client sends in a buffer, and parse
 * it after each read:
 *
 *     code = http_parse_request(&request, buffer, len, &seen);
 *     if (code == HTTP_PARTIAL) ...       read on
 *     else if (code == HTTP_WHOLE) ...    answer; the head has `seen` bytes, the body follows
 *     else ...                            answer with status `code` and close, since nobody knows
 *                                         where the next request begins
 *
 * Whatever two recipients could read in two ways is refused, since that is how a request is hidden
 * inside another: control bytes anywhere in the head (a bare CR or LF, too), a blank before a
 * colon, a folded line, two lengths, a length beside a transfer coding, a transfer coding in
 * HTTP/1.0, a request without exactly one Host.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No head is longer: RFC 9112, 3 recommends 8000 bytes for the first line alone. */
#define HTTP_MOST_HEAD 8192

/* Borrowed bytes, without a zero behind them. at is NULL if there are none, as for a field that was
 * not sent; not for an empty field. */
struct http_text {
    const char *at;
    size_t len;
};

/* Those of RFC 9110, 9.3, and PATCH. */
enum http_method {
    HTTP_UNKNOWN, /* answer with 501 */
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_CONNECT,
    HTTP_OPTIONS,
    HTTP_TRACE
};

/* All texts point into the head, but for a path that the target leaves out. */
struct http_request {
    enum http_method method;
    struct http_text target; /* as it was sent */
    struct http_text
        host; /* of the target in absolute form, else of the field Host; with the port */
    struct http_text path;   /* begins with "/", %XX and all; NULL for "*" and for CONNECT */
    struct http_text query;  /* without "?" */
    struct http_text fields; /* their lines: http_next_field, http_find_field */
    uint64_t content_length; /* 0 if there is none */
    bool has_length;
    bool is_chunked;
    bool is_old;           /* HTTP/1.0 */
    bool keep_alive;       /* the client wants the connection kept */
    bool expects_continue; /* it waits for status 100, or a final one, before it sends the body */
};

struct http_field {
    struct http_text name, value;
};

enum { HTTP_PARTIAL = 0, HTTP_WHOLE = 1 };

/*
 * Read the request at the beginning of text. Empty lines before it are skipped.
 *
 * seen  how many bytes earlier calls have looked at; 0 for a new request. Bytes before it must not
 *       have changed. Once the request is whole, the length of its head.
 *
 * HTTP_PARTIAL  the head has not come whole
 * HTTP_WHOLE    *out is filled
 * 400 ...       refuse with this status, and close; out->method is set if it could be told: an
 *               answer to HEAD has no body
 *
 *     400 ill-formed                         431 the fields are too long
 *     414 the target is too long             501 the method is too long, or a transfer coding
 *     417 an expectation that is not known       other than chunked
 *     421 another scheme than http           505 another major version
 */
int http_parse_request(struct http_request *out, const char *text, size_t len, size_t *seen);

/* Take the next field off fields, a copy of request.fields. Return false if none is left. */
bool http_next_field(struct http_field *out, struct http_text *fields);

/* Find a field by name, in any case. Return how many there are; *out is the value of the last. */
size_t http_find_field(struct http_text *out, const struct http_request *request, const char *name);

/* Take the next member off a list separated by commas. Return false if none is left. Empty members
 * are skipped; a comma inside quotes separates, too. */
bool http_next_member(struct http_text *out, struct http_text *list);

/* Compare with a word: letters in any case, or exactly. */
bool http_is(struct http_text text, const char *word);
bool http_is_exactly(struct http_text text, const char *word);

/* Parse digits. Return false if there is anything else, nothing, or more than a uint64_t holds. */
bool http_parse_number(uint64_t *out, struct http_text text);

/* Return the value of a hexadecimal digit, or -1. */
int http_hex_digit(char c);

/* Return the words for a status, "Not Found" for 404. */
const char *http_reason(int code);

#endif

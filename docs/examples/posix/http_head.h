/*
 * http_head.h - writes the head of an answer into a buffer, piece by piece. Plain C11; no format is
 * read, which would take longer than all the rest of a small answer.
 *
 *     struct http_head head = { .at = buffer, .room = sizeof(buffer) };
 *
 *     http_put(&head, "Content-Length: ");
 *     http_put_number(&head, size);
 *     http_put(&head, "\r\n");
 *
 * What does not fit is left out: make room for all that you write.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stddef.h>
#include <stdint.h>

struct http_head {
    char *at; /* not a string: no zero follows what was written */
    size_t len, room;
};

/* Append a text; bytes; a number in digits, or in hexadecimal ones. */
void http_put(struct http_head *head, const char *text);
void http_put_bytes(struct http_head *head, const void *bytes, size_t len);
void http_put_number(struct http_head *head, uint64_t number);
void http_put_hex(struct http_head *head, uint64_t number);

#endif

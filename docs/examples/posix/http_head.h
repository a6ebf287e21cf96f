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
#include <string.h>

struct http_head {
    char *at; /* not a string: no zero follows what was written */
    size_t len, room;
};

/* Append bytes. */
static inline void http_put_bytes(struct http_head *head, const void *bytes, size_t len)
{
    if (len > head->room - head->len)
        return;
    memcpy(head->at + head->len, bytes, len);
    head->len += len;
}

/* Append a text: for one that is written in place, its length is known when this is compiled. */
static inline void http_put(struct http_head *head, const char *text)
{
    http_put_bytes(head, text, strlen(text));
}

/* Append a number in decimal, or in hexadecimal, digits. */
void http_put_number(struct http_head *head, uint64_t number);
void http_put_hex(struct http_head *head, uint64_t number);

#endif

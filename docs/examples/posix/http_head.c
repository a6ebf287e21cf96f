/*
 * http_head.c - see http_head.h.
 */
#include "http_head.h"

void http_put_number(struct http_head *head, uint64_t number)
{
    char digits[20], *first = digits + sizeof(digits);

    do
        *--first = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    http_put_bytes(head, first, (size_t)(digits + sizeof(digits) - first));
}

void http_put_hex(struct http_head *head, uint64_t number)
{
    char digits[16], *first = digits + sizeof(digits);

    do
        *--first = "0123456789abcdef"[number & 15];
    while ((number >>= 4) > 0);
    http_put_bytes(head, first, (size_t)(digits + sizeof(digits) - first));
}

/*
 * line.c - text for people, written into the caller's memory piece by piece.
 */
#include "base/line.h"

struct cst__line cst__line_begin(char *to, size_t size)
{
    return (struct cst__line){ .to = to, .room = size ? size - 1 : 0 };
}

void cst__line_char(struct cst__line *line, char c)
{
    if (line->len < line->room)
        line->to[line->len] = c;
    line->len++;
}

void cst__line_add(struct cst__line *line, const char *text)
{
    while (*text)
        cst__line_char(line, *text++);
}

void cst__line_number(struct cst__line *line, uint64_t n)
{
    char digits[20];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    while (count > 0)
        cst__line_char(line, digits[--count]);
}

cst_status cst__line_end(const struct cst__line *line, size_t *size)
{
    if (*size)
        line->to[line->len < line->room ? line->len : line->room] = '\0';
    *size = line->len;
    return line->len <= line->room && line->to ? CST_OK : CST_E_OUT_OF_RANGE;
}

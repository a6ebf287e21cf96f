/*
 * http_cases.h - the rows of http-cases.tsv, which says what they are.
 */
#ifndef HTTP_CASES_H
#define HTTP_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP_CASES "test/posix/http-cases.tsv"

enum { CASE_NAME, CASE_REQUEST, CASE_PARSER, CASE_SERVER, CASE_BODY, CASE_SECTION, CASE_COLUMNS };

struct http_case {
    char line[4096];
    char *column[CASE_COLUMNS];
    char request[65536];
    size_t len; /* of the request */
};

static inline size_t http_unescape(char *out, const char *text, size_t len);

/* Write TEXT of \(N*TEXT) N times. Return how many characters of text were used up; 0 if it is
 * ill-formed. */
static inline size_t http_repeat(char *out, size_t *made, const char *text, size_t len)
{
    const char *end = memchr(text, ')', len);
    char *star;
    unsigned long times = strtoul(text + 2, &star, 10);

    if (!end || *star != '*')
        return 0;
    *made = 0;
    while (times-- > 0)
        *made += http_unescape(out + *made, star + 1, (size_t)(end - star - 1));
    return (size_t)(end + 1 - text);
}

static inline size_t http_unescape(char *out, const char *text, size_t len)
{
    static const char letters[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
    size_t made = 0;

    for (size_t i = 0, used = 1; i < len; i += used) {
        const char *letter;
        size_t n = 1;

        used = 1;
        out[made] = text[i];
        if (text[i] == '\\' && text[i + 1] == '(') {
            used = http_repeat(out + made, &n, text + i, len - i);
        } else if (text[i] == '\\' && text[i + 1] == 'x') {
            char digits[3] = { text[i + 2], text[i + 3], '\0' };

            out[made] = (char)strtoul(digits, NULL, 16);
            used = 4;
        } else if (text[i] == '\\' && (letter = memchr(letters, text[i + 1], 5)) != NULL) {
            out[made] = bytes[letter - letters];
            used = 2;
        }
        if (used == 0)
            abort();
        made += n;
    }
    return made;
}

/* Read the next row. Return false at the end; a row that is ill-formed ends the program. */
static inline bool http_next_case(struct http_case *out, FILE *in)
{
    char *rest = out->line;

    do {
        if (!fgets(out->line, sizeof(out->line), in))
            return false;
    } while (out->line[0] == '#' || out->line[0] == '\n');
    out->line[strcspn(out->line, "\n")] = '\0';
    for (int i = 0; i < CASE_COLUMNS; i++) {
        out->column[i] = rest;
        rest = strchr(rest, '\t');
        if ((rest == NULL) != (i == CASE_COLUMNS - 1)) {
            fprintf(stderr, "%s: not a row: %s\n", HTTP_CASES, out->line);
            exit(2);
        }
        if (rest)
            *rest++ = '\0';
    }
    out->len =
        http_unescape(out->request, out->column[CASE_REQUEST], strlen(out->column[CASE_REQUEST]));
    return true;
}

#endif

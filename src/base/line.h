/*
 * line.h - text for people, written into the caller's memory piece by piece.
 */
#ifndef CSTREAM_LINE_H
#define CSTREAM_LINE_H

#include "cstream/base.h"

/** The text so far. `len` is the length of the whole text, also of what has no room. */
struct cst__line {
    char *to;
    size_t room, len;
};

/** Begin a text in `size` bytes, one of which is for the zero. */
struct cst__line cst__line_begin(char *to, size_t size);

void cst__line_char(struct cst__line *line, char c);
void cst__line_add(struct cst__line *line, const char *text);
void cst__line_number(struct cst__line *line, uint64_t n);

/** Put the zero, set *size to the length, and return CST_OK or CST_E_OUT_OF_RANGE. *size is what
 * cst__line_begin was given. */
cst_status cst__line_end(const struct cst__line *line, size_t *size);

#endif

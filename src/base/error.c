/*
 * error.c - the text of an error.
 */
#include "base/line.h"

static void add_status(struct cst__line *line, cst_status status, char *(*os_text)(int))
{
    int os = cst_status_os(status);
    const char *text = os && os_text ? os_text(os) : NULL;

    cst__line_add(line, text ? text : cst_status_text(status));
    if (text || status > CST_USER(0) || status < CST_OS(0xFFFF))
        return;
    cst__line_char(line, ' ');
    cst__line_number(line, (uint64_t)(status > CST_OS(0) ? CST_USER(0) - status : os));
}

/* Add the place in the pipeline and the side, in brackets. */
static void add_place(struct cst__line *line, const cst_error *error)
{
    bool has_side = error->direction == CST_READING || error->direction == CST_WRITING;

    if (!error->index && !has_side)
        return;
    if (line->len)
        cst__line_char(line, ' ');
    cst__line_char(line, '(');
    if (error->index) {
        cst__line_add(line, "stage ");
        cst__line_number(line, error->index);
    }
    if (error->index && has_side)
        cst__line_add(line, ", ");
    if (has_side)
        cst__line_add(line, error->direction == CST_READING ? "reading" : "writing");
    cst__line_char(line, ')');
}

static void add_culprit(struct cst__line *line, const cst_error *error)
{
    if (error->stage)
        cst__line_add(line, error->stage);
    if (!error->stream)
        return;
    if (line->len)
        cst__line_char(line, ' ');
    cst__line_char(line, '#');
    cst__line_number(line, error->stream);
}

cst_status cst_error_text(char *to, size_t *size, const cst_error *error, char *(*os_text)(int))
{
    struct cst__line line;

    if (!size || !error || (!to && *size))
        return CST_E_INVALID_ARG;
    line = cst__line_begin(to, *size);
    add_culprit(&line, error);
    add_place(&line, error);
    if (line.len)
        cst__line_add(&line, ": ");
    add_status(&line, error->status, os_text);
    if (error->cause) {
        cst__line_add(&line, ": ");
        add_status(&line, error->cause, os_text);
    }
    return cst__line_end(&line, size);
}

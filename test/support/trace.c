/* trace.c - see trace.h. */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_trace_add(struct test_trace *trace, const char *format, ...)
{
    va_list args;
    int n;

    if (trace->len)
        trace->text[trace->len++] = ' ';
    va_start(args, format);
    n = vsnprintf(trace->text + trace->len, sizeof(trace->text) - trace->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n + 2 >= sizeof(trace->text) - trace->len)
        abort(); /* a test that records so much is not a test any more */
    trace->len += (size_t)n;
}

void test_trace_clear(struct test_trace *trace)
{
    trace->len = 0;
    trace->text[0] = '\0';
}

const char *test_status_word(cst_status status)
{
    const char *name = cst_status_name(status) + strlen("CST_");

    return strncmp(name, "E_", 2) == 0 ? name + 2 : name;
}

const char *test_event_word(cst_event_type type)
{
    static const char *const names[] = { "data",   "readable",  "end",   "close",
                                         "finish", "prefinish", "drain", "pause",
                                         "resume", "error",     "pipe",  "unpipe" };

    return names[type];
}

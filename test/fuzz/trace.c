/*
 * trace.c - the trace of the input that runs: a hash of all that was said, FNV-1a of 64 bits.
 */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>

static enum fuzz_trace_how kept;
static uint64_t hash;

void fuzz_trace_begin(enum fuzz_trace_how how)
{
    kept = how;
    hash = 0xCBF29CE484222325u;
}

uint64_t fuzz_trace_hash(void)
{
    return hash;
}

void fuzz_say_text(const char *text, size_t len)
{
    if (kept == FUZZ_TRACE_OFF)
        return;
    if (kept == FUZZ_TRACE_SHOW)
        fwrite(text, 1, len, stdout);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001B3u;
}

void fuzz_say(const char *format, ...)
{
    char text[201];
    va_list args;
    int len;

    if (kept == FUZZ_TRACE_OFF)
        return;
    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0)
        fuzz_say_text(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void fuzz_say_chunk(const cst_slice *chunk)
{
    unsigned sum = 0;

    if (kept == FUZZ_TRACE_OFF)
        return;
    for (size_t i = 0; i < chunk->len; i++)
        sum = sum * 31 + chunk->data[i];
    fuzz_say(" %zu:%x", chunk->len, sum);
}

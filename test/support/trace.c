/* trace.c - see trace.h. */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

static cst_status stage_answer(cst_stream *s, struct test_stage *stage)
{
    if (stage->answer == CST_PENDING) {
        stage->call = cst_this_call(s);
        stage->pending = true;
    }
    return stage->answer;
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_stage *stage = self;

    test_trace_add(stage->trace, "%s:write:%.*s", stage->name, (int)chunk->len,
                   (const char *)chunk->data);
    return stage_answer(s, stage);
}

static cst_status sink_final(cst_stream *s, void *self)
{
    struct test_stage *stage = self;

    test_trace_add(stage->trace, "%s:final", stage->name);
    return stage_answer(s, stage);
}

static cst_status stage_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct test_stage *stage = self;

    (void)s;
    (void)error;
    test_trace_add(stage->trace, "%s:destroy", stage->name);
    return CST_OK;
}

const cst_ops test_source_ops = { .name = "source",
                                  .self_size = sizeof(struct test_stage),
                                  .destroy = stage_destroy };
const cst_ops test_sink_ops = {
    .name = "sink",
    .self_size = sizeof(struct test_stage),
    .write = sink_write,
    .final = sink_final,
    .destroy = stage_destroy,
};

void test_stage_finish(cst_stream *s, cst_status status)
{
    struct test_stage *stage = cst_stream_self(s);

    stage->pending = false;
    cst_complete(stage->call, status);
}

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    static const char *const names[] = { "data",   "readable",  "end",   "close",
                                         "finish", "prefinish", "drain", "pause",
                                         "resume", "error",     "pipe",  "unpipe" };
    struct test_stage *stage = cst_stream_self(s);

    if (event->type == CST_ERROR)
        test_trace_add(arg, "%s:error:%s", stage->name, cst_status_name(event->error->status));
    else
        test_trace_add(arg, "%s:%s", stage->name, names[event->type]);
}

void test_trace_listen(struct test_trace *trace, cst_stream *s, const char *name)
{
    static const cst_event_type types[] = { CST_END,    CST_CLOSE, CST_FINISH, CST_DRAIN, CST_PAUSE,
                                            CST_RESUME, CST_ERROR, CST_PIPE,   CST_UNPIPE };
    struct test_stage *stage = cst_stream_self(s);

    stage->trace = trace;
    stage->name = name;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (cst_on(s, types[i], on_event, trace) < 0)
            abort();
}

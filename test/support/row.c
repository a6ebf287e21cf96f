/* row.c - see row.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "row.h"

static const char xs[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

cst_slice test_row_xs(size_t len)
{
    assert_in_range(len, 0, strlen(xs));
    return cst_slice_static(xs, len);
}

/* --- the host --------------------------------------------------------------------------------- */

int test_row_setup(void **state)
{
    static struct test_row row;

    memset(&row, 0, sizeof(row));
    test_heap_init(&row.heap);
    assert_int_equal(cst_ctx_new(&row.ctx, test_heap_allocator(&row.heap), NULL), CST_OK);
    *state = &row;
    return 0;
}

int test_row_teardown(void **state)
{
    struct test_row *row = *state;

    for (size_t i = 0; i < sizeof(row->jobs) / sizeof(row->jobs[0]); i++)
        assert_null(row->jobs[i].fn);
    assert_int_equal(cst_ctx_free(row->ctx), CST_OK);
    assert_int_equal(row->heap.live_blocks, 0);
    return 0;
}

static struct test_job *new_job(struct test_row *row, test_job_fn *fn, cst_stream *s)
{
    struct test_job *job = row->jobs;

    while (job->fn)
        if (++job == row->jobs + sizeof(row->jobs) / sizeof(row->jobs[0]))
            abort();
    *job = (struct test_job){ .row = row, .fn = fn, .s = s, .number = row->jobs_made++ };
    return job;
}

static void do_job(void *arg)
{
    struct test_job job = *(struct test_job *)arg;

    ((struct test_job *)arg)->fn = NULL;
    job.fn(job.s, job.row);
}

void test_row_tick(struct test_row *row, test_job_fn *fn, cst_stream *s)
{
    struct test_job *job = new_job(row, fn, s);

    job->tick = true;
    assert_int_equal(cst_defer(row->ctx, &job->task, do_job, job), CST_OK);
}

void test_row_after(struct test_row *row, unsigned turns, test_job_fn *fn, cst_stream *s)
{
    new_job(row, fn, s)->due = row->now + turns;
}

static struct test_job *next_turn(struct test_row *row)
{
    struct test_job *next = NULL;

    for (size_t i = 0; i < sizeof(row->jobs) / sizeof(row->jobs[0]); i++) {
        struct test_job *job = &row->jobs[i];

        if (job->fn && !job->tick &&
            (!next || job->due < next->due ||
             (job->due == next->due && job->number < next->number)))
            next = job;
    }
    return next;
}

void test_row_rest(struct test_row *row)
{
    assert_int_equal(cst_ctx_run(row->ctx, NULL), CST_IDLE);
}

void test_row_run(struct test_row *row)
{
    struct test_job *job;

    test_row_rest(row);
    while ((job = next_turn(row))) {
        row->now = job->due;
        do_job(job);
        test_row_rest(row);
    }
}

/* --- streams ---------------------------------------------------------------------------------- */

static cst_status part_read(cst_stream *s, void *self, size_t size)
{
    struct test_part *part = self;

    part->calls++;
    if (part->read)
        part->read(s, part->row, size);
    return CST_OK;
}

static cst_status part_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_part *part = self;

    part->calls++;
    if (part->write)
        return part->write(s, part->row, chunk);
    test_trace_add(&part->row->trace, "write:%.*s", (int)chunk->len, (const char *)chunk->data);
    return CST_OK;
}

static cst_status part_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_part *part = self;

    part->calls++;
    if (part->write)
        return part->write(s, part->row, chunk);
    cst_push(s, cst_slice_ref(chunk));
    return CST_OK;
}

static cst_status part_flush(cst_stream *s, void *self)
{
    (void)s;
    (void)self;
    return CST_OK;
}

static const cst_ops part_ops = { .name = "part",
                                  .self_size = sizeof(struct test_part),
                                  .read = part_read,
                                  .write = part_write,
                                  .transform = part_transform,
                                  .flush = part_flush };

cst_stream *test_row_source(struct test_row *row, test_read_fn *read, const cst_opts *opts)
{
    const struct test_part part = { .row = row, .read = read };
    cst_stream *s;

    assert_int_equal(cst_readable_new(&s, row->ctx, &part_ops, &part, opts), CST_OK);
    return s;
}

cst_stream *test_row_sink(struct test_row *row, test_write_fn *write, const cst_opts *opts)
{
    const struct test_part part = { .row = row, .write = write };
    cst_stream *s;

    assert_int_equal(cst_writable_new(&s, row->ctx, &part_ops, &part, opts), CST_OK);
    return s;
}

cst_stream *test_row_duplex(struct test_row *row, test_read_fn *read, test_write_fn *write,
                            const cst_opts *opts)
{
    const struct test_part part = { .row = row, .read = read, .write = write };
    cst_stream *s;

    assert_int_equal(cst_duplex_new(&s, row->ctx, &part_ops, &part, opts), CST_OK);
    return s;
}

cst_stream *test_row_transform(struct test_row *row, test_write_fn *transform, const cst_opts *opts)
{
    const struct test_part part = { .row = row, .write = transform };
    cst_stream *s;

    assert_int_equal(cst_transform_new(&s, row->ctx, &part_ops, &part, opts), CST_OK);
    return s;
}

unsigned test_row_calls(const cst_stream *s)
{
    const struct test_part *part = cst_stream_self(s);

    return part->calls;
}

/* --- looking and reading ---------------------------------------------------------------------- */

static const char *short_name(cst_status status)
{
    const char *name = cst_status_name(status) + strlen("CST_");

    return strncmp(name, "E_", 2) == 0 ? name + 2 : name;
}

void test_row_on(cst_stream *s, const cst_event *event, void *arg)
{
    static const char *const names[] = { "data",   "readable",  "end",   "close",
                                         "finish", "prefinish", "drain", "pause",
                                         "resume", "error",     "pipe",  "unpipe" };
    struct test_row *row = arg;

    (void)s;
    if (event->chunk)
        test_trace_add(&row->trace, "data:%.*s", (int)event->chunk->len,
                       (const char *)event->chunk->data);
    else if (event->error)
        test_trace_add(&row->trace, "error:%s", short_name(event->error->status));
    else
        test_trace_add(&row->trace, "%s", names[event->type]);
}

void test_row_record(struct test_row *row, cst_stream *s, cst_event_type type)
{
    assert_int_equal(cst_on(s, type, test_row_on, row), CST_OK);
}

void test_row_count(cst_stream *s, const cst_event *event, void *arg)
{
    unsigned *count = arg;

    (void)s;
    (void)event;
    ++*count;
}

bool test_row_read(struct test_row *row, cst_stream *s, size_t size)
{
    cst_slice chunk;
    cst_status st = cst_read(&chunk, s, size);

    if (st != CST_OK) {
        test_trace_add(&row->trace, "%s", short_name(st));
        return false;
    }
    test_trace_add(&row->trace, "read:%.*s", (int)chunk.len, (const char *)chunk.data);
    cst_slice_unref(&chunk);
    return true;
}

void test_row_read_all(struct test_row *row, cst_stream *s)
{
    while (test_row_read(row, s, CST_READ_ANY))
        ;
}

void test_row_on_readable_once(cst_stream *s, const cst_event *event, void *arg)
{
    test_row_on(s, event, arg);
    test_row_read(arg, s, CST_READ_ANY);
}

void test_row_on_readable_all(cst_stream *s, const cst_event *event, void *arg)
{
    test_row_on(s, event, arg);
    test_row_read_all(arg, s);
}

void test_row_expect(struct test_row *row, const char *text)
{
    assert_string_equal(row->trace.text, text);
    test_trace_clear(&row->trace);
}

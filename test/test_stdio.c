/* test_stdio.c - stdio.h: files read and written, errors with their errno, and who closes what. */
/* fileno, fcntl, pipe, dup2: to see and to spoil what lies under a FILE */
#define _POSIX_C_SOURCE 200809L
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* --- fixture ---------------------------------------------------------------------------------- */

static const char *errno_name(cst_status status)
{
    switch (cst_status_os(status)) {
    case EBADF:
        return "EBADF";
    case EIO:
        return "EIO";
    case EISDIR:
        return "EISDIR";
    case ENOSPC:
        return "ENOSPC";
    case EAGAIN:
        return "EAGAIN";
    default:
        return cst_status_name(status);
    }
}

static const char *direction_name(cst_direction direction)
{
    switch (direction) {
    case CST_READING:
        return "reading";
    case CST_WRITING:
        return "writing";
    case CST_NO_DIRECTION:
        break;
    }
    return "none";
}

/* An error is "error:STAGE:ERRNO:DIRECTION". */
static void note_error(cst_stream *s, const cst_event *event, void *arg)
{
    struct test_world *world = arg;
    const cst_error *error = event->error;

    (void)s;
    test_trace_add(&world->trace, "error:%s:%s:%s", error->stage, errno_name(error->status),
                   direction_name(error->direction));
}

static void note_done(cst_stream *s, cst_status status, void *arg)
{
    struct test_world *world = arg;

    (void)s;
    test_trace_add(&world->trace, "done:%s", errno_name(status));
}

static void listen_to_the_end(struct test_world *world)
{
    test_record(world, world->s, CST_END);
    test_record(world, world->s, CST_FINISH);
    test_record(world, world->s, CST_CLOSE);
    assert_int_equal(cst_on(world->s, CST_ERROR, note_error, world), CST_OK);
}

static void make_source(struct test_world *world, FILE *file, cst_file_ownership ownership,
                        size_t mark)
{
    assert_int_equal(cst_file_source_new(&world->s, world->ctx, file, ownership,
                                         &(cst_opts){ .high_water_mark = mark }),
                     CST_OK);
    listen_to_the_end(world);
}

static void flow(struct test_world *world)
{
    test_record(world, world->s, CST_DATA);
    test_run(world);
}

static void make_sink(struct test_world *world, FILE *file, cst_file_ownership ownership)
{
    assert_int_equal(cst_file_sink_new(&world->s, world->ctx, file, ownership, NULL), CST_OK);
    listen_to_the_end(world);
}

/* --- files ------------------------------------------------------------------------------------ */

static FILE *open_file(const char *name, const char *mode)
{
    FILE *file = fopen(name, mode);

    assert_non_null(file);
    return file;
}

/* A file without a name, which holds text and stands at its beginning. */
static FILE *file_with(const char *text)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fflush(file), 0);
    rewind(file);
    return file;
}

/* What the system has of a file, past any buffer of file's own. */
static void assert_file_holds(FILE *file, const char *text)
{
    char held[256];
    ssize_t n = pread(fileno(file), held, sizeof held, 0);

    assert_int_equal(n, strlen(text));
    assert_memory_equal(held, text, strlen(text));
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

/* The read end of a pipe that holds text and then says EAGAIN. */
static FILE *pipe_that_stops_after(const char *text, int *write_end)
{
    int ends[2];
    FILE *file;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    file = fdopen(ends[0], "rb");
    assert_non_null(file);
    *write_end = ends[1];
    return file;
}

/* --- source: content -------------------------------------------------------------------------- */

static void source_reads_a_file_in_chunks_of_the_mark(void **state)
{
    struct test_world *world = *state;

    make_source(world, file_with("abcdefgh"), CST_FILE_OWNED, 3);
    flow(world);
    assert_string_equal(world->trace.text, "data:abc data:def data:gh end close");
}

static void source_gives_no_empty_chunk_at_a_multiple_of_the_mark(void **state)
{
    struct test_world *world = *state;

    make_source(world, file_with("abcdef"), CST_FILE_OWNED, 3);
    flow(world);
    assert_string_equal(world->trace.text, "data:abc data:def end close");
}

static void source_of_an_empty_file_ends_at_once(void **state)
{
    struct test_world *world = *state;

    make_source(world, file_with(""), CST_FILE_OWNED, 3);
    flow(world);
    assert_string_equal(world->trace.text, "end close");
}

static void source_begins_where_the_file_stands(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("abcdefgh");

    assert_int_equal(fgetc(file), 'a');
    make_source(world, file, CST_FILE_OWNED, 100);
    flow(world);
    assert_string_equal(world->trace.text, "data:bcdefgh end close");
}

static void source_reads_nothing_that_is_not_asked_for(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("abcdefgh");
    cst_slice chunk;

    make_source(world, file, CST_FILE_OWNED, 3);
    test_run(world);
    assert_int_equal(ftell(file), 0);
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_OK);
    assert_int_equal(ftell(file), 3);
    cst_slice_unref(&chunk);
}

static void source_with_a_mark_of_zero_reads_all_the_same(void **state)
{
    struct test_world *world = *state;

    make_source(world, file_with("abcdefgh"), CST_FILE_OWNED, CST_HWM_ZERO);
    flow(world);
    assert_string_equal(world->trace.text, "data:abcdefgh end close");
}

static void old_error_of_the_file_is_no_error_of_the_source(void **state)
{
    struct test_world *world = *state;
    FILE *file = open_file("/dev/null", "rb");

    assert_int_equal(fputc('x', file), EOF);
    assert_true(ferror(file));
    make_source(world, file, CST_FILE_OWNED, 3);
    flow(world);
    assert_string_equal(world->trace.text, "end close");
}

/* --- source: errors --------------------------------------------------------------------------- */

static void source_of_a_directory_says_so(void **state)
{
    struct test_world *world = *state;

    make_source(world, open_file(".", "rb"), CST_FILE_OWNED, 0);
    flow(world);
    assert_string_equal(world->trace.text, "error:file-source:EISDIR:reading close");
}

static void source_of_a_file_open_for_writing_only_fails(void **state)
{
    struct test_world *world = *state;

    make_source(world, open_file("/dev/null", "wb"), CST_FILE_OWNED, 0);
    flow(world);
    assert_string_equal(world->trace.text, "error:file-source:EBADF:reading close");
}

static void source_gives_what_was_read_before_an_error(void **state)
{
    struct test_world *world = *state;
    int write_end;

    make_source(world, pipe_that_stops_after("abcde", &write_end), CST_FILE_OWNED, 3);
    flow(world);
    assert_string_equal(world->trace.text,
                        "data:abc data:de error:file-source:EAGAIN:reading close");
    close(write_end);
}

static void source_that_fails_midway_says_why(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("abcdef");
    int directory = open(".", O_RDONLY);
    cst_slice chunk;

    setvbuf(file, NULL, _IONBF, 0);
    make_source(world, file, CST_FILE_OWNED, 3);
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_OK);
    cst_slice_unref(&chunk);
    assert_true(directory >= 0);
    assert_true(dup2(directory, fileno(file)) >= 0);
    assert_int_equal(cst_read(&chunk, world->s, CST_READ_ANY), CST_EMPTY);
    test_run(world);
    assert_string_equal(world->trace.text, "error:file-source:EISDIR:reading close");
    close(directory);
}

/* --- sink: content ---------------------------------------------------------------------------- */

static void check_flushed(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    assert_file_holds(arg, "abcdef");
}

static void sink_has_flushed_when_it_finishes(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("");

    make_sink(world, file, CST_FILE_BORROWED);
    assert_int_equal(cst_on(world->s, CST_PREFINISH, check_flushed, file), CST_OK);
    assert_int_equal(cst_write(world->s, cst_slice_str("abc"), note_done, world), CST_OK);
    assert_int_equal(cst_write(world->s, cst_slice_empty(), note_done, world), CST_OK);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("def"), NULL, NULL), CST_OK);
    test_run(world);
    assert_string_equal(world->trace.text, "done:CST_OK done:CST_OK finish close");
    assert_int_equal(fclose(file), 0);
}

static void sink_writes_where_the_file_stands(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("abcdef");

    assert_int_equal(fseek(file, 2, SEEK_SET), 0);
    make_sink(world, file, CST_FILE_BORROWED);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("XY"), NULL, NULL), CST_OK);
    test_run(world);
    assert_file_holds(file, "abXYef");
    assert_int_equal(fclose(file), 0);
}

/* --- sink: errors ----------------------------------------------------------------------------- */

static FILE *open_full_disk(void)
{
    FILE *file = fopen("/dev/full", "wb");

    if (!file)
        skip(); /* not every system has one */
    return file;
}

static void sink_on_a_full_disk_fails_in_the_write(void **state)
{
    struct test_world *world = *state;
    FILE *file = open_full_disk();

    setvbuf(file, NULL, _IONBF, 0);
    make_sink(world, file, CST_FILE_OWNED);
    assert_int_equal(cst_write(world->s, cst_slice_str("abc"), note_done, world), CST_FULL);
    test_run(world);
    assert_string_equal(world->trace.text, "done:ENOSPC error:file-sink:ENOSPC:writing close");
}

static void sink_on_a_full_disk_fails_at_the_latest_before_finish(void **state)
{
    struct test_world *world = *state;

    make_sink(world, open_full_disk(), CST_FILE_OWNED);
    assert_int_equal(cst_write(world->s, cst_slice_str("abc"), NULL, NULL), CST_OK);
    assert_int_equal(cst_end(world->s, note_done, world), CST_OK);
    test_run(world);
    /* As in Node, since final failed inside cst_end: its callback comes last. */
    assert_string_equal(world->trace.text, "error:file-sink:ENOSPC:writing close done:ENOSPC");
}

static void sink_of_a_file_open_for_reading_only_fails(void **state)
{
    struct test_world *world = *state;

    make_sink(world, open_file("/dev/null", "rb"), CST_FILE_OWNED);
    assert_int_equal(cst_write(world->s, cst_slice_str("abc"), note_done, world), CST_FULL);
    test_run(world);
    assert_string_equal(world->trace.text, "done:EBADF error:file-sink:EBADF:writing close");
}

/* --- who closes ------------------------------------------------------------------------------- */

static void owned_file_is_closed_after_the_end(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("abc");
    int fd = fileno(file);

    make_source(world, file, CST_FILE_OWNED, 0);
    flow(world);
    assert_false(is_open(fd));

    file = file_with("");
    fd = fileno(file);
    make_sink(world, file, CST_FILE_OWNED);
    assert_int_equal(cst_end(world->s, NULL, NULL), CST_OK);
    test_run(world);
    assert_false(is_open(fd));
}

static void owned_file_is_closed_when_the_stream_is_destroyed(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("abcdef");
    int fd = fileno(file);

    make_source(world, file, CST_FILE_OWNED, 3);
    assert_int_equal(cst_destroy(world->s, CST_OK), CST_OK);
    assert_false(is_open(fd));
    test_run(world);
    assert_string_equal(world->trace.text, "close");
}

static void owned_file_is_closed_with_the_context(void **state)
{
    struct test_world *world = *state;
    FILE *in = file_with("abc"), *out = file_with("");
    int in_fd = fileno(in), out_fd = fileno(out);

    make_source(world, in, CST_FILE_OWNED, 0);
    make_sink(world, out, CST_FILE_OWNED);
    assert_int_equal(cst_ctx_free(world->ctx), CST_OK);
    world->ctx = NULL;
    assert_false(is_open(in_fd));
    assert_false(is_open(out_fd));
}

static void borrowed_file_stays_open(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("abcdef");

    make_source(world, file, CST_FILE_BORROWED, 0);
    flow(world);
    rewind(file);
    assert_int_equal(fgetc(file), 'a');

    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    make_sink(world, file, CST_FILE_BORROWED);
    assert_int_equal(cst_end_with(world->s, cst_slice_str("AB"), NULL, NULL), CST_OK);
    test_run(world);
    assert_int_not_equal(fputs("CD", file), EOF);
    assert_int_equal(fflush(file), 0);
    assert_file_holds(file, "ABCDef");
    assert_int_equal(fclose(file), 0);
}

static void refused_constructor_closes_an_owned_file(void **state)
{
    struct test_world *world = *state;
    const cst_opts object_mode = { .object_mode = true };
    cst_stream *out = NULL;
    FILE *files[6];
    int fds[6];

    for (size_t i = 0; i < 6; i++) {
        files[i] = file_with("");
        fds[i] = fileno(files[i]);
    }
    assert_int_equal(cst_file_source_new(&out, NULL, files[0], CST_FILE_OWNED, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_file_source_new(NULL, world->ctx, files[1], CST_FILE_OWNED, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_file_source_new(&out, world->ctx, files[2], CST_FILE_OWNED, &object_mode),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_file_sink_new(&out, NULL, files[3], CST_FILE_OWNED, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_file_sink_new(NULL, world->ctx, files[4], CST_FILE_OWNED, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_file_sink_new(&out, world->ctx, files[5], CST_FILE_OWNED, &object_mode),
                     CST_E_INVALID_ARG);
    for (size_t i = 0; i < 6; i++)
        assert_false(is_open(fds[i]));
    assert_null(out);
}

static void refused_constructor_leaves_a_borrowed_file_alone(void **state)
{
    struct test_world *world = *state;
    const cst_opts object_mode = { .object_mode = true };
    FILE *file = file_with("abc");
    cst_stream *out = NULL;

    assert_int_equal(cst_file_source_new(&out, world->ctx, file, CST_FILE_BORROWED, &object_mode),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_file_sink_new(&out, world->ctx, file, CST_FILE_BORROWED, &object_mode),
                     CST_E_INVALID_ARG);
    assert_int_equal(fgetc(file), 'a');
    assert_int_equal(fclose(file), 0);
}

static void no_file_is_refused(void **state)
{
    struct test_world *world = *state;
    cst_stream *out = NULL;

    assert_int_equal(cst_file_source_new(&out, world->ctx, NULL, CST_FILE_OWNED, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_file_sink_new(&out, world->ctx, NULL, CST_FILE_OWNED, NULL),
                     CST_E_INVALID_ARG);
    assert_null(out);
}

/* Under the FILE's feet, so that its fclose fails. */
static void spoil_close(FILE *file)
{
    assert_int_equal(close(fileno(file)), 0);
}

static void failed_close_is_an_error_where_all_went_well(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("");

    make_sink(world, file, CST_FILE_OWNED);
    assert_int_equal(cst_end(world->s, NULL, NULL), CST_OK);
    spoil_close(file);
    test_run(world);
    assert_string_equal(world->trace.text, "finish error:file-sink:EBADF:none close");
}

static void failed_close_does_not_hide_an_earlier_error(void **state)
{
    struct test_world *world = *state;
    FILE *file = file_with("");

    make_sink(world, file, CST_FILE_OWNED);
    spoil_close(file);
    assert_int_equal(cst_destroy(world->s, CST_USER(7)), CST_OK);
    test_run(world);
    assert_string_equal(world->trace.text, "error:file-sink:CST_USER:none close");
}

/* --- both ------------------------------------------------------------------------------------- */

struct copying {
    cst_stream *stages[2];
    bool is_done;
    cst_error outcome; /* status CST_OK: none */
};

static void note_outcome(const cst_error *error, void *arg)
{
    struct copying *copying = arg;

    assert_false(copying->is_done);
    copying->is_done = true;
    if (error)
        copying->outcome = *error;
}

static cst_status copy(struct copying *copying, cst_ctx *ctx, FILE *in, FILE *out, size_t mark)
{
    const cst_opts opts = { .high_water_mark = mark };
    cst_status from = cst_file_source_new(&copying->stages[0], ctx, in, CST_FILE_OWNED, &opts);
    cst_status to = cst_file_sink_new(&copying->stages[1], ctx, out, CST_FILE_OWNED, &opts);
    cst_status st = from < 0 ? from : to;

    if (st == CST_OK)
        st = cst_pipeline(copying->stages, 2, NULL, note_outcome, copying);
    if (st < 0)
        return st;
    assert_int_equal(cst_ctx_run(ctx, NULL), CST_IDLE);
    assert_true(copying->is_done);
    return copying->outcome.status;
}

/* A second handle on a file that is about to be closed. */
static FILE *another_handle(FILE *file)
{
    FILE *other = fdopen(dup(fileno(file)), "rb+");

    assert_non_null(other);
    return other;
}

static void fill(FILE *file, size_t len)
{
    for (size_t i = 0; i < len; i++)
        putc((int)(i * 131 % 251), file);
    assert_int_equal(fflush(file), 0);
    rewind(file);
}

static void assert_filled(FILE *file, size_t len)
{
    rewind(file);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(getc(file), i * 131 % 251);
    assert_int_equal(getc(file), EOF);
}

static void copy_is_equal_for_any_length_and_mark(void **state)
{
    static const size_t marks[] = { 1, 2, 100, 4095, 4096, 4097, 65536 };
    struct test_world *world = *state;

    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
        size_t mark = marks[m];
        size_t lens[] = { 0, 1, mark - 1, mark, mark + 1, 3 * mark - 1, 3 * mark, 3 * mark + 1 };

        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            struct copying copying = { .is_done = false };
            FILE *in = tmpfile(), *out = tmpfile(), *written = another_handle(out);

            fill(in, lens[i]);
            assert_int_equal(copy(&copying, world->ctx, in, out, mark), CST_OK);
            assert_filled(written, lens[i]);
            fclose(written);
            cst_unref(copying.stages[0]);
            cst_unref(copying.stages[1]);
        }
    }
}

static void long_copy_allocates_nothing_per_chunk_and_keeps_nothing(void **state)
{
    struct test_world *world = *state;
    struct copying copying = { .is_done = false };
    FILE *in = tmpfile(), *out = tmpfile();

    fill(in, 1000 * 1024);
    assert_int_equal(copy(&copying, world->ctx, in, out, 1024), CST_OK);
#ifndef CST_NO_CACHE
    assert_true(world->heap.calls < 50);
#endif
    assert_true(world->heap.peak_bytes < 16 * 1024);
}

static void pipeline_tells_of_an_error_on_either_end(void **state)
{
    struct test_world *world = *state;
    struct copying from_directory = { .is_done = false }, to_full_disk = { .is_done = false };
    FILE *full = open_full_disk();

    copy(&from_directory, world->ctx, open_file(".", "rb"), tmpfile(), 0);
    assert_string_equal(errno_name(from_directory.outcome.status), "EISDIR");
    assert_string_equal(from_directory.outcome.stage, "file-source");

    copy(&to_full_disk, world->ctx, file_with("abc"), full, 0);
    assert_string_equal(errno_name(to_full_disk.outcome.status), "ENOSPC");
    assert_string_equal(to_full_disk.outcome.stage, "file-sink");
}

static void spoil_close_of_sink(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    spoil_close(arg);
}

static void pipeline_tells_of_a_failed_close(void **state)
{
    struct test_world *world = *state;
    const cst_opts opts = { .high_water_mark = 3 };
    struct copying copying = { .is_done = false };
    FILE *out = tmpfile();

    assert_int_equal(cst_file_source_new(&copying.stages[0], world->ctx, file_with("abc"),
                                         CST_FILE_OWNED, &opts),
                     CST_OK);
    assert_int_equal(cst_file_sink_new(&copying.stages[1], world->ctx, out, CST_FILE_OWNED, &opts),
                     CST_OK);
    assert_int_equal(cst_on(copying.stages[1], CST_FINISH, spoil_close_of_sink, out), CST_OK);
    assert_int_equal(cst_pipeline(copying.stages, 2, NULL, note_outcome, &copying), CST_OK);
    test_run(world);
    assert_true(copying.is_done);
    assert_string_equal(errno_name(copying.outcome.status), "EBADF");
}

/* --- allocations ------------------------------------------------------------------------------ */

static cst_status copy_with_failure(struct test_heap *heap)
{
    struct copying copying = { .is_done = false };
    FILE *in = file_with("abcdefgh"), *out = tmpfile(), *written = another_handle(out);
    int in_fd = fileno(in), out_fd = fileno(out);
    cst_ctx *ctx;
    cst_status st = cst_ctx_new(&ctx, test_heap_allocator(heap), NULL);

    if (st < 0) {
        fclose(in);
        fclose(out);
    } else {
        st = copy(&copying, ctx, in, out, 3);
        assert_int_equal(cst_ctx_free(ctx), CST_OK);
    }
    assert_false(is_open(in_fd));
    assert_false(is_open(out_fd));
    if (st == CST_OK)
        assert_file_holds(written, "abcdefgh");
    fclose(written);
    return st;
}

static void any_allocation_may_fail(void **state)
{
    struct test_heap heap;
    size_t k = 0;
    cst_status st;

    (void)state;
    do {
        test_heap_init(&heap);
        test_heap_fail_at(&heap, ++k);
        st = copy_with_failure(&heap);
        /* Some allocations the library can do without: then all went well, as was checked. */
        assert_true(st == CST_OK || (st == CST_E_NOMEM && heap.failures));
        assert_int_equal(heap.live_blocks, 0);
    } while (heap.failures);
    assert_true(k > 5);
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_world_setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(source_reads_a_file_in_chunks_of_the_mark),
    T(source_gives_no_empty_chunk_at_a_multiple_of_the_mark),
    T(source_of_an_empty_file_ends_at_once),
    T(source_begins_where_the_file_stands),
    T(source_reads_nothing_that_is_not_asked_for),
    T(source_with_a_mark_of_zero_reads_all_the_same),
    T(old_error_of_the_file_is_no_error_of_the_source),
    T(source_of_a_directory_says_so),
    T(source_of_a_file_open_for_writing_only_fails),
    T(source_gives_what_was_read_before_an_error),
    T(source_that_fails_midway_says_why),
    T(sink_has_flushed_when_it_finishes),
    T(sink_writes_where_the_file_stands),
    T(sink_on_a_full_disk_fails_in_the_write),
    T(sink_on_a_full_disk_fails_at_the_latest_before_finish),
    T(sink_of_a_file_open_for_reading_only_fails),
    T(owned_file_is_closed_after_the_end),
    T(owned_file_is_closed_when_the_stream_is_destroyed),
    T(owned_file_is_closed_with_the_context),
    T(borrowed_file_stays_open),
    T(refused_constructor_closes_an_owned_file),
    T(refused_constructor_leaves_a_borrowed_file_alone),
    T(no_file_is_refused),
    T(failed_close_is_an_error_where_all_went_well),
    T(failed_close_does_not_hide_an_earlier_error),
    T(copy_is_equal_for_any_length_and_mark),
    T(long_copy_allocates_nothing_per_chunk_and_keeps_nothing),
    T(pipeline_tells_of_an_error_on_either_end),
    T(pipeline_tells_of_a_failed_close),
    T(any_allocation_may_fail),
};

TEST_MAIN(tests)

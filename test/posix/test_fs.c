/*
 * test_fs.c - fs.h: files read and written.
 *
 *   no such file, no right to it   'error' with the errno, then 'close'; writes that waited get the
 *                                  errno too
 *   a full disk                    'error' with ENOSPC (/dev/full), with EFBIG beyond RLIMIT_FSIZE;
 *                                  what fits is there
 *   a failing flush                'error' after 'finish', before 'close'
 */
#include "fixture.h"

static cst_stream *read_file(struct test_fixture *f, const char *path, const cst_fs_read_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_fs_read_stream_new(&s, f->ctx, path, opts), CST_OK);
    return s;
}

static cst_stream *write_file(struct test_fixture *f, const char *path,
                              const cst_fs_write_opts *opts)
{
    cst_stream *s;

    assert_int_equal(cst_fs_write_stream_new(&s, f->ctx, path, opts), CST_OK);
    return s;
}

static void note_open(cst_stream *s, int fd, void *arg)
{
    assert_int_equal(fd, cst_stream_fd(s));
    test_on_done(s, CST_OK, arg);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void file_is_opened_by_a_task_and_read_in_chunks_of_the_mark(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = read_file(f, test_file(f, "a", "abcdefgh"),
                              &(cst_fs_read_opts){ .stream.high_water_mark = 3,
                                                   .on_open = note_open,
                                                   .on_open_arg = test_name(f, "open") });

    test_listen_to_data(f, s, "r");
    assert_int_equal(cst_stream_fd(s), -1);
    test_run(f);
    assert_string_equal(f->trace.text, "open:OK r:data:abc r:data:def r:data:gh r:end r:close");
    assert_int_equal(cst_stream_bytes_read(s), 8);
    assert_int_equal(cst_stream_fd(s), -1);
    cst_unref(s);
}

static void range_includes_both_ends(void **state)
{
    static const struct {
        uint64_t start, end;
        const char *trace;
    } cases[] = {
        { 0, 0, "r:data:a r:end r:close" }, { 2, 4, "r:data:cde r:end r:close" },
        { 7, 7, "r:data:h r:end r:close" }, { 6, 100, "r:data:gh r:end r:close" },
        { 8, UINT64_MAX, "r:end r:close" }, { 0, UINT64_MAX, "r:data:abcdefgh r:end r:close" },
    };
    struct test_fixture *f = *state;
    const char *path = test_file(f, "a", "abcdefgh");

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cst_stream *s = read_file(
            f, path,
            &(cst_fs_read_opts){ .ranged = true, .start = cases[i].start, .end = cases[i].end });

        test_listen_to_data(f, s, "r");
        test_run(f);
        assert_string_equal(f->trace.text, cases[i].trace);
        test_trace_clear(&f->trace);
        cst_unref(s);
    }
}

static void ranges_of_one_descriptor_do_not_disturb_each_other(void **state)
{
    struct test_fixture *f = *state;
    int fd = open(test_file(f, "a", "abcdefgh"), O_RDONLY | O_CLOEXEC);
    cst_stream *a, *b;

    a = read_file(f, NULL,
                  &(cst_fs_read_opts){ .fd = fd, .borrowed = true, .ranged = true, .end = 2 });
    b = read_file(f, NULL,
                  &(cst_fs_read_opts){
                      .fd = fd, .borrowed = true, .ranged = true, .start = 5, .end = UINT64_MAX });
    test_listen_to_data(f, a, "a");
    test_listen_to_data(f, b, "b");
    test_run(f);
    assert_string_equal(f->trace.text, "a:data:abc b:data:fgh a:end b:end a:close b:close");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
    cst_unref(a);
    cst_unref(b);
}

static void descriptor_is_read_from_where_it_stands_and_closed(void **state)
{
    struct test_fixture *f = *state;
    int fd = open(test_file(f, "a", "abcdefgh"), O_RDONLY | O_CLOEXEC);
    cst_stream *s;

    assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
    s = read_file(f, NULL, &(cst_fs_read_opts){ .fd = fd });
    test_listen_to_data(f, s, "r");
    test_run(f);
    assert_string_equal(f->trace.text, "r:data:fgh r:end r:close");
    assert_false(test_is_open(fd));
    cst_unref(s);
}

static void file_that_is_not_there_is_an_error(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = read_file(f, test_path(f, "none"), NULL);

    test_listen_to_data(f, s, "r");
    test_run(f);
    assert_string_equal(f->trace.text, "r:error:ENOENT r:close");
    assert_string_equal(cst_errored(s)->stage, "fs-reader");
    cst_unref(s);
}

static void directory_is_an_error_of_the_first_read(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = read_file(f, f->dir, NULL);

    test_listen_to_data(f, s, "r");
    test_run(f);
    assert_string_equal(f->trace.text, "r:error:EISDIR r:close");
    assert_int_equal(cst_errored(s)->direction, CST_READING);
    cst_unref(s);
}

static void without_auto_destroy_the_file_stays_open(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = read_file(f, test_file(f, "a", "abc"),
                              &(cst_fs_read_opts){ .stream.no_auto_destroy = true });

    test_listen_to_data(f, s, "r");
    test_run(f);
    assert_string_equal(f->trace.text, "r:data:abc r:end");
    assert_true(test_is_open(cst_stream_fd(s)));
    cst_destroy(s, CST_OK);
    assert_int_equal(cst_stream_fd(s), -1);
    cst_unref(s);
}

static void stream_destroyed_before_it_is_open_leaves_nothing_open(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = read_file(f, test_file(f, "a", "abc"), NULL);

    test_listen_to_data(f, s, "r");
    cst_destroy(s, CST_OK);
    test_run(f);
    assert_string_equal(f->trace.text, "r:close");
    cst_unref(s);
}

static void destroy_on_open(cst_stream *s, int fd, void *arg)
{
    (void)fd;
    (void)arg;
    cst_destroy(s, CST_OK);
}

static void stream_may_be_destroyed_in_on_open(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s =
        read_file(f, test_file(f, "a", "abc"), &(cst_fs_read_opts){ .on_open = destroy_on_open });

    test_listen_to_data(f, s, "r");
    test_run(f);
    assert_string_equal(f->trace.text, "r:close");
    cst_unref(s);
}

/* --- writing ---------------------------------------------------------------------------------- */

static cst_status write_text(struct test_fixture *f, const char *path, const char *flags,
                             const char *text)
{
    cst_stream *s = write_file(f, path, &(cst_fs_write_opts){ .flags = flags });
    cst_status st;

    cst_on(s, CST_ERROR, test_on_event, test_name(f, flags));
    f->name_count--;
    cst_end_with(s, cst_slice_str(text), NULL, NULL);
    test_run(f);
    st = cst_errored(s) ? cst_errored(s)->status : CST_OK;
    cst_unref(s);
    return st;
}

static void flags_are_those_of_node(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "a");

    assert_int_equal(write_text(f, path, "r+", "x"), CST_OS(ENOENT));
    assert_int_equal(write_text(f, path, "wx", "abcdef"), CST_OK);
    test_assert_file(path, "abcdef");
    assert_int_equal(write_text(f, path, "wx", "x"), CST_OS(EEXIST));
    assert_int_equal(write_text(f, path, "xw", "x"), CST_OS(EEXIST));
    assert_int_equal(write_text(f, path, "r+", "AB"), CST_OK);
    test_assert_file(path, "ABcdef");
    assert_int_equal(write_text(f, path, "a", "gh"), CST_OK);
    assert_int_equal(write_text(f, path, "as", "i"), CST_OK);
    test_assert_file(path, "ABcdefghi");
    assert_int_equal(write_text(f, path, "ax", "x"), CST_OS(EEXIST));
    assert_int_equal(write_text(f, path, "w", "new"), CST_OK);
    test_assert_file(path, "new");
    assert_int_equal(write_text(f, path, "w+", "newer"), CST_OK);
    assert_int_equal(write_text(f, path, "a+", "!"), CST_OK);
    test_assert_file(path, "newer!");
}

static void unknown_flags_are_refused(void **state)
{
    static const char *const words[] = { "",   "q",   "rw",  "wr", "rx", "ws", "+",
                                         "+r", "r++", "asx", "ww", "r ", "sx" };
    struct test_fixture *f = *state;
    cst_stream *s = NULL;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_int_equal(cst_fs_write_stream_new(&s, f->ctx, test_path(f, "a"),
                                                 &(cst_fs_write_opts){ .flags = words[i] }),
                         CST_E_INVALID_ARG);
        assert_int_equal(cst_fs_read_stream_new(&s, f->ctx, test_path(f, "a"),
                                                &(cst_fs_read_opts){ .flags = words[i] }),
                         CST_E_INVALID_ARG);
    }
    assert_int_equal(cst_fs_write_stream_new(&s, f->ctx, test_path(f, "a"),
                                             &(cst_fs_write_opts){ .flags = "r" }),
                     CST_E_INVALID_ARG);
    assert_int_equal(
        cst_fs_read_stream_new(&s, f->ctx, test_path(f, "a"), &(cst_fs_read_opts){ .flags = "w" }),
        CST_E_INVALID_ARG);
    assert_null(s);
}

static void writes_wait_for_the_file_and_then_go_in_order(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "a");
    cst_stream *s = write_file(
        f, path, &(cst_fs_write_opts){ .on_open = note_open, .on_open_arg = test_name(f, "open") });

    test_listen(f, s, "w");
    for (size_t i = 0; i < 3; i++)
        cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    cst_end_with(s, cst_slice_str("d"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "open:OK done:OK done:OK done:OK w:finish w:close");
    test_assert_file(path, "abcabcabcd");
    assert_int_equal(cst_stream_bytes_written(s), 10);
    cst_unref(s);
}

static void many_chunks_are_written_whole(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "a");
    cst_stream *s = write_file(f, path, NULL);
    size_t at = 0;

    for (size_t i = 0; i < 200; i++) {
        cst_write(s, test_bytes(f, at, i), NULL, NULL);
        at += i;
    }
    cst_end(s, NULL, NULL);
    test_run(f);
    test_assert_big_file(path, at);
    cst_unref(s);
}

static void start_leaves_what_stands_before_it(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_file(f, "a", "abcdefgh");
    cst_stream *s =
        write_file(f, path, &(cst_fs_write_opts){ .flags = "r+", .has_start = true, .start = 3 });

    cst_write(s, cst_slice_str("DE"), NULL, NULL);
    cst_end_with(s, cst_slice_str("F"), NULL, NULL);
    test_run(f);
    test_assert_file(path, "abcDEFgh");
    cst_unref(s);
}

static void mode_is_that_of_the_new_file(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "a");
    mode_t mask = umask(022);
    cst_stream *s = write_file(f, path, &(cst_fs_write_opts){ .mode = 0640 });
    struct stat about;

    cst_end(s, NULL, NULL);
    test_run(f);
    cst_unref(s);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    s = write_file(f, test_path(f, "b"), NULL);
    cst_end(s, NULL, NULL);
    test_run(f);
    cst_unref(s);
    assert_int_equal(stat(test_path(f, "b"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0644);
    umask(mask);
}

static void file_that_cannot_be_made_fails_what_was_written(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = write_file(f, test_path(f, "none/a"), NULL);

    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    cst_end(s, test_on_done, test_name(f, "end"));
    test_run(f);
    assert_string_equal(f->trace.text, "done:ENOENT end:ENOENT w:error:ENOENT w:close");
    cst_unref(s);
}

static void full_disk_is_enospc(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;

    if (access("/dev/full", W_OK) < 0)
        skip(); /* only Linux has it */
    s = write_file(f, "/dev/full", NULL);
    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    cst_end(s, NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "done:ENOSPC w:error:ENOSPC w:close");
    assert_int_equal(cst_errored(s)->direction, CST_WRITING);
    cst_unref(s);
}

static void file_that_may_not_grow_is_efbig_and_keeps_what_fits(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "a");
    cst_stream *s = write_file(f, path, NULL);
    struct test_limit limit;

    test_listen(f, s, "w");
    cst_write(s, test_bytes(f, 0, 500000), test_on_done, test_name(f, "done"));
    test_limit(&limit, RLIMIT_FSIZE, 100000);
    cst_loop_run(f->loop);
    test_unlimit(&limit);
    assert_string_equal(f->trace.text, "done:EFBIG w:error:EFBIG w:close");
    assert_int_equal(cst_stream_bytes_written(s), 100000);
    test_assert_big_file(path, 100000);
    cst_unref(s);
}

/* A pipe cannot be flushed, which shows that flush asks. */
static void flush_comes_between_finish_and_close(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "a");
    cst_stream *s = write_file(f, path, &(cst_fs_write_opts){ .flush = true });
    int in, out;

    test_listen(f, s, "w");
    cst_end_with(s, cst_slice_str("abc"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "w:finish w:close");
    test_assert_file(path, "abc");
    cst_unref(s);

    test_trace_clear(&f->trace);
    test_pipe(&in, &out);
    s = write_file(f, NULL, &(cst_fs_write_opts){ .fd = out, .flush = true });
    test_listen(f, s, "w");
    cst_end_with(s, cst_slice_str("abc"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "w:finish w:error:EINVAL w:close");
    assert_false(test_is_open(out));
    close(in);
    cst_unref(s);
}

static void pipe_without_a_reader_is_epipe_and_no_signal(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    int in, out;

    test_pipe(&in, &out);
    close(in);
    s = write_file(f, NULL, &(cst_fs_write_opts){ .fd = out });
    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "w:error:EPIPE w:close");
    cst_unref(s);
}

/* --- both ------------------------------------------------------------------------------------- */

static void copy_is_equal_for_any_length_and_mark(void **state)
{
    static const size_t marks[] = { 1, 100, 4096, 65536 };
    struct test_fixture *f = *state;

    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
        size_t mark = marks[m];
        size_t lens[] = { 0, 1, mark - 1, mark, mark + 1, 3 * mark, 3 * mark + 1 };

        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            const char *from = test_big_file(f, "from", lens[i]), *to = test_path(f, "to");
            cst_stream *stages[3];

            stages[0] = read_file(f, from, &(cst_fs_read_opts){ .stream.high_water_mark = mark });
            assert_int_equal(cst_passthrough_new(&stages[1], f->ctx, NULL), CST_OK);
            stages[2] = write_file(f, to, &(cst_fs_write_opts){ .stream.high_water_mark = mark });
            f->name_count = 0;
            test_trace_clear(&f->trace);
            assert_int_equal(cst_pipeline(stages, 3, NULL, test_on_outcome, test_name(f, "copy")),
                             CST_OK);
            test_run(f);
            assert_string_equal(f->trace.text, "copy:OK");
            test_assert_big_file(to, lens[i]);
            for (size_t k = 0; k < 3; k++)
                cst_unref(stages[k]);
        }
    }
}

static void refused_constructor_closes_an_owned_descriptor(void **state)
{
    struct test_fixture *f = *state;
    const cst_opts objects = { .object_mode = true };
    cst_stream *s = NULL;
    int fds[4];

    for (size_t i = 0; i < 4; i++)
        fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(cst_fs_read_stream_new(&s, f->ctx, NULL,
                                            &(cst_fs_read_opts){ .fd = fds[0], .stream = objects }),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_fs_write_stream_new(&s, f->ctx, NULL,
                                             &(cst_fs_write_opts){ .fd = fds[1], .flags = "?" }),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_fs_read_stream_new(
                         &s, f->ctx, NULL,
                         &(cst_fs_read_opts){ .fd = fds[2], .ranged = true, .start = 2, .end = 1 }),
                     CST_E_OUT_OF_RANGE);
    assert_int_equal(
        cst_fs_write_stream_new(
            &s, f->ctx, NULL,
            &(cst_fs_write_opts){ .fd = fds[3], .has_start = true, .start = UINT64_MAX }),
        CST_E_OUT_OF_RANGE);
    for (size_t i = 0; i < 4; i++)
        assert_false(test_is_open(fds[i]));
    assert_int_equal(cst_fs_read_stream_new(&s, f->ctx, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_fs_write_stream_new(&s, f->ctx, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_fs_read_stream_new(NULL, f->ctx, "a", NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_fs_write_stream_new(&s, NULL, "a", NULL), CST_E_INVALID_ARG);
    assert_null(s);
}

static bool copy(struct test_fixture *f)
{
    const char *from = test_file(f, "from", "abcdefgh"), *to = test_path(f, "to");
    cst_stream *stages[3] = { NULL, NULL, NULL };
    cst_status st = cst_fs_read_stream_new(&stages[0], f->ctx, from,
                                           &(cst_fs_read_opts){ .stream.high_water_mark = 3 });

    if (st == CST_OK)
        st = cst_passthrough_new(&stages[1], f->ctx, NULL);
    if (st == CST_OK)
        st = cst_fs_write_stream_new(&stages[2], f->ctx, to, NULL);
    if (st == CST_OK)
        st = cst_pipeline(stages, 3, NULL, test_on_outcome, test_name(f, "copy"));
    cst_loop_run(f->loop);
    for (size_t i = 0; i < 3; i++) {
        cst_destroy(stages[i], CST_OK);
        cst_unref(stages[i]);
    }
    cst_loop_run(f->loop);
    if (strcmp(f->trace.text, "copy:OK") != 0)
        return false;
    test_assert_file(to, "abcdefgh");
    return true;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    test_any_allocation_may_fail(copy);
}

/* --- FIFOs and devices: the loop waits, open(2) and read(2) do not ---------------------------- */

static const char *make_fifo(const struct test_fixture *f)
{
    const char *path = test_path(f, "fifo");

    assert_int_equal(mkfifo(path, 0600), 0);
    return path;
}

static int open_fifo(const struct test_fixture *f, int flags)
{
    int fd = open(test_path(f, "fifo"), flags | O_NONBLOCK | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void fifo_is_read_without_holding_the_loop(void **state)
{
    struct test_fixture *f = *state;
    const cst_fs_read_opts opts = { .on_open = note_open, .on_open_arg = test_name(f, "open") };
    cst_stream *s = read_file(f, make_fifo(f), &opts);
    int out;

    test_listen_to_data(f, s, "r");
    test_turn(f, 5);
    assert_string_equal(f->trace.text, "open:OK");
    out = open_fifo(f, O_WRONLY);
    test_turn(f, 2);
    test_write(out, "abc");
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "open:OK r:data:abc");
    test_write(out, "def");
    close(out);
    test_run(f);
    assert_string_equal(f->trace.text, "open:OK r:data:abc r:data:def r:end r:close");
    assert_int_equal(cst_stream_bytes_read(s), 6);
    cst_unref(s);
}

static void fifo_is_written_when_a_reader_has_come(void **state)
{
    struct test_fixture *f = *state;
    const cst_fs_write_opts opts = { .on_open = note_open, .on_open_arg = test_name(f, "open") };
    cst_stream *s = write_file(f, make_fifo(f), &opts);
    int in;

    test_pass(f, 0);
    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    test_turn(f, 3);
    test_pass(f, 20 * 1000000);
    test_pass(f, 20 * 1000000);
    assert_int_equal(cst_stream_fd(s), -1);
    assert_string_equal(f->trace.text, "");
    in = open_fifo(f, O_RDONLY);
    test_pass(f, 20 * 1000000);
    assert_string_equal(f->trace.text, "open:OK done:OK");
    cst_end_with(s, cst_slice_str("def"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "open:OK done:OK w:finish w:close");
    test_assert_reads(in, "abcdef");
    test_assert_reads(in, "");
    close(in);
    cst_unref(s);
}

static void fifo_that_fills_up_is_waited_for(void **state)
{
    struct test_fixture *f = *state;
    const char *path = make_fifo(f);
    int in = open_fifo(f, O_RDONLY);
    cst_stream *s = write_file(f, path, NULL);

    test_listen(f, s, "w");
    cst_end_with(s, test_bytes(f, 0, 300000), NULL, NULL);
    test_turn(f, 3);
    assert_string_equal(f->trace.text, "");
    while (f->gathered < 300000) {
        test_take_all(f, in);
        test_turn(f, 1);
    }
    test_run(f);
    assert_string_equal(f->trace.text, "w:finish w:close");
    close(in);
    cst_unref(s);
}

static void writer_that_waits_for_a_reader_may_be_destroyed(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = write_file(f, make_fifo(f), NULL), *left;

    left = write_file(f, test_path(f, "fifo"), NULL); /* to the loop's end */
    cst_write(left, cst_slice_str("abc"), test_on_done, test_name(f, "left"));
    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    test_turn(f, 2);
    cst_destroy(s, CST_OK);
    test_turn(f, 2);
    assert_string_equal(f->trace.text, "done:DESTROYED w:close");
    cst_unref(s);
    cst_unref(left);
}

static void fifo_that_has_become_a_directory_is_eisdir(void **state)
{
    struct test_fixture *f = *state;
    const char *path = make_fifo(f);
    cst_stream *s = write_file(f, path, NULL);

    test_pass(f, 0);
    test_listen(f, s, "w");
    test_turn(f, 2);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    test_pass(f, 20 * 1000000);
    test_run(f);
    assert_string_equal(f->trace.text, "w:error:EISDIR w:close");
    cst_unref(s);
}

static void fifo_that_is_removed_meanwhile_is_not_made_a_file(void **state)
{
    struct test_fixture *f = *state;
    const char *path = make_fifo(f);
    cst_stream *s = write_file(f, path, NULL);

    test_pass(f, 0);
    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    test_turn(f, 2);
    assert_int_equal(unlink(path), 0);
    test_pass(f, 20 * 1000000);
    test_run(f);
    assert_string_equal(f->trace.text, "done:ENOENT w:error:ENOENT w:close");
    assert_int_equal(access(path, F_OK), -1);
    cst_unref(s);
}

static void fifo_has_no_place_to_start_at(void **state)
{
    struct test_fixture *f = *state;
    const cst_fs_write_opts start = { .flags = "r+", .has_start = true, .start = 3 };
    const cst_fs_write_opts late = { .has_start = true, .start = 3 };
    const char *path = make_fifo(f);
    cst_stream *s = write_file(f, path, &late);

    test_listen(f, s, "late");
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    test_run(f);
    cst_unref(s);
    s = write_file(f, path, &start);
    test_listen(f, s, "w");
    cst_write(s, cst_slice_str("abc"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text,
                        "late:error:Illegal seek late:close w:error:Illegal seek w:close");
    cst_unref(s);
}

static void fifo_goes_from_and_to_by_the_kernel(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *feeder = NULL, *source, *dest;
    const char *path = make_fifo(f);

    source = read_file(f, path, NULL);
    test_turn(f, 2);
    feeder = write_file(f, path, NULL);
    dest = write_file(f, test_path(f, "to"), NULL);
    cst_end_with(feeder, test_bytes(f, 0, 300000), NULL, NULL);
    cst_pipe(source, dest, NULL);
    test_run(f);
    test_assert_big_file(test_path(f, "to"), 300000);
    assert_int_equal(cst_stream_bytes_read(source), 300000);
    assert_int_equal(cst_stream_bytes_written(dest), 300000);
    cst_unref(feeder);
    cst_unref(source);
    cst_unref(dest);
}

static const struct CMUnitTest tests[] = {
    T(fifo_is_read_without_holding_the_loop),
    T(fifo_is_written_when_a_reader_has_come),
    T(fifo_that_fills_up_is_waited_for),
    T(writer_that_waits_for_a_reader_may_be_destroyed),
    T(fifo_that_has_become_a_directory_is_eisdir),
    T(fifo_goes_from_and_to_by_the_kernel),
    T(fifo_that_is_removed_meanwhile_is_not_made_a_file),
    T(fifo_has_no_place_to_start_at),
    T(file_is_opened_by_a_task_and_read_in_chunks_of_the_mark),
    T(range_includes_both_ends),
    T(ranges_of_one_descriptor_do_not_disturb_each_other),
    T(descriptor_is_read_from_where_it_stands_and_closed),
    T(file_that_is_not_there_is_an_error),
    T(directory_is_an_error_of_the_first_read),
    T(without_auto_destroy_the_file_stays_open),
    T(stream_destroyed_before_it_is_open_leaves_nothing_open),
    T(stream_may_be_destroyed_in_on_open),
    T(flags_are_those_of_node),
    T(unknown_flags_are_refused),
    T(writes_wait_for_the_file_and_then_go_in_order),
    T(many_chunks_are_written_whole),
    T(start_leaves_what_stands_before_it),
    T(mode_is_that_of_the_new_file),
    T(file_that_cannot_be_made_fails_what_was_written),
    T(full_disk_is_enospc),
    T(file_that_may_not_grow_is_efbig_and_keeps_what_fits),
    T(flush_comes_between_finish_and_close),
    T(pipe_without_a_reader_is_epipe_and_no_signal),
    T(copy_is_equal_for_any_length_and_mark),
    T(refused_constructor_closes_an_owned_descriptor),
    cmocka_unit_test(any_allocation_may_fail),
};

TEST_MAIN(tests)

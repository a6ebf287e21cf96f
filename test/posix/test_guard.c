/*
 * test_guard.c - fd.h, fs.h: no call of the library lets SIGPIPE or SIGXFSZ reach the process, and
 * none costs more than it must. The process has handlers that count both; each change of the signal
 * mask is counted by a pthread_sigmask of this program, which takes the place of the system's.
 */
#include <sys/wait.h>

#include "fixture.h"

static volatile sig_atomic_t raised;
static unsigned mask_changes;

int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    mask_changes++;
    return sigprocmask(how, set, before) == 0 ? 0 : errno;
}

static void count_signal(int sig)
{
    (void)sig;
    raised++;
}

static int setup(void **state)
{
    const struct sigaction count = { .sa_handler = count_signal };

    raised = 0;
    mask_changes = 0;
    return sigaction(SIGPIPE, &count, NULL) || sigaction(SIGXFSZ, &count, NULL) ? -1
                                                                                : test_setup(state);
}

/* Neither signal has come, is pending, or is blocked. */
static int teardown(void **state)
{
    sigset_t blocked, pending;

    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&blocked, SIGPIPE), 0);
    assert_int_equal(sigismember(&blocked, SIGXFSZ), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    assert_int_equal(sigismember(&pending, SIGXFSZ), 0);
    assert_int_equal(raised, 0);
    assert_int_equal(signal(SIGPIPE, SIG_DFL) == SIG_ERR, false);
    assert_int_equal(signal(SIGXFSZ, SIG_DFL) == SIG_ERR, false);
    return test_teardown(state);
}

static cst_stream *pipe_writer(struct test_fixture *f, int fd, bool shared)
{
    const cst_fd_opts opts = { .shared = shared };
    cst_stream *s;

    assert_int_equal(cst_fd_sink_new(&s, f->loop, fd, &opts), CST_OK);
    return s;
}

/* --- SIGPIPE ---------------------------------------------------------------------------------- */

/* A child that reads a little, and goes while the write is in the system. */
static pid_t reader_that_goes(int in, int out)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        char bytes[4096];

        close(out);
        for (unsigned i = 0; i < 20; i++)
            if (read(in, bytes, sizeof bytes) <= 0)
                test_leave(1);
        test_leave(0);
    }
    close(in);
    return child;
}

static void assert_child_is_well(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void write_that_is_cut_by_a_reader_that_goes(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    pid_t child;
    int in, out;

    test_pipe(&in, &out);
    child = reader_that_goes(in, out);
    s = pipe_writer(f, out, true); /* it may wait, so the write is one call */
    test_listen(f, s, "w");
    cst_write(s, test_bytes(f, 0, 1 << 20), test_on_done, test_name(f, "done"));
    test_run(f);
    assert_child_is_well(child);
    assert_true(cst_stream_bytes_written(s) >= 20 * 4096);
    assert_string_equal(f->trace.text, "done:EPIPE w:error:EPIPE w:close");
    cst_unref(s);
}

static void write_by_fs_that_is_cut_by_a_reader_that_goes(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;
    pid_t child;
    int in, out;

    test_pipe(&in, &out);
    child = reader_that_goes(in, out);
    assert_int_equal(cst_fs_write_stream_new(&s, f->ctx, NULL, &(cst_fs_write_opts){ .fd = out }),
                     CST_OK);
    test_listen(f, s, "w");
    cst_write(s, test_bytes(f, 0, 1 << 20), test_on_done, test_name(f, "done"));
    test_run(f);
    assert_child_is_well(child);
    assert_string_equal(f->trace.text, "done:EPIPE w:error:EPIPE w:close");
    cst_unref(s);
}

static void transfer_into_a_pipe_whose_reader_goes(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *source, *s;
    pid_t child;
    int in, out;

    test_pipe(&in, &out);
    child = reader_that_goes(in, out);
    assert_int_equal(
        cst_fs_read_stream_new(&source, f->ctx, test_big_file(f, "from", 1 << 20), NULL), CST_OK);
    s = pipe_writer(f, out, false);
    test_listen(f, s, "w");
    cst_pipe(source, s, NULL);
    cst_loop_run(f->loop);
    assert_child_is_well(child);
    assert_string_equal(f->trace.text, "w:error:EPIPE w:close");
    cst_destroy(source, CST_OK);
    cst_unref(source);
    cst_unref(s);
    test_run(f);
}

struct nest {
    cst_loop *inner;
    cst_stream *inner_pipe, *outer_pipe;
};

static void write_here(void *arg)
{
    const struct nest *nest = arg;

    cst_write(nest->inner_pipe, cst_slice_str("abc"), NULL, NULL);
    cst_write(nest->outer_pipe, cst_slice_str("abc"), NULL, NULL);
}

static void turn_the_inner(void *arg)
{
    const struct nest *nest = arg;
    cst_task task = { .arg = NULL };

    assert_int_equal(cst_defer(cst_loop_ctx(nest->inner), &task, write_here, arg), CST_OK);
    assert_true(cst_loop_run_once(nest->inner, 0) >= 0);
    cst_destroy(nest->outer_pipe, CST_OK);
}

static void write_behind(void *arg)
{
    cst_write(arg, cst_slice_str("abc"), NULL, NULL);
}

/* The inner loop's guard begins first and ends first: what the outer loop writes then is guarded
 * all the same. */
static void loop_that_is_turned_in_a_callback_keeps_its_guard_apart(void **state)
{
    struct test_fixture *f = *state;
    cst_task first = { .arg = NULL }, second = { .arg = NULL };
    struct nest nest;
    cst_stream *broken;
    int in, out, kept;

    assert_int_equal(cst_loop_new(&nest.inner, NULL, test_loop_opts()), CST_OK);
    test_pipe(&kept, &out);
    assert_int_equal(cst_fd_sink_new(&nest.inner_pipe, nest.inner, out, NULL), CST_OK);
    test_pipe(&in, &out);
    nest.outer_pipe = pipe_writer(f, out, false);
    cst_defer(f->ctx, &first, turn_the_inner, &nest);
    close(in);
    test_pipe(&in, &out);
    broken = pipe_writer(f, out, false);
    test_listen(f, broken, "w");
    test_listen(f, nest.outer_pipe, "o");
    close(in);
    cst_defer(f->ctx, &second, write_behind, broken);
    test_run(f);
    assert_non_null(strstr(f->trace.text, "w:error:EPIPE w:close"));
    cst_unref(broken);
    cst_unref(nest.outer_pipe);
    cst_unref(nest.inner_pipe);
    assert_int_equal(cst_loop_free(nest.inner), CST_OK);
    close(kept);
}

/* --- SIGXFSZ ---------------------------------------------------------------------------------- */

static void limit_file_size(struct rlimit *before, rlim_t most)
{
    struct rlimit now;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, before), 0);
    now = *before;
    now.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
}

static off_t file_size(const char *path)
{
    struct stat about;

    assert_int_equal(stat(path, &about), 0);
    return about.st_size;
}

static void assert_grows_to_the_limit(struct test_fixture *f, cst_stream *s, const char *path)
{
    test_listen(f, s, "w");
    cst_write(s, test_bytes(f, 0, 3000), NULL, NULL);
    cst_write(s, test_bytes(f, 3000, 3000), test_on_done, test_name(f, "done"));
    test_run(f);
    assert_string_equal(f->trace.text, "done:EFBIG w:error:EFBIG w:close");
    assert_int_equal(file_size(path), 5000);
    cst_unref(s);
}

static void file_that_is_written_beyond_the_limit(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "to");
    struct rlimit before;
    cst_stream *s;

    limit_file_size(&before, 5000);
    assert_int_equal(cst_fs_write_stream_new(&s, f->ctx, path, NULL), CST_OK);
    assert_grows_to_the_limit(f, s, path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

static void file_by_its_descriptor_beyond_the_limit(void **state)
{
    struct test_fixture *f = *state;
    const char *path = test_path(f, "to");
    struct rlimit before;
    cst_stream *s;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    limit_file_size(&before, 5000);
    assert_int_equal(cst_fd_sink_new(&s, f->loop, fd, NULL), CST_OK);
    assert_grows_to_the_limit(f, s, path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

/* By copy_file_range, sendfile, and a conduit. */
static void transfer_into_a_file_beyond_the_limit(struct test_fixture *f, cst_stream *source)
{
    const char *path = test_path(f, "to");
    struct rlimit before;
    cst_stream *s;

    limit_file_size(&before, 100000);
    assert_int_equal(cst_fs_write_stream_new(&s, f->ctx, path, NULL), CST_OK);
    test_listen(f, s, "w");
    cst_pipe(source, s, NULL);
    cst_loop_run(f->loop);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_string_equal(f->trace.text, "w:error:EFBIG w:close");
    assert_int_equal(file_size(path), 100000);
    cst_destroy(source, CST_OK);
    cst_unref(source);
    cst_unref(s);
    test_run(f);
}

static void file_copied_beyond_the_limit(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *source;

    assert_int_equal(
        cst_fs_read_stream_new(&source, f->ctx, test_big_file(f, "from", 300000), NULL), CST_OK);
    transfer_into_a_file_beyond_the_limit(f, source);
}

static void socket_into_a_file_beyond_the_limit(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *source, *feeder;
    int in, out;

    test_socketpair(&in, &out, SOCK_STREAM);
    assert_int_equal(cst_fd_sink_new(&feeder, f->loop, out, NULL), CST_OK);
    cst_end_with(feeder, test_bytes(f, 0, 300000), NULL, NULL);
    assert_int_equal(cst_fd_source_new(&source, f->loop, in, NULL), CST_OK);
    transfer_into_a_file_beyond_the_limit(f, source);
    cst_unref(feeder);
}

/* --- what it costs ---------------------------------------------------------------------------- */

enum { WRITERS = 8 };

static void write_to_all(cst_stream **writers)
{
    for (unsigned i = 0; i < WRITERS; i++)
        cst_write(writers[i], cst_slice_str("abc"), NULL, NULL);
}

static void write_in_a_turn(void *arg)
{
    write_to_all(arg);
}

/* Return how often the mask was changed by eight writes in one turn and eight outside. */
static unsigned count_mask_changes(struct test_fixture *f, unsigned *outside)
{
    cst_stream *writers[WRITERS];
    cst_task task = { .arg = NULL };
    int in[WRITERS], out;
    unsigned inside;

    for (unsigned i = 0; i < WRITERS; i++) {
        test_pipe(&in[i], &out);
        writers[i] = pipe_writer(f, out, false);
    }
    mask_changes = 0;
    write_to_all(writers);
    *outside = mask_changes;
    mask_changes = 0;
    cst_defer(f->ctx, &task, write_in_a_turn, writers);
    test_turn(f, 1);
    inside = mask_changes;
    for (unsigned i = 0; i < WRITERS; i++) {
        cst_destroy(writers[i], CST_OK);
        cst_unref(writers[i]);
        test_assert_reads(in[i], "abcabc");
        close(in[i]);
    }
    return inside;
}

static void turn_changes_the_mask_once_and_back(void **state)
{
    struct test_fixture *f = *state;
    unsigned outside, inside = count_mask_changes(f, &outside);

    assert_int_equal(inside, 2);
    assert_int_equal(outside, 2 * WRITERS);
}

/* Files into pipes that nobody reads: each moves what its pipe takes, in the first turn. */
static unsigned mask_changes_of_transfers(struct test_fixture *f)
{
    cst_stream *files[WRITERS], *writers[WRITERS];
    int in[WRITERS], out;
    unsigned changes;

    test_big_file(f, "from", 100000);
    for (unsigned i = 0; i < WRITERS; i++) {
        test_pipe(&in[i], &out);
        writers[i] = pipe_writer(f, out, false);
        assert_int_equal(cst_fs_read_stream_new(&files[i], f->ctx, test_path(f, "from"), NULL),
                         CST_OK);
        cst_pipe(files[i], writers[i], NULL);
    }
    mask_changes = 0;
    test_turn(f, 1);
    changes = mask_changes;
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_true(cst_stream_bytes_written(writers[i]) >= 4096);
        cst_destroy(files[i], CST_OK);
        cst_destroy(writers[i], CST_OK);
        cst_unref(files[i]);
        cst_unref(writers[i]);
        close(in[i]);
    }
    test_turn(f, 2);
    return changes;
}

static void transfers_of_a_turn_change_the_mask_once_and_back(void **state)
{
    struct test_fixture *f = *state;

    assert_int_equal(mask_changes_of_transfers(f), 2);
    assert_int_equal(signal(SIGPIPE, SIG_IGN) == SIG_ERR, false);
    test_run(f);
    assert_int_equal(mask_changes_of_transfers(f), 0);
}

/* The loop looks when it is made, and when it runs. */
static void host_that_ignores_sigpipe_pays_for_no_mask(void **state)
{
    struct test_fixture *f = *state;
    unsigned outside, inside;

    assert_int_equal(signal(SIGPIPE, SIG_IGN) == SIG_ERR, false);
    test_run(f);
    inside = count_mask_changes(f, &outside);
    assert_int_equal(inside, 0);
    assert_int_equal(outside, 0);
}

static void sockets_and_files_without_a_limit_need_no_mask(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *socket, *file;
    int here, there;

    test_socketpair(&here, &there, SOCK_STREAM);
    assert_int_equal(cst_fd_duplex_new(&socket, f->loop, there, NULL), CST_OK);
    assert_int_equal(cst_fs_write_stream_new(&file, f->ctx, test_path(f, "to"), NULL), CST_OK);
    close(here);
    test_listen(f, socket, "s");
    cst_write(socket, cst_slice_str("abc"), NULL, NULL);
    cst_end_with(file, cst_slice_str("abc"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "s:error:EPIPE s:close");
    assert_int_equal(mask_changes, 0);
    cst_unref(socket);
    cst_unref(file);
}

static void see_mask(void *arg)
{
    sigset_t set;

    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &set), 0);
    *(int *)arg = sigismember(&set, SIGPIPE);
}

/* A signal that the host has blocked itself stays blocked. */
static void mask_of_the_host_is_left_as_it_was(void **state)
{
    struct test_fixture *f = *state;
    unsigned outside;
    sigset_t set;
    int blocked;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    (void)count_mask_changes(f, &outside);
    see_mask(&blocked);
    assert_int_equal(blocked, 1);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    (void)count_mask_changes(f, &outside);
    see_mask(&blocked);
    assert_int_equal(blocked, 0);
}

#define G(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    G(write_that_is_cut_by_a_reader_that_goes),
    G(write_by_fs_that_is_cut_by_a_reader_that_goes),
    G(transfer_into_a_pipe_whose_reader_goes),
    G(loop_that_is_turned_in_a_callback_keeps_its_guard_apart),
    G(file_that_is_written_beyond_the_limit),
    G(file_by_its_descriptor_beyond_the_limit),
    G(file_copied_beyond_the_limit),
    G(socket_into_a_file_beyond_the_limit),
    G(turn_changes_the_mask_once_and_back),
    G(transfers_of_a_turn_change_the_mask_once_and_back),
    G(host_that_ignores_sigpipe_pays_for_no_mask),
    G(sockets_and_files_without_a_limit_need_no_mask),
    G(mask_of_the_host_is_left_as_it_was),
};

TEST_MAIN(tests)

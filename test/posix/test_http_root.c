/*
 * test_http_root.c - what can be opened below a directory, by the system's own call and by
 * comparing paths.
 */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../docs/examples/posix/http_root.h"

struct site {
    char dir[64];
    struct http_root root;
};

static void in_site(const struct site *site, char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", site->dir, name);
}

static void add_file(const struct site *site, const char *name, const char *text)
{
    char path[256];
    int fd;

    in_site(site, path, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void add_link(const struct site *site, const char *name, const char *to)
{
    char path[256];

    in_site(site, path, name);
    assert_int_equal(symlink(to, path), 0);
}

static void add_directory(const struct site *site, const char *name)
{
    char path[256];

    in_site(site, path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int set_up(void **state)
{
    static struct site site;
    char path[256];

    *state = &site;
    snprintf(site.dir, sizeof(site.dir), "/tmp/cst-root-XXXXXX");
    if (!mkdtemp(site.dir))
        return -1;
    add_directory(&site, "www");
    add_directory(&site, "www/sub");
    add_directory(&site, "www-too");
    add_file(&site, "www/file", "inside");
    add_file(&site, "www/sub/file", "below");
    add_file(&site, "secret", "secret");
    add_file(&site, "www-too/file", "secret");
    add_link(&site, "www/inside", "sub/file");
    add_link(&site, "www/sub/up", "../file");
    add_link(&site, "www/out", "../secret");
    add_link(&site, "www/too", "../www-too");
    add_link(&site, "www/round", "round");
    in_site(&site, path, "secret");
    add_link(&site, "www/absolute-out", path);
    in_site(&site, path, "www/sub");
    add_link(&site, "www/absolute-inside", path);
    in_site(&site, path, "www");
    return http_root_open(&site.root, path) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct site *site = *state;
    char command[96];

    if (site->root.fd >= 0)
        close(site->root.fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", site->dir);
    return system(command);
}

/* Return what the file has, or "" if it cannot be opened. */
static const char *read_file(const struct http_root *root, const char *path)
{
    static char text[16];
    int fd = http_root_open_file(root, path);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0) {
        assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
        assert_int_not_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        close(fd);
    }
    return text;
}

static void assert_is_confined(const struct http_root *root)
{
    static const struct {
        const char *path, *text;
    } cases[] = {
        { "/file", "inside" },    { "//file", "inside" },
        { "/sub/file", "below" }, { "/inside", "below" },
        { "/sub/up", "inside" },  { "/absolute-inside/file", "below" },
        { "/none", "" },          { "/file/", "" },
        { "/out", "" },           { "/too/file", "" },
        { "/absolute-out", "" },  { "/round", "" },
        { "/../secret", "" },     { "/sub/../../secret", "" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (strcmp(read_file(root, cases[i].path), cases[i].text) != 0)
            fail_msg("%s: not '%s'", cases[i].path, cases[i].text);
}

static void links_lead_to_what_is_inside_alone(void **state)
{
    const struct site *site = *state;

    assert_is_confined(&site->root);
}

static void paths_that_are_compared_lead_to_what_is_inside_alone(void **state)
{
    const struct site *site = *state;
    struct http_root root = site->root;

    root.fd = -1; /* as if the system could not open below a directory */
    assert_is_confined(&root);
}

static void lack_of_descriptors_is_told_by_errno(void **state)
{
    const struct site *site = *state;
    struct rlimit before, none;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(http_root_open_file(&site->root, "/file"), -1);
    assert_int_equal(errno, EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    errno = EMFILE;
    assert_int_equal(http_root_open_file(&site->root, "/none"), -1);
    assert_int_equal(errno, ENOENT);
}

static void root_that_is_no_directory_is_refused(void **state)
{
    const struct site *site = *state;
    struct http_root root;
    char path[256];

    in_site(site, path, "none");
    assert_false(http_root_open(&root, path));
    assert_int_equal(errno, ENOENT);
}

static void everything_is_below_the_root_of_the_system(void **state)
{
    const struct site *site = *state;
    struct http_root root;
    char path[256];

    in_site(site, path, "www/file");
    assert_true(http_root_open(&root, "/"));
    assert_string_equal(read_file(&root, path), "inside");
    if (root.fd >= 0)
        close(root.fd);
    root.fd = -1;
    assert_string_equal(read_file(&root, path), "inside");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    T(links_lead_to_what_is_inside_alone),
    T(paths_that_are_compared_lead_to_what_is_inside_alone),
    T(lack_of_descriptors_is_told_by_errno),
    T(root_that_is_no_directory_is_refused),
    T(everything_is_below_the_root_of_the_system),
};

TEST_MAIN(tests)

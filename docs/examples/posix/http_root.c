/*
 * http_root.c - see http_root.h.
 *
 * Linux can open a path below a directory in one call that refuses whatever leads out (openat2).
 * It also refuses a link with an absolute path that ends inside, as does every other system, which
 * lacks the call: then the path is resolved first, and compared with the root.
 */
#if defined(__linux__)
#define _GNU_SOURCE
#else
#define _XOPEN_SOURCE 700
#endif

#include "http_root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_CLOEXEC)

#if defined(SYS_openat2)

/* As in <linux/openat2.h>, which a C library need not have. */
struct open_how {
    uint64_t flags, mode, resolve;
};

#define STAY_BENEATH UINT64_C(8)

static int open_directory(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Return -1, and set *is_undecided, if the path may still name a file below the root. */
static int open_beneath(const struct http_root *root, const char *path, bool *is_undecided)
{
    struct open_how how = { .flags = OPEN_FLAGS, .resolve = STAY_BENEATH };
    int fd;

    while (*path == '/')
        path++;
    fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
    /* Without the call, or where it is forbidden; a link that may lead out; a rename meanwhile. */
    *is_undecided =
        fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EXDEV || errno == EAGAIN);
    return fd;
}

#else

static int open_directory(const char *path)
{
    (void)path;
    return -1;
}

static int open_beneath(const struct http_root *root, const char *path, bool *is_undecided)
{
    (void)root;
    (void)path;
    *is_undecided = true;
    return -1;
}

#endif

bool http_root_open(struct http_root *root, const char *path)
{
    if (!realpath(path, root->path))
        return false;
    root->fd = open_directory(root->path);
    if (strcmp(root->path, "/") == 0)
        root->path[0] = '\0'; /* what is below it begins with one "/", not two */
    return true;
}

/* Resolve the path, and open what it leads to. Between the two a link may be put in its place: if
 * others may write into the directory, walk the path with openat instead, a segment at a time. */
static int open_resolved(const struct http_root *root, const char *path)
{
    char wanted[2 * PATH_MAX], real[PATH_MAX];
    size_t root_len = strlen(root->path);

    snprintf(wanted, sizeof(wanted), "%s%s", root->path, path);
    if (!realpath(wanted, real) || strncmp(real, root->path, root_len) != 0 ||
        real[root_len] != '/')
        return -1;
    return open(real, OPEN_FLAGS | O_NOFOLLOW);
}

int http_root_open_file(const struct http_root *root, const char *path)
{
    bool is_undecided = true;
    int fd = -1;

    errno = 0;
    if (root->fd >= 0)
        fd = open_beneath(root, path, &is_undecided);
    if (!is_undecided)
        return fd;
    errno = 0;
    return open_resolved(root, path);
}

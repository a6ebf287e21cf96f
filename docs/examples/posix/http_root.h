/*
 * http_root.h - the files below one directory, and no others, whatever links lie in it.
 */
#ifndef HTTP_ROOT_H
#define HTTP_ROOT_H

#include <limits.h>
#include <stdbool.h>

/*
 * A directory that is served.
 *
 * path   without links; "" for "/"
 * fd     the directory that path named when it was opened, or -1 if the system cannot open below a
 *        directory
 */
struct http_root {
    char path[PATH_MAX];
    int fd;
};

/* Open a directory. Return false if there is none, and errno says why. */
bool http_root_open(struct http_root *root, const char *path);

/*
 * Open the file that a path names below the root, to be read. The path begins with "/" and has no
 * segment ".."; http_decode_path (http_select.h) returns such paths. A link is followed if the file
 * lies below the root, too.
 *
 * Return the descriptor, or -1: there is no such file, or errno is EMFILE or ENFILE. The
 * descriptor may be that of a directory or a device: look (fstat) before you read.
 */
int http_root_open_file(const struct http_root *root, const char *path);

#endif

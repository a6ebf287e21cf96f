/*
 * http_select.h - what part of a resource answers a GET or HEAD: the path, the conditions of the
 * request, and the range. RFC 9110, 13 and 14. Plain C11 without I/O.
 */
#ifndef HTTP_SELECT_H
#define HTTP_SELECT_H

#include "http_request.h"

/*
 * Write the path of a request with %XX as bytes, its segments "." and ".." resolved, and a zero
 * behind it. The path begins with "/" and never leads above it. Return false if it does not fit, or
 * if no file can be named so: %00 and %2F stand for bytes that a name cannot have.
 */
bool http_decode_path(char *out, size_t room, struct http_text path);

/*
 * The version of a resource that can be sent.
 *
 * etag      with its quotes, as in the field. Two versions of a resource must have two tags.
 * modified  in seconds since 1970, not after now
 * now       the time, as in the field Date
 */
struct http_version {
    const char *etag;
    int64_t modified;
    int64_t now;
    uint64_t size;
};

/* Bytes first to last, both included. Of an empty version there are none: last is first - 1. */
struct http_part {
    uint64_t first, last;
};

/*
 * Weigh the conditions of a request (If-Match, If-Unmodified-Since, If-None-Match,
 * If-Modified-Since, If-Range), in the order of RFC 9110, 13.2.2, then its Range. Ask only if the
 * answer would be 200 without them. Return its status:
 *
 *     200  all of it, which *out is
 *     206  *out, for a Range of one part. A Range of several gets all of it, which 14.2 allows.
 *     304  the client has it
 *     412  it is not the version that the client means
 *     416  no byte of it is in the Range
 */
int http_select(struct http_part *out, const struct http_request *request,
                const struct http_version *version);

#endif

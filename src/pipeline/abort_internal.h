/*
 * abort_internal.h - hearing of a switch being thrown.
 */
#ifndef CSTREAM_ABORT_INTERNAL_H
#define CSTREAM_ABORT_INTERNAL_H

#include "cstream/join.h"
#include "stream/stream_internal.h"

/** A place in a switch's list, part of a record of whoever listens. */
struct cst__abort_link {
    struct cst__abort_link *next, *prev;
    cst_abort *abort; /* NULL: not listening */
    void (*fired)(struct cst__abort_link *link);
};

/** fired is called once, inside cst_abort_fire, and the link is out of the list then. */
void cst__abort_listen(cst_abort *abort, struct cst__abort_link *link,
                       void (*fired)(struct cst__abort_link *link));

/** Fine where it does not listen (a zeroed link does not). */
void cst__abort_unlisten(struct cst__abort_link *link);

#endif

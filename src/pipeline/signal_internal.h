/*
 * signal_internal.h - the switch of join.h, and how a record hears that it was thrown.
 */
#ifndef CSTREAM_SIGNAL_INTERNAL_H
#define CSTREAM_SIGNAL_INTERNAL_H

#include "cstream/join.h"
#include "ctx/ctx_internal.h"

struct cst_abort {
    cst_ctx *ctx;
    struct cst__abort_link *first, *last;
    unsigned refs; /* the caller's, and one for each link */
    bool fired;
};

/** A place in a switch's list. It is a member of the record that listens. Zeroes do not listen. */
struct cst__abort_link {
    struct cst__abort_link *next, *prev;
    cst_abort *abort; /* NULL: not listening */
    void (*fired)(struct cst__abort_link *link);
    bool is_attachment; /* the record is that of cst_abort_attach */
};

/**
 * Put the link into the list. fired is called once, inside cst_abort_fire; the link is out of the
 * list by then.
 */
void cst__abort_listen(cst_abort *abort, struct cst__abort_link *link,
                       void (*fired)(struct cst__abort_link *link));

/** Take the link out of the list. Do nothing if it does not listen. */
void cst__abort_unlisten(struct cst__abort_link *link);

#endif

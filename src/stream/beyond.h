/*
 * beyond.h - the functions of flow control that Node has not: CST_AGAIN, cst_enough and the like,
 * each in a file of its own. A chunk that uses none of them meets none of them.
 */
#ifndef CSTREAM_BEYOND_H
#define CSTREAM_BEYOND_H

#include "stream/layout.h"

/* --- again.c, recall.c ------------------------------------------------------------------------ */

/**
 * A transform or flush slot, which was called with `mark` buffered, has answered CST_AGAIN. Return
 * CST_PENDING if it will be called again; CST_OK if not, since EOF was pushed; else why it fails:
 * the stream has, or the slot has pushed nothing although there was room.
 */
cst_status cst__again(cst_stream *s, size_t mark);

/** Take down R_DATA_EMITTED before a slot is called, so that cst__again sees whether it pushes. */
void cst__watch_pushes(cst_stream *s);

/** Call the slot that has answered CST_AGAIN. T_KEPT was taken down. */
void cst__call_again(cst_stream *s);

/* --- hold.c, enough.c ------------------------------------------------------------------------- */

/** Go on with a side that has enough, since the slot of its last write has answered: flush, if it
 * is a transform, else close. Do nothing if the side has not enough. */
void cst__hold_flush(cst_stream *s);

/** Close a side that has enough, unless its slot owes an answer or its 'end' is to come: destroy
 * it, or if cst_end was called let what is held go by. Do nothing if the side has not enough. */
void cst__hold_close(cst_stream *s);

/** The event CST__EVENT_ENOUGH, and whether a listener has let go of what feeds the stream. */
struct cst__enough {
    cst_event event;
    bool let_go;
};

/** Let go of what feeds s: pipelines destroy the stages before it. Return whether any did. */
bool cst__let_feeders_go(cst_stream *s);

/* --- least.c, peek.c -------------------------------------------------------------------------- */

#define LARGEST_READ ((size_t)1 << 30)

/** Raise the highWaterMark for a read or a peek of n. */
void cst__raise_mark(cst_stream *s, size_t n);

/** Make a record that is to hold 'readable' back until n are buffered, or return NULL without
 * memory. Let it do so; or drop it, if it was not set. */
struct cst__least *cst__least_new(cst_stream *s, size_t n);
void cst__least_set(cst_stream *s, struct cst__least *least);
void cst__least_drop(struct cst__least *least);

/** Drop the record of a stream that has one. */
void cst__least_over(cst_stream *s);

/** Return whether a record holds 'readable' back. If it does not any more, drop it. */
bool cst__least_is_missing(cst_stream *s);

#endif

/*
 * eof.c - the end of a readable side: 'end', and what follows from it.
 */
#include "stream/stream_internal.h"

void cst__run_auto_end(cst_stream *s)
{
    if (!s->w_absent && !(s->hot & (W_ENDING | DESTROYED | ERRORED)))
        cst__end_unasked(s);
}

static bool writable_side_is_done(const cst_stream *s)
{
    return !s->has_writable || s->w_finished || s->w_absent;
}

/* Return whether 'end' may be emitted: the stream has not failed. If it has enough, close it first;
 * what it holds is lost before 'end'. */
OUT_OF_LINE bool ends_all_the_same(cst_stream *s)
{
    if (s->hot & ERRORED)
        return false;
    s->r_end_emitted = true;
    cst__hold_close(s);
    if (s->hot & DESTROYED)
        cst__run_fail_queue(s);
    return true;
}

void cst__run_end(cst_stream *s)
{
    s->r_end_scheduled = false;
    if (s->close_emitted || s->r_end_emitted || cst__r(s)->length != 0)
        return;
    if ((s->hot & (ERRORED | W_CORKED)) && !ends_all_the_same(s))
        return;
    s->r_end_emitted = true;
    cst__emit(s, CST_END);
    if (cst_is_writable(s) && !s->half_open)
        cst__post_for(s, TASK_AUTO_END);
    else if (s->auto_destroy && writable_side_is_done(s))
        cst__destroy(s, NULL);
}

void cst__end_readable(cst_stream *s)
{
    if (s->r_end_emitted || s->r_end_scheduled)
        return;
    s->hot |= R_ENDED;
    s->r_end_scheduled = true;
    cst__post_for(s, TASK_END);
}

/*
 * listener.c - net.h: a listener's state: when it waits for peers and when it rests, how many
 * connections it has, and when its memory goes. net.c makes it and accepts.
 */
#include "listener.h"

#include <limits.h>
#include <unistd.h>

/* How long a listener rests if it could not accept for want of something. */
#define PAUSE_NS ((uint64_t)100 * 1000000)

void cst__listener_check(const cst_listener *l)
{
#ifdef CST_CHECK
    assert((l->fd >= 0) == !l->closed);
    assert(l->closed || !l->max_open || l->open_count <= l->max_open);
    assert(l->closed ||
           ((l->rests & CST__REST_FULL) != 0) == (l->max_open && l->open_count >= l->max_open));
    assert(((l->rests & CST__REST_SHORT) != 0) == cst_timer_is_started(&l->pause));
    assert(!l->rests || l->loop->holds);
#else
    (void)l;
#endif
}

void cst__listener_free(cst_listener *l)
{
    const cst_allocator *allocator = l->loop->allocator;

    allocator->free(allocator->user, l, sizeof(*l));
}

static void free_if_done(cst_listener *l)
{
    if (l->closed && !l->calling && l->open_count == 0)
        cst__listener_free(l);
}

/* --- a listener's rest ------------------------------------------------------------------------ */

/* A listener that waits for nothing keeps the loop running all the same. */
static void begin_rest(cst_listener *l, enum cst__rest why)
{
    if (!l->rests) {
        (void)cst_watch_want_nothing(&l->watch);
        (void)cst_loop_hold(l->loop);
    }
    l->rests |= (unsigned)why;
}

void cst__listener_listen(cst_listener *l)
{
    if (!l->rests && !l->closed)
        (void)cst_watch_want(&l->watch, CST_WATCH_READ);
}

static void end_rest(cst_listener *l, unsigned why)
{
    unsigned before = l->rests;

    l->rests &= ~why;
    if (!before || l->rests)
        return;
    (void)cst_loop_release(l->loop);
    cst__listener_listen(l);
}

static void end_short_rest(void *arg)
{
    end_rest(arg, CST__REST_SHORT);
}

void cst__listener_rest_briefly(cst_listener *l)
{
    if (cst_timer_start_in(cst_loop_ctx(l->loop), &l->pause, PAUSE_NS, end_short_rest, l) == CST_OK)
        begin_rest(l, CST__REST_SHORT);
}

cst_status cst_listener_pause(cst_listener *l)
{
    if (!l)
        return CST_E_INVALID_ARG;
    if (!l->closed)
        begin_rest(l, CST__REST_PAUSED);
    return CST_OK;
}

cst_status cst_listener_resume(cst_listener *l)
{
    if (!l)
        return CST_E_INVALID_ARG;
    end_rest(l, CST__REST_PAUSED);
    return CST_OK;
}

/* --- the connections of a listener ------------------------------------------------------------ */

size_t cst_listener_open_count(const cst_listener *l)
{
    return l ? l->open_count : 0;
}

void cst__listener_took(cst_listener *l)
{
    l->open_count++;
    if (l->open_count == l->max_open)
        begin_rest(l, CST__REST_FULL);
}

void cst__listener_let_go(cst_listener *l)
{
    l->open_count--;
    end_rest(l, CST__REST_FULL);
    free_if_done(l);
}

/* --- closing ---------------------------------------------------------------------------------- */

void cst__listener_shut(cst_listener *l)
{
    (void)cst_timer_stop(cst_loop_ctx(l->loop), &l->pause);
    end_rest(l, UINT_MAX);
    cst_watch_remove(&l->watch);
    (void)cst__close(&l->fd);
    (void)cst__close(&l->spare);
    if (l->has_path)
        (void)unlink(l->path);
}

void cst_listener_close(cst_listener *l)
{
    if (!l || l->closed)
        return;
    l->closed = true;
    cst__listener_shut(l);
    cst__loop_leave(l->loop, &l->member);
    free_if_done(l);
}

void cst__listener_close_member(struct cst__loop_member *member)
{
    cst_listener_close((cst_listener *)(void *)member);
}

/* --- calling its function --------------------------------------------------------------------- */

bool cst__listener_tell(cst_listener *l, cst_stream *socket, cst_status status)
{
    bool closed;

    l->calling = true;
    l->fn(l, socket, status, l->arg);
    l->calling = false;
    closed = l->closed;
    free_if_done(l);
    return !closed;
}

/*
 * uv.h - a cst_loop under libuv: descriptors, files, sockets and servers (posix/fd.h, fs.h, net.h)
 * beside the program's own handles. For handles of libuv as streams see uv_stream.h, which this
 * header includes.
 *
 *     cst_uv host = { 0 };
 *
 *     cst_loop_new(&loop, NULL, NULL);
 *     cst_uv_attach(&host, uv, loop);
 *     cst_listen(&listener, loop, &at, NULL, on_client, NULL);
 *     uv_run(uv, UV_RUN_DEFAULT);              returns when neither of the two has anything left
 *     cst_uv_detach(&host);
 *     cst_loop_free(loop);
 *     uv_run(uv, UV_RUN_DEFAULT);              closes the handles; then host's storage may go
 *     uv_loop_close(uv);
 */
#ifndef CSTREAM_HOST_UV_H
#define CSTREAM_HOST_UV_H

#include "../posix/loop.h"
#include "uv_stream.h"

/**
 * Where a loop is attached to libuv. Storage of the program's: zero it, and set what is wanted of
 * the first fields. The others are private.
 *
 * on_status    called if a turn failed. NULL: uv_stop is called, so that uv_run returns; run it
 *              again to go on.
 * on_detached  called in uv_run, some time after cst_uv_detach: libuv has closed its handles, and
 *              the storage may go. May be NULL.
 * arg          for both
 * status       the latest failure; CST_OK if there was none
 */
typedef struct cst_uv {
    cst_host_status_fn *on_status;
    void (*on_detached)(void *arg);
    void *arg;
    cst_status status;
    cst_loop *loop;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_timer_t timer;
    int open_handles;
} cst_uv;

/* Private: run a turn. */
static inline void cst_uv_turn(cst_uv *host, cst_status st)
{
    if (st >= 0)
        st = cst_loop_run_once(host->loop, 0);
    if (st >= 0 || st == CST_E_NESTED)
        return;
    host->status = st;
    if (host->on_status)
        host->on_status(st, host->arg);
    else
        uv_stop(host->prepare.loop);
}

/* Private: the loop's descriptor is readable. */
static inline void cst_uv_on_ready(uv_poll_t *poll, int error, int events)
{
    (void)events;
    cst_uv_turn(CST_HOST_CAST(cst_uv *, poll->data), cst_uv_status(error));
}

/* Private: the sleep has ended, and the next prepare does the rest. */
static inline void cst_uv_on_timer(uv_timer_t *timer)
{
    (void)timer;
}

/* Private: libuv is about to compute how long it sleeps. */
static inline void cst_uv_before_sleep(uv_prepare_t *prepare)
{
    cst_uv *host = CST_HOST_CAST(cst_uv *, prepare->data);

    if (cst_loop_timeout_ns(host->loop) == 0)
        cst_uv_turn(host, CST_OK);
    if (!host->loop)
        return; /* detached by a callback */
    cst_uv_sleep(&host->timer, cst_uv_on_timer, cst_loop_timeout_ns(host->loop));
    if (cst_loop_is_alive(host->loop))
        uv_ref(cst_uv_handle(prepare));
    else
        uv_unref(cst_uv_handle(prepare));
}

/* Private: one of the program's own callbacks has given the loop something, or taken it away. */
static inline void cst_uv_on_change(void *arg)
{
    uv_ref(cst_uv_handle(&CST_HOST_CAST(cst_uv *, arg)->prepare));
}

/* Private. */
static inline void cst_uv_on_handle_closed(uv_handle_t *handle)
{
    cst_uv *host = CST_HOST_CAST(cst_uv *, handle->data);

    if (--host->open_handles == 0 && host->on_detached)
        host->on_detached(host->arg);
}

/**
 * Have libuv run a loop, from now until it is detached. Call this on the thread that runs the uv
 * loop. The loop must be run by nothing else meanwhile.
 *
 * uv_run goes on while the loop has something to do or to wait for (cst_loop_is_alive), whoever has
 * given it: before uv_run, in a callback of the loop's or in one of libuv's. Another thread may
 * cst_post while uv_run goes on; if nothing else keeps it running, hold the loop (cst_loop_hold).
 *
 * CST_OK             attached
 * CST_E_UNSUPPORTED  the loop's backend has no descriptor (poll)
 * CST_E_INVALID_ARG  an argument is NULL, or host or loop is attached already
 * CST_OS(n)          libuv refuses the descriptor; nothing has changed
 */
static inline cst_status cst_uv_attach(cst_uv *host, uv_loop_t *uv, cst_loop *loop)
{
    int error;

    if (!host || !uv || !loop || host->open_handles > 0)
        return CST_E_INVALID_ARG;
    if (cst_loop_fd(loop) < 0)
        return CST_E_UNSUPPORTED;
    if (cst_loop_set_host(loop, cst_uv_on_change, host) < 0)
        return CST_E_INVALID_ARG;
    error = uv_poll_init(uv, &host->poll, cst_loop_fd(loop));
    if (error) {
        cst_loop_set_host(loop, NULL, NULL);
        return cst_uv_status(error);
    }
    uv_prepare_init(uv, &host->prepare);
    uv_timer_init(uv, &host->timer);
    host->poll.data = host->prepare.data = host->timer.data = host;
    host->open_handles = 3;
    host->loop = loop;
    uv_unref(cst_uv_handle(&host->poll));
    uv_unref(cst_uv_handle(&host->timer));
    uv_poll_start(&host->poll, UV_READABLE, cst_uv_on_ready);
    return cst_uv_status(uv_prepare_start(&host->prepare, cst_uv_before_sleep));
}

/**
 * Undo cst_uv_attach, at any time, inside a callback of the loop's too. The loop may be freed, or
 * run by something else, once that callback has returned; host may be attached again when libuv has
 * closed its handles (on_detached). Does nothing if host is NULL or not attached.
 */
static inline void cst_uv_detach(cst_uv *host)
{
    if (!host || !host->loop)
        return;
    cst_loop_set_host(host->loop, NULL, NULL);
    host->loop = NULL;
    uv_close(cst_uv_handle(&host->poll), cst_uv_on_handle_closed);
    uv_close(cst_uv_handle(&host->prepare), cst_uv_on_handle_closed);
    uv_close(cst_uv_handle(&host->timer), cst_uv_on_handle_closed);
}

#endif

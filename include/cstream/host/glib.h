/*
 * glib.h - a cst_loop under GLib, and so under GTK and whatever runs a GMainContext: descriptors,
 * files, sockets and servers (posix/fd.h, fs.h, net.h) beside the program's own sources.
 *
 *     cst_glib host = { .on_status = on_status, .arg = main_loop };
 *
 *     cst_loop_new(&loop, NULL, NULL);
 *     cst_glib_attach(&host, NULL, loop);                    NULL: the default main context
 *     cst_listen(&listener, loop, &at, NULL, on_client, NULL);
 *     g_main_loop_run(main_loop);              until on_status, or whoever else, ends it
 *     cst_glib_detach(&host);
 *     cst_loop_free(loop);
 */
#ifndef CSTREAM_HOST_GLIB_H
#define CSTREAM_HOST_GLIB_H

#include <glib.h>

#include "../posix/loop.h"
#include "host.h"

/**
 * Where a loop is attached to GLib. Storage of the program's: zero it, and set what is wanted of
 * the first fields. The others are private.
 *
 * on_status  called if a turn failed. A main loop of GLib's does not end when nothing is left. So
 *            it is also called, with CST_IDLE, after a turn that has left nothing in the loop: a
 *            program that has nothing else calls g_main_loop_quit then. NULL: a failure is a
 *            g_warning.
 * arg        for it
 * status     the latest failure; CST_OK if there was none
 */
typedef struct cst_glib {
    cst_host_status_fn *on_status;
    void *arg;
    cst_status status;
    cst_loop *loop;
    GSource *source;
    gpointer tag; /* of the loop's descriptor in the source */
    bool is_changed;
} cst_glib;

/* Private: a source of GLib's, with where its loop is attached. */
typedef struct cst_glib_source {
    GSource source;
    cst_glib *host;
} cst_glib_source;

/* Private. */
static inline cst_glib *cst_glib_host(void *source)
{
    return CST_HOST_CAST(cst_glib_source *, source)->host;
}

/* Private: how long may GLib sleep? */
static inline gboolean cst_glib_prepare(GSource *source, gint *timeout_ms)
{
    const cst_glib *host = cst_glib_host(source);
    uint64_t ns = cst_loop_timeout_ns(host->loop);

    *timeout_ms = -1;
    if (ns != CST_NEVER)
        *timeout_ms = CST_HOST_CAST(gint, cst_host_round_up(ns, 1000000, G_MAXINT));
    return host->is_changed || ns == 0;
}

/* Private: is there something to do, after the sleep? */
static inline gboolean cst_glib_check(GSource *source)
{
    const cst_glib *host = cst_glib_host(source);

    return host->is_changed || g_source_query_unix_fd(source, host->tag) != 0 ||
           cst_loop_timeout_ns(host->loop) == 0;
}

/* Private: run a turn. */
static inline gboolean cst_glib_dispatch(GSource *source, GSourceFunc fn, gpointer arg)
{
    cst_glib *host = cst_glib_host(source);
    cst_status st;

    (void)fn;
    (void)arg;
    host->is_changed = false;
    st = cst_loop_run_once(host->loop, 0);
    if (st == CST_MORE || st == CST_E_NESTED || !host->loop)
        return G_SOURCE_CONTINUE;
    if (st < 0)
        host->status = st;
    if (host->on_status)
        host->on_status(st, host->arg);
    else if (st < 0)
        g_warning("libcstream: %s", cst_status_text(st));
    return G_SOURCE_CONTINUE;
}

/* Private: one of the program's own callbacks has given the loop something, or taken it away. */
static inline void cst_glib_on_change(void *arg)
{
    CST_HOST_CAST(cst_glib *, arg)->is_changed = true;
}

/* Private. */
static inline GSourceFuncs *cst_glib_funcs(void)
{
    static GSourceFuncs funcs = {
        cst_glib_prepare, cst_glib_check, cst_glib_dispatch, NULL, NULL, NULL
    };

    return &funcs;
}

/**
 * Have GLib run a loop, from now until it is detached. Call this on the thread that runs the main
 * context. The loop must be run by nothing else meanwhile. Its source is host->source, with the
 * default priority, which g_source_set_priority changes.
 *
 * Another thread may cst_post at any time.
 *
 * main  NULL: the default main context
 *
 * CST_OK             attached
 * CST_E_UNSUPPORTED  the loop's backend has no descriptor (poll)
 * CST_E_INVALID_ARG  host or loop is NULL, or attached already
 */
static inline cst_status cst_glib_attach(cst_glib *host, GMainContext *main, cst_loop *loop)
{
    GSource *source;

    if (!host || !loop || host->loop)
        return CST_E_INVALID_ARG;
    if (cst_loop_fd(loop) < 0)
        return CST_E_UNSUPPORTED;
    if (cst_loop_set_host(loop, cst_glib_on_change, host) < 0)
        return CST_E_INVALID_ARG;
    source = g_source_new(cst_glib_funcs(), sizeof(cst_glib_source));
    CST_HOST_CAST(cst_glib_source *, CST_HOST_CAST(void *, source))->host = host;
    host->loop = loop;
    host->source = source;
    host->tag = g_source_add_unix_fd(source, cst_loop_fd(loop), G_IO_IN);
    host->is_changed = true; /* the first turn looks what there is */
    g_source_attach(source, main);
    return CST_OK;
}

/**
 * Undo cst_glib_attach, at any time, inside a callback of the loop's too. The loop may be freed, or
 * run by something else, and host's storage may go, once that callback has returned. Does nothing
 * if host is NULL or not attached.
 */
static inline void cst_glib_detach(cst_glib *host)
{
    if (!host || !host->loop)
        return;
    cst_loop_set_host(host->loop, NULL, NULL);
    host->loop = NULL;
    g_source_destroy(host->source);
    g_source_unref(host->source);
    host->source = NULL;
}

#endif

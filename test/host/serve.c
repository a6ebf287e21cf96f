/*
 * serve.c - what cst_loop_run is in a server that runs under another loop: it attaches the loop,
 * runs the host's loop until that ends or a turn fails, and detaches. docs/examples/posix/
 * http_server.c is compiled with -Dcst_loop_run=host_run, and is otherwise as it stands.
 *
 * HOST_libuv, HOST_libevent, HOST_libev, HOST_glib or HOST_sd_event says which loop it is.
 */
#define _POSIX_C_SOURCE 200809L

#include <cstream/posix/posix.h>

#if defined(HOST_libuv)
#include <cstream/host/uv.h>
#elif defined(HOST_libevent)
#include <cstream/host/libevent.h>
#elif defined(HOST_libev)
#include <cstream/host/libev.h>
#elif defined(HOST_glib)
#include <cstream/host/glib.h>
#else
#include <cstream/host/sd_event.h>
#endif

cst_status host_run(cst_loop *loop);

#if defined(HOST_libuv)

cst_status host_run(cst_loop *loop)
{
    static cst_uv host;
    cst_status st;
    uv_loop_t uv;

    if (uv_loop_init(&uv) < 0)
        return CST_E_NOMEM;
    st = cst_uv_attach(&host, &uv, loop);
    if (st == CST_OK) {
        uv_run(&uv, UV_RUN_DEFAULT);
        st = host.status;
    }
    cst_uv_detach(&host);
    uv_run(&uv, UV_RUN_DEFAULT);
    host.status = CST_OK;
    return uv_loop_close(&uv) == 0 ? st : CST_E_INVALID_ARG;
}

#elif defined(HOST_libevent)

cst_status host_run(cst_loop *loop)
{
    cst_libevent host = { .status = CST_OK };
    struct event_base *base = event_base_new();
    cst_status st = base ? cst_libevent_attach(&host, base, loop) : CST_E_NOMEM;

    if (st == CST_OK) {
        event_base_dispatch(base);
        st = host.status;
    }
    cst_libevent_detach(&host);
    if (base)
        event_base_free(base);
    return st;
}

#elif defined(HOST_libev)

cst_status host_run(cst_loop *loop)
{
    cst_libev host = { .status = CST_OK };
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
    cst_status st = ev ? cst_libev_attach(&host, ev, loop) : CST_E_NOMEM;

    if (st == CST_OK) {
        ev_run(ev, 0);
        st = host.status;
    }
    cst_libev_detach(&host);
    if (ev)
        ev_loop_destroy(ev);
    return st;
}

#elif defined(HOST_glib)

static void on_status(cst_status status, void *main_loop)
{
    (void)status;
    g_main_loop_quit(main_loop);
}

cst_status host_run(cst_loop *loop)
{
    GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);
    cst_glib host = { .on_status = on_status, .arg = main_loop };
    cst_status st = cst_glib_attach(&host, NULL, loop);

    if (st == CST_OK) {
        g_main_loop_run(main_loop);
        st = host.status;
    }
    cst_glib_detach(&host);
    g_main_loop_unref(main_loop);
    return st;
}

#else

static void on_status(cst_status status, void *event)
{
    sd_event_exit(event, status < 0);
}

cst_status host_run(cst_loop *loop)
{
    sd_event *event;
    cst_sd_event host = { .on_status = on_status };
    cst_status st = cst_sd_event_status(sd_event_new(&event));

    if (st < 0)
        return st;
    host.arg = event;
    st = cst_sd_event_attach(&host, event, loop);
    if (st == CST_OK) {
        sd_event_loop(event);
        st = host.status;
    }
    cst_sd_event_detach(&host);
    sd_event_unref(event);
    return st;
}

#endif

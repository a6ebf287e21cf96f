/*
 * host_consumer.c - a program outside the tree, as install-check.sh builds it with libcstream-posix
 * and the loop that is asked for (-DWITH_LIBUV, -DWITH_GLIB or -DWITH_LIBEVENT): one call attaches
 * a cst_loop, and standard input goes to standard output. Exits 0 if all went well.
 */
#define _POSIX_C_SOURCE 200809L

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#if defined(WITH_LIBUV)
#include <cstream/host/uv.h>
#elif defined(WITH_GLIB)
#include <cstream/host/glib.h>
#else
#include <cstream/host/libevent.h>
#endif

static void on_done(const cst_error *error, void *arg)
{
    *(cst_status *)arg = error ? error->status : CST_OK;
}

static cst_status copy(cst_loop *loop, cst_status *outcome)
{
    cst_stream *stages[2] = { NULL, NULL };
    cst_status st = cst_stdin_new(&stages[0], loop, NULL);

    if (st >= 0)
        st = cst_stdout_new(&stages[1], loop, NULL);
    if (st >= 0)
        st = cst_pipeline(stages, 2, NULL, on_done, outcome);
    cst_unref(stages[0]);
    cst_unref(stages[1]);
    return st;
}

#if defined(WITH_LIBUV)
static cst_status run(cst_loop *loop)
{
    static cst_uv host;
    cst_status outcome = CST_PENDING;
    uv_loop_t uv;

    uv_loop_init(&uv);
    if (cst_uv_attach(&host, &uv, loop) == CST_OK && copy(loop, &outcome) >= 0)
        uv_run(&uv, UV_RUN_DEFAULT);
    cst_uv_detach(&host);
    uv_run(&uv, UV_RUN_DEFAULT);
    return uv_loop_close(&uv) == 0 ? outcome : CST_E_INVALID_ARG;
}
#elif defined(WITH_GLIB)
static void on_status(cst_status status, void *main_loop)
{
    (void)status;
    g_main_loop_quit((GMainLoop *)main_loop);
}

static cst_status run(cst_loop *loop)
{
    GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);
    cst_glib host = { .on_status = on_status, .arg = main_loop };
    cst_status outcome = CST_PENDING;

    if (cst_glib_attach(&host, NULL, loop) == CST_OK && copy(loop, &outcome) >= 0)
        g_main_loop_run(main_loop);
    cst_glib_detach(&host);
    g_main_loop_unref(main_loop);
    return outcome;
}
#else
static cst_status run(cst_loop *loop)
{
    static cst_libevent host;
    cst_status outcome = CST_PENDING;
    struct event_base *base = event_base_new();

    if (cst_libevent_attach(&host, base, loop) == CST_OK && copy(loop, &outcome) >= 0)
        event_base_dispatch(base);
    cst_libevent_detach(&host);
    event_base_free(base);
    return outcome;
}
#endif

int main(void)
{
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st >= 0) {
        st = run(loop);
        cst_loop_free(loop);
    }
    return st != CST_OK;
}

/*
 * glib.c - GLib runs a cst_loop. Its main loop ends when it is told to, here by on_status.
 *
 * It runs the program of echo.h. Calls shown: cst_glib_attach, cst_glib_detach
 */
#include <stdlib.h>

#include <cstream/host/glib.h>

#include "peers.h"

/* CST_IDLE: the loop has nothing left. A failure ends the main loop too. */
static void on_status(cst_status status, void *main_loop)
{
    (void)status;
    g_main_loop_quit(main_loop);
}

int main(void)
{
    GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);
    cst_glib host = { .on_status = on_status, .arg = main_loop };
    struct peers peers;
    cst_loop *loop;
    int result = EXIT_FAILURE;

    if (cst_loop_new(&loop, NULL, NULL) < 0)
        return EXIT_FAILURE;
    if (cst_glib_attach(&host, NULL, loop) == CST_OK && peers_begin(&peers, loop)) {
        g_main_loop_run(main_loop);
        result = peers_end(&peers);
    }
    cst_glib_detach(&host);
    cst_loop_free(loop);
    g_main_loop_unref(main_loop);
    return result;
}

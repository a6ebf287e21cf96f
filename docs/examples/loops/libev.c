/*
 * libev.c - libev runs a cst_loop: ev_run returns when neither of the two has anything left.
 *
 * It runs the program of echo.h. Calls shown: cst_libev_attach, cst_libev_detach
 */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>

#include <cstream/host/libev.h>

#include "peers.h"

int main(void)
{
    cst_libev host = { .status = CST_OK };
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
    struct peers peers;
    cst_loop *loop;
    int result = EXIT_FAILURE;

    if (!ev || cst_loop_new(&loop, NULL, NULL) < 0)
        return EXIT_FAILURE;
    if (cst_libev_attach(&host, ev, loop) == CST_OK && peers_begin(&peers, loop)) {
        ev_run(ev, 0);
        result = peers_end(&peers);
    }
    cst_libev_detach(&host);
    cst_loop_free(loop);
    ev_loop_destroy(ev);
    return result;
}

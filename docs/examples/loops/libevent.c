/*
 * libevent.c - libevent runs a cst_loop: event_base_dispatch returns when neither of the two has
 * anything left.
 *
 * It runs the program of echo.h. Calls shown: cst_libevent_attach, cst_libevent_detach
 */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>

#include <cstream/host/libevent.h>

#include "peers.h"

int main(void)
{
    cst_libevent host = { .status = CST_OK };
    struct event_base *base = event_base_new();
    struct peers peers;
    cst_loop *loop;
    int result = EXIT_FAILURE;

    if (!base || cst_loop_new(&loop, NULL, NULL) < 0)
        return EXIT_FAILURE;
    if (cst_libevent_attach(&host, base, loop) == CST_OK && peers_begin(&peers, loop)) {
        event_base_dispatch(base);
        result = peers_end(&peers);
    }
    cst_libevent_detach(&host);
    cst_loop_free(loop);
    event_base_free(base);
    return result;
}

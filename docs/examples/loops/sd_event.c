/*
 * sd_event.c - sd-event runs a cst_loop. Its loop ends when it is told to, here by on_status.
 *
 * It runs the program of echo.h. Calls shown: cst_sd_event_attach, cst_sd_event_detach
 */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>

#include <cstream/host/sd_event.h>

#include "peers.h"

/* CST_IDLE: the loop has nothing left. A failure ends the event loop too. */
static void on_status(cst_status status, void *event)
{
    sd_event_exit(event, status < 0);
}

int main(void)
{
    cst_sd_event host = { .on_status = on_status };
    struct peers peers;
    sd_event *event;
    cst_loop *loop;
    int result = EXIT_FAILURE;

    if (sd_event_new(&event) < 0 || cst_loop_new(&loop, NULL, NULL) < 0)
        return EXIT_FAILURE;
    host.arg = event;
    if (cst_sd_event_attach(&host, event, loop) == CST_OK && peers_begin(&peers, loop)) {
        sd_event_loop(event);
        result = peers_end(&peers);
    }
    cst_sd_event_detach(&host);
    cst_loop_free(loop);
    sd_event_unref(event);
    return result;
}

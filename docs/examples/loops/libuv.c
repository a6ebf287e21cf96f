/*
 * libuv.c - libuv runs a cst_loop: uv_run returns when neither of the two has anything left.
 *
 * It runs the program of echo.h. Calls shown: cst_uv_attach, cst_uv_detach
 */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>

#include <cstream/host/uv.h>

#include "peers.h"

int main(void)
{
    static cst_uv host;
    struct peers peers;
    uv_loop_t uv;
    cst_loop *loop;
    int result = EXIT_FAILURE;

    if (uv_loop_init(&uv) < 0 || cst_loop_new(&loop, NULL, NULL) < 0)
        return EXIT_FAILURE;
    if (cst_uv_attach(&host, &uv, loop) == CST_OK && peers_begin(&peers, loop)) {
        uv_run(&uv, UV_RUN_DEFAULT);
        result = peers_end(&peers);
    }
    cst_uv_detach(&host);
    cst_loop_free(loop);
    uv_run(&uv, UV_RUN_DEFAULT); /* closes host's handles */
    return uv_loop_close(&uv) == 0 ? result : EXIT_FAILURE;
}

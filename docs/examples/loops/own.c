/*
 * own.c - a cst_loop runs by itself, for a program that has no loop of its own.
 *
 * It runs the program of echo.h. Calls shown: cst_loop_new, cst_loop_run, cst_loop_free
 */
#include <stdlib.h>

#include "peers.h"

int main(void)
{
    struct peers peers;
    cst_loop *loop;
    int result = EXIT_FAILURE;

    if (cst_loop_new(&loop, NULL, NULL) < 0)
        return EXIT_FAILURE;
    if (peers_begin(&peers, loop) && cst_loop_run(loop) == CST_IDLE)
        result = peers_end(&peers);
    cst_loop_free(loop);
    return result;
}

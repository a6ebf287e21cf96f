/*
 * hostile_peers.c - lets the loops of docs/examples/loops that drive a cst_loop serve peers from
 * outside.
 *
 * It is linked with a loop, and takes the place of the program of peers.h: whatever connects to the
 * port in the first line of output gets back in capitals what it sends. It goes on until a signal
 * ends it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../docs/examples/upper_filter.h"
#include "peers.h"

bool hostile_begin(struct peers *peers, cst_loop *loop);
int hostile_end(struct peers *peers);

/* Ignore errors: peers that break off are what this program is for. */
static void on_done(const cst_error *error, void *arg)
{
    (void)error;
    (void)arg;
}

static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    cst_loop *loop = arg;
    cst_stream *upper;

    (void)listener;
    if (!socket) {
        fprintf(stderr, "a peer was not let in: %s\n", cst_status_text(status));
        exit(EXIT_FAILURE);
    }
    status = upper_new(&upper, cst_loop_ctx(loop));
    if (status >= 0)
        status =
            cst_pipeline((cst_stream *const[]){ socket, upper, socket }, 3, NULL, on_done, NULL);
    if (status < 0)
        exit(EXIT_FAILURE);
    cst_unref(upper);
    cst_unref(socket);
}

bool hostile_begin(struct peers *peers, cst_loop *loop)
{
    const cst_listen_opts opts = { .socket = { .allow_half_open = true } };

    if (cst_listen(&peers->listener, loop, &(cst_address){ .host = "127.0.0.1" }, &opts, on_client,
                   loop) < 0 ||
        cst_listener_address(&peers->at, peers->listener) < 0)
        return false;
    printf("127.0.0.1:%u\n", (unsigned)peers->at.port);
    fflush(stdout);
    return true;
}

int hostile_end(struct peers *peers)
{
    (void)peers;
    return EXIT_FAILURE; /* a loop that serves has no end */
}

/*
 * uv_stream.c - libuv drives a context without a cst_loop: handles of libuv's are streams.
 *
 * It runs the program of echo.h. Calls shown: cst_uv_ctx_opts, cst_uv_attach_ctx,
 * cst_uv_stream_new, cst_uv_detach_ctx
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdlib.h>

#include <cstream/host/uv_stream.h>

#include "sockets.h"

struct loop {
    uv_loop_t uv;
    cst_uv_ctx host;
    cst_ctx *ctx;
    size_t count;
    uv_tcp_t ends[MAX_ENDS];
};

/* A handle stays until its stream has closed; so no reference to the stream is needed. */
static cst_status open_end(cst_stream **out, int fd, void *arg)
{
    struct loop *loop = arg;
    uv_tcp_t *tcp = &loop->ends[loop->count++];
    cst_status st;

    uv_tcp_init(&loop->uv, tcp);
    uv_tcp_open(tcp, fd);
    st = cst_uv_stream_new(out, loop->ctx, (uv_stream_t *)tcp, NULL);
    if (st < 0)
        uv_close((uv_handle_t *)tcp, NULL);
    else
        cst_unref(*out);
    return st;
}

int main(void)
{
    static struct loop loop;
    struct program program;
    cst_ctx_opts opts;
    int result = EXIT_FAILURE;

    signal(SIGPIPE, SIG_IGN); /* libuv leaves it to its user */
    loop = (struct loop){ .count = 0 };
    opts = cst_uv_ctx_opts(&loop.host);
    if (uv_loop_init(&loop.uv) < 0 || cst_ctx_new(&loop.ctx, cst_allocator_malloc(), &opts) < 0)
        return EXIT_FAILURE;
    if (cst_uv_attach_ctx(&loop.host, &loop.uv, loop.ctx) == CST_OK) {
        program_begin(&program, loop.ctx, open_end, &loop);
        uv_run(&loop.uv, UV_RUN_DEFAULT);
        result = program_end(&program);
    }
    cst_uv_detach_ctx(&loop.host);
    cst_ctx_free(loop.ctx);
    uv_run(&loop.uv, UV_RUN_DEFAULT); /* closes host's handles */
    return uv_loop_close(&loop.uv) == 0 ? result : EXIT_FAILURE;
}

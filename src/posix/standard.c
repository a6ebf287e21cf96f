/*
 * standard.c - fd.h: the standard streams of the process.
 */
#include "cstream/posix/posix.h"

#include <unistd.h>

static cst_fd_opts standard(const cst_opts *opts)
{
    cst_fd_opts all = { .borrowed = true, .shared = true };

    if (opts)
        all.stream = *opts;
    all.stream.no_pipe_end = true; /* nothing that is piped into them ends them */
    return all;
}

cst_status cst_stdin_new(cst_stream **out, cst_loop *loop, const cst_opts *opts)
{
    cst_fd_opts all = standard(opts);

    return cst_fd_source_new(out, loop, STDIN_FILENO, &all);
}

cst_status cst_stdout_new(cst_stream **out, cst_loop *loop, const cst_opts *opts)
{
    cst_fd_opts all = standard(opts);

    return cst_fd_sink_new(out, loop, STDOUT_FILENO, &all);
}

cst_status cst_stderr_new(cst_stream **out, cst_loop *loop, const cst_opts *opts)
{
    cst_fd_opts all = standard(opts);

    return cst_fd_sink_new(out, loop, STDERR_FILENO, &all);
}

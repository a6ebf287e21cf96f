/*
 * backend.c - linked into the servers of hostile.sh that have a cst_loop: HOSTILE_BACKEND in the
 * environment names how it waits. The linker sends their calls of cst_loop_new here (--wrap).
 */
#include <stdlib.h>

#include <cstream/posix/posix.h>

cst_status __real_cst_loop_new(cst_loop **out, const cst_allocator *allocator,
                               const cst_loop_opts *opts);
cst_status __wrap_cst_loop_new(cst_loop **out, const cst_allocator *allocator,
                               const cst_loop_opts *opts);

cst_status __wrap_cst_loop_new(cst_loop **out, const cst_allocator *allocator,
                               const cst_loop_opts *opts)
{
    cst_loop_opts with = { .backend = NULL };

    if (opts)
        with = *opts;
    with.backend = getenv("HOSTILE_BACKEND");
    return __real_cst_loop_new(out, allocator, &with);
}

/*
 * edges.c - counts, for each scenario that a runner replays, the branches that no scenario before
 * it took. Linked only into the runner that select.mjs builds.
 *
 * The compiler calls __sanitizer_cov_trace_pc in every basic block of the library. Two blocks that
 * run one after the other are an edge. The linker passes each call of scenario_run to us (--wrap);
 * after each, a line with the number of new edges goes to the file that EDGES names.
 */
#include "scenario_run.h"

#include <stdint.h>
#include <stdlib.h>

enum { SLOTS = 1 << 20 };

static bool taken[SLOTS]; /* by a hash of the edge */
static uintptr_t last_block;
static size_t news;

void __sanitizer_cov_trace_pc(void);
bool __real_scenario_run(const struct scenario *sc, const cst_allocator *allocator,
                         const struct run_opts *opts);
bool __wrap_scenario_run(const struct scenario *sc, const cst_allocator *allocator,
                         const struct run_opts *opts);

/* Take addresses relative to our own code, so that the hash does not depend on where the program
 * is loaded. */
void __sanitizer_cov_trace_pc(void)
{
    uintptr_t block = (uintptr_t)__builtin_return_address(0) - (uintptr_t)__sanitizer_cov_trace_pc;
    uint64_t edge = ((uint64_t)block << 32) ^ (uint64_t)last_block;
    bool *slot = &taken[(edge * 0x9e3779b97f4a7c15u) >> 44];

    news += !*slot;
    *slot = true;
    last_block = block;
}

bool __wrap_scenario_run(const struct scenario *sc, const cst_allocator *allocator,
                         const struct run_opts *opts)
{
    static FILE *out;

    if (out == NULL)
        out = fopen(getenv("EDGES"), "w");
    news = 0;
    last_block = 0;
    bool exact = __real_scenario_run(sc, allocator, opts);
    fprintf(out, "%zu\n", news);
    return exact;
}

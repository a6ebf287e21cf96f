/*
 * scenario_run.h - run a scenario on the library and print its trace.
 */
#ifndef SCENARIO_RUN_H
#define SCENARIO_RUN_H

#include "scenario_parse.h"

#include <stdio.h>

struct inject;

/**
 * out               the file for the trace; NULL: none is printed
 * explicit_answers  no slot answers by its status: all complete inside the call, then return
 *                   CST_PENDING
 * task_budget       tasks of one cst_ctx_run, which is called until it is idle; 0: no limit
 * byte_budget       bytes that flows may move in one cst_ctx_run; 0: no limit
 * copies            write and push by cst_write_copy and cst_push_copy
 * ask               every other slot that returns its answer asks for its call too; each slot looks
 *                   at its stream after cst_give
 * foreign           bytes are memory of the host, which looks at their stream when they are
 *                   released
 * deaf              listen only to events that the scenario hangs something on, and to those whose
 *                   listeners change what a stream does: 'data', 'readable', 'error'
 * inject            the faults of the run (scenario_inject.h); NULL: none
 */
struct run_opts {
    FILE *out;
    bool explicit_answers;
    size_t task_budget;
    size_t byte_budget;
    bool copies;
    bool ask;
    bool foreign;
    bool deaf;
    struct inject *inject;
};

/** Print the trace, then free everything. Return false, with a line on standard error for each, if
 * a callback of a write or end that was accepted did not run exactly once; if a refused one ran; or
 * if a callback of a pipeline or a finished ran twice, or was refused and ran. */
bool scenario_run(const struct scenario *sc, const cst_allocator *allocator,
                  const struct run_opts *opts);

#endif

/*
 * scenario_run.h - runs a scenario on the library and prints its trace.
 */
#ifndef SCENARIO_RUN_H
#define SCENARIO_RUN_H

#include "scenario_parse.h"

#include <stdio.h>

struct inject;

/**
 * out               where the trace goes; NULL: nowhere
 * explicit_answers  no slot answers by its status: all complete inside the call, then return
 *                   CST_PENDING
 * task_budget       tasks of one cst_ctx_run, which is called until it is idle; 0 is without limit
 * byte_budget       bytes that flows may move in one cst_ctx_run, likewise
 * copies            writes and pushes are made by cst_write_copy and cst_push_copy
 * ask               every other slot that returns its answer asks for its call too, and each
 *                   looks at its stream when it has given a chunk
 * foreign           bytes are memory of the host, which looks at their stream when they are
 *                   released
 * deaf              only those events are listened to that the scenario hangs something on, and
 *                   those whose listeners change what a stream does: 'data', 'readable', 'error'
 * inject            what goes wrong (scenario_inject.h); NULL: nothing does
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
 * a callback of a write or an end that was accepted did not run exactly once, or one that was
 * refused ran, or one of a pipeline or a finished ran twice or was refused and ran. */
bool scenario_run(const struct scenario *sc, const cst_allocator *allocator,
                  const struct run_opts *opts);

#endif

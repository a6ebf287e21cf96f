/*
 * scenario_inject_all.h - every fault at every step of every scenario of packed files, or a random
 * sample of them.
 */
#ifndef SCENARIO_INJECT_ALL_H
#define SCENARIO_INJECT_ALL_H

#include "scenario_run.h"

/**
 * run     the options of every run
 * sample  how many faults to draw for each scenario; 0: all of them
 * pairs   how many pairs of faults to draw for each scenario
 * seed    decides the draws, together with the name of the scenario
 */
struct inject_plan {
    struct run_opts run;
    size_t sample, pairs, seed;
};

/**
 * Run the scenarios of the files that paths names, up to its NULL. Print one line of sums. Before
 * it print, on standard error, the options that repeat each run in which a check failed, or in
 * which the process was aborted or terminated.
 *
 * Return 0 if all checks held, 4 if one failed, 2 if a file could not be read.
 */
int inject_all(char *const *paths, const struct inject_plan *plan);

#endif

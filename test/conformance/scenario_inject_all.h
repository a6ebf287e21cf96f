/*
 * scenario_inject_all.h - every fault at every step of every scenario of packed files, or some of
 * them by chance.
 */
#ifndef SCENARIO_INJECT_ALL_H
#define SCENARIO_INJECT_ALL_H

#include "scenario_run.h"

/**
 * run     what every run is made with
 * sample  faults that are drawn for each scenario; 0 is every one there is
 * pairs   pairs of faults that are drawn for each scenario
 * seed    of the draws: with the scenario's name it decides them
 */
struct inject_plan {
    struct run_opts run;
    size_t sample, pairs, seed;
};

/**
 * Run the scenarios of the files that paths names, up to its NULL. Print one line of sums, and
 * before it, on standard error, for each run in which something did not hold the options that
 * repeat it; also where the process is aborted or terminated in it.
 *
 * 0 if all held, 4 if one did not, 2 if a file could not be read
 */
int inject_all(char *const *paths, const struct inject_plan *plan);

#endif

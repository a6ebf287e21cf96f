/*
 * scenario_replay.h - run recorded scenarios and compare their traces with the recorded ones.
 */
#ifndef SCENARIO_REPLAY_H
#define SCENARIO_REPLAY_H

#include <stdbool.h>
#include <stdio.h>

/** Run the scenario in text, which may be cut up, and print its trace to out. Return the exit code
 * of the runner. */
typedef int replay_run_fn(char *text, FILE *out, void *arg);

/**
 * Replay every entry of the packed files that paths names, up to its NULL, and print each result as
 * cmocka does. With deaf, events that then have no listener (scenario_run.h) are left out of the
 * recorded traces.
 *
 * Return 0 if all traces agree, 1 if one does not, 2 if a file could not be read.
 */
int replay(char *const *paths, bool deaf, replay_run_fn *run, void *arg);

#endif

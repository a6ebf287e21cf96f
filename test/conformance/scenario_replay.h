/*
 * scenario_replay.h - runs recorded scenarios and compares their traces with the recorded ones.
 */
#ifndef SCENARIO_REPLAY_H
#define SCENARIO_REPLAY_H

#include <stdbool.h>
#include <stdio.h>

/** Runs the scenario in text, which it may cut up, and prints its trace to out. Gives the code that
 * the runner would exit with. */
typedef int replay_run_fn(char *text, FILE *out, void *arg);

/**
 * Replays every entry of the packed files that paths names, up to its NULL, and prints each one's
 * fate as cmocka does. deaf: the events that nobody listens to then (scenario_run.h) are left out
 * of the recorded traces.
 *
 * 0 if all gave their traces, 1 if one did not, 2 if a file could not be read.
 */
int replay(char *const *paths, bool deaf, replay_run_fn *run, void *arg);

#endif

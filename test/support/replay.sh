#!/bin/sh
# replay.sh [FILE...] - replays the recorded corpus, or these files, and compares each trace with Node's: as methods answer
# by default, with every answer by a completion call, with one task a run, with bytes that are copied, with nobody who
# listens needlessly, with methods that ask for their call needlessly, and with bytes of the host's own. The runner does
# all of that, and so does the one of the library without its fast path; the one under the sanitizers, if there is such a
# runner, does the first, the fifth and the last. Scenarios of cut.txt run with a limit of bytes besides, which does not
# change their traces.
set -u

build=${BUILD:-build}
cut=
[ $# -gt 0 ] || { set -- test/conformance/corpus/*.txt; cut=test/conformance/corpus/cut.txt; }
files=$*
status=0
ways=0

# replay RUNNER [OPTION...]
replay()
{
    ways=$((ways + 1))
    replay_files "$files" "$@"
}

# replay_files FILES RUNNER [OPTION...]
replay_files()
{
    list=$1
    shift
    echo "replay: $*"
    # The files are a list of words.
    # shellcheck disable=SC2086
    "$@" --replay $list || status=1
}

for runner in "$build/test/scenario" "$build/plain/test/scenario"; do
    [ "$runner" = "$build/test/scenario" ] || [ -x "$runner" ] || continue
    replay "$runner"
    replay "$runner" --explicit
    replay "$runner" --task-budget 1
    replay "$runner" --copy
    replay "$runner" --deaf
    replay "$runner" --ask
    replay "$runner" --foreign
    [ -z "$cut" ] || replay_files "$cut" "$runner" --byte-budget 5
    [ -z "$cut" ] || replay_files "$cut" "$runner" --byte-budget 20
done
if [ -x "$build/asan/test/scenario" ]; then
    replay "$build/asan/test/scenario"
    replay "$build/asan/test/scenario" --deaf
    replay "$build/asan/test/scenario" --foreign
fi
[ $status -ne 0 ] || echo "$(cat "$@" | grep -c '^== ') scenarios give Node's trace, in $ways ways"
exit $status

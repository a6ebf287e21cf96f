#!/bin/sh
# replay.sh [FILE...] - replays the recorded corpus, or these files, and compares each trace with Node's: as methods answer
# by default, with every answer by a completion call, with one task a run, with bytes that are copied, with nobody who
# listens needlessly, with methods that ask for their call needlessly, with bytes of the host's own, and under the
# sanitizers where there is such a runner.
set -u

build=${BUILD:-build}
[ $# -gt 0 ] || set -- test/conformance/corpus/*.txt
files=$*
status=0

# replay RUNNER [OPTION...]
replay()
{
    echo "replay: $*"
    # The files are a list of words.
    # shellcheck disable=SC2086
    "$@" --replay $files || status=1
}

replay "$build/test/scenario"
replay "$build/test/scenario" --explicit
replay "$build/test/scenario" --task-budget 1
replay "$build/test/scenario" --copy
replay "$build/test/scenario" --deaf
replay "$build/test/scenario" --ask
replay "$build/test/scenario" --foreign
ways=7
if [ -x "$build/asan/test/scenario" ]; then
    replay "$build/asan/test/scenario"
    replay "$build/asan/test/scenario" --deaf
    replay "$build/asan/test/scenario" --foreign
    ways=10
fi
[ $status -ne 0 ] || echo "$(cat "$@" | grep -c '^== ') scenarios give Node's trace, in $ways ways"
exit $status

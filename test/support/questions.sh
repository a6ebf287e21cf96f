#!/bin/sh
# questions.sh - replays the recorded buffer questions and compares each answer with Node's, also under the sanitizers
# where there is such a runner.
set -u

build=${BUILD:-build}
status=0

# replay RUNNER
replay()
{
    echo "replay: $1"
    "$1" --replay test/conformance/questions/*.txt || status=1
}

replay "$build/test/buffer-questions"
ways=1
if [ -x "$build/asan/test/buffer-questions" ]; then
    replay "$build/asan/test/buffer-questions"
    ways=2
fi
[ $status -ne 0 ] || echo "$(cat test/conformance/questions/*.txt | wc -l) buffer questions have Node's answer, in $ways ways"
exit $status
